//! What is derived, and the laws of it.

#![allow(clippy::unwrap_used)]
// Small numbers, and modules whose functions take references because derived code passes them.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::default_trait_access,
    clippy::items_after_statements,
    clippy::trivially_copy_pass_by_ref
)]

mod attributes;
mod bytes;
mod edits;
mod laws;
mod nested;
mod types;

use rejoin::{ReplicaId, Timestamp};

fn replica(name: &str) -> ReplicaId {
    name.parse().unwrap()
}

const fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}
