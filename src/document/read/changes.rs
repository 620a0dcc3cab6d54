//! A join that is reported: where writes come or go, and nowhere else, what was read before is
//! compared with what is read after.

use super::{
    ascending::longest_ascending,
    conflicts::Moves,
    path::{Path, Token, Way},
    report::{Change, Conflict, Report},
    view::{Reading, View},
};
use crate::{
    causal::{self, Dot},
    document::state::{
        Content, DocumentDelta, ListOrder, NodeId, Place, ROOT, Removal, Segment, Store, Write,
    },
    time::Stamp,
    value::{Number, Value},
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    vec::Vec,
};

impl Store {
    /// The join with another document's state, and what that changed.
    pub(crate) fn merge_reporting(&mut self, other: &Self) -> Report {
        let edited_here = self.deleted_at(other);
        let mut report = Reporting::new(self, other);
        for node in edited_here {
            report.edited_here(node);
        }
        report.join(&[])
    }

    /// The join with a delta, and what that changed.
    pub(crate) fn apply_reporting(&mut self, delta: &DocumentDelta) -> Report {
        Reporting::new(self, &delta.store).join(&delta.removals)
    }

    /// What was edited here and deleted by `other` concurrently. O(what `other` has not seen).
    fn deleted_at(&self, other: &Self) -> Vec<NodeId> {
        let seen = other.kernel.context();
        let is_gone = |node| {
            let theirs = other.tree.find(&self.tree, node);
            theirs.is_none_or(|theirs| !other.tree.has_content(theirs))
        };
        let unseen = self.kernel.unseen_by(seen).map(|(_, write)| write);
        let deleted = unseen.filter(|write| {
            write.birth().is_some_and(|birth| seen.contains(birth))
                && write.is_readable()
                && is_gone(write.node)
        });
        deleted.map(|write| write.node).collect()
    }
}

/// What is read at a node. For a container, only that it is there.
#[derive(PartialEq)]
enum Reads {
    Nothing,
    /// A scalar, or an object or an array as one value.
    Leaf(Content),
    Object,
    List,
}

/// The name of a field where nothing lives, and the key that is read there.
type LostKey = (Arc<str>, Content);

/// What was read at a node before the join.
struct Before {
    reads: Reads,
    /// Of an item: its index, and where it stands.
    index: Option<usize>,
    stands: Option<(Place, u32)>,
    /// The same in a sorted list: what that is sorted by, and what the item has there.
    sorted: Option<(ListOrder, Option<Content>)>,
    /// The key that an item is read with although its field was deleted, and the field's name.
    lost: Option<LostKey>,
}

/// A join under way. It holds the nodes that it reports on.
struct Reporting<'a> {
    ours: &'a mut Store,
    theirs: &'a Store,
    /// The nodes where writes come or go, and those above them.
    before: BTreeMap<NodeId, Before>,
    /// The steps down to these nodes and to those of deletions, each from a node to one below.
    ways: BTreeSet<(NodeId, NodeId)>,
    /// Where something was deleted here and edited there, or the other way round.
    deletions: BTreeSet<NodeId>,
    held: Vec<NodeId>,
    /// For each node of theirs that came up, the one here.
    adopted: BTreeMap<NodeId, NodeId>,
    came: Vec<Dot>,
    went: Vec<(Dot, Write)>,
}

/// A change that was found. What was read before may still be missing.
struct Found {
    change: Change,
    node: NodeId,
    lacks_before: bool,
    /// For an item that comes or goes: its list, and how many of the items that stay are before it.
    gap: Option<(NodeId, usize)>,
}

impl<'a> Reporting<'a> {
    fn new(ours: &'a mut Store, theirs: &'a Store) -> Self {
        let (before, ways, deletions, held, adopted) = Default::default();
        let (came, went) = (Vec::new(), Vec::new());
        let mut reporting =
            Self { ours, theirs, before, ways, deletions, held, adopted, came, went };
        reporting.find_touched();
        reporting
    }

