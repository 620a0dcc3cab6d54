//! Traces of what properties, reviews and attacks have found in this crate, so that it stays
//! found.

use crate::{
    at,
    encoded::{document_form, through_bytes},
    replica,
    spec::check_replay,
};
use proptest::prelude::*;
use rejoin::{
    DeltaState, Document, EnableFlag, Merge, MvRegister, OrMap, OrSet, Version,
    causal::{Change, Digest, DotKernel},
    document::{ConflictKind, DocumentDelta, Rules, Value},
    laws::Invariants,
};
use serde_json::json;
use std::panic::{AssertUnwindSafe, catch_unwind};

fn through_json(document: &Document) -> Document {
    serde_json::from_str(&serde_json::to_string(document).unwrap()).unwrap()
}

#[test]
fn the_delta_of_a_remove_is_not_empty() {
    let us = replica("us-east-1");
    let mut set = OrSet::new();
    set.insert(1, us).unwrap();
    assert!(!set.remove(&1, us).unwrap().is_empty());
    assert!(set.remove(&1, us).unwrap().is_empty(), "nothing was done");
    let mut flag = EnableFlag::new();
    flag.enable(us).unwrap();
    assert!(!flag.disable(us).unwrap().is_empty());
    let mut map = OrMap::new();
    map.insert(1, 1, us, at(1)).unwrap();
    assert!(!map.remove(&1, us).unwrap().is_empty());
    let mut document = Document::from_value(1_u64, us, at(1)).unwrap();
    assert!(!document.remove("", us, at(1)).unwrap().is_empty());
}

#[test]
fn an_update_deeper_than_a_path_may_be_is_refused() {
    let nested = |levels, leaf| (0..levels).fold(leaf, |it, _| Value::from_iter([("a", it)]));
    let us = replica("us-east-1");
    let deepest = nested(126, Value::Object(<_>::default()));
    let mut document = Document::from_value(deepest, us, at(1)).unwrap();
    let before = document.clone();
    let error = document.update(nested(128, 1_u64.into()), us, at(2)).unwrap_err();
    assert!(error.to_string().ends_with("deeper than 127 levels"));
    assert_eq!(document, before);
    assert_eq!(through_json(&document), document);
}

#[test]
fn whatever_array_is_accepted_can_be_read_back() {
    let us = replica("us-east-1");
    let nested = |levels| (0..levels).fold(Value::Null, |it, _| Value::Array(vec![it]));
    let deepest = Document::from_value(Value::from_iter([("x", nested(120))]), us, at(1)).unwrap();
    assert_eq!(through_json(&deepest), deepest);
    let within = serde_json::to_value(vec![&deepest; 2]).unwrap().to_string();
    assert_eq!(serde_json::from_str::<Vec<Document>>(&within).unwrap()[0], deepest);
    let error =
        Document::from_value(Value::from_iter([("x", nested(127))]), us, at(1)).unwrap_err();
    assert!(error.to_string().ends_with("deeper than 127 levels"), "{error}");
}

proptest! {
    #[test]
    fn floats_come_back_as_they_were(bits: u64, small in 0.0..1_000.0_f64) {
        let us = replica("us-east-1");
        // What is infinite or not a number is refused, by name.
        for float in [f64::from_bits(bits), small, -0.0].into_iter().filter(|it| it.is_finite()) {
            let document = Document::from_value(float, us, at(1)).unwrap();
            prop_assert_eq!(&through_json(&document), &document);
        }
    }
}

#[test]
fn the_ends_of_the_number_range_come_back_as_they_were() {
    let text = format!("[{}, {}, 0, 1e300, 5e-324]", u64::MAX, i64::MIN);
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value.to_string(), text.replace(' ', ""));
    assert!(serde_json::from_str::<Value>("1e400").is_err());
}

