//! Where the items of a list stand, and why.

use super::{
    super::{
        content::Content,
        form::{ListForm, ListOrder},
        names::Sought,
        node::NodeId,
        place::Place,
        rank::Rank,
        segment::{Item, Segment},
        standing::{Leaf, Standing},
        write::Write,
    },
    Tree, rank_of_place, ranked,
};
use crate::causal::Blocks;
use core::cmp::Ordering;

impl Tree {
    /// What the items at a node are ordered by, as the latest mark says that does not leave it to
    /// places.
    pub(crate) fn order_at<'a>(&self, blocks: &'a Blocks<Write>, list: NodeId) -> &'a ListOrder {
        let marks = self.slots(list).filter_map(|slot| ranked(blocks, slot));
        let marks = marks.filter_map(|(rank, write)| Some((rank, write.content.form()?)));
        let marks = marks.filter(|mark| mark.1.order != ListOrder::Place);
        let latest = marks.max_by_key(|mark| mark.0);
        latest.map_or(&ListForm::PLAIN.order, |mark| &mark.1.order)
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
    pub(super) fn compare_by(
        &self,
        by: &ListOrder,
        blocks: &Blocks<Write>,
        a: NodeId,
        b: NodeId,
    ) -> Ordering {
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
