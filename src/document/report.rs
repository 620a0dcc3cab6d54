//! [`Report`]: what a merge changed, and what was in conflict.

use super::{
    Document, DocumentDelta,
    changes::Reporting,
    content::Content,
    path::{Path, Token, Way},
    place::Place,
    read::{Reading, Standing, View},
    segment::Segment,
    store::Store,
    tree::{NodeId, ROOT},
    value::{Kind, Value},
    write::Rank,
};
use crate::{causal::Dot, time::Stamp};
use alloc::{collections::BTreeSet, vec::Vec};
use core::{
    cmp::{Ordering, Reverse},
    fmt,
};

/// What a merge changed, and what was in conflict: the same for the same two documents.
///
/// A report is no larger than what the merge brought, what it replaced, and the losers of the
/// conflicts that it touched: paths share their steps, and no value is told twice. To spell every
/// path costs more, so a report has no serde form of its own: serialize those of its
/// [`changes`](Self::changes) and [`conflicts`](Self::conflicts) that somebody wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub(super) changed: bool,
    pub(super) changes: Vec<Change>,
    pub(super) conflicts: Vec<Conflict>,
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
    /// and where it would. Settled by [`Document::move_item`], be it to where it stands.
    Move,
    /// A list that was made on several sides, with different [`ListKeys`](super::ListKeys): what is
    /// one item to one of them is another to the other, so an import on both sides stands there
    /// twice. The values are the fields that are the key, `null` where items have none. Settled by
    /// any write to the list or into it; [`Document::resolve`] writes the whole list anew.
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
    /// The container that is read there. [`Document::get`] returns it: it may be most of the
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

impl Document {
    /// Joins `other` as [`merge`](crate::Merge::merge) does, and tells what that changed and what
    /// was in conflict. O(changes × depth), beside the merge and what `other` has not seen yet, and
    /// the size of what is told.
    pub fn merge_reporting(&mut self, other: &Self) -> Report {
        let edited_here = self.deleted_at(&other.store);
        let mut report = Reporting::new(&mut self.store, &other.store);
        for node in edited_here {
            report.edited_here(node);
        }
        report.join(&[])
    }

    /// Joins a delta as [`apply`](crate::DeltaState::apply) does, and tells what that changed and
    /// what was in conflict. O(changes × depth), and the size of what is told; where the delta
    /// removed something, also O(fields below that were set more than once, or survived).
    ///
    /// An edit's delta tells which paths it removed, so that whoever has edited there learns of it.
    /// One computed by [`delta_since`](crate::DeltaState::delta_since) does not: there only the
    /// side that removed learns of such a conflict, once it receives the edit.
    pub fn apply_reporting(&mut self, delta: &DocumentDelta) -> Report {
        Reporting::new(&mut self.store, &delta.store).join(&delta.removals)
    }

    /// Every conflict that stands open, by path: each is settled by one
    /// [`resolve`](Self::resolve), or by any write there that has seen it; of moves by one
    /// [`move_item`](Self::move_item).
    ///
    /// Of deletions only those of containers and items in which something survived can stand
    /// open; where a field was deleted and set concurrently, the value stands alone and only the
    /// merge reports it. While deltas arrive out of order, a container whose own write is still
    /// on its way is listed as deleted.
    ///
    /// Walks the whole document: which of its parts stand open is not indexed.
    pub fn conflicts(&self) -> Vec<Conflict> {
        let mut open = Vec::new();
        let view = self.store.view();
        if view.tree.has_content(ROOT) {
            view.conflicts_below(ROOT, &Way::root(), true, &mut open);
        }
        open
    }

    /// What this document has edited and `other` has deleted, neither knowing of the other. O(what
    /// `other` has not seen).
    fn deleted_at(&self, other: &Store) -> Vec<NodeId> {
        let seen = other.kernel.context();
        let is_gone = |node| {
            let theirs = other.tree.find(&self.store.tree, node);
            theirs.is_none_or(|theirs| !other.tree.has_content(theirs))
        };
        let unseen = self.store.kernel.unseen_by(seen).map(|(_, write)| write);
        let deleted = unseen.filter(|write| {
            write.birth().is_some_and(|birth| seen.contains(birth))
                && !write.is_place()
                && is_gone(write.node)
        });
        deleted.map(|write| write.node).collect()
    }
}

/// One of the values that live at a node.
#[derive(Clone, Copy)]
enum Sort<'a> {
    Scalar(&'a Content),
    Count(i64),
    Object,
    List,
}

impl Contender {
    /// A deletion of which nobody has told.
    const DELETION: Self = Self { claim: Claim::Deletion, stamp: None };

