//! [`Known`]: versions compared, and what they tell of one replica's own writes.

use crate::{
    causal::{CausalContext, Digest},
    clock::VectorClock,
    counter::{GCounter, PnCounter},
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
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Known {
    /// Whether a replica at `other` holds nothing that one at `self` lacks: its delta since `self`
    /// is empty. O(size of both).
    fn covers(&self, other: &Self) -> bool;

    /// Whether `self` has seen writes of `replica` that `other` has not. Removals are writes. O(log
    /// replicas) and the gaps of that replica; for maps of states, that for each key.
    fn exceeds(&self, other: &Self, replica: ReplicaId) -> bool;
}

/// Nothing is ever written.
impl Known for () {
    fn covers(&self, (): &()) -> bool {
        true
    }

    fn exceeds(&self, (): &(), _: ReplicaId) -> bool {
        false
    }
}

impl Known for CausalContext {
    fn covers(&self, other: &Self) -> bool {
        self.covers(other)
    }

    fn exceeds(&self, other: &Self, replica: ReplicaId) -> bool {
        !other.covers_replica(self, replica)
    }
}

impl Known for Digest {
    fn covers(&self, other: &Self) -> bool {
        self.covers(other)
    }

    fn exceeds(&self, other: &Self, replica: ReplicaId) -> bool {
        self.seen().exceeds(other.seen(), replica)
    }
}

impl Known for Version {
    fn covers(&self, other: &Self) -> bool {
        self.covers(other)
    }

    fn exceeds(&self, other: &Self, replica: ReplicaId) -> bool {
        self.0.exceeds(&other.0, replica)
    }
}

impl Known for VectorClock {
    fn covers(&self, other: &Self) -> bool {
        self >= other
    }

    fn exceeds(&self, other: &Self, replica: ReplicaId) -> bool {
        self.get(replica) > other.get(replica)
    }
}

impl Known for GCounter {
    fn covers(&self, other: &Self) -> bool {
        self >= other
    }

    fn exceeds(&self, other: &Self, replica: ReplicaId) -> bool {
        self.get(replica) > other.get(replica)
    }
}

impl Known for PnCounter {
    fn covers(&self, other: &Self) -> bool {
        self >= other
    }

    fn exceeds(&self, other: &Self, replica: ReplicaId) -> bool {
        self.increments().exceeds(other.increments(), replica)
            || self.decrements().exceeds(other.decrements(), replica)
    }
}

/// A register has no numbered writes, only the stamp of the last one. If that is of `replica` and
/// greater than the other's, then the other lacks it. A write that was since overwritten has left
/// no trace: `false` does not say that none was lost.
impl Known for LwwRegister<()> {
    fn covers(&self, other: &Self) -> bool {
        self >= other
    }

    fn exceeds(&self, other: &Self, replica: ReplicaId) -> bool {
        self > other && self.stamp().is_some_and(|stamp| stamp.replica == replica)
    }
}

/// `Some` is more than `None`, even if nothing was written in it.
impl<V: Known + Default> Known for Option<V> {
    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(ours), Some(theirs)) => ours.covers(theirs),
        }
    }

    fn exceeds(&self, other: &Self, replica: ReplicaId) -> bool {
        self.as_ref().is_some_and(|ours| part_exceeds(ours, other.as_ref(), replica))
    }
}

/// A key that the other lacks is more than nothing, even if nothing was written under it.
impl<K: Ord, V: Known + Default> Known for BTreeMap<K, V> {
    fn covers(&self, other: &Self) -> bool {
        other.iter().all(|(key, theirs)| self.get(key).is_some_and(|ours| ours.covers(theirs)))
    }

    fn exceeds(&self, other: &Self, replica: ReplicaId) -> bool {
        self.iter().any(|(key, ours)| part_exceeds(ours, other.get(key), replica))
    }
}

fn part_exceeds<V: Known + Default>(ours: &V, theirs: Option<&V>, replica: ReplicaId) -> bool {
    match theirs {
        Some(theirs) => ours.exceeds(theirs, replica),
        None => ours.exceeds(&V::default(), replica),
    }
}

macro_rules! tuple {
    ($($name:ident $index:tt),+) => {
        /// Each part on its own.
        impl<$($name: Known),+> Known for ($($name,)+) {
            fn covers(&self, other: &Self) -> bool {
                $(self.$index.covers(&other.$index))&&+
            }

            fn exceeds(&self, other: &Self, replica: ReplicaId) -> bool {
                $(self.$index.exceeds(&other.$index, replica))||+
            }
        }
    };
}
tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
