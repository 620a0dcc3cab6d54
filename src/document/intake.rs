//! [`Intake`]: a store that is read in, from whatever form.

use super::{
    content::Content,
    names::Sought,
    pointer::{DEPTH_MAX, PATH_MAX},
    segment::Segment,
    store::Store,
    tree::NodeId,
    write::{Origin, Write},
};
use crate::{
    causal::{CausalContext, Dot, DotKernel},
    time::Timestamp,
};
use alloc::{boxed::Box, vec::Vec};

/// A store that is read in. It holds every node that was named.
pub(super) struct Intake {
    pub(super) store: Store,
    held: Vec<NodeId>,
}

impl Intake {
    /// A store that has seen `context`.
    pub(super) fn new(context: CausalContext) -> Self {
        let mut store = Store { kernel: DotKernel::with_context(context), ..Store::default() };
        store.tree.root();
        Self { store, held: Vec::new() }
    }

    pub(super) fn step(
        &mut self,
        parent: NodeId,
        step: Sought<'_>,
    ) -> Result<NodeId, &'static str> {
        let node = self.store.tree.step(parent, step);
        self.store.tree.hold(node);
        self.held.push(node);
        let path = self.store.tree.path(node);
        if path.len() > DEPTH_MAX {
            return Err("a path is deeper than 127 levels");
        }
        if path.iter().map(|step| step.len()).sum::<usize>() > PATH_MAX {
            return Err("a path is longer than 16384 bytes");
        }
        Ok(node)
    }

    /// Makes a write live under a dot that was seen.
    pub(super) fn put(
        &mut self,
        dot: Dot,
        (node, time): (NodeId, Timestamp),
        content: Content,
        origin: Option<Box<Origin>>,
    ) -> Result<(), &'static str> {
        let is_item = matches!(self.store.tree.segment(node), Some(Segment::Item(_)));
        if matches!(content, Content::Place(_)) && !is_item {
            return Err("only an item has a place");
        }
        let is_mark = matches!(content, Content::Object | Content::List(_));
        if is_mark && self.store.tree.depth(node) >= DEPTH_MAX {
            return Err("containers nest deeper than 127 levels");
        }
        let digest = self.store.tree.digest(node);
        let write = Write { content, time, origin, node, digest };
        write.check_counts(dot)?;
        self.store.put(dot, write);
        Ok(())
    }

    /// The store, once all that uses a node holds it.
    pub(super) fn finish(mut self) -> Store {
        self.held.drain(..).for_each(|node| self.store.tree.release(node));
        self.store
    }
}
