//! [`View`]: what is read from the writes that live.
//!
//! Merging never decides anything: all live writes are kept. Which of them are *read* is a pure
//! function of what is alive, and this file is that function.

use super::path::{Path, Token};
use crate::causal::{Blocks, Slot};
use crate::document::state::{
    Content, Item, Leaf, ListForm, ListOrder, NodeId, ROOT, Rank, Segment, Sought, Standing, Store,
    Tree, Write, rank_of_place, ranked,
    tally::{self, Tallies},
};
use crate::value::{
    Kind, Number, Value,
    pointer::{Pointer, index_of_token},
};
use alloc::{string::String, sync::Arc, vec::Vec};
use core::iter;

/// What is read at a node.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reading<'a> {
    Scalar(&'a Content),
    /// An integer that was counted on.
    Count(i64),
    /// An object or an array that is one value.
    Atom(&'a Arc<Value>),
    Object,
    List,
}

impl<'a> From<Leaf<'a>> for Reading<'a> {
    fn from(leaf: Leaf<'a>) -> Self {
        match leaf {
            Leaf::Value(Content::Atom(value)) => Self::Atom(value),
            Leaf::Value(scalar) => Self::Scalar(scalar),
            Leaf::Count(count) => Self::Count(count),
        }
    }
}

impl Reading<'_> {
    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Scalar(_) | Self::Count(_) => Kind::Scalar,
            Self::Atom(value) => value.kind(),
            Self::Object => Kind::Object,
            Self::List => Kind::Array,
        }
    }

    /// The value; `None` for a container of other values.
    pub(crate) fn leaf(self) -> Option<Value> {
        match self {
            Self::Scalar(content) => content.to_value(),
            Self::Count(count) => Some(Value::Number(Number::from(count))),
            Self::Atom(value) => Some(Value::clone(value)),
            Self::Object | Self::List => None,
        }
    }
}

/// What tells the items of a list apart, as it is told in a conflict: the path inside the item.
pub(super) fn told_key(form: &ListForm) -> Option<&str> {
    if form.is_set() { Some("") } else { form.key.as_deref() }
}

/// Some writes, usually one.
pub(crate) type Slots = smallvec::SmallVec<[Slot; 4]>;

/// A store, to be read.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) tree: &'a Tree,
    pub(crate) blocks: &'a Blocks<Write>,
}

impl Store {
    pub(crate) fn view(&self) -> View<'_> {
        View { tree: &self.tree, blocks: self.kernel.blocks() }
    }
}

impl<'a> View<'a> {
    pub(crate) fn write(self, slot: Slot) -> Option<(Rank, &'a Write)> {
        ranked(self.blocks, slot)
    }

    pub(crate) fn writes_at(
        self,
        node: NodeId,
    ) -> impl Iterator<Item = (Rank, &'a Write)> + Clone + 'a {
        self.tree.writes(self.blocks, node)
    }

    pub(crate) fn standing(self, node: NodeId) -> Standing<'a> {
        Standing::of(self.writes_at(node))
    }

    /// The latest tally of each replica that lives at a node.
    pub(crate) fn tallies(self, node: NodeId) -> Tallies {
        tally::furthest(self.writes_at(node).filter_map(|((_, dot), write)| write.tally(dot)))
    }

    /// How much of each replica's tally was replaced by what lives at a node.
    pub(crate) fn replaced_tallies(self, node: NodeId) -> Tallies {
        let writes = self.writes_at(node);
        tally::furthest(writes.flat_map(|(_, write)| write.counted().iter().copied()))
    }

    pub(super) fn has_fields(self, node: NodeId) -> bool {
        self.tree.fields(node).next().is_some()
    }

    pub(super) fn has_items(self, node: NodeId) -> bool {
        self.tree.item_count(node) > 0
    }

    /// The greatest rank among the marks of an object and all that lives below its fields.
    pub(super) fn object_rank(self, node: NodeId, standing: &Standing<'a>) -> Option<Rank> {
        let fields = self.tree.fields(node);
        standing.object.max(fields.filter_map(|field| self.greatest_rank(field)).max())
    }

    /// The same for a list.
    pub(super) fn list_rank(self, node: NodeId, standing: &Standing<'a>) -> Option<Rank> {
        let items = self.tree.items(node);
        standing.list.max(items.filter_map(|item| self.greatest_rank(item)).max())
    }

    fn greatest_rank(self, node: NodeId) -> Option<Rank> {
        let here = self.writes_at(node).map(|(rank, _)| rank).max();
        let items = self.tree.items(node);
        let below = self.tree.fields(node).chain(items);
        here.max(below.filter_map(|below| self.greatest_rank(below)).max())
    }

