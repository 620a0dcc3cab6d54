//! [`Root`]: the index over the kernel of a whole map.

use super::value::{Change, Nested};
use crate::{
    causal::{Adopt, Blocks, DotKernel, Index, Page, Slot},
    replica::ReplicaId,
};
use alloc::collections::{BTreeMap, BTreeSet};
use core::cmp::Ordering;

/// What is read of the map `M`, and the notes that replicas have not read yet.
pub(crate) struct Root<M: Nested> {
    pub(super) view: M::View,
    /// By replica: notes to it that came since it wrote last. Those that it still needed then are not
    /// listed, so that no write looks at them again.
    unread: BTreeMap<ReplicaId, BTreeSet<Slot>>,
}

impl<M: Nested> Default for Root<M> {
    fn default() -> Self {
        Self { view: M::View::default(), unread: BTreeMap::new() }
    }
}

impl<M: Nested> Clone for Root<M> {
    fn clone(&self) -> Self {
        Self { view: self.view.clone(), unread: self.unread.clone() }
    }
}

impl<M: Nested> Root<M> {
    /// Adds to the change that `replica` is about to make what it takes back of the notes to it.
    pub(super) fn read_notes(
        &mut self,
        blocks: &Blocks<M::Write>,
        replica: ReplicaId,
        change: &mut Change<M::Write>,
    ) {
        let Some(unread) = self.unread.remove(&replica) else { return };
        change.over.sort_unstable();
        let removed = change.over.len();
        for slot in unread {
            let Some(note) = blocks.get(slot) else { continue };
            if change.over[..removed].binary_search(&slot).is_ok() {
                continue;
            }
            if let Some(rest) = M::read_note(&self.view, note, replica) {
                change.over.push(slot);
                change.writes.extend(rest);
            }
        }
    }
}

impl<M: Nested> Page<M::Write> for Root<M> {
    fn came(&mut self, blocks: &Blocks<M::Write>, slot: Slot) {
        let Some(write) = blocks.get(slot) else { return };
        M::came(&mut self.view, write, blocks.dot(slot), slot);
        for note in M::noted(write) {
            self.unread.entry(note.replica).or_default().insert(slot);
        }
    }

    fn going(&mut self, blocks: &Blocks<M::Write>, slot: Slot) {
        let Some(write) = blocks.get(slot) else { return };
        M::going(&mut self.view, write, blocks.dot(slot), slot);
        for note in M::noted(write) {
            if let Some(unread) = self.unread.get_mut(&note.replica) {
                unread.remove(&slot);
                if unread.is_empty() {
                    self.unread.remove(&note.replica);
                }
            }
        }
    }
}

impl<M: Nested> Adopt<M::Write> for Root<M> {
    fn adopt(&mut self, theirs: &M::Write) -> M::Write {
        M::adopt(&self.view, theirs)
    }

    fn order(&self, ours: &M::Write, theirs: &M::Write) -> Ordering {
        ours.cmp(theirs)
    }
}

impl<M: Nested> Index<M::Write> for Root<M> {
    fn over(kernel: &DotKernel<M::Write>) -> Self {
        let mut root = Self::default();
        kernel.slots().for_each(|(slot, _)| root.came(kernel.blocks(), slot));
        root
    }

    #[cfg(any(test, feature = "laws"))]
    fn check(&self, kernel: &DotKernel<M::Write>) -> Result<(), &'static str> {
        let anew = Self::over(kernel);
        if self.view != anew.view {
            return Err("the index reads something else than what is alive");
        }
        let is_note = |(replica, slots): (&ReplicaId, &BTreeSet<Slot>)| {
            anew.unread.get(replica).is_some_and(|notes| notes.is_superset(slots))
        };
        if !self.unread.iter().all(is_note) {
            return Err("a note is listed that is not alive");
        }
        Ok(())
    }
}
