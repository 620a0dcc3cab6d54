//! The integration tests, in one binary.
//!
//! A `world` is several replicas of one type, each compared with an obvious model after every step;
//! `spec` holds those models. `history` plays random histories in such a world, `small` all short
//! ones. `pitfalls`, `table` and `found` are the named cases.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// The replicas a, b and c; figures for people; traces that read as sentences.
#![allow(
    clippy::many_single_char_names,
    clippy::cast_precision_loss,
    clippy::needless_for_each,
    clippy::needless_pass_by_value
)]

mod accessors;
mod allocations;
mod amplification;
mod basics;
mod bounded;
mod canonical;
mod causal_map;
mod collection;
mod corpus;
mod cpu;
mod cursors;
mod deep;
mod deltas;
mod dialogues;
mod documents;
mod drafts;
mod effort;
mod encoded;
mod forms;
mod found;
mod gate;
mod gauge;
mod gmap;
mod growth;
mod guesses;
mod health;
mod history;
mod hostile;
mod iterators;
mod known;
mod laws;
mod leases;
mod lists;
mod log;
mod network;
mod numbers;
mod pitfalls;
mod presence;
mod previews;
mod replay;
mod reports;
mod rules;
mod samples;
mod session_counters;
mod sessions;
mod size;
mod small;
mod spec;
mod surface;
mod sync;
mod table;
mod tried;
mod versions;
mod world;
mod wrong;

use rejoin::{ReplicaId, Timestamp};

#[track_caller]
fn replica(name: &str) -> ReplicaId {
    name.parse().expect("a replica id")
}

const fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}
