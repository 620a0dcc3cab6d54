//! A register that is wrong: of two writes at one time it keeps what arrived last. The checks must
//! find that, and say how it comes about.

use crate::{
    history::try_histories,
    small::Small,
    world::{Seen, Subject},
};
use proptest::prelude::*;
use rejoin::{
    Delta, DeltaState, Merge, ReplicaId, Timestamp,
    wire::{DecodeError, Reader, Schema, Wire, Writer},
};

#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
struct LastArrival(Option<(u64, u8)>);

impl Wire for LastArrival {
    fn schema(schema: &mut Schema) {
        schema.named("LastArrival");
    }

    fn encode(&self, out: &mut Writer) {
        self.0.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Wire::decode(input).map(Self)
    }
}

impl Merge for LastArrival {
    fn merge(&mut self, other: &Self) -> bool {
        let time = |register: &Self| register.0.map(|write| write.0);
        let changes = time(other) >= time(self) && *self != *other;
        if changes {
            self.clone_from(other);
        }
        changes
    }
}

impl Delta for LastArrival {
    fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl DeltaState for LastArrival {
    type Delta = Self;
    type Version = Self;

    fn version(&self) -> Self {
        self.clone()
    }

    fn delta_since(&self, peer: &Self) -> Self {
        if self == peer { Self::default() } else { self.clone() }
    }

    fn apply(&mut self, delta: &Self) -> bool {
        self.merge(delta)
    }
}

struct Wrong;

impl Subject for Wrong {
    type State = LastArrival;
    type Delta = LastArrival;
    type Op = u8;
    type Event = (u64, u8);
    type Value = Option<u8>;

    fn ops() -> BoxedStrategy<u8> {
        any::<u8>().boxed()
    }

    fn edit(
        register: &mut LastArrival,
        value: &u8,
        _: ReplicaId,
        now: Timestamp,
    ) -> Option<LastArrival> {
        let after = register.0.map_or(0, |write| write.0 + 1);
        *register = LastArrival(Some((now.as_millis().max(after), *value)));
        Some(register.clone())
    }

    fn value(register: &LastArrival) -> Option<u8> {
        register.0.map(|write| write.1)
    }

    fn event(
        value: &u8,
        _: ReplicaId,
        now: Timestamp,
        seen: &Seen<'_, (u64, u8)>,
    ) -> Option<(u64, u8)> {
        let after = seen.0.iter().map(|event| event.2.0 + 1).max().unwrap_or(0);
        Some((now.as_millis().max(after), *value))
    }

    fn meaning(seen: &Seen<'_, (u64, u8)>) -> Option<u8> {
        seen.0.iter().map(|event| *event.2).max().map(|write| write.1)
    }
}

#[test]
fn a_random_history_finds_it_and_is_told_as_a_script() {
    // Shortened even where the environment asks for no shortening, as mutation testing does.
    let config = ProptestConfig { cases: 1_000, max_shrink_iters: 50_000, ..Default::default() };
    let told = try_histories::<Wrong>(config).unwrap_err();
    assert!(told.contains(" replicas, from 0:\n"), "no script:\n{told}");
    let edits = told.matches(" edits at time ").count();
    assert!((1..12).contains(&edits), "not shortened:\n{told}");
}

#[test]
#[should_panic(expected = "all orders agree")]
fn a_small_world_finds_it() {
    Small::<Wrong> {
        name: "LastArrival",
        aged: false,
        past: &[],
        alphabet: &[1, 2],
        operations: 0,
    }
    .walk_of(3);
}
