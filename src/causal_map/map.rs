//! [`MapView`]: a map as a value.

use super::{
    CausalMap,
    entry::Entry,
    few::{self, Few},
    keyed::{Keyed, Shared},
    value::{CausalValue, Change, Make, Nested, Viewed},
};
use crate::{
    causal::{Dot, Slot},
    error::WriteError,
    iter::iterator,
    replica::ReplicaId,
    tally::Tally,
    time::Timestamp,
};
use alloc::vec::Vec;
use core::{borrow::Borrow, fmt, hash::Hash};

/// What is read of a [`CausalMap`], at the root or as a value of another: keys, and the view `W` of the
/// value of each.
#[derive(Clone)]
pub struct MapView<K, W> {
    children: Few<K, Child<K, W>>,
    /// How many of them have anything to read.
    shown: usize,
}

#[derive(Clone)]
struct Child<K, W> {
    key: Shared<K>,
    view: W,
    is_shown: bool,
}

/// The same keys, each with the same writes.
impl<K: PartialEq, W: PartialEq> PartialEq for MapView<K, W> {
    fn eq(&self, other: &Self) -> bool {
        self.shown == other.shown && self.children == other.children
    }
}

impl<K, W: PartialEq> PartialEq for Child<K, W> {
    fn eq(&self, other: &Self) -> bool {
        self.view == other.view
    }
}

impl<K, W> Default for MapView<K, W> {
    fn default() -> Self {
        Self { children: Few::default(), shown: 0 }
    }
}

impl<K: fmt::Debug, W: fmt::Debug> fmt::Debug for MapView<K, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<K, W> MapView<K, W> {
    /// How many keys there are. O(1).
    pub fn len(&self) -> usize {
        self.shown
    }

    /// Whether there is no key. O(1).
    pub fn is_empty(&self) -> bool {
        self.shown == 0
    }

    /// The keys, ascending, each with its value. O(1), and O(keys) to walk. Counters that were removed
    /// while others counted on them are stepped over, as long as that is noted.
    pub fn iter(&self) -> Iter<'_, K, W> {
        Iter(Shown { children: self.children.iter(), left: self.shown })
    }
}

impl<K: Ord, W> MapView<K, W> {
    /// The value of `key`. O(log keys).
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&W>
    where
        K: Borrow<Q>,
    {
        self.children.get(key).filter(|child| child.is_shown).map(|child| &child.view)
    }

    /// Whether `key` is there. O(log keys).
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.get(key).is_some()
    }
}

impl<K: Clone + Ord, W: Default> MapView<K, W> {
    /// The change of this map that `make` makes at a key.
    pub(super) fn change_at<V: Nested<View = W>>(
        &self,
        key: &Shared<K>,
        next: u64,
        make: Make<'_, V>,
    ) -> Result<Change<Keyed<K, V::Write>>, WriteError> {
        let child = self.children.get(&**key);
        let change = match child {
            Some(child) => make(&child.view, next)?,
            None => make(&W::default(), next)?,
        };
        Ok(change.below(child.map_or(key, |child| &child.key)))
    }

    /// The change that removes what is read at a key.
    pub(super) fn removing<V: Nested<View = W>, Q: Ord + ?Sized>(
        &self,
        key: &Q,
        replica: ReplicaId,
    ) -> Change<Keyed<K, V::Write>>
    where
        K: Borrow<Q>,
    {
        match self.children.get(key) {
            Some(child) => V::clear(&child.view, replica).below(&child.key),
            None => Change::none(),
        }
    }
}

impl<W> Change<W> {
    /// The same below a key.
    fn below<K>(self, key: &Shared<K>) -> Change<Keyed<K, W>> {
        let writes = self.writes.into_iter();
        let writes = writes.map(|write| Keyed { key: key.clone(), write }).collect();
        Change { over: self.over, writes }
    }
}

impl<K: Clone + Ord + Hash, V: CausalValue> Viewed for CausalMap<K, V> {
    type View = MapView<K, V::View>;
}

impl<K: Clone + Ord + Hash, V: CausalValue> Nested for CausalMap<K, V> {
    type Write = Keyed<K, V::Write>;

    fn came(view: &mut Self::View, write: &Self::Write, dot: Dot, slot: Slot) {
        if view.children.get(&*write.key).is_none() {
            let (key, below) = (write.key.clone(), V::View::default());
            view.children.insert(K::clone(&key), Child { key, view: below, is_shown: false });
        }
        let Some(child) = view.children.get_mut(&*write.key) else { return };
        V::came(&mut child.view, &write.write, dot, slot);
        view.shown -= usize::from(child.is_shown);
        child.is_shown = V::is_shown(&child.view);
        view.shown += usize::from(child.is_shown);
    }

