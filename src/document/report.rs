//! [`Report`]: what a merge changed, and what was in conflict.

use super::{
    Document, DocumentDelta,
    content::Content,
    delta::Removal,
    place::Place,
    pointer::{index_of_token, push_index, push_name},
    read::{Reading, Standing, View},
    segment::Segment,
    store::Store,
    tree::{NodeId, ROOT},
    value::{Kind, Value},
    write::Rank,
};
use crate::{causal, time::Stamp};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};
use core::{
    cmp::{Ordering, Reverse},
    fmt,
};

/// What a merge changed, and what was in conflict: the same for the same two documents, sorted by
/// path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Report {
    changed: bool,
    changes: Vec<Change>,
    conflicts: Vec<Conflict>,
}

impl Report {
    /// Whether the merge changed the document at all; it may have learnt something (say, of a
    /// deletion it had itself made) without a change to what is read.
    pub fn changed(&self) -> bool {
        self.changed
    }

    /// What is read otherwise than before: enough to refresh a screen or a search index.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// What was in conflict where the merge touched the document.
    pub fn conflicts(&self) -> &[Conflict] {
        &self.conflicts
    }
}

/// One path where something else is read than before. Where a whole value came, went or turned
/// into another kind it is one change; where both are containers the changes are those inside.
/// An item that moved went from where it was and came to where it is: two changes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Change {
    /// Where it is now, as a JSON Pointer; of an item that went, with the index that it had.
    pub path: String,
    /// What was read before, if anything.
    pub before: Option<Value>,
    /// What is read now, if anything.
    pub after: Option<Value>,
}

/// Concurrent writes that could not all be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Conflict {
    /// Where, as a JSON Pointer.
    pub path: String,
    /// What contended.
    pub kind: ConflictKind,
    /// What is read.
    pub winner: Contender,
    /// What is not, the greatest (time, replica) first.
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
}

impl fmt::Display for ConflictKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Value => "value",
            Self::Type => "type",
            Self::Deletion => "deletion",
            Self::Move => "move",
        })
    }
}

/// One side of a [`Conflict`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Contender {
    /// The value; none if it is a deletion.
    pub value: Option<Value>,
    /// When it was written, and by whom; for an object the greatest stamp in it. For a deletion it
    /// is known only where the delta that made it was applied: a state keeps no tombstones.
    pub stamp: Option<Stamp>,
}

impl Document {
    /// Joins `other` as [`merge`](crate::Merge::merge) does, and tells what that changed and what
    /// was in conflict. O(changes × depth), beside the merge and what `other` has not seen yet.
    pub fn merge_reporting(&mut self, other: &Self) -> Report {
        let edited_here = self.deleted_at(&other.store);
        let mut report = Reporting::new(&mut self.store, &other.store, &[]);
        for node in edited_here {
            report.hold(node);
            report.deletions.insert(node);
        }
        report.join()
    }

