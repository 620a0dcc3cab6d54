//! What must hold of every tree.

use super::{
    super::{
        content::Content,
        form::ListOrder,
        node::{NONE, NodeId, ROOT},
        write::Write,
    },
    Tree, rank_of_place,
};
use crate::causal::{DotKernel, Slot};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

impl Tree {
    /// Checks that the tree lists exactly the live writes, each where it lives, and links what
    /// there is to read. For tests and fuzzers; O(size × log).
    pub(crate) fn check_invariants(
        &self,
        kernel: &DotKernel<Write>,
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
