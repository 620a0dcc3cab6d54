//! What a request pays: a row is read from bytes, one thing is done, and the row is written. What
//! is dropped on the way is counted too.

use super::{
    Done, ELEMENTS, NOW, Operation, Result, conversation_of, element, id, measured, message,
};
use rejoin::{
    DeltaState, Document, GMap, Merge, OrSet, PnCounter, ReplicaId,
    wire::{self, Wire},
};
use serde_json::json;
use std::hint::black_box;

pub(crate) const OPERATIONS: [(&str, Operation); 17] = [
    ("row_counter_3_add", || counter_add(3)),
    ("row_counter_3_merge", || counter_merge(3)),
    ("row_counter_16_add", || counter_add(16)),
    ("row_counter_16_merge", || counter_merge(16)),
    ("row_counters_10000_read", counters_read),
    ("row_counters_10000_merge", counters_merge),
    ("row_set_100000_apply", set_apply),
    ("row_document_20_read", || document_read(20)),
    ("row_document_20_set", || document_set(20)),
    ("row_document_20_append", || document_append(20)),
    ("row_document_20_apply", || document_apply(20)),
    ("row_document_20_merge", || document_merge(20)),
    ("row_document_200_read", || document_read(200)),
    ("row_document_200_set", || document_set(200)),
    ("row_document_200_append", || document_append(200)),
    ("row_document_200_apply", || document_apply(200)),
    ("row_document_200_merge", || document_merge(200)),
];

/// Names as services have them: two in three are seven to nine bytes long.
fn region(number: u64) -> Result<ReplicaId> {
    Ok(format!("{}-west-{number}", ["us", "eu", "asia"][usize::try_from(number % 3)?]).parse()?)
}

fn counter(replicas: u64, side: u64) -> Result<PnCounter> {
    let mut counter = PnCounter::new();
    for number in 0..replicas {
        let more = 1_000 * ((number + side) % 2);
        counter.increment(5_000 + number + more, region(number)?)?;
        counter.decrement(40 + number, region(number)?)?;
    }
    Ok(counter)
}

fn counter_add(replicas: u64) -> Done {
    let (mut expected, us) = (counter(replicas, 0)?, region(0)?);
    let row = wire::to_bytes(&expected);
    let request = |row: &[u8]| -> Result<Vec<u8>> {
        let mut counter: PnCounter = wire::from_bytes(row)?;
        counter.increment(1, us)?;
        Ok(wire::to_bytes(&counter))
    };
    let written = measured(|| request(black_box(&row)))?;
    expected.increment(1, us)?;
    assert_eq!(written, wire::to_bytes(&expected));
    Ok(1)
}

/// Two rows read, and the merge of both written.
fn merged<T: Wire + Merge>(ours: &[u8], theirs: &[u8]) -> Result<Vec<u8>> {
    let mut state: T = wire::from_bytes(ours)?;
    wire::merge_bytes(&mut state, theirs)?;
    Ok(wire::to_bytes(&state))
}

/// A row read, a delta applied, and the row written.
fn applied<T: Wire + DeltaState<Delta: Wire>>(row: &[u8], delta: &[u8]) -> Result<Vec<u8>> {
    let mut state: T = wire::from_bytes(row)?;
    wire::apply_bytes(&mut state, delta)?;
    Ok(wire::to_bytes(&state))
}

fn counter_merge(replicas: u64) -> Done {
    let (mut ours, theirs) = (counter(replicas, 0)?, counter(replicas, 1)?);
    let rows = [&ours, &theirs].map(wire::to_bytes);
    let written = measured(|| merged::<PnCounter>(black_box(&rows[0]), &rows[1]))?;
    assert!(ours.merge(&theirs));
    assert_eq!(written, wire::to_bytes(&ours));
    Ok(1)
}

type Counters = GMap<String, PnCounter>;

fn counters(side: u64) -> Result<Counters> {
    let mut counters = Counters::new();
    for number in 0..10_000 {
        counters.apply(&[(format!("seats:{number:05}"), counter(3, side)?)].into_iter().collect());
    }
    Ok(counters)
}

fn counters_read() -> Done {
    let counters = counters(0)?;
    let row = wire::to_bytes(&counters);
    assert_eq!(measured(|| wire::from_bytes::<Counters>(black_box(&row)))?, counters);
    Ok(1)
}

fn counters_merge() -> Done {
    let (mut ours, theirs) = (counters(0)?, counters(1)?);
    assert!(measured(|| ours.merge(black_box(&theirs))));
    assert!(!ours.merge(&theirs));
    Ok(1)
}

fn set_apply() -> Done {
    let us = region(0)?;
    let mut set = OrSet::new();
    set.extend((0..ELEMENTS).map(element), us)?;
    let row = wire::to_bytes(&set);
    let delta = wire::to_bytes(&set.insert(element(ELEMENTS), us)?);
    let written = measured(|| applied::<OrSet<u64>>(black_box(&row), &delta))?;
    assert_eq!(written, wire::to_bytes(&set));
    Ok(1)
}

/// A document with this number of messages, and its row.
fn document(messages: u64) -> Result<(Document, Vec<u8>)> {
    let document = Document::from_json(&conversation_of(messages), region(0)?, NOW)?;
    let row = wire::to_bytes(&document);
    Ok((document, row))
}

fn text_of(number: u64) -> String {
    format!("/mapping/{}/text", id(number))
}

fn document_read(messages: u64) -> Done {
    let (document, row) = document(messages)?;
    let field = text_of(messages / 2);
    let request =
        |row: &[u8]| -> Result<Option<_>> { Ok(wire::from_bytes::<Document>(row)?.get(&field)) };
    let read = measured(|| request(black_box(&row)))?;
    assert!(read.is_some() && read == document.get(&field));
    Ok(1)
}

/// The document set one value in, between reading and writing its row.
fn document_write(messages: u64, path: &str, value: &serde_json::Value) -> Done {
    let ((mut document, row), us) = (document(messages)?, region(0)?);
    let request = |row: &[u8]| -> Result<Vec<u8>> {
        let mut document: Document = wire::from_bytes(row)?;
        document.set(path, value, us, NOW)?;
        Ok(wire::to_bytes(&document))
    };
    let written = measured(|| request(black_box(&row)))?;
    document.set(path, value, us, NOW)?;
    assert_eq!(written, wire::to_bytes(&document));
    Ok(1)
}

fn document_set(messages: u64) -> Done {
    document_write(messages, &text_of(messages / 2), &json!("edited"))
}

fn document_append(messages: u64) -> Done {
    document_write(messages, &format!("/mapping/{}", id(messages)), &message(messages))
}

fn document_apply(messages: u64) -> Done {
    let (mut document, row) = document(messages)?;
    let delta = document.set(&text_of(messages / 2), "edited", region(1)?, NOW)?;
    let delta = wire::to_bytes(&delta);
    let written = measured(|| applied::<Document>(black_box(&row), &delta))?;
    assert_eq!(written, wire::to_bytes(&document));
    Ok(1)
}

fn document_merge(messages: u64) -> Done {
    let (mut ours, _) = document(messages)?;
    let mut theirs = ours.clone();
    ours.set(&text_of(1), "ours", region(0)?, NOW)?;
    theirs.set(&text_of(2), "theirs", region(1)?, NOW)?;
    let rows = [&ours, &theirs].map(wire::to_bytes);
    let written = measured(|| merged::<Document>(black_box(&rows[0]), &rows[1]))?;
    assert!(ours.merge(&theirs));
    assert_eq!(written, wire::to_bytes(&ours));
    Ok(1)
}
