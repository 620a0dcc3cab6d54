//! [`Content`]: what one write says.

use super::{form::ListForm, place::Place, short::Short};
use crate::value::{Number, Value};
use alloc::{string::String, sync::Arc};
use core::cmp::Ordering;

/// What one write says: a scalar, the mark of a container, a part of a counter, the place of an
/// item, or that nothing should be there. 24 bytes. Text of up to 22 bytes is stored in place; longer text is shared by a state,
/// its clones and its deltas.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Content {
    Null,
    Bool(bool),
    Number(Number),
    Short(Short),
    Long(Arc<str>),
    /// An object or an array as one value.
    Atom(Arc<Value>),
    /// An object is here, even if it is empty.
    Object,
    /// A list is here, even if it is empty; `None` for the plain form.
    List(Option<Arc<ListForm>>),
    /// What its replica has counted on the number that is here since its own write `start`.
    Count {
        start: u64,
        sum: i64,
    },
    /// Where the item that lives here stands in its list.
    Place(Place),
    /// Nothing is here, whatever others write concurrently.
    Removed,
}

const _: () = assert!(size_of::<Content>() == 24, "three words of a write's six");

impl Content {
    pub(crate) fn text(text: &str) -> Self {
        Short::new(text.as_bytes()).map_or_else(|| Self::Long(text.into()), Self::Short)
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Short(short) => Some(short.as_str()),
            Self::Long(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is an integer that a counter may start from.
    pub(crate) fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Number(number) => number.as_i64(),
            _ => None,
        }
    }

    /// A null, boolean, number or string.
    pub(crate) const fn is_scalar(&self) -> bool {
        self.is_value() && !matches!(self, Self::Atom(_))
    }

    /// A scalar, or an object or an array as one value.
    pub(crate) const fn is_value(&self) -> bool {
        !matches!(
            self,
            Self::Object | Self::List(_) | Self::Count { .. } | Self::Place(_) | Self::Removed
        )
    }

    /// The mark of a list of this form.
    pub(crate) fn list(form: ListForm) -> Self {
        Self::List((form != ListForm::PLAIN).then(|| form.into()))
    }

    /// The form of the list, if it is the mark of one.
    pub(crate) fn form(&self) -> Option<&ListForm> {
        match self {
            Self::List(form) => Some(form.as_deref().unwrap_or(&ListForm::PLAIN)),
            _ => None,
        }
    }

    /// The order among values as people see it: null, booleans, numbers by what they are worth,
    /// texts, arrays and objects: the order of the variants. Values that are worth the same but differ
    /// are told apart.
    pub(crate) fn cmp_value(&self, other: &Self) -> Ordering {
        let worth = match (self, other) {
            (Self::Number(ours), Self::Number(theirs)) => ours.cmp_worth(*theirs),
            (ours, theirs) => match (ours.as_str(), theirs.as_str()) {
                (Some(ours), Some(theirs)) => ours.cmp(theirs),
                _ => Ordering::Equal,
            },
        };
        worth.then_with(|| self.cmp(other))
    }

    /// What a write of this scalar says; `None` for a container.
    pub(crate) fn of_scalar(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Null => Self::Null,
            Value::Bool(truth) => Self::Bool(*truth),
            Value::Number(number) => Self::Number(*number),
            Value::String(text) => Self::text(text),
            Value::Array(_) | Value::Object(_) => return None,
        })
    }

    /// The value, if it is one.
    pub(crate) fn to_value(&self) -> Option<Value> {
        Some(match self {
            Self::Null => Value::Null,
            Self::Bool(truth) => Value::Bool(*truth),
            Self::Number(number) => Value::Number(*number),
            Self::Short(short) => Value::String(short.as_str().into()),
            Self::Long(text) => Value::String(String::from(&**text)),
            Self::Atom(value) => Value::clone(value),
            _ => return None,
        })
    }
}
