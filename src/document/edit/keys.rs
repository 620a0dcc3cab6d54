//! [`ListKeys`]: which field tells the items of a list apart.

use crate::{
    document::{
        error::DocumentError,
        state::{NodeId, Segment, Tree},
    },
    value::pointer::Pointer,
};
use alloc::{string::String, sync::Arc, vec::Vec};

/// Which field tells the items of a list apart, by where the list is.
///
/// Items that carry their identity in a field are the same item wherever they come from: edits of
/// one message meet in that message, and a message that two sides import is there once. Lists
/// without a key have items too: those of an array that is written as a whole are told apart by
/// their content, so that two imports of equal content agree, and those inserted one by one by
/// the write that inserted them.
///
/// A document knows its keys while it is in memory ([`Document::with_keys`]) and uses them for
/// lists that it writes. Each list remembers the key it was written with, in the state itself: a
/// replica that knows of no keys goes on with it. (Only a list that was deleted around an edit has
/// lost it: whoever writes there next and knows of no keys makes a list without.) Set the same keys
/// wherever a document is written: two imports of one list under different keys are two lists to a
/// merge, whose items then stand beside each other, and a conflict of kind
/// [`Keys`](crate::document::ConflictKind::Keys).
///
/// [`Document::with_keys`]: crate::Document::with_keys
///
/// ```
/// use rejoin::{Document, Merge, Timestamp, document::ListKeys};
/// use serde_json::json;
///
/// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
/// let now = Timestamp::from_millis(1_717_236_600_000);
/// let keys = ListKeys::new().by("/threads/*/messages", "id")?;
/// let thread = json!({"threads": {"t1": {"messages": [{"id": "m1", "text": "Hi"}]}}});
///
/// let mut ours = Document::with_keys(keys.clone());
/// let mut theirs = Document::with_keys(keys);
/// ours.set("", &thread, us, now)?;
/// theirs.set("", &thread, eu, now)?;                  // imported on both sides
/// ours.push("/threads/t1/messages", json!({"id": "m2", "text": "Ho"}), us, now)?;
/// theirs.set("/threads/t1/messages/0/text", "Hello", eu, now)?;
/// ours.merge(&theirs);
/// assert_eq!(
///     ours.to_json()["threads"]["t1"]["messages"],
///     json!([{"id": "m1", "text": "Hello"}, {"id": "m2", "text": "Ho"}])
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListKeys {
    rules: Option<Arc<Vec<Rule>>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    /// Names, or `*` for any one name or item.
    way: Vec<String>,
    field: Arc<str>,
}

impl ListKeys {
    /// No list has a key.
    pub fn new() -> Self {
        Self::default()
    }

    /// The lists at a JSON Pointer are keyed by this field of their items. A `*` stands for any
    /// one field or item on the way. Of several that fit, the first counts.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] if the text is not a JSON Pointer, or is too long or too deep for one.
    pub fn by(self, lists: &str, field: &str) -> Result<Self, DocumentError> {
        let way = Pointer::parse(lists)?.tokens().map(Into::into).collect();
        let mut rules = Arc::unwrap_or_clone(self.rules.unwrap_or_default());
        rules.push(Rule { way, field: field.into() });
        Ok(Self { rules: Some(Arc::new(rules)) })
    }

    /// The key of the list at a node. O(rules × depth).
    pub(crate) fn at(&self, tree: &Tree, list: NodeId) -> Option<Arc<str>> {
        let rules = self.rules.as_ref()?;
        let path = tree.path(list);
        let fits = |(name, step): (&String, &&Segment)| match step {
            Segment::Field(field) => name == "*" || **name == **field,
            Segment::Item(_) => name == "*",
        };
        let fits =
            |rule: &&Rule| rule.way.len() == path.len() && rule.way.iter().zip(&path).all(fits);
        Some(rules.iter().find(fits)?.field.clone())
    }
}
