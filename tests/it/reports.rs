//! What reports say: what reads otherwise and nothing else, and what contended in which order.

use crate::{at, encoded::through_bytes, replica, spec::check_replay};
use allocation_counter::measure;
use rejoin::{
    DeltaState, Document, Merge, ReplicaId, Stamp,
    document::{Change, Claim, Conflict, ConflictKind, Rules, Value},
};
use serde_json::{Value as Json, json};

fn ids() -> [ReplicaId; 2] {
    [replica("a-us"), replica("b-eu")]
}

fn base(json: Json) -> Document {
    Document::from_json(&json, replica("base"), at(1)).unwrap()
}

fn steps(changes: &[Change]) -> Vec<String> {
    let text = |value: &Option<Value>| value.as_ref().map_or("-".into(), Value::to_string);
    let step = |it: &Change| format!("{} {} {}", it.path, text(&it.before), text(&it.after));
    changes.iter().map(step).collect()
}

#[test]
fn what_moved_there_and_back_reads_as_before() {
    let [us, _] = ids();
    for len in [2, 5] {
        let items: Vec<usize> = (0..len).collect();
        let mut theirs = base(json!(items));
        let mut ours = theirs.clone();
        let mut both = theirs.move_item("/1", 0, us, at(2)).unwrap();
        both.merge(&theirs.move_item("/1", 0, us, at(3)).unwrap());
        let report = ours.apply_reporting(&both);
        assert!(report.changed());
        assert_eq!(steps(report.changes()), [""; 0]);
    }
}

