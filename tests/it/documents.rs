//! What the table of merge cases does not say of documents: long lists, limits, keyed lists, what an
//! edit settles, what reports tell.

use crate::{at, replica};
use rejoin::{
    Document, Merge, ReplicaId, Stamp,
    document::{Conflict, ConflictKind, Contender, DocumentDelta, ListKeys, Value},
};
use serde_json::{Value as Json, json};

fn ids() -> [ReplicaId; 2] {
    // The greater id is eu's.
    [replica("a-us"), replica("b-eu")]
}

fn base(json: Json) -> Document {
    Document::from_json(&json, replica("origin"), at(1)).unwrap()
}

/// Lists that several sides imported stand at one place, with no room between their items.
#[test]
fn items_go_between_those_that_stand_at_one_place() {
    let us = ids()[0];
    let imported = || {
        let mut document = base(json!({"list": ["a", "z"]}));
        for (name, side) in [("b", "eu-west-1"), ("c", "ap-southeast-1"), ("d", "us-west-2")] {
            let list = json!({"list": [name, "z"]});
            document.merge(&Document::from_json(&list, replica(side), at(1)).unwrap());
        }
        document
    };
    let list = |document: &Document| -> Vec<String> {
        serde_json::from_value(document.to_json()["list"].clone()).unwrap()
    };
    let before = list(&imported());
    for to in 0..=before.len() {
        let (mut document, mut expected) = (imported(), before.clone());
        document.insert(&format!("/list/{to}"), "new", us, at(9)).unwrap();
        expected.insert(to, "new".into());
        assert_eq!(list(&document), expected);
        for from in 0..before.len() {
            let (mut document, mut expected) = (imported(), before.clone());
            let moved = expected.remove(from);
            if to < before.len() {
                document.move_item(&format!("/list/{from}"), to, us, at(9)).unwrap();
                expected.insert(to, moved);
                assert_eq!(list(&document), expected, "{from} to {to}");
            }
        }
    }
}

#[test]
fn a_star_stands_for_a_field_or_an_item_on_the_way_to_a_keyed_list() {
    let keys = ListKeys::new().by("/groups/*/members", "id").unwrap();
    let content = json!({
        "groups": [{"members": [{"id": 7}], "others": [{"id": 7}]}],
        "group": {"a": {"members": [{"id": 7}]}},
    });
    let mut document = Document::with_keys(keys);
    document.set("", content, ids()[0], at(1)).unwrap();
    assert_eq!(document.item("/groups/0/members", 7_u64).as_deref(), Some("/groups/0/members/0"));
    assert_eq!(document.item("/groups/0/others", 7_u64), None);
    assert_eq!(document.item("/group/a/members", 7_u64), None);
}

#[test]
fn long_lists_are_read_and_edited_by_index() {
    let mut items: Vec<u64> = (0..2_000).collect();
    let mut document = base(json!({"list": items}));
    for (number, at_index) in [100, 400, 700, 1_000, 1_535, 1_536, 2_006, 0].into_iter().enumerate()
    {
        let new = 10_000 + number as u64;
        let path = format!("/list/{at_index}");
        document.insert(&path, new, ids()[0], at(9)).unwrap();
        items.insert(at_index, new);
    }
    for (index, item) in items.iter().enumerate() {
        assert_eq!(document.get(&format!("/list/{index}")), Some((*item).into()));
    }
    assert_eq!(document.get(&format!("/list/{}", items.len())), None);
    assert_eq!(document.check_invariants(), Ok(()));
}

fn contender(value: impl Into<Value>, time: u64, id: ReplicaId) -> Contender {
    Contender { value: Some(value.into()), stamp: Some(Stamp { time: at(time), replica: id }) }
}

#[test]
fn a_count_beside_a_text_is_told_of() {
    let [us, eu] = ids();
    let (count, text) = (contender(1_i64, 5, us), |time| contender("text", time, eu));
    for (time, winner, loser) in [(4, &count, &text(4)), (6, &text(6), &count)] {
        let mut ours = base(json!({"n": 0}));
        let mut theirs = ours.clone();
        ours.increment("/n", 1, us, at(5)).unwrap();
        theirs.set("/n", "text", eu, at(time)).unwrap();
        let told = ours.merge_reporting(&theirs);
        let losers = Vec::from([loser.clone()]);
        let conflict = Conflict {
            path: "/n".into(),
            kind: ConflictKind::Value,
            winner: winner.clone(),
            losers,
        };
        assert_eq!(ours.conflicts(), told.conflicts());
        assert_eq!(told.conflicts(), [conflict]);
    }
}

