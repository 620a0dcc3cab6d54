//! A register reads the visible write that no other visible write comes after.

use crate::{
    history::{histories, misused},
    small::Small,
    world::{Seen, Subject, limited, stamped},
};
use proptest::prelude::*;
use rejoin::{LwwRegister, ReplicaId, Stamp, Timestamp};

/// The epoch, the stamp, the value.
type Written = (u64, Stamp, u8);

pub(super) struct LastWriter;

impl Subject for LastWriter {
    type State = LwwRegister<u8>;
    type Delta = LwwRegister<u8>;
    type Op = u8;
    type Event = Written;
    type Value = Option<Written>;

    fn ops() -> BoxedStrategy<u8> {
        any::<u8>().boxed()
    }

    fn edit(
        state: &mut LwwRegister<u8>,
        value: &u8,
        replica: ReplicaId,
        now: Timestamp,
    ) -> Option<LwwRegister<u8>> {
        state.set(*value, replica, limited(now)).ok()
    }

    fn value(state: &LwwRegister<u8>) -> Self::Value {
        Some((state.epoch(), state.stamp()?, *state.get()?))
    }

    fn event(
        value: &u8,
        replica: ReplicaId,
        now: Timestamp,
        seen: &Seen<'_, Written>,
    ) -> Option<Written> {
        let seen = Self::meaning(seen);
        let (epoch, over) = seen.map_or((0, None), |it| (it.0, Some(it.1.time.as_millis())));
        let time = stamped(now, over);
        let (epoch, time) = match over {
            Some(over) if time <= over => (epoch + 1, now.as_millis()),
            _ => (epoch, time),
        };
        Some((epoch, Stamp { time: time.into(), replica }, *value))
    }

    fn meaning(seen: &Seen<'_, Written>) -> Self::Value {
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
