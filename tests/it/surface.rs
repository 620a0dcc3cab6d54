//! What a newcomer who knows `std` and `serde_json` tries first with documents and values, and
//! whether what they find agrees with what they know.

use crate::{at, effort::count, replica};
use proptest::{collection::vec, prelude::*};
use rejoin::{
    Document, Merge, ReplicaId, Stamp,
    document::{Input, Rules},
    value::{Kind, Number, Value},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    error::Error,
};

type Tried = Result<(), Box<dyn Error>>;

fn us() -> ReplicaId {
    replica("us-east-1")
}

#[test]
fn whatever_holds_a_json_value_is_written_as_it_is() -> Tried {
    let mut document = Document::new();
    let text = String::from("x");
    /// Each field set to a value of another type.
    macro_rules! set {
        ($($name:ident: $value:expr),* $(,)?) => {
            $(document.set(concat!("/", stringify!($name)), $value, us(), at(1))?;)*
        };
    }
    set! {
        usize: 3_usize, u8: 3_u8, u16: 3_u16, u32: 3_u32, u64: u64::MAX,
        isize: -3_isize, i8: -3_i8, i16: -3_i16, i32: -3, i64: i64::MIN,
        f32: 0.5_f32, f64: 1.5,
        truth: true, null: (), char: 'x', number: Number::from(3),
        some: Some("x"), none: None::<&str>, deep: Some(Some(1)),
        str: "x", by: &text, by_str: &"x", cow: Cow::from("x"), string: text,
        array: [1, 2], slice: &[1, 2][..], vec: vec!["x", "y"],
        of_options: [Some(1), None], by_vec: &vec![1_u8], by_array: &[1],
        tree: BTreeMap::from([("a", 1)]), hash: HashMap::from([("a", 1)]),
        by_tree: &BTreeMap::from([("a", 1)]),
        by_hash: &HashMap::from([(String::from("a"), vec![1])]),
        json: json!({"a": [1]}), by_json: &json!("x"), value: Value::from(1), by_value: &Value::Null,
    }
    for (name, likes) in &BTreeMap::from([("ana", 2_u64)]) {
        document.set(&format!("/{name}"), likes, us(), at(1))?;
    }
    let (one, list) = (json!({"a": 1}), json!([1, 2]));
    let expected = json!({
        "usize": 3, "isize": -3, "u8": 3, "u16": 3, "u32": 3, "u64": u64::MAX,
        "i8": -3, "i16": -3, "i32": -3, "i64": i64::MIN,
        "f32": 0.5, "f64": 1.5,
        "truth": true, "null": null, "char": "x", "number": 3,
        "some": "x", "none": null, "deep": 1,
        "str": "x", "by": "x", "by_str": "x", "cow": "x", "string": "x",
        "array": list, "slice": list, "vec": ["x", "y"],
        "of_options": [1, null], "by_vec": [1], "by_array": [1],
        "tree": one, "hash": one, "by_tree": one, "by_hash": {"a": [1]},
        "ana": 2, "json": {"a": [1]}, "by_json": "x", "value": 1, "by_value": null,
    });
    assert_eq!(document.to_json(), expected);
    Ok(())
}

