//! [`Error`], into which every error of this crate converts.

use crate::{
    counter::RightsError, document::DocumentError, error::WriteError, replica::ReplicaIdError,
    value::NumberError, wire::DecodeError,
};
use alloc::boxed::Box;
use core::{error, fmt};

/// Any error of this crate: one type for `?` in functions that do several things. One pointer. With
/// feature `json` it also takes the errors of `serde_json`, which typed reads of documents return.
///
/// It prints as the error inside and has its [`source`](error::Error::source), so that a chain of
/// errors names nothing twice. [`as_document`](Self::as_document) and the other `as_` methods
/// return the error inside.
///
/// # Examples
///
/// ```
/// use rejoin::{OrSet, wire};
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
/// assert!(error.as_decode().is_some_and(|it| it.is_foreign()));
/// let error = seat(&row, "ana", "").unwrap_err();
/// assert!(error.as_replica_id().is_some() && error.as_write().is_none());
/// ```
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
enum Inner {
    ReplicaId(ReplicaIdError),
    Write(WriteError),
    Rights(RightsError),
    Document(DocumentError),
    Decode(DecodeError),
    Number(NumberError),
    #[cfg(feature = "json")]
    Json(serde_json::Error),
}

impl Error {
    /// Why a text is not a replica id, if that went wrong.
    pub fn as_replica_id(&self) -> Option<&ReplicaIdError> {
        if let Inner::ReplicaId(error) = &*self.0 { Some(error) } else { None }
    }

    /// Why a write to a set, map, counter, register, flag or clock was refused, if that went wrong.
    pub fn as_write(&self) -> Option<&WriteError> {
        if let Inner::Write(error) = &*self.0 { Some(error) } else { None }
    }

    /// Why a [`BoundedCounter`](crate::BoundedCounter) refused an edit, if that went wrong.
    pub fn as_rights(&self) -> Option<&RightsError> {
        if let Inner::Rights(error) = &*self.0 { Some(error) } else { None }
    }

    /// Why a document was not edited or built, if that went wrong.
    pub fn as_document(&self) -> Option<&DocumentError> {
        if let Inner::Document(error) = &*self.0 { Some(error) } else { None }
    }

    /// Why bytes were refused, if that went wrong.
    pub fn as_decode(&self) -> Option<&DecodeError> {
        if let Inner::Decode(error) = &*self.0 { Some(error) } else { None }
    }

    /// Which number a [`Value`](crate::value::Value) cannot hold, if that went wrong.
    pub fn as_number(&self) -> Option<&NumberError> {
        if let Inner::Number(error) = &*self.0 { Some(error) } else { None }
    }

    fn inner(&self) -> &(dyn error::Error + 'static) {
        match &*self.0 {
            Inner::ReplicaId(error) => error,
            Inner::Write(error) => error,
            Inner::Rights(error) => error,
            Inner::Document(error) => error,
            Inner::Decode(error) => error,
            Inner::Number(error) => error,
            #[cfg(feature = "json")]
            Inner::Json(error) => error,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.inner(), f)
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.inner().source()
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
converts!(
    ReplicaIdError: ReplicaId,
    WriteError: Write,
    RightsError: Rights,
    DocumentError: Document,
    DecodeError: Decode,
    NumberError: Number
);

#[cfg(feature = "json")]
impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self(Box::new(Inner::Json(error)))
    }
}
