//! [`DecodeError`]: why bytes could not be read as the type asked for.

use super::schema::{self, SchemaBytes};
use alloc::boxed::Box;
use core::{error::Error, fmt};

/// Why bytes could not be read as the type asked for. Opaque and the size of a pointer: ask its
/// predicates what went wrong. It prints as one line.
///
/// # Examples
///
/// ```
/// use rejoin::{GCounter, OrSet, wire};
///
/// let bytes = wire::to_bytes(&GCounter::from_iter([("us-east-1".parse()?, 3)]));
/// let read = |bytes: &[u8]| wire::from_bytes::<GCounter>(bytes);
///
/// assert!(read(b"{}").unwrap_err().is_foreign());
/// assert!(read(&bytes[..bytes.len() - 1]).unwrap_err().is_truncated());
/// let longer = [&bytes[..], &[0]].concat();
/// let error = read(&longer).unwrap_err();
/// assert!(error.is_malformed());
/// assert_eq!(error.offset(), bytes.len());
/// let error = wire::from_bytes::<OrSet<u64>>(&bytes).unwrap_err();
/// assert!(error.is_wrong_type());
/// assert_eq!(error.to_string(), "these bytes hold GCounter, but OrSet<u64> was asked for");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError(Box<Refusal>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Refusal {
    offset: usize,
    reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// The bytes do not begin as ours do.
    Foreign,
    Version(u8),
    Type {
        expected: SchemaBytes,
        found: SchemaBytes,
    },
    /// They end too early.
    Truncated,
    /// A limit, and what it is.
    Limit(&'static str, usize),
    Malformed(&'static str),
}

impl DecodeError {
    #[cold]
    pub(super) fn new(offset: usize, reason: Reason) -> Self {
        Self(Box::new(Refusal { offset, reason }))
    }

    /// The offset in the bytes at which the problem was found.
    pub fn offset(&self) -> usize {
        self.0.offset
    }

    /// The bytes were not made by this library.
    pub fn is_foreign(&self) -> bool {
        matches!(self.0.reason, Reason::Foreign)
    }

    /// The bytes are of another version of the format: read them with a newer release.
    pub fn is_unknown_version(&self) -> bool {
        matches!(self.0.reason, Reason::Version(_))
    }

    /// The bytes hold another type than the one asked for.
    pub fn is_wrong_type(&self) -> bool {
        matches!(self.0.reason, Reason::Type { .. })
    }

    /// The bytes end before the value does.
    pub fn is_truncated(&self) -> bool {
        matches!(self.0.reason, Reason::Truncated)
    }

    /// The value is larger than the reader's [`Limits`](super::Limits) allow.
    pub fn is_limit(&self) -> bool {
        matches!(self.0.reason, Reason::Limit(..))
    }

    /// The bytes are not the canonical bytes of any value.
    pub fn is_malformed(&self) -> bool {
        matches!(self.0.reason, Reason::Malformed(_))
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.reason {
            Reason::Foreign => f.write_str("these bytes were not written by rejoin"),
            Reason::Version(version) => write!(
                f,
                "these bytes have format version {version}, and this release reads version {}: \
                 read them with a newer one",
                super::VERSION
            ),
            Reason::Type { expected, found } => {
                let (expected, found) = (schema::Printed(expected), schema::Printed(found));
                write!(f, "these bytes hold {found}, but {expected} was asked for")
            }
            Reason::Truncated => {
                write!(f, "the bytes end at {}, before the value does", self.0.offset)
            }
            Reason::Limit(what, limit) => {
                write!(f, "at byte {}: over the limit of {limit} {what}", self.0.offset)
            }
            Reason::Malformed(why) => write!(f, "at byte {}: {why}", self.0.offset),
        }
    }
}

impl Error for DecodeError {}
