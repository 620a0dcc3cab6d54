//! [`Presence`]: who is online with what state, without those of replicas that died.
//!
//! Each replica keeps its own entries as a map with observed removes (Almeida, Shoker and Baquero,
//! *Delta State Replicated Data Types*, 2018, §7), under an incarnation and a lease as in
//! [`Gauge`](crate::Gauge). Phoenix presence, as described by its authors in 2016, has the same aim:
//! entries that belong to a node and are hidden with it.

mod changes;
#[cfg(feature = "serde")]
mod form;
mod iter;
mod lives;
mod version;
mod wire;

pub use changes::PresenceChanges;
pub use iter::{Entries, Node, Nodes, Online};
pub use version::PresenceVersion;

use crate::{
    causal::{CausalContext, Digest, Dot, DotKernel, KeyIndex, KeyOf, Observed, Ranks, Slot},
    error::WriteError,
    liveness::Liveness,
    merge::{Delta, DeltaState, Merge},
    replica::ReplicaId,
    stats::Stats,
    time::Timestamp,
};
use alloc::vec::Vec;
use core::{borrow::Borrow, cmp::Reverse, fmt, hash::Hash};
use lives::{Held, Life, Lives, NEVER};

/// Who is online with what state: users, devices, sessions, by the replica that they are connected
/// to.
///
/// Each replica writes entries of its own: a key, with a state. Which replicas count is decided by
/// whoever reads, with a [`Liveness`]: the entries of a dead one are not online, on any side, as soon
/// as its lease is over. Nothing has to be written for that. If it was only cut off, all of its
/// entries are back with its next [`renew`](Self::renew), also those that joined meanwhile.
///
/// A key may be online at several replicas, as a user with two devices is. Each replica removes only
/// its own entry.
///
/// # Lives
///
/// A program that starts again has lost its connections. It writes under its name with a greater
/// [incarnation](ReplicaId::with_incarnation), and its first write begins a new life without
/// entries and without a lease: what its former life left is gone, also where that arrives late. A
/// write of a life that is over is refused ([`WriteError::is_superseded`]) where the new life is
/// known, and has no effect where the two meet.
///
/// # Deltas
///
/// A delta holds what one write did, however many entries there are; a renewal holds no entry.
/// Deltas may be lost, repeated and reordered. A `leave` that arrives before the entry that it
/// removes keeps that out. Until a lost delta is made up for, by
/// [`delta_since`](DeltaState::delta_since) or a merge, a key is read by the last write that
/// arrived, and what only the lost delta replaced may be read once more.
///
/// # Cost
///
/// State grows with the entries that are there and with the names, not with time in use: an entry
/// that left takes nothing, and neither does a former life. With *n* names, a write is O(log n), and
/// O(n) where the name is new. [`online`](Self::online) is O(n) and O(1) for each entry. A
/// [`merge`](Merge::merge) of *m* names is O(m log n), and O(n + m) where a name is new, and for each
/// name that of an [`OrMap`](crate::OrMap). Names are never removed, so take names that come back:
/// of regions and nodes, not of processes.
///
/// In serde it is a map of leases and entries by replica:
/// `{"us#3": {"until": 1717236600000, "entries": {"us#3": {"seen": [[1, 2]], "live": [[2, ["ana", "away"]]]}}}}`.
///
/// # Examples
///
/// ```
/// use rejoin::{DeltaState, Liveness, Presence, ReplicaId, Timestamp};
/// use std::time::Duration;
///
/// let (us, eu): (ReplicaId, ReplicaId) = ("us-east-1".parse()?, "eu-west-1".parse()?);
/// let at = |seconds: u64| Timestamp::from_millis(seconds * 1_000);
/// let alive = |seconds| Liveness::leases(at(seconds), Duration::from_secs(2));
///
/// let (mut in_us, mut in_eu) = (Presence::new(), Presence::new());
/// in_us.renew(us, at(30))?;                      // alive for 30 seconds, if not renewed before
/// in_us.join("ana", "typing", us)?;
/// in_eu.renew(eu, at(90))?;
/// in_eu.join("bo", "away", eu)?;
///
/// let changes = in_eu.apply_reporting(&in_us.delta_since(&in_eu.version()));
/// assert_eq!(changes.joined, [(us, "ana", "typing")]);
/// assert_eq!(in_eu.online(&alive(20)).count(), 2);
///
/// // us-east-1 dies, and renews nothing.
/// let later = alive(40);
/// let online: Vec<_> = in_eu.online(&later).collect();
/// assert_eq!(online, [(eu, &"bo", &"away")]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Presence<K, V> {
    lives: Lives<State<K, V>>,
}

