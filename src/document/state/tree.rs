//! [`Tree`]: the index of a kernel of writes, which says where each of them lives.
//!
//! It is an arena of nodes, each a path by identity. A node exists while writes live at it or below
//! it, or while somebody [holds](Tree::hold) it. It is *linked* among its parent's fields or items
//! while there is something to read.

use super::{
    agreed::{Agreed, Unmoved, agree},
    content::Content,
    form::{ListForm, ListOrder},
    names::{NameId, Names, Sought},
    node::{NONE, NodeId, ROOT},
    order::{Items, Order},
    place::{Place, Run, Way},
    rank::Rank,
    segment::{Item, Segment},
    slab::Slab,
    standing::{Leaf, Standing},
    write::Write,
};
use crate::{
    causal::{Blocks, Slot},
    time::Stamp,
};
use ahash::RandomState;
use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    vec::Vec,
};
use core::cmp::Ordering;
use hashbrown::HashTable;
use smallvec::SmallVec;

/// One path, and what lives there.
#[derive(Clone, Debug)]
struct Node {
    parent: NodeId,
    name: NameId,
    digest: u32,
    /// The writes that live here, the nodes below, and who else holds it.
    uses: u32,
    /// What there is to read: the writes that live here, except places, and the nodes linked below.
    content: u32,
    /// The writes that live here and changed a field that existed before, and the nodes below that
    /// have such writes. Only there can a deletion have missed something.
    born: u32,
    /// The first of the fields linked below.
    first: NodeId,
    /// Among the fields of one node: the next, and the one before. Before the first is the last.
    next: NodeId,
    before: NodeId,
    /// The number of the list of items linked below.
    list: u32,
    /// Two of the writes that live here, among them the place that counts, if there is one. Further
    /// ones are in a crowd.
    slots: [Slot; 2],
}

const _: () = assert!(size_of::<Node>() == 48, "as small as it was");

/// The writes of a kernel by where they live.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    nodes: Slab<Node>,
    free: Vec<NodeId>,
    names: Names,
    /// Finds nodes by parent and name; deltas are too small to need one.
    index: Option<Box<Index>>,
    lists: Vec<Order>,
    free_lists: Vec<u32>,
    /// How many lists are not ordered by place.
    sorted_lists: u32,
    crowds: BTreeMap<NodeId, Crowd>,
    /// The nodes where removals live, each with its parent, and how many. Nothing is read there.
    removed: BTreeMap<(NodeId, NodeId), u32>,
    /// Items, each after its list, that stand behind a place, and the how manieth there.
    behind: BTreeMap<(NodeId, NodeId), (Place, u32)>,
    /// Lists in which what stands behind what may have changed.
    unsettled: BTreeSet<NodeId>,
    /// Some of the runs that came last.
    runs: [Option<Arc<Run>>; 4],
}

/// The writes at one node beyond the first two, which a stranger may make thousands of. Places come
/// last, the greatest at the very end.
type Crowd = BTreeSet<(Option<Rank>, Slot)>;

#[derive(Clone, Debug)]
struct Index {
    table: HashTable<NodeId>,
    hasher: RandomState,
}

impl Index {
    /// The index of the nodes that are in use.
    fn of(nodes: &Slab<Node>) -> Self {
        let (mut table, hasher) = (HashTable::new(), RandomState::new());
        let hash = |node: &NodeId| {
            let node = &nodes[node.0];
            hasher.hash_one((node.parent, node.name))
        };
        for (at, _) in nodes.iter().skip(1).filter(|(_, node)| node.uses > 0) {
            table.insert_unique(hash(&NodeId(at)), NodeId(at), hash);
        }
        Self { table, hasher }
    }
}

/// Up to this many nodes are searched one by one.
const FEW: usize = 16;

impl Tree {
    /// Whether anything is to be read at a node.
    pub(crate) fn has_content(&self, node: NodeId) -> bool {
        self.nodes.get(node.0).is_some_and(|node| node.content > 0) && !self.is_removed(node)
    }

    /// Whether a removal lives at a node, so that nothing is read there.
    pub(crate) fn is_removed(&self, node: NodeId) -> bool {
        !self.removed.is_empty() && self.removed.contains_key(&(self.node(node).parent, node))
    }

    /// The nodes one step below where removals live.
    pub(crate) fn removed_below(&self, node: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let all =
            (!self.removed.is_empty()).then(|| self.removed.range((node, ROOT)..=(node, NONE)));
        all.into_iter().flatten().map(|it| it.0.1)
    }

    /// Whether a write that changed an existing field lives at a node or below.
    pub(crate) fn has_born(&self, node: NodeId) -> bool {
        self.nodes.get(node.0).is_some_and(|node| node.born > 0)
    }

    fn node(&self, node: NodeId) -> &Node {
        &self.nodes[node.0]
    }

    fn node_mut(&mut self, node: NodeId) -> &mut Node {
        &mut self.nodes[node.0]
    }

    /// The step that leads to a node; `None` for the root.
    pub(crate) fn segment(&self, node: NodeId) -> Option<&Segment> {
        (node != ROOT).then(|| self.names.get(self.node(node).name))
    }

    pub(crate) fn parent(&self, node: NodeId) -> Option<NodeId> {
        (node != ROOT).then(|| self.node(node).parent)
    }

