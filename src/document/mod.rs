//! [`Document`]: a JSON document that is merged field by field.
//!
//! [`Document`] is read and written by JSON Pointers, [`Document::edit`] makes several writes as
//! one delta, and a [`Report`] says what a merge changed and what was in [conflict](Conflict).
//!
//! Each scalar is a write of its own, with a dot that says what its writer had seen, and a stamp
//! that decides between concurrent writes. Merging keeps every write that no other has superseded,
//! and decides nothing; what is *read* is a pure function of what is kept. So every order of merges
//! leads to the same result.
//!
//! # What is read after a merge
//!
//! `∥` means concurrently: neither side had seen the other.
//!
//! | case | what is read after the merge |
//! |---|---|
//! | different fields set concurrently | both |
//! | one field set concurrently | the greater (time, replica); the others stay in [`conflicts`](Document::conflicts) until a write that saw them |
//! | field deleted ∥ field set | the value set; [reported](Document::merge_reporting) |
//! | object deleted ∥ a field inside it set | that field and its parents, nothing else of the object; reported, and open until a write inside |
//! | object, list and scalar at one path | all are kept; the kind that holds the greatest (time, replica) is read; reported |
//! | deleted, then created again | only the new writes |
//! | a later write by a replica with an older wall clock | the later write |
//! | equal times | the greater replica id, in both orders |
//! | equal values written concurrently | that value, no conflict |
//! | items appended on two sides | both runs whole, in the order of the times at which they were begun, then of the replicas |
//! | items inserted on two sides at one index | both runs whole, one after the other, in the same order everywhere |
//! | item deleted ∥ a field of it edited | the edit survives, with the item's key, in an item that stands last; reported, and open until a write inside |
//! | item deleted ∥ moved | deleted |
//! | item moved on two sides | it stands once, where the greater (time, replica) put it; reported, and open until it is moved again |
//! | item moved to the same index on two sides | there; no conflict |
//! | counter +1 ∥ +1 | +2 |
//! | counter set or reset ∥ +1 | what was set, or 0, plus the 1 that it had not seen |
//! | counter deleted ∥ +1 | everything that the replica which added the 1 has counted there; reported |
//! | the same JSON imported on two sides | that JSON, nothing doubled |
//! | two arrays set at one path | the earlier (time, replica), then the later; an item of both stands where the later has it |
//! | overlapping parts of one list imported on several sides | that list: what all of them agree on stands in that order |
//! | arrays with items in orders that contradict each other | in the order of the later; reported, and open until something in the list is moved or removed |
//! | the same JSON imported under different [`Rules`] | the items of both; reported, and open until a write to the list |
//! | a value set by `update` to what it already is | no write at all |
//!
//! An array is a list of items with an identity: a field that [`Rules`] names, or one that is
//! made with the item. Writes into one item meet there, even if the item has moved.
//!
//! # What a reader might not guess
//!
//! ```
//! use rejoin::{Document, Merge, ReplicaId, Timestamp};
//! use rejoin::document::{DocumentError, Rules, Value};
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
//! // Two lists at one path are one list: items of equal content are one item, and each array stands
//! // by its own time.
//! let mut ours = Document::from_value(object("tags", list(&[])), us, at(1))?;
//! let mut theirs = ours.clone();
//! ours.set("/tags", list(&[1, 2]), us, at(8))?;
//! theirs.set("/tags", list(&[1, 3]), eu, at(9))?;
//! ours.merge(&theirs);
//! assert_eq!(ours.at("/tags").map(|tags| tags.len()), Some(3));
//!
//! // An item is edited here and moved there: both, in one item.
//! let keys = Rules::new().keyed("/messages", "id")?;
//! let message = |id: u64| Value::from_iter([("id", id), ("likes", 0)]);
//! let messages = Value::from(vec![message(1), message(2)]);
//! let mut ours = Document::from_value_with(keys, object("messages", messages), us, at(1))?;
//! let mut theirs = ours.clone();
//! ours.move_item("/messages/0", 1, us, at(2))?;
//! theirs.increment("/messages/0/likes", 1, eu, at(2))?;
//! ours.merge(&theirs);
//! assert_eq!(ours.get("/messages/1/likes"), Some(1.into()));
//!
//! // It is deleted here and edited there: the edit survives, in an item that stands last. For a
//! // counter, that is everything that its replica has counted: 1 before, and 1 now.
//! ours.remove("/messages/1", us, at(3))?;
//! theirs.increment("/messages/0/likes", 1, eu, at(3))?;
//! ours.merge(&theirs);
//! assert_eq!(ours.get("/messages/1"), Some(Value::from_iter([("id", 1), ("likes", 2)])));
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
//! Text inside a string is one value. Pushed and inserted items stand in runs, and a run that is typed on from
//! one spot, forwards, backwards or both, stays whole. Only deep inside runs within runs must room
//! be made first: then what another side inserted there meanwhile may come between.
//!
//! # Rules
//!
//! [`Rules`] say what the paths of a document mean, where that is not what the table says: which
//! field keys a list, in what order it is read, which arrays are sets, which values are one, which
//! are counters, and which of several is read. What they decide is in the writes, so all replicas
//! read alike, also those that were started without them.
//!
//! # Serde
//!
//! In JSON, and other formats for people, a document is its replicated state: the writes with their
//! paths, and what was seen. In binary formats it is its canonical bytes ([`wire`](crate::wire)).
//! `to_string()` is the JSON that is read.
//!
//! # Sources
//!
//! Close to Kleppmann and Beresford, *A Conflict-Free Replicated JSON Datatype*, 2017. The causal
//! tree of maps is that of Almeida, Shoker and Baquero, *Delta State Replicated Data Types*, 2018,
//! §7.4, flattened into one kernel with paths for payloads.

