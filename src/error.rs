//! [`WriteError`], and [`Error`], into which every error of this crate converts.

use crate::{
    document::DocumentError,
    replica::{ReplicaId, ReplicaIdError},
    wire::DecodeError,
};
use alloc::boxed::Box;
use core::{error, fmt};

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

    /// The replica has used up its 64-bit count. Go on under a fresh [`ReplicaId`]. [The type](Self)
    /// has an example.
    pub const fn is_counter_overflow(&self) -> bool {
        matches!(self.0, Reason::Counter(_))
    }

    /// An [`LwwRegister`](crate::LwwRegister) bears the last stamp there is, so no write can come
    /// after it. Go on with a new register. Only a forged register gets there.
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
                "the register bears the last possible stamp, which must be forged; go on with a \
                 new register",
            ),
        }
    }
}

impl error::Error for WriteError {}

/// Any error of this crate: one type for `?` in functions that do several things. One pointer.
///
/// It prints as the error inside, which [`source`](error::Error::source) hands out.
///
/// # Examples
///
/// ```
/// use rejoin::{OrSet, WriteError, wire};
/// use std::error::Error;
///
/// fn seat(row: &[u8], name: &str, region: &str) -> Result<Vec<u8>, rejoin::Error> {
///     let mut seats: OrSet<String> = wire::from_bytes(row)?;
///     seats.insert(name.into(), region.parse()?)?;
///     Ok(wire::to_bytes(&seats))
/// }
///
/// let row = wire::to_bytes(&OrSet::<String>::new());
/// assert!(seat(&row, "ana", "us-east-1").is_ok());
/// let error = seat(b"what is this?", "ana", "us-east-1").unwrap_err();
/// assert_eq!(error.to_string(), "these bytes were not written by rejoin");
/// assert!(error.source().is_some_and(|it| it.is::<wire::DecodeError>()));
/// let error = seat(&row, "ana", "").unwrap_err();
/// assert!(error.source().is_some_and(|it| !it.is::<WriteError>()));
/// ```
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
enum Inner {
    ReplicaId(ReplicaIdError),
    Write(WriteError),
    Document(DocumentError),
    Decode(DecodeError),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Inner::ReplicaId(error) => error.fmt(f),
            Inner::Write(error) => error.fmt(f),
            Inner::Document(error) => error.fmt(f),
            Inner::Decode(error) => error.fmt(f),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(match &*self.0 {
            Inner::ReplicaId(error) => error,
            Inner::Write(error) => error,
            Inner::Document(error) => error,
            Inner::Decode(error) => error,
        })
    }
}

macro_rules! converts {
    ($($error:ident: $inner:ident),+) => {$(
        impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Self(Box::new(Inner::$inner(error)))
            }
        }
    )+};
}
converts!(ReplicaIdError: ReplicaId, WriteError: Write, DocumentError: Document, DecodeError: Decode);
