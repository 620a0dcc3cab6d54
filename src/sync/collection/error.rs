//! [`CollectionError`]: why a message was refused, or a table could not be reconciled.

use crate::wire::DecodeError;
use core::{error::Error, fmt};

/// Why a message was refused, or a table could not be reconciled. The run goes on: what was on its
/// way is asked again after [`resend`](super::Reconciler::resend).
///
/// ```
/// use rejoin::{PnCounter, sync::{Collection, CollectionError, Reconciler, ReconcilerSettings}};
///
/// let mut table: Collection<PnCounter> = Collection::new();
/// let mut peer = Reconciler::new(ReconcilerSettings::new());
/// let error = peer.receive(&mut table, b"GET /").unwrap_err();
/// assert!(matches!(&error, CollectionError::Decode(error) if error.is_foreign()));
/// assert_eq!(error.to_string(), "these bytes were not written by rejoin");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CollectionError<E> {
    /// The bytes are no message; nothing was done.
    Decode(DecodeError),
    /// The table failed. What was applied before that stays.
    Table(E),
    /// The peer answered something that it was not asked; nothing was done.
    Unasked,
    /// Answers wait: poll them before you receive more questions. This one was dropped.
    Backlog,
    /// A key of the table has more bytes than a message may hold: raise
    /// [`message_bytes`](super::ReconcilerSettings::message_bytes), if the key has at most 32 KiB.
    KeyTooLong(usize),
    /// The table did not divide a range, though asked to.
    NotDivided,
}

impl<E> From<DecodeError> for CollectionError<E> {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

impl<E: fmt::Display> fmt::Display for CollectionError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decode(error) => error.fmt(f),
            Self::Table(error) => error.fmt(f),
            Self::Unasked => f.write_str("the peer answered something that it was not asked"),
            Self::Backlog => f.write_str("too many answers wait: poll them before receiving more"),
            Self::KeyTooLong(len) => {
                write!(f, "a key of {len} bytes does not fit into a message: raise message_bytes")
            }
            Self::NotDivided => f.write_str("the table did not divide a range of several rows"),
        }
    }
}

impl<E: Error + 'static> Error for CollectionError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Decode(error) => Some(error),
            Self::Table(error) => Some(error),
            _ => None,
        }
    }
}