/// What one replica has written in its latest life.
type State<K, V> = Observed<(K, V), KeyIndex<ByKey, Reverse<u64>>>;

/// What was done to a [`Presence`]: entries and leases of some replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresenceDelta<K, V>(Lives<DotKernel<(K, V)>>);

#[derive(Clone, Copy)]
struct ByKey;

/// One replica writes them, one after the other: the last one counts.
impl<K, V> Ranks<(K, V)> for ByKey {
    type Rank = Reverse<u64>;

    fn rank(_: &(K, V), dot: Dot) -> Reverse<u64> {
        Reverse(dot.counter())
    }
}

impl<K: Eq + Hash, V> KeyOf<(K, V)> for ByKey {
    type Key = K;

    fn key(entry: &(K, V)) -> &K {
        &entry.0
    }
}

impl<K, V> Held for State<K, V> {
    fn seen(&self) -> &CausalContext {
        self.kernel().context()
    }
}

impl<K, V> Held for DotKernel<(K, V)> {
    fn seen(&self) -> &CausalContext {
        self.context()
    }
}

impl Held for Digest {
    fn seen(&self) -> &CausalContext {
        self.seen()
    }
}

impl<K, V> Default for Presence<K, V> {
    fn default() -> Self {
        Self { lives: Lives::default() }
    }
}

impl<K, V> Presence<K, V> {
    /// Nobody is online. Allocates nothing.
    ///
    /// ```
    /// use rejoin::Presence;
    /// assert_eq!(Presence::<String, ()>::new().by_replica().len(), 0);
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// What each name holds, dead or alive, in the order of their ids. O(1), and O(n) to walk.
    ///
    /// ```
    /// use rejoin::Presence;
    /// let us = "us-east-1".parse()?;
    /// let mut presence = Presence::new();
    /// presence.join("ana", (), us)?;
    /// let rows: Vec<_> = presence.by_replica().map(|it| (it.replica(), it.len())).collect();
    /// assert_eq!(rows, [(us, 1)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn by_replica(&self) -> Nodes<'_, K, V> {
        Nodes(self.lives.0.iter())
    }

    /// What the name of `replica` holds, whichever incarnation it is in; `None` if it has not
    /// written. O(log n).
    ///
    /// ```
    /// use rejoin::{Presence, ReplicaId};
    /// let us: ReplicaId = "us-east-1".parse()?;
    /// let mut presence = Presence::new();
    /// presence.join("ana", "away", us.with_incarnation(7))?;
    /// let node = presence.node(us).ok_or("no node")?;
    /// assert_eq!((node.replica().incarnation(), node.get(&"ana")), (7, Some(&"away")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn node(&self, replica: ReplicaId) -> Option<Node<'_, K, V>> {
        self.lives.get(replica).map(Node)
    }

    /// What it is made of, of all names together. O(names and gaps). [`Stats`] has an example.
    pub fn stats(&self) -> Stats {
        let mut all = Stats::default();
        for life in &self.lives.0 {
            let stats = life.held.kernel().stats();
            all.replicas += 1;
            all.live += stats.live;
            all.intervals += stats.intervals;
        }
        all
    }
}

