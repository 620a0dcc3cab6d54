//! [`Report`]: what a merge changed, and what was in conflict.

use super::path::Path;
use crate::{
    document::state::Rank,
    time::Stamp,
    value::{Kind, Value},
};
use alloc::vec::Vec;
use core::{cmp::Reverse, fmt};

/// What a merge changed, and what was in conflict: the same for the same two documents.
///
/// A report is no larger than what the merge brought, what it replaced, and the losers of the
/// conflicts that it touched: paths share their steps, and no value is told twice. To spell every
/// path costs more, so a report has no serde form of its own: serialize those of its
/// [`changes`](Self::changes) and [`conflicts`](Self::conflicts) that somebody wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub(crate) changed: bool,
    pub(crate) changes: Vec<Change>,
    pub(crate) conflicts: Vec<Conflict>,
}

impl Report {
    /// Whether the merge changed the document at all; it may have learnt something (say, of a
    /// deletion it had itself made) without a change to what is read.
    pub fn changed(&self) -> bool {
        self.changed
    }

    /// The steps that turn what was read before into what is read now: enough to refresh a screen
    /// or a search index. What reads as before is not among them.
    ///
    /// They are sorted by path, but in each list what left its place comes first, from the last
    /// index to the first. Taken in this order, a step finds the JSON as its path says:
    ///
    /// - `before` only: take the field, or the item at that index, out. Later items move up.
    /// - `after` only: set the field, or insert the item before the one at that index.
    /// - both: set the field or the item.
    ///
    /// An item that moved is taken out and put in again, whole. Items are told apart by identity,
    /// not by value: one that moved past others which read the same counts as moved.
    ///
    /// ```
    /// use rejoin::{DeltaState, Document, Timestamp, document::{Change, Step}};
    /// use serde_json::{Value, json};
    ///
    /// fn replay(json: &mut Value, change: Change) {
    ///     let after = change.after.map(Value::from);
    ///     let (Some(parent), Some(last)) = (change.path.parent(), change.path.last()) else {
    ///         *json = after.unwrap_or_default();
    ///         return;
    ///     };
    ///     let container = json.pointer_mut(&parent.to_string());
    ///     match (last, container, change.before, after) {
    ///         (Step::Field(name), Some(Value::Object(fields)), _, Some(after)) => {
    ///             fields.insert(name.into(), after);
    ///         }
    ///         (Step::Field(name), Some(Value::Object(fields)), _, None) => {
    ///             fields.remove(name);
    ///         }
    ///         (Step::Item(at), Some(Value::Array(items)), None, Some(after)) => {
    ///             items.insert(at, after);
    ///         }
    ///         (Step::Item(at), Some(Value::Array(items)), Some(_), Some(after)) => {
    ///             items[at] = after;
    ///         }
    ///         (Step::Item(at), Some(Value::Array(items)), Some(_), None) => {
    ///             items.remove(at);
    ///         }
    ///         _ => unreachable!("a step finds its container"),
    ///     }
    /// }
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let mut json = json!({"items": ["a", "b", "c"]});
    /// let mut document = Document::from_json(&json, us, now)?;
    /// let mut theirs = document.clone();
    /// theirs.update(&json!({"items": ["c", "b"], "title": "Two"}), us, now)?;
    /// let delta = theirs.delta_since(&document.version());
    /// for change in document.apply_reporting(&delta).changes() {
    ///     replay(&mut json, change.clone());
    /// }
    /// assert_eq!(json, document.to_json());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// What was in conflict where the merge touched the document, sorted by path.
    pub fn conflicts(&self) -> &[Conflict] {
        &self.conflicts
    }
}

/// One path where something else is read than before. Where a whole value came, went or turned
/// into another kind it is one change; where both are containers the changes are those inside.
/// [`Report::changes`] tells how to replay them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Change {
    /// Where it is now; of an item that left its place, with the index that it had.
    pub path: Path,
    /// What was read before; `None` where something came.
    pub before: Option<Value>,
    /// What is read now; `None` where something went.
    pub after: Option<Value>,
}

