//! A few replicas of one type, and what happens to them. After every step the value of the replica
//! that it touched is compared with a model that knows only events and who has seen them.

use crate::encoded::{Sent, bytes, json as text, through_bytes, through_compact, through_json};
use proptest::strategy::BoxedStrategy;
use rejoin::{Delta, DeltaState, Merge, Now, ReplicaId, Timestamp};
use serde_json::json;
use std::{collections::BTreeSet, fmt, fmt::Debug, rc::Rc, time::Duration};

/// A type under test, and its meaning.
pub(crate) trait Subject: 'static {
    type State: DeltaState<Delta = Self::Delta> + Clone + Default + Sent;
    type Delta: Delta + Sent;
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

    /// What else holds of a merge.
    fn merged(_before: &Self::State, _other: &Self::State, _after: &Self::State) {}
    /// What else holds of a delta that is applied.
    fn applied(_before: &Self::State, _delta: &Self::Delta, _after: &Self::State) {}

    /// What holds of a merge and of a delta that are only tried, also where writers share an id.
    fn tried(_state: &Self::State, _other: &Self::State, _delta: &Self::Delta) {}

    /// A state in which nothing is alive, read from the form of a kernel that has seen much: its
    /// replicas are about to leave their first block. Nothing at all where there is no kernel.
    fn aged(_kernel: serde_json::Value) -> Self::State {
        Self::State::default()
    }

    /// The model's step: what the edit is, given what its replica sees; none where it must be
    /// refused.
    fn event(
        op: &Self::Op,
        replica: ReplicaId,
        now: Timestamp,
        seen: &Seen<'_, Self::Event>,
    ) -> Option<Self::Event>;
    /// The same, for a model that leaves something to the library, within what it promises, and takes
    /// it from the delta.
    fn event_of(
        op: &Self::Op,
        replica: ReplicaId,
        now: Timestamp,
        seen: &Seen<'_, Self::Event>,
        _delta: Option<&Self::Delta>,
    ) -> Option<Self::Event> {
        Self::event(op, replica, now, seen)
    }
    /// The model's value.
    fn meaning(seen: &Seen<'_, Self::Event>) -> Self::Value;
    /// Whether a delta also tells of an earlier edit by the same writer, as a running count does.
    fn tells_of(_event: &Self::Event, _earlier: &Self::Event) -> bool {
        false
    }
}

/// The writer's clock: some allow no stamp far ahead of it.
pub(crate) fn limited(now: Timestamp) -> Now {
    if now.as_millis() % 3 == 0 { now.within(Duration::from_millis(5)) } else { now.into() }
}

/// What a write is stamped with by that clock, in place of what was stamped so.
pub(crate) fn stamped(now: Timestamp, over: Option<u64>) -> u64 {
    let now = now.as_millis();
    let latest = if now % 3 == 0 { now.saturating_add(5) } else { u64::MAX };
    let after = over.map_or(0, |over| over.saturating_add(1));
    now.max(after).min(latest)
}

/// The events that one replica has seen, with their numbers, in the order in which they happened.
pub(crate) struct Seen<'a, E>(pub(crate) Vec<(usize, ReplicaId, &'a E)>);

/// Drafts an edit, with more in the same draft and another draft inside it, and checks that the state
/// is as it was.
fn drafted<S: Subject>(
    state: &mut S::State,
    other: &S::State,
    mut edit: impl FnMut(&mut S::State) -> Option<S::Delta>,
) -> Option<S::Delta> {
    let before = state.clone();
    let delta = state.draft(|state| {
        let delta = edit(state);
        let edited = state.clone();
        let again = state.draft(|state| (state.merge(other), edit(state)).1);
        assert_eq!(*state, edited, "the inner draft is taken back");
        if let Some(again) = again {
            state.apply(&again);
        }
        state.merge(other);
        edit(state);
        delta
    });
    assert_eq!(*state, before, "a draft leaves the state as it was");
    assert_eq!(bytes(state), bytes(&before));
    S::check(state).unwrap();
    delta
}

