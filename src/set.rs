//! [`OrSet`]: a set where a concurrent insert wins over a remove.
//!
//! Shapiro et al., *A comprehensive study of Convergent and Commutative Replicated Data Types*,
//! 2011, §3.3.5, without its tombstones (Bieniusa et al., *An Optimized Conflict-free Replicated
//! Set*, 2012).

use crate::{
    causal::{
        Change, Distinct, Dot, DotKernel, KeyIndex, KeyOf, Observed, Payloads, Ranks, Slot,
        observed,
    },
    error::WriteError,
    iter::iterator,
    replica::ReplicaId,
};
use alloc::vec::Vec;
use core::{borrow::Borrow, fmt, hash::Hash};

/// A set. If one replica inserts an element while another removes it, the insert wins (the field
/// calls this *add-wins*). A remove takes away only the inserts that its replica had seen.
///
/// Its names are those of `HashSet`. Each write also takes the [`ReplicaId`] that writes, and
/// returns its delta.
///
/// Elements are listed by the replica that inserted them and the order in which it did: the same
/// order for equal sets, whatever their history. Two replicas that insert one element concurrently
/// hold it twice until one of them inserts or removes it again; it is listed once.
///
/// # Cost
///
/// With *n* elements: [`contains`](Self::contains), [`insert`](Self::insert) and
/// [`remove`](Self::remove) are O(1), plus a search among replicas; [`merge`](crate::Merge::merge)
/// is O(blocks of 64 + changes) for whole states and O(changes) for deltas. A `u64` costs about 16
/// bytes: itself, a 32-bit index entry, and its share of a block. Removed elements leave nothing
/// behind.
///
/// # Order, hash and serde
///
/// Sets are compared by `==` alone: equal means converged. They have no `Hash` and no order, as
/// `HashSet` has none; [`delta_since`](crate::DeltaState::delta_since) tells whether one has seen
/// less. The serde form lists for each replica which of its writes were seen, and the elements
/// still alive with the number of the write: `{"us-east-1": {"seen": [[1, 3]], "live": [[2,
/// "ana"]]}}`. For the elements alone, serialize [`iter`](Self::iter).
///
/// # Examples
///
/// ```
/// use rejoin::{Merge, OrSet};
///
/// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
/// let mut ours: OrSet<String> = OrSet::new();
/// ours.insert("ana".into(), us)?;
/// ours.insert("bo".into(), us)?;
/// let mut theirs = ours.clone();
///
/// ours.remove("ana", us)?;
/// theirs.insert("ana".into(), eu)?;    // again, without having seen the remove
/// theirs.remove("bo", eu)?;
/// ours.merge(&theirs);
/// assert_eq!(ours.iter().collect::<Vec<_>>(), ["ana"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct OrSet<T> {
    state: Observed<T, KeyIndex<Whole>>,
}

/// What some writes did to an [`OrSet`], as small as those writes. Join several into one message,
/// send it over anything, and [`apply`](crate::DeltaState::apply) it there: in any order, any
/// number of times.
///
/// # Examples
///
/// ```
/// use rejoin::{DeltaState, Merge, OrSet, wire};
///
/// let us = "us-east-1".parse()?;
/// let mut ours: OrSet<String> = OrSet::new();
/// let mut delta = ours.insert("ana".into(), us)?;
/// delta.merge(&ours.insert("bo".into(), us)?);
/// let message = wire::to_bytes(&delta);
///
/// let mut theirs = OrSet::new();
/// wire::apply_bytes(&mut theirs, &message)?;
/// assert_eq!(ours, theirs);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SetDelta<T>(DotKernel<T>);

observed!(OrSet and SetDelta of <T>);

/// The payload is its own key.
#[derive(Clone, Copy)]
struct Whole;

impl<T> Ranks<T> for Whole {
    type Rank = Dot;

    fn rank(_: &T, dot: Dot) -> Dot {
        dot
    }
}

impl<T: Eq + Hash> KeyOf<T> for Whole {
    type Key = T;

    fn key(payload: &T) -> &T {
        payload
    }
}

impl<T> Default for OrSet<T> {
    fn default() -> Self {
        Self { state: Observed::default() }
    }
}

