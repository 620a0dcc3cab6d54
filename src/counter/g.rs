//! [`GCounter`]: a vector clock whose value is its sum.

use crate::{
    clock::{Iter, VectorClock},
    error::WriteError,
    merge::{Delta, DeltaState, Merge},
    replica::ReplicaId,
    wire::{DecodeError, Reader, Schema, Tag, Wire, Writer},
};

/// A counter that only grows: how many sessions were ever opened, over all regions.
///
/// Each replica counts on its own; the value is the sum. 40 bytes a replica, up to three without
/// an allocation. With *n* replicas, [`value`](Self::value) is O(1), [`increment`](Self::increment)
/// O(log n) and [`merge`](Merge::merge) O(n).
///
/// `<` is the order of merging, a partial order: some replica has counted less, and none has
/// counted more. To compare how much was counted, compare the values. In serde it is a map of
/// counts, `{"us-east-1": 5}`.
///
/// # Examples
///
/// ```
/// use rejoin::{GCounter, Merge};
///
/// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
/// let mut ours = GCounter::new();
/// ours.increment(3, us)?;
/// let mut theirs = ours.clone();
/// theirs.increment(2, eu)?;
/// ours.increment(1, us)?;
/// ours.merge(&theirs);
/// assert_eq!(ours.value(), 6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Hash)]
pub struct GCounter {
    counts: VectorClock,
    /// The sum of the counts. No number of them overflows it.
    sum: u128,
}

impl GCounter {
    pub(super) fn of(counts: VectorClock) -> Self {
        Self { sum: sum_of(&counts), counts }
    }

    pub(super) fn counts(&self) -> &VectorClock {
        &self.counts
    }

    /// The counter at 0. Allocates nothing.
    ///
    /// ```
    /// assert_eq!(rejoin::GCounter::new().value(), 0);
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// The sum of all replicas' counts. Exact: no number of replicas overflows it. O(1).
    ///
    /// ```
    /// let mut counter = rejoin::GCounter::new();
    /// counter.increment(3, "us-east-1".parse()?)?;
    /// counter.increment(2, "eu-west-1".parse()?)?;
    /// assert_eq!(counter.value(), 5);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn value(&self) -> u128 {
        self.sum
    }

    /// What `replica` has counted. O(log n).
    ///
    /// ```
    /// let us = "us-east-1".parse()?;
    /// let mut counter = rejoin::GCounter::new();
    /// counter.increment(3, us)?;
    /// assert_eq!(counter.get(us), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get(&self, replica: ReplicaId) -> u64 {
        self.counts.get(replica)
    }

    /// Counts `by` more on `replica`; returns the delta, a counter of that one entry. O(log n).
    ///
    /// ```
    /// use rejoin::{DeltaState, GCounter};
    /// let (mut ours, mut theirs) = (GCounter::new(), GCounter::new());
    /// theirs.apply(&ours.increment(3, "us-east-1".parse()?)?);
    /// assert_eq!(theirs.value(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the replica's own count would pass `u64::MAX`; the counter is as it
    /// was.
    pub fn increment(&mut self, by: u64, replica: ReplicaId) -> Result<Self, WriteError> {
        let delta = self.counts.add(replica, by)?;
        self.sum += u128::from(by);
        Ok(Self::of(delta))
    }

    /// Each replica's count, in the order of their ids. O(1), and O(n) to walk.
    ///
    /// ```
    /// use rejoin::GCounter;
    /// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// let counter = GCounter::from_iter([(us, 3), (eu, 2)]);
    /// assert_eq!(counter.iter().collect::<Vec<_>>(), [(eu, 2), (us, 3)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn iter(&self) -> Iter<'_> {
        self.counts.iter()
    }

    #[cfg(any(test, feature = "laws"))]
    pub(crate) fn check_invariants(&self) -> Result<(), &'static str> {
        self.counts.check_invariants()?;
        if self.sum == sum_of(&self.counts) { Ok(()) } else { Err("the sum is stale") }
    }
}

fn sum_of(counts: &VectorClock) -> u128 {
    counts.columns().1.iter().map(|count| u128::from(*count)).sum()
}

impl Merge for GCounter {
    fn merge(&mut self, other: &Self) -> bool {
        let before = self.sum;
        self.counts.join(&other.counts, |more| self.sum += u128::from(more));
        self.sum > before
    }
}

impl Delta for GCounter {
    fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }
}

/// A counter is its own delta and its own version.
impl DeltaState for GCounter {
    type Delta = Self;
    type Version = Self;

    fn version(&self) -> Self {
        self.clone()
    }

    fn delta_since(&self, peer: &Self) -> Self {
        Self::of(self.counts.delta_since(&peer.counts))
    }

    fn apply(&mut self, delta: &Self) -> bool {
        self.merge(delta)
    }
}

impl<'a> IntoIterator for &'a GCounter {
    type Item = (ReplicaId, u64);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// Zeros are dropped. If a replica is named twice, its greatest count wins.
impl FromIterator<(ReplicaId, u64)> for GCounter {
    fn from_iter<I: IntoIterator<Item = (ReplicaId, u64)>>(counts: I) -> Self {
        Self::of(counts.into_iter().collect())
    }
}

/// As a clock.
impl Wire for GCounter {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::GCounter);
    }

    fn encode(&self, out: &mut Writer) {
        self.counts.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        VectorClock::decode(input).map(Self::of)
    }
}

/// As a clock.
#[cfg(feature = "serde")]
mod form {
    use super::{GCounter, VectorClock};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    impl Serialize for GCounter {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.counts.serialize(serializer)
        }
    }

    impl<'de> Deserialize<'de> for GCounter {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            VectorClock::deserialize(deserializer).map(Self::of)
        }
    }
}

#[cfg(test)]
impl GCounter {
    /// One that counts what nobody counted.
    pub(super) fn broken() -> Self {
        Self { sum: 1, ..Self::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::GCounter;
    use crate::replica::ReplicaId;

    #[test]
    fn a_stale_sum_is_found() {
        let counter = GCounter::from_iter([(ReplicaId::from_u128(1), 2)]);
        assert_eq!(counter.check_invariants(), Ok(()));
        assert_eq!(GCounter::broken().check_invariants(), Err("the sum is stale"));
    }
}
