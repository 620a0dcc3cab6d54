//! Conflict-free replicated data types (CRDTs): replicas write without asking each other, and
//! whatever order their states meet in, they *rejoin* to the same value.
//!
//! States are plain values. Clone them, compare them (`==` means converged), store them in any
//! database and send them over any transport: nothing here knows of either.
//!
//! ```
//! use rejoin::{Merge, PnCounter};
//!
//! let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
//! let mut in_us = PnCounter::new();
//! let mut in_eu = PnCounter::new();
//! in_us.increment(2, us)?;                   // the link is down; both count on
//! in_eu.increment(1, eu)?;
//! let delta = in_eu.decrement(1, eu)?;       // each write returns what it did
//!
//! in_us.merge(&in_eu);                       // the link is up
//! in_us.merge(&delta);                       // a repeat does no harm
//! in_eu.merge(&in_us);
//! assert_eq!(in_us, in_eu);
//! assert_eq!(in_us.value(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The [guide] has a page for each job: storing a state in a database row, syncing two processes,
//! choosing ids, conflicts.
//!
//! # Which type
//!
//! | shared state | type | concurrent writes |
//! |---|---|---|
//! | how much of each replica was seen | [`VectorClock`] | the greater count of each replica |
//! | a count that only grows | [`GCounter`] | all count |
//! | a count that goes up and down, and outlives who counted | [`PnCounter`] | all count |
//! | a stock that must not be overdrawn: seats, quotas | [`BoundedCounter`] | each replica takes what it has rights to |
//! | how many are open now, without those of the dead | [`Gauge`] | all count |
//! | who is online, without those of the dead | [`Presence`] | each replica has entries of its own |
//! | one value, the last write | [`LwwRegister`] | the greater (time, replica) stays; the other is gone |
//! | one value, nothing lost | [`MvRegister`] | all stay as siblings |
//! | on or off | [`EnableFlag`] | on wins |
//! | a set | [`OrSet`] | an insert beats a remove |
//! | a map of values | [`OrMap`] | an insert beats a remove; between inserts the greater (time, replica) wins |
//! | a JSON document | [`Document`] | field by field |
//! | a map of these by key | [`CausalMap`] | what a remove had seen goes, the rest stays |
//! | the same, never removed | [`GMap`] | each key on its own; keys are never removed |
//! | several of these as one | a tuple, `Option`, `BTreeMap` or `HashMap` of them | each part on its own |
//! | a struct of these | `derive(Merge, DeltaState)`, with the feature `derive` | each field on its own |
//! | one of your own | [`Merge`] for it, or one that composes a [`causal::DotKernel`] | |
//!
//! Methods are named as in std: a set has `insert`, `remove`, `contains`, `iter`, `retain`,
//! `clear`. A write also takes the [`ReplicaId`] that writes and, last, the time if it is stamped.
//! It returns its delta. Removing what is absent is not an error: it writes nothing, and the delta
//! is empty.
//!
//! # Identity and time
//!
//! Every write names its replica, and a [`ReplicaId`] has one writer at a time: [its
//! documentation](ReplicaId) says how to keep that promise with a database row. Writes that need a
//! time take the caller's ([`Timestamp`]); it decides only between writes that were truly
//! concurrent.
//!
//! # Syncing
//!
//! Three ways, which can be mixed: send whole states and [`Merge::merge`] them; send the delta that
//! each write returns and [`DeltaState::apply`] it; or ask a peer for [`DeltaState::delta_since`]
//! the [`DeltaState::version`] that you have. Nothing has to arrive in order, once, or at all: the
//! next state or answer makes up for what was lost.
//!
//! # Errors
//!
//! No input makes this crate panic. Each area has one opaque error that is cheap to return, with
//! predicates to ask it: [`ReplicaIdError`], [`WriteError`],
//! [`DocumentError`](document::DocumentError) and [`DecodeError`](wire::DecodeError). All convert
//! into [`Error`]. A call that fails has changed nothing.
//!
//! # Bytes
//!
//! [`wire::to_bytes`] writes states, deltas and versions in their one canonical form, and
//! [`wire::from_bytes`] reads what comes from anywhere: a sound value, or one typed error.
//!
//! # Scope
//!
//! What this crate does not do: it opens no socket and no file, reads no clock, starts no thread
//! and keeps no global state. It elects nobody and locks nothing. It does not merge text inside a
//! string. It does not authenticate: a merge believes what it is given, so check who sends it.
//!
//! # Features
//!
//! Only `std` is on by default, so that a program that only counts compiles 9 small crates and no
//! serde.
//!
//! - **`std`** (default): [`Merge`] for `HashMap` and `HashSet`, [`DeltaState`] for `HashMap`, a
//!   [`Timestamp`] from `SystemTime`, and a random seed per process for the element indexes.
//!   Without it the crate is `no_std` with `alloc`, and the seeds are fixed at compile time: anyone
//!   who chooses the elements of a set can then make its lookups slow.
//! - **`serde`**: `Serialize` and `Deserialize` for every type: readable in JSON, compact in binary
//!   formats, validated on the way in. Turn it on to store or send states in a format of your own;
//!   the canonical bytes of [`wire`] need no feature. Documents that hold floats need a format that
//!   reads floats exactly: with `serde_json` that is its feature `float_roundtrip`.
//! - **`json`**: documents from and to `serde_json::Value`, which is what a service usually has in
//!   hand. Turns on `serde`, and `float_roundtrip` of `serde_json`. Without it a document is built
//!   from [`document::Value`] and still writes JSON text with `to_string`.
//! - **`derive`**: `derive(Merge, DeltaState, Wire)` for your own structs, which makes their deltas
//!   and versions too. The documentation of the crate `rejoin-derive` is the chapter on it. Compiles
//!   `syn`, as `serde` does.
//! - **`laws`**: the module `laws`, which checks that a [`Merge`] or [`DeltaState`] type of your own
//!   keeps the rules. Meant for `[dev-dependencies]`; brings no dependency.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

