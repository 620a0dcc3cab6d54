//! Synchronisation without I/O: what replicas tell one another so that they converge.
//!
//! Everything here works on any [`DeltaState`](crate::DeltaState) or on bytes, over any transport,
//! and reads no clock.
//!
//! - [`Fingerprint`]: whether two states, or two tables of them, are the same.
//! - [`health`]: how far behind a peer is, and whether it is there at all.
//! - [`Log`]: deltas by position: what was, what came since, and what may be forgotten.

mod collection;
mod fingerprint;
mod gate;
pub mod health;
mod log;
mod session;

pub use collection::{
    Collection, CollectionError, CollectionIter, Direction, KeyRange, Outcome, Reconciler,
    ReconcilerSettings, Summary, Table, shortest_between,
};
pub use fingerprint::{Fingerprint, FingerprintError};
pub use gate::{Gate, Refused};
pub use log::{CatchUp, Log, LogError};
pub use session::{Event, Session, SessionError, SessionSettings};
