//! [`Interval`]: counters without a gap.

use super::word::BLOCK;

/// A closed interval of counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::causal) struct Interval {
    pub(in crate::causal) first: u64,
    pub(in crate::causal) last: u64,
}

impl Interval {
    /// Which of the 64 counters from `start` on are in the interval.
    pub(super) fn mask(self, start: u64) -> u64 {
        let end = start + (BLOCK - 1);
        let (first, last) = (self.first.max(start), self.last.min(end));
        if first > last {
            return 0;
        }
        (u64::MAX << (first - start)) & (u64::MAX >> (end - last))
    }

    /// What is left before and after an interval that lies within this one; `None` if it does not.
    pub(super) fn without(self, gone: Self) -> Option<[Option<Self>; 2]> {
        let is_within = self.first <= gone.first && gone.last <= self.last;
        let before = (self.first < gone.first).then(|| Self { last: gone.first - 1, ..self });
        let after = (gone.last < self.last).then(|| Self { first: gone.last + 1, ..self });
        is_within.then_some([before, after])
    }

    /// Both as one, if they touch or overlap.
    pub(super) fn joined(self, other: Self) -> Option<Self> {
        let touch = self.first <= other.last.saturating_add(1)
            && other.first <= self.last.saturating_add(1);
        touch.then(|| Self { first: self.first.min(other.first), last: self.last.max(other.last) })
    }
}
