//! [`Cursor`]: a value in a document, read where it stands.

use super::{
    report::Conflict,
    view::{Reading, View},
};
use crate::{
    document::state::{self, Content, Item, NodeId, ROOT, Segment, Sought},
    time::Stamp,
    value::{Kind, Number, Value, pointer::Pointer},
};
use alloc::{string::String, sync::Arc, vec::Vec};
use core::{fmt, iter::FusedIterator};
use smallvec::SmallVec;

/// A value in a document, read where it stands: nothing is copied until you ask for it.
///
/// [`Document::at`] and [`Edit::at`] return one. It borrows the document, and it is `Copy`: walk on
/// from it as often as you like. What it reads is what [`Document::get`] returns at its
/// [`pointer`](Self::pointer).
///
/// If several sides wrote concurrently, one value is read. [`stamp`](Self::stamp) says who wrote it
/// and when, and [`conflicts`](Self::conflicts) what the others wrote.
///
/// [`Document::at`]: crate::Document::at
/// [`Edit::at`]: crate::document::Edit::at
/// [`Document::get`]: crate::Document::get
///
/// ```
/// use rejoin::{Document, Timestamp, document::Cursor, value::Value};
///
/// /// How often the messages were liked.
/// fn likes(messages: Cursor<'_>) -> u64 {
///     messages.items().filter_map(|message| message.get("likes")?.as_u64()).sum()
/// }
///
/// let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
/// let message = |likes: u64| Value::from_iter([("likes", likes)]);
/// let mut document = Document::new();
/// document.set("/messages", [message(2), message(3)], us, now)?;
/// document.increment("/messages/0/likes", 1, us, now)?;
/// assert_eq!(document.at("/messages").map(likes), Some(6));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct Cursor<'a> {
    view: View<'a>,
    node: NodeId,
    /// What is read at the node: known, so that no method finds it out again.
    reading: Reading<'a>,
}

impl<'a> Cursor<'a> {
    /// On the whole document; `None` if nothing is read there.
    pub(crate) fn root(view: View<'a>) -> Option<Self> {
        Self::on(view, ROOT)
    }

    fn on(view: View<'a>, node: NodeId) -> Option<Self> {
        Some(Self { view, node, reading: view.reading(node)? })
    }

