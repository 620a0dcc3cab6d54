//! [`GMap`]: a map whose keys are never removed.

use crate::{
    merge::{DeltaState, Merge},
    wire::{DecodeError, Reader, Schema, Wire, Writer},
};
use alloc::collections::{BTreeMap, btree_map};
use core::borrow::Borrow;

/// A grow-only map of replicated values: each key merges on its own, and keys are never removed.
///
/// Like a `BTreeMap` of such values, which merges too, but with nothing that would not: no removal,
/// and no `merge` of std's own, which [`Merge::merge`] of a `BTreeMap` will be mistaken for once it
/// is stable. A write returns its delta, made of the value's own. For a map of plain values that can
/// be removed, see [`OrMap`](crate::OrMap).
///
/// Merging costs O(keys of the other · log keys), and applying a delta O(its keys · log keys). Its
/// version lists every key.
///
/// # Examples
///
/// ```
/// use rejoin::{DeltaState, GMap, PnCounter};
///
/// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
/// let mut ours: GMap<String, PnCounter> = GMap::new();
/// let mut theirs = ours.clone();
/// let delta = ours.update("ana".into(), |open| open.increment(2, us))?;
/// theirs.update("ana".into(), |open| open.decrement(1, eu))?;
/// theirs.apply(&delta);
/// assert_eq!(theirs.get("ana").map(PnCounter::value), Some(1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(
    feature = "serde",
    serde(bound(
        serialize = "K: serde::Serialize, V: serde::Serialize",
        deserialize = "K: Ord + serde::Deserialize<'de>, V: serde::Deserialize<'de>"
    ))
)]
pub struct GMap<K, V>(BTreeMap<K, V>);

impl<K, V> Default for GMap<K, V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord, V> GMap<K, V> {
    /// The empty map. [The type](Self) has an example.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of keys. O(1).
    ///
    /// ```
    /// use rejoin::{GCounter, GMap};
    /// assert_eq!(GMap::<u64, GCounter>::new().len(), 0);
    /// ```
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no key. O(1).
    ///
    /// ```
    /// use rejoin::{GCounter, GMap};
    /// assert!(GMap::<u64, GCounter>::new().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a key. O(log keys). [The type](Self) has an example.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.0.get(key)
    }

    /// The keys and their values, by key. O(1) for each.
    ///
    /// ```
    /// use rejoin::{GCounter, GMap};
    ///
    /// let us = "us-east-1".parse()?;
    /// let mut visits: GMap<&str, GCounter> = GMap::new();
    /// visits.update("b", |count| count.increment(1, us))?;
    /// visits.update("a", |count| count.increment(2, us))?;
    /// let all: Vec<_> = visits.iter().map(|(page, count)| (*page, count.value())).collect();
    /// assert_eq!(all, [("a", 2), ("b", 1)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn iter(&self) -> btree_map::Iter<'_, K, V> {
        self.0.iter()
    }
}

impl<K: Ord + Clone, V: DeltaState + Clone + Default> GMap<K, V> {
    /// Edits the value of a key, which begins as the default, and returns the delta of that. All or
    /// nothing, as [`DeltaState::edit`], whose cost it has; and O(log keys).
    ///
    /// ```
    /// use rejoin::{GMap, OrSet};
    ///
    /// let us = "us-east-1".parse()?;
    /// let mut tags: GMap<u64, OrSet<String>> = GMap::new();
    /// let delta = tags.update(7, |tags| tags.insert("urgent".into(), us))?;
    /// assert_eq!(delta.len(), 1);
    ///
    /// let failed = tags.update(8, |tags| {
    ///     tags.insert("lost".into(), us)?;
    ///     Err(Box::<dyn std::error::Error>::from("no more room"))
    /// });
    /// assert!(failed.is_err() && tags.get(&8).is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What `edit` returns; the map is as it was, and has no new key.
    pub fn update<E>(
        &mut self,
        key: K,
        edit: impl FnOnce(&mut V) -> Result<V::Delta, E>,
    ) -> Result<BTreeMap<K, V::Delta>, E> {
        if let Some(value) = self.0.get_mut(&key) {
            let delta = value.edit(edit)?;
            return Ok(BTreeMap::from([(key, delta)]));
        }
        let mut value = V::default();
        let delta = value.edit(edit)?;
        self.0.insert(key.clone(), value);
        Ok(BTreeMap::from([(key, delta)]))
    }
}

impl<'a, K, V> IntoIterator for &'a GMap<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = btree_map::Iter<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<K: Ord + Clone, V: Merge + Clone> Merge for GMap<K, V> {
    fn merge(&mut self, other: &Self) -> bool {
        Merge::merge(&mut self.0, &other.0)
    }

    fn merge_owned(&mut self, other: Self) -> bool {
        Merge::merge_owned(&mut self.0, other.0)
    }
}

impl<K: Ord + Clone, V: DeltaState + Clone + Default> DeltaState for GMap<K, V> {
    type Delta = BTreeMap<K, V::Delta>;
    type Version = BTreeMap<K, V::Version>;

    fn version(&self) -> Self::Version {
        self.0.version()
    }

    fn delta_since(&self, peer: &Self::Version) -> Self::Delta {
        self.0.delta_since(peer)
    }

    fn apply(&mut self, delta: &Self::Delta) -> bool {
        self.0.apply(delta)
    }

    fn apply_owned(&mut self, delta: Self::Delta) -> bool {
        self.0.apply_owned(delta)
    }
}

/// The bytes of the `BTreeMap` with the same entries.
impl<K: Wire + Ord, V: Wire> Wire for GMap<K, V> {
    fn schema(schema: &mut Schema) {
        BTreeMap::<K, V>::schema(schema);
    }

    fn encode(&self, out: &mut Writer) {
        self.0.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        BTreeMap::decode(input).map(Self)
    }
}
