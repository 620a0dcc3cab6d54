//! [`Intake`]: a store that is being read in, from any form.

use crate::document::state::{
    Content, DocumentDelta, NodeId, Origin, Removal, Segment, Sought, Store, Write,
};
use crate::value::{
    Value,
    pointer::{DEPTH_MAX, PATH_MAX},
};
use crate::{
    causal::{CausalContext, Dot},
    time::Timestamp,
};
use alloc::{boxed::Box, vec::Vec};

/// A store that is being read in. It holds every node that was named.
pub(super) struct Intake {
    pub(crate) store: Store,
    held: Vec<NodeId>,
    /// The way to each node, by its number.
    ways: Vec<Way>,
}

/// How long a path is.
#[derive(Clone, Copy, Default)]
struct Way {
    steps: usize,
    bytes: usize,
}

impl Intake {
    /// A store that has seen `context`.
    pub(crate) fn new(context: CausalContext) -> Self {
        let mut store = Store::with_context(context);
        store.tree.root();
        Self { store, held: Vec::new(), ways: Vec::from([Way::default()]) }
    }

    pub(crate) fn step(
        &mut self,
        parent: NodeId,
        step: Sought<'_>,
    ) -> Result<NodeId, &'static str> {
        let above = self.ways[parent.number()];
        let way = Way { steps: above.steps + 1, bytes: above.bytes + step.len() };
        if way.steps > DEPTH_MAX {
            return Err("a path is deeper than 127 levels");
        }
        if way.bytes > PATH_MAX {
            return Err("a path is longer than 16384 bytes");
        }
        let node = self.store.tree.step(parent, step);
        self.store.tree.hold(node);
        self.held.push(node);
        if self.ways.len() <= node.number() {
            self.ways.resize(node.number() + 1, Way::default());
        }
        self.ways[node.number()] = way;
        Ok(node)
    }

    /// Makes a write live under a dot that was seen.
    pub(crate) fn put(
        &mut self,
        dot: Dot,
        (node, time): (NodeId, Timestamp),
        mut content: Content,
        origin: Option<Box<Origin>>,
    ) -> Result<(), &'static str> {
        let is_item = matches!(self.store.tree.segment(node), Some(Segment::Item(_)));
        if matches!(content, Content::Place(_)) && !is_item {
            return Err("only an item can have a place");
        }
        let is_mark = matches!(content, Content::Object | Content::List(_));
        let depth = self.ways[node.number()].steps;
        if is_mark && depth >= DEPTH_MAX {
            return Err("containers nest deeper than 127 levels");
        }
        if let Content::Atom(value) = &content {
            check_atom(value, depth)?;
        }
        self.store.tree.share(&mut content);
        let digest = self.store.tree.digest(node);
        let write = Write { content, time, origin, node, digest };
        write.check_counts(dot)?;
        write.check_policy()?;
        self.store.put(dot, write);
        Ok(())
    }

    /// The store, once everything that uses a node holds it.
    pub(crate) fn finish(mut self) -> Store {
        self.held.drain(..).for_each(|node| self.store.tree.release(node));
        self.store.settle();
        self.store
    }

    /// The same as a delta, with what was removed.
    pub(super) fn finish_delta(
        mut self,
        removals: Vec<Removal>,
    ) -> Result<DocumentDelta, &'static str> {
        for removal in &removals {
            self.store.tree.hold(removal.node);
        }
        let delta = DocumentDelta { store: self.finish(), removals };
        delta.check_removals().map(|()| delta)
    }
}

/// Checks that a whole value at `depth` nests no deeper than documents may.
fn check_atom(value: &Value, depth: usize) -> Result<(), &'static str> {
    let inside = |value| check_atom(value, depth + 1);
    match value {
        Value::Array(_) | Value::Object(_) if depth >= DEPTH_MAX => {
            Err("containers nest deeper than 127 levels")
        }
        Value::Array(items) => items.iter().try_for_each(inside),
        Value::Object(fields) => fields.values().try_for_each(inside),
        _ => Ok(()),
    }
}
