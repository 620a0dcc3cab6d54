//! What of a log may be forgotten, and forgetting it.

use super::{Entry, Log, tree::Tree, tree::join_all};
use crate::merge::DeltaState;
use alloc::vec::Vec;
use core::ops::{Range, RangeInclusive};

impl<T: DeltaState> Log<T> {
    /// What may be cut if these positions are kept: the cursors of all readers, and the points of
    /// history that were promised. Each range is of positions whose deltas become one: the first, if
    /// nothing before it is kept, with the state where the log starts. Nothing is changed: for a log
    /// in a database, whose rows these are. O(n + k log n) for k positions.
    ///
    /// A reader that is behind where the log starts keeps nothing, and is sent the state. To keep
    /// everything for a reader that has nothing yet, do not cut.
    ///
    /// ```
    /// use rejoin::{GCounter, sync::Log};
    /// let mut log = Log::<GCounter>::new();
    /// for position in 1..=9 {
    ///     log.append(position, GCounter::new())?;
    /// }
    /// let (cursors, promised) = ([7, 9], [4]);
    /// let ranges = log.cuttable(cursors.into_iter().chain(promised));
    /// assert_eq!(ranges, [1..=4, 5..=7, 8..=9]);
    /// # Ok::<(), rejoin::sync::LogError>(())
    /// ```
    pub fn cuttable(&self, keep: impl IntoIterator<Item = u64>) -> Vec<RangeInclusive<u64>> {
        let counts = self.counts(keep);
        let start = counts.first().copied().unwrap_or(0);
        let is_cut = |range: &Range<usize>| range.len() > 1 || range.end <= start;
        groups(&counts).filter(is_cut).filter_map(|range| self.positions(range)).collect()
    }

    /// The positions of some entries.
    fn positions(&self, of: Range<usize>) -> Option<RangeInclusive<u64>> {
        let entries = self.entries.get(of)?;
        Some(entries.first()?.first..=entries.last()?.last)
    }

    /// How many entries each position that is kept holds, in order; and how many there are in all.
    fn counts(&self, keep: impl IntoIterator<Item = u64>) -> Vec<usize> {
        let kept = keep.into_iter().filter(|position| Some(*position) >= self.from);
        let mut counts: Vec<usize> = kept.map(|position| self.count_to(position)).collect();
        counts.push(self.entries.len());
        counts.sort_unstable();
        counts.dedup();
        counts
    }

    /// Cuts what may be cut if these positions are kept; returns the ranges, as
    /// [`cuttable`](Self::cuttable) does. O(what is kept, and joins of the rest).
    ///
    /// The [state](Self::state) is as it was, and so are that at each position which is kept and what
    /// came [since](Self::since) then. History between them is gone.
    ///
    /// ```
    /// use rejoin::{GCounter, sync::Log};
    ///
    /// let us = "us-east-1".parse()?;
    /// let (mut counter, mut log) = (GCounter::new(), Log::<GCounter>::new());
    /// for position in 1..=9 {
    ///     log.append(position, counter.increment(1, us)?)?;
    /// }
    /// log.cut([7, 9, 4]);
    /// assert_eq!(log.len(), 2);
    /// for position in [4, 7, 9] {
    ///     assert_eq!(log.state_at(position)?.value(), u128::from(position));
    /// }
    /// let error = log.state_at(5).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "position 5 was cut: the next that is kept is 7; a cut keeps the positions that it is given"
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cut(&mut self, keep: impl IntoIterator<Item = u64>) -> Vec<RangeInclusive<u64>> {
        let keep: Vec<u64> = keep.into_iter().collect();
        let ranges = self.cuttable(keep.iter().copied());
        if ranges.is_empty() {
            return ranges;
        }
        let counts = self.counts(keep);
        let start = counts.first().copied().unwrap_or(0);
        for delta in self.tree.range(&self.entries, 0, start) {
            self.base.apply(delta);
        }
        self.from = start
            .checked_sub(1)
            .and_then(|at| self.entries.get(at))
            .map(|it| it.last)
            .or(self.from);
        let joined = |range: Range<usize>| {
            let positions = self.positions(range.clone())?;
            let delta = join_all(self.tree.range(&self.entries, range.start, range.end));
            Some(Entry { first: *positions.start(), last: *positions.end(), delta })
        };
        let kept = groups(&counts).filter(|range| range.start >= start);
        let entries: Vec<Entry<T::Delta>> = kept.filter_map(joined).collect();
        self.tree = Tree::of(&entries);
        self.entries = entries;
        ranges
    }
}

/// Between zero and each count.
fn groups(counts: &[usize]) -> impl Iterator<Item = Range<usize>> + '_ {
    let starts = core::iter::once(0).chain(counts.iter().copied());
    starts.zip(counts.iter().copied()).map(|(start, end)| start..end).filter(|it| !it.is_empty())
}
