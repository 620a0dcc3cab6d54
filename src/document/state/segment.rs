//! [`Segment`]: one step down in a document, by identity: the name of a field, or which item.

use super::content::Content;
use crate::causal::Dot;
use alloc::sync::Arc;

/// One step down in a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Segment {
    /// A field of an object.
    Field(Arc<str>),
    /// An item of a list: its identity, wherever it stands.
    Item(Item),
}

/// The identity of an item. Independent imports of equal content agree on it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Item {
    /// The one whose key field holds this scalar; if there are several, the `nth`.
    Keyed { key: Content, nth: u32 },
    /// Without a key, in an array that was written as a whole: the `nth` with this content.
    Like { content: u64, nth: u32 },
    /// Without a key, inserted on its own: the first dot of the insertion.
    Made(Dot),
}

impl Item {
    /// The `nth` of its kind.
    pub(crate) fn nth(&self, nth: u32) -> Self {
        match self {
            Self::Keyed { key, .. } => Self::Keyed { key: key.clone(), nth },
            Self::Like { content, .. } => Self::Like { content: *content, nth },
            Self::Made(dot) => Self::Made(*dot),
        }
    }
}

impl Segment {
    /// How many bytes it takes of the length that a path may have.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Field(name) => name.len() + 1,
            Self::Item(Item::Keyed { key, .. }) => key.as_str().map_or(8, str::len) + 5,
            Self::Item(_) => 24,
        }
    }
}
