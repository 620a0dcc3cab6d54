//! What stands behind what, in lists of which several sides say the order.

use super::{
    super::{
        agreed::{Agreed, Unmoved, agree},
        content::Content,
        form::ListOrder,
        node::{NONE, NodeId, ROOT},
        order::Order,
        place::{Place, Way},
        write::Write,
    },
    Node, Tree, rank_of_place,
};
use crate::causal::{Blocks, Slot};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

impl Tree {
    /// Whether an item has several places.
    pub(crate) fn is_contested(&self, blocks: &Blocks<Write>, item: NodeId) -> bool {
        let Some(Node { slots, .. }) = self.nodes.get(item.0) else { return false };
        let is_place = |slot: &&Slot| rank_of_place(blocks, **slot).is_some();
        match slots.iter().filter(is_place).count() {
            0 => false,
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

    pub(super) fn leave(&mut self, list: NodeId, item: NodeId) {
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
    pub(super) fn agreed(&self, blocks: &Blocks<Write>, list: NodeId) -> (Vec<NodeId>, Agreed) {
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
    pub(super) fn behind_of(
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
