//! What goes wrong without rules and with saves of whole documents, each as a named case, and what
//! rules promise beside the executable specification.

use crate::{at, cursors::check_cursors, encoded::through_bytes, replica, spec::check_replay};
use rejoin::{
    DeltaState, Document, Merge, ReplicaId, Timestamp,
    document::{Conflict, Rules, Value, Written},
    laws::Invariants,
    wire,
};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;

fn ids() -> [ReplicaId; 2] {
    [replica("eu"), replica("us")]
}

fn plain() -> Rules {
    Rules::new().default_key(None)
}

fn import(rules: &Rules, json: &Json, id: ReplicaId, time: u64) -> Document {
    Document::from_json_with(rules.clone(), json, id, at(time)).unwrap()
}

/// Both join the other; they must agree, hold what they promise, and be read from bytes alike.
fn meet(ours: &Document, theirs: &Document) -> Document {
    let (mut here, mut there) = (ours.clone(), theirs.clone());
    here.merge(theirs);
    there.merge(ours);
    assert_eq!(here, there);
    assert_eq!(here.to_string(), there.to_string());
    assert_eq!(through_bytes(&here).to_string(), here.to_string());
    assert_eq!(here.check_invariants(), Ok(()));
    here
}

#[test]
fn a_save_undoes_nothing_that_others_wrote() {
    let [eu, us] = ids();
    let read = json!({"assignee": "x", "status": "open", "messages": [{"id": 1, "text": "a"}]});
    let mut document = import(&Rules::new(), &read, us, 1);
    document.set("/assignee", "newer", eu, at(2)).unwrap();
    document.push("/messages", json!({"id": 2, "text": "b"}), eu, at(2)).unwrap();
    let mut new = read.clone();
    new["status"] = json!("closed");
    let (delta, overwritten) = document.update_from(&read, &new, us, at(3)).unwrap();
    assert_eq!((delta.write_count(), overwritten.len()), (1, 0));
    assert_eq!(document.to_json()["assignee"], "newer");
    assert_eq!(document.to_json()["messages"].as_array().map(Vec::len), Some(2));

    // A field that both changed is written, and told.
    new["assignee"] = json!("y");
    let mut edit = document.edit(us, at(4));
    let overwritten = edit.update_from(&read, &new).unwrap();
    let [told] = &overwritten[..] else { panic!("{overwritten:?}") };
    assert_eq!(told.path, "/assignee");
    assert_eq!(told.read, Some("x".into()));
    assert_eq!((&told.stood, &told.written), (&Some("newer".into()), &Some("y".into())));
    drop(edit);
    assert_eq!(document.to_json()["assignee"], "newer", "refused: nothing was written");
}

#[test]
fn a_save_tells_what_others_removed_and_what_it_removes_of_theirs() {
    let [eu, us] = ids();
    let read = json!({"l": [{"id": 1, "t": "a"}, {"id": 2, "t": "b"}, {"id": 3, "t": "c"}], "o": {"x": 1}});
    let mut document = import(&Rules::new(), &read, us, 1);
    document.remove("/l/0", eu, at(2)).unwrap();
    document.set("/l/0/t", "B", eu, at(2)).unwrap();
    document.set("/o", 7, eu, at(2)).unwrap();
    let new = json!({"l": [{"id": 1, "t": "A"}, {"id": 3, "t": "c"}, {"id": 4}], "o": {"x": 2}});
    let (_, told) = document.update_from(&read, &new, us, at(3)).unwrap();
    assert_eq!(document.to_json(), new);
    let told: Vec<String> = told
        .iter()
        .map(|it| format!("{} {}", it.path, json!([it.read, it.stood, it.written])))
        .collect();
    assert_eq!(
        told,
        [
            r#"/l/0 [{"id":2,"t":"b"},{"id":2,"t":"B"},null]"#,
            r#"/l/0 [{"id":1,"t":"a"},null,{"id":1,"t":"A"}]"#,
            r#"/o [{"x":1},7,{"x":2}]"#,
        ]
    );
    // In a list that is ordered by a field too, the path is where the item stands.
    let rules = Rules::new().ordered_by("", "t").unwrap();
    let read = json!([{"id": 1, "t": 1}, {"id": 2, "t": 2}, {"id": 3, "t": 3}]);
    let mut sorted = import(&rules, &read, us, 1);
    sorted.remove("/1", eu, at(2)).unwrap();
    let edited = json!([{"id": 1, "t": 1}, {"id": 2, "t": 2, "x": 1}, {"id": 3, "t": 3}]);
    let (_, told) = sorted.update_from(&read, &edited, us, at(3)).unwrap();
    assert_eq!((told.len(), told[0].path.to_string().as_str()), (1, "/1"));
    assert_eq!(sorted.to_json(), edited);
    let again = document.update_from(&new, &new, us, at(4)).unwrap();
    assert!(again.0.is_empty() && again.1.is_empty());
}

#[test]
fn what_a_save_appends_stands_behind_what_others_appended() {
    let [eu, us] = ids();
    for rules in [plain(), Rules::new()] {
        let read = json!([{"id": 1}, {"id": 2}]);
        let mut document = import(&rules, &read, us, 1);
        document.push("", json!({"id": 3}), eu, at(2)).unwrap();
        let new = json!([{"id": 2}, {"id": 1}, {"id": 4}]);
        let (_, told) = document.update_from(&read, &new, us, at(3)).unwrap();
        assert_eq!(told, []);
        assert_eq!(document.to_json(), json!([{"id": 2}, {"id": 1}, {"id": 3}, {"id": 4}]));
    }
}

/// The hazard of the older recipe: repeat `update` on the newest state.
#[test]
fn an_edit_of_one_item_never_becomes_an_edit_of_another() {
    let [eu, us] = ids();
    let base = json!([{"id": 1, "text": "helo"}]);
    for (rules, expected) in [
        // Without keys, what was edited is another item; what the other side wrote in it survives.
        (plain(), json!([{"id": 0}, {"id": 1, "text": "hello"}, {"read": true}])),
        (Rules::new(), json!([{"id": 0}, {"id": 1, "read": true, "text": "hello"}])),
    ] {
        let mut ours = import(&rules, &base, us, 1);
        let mut theirs = ours.clone();
        ours.update(json!([{"id": 0}, {"id": 1, "text": "hello"}]), us, at(2)).unwrap();
        theirs.set("/0/read", true, eu, at(2)).unwrap();
        assert_eq!(meet(&ours, &theirs).to_json(), expected);
    }
}

#[test]
fn both_sides_updating_to_one_json_have_that_json() {
    let [eu, us] = ids();
    let cases = [
        (json!(["a", "b"]), json!(["x", "b", "a", "x"])),
        (json!([]), json!([{"id": 1}, {"id": 2}])),
        (json!([{"id": 1, "t": "a"}]), json!([{"id": 2}, {"id": 1, "t": "b"}])),
        (json!([[1], [2]]), json!([[2], [1, 3]])),
    ];
    for (base, new) in cases {
        for rules in [plain(), Rules::new()] {
            let mut ours = import(&rules, &base, us, 1);
            let mut theirs = ours.clone();
            ours.update(&new, us, at(2)).unwrap();
            theirs.update(&new, eu, at(3)).unwrap();
            let met = meet(&ours, &theirs);
            assert_eq!(met.to_json(), new);
            assert_eq!(met.conflicts(), []);
        }
    }
}

#[test]
fn overlapping_imports_keep_their_order() {
    let [eu, us] = ids();
    let list = |ids: &[u64]| ids.iter().map(|id| json!({"id": id})).collect::<Json>();
    let parts: [&[u64]; 4] = [&[1, 2, 3, 4], &[3, 4], &[1, 2], &[2, 3]];
    for (ours, theirs) in [(0, 1), (1, 0), (2, 3), (3, 2), (0, 3), (3, 0)] {
        let ours = import(&Rules::new(), &list(parts[ours]), us, 1);
        let theirs = import(&Rules::new(), &list(parts[theirs]), eu, 2);
        let met = meet(&ours, &theirs);
        let len = met.at("").unwrap().len() as u64;
        assert_eq!(met.to_json(), list(&(1..=len).collect::<Vec<_>>()));
        assert_eq!(met.conflicts(), []);
    }
}

