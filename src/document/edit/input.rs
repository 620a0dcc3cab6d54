//! [`Input`]: what documents are written from.

use crate::{
    document::{
        error::{DocumentError, Reason},
        state::Content,
    },
    value::{Kind, Number, NumberError, Value, pointer::DEPTH_MAX},
};
use alloc::{
    borrow::Cow,
    collections::{BTreeMap, btree_map},
    format,
    string::String,
    vec::Vec,
};
use core::fmt;

/// What documents are written from: anything that converts into a [`Value`], and a `Value` itself,
/// by reference or owned. You rarely name it: pass a text, a number, an `Option`, a `Vec`, a map.
///
/// With feature `json` also a `serde_json::Value`, and through [`Input::serialize`] anything that
/// implements `Serialize`. Texts and whole values are not copied on the way to the write; items of
/// arrays and fields of maps of your own become a [`Value`] first.
///
/// ```
/// use rejoin::{Document, ReplicaId, Timestamp, document::{DocumentError, Input}, value::Value};
///
/// /// Sets a field to whatever there is to note.
/// fn note<'v>(
///     document: &mut Document,
///     what: impl Into<Input<'v>>,
/// ) -> Result<(), DocumentError> {
///     let (us, now) = (ReplicaId::from_u128(1), Timestamp::from_millis(1));
///     document.set("/note", what, us, now)?;
///     Ok(())
/// }
///
/// let mut document = Document::new();
/// note(&mut document, 3_usize)?;
/// note(&mut document, Some("three"))?;
/// note(&mut document, ["one", "two", "three"])?;
/// assert_eq!(document.get("/note"), Some(Value::from(["one", "two", "three"])));
/// # Ok::<(), DocumentError>(())
/// ```
///
/// A number that no document can hold is refused by the edit, wherever it is in the input: a float
/// that is infinite or not a number, and any number that `serde_json` keeps as text and that is not
/// one of [`Value`]'s. [`DocumentError::is_invalid_number`] tells, and the error names the number and
/// its path.
///
/// An input may nest as deep as it likes: an edit refuses more than 127 levels before it looks any
/// further, and an input that owns such a value drops it without deep recursion.
#[derive(Clone, Debug)]
pub struct Input<'a>(pub(super) Repr<'a>);

