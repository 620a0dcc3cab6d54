//! `GMap`: keys are never removed, and each merges on its own.

use crate::{at, replica};
use rejoin::{
    DeltaState, GCounter, GMap, Merge, OrMap, OrSet, PnCounter, laws,
    wire::{self, Schema},
};
use std::collections::BTreeMap;

#[test]
fn a_map_of_sets_keeps_the_laws() {
    type Map = GMap<u64, OrSet<u64>>;
    laws::delta_histories(0..300, &Map::new(), |map, choice, by, _| {
        let (key, number) = (choice % 3, choice / 4 % 4);
        let delta = map.update(key, |set| match choice / 16 % 4 {
            0 => set.remove(&number, by),
            _ => set.insert(number, by),
        });
        delta.ok()
    })
    .unwrap();
}

#[test]
fn an_update_is_all_or_nothing() {
    let us = replica("us");
    let mut map: GMap<&str, PnCounter> = GMap::new();
    let delta = map.update("a", |count| count.increment(3, us)).unwrap();
    assert_eq!(delta, BTreeMap::from([("a", map.get("a").unwrap().clone())]));
    let before = map.clone();
    for key in ["a", "new"] {
        let failed = map.update(key, |count| {
            count.increment(u64::MAX - 3, us)?;
            count.increment(u64::MAX, us)
        });
        assert!(failed.unwrap_err().is_counter_overflow());
        assert_eq!(map, before);
    }
    assert_eq!((map.len(), map.is_empty(), map.get("new")), (1, false, None));
}

#[test]
fn maps_in_maps_sync_by_what_they_lack() {
    type Map = GMap<String, GMap<u8, OrMap<u8, u8>>>;
    let (us, eu) = (replica("us"), replica("eu"));
    let (mut ours, mut theirs) = (Map::new(), Map::new());
    let write = |map: &mut Map, key: &str, by| {
        map.update(key.into(), |inner| inner.update(1, |it| it.insert(2, 3, by, at(1)))).unwrap()
    };
    write(&mut ours, "a", us);
    write(&mut theirs, "a", eu);
    let delta = write(&mut theirs, "b", eu);
    assert_eq!(delta.keys().collect::<Vec<_>>(), ["b"]);
    assert!(ours.apply_owned(theirs.delta_since(&ours.version())));
    assert!(!ours.apply(&delta));
    assert!(theirs.merge(&ours));
    assert_eq!(ours, theirs);
    assert!(ours.delta_since(&theirs.version()).is_empty());
}

#[test]
fn its_bytes_and_json_are_those_of_a_sorted_map() {
    let us = replica("us");
    let mut map: GMap<u64, GCounter> = GMap::new();
    for key in [9, 2, 5] {
        map.update(key, |count| count.increment(key, us)).unwrap();
    }
    let sorted: BTreeMap<_, _> = map.iter().map(|(key, count)| (*key, count.clone())).collect();
    let bytes = wire::to_bytes(&map);
    assert_eq!(bytes, wire::to_bytes(&sorted));
    assert_eq!(wire::from_bytes::<GMap<u64, GCounter>>(&bytes).unwrap(), map);
    assert_eq!(Schema::of::<GMap<u64, GCounter>>().to_string(), "BTreeMap<u64, GCounter>");
    let json = serde_json::to_string(&map).unwrap();
    assert_eq!(json, serde_json::to_string(&sorted).unwrap());
    assert_eq!(serde_json::from_str::<GMap<u64, GCounter>>(&json).unwrap(), map);
}
