//! Values and `serde_json`, in both directions.

use super::{Number, NumberError, Value};
use alloc::string::{String, ToString};
use serde_json::Value as Json;

/// [`NumberError`] names a number that is neither a 64-bit integer nor a finite `f64`; there can be
/// one only where some crate in the build has turned on `serde_json`'s feature
/// `arbitrary_precision`. O(size).
///
/// ```
/// use rejoin::value::Value;
/// use serde_json::json;
/// let message = Value::try_from(&json!({"id": "m1", "likes": 3}))?;
/// assert_eq!(message["likes"], 3);
/// # Ok::<(), rejoin::value::NumberError>(())
/// ```
impl TryFrom<&Json> for Value {
    type Error = NumberError;

    fn try_from(json: &Json) -> Result<Self, NumberError> {
        Ok(match json {
            Json::Null => Self::Null,
            Json::Bool(truth) => Self::Bool(*truth),
            Json::Number(it) => Self::Number(number(it).ok_or_else(|| NumberError::new(it))?),
            Json::String(text) => Self::String(text.clone()),
            Json::Array(items) => {
                let items = items.iter().enumerate();
                let item = |(at, it): (usize, &Json)| match Self::try_from(it) {
                    Ok(value) => Ok(value),
                    Err(error) => Err(error.inside(at)),
                };
                Self::Array(items.map(item).collect::<Result<_, _>>()?)
            }
            Json::Object(fields) => {
                let field = |(name, it): (&String, &Json)| match Self::try_from(it) {
                    Ok(value) => Ok((name.clone(), value)),
                    Err(error) => Err(error.inside(name)),
                };
                Self::Object(fields.iter().map(field).collect::<Result<_, _>>()?)
            }
        })
    }
}

/// The same for a `serde_json::Value` that is no longer needed: its texts are not copied. O(size).
impl TryFrom<Json> for Value {
    type Error = NumberError;

    fn try_from(json: Json) -> Result<Self, NumberError> {
        Ok(match json {
            Json::String(text) => Self::String(text),
            Json::Array(items) => {
                let items = items.into_iter().enumerate();
                let item = |(at, it): (usize, Json)| match Self::try_from(it) {
                    Ok(value) => Ok(value),
                    Err(error) => Err(error.inside(at)),
                };
                Self::Array(items.map(item).collect::<Result<_, _>>()?)
            }
            Json::Object(fields) => {
                let field = |(name, it): (String, Json)| match Self::try_from(it) {
                    Ok(value) => Ok((name, value)),
                    Err(error) => Err(error.inside(name)),
                };
                Self::Object(fields.into_iter().map(field).collect::<Result<_, _>>()?)
            }
            scalar => Self::try_from(&scalar)?,
        })
    }
}

/// The number of a JSON number; `None` if it is not one of ours.
///
/// With `arbitrary_precision` it is a text. One that is spelled as `serde_json` spells an `f64`, or
/// that is one, needs no closer look.
pub(crate) fn number(number: &serde_json::Number) -> Option<Number> {
    if let Some(natural) = number.as_u64() {
        return Some(natural.into());
    }
    // The text `-0` is none of the integers.
    if let Some(integer) = number.as_i64().filter(|integer| *integer < 0) {
        return Some(integer.into());
    }
    let float = number.as_f64()?;
    if serde_json::Number::from_f64(float).as_ref() == Some(number) {
        return Number::from_f64(float);
    }
    Number::spelled(&number.to_string())
}

/// Checks that all numbers in it are numbers of ours. O(size).
pub(crate) fn check_numbers(json: &Json) -> Result<(), NumberError> {
    match json {
        Json::Number(it) if number(it).is_none() => Err(NumberError::new(it)),
        Json::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(at, item)| check_numbers(item).map_err(|error| error.inside(at))),
        Json::Object(fields) => fields
            .iter()
            .try_for_each(|(name, field)| check_numbers(field).map_err(|error| error.inside(name))),
        _ => Ok(()),
    }
}

impl From<Value> for Json {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(truth) => Self::Bool(truth),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(natural), _) => natural.into(),
                (None, Some(integer)) => integer.into(),
                (None, None) => number.as_f64().into(),
            },
            Value::String(text) => Self::String(text),
            Value::Array(items) => Self::Array(items.into_iter().map(Self::from).collect()),
            Value::Object(fields) => {
                Self::Object(fields.into_iter().map(|(name, value)| (name, value.into())).collect())
            }
        }
    }
}
