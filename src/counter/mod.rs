//! Counters: [`GCounter`] only grows, [`PnCounter`] goes both ways,
//! [`BoundedCounter`] never below 0.
//!
//! Shapiro et al., *A comprehensive study of Convergent and Commutative Replicated Data Types*,
//! 2011, §3.1.

mod bounded;
mod g;
mod pn;

pub use bounded::{BoundedCounter, RightsError};
pub use g::GCounter;
pub use pn::PnCounter;
