//! Operations whose instructions are counted: `benches/instructions.sh` runs each under valgrind.
//!
//! With the name of an operation: prepares it, does it, checks what came of it, and prints how
//! many times it was done. Without a name: the names.
// Operations have one signature, also those that cannot fail.
#![allow(clippy::unnecessary_wraps)]

mod rows;

use rejoin::{
    Causality, DeltaState, Document, Merge, OrMap, OrSet, PnCounter, ReplicaId, Timestamp,
    VectorClock, wire,
};
use serde_json::{Value, json};
use std::{error::Error, hint::black_box};

type Result<T> = std::result::Result<T, Box<dyn Error>>;
/// How many times it was done.
type Done = Result<u64>;
type Operation = fn() -> Done;

const OPERATIONS: [(&str, Operation); 19] = [
    ("clock_compare_16", clock_compare),
    ("clock_merge_1024", clock_merge),
    ("pn_counter_merge_1024", pn_counter_merge),
    ("pn_counter_value_1024", pn_counter_value),
    ("set_add", set_add),
    ("set_apply_add", set_apply_add),
    ("set_apply_add_bytes", set_apply_add_bytes),
    ("set_merge_500_and_500", set_merge),
    ("set_merge_equal", set_merge_equal),
    ("set_contains", set_contains),
    ("map_put", map_put),
    ("document_from_json_200", document_from_json),
    ("document_set_field", document_set_field),
    ("document_append_message", document_append_message),
    ("document_apply_field", document_apply_field),
    ("document_merge_1_and_1", document_merge),
    ("document_to_string_200", document_to_string),
    ("document_to_bytes_200", document_to_bytes),
    ("document_from_bytes_200", document_from_bytes),
];

const US: ReplicaId = ReplicaId::from_u128(1);
const EU: ReplicaId = ReplicaId::from_u128(2);
const NOW: Timestamp = Timestamp::from_millis(1_717_236_600_000);
const ELEMENTS: u64 = 100_000;
const MESSAGES: u64 = 200;
/// The seeds of the hash tables differ from run to run: an average over so many does not.
const TIMES: u64 = 1_000;

/// Instructions are collected in here alone, so this must keep its name and stay a call.
#[inline(never)]
fn measured<T>(work: impl FnOnce() -> T) -> T {
    black_box(work())
}

/// What the work returns is dropped outside of what is measured.
fn repeat<T>(mut work: impl FnMut(u64) -> T) -> Done {
    for round in 0..TIMES {
        drop(measured(|| work(black_box(round))));
    }
    Ok(TIMES)
}

