//! The traits: [`Merge`], which makes a type a lattice, and [`DeltaState`] with its [`Delta`],
//! which make it cheap to send.
//!
//! The axioms are those of state-based replicated data types (Shapiro, Preguiça, Baquero and
//! Zawirski, *Conflict-free Replicated Data Types*, 2011, §2.2); deltas follow Almeida, Shoker
//! and Baquero, *Delta State Replicated Data Types*, 2018, §4.

use crate::time::Timestamp;
use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet, btree_map},
    vec::Vec,
};
use core::cmp::Ordering;

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
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a lattice: it does not implement `Merge`",
    label = "cannot be merged",
    note = "wrap a plain value: `LwwRegister` keeps the last write, `Max` and `Min` the greatest and the least",
    note = "or leave a derived field out with `#[rejoin(skip)]`, or merge it by functions of your own with `#[rejoin(with = module)]`"
)]
pub trait Merge {
    /// Joins `other` into `self`; `true` if and only if `self` changed.
    fn merge(&mut self, other: &Self) -> bool;

    /// Joins `other` into `self`, and may move values out of `other`; `true` if and only if `self`
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
/// Tuples, `Option`, `BTreeMap` and `HashMap` of such types implement it too: a map of counters by
/// user syncs by deltas as it stands. A part that is new to a peer arrives whole, and a delta
/// carries only the parts that changed. Never remove a key from such a map: the part comes back
/// from any peer that still has it, and what is counted anew under an old id is lost.
///
/// # A generic loop
///
/// The trait does not ask for bytes, so that a set of types without bytes still has deltas. Code
/// that sends asks for them:
///
/// ```
/// use rejoin::{DeltaState, OrSet, PnCounter, wire::{self, DecodeError, Wire}};
///
/// /// Answers "this is what I hold" with what the peer lacks.
/// fn answer<T: DeltaState<Delta: Wire, Version: Wire>>(
///     state: &T,
///     question: &[u8],
/// ) -> Result<Vec<u8>, DecodeError> {
///     Ok(wire::to_bytes(&state.delta_since(&wire::from_bytes(question)?)))
/// }
///
/// let us = "us-east-1".parse()?;
/// let mut ours: (PnCounter, OrSet<String>) = Default::default();
/// ours.0.increment(1, us)?;
/// ours.1.insert("ana".into(), us)?;
/// let mut theirs: (PnCounter, OrSet<String>) = Default::default();
///
/// let reply = answer(&ours, &wire::to_bytes(&theirs.version()))?;
/// assert!(wire::apply_bytes(&mut theirs, &reply)?);
/// assert_eq!(ours, theirs);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Examples
///
/// ```
/// use rejoin::{DeltaState, OrSet};
///
/// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
/// let mut ours = OrSet::new();
/// let delta = ours.insert("ana", us)?;    // send this ...
/// let mut theirs = OrSet::new();
/// theirs.insert("bo", eu)?;
/// theirs.apply(&delta);                   // ... and apply it there
///
/// let reply = theirs.delta_since(&ours.version());
/// ours.apply_owned(reply);                // or ask for just what is missing
/// assert_eq!(ours, theirs);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no deltas: it does not implement `DeltaState`",
    label = "has no deltas",
    note = "wrap a plain value: `LwwRegister` keeps the last write",
    note = "or leave a derived field out with `#[rejoin(skip)]`, or give it deltas by functions of your own with `#[rejoin(with = module)]`"
)]
pub trait DeltaState: Merge {
    /// A part of the state, small where the change is small. May be joined with others before it
    /// is sent.
    type Delta: Delta;
    /// A summary of what a replica holds, without its content: what a peer needs to know to compute
    /// the smallest delta for it. The default knows nothing, and is equal to that of a state that
    /// was never written.
    type Version: Clone + Default + PartialEq;

    /// What this replica holds.
    fn version(&self) -> Self::Version;

    /// The smallest delta that brings a replica at `peer` to at least this state.
    fn delta_since(&self, peer: &Self::Version) -> Self::Delta;

    /// Joins a delta: in any order, any number of times, with gaps. `true` if and only if `self`
    /// changed.
    fn apply(&mut self, delta: &Self::Delta) -> bool;

    /// Joins a delta, and may move values out of it; `true` if and only if `self` changed.
    fn apply_owned(&mut self, delta: Self::Delta) -> bool
    where
        Self: Sized,
    {
        self.apply(&delta)
    }

