//! [`WriteError`]: why a write was refused.

use crate::replica::ReplicaId;
use core::{error::Error, fmt};

/// Why a write was refused. The state is as it was. `Copy`.
///
/// Both reasons are 64-bit counts that are used up. Honest use takes centuries to get there, so
/// either is a sign of a forged or corrupted state.
///
/// # Examples
///
/// ```
/// use rejoin::GCounter;
///
/// let us = "us-east-1".parse()?;
/// let mut counter = GCounter::new();
/// counter.increment(u64::MAX, us)?;
/// let error = counter.increment(1, us).unwrap_err();
/// assert!(error.is_counter_overflow());
/// assert_eq!(error.replica(), Some(us));
/// assert_eq!(counter.value(), u128::from(u64::MAX), "as it was");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WriteError(Reason);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Reason {
    Counter(ReplicaId),
    Stamp,
}

impl WriteError {
    #[cold]
    pub(crate) const fn counter_overflow(replica: ReplicaId) -> Self {
        Self(Reason::Counter(replica))
    }

    #[cold]
    pub(crate) const fn stamp_overflow() -> Self {
        Self(Reason::Stamp)
    }

    /// The replica has used up its 64-bit count. Go on under a fresh [`ReplicaId`]. [The
    /// type](Self) has an example.
    pub const fn is_counter_overflow(&self) -> bool {
        matches!(self.0, Reason::Counter(_))
    }

    /// An [`LwwRegister`](crate::LwwRegister) is in its last epoch, and its stamp leaves no later
    /// one that `now` allows. Go on with a new register. Only a forged register gets there.
    pub const fn is_stamp_overflow(&self) -> bool {
        matches!(self.0, Reason::Stamp)
    }

    /// Whose count is used up; `None` if the reason is another. [The type](Self) has an example.
    pub const fn replica(&self) -> Option<ReplicaId> {
        match self.0 {
            Reason::Counter(replica) => Some(replica),
            Reason::Stamp => None,
        }
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Reason::Counter(replica) => write!(
                f,
                "replica {replica} has used up its 64-bit count; write under a fresh replica id"
            ),
            Reason::Stamp => f.write_str(
                "the register's stamp leaves no later one, so it must be forged; go on with a new \
                 register",
            ),
        }
    }
}

impl Error for WriteError {}