/// What derived code calls. Not for programs: it changes without notice.
#[cfg(feature = "derive")]
#[doc(hidden)]
#[path = "derived.rs"]
pub mod __private;
mod any_error;
pub mod causal;
pub mod causal_map;
pub mod clock;
pub mod counter;
pub mod document;
mod error;
pub mod flag;
pub mod gauge;
mod gmap;
// Its code is compiled with the features that it needs, and its text belongs to the documentation.
#[cfg(all(doc, any(not(doctest), feature = "json")))]
pub mod guide;
mod iter;
mod known;
#[cfg(feature = "laws")]
pub mod laws;
#[cfg(feature = "serde")]
mod listed;
mod liveness;
pub mod map;
mod merge;
pub mod presence;
pub mod register;
mod replica;
pub mod set;
mod stats;
pub mod sync;
mod tally;
mod time;
pub mod value;
mod version;
pub mod wire;

pub use any_error::Error;
pub use causal_map::{CausalMap, CausalMapDelta, CausalValue};
pub use clock::{Causality, VectorClock};
pub use counter::{BoundedCounter, GCounter, PnCounter};
pub use document::Document;
pub use error::WriteError;
pub use flag::{EnableFlag, FlagDelta};
pub use gauge::Gauge;
pub use gmap::GMap;
pub use known::Known;
pub use liveness::Liveness;
pub use map::{MapDelta, OrMap};
pub use merge::{Delta, DeltaState, Max, Merge, Min};
pub use presence::{Presence, PresenceDelta, PresenceVersion};
pub use register::{LwwRegister, MvRegister, RegisterDelta};
pub use replica::{ReplicaId, ReplicaIdError};
pub use set::{OrSet, SetDelta};
pub use stats::Stats;
pub use time::{Now, Stamp, Timestamp};
pub use version::Version;

#[cfg(feature = "derive")]
#[cfg_attr(docsrs, doc(cfg(feature = "derive")))]
pub use rejoin_derive::{DeltaState, Merge};

/// The README's code runs as written.
#[cfg(all(doctest, feature = "json"))]
#[doc = include_str!("../README.md")]
struct Readme;
