//! [`CausalMap`]: a map of sets, registers, flags, counters and maps, from which keys are removed.
//!
//! Almeida, Shoker and Baquero, *Delta State Replicated Data Types*, 2018, §7.4 (`ORMap`): the dots of
//! all values under one causal context. Counters are not theirs: see `counter.rs`.

mod counter;
mod entry;
mod few;
mod flag;
mod keyed;
mod map;
mod page;
mod register;
mod set;
mod value;

use crate::{
    causal::{DotKernel, Observed, observed},
    error::WriteError,
    replica::ReplicaId,
    time::Timestamp,
};
use alloc::boxed::Box;
use core::{borrow::Borrow, fmt, hash::Hash};
use entry::Spot;
use keyed::{Keyed, Shared};
use page::Root;
use value::{Change, Make, Nested};

pub use counter::CounterView;
pub use entry::Entry;
pub use flag::FlagView;
pub use map::{Iter, MapView};
pub use register::{LastView, RegisterView, Siblings};
pub use set::{Elements, SetView};
pub use value::CausalValue;

/// A map whose values are replicated values themselves: sets, registers, flags, counters, or maps of
/// these, to any depth. Removing a key removes what its replica had seen below it; what is written
/// there concurrently survives (the field calls this *observed-remove*, or *reset-remove*).
///
/// A key is in the map while there is something to read below it: an element, a value, an enabled
/// flag, or a count. It needs no making, and goes with the last that is removed below it. A key that is
/// removed and written again brings nothing old back.
///
/// Writes go through [`entry`](Self::entry), whose methods are those of the value's type, and each
/// returns the delta of the whole map. [`get`](Self::get) returns the value's view.
///
/// # Counters
///
/// They are exact. If three increments were seen by a remove, and a fourth was not, 1 is read. For
/// that, removing a counter on which *other* replicas have counted leaves a note to each of them, 56
/// bytes, until it writes to the map again, whatever it writes. Everything else that is removed leaves
/// nothing behind. A replica that never writes again, such as an earlier incarnation, leaves the notes
/// to it: at most one for each of its counts.
///
/// # Cost
///
/// [`get`](Self::get) is O(log keys) for each map on the way, a write O(log keys) and what it
/// replaces, a remove O(what is there). A merge costs as much as for an [`OrSet`](crate::OrSet), and
/// O(log keys) for each write that comes or goes; a delta is as large as the edit. `benches/types.rs`
/// in the repository measures a map of 10,000 counters.
///
/// # Beside other maps
///
/// | map | values | removing a key |
/// |---|---|---|
/// | `CausalMap` | replicated, nested | what was seen goes, what was not stays; counters too |
/// | [`OrMap`](crate::OrMap) | plain, the last write wins | a concurrent write stays |
/// | [`GMap`](crate::GMap), `BTreeMap` | any [`DeltaState`](crate::DeltaState) | never |
/// | [`Document`](crate::Document) | JSON | an edit stays; a counter that is edited stays whole |
///
/// # Order, hash and serde
///
/// Maps are compared by `==` alone: equal means converged. They have no `Hash` and no order. The serde
/// form lists for each replica which of its writes were seen, and those still alive with their number:
/// `{"us-east-1": {"seen": [[1, 1]], "live": [[1, {"key": "/home", "write": {"tally": {"start": 1,
/// "sum": 3}}}]]}}`. For what is read alone, serialize what [`iter`](Self::iter) returns.
///
/// # Examples
///
/// ```
/// use rejoin::{CausalMap, Merge, OrSet};
///
/// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
/// let mut ours: CausalMap<String, OrSet<String>> = CausalMap::new();
/// ours.entry("ana".into()).insert("admin".into(), us)?;
/// ours.entry("bo".into()).insert("guest".into(), us)?;
/// let mut theirs = ours.clone();
///
/// ours.remove("ana", us)?;
/// theirs.entry("ana".into()).insert("editor".into(), eu)?;    // had not seen the remove
/// ours.merge(&theirs);
/// let ana = ours.get("ana").ok_or("still there")?;
/// assert!(ana.iter().eq(["editor"]));                         // "admin" was seen, and is gone
/// assert_eq!(ours.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["ana", "bo"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Nested, with several writes in one delta:
///
/// ```
/// use rejoin::{CausalMap, Delta, DeltaState, PnCounter, WriteError};
///
/// let us = "us-east-1".parse()?;
/// let mut unread: CausalMap<String, CausalMap<u64, PnCounter>> = CausalMap::new();
/// let delta = unread.edit(|unread| {
///     let seventh = unread.entry("ana".into()).entry(7).increment(2, us)?;
///     Ok::<_, WriteError>(seventh.joined(unread.entry("ana".into()).entry(8).increment(1, us)?))
/// })?;
/// let mut theirs = CausalMap::new();
/// theirs.apply(&delta);
/// let ana = theirs.get("ana").ok_or("there")?;
/// assert_eq!(ana.iter().map(|(_, count)| count.value()).sum::<i128>(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct CausalMap<K: Clone + Ord + Hash, V: CausalValue> {
    state: State<K, V>,
}

