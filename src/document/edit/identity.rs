//! Which item of a list a value is: by its key, else by its content or by the write that made it.

use super::{
    Edit,
    input::{Source, digest_of_array, digest_of_object},
};
use crate::{
    causal::Dot,
    document::{
        read::{Reading, View},
        state::{Item, NodeId, Segment, Sought},
    },
};
use alloc::{collections::BTreeMap, sync::Arc};

impl Edit<'_> {
    /// The key of a list: by the rules of this document, or else the one that the list was written
    /// with.
    pub(super) fn key_of(&self, list: NodeId) -> Option<Arc<str>> {
        let rule = self.keys.at(&self.store.tree, list);
        rule.or_else(|| self.view().key_field(list).map(Into::into))
    }

    /// The next dot of this replica.
    pub(super) fn next_dot(&self) -> Dot {
        let minted = self.store.kernel.minted(self.replica);
        Dot::of(self.replica, minted.saturating_add(1))
    }

    /// The identity of an item that is inserted on its own.
    pub(super) fn identity(&self, list: NodeId, value: Source<'_>) -> Item {
        let key = self.key_of(list);
        match key.and_then(|key| value.field(&key)?.scalar()) {
            Some(key) => self.unused(list, &Item::Keyed { key: key.into(), nth: 0 }),
            None => Item::Made(self.next_dot()),
        }
    }

    /// One of its kind that no item of the list has: 0 if that is free, else one after a number in
    /// use, found by doubling and then halving. Where the numbers in use have no gap it is the
    /// next. O(log items).
    fn unused(&self, list: NodeId, kind: &Item) -> Item {
        let is_used = |nth: &u32| self.has_item(list, &kind.nth(*nth));
        let doubles = core::iter::successors(Some(1_u32), |it| it.checked_mul(2)).map(|it| it - 1);
        let mut free = doubles.take_while(is_used).last().map_or(0, |used| 2 * used + 1);
        let mut used = free / 2;
        while free > used + 1 {
            let middle = used + (free - used) / 2;
            if is_used(&middle) { used = middle } else { free = middle }
        }
        if free == u32::MAX {
            // Only forged numbers lead here, and then this one may be in use as well.
            free = (0..u32::MAX).find(|nth| !is_used(nth)).unwrap_or(free);
        }
        kind.nth(free)
    }

    /// The digest of an item that is written.
    pub(super) fn digest_of_value(&mut self, value: Source<'_>) -> u64 {
        value.known_digest(&mut self.digests.new)
    }

    /// The digest of the value that is read at an item.
    pub(super) fn digest_of_item(&mut self, item: NodeId) -> u64 {
        self.store.view().digest(item, &mut self.digests.old)
    }

    /// Whether an item with this identity is in the list.
    pub(super) fn has_item(&self, list: NodeId, item: &Item) -> bool {
        let tree = &self.store.tree;
        let node = tree.child(list, Sought::Segment(&Segment::Item(item.clone())));
        node.is_some_and(|node| tree.has_content(node))
    }
}

impl View<'_> {
    /// The digest of the value that is read at a node, equal to the digest of that value as an
    /// input; 0 if nothing is read. The digests of items below are kept in `known`.
    fn digest(self, node: NodeId, known: &mut BTreeMap<NodeId, u64>) -> u64 {
        if let Some(digest) = known.get(&node) {
            return *digest;
        }
        let Some(reading) = self.reading(node) else { return 0 };
        match reading {
            Reading::Object => {
                let fields = self.tree.sorted_fields(node).into_iter();
                let fields = fields.filter(|field| self.reading(field.1).is_some());
                digest_of_object(fields.map(|(name, field)| (&**name, self.digest(field, known))))
            }
            Reading::List => {
                let items = self.tree.items(node).filter(|item| self.reading(*item).is_some());
                digest_of_array(items.map(|item| {
                    let digest = self.digest(item, known);
                    if !matches!(self.reading(item), Some(Reading::Scalar(_) | Reading::Count(_))) {
                        known.insert(item, digest);
                    }
                    digest
                }))
            }
            scalar => scalar
                .scalar()
                .and_then(|value| Some(Source::Value(&value).scalar()?.digest()))
                .unwrap_or(0),
        }
    }
}
