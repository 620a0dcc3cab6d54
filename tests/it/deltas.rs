//! What a delta says, told before it is let in.

use crate::{at, encoded::through_bytes, replica};
use rejoin::{
    DeltaState, Document, Merge, ReplicaId, Stamp,
    document::{DeltaStep, DocumentDelta, DocumentError, Rules, Value, Written},
};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;

fn ids() -> [ReplicaId; 2] {
    ["us-east-1", "eu-west-1"].map(replica)
}

fn base(json: Json) -> Document {
    let keys = Rules::new().keyed("/messages", "id").unwrap();
    Document::from_json_with(keys, &json, replica("base"), at(1)).unwrap()
}

/// Each write and each removal, as a person reads it.
fn told(delta: &DocumentDelta) -> Vec<String> {
    let told = delta.writes().chain(delta.removals());
    let said = |written| match written {
        Written::Value(value) => value.to_string(),
        other => format!("{other:?}"),
    };
    told.map(|it| format!("{} {}", it.path(), said(it.written()))).collect()
}

#[test]
fn each_kind_of_write_is_told() {
    let [us, _] = ids();
    let mut document =
        base(json!({"messages": [{"id": "m1", "likes": 1}], "tags": ["a"], "n": 5, "o": {}}));
    let mut edit = document.edit(us, at(7));
    edit.set("/title", "Booking").unwrap().set("/o/a~1b", json!([null])).unwrap();
    edit.increment("/messages/0/likes", 2).unwrap().increment("/messages/0/likes", 3).unwrap();
    edit.push("/messages", json!({"id": 2})).unwrap().push("/messages", json!({"id": 2})).unwrap();
    edit.push("/tags", true).unwrap().remove("/n").unwrap();
    let delta = edit.commit();
    let expected = [
        r#"/title "Booking""#,
        "/o/a~1b List { key: None, ordered_by: None, is_set: false }",
        "/o/a~1b/[] null",
        "/o/a~1b/[] Place",
        r#"/messages/["m1"]/likes Count { sum: 5 }"#,
        "/messages/[2] Object",
        "/messages/[2] Place",
        "/messages/[2]/id 2",
        "/messages/[2#1] Object",
        "/messages/[2#1] Place",
        "/messages/[2#1]/id 2",
        "/tags/[] true",
        "/tags/[] Place",
        "/n Removed",
    ];
    let mut sorted = told(&delta);
    sorted.sort_unstable();
    let mut expected = expected.map(String::from);
    expected.sort_unstable();
    assert_eq!(sorted, expected);
    assert_eq!((delta.writes().len(), delta.removals().len()), (delta.write_count(), 1));
    for write in delta.writes().chain(delta.removals()) {
        assert_eq!(write.stamp(), Stamp { time: write.time(), replica: us });
        assert!(write.time() >= at(7));
    }
    assert_eq!(told(&through_bytes(&delta)), told(&delta), "by whatever way it comes");
    assert!(through_bytes(&delta).writes().eq(delta.writes()));
    assert!(through_bytes(&delta).removals().eq(delta.removals()));
}