#[derive(Clone, Debug)]
pub(super) enum Repr<'a> {
    Text(Cow<'a, str>),
    Value(Cow<'a, Value>),
    #[cfg(feature = "json")]
    Json(Cow<'a, serde_json::Value>),
    /// It held a number that no value can hold.
    Refused(NumberError),
}

/// What is in an input that is refused.
static NOTHING: Value = Value::Null;

/// One value of an input.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source<'a> {
    Text(&'a str),
    Value(&'a Value),
    #[cfg(feature = "json")]
    Json(&'a serde_json::Value),
}

/// What a source is.
pub(super) enum Shape<'a> {
    Scalar(Scalar<'a>),
    Array(Items<'a>),
    Object(Fields<'a>),
}

/// A scalar, borrowed.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Scalar<'a> {
    Null,
    Bool(bool),
    Number(Number),
    Text(&'a str),
}

/// The items of an array, in order.
#[derive(Clone)]
pub(super) enum Items<'a> {
    Value(core::slice::Iter<'a, Value>),
    #[cfg(feature = "json")]
    Json(core::slice::Iter<'a, serde_json::Value>),
}

/// The fields of an object.
pub(super) enum Fields<'a> {
    Value(btree_map::Iter<'a, String, Value>),
    #[cfg(feature = "json")]
    Json(serde_json::map::Iter<'a>),
}

/// Takes apart a value that nests so deep that dropping it could overflow the stack.
impl Drop for Input<'_> {
    fn drop(&mut self) {
        match &mut self.0 {
            Repr::Value(Cow::Owned(value)) if Source::Value(value).nests_deeper_than(DEPTH_MAX) => {
                take_apart(core::mem::take(value), |value, rest| match value {
                    Value::Array(items) => rest.extend(items),
                    Value::Object(fields) => rest.extend(fields.into_values()),
                    _ => {}
                });
            }
            #[cfg(feature = "json")]
            Repr::Json(Cow::Owned(json)) if Source::Json(json).nests_deeper_than(DEPTH_MAX) => {
                take_apart(json.take(), |json, rest| match json {
                    serde_json::Value::Array(items) => rest.extend(items),
                    serde_json::Value::Object(fields) => {
                        rest.extend(fields.into_iter().map(|field| field.1));
                    }
                    _ => {}
                });
            }
            _ => {}
        }
    }
}

/// Drops a value level by level, so that nothing recurses.
fn take_apart<T>(value: T, open: impl Fn(T, &mut Vec<T>)) {
    let mut rest = Vec::from([value]);
    while let Some(value) = rest.pop() {
        open(value, &mut rest);
    }
}

impl Input<'_> {
    /// Checks that a container at `depth` with this in it nests no deeper than documents may. Only
    /// after this does anything recurse into an input. O(size).
    pub(super) fn check_depth(&self, path: &str, depth: usize) -> Result<(), DocumentError> {
        let levels = DEPTH_MAX.checked_sub(depth);
        if levels.is_some_and(|levels| !self.source().nests_deeper_than(levels)) {
            return Ok(());
        }
        Err(DocumentError::at(path, Reason::TooDeep))
    }

    /// Checks that its numbers are numbers that a document can hold; `path` is where it is to stand.
    /// After [`check_depth`](Self::check_depth), as it recurses. O(size) for a `serde_json::Value`,
    /// else O(1).
    pub(super) fn check_numbers(&self, path: fmt::Arguments<'_>) -> Result<(), DocumentError> {
        self.refused().map_or(Ok(()), |error| {
            let path = format!("{path}{}", error.path());
            Err(DocumentError::at(path, Reason::InvalidNumber(error.number().into())))
        })
    }

    fn refused(&self) -> Option<NumberError> {
        match &self.0 {
            Repr::Refused(error) => Some(error.clone()),
            #[cfg(feature = "json")]
            Repr::Json(json) => crate::value::json::check_numbers(json).err(),
            _ => None,
        }
    }

    /// The scalar, if it is one.
    pub(crate) fn scalar(&self) -> Option<Content> {
        let scalar = self.source().scalar()?;
        self.refused().is_none().then(|| scalar.into())
    }

    /// The value, to be a part of another, unless a number in it is refused. In place of one that
    /// nests too deep it returns another that does, since converting and dropping it would recurse.
    /// O(size).
    pub(super) fn into_value(mut self) -> Result<Value, NumberError> {
        if self.source().nests_deeper_than(DEPTH_MAX) {
            return Ok((0..=DEPTH_MAX).fold(Value::Null, |it, _| Value::Array(Vec::from([it]))));
        }
        match core::mem::replace(&mut self.0, Repr::Text(Cow::Borrowed(""))) {
            Repr::Text(text) => Ok(text.into()),
            Repr::Value(value) => Ok(value.into_owned()),
            #[cfg(feature = "json")]
            Repr::Json(Cow::Borrowed(json)) => json.try_into(),
            #[cfg(feature = "json")]
            Repr::Json(Cow::Owned(json)) => json.try_into(),
            Repr::Refused(error) => Err(error),
        }
    }

    pub(super) fn source(&self) -> Source<'_> {
        match &self.0 {
            Repr::Text(text) => Source::Text(text),
            Repr::Value(value) => Source::Value(value),
            #[cfg(feature = "json")]
            Repr::Json(json) => Source::Json(json),
            Repr::Refused(_) => Source::Value(&NOTHING),
        }
    }
}

impl<'a> Source<'a> {
    pub(super) fn shape(self) -> Shape<'a> {
        Shape::Scalar(match self {
            Self::Text(text) => Scalar::Text(text),
            Self::Value(value) => match value {
                Value::Null => Scalar::Null,
                Value::Bool(truth) => Scalar::Bool(*truth),
                Value::Number(number) => Scalar::Number(*number),
                Value::String(text) => Scalar::Text(text),
                Value::Array(items) => return Shape::Array(Items::Value(items.iter())),
                Value::Object(fields) => return Shape::Object(Fields::Value(fields.iter())),
            },
            #[cfg(feature = "json")]
            Self::Json(json) => match json {
                serde_json::Value::Null => Scalar::Null,
                serde_json::Value::Bool(truth) => Scalar::Bool(*truth),
                // That all are numbers of ours was checked before.
                serde_json::Value::Number(number) => {
                    crate::value::json::number(number).map_or(Scalar::Null, Scalar::Number)
                }
                serde_json::Value::String(text) => Scalar::Text(text),
                serde_json::Value::Array(items) => return Shape::Array(Items::Json(items.iter())),
                serde_json::Value::Object(fields) => {
                    return Shape::Object(Fields::Json(fields.iter()));
                }
            },
        })
    }

    /// A copy. The source nests no deeper than documents may.
    pub(super) fn to_value(self) -> Value {
        match self.shape() {
            Shape::Scalar(scalar) => Content::from(scalar).to_value().unwrap_or_default(),
            Shape::Array(items) => Value::Array(items.map(Self::to_value).collect()),
            Shape::Object(fields) => fields.map(|(name, it)| (name, it.to_value())).collect(),
        }
    }

    /// Whether two sources are the same value.
    pub(super) fn is_same(self, other: Self) -> bool {
        match (self.shape(), other.shape()) {
            (Shape::Scalar(ours), Shape::Scalar(theirs)) => ours == theirs,
            (Shape::Array(ours), Shape::Array(theirs)) => {
                let (ours, theirs): (Vec<Self>, Vec<Self>) = (ours.collect(), theirs.collect());
                let mut pairs = ours.iter().zip(&theirs);
                ours.len() == theirs.len() && pairs.all(|(ours, theirs)| ours.is_same(*theirs))
            }
            (Shape::Object(mut ours), Shape::Object(theirs)) => {
                let has_same = |(name, it): (&str, Self)| {
                    other.field(name).is_some_and(|theirs| it.is_same(theirs))
                };
                self.len() == theirs.count() && ours.all(has_same)
            }
            _ => false,
        }
    }

    /// How many fields an object has.
    fn len(self) -> usize {
        match self.shape() {
            Shape::Object(fields) => fields.count(),
            _ => 0,
        }
    }

    /// Whether more than `levels` objects and arrays lie inside each other. Recurses no deeper.
    fn nests_deeper_than(self, levels: usize) -> bool {
        let inside = |value: Self| value.nests_deeper_than(levels - 1);
        match self.shape() {
            Shape::Scalar(_) => false,
            _ if levels == 0 => true,
            Shape::Array(mut items) => items.any(inside),
            Shape::Object(mut fields) => fields.any(|field| inside(field.1)),
        }
    }

    /// The field of an object; `None` if there is none.
    pub(super) fn field(self, name: &str) -> Option<Self> {
        match self {
            Self::Value(Value::Object(fields)) => fields.get(name).map(Self::Value),
            #[cfg(feature = "json")]
            Self::Json(json) => json.as_object()?.get(name).map(Self::Json),
            _ => None,
        }
    }

    pub(super) fn scalar(self) -> Option<Scalar<'a>> {
        match self.shape() {
            Shape::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    pub(super) fn kind(self) -> Kind {
        match self.shape() {
            Shape::Scalar(_) => Kind::Scalar,
            Shape::Array(_) => Kind::Array,
            Shape::Object(_) => Kind::Object,
        }
    }

    /// A digest of the content, the same on every machine and in every version: the identity of
    /// an item without a key. It does not depend on the order of an object's fields. The digests of
    /// items inside are kept in `known`.
    pub(super) fn digest(self, known: &mut Known) -> u64 {
        match self.shape() {
            Shape::Scalar(scalar) => scalar.digest(),
            Shape::Array(items) => digest_of_array(items.map(|item| match item.address() {
                None => item.digest(known),
                Some(address) => {
                    let digest = item.known_digest(known);
                    known.insert(address, digest);
                    digest
                }
            })),
            Shape::Object(fields) => {
                digest_of_object(fields.map(|(name, value)| (name, value.digest(known))))
            }
        }
    }

    /// The digest of an item, which may be known already.
    pub(super) fn known_digest(self, known: &mut Known) -> u64 {
        let found = self.address().and_then(|address| known.get(&address).copied());
        found.unwrap_or_else(|| self.digest(known))
    }

    /// What tells a container apart from others in the same input; `None` for a scalar.
    fn address(self) -> Option<usize> {
        match self {
            Self::Value(value @ (Value::Array(_) | Value::Object(_))) => {
                Some(core::ptr::from_ref(value).addr())
            }
            #[cfg(feature = "json")]
            Self::Json(json) if json.is_array() || json.is_object() => {
                Some(core::ptr::from_ref(json).addr())
            }
            _ => None,
        }
    }
}

/// Digests of items, by their addresses, while one input is written.
pub(super) type Known = BTreeMap<usize, u64>;

pub(super) fn digest_of_array(items: impl Iterator<Item = u64>) -> u64 {
    items.fold(7, fold)
}

pub(super) fn digest_of_object<'a>(fields: impl Iterator<Item = (&'a str, u64)>) -> u64 {
    let field = |(name, value)| fold(digest_of(name), value);
    fold(8, fields.map(field).fold(0, u64::wrapping_add))
}

/// A folded multiplication, as in wyhash (Wang Yi). It is no guard against a forger, and need not
/// be: equal digests only make two items one.
#[allow(clippy::cast_possible_truncation)] // the two halves
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0xa076_1d64_78bd_642f) * u128::from(b ^ 0xe703_7ed1_a0b4_28db);
    (product as u64) ^ ((product >> 64) as u64)
}

fn digest_of(text: &str) -> u64 {
    let chunks = text.as_bytes().chunks(8);
    chunks.fold(fold(6, text.len() as u64), |digest, chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        fold(digest, u64::from_le_bytes(word))
    })
}