    fn going(view: &mut Self::View, write: &Self::Write, dot: Dot, slot: Slot) {
        let Some(child) = view.children.get_mut(&*write.key) else { return };
        V::going(&mut child.view, &write.write, dot, slot);
        view.shown -= usize::from(child.is_shown);
        child.is_shown = V::is_shown(&child.view);
        view.shown += usize::from(child.is_shown);
        if V::is_empty(&child.view) {
            view.children.remove(&*write.key);
        }
    }

    fn is_empty(view: &Self::View) -> bool {
        view.children.is_empty()
    }

    fn is_shown(view: &Self::View) -> bool {
        view.shown > 0
    }

    fn clear(view: &Self::View, replica: ReplicaId) -> Change<Self::Write> {
        let mut change = Change::none();
        for (_, child) in view.children.iter().filter(|child| child.1.is_shown) {
            change.extend(V::clear(&child.view, replica).below(&child.key));
        }
        change
    }

    /// Keys that are here are shared.
    fn adopt(view: &Self::View, theirs: &Self::Write) -> Self::Write {
        match view.children.get(&*theirs.key) {
            Some(child) => {
                Keyed { key: child.key.clone(), write: V::adopt(&child.view, &theirs.write) }
            }
            None => theirs.clone(),
        }
    }

    fn time(write: &Self::Write) -> Option<Timestamp> {
        V::time(&write.write)
    }

    fn noted(write: &Self::Write) -> &[Tally] {
        V::noted(&write.write)
    }

    fn read_note(
        view: &Self::View,
        note: &Self::Write,
        replica: ReplicaId,
    ) -> Option<Vec<Self::Write>> {
        let child = view.children.get(&*note.key)?;
        let rest = V::read_note(&child.view, &note.write, replica)?;
        let keyed = |write| Keyed { key: note.key.clone(), write };
        Some(rest.into_iter().map(keyed).collect())
    }
}

impl<'a, K, V, D> Entry<'a, CausalMap<K, V>, D>
where
    K: Clone + Ord + Hash + 'a,
    V: CausalValue + 'a,
    D: 'a,
{
    /// The value of a key in this map, to write there. O(log keys) with the write.
    ///
    /// ```
    /// use rejoin::{CausalMap, EnableFlag};
    ///
    /// let us = "us-east-1".parse()?;
    /// let mut seen: CausalMap<String, CausalMap<u64, EnableFlag>> = CausalMap::new();
    /// seen.entry("ana".into()).entry(7).enable(us)?;
    /// assert!(seen.get("ana").is_some_and(|messages| messages.contains_key(&7)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn entry(self, key: K) -> Entry<'a, V, D> {
        self.below(key)
    }

    /// Removes what this replica reads at `key`; returns the delta. As
    /// [`CausalMap::remove`](CausalMap::remove), which has an example.
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the replica has used up its 64-bit count; the map is as it was.
    pub fn remove<Q: Ord + ?Sized>(self, key: &Q, replica: ReplicaId) -> Result<D, WriteError>
    where
        K: Borrow<Q>,
    {
        self.change(replica, |view, _| Ok(view.removing::<V, Q>(key, replica)))
    }
}

/// The keys of a map with their values: see [`MapView::iter`].
pub struct Iter<'a, K, W>(Shown<'a, K, W>);

iterator!(Iter<'a, K, W> of (&'a K, &'a W) = |entry| entry);

/// The children that have anything to read.
struct Shown<'a, K, W> {
    children: few::Iter<'a, K, Child<K, W>>,
    left: usize,
}

impl<K, W> Clone for Shown<'_, K, W> {
    fn clone(&self) -> Self {
        Self { children: self.children.clone(), left: self.left }
    }
}

impl<'a, K, W> Iterator for Shown<'a, K, W> {
    type Item = (&'a K, &'a W);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, child) = self.children.find(|child| child.1.is_shown)?;
        self.left -= 1;
        Some((key, &child.view))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<K, W> DoubleEndedIterator for Shown<'_, K, W> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let (key, child) = self.children.rfind(|child| child.1.is_shown)?;
        self.left -= 1;
        Some((key, &child.view))
    }
}

impl<'a, K, W> IntoIterator for &'a MapView<K, W> {
    type Item = (&'a K, &'a W);
    type IntoIter = Iter<'a, K, W>;

    fn into_iter(self) -> Iter<'a, K, W> {
        self.iter()
    }
}
