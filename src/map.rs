//! [`OrMap`]: keys that are inserted and removed, each with the last value written to it.

mod leases;

use crate::{
    causal::{
        Change, Crowd, Distinct, Dot, DotKernel, Iter as Dots, KeyIndex, KeyOf, Observed, Ranks,
        Slot, observed,
    },
    error::WriteError,
    iter::iterator,
    replica::ReplicaId,
    time::{Now, Stamp, Timestamp},
    wire::{DecodeError, Reader, Schema, Tag, Wire, Writer, read_times, write_times},
};
use alloc::{collections::BTreeMap, vec::Vec};
use core::{borrow::Borrow, cmp::Reverse, fmt, hash::Hash};
use smallvec::SmallVec;

/// A map of last-writer registers. If one replica inserts a key while another removes it, the
/// insert wins (the field calls this *add-wins*). If two insert one key, the value with the greater
/// (time, replica) is read, and the other stays as a sibling until a write that has seen both.
///
/// Its names are those of `HashMap`. Each write also takes the [`ReplicaId`] that writes, and the
/// time if it stamps a value, and returns its delta.
///
/// Keys are listed in the order of the writes of their values, which is the same for equal maps,
/// whatever their history. A removed key leaves nothing behind, and inserting it again brings
/// nothing old back.
///
/// # Cost
///
/// [`get`](Self::get), [`insert`](Self::insert) and [`remove`](Self::remove) are O(1), plus a
/// search among replicas; merging costs the same as for an [`OrSet`](crate::OrSet). An entry costs
/// its key, its value, 8 bytes of time and about 10 more.
///
/// # Order, hash and serde
///
/// Maps are compared by `==` alone: equal means converged. They have no `Hash` and no order, as
/// `HashMap` has none. The serde form lists for each replica which of its writes were seen, and
/// those still alive with their number: `{"us-east-1": {"seen": [[1, 1]], "live": [[1, {"key":
/// "theme", "time": 5, "value": "dark"}]]}}`. For the entries alone, serialize
/// [`iter`](Self::iter).
///
/// # Examples
///
/// ```
/// use rejoin::{Merge, OrMap, Timestamp};
///
/// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
/// let at = Timestamp::from_millis;
/// let mut ours = OrMap::new();
/// ours.insert("theme", "dark", us, at(1_000))?;
/// let mut theirs = ours.clone();
///
/// ours.remove(&"theme", us)?;
/// theirs.insert("theme", "light", eu, at(900))?;  // concurrent with the remove: it wins
/// ours.merge(&theirs);
/// assert_eq!(ours.get(&"theme"), Some(&"light"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct OrMap<K, V> {
    state: State<K, V>,
}

type State<K, V> = Observed<MapWrite<K, V>, KeyIndex<ByKey, Reverse<Rank>>>;

/// What some writes did to an [`OrMap`], as small as those writes. Join several into one message,
/// send it over anything, and [`apply`](crate::DeltaState::apply) it there: in any order, any
/// number of times.
///
/// # Examples
///
/// ```
/// use rejoin::{OrMap, Timestamp, wire};
///
/// let us = "us-east-1".parse()?;
/// let mut ours: OrMap<String, u64> = OrMap::new();
/// let delta = ours.insert("size".into(), 12, us, Timestamp::from_millis(1_000))?;
/// let message = wire::to_bytes(&delta);
///
/// let mut theirs = OrMap::new();
/// wire::apply_bytes(&mut theirs, &message)?;
/// assert_eq!(ours, theirs);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct MapDelta<K, V>(DotKernel<MapWrite<K, V>>);

observed!(OrMap and MapDelta of <K, V>, latest);

/// One write: the payload of the kernel.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
struct MapWrite<K, V> {
    key: K,
    /// When, by the writer's clock or just after all that it replaced.
    time: Timestamp,
    value: V,
}

#[derive(Clone, Copy)]
struct ByKey;

/// The order among the live writes of one key: by stamp, and for one replica at one time the later
/// write. The greatest is read.
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
        Self { state: Observed::default() }
    }
}

