//! [`Store`]: a kernel of writes together with the tree that indexes it: a document's state, and
//! also a delta's.

use super::{
    tree::{NodeId, Tree},
    write::Write,
};
use crate::causal::{Adopt, Blocks, CausalContext, Digest, Dot, DotKernel, Page, Slot};
use alloc::vec::Vec;
use core::{cmp::Ordering, fmt};

/// Live writes, and where they live.
#[derive(Clone, Default)]
pub(super) struct Store {
    pub(super) kernel: DotKernel<Write>,
    pub(super) tree: Tree,
}

impl Store {
    /// Makes a write alive under a dot that was seen.
    pub(super) fn put(&mut self, dot: Dot, write: Write) {
        let slot = self.kernel.put(dot, write);
        self.tree.came(self.kernel.blocks(), slot);
    }

    /// Ends the life of a write. Its node stays: the caller releases it.
    pub(super) fn kill(&mut self, slot: Slot) -> Option<(Dot, Write)> {
        let dot = self.kernel.blocks().dot(slot);
        self.tree.going(self.kernel.blocks(), slot)?;
        Some((dot, self.kernel.kill(dot)?))
    }

    /// Checks everything a store relies on; `held` are the nodes that its owner holds.
    pub(super) fn check_invariants(&self, held: &[NodeId]) -> Result<(), &'static str> {
        self.kernel.check_invariants()?;
        self.tree.check_invariants(&self.kernel, held)
    }

    /// The join; `true` if and only if something changed.
    pub(super) fn join(&mut self, other: &Self) -> bool {
        let mut page = Joining::new(&mut self.tree, &other.tree);
        let changed = self.kernel.join(&other.kernel, &mut page);
        page.finish();
        changed
    }

    /// A store that has seen `context`, with some of the writes that live here.
    pub(super) fn extract<'a>(
        &'a self,
        context: CausalContext,
        live: impl Iterator<Item = (Dot, &'a Write)>,
    ) -> Self {
        let mut part = Self { kernel: DotKernel::with_context(context), tree: Tree::default() };
        // The parent of the last write, here and in the part: the next one's is mostly the same.
        let mut last = None;
        for (dot, write) in live {
            let node = match (self.tree.parent(write.node), last) {
                (Some(parent), Some((here, there))) if parent == here => {
                    part.tree.adopt_below(there, &self.tree, write.node)
                }
                (parent, _) => {
                    let node = part.tree.adopt(&self.tree, write.node);
                    last = parent.zip(part.tree.parent(node));
                    node
                }
            };
            part.put(dot, write.at(node));
        }
        part
    }

    /// The writes that the peer has not seen, and which of its own are dead.
    pub(super) fn delta_since(&self, peer: &Digest) -> Self {
        self.extract(self.kernel.context_since(peer), self.kernel.unseen_by(peer.seen()))
    }
}

/// The context, and the live writes by their paths.
impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Live<'a>(&'a Store);
        impl fmt::Debug for Live<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut map = f.debug_map();
                for (dot, write) in self.0.kernel.iter() {
                    let path = self.0.tree.path(write.node);
                    map.entry(&(dot, path), &(&write.content, write.time));
                }
                map.finish()
            }
        }
        f.debug_struct("Store")
            .field("context", self.kernel.context())
            .field("live", &Live(self))
            .finish_non_exhaustive()
    }
}

/// Equal means converged: the same dots seen, the same alive, with equal writes.
impl PartialEq for Store {
    fn eq(&self, other: &Self) -> bool {
        let agree = |((our_dot, ours), (their_dot, theirs)): ((Dot, &Write), (Dot, &Write))| {
            our_dot == their_dot
                && ours.digest == theirs.digest
                && self.tree.order(ours, &other.tree, theirs).is_eq()
        };
        self.kernel.live_len() == other.kernel.live_len()
            && self.kernel.context() == other.kernel.context()
            && self.kernel.iter().zip(other.kernel.iter()).all(agree)
    }
}

impl Eq for Store {}

/// The page of a join: our tree, which reads the writes of theirs.
struct Joining<'a> {
    tree: &'a mut Tree,
    theirs: &'a Tree,
    /// The parent of the last write that was read, there and here: the next one's is mostly the
    /// same.
    parent: Option<(NodeId, NodeId)>,
    /// The nodes that writes have left.
    left: Vec<NodeId>,
}

impl<'a> Joining<'a> {
    fn new(tree: &'a mut Tree, theirs: &'a Tree) -> Self {
        Self { tree, theirs, parent: None, left: Vec::new() }
    }

    /// Only now, so that no node that is spoken of goes.
    fn finish(self) {
        self.left.into_iter().for_each(|node| self.tree.release(node));
    }
}

impl Page<Write> for Joining<'_> {
    fn expect(&mut self, _: &Blocks<Write>, additional: usize) {
        if additional > 64 {
            self.tree.reserve(additional);
        }
    }

    fn came(&mut self, blocks: &Blocks<Write>, slot: Slot) {
        self.tree.came(blocks, slot);
    }

    fn going(&mut self, blocks: &Blocks<Write>, slot: Slot) {
        self.left.extend(self.tree.going(blocks, slot));
    }
}

impl Adopt<Write> for Joining<'_> {
    fn adopt(&mut self, theirs: &Write) -> Write {
        let node = match (self.theirs.parent(theirs.node), self.parent) {
            (Some(parent), Some((there, here))) if parent == there => {
                self.tree.adopt_below(here, self.theirs, theirs.node)
            }
            (Some(parent), _) => {
                let here = self.tree.adopt(self.theirs, parent);
                // Held, lest a node without a write of its own goes while it is spoken of.
                self.tree.hold(here);
                self.left.push(here);
                self.parent = Some((parent, here));
                self.tree.adopt_below(here, self.theirs, theirs.node)
            }
            (None, _) => self.tree.root(),
        };
        theirs.at(node)
    }

    fn order(&self, ours: &Write, theirs: &Write) -> Ordering {
        self.tree.order(ours, self.theirs, theirs)
    }
}