    /// A node that was edited here and deleted there.
    fn edited_here(&mut self, node: NodeId) {
        self.hold(node);
        self.deletions.insert(node);
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
            causal::Change::Came(dot, write) => {
                let birth = write.birth().filter(|_| write.is_readable());
                let known = birth.is_some_and(|birth| ours.kernel.context().contains(birth));
                came.push((dot, write.node, known, write.is_place()));
            }
            causal::Change::Went(dot, write) => went.push((dot, write.clone())),
        });
        let (mut placed, mut reordered) = (BTreeSet::new(), BTreeSet::new());
        for (dot, theirs, known, is_place) in came {
            self.came.push(dot);
            let node = self.adopt(theirs);
            self.hold(node);
            // An item that has several places may make others stand elsewhere.
            let tree = &self.ours.tree;
            let had_place = || tree.place(self.ours.kernel.blocks(), node).is_some();
            if is_place && (!placed.insert(node) || had_place()) {
                reordered.extend(tree.parent(node));
            }
            if known && !self.ours.tree.has_content(node) {
                self.deletions.insert(node);
            }
            self.involve(node);
        }
        for (_, write) in &went {
            self.hold(write.node);
            self.involve(write.node);
        }
        let marked = self.marked(&went);
        self.involve_survivors(marked.keys());
        self.went = went;
        reordered
            .extend(marked.iter().filter(|it| self.may_be_reordered(*it.0, it.1)).map(|it| it.0));
        let tree = &self.ours.tree;
        let lists = self.ways.iter().map(|step| step.0);
        reordered.extend(lists.filter(|list| tree.is_contested_list(*list)));
        for list in reordered {
            let items: Vec<NodeId> = self.ours.tree.items(list).collect();
            for item in items {
                self.involve(item);
            }
        }
    }

    /// The lists whose marks come or go, with the orders that those say which come.
    fn marked(&self, went: &[(Dot, Write)]) -> BTreeMap<NodeId, Vec<ListOrder>> {
        let mut lists = BTreeMap::<NodeId, Vec<ListOrder>>::new();
        for dot in &self.came {
            let theirs = self.theirs.kernel.slot(*dot);
            let write = theirs.and_then(|it| self.theirs.kernel.blocks().get(it));
            let form = write.and_then(|write| Some((write.node, write.content.form()?)));
            let Some((node, form)) = form else { continue };
            if let Some(list) = self.adopted.get(&node) {
                lists.entry(*list).or_default().push(form.order.clone());
            }
        }
        for (_, write) in went.iter().filter(|it| it.1.content.form().is_some()) {
            lists.entry(write.node).or_default();
        }
        lists
    }

    /// Whether a list may be sorted otherwise once its marks have come and gone.
    fn may_be_reordered(&self, list: NodeId, came: &[ListOrder]) -> bool {
        let view = self.ours.view();
        let Some(order) = view.tree.list_at(list).map(|list| &list.by) else { return false };
        let mut marks = view.list_marks(list).map(|mark| &mark.1.order).chain(came);
        came.is_empty() || marks.any(|other| other != order)
    }

    /// Where the mark of a list comes or goes, it may name another key, by which items that outlived
    /// their deletion are read. O(items of such lists).
    fn involve_survivors<'n>(&mut self, lists: impl Iterator<Item = &'n NodeId>) {
        let view = self.ours.view();
        let items = lists.flat_map(|list| view.tree.items(*list));
        let survivors: Vec<NodeId> = items.filter(|item| view.is_unmarked(*item)).collect();
        for item in survivors {
            self.involve(item);
        }
    }

    /// The node here that is one of theirs; the caller holds it at once.
    fn adopt(&mut self, theirs: NodeId) -> NodeId {
        if let Some(node) = self.adopted.get(&theirs) {
            return *node;
        }
        let node = match self.theirs.tree.parent(theirs) {
            None => self.ours.tree.root(),
            Some(parent) => {
                let parent = self.adopt(parent);
                self.ours.tree.adopt_below(parent, &self.theirs.tree, theirs)
            }
        };
        self.adopted.insert(theirs, node);
        node
    }

    /// Notes what is read at a node and above it before the join.
    fn involve(&mut self, mut node: NodeId) {
        while !self.before.contains_key(&node) {
            self.before.insert(node, self.ours.view().before(node));
            let Some(parent) = self.ours.tree.parent(node) else { return };
            self.ways.insert((parent, node));
            node = parent;
        }
    }

    /// The steps down from a node.
    fn steps(&self, node: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let below = self.ways.range((node, ROOT)..).take_while(move |step| step.0 == node);
        below.map(|step| step.1)
    }

    /// The steps down to fields, by name.
    fn fields(&self, node: NodeId) -> Vec<(&Arc<str>, NodeId)> {
        let named = |node| match self.ours.tree.segment(node) {
            Some(Segment::Field(name)) => Some((name, node)),
            _ => None,
        };
        let mut fields: Vec<_> = self.steps(node).filter_map(named).collect();
        fields.sort_unstable();
        fields
    }

    /// The steps down to items.
    fn items(&self, node: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let is_item =
            |node: &NodeId| matches!(self.ours.tree.segment(*node), Some(Segment::Item(_)));
        self.steps(node).filter(is_item)
    }

    /// Joins, and reports what that did.
    fn join(mut self, removals: &[Removal]) -> Report {
        let context = self.ours.kernel.context();
        let unseen = removals.iter().filter(|removal| !context.contains(removal.dot));
        let unseen: Vec<&Removal> = unseen.collect();
        let is_changed = self.ours.join(self.theirs);
        let (mut changes, mut conflicts) = (Vec::new(), Vec::new());
        if is_changed {
            changes = self.changes();
            let removed = self.removed(&unseen);
            self.find_survivors(&removed);
            conflicts = self.conflicts(&removed);
        }
        for node in self.held {
            self.ours.tree.release(node);
        }
        Report { changed: is_changed, changes, conflicts }
    }
}

