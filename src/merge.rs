//! The traits: [`Merge`], which makes a type a lattice, and [`DeltaState`], which makes it cheap
//! to send.
//!
//! The axioms are those of state-based replicated data types (Shapiro, Preguiça, Baquero and
//! Zawirski, *Conflict-free Replicated Data Types*, 2011, §2.2); deltas follow Almeida, Shoker
//! and Baquero, *Delta State Replicated Data Types*, 2018, §4.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet, btree_map},
};

/// A join-semilattice: values that can be joined in any order, any number of times.
///
/// # Axioms
///
/// Writing `a ⊔ b` for the value of `a` after `a.merge(&b)`:
///
/// - commutative: `a ⊔ b == b ⊔ a`
/// - associative: `(a ⊔ b) ⊔ c == a ⊔ (b ⊔ c)`
/// - idempotent: `a ⊔ a == a`
/// - honest: `a.merge(&b)` returns `true` if and only if it changed `a`
///
/// # Consequences
///
/// `a ≤ b` if and only if `a ⊔ b == b` is a partial order, and `a ⊔ b` is the least value at or
/// above both. So merging never loses anything (`a ≤ a ⊔ b`), messages may be repeated,
/// reordered and batched, and a gossip loop may stop where `merge` returns `false`.
///
/// # Examples
///
/// ```
/// use rejoin::{Merge, VectorClock};
///
/// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
/// let mut ours = VectorClock::new();
/// ours.increment(us)?;
/// let mut theirs = VectorClock::new();
/// theirs.increment(eu)?;
///
/// assert!(ours.merge(&theirs));
/// assert!(!ours.merge(&theirs), "nothing new the second time");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Merge {
    /// Joins `other` into `self`; `true` if and only if `self` changed.
    fn merge(&mut self, other: &Self) -> bool;

    /// Joins `other` into `self`, free to move out of `other`; `true` if and only if `self`
    /// changed.
    fn merge_owned(&mut self, other: Self) -> bool
    where
        Self: Sized,
    {
        self.merge(&other)
    }
}

/// A lattice whose changes can be sent instead of the whole.
///
/// Every mutator of such a type returns the delta of what it did. Deltas are lattices too: join
/// as many as you like into one message. They may arrive in any order, any number of times, and
/// with gaps; once a replica has received all of them it equals the state they came from.
///
/// # Examples
///
/// ```
/// use rejoin::{DeltaState, OrSet};
///
/// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
/// let mut ours = OrSet::new();
/// let delta = ours.add("ana", us)?;       // send this ...
/// let mut theirs = OrSet::new();
/// theirs.add("bo", eu)?;
/// theirs.apply(delta);                    // ... and apply it there
///
/// let reply = theirs.delta_since(&ours.version());
/// ours.apply(reply);                      // or ask for just what is missing
/// assert_eq!(ours, theirs);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait DeltaState: Merge {
    /// A part of the state, small where the change is small. May be joined with others before it
    /// is sent.
    type Delta: Merge;
    /// What a replica holds, without its payloads: what a peer needs to know to compute the
    /// smallest delta for it.
    type Version;

    /// What this replica holds.
    fn version(&self) -> Self::Version;

    /// The smallest delta that brings a replica at `peer` to at least this state.
    fn delta_since(&self, peer: &Self::Version) -> Self::Delta;

    /// Joins a delta: any order, any repeats, gaps allowed. `true` if and only if `self` changed.
    fn apply(&mut self, delta: Self::Delta) -> bool;
}

/// The greater of two values, as a lattice.
///
/// ```
/// use rejoin::{Max, Merge};
/// let mut peak = Max(3);
/// assert!(peak.merge(&Max(7)));
/// assert_eq!(peak, Max(7));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Max<T>(pub T);

impl<T: Ord + Clone> Merge for Max<T> {
    fn merge(&mut self, other: &Self) -> bool {
        let grows = other.0 > self.0;
        if grows {
            self.0.clone_from(&other.0);
        }
        grows
    }
}