impl<K, V> OrMap<K, V> {
    /// The empty map. Allocates nothing.
    ///
    /// ```
    /// let map: rejoin::OrMap<String, u64> = rejoin::OrMap::new();
    /// assert!(map.is_empty());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// How many keys there are. O(1).
    ///
    /// ```
    /// # let (us, now) = ("us-east-1".parse()?, rejoin::Timestamp::from_millis(1));
    /// let mut map = rejoin::OrMap::new();
    /// map.extend([("a", 1), ("b", 2), ("a", 3)], us, now)?;
    /// assert_eq!(map.len(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn len(&self) -> usize {
        self.state.index().len()
    }

    /// Whether there is no key. O(1).
    ///
    /// ```
    /// # let (us, now) = ("us-east-1".parse()?, rejoin::Timestamp::from_millis(1));
    /// let mut map = rejoin::OrMap::new();
    /// map.insert("theme", "dark", us, now)?;
    /// assert!(!map.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The greatest time that any live write is stamped with; `None` for an empty map. If you do
    /// not trust your peers, use it to refuse a state from the future: see [`Stamp`]. O(writes).
    ///
    /// ```
    /// # let us = "us-east-1".parse()?;
    /// use rejoin::{OrMap, Timestamp};
    /// let mut map = OrMap::new();
    /// map.insert("theme", "dark", us, Timestamp::from_millis(7))?;
    /// assert_eq!(map.latest(), Some(Timestamp::from_millis(7)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn latest(&self) -> Option<Timestamp> {
        latest(self.state.kernel())
    }
}

fn latest<K, V>(kernel: &DotKernel<MapWrite<K, V>>) -> Option<Timestamp> {
    kernel.payloads().map(|write| write.time).max()
}

impl<K: Eq + Hash, V> OrMap<K, V> {
    /// The keys with the values that are read, in an order that equal maps share. O(1), and
    /// O(entries) to walk.
    ///
    /// ```
    /// # let (us, now) = ("us-east-1".parse()?, rejoin::Timestamp::from_millis(1));
    /// let mut map = rejoin::OrMap::new();
    /// map.extend([("b", 2), ("a", 1)], us, now)?;
    /// assert_eq!(map.iter().collect::<Vec<_>>(), [(&"b", &2), (&"a", &1)]);
    /// for (key, value) in &map {
    ///     assert_eq!(map.get(key), Some(value));
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn iter(&self) -> Iter<'_, K, V> {
        Iter(self.state.distinct())
    }

    /// The keys, in the order of [`iter`](Self::iter). O(1), and O(entries) to walk.
    ///
    /// ```
    /// # let (us, now) = ("us-east-1".parse()?, rejoin::Timestamp::from_millis(1));
    /// let mut map = rejoin::OrMap::new();
    /// map.extend([("b", 2), ("a", 1)], us, now)?;
    /// assert_eq!(map.keys().collect::<Vec<_>>(), [&"b", &"a"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn keys(&self) -> Keys<'_, K, V> {
        Keys(self.iter())
    }

    /// The values that are read, in the order of [`iter`](Self::iter). O(1), and O(entries) to
    /// walk.
    ///
    /// ```
    /// # let (us, now) = ("us-east-1".parse()?, rejoin::Timestamp::from_millis(1));
    /// let mut map = rejoin::OrMap::new();
    /// map.extend([("b", 2), ("a", 1)], us, now)?;
    /// assert_eq!(map.values().sum::<i32>(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn values(&self) -> Values<'_, K, V> {
        Values(self.iter())
    }

    /// The value of `key`: its live write with the greatest (time, replica). O(1).
    ///
    /// ```
    /// # let (us, now) = ("us-east-1".parse()?, rejoin::Timestamp::from_millis(1));
    /// let mut map: rejoin::OrMap<String, u64> = rejoin::OrMap::new();
    /// map.insert("size".into(), 12, us, now)?;
    /// assert_eq!(map.get("size"), Some(&12));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.read(key).map(|write| &write.value)
    }

    /// The key that equals `key`, with its value. O(1).
    ///
    /// ```
    /// # let (us, now) = ("us-east-1".parse()?, rejoin::Timestamp::from_millis(1));
    /// let mut map: rejoin::OrMap<String, u64> = rejoin::OrMap::new();
    /// map.insert("size".into(), 12, us, now)?;
    /// assert_eq!(map.get_key_value("size"), Some((&"size".to_string(), &12)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_key_value<Q>(&self, key: &Q) -> Option<(&K, &V)>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.read(key).map(|write| (&write.key, &write.value))
    }

    /// Whether `key` is in the map. O(1).
    ///
    /// ```
    /// # let (us, now) = ("us-east-1".parse()?, rejoin::Timestamp::from_millis(1));
    /// let mut map: rejoin::OrMap<String, u64> = rejoin::OrMap::new();
    /// map.insert("size".into(), 12, us, now)?;
    /// assert!(map.contains_key("size") && !map.contains_key("color"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.read(key).is_some()
    }

    /// The live writes of `key` with their stamps, ascending, so the one that is read is the last.
    /// There is more than one if writes were concurrent and no write has seen them all yet.
    /// O(siblings).
    ///
    /// ```
    /// use rejoin::{Merge, OrMap, Stamp, Timestamp};
    ///
    /// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// let at = Timestamp::from_millis;
    /// let (mut ours, mut theirs) = (OrMap::new(), OrMap::new());
    /// ours.insert("theme", "dark", us, at(5))?;
    /// theirs.insert("theme", "light", eu, at(4))?;
    /// ours.merge(&theirs);
    /// let siblings: Vec<_> = ours.siblings("theme").map(|(stamp, it)| (stamp.replica, *it)).collect();
    /// assert_eq!(siblings, [(eu, "light"), (us, "dark")]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn siblings<Q>(&self, key: &Q) -> Siblings<'_, K, V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        Siblings(Crowd::of(self.slots(key), self.state.blocks()))
    }

    /// The write of `key` that is read.
    fn read<Q>(&self, key: &Q) -> Option<&MapWrite<K, V>>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.state.get(self.state.index().first(self.state.blocks(), key)?)
    }

    /// The live writes of a key, the one that is read first.
    fn slots<Q>(&self, key: &Q) -> SmallVec<[Slot; 4]>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.state.index().slots(self.state.blocks(), key)
    }
}

