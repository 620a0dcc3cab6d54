//! Many keyed states and one peer: finds the rows that differ by fingerprints of ranges of keys, and
//! brings over their deltas.
//!
//! Arrows: `reconciler` → `answer`, `flight` → `pack` → `message` → `table`, `range`. `memory` is one
//! [`Table`] among others.

mod answer;
mod error;
mod flight;
mod memory;
mod message;
mod pack;
mod range;
mod reconciler;
mod settings;
mod sums;
mod table;

pub use error::CollectionError;
pub use memory::{Collection, CollectionIter};
pub use range::{KeyRange, Summary};
pub use reconciler::{Outcome, Reconciler};
pub use settings::{Direction, ReconcilerSettings};
pub use table::{Table, shortest_between};
