//! `CausalMap`: named cases. What its values mean is told by `spec::nested` and `spec::counted`.

use crate::{at, encoded::bytes, replica};
use allocation_counter::measure;
use rejoin::{
    CausalMap, Delta, DeltaState, EnableFlag, LwwRegister, Merge, MvRegister, OrSet, PnCounter,
    ReplicaId, WriteError, causal_map::CounterView, laws::Invariants, sync::Gate, wire,
};
use serde_json::json;

type Counts = CausalMap<String, PnCounter>;

fn ids() -> [ReplicaId; 3] {
    ["us", "eu", "ap"].map(replica)
}

fn count(map: &Counts, key: &str) -> Option<i128> {
    map.get(key).map(CounterView::value)
}

/// `basho/riak_dt#98`: 4 is read there.
#[test]
fn a_remove_takes_the_increments_that_it_had_seen_and_no_others() {
    let [us, eu, ap] = ids();
    let mut ours = Counts::new();
    ours.entry("n".into()).increment(3, us).unwrap();
    let (mut theirs, mut third) = (ours.clone(), ours.clone());
    theirs.remove("n", eu).unwrap();
    assert_eq!(count(&theirs, "n"), None);
    ours.entry("n".into()).increment(1, us).unwrap();
    ours.merge(&theirs);
    assert_eq!(count(&ours, "n"), Some(1));

    // Another remove that had seen less, and one that had seen more.
    third.remove("n", ap).unwrap();
    ours.merge(&third);
    assert_eq!(count(&ours, "n"), Some(1));
    let mut later = ours.clone();
    later.remove("n", ap).unwrap();
    ours.entry("n".into()).increment(10, us).unwrap();
    ours.merge(&later);
    assert_eq!(count(&ours, "n"), Some(10));
}

