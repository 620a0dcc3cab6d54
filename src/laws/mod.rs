//! The laws of [`Merge`] and [`DeltaState`](crate::DeltaState), checked on types of your own
//! (feature `laws`).
//!
//! [`check`] takes values that you give; [`histories`] and [`delta_histories`] make their own: they
//! play edits, merges and deliveries on several replicas. A law that does not hold is returned as a
//! [`Violation`], which `unwrap` prints in full.
//!
//! Shapiro et al., *Conflict-free Replicated Data Types*, 2011, §2.2; Almeida, Shoker and
//! Baquero, *Delta State Replicated Data Types*, 2018, §4.
//!
//! # Examples
//!
//! ```
//! use rejoin::{Merge, laws};
//!
//! #[derive(Clone, Debug, PartialEq)]
//! struct Peak(u64);
//!
//! impl Merge for Peak {
//!     fn merge(&mut self, other: &Self) -> bool {
//!         let grows = other.0 > self.0;
//!         self.0 = self.0.max(other.0);
//!         grows
//!     }
//! }
//!
//! laws::check(&[Peak(1), Peak(2), Peak(3)])?;
//! laws::histories(0..100, &Peak(0), |peak, choice, _, _| peak.0 = peak.0.max(choice))?;
//! # Ok::<(), laws::Violation>(())
//! ```

mod history;
mod invariants;

pub use history::{delta_histories, histories};
pub use invariants::Invariants;

use crate::merge::Merge;
use alloc::{format, string::String, vec::Vec};
use core::{
    error::Error,
    fmt::{self, Debug},
};

/// A law, which prints as an equation. There `a ⊔ b` is `a` after `a.merge(&b)`, or after
/// `a.apply(&b)` where `b` is a delta.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Law {
    /// A value joined with itself is itself.
    Idempotent,
    /// `merge` and `apply` return whether they changed the state.
    Honest,
    /// The order of two values does not matter.
    Commutative,
    /// The join of two values is above both: joined once more, it stays.
    UpperBound,
    /// `merge_owned` does and returns what `merge` does.
    MergeOwned,
    /// It does not matter which two of three values are joined first.
    Associative,
    /// An edit only goes up: a replica that has not seen it cannot undo it by merging.
    Upward,
    /// A delta does what its edit did.
    Delta,
    /// An edit that was refused has changed nothing.
    Refused,
    /// Deltas may be joined into one message, and may change places.
    Message,
    /// `delta_since` brings a peer to at least this state, and does no more than a merge.
    DeltaSince,
    /// `apply_owned` does and returns what `apply` does.
    ApplyOwned,
    /// An empty delta changes nothing, and the default delta is empty.
    Empty,
    /// All states of a history meet in one, whatever their order.
    Convergent,
    /// All deltas of a history are that state, whatever their order.
    Deltas,
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Idempotent => "a ⊔ a == a",
            Self::Honest => "what a ⊔ b returns == whether it changed a",
            Self::Commutative => "a ⊔ b == b ⊔ a",
            Self::UpperBound => "a ⊔ (a ⊔ b) == a ⊔ b",
            Self::MergeOwned => "a.merge_owned(b) == a.merge(&b)",
            Self::Associative => "(a ⊔ b) ⊔ c == a ⊔ (b ⊔ c)",
            Self::Upward => "a ⊔ b == b, where an edit made b of a",
            Self::Delta => "a ⊔ b == a after the edit that returned b",
            Self::Refused => "a after an edit that was refused == a",
            Self::Message => "a ⊔ (b ⊔ c) == (a ⊔ c) ⊔ b, where edits wrote b and c",
            Self::DeltaSince => "a ⊔ b.delta_since(&a.version()) == a ⊔ b",
            Self::ApplyOwned => "a.apply_owned(b) == a.apply(&b)",
            Self::Empty => "a ⊔ b == a, where b is empty, as the default is",
            Self::Convergent => "all states, joined in order == in reverse",
            Self::Deltas => "all that edits wrote, joined in some order == all states",
        })
    }
}

/// A law that a type breaks, and how. `Display` and `Debug` both print it on several lines, so
/// that `unwrap` in a test shows all there is to know.
///
/// Values are shown by their `Debug`. If both sides look alike, they differ in something that
/// `Debug` leaves out.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// The law.
    pub law: Law,
    /// Its `a`, `b` and `c`, if it has them.
    pub values: Vec<String>,
    /// What its left side is.
    pub left: String,
    /// What its right side is.
    pub right: String,
    /// The seed of the history; `None` from [`check`].
    pub seed: Option<u64>,
    /// The history: what all replicas start from, and a line for each step.
    pub script: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the law {:?} does not hold: {}", self.law, self.law)?;
        let sides = [("left", &self.left), ("right", &self.right)];
        for (name, value) in ["a", "b", "c"].into_iter().zip(&self.values).chain(sides) {
            write!(f, "\n  {name:5} = {value}")?;
        }
        if let Some(seed) = self.seed {
            write!(f, "\nseed {seed}, without the steps that it does not need:")?;
        }
        self.script.iter().enumerate().try_for_each(|(at, line)| write!(f, "\n  {at:2}. {line}"))
    }
}

impl Debug for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for Violation {}

/// Checks the laws of [`Merge`] on each one, two and three of `values`.
///
/// Pass values that share a history, some of them equal, some above others. O(*n*³) merges and
/// clones for *n* values, so a dozen is many.
///
/// ```
/// use std::collections::BTreeSet;
/// rejoin::laws::check(&[BTreeSet::from([1]), BTreeSet::from([1, 2]), BTreeSet::from([3])])?;
/// # Ok::<(), rejoin::laws::Violation>(())
/// ```
///
/// # Errors
///
/// The first law that does not hold.
pub fn check<T: Merge + Clone + PartialEq + Debug>(values: &[T]) -> Result<(), Violation> {
    for a in values {
        values.iter().try_for_each(|b| check_two(a, b))?;
    }
    for (a, b) in values.iter().flat_map(|a| values.iter().map(move |b| (a, b))) {
        let ab = joined(a, b);
        for c in values {
            let right = joined(a, &joined(b, c));
            same(Law::Associative, &[a, b, c], &joined(&ab, c), &right)?;
        }
    }
    Ok(())
}

fn check_two<T: Merge + Clone + PartialEq + Debug>(a: &T, b: &T) -> Result<(), Violation> {
    same(Law::Idempotent, &[a], &joined(a, a), a)?;
    let (mut ab, mut owned) = (a.clone(), a.clone());
    let changed = ab.merge(b);
    same(Law::Honest, &[a, b], &changed, &(ab != *a))?;
    same(Law::Commutative, &[a, b], &ab, &joined(b, a))?;
    same(Law::UpperBound, &[a, b], &joined(a, &ab), &ab)?;
    let owned_changed = owned.merge_owned(b.clone());
    same(Law::MergeOwned, &[a, b], &(owned_changed, owned), &(changed, ab))
}

fn joined<T: Merge + Clone>(a: &T, b: &T) -> T {
    let mut a = a.clone();
    a.merge(b);
    a
}

fn same<R: PartialEq + Debug>(
    law: Law,
    values: &[&dyn Debug],
    left: &R,
    right: &R,
) -> Result<(), Violation> {
    if left == right {
        return Ok(());
    }
    let values = values.iter().map(|value| format!("{value:?}")).collect();
    let (left, right) = (format!("{left:?}"), format!("{right:?}"));
    Err(Violation { law, values, left, right, seed: None, script: Vec::new() })
}
