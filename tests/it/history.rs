//! Random histories: replicas that share a past, edit, merge in part, lose, repeat and reorder
//! deltas, restart from bytes and are restored from backups. After every step the replica's value
//! is compared with a model that knows only events and who has seen them.

use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestRunner},
};
use rejoin::{DeltaState, Merge, ReplicaId, Timestamp};
use serde::{Serialize, de::DeserializeOwned};
use std::{collections::BTreeSet, fmt::Debug};

/// A type under test, and its meaning.
pub(crate) trait Subject: 'static {
    type State: DeltaState<Delta = Self::Delta>
        + Clone
        + PartialEq
        + Debug
        + Default
        + Serialize
        + DeserializeOwned;
    type Delta: Merge + Clone + Default + Serialize + DeserializeOwned;
    type Op: Clone + Debug;
    /// What the model remembers of one edit.
    type Event;
    type Value: PartialEq + Debug;

    fn ops() -> BoxedStrategy<Self::Op>;
    /// Edits the state; the delta, or none where the edit was refused.
    fn edit(
        state: &mut Self::State,
        op: &Self::Op,
        replica: ReplicaId,
        now: Timestamp,
    ) -> Option<Self::Delta>;
    fn value(state: &Self::State) -> Self::Value;
    /// The type's own invariants, where it has any to check.
    fn check(_state: &Self::State) -> Result<(), &'static str> {
        Ok(())
    }

    /// The model's step: what the edit is, given what its replica sees; none where it must be
    /// refused.
    fn event(
        op: &Self::Op,
        replica: ReplicaId,
        now: Timestamp,
        seen: &Seen<'_, Self::Event>,
    ) -> Option<Self::Event>;
    /// The model's value.
    fn meaning(seen: &Seen<'_, Self::Event>) -> Self::Value;
    /// Whether a delta also tells of an earlier edit by the same writer, as a running count does.
    fn tells_of(_event: &Self::Event, _earlier: &Self::Event) -> bool {
        false
    }
}

/// The events that one replica has seen, with their numbers, in the order in which they happened.
pub(crate) struct Seen<'a, E>(pub(crate) Vec<(usize, ReplicaId, &'a E)>);

#[derive(Clone, Debug)]
enum Step<Op> {
    Edit {
        at: usize,
        op: Op,
        now: u64,
    },
    /// Merges one whole state into another.
    Merge {
        from: usize,
        into: usize,
    },
    /// Delivers some earlier deltas, joined into one message: late, again, or out of order.
    Deliver {
        deltas: Vec<usize>,
        into: usize,
    },
    /// One asks for what it lacks.
    Sync {
        from: usize,
        into: usize,
    },
    /// Through JSON, or through bytes.
    Restart {
        at: usize,
        json: bool,
    },
    Backup {
        at: usize,
    },
    /// Back to the backup, under a new replica id.
    Restore {
        at: usize,
    },
}

const REPLICAS: usize = 4;

fn steps<Op: Clone + Debug + 'static>(ops: BoxedStrategy<Op>) -> BoxedStrategy<Vec<Step<Op>>> {
    let one = 0..REPLICAS;
    let step = prop_oneof![
        8 => (one.clone(), ops, 0..30_u64).prop_map(|(at, op, now)| Step::Edit { at, op, now }),
        3 => (one.clone(), one.clone()).prop_map(|(from, into)| Step::Merge { from, into }),
        4 => (vec(0..64_usize, 1..4), one.clone())
            .prop_map(|(deltas, into)| Step::Deliver { deltas, into }),
        2 => (one.clone(), one.clone()).prop_map(|(from, into)| Step::Sync { from, into }),
        1 => (one.clone(), any::<bool>()).prop_map(|(at, json)| Step::Restart { at, json }),
        1 => one.clone().prop_map(|at| Step::Backup { at }),
        1 => one.prop_map(|at| Step::Restore { at }),
    ];
    vec(step, 1..40).boxed()
}

#[derive(Clone)]
struct Replica<State> {
    id: ReplicaId,
    state: State,
    seen: BTreeSet<usize>,
}

struct World<S: Subject> {
    replicas: Vec<Replica<S::State>>,
    backups: Vec<Replica<S::State>>,
    events: Vec<(ReplicaId, S::Event)>,
    deltas: Vec<(S::Delta, BTreeSet<usize>)>,
    ids_given: u128,
}

impl<S: Subject> World<S> {
    fn new() -> Self {
        let replica = |id: usize| Replica {
            // Ids in an order that is not the order of the replicas.
            id: ReplicaId::from_u128([7, 3, 9, 1][id]),
            state: S::State::default(),
            seen: BTreeSet::new(),
        };
        let replicas: Vec<_> = (0..REPLICAS).map(replica).collect();
        Self {
            backups: replicas.clone(),
            replicas,
            events: Vec::new(),
            deltas: Vec::new(),
            ids_given: 10,
        }
    }

