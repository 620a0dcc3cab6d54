//! Making [`Value`]s and [`Number`]s from the types of `core` and `std`.

use super::{Number, Value};
use alloc::{
    borrow::{Cow, ToOwned},
    collections::BTreeMap,
    string::{String, ToString},
    vec::Vec,
};

impl From<u64> for Number {
    fn from(natural: u64) -> Self {
        Self::natural(natural)
    }
}

impl From<i64> for Number {
    fn from(integer: i64) -> Self {
        u64::try_from(integer).map_or_else(|_| Self::negative(integer), Self::natural)
    }
}

impl From<usize> for Number {
    fn from(natural: usize) -> Self {
        Self::natural(natural as u64)
    }
}

impl From<isize> for Number {
    fn from(integer: isize) -> Self {
        Self::from(integer as i64)
    }
}

macro_rules! from_narrow {
    ($($narrow:ty => $wide:ty),*) => {$(
        impl From<$narrow> for Number {
            fn from(integer: $narrow) -> Self {
                <$wide>::from(integer).into()
            }
        }
    )*};
}

from_narrow!(u8 => u64, u16 => u64, u32 => u64, i8 => i64, i16 => i64, i32 => i64);

macro_rules! from_integers {
    ($($integer:ty),*) => {$(
        impl From<$integer> for Value {
            fn from(integer: $integer) -> Self {
                Self::Number(integer.into())
            }
        }
    )*};
}

from_integers!(u8, u16, u32, u64, usize, i8, i16, i32, i64, isize);

impl From<Number> for Value {
    fn from(number: Number) -> Self {
        Self::Number(number)
    }
}

/// `null` if the number is infinite or not a number: JSON cannot say it. To be told instead, use
/// [`Number::try_from`]; or hand the float itself to an edit, which refuses it.
impl From<f64> for Value {
    fn from(float: f64) -> Self {
        Number::from_f64(float).map_or(Self::Null, Self::Number)
    }
}

/// `null` if the number is infinite or not a number: JSON cannot say it.
impl From<f32> for Value {
    fn from(float: f32) -> Self {
        f64::from(float).into()
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

/// `null`
impl From<()> for Value {
    fn from((): ()) -> Self {
        Self::Null
    }
}

/// `null` for `None`.
impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(option: Option<T>) -> Self {
        option.map_or(Self::Null, Into::into)
    }
}

impl From<char> for Value {
    fn from(letter: char) -> Self {
        Self::String(letter.into())
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

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::String(text.clone())
    }
}

impl From<Cow<'_, str>> for Value {
    fn from(text: Cow<'_, str>) -> Self {
        Self::String(text.into_owned())
    }
}

impl<T: Into<Self>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        items.into_iter().collect()
    }
}

impl<T: Into<Self> + Clone> From<&[T]> for Value {
    fn from(items: &[T]) -> Self {
        items.iter().cloned().collect()
    }
}

impl<T: Into<Self>, const N: usize> From<[T; N]> for Value {
    fn from(items: [T; N]) -> Self {
        items.into_iter().collect()
    }
}

impl<K: Into<String>, V: Into<Self>> From<BTreeMap<K, V>> for Value {
    fn from(fields: BTreeMap<K, V>) -> Self {
        Self::Object(fields.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

#[cfg(feature = "std")]
impl<K: Into<String>, V: Into<Self>, S> From<std::collections::HashMap<K, V, S>> for Value {
    fn from(fields: std::collections::HashMap<K, V, S>) -> Self {
        Self::Object(fields.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// An array of these items.
///
/// ```
/// use rejoin::value::Value;
/// let squares: Value = (1..4).map(|number| number * number).collect();
/// assert_eq!(squares, Value::from([1, 4, 9]));
/// ```
impl<T: Into<Self>> FromIterator<T> for Value {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self::Array(items.into_iter().map(Into::into).collect())
    }
}

/// An object of these fields. If several have the same name, the last one counts.
///
/// ```
/// use rejoin::value::Value;
/// let message = Value::from_iter([("id", Value::from("m1")), ("likes", Value::from(3))]);
/// assert_eq!(message.to_string(), r#"{"id":"m1","likes":3}"#);
/// ```
impl<K: ToString, V: Into<Self>> FromIterator<(K, V)> for Value {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(fields: I) -> Self {
        let named = fields.into_iter().map(|(name, value)| (name.to_string(), value.into()));
        object(named.collect())
    }
}

/// Apart, so that what sorts is compiled once and not for each kind of iterator.
fn object(fields: Vec<(String, Value)>) -> Value {
    Value::Object(fields.into_iter().collect())
}