/// A removed, was told of B's write and wrote again: B, told both at once, is in no conflict.
#[test]
fn a_removal_that_its_own_writer_went_past_is_no_conflict() {
    let (us, eu) = (replica("us-east-1"), replica("eu-west-1"));
    let mut ours = Document::from_json(&json!({"x": 1}), us, at(1)).unwrap();
    let mut theirs = ours.clone();
    let mut delta = ours.remove("/x", us, at(2)).unwrap();
    ours.apply_owned(theirs.set("/x", 7_u64, eu, at(2)).unwrap());
    delta.merge(&ours.set("/x", 8_u64, us, at(3)).unwrap());
    assert_eq!(theirs.clone().merge_reporting(&ours).conflicts(), []);
    assert_eq!(theirs.apply_reporting(&delta).conflicts(), []);
    assert_eq!(theirs, ours);
}

#[test]
fn removed_and_set_again_to_what_the_other_side_sets_is_no_conflict() {
    let (us, eu) = (replica("us-east-1"), replica("eu-west-1"));
    let mut ours = Document::from_json(&json!({"x": 1}), us, at(1)).unwrap();
    let mut theirs = ours.clone();
    let mut edit = ours.edit(us, at(2));
    edit.remove("/x").unwrap().set("/x", 5_u64).unwrap();
    let again = edit.commit();
    theirs.set("/x", 5_u64, eu, at(2)).unwrap();
    assert_eq!(theirs.clone().merge_reporting(&ours).conflicts(), []);
    assert_eq!(theirs.apply_reporting(&again).conflicts(), []);
}

/// The edit arrives first, or the removal does, or both at once: one conflict, and by whom.
#[test]
fn an_object_removed_around_an_edit_is_one_conflict_however_it_arrives() {
    let (us, eu) = (replica("us-east-1"), replica("eu-west-1"));
    let base = Document::from_json(&json!({"m": {"text": "a", "who": "b"}}), us, at(1)).unwrap();
    let removed = base.clone().remove("/m", us, at(10)).unwrap();
    let edited = base.clone().set("/m/text", "A", eu, at(20)).unwrap();
    let mut both = edited.clone();
    both.merge(&removed);
    let arrivals: [&[&DocumentDelta]; 3] = [&[&edited, &removed], &[&removed, &edited], &[&both]];
    for deltas in arrivals {
        let mut document = base.clone();
        let reports: Vec<_> = deltas.iter().map(|delta| document.apply_reporting(delta)).collect();
        let [conflict] = reports.last().unwrap().conflicts() else { panic!("{reports:?}") };
        assert_eq!(
            (conflict.path.to_string().as_str(), conflict.kind),
            ("/m", ConflictKind::Deletion)
        );
        let by = conflict.losers[0].stamp.map(|stamp| stamp.replica);
        let told_before = std::ptr::eq(deltas[0], &raw const removed) && deltas.len() == 2;
        assert_eq!(by, (!told_before).then_some(us), "who removed is told with the removal");
    }
}

#[test]
fn a_panic_inside_an_edit_leaves_no_half_of_it() {
    let us = replica("us-east-1");
    let mut document = Document::from_json(&json!({"x": 1, "y": 2}), us, at(1)).unwrap();
    let before = document.clone();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let mut edit = document.edit(us, at(2));
        edit.set("/x", 2_u64).unwrap().remove("/y").unwrap();
        panic!("in the caller's code")
    }));
    assert!(panicked.is_err());
    assert_eq!(document, before);
    document.check_invariants().unwrap();
}

#[test]
fn a_panic_inside_a_report_leaves_the_kernel_whole() {
    let us = replica("us-east-1");
    let (mut ours, mut theirs) = (DotKernel::new(), DotKernel::new());
    for payload in 0..10 {
        theirs.write(payload, &[], us).unwrap();
    }
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        ours.merge_reporting(&theirs, |change| assert!(!matches!(change, Change::Came(_, 5))))
    }));
    assert!(panicked.is_err());
    ours.check_invariants().unwrap();
    assert!(ours.merge(&theirs));
    assert_eq!(ours, theirs);
}