/// What reads differently now.
impl Reporting<'_> {
    fn changes(&mut self) -> Vec<Change> {
        let mut found = Vec::new();
        self.compare(ROOT, &Way::root(), &mut found);
        self.look_up_before(&mut found);
        let dropped = unchanged(&found);
        // What became one value, or ceased to be one, may read as it did.
        let reads_same = |it: &Found| it.change.before == it.change.after;
        let found = found.into_iter().enumerate();
        let found = found.filter(|(at, it)| !dropped.contains(at) && !reads_same(it));
        found.map(|(_, found)| found.change).collect()
    }

    /// Looks up what was read in containers that are gone or moved. For that moment the join is
    /// undone.
    fn look_up_before(&mut self, found: &mut [Found]) {
        if !found.iter().any(|it| it.lacks_before) {
            return;
        }
        let went = core::mem::take(&mut self.went);
        let gone: Vec<Dot> = went.iter().map(|it| it.0).collect();
        let came = core::mem::take(&mut self.came);
        let came = self.exchange(&came, went);
        let view = self.ours.view();
        for it in found.iter_mut().filter(|it| it.lacks_before) {
            it.change.before = view.value(it.node);
        }
        self.exchange(&gone, came);
    }

    /// Kills writes and brings others back to life; returns those that were killed. The context
    /// stays as it is: reading does not depend on it.
    fn exchange(&mut self, killed: &[Dot], back: Vec<(Dot, Write)>) -> Vec<(Dot, Write)> {
        let Self { ours, .. } = self;
        let mut gone = Vec::with_capacity(killed.len());
        for dot in killed.iter().rev() {
            let slot = ours.kernel.slot(*dot);
            if let Some((dot, write)) = slot.and_then(|slot| ours.kill(slot)) {
                ours.tree.release(write.node);
                gone.push((dot, write));
            }
        }
        for (dot, write) in back {
            ours.put(dot, write);
        }
        ours.settle();
        gone
    }

    /// Compares what is read at a node and below. A node that reads as another kind is one change,
    /// with everything below it.
    fn compare(&self, node: NodeId, way: &Way<'_>, found: &mut Vec<Found>) {
        let Some(Before { reads: was, .. }) = self.before.get(&node) else { return };
        let is = self.ours.view().reads(node);
        match (was, &is) {
            (Reads::Object, Reads::Object) => {
                let mut lost = self.lost_key_changes(node, way);
                for (name, field) in self.fields(node) {
                    let before = lost.partition_point(|it| it.0 < *name);
                    found.extend(lost.drain(..before).map(|it| it.1));
                    self.compare(field, &way.below(Token::Name(name.clone())), found);
                }
                found.extend(lost.into_iter().map(|it| it.1));
            }
            (Reads::List, Reads::List) => self.compare_items(node, way, found),
            _ if *was == is => {}
            _ => found.push(self.found(node, way.path(), (Some(was), Some(&is)))),
        }
    }

    /// The key of an item that outlived its deletion is read where the mark of the list names it, so it
    /// may come and go without a write at its field. By name, without fields that are compared anyway.
    fn lost_key_changes(&self, item: NodeId, way: &Way<'_>) -> Vec<(Arc<str>, Found)> {
        let was = self.before.get(&item).and_then(|before| before.lost.clone());
        let is = self.ours.view().lost_key(item).map(|(name, key)| (name.into(), key.clone()));
        let is: Option<LostKey> = is;
        if was == is {
            return Vec::new();
        }
        let touched = self.fields(item);
        let is_compared = |name: &Arc<str>| touched.iter().any(|it| it.0 == name);
        let names: BTreeSet<Arc<str>> = was.iter().chain(&is).map(|it| it.0.clone()).collect();
        let change = |name: Arc<str>| {
            let value = |lost: &Option<LostKey>| {
                lost.as_ref().filter(|it| it.0 == name).and_then(|it| it.1.to_value())
            };
            let (before, after) = (value(&was), value(&is));
            let path = way.below(Token::Name(name.clone())).path();
            let change = Change { path, before, after };
            (name, Found { change, node: item, lacks_before: false, gap: None })
        };
        names.into_iter().filter(|name| !is_compared(name)).map(change).collect()
    }

    /// A change at a node. `was` and `is` are `None` where they are not part of the change.
    fn found(
        &self,
        node: NodeId,
        path: Path,
        (was, is): (Option<&Reads>, Option<&Reads>),
    ) -> Found {
        let lacks_before = matches!(was, Some(Reads::Object | Reads::List));
        let before = was.and_then(Reads::leaf);
        let after = is.filter(|is| **is != Reads::Nothing);
        let after = after.and_then(|_| self.ours.view().value(node));
        Found { change: Change { path, before, after }, node, lacks_before, gap: None }
    }

    /// The items of one list: first those that leave their place, from the last to the first; then,
    /// by index, those that come to a place, and what changed inside the items that stay.
    fn compare_items(&self, list: NodeId, way: &Way<'_>, found: &mut Vec<Found>) {
        let mut shifts: Vec<Shift> = self.items(list).filter_map(|it| self.shift(it)).collect();
        find_what_stays(&mut shifts);
        let from = |shift: &Shift| shift.was.filter(|_| !shift.stays);
        let mut going: Vec<(usize, NodeId)> =
            shifts.iter().filter_map(|it| Some((from(it)?, it.item))).collect();
        going.sort_unstable();
        for (before, (index, item)) in going.into_iter().enumerate().rev() {
            let path = way.below(Token::Index(index)).path();
            let was = self.before.get(&item).map(|it| &it.reads);
            let gap = Some((list, index - before));
            found.push(Found { gap, ..self.found(item, path, (was, None)) });
        }
        shifts.sort_unstable_by_key(|shift| shift.is);
        let mut coming = 0;
        for Shift { item, is, stays, .. } in shifts {
            let Some(index) = is else { continue };
            let way = way.below(Token::Index(index));
            if stays {
                self.compare(item, &way, found);
                continue;
            }
            let is = self.ours.view().reads(item);
            let gap = Some((list, index - coming));
            found.push(Found { gap, ..self.found(item, way.path(), (None, Some(&is))) });
            coming += 1;
        }
    }

    fn shift(&self, item: NodeId) -> Option<Shift> {
        let old = self.before.get(&item)?;
        let new = self.ours.view().before(item);
        let stays = old.index.is_some()
            && new.index.is_some()
            && old.stands == new.stands
            && old.sorted == new.sorted;
        Some(Shift { item, was: old.index, is: new.index, stays })
    }
}