    fn seen(&self, seen: &BTreeSet<usize>) -> Seen<'_, S::Event> {
        Seen(seen.iter().map(|&at| (at, self.events[at].0, &self.events[at].1)).collect())
    }

    fn play(&mut self, step: &Step<S::Op>) {
        match step {
            Step::Edit { at, op, now } => self.edit(*at, op, Timestamp::from_millis(*now)),
            Step::Merge { from, into } => {
                let other = self.replicas[*from].clone();
                let target = &mut self.replicas[*into];
                let before = target.state.clone();
                let changed = target.state.merge(&other.state);
                assert_eq!(changed, target.state != before, "merge tells the truth");
                target.seen.extend(other.seen);
                self.verify(*into);
            }
            Step::Deliver { deltas, into } => self.deliver(deltas, *into),
            Step::Sync { from, into } => {
                let version = self.replicas[*into].state.version();
                let delta = self.replicas[*from].state.delta_since(&version);
                let seen = self.replicas[*from].seen.clone();
                self.apply(*into, delta, seen);
                let mut merged = self.replicas[*into].state.clone();
                assert!(!merged.merge(&self.replicas[*from].state), "the delta lacked something");
            }
            Step::Restart { at, json } => {
                let state = &mut self.replicas[*at].state;
                let back = if *json { through_json(state) } else { through_bytes(state) };
                assert_eq!(back, *state, "a round trip changes nothing");
                *state = back;
                self.verify(*at);
            }
            Step::Backup { at } => self.backups[*at] = self.replicas[*at].clone(),
            Step::Restore { at } => {
                self.ids_given += 1;
                self.replicas[*at] = self.backups[*at].clone();
                self.replicas[*at].id = ReplicaId::from_u128(self.ids_given);
                self.verify(*at);
            }
        }
    }

    fn edit(&mut self, at: usize, op: &S::Op, now: Timestamp) {
        let Replica { id, ref seen, .. } = self.replicas[at];
        let event = S::event(op, id, now, &self.seen(seen));
        let state = &mut self.replicas[at].state;
        let before = state.clone();
        let delta = S::edit(state, op, id, now);
        assert_eq!(delta.is_some(), event.is_some(), "refused where it should be");
        let (Some(delta), Some(event)) = (delta, event) else {
            assert_eq!(*state, before, "a refused edit changes nothing");
            return;
        };
        let mut via_delta = before;
        via_delta.apply(delta.clone());
        assert_eq!(via_delta, *state, "the delta does what the edit did");
        let number = self.events.len();
        let mut told = BTreeSet::from([number]);
        let earlier = self.replicas[at].seen.iter().copied();
        told.extend(earlier.filter(|&earlier| {
            self.events[earlier].0 == id && S::tells_of(&event, &self.events[earlier].1)
        }));
        self.events.push((id, event));
        self.deltas.push((delta, told));
        self.replicas[at].seen.insert(number);
        self.verify(at);
    }

    fn deliver(&mut self, deltas: &[usize], into: usize) {
        let (mut message, mut told) = (S::Delta::default(), BTreeSet::new());
        for delta in deltas {
            if !self.deltas.is_empty() {
                let (delta, events) = &self.deltas[delta % self.deltas.len()];
                message.merge(&through_json(delta));
                told.extend(events.iter().copied());
            }
        }
        self.apply(into, through_bytes(&message), told);
    }

    fn apply(&mut self, into: usize, delta: S::Delta, told: BTreeSet<usize>) {
        let target = &mut self.replicas[into];
        let before = target.state.clone();
        let changed = target.state.apply(delta);
        assert_eq!(changed, target.state != before, "apply tells the truth");
        target.seen.extend(told);
        self.verify(into);
    }

    fn verify(&self, at: usize) {
        let Replica { state, seen, .. } = &self.replicas[at];
        S::check(state).unwrap();
        assert_eq!(S::value(state), S::meaning(&self.seen(seen)), "the value is the model's");
    }

    /// All replicas meet, in different orders; then the laws hold on what they were.
    fn finish(&self, shuffle: &[usize]) {
        let states: Vec<&S::State> = self.replicas.iter().map(|replica| &replica.state).collect();
        check_laws(&states);
        let join = |order: &mut dyn Iterator<Item = &&S::State>| {
            let mut joined = S::State::default();
            order.for_each(|state| _ = joined.merge(state));
            joined
        };
        let (forward, backward) = (join(&mut states.iter()), join(&mut states.iter().rev()));
        assert_eq!(forward, backward, "all orders agree");
        assert_eq!(json(&forward), json(&backward), "equal states are written alike");
        let all: BTreeSet<usize> = self.replicas.iter().flat_map(|it| it.seen.clone()).collect();
        assert_eq!(S::value(&forward), S::meaning(&self.seen(&all)), "the join is the model's");

        // Every delta ever made, shuffled and in part repeated, is every state there ever was.
        let mut from_deltas = S::State::default();
        let mut order: Vec<usize> = (0..self.deltas.len()).collect();
        if !order.is_empty() {
            shuffle.iter().for_each(|&at| order.swap(0, at % self.deltas.len()));
            order.extend(shuffle.iter().map(|at| at % self.deltas.len()));
        }
        for at in order {
            from_deltas.apply(self.deltas[at].0.clone());
        }
        let every = (0..self.events.len()).collect();
        assert_eq!(S::value(&from_deltas), S::meaning(&self.seen(&every)), "deltas are the state");
        assert!(!from_deltas.clone().merge(&forward), "deltas hold all that states hold");
    }
}

