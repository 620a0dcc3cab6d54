//! [`Store`]: a kernel of writes and the tree that indexes it. Documents and deltas are made of it.

use super::{node::NodeId, tree::Tree, write::Write};
use crate::{
    causal::{Adopt, Blocks, CausalContext, Digest, Done, Dot, DotKernel, Journal, Page, Slot},
    merge::Merge,
    time::Timestamp,
};
use alloc::vec::Vec;
use core::{cmp::Ordering, fmt, mem};

/// Live writes, and where they live.
#[derive(Clone, Default)]
pub(crate) struct Store {
    pub(crate) kernel: DotKernel<Write>,
    pub(crate) tree: Tree,
    /// What drafts did. The nodes of what went stay until it is taken back.
    pub(crate) journal: Journal<Write>,
}

impl Store {
    /// A store without writes.
    pub(crate) fn with_context(context: CausalContext) -> Self {
        let kernel = DotKernel::with_context(context);
        Self { kernel, tree: Tree::default(), journal: Journal::default() }
    }

    /// Makes a write live under a dot that was seen.
    pub(crate) fn put(&mut self, dot: Dot, write: Write) {
        self.journal.note(|| Done::Came(dot));
        let slot = self.kernel.put(dot, write);
        self.tree.came(self.kernel.blocks(), slot);
    }

    /// Brings the order of lists up to date, after writes came and went.
    pub(crate) fn settle(&mut self) {
        self.tree.settle(self.kernel.blocks());
    }

    /// The greatest time among the live writes.
    pub(crate) fn latest(&self) -> Option<Timestamp> {
        self.kernel.payloads().map(|write| write.time).max()
    }

    /// Kills a write. Its node stays until the caller releases it.
    pub(crate) fn kill(&mut self, slot: Slot) -> Option<(Dot, Write)> {
        let dot = self.kernel.blocks().dot(slot);
        note_going(&mut self.journal, &mut self.tree, self.kernel.blocks(), slot);
        self.tree.going(self.kernel.blocks(), slot)?;
        Some((dot, self.kernel.kill(slot)?))
    }