    /// The kind of the value. O(1).
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp};
    /// use rejoin::value::Kind;
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let document = Document::from_value([1, 2], us, now)?;
    /// assert_eq!(document.at("").map(|all| all.kind()), Some(Kind::Array));
    /// assert_eq!(document.at("/0").map(|item| item.kind()), Some(Kind::Scalar));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn kind(&self) -> Kind {
        self.reading.kind()
    }

    /// Whether it is `null`. O(1).
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let document = Document::from_value([None, Some(1)], us, now)?;
    /// assert!(document.at("/0").is_some_and(|item| item.is_null()));
    /// assert!(document.at("/1").is_some_and(|item| !item.is_null()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn is_null(&self) -> bool {
        matches!(self.reading, Reading::Scalar(Content::Null))
    }

    /// The truth value, if it is a boolean. O(1).
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let document = Document::from_value([true, false], us, now)?;
    /// assert_eq!(document.at("/1").and_then(|item| item.as_bool()), Some(false));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn as_bool(&self) -> Option<bool> {
        match self.reading {
            Reading::Scalar(Content::Bool(truth)) => Some(*truth),
            _ => None,
        }
    }

    /// The number, if it is one: also one that was counted on. O(1).
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp};
    /// use rejoin::value::Number;
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let document = Document::from_value([3], us, now)?;
    /// assert_eq!(document.at("/0").and_then(|item| item.as_number()), Some(Number::from(3)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn as_number(&self) -> Option<Number> {
        match self.reading {
            Reading::Scalar(Content::Number(number)) => Some(*number),
            Reading::Count(count) => Some(count.into()),
            _ => None,
        }
    }

    /// The integer, if it is one that an `i64` holds. O(1).
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let mut document = Document::from_value([-3], us, now)?;
    /// document.increment("/0", 1, us, now)?;
    /// assert_eq!(document.at("/0").and_then(|item| item.as_i64()), Some(-2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn as_i64(&self) -> Option<i64> {
        self.as_number()?.as_i64()
    }

    /// The integer, if it is one that a `u64` holds. O(1).
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let document = Document::from_value([3, -3], us, now)?;
    /// assert_eq!(document.at("/0").and_then(|item| item.as_u64()), Some(3));
    /// assert_eq!(document.at("/1").and_then(|item| item.as_u64()), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn as_u64(&self) -> Option<u64> {
        self.as_number()?.as_u64()
    }

    /// The number as an `f64`, if it is a number; an integer is rounded to the nearest one. O(1).
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let document = Document::from_value([1.5], us, now)?;
    /// assert_eq!(document.at("/0").and_then(|item| item.as_f64()), Some(1.5));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn as_f64(&self) -> Option<f64> {
        Some(self.as_number()?.as_f64())
    }

    /// The text, if it is a string: borrowed from the document. O(1).
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let document = Document::from_value(["Hello"], us, now)?;
    /// assert_eq!(document.at("/0").and_then(|item| item.as_str()), Some("Hello"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn as_str(&self) -> Option<&'a str> {
        match self.reading {
            Reading::Scalar(content) => content.as_str(),
            _ => None,
        }
    }

    /// How many fields or items it has; 0 for a scalar. O(1), and O(fields) for an object.
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let document = Document::from_value(["a", "b"], us, now)?;
    /// assert_eq!(document.at("").map(|all| all.len()), Some(2));
    /// assert_eq!(document.at("/0").map(|item| item.len()), Some(0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn len(&self) -> usize {
        match self.reading {
            Reading::Object => self.view.tree.fields(self.node).count(),
            Reading::List => self.view.tree.item_count(self.node),
            Reading::Scalar(_) | Reading::Count(_) => 0,
        }
    }

    /// Whether it has no fields and no items; `true` for a scalar. O(1).
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp, value::Value};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let mut document = Document::from_value(Value::Array(vec![]), us, now)?;
    /// assert!(document.at("").is_some_and(|all| all.is_empty()));
    /// document.push("", "a", us, now)?;
    /// assert!(document.at("").is_some_and(|all| !all.is_empty()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        match self.reading {
            Reading::Object => !self.view.has_fields(self.node),
            Reading::List => !self.view.has_items(self.node),
            Reading::Scalar(_) | Reading::Count(_) => true,
        }
    }

    /// The field with this name, if it is an object that has it. O(1).
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp, value::Value};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let message = Value::from_iter([("id", "m1"), ("a/b", "Hello")]);
    /// let document = Document::from_value([message], us, now)?;
    /// let text = document.at("/0").and_then(|message| message.get("a/b"));
    /// assert_eq!(text.and_then(|text| text.as_str()), Some("Hello"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get(&self, name: &str) -> Option<Self> {
        let Reading::Object = self.reading else { return None };
        self.below(self.view.tree.child(self.node, Sought::Field(name))?)
    }

    /// The item at this index, if it is a list that has it. O(1 + index / 512).
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let document = Document::from_value(["a", "b"], us, now)?;
    /// let last = document.at("").and_then(|list| list.item(list.len() - 1));
    /// assert_eq!(last.and_then(|item| item.as_str()), Some("b"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn item(&self, index: usize) -> Option<Self> {
        let Reading::List = self.reading else { return None };
        self.below(self.view.tree.item(self.node, index)?)
    }

    /// The item that was written into the list with this key (see [`ListKeys`]), if it is a list
    /// that has it. If several items share the key, the first one that was written wins. O(1).
    ///
    /// [`ListKeys`]: crate::document::ListKeys
    ///
    /// ```
    /// use rejoin::{Document, Timestamp, document::ListKeys, value::Value};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let mut document = Document::with_keys(ListKeys::new().by("/messages", "id")?);
    /// let message = |id: &str| Value::from_iter([("id", id)]);
    /// document.set("/messages", [message("m1"), message("m2")], us, now)?;
    /// let found = document.at("/messages").and_then(|messages| messages.item_by_key("m2"));
    /// assert_eq!(found.map(|message| message.pointer()), Some("/messages/1".into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn item_by_key(&self, key: impl Into<Value>) -> Option<Self> {
        self.keyed(Content::of_scalar(&key.into())?)
    }

    /// The same, where the key is known to be a scalar.
    pub(crate) fn keyed(self, key: Content) -> Option<Self> {
        let Reading::List = self.reading else { return None };
        let item = Segment::Item(Item::Keyed { key, nth: 0 });
        self.below(self.view.tree.child(self.node, Sought::Segment(&item))?)
    }

    /// The value at a JSON Pointer from here; `None` where nothing is, or if the text is not a JSON
    /// Pointer. O(depth), if no kinds contend.
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp, value::Value};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let author = Value::from_iter([("name", "Ana")]);
    /// let message = Value::from_iter([("author", author)]);
    /// let document = Document::from_value([message], us, now)?;
    /// let name = document.at("/0").and_then(|message| message.at("/author/name"));
    /// assert_eq!(name.and_then(|name| name.as_str()), Some("Ana"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn at(&self, pointer: &str) -> Option<Self> {
        let mut tokens = Pointer::parse(pointer).ok()?.tokens();
        tokens.try_fold(*self, |it, token| it.below(it.view.below_as(it.reading, it.node, &token)?))
    }

    /// A node one step below, if there is anything to read.
    fn below(self, node: NodeId) -> Option<Self> {
        if self.view.tree.has_content(node) { Self::on(self.view, node) } else { None }
    }

    /// The fields by name, if it is an object; otherwise empty. O(fields × log fields) to start,
    /// then O(1) each.
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp, value::Value};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let likes = Value::from_iter([("bo", 1), ("ana", 2)]);
    /// let document = Document::from_value(likes, us, now)?;
    /// if let Some(likes) = document.at("") {
    ///     let told: Vec<_> = likes.fields().map(|(name, it)| (name, it.as_u64())).collect();
    ///     assert_eq!(told, [("ana", Some(2)), ("bo", Some(1))]);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fields(&self) -> Fields<'a> {
        let fields = match self.reading {
            Reading::Object => self.view.tree.sorted_fields(self.node),
            _ => SmallVec::new(),
        };
        Fields { view: self.view, fields: fields.into_iter() }
    }

    /// The items in order, if it is a list; otherwise empty. O(1) to start and each.
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let document = Document::from_value(["a", "b"], us, now)?;
    /// if let Some(list) = document.at("") {
    ///     let told: Vec<_> = list.items().filter_map(|item| item.as_str()).collect();
    ///     assert_eq!(told, ["a", "b"]);
    ///     assert_eq!(list.items().len(), 2);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn items(&self) -> Items<'a> {
        let (items, left) = match self.reading {
            Reading::List => (self.view.tree.items(self.node), self.len()),
            _ => <_>::default(),
        };
        Items { view: self.view, rest: items, left }
    }

    /// Where it is, as a JSON Pointer. The index of an item is the one that it has now. O(depth,
    /// and log items in each list on the way).
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp, value::Value};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let tags = Value::from_iter([("a/b", Value::from(["urgent"]))]);
    /// let document = Document::from_value(tags, us, now)?;
    /// let tag = document.at("").and_then(|all| all.get("a/b")).and_then(|tags| tags.item(0));
    /// assert_eq!(tag.map(|tag| tag.pointer()), Some("/a~1b/0".into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pointer(&self) -> String {
        self.view.pointer(self.node)
    }

    /// Who wrote what is read here, and when: by the writer's clock, or just after what the write
    /// replaced. For a number that was counted on, it is the latest of its increments and of what
    /// was set.
    ///
    /// An object or a list has the stamp of the write that made it, not of those inside; it is
    /// `None` if that write was deleted and only what others wrote inside survived. O(writes that
    /// live here): one, unless several sides wrote concurrently.
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp, value::Value};
    /// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// let title = Value::from_iter([("title", "Booking")]);
    /// let mut document = Document::from_value(title, us, Timestamp::from_millis(5))?;
    /// document.set("/title", "Booking Help", eu, Timestamp::from_millis(9))?;
    /// let stamp = document.at("/title").and_then(|title| title.stamp()).ok_or("no stamp")?;
    /// assert_eq!((stamp.replica, stamp.time), (eu, Timestamp::from_millis(9)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stamp(&self) -> Option<Stamp> {
        let standing = self.view.standing(self.node);
        let rank = match self.reading {
            Reading::Object => standing.object,
            Reading::List => standing.list,
            Reading::Scalar(_) | Reading::Count(_) => standing.leaf().map(|leaf| leaf.0),
        };
        rank.map(|rank| rank.0)
    }

    /// The open conflicts here and below, by path: those of
    /// [`Document::conflicts`](crate::Document::conflicts) that lie here. O(depth + what lives
    /// below).
    ///
    /// ```
    /// use rejoin::{Document, Merge, Timestamp, value::Value};
    /// # let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// # let now = Timestamp::from_millis(1);
    /// let start = Value::from_iter([("title", "Booking"), ("status", "active")]);
    /// let mut ours = Document::from_value(start, us, now)?;
    /// let mut theirs = ours.clone();
    /// ours.set("/title", "Booking Help", us, now)?;
    /// theirs.set("/title", "Booking Assistance", eu, now)?;
    /// ours.merge(&theirs);
    /// let open = |pointer| ours.at(pointer).map(|it| it.conflicts().len());
    /// assert_eq!((open("/title"), open("/status"), open("")), (Some(1), Some(0), Some(1)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn conflicts(&self) -> Vec<Conflict> {
        self.view.conflicts(self.node)
    }

    /// A copy of the value. O(its size).
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp, value::Value};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let document = Document::from_value(["a", "b"], us, now)?;
    /// assert_eq!(document.at("").map(|all| all.to_value()), Some(Value::from(["a", "b"])));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_value(&self) -> Value {
        self.view.value_as(self.reading, self.node).unwrap_or_default()
    }
}

