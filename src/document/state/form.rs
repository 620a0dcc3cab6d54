//! [`ListForm`]: what the mark of a list says about its items.

use alloc::sync::Arc;

/// What tells the items of a list apart, and what they are ordered by.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ListForm {
    /// The field that tells items apart.
    pub(crate) key: Option<Arc<str>>,
    pub(crate) order: ListOrder,
}

/// What the items of a list are ordered by.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum ListOrder {
    /// Where each was put.
    #[default]
    Place,
    /// What is read at this field of each.
    Field(Arc<str>),
    /// What each reads as: the list is a set, and its items are told apart by what they are.
    Value,
}

impl ListForm {
    /// No key, and ordered by place.
    pub(crate) const PLAIN: Self = Self { key: None, order: ListOrder::Place };
    /// A set.
    pub(crate) const SET: Self = Self { key: None, order: ListOrder::Value };

    pub(crate) fn is_set(&self) -> bool {
        self.order == ListOrder::Value
    }
}