/// The write of `value` to `key`, and what it is written over.
fn write_of<K: Eq + Hash, V>(
    state: &State<K, V>,
    (key, value): (K, V),
    now: Now,
) -> (MapWrite<K, V>, SmallVec<[Slot; 4]>) {
    let over = state.index().slots(state.blocks(), &key);
    let read = over.first().and_then(|slot| state.get(*slot));
    let time = now.after(read.map(|write| write.time));
    (MapWrite { key, time, value }, over)
}

impl<K: Clone + Ord + Hash, V: Clone + Ord + Hash> OrMap<K, V> {
    /// Writes `value` to `key`, over all that this replica sees there; returns the delta. O(1),
    /// plus a search among replicas.
    ///
    /// ```
    /// use rejoin::{DeltaState, OrMap, Timestamp};
    ///
    /// let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1_717_236_600_000));
    /// let (mut ours, mut theirs) = (OrMap::new(), OrMap::new());
    /// let delta = ours.insert("theme", "dark", us, now)?;
    /// assert!(theirs.apply(&delta));
    /// assert_eq!(theirs.get("theme"), Some(&"dark"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the replica has used up its 64-bit count; the map is as it was.
    pub fn insert(
        &mut self,
        key: K,
        value: V,
        replica: ReplicaId,
        now: impl Into<Now>,
    ) -> Result<MapDelta<K, V>, WriteError> {
        let (write, over) = write_of(&self.state, (key, value), now.into());
        self.state.write(write, &over, replica).map(MapDelta)
    }