/// What may happen. Deltas are counted back from the latest; a number beyond the last replica or
/// the first delta is that one, so that a script means the same when lines are left out.
#[derive(Clone)]
pub(crate) enum Step<Op> {
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
    /// Merges what a replica was when its backup was made.
    MergeBackup {
        from: usize,
        into: usize,
    },
    /// Delivers some earlier deltas, joined into one message: late, again, or out of order.
    Deliver {
        deltas: Vec<usize>,
        into: usize,
    },
    /// One asks for what it lacks, or for what it lacked when its backup was made.
    Sync {
        from: usize,
        into: usize,
        stale: bool,
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
    /// Starts over as a clone of another, under a new replica id.
    Fork {
        from: usize,
        into: usize,
    },
}

/// A line of a script that a person can follow.
impl<Op: Debug> Debug for Step<Op> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edit { at, op, now } => write!(f, "{at} edits at time {now}: {op:?}"),
            Self::Merge { from, into } => write!(f, "{into} merges {from}"),
            Self::MergeBackup { from, into } => write!(f, "{into} merges the backup of {from}"),
            Self::Deliver { deltas, into } => {
                write!(f, "{into} gets the latest deltas but {deltas:?}, joined")
            }
            Self::Sync { from, into, stale } => {
                let asks = if *stale { "asks, as it was at its backup," } else { "asks" };
                write!(f, "{into} {asks} {from} for what it lacks")
            }
            Self::Restart { at, json } => {
                write!(f, "{at} restarts from {}", if *json { "JSON" } else { "bytes" })
            }
            Self::Backup { at } => write!(f, "{at} is backed up"),
            Self::Restore { at } => write!(f, "{at} is restored from its backup, with a new id"),
            Self::Fork { from, into } => write!(f, "{into} becomes a clone of {from}, a new id"),
        }
    }
}

struct Replica<State> {
    id: ReplicaId,
    state: Rc<State>,
    seen: Rc<BTreeSet<usize>>,
}

impl<State> Clone for Replica<State> {
    fn clone(&self) -> Self {
        Self { id: self.id, state: Rc::clone(&self.state), seen: Rc::clone(&self.seen) }
    }
}

/// Cheap to clone: worlds that have one past share it.
pub(crate) struct World<S: Subject> {
    replicas: Vec<Replica<S::State>>,
    backups: Vec<Replica<S::State>>,
    events: Vec<(ReplicaId, Rc<S::Event>)>,
    /// Each delta, and the events that it tells of.
    deltas: Vec<Rc<(S::Delta, BTreeSet<usize>)>>,
    /// What all replicas have held from the beginning.
    start: Rc<S::State>,
    lives: u32,
}

impl<S: Subject> Clone for World<S> {
    fn clone(&self) -> Self {
        Self {
            replicas: self.replicas.clone(),
            backups: self.backups.clone(),
            events: self.events.clone(),
            deltas: self.deltas.clone(),
            start: Rc::clone(&self.start),
            lives: self.lives,
        }
    }
}

impl<S: Subject> World<S> {
    /// Replicas that were never edited; if `aged`, each has used up the counters before 63.
    pub(crate) fn new(replicas: usize, aged: bool) -> Self {
        // Ids in an order that is not the order of the replicas.
        let ids = [7, 3, 9, 1, 5].map(ReplicaId::from_u128);
        let lane = |id: ReplicaId| (id.to_string(), json!({"seen": [[1, 62]], "live": []}));
        let kernel = || ids.into_iter().map(lane).collect();
        let start = Rc::new(if aged { S::aged(kernel()) } else { S::State::default() });
        let replica = |id| Replica { id, state: Rc::clone(&start), seen: Rc::default() };
        let replicas: Vec<_> = ids.into_iter().take(replicas).map(replica).collect();
        Self {
            backups: replicas.clone(),
            replicas,
            events: Vec::new(),
            deltas: Vec::new(),
            start,
            lives: 0,
        }
    }

    pub(crate) fn states(&self) -> impl Iterator<Item = &S::State> {
        self.replicas.iter().map(|replica| &*replica.state)
    }

    pub(crate) fn deltas(&self) -> impl ExactSizeIterator<Item = &S::Delta> {
        self.deltas.iter().map(|delta| &delta.0)
    }

