//! Documents and `serde_json`: the only room that knows it.

use super::{Document, DocumentError, ListKeys, Number, Value};
use crate::{replica::ReplicaId, time::Now};
use serde_json::Value as Json;

impl Document {
    /// A document with this content: [`from_value`](Self::from_value) for `serde_json`.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] if the value nests too deep.
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::{Document, Merge, Timestamp};
    /// use serde_json::json;
    ///
    /// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// let now = Timestamp::from_millis(1_717_236_600_000);
    /// let mut ours = Document::from_json(&json!({"title": "Booking", "unread": 2}), us, now)?;
    /// let mut theirs = ours.clone();
    /// ours.set("/title", "Booking Help", us, now)?;
    /// theirs.update(&json!({"title": "Booking", "status": "resolved"}), eu, now)?;
    ///
    /// ours.merge(&theirs);
    /// assert_eq!(ours.to_json(), json!({"title": "Booking Help", "status": "resolved"}));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_json(
        json: &Json,
        replica: ReplicaId,
        now: impl Into<Now>,
    ) -> Result<Self, DocumentError> {
        Self::from_value(json, replica, now)
    }

    /// [`from_json`](Self::from_json), with lists whose items have keys.
    ///
    /// # Errors
    ///
    /// As [`from_json`](Self::from_json).
    pub fn from_json_with(
        keys: ListKeys,
        json: &Json,
        replica: ReplicaId,
        now: impl Into<Now>,
    ) -> Result<Self, DocumentError> {
        Self::from_value_with(keys, json, replica, now)
    }

    /// The whole document; `null` if it was never written, or was removed. O(size).
    pub fn to_json(&self) -> Json {
        self.to_value().map_or(Json::Null, Json::from)
    }
}

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

/// The number of a JSON number; none if it is none of 64 bits.
pub(super) fn number(number: &serde_json::Number) -> Option<Number> {
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
