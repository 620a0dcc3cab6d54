//! [`MvRegister`]: every write that no other has superseded.
//!
//! DeCandia et al., *Dynamo: Amazon's Highly Available Key-value Store*, 2007, §4.4, with dots
//! for its version vectors (Preguiça et al., *Dotted Version Vectors*, 2010).

use crate::{
    causal::{Digest, Dot, DotKernel},
    merge::{DeltaState, Merge},
    replica::{CounterOverflow, ReplicaId},
    wire::{DecodeError, Reader, Schema, Tag, Wire, Writer},
};
use core::hash::Hash;
use smallvec::SmallVec;

/// A register that loses nothing: of concurrent writes it keeps each, as siblings, until a write
/// that has seen them.
///
/// No clock takes part: what supersedes what is decided by what each writer had seen. Take it
/// where a person or the application should decide; where the last write should, take an
/// [`LwwRegister`](super::LwwRegister).
///
/// Each sibling costs its value and about 140 bytes; there are at most as many as replicas that
/// wrote concurrently. Write and merge are O(siblings).
///
/// # Examples
///
/// ```
/// use rejoin::{Merge, MvRegister};
///
/// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
/// let mut ours = MvRegister::new();
/// ours.set("open", us)?;
/// let mut theirs = ours.clone();
/// ours.set("resolved", us)?;
/// theirs.set("escalated", eu)?;
///
/// ours.merge(&theirs);
/// assert_eq!(ours.values().collect::<Vec<_>>(), [&"escalated", &"resolved"]);
/// ours.set("resolved", us)?;                  // has seen both
/// assert_eq!(ours.get(), Some(&"resolved"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(transparent, bound(deserialize = "T: serde::Deserialize<'de> + Hash"))
)]
pub struct MvRegister<T> {
    kernel: DotKernel<T>,
}

impl<T> Default for MvRegister<T> {
    fn default() -> Self {
        Self { kernel: DotKernel::new() }
    }
}

impl<T> MvRegister<T> {
    /// A register that was never written. Allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The siblings, by writer's id: none if never written or cleared, one where nothing was
    /// concurrent. Concurrent writes of equal values are listed each.
    pub fn values(&self) -> impl Iterator<Item = &T> + '_ {
        self.kernel.payloads()
    }

    /// The value, if all siblings agree on it; none if there is none **or if they differ**, which
    /// [`values`](Self::values) tells apart.
    pub fn get(&self) -> Option<&T>
    where
        T: PartialEq,
    {
        let mut values = self.values();
        values.next().filter(|&first| values.all(|value| value == first))
    }

    /// The kernel below: the siblings with their dots, and all that was seen.
    pub fn kernel(&self) -> &DotKernel<T> {
        &self.kernel
    }

    fn dots(&self) -> SmallVec<[Dot; 2]> {
        self.kernel.iter().map(|(dot, _)| dot).collect()
    }

    /// Checks everything the register relies on. For tests and fuzzers; O(siblings).
    ///
    /// # Errors
    ///
    /// Which invariant does not hold: always a bug in this crate.
    pub fn check_invariants(&self) -> Result<(), &'static str>
    where
        T: Hash,
    {
        self.kernel.check_invariants()
    }
}

impl<T: Clone + Ord + Hash> MvRegister<T> {
    /// Writes `value` over all siblings seen here; returns the delta.
    ///
    /// # Errors
    ///
    /// [`CounterOverflow`] if the replica has no write left; the register is as it was.
    pub fn set(&mut self, value: T, replica: ReplicaId) -> Result<DotKernel<T>, CounterOverflow> {
        let seen = self.dots();
        self.kernel.write(value, &seen, replica)
    }

    /// Removes all siblings seen here; returns the delta, empty if there was none.
    ///
    /// # Errors
    ///
    /// [`CounterOverflow`] if the replica has no write left; the register is as it was.
    pub fn clear(&mut self, replica: ReplicaId) -> Result<DotKernel<T>, CounterOverflow> {
        let seen = self.dots();
        self.kernel.erase(&seen, replica)
    }
}

impl<T: Clone + Ord + Hash> Merge for MvRegister<T> {
    fn merge(&mut self, other: &Self) -> bool {
        self.kernel.merge(&other.kernel)
    }

    fn merge_owned(&mut self, other: Self) -> bool {
        self.kernel.merge_owned(other.kernel)
    }
}

impl<T: Clone + Ord + Hash> DeltaState for MvRegister<T> {
    type Delta = DotKernel<T>;
    type Version = Digest;

    fn version(&self) -> Digest {
        self.kernel.version()
    }

    fn delta_since(&self, peer: &Digest) -> DotKernel<T> {
        self.kernel.delta_since(peer)
    }

    fn apply(&mut self, delta: DotKernel<T>) -> bool {
        self.kernel.merge_owned(delta)
    }
}

/// As its kernel.
impl<T: Wire + Hash> Wire for MvRegister<T> {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::MvRegister);
        T::schema(schema);
    }

    fn encode(&self, out: &mut Writer) {
        self.kernel.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        DotKernel::decode(input).map(|kernel| Self { kernel })
    }
}

#[cfg(test)]
mod tests {
    use super::MvRegister;
    use crate::{causal::Dot, replica::ReplicaId};

    #[test]
    fn a_broken_register_is_found() {
        let mut register = MvRegister::<u8>::default();
        assert_eq!(register.check_invariants(), Ok(()));
        register.kernel.put(Dot::of(ReplicaId::from_u128(1), 1), 7);
        assert!(register.check_invariants().is_err());
    }
}