type State<K, V> = Observed<Keyed<K, <V as Nested>::Write>, Root<CausalMap<K, V>>>;

/// What some writes did to a [`CausalMap`], as small as those writes. Join several into one message,
/// send it over anything, and [`apply`](crate::DeltaState::apply) it there: in any order, any number of
/// times.
///
/// # Examples
///
/// ```
/// use rejoin::{CausalMap, PnCounter, wire};
///
/// let us = "us-east-1".parse()?;
/// let mut ours: CausalMap<String, PnCounter> = CausalMap::new();
/// let message = wire::to_bytes(&ours.entry("/home".into()).increment(1, us)?);
///
/// let mut theirs = CausalMap::new();
/// wire::apply_bytes(&mut theirs, &message)?;
/// assert_eq!(ours, theirs);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct CausalMapDelta<K, V: CausalValue>(DotKernel<Keyed<K, V::Write>>);

observed!(CausalMap and CausalMapDelta of <K, V>, latest where
    any { K: Clone + Ord + Hash, V: CausalValue }
    merge { K: Clone + Ord + Hash, V: CausalValue }
    equal { K: Clone + Ord + Hash, V: CausalValue }
    eq { K: Clone + Ord + Hash, V: CausalValue }
    debug { K: Clone + Ord + Hash + fmt::Debug, V: CausalValue<Write: fmt::Debug> }
    check { K: Clone + Ord + Hash, V: CausalValue }
    wire {
        K: crate::wire::Wire + Clone + Ord + Hash,
        V: crate::wire::Wire + CausalValue<Write: crate::wire::Wire>,
    }
    serialize {
        K: serde::Serialize + Clone + Ord + Hash, V: CausalValue<Write: serde::Serialize>
    }
    deserialize {
        K: serde::Deserialize<'de> + Clone + Ord + Hash,
        V: CausalValue<Write: serde::Deserialize<'de>>,
    }
);

impl<K: Clone + Ord + Hash, V: CausalValue> Clone for CausalMap<K, V> {
    fn clone(&self) -> Self {
        Self { state: self.state.clone() }
    }
}

impl<K: Clone, V: CausalValue> Clone for CausalMapDelta<K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K: Clone + Ord + Hash, V: CausalValue> Default for CausalMap<K, V> {
    fn default() -> Self {
        Self { state: Observed::default() }
    }
}

