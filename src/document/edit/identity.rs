//! Which item of a list a value is: by its key, else by its content or by the write that made it.

use super::{
    Edit,
    input::{Items, Known, Source, digest_of_array, digest_of_object},
};
use crate::{
    causal::Dot,
    document::{
        error::DocumentError,
        read::{Reading, Slots, View},
        state::{Content, Item, ListForm, ListOrder, NodeId, Segment, Sought},
    },
};
use alloc::{collections::BTreeMap, vec::Vec};

/// How an item comes into a list that has no key for it.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Inserted {
    /// On its own: it is the one that this write made.
    Alone,
    /// By a save of the whole: it is the one of this content, so that two sides which save the same
    /// agree.
    BySave,
}

/// Whether each item is an object with a scalar in this field that no other item has.
fn are_told_apart_by(field: &str, items: Items<'_>) -> bool {
    let mut keys = Vec::new();
    for item in items {
        let Some(key) = item.field(field).and_then(Source::scalar) else { return false };
        keys.push(key.digest());
    }
    keys.sort_unstable();
    !keys.is_empty() && keys.windows(2).all(|pair| pair[0] != pair[1])
}

impl Edit<'_> {
    /// What the mark of a list should say: by the rules of this document, or else as it was
    /// written.
    pub(super) fn form_of(&self, list: NodeId) -> ListForm {
        self.ruled(list, self.view().form(list))
    }

    fn ruled(&self, list: NodeId, written: Option<ListForm>) -> ListForm {
        let (key, order) = self.rules.list(&self.store.tree, list);
        let written = written.unwrap_or_default();
        match order.unwrap_or(written.order) {
            ListOrder::Value if key.is_some() => ListForm { key, ..ListForm::default() },
            ListOrder::Value => ListForm::SET,
            order => ListForm { key: key.or(written.key), order },
        }
    }

    /// The same for a list that is written as a whole.
    pub(super) fn form_for(
        &self,
        list: NodeId,
        items: &Items<'_>,
        written: Option<ListForm>,
    ) -> ListForm {
        let form = self.ruled(list, written);
        if form.key.is_some() || form.is_set() {
            return form;
        }
        let field = self.rules.key_by_default();
        let key = field.filter(|field| are_told_apart_by(field, items.clone()));
        ListForm { key: key.map(Into::into), ..form }
    }

    /// Makes the mark of a settled list say what it should, before something is written to it;
    /// returns that. `item` is what will be inserted.
    pub(super) fn adopt_form(
        &mut self,
        list: NodeId,
        item: Option<Source<'_>>,
    ) -> Result<ListForm, DocumentError> {
        let written = self.view().form(list).unwrap_or_default();
        let mut form = self.form_of(list);
        if form.key.is_none() && !form.is_set() && self.item_count(list) == 0 {
            let field = self.rules.key_by_default();
            let is_key = |field: &&str| item.and_then(|item| item.field(field)?.scalar()).is_some();
            form.key = field.filter(is_key).map(Into::into);
        }
        if form.is_set() && self.is_set_with_others(list) {
            return Ok(form);
        }
        if form.is_set() != written.is_set() {
            let items = self.view().list(list);
            let slots = self.view().slots_below(list);
            self.rewrite_list(list, &items, slots, &form)?;
        } else if form != written {
            let marks: Slots = self.view().list_mark_slots(list).collect();
            let replaced = self.kill(marks);
            let time = self.now.after(replaced.time);
            self.put(list, Content::list(form.clone()), time, &replaced)?;
        }
        Ok(form)
    }

    /// The next dot of this replica.
    pub(super) fn next_dot(&self) -> Dot {
        let minted = self.store.kernel.minted(self.replica);
        Dot::of(self.replica, minted.saturating_add(1))
    }

    /// The identity of an item that is inserted into a list of this form.
    pub(super) fn identity(
        &mut self,
        list: NodeId,
        form: &ListForm,
        value: Source<'_>,
        inserted: Inserted,
    ) -> Item {
        if form.is_set() {
            return self.member(value);
        }
        let key = form.key.as_deref().and_then(|key| value.field(key)?.scalar());
        match (key, inserted) {
            (Some(key), _) => self.unused(list, &Item::Keyed { key: key.into(), nth: 0 }),
            (None, Inserted::Alone) => Item::Made(self.next_dot()),
            (None, Inserted::BySave) => {
                let content = self.digest_of_value(value);
                self.unused(list, &Item::Like { content, nth: 0 })
            }
        }
    }

    /// The identity of a member of a set: what it is.
    pub(super) fn member(&mut self, value: Source<'_>) -> Item {
        match value.scalar() {
            Some(key) => Item::Keyed { key: key.into(), nth: 0 },
            None => Item::Like { content: self.digest_of_value(value), nth: 0 },
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
                let fields: Vec<(&str, u64)> =
                    fields.map(|(name, field)| (&**name, self.digest(field, known))).collect();
                let key = self.lost_key(node).and_then(|(name, key)| {
                    let digest = Source::Value(&key.to_value()?).digest(&mut Known::new());
                    Some((name, digest))
                });
                digest_of_object(fields.into_iter().chain(key))
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
            leaf => leaf.leaf().map_or(0, |value| Source::Value(&value).digest(&mut Known::new())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        document::{
            Document,
            edit::put::{Inherited, Replaced},
            state::ROOT,
        },
        replica::ReplicaId,
        time::Timestamp,
        value::Value,
    };

    /// All numbers that are looked at are in use, as only a forger leaves them: then the least that is
    /// free is found, and no item is written over.
    #[test]
    fn a_free_number_is_found_among_forged_ones() -> Result<(), DocumentError> {
        let (us, now) = (ReplicaId::from_u128(1), Timestamp::from_millis(1));
        let mut document = Document::from_value(Value::Array(Vec::new()), us, now)?;
        let mut edit = document.edit(us, now);
        let kind = edit.member(Source::Value(&Value::from(7)));
        let mut forged: Vec<u32> = (0..32).map(|bits| (1 << bits) - 1).collect();
        let mut used = u32::MAX / 2;
        while u32::MAX > used + 1 {
            used += (u32::MAX - used) / 2;
            forged.push(used);
        }
        for nth in forged {
            let item = Segment::Item(kind.nth(nth));
            let spot = edit.spot_below(edit.spot(ROOT), Sought::Segment(&item))?;
            let (value, inherited) = (Source::Value(&Value::Null), Inherited::default());
            edit.put_value(spot, value, now, &Replaced::default(), inherited)?;
        }
        assert_eq!(edit.unused(ROOT, &kind), kind.nth(2));
        Ok(())
    }
}
