//! [`FlagView`]: a flag as a value of a map.

use super::{
    entry::Entry,
    few::Few,
    value::{Change, Nested, Viewed},
};
use crate::{
    causal::{Dot, Slot},
    error::WriteError,
    flag::EnableFlag,
    replica::ReplicaId,
};
use core::fmt;

/// What is read of an [`EnableFlag`] in a [`CausalMap`](super::CausalMap). The key of a flag that is off
/// is not in the map.
#[derive(Clone, Default, PartialEq)]
pub struct FlagView(Few<Slot, ()>);

impl FlagView {
    /// Whether it is on. O(1).
    pub fn is_enabled(&self) -> bool {
        !self.0.is_empty()
    }
}

impl fmt::Debug for FlagView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.is_enabled().fmt(f)
    }
}

impl Viewed for EnableFlag {
    type View = FlagView;
}

impl Nested for EnableFlag {
    type Write = ();

    fn came(view: &mut FlagView, (): &(), _: Dot, slot: Slot) {
        view.0.insert(slot, ());
    }

    fn going(view: &mut FlagView, (): &(), _: Dot, slot: Slot) {
        view.0.remove(&slot);
    }

    fn is_empty(view: &FlagView) -> bool {
        view.0.is_empty()
    }

    fn is_shown(view: &FlagView) -> bool {
        view.is_enabled()
    }

    fn clear(view: &FlagView, _: ReplicaId) -> Change<()> {
        Change::erase(view.0.iter().map(|slot| *slot.0))
    }
}

impl<D> Entry<'_, EnableFlag, D> {
    /// Turns it on; returns the delta. O(log keys + concurrent enables). To turn it off,
    /// [`clear`](Self::clear) it.
    ///
    /// ```
    /// use rejoin::{CausalMap, EnableFlag};
    ///
    /// let us = "us-east-1".parse()?;
    /// let mut muted: CausalMap<&str, EnableFlag> = CausalMap::new();
    /// muted.entry("ana").enable(us)?;
    /// assert!(muted.get("ana").is_some_and(|flag| flag.is_enabled()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the replica has used up its 64-bit count; the map is as it was.
    pub fn enable(self, replica: ReplicaId) -> Result<D, WriteError> {
        self.change(replica, |view, _| Ok(Change::write((), view.0.iter().map(|slot| *slot.0))))
    }
}
