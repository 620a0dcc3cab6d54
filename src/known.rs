//! [`Known`]: versions compared, and what they tell of one replica's own writes.

use crate::{
    causal::{CausalContext, Digest},
    clock::VectorClock,
    counter::{GCounter, PnCounter},
    gauge::Gauge,
    merge::DeltaState,
    presence::PresenceVersion,
    register::LwwRegister,
    replica::ReplicaId,
    version::Version,
};
use alloc::collections::BTreeMap;

/// A [version](crate::DeltaState::Version) that can be compared with another: does it hold all of
/// it, and does it hold writes of one replica that the other does not?
///
/// The second question finds a replica that lost writes of its own. It makes all writes under its
/// id, so no peer can know one that it does not know itself. If a peer does, the replica runs on a
/// restored or lagging copy: it must not write under this id again, because it would give numbers
/// to its writes that others have seen on different ones. It goes on under a new id.
///
/// Implemented for the version of every type in this crate.
///
/// # Examples
///
/// ```
/// use rejoin::{DeltaState, Known, OrSet};
///
/// let us = "us-east-1".parse()?;
/// let mut ours = OrSet::new();
/// ours.insert("ana", us)?;
/// let backup = ours.clone();
/// ours.insert("bo", us)?;
/// let mut theirs = OrSet::new();
/// theirs.apply(&ours.delta_since(&theirs.version()));
///
/// let restored = backup;
/// assert!(theirs.version().covers(&restored.version()));
/// assert!(theirs.version().exceeds(&restored.version(), us), "start a new life");
/// assert!(!theirs.version().exceeds(&ours.version(), us));
///
/// let members = [ours.version(), restored.version(), theirs.version()];
/// let stable = members.into_iter().reduce(|one, other| one.meet(&other));
/// assert_eq!(stable, Some(restored.version()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Known {
    /// Whether a replica at `other` holds nothing that one at `self` lacks: its delta since `self`
    /// is empty. O(size of both).
    fn covers(&self, other: &Self) -> bool;

    /// The greatest version that both cover: what a replica at either of them is known to hold. The
    /// dual of a merge. Folded over the versions of all members, it is what is *causally stable*:
    /// nothing that comes from now on is concurrent to it, and no member has to be sent it again.
    /// O(size of both).
    #[must_use]
    fn meet(&self, other: &Self) -> Self
    where
        Self: Sized;

    /// Calls `each` with the replicas of which `self` has seen writes that `other` has not, perhaps
    /// more than once. Removals are writes. O(size of both).
    fn beyond(&self, other: &Self, each: &mut dyn FnMut(ReplicaId));

    /// Whether `self` has seen writes of `replica` that `other` has not. O(size of both).
    fn exceeds(&self, other: &Self, replica: ReplicaId) -> bool {
        let mut found = false;
        self.beyond(other, &mut |writer| found |= writer == replica);
        found
    }
}

/// Nothing is ever written.
impl Known for () {
    fn meet(&self, (): &()) {}

    fn covers(&self, (): &()) -> bool {
        true
    }

    fn beyond(&self, (): &(), _: &mut dyn FnMut(ReplicaId)) {}
}

impl Known for CausalContext {
    fn meet(&self, other: &Self) -> Self {
        self.meet(other)
    }

    fn covers(&self, other: &Self) -> bool {
        self.covers(other)
    }

    fn beyond(&self, other: &Self, each: &mut dyn FnMut(ReplicaId)) {
        self.beyond(other).for_each(each);
    }
}

impl Known for Digest {
    fn meet(&self, other: &Self) -> Self {
        self.meet(other)
    }

    fn covers(&self, other: &Self) -> bool {
        self.covers(other)
    }

    fn beyond(&self, other: &Self, each: &mut dyn FnMut(ReplicaId)) {
        self.seen().beyond(other.seen()).for_each(each);
    }
}

impl Known for Version {
    fn meet(&self, other: &Self) -> Self {
        Self(self.0.meet(&other.0))
    }

    fn covers(&self, other: &Self) -> bool {
        self.covers(other)
    }

    fn beyond(&self, other: &Self, each: &mut dyn FnMut(ReplicaId)) {
        self.0.beyond(&other.0, each);
    }
}

impl Known for VectorClock {
    fn meet(&self, other: &Self) -> Self {
        self.meet(other)
    }

    fn covers(&self, other: &Self) -> bool {
        self >= other
    }

    fn beyond(&self, other: &Self, each: &mut dyn FnMut(ReplicaId)) {
        self.delta_since(other).iter().for_each(|(replica, _)| each(replica));
    }
}

