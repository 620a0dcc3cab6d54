//! [`Document`]: a JSON document that is merged field by field.
//!
//! Each scalar is a write of its own, with a dot that tells what its writer had seen and a stamp
//! that decides between concurrent ones. Merging keeps every write that no other has superseded
//! and decides nothing; what is *read* is a pure function of what is kept. So no order of merges
//! can lead to another result.
//!
//! Close to Kleppmann and Beresford, *A Conflict-Free Replicated JSON Datatype*, 2017; the causal
//! tree of maps is that of Almeida, Shoker and Baquero, *Delta State Replicated Data Types*, 2018,
//! §7.4, flattened into one kernel with paths for payloads.
//!
//! | case | what is read after the merge |
//! |---|---|
//! | different fields set concurrently | both |
//! | one field set concurrently | the greater (time, replica); the others stand open in [`conflicts`](Document::conflicts) until a write that saw them |
//! | field deleted ∥ field set | the value set; [reported](Document::merge_reporting) |
//! | object deleted ∥ a field inside it set | that field and its parents, nothing else of the object; reported, and open until a write inside |
//! | object, list and scalar at one path | all are kept; the kind that holds the greatest (time, replica) is read; reported |
//! | deleted, then created again | only the new writes |
//! | a later write by a replica with an older wall clock | the later write |
//! | equal times | the greater replica id, in both orders |
//! | equal values written concurrently | that value, no conflict |
//! | items appended on two sides, or inserted at one index | both runs whole, one after the other, in the same order everywhere |
//! | item deleted ∥ a field of it edited | the edit survives, in an item that stands last; reported, and open until a write inside |
//! | item deleted ∥ moved | deleted |
//! | item moved on two sides | it stands once, where the greater (time, replica) put it; reported, and open until it is moved again |
//! | counter +1 ∥ +1 | +2 |
//! | counter set or reset ∥ +1 | what was set, or 0, and the 1 that it had not seen |
//! | counter deleted ∥ +1 | all that whoever added the 1 has counted there; reported |
//! | the same JSON imported on two sides | that JSON, nothing doubled |
//! | the same JSON imported under different [`ListKeys`] | the items of both; reported, and open until a write to the list |
//! | a value set by `update` to what it already is | no write at all |
//!
//! An array is a list of items with an identity: a field that [`ListKeys`] names, else one made
//! when the item is. What is written into an item meets there, wherever the item stands by then.
//!
//! # What a reader might not guess
//!
//! ```
//! use rejoin::{Document, Merge, ReplicaId, Timestamp};
//! use rejoin::document::{DocumentError, ListKeys, Value};
//! # fn main() -> Result<(), DocumentError> {
//! let (us, eu) = (ReplicaId::from_u128(1), ReplicaId::from_u128(2));
//! let at = Timestamp::from_millis;
//! let object = |name: &str, value: Value| Value::from_iter([(name, value)]);
//! let list = |items: &[u64]| Value::from(items.to_vec());
//!
//! // An object deleted around an edit: the edit survives, and its parents, nothing else.
//! let user = Value::from_iter([("name", "Ana"), ("email", "ana@old")]);
//! let mut ours = Document::from_value(object("user", user), us, at(1))?;
//! let mut theirs = ours.clone();
//! ours.remove("/user", us, at(9))?;
//! theirs.set("/user/email", "ana@new", eu, at(2))?;
//! ours.merge(&theirs);
//! assert_eq!(ours.to_string(), r#"{"user":{"email":"ana@new"}}"#);
//!
//! // A later write wins under an older clock: it had seen the other.
//! theirs.merge(&ours);
//! theirs.set("/user/email", "ana@later", eu, at(0))?;
//! ours.merge(&theirs);
//! assert_eq!(ours.get("/user/email"), Some("ana@later".into()));
//!
//! // Two kinds at one path: both live, the later is read. The other waits in `conflicts`.
//! let mut ours = Document::from_value(object("tags", Value::Null), us, at(1))?;
//! let mut theirs = ours.clone();
//! ours.set("/tags", list(&[1]), us, at(8))?;
//! theirs.set("/tags", "none", eu, at(9))?;
//! ours.merge(&theirs);
//! assert_eq!(ours.get("/tags"), Some("none".into()));
//! assert_eq!(ours.conflicts()[0].losers[0].claim.value(), Some(&list(&[1])));
//!
//! // Two lists at one path are one list: items of equal content are one item.
//! let mut ours = Document::from_value(object("tags", list(&[])), us, at(1))?;
//! let mut theirs = ours.clone();
//! ours.set("/tags", list(&[1, 2]), us, at(8))?;
//! theirs.set("/tags", list(&[1, 3]), eu, at(9))?;
//! ours.merge(&theirs);
//! assert_eq!(ours.len_at("/tags"), Some(3));
//!
//! // An item is edited here and moved there: both, in one item.
//! let keys = ListKeys::new().by("/messages", "id")?;
//! let message = |id: u64| Value::from_iter([("id", id), ("likes", 0)]);
//! let messages = Value::from(vec![message(1), message(2)]);
//! let mut ours = Document::from_value_with(keys, object("messages", messages), us, at(1))?;
//! let mut theirs = ours.clone();
//! ours.move_item("/messages/0", 1, us, at(2))?;
//! theirs.increment("/messages/0/likes", 1, eu, at(2))?;
//! ours.merge(&theirs);
//! assert_eq!(ours.get("/messages/1/likes"), Some(1.into()));
//!
//! // It is deleted here and edited there: the edit survives, in an item that stands last. Of a
//! // counter that is all that its replica has counted: 1 before, and 1 now.
//! ours.remove("/messages/1", us, at(3))?;
//! theirs.increment("/messages/0/likes", 1, eu, at(3))?;
//! ours.merge(&theirs);
//! assert_eq!(ours.get("/messages/1"), Some(object("likes", 2.into())));
//!
//! // A counter that was reset keeps what the reset had not seen.
//! let mut ours = Document::from_value(object("unread", 10.into()), us, at(1))?;
//! let mut theirs = ours.clone();
//! ours.reset("/unread", us, at(9))?;
//! theirs.increment("/unread", 1, eu, at(2))?;
//! ours.merge(&theirs);
//! assert_eq!(ours.get("/unread"), Some(1.into()));
//!
//! // Nothing is written where nothing differs.
//! assert!(ours.update(object("unread", 1.into()), us, at(9))?.is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! Text inside a string is one value. Two arrays that two sides set at one path stand item beside
//! item, by index; what is pushed or inserted stands in runs, and a run that is typed on from one
//! spot, forwards, backwards or both, stays whole. Only where runs lie deep within runs, room has to
//! be made first: then what another side inserted there meanwhile may come between.

