//! What a replica may take is what it made or was given, less what it gave away or took.

use crate::{
    history::{histories, misused},
    small::Small,
    world::{Seen, Subject},
};
use proptest::prelude::*;
use rejoin::{BoundedCounter, ReplicaId, Timestamp, laws::Invariants};
use std::collections::BTreeMap;

pub(super) struct Bounded;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Edit {
    Increment(u64),
    Decrement(u64),
    /// To a replica of the world, or to one that never writes.
    Transfer(u64, u128),
}
use Edit::{Decrement, Increment, Transfer};

fn rights(seen: &Seen<'_, Edit>) -> BTreeMap<ReplicaId, u128> {
    let mut all = BTreeMap::<ReplicaId, [u128; 2]>::new();
    for (_, id, edit) in &seen.0 {
        let mut book = |id: ReplicaId, side: usize, amount: u64| {
            all.entry(id).or_default()[side] += u128::from(amount);
        };
        match edit {
            Increment(by) => book(*id, 0, *by),
            Decrement(by) => book(*id, 1, *by),
            Transfer(amount, to) => {
                book(ReplicaId::from_u128(*to), 0, *amount);
                book(*id, 1, *amount);
            }
        }
    }
    all.into_iter().map(|(id, [got, gone])| (id, got.saturating_sub(gone))).collect()
}

impl Subject for Bounded {
    type State = BoundedCounter;
    type Delta = BoundedCounter;
    type Op = Edit;
    type Event = Edit;
    type Value = (u128, Vec<(ReplicaId, u128)>);

    fn ops() -> BoxedStrategy<Edit> {
        let to = prop_oneof![Just(7_u128), Just(3), Just(9), Just(2)];
        prop_oneof![
            (0..9_u64).prop_map(Increment),
            (0..6_u64).prop_map(Decrement),
            (0..6_u64, to).prop_map(|(amount, to)| Transfer(amount, to)),
        ]
        .boxed()
    }

    fn edit(
        state: &mut BoundedCounter,
        edit: &Edit,
        id: ReplicaId,
        _: Timestamp,
    ) -> Option<BoundedCounter> {
        let left = state.rights(id);
        let refused = match *edit {
            Increment(by) => return state.increment(by, id).ok(),
            Decrement(by) => state.decrement(by, id),
            Transfer(amount, to) => state.transfer(amount, id, ReplicaId::from_u128(to)),
        };
        refused
            .map_err(|error| {
                assert_eq!((error.is_short(), error.left()), (true, left));
                let mut all = error.elsewhere().to_vec();
                assert!(all.windows(2).all(|pair| pair[0].1 >= pair[1].1), "the most first");
                all.extend((left > 0).then_some((id, left)));
                all.sort_unstable();
                assert_eq!(all, state.by_replica());
            })
            .ok()
    }

    fn check(state: &BoundedCounter) -> Result<(), &'static str> {
        for (id, rights) in state.by_replica() {
            assert_eq!(state.rights(id), rights);
        }
        state.check_invariants()
    }

    fn value(state: &BoundedCounter) -> Self::Value {
        (state.value(), state.by_replica())
    }

    fn event(edit: &Edit, id: ReplicaId, _: Timestamp, seen: &Seen<'_, Edit>) -> Option<Edit> {
        let left = || rights(seen).get(&id).copied().unwrap_or(0);
        let (Decrement(wanted) | Transfer(wanted, _)) = *edit else { return Some(*edit) };
        if left() < u128::from(wanted) {
            return None;
        }
        // To itself nothing is given.
        let to_itself = matches!(edit, Transfer(_, to) if ReplicaId::from_u128(*to) == id);
        Some(if to_itself { Increment(0) } else { *edit })
    }

    fn tells_of(edit: &Edit, earlier: &Edit) -> bool {
        match (edit, earlier) {
            (Increment(0) | Decrement(0) | Transfer(0, _), _) => false,
            (Increment(_), Increment(_)) | (Decrement(_), Decrement(_)) => true,
            (Transfer(_, to), Transfer(_, other)) => to == other,
            _ => false,
        }
    }

    fn meaning(seen: &Seen<'_, Edit>) -> Self::Value {
        let mut sums = [0_u128; 2];
        for (_, _, edit) in &seen.0 {
            match edit {
                Increment(by) => sums[0] += u128::from(*by),
                Decrement(by) => sums[1] += u128::from(*by),
                Transfer(..) => {}
            }
        }
        let held = rights(seen).into_iter().filter(|(_, rights)| *rights > 0).collect();
        (sums[0].saturating_sub(sums[1]), held)
    }
}

#[test]
fn bounded_counter_histories() {
    histories::<Bounded>();
}

#[test]
fn bounded_counter_misused() {
    misused::<Bounded>();
}

#[test]
fn bounded_counter_small_worlds() {
    Small::<Bounded> {
        name: "BoundedCounter",
        aged: false,
        past: &[Increment(3)],
        alphabet: &[Decrement(2), Transfer(2, 3), Increment(1)],
        operations: 5,
    }
    .walk();
}