    /// The nodes on the way to a node, upwards from its parent.
    pub(crate) fn ancestors(&self, node: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        core::iter::successors(self.parent(node), |node| self.parent(*node))
    }

    /// The segments on the way from the root.
    pub(crate) fn path(&self, node: NodeId) -> SmallVec<[&Segment; 8]> {
        let upwards = core::iter::once(node).chain(self.ancestors(node));
        let mut path: SmallVec<_> = upwards.filter_map(|node| self.segment(node)).collect();
        path.reverse();
        path
    }

    pub(crate) fn depth(&self, node: NodeId) -> usize {
        self.ancestors(node).count()
    }

    pub(crate) fn digest(&self, node: NodeId) -> u32 {
        self.node(node).digest
    }

    /// The writes that live at a node, in no order.
    pub(crate) fn slots(&self, node: NodeId) -> impl Iterator<Item = Slot> + Clone + '_ {
        let slots = self.nodes.get(node.0).map(|node| node.slots);
        let crowd = slots.filter(|slots| slots[1] != Slot::NONE && !self.crowds.is_empty());
        let crowd = crowd.and_then(|_| self.crowds.get(&node)).into_iter().flatten().map(|it| it.1);
        slots.into_iter().flatten().filter(|slot| *slot != Slot::NONE).chain(crowd)
    }

    /// The writes that live at a node with their ranks, in no order.
    pub(crate) fn writes<'a>(
        &'a self,
        blocks: &'a Blocks<Write>,
        node: NodeId,
    ) -> impl Iterator<Item = (Rank, &'a Write)> + Clone + 'a {
        self.slots(node).filter_map(|slot| ranked(blocks, slot))
    }

    /// The write that lives at a node, if it is the only one; and whether fields, and items, are
    /// linked below.
    pub(crate) fn only_slot(&self, node: NodeId) -> Option<(Slot, bool, bool)> {
        let &Node { first, list, slots, .. } = self.nodes.get(node.0)?;
        let alone = slots[0] != Slot::NONE && slots[1] == Slot::NONE;
        alone.then_some((slots[0], first != NONE, list != u32::MAX))
    }

    /// The write that lives at a node, if it is the only one there and below.
    pub(crate) fn only_slot_here_and_below(&self, node: NodeId) -> Option<Slot> {
        let (slot, fields, items) = self.only_slot(node)?;
        (!fields && !items && self.removed.is_empty()).then_some(slot)
    }

    /// The fields linked below a node, in arbitrary order.
    pub(crate) fn fields(&self, node: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let first = self.nodes.get(node.0).and_then(|node| node.first.some());
        core::iter::successors(first, |field| self.node(*field).next.some())
    }

    /// The fields linked below a node, sorted by name.
    pub(crate) fn sorted_fields(&self, node: NodeId) -> SmallVec<[(&Arc<str>, NodeId); 8]> {
        let named = |field| match self.segment(field) {
            Some(Segment::Field(name)) => Some((name, field)),
            _ => None,
        };
        let mut fields: SmallVec<_> = self.fields(node).filter_map(named).collect();
        fields.sort_unstable();
        fields
    }

    /// The items linked below a node, in their order.
    pub(crate) fn items(&self, node: NodeId) -> Items<'_> {
        self.list_at(node).map(Order::iter).unwrap_or_default()
    }

    /// How many items are linked below a node. O(1).
    pub(crate) fn item_count(&self, node: NodeId) -> usize {
        self.list_at(node).map_or(0, Order::len)
    }

    /// The item at an index.
    pub(crate) fn item(&self, node: NodeId, index: usize) -> Option<NodeId> {
        self.list_at(node)?.get(index)
    }

    /// The list of the items linked below a node, if there are any.
    pub(crate) fn list_at(&self, node: NodeId) -> Option<&Order> {
        self.lists.get(self.nodes.get(node.0)?.list as usize)
    }

    /// The node one step below, if it exists.
    pub(crate) fn child(&self, parent: NodeId, sought: Sought<'_>) -> Option<NodeId> {
        self.child_named(parent, self.names.find(sought)?)
    }

    fn child_named(&self, parent: NodeId, name: NameId) -> Option<NodeId> {
        let is = |node: &NodeId| {
            let node = self.node(*node);
            node.parent == parent && node.name == name && node.uses > 0
        };
        match &self.index {
            Some(index) => index.table.find(index.hasher.hash_one((parent, name)), is).copied(),
            #[allow(clippy::cast_possible_truncation)] // a few
            None => (1..self.nodes.len() as u32).map(NodeId).find(is),
        }
    }

    /// The node one step below, made if it does not exist. The caller makes it live, or holds it.
    pub(crate) fn step(&mut self, parent: NodeId, sought: Sought<'_>) -> NodeId {
        let name = self.names.take(sought);
        self.step_named(parent, name)
    }

    /// The same by the number of the segment, whose use was counted for it already.
    fn step_named(&mut self, parent: NodeId, name: NameId) -> NodeId {
        if let Some(node) = self.child_named(parent, name) {
            self.names.give_back(name);
            return node;
        }
        let digest = (self.node(parent).digest.rotate_left(5) ^ self.names.digest(name))
            .wrapping_mul(0x9e37_79b1);
        self.node_mut(parent).uses += 1;
        let node = self.open(Node::new(parent, name, digest));
        self.list(node);
        node
    }

    /// Makes the root exist.
    pub(crate) fn root(&mut self) -> NodeId {
        if self.nodes.is_empty() {
            let name = self.names.take(Sought::Field(""));
            self.nodes.push(Node { uses: 1, ..Node::new(NONE, name, 0) });
        }
        ROOT
    }

    fn open(&mut self, node: Node) -> NodeId {
        if let Some(free) = self.free.pop() {
            *self.node_mut(free) = node;
            return free;
        }
        NodeId(self.nodes.push(node))
    }

    /// Lists a node that is not in use yet.
    fn list(&mut self, node: NodeId) {
        let nodes = &self.nodes;
        if self.index.is_none() && nodes.len() > FEW {
            self.index = Some(Box::new(Index::of(nodes)));
        }
        if let Some(Index { table, hasher }) = self.index.as_deref_mut() {
            let hash = |node: &NodeId| {
                let node = &nodes[node.0];
                hasher.hash_one((node.parent, node.name))
            };
            table.insert_unique(hash(&node), node, hash);
        }
    }

    /// Keeps a node in existence until it is [released](Self::release).
    pub(crate) fn hold(&mut self, node: NodeId) {
        self.node_mut(node).uses += 1;
    }

    /// Gives up one use of a node. A node without uses ceases to exist, and so may those above it.
    pub(crate) fn release(&mut self, mut node: NodeId) {
        loop {
            let Node { uses, parent, name, .. } = self.node_mut(node);
            *uses -= 1;
            if *uses > 0 {
                return;
            }
            let (parent, name) = (*parent, *name);
            if let Some(index) = &mut self.index {
                let hash = index.hasher.hash_one((parent, name));
                if let Ok(entry) = index.table.find_entry(hash, |it| *it == node) {
                    entry.remove();
                }
            }
            self.names.give_back(name);
            self.free.push(node);
            self.leave(parent, node);
            node = parent;
        }
    }

    /// Makes room for more nodes.
    pub(crate) fn reserve(&mut self, additional: usize) {
        if self.nodes.len() + additional > FEW {
            let nodes = &self.nodes;
            let Index { table, hasher } =
                &mut **self.index.get_or_insert_with(|| Box::new(Index::of(nodes)));
            table.reserve(additional, |node| {
                let node = &nodes[node.0];
                hasher.hash_one((node.parent, node.name))
            });
        }
    }
}

