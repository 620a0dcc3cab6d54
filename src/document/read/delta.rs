//! What a delta says, before it is let in: its writes and its removals, each with its path.

use crate::{
    causal::{self, Dot},
    document::{
        error::DocumentError,
        state::{
            Content, DocumentDelta, Item, ListForm, ListOrder, NodeId, Removal, Segment, Tree,
            Write,
        },
    },
    iter::iterator,
    replica::ReplicaId,
    time::{Stamp, Timestamp},
    value::{
        Value,
        pointer::{Pointer, write_name},
    },
};
use alloc::string::String;
use core::{fmt, iter::FusedIterator, slice};
use smallvec::SmallVec;

/// What it carries, to be validated before it is applied.
impl DocumentDelta {
    /// What was written: a scalar, an object, a list, a count, or where an item stands; sorted by
    /// replica, and by the order in which each replica wrote. As many as
    /// [`write_count`](Self::write_count). O(1), and O(1) for each.
    ///
    /// This is all that the delta adds. What it *removes* is another matter. An edit's delta names
    /// it, in [`removals`](Self::removals); but a write also replaces what its writer had seen, and
    /// any delta can claim that any write was seen and is gone. A delta alone does not know what
    /// that would remove from a document. Ask the document:
    /// [`preview`](crate::Document::preview).
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::{Document, ReplicaId, Timestamp, document::{DocumentDelta, DocumentError}};
    ///
    /// /// Whether it writes only under the sender's id, and only the texts of messages.
    /// fn is_allowed(delta: &DocumentDelta, sender: ReplicaId) -> Result<bool, DocumentError> {
    ///     for write in delta.writes().chain(delta.removals()) {
    ///         if write.replica() != sender || !write.path().matches("/messages/*/text")? {
    ///             return Ok(false);
    ///         }
    ///     }
    ///     Ok(true)
    /// }
    ///
    /// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// let now = Timestamp::from_millis(1);
    /// let message = |text: &str| rejoin::value::Value::from_iter([("text", text)]);
    /// let mut document = Document::new();
    /// document.set("/messages", [message("Hello"), message("Hi")], us, now)?;
    ///
    /// let mut delta = document.set("/messages/1/text", "Good morning", eu, now)?;
    /// assert!(is_allowed(&delta, eu)?);
    /// assert!(!is_allowed(&delta, us)?);
    /// rejoin::Merge::merge(&mut delta, &document.set("/title", "Mine", eu, now)?);
    /// assert!(!is_allowed(&delta, eu)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn writes(&self) -> DeltaWrites<'_> {
        DeltaWrites { tree: &self.store.tree, rest: Rest::Live(self.store.kernel.iter()) }
    }

    /// What was removed by calls of `remove`, as far as the delta tells, in the order of
    /// [`writes`](Self::writes). O(1), and O(1) for each.
    ///
    /// The deltas of edits tell it, and those that were joined from them. One that was computed by
    /// [`delta_since`](crate::DeltaState::delta_since) carries removals without their paths, and a
    /// forged one need not tell either. So this is what to check of peers that are honest; of
    /// others, look at [`preview`](crate::Document::preview).
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::{Document, Timestamp, document::Written};
    ///
    /// let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let mut document = Document::new();
    /// document.set("/title", "Booking", us, now)?;
    /// let delta = document.remove("/title", us, now)?;
    ///
    /// assert_eq!(delta.writes().len(), 0);
    /// let removal = delta.removals().next().ok_or("none")?;
    /// assert_eq!((removal.replica(), removal.written()), (us, Written::Removed));
    /// assert_eq!(removal.path().to_string(), "/title");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn removals(&self) -> DeltaWrites<'_> {
        DeltaWrites { tree: &self.store.tree, rest: Rest::Removed(self.removals.iter()) }
    }

    /// The replicas whose writes it brings, replaces or removes, in order. O(1), and O(replicas) to
    /// walk.
    ///
    /// Those of [`writes`](Self::writes) and [`removals`](Self::removals) are among them. Of the
    /// others it only claims that some of their writes were seen and are gone. A write that replaces
    /// another replica's does so too, so that alone is nothing bad. But a forged claim may reach
    /// further than its sender has seen: then writes that are still on their way are dropped when
    /// they come, and no [`preview`](crate::Document::preview) can show that.
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::{Document, Timestamp};
    ///
    /// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// let now = Timestamp::from_millis(1);
    /// let mut document = Document::new();
    /// document.set("/title", "Booking", us, now)?;
    ///
    /// let other = document.set("/status", "active", eu, now)?;
    /// assert_eq!(other.replicas().collect::<Vec<_>>(), [eu]);
    /// let over = document.set("/title", "Booking Help", eu, now)?;
    /// assert_eq!(over.replicas().collect::<Vec<_>>(), [eu, us]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn replicas(&self) -> DeltaReplicas<'_> {
        DeltaReplicas(self.store.kernel.context().replicas())
    }
}