mod codec;
mod edit;
mod error;
#[cfg(feature = "json")]
mod json;
mod read;
mod snapshot;
mod state;

pub use crate::value::{Kind, Number, Value};
pub use edit::{Edit, Input, ListKeys};
pub use error::DocumentError;
pub use read::{Change, Claim, Conflict, ConflictKind, Contender, Path, Report, Step};
pub use state::DocumentDelta;

use crate::{
    merge::{DeltaState, Merge},
    replica::ReplicaId,
    time::{Now, Timestamp},
    value::pointer::Pointer,
    version::Version,
};
use alloc::{string::String, vec::Vec};
use core::fmt;
use read::Reading;
use state::{Item, ROOT, Segment, Sought, Store};

/// A JSON document that several sides edit at once, merged field by field.
///
/// Fields and items are addressed by JSON Pointers (RFC 6901): `""` is the root, `/title` a field
/// of it, `/messages/0` the first item of a list, `/messages/-` the end of one. The
/// [module](self) lists what each pair of concurrent edits leads to.
///
/// A document nests at most 127 levels deep, as many as `serde_json` reads back, a path takes at most 16,384 bytes, and there are at
/// most 2²⁴ writes: an edit that would go beyond is an error, and changes nothing.
///
/// With *d* the depth of a path: [`get`](Self::get), [`set`](Self::set) and
/// [`remove`](Self::remove) are O(d + what is read, written or removed), list operations
/// O(d + log items) beside; [`merge`](Merge::merge) is O(blocks of 64 writes + changes) for whole
/// documents and O(changes) for deltas. A field costs its value and 120 to 160 bytes, the text
/// of its path stored once for all below it.
///
/// # Examples
///
/// ```
/// use rejoin::{DeltaState, Document, Merge, Timestamp, document::Value};
///
/// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
/// let now = Timestamp::from_millis(1_717_236_600_000);
/// let empty = Value::from_iter([("title", "Booking"), ("status", "active")]);
/// let mut ours = Document::from_value(empty, us, now)?;
/// let mut theirs = ours.clone();
///
/// ours.set("/title", "Booking Help", us, now)?;
/// let delta = theirs.set("/status", "resolved", eu, now)?;
/// ours.apply(&delta);                       // or ours.merge(&theirs)
/// assert_eq!(ours.get("/title"), Some("Booking Help".into()));
/// assert_eq!(ours.get("/status"), Some("resolved".into()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Document {
    store: Store,
    /// Of this process alone: neither compared nor written out.
    keys: ListKeys,
}

