//! Canonical bytes: what states, deltas and versions are stored and sent as.
//!
//! Equal values have equal bytes, on every machine and whatever their history, so bytes can be
//! compared, hashed and deduplicated; and bytes that decode encode to themselves again. Decoding is
//! total: any bytes are a value that keeps every invariant, or a [`DecodeError`]. `docs/wire.md`
//! in the repository has the layout byte by byte, for readers in other languages.
//!
//! The `serde` forms say the same in any format; these bytes are smaller, faster, and the ones
//! whose layout is promised.
//!
//! ```
//! use rejoin::{OrSet, wire};
//!
//! let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
//! let mut ours: OrSet<String> = OrSet::new();
//! ours.insert("ana".into(), us)?;
//! let row = wire::to_bytes(&ours);                            // into a column, a cache, a queue
//!
//! let mut theirs: OrSet<String> = wire::from_bytes(&row)?;
//! let message = wire::to_bytes(&theirs.insert("bo".into(), eu)?);
//! assert!(wire::apply_bytes(&mut ours, &message)?);
//! assert_eq!(wire::to_bytes(&ours), wire::to_bytes(&theirs)); // converged
//!
//! let error = wire::merge_bytes(&mut ours, b"{}").unwrap_err();
//! assert_eq!(error.to_string(), "these bytes were not written by rejoin");
//! assert_eq!(ours, theirs);                                   // as it was
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Versions
//!
//! A release reads every format version up to its own, and writes its own. It refuses bytes of a
//! later version as a whole ([`DecodeError::is_unknown_version`]) and never guesses: if releases
//! are mixed, update the readers first.

mod column;
mod error;
mod limits;
mod older;
mod reader;
mod schema;
mod values;
mod writer;

pub use error::DecodeError;
pub use limits::Limits;
pub use reader::Reader;
pub use schema::{Fields, Schema};
pub use writer::Writer;

#[cfg(feature = "derive")]
#[cfg_attr(docsrs, doc(cfg(feature = "derive")))]
pub use rejoin_derive::Wire;

pub(crate) use column::{read_times, unzigzag, write_times, zigzag};
pub(crate) use schema::Tag;

use crate::merge::{DeltaState, Merge};
use alloc::vec::Vec;
use error::Reason;

/// All bytes begin with these. No text in any Unicode encoding begins with them.
const MAGIC: [u8; 2] = [0xf9, b'j'];

/// The version of the format that is written.
const VERSION: u8 = 1;

/// Types that nest deeper are not told.
const SCHEMA_DEPTH: usize = 32;

/// An error tells this much of what a stranger calls a type.
const TOLD_MAX: usize = 512;

/// A type that has canonical bytes: all types of this crate, their deltas and versions, the values
/// that they are made of, and a program's own types that implement it.
///
/// # Implementing
///
/// With the feature `derive`, structs and enums derive it. By hand: a value has one spelling: `decode` has to refuse whatever `encode` does not write, and what
/// `encode` writes must depend on nothing but what `==` compares. It writes at least one byte. The
/// columns are for speed and size, and have defaults.
///
/// ```
/// use rejoin::{OrSet, wire::{self, DecodeError, Reader, Schema, Wire, Writer}};
///
/// #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
/// struct Session { user: u64, device: String }
///
/// impl Wire for Session {
///     fn schema(schema: &mut Schema) {
///         schema.named("Session");
///     }
///     fn encode(&self, out: &mut Writer) {
///         self.user.encode(out);
///         self.device.encode(out);
///     }
///     fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
///         Ok(Self { user: u64::decode(input)?, device: String::decode(input)? })
///     }
/// }
///
/// let mut open = OrSet::new();
/// open.insert(Session { user: 7, device: "phone".into() }, "us-east-1".parse()?)?;
/// let bytes = wire::to_bytes(&open);
/// assert_eq!(wire::from_bytes::<OrSet<Session>>(&bytes)?, open);
/// assert_eq!(
///     wire::from_bytes::<OrSet<u64>>(&bytes).unwrap_err().to_string(),
///     "these bytes hold OrSet<Session>, but OrSet<u64> was asked for"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no canonical bytes: it does not implement `Wire`",
    label = "has no canonical bytes",
    note = "a struct or an enum of your own derives `Wire`",
    note = "leave a derived field out with `#[rejoin(skip)]`, or write it by functions of your own with `#[rejoin(with = module)]`"
)]
pub trait Wire: Sized {
    /// Names the type; part of the envelope, so that bytes of another type are refused as such.
    fn schema(schema: &mut Schema);

