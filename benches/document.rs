//! Documents of 20, 200 and 2,000 messages: `cargo bench --bench document`.
//!
//! Each message has an id, an author, a time and 200 characters, every field mergeable on its own,
//! in a mapping by id. What is timed is checked first; inputs vary from one round to the next.

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use rejoin::{DeltaState, Document, Merge, ReplicaId, Timestamp, document::DocumentError};
use serde_json::{Value, json};
use std::hint::black_box;

const SIZES: [usize; 3] = [20, 200, 2_000];
const NOW: Timestamp = Timestamp::from_millis(1_717_236_600_000);

fn id(number: usize) -> String {
    format!("m{number:08}")
}

fn message(number: usize) -> Value {
    let words = ["flight", "hotel", "refund", "seat", "fare", "booking", "Lisbon", "Tuesday"];
    let mut text = String::new();
    while text.len() < 200 {
        text.push_str(words[(number + text.len() * 7) % words.len()]);
        text.push(' ');
    }
    text.truncate(200);
    json!({"id": id(number), "author": "user", "time": 1_717_236_600 + number, "text": text})
}

fn conversation(messages: usize) -> Value {
    let mapping = (0..messages).map(|number| (id(number), message(number)));
    json!({"title": "Booking", "mapping": Value::Object(mapping.collect())})
}

fn documents(c: &mut Criterion) -> Result<(), DocumentError> {
    let (us, eu) = (ReplicaId::from_u128(1), ReplicaId::from_u128(2));
    for size in SIZES {
        let json = conversation(size);
        let base = Document::from_json(&json, us, NOW)?;
        assert_eq!(base.to_json(), json);
        assert_eq!(base.to_string(), json.to_string());
        let text = format!("/mapping/{}/text", id(size / 2));
        let mut peer = base.clone();
        let mut delta = peer.set(&text, "edited", eu, NOW)?;
        delta.merge(&peer.set(&format!("/mapping/{}", id(size)), message(size), eu, NOW)?);
        let mut ours = base.clone();
        ours.set(&text, "edited here", us, NOW)?;
        ours.set(&format!("/mapping/{}", id(size + 1)), message(size + 1), us, NOW)?;
        let mut merged = ours.clone();
        assert!(merged.apply(&delta) && !merged.merge(&peer), "the delta is the state");
        assert_eq!(merged.conflicts().len(), 1);

        let mut group = c.benchmark_group("document");
        let name = |work: &str| BenchmarkId::new(work, size);
        group.bench_function(name("build from JSON"), |b| {
            b.iter(|| Document::from_json(black_box(&json), us, NOW));
        });
        let mut document = base.clone();
        let mut round = 0_u64;
        group.bench_function(name("set one field, with its delta"), |b| {
            b.iter(|| {
                round += 1;
                document.set(&text, round, us, NOW)
            });
        });
        group.bench_function(name("append one message, with its delta"), |b| {
            let path = format!("/mapping/{}", id(size));
            let message = message(size);
            b.iter_batched_ref(
                || base.clone(),
                |document| document.set(&path, &message, us, NOW),
                BatchSize::LargeInput,
            );
        });
        group.bench_function(name("apply a peer's edit and message"), |b| {
            b.iter_batched_ref(
                || (ours.clone(), Some(delta.clone())),
                |(document, delta)| delta.take().map(|delta| document.apply_owned(delta)),
                BatchSize::LargeInput,
            );
        });
        group.bench_function(name("merge states that differ by an edit and a message each"), |b| {
            b.iter_batched_ref(
                || ours.clone(),
                |document| document.merge(black_box(&peer)),
                BatchSize::LargeInput,
            );
        });
        group.bench_function(name("to JSON text"), |b| {
            b.iter(|| black_box(&base).to_string());
        });
        group.finish();
    }
    Ok(())
}

fn benches(c: &mut Criterion) {
    if let Err(error) = documents(c) {
        eprintln!("document: {error}");
        std::process::exit(1);
    }
}

criterion_group!(document, benches);
criterion_main!(document);