impl Node {
    const fn new(parent: NodeId, name: NameId, digest: u32) -> Self {
        Self {
            parent,
            name,
            digest,
            uses: 0,
            content: 0,
            born: 0,
            first: NONE,
            next: NONE,
            before: NONE,
            list: u32::MAX,
            slots: [Slot::NONE; 2],
        }
    }
}

/// A live write with its rank.
pub(crate) fn ranked(blocks: &Blocks<Write>, slot: Slot) -> Option<(Rank, &Write)> {
    let (write, dot) = (blocks.get(slot)?, blocks.dot(slot));
    Some(((Stamp { time: write.time, replica: dot.replica() }, dot), write))
}

/// The order among the places of one item; `None` for any other write. A place counts as written by
/// the replica that moved the item there, even if another has re-placed it since.
pub(crate) fn rank_of_place(blocks: &Blocks<Write>, slot: Slot) -> Option<Rank> {
    let write = blocks.get(slot).filter(|write| write.is_place())?;
    let dot = blocks.dot(slot);
    let mover = write.birth().unwrap_or(dot).replica();
    Some((Stamp { time: write.time, replica: mover }, dot))
}

/// What lives where.
impl Tree {
    /// Lets a place that is about to come share its run with those that came just before it: a run
    /// that arrives item by item is in memory once.
    pub(crate) fn share(&mut self, content: &mut Content) {
        let Content::Place(place) = content else { return };
        if !self.runs.iter().flatten().any(|run| place.share(run)) {
            self.runs.rotate_right(1);
            self.runs[0] = Some(place.run().clone());
        }
    }

    /// A write has become alive.
    pub(crate) fn came(&mut self, blocks: &Blocks<Write>, slot: Slot) {
        let Some(write) = blocks.get(slot) else { return };
        let node = write.node;
        self.hold(node);
        self.reposition(blocks, self.placed_by(write), |tree| tree.add(blocks, node, slot));
        if write.is_readable() {
            self.gain(blocks, node);
            if write.birth().is_some() {
                self.gain_born(node);
            }
        }
        match write.content {
            Content::List(_) => self.reorder(blocks, node),
            Content::Removed => self.hide(blocks, node),
            _ => {}
        }
    }

    /// A write is about to go; its node stays until the caller [releases](Self::release) it.
    pub(crate) fn going(&mut self, blocks: &Blocks<Write>, slot: Slot) -> Option<NodeId> {
        let write = blocks.get(slot)?;
        let node = write.node;
        if write.is_readable() {
            self.lose(blocks, node);
            if write.birth().is_some() {
                self.lose_born(node);
            }
        }
        self.reposition(blocks, self.placed_by(write), |tree| tree.drop(blocks, node, slot));
        match write.content {
            Content::List(_) => self.reorder(blocks, node),
            Content::Removed => self.show(blocks, node),
            _ => {}
        }
        Some(node)
    }

