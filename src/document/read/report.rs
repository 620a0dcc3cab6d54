//! [`Report`]: what a merge changed, and what was in conflict.

use super::path::Path;
use crate::{
    document::state::Rank,
    time::Stamp,
    value::{Kind, Value},
};
use alloc::vec::Vec;
use core::{cmp::Reverse, fmt};

/// What a merge changed, and what was in conflict. The same two documents always give the same
/// report.
///
/// A report is no larger than what the merge brought, what it replaced, and the losers of the
/// conflicts that it touched: paths share their steps, and no value appears twice. Spelling every
/// path costs more, so a report has no serde form of its own: serialize those of its
/// [`changes`](Self::changes) and [`conflicts`](Self::conflicts) that somebody wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub(crate) changed: bool,
    pub(crate) changes: Vec<Change>,
    pub(crate) conflicts: Vec<Conflict>,
}

impl Report {
    /// Whether the merge changed the document at all. It may also have learnt something that
    /// changes nothing that is read, for example of a deletion that it had made itself.
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::{Document, Timestamp};
    ///
    /// let mut ours = Document::new();
    /// let mut theirs = ours.clone();
    /// theirs.set("/title", "Booking", "eu-west-1".parse()?, Timestamp::from_millis(1))?;
    /// assert!(ours.merge_reporting(&theirs).changed());
    /// assert!(!ours.merge_reporting(&theirs).changed());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn changed(&self) -> bool {
        self.changed
    }

    /// The steps that turn what was read before into what is read now: enough to refresh a screen
    /// or a search index. What still reads the same is not among them.
    ///
    /// They are sorted by path, except that in each list what left its place comes first, from the
    /// last index to the first. Applied in this order, each step finds the JSON as its path says:
    ///
    /// - `before` only: take out the field, or the item at that index. Later items move up.
    /// - `after` only: set the field, or insert the item before the one at that index.
    /// - both: set the field or the item.
    ///
    /// An item that moved is taken out and inserted again, whole. Items are told apart by identity,
    /// not by value: an item that moved past others which read the same counts as moved.
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::{Document, Timestamp, document::{Change, Step, Value}};
    ///
    /// fn replay(whole: &mut Value, change: Change) -> Option<()> {
    ///     let (Some(parent), Some(last)) = (change.path.parent(), change.path.last()) else {
    ///         *whole = change.after.unwrap_or_default();
    ///         return Some(());
    ///     };
    ///     let container = parent.steps().try_fold(whole, |value, step| match (step, value) {
    ///         (Step::Field(name), Value::Object(fields)) => fields.get_mut(name),
    ///         (Step::Item(at), Value::Array(items)) => items.get_mut(at),
    ///         _ => None,
    ///     })?;
    ///     match (last, container, change.before, change.after) {
    ///         (Step::Field(name), Value::Object(fields), _, Some(after)) => {
    ///             fields.insert(name.into(), after);
    ///         }
    ///         (Step::Field(name), Value::Object(fields), _, None) => {
    ///             fields.remove(name);
    ///         }
    ///         (Step::Item(at), Value::Array(items), None, Some(after)) => items.insert(at, after),
    ///         (Step::Item(at), Value::Array(items), Some(_), Some(after)) => items[at] = after,
    ///         (Step::Item(at), Value::Array(items), Some(_), None) => {
    ///             items.remove(at);
    ///         }
    ///         _ => return None,
    ///     }
    ///     Some(())
    /// }
    ///
    /// let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let mut document = Document::from_value(Value::from(vec!["a", "b", "c"]), us, now)?;
    /// let mut screen = document.to_value().unwrap_or_default();
    /// let mut theirs = document.clone();
    /// theirs.update(Value::from(vec!["c", "b", "d"]), us, now)?;
    ///
    /// for change in document.merge_reporting(&theirs).changes() {
    ///     replay(&mut screen, change.clone()).ok_or("a step finds its container")?;
    /// }
    /// assert_eq!(Some(screen), document.to_value());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// What was in conflict where the merge touched the document, sorted by path.
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::{Document, Timestamp};
    ///
    /// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// let at = Timestamp::from_millis;
    /// let mut ours = Document::new();
    /// ours.set("/title", "Booking", us, at(1))?;
    /// let mut theirs = ours.clone();
    /// ours.set("/title", "Booking Help", us, at(2))?;
    /// theirs.set("/title", "Booking Assistance", eu, at(3))?;
    ///
    /// let report = ours.merge_reporting(&theirs);
    /// let conflict = &report.conflicts()[0];
    /// assert_eq!(conflict.path, "/title");
    /// assert_eq!(conflict.winner.claim.value(), Some(&"Booking Assistance".into()));
    /// assert_eq!(conflict.losers[0].stamp.map(|it| it.replica), Some(us));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn conflicts(&self) -> &[Conflict] {
        &self.conflicts
    }
}

