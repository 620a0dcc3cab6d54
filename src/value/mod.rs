//! [`Value`]: a JSON value with a total order.

#[cfg(feature = "serde")]
mod form;
#[cfg(feature = "json")]
pub(crate) mod json;
mod number;
pub(crate) mod pointer;
pub(crate) mod text;
pub(crate) mod wire;

pub use number::Number;
pub(crate) use number::Repr;

use alloc::{
    borrow::ToOwned,
    collections::BTreeMap,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;

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
