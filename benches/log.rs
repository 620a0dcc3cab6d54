//! A log of 5,000 edits of one conversation: `cargo bench --bench log`.
//!
//! The conversation begins with 200 messages. Of four edits, two change the text of some message,
//! one counts, and one adds a message of four fields.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use rejoin::{
    DeltaState, Document, Merge, ReplicaId, Timestamp,
    document::{DocumentDelta, DocumentError},
    sync::Log,
    wire,
};
use serde_json::{Value, json};
use std::hint::black_box;

const EDITS: u64 = 5_000;

fn message(number: u64) -> Value {
    let text = format!("{number:08} the flight to Lisbon, the hotel and the refund. ").repeat(4);
    json!({"id": number, "author": "user", "time": 1_717_236_600 + number, "text": text[..200]})
}

fn edit(
    document: &mut Document,
    number: u64,
    us: ReplicaId,
) -> Result<DocumentDelta, DocumentError> {
    let now = Timestamp::from_millis(1_717_236_600_000 + number);
    let some = number.wrapping_mul(0x9e37_79b9) % 200;
    match number % 4 {
        0 => document.set(&format!("/mapping/m{}", 200 + number), message(number), us, now),
        1 => document.increment("/unread", 1, us, now),
        _ => document.set(&format!("/mapping/m{some}/text"), format!("edited {number}"), us, now),
    }
}

fn logs(c: &mut Criterion) -> Result<(), DocumentError> {
    let us = ReplicaId::from_u128(1);
    let mapping = (0..200).map(|number| (format!("m{number}"), message(number)));
    let json =
        json!({"title": "Booking", "unread": 0, "mapping": Value::Object(mapping.collect())});
    let base = Document::from_json(&json, us, Timestamp::from_millis(1_717_236_600_000))?;
    let mut document = base.clone();
    let deltas = (0..EDITS).map(|number| edit(&mut document, number, us));
    let deltas: Vec<DocumentDelta> = deltas.collect::<Result<_, _>>()?;
    let mut log = Log::starting_at(0, base.clone());
    for (position, delta) in (1..).zip(&deltas) {
        assert!(log.append(position, delta.clone()).is_ok());
    }
    assert_eq!(log.state(), document);
    let bytes: usize = deltas.iter().map(|delta| wire::to_bytes(delta).len()).sum();
    println!(
        "deltas {bytes} bytes, the log {}, the state {}",
        wire::to_bytes(&log).len(),
        wire::to_bytes(&document).len()
    );

    let mut group = c.benchmark_group("log of 5,000 edits");
    group.throughput(Throughput::Elements(EDITS));
    group.bench_function("append", |b| {
        b.iter_batched(
            || (Log::starting_at(0, base.clone()), deltas.clone()),
            |(mut log, deltas)| {
                for (position, delta) in (1..).zip(deltas) {
                    _ = log.append(position, delta);
                }
                log
            },
            BatchSize::LargeInput,
        );
    });
    group.bench_function("replay, one by one", |b| {
        b.iter_batched(
            || base.clone(),
            |mut state| {
                log.iter().for_each(|(_, delta)| _ = state.apply(delta));
                state
            },
            BatchSize::LargeInput,
        );
    });
    group
        .bench_function("replay, by joins", |b| b.iter_with_large_drop(|| black_box(&log).state()));
    group.finish();

    let mut group = c.benchmark_group("log of 5,000 edits");
    group.bench_function("state at 2,499", |b| {
        b.iter_with_large_drop(|| black_box(&log).state_at(2_499));
    });
    group
        .bench_function("since 4,900", |b| b.iter_with_large_drop(|| black_box(&log).since(4_900)));
    group.bench_function("the last 100, one by one", |b| {
        b.iter_with_large_drop(|| {
            let mut joined = DocumentDelta::default();
            deltas.iter().skip(4_900).for_each(|delta| _ = joined.merge(delta));
            joined
        });
    });
    group.finish();
    Ok(())
}

fn all(c: &mut Criterion) {
    let ran = logs(c);
    assert!(ran.is_ok(), "{ran:?}");
}

criterion_group!(benches, all);
criterion_main!(benches);
