//! [`DocumentError`]: why a document could not be edited or built.

use crate::{
    error::WriteError,
    replica::ReplicaId,
    value::{
        Kind, NumberError,
        pointer::{DEPTH_MAX, PATH_MAX, PointerError},
    },
};
use alloc::{boxed::Box, string::String};
use core::{error::Error, fmt};

/// Why a document could not be edited or built. The document is as it was.
///
/// Opaque and the size of a pointer. Ask it with its predicates what went wrong, and with
/// [`path`](Self::path) where. It prints as one line that names the offender and the way out.
///
/// # Examples
///
/// ```
/// use rejoin::{Document, Timestamp, document::Value};
///
/// let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
/// let mut document = Document::from_value(Value::from_iter([("title", "Booking")]), us, now)?;
///
/// let error = document.push("/title", "Help", us, now).unwrap_err();
/// assert!(error.is_not_a_list());
/// assert_eq!(error.path(), Some("/title"));
/// assert_eq!(error.to_string(), "/title is not a list: set a list there first, even an empty one");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentError(Box<Failure>);

const _: () = assert!(size_of::<DocumentError>() == size_of::<usize>(), "a result stays small");

/// What went wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Failure {
    /// A JSON Pointer, or as much of it as is shown.
    path: Option<String>,
    reason: Reason,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// The text is not a JSON Pointer.
    InvalidPointer,
    /// Nothing is read there.
    NotFound,
    /// A field or an item was addressed inside a scalar.
    NotAContainer,
    /// Items are inserted into lists and moved in them, and there is something else.
    NotAList,
    /// A list was addressed by this token, which is neither an index nor `-`.
    NotAnIndex(String),
    /// A list is shorter than that.
    OutOfRange { index: usize, len: usize },
    /// Only an integer that an `i64` holds can be counted on.
    NotACounter(Kind),
    /// An `i64` does not hold the sum.
    CountOverflow,
    /// Neither a 64-bit integer nor a finite float: this is how it was spelled.
    InvalidNumber(String),
    /// Deeper than [`DEPTH_MAX`].
    TooDeep,
    /// Longer than [`PATH_MAX`].
    PathTooLong,
    /// More writes than this limit.
    TooManyWrites(usize),
    /// There is no open conflict to resolve.
    NoConflict,
    /// It is one value, and its parts cannot be written.
    Atomic,
    /// The order of a list is not by place: by the field, or by value if it is a set.
    Sorted(Option<String>),
    /// Only scalars can be in a set.
    NotInSet(Kind),
    /// A rule that cannot stand beside another one.
    Contradiction { rule: &'static str, other: &'static str, path: String },
    /// The replica has used up its writes.
    Write(WriteError),
    /// A snapshot's clock does not count the replica that wrote it.
    UncountedWriter(ReplicaId),
    /// A snapshot's clock counts this replica past 2³² − 2.
    SnapshotTooLarge(ReplicaId),
}

impl DocumentError {
    #[cold]
    pub(super) fn at(path: impl Into<String>, reason: Reason) -> Self {
        Self(Box::new(Failure { path: Some(path.into()), reason }))
    }

    #[cold]
    pub(super) fn of(reason: Reason) -> Self {
        Self(Box::new(Failure { path: None, reason }))
    }

    /// Where it went wrong, as a JSON Pointer; `None` if the error is not about one place.
    ///
    /// [The type](Self) has an example. An [invalid pointer](Self::is_invalid_pointer) is returned
    /// as it was given; if a path is [too long](Self::is_path_too_long), only its start is
    /// returned.
    pub fn path(&self) -> Option<&str> {
        self.0.path.as_deref()
    }
}

