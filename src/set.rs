//! [`OrSet`]: a set where a concurrent add wins over a remove.
//!
//! Shapiro et al., *A comprehensive study of Convergent and Commutative Replicated Data Types*,
//! 2011, §3.3.5, without its tombstones (Bieniusa et al., *An Optimized Conflict-free Replicated
//! Set*, 2012).

use crate::{
    causal::{Blocks, Digest, Dot, DotKernel, KeyIndex, KeyOf, Page, Ranks, Slot},
    merge::{DeltaState, Merge},
    replica::{CounterOverflow, ReplicaId},
    wire::{DecodeError, Reader, Schema, Tag, Wire, Writer},
};
use alloc::vec::Vec;
use core::{borrow::Borrow, fmt, hash::Hash};

/// A set: of a concurrent add and remove of one element, the add wins. A remove takes away just
/// the adds that its replica had seen.
///
/// Elements are listed by the replica that added them and the order in which it did: the same
/// order for equal sets, whatever their history. Two replicas that add one element concurrently
/// hold it under two dots until one of them adds or removes it again; it is listed once.
///
/// With *n* elements: [`contains`](Self::contains), [`add`](Self::add) and
/// [`remove`](Self::remove) O(1) and a search among replicas; [`merge`](Merge::merge) O(blocks of
/// 64 + changes) for whole states, O(changes) for deltas. A `u64` costs about 16 bytes: itself, a
/// 32-bit index entry, and the block's share. Removed elements leave
/// nothing behind.
///
/// # Examples
///
/// ```
/// use rejoin::{Merge, OrSet};
///
/// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
/// let mut ours: OrSet<String> = OrSet::new();
/// ours.add("ana".into(), us)?;
/// ours.add("bo".into(), us)?;
/// let mut theirs = ours.clone();
///
/// ours.remove("ana", us)?;
/// theirs.add("ana".into(), eu)?;       // again, without having seen the remove
/// theirs.remove("bo", eu)?;
/// ours.merge(&theirs);
/// assert_eq!(ours.iter().collect::<Vec<_>>(), ["ana"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct OrSet<T> {
    kernel: DotKernel<T>,
    index: KeyIndex<Whole>,
}

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
        Self { kernel: DotKernel::new(), index: KeyIndex::default() }
    }
}

impl<T> OrSet<T> {
    /// The empty set. Allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many elements there are. O(1).
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.kernel.live_len() == 0
    }

    /// The kernel below: the live adds with their dots, and all that was seen.
    pub fn kernel(&self) -> &DotKernel<T> {
        &self.kernel
    }
}

impl<T: Eq + Hash> OrSet<T> {
    /// Whether `element` is in the set. O(1).
    pub fn contains<Q>(&self, element: &Q) -> bool
    where
        T: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.index.contains(self.kernel.blocks(), element)
    }

    /// The elements, each once, in an order that equal sets share.
    pub fn iter(&self) -> impl Iterator<Item = &T> + '_ {
        let blocks = self.kernel.blocks();
        let doubles = self.index.has_doubles();
        let listed = move |&slot: &Slot| !doubles || self.is_first(blocks, slot);
        self.kernel.slots().filter(listed).filter_map(|slot| blocks.get(slot))
    }

    /// Whether no smaller live dot holds the same element.
    fn is_first(&self, blocks: &Blocks<T>, slot: Slot) -> bool {
        blocks.get(slot).and_then(|element| self.index.first(blocks, element)) == Some(slot)
    }

    /// Checks everything the set relies on. For tests and fuzzers; O(size).
    ///
    /// # Errors
    ///
    /// Which invariant does not hold: always a bug in this crate.
    pub fn check_invariants(&self) -> Result<(), &'static str> {
        self.kernel.check_invariants()?;
        self.index.check_invariants(&self.kernel)
    }
}

impl<T: Clone + Ord + Hash> OrSet<T> {
    /// Adds `element`; returns the delta. The new add supersedes those seen here, so adding again
    /// costs no space, and wins over a concurrent remove.
    ///
    /// # Errors
    ///
    /// [`CounterOverflow`] if the replica has no write left; the set is as it was.
    pub fn add(&mut self, element: T, replica: ReplicaId) -> Result<DotKernel<T>, CounterOverflow> {
        let seen = self.index.slots(self.kernel.blocks(), &element);
        self.kernel.commit_one(Some(element), &seen, replica, &mut self.index)
    }