#[test]
fn siblings_that_agree_are_a_value() {
    let (mut ours, mut theirs) = (MvRegister::new(), MvRegister::new());
    ours.set(1, replica("us-east-1")).unwrap();
    theirs.set(1, replica("eu-west-1")).unwrap();
    ours.merge(&theirs);
    assert_eq!((ours.get(), ours.values().count()), (Some(&1), 2));
    theirs.set(2, replica("eu-west-1")).unwrap();
    ours.merge(&theirs);
    assert_eq!(ours.get(), None);
}

#[test]
fn a_hostile_digest_costs_what_it_is() {
    let us = replica("us-east-1");
    let mut set = OrSet::new();
    set.extend(0..1_000, us).unwrap();
    (0..1_000).step_by(3).for_each(|element| _ = set.remove(&element, us).unwrap());
    let (end, before_end) = (u64::MAX, u64::MAX - 9);
    let unseen = json!({"seen": {}, "live": {"us-east-1": [[1, end]]}});
    assert!(serde_json::from_value::<Digest>(unseen).is_err());
    let some = json!({"us-east-1": [[2, 3], [before_end, end]], "zz": [[1, end]]});
    for hostile in [
        json!({"seen": {"us-east-1": [[1, end]]}, "live": {"us-east-1": [[1, end]]}}),
        json!({"seen": some, "live": {"zz": [[1, end]]}}),
    ] {
        let version: Version = serde_json::from_value(hostile).unwrap();
        set.delta_since(&version).check_invariants().unwrap();
    }
}

#[test]
fn a_document_at_the_end_of_its_writers_count_refuses_and_stays() {
    let us = replica("us-east-1");
    let last = u64::MAX - 2;
    let root = json!([last, {"path": [], "time": 1, "value": {}}]);
    let poisoned = json!({"us-east-1": {"seen": [[1, last]], "live": [root]}});
    let mut document: Document = serde_json::from_value(document_form(poisoned)).unwrap();
    let before = document.clone();
    let error = document.set("/x", json!({"a": 1, "b": 2}), us, at(2)).unwrap_err();
    assert!(error.is_counter_overflow() && std::error::Error::source(&error).is_some(), "{error}");
    assert_eq!(document, before);
    document.set("/x", json!({"a": 1}), us, at(2)).unwrap();
    assert!(document.set("/x", 1_u64, us, at(2)).is_err());
    document.check_invariants().unwrap();

    let mut set: OrSet<u8> = OrSet::new();
    set.extend([1, 2], us).unwrap();
    let seen = json!({"us-east-1": {"seen": [[1, last]], "live": []}});
    set.merge(&serde_json::from_value(seen).unwrap());
    assert_eq!(set.extend([1, 2, 3], us).map_err(|it| it.replica().unwrap()), Err(us));
    assert!(set.is_empty(), "not even the elements that would have fitted");
    set.extend([1, 2], us).unwrap();
}

/// Only counts, so that it holds on any machine: what a delta may not walk is not walked.
#[test]
fn a_report_of_one_field_does_not_clone_the_document() {
    let (us, eu) = (replica("us-east-1"), replica("eu-west-1"));
    let allocations = |fields: u64| {
        let content: Value = (0..fields).map(|field| (format!("f{field}"), field)).collect();
        let mut document = Document::from_value(content, us, at(1)).unwrap();
        let delta = document.clone().set("/f1", 9_u64, eu, at(2)).unwrap();
        allocation_counter::measure(|| _ = document.apply_reporting(&delta)).count_total
    };
    let (small, large) = (allocations(10), allocations(10_000));
    assert!(large <= small + 8, "{small} allocations in a small document, {large} in a large one");
}