    /// Edits the state to see what comes of it, and leaves it as it was; returns what `edit`
    /// returns, such as the delta.
    ///
    /// A draft that was stored is applied, and one that could not be stored is dropped. An edit in
    /// place cannot be taken back: if storing fails and the edit is repeated on the same copy,
    /// peers hear of two writes under one number, and lose one of them. Between the draft and its
    /// `apply` there must be no other edit of this replica, or these two have one number.
    ///
    /// A set, a map, a register, a flag or a document takes back what `edit` did, which costs as
    /// much as doing it, and a copy of what was [seen](Self::version). All other types edit a copy.
    ///
    /// ```
    /// use rejoin::{DeltaState, OrSet, wire};
    /// # fn store(_: Vec<u8>) -> Result<(), std::io::Error> { Ok(()) }
    ///
    /// let us = "us-east-1".parse()?;
    /// let mut open: OrSet<String> = OrSet::new();
    /// let delta = open.draft(|open| open.insert("ana".into(), us))?;
    /// assert!(open.is_empty(), "as it was");
    ///
    /// store(wire::to_bytes(&delta))?;
    /// open.apply_owned(delta);
    /// assert!(open.contains("ana"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn draft<R>(&mut self, edit: impl FnOnce(&mut Self) -> R) -> R
    where
        Self: Clone,
    {
        edit(&mut self.clone())
    }

    /// Several edits as one, all or nothing: applies the delta that `edit` returns, and returns it.
    /// If `edit` fails or panics, the state is as it was.
    ///
    /// What `edit` did is [drafted](Self::draft), so only what is in its delta stays: the state never
    /// holds what peers are not told. Costs what a draft costs, plus applying the delta.
    ///
    /// A [`Document`](crate::Document) has an [`edit`](crate::Document::edit) of its own.
    ///
    /// ```
    /// use rejoin::{Delta, DeltaState, OrSet, WriteError};
    ///
    /// let us = "us-east-1".parse()?;
    /// let mut open = OrSet::new();
    /// open.insert("ana".to_string(), us)?;
    /// # let before = open.clone();
    /// let moved = open.edit(|open| {
    ///     let left = open.remove("ana", us)?;
    ///     Ok::<_, WriteError>(left.joined(open.insert("bo".into(), us)?))
    /// })?;
    /// assert!(open.iter().eq(["bo"]));
    ///
    /// let failed = open.edit(|open| {
    ///     open.insert("cy".into(), us)?;
    ///     Err::<_, Box<dyn std::error::Error>>("no more room".into())
    /// });
    /// assert!(failed.is_err() && !open.contains("cy"));
    /// # let mut theirs = before; theirs.apply(&moved); assert_eq!(theirs, open);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What `edit` returns.
    fn edit<E>(
        &mut self,
        edit: impl FnOnce(&mut Self) -> Result<Self::Delta, E>,
    ) -> Result<Self::Delta, E>
    where
        Self: Clone,
    {
        let delta = self.draft(edit)?;
        self.apply(&delta);
        Ok(delta)
    }
}

/// What some edits did, to be joined with others and sent: the delta of a [`DeltaState`].
///
/// The default is the delta of no edit, and is empty.
pub trait Delta: Merge + Clone + Default {
    /// Whether it holds no edit: applied anywhere, it changes nothing.
    fn is_empty(&self) -> bool;

    /// The greatest time that a write in it is stamped with; `None` if no write in it has a time,
    /// which is what the default says. A [`Gate`](crate::sync::Gate) relies on it, so a delta of
    /// several parts must look at all of them.
    fn latest(&self) -> Option<Timestamp> {
        None
    }

    /// The delta of this edit and of another.
    ///
    /// ```
    /// use rejoin::{Delta, GCounter};
    ///
    /// let us = "us-east-1".parse()?;
    /// let mut count = GCounter::new();
    /// let both = count.increment(1, us)?.joined(count.increment(2, us)?);
    /// assert_eq!(both.value(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    fn joined(mut self, other: Self) -> Self {
        self.merge_owned(other);
        self
    }
}

/// The greater of two values, as a lattice. Its order is that of the values, and that of merging.
/// In serde it is the value itself.
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

/// The lesser of two values, as a lattice. It has no order: that of merging is the reverse of that
/// of the values, and either would surprise somebody. In serde it is the value itself.
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

impl Delta for () {
    fn is_empty(&self) -> bool {
        true
    }
}

/// Nothing, which never changes.
impl DeltaState for () {
    type Delta = ();
    type Version = ();

    fn version(&self) {}

    fn delta_since(&self, (): &()) {}