    /// A removal has become alive at a node: it is read no more.
    fn hide(&mut self, blocks: &Blocks<Write>, node: NodeId) {
        let parent = self.node(node).parent;
        let known = self.removed.contains_key(&(parent, node));
        if !known && self.node(node).content > 0 && node != ROOT {
            self.unlink(blocks, node);
            self.lose(blocks, parent);
        }
        let item = self.keyed_by(node).filter(|item| *item != node);
        self.reposition(blocks, item, |tree| *tree.removed.entry((parent, node)).or_default() += 1);
    }

    /// A removal at a node is gone. After the last one, it is read again.
    fn show(&mut self, blocks: &Blocks<Write>, node: NodeId) {
        let parent = self.node(node).parent;
        let Some(count) = self.removed.get_mut(&(parent, node)) else { return };
        *count -= 1;
        if *count > 0 {
            return;
        }
        let item = self.keyed_by(node).filter(|item| *item != node);
        self.reposition(blocks, item, |tree| _ = tree.removed.remove(&(parent, node)));
        if self.node(node).content > 0 && node != ROOT {
            self.link(blocks, node);
            self.gain(blocks, parent);
        }
    }

    fn add(&mut self, blocks: &Blocks<Write>, node: NodeId, slot: Slot) {
        let slots = &mut self.nodes[node.0].slots;
        if let Some(free) = slots.iter_mut().find(|slot| **slot == Slot::NONE) {
            *free = slot;
            return;
        }
        let rank = rank_of_place(blocks, slot);
        let counts = slots.iter().all(|other| rank_of_place(blocks, *other) < rank);
        let crowded = if counts { core::mem::replace(&mut slots[0], slot) } else { slot };
        let crowd = self.crowds.entry(node).or_default();
        crowd.insert((rank_of_place(blocks, crowded), crowded));
    }

    fn drop(&mut self, blocks: &Blocks<Write>, node: NodeId, slot: Slot) {
        let crowd = self.crowds.get_mut(&node);
        let slots = &mut self.nodes[node.0].slots;
        let place = slots.iter_mut().find(|it| **it == slot);
        let Some(crowd) = crowd else {
            if let Some(place) = place {
                *place = Slot::NONE;
            }
            return;
        };
        match place {
            Some(place) => *place = crowd.pop_last().map_or(Slot::NONE, |last| last.1),
            None => _ = crowd.remove(&(rank_of_place(blocks, slot), slot)),
        }
        if crowd.is_empty() {
            self.crowds.remove(&node);
        }
    }

    /// There is one thing more to read at a node: it is linked, and so are those above it.
    fn gain(&mut self, blocks: &Blocks<Write>, mut node: NodeId) {
        loop {
            let content = &mut self.node_mut(node).content;
            *content += 1;
            if *content > 1 || node == ROOT || self.is_removed(node) {
                return;
            }
            node = self.link(blocks, node);
        }
    }

    fn lose(&mut self, blocks: &Blocks<Write>, mut node: NodeId) {
        loop {
            let content = &mut self.node_mut(node).content;
            *content -= 1;
            if *content > 0 || node == ROOT || self.is_removed(node) {
                return;
            }
            node = self.unlink(blocks, node);
        }
    }

    fn gain_born(&mut self, mut node: NodeId) {
        loop {
            let Node { born, parent, .. } = self.node_mut(node);
            *born += 1;
            if *born > 1 || node == ROOT {
                return;
            }
            node = *parent;
        }
    }

    fn lose_born(&mut self, mut node: NodeId) {
        loop {
            let Node { born, parent, .. } = self.node_mut(node);
            *born -= 1;
            if *born > 0 || node == ROOT {
                return;
            }
            node = *parent;
        }
    }

    fn link(&mut self, blocks: &Blocks<Write>, node: NodeId) -> NodeId {
        let Node { parent, name, .. } = *self.node(node);
        if let Segment::Item(_) = self.names.get(name) {
            self.enlist(blocks, node);
            return parent;
        }
        let first = self.node(parent).first;
        let last = first.some().map_or(node, |first| self.node(first).before);
        (self.node_mut(node).next, self.node_mut(node).before) = (NONE, last);
        if first == NONE {
            self.node_mut(parent).first = node;
        } else {
            self.node_mut(last).next = node;
            self.node_mut(first).before = node;
        }
        parent
    }

    fn unlink(&mut self, blocks: &Blocks<Write>, node: NodeId) -> NodeId {
        let Node { parent, name, next, before, .. } = *self.node(node);
        if let Segment::Item(_) = self.names.get(name) {
            self.delist(blocks, node);
            return parent;
        }
        let first = self.node(parent).first;
        if first == node {
            self.node_mut(parent).first = next;
        } else {
            self.node_mut(before).next = next;
        }
        // The last one is before the first.
        let after = next.some().or(Some(first).filter(|first| *first != node));
        if let Some(after) = after {
            self.node_mut(after).before = before;
        }
        parent
    }