    /// Joins a delta as [`apply`](crate::DeltaState::apply) does, and tells what that changed and
    /// what was in conflict. O(changes × depth).
    ///
    /// An edit's delta tells which paths it removed, so that whoever has edited there learns of it.
    /// One computed by [`delta_since`](crate::DeltaState::delta_since) does not: there only the
    /// side that removed learns of such a conflict, once it receives the edit.
    pub fn apply_reporting(&mut self, delta: &DocumentDelta) -> Report {
        Reporting::new(&mut self.store, &delta.store, &delta.removals).join()
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
            view.conflicts_below(ROOT, &mut String::new(), true, &mut open);
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

/// A join under way, with what it is to be told of. It holds the nodes that it speaks of.
struct Reporting<'a> {
    ours: &'a mut Store,
    theirs: &'a Store,
    /// Where writes come or go.
    touched: BTreeSet<NodeId>,
    /// Where something was deleted here and edited there or the other way round.
    deletions: BTreeSet<NodeId>,
    /// Where something was removed, as far as that is told.
    removed: BTreeMap<NodeId, Stamp>,
    held: Vec<NodeId>,
}

/// What was read at a node before a join.
struct Before {
    value: Option<Value>,
    kind: Option<Kind>,
    /// For an item: its index, and its place.
    index: Option<usize>,
    place: Option<Place>,
}

impl<'a> Reporting<'a> {
    fn new(ours: &'a mut Store, theirs: &'a Store, removals: &[Removal]) -> Self {
        let mut removed = BTreeMap::new();
        let unseen = |it: &&Removal| !ours.kernel.context().contains(it.dot);
        for removal in removals.iter().filter(unseen) {
            if let Some(node) = ours.tree.find(&theirs.tree, removal.node) {
                let latest = removed.entry(node).or_insert(removal.stamp());
                *latest = removal.stamp().max(*latest);
            }
        }
        let (touched, deletions, held) = Default::default();
        let mut reporting = Self { ours, theirs, touched, deletions, removed, held };
        let removed: Vec<NodeId> = reporting.removed.keys().copied().collect();
        for node in removed {
            reporting.hold(node);
        }
        reporting.find_touched();
        reporting
    }

    fn hold(&mut self, node: NodeId) {
        self.ours.tree.hold(node);
        self.held.push(node);
    }

    fn find_touched(&mut self) {
        let Self { ours, theirs, .. } = self;
        let (mut came, mut went) = (Vec::new(), Vec::new());
        let order = |our: &_, their: &_| ours.tree.order(our, &theirs.tree, their);
        ours.kernel.preview(&theirs.kernel, order, |change| match change {
            causal::Change::Came(_, write) => {
                let birth = write.birth().filter(|_| !write.is_place());
                let known = birth.is_some_and(|birth| ours.kernel.context().contains(birth));
                came.push((write.node, known));
            }
            causal::Change::Went(_, write) => went.push(write.node),
        });
        for (theirs, known) in came {
            let node = self.ours.tree.adopt(&self.theirs.tree, theirs);
            self.hold(node);
            self.touched.insert(node);
            if known && !self.ours.tree.has_content(node) {
                self.deletions.insert(node);
            }
        }
        for node in went {
            self.hold(node);
            self.touched.insert(node);
        }
    }

    fn join(mut self) -> Report {
        let before = self.before();
        let mut report = Report { changed: self.ours.join(self.theirs), ..Report::default() };
        if report.changed {
            report.changes = self.changes(&before);
            self.find_survivors();
            report.conflicts = self.conflicts(before.keys().copied());
        }
        for node in self.held {
            self.ours.tree.release(node);
        }
        report
    }

    /// What is read where writes come or go, and on the way there where another kind might be
    /// read after the join.
    fn before(&self) -> BTreeMap<NodeId, Before> {
        let view = self.ours.view();
        let mut before: BTreeMap<NodeId, Before> =
            self.touched.iter().map(|node| (*node, view.before(*node, true))).collect();
        for node in &self.touched {
            let mut below = *node;
            for upper in view.tree.ancestors(*node) {
                let step = core::mem::replace(&mut below, upper);
                let stays = view.stays(upper, step);
                let known = before.entry(upper).or_insert_with(|| view.before(upper, !stays));
                if !stays && known.value.is_none() {
                    *known = view.before(upper, true);
                }
            }
        }
        before
    }