/// An item that may have come, gone or moved: the indexes that it had and has.
struct Shift {
    item: NodeId,
    was: Option<usize>,
    is: Option<usize>,
    /// Whether it keeps its place among those that keep theirs.
    stays: bool,
}

/// An item that was given another place still stays if it is between the same two items that kept
/// theirs, as long as the order among such items is the same. O(n log n).
fn find_what_stays(shifts: &mut [Shift]) {
    let gaps = |index: fn(&Shift) -> Option<usize>| {
        let placed = shifts.iter().enumerate().filter(|it| !it.1.stays);
        let mut placed: Vec<(usize, usize)> =
            placed.filter_map(|(at, shift)| Some((index(shift)?, at))).collect();
        placed.sort_unstable();
        let mut gaps = BTreeMap::new();
        for (before, (index, at)) in placed.into_iter().enumerate() {
            gaps.insert(at, index - before);
        }
        gaps
    };
    let (was, is) = (gaps(|shift| shift.was), gaps(|shift| shift.is));
    let mut same: Vec<usize> =
        was.iter().filter(|(at, gap)| is.get(at) == Some(gap)).map(|it| *it.0).collect();
    same.sort_unstable_by_key(|at| shifts[*at].was);
    let indexes: Vec<Option<usize>> = same.iter().map(|at| shifts[*at].is).collect();
    for (at, stays) in same.into_iter().zip(longest_ascending(&indexes)) {
        shifts[at].stays = stays;
    }
}

