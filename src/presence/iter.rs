//! What is read from a [`Presence`](super::Presence), one name or one entry at a time.

use super::{ByKey, State, lives::Life};
use crate::{
    causal::Distinct, iter::iterator, liveness::Liveness, replica::ReplicaId, time::Timestamp,
};
use core::{borrow::Borrow, cmp::Reverse, fmt, hash::Hash, iter::FusedIterator};

/// What one name holds in its latest life: see [`Presence::by_replica`](super::Presence::by_replica).
pub struct Node<'a, K, V>(pub(super) &'a Life<State<K, V>>);

impl<K, V> Clone for Node<'_, K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for Node<'_, K, V> {}

impl<K: PartialEq, V: PartialEq> PartialEq for Node<'_, K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<K: Eq, V: Eq> Eq for Node<'_, K, V> {}

impl<K, V> Node<'_, K, V> {
    /// The name, and its latest life.
    pub const fn replica(self) -> ReplicaId {
        self.0.replica
    }

    /// When its lease ends, by the clock of its replica; `None` if it has none.
    pub fn until(self) -> Option<Timestamp> {
        self.0.until()
    }

    /// Whether `liveness` holds it for alive. As [`Liveness::is_alive`].
    pub fn is_alive(self, liveness: &Liveness) -> bool {
        liveness.is_alive(self.replica(), self.until())
    }

    /// How many entries it has, if it is alive. O(1).
    pub fn len(self) -> usize {
        self.0.held.index().len()
    }

    /// Whether it has no entry. O(1).
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

impl<'a, K: Eq + Hash, V> Node<'a, K, V> {
    /// The state of `key` there, if it has joined. O(1).
    pub fn get<Q>(self, key: &Q) -> Option<&'a V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let held = &self.0.held;
        held.get(held.index().first(held.blocks(), key)?).map(|entry| &entry.1)
    }

    /// Its entries, in the order of their writes. O(1), and O(1) for each.
    pub fn entries(self) -> Entries<'a, K, V> {
        Entries(self.0.held.distinct())
    }
}

impl<K: fmt::Debug + Eq + Hash, V: fmt::Debug> fmt::Debug for Node<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("replica", &self.replica())
            .field("until", &self.until())
            .field("entries", &self.entries())
            .finish()
    }
}

/// The names of a [`Presence`](super::Presence): see
/// [`by_replica`](super::Presence::by_replica).
pub struct Nodes<'a, K, V>(pub(super) core::slice::Iter<'a, Life<State<K, V>>>);

iterator!(Nodes<'a, K, V> of Node<'a, K, V> = |life| Node(life));

/// The entries of one name: see [`Node::entries`].
pub struct Entries<'a, K, V>(Distinct<'a, (K, V), ByKey, Reverse<u64>>);

iterator!(Entries<'a, K: (Eq + Hash), V> of (&'a K, &'a V) = |entry| (&entry.0, &entry.1));

/// The entries of those that are alive: see [`Presence::online`](super::Presence::online).
pub struct Online<'a, K, V> {
    nodes: Nodes<'a, K, V>,
    liveness: &'a Liveness,
    /// Those of the replica that is walked.
    entries: Option<(ReplicaId, Entries<'a, K, V>)>,
}

impl<'a, K, V> Online<'a, K, V> {
    pub(super) const fn new(nodes: Nodes<'a, K, V>, liveness: &'a Liveness) -> Self {
        Self { nodes, liveness, entries: None }
    }
}

impl<K, V> Clone for Online<'_, K, V> {
    fn clone(&self) -> Self {
        Self { nodes: self.nodes.clone(), liveness: self.liveness, entries: self.entries.clone() }
    }
}

impl<'a, K: Eq + Hash, V> Iterator for Online<'a, K, V> {
    type Item = (ReplicaId, &'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((replica, entries)) = &mut self.entries {
                if let Some((key, value)) = entries.next() {
                    return Some((*replica, key, value));
                }
            }
            let liveness = self.liveness;
            let node = self.nodes.find(|node| node.is_alive(liveness))?;
            self.entries = Some((node.replica(), node.entries()));
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.entries.as_ref().map_or(0, |(_, entries)| entries.len()), None)
    }
}

impl<K: Eq + Hash, V> FusedIterator for Online<'_, K, V> {}

impl<K: fmt::Debug + Eq + Hash, V: fmt::Debug> fmt::Debug for Online<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}