impl Document {
    /// The document that was never written. Allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The document that was never written, whose lists will have these keys.
    pub fn with_keys(keys: ListKeys) -> Self {
        Self { keys, ..Self::default() }
    }

    /// The keys that lists are written with here.
    pub fn keys(&self) -> &ListKeys {
        &self.keys
    }

    /// Sets the keys that lists are written with here from now on: what a document that was read
    /// from bytes does not know. Lists that are there keep theirs.
    pub fn set_keys(&mut self, keys: ListKeys) {
        self.keys = keys;
    }

    /// The greatest time that anything alive in it is stamped with. Where peers are not trusted,
    /// refuse a state from the future by it: see [`Stamp`](crate::Stamp). O(writes).
    pub fn latest(&self) -> Option<Timestamp> {
        self.store.latest()
    }

    /// A document with this content. Two sides that import the same content independently and
    /// merge have that content, nothing doubled and nothing in conflict.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] if the value nests too deep, or is too large.
    pub fn from_value<'v>(
        value: impl Into<Input<'v>>,
        replica: ReplicaId,
        now: impl Into<Now>,
    ) -> Result<Self, DocumentError> {
        Self::new().imported(value, replica, now)
    }

    /// [`from_value`](Self::from_value), with lists whose items have keys.
    ///
    /// # Errors
    ///
    /// As [`from_value`](Self::from_value).
    pub fn from_value_with<'v>(
        keys: ListKeys,
        value: impl Into<Input<'v>>,
        replica: ReplicaId,
        now: impl Into<Now>,
    ) -> Result<Self, DocumentError> {
        Self::with_keys(keys).imported(value, replica, now)
    }

    fn imported<'v>(
        mut self,
        value: impl Into<Input<'v>>,
        replica: ReplicaId,
        now: impl Into<Now>,
    ) -> Result<Self, DocumentError> {
        let mut edit = Edit::new(&mut self.store, &self.keys, replica, now.into());
        edit.set("", value)?;
        edit.close();
        drop(edit);
        Ok(self)
    }

    /// The whole document; none if it was never written, or was removed. O(size).
    pub fn to_value(&self) -> Option<Value> {
        self.get("")
    }

    /// The value that is read at a JSON Pointer; none where nothing is, or where the text is no
    /// pointer. O(depth + size of the value).
    pub fn get(&self, pointer: &str) -> Option<Value> {
        self.store.view().get(pointer)
    }

    /// The kind of the value that is read at a JSON Pointer; none where nothing is. O(depth),
    /// where no kinds stand against each other.
    pub fn kind(&self, pointer: &str) -> Option<Kind> {
        let view = self.store.view();
        Some(view.reading(view.visible(Pointer::parse(pointer).ok()?)?)?.kind())
    }

    /// How many fields the object has that is read at a JSON Pointer, or the list items; none
    /// where neither is. O(depth), and of an object O(fields).
    pub fn len_at(&self, pointer: &str) -> Option<usize> {
        let view = self.store.view();
        let node = view.visible(Pointer::parse(pointer).ok()?)?;
        match view.reading(node)? {
            Reading::Object => Some(view.tree.fields(node).count()),
            Reading::List => Some(view.tree.item_count(node)),
            _ => None,
        }
    }

    /// The JSON Pointer, as of now, of the item that was written into a list with this key; none
    /// if no such item is there. Of several items with one key the first that was. O(depth + log
    /// items).
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp, document::ListKeys};
    /// # use serde_json::json;
    /// # let us = "us-east-1".parse()?;
    /// # let now = Timestamp::from_millis(1);
    /// let mut document = Document::with_keys(ListKeys::new().by("/messages", "id")?);
    /// document.set("", json!({"messages": [{"id": "m1"}, {"id": "m2"}]}), us, now)?;
    /// assert_eq!(document.item("/messages", "m2").as_deref(), Some("/messages/1"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn item<'v>(&self, list: &str, key: impl Into<Input<'v>>) -> Option<String> {
        let key = key.into();
        let view = self.store.view();
        let list = view.visible(Pointer::parse(list).ok()?)?;
        let key = key.scalar()?;
        let item = Segment::Item(Item::Keyed { key, nth: 0 });
        let node = view.tree.child(list, Sought::Segment(&item))?;
        view.is_visible(node).then(|| view.pointer(node))
    }

    /// Writes `value` at `pointer`, over all that this replica sees there and below; returns the
    /// delta. The container must exist, but for a root where nothing is, which becomes an object; `""`
    /// sets the whole document. In a list the item at that
    /// index is given the value and keeps its identity and its place; at its end, which is also
    /// called `-`, the value is appended.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] names the path and what stood in the way; the document is as it was.
    pub fn set<'v>(
        &mut self,
        pointer: &str,
        value: impl Into<Input<'v>>,
        replica: ReplicaId,
        now: impl Into<Now>,
    ) -> Result<DocumentDelta, DocumentError> {
        self.edit(replica, now, |edit| edit.set(pointer, value))
    }

    /// Removes what this replica sees at `pointer` and below; returns the delta. What another
    /// side sets there concurrently survives.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] if nothing is there; the document is as it was.
    pub fn remove(
        &mut self,
        pointer: &str,
        replica: ReplicaId,
        now: impl Into<Now>,
    ) -> Result<DocumentDelta, DocumentError> {
        self.edit(replica, now, |edit| edit.remove(pointer))
    }

    /// Inserts an item before the one at `pointer`, or at the end of a list, which is also called
    /// `-`; returns the delta. What two sides insert at one index stands one after the other,
    /// what each inserted in one run together.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] if there is no list, or it does not reach so far; the document is as it
    /// was.
    pub fn insert<'v>(
        &mut self,
        pointer: &str,
        value: impl Into<Input<'v>>,
        replica: ReplicaId,
        now: impl Into<Now>,
    ) -> Result<DocumentDelta, DocumentError> {
        self.edit(replica, now, |edit| edit.insert(pointer, value))
    }

    /// Appends an item to the list at `list`; returns the delta.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] if there is no list; the document is as it was.
    pub fn push<'v>(
        &mut self,
        list: &str,
        value: impl Into<Input<'v>>,
        replica: ReplicaId,
        now: impl Into<Now>,
    ) -> Result<DocumentDelta, DocumentError> {
        self.edit(replica, now, |edit| edit.push(list, value))
    }

    /// Moves the item at `pointer` within its list, to be the one at index `to`; returns the
    /// delta. A move is one write, whatever the item holds; an item that two sides move stands
    /// once, and edits of it meet in it. Moved to where it stands, an item that several sides
    /// moved is settled there.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] if no item is there, or the list does not reach so far; the document is
    /// as it was.
    pub fn move_item(
        &mut self,
        pointer: &str,
        to: usize,
        replica: ReplicaId,
        now: impl Into<Now>,
    ) -> Result<DocumentDelta, DocumentError> {
        self.edit(replica, now, |edit| edit.move_item(pointer, to))
    }

    /// Adds to the integer at `pointer`, or starts one from 0 in an object; returns the delta.
    /// Concurrent increments all count. Setting or resetting the number, in whatever way, also
    /// removes the increments that were seen, and no others.
    ///
    /// A counter that is deleted while another replica adds to it survives, as any field that is
    /// edited does, and merges report it: with all that this replica has counted there since it
    /// last saw the number set or deleted. A deletion leaves nothing behind that could tell how
    /// much of that it had seen.
    ///
    /// However often it is counted on, a number holds one write for each replica that counts (48
    /// bytes, and its place in the index), and once it was set 40 bytes for each replica whose
    /// increments that removed. O(depth + replicas that count there); the delta is one write.
    ///
    /// ```
    /// # use rejoin::{Document, Merge, Timestamp, document::Value};
    /// # let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// # let now = Timestamp::from_millis(1);
    /// let mut ours = Document::from_value(Value::from_iter([("unread", 5)]), us, now)?;
    /// let mut theirs = ours.clone();
    /// ours.reset("/unread", us, now)?;
    /// theirs.increment("/unread", 1, eu, now)?;
    /// ours.merge(&theirs);
    /// assert_eq!(ours.get("/unread"), Some(1.into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`DocumentError`] if something else than an integer is there, or the sum would leave the
    /// integers of 64 bits; the document is as it was.
    ///
    /// If the sum of concurrent increments leaves them, the least or the greatest is read. Whoever
    /// counts on from there *sets* the number that it counts to.
    pub fn increment(
        &mut self,
        pointer: &str,
        by: u64,
        replica: ReplicaId,
        now: impl Into<Now>,
    ) -> Result<DocumentDelta, DocumentError> {
        self.edit(replica, now, |edit| edit.increment(pointer, by))
    }

    /// Subtracts from the integer at `pointer`, in all else as [`increment`](Self::increment).
    ///
    /// # Errors
    ///
    /// As [`increment`](Self::increment).
    pub fn decrement(
        &mut self,
        pointer: &str,
        by: u64,
        replica: ReplicaId,
        now: impl Into<Now>,
    ) -> Result<DocumentDelta, DocumentError> {
        self.edit(replica, now, |edit| edit.decrement(pointer, by))
    }

    /// Sets the integer at `pointer` to 0, and removes the increments seen here; returns the delta.
    /// What other replicas add concurrently still counts, also if several reset it at once. Writes
    /// nothing where nothing but 0 is there. O(depth + replicas that count there).
    ///
    /// # Errors
    ///
    /// [`DocumentError`] if no integer is there; the document is as it was.
    pub fn reset(
        &mut self,
        pointer: &str,
        replica: ReplicaId,
        now: impl Into<Now>,
    ) -> Result<DocumentDelta, DocumentError> {
        self.edit(replica, now, |edit| edit.reset(pointer))
    }

    /// Turns what this replica sees into `value` with the fewest writes, and none where nothing
    /// differs; returns the delta. The way in for a service that holds whole documents. Items of
    /// a list are matched by key, else by content, and an item that stands elsewhere is moved.
    /// O(size of both).
    ///
    /// # Errors
    ///
    /// [`DocumentError`] if the value nests too deep, or is too large; the document is as it was.
    pub fn update<'v>(
        &mut self,
        value: impl Into<Input<'v>>,
        replica: ReplicaId,
        now: impl Into<Now>,
    ) -> Result<DocumentDelta, DocumentError> {
        self.edit(replica, now, |edit| edit.update(value))
    }

    /// Settles the [conflict](Self::conflicts) that stands open at `pointer`: writes `value` over
    /// all siblings seen here; returns the delta. Unlike [`set`](Self::set) it refuses where
    /// nothing is in conflict, so that a decision that came late overwrites nothing. (Moves are
    /// settled by [`move_item`](Self::move_item).)
    ///
    /// # Errors
    ///
    /// [`DocumentError`] if no conflict stands open there; the document is as it was.
    pub fn resolve<'v>(
        &mut self,
        pointer: &str,
        value: impl Into<Input<'v>>,
        replica: ReplicaId,
        now: impl Into<Now>,
    ) -> Result<DocumentDelta, DocumentError> {
        self.edit(replica, now, |edit| edit.resolve(pointer, value))
    }

    /// Makes several writes as one delta, all or nothing: where `writes` returns an error, the
    /// document is as it was. O(what is written and removed).
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp, document::Value};
    /// # let us = "us-east-1".parse()?;
    /// # let now = Timestamp::from_millis(1);
    /// # let mut document = Document::from_value(Value::from_iter([("title", "")]), us, now)?;
    /// let delta = document.edit(us, now, |edit| {
    ///     edit.set("/title", "Booking Help")?;
    ///     edit.set("/status", "active")
    /// })?;
    /// assert_eq!(delta.write_count(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The error that `writes` returned.
    pub fn edit<E>(
        &mut self,
        replica: ReplicaId,
        now: impl Into<Now>,
        writes: impl FnOnce(&mut Edit<'_>) -> Result<(), E>,
    ) -> Result<DocumentDelta, E> {
        let mut edit = Edit::new(&mut self.store, &self.keys, replica, now.into());
        writes(&mut edit)?;
        Ok(edit.finish())
    }

    /// Joins `other` as [`merge`](crate::Merge::merge) does, and tells what that changed and what
    /// was in conflict. O(changes × depth), beside the merge and what `other` has not seen yet, and
    /// the size of what is told.
    pub fn merge_reporting(&mut self, other: &Self) -> Report {
        self.store.merge_reporting(&other.store)
    }

    /// Joins a delta as [`apply`](crate::DeltaState::apply) does, and tells what that changed and
    /// what was in conflict. O(changes × depth), and the size of what is told; where the delta
    /// removed something, also O(fields below that were set more than once, or survived).
    ///
    /// An edit's delta tells which paths it removed, so that whoever has edited there learns of it.
    /// One computed by [`delta_since`](crate::DeltaState::delta_since) does not: there only the
    /// side that removed learns of such a conflict, once it receives the edit.
    pub fn apply_reporting(&mut self, delta: &DocumentDelta) -> Report {
        self.store.apply_reporting(delta)
    }

    /// Every conflict that stands open, by path: each is settled by one
    /// [`resolve`](Self::resolve), or by any write there that has seen it; of moves by one
    /// [`move_item`](Self::move_item).
    ///
    /// Of deletions only those of containers and items in which something survived can stand
    /// open; where a field was deleted and set concurrently, the value stands alone and only the
    /// merge reports it. While deltas arrive out of order, a container whose own write is still
    /// on its way is listed as deleted.
    ///
    /// Walks the whole document: which of its parts stand open is not indexed.
    pub fn conflicts(&self) -> Vec<Conflict> {
        self.store.view().conflicts()
    }

    #[cfg(any(test, feature = "laws"))]
    pub(crate) fn check_invariants(&self) -> Result<(), &'static str> {
        self.store.check_invariants(&[])
    }
}