/// The lesser of two values, as a lattice.
///
/// ```
/// use rejoin::{Merge, Min};
/// let mut first_seen = Min(30);
/// assert!(first_seen.merge(&Min(10)));
/// assert_eq!(first_seen, Min(10));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Min<T>(pub T);

impl<T: Ord + Clone> Merge for Min<T> {
    fn merge(&mut self, other: &Self) -> bool {
        let shrinks = other.0 < self.0;
        if shrinks {
            self.0.clone_from(&other.0);
        }
        shrinks
    }
}

impl Merge for () {
    fn merge(&mut self, (): &Self) -> bool {
        false
    }
}

/// `None` is below everything.
impl<T: Merge + Clone> Merge for Option<T> {
    fn merge(&mut self, other: &Self) -> bool {
        match (self.as_mut(), other) {
            (_, None) => false,
            (Some(ours), Some(theirs)) => ours.merge(theirs),
            (None, Some(theirs)) => {
                *self = Some(theirs.clone());
                true
            }
        }
    }
}

impl<T: Merge> Merge for Box<T> {
    fn merge(&mut self, other: &Self) -> bool {
        (**self).merge(other)
    }
}

macro_rules! merge_tuple {
    ($($name:ident $index:tt),+) => {
        /// Each part on its own.
        impl<$($name: Merge),+> Merge for ($($name,)+) {
            fn merge(&mut self, other: &Self) -> bool {
                let mut changed = false;
                $(changed |= self.$index.merge(&other.$index);)+
                changed
            }
        }
    };
}
merge_tuple!(A 0);
merge_tuple!(A 0, B 1);
merge_tuple!(A 0, B 1, C 2);
merge_tuple!(A 0, B 1, C 2, D 3);

/// Key by key; keys are never removed.
impl<K: Ord + Clone, V: Merge + Clone> Merge for BTreeMap<K, V> {
    fn merge(&mut self, other: &Self) -> bool {
        let mut changed = false;
        for (key, theirs) in other {
            changed |= match self.entry(key.clone()) {
                btree_map::Entry::Occupied(mut ours) => ours.get_mut().merge(theirs),
                btree_map::Entry::Vacant(free) => {
                    free.insert(theirs.clone());
                    true
                }
            };
        }
        changed
    }
}

/// Union; elements are never removed. For a set that also shrinks, see [`OrSet`](crate::OrSet).
impl<T: Ord + Clone> Merge for BTreeSet<T> {
    fn merge(&mut self, other: &Self) -> bool {
        let before = self.len();
        for element in other {
            if !self.contains(element) {
                self.insert(element.clone());
            }
        }
        self.len() > before
    }
}

#[cfg(feature = "std")]
mod with_std {
    use super::Merge;
    use core::hash::{BuildHasher, Hash};
    use std::collections::{HashMap, HashSet, hash_map};

    /// Key by key; keys are never removed.
    impl<K: Hash + Eq + Clone, V: Merge + Clone, S: BuildHasher> Merge for HashMap<K, V, S> {
        fn merge(&mut self, other: &Self) -> bool {
            let mut changed = false;
            for (key, theirs) in other {
                changed |= match self.entry(key.clone()) {
                    hash_map::Entry::Occupied(mut ours) => ours.get_mut().merge(theirs),
                    hash_map::Entry::Vacant(free) => {
                        free.insert(theirs.clone());
                        true
                    }
                };
            }
            changed
        }
    }

    /// Union; elements are never removed. For a set that also shrinks, see
    /// [`OrSet`](crate::OrSet).
    impl<T: Hash + Eq + Clone, S: BuildHasher> Merge for HashSet<T, S> {
        fn merge(&mut self, other: &Self) -> bool {
            let before = self.len();
            for element in other {
                if !self.contains(element) {
                    self.insert(element.clone());
                }
            }
            self.len() > before
        }
    }
}