    fn enlist(&mut self, blocks: &Blocks<Write>, item: NodeId) {
        let parent = self.node(item).parent;
        if self.node(parent).list == u32::MAX {
            let list = self.free_lists.pop().unwrap_or_else(|| {
                self.lists.push(Order::default());
                #[allow(clippy::cast_possible_truncation)] // as many as nodes, at most
                let last = (self.lists.len() - 1) as u32;
                last
            });
            self.node_mut(parent).list = list;
            let by = self.order_at(blocks, parent).clone();
            self.sorted_lists += u32::from(by != ListOrder::Place);
            self.lists[list as usize].by = by;
        }
        let list = self.node(parent).list as usize;
        let mut order = core::mem::take(&mut self.lists[list]);
        let by = order.by.clone();
        order.insert(item, |other| self.compare_by(&by, blocks, other, item));
        let is_last = order.last() == Some(item);
        let was_contested = order.contested > 0;
        let is_contested = self.is_contested(blocks, item);
        order.contested += u32::from(is_contested);
        // What is appended stands behind all others, and none of them behind it.
        let is_appended = is_last && !is_contested && !self.is_imported(blocks, item);
        if order.contested > 0 && !(is_appended && was_contested) {
            self.unsettled.insert(parent);
        }
        self.lists[list] = order;
    }

    fn delist(&mut self, blocks: &Blocks<Write>, item: NodeId) {
        let parent = self.node(item).parent;
        let list = self.node(parent).list;
        let mut order = core::mem::take(&mut self.lists[list as usize]);
        let by = order.by.clone();
        order.remove(|other| self.compare_by(&by, blocks, other, item));
        if order.contested > 0 {
            self.unsettled.insert(parent);
            order.contested -= u32::from(self.is_contested(blocks, item));
        }
        if order.len() == 0 {
            order = Order::default();
            self.node_mut(parent).list = u32::MAX;
            self.free_lists.push(list);
            self.sorted_lists -= u32::from(by != ListOrder::Place);
        }
        self.lists[list as usize] = order;
    }

    /// What the items at a node are ordered by, as the latest mark says that does not leave it to
    /// places.
    pub(crate) fn order_at<'a>(&self, blocks: &'a Blocks<Write>, list: NodeId) -> &'a ListOrder {
        let marks = self.slots(list).filter_map(|slot| ranked(blocks, slot));
        let marks = marks.filter_map(|(rank, write)| Some((rank, write.content.form()?)));
        let marks = marks.filter(|mark| mark.1.order != ListOrder::Place);
        let latest = marks.max_by_key(|mark| mark.0);
        latest.map_or(&ListForm::PLAIN.order, |mark| &mark.1.order)
    }

    /// Orders the items at a node anew, if the marks there now say another order. O(n log n) then.
    fn reorder(&mut self, blocks: &Blocks<Write>, node: NodeId) {
        let list = self.node(node).list as usize;
        let Some(order) = self.lists.get(list) else { return };
        let by = self.order_at(blocks, node);
        if *by == order.by {
            return;
        }
        let mut items: Vec<NodeId> = order.iter().collect();
        items.sort_unstable_by(|a, b| self.compare_by(by, blocks, *a, *b));
        self.sorted_lists -= u32::from(order.by != ListOrder::Place);
        self.sorted_lists += u32::from(*by != ListOrder::Place);
        if order.contested > 0 {
            self.unsettled.insert(node);
        }
        self.lists[list].by = by.clone();
        self.lists[list].reorder(&items);
    }

    /// The item whose position depends on a write.
    fn placed_by(&self, write: &Write) -> Option<NodeId> {
        if write.is_place() { Some(write.node) } else { self.keyed_by(write.node) }
    }

    /// The item of a sorted list whose position depends on what is read at a node.
    fn keyed_by(&self, node: NodeId) -> Option<NodeId> {
        if self.sorted_lists == 0 {
            return None;
        }
        let by = |item: NodeId| Some(&self.list_at(self.parent(item)?)?.by);
        match self.segment(node)? {
            Segment::Item(_) => (by(node)? == &ListOrder::Value).then_some(node),
            Segment::Field(name) => {
                let item = self.parent(node)?;
                let is_key = matches!(by(item)?, ListOrder::Field(field) if field == name);
                is_key.then_some(item)
            }
        }
    }

    /// Makes a change that may change where an item stands.
    fn reposition(
        &mut self,
        blocks: &Blocks<Write>,
        item: Option<NodeId>,
        change: impl FnOnce(&mut Self),
    ) {
        let Some(item) = item else { return change(self) };
        let is_listed =
            self.has_content(item) && matches!(self.segment(item), Some(Segment::Item(_)));
        if is_listed {
            self.delist(blocks, item);
        }
        self.leave(self.node(item).parent, item);
        change(self);
        if is_listed {
            self.enlist(blocks, item);
        }
    }

    /// The place that says where an item stands, and its rank.
    pub(crate) fn place<'a>(
        &self,
        blocks: &'a Blocks<Write>,
        item: NodeId,
    ) -> Option<(Rank, &'a Place)> {
        let slots = self.nodes.get(item.0)?.slots;
        let (rank, slot) = slots
            .into_iter()
            .filter_map(|slot| Some((rank_of_place(blocks, slot)?, slot)))
            .max_by_key(|place| place.0)?;
        match &blocks.get(slot)?.content {
            Content::Place(place) => Some((rank, place)),
            _ => None,
        }
    }

    /// Where an item stands: at its place, or behind the place of another, as the how manieth.
    pub(crate) fn stands<'a>(
        &'a self,
        blocks: &'a Blocks<Write>,
        item: NodeId,
    ) -> Option<(&'a Place, u32)> {
        if !self.behind.is_empty() {
            if let Some((place, nth)) = self.behind.get(&(self.node(item).parent, item)) {
                return Some((place, *nth));
            }
        }
        self.place(blocks, item).map(|place| (place.1, 0))
    }

    /// The order of two items of one list, which no two share.
    pub(crate) fn compare(&self, blocks: &Blocks<Write>, a: NodeId, b: NodeId) -> Ordering {
        let list = self.parent(a).and_then(|list| self.list_at(list));
        self.compare_by(list.map_or(&ListOrder::Place, |list| &list.by), blocks, a, b)
    }

    /// By place, and at one place by identity; or by value, and then by key. An item without a
    /// place, which one side wrote into while another deleted it, comes last, and so does one
    /// without a value.
    fn compare_by(&self, by: &ListOrder, blocks: &Blocks<Write>, a: NodeId, b: NodeId) -> Ordering {
        if a == b {
            return Ordering::Equal;
        }
        if *by != ListOrder::Place {
            let by_value = match (self.leaf_by(by, blocks, a), self.leaf_by(by, blocks, b)) {
                (Some(a), Some(b)) => a.cmp_value(b),
                (a, b) => a.is_none().cmp(&b.is_none()),
            };
            return by_value.then_with(|| self.compare_keys(a, b));
        }
        let place = |item| self.stands(blocks, item);
        let by_place = match (place(a), place(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            (a, b) => a.is_none().cmp(&b.is_none()),
        };
        by_place.then_with(|| self.segment(a).cmp(&self.segment(b)))
    }

    /// What an item of a sorted list is sorted by.
    pub(crate) fn sorted_by(
        &self,
        by: &ListOrder,
        blocks: &Blocks<Write>,
        item: NodeId,
    ) -> Option<Content> {
        Some(self.leaf_by(by, blocks, item)?.content().into_owned())
    }

    fn leaf_by<'a>(
        &'a self,
        by: &ListOrder,
        blocks: &'a Blocks<Write>,
        item: NodeId,
    ) -> Option<Leaf<'a>> {
        let node = match by {
            ListOrder::Field(name) => self.child(item, Sought::Field(name))?,
            _ => item,
        };
        let leaf = Standing::of(self.writes(blocks, node)).leaf().map(|leaf| leaf.1);
        leaf.filter(|_| node == item || !self.is_removed(node))
    }

    fn compare_keys(&self, a: NodeId, b: NodeId) -> Ordering {
        let (a, b) = (self.segment(a), self.segment(b));
        let by_key = match (a, b) {
            (
                Some(Segment::Item(Item::Keyed { key: a, .. })),
                Some(Segment::Item(Item::Keyed { key: b, .. })),
            ) => a.cmp_value(b),
            _ => Ordering::Equal,
        };
        by_key.then_with(|| a.cmp(&b))
    }

    /// The order of an item and another that would stand at a place.
    pub(crate) fn compare_to_place(
        &self,
        blocks: &Blocks<Write>,
        a: NodeId,
        (place, b): (&Place, NodeId),
    ) -> Ordering {
        let stands = self.stands(blocks, a);
        let by_place = stands.map_or(Ordering::Greater, |a| a.cmp(&(place, 0)));
        by_place.then_with(|| self.segment(a).cmp(&self.segment(b)))
    }

    /// The index of an item in its list; `None` if it is not a linked item.
    pub(crate) fn index_of(&self, blocks: &Blocks<Write>, item: NodeId) -> Option<usize> {
        let items = self.list_at(self.parent(item)?)?;
        items.index_of(|other| self.compare(blocks, other, item))
    }
}