impl Merge for Document {
    fn merge(&mut self, other: &Self) -> bool {
        self.store.join(&other.store)
    }

    fn merge_owned(&mut self, other: Self) -> bool {
        if self.store.kernel.is_empty() {
            self.store = other.store;
            return !self.store.kernel.is_empty();
        }
        self.merge(&other)
    }
}

impl DeltaState for Document {
    type Delta = DocumentDelta;
    type Version = Version;

    fn version(&self) -> Version {
        Version(self.store.kernel.digest())
    }

    fn delta_since(&self, peer: &Version) -> DocumentDelta {
        DocumentDelta { store: self.store.delta_since(&peer.0), removals: Vec::new() }
    }

    fn apply(&mut self, delta: &DocumentDelta) -> bool {
        self.store.join(&delta.store)
    }
}

/// Compact JSON; `null` if the document was never written, or was removed. O(size).
impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.store.view().push_json(ROOT, &mut text);
        f.write_str(&text)
    }
}

#[cfg(feature = "laws")]
impl crate::laws::Invariants for Document {
    fn check_invariants(&self) -> Result<(), &'static str> {
        self.check_invariants()
    }
}

/// Equal means converged: also what was seen and the siblings, not only what is read.
impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        self.store == other.store
    }
}

impl Eq for Document {}
