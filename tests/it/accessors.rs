//! Small functions that everybody calls and no other test depends on.

use crate::{at, replica};
use rejoin::{
    Delta, DeltaState, Document, EnableFlag, Merge, OrMap, OrSet, ReplicaId, Timestamp,
    VectorClock,
    document::Input,
    value::{Number, Value},
    wire,
};
use serde_json::{Value as Json, json};
use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    error::Error as _,
    time::Duration,
};

#[test]
fn an_error_of_any_kind_tells_which_and_why() {
    let us = replica("us");
    let replica_id: rejoin::Error = "".parse::<ReplicaId>().unwrap_err().into();
    let document: rejoin::Error = Document::new().push("", 1, us, at(1)).unwrap_err().into();
    let decode: rejoin::Error = wire::from_bytes::<Document>(&[]).unwrap_err().into();
    let used_up = [(us, u64::MAX)].into_iter().collect::<VectorClock>();
    let write: rejoin::Error = used_up.clone().increment(us).unwrap_err().into();
    let number: rejoin::Error = Number::try_from(f64::NAN).unwrap_err().into();
    let all = [&replica_id, &document, &decode, &write, &number];
    let which = |error: &rejoin::Error| {
        [
            error.as_replica_id().is_some(),
            error.as_document().is_some(),
            error.as_decode().is_some(),
            error.as_write().is_some(),
            error.as_number().is_some(),
        ]
    };
    for (at, error) in all.into_iter().enumerate() {
        let expected: Vec<bool> = (0..all.len()).map(|other| other == at).collect();
        assert_eq!(which(error)[..], expected[..], "{error}");
        assert!(!error.to_string().is_empty());
        assert!(error.source().is_none());
    }
    assert_eq!(write.to_string(), used_up.clone().increment(us).unwrap_err().to_string());
    let json: rejoin::Error = serde_json::from_str::<Value>("[").unwrap_err().into();
    assert!(which(&json).iter().all(|is| !is));
}

#[test]
fn a_map_reads_what_was_written_and_when() {
    let us = replica("us");
    let mut map = OrMap::<String, u64>::new();
    assert_eq!(map.latest(), None);
    for (key, value) in [("a", 1), ("b", 2), ("c", 3)] {
        map.insert(key.into(), value, us, at(value + 5)).unwrap();
    }
    assert_eq!(map.latest(), Some(at(8)));
    assert_eq!(map.get_key_value("b"), Some((&"b".into(), &2)));
    assert_eq!(map.get_key_value("x"), None);
    let mut theirs = map.clone();
    let delta = map.remove_all(["a", "c"], us).unwrap();
    assert_eq!(map.keys().collect::<Vec<_>>(), ["b"]);
    theirs.apply(&delta);
    assert_eq!(theirs, map);
}

#[test]
fn changes_are_empty_only_if_nothing_reads_differently() {
    let us = replica("us");
    let mut map = OrMap::<&str, u64>::new();
    let mut steps = Vec::from([map.clone()]);
    map.insert("a", 1, us, at(1)).unwrap();
    steps.push(map.clone());
    map.insert("a", 2, us, at(1)).unwrap();
    steps.push(map.clone());
    map.remove("a", us).unwrap();
    steps.push(map.clone());
    for pair in steps.windows(2) {
        let mut old = pair[0].clone();
        assert!(!old.merge_reporting(&pair[1]).is_empty(), "{pair:?}");
        assert!(old.merge_reporting(&pair[1]).is_empty(), "{pair:?}");
    }
    let mut set = OrSet::<&str>::new();
    let empty = set.clone();
    set.insert("a", us).unwrap();
    let full = set.clone();
    set.remove("a", us).unwrap();
    for (old, new) in [(&empty, &full), (&full, &set)] {
        let mut old = old.clone();
        assert!(!old.merge_reporting(new).is_empty());
        assert!(old.merge_reporting(new).is_empty());
    }
    let mut numbers = OrSet::new();
    numbers.extend(1..=9, us).unwrap();
    numbers.retain(|number| number % 3 == 0, us).unwrap();
    assert_eq!(numbers.iter().copied().collect::<Vec<i32>>(), [3, 6, 9]);
}

