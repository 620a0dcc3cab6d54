//! [`SetView`]: a set as a value of a map.

use super::{
    entry::Entry,
    few::{self, Few},
    value::{Change, Nested, Viewed},
};
use crate::{
    causal::{Dot, Slot},
    error::WriteError,
    iter::iterator,
    replica::ReplicaId,
    set::OrSet,
};
use alloc::vec;
use core::{borrow::Borrow, fmt, hash::Hash};

/// What is read of an [`OrSet`] in a [`CausalMap`](super::CausalMap).
#[derive(Clone, PartialEq)]
pub struct SetView<T>(Few<T, Few<Slot, ()>>);

impl<T> Default for SetView<T> {
    fn default() -> Self {
        Self(Few::default())
    }
}

impl<T> SetView<T> {
    /// How many elements there are. O(1).
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no element. O(1). A view that a map returned has one.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The elements, ascending. O(1), and O(elements) to walk.
    pub fn iter(&self) -> Elements<'_, T> {
        Elements(self.0.iter())
    }
}

impl<T: Ord> SetView<T> {
    /// Whether `element` is in the set. O(log elements).
    pub fn contains<Q: Ord + ?Sized>(&self, element: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        self.0.get(element).is_some()
    }
}

impl<T: fmt::Debug> fmt::Debug for SetView<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl<T: Clone + Ord + Hash> Viewed for OrSet<T> {
    type View = SetView<T>;
}

impl<T: Clone + Ord + Hash> Nested for OrSet<T> {
    type Write = T;

    fn came(view: &mut Self::View, element: &T, _: Dot, slot: Slot) {
        if view.0.get(element).is_none() {
            view.0.insert(element.clone(), Few::default());
        }
        if let Some(slots) = view.0.get_mut(element) {
            slots.insert(slot, ());
        }
    }

    fn going(view: &mut Self::View, element: &T, _: Dot, slot: Slot) {
        let Some(slots) = view.0.get_mut(element) else { return };
        slots.remove(&slot);
        if slots.is_empty() {
            view.0.remove(element);
        }
    }

    fn is_empty(view: &Self::View) -> bool {
        view.is_empty()
    }

    fn is_shown(view: &Self::View) -> bool {
        !view.is_empty()
    }

    fn clear(view: &Self::View, _: ReplicaId) -> Change<T> {
        Change::erase(view.0.iter().flat_map(|(_, slots)| slots.iter().map(|slot| *slot.0)))
    }
}

/// The live inserts of an element.
fn inserts<T: Ord + Borrow<Q>, Q: Ord + ?Sized>(
    view: &SetView<T>,
    element: &Q,
) -> impl Iterator<Item = Slot> {
    view.0.get(element).into_iter().flat_map(|slots| slots.iter().map(|slot| *slot.0))
}

impl<T: Clone + Ord + Hash, D> Entry<'_, OrSet<T>, D> {
    /// Inserts `element`; returns the delta. If it is there, it is inserted again, which wins over a
    /// concurrent remove. O(log keys + log elements).
    ///
    /// ```
    /// use rejoin::{CausalMap, OrSet};
    ///
    /// let us = "us-east-1".parse()?;
    /// let mut tags: CausalMap<u64, OrSet<String>> = CausalMap::new();
    /// tags.entry(7).insert("urgent".into(), us)?;
    /// let seventh = tags.get(&7).ok_or("there is a key")?;
    /// assert!(seventh.contains("urgent") && seventh.iter().eq(["urgent"]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the replica has used up its 64-bit count; the map is as it was.
    pub fn insert(self, element: T, replica: ReplicaId) -> Result<D, WriteError> {
        let mut element = Some(element);
        self.change(replica, |view, _| {
            // It is called once.
            let Some(element) = element.take() else { return Ok(Change::none()) };
            let over = inserts(view, &element).collect();
            Ok(Change { over, writes: vec![element] })
        })
    }

    /// Removes the inserts of `element` that this replica has seen; returns the delta, which is empty
    /// if it is not there. The key goes with its last element. O(log keys + log elements).
    ///
    /// ```
    /// use rejoin::{CausalMap, OrSet};
    ///
    /// let us = "us-east-1".parse()?;
    /// let mut tags: CausalMap<u64, OrSet<String>> = CausalMap::new();
    /// tags.entry(7).insert("urgent".into(), us)?;
    /// tags.entry(7).remove("urgent", us)?;
    /// assert!(!tags.contains_key(&7));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert).
    pub fn remove<Q: Ord + ?Sized>(self, element: &Q, replica: ReplicaId) -> Result<D, WriteError>
    where
        T: Borrow<Q>,
    {
        self.change(replica, |view, _| Ok(Change::erase(inserts(view, element))))
    }
}

/// The elements of a set in a map: see [`SetView::iter`].
pub struct Elements<'a, T>(few::Iter<'a, T, Few<Slot, ()>>);

iterator!(Elements<'a, T> of &'a T = |entry| entry.0);

impl<'a, T> IntoIterator for &'a SetView<T> {
    type Item = &'a T;
    type IntoIter = Elements<'a, T>;

    fn into_iter(self) -> Elements<'a, T> {
        self.iter()
    }
}
