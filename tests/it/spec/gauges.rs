//! What a name has open is what its latest life opened and did not close.

use crate::{
    history::{histories, misused},
    small::Small,
    world::{Seen, Subject},
};
use proptest::prelude::*;
use rejoin::{Gauge, Liveness, ReplicaId, Timestamp, laws::Invariants};
use std::{collections::BTreeMap, time::Duration};

/// An edit, in which life of its replica.
#[derive(Clone, Copy, Debug)]
pub(super) struct Op(u32, Edit);

#[derive(Clone, Copy, Debug)]
enum Edit {
    Open(u64),
    Close(u64),
    Renew(u64),
}
use Edit::{Close, Open, Renew};

/// A replica that is restored goes on in another life of its name already.
fn life(op: &Op, id: ReplicaId) -> u32 {
    id.incarnation() * 4 + op.0
}

/// What a life has said.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Told {
    life: u32,
    opened: u64,
    closed: u64,
    until: u64,
}

/// Tells it again from the beginning: the edits of the last life, one by one.
fn told<'a>(edits: impl Iterator<Item = &'a Op> + Clone) -> Told {
    let life = edits.clone().map(|op| op.0).max().unwrap_or(0);
    let mut told = Told { life, ..Told::default() };
    for op in edits.filter(|op| op.0 == life) {
        match op.1 {
            Open(by) => told.opened += by,
            Close(by) => told.closed += by,
            Renew(until) => told.until = told.until.max(until),
        }
    }
    told
}

/// When the model reads, and the latest that a lease may end then: the skew is 3.
const READ: [u64; 3] = [0, 7, 20];

pub(super) struct Gauged;

impl Subject for Gauged {
    type State = Gauge;
    type Delta = Gauge;
    type Op = Op;
    /// None where nothing changes.
    type Event = Option<Op>;
    type Value = (BTreeMap<ReplicaId, Told>, [u128; 3], u128);

    fn ops() -> BoxedStrategy<Op> {
        let life = prop_oneof![6 => Just(0), 4 => Just(1), 2 => Just(2)];
        let edit = prop_oneof![
            4 => (0..9_u64).prop_map(Open),
            1 => prop_oneof![Just(u64::MAX), Just(u64::MAX / 2)].prop_map(Open),
            4 => (0..9_u64).prop_map(Close),
            3 => (0..30_u64).prop_map(Renew),
        ];
        (life, edit).prop_map(|(life, edit)| Op(life, edit)).boxed()
    }

    fn edit(gauge: &mut Gauge, op: &Op, id: ReplicaId, _: Timestamp) -> Option<Gauge> {
        let id = id.with_incarnation(life(op, id));
        match op.1 {
            Open(by) => gauge.open(by, id).ok(),
            Close(by) => gauge.close(by, id).ok(),
            Renew(until) => gauge.renew(id, Timestamp::from_millis(until)).ok(),
        }
    }

    fn check(gauge: &Gauge) -> Result<(), &'static str> {
        gauge.check_invariants()
    }

    fn value(gauge: &Gauge) -> Self::Value {
        let row = |row: rejoin::gauge::Row| {
            assert_eq!(gauge.row(row.replica()), Some(row));
            assert_eq!(gauge.row(row.replica().with_incarnation(9)), Some(row));
            assert_eq!(row.open(), row.opened() - row.closed());
            let until = row.until().map_or(0, Timestamp::as_millis);
            let life = row.replica().incarnation();
            let told = Told { life, opened: row.opened(), closed: row.closed(), until };
            (row.replica().with_incarnation(0), told)
        };
        let skew = Duration::from_millis(3);
        let members = [7, 9].map(ReplicaId::from_u128);
        (
            gauge.by_replica().map(row).collect(),
            READ.map(|now| {
                let now = Timestamp::from_millis(now);
                gauge.value_at(&Liveness::leases(now, skew))
            }),
            gauge.value_at(&Liveness::members(members)),
        )
    }

    fn event(
        op: &Op,
        id: ReplicaId,
        _: Timestamp,
        seen: &Seen<'_, Option<Op>>,
    ) -> Option<Option<Op>> {
        let (name, op) = (id.with_incarnation(0), Op(life(op, id), op.1));
        let of_name = seen.0.iter().filter(|event| event.1.with_incarnation(0) == name);
        let known = told(of_name.filter_map(|event| event.2.as_ref()));
        let before = if op.0 > known.life { Told::default() } else { known };
        let fits = match op.1 {
            Open(by) => before.opened.checked_add(by).is_some(),
            Close(by) => before.closed + by.min(u64::MAX / 2) <= before.opened,
            Renew(_) => true,
        };
        let changes = match op.1 {
            Open(by) | Close(by) => by > 0,
            Renew(until) => until > before.until,
        };
        let is_noticed = changes || op.0 > known.life;
        (op.0 >= known.life && fits).then(|| is_noticed.then_some(op))
    }

    fn meaning(seen: &Seen<'_, Option<Op>>) -> Self::Value {
        let mut edits = BTreeMap::<ReplicaId, Vec<&Op>>::new();
        for (_, id, op) in &seen.0 {
            if let Some(op) = op {
                edits.entry(id.with_incarnation(0)).or_default().push(op);
            }
        }
        let rows: BTreeMap<_, _> =
            edits.into_iter().map(|(id, edits)| (id, told(edits.into_iter()))).collect();
        let open = |counts: &dyn Fn(&ReplicaId, &Told) -> bool| {
            let counted = rows.iter().filter(|(id, told)| counts(id, told));
            counted.map(|(_, told)| u128::from(told.opened) - u128::from(told.closed)).sum()
        };
        let alive = READ.map(|now| open(&|_, told| told.until > 0 && now < told.until + 3));
        let members = open(&|id, _| [7, 9].map(ReplicaId::from_u128).contains(id));
        (rows, alive, members)
    }

    /// A row says all that its life has done; what earlier lives did does not matter then.
    fn tells_of(event: &Option<Op>, _: &Option<Op>) -> bool {
        event.is_some()
    }
}

#[test]
fn gauge_histories() {
    histories::<Gauged>();
}

#[test]
fn gauge_misused() {
    misused::<Gauged>();
}

#[test]
fn gauge_small_worlds() {
    Small::<Gauged> {
        name: "Gauge",
        aged: false,
        past: &[Op(0, Open(2))],
        alphabet: &[Op(0, Close(1)), Op(1, Open(1)), Op(1, Renew(9))],
        operations: 6,
    }
    .walk();
}
