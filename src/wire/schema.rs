//! [`Schema`]: what bytes say they hold, part of their envelope.

use super::Wire;
use alloc::vec::Vec;
use core::{
    any::type_name,
    fmt,
    hash::{Hash, Hasher},
};
use smallvec::SmallVec;

/// The schema of a type, as it is written.
pub(super) type SchemaBytes = SmallVec<[u8; 8]>;

/// The type of a value as its bytes name it: a tag for each part, outermost first. Prints as the
/// type, such as `OrSet<String>`.
#[derive(Clone, Default)]
pub struct Schema {
    pub(super) bytes: SchemaBytes,
    /// The structs and enums that are being written now, the outer before the inner.
    open: SmallVec<[&'static str; 2]>,
    /// The structs that got fields since they were first written.
    pub(super) grown: Vec<Grown>,
}

/// A struct that has fields which older bytes may lack.
#[derive(Clone)]
pub(super) struct Grown {
    /// Where the schema counts its fields.
    pub(super) at: usize,
    /// How many fields were there from the beginning.
    pub(super) least: usize,
    pub(super) this: &'static str,
}

/// The fields of a struct or of a variant: the name of each, and what writes its schema.
/// [`Schema::structure`] has an example.
pub type Fields<'a> = &'a [(&'a str, fn(&mut Schema))];

/// By what is written alone.
impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Schema {}

impl Hash for Schema {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schema({self})")
    }
}

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
        Printed(&self.bytes).fmt(f)
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
        pub(super) const fn describe(tag: u8) -> Option<(&'static str, usize)> {
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

    Log = 0x50 "Log" 1, Heartbeat = 0x51 "Heartbeat" 0, Gauge = 0x60 "Gauge" 0,
    CausalMap = 0x61 "CausalMap" 2, CausalMapDelta = 0x62 "CausalMapDelta" 2,
    BoundedCounter = 0x63 "BoundedCounter" 0,
    Presence = 0x64 "Presence" 2, PresenceDelta = 0x65 "PresenceDelta" 2,
    PresenceVersion = 0x66 "PresenceVersion" 0,
}

pub(super) const NAMED: u8 = 0x7f;
pub(super) const STRUCT: u8 = 0x7e;
pub(super) const ENUM: u8 = 0x7d;

impl Schema {
    /// What a type is named by in messages of many values.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The schema that these bytes are.
    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        Self { bytes: bytes.into(), ..Self::default() }
    }

    pub(crate) fn tag(&mut self, tag: Tag) {
        self.bytes.push(tag as u8);
    }

    /// Names a type of your program. The name has at most 255 bytes, and no other type of the
    /// program has it. A longer name is cut off. [`Wire`](super::Wire) has an example.
    pub fn named(&mut self, name: &str) {
        self.bytes.push(NAMED);
        self.name(name);
    }

    /// Names the struct `T` of your program with its fields, in the order in which they are written:
    /// what `derive(Wire)` does. Bytes of a struct with other fields are then refused as another
    /// type.
    ///
    /// The fields that were there from the beginning come first, and then those that were added
    /// `later`. Bytes that lack the last of these are accepted: `decode` asks
    /// [`Reader::has_field`](super::Reader::has_field).
    ///
    /// Names are as for [`named`](Self::named), and at most 255 fields are named. Within itself `T`
    /// is named without its fields.
    ///
    /// ```
    /// use rejoin::{GCounter, OrSet, wire::{Schema, Wire}};
    ///
    /// struct Session;
    /// let mut schema = Schema::default();
    /// let later = OrSet::<String>::schema as fn(&mut Schema);
    /// schema.structure::<Session>("Session", &[("open", GCounter::schema)], &[("tags", later)]);
    /// assert_eq!(schema.to_string(), "Session { open: GCounter, tags: OrSet<String> }");
    /// ```
    pub fn structure<T>(&mut self, name: &str, fields: Fields<'_>, later: Fields<'_>) {
        self.once::<T>(STRUCT, name, |schema| {
            if !later.is_empty() {
                let (at, least) = (schema.bytes.len(), fields.len());
                schema.grown.push(Grown { at, least, this: type_name::<T>() });
            }
            let count = (fields.len() + later.len()).min(255);
            schema.byte(count);
            fields.iter().chain(later).take(count).for_each(|field| schema.field(field));
        });
    }

    /// Names the enum `T` of your program with its variants and their fields, as
    /// [`structure`](Self::structure) does for a struct. At most 255 variants are named.
    ///
    /// ```
    /// use rejoin::wire::{Schema, Wire};
    ///
    /// enum Plan { Free, Paid(u64) }
    /// let mut schema = Schema::default();
    /// schema.choice::<Plan>("Plan", &[("Free", &[]), ("Paid", &[("0", u64::schema)])]);
    /// assert_eq!(schema.to_string(), "Plan { Free | Paid { 0: u64 } }");
    /// # let _ = [Plan::Free, Plan::Paid(1)];
    /// ```
    pub fn choice<T>(&mut self, name: &str, variants: &[(&str, Fields<'_>)]) {
        self.once::<T>(ENUM, name, |schema| {
            let variants = &variants[..variants.len().min(255)];
            schema.byte(variants.len());
            for (name, fields) in variants {
                schema.name(name);
                let fields = &fields[..fields.len().min(255)];
                schema.byte(fields.len());
                for field in fields {
                    schema.field(field);
                }
            }
        });
    }

    /// What `write` writes, except within itself.
    fn once<T>(&mut self, tag: u8, name: &str, write: impl FnOnce(&mut Self)) {
        // Two types may have one such name; then the inner one is written without its fields.
        let this = type_name::<T>();
        if self.open.contains(&this) {
            return self.named(name);
        }
        self.bytes.push(tag);
        self.name(name);
        self.open.push(this);
        write(self);
        self.open.pop();
    }

    fn field(&mut self, (name, schema): &(&str, fn(&mut Self))) {
        self.name(name);
        schema(self);
    }

    fn name(&mut self, name: &str) {
        let name = &name.as_bytes()[..name.len().min(255)];
        self.byte(name.len());
        self.bytes.extend_from_slice(name);
    }

    #[allow(clippy::cast_possible_truncation)] // at most 255
    fn byte(&mut self, number: usize) {
        self.bytes.push(number as u8);
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
    let Some((tag, rest)) = schema.split_first().filter(|_| depth > 0) else {
        return cut_off(f);
    };
    match *tag {
        tag @ (NAMED | STRUCT | ENUM) if name(rest).is_none() => print_known(f, tag, rest, depth),
        NAMED => print_name(f, rest),
        STRUCT => {
            let rest = print_name(f, rest)?;
            print_fields(f, rest, depth)
        }
        ENUM => {
            let rest = print_name(f, rest)?;
            print_list(f, rest, " | ", |f, variant| {
                let rest = print_name(f, variant)?;
                print_fields(f, rest, depth)
            })
        }
        tag => print_known(f, tag, rest, depth),
    }
}

/// Nothing after it can be told.
fn cut_off<'a>(f: &mut fmt::Formatter<'_>) -> Result<&'a [u8], fmt::Error> {
    f.write_str("…")?;
    Ok(&[])
}

fn print_known<'a>(
    f: &mut fmt::Formatter<'_>,
    tag: u8,
    mut rest: &'a [u8],
    depth: usize,
) -> Result<&'a [u8], fmt::Error> {
    let Some((name, parts)) = describe(tag) else {
        write!(f, "a type of tag {tag:#04x}")?;
        return Ok(&[]);
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

fn print_name<'a>(f: &mut fmt::Formatter<'_>, bytes: &'a [u8]) -> Result<&'a [u8], fmt::Error> {
    let Some((name, rest)) = name(bytes) else { return cut_off(f) };
    match core::str::from_utf8(name) {
        Ok(name) => write!(f, "{}", name.escape_debug())?,
        Err(_) => write!(f, "{}", name.escape_ascii())?,
    }
    Ok(rest)
}

/// Nothing at all where there is no field, as a unit struct is written.
fn print_fields<'a>(
    f: &mut fmt::Formatter<'_>,
    bytes: &'a [u8],
    depth: usize,
) -> Result<&'a [u8], fmt::Error> {
    if let Some((0, rest)) = bytes.split_first() {
        return Ok(rest);
    }
    print_list(f, bytes, ", ", |f, field| {
        let rest = print_name(f, field)?;
        if rest.is_empty() {
            return Ok(rest);
        }
        f.write_str(": ")?;
        print(f, rest, depth - 1)
    })
}