#[test]
fn a_value_is_taken_apart_and_changed_in_place() {
    let mut value = Value::from_iter([("tags", Value::from(["urgent", "refund"]))]);
    value.get_mut("tags").unwrap().as_array_mut().unwrap().push("x".into());
    *value.pointer_mut("/tags/1").unwrap() = "solved".into();
    assert!(value.pointer_mut("/tags/9").is_none() && value.pointer_mut("tags").is_none());
    let name = String::from("tags");
    *value.get_mut(&name).unwrap().get_mut(0_usize).unwrap() = Value::Null;
    assert_eq!(value, Value::from_iter([("tags", [Value::Null, "solved".into(), "x".into()])]));
    assert!(value.get_mut("tags").unwrap().as_object().is_none());
    assert_eq!(Value::from(()), Value::Null);
    assert_eq!(Value::from(&name), Value::String("tags".into()));
    assert_eq!(Value::from(Cow::Borrowed("tags")), Value::String("tags".into()));
    let numbers = [(1_u64.into(), true, true), ((-1_i64).into(), true, false)];
    let numbers = numbers.into_iter().chain([
        (Number::from(u64::MAX), false, true),
        (Number::from_f64(1.0).unwrap(), false, false),
    ]);
    for (number, is_i64, is_u64) in numbers {
        assert_eq!((number.is_i64(), number.is_u64()), (is_i64, is_u64), "{number}");
    }
}

#[test]
fn an_edit_finds_items_as_the_document_does() {
    let us = replica("us");
    let mut document = Document::from_json(&json!([{"id": 1}, {"id": 2}]), us, at(1)).unwrap();
    let mut edit = document.edit(us, at(2));
    assert_eq!(edit.item("", 2).as_deref(), Some("/1"));
    edit.remove("/0").unwrap();
    assert_eq!((edit.item("", 2).as_deref(), edit.item("", 1)), (Some("/0"), None));
}

#[test]
fn a_cursor_reads_scalars_and_walks_from_both_ends() {
    let us = replica("us");
    let document = Document::from_json(&json!([true, false, 3]), us, at(1)).unwrap();
    let list = document.at("").unwrap();
    let truths: Vec<_> = list.items().map(|item| item.as_bool()).collect();
    assert_eq!(truths, [Some(true), Some(false), None]);
    let mut items = list.items();
    for left in [2, 1, 0] {
        assert!(items.next().is_some());
        assert_eq!(items.len(), left);
    }
    assert!(format!("{:?}", list.items()).contains("/2"));
}

/// Whoever hands in the same deep value twice, owned or not, gets the same error, and no overflow.
#[test]
fn inputs_that_own_deep_values_are_dropped_level_by_level() {
    let us = replica("us");
    let deep = |open: &dyn Fn(Json) -> Json| (0..100_000).fold(json!(1), |json, _| open(json));
    let deep_value =
        |open: &dyn Fn(Value) -> Value| (0..100_000).fold(Value::Null, |it, _| open(it));
    let refuse = |input: Input<'_>| {
        let error = Document::new().set("", input, us, at(1)).unwrap_err();
        assert!(error.is_too_deep());
    };
    refuse(deep(&|json| Json::Array(vec![json])).into());
    refuse(deep(&|json| Json::Object([("a".into(), json)].into_iter().collect())).into());
    refuse(deep_value(&|value| Value::from(Vec::from([value]))).into());
    refuse(deep_value(&|value| Value::from_iter([("a", value)])).into());
}

#[test]
fn what_is_no_pointer_into_a_value_is_found_nowhere() {
    let value = Value::from_iter([("a~b", 1), ("a/b", 2)]);
    let read = |pointer| value.pointer(pointer).and_then(Value::as_u64);
    assert_eq!([read("/a~0b"), read("/a~1b")], [Some(1), Some(2)]);
    assert_eq!([read("/a~b"), read("/a~2b"), read("a~0b")], [None; 3]);
    let document = Document::new();
    assert!(document.at(&"/a".repeat(127)).is_none());
    let mut document = Document::new();
    let path = "/a".repeat(128);
    assert!(
        document.set(&path, 1, replica("us"), Timestamp::from_millis(1)).unwrap_err().is_too_deep()
    );
    let mut merged = Document::new();
    assert!(!merged.merge(&document));
}

#[test]
fn values_are_made_from_what_std_has() {
    let pairs = [("a", 1), ("b", 2)];
    let object = Value::from_iter(pairs);
    assert_eq!(Value::from(0.5_f32).as_f64(), Some(0.5));
    assert_eq!(Value::from(Some("x")), "x");
    assert_eq!(Value::from(None::<u8>), Value::Null);
    assert_eq!(Value::from(&["x", "y"][..]), Value::from(["x", "y"]));
    assert_eq!(Value::from(BTreeMap::from(pairs)), object);
    assert_eq!(Value::from(HashMap::from(pairs)), object);
}