mod codec;
mod edit;
mod error;
#[cfg(feature = "json")]
mod json;
mod read;
mod rules;
mod snapshot;
mod state;
mod writes;

pub use crate::value::{Kind, Number, Value};
pub use edit::{Edit, Input, Overwritten};
pub use error::DocumentError;
pub use read::{
    Change, Claim, Conflict, ConflictKind, Contender, Cursor, DeltaPath, DeltaReplicas, DeltaStep,
    DeltaWrite, DeltaWrites, Fields, ItemKey, Items, Path, Report, Step, Written,
};
pub use rules::Rules;
pub use state::DocumentDelta;

use crate::{
    causal,
    merge::{DeltaState, Merge},
    replica::ReplicaId,
    stats::Stats,
    time::{Now, Timestamp},
    version::Version,
};
use alloc::{string::String, vec::Vec};
use core::fmt;
use state::{ROOT, Store};

/// A JSON document that several sides edit at once, merged field by field.
///
/// Fields and items are addressed by JSON Pointers (RFC 6901): `""` is the root, `/title` a field
/// of it, `/messages/0` the first item of a list, `/messages/-` the end of one. The
/// [module](self) lists what each pair of concurrent edits leads to.
///
/// Each write returns a [`DocumentDelta`] to send; [`edit`](Self::edit) makes several as one.
/// [`merge_reporting`](Self::merge_reporting) and [`apply_reporting`](Self::apply_reporting) return
/// what a merge changed and what was in conflict.
///
/// `to_string()` is the document as JSON text. (`serde_json::to_string(&document)` is its
/// replicated *state*, with what a merge needs to know.)
///
/// # Limits
///
/// A document nests at most 127 levels deep, as many as `serde_json` reads back; a path takes at
/// most 16,384 bytes; and there are at most 2²⁴ writes. An edit that would go beyond is an error
/// and changes nothing.
///
/// # Cost
///
/// With *d* the depth of a path: [`get`](Self::get), [`set`](Self::set) and
/// [`remove`](Self::remove) are O(d + what is read, written or removed), and list operations O(d +
/// log items + what is written). [`merge`](Merge::merge) is O(blocks of 64 writes + changes) for
/// whole documents and O(changes) for deltas. If several sides imported the items of one list, every
/// change of that list except an item at its end also costs O(items × log items). A field costs its value and 120 to 160 bytes; the
/// text of its path is stored once for everything below it.
///
/// # Examples
///
/// ```
/// use rejoin::{Document, Merge, Timestamp, document::Value};
///
/// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
/// let now = Timestamp::from_millis(1_717_236_600_000);
/// let booking = Value::from_iter([("title", "Booking"), ("status", "active")]);
/// let mut ours = Document::from_value(booking, us, now)?;
/// let mut theirs = ours.clone();
///
/// ours.set("/title", "Booking Help", us, now)?;
/// theirs.set("/status", "resolved", eu, now)?;
/// ours.merge(&theirs);
/// assert_eq!(ours.get("/title"), Some("Booking Help".into()));
/// assert_eq!(ours.get("/status"), Some("resolved".into()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Document {
    store: Store,
    /// Of this process alone: neither compared nor written out.
    rules: Rules,
}

