//! Who has an entry is who joined in the latest life of its replica and was neither replaced nor
//! removed since.

use crate::{
    history::{histories, misused},
    small::Small,
    world::{Seen, Subject},
};
use proptest::prelude::*;
use rejoin::{
    DeltaState, Known, Liveness, Presence, PresenceDelta, ReplicaId, Timestamp, laws::Invariants,
    presence::PresenceChanges,
};
use std::{collections::BTreeMap, time::Duration};

/// An edit, in which life of its replica.
#[derive(Clone, Copy, Debug)]
pub(super) struct Op(u32, Edit);

#[derive(Clone, Copy, Debug)]
enum Edit {
    Join(u8, u8),
    Update(u8, u8),
    Leave(u8),
    LeaveAll,
    Renew(u64),
}
use Edit::{Join, Leave, LeaveAll, Renew, Update};

/// A replica that is restored goes on in another life of its name already.
fn life(op: &Op, id: ReplicaId) -> u32 {
    id.incarnation() * 4 + op.0
}

/// What an edit did: in which life, which entry it made, which earlier edits' entries it removed,
/// and until when it extended the lease.
#[derive(Debug, Default)]
pub(super) struct Event {
    life: u32,
    /// Whether nothing was known of this life before.
    begins: bool,
    entry: Option<(u8, u8)>,
    over: Vec<usize>,
    until: u64,
}

/// What a name holds: its life, its lease, and its entries, with who made them.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Told {
    life: u32,
    until: u64,
    entries: BTreeMap<u8, u8>,
}

const fn name(id: ReplicaId) -> ReplicaId {
    id.with_incarnation(0)
}

/// The events of the latest life of a name that are known.
fn latest<'a>(seen: &'a Seen<'_, Event>, of: ReplicaId) -> Vec<(usize, &'a Event)> {
    let of_name = seen.0.iter().filter(|event| name(event.1) == of && event.2.is_told());
    let latest = of_name.clone().map(|event| event.2.life).max();
    let kept = of_name.filter(|event| Some(event.2.life) == latest);
    kept.map(|(number, _, event)| (*number, *event)).collect()
}

/// The entries that stand, the last of each key last.
fn standing(events: &[(usize, &Event)]) -> Vec<(usize, (u8, u8))> {
    let stands = |number: usize| events.iter().all(|event| !event.1.over.contains(&number));
    let entries = events.iter().filter(|event| stands(event.0));
    entries.filter_map(|(number, event)| Some((*number, event.entry?))).collect()
}

impl Event {
    /// An edit that changed nothing is no event; one that began a life is.
    fn is_told(&self) -> bool {
        self.begins || self.entry.is_some() || !self.over.is_empty() || self.until > 0
    }
}

/// When the model reads; the skew is 3.
const READ: [u64; 3] = [0, 7, 20];

type Online = Vec<(ReplicaId, u8, u8)>;

pub(super) struct Present;

fn entries(presence: &Presence<u8, u8>) -> BTreeMap<(ReplicaId, u8), (ReplicaId, u8)> {
    let mut all = BTreeMap::new();
    for node in presence.by_replica() {
        for (key, value) in node.entries() {
            let before = all.insert((name(node.replica()), *key), (node.replica(), *value));
            assert_eq!(before, None, "each key once");
        }
    }
    all
}

/// The changes are the difference between before and after.
fn reported(
    before: &Presence<u8, u8>,
    after: &Presence<u8, u8>,
    join: impl FnOnce(&mut Presence<u8, u8>) -> PresenceChanges<u8, u8>,
) {
    let mut joined = before.clone();
    let told = join(&mut joined);
    assert_eq!(joined, *after, "reporting changes nothing else");
    assert_eq!(told.is_empty(), before == after, "news is what changes something");
    let news: Vec<_> = after.delta_since(&before.version()).replicas().collect();
    assert_eq!(told.heard, news);
    let (before, mut after) = (entries(before), entries(after));
    let (mut updated, mut left) = (Vec::new(), Vec::new());
    for ((name, key), (replica, value)) in before {
        match after.remove(&(name, key)) {
            None => left.push((replica, key, value)),
            Some((replica, now)) if now != value => updated.push((replica, key, value, now)),
            Some(_) => {}
        }
    }
    let mut came = Vec::new();
    for ((_, key), (replica, value)) in after {
        came.push((replica, key, value));
    }
    assert_eq!((told.joined, told.updated, told.left), (came, updated, left));
}

impl Subject for Present {
    type State = Presence<u8, u8>;
    type Delta = PresenceDelta<u8, u8>;
    type Op = Op;
    type Event = Event;
    type Value = (BTreeMap<ReplicaId, Told>, Vec<Online>);

    fn ops() -> BoxedStrategy<Op> {
        let life = prop_oneof![8 => Just(0), 3 => Just(1), 1 => Just(2)];
        let edit = prop_oneof![
            6 => (0..4_u8, 0..4_u8).prop_map(|(key, value)| Join(key, value)),
            3 => (0..4_u8, 0..4_u8).prop_map(|(key, value)| Update(key, value)),
            4 => (0..4_u8).prop_map(Leave),
            1 => Just(LeaveAll),
            3 => (0..30_u64).prop_map(Renew),
        ];
        (life, edit).prop_map(|(life, edit)| Op(life, edit)).boxed()
    }