    /// Writes the value.
    fn encode(&self, out: &mut Writer);

    /// Reads a value.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the bytes are not what [`encode`](Self::encode) writes for any value.
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError>;

    /// Writes many values; writes nothing if there are no values.
    fn encode_column<'a>(values: impl Iterator<Item = &'a Self> + Clone, out: &mut Writer)
    where
        Self: 'a,
    {
        values.for_each(|value| value.encode(out));
    }

    /// Reads `count` values as [`encode_column`](Self::encode_column) writes them. The count may
    /// come from a stranger: do not allocate for it in advance; [`Reader::room`] says how much is
    /// safe.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the bytes are not what [`encode_column`](Self::encode_column) writes for
    /// any values.
    fn decode_column(count: usize, input: &mut Reader<'_>) -> Result<Vec<Self>, DecodeError> {
        let mut values = Vec::with_capacity(input.room(count, size_of::<Self>()));
        for _ in 0..count {
            let start = input.offset();
            values.push(Self::decode(input)?);
            if input.offset() == start {
                return Err(input.malformed("a value takes no byte"));
            }
        }
        Ok(values)
    }
}

/// The canonical bytes of a value: a state, a delta, a version or a part of one. O(size).
///
/// # Examples
///
/// ```
/// use rejoin::{PnCounter, wire};
///
/// let us = "us-east-1".parse()?;
/// let mut counter = PnCounter::new();
/// let delta = counter.increment(2, us)?;
/// let (row, message) = (wire::to_bytes(&counter), wire::to_bytes(&delta));
/// assert_eq!(row, message, "the first delta is the whole state: equal values, equal bytes");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn to_bytes<T: Wire>(value: &T) -> Vec<u8> {
    let mut out = Writer::with_room();
    out.bytes(&MAGIC);
    out.byte(VERSION);
    out.bytes(&Schema::of::<T>().bytes);
    value.encode(&mut out);
    out.into_bytes()
}

/// Reads a value from its canonical bytes, within the default [`Limits`]. O(length).
///
/// # Examples
///
/// ```
/// use rejoin::{OrSet, PnCounter, wire};
///
/// let mut counter = PnCounter::new();
/// counter.increment(2, "us-east-1".parse()?)?;
/// let bytes = wire::to_bytes(&counter);
///
/// let read: PnCounter = wire::from_bytes(&bytes)?;
/// assert_eq!(read, counter);
/// assert!(wire::from_bytes::<OrSet<u64>>(&bytes).unwrap_err().is_wrong_type());
/// assert!(wire::from_bytes::<PnCounter>(&bytes[..9]).unwrap_err().is_truncated());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`DecodeError`] if the bytes are not those of any `T`.
pub fn from_bytes<T: Wire>(bytes: &[u8]) -> Result<T, DecodeError> {
    from_bytes_within(bytes, &Limits::default())
}

/// Reads a value from its canonical bytes, within the given limits. O(length).
///
/// # Examples
///
/// ```
/// use rejoin::{GCounter, wire::{self, Limits}};
///
/// const FROM_A_DEVICE: Limits = Limits::new().bytes(4096).replicas(16);
///
/// let bytes = wire::to_bytes(&GCounter::new());
/// assert_eq!(wire::from_bytes_within::<GCounter>(&bytes, &FROM_A_DEVICE)?, GCounter::new());
/// let long = [0; 5000];
/// assert!(wire::from_bytes_within::<GCounter>(&long, &FROM_A_DEVICE).unwrap_err().is_limit());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`DecodeError`] if the bytes are not those of any `T`, or of one that exceeds a limit.
pub fn from_bytes_within<T: Wire>(bytes: &[u8], limits: &Limits) -> Result<T, DecodeError> {
    let mut input = open(bytes, limits)?;
    expect::<T>(&mut input)?;
    let value = T::decode(&mut input)?;
    input.finish()?;
    Ok(value)
}

/// Reads the name of a type, which has to be this one.
pub(crate) fn expect<T: Wire>(input: &mut Reader<'_>) -> Result<(), DecodeError> {
    skip_schema(&Schema::of::<T>(), input)
}

