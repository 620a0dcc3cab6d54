//! Documents and `serde_json`: what a service has in hand.

use super::{Document, DocumentError, ListKeys};
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
