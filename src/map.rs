//! [`OrMap`]: keys that are put and removed, each with the last value written to it.

use crate::{
    causal::{Digest, Dot, DotKernel, KeyIndex, KeyOf, Ranks, Slot},
    merge::{DeltaState, Merge},
    replica::{CounterOverflow, ReplicaId},
    time::{Now, Stamp, Timestamp},
    wire::{DecodeError, Reader, Schema, Tag, Wire, Writer, read_times, write_times},
};
use alloc::vec::Vec;
use core::{borrow::Borrow, cmp::Reverse, fmt, hash::Hash};

/// A map of last-writer registers with observed remove: of a concurrent put and remove of one
/// key, the put wins; of two concurrent puts the one with the greater (time, replica) is read,
/// and the other stays as a sibling until a write that has seen both.
///
/// Keys are listed by the dots of their values: the same order for equal maps, whatever their
/// history. A removed key leaves nothing behind, and putting it again brings nothing old back.
///
/// [`get`](Self::get), [`put`](Self::put) and [`remove`](Self::remove) are O(1) and a search
/// among replicas; merging costs what it does for an [`OrSet`](crate::OrSet). An entry costs its
/// key, its value, 8 bytes of time and about 10 more.
///
/// # Examples
///
/// ```
/// use rejoin::{Merge, OrMap, Timestamp};
///
/// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
/// let at = Timestamp::from_millis;
/// let mut ours = OrMap::new();
/// ours.put("theme", "dark", us, at(1_000))?;
/// let mut theirs = ours.clone();
///
/// ours.remove(&"theme", us)?;
/// theirs.put("theme", "light", eu, at(900))?;     // concurrent with the remove: it wins
/// ours.merge(&theirs);
/// assert_eq!(ours.get(&"theme"), Some(&"light"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct OrMap<K, V> {
    kernel: DotKernel<MapWrite<K, V>>,
    index: KeyIndex<ByKey, Reverse<Rank>>,
}

/// One write to an [`OrMap`]: the payload of its kernel and of its deltas.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
#[non_exhaustive]
pub struct MapWrite<K, V> {
    /// The key written.
    pub key: K,
    /// When, by the writer's clock or just after all that it replaced.
    pub time: Timestamp,
    /// The value written.
    pub value: V,
}

#[derive(Clone, Copy)]
struct ByKey;

/// The order among the live writes of one key: the stamp, and of two by one replica at one time the
/// later. The greatest is read.
type Rank = (Stamp, Dot);

fn rank<K, V>(write: &MapWrite<K, V>, dot: Dot) -> Rank {
    (Stamp { time: write.time, replica: dot.replica() }, dot)
}

/// The one that is read comes first.
impl<K, V> Ranks<MapWrite<K, V>> for ByKey {
    type Rank = Reverse<Rank>;

    fn rank(write: &MapWrite<K, V>, dot: Dot) -> Reverse<Rank> {
        Reverse(rank(write, dot))
    }
}

impl<K: Eq + Hash, V> KeyOf<MapWrite<K, V>> for ByKey {
    type Key = K;

    fn key(payload: &MapWrite<K, V>) -> &K {
        &payload.key
    }
}

impl<K, V> Default for OrMap<K, V> {
    fn default() -> Self {
        Self { kernel: DotKernel::new(), index: KeyIndex::default() }
    }
}

impl<K, V> OrMap<K, V> {
    /// The empty map. Allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many keys there are. O(1).
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.kernel.live_len() == 0
    }

    /// The kernel below: the live writes with their dots, and all that was seen.
    pub fn kernel(&self) -> &DotKernel<MapWrite<K, V>> {
        &self.kernel
    }
}

impl<K: Eq + Hash, V> OrMap<K, V> {
    /// The value of `key`: of its live writes the one with the greatest (time, replica). O(1).
    pub fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.kernel.blocks().get(self.read(key)?).map(|write| &write.value)
    }

    /// Whether `key` is in the map. O(1).
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.read(key).is_some()
    }

    /// The live writes of `key` with their stamps, the one that is read last: more than one where
    /// writes were concurrent and none has seen the others yet.
    pub fn siblings<Q>(&self, key: &Q) -> impl Iterator<Item = (Stamp, &V)> + '_
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let blocks = self.kernel.blocks();
        self.index.slots(blocks, key).into_iter().rev().filter_map(move |slot| {
            let write = blocks.get(slot)?;
            Some((rank(write, blocks.dot(slot)).0, &write.value))
        })
    }

    /// The keys with the values that are read, in an order that equal maps share.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> + '_ {
        let blocks = self.kernel.blocks();
        let doubles = self.index.has_doubles();
        self.kernel.slots().filter_map(move |slot| {
            let write = blocks.get(slot)?;
            let is_read = !doubles || self.read(&write.key) == Some(slot);
            is_read.then_some((&write.key, &write.value))
        })
    }

    /// The write of `key` that is read.
    fn read<Q>(&self, key: &Q) -> Option<Slot>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.index.first(self.kernel.blocks(), key)
    }

    /// Checks everything the map relies on. For tests and fuzzers; O(size).
    ///
    /// # Errors
    ///
    /// Which invariant does not hold: always a bug in this crate.
    pub fn check_invariants(&self) -> Result<(), &'static str>
    where
        V: Hash,
    {
        self.kernel.check_invariants()?;
        self.index.check_invariants(&self.kernel)
    }
}