/// Concurrent writes that could not all be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Conflict {
    /// Where.
    pub path: Path,
    /// What contended.
    pub kind: ConflictKind,
    /// What is read.
    pub winner: Contender,
    /// What is not: the greatest (time, replica) first, and last a deletion of which neither is
    /// known.
    pub losers: Vec<Contender>,
}

/// What contended in a [`Conflict`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum ConflictKind {
    /// Different scalars. The losers stay readable.
    Value,
    /// Values of different kinds. The losers stay readable.
    Type,
    /// A deletion, and a write that had not seen it; the write is read.
    Deletion,
    /// An item that was moved to different places. The values are the indexes where it stands,
    /// and where it would. Settled by [`Document::move_item`](crate::Document::move_item), be it to where it stands.
    Move,
    /// A list that was made on several sides, with different [`ListKeys`](crate::document::ListKeys): what is
    /// one item to one of them is another to the other, so an import on both sides stands there
    /// twice. The values are the fields that are the key, `null` where items have none. Settled by
    /// any write to the list or into it; [`Document::resolve`](crate::Document::resolve) writes the whole list anew.
    Keys,
}

impl ConflictKind {
    /// Whether what contended are values, one of which may be that nothing is there.
    pub(super) const fn is_of_values(self) -> bool {
        matches!(self, Self::Value | Self::Type | Self::Deletion)
    }
}

impl fmt::Display for ConflictKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Value => "value",
            Self::Type => "type",
            Self::Deletion => "deletion",
            Self::Move => "move",
            Self::Keys => "keys",
        })
    }
}

/// One side of a [`Conflict`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Contender {
    /// What it says should be there.
    pub claim: Claim,
    /// When it was written, and by whom; for an object the greatest stamp in it. For a deletion it
    /// is known only where the delta that made it was applied: a state keeps no tombstones.
    pub stamp: Option<Stamp>,
}

/// What one side of a [`Conflict`] says should be there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "lowercase"))]
pub enum Claim {
    /// This value.
    Value(Value),
    /// The container that is read there. [`Document::get`](crate::Document::get) returns it: it may be most of the
    /// document, and hold further conflicts, so a conflict does not repeat it.
    Read(Kind),
    /// Nothing: a deletion.
    Deletion,
}

impl Claim {
    /// The value, if the claim is one.
    pub const fn value(&self) -> Option<&Value> {
        match self {
            Self::Value(value) => Some(value),
            Self::Read(_) | Self::Deletion => None,
        }
    }

    /// The kind of the value; `None` if it is a deletion.
    pub const fn kind(&self) -> Option<Kind> {
        match self {
            Self::Value(value) => Some(value.kind()),
            Self::Read(kind) => Some(*kind),
            Self::Deletion => None,
        }
    }

    /// Whether it is a deletion.
    pub const fn is_deletion(&self) -> bool {
        matches!(self, Self::Deletion)
    }
}

impl Contender {
    /// A deletion of which nobody has told.
    pub(super) const DELETION: Self = Self { claim: Claim::Deletion, stamp: None };

    pub(super) fn of(value: impl Into<Value>, rank: Rank) -> Self {
        Self { claim: Claim::Value(value.into()), stamp: Some(rank.0) }
    }
}

impl Conflict {
    pub(super) fn has_deletion(&self) -> bool {
        self.losers.iter().any(|loser| loser.claim.is_deletion())
    }

    /// Adds a deletion to the losers, if there is none among them yet.
    pub(super) fn add_deletion(&mut self) {
        if !self.has_deletion() {
            self.losers.push(Contender::DELETION);
        }
    }

    /// Fills in the stamp of a deletion, and puts it where that belongs.
    pub(super) fn tell_who_removed(&mut self, latest: Option<Stamp>) {
        let deletions = self.losers.iter_mut().filter(|loser| loser.claim.is_deletion());
        deletions.for_each(|deletion| deletion.stamp = latest);
        self.losers.sort_by_key(|loser| Reverse(loser.stamp));
    }
}