    /// Checks everything a store relies on; `held` are the nodes that its owner holds.
    #[cfg(any(test, feature = "laws"))]
    pub(crate) fn check_invariants(&self, held: &[NodeId]) -> Result<(), &'static str> {
        self.kernel.check_invariants()?;
        self.kernel.iter().try_for_each(|(dot, write)| write.check_counts(dot))?;
        self.tree.check_invariants(&self.kernel, held)
    }

    /// The join; `true` if and only if something changed.
    pub(crate) fn join(&mut self, other: &Self) -> bool {
        self.journal.joins(&self.kernel, &other.kernel);
        let (adopted, left) = (Adopted::default(), Vec::new());
        let (tree, journal) = (&mut self.tree, &mut self.journal);
        let mut page = Joining { tree, journal, theirs: &other.tree, adopted, left };
        let changed = self.kernel.join(&other.kernel, &mut page);
        let Joining { tree, left, .. } = page;
        for node in left {
            tree.release(node);
        }
        self.settle();
        changed
    }

    /// Begins a draft.
    pub(crate) fn begin(&mut self) {
        self.journal.begin();
    }

    /// Ends the draft that began last: what is alive, and what was seen, is as it was. O(what it
    /// did).
    pub(crate) fn take_back(&mut self) {
        let done = self.journal.end();
        let outer = mem::take(&mut self.journal);
        let mut unseen = CausalContext::new();
        for done in done {
            match done {
                Done::Came(dot) => {
                    let came = self.kernel.slot(dot).and_then(|slot| self.kill(slot));
                    if let Some((_, write)) = came {
                        self.tree.release(write.node);
                    }
                }
                Done::Went(dot, write) => {
                    let node = write.node;
                    self.put(dot, write);
                    self.tree.release(node);
                }
                Done::Saw(dots) => _ = unseen.merge(&dots),
            }
        }
        self.journal = outer;
        self.kernel.forget(&unseen);
        self.settle();
    }

    /// A store that has seen `context` and holds some of the writes that live here.
    pub(crate) fn extract<'a>(
        &'a self,
        context: CausalContext,
        live: impl Iterator<Item = (Dot, &'a Write)>,
    ) -> Self {
        let mut part = Self::with_context(context);
        let mut adopted = Adopted::default();
        for (dot, write) in live {
            let write = adopted.write(&mut part.tree, &self.tree, write);
            part.put(dot, write);
        }
        part.settle();
        part
    }

    /// The writes that the peer has not seen, and which of its own are dead.
    pub(crate) fn delta_since(&self, peer: &Digest) -> Self {
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
                for (dot, write) in &self.0.kernel {
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

/// Writes of one tree, read for another.
#[derive(Default)]
struct Adopted {
    /// The parent of the last write, there and here: the next one usually has the same.
    parent: Option<(NodeId, NodeId)>,
}

impl Adopted {
    /// The write as it is held here. The caller makes it live at once, before any node is released.
    fn write(&mut self, ours: &mut Tree, theirs: &Tree, write: &Write) -> Write {
        let Some(parent) = theirs.parent(write.node) else { return write.at(ours.root()) };
        let here = match self.parent {
            Some((there, here)) if there == parent => here,
            _ => ours.adopt(theirs, parent),
        };
        self.parent = Some((parent, here));
        let mut write = write.at(ours.adopt_below(here, theirs, write.node));
        ours.share(&mut write.content);
        write
    }
}

/// The page of a join: our tree, which reads the writes of their tree.
struct Joining<'a> {
    tree: &'a mut Tree,
    journal: &'a mut Journal<Write>,
    theirs: &'a Tree,
    adopted: Adopted,
    /// The nodes of writes that were killed; they are released after the join.
    left: Vec<NodeId>,
}

impl Page<Write> for Joining<'_> {
    fn expect(&mut self, _: &Blocks<Write>, additional: usize) {
        if additional > 64 {
            self.tree.reserve(additional);
        }
    }

    fn came(&mut self, blocks: &Blocks<Write>, slot: Slot) {
        self.journal.note(|| Done::Came(blocks.dot(slot)));
        self.tree.came(blocks, slot);
    }

    fn going(&mut self, blocks: &Blocks<Write>, slot: Slot) {
        note_going(self.journal, self.tree, blocks, slot);
        self.left.extend(self.tree.going(blocks, slot));
    }
}

impl Adopt<Write> for Joining<'_> {
    fn adopt(&mut self, theirs: &Write) -> Write {
        self.adopted.write(self.tree, self.theirs, theirs)
    }

    fn order(&self, ours: &Write, theirs: &Write) -> Ordering {
        self.tree.order(ours, self.theirs, theirs)
    }
}

