//! CRDTs, replicated data types: replicas write without asking each other, and whatever order
//! their states meet in, they *rejoin* to the same value.
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
//! | shared state | type | of concurrent writes |
//! |---|---|---|
//! | how much has been seen of whom | [`VectorClock`] | the greater of each count |
//! | a count that only grows | [`GCounter`] | all count |
//! | a count that goes both ways | [`PnCounter`] | all count |
//! | one value, the last write | [`LwwRegister`] | the greater (time, replica); the other is gone |
//! | one value, nothing lost | [`MvRegister`] | all stay as siblings |
//! | on or off | [`EnableFlag`] | on |
//! | a set | [`OrSet`] | an add beats a remove |
//! | a map of values | [`OrMap`] | a put beats a remove; of puts the greater (time, replica) |
//! | a JSON document | [`Document`] | field by field |
//! | one of your own | [`Merge`] for it, or a page over [`causal::DotKernel`] | |
//!
//! # Identity and time
//!
//! Every write names its replica, and a [`ReplicaId`] has one writer at a time: its documentation
//! says how to keep that promise with a database row. Writes that need a time take the caller's
//! ([`Timestamp`]); it decides only between writes that were truly concurrent.
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
//! - `std` (default): [`Merge`] for `HashMap` and `HashSet`, and a random seed per process for
//!   the element indexes. Without it the crate is `no_std` with `alloc`.
//! - `json` (default): documents from and to `serde_json::Value`. Implies `serde`.
//! - `serde`: `Serialize` and `Deserialize` for every type: readable in JSON, compact in binary
//!   formats, validated on the way in. Documents that hold floats need a format that reads floats
//!   exactly: with `serde_json` that is its feature `float_roundtrip`, which `json` turns on.
//! - `laws`: the module `laws`, which checks your own [`Merge`] and [`DeltaState`] types in tests.
#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod causal;
mod clock;
mod counter;
pub mod document;
mod flag;
// Its code is compiled with the features that it needs, and its text belongs to the documentation.
#[cfg(all(doc, any(not(doctest), feature = "json")))]
pub mod guide;
#[cfg(feature = "laws")]
pub mod laws;
#[cfg(feature = "serde")]
mod listed;
mod map;
mod merge;
mod register;
mod replica;
mod set;
mod time;
pub mod wire;

pub use clock::{Causality, VectorClock};
pub use counter::{GCounter, PnCounter};
pub use document::Document;
pub use flag::EnableFlag;
pub use map::{MapWrite, OrMap};
pub use merge::{DeltaState, Max, Merge, Min};
pub use register::{LwwRegister, MvRegister, StampOverflow};
pub use replica::{CounterOverflow, ReplicaId, ReplicaIdError};
pub use set::OrSet;
pub use time::{Now, Stamp, Timestamp};

/// The README's code runs as written.
#[cfg(all(doctest, feature = "json"))]
#[doc = include_str!("../README.md")]
struct Readme;