/// One write or removal in a delta: see [`DocumentDelta::writes`] and [`DocumentDelta::removals`].
/// It borrows the delta, and it is `Copy`.
#[derive(Clone, Copy)]
pub struct DeltaWrite<'a> {
    path: DeltaPath<'a>,
    dot: Dot,
    time: Timestamp,
    /// `None` for a removal.
    content: Option<&'a Content>,
}

impl<'a> DeltaWrite<'a> {
    /// The replica id that it was written under. O(1).
    ///
    /// A claim, as everything in a delta: compare it with the ids that its sender may use.
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let delta = Document::new().set("/title", "Booking", us, now)?;
    /// assert!(delta.writes().all(|write| write.replica() == us));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn replica(&self) -> ReplicaId {
        self.dot.replica()
    }

    /// The time that it is stamped with. O(1).
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let delta = Document::new().set("/title", "Booking", us, now)?;
    /// assert!(delta.writes().all(|write| write.time() == now));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn time(&self) -> Timestamp {
        self.time
    }

    /// Its time and its replica: what decides between concurrent writes. O(1).
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp};
    /// use rejoin::Stamp;
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let delta = Document::new().set("/title", "Booking", us, now)?;
    /// assert!(delta.writes().all(|write| write.stamp() == Stamp { time: now, replica: us }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn stamp(&self) -> Stamp {
        Stamp { time: self.time, replica: self.dot.replica() }
    }

    /// Where it was written. O(1).
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp, value::Value};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let start = Value::from_iter([("title", "Booking")]);
    /// let delta = Document::new().set("/details", start, us, now)?;
    /// let paths: Vec<_> = delta.writes().map(|write| write.path().to_string()).collect();
    /// assert_eq!(paths, ["", "/details", "/details/title"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn path(&self) -> DeltaPath<'a> {
        self.path
    }

    /// What it says. O(1), and for a text O(its length), which is copied.
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp};
    /// use rejoin::document::Written;
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let mut document = Document::new();
    /// let delta = document.set("", "Booking", us, now)?;
    /// let said: Vec<_> = delta.writes().map(|write| write.written()).collect();
    /// assert_eq!(said, [Written::Value("Booking".into())]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn written(&self) -> Written<'a> {
        match self.content {
            None | Some(Content::Removed) => Written::Removed,
            Some(Content::Object) => Written::Object,
            Some(Content::List(form)) => {
                let form = form.as_deref().unwrap_or(&ListForm::PLAIN);
                let ordered_by = match &form.order {
                    ListOrder::Field(field) => Some(&**field),
                    ListOrder::Place | ListOrder::Value => None,
                };
                Written::List { key: form.key.as_deref(), ordered_by, is_set: form.is_set() }
            }
            Some(Content::Count { sum, .. }) => Written::Count { sum: *sum },
            Some(Content::Place(_)) => Written::Place,
            Some(value) => Written::Value(value.to_value().unwrap_or_default()),
        }
    }
}