#[test]
fn a_report_of_one_more_item_looks_at_no_other() {
    let (us, eu) = (replica("us-east-1"), replica("eu-west-1"));
    let allocations = |len: u64| {
        let list = Value::from((0..len).collect::<Vec<_>>());
        let mut document = Document::from_value(list, us, at(1)).unwrap();
        let delta = document.clone().push("", 1, eu, at(2)).unwrap();
        allocation_counter::measure(|| _ = document.apply_reporting(&delta)).count_total
    };
    let (small, large) = (allocations(10), allocations(10_000));
    assert!(large <= small + 8, "{small} allocations beside few items, {large} beside many");
}

/// A list of which three sides imported parts: the 4 stands behind the 3, which was imported later.
fn woven(len: u64) -> Document {
    let [us, eu] = [replica("us-east-1"), replica("eu-west-1")];
    let import = |ids: std::ops::Range<u64>, who, time| {
        let items: Vec<Value> = ids.map(|id| Value::from_iter([("id", id)])).collect();
        Document::from_value(items, who, at(time)).unwrap()
    };
    let mut document = import(2..5, us, 1);
    document.merge(&import(1..4, eu, 2));
    document.merge(&import(5..len, replica("ap-southeast-1"), 3));
    document
}

/// What is appended there stands last: no other item is asked where it stands.
#[test]
fn what_is_appended_where_items_stand_by_others_asks_for_none() {
    let bytes = |len| {
        let mut document = woven(len);
        let pushed = document.clone().push("", "new", replica("us-east-1"), at(4)).unwrap();
        allocation_counter::measure(|| _ = document.apply(&pushed)).bytes_total
    };
    let (small, large) = (bytes(10), bytes(10_000));
    assert!(large <= small + 20_000, "{small} bytes beside few items, {large} beside many");
}

#[test]
fn a_report_of_one_item_does_not_clone_the_list() {
    let (us, eu) = (replica("us-east-1"), replica("eu-west-1"));
    let fields = |len: u64| -> Value { (0..len).map(|at| (format!("f{at}"), at)).collect() };
    let items = |len: u64| -> Value { (0..len).collect::<Vec<_>>().into() };
    let allocations = |inner: Value, path: &str| {
        let mut document = Document::from_value(Value::from(vec![inner]), us, at(1)).unwrap();
        let delta = document.clone().set(path, 9_u64, eu, at(2)).unwrap();
        allocation_counter::measure(|| _ = document.apply_reporting(&delta)).count_total
    };
    for [small, large] in [
        [allocations(fields(10), "/0/f1"), allocations(fields(10_000), "/0/f1")],
        [allocations(items(10), "/0/1"), allocations(items(10_000), "/0/1")],
    ] {
        assert!(large <= small + 8, "{small} allocations of a small item, {large} of a large one");
    }
}

/// Places at the very ends, as only a forger makes them. Those that are read leave room on both sides.
#[test]
fn forged_places_block_nobody() {
    let us = replica("us-east-1");
    let item = |counter: u64, key: u64, place: &str| {
        json!([
            [counter, {"path": ["l", {"key": key}], "time": 1, "place": place}],
            [counter + 1, {"path": ["l", {"key": key}], "time": 1, "value": key}],
        ])
    };
    let list = |places: [&str; 2]| {
        let mut live = vec![json!([1, {"path": [], "time": 1, "value": {}}])];
        live.push(json!([2, {"path": ["l"], "time": 1, "value": []}]));
        live.extend(item(3, 1, places[0]).as_array().unwrap().clone());
        live.extend(item(5, 2, places[1]).as_array().unwrap().clone());
        let lanes = json!({"us-east-1": {"seen": [[1, 6]], "live": live}});
        serde_json::from_value::<Document>(document_form(lanes))
    };
    // -2^61 and 2^61, some replica's, index 0; and one further on either side.
    let of = |number: &str, way: u8| format!("{number}61000080{way:02}80");
    let (before, behind) = ("38dfffffffffffffff", "c72000000000000001");
    for way in 0..4 {
        let [before, least, greatest, behind] =
            [before, "38e000000000000000", "c72000000000000000", behind].map(|it| of(it, way));
        assert!(list([&before, &greatest]).is_err() && list([&least, &behind]).is_err());
        // Two at one place are spread.
        for places in [[&least, &greatest], [&least, &least], [&greatest, &greatest]] {
            let mut document = list(places.map(String::as_str)).unwrap();
            let mut expected = vec![json!(1), json!(2)];
            for round in 3..50 {
                for index in [1, 0, expected.len(), expected.len() - 1] {
                    let pointer = format!("/l/{index}");
                    let delta = document.insert(&pointer, round, us, at(2)).unwrap();
                    expected.insert(index.min(expected.len()), json!(round));
                    assert_eq!(document.to_json(), json!({"l": expected}));
                    assert_eq!(through_bytes(&delta), delta);
                }
            }
            document.check_invariants().unwrap();
            assert_eq!(through_json(&document), document);
        }
    }
}

