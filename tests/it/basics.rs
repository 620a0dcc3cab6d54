//! What is not a matter of merging: ids, clocks, and the lattices over std.

use crate::{at, replica};
use proptest::prelude::*;
use rejoin::{
    Causality, LwwRegister, Max, Merge, Min, MvRegister, OrMap, OrSet, ReplicaId, Stamp,
    VectorClock,
};
use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
};

#[test]
fn ids_parse_and_print_as_exact_inverses() {
    for text in [
        "a",
        "us-east-1",
        "ap-southeast-1",
        "sixteen-bytes-ok",
        "northamerica-northeast1-pod4",
        "us-east-1#1",
        "ap-southeast-1#4294967295",
        "67e55044-10b1-426f-9247-bb680e5fe0c8#7",
        "00000000-0000-0000-0000-000000000000",
        "67e55044-10b1-426f-9247-bb680e5fe0c8",
    ] {
        assert_eq!(replica(text).to_string(), text);
        assert_eq!(format!("{:?}", replica(text)), text);
    }
    for text in [
        "",
        "twenty-nine-bytes-are-too-lon",
        "#1",
        "us-east-1#",
        "us-east-1#0",
        "us-east-1#01",
        "us-east-1#+1",
        "us-east-1#1#2",
        "us-east-1#4294967296",
        "67E55044-10b1-426f-9247-bb680e5fe0c8#1",
        "with space",
        "z\u{fc}rich",
        "tab\t",
        "67E55044-10b1-426f-9247-bb680e5fe0c8",
        "67e55044x10b1-426f-9247-bb680e5fe0c8",
        "+7e55044-10b1-426f-9247-bb680e5fe0c8",
        // The bytes of the name "a": it has one spelling.
        "61000000-0000-0000-0000-000000000000",
    ] {
        let error = text.parse::<ReplicaId>().unwrap_err();
        let told = error.to_string();
        assert!(told.starts_with(&format!("{text:?} is not a replica id: ")), "{told}");
        assert_eq!(ReplicaId::named(text), None);
    }
    assert_eq!(ReplicaId::named("us-east-1#1"), None, "it has no name of its own");
    let spaced = "us east".parse::<ReplicaId>().unwrap_err().to_string();
    assert!(spaced.contains("it has a space"), "{spaced}");
    assert_eq!(format!("{:>12}|", replica("us-east-1")), "   us-east-1|");
    assert_eq!(format!("{:>14}|", replica("us-east-1#1")), "   us-east-1#1|");
    let ordered =
        ["a", "a#1", "a#2", "a#10", "a-", "a0", "aa", "ab-and-many-more-letters-2#7", "b"];
    assert!(ordered.map(replica).is_sorted(), "by name, then by incarnation");
}

proptest! {
    #[test]
    fn every_id_prints_as_what_parses_back(id: u128, name in "[!\"$-~]{1,28}", life: u32) {
        let id = ReplicaId::from_u128(id);
        prop_assert_eq!(id.to_string().parse::<ReplicaId>().unwrap(), id);
        for id in [id, replica(&name)] {
            let reborn = id.with_incarnation(life);
            prop_assert_eq!(reborn.to_string().parse::<ReplicaId>().unwrap(), reborn);
            prop_assert_eq!(reborn.incarnation(), life);
            prop_assert_eq!(reborn.with_incarnation(0), id);
            prop_assert_eq!(reborn.cmp(&id), life.cmp(&0));
        }
        prop_assert_eq!(ReplicaId::named(&name), Some(replica(&name)));
        prop_assert_eq!(replica(&name).to_string(), name);
    }

    #[test]
    fn hashed_ids_are_version_8_uuids(name in ".*") {
        let text = ReplicaId::hashed(&name).to_string();
        prop_assert_eq!(text.len(), 36);
        prop_assert_eq!(&text[14..15], "8");
        prop_assert!("89ab".contains(&text[19..20]));
    }

    #[test]
    fn clocks_compare_merge_and_meet_as_maps_do(
        a in prop::collection::btree_map(0..12_u128, 0..4_u64, 0..12),
        b in prop::collection::btree_map(0..12_u128, 0..4_u64, 0..12),
    ) {
        let clock = |counts: &BTreeMap<u128, u64>| -> VectorClock {
            counts.iter().rev().map(|(id, count)| (ReplicaId::from_u128(*id), *count)).collect()
        };
        let (left, right) = (clock(&a), clock(&b));
        let get = |counts: &BTreeMap<u128, u64>, id| counts.get(&id).copied().unwrap_or(0);
        let below = (0..12).all(|id| get(&a, id) <= get(&b, id));
        let above = (0..12).all(|id| get(&a, id) >= get(&b, id));
        let (causality, order) = match (below, above) {
            (true, true) => (Causality::Equal, Some(Ordering::Equal)),
            (true, false) => (Causality::Before, Some(Ordering::Less)),
            (false, true) => (Causality::After, Some(Ordering::Greater)),
            (false, false) => (Causality::Concurrent, None),
        };
        prop_assert_eq!(left.compare(&right), causality);
        prop_assert_eq!(left.partial_cmp(&right), order);
        let mut join = left.clone();
        prop_assert_eq!(join.merge(&right), !above);
        let meet = left.meet(&right);
        for id in 0..12 {
            let (a, b) = (get(&a, id), get(&b, id));
            prop_assert_eq!(join.get(ReplicaId::from_u128(id)), a.max(b));
            prop_assert_eq!(meet.get(ReplicaId::from_u128(id)), a.min(b));
        }
        prop_assert_eq!(joined(&left, &meet), left, "absorption");
        prop_assert!(join.iter().chain(meet.iter()).all(|entry| entry.1 > 0));
    }

    #[test]
    fn std_lattices_keep_the_laws(values in prop::collection::vec(any::<[u8; 6]>(), 3)) {
        let of = |value: &[u8; 6]| {
            let [a, b, c, d, e, f] = *value;
            let map = BTreeMap::from([(a % 3, Max(b)), (c % 3, Max(d))]);
            let hashed = HashMap::from([(a % 3, Min(b)), (c % 3, Min(d))]);
            let sets = (BTreeSet::from([d % 4, e % 4]), HashSet::from([e % 4, f % 4]));
            (map, hashed, sets, (f % 2 == 0).then_some(Box::new(Max(e))))
        };
        let [a, b, c] = [0, 1, 2].map(|at| of(&values[at]));
        prop_assert_eq!(joined(&a, &a), a.clone());
        prop_assert_eq!(joined(&a, &b), joined(&b, &a));
        prop_assert_eq!(joined(&joined(&a, &b), &c), joined(&a, &joined(&b, &c)));
        let mut changed = a.clone();
        prop_assert_eq!(changed.merge(&b), changed != a);
        prop_assert!(!changed.merge(&b));
    }
}

