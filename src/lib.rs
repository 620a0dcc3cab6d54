//! Replicated data types.
#![no_std]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod causal;
mod clock;
mod counter;
pub mod document;
mod flag;
mod map;
mod merge;
mod register;
mod replica;
mod set;
mod time;

pub use clock::{Causality, VectorClock};
pub use counter::{GCounter, PnCounter};
pub use document::Document;
pub use flag::EnableFlag;
pub use map::{MapWrite, OrMap};
pub use merge::{DeltaState, Max, Merge, Min};
pub use register::{LwwRegister, MvRegister};
pub use replica::{CounterOverflow, ReplicaId, ReplicaIdError};
pub use set::OrSet;
pub use time::{Now, Stamp, TimeError, Timestamp, WriteError};
