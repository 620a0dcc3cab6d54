//! What the table of merge cases does not say of documents: long lists, limits, keyed lists, what an
//! edit settles, what reports tell.

use crate::{
    at,
    encoded::{document_form, through_bytes, through_json},
    replica,
};
use rejoin::{
    DeltaState, Document, Merge, ReplicaId, Stamp, VectorClock,
    document::{
        Claim, Conflict, ConflictKind, Contender, DocumentDelta, DocumentError, Edit, Rules, Value,
    },
    laws::Invariants,
    wire,
};
use serde_json::{Value as Json, json};
use std::{
    collections::BTreeSet,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
};

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
    let keys = Rules::new().keyed("/groups/*/members", "id").unwrap().default_key(None);
    let content = json!({
        "groups": [{"members": [{"id": 7}], "others": [{"id": 7}]}],
        "group": {"a": {"members": [{"id": 7}]}},
    });
    let mut document = Document::with_rules(keys);
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

/// What a contender says.
type Said = (Claim, Option<Stamp>);

fn said(contender: &Contender) -> Said {
    (contender.claim.clone(), contender.stamp)
}

fn losers(conflict: &Conflict) -> Vec<Said> {
    conflict.losers.iter().map(said).collect()
}

fn contender(value: impl Into<Value>, time: u64, id: ReplicaId) -> Said {
    (Claim::Value(value.into()), Some(Stamp { time: at(time), replica: id }))
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
        assert_eq!(ours.conflicts(), told.conflicts());
        let [told] = told.conflicts() else { panic!("{told:?}") };
        assert_eq!((told.kind, &said(&told.winner)), (ConflictKind::Value, winner));
        assert_eq!(told.path, "/n");
        assert_eq!(losers(told).iter().collect::<Vec<_>>(), [loser]);
    }
}

/// Increments belong to the number that they were counted on, also beside a text that is later than
/// the number, or than both.
#[test]
fn a_count_on_a_number_beside_a_text_is_their_sum() {
    let [us, eu] = ids();
    for time in [4, 6, 8] {
        let mut ours = base(json!({"n": 0}));
        let mut theirs = ours.clone();
        ours.set("/n", 10_u64, us, at(5)).unwrap();
        ours.increment("/n", 5, us, at(7)).unwrap();
        theirs.set("/n", "text", eu, at(time)).unwrap();
        ours.merge(&theirs);
        let (number, text) = (contender(15_u64, 7, us), contender("text", time, eu));
        let (winner, loser) = if time < 7 { (number, text) } else { (text, number) };
        assert_eq!(ours.get("/n").as_ref(), winner.0.value());
        let told = ours.conflicts().remove(0);
        assert_eq!((said(&told.winner), losers(&told)), (winner, Vec::from([loser])));
    }
}

/// Of two numbers that were set at once the later is counted on; the other is told of as it is.
#[test]
fn counts_on_two_numbers_belong_to_the_later() {
    let ([us, eu], asia) = (ids(), replica("c-asia"));
    let mut ours = base(json!({"n": 0}));
    let (mut theirs, mut third) = (ours.clone(), ours.clone());
    ours.set("/n", 10_u64, us, at(5)).unwrap();
    theirs.set("/n", 20_u64, eu, at(6)).unwrap();
    third.increment("/n", 3, asia, at(4)).unwrap();
    ours.merge(&theirs);
    ours.merge(&third);
    assert_eq!(ours.get("/n"), Some(23_u64.into()));
    let told = ours.conflicts().remove(0);
    assert_eq!(
        (said(&told.winner), losers(&told)),
        (contender(23_u64, 6, eu), Vec::from([contender(10_u64, 5, us)]))
    );
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
    assert_eq!((told.kind, said(&told.winner)), (ConflictKind::Value, contender(3_u64, 7, asia)));
    assert_eq!(losers(told), [contender(1_u64, 5, us), (Claim::Deletion, None)]);
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
    assert_eq!(told_of(&told), ["/list deletion"]);
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
        assert_eq!(
            (told.path.to_string(), told.kind),
            (format!("/list/{theirs_to}"), ConflictKind::Move)
        );
        assert_eq!(said(&told.winner), contender(theirs_to as u64, 6, eu));
        assert_eq!(losers(told), [contender(ours_to as u64, 5, us)]);
    }
}