/// Where it is, and its kind.
impl fmt::Debug for Cursor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told = f.debug_struct("Cursor");
        told.field("pointer", &self.pointer()).field("kind", &self.kind()).finish()
    }
}

/// The value as compact JSON. O(its size).
impl fmt::Display for Cursor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.view.push_json(self.node, &mut text);
        f.write_str(&text)
    }
}

/// The fields of an object by name: see [`Cursor::fields`].
#[derive(Clone)]
pub struct Fields<'a> {
    view: View<'a>,
    fields: smallvec::IntoIter<[(&'a Arc<str>, NodeId); 8]>,
}

impl<'a> Fields<'a> {
    fn told(
        view: View<'a>,
        (name, field): (&'a Arc<str>, NodeId),
    ) -> Option<(&'a str, Cursor<'a>)> {
        Some((name, Cursor::on(view, field)?))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a str, Cursor<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.fields.find_map(|field| Self::told(self.view, field))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.fields.size_hint()
    }
}

impl DoubleEndedIterator for Fields<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.fields.by_ref().rev().find_map(|field| Self::told(self.view, field))
    }
}

/// Something is read wherever a field is linked, so none is left out.
impl ExactSizeIterator for Fields<'_> {}

impl FusedIterator for Fields<'_> {}

impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone().map(|field| field.1)).finish()
    }
}

/// The items of a list in order: see [`Cursor::items`].
#[derive(Clone)]
pub struct Items<'a> {
    view: View<'a>,
    rest: state::Items<'a>,
    left: usize,
}

impl<'a> Iterator for Items<'a> {
    type Item = Cursor<'a>;

    fn next(&mut self) -> Option<Cursor<'a>> {
        let item = self.rest.find_map(|item| Cursor::on(self.view, item))?;
        self.left -= 1;
        Some(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl DoubleEndedIterator for Items<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let item = self.rest.by_ref().rev().find_map(|item| Cursor::on(self.view, item))?;
        self.left -= 1;
        Some(item)
    }
}

/// Something is read wherever an item is linked, so none is left out.
impl ExactSizeIterator for Items<'_> {}

impl FusedIterator for Items<'_> {}

impl fmt::Debug for Items<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}