impl<T> OrSet<T> {
    /// The empty set. Allocates nothing.
    ///
    /// ```
    /// let set: rejoin::OrSet<u64> = rejoin::OrSet::new();
    /// assert!(set.is_empty());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// How many elements there are. O(1).
    ///
    /// ```
    /// let mut set = rejoin::OrSet::new();
    /// set.extend([1, 2, 2], "us-east-1".parse()?)?;
    /// assert_eq!(set.len(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn len(&self) -> usize {
        self.state.index().len()
    }

    /// Whether there is no element. O(1).
    ///
    /// ```
    /// let mut set = rejoin::OrSet::new();
    /// set.insert("ana", "us-east-1".parse()?)?;
    /// assert!(!set.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T: Eq + Hash> OrSet<T> {
    /// The elements, each once, in an order that equal sets share. O(1), and O(elements) to walk.
    ///
    /// ```
    /// let mut set = rejoin::OrSet::new();
    /// set.extend([3, 1, 2], "us-east-1".parse()?)?;
    /// assert_eq!(set.iter().collect::<Vec<_>>(), [&3, &1, &2]);
    /// assert_eq!(set.iter().rev().len(), 3);
    /// for element in &set {
    ///     assert!(set.contains(element));
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn iter(&self) -> Iter<'_, T> {
        Iter(self.state.distinct())
    }

    /// Whether `element` is in the set. O(1).
    ///
    /// ```
    /// let mut set: rejoin::OrSet<String> = rejoin::OrSet::new();
    /// set.insert("ana".into(), "us-east-1".parse()?)?;
    /// assert!(set.contains("ana"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn contains<Q>(&self, element: &Q) -> bool
    where
        T: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.state.index().contains(self.state.blocks(), element)
    }

    /// The element that equals `element`, if it is in the set. O(1).
    ///
    /// ```
    /// let mut set: rejoin::OrSet<String> = rejoin::OrSet::new();
    /// set.insert("ana".into(), "us-east-1".parse()?)?;
    /// assert_eq!(set.get("ana"), Some(&"ana".to_string()));
    /// assert_eq!(set.get("bo"), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get<Q>(&self, element: &Q) -> Option<&T>
    where
        T: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let slot = self.state.index().first(self.state.blocks(), element)?;
        self.state.get(slot)
    }

    /// The live inserts of an element.
    fn slots<Q>(&self, element: &Q) -> smallvec::SmallVec<[Slot; 4]>
    where
        T: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.state.index().slots(self.state.blocks(), element)
    }
}

impl<T: Clone + Ord + Hash> OrSet<T> {
    /// Inserts `element`; returns the delta. O(1), plus a search among replicas.
    ///
    /// Inserting an element that is already there is a write too: it replaces the inserts seen
    /// here, so it costs no space, and it wins over a concurrent remove. If you do not want that,
    /// ask [`contains`](Self::contains) first.
    ///
    /// ```
    /// use rejoin::{DeltaState, OrSet};
    ///
    /// let us = "us-east-1".parse()?;
    /// let (mut ours, mut theirs) = (OrSet::new(), OrSet::new());
    /// let delta = ours.insert("ana", us)?;
    /// assert!(theirs.apply(&delta));
    /// assert!(theirs.contains(&"ana"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the replica has used up its 64-bit count; the set is as it was.
    pub fn insert(&mut self, element: T, replica: ReplicaId) -> Result<SetDelta<T>, WriteError> {
        let seen = self.slots(&element);
        self.state.write(element, &seen, replica).map(SetDelta)
    }

    /// Inserts all `elements`; returns one delta. O(elements).
    ///
    /// ```
    /// let mut set = rejoin::OrSet::new();
    /// let delta = set.extend(1..=100, "us-east-1".parse()?)?;
    /// assert_eq!((set.len(), delta.added().len()), (100, 100));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the replica's 64-bit count has too little room; the set is as it was.
    pub fn extend(
        &mut self,
        elements: impl IntoIterator<Item = T>,
        replica: ReplicaId,
    ) -> Result<SetDelta<T>, WriteError> {
        let elements = elements.into_iter().collect();
        let write = |state: &Observed<T, KeyIndex<Whole>>, element: T| {
            let seen = state.index().slots(state.blocks(), &element);
            (element, seen)
        };
        self.state.write_all(elements, write, replica).map(SetDelta)
    }

