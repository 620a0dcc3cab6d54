//! What a gate lets through, beside what a delta says was seen, dot by dot.

use crate::{at, encoded::seen, replica};
use proptest::prelude::*;
use rejoin::{
    Delta, DeltaState, Document, EnableFlag, GCounter, Known, LwwRegister, Merge, MvRegister,
    OrMap, OrSet, PnCounter, ReplicaId, Timestamp, VectorClock, Version,
    causal::{CausalContext, Dot, DotKernel},
    sync::{Gate, Refused},
    wire::{self, Limits, Wire},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
};

/// A peer may send what it wrote, in whatever life, and nothing else that is new.
#[track_caller]
fn guards<T>(mut edit: impl FnMut(&mut T, ReplicaId) -> T::Delta)
where
    T: DeltaState<Version: Known, Delta: Wire> + Clone + Default + PartialEq + Debug,
{
    let [us, ana, bo] = ["us-east-1", "ana", "bo"].map(replica);
    let from_ana = Gate::new().writers([ana.with_incarnation(3)]).not_mine(us);
    let mut state = T::default();
    edit(&mut state, us);
    let before = state.clone();

    let mut theirs = state.clone();
    let reborn = edit(&mut theirs, ana.with_incarnation(1));
    let delta = edit(&mut theirs, ana);
    for delta in [&delta, &reborn, &T::Delta::default(), &before.delta_since(&Default::default())] {
        assert_eq!(from_ana.check(&state, delta), Ok(()));
    }

    let mut forged = theirs.clone();
    let by_bo = edit(&mut forged, bo);
    let mut mixed = by_bo.clone();
    mixed.merge(&delta);
    for delta in [by_bo, mixed] {
        let bytes = wire::to_bytes(&delta);
        assert_eq!(from_ana.apply_bytes(&mut state, &bytes), Err(Refused::Writer(bo)));
        assert_eq!(state, before, "as it was");
        assert_eq!(Gate::new().writers([bo, ana]).check(&state, &delta), Ok(()));
    }
    let mut future = before.clone();
    let mine = edit(&mut future, us);
    assert_eq!(from_ana.check(&state, &mine), Err(Refused::Mine(us)));
    assert_eq!(Gate::new().not_mine(us).check(&state, &mine), Err(Refused::Mine(us)));
    assert_eq!(Gate::new().not_mine(us).check(&future, &mine), Ok(()), "it is known");
    assert_eq!(Gate::new().not_mine(us.with_incarnation(1)).check(&state, &mine), Ok(()));

    assert_eq!(from_ana.apply_bytes(&mut state, &wire::to_bytes(&reborn)), Ok(true));
    assert_eq!(from_ana.apply_bytes(&mut state, &wire::to_bytes(&delta)), Ok(true));
    assert_eq!(from_ana.apply_bytes(&mut state, &wire::to_bytes(&delta)), Ok(false));
    assert_eq!(state, theirs);
}

#[test]
fn every_type_is_guarded() {
    let mut clock = 0;
    let mut tick = || {
        clock += 1;
        at(clock)
    };
    guards::<VectorClock>(|it, id| it.increment(id).unwrap());
    guards::<GCounter>(|it, id| it.increment(3, id).unwrap());
    guards::<PnCounter>(|it, id| it.decrement(3, id).unwrap());
    guards::<LwwRegister<String>>(|it, id| it.set(id.to_string(), id, tick()).unwrap());
    guards::<MvRegister<String>>(|it, id| it.set(id.to_string(), id).unwrap());
    guards::<EnableFlag>(|it, id| it.enable(id).unwrap());
    guards::<OrSet<String>>(|it, id| it.insert(id.to_string(), id).unwrap());
    guards::<OrMap<String, u64>>(|it, id| it.insert("x".into(), 7, id, at(1)).unwrap());
    guards::<Document>(|it, id| it.set("", id.to_string(), id, at(1)).unwrap());
    guards::<DotKernel<u64>>(|it, id| it.write(7, &[], id).unwrap());
    guards::<(GCounter, OrSet<String>)>(|it, id| {
        (GCounter::new(), it.1.insert("x".into(), id).unwrap())
    });
    guards::<Option<OrSet<u8>>>(|it, id| Some(it.get_or_insert_default().insert(1, id).unwrap()));
    guards::<BTreeMap<u8, PnCounter>>(|it, id| {
        BTreeMap::from([(7, it.entry(7).or_default().increment(1, id).unwrap())])
    });
}

/// A delta that covers writes which nobody made would make them vanish when they are made.
#[test]
fn a_poisoned_context_is_refused() {
    let [us, ana] = ["us-east-1", "ana"].map(replica);
    let mut honest = OrSet::new();
    honest.extend(0..100_u8, us).unwrap();
    let poison = r#"{"us-east-1":{"seen":[[1,1000000]],"live":[]}}"#;
    let poison: OrSet<u8> = serde_json::from_str(poison).unwrap();
    let poison = poison.delta_since(&Version::default());
    let before = honest.clone();
    for gate in [Gate::new().writers([ana]), Gate::new().not_mine(us)] {
        assert!(gate.apply_bytes(&mut honest, &wire::to_bytes(&poison)).is_err());
        assert_eq!(honest, before);
    }
    assert!(Gate::new().check(&honest, &poison).is_ok(), "it is the two that find it");

    // What is known here may be removed by anybody who may write.
    let mut theirs = honest.clone();
    let removed = theirs.remove(&7, ana).unwrap();
    assert_eq!(Gate::new().writers([ana]).not_mine(us).check(&honest, &removed), Ok(()));
}