impl Known for GCounter {
    fn meet(&self, other: &Self) -> Self {
        self.iter().map(|(replica, count)| (replica, count.min(other.get(replica)))).collect()
    }

    fn covers(&self, other: &Self) -> bool {
        self >= other
    }

    fn beyond(&self, other: &Self, each: &mut dyn FnMut(ReplicaId)) {
        self.delta_since(other).iter().for_each(|(replica, _)| each(replica));
    }
}

impl Known for PnCounter {
    fn meet(&self, other: &Self) -> Self {
        let up = self.increments().meet(other.increments());
        Self::from_parts(up, self.decrements().meet(other.decrements()))
    }

    fn covers(&self, other: &Self) -> bool {
        self >= other
    }

    fn beyond(&self, other: &Self, each: &mut dyn FnMut(ReplicaId)) {
        self.increments().beyond(other.increments(), each);
        self.decrements().beyond(other.decrements(), each);
    }
}

/// A life tells nothing of the lives before it: `false` does not say that none of their writes was
/// lost.
impl Known for Gauge {
    fn covers(&self, other: &Self) -> bool {
        self.covers(other)
    }

    fn meet(&self, other: &Self) -> Self {
        self.meet(other)
    }

    fn beyond(&self, other: &Self, each: &mut dyn FnMut(ReplicaId)) {
        self.above(other).for_each(|row| each(row.replica()));
    }
}

/// What a replica wrote in its latest life, and its lease.
impl Known for PresenceVersion {
    fn covers(&self, other: &Self) -> bool {
        self.covers(other)
    }

    fn meet(&self, other: &Self) -> Self {
        self.meet(other)
    }

    fn beyond(&self, other: &Self, each: &mut dyn FnMut(ReplicaId)) {
        self.above(other).for_each(each);
    }
}

/// A register has no numbered writes, only the stamp of the last one. If that is of `replica` and
/// greater than the other's, then the other lacks it. A write that was since overwritten has left
/// no trace: `false` does not say that none was lost.
impl Known for LwwRegister<()> {
    fn meet(&self, other: &Self) -> Self {
        self.min(other).clone()
    }

    fn covers(&self, other: &Self) -> bool {
        self >= other
    }

    fn beyond(&self, other: &Self, each: &mut dyn FnMut(ReplicaId)) {
        self.stamp()
            .filter(|_| self > other)
            .map(|stamp| stamp.replica)
            .iter()
            .copied()
            .for_each(each);
    }
}

/// `Some` is more than `None`, even if nothing was written in it.
impl<V: Known + Default> Known for Option<V> {
    fn meet(&self, other: &Self) -> Self {
        Some(self.as_ref()?.meet(other.as_ref()?))
    }

    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(ours), Some(theirs)) => ours.covers(theirs),
        }
    }

    fn beyond(&self, other: &Self, each: &mut dyn FnMut(ReplicaId)) {
        if let Some(ours) = self {
            part_beyond(ours, other.as_ref(), each);
        }
    }
}

/// A key that the other lacks is more than nothing, even if nothing was written under it.
impl<K: Ord + Clone, V: Known + Default> Known for BTreeMap<K, V> {
    fn meet(&self, other: &Self) -> Self {
        let both = |(key, ours): (&K, &V)| Some((key.clone(), ours.meet(other.get(key)?)));
        self.iter().filter_map(both).collect()
    }

    fn covers(&self, other: &Self) -> bool {
        other.iter().all(|(key, theirs)| self.get(key).is_some_and(|ours| ours.covers(theirs)))
    }

    fn beyond(&self, other: &Self, each: &mut dyn FnMut(ReplicaId)) {
        for (key, ours) in self {
            part_beyond(ours, other.get(key), each);
        }
    }
}

fn part_beyond<V: Known + Default>(ours: &V, theirs: Option<&V>, each: &mut dyn FnMut(ReplicaId)) {
    match theirs {
        Some(theirs) => ours.beyond(theirs, each),
        None => ours.beyond(&V::default(), each),
    }
}

macro_rules! tuple {
    ($($name:ident $index:tt),+) => {
        /// Each part on its own.
        impl<$($name: Known),+> Known for ($($name,)+) {
            fn meet(&self, other: &Self) -> Self {
                ($(self.$index.meet(&other.$index),)+)
            }

            fn covers(&self, other: &Self) -> bool {
                $(self.$index.covers(&other.$index))&&+
            }

            fn beyond(&self, other: &Self, each: &mut dyn FnMut(ReplicaId)) {
                $(self.$index.beyond(&other.$index, each);)+
            }
        }
    };
}
tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