#[test]
fn what_was_removed_and_written_again_brings_nothing_old_back() {
    let [us, eu, _] = ids();
    let mut ours: CausalMap<u8, CausalMap<u8, OrSet<&str>>> = CausalMap::new();
    ours.entry(1).entry(2).insert("old", us).unwrap();
    let mut theirs = ours.clone();
    ours.remove(&1, us).unwrap();
    ours.entry(1).entry(3).insert("new", us).unwrap();
    theirs.entry(1).entry(2).insert("unseen", eu).unwrap();
    ours.merge(&theirs);
    theirs.merge(&ours);
    assert_eq!(ours, theirs);
    assert_eq!(format!("{ours:?}"), r#"{1: {2: {"unseen"}, 3: {"new"}}}"#);
}

/// A note is there until the replica that it is for has written anything.
#[test]
fn notes_are_taken_back_once_they_are_read() {
    let [us, eu, ap] = ids();
    let mut ours = Counts::new();
    for key in ["a", "b", "c"] {
        ours.entry(key.into()).increment(2, us).unwrap();
        ours.entry(key.into()).increment(2, ap).unwrap();
    }
    let mut theirs = ours.clone();
    theirs.clear(eu).unwrap();
    assert_eq!((theirs.len(), theirs.stats().live), (0, 3), "a note for each counter");
    assert_eq!(theirs.iter().count(), 0);

    // Nothing is left to be noted of a replica's own counts.
    let mut alone = ours.clone();
    alone.clear(ap).unwrap();
    alone.clear(us).unwrap();
    assert_eq!(alone.stats().live, 3);

    // One goes on with "a" before it hears of that, and its note is needed on.
    ours.entry("a".into()).increment(5, us).unwrap();
    ours.merge(&theirs);
    assert_eq!((count(&ours, "a"), ours.len()), (Some(5), 1));
    let delta = ours.entry("d".into()).increment(1, us).unwrap();
    assert_eq!(ours.stats().live, 5, "two tallies; to us of a, to ap of a, b and c");
    theirs.merge(&ours);
    let last = theirs.entry("d".into()).increment(1, ap).unwrap();
    assert_eq!(theirs.stats().live, 4, "three tallies, and the note to us");
    ours.apply(&delta.joined(last));
    assert_eq!((count(&ours, "a"), count(&ours, "d")), (Some(5), Some(2)));
    ours.remove("a", us).unwrap();
    assert_eq!(ours.stats().live, 2, "the two tallies of d");
    ours.check_invariants().unwrap();
}

#[test]
fn counting_and_removing_in_turn_leaves_nothing_behind() {
    let ids = ids();
    let mut states = [Counts::new(), Counts::new(), Counts::new()];
    for round in 0..300 {
        let key = format!("session {round}");
        for (state, id) in states.iter_mut().zip(ids) {
            state.entry(key.clone()).increment(1, id).unwrap();
        }
        let (remover, other) = (round % 3, (round + 1) % 3);
        let theirs = states[other].clone();
        states[remover].merge(&theirs);
        states[remover].remove(&*key, ids[remover]).unwrap();
        let all = states.clone();
        for state in &mut states {
            all.iter().for_each(|other| _ = state.merge(other));
        }
    }
    // One did not meet the remover in time: so much is left of each, and no more.
    assert_eq!(states[0].iter().map(|(_, count)| count.value()).sum::<i128>(), 300);
    let [us, ..] = ids;
    states[0].clear(us).unwrap();
    let mut last = states[0].clone();
    for id in ids {
        last.entry("end".into()).increment(1, id).unwrap();
    }
    assert_eq!(last.stats().live, 3, "nothing but the last three");
    assert!(bytes(&last).len() < 200, "{}", bytes(&last).len());
}

#[test]
fn a_sum_that_does_not_fit_is_refused_and_changes_nothing() {
    let [us, eu, _] = ids();
    let mut map = Counts::new();
    map.entry("n".into()).increment(i64::MAX as u64, us).unwrap();
    let before = map.clone();
    let refused = [
        map.entry("n".into()).increment(1, us),
        map.entry("n".into()).increment(u64::MAX, us),
        map.entry("n".into()).decrement(u64::MAX, us),
    ];
    assert!(refused.iter().all(|it| it.as_ref().is_err_and(WriteError::is_counter_overflow)));
    assert_eq!(map, before);
    map.entry("n".into()).increment(i64::MAX as u64, eu).unwrap();
    assert_eq!(count(&map, "n"), Some(2 * i128::from(i64::MAX)));
}

/// Of a replica that has used up its counters, nothing is changed.
#[test]
fn a_replica_that_is_used_up_writes_nothing() {
    let all = json!({"us": {"seen": [[1, u64::MAX]], "live": [
        [7, {"key": "n", "write": {"tally": {"start": 7, "sum": 1}}}],
    ]}});
    let mut map: Counts = serde_json::from_value(all).unwrap();
    let before = map.clone();
    let [us, eu, _] = ids();
    assert!(map.entry("n".into()).increment(1, us).is_err());
    assert!(map.remove("n", us).is_err());
    assert_eq!(map, before);
    map.remove("n", eu).unwrap();
    assert_eq!(map.len(), 0);
}

/// Forged: a note of counts that its replica is yet to make, and a tally that begins after itself.
#[test]
fn what_is_forged_stops_no_counter() {
    let [us, ..] = ids();
    let note = json!([{"replica": "us", "start": 1, "last": 1_u64 << 40, "sum": 99}]);
    let forged = json!({"eu": {"seen": [[1, 2]], "live": [
        [1, {"key": "n", "write": {"note": note}}],
        [2, {"key": "m", "write": {"tally": {"start": 900, "sum": 4}}}],
    ]}});
    let mut map: Counts = serde_json::from_value(forged).unwrap();
    map.entry("n".into()).increment(2, us).unwrap();
    assert_eq!(count(&map, "n"), Some(2));
    map.entry("n".into()).increment(3, us).unwrap();
    assert_eq!((count(&map, "n"), count(&map, "m")), (Some(5), Some(4)));
    map.remove("m", us).unwrap();
    assert_eq!(wire::from_bytes::<Counts>(&bytes(&map)).unwrap(), map);
    map.check_invariants().unwrap();
}

#[test]
fn what_is_unsound_is_refused() {
    let entry = |replica: &str, start: u64, last: u64| json!({"replica": replica, "start": start, "last": last, "sum": 1});
    for write in [
        json!({"note": []}),
        json!({"note": [entry("us", 3, 2)]}),
        json!({"note": [entry("us", 0, 2)]}),
        json!({"note": [entry("us", 1, 2), entry("eu", 1, 2)]}),
        json!({"note": [entry("us", 1, 2), entry("us", 1, 2)]}),
        json!({"tally": {"start": 0, "sum": 1}}),
        json!({"tally": {"start": 1, "sum": 1, "more": 1}}),
    ] {
        let form = json!({"eu": {"seen": [[1, 1]], "live": [[1, {"key": "n", "write": write}]]}});
        assert!(serde_json::from_value::<Counts>(form.clone()).is_err(), "{form}");
    }
}

/// Thousands of writes that name one long key take the memory of one.
#[test]
fn a_key_that_many_writes_name_is_held_once() {
    let [us, ..] = ids();
    let mut map: CausalMap<String, OrSet<u64>> = CausalMap::new();
    let key = "k".repeat(100_000);
    let mut whole = map.entry(key.clone()).insert(0, us).unwrap();
    for element in 1..2_000 {
        whole.merge(&map.entry(key.clone()).insert(element, us).unwrap());
    }
    let bytes = bytes(&map);
    assert!(bytes.len() < 110_000, "{}", bytes.len());
    let mut read = CausalMap::default();
    let used = measure(|| read = wire::from_bytes(&bytes).unwrap()).bytes_max;
    assert!(used < 1_000_000, "{used} bytes to read {}", bytes.len());
    assert_eq!(read, map);
    // What comes in shares the key that is there.
    for element in 2_000..2_100 {
        let delta = read.clone().entry(key.clone()).insert(element, us).unwrap();
        let kept = measure(|| _ = read.apply(&delta)).bytes_current;
        assert!(kept < 10_000, "{kept}");
    }
}

#[test]
fn every_kind_of_value_is_read_and_cleared() {
    let [us, eu, _] = ids();
    let mut last: CausalMap<&str, LwwRegister<u8>> = CausalMap::new();
    let delta = last.entry("a").set(1, us, at(9)).unwrap();
    assert_eq!(delta.latest(), Some(at(9)));
    assert_eq!(last.get("a").unwrap().stamp().unwrap().time, at(9));
    assert!(last.entry("b").clear(us).unwrap().is_empty());
    let refused = Gate::new().until(at(8)).check(&last, &delta);
    assert!(refused.is_err(), "a gate sees the times in it");

    let mut siblings: CausalMap<&str, MvRegister<u8>> = CausalMap::new();
    let mut theirs = siblings.clone();
    siblings.entry("a").set(1, us).unwrap();
    theirs.entry("a").set(2, eu).unwrap();
    siblings.merge(&theirs);
    let read = siblings.get("a").unwrap();
    assert_eq!((read.get(), read.values().len()), (None, 2));
    assert_eq!(format!("{siblings:?} {last:?}"), r#"{"a": [2, 1]} {"a": Some(1)}"#);
    siblings.entry("a").clear(us).unwrap();
    assert!(siblings.is_empty() && !siblings.contains_key("a"));

    let mut flags: CausalMap<&str, EnableFlag> = CausalMap::new();
    let failed = flags.edit(|flags| {
        flags.entry("a").enable(us)?;
        Err::<_, Box<dyn std::error::Error>>("no".into())
    });
    assert!(failed.is_err() && flags.is_empty());
    flags.entry("a").enable(us).unwrap();
    flags.entry("b").enable(us).unwrap();
    assert!((&flags).into_iter().rev().map(|it| it.0).eq([&"b", &"a"]));
}