impl<K: Clone + Ord + Hash, V: CausalValue> CausalMap<K, V> {
    /// The empty map. Allocates nothing.
    ///
    /// ```
    /// use rejoin::{CausalMap, EnableFlag};
    /// assert!(CausalMap::<String, EnableFlag>::new().is_empty());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// How many keys there are. O(1).
    ///
    /// ```
    /// use rejoin::{CausalMap, EnableFlag};
    /// let us = "us-east-1".parse()?;
    /// let mut muted: CausalMap<&str, EnableFlag> = CausalMap::new();
    /// muted.entry("ana").enable(us)?;
    /// assert_eq!(muted.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn len(&self) -> usize {
        self.view().len()
    }

    /// Whether there is no key. O(1). [`clear`](Self::clear) has an example.
    pub fn is_empty(&self) -> bool {
        self.view().is_empty()
    }

    /// What is read, as a map in a map reads it. O(1).
    ///
    /// ```
    /// use rejoin::{CausalMap, EnableFlag, causal_map::{FlagView, MapView}};
    ///
    /// fn names(muted: &MapView<String, FlagView>) -> Vec<&str> {
    ///     muted.iter().map(|(name, _)| name.as_str()).collect()
    /// }
    /// let mut muted: CausalMap<String, EnableFlag> = CausalMap::new();
    /// muted.entry("ana".into()).enable("us-east-1".parse()?)?;
    /// assert_eq!(names(muted.view()), ["ana"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn view(&self) -> &MapView<K, V::View> {
        &self.state.index().view
    }

    /// The value of `key`, if the map holds it. O(log keys). [The type](Self) has an example.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V::View>
    where
        K: Borrow<Q>,
    {
        self.view().get(key)
    }

    /// Whether `key` is in the map. O(log keys). [`remove`](Self::remove) has an example.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.view().contains_key(key)
    }

    /// The keys, ascending, each with its value. O(1), and O(keys) to walk; counters that were removed
    /// are stepped over while a note of them is left. [The type](Self) has an example.
    pub fn iter(&self) -> Iter<'_, K, V::View> {
        self.view().iter()
    }

    /// The value of `key`, to write there. [The type](Self) has an example.
    pub fn entry(&mut self, key: K) -> Entry<'_, V, CausalMapDelta<K, V>> {
        Entry(Box::new(Below { map: self, key: Shared::new(key) }))
    }

    /// Removes what this replica reads at `key`; returns the delta. If the map does not hold it,
    /// nothing is written and the delta is empty. What is written there concurrently survives. O(log
    /// keys + what is there).
    ///
    /// ```
    /// use rejoin::{CausalMap, EnableFlag};
    ///
    /// let us = "us-east-1".parse()?;
    /// let mut muted: CausalMap<String, EnableFlag> = CausalMap::new();
    /// muted.entry("ana".into()).enable(us)?;
    /// assert!(!muted.remove("ana", us)?.is_empty());
    /// assert!(!muted.contains_key("ana"));
    /// assert!(muted.remove("ana", us)?.is_empty(), "nothing to remove");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the replica has used up its 64-bit count; the map is as it was.
    pub fn remove<Q: Ord + ?Sized>(
        &mut self,
        key: &Q,
        replica: ReplicaId,
    ) -> Result<CausalMapDelta<K, V>, WriteError>
    where
        K: Borrow<Q>,
    {
        let change = self.view().removing::<V, Q>(key, replica);
        self.commit(change, replica)
    }

    /// Removes all that this replica reads, as one delta, which is empty if there is nothing. What is
    /// written concurrently survives. O(what is there).
    ///
    /// ```
    /// use rejoin::{CausalMap, EnableFlag};
    ///
    /// let us = "us-east-1".parse()?;
    /// let mut muted: CausalMap<&str, EnableFlag> = CausalMap::new();
    /// muted.entry("ana").enable(us)?;
    /// muted.clear(us)?;
    /// assert!(muted.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the replica has used up its 64-bit count; the map is as it was.
    pub fn clear(&mut self, replica: ReplicaId) -> Result<CausalMapDelta<K, V>, WriteError> {
        let change = Self::clearing(self.view(), replica);
        self.commit(change, replica)
    }

    fn clearing(view: &MapView<K, V::View>, replica: ReplicaId) -> Change<Keyed<K, V::Write>> {
        <Self as Nested>::clear(view, replica)
    }

    fn commit(
        &mut self,
        mut change: Change<Keyed<K, V::Write>>,
        replica: ReplicaId,
    ) -> Result<CausalMapDelta<K, V>, WriteError> {
        if change.is_none() {
            return Ok(CausalMapDelta(DotKernel::new()));
        }
        self.state.with_index(|index, blocks| index.read_notes(blocks, replica, &mut change));
        self.state.change(change.writes, &change.over, replica).map(CausalMapDelta)
    }
}

/// The place of a key at the root.
struct Below<'a, K: Clone + Ord + Hash, V: CausalValue> {
    map: &'a mut CausalMap<K, V>,
    key: Shared<K>,
}

impl<K, V> Spot<V, CausalMapDelta<K, V>> for Below<'_, K, V>
where
    K: Clone + Ord + Hash,
    V: CausalValue,
{
    fn change(
        self: Box<Self>,
        replica: ReplicaId,
        make: Make<'_, V>,
    ) -> Result<CausalMapDelta<K, V>, WriteError> {
        // Past the last counter nothing can be written, whatever is made here.
        let next = self.map.state.kernel().minted(replica).saturating_add(1);
        let change = self.map.view().change_at::<V>(&self.key, next, make)?;
        self.map.commit(change, replica)
    }
}

impl<K, V: CausalValue> CausalMapDelta<K, V>
where
    K: Clone + Ord + Hash,
{
    /// The greatest time that a write in it is stamped with; `None` if there is no
    /// [`LwwRegister`](crate::LwwRegister) in it. O(writes).
    ///
    /// ```
    /// use rejoin::{CausalMap, LwwRegister, Timestamp};
    ///
    /// let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(7));
    /// let mut themes: CausalMap<&str, LwwRegister<&str>> = CausalMap::new();
    /// assert_eq!(themes.entry("ana").set("dark", us, now)?.latest(), Some(now));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn latest(&self) -> Option<Timestamp> {
        self.0.payloads().filter_map(|write| V::time(&write.write)).max()
    }
}

impl<'a, K: Clone + Ord + Hash, V: CausalValue> IntoIterator for &'a CausalMap<K, V> {
    type Item = (&'a K, &'a V::View);
    type IntoIter = Iter<'a, K, V::View>;

    fn into_iter(self) -> Iter<'a, K, V::View> {
        self.iter()
    }
}

impl<K, V> fmt::Debug for CausalMap<K, V>
where
    K: Clone + Ord + Hash + fmt::Debug,
    V: CausalValue<View: fmt::Debug>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}
