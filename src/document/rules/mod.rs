//! [`Rules`]: what each path of a document means.

mod pattern;

use super::{
    error::{DocumentError, Reason},
    state::{ListOrder, NodeId, Policy, Tree},
};
use crate::replica::ReplicaId;
use alloc::{sync::Arc, vec::Vec};
use pattern::Pattern;
use smallvec::SmallVec;

/// What each path of a document means, so that a merge, a save and a report follow it.
///
/// A rule is for a JSON Pointer in which `*` stands for any one field or item. It decides how a
/// path is *written*, and what it decides is in the writes: replicas with other rules, or none, read
/// the same, and go on as they found it. So give every replica the same rules, and change them one
/// replica at a time: a rule takes hold where a value is next written.
///
/// | rule | what it means | what it costs |
/// |---|---|---|
/// | [`keyed`](Self::keyed) | items of a list are told apart by a field | nothing |
/// | [`ordered_by`](Self::ordered_by) | a list is read in the order of a field of its items | less than a list by place |
/// | [`set`](Self::set) | an array of scalars is a set: union, add-wins, nothing twice | less than a list |
/// | [`atomic`](Self::atomic) | an object or an array is one value | its compact JSON |
/// | [`counter`](Self::counter) | a save increments by the difference | nothing |
/// | [`max`](Self::max), [`min`](Self::min) | the greatest or least value is read, never a conflict | 80 bytes in memory, 1 as bytes |
/// | [`prefer`](Self::prefer) | of concurrent values, that of these replicas | the same, and a byte for each replica |
/// | [`delete_wins`](Self::delete_wins) | a removal beats a concurrent edit | one write for each removal, until it is made again |
///
/// Lists of objects that all have a distinct scalar field named `id` are keyed by it without being
/// told, where they are written first; see [`default_key`](Self::default_key).
///
/// If a path fits several rules that contradict each other, the one that names more fields wins;
/// where that decides nothing, the second rule is an error.
///
/// # Changing rules
///
/// Existing writes keep their meaning until they are replaced. A list takes on a new key or order
/// when something is next written to it: its mark is written anew, its items stay. It becomes a set,
/// or ceases to be one, by being written anew as a whole. Where a list met a set in a merge, a
/// conflict of kind `Keys` is open: it becomes a set by the next write inside, once all that it
/// holds is scalars. A value takes on `max`, `min`, `prefer` or `atomic` when it is next set. A rule
/// that is taken away leaves what it wrote: a list stays ordered, a greatest value stays the
/// greatest.
///
/// # Examples
///
/// ```
/// use rejoin::{Document, Merge, ReplicaId, Timestamp, document::{DocumentError, Rules}, value::Value};
///
/// # fn main() -> Result<(), DocumentError> {
/// let rules = Rules::new()
///     .ordered_by("/messages", "sent")?
///     .set("/tags")?
///     .atomic("/messages/*/embedding")?
///     .max("/updated")?;
///
/// let (us, eu) = (ReplicaId::from_u128(1), ReplicaId::from_u128(2));
/// let at = Timestamp::from_millis;
/// let message = |id: &str, sent: u64| Value::from_iter([("id", id.into()), ("sent", Value::from(sent))]);
/// let mut ours = Document::with_rules(rules.clone());
/// let chat = Value::from_iter([
///     ("messages", Value::from(vec![message("m1", 10)])),
///     ("tags", Value::from(["refund"])),
///     ("updated", 10.into()),
/// ]);
/// ours.set("", chat, us, at(10))?;
/// let mut theirs = ours.clone();
///
/// // Tuesday's message is appended here, and later, by another clock, Monday's there.
/// ours.push("/messages", message("m3", 30), us, at(30))?;
/// ours.set("/updated", 30, us, at(30))?;
/// theirs.push("/messages", message("m2", 20), eu, at(40))?;
/// theirs.push("/tags", "refund", eu, at(40))?;
/// theirs.set("/updated", 20, eu, at(40))?;
/// ours.merge(&theirs);
/// assert_eq!(
///     ours.to_string(),
///     r#"{"messages":[{"id":"m1","sent":10},{"id":"m2","sent":20},{"id":"m3","sent":30}],"tags":["refund"],"updated":30}"#
/// );
/// assert!(ours.conflicts().is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    rules: Option<Arc<Vec<Rule>>>,
    default_key: DefaultKey,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    pattern: Pattern,
    says: Says,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Says {
    Keyed(Arc<str>),
    OrderedBy(Arc<str>),
    Set,
    Atomic,
    Counter,
    Choose(Policy),
    DeleteWins,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum DefaultKey {
    /// `id`
    #[default]
    Id,
    Named(Arc<str>),
    Off,
}

/// What the rules say about one path.
#[derive(Default)]
struct Meaning {
    key: Option<Arc<str>>,
    order: Option<ListOrder>,
    is_atomic: bool,
    is_counter: bool,
    policy: Option<Policy>,
    delete_wins: bool,
}

impl Rules {
    /// No rules but the default key.
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::document::Rules;
    /// assert_eq!(Rules::new(), Rules::default());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// The field by which lists of objects are keyed without a rule: `id`, unless this says
    /// another, or `None` for no field.
    ///
    /// It counts where a list is written first: as a whole, if each of its items is an object with a
    /// scalar there that no other item has; or empty, when the first item that is inserted has one.
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::{Document, Timestamp, document::Rules, value::Value};
    ///
    /// let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let list = Value::from(vec![Value::from_iter([("id", "m1")])]);
    /// let keyed = Document::from_value(&list, us, now)?;
    /// assert_eq!(keyed.item("", "m1").as_deref(), Some("/0"));
    ///
    /// let rules = Rules::new().default_key(None);
    /// let plain = Document::from_value_with(rules, &list, us, now)?;
    /// assert_eq!(plain.item("", "m1"), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn default_key<'k>(mut self, field: impl Into<Option<&'k str>>) -> Self {
        self.default_key = match field.into() {
            None => DefaultKey::Off,
            Some("id") => DefaultKey::Id,
            Some(field) => DefaultKey::Named(field.into()),
        };
        self
    }

    /// The lists at these paths are keyed: their items are told apart by a field.
    ///
    /// Items that carry their identity in a field are the same item wherever they come from: edits
    /// of one message meet in that message, and a message that two sides import appears once.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] if the text is not a JSON Pointer, or another rule
    /// [contradicts](DocumentError::is_contradiction) this one. So does every rule.
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::document::Rules;
    ///
    /// let rules = Rules::new().keyed("/messages", "uuid")?.keyed("/threads/*/messages", "uuid")?;
    /// assert!(rules.keyed("messages", "uuid").unwrap_err().is_invalid_pointer());
    /// # Ok::<(), rejoin::document::DocumentError>(())
    /// ```
    pub fn keyed(self, lists: &str, field: &str) -> Result<Self, DocumentError> {
        self.with(lists, Says::Keyed(field.into()))
    }

    /// The lists at these paths are read in the order of a field of their items: null, booleans,
    /// numbers, then texts, each from the least; then by key. An item that lacks the field stands
    /// last. In what order items were written or merged does not matter, and moving or inserting
    /// one at an index is an error.
    ///
    /// [The type](Self) has an example.
    ///
    /// # Errors
    ///
    /// As [`keyed`](Self::keyed).
    pub fn ordered_by(self, lists: &str, field: &str) -> Result<Self, DocumentError> {
        self.with(lists, Says::OrderedBy(field.into()))
    }

    /// The arrays of scalars at these paths are sets: merging is their union, adding beats a
    /// concurrent removal, and nothing is there twice. They are read in order, from the least.
    ///
    /// # Errors
    ///
    /// As [`keyed`](Self::keyed).
    ///
    /// # Examples
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp, document::Rules};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let rules = Rules::new().set("")?;
    /// let mut tags = Document::from_value_with(rules, ["urgent", "refund", "urgent"], us, now)?;
    /// tags.push("", "urgent", us, now)?;
    /// assert_eq!(tags.to_string(), r#"["refund","urgent"]"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set(self, arrays: &str) -> Result<Self, DocumentError> {
        self.with(arrays, Says::Set)
    }

    /// The objects and arrays at these paths are one value each: written as a whole, in one write,
    /// and in conflict as a whole. For embeddings, positions, and whatever makes no sense in parts.
    ///
    /// It takes as many bytes as its compact JSON, and in memory its [`Value`](crate::value::Value).
    ///
    /// # Errors
    ///
    /// As [`keyed`](Self::keyed).
    ///
    /// # Examples
    ///
    /// ```
    /// # use rejoin::{Document, Merge, Timestamp, document::Rules, value::Value};
    /// # let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// let rules = Rules::new().atomic("/pos")?;
    /// let mut ours = Document::with_rules(rules);
    /// ours.set("/pos", [0, 0], us, Timestamp::from_millis(1))?;
    /// let mut theirs = ours.clone();
    /// ours.set("/pos", [1, 2], us, Timestamp::from_millis(2))?;
    /// theirs.set("/pos", [3, 4], eu, Timestamp::from_millis(3))?;
    /// ours.merge(&theirs);
    /// assert_eq!(ours.get("/pos"), Some([3, 4].into()));
    /// assert_eq!(ours.conflicts()[0].losers[0].claim.value(), Some(&Value::from([1, 2])));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn atomic(self, paths: &str) -> Result<Self, DocumentError> {
        self.with(paths, Says::Atomic)
    }

    /// The integers at these paths are counters: where a save finds another integer,
    /// [`update`](crate::document::Edit::update) and
    /// [`update_from`](crate::document::Edit::update_from) add the difference.
    ///
    /// # Errors
    ///
    /// As [`keyed`](Self::keyed).
    ///
    /// # Examples
    ///
    /// ```
    /// # use rejoin::{Document, Merge, Timestamp, document::Rules, value::Value};
    /// # let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// # let now = Timestamp::from_millis(1);
    /// let unread = |count: u64| Value::from_iter([("unread", count)]);
    /// let rules = Rules::new().counter("/unread")?;
    /// let mut ours = Document::from_value_with(rules, unread(5), us, now)?;
    /// let mut theirs = ours.clone();
    /// ours.update(unread(6), us, now)?;
    /// theirs.update(unread(7), eu, now)?;
    /// ours.merge(&theirs);
    /// assert_eq!(ours.get("/unread"), Some(8.into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn counter(self, integers: &str) -> Result<Self, DocumentError> {
        self.with(integers, Says::Counter)
    }

    /// At these paths the greatest value that was written is read: of numbers by what they are
    /// worth, of texts as they sort. They are never in conflict. Where a greater one is read,
    /// writing a lesser one writes nothing; to start again, remove the greater one.
    ///
    /// # Errors
    ///
    /// As [`keyed`](Self::keyed).
    ///
    /// # Examples
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp, document::Rules};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let mut document = Document::with_rules(Rules::new().max("/updated")?);
    /// document.set("/updated", 30, us, now)?;
    /// assert!(document.set("/updated", 20, us, now)?.is_empty());
    /// assert_eq!(document.get("/updated"), Some(30.into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn max(self, paths: &str) -> Result<Self, DocumentError> {
        self.with(paths, Says::Choose(Policy::Max))
    }

    /// As [`max`](Self::max), for the least value.
    ///
    /// # Errors
    ///
    /// As [`keyed`](Self::keyed).
    ///
    /// # Examples
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp, document::Rules};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let mut document = Document::with_rules(Rules::new().min("/created")?);
    /// document.set("/created", 30, us, now)?;
    /// document.set("/created", 20, us, now)?;
    /// assert!(document.set("/created", 40, us, now)?.is_empty());
    /// assert_eq!(document.get("/created"), Some(20.into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn min(self, paths: &str) -> Result<Self, DocumentError> {
        self.with(paths, Says::Choose(Policy::Min))
    }

    /// Of the values that were written concurrently at these paths, that of the replica which comes
    /// first in this list is read, whatever the times. Replicas that are not in the list come after
    /// it, the latest time first. The others stay in conflict, as anywhere.
    ///
    /// # Errors
    ///
    /// As [`keyed`](Self::keyed).
    ///
    /// # Examples
    ///
    /// ```
    /// # use rejoin::{Document, Merge, ReplicaId, Timestamp, document::Rules};
    /// # let (hq, eu): (ReplicaId, ReplicaId) = ("hq".parse()?, "eu-west-1".parse()?);
    /// # let at = Timestamp::from_millis;
    /// let mut ours = Document::with_rules(Rules::new().prefer("/price", [hq])?);
    /// ours.set("/price", 10, hq, at(1))?;
    /// let mut theirs = ours.clone();
    /// ours.set("/price", 12, hq, at(2))?;
    /// theirs.set("/price", 9, eu, at(3))?;
    /// ours.merge(&theirs);
    /// assert_eq!(ours.get("/price"), Some(12.into()));
    /// assert_eq!(ours.conflicts()[0].losers[0].claim.value(), Some(&9.into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn prefer(
        self,
        paths: &str,
        replicas: impl IntoIterator<Item = ReplicaId>,
    ) -> Result<Self, DocumentError> {
        self.with(paths, Says::Choose(Policy::Prefer(replicas.into_iter().collect())))
    }

    /// At these paths a removal beats an edit that had not seen it. A removal is a write of its own
    /// there, until something is written there again by somebody who has seen it.
    ///
    /// # Errors
    ///
    /// As [`keyed`](Self::keyed).
    ///
    /// # Examples
    ///
    /// ```
    /// # use rejoin::{Document, Merge, Timestamp, document::Rules, value::Value};
    /// # let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// # let at = Timestamp::from_millis;
    /// let drafts = Value::from_iter([("d1", Value::from_iter([("text", "Dear")]))]);
    /// let mut ours = Document::with_rules(Rules::new().delete_wins("/drafts/*")?);
    /// ours.set("", Value::from_iter([("drafts", drafts)]), us, at(1))?;
    /// let mut theirs = ours.clone();
    /// ours.remove("/drafts/d1", us, at(2))?;
    /// theirs.set("/drafts/d1/text", "Dear Ana", eu, at(3))?;
    /// ours.merge(&theirs);
    /// assert_eq!(ours.to_string(), r#"{"drafts":{}}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn delete_wins(self, paths: &str) -> Result<Self, DocumentError> {
        self.with(paths, Says::DeleteWins)
    }

    fn with(self, paths: &str, says: Says) -> Result<Self, DocumentError> {
        let rule = Rule { pattern: Pattern::parse(paths)?, says };
        let mut rules = Arc::unwrap_or_clone(self.rules.unwrap_or_default());
        if let Some(other) = rules.iter().find(|other| rule.cannot_stand_beside(other)) {
            let reason = Reason::Contradiction {
                rule: rule.says.name(),
                other: other.says.name(),
                path: other.pattern.to_pointer(),
            };
            return Err(DocumentError::at(paths, reason));
        }
        rules.push(rule);
        Ok(Self { rules: Some(Arc::new(rules)), ..self })
    }

    /// How a value at a node is chosen among concurrent ones.
    pub(crate) fn policy(&self, tree: &Tree, node: NodeId) -> Option<Policy> {
        let asked = self.has(|says| matches!(says, Says::Choose(_)));
        if asked { self.meaning(tree, node).policy } else { None }
    }

    /// Whether what is at a node is to be one value.
    pub(crate) fn is_atomic(&self, tree: &Tree, node: NodeId) -> bool {
        self.has(|says| matches!(says, Says::Atomic)) && self.meaning(tree, node).is_atomic
    }

    /// Whether an integer at a node is a counter.
    pub(crate) fn is_counter(&self, tree: &Tree, node: NodeId) -> bool {
        self.has(|says| matches!(says, Says::Counter)) && self.meaning(tree, node).is_counter
    }

    /// Whether a removal at a node beats concurrent edits.
    pub(crate) fn does_delete_win(&self, tree: &Tree, node: NodeId) -> bool {
        self.has(|says| matches!(says, Says::DeleteWins)) && self.meaning(tree, node).delete_wins
    }

    /// What the list at a node is keyed by, and ordered by.
    pub(crate) fn list(&self, tree: &Tree, node: NodeId) -> (Option<Arc<str>>, Option<ListOrder>) {
        let is_of_lists =
            |says: &Says| matches!(says, Says::Keyed(_) | Says::OrderedBy(_) | Says::Set);
        if !self.has(is_of_lists) {
            return (None, None);
        }
        let meaning = self.meaning(tree, node);
        (meaning.key, meaning.order)
    }

    /// Whether any rule says so: most programs have rules of a few kinds.
    fn has(&self, is: impl Fn(&Says) -> bool) -> bool {
        self.rules.as_ref().is_some_and(|rules| rules.iter().any(|rule| is(&rule.says)))
    }

    /// What the rules say about the path of a node. O(rules of this length × depth).
    fn meaning(&self, tree: &Tree, node: NodeId) -> Meaning {
        let mut meaning = Meaning::default();
        let Some(rules) = &self.rules else { return meaning };
        let depth = tree.depth(node);
        let mut rules = rules.iter().filter(|rule| rule.pattern.len() == depth).peekable();
        if rules.peek().is_none() {
            return meaning;
        }
        let path = tree.path(node);
        let fitting: SmallVec<[&Rule; 4]> = rules.filter(|rule| rule.pattern.fits(&path)).collect();
        let is_overruled = |rule: &Rule| {
            let over = |other: &&Rule| {
                other.pattern != rule.pattern && other.pattern.is_within(&rule.pattern)
            };
            fitting.iter().copied().filter(over).any(|other| rule.says.contradicts(&other.says))
        };
        for rule in fitting.iter().filter(|rule| !is_overruled(rule)) {
            match &rule.says {
                Says::Keyed(field) => meaning.key = Some(field.clone()),
                Says::OrderedBy(field) => meaning.order = Some(ListOrder::Field(field.clone())),
                Says::Set => meaning.order = Some(ListOrder::Value),
                Says::Atomic => meaning.is_atomic = true,
                Says::Counter => meaning.is_counter = true,
                Says::Choose(policy) => meaning.policy = Some(policy.clone()),
                Says::DeleteWins => meaning.delete_wins = true,
            }
        }
        meaning
    }

    /// The field by which lists are keyed that no rule is about.
    pub(crate) fn key_by_default(&self) -> Option<&str> {
        match &self.default_key {
            DefaultKey::Id => Some("id"),
            DefaultKey::Named(field) => Some(field),
            DefaultKey::Off => None,
        }
    }
}

