//! Entries with a lease each: a map of keys to when they end.

use super::{MapDelta, OrMap};
use crate::{causal::Slot, error::WriteError, replica::ReplicaId, time::Timestamp};
use alloc::vec::Vec;
use core::hash::Hash;

/// Keys that end by themselves: a single session, with the time until which it is alive. To renew
/// it, any replica inserts a later time. For what ends with its replica, take a
/// [`Presence`](crate::Presence): it renews all of its entries at once.
impl<K: Eq + Hash> OrMap<K, Timestamp> {
    /// The keys that have not ended at `now`. If two replicas renewed one concurrently, the longer
    /// lease counts. O(n).
    ///
    /// ```
    /// use rejoin::{OrMap, Timestamp};
    /// let (us, at) = ("us-east-1".parse()?, Timestamp::from_millis);
    /// let mut sessions = OrMap::new();
    /// sessions.insert("ana", at(30_000), us, at(0))?;
    /// sessions.insert("bo", at(10_000), us, at(0))?;
    /// assert_eq!(sessions.live_at(at(10_000)).collect::<Vec<_>>(), [&"ana"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn live_at(&self, now: Timestamp) -> impl Iterator<Item = &K> + '_ {
        self.keys().filter(move |key| self.siblings(*key).any(|(_, until)| *until > now))
    }
}

impl<K: Clone + Ord + Hash> OrMap<K, Timestamp> {
    /// Removes the leases that have ended at `now`; returns the delta, which is empty if there are
    /// none. It removes only what it sees: a renewal that it has not heard of stays, whichever of
    /// the two arrives first. Let `now` be behind the clock by as much as clocks may differ. O(n).
    ///
    /// ```
    /// use rejoin::{DeltaState, OrMap, Timestamp};
    /// let (us, eu, at) = ("us-east-1".parse()?, "eu-west-1".parse()?, Timestamp::from_millis);
    /// let mut ours = OrMap::new();
    /// ours.insert("ana", at(30_000), us, at(0))?;
    /// let mut theirs = ours.clone();
    /// let renewal = theirs.insert("ana", at(60_000), eu, at(29_000))?;
    /// let purge = ours.purge(at(40_000), us)?;               // has not heard of it
    /// assert!(ours.is_empty());
    ///
    /// ours.apply(&renewal);
    /// theirs.apply(&purge);
    /// assert_eq!(ours, theirs);
    /// assert_eq!(ours.live_at(at(40_000)).collect::<Vec<_>>(), [&"ana"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the replica's counter is used up; the map is as it was.
    pub fn purge(
        &mut self,
        now: Timestamp,
        replica: ReplicaId,
    ) -> Result<MapDelta<K, Timestamp>, WriteError> {
        let writes = self.state.kernel().slots();
        let over = writes.filter(|(_, write)| write.value <= now).map(|(slot, _)| slot);
        let over: Vec<Slot> = over.collect();
        self.state.erase(&over, replica).map(MapDelta)
    }
}
