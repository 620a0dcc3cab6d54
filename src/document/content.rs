//! [`Content`]: what one write says.

use super::{
    place::Place,
    value::{Number, Value},
};
use alloc::{string::String, sync::Arc};
use core::fmt;

/// What one write says: a scalar, the mark of a container, a part of a counter, or the place of
/// an item. 24 bytes; text of up to 22 bytes lies within, longer text is shared by a state, its
/// clones and its deltas.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Content {
    Null,
    Bool(bool),
    Number(Number),
    Short(Short),
    Long(Arc<str>),
    /// An object is here, be it empty.
    Object,
    /// A list is here, be it empty; its items are told apart by this field of theirs, if any.
    List(Option<Arc<str>>),
    /// What its replica has counted on the number that is here, since its own write `start`.
    Count {
        start: u64,
        sum: i64,
    },
    /// Where the item that lives here stands in its list.
    Place(Place),
}

const _: () = assert!(size_of::<Content>() == 24, "three words of a write's six");

/// Up to 22 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Short {
    bytes: [u8; 22],
    len: u8,
}

impl Short {
    pub(super) fn new(bytes: &[u8]) -> Option<Self> {
        let mut short = Self { bytes: [0; 22], len: u8::try_from(bytes.len()).ok()? };
        short.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(short)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// The text that it was made of.
    fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

/// As text, unless it is none.
impl fmt::Debug for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match core::str::from_utf8(self.as_bytes()) {
            Ok(text) => text.fmt(f),
            Err(_) => self.as_bytes().fmt(f),
        }
    }
}

impl Content {
    pub(super) fn text(text: &str) -> Self {
        Short::new(text.as_bytes()).map_or_else(|| Self::Long(text.into()), Self::Short)
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Short(short) => Some(short.as_str()),
            Self::Long(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is an integer that a counter may start from.
    pub(super) fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Number(number) => number.as_i64(),
            _ => None,
        }
    }

    /// A null, boolean, number or string.
    pub(super) const fn is_scalar(&self) -> bool {
        !matches!(self, Self::Object | Self::List(_) | Self::Count { .. } | Self::Place(_))
    }

    /// The scalar as a value; of anything else none.
    pub(super) fn to_value(&self) -> Option<Value> {
        Some(match self {
            Self::Null => Value::Null,
            Self::Bool(truth) => Value::Bool(*truth),
            Self::Number(number) => Value::Number(*number),
            Self::Short(short) => Value::String(short.as_str().into()),
            Self::Long(text) => Value::String(String::from(&**text)),
            _ => return None,
        })
    }
}