    /// Removes the inserts of `element` that this replica has seen; returns the delta. If it is not
    /// in the set, nothing is written and the delta is empty. O(1), plus a search among replicas.
    ///
    /// ```
    /// let us = "us-east-1".parse()?;
    /// let mut set: rejoin::OrSet<String> = rejoin::OrSet::new();
    /// set.insert("ana".into(), us)?;
    /// assert!(!set.remove("ana", us)?.is_empty());
    /// assert!(set.remove("ana", us)?.is_empty(), "nothing to remove");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the replica has used up its 64-bit count; the set is as it was.
    pub fn remove<Q>(&mut self, element: &Q, replica: ReplicaId) -> Result<SetDelta<T>, WriteError>
    where
        T: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let seen = self.slots(element);
        self.state.erase(&seen, replica).map(SetDelta)
    }

    /// Removes all `elements` that are in the set, as one write; returns the delta, empty if there
    /// are none. O(elements).
    ///
    /// ```
    /// let us = "us-east-1".parse()?;
    /// let mut set: rejoin::OrSet<String> = rejoin::OrSet::new();
    /// set.extend(["ana", "bo", "cy"].map(String::from), us)?;
    /// set.remove_all(["ana", "cy", "dan"], us)?;
    /// assert_eq!(set.iter().collect::<Vec<_>>(), ["bo"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the replica has used up its 64-bit count; the set is as it was.
    pub fn remove_all<'q, Q>(
        &mut self,
        elements: impl IntoIterator<Item = &'q Q>,
        replica: ReplicaId,
    ) -> Result<SetDelta<T>, WriteError>
    where
        T: Borrow<Q>,
        Q: Eq + Hash + ?Sized + 'q,
    {
        let seen: Vec<Slot> = elements.into_iter().flat_map(|it| self.slots(it)).collect();
        self.state.erase(&seen, replica).map(SetDelta)
    }

    /// Removes the elements for which `keep` is `false`, as one write; returns the delta, empty if
    /// all are kept. O(elements).
    ///
    /// ```
    /// let us = "us-east-1".parse()?;
    /// let mut set = rejoin::OrSet::new();
    /// set.extend(1..=10, us)?;
    /// set.retain(|number| number % 3 == 0, us)?;
    /// assert_eq!(set.iter().collect::<Vec<_>>(), [&3, &6, &9]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the replica has used up its 64-bit count; the set is as it was.
    pub fn retain(
        &mut self,
        mut keep: impl FnMut(&T) -> bool,
        replica: ReplicaId,
    ) -> Result<SetDelta<T>, WriteError> {
        let going = self.iter().filter(|&element| !keep(element));
        let seen: Vec<Slot> = going.flat_map(|element| self.slots(element)).collect();
        self.state.erase(&seen, replica).map(SetDelta)
    }

    /// Removes all elements seen here, as one write; returns the delta, empty if there are none.
    /// What is inserted concurrently elsewhere survives. O(elements).
    ///
    /// ```
    /// let us = "us-east-1".parse()?;
    /// let mut set = rejoin::OrSet::new();
    /// set.extend(["ana", "bo"], us)?;
    /// set.clear(us)?;
    /// assert!(set.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the replica has used up its 64-bit count; the set is as it was.
    pub fn clear(&mut self, replica: ReplicaId) -> Result<SetDelta<T>, WriteError> {
        let seen: Vec<Slot> = self.state.kernel().slots().map(|(slot, _)| slot).collect();
        self.state.erase(&seen, replica).map(SetDelta)
    }

    /// Merges `other`, as [`merge`](crate::Merge::merge) does, and returns which elements came and
    /// went. Costs as much as two merges.
    ///
    /// ```
    /// use rejoin::OrSet;
    ///
    /// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// let mut ours = OrSet::new();
    /// ours.extend(["ana", "bo"], us)?;
    /// let mut theirs = ours.clone();
    /// theirs.remove(&"bo", eu)?;
    /// theirs.insert("cy", eu)?;
    ///
    /// let changes = ours.merge_reporting(&theirs);
    /// assert_eq!((changes.added, changes.removed), (vec!["cy"], vec!["bo"]));
    /// assert!(ours.merge_reporting(&theirs).is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn merge_reporting(&mut self, other: &Self) -> SetChanges<T> {
        self.join_reporting(other.state.kernel())
    }

    /// Applies `delta`, as [`apply`](crate::DeltaState::apply) does, and returns which elements
    /// came and went. O(changes).
    ///
    /// ```
    /// use rejoin::OrSet;
    ///
    /// let mut theirs = OrSet::new();
    /// let delta = theirs.insert("ana", "us-east-1".parse()?)?;
    /// let mut ours = OrSet::new();
    /// assert_eq!(ours.apply_reporting(&delta).added, ["ana"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn apply_reporting(&mut self, delta: &SetDelta<T>) -> SetChanges<T> {
        self.join_reporting(&delta.0)
    }

    fn join_reporting(&mut self, other: &DotKernel<T>) -> SetChanges<T> {
        let (mut added, mut removed) = (Vec::new(), Vec::new());
        self.state.kernel().preview(other, T::cmp, |change| match change {
            Change::Came(_, element) if self.contains(element) => {}
            Change::Came(_, element) => added.push(element.clone()),
            Change::Went(_, element) => removed.push(element.clone()),
        });
        self.state.apply(other);
        // Inserted again, or inserted twice.
        removed.retain(|element| !self.contains(element));
        for elements in [&mut added, &mut removed] {
            elements.sort_unstable();
            elements.dedup();
        }
        SetChanges { added, removed }
    }
}

