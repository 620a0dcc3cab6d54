//! [`WriteError`]: why a write was refused.

use crate::replica::ReplicaId;
use core::{error::Error, fmt};

/// Why a write was refused. The state is as it was. `Copy`.
///
/// A 64-bit count is used up: honest use takes centuries to get there, so it is a sign of a forged
/// or corrupted state. Or a [`Gauge`](crate::Gauge) is told what cannot be: that more is closed than
/// is open, or something of a life that is over.
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
    /// Fewer are open than were to be closed: how many are.
    NotOpen(ReplicaId, u64),
    /// Another incarnation has written: which.
    Superseded(ReplicaId, u32),
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

    #[cold]
    pub(crate) const fn not_open(replica: ReplicaId, open: u64) -> Self {
        Self(Reason::NotOpen(replica, open))
    }

    #[cold]
    pub(crate) const fn superseded(replica: ReplicaId, by: u32) -> Self {
        Self(Reason::Superseded(replica, by))
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

    /// This life of the replica has fewer open in a [`Gauge`](crate::Gauge) than were to be closed.
    /// What an earlier life opened ended with it, and there is nothing to close.
    ///
    /// ```
    /// use rejoin::Gauge;
    /// let error = Gauge::new().close(1, "us-east-1".parse()?).unwrap_err();
    /// assert!(error.is_not_open());
    /// assert_eq!(
    ///     error.to_string(),
    ///     "replica us-east-1 has 0 open, fewer than were to be closed; close only what this \
    ///      incarnation has opened"
    /// );
    /// # Ok::<(), rejoin::ReplicaIdError>(())
    /// ```
    pub const fn is_not_open(&self) -> bool {
        matches!(self.0, Reason::NotOpen(..))
    }

    /// A greater incarnation of the replica has written to this [`Gauge`](crate::Gauge), so this
    /// life is over. Go on under an incarnation that is greater still.
    ///
    /// ```
    /// use rejoin::{Gauge, ReplicaId};
    /// let us: ReplicaId = "us-east-1".parse()?;
    /// let mut gauge = Gauge::new();
    /// gauge.open(1, us.with_incarnation(3))?;
    /// let error = gauge.open(1, us.with_incarnation(2)).unwrap_err();
    /// assert!(error.is_superseded());
    /// assert_eq!(
    ///     error.to_string(),
    ///     "replica us-east-1#2 was followed by incarnation 3; write under a greater one"
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn is_superseded(&self) -> bool {
        matches!(self.0, Reason::Superseded(..))
    }

    /// Whose write was refused; `None` if the reason is a stamp. [The type](Self) has an example.
    pub const fn replica(&self) -> Option<ReplicaId> {
        match self.0 {
            Reason::Counter(replica)
            | Reason::NotOpen(replica, _)
            | Reason::Superseded(replica, _) => Some(replica),
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
            Reason::NotOpen(replica, open) => write!(
                f,
                "replica {replica} has {open} open, fewer than were to be closed; close only what \
                 this incarnation has opened"
            ),
            Reason::Superseded(replica, by) => write!(
                f,
                "replica {replica} was followed by incarnation {by}; write under a greater one"
            ),
        }
    }
}

impl Error for WriteError {}