    /// Writes all `entries`; returns one delta. If a key appears several times, its last value
    /// wins. O(entries).
    ///
    /// ```
    /// # let (us, now) = ("us-east-1".parse()?, rejoin::Timestamp::from_millis(1));
    /// let mut map = rejoin::OrMap::new();
    /// let delta = map.extend([("a", 1), ("b", 2)], us, now)?;
    /// assert_eq!((map.len(), delta.writes().len()), (2, 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the replica's 64-bit count has too little room; the map is as it was.
    pub fn extend(
        &mut self,
        entries: impl IntoIterator<Item = (K, V)>,
        replica: ReplicaId,
        now: impl Into<Now>,
    ) -> Result<MapDelta<K, V>, WriteError> {
        let (entries, now) = (entries.into_iter().collect(), now.into());
        let write = |state: &State<K, V>, entry: (K, V)| write_of(state, entry, now);
        self.state.write_all(entries, write, replica).map(MapDelta)
    }

    /// Removes the writes of `key` that this replica has seen; returns the delta. If the map does
    /// not hold it, nothing is written and the delta is empty. O(1), plus a search among replicas.
    ///
    /// ```
    /// # let (us, now) = ("us-east-1".parse()?, rejoin::Timestamp::from_millis(1));
    /// let mut map: rejoin::OrMap<String, u64> = rejoin::OrMap::new();
    /// map.insert("size".into(), 12, us, now)?;
    /// assert!(!map.remove("size", us)?.is_empty());
    /// assert!(map.remove("size", us)?.is_empty(), "nothing to remove");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the replica has used up its 64-bit count; the map is as it was.
    pub fn remove<Q>(&mut self, key: &Q, replica: ReplicaId) -> Result<MapDelta<K, V>, WriteError>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let over = self.slots(key);
        self.state.erase(&over, replica).map(MapDelta)
    }

    /// Removes all `keys` that are in the map, as one write; returns the delta, empty if there are
    /// none. O(keys).
    ///
    /// ```
    /// # let (us, now) = ("us-east-1".parse()?, rejoin::Timestamp::from_millis(1));
    /// let mut map: rejoin::OrMap<String, u64> = rejoin::OrMap::new();
    /// map.extend([("a".into(), 1), ("b".into(), 2), ("c".into(), 3)], us, now)?;
    /// map.remove_all(["a", "c", "d"], us)?;
    /// assert_eq!(map.keys().collect::<Vec<_>>(), ["b"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the replica has used up its 64-bit count; the map is as it was.
    pub fn remove_all<'q, Q>(
        &mut self,
        keys: impl IntoIterator<Item = &'q Q>,
        replica: ReplicaId,
    ) -> Result<MapDelta<K, V>, WriteError>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized + 'q,
    {
        let over: Vec<Slot> = keys.into_iter().flat_map(|key| self.slots(key)).collect();
        self.state.erase(&over, replica).map(MapDelta)
    }

    /// Removes the entries for which `keep` is `false`, as one write; returns the delta, empty if
    /// all are kept. O(entries).
    ///
    /// ```
    /// # let (us, now) = ("us-east-1".parse()?, rejoin::Timestamp::from_millis(1));
    /// let mut map = rejoin::OrMap::new();
    /// map.extend([("a", 1), ("b", 2), ("c", 3)], us, now)?;
    /// map.retain(|_, value| *value != 2, us)?;
    /// assert_eq!(map.keys().collect::<Vec<_>>(), [&"a", &"c"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the replica has used up its 64-bit count; the map is as it was.
    pub fn retain(
        &mut self,
        mut keep: impl FnMut(&K, &V) -> bool,
        replica: ReplicaId,
    ) -> Result<MapDelta<K, V>, WriteError> {
        let going = self.iter().filter(|(key, value)| !keep(key, value));
        let over: Vec<Slot> = going.flat_map(|(key, _)| self.slots(key)).collect();
        self.state.erase(&over, replica).map(MapDelta)
    }

    /// Removes all entries seen here, as one write; returns the delta, empty if there are none.
    /// What is inserted concurrently elsewhere survives. O(entries).
    ///
    /// ```
    /// # let (us, now) = ("us-east-1".parse()?, rejoin::Timestamp::from_millis(1));
    /// let mut map = rejoin::OrMap::new();
    /// map.extend([("a", 1), ("b", 2)], us, now)?;
    /// map.clear(us)?;
    /// assert!(map.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the replica has used up its 64-bit count; the map is as it was.
    pub fn clear(&mut self, replica: ReplicaId) -> Result<MapDelta<K, V>, WriteError> {
        let over: Vec<Slot> = self.state.kernel().slots().map(|(slot, _)| slot).collect();
        self.state.erase(&over, replica).map(MapDelta)
    }

    /// Merges `other`, as [`merge`](crate::Merge::merge) does, and returns which keys came, changed
    /// and went. Costs as much as two merges.
    ///
    /// ```
    /// use rejoin::{OrMap, Timestamp};
    ///
    /// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// let at = Timestamp::from_millis;
    /// let mut ours = OrMap::new();
    /// ours.extend([("a", 1), ("b", 2)], us, at(1))?;
    /// let mut theirs = ours.clone();
    /// theirs.remove("a", eu)?;
    /// theirs.extend([("b", 3), ("c", 4)], eu, at(2))?;
    ///
    /// let changes = ours.merge_reporting(&theirs);
    /// assert_eq!(changes.inserted, [("c", 4)]);
    /// assert_eq!(changes.changed, [("b", 2, 3)], "the value before and after");
    /// assert_eq!(changes.removed, [("a", 1)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn merge_reporting(&mut self, other: &Self) -> MapChanges<K, V> {
        self.join_reporting(other.state.kernel())
    }

    /// Applies `delta`, as [`apply`](crate::DeltaState::apply) does, and returns which keys came,
    /// changed and went. O(changes).
    ///
    /// ```
    /// use rejoin::{OrMap, Timestamp};
    ///
    /// let mut theirs = OrMap::new();
    /// let delta = theirs.insert("a", 1, "us-east-1".parse()?, Timestamp::from_millis(1))?;
    /// let mut ours = OrMap::new();
    /// assert_eq!(ours.apply_reporting(&delta).inserted, [("a", 1)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn apply_reporting(&mut self, delta: &MapDelta<K, V>) -> MapChanges<K, V> {
        self.join_reporting(&delta.0)
    }

    fn join_reporting(&mut self, other: &DotKernel<MapWrite<K, V>>) -> MapChanges<K, V> {
        // The keys that are touched, with what is read there before.
        let mut before = BTreeMap::<K, Option<V>>::new();
        self.state.kernel().preview(other, MapWrite::cmp, |change| {
            let (Change::Came(_, MapWrite { key, .. }) | Change::Went(_, MapWrite { key, .. })) =
                change;
            if !before.contains_key(key) {
                before.insert(key.clone(), self.get(key).cloned());
            }
        });
        self.state.apply(other);
        let mut changes = MapChanges::default();
        for (key, before) in before {
            match (before, self.get(&key).cloned()) {
                (None, Some(after)) => changes.inserted.push((key, after)),
                (Some(before), None) => changes.removed.push((key, before)),
                (Some(before), Some(after)) if before != after => {
                    changes.changed.push((key, before, after));
                }
                _ => {}
            }
        }
        changes
    }
}