impl<T> SetDelta<T> {
    /// The elements that it adds, by the replica that inserted them and in the order in which it
    /// did. If deltas were joined, an element that several replicas inserted is listed once for
    /// each. O(1), and O(elements) to walk.
    ///
    /// ```
    /// let delta = rejoin::OrSet::new().extend(["ana", "bo"], "us-east-1".parse()?)?;
    /// assert_eq!(delta.added().collect::<Vec<_>>(), [&"ana", &"bo"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn added(&self) -> Added<'_, T> {
        Added(self.0.payloads())
    }
}

/// Which elements a merge added to an [`OrSet`] and which it removed, each ascending: see
/// [`OrSet::merge_reporting`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SetChanges<T> {
    /// The elements that are in the set now and were not before.
    pub added: Vec<T>,
    /// The elements that were in the set before and are no longer.
    pub removed: Vec<T>,
}

impl<T> SetChanges<T> {
    /// Whether no element came or went. O(1).
    ///
    /// ```
    /// use rejoin::OrSet;
    /// let mut set: OrSet<u64> = OrSet::new();
    /// assert!(set.merge_reporting(&OrSet::new()).is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

impl<T> Default for SetChanges<T> {
    fn default() -> Self {
        Self { added: Vec::new(), removed: Vec::new() }
    }
}

/// The elements of an [`OrSet`]: see [`OrSet::iter`].
pub struct Iter<'a, T>(Distinct<'a, T, Whole, Dot>);

iterator!(Iter<'a, T: (Eq + Hash)> of &'a T = |element| element);

/// The elements that a [`SetDelta`] adds: see [`SetDelta::added`].
pub struct Added<'a, T>(Payloads<'a, T>);

iterator!(Added<'a, T> of &'a T = |element| element);

impl<'a, T: Eq + Hash> IntoIterator for &'a OrSet<T> {
    type Item = &'a T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T: fmt::Debug + Eq + Hash> fmt::Debug for OrSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{KeyIndex, Observed, OrSet};
    use crate::{causal::Index, replica::ReplicaId};
    use alloc::string::ToString;

    const US: ReplicaId = ReplicaId::from_u128(1);

    #[test]
    fn a_broken_set_is_found() -> Result<(), alloc::string::String> {
        let mut set = OrSet::<u8>::default();
        set.insert(7, US).map_err(|error| error.to_string())?;
        assert_eq!(set.state.check_invariants(), Ok(()));
        let broken = |kernel, index| Observed::of(kernel, index).check_invariants();
        let (mut kernel, index) = (set.state.kernel().clone(), set.state.index().clone());
        let empty = OrSet::<u8>::default();
        let lists = broken(empty.state.kernel().clone(), index.clone());
        assert!(lists.is_err(), "the index lists what is not there");
        assert!(KeyIndex::check(&index, &kernel).is_ok());
        kernel.unmint(US, 0);
        assert!(broken(kernel, index).is_err(), "what is alive was never seen");
        Ok(())
    }
}