#[test]
fn a_deletion_is_told_of_beside_two_values() {
    let ([us, eu], asia) = (ids(), replica("ap-southeast-1"));
    let mut ours = base(json!({"n": 0}));
    let (mut theirs, mut third) = (ours.clone(), ours.clone());
    ours.set("/n", 1_u64, us, at(5)).unwrap();
    theirs.set("/n", 2_u64, eu, at(6)).unwrap();
    third.set("/n", 3_u64, asia, at(7)).unwrap();
    ours.merge(&third);
    ours.merge(&theirs);
    theirs.remove("/n", eu, at(8)).unwrap();
    let told = ours.merge_reporting(&theirs);
    let [told] = told.conflicts() else { panic!("{told:?}") };
    assert_eq!((told.kind, &told.winner), (ConflictKind::Value, &contender(3_u64, 7, asia)));
    let deletion = Contender { value: None, stamp: None };
    assert_eq!(told.losers, [contender(1_u64, 5, us), deletion]);
}

#[test]
fn a_list_that_was_deleted_around_an_edit_is_told_of() {
    let [us, eu] = ids();
    let mut ours = base(json!({"list": [{"a": 1}, {"a": 2}]}));
    let mut theirs = ours.clone();
    ours.remove("/list", us, at(5)).unwrap();
    theirs.set("/list/0/a", 7_u64, eu, at(6)).unwrap();
    ours.merge(&theirs);
    assert_eq!(ours.to_json(), json!({"list": [{"a": 7}]}));
    let told = ours.conflicts();
    let told: Vec<_> = told.iter().map(|it| (&*it.path, it.kind)).collect();
    assert_eq!(told, [("/list", ConflictKind::Deletion)]);
}

#[test]
fn moves_of_one_item_are_told_of_by_index() {
    let [us, eu] = ids();
    for (ours_to, theirs_to) in [(1, 3), (3, 1), (2, 1), (3, 2)] {
        let mut ours = base(json!({"list": ["a", "b", "c", "d"]}));
        let mut theirs = ours.clone();
        ours.move_item("/list/0", ours_to, us, at(5)).unwrap();
        theirs.move_item("/list/0", theirs_to, eu, at(6)).unwrap();
        ours.merge(&theirs);
        let told = ours.conflicts();
        let [told] = &told[..] else { panic!("{told:?}") };
        assert_eq!((&*told.path, told.kind), (&*format!("/list/{theirs_to}"), ConflictKind::Move));
        assert_eq!(told.winner, contender(theirs_to as u64, 6, eu));
        assert_eq!(told.losers, [contender(ours_to as u64, 5, us)]);
    }
}

#[test]
fn kinds_of_conflict_have_names() {
    let kinds =
        [ConflictKind::Value, ConflictKind::Type, ConflictKind::Deletion, ConflictKind::Move];
    assert_eq!(kinds.map(|kind| kind.to_string()), ["value", "type", "deletion", "move"]);
}

/// Whoever writes inside a container says with it that a container is what it shall be.
#[test]
fn an_edit_inside_settles_what_stood_open() {
    let [us, eu] = ids();
    let set = |value: Json| {
        move |it: &mut Document, id| it.set("/x", value.clone(), id, at(5)).map(|_| ())
    };
    for theirs in [json!({"a": 1}), json!({}), json!([1]), json!([])] {
        let ours = [json!({"b": 1}), json!({}), json!([2]), json!([]), json!("text"), json!(7)];
        for (ours, by) in ours.iter().flat_map(|it| [(it, 0), (it, 1)]) {
            let mut document = base(json!({"x": 0}));
            let mut other = document.clone();
            set(ours.clone())(&mut document, us).unwrap();
            if by > 0 && document.increment("/x", by, us, at(5)).is_err() {
                continue;
            }
            other.set("/x", theirs.clone(), eu, at(9)).unwrap();
            document.merge(&other);
            let (path, open) =
                (if theirs.is_array() { "/x/-" } else { "/x/new" }, document.conflicts());
            assert_eq!(
                open.is_empty(),
                ours.is_array() == theirs.is_array() && ours.is_object() == theirs.is_object(),
                "{ours} {theirs}"
            );
            if theirs.is_array() {
                document.insert(path, 3_u64, us, at(9)).unwrap();
            } else {
                document.set(path, 3_u64, us, at(9)).unwrap();
            }
            assert_eq!(document.conflicts(), [], "{ours} beside {theirs}");
            assert_eq!(document.check_invariants(), Ok(()));
        }
    }
}