/// What stands behind what.
impl Tree {
    /// Whether an item has several places.
    pub(crate) fn is_contested(&self, blocks: &Blocks<Write>, item: NodeId) -> bool {
        let Some(Node { slots, .. }) = self.nodes.get(item.0) else { return false };
        let is_place = |slot: &&Slot| rank_of_place(blocks, **slot).is_some();
        match slots.iter().filter(is_place).count() {
            0 => false,
            1 if self.crowds.is_empty() => false,
            1 => self.crowds.get(&item).and_then(BTreeSet::last).is_some_and(|it| it.0.is_some()),
            _ => true,
        }
    }

    /// Whether items of a list that is ordered by place have several.
    pub(crate) fn is_contested_list(&self, list: NodeId) -> bool {
        let is_contested = |list: &Order| list.contested > 0 && list.by == ListOrder::Place;
        self.list_at(list).is_some_and(is_contested)
    }

    /// Whether items of a list stand where they do because of others.
    pub(crate) fn is_woven(&self, list: NodeId) -> bool {
        self.list_at(list).is_some_and(|order| order.is_woven)
    }

    /// Nothing in a list stands where it does because of others any more.
    pub(crate) fn unweave(&mut self, list: NodeId) {
        let number = self.nodes.get(list.0).map_or(u32::MAX, |node| node.list);
        if let Some(order) = self.lists.get_mut(number as usize) {
            order.is_woven = false;
            self.unsettled.insert(list);
        }
    }

    fn is_imported(&self, blocks: &Blocks<Write>, item: NodeId) -> bool {
        self.place(blocks, item).is_some_and(|place| place.1.imported().is_some())
    }

    fn leave(&mut self, list: NodeId, item: NodeId) {
        if !self.behind.is_empty() {
            self.behind.remove(&(list, item));
        }
    }