impl<K, V> MapDelta<K, V> {
    /// The writes that it carries: keys, values and stamps, by replica and in the order in which
    /// they were written. If deltas were joined, a key may appear several times. O(1), and
    /// O(writes) to walk.
    ///
    /// ```
    /// use rejoin::{OrMap, Stamp, Timestamp};
    ///
    /// let (replica, time) = ("us-east-1".parse()?, Timestamp::from_millis(7));
    /// let delta = OrMap::new().insert("theme", "dark", replica, time)?;
    /// let writes: Vec<_> = delta.writes().collect();
    /// assert_eq!(writes, [(&"theme", &"dark", Stamp { time, replica })]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn writes(&self) -> Writes<'_, K, V> {
        Writes(self.0.iter())
    }

    /// The greatest time that a write in it is stamped with; `None` if it only removes. If you do
    /// not trust your peers, use it to refuse a delta from the future: see [`Stamp`]. O(writes).
    ///
    /// ```
    /// use rejoin::{OrMap, Timestamp};
    ///
    /// let us = "us-east-1".parse()?;
    /// let delta = OrMap::new().insert("theme", "dark", us, Timestamp::from_millis(7))?;
    /// assert_eq!(delta.latest(), Some(Timestamp::from_millis(7)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn latest(&self) -> Option<Timestamp> {
        latest(&self.0)
    }
}

