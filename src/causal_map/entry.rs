//! [`Entry`]: where a value of a map is written.

use super::{
    keyed::{Keyed, Shared},
    map::MapView,
    value::{CausalValue, Change, Make, Nested},
};
use crate::{error::WriteError, replica::ReplicaId};
use alloc::boxed::Box;
use core::hash::Hash;

/// The place of one value in a map, to write there: see [`CausalMap::entry`](super::CausalMap::entry).
///
/// Its methods are those of the value's own type, and return the delta `D` of the whole map. A key
/// needs no making: it is in the map as soon as something is written there.
#[must_use = "an entry does nothing until something is written there"]
pub struct Entry<'a, V: CausalValue, D>(pub(super) Box<dyn Spot<V, D> + 'a>);

impl<'a, V: CausalValue, D> Entry<'a, V, D> {
    pub(super) fn change(
        self,
        replica: ReplicaId,
        mut make: impl FnMut(&V::View, u64) -> Result<Change<V::Write>, WriteError>,
    ) -> Result<D, WriteError> {
        self.0.change(replica, &mut make)
    }

    /// Removes all that this replica reads there; returns the delta. If nothing is there, nothing is
    /// written and the delta is empty. The same as `remove` of the key in the map around it.
    /// O(writes there).
    ///
    /// ```
    /// use rejoin::{CausalMap, OrSet};
    ///
    /// let us = "us-east-1".parse()?;
    /// let mut tags: CausalMap<u64, OrSet<&str>> = CausalMap::new();
    /// tags.entry(7).insert("urgent", us)?;
    /// tags.entry(7).clear(us)?;
    /// assert!(tags.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the replica has used up its 64-bit count; the map is as it was.
    pub fn clear(self, replica: ReplicaId) -> Result<D, WriteError> {
        self.change(replica, |view, _| Ok(V::clear(view, replica)))
    }

    pub(super) fn below<K, W>(self, key: K) -> Entry<'a, W, D>
    where
        K: Clone + Ord + Hash + 'a,
        W: CausalValue + 'a,
        V: Nested<View = MapView<K, W::View>, Write = Keyed<K, W::Write>> + 'a,
        D: 'a,
    {
        Entry(Box::new(Below { above: self.0, key: Shared::new(key) }))
    }
}

/// What can be changed at one place.
pub(super) trait Spot<V: Nested, D> {
    fn change(self: Box<Self>, replica: ReplicaId, make: Make<'_, V>) -> Result<D, WriteError>;
}

/// The place of a key in a map that is at a place itself.
struct Below<'a, K, M, D> {
    above: Box<dyn Spot<M, D> + 'a>,
    key: Shared<K>,
}

impl<K, V, M, D> Spot<V, D> for Below<'_, K, M, D>
where
    K: Clone + Ord + Hash,
    V: Nested,
    M: Nested<View = MapView<K, V::View>, Write = Keyed<K, V::Write>>,
{
    fn change(self: Box<Self>, replica: ReplicaId, make: Make<'_, V>) -> Result<D, WriteError> {
        self.above.change(replica, &mut |map, next| map.change_at::<V>(&self.key, next, make))
    }
}