impl<K: Eq + Hash, V> Presence<K, V> {
    /// The entries that are online, if those are alive that `liveness` holds for alive: by replica,
    /// and of one replica in the order of their writes. O(n), and O(1) for each entry.
    ///
    /// ```
    /// use rejoin::{Liveness, Presence};
    /// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// let mut presence = Presence::new();
    /// presence.join("ana", "phone", us)?;
    /// presence.join("ana", "laptop", eu)?;
    /// let online = |members: &[_]| {
    ///     let members = Liveness::members(members.iter().copied());
    ///     presence.online(&members).map(|(_, _, state)| *state).collect::<Vec<_>>()
    /// };
    /// assert_eq!(online(&[us, eu]), ["laptop", "phone"]);
    /// assert_eq!(online(&[us]), ["phone"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn online<'a>(&'a self, liveness: &'a Liveness) -> Online<'a, K, V> {
        Online::new(self.by_replica(), liveness)
    }

    /// Whether `key` is online somewhere. O(n).
    ///
    /// ```
    /// use rejoin::{Liveness, Presence};
    /// let us = "us-east-1".parse()?;
    /// let mut presence = Presence::new();
    /// presence.join("ana".to_string(), (), us)?;
    /// assert!(presence.is_online("ana", &Liveness::members([us])));
    /// assert!(!presence.is_online("ana", &Liveness::members([])));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_online<Q>(&self, key: &Q, liveness: &Liveness) -> bool
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let has = |node: Node<'_, K, V>| node.get(key).is_some();
        self.by_replica().any(|node| node.is_alive(liveness) && has(node))
    }
}

impl<K: Eq + Hash, V> Presence<K, V> {
    fn of(lives: Lives<DotKernel<(K, V)>>) -> Self {
        let lives = lives.0.into_iter();
        let lives =
            lives.map(|it| Life { replica: it.replica, until: it.until, held: it.held.into() });
        Self { lives: Lives(lives.collect()) }
    }
}

#[cfg(feature = "laws")]
impl<K: Eq + Hash, V: Eq + Hash> Presence<K, V> {
    pub(crate) fn check_invariants(&self) -> Result<(), &'static str> {
        self.lives.check()?;
        self.lives.0.iter().try_for_each(|life| life.held.check_invariants())
    }
}

fn slots<K, V, Q>(state: &State<K, V>, key: &Q) -> smallvec::SmallVec<[Slot; 4]>
where
    K: Eq + Hash + Borrow<Q>,
    Q: Eq + Hash + ?Sized,
{
    state.index().slots(state.blocks(), key)
}

impl<K: Clone + Ord + Hash, V: Clone + Ord + Hash> Presence<K, V> {
    /// `key` is online at `replica` with the state `value`, from now on, also if it was there
    /// before; returns the delta. O(log n), and O(n) where the name is new.
    ///
    /// ```
    /// use rejoin::{DeltaState, Presence};
    /// let us = "us-east-1".parse()?;
    /// let (mut ours, mut theirs) = (Presence::new(), Presence::new());
    /// theirs.apply(&ours.join("ana", "typing", us)?);
    /// assert_eq!(theirs, ours);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if a greater incarnation of the name has written, or if this life has used up
    /// its 64-bit count of writes; the presence is as it was.
    pub fn join(
        &mut self,
        key: K,
        value: V,
        replica: ReplicaId,
    ) -> Result<PresenceDelta<K, V>, WriteError> {
        self.edit(replica, |held| {
            let over = slots(held, &key);
            held.write((key, value), &over, replica)
        })
    }

    /// Many [join](Self::join) as one delta, as after a reconnect. O(m + log n).
    ///
    /// ```
    /// use rejoin::Presence;
    /// let us = "us-east-1".parse()?;
    /// let mut presence = Presence::new();
    /// presence.extend([("ana", 1), ("bo", 2)], us)?;
    /// assert_eq!(presence.node(us).map(|node| node.len()), Some(2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`join`](Self::join); then none has joined.
    pub fn extend(
        &mut self,
        entries: impl IntoIterator<Item = (K, V)>,
        replica: ReplicaId,
    ) -> Result<PresenceDelta<K, V>, WriteError> {
        let entries: Vec<(K, V)> = entries.into_iter().collect();
        self.edit(replica, |held| {
            if entries.is_empty() {
                return Ok(DotKernel::new());
            }
            let write = |state: &State<K, V>, entry: (K, V)| {
                let over = slots(state, &entry.0);
                (entry, over)
            };
            held.write_all(entries, write, replica)
        })
    }