#[test]
fn an_error_tells_what_lies_beneath() {
    #[derive(Debug)]
    struct Broken(std::num::ParseIntError);
    impl std::fmt::Display for Broken {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("the disk is gone")
        }
    }
    impl std::error::Error for Broken {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
    struct Fails;
    impl std::io::Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other(Broken("x".parse::<u8>().unwrap_err())))
        }
    }
    let json: rejoin::Error = serde_json::from_reader::<_, Json>(Fails).unwrap_err().into();
    let why = "x".parse::<u8>().unwrap_err().to_string();
    assert_eq!(json.source().map(ToString::to_string), Some(why));
}

#[test]
fn types_of_ones_own_are_written_as_in_json() {
    let us = replica("us");
    let written = |input: serde_json::Result<Input<'static>>| {
        Document::from_value(input.unwrap(), us, at(1)).unwrap().to_json()
    };
    assert_eq!(written(Input::serialize(&us)), json!("us"));
    assert_eq!(written(Input::serialize(&5_i128)), json!(5));
    assert_eq!(written(Input::serialize(&-5_i128)), json!(-5));
    assert_eq!(written(Input::serialize(&i128::from(u64::MAX))), json!(u64::MAX));
    assert_eq!(written(Input::serialize(&u128::from(u64::MAX))), json!(u64::MAX));
}

#[test]
fn an_id_that_is_none_tells_why() {
    let why = |text: &str| text.parse::<ReplicaId>().unwrap_err().to_string();
    for (text, reason) in [
        ("", "it has no name"),
        ("twenty-nine-bytes-are-too-lon", "its name is longer than 28 bytes"),
        ("67E55044-10B1-426F-9247-BB680E5FE0C8", "a UUID in lower case"),
        ("us east", "it has a space"),
        ("zürich", "it has a character that is not printable ASCII"),
    ] {
        assert!(why(text).contains(reason), "{}", why(text));
        assert!(!why(text).contains('…'), "{}", why(text));
    }
    // As much of it as tells which it is.
    assert!(why(&"a".repeat(41)).starts_with(&format!("\"{}…\" is", "a".repeat(40))));
}

#[test]
fn a_count_that_is_used_up_is_no_stamp() {
    let us = replica("us");
    let error = VectorClock::from_iter([(us, u64::MAX)]).increment(us).unwrap_err();
    assert!(error.is_counter_overflow() && !error.is_stamp_overflow());
}

#[test]
fn a_flag_shows_whether_it_is_enabled() {
    let mut flag = EnableFlag::new();
    assert_eq!(format!("{flag:?}"), "EnableFlag(false)");
    flag.enable(replica("us")).unwrap();
    assert_eq!(format!("{flag:?}"), "EnableFlag(true)");
}

#[test]
fn times_stop_at_both_ends() {
    let (first, second) = (at(7), at(1_007));
    assert_eq!(second.saturating_sub(Duration::from_secs(1)), first);
    assert_eq!(second.saturating_sub(Duration::MAX), at(0));
    assert_eq!(first.saturating_add(Duration::from_secs(1)), second);
    // As many milliseconds as fit, and one more; cut off, that would be none.
    let past_the_end = Duration::from_millis(u64::MAX) + Duration::from_millis(1);
    assert_eq!(first.saturating_add(past_the_end), at(u64::MAX));
    assert_eq!(second.saturating_duration_since(first), Duration::from_secs(1));
    assert_eq!(first.saturating_duration_since(second), Duration::ZERO);
}

/// People write objects in any order.
#[test]
fn a_clock_is_read_in_any_order_and_each_replica_once() {
    let read = |text| serde_json::from_str::<VectorClock>(text);
    let clock = VectorClock::from_iter([(replica("a"), 2), (replica("b"), 1)]);
    assert_eq!(read(r#"{"b": 1, "c": 0, "a": 2}"#).unwrap(), clock);
    assert!(read(r#"{"b": 1, "a": 2, "b": 1}"#).is_err());
}

#[test]
fn nothing_never_changes() {
    assert!(!().apply(&()) && !().merge(&()) && Delta::is_empty(&()));
}

/// A path is as long as its steps together.
#[test]
fn a_path_that_is_too_long_is_refused_wherever_it_is_long() {
    let us = replica("us");
    let (long, short) = ("a".repeat(10_000), "b".repeat(6_000));
    let mut document = Document::from_json(&json!({}), us, at(1)).unwrap();
    document.set(&format!("/{long}"), json!({}), us, at(2)).unwrap();
    document.set(&format!("/{long}/{short}"), 1, us, at(2)).unwrap();
    let error = document.set(&format!("/{long}/{long}"), 1, us, at(2)).unwrap_err();
    assert!(error.is_path_too_long(), "{error}");
    let error = document.set(&format!("/{}", long.repeat(2)), 1, us, at(2)).unwrap_err();
    assert!(error.is_path_too_long(), "{error}");
}
