//! [`Edit`]: several writes to a document as one delta, all or nothing.
//!
//! This file begins, ends and undoes an edit; what an edit can do is in the files beside it:
//! [`field`] for values at a pointer, [`list`] for items, [`counter`] for numbers that are counted
//! on, and [`update`] and [`save`] for whole values. They all write through [`put`].

mod counter;
mod field;
mod from;
mod identity;
mod input;
mod list;
mod put;
mod save;
#[cfg(feature = "json")]
mod serialized;
mod set;
mod update;

pub use input::Input;
pub use save::Overwritten;
#[cfg(feature = "json")]
pub(super) use serialized::serialized;

use super::{
    error::DocumentError,
    read::{Cursor, View},
    rules::Rules,
    state::{DocumentDelta, NodeId, Removal, Store, Write},
};
use crate::{causal::Dot, replica::ReplicaId, time::Now, value::Value};
use alloc::{collections::BTreeMap, string::String, vec::Vec};
use input::Known;
use smallvec::SmallVec;

/// Several writes to a document as one delta, all or nothing.
///
/// [`Document::edit`](crate::Document::edit) begins an edit, and [`commit`](Self::commit) ends it.
/// An edit that is dropped without `commit`, by `?` or by a panic, leaves the document as it was.
/// Each write is all or nothing too: after an error the edit is as it was before that call, and may
/// go on. Reads see the writes before them.
///
/// Each write returns the edit, so writes can be chained, or made one by one in a loop with `?`.
///
/// # Examples
///
/// ```
/// use rejoin::{Document, Timestamp, document::Value};
///
/// let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1_717_236_600_000));
/// let mut document = Document::new();
/// let mut edit = document.edit(us, now);
/// edit.set("/title", "Booking")?.set("/messages", Value::Array(Vec::new()))?;
/// for message in ["Hello", "Which flight?", "Done."] {
///     edit.push("/messages", message)?;
/// }
/// let delta = edit.commit();
/// assert!(!delta.is_empty());
/// assert_eq!(
///     document.to_string(),
///     r#"{"messages":["Hello","Which flight?","Done."],"title":"Booking"}"#
/// );
///
/// // An error leaves everything as it was.
/// let before = document.clone();
/// assert!(document.edit(us, now).set("/title", "Help")?.push("/title", "me").is_err());
/// assert_eq!(document, before);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "an edit that is dropped without `commit` is undone"]
pub struct Edit<'a> {
    store: &'a mut Store,
    rules: &'a Rules,
    replica: ReplicaId,
    now: Now,
    /// Where an edit that is dropped goes back to: the last counter that the replica had minted.
    minted_before: u64,
    /// What this edit has killed, in order. Their nodes stay until it ends.
    killed: SmallVec<[(Dot, Write); 1]>,
    /// What it has removed. These nodes stay until the edit ends too.
    removals: SmallVec<[Removal; 1]>,
    /// Digests of content that are needed again.
    digests: Digests,
}

/// Digests of the items of lists inside lists: the digests of an outer list depend on all below,
/// and those of the inner lists are asked for later. So each item is read once, however deep it
/// lies.
#[derive(Debug, Default)]
struct Digests {
    /// Of what is read, by node.
    old: BTreeMap<NodeId, u64>,
    /// Of what is written, by its address.
    new: Known,
}

/// Where an edit can be taken back to.
#[derive(Clone, Copy)]
struct Savepoint {
    minted: u64,
    killed: usize,
    removals: usize,
}

/// Undoes what was not committed.
impl Drop for Edit<'_> {
    fn drop(&mut self) {
        // Whatever changes something mints a dot.
        if self.store.kernel.minted(self.replica) > self.minted_before {
            self.undo_to(Savepoint { minted: self.minted_before, killed: 0, removals: 0 });
        }
    }
}

impl<'a> Edit<'a> {
    pub(crate) fn new(
        store: &'a mut Store,
        rules: &'a Rules,
        replica: ReplicaId,
        now: Now,
    ) -> Self {
        let minted_before = store.kernel.minted(replica);
        let (killed, removals) = (SmallVec::new(), SmallVec::new());
        let digests = Digests::default();
        Self { store, rules, replica, now, minted_before, killed, removals, digests }
    }