/// Items that only a forger puts at one place are spread once: then there is room between them.
#[test]
fn items_at_one_place_are_spread_once() {
    let us = replica("us-east-1");
    let mut live = vec![
        json!([1, {"path": [], "time": 1, "value": {}}]),
        json!([2, {"path": ["l"], "time": 1, "value": []}]),
    ];
    for key in 1..4 {
        let place = "81610000800081";
        live.push(json!([key * 2 + 1, {"path": ["l", {"key": key}], "time": 1, "place": place}]));
        live.push(json!([key * 2 + 2, {"path": ["l", {"key": key}], "time": 1, "value": key}]));
    }
    let lanes = json!({"us-east-1": {"seen": [[1, 8]], "live": live}});
    let mut document: Document = serde_json::from_value(document_form(lanes)).unwrap();
    let spread = document.insert("/l/1", "a", us, at(2)).unwrap();
    assert_eq!(document.to_json(), json!({"l": [1, "a", 2, 3]}));
    assert_eq!(spread.write_count(), 4, "the new item and its place, and those of two others");
    let inserted = document.insert("/l/3", "b", us, at(3)).unwrap();
    assert_eq!(document.to_json(), json!({"l": [1, "a", 2, "b", 3]}));
    assert_eq!(inserted.write_count(), 2);
}

/// An edit that fails after it made room for a field leaves no trace of the field.
#[test]
fn a_refused_write_leaves_no_empty_place_behind() {
    let us = replica("us-east-1");
    let now = at(1_000);
    let mut document = Document::from_json(&json!({"l": [], "o": {}}), us, now).unwrap();
    let before = document.clone();
    let deep = (0..200).fold(json!(1), |inside, _| json!([inside]));
    let long = json!([1, {"x".repeat(1 << 15): 1}]);
    for value in [&deep, &long] {
        assert!(document.push("/l", value, us, now).is_err());
        assert!(document.set("/o/x", value, us, now).is_err());
    }
    assert!(document.increment("/o/n", u64::MAX, us, now).is_err());
    assert_eq!(document, before);
    document.check_invariants().unwrap();
}

/// More than an index is built for at once, where there are too few nodes to have had one.
#[test]
fn much_comes_to_where_little_is() {
    let (us, eu) = (replica("us-east-1"), replica("eu-west-1"));
    let mut few = Document::from_json(&json!({"a": 1}), us, at(1)).unwrap();
    let many = (0..100).map(|field| (field.to_string(), json!(field)));
    let many = many.chain([("a".to_owned(), json!(2))]).collect::<serde_json::Map<_, _>>();
    let many = Document::from_json(&many.into(), eu, at(2)).unwrap();
    let mut other = many.clone();
    other.merge(&few);
    few.merge(&many);
    assert_eq!(few, other);
    assert_eq!((few.to_value(), few.conflicts()), (other.to_value(), other.conflicts()));
    few.check_invariants().unwrap();
}

