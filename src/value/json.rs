//! Values and `serde_json`, in both directions.

use super::{Number, Value};
use serde_json::Value as Json;

impl From<&Json> for Value {
    fn from(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(truth) => Self::Bool(*truth),
            Json::Number(it) => number(it).map_or(Self::Null, Self::Number),
            Json::String(text) => Self::String(text.clone()),
            Json::Array(items) => Self::Array(items.iter().map(Self::from).collect()),
            Json::Object(fields) => fields.iter().collect(),
        }
    }
}

impl From<Json> for Value {
    fn from(json: Json) -> Self {
        match json {
            Json::String(text) => Self::String(text),
            Json::Array(items) => Self::Array(items.into_iter().map(Self::from).collect()),
            Json::Object(fields) => {
                Self::Object(fields.into_iter().map(|(name, json)| (name, json.into())).collect())
            }
            scalar => Self::from(&scalar),
        }
    }
}

/// The number of a JSON number; `None` if it does not fit in 64 bits.
pub(crate) fn number(number: &serde_json::Number) -> Option<Number> {
    let natural = number.as_u64().map(Number::from);
    let integer = natural.or_else(|| number.as_i64().map(Number::from));
    integer.or_else(|| Number::from_f64(number.as_f64()?))
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
