//! [`Tree`]: the index of a document: which live writes lie where, and what is read from them.
//!
//! Merging never decides anything: all live writes are kept. Which of them are *read* is a pure
//! function of what is alive, and it is this file.

use super::{
    DocumentError,
    path::Path,
    value::{Kind, Value},
    write::Write,
};
use crate::{
    causal::{Blocks, Dot, DotKernel, Page, Slot},
    time::Stamp,
};
use alloc::{borrow::ToOwned, boxed::Box, collections::BTreeMap, vec::Vec};
use smallvec::SmallVec;

/// The live writes of a document by path.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    root: Node,
}

/// What lives at one path and below. No node is kept that has neither.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    /// Scalars, arrays, and the marks of an object.
    writes: SmallVec<[Slot; 1]>,
    fields: BTreeMap<Box<str>, Node>,
}

impl Node {
    fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.fields.is_empty()
    }

    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, &Self)> {
        self.fields.iter().map(|(name, child)| (&**name, child))
    }

    pub(super) fn field(&self, name: &str) -> Option<&Self> {
        self.fields.get(name)
    }

    /// Takes a write out, and the nodes that it leaves empty.
    fn remove<'a>(
        &mut self,
        mut names: impl Iterator<Item = alloc::borrow::Cow<'a, str>>,
        slot: Slot,
    ) {
        let Some(name) = names.next() else {
            self.writes.retain(|it| *it != slot);
            return;
        };
        if let Some(child) = self.fields.get_mut(&*name) {
            child.remove(names, slot);
            if child.is_empty() {
                self.fields.remove(&*name);
            }
        }
    }
}

impl Tree {
    pub(super) fn over(kernel: &DotKernel<Write>) -> Self {
        let mut tree = Self::default();
        kernel.slots().for_each(|slot| tree.came(kernel.blocks(), slot));
        tree
    }

    pub(super) fn node(&self, path: &Path) -> Option<&Node> {
        path.names().try_fold(&self.root, |node, name| node.fields.get(&*name))
    }

    /// Whether anything lives at `path` or below.
    pub(super) fn lives_at(&self, path: &Path) -> bool {
        self.node(path).is_some_and(|node| !node.is_empty())
    }

    /// Every write that lives at `path` or below, as the tree lists them.
    pub(super) fn writes_below(&self, path: &Path) -> SmallVec<[Slot; 4]> {
        fn collect(node: &Node, all: &mut SmallVec<[Slot; 4]>) {
            all.extend_from_slice(&node.writes);
            node.fields.values().for_each(|child| collect(child, all));
        }
        let mut all = SmallVec::new();
        if let Some(node) = self.node(path) {
            collect(node, &mut all);
        }
        all
    }
}

impl Page<Write> for Tree {
    fn came(&mut self, blocks: &Blocks<Write>, slot: Slot) {
        let Some(write) = blocks.get(slot) else { return };
        let mut node = &mut self.root;
        for name in write.path.names() {
            // A second look-up where the field is new, no allocation where it is not.
            if !node.fields.contains_key(&*name) {
                node.fields.insert((*name).to_owned().into(), Node::default());
            }
            let Some(child) = node.fields.get_mut(&*name) else { return };
            node = child;
        }
        node.writes.push(slot);
    }

    fn going(&mut self, blocks: &Blocks<Write>, slot: Slot) {
        if let Some(write) = blocks.get(slot) {
            self.root.remove(write.path.names(), slot);
        }
    }
}

/// The order among live writes: (time, replica), and of two by one replica at one time the later.
pub(super) type Rank = (Stamp, Dot);

/// What is read at a node.
#[derive(Clone, Copy)]
pub(super) enum Reading<'a> {
    /// A scalar or an array.
    Leaf(&'a Value),
    /// An object.
    Object(&'a Node),
}

/// An object that does not stand on its own, and the scalars and arrays that lost against it.
pub(super) type Unsettled = (Path, SmallVec<[Slot; 1]>);

/// A tree together with the writes that it indexes.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) tree: &'a Tree,
    pub(super) blocks: &'a Blocks<Write>,
}

impl<'a> View<'a> {
    pub(super) fn write(self, slot: Slot) -> Option<(Rank, &'a Write)> {
        let (write, dot) = (self.blocks.get(slot)?, self.blocks.dot(slot));
        Some(((Stamp { time: write.time, replica: dot.replica() }, dot), write))
    }

