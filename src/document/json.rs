//! Documents from and to `serde_json`.

use super::{Cursor, Document, DocumentError, Input, Rules, edit::serialized};
use crate::{replica::ReplicaId, time::Now};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value as Json;

impl Document {
    /// A document with this content: [`from_value`](Self::from_value) for `serde_json`. O(size).
    ///
    /// # Errors
    ///
    /// [`DocumentError`] if the value nests too deep, is too large, or holds a number that is neither
    /// a 64-bit integer nor a finite float.
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

    /// [`from_json`](Self::from_json), by some rules.
    ///
    /// # Errors
    ///
    /// As [`from_json`](Self::from_json).
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::{Document, Timestamp, document::Rules};
    /// use serde_json::json;
    ///
    /// let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let rules = Rules::new().keyed("/messages", "id")?;
    /// let conversation = json!({"messages": [{"id": "m1"}, {"id": "m2"}]});
    /// let document = Document::from_json_with(rules, &conversation, us, now)?;
    /// assert_eq!(document.item("/messages", "m2").as_deref(), Some("/messages/1"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_json_with(
        rules: Rules,
        json: &Json,
        replica: ReplicaId,
        now: impl Into<Now>,
    ) -> Result<Self, DocumentError> {
        Self::from_value_with(rules, json, replica, now)
    }

    /// The whole document; `null` if it was never written, or was removed. O(size).
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::{Document, Timestamp};
    /// use serde_json::json;
    ///
    /// let mut document = Document::new();
    /// document.set("/title", "Booking", "us-east-1".parse()?, Timestamp::from_millis(1))?;
    /// assert_eq!(document.to_json(), json!({"title": "Booking"}));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_json(&self) -> Json {
        self.at("").map_or(Json::Null, |all| all.to_json())
    }

    /// The whole document as a type of your own: what `serde_json` makes of it. A document that was
    /// never written, or was removed, is `null`. O(size).
    ///
    /// To write such a type, use [`Input::serialize`].
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp};
    /// # use serde_json::json;
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// #[derive(serde::Deserialize)]
    /// struct Conversation {
    ///     title: String,
    ///     unread: u32,
    /// }
    ///
    /// let document = Document::from_json(&json!({"title": "Booking", "unread": 2}), us, now)?;
    /// let conversation: Conversation = document.to()?;
    /// assert_eq!((conversation.title.as_str(), conversation.unread), ("Booking", 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The document does not have the form that the type asks for.
    pub fn to<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_value(self.to_json())
    }
}

impl Cursor<'_> {
    /// A copy of the value. O(its size).
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp};
    /// use serde_json::json;
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let document = Document::from_json(&json!({"tags": ["urgent"]}), us, now)?;
    /// assert_eq!(document.at("/tags").map(|tags| tags.to_json()), Some(json!(["urgent"])));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_json(&self) -> Json {
        self.to_value().into()
    }

    /// The value as a type of your own: what `serde_json` makes of it. O(its size).
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp};
    /// # use serde_json::json;
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let document = Document::from_json(&json!({"tags": ["urgent"]}), us, now)?;
    /// if let Some(tags) = document.at("/tags") {
    ///     assert_eq!(tags.to::<Vec<String>>()?, ["urgent"]);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The value does not have the form that the type asks for.
    pub fn to<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_value(self.to_json())
    }
}

impl Input<'_> {
    /// A value of a type of your own, as `serde_json` serializes it: to
    /// [`set`](Document::set) it, or to [`update`](Document::update) a document to it. O(its size).
    ///
    /// ```
    /// use rejoin::{Document, Timestamp, document::Input};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// #[derive(serde::Serialize)]
    /// struct Conversation {
    ///     title: String,
    ///     unread: u32,
    /// }
    ///
    /// let mut conversation = Conversation { title: "Booking".into(), unread: 2 };
    /// let mut document = Document::from_value(Input::serialize(&conversation)?, us, now)?;
    /// conversation.unread = 3;
    /// let delta = document.update(Input::serialize(&conversation)?, us, now)?;
    /// assert_eq!(delta.write_count(), 1);          // only what differs
    /// assert_eq!(document.to_string(), r#"{"title":"Booking","unread":3}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// JSON has no form for the value: for example, a map whose keys are not texts. A number that no
    /// document can hold, such as an infinite one, is refused by the edit, which names its path.
    pub fn serialize<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        serialized(value)
    }
}