impl Scalar<'_> {
    pub(super) fn digest(self) -> u64 {
        match self {
            Self::Null => fold(1, 0),
            Self::Bool(truth) => fold(2, u64::from(truth)),
            Self::Number(number) => {
                let (kind, bits) = number.to_bits();
                fold(kind + 3, bits)
            }
            Self::Text(text) => digest_of(text),
        }
    }

    /// Whether a write says exactly this.
    pub(super) fn is(self, content: &Content) -> bool {
        match (self, content) {
            (Self::Null, Content::Null) => true,
            (Self::Bool(ours), Content::Bool(theirs)) => ours == *theirs,
            (Self::Number(ours), Content::Number(theirs)) => ours == *theirs,
            (Self::Text(ours), content) => content.as_str() == Some(ours),
            _ => false,
        }
    }
}

impl From<Scalar<'_>> for Content {
    fn from(scalar: Scalar<'_>) -> Self {
        match scalar {
            Scalar::Null => Self::Null,
            Scalar::Bool(truth) => Self::Bool(truth),
            Scalar::Number(number) => Self::Number(number),
            Scalar::Text(text) => Self::text(text),
        }
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Source<'a>;

    fn next(&mut self) -> Option<Source<'a>> {
        match self {
            Self::Value(items) => items.next().map(Source::Value),
            #[cfg(feature = "json")]
            Self::Json(items) => items.next().map(Source::Json),
        }
    }

    /// Exact, so that a copy has no room to spare.
    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::Value(items) => items.size_hint(),
            #[cfg(feature = "json")]
            Self::Json(items) => items.size_hint(),
        }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a str, Source<'a>);

    fn next(&mut self) -> Option<(&'a str, Source<'a>)> {
        match self {
            Self::Value(fields) => fields.next().map(|(name, it)| (&**name, Source::Value(it))),
            #[cfg(feature = "json")]
            Self::Json(fields) => fields.next().map(|(name, it)| (&**name, Source::Json(it))),
        }
    }
}
