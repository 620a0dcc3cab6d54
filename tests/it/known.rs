//! What versions tell of one another, beside what deltas do.

use crate::{at, replica};
use proptest::prelude::*;
use rejoin::{
    BoundedCounter, Delta, DeltaState, Document, EnableFlag, GCounter, Gauge, Known, LwwRegister,
    Merge, MvRegister, OrMap, OrSet, PnCounter, Presence, ReplicaId, SetDelta, VectorClock,
    Version, causal::DotKernel, document::Value,
};
use std::{collections::BTreeMap, fmt::Debug};

/// One state before and after a write by `us`, and after a later one by `eu` elsewhere.
fn compares<T>(mut edit: impl FnMut(&mut T, ReplicaId))
where
    T: DeltaState<Version: Known + Debug> + Clone + Default,
{
    let (us, eu) = (replica("us-east-1"), replica("eu-west-1"));
    let mut backup = T::default();
    edit(&mut backup, us);
    let mut ours = backup.clone();
    edit(&mut ours, us);
    let mut theirs = backup.clone();
    edit(&mut theirs, eu);
    let mut both = ours.clone();
    both.merge(&theirs);

    let states = [T::default(), backup, ours, theirs, both];
    for a in &states {
        for b in &states {
            let lacks_nothing = b.delta_since(&a.version()).is_empty();
            assert_eq!(a.version().covers(&b.version()), lacks_nothing);
            meets(&a.version(), &b.version(), states.each_ref().map(T::version));
        }
    }
    let [nothing, backup, ours, theirs, _] = states.map(|it| it.version());
    assert!(backup.exceeds(&nothing, us) && !backup.exceeds(&nothing, eu));
    assert!(ours.exceeds(&backup, us) && !ours.exceeds(&backup, eu));
    assert!(!backup.exceeds(&ours, us) && !ours.exceeds(&ours, us));
    assert!(theirs.exceeds(&ours, eu) || !theirs.covers(&ours) && ours.covers(&theirs));
    assert!(!theirs.exceeds(&ours, us) && !nothing.exceeds(&ours, us));
}

/// What two versions both cover at most.
fn meets<V: Known + PartialEq + Debug>(a: &V, b: &V, others: impl IntoIterator<Item = V>) {
    let meet = a.meet(b);
    assert_eq!(meet, b.meet(a));
    assert!(a.covers(&meet) && b.covers(&meet));
    assert_eq!(meet == *a, b.covers(a), "{a:?} and {b:?} give {meet:?}");
    for lower in others {
        assert!(meet.covers(&lower) || !a.covers(&lower) || !b.covers(&lower), "{lower:?}");
    }
}

#[test]
fn every_version_tells_what_another_lacks() {
    compares::<VectorClock>(|it, id| _ = it.increment(id).unwrap());
    compares::<GCounter>(|it, id| _ = it.increment(3, id).unwrap());
    compares::<PnCounter>(|it, id| _ = it.increment(3, id).unwrap());
    compares::<PnCounter>(|it, id| _ = it.decrement(3, id).unwrap());
    compares::<BoundedCounter>(|it, id| _ = it.increment(3, id).unwrap());
    compares::<Gauge>(|it, id| _ = it.open(3, id).unwrap());
    compares::<Presence<String, u8>>(|it, id| _ = it.join("same".into(), 7, id).unwrap());
    compares::<LwwRegister<String>>(|it, id| _ = it.set(id.to_string(), id, at(1)).unwrap());
    compares::<MvRegister<String>>(|it, id| _ = it.set(id.to_string(), id).unwrap());
    compares::<EnableFlag>(|it, id| _ = it.enable(id).unwrap());
    compares::<OrSet<String>>(|it, id| _ = it.insert("same".into(), id).unwrap());
    compares::<OrMap<String, u64>>(|it, id| _ = it.insert("x".into(), 7, id, at(1)).unwrap());
    compares::<Document>(|it, id| _ = it.set("/x", id.to_string(), id, at(1)).unwrap());
    compares::<DotKernel<u64>>(|it, id| _ = it.write(7, &[], id).unwrap());
    compares::<(GCounter, EnableFlag)>(|it, id| _ = it.1.enable(id).unwrap());
    compares::<Option<PnCounter>>(|it, id| {
        it.get_or_insert_default().increment(1, id).unwrap();
    });
    compares::<BTreeMap<ReplicaId, OrSet<u8>>>(|it, id| {
        it.entry(id).or_default().insert(1, id).unwrap();
    });
}

#[test]
fn a_removal_is_a_write() {
    let (us, eu) = (replica("us-east-1"), replica("eu-west-1"));
    let mut ours = OrSet::new();
    ours.insert(1, us).unwrap();
    let before = ours.version();
    ours.remove(&1, eu).unwrap();
    assert!(ours.version().exceeds(&before, eu) && !ours.version().exceeds(&before, us));
}

#[test]
fn a_register_tells_only_of_its_last_write() {
    let (us, eu) = (replica("us-east-1"), replica("eu-west-1"));
    let mut theirs = LwwRegister::new();
    let nothing = theirs.version();
    theirs.set(1, us, at(1)).unwrap();
    assert!(theirs.version().exceeds(&nothing, us));
    theirs.set(2, eu, at(2)).unwrap();
    assert!(!theirs.version().exceeds(&nothing, us), "overwritten without a trace");
    assert!(!().exceeds(&(), us) && ().covers(&()));
}

proptest! {
    /// With insertions, removals and deltas that arrive with gaps and again.
    #[test]
    fn versions_of_random_histories_meet(
        steps in prop::collection::vec((0..3_usize, 0..3_usize, 0..5_u8, 0..9_usize), 1..30),
    ) {
        let ids = ["a", "b", "c"].map(replica);
        let mut states = [(); 3].map(|()| OrSet::<u8>::new());
        let (mut deltas, mut versions) = (vec![SetDelta::default()], vec![Version::default()]);
        for (who, from, element, what) in steps {
            match what {
                0..3 => deltas.push(states[who].insert(element, ids[who]).unwrap()),
                3..5 => deltas.push(states[who].remove(&element, ids[who]).unwrap()),
                5..8 => {
                    states[who].apply(&deltas[what * 7 % deltas.len()]);
                }
                _ => {
                    let other = states[from].clone();
                    states[who].merge(&other);
                }
            }
            versions.push(states[who].version());
        }
        for a in &versions {
            versions.iter().for_each(|b| meets(a, b, versions.iter().cloned()));
        }
        let all = states.map(|it| it.version());
        let stable = all.iter().cloned().reduce(|one, other| one.meet(&other)).unwrap();
        prop_assert!(all.iter().all(|it| it.covers(&stable)));
    }
}

#[test]
fn stats_count_what_there_is() {
    let (us, eu) = (replica("us-east-1"), replica("eu-west-1"));
    let mut document = Document::new();
    let root = Value::from_iter([("a", 1_u64), ("b", 2)]);
    let first = document.set("", root, us, at(1)).unwrap();
    document.set("/a", 3, us, at(2)).unwrap();
    let third = document.remove("/b", us, at(3)).unwrap();
    let told = |document: &Document| {
        let stats = document.stats();
        (stats.replicas, stats.live, stats.intervals)
    };
    assert_eq!(told(&document), (1, 2, 1));
    let mut lacks_one = Document::new();
    lacks_one.apply(&first);
    lacks_one.apply(&third);
    lacks_one.set("/c", 1, eu, at(4)).unwrap();
    assert_eq!(told(&lacks_one), (2, 3, 3));
    assert_eq!(told(&Document::new()), (0, 0, 0));
}
