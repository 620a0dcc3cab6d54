//! [`Journal`]: what drafts do to a kernel, so that it can be taken back.

use super::{Adopt, Blocks, CausalContext, Dot, DotKernel, Page, Slot};
use crate::{merge::Merge, replica::ReplicaId};
use alloc::{boxed::Box, vec::Vec};
use core::{cmp::Ordering, hash::Hash, iter};

/// What came and went in a kernel since a draft began. Outside of drafts it notes nothing. It belongs
/// to one state; a copy of the state starts without notes.
pub(crate) struct Journal<P>(Option<Box<Notes<P>>>);

struct Notes<P> {
    done: Vec<Done<P>>,
    /// How much was done when each draft began, the outer before the inner.
    drafts: Vec<usize>,
}

impl<P> Notes<P> {
    #[cold]
    fn push(&mut self, done: Done<P>) {
        self.done.push(done);
    }
}

/// One change. A payload that is replaced goes, and its dot comes.
pub(crate) enum Done<P> {
    Came(Dot),
    Went(Dot, P),
    /// These dots had not been seen before.
    Saw(CausalContext),
}

impl<P> Default for Journal<P> {
    fn default() -> Self {
        Self(None)
    }
}

impl<P> Clone for Journal<P> {
    fn clone(&self) -> Self {
        Self(None)
    }
}

impl<P> Journal<P> {
    pub(crate) fn is_open(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn note(&mut self, done: impl FnOnce() -> Done<P>) {
        if let Some(notes) = &mut self.0 {
            notes.push(done());
        }
    }

    /// Notes what a join with `other` is about to see. O(`other`) if a draft is open.
    pub(crate) fn joins(&mut self, kernel: &DotKernel<P>, other: &DotKernel<P>) {
        self.note(|| Done::Saw(other.context().difference(kernel.context())));
    }

    /// Notes what `replica` has minted after `last`.
    pub(crate) fn minted(&mut self, kernel: &DotKernel<P>, replica: ReplicaId, last: u64) {
        self.note(|| Done::Saw(kernel.context_after(replica, last, iter::empty())));
    }

    /// Begins a draft.
    pub(crate) fn begin(&mut self) {
        let empty = || Box::new(Notes { done: Vec::new(), drafts: Vec::new() });
        let notes = self.0.get_or_insert_with(empty);
        notes.drafts.push(notes.done.len());
    }

    /// Ends the draft that began last; what it did, the last first. It is not to be noted when that
    /// is taken back: to an outer draft it comes to nothing.
    pub(crate) fn end(&mut self) -> Vec<Done<P>> {
        let Some(notes) = &mut self.0 else { return Vec::new() };
        let start = notes.drafts.pop().unwrap_or(0);
        let mut done = notes.done.split_off(start.min(notes.done.len()));
        if notes.drafts.is_empty() {
            self.0 = None;
        }
        done.reverse();
        done
    }
}

/// A page whose changes are noted.
#[derive(Clone)]
pub(crate) struct Noted<P, I> {
    pub(crate) page: I,
    pub(crate) journal: Journal<P>,
}

impl<P: Clone, I: Page<P>> Page<P> for Noted<P, I> {
    fn expect(&mut self, blocks: &Blocks<P>, additional: usize) {
        self.page.expect(blocks, additional);
    }

    fn came(&mut self, blocks: &Blocks<P>, slot: Slot) {
        self.journal.note(|| Done::Came(blocks.dot(slot)));
        self.page.came(blocks, slot);
    }

    fn going(&mut self, blocks: &Blocks<P>, slot: Slot) {
        if self.journal.is_open() {
            if let Some(payload) = blocks.get(slot) {
                self.journal.note(|| Done::Went(blocks.dot(slot), payload.clone()));
            }
        }
        self.page.going(blocks, slot);
    }
}

impl<P: Clone, I: Adopt<P>> Adopt<P> for Noted<P, I> {
    fn adopt(&mut self, theirs: &P) -> P {
        self.page.adopt(theirs)
    }

    fn order(&self, ours: &P, theirs: &P) -> Ordering {
        self.page.order(ours, theirs)
    }
}

impl<P: Clone + Hash, I: Page<P>> Noted<P, I> {
    /// Ends the draft that began last: what is alive, and what was seen, is as it was.
    pub(crate) fn take_back(&mut self, kernel: &mut DotKernel<P>) {
        let mut unseen = CausalContext::new();
        for done in self.journal.end() {
            match done {
                Done::Came(dot) => {
                    if let Some(slot) = kernel.slot(dot) {
                        self.page.going(kernel.blocks(), slot);
                        kernel.kill(slot);
                    }
                }
                Done::Went(dot, payload) => {
                    let slot = kernel.put(dot, payload);
                    self.page.came(kernel.blocks(), slot);
                }
                Done::Saw(dots) => _ = unseen.merge(&dots),
            }
        }
        kernel.forget(&unseen);
    }
}

/// A state that can take back what was done to it.
pub(crate) trait Drafted {
    fn begin(&mut self);

    /// Takes back what was done since the last `begin` that was not taken back yet.
    fn take_back(&mut self);
}

/// Edits a state, and takes that back, also if the edit panics.
pub(crate) fn draft<T: Drafted, R>(state: &mut T, edit: impl FnOnce(&mut T) -> R) -> R {
    struct Draft<'a, T: Drafted>(&'a mut T);
    impl<T: Drafted> Drop for Draft<'_, T> {
        fn drop(&mut self) {
            self.0.take_back();
        }
    }
    state.begin();
    let draft = Draft(state);
    edit(draft.0)
}