impl<K: Clone + Ord + Hash, V: Clone + Ord + Hash> OrMap<K, V> {
    /// Writes `value` to `key` over all that this replica sees there; returns the delta.
    ///
    /// # Errors
    ///
    /// [`CounterOverflow`] if the replica has no write left; the map is as it was.
    pub fn put(
        &mut self,
        key: K,
        value: V,
        replica: ReplicaId,
        now: impl Into<Now>,
    ) -> Result<DotKernel<MapWrite<K, V>>, CounterOverflow> {
        let read = self.read(&key).and_then(|slot| self.kernel.blocks().get(slot));
        let seen = read.map(|write| write.time);
        let time = now.into().after(seen);
        let over = self.index.slots(self.kernel.blocks(), &key);
        let write = MapWrite { key, time, value };
        self.kernel.commit_one(Some(write), &over, replica, &mut self.index)
    }

    /// Removes `key` as far as this replica has seen it; returns the delta, empty if it was not
    /// there.
    ///
    /// # Errors
    ///
    /// [`CounterOverflow`] if the replica has no write left; the map is as it was.
    pub fn remove<Q>(
        &mut self,
        key: &Q,
        replica: ReplicaId,
    ) -> Result<DotKernel<MapWrite<K, V>>, CounterOverflow>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let over = self.index.slots(self.kernel.blocks(), key);
        if over.is_empty() {
            return Ok(DotKernel::new());
        }
        self.kernel.commit_one(None, &over, replica, &mut self.index)
    }
}

impl<K: Clone + Ord + Hash, V: Clone + Ord + Hash> Merge for OrMap<K, V> {
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

impl<K: Clone + Ord + Hash, V: Clone + Ord + Hash> DeltaState for OrMap<K, V> {
    type Delta = DotKernel<MapWrite<K, V>>;
    type Version = Digest;

    fn version(&self) -> Digest {
        self.kernel.version()
    }

    fn delta_since(&self, peer: &Digest) -> Self::Delta {
        self.kernel.delta_since(peer)
    }

    fn apply(&mut self, delta: Self::Delta) -> bool {
        self.kernel.join(&delta, &mut self.index)
    }
}

/// Equal means converged: also what was seen and the siblings, not only what is read.
impl<K: PartialEq, V: PartialEq> PartialEq for OrMap<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.kernel == other.kernel
    }
}

impl<K: Eq, V: Eq> Eq for OrMap<K, V> {}

impl<K: fmt::Debug + Eq + Hash, V: fmt::Debug> fmt::Debug for OrMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// A map from a kernel: the index is rebuilt, O(size).
impl<K: Eq + Hash, V> From<DotKernel<MapWrite<K, V>>> for OrMap<K, V> {
    fn from(kernel: DotKernel<MapWrite<K, V>>) -> Self {
        let index = KeyIndex::over(&kernel);
        Self { kernel, index }
    }
}

/// As its kernel; the index is rebuilt.
impl<K: Wire + Eq + Hash, V: Wire + Hash> Wire for OrMap<K, V> {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::OrMap);
        K::schema(schema);
        V::schema(schema);
    }

    fn encode(&self, out: &mut Writer) {
        self.kernel.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        DotKernel::decode(input).map(Self::from)
    }
}

/// Columns of the keys, the values, and the times as runs of equal ones.
impl<K: Wire, V: Wire> Wire for MapWrite<K, V> {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::MapWrite);
        K::schema(schema);
        V::schema(schema);
    }

    fn encode(&self, out: &mut Writer) {
        Self::encode_column(core::iter::once(self), out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let write = Self::decode_column(1, input)?.pop();
        write.ok_or_else(|| input.malformed("a column is empty"))
    }

    fn encode_column<'a>(writes: impl Iterator<Item = &'a Self> + Clone, out: &mut Writer)
    where
        Self: 'a,
    {
        K::encode_column(writes.clone().map(|write| &write.key), out);
        V::encode_column(writes.clone().map(|write| &write.value), out);
        write_times(writes.map(|write| write.time), out);
    }

    fn decode_column(count: usize, input: &mut Reader<'_>) -> Result<Vec<Self>, DecodeError> {
        let keys = K::decode_column(count, input)?.into_iter();
        let values = V::decode_column(count, input)?;
        let times = read_times(count, input)?;
        let writes = keys.zip(values).zip(times);
        Ok(writes.map(|((key, value), time)| Self { key, time, value }).collect())
    }
}

#[cfg(feature = "serde")]
mod form {
    use super::{DotKernel, Hash, OrMap};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    impl<K: Serialize, V: Serialize> Serialize for OrMap<K, V> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.kernel.serialize(serializer)
        }
    }

    impl<'de, K, V> Deserialize<'de> for OrMap<K, V>
    where
        K: Deserialize<'de> + Eq + Hash,
        V: Deserialize<'de> + Hash,
    {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            DotKernel::deserialize(deserializer).map(Self::from)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::OrMap;
    use crate::{causal::DotKernel, replica::ReplicaId, time::Timestamp};
    use alloc::string::ToString;

    const US: ReplicaId = ReplicaId::from_u128(1);

    #[test]
    fn a_broken_map_is_found() -> Result<(), alloc::string::String> {
        let mut map = OrMap::<u8, u8>::default();
        map.put(7, 7, US, Timestamp::from_millis(1)).map_err(|error| error.to_string())?;
        assert_eq!(map.check_invariants(), Ok(()));
        let kernel = core::mem::replace(&mut map.kernel, DotKernel::new());
        assert!(map.check_invariants().is_err(), "the index lists what is not there");
        map.kernel = kernel;
        map.kernel.unmint(US, 0);
        assert!(map.check_invariants().is_err(), "what is alive was never seen");
        Ok(())
    }
}
