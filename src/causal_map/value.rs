//! [`CausalValue`]: what a value of a map is.

use crate::{
    causal::{Dot, Slot},
    error::WriteError,
    replica::ReplicaId,
    tally::Tally,
    time::Timestamp,
};
use alloc::vec::Vec;
use core::hash::Hash;

/// What a [`CausalMap`](super::CausalMap) holds under its keys: an [`OrSet`](crate::OrSet), an
/// [`MvRegister`](crate::MvRegister) or [`LwwRegister`](crate::LwwRegister), an
/// [`EnableFlag`](crate::EnableFlag), a [`PnCounter`](crate::PnCounter), or another
/// [`CausalMap`](super::CausalMap).
///
/// The type says what the value means. The map holds no such value: all writes of all its values are
/// in one kernel, so that removing a key removes exactly what was seen below it. What is read is the
/// value's *view*, such as a [`SetView`](super::SetView). The trait is sealed.
#[allow(private_bounds)] // that is what seals it
pub trait CausalValue: Nested {}

impl<V: Nested> CausalValue for V {}

/// What is read of a kind of value.
pub trait Viewed {
    /// What the live writes mean together, such as a [`SetView`](super::SetView).
    type View: Default + Clone + PartialEq;
}

/// A kind of value: what one live write says, and the index by which all of them are read, which is its
/// view.
pub(crate) trait Nested: Viewed {
    /// One write: what is below the key.
    type Write: Clone + Ord + Hash;

    /// A write has become alive.
    fn came(view: &mut Self::View, write: &Self::Write, dot: Dot, slot: Slot);
    /// A write that came is about to go.
    fn going(view: &mut Self::View, write: &Self::Write, dot: Dot, slot: Slot);
    /// Whether nothing is alive there.
    fn is_empty(view: &Self::View) -> bool;
    /// Whether there is anything to read.
    fn is_shown(view: &Self::View) -> bool;
    /// What `replica` removes where it removes everything that is read, and what that leaves.
    fn clear(view: &Self::View, replica: ReplicaId) -> Change<Self::Write>;

    /// A write of another map as it is held here.
    fn adopt(_view: &Self::View, theirs: &Self::Write) -> Self::Write {
        theirs.clone()
    }

    /// When it was written, where that counts.
    fn time(_write: &Self::Write) -> Option<Timestamp> {
        None
    }

    /// What it tells replicas of their counts: see [`Count::Note`](super::counter::Count).
    fn noted(_write: &Self::Write) -> &[Tally] {
        &[]
    }

    /// What is left of such a note when `replica` has read it. `None` if the replica still needs it.
    fn read_note(
        _view: &Self::View,
        _note: &Self::Write,
        _replica: ReplicaId,
    ) -> Option<Vec<Self::Write>> {
        None
    }
}

/// What an edit does: what it removes, and what it writes. All of it is one delta.
pub(crate) struct Change<W> {
    pub(super) over: Vec<Slot>,
    pub(super) writes: Vec<W>,
}

impl<W> Change<W> {
    pub(super) const fn none() -> Self {
        Self { over: Vec::new(), writes: Vec::new() }
    }

    pub(super) fn write(write: W, over: impl Iterator<Item = Slot>) -> Self {
        Self { over: over.collect(), writes: alloc::vec![write] }
    }

    pub(super) fn erase(over: impl Iterator<Item = Slot>) -> Self {
        Self { over: over.collect(), writes: Vec::new() }
    }

    pub(super) fn extend(&mut self, other: Self) {
        self.over.extend(other.over);
        self.writes.extend(other.writes);
    }

    pub(super) fn is_none(&self) -> bool {
        self.over.is_empty() && self.writes.is_empty()
    }
}

/// What makes a change, given what is read and the replica's next counter.
pub(crate) type Make<'a, V> = &'a mut dyn FnMut(
    &<V as Viewed>::View,
    u64,
)
    -> Result<Change<<V as Nested>::Write>, WriteError>;