    fn apply(&mut self, (): &()) -> bool {
        false
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

/// `Some` is more than `None`, even if its delta is empty, so it reaches the peer.
impl<D: Delta> Delta for Option<D> {
    fn is_empty(&self) -> bool {
        self.is_none()
    }

    fn latest(&self) -> Option<Timestamp> {
        self.as_ref()?.latest()
    }
}

impl<T: DeltaState + Clone + Default> DeltaState for Option<T> {
    type Delta = Option<T::Delta>;
    type Version = Option<T::Version>;

    fn version(&self) -> Self::Version {
        self.as_ref().map(T::version)
    }

    fn delta_since(&self, peer: &Self::Version) -> Self::Delta {
        part_since(self.as_ref()?, peer.as_ref())
    }

    fn apply(&mut self, delta: &Self::Delta) -> bool {
        match (self.as_mut(), delta) {
            (Some(ours), Some(delta)) => ours.apply(delta),
            _ => self.apply_owned(delta.clone()),
        }
    }

    fn apply_owned(&mut self, delta: Self::Delta) -> bool {
        match (self.as_mut(), delta) {
            (_, None) => false,
            (Some(ours), Some(delta)) => ours.apply_owned(delta),
            (None, Some(delta)) => {
                *self = Some(part_from(delta));
                true
            }
        }
    }
}

/// What a peer lacks of one part, if anything: all of it where it does not have the part.
fn part_since<T: DeltaState>(part: &T, peer: Option<&T::Version>) -> Option<T::Delta> {
    match peer {
        None => Some(part.delta_since(&T::Version::default())),
        Some(peer) => Some(part.delta_since(peer)).filter(|delta| !delta.is_empty()),
    }
}

/// A part that was not here before.
fn part_from<T: DeltaState + Default>(delta: T::Delta) -> T {
    let mut part = T::default();
    part.apply_owned(delta);
    part
}

impl<T: Merge> Merge for Box<T> {
    fn merge(&mut self, other: &Self) -> bool {
        (**self).merge(other)
    }
}

macro_rules! tuple {
    ($($name:ident $index:tt),+) => {
        /// Each part on its own.
        impl<$($name: Merge),+> Merge for ($($name,)+) {
            fn merge(&mut self, other: &Self) -> bool {
                let mut changed = false;
                $(changed |= self.$index.merge(&other.$index);)+
                changed
            }

            fn merge_owned(&mut self, other: Self) -> bool {
                let mut changed = false;
                $(changed |= self.$index.merge_owned(other.$index);)+
                changed
            }
        }

        impl<$($name: Delta),+> Delta for ($($name,)+) {
            fn is_empty(&self) -> bool {
                $(self.$index.is_empty())&&+
            }

            fn latest(&self) -> Option<Timestamp> {
                None$(.max(self.$index.latest()))+
            }
        }

        /// Each part on its own.
        impl<$($name: DeltaState),+> DeltaState for ($($name,)+) {
            type Delta = ($($name::Delta,)+);
            type Version = ($($name::Version,)+);

            fn version(&self) -> Self::Version {
                ($(self.$index.version(),)+)
            }

            fn delta_since(&self, peer: &Self::Version) -> Self::Delta {
                ($(self.$index.delta_since(&peer.$index),)+)
            }

            fn apply(&mut self, delta: &Self::Delta) -> bool {
                let mut changed = false;
                $(changed |= self.$index.apply(&delta.$index);)+
                changed
            }

            fn apply_owned(&mut self, delta: Self::Delta) -> bool {
                let mut changed = false;
                $(changed |= self.$index.apply_owned(delta.$index);)+
                changed
            }
        }
    };
}
tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);

/// A key that is new to a peer is more than nothing, even if its delta is empty.
impl<K: Ord + Clone, D: Delta> Delta for BTreeMap<K, D> {
    fn is_empty(&self) -> bool {
        self.is_empty()
    }