#[test]
fn writes_of_another_place_time_content_or_writer_are_others() {
    let [us, eu] = ids();
    let write = |path: &str, value: u64, id, time| {
        let mut document = base(json!({"a": 0, "b": 0}));
        document.set(path, value, id, at(time)).unwrap()
    };
    let one = write("/a", 1, us, 2);
    assert!(one.writes().eq(write("/a", 1, us, 2).writes()));
    for other in
        [write("/b", 1, us, 2), write("/a", 2, us, 2), write("/a", 1, eu, 2), write("/a", 1, us, 3)]
    {
        assert!(one.writes().ne(other.writes()), "{other:?}");
    }
    let path = |delta: &DocumentDelta| delta.writes().next().unwrap().path().to_string();
    assert_eq!(path(&one), "/a");
    assert!(format!("{:?}", one.writes()).contains(r#"Field("a")"#));
}

#[test]
fn a_list_tells_its_key() {
    let [us, _] = ids();
    let mut document = Document::with_rules(Rules::new().keyed("/messages", "id").unwrap());
    let delta = document.set("", json!({"messages": [], "tags": []}), us, at(1)).unwrap();
    let lists = delta.writes().filter(|it| !it.path().is_root());
    let said: Vec<_> = lists.map(|it| (it.path().to_string(), it.written())).collect();
    assert_eq!(
        said,
        [
            (
                "/messages".into(),
                Written::List { key: Some("id"), ordered_by: None, is_set: false }
            ),
            ("/tags".into(), Written::List { key: None, ordered_by: None, is_set: false }),
        ]
    );
}

#[test]
fn a_delta_computed_for_a_peer_hides_what_it_removes() {
    let [us, eu] = ids();
    let mut ours = base(json!({"title": "Booking", "n": 1}));
    let mut theirs = ours.clone();
    let edited = theirs.remove("/title", us, at(2)).unwrap();
    let computed = theirs.delta_since(&ours.version());
    assert_eq!((told(&edited), told(&computed)), (vec!["/title Removed".into()], Vec::new()));
    let base_and_us = BTreeSet::from([us, replica("base")]);
    assert!(computed.replicas().eq(base_and_us));
    let foreseen = ours.preview(&computed);
    assert_eq!(foreseen.changes().len(), 1);
    assert_eq!(foreseen.changes()[0].path, "/title");
    assert_eq!(foreseen.changes()[0].after, None);
    let mut both = edited;
    both.merge(&theirs.set("/n", 2, eu, at(3)).unwrap());
    assert_eq!(told(&both), ["/n 2", "/title Removed"]);
    assert_eq!(both.replicas().len(), 3);
    assert_eq!(DocumentDelta::default().replicas().len(), 0);
}

#[test]
fn a_pattern_matches_fields_by_name_and_items_by_a_star() -> Result<(), DocumentError> {
    let [us, _] = ids();
    let mut document = base(json!({"messages": [{"id": "m1", "a/b": 1}], "*": {"x": 1}}));
    let delta = document.set("/messages/0/a~1b", 2, us, at(2))?;
    let path = delta.writes().next().unwrap().path();
    let cases = [
        ("", false, true),
        ("/messages", false, true),
        ("/*", false, true),
        ("/messages/*", false, true),
        ("/messages/m1", false, false),
        ("/messages/0", false, false),
        ("/messages/*/a~1b", true, true),
        ("/*/*/*", true, true),
        ("/messages/*/a", false, false),
        ("/messages/*/a~1b/*", false, false),
        ("/message", false, false),
        ("/messages/", false, false),
        ("/**", false, false),
    ];
    for (pattern, matches, starts) in cases {
        let found = (path.matches(pattern)?, path.starts_with(pattern)?);
        assert_eq!(found, (matches, starts), "{pattern:?}");
    }
    let starred = document.set("/*/x", 2, us, at(2))?;
    let starred = starred.writes().next().unwrap().path();
    assert!(starred.matches("/*/x")? && starred.matches("/*/*")? && !starred.matches("/x/x")?);
    assert!(path != starred && !starred.is_root());
    for wrong in ["messages", "/~", "/a~2"] {
        assert!(path.matches(wrong).unwrap_err().is_invalid_pointer());
        assert!(path.starts_with(wrong).unwrap_err().is_invalid_pointer());
    }
    assert!(path.matches(&"/*".repeat(128)).unwrap_err().is_too_deep());
    Ok(())
}

#[test]
fn steps_are_told_from_both_ends() {
    let [us, _] = ids();
    let mut document = base(json!({"messages": [{"id": "m1"}, {"id": "m1"}], "l": [[1]]}));
    let delta = document.set("/messages/1/text", "Hello", us, at(2)).unwrap();
    let path = delta.writes().next().unwrap().path();
    assert_eq!(path.to_string(), r##"/messages/["m1"#1]/text"##);
    assert_eq!(format!("{path:?}"), r##"[Field("messages"), Keyed("m1"#1), Field("text")]"##);
    let [first, DeltaStep::Keyed(key), last] = path.steps().collect::<Vec<_>>()[..] else {
        panic!("{path}")
    };
    assert_eq!([first, last], ["messages", "text"].map(DeltaStep::Field));
    assert_eq!((key.as_str(), key.to_value(), key.nth()), (Some("m1"), Value::from("m1"), 1));
    assert_eq!(path.steps().next_back(), path.last());
    assert_eq!(path.steps().len(), 3);
    let delta = document.set("/messages/0/text", "Hi", us, at(2)).unwrap();
    let path = delta.writes().next().unwrap().path();
    assert!(path.steps().any(|it| matches!(it, DeltaStep::Keyed(key) if key.nth() == 0)), "{path}");
    let delta = document.set("/l/0/0", 2, us, at(2)).unwrap();
    let path = delta.writes().next().unwrap().path();
    assert_eq!(path.to_string(), "/l/[]/[]");
    assert_eq!(path.last(), Some(DeltaStep::Item));
    let whole = document.set("", 7, us, at(3)).unwrap();
    let root = whole.writes().next().unwrap().path();
    assert!(root.is_root() && root.last().is_none() && root.steps().len() == 0);
    assert_eq!((root.to_string().as_str(), root.matches("")), ("", Ok(true)));
}

#[test]
fn telling_what_a_delta_says_copies_nothing_but_values() {
    let [us, _] = ids();
    let mut document = base(json!({"messages": [{"id": "m1", "text": "Hello"}]}));
    let text = "much longer than what is held in place";
    let delta = document.set("/messages/0/text", text, us, at(2)).unwrap();
    let told = allocation_counter::measure(|| {
        for write in delta.writes().chain(delta.removals()) {
            assert!(write.replica() == us && write.path().matches("/messages/*/text") == Ok(true));
            assert_eq!(write.path().steps().len(), 3);
        }
        assert_eq!(delta.replicas().len(), 2);
    });
    assert_eq!(told.count_total, 0);
}