/// New documents.
impl Document {
    /// A document that was never written. Allocates nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::Document;
    /// assert_eq!(Document::new().to_value(), None);
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// A document that was never written, and will be written by these rules.
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::{Document, document::Rules};
    ///
    /// let document = Document::with_rules(Rules::new().keyed("/messages", "id")?);
    /// assert_eq!(document.to_value(), None);
    /// # Ok::<(), rejoin::document::DocumentError>(())
    /// ```
    pub fn with_rules(rules: Rules) -> Self {
        Self { rules, ..Self::default() }
    }

    /// A document with this content. O(size).
    ///
    /// If two sides import the same content independently and merge, both have that content:
    /// nothing is doubled and nothing is in conflict.
    ///
    /// To send the import as a delta, set the root of a new document instead: `set` returns it.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] if the value nests too deep, is too large, or holds a number that no
    /// document can hold.
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::{Document, Timestamp, document::Value};
    ///
    /// let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let booking = Value::from_iter([("title", "Booking")]);
    /// let document = Document::from_value(&booking, us, now)?;
    ///
    /// let mut same = Document::new();
    /// let delta = same.set("", &booking, us, now)?;
    /// assert_eq!(same, document);
    /// assert_eq!(delta.write_count(), 2);                     // the root, and the title
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_value<'v>(
        value: impl Into<Input<'v>>,
        replica: ReplicaId,
        now: impl Into<Now>,
    ) -> Result<Self, DocumentError> {
        Self::new().imported(value, replica, now)
    }

    /// [`from_value`](Self::from_value), by some rules.
    ///
    /// # Errors
    ///
    /// As [`from_value`](Self::from_value).
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::{Document, Timestamp, document::{Rules, Value}};
    ///
    /// let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let keys = Rules::new().keyed("", "id")?;
    /// let messages = Value::from(vec![Value::from_iter([("id", "m1")])]);
    /// let document = Document::from_value_with(keys, messages, us, now)?;
    /// assert_eq!(document.item("", "m1").as_deref(), Some("/0"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_value_with<'v>(
        rules: Rules,
        value: impl Into<Input<'v>>,
        replica: ReplicaId,
        now: impl Into<Now>,
    ) -> Result<Self, DocumentError> {
        Self::with_rules(rules).imported(value, replica, now)
    }

    fn imported<'v>(
        mut self,
        value: impl Into<Input<'v>>,
        replica: ReplicaId,
        now: impl Into<Now>,
    ) -> Result<Self, DocumentError> {
        self.edit(replica, now).set("", value)?.close();
        Ok(self)
    }

    /// The rules that are written by here.
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::{Document, document::Rules};
    /// assert_eq!(Document::new().rules(), &Rules::new());
    /// ```
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Sets the rules that are written by here from now on: a document that was read from bytes does
    /// not know any. [`Rules`] says what that changes for what is there.
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::{Document, document::Rules, wire};
    ///
    /// let keys = Rules::new().keyed("/messages", "id")?;
    /// let row = wire::to_bytes(&Document::with_rules(keys.clone()));
    /// let mut document: Document = wire::from_bytes(&row)?;
    /// document.set_rules(keys);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_rules(&mut self, rules: Rules) {
        self.rules = rules;
    }
}

