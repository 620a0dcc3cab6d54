//! [`Edit`]: several writes to a document as one delta, all or nothing.

mod counter;
mod input;
mod keys;
mod list;
mod update;

pub use input::Input;
pub use keys::ListKeys;

use super::{
    error::DocumentError,
    read::{Reading, View},
    state::{
        Content, DocumentDelta, Item, NodeId, Origin, ROOT, Rank, Removal, Segment, Sought, Store,
        Tally, Write, tally,
    },
};
use crate::{
    causal::{Dot, Slot},
    replica::ReplicaId,
    time::{Now, Stamp, Timestamp},
    value::{
        Value,
        pointer::{DEPTH_MAX, PATH_MAX, Pointer, start_of},
    },
};
use alloc::{boxed::Box, collections::BTreeMap, sync::Arc, vec::Vec};
use input::{Known, Shape, Source};
use smallvec::SmallVec;

/// How many writes a document may hold: an edit that would go beyond is refused. Few where this
/// crate tests itself: so many would take two gigabytes.
const WRITES_MAX: usize = if cfg!(test) { 1 << 8 } else { 1 << 24 };

/// An edit under way, as [`Document::edit`](crate::Document::edit) hands it to its closure. Reads see the writes before
/// them; each write is all or nothing, and so is the edit.
#[derive(Debug)]
pub struct Edit<'a> {
    store: &'a mut Store,
    keys: &'a ListKeys,
    replica: ReplicaId,
    now: Now,
    /// The last counter that the replica had minted before this edit.
    minted_before: u64,
    /// What this edit has killed, in order. Their nodes stay until it ends.
    killed: SmallVec<[(Dot, Write); 1]>,
    /// What it has removed; the nodes stay likewise.
    removals: SmallVec<[Removal; 1]>,
    finished: bool,
    /// Digests of content that are needed again.
    digests: Digests,
}

/// Digests of the items of lists inside of lists: those of the outer list tell of all below, and those
/// of the inner ones are asked for later. So each item is looked at once, however deep it lies.
#[derive(Debug, Default)]
struct Digests {
    /// Of what is read, by node.
    old: BTreeMap<NodeId, u64>,
    /// Of what is written, by its address.
    new: Known,
}

/// An edit that was not finished, by an error or a panic, leaves the document as it was.
impl Drop for Edit<'_> {
    fn drop(&mut self) {
        if !self.finished {
            self.undo_to(Savepoint { minted: self.minted_before, killed: 0, removals: 0 });
        }
    }
}

/// Where an edit can be taken back to.
#[derive(Clone, Copy)]
struct Savepoint {
    minted: u64,
    killed: usize,
    removals: usize,
}

/// What the writes that an edit replaced had in common with what it puts in their place.
#[derive(Default)]
struct Replaced {
    /// The greatest time among them.
    time: Option<Timestamp>,
    /// Where each was, its rank, and the write that made the field; sorted.
    births: SmallVec<[(NodeId, Rank, Dot); 1]>,
    /// Where each was, and what was counted there; sorted.
    tallies: Vec<(NodeId, Tally)>,
}

impl Replaced {
    /// The write that made what was at a node.
    fn birth(&self, node: NodeId) -> Option<Dot> {
        let after = self.births.partition_point(|it| it.0 <= node);
        let last = self.births[..after].last()?;
        (last.0 == node).then_some(last.2)
    }

    /// What was counted at a node, for the write under `dot` that replaces it. What is told of its
    /// writer and did not happen yet was made up.
    fn counted(&self, node: NodeId, dot: Dot) -> Box<[Tally]> {
        let start = self.tallies.partition_point(|it| it.0 < node);
        let here = self.tallies[start..].iter().take_while(|it| it.0 == node).map(|it| it.1);
        let is_past = |it: &Tally| it.replica != dot.replica() || it.last < dot.counter();
        tally::furthest(here.filter(is_past)).into_boxed_slice()
    }
}

/// Where a value is to be put: a node, how deep it lies, and how long its path is.
#[derive(Clone, Copy)]
struct Spot {
    node: NodeId,
    depth: usize,
    bytes: usize,
}

