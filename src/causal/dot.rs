//! [`Dot`]: the name of one write.

use crate::replica::ReplicaId;
use core::{fmt, num::NonZeroU64};

/// The name of one write: who wrote, and which of its writes it is, counted from 1. 40 bytes,
/// `Copy`.
///
/// Ordered by replica, then by counter.
///
/// ```
/// use rejoin::causal::Dot;
///
/// let us = "us-east-1".parse()?;
/// let third = Dot::new(us, 3.try_into()?);
/// assert_eq!((third.replica(), third.counter()), (us, 3));
/// assert_eq!(third.to_string(), "us-east-1:3");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Dot {
    replica: ReplicaId,
    counter: NonZeroU64,
}

impl Dot {
    /// The write number `counter` of `replica`. [The type](Self) has an example.
    pub const fn new(replica: ReplicaId, counter: NonZeroU64) -> Self {
        Self { replica, counter }
    }

    /// Who wrote. [The type](Self) has an example.
    pub const fn replica(self) -> ReplicaId {
        self.replica
    }

    /// Which of the replica's writes it is; at least 1. [The type](Self) has an example.
    pub const fn counter(self) -> u64 {
        self.counter.get()
    }

    /// The dot of a counter that is at least 1 by its caller's invariants.
    pub(crate) fn of(replica: ReplicaId, counter: u64) -> Self {
        Self { replica, counter: NonZeroU64::new(counter).unwrap_or(NonZeroU64::MIN) }
    }
}

impl fmt::Display for Dot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.replica, self.counter)
    }
}

impl fmt::Debug for Dot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
