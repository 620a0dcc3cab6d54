//! [`Report`]: what a merge changed, and what was in conflict.

use super::{
    Document, DocumentDelta,
    delta::Removal,
    path::Path,
    tree::{Node, Rank, Reading, View},
    value::{Kind, Value},
    write::Write,
};
use crate::{
    causal::{self, DotKernel},
    time::Stamp,
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};
use core::fmt;

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
/// into another kind it is one change; where both are objects the changes are those inside.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Change {
    /// Where, as a JSON Pointer.
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
    /// Different scalars, or different arrays. The losers stay readable.
    Value,
    /// Values of different kinds. The losers stay readable.
    Type,
    /// A deletion, and a write that had not seen it; the write is read.
    Deletion,
}

impl fmt::Display for ConflictKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Value => "value",
            Self::Type => "type",
            Self::Deletion => "deletion",
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
        let edited_here = self.deleted_at(other);
        let mut report = self.join_reporting(&other.kernel, &[]);
        if report.changed {
            self.report_deletions(&mut report, edited_here);
        }
        report
    }

    /// Joins a delta as [`apply`](crate::DeltaState::apply) does, and tells what that changed and
    /// what was in conflict. O(changes × depth).
    ///
    /// An edit's delta tells which paths it removed, so that whoever has edited there learns of it.
    /// One computed by [`delta_since`](crate::DeltaState::delta_since) does not: there only the
    /// side that removed learns of such a conflict, once it receives the edit.
    pub fn apply_reporting(&mut self, delta: &DocumentDelta) -> Report {
        self.join_reporting(&delta.kernel, &delta.removals)
    }

    /// Every conflict that stands open: each is settled by one [`resolve`](Self::resolve), or by
    /// any write there that has seen it.
    ///
    /// Of deletions only those of objects in which something survived can stand open; where a
    /// field was deleted and set concurrently, the value stands alone and only the merge reports
    /// it. While deltas arrive out of order, an object whose own write is still on its way is
    /// listed as deleted.
    ///
    /// Walks the whole document: which of its parts stand open is not indexed.
    pub fn conflicts(&self) -> Vec<Conflict> {
        let mut open = Vec::new();
        let view = self.view();
        if let Some(root) = view.visible(&Path::root()) {
            view.conflicts_below(root, &Path::root(), true, &mut open);
        }
        open
    }

    /// The paths that this document has edited and `other` has deleted, neither knowing of the
    /// other. O(what `other` has not seen).
    fn deleted_at(&self, other: &Self) -> BTreeMap<Path, Option<Stamp>> {
        let seen = other.kernel.context();
        let unseen = self.kernel.unseen_by(seen).map(|(_, write)| write);
        let deleted = unseen.filter(|write| {
            write.birth.is_some_and(|birth| seen.contains(birth))
                && !other.tree.lives_at(&write.path)
        });
        deleted.map(|write| (write.path.clone(), None)).collect()
    }

    fn join_reporting(&mut self, incoming: &DotKernel<Write>, removals: &[Removal]) -> Report {
        let seen = self.kernel.context();
        let mut removed = BTreeMap::new();
        for removal in removals.iter().filter(|removal| !seen.contains(removal.dot)) {
            let latest = removed.entry(removal.path.clone()).or_insert(removal.stamp());
            *latest = removal.stamp().max(*latest);
        }
        let mut touched = BTreeSet::new();
        let mut edited_there = BTreeMap::new();
        self.kernel.preview(incoming, |change| {
            let (causal::Change::Came(_, write) | causal::Change::Went(_, write)) = change;
            touched.insert(write.path.clone());
            let came = matches!(change, causal::Change::Came(..));
            let known = write.birth.is_some_and(|birth| seen.contains(birth));
            if came && known && !self.tree.lives_at(&write.path) {
                edited_there.insert(write.path.clone(), None);
            }
        });
        let before = self.view().contested(&touched);
        let mut report = Report {
            changed: self.kernel.join(incoming, &mut self.tree),
            changes: self.view().changes(&touched, before),
            conflicts: self.view().conflicts_on_the_way(&touched),
        };
        self.report_deletions(&mut report, edited_there);
        let survivors = self.survivors(incoming, &removed);
        self.report_deletions(&mut report, survivors);
        report.tell_who_removed(&removed);
        report
    }

    /// The paths whose writes here survived removals that had not seen them, with the removals'
    /// stamps. O(what is left where something was removed).
    fn survivors(
        &self,
        incoming: &DotKernel<Write>,
        removed: &BTreeMap<Path, Stamp>,
    ) -> BTreeMap<Path, Option<Stamp>> {
        if removed.is_empty() {
            return BTreeMap::new();
        }
        let written: BTreeSet<&Path> = incoming.payloads().map(|write| &write.path).collect();
        let context = incoming.context();
        let mut survivors = BTreeMap::new();
        for (path, stamp) in removed {
            for slot in self.tree.writes_below(path) {
                let Some(((_, dot), write)) = self.view().write(slot) else { continue };
                let known = write.birth.is_some_and(|birth| context.contains(birth));
                if known && !context.contains(dot) && !written.contains(&write.path) {
                    survivors.insert(write.path.clone(), Some(*stamp));
                }
            }
        }
        survivors
    }

    /// Adds conflicts between a deletion and the write that is read in spite of it. What lies
    /// inside a deleted object is part of that object's conflict.
    fn report_deletions(&self, report: &mut Report, deletions: BTreeMap<Path, Option<Stamp>>) {
        let listed = core::mem::take(&mut report.conflicts).into_iter();
        let mut conflicts: BTreeMap<String, Conflict> =
            listed.map(|conflict| (conflict.path.clone(), conflict)).collect();
        // Upper paths come first.
        for (path, stamp) in deletions {
            if let Some(conflict) = conflicts.get_mut(path.as_str()) {
                conflict.add_deletion(stamp);
                continue;
            }
            let is_deletion = |it: &Conflict| it.losers.iter().any(|loser| loser.value.is_none());
            if path.ancestors().any(|upper| conflicts.get(upper.as_str()).is_some_and(is_deletion))
            {
                continue;
            }
            let view = self.view();
            let survivor = view.visible(&path).map(|node| view.contenders(node).into_iter().next());
            if let Some(winner) = survivor.flatten() {
                let losers = Vec::from([Contender { value: None, stamp }]);
                let (path, kind) = (String::from(path.as_str()), ConflictKind::Deletion);
                conflicts.insert(path.clone(), Conflict { path, kind, winner, losers });
            }
        }
        report.conflicts = conflicts.into_values().collect();
    }
}

