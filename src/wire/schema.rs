//! [`Schema`]: what bytes say they hold, part of their envelope.

use super::Wire;
use core::fmt;
use smallvec::SmallVec;

/// The schema of a type, as it is written.
pub(super) type SchemaBytes = SmallVec<[u8; 8]>;

/// The type of a value as its bytes name it: a tag for each part, outermost first. Prints as the
/// type, such as `OrSet<String>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Schema(pub(super) SchemaBytes);

impl Schema {
    /// How the bytes of a type name it.
    ///
    /// ```
    /// use rejoin::{OrSet, wire::Schema};
    /// assert_eq!(Schema::of::<OrSet<String>>().to_string(), "OrSet<String>");
    /// assert_ne!(Schema::of::<OrSet<String>>(), Schema::of::<OrSet<u64>>());
    /// ```
    pub fn of<T: Wire>() -> Self {
        let mut schema = Self::default();
        T::schema(&mut schema);
        schema
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printed(&self.0).fmt(f)
    }
}

macro_rules! tags {
    ($($tag:ident = $number:literal $name:literal $parts:literal),+ $(,)?) => {
        /// The tags, forever: a number that was used once is never used for anything else.
        #[derive(Clone, Copy, Debug)]
        #[repr(u8)]
        pub(crate) enum Tag {
            $($tag = $number),+
        }

        /// The name of a tag, and how many types follow it.
        const fn describe(tag: u8) -> Option<(&'static str, usize)> {
            Some(match tag {
                $($number => ($name, $parts),)+
                _ => return None,
            })
        }
    };
}

tags! {
    VectorClock = 0x01 "VectorClock" 0, GCounter = 0x02 "GCounter" 0, PnCounter = 0x03 "PnCounter" 0,
    LwwRegister = 0x04 "LwwRegister" 1, MvRegister = 0x05 "MvRegister" 1,
    EnableFlag = 0x06 "EnableFlag" 0, OrSet = 0x07 "OrSet" 1, OrMap = 0x08 "OrMap" 2,
    Document = 0x09 "Document" 0, DocumentDelta = 0x0a "DocumentDelta" 0,
    DotKernel = 0x0b "DotKernel" 1, CausalContext = 0x0c "CausalContext" 0,
    Digest = 0x0d "Digest" 0, MapWrite = 0x0e "MapWrite" 2,

    Option = 0x10 "Option" 1, Max = 0x11 "Max" 1, Min = 0x12 "Min" 1, Map = 0x13 "BTreeMap" 2,
    Set = 0x14 "BTreeSet" 1, Tuple1 = 0x15 "tuple" 1, Tuple2 = 0x16 "tuple" 2,
    Tuple3 = 0x17 "tuple" 3, Tuple4 = 0x18 "tuple" 4, List = 0x19 "Vec" 1,

    Unit = 0x20 "()" 0, Bool = 0x21 "bool" 0, U8 = 0x22 "u8" 0, U16 = 0x23 "u16" 0,
    U32 = 0x24 "u32" 0, U64 = 0x25 "u64" 0, U128 = 0x26 "u128" 0, I8 = 0x27 "i8" 0,
    I16 = 0x28 "i16" 0, I32 = 0x29 "i32" 0, I64 = 0x2a "i64" 0, I128 = 0x2b "i128" 0,
    Text = 0x2c "String" 0, ReplicaId = 0x2d "ReplicaId" 0, Timestamp = 0x2e "Timestamp" 0,
    Stamp = 0x2f "Stamp" 0, Dot = 0x30 "Dot" 0, Value = 0x31 "Value" 0,

    SetDelta = 0x32 "SetDelta" 1, MapDelta = 0x33 "MapDelta" 2, RegisterDelta = 0x34 "RegisterDelta" 1,
    FlagDelta = 0x35 "FlagDelta" 0, Version = 0x36 "Version" 0,

    Fingerprint = 0x37 "Fingerprint" 0, CollectionMessage = 0x40 "CollectionMessage" 0,

    Log = 0x50 "Log" 1, Heartbeat = 0x51 "Heartbeat" 0,
}

const NAMED: u8 = 0x7f;

impl Schema {
    /// What a type is named by in messages of many values.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn tag(&mut self, tag: Tag) {
        self.0.push(tag as u8);
    }

    /// Names a type of your program. The name has at most 255 bytes, and no other type of the
    /// program has it. A longer name is cut off. [`Wire`](super::Wire) has an example.
    pub fn named(&mut self, name: &str) {
        let name = &name.as_bytes()[..name.len().min(255)];
        #[allow(clippy::cast_possible_truncation)] // at most 255
        self.0.extend_from_slice(&[NAMED, name.len() as u8]);
        self.0.extend_from_slice(name);
    }
}

/// A schema for people, as far as this release knows its tags.
pub(super) struct Printed<'a>(pub(super) &'a [u8]);

impl fmt::Display for Printed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, self.0, 8).map(|_| ())
    }
}

/// Prints the schema at the start; returns what follows it. The depth is limited, since a stranger
/// may have written it.
fn print<'a>(
    f: &mut fmt::Formatter<'_>,
    schema: &'a [u8],
    depth: usize,
) -> Result<&'a [u8], fmt::Error> {
    let Some((tag, mut rest)) = schema.split_first().filter(|_| depth > 0) else {
        f.write_str("…")?;
        return Ok(&[]);
    };
    let Some((name, parts)) = describe(*tag) else {
        let name = rest.split_first().and_then(|(len, rest)| rest.split_at_checked((*len).into()));
        let Some((name, rest)) = name.filter(|_| *tag == NAMED) else {
            write!(f, "a type of tag {tag:#04x}")?;
            return Ok(&[]);
        };
        write!(f, "{}", name.escape_ascii())?;
        return Ok(rest);
    };
    f.write_str(name)?;
    for part in 0..parts {
        f.write_str(if part == 0 { "<" } else { ", " })?;
        rest = print(f, rest, depth - 1)?;
    }
    if parts > 0 {
        f.write_str(">")?;
    }
    Ok(rest)
}

/// How many of these bytes are the schema that they begin with; `None` if they begin with none that
/// this release knows, or with one that nests deeper than `depth`.
pub(super) fn len(bytes: &[u8], depth: usize) -> Option<usize> {
    let (tag, rest) = bytes.split_first().filter(|_| depth > 0)?;
    if *tag == NAMED {
        let len = 2 + usize::from(*rest.first()?);
        return (bytes.len() >= len).then_some(len);
    }
    let (_, parts) = describe(*tag)?;
    (0..parts).try_fold(1, |at, _| Some(at + len(bytes.get(at..)?, depth - 1)?))
}