    fn edit(
        state: &mut Presence<u8, u8>,
        op: &Op,
        id: ReplicaId,
        _: Timestamp,
    ) -> Option<Self::Delta> {
        let id = id.with_incarnation(life(op, id));
        match op.1 {
            Join(key, value) if value == 3 => state.extend([(key, value)], id).ok(),
            Join(key, value) => state.join(key, value, id).ok(),
            Update(key, value) => state.update(&key, value, id).ok(),
            Leave(key) => state.leave(&key, id).ok(),
            LeaveAll => state.leave_all(id).ok(),
            Renew(until) => state.renew(id, Timestamp::from_millis(until)).ok(),
        }
    }

    fn check(state: &Presence<u8, u8>) -> Result<(), &'static str> {
        state.version().check_invariants()?;
        state.check_invariants()
    }

    fn merged(before: &Self::State, other: &Self::State, after: &Self::State) {
        reported(before, after, |it| it.merge_reporting(other));
        let (lower, upper) = (before.version(), after.version());
        assert!(upper.covers(&lower) && upper.covers(&other.version()));
        assert_eq!(lower.covers(&upper), before == after);
    }

    fn applied(before: &Self::State, delta: &Self::Delta, after: &Self::State) {
        reported(before, after, |it| it.apply_reporting(delta));
    }

    fn value(state: &Presence<u8, u8>) -> Self::Value {
        let mut rows = BTreeMap::new();
        for node in state.by_replica() {
            let mut told = Told {
                life: node.replica().incarnation(),
                until: node.until().map_or(0, Timestamp::as_millis),
                entries: BTreeMap::new(),
            };
            assert_eq!(
                (node.len(), node.is_empty()),
                (node.entries().len(), node.entries().next().is_none())
            );
            for (key, value) in node.entries() {
                assert_eq!(told.entries.insert(*key, *value), None);
            }
            assert!((0..4_u8).all(|key| node.get(&key) == told.entries.get(&key)));
            let same = state.node(node.replica().with_incarnation(9)).unwrap();
            assert_eq!(same.replica(), node.replica());
            rows.insert(name(node.replica()), told);
        }
        let read = |now: &u64| {
            let now = Timestamp::from_millis(*now);
            let alive = Liveness::leases(now, Duration::from_millis(3));
            let mut online: Online = Vec::new();
            for (replica, key, value) in state.online(&alive) {
                online.push((replica, *key, *value));
            }
            for key in 0..4 {
                assert_eq!(state.is_online(&key, &alive), online.iter().any(|it| it.1 == key));
            }
            online.sort_unstable();
            online
        };
        (rows, READ.iter().map(read).collect())
    }

    fn event(op: &Op, id: ReplicaId, _: Timestamp, seen: &Seen<'_, Event>) -> Option<Event> {
        let life = life(op, id);
        let known = latest(seen, name(id));
        let before = known.iter().map(|event| event.1.life).max().unwrap_or(0);
        if before > life {
            return None;
        }
        let known = if before < life { Vec::new() } else { known };
        let there = standing(&known);
        let of = |key: u8| -> Vec<usize> {
            let of_key = there.iter().filter(|entry| entry.1.0 == key);
            of_key.map(|entry| entry.0).collect()
        };
        let none = Event { life, begins: before < life, ..Event::default() };
        Some(match op.1 {
            Update(key, _) if of(key).is_empty() => none,
            Join(key, value) | Update(key, value) => {
                Event { entry: Some((key, value)), over: of(key), ..none }
            }
            Leave(key) => Event { over: of(key), ..none },
            LeaveAll => Event { over: there.iter().map(|entry| entry.0).collect(), ..none },
            Renew(until) => {
                let lease = known.iter().map(|event| event.1.until).max().unwrap_or(0);
                Event { until: if until > lease { until } else { 0 }, ..none }
            }
        })
    }

    fn meaning(seen: &Seen<'_, Event>) -> Self::Value {
        let mut rows = BTreeMap::new();
        for (_, id, event) in &seen.0 {
            if !event.is_told() || rows.contains_key(&name(*id)) {
                continue;
            }
            let events = latest(seen, name(*id));
            let mut told = Told::default();
            for (_, event) in &events {
                told.life = event.life;
                told.until = told.until.max(event.until);
            }
            for (_, (key, value)) in standing(&events) {
                told.entries.insert(key, value);
            }
            rows.insert(name(*id), told);
        }
        let read = |now: &u64| {
            let mut online = Online::new();
            for (id, told) in rows.iter().filter(|row| row.1.until > 0 && *now < row.1.until + 3) {
                for (key, value) in &told.entries {
                    online.push((id.with_incarnation(told.life), *key, *value));
                }
            }
            online.sort_unstable();
            online
        };
        let read = READ.iter().map(read).collect();
        (rows, read)
    }
}

#[test]
fn presence_histories() {
    histories::<Present>();
}

#[test]
fn presence_misused() {
    misused::<Present>();
}

#[test]
fn presence_small_worlds() {
    Small::<Present> {
        name: "Presence",
        aged: false,
        past: &[Op(0, Join(0, 1))],
        alphabet: &[Op(0, Join(0, 2)), Op(0, Leave(0)), Op(1, Renew(9))],
        operations: 6,
    }
    .walk();
}
