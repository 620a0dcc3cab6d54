//! [`Intervals`]: the counters of one replica that were seen, as sorted closed intervals.

use super::block::{BLOCK, first_counter, place};
use smallvec::{SmallVec, smallvec};

/// A closed interval of counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Interval {
    pub(super) first: u64,
    pub(super) last: u64,
}

/// A set of counters: sorted, disjoint, non-touching intervals that start at 1 or later. Nearly
/// always one interval, which needs no allocation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Intervals(SmallVec<[Interval; 1]>);

impl Intervals {
    pub(super) fn of(first: u64, last: u64) -> Self {
        Self(smallvec![Interval { first, last }])
    }

    pub(super) fn as_slice(&self) -> &[Interval] {
        &self.0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The greatest counter; 0 if there is none.
    pub(super) fn last(&self) -> u64 {
        self.0.last().map_or(0, |interval| interval.last)
    }

    /// The index of the first interval that ends at or after `counter`.
    fn at_or_after(&self, counter: u64) -> usize {
        match self.0.first() {
            // The usual single interval needs no search.
            Some(first) if counter <= first.last => 0,
            _ => self.0.partition_point(|interval| interval.last < counter),
        }
    }

    pub(super) fn contains(&self, counter: u64) -> bool {
        self.0.get(self.at_or_after(counter)).is_some_and(|interval| interval.first <= counter)
    }

    /// Which counters of a block of 64 are in the set.
    pub(super) fn mask(&self, block: u64) -> u64 {
        let start = first_counter(block);
        let end = start + (BLOCK - 1);
        let mut mask = 0;
        for interval in &self.0[self.at_or_after(start)..] {
            if interval.first > end {
                break;
            }
            let low = interval.first.max(start) - start;
            let high = interval.last.min(end) - start;
            mask |= (u64::MAX << low) & (u64::MAX >> (BLOCK - 1 - high));
        }
        mask
    }

    /// The blocks that the set touches: ascending ranges, each block in one of them.
    pub(super) fn block_ranges(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let mut next = 0;
        self.0.iter().filter_map(move |interval| {
            let (from, upto) = (place(interval.first).0.max(next), place(interval.last).0);
            next = upto + 1;
            (from <= upto).then_some((from, upto))
        })
    }

    /// Adds `first..=last`; whether that added anything.
    pub(super) fn insert(&mut self, first: u64, last: u64) -> bool {
        // From the first interval that touches `first..=last` to the last one that does.
        let from = self.at_or_after(first.saturating_sub(1));
        let upto = from
            + self.0[from..].iter().take_while(|it| it.first <= last.saturating_add(1)).count();
        if from == upto {
            self.0.insert(from, Interval { first, last });
            return true;
        }
        let covered = self.0[from];
        if covered.first <= first && last <= covered.last {
            return false;
        }
        let end = self.0[upto - 1].last.max(last);
        self.0[from] = Interval { first: covered.first.min(first), last: end };
        self.0.drain(from + 1..upto);
        true
    }

    /// Adds all of `other`; whether that added anything.
    pub(super) fn union(&mut self, other: &Self) -> bool {
        // A few intervals, as deltas have, are inserted one by one; more are merged in one pass over
        // both, since each insertion may move all that follows.
        if other.0.len() <= 4 {
            let mut grown = false;
            for interval in &other.0 {
                grown |= self.insert(interval.first, interval.last);
            }
            return grown;
        }
        if self.covers(other) {
            return false;
        }
        let mut merged = Self::default();
        let (mut ours, mut theirs) = (self.0.iter().peekable(), other.0.iter().peekable());
        loop {
            let ours_is_next = match (ours.peek(), theirs.peek()) {
                (Some(our), Some(their)) => our.first <= their.first,
                (our, _) => our.is_some(),
            };
            let next = if ours_is_next { ours.next() } else { theirs.next() };
            match next {
                Some(next) => merged.append_interval(*next),
                None => break,
            }
        }
        *self = merged;
        true
    }

    /// Whether all of `other` is here. O(intervals).
    pub(super) fn covers(&self, other: &Self) -> bool {
        let mut ours = self.0.iter().peekable();
        other.0.iter().all(|their| {
            while ours.next_if(|our| our.last < their.last).is_some() {}
            // No two of ours touch, so one of them has to hold all of theirs.
            ours.peek().is_some_and(|our| our.first <= their.first)
        })
    }

    /// Adds a counter that is at least the last one.
    pub(super) fn append(&mut self, counter: u64) {
        self.append_interval(Interval { first: counter, last: counter });
    }

    /// Adds an interval that starts at or after the start of the last one.
    pub(super) fn append_interval(&mut self, next: Interval) {
        match self.0.last_mut() {
            Some(last) if next.first <= last.last.saturating_add(1) => {
                last.last = last.last.max(next.last);
            }
            _ => self.0.push(next),
        }
    }

    /// The counters that are in both sets. O(intervals).
    pub(super) fn intersection(&self, other: &Self) -> Self {
        let mut both = Self::default();
        let mut theirs = &other.0[..];
        for our in &self.0 {
            while let [their, rest @ ..] = theirs {
                let (first, last) = (our.first.max(their.first), our.last.min(their.last));
                if first <= last {
                    both.0.push(Interval { first, last });
                }
                if their.last > our.last {
                    break;
                }
                theirs = rest;
            }
        }
        both
    }

    /// The counters that are here and not in `other`. O(intervals).
    pub(super) fn difference(&self, other: &Self) -> Self {
        let mut rest = Self::default();
        let mut holes = other.0.iter().peekable();
        for our in &self.0 {
            let mut first = Some(our.first);
            while let (Some(start), Some(hole)) = (first, holes.peek()) {
                if hole.first > our.last {
                    break;
                }
                if hole.first > start {
                    rest.0.push(Interval { first: start, last: hole.first - 1 });
                }
                let after = hole.last.checked_add(1).map(|after| after.max(start));
                first = after.filter(|&after| after <= our.last);
                if hole.last > our.last {
                    break;
                }
                holes.next();
            }
            if let Some(first) = first {
                rest.0.push(Interval { first, last: our.last });
            }
        }
        rest
    }

    /// Takes out every counter after `last`.
    pub(super) fn truncate_after(&mut self, last: u64) {
        while self.0.last().is_some_and(|interval| interval.first > last) {
            self.0.pop();
        }
        if let Some(interval) = self.0.last_mut() {
            interval.last = interval.last.min(last);
        }
    }

    /// Adds the set bits of a block; blocks come in ascending order.
    pub(super) fn append_mask(&mut self, block: u64, mut mask: u64) {
        let start = first_counter(block);
        while mask != 0 {
            let low = mask.trailing_zeros();
            let run = (!(mask >> low)).trailing_zeros();
            self.append_interval(Interval {
                first: start + u64::from(low),
                last: start + u64::from(low + run - 1),
            });
            let above = low + run;
            mask = if u64::from(above) == BLOCK { 0 } else { mask >> above << above };
        }
    }

    /// Adds an interval read from outside: only one that keeps the invariants.
    #[cfg(feature = "serde")]
    pub(super) fn try_append(&mut self, first: u64, last: u64) -> bool {
        let after = self.0.last().map_or(Some(0), |interval| interval.last.checked_add(1));
        let fits = after.is_some_and(|after| first > after) && first <= last;
        if fits {
            self.0.push(Interval { first, last });
        }
        fits
    }

    pub(super) fn check_invariants(&self) -> Result<(), &'static str> {
        let sound = |interval: &Interval| 1 <= interval.first && interval.first <= interval.last;
        if !self.0.iter().all(sound) {
            return Err("an interval is empty or starts before 1");
        }
        let apart = |pair: &[Interval]| pair[0].last < pair[1].first.saturating_sub(1);
        if !self.0.windows(2).all(apart) {
            return Err("intervals touch, overlap or are out of order");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Interval, Intervals};
    use alloc::{collections::BTreeSet, vec::Vec};
    use proptest::prelude::*;

    /// Obviously right, and infeasibly slow for real counters.
    type Model = BTreeSet<u64>;

    fn build(ranges: &[(u64, u64)]) -> (Intervals, Model) {
        let (mut set, mut model) = (Intervals::default(), Model::new());
        for &(first, len) in ranges {
            let grows = (first..=first + len).any(|counter| !model.contains(&counter));
            assert_eq!(set.insert(first, first + len), grows, "insert tells the truth");
            model.extend(first..=first + len);
        }
        (set, model)
    }

    fn same(set: &Intervals, model: &Model) {
        let touched = set.block_ranges().flat_map(|(from, upto)| from..=upto);
        let blocks: BTreeSet<u64> = model.iter().map(|counter| counter / 64).collect();
        assert_eq!(touched.collect::<Vec<_>>(), blocks.into_iter().collect::<Vec<_>>());
        assert_eq!(set.check_invariants(), Ok(()));
        let listed = set.as_slice().iter().flat_map(|it| it.first..=it.last);
        assert_eq!(listed.collect::<Vec<_>>(), model.iter().copied().collect::<Vec<_>>());
        for block in 0..6 {
            let bits = (0..64).filter(|bit| model.contains(&(block * 64 + bit)));
            assert_eq!(set.mask(block), bits.fold(0, |mask, bit| mask | 1 << bit));
        }
    }

    fn ranges() -> impl Strategy<Value = Vec<(u64, u64)>> {
        prop::collection::vec((1..300_u64, 0..40_u64), 0..24)
    }

    proptest! {
        #[test]
        fn set_operations_agree_with_a_set(a in ranges(), b in ranges(), cut in 0..350_u64) {
            let ((a, model_a), (b, model_b)) = (build(&a), build(&b));
            same(&a, &model_a);
            same(&a.intersection(&b), &(&model_a & &model_b));
            same(&a.difference(&b), &(&model_a - &model_b));

            let mut union = a.clone();
            prop_assert_eq!(union.union(&b), !model_b.is_subset(&model_a));
            same(&union, &(&model_a | &model_b));

            let mut rebuilt = Intervals::default();
            (0..6).for_each(|block| rebuilt.append_mask(block, a.mask(block)));
            prop_assert_eq!(&rebuilt, &a);

            let mut head = a;
            head.truncate_after(cut);
            same(&head, &model_a.into_iter().filter(|&counter| counter <= cut).collect());
        }
    }

    #[test]
    fn broken_intervals_are_found() {
        let check = |intervals: &[(u64, u64)]| {
            let intervals = intervals.iter().map(|&(first, last)| Interval { first, last });
            Intervals(intervals.collect()).check_invariants()
        };
        let unsound = Err("an interval is empty or starts before 1");
        assert_eq!([check(&[(0, 1)]), check(&[(3, 2)])], [unsound; 2]);
        let together = Err("intervals touch, overlap or are out of order");
        assert_eq!(check(&[(1, 2), (3, 4)]), together);
        assert_eq!(check(&[(5, 6), (1, 2)]), together);
        assert_eq!(check(&[(1, 2), (4, 4)]), Ok(()));
    }

    #[test]
    fn the_last_counter_is_a_counter_like_any_other() {
        let mut set = Intervals::of(u64::MAX, u64::MAX);
        assert!(set.contains(u64::MAX));
        assert_eq!(set.mask(u64::MAX / 64), 1 << 63);
        assert!(set.insert(1, 5) && set.insert(u64::MAX - 1, u64::MAX));
        assert!(!set.insert(u64::MAX, u64::MAX));
        assert_eq!(set.check_invariants(), Ok(()));
        assert_eq!(set.difference(&Intervals::of(4, u64::MAX)), Intervals::of(1, 3));
        assert_eq!(set.intersection(&Intervals::of(5, u64::MAX - 1)).as_slice().len(), 2);
    }
}
