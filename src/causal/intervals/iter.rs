//! [`Iter`]: intervals one by one, and past many at once.

use super::{chunk::Chunk, interval::Interval};
use alloc::vec::Vec;

/// Intervals in order; see [`Intervals::iter`](super::Intervals::iter).
#[derive(Clone, Default)]
pub(in crate::causal) struct Iter<'a> {
    /// The rest of one chunk; empty at the end only.
    pub(super) now: &'a [Interval],
    pub(super) then: &'a [Chunk],
}

impl Iterator for Iter<'_> {
    type Item = Interval;

    #[inline]
    fn next(&mut self) -> Option<Interval> {
        let (next, rest) = self.now.split_first()?;
        self.now = rest;
        if rest.is_empty() && !self.then.is_empty() {
            self.next_chunk();
        }
        Some(*next)
    }

    /// Exact: some formats ask how many will come. O(chunks).
    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = self.now.len() + self.then.iter().map(Vec::len).sum::<usize>();
        (len, Some(len))
    }
}

impl Iter<'_> {
    #[cold]
    pub(super) fn next_chunk(&mut self) {
        (self.now, self.then) = match self.then {
            [next, rest @ ..] => (&next[..], rest),
            [] => (&[][..], &[][..]),
        };
    }

    pub(in crate::causal) fn peek(&self) -> Option<Interval> {
        self.now.first().copied()
    }

    /// Passes over all that end before `counter`. O(log intervals).
    #[inline]
    pub(super) fn skip_to(&mut self, counter: u64) {
        if self.now.first().is_some_and(|next| next.last < counter) {
            self.search(counter);
        }
    }

    fn search(&mut self, counter: u64) {
        let before = |interval: &Interval| interval.last < counter;
        if self.now.last().is_some_and(before) {
            let whole = self.then.partition_point(|chunk| chunk.last().is_some_and(before));
            self.then = &self.then[whole..];
            self.next_chunk();
        }
        self.now = &self.now[self.now.partition_point(before)..];
    }
}
