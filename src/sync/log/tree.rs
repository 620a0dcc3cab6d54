//! [`Tree`]: joins of adjacent deltas, so that a range of them is a few joins.

use super::Entry;
use crate::merge::Delta;
use alloc::vec::Vec;

/// So many nodes of a level are one of the next. Fewer would make ranges cheaper, and keep each
/// delta in more nodes.
const FAN: usize = 16;

/// At level `k`, node `i` is the join of the `16^(k + 1)` deltas from number `i · 16^(k + 1)` on.
/// Only whole nodes are kept. A function of the deltas, so it is neither compared nor written.
#[derive(Clone, Debug)]
pub(super) struct Tree<D>(Vec<Vec<D>>);

impl<D> Default for Tree<D> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<D: Delta> Tree<D> {
    pub(super) fn of(entries: &[Entry<D>]) -> Self {
        let mut tree = Self::default();
        (1..=entries.len()).for_each(|len| tree.grow(entries.get(..len).unwrap_or_default()));
        tree
    }

    /// Takes in the last of these, which is new. Amortised O(log n) joins into larger nodes.
    pub(super) fn grow(&mut self, entries: &[Entry<D>]) {
        let mut len = entries.len();
        for level in 0.. {
            if len % FAN != 0 {
                return;
            }
            let node = match level {
                0 => join(entries.iter().skip(len - FAN).map(|entry| &entry.delta)),
                _ => self.0.get(level - 1).and_then(|below| join(below.iter().skip(len - FAN))),
            };
            let Some(node) = node else { return };
            if self.0.len() == level {
                self.0.push(Vec::new());
            }
            let Some(nodes) = self.0.get_mut(level) else { return };
            nodes.push(node);
            len = nodes.len();
        }
    }

    /// The fewest nodes that are the deltas from number `start` up to, not including, number `end`,
    /// in order.
    pub(super) fn range<'a>(
        &'a self,
        entries: &'a [Entry<D>],
        start: usize,
        end: usize,
    ) -> impl Iterator<Item = &'a D> {
        let mut at = start;
        core::iter::from_fn(move || {
            let (node, len) = self.largest(entries, at, |len| at + len <= end)?;
            at += len;
            Some(node)
        })
    }

    /// How many deltas from the first on are such that `holds` is true of each join of some of them.
    pub(super) fn prefix(&self, entries: &[Entry<D>], mut holds: impl FnMut(&D) -> bool) -> usize {
        let (mut at, mut most) = (0, usize::MAX);
        while let Some((node, len)) = self.largest(entries, at, |len| len <= most) {
            if holds(node) {
                at += len;
            } else if len == 1 {
                break;
            } else {
                most = len / FAN;
            }
        }
        at
    }

    /// The largest node that begins at this number and whose length is `allowed`, and its length.
    fn largest<'a>(
        &'a self,
        entries: &'a [Entry<D>],
        at: usize,
        allowed: impl Fn(usize) -> bool,
    ) -> Option<(&'a D, usize)> {
        let first = entries.get(at).filter(|_| allowed(1))?;
        let (mut found, mut len) = ((&first.delta, 1), FAN);
        for nodes in &self.0 {
            if at % len != 0 || !allowed(len) {
                break;
            }
            let Some(node) = nodes.get(at / len) else { break };
            found = (node, len);
            len = len.saturating_mul(FAN);
        }
        Some(found)
    }
}

fn join<'a, D: Delta + 'a>(mut deltas: impl Iterator<Item = &'a D>) -> Option<D> {
    let mut joined = deltas.next()?.clone();
    for delta in deltas {
        joined.merge(delta);
    }
    Some(joined)
}

/// As [`join`]; nothing is the delta of no edit.
pub(super) fn join_all<'a, D: Delta + 'a>(deltas: impl Iterator<Item = &'a D>) -> D {
    join(deltas).unwrap_or_default()
}