/// Declares the predicates: each asks for one reason.
macro_rules! predicates {
    ($($(#[doc = $doc:literal])+ $name:ident => $reason:pat,)+) => {
        /// What went wrong: at most one of these is `true`.
        impl DocumentError {
            $(
                $(#[doc = $doc])+
                pub fn $name(&self) -> bool {
                    matches!(self.0.reason, $reason)
                }
            )+
        }
    };
}

predicates! {
    /// The text is not a JSON Pointer: it is neither empty nor starts with `/`, or has a `~` that
    /// is not part of `~0` or `~1`.
    is_invalid_pointer => Reason::InvalidPointer,
    /// Nothing is at the [path](Self::path), the first place on the way where nothing is.
    is_not_found => Reason::NotFound,
    /// A field or an item was addressed inside a scalar, which is at the [path](Self::path).
    is_not_a_container => Reason::NotAContainer,
    /// Items are inserted into lists and moved in them, and something else is at the
    /// [path](Self::path).
    is_not_a_list => Reason::NotAList,
    /// The list at the [path](Self::path) was addressed by something that is neither an index
    /// nor `-`.
    is_not_an_index => Reason::NotAnIndex(_),
    /// The list at the [path](Self::path) is shorter than the index asks for.
    is_out_of_range => Reason::OutOfRange { .. },
    /// What is at the [path](Self::path) is not an integer that an `i64` holds, so it cannot be
    /// counted on.
    is_not_a_counter => Reason::NotACounter(_),
    /// An `i64` does not hold the count that would be at the [path](Self::path).
    is_count_overflow => Reason::CountOverflow,
    /// The number that would be at the [path](Self::path) is neither a 64-bit integer nor a finite
    /// 64-bit float, so no document can hold it as it is: it is infinite or not a number, or
    /// `serde_json` handed it out as text because its feature `arbitrary_precision` is on.
    is_invalid_number => Reason::InvalidNumber(_),
    /// The value would nest deeper than the 127 levels that a document may have.
    is_too_deep => Reason::TooDeep,
    /// The path is longer than 16,384 bytes.
    is_path_too_long => Reason::PathTooLong,
    /// The document would hold more than 2²⁴ writes.
    is_too_many_writes => Reason::TooManyWrites(_),
    /// There is no open conflict at the [path](Self::path) to resolve.
    is_no_conflict => Reason::NoConflict,
    /// What is at the [path](Self::path) is one value by a rule ([`Rules::atomic`]), and a part of
    /// it was to be written.
    ///
    /// [`Rules::atomic`]: crate::document::Rules::atomic
    is_atomic => Reason::Atomic,
    /// The list at the [path](Self::path) is a set, or ordered by a field, and an item was to be
    /// moved, or put at an index.
    is_sorted => Reason::Sorted(_),
    /// The list at the [path](Self::path) is a set, and something other than a scalar was to be put
    /// in.
    is_not_in_set => Reason::NotInSet(_),
    /// The rule for the [path](Self::path) contradicts another one.
    is_contradiction => Reason::Contradiction { .. },
    /// The replica has used up its writes; [`source`](core::error::Error::source) says which.
    is_counter_overflow => Reason::Write(_),
    /// The clock of a snapshot does not count the replica that wrote it, or counts a replica past
    /// 2³² − 2.
    is_invalid_clock => Reason::UncountedWriter(_) | Reason::SnapshotTooLarge(_),
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
        let text = self.0.path.as_deref().unwrap_or_default();
        let path = Named(text);
        match &self.0.reason {
            Reason::InvalidPointer => write!(
                f,
                "{text:?} is not a JSON Pointer: it must be empty or start with '/', with '~' \
                 written as \"~0\" and a '/' inside a name as \"~1\""
            ),
            Reason::NotFound => write!(f, "{path} does not exist: set it first"),
            Reason::NotAContainer => write!(
                f,
                "{path} is a scalar and has nothing inside: set an object or a list there first"
            ),
            Reason::NotAList => {
                write!(f, "{path} is not a list: set a list there first, even an empty one")
            }
            Reason::NotAnIndex(token) => write!(
                f,
                "{token:?} is not an index of the list at {path}: use digits, or \"-\" for its end"
            ),
            Reason::OutOfRange { index, len } => {
                let items = if *len == 1 { "item" } else { "items" };
                write!(f, "index {index} is out of range: the list at {path} has {len} {items}")
            }
            Reason::NotACounter(found) => write!(
                f,
                "{path} holds {found} and not a signed 64-bit integer: set one there to count on"
            ),
            Reason::CountOverflow => {
                write!(f, "the count at {path} would overflow a signed 64-bit integer")
            }
            Reason::InvalidNumber(number) => NumberError::explain(f, text, number),
            Reason::TooDeep => {
                write!(f, "the value at {path} would nest deeper than {DEPTH_MAX} levels")
            }
            Reason::PathTooLong => {
                write!(f, "the path that starts with {text:?} is longer than {PATH_MAX} bytes")
            }
            Reason::TooManyWrites(limit) => {
                write!(f, "{path} does not fit: the document would hold more than {limit} writes")
            }
            Reason::NoConflict => {
                write!(f, "{path} has no open conflict: use set to write there")
            }
            Reason::Atomic => {
                write!(f, "{path} is one value by its rule: set it as a whole")
            }
            Reason::Sorted(Some(field)) => {
                write!(f, "{path} is ordered by {field:?}: push the item, or set that field")
            }
            Reason::Sorted(None) => {
                write!(f, "{path} is a set, which has no order of its own: push the item")
            }
            Reason::NotInSet(found) => {
                write!(f, "{path} is a set of scalars and cannot hold {found}")
            }
            Reason::Contradiction { rule, other, path: with } => write!(
                f,
                "{rule} for {path} contradicts {other} for {}: leave one of them out",
                Named(with)
            ),
            Reason::Write(error) => error.fmt(f),
            Reason::UncountedWriter(replica) => {
                write!(
                    f,
                    "{replica} wrote the snapshot, but its clock counts no write of {replica}"
                )
            }
            Reason::SnapshotTooLarge(replica) => {
                write!(f, "the snapshot's clock counts {replica} past 2^32 - 2")
            }
        }
    }
}

impl Error for DocumentError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0.reason {
            Reason::Write(error) => Some(error),
            _ => None,
        }
    }
}

impl From<WriteError> for DocumentError {
    fn from(error: WriteError) -> Self {
        Self::of(Reason::Write(error))
    }
}

impl From<NumberError> for DocumentError {
    fn from(error: NumberError) -> Self {
        Self::at(error.path(), Reason::InvalidNumber(error.number().into()))
    }
}

impl From<PointerError> for DocumentError {
    fn from(error: PointerError) -> Self {
        match error {
            PointerError::Invalid(text) => Self::at(text, Reason::InvalidPointer),
            PointerError::TooLong(start) => Self::at(start, Reason::PathTooLong),
            PointerError::TooDeep(text) => Self::at(text, Reason::TooDeep),
        }
    }
}
