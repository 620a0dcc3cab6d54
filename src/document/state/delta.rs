//! [`DocumentDelta`]: what some edits did, in a form to send.

use super::{node::NodeId, store::Store, tree::Tree};
use crate::{
    causal::Dot,
    merge::{Delta, Merge},
    time::{Stamp, Timestamp},
};
use alloc::vec::Vec;

/// What some edits did to a document, as small as those edits.
///
/// Join several into one message, send it over anything, and [`apply`](crate::DeltaState::apply) it
/// elsewhere, in any order and any number of times.
///
/// In binary serde formats a delta is its canonical bytes ([`wire`](crate::wire)); in formats for
/// people, it is the writes with their paths.
///
/// # Examples
///
/// ```
/// use rejoin::{Document, Merge, Timestamp, wire};
///
/// let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
/// let mut ours = Document::new();
/// let mut delta = ours.set("/title", "Booking", us, now)?;
/// delta.merge(&ours.set("/status", "active", us, now)?);
/// let message = wire::to_bytes(&delta);
///
/// let mut theirs = Document::new();
/// wire::apply_bytes(&mut theirs, &message)?;
/// assert_eq!(theirs, ours);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct DocumentDelta {
    pub(crate) store: Store,
    /// What was removed, sorted by dot. A merge does not need it, but a report tells a receiver
    /// that has edited what was removed by whom and when.
    pub(crate) removals: Vec<Removal>,
}

/// One removal. It holds its node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Removal {
    /// The dot that the removal minted.
    pub(crate) dot: Dot,
    pub(crate) node: NodeId,
    pub(crate) time: Timestamp,
}

impl Removal {
    pub(crate) fn stamp(&self) -> Stamp {
        Stamp { time: self.time, replica: self.dot.replica() }
    }
}

impl DocumentDelta {
    /// Whether it holds nothing: nothing was written. O(1).
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::{Document, Timestamp};
    ///
    /// let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let mut document = Document::new();
    /// assert!(!document.set("/title", "Booking", us, now)?.is_empty());
    /// assert!(document.remove("/status", us, now)?.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.store.kernel.is_empty()
    }

    /// How many writes it carries, not counting deletions. O(1).
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::{Document, Timestamp};
    ///
    /// let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let mut document = Document::new();
    /// assert_eq!(document.set("", "Booking", us, now)?.write_count(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write_count(&self) -> usize {
        self.store.kernel.live_len()
    }

    /// The greatest time that anything in it is stamped with, deletions included; `None` if it
    /// stamps nothing. If you do not trust your peers, use it to refuse a delta from the future:
    /// see [`Stamp`]. O(writes).
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::{Document, Timestamp};
    ///
    /// let us = "us-east-1".parse()?;
    /// let mut document = Document::new();
    /// let delta = document.set("", "hello", us, Timestamp::from_millis(7))?;
    /// assert_eq!(delta.latest(), Some(Timestamp::from_millis(7)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn latest(&self) -> Option<Timestamp> {
        let removed = self.removals.iter().map(|removal| removal.time).max();
        self.store.latest().max(removed)
    }

    #[cfg(any(test, feature = "laws"))]
    pub(crate) fn check_invariants(&self) -> Result<(), &'static str> {
        let held: Vec<NodeId> = self.removals.iter().map(|removal| removal.node).collect();
        self.store.check_invariants(&held)?;
        self.check_removals()
    }

    /// Checks that the removals are sorted and were seen.
    pub(crate) fn check_removals(&self) -> Result<(), &'static str> {
        let sorted = self.removals.windows(2).all(|pair| pair[0].dot < pair[1].dot);
        let context = self.store.kernel.context();
        let seen = self.removals.iter().all(|removal| context.contains(removal.dot));
        if sorted && seen { Ok(()) } else { Err("removals are out of order or were never seen") }
    }

    /// Adds removals whose nodes are in another tree. If two have one dot, which only a misused
    /// replica id can cause, the greater (time, path) stays. O(those after the first).
    pub(crate) fn remember(&mut self, removals: &[Removal], tree: &Tree) -> bool {
        let Some(first) = removals.first() else { return false };
        let mut grown = false;
        // Only what follows their first one can change: deltas are joined as they come.
        let from = self.removals.partition_point(|it| it.dot < first.dot);
        let tail: Vec<Removal> = self.removals.drain(from..).collect();
        let mut ours = tail.into_iter().peekable();
        for theirs in removals {
            while let Some(before) = ours.next_if(|it| it.dot < theirs.dot) {
                self.removals.push(before);
            }
            let mine = &mut self.store.tree;
            if let Some(same) = ours.next_if(|it| it.dot == theirs.dot) {
                let paths = || mine.path(same.node).cmp(&tree.path(theirs.node));
                if same.time.cmp(&theirs.time).then_with(paths).is_ge() {
                    self.removals.push(same);
                    continue;
                }
                mine.release(same.node);
            }
            grown = true;
            let node = mine.adopt(tree, theirs.node);
            mine.hold(node);
            self.removals.push(Removal { node, ..*theirs });
        }
        self.removals.extend(ours);
        grown
    }
}

impl Merge for DocumentDelta {
    fn merge(&mut self, other: &Self) -> bool {
        let grown = self.remember(&other.removals, &other.store.tree);
        self.store.join(&other.store) | grown
    }
}

impl Delta for DocumentDelta {
    fn is_empty(&self) -> bool {
        self.store.kernel.is_empty()
    }

    fn latest(&self) -> Option<Timestamp> {
        self.latest()
    }
}

impl PartialEq for DocumentDelta {
    fn eq(&self, other: &Self) -> bool {
        let agree = |(ours, theirs): (&Removal, &Removal)| {
            (ours.dot, ours.time) == (theirs.dot, theirs.time)
                && self.store.tree.path(ours.node) == other.store.tree.path(theirs.node)
        };
        self.store == other.store
            && self.removals.len() == other.removals.len()
            && self.removals.iter().zip(&other.removals).all(agree)
    }
}

impl Eq for DocumentDelta {}