#[test]
fn messages_of_two_sides_stand_by_time() {
    let [eu, us] = ids();
    for rules in [plain(), Rules::new(), Rules::new().ordered_by("", "sent").unwrap()] {
        let mut ours = import(&rules, &json!([{"id": 0, "sent": 0}]), us, 1);
        let mut theirs = ours.clone();
        ours.push("", json!({"id": 2, "sent": 200}), us, at(200)).unwrap();
        theirs.push("", json!({"id": 1, "sent": 100}), eu, at(100)).unwrap();
        let ids: Vec<u64> = meet(&ours, &theirs)
            .at("")
            .unwrap()
            .items()
            .map(|item| item.get("id").unwrap().as_u64().unwrap())
            .collect();
        assert_eq!(ids, [0, 1, 2]);
    }
}

#[test]
fn a_position_is_one_value() {
    let [eu, us] = ids();
    let rules = Rules::new().atomic("/pos").unwrap();
    let mut ours = Document::with_rules(rules);
    ours.set("/pos", [0, 0], us, at(1)).unwrap();
    let mut theirs = through_bytes(&ours);
    ours.set("/pos", [1, 2], us, at(2)).unwrap();
    theirs.set("/pos", [3, 4], eu, at(2)).unwrap();
    let met = meet(&ours, &theirs);
    assert_eq!(met.to_string(), r#"{"pos":[1,2]}"#, "the greater replica, without rules too");
    let conflicts = met.conflicts();
    assert_eq!(conflicts[0].losers[0].claim.value(), Some(&Value::from([3, 4])));

    // Its parts are read where they stand, and written only as a whole.
    let mut met = met;
    assert_eq!(met.get("/pos/1"), Some(2.into()));
    let cursor = met.at("/pos/1").unwrap();
    assert_eq!((cursor.as_i64(), cursor.pointer().as_str()), (Some(2), "/pos/1"));
    assert!(met.at("/pos/2").is_none());
    let before = met.clone();
    for refused in [
        met.set("/pos/0", 9, us, at(9)),
        met.push("/pos", 9, us, at(9)),
        met.remove("/pos/0", us, at(9)),
        met.increment("/pos/0", 1, us, at(9)),
    ] {
        let error = refused.unwrap_err();
        assert!(error.is_atomic() || error.is_not_a_list(), "{error}");
    }
    assert_eq!(met, before);
    assert_eq!(met.update(met.to_value(), us, at(9)).unwrap().write_count(), 0);
    met.update(json!({"pos": [1, 3]}), us, at(9)).unwrap();
    assert_eq!((met.to_string().as_str(), met.conflicts().len()), (r#"{"pos":[1,3]}"#, 0));
}

/// An embedding, and whatever else is one value, takes hardly more bytes than its compact JSON.
#[test]
fn a_whole_value_costs_its_json() {
    let [_, us] = ids();
    let mut random = 1_u64;
    let mut next = || {
        random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        random >> 33
    };
    let full: Vec<f64> = (0..1_536).map(|_| next() as f64 / (1_u64 << 31) as f64 - 0.5).collect();
    let short: Vec<f64> = (0..1_536).map(|_| (next() % 2_000) as f64 / 1_000.0 - 1.0).collect();
    let small: Vec<u64> = (0..32_000).map(|_| next() % 100).collect();
    let texts: Vec<String> = (0..1_000).map(|_| format!("text {}", next())).collect();
    let objects: Vec<Json> =
        (0..500).map(|it| json!({"x": it, "y": next() % 9, "z": null})).collect();
    for value in [json!(full), json!(short), json!(small), json!(texts), json!(objects)] {
        let json = value.to_string().len();
        let rules = Rules::new().atomic("/v").unwrap();
        let mut document = Document::with_rules(rules);
        document.set("/v", &value, us, at(1)).unwrap();
        assert_eq!(document.to_json()["v"], value);
        let bytes = wire::to_bytes(&document).len();
        assert!(
            bytes * 10 <= json * 11,
            "{bytes} bytes for {json} of JSON: {:.60}",
            value.to_string()
        );
        assert_eq!(through_bytes(&document), document);
    }
}

#[test]
fn a_list_that_both_sides_reversed_is_in_no_conflict() {
    let [eu, us] = ids();
    let base: Json = (0..50).map(|id| json!({"id": id})).collect();
    let reversed: Json = (0..50).rev().map(|id| json!({"id": id})).collect();
    let mut ours = import(&Rules::new(), &base, us, 1);
    let mut theirs = ours.clone();
    ours.update(&reversed, us, at(2)).unwrap();
    theirs.update(&reversed, eu, at(3)).unwrap();
    let met = meet(&ours, &theirs);
    assert_eq!((met.to_json(), met.conflicts().len()), (reversed, 0));
}

#[test]
fn the_latest_of_update_times_is_read_and_is_no_conflict() {
    let [eu, us] = ids();
    for (low, high) in [
        (json!(1.5), json!(2)),
        (json!("2024-06-01T09:00:00Z"), json!("2024-06-01T10:00:00Z")),
        (json!(-1), json!(1e300)),
    ] {
        let rules = Rules::new().max("/greatest").unwrap().min("/least").unwrap();
        let mut ours = Document::with_rules(rules);
        ours.set("", json!({}), us, at(1)).unwrap();
        let mut theirs = ours.clone();
        for path in ["/greatest", "/least"] {
            ours.set(path, &high, us, at(2)).unwrap();
            theirs.set(path, &low, eu, at(3)).unwrap();
        }
        // Who knows no rules goes on with them.
        let mut met = through_bytes(&meet(&ours, &theirs));
        assert_eq!(met.to_json(), json!({"greatest": high, "least": low}));
        assert_eq!(met.conflicts(), []);
        assert!(met.set("/greatest", &low, us, at(9)).unwrap().is_empty());
        assert!(met.set("/least", &high, us, at(9)).unwrap().is_empty());
        met.remove("/greatest", us, at(9)).unwrap();
        met.set("/greatest", &low, us, at(9)).unwrap();
        assert_eq!(
            met.to_json(),
            json!({"greatest": low, "least": low}),
            "removed, it starts again"
        );
    }
}

#[test]
fn counters_that_both_sides_save_add_up() {
    let [eu, us] = ids();
    let rules = Rules::new().counter("/unread").unwrap();
    let mut ours = import(&rules, &json!({"unread": 5}), us, 1);
    let mut theirs = ours.clone();
    ours.update(json!({"unread": 7}), us, at(2)).unwrap();
    theirs.update_from(json!({"unread": 5}), json!({"unread": 4}), eu, at(2)).unwrap();
    let mut met = meet(&ours, &theirs);
    assert_eq!((met.to_string().as_str(), met.conflicts().len()), (r#"{"unread":6}"#, 0));
    // A save against what was read counts on, even where others counted meanwhile.
    let (_, told) = met.update_from(json!({"unread": 5}), json!({"unread": 6}), us, at(3)).unwrap();
    assert_eq!((met.to_string().as_str(), told.len()), (r#"{"unread":7}"#, 0));
    // The same import on two sides is one number, not two.
    let twice = meet(
        &import(&rules, &json!({"unread": 5}), us, 1),
        &import(&rules, &json!({"unread": 5}), eu, 2),
    );
    assert_eq!(twice.to_string(), r#"{"unread":5}"#);
}

#[test]
fn sets_are_joined_and_adding_wins() {
    let [eu, us] = ids();
    let rules = Rules::new().set("/tags").unwrap();
    let mut ours = import(&rules, &json!({"tags": ["b", "a", "b", 10, 9]}), us, 1);
    assert_eq!(ours.to_json(), json!({"tags": [9, 10, "a", "b"]}), "nothing twice, in order");
    let mut theirs = through_bytes(&ours);
    ours.update(json!({"tags": ["a", "c"]}), us, at(2)).unwrap();
    theirs.push("/tags", "c", eu, at(2)).unwrap();
    theirs.push("/tags", "b", eu, at(2)).unwrap();
    let mut met = meet(&ours, &theirs);
    assert_eq!(met.to_json(), json!({"tags": ["a", "b", "c"]}), "adding b again beats removing it");
    assert_eq!(met.conflicts().iter().filter(|it| it.path != "/tags/1").count(), 0);
    met.set("/tags/0", "z", us, at(3)).unwrap();
    assert_eq!(met.to_json()["tags"], json!(["b", "c", "z"]), "another member");
    let before = met.clone();
    assert!(met.move_item("/tags/0", 1, us, at(4)).unwrap_err().is_sorted());
    assert!(met.insert("/tags/0", "y", us, at(4)).unwrap_err().is_sorted());
    assert!(met.push("/tags", json!({}), us, at(4)).unwrap_err().is_not_in_set());
    assert_eq!(met, before);
}

/// One side has no rules yet, so its array is a list, of other items than those of the set.
#[test]
fn a_list_and_a_set_at_one_path_become_one_set() {
    let [eu, us] = ids();
    let mut ours = Document::with_rules(Rules::new().set("/tags").unwrap());
    ours.set("", json!({}), us, at(1)).unwrap();
    let mut theirs = through_bytes(&ours);
    ours.set("/tags", ["a", "b"], us, at(2)).unwrap();
    theirs.set("/tags", json!(["a", "c", "a"]), eu, at(3)).unwrap();
    let met = meet(&ours, &theirs);
    assert_eq!(met.conflicts()[0].kind.to_string(), "keys");
    let read = met.to_json();
    assert!(met.clone().update(&read, us, at(4)).unwrap().is_empty());
    let mut ours = met.clone();
    ours.set_rules(Rules::new().set("/tags").unwrap());
    ours.push("/tags", "d", us, at(4)).unwrap();
    assert_eq!(ours.to_json()["tags"], json!(["a", "b", "c", "d"]));
    assert_eq!((ours.conflicts().len(), ours.check_invariants()), (0, Ok(())));
    let mut theirs = through_bytes(&met);
    theirs.push("/tags", "e", eu, at(5)).unwrap();
    let tags = meet(&ours, &theirs).to_json()["tags"].clone();
    for tag in ["a", "b", "c", "d", "e"] {
        assert!(tags.as_array().unwrap().contains(&json!(tag)), "{tags}");
    }
}

/// What is no scalar stays where a set met a list, until somebody takes it out.
#[test]
fn a_set_that_met_a_list_of_objects_loses_nothing() {
    let [eu, us] = ids();
    let rules = || Rules::new().set("/tags").unwrap();
    for ruled in [true, false] {
        let mut ours = Document::with_rules(rules());
        ours.set("", json!({}), us, at(1)).unwrap();
        let mut theirs = through_bytes(&ours);
        ours.set("/tags", ["a", "b"], us, at(2)).unwrap();
        theirs.set("/tags", json!(["a", {"x": 1}, "c", {"x": 2}]), eu, at(3)).unwrap();
        let mut met = meet(&ours, &theirs);
        met.set_rules(if ruled { rules() } else { Rules::new() });
        let tags = |document: &Document| -> Vec<Json> {
            let mut tags = document.to_json()["tags"].as_array().unwrap().clone();
            tags.sort_by_key(Json::to_string);
            tags
        };
        let at_x = |document: &Document, x: u64| {
            let tags = document.to_json()["tags"].as_array().unwrap().clone();
            let at = tags.iter().position(|it| it["x"] == x).unwrap();
            format!("/tags/{at}")
        };
        let read = met.to_json();
        assert!(met.update(&read, us, at(4)).unwrap().is_empty(), "it reads so");

        // Scalars come and go; what is inside the others is edited; the conflict stays open.
        met.push("/tags", "d", us, at(4)).unwrap();
        met.set(&(at_x(&met, 1) + "/y"), 5, us, at(4)).unwrap();
        let [a, b, c, d] = ["a", "b", "c", "d"].map(|it| json!(it));
        let [one, two] = [json!({"x": 1, "y": 5}), json!({"x": 2})];
        let all = [&a, &a, &b, &c, &d, &one, &two].map(Json::clone);
        assert_eq!(tags(&met), all, "{ruled}");
        assert_eq!(met.conflicts()[0].kind.to_string(), "keys");
        let refused = met.push("/tags", json!({"x": 3}), us, at(4)).unwrap_err();
        assert!(refused.is_not_in_set(), "{refused}");

        // Each way out: what is no scalar is removed, replaced, saved away, or all is set.
        let ways: [fn(&mut Document, String, String); 5] = [
            |met, one, two| {
                let (later, sooner) = if one > two { (one, two) } else { (two, one) };
                for path in [later, sooner] {
                    met.remove(&path, ids()[1], at(5)).unwrap();
                }
                met.push("/tags", "d", ids()[1], at(6)).unwrap();
            },
            |met, one, _| {
                met.set(&one, "d", ids()[1], at(5)).unwrap();
                let two =
                    met.to_json()["tags"].as_array().unwrap().iter().position(Json::is_object);
                met.set(&format!("/tags/{}", two.unwrap()), "d", ids()[1], at(5)).unwrap();
                met.push("/tags", "d", ids()[1], at(6)).unwrap();
            },
            |met, _, _| {
                drop(met.update(json!({"tags": ["d", "c", "b", "a"]}), ids()[1], at(5)).unwrap());
            },
            |met, _, _| {
                let new = json!({"tags": ["d", "c", "b", "a"]});
                let read = met.to_json();
                let (_, told) = met.update_from(&read, &new, ids()[1], at(5)).unwrap();
                assert!(told.is_empty());
            },
            |met, _, _| drop(met.set("/tags", ["a", "b", "c", "d"], ids()[1], at(5)).unwrap()),
        ];
        for (way, go) in ways.into_iter().enumerate() {
            let mut met = met.clone();
            let (one, two) = (at_x(&met, 1), at_x(&met, 2));
            go(&mut met, one, two);
            let scalars = [&a, &b, &c, &d].map(Json::clone);
            assert_eq!(tags(&met), scalars, "{ruled} {way}");
            assert_eq!(
                (met.conflicts().len(), met.check_invariants()),
                (0, Ok(())),
                "{ruled} {way}"
            );
        }
    }
}

#[test]
fn an_ordered_list_stands_by_its_field_whatever_happens() {
    let [eu, us] = ids();
    let rules = Rules::new().ordered_by("", "t").unwrap();
    let item = |id: u64, t: Json| json!({"id": id, "t": t});
    let mut ours = import(&rules, &json!([item(3, json!(30)), item(1, json!(10.5))]), us, 1);
    let ids = |document: &Document| -> Vec<u64> {
        document.at("").unwrap().items().filter_map(|it| it.get("id")?.as_u64()).collect()
    };
    assert_eq!(ids(&ours), [1, 3]);
    let mut theirs = through_bytes(&ours);
    theirs.push("", item(2, json!(20)), eu, at(2)).unwrap();
    ours.set("/0/t", 40, us, at(2)).unwrap();
    ours.push("", json!({"id": 9}), us, at(2)).unwrap();
    ours.push("", item(8, json!("text")), us, at(2)).unwrap();
    let mut met = meet(&ours, &theirs);
    assert_eq!(ids(&met), [2, 3, 1, 8, 9], "numbers, texts, and what lacks the field");
    assert!(met.move_item("/0", 1, us, at(3)).unwrap_err().is_sorted());
    assert!(met.insert("/0", item(7, json!(1)), us, at(3)).unwrap_err().is_sorted());
    let mut json = met.to_json();
    json.as_array_mut().unwrap().reverse();
    assert!(met.update(&json, us, at(3)).unwrap().is_empty(), "another order is no difference");
    met.remove("/0", us, at(4)).unwrap();
    met.push("", item(2, json!(50)), eu, at(5)).unwrap();
    assert_eq!(ids(&met), [3, 1, 2, 8, 9]);
    assert_eq!(met.check_invariants(), Ok(()));
}

#[test]
fn a_removal_that_wins_costs_one_write_until_it_is_made_again() {
    let [eu, us] = ids();
    let rules = Rules::new().delete_wins("/drafts/*").unwrap().delete_wins("/list/*").unwrap();
    let base =
        json!({"drafts": {"d": {"text": "a", "tags": [1]}}, "list": [{"id": 1, "text": "a"}]});
    let mut ours = import(&rules, &base, us, 1);
    let before = wire::to_bytes(&ours).len();
    let mut theirs = ours.clone();
    for path in ["/drafts/d", "/list/0"] {
        theirs.set(&format!("{path}/text"), "b", eu, at(9)).unwrap();
        ours.remove(path, us, at(2)).unwrap();
    }
    let mut met = meet(&ours, &theirs);
    assert_eq!(met.to_json(), json!({"drafts": {}, "list": []}));
    assert_eq!(met.conflicts(), []);
    for _ in 0..100 {
        met.set("/drafts/d", json!({"text": "again"}), us, at(10)).unwrap();
        met.push("/list", json!({"id": 1, "text": "again"}), us, at(10)).unwrap();
        let read =
            json!({"drafts": {"d": {"text": "again"}}, "list": [{"id": 1, "text": "again"}]});
        assert_eq!(met.to_json(), read);
        met.remove("/drafts/d", us, at(11)).unwrap();
        met.remove("/list/0", us, at(11)).unwrap();
        assert_eq!(met.check_invariants(), Ok(()));
    }
    assert!(wire::to_bytes(&met).len() < before, "nothing is left but two marks");
    met.set("", json!({}), us, at(12)).unwrap();
    assert_eq!(met.set("/a", 1, us, at(12)).unwrap().write_count(), 1);
    assert_eq!(met.at("").map(|it| it.len()), Some(1));
}

#[test]
fn a_preferred_replica_wins_and_the_other_is_told() {
    let [eu, us] = ids();
    let rules = Rules::new().prefer("/price", [eu]).unwrap();
    let mut ours = import(&rules, &json!({"price": 1}), us, 1);
    let mut theirs = ours.clone();
    ours.set("/price", 2, us, at(9)).unwrap();
    theirs.set("/price", 3, eu, at(2)).unwrap();
    let met = meet(&ours, &theirs);
    assert_eq!(met.get("/price"), Some(3.into()));
    let conflicts = met.conflicts();
    assert_eq!(conflicts[0].winner.claim.value(), Some(&3.into()));
    assert_eq!(conflicts[0].losers[0].claim.value(), Some(&2.into()));
}

#[test]
fn items_that_are_one_value_are_told_apart_by_their_key() {
    let [eu, us] = ids();
    let rules = Rules::new().atomic("/*").unwrap();
    let mut ours = import(&rules, &json!([{"id": 1, "x": 1}, {"id": 2, "x": 1}]), us, 1);
    assert!(ours.update(ours.to_value(), us, at(2)).unwrap().is_empty());
    let mut theirs = ours.clone();
    ours.update(json!([{"id": 2, "x": 1}, {"id": 1, "x": 2}]), us, at(2)).unwrap();
    theirs.update(json!([{"id": 1, "x": 1}, {"id": 2, "x": 3}]), eu, at(2)).unwrap();
    assert_eq!(meet(&ours, &theirs).to_json(), json!([{"id": 2, "x": 3}, {"id": 1, "x": 2}]));
}

/// A new rule takes hold where something is next written; one that is taken away leaves what it
/// wrote.
#[test]
fn rules_change_what_is_written_from_then_on() {
    let [_, us] = ids();
    let json = json!({"l": [{"id": 2, "t": 2}, {"id": 1, "t": 1}], "s": ["b", "a", "b"], "p": [1], "m": 5});
    let mut document = import(&plain(), &json, us, 1);
    let rules = plain().keyed("/l", "id").unwrap().ordered_by("/l", "t").unwrap();
    let rules = rules.set("/s").unwrap().atomic("/p").unwrap().max("/m").unwrap();
    document.set_rules(rules);
    assert_eq!(document.to_json(), json, "nothing is written");
    assert!(document.update(&json, us, at(2)).unwrap().is_empty());
    document.push("/l", json!({"id": 3, "t": 0}), us, at(3)).unwrap();
    document.push("/s", "c", us, at(3)).unwrap();
    document.set("/p", [2], us, at(3)).unwrap();
    document.set("/m", 6, us, at(3)).unwrap();
    let new = json!({
        "l": [{"id": 3, "t": 0}, {"id": 1, "t": 1}, {"id": 2, "t": 2}],
        "s": ["a", "b", "c"], "p": [2], "m": 6,
    });
    assert_eq!(document.to_json(), new);
    assert_eq!(document.item("/l", 3).as_deref(), Some("/l/0"));
    assert!(document.set("/p/0", 3, us, at(4)).unwrap_err().is_atomic());

    document.set_rules(plain());
    document.push("/l", json!({"id": 4, "t": -1}), us, at(5)).unwrap();
    document.push("/s", "a", us, at(5)).unwrap();
    assert!(document.set("/m", 1, us, at(5)).unwrap().is_empty());
    assert_eq!(document.item("/l", 4).as_deref(), Some("/l/0"), "still ordered and keyed");
    assert_eq!(document.to_json()["s"], json!(["a", "b", "c"]), "still a set");
    assert_eq!(document.check_invariants(), Ok(()));

    // A set becomes a list with keys by being written anew.
    document.set_rules(plain().keyed("/s", "id").unwrap());
    document.push("/s", "a", us, at(6)).unwrap();
    assert_eq!(document.to_json()["s"], json!(["a", "b", "c", "a"]));
    document.insert("/s/0", "x", us, at(6)).unwrap();
    assert_eq!(document.check_invariants(), Ok(()));
}

#[test]
fn lists_of_objects_find_their_key_by_themselves() {
    let [eu, us] = ids();
    let keyed = |rules: Rules, json: Json| {
        let document = import(&rules, &json, us, 1);
        document.item("", "a").is_some()
    };
    let a = || json!({"id": "a"});
    assert!(keyed(Rules::new(), json!([a(), {"id": 2}])));
    assert!(!keyed(Rules::new(), json!([a(), {"id": "a"}])), "not distinct");
    assert!(!keyed(Rules::new(), json!([a(), {}])) && !keyed(Rules::new(), json!([a(), 1])));
    assert!(!keyed(Rules::new(), json!([a(), {"id": []}])), "not a scalar");
    assert!(!keyed(plain(), json!([a()])));
    assert!(keyed(Rules::new().default_key("uuid"), json!([{"uuid": "a"}])));
    // An empty list is keyed by what is inserted first, on both sides alike.
    let mut ours = import(&Rules::new(), &json!([]), us, 1);
    let mut theirs = ours.clone();
    ours.push("", json!({"id": 1, "x": 1}), us, at(2)).unwrap();
    theirs.push("", json!({"id": 1, "y": 1}), eu, at(2)).unwrap();
    let met = meet(&ours, &theirs);
    assert_eq!((met.to_json(), met.conflicts().len()), (json!([{"id": 1, "x": 1, "y": 1}]), 0));
}

#[test]
fn rules_that_contradict_each_other_are_refused() {
    let rules = |first: fn(Rules, &str) -> Result<Rules, rejoin::document::DocumentError>,
                 path: &str| { first(Rules::new(), path).unwrap() };
    let set = rules(Rules::set, "/a/*");
    let error = set.clone().atomic("/a/*").unwrap_err();
    assert!(error.is_contradiction());
    assert_eq!(error.path(), Some("/a/*"));
    assert_eq!(
        error.to_string(),
        "atomic for /a/* contradicts set for /a/*: leave one of them out"
    );
    assert!(set.clone().atomic("/*/b").is_err(), "/a/b could be either");
    assert!(set.clone().atomic("/a/b").is_ok(), "the one that names more fields wins");
    assert!(set.clone().set("/a/*").is_ok(), "the same twice");
    assert!(set.clone().delete_wins("/a/*").is_ok() && set.clone().delete_wins("/a/b/*").is_ok());
    assert!(set.clone().max("/a/b/*").is_err(), "inside of a set");
    let atomic = rules(Rules::atomic, "/p");
    for inside in [
        atomic.clone().keyed("/p/l", "id"),
        atomic.clone().max("/*/x"),
        atomic.clone().delete_wins("/p/x"),
    ] {
        assert!(inside.unwrap_err().is_contradiction(), "inside of one value");
    }
    assert!(rules(Rules::max, "/p/x").atomic("/p").is_err(), "whichever comes first");
    assert!(atomic.clone().prefer("/p", []).is_ok() && atomic.clone().counter("/p").is_err());
    assert!(
        rules(Rules::max, "/m").min("/m").is_err()
            && rules(Rules::max, "/m").counter("/m").is_err()
    );
    let keyed = Rules::new().keyed("/*", "id").unwrap();
    assert!(keyed.clone().ordered_by("/l", "t").is_ok() && keyed.clone().keyed("/l", "k").is_ok());
    assert!(keyed.clone().keyed("/*", "k").is_err());
    assert!(keyed.clone().set("l").unwrap_err().is_invalid_pointer());
    // The more specific rule wins, and what it does not contradict stays.
    let [_, us] = ids();
    let rules = keyed.keyed("/l", "k").unwrap().ordered_by("/*", "t").unwrap();
    let json = json!({"l": [{"k": 1, "t": 2}, {"k": 2, "t": 1}], "m": [{"id": 1}]});
    let document = import(&rules, &json, us, 1);
    assert_eq!(document.item("/l", 1).as_deref(), Some("/l/1"));
    assert_eq!(document.item("/m", 1).as_deref(), Some("/m/0"));
}

#[test]
fn a_document_that_held_nothing_is_saved_against_null() {
    let [_, us] = ids();
    let mut document = Document::new();
    let (_, told) =
        document.update_from(document.clone().to_value(), json!({"a": 1}), us, at(1)).unwrap();
    assert_eq!((told, document.to_string().as_str()), (Vec::new(), r#"{"a":1}"#));
    let (_, told) =
        document.update_from((), json!({"a": 2}), us, Timestamp::from_millis(2)).unwrap();
    assert_eq!((told.len(), told[0].path.to_string().as_str()), (1, "/a"));
}

/// The conversation of the example: with rules, only what a person would want to see is in conflict.
#[test]
fn rules_leave_the_conflicts_that_people_want_to_see() {
    let file = |text: &str| serde_json::from_str::<Json>(text).unwrap();
    let base = file(include_str!("../../examples/data/booking/base.json"));
    let sides = [
        (include_str!("../../examples/data/booking/us-east-1.json"), "us-east-1", 1_782),
        (include_str!("../../examples/data/booking/eu-west-1.json"), "eu-west-1", 1_759),
        (include_str!("../../examples/data/booking/ap-southeast-1.json"), "ap-southeast-1", 1_784),
    ];
    let conflicts = |rules: &Rules| -> Vec<String> {
        let origin = import(rules, &base, replica("origin"), 1);
        let mut merged = origin.clone();
        for (text, name, time) in sides {
            let mut side = origin.clone();
            side.update(file(text), replica(name), at(time)).unwrap();
            merged.merge(&side);
        }
        merged.conflicts().iter().map(|it| it.path.to_string()).collect()
    };
    let ruled = Rules::new().ordered_by("/messages", "create_time").unwrap();
    let ruled = ruled.max("/update_time").unwrap();
    let (without, with) = (conflicts(&Rules::new()), conflicts(&ruled));
    assert!(without.iter().any(|path| path == "/update_time"));
    assert_eq!(with.iter().filter(|path| path.starts_with("/messages")).count(), 1, "{with:?}");
    assert!(!with.iter().any(|path| path == "/update_time"));
    assert_eq!(with.len() + 2, without.len(), "{without:?}");
}

/// An item that one side deleted and the other edited: it is read with its key, which nobody wrote.
fn survivor(key: &str) -> Document {
    let [eu, us] = ids();
    let rules = Rules::new().keyed("/l", key).unwrap();
    let item = |id: u64| Value::from_iter([(key, Value::from(id)), ("t", "a".into())]);
    let list = Value::from_iter([("l", Value::from(vec![item(1), item(2)]))]);
    let mut ours = Document::from_value_with(rules, list, us, at(1)).unwrap();
    let mut theirs = through_bytes(&ours);
    ours.remove("/l/0", us, at(2)).unwrap();
    theirs.set("/l/0/t", "b", eu, at(2)).unwrap();
    ours.merge(&theirs);
    let survives =
        ours.at("/l").unwrap().items().any(|it| it.to_json() == json!({key: 1, "t": "b"}));
    assert!(survives, "{ours}");
    ours
}

/// Where the survivor stands.
fn at_survivor(document: &Document) -> String {
    let list = document.at("/l").unwrap();
    list.items().find(|it| it.get("t").is_some_and(|t| t.as_str() == Some("b"))).unwrap().pointer()
}

#[test]
fn the_key_of_a_survivor_can_be_saved_as_any_field_can() {
    let [_, us] = ids();
    let document = survivor("id");
    let path = at_survivor(&document);
    let read = document.to_json();
    let changed = |field: &str, value: Json| {
        let mut new = read.clone();
        new.pointer_mut(&path).unwrap()[field] = value;
        new
    };
    // Another field with the key's value, and the key itself, are written; the key as read is not.
    for (field, value, is_written) in [
        ("id", json!(1), false),
        ("other", json!(1), true),
        ("other", json!(5), true),
        ("t", json!("b"), false),
    ] {
        let new = changed(field, value);
        let mut updated = document.clone();
        assert_eq!(updated.update(&new, us, at(5)).unwrap().is_empty(), !is_written, "{field}");
        assert_eq!(updated.to_json(), new);
        let mut saved = document.clone();
        let (delta, told) = saved.update_from(&read, &new, us, at(5)).unwrap();
        assert_eq!((delta.is_empty(), told.len()), (!is_written, 0), "{field}");
        assert_eq!(saved.to_json(), new);
    }
    // With another key it is another item.
    let new = changed("id", json!(7));
    let (mut updated, mut saved) = (document.clone(), document);
    updated.update(&new, us, at(5)).unwrap();
    saved.update_from(&read, &new, us, at(5)).unwrap();
    assert_eq!([updated.to_json(), saved.to_json()], [new.clone(), new]);
}

/// A report tells that a survivor is read with another key once the list has another.
#[test]
fn a_new_key_of_a_list_is_told_of_its_survivors() {
    let [_, us] = ids();
    let mut ours = survivor("id");
    let mut theirs = through_bytes(&ours);
    theirs.set_rules(Rules::new().keyed("/l", "name").unwrap());
    let item = Value::from_iter([("name", "c")]);
    let delta = theirs.push("/l", item, us, at(5)).unwrap();
    let before = ours.to_json();
    let path = at_survivor(&ours);
    let old = ours.clone();
    let report = ours.apply_reporting(&delta);
    check_replay(&old, &ours, &report);
    assert_eq!(ours, theirs);
    assert_eq!(before.pointer(&path).unwrap()["id"], 1);
    let after = ours.at(&at_survivor(&ours)).unwrap().to_json();
    assert_eq!(after, json!({"name": 1, "t": "b"}));
    let told: Vec<String> = report.changes().iter().map(|it| it.path.to_string()).collect();
    for field in ["id", "name"] {
        assert!(told.contains(&format!("{path}/{field}")) || told.contains(&path), "{told:?}");
    }
}

#[test]
fn a_rule_makes_one_value_of_what_were_several_when_it_is_next_saved() {
    let [_, us] = ids();
    for (several, next) in
        [(json!({"x": 1, "y": 2}), json!({"x": 1, "y": 3})), (json!([1, 2]), json!([1, 3]))]
    {
        let read = json!({"p": several});
        let mut document = Document::from_json(&read, us, at(1)).unwrap();
        document.set_rules(Rules::new().atomic("/p").unwrap());
        assert!(document.update(&read, us, at(2)).unwrap().is_empty(), "it reads so");
        let mut saved = document.clone();
        let next = json!({"p": next});
        assert_eq!(document.update(&next, us, at(2)).unwrap().write_count(), 1);
        let (delta, told) = saved.update_from(&read, &next, us, at(2)).unwrap();
        assert_eq!((delta.write_count(), told.len()), (1, 0));
        for document in [&mut document, &mut saved] {
            assert_eq!(document.to_json(), next);
            let inside = if next["p"].is_array() { "/p/0" } else { "/p/x" };
            assert!(document.set(inside, 9, us, at(3)).unwrap_err().is_atomic());
        }
    }
}

#[test]
fn a_list_takes_on_a_key_where_it_should() {
    let [eu, us] = ids();
    // Each side inserts an item of this key, and then there is one, or there are two.
    let items = |start: &Document, rules: &Rules, item: &Json| {
        let (mut ours, mut theirs) = (start.clone(), through_bytes(start));
        for (document, replica) in [(&mut ours, us), (&mut theirs, eu)] {
            document.set_rules(rules.clone());
            document.push("/l", item, replica, at(5)).unwrap();
        }
        meet(&ours, &theirs).at("/l").unwrap().len() - start.at("/l").unwrap().len()
    };
    let keyed = Rules::new().keyed("/l", "k").unwrap();
    let list = |rules: &Rules, list: Json| import(rules, &json!({"l": list}), us, 1);
    let both = json!({"k": 1, "id": 2});
    // One that holds something has no key by default.
    assert_eq!(items(&list(&Rules::new(), json!(["a"])), &Rules::new(), &json!({"id": 1})), 2);
    assert_eq!(items(&list(&Rules::new(), json!([])), &Rules::new(), &json!({"id": 1})), 1);
    // What the rules name goes before the default.
    let mut ours = list(&keyed, json!([]));
    ours.set_rules(keyed.clone());
    let mut theirs = through_bytes(&ours);
    theirs.set_rules(keyed.clone());
    ours.push("/l", &both, us, at(5)).unwrap();
    theirs.push("/l", json!({"k": 1, "id": 3}), eu, at(5)).unwrap();
    assert_eq!(meet(&ours, &theirs).at("/l").unwrap().len(), 1, "one item of the key 1");
    // A set that is to be keyed gets the key.
    let set = list(&Rules::new().set("/l").unwrap(), json!(["a"]));
    assert_eq!(items(&set, &keyed, &both), 1);
}

/// A list that becomes a set is written anew, and stays where it stands in an outer list.
#[test]
fn a_list_that_becomes_a_set_stays_where_it_is() {
    let [_, us] = ids();
    let mut document = Document::from_json(&json!([["x"], ["a", "b"], ["z"]]), us, at(1)).unwrap();
    document.move_item("/2", 0, us, at(2)).unwrap();
    document.set_rules(Rules::new().set("/*").unwrap());
    for row in 0..3 {
        document.push(&format!("/{row}"), "n", us, at(3)).unwrap();
    }
    assert_eq!(document.to_json(), json!([["n", "z"], ["n", "x"], ["a", "b", "n"]]));
    assert_eq!(document.check_invariants(), Ok(()));
}

/// Of an integer and a float that are worth the same the integer stands first.
#[test]
fn what_is_worth_the_same_is_told_apart() {
    let [_, us] = ids();
    let pairs = [(5_i64, 5.0), (-5, -5.0), (0, 0.0), (1 << 60, 1_152_921_504_606_846_976.0)];
    for (integer, float) in pairs {
        let [integer, float, next] = [json!(integer), json!(float), json!(integer + 1)];
        for (ids, t) in [([1, 2, 0], [&integer, &float]), ([2, 1, 0], [&float, &integer])] {
            let list = json!([{"id": 2, "t": t[1]}, {"id": 1, "t": t[0]}, {"id": 0, "t": next}]);
            let rules = Rules::new().ordered_by("", "t").unwrap();
            let document = import(&rules, &list, us, 1);
            let items = document.at("").unwrap().items();
            let read: Vec<u64> = items.filter_map(|it| it.get("id")?.as_u64()).collect();
            assert_eq!(read, ids, "{t:?}");
        }
    }
}

#[test]
fn cursors_read_the_key_of_a_survivor() {
    let document = survivor("id");
    check_cursors(&document);
    let path = at_survivor(&document);
    let item = document.at(&path).unwrap();
    assert_eq!((item.len(), item.is_empty()), (2, false));
    let told: Vec<&str> = item.fields().map(|it| it.0).collect();
    assert_eq!(told, ["id", "t"]);
    let key = document.at(&format!("{path}/id")).unwrap();
    assert_eq!((key.as_u64(), key.pointer()), (Some(1), format!("{path}/id")));
    assert_eq!(item.get("id").map(|it| it.to_json()), Some(json!(1)));
    assert!(item.get("name").is_none() && document.at(&format!("{path}/id/x")).is_none());
}

#[test]
fn cursors_read_the_parts_of_one_value() {
    let [_, us] = ids();
    let rules = Rules::new().atomic("/v").unwrap();
    let document = import(&rules, &json!({"v": {"a": [1, "x", [], null], "b": {}}}), us, 1);
    check_cursors(&document);
    let at = |path: &str| document.at(path).unwrap();
    assert_eq!(at("/v/a/1").as_str(), Some("x"));
    assert_eq!((at("/v/a/0").as_str(), at("/v/a").as_str()), (None, None));
    assert_eq!(["/v", "/v/a", "/v/a/2", "/v/b", "/v/a/1"].map(|it| at(it).len()), [2, 4, 0, 0, 0]);
    let empty = ["/v", "/v/a", "/v/a/2", "/v/b", "/v/a/1"].map(|it| at(it).is_empty());
    assert_eq!(empty, [false, false, true, true, true]);
}

/// Nothing, the false and the true, numbers by what they are worth, texts; then what has no value.
#[test]
fn an_order_knows_all_kinds() {
    let [_, us] = ids();
    let in_order = [
        json!(null),
        json!(false),
        json!(true),
        json!(-7),
        json!(-0.5),
        json!(0),
        json!(2.5),
        json!(3),
        json!(u64::MAX),
        json!(1e300),
        json!(""),
        json!("A long text, which no short form holds"),
        json!("B"),
        json!("a"),
    ];
    let mut list: Vec<Json> =
        in_order.iter().enumerate().map(|(id, t)| json!({"id": id, "t": t})).collect();
    list.push(json!({"id": 90}));
    list.push(json!({"id": 91, "t": [1]}));
    list.push(json!({"id": 92, "t": {"x": 1}}));
    let mut shuffled = list.clone();
    for step in 1..shuffled.len() {
        shuffled.swap(step, step * 7 % (step + 1));
    }
    let rules = Rules::new().ordered_by("", "t").unwrap();
    let mut one_by_one = import(&rules, &json!([]), us, 1);
    one_by_one.set_rules(rules.clone());
    for (item, now) in shuffled.iter().zip(2..) {
        one_by_one.push("", item, us, at(now)).unwrap();
    }
    for document in [import(&rules, &json!(shuffled), us, 1), one_by_one] {
        assert_eq!(document.to_json(), json!(list));
    }
}

/// Where two sides say otherwise which value is read, the later write says it.
#[test]
fn of_two_policies_the_later_one_counts() {
    let [eu, us] = ids();
    let base = import(&Rules::new(), &json!({"v": 4}), us, 1);
    for (ours_at, theirs_at, read) in [(2, 3, 3), (3, 2, 5)] {
        let (mut ours, mut theirs) = (base.clone(), base.clone());
        ours.set_rules(Rules::new().max("/v").unwrap());
        theirs.set_rules(Rules::new().min("/v").unwrap());
        ours.set("/v", 5, us, at(ours_at)).unwrap();
        theirs.set("/v", 3, eu, at(theirs_at)).unwrap();
        let met = meet(&ours, &theirs);
        assert_eq!(met.to_json(), json!({"v": read}));
        assert!(met.conflicts().is_empty());
    }
}

/// The mark of a removal that wins goes with all that stands around it.
#[test]
fn marks_of_removals_go_with_what_they_stand_in() {
    let [_, us] = ids();
    let rules = Rules::new().delete_wins("/drafts/*").unwrap().delete_wins("/list/*").unwrap();
    let base = json!({"drafts": {"a": 1, "b": 2}, "list": [{"id": 1}, {"id": 2}]});
    let marks = |document: &Document| {
        let all = document.delta_since(&<_>::default());
        all.writes().filter(|it| matches!(it.written(), Written::Removed)).count()
    };
    let mut document = import(&rules, &base, us, 1);
    document.set_rules(rules.clone());
    document.remove("/drafts/a", us, at(2)).unwrap();
    document.remove("/list/0", us, at(2)).unwrap();
    assert_eq!(marks(&document), 2);
    let mut removed = document.clone();
    removed.remove("/drafts", us, at(3)).unwrap();
    assert_eq!(marks(&removed), 1);
    let mut whole = document.clone();
    whole.set("/list", json!([{"id": 3}]), us, at(3)).unwrap();
    assert_eq!(marks(&whole), 1);
    whole.set("", json!({}), us, at(4)).unwrap();
    assert_eq!(marks(&whole), 0);
    document.set("/drafts/a", 7, us, at(3)).unwrap();
    assert_eq!(marks(&document), 1, "made again");
    for document in [removed, whole, document] {
        assert_eq!(document.check_invariants(), Ok(()));
    }
}

/// A removal that wins is one as long as any side's stands.
#[test]
fn a_removal_that_wins_stands_until_the_last_is_overwritten() {
    let [eu, us] = ids();
    let rules = Rules::new().delete_wins("/drafts/*").unwrap();
    let base = import(&rules, &json!({"drafts": {"d": 1}}), us, 1);
    let (mut ours, mut theirs) = (base.clone(), base.clone());
    for document in [&mut ours, &mut theirs] {
        document.set_rules(rules.clone());
    }
    ours.remove("/drafts/d", us, at(2)).unwrap();
    theirs.remove("/drafts/d", eu, at(2)).unwrap();
    let mut again = through_bytes(&ours);
    again.set_rules(rules.clone());
    again.set("/drafts/d", 2, replica("ap"), at(3)).unwrap();
    assert_eq!(again.to_json(), json!({"drafts": {"d": 2}}));
    let mut both = meet(&ours, &theirs);
    both.merge(&again);
    assert_eq!(both.to_json(), json!({"drafts": {}}), "theirs was not overwritten");
    assert_eq!(both, meet(&again, &theirs));
    assert_eq!(both.check_invariants(), Ok(()));
    let mut all = both.clone();
    all.set_rules(rules);
    all.set("/drafts/d", 3, us, at(4)).unwrap();
    assert_eq!(all.to_json(), json!({"drafts": {"d": 3}}));
}

/// Removals of what a list is ordered by: the item goes last, and comes back.
#[test]
fn an_item_whose_order_is_removed_stands_last() {
    let [eu, us] = ids();
    let rules = Rules::new().ordered_by("/l", "t").unwrap().delete_wins("/l/*/t").unwrap();
    let item = |id: u64, t: u64| json!({"id": id, "t": t});
    let list = json!({"l": [item(1, 10), item(2, 20), item(3, 30)]});
    let mut ours = import(&rules, &list, us, 1);
    ours.set_rules(rules.clone());
    let mut theirs = through_bytes(&ours);
    let order = |document: &Document| -> Vec<u64> {
        document.at("/l").unwrap().items().filter_map(|it| it.get("id")?.as_u64()).collect()
    };
    ours.remove("/l/0/t", us, at(2)).unwrap();
    theirs.set("/l/0/t", 25, eu, at(3)).unwrap();
    assert_eq!((order(&ours), order(&theirs)), (vec![2, 3, 1], vec![2, 1, 3]));
    let mut met = meet(&ours, &theirs);
    assert_eq!((order(&met), met.check_invariants()), (vec![2, 3, 1], Ok(())));
    met.set_rules(rules);
    met.set("/l/2/t", 15, us, at(4)).unwrap();
    assert_eq!((order(&met), met.check_invariants()), (vec![1, 2, 3], Ok(())));
    assert_eq!(met.at("/l/0").unwrap().to_json(), item(1, 15));
}

#[test]
fn a_list_becomes_the_set_that_a_save_says() {
    let [_, us] = ids();
    let set = Rules::new().set("/l").unwrap();
    let start = |list: Json| {
        let mut document = import(&Rules::new(), &json!({"l": list}), us, 1);
        document.set_rules(set.clone());
        document
    };
    for (list, saved, read) in [
        (json!(["b", "a"]), json!(["a", "c"]), json!(["a", "c"])),
        (json!(["b", "a"]), json!(["a", "b"]), json!(["a", "b"])),
        (json!(["b", "a"]), json!(["b"]), json!(["b"])),
        (json!(["b"]), json!(["b", "a"]), json!(["a", "b"])),
        (json!(["b", "b"]), json!(["b"]), json!(["b"])),
        (json!([{"x": 1}, "b"]), json!(["b", "a"]), json!(["a", "b"])),
    ] {
        let mut document = start(list.clone());
        document.update(json!({"l": saved}), us, at(2)).unwrap();
        assert_eq!(document.to_json(), json!({"l": read}), "{list} to {saved}");
        let mut document = start(list.clone());
        document.update_from(json!({"l": list}), json!({"l": saved}), us, at(2)).unwrap();
        // Nothing was added or removed by whoever saved the same members.
        let members = |list: &Json| -> BTreeSet<String> {
            list.as_array().unwrap().iter().map(Json::to_string).collect()
        };
        let read = if members(&list) == members(&saved) { &list } else { &read };
        assert_eq!(document.to_json(), json!({"l": read}), "{list} to {saved}");
        assert_eq!(document.check_invariants(), Ok(()));
    }
    // As it reads, it is left alone; and what no set can hold is refused by name.
    let list = json!({"l": ["b", "a", "b"]});
    assert!(start(list["l"].clone()).update(&list, us, at(2)).unwrap().is_empty());
    let others = json!({"l": [{"x": 1}, "b"]});
    let error = start(others["l"].clone()).update(json!({"l": [{"x": 1}]}), us, at(2)).unwrap_err();
    assert!(error.is_not_in_set(), "{error}");
}

/// Lists of two keys that meet, where a rule says now that they are a set.
#[test]
fn lists_of_two_keys_become_one_set() {
    let [eu, us] = ids();
    let base = import(&Rules::new(), &json!({}), us, 1);
    let (mut ours, mut theirs) = (base.clone(), base);
    theirs.set_rules(Rules::new().keyed("/l", "id").unwrap());
    ours.set("/l", ["a", "b"], us, at(2)).unwrap();
    theirs.set("/l", ["a", "c"], eu, at(3)).unwrap();
    let mut met = meet(&ours, &theirs);
    assert_eq!(met.conflicts()[0].kind.to_string(), "keys");
    met.set_rules(Rules::new().set("/l").unwrap());
    met.push("/l", "d", us, at(4)).unwrap();
    assert_eq!(met.to_json(), json!({"l": ["a", "b", "c", "d"]}));
    assert_eq!((met.conflicts().len(), met.check_invariants()), (0, Ok(())));
}

/// Whoever writes a whole object anew, with no rules, leaves to each field how it is chosen.
#[test]
fn policies_outlive_a_write_of_the_whole() {
    let [eu, us] = ids();
    let greatest = ["a", "c", "e"];
    let least = ["b", "d", "f"];
    let mut rules = Rules::new();
    for name in greatest {
        rules = rules.max(&format!("/o/{name}")).unwrap();
    }
    for name in least {
        rules = rules.min(&format!("/o/{name}")).unwrap();
    }
    let all = |number: u64| -> Value {
        greatest.into_iter().chain(least).map(|name| (name, number)).collect()
    };
    let base = import(&rules, &json!({"o": all(4)}), us, 1);
    let (mut ours, mut theirs) = (through_bytes(&base), through_bytes(&base));
    ours.set("/o", all(5), us, at(3)).unwrap();
    theirs.set("/o", all(3), eu, at(2)).unwrap();
    let met = meet(&ours, &theirs);
    let read = json!({"a": 5, "c": 5, "e": 5, "b": 3, "d": 3, "f": 3});
    assert_eq!(met.to_json(), json!({"o": read}));
    assert!(met.conflicts().is_empty(), "{:?}", met.conflicts());
}

/// The same in whatever order the fields were made.
#[test]
fn policies_outlive_a_write_of_the_whole_in_any_order() {
    let [eu, us] = ids();
    let rules = Rules::new().max("/*").unwrap();
    let mut ours = import(&rules, &json!({"a": 1, "b": 1}), us, 1);
    ours.remove("/a", us, at(2)).unwrap();
    ours.set("/c", 1, us, at(2)).unwrap();
    ours.set_rules(plain());
    let mut theirs = ours.clone();
    ours.set("", json!({"b": 9, "c": 9}), us, at(3)).unwrap();
    theirs.set("", json!({"b": 5, "c": 5}), eu, at(4)).unwrap();
    assert_eq!(meet(&ours, &theirs).to_json(), json!({"b": 9, "c": 9}));
}

#[test]
fn a_save_removes_what_its_caller_removed() {
    let [eu, us] = ids();
    let read = json!({"a": 1, "b": 2, "o": {"x": 1, "y": 2}});
    let mut document = Document::from_json(&read, us, at(1)).unwrap();
    document.set("/c", 3, eu, at(2)).unwrap();
    let new = json!({"a": 1, "o": {"y": 2}});
    let (_, told) = document.update_from(&read, &new, us, at(3)).unwrap();
    assert!(told.is_empty());
    assert_eq!(document.to_json(), json!({"a": 1, "c": 3, "o": {"y": 2}}));
}

#[test]
fn the_end_of_an_ordered_list_is_a_place_to_insert_at() {
    let [_, us] = ids();
    let rules = Rules::new().ordered_by("", "t").unwrap();
    let mut document = import(&rules, &json!([{"id": 1, "t": 5}]), us, 1);
    document.insert("/1", json!({"id": 2, "t": 3}), us, at(2)).unwrap();
    assert_eq!(document.to_json(), json!([{"id": 2, "t": 3}, {"id": 1, "t": 5}]));
    assert!(document.insert("/1", json!({"id": 3, "t": 3}), us, at(2)).unwrap_err().is_sorted());
}

/// Where a rule chose among values, those that it did not choose are in no conflict; an object is.
#[test]
fn what_a_rule_chose_contends_with_another_kind_alone() {
    let [eu, us] = ids();
    let rules = Rules::new().max("/n").unwrap();
    let base = import(&rules, &json!({"n": 1}), us, 1);
    let [mut ours, mut theirs, mut object] = [base.clone(), base.clone(), base];
    ours.set("/n", 5, us, at(9)).unwrap();
    theirs.set("/n", 3, eu, at(8)).unwrap();
    object.set("/n", json!({"a": 1}), replica("au"), at(2)).unwrap();
    let met = meet(&meet(&ours, &theirs), &object);
    assert_eq!(met.get("/n"), Some(5.into()));
    let conflicts = met.conflicts();
    let claims = |it: &Conflict| {
        let all = [&it.winner].into_iter().chain(&it.losers);
        all.map(|it| it.claim.value().cloned()).collect::<Vec<_>>()
    };
    assert_eq!(conflicts.len(), 1, "{conflicts:?}");
    let object = Value::from_iter([("a", 1)]);
    assert_eq!(claims(&conflicts[0]), [Some(5.into()), Some(object)]);
}

/// A rule makes counters of the integers that it names, and of no others.
#[test]
fn a_counter_makes_no_other_integer_one() {
    let [eu, us] = ids();
    let rules = Rules::new().counter("/n").unwrap();
    let mut ours = import(&rules, &json!({"n": 1, "m": 1}), us, 1);
    let mut theirs = ours.clone();
    ours.update(json!({"n": 2, "m": 2}), us, at(2)).unwrap();
    theirs.update(json!({"n": 2, "m": 2}), eu, at(2)).unwrap();
    assert_eq!(meet(&ours, &theirs).to_json(), json!({"n": 3, "m": 2}));
}

/// A list that holds what no set can stays a plain one if something inside is written, though a rule
/// calls it a set.
#[test]
fn an_edit_inside_a_plain_list_makes_no_set_of_it() {
    let [eu, us] = ids();
    let mut list = import(&plain(), &json!({"l": [{"x": "b"}, {"x": "a"}]}), us, 2);
    list.merge(&import(&plain(), &json!({"l": {"an": "object"}}), eu, 1));
    list.set_rules(plain().set("/l").unwrap());
    list.set("/l/0/x", "c", us, at(3)).unwrap();
    list.set_rules(plain());
    for _ in 0..2 {
        list.push("/l", "new", us, at(4)).unwrap();
    }
    assert_eq!(list.to_json(), json!({"l": [{"x": "c"}, {"x": "a"}, "new", "new"]}));
}

/// An item that outlived its deletion, of which only `fields` were edited.
fn outlived(item: &Json, edits: &[(&str, u64)]) -> Document {
    let [eu, us] = ids();
    let mut ours = import(&Rules::new(), &json!([item]), us, 1);
    let mut theirs = ours.clone();
    ours.remove("/0", us, at(2)).unwrap();
    for (field, value) in edits {
        theirs.set(&format!("/0/{field}"), *value, eu, at(2)).unwrap();
    }
    meet(&ours, &theirs)
}

/// A key that outlived its field stands among the fields by name.
#[test]
fn a_key_that_outlived_its_field_stands_among_the_others() {
    let met = outlived(&json!({"id": 1, "a": 1, "z": 1, "gone": 1}), &[("a", 2), ("z", 2)]);
    check_cursors(&met);
    assert_eq!(met.to_string(), r#"[{"a":2,"id":1,"z":2}]"#);
    let names: Vec<&str> = met.at("/0").unwrap().fields().map(|it| it.0).collect();
    assert_eq!(names, ["a", "id", "z"]);
}

/// A save that changes the key of an item which outlived its deletion writes it, and tells what else
/// than was read stood there.
#[test]
fn a_save_changes_a_key_that_outlived_its_field() {
    let us = ids()[1];
    let met = outlived(&json!({"id": 1, "no": 5, "x": 1, "y": 1}), &[("no", 5), ("x", 2)]);
    let by_no = Rules::new().keyed("", "no").unwrap();
    let item = |id: u64| json!([{"id": id, "no": 5, "x": 2}]);
    assert_eq!(met.to_json(), item(1));
    // What was read, what is saved, and whether that overwrites something.
    for (read, new, tells) in [(1, 1, false), (1, 2, false), (7, 1, false), (7, 2, true)] {
        let mut document = met.clone();
        document.set_rules(by_no.clone());
        let saved = document.update_from(item(read), item(new), us, at(3)).unwrap();
        assert_eq!((document.to_json(), saved.0.is_empty()), (item(new), new == 1));
        let told: Vec<_> = saved.1.into_iter().map(|it| (it.path.to_string(), it.stood)).collect();
        let expected = vec![("/0/id".to_owned(), Some(1.into()))];
        assert_eq!(told, if tells { expected } else { Vec::new() });
    }
    // Another field that is not there.
    let mut document = met;
    let [read, new] = [3, 4].map(|y| json!([{"id": 1, "no": 5, "x": 2, "y": y}]));
    let told = document.update_from(read, &new, us, at(3)).unwrap().1;
    assert_eq!((document.to_json(), told.len()), (new, 1));
    assert_eq!((told[0].path.to_string().as_str(), &told[0].stood), ("/0/y", &None));
}

/// Items that are worth the same stand by key, as people see it: a text by its letters, however long.
#[test]
fn of_equal_items_the_lesser_key_comes_first() {
    let us = ids()[1];
    let rules = Rules::new().ordered_by("", "v").unwrap();
    let long = "a".repeat(30);
    let sorted = import(&rules, &json!([{"id": "z", "v": 1}, {"id": long, "v": 1}]), us, 1);
    assert_eq!(sorted.to_json(), json!([{"id": long, "v": 1}, {"id": "z", "v": 1}]));
}

/// An item of a plain list that met a set is sorted by what is read in it, also when that changes.
#[test]
fn what_changes_in_a_list_that_met_a_set_is_sorted_anew() {
    let [eu, us] = ids();
    let base = import(&plain(), &json!(["b", "a"]), us, 1);
    let [mut set, mut first, mut second] = [base.clone(), base.clone(), base];
    set.set_rules(plain().set("").unwrap());
    set.push("", "c", us, at(2)).unwrap();
    first.set("/0", "z", eu, at(3)).unwrap();
    second.set("/0", "A", replica("au"), at(4)).unwrap();
    let met = meet(&set, &first);
    assert_eq!(met.to_json(), json!(["a", "b", "c", "z"]));
    assert_eq!(meet(&met, &second).to_json(), json!(["A", "a", "b", "c"]));
}

/// Once a list is sorted, nothing in it stands by another.
#[test]
fn a_list_in_which_items_stand_by_others_comes_to_be_sorted() {
    let [eu, us] = ids();
    let list = |ids: &[u64]| ids.iter().map(|id| json!({"id": id})).collect::<Json>();
    let older = import(&Rules::new(), &list(&[2, 3, 4]), us, 1);
    let mut met = meet(&older, &import(&Rules::new(), &list(&[1, 2, 3]), eu, 2));
    assert_eq!(met.to_json(), list(&[1, 2, 3, 4]));
    met.set_rules(Rules::new().ordered_by("", "id").unwrap());
    met.push("", json!({"id": 5}), us, at(3)).unwrap();
    assert_eq!((met.to_json(), met.check_invariants()), (list(&[1, 2, 3, 4, 5]), Ok(())));
}