/// A move whose delta came before the item that was passed changes nothing, and neither does a
/// place that is written anew where the item stands.
#[test]
fn a_new_place_in_the_old_order_is_no_change() {
    let [us, eu] = ids();
    let mut theirs = base(json!(["a"]));
    let mut ours = theirs.clone();
    let pushed = theirs.push("", "b", us, at(2)).unwrap();
    let moved = theirs.move_item("/0", 1, us, at(3)).unwrap();
    assert_eq!(steps(ours.apply_reporting(&moved).changes()), [""; 0]);
    assert_eq!(steps(ours.apply_reporting(&pushed).changes()), [r#"/0 - "b""#]);

    let mut ours = base(json!(["a", "b", "c", "d"]));
    let mut theirs = ours.clone();
    ours.move_item("/0", 2, us, at(2)).unwrap();
    theirs.move_item("/0", 3, eu, at(3)).unwrap();
    ours.merge(&theirs);
    theirs.merge(&ours);
    let settled = ours.move_item("/3", 3, us, at(4)).unwrap();
    assert_eq!(settled.write_count(), 1);
    let report = theirs.apply_reporting(&settled);
    assert_eq!((steps(report.changes()), report.conflicts()), (Vec::new(), &[][..]));
}

#[test]
fn the_steps_of_a_list_are_removals_backwards_then_the_rest_forwards() {
    let [us, _] = ids();
    let ours = base(json!({"l": [{"n": 1}, "b", "c", "d", {"n": 5}]}));
    let mut theirs = ours.clone();
    let mut edit = theirs.edit(us, at(2));
    edit.set("/l/0/n", 2).unwrap().set("/l/4/n", 6).unwrap();
    edit.move_item("/l/2", 1).unwrap().remove("/l/3").unwrap().insert("/l/0", "new").unwrap();
    let delta = edit.commit();
    let mut told = ours.clone();
    let report = told.apply_reporting(&delta);
    assert_eq!(told.to_json(), json!({"l": ["new", {"n": 2}, "c", "b", {"n": 6}]}));
    let expected = [
        r#"/l/3 "d" -"#,
        r#"/l/2 "c" -"#,
        r#"/l/0 - "new""#,
        "/l/1/n 1 2",
        r#"/l/2 - "c""#,
        "/l/4/n 5 6",
    ];
    assert_eq!(steps(report.changes()), expected);
}

/// An item that was made anew, and reads as the one that it stands for.
#[test]
fn an_equal_item_in_its_place_is_no_change() {
    let [us, _] = ids();
    let ours = base(json!(["a", {"x": [1]}, "c"]));
    let mut theirs = ours.clone();
    let mut edit = theirs.edit(us, at(2));
    edit.remove("/1").unwrap().insert("/1", json!({"x": [1]})).unwrap();
    let delta = edit.commit();
    let report = ours.clone().apply_reporting(&delta);
    assert!(report.changed());
    assert_eq!(steps(report.changes()), [""; 0]);
}

/// The same in several gaps of one list, and at the end of what came into a gap.
#[test]
fn equal_items_in_several_places_are_no_change() {
    let [us, _] = ids();
    let ours = base(json!(["a", {"x": 1}, "c", {"x": 2}, "e"]));
    let mut theirs = ours.clone();
    let mut edit = theirs.edit(us, at(2));
    for index in [1, 3] {
        let pointer = format!("/{index}");
        let value = edit.get(&pointer).unwrap();
        edit.remove(&pointer).unwrap().insert(&pointer, value).unwrap();
    }
    let delta = edit.commit();
    let mut told = ours.clone();
    let report = told.apply_reporting(&delta);
    assert!(report.changed());
    assert_eq!(steps(report.changes()), [""; 0]);
    assert!(!told.apply_reporting(&delta).changed(), "it came before");

    let mut theirs = ours.clone();
    let mut edit = theirs.edit(us, at(2));
    edit.remove("/0").unwrap().remove("/0").unwrap();
    edit.insert("/0", json!({"x": 1})).unwrap().insert("/0", "new").unwrap();
    let delta = edit.commit();
    let report = ours.clone().apply_reporting(&delta);
    assert_eq!(steps(report.changes()), [r#"/0 "a" -"#, r#"/0 - "new""#]);
}

/// A field that two sides made, and one of them removed: the other one never was theirs.
#[test]
fn what_was_made_elsewhere_was_not_deleted() {
    let [us, eu] = ids();
    let mut ours = base(json!({}));
    let mut theirs = ours.clone();
    for number in [1_u64, 2] {
        ours.set("/a", number, us, at(2)).unwrap();
    }
    theirs.set("/a", 3_u64, eu, at(3)).unwrap();
    let removal = theirs.remove("/a", eu, at(4)).unwrap();
    let report = ours.apply_reporting(&removal);
    assert_eq!((report.changes(), report.conflicts()), (&[][..], &[][..]));
    assert_eq!(ours.to_json(), json!({"a": 2}));
}

/// An item that was moved on two sides, set on one and removed on a third: two conflicts.
#[test]
fn a_deletion_and_a_conflict_of_moves_are_told_apart() {
    let ([us, eu], asia) = (ids(), replica("c-asia"));
    let mut ours = base(json!(["a", "b", "c"]));
    let (mut mover, mut remover) = (ours.clone(), ours.clone());
    ours.set("/0", "x", us, at(2)).unwrap();
    ours.move_item("/0", 2, us, at(3)).unwrap();
    mover.move_item("/0", 1, eu, at(4)).unwrap();
    remover.remove("/0", asia, at(5)).unwrap();
    remover.merge(&mover);
    let report = ours.merge_reporting(&remover);
    let kinds: Vec<_> = report.conflicts().iter().map(|it| (it.kind, it.losers.len())).collect();
    assert_eq!(kinds, [(ConflictKind::Deletion, 1), (ConflictKind::Move, 1)]);
    assert_eq!(report.conflicts()[0].winner.claim, Claim::Value("x".into()));
}

#[test]
fn losers_are_told_greatest_first_with_the_deletions_among_them() {
    let ([us, eu], asia) = (ids(), replica("c-asia"));
    let start = base(json!({"n": 0}));
    let (mut ours, mut theirs, mut third) = (start.clone(), start.clone(), start.clone());
    ours.set("/n", 1_u64, us, at(5)).unwrap();
    third.set("/n", 3_u64, asia, at(9)).unwrap();
    ours.merge(&third);
    let mut removal = theirs.set("/n", 2_u64, eu, at(6)).unwrap();
    removal.merge(&theirs.remove("/n", eu, at(7)).unwrap());
    let claims = |conflicts: &[Conflict]| -> Vec<Option<Stamp>> {
        let [conflict] = conflicts else { panic!("{conflicts:?}") };
        assert!(conflict.losers.iter().any(|loser| loser.claim == Claim::Deletion));
        conflict.losers.iter().map(|loser| loser.stamp).collect()
    };
    let stamp = |time, replica| Some(Stamp { time: at(time), replica });
    let by_delta = ours.clone().apply_reporting(&removal);
    assert_eq!(claims(by_delta.conflicts()), [stamp(7, eu), stamp(5, us)]);
    let by_state = ours.merge_reporting(&theirs);
    assert_eq!(claims(by_state.conflicts()), [stamp(5, us), None], "a state does not say when");
}

/// Two imports of one JSON stand there twice where the items of one have no key, or another.
#[test]
fn lists_made_with_different_keys_are_told_of_until_one_side_writes() {
    let [us, eu] = ids();
    let json = json!({"l": [{"id": 1, "name": "x"}, {"id": 2, "name": "y"}]});
    let import = |key: Option<&str>, id| {
        let keys = key.map(|key| Rules::new().keyed("/l", key).unwrap()).unwrap_or_default();
        let keys = keys.default_key(None);
        Document::from_json_with(keys, &json, id, at(5)).unwrap()
    };
    for (ours_key, theirs_key) in [(Some("id"), None), (Some("id"), Some("name"))] {
        let (mut ours, theirs) = (import(ours_key, us), import(theirs_key, eu));
        let report = ours.merge_reporting(&theirs);
        assert_eq!(ours.at("/l").map(|it| it.len()), Some(4), "twice");
        let [conflict] = report.conflicts() else { panic!("{report:?}") };
        assert_eq!((conflict.path.to_string().as_str(), conflict.kind), ("/l", ConflictKind::Keys));
        let key = |key: Option<&str>| Claim::Value(key.map_or(Value::Null, Value::from));
        assert_eq!(conflict.winner.claim, key(theirs_key), "the greater replica");
        assert_eq!(conflict.losers[0].claim, key(ours_key));
        assert_eq!(ours.conflicts(), report.conflicts());

        let mut pushed = through_bytes(&ours);
        pushed.push("/l", json!({"id": 3}), us, at(6)).unwrap();
        assert_eq!(pushed.conflicts(), [], "whoever writes there has seen it");
        let mut resolved = ours.clone();
        resolved.resolve("/l", &json["l"], us, at(6)).unwrap();
        assert_eq!((resolved.conflicts(), resolved.to_json()), (Vec::new(), json.clone()));
        pushed.merge(&resolved);
        assert_eq!(pushed.conflicts().iter().filter(|it| it.kind == ConflictKind::Keys).count(), 0);
    }
    let mut same = import(Some("id"), us);
    let report = same.merge_reporting(&import(Some("id"), eu));
    assert_eq!((report.conflicts(), same.to_json()), (&[][..], json.clone()));
}

/// A container that is read is not told again at each conflict above and inside it.
#[test]
fn a_conflict_repeats_no_container_that_is_read() {
    let [us, eu] = ids();
    let mut ours = base(json!({"x": {"y": {"z": 1}}}));
    let mut theirs = ours.clone();
    ours.set("/x", "text", us, at(5)).unwrap();
    theirs.set("/x/y/z", 2_u64, eu, at(9)).unwrap();
    ours.merge(&theirs);
    let conflicts = ours.conflicts();
    let [conflict] = &conflicts[..] else { panic!("{conflicts:?}") };
    assert_eq!(conflict.winner.claim, Claim::Read(rejoin::document::Kind::Object));
    assert_eq!(conflict.losers[0].claim.value(), Some(&"text".into()));
    let expected = json!({
        "path": "/x", "kind": "type",
        "winner": {"claim": {"read": "object"}, "stamp": conflict.winner.stamp},
        "losers": [{"claim": {"value": "text"}, "stamp": conflict.losers[0].stamp}],
    });
    assert_eq!(serde_json::to_value(conflict).unwrap(), expected);

    let mut ours = base(json!({"l": ["a"]}));
    let mut theirs = ours.clone();
    ours.set("/l", "text", us, at(5)).unwrap();
    theirs.push("/l", "b", eu, at(9)).unwrap();
    let report = ours.merge_reporting(&theirs);
    let [conflict] = report.conflicts() else { panic!("{report:?}") };
    assert_eq!(conflict.winner.claim, Claim::Read(rejoin::document::Kind::Array));
}

/// What a report costs depends on what it tells, not on what lies below.
#[test]
fn a_removal_that_changes_nothing_costs_nothing() {
    let [us, eu] = ids();
    let allocations = |messages: usize| {
        let message = json!({"text": "Hello", "likes": 0});
        let messages: Json = (0..messages).map(|it| (format!("m{it}"), message.clone())).collect();
        let mut ours = Document::new();
        let mut strangers = Document::new();
        let made = ours.set("", json!({}), us, at(1)).unwrap();
        ours.set("/messages", &messages, us, at(2)).unwrap();
        ours.set("/messages/m0/text", "Ho", us, at(5)).unwrap();
        // One that removes what it does not know, and one that kills the mark of the root.
        strangers.set("", json!({"x": 1}), eu, at(5)).unwrap();
        let unknown = strangers.remove("", eu, at(6)).unwrap();
        let mut knows_the_mark = Document::new();
        knows_the_mark.apply_owned(made);
        let mark = knows_the_mark.remove("", eu, at(6)).unwrap();
        [unknown, mark].map(|removal| {
            let mut ours = ours.clone();
            let counted = measure(|| _ = ours.apply_reporting(&removal)).count_total;
            assert_eq!(
                ours.at("/messages").map(|it| it.len()),
                Some(messages.as_object().unwrap().len())
            );
            counted
        })
    };
    let (few, many) = (allocations(10), allocations(2_000));
    assert!(many.iter().zip(few).all(|(many, few)| *many <= few + 4), "{few:?} and {many:?}");
}

/// The place of an item that somebody moved, given anew by two others who made room: that is one move,
/// told by the later of the two places, whoever arrives first.
#[test]
fn a_move_that_two_sides_re_placed_is_told_once() {
    let [us, eu] = ids();
    let start = base(json!({"l": ["a", "b", "c", "d"]}));
    let moved = |id: ReplicaId, to, time| {
        let mut document = start.clone();
        document.move_item("/l/0", to, id, at(time)).unwrap();
        document
    };
    let form = |document: &Document| serde_json::to_value(document).unwrap();
    let place_of =
        |document: &Document, by: &str| form(document)["writes"][by]["live"][0][1]["place"].clone();
    let [first, last] = [1, 3].map(|to| place_of(&moved(eu, to, 5), "b-eu"));
    let mut both = moved(us, 2, 9);
    both.merge(&moved(eu, 1, 5));
    assert_eq!((both.conflicts().len(), both.conflicts()[0].kind), (1, ConflictKind::Move));
    // Whoever makes room writes the place, and the move stays whose it was.
    let re_placed = |whose: &str, by: &str, place: &Json| -> Document {
        let mut form = form(&both);
        let live = form["writes"][whose]["live"].as_array_mut().unwrap();
        let mut write = live.pop().unwrap()[1].clone();
        assert_eq!((live.len(), &write["birth"]["replica"]), (0, &json!(whose)));
        write["place"] = place.clone();
        form["writes"][by] = json!({"seen": [[1, 1]], "live": [[1, write]]});
        serde_json::from_value(form).unwrap()
    };
    for (whose, other) in [("b-eu", &first), ("a-us", &first), ("b-eu", &last)] {
        let read = place_of(&moved(us, 2, 9), "a-us");
        let later = if whose == "b-eu" { &last } else { &read };
        let sides = [re_placed(whose, "c-au", other), re_placed(whose, "d-ca", later)];
        for (one, other) in [(0, 1), (1, 0)] {
            let mut met = sides[one].clone();
            met.merge(&sides[other]);
            assert_eq!(met.conflicts(), sides[1].conflicts());
            assert_eq!(met.to_json(), both.to_json());
        }
    }
    assert_ne!(re_placed("b-eu", "d-ca", &last).conflicts(), both.conflicts());
}

/// Arrays that contradict each other are a conflict where a list is read, and none where a text is.
#[test]
fn orders_are_told_only_where_a_list_is_read() {
    let import = |list: Json, id: &str, time| {
        Document::from_json(&json!({"l": list}), replica(id), at(time)).unwrap()
    };
    let kinds = |document: &Document| -> Vec<ConflictKind> {
        document.conflicts().iter().map(|it| it.kind).collect()
    };
    let mut met = import(json!([{"id": 1}, {"id": 2}]), "a", 1);
    met.merge(&import(json!([{"id": 2}, {"id": 1}]), "b", 2));
    assert_eq!(kinds(&met), [ConflictKind::Order]);
    met.merge(&import(json!("text"), "c", 3));
    assert_eq!(met.to_json(), json!({"l": "text"}));
    assert_eq!(kinds(&met), [ConflictKind::Type]);
}

/// The key of an item that outlived its deletion is read under another name once the mark of its list
/// says so. That is told among what changed inside, by name, or alone.
#[test]
fn a_key_that_is_read_under_another_name_is_told_in_order() {
    let [us, eu] = ids();
    let rules = |key| Rules::new().keyed("/l", key).unwrap();
    let fields = ["a", "x", "y", "z"];
    let item = json!({"id": 1, "a": 1, "x": 1, "y": 1, "z": 1});
    let made = Document::from_json_with(rules("id"), &json!({"l": [item]}), us, at(1)).unwrap();
    let (mut ours, mut theirs) = (made.clone(), made);
    ours.remove("/l/0", us, at(2)).unwrap();
    for field in fields {
        theirs.set(&format!("/l/0/{field}"), 2, eu, at(2)).unwrap();
    }
    ours.merge(&theirs);
    assert_eq!(ours.to_json()["l"][0], json!({"id": 1, "a": 2, "x": 2, "y": 2, "z": 2}));
    theirs.set_rules(rules("no"));
    theirs.push("/l", json!({"no": 5}), eu, at(3)).unwrap();
    let mut told = ours.clone();
    let report = told.merge_reporting(&theirs);
    check_replay(&ours, &told, &report);
    assert_eq!(told.to_json()["l"][1], json!({"no": 1, "a": 2, "x": 2, "y": 2, "z": 2}));
    theirs.set("/l/0/a", 3, eu, at(4)).unwrap();
    theirs.set("/l/0/b", 4, eu, at(4)).unwrap();
    theirs.remove("/l/0/y", eu, at(4)).unwrap();
    theirs.set("/l/0/z", 3, eu, at(4)).unwrap();
    let mut told = ours.clone();
    let report = told.merge_reporting(&theirs);
    check_replay(&ours, &told, &report);
    assert_eq!(told.to_json()["l"][1], json!({"no": 1, "a": 3, "b": 4, "x": 2, "z": 3}));
    let told = steps(report.changes());
    let expected = [
        "/l/0 - {\"no\":5}",
        "/l/1/a 2 3",
        "/l/1/b - 4",
        "/l/1/id 1 -",
        "/l/1/no - 1",
        "/l/1/y 2 -",
        "/l/1/z 2 3",
    ];
    assert_eq!(told, expected);
}

/// A list whose mark was deleted, while others put items into it, and which comes to be sorted.
#[test]
fn a_list_without_a_mark_that_comes_to_be_sorted_is_told() {
    let [us, eu] = ids();
    let mut ours = base(json!({"l": [{"id": 1, "v": 1}]}));
    let mut theirs = ours.clone();
    ours.remove("/l", us, at(2)).unwrap();
    for (id, v) in [(5, 2), (6, 1)] {
        theirs.push("/l", json!({"id": id, "v": v}), eu, at(3)).unwrap();
    }
    ours.merge(&theirs);
    let read = |document: &Document| -> Vec<Json> {
        let json = document.to_json();
        json["l"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect()
    };
    assert_eq!(read(&ours), [5, 6]);
    theirs.set_rules(Rules::new().ordered_by("/l", "v").unwrap());
    theirs.push("/l", json!({"id": 7, "v": 9}), eu, at(4)).unwrap();
    let mut told = ours.clone();
    let report = told.merge_reporting(&theirs);
    check_replay(&ours, &told, &report);
    assert_eq!(read(&told), [6, 5, 7]);
}

/// Whoever writes the whole anew goes on with each field that was there, in whatever order they came:
/// one that somebody deletes meanwhile is told.
#[test]
fn a_deletion_is_told_beside_a_write_of_the_whole() {
    let [us, eu] = ids();
    let mut ours = base(json!({"a": 1, "b": 1}));
    ours.remove("/a", us, at(2)).unwrap();
    ours.set("/c", 1, us, at(2)).unwrap();
    let mut theirs = ours.clone();
    theirs.remove("/c", eu, at(3)).unwrap();
    theirs.remove("/b", eu, at(3)).unwrap();
    ours.set("", json!({"b": 2, "c": 2}), us, at(3)).unwrap();
    let report = ours.merge_reporting(&theirs);
    assert_eq!(ours.to_json(), json!({"b": 2, "c": 2}));
    let told = report.conflicts().iter().map(|it| (it.path.to_string(), it.kind));
    let expected = ["/b", "/c"].map(|path| (path.to_owned(), ConflictKind::Deletion));
    assert_eq!(told.collect::<Vec<_>>(), expected);
}