#[test]
fn a_value_is_taken_apart_as_that_of_serde_json() -> Tried {
    let document = Document::from_json(&json!({"tags": ["a"], "author": {"age": 7}}), us(), at(1))?;
    let mut value = document.to_value().ok_or("empty")?;
    assert_eq!(value["tags"][0], "a");
    assert_eq!(value["author"]["age"], 7);
    assert_eq!(value.pointer("/author/age").and_then(Value::as_u64), Some(7));
    assert!(value["nobody"]["there"][7].is_null());
    for tag in value["tags"].as_array().into_iter().flatten() {
        assert!(tag.as_str().is_some());
    }
    for (name, field) in value["author"].as_object().into_iter().flatten() {
        assert_eq!((name.as_str(), field.as_i64(), field.as_f64()), ("age", Some(7), Some(7.0)));
    }
    if let Some(age) = value.pointer_mut("/author/age") {
        *age = 8.into();
    }
    let tags = value.get_mut("tags").map(Value::take);
    assert_eq!(tags, Some(Value::from(["a"])));
    assert_eq!(value.to_string(), r#"{"author":{"age":8},"tags":null}"#);
    Ok(())
}

#[test]
fn a_subtree_is_read_without_a_clone() -> Tried {
    let message = |id: &str, text: &str| json!({"id": id, "text": text});
    let keys = Rules::new().keyed("/messages", "id")?;
    let messages = json!({"messages": [message("m1", "Hello"), message("m2", "Ho")]});
    let mut document = Document::from_json_with(keys, &messages, us(), at(1))?;
    document.set("/messages/1/text", "Hi", replica("eu-west-1"), at(5))?;
    let last = document.at("/messages/1").ok_or("no message")?;
    let text = last.get("text").ok_or("no text")?;
    assert_eq!((text.as_str(), text.pointer()), (Some("Hi"), "/messages/1/text".into()));
    assert_eq!(text.stamp(), Some(Stamp { time: at(5), replica: replica("eu-west-1") }));
    assert_eq!(last.stamp(), Some(Stamp { time: at(1), replica: us() }));
    // What is borrowed outlives the cursor that lent it.
    let texts: Vec<&str> = {
        let messages = document.at("/messages").ok_or("no messages")?;
        messages.items().filter_map(|message| message.get("text")?.as_str()).collect()
    };
    assert_eq!(texts, ["Hello", "Hi"]);
    let messages = document.at("/messages").ok_or("no messages")?;
    assert_eq!((messages.kind(), messages.len(), messages.is_empty()), (Kind::Array, 2, false));
    let second = messages.item_by_key("m2").ok_or("no message of this key")?;
    assert_eq!(document.item("/messages", "m2"), Some(second.pointer()));
    assert!(messages.item_by_key("m3").is_none() && second.item_by_key("m2").is_none());
    assert_eq!(second.to_string(), r#"{"id":"m2","text":"Hi"}"#);
    assert_eq!(format!("{second:?}"), r#"Cursor { pointer: "/messages/1", kind: Object }"#);
    assert!(document.at("messages").is_none() && document.at("/messages/2").is_none());
    assert!(Document::new().at("").is_none());
    Ok(())
}

#[test]
fn iterators_are_those_that_std_has_taught() -> Tried {
    let value = json!({"o": {"b": 1, "c": 2, "a": 3}, "l": [1, 2, 3]});
    let document = Document::from_json(&value, us(), at(1))?;
    let (fields, items) = (document.at("/o").ok_or("no o")?, document.at("/l").ok_or("no l")?);
    let mut fields = fields.fields();
    assert_eq!(
        (fields.len(), fields.clone().rev().map(|field| field.0).collect()),
        (3, vec!["c", "b", "a"])
    );
    assert_eq!(fields.next().map(|field| field.0), Some("a"));
    assert_eq!(format!("{fields:?}").matches("Cursor").count(), 2);
    let mut items = items.items();
    assert_eq!(items.clone().rev().filter_map(|it| it.as_u64()).collect::<Vec<_>>(), [3, 2, 1]);
    assert_eq!((items.next_back().and_then(|it| it.as_u64()), items.len()), (Some(3), 2));
    assert_eq!(items.by_ref().count(), 2);
    assert!(items.next().is_none() && items.next_back().is_none());
    let (scalar, list) = (document.at("/l/0").ok_or("no item")?, document.at("/l").ok_or("no l")?);
    assert_eq!((scalar.fields().len(), scalar.items().len(), list.fields().len()), (0, 0, 0));
    Ok(())
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Conversation {
    title: String,
    unread: u32,
    assignee: Option<String>,
    messages: Vec<Message>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Message {
    id: u16,
    tags: BTreeMap<String, bool>,
}

#[test]
fn structs_go_in_and_come_out() -> Tried {
    let message = |id| Message { id, tags: BTreeMap::from([("new".into(), true)]) };
    let mut conversation = Conversation {
        title: "Booking".into(),
        unread: 1,
        assignee: None,
        messages: vec![message(1)],
    };
    let mut document = Document::from_value(Input::serialize(&conversation)?, us(), at(1))?;
    assert_eq!(document.to::<Conversation>()?, conversation);
    conversation.messages.push(message(2));
    let delta = document.update(Input::serialize(&conversation)?, us(), at(2))?;
    assert!(delta.write_count() < 6, "the item alone: {delta:?}");
    assert_eq!(document.to::<Conversation>()?, conversation);
    document.set("/messages/0", Input::serialize(&message(7))?, us(), at(3))?;
    let first = document.at("/messages/0").ok_or("no message")?;
    assert_eq!(first.to::<Message>()?, message(7));
    assert_eq!(first.to_json(), json!({"id": 7, "tags": {"new": true}}));
    assert!(first.to::<Conversation>().is_err());
    assert_eq!(Document::new().to::<Option<Conversation>>()?, None);
    assert!(Input::serialize(&BTreeMap::from([((1, 2), 3)])).is_err(), "a name is a text");
    Ok(())
}

#[test]
fn a_loop_may_end_with_any_error() -> Tried {
    let mut document = Document::from_json(&json!({"likes": []}), us(), at(1))?;
    let before = document.clone();
    let mut count_all = |texts: &[&str]| -> Tried {
        let mut edit = document.edit(us(), at(2));
        for text in texts {
            edit.push("/likes", text.parse::<u8>()?)?;
        }
        assert_eq!(edit.at("/likes").map(|likes| likes.len()), Some(texts.len()));
        edit.commit();
        Ok(())
    };
    assert!(count_all(&["1", "x"]).is_err());
    count_all(&[])?;
    assert_eq!(document, before);
    Ok(())
}

#[test]
fn conflicts_are_told_of_where_one_looks() -> Tried {
    let start = json!({"a": {"b": [{"c": 1}], "d": 1}, "e": 1});
    let mut ours = Document::from_json(&start, us(), at(1))?;
    let mut theirs = ours.clone();
    for pointer in ["/a/b/0/c", "/a/d", "/e"] {
        ours.set(pointer, 2, us(), at(2))?;
        theirs.set(pointer, 3, replica("eu-west-1"), at(2))?;
    }
    ours.merge(&theirs);
    let open = |pointer: &str| -> Vec<String> {
        let found = ours.at(pointer).map(|it| it.conflicts()).unwrap_or_default();
        found.iter().map(|conflict| conflict.path.to_string()).collect()
    };
    assert_eq!(open(""), ["/a/b/0/c", "/a/d", "/e"]);
    assert_eq!(open("/a"), ["/a/b/0/c", "/a/d"]);
    assert_eq!(open("/a/b/0"), ["/a/b/0/c"]);
    assert_eq!(open("/a/b/0/c"), ["/a/b/0/c"]);
    assert_eq!(ours.at("").map(|all| all.conflicts()), Some(ours.conflicts()));
    Ok(())
}

/// What only survived inside was made by nobody.
#[test]
fn a_container_that_was_deleted_around_an_edit_has_no_writer() -> Tried {
    let mut ours = Document::from_json(&json!({"user": {"mail": "old"}}), us(), at(1))?;
    let mut theirs = ours.clone();
    ours.remove("/user", us(), at(2))?;
    theirs.set("/user/mail", "new", replica("eu-west-1"), at(2))?;
    ours.merge(&theirs);
    let user = ours.at("/user").ok_or("no user")?;
    assert_eq!((user.stamp(), user.conflicts().len()), (None, 1));
    assert!(user.get("mail").is_some_and(|mail| mail.stamp().is_some()));
    Ok(())
}

fn scalars() -> BoxedStrategy<Json> {
    prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        (-2..3_i64).prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        (-2..3_i8).prop_map(|float| Json::from(f64::from(float))),
        "[a-c/~0]{0,3}".prop_map(Json::from),
    ]
    .boxed()
}

fn jsons() -> impl Strategy<Value = Json> {
    scalars().prop_recursive(4, 40, 5, |inside| {
        let fields = vec(("[a-c/~0]{0,2}", inside.clone()), 0..5);
        prop_oneof![
            vec(inside, 0..5).prop_map(Json::from),
            fields.prop_map(|fields| Json::Object(fields.into_iter().collect())),
        ]
    })
}

/// Every accessor tells of a value what that of `serde_json` tells of the same JSON.
fn check_accessors(value: &Value, json: &Json) {
    let kinds = |it: &Json| {
        let numbers = [it.is_number(), it.is_i64(), it.is_u64(), it.is_f64()];
        ([it.is_null(), it.is_boolean(), it.is_string(), it.is_array(), it.is_object()], numbers)
    };
    let own_kinds = |it: &Value| {
        let numbers = [it.is_number(), it.is_i64(), it.is_u64(), it.is_f64()];
        ([it.is_null(), it.is_boolean(), it.is_string(), it.is_array(), it.is_object()], numbers)
    };
    assert_eq!(own_kinds(value), kinds(json));
    assert_eq!((value.as_null(), value.as_bool()), (json.as_null(), json.as_bool()));
    assert_eq!((value.as_i64(), value.as_u64()), (json.as_i64(), json.as_u64()));
    assert_eq!((value.as_f64(), value.as_str()), (json.as_f64(), json.as_str()));
    let number = |it: &serde_json::Number| (it.as_i64(), it.as_u64(), it.as_f64(), it.is_f64());
    let own = |it: Number| (it.as_i64(), it.as_u64(), Some(it.as_f64()), it.is_f64());
    assert_eq!(value.as_number().map(own), json.as_number().map(number));
    assert_eq!(value.as_array().map(Vec::len), json.as_array().map(Vec::len));
    assert_eq!(value.as_object().map(BTreeMap::len), json.as_object().map(serde_json::Map::len));
    assert_eq!(Json::from(value.clone()), *json);
    assert_eq!(*value == "a", *json == "a");
    assert_eq!([*value == 1, *value == -1], [*json == 1, *json == -1]);
    assert_eq!([*value == true, *value == 2_u8], [*json == true, *json == 2_u8]);
    for index in 0..6 {
        assert_eq!(value.get(index).is_some(), json.get(index).is_some());
        check_same(&value[index], &json[index]);
    }
    for name in ["", "a", "b", "/", "~", "0", "~0"] {
        assert_eq!(value.get(name).is_some(), json.get(name).is_some());
        check_same(&value[name], &json[name]);
        assert_eq!(value.get(String::from(name)), value.get(name));
    }
}

#[track_caller]
fn check_same(value: &Value, json: &Json) {
    assert_eq!(*value, Value::try_from(json).unwrap());
}

/// Every value inside, with its pointer.
fn check_all(whole: (&Value, &Json), pointer: &str, value: &Value, json: &Json) {
    check_accessors(value, json);
    assert_eq!(whole.0.pointer(pointer), Some(value));
    assert_eq!(whole.1.pointer(pointer), Some(json));
    for wrong in ["/-", "/01", "/+1", "/7", "/nobody"] {
        let pointer = format!("{pointer}{wrong}");
        assert_eq!(whole.0.pointer(&pointer).is_some(), whole.1.pointer(&pointer).is_some());
    }
    match json {
        Json::Array(items) => {
            let pairs = value.as_array().into_iter().flatten().zip(items);
            for (index, (item, json)) in pairs.enumerate() {
                check_all(whole, &format!("{pointer}/{index}"), item, json);
            }
        }
        Json::Object(fields) => {
            let pairs = value.as_object().into_iter().flatten().zip(fields);
            for ((name, field), (_, json)) in pairs {
                let name = name.replace('~', "~0").replace('/', "~1");
                check_all(whole, &format!("{pointer}/{name}"), field, json);
            }
        }
        _ => {}
    }
}

#[test]
fn accessors_agree_with_those_of_serde_json() {
    let config =
        ProptestConfig { cases: count(2_000), failure_persistence: None, ..<_>::default() };
    proptest!(config, |(json in jsons(), pointer in "[/a-c~01]{0,5}")| {
        let value = Value::try_from(&json).unwrap();
        check_all((&value, &json), "", &value, &json);
        let mut changed = value.clone();
        let found = changed.pointer_mut(&pointer).map(Value::take);
        prop_assert_eq!(found.as_ref(), value.pointer(&pointer));
        // What a stray `~` means is not said anywhere.
        if !pointer.split('~').skip(1).any(|rest| !rest.starts_with(['0', '1'])) {
            prop_assert_eq!(value.pointer(&pointer).cloned(), json.pointer(&pointer).map(|it| Value::try_from(it).unwrap()));
            let document = Document::from_json(&json, us(), at(1)).unwrap();
            prop_assert_eq!(document.at(&pointer).map(|it| it.to_value()), found);
        }
    });
}
