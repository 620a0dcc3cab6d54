//! Values and pointers that histories are made of: few, so that they meet.

use proptest::{collection::vec, prelude::*, sample::select};
use rejoin::document::Value;

pub(super) const PATHS: [&str; 24] = [
    "", "/a", "/a/b", "/a/b/c", "/l", "/l/0", "/l/1", "/l/2", "/l/-", "/l/0/t", "/l/1/t", "/l/0/0",
    "/l/0/-", "/k", "/k/0", "/k/1", "/k/-", "/k/0/t", "/k/1/n", "/k/0/id", "/n", "/o", "/o/n",
    "/o/l",
];
pub(super) const LISTS: [&str; 6] = ["/l", "/k", "/l/0", "/o/l", "/a", "/k/0/t"];
pub(super) const ITEMS: [&str; 8] =
    ["/l/0", "/l/1", "/l/2", "/k/0", "/k/1", "/k/2", "/l/0/0", "/o/l/1"];
pub(super) const NUMBERS: [&str; 8] =
    ["/n", "/o/n", "/l/0", "/k/1/n", "/k/0/n", "/l/0/t", "/a", "/o"];
pub(super) const KEYS: std::ops::Range<u64> = 0..4;

pub(super) fn scalars() -> BoxedStrategy<Value> {
    prop_oneof![
        6 => (0..3_u64).prop_map(Value::from),
        1 => Just(Value::from(-1)),
        1 => Just(Value::from("x")),
        1 => Just(Value::Null),
        1 => Just(Value::from(1.5)),
        1 => select(&[i64::MAX, i64::MIN][..]).prop_map(Value::from),
    ]
    .boxed()
}

fn objects(names: &'static [&'static str], value: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    prop::collection::btree_map(select(names), value, 0..3).prop_map(Value::from_iter).boxed()
}

fn arrays(item: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    vec(item, 0..4).prop_map(Value::from).boxed()
}

/// `{"id": 0..3, "t": …, "n": …}`
pub(super) fn keyed_items() -> BoxedStrategy<Value> {
    let inside = objects(&["t", "n"], prop_oneof![4 => scalars(), 1 => arrays(scalars())].boxed());
    (KEYS, inside)
        .prop_map(|(id, inside)| {
            let Value::Object(mut fields) = inside else { unreachable!() };
            fields.insert("id".into(), id.into());
            Value::Object(fields)
        })
        .boxed()
}

fn keyed_lists() -> BoxedStrategy<Value> {
    arrays(prop_oneof![6 => keyed_items(), 1 => scalars()].boxed())
}

pub(super) fn without_lists() -> BoxedStrategy<Value> {
    let flat = objects(&["a", "b", "n", "o"], scalars());
    prop_oneof![1 => scalars(), 2 => flat.clone(), 2 => objects(&["a", "o", "l", "n"], flat)]
        .boxed()
}

pub(super) fn items() -> BoxedStrategy<Value> {
    let flat = prop_oneof![4 => scalars(), 1 => arrays(scalars())].boxed();
    prop_oneof![
        4 => scalars(),
        2 => objects(&["t", "n"], flat),
        2 => arrays(scalars()),
        3 => keyed_items(),
    ]
    .boxed()
}

/// With all that the pointers lead to.
pub(super) fn documents() -> BoxedStrategy<Value> {
    let list = || arrays(items());
    let inner = (scalars(), list()).prop_map(|(n, l)| Value::from_iter([("n", n), ("l", l)]));
    (objects(&["a", "b"], items()), list(), keyed_lists(), scalars(), inner)
        .prop_map(|(a, l, k, n, o)| {
            Value::from_iter([("a", a), ("l", l), ("k", k), ("n", n), ("o", o)])
        })
        .boxed()
}

pub(super) fn values() -> BoxedStrategy<Value> {
    prop_oneof![
        4 => items(),
        2 => without_lists(),
        2 => arrays(items()),
        2 => keyed_lists(),
        1 => documents(),
    ]
    .boxed()
}