    fn latest(&self) -> Option<Timestamp> {
        self.values().filter_map(D::latest).max()
    }
}

macro_rules! map_of_states {
    ($(#[$doc:meta])* $map:ident<K: $key:path $(, $more:path)* $(; $hasher:ident: $build:path)?>,
     $entry:ident) => {
        $(#[$doc])*
        impl<K: Clone + Ord + $key $(+ $more)*, V: DeltaState + Clone + Default $(, $hasher: $build)?>
            DeltaState for $map<K, V $(, $hasher)?>
        {
            type Delta = BTreeMap<K, V::Delta>;
            type Version = BTreeMap<K, V::Version>;

            fn version(&self) -> Self::Version {
                self.iter().map(|(key, value)| (key.clone(), value.version())).collect()
            }

            fn delta_since(&self, peer: &Self::Version) -> Self::Delta {
                let lacks = |(key, value): (&K, &V)| {
                    Some((key.clone(), part_since(value, peer.get(key))?))
                };
                self.iter().filter_map(lacks).collect()
            }

            fn apply(&mut self, delta: &Self::Delta) -> bool {
                let mut changed = false;
                for (key, delta) in delta {
                    changed |= match self.get_mut(key) {
                        Some(ours) => ours.apply(delta),
                        None => self.insert(key.clone(), part_from(delta.clone())).is_none(),
                    };
                }
                changed
            }

            fn apply_owned(&mut self, delta: Self::Delta) -> bool {
                let mut changed = false;
                for (key, delta) in delta {
                    changed |= match self.entry(key) {
                        $entry::Entry::Occupied(mut ours) => ours.get_mut().apply_owned(delta),
                        $entry::Entry::Vacant(free) => {
                            free.insert(part_from(delta));
                            true
                        }
                    };
                }
                changed
            }
        }
    };
}
map_of_states! {
    /// Key by key; keys are never removed.
    BTreeMap<K: Ord>, btree_map
}

/// Key by key; keys are never removed.
///
/// Std has a `BTreeMap::merge` of its own, which is not stable yet. Until it is, a call
/// `map.merge(&other)` is this one, with the compiler's warning `unstable_name_collisions`. Write
/// `Merge::merge(&mut map, &other)`, which stays this one, or use a [`GMap`](crate::GMap).
impl<K: Ord + Clone, V: Merge + Clone> Merge for BTreeMap<K, V> {
    fn merge(&mut self, other: &Self) -> bool {
        // A few keys are looked up: they do not walk the state. Many are found in one walk.
        if other.len() < self.len() / 8 {
            return merge_few(self, other);
        }
        let (mut changed, mut missing) = (false, Vec::new());
        let mut ours = self.iter_mut();
        let mut here = ours.next();
        for (key, theirs) in other {
            let order = loop {
                match here.as_ref().map(|entry| entry.0.cmp(key)) {
                    Some(Ordering::Less) => here = ours.next(),
                    order => break order,
                }
            };
            match here.as_mut().filter(|_| order == Some(Ordering::Equal)) {
                Some(entry) => changed |= entry.1.merge(theirs),
                None => missing.push((key, theirs)),
            }
        }
        changed |= !missing.is_empty();
        for (key, theirs) in missing {
            self.insert(key.clone(), theirs.clone());
        }
        changed
    }
}

fn merge_few<K: Ord + Clone, V: Merge + Clone>(
    map: &mut BTreeMap<K, V>,
    other: &BTreeMap<K, V>,
) -> bool {
    let mut changed = false;
    for (key, theirs) in other {
        changed |= match map.get_mut(key) {
            Some(ours) => ours.merge(theirs),
            None => map.insert(key.clone(), theirs.clone()).is_none(),
        };
    }
    changed
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
    use super::{BTreeMap, DeltaState, Merge, part_from, part_since};
    use core::hash::{BuildHasher, Hash};
    use std::collections::{HashMap, HashSet, hash_map};

    map_of_states! {
        /// Key by key; keys are never removed. Deltas and versions are `BTreeMap`s, which have
        /// bytes.
        HashMap<K: Hash, Eq; S: BuildHasher>, hash_map
    }

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

#[cfg(test)]
mod tests {
    use super::{BTreeMap, Merge};
    use crate::Max;

    /// Maps of every other key, of few and many keys, before, between and after those of a longer
    /// map: with greater and with smaller values.
    #[test]
    fn maps_are_merged_as_key_by_key() {
        let map = |keys: core::ops::Range<u8>, step: usize, value: u8| {
            let mut map = BTreeMap::new();
            for key in keys.step_by(step) {
                map.insert(key, Max(value));
            }
            map
        };
        let ours = map(40..80, 2, 5);
        for (from, len, step) in
            (30..90).flat_map(|from| [1, 2, 3, 30].map(|len| (from, len, 1 + from % 3)))
        {
            for theirs in [4, 5, 6].map(|value| map(from..from + len, step.into(), value)) {
                let mut expected = ours.clone();
                for (key, value) in &theirs {
                    let least = expected.entry(*key).or_insert(*value);
                    *least = (*least).max(*value);
                }
                let mut merged = ours.clone();
                assert_eq!(Merge::merge(&mut merged, &theirs), expected != ours);
                assert_eq!(merged, expected, "{ours:?} and {theirs:?}");
                assert!(!Merge::merge(&mut merged, &theirs));
                let mut back = theirs.clone();
                assert_eq!(Merge::merge(&mut back, &ours), expected != theirs);
                assert_eq!(back, expected);
            }
        }
    }
}