/// Reads the schema of the bytes, which must be this one, or that of a struct before it grew.
fn skip_schema(schema: &Schema, input: &mut Reader<'_>) -> Result<(), DecodeError> {
    let found = input.rest();
    let told = &found[..found.len().min(schema.bytes.len())];
    if schema.bytes.starts_with(told) {
        return input.bytes(schema.bytes.len()).map(|_| ());
    }
    let older = if schema.grown.is_empty() { None } else { older::compare(schema, found) };
    let Some((len, counts)) = older else {
        let (expected, found) = (schema.bytes.clone(), found[..found.len().min(TOLD_MAX)].into());
        return Err(input.refuse(Reason::Type { expected, found }));
    };
    input.older = counts;
    input.bytes(len).map(|_| ())
}

/// The reader behind the magic number and the version.
fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Reader<'a>, DecodeError> {
    let mut input = Reader::new(bytes, limits)?;
    let magic = &bytes[..bytes.len().min(MAGIC.len())];
    if !MAGIC.starts_with(magic) {
        return Err(input.refuse(Reason::Foreign));
    }
    input.bytes(MAGIC.len())?;
    match input.byte()? {
        VERSION => Ok(input),
        version => Err(input.refuse(Reason::Version(version))),
    }
}

/// What type bytes hold, without reading the value: to tell states from deltas in a log, or to
/// refuse a message early. O(length of the type).
///
/// ```
/// use rejoin::{OrSet, wire::{self, Schema}};
///
/// let mut open: OrSet<String> = OrSet::new();
/// let delta = open.insert("ana".into(), "us-east-1".parse()?)?;
/// let schema = wire::schema_of(&wire::to_bytes(&delta))?;
/// assert_eq!(schema.to_string(), "SetDelta<String>");
/// assert_ne!(schema, Schema::of::<OrSet<String>>());
/// assert!(wire::schema_of(b"{}").unwrap_err().is_foreign());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`DecodeError`] if the bytes are not those of this format version, or name a type that this
/// release does not know. The value behind the type is not looked at.
pub fn schema_of(bytes: &[u8]) -> Result<Schema, DecodeError> {
    let input = open(bytes, &Limits::default())?;
    let found = input.rest();
    let len = schema::len(found, SCHEMA_DEPTH);
    let len = len.ok_or_else(|| input.malformed("the type is unknown, or is cut off"))?;
    Ok(Schema::from_bytes(&found[..len]))
}

/// Merges the state that these bytes hold into `state`; returns whether that changed it. O(length),
/// plus the merge.
///
/// # Examples
///
/// ```
/// use rejoin::{GCounter, wire};
///
/// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
/// let (mut ours, mut theirs) = (GCounter::new(), GCounter::new());
/// ours.increment(1, us)?;
/// theirs.increment(2, eu)?;
/// let row = wire::to_bytes(&theirs);
/// assert!(wire::merge_bytes(&mut ours, &row)?);
/// assert!(!wire::merge_bytes(&mut ours, &row)?, "nothing new the second time");
/// assert_eq!(ours.value(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// As [`from_bytes`]; the state is as it was.
pub fn merge_bytes<T: Wire + Merge>(state: &mut T, bytes: &[u8]) -> Result<bool, DecodeError> {
    Ok(state.merge_owned(from_bytes(bytes)?))
}

/// Applies the delta that these bytes hold to `state`; returns whether that changed it. O(length),
/// plus what applying it costs.
///
/// # Examples
///
/// ```
/// use rejoin::{OrSet, wire};
///
/// let us = "us-east-1".parse()?;
/// let (mut ours, mut theirs) = (OrSet::new(), OrSet::<String>::new());
/// let message = wire::to_bytes(&ours.insert("ana".to_string(), us)?);
/// assert!(wire::apply_bytes(&mut theirs, &message)?);
/// assert_eq!(ours, theirs);
/// assert!(wire::apply_bytes(&mut theirs, b"a stranger's bytes").unwrap_err().is_foreign());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// As [`from_bytes`]; the state is as it was.
pub fn apply_bytes<T: DeltaState<Delta: Wire>>(
    state: &mut T,
    bytes: &[u8],
) -> Result<bool, DecodeError> {
    Ok(state.apply_owned(from_bytes(bytes)?))
}
