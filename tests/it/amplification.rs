//! What strangers send is never made much larger here, whatever is done with it: documents and
//! deltas that were made to cost.

use crate::{
    at,
    effort::count,
    hostile::amplification::{Dearest, check, meet},
    replica,
};
use rejoin::{
    Document, Merge, ReplicaId,
    document::{DocumentDelta, Value},
};
use serde_json::{Value as Json, json};

fn other(number: usize) -> ReplicaId {
    ReplicaId::from_u128(1_000 + number as u128)
}

fn base(json: &Json) -> Document {
    Document::from_json(json, replica("us-east-1"), at(1)).unwrap()
}

fn pointer(levels: usize) -> String {
    "/a".repeat(levels)
}

/// `{"a": {"a": … }}`, with these fields at the bottom.
fn nested(levels: usize, fields: Json) -> Json {
    (0..levels).fold(fields, |inner, _| json!({"a": inner}))
}

fn fields(count: usize, value: &Json) -> Json {
    (0..count).map(|number| (format!("f{number}"), value.clone())).collect()
}

const LEVELS: usize = 110;

struct Cost {
    name: &'static str,
    ours: Document,
    theirs: Document,
    delta: DocumentDelta,
}

impl Cost {
    fn new(
        name: &'static str,
        base: &Document,
        ours: impl Fn(&mut Document),
        theirs: impl Fn(&mut Document) -> DocumentDelta,
    ) -> Self {
        let (mut our, mut their) = (base.clone(), base.clone());
        ours(&mut our);
        let delta = theirs(&mut their);
        Self { name, ours: our, theirs: their, delta }
    }
}

/// One name of 16,000 bytes above everything.
fn one_long_name() -> Cost {
    let name = "n".repeat(16_000);
    let all = |value: u64| json!({ name.as_str(): fields(3_000, &json!(value)) });
    Cost::new(
        "one long name",
        &base(&all(0)),
        |ours| _ = ours.update(all(1), replica("us-east-1"), at(5)).unwrap(),
        |theirs| theirs.update(all(2), replica("eu-west-1"), at(6)).unwrap(),
    )
}

/// At each level a scalar stands against an object that holds all further levels.
fn nested_conflicts() -> Cost {
    let bottom = |value: u64| nested(LEVELS, fields(1_000, &json!(value)));
    let start = base(&bottom(0));
    let eu = replica("eu-west-1");
    let mut scalars = start.clone();
    let mut delta = DocumentDelta::default();
    for level in 1..=LEVELS {
        let mut side = start.clone();
        delta.merge(&side.set(&pointer(level), level as u64, other(level), at(5)).unwrap());
        scalars.merge(&side);
    }
    Cost::new(
        "nested conflicts",
        &start,
        |ours| _ = ours.update(bottom(1), eu, at(900)).unwrap(),
        |theirs| {
            theirs.merge(&scalars);
            delta.clone()
        },
    )
}

/// Each level was removed by somebody around an edit at the bottom.
fn nested_removals() -> Cost {
    let bottom = |value: u64| nested(LEVELS, fields(1_000, &json!(value)));
    let start = base(&bottom(0));
    let us = replica("us-east-1");
    let mut delta = DocumentDelta::default();
    let mut removed = start.clone();
    for level in 1..=LEVELS {
        let mut side = start.clone();
        delta.merge(&side.remove(&pointer(level), other(level), at(5)).unwrap());
        removed.merge(&side);
    }
    Cost::new(
        "nested removals",
        &start,
        |ours| _ = ours.update(bottom(1), us, at(900)).unwrap(),
        |theirs| {
            theirs.merge(&removed);
            delta.clone()
        },
    )
}

/// Each of many items moved on both sides.
fn moves() -> Cost {
    let items: Vec<String> = (0..1_000).map(|number| format!("item {number}")).collect();
    let shuffled = |step: usize| -> Json {
        (0..items.len()).map(|at| json!(items[at * step % items.len()])).collect()
    };
    Cost::new(
        "moves",
        &base(&json!({"list": items})),
        |ours| _ = ours.update(json!({"list": shuffled(7)}), replica("us-east-1"), at(5)).unwrap(),
        |theirs| theirs.update(json!({"list": shuffled(3)}), replica("eu-west-1"), at(6)).unwrap(),
    )
}