    /// Compares with what was read before; the uppermost node where the kind differs stands for
    /// everything below it.
    fn changes(&self, before: &BTreeMap<NodeId, Before>) -> Vec<Change> {
        let view = self.ours.view();
        let mut nodes: Vec<(usize, NodeId)> =
            before.keys().map(|node| (view.tree.depth(*node), *node)).collect();
        nodes.sort_unstable();
        let mut covered = BTreeSet::new();
        let mut changes = Vec::new();
        for (_, node) in nodes {
            let Some(old) = before.get(&node) else { continue };
            if view.tree.ancestors(node).any(|upper| covered.contains(&upper)) {
                continue;
            }
            let is_visible = view.is_visible(node);
            let reading = view.reading(node).filter(|_| is_visible);
            let kind = reading.map(Reading::kind);
            let place = view.tree.place(view.blocks, node).map(|place| place.1.clone());
            let has_moved = old.index.is_some() && kind.is_some() && place != old.place;
            let after = || view.value(node).filter(|_| is_visible);
            let path = || view.pointer(node);
            if has_moved {
                let was = view.pointer_with_index(node, old.index);
                changes.push(Change { path: was, before: old.value.clone(), after: None });
                changes.push(Change { path: path(), before: None, after: after() });
            } else if kind != old.kind {
                let path = match kind {
                    None => view.pointer_with_index(node, old.index),
                    Some(_) => path(),
                };
                changes.push(Change { path, before: old.value.clone(), after: after() });
            } else if kind == Some(Kind::Scalar) && self.touched.contains(&node) {
                let after = after();
                if after != old.value {
                    changes.push(Change { path: path(), before: old.value.clone(), after });
                }
            }
            if has_moved || kind != old.kind || kind.is_none_or(|kind| kind == Kind::Scalar) {
                covered.insert(node);
            }
        }
        changes.sort_by_cached_key(|change| (tokens(&change.path), change.after.is_some()));
        changes
    }

    /// What is left where something was removed by those who had not seen it.
    fn find_survivors(&mut self) {
        if self.removed.is_empty() {
            return;
        }
        let (context, view) = (self.theirs.kernel.context(), self.ours.view());
        let (theirs, ours) = (&self.theirs.tree, &self.ours.tree);
        let written = self.theirs.kernel.payloads();
        let written: BTreeSet<NodeId> =
            written.filter_map(|it| ours.find(theirs, it.node)).collect();
        for node in self.removed.keys() {
            for slot in view.slots_below(*node) {
                let Some(((_, dot), write)) = view.write(slot) else { continue };
                let known = write.birth().is_some_and(|birth| context.contains(birth));
                let is_unseen = !context.contains(dot) && !write.is_place();
                if known && is_unseen && !written.contains(&write.node) {
                    self.deletions.insert(write.node);
                }
            }
        }
    }

    /// The conflicts at the touched nodes and on the way to them, and those with a deletion.
    fn conflicts(&self, nodes: impl Iterator<Item = NodeId>) -> Vec<Conflict> {
        let view = self.ours.view();
        let mut conflicts = BTreeMap::<NodeId, Vec<Conflict>>::new();
        for node in nodes.filter(|node| view.is_visible(*node)) {
            let found = view.conflict(node).into_iter().chain(view.move_conflict(node));
            conflicts.entry(node).or_default().extend(found);
        }
        let mut deletions: Vec<(usize, NodeId)> =
            self.deletions.iter().map(|node| (view.tree.depth(*node), *node)).collect();
        deletions.sort_unstable();
        let has_deletion = |conflicts: &Vec<Conflict>| {
            conflicts.iter().any(|it| it.losers.iter().any(|loser| loser.value.is_none()))
        };
        // Upper ones first: what lies inside what was deleted is part of that conflict.
        for (_, node) in deletions.into_iter().filter(|it| view.is_visible(it.1)) {
            let mut above = view.tree.ancestors(node).filter_map(|upper| conflicts.get(&upper));
            if above.any(has_deletion) {
                continue;
            }
            let here = conflicts.entry(node).or_default();
            match here.iter_mut().find(|it| it.kind != ConflictKind::Move) {
                Some(conflict) => conflict.add_deletion(),
                None => here.extend(view.deletion_conflict(node)),
            }
        }
        for (node, conflicts) in &mut conflicts {
            self.tell_who_removed(*node, conflicts);
        }
        let mut conflicts: Vec<Conflict> = conflicts.into_values().flatten().collect();
        conflicts.sort_by_cached_key(|conflict| (tokens(&conflict.path), conflict.kind));
        conflicts
    }