/// One path that reads differently now.
///
/// If a whole value came, went or became another kind, that is one change; if both are containers,
/// the changes are those inside. [`Report::changes`] says how to replay them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Change {
    /// Where it is now; for an item that left its place, where it was.
    pub path: Path,
    /// What was read before; `None` where something came.
    pub before: Option<Value>,
    /// What is read now; `None` where something went.
    pub after: Option<Value>,
}

/// Concurrent writes that could not all be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Conflict {
    /// Where.
    pub path: Path,
    /// What contended.
    pub kind: ConflictKind,
    /// What is read.
    pub winner: Contender,
    /// What is not read: the greatest (time, replica) first, and last a deletion whose time and
    /// replica are unknown.
    pub losers: Vec<Contender>,
}

/// What contended in a [`Conflict`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum ConflictKind {
    /// Different scalars. The losers stay readable here.
    Value,
    /// Values of different kinds. The losers stay readable here.
    Type,
    /// A deletion, and a write that had not seen it. The write is read.
    Deletion,
    /// An item that was moved to different places. The values are the index where it stands, and
    /// those where it would stand if one side's moves alone counted. Sides that move items to the
    /// same indexes agree. Settled by [`move_item`](crate::Document::move_item), even to where it
    /// already stands.
    Move,
    /// A list that was made on several sides with different
    /// [`Rules`](crate::document::Rules): what is one item to one of them is another to the
    /// other, so an import on both sides stands there twice. The values are the fields that are the
    /// key, `null` where items have none. Settled by any write to the list or into it;
    /// [`resolve`](crate::Document::resolve) writes the whole list anew.
    Keys,
    /// A list whose items arrays that were written apart have in orders that cannot both be kept.
    /// The array that is read has the later ones in its order. The losers are arrays of indexes: the
    /// items that are in question, as they are read, in the order of that import. Settled by any
    /// insertion before the end, removal or move in the list.
    Order,
}

impl ConflictKind {
    /// Whether values contend; one of them may be that nothing is there.
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
            Self::Order => "order",
        })
    }
}

/// One side of a [`Conflict`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Contender {
    /// What it says should be there.
    pub claim: Claim,
    /// When it was written, and by whom; for an object, the greatest stamp in it. For a deletion it
    /// is known only where the delta that made it was applied: a state keeps no tombstones.
    pub stamp: Option<Stamp>,
}

/// What one side of a [`Conflict`] says should be there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "lowercase"))]
pub enum Claim {
    /// This value.
    Value(Value),
    /// The container that is read there, which [`Document::get`](crate::Document::get) returns. It
    /// may be most of the document and hold further conflicts, so a conflict does not repeat it.
    Read(Kind),
    /// That nothing should be there: a deletion.
    Deletion,
}

impl Claim {
    /// The value; `None` if it is a container that is read, or a deletion.
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::document::{Claim, Kind};
    ///
    /// assert_eq!(Claim::Value("Booking".into()).value(), Some(&"Booking".into()));
    /// assert_eq!(Claim::Read(Kind::Object).value(), None);
    /// ```
    pub const fn value(&self) -> Option<&Value> {
        match self {
            Self::Value(value) => Some(value),
            Self::Read(_) | Self::Deletion => None,
        }
    }

    /// The kind of the value; `None` if it is a deletion.
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::document::{Claim, Kind};
    ///
    /// assert_eq!(Claim::Value("Booking".into()).kind(), Some(Kind::Scalar));
    /// assert_eq!(Claim::Deletion.kind(), None);
    /// ```
    pub const fn kind(&self) -> Option<Kind> {
        match self {
            Self::Value(value) => Some(value.kind()),
            Self::Read(kind) => Some(*kind),
            Self::Deletion => None,
        }
    }

    /// Whether it is a deletion.
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::document::{Claim, Kind};
    ///
    /// assert!(Claim::Deletion.is_deletion());
    /// assert!(!Claim::Read(Kind::Array).is_deletion());
    /// ```
    pub const fn is_deletion(&self) -> bool {
        matches!(self, Self::Deletion)
    }
}

impl Contender {
    /// A deletion whose time and replica are unknown.
    pub(super) const DELETION: Self = Self { claim: Claim::Deletion, stamp: None };

    pub(super) fn of(value: impl Into<Value>, rank: Rank) -> Self {
        Self { claim: Claim::Value(value.into()), stamp: Some(rank.0) }
    }
}

impl Conflict {
    pub(super) fn has_deletion(&self) -> bool {
        self.losers.iter().any(|loser| loser.claim.is_deletion())
    }

    /// Adds a deletion to the losers, unless there is one already.
    pub(super) fn add_deletion(&mut self) {
        if !self.has_deletion() {
            self.losers.push(Contender::DELETION);
        }
    }

    /// Fills in the stamp of a deletion, and sorts it to its place.
    pub(super) fn tell_who_removed(&mut self, latest: Option<Stamp>) {
        let deletions = self.losers.iter_mut().filter(|loser| loser.claim.is_deletion());
        deletions.for_each(|deletion| deletion.stamp = latest);
        self.losers.sort_by_key(|loser| Reverse(loser.stamp));
    }
}