/// The same write: by the same replica at the same time, in the same place, of the same content.
impl PartialEq for DeltaWrite<'_> {
    fn eq(&self, other: &Self) -> bool {
        (self.dot, self.time, self.content) == (other.dot, other.time, other.content)
            && self.path == other.path
    }
}

impl Eq for DeltaWrite<'_> {}

impl fmt::Debug for DeltaWrite<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeltaWrite")
            .field("path", &self.path)
            .field("stamp", &self.stamp())
            .field("written", &self.written())
            .finish_non_exhaustive()
    }
}

/// What one write in a delta says: see [`DeltaWrite::written`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Written<'a> {
    /// This scalar is here, or this object or array as one value, by
    /// [`Rules::atomic`](crate::document::Rules::atomic). It replaces what its writer had seen.
    Value(Value),
    /// An object is here, even if it is empty. Its fields are writes of their own. A write inside an
    /// object says this anew where the object was deleted around other writes, so it may also come
    /// from a writer who only set a field.
    Object,
    /// A list is here, even if it is empty; its items and what they hold are writes of their own.
    List {
        /// The field whose value is the key of its items, if it has keys: see
        /// [`Rules`](crate::document::Rules).
        key: Option<&'a str>,
        /// The field that its items are read in the order of, by
        /// [`Rules::ordered_by`](crate::document::Rules::ordered_by).
        ordered_by: Option<&'a str>,
        /// Whether it is a set, by [`Rules::set`](crate::document::Rules::set).
        is_set: bool,
    },
    /// What its replica has counted on the number that is here.
    Count {
        /// The sum of the replica's increments since it began to count here, or since it has seen
        /// its count replaced. So it is not what was added last.
        sum: i64,
    },
    /// The item that the path ends in stands in its list somewhere: it was inserted, or moved, or
    /// stands where it stood while room was made for another item beside it. The delta alone does
    /// not know at which index.
    Place,
    /// Nothing should be here: what its writer had seen here and below was removed. Among the
    /// [`writes`](DocumentDelta::writes) it also hides what others wrote concurrently, by
    /// [`Rules::delete_wins`](crate::document::Rules::delete_wins).
    Removed,
}

/// Where in a document a delta writes: each step by identity. The delta alone does not know at which
/// index an item stands, and neither does its path.
///
/// [`Display`](fmt::Display) spells it as a JSON Pointer with `["m1"]` for the item with the key
/// `"m1"`, and `[]` for an item without a key: `/messages/["m1"]/text`. That is for people and logs.
/// To decide by it, use [`matches`](Self::matches), [`starts_with`](Self::starts_with) or
/// [`steps`](Self::steps): different paths may be spelled alike, for example that of a field named
/// `[]`.
///
/// # Examples
///
/// ```
/// use rejoin::{Document, Timestamp, document::{DeltaStep, Rules}, value::Value};
///
/// let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
/// let keys = Rules::new().keyed("/messages", "id")?;
/// let message = Value::from_iter([("id", "m1"), ("text", "Hello")]);
/// let start = Value::from_iter([("messages", [message])]);
/// let mut document = Document::from_value_with(keys, start, us, now)?;
///
/// let delta = document.set("/messages/0/text", "Good morning", us, now)?;
/// let path = delta.writes().next().ok_or("nothing was written")?.path();
/// assert_eq!(path.to_string(), r#"/messages/["m1"]/text"#);
/// assert!(path.matches("/messages/*/text")?);
/// assert!(path.starts_with("/messages")? && !path.matches("/messages")?);
///
/// let steps: Vec<_> = path.steps().collect();
/// assert!(matches!(steps[1], DeltaStep::Keyed(key) if key.as_str() == Some("m1")));
/// assert_eq!(path.last(), Some(DeltaStep::Field("text")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct DeltaPath<'a> {
    tree: &'a Tree,
    node: NodeId,
}