    /// Fills in the stamps of deletions: the latest of those told of, at a node or above.
    fn tell_who_removed(&self, node: NodeId, conflicts: &mut [Conflict]) {
        let made_it = core::iter::once(node).chain(self.ours.tree.ancestors(node));
        let latest = made_it.filter_map(|node| self.removed.get(&node).copied()).max();
        let losers = conflicts.iter_mut().flat_map(|it| &mut it.losers);
        for deletion in losers.filter(|loser| loser.value.is_none()) {
            deletion.stamp = latest;
        }
    }
}

impl Contender {
    /// A deletion of which nobody has told.
    const DELETION: Self = Self { value: None, stamp: None };
}

/// A path to sort by: indexes by number.
fn tokens(path: &str) -> Vec<(usize, String)> {
    let number = |token: &str| index_of_token(token).unwrap_or(usize::MAX);
    path.split('/').skip(1).map(|token| (number(token), token.into())).collect()
}

impl Conflict {
    /// Adds a deletion to the losers, if there is none among them yet.
    fn add_deletion(&mut self) {
        if self.losers.iter().all(|loser| loser.value.is_some()) {
            self.losers.push(Contender::DELETION);
        }
    }
}

impl<'a> View<'a> {
    fn before(self, node: NodeId, with_value: bool) -> Before {
        let is_visible = self.is_visible(node);
        let kind = self.reading(node).map(Reading::kind).filter(|_| is_visible);
        let place = self.tree.place(self.blocks, node).map(|place| place.1.clone());
        let index = if is_visible { self.tree.index_of(self.blocks, node) } else { None };
        let value = if is_visible && with_value { self.value(node) } else { None };
        Before { value, kind, index, place }
    }

    /// Whether a node is read as a container before and after something changes at a step below
    /// it, and not at the node itself: it is settled as what the step goes on from.
    fn stays(self, node: NodeId, step: NodeId) -> bool {
        matches!(
            (self.reading_and_settled(node), self.tree.segment(step)),
            (Some((Reading::Object, true)), Some(Segment::Field(_)))
                | (Some((Reading::List, true)), Some(Segment::Item(_)))
        )
    }

    /// The pointer of a node whose last step is this index.
    fn pointer_with_index(self, node: NodeId, index: Option<usize>) -> String {
        match (self.tree.parent(node), index) {
            (Some(parent), Some(index)) => {
                let mut pointer = self.pointer(parent);
                push_index(&mut pointer, index);
                pointer
            }
            _ => self.pointer(node),
        }
    }

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

    /// The conflict of values that stands open at a node, if there is one.
    pub(super) fn conflict(self, node: NodeId) -> Option<Conflict> {
        let parent = self.tree.parent(node);
        let parent_stands = parent.is_none_or(|parent| self.stands(parent, &self.standing(parent)));
        self.conflict_of(node, parent_stands).map(|conflict| self.located(conflict, node))
    }

    fn located(self, conflict: Conflict, node: NodeId) -> Conflict {
        Conflict { path: self.pointer(node), ..conflict }
    }

    /// The same, without its path.
    fn conflict_of(self, node: NodeId, parent_stands: bool) -> Option<Conflict> {
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
        let kind_of = |it: &Contender| it.value.as_ref().map(Value::kind);
        let kind = if losers.iter().any(|loser| kind_of(loser) != kind_of(&winner)) {
            ConflictKind::Type
        } else if !losers.is_empty() {
            ConflictKind::Value
        } else if orphaned {
            losers.push(Contender::DELETION);
            ConflictKind::Deletion
        } else {
            return None;
        };
        Some(Conflict { path: String::new(), kind, winner, losers })
    }

