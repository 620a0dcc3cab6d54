//! [`Order`]: the items of one list, as they stand.

use super::{form::ListOrder, node::NodeId};
use alloc::vec::Vec;
use core::{
    cmp::Ordering,
    iter::{Copied, Flatten},
    slice,
};

/// The most items in a chunk: an insertion moves no more.
const CHUNK: usize = 512;

/// The items of one list in their order, in chunks: an insertion moves at most one chunk, and the
/// item at an index is found by the lengths of the chunks before it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Order {
    /// No chunk is empty.
    chunks: Vec<Vec<NodeId>>,
    len: usize,
    /// What they are ordered by.
    pub(crate) by: ListOrder,
    /// How many items have several places.
    pub(super) contested: u32,
    /// Whether items stand where they do because of others.
    pub(super) is_woven: bool,
}

/// The items of one list, in their order.
pub(crate) type Items<'a> = Copied<Flatten<slice::Iter<'a, Vec<NodeId>>>>;

impl Order {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn iter(&self) -> Items<'_> {
        self.chunks.iter().flatten().copied()
    }

    /// O(1 + index / 512).
    pub(crate) fn get(&self, mut index: usize) -> Option<NodeId> {
        for chunk in &self.chunks {
            match chunk.get(index) {
                Some(item) => return Some(*item),
                None => index -= chunk.len(),
            }
        }
        None
    }

    /// Puts the same items in another order.
    pub(super) fn reorder(&mut self, items: &[NodeId]) {
        self.chunks = items.chunks(CHUNK / 2).map(Vec::from).collect();
    }

    pub(super) fn last(&self) -> Option<NodeId> {
        self.chunks.last()?.last().copied()
    }

    /// Where the item that compares to others as `by` says is, or would be.
    fn search(&self, mut by: impl FnMut(NodeId) -> Ordering) -> (usize, Result<usize, usize>) {
        let after = |chunk: &Vec<NodeId>| chunk.last().is_some_and(|last| by(*last).is_lt());
        let at = self.chunks.partition_point(after);
        let within = self.chunks.get(at).map(|chunk| chunk.binary_search_by(|item| by(*item)));
        (at, within.unwrap_or(Err(0)))
    }

    /// The index of the item that compares equal.
    pub(crate) fn index_of(&self, by: impl FnMut(NodeId) -> Ordering) -> Option<usize> {
        let (at, within) = self.search(by);
        Some(self.chunks[..at].iter().map(Vec::len).sum::<usize>() + within.ok()?)
    }

    /// How many items compare less.
    pub(crate) fn count_before(&self, by: impl FnMut(NodeId) -> Ordering) -> usize {
        let (at, within) = self.search(by);
        let within = within.unwrap_or_else(|free| free);
        self.chunks[..at].iter().map(Vec::len).sum::<usize>() + within
    }

    pub(crate) fn insert(&mut self, item: NodeId, mut by: impl FnMut(NodeId) -> Ordering) {
        self.len += 1;
        // Most insertions append.
        let is_last = self.last().is_none_or(|last| by(last).is_lt());
        let (at, within) = if is_last {
            let at = self.chunks.len().saturating_sub(1);
            (at, self.chunks.last().map_or(0, Vec::len))
        } else {
            let (at, within) = self.search(by);
            (at, within.unwrap_or_else(|free| free))
        };
        let Some(chunk) = self.chunks.get_mut(at) else {
            self.chunks.push(Vec::from([item]));
            return;
        };
        if chunk.len() < CHUNK {
            chunk.insert(within, item);
        } else if is_last {
            self.chunks.push(Vec::from([item]));
        } else {
            let mut upper = chunk.split_off(CHUNK / 2);
            match within.checked_sub(CHUNK / 2) {
                Some(within) => upper.insert(within, item),
                None => chunk.insert(within, item),
            }
            self.chunks.insert(at + 1, upper);
        }
    }

    pub(crate) fn remove(&mut self, by: impl FnMut(NodeId) -> Ordering) {
        if let (at, Ok(within)) = self.search(by) {
            self.chunks[at].remove(within);
            self.len -= 1;
            if self.chunks[at].is_empty() {
                self.chunks.remove(at);
            }
        }
    }
}
