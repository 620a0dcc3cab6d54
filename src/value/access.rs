//! Taking a [`Value`] apart: by type, by name, by index and by JSON Pointer.

use super::{
    Kind, Number, Value,
    pointer::{Pointer, index_of_token},
};
use alloc::{collections::BTreeMap, string::String, vec::Vec};
use core::ops;

/// Which kind of value it is.
impl Value {
    /// Its kind. O(1).
    ///
    /// ```
    /// use rejoin::value::{Kind, Value};
    /// assert_eq!(Value::from(["a", "b"]).kind(), Kind::Array);
    /// assert_eq!(Value::from("a").kind(), Kind::Scalar);
    /// ```
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Object(_) => Kind::Object,
            Self::Array(_) => Kind::Array,
            _ => Kind::Scalar,
        }
    }

    /// Whether it is `null`.
    ///
    /// ```
    /// use rejoin::value::Value;
    /// assert!(Value::from(None::<u64>).is_null());
    /// assert!(!Value::from(0).is_null());
    /// ```
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether it is `true` or `false`.
    ///
    /// ```
    /// use rejoin::value::Value;
    /// assert!(Value::from(true).is_boolean());
    /// assert!(!Value::from("true").is_boolean());
    /// ```
    pub const fn is_boolean(&self) -> bool {
        matches!(self, Self::Bool(_))
    }

    /// Whether it is a number.
    ///
    /// ```
    /// use rejoin::value::Value;
    /// assert!(Value::from(1.5).is_number());
    /// assert!(!Value::from("1.5").is_number());
    /// ```
    pub const fn is_number(&self) -> bool {
        matches!(self, Self::Number(_))
    }

    /// Whether it is an integer that an `i64` holds: whether [`as_i64`](Self::as_i64) returns one.
    ///
    /// ```
    /// use rejoin::value::Value;
    /// assert!(Value::from(-1).is_i64());
    /// assert!(!Value::from(u64::MAX).is_i64());
    /// assert!(!Value::from(1.0).is_i64());
    /// ```
    pub fn is_i64(&self) -> bool {
        self.as_i64().is_some()
    }

    /// Whether it is an integer that a `u64` holds: whether [`as_u64`](Self::as_u64) returns one.
    ///
    /// ```
    /// use rejoin::value::Value;
    /// assert!(Value::from(1).is_u64());
    /// assert!(!Value::from(-1).is_u64());
    /// ```
    pub const fn is_u64(&self) -> bool {
        self.as_u64().is_some()
    }

    /// Whether it is a number that is not written as an integer: true for `1.0`, false for `1`.
    ///
    /// ```
    /// use rejoin::value::Value;
    /// assert!(Value::from(1.0).is_f64());
    /// assert!(!Value::from(1).is_f64());
    /// ```
    pub const fn is_f64(&self) -> bool {
        matches!(self, Self::Number(number) if number.is_f64())
    }

    /// Whether it is a string.
    ///
    /// ```
    /// use rejoin::value::Value;
    /// assert!(Value::from("Booking").is_string());
    /// assert!(!Value::Null.is_string());
    /// ```
    pub const fn is_string(&self) -> bool {
        matches!(self, Self::String(_))
    }

    /// Whether it is an array.
    ///
    /// ```
    /// use rejoin::value::Value;
    /// assert!(Value::from([1, 2]).is_array());
    /// assert!(!Value::from(1).is_array());
    /// ```
    pub const fn is_array(&self) -> bool {
        matches!(self, Self::Array(_))
    }

    /// Whether it is an object.
    ///
    /// ```
    /// use rejoin::value::Value;
    /// assert!(Value::from_iter([("unread", 1)]).is_object());
    /// assert!(!Value::from([1]).is_object());
    /// ```
    pub const fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }
}

/// What is inside, if it is of that type. All O(1).
impl Value {
    /// `Some(())` if it is `null`.
    ///
    /// ```
    /// use rejoin::value::Value;
    /// assert_eq!(Value::Null.as_null(), Some(()));
    /// assert_eq!(Value::from(0).as_null(), None);
    /// ```
    pub const fn as_null(&self) -> Option<()> {
        match self {
            Self::Null => Some(()),
            _ => None,
        }
    }

