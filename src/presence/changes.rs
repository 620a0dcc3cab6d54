//! [`PresenceChanges`]: joins and leaves, as events of a merge.

use super::{
    Presence, PresenceDelta, State,
    lives::{Held, Life, Lives},
};
use crate::{
    causal::{Change, DotKernel},
    replica::ReplicaId,
};
use alloc::{collections::BTreeMap, vec::Vec};
use core::{cmp::Ordering, hash::Hash};

/// What a merge or a delta changed: the entries of each replica, before and after.
///
/// It is about what the replicas wrote, dead or alive. That a replica dies changes no state, and is
/// no event of a merge: whoever shows who is online reads [`online`](Presence::online) again when a
/// lease is over.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct PresenceChanges<K, V> {
    /// Entries that were not there: replica, key, state.
    pub joined: Vec<(ReplicaId, K, V)>,
    /// Entries whose state is another now: replica, key, the state before, and after.
    pub updated: Vec<(ReplicaId, K, V, V)>,
    /// Entries that are gone, with their last state. Those of a former life are under that.
    pub left: Vec<(ReplicaId, K, V)>,
    /// The replicas of which there was news, be it only a lease: to tell
    /// [`Liveness::hear`](crate::Liveness::hear).
    pub heard: Vec<ReplicaId>,
}

impl<K, V> PresenceChanges<K, V> {
    /// Whether there was no news at all.
    pub fn is_empty(&self) -> bool {
        self.heard.is_empty()
    }
}

impl<K, V> Default for PresenceChanges<K, V> {
    fn default() -> Self {
        let (joined, updated, left, heard) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { joined, updated, left, heard }
    }
}

/// By name and key: who had it, with what state.
type Before<K, V> = BTreeMap<(ReplicaId, K), Option<(ReplicaId, V)>>;

impl<K: Clone + Ord + Hash, V: Clone + Ord + Hash> Presence<K, V> {
    /// Merges like [`merge`](crate::Merge::merge), and says who joined and who left. O(size of the
    /// other, log n).
    ///
    /// ```
    /// use rejoin::Presence;
    /// let us = "us-east-1".parse()?;
    /// let (mut ours, mut theirs) = (Presence::new(), Presence::new());
    /// theirs.join("ana", "away", us)?;
    /// assert_eq!(ours.merge_reporting(&theirs).joined, [(us, "ana", "away")]);
    /// assert!(ours.merge_reporting(&theirs).is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn merge_reporting(&mut self, other: &Self) -> PresenceChanges<K, V> {
        self.join_reporting(&other.lives, State::kernel, State::clone)
    }

    /// Applies like [`apply`](crate::DeltaState::apply), and says who joined and who left. O(size of
    /// the delta, log n), and the entries of a life that ends with it.
    ///
    /// ```
    /// use rejoin::{Presence, ReplicaId};
    /// let us: ReplicaId = "us-east-1".parse()?;
    /// let (mut ours, mut theirs) = (Presence::new(), Presence::new());
    /// ours.apply_reporting(&theirs.join("ana", "away", us)?);
    ///
    /// let restarted = us.with_incarnation(1);
    /// let mut theirs = Presence::new();
    /// let changes = ours.apply_reporting(&theirs.join("bo", "here", restarted)?);
    /// assert_eq!(changes.joined, [(restarted, "bo", "here")]);
    /// assert_eq!(changes.left, [(us, "ana", "away")]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn apply_reporting(&mut self, delta: &PresenceDelta<K, V>) -> PresenceChanges<K, V> {
        self.join_reporting(&delta.0, |held| held, |held| held.clone().into())
    }

    fn join_reporting<T: Held>(
        &mut self,
        other: &Lives<T>,
        kernel: impl Fn(&T) -> &DotKernel<(K, V)>,
        make: impl Fn(&T) -> State<K, V>,
    ) -> PresenceChanges<K, V> {
        let mut before = Before::new();
        for theirs in &other.0 {
            self.touched(theirs, kernel(&theirs.held), &mut |replica, key| {
                let (name, key) = (replica.name(), key.clone());
                before.entry((name, key)).or_insert_with_key(|(name, key)| self.read(*name, key));
            });
        }
        let mut changes = PresenceChanges::default();
        let join = |held: &mut State<K, V>, theirs: &T| held.apply(kernel(theirs));
        self.lives.join(other, make, join, |replica| changes.heard.push(replica));
        for ((name, key), before) in before {
            match (before, self.read(name, &key)) {
                (None, Some((replica, after))) => changes.joined.push((replica, key, after)),
                (Some((replica, before)), None) => changes.left.push((replica, key, before)),
                (Some((_, before)), Some((replica, after))) if before != after => {
                    changes.updated.push((replica, key, before, after));
                }
                _ => {}
            }
        }
        changes
    }

    fn read(&self, name: ReplicaId, key: &K) -> Option<(ReplicaId, V)> {
        let node = self.node(name)?;
        Some((node.replica(), node.get(key)?.clone()))
    }

    /// The keys that may change when a life is joined.
    fn touched<T>(
        &self,
        theirs: &Life<T>,
        kernel: &DotKernel<(K, V)>,
        each: &mut impl FnMut(ReplicaId, &K),
    ) {
        let ours = self.lives.get(theirs.replica);
        match ours.map_or(Ordering::Less, |ours| ours.age(theirs)) {
            Ordering::Less => {
                let before = ours.into_iter().flat_map(|ours| ours.held.kernel().payloads());
                before.chain(kernel.payloads()).for_each(|(key, _)| each(theirs.replica, key));
            }
            Ordering::Equal => {
                let held = ours.into_iter().map(|ours| ours.held.kernel());
                held.for_each(|held| {
                    held.preview(kernel, Ord::cmp, |change| {
                        let (Change::Came(_, (key, _)) | Change::Went(_, (key, _))) = change;
                        each(theirs.replica, key);
                    });
                });
            }
            Ordering::Greater => {}
        }
    }
}