    /// What is read at a node: the kind that holds the greatest rank. O(1) where only one kind is
    /// alive, else O(what is alive below).
    pub(crate) fn reading(self, node: NodeId) -> Option<Reading<'a>> {
        if self.tree.is_removed(node) {
            return None;
        }
        if let Some(only) = self.only_write(node) {
            return Some(only);
        }
        let standing = self.standing(node);
        let leaf = standing.leaf().map(|(rank, leaf)| (rank, Reading::from(leaf)));
        let object = standing.object.is_some() || self.has_fields(node);
        let list = standing.list.is_some() || self.has_items(node);
        match (leaf, object, list) {
            (leaf, false, false) => leaf.map(|leaf| leaf.1),
            (None, true, false) => Some(Reading::Object),
            (None, false, true) => Some(Reading::List),
            (leaf, _, _) => {
                let object = self.object_rank(node, &standing).map(|it| (it, Reading::Object));
                let list = self.list_rank(node, &standing).map(|it| (it, Reading::List));
                let kinds = [leaf, object, list].into_iter().flatten();
                kinds.max_by_key(|kind| kind.0).map(|kind| kind.1)
            }
        }
    }

    /// What is read at a node where a single write lives and nothing contends with it, as is usual.
    fn only_write(self, node: NodeId) -> Option<Reading<'a>> {
        let (slot, fields, items) = self.tree.only_slot(node)?;
        match &self.blocks.get(slot)?.content {
            Content::Object if !items => Some(Reading::Object),
            Content::List(_) if !fields => Some(Reading::List),
            value if value.is_value() && !fields && !items => Some(Leaf::Value(value).into()),
            _ => None,
        }
    }

    /// What is read at a node, and whether that is settled: a container with a mark and nothing
    /// that contends with it, and with a place if it is an item.
    pub(crate) fn reading_and_settled(self, node: NodeId) -> Option<(Reading<'a>, bool)> {
        let is_item = matches!(self.tree.segment(node), Some(Segment::Item(_)));
        if let Some(only) = self.only_write(node).filter(|_| !is_item) {
            return Some((only, matches!(only, Reading::Object | Reading::List)));
        }
        let standing = self.standing(node);
        let leaf = standing.value.is_some() || standing.count.is_some();
        let (fields, items) = (self.has_fields(node), self.has_items(node));
        let list = standing.list.is_some();
        let (reading, marked) = match (standing.object.is_some(), list) {
            (object, false) if !leaf && !items && (object || fields) => (Reading::Object, object),
            (false, list) if !leaf && !fields && (list || items) => (Reading::List, list),
            _ => return self.reading(node).map(|reading| (reading, false)),
        };
        let settled = marked && !(list && self.keys_differ(node));
        Some((reading, settled && !(is_item && self.lacks_place(node))))
    }

    /// The node one step below a container.
    pub(crate) fn below(self, node: NodeId, token: &str) -> Option<NodeId> {
        self.below_as(self.reading(node)?, node, token)
    }

    /// The same, where the reading is known.
    pub(crate) fn below_as(
        self,
        reading: Reading<'_>,
        node: NodeId,
        token: &str,
    ) -> Option<NodeId> {
        let child = match reading {
            Reading::Object => self.tree.child(node, Sought::Field(token))?,
            Reading::List => self.tree.item(node, index_of_token(token)?)?,
            Reading::Scalar(_) | Reading::Count(_) | Reading::Atom(_) => return None,
        };
        self.tree.has_content(child).then_some(child)
    }

    /// The node at `pointer` if it can be reached: each container on the way reads as such.
    pub(crate) fn visible(self, pointer: Pointer<'_>) -> Option<NodeId> {
        let root = self.tree.has_content(ROOT).then_some(ROOT)?;
        pointer.tokens().try_fold(root, |node, token| self.below(node, &token))
    }

    /// The value that is read at a node. O(its size).
    pub(crate) fn value(self, node: NodeId) -> Option<Value> {
        self.value_as(self.reading(node)?, node)
    }

    /// The same, where the reading is known.
    pub(super) fn value_as(self, reading: Reading<'_>, node: NodeId) -> Option<Value> {
        match reading {
            Reading::Object => Some(self.object(node)),
            Reading::List => Some(self.list(node)),
            leaf => leaf.leaf(),
        }
    }

    /// The object at a node, whether or not it is what is read there.
    pub(crate) fn object(self, node: NodeId) -> Value {
        let fields = self.tree.sorted_fields(node).into_iter();
        let fields = fields.filter_map(|(name, field)| Some((&**name, self.value(field)?)));
        let key = self.lost_key(node).and_then(|(name, key)| Some((name, key.to_value()?)));
        fields.chain(key).collect()
    }

    /// Whether an object at a node outlived its deletion, if there is one.
    pub(super) fn is_unmarked(self, node: NodeId) -> bool {
        !self.writes_at(node).any(|it| matches!(it.1.content, Content::Object))
    }

    /// The key of an item that outlived its deletion, with the name of the field that it is read
    /// at: the field itself was deleted, and what survived is the rest.
    pub(crate) fn lost_key(self, item: NodeId) -> Option<(&'a str, &'a Content)> {
        let Segment::Item(Item::Keyed { key, .. }) = self.tree.segment(item)? else { return None };
        if !self.is_unmarked(item) {
            return None;
        }
        let name = self.key_mark(self.tree.parent(item)?)?.key.as_deref()?;
        let field = self.tree.child(item, Sought::Field(name));
        let is_lost = field.is_none_or(|field| !self.tree.has_content(field));
        is_lost.then_some((name, key))
    }

    /// The list at a node, whether or not it is what is read there.
    pub(crate) fn list(self, node: NodeId) -> Value {
        let items = self.tree.items(node);
        Value::Array(items.filter_map(|item| self.value(item)).collect())
    }

    /// The marks of a list at a node, each with what it says.
    pub(super) fn list_marks(
        self,
        node: NodeId,
    ) -> impl Iterator<Item = (Rank, &'a ListForm)> + 'a {
        self.writes_at(node).filter_map(|(rank, write)| Some((rank, write.content.form()?)))
    }

    pub(crate) fn list_mark_slots(self, node: NodeId) -> impl Iterator<Item = Slot> + 'a {
        let is_mark = move |slot: &Slot| {
            self.blocks.get(*slot).is_some_and(|it| matches!(it.content, Content::List(_)))
        };
        self.tree.slots(node).filter(is_mark)
    }

    /// Whether a rule says how what is read at a node is chosen.
    pub(crate) fn has_policy(self, node: NodeId) -> bool {
        let has_policy = |slot| self.blocks.get(slot).is_some_and(|it| it.policy().is_some());
        match self.tree.only_slot(node) {
            Some((only, ..)) => has_policy(only),
            None => self.tree.slots(node).any(has_policy),
        }
    }

    /// What the marks of a list say about its items: the key by the latest, the order by the latest
    /// that says one.
    pub(crate) fn form(self, node: NodeId) -> Option<ListForm> {
        let key = self.key_mark(node)?.key.clone();
        Some(ListForm { key, order: self.tree.order_at(self.blocks, node).clone() })
    }

    fn key_mark(self, node: NodeId) -> Option<&'a ListForm> {
        self.list_marks(node).max_by_key(|mark| mark.0).map(|mark| mark.1)
    }

    /// Whether an item has no place in a list where it should: it outlived its deletion.
    pub(crate) fn lacks_place(self, item: NodeId) -> bool {
        let is_item = matches!(self.tree.segment(item), Some(Segment::Item(_)));
        if !is_item || self.tree.place(self.blocks, item).is_some() {
            return false;
        }
        let list = self.tree.parent(item);
        list.is_some_and(|list| *self.tree.order_at(self.blocks, list) == ListOrder::Place)
    }

    /// Whether several sides made the list at a node with different keys, so that each has items of
    /// its own in it.
    pub(crate) fn keys_differ(self, node: NodeId) -> bool {
        let mut keys = self.list_marks(node).map(|mark| told_key(mark.1));
        keys.next().is_some_and(|first| keys.any(|key| key != first))
    }

    /// Every write that lives at a node or below.
    pub(crate) fn slots_below(self, node: NodeId) -> Slots {
        let mut slots = Slots::new();
        self.collect_slots(node, &mut slots);
        slots
    }

    fn collect_slots(self, node: NodeId, slots: &mut Slots) {
        if let Some(only) = self.tree.only_slot_here_and_below(node) {
            slots.push(only);
            return;
        }
        slots.extend(self.tree.slots(node));
        let items = self.tree.items(node).chain(self.tree.removed_below(node));
        self.tree.fields(node).chain(items).for_each(|below| self.collect_slots(below, slots));
    }

    /// The writes at a container and below that are not part of it: those that lost against the
    /// object, or against the list.
    pub(crate) fn losers(self, node: NodeId, is_list: bool) -> Slots {
        let is_part = |slot: &Slot| match self.blocks.get(*slot).map(|write| &write.content) {
            Some(Content::Place(_)) => true,
            Some(Content::Object) => !is_list,
            Some(Content::List(_)) => is_list,
            _ => false,
        };
        let mut losers: Slots = self.tree.slots(node).filter(|it| !is_part(it)).collect();
        if is_list {
            self.tree.fields(node).for_each(|field| self.collect_slots(field, &mut losers));
        } else {
            let items = self.tree.items(node);
            items.for_each(|item| self.collect_slots(item, &mut losers));
        }
        losers
    }

    /// Where a node is, as a JSON Pointer. O(depth).
    pub(crate) fn pointer(self, node: NodeId) -> String {
        self.path(node).into()
    }

    /// The same, as a path.
    pub(crate) fn path(self, node: NodeId) -> Path {
        let mut way: Vec<NodeId> = iter::once(node).chain(self.tree.ancestors(node)).collect();
        way.pop();
        way.into_iter().rev().fold(Path::ROOT, |path, node| {
            path.below(match self.tree.segment(node) {
                Some(Segment::Field(name)) => Token::Name(name.clone()),
                _ => Token::Index(self.tree.index_of(self.blocks, node).unwrap_or_default()),
            })
        })
    }

    /// The writes that say where an item stands, with their ranks.
    pub(crate) fn places(self, item: NodeId) -> impl Iterator<Item = (Slot, Rank, &'a Write)> + 'a {
        self.tree.slots(item).filter_map(move |slot| {
            let (_, write) = self.write(slot).filter(|(_, write)| write.is_place())?;
            Some((slot, rank_of_place(self.blocks, slot)?, write))
        })
    }
}
