//! Counters: [`GCounter`] only grows, [`PnCounter`] goes both ways.
//!
//! Shapiro et al., *A comprehensive study of Convergent and Commutative Replicated Data Types*,
//! 2011, §3.1.

mod g;
mod pn;

pub use g::GCounter;
pub use pn::PnCounter;
