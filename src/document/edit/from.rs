//! What an [`Input`] is made of.

use super::input::{Input, Repr};
use crate::value::{Number, Value};
use alloc::{borrow::Cow, collections::BTreeMap, string::String, vec::Vec};

impl<'a> From<&'a str> for Input<'a> {
    fn from(text: &'a str) -> Self {
        Self(Repr::Text(text.into()))
    }
}

impl<'a> From<&&'a str> for Input<'a> {
    fn from(text: &&'a str) -> Self {
        Self::from(*text)
    }
}

impl<'a> From<&'a String> for Input<'a> {
    fn from(text: &'a String) -> Self {
        Self(Repr::Text(text.into()))
    }
}

impl From<String> for Input<'_> {
    fn from(text: String) -> Self {
        Self(Repr::Text(text.into()))
    }
}

impl<'a> From<Cow<'a, str>> for Input<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        Self(Repr::Text(text))
    }
}

impl<'a> From<&'a Value> for Input<'a> {
    fn from(value: &'a Value) -> Self {
        Self(Repr::Value(Cow::Borrowed(value)))
    }
}

impl From<Value> for Input<'_> {
    fn from(value: Value) -> Self {
        Self(Repr::Value(Cow::Owned(value)))
    }
}

#[cfg(feature = "json")]
impl<'a> From<&'a serde_json::Value> for Input<'a> {
    fn from(json: &'a serde_json::Value) -> Self {
        Self(Repr::Json(Cow::Borrowed(json)))
    }
}

#[cfg(feature = "json")]
impl From<serde_json::Value> for Input<'_> {
    fn from(json: serde_json::Value) -> Self {
        Self(Repr::Json(Cow::Owned(json)))
    }
}

/// `null` for `None`.
impl<'a, T: Into<Input<'a>>> From<Option<T>> for Input<'a> {
    fn from(option: Option<T>) -> Self {
        option.map_or_else(|| Value::Null.into(), Into::into)
    }
}

/// `null` for `None`: what [`Document::to_value`](crate::Document::to_value) returns.
impl<'a> From<&'a Option<Value>> for Input<'a> {
    fn from(option: &'a Option<Value>) -> Self {
        option.as_ref().map_or_else(|| Value::Null.into(), Into::into)
    }
}

/// `null`
impl From<()> for Input<'_> {
    fn from((): ()) -> Self {
        Value::Null.into()
    }
}

macro_rules! from_scalars {
    ($($scalar:ty),*) => {$(
        impl From<$scalar> for Input<'_> {
            fn from(scalar: $scalar) -> Self {
                Value::from(scalar).into()
            }
        }

        impl From<&$scalar> for Input<'_> {
            fn from(scalar: &$scalar) -> Self {
                Value::from(*scalar).into()
            }
        }
    )*};
}

from_scalars!(bool, char, Number, u8, u16, u32, u64, usize, i8, i16, i32, i64, isize, f32, f64);

macro_rules! from_containers {
    ($([$($generics:tt)*] $container:ty;)*) => {$(
        impl<$($generics)*> From<$container> for Input<'_> {
            fn from(container: $container) -> Self {
                Value::from(container).into()
            }
        }
    )*};
}

from_containers! {
    [T: Into<Value>] Vec<T>;
    [T: Into<Value> + Clone] &[T];
    [T: Into<Value>, const N: usize] [T; N];
    [K: Into<String>, V: Into<Value>] BTreeMap<K, V>;
}

#[cfg(feature = "std")]
from_containers! {
    [K: Into<String>, V: Into<Value>, S] std::collections::HashMap<K, V, S>;
}

impl<T: Into<Value> + Clone> From<&Vec<T>> for Input<'_> {
    fn from(items: &Vec<T>) -> Self {
        items.as_slice().into()
    }
}

impl<T: Into<Value> + Clone, const N: usize> From<&[T; N]> for Input<'_> {
    fn from(items: &[T; N]) -> Self {
        items.as_slice().into()
    }
}

/// The fields of an object, each copied.
fn copied<'a, K: Into<String> + Clone + 'a, V: Into<Value> + Clone + 'a>(
    fields: impl Iterator<Item = (&'a K, &'a V)>,
) -> Value {
    Value::Object(fields.map(|(name, value)| (name.clone().into(), value.clone().into())).collect())
}

impl<K: Into<String> + Clone, V: Into<Value> + Clone> From<&BTreeMap<K, V>> for Input<'_> {
    fn from(fields: &BTreeMap<K, V>) -> Self {
        copied(fields.iter()).into()
    }
}

#[cfg(feature = "std")]
impl<K: Into<String> + Clone, V: Into<Value> + Clone, S> From<&std::collections::HashMap<K, V, S>>
    for Input<'_>
{
    fn from(fields: &std::collections::HashMap<K, V, S>) -> Self {
        copied(fields.iter()).into()
    }
}