/// One step of a [`DeltaPath`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeltaStep<'a> {
    /// To the field of an object with this name.
    Field(&'a str),
    /// To the item of a list with this key.
    Keyed(ItemKey<'a>),
    /// To an item of a list that has no key.
    Item,
}

/// The key of an item: a scalar, which told the item from others when it was written. See
/// [`DeltaStep::Keyed`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ItemKey<'a> {
    key: &'a Content,
    nth: u32,
}

impl<'a> DeltaPath<'a> {
    /// Whether it is the path of the whole document. O(1).
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let delta = Document::new().set("", "Booking", us, now)?;
    /// assert!(delta.writes().all(|write| write.path().is_root()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_root(&self) -> bool {
        self.last().is_none()
    }

    /// The last step; `None` for the root. O(1).
    ///
    /// [The type](Self) has an example.
    pub fn last(&self) -> Option<DeltaStep<'a>> {
        self.tree.segment(self.node).map(DeltaStep::of)
    }

    /// The steps from the root. O(depth).
    ///
    /// [The type](Self) has an example.
    pub fn steps(
        &self,
    ) -> impl DoubleEndedIterator<Item = DeltaStep<'a>> + ExactSizeIterator + use<'a> {
        self.segments().into_iter().map(DeltaStep::of)
    }

    fn segments(&self) -> SmallVec<[&'a Segment; 8]> {
        self.tree.path(self.node)
    }

    /// Whether the steps are those of a pattern: a JSON Pointer in which `*` stands for any one
    /// field or item. Any other token stands for the field with that name, and for no item: an item
    /// has no index here, and one with a certain key is found by [`steps`](Self::steps). O(depth +
    /// length of the pattern).
    ///
    /// There is no way to ask for the field named `*` only.
    ///
    /// [The type](Self) has an example.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] if the pattern is not a JSON Pointer, or is longer or deeper than one can
    /// be.
    pub fn matches(&self, pattern: &str) -> Result<bool, DocumentError> {
        Ok(self.steps_beyond(pattern)? == Some(0))
    }

    /// Whether the first steps are those of a pattern, which [`matches`](Self::matches) explains:
    /// the path leads to what it matches, or into that. O(depth + length of the pattern).
    ///
    /// [The type](Self) has an example.
    ///
    /// # Errors
    ///
    /// Those of [`matches`](Self::matches).
    pub fn starts_with(&self, pattern: &str) -> Result<bool, DocumentError> {
        Ok(self.steps_beyond(pattern)?.is_some())
    }

    /// How many steps follow those of the pattern; `None` if the path does not start with them.
    fn steps_beyond(&self, pattern: &str) -> Result<Option<usize>, DocumentError> {
        let pattern = Pointer::parse(pattern)?;
        let segments = self.segments();
        let mut steps = segments.iter();
        for token in pattern.tokens() {
            let fits = match steps.next() {
                Some(_) if token == "*" => true,
                Some(Segment::Field(name)) => **name == *token,
                _ => false,
            };
            if !fits {
                return Ok(None);
            }
        }
        Ok(Some(steps.len()))
    }
}

/// The same steps, also where the paths are of two deltas.
impl PartialEq for DeltaPath<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.segments() == other.segments()
    }
}

impl Eq for DeltaPath<'_> {}

/// For people: [`DeltaPath`] says how.
impl fmt::Display for DeltaPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.steps().try_for_each(|step| match step {
            DeltaStep::Field(name) => write_name(f, name),
            DeltaStep::Keyed(key) => write!(f, "/[{key}]"),
            DeltaStep::Item => f.write_str("/[]"),
        })
    }
}

impl fmt::Debug for DeltaPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.steps()).finish()
    }
}