    fn deletion_conflict(self, node: NodeId) -> Option<Conflict> {
        let winner = self.contenders(node, &self.standing(node)).into_iter().next()?;
        let losers = Vec::from([Contender::DELETION]);
        let (path, kind) = (self.pointer(node), ConflictKind::Deletion);
        Some(Conflict { path, kind, winner, losers })
    }

    /// The different values that live at a node, a container being one, the one that is read
    /// first. Increments belong to the number that they count on.
    fn contenders(self, node: NodeId, standing: &Standing<'a>) -> Vec<Contender> {
        let scalars = self.writes_at(node).filter(|(_, write)| write.content.is_scalar());
        let scalars = scalars.filter_map(|(rank, it)| Some((rank, it.content.to_value()?)));
        let mut ranked: Vec<(Rank, Value)> = scalars.collect();
        if let Some((rank, number)) = standing.number() {
            // The number with its increments stands for the number.
            let start = standing.integer.map(|it| it.0);
            ranked.retain(|it| Some(it.0) != start);
            ranked.push((rank, Value::from(number)));
        }
        if standing.object.is_some() || self.has_fields(node) {
            ranked.extend(self.object_rank(node, standing).map(|it| (it, self.object(node))));
        }
        if standing.list.is_some() || self.has_items(node) {
            ranked.extend(self.list_rank(node, standing).map(|it| (it, self.list(node))));
        }
        ranked.sort_by_key(|ranked| Reverse(ranked.0));
        let mut contenders: Vec<Contender> = Vec::new();
        for ((stamp, _), value) in ranked {
            let value = Some(value);
            if contenders.iter().all(|contender| contender.value != value) {
                contenders.push(Contender { value, stamp: Some(stamp) });
            }
        }
        contenders
    }

    /// The conflict of moves that stands open at an item, if there is one. Places that two imports
    /// gave it are none: nobody moved it.
    fn move_conflict(self, node: NodeId) -> Option<Conflict> {
        let places = self.writes_at(node).filter_map(|(rank, write)| match &write.content {
            Content::Place(place) if write.birth().is_some() => Some((rank, place)),
            _ => None,
        });
        let mut places: Vec<(Rank, &Place)> = places.collect();
        places.sort_unstable_by_key(|place| Reverse(place.0));
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
        let contender = |(rank, place): &(Rank, &Place)| Contender {
            value: Some(Value::from(index(place) as u64)),
            stamp: Some(rank.0),
        };
        let mut contenders = places.iter().filter(|it| it.1 == winner).map(contender);
        let winner = (contenders.next()?, winner);
        let losers: Vec<Contender> =
            places.iter().filter(|it| it.1 != winner.1).map(contender).collect();
        let (path, kind) = (self.pointer(node), ConflictKind::Move);
        (!losers.is_empty()).then_some(Conflict { path, kind, winner: winner.0, losers })
    }

    fn conflicts_below(
        self,
        node: NodeId,
        path: &mut String,
        parent_stands: bool,
        open: &mut Vec<Conflict>,
    ) {
        let here = self.conflict_of(node, parent_stands);
        open.extend(here.map(|conflict| Conflict { path: path.clone(), ..conflict }));
        if matches!(self.tree.segment(node), Some(Segment::Item(_))) {
            open.extend(self.move_conflict(node));
        }
        let len = path.len();
        let stands = self.stands(node, &self.standing(node));
        match self.reading(node) {
            Some(Reading::Object) => {
                for (name, field) in self.tree.sorted_fields(node) {
                    push_name(path, name);
                    self.conflicts_below(field, path, stands, open);
                    path.truncate(len);
                }
            }
            Some(Reading::List) => {
                let items = self.tree.items(node);
                for (index, item) in items.enumerate() {
                    push_index(path, index);
                    self.conflicts_below(item, path, stands, open);
                    path.truncate(len);
                }
            }
            _ => {}
        }
    }
}
