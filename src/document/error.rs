//! [`DocumentError`]: why a document could not be edited.

use crate::{
    error::WriteError,
    replica::ReplicaId,
    value::{
        Kind,
        pointer::{DEPTH_MAX, PATH_MAX, PointerError},
    },
};
use alloc::string::String;
use core::{error::Error, fmt};

/// Why a document could not be edited or built. It is as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DocumentError {
    /// Not a JSON Pointer: neither empty nor starting with `/`, or with a `~` that is not `~0`
    /// or `~1`.
    InvalidPointer {
        /// The text in question.
        pointer: String,
    },
    /// Nothing is there.
    NotFound {
        /// The first path on the way where nothing is.
        path: String,
    },
    /// A field or an item was addressed inside a scalar.
    NotAContainer {
        /// Where it stands.
        path: String,
        /// What stands there.
        found: Kind,
    },
    /// Items are inserted into lists and moved in them, and no list is there.
    NotAList {
        /// Where none is.
        path: String,
    },
    /// A list was addressed by something that is neither an index nor `-`.
    NotAnIndex {
        /// The list.
        path: String,
        /// What it was addressed by.
        token: String,
    },
    /// A list does not reach so far.
    OutOfRange {
        /// The list.
        path: String,
        /// The index in question.
        index: usize,
        /// How many items it has.
        len: usize,
    },
    /// Only an integer of 64 bits, signed, can be counted on.
    NotACounter {
        /// Where it stands.
        path: String,
        /// What stands there.
        found: Kind,
    },
    /// The count would leave the integers of 64 bits, signed.
    CountOverflow {
        /// Where.
        path: String,
    },
    /// Deeper than documents may nest: 127 levels.
    TooDeep {
        /// Where.
        path: String,
        /// How many levels are allowed.
        limit: usize,
    },
    /// Longer than paths may be: 16,384 bytes.
    PathTooLong {
        /// How it starts.
        path: String,
        /// How many bytes are allowed.
        limit: usize,
    },
    /// More writes than a document may hold: 2²⁴.
    TooManyWrites {
        /// Where the first one too many was to go.
        path: String,
        /// How many are allowed.
        limit: usize,
    },
    /// Nothing to resolve: no conflict stands open there.
    NoConflict {
        /// Where.
        path: String,
    },
    /// The replica has used up its count of writes.
    Counter(WriteError),
    /// A snapshot's clock does not count the replica that wrote it.
    UncountedWriter {
        /// The writer.
        replica: ReplicaId,
    },
    /// A snapshot's clock counts past 2³² − 2, or it has 2³² leaves.
    SnapshotTooLarge {
        /// Whose count it is.
        replica: ReplicaId,
    },
}

/// A path as a reader recognises it: the root's is empty.
struct Named<'a>(&'a str);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "the root" } else { self.0 })
    }
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidPointer { pointer } => write!(
                f,
                "{pointer:?} is not a JSON Pointer: it is empty or starts with '/', and '~' is written \
                 \"~0\", '/' in a name \"~1\""
            ),
            Self::NotFound { path } => write!(f, "there is nothing at {}", Named(path)),
            Self::NotAContainer { path, found } => {
                write!(
                    f,
                    "{} holds {found}, which has nothing inside; set it as a whole",
                    Named(path)
                )
            }
            Self::NotAList { path } => {
                write!(f, "there is no list at {}; set one there first, be it empty", Named(path))
            }
            Self::NotAnIndex { path, token } => {
                let path = Named(path);
                write!(f, "{token:?} is no index of the list at {path}: digits, or - for its end")
            }
            Self::OutOfRange { path, index, len } => {
                write!(f, "the list at {} has {len} items, so {index} is out of range", Named(path))
            }
            Self::NotACounter { path, found } => write!(
                f,
                "{} holds {found} that is no integer of 64 bits; set one there to count on",
                Named(path)
            ),
            Self::CountOverflow { path } => {
                write!(f, "the count at {} would leave the integers of 64 bits", Named(path))
            }
            Self::TooDeep { path, limit } => {
                let path = Named(path);
                write!(f, "the value at {path} would nest deeper than {limit} levels")
            }
            Self::PathTooLong { path, limit } => {
                write!(f, "a path that starts with {path:?} is longer than {limit} bytes")
            }
            Self::TooManyWrites { path, limit } => write!(
                f,
                "with what was to be written at {} the document would hold more than {limit} writes",
                Named(path)
            ),
            Self::NoConflict { path } => {
                write!(f, "no conflict stands open at {}; use set to write there", Named(path))
            }
            Self::Counter(error) => error.fmt(f),
            Self::UncountedWriter { replica } => {
                write!(
                    f,
                    "the snapshot's clock does not count a write of {replica}, which wrote it"
                )
            }
            Self::SnapshotTooLarge { replica } => write!(
                f,
                "the snapshot's clock counts {replica} past 2^32 - 2, or the snapshot has 2^32 leaves"
            ),
        }
    }
}

impl Error for DocumentError {}

impl From<WriteError> for DocumentError {
    fn from(error: WriteError) -> Self {
        Self::Counter(error)
    }
}

impl From<PointerError> for DocumentError {
    fn from(error: PointerError) -> Self {
        match error {
            PointerError::Invalid(pointer) => Self::InvalidPointer { pointer },
            PointerError::TooLong(path) => Self::PathTooLong { path, limit: PATH_MAX },
            PointerError::TooDeep(path) => Self::TooDeep { path, limit: DEPTH_MAX },
        }
    }
}