    /// The truth value, if it is a boolean.
    ///
    /// ```
    /// use rejoin::value::Value;
    /// assert_eq!(Value::from(true).as_bool(), Some(true));
    /// assert_eq!(Value::from(1).as_bool(), None);
    /// ```
    pub const fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(*truth),
            _ => None,
        }
    }

    /// The number, if it is one.
    ///
    /// ```
    /// use rejoin::value::{Number, Value};
    /// assert_eq!(Value::from(3).as_number(), Some(Number::from(3)));
    /// assert_eq!(Value::from("3").as_number(), None);
    /// ```
    pub const fn as_number(&self) -> Option<Number> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The integer, if it is one that an `i64` holds.
    ///
    /// ```
    /// use rejoin::value::Value;
    /// assert_eq!(Value::from(-3).as_i64(), Some(-3));
    /// assert_eq!(Value::from(u64::MAX).as_i64(), None);
    /// assert_eq!(Value::from(3.0).as_i64(), None);
    /// ```
    pub fn as_i64(&self) -> Option<i64> {
        self.as_number()?.as_i64()
    }

    /// The integer, if it is one that a `u64` holds.
    ///
    /// ```
    /// use rejoin::value::Value;
    /// assert_eq!(Value::from(3).as_u64(), Some(3));
    /// assert_eq!(Value::from(-3).as_u64(), None);
    /// ```
    pub const fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Number(number) => number.as_u64(),
            _ => None,
        }
    }

    /// The number as an `f64`, if it is a number; an integer is rounded to the nearest one.
    ///
    /// ```
    /// use rejoin::value::Value;
    /// assert_eq!(Value::from(1.5).as_f64(), Some(1.5));
    /// assert_eq!(Value::from(3).as_f64(), Some(3.0));
    /// assert_eq!(Value::from("3").as_f64(), None);
    /// ```
    pub const fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(number.as_f64()),
            _ => None,
        }
    }

    /// The text, if it is a string.
    ///
    /// ```
    /// use rejoin::value::Value;
    /// assert_eq!(Value::from("Booking").as_str(), Some("Booking"));
    /// assert_eq!(Value::from(1).as_str(), None);
    /// ```
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The items, if it is an array.
    ///
    /// ```
    /// use rejoin::value::Value;
    /// let tags = Value::from(["urgent", "refund"]);
    /// for tag in tags.as_array().into_iter().flatten() {
    ///     assert!(tag.is_string());
    /// }
    /// assert_eq!(tags.as_array().map(Vec::len), Some(2));
    /// assert_eq!(Value::from("urgent").as_array(), None);
    /// ```
    pub const fn as_array(&self) -> Option<&Vec<Self>> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The items by mutable reference, if it is an array.
    ///
    /// ```
    /// use rejoin::value::Value;
    /// let mut tags = Value::from(["urgent"]);
    /// if let Some(items) = tags.as_array_mut() {
    ///     items.push("refund".into());
    /// }
    /// assert_eq!(tags, Value::from(["urgent", "refund"]));
    /// ```
    pub const fn as_array_mut(&mut self) -> Option<&mut Vec<Self>> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The fields by name, if it is an object.
    ///
    /// ```
    /// use rejoin::value::Value;
    /// let message = Value::from_iter([("id", "m1"), ("text", "Hello")]);
    /// let names: Vec<_> = message.as_object().into_iter().flatten().map(|field| field.0).collect();
    /// assert_eq!(names, ["id", "text"]);
    /// assert_eq!(Value::from("m1").as_object(), None);
    /// ```
    pub const fn as_object(&self) -> Option<&BTreeMap<String, Self>> {
        match self {
            Self::Object(fields) => Some(fields),
            _ => None,
        }
    }

    /// The fields by name, by mutable reference, if it is an object.
    ///
    /// ```
    /// use rejoin::value::Value;
    /// let mut message = Value::from_iter([("id", "m1")]);
    /// if let Some(fields) = message.as_object_mut() {
    ///     fields.insert("likes".into(), 3.into());
    /// }
    /// assert_eq!(message["likes"], 3);
    /// ```
    pub const fn as_object_mut(&mut self) -> Option<&mut BTreeMap<String, Self>> {
        match self {
            Self::Object(fields) => Some(fields),
            _ => None,
        }
    }

    /// The value, leaving `null` in its place.
    ///
    /// ```
    /// use rejoin::value::Value;
    /// let mut message = Value::from_iter([("text", "Hello")]);
    /// let text = message.get_mut("text").map(Value::take);
    /// assert_eq!(text, Some("Hello".into()));
    /// assert!(message["text"].is_null());
    /// ```
    #[must_use = "to drop a value, assign `Value::Null`"]
    pub const fn take(&mut self) -> Self {
        core::mem::replace(self, Self::Null)
    }
}

/// What lies inside an array or an object.
impl Value {
    /// The field with this name of an object, or the item at this index of an array; `None` if it
    /// is something else, or has no such field or item. O(log fields), or O(1) for an item.
    ///
    /// ```
    /// use rejoin::value::Value;
    /// let message = Value::from_iter([("tags", Value::from(["urgent", "refund"]))]);
    /// let first = message.get("tags").and_then(|tags| tags.get(0));
    /// assert_eq!(first.and_then(Value::as_str), Some("urgent"));
    /// assert_eq!(message.get("text"), None);
    /// assert_eq!(message.get(0), None);
    /// ```
    pub fn get<I: Index>(&self, index: I) -> Option<&Self> {
        index.of(self)
    }

    /// The same as [`get`](Self::get), by mutable reference.
    ///
    /// ```
    /// use rejoin::value::Value;
    /// let mut message = Value::from_iter([("text", "Hello")]);
    /// if let Some(text) = message.get_mut("text") {
    ///     *text = "Hello there".into();
    /// }
    /// assert_eq!(message["text"], "Hello there");
    /// ```
    pub fn get_mut<I: Index>(&mut self, index: I) -> Option<&mut Self> {
        index.of_mut(self)
    }

