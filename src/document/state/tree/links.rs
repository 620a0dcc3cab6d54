//! What lives where: what links nodes as writes come and go.

use super::{
    super::{
        content::Content,
        form::ListOrder,
        node::{NONE, NodeId, ROOT},
        order::Order,
        segment::Segment,
        write::Write,
    },
    Node, Tree, rank_of_place,
};
use crate::causal::{Blocks, Slot};
use alloc::vec::Vec;

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
        let is_contested = self.is_contested(blocks, item);
        order.contested += u32::from(is_contested);
        // What is appended stands behind all others, and none of them behind it.
        let is_appended = order.last() == Some(item) && !is_contested;
        if order.contested > 0 && !is_appended {
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
}