#[test]
fn kinds_of_conflict_have_names() {
    use ConflictKind::{Deletion, Keys, Move, Type, Value};
    let names = [Value, Type, Deletion, Move, Keys].map(|kind| kind.to_string());
    assert_eq!(names, ["value", "type", "deletion", "move", "keys"]);
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
        assert_eq!(
            ours.at("/list").map(|it| it.len()),
            Some(2),
            "an edit beside a deletion stays: {item}"
        );
    }
}

/// An edit of an item, by its pointer.
type EditItem = for<'e, 'd> fn(&'e mut Edit<'d>, &str) -> Result<&'e mut Edit<'d>, DocumentError>;

#[test]
fn an_index_out_of_range_is_one_error_whatever_the_call() {
    let us = ids()[0];
    let document = base(json!({"l": [1, 2]}));
    let calls: [(_, EditItem); 6] = [
        ("set", |edit, item| edit.set(item, 0_u64)),
        ("set inside", |edit, item| edit.set(&format!("{item}/x"), 0_u64)),
        ("insert", |edit, item| edit.insert(item, 0_u64)),
        ("move", |edit, item| edit.move_item(item, 0)),
        ("increment", |edit, item| edit.increment(item, 1)),
        ("reset", |edit, item| edit.reset(item)),
    ];
    for (name, call) in calls {
        let error = |item: &str| {
            let mut edited = document.clone();
            let error = call(&mut edited.edit(us, at(2)), item).unwrap_err();
            assert_eq!(edited, document);
            assert_eq!(error.path(), Some("/l"), "{name}");
            error
        };
        let out_of_range =
            |index| format!("index {index} is out of range: the list at /l has 2 items");
        assert_eq!(error("/l/7").to_string(), out_of_range(7), "{name}");
        for token in ["x", "01", "-1", ""] {
            assert!(error(&format!("/l/{token}")).is_not_an_index(), "{name}");
        }
        if !["set", "insert"].contains(&name) {
            assert_eq!(error("/l/-").to_string(), out_of_range(2), "{name}");
            assert_eq!(error("/l/2"), error("/l/-"), "{name}");
        }
    }
    let error = document.clone().move_item("/l/0", 7, us, at(2)).unwrap_err();
    assert!(error.is_out_of_range() && error.path() == Some("/l"), "{error}");
}

#[test]
fn removing_what_is_absent_writes_nothing() {
    let us = ids()[0];
    let document = base(json!({"l": [1, 2], "o": {"f": {"x": 1}}, "s": "text"}));
    let absent =
        ["/l/2", "/l/-", "/l/7/x", "/l/99999", "/o/g", "/o/f/y/z", "/s/x", "/l/0/x", "/nowhere/x"];
    for pointer in absent {
        let mut same = document.clone();
        assert!(same.remove(pointer, us, at(2)).unwrap().is_empty(), "{pointer}");
        assert!(same.remove(pointer, us, at(2)).unwrap().is_empty(), "{pointer}");
        assert_eq!(same, document);
        assert_eq!(Document::new().remove(pointer, us, at(2)), Ok(DocumentDelta::default()));
    }
    for token in ["x", "01", "-1", ""] {
        let error = document.clone().remove(&format!("/l/{token}"), us, at(2)).unwrap_err();
        assert!(error.is_not_an_index() && error.path() == Some("/l"), "{error}");
    }
    assert!(document.clone().remove("l", us, at(2)).unwrap_err().is_invalid_pointer());
}

#[test]
fn a_root_where_nothing_lives_is_an_object_to_be() {
    let [us, eu] = ids();
    let removed = || {
        let mut document = base(json!([1, {"a": 1}]));
        document.remove("", us, at(1)).unwrap();
        document
    };
    for mut document in [Document::new(), removed()] {
        let before = document.clone();
        assert!(document.set("/a/b", 1_u64, us, at(2)).is_err(), "only the root");
        assert!(document.push("/a", 1_u64, us, at(2)).is_err());
        assert!(document.push("", 1_u64, us, at(2)).is_err());
        assert!(document.reset("/a", us, at(2)).is_err());
        assert!(document.remove("/a", us, at(2)).unwrap().is_empty());
        assert!(document.decrement("/n", 1 << 63 | 1, us, at(2)).is_err());
        assert_eq!(document, before);

        let mut other = document.clone();
        document.set("/title", "ours", us, at(2)).unwrap();
        other.increment("/n", 2, eu, at(2)).unwrap();
        document.merge(&other);
        assert_eq!(document.to_json(), json!({"title": "ours", "n": 2}));
        assert_eq!(document.conflicts(), []);
        document.set("/title", "again", us, at(2)).unwrap();
        assert!(document.update(json!({"title": "again", "n": 2}), eu, at(3)).unwrap().is_empty());
    }
    let mut scalar = base(json!(1));
    assert!(scalar.set("/a", 1_u64, us, at(2)).is_err(), "something lives there");
}