/// The numbers of changes that cancel out: what goes and what comes in one gap, from both of its
/// ends, and reads the same.
fn unchanged(found: &[Found]) -> BTreeSet<usize> {
    let mut gaps = BTreeMap::<(NodeId, usize), [Vec<usize>; 2]>::new();
    for (at, it) in found.iter().enumerate() {
        if let Some(gap) = it.gap {
            gaps.entry(gap).or_default()[usize::from(it.change.before.is_none())].push(at);
        }
    }
    let mut unchanged = BTreeSet::new();
    for [mut going, mut coming] in gaps.into_values() {
        going.reverse();
        let reads_same = |(going, coming): &(&usize, &usize)| {
            found[**going].change.before == found[**coming].change.after
        };
        let first = going.iter().zip(&coming).take_while(reads_same).count();
        unchanged.extend(going.drain(..first).chain(coming.drain(..first)));
        let last = going.iter().rev().zip(coming.iter().rev()).take_while(reads_same).count();
        unchanged.extend(going.drain(going.len() - last..));
        unchanged.extend(coming.drain(coming.len() - last..));
    }
    unchanged
}

/// What was in conflict.
impl Reporting<'_> {
    /// Where something was removed, as far as the delta tells, and who removed it last.
    fn removed(&self, removals: &[&Removal]) -> BTreeMap<NodeId, Stamp> {
        let mut found = BTreeMap::new();
        let mut removed = BTreeMap::new();
        for removal in removals {
            if let Some(node) = self.find(removal.node, &mut found) {
                let latest = removed.entry(node).or_insert(removal.stamp());
                *latest = removal.stamp().max(*latest);
            }
        }
        removed
    }

    /// The node here that is one of theirs, if it exists.
    fn find(&self, theirs: NodeId, found: &mut BTreeMap<NodeId, Option<NodeId>>) -> Option<NodeId> {
        if let Some(node) = found.get(&theirs) {
            return *node;
        }
        let node = match self.theirs.tree.parent(theirs) {
            None => self.ours.tree.find(&self.theirs.tree, theirs),
            Some(parent) => self
                .find(parent, found)
                .and_then(|parent| self.ours.tree.find_below(parent, &self.theirs.tree, theirs)),
        };
        found.insert(theirs, node);
        node
    }

    /// Finds what is left inside what was removed by somebody who had not seen it. Each part of the
    /// document is searched once, and only where fields were changed at all.
    fn find_survivors(&mut self, removed: &BTreeMap<NodeId, Stamp>) {
        let tree = &self.ours.tree;
        let is_inside = |node| tree.ancestors(node).any(|upper| removed.contains_key(&upper));
        let mut survivors = Vec::new();
        for node in removed.keys().filter(|node| !is_inside(**node)) {
            self.find_survivors_below(*node, &mut survivors);
        }
        self.deletions.extend(survivors);
    }

    fn find_survivors_below(&self, node: NodeId, survivors: &mut Vec<NodeId>) {
        let view = self.ours.view();
        if !view.tree.has_born(node) {
            return;
        }
        let context = self.theirs.kernel.context();
        let survived = view.writes_at(node).any(|((_, dot), write)| {
            let known = write.birth().is_some_and(|birth| context.contains(birth));
            known && !context.contains(dot) && write.is_readable()
        });
        if survived && !self.is_written_there(node) {
            survivors.push(node);
        }
        let items = view.tree.items(node);
        let below = view.tree.fields(node).chain(items);
        below.for_each(|below| self.find_survivors_below(below, survivors));
    }

    /// Whether they hold a write at a node of ours.
    fn is_written_there(&self, node: NodeId) -> bool {
        let theirs = &self.theirs.tree;
        let found = theirs.find(&self.ours.tree, node);
        found.is_some_and(|node| theirs.slots(node).next().is_some())
    }

    /// The conflicts where writes came or went, on the way there, and those with a deletion.
    fn conflicts(&mut self, removed: &BTreeMap<NodeId, Stamp>) -> Vec<Conflict> {
        for node in &self.deletions {
            let mut node = *node;
            while let Some(parent) = self.ours.tree.parent(node) {
                if !self.ways.insert((parent, node)) {
                    break;
                }
                node = parent;
            }
        }
        let mut conflicts = Vec::new();
        if self.ours.tree.has_content(ROOT) {
            let moves = &Moves::default();
            let above = Above { stands: true, is_deleted: false, removed: None, moves };
            self.conflicts_from(ROOT, &Way::root(), above, removed, &mut conflicts);
        }
        conflicts
    }

    /// The conflicts at a node and below.
    fn conflicts_from(
        &self,
        node: NodeId,
        way: &Way<'_>,
        above: Above<'_>,
        removed: &BTreeMap<NodeId, Stamp>,
        conflicts: &mut Vec<Conflict>,
    ) {
        let view = self.ours.view();
        let above = Above { removed: above.removed.max(removed.get(&node).copied()), ..above };
        let first = conflicts.len();
        self.conflicts_at(node, way, above, conflicts);
        let is_deleted = above.is_deleted || conflicts[first..].iter().any(Conflict::has_deletion);
        let below = Above { stands: view.stands_at(node), is_deleted, ..above };
        match view.reading(node) {
            Some(Reading::Object) => {
                for (name, field) in self.fields(node) {
                    if view.tree.has_content(field) {
                        let way = way.below(Token::Name(name.clone()));
                        self.conflicts_from(field, &way, below, removed, conflicts);
                    }
                }
            }
            Some(Reading::List) => {
                let index = |item| Some((view.tree.index_of(view.blocks, item)?, item));
                let mut items: Vec<(usize, NodeId)> = self.items(node).filter_map(index).collect();
                items.sort_unstable();
                let is_contended = items.iter().any(|(_, item)| view.is_moved_apart(*item));
                let moves = if is_contended { view.moves_in(node) } else { Moves::default() };
                let below = Above { moves: &moves, ..below };
                for (index, item) in items {
                    let way = way.below(Token::Index(index));
                    self.conflicts_from(item, &way, below, removed, conflicts);
                }
            }
            _ => {}
        }
    }

    fn conflicts_at(
        &self,
        node: NodeId,
        way: &Way<'_>,
        above: Above<'_>,
        conflicts: &mut Vec<Conflict>,
    ) {
        let view = self.ours.view();
        // A conflict inside something deleted is part of that deletion's conflict.
        let is_deletion = !above.is_deleted && self.deletions.contains(&node);
        let first = conflicts.len();
        if self.before.contains_key(&node) {
            view.conflicts_at(node, way, (above.stands, above.moves), conflicts);
        } else if is_deletion {
            conflicts.extend(view.conflict(node, way, above.stands));
        }
        if is_deletion {
            if let Some(it) = conflicts[first..].iter_mut().find(|it| it.kind.is_of_values()) {
                it.add_deletion();
            } else if let Some(deletion) = view.deletion_conflict(node, way) {
                conflicts.insert(first, deletion);
            }
        }
        for conflict in &mut conflicts[first..] {
            conflict.tell_who_removed(above.removed);
        }
    }
}

