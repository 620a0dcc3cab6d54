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
/// one message meet in that message, and a message that two sides import appears once. Lists
/// without a key have items too. The items of an array that is written as a whole are distinguished
/// by their content, so two imports of equal content agree. Items inserted one by one are
/// distinguished by the write that inserted them.
///
/// A document knows its keys while it is in memory (see [`Document::with_keys`]) and uses them for
/// the lists that it writes. Each list remembers the key it was written with, in the state itself,
/// so a replica that knows no keys goes on with it. (Only a list that was deleted around an edit
/// has lost its key: if the next writer there knows no keys, the list has no key.)
///
/// Set the same keys wherever a document is written. For a merge, two imports of one list under
/// different keys are two lists: their items then stand beside each other, in a conflict of kind
/// [`Keys`](crate::document::ConflictKind::Keys).
///
/// [`Document::with_keys`]: crate::Document::with_keys
///
/// # Examples
///
/// ```
/// use rejoin::{Document, Merge, Timestamp, document::{ListKeys, Value}};
///
/// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
/// let now = Timestamp::from_millis(1_717_236_600_000);
/// let keys = ListKeys::new().by("/*", "id")?;
/// let message = |id: &str, text: &str| Value::from_iter([("id", id), ("text", text)]);
/// let thread = Value::from_iter([("messages", vec![message("m1", "Hi")])]);
///
/// let mut ours = Document::from_value_with(keys.clone(), &thread, us, now)?;
/// let mut theirs = Document::from_value_with(keys, &thread, eu, now)?; // imported on both sides
/// ours.push("/messages", message("m2", "Ho"), us, now)?;
/// theirs.set("/messages/0/text", "Hello", eu, now)?;
/// ours.merge(&theirs);
/// assert_eq!(
///     ours.to_string(),
///     r#"{"messages":[{"id":"m1","text":"Hello"},{"id":"m2","text":"Ho"}]}"#
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListKeys {
    rules: Option<Arc<Vec<Rule>>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    /// Names on the way, or `*` for any name or item.
    way: Vec<String>,
    field: Arc<str>,
}

impl ListKeys {
    /// No list has a key.
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::document::ListKeys;
    /// assert_eq!(ListKeys::new(), ListKeys::default());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a rule: the lists at a JSON Pointer are keyed by this field of their items. A `*`
    /// stands for any one field or item on the way. If several rules fit a list, the first one
    /// wins.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] if the text is not a JSON Pointer, or is too long or too deep for one.
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::document::ListKeys;
    ///
    /// let keys = ListKeys::new().by("/messages", "id")?.by("/threads/*/messages", "id")?;
    /// assert!(keys.by("messages", "id").unwrap_err().is_invalid_pointer());
    /// # Ok::<(), rejoin::document::DocumentError>(())
    /// ```
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