#[test]
fn no_write_is_stamped_after_the_limit_wherever_it_is() {
    let us = replica("us-east-1");
    let gate = |limit| Gate::new().until(at(limit));
    let dated = |time: u64| {
        let map = OrMap::new().insert(7_u8, 7_u8, us, at(time)).unwrap();
        let register = LwwRegister::new().set(7_u8, us, at(time)).unwrap();
        let document = Document::new().set("", 7, us, at(time)).unwrap();
        (map, register, document)
    };
    let (map, register, document) = dated(7);
    let late = Err(Refused::Time { time: at(7), limit: at(6) });
    assert_eq!(gate(7).check(&OrMap::new(), &map), Ok(()));
    assert_eq!(gate(6).check(&OrMap::new(), &map), late);
    assert_eq!(gate(6).check(&LwwRegister::new(), &register), late);
    assert_eq!(gate(6).check(&Document::new(), &document), late);
    let mut pair = <(GCounter, OrMap<u8, u8>)>::default();
    let part = (GCounter::new(), map.clone());
    assert_eq!(gate(6).check(&pair, &part), late);
    assert_eq!(gate(6).apply_bytes(&mut pair, &wire::to_bytes(&part)), late.clone().map(|()| true));
    assert_eq!(gate(6).check(&None::<OrMap<u8, u8>>, &Some(map.clone())), late);
    let keyed = BTreeMap::from([(1_u8, dated(3).0), (2, map)]);
    assert_eq!(gate(6).check(&BTreeMap::<u8, OrMap<u8, u8>>::new(), &keyed), late);
    assert_eq!(keyed.latest(), Some(at(7)));
    assert_eq!(GCounter::from_iter([(us, 1)]).latest(), None::<Timestamp>);
}

#[test]
fn reasons_name_the_thing_and_the_way_out() {
    let us = replica("us-east-1");
    let mut state = GCounter::new();
    let delta = GCounter::from_iter([(us, 7)]);
    let bytes = wire::to_bytes(&delta);
    let small = Gate::new().limits(Limits::new().bytes(4));
    let refused = small.apply_bytes(&mut state, &bytes).unwrap_err();
    assert!(matches!(refused, Refused::Bytes(_)), "{refused}");
    assert!(std::error::Error::source(&refused).is_some());
    let told = |refused: Refused| refused.to_string();
    let writer = Gate::new().writers([]).check(&state, &delta).unwrap_err();
    assert_eq!(told(writer), "the delta knows writes of us-east-1, which its sender may not send");
    let mine = Gate::new().not_mine(us).check(&state, &delta).unwrap_err();
    assert!(told(mine).ends_with("go on in a new incarnation"));
    let late = Refused::Time { time: at(9), limit: at(2) };
    assert_eq!(told(late), "a write is stamped 7 ms after the latest time that is accepted");
    assert_eq!(state, GCounter::new());
}

fn dots(context: &CausalContext) -> BTreeSet<Dot> {
    let of = |replica| context.intervals(replica).flatten().map(move |it| (replica, it));
    let dots = context.replicas().flat_map(of);
    dots.map(|(replica, counter)| Dot::new(replica, counter.try_into().unwrap())).collect()
}

proptest! {
    /// Deltas of random histories pass if and only if all dots that are new are by whom may write.
    #[test]
    fn a_gate_agrees_with_the_dots(
        steps in prop::collection::vec((0..4_usize, 0..4_usize, 0..6_u8, any::<bool>()), 1..40),
        listed in prop::collection::btree_set(0..4_usize, 0..4),
        mine in 0..4_usize,
    ) {
        let ids = ["a", "b", "a#1", "c"].map(replica);
        let mut states = [(); 4].map(|()| OrSet::<u8>::new());
        let gate = Gate::new().writers(listed.iter().map(|at| ids[*at])).not_mine(ids[mine]);
        let may = |writer: ReplicaId| {
            let name = |id: ReplicaId| id.with_incarnation(0);
            writer != ids[mine] && listed.iter().any(|at| name(ids[*at]) == name(writer))
        };
        for (who, from, element, removes) in steps {
            let delta = if who != from {
                states[from].delta_since(&states[who].version())
            } else if removes {
                states[who].remove(&element, ids[who]).unwrap()
            } else {
                states[who].insert(element, ids[who]).unwrap()
            };
            for state in &states {
                let mut alone = OrSet::new();
                alone.apply(&delta);
                let (told, known) = (dots(&seen(&alone)), dots(&seen(state)));
                let passes = told.difference(&known).all(|dot| may(dot.replica()));
                prop_assert_eq!(gate.check(state, &delta).is_ok(), passes);
            }
            states[who].apply(&delta);
        }
    }
}