/// A settled object turns into a list by what comes below it alone.
#[test]
fn a_container_of_another_kind_is_reported_with_what_was_there() {
    let (us, eu) = (replica("us-east-1"), replica("eu-west-1"));
    let mut ours = Document::from_json(&json!({"l": {"x": 0}}), us, at(1)).unwrap();
    let mut theirs = ours.clone();
    ours.set("", json!({"l": []}), us, at(1)).unwrap();
    theirs.increment("/l/y", 1, eu, at(9)).unwrap();
    let report = ours.merge_reporting(&theirs);
    let [change] = report.changes() else { panic!("one change") };
    assert_eq!(change.path, "/l");
    assert_eq!(change.before, Some(Value::try_from(json!([])).unwrap()));
    assert_eq!(change.after, Some(Value::try_from(json!({"y": 1})).unwrap()));
}

/// Runs that went on from a run of their writer's own, with others' items inside.
#[test]
fn a_run_that_goes_on_from_an_older_one_stays_whole() {
    let (us, eu) = (replica("us-east-1"), replica("eu-west-1"));
    let mut ours = Document::from_json(&json!({"l": [0]}), us, at(1)).unwrap();
    ours.insert("/l/0", "own", us, at(1)).unwrap();
    let mut theirs = ours.clone();
    ours.insert("/l/1", "l2", us, at(2)).unwrap();
    ours.insert("/l/1", "l1", us, at(2)).unwrap();
    theirs.insert("/l/1", "r", eu, at(2)).unwrap();
    ours.merge(&theirs);
    let list = ours.to_json()["l"].as_array().unwrap().clone();
    let at = |item: &str| list.iter().position(|it| *it == json!(item)).unwrap();
    assert_eq!(at("l2"), at("l1") + 1, "{list:?}");
}

/// Three arrays at one path, two of them over an older one: nobody moved anything.
#[test]
fn whole_lists_set_on_several_sides_are_no_moves() {
    let [a, b, c] = ["a", "b", "c"].map(replica);
    let keys = || Rules::new().keyed("", "id").unwrap();
    let mut ours = Document::from_json_with(keys(), &json!([{"id": 0}]), a, at(1)).unwrap();
    let mut theirs = ours.clone();
    ours.set("", json!([{"id": 1}, {"id": 0}]), a, at(2)).unwrap();
    theirs.set("", json!([{"id": 0}]), b, at(6)).unwrap();
    ours.merge(&theirs);
    ours.merge(&Document::from_json_with(keys(), &json!([{"id": 2}]), c, at(0)).unwrap());
    assert_eq!(ours.conflicts(), []);
    assert_eq!(ours.at("").map(|it| it.len()), Some(3));
    ours.check_invariants().unwrap();
}

