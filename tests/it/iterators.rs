//! Named iterators: from both ends, with an exact length, and the same whichever way they are walked.

use crate::{at, encoded::kernel, replica};
use rejoin::{
    DeltaState, Document, GCounter, Gauge, Merge, MvRegister, OrMap, OrSet, Presence, ReplicaId,
    VectorClock, Version, document::Value,
};
use std::{fmt::Debug, iter::FusedIterator};

/// Walks it in every way there is, and returns what it yields.
#[track_caller]
fn walked<I>(iter: &I) -> Vec<I::Item>
where
    I: Iterator<Item: PartialEq + Debug>
        + Clone
        + DoubleEndedIterator
        + ExactSizeIterator
        + FusedIterator
        + Debug,
{
    let mut forward = Vec::new();
    let mut left = iter.clone();
    while let Some(item) = left.next() {
        forward.push(item);
        assert_eq!(left.size_hint(), (left.len(), Some(left.len())));
        assert_eq!(left.len() + forward.len(), iter.len());
    }
    assert!(left.next().is_none() && left.next_back().is_none());
    let mut folded = Vec::new();
    iter.clone().for_each(|item| folded.push(item));
    assert_eq!(folded, forward);
    let mut backward: Vec<_> = iter.clone().rev().collect();
    backward.reverse();
    assert_eq!(backward, forward);
    // From both ends in turns, until they meet; and the rest at once.
    for turns in 0..forward.len().min(70) {
        let (mut both, mut front, mut back) = (iter.clone(), Vec::new(), Vec::new());
        for turn in 0..turns {
            if turn % 3 == 0 { back.extend(both.next_back()) } else { front.extend(both.next()) }
        }
        assert_eq!(both.len() + turns, forward.len());
        front.extend(both);
        front.extend(back.into_iter().rev());
        assert_eq!(front, forward);
    }
    assert!(!format!("{iter:?}").is_empty());
    forward
}

fn ids() -> [ReplicaId; 3] {
    ["us-east-1", "eu-west-1", "ap-south-1"].map(replica)
}

/// Blocks that are full, in part and gone, and elements with several live inserts.
fn set() -> OrSet<u64> {
    let [us, eu, ap] = ids();
    let mut ours = OrSet::new();
    ours.extend(0..400, us).unwrap();
    ours.retain(|element| element % 3 > 0 && !(128..192).contains(element), us).unwrap();
    let mut theirs = ours.clone();
    let mut others = ours.clone();
    theirs.extend(300..420, eu).unwrap();
    others.extend([1, 2, 3, 310, 410], ap).unwrap();
    ours.extend([1, 500], us).unwrap();
    [theirs, others].iter().for_each(|it| _ = ours.merge(it));
    ours
}

#[test]
fn those_of_sets() {
    let set = set();
    let elements = walked(&set.iter());
    assert_eq!(elements.len(), set.len());
    let mut sorted = elements.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), elements.len(), "each once");
    assert_eq!((&set).into_iter().collect::<Vec<_>>(), elements);
    let delta = set.delta_since(&Version::default());
    assert!(walked(&delta.added()).len() > elements.len(), "each insert");
    let kernel = kernel::<u64>(&set);
    assert_eq!(walked(&kernel.payloads()), walked(&delta.added()));
    assert_eq!(walked(&kernel.iter()).len(), kernel.live_len());
    assert_eq!(walked(&kernel.context().replicas()), [ids()[2], ids()[1], ids()[0]]);
    assert!(walked(&OrSet::<u64>::new().iter()).is_empty());
}

#[test]
fn those_of_maps() {
    let [us, eu, ap] = ids();
    let mut ours = OrMap::new();
    ours.extend((0..200_u64).map(|key| (key, key)), us, at(1)).unwrap();
    ours.retain(|key, _| key % 5 > 0, us).unwrap();
    let mut theirs = ours.clone();
    theirs.extend((150..210).map(|key| (key, 1)), eu, at(2)).unwrap();
    ours.extend((180..190).map(|key| (key, 2)), ap, at(3)).unwrap();
    ours.merge(&theirs);
    let entries = walked(&ours.iter());
    assert_eq!(entries.len(), ours.len());
    assert!(entries.iter().all(|(key, value)| ours.get(*key) == Some(value)));
    assert_eq!(walked(&ours.keys()), entries.iter().map(|it| it.0).collect::<Vec<_>>());
    assert_eq!(walked(&ours.values()), entries.iter().map(|it| it.1).collect::<Vec<_>>());
    assert_eq!((&ours).into_iter().collect::<Vec<_>>(), entries);
    let siblings = walked(&ours.siblings(&185));
    assert_eq!(siblings.iter().map(|it| *it.1).collect::<Vec<_>>(), [1, 2], "the one read is last");
    assert!(walked(&ours.siblings(&1_000)).is_empty());
    let delta = ours.delta_since(&Version::default());
    assert_eq!(walked(&delta.writes()).len(), entries.len() + 10);
    assert_eq!(delta.latest(), Some(at(3)));
}

#[test]
fn those_of_clocks_counters_and_registers() {
    let [us, eu, ap] = ids();
    let counts = [(ap, 3), (eu, 2), (us, 1)];
    assert_eq!(walked(&VectorClock::from_iter(counts).iter()), counts);
    assert_eq!(walked(&GCounter::from_iter(counts).iter()), counts);
    assert_eq!((&GCounter::from_iter(counts)).into_iter().collect::<Vec<_>>(), counts);
    let mut gauge = Gauge::new();
    counts.iter().for_each(|(id, count)| _ = gauge.open(*count, *id).unwrap());
    let rows = walked(&gauge.by_replica());
    assert_eq!(rows.iter().map(|row| (row.replica(), row.open())).collect::<Vec<_>>(), counts);
    let mut presence = Presence::new();
    counts
        .iter()
        .for_each(|(id, count)| _ = presence.extend([(*count, 'a'), (9, 'b')], *id).unwrap());
    let nodes = walked(&presence.by_replica());
    assert_eq!(nodes.iter().map(|node| node.replica()).collect::<Vec<_>>(), [ap, eu, us]);
    assert_eq!(walked(&nodes[0].entries()), [(&3, &'a'), (&9, &'b')]);
    let mut register = MvRegister::new();
    let delta = register.set(7, us).unwrap();
    register.apply(&MvRegister::new().set(8, eu).unwrap());
    assert_eq!(walked(&register.values()), [&8, &7]);
    assert_eq!(walked(&delta.written()), [&7]);
}

#[test]
fn those_of_deltas() {
    let [us, eu, ap] = ids();
    let mut document = Document::new();
    let fields = (0..150_u64).map(|name| (name.to_string(), name));
    let mut delta = document.set("", fields.collect::<Value>(), us, at(1)).unwrap();
    for name in 0..5 {
        delta.merge(&document.remove(&format!("/{name}"), eu, at(2)).unwrap());
    }
    delta.merge(&document.set("/7", "x", ap, at(3)).unwrap());
    assert_eq!(walked(&delta.writes()).len(), delta.write_count());
    assert_eq!(walked(&delta.removals()).len(), 5);
    assert_eq!(walked(&delta.replicas()), [ap, eu, us]);
}
