//! [`Error`], into which every error of this crate converts.

use crate::{
    document::DocumentError, error::WriteError, replica::ReplicaIdError, wire::DecodeError,
};
use alloc::boxed::Box;
use core::{error, fmt};

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