fn print_list<'a>(
    f: &mut fmt::Formatter<'_>,
    bytes: &'a [u8],
    between: &str,
    mut each: impl FnMut(&mut fmt::Formatter<'_>, &'a [u8]) -> Result<&'a [u8], fmt::Error>,
) -> Result<&'a [u8], fmt::Error> {
    let Some((count, mut rest)) = bytes.split_first() else { return Ok(bytes) };
    f.write_str(" { ")?;
    for at in 0..*count {
        f.write_str(if at == 0 { "" } else { between })?;
        if rest.is_empty() {
            return cut_off(f);
        }
        rest = each(f, rest)?;
    }
    f.write_str(" }")?;
    Ok(rest)
}

pub(super) fn name(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first()?;
    rest.split_at_checked((*len).into())
}

/// How many of these bytes are the schema that they begin with; `None` if they begin with none that
/// this release knows, or with one that nests deeper than `depth`.
pub(super) fn len(bytes: &[u8], depth: usize) -> Option<usize> {
    Some(bytes.len() - after(bytes, depth)?.len())
}

/// What follows the schema at the start.
pub(super) fn after(bytes: &[u8], depth: usize) -> Option<&[u8]> {
    let (tag, rest) = bytes.split_first().filter(|_| depth > 0)?;
    match *tag {
        NAMED => Some(name(rest)?.1),
        STRUCT => after_fields(name(rest)?.1, depth - 1),
        ENUM => {
            let (count, rest) = name(rest)?.1.split_first()?;
            (0..*count).try_fold(rest, |rest, _| after_fields(name(rest)?.1, depth - 1))
        }
        tag => {
            let (_, parts) = describe(tag)?;
            (0..parts).try_fold(rest, |rest, _| after(rest, depth - 1))
        }
    }
}

fn after_fields(bytes: &[u8], depth: usize) -> Option<&[u8]> {
    let (count, rest) = bytes.split_first()?;
    (0..*count).try_fold(rest, |rest, _| after(name(rest)?.1, depth))
}
