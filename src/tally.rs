//! [`Tally`]: what one replica has counted on one number, in a document or in a map.
//!
//! A replica has one live write for each number that it counts on: the sum of its increments, and
//! the dot of the first of them. An increment replaces that write. Whatever replaces the number
//! also removes the tallies it has seen, and remembers how far each of them had come, so what was
//! counted beyond that, on another side, still counts.
//!
//! A replica begins a new tally only after it has seen its old one replaced or deleted. So the
//! tallies of one replica on one number are ordered, and the later of two says everything about
//! the earlier.

use crate::{causal::Dot, replica::ReplicaId};
use smallvec::SmallVec;

/// What one replica has counted on one number, up to one of its writes. 56 bytes.
///
/// Ordered by replica, then by how far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub(crate) struct Tally {
    pub(crate) replica: ReplicaId,
    /// The counter of the write that began it.
    pub(crate) start: u64,
    /// The counter of the last write that it includes.
    pub(crate) last: u64,
    pub(crate) sum: i64,
}

/// Some tallies, usually few.
pub(crate) type Tallies = SmallVec<[Tally; 3]>;

impl Tally {
    pub(crate) const fn is_sound(&self) -> bool {
        1 <= self.start && self.start <= self.last
    }

    /// How far it has come, among those of one replica.
    const fn extent(&self) -> (u64, u64) {
        (self.start, self.last)
    }

    /// Whether it has come further than the same replica's tally that was replaced.
    pub(crate) fn is_beyond(&self, replaced: Option<&Self>) -> bool {
        replaced.is_none_or(|it| it.extent() < self.extent())
    }

    /// What still counts, where this much of the same replica's tally was replaced.
    pub(crate) fn beyond(&self, replaced: Option<&Self>) -> i128 {
        let before = replaced.filter(|it| it.start == self.start).map_or(0, |it| it.sum.into());
        if self.is_beyond(replaced) { i128::from(self.sum) - before } else { 0 }
    }
}

/// For each replica, the tally that has come furthest; sorted. O(n log n).
pub(crate) fn furthest(tallies: impl IntoIterator<Item = Tally>) -> Tallies {
    furthest_of(tallies.into_iter().collect())
}

/// Apart, so that what sorts is compiled once.
fn furthest_of(mut tallies: Tallies) -> Tallies {
    tallies.sort_unstable_by(|a, b| b.cmp(a));
    tallies.dedup_by_key(|tally| tally.replica);
    tallies.reverse();
    tallies
}

/// The tally of one replica among sorted ones.
pub(crate) fn find(tallies: &[Tally], replica: ReplicaId) -> Option<&Tally> {
    let at = tallies.binary_search_by_key(&replica, |tally| tally.replica).ok()?;
    tallies.get(at)
}

/// Checks what a write under `dot` claims to have replaced.
pub(crate) fn check(tallies: &[Tally], dot: Dot) -> Result<(), &'static str> {
    if !tallies.windows(2).all(|pair| pair[0].replica < pair[1].replica) {
        return Err("replaced counts are repeated or out of order");
    }
    let is_past = |it: &Tally| it.replica != dot.replica() || it.last < dot.counter();
    if !tallies.iter().all(|tally| tally.is_sound() && is_past(tally)) {
        return Err("a replaced count ends before it began, or after it was replaced");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_replaced_of_a_tally_counts_no_more() {
        let tally = |start, last, sum| Tally { replica: 1.into(), start, last, sum };
        let ours = tally(5, 9, 40);
        let cases = [
            (None, 40),
            (Some(tally(1, 4, 7)), 40),
            (Some(tally(5, 8, 30)), 10),
            (Some(tally(5, 9, 40)), 0),
            (Some(tally(5, 9, 30)), 0),
            (Some(tally(5, 12, 90)), 0),
            (Some(tally(6, 6, 1)), 0),
            (Some(tally(5, 8, i64::MIN)), 40 + (1 << 63)),
        ];
        for (replaced, left) in cases {
            assert_eq!(ours.beyond(replaced.as_ref()), left, "{replaced:?}");
        }
        let other = Tally { replica: 2.into(), ..ours };
        let found = furthest([other, ours, tally(5, 8, 99), tally(4, 10, 99)]);
        assert_eq!(&found[..], [ours, other]);
        assert_eq!(
            [1, 2, 3].map(|id: u128| find(&found, id.into()).copied()),
            [Some(ours), Some(other), None]
        );
    }
}