    /// Where an item is read that nobody moved, and what its places say of its order.
    fn unmoved<'a>(&self, blocks: &'a Blocks<Write>, item: NodeId) -> Option<Unmoved<'a>> {
        let unmoved = |slot| {
            let write = blocks.get(slot).filter(|write: &&Write| write.birth().is_none())?;
            match &write.content {
                Content::Place(place) => Some(place).filter(|place| place.way() != Way::Pinned),
                _ => None,
            }
        };
        let (rank, read) = self.place(blocks, item)?;
        let is_read = |slot: &Slot| rank_of_place(blocks, *slot) == Some(rank);
        let moved = |slot| blocks.get(slot).and_then(Write::birth);
        if self.slots(item).find(is_read).and_then(moved).is_some() {
            return None;
        }
        let places = self.slots(item).filter_map(unmoved).collect();
        Some(Unmoved { read, is_pinned: read.way() == Way::Pinned, places })
    }

    /// The items of a list that nobody moved, by where they are read, and what is agreed on.
    fn agreed(&self, blocks: &Blocks<Write>, list: NodeId) -> (Vec<NodeId>, Agreed) {
        if !self.is_contested_list(list) {
            return <_>::default();
        }
        let unmoved = |item| Some((self.unmoved(blocks, item)?, item));
        let mut items: Vec<_> = self.items(list).filter_map(unmoved).collect();
        items.sort_unstable_by(|(a, a_item), (b, b_item)| {
            let segments = || self.segment(*a_item).cmp(&self.segment(*b_item));
            a.read.cmp(b.read).then_with(segments)
        });
        let (unmoved, items): (Vec<_>, Vec<_>) = items.into_iter().unzip();
        let agreed = agree(&unmoved);
        (items, agreed)
    }

    /// The items that stand where they do because of others.
    pub(crate) fn woven(&self, blocks: &Blocks<Write>, list: NodeId) -> BTreeSet<NodeId> {
        let (items, agreed) = self.agreed(blocks, list);
        let behind = agreed.behind.iter().map(|it| it.0);
        behind.chain(agreed.torn).map(|item| items[item]).collect()
    }

    /// The items about which imports contradict each other.
    pub(crate) fn contradicted(&self, blocks: &Blocks<Write>, list: NodeId) -> Vec<NodeId> {
        let (items, agreed) = self.agreed(blocks, list);
        agreed.contradicted.into_iter().map(|item| items[item]).collect()
    }

    /// What stands behind what in a list.
    fn behind_of(
        &self,
        list: NodeId,
        blocks: &Blocks<Write>,
        (items, agreed): &(Vec<NodeId>, Agreed),
    ) -> BTreeMap<(NodeId, NodeId), (Place, u32)> {
        let behind = agreed.behind.iter().filter_map(|(item, other, nth)| {
            let (_, place) = self.place(blocks, items[*other])?;
            Some(((list, items[*item]), (place.clone(), *nth)))
        });
        behind.collect()
    }

    /// Brings the order of all lists up to date. Until then a list is in the order that it had, and
    /// what came stands at its own place.
    pub(crate) fn settle(&mut self, blocks: &Blocks<Write>) {
        while let Some(list) = self.unsettled.pop_first() {
            let agreed = self.agreed(blocks, list);
            let new = self.behind_of(list, blocks, &agreed);
            let all = (list, ROOT)..=(list, NONE);
            let is_same = self.behind.range(all.clone()).eq(new.iter());
            let is_woven = !new.is_empty() || !agreed.1.torn.is_empty();
            if !is_same {
                let old: Vec<_> = self.behind.range(all).map(|it| *it.0).collect();
                for item in old {
                    self.behind.remove(&item);
                }
                self.behind.extend(new);
            }
            let number = self.nodes.get(list.0).map_or(u32::MAX, |node| node.list) as usize;
            if self.lists.get(number).is_none() {
                continue;
            }
            if !is_same {
                let mut items: Vec<NodeId> = self.items(list).collect();
                items.sort_by(|a, b| self.compare(blocks, *a, *b));
                self.lists[number].reorder(&items);
            }
            self.lists[number].is_woven = is_woven;
        }
    }
}

/// Two trees.
impl Tree {
    /// The node with the same path as one of `theirs`, made if it does not exist.
    pub(crate) fn adopt(&mut self, theirs: &Self, node: NodeId) -> NodeId {
        match theirs.parent(node) {
            None => self.root(),
            Some(parent) => {
                let parent = self.adopt(theirs, parent);
                self.adopt_below(parent, theirs, node)
            }
        }
    }

    /// The same, where the parent is known.
    pub(crate) fn adopt_below(&mut self, parent: NodeId, theirs: &Self, node: NodeId) -> NodeId {
        if node == ROOT {
            return self.root();
        }
        let name = self.names.adopt(&theirs.names, theirs.node(node).name);
        self.step_named(parent, name)
    }

    /// The node one step below with the same segment as one of `theirs`, if it exists.
    pub(crate) fn find_below(&self, parent: NodeId, theirs: &Self, node: NodeId) -> Option<NodeId> {
        self.child(parent, Sought::Segment(theirs.segment(node)?))
    }