/// What is known of the nodes above one.
#[derive(Clone, Copy)]
struct Above<'a> {
    /// Whether the one above is there because somebody wrote just that.
    stands: bool,
    /// Whether a deletion was reported already.
    is_deleted: bool,
    /// Who removed one of them last, as far as the delta tells.
    removed: Option<Stamp>,
    /// What sides moved apart in the nearest list above.
    moves: &'a Moves,
}

impl Reads {
    fn leaf(&self) -> Option<Value> {
        match self {
            Self::Leaf(content) => content.to_value(),
            _ => None,
        }
    }
}

impl<'a> View<'a> {
    fn reads(self, node: NodeId) -> Reads {
        match self.reading(node).filter(|_| self.tree.has_content(node)) {
            None => self.lost_key_at(node).map_or(Reads::Nothing, |key| Reads::Leaf(key.clone())),
            Some(Reading::Scalar(content)) => Reads::Leaf(content.clone()),
            Some(Reading::Count(count)) => Reads::Leaf(Content::Number(Number::from(count))),
            Some(Reading::Atom(value)) => Reads::Leaf(Content::Atom(value.clone())),
            Some(Reading::Object) => Reads::Object,
            Some(Reading::List) => Reads::List,
        }
    }

    /// The key that is read at a field where nothing lives, in an item that outlived its deletion.
    fn lost_key_at(self, field: NodeId) -> Option<&'a Content> {
        let Segment::Field(name) = self.tree.segment(field)? else { return None };
        let item = self.tree.parent(field).filter(|item| self.tree.has_content(*item))?;
        let (lost, key) = self.lost_key(item)?;
        let is_read = matches!(self.reading(item), Some(Reading::Object));
        (is_read && **name == *lost).then_some(key)
    }

    /// By what an item of a sorted list stands where it does.
    fn sorted(self, item: NodeId) -> Option<(ListOrder, Option<Content>)> {
        let Segment::Item(_) = self.tree.segment(item)? else { return None };
        let order = &self.tree.list_at(self.tree.parent(item)?)?.by;
        let sorted = || (order.clone(), self.tree.sorted_by(order, self.blocks, item));
        (*order != ListOrder::Place).then(sorted)
    }

    fn before(self, node: NodeId) -> Before {
        let index = self.tree.index_of(self.blocks, node);
        let stands = self.tree.stands(self.blocks, node);
        let stands = stands.map(|(place, nth)| (place.clone(), nth));
        let lost = self.lost_key(node).map(|(name, key)| (name.into(), key.clone()));
        Before { reads: self.reads(node), index, stands, sorted: self.sorted(node), lost }
    }
}

