//! What an [`Input`] is made of.

use super::input::{Input, Repr};
use crate::value::{Number, NumberError, Value};
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

from_scalars!(bool, char, Number, u8, u16, u32, u64, usize, i8, i16, i32, i64, isize);

/// An edit refuses it if it is infinite or not a number.
impl From<f64> for Input<'_> {
    fn from(float: f64) -> Self {
        Number::try_from(float).map_or_else(|error| Self(Repr::Refused(error)), Self::from)
    }
}

/// An edit refuses it if it is infinite or not a number.
impl From<f32> for Input<'_> {
    fn from(float: f32) -> Self {
        f64::from(float).into()
    }
}

impl From<&f64> for Input<'_> {
    fn from(float: &f64) -> Self {
        Self::from(*float)
    }
}

impl From<&f32> for Input<'_> {
    fn from(float: &f32) -> Self {
        Self::from(*float)
    }
}

/// The items of an array, or why one of them is refused.
fn array<'v>(items: impl Iterator<Item = impl Into<Input<'v>>>) -> Input<'v> {
    let item = |(at, item): (usize, _)| value_of(item).map_err(|error| error.inside(at));
    made(items.enumerate().map(item).collect::<Result<_, _>>().map(Value::Array))
}

/// The fields of an object, or why one of them is refused.
fn object<'v>(
    fields: impl Iterator<Item = (impl Into<String>, impl Into<Input<'v>>)>,
) -> Input<'v> {
    let field = |(name, field)| {
        let name: String = Into::into(name);
        match value_of(field) {
            Ok(value) => Ok((name, value)),
            Err(error) => Err(error.inside(name)),
        }
    };
    made(fields.map(field).collect::<Result<_, _>>().map(Value::Object))
}

fn value_of<'v>(part: impl Into<Input<'v>>) -> Result<Value, NumberError> {
    part.into().into_value()
}

fn made<'v>(value: Result<Value, NumberError>) -> Input<'v> {
    value.map_or_else(|error| Input(Repr::Refused(error)), Input::from)
}

impl<'a, T: Into<Input<'a>>> From<Vec<T>> for Input<'a> {
    fn from(items: Vec<T>) -> Self {
        array(items.into_iter())
    }
}

impl<'a, T: Into<Input<'a>> + Clone> From<&[T]> for Input<'a> {
    fn from(items: &[T]) -> Self {
        array(items.iter().cloned())
    }
}

impl<'a, T: Into<Input<'a>>, const N: usize> From<[T; N]> for Input<'a> {
    fn from(items: [T; N]) -> Self {
        array(items.into_iter())
    }
}

impl<'a, T: Into<Input<'a>> + Clone> From<&Vec<T>> for Input<'a> {
    fn from(items: &Vec<T>) -> Self {
        items.as_slice().into()
    }
}

impl<'a, T: Into<Input<'a>> + Clone, const N: usize> From<&[T; N]> for Input<'a> {
    fn from(items: &[T; N]) -> Self {
        items.as_slice().into()
    }
}

impl<'a, K: Into<String>, V: Into<Input<'a>>> From<BTreeMap<K, V>> for Input<'a> {
    fn from(fields: BTreeMap<K, V>) -> Self {
        object(fields.into_iter())
    }
}

impl<'a, K: Into<String> + Clone, V: Into<Input<'a>> + Clone> From<&BTreeMap<K, V>> for Input<'a> {
    fn from(fields: &BTreeMap<K, V>) -> Self {
        object(fields.iter().map(|(name, field)| (name.clone(), field.clone())))
    }
}

#[cfg(feature = "std")]
impl<'a, K: Into<String>, V: Into<Input<'a>>, S> From<std::collections::HashMap<K, V, S>>
    for Input<'a>
{
    fn from(fields: std::collections::HashMap<K, V, S>) -> Self {
        object(fields.into_iter())
    }
}

#[cfg(feature = "std")]
impl<'a, K: Into<String> + Clone, V: Into<Input<'a>> + Clone, S>
    From<&std::collections::HashMap<K, V, S>> for Input<'a>
{
    fn from(fields: &std::collections::HashMap<K, V, S>) -> Self {
        object(fields.iter().map(|(name, field)| (name.clone(), field.clone())))
    }
}