    /// The state of `key` at `replica` is `value` from now on, if it is there; returns the delta,
    /// which is empty if it is not: an update that comes too late brings nobody back. O(log n).
    ///
    /// ```
    /// use rejoin::{Delta, Presence};
    /// let us = "us-east-1".parse()?;
    /// let mut presence = Presence::new();
    /// presence.join("ana", "typing", us)?;
    /// presence.update("ana", "away", us)?;
    /// assert_eq!(presence.node(us).and_then(|node| node.get("ana").copied()), Some("away"));
    /// presence.leave("ana", us)?;
    /// assert!(presence.update("ana", "typing", us)?.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`join`](Self::join).
    pub fn update<Q>(
        &mut self,
        key: &Q,
        value: V,
        replica: ReplicaId,
    ) -> Result<PresenceDelta<K, V>, WriteError>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.edit(replica, |held| {
            let over = slots(held, key);
            let there = over.first().and_then(|slot| held.get(*slot));
            match there.map(|entry| entry.0.clone()) {
                Some(key) => held.write((key, value), &over, replica),
                None => Ok(DotKernel::new()),
            }
        })
    }

    /// `key` is no longer online at `replica`; returns the delta, which is empty if it was not.
    /// O(log n).
    ///
    /// ```
    /// use rejoin::{Liveness, Presence};
    /// let us = "us-east-1".parse()?;
    /// let mut presence = Presence::new();
    /// presence.join("ana", (), us)?;
    /// presence.leave("ana", us)?;
    /// assert!(!presence.is_online("ana", &Liveness::members([us])));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`join`](Self::join).
    pub fn leave<Q>(
        &mut self,
        key: &Q,
        replica: ReplicaId,
    ) -> Result<PresenceDelta<K, V>, WriteError>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.edit(replica, |held| held.erase(&slots(held, key), replica))
    }

    /// Nobody is online at `replica` any more, as before it shuts down; returns the delta. O(m +
    /// log n) for *m* entries.
    ///
    /// ```
    /// use rejoin::Presence;
    /// let us = "us-east-1".parse()?;
    /// let mut presence = Presence::new();
    /// presence.extend([("ana", 1), ("bo", 2)], us)?;
    /// presence.leave_all(us)?;
    /// assert_eq!(presence.node(us).map(|node| node.is_empty()), Some(true));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`join`](Self::join).
    pub fn leave_all(&mut self, replica: ReplicaId) -> Result<PresenceDelta<K, V>, WriteError> {
        self.edit(replica, |held| {
            let over: Vec<Slot> = held.kernel().slots().map(|(slot, _)| slot).collect();
            held.erase(&over, replica)
        })
    }

    /// Extends the lease of `replica` to `until`, by its own clock; returns the delta, which is
    /// empty if the lease lasts longer already, and else holds no entry. O(log n), and O(n) where
    /// the name is new.
    ///
    /// A lease is not shortened, as in [`Gauge::renew`](crate::Gauge::renew).
    ///
    /// ```
    /// use rejoin::{Delta, Presence, Timestamp};
    /// let us = "us-east-1".parse()?;
    /// let mut presence = Presence::<String, ()>::new();
    /// presence.renew(us, Timestamp::from_millis(30_000))?;
    /// assert!(presence.renew(us, Timestamp::from_millis(20_000))?.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if a greater incarnation of the name has written; the presence is as it was.
    pub fn renew(
        &mut self,
        replica: ReplicaId,
        until: Timestamp,
    ) -> Result<PresenceDelta<K, V>, WriteError> {
        let renewed = self.lives.edit(replica, |life| {
            let is_longer = until > life.until;
            life.until = life.until.max(until);
            let until = if is_longer { until } else { NEVER };
            Ok(Life { replica, until, held: DotKernel::new() })
        });
        renewed.map(PresenceDelta)
    }

    fn edit(
        &mut self,
        replica: ReplicaId,
        write: impl FnOnce(&mut State<K, V>) -> Result<DotKernel<(K, V)>, WriteError>,
    ) -> Result<PresenceDelta<K, V>, WriteError> {
        let written = self.lives.edit(replica, |life| {
            write(&mut life.held).map(|held| Life { replica, until: NEVER, held })
        });
        written.map(PresenceDelta)
    }
}

impl<K: Clone + Ord + Hash, V: Clone + Ord + Hash> Merge for Presence<K, V> {
    fn merge(&mut self, other: &Self) -> bool {
        let mut changed = false;
        self.lives.join(&other.lives, State::clone, State::merge, |_| changed = true);
        changed
    }
}

impl<K: Clone + Ord + Hash, V: Clone + Ord + Hash> DeltaState for Presence<K, V> {
    type Delta = PresenceDelta<K, V>;
    type Version = PresenceVersion;

