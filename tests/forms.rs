//! `it/forms.rs` and `it/numbers.rs` alone, to be built a second time with what another crate of a user's build may turn
//! on: `cargo test -p rejoin-tests --test forms --features serde_json/arbitrary_precision`. `cargo test`
//! runs them as a part of `it`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::needless_for_each)]
// Samples that forms ask nothing of.
#![allow(dead_code)]

#[path = "it/encoded.rs"]
mod encoded;
#[path = "it/forms.rs"]
mod forms;
#[path = "it/numbers.rs"]
mod numbers;
#[path = "it/samples.rs"]
mod samples;

use rejoin::{ReplicaId, Timestamp};

#[track_caller]
fn replica(name: &str) -> ReplicaId {
    name.parse().expect("a replica id")
}

const fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}