    /// Adds all `elements`; returns one delta.
    ///
    /// # Errors
    ///
    /// [`CounterOverflow`] if the replica has fewer writes left; the set is as it was.
    pub fn add_all(
        &mut self,
        elements: impl IntoIterator<Item = T>,
        replica: ReplicaId,
    ) -> Result<DotKernel<T>, CounterOverflow> {
        let elements: Vec<T> = elements.into_iter().collect();
        let last = self.kernel.minted(replica);
        if u64::MAX - last < elements.len() as u64 {
            return Err(CounterOverflow { replica });
        }
        self.index.expect(self.kernel.blocks(), elements.len());
        let mut killed = Vec::new();
        for element in elements {
            let seen = self.index.slots(self.kernel.blocks(), &element);
            self.kernel.commit(Some(element), &seen, replica, &mut self.index, &mut killed)?;
        }
        Ok(self.kernel.delta_after(replica, last, killed.into_iter()))
    }

    /// Removes `element` as far as this replica has seen it; returns the delta, empty if it was
    /// not there.
    ///
    /// # Errors
    ///
    /// [`CounterOverflow`] if the replica has no write left; the set is as it was.
    pub fn remove<Q>(
        &mut self,
        element: &Q,
        replica: ReplicaId,
    ) -> Result<DotKernel<T>, CounterOverflow>
    where
        T: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let seen = self.index.slots(self.kernel.blocks(), element);
        if seen.is_empty() {
            return Ok(DotKernel::new());
        }
        self.kernel.commit_one(None, &seen, replica, &mut self.index)
    }
}

impl<T: Clone + Ord + Hash> Merge for OrSet<T> {
    fn merge(&mut self, other: &Self) -> bool {
        self.kernel.join(&other.kernel, &mut self.index)
    }

    fn merge_owned(&mut self, other: Self) -> bool {
        if self.kernel.is_empty() {
            *self = other;
            return !self.kernel.is_empty();
        }
        self.merge(&other)
    }
}

impl<T: Clone + Ord + Hash> DeltaState for OrSet<T> {
    type Delta = DotKernel<T>;
    type Version = Digest;

    fn version(&self) -> Digest {
        self.kernel.version()
    }

    fn delta_since(&self, peer: &Digest) -> DotKernel<T> {
        self.kernel.delta_since(peer)
    }

    fn apply(&mut self, delta: DotKernel<T>) -> bool {
        self.kernel.join(&delta, &mut self.index)
    }
}

/// Equal means converged: also what was seen, not only the elements.
impl<T: PartialEq> PartialEq for OrSet<T> {
    fn eq(&self, other: &Self) -> bool {
        self.kernel == other.kernel
    }
}

impl<T: Eq> Eq for OrSet<T> {}

impl<T: fmt::Debug + Eq + Hash> fmt::Debug for OrSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// A set from a kernel: the index is rebuilt, O(size).
impl<T: Eq + Hash> From<DotKernel<T>> for OrSet<T> {
    fn from(kernel: DotKernel<T>) -> Self {
        let index = KeyIndex::over(&kernel);
        Self { kernel, index }
    }
}

/// As its kernel; the index is rebuilt.
impl<T: Wire + Eq + Hash> Wire for OrSet<T> {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::OrSet);
        T::schema(schema);
    }

    fn encode(&self, out: &mut Writer) {
        self.kernel.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        DotKernel::decode(input).map(Self::from)
    }
}

#[cfg(feature = "serde")]
mod form {
    use super::{DotKernel, Hash, OrSet};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    impl<T: Serialize> Serialize for OrSet<T> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.kernel.serialize(serializer)
        }
    }

    impl<'de, T: Deserialize<'de> + Eq + Hash> Deserialize<'de> for OrSet<T> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            DotKernel::deserialize(deserializer).map(Self::from)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::OrSet;
    use crate::{causal::DotKernel, replica::ReplicaId};
    use alloc::string::ToString;

    const US: ReplicaId = ReplicaId::from_u128(1);

    #[test]
    fn a_broken_set_is_found() -> Result<(), alloc::string::String> {
        let mut set = OrSet::<u8>::default();
        set.add(7, US).map_err(|error| error.to_string())?;
        assert_eq!(set.check_invariants(), Ok(()));
        let kernel = core::mem::replace(&mut set.kernel, DotKernel::new());
        assert!(set.check_invariants().is_err(), "the index lists what is not there");
        set.kernel = kernel;
        set.kernel.unmint(US, 0);
        assert!(set.check_invariants().is_err(), "what is alive was never seen");
        Ok(())
    }
}
