//! [`Cursor`]: a value in a document, read where it stands.

use super::{
    path::Step,
    report::Conflict,
    view::{Reading, View},
};
use crate::{
    document::state::{self, Content, Item, NodeId, ROOT, Segment, Sought},
    time::Stamp,
    value::{
        Kind, Number, Value,
        pointer::{Pointer, index_of_token, write_index, write_name},
    },
};
use alloc::{string::String, sync::Arc, vec::Vec};
use core::{fmt, iter::FusedIterator, slice};
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
    at: At<'a>,
}

/// What a cursor is on: known, so that no method finds it out again.
#[derive(Clone, Copy)]
enum At<'a> {
    /// What is read at the node, which is no [`Reading::Atom`].
    Node(Reading<'a>),
    /// The one value that lives at the node, or a part of it.
    Part(&'a Value),
    /// The key of the item at the node, which outlived its deletion.
    Key(&'a str, &'a Content),
}

impl<'a> Cursor<'a> {
    /// On the whole document; `None` if nothing is read there.
    pub(crate) fn root(view: View<'a>) -> Option<Self> {
        Self::on(view, ROOT)
    }

    fn on(view: View<'a>, node: NodeId) -> Option<Self> {
        let at = match view.reading(node)? {
            Reading::Atom(value) => At::Part(value),
            reading => At::Node(reading),
        };
        Some(Self { view, node, at })
    }

    /// The scalar, if it is one write.
    const fn content(&self) -> Option<&'a Content> {
        match self.at {
            At::Node(Reading::Scalar(content)) | At::Key(_, content) => Some(content),
            _ => None,
        }
    }

    /// The value, if it is a part of one write.
    const fn part(&self) -> Option<&'a Value> {
        match self.at {
            At::Part(value) => Some(value),
            _ => None,
        }
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
    pub fn kind(&self) -> Kind {
        match self.at {
            At::Node(reading) => reading.kind(),
            At::Part(value) => value.kind(),
            At::Key(..) => Kind::Scalar,
        }
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
        matches!(self.content(), Some(Content::Null)) || matches!(self.part(), Some(Value::Null))
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
        match (self.content(), self.part()) {
            (Some(Content::Bool(truth)), _) | (_, Some(Value::Bool(truth))) => Some(*truth),
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
        if let At::Node(Reading::Count(count)) = self.at {
            return Some(count.into());
        }
        match (self.content(), self.part()) {
            (Some(Content::Number(number)), _) | (_, Some(Value::Number(number))) => Some(*number),
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
        match (self.content(), self.part()) {
            (Some(content), _) => content.as_str(),
            (_, Some(Value::String(text))) => Some(text),
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
        match self.at {
            At::Node(Reading::Object) => {
                let key = usize::from(self.view.lost_key(self.node).is_some());
                self.view.tree.fields(self.node).count() + key
            }
            At::Node(Reading::List) => self.view.tree.item_count(self.node),
            At::Part(Value::Object(fields)) => fields.len(),
            At::Part(Value::Array(items)) => items.len(),
            _ => 0,
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
        match self.at {
            // An item that outlived its deletion has what survived.
            At::Node(Reading::Object) => !self.view.has_fields(self.node),
            At::Node(Reading::List) => !self.view.has_items(self.node),
            At::Part(Value::Object(fields)) => fields.is_empty(),
            At::Part(Value::Array(items)) => items.is_empty(),
            _ => true,
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
        match self.at {
            At::Node(Reading::Object) => {
                let field = self.view.tree.child(self.node, Sought::Field(name));
                field.and_then(|field| self.below(field)).or_else(|| self.key(name))
            }
            At::Part(Value::Object(fields)) => Some(self.inside(fields.get(name)?)),
            _ => None,
        }
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
        match self.at {
            At::Node(Reading::List) => self.below(self.view.tree.item(self.node, index)?),
            At::Part(Value::Array(items)) => Some(self.inside(items.get(index)?)),
            _ => None,
        }
    }

    /// The item that was written into the list with this key (see [`Rules`]), if it is a list
    /// that has it. If several items share the key, the first one that was written wins. O(1).
    ///
    /// [`Rules`]: crate::document::Rules
    ///
    /// ```
    /// use rejoin::{Document, Timestamp, document::Rules, value::Value};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let mut document = Document::with_rules(Rules::new().keyed("/messages", "id")?);
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
        let At::Node(Reading::List) = self.at else { return None };
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
        tokens.try_fold(*self, |it, token| match it.at {
            At::Node(Reading::List) | At::Part(Value::Array(_)) => it.item(index_of_token(&token)?),
            _ => it.get(&token),
        })
    }

    /// A node one step below, if there is anything to read.
    fn below(self, node: NodeId) -> Option<Self> {
        if self.view.tree.has_content(node) { Self::on(self.view, node) } else { None }
    }

    /// A part of the same value.
    const fn inside(self, part: &'a Value) -> Self {
        Self { at: At::Part(part), ..self }
    }

    /// The key of this item under its name, if the item outlived its deletion.
    fn key(self, name: &str) -> Option<Self> {
        let (field, key) = self.view.lost_key(self.node)?;
        (field == name).then_some(Self { at: At::Key(field, key), ..self })
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
        let mut fields = SmallVec::new();
        match self.at {
            At::Node(Reading::Object) => {
                let below = self.view.tree.sorted_fields(self.node).into_iter();
                fields.extend(below.filter_map(|(name, it)| Some((&**name, self.below(it)?))));
                if let Some((name, key)) = self.view.lost_key(self.node) {
                    let at = fields.partition_point(|field: &(&str, Self)| field.0 < name);
                    fields.insert(at, (name, Self { at: At::Key(name, key), ..*self }));
                }
            }
            At::Part(Value::Object(parts)) => {
                fields.extend(parts.iter().map(|(name, it)| (&**name, self.inside(it))));
            }
            _ => {}
        }
        Fields { fields: fields.into_iter() }
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
        let nodes = match self.at {
            At::Node(Reading::List) => self.view.tree.items(self.node),
            _ => <_>::default(),
        };
        let parts = match self.at {
            At::Part(Value::Array(items)) => items.iter(),
            _ => <_>::default(),
        };
        let left = if self.kind() == Kind::Array { self.len() } else { 0 };
        Items { list: *self, nodes, parts, left }
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
        let mut pointer = self.view.pointer(self.node);
        // Writing into a string cannot fail.
        let _ = match self.at {
            At::Node(_) => Ok(()),
            At::Key(name, _) => write_name(&mut pointer, name),
            At::Part(part) => self.spell_way_to(part, &mut pointer),
        };
        pointer
    }

    /// Appends where in the value at the node a part is. O(the size of the value).
    fn spell_way_to(&self, part: &Value, out: &mut String) -> fmt::Result {
        let Some(Reading::Atom(whole)) = self.view.reading(self.node) else { return Ok(()) };
        let mut way = Vec::new();
        find_part(whole, part, &mut way);
        way.into_iter().rev().try_for_each(|step| match step {
            Step::Field(name) => write_name(out, name),
            Step::Item(index) => write_index(out, index),
        })
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
        let rank = match self.at {
            At::Node(Reading::Object) => standing.object,
            At::Node(Reading::List) => standing.list,
            At::Node(_) | At::Part(_) => standing.leaf().map(|leaf| leaf.0),
            At::Key(..) => None,
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
        let is_node = match self.at {
            At::Node(_) => true,
            At::Part(part) => matches!(
                self.view.reading(self.node),
                Some(Reading::Atom(whole)) if core::ptr::eq(Arc::as_ptr(whole), part)
            ),
            At::Key(..) => false,
        };
        if is_node { self.view.conflicts(self.node) } else { Vec::new() }
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
        match self.at {
            At::Node(reading) => self.view.value_as(reading, self.node).unwrap_or_default(),
            At::Part(part) => part.clone(),
            At::Key(_, key) => key.to_value().unwrap_or_default(),
        }
    }
}

/// Finds the part of a value that is at the same address: the steps to it, from the last one.
fn find_part<'a>(whole: &'a Value, part: &Value, way: &mut Vec<Step<'a>>) -> bool {
    if core::ptr::eq(whole, part) {
        return true;
    }
    let found = match whole {
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.find_map(|(at, it)| find_part(it, part, way).then_some(Step::Item(at)))
        }
        Value::Object(fields) => {
            let mut fields = fields.iter();
            fields.find_map(|(name, it)| find_part(it, part, way).then_some(Step::Field(name)))
        }
        _ => None,
    };
    way.extend(found);
    found.is_some()
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
        match self.at {
            At::Node(_) => self.view.push_json(self.node, &mut text),
            At::Part(part) => part.push_json(&mut text),
            At::Key(_, key) => key.push_json(&mut text),
        }
        f.write_str(&text)
    }
}

/// The fields of an object by name: see [`Cursor::fields`].
#[derive(Clone)]
pub struct Fields<'a> {
    fields: smallvec::IntoIter<[(&'a str, Cursor<'a>); 4]>,
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a str, Cursor<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.fields.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.fields.size_hint()
    }
}

impl DoubleEndedIterator for Fields<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.fields.next_back()
    }
}

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
    list: Cursor<'a>,
    nodes: state::Items<'a>,
    parts: slice::Iter<'a, Value>,
    left: usize,
}

impl<'a> Iterator for Items<'a> {
    type Item = Cursor<'a>;

    fn next(&mut self) -> Option<Cursor<'a>> {
        let node = self.nodes.find_map(|item| self.list.below(item));
        let item = node.or_else(|| self.parts.next().map(|part| self.list.inside(part)))?;
        self.left -= 1;
        Some(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl DoubleEndedIterator for Items<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let node = self.nodes.by_ref().rev().find_map(|item| self.list.below(item));
        let item = node.or_else(|| self.parts.next_back().map(|it| self.list.inside(it)))?;
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