impl<'a> DeltaStep<'a> {
    fn of(segment: &'a Segment) -> Self {
        match segment {
            Segment::Field(name) => Self::Field(name),
            Segment::Item(Item::Keyed { key, nth }) => Self::Keyed(ItemKey { key, nth: *nth }),
            Segment::Item(Item::Like { .. } | Item::Made(_)) => Self::Item,
        }
    }
}

impl<'a> ItemKey<'a> {
    /// The text, if the key is one. O(1).
    ///
    /// [`DeltaPath`] has an example.
    pub fn as_str(&self) -> Option<&'a str> {
        self.key.as_str()
    }

    /// A copy of the key: a scalar. O(its length).
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp, document::{DeltaStep, Rules}, value::Value};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let mut document = Document::with_rules(Rules::new().keyed("", "id")?);
    /// let delta = document.set("", [Value::from_iter([("id", 7)])], us, now)?;
    /// let keys: Vec<_> = delta.writes().filter_map(|write| match write.path().last()? {
    ///     DeltaStep::Keyed(key) => Some((key.to_value(), key.nth())),
    ///     _ => None,
    /// }).collect();
    /// assert!(keys.contains(&(Value::from(7), 0)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_value(&self) -> Value {
        self.key.to_value().unwrap_or_default()
    }

    /// Which of the items that share the key in their list: 0 for the first, and nearly always. O(1).
    ///
    /// [`to_value`](Self::to_value) has an example.
    pub const fn nth(&self) -> u32 {
        self.nth
    }
}

/// The key as compact JSON; `"m1"#1` for the second item that has it.
impl fmt::Display for ItemKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.key.push_json(&mut text);
        f.write_str(&text)?;
        if self.nth > 0 { write!(f, "#{}", self.nth) } else { Ok(()) }
    }
}

impl fmt::Debug for ItemKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The writes of a delta, or its removals: see [`DocumentDelta::writes`] and
/// [`DocumentDelta::removals`].
#[derive(Clone)]
pub struct DeltaWrites<'a> {
    tree: &'a Tree,
    rest: Rest<'a>,
}

#[derive(Clone)]
enum Rest<'a> {
    Live(causal::Iter<'a, Write>),
    Removed(slice::Iter<'a, Removal>),
}

impl<'a> DeltaWrites<'a> {
    fn live(&self, (dot, write): (Dot, &'a Write)) -> DeltaWrite<'a> {
        let path = DeltaPath { tree: self.tree, node: write.node };
        DeltaWrite { path, dot, time: write.time, content: Some(&write.content) }
    }

    fn removed(&self, removal: &'a Removal) -> DeltaWrite<'a> {
        let path = DeltaPath { tree: self.tree, node: removal.node };
        DeltaWrite { path, dot: removal.dot, time: removal.time, content: None }
    }
}

impl<'a> Iterator for DeltaWrites<'a> {
    type Item = DeltaWrite<'a>;

    fn next(&mut self) -> Option<DeltaWrite<'a>> {
        match &mut self.rest {
            Rest::Live(live) => live.next().map(|write| self.live(write)),
            Rest::Removed(removed) => removed.next().map(|removal| self.removed(removal)),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.rest {
            Rest::Live(live) => live.size_hint(),
            Rest::Removed(removed) => removed.size_hint(),
        }
    }
}

impl DoubleEndedIterator for DeltaWrites<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        match &mut self.rest {
            Rest::Live(live) => live.next_back().map(|write| self.live(write)),
            Rest::Removed(removed) => removed.next_back().map(|removal| self.removed(removal)),
        }
    }
}

impl ExactSizeIterator for DeltaWrites<'_> {}

impl FusedIterator for DeltaWrites<'_> {}

impl fmt::Debug for DeltaWrites<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

/// The replicas that a delta is about: see [`DocumentDelta::replicas`].
pub struct DeltaReplicas<'a>(causal::Replicas<'a>);

iterator!(DeltaReplicas<'a> of ReplicaId = |replica| replica);