/// What is read.
impl Document {
    /// The whole document; `None` if it was never written, or was removed. O(size).
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::{Document, Timestamp};
    ///
    /// let mut document = Document::new();
    /// document.set("", "Hello", "us-east-1".parse()?, Timestamp::from_millis(1))?;
    /// assert_eq!(document.to_value(), Some("Hello".into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_value(&self) -> Option<Value> {
        self.get("")
    }

    /// The value that is read at a JSON Pointer; `None` where nothing is, or where the text is not
    /// a pointer. O(depth + size of the value).
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::{Document, Timestamp};
    ///
    /// let mut document = Document::new();
    /// document.set("/title", "Booking", "us-east-1".parse()?, Timestamp::from_millis(1))?;
    /// assert_eq!(document.get("/title"), Some("Booking".into()));
    /// assert_eq!(document.get("/status"), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get(&self, pointer: &str) -> Option<Value> {
        Some(self.at(pointer)?.to_value())
    }

    /// A cursor on the value that is read at a JSON Pointer; `None` where nothing is, or if the
    /// text is not a JSON Pointer. It clones nothing. O(depth), if no kinds contend.
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp, value::Value};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let title = Value::from_iter([("title", "Booking")]);
    /// let document = Document::from_value(title, us, now)?;
    /// assert_eq!(document.at("/title").and_then(|title| title.as_str()), Some("Booking"));
    /// assert!(document.at("/status").is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn at(&self, pointer: &str) -> Option<Cursor<'_>> {
        Cursor::root(self.store.view())?.at(pointer)
    }

    /// The current JSON Pointer of the item that was written into a list with this key; `None` if
    /// no such item is there. If several items share the key, the first one wins. O(depth + log
    /// items).
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::{Document, Timestamp, document::{Rules, Value}};
    ///
    /// let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let mut document = Document::with_rules(Rules::new().keyed("", "id")?);
    /// let message = |id: &str| Value::from_iter([("id", id)]);
    /// document.set("", Value::from(vec![message("m1"), message("m2")]), us, now)?;
    /// assert_eq!(document.item("", "m2").as_deref(), Some("/1"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn item<'v>(&self, list: &str, key: impl Into<Input<'v>>) -> Option<String> {
        Some(self.at(list)?.keyed(key.into().scalar()?)?.pointer())
    }

    /// The greatest time that anything alive in it is stamped with; `None` if nothing is alive. If
    /// you do not trust your peers, use it to refuse a state from the future: see
    /// [`Stamp`](crate::Stamp). O(writes).
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::{Document, Timestamp};
    ///
    /// let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(7));
    /// let mut document = Document::new();
    /// document.set("/title", "Booking", us, now)?;
    /// assert_eq!(document.latest(), Some(now));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn latest(&self) -> Option<Timestamp> {
        self.store.latest()
    }

    /// What it is made of. O(replicas and gaps). [`Stats`] has an example.
    pub fn stats(&self) -> Stats {
        self.store.kernel.stats()
    }

    /// Every open conflict, sorted by path: each is settled by one [`resolve`](Self::resolve), or
    /// by any write there that has seen it; a conflict of moves by one
    /// [`move_item`](Self::move_item).
    ///
    /// Among deletions, only those of containers and items in which something survived can stay
    /// open: where a field was deleted and set concurrently, the value stands alone and only the
    /// merge reports it. While deltas arrive out of order, a container whose own write is still on
    /// its way is listed as deleted.
    ///
    /// O(size): which parts of a document are in conflict is not indexed.
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::{Document, Merge, Timestamp};
    ///
    /// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// let at = Timestamp::from_millis;
    /// let mut ours = Document::new();
    /// ours.set("/title", "Booking", us, at(1))?;
    /// let mut theirs = ours.clone();
    /// ours.set("/title", "Booking Help", us, at(3))?;
    /// theirs.set("/title", "Booking Assistance", eu, at(2))?;
    /// ours.merge(&theirs);
    ///
    /// let conflict = &ours.conflicts()[0];
    /// assert_eq!(conflict.path, "/title");
    /// assert_eq!(conflict.winner.claim.value(), Some(&"Booking Help".into()));
    /// assert_eq!(conflict.losers[0].claim.value(), Some(&"Booking Assistance".into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn conflicts(&self) -> Vec<Conflict> {
        self.at("").map(|all| all.conflicts()).unwrap_or_default()
    }
}