#[cfg(test)]
mod tests {
    use super::{Shift, find_what_stays};
    use crate::document::state::ROOT;
    use alloc::vec::Vec;

    /// Which of some items stay, by the indexes that each had and has, and whether it kept its
    /// place.
    fn staying<const N: usize>(shifts: [(Option<usize>, Option<usize>, bool); N]) -> [bool; N] {
        let shift = |(was, is, stays)| Shift { item: ROOT, was, is, stays };
        let mut shifts = shifts.map(shift);
        find_what_stays(&mut shifts);
        shifts.map(|shift| shift.stays)
    }

    #[test]
    fn items_with_new_places_in_the_old_order_stay() {
        let same: Vec<_> = (2..5).map(|at| (Some(at), Some(at), false)).collect();
        let [a, b, c] = [same[0], same[1], same[2]];
        assert_eq!(staying([a, b, c]), [true; 3], "a run that was only spread");
        assert_eq!(staying([c, a, b]), [true; 3], "in whatever order they are found");
    }

    #[test]
    fn an_item_that_passes_another_leaves_its_place() {
        let moved = |was, is| (Some(was), Some(is), false);
        // Past one that kept its place.
        assert_eq!(staying([moved(1, 0)]), [false]);
        // Past one that was moved too, in one gap: one of the two stays.
        let two = staying([moved(0, 1), moved(1, 0)]);
        assert_eq!(two.iter().filter(|stays| **stays).count(), 1);
        // What comes before it and goes before it moves no item.
        assert_eq!(staying([(None, Some(0), false), moved(1, 2)]), [false, true]);
        assert_eq!(staying([(Some(0), None, false), moved(1, 0)]), [false, true]);
    }
}