    /// The node with the same path as one of `theirs`, if it exists.
    pub(crate) fn find(&self, theirs: &Self, node: NodeId) -> Option<NodeId> {
        match (theirs.parent(node), theirs.segment(node)) {
            (Some(parent), Some(segment)) => {
                self.child(self.find(theirs, parent)?, Sought::Segment(segment))
            }
            _ => (!self.nodes.is_empty()).then_some(ROOT),
        }
    }

    /// A total order of writes in two trees, which does not depend on the trees.
    pub(crate) fn order(&self, ours: &Write, their_tree: &Self, theirs: &Write) -> Ordering {
        let by_path = self.path(ours.node).cmp(&their_tree.path(theirs.node));
        by_path.then_with(|| ours.said().cmp(&theirs.said()))
    }
}

impl Tree {
    /// Checks that the tree lists exactly the live writes, each where it lives, and links what
    /// there is to read. For tests and fuzzers; O(size × log).
    #[cfg(any(test, feature = "laws"))]
    pub(crate) fn check_invariants(
        &self,
        kernel: &crate::causal::DotKernel<Write>,
        held: &[NodeId],
    ) -> Result<(), &'static str> {
        let check = |holds: bool, broken| if holds { Ok(()) } else { Err(broken) };
        let nodes = || self.nodes.iter().map(|(at, node)| (NodeId(at), node));
        let ids = || nodes().filter(|(_, node)| node.uses > 0);
        let blocks = kernel.blocks();
        check(kernel.live_len() == 0 || !self.nodes.is_empty(), "writes without a tree")?;
        check(ids().count() + self.free.len() == self.nodes.len(), "a node is lost")?;
        self.names.check_invariants(ids().count())?;
        let mut by_parent = BTreeMap::<NodeId, Vec<NodeId>>::new();
        for (id, node) in ids().skip(1) {
            by_parent.entry(node.parent).or_default().push(id);
            check(self.child_named(node.parent, node.name) == Some(id), "a node cannot be found")?;
        }
        let mut live = 0;
        for (id, node) in ids() {
            let slots: BTreeSet<Slot> = self.slots(id).collect();
            live += slots.len();
            let here = |slot: &Slot| blocks.get(*slot).is_some_and(|write| write.node == id);
            check(slots.iter().all(here), "a write is not where it lives")?;
            let is_silent = |slot: &&Slot| blocks.get(**slot).is_some_and(|it| !it.is_readable());
            let silent = slots.iter().filter(is_silent).count();
            let is_removal =
                |slot: &&Slot| blocks.get(**slot).is_some_and(|it| it.content == Content::Removed);
            let removals = slots.iter().filter(is_removal).count();
            let counted = self.removed.get(&(node.parent, id)).map_or(0, |count| *count as usize);
            check(removals == counted, "the count of a node's removals is stale")?;
            let greatest = slots.iter().filter_map(|slot| rank_of_place(blocks, *slot)).max();
            check(self.place(blocks, id).map(|place| place.0) == greatest, "a place is hidden")?;
            let below = by_parent.get(&id).map_or(&[][..], |below| below);
            let linked: Vec<NodeId> =
                below.iter().copied().filter(|below| self.has_content(*below)).collect();
            let held = held.iter().filter(|it| **it == id).count();
            let in_use = slots.len() + below.len() + held + usize::from(id == ROOT);
            check(node.uses as usize == in_use, "the count of a node's uses is stale")?;
            let content = slots.len() - silent + linked.len();
            check(node.content as usize == content, "the count of what there is to read is stale")?;
            let is_born = |slot: &&Slot| {
                blocks.get(**slot).is_some_and(|it| it.birth().is_some() && it.is_readable())
            };
            let born = slots.iter().filter(is_born).count()
                + below.iter().filter(|below| self.has_born(**below)).count();
            check(node.born as usize == born, "the count of what changed a field is stale")?;
            let listed: Vec<NodeId> = self.items(id).collect();
            let order = self.list_at(id).map(|list| &list.by);
            let as_marked = order.is_none_or(|by| by == self.order_at(blocks, id));
            check(as_marked, "a list is in another order than its mark says")?;
            let in_order =
                listed.windows(2).all(|pair| self.compare(blocks, pair[0], pair[1]).is_lt());
            check(in_order, "items are out of order")?;
            let contested = listed.iter().filter(|item| self.is_contested(blocks, **item)).count();
            let counted = self.list_at(id).map_or(0, |order| order.contested);
            check(
                counted as usize == contested,
                "the count of items with several places is stale",
            )?;
            let agreed = self.agreed(blocks, id);
            let behind = self.behind_of(id, blocks, &agreed);
            let noted = self.behind.range((id, ROOT)..=(id, NONE));
            check(noted.eq(behind.iter()), "what stands behind what is stale")?;
            let is_woven = !behind.is_empty() || !agreed.1.torn.is_empty();
            check(self.is_woven(id) == is_woven, "whether a list is woven is stale")?;
            let mut children: Vec<NodeId> = self.fields(id).chain(listed).collect();
            children.sort_unstable();
            check(children == linked, "what is linked is not what there is to read")?;
        }
        let sorted = self.lists.iter().filter(|list| list.by != ListOrder::Place).count();
        check(self.sorted_lists as usize == sorted, "the count of sorted lists is stale")?;
        check(self.unsettled.is_empty(), "a list is not settled")?;
        check(live == kernel.live_len(), "the tree and the kernel differ in number")
    }
}