/// Elements that look random and are all different: `SplitMix64` of their number.
fn element(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

fn replica(number: u64) -> ReplicaId {
    ReplicaId::from_u128(u128::from(element(number)) + 3)
}

/// A count for each replica from one number on, of which every other one is greater by `more`.
fn clock(from: u64, replicas: u64, more: u64) -> VectorClock {
    let counts = |number| (replica(number), 100 + more * (number % 2));
    (from..from + replicas).map(counts).collect()
}

fn clock_compare() -> Done {
    let (ours, theirs) = (clock(0, 16, 1), clock(0, 16, 0));
    assert_eq!(ours.compare(&theirs), Causality::After);
    repeat(|_| ours.compare(black_box(&theirs)))
}

fn clock_merge() -> Done {
    let (ours, theirs) = (clock(0, 1_024, 0), clock(512, 1_024, 0));
    let mut merged = ours.clone();
    measured(|| merged.merge(black_box(&theirs)));
    assert_eq!(merged.len(), 1_536, "512 on each side alone");
    Ok(1)
}

fn pn_counter(side: u64) -> Result<PnCounter> {
    let mut counter = PnCounter::new();
    for number in 0..1_024 {
        counter.increment(100 + (number + side) % 2, replica(number))?;
        counter.decrement(10 + (number + side) % 3, replica(number))?;
    }
    Ok(counter)
}

fn pn_counter_merge() -> Done {
    let (mut ours, theirs) = (pn_counter(0)?, pn_counter(1)?);
    assert!(measured(|| ours.merge(black_box(&theirs))));
    Ok(1)
}

fn pn_counter_value() -> Done {
    let counter = pn_counter(0)?;
    assert_eq!(measured(|| counter.value()), 101 * 512 + 100 * 512 - 11_263);
    Ok(1)
}

fn set() -> Result<OrSet<u64>> {
    let mut set = OrSet::new();
    set.extend((0..ELEMENTS).map(element), US)?;
    Ok(set)
}

fn set_add() -> Done {
    let mut set = set()?;
    let times = repeat(|round| set.insert(element(ELEMENTS + round), US))?;
    assert_eq!(set.len() as u64, ELEMENTS + times);
    Ok(times)
}

fn set_apply_add() -> Done {
    let mut set = set()?;
    let mut author = set.clone();
    let deltas = (0..TIMES).map(|round| author.insert(element(ELEMENTS + round), EU));
    let mut deltas = deltas.collect::<std::result::Result<Vec<_>, _>>()?.into_iter();
    let times = repeat(|_| deltas.next().map(|delta| set.apply_owned(delta)))?;
    assert!(set == author && set.len() as u64 == ELEMENTS + times);
    Ok(times)
}

fn set_apply_add_bytes() -> Done {
    let mut set = set()?;
    let mut author = set.clone();
    let mut deltas = Vec::new();
    for round in 0..TIMES {
        deltas.push(wire::to_bytes(&author.insert(element(ELEMENTS + round), EU)?));
    }
    let mut deltas = deltas.iter();
    let times = repeat(|_| deltas.next().map(|delta| wire::apply_bytes(&mut set, delta)))?;
    assert!(set == author && set.len() as u64 == ELEMENTS + times);
    Ok(times)
}

/// A clone with 500 elements more and 500 fewer.
fn set_side(shared: &OrSet<u64>, side: u64) -> Result<OrSet<u64>> {
    let (mut set, writer) = (shared.clone(), replica(side));
    set.extend((0..500).map(|number| element(ELEMENTS * (side + 2) + number)), writer)?;
    for number in 0..500 {
        set.remove(&element(number * 200 + side * 7), writer)?;
    }
    Ok(set)
}

fn set_merge() -> Done {
    let shared = set()?;
    let (mut ours, theirs) = (set_side(&shared, 0)?, set_side(&shared, 1)?);
    assert!(measured(|| ours.merge(black_box(&theirs))));
    assert_eq!(ours.len() as u64, ELEMENTS);
    Ok(1)
}

fn set_merge_equal() -> Done {
    let mut set = set_side(&set()?, 0)?;
    // Not a clone, which would share what is equal.
    let read: OrSet<u64> = wire::from_bytes(&wire::to_bytes(&set))?;
    assert!(!measured(|| set.merge(black_box(&read))));
    Ok(1)
}

fn set_contains() -> Done {
    let set = set()?;
    let mut found = 0;
    let looked_for = |round| element(ELEMENTS - TIMES / 2 + round);
    let times = repeat(|round| found += u64::from(set.contains(&looked_for(round))))?;
    assert_eq!(found * 2, times, "every other one is there");
    Ok(times)
}

fn map_put() -> Done {
    let mut map = OrMap::new();
    for number in 0..ELEMENTS {
        map.insert(element(number), number, US, NOW)?;
    }
    let times = repeat(|round| map.insert(element(round * 7), round, EU, NOW))?;
    assert_eq!((map.len() as u64, map.get(&element(70))), (ELEMENTS, Some(&10)));
    Ok(times)
}

fn id(number: u64) -> String {
    format!("m{number:08}")
}

fn path(number: u64) -> String {
    format!("/mapping/{}", id(number))
}

fn message(number: u64) -> Value {
    let words = ["flight", "hotel", "refund", "seat", "fare", "booking", "Lisbon", "Tuesday"];
    let word = |at: u64| words[usize::from(element(number * 64 + at).to_le_bytes()[0] % 8)];
    let mut text = (0..40).map(word).collect::<Vec<_>>().join(" ");
    text.truncate(200);
    json!({"id": id(number), "author": "user", "time": 1_717_236_600 + number, "text": text})
}

fn conversation() -> Value {
    conversation_of(MESSAGES)
}

fn conversation_of(messages: u64) -> Value {
    let mapping = (0..messages).map(|number| (id(number), message(number)));
    json!({"title": "Booking", "mapping": Value::Object(mapping.collect())})
}

fn document() -> Result<Document> {
    Ok(Document::from_json(&conversation(), US, NOW)?)
}

fn document_from_json() -> Done {
    let json = conversation();
    let document = measured(|| Document::from_json(black_box(&json), US, NOW))?;
    assert_eq!(document.to_json(), json);
    Ok(1)
}

/// The paths of the fields that are set, one a round.
fn fields() -> Vec<String> {
    (0..TIMES).map(|round| path(round % MESSAGES) + "/text").collect()
}

fn document_set_field() -> Done {
    let (mut document, fields) = (document()?, fields());
    let mut fields = fields.iter();
    let times = repeat(|round| fields.next().map(|field| document.set(field, round, US, NOW)))?;
    assert_eq!(document.get(&(path(MESSAGES - 1) + "/text")), Some((times - 1).into()));
    Ok(times)
}

fn document_append_message() -> Done {
    let mut document = document()?;
    let messages: Vec<_> = (MESSAGES..).take(100).map(|it| (path(it), message(it))).collect();
    for (path, message) in &messages {
        drop(measured(|| document.set(path, message, US, NOW))?);
    }
    assert_eq!(document.at("/mapping").map(|it| it.len()), Some(300));
    Ok(100)
}

fn document_apply_field() -> Done {
    let mut document = document()?;
    let mut author = document.clone();
    let mut deltas = Vec::new();
    for field in fields() {
        deltas.push(author.set(&field, "edited", EU, NOW)?);
    }
    let mut deltas = deltas.into_iter();
    let times = repeat(|_| deltas.next().map(|delta| document.apply_owned(delta)))?;
    assert_eq!(document, author);
    Ok(times)
}

/// A clone with one message edited and one more.
fn document_side(base: &Document, side: u64) -> Result<Document> {
    let (mut document, writer) = (base.clone(), replica(side));
    document.set(&(path(70 + side) + "/text"), "edited", writer, NOW)?;
    document.set(&path(MESSAGES + side), message(MESSAGES + side), writer, NOW)?;
    Ok(document)
}

fn document_merge() -> Done {
    let base = document()?;
    let (mut ours, theirs) = (document_side(&base, 0)?, document_side(&base, 1)?);
    assert!(measured(|| ours.merge(black_box(&theirs))));
    assert_eq!(ours.at("/mapping").map(|it| it.len()), Some(202));
    Ok(1)
}

fn document_to_string() -> Done {
    let document = document()?;
    assert_eq!(measured(|| document.to_string()), conversation().to_string());
    Ok(1)
}

fn document_to_bytes() -> Done {
    let document = document()?;
    let bytes = measured(|| wire::to_bytes(black_box(&document)));
    assert_eq!(wire::from_bytes::<Document>(&bytes)?, document);
    Ok(1)
}

fn document_from_bytes() -> Done {
    let document = document()?;
    let bytes = wire::to_bytes(&document);
    assert_eq!(measured(|| wire::from_bytes::<Document>(black_box(&bytes)))?, document);
    Ok(1)
}

fn operations() -> impl Iterator<Item = (&'static str, Operation)> {
    OPERATIONS.into_iter().chain(rows::OPERATIONS)
}

fn main() -> Result<()> {
    let Some(wanted) = std::env::args().nth(1) else {
        for (name, _) in operations() {
            println!("{name}");
        }
        return Ok(());
    };
    let found = operations().find(|(name, _)| *name == wanted);
    let (_, operation) = found.ok_or(format!("no operation is called {wanted}"))?;
    println!("{}", operation()?);
    Ok(())
}