#[test]
fn paths_are_as_long_as_the_limit_says_and_no_longer() {
    let (mut document, us) = (base(json!({})), ids()[0]);
    let longest = format!("/{}", "a".repeat((1 << 14) - 1));
    document.set(&longest, 1_u64, us, at(9)).unwrap();
    assert_eq!(document.get(&longest), Some(1_u64.into()));
    assert_eq!(through_bytes(&document), document);
    assert_eq!(through_json(&document), document);
    for more in ["a", "abc"] {
        let error = document.set(&format!("{longest}{more}"), 1_u64, us, at(9)).unwrap_err();
        assert!(error.to_string().contains("16384 bytes"), "{error}");
        assert!(error.to_string().contains(r#"with "/aaaaaaaa"#), "{error}");
    }
    for (step, depth, too_deep) in [("/ab", 127, false), ("/", 128, true), ("/ab", 128, true)] {
        let error = document.set(&step.repeat(depth), 1_u64, us, at(9)).unwrap_err().to_string();
        assert_eq!(error.contains("deeper than 127 levels"), too_deep, "{error}");
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
        live.into_iter().map(move |it| {
            let [path, birth] = ["path", "birth"].map(|name| it[1][name].clone());
            let number = usize::try_from(path.as_u64().unwrap()).unwrap();
            let path = number.checked_sub(1).map(|number| form["paths"][number].to_string());
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
        let fields: Vec<_> = writes(&whole).filter(|it| it.0.is_some()).collect();
        assert_eq!((made.len(), fields.len()), (3, 3));
        for (path, _, birth) in fields {
            assert!(made.iter().any(|it| (&it.0, &it.1) == (&path, &birth)), "{path:?} {birth}");
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

/// What is read where an object, a list and a scalar stand at one path, though a deletion has taken
/// their marks: what survived inside counts by its own time.
mod kinds {
    use super::*;

    const OBJECT: u64 = 30;

    /// At `/x`: a field that survived its object at time 30, an item that survived its list at
    /// `list`, and a scalar, a mark of an object or nothing beside them, written at `other`.
    fn standing(list: u64, other: Option<(Json, u64)>) -> Document {
        let ([us, eu], asia) = (ids(), replica("c-asia"));
        let old = base(json!({"x": {"a": 1}}));
        let mut field = old.clone();
        field.set("/x/a", 2_u64, asia, at(OBJECT)).unwrap();
        let mut document = old.clone();
        document.set("/x", json!([{"k": 1}]), us, at(2)).unwrap();
        let mut item = document.clone();
        item.set("/x/0/k", 5_u64, eu, at(list)).unwrap();
        document.remove("/x", us, at(3)).unwrap();
        if let Some((value, time)) = other {
            document.set("/x", value, us, at(time)).unwrap();
        }
        document.merge(&field);
        document.merge(&item);
        assert_eq!(document.check_invariants(), Ok(()));
        document
    }

    /// What is read is what an edit inside finds there, and settles.
    #[track_caller]
    fn reads(document: &Document, expected: &Json) {
        assert_eq!(document.to_json()["x"], *expected);
        assert_eq!(document.to_string(), json!({"x": expected}).to_string());
        let is_open =
            |document: &Document| told_of(&document.conflicts()).contains(&"/x type".into());
        assert!(is_open(document), "{:?}", document.conflicts());
        let mut with_field = document.clone();
        let field = with_field.set("/x/new", 9_u64, ids()[0], at(99)).map(|_| ());
        assert_eq!((field.is_ok(), is_open(&with_field)), (expected.is_object(), field.is_err()));
        let mut with_item = document.clone();
        let item = with_item.push("/x", 9_u64, ids()[0], at(99)).map(|_| ());
        assert_eq!((item.is_ok(), is_open(&with_item)), (expected.is_array(), item.is_err()));
        let len = |json: &Json| json.as_array().map_or(0, Vec::len);
        let longer = len(expected) + usize::from(item.is_ok());
        assert_eq!(len(&with_item.to_json()["x"]), longer);
        for path in ["/x/0", "/x/a"] {
            let is_there = json!({"x": expected}).pointer(path).is_some();
            assert_eq!(document.get(path).is_some(), is_there, "{path}");
            let removed = document.clone().remove(path, ids()[0], at(99));
            if path == "/x/a" && expected.is_array() {
                assert!(removed.unwrap_err().is_not_an_index());
            } else {
                assert_eq!(!removed.unwrap().is_empty(), is_there, "{path}");
            }
            let inside = document.clone().set(&format!("{path}/y"), 1, ids()[0], at(99));
            if !expected.is_array() && !expected.is_object() {
                let error = inside.unwrap_err();
                assert!(error.is_not_a_container() && error.path() == Some("/x"), "{error}");
            }
        }
    }

    #[test]
    fn an_update_inside_settles_what_stood_open() {
        let object = [json!({"a": 3}), json!({"a": 2, "b": 1}), json!({}), json!({"b": 1})];
        let list = [json!([{"k": 6}]), json!([{"k": 5}, 1]), json!([]), json!([1, {"k": 5}])];
        for (time, read, next) in [(29, json!({"a": 2}), object), (31, json!([{"k": 5}]), list)] {
            let document = standing(time, None);
            let mut same = document.clone();
            assert!(same.update(json!({"x": read}), ids()[0], at(99)).unwrap().is_empty());
            for next in next {
                let mut updated = document.clone();
                let next = json!({"x": next});
                updated.update(&next, ids()[0], at(99)).unwrap();
                assert_eq!(updated.to_json(), next);
                let open = updated.conflicts();
                assert!(open.iter().all(|it| it.path != "/x"), "{next}: {open:?}");
                let again = updated.clone().update(&next, ids()[0], at(100)).unwrap();
                assert!(again.is_empty(), "an update rests");
            }
        }
    }

    #[test]
    fn what_survived_in_an_object_and_in_a_list() {
        reads(&standing(29, None), &json!({"a": 2}));
        reads(&standing(31, None), &json!([{"k": 5}]));
    }

    #[test]
    fn beside_a_scalar() {
        for scalar in [json!("text"), json!(7), json!(null)] {
            for list in [29, 31] {
                reads(&standing(list, Some((scalar.clone(), 32))), &scalar);
            }
            reads(&standing(29, Some((scalar.clone(), 28))), &json!({"a": 2}));
            reads(&standing(31, Some((scalar, 28))), &json!([{"k": 5}]));
        }
    }

    #[test]
    fn beside_an_object_and_beside_a_list() {
        reads(&standing(29, Some((json!({}), 28))), &json!({"a": 2}));
        reads(&standing(31, Some((json!({}), 28))), &json!([{"k": 5}]));
        reads(&standing(31, Some((json!({}), 32))), &json!({"a": 2}));
        reads(&standing(29, Some((json!([]), 28))), &json!({"a": 2}));
        reads(&standing(31, Some((json!([]), 28))), &json!([{"k": 5}]));
        reads(&standing(29, Some((json!([]), 32))), &json!([{"k": 5}]));
    }

    /// Only one of the two that survived, beside what was set in its place.
    #[test]
    fn one_survivor_beside_what_took_its_place() {
        let [us, eu] = ids();
        let object = (json!({"a": 1}), "/x/a");
        let list = (json!([1, 2]), "/x/1");
        for ((old, inside), new) in [
            (&object, json!([])),
            (&object, json!("text")),
            (&list, json!({})),
            (&list, json!("text")),
            (&list, json!(3)),
        ] {
            for (time, expected) in [(4, &new), (6, old)] {
                let mut ours = base(json!({"x": old}));
                let mut theirs = ours.clone();
                ours.set("/x", new.clone(), us, at(5)).unwrap();
                theirs.set(inside, 7_u64, eu, at(time)).unwrap();
                ours.merge(&theirs);
                let is_new = expected == &new;
                let survivor = if old.is_array() { json!([7]) } else { json!({"a": 7}) };
                reads(&ours, if is_new { &new } else { &survivor });
            }
        }
    }
}

fn told_of(conflicts: &[Conflict]) -> Vec<String> {
    conflicts.iter().map(|it| format!("{} {}", it.path, it.kind)).collect()
}

#[test]
fn an_edit_inside_an_item_that_lost_its_place_puts_it_back() {
    let [us, eu] = ids();
    for value in [json!({}), json!([])] {
        let mut ours = base(json!({"list": [{"a": 1}, 2]}));
        let mut theirs = ours.clone();
        ours.set("/list/0", value.clone(), us, at(5)).unwrap();
        theirs.remove("/list/0", eu, at(6)).unwrap();
        ours.merge(&theirs);
        ours = through_bytes(&ours);
        assert_eq!(ours.to_json(), json!({"list": [2, value]}));
        assert_eq!(told_of(&ours.conflicts()), ["/list/1 deletion"]);
        if value.is_array() {
            ours.push("/list/1", 7_u64, us, at(9)).unwrap();
        } else {
            ours.set("/list/1/a", 7_u64, us, at(9)).unwrap();
        }
        assert_eq!(ours.conflicts(), []);
    }
}

#[test]
fn a_move_to_where_an_item_stands_writes_nothing() {
    let us = ids()[0];
    let mut document = base(json!({"list": [1, 2, 3]}));
    assert!(document.move_item("/list/1", 1, us, at(5)).unwrap().is_empty());
    let mut theirs = document.clone();
    document.move_item("/list/1", 0, us, at(5)).unwrap();
    theirs.move_item("/list/1", 2, ids()[1], at(6)).unwrap();
    document.merge(&theirs);
    assert!(!document.move_item("/list/2", 2, us, at(7)).unwrap().is_empty(), "that settles it");
    assert_eq!(document.conflicts(), []);
}

/// Keys are the process's; but a list tells by which it was written.
#[test]
fn who_was_not_told_the_key_of_a_list_goes_by_it() {
    let [us, eu] = ids();
    let keys = Rules::new().keyed("/messages", "id").unwrap();
    let content = json!({"messages": [{"id": "m1"}]});
    let mut ours = Document::from_json_with(keys, &content, us, at(1)).unwrap();
    let mut theirs: Document = wire::from_bytes(&wire::to_bytes(&ours)).unwrap();
    ours.push("/messages", json!({"id": "m2", "text": "ours"}), us, at(5)).unwrap();
    theirs.push("/messages", json!({"id": "m2", "text": "theirs"}), eu, at(6)).unwrap();
    assert_eq!(theirs.item("/messages", "m2").as_deref(), Some("/messages/1"));
    ours.merge(&theirs);
    let read = json!({"messages": [{"id": "m1"}, {"id": "m2", "text": "theirs"}]});
    assert_eq!(ours.to_json(), read);
    // Also where the whole list is written anew, or its text is updated.
    theirs.set("/messages", json!([{"id": "m2"}, {"id": "m3"}]), eu, at(7)).unwrap();
    theirs.update(json!({"messages": [{"id": "m3"}, {"id": "m2"}]}), eu, at(8)).unwrap();
    assert_eq!(theirs.item("/messages", "m2").as_deref(), Some("/messages/1"));
    assert_eq!(theirs.item("/messages", "m1"), None);
}

/// Of the marks of two lists that were made at once, the one that is read tells the key.
#[test]
fn the_list_that_is_read_tells_the_key() {
    let [us, eu] = ids();
    for (time, key) in [(4, "id"), (6, "name")] {
        let list = |key: &str, replica, time| {
            let keys = Rules::new().keyed("/list", key).unwrap();
            let content = json!({"list": [{"id": 1, "name": 2}]});
            Document::from_json_with(keys, &content, replica, at(time)).unwrap()
        };
        let mut merged: Document = Document::new();
        merged.merge(&list("id", us, 5));
        merged.merge(&list("name", eu, time));
        merged.push("/list", json!({"id": 7, "name": 8}), us, at(9)).unwrap();
        let found = [7_u64, 8].map(|value| merged.item("/list", value).is_some());
        assert_eq!(found, [key == "id", key == "name"]);
    }
}

#[test]
fn a_snapshot_of_the_next_tick_replaces_the_one_before() {
    let (us, eu) = (ids()[0], ids()[1]);
    let of = |ticks: u64, value: Json| {
        let clock = VectorClock::from_iter([(us, ticks), (eu, 3)]);
        Document::from_snapshot(&value, &clock, us, at(9)).unwrap()
    };
    for ticks in [1, 2, 1_000, (1 << 32) - 3] {
        for [old, new] in
            [[json!("old"), json!("new")], [json!({"a": 1}), json!({"a": 2, "b": []})]]
        {
            let (old, new) = (of(ticks, old), of(ticks + 1, new));
            let (mut forward, mut backward) = (old.clone(), new.clone());
            assert!(forward.merge(&new) && !backward.merge(&old), "{ticks}");
            assert_eq!((&forward, &backward), (&new, &new));
            assert_eq!(forward.to_json(), new.to_json());
            assert_eq!(forward.conflicts(), []);
        }
    }
    let with = |counted, ticks: u64| {
        let clock = VectorClock::from_iter([(us, 1), (counted, ticks)]);
        Document::from_snapshot(1_u64, &clock, us, at(9))
            .map(|document| document.check_invariants())
    };
    for counted in ids() {
        assert_eq!(with(counted, (1 << 32) - 2), Ok(Ok(())));
        for ticks in [(1 << 32) - 1, 1 << 32, u64::MAX] {
            assert!(with(counted, ticks).unwrap_err().is_invalid_clock());
        }
    }
}

/// A deletion that covers what somebody wrote anew after it is no conflict with that.
#[test]
fn a_move_that_a_deletion_had_not_seen_is_no_survivor() {
    let ([us, eu], asia) = (ids(), replica("c-asia"));
    let keys = Rules::new().keyed("/list", "id").unwrap();
    let content = json!({"list": [{"id": 1}, {"id": 2}]});
    let old = Document::from_json_with(keys, &content, us, at(1)).unwrap();
    let (mut ours, mut theirs, mut third) = (old.clone(), old.clone(), old.clone());
    let moved = ours.move_item("/list/0", 1, us, at(5)).unwrap();
    let removed = theirs.remove("/list/0", eu, at(6)).unwrap();
    third.merge(&theirs);
    let made = third.push("/list", json!({"id": 1}), asia, at(7)).unwrap();
    let mut reader = old.clone();
    reader.apply_owned(moved);
    reader.apply_owned(made);
    let told = reader.apply_reporting(&removed);
    assert!(told.conflicts().iter().all(|it| it.kind != ConflictKind::Deletion), "{told:?}");
    let found = reader.item("/list", 1_u64).unwrap();
    assert_eq!(reader.get(&found), Some(json!({"id": 1}).try_into().unwrap()));
}

/// Of several removals above what survived, whatever their order, the latest is told of.
#[test]
fn the_latest_of_two_deletions_is_told() {
    let ([us, eu], asia) = (ids(), replica("c-asia"));
    for [(first, first_at), (second, second_at)] in
        [[("/a/b", 6), ("/a", 8)], [("/a", 8), ("/a/b", 6)]]
    {
        let mut ours = base(json!({"a": {"b": {"c": 1}}}));
        let (mut eus, mut asias) = (ours.clone(), ours.clone());
        let mut deletions = eus.remove(first, eu, at(first_at)).unwrap();
        deletions.merge(&asias.remove(second, asia, at(second_at)).unwrap());
        ours.set("/a/b/c", 2_u64, us, at(7)).unwrap();
        let told = ours.apply_reporting(&deletions);
        let by = if first == "/a" { eu } else { asia };
        let stamp = Some(Stamp { time: at(8), replica: by });
        let stamps: Vec<_> = told.conflicts().iter().flat_map(losers).collect();
        assert_eq!(stamps, [(Claim::Deletion, stamp)], "{told:?}");
        assert_eq!(told_of(told.conflicts()), ["/a deletion"]);
    }
}

#[test]
fn text_is_what_serde_json_writes() {
    let ascii: String = (0..0x80_u8).map(char::from).collect();
    let mut texts =
        vec![String::new(), ascii, "Gr\u{fc}\u{df}e \u{20ac} \u{1f600} \u{2028}".into()];
    for len in [1, 2, 31, 32, 33, 64, 70] {
        for (first, second) in (0..len).flat_map(|first| (first..len).map(move |it| (first, it))) {
            let is_escaped = |at| at == first || at == second;
            texts.push((0..len).map(|at| if is_escaped(at) { '"' } else { 'x' }).collect());
        }
    }
    for text in texts {
        assert_eq!(Value::from(&*text).to_string(), serde_json::to_string(&text).unwrap());
        let json = json!({ text.clone(): [text.clone(), {"a": text.clone(), "b": text}] });
        assert_eq!(base(json.clone()).to_string(), json.to_string());
    }
    let json = json!([[], {}, [[]], [{}], null, true, false, 0, -1, u64::MAX, i64::MIN, 0.5]);
    assert_eq!(base(json.clone()).to_string(), json.to_string());
    assert_eq!(Value::try_from(json.clone()).unwrap().to_string(), json.to_string());
    assert_eq!(Document::new().to_string(), "null");
}

#[test]
fn the_key_of_an_item_is_part_of_its_path() {
    let keys = Rules::new().keyed("/l", "id").unwrap();
    let push = |len: usize| {
        let mut document = Document::with_rules(keys.clone());
        document.set("", json!({"l": []}), ids()[0], at(1)).unwrap();
        document.push("/l", json!({"id": "k".repeat(len)}), ids()[0], at(2)).map(|_| document)
    };
    // The list, the key with five bytes more, and the field.
    let longest = (1 << 14) - 2 - 5 - 3;
    let document = push(longest).unwrap();
    assert_eq!(through_bytes(&document), document);
    assert!(push(longest + 1).unwrap_err().to_string().contains("16384 bytes"));
}

#[test]
fn a_document_shows_its_paths_and_what_was_written() {
    let mut document = base(json!({"title": "Booking", "list": ["an item in a list"]}));
    let delta = document.set("/title", "Help", ids()[0], at(5)).unwrap();
    for shown in [format!("{document:?}"), format!("{delta:?}")] {
        assert!(["title", "Help", "a-us"].iter().all(|it| shown.contains(it)), "{shown}");
    }
    let shown = format!("{document:?}");
    assert!(shown.contains("an item in a list") && !shown.contains("Booking"), "{shown}");
}

#[test]
fn values_are_made_read_and_ordered() {
    assert_eq!(Value::from("text").as_str(), Some("text"));
    assert_eq!(Value::from(7_u32).as_str(), None);
    assert_eq!(Value::from(7_u32), Value::from(7_u64));
    assert_eq!(Value::from(-7_i32), Value::from(-7_i64));
    assert_eq!(Value::from(f64::INFINITY), Value::Null);
    let floats = [-1e300, -0.0, 0.0, f64::MIN_POSITIVE, 0.1, 1e300].map(Value::from);
    assert!(floats.is_sorted_by(|one, other| one < other));
    let hash = |value: &Value| BuildHasherDefault::<DefaultHasher>::default().hash_one(value);
    let hashes: BTreeSet<u64> = floats.iter().map(hash).collect();
    assert_eq!(hashes.len(), floats.len(), "or two of them under one dot went unnoticed");
}

#[test]
fn what_is_not_read_is_not_told_of_as_changed() {
    let [us, eu] = ids();
    let mut ours = base(json!({"x": {"a": 1}}));
    let mut theirs = ours.clone();
    ours.set("/x", "text", us, at(9)).unwrap();
    let delta = theirs.set("/x/a", 2_u64, eu, at(5)).unwrap();
    for told in [ours.clone().merge_reporting(&theirs), ours.apply_reporting(&delta)] {
        assert_eq!(told.changes(), []);
        assert_eq!(told_of(told.conflicts()), ["/x type"]);
    }
}

/// What strangers say of counts is believed, like all they say; it cannot stop anybody.
#[test]
fn made_up_counts_neither_panic_nor_freeze_a_number() {
    let ([us, eu], asia) = (ids(), replica("c-asia"));
    let sums = [i64::MIN, -1, 0, 1, i64::MAX];
    let extents = [(1, 1), (1, 9), (9, 9), (5, 12), (1, u64::MAX), (12, 12), (u64::MAX, u64::MAX)];
    let forged = |sum: i64, start: u64, counted: (u64, u64), counted_sum: i64, number: i64| {
        let (from, to) = counted;
        let counted = json!([{"replica": us, "start": from, "last": to, "sum": counted_sum}]);
        let count = json!({"path": ["n"], "time": 1, "count": sum, "start": start});
        let value = json!({"path": ["n"], "time": 1, "value": number, "counted": counted});
        let form = json!({
            us.to_string(): {"seen": [[1, 9]], "live": [[9, count]]},
            eu.to_string(): {"seen": [[1, 2]], "live": [
                [1, {"path": [], "time": 1, "value": {}}], [2, value],
            ]},
        });
        serde_json::from_value::<Document>(document_form(form)).unwrap()
    };
    let integer = |document: &Document| document.to_json()["n"].as_i64().unwrap();
    for (sum, counted_sum) in sums.into_iter().flat_map(|sum| sums.map(|other| (sum, other))) {
        for (start, counted) in extents.into_iter().flat_map(|it| [1, 5, 9].map(|at| (at, it))) {
            for number in [i64::MIN, 0, i64::MAX] {
                let mut document = forged(sum, start, counted, counted_sum, number);
                assert_eq!(through_json(&document), document);
                let before = document.clone();
                for id in [us, asia, eu, us, us] {
                    let read = integer(&document);
                    let by = if read == i64::MAX { -1 } else { 1 };
                    let counted = if by == 1 {
                        document.increment("/n", 1, id, at(9))
                    } else {
                        document.decrement("/n", 1, id, at(9))
                    };
                    counted.unwrap();
                    assert_eq!(integer(&document), read + by, "{before:?}");
                    document.check_invariants().unwrap();
                }
                let (mut ours, mut theirs) = (before.clone(), document.clone());
                ours.increment("/n", 1, asia, at(9)).ok();
                theirs.reset("/n", eu, at(9)).unwrap();
                theirs.increment("/n", 2, us, at(9)).unwrap();
                assert_eq!(theirs.get("/n"), Some(2.into()));
                let mut merged = ours.clone();
                merged.merge(&theirs);
                theirs.merge(&ours);
                assert_eq!(merged, theirs);
            }
        }
    }
}

/// Two sides count, and each then updates to a number that it has counted to: the later number,
/// and nothing counted twice.
#[test]
fn two_sides_that_counted_update_to_numbers() {
    let [us, eu] = ids();
    let mut ours = base(json!({"n": 0}));
    ours.increment("/n", 3, us, at(2)).unwrap();
    ours.increment("/n", 4, eu, at(2)).unwrap();
    let mut theirs = ours.clone();
    ours.increment("/n", 10, us, at(3)).unwrap();
    theirs.increment("/n", 20, eu, at(3)).unwrap();
    ours.update(json!({"n": 100}), us, at(4)).unwrap();
    theirs.update(json!({"n": 200}), eu, at(5)).unwrap();
    ours.increment("/n", 1, us, at(6)).unwrap();
    theirs.increment("/n", 2, eu, at(6)).unwrap();
    let mut merged = ours.clone();
    merged.merge(&theirs);
    theirs.merge(&ours);
    assert_eq!(merged, theirs);
    assert_eq!(merged.to_json(), json!({"n": 203}));
    let told = merged.conflicts().remove(0);
    assert_eq!(told.kind, ConflictKind::Value);
    assert_eq!(told.losers[0].claim, Claim::Value(100.into()));
    assert!(merged.update(json!({"n": 203}), us, at(7)).unwrap().is_empty());
}

/// A replica that got one delta in ten holds counts that later ones tell of as well, until it
/// counts itself.
#[test]
fn counts_that_later_ones_tell_of_go_with_the_next_increment() {
    let ([us, eu], asia) = (ids(), replica("c-asia"));
    let mut ours = base(json!({"n": 0}));
    let mut theirs = ours.clone();
    for round in 0..100 {
        let delta = ours.increment("/n", 1, us, at(2)).unwrap();
        if round % 10 == 9 {
            theirs.apply_owned(delta);
            assert_eq!(theirs.get("/n"), Some((round + 1).into()));
        }
    }
    let counts = |document: &Document| {
        let form = serde_json::to_string(document).unwrap();
        form.matches(r#""count":"#).count()
    };
    assert_eq!((counts(&ours), counts(&theirs)), (1, 10));
    let mut third = theirs.clone();
    theirs.increment("/n", 1, eu, at(3)).unwrap();
    assert_eq!((counts(&theirs), theirs.get("/n")), (2, Some(101.into())));
    // One that a value has replaced goes likewise.
    let reset = ours.reset("/n", us, at(4)).unwrap();
    third.apply_owned(reset);
    third.increment("/n", 1, asia, at(3)).unwrap();
    assert_eq!((counts(&third), third.get("/n")), (1, Some(1.into())));
    theirs.merge(&third);
    ours.merge(&theirs);
    theirs.merge(&ours);
    third.merge(&ours);
    assert_eq!((&ours, &theirs), (&third, &third));
    assert_eq!((counts(&ours), ours.get("/n")), (2, Some(2.into())));
}