    fn seen(&self, seen: &BTreeSet<usize>) -> Seen<'_, S::Event> {
        Seen(seen.iter().map(|&at| (at, self.events[at].0, &*self.events[at].1)).collect())
    }

    /// What all replicas have seen together.
    fn seen_by_any(&self) -> BTreeSet<usize> {
        self.replicas.iter().flat_map(|it| it.seen.iter().copied()).collect()
    }

    pub(crate) fn play(&mut self, step: &Step<S::Op>) {
        let last = self.replicas.len() - 1;
        let replica = |at: &usize| *at.min(&last);
        match step {
            Step::Edit { at, op, now } => self.edit(replica(at), op, Timestamp::from_millis(*now)),
            Step::Merge { from, into } => {
                let from = self.replicas[replica(from)].clone();
                self.merge(&from, replica(into));
            }
            Step::MergeBackup { from, into } => {
                let from = self.backups[replica(from)].clone();
                self.merge(&from, replica(into));
            }
            Step::Deliver { deltas, into } => self.deliver(deltas, replica(into)),
            Step::Sync { from, into, stale } => self.sync(replica(from), replica(into), *stale),
            Step::Restart { at, json } => self.restart(replica(at), *json),
            Step::Backup { at } => {
                self.backups[replica(at)] = self.replicas[replica(at)].clone();
            }
            Step::Restore { at } => {
                self.renew(self.backups[replica(at)].clone(), replica(at));
            }
            Step::Fork { from, into } => {
                self.renew(self.replicas[replica(from)].clone(), replica(into));
                self.backups[replica(into)] = self.replicas[replica(into)].clone();
            }
        }
    }

    fn edit(&mut self, at: usize, op: &S::Op, now: Timestamp) {
        let id = self.replicas[at].id;
        let before = (*self.replicas[at].state).clone();
        let delta = S::edit(Rc::make_mut(&mut self.replicas[at].state), op, id, now);
        let state = &self.replicas[at].state;
        let seen = self.seen(&self.replicas[at].seen);
        let event = S::event_of(op, id, now, &seen, delta.as_ref());
        assert_eq!(delta.is_some(), event.is_some(), "refused where it should be");
        let (Some(delta), Some(event)) = (delta, event) else {
            assert_eq!(**state, before, "a refused edit changes nothing");
            return;
        };
        let mut via_delta = before;
        if self.events.len() % 3 == 0 {
            let other = &self.replicas[(at + 1) % self.replicas.len()].state;
            let edit = |state: &mut S::State| S::edit(state, op, id, now);
            assert_eq!(drafted::<S>(&mut via_delta, other, edit), Some(delta.clone()));
        }
        via_delta.apply(&delta);
        assert_eq!(via_delta, **state, "the delta does what the edit did");
        let number = self.events.len();
        let mut told = BTreeSet::from([number]);
        let earlier = self.replicas[at].seen.iter().copied();
        told.extend(earlier.filter(|&earlier| {
            self.events[earlier].0 == id && S::tells_of(&event, &self.events[earlier].1)
        }));
        self.events.push((id, Rc::new(event)));
        self.deltas.push(Rc::new((delta, told)));
        Rc::make_mut(&mut self.replicas[at].seen).insert(number);
        self.verify(at);
    }

    fn merge(&mut self, from: &Replica<S::State>, into: usize) {
        let target = &mut self.replicas[into];
        let before = Rc::clone(&target.state);
        let changed = Rc::make_mut(&mut target.state).merge(&from.state);
        assert_eq!(changed, target.state != before, "merge tells the truth");
        S::merged(&before, &from.state, &target.state);
        S::tried(&before, &from.state, &S::Delta::default());
        Rc::make_mut(&mut target.seen).extend(from.seen.iter());
        self.verify(into);
    }

    fn deliver(&mut self, deltas: &[usize], into: usize) {
        let (mut message, mut told) = (S::Delta::default(), BTreeSet::new());
        for &back in deltas {
            if let Some(last) = self.deltas.len().checked_sub(1) {
                let (delta, events) = &*self.deltas[last - back.min(last)];
                message.merge(&through_compact(&through_json(delta)));
                told.extend(events.iter().copied());
            }
        }
        self.apply(into, through_bytes(&message), &told);
    }

    fn sync(&mut self, from: usize, into: usize, stale: bool) {
        let asks = if stale { &self.backups[into] } else { &self.replicas[into] };
        let delta = self.replicas[from].state.delta_since(&asks.state.version());
        let seen = Rc::clone(&self.replicas[from].seen);
        self.apply(into, through_bytes(&delta), &seen);
        let mut merged = (*self.replicas[into].state).clone();
        assert!(!merged.merge(&self.replicas[from].state), "the delta lacked something");
        let rest = self.replicas[from].state.delta_since(&merged.version());
        assert_eq!(rest, S::Delta::default(), "nothing is sent twice");
    }

    fn apply(&mut self, into: usize, delta: S::Delta, told: &BTreeSet<usize>) {
        let target = &mut self.replicas[into];
        let before = Rc::clone(&target.state);
        let changed = Rc::make_mut(&mut target.state).apply(&delta);
        assert_eq!(changed, target.state != before, "apply tells the truth");
        S::applied(&before, &delta, &target.state);
        S::tried(&before, &target.state, &delta);
        Rc::make_mut(&mut target.seen).extend(told.iter());
        self.verify(into);
    }

    fn restart(&mut self, at: usize, json: bool) {
        let state = &mut self.replicas[at].state;
        let back = if json { through_json(&**state) } else { through_bytes(&**state) };
        assert_eq!(back, **state, "a round trip changes nothing");
        *state = Rc::new(back);
        self.verify(at);
    }

    /// A replica goes on from an earlier state or from another's, in a new life.
    fn renew(&mut self, state: Replica<S::State>, at: usize) {
        self.lives += 1;
        let id = self.replicas[at].id.with_incarnation(self.lives);
        self.replicas[at] = Replica { id, ..state };
        self.verify(at);
    }

    fn verify(&self, at: usize) {
        let Replica { state, seen, .. } = &self.replicas[at];
        S::check(state).unwrap();
        assert_eq!(S::value(state), S::meaning(&self.seen(seen)), "the value is the model's");
    }

    /// All replicas meet, in different orders.
    pub(crate) fn meet(&self) -> S::State {
        let join = |order: &mut dyn Iterator<Item = &S::State>| {
            let mut joined = S::State::default();
            order.for_each(|state| _ = joined.merge(state));
            joined
        };
        let forward = join(&mut self.states());
        let backward = join(&mut self.replicas.iter().rev().map(|it| &*it.state));
        assert_eq!(forward, backward, "all orders agree");
        assert_eq!(text(&forward), text(&backward), "equal states are written alike");
        assert_eq!(bytes(&forward), bytes(&backward), "equal states are written alike");
        let seen = self.seen_by_any();
        assert_eq!(S::value(&forward), S::meaning(&self.seen(&seen)), "the join is the model's");
        forward
    }

    /// Every delta ever made, shuffled and in part repeated, is every state there ever was.
    pub(crate) fn replay(&self, joined: &S::State, shuffle: &[usize]) {
        let mut from_deltas = (*self.start).clone();
        let mut order: Vec<usize> = (0..self.deltas.len()).collect();
        if !order.is_empty() {
            shuffle.iter().for_each(|&at| order.swap(0, at % self.deltas.len()));
            order.extend(shuffle.iter().map(|at| at % self.deltas.len()));
        }
        for at in order {
            from_deltas.apply_owned(self.deltas[at].0.clone());
        }
        let every = (0..self.events.len()).collect();
        assert_eq!(S::value(&from_deltas), S::meaning(&self.seen(&every)), "deltas are the state");
        assert!(!from_deltas.merge(joined), "deltas hold all that states hold");
    }

    /// The end of a history: all are what they were, all meet, and the laws hold.
    pub(crate) fn finish(&self, shuffle: &[usize]) {
        (0..self.replicas.len()).for_each(|at| self.verify(at));
        check_laws(&self.states().collect::<Vec<_>>());
        self.replay(&self.meet(), shuffle);
    }
}

fn joined<T: Merge + Clone>(a: &T, b: &T) -> T {
    let mut a = a.clone();
    a.merge(b);
    a
}

pub(crate) fn check_laws<T: Merge + Clone + PartialEq + Debug>(states: &[&T]) {
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
