//! [`RightsError`]: why a replica may not take or give so much.

use crate::{error::WriteError, replica::ReplicaId};
use alloc::vec::Vec;
use core::{cmp::Reverse, error::Error, fmt};

/// Why a replica may not take or give so much of a [`BoundedCounter`](crate::BoundedCounter). The
/// counter is as it was.
///
/// # Examples
///
/// ```
/// use rejoin::BoundedCounter;
///
/// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
/// let mut seats = BoundedCounter::new();
/// seats.increment(10, us)?;
/// seats.transfer(3, us, eu)?;
/// let error = seats.decrement(5, eu).unwrap_err();
/// assert!(error.is_short());
/// assert_eq!((error.replica(), error.left()), (Some(eu), 3));
/// assert_eq!(error.elsewhere(), [(us, 7)]);
/// assert_eq!(
///     error.to_string(),
///     "replica eu-west-1 has 3 rights, fewer than the 5 that are asked for; us-east-1 has 7 that it \
///      could transfer"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RightsError(Reason);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Reason {
    Short {
        replica: ReplicaId,
        wanted: u64,
        left: u128,
        /// The greatest first.
        elsewhere: Vec<(ReplicaId, u128)>,
    },
    Write(WriteError),
}

impl RightsError {
    #[cold]
    pub(super) fn short(
        replica: ReplicaId,
        wanted: u64,
        left: u128,
        mut elsewhere: Vec<(ReplicaId, u128)>,
    ) -> Self {
        elsewhere.sort_by_key(|(_, rights)| Reverse(*rights));
        Self(Reason::Short { replica, wanted, left, elsewhere })
    }

    /// The replica has fewer rights than it wanted to take or to give. Ask those for a transfer that
    /// have some. [The type](Self) has an example.
    pub const fn is_short(&self) -> bool {
        matches!(self.0, Reason::Short { .. })
    }

    /// Whose edit was refused.
    pub const fn replica(&self) -> Option<ReplicaId> {
        match &self.0 {
            Reason::Short { replica, .. } => Some(*replica),
            Reason::Write(error) => error.replica(),
        }
    }

    /// How many rights the replica has, so that it may take or give fewer; 0 if it has used up its
    /// 64-bit count.
    pub const fn left(&self) -> u128 {
        match self.0 {
            Reason::Short { left, .. } => left,
            Reason::Write(_) => 0,
        }
    }

    /// Which other replicas have rights, and how many, the one with the most first.
    pub fn elsewhere(&self) -> &[(ReplicaId, u128)] {
        match &self.0 {
            Reason::Short { elsewhere, .. } => elsewhere,
            Reason::Write(_) => &[],
        }
    }

    /// That a 64-bit count is used up, if it is that: all that one replica ever took, or ever gave to
    /// another.
    pub const fn as_write(&self) -> Option<&WriteError> {
        match &self.0 {
            Reason::Short { .. } => None,
            Reason::Write(error) => Some(error),
        }
    }
}

impl From<WriteError> for RightsError {
    fn from(error: WriteError) -> Self {
        Self(Reason::Write(error))
    }
}

impl fmt::Display for RightsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (replica, wanted, left, elsewhere) = match &self.0 {
            Reason::Write(error) => return error.fmt(f),
            Reason::Short { replica, wanted, left, elsewhere } => {
                (replica, wanted, left, elsewhere)
            }
        };
        write!(
            f,
            "replica {replica} has {left} rights, fewer than the {wanted} that are asked for; "
        )?;
        match &elsewhere[..] {
            [] => f.write_str("no other has any"),
            [(most, rights)] => write!(f, "{most} has {rights} that it could transfer"),
            [(most, rights), others @ ..] => {
                let all = others.iter().map(|(_, rights)| rights).sum::<u128>();
                write!(
                    f,
                    "{most} has {rights} that it could transfer, and {} more have {all}",
                    others.len()
                )
            }
        }
    }
}

impl Error for RightsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.as_write().map(|error| error as _)
    }
}
