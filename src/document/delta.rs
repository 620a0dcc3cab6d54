//! [`DocumentDelta`]: what some edits did, to be sent.

use super::{path::Path, write::Write};
use crate::{
    causal::{Dot, DotKernel},
    merge::Merge,
    time::{Stamp, Timestamp},
};
use alloc::vec::Vec;

/// What some edits did to a document: small where they were. Join several into one message, send
/// it over anything, and [`apply`](crate::DeltaState::apply) it there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DocumentDelta {
    pub(super) kernel: DotKernel<Write>,
    /// What was removed, sorted by dot: nothing that a merge needs, but a receiver that has
    /// edited what was removed can so be told by whom and when.
    pub(super) removals: Vec<Removal>,
}

/// One removal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Removal {
    /// The dot that the removal minted.
    pub(super) dot: Dot,
    pub(super) path: Path,
    pub(super) time: Timestamp,
}

impl Removal {
    pub(super) fn stamp(&self) -> Stamp {
        Stamp { time: self.time, replica: self.dot.replica() }
    }
}

impl DocumentDelta {
    /// Whether it holds nothing: that nothing was done.
    pub fn is_empty(&self) -> bool {
        self.kernel.is_empty()
    }

    /// How many writes it carries, deletions not counted.
    pub fn write_count(&self) -> usize {
        self.kernel.live_len()
    }

    /// Checks everything the delta relies on. For tests and fuzzers; O(size).
    ///
    /// # Errors
    ///
    /// Which invariant does not hold: always a bug in this crate.
    pub fn check_invariants(&self) -> Result<(), &'static str> {
        self.kernel.check_invariants()?;
        let sorted = self.removals.windows(2).all(|pair| pair[0] < pair[1]);
        let seen = self.removals.iter().all(|removal| self.kernel.context().contains(removal.dot));
        if sorted && seen { Ok(()) } else { Err("removals are out of order or were never seen") }
    }
}

impl Merge for DocumentDelta {
    fn merge(&mut self, other: &Self) -> bool {
        let before = self.removals.len();
        if let Some(first) = other.removals.first() {
            // Only what follows the first of theirs can change: deltas are joined as they come.
            let mut tail = self.removals.split_off(self.removals.partition_point(|it| it < first));
            tail.extend_from_slice(&other.removals);
            tail.sort();
            tail.dedup();
            self.removals.append(&mut tail);
        }
        let changed = self.kernel.merge(&other.kernel);
        changed || self.removals.len() > before
    }
}