    /// The value at a JSON Pointer (RFC 6901); `None` if nothing is there, or if the text is not a
    /// JSON Pointer. O(length of the pointer + log fields on each level).
    ///
    /// ```
    /// use rejoin::value::Value;
    /// let message = Value::from_iter([("a/b", Value::from(["x", "y"]))]);
    /// assert_eq!(message.pointer("/a~1b/1").and_then(Value::as_str), Some("y"));
    /// assert_eq!(message.pointer(""), Some(&message));
    /// assert_eq!(message.pointer("/a~1b/2"), None);
    /// ```
    pub fn pointer(&self, pointer: &str) -> Option<&Self> {
        let mut tokens = Pointer::of_any_length(pointer)?.tokens();
        tokens.try_fold(self, |value, token| match value {
            Self::Array(items) => items.get(index_of_token(&token)?),
            Self::Object(fields) => fields.get(&*token),
            _ => None,
        })
    }

    /// The same as [`pointer`](Self::pointer), by mutable reference.
    ///
    /// ```
    /// use rejoin::value::Value;
    /// let mut message = Value::from_iter([("tags", Value::from(["urgent", "refund"]))]);
    /// if let Some(tag) = message.pointer_mut("/tags/1") {
    ///     *tag = "solved".into();
    /// }
    /// assert_eq!(message["tags"][1], "solved");
    /// ```
    pub fn pointer_mut(&mut self, pointer: &str) -> Option<&mut Self> {
        let mut tokens = Pointer::of_any_length(pointer)?.tokens();
        tokens.try_fold(self, |value, token| match value {
            Self::Array(items) => items.get_mut(index_of_token(&token)?),
            Self::Object(fields) => fields.get_mut(&*token),
            _ => None,
        })
    }
}

mod sealed {
    /// Keeps [`Index`](super::Index) to the types of this file, so that it may grow.
    pub trait Sealed {}
}

/// What the inside of a [`Value`] is addressed by: the name of a field (`str` or `String`) or the
/// index of an item (`usize`), each also by reference.
///
/// It cannot be implemented outside of this crate.
pub trait Index: sealed::Sealed {
    #[doc(hidden)]
    fn of<'v>(&self, value: &'v Value) -> Option<&'v Value>;

    #[doc(hidden)]
    fn of_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value>;
}

impl sealed::Sealed for str {}

impl Index for str {
    fn of<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        value.as_object()?.get(self)
    }

    fn of_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        value.as_object_mut()?.get_mut(self)
    }
}

impl sealed::Sealed for String {}

impl Index for String {
    fn of<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.as_str().of(value)
    }

    fn of_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        self.as_str().of_mut(value)
    }
}

impl sealed::Sealed for usize {}

impl Index for usize {
    fn of<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        value.as_array()?.get(*self)
    }

    fn of_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        value.as_array_mut()?.get_mut(*self)
    }
}

impl<I: ?Sized + sealed::Sealed> sealed::Sealed for &I {}

impl<I: ?Sized + Index> Index for &I {
    fn of<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        (**self).of(value)
    }

    fn of_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        (**self).of_mut(value)
    }
}

/// The field or the item, and `null` where there is none: it never panics. To tell the two apart,
/// or to change what is there, use [`Value::get`] or [`Value::get_mut`].
///
/// ```
/// use rejoin::value::Value;
/// let message = Value::from_iter([("tags", Value::from(["urgent"]))]);
/// assert_eq!(message["tags"][0], "urgent");
/// assert!(message["author"]["name"].is_null());
/// ```
impl<I: Index> ops::Index<I> for Value {
    type Output = Self;

    fn index(&self, index: I) -> &Self {
        static NULL: Value = Value::Null;
        index.of(self).unwrap_or(&NULL)
    }
}

/// Whether it is exactly this text, integer or boolean. There is no comparison with floats, since
/// `0.0` and `-0.0` are different values: compare what [`as_f64`](Value::as_f64) returns.
macro_rules! equals {
    ($(|$value:ident, $other:ident: $type:ty| $equals:expr;)*) => {$(
        impl PartialEq<$type> for Value {
            fn eq(&self, $other: &$type) -> bool {
                let $value = self;
                $equals
            }
        }

        impl PartialEq<Value> for $type {
            fn eq(&self, other: &Value) -> bool {
                *other == *self
            }
        }
    )*};
}

equals! {
    |value, text: str| value.as_str() == Some(text);
    |value, text: &str| value.as_str() == Some(*text);
    |value, text: String| value.as_str() == Some(text);
    |value, truth: bool| value.as_bool() == Some(*truth);
}

macro_rules! equals_number {
    ($($integer:ty)*) => {
        equals! { $(|value, integer: $integer| value.as_number() == Some((*integer).into());)* }
    };
}

equals_number!(u8 u16 u32 u64 usize i8 i16 i32 i64 isize);