    fn writes_at(self, node: &'a Node) -> impl Iterator<Item = (Rank, &'a Write)> + 'a {
        node.writes.iter().filter_map(move |&slot| self.write(slot))
    }

    /// The scalars and arrays that live at a node.
    pub(super) fn leaves(self, node: &'a Node) -> impl Iterator<Item = (Rank, &'a Value)> + 'a {
        let leaves = self.writes_at(node).filter(|(_, write)| !write.is_mark());
        leaves.map(|(rank, write)| (rank, &write.value))
    }

    /// Whether an object was written at a node and lives; without a mark, an object lives only by
    /// what was written into it concurrently with its deletion.
    pub(super) fn is_marked(self, node: &'a Node) -> bool {
        self.writes_at(node).any(|(_, write)| write.is_mark())
    }

    pub(super) fn has_object(self, node: &'a Node) -> bool {
        !node.fields.is_empty() || self.is_marked(node)
    }

    /// The greatest rank among what makes a node an object: its marks, and all that lives below.
    /// O(the subtree), and needed only where an object stands against a leaf.
    pub(super) fn object_rank(self, node: &'a Node) -> Option<Rank> {
        let marks = self.writes_at(node).filter(|(_, write)| write.is_mark()).map(|(rank, _)| rank);
        marks.max().max(node.fields.values().filter_map(|child| self.greatest_rank(child)).max())
    }

    /// Whether anything that makes a node an object has a greater rank; ends at the first.
    fn object_beats(self, node: &'a Node, rank: Rank) -> bool {
        let marks = || self.writes_at(node).any(|(it, write)| write.is_mark() && it > rank);
        marks() || node.fields.values().any(|child| self.beats(child, rank))
    }

    fn beats(self, node: &'a Node, rank: Rank) -> bool {
        self.writes_at(node).any(|(it, _)| it > rank)
            || node.fields.values().any(|child| self.beats(child, rank))
    }

    fn greatest_rank(self, node: &'a Node) -> Option<Rank> {
        let here = self.writes_at(node).map(|(rank, _)| rank).max();
        here.max(node.fields.values().filter_map(|child| self.greatest_rank(child)).max())
    }

    /// What is read at a node: the kind that holds the greatest rank, and of leaves the one that
    /// holds it.
    pub(super) fn reading(self, node: &'a Node) -> Option<Reading<'a>> {
        let leaf = self.leaves(node).max_by_key(|(rank, _)| *rank);
        match leaf {
            None => self.has_object(node).then_some(Reading::Object(node)),
            Some((rank, value)) => {
                let object_wins = self.has_object(node) && self.object_beats(node, rank);
                Some(if object_wins { Reading::Object(node) } else { Reading::Leaf(value) })
            }
        }
    }

    /// The node at `path` if it can be reached: each container on the way reads as an object.
    pub(super) fn visible(self, path: &Path) -> Option<&'a Node> {
        path.names().try_fold(&self.tree.root, |node, name| match self.reading(node)? {
            Reading::Object(node) => node.fields.get(&*name),
            Reading::Leaf(..) => None,
        })
    }

    /// The value that is read at a node. O(its size).
    pub(super) fn value(self, node: &'a Node) -> Option<Value> {
        Some(match self.reading(node)? {
            Reading::Leaf(value) => value.clone(),
            Reading::Object(node) => self.object(node),
        })
    }

    /// The object at a node, whether or not it is what is read there.
    pub(super) fn object(self, node: &'a Node) -> Value {
        node.fields().filter_map(|(name, child)| Some((name, self.value(child)?))).collect()
    }

    /// The slots of the scalars and arrays at a node.
    pub(super) fn leaf_slots(self, node: &Node) -> SmallVec<[Slot; 1]> {
        let is_leaf = |slot: &Slot| self.blocks.get(*slot).is_some_and(|write| !write.is_mark());
        node.writes.iter().copied().filter(is_leaf).collect()
    }

    /// The containers on the way to `path` that do not stand as objects on their own: those
    /// without a mark, and those with scalars or arrays that lost against the object, which are
    /// listed.
    pub(super) fn unsettled_on_the_way(self, path: &Path) -> Result<Vec<Unsettled>, DocumentError> {
        let mut unsettled = Vec::new();
        let mut next = Some(&self.tree.root);
        for (pointer, name) in path.steps() {
            let node = match next.and_then(|node| self.reading(node)) {
                Some(Reading::Object(node)) => node,
                Some(Reading::Leaf(value)) => {
                    let (path, found) = (pointer.into(), value.kind());
                    return Err(DocumentError::NotAnObject { path, found });
                }
                None => return Err(DocumentError::NotFound { path: pointer.into() }),
            };
            let losers = self.leaf_slots(node);
            if !losers.is_empty() || !self.is_marked(node) {
                unsettled.push((Path::parse(pointer)?, losers));
            }
            next = node.field(&name);
        }
        Ok(unsettled)
    }

    /// The value that is read at `path`.
    pub(super) fn get(self, path: &Path) -> Option<Value> {
        self.value(self.visible(path)?)
    }

    /// The kind that is read at `path`.
    pub(super) fn kind(self, path: &Path) -> Option<Kind> {
        Some(match self.reading(self.visible(path)?)? {
            Reading::Leaf(value) => value.kind(),
            Reading::Object(_) => Kind::Object,
        })
    }

    /// Whether the tree lists just the live writes, each at its path.
    pub(super) fn check_invariants(self, kernel: &DotKernel<Write>) -> Result<(), &'static str> {
        fn listed(node: &Node, at_root: bool) -> Option<usize> {
            let below = node.fields.values().map(|child| listed(child, false));
            let all = node.writes.len() + below.sum::<Option<usize>>()?;
            (at_root || all > 0).then_some(all)
        }
        let at_its_path = |slot: Slot| {
            let node = self.blocks.get(slot).and_then(|write| self.tree.node(&write.path));
            node.is_some_and(|node| node.writes.contains(&slot))
        };
        match listed(&self.tree.root, true) {
            None => Err("an empty node is kept"),
            Some(all) if all != kernel.live_len() => {
                Err("the tree and the kernel differ in number")
            }
            Some(_) if !kernel.slots().all(at_its_path) => Err("a write is not at its path"),
            Some(_) => Ok(()),
        }
    }
}
