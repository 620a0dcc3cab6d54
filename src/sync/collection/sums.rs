//! [`Sums`]: summaries of blocks, of which any first ones are summed in O(log blocks).
//!
//! Fenwick, *A New Data Structure for Cumulative Frequency Tables*, 1994.

use super::Summary;
use alloc::vec::Vec;

/// At each place the sum of as many blocks up to it as its lowest set bit, counted from one.
#[derive(Clone, Debug, Default)]
pub(super) struct Sums(Vec<Summary>);

const fn lowest_bit(place: usize) -> usize {
    place & place.wrapping_neg()
}

impl Sums {
    /// O(blocks).
    pub(super) fn of(blocks: impl Iterator<Item = Summary>) -> Self {
        let mut sums: Vec<Summary> = blocks.collect();
        for place in 1..=sums.len() {
            let own = sums.get(place - 1).copied().unwrap_or_default();
            if let Some(above) = sums.get_mut(place + lowest_bit(place) - 1) {
                *above += own;
            }
        }
        Self(sums)
    }

    /// Takes one summary out of a block and puts another in.
    pub(super) fn change(&mut self, block: usize, old: Summary, new: Summary) {
        let mut place = block + 1;
        while let Some(sum) = self.0.get_mut(place - 1) {
            *sum -= old;
            *sum += new;
            place += lowest_bit(place);
        }
    }

    /// The sum of the first blocks.
    pub(super) fn before(&self, block: usize) -> Summary {
        let (mut place, mut sum) = (block, Summary::default());
        while let Some(part) = place.checked_sub(1).and_then(|at| self.0.get(at)) {
            sum += *part;
            place -= lowest_bit(place);
        }
        sum
    }

    /// The block that holds the row of this number, counted from 0, and its number in the block.
    pub(super) fn find(&self, row: u64) -> (usize, u64) {
        let (mut place, mut left) = (0, row);
        let mut step = (self.0.len() + 1).next_power_of_two();
        while step > 0 {
            if let Some(part) = self.0.get(place + step - 1).filter(|part| part.count <= left) {
                left -= part.count;
                place += step;
            }
            step /= 2;
        }
        (place, left)
    }
}

#[cfg(test)]
mod tests {
    use super::{Summary, Sums};
    use crate::sync::Fingerprint;
    use alloc::vec::Vec;

    #[test]
    fn sums_are_those_of_a_walk() {
        let block = |n: u64| Summary { count: n % 4, sum: Fingerprint::of(&n) };
        for len in 0..40_usize {
            let mut blocks: Vec<_> = (0..len as u64).map(block).collect();
            let mut sums = Sums::of(blocks.iter().copied());
            for at in 0..len {
                let new = block(at as u64 + 100);
                sums.change(at, blocks[at], new);
                blocks[at] = new;
                let mut walked = Summary::default();
                let mut rows = 0..;
                for (at, block) in blocks.iter().enumerate() {
                    assert_eq!(sums.before(at), walked);
                    for row in 0..block.count {
                        assert_eq!(sums.find(rows.next().unwrap()), (at, row));
                    }
                    walked += *block;
                }
                assert_eq!(sums.before(len), walked);
                assert_eq!(sums.find(walked.count), (len, 0));
            }
        }
    }
}