/// One dot at two items of a list, as two writers under one id make it: the digest of an item did
/// not depend on its key.
#[test]
fn one_dot_at_two_items_converges() {
    let one = |key: &str, also: &str| {
        let write =
            format!(r#"[2, {{"path": ["list", {{"key": "{key}"}}], "time": 1, "value": 1}}]"#);
        let text = format!(r#"{{"a": {{"seen": [[1, 5]], "live": [{also}{write}]}}}}"#);
        let form = document_form(serde_json::from_str(&text).unwrap());
        serde_json::from_value::<Document>(form).unwrap()
    };
    let other = r#"[1, {"path": [], "time": 1, "value": 3}], "#;
    for (ours, theirs) in [("m1", "m2"), ("x", "y"), ("", "zero"), ("a longer one", "a longer two")]
    {
        for also in ["", other] {
            let (ours, theirs) = (one(ours, ""), one(theirs, also));
            let (mut here, mut there) = (ours.clone(), theirs.clone());
            assert!(here.merge(&theirs));
            there.merge(&ours);
            assert_eq!(here, there);
            here.check_invariants().unwrap();
        }
    }
}

/// A replica that has seen its increments replaced begins anew, although they still live beside what
/// replaced them, because the delta that removed them was lost.
#[test]
fn counts_that_were_seen_replaced_are_not_gone_on_from() {
    let [a, b] = ["a", "b"].map(replica);
    let mut ours = Document::new();
    let first = ours.decrement("/n", 1, a, at(1)).unwrap();
    let mut theirs = ours.clone();
    let replaced = theirs.set("", json!({"n": 0}), b, at(2)).unwrap();
    let again = theirs.set("", json!({"n": 0}), b, at(3)).unwrap();
    ours.apply(&again);
    assert_eq!(ours.to_json(), json!({"n": 0}));
    let counted = ours.increment("/n", 1, a, at(4)).unwrap();
    assert_eq!(ours.to_json(), json!({"n": 1}));
    let mut alone = Document::new();
    alone.apply(&counted);
    assert_eq!(alone.to_json(), json!({"n": 1}));
    for delta in [&first, &replaced, &again] {
        alone.apply(delta);
        ours.apply(delta);
    }
    assert_eq!(alone, ours);
    assert_eq!(ours.to_json(), json!({"n": 1}));
}

/// Two imports under different keys stand open until somebody writes to the list.
#[test]
fn lists_of_two_keys_are_settled_by_a_write() {
    let [a, b] = ["a", "b"].map(replica);
    let with = |field: &str, id| {
        let keys = Rules::new().keyed("/l", field).unwrap();
        Document::from_json_with(keys, &json!({"l": [{"id": 1, "no": 2}]}), id, at(1)).unwrap()
    };
    let mut ours = with("id", a);
    ours.merge(&with("no", b));
    let kinds: Vec<_> = ours.conflicts().iter().map(|it| it.kind).collect();
    assert_eq!(kinds, [ConflictKind::Keys]);
    let mut inside = ours.clone();
    inside.set("/l/0/text", "x", a, at(2)).unwrap();
    assert_eq!(inside.conflicts(), []);
    ours.push("/l", json!({"id": 7, "no": 8}), a, at(2)).unwrap();
    assert_eq!(ours.conflicts(), []);
}

/// Several counters that are replaced at once keep what each had not seen, and no more.
#[test]
fn counters_that_are_replaced_together_are_told_apart() {
    let [a, b] = ["a", "b"].map(replica);
    let zeros = json!({"k": 0, "m": 0, "n": 0, "o": {"p": 0}});
    let mut ours = Document::from_json(&zeros, a, at(1)).unwrap();
    let mut theirs = ours.clone();
    let paths = ["/k", "/m", "/n", "/o/p"];
    for (by, path) in (1..).zip(paths) {
        theirs.increment(path, 10 * by, b, at(2)).unwrap();
    }
    ours.merge(&theirs);
    ours.set("", zeros, a, at(3)).unwrap();
    for (by, path) in (1..).zip(paths) {
        theirs.increment(path, by, b, at(2)).unwrap();
    }
    ours.merge(&theirs);
    assert_eq!(ours.to_json(), json!({"k": 1, "m": 2, "n": 3, "o": {"p": 4}}));
}

fn message(id: &str, sent: u64) -> Value {
    Value::from_iter([("id", id.into()), ("sent", Value::from(sent))])
}

/// An item that passes others because of what was written into it leaves its place, as one that was
/// moved does; and so do those that another order of their list moves.
#[test]
fn what_stands_elsewhere_in_a_sorted_list_is_reported() {
    let [us, eu] = [replica("us"), replica("eu")];
    let sorted = || Rules::new().ordered_by("", "sent").unwrap();
    let messages = Value::from(vec![message("c", 1), message("b", 2), message("a", 3)]);
    let ours = Document::from_value_with(sorted(), &messages, us, at(1)).unwrap();
    for (pointer, sent) in [("/0/sent", 9), ("/2/sent", 0), ("/1/sent", 9), ("/1/sent", 2)] {
        let (mut theirs, mut told) = (ours.clone(), ours.clone());
        let delta = theirs.set(pointer, sent, eu, at(2)).unwrap();
        let report = told.apply_reporting(&delta);
        check_replay(&ours, &theirs, &report);
    }
    let backwards = Value::from(vec![message("a", 3), message("b", 2), message("c", 1)]);
    let plain = Document::from_value(&backwards, us, at(1)).unwrap();
    let (mut theirs, mut told) = (plain.clone(), plain.clone());
    theirs.set_rules(sorted());
    let delta = theirs.push("", message("d", 4), eu, at(2)).unwrap();
    let report = told.apply_reporting(&delta);
    check_replay(&plain, &theirs, &report);
}

#[test]
fn what_becomes_one_value_and_reads_as_it_did_is_no_change() {
    let us = replica("us");
    for value in [Value::from_iter([("x", 1)]), Value::Object(<_>::default()), [1, 2].into()] {
        let mut ours = Document::from_value(&value, us, at(1)).unwrap();
        let before = ours.clone();
        ours.set_rules(Rules::new().atomic("").unwrap());
        let delta = ours.set("", &value, us, at(2)).unwrap();
        let mut told = before.clone();
        assert_eq!(told.apply_reporting(&delta).changes(), []);
        let mut told = before;
        assert_eq!(told.merge_reporting(&ours).changes(), []);
    }
}

/// An item that outlived its deletion is read with its key, and saving that writes nothing.
#[test]
fn a_save_of_what_is_read_writes_nothing_where_a_key_was_lost() {
    let [us, eu] = [replica("us"), replica("eu")];
    let mut ours = Document::from_value(vec![message("a", 1)], us, at(1)).unwrap();
    let mut theirs = ours.clone();
    ours.remove("/0", us, at(2)).unwrap();
    theirs.set("/0/sent", 2, eu, at(2)).unwrap();
    ours.merge(&theirs);
    let read = ours.to_value().unwrap();
    assert_eq!(read, Value::from(vec![message("a", 2)]));
    assert!(ours.update(&read, us, at(3)).unwrap().is_empty());
    let changed = Value::from(vec![message("a", 3)]);
    ours.update(&changed, us, at(3)).unwrap();
    assert_eq!(ours.to_value(), Some(changed));
}

/// A list that says its key only now: the key of an item that outlived its deletion is read then.
#[test]
fn a_key_that_comes_with_the_mark_of_its_list_is_reported() {
    let [us, au] = [replica("us"), replica("au")];
    let list = Value::from(vec![message("a", 1), message("b", 2)]);
    let made = Document::from_value(&list, us, at(1)).unwrap();
    let mut edited = made.clone();
    // Whoever knows of nothing but an edit inside the item knows no mark, and no key.
    let delta = edited.set("/1/sent", 3, us, at(2)).unwrap();
    for rules in
        [Rules::new().keyed("", "id").unwrap(), Rules::new().ordered_by("", "sent").unwrap()]
    {
        let mut ours = Document::with_rules(rules);
        ours.apply(&delta);
        let before = ours.clone();
        let pushed = ours.push("", message("c", 9), au, at(3)).unwrap();
        let mut told = before.clone();
        check_replay(&before, &ours, &told.apply_reporting(&pushed));
        let mut told = before.clone();
        let report = told.merge_reporting(&made);
        check_replay(&before, &told, &report);
    }
}

/// A list that was written empty takes on the default key with its first item, sorted or not.
#[test]
fn an_empty_list_that_is_sorted_takes_on_the_default_key() {
    let [us, eu] = [replica("us"), replica("eu")];
    for rules in [Rules::new(), Rules::new().ordered_by("", "sent").unwrap()] {
        let mut ours = Document::from_value_with(rules, Value::Array(vec![]), us, at(1)).unwrap();
        let mut theirs = ours.clone();
        ours.push("", message("a", 1), us, at(2)).unwrap();
        theirs.push("", message("a", 1), eu, at(2)).unwrap();
        ours.merge(&theirs);
        assert_eq!(ours.to_value(), Some(vec![message("a", 1)].into()));
        assert_eq!(ours.item("", "a").as_deref(), Some("/0"));
    }
}
