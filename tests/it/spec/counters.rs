//! A count is the sum of what was counted.

use crate::{
    history::{histories, misused},
    small::Small,
    world::{Seen, Subject},
};
use proptest::prelude::*;
use rejoin::{GCounter, PnCounter, ReplicaId, Timestamp, VectorClock, laws::Invariants};
use std::collections::BTreeMap;

pub(super) struct Clock;

impl Subject for Clock {
    type State = VectorClock;
    type Delta = VectorClock;
    type Op = ();
    type Event = ();
    type Value = BTreeMap<ReplicaId, u64>;

    fn ops() -> BoxedStrategy<()> {
        Just(()).boxed()
    }

    fn edit(clock: &mut VectorClock, (): &(), id: ReplicaId, _: Timestamp) -> Option<VectorClock> {
        clock.increment(id).ok()
    }

    fn value(clock: &VectorClock) -> Self::Value {
        clock.iter().collect()
    }

    fn check(clock: &VectorClock) -> Result<(), &'static str> {
        let mut entries = clock.iter();
        assert!(entries.all(|(replica, count)| clock.get(replica) == count));
        assert_eq!(
            (clock.len(), clock.is_empty()),
            (clock.iter().count(), clock.iter().len() == 0)
        );
        clock.check_invariants()
    }

    fn event((): &(), _: ReplicaId, _: Timestamp, _: &Seen<'_, ()>) -> Option<()> {
        Some(())
    }

    fn tells_of((): &(), (): &()) -> bool {
        true
    }

    fn meaning(seen: &Seen<'_, ()>) -> Self::Value {
        let mut counts = BTreeMap::new();
        seen.0.iter().for_each(|(_, replica, ())| *counts.entry(*replica).or_default() += 1);
        counts
    }
}

pub(super) struct Growing;

impl Subject for Growing {
    type State = GCounter;
    type Delta = GCounter;
    type Op = u64;
    type Event = u64;
    type Value = u128;

    fn ops() -> BoxedStrategy<u64> {
        prop_oneof![0..9_u64, Just(u64::MAX), Just(u64::MAX / 2)].boxed()
    }

    fn edit(state: &mut GCounter, by: &u64, id: ReplicaId, _: Timestamp) -> Option<GCounter> {
        state.increment(*by, id).ok()
    }

    fn check(state: &GCounter) -> Result<(), &'static str> {
        state.check_invariants()
    }

    fn value(state: &GCounter) -> u128 {
        assert!(state.iter().all(|(replica, count)| state.get(replica) == count));
        state.value()
    }

    fn event(by: &u64, id: ReplicaId, _: Timestamp, seen: &Seen<'_, u64>) -> Option<u64> {
        let own = seen.0.iter().filter(|event| event.1 == id).map(|event| *event.2);
        own.sum::<u64>().checked_add(*by).map(|_| *by)
    }

    fn tells_of(event: &u64, _: &u64) -> bool {
        // An increment by nothing has an empty delta.
        *event > 0
    }

    fn meaning(seen: &Seen<'_, u64>) -> u128 {
        seen.0.iter().map(|event| u128::from(*event.2)).sum()
    }
}

pub(super) struct UpAndDown;

impl Subject for UpAndDown {
    type State = PnCounter;
    type Delta = PnCounter;
    type Op = i64;
    type Event = i64;
    type Value = i128;

    fn ops() -> BoxedStrategy<i64> {
        (-9..9_i64).boxed()
    }

    fn edit(state: &mut PnCounter, by: &i64, id: ReplicaId, _: Timestamp) -> Option<PnCounter> {
        if *by < 0 {
            state.decrement(by.unsigned_abs(), id).ok()
        } else {
            state.increment(by.unsigned_abs(), id).ok()
        }
    }

    fn check(state: &PnCounter) -> Result<(), &'static str> {
        state.check_invariants()
    }

    fn value(state: &PnCounter) -> i128 {
        state.value()
    }

    fn event(by: &i64, _: ReplicaId, _: Timestamp, _: &Seen<'_, i64>) -> Option<i64> {
        Some(*by)
    }

    fn meaning(seen: &Seen<'_, i64>) -> i128 {
        seen.0.iter().map(|event| i128::from(*event.2)).sum()
    }

    /// An increment tells of the increments before it, a decrement of the decrements.
    fn tells_of(event: &i64, earlier: &i64) -> bool {
        *event != 0 && (*event < 0) == (*earlier < 0)
    }
}

#[test]
fn vector_clock_histories() {
    histories::<Clock>();
}

#[test]
fn vector_clock_misused() {
    misused::<Clock>();
}

#[test]
fn g_counter_histories() {
    histories::<Growing>();
}

#[test]
fn g_counter_misused() {
    misused::<Growing>();
}

#[test]
fn pn_counter_histories() {
    histories::<UpAndDown>();
}

#[test]
fn pn_counter_misused() {
    misused::<UpAndDown>();
}

#[test]
fn vector_clock_small_worlds() {
    Small::<Clock> { name: "VectorClock", aged: false, past: &[], alphabet: &[()], operations: 6 }
        .walk();
}

#[test]
fn g_counter_small_worlds() {
    Small::<Growing> {
        name: "GCounter",
        aged: false,
        past: &[2],
        alphabet: &[1, 0],
        operations: 6,
    }
    .walk();
}

#[test]
fn pn_counter_small_worlds() {
    Small::<UpAndDown> {
        name: "PnCounter",
        aged: false,
        past: &[],
        alphabet: &[1, -3],
        operations: 6,
    }
    .walk();
}