/// Of a list that was imported, an item has no place of its own until it is edited; nor has one
/// that is edited inside.
#[test]
fn an_edit_inside_an_item_gives_it_a_place() {
    let [us, eu] = ids();
    for item in [json!({"a": 1}), json!([1]), json!({}), json!([])] {
        let mut ours = Document::from_json(&json!({"list": [item, 2]}), us, at(1)).unwrap();
        let mut theirs = ours.clone();
        let path = if item.is_array() { "/list/0/-" } else { "/list/0/new" };
        if item.is_array() {
            ours.insert(path, 3_u64, us, at(2)).unwrap();
        } else {
            ours.set(path, 3_u64, us, at(2)).unwrap();
        }
        theirs.remove("/list/0", eu, at(3)).unwrap();
        ours.merge(&theirs);
        assert_eq!(ours.len_at("/list"), Some(2), "an edit beside a deletion stays: {item}");
    }
}

#[test]
fn paths_are_as_long_as_the_limit_says_and_no_longer() {
    let (mut document, us) = (base(json!({})), ids()[0]);
    let longest = format!("/{}", "a".repeat((1 << 14) - 1));
    document.set(&longest, 1_u64, us, at(9)).unwrap();
    assert_eq!(document.get(&longest), Some(1_u64.into()));
    for more in ["a", "abc"] {
        let error = document.set(&format!("{longest}{more}"), 1_u64, us, at(9)).unwrap_err();
        assert!(error.to_string().contains("16384 bytes"), "{error}");
        assert!(error.to_string().contains(r#"with "/aaaaaaaa"#), "{error}");
    }
    for (step, depth, too_deep) in [("/ab", 128, false), ("/", 129, true), ("/ab", 129, true)] {
        let error = document.set(&step.repeat(depth), 1_u64, us, at(9)).unwrap_err().to_string();
        assert_eq!(error.contains("deeper than 128 levels"), too_deep, "{error}");
    }
    document.set("", json!({"b".repeat((1 << 14) - 1): 1}), us, at(10)).unwrap();
    assert!(document.set("", json!({"c".repeat(1 << 14): 1}), us, at(11)).is_err());
}

#[test]
fn a_value_that_is_replaced_as_a_whole_keeps_who_made_each_field() {
    let us = ids()[0];
    // Path, counter and birth.
    let writes = |delta: &DocumentDelta| {
        let form = serde_json::to_value(delta).unwrap();
        let live = form["writes"]["a-us"]["live"].as_array().unwrap().clone();
        live.into_iter().map(|it| {
            let [path, birth] = ["path", "birth"].map(|name| it[1][name].clone());
            (path, it[0].clone(), birth["counter"].clone())
        })
    };
    for order in ["abc", "acb", "bac", "bca", "cab", "cba"] {
        let mut document = base(json!({"c": 1, "a": 1, "b": 1}));
        let made = order.chars().flat_map(|name| {
            let path = format!("/{name}");
            document.remove(&path, us, at(6)).unwrap();
            writes(&document.set(&path, 2_u64, us, at(7)).unwrap())
        });
        let made: Vec<_> = made.collect();
        let whole = document.set("", json!({"b": 3, "c": 3, "a": 3}), us, at(8)).unwrap();
        let fields: Vec<_> = writes(&whole).filter(|it| it.0 != json!([])).collect();
        assert_eq!((made.len(), fields.len()), (3, 3));
        for (path, _, birth) in fields {
            assert!(made.iter().any(|it| (&it.0, &it.1) == (&path, &birth)), "{path} {birth}");
        }
    }
}

#[test]
fn a_reset_of_what_is_zero_writes_nothing() {
    let us = ids()[0];
    let mut document = base(json!({"n": 0, "list": [{"id": 7}]}));
    assert!(document.reset("/n", us, at(9)).unwrap().is_empty());
    document.increment("/n", 1, us, at(9)).unwrap();
    assert!(!document.reset("/n", us, at(9)).unwrap().is_empty());
    assert_eq!(document.get("/n"), Some(0_u64.into()));
}

#[test]
fn of_a_count_and_a_text_the_later_is_read() {
    for (time, read) in [(4, Value::from(1_i64)), (6, Value::from("text"))] {
        let mut ours = base(json!({"n": 0}));
        let mut theirs = ours.clone();
        ours.increment("/n", 1, ids()[0], at(5)).unwrap();
        theirs.set("/n", "text", ids()[1], at(time)).unwrap();
        ours.merge(&theirs);
        assert_eq!(ours.get("/n"), Some(read));
    }
}