/// Which keys of an [`OrMap`] a merge inserted, changed and removed, each ascending: see
/// [`OrMap::merge_reporting`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct MapChanges<K, V> {
    /// The keys that are in the map now and were not before, with their values.
    pub inserted: Vec<(K, V)>,
    /// The keys whose value is another one now, with the value before and the value now.
    pub changed: Vec<(K, V, V)>,
    /// The keys that were in the map before and are no longer, with the values that were read.
    pub removed: Vec<(K, V)>,
}

impl<K, V> MapChanges<K, V> {
    /// Whether nothing reads differently. O(1).
    ///
    /// ```
    /// use rejoin::OrMap;
    /// let mut map: OrMap<String, u64> = OrMap::new();
    /// assert!(map.merge_reporting(&OrMap::new()).is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.inserted.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}

impl<K, V> Default for MapChanges<K, V> {
    fn default() -> Self {
        Self { inserted: Vec::new(), changed: Vec::new(), removed: Vec::new() }
    }
}

/// The entries of an [`OrMap`]: see [`OrMap::iter`].
pub struct Iter<'a, K, V>(Distinct<'a, MapWrite<K, V>, ByKey, Reverse<Rank>>);

iterator!(Iter<'a, K: (Eq + Hash), V> of (&'a K, &'a V) = |write| (&write.key, &write.value));

/// The keys of an [`OrMap`]: see [`OrMap::keys`].
pub struct Keys<'a, K, V>(Iter<'a, K, V>);

iterator!(Keys<'a, K: (Eq + Hash), V> of &'a K = |(key, _)| key);

/// The values of an [`OrMap`]: see [`OrMap::values`].
pub struct Values<'a, K, V>(Iter<'a, K, V>);

iterator!(Values<'a, K: (Eq + Hash), V> of &'a V = |(_, value)| value);

/// The live writes of one key of an [`OrMap`]: see [`OrMap::siblings`].
pub struct Siblings<'a, K, V>(Crowd<'a, MapWrite<K, V>>);

iterator!(Siblings<'a, K, V> of (Stamp, &'a V) = |(dot, write)| (rank(write, dot).0, &write.value));

/// The writes of a [`MapDelta`]: see [`MapDelta::writes`].
pub struct Writes<'a, K, V>(Dots<'a, MapWrite<K, V>>);

iterator!(Writes<'a, K, V> of (&'a K, &'a V, Stamp) =
    |(dot, write)| (&write.key, &write.value, rank(write, dot).0));

impl<'a, K: Eq + Hash, V> IntoIterator for &'a OrMap<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Iter<'a, K, V> {
        self.iter()
    }
}

impl<K: fmt::Debug + Eq + Hash, V: fmt::Debug> fmt::Debug for OrMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
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

#[cfg(test)]
mod tests {
    use super::OrMap;
    use crate::{causal::Observed, replica::ReplicaId, time::Timestamp};
    use alloc::string::ToString;

    const US: ReplicaId = ReplicaId::from_u128(1);

    #[test]
    fn a_broken_map_is_found() -> Result<(), alloc::string::String> {
        let mut map = OrMap::<u8, u8>::default();
        map.insert(7, 7, US, Timestamp::from_millis(1)).map_err(|error| error.to_string())?;
        assert_eq!(map.state.check_invariants(), Ok(()));
        let (mut kernel, index) = (map.state.kernel().clone(), map.state.index().clone());
        let empty = OrMap::<u8, u8>::default().state.kernel().clone();
        let lists = Observed::of(empty, index.clone()).check_invariants();
        assert!(lists.is_err(), "the index lists what is not there");
        kernel.unmint(US, 0);
        let unseen = Observed::of(kernel, index).check_invariants();
        assert!(unseen.is_err(), "what is alive was never seen");
        Ok(())
    }
}
