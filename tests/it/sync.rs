//! One generic loop for every type: ask, answer, apply, by bytes; and the same in memory.

use crate::{at, encoded::through_bytes, replica};
use rejoin::{
    BoundedCounter, Delta, DeltaState, Document, EnableFlag, GCounter, Gauge, LwwRegister, Merge,
    MvRegister, OrMap, OrSet, PnCounter, Presence, ReplicaId, VectorClock,
    causal::DotKernel,
    wire::{self, Wire},
};
use std::{
    collections::{BTreeMap, HashMap},
    fmt::Debug,
    time::Duration,
};

/// Brings one replica what it lacks of another: a question, and the answer.
fn ask<T>(asks: &mut T, answers: &T)
where
    T: DeltaState<Delta: Wire, Version: Wire>,
{
    let question = wire::to_bytes(&asks.version());
    let answer = answers.delta_since(&wire::from_bytes(&question).unwrap());
    wire::apply_bytes(asks, &wire::to_bytes(&answer)).unwrap();
}

/// Two replicas edit apart and meet; `edit` returns the delta of what it did.
#[track_caller]
fn meets<T>(mut edit: impl FnMut(&mut T, ReplicaId) -> T::Delta)
where
    T: DeltaState<Delta: Wire, Version: Wire> + Clone + Default + PartialEq + Debug,
{
    let (us, eu) = (replica("us-east-1"), replica("eu-west-1"));
    let (mut ours, mut theirs) = (T::default(), T::default());
    let mut deltas = T::Delta::default();
    assert!(deltas.is_empty() && !ours.apply(&deltas));
    for id in [us, eu, us] {
        let delta = edit(if id == us { &mut ours } else { &mut theirs }, id);
        assert!(!delta.is_empty());
        deltas.merge(&delta);
    }
    let mut all = ours.clone();
    all.merge(&theirs);

    let mut by_deltas = T::default();
    assert!(by_deltas.apply_owned(through_bytes(&deltas)));
    assert_eq!(by_deltas, all, "all deltas are the state");
    let mut fresh = T::default();
    assert!(fresh.apply(&all.delta_since(&T::Version::default())));
    assert_eq!(fresh, all, "whoever knows nothing is sent all");

    ask(&mut ours, &theirs);
    ask(&mut theirs, &ours);
    assert_eq!(ours, theirs);
    assert_eq!(ours, all);
    assert!(ours.delta_since(&theirs.version()).is_empty(), "nothing is sent twice");
}

#[test]
fn every_type_syncs_by_one_loop() {
    meets::<VectorClock>(|it, id| it.increment(id).unwrap());
    meets::<GCounter>(|it, id| it.increment(3, id).unwrap());
    meets::<PnCounter>(|it, id| it.decrement(3, id).unwrap());
    meets::<BoundedCounter>(|it, id| it.increment(3, id).unwrap());
    meets::<Gauge>(|it, id| it.open(3, id).unwrap());
    meets::<Gauge>(|it, id| {
        let before = it.row(id).and_then(|row| row.until()).unwrap_or(at(7));
        it.renew(id, before.saturating_add(Duration::from_secs(1))).unwrap()
    });
    meets::<Presence<String, u8>>(|it, id| it.join(id.to_string(), 7, id).unwrap());
    meets::<LwwRegister<String>>(|it, id| it.set(id.to_string(), id, at(1)).unwrap());
    meets::<MvRegister<String>>(|it, id| it.set(id.to_string(), id).unwrap());
    meets::<EnableFlag>(|it, id| it.enable(id).unwrap());
    meets::<OrSet<String>>(|it, id| it.insert(id.to_string(), id).unwrap());
    meets::<OrMap<String, u64>>(|it, id| it.insert("x".into(), 7, id, at(1)).unwrap());
    meets::<Document>(|it, id| it.set("/x", id.to_string(), id, at(1)).unwrap());
    meets::<DotKernel<u64>>(|it, id| it.write(7, &[], id).unwrap());
}

type Four = (GCounter, EnableFlag, Option<MvRegister<u8>>, BTreeMap<u8, OrSet<u8>>);

type Session = (PnCounter, OrSet<String>);

fn session(state: &mut Session, id: ReplicaId) -> <Session as DeltaState>::Delta {
    (state.0.increment(1, id).unwrap(), state.1.insert(id.to_string(), id).unwrap())
}

#[test]
fn tuples_options_and_maps_of_states_sync_by_the_same_loop() {
    meets::<(PnCounter,)>(|it, id| (it.0.increment(1, id).unwrap(),));
    meets(session);
    meets::<Option<Session>>(|it, id| Some(session(it.get_or_insert_default(), id)));
    meets::<BTreeMap<String, Session>>(|it, id| {
        let user = id.to_string();
        BTreeMap::from([(user.clone(), session(it.entry(user).or_default(), id))])
    });
    // A hash map has no bytes, its deltas and versions have.
    meets::<HashMap<String, Session>>(|it, id| {
        BTreeMap::from([("ana".into(), session(it.entry("ana".into()).or_default(), id))])
    });
    meets::<Four>(|it, id| {
        let register = it.2.get_or_insert_default().set(3, id).unwrap();
        let set = it.3.entry(7).or_default().insert(7, id).unwrap();
        let map = BTreeMap::from([(7, set)]);
        (it.0.increment(1, id).unwrap(), it.1.enable(id).unwrap(), Some(register), map)
    });
}

#[test]
fn a_part_that_was_never_written_arrives_all_the_same() {
    let ours = BTreeMap::from([("ana".to_owned(), PnCounter::new())]);
    let mut theirs = BTreeMap::new();
    let delta = ours.delta_since(&theirs.version());
    assert!(!delta.is_empty());
    assert!(theirs.apply(&delta) && !theirs.apply(&delta));
    assert_eq!(ours, theirs);
    assert!(ours.delta_since(&theirs.version()).is_empty());

    let (some, mut none) = (Some(GCounter::new()), None);
    assert!(none.apply(&some.delta_since(&None)));
    assert_eq!(none, some);
    assert!(some.delta_since(&some.version()).is_none());
    assert!(!none.apply(&None) && none.is_some());
}