/// Notes that a write is about to go, and keeps its node.
fn note_going(journal: &mut Journal<Write>, tree: &mut Tree, blocks: &Blocks<Write>, slot: Slot) {
    if !journal.is_open() {
        return;
    }
    if let Some(write) = blocks.get(slot) {
        tree.hold(write.node);
        journal.note(|| Done::Went(blocks.dot(slot), write.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        document::{Document, DocumentDelta, state::names::Sought},
        replica::ReplicaId,
        time::Timestamp,
        value::Value,
    };
    use alloc::{
        collections::{BTreeMap, BTreeSet},
        format,
        string::String,
    };

    const US: ReplicaId = ReplicaId::from_u128(1);

    /// A document with some fields, and what removing one of them did.
    fn document() -> Result<(Document, DocumentDelta), String> {
        let mut document = Document::new();
        let at = Timestamp::from_millis;
        let fields = ["a", "b"].map(|name| (name, Value::from(7_u32)));
        document.set("", Value::from_iter(fields), US, at(1)).map_err(|it| format!("{it}"))?;
        let removed = document.remove("/b", US, at(2)).map_err(|it| format!("{it}"))?;
        assert_eq!((document.check_invariants(), removed.check_invariants()), (Ok(()), Ok(())));
        Ok((document, removed))
    }

    #[test]
    fn a_broken_store_is_found() -> Result<(), String> {
        let broken = |breaks: fn(&mut Store)| {
            document().map(|(mut document, _)| {
                breaks(&mut document.store);
                document.check_invariants()
            })
        };
        assert_eq!(broken(|store| store.tree = Tree::default())?, Err("writes without a tree"));
        assert!(broken(|store| store.kernel = DotKernel::new())?.is_err(), "nothing is alive");
        assert!(broken(|store| store.kernel.unmint(US, 1))?.is_err(), "what is alive was not seen");
        Ok(())
    }

    #[test]
    fn a_broken_delta_is_found() -> Result<(), String> {
        let broken = |breaks: fn(&mut DocumentDelta)| {
            document().map(|(_, mut delta)| {
                breaks(&mut delta);
                delta.check_invariants()
            })
        };
        let uncounted = broken(|delta| delta.removals.clear())?;
        assert_eq!(uncounted, Err("the count of a node's uses is stale"));
        let unsorted = Err("removals are out of order or were never seen");
        let twice = broken(|delta| {
            delta.removals.extend(delta.removals.clone());
            delta.removals.iter().skip(1).for_each(|it| delta.store.tree.hold(it.node));
        })?;
        let unseen = broken(|delta| delta.removals[0].dot = Dot::of(US, 99))?;
        assert_eq!([twice, unseen], [unsorted; 2]);
        Ok(())
    }

    /// Two writes under one dot may have one hash: a plan of the join sees no difference, but dots
    /// that are joined one by one are compared. What that replaced is put back all the same.
    #[test]
    fn a_join_is_taken_back_where_two_writes_have_one_hash() -> Result<(), String> {
        let mut found = BTreeMap::new();
        let mut names = (0..1_000_000_u32).map(|number| format!("f{number}")).filter_map(|name| {
            let mut tree = Tree::default();
            let root = tree.root();
            let node = tree.step(root, Sought::Field(&name));
            found.insert(tree.digest(node), name.clone()).map(|other| [other, name])
        });
        let names = names.next().ok_or("no two names have one digest")?;
        let at = Timestamp::from_millis;
        let write = |name: &str| {
            let mut document = Document::new();
            document.set("", Value::from_iter([("a", 7_u32)]), 2.into(), at(1)).ok()?;
            let delta = document.set(&format!("/{name}"), 1, US, at(2)).ok()?;
            Some((document, delta))
        };
        let mut replaced = false;
        for [ours, theirs] in [[&names[0], &names[1]], [&names[1], &names[0]]] {
            let both = write(ours).zip(write(theirs)).ok_or("a write was refused")?;
            let ((mut document, _), (_, delta)) = both;
            let before = document.clone();
            document.preview(&delta);
            assert_eq!(document, before);
            assert_eq!(document.check_invariants(), Ok(()));
            document.apply_reporting(&delta);
            replaced |= document != before;
        }
        assert!(replaced, "one of the two is the greater");
        Ok(())
    }

    /// If two paths had one digest, one dot could be at both unnoticed.
    #[test]
    fn digests_tell_paths_apart() {
        let mut tree = Tree::default();
        let mut digests = BTreeSet::new();
        let mut nodes = Vec::from([tree.root()]);
        for node in 0..200 {
            for name in ["a", "b", "c"] {
                let below = tree.step(nodes[node], Sought::Field(name));
                digests.insert(tree.digest(below));
                nodes.push(below);
            }
        }
        assert_eq!(digests.len(), 600, "in 32 bits, two of so few are hardly ever the same");
    }
}