    /// A cursor on the value that is read at a JSON Pointer, with the writes of this edit so far;
    /// see [`Document::at`](crate::Document::at). O(depth), if no kinds contend.
    ///
    /// # Examples
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let mut document = Document::new();
    /// let mut edit = document.edit(us, now);
    /// edit.set("/tags", ["urgent"])?;
    /// if edit.at("/tags").is_some_and(|tags| tags.len() < 2) {
    ///     edit.push("/tags", "refund")?;
    /// }
    /// assert_eq!(edit.at("/tags/1").and_then(|tag| tag.as_str()), Some("refund"));
    /// edit.commit();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn at(&self, pointer: &str) -> Option<Cursor<'_>> {
        Cursor::root(self.view())?.at(pointer)
    }

    /// Ends the edit; returns what it did as one delta, which is empty if nothing was written.
    ///
    /// O(what was written and removed).
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::{DeltaState, Document, Timestamp};
    ///
    /// let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let mut ours = Document::new();
    /// let mut edit = ours.edit(us, now);
    /// edit.set("/title", "Booking")?.set("/unread", 1)?;
    /// let delta = edit.commit();
    ///
    /// let mut theirs = Document::new();
    /// theirs.apply(&delta);
    /// assert_eq!(theirs, ours);
    /// assert!(ours.edit(us, now).commit().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn commit(mut self) -> DocumentDelta {
        let delta = self.delta();
        self.close();
        delta
    }

    /// Ends the edit as [`commit`](Self::commit) does, with the same delta, and leaves the document
    /// as it was: to store the delta first, and apply it then.
    ///
    /// A draft that could not be stored is dropped, and made anew from the newest state. Between a
    /// draft and its [`apply`](crate::DeltaState::apply) there must be no other edit of this
    /// replica, or two writes have one number. O(what was written and removed).
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::{DeltaState, Document, Timestamp, wire};
    /// # fn store(_: &[u8]) -> Result<(), std::io::Error> { Ok(()) }
    ///
    /// let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let mut document = Document::new();
    /// let mut edit = document.edit(us, now);
    /// edit.set("/title", "Booking")?.set("/unread", 1)?;
    /// let delta = edit.draft();
    /// assert_eq!(document.get("/title"), None);
    ///
    /// store(&wire::to_bytes(&delta))?;
    /// document.apply(&delta);
    /// assert_eq!(document.get("/title"), Some("Booking".into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn draft(self) -> DocumentDelta {
        self.delta()
    }

    fn delta(&self) -> DocumentDelta {
        let kernel = &self.store.kernel;
        let killed = self.killed.iter().map(|killed| killed.0);
        let context = kernel.context_after(self.replica, self.minted_before, killed);
        let live = kernel.live_after(self.replica, self.minted_before);
        let mut delta = DocumentDelta {
            store: self.store.extract(context, live.into_iter()),
            removals: Vec::new(),
        };
        delta.remember(&self.removals, &self.store.tree);
        delta
    }

    /// Ends the edit without making a delta.
    pub(crate) fn close(&mut self) {
        let Store { kernel, journal, .. } = &mut *self.store;
        journal.minted(kernel, self.replica, self.minted_before);
        self.minted_before = kernel.minted(self.replica);
        let tree = &mut self.store.tree;
        self.killed.drain(..).for_each(|(_, write)| tree.release(write.node));
        self.removals.drain(..).for_each(|removal| tree.release(removal.node));
    }

    /// The value that is read at a JSON Pointer, with the writes of this edit so far; `None` where
    /// nothing is. O(depth + size of the value).
    ///
    /// # Examples
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let mut document = Document::new();
    /// let mut edit = document.edit(us, now);
    /// edit.set("/title", "Booking")?;
    /// assert_eq!(edit.get("/title"), Some("Booking".into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get(&self, pointer: &str) -> Option<Value> {
        Some(self.at(pointer)?.to_value())
    }

    /// The JSON Pointer of the item with this key, as [`Document::item`](crate::Document::item)
    /// returns it, with the writes of this edit so far. O(depth + log items).
    ///
    /// # Examples
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp, document::{Rules, Value}};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let mut document = Document::with_rules(Rules::new().keyed("/messages", "id")?);
    /// let mut edit = document.edit(us, now);
    /// edit.set("/messages", Value::Array(Vec::new()))?;
    /// edit.push("/messages", Value::from_iter([("id", "m1")]))?;
    /// assert_eq!(edit.item("/messages", "m1").as_deref(), Some("/messages/0"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn item<'v>(&self, list: &str, key: impl Into<Input<'v>>) -> Option<String> {
        Some(self.at(list)?.keyed(key.into().scalar()?)?.pointer())
    }

    /// Makes the writes of one call: if any of them fails, none is made.
    fn all_or_nothing(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<(), DocumentError>,
    ) -> Result<&mut Self, DocumentError> {
        // The old ones are of an input that is gone, and of what was there before it.
        self.digests = Digests::default();
        let savepoint = Savepoint {
            minted: self.store.kernel.minted(self.replica),
            killed: self.killed.len(),
            removals: self.removals.len(),
        };
        match write(self) {
            Ok(()) => {
                self.store.settle();
                Ok(self)
            }
            Err(error) => {
                self.undo_to(savepoint);
                Err(error)
            }
        }
    }

    /// Kills what was put since then, and puts back what was killed.
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
        store.settle();
    }

    fn view(&self) -> View<'_> {
        self.store.view()
    }
}
