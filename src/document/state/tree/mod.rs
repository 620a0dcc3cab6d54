//! [`Tree`]: the index of a kernel of writes, which says where each of them lives.
//!
//! It is an arena of nodes, each a path by identity. A node exists while writes live at it or below
//! it, or while somebody [holds](Tree::hold) it. It is *linked* among its parent's fields or items
//! while there is something to read.

#[cfg(any(test, feature = "laws"))]
mod check;
mod links;
mod stand;
mod woven;

use super::{
    names::{NameId, Names, Sought},
    node::{NONE, NodeId, ROOT},
    order::{Items, Order},
    place::{Place, Run},
    rank::Rank,
    segment::Segment,
    slab::Slab,
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