impl Report {
    /// Fills in the stamps of deletions that were made at the `removed` paths, or above.
    fn tell_who_removed(&mut self, removed: &BTreeMap<Path, Stamp>) {
        for Conflict { path, losers, .. } in &mut self.conflicts {
            let is_unknown = |it: &&mut Contender| it.value.is_none() && it.stamp.is_none();
            if let Some(deletion) = losers.iter_mut().find(is_unknown) {
                let path = Path::trusted(path);
                let made_it = path.ancestors().chain([path.clone()]);
                deletion.stamp = made_it.filter_map(|path| removed.get(&path).copied()).max();
            }
        }
    }
}

impl Conflict {
    /// Adds a deletion to the losers, or what is now known of the one that is there.
    fn add_deletion(&mut self, stamp: Option<Stamp>) {
        match self.losers.iter_mut().find(|loser| loser.value.is_none()) {
            Some(deletion) => deletion.stamp = deletion.stamp.max(stamp),
            None => self.losers.push(Contender { value: None, stamp }),
        }
    }
}

impl View<'_> {
    /// What is read at the touched paths, and at those on the way to them where another kind
    /// might be read after the merge: where a leaf or nothing is, or an object without a mark.
    fn contested(self, touched: &BTreeSet<Path>) -> BTreeMap<Path, Option<Value>> {
        let mut before = BTreeMap::new();
        for path in touched {
            for ancestor in path.ancestors() {
                let node = self.tree.node(&ancestor);
                let settled = |node| self.is_marked(node) && self.leaves(node).next().is_none();
                if !before.contains_key(&ancestor) && !node.is_some_and(settled) {
                    let value = self.get(&ancestor);
                    before.insert(ancestor, value);
                }
            }
            if !before.contains_key(path) {
                // Where no object is on the way, nothing is read below: no need to look again.
                let closed = |upper: Path| match before.get(&upper) {
                    Some(value) => !matches!(value, Some(Value::Object(_))),
                    None => false,
                };
                let hidden = path.ancestors().any(closed);
                before.insert(path.clone(), if hidden { None } else { self.get(path) });
            }
        }
        before
    }

    /// Compares with what was read before; the uppermost path where the kind differs stands for
    /// everything below it.
    fn changes(
        self,
        touched: &BTreeSet<Path>,
        before: BTreeMap<Path, Option<Value>>,
    ) -> Vec<Change> {
        let kind = |value: &Option<Value>| value.as_ref().map(Value::kind);
        let mut changes: Vec<Change> = Vec::new();
        let mut covered: Option<Path> = None;
        for (path, before) in before {
            if covered.as_ref().is_some_and(|upper| path.lies_in(upper.as_str())) {
                continue;
            }
            let after = self.get(&path);
            let other_kind = kind(&before) != kind(&after);
            let object = kind(&after) == Some(Kind::Object);
            // Below another kind it is all one change; below no object nothing is read.
            if other_kind || !object {
                covered = Some(path.clone());
            }
            if other_kind || (!object && touched.contains(&path) && before != after) {
                changes.push(Change { path: path.as_str().into(), before, after });
            }
        }
        changes
    }

    /// The conflicts at the touched paths and at those on the way to them.
    fn conflicts_on_the_way(self, touched: &BTreeSet<Path>) -> Vec<Conflict> {
        let mut paths = touched.clone();
        paths.extend(touched.iter().flat_map(|path| path.ancestors().collect::<Vec<_>>()));
        let mut conflicts = Vec::new();
        let mut hidden_below: Option<&Path> = None;
        for path in &paths {
            if hidden_below.is_some_and(|upper| path.lies_in(upper.as_str())) {
                continue;
            }
            conflicts.extend(self.conflict_at(path));
            if self.kind(path) != Some(Kind::Object) {
                hidden_below = Some(path);
            }
        }
        conflicts
    }

    /// The conflict that stands open at `path`, if there is one.
    pub(super) fn conflict_at(self, path: &Path) -> Option<Conflict> {
        let parent = path.ancestors().last().and_then(|parent| self.visible(&parent));
        let parent_stands = parent.is_none_or(|parent| self.is_marked(parent));
        self.conflict(self.visible(path)?, path, parent_stands)
    }

    fn conflict(self, node: &Node, path: &Path, parent_stands: bool) -> Option<Conflict> {
        let is_alone = self.leaves(node).next().is_none();
        if is_alone && (self.is_marked(node) || !parent_stands) {
            return None;
        }
        let mut contenders = self.contenders(node).into_iter();
        let winner = contenders.next()?;
        let mut losers: Vec<Contender> = contenders.collect();
        let kind_of = |it: &Contender| it.value.as_ref().map(Value::kind);
        let kind = if losers.iter().any(|loser| kind_of(loser) != kind_of(&winner)) {
            ConflictKind::Type
        } else if !losers.is_empty() {
            ConflictKind::Value
        } else if !self.is_marked(node) && self.has_object(node) && parent_stands {
            losers.push(Contender { value: None, stamp: None });
            ConflictKind::Deletion
        } else {
            return None;
        };
        Some(Conflict { path: path.as_str().into(), kind, winner, losers })
    }

    /// The different values that live at a node, an object being one, the one that is read first.
    fn contenders(self, node: &Node) -> Vec<Contender> {
        let leaves = self.leaves(node).map(|(rank, value)| (rank, value.clone()));
        let mut ranked: Vec<(Rank, Value)> = leaves.collect();
        if self.has_object(node) {
            ranked.extend(self.object_rank(node).map(|rank| (rank, self.object(node))));
        }
        ranked.sort_by_key(|ranked| core::cmp::Reverse(ranked.0));
        let mut contenders: Vec<Contender> = Vec::new();
        for ((stamp, _), value) in ranked {
            let value = Some(value);
            if contenders.iter().all(|contender| contender.value != value) {
                contenders.push(Contender { value, stamp: Some(stamp) });
            }
        }
        contenders
    }

    fn conflicts_below(
        self,
        node: &Node,
        path: &Path,
        parent_stands: bool,
        open: &mut Vec<Conflict>,
    ) {
        open.extend(self.conflict(node, path, parent_stands));
        if matches!(self.reading(node), Some(Reading::Object(_))) {
            let stands = self.is_marked(node);
            for (name, child) in node.fields() {
                self.conflicts_below(child, &path.field(name), stands, open);
            }
        }
    }
}