fn joined<T: Merge + Clone>(a: &T, b: &T) -> T {
    let mut a = a.clone();
    a.merge(b);
    a
}

fn check_laws<T: Merge + Clone + PartialEq + Debug>(states: &[&T]) {
    for &a in states {
        assert_eq!(joined(a, a), *a, "idempotent");
        assert!(!a.clone().merge(a), "and says so");
        for &b in states {
            let ab = joined(a, b);
            assert_eq!(ab, joined(b, a), "commutative");
            assert_eq!(joined(a, &ab), ab, "the join is above both");
            let mut owned = a.clone();
            assert_eq!(owned.merge_owned(b.clone()), ab != *a, "merge_owned tells the truth");
            assert_eq!(owned, ab, "merge_owned is merge");
            for &c in states {
                assert_eq!(joined(&ab, c), joined(a, &joined(b, c)), "associative");
            }
        }
    }
}

pub(crate) fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap()
}

pub(crate) fn through_json<T: Serialize + DeserializeOwned>(value: &T) -> T {
    serde_json::from_str(&json(value)).unwrap()
}

pub(crate) fn bytes<T: Serialize>(value: &T) -> Vec<u8> {
    bincode::serde::encode_to_vec(value, bincode::config::standard()).unwrap()
}

pub(crate) fn through_bytes<T: Serialize + DeserializeOwned>(value: &T) -> T {
    let config = bincode::config::standard();
    let bytes = bytes(value);
    let (back, read) = bincode::serde::decode_from_slice(&bytes, config).unwrap();
    assert_eq!(read, bytes.len());
    back
}

/// Plays histories; `REJOIN_HISTORIES` sets how many.
pub(crate) fn histories<S: Subject>() {
    let cases = std::env::var("REJOIN_HISTORIES").ok().and_then(|text| text.parse().ok());
    let config =
        Config { cases: cases.unwrap_or(1_000), failure_persistence: None, ..Config::default() };
    let strategy = (steps(S::ops()), vec(0..64_usize, 0..8));
    TestRunner::new(config)
        .run(&strategy, |(steps, shuffle)| {
            let mut world = World::<S>::new();
            steps.iter().for_each(|step| world.play(step));
            world.finish(&shuffle);
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}

/// One replica id used by several writers: not what anybody wrote, but the same on every side.
pub(crate) fn misused<S: Subject>() {
    let config = Config { cases: 500, failure_persistence: None, ..Config::default() };
    let edits = || vec((S::ops(), 0..5_u64), 0..10);
    TestRunner::new(config)
        .run(&(edits(), vec(edits(), 3)), |(shared, sides)| {
            let mut deltas = Vec::new();
            let mut play = |state: &mut S::State, edits: &[(S::Op, u64)]| {
                for (op, now) in edits {
                    let now = Timestamp::from_millis(*now);
                    deltas.extend(S::edit(state, op, ReplicaId::from_u128(1), now));
                }
            };
            let mut base = S::State::default();
            play(&mut base, &shared);
            let mut states = [base.clone(), base.clone(), base];
            states.iter_mut().zip(&sides).for_each(|(state, edits)| play(state, edits));
            check_laws(&states.iter().collect::<Vec<_>>());
            let join = joined(&joined(&states[0], &states[1]), &states[2]);
            S::check(&join).unwrap();
            let (mut forward, mut backward) = (S::State::default(), S::State::default());
            deltas.iter().for_each(|delta| _ = forward.apply(delta.clone()));
            deltas.iter().rev().for_each(|delta| _ = backward.apply(delta.clone()));
            assert_eq!(forward, backward, "deltas in any order");
            S::check(&forward).unwrap();
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}