fn joined<T: Merge + Clone>(a: &T, b: &T) -> T {
    let mut a = a.clone();
    a.merge(b);
    a
}

#[test]
fn stamps_order_by_time_then_replica() {
    let stamp = |time, id: &str| Stamp { time: at(time), replica: replica(id) };
    assert!(stamp(2, "a") > stamp(1, "z"));
    assert!(stamp(1, "b") > stamp(1, "a"));
}

#[test]
fn a_register_tells_when_and_by_whom_it_was_written() {
    let mut register = LwwRegister::new();
    assert_eq!((register.get(), register.stamp()), (None, None));
    register.set("value", replica("a"), at(7)).unwrap();
    let stamp = Stamp { time: at(7), replica: replica("a") };
    assert_eq!((register.get(), register.stamp()), (Some(&"value"), Some(stamp)));
    assert_eq!(register.epoch(), 0);
}

#[test]
fn a_register_with_one_sibling_has_a_value() {
    let mut register = MvRegister::new();
    assert_eq!(register.get(), None::<&u8>);
    assert!(register.clear(replica("a")).unwrap().is_empty(), "nothing to clear");
    register.set(1, replica("a")).unwrap();
    assert_eq!(register.get(), Some(&1));
    register.clear(replica("a")).unwrap();
    assert_eq!((register.get(), register.values().count()), (None, 0));
}

/// Joins `a` with `b` and the other way round: is both what they become, and is told of a change?
fn join_and_tell<T: Merge + Clone + PartialEq + std::fmt::Debug>(a: &T, b: &T, both: &T) {
    for (ours, theirs) in [(a, b), (b, a), (a, a), (b, b), (both, a), (both, b)] {
        let mut joined = ours.clone();
        assert_eq!(joined.merge(theirs), joined != *ours, "{ours:?} with {theirs:?}");
        assert_eq!(joined, if ours == theirs { ours.clone() } else { both.clone() });
    }
}

#[test]
fn each_std_lattice_joins_and_tells_by_itself() {
    join_and_tell(&Min(1), &Min(2), &Min(1));
    join_and_tell(&Max(1), &Max(2), &Max(2));
    join_and_tell(&None, &Some(Max(2)), &Some(Max(2)));
    join_and_tell(&Some(Max(1)), &Some(Max(2)), &Some(Max(2)));
    join_and_tell(&Box::new(Max(1)), &Box::new(Max(2)), &Box::new(Max(2)));
    join_and_tell(&(Max(1), Max(2)), &(Max(2), Max(1)), &(Max(2), Max(2)));
    join_and_tell(&BTreeSet::from([1, 2]), &BTreeSet::from([2, 3]), &BTreeSet::from([1, 2, 3]));
    join_and_tell(&HashSet::from([1, 2]), &HashSet::from([2, 3]), &HashSet::from([1, 2, 3]));
    let maps = [[(1, Max(1)), (2, Max(1))], [(2, Max(2)), (3, Max(1))]];
    let both = [(1, Max(1)), (2, Max(2)), (3, Max(1))];
    let [a, b] = maps.map(BTreeMap::from);
    join_and_tell(&a, &b, &BTreeMap::from(both));
    let [a, b] = maps.map(HashMap::from);
    join_and_tell(&a, &b, &HashMap::from(both));
}

#[test]
fn sets_and_maps_print_as_what_they_hold() {
    let (mut set, mut map) = (OrSet::new(), OrMap::new());
    set.insert("tag", replica("a")).unwrap();
    map.insert("key", 7, replica("a"), at(1)).unwrap();
    assert_eq!(format!("{set:?}"), r#"{"tag"}"#);
    assert_eq!(format!("{map:?}"), r#"{"key": 7}"#);
}

#[test]
fn a_set_is_empty_until_an_element_is_added_and_after_it_is_removed() {
    let mut set = OrSet::new();
    assert!(set.is_empty());
    set.insert(7, replica("a")).unwrap();
    assert!(!set.is_empty());
    set.remove(&7, replica("a")).unwrap();
    assert!(set.is_empty());
}

#[test]
fn a_map_is_empty_until_a_key_is_put_and_after_it_is_removed() {
    let mut map = OrMap::new();
    assert!(map.is_empty());
    map.insert(7, "value", replica("a"), at(1)).unwrap();
    assert!(!map.is_empty());
    map.remove(&7, replica("a")).unwrap();
    assert!(map.is_empty());
}