impl<'a> Edit<'a> {
    pub(crate) fn new(
        store: &'a mut Store,
        keys: &'a ListKeys,
        replica: ReplicaId,
        now: Now,
    ) -> Self {
        let minted_before = store.kernel.minted(replica);
        let (killed, removals) = (SmallVec::new(), SmallVec::new());
        let digests = Digests::default();
        Self {
            store,
            keys,
            replica,
            now,
            minted_before,
            killed,
            removals,
            finished: false,
            digests,
        }
    }

    /// The value that is read at a JSON Pointer, with the writes of this edit so far.
    pub fn get(&self, pointer: &str) -> Option<Value> {
        self.view().get(pointer)
    }

    /// As [`Document::set`](crate::Document::set).
    ///
    /// # Errors
    ///
    /// As [`Document::set`](crate::Document::set); the edit is as it was before this call.
    pub fn set<'v>(
        &mut self,
        pointer: &str,
        value: impl Into<Input<'v>>,
    ) -> Result<(), DocumentError> {
        let input = value.into();
        let pointer = Pointer::parse(pointer)?;
        input.check_depth(pointer.as_str(), pointer.depth())?;
        self.all_or_nothing(|edit| edit.set_at(pointer, input.source()))
    }

    /// As [`Document::remove`](crate::Document::remove).
    ///
    /// # Errors
    ///
    /// As [`Document::remove`](crate::Document::remove); the edit is as it was before this call.
    pub fn remove(&mut self, pointer: &str) -> Result<(), DocumentError> {
        let pointer = Pointer::parse(pointer)?;
        self.all_or_nothing(|edit| {
            let node = edit.enter(pointer)?;
            edit.remove_node(node)
        })
    }

    /// As [`Document::resolve`](crate::Document::resolve).
    ///
    /// # Errors
    ///
    /// As [`Document::resolve`](crate::Document::resolve); the edit is as it was before this call.
    pub fn resolve<'v>(
        &mut self,
        pointer: &str,
        value: impl Into<Input<'v>>,
    ) -> Result<(), DocumentError> {
        let input = value.into();
        let view = self.view();
        let node = view.visible(Pointer::parse(pointer)?);
        if !node.is_some_and(|node| view.is_contended(node)) {
            return Err(DocumentError::NoConflict { path: pointer.into() });
        }
        self.set(pointer, input)
    }

    /// The delta of the whole edit. O(what it wrote and removed).
    pub(crate) fn finish(mut self) -> DocumentDelta {
        let kernel = &self.store.kernel;
        let killed = self.killed.iter().map(|killed| killed.0);
        let context = kernel.context_after(self.replica, self.minted_before, killed);
        let live = kernel.live_after(self.replica, self.minted_before);
        let mut delta = DocumentDelta {
            store: self.store.extract(context, live.into_iter()),
            removals: Vec::new(),
        };
        delta.remember(&self.removals, &self.store.tree);
        self.close();
        delta
    }

    /// The end of an edit whose delta nobody asked for.
    pub(crate) fn close(&mut self) {
        self.finished = true;
        let tree = &mut self.store.tree;
        self.killed.drain(..).for_each(|(_, write)| tree.release(write.node));
        self.removals.drain(..).for_each(|removal| tree.release(removal.node));
    }

    fn all_or_nothing(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<(), DocumentError>,
    ) -> Result<(), DocumentError> {
        // They are of one input, which is gone, and of what was there before it.
        self.digests = Digests::default();
        let savepoint = Savepoint {
            minted: self.store.kernel.minted(self.replica),
            killed: self.killed.len(),
            removals: self.removals.len(),
        };
        let done = write(self);
        if done.is_err() {
            self.undo_to(savepoint);
        }
        done
    }

    fn undo_to(&mut self, to: Savepoint) {
        let store = &mut *self.store;
        let live = store.kernel.live_after(self.replica, to.minted);
        for dot in live.into_iter().map(|it| it.0).collect::<Vec<_>>() {
            let killed = store.kernel.slot(dot).and_then(|slot| store.kill(slot));
            if let Some((_, write)) = killed {
                store.tree.release(write.node);
            }
        }
        for (dot, write) in self.killed.drain(to.killed..) {
            let node = write.node;
            if dot.replica() != self.replica || dot.counter() <= to.minted {
                store.put(dot, write);
            }
            store.tree.release(node);
        }
        store.kernel.unmint(self.replica, to.minted);
        self.removals.drain(to.removals..).for_each(|it| store.tree.release(it.node));
    }

    fn view(&self) -> View<'_> {
        self.store.view()
    }

    fn set_at(&mut self, pointer: Pointer<'_>, value: Source<'_>) -> Result<(), DocumentError> {
        let Some((parent, token)) = pointer.split_last() else {
            let root = self.store.tree.root();
            return self.set_node(root, value);
        };
        let container = self.enter_parent(parent)?;
        let is_list = self.settled_as_list(container)?;
        if is_list {
            let index = self.index_at(container, &token)?;
            return match self.view().tree.item(container, index) {
                Some(item) => self.set_node(item, value),
                None => self.insert_item(container, index, value),
            };
        }
        let field = match self.view().tree.child(container, Sought::Field(&token)) {
            Some(field) => field,
            None => self.spot_below(self.spot(container), Sought::Field(&token))?.node,
        };
        self.set_node(field, value)
    }

    /// The node at `pointer`, with each container on the way settled as what it reads.
    fn enter(&mut self, pointer: Pointer<'_>) -> Result<NodeId, DocumentError> {
        let not_found = |tokens| DocumentError::NotFound { path: pointer.upto(tokens).into() };
        let mut node =
            self.view().tree.has_content(ROOT).then_some(ROOT).ok_or_else(|| not_found(0))?;
        for (at, token) in pointer.tokens().enumerate() {
            let is_list = self.settled_as_list(node)?;
            let reading = if is_list { Reading::List } else { Reading::Object };
            let below = self.view().below_as(reading, node, &token);
            node = match below {
                Some(below) => below,
                None if is_list => return Err(self.no_item(node, &token)),
                None => return Err(not_found(at + 1)),
            };
        }
        Ok(node)
    }

    /// Why a list has no item where it was looked for.
    fn no_item(&self, list: NodeId, token: &str) -> DocumentError {
        let out_of_range = |index| {
            let (path, len) = (self.view().pointer(list), self.item_count(list));
            DocumentError::OutOfRange { path, index, len }
        };
        self.index_at(list, token).map_or_else(|error| error, out_of_range)
    }

    /// The container in which a field is to be made: a root where nothing lives is an object to be.
    fn enter_parent(&mut self, parent: Pointer<'_>) -> Result<NodeId, DocumentError> {
        let root = self.store.tree.root();
        if parent.depth() > 0 || self.view().tree.has_content(root) {
            return self.enter(parent);
        }
        let time = self.now.after(None);
        self.holding(root, |edit| edit.put(root, Content::Object, time, &Replaced::default()))?;
        Ok(root)
    }

    /// Makes sure that a container is settled; whether it is a list.
    fn settled_as_list(&mut self, node: NodeId) -> Result<bool, DocumentError> {
        let view = self.view();
        match view.reading_and_settled(node) {
            Some((reading @ (Reading::Object | Reading::List), settled)) => {
                let is_list = matches!(reading, Reading::List);
                if settled { Ok(is_list) } else { self.settle(node).map(|()| is_list) }
            }
            Some((found, _)) => {
                Err(DocumentError::NotAContainer { path: view.pointer(node), found: found.kind() })
            }
            None => Err(DocumentError::NotFound { path: view.pointer(node) }),
        }
    }

    /// Makes sure that a container is one because this replica says so: what stood open there is
    /// settled by whoever goes on writing inside.
    fn settle(&mut self, node: NodeId) -> Result<(), DocumentError> {
        let view = self.view();
        let standing = view.standing(node);
        let is_list = matches!(view.reading(node), Some(Reading::List));
        let mark = if is_list { standing.list } else { standing.object };
        let mut losers = view.losers(node, is_list);
        if is_list && view.keys_differ(node) {
            losers.extend(view.list_mark_slots(node));
        }
        if mark.is_none() || !losers.is_empty() {
            let mark = if is_list { Content::List(self.key_of(node)) } else { Content::Object };
            let replaced = self.kill(losers);
            let time = self.now.after(replaced.time);
            self.put(node, mark, time, &replaced)?;
        }
        self.settle_place(node)
    }

    /// Keeps a node in existence while something is put there: should that fail, it goes.
    fn holding(
        &mut self,
        node: NodeId,
        put: impl FnOnce(&mut Self) -> Result<(), DocumentError>,
    ) -> Result<(), DocumentError> {
        self.store.tree.hold(node);
        let done = put(self);
        self.store.tree.release(node);
        done
    }

    /// Puts a value at a node in place of all that lives there and below.
    fn set_node(&mut self, node: NodeId, value: Source<'_>) -> Result<(), DocumentError> {
        self.holding(node, |edit| edit.replace_value(node, value))
    }

    /// The same, at a node that lives or is held.
    fn replace_value(&mut self, node: NodeId, value: Source<'_>) -> Result<(), DocumentError> {
        self.settle_place(node)?;
        let blocks = self.store.kernel.blocks();
        let is_own_place =
            |slot: Slot| blocks.get(slot).is_some_and(|it| it.is_place() && it.node == node);
        let mut slots = self.view().slots_below(node);
        slots.retain(|slot| !is_own_place(*slot));
        let scalar = value.scalar();
        let key = if scalar.is_none() { self.view().key_field(node).map(Into::into) } else { None };
        let replaced = self.kill(slots);
        let time = self.now.after(replaced.time);
        match scalar {
            Some(scalar) => self.put(node, scalar.into(), time, &replaced),
            None => self.put_value(self.spot(node), value, time, &replaced, key),
        }
    }

    fn spot(&self, node: NodeId) -> Spot {
        let path = self.view().tree.path(node);
        let bytes = path.iter().map(|step| step.len()).sum();
        Spot { node, depth: path.len(), bytes }
    }

    /// The spot one step below; the caller puts something there at once.
    fn spot_below(&mut self, above: Spot, step: Sought<'_>) -> Result<Spot, DocumentError> {
        let (depth, bytes) = (above.depth + 1, above.bytes + step.len());
        if depth > DEPTH_MAX {
            let path = self.view().pointer(above.node);
            return Err(DocumentError::TooDeep { path, limit: DEPTH_MAX });
        }
        if bytes > PATH_MAX {
            let path = start_of(&self.view().pointer(above.node));
            return Err(DocumentError::PathTooLong { path, limit: PATH_MAX });
        }
        let node = self.store.tree.step(above.node, step);
        Ok(Spot { node, depth, bytes })
    }

    /// Puts a value where nothing lives; `key` is the key of a list there, where no rule says.
    fn put_value(
        &mut self,
        spot: Spot,
        value: Source<'_>,
        time: Timestamp,
        replaced: &Replaced,
        key: Option<Arc<str>>,
    ) -> Result<(), DocumentError> {
        match value.shape() {
            Shape::Scalar(scalar) => self.put(spot.node, scalar.into(), time, replaced),
            Shape::Object(fields) => {
                self.put(spot.node, Content::Object, time, replaced)?;
                for (name, value) in fields {
                    let field = self.spot_below(spot, Sought::Field(name))?;
                    self.holding(field.node, |edit| {
                        edit.put_value(field, value, time, replaced, None)
                    })?;
                }
                Ok(())
            }
            Shape::Array(items) => {
                let rule = self.keys.at(&self.store.tree, spot.node);
                let key = rule.or(key);
                self.put(spot.node, Content::List(key.clone()), time, replaced)?;
                self.put_items(spot, items, key.as_deref(), time, replaced)
            }
        }
    }

    /// One write, at a node that lives or is held.
    fn put(
        &mut self,
        node: NodeId,
        content: Content,
        time: Timestamp,
        replaced: &Replaced,
    ) -> Result<(), DocumentError> {
        let is_counted = !replaced.tallies.is_empty();
        let counted = is_counted.then(|| replaced.counted(node, self.next_dot()));
        let counted = counted.unwrap_or_default();
        self.put_born(node, content, time, Origin::of(replaced.birth(node), counted))
    }

    fn put_born(
        &mut self,
        node: NodeId,
        content: Content,
        time: Timestamp,
        origin: Option<Box<Origin>>,
    ) -> Result<(), DocumentError> {
        let store = &mut *self.store;
        let minted = if store.kernel.live_len() < WRITES_MAX {
            store.kernel.mint(self.replica).map_err(DocumentError::from)
        } else {
            let path = store.view().pointer(node);
            Err(DocumentError::TooManyWrites { path, limit: WRITES_MAX })
        };
        match minted {
            Ok(dot) => {
                let digest = store.tree.digest(node);
                store.put(dot, Write { content, time, origin, node, digest });
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn kill(&mut self, slots: impl IntoIterator<Item = Slot>) -> Replaced {
        let mut replaced = Replaced::default();
        for slot in slots {
            let Some((dot, write)) = self.store.kill(slot) else { continue };
            let stamp = Stamp { time: write.time, replica: dot.replica() };
            replaced.time = replaced.time.max(Some(write.time));
            replaced.births.push((write.node, (stamp, dot), write.birth().unwrap_or(dot)));
            let tallies = write.counted().iter().copied().chain(write.tally(dot));
            replaced.tallies.extend(tallies.map(|tally| (write.node, tally)));
            self.killed.push((dot, write));
        }
        if replaced.births.len() > 1 {
            replaced.births.sort_unstable();
        }
        replaced.tallies.sort_unstable();
        replaced
    }

    /// Removes what is at a node and below.
    fn remove_node(&mut self, node: NodeId) -> Result<(), DocumentError> {
        self.store.tree.hold(node);
        let slots = self.view().slots_below(node);
        self.kill(slots);
        match self.store.kernel.mint(self.replica) {
            Ok(dot) => {
                self.removals.push(Removal { dot, node, time: self.now.time() });
                Ok(())
            }
            Err(error) => {
                self.store.tree.release(node);
                Err(error.into())
            }
        }
    }

    /// The key of a list: by the rules of this document, else as the list was written.
    fn key_of(&self, list: NodeId) -> Option<Arc<str>> {
        let rule = self.keys.at(&self.store.tree, list);
        rule.or_else(|| self.view().key_field(list).map(Into::into))
    }

    /// The next dot of this replica.
    fn next_dot(&self) -> Dot {
        let minted = self.store.kernel.minted(self.replica);
        Dot::of(self.replica, minted.saturating_add(1))
    }

    /// The identity of an item to be inserted on its own.
    fn identity(&self, list: NodeId, value: Source<'_>) -> Item {
        let key = self.key_of(list);
        match key.and_then(|key| value.field(&key)?.scalar()) {
            Some(key) => self.unused(list, &Item::Keyed { key: key.into(), nth: 0 }),
            None => Item::Made(self.next_dot()),
        }
    }

    /// One of its kind that no item of the list has: 0 if that is free, else one after a number in
    /// use, found by doubling and then halving. Where the numbers in use have no gap it is the next.
    /// O(log items).
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
            // Only numbers that were forged lead here, and then this one may be in use as well.
            free = (0..u32::MAX).find(|nth| !is_used(nth)).unwrap_or(free);
        }
        kind.nth(free)
    }

    /// The digest of an item that is written.
    fn digest_of_value(&mut self, value: Source<'_>) -> u64 {
        value.known_digest(&mut self.digests.new)
    }

    /// The digest of an item that is there: of the value that is read.
    fn digest_of_item(&mut self, item: NodeId) -> u64 {
        self.store.view().digest(item, &mut self.digests.old)
    }

    /// Whether the item of this identity is in the list.
    fn has_item(&self, list: NodeId, item: &Item) -> bool {
        let tree = &self.store.tree;
        let node = tree.child(list, Sought::Segment(&Segment::Item(item.clone())));
        node.is_some_and(|node| tree.has_content(node))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Document, Merge};
    use alloc::{format, string::ToString};

    #[test]
    fn a_document_that_is_full_refuses_and_stays() -> Result<(), alloc::string::String> {
        let [us, eu] = [1, 2].map(ReplicaId::from_u128);
        let at = Timestamp::from_millis(1);
        let fields = (1..WRITES_MAX).map(|number| (number, Value::Null));
        let mut full = Document::new();
        full.set("", fields.collect::<Value>(), us, at).map_err(|error| error.to_string())?;
        let before = full.clone();
        let error = full.set("/one-more", 1_u64, us, at).err();
        let told = error.map(|it| format!("{it}")).unwrap_or_default();
        assert!(told.contains("/one-more the document would hold more than 256 writes"), "{told}");
        assert!(full == before && full.check_invariants().is_ok());
        full.set("/1", true, us, at).map_err(|error| error.to_string())?;
        // What came from outside may be more: a merge that refused would diverge.
        let mut theirs = before.clone();
        theirs.set("/1", false, eu, at).map_err(|error| error.to_string())?;
        full.merge(&theirs);
        assert_eq!(full.store.kernel.live_len(), WRITES_MAX + 1);
        full.set("/1", 0_u64, us, at).map_err(|error| error.to_string())?;
        assert_eq!(full.store.kernel.live_len(), WRITES_MAX);
        Ok(())
    }
}