/// Thousands of values of one field.
fn one_field_of_many() -> Cost {
    let start = base(&json!({"x": 0}));
    let mut delta = DocumentDelta::default();
    let mut ours = start.clone();
    for number in 0..1_500 {
        let mut side = start.clone();
        let set = side.set("/x", format!("text {number}"), other(number), at(5)).unwrap();
        delta.merge(&set);
        ours.merge(&side);
    }
    Cost::new("one field of many", &start, |it| _ = it.merge(&ours), |_| delta.clone())
}

/// One long text, told once and there often.
fn one_long_text() -> Cost {
    let text = "a long text, ".repeat(1_000);
    let items: Vec<Value> = (0..200).map(|_| Value::from(&*text)).collect();
    let start = base(&json!({"list": 0}));
    let eu = replica("eu-west-1");
    Cost::new(
        "one long text",
        &start,
        |ours| _ = ours.set("/list", json!({"x": 1}), replica("us-east-1"), at(7)).unwrap(),
        |theirs| theirs.set("/list", Value::from(items.clone()), eu, at(5)).unwrap(),
    )
}

/// A removal of everything that killed nothing, and a removal of all there is.
fn removal_of_the_root(sees_all: bool) -> Cost {
    let eu = replica("eu-west-1");
    let all = base(&json!({"messages": fields(3_000, &json!({"text": "Hello", "likes": 0}))}));
    let remover = if sees_all { all.clone() } else { base(&json!({"x": 1})) };
    let remove = |_: &mut Document| remover.clone().remove("", eu, at(5)).unwrap();
    let name = if sees_all { "all removed" } else { "the root removed" };
    Cost::new(name, &all, |_| (), remove)
}

#[test]
fn nothing_that_is_made_of_what_came_is_much_larger() {
    let costs = [
        one_long_name(),
        nested_conflicts(),
        nested_removals(),
        moves(),
        one_field_of_many(),
        one_long_text(),
        removal_of_the_root(false),
        removal_of_the_root(true),
    ];
    for Cost { name, ours, theirs, delta } in costs {
        let mut dearest = Dearest::default();
        check(name, [&ours, &theirs], &delta, &mut dearest);
        check(name, [&theirs, &ours], &delta, &mut dearest);
        let mut merged = ours.clone();
        merged.merge(&theirs);
        check(name, [&merged, &ours], &delta, &mut dearest);
        let Dearest { bytes, times } = dearest;
        println!("{name}: for each byte {bytes:.1} bytes and {times:.2} allocations, at most");
    }
}

/// What two documents and a delta become when bytes are changed, repeated, cut out or put in.
#[test]
fn nothing_that_is_made_of_mutants_is_much_larger() {
    let (mut dearest, mut random) = (Dearest::default(), 1_u64);
    let mut below = |end: usize| {
        random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        usize::try_from(random >> 33).unwrap() % end.max(1)
    };
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/seeds/amplification/document");
    let seed = std::fs::read(folder).unwrap();
    let rounds = count(20_000) / 20;
    for _ in 0..rounds {
        let mut mutant = seed.clone();
        for _ in 0..=below(3) {
            let (at, to) = (below(mutant.len()), below(mutant.len()));
            let byte = u8::try_from(below(256)).unwrap();
            match below(4) {
                0 => mutant.extend_from_within(at.min(to)..at.max(to)),
                1 => mutant.insert(at, byte),
                _ => mutant[at] = byte,
            }
        }
        meet(&mutant, &mut dearest);
    }
    let Dearest { bytes, times } = dearest;
    println!(
        "{rounds} mutants: for each byte {bytes:.1} bytes and {times:.2} allocations, at most"
    );
    assert!(bytes > 0.0, "some could be read");
}