impl Rule {
    /// Whether one path could fit both, where they say what cannot both be, and neither names more
    /// fields; or whether one is about the inside of what the other makes one value.
    fn cannot_stand_beside(&self, other: &Self) -> bool {
        let (ours, theirs) = (&self.pattern, &other.pattern);
        if ours.len() == theirs.len() {
            let decided = ours != theirs && (ours.is_within(theirs) || theirs.is_within(ours));
            return !decided && ours.overlaps(theirs) && self.says.contradicts(&other.says);
        }
        let (outer, inner) = if ours.len() < theirs.len() { (self, other) } else { (other, self) };
        outer.pattern.overlaps(&inner.pattern) && outer.says.closes(&inner.says)
    }
}

impl Says {
    fn name(&self) -> &'static str {
        match self {
            Self::Keyed(_) => "keyed",
            Self::OrderedBy(_) => "ordered_by",
            Self::Set => "set",
            Self::Atomic => "atomic",
            Self::Counter => "counter",
            Self::Choose(Policy::Max) => "max",
            Self::Choose(Policy::Min) => "min",
            Self::Choose(Policy::Prefer(_)) => "prefer",
            Self::DeleteWins => "delete_wins",
        }
    }

    /// Whether one value cannot be both.
    fn contradicts(&self, other: &Self) -> bool {
        let is_prefer = |says: &Self| matches!(says, Self::Choose(Policy::Prefer(_)));
        match (self, other) {
            (ours, theirs) if ours == theirs => false,
            (Self::DeleteWins, _)
            | (_, Self::DeleteWins)
            | (Self::Keyed(_), Self::OrderedBy(_))
            | (Self::OrderedBy(_), Self::Keyed(_)) => false,
            (Self::Atomic, other) | (other, Self::Atomic) => !is_prefer(other),
            _ => true,
        }
    }

    /// Whether nothing inside can be ruled like that.
    fn closes(&self, inner: &Self) -> bool {
        match self {
            Self::Atomic | Self::Counter | Self::Choose(Policy::Max | Policy::Min) => true,
            Self::Set => *inner != Self::DeleteWins,
            _ => false,
        }
    }
}
