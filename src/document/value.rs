//! [`Value`]: a JSON value with a total order.

use alloc::{
    borrow::ToOwned,
    collections::BTreeMap,
    string::{String, ToString},
    vec::Vec,
};
use core::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
};

/// A JSON value: what documents are made of and what they return.
///
/// Totally ordered, so that of two values under one name the same one is greater everywhere.
/// Numbers are compared by how they are written: `1` and `1.0` differ, as they do in
/// `serde_json`.
///
/// With feature `json`, `serde_json::Value` converts in both directions.
///
/// A value that this crate returns or reads nests at most 127 levels deep. One that a program builds
/// may nest deeper, and every edit refuses it; but to drop, clone, compare, convert or write it out
/// recurses, as with `serde_json::Value`, and overflows the stack where it nests some ten thousand
/// levels deep.
///
/// ```
/// use rejoin::document::Value;
/// let value = Value::from("Booking Help");
/// assert_eq!(value.as_str(), Some("Booking Help"));
/// assert_eq!(value.to_string(), r#""Booking Help""#);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Self>),
    /// An object, its fields sorted by name.
    Object(BTreeMap<String, Self>),
}

/// The kind of a JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "lowercase"))]
pub enum Kind {
    /// `null`, a boolean, a number or a string.
    Scalar,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Scalar => "a scalar",
            Self::Array => "an array",
            Self::Object => "an object",
        })
    }
}

impl Value {
    /// Its kind.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Object(_) => Kind::Object,
            Self::Array(_) => Kind::Array,
            _ => Kind::Scalar,
        }
    }

    /// The text, if it is a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }
}

/// A JSON number: an integer of 64 bits, signed or not, or a finite `f64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(Repr);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) enum Repr {
    /// Below zero.
    Negative(i64),
    /// Zero or above.
    Natural(u64),
    /// Finite.
    Float(Finite),
}

/// A finite `f64` under its total order: `-0.0` is less than `0.0`, and differs from it.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub(super) struct Finite(f64);

impl PartialEq for Finite {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Finite {}

impl PartialOrd for Finite {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Finite {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Hash for Finite {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl Number {
    /// The number of an `f64`; none if it is infinite or not a number.
    pub fn from_f64(float: f64) -> Option<Self> {
        float.is_finite().then_some(Self(Repr::Float(Finite(float))))
    }

    /// The number, if it is an integer of zero or above.
    pub const fn as_u64(&self) -> Option<u64> {
        match self.0 {
            Repr::Natural(natural) => Some(natural),
            _ => None,
        }
    }

    /// The number, if it is an integer that fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self.0 {
            Repr::Negative(negative) => Some(negative),
            Repr::Natural(natural) => i64::try_from(natural).ok(),
            Repr::Float(_) => None,
        }
    }

    /// The number, an integer rounded to the nearest `f64`.
    #[allow(clippy::cast_precision_loss)]
    pub const fn as_f64(&self) -> f64 {
        match self.0 {
            Repr::Negative(negative) => negative as f64,
            Repr::Natural(natural) => natural as f64,
            Repr::Float(float) => float.0,
        }
    }

    /// The number of a representation that was read from outside, if it is one.
    #[cfg(feature = "serde")]
    pub(super) fn checked(repr: Repr) -> Option<Self> {
        match repr {
            Repr::Negative(negative) => (negative < 0).then_some(Self(repr)),
            Repr::Natural(_) => Some(Self(repr)),
            Repr::Float(float) => Self::from_f64(float.0),
        }
    }

    /// Which representation, and its bits: what tells numbers apart on every machine.
    pub(super) const fn to_bits(self) -> (u64, u64) {
        match self.0 {
            Repr::Negative(negative) => (0, u64::from_ne_bytes(negative.to_ne_bytes())),
            Repr::Natural(natural) => (1, natural),
            Repr::Float(float) => (2, float.0.to_bits()),
        }
    }

    pub(super) const fn repr(self) -> Repr {
        self.0
    }
}

impl From<u64> for Number {
    fn from(natural: u64) -> Self {
        Self(Repr::Natural(natural))
    }
}

impl From<i64> for Number {
    fn from(integer: i64) -> Self {
        u64::try_from(integer).map_or(Self(Repr::Negative(integer)), Self::from)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Repr::Negative(negative) => negative.fmt(f),
            Repr::Natural(natural) => natural.fmt(f),
            // Debug keeps the point of `1.0` and the exponent of `1e300`.
            Repr::Float(float) => write!(f, "{:?}", float.0),
        }
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<u64> for Value {
    fn from(natural: u64) -> Self {
        Self::Number(natural.into())
    }
}

impl From<i64> for Value {
    fn from(integer: i64) -> Self {
        Self::Number(integer.into())
    }
}

impl From<i32> for Value {
    fn from(integer: i32) -> Self {
        i64::from(integer).into()
    }
}

impl From<u32> for Value {
    fn from(natural: u32) -> Self {
        u64::from(natural).into()
    }
}

/// `null` where the number is infinite or not a number: JSON has no other way.
impl From<f64> for Value {
    fn from(float: f64) -> Self {
        Number::from_f64(float).map_or(Self::Null, Self::Number)
    }
}

impl<T: Into<Self>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        Self::Array(items.into_iter().map(Into::into).collect())
    }
}

impl<K: ToString, V: Into<Self>> FromIterator<(K, V)> for Value {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(fields: I) -> Self {
        let named = fields.into_iter().map(|(name, value)| (name.to_string(), value.into()));
        Self::Object(named.collect())
    }
}
