//! A register reads the visible write that no other visible write comes after.

use crate::{
    history::{histories, misused},
    small::Small,
    world::{Seen, Subject},
};
use proptest::prelude::*;
use rejoin::{LwwRegister, ReplicaId, Stamp, Timestamp};

pub(super) struct LastWriter;

impl Subject for LastWriter {
    type State = LwwRegister<u8>;
    type Delta = LwwRegister<u8>;
    type Op = u8;
    type Event = (Stamp, u8);
    type Value = Option<(Stamp, u8)>;

    fn ops() -> BoxedStrategy<u8> {
        any::<u8>().boxed()
    }

    fn edit(
        state: &mut LwwRegister<u8>,
        value: &u8,
        replica: ReplicaId,
        now: Timestamp,
    ) -> Option<LwwRegister<u8>> {
        // A limit that some of these histories run into.
        state.set(*value, replica, now.within(20)).ok()
    }

    fn value(state: &LwwRegister<u8>) -> Self::Value {
        Some((state.stamp()?, *state.get()?))
    }

    fn event(
        value: &u8,
        replica: ReplicaId,
        now: Timestamp,
        seen: &Seen<'_, (Stamp, u8)>,
    ) -> Option<(Stamp, u8)> {
        let after = Self::meaning(seen).map_or(0, |(stamp, _)| stamp.time.as_millis() + 1);
        let time = now.as_millis().max(after);
        let stamp = Stamp { time: time.into(), replica };
        (time - now.as_millis() <= 20).then_some((stamp, *value))
    }

    fn meaning(seen: &Seen<'_, (Stamp, u8)>) -> Self::Value {
        seen.0.iter().map(|event| *event.2).max()
    }
}

#[test]
fn lww_register_histories() {
    histories::<LastWriter>();
}

#[test]
fn lww_register_misused() {
    misused::<LastWriter>();
}

#[test]
fn lww_register_small_worlds() {
    Small::<LastWriter> {
        name: "LwwRegister",
        aged: false,
        past: &[],
        alphabet: &[1, 2],
        operations: 6,
    }
    .walk();
}