    fn version(&self) -> PresenceVersion {
        let lives = self.lives.0.iter().map(|life| life.with(life.held.digest()));
        PresenceVersion(Lives(lives.collect()))
    }

    fn delta_since(&self, peer: &PresenceVersion) -> PresenceDelta<K, V> {
        let whole = |held: &State<K, V>| held.kernel().clone();
        PresenceDelta(self.lives.beyond(&peer.0, whole, State::delta_since))
    }

    fn apply(&mut self, delta: &PresenceDelta<K, V>) -> bool {
        let mut changed = false;
        let make = |held: &DotKernel<(K, V)>| held.clone().into();
        self.lives.join(&delta.0, make, State::apply, |_| changed = true);
        changed
    }
}

impl<K, V> Default for PresenceDelta<K, V> {
    fn default() -> Self {
        Self(Lives::default())
    }
}

impl<K: Clone + Ord + Hash, V: Clone + Ord + Hash> Merge for PresenceDelta<K, V> {
    fn merge(&mut self, other: &Self) -> bool {
        let mut changed = false;
        self.0.join(&other.0, DotKernel::clone, DotKernel::merge, |_| changed = true);
        changed
    }
}

impl<K: Clone + Ord + Hash, V: Clone + Ord + Hash> Delta for PresenceDelta<K, V> {
    fn is_empty(&self) -> bool {
        self.0.0.is_empty()
    }
}

impl<K, V> PresenceDelta<K, V> {
    /// The replicas whose writes it holds, in the order of their ids. O(1), and O(m) to walk.
    ///
    /// ```
    /// use rejoin::Presence;
    /// let us = "us-east-1".parse()?;
    /// let delta = Presence::new().join("ana", (), us)?;
    /// assert_eq!(delta.replicas().collect::<Vec<_>>(), [us]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn replicas(&self) -> impl ExactSizeIterator<Item = ReplicaId> + '_ {
        self.0.0.iter().map(|life| life.replica)
    }
}

#[cfg(feature = "laws")]
impl<K: Eq + Hash, V: Eq + Hash> PresenceDelta<K, V> {
    pub(crate) fn check_invariants(&self) -> Result<(), &'static str> {
        self.0.check()?;
        self.0.0.iter().try_for_each(|life| life.held.check_invariants())
    }
}

/// Equal means converged: also what was seen, not only who is online.
impl<K: PartialEq, V: PartialEq> PartialEq for Presence<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.lives == other.lives
    }
}

impl<K: Eq, V: Eq> Eq for Presence<K, V> {}

impl<K: fmt::Debug + Eq + Hash, V: fmt::Debug> fmt::Debug for Presence<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.by_replica()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{Lives, Presence, lives::Life};
    use crate::{causal::DotKernel, replica::ReplicaId, time::Timestamp};
    use alloc::vec::Vec;

    #[test]
    fn a_broken_presence_is_found() {
        let life = |id: u128, life, until, writer: Option<u128>| {
            let mut held = DotKernel::<(u8, u8)>::new();
            if let Some(writer) = writer {
                let writer = ReplicaId::from_u128(writer).with_incarnation(life);
                assert!(held.write((1, 2), &[], writer).is_ok());
            }
            let replica = ReplicaId::from_u128(id).with_incarnation(life);
            Life { replica, until: Timestamp::from_millis(until), held }
        };
        let check = |lives: Vec<_>| Presence::of(Lives(lives)).lives.check();
        let unsorted = Err("names are repeated or out of order");
        assert_eq!(check(Vec::from([life(2, 0, 1, None), life(1, 0, 1, None)])), unsorted);
        assert_eq!(check(Vec::from([life(1, 0, 1, None), life(1, 2, 1, None)])), unsorted);
        let foreign = Err("a life holds what another replica wrote");
        assert_eq!(check(Vec::from([life(1, 0, 1, Some(2))])), foreign);
        let nothing = Err("a life that says nothing is kept");
        assert_eq!(check(Vec::from([life(1, 0, 0, None)])), nothing);
        assert_eq!(check(Vec::from([life(1, 1, 0, None), life(2, 0, 0, Some(2))])), Ok(()));
    }
}