    fn of(value: impl Into<Value>, rank: Rank) -> Self {
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

impl<'a> View<'a> {
    /// Whether a node is there because somebody wrote just that, not only by what survived inside.
    fn stands(self, node: NodeId, standing: &Standing<'a>) -> bool {
        let is_item = matches!(self.tree.segment(node), Some(Segment::Item(_)));
        let is_marked = match self.reading(node) {
            Some(Reading::Object) => standing.object.is_some(),
            Some(Reading::List) => standing.list.is_some(),
            _ => true,
        };
        is_marked && (!is_item || self.tree.place(self.blocks, node).is_some())
    }

    pub(super) fn stands_at(self, node: NodeId) -> bool {
        self.stands(node, &self.standing(node))
    }

    /// Whether a conflict stands open at a node that a value settles.
    pub(super) fn is_contended(self, node: NodeId) -> bool {
        let parent_stands = self.tree.parent(node).is_none_or(|parent| self.stands_at(parent));
        let way = Way::root();
        self.conflict(node, &way, parent_stands).is_some()
            || self.keys_conflict(node, &way).is_some()
    }

    /// The conflicts that stand open at a node.
    pub(super) fn conflicts_at(
        self,
        node: NodeId,
        way: &Way<'_>,
        parent_stands: bool,
        open: &mut Vec<Conflict>,
    ) {
        open.extend(self.conflict(node, way, parent_stands));
        open.extend(self.move_conflict(node, way));
        open.extend(self.keys_conflict(node, way));
    }

    /// The conflict of values that stands open at a node, if there is one.
    pub(super) fn conflict(
        self,
        node: NodeId,
        way: &Way<'_>,
        parent_stands: bool,
    ) -> Option<Conflict> {
        let standing = self.standing(node);
        let orphaned = parent_stands && !self.stands(node, &standing);
        let scalars = || self.writes_at(node).filter(|(_, write)| write.content.is_scalar());
        let kinds = [
            scalars().next().is_some() || standing.count.is_some(),
            standing.object.is_some() || self.has_fields(node),
            standing.list.is_some() || self.has_items(node),
        ];
        let kinds = kinds.iter().filter(|kind| **kind).count();
        if !orphaned && kinds == 1 && scalars().nth(1).is_none() && !standing.counts_on_other() {
            return None;
        }
        let mut contenders = self.contenders(node, &standing).into_iter();
        let winner = contenders.next()?;
        let mut losers: Vec<Contender> = contenders.collect();
        let kind = if losers.iter().any(|loser| loser.claim.kind() != winner.claim.kind()) {
            ConflictKind::Type
        } else if !losers.is_empty() {
            ConflictKind::Value
        } else if orphaned {
            losers.push(Contender::DELETION);
            ConflictKind::Deletion
        } else {
            return None;
        };
        Some(Conflict { path: way.path(), kind, winner, losers })
    }

    pub(super) fn deletion_conflict(self, node: NodeId, way: &Way<'_>) -> Option<Conflict> {
        let winner = self.contenders(node, &self.standing(node)).into_iter().next()?;
        let losers = Vec::from([Contender::DELETION]);
        Some(Conflict { path: way.path(), kind: ConflictKind::Deletion, winner, losers })
    }

    /// The different values that live at a node, a container being one, the one that is read
    /// first. Increments belong to the number that they count on.
    fn contenders(self, node: NodeId, standing: &Standing<'a>) -> Vec<Contender> {
        let scalars = self.writes_at(node).filter(|(_, write)| write.content.is_scalar());
        let scalars = scalars.map(|(rank, it)| (rank, Sort::Scalar(&it.content)));
        let mut ranked: Vec<(Rank, Sort<'a>)> = scalars.collect();
        if let Some((rank, number)) = standing.number() {
            // The number with its increments stands for the number.
            let start = standing.integer.map(|it| it.0);
            ranked.retain(|it| Some(it.0) != start);
            ranked.push((rank, Sort::Count(number)));
        }
        if standing.object.is_some() || self.has_fields(node) {
            ranked.extend(self.object_rank(node, standing).map(|it| (it, Sort::Object)));
        }
        if standing.list.is_some() || self.has_items(node) {
            ranked.extend(self.list_rank(node, standing).map(|it| (it, Sort::List)));
        }
        ranked.sort_by_key(|ranked| Reverse(ranked.0));
        let mut told = BTreeSet::new();
        let is_first = |sort: &Sort<'_>| match *sort {
            Sort::Scalar(content) => told.insert(content.clone()),
            Sort::Count(number) => told.insert(Content::Number(number.into())),
            Sort::Object | Sort::List => true,
        };
        let mut is_first = is_first;
        ranked.retain(|it| is_first(&it.1));
        let claim = |(at, (rank, sort)): (usize, (Rank, Sort<'a>))| {
            let claim = self.claim(node, sort, at == 0)?;
            Some(Contender { claim, stamp: Some(rank.0) })
        };
        ranked.into_iter().enumerate().filter_map(claim).collect()
    }

    fn claim(self, node: NodeId, sort: Sort<'a>, is_read: bool) -> Option<Claim> {
        Some(match sort {
            Sort::Scalar(content) => Claim::Value(content.to_value()?),
            Sort::Count(number) => Claim::Value(number.into()),
            Sort::Object if is_read => Claim::Read(Kind::Object),
            Sort::List if is_read => Claim::Read(Kind::Array),
            Sort::Object => Claim::Value(self.object(node)),
            Sort::List => Claim::Value(self.list(node)),
        })
    }

    /// The conflict of moves that stands open at an item, if there is one. Places that two imports
    /// gave it are none: nobody moved it.
    fn move_conflict(self, node: NodeId, way: &Way<'_>) -> Option<Conflict> {
        self.places(node).nth(1)?;
        let moves = self.places(node).filter_map(|(_, rank, write)| match &write.content {
            Content::Place(place) => Some((rank, write.birth()?, place)),
            _ => None,
        });
        let mut moves: Vec<(Rank, Dot, &Place)> = moves.collect();
        moves.sort_unstable_by_key(|it| Reverse(it.0));
        // Of one move, which several sides have re-placed, what is read.
        let mut told = BTreeSet::new();
        moves.retain(|it| told.insert(it.1));
        let (_, winner) = self.tree.place(self.blocks, node)?;
        let items = self.tree.list_at(self.tree.parent(node)?)?;
        let own = items.index_of(|other| self.tree.compare(self.blocks, other, node))?;
        let index = |place: &Place| {
            let at = items.count_before(|other| {
                let by_place = match self.tree.place(self.blocks, other) {
                    Some((_, other)) => other.cmp(place),
                    None => Ordering::Greater,
                };
                by_place.then_with(|| self.tree.segment(other).cmp(&self.tree.segment(node)))
            });
            at - usize::from(at > own)
        };
        let contender =
            |(rank, _, place): &(Rank, Dot, &Place)| Contender::of(index(place) as u64, *rank);
        let mut contenders = moves.iter().filter(|it| it.2 == winner).map(contender);
        let winner = (contenders.next()?, winner);
        let losers: Vec<Contender> =
            moves.iter().filter(|it| it.2 != winner.1).map(contender).collect();
        let (kind, winner) = (ConflictKind::Move, winner.0);
        (!losers.is_empty()).then(|| Conflict { path: way.path(), kind, winner, losers })
    }

    /// The conflict of keys that stands open at a list, if there is one.
    fn keys_conflict(self, node: NodeId, way: &Way<'_>) -> Option<Conflict> {
        if !self.keys_differ(node) || !matches!(self.reading(node), Some(Reading::List)) {
            return None;
        }
        let mut marks: Vec<(Rank, Option<&str>)> = self.list_marks(node).collect();
        marks.sort_unstable_by_key(|mark| Reverse(mark.0));
        let mut told = BTreeSet::new();
        marks.retain(|mark| told.insert(mark.1));
        let contender = |(rank, key): (Rank, Option<&str>)| {
            Contender::of(key.map_or(Value::Null, Value::from), rank)
        };
        let mut contenders = marks.into_iter().map(contender);
        let winner = contenders.next()?;
        let (kind, losers) = (ConflictKind::Keys, contenders.collect());
        Some(Conflict { path: way.path(), kind, winner, losers })
    }

    fn conflicts_below(
        self,
        node: NodeId,
        way: &Way<'_>,
        parent_stands: bool,
        open: &mut Vec<Conflict>,
    ) {
        self.conflicts_at(node, way, parent_stands, open);
        let stands = self.stands_at(node);
        match self.reading(node) {
            Some(Reading::Object) => {
                for (name, field) in self.tree.sorted_fields(node) {
                    let way = way.below(Token::Name(name.clone()));
                    self.conflicts_below(field, &way, stands, open);
                }
            }
            Some(Reading::List) => {
                for (index, item) in self.tree.items(node).enumerate() {
                    self.conflicts_below(item, &way.below(Token::Index(index)), stands, open);
                }
            }
            _ => {}
        }
    }
}
