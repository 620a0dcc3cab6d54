//! [`Invariants`]: what a value relies on, checked.

use crate::{
    causal::{CausalContext, Digest, DotKernel},
    causal_map::{CausalMap, CausalMapDelta, CausalValue},
    clock::VectorClock,
    counter::{BoundedCounter, GCounter, PnCounter},
    document::{Document, DocumentDelta},
    flag::{EnableFlag, FlagDelta},
    gauge::Gauge,
    map::{MapDelta, OrMap},
    presence::{Presence, PresenceDelta, PresenceVersion},
    register::{LwwRegister, MvRegister, RegisterDelta},
    set::{OrSet, SetDelta},
    version::Version,
};
use core::hash::Hash;

/// Checks everything that a value of this crate relies on. For tests and fuzzers that read values
/// from outside; nothing that the functions of this crate make or read breaks an invariant.
///
/// # Examples
///
/// ```
/// use rejoin::{OrSet, laws::Invariants, wire};
///
/// let mut set: OrSet<u64> = OrSet::new();
/// set.extend(0..1_000, "us-east-1".parse()?)?;
/// let read: OrSet<u64> = wire::from_bytes(&wire::to_bytes(&set))?;
/// assert_eq!(read.check_invariants(), Ok(()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Invariants {
    /// Checks the value. O(size).
    ///
    /// # Errors
    ///
    /// Which invariant does not hold: always a bug in this crate.
    fn check_invariants(&self) -> Result<(), &'static str>;
}

/// Each type knows its own.
macro_rules! checked {
    ($($type:ident $(<$($param:ident),+>)?),+ $(,)?) => {$(
        impl$(<$($param: Eq + Hash),+>)? Invariants for $type$(<$($param),+>)? {
            fn check_invariants(&self) -> Result<(), &'static str> {
                self.check_invariants()
            }
        }
    )+};
}
checked! {
    CausalContext, Digest, DotKernel<P>, VectorClock, GCounter, PnCounter, BoundedCounter, Gauge,
    MvRegister<T>, RegisterDelta<T>, EnableFlag, FlagDelta, OrSet<T>, SetDelta<T>, OrMap<K, V>, MapDelta<K, V>,
    Document, DocumentDelta, Presence<K, V>, PresenceDelta<K, V>, PresenceVersion,
}

/// That of the digest.
impl Invariants for Version {
    fn check_invariants(&self) -> Result<(), &'static str> {
        self.0.check_invariants()
    }
}

impl<K: Clone + Ord + Hash, V: CausalValue> Invariants for CausalMap<K, V> {
    fn check_invariants(&self) -> Result<(), &'static str> {
        self.check_invariants()
    }
}

impl<K: Clone + Ord + Hash, V: CausalValue> Invariants for CausalMapDelta<K, V> {
    fn check_invariants(&self) -> Result<(), &'static str> {
        self.check_invariants()
    }
}

/// A value and its stamp rely on nothing.
impl<T> Invariants for LwwRegister<T> {
    fn check_invariants(&self) -> Result<(), &'static str> {
        Ok(())
    }
}
