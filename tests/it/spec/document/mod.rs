//! A document is the writes that no visible edit was made over; what is read is defined here once
//! more, by listing them.

mod agreed;
mod content;
mod model;
pub(super) mod properties;
pub(crate) mod told;
mod values;

use crate::{
    cursors::check_cursors,
    encoded::{document_form, through_bytes},
    history::{histories, misused},
    small::Small,
    tried::{tried_delta, tried_merge},
    world::{Seen, Subject, limited},
};
use model::{Event, Model};
use proptest::{prelude::*, sample::select};
use rejoin::{
    Document, Now, ReplicaId, Timestamp,
    document::{DocumentDelta, DocumentError, Rules, Value},
    laws::Invariants,
};
use values::{
    ITEMS, KEYS, LISTS, NUMBERS, PATHS, documents, keyed_items, scalars, values, without_lists,
};

pub(super) struct Json;

#[derive(Clone, Debug)]
pub(super) enum Op {
    Set(&'static str, Value),
    Remove(&'static str),
    Insert(&'static str, Value),
    Push(&'static str, Value),
    Move(&'static str, usize),
    Increment(&'static str, u64),
    Decrement(&'static str, u64),
    Reset(&'static str),
    Update(Value),
}

fn tokens(pointer: &str) -> Vec<&str> {
    pointer.split('/').skip(1).collect()
}

/// Some edits are made by a process that knows of no keys, and none finds one by itself.
fn rule(now: Timestamp) -> Option<(&'static str, &'static str)> {
    (now.as_millis() % 5 != 0).then_some(("k", "id"))
}

fn keys(now: Timestamp) -> Rules {
    let keyed = rule(now).map(|(list, key)| Rules::new().keyed(&format!("/{list}"), key).unwrap());
    keyed.unwrap_or_default().default_key(None)
}

fn apply(
    op: &Op,
    document: &mut Document,
    id: ReplicaId,
    now: Now,
) -> Result<DocumentDelta, DocumentError> {
    match op {
        Op::Set(path, value) => document.set(path, value, id, now),
        Op::Remove(path) => document.remove(path, id, now),
        Op::Insert(path, value) => document.insert(path, value, id, now),
        Op::Push(list, value) => document.push(list, value, id, now),
        Op::Move(path, to) => document.move_item(path, *to, id, now),
        Op::Increment(path, by) => document.increment(path, *by, id, now),
        Op::Decrement(path, by) => document.decrement(path, *by, id, now),
        Op::Reset(path) => document.reset(path, id, now),
        Op::Update(value) => document.update(value, id, now),
    }
}

impl Subject for Json {
    type State = Document;
    type Delta = DocumentDelta;
    type Op = Op;
    type Event = Event;
    /// The whole, what is read at each pointer, and where the items with a key stand.
    type Value = (Option<Value>, Vec<Option<Value>>, Vec<Option<String>>);

    fn ops() -> BoxedStrategy<Op> {
        let by = || prop_oneof![6 => 0..4_u64, 1 => select(&[1 << 62, 1 << 63, u64::MAX][..])];
        let inserted = || prop_oneof![values(), keyed_items()];
        let [paths, lists, items] = [&PATHS[..], &LISTS[..], &ITEMS[..]].map(select);
        let numbers = || select(&NUMBERS[..]);
        let set = |path, value| Op::Set(path, value);
        prop_oneof![
            4 => documents().prop_map(|value| Op::Set("", value)),
            6 => (paths.clone(), values()).prop_map(move |(path, value)| set(path, value)),
            3 => paths.clone().prop_map(Op::Remove),
            2 => items.clone().prop_map(Op::Remove),
            3 => (paths, inserted()).prop_map(|(path, value)| Op::Insert(path, value)),
            3 => (items.clone(), inserted()).prop_map(|(path, value)| Op::Insert(path, value)),
            3 => (lists, inserted()).prop_map(|(list, value)| Op::Push(list, value)),
            5 => (items, 0..4_usize).prop_map(|(path, to)| Op::Move(path, to)),
            3 => (numbers(), by()).prop_map(|(path, by)| Op::Increment(path, by)),
            2 => (numbers(), by()).prop_map(|(path, by)| Op::Decrement(path, by)),
            2 => numbers().prop_map(Op::Reset),
            2 => without_lists().prop_map(Op::Update),
        ]
        .boxed()
    }

    fn edit(
        document: &mut Document,
        op: &Op,
        id: ReplicaId,
        now: Timestamp,
    ) -> Option<DocumentDelta> {
        let before = document.clone();
        document.set_rules(keys(now));
        let now = limited(now);
        let delta = apply(op, document, id, now).ok()?;
        if let Op::Update(value) = op {
            assert_eq!(document.to_value().as_ref(), Some(value), "update is exact");
            assert!(document.update(value, id, now).unwrap().is_empty(), "and then rests");
        }
        let mut told = before.clone();
        let report = told.apply_reporting(&delta);
        assert_eq!(told, *document);
        properties::check_replay(&before, document, &report);
        assert_eq!(report.changed(), !delta.is_empty());
        Some(delta)
    }

    fn value(document: &Document) -> Self::Value {
        properties::check_open_conflicts(document);
        let read: Vec<_> = PATHS.iter().map(|path| document.get(path)).collect();
        for (path, value) in PATHS.iter().zip(&read) {
            assert_eq!(document.at(path).map(|it| it.kind()), value.as_ref().map(Value::kind));
            assert_eq!(document.at(path).map(|it| it.len()), value.as_ref().map(len));
        }
        let items = KEYS.map(|key| document.item("/k", Value::from(key))).collect();
        (document.to_value(), read, items)
    }

    fn check(document: &Document) -> Result<(), &'static str> {
        document.check_invariants()
    }

    fn merged(before: &Document, other: &Document, after: &Document) {
        let mut told = before.clone();
        let report = told.merge_reporting(other);
        assert_eq!(told, *after);
        assert_eq!(report.changed(), before != after);
        properties::check_replay(before, after, &report);
        check_cursors(after);
    }

    fn applied(before: &Document, delta: &DocumentDelta, after: &Document) {
        let mut told = before.clone();
        let report = told.apply_reporting(delta);
        assert_eq!(told, *after);
        assert_eq!(told.check_invariants(), Ok(()));
        assert_eq!(report.changed(), before != after);
        properties::check_replay(before, after, &report);
        let (mut new, mut read_back) = (Document::new(), through_bytes(&Document::new()));
        assert_eq!(new.apply_reporting(delta), read_back.apply_reporting(delta));
    }

    fn tried(document: &Document, other: &Document, delta: &DocumentDelta) {
        tried_merge(document, other);
        tried_delta(document, delta);
    }

    fn aged(kernel: serde_json::Value) -> Document {
        serde_json::from_value(document_form(kernel)).unwrap()
    }

    fn event(op: &Op, id: ReplicaId, now: Timestamp, seen: &Seen<'_, Event>) -> Option<Event> {
        Self::event_of(op, id, now, seen, None)
    }

    fn event_of(
        op: &Op,
        id: ReplicaId,
        now: Timestamp,
        seen: &Seen<'_, Event>,
        delta: Option<&DocumentDelta>,
    ) -> Option<Event> {
        let mut model = Model::of_edit(seen, id, now, rule(now), delta);
        match op {
            Op::Set(path, value) => model.set(&tokens(path), value),
            Op::Remove(path) => model.remove(&tokens(path)),
            Op::Insert(path, value) => model.insert(&tokens(path), value),
            Op::Push(list, value) => model.push(&tokens(list), value),
            Op::Move(path, to) => model.move_item(&tokens(path), *to),
            Op::Increment(path, by) => model.count(&tokens(path), i64::try_from(*by).ok()?),
            Op::Decrement(path, by) => model.count(&tokens(path), 0_i64.checked_sub_unsigned(*by)?),
            Op::Reset(path) => model.reset(&tokens(path)),
            Op::Update(value) => {
                model.update(&[], value);
                Some(())
            }
        }?;
        Some(model.finish())
    }

    fn meaning(seen: &Seen<'_, Event>) -> Self::Value {
        let model = Model::new(seen);
        let whole = model.value();
        let read = |path: &&str| {
            let mut found = whole.as_ref()?;
            for token in tokens(path) {
                found = child(found, token)?;
            }
            Some(found.clone())
        };
        let pointer = |key| Some(format!("/k/{}", model.index_of("k", &Value::from(key))?));
        (whole.clone(), PATHS.iter().map(read).collect(), KEYS.map(pointer).collect())
    }
}

/// Documents of which hardly anything but two numbers is edited: where increments, sets and
/// deletions meet most often.
struct Numbers;

impl Subject for Numbers {
    type State = Document;
    type Delta = DocumentDelta;
    type Op = Op;
    type Event = Event;
    type Value = <Json as Subject>::Value;

    fn ops() -> BoxedStrategy<Op> {
        let by = || prop_oneof![9 => 1..9_u64, 1 => select(&[1 << 62, (1 << 63) - 1][..])];
        let number = || prop_oneof![4 => (0..9_u64).prop_map(Value::from), 1 => scalars()];
        let path = || select(&["/n", "/o/n"][..]);
        let whole = (number(), number()).prop_map(|(n, inside)| {
            Value::from_iter([("n", n), ("o", Value::from_iter([("n", inside)]))])
        });
        prop_oneof![
            2 => whole.clone().prop_map(|value| Op::Set("", value)),
            2 => whole.prop_map(Op::Update),
            8 => (path(), by()).prop_map(|(path, by)| Op::Increment(path, by)),
            4 => (path(), by()).prop_map(|(path, by)| Op::Decrement(path, by)),
            3 => path().prop_map(Op::Reset),
            3 => (path(), number()).prop_map(|(path, value)| Op::Set(path, value)),
            2 => path().prop_map(Op::Remove),
            1 => Just(Op::Remove("/o")),
        ]
        .boxed()
    }

    fn edit(it: &mut Document, op: &Op, id: ReplicaId, now: Timestamp) -> Option<DocumentDelta> {
        Json::edit(it, op, id, now)
    }

    fn value(document: &Document) -> Self::Value {
        Json::value(document)
    }

    fn check(document: &Document) -> Result<(), &'static str> {
        Json::check(document)
    }

    fn aged(kernel: serde_json::Value) -> Document {
        Json::aged(kernel)
    }

    fn event(op: &Op, id: ReplicaId, now: Timestamp, seen: &Seen<'_, Event>) -> Option<Event> {
        Json::event(op, id, now, seen)
    }

    fn meaning(seen: &Seen<'_, Event>) -> Self::Value {
        Json::meaning(seen)
    }
}

fn child<'a>(value: &'a Value, token: &str) -> Option<&'a Value> {
    match value {
        Value::Object(fields) => fields.get(token),
        Value::Array(items) => items.get(token.parse::<usize>().ok()?),
        _ => None,
    }
}

fn len(value: &Value) -> usize {
    match value {
        Value::Object(fields) => fields.len(),
        Value::Array(items) => items.len(),
        _ => 0,
    }
}

#[test]
fn document_histories() {
    histories::<Json>();
}

#[test]
fn document_misused() {
    misused::<Json>();
}

#[test]
fn document_numbers_histories() {
    histories::<Numbers>();
}

#[test]
fn document_numbers_misused() {
    misused::<Numbers>();
}

/// Walks all worlds that begin with `{"a": 1, "o": {"b": 1}, "l": [1, 2], "n": 1}` everywhere.
fn small_worlds(name: &str, alphabet: &[Op], operations: usize) {
    let one = || Value::from(1_u64);
    let start = Value::from_iter([
        ("a", one()),
        ("o", Value::from_iter([("b", one())])),
        ("l", Value::from(vec![one(), Value::from(2_u64)])),
        ("n", one()),
    ]);
    Small::<Json> { name, aged: false, past: &[Op::Set("", start)], alphabet, operations }.walk();
}

#[test]
fn document_small_worlds_of_fields() {
    let alphabet = [
        Op::Set("/a", 2_u64.into()),
        Op::Remove("/a"),
        Op::Set("/o/b", 2_u64.into()),
        Op::Remove("/o"),
    ];
    small_worlds("Document, two fields and one nested", &alphabet, 5);
}

#[test]
fn document_small_worlds_of_kinds() {
    let alphabet = [
        Op::Set("/o", 2_u64.into()),
        Op::Set("/o/b", 2_u64.into()),
        Op::Set("/o", Value::from(vec![Value::from(3_u64)])),
    ];
    small_worlds("Document, three kinds at one path", &alphabet, 5);
}

#[test]
fn document_small_worlds_of_lists() {
    let alphabet = [
        Op::Insert("/l/0", 3_u64.into()),
        Op::Push("/l", 4_u64.into()),
        Op::Remove("/l/0"),
        Op::Move("/l/0", 1),
    ];
    small_worlds("Document, one list", &alphabet, 5);
}

#[test]
fn document_small_worlds_of_counters() {
    let alphabet = [Op::Increment("/n", 1), Op::Reset("/n"), Op::Remove("/n")];
    small_worlds("Document, one counter", &alphabet, 5);
}

#[test]
fn document_small_worlds_of_counters_that_are_set() {
    let whole = Value::from_iter([("n", Value::from(7_u64))]);
    let alphabet =
        [Op::Increment("/n", 2), Op::Set("/n", 5_u64.into()), Op::Remove("/n"), Op::Set("", whole)];
    small_worlds("Document, one counter that is set", &alphabet, 5);
}

#[test]
fn document_small_worlds_of_counters_near_the_end() {
    let alphabet = [
        Op::Increment("/n", i64::MAX.unsigned_abs() - 1),
        Op::Decrement("/n", i64::MAX.unsigned_abs()),
        Op::Reset("/n"),
    ];
    small_worlds("Document, one counter near the end", &alphabet, 5);
}

#[test]
fn document_small_worlds_of_everything() {
    let alphabet = [
        Op::Set("/a", 2_u64.into()),
        Op::Remove("/a"),
        Op::Set("/o/b", 2_u64.into()),
        Op::Remove("/o"),
        Op::Push("/l", 3_u64.into()),
        Op::Remove("/l/0"),
        Op::Increment("/n", 1),
        Op::Reset("/n"),
    ];
    small_worlds("Document, fields, a list and a counter", &alphabet, 4);
}
