//! What is read from the writes that live, and what reads differently after a merge.
//!
//! Merging decides nothing: all that lives is kept. What is *read* is a pure function of it, and
//! [`view`] is that function.

mod ascending;
mod changes;
mod conflicts;
mod cursor;
mod delta;
mod path;
mod report;
mod text;
mod view;

pub use cursor::{Cursor, Fields, Items};
pub use delta::{DeltaPath, DeltaReplicas, DeltaStep, DeltaWrite, DeltaWrites, ItemKey, Written};
pub use path::{Path, Step};
pub use report::{Change, Claim, Conflict, ConflictKind, Contender, Report};

pub(crate) use ascending::longest_ascending;
pub(crate) use view::{Reading, Slots, View};
