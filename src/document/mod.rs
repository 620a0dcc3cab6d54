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
//! | object, array and scalar at one path | all are kept; the kind that holds the greatest (time, replica) is read; reported |
//! | deleted, then created again | only the new writes |
//! | a later write by a replica with an older wall clock | the later write |
//! | equal times | the greater replica id, in both orders |
//! | equal values written concurrently | that value, no conflict |
//! | the same JSON imported on two sides | that JSON, nothing doubled |
//!
//! Arrays are single values for now: two sides that change one array concurrently are in conflict
//! over the whole of it.

mod delta;
mod edit;
mod error;
#[cfg(feature = "serde")]
mod form;
#[cfg(feature = "json")]
mod json;
mod path;
mod report;
mod snapshot;
mod tree;
mod value;
mod write;

pub use delta::DocumentDelta;
pub use edit::Edit;
pub use error::DocumentError;
pub use report::{Change, Conflict, ConflictKind, Contender, Report};
pub use value::{Kind, Number, Value};

use crate::{
    causal::{Digest, DotKernel},
    merge::{DeltaState, Merge},
    replica::ReplicaId,
    time::Now,
};
use path::Path;
use tree::{Tree, View};
use write::Write;

/// A JSON document that several sides edit at once, merged field by field.
///
/// Fields are addressed by JSON Pointers (RFC 6901): `""` is the root, `/title` a field of it. A
/// document nests at most 128 levels deep, an array in it at most 64. The [module](self) lists what each pair of concurrent
/// edits leads to.
///
/// With *d* the depth of a path: [`get`](Self::get), [`set`](Self::set) and
/// [`remove`](Self::remove) are O(d + what is read, written or removed);
/// [`merge`](Merge::merge) is O(blocks of 64 writes + changes) for whole documents and
/// O(changes) for deltas. A field costs its value, the text of its
/// path, and about 240 bytes.
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
/// ours.apply(delta);                        // or ours.merge(&theirs)
/// assert_eq!(ours.get("/title"), Some("Booking Help".into()));
/// assert_eq!(ours.get("/status"), Some("resolved".into()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Document {
    kernel: DotKernel<Write>,
    tree: Tree,
}

impl Document {
    /// The document that was never written. Allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// A document with this content. Two sides that import the same content independently and
    /// merge have that content, nothing doubled and nothing in conflict.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] if the value nests too deep.
    pub fn from_value(
        value: impl Into<Value>,
        replica: ReplicaId,
        now: impl Into<Now>,
    ) -> Result<Self, DocumentError> {
        let mut document = Self::new();
        document.set("", value, replica, now)?;
        Ok(document)
    }

    /// The whole document; none if it was never written, or was removed. O(size).
    pub fn to_value(&self) -> Option<Value> {
        self.view().get(&Path::root())
    }

    /// The value that is read at a JSON Pointer; none where nothing is, or where the text is no
    /// pointer. O(depth + size of the value).
    pub fn get(&self, pointer: &str) -> Option<Value> {
        self.view().get(&Path::parse(pointer).ok()?)
    }

    /// The kind of the value that is read at a JSON Pointer; none where nothing is. O(depth),
    /// where no object stands against a scalar or an array.
    pub fn kind(&self, pointer: &str) -> Option<Kind> {
        self.view().kind(&Path::parse(pointer).ok()?)
    }

    /// Writes `value` at `pointer`, over all that this replica sees there and below; returns the
    /// delta. The containers on the way must exist and be objects; `""` sets the whole document.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] names the path and what stood in the way; the document is as it was.
    pub fn set(
        &mut self,
        pointer: &str,
        value: impl Into<Value>,
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

    /// Turns what this replica sees into `value` with the fewest writes, and none where nothing
    /// differs; returns the delta. The way in for a service that holds whole documents. O(size of
    /// both).
    ///
    /// # Errors
    ///
    /// [`DocumentError`] if the value nests too deep; the document is as it was.
    pub fn update(
        &mut self,
        value: impl Into<Value>,
        replica: ReplicaId,
        now: impl Into<Now>,
    ) -> Result<DocumentDelta, DocumentError> {
        self.edit(replica, now, |edit| edit.update(value))
    }

    /// Settles the [conflict](Self::conflicts) that stands open at `pointer`: writes `value` over
    /// all siblings seen here; returns the delta. Unlike [`set`](Self::set) it refuses where
    /// nothing is in conflict, so that a decision that came late overwrites nothing.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] if no conflict stands open there; the document is as it was.
    pub fn resolve(
        &mut self,
        pointer: &str,
        value: impl Into<Value>,
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
        let mut edit = Edit::new(self, replica, now.into());
        writes(&mut edit)?;
        Ok(edit.finish())
    }

    /// Checks everything the document relies on. For tests and fuzzers; O(size).
    ///
    /// # Errors
    ///
    /// Which invariant does not hold: always a bug in this crate.
    pub fn check_invariants(&self) -> Result<(), &'static str> {
        self.kernel.check_invariants()?;
        self.view().check_invariants(&self.kernel)
    }

    fn view(&self) -> View<'_> {
        View { tree: &self.tree, blocks: self.kernel.blocks() }
    }
}

impl Merge for Document {
    fn merge(&mut self, other: &Self) -> bool {
        self.kernel.join(&other.kernel, &mut self.tree)
    }

    fn merge_owned(&mut self, other: Self) -> bool {
        if self.kernel.is_empty() {
            *self = other;
            return !self.kernel.is_empty();
        }
        self.merge(&other)
    }
}

impl DeltaState for Document {
    type Delta = DocumentDelta;
    type Version = Digest;

    fn version(&self) -> Digest {
        self.kernel.version()
    }

    fn delta_since(&self, peer: &Digest) -> DocumentDelta {
        self.kernel.delta_since(peer).into()
    }

    fn apply(&mut self, delta: DocumentDelta) -> bool {
        self.kernel.join(&delta.kernel, &mut self.tree)
    }
}

/// Equal means converged: also what was seen and the siblings, not only what is read.
impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        self.kernel == other.kernel
    }
}

impl Eq for Document {}

impl From<DotKernel<Write>> for Document {
    fn from(kernel: DotKernel<Write>) -> Self {
        let tree = Tree::over(&kernel);
        Self { kernel, tree }
    }
}

impl From<DotKernel<Write>> for DocumentDelta {
    fn from(kernel: DotKernel<Write>) -> Self {
        Self { kernel, removals: alloc::vec::Vec::new() }
    }
}