/// What is written, and joined.
impl Document {
    /// Begins an edit: several writes as one delta, all or nothing. It ends with
    /// [`commit`](Edit::commit); an edit that is dropped without it is undone.
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::{Document, Timestamp};
    ///
    /// let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let mut document = Document::new();
    /// let mut edit = document.edit(us, now);
    /// edit.set("/title", "Booking")?.set("/unread", 1)?;
    /// let delta = edit.commit();
    /// assert_eq!(document.to_string(), r#"{"title":"Booking","unread":1}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn edit(&mut self, replica: ReplicaId, now: impl Into<Now>) -> Edit<'_> {
        Edit::new(&mut self.store, &self.rules, replica, now.into())
    }

    /// Joins `other` as [`merge`](Merge::merge) does, and returns what that changed and what was in
    /// conflict. O(changes × depth), plus the merge, what `other` has not seen yet, and the size of
    /// what is reported.
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::{Document, Timestamp};
    ///
    /// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// let now = Timestamp::from_millis(1);
    /// let mut ours = Document::new();
    /// ours.set("/title", "Booking", us, now)?;
    /// let mut theirs = ours.clone();
    /// theirs.set("/status", "resolved", eu, now)?;
    ///
    /// let report = ours.merge_reporting(&theirs);
    /// assert_eq!(report.changes()[0].path, "/status");
    /// assert!(report.conflicts().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn merge_reporting(&mut self, other: &Self) -> Report {
        self.store.merge_reporting(&other.store)
    }

    /// Joins a delta as [`apply`](DeltaState::apply) does, and returns what that changed and what
    /// was in conflict. O(changes × depth), plus the size of what is reported; if the delta removed
    /// something, also O(fields below that were set more than once, or survived).
    ///
    /// An edit's delta tells which paths it removed, so that a replica that has edited there learns
    /// of it. One computed by [`delta_since`](DeltaState::delta_since) does not: there only the
    /// side that removed learns of such a conflict, once it receives the edit.
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::{Document, Timestamp};
    ///
    /// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// let now = Timestamp::from_millis(1);
    /// let mut ours = Document::new();
    /// ours.set("/title", "Booking", us, now)?;
    /// let mut theirs = ours.clone();
    ///
    /// let delta = theirs.remove("/title", eu, now)?;
    /// let report = ours.apply_reporting(&delta);
    /// assert_eq!(report.changes()[0].before, Some("Booking".into()));
    /// assert_eq!(report.changes()[0].after, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn apply_reporting(&mut self, delta: &DocumentDelta) -> Report {
        self.store.apply_reporting(delta)
    }

    /// What [`apply_reporting`](Self::apply_reporting) would return: what the delta would change,
    /// and what would be in conflict. The document stays as it is: it is equal to what it was, and
    /// so are its version and its bytes.
    ///
    /// Use it to look at a delta before you let it in, together with
    /// [`DocumentDelta::writes`]. The cost is that of `apply_reporting`, twice at most, however
    /// large the document is: the delta is joined, and that is taken back. So it takes `&mut self`,
    /// though the caller sees no change.
    ///
    /// A report is about what is *read*. It does not tell of writes that lose against others, nor of
    /// dots that a delta claims to have seen while they are still on their way; see
    /// [`DocumentDelta::replicas`] and the guide's chapter on strangers.
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::{DeltaState, Document, Timestamp, document::Value};
    ///
    /// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// let now = Timestamp::from_millis(1);
    /// let start = Value::from_iter([("title", "Booking"), ("status", "active")]);
    /// let mut ours = Document::from_value(start, us, now)?;
    /// let mut theirs = ours.clone();
    /// let delta = theirs.remove("/status", eu, now)?;
    ///
    /// let report = ours.preview(&delta);
    /// assert!(report.changes().iter().any(|it| it.path == "/status" && it.after.is_none()));
    /// assert_eq!(ours.get("/status"), Some("active".into()));
    /// assert_eq!(ours.apply_reporting(&delta), report);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn preview(&mut self, delta: &DocumentDelta) -> Report {
        self.draft(|document| document.apply_reporting(delta))
    }

    /// What [`merge_reporting`](Self::merge_reporting) would return; the document stays as it is.
    /// The cost is that of `merge_reporting`, twice at most: see [`preview`](Self::preview).
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::{Document, Timestamp};
    ///
    /// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// let now = Timestamp::from_millis(1);
    /// let mut ours = Document::new();
    /// ours.set("/title", "Booking", us, now)?;
    /// let mut theirs = ours.clone();
    /// theirs.set("/status", "resolved", eu, now)?;
    ///
    /// let report = ours.preview_merge(&theirs);
    /// assert_eq!(report.changes()[0].path, "/status");
    /// assert_eq!(ours.get("/status"), None);
    /// assert_eq!(ours.merge_reporting(&theirs), report);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn preview_merge(&mut self, other: &Self) -> Report {
        self.draft(|document| document.merge_reporting(other))
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
        if self.store.kernel.is_empty() && !self.store.journal.is_open() {
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

    fn draft<R>(&mut self, edit: impl FnOnce(&mut Self) -> R) -> R {
        causal::draft(self, edit)
    }
}

impl causal::Drafted for Document {
    fn begin(&mut self) {
        self.store.begin();
    }

    fn take_back(&mut self) {
        self.store.take_back();
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

/// Equal means converged: also what was seen and the siblings, not only what is read.
impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        self.store == other.store
    }
}

impl Eq for Document {}
