//! The canonical bytes beside bincode of the `crdts` crate's Orswot, and beside copying the payload:
//! `cargo bench --bench wire`. A set of 100,000 random `u64` by one replica, and a conversation.

use crdts::{CmRDT, Orswot};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use rejoin::{
    DeltaState, Document, OrSet, ReplicaId, SetDelta, Timestamp, Version, document::Value, wire,
};
use std::{collections::BTreeSet, error::Error, hint::black_box};

const ELEMENTS: u64 = 100_000;

/// Elements that look random and are all different: `SplitMix64` of their number.
fn element(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

fn sets(c: &mut Criterion) -> Result<(), Box<dyn Error>> {
    let us = ReplicaId::from_u128(1);
    let elements: Vec<u64> = (0..ELEMENTS).map(element).collect();
    let mut set = OrSet::new();
    set.extend(elements.iter().copied(), us)?;
    let bytes = wire::to_bytes(&set);
    assert_eq!(wire::from_bytes::<OrSet<u64>>(&bytes)?, set);

    let mut orswot = Orswot::<u64, u8>::new();
    for element in &elements {
        let add = orswot.add(*element, orswot.read_ctx().derive_add_ctx(0));
        orswot.apply(add);
    }
    let config = bincode::config::standard();
    let theirs = bincode::serde::encode_to_vec(&orswot, config)?;
    let (read, _): (Orswot<u64, u8>, _) = bincode::serde::decode_from_slice(&theirs, config)?;
    let answer: BTreeSet<u64> = set.iter().copied().collect();
    assert_eq!(answer, read.read().val.into_iter().collect(), "the answers agree");

    let mut group = c.benchmark_group("set of 100,000, to bytes");
    group.bench_function("copying the payload", |b| b.iter(|| black_box(&elements).clone()));
    group.bench_function("rejoin", |b| b.iter(|| wire::to_bytes(black_box(&set))));
    group.sample_size(10);
    group.bench_function("crdts, bincode", |b| {
        b.iter(|| bincode::serde::encode_to_vec(black_box(&orswot), config));
    });
    group.finish();

    let mut group = c.benchmark_group("set of 100,000, from bytes");
    group.bench_function("inserting in a HashSet", |b| {
        b.iter_with_large_drop(|| {
            black_box(&elements).iter().copied().collect::<std::collections::HashSet<u64>>()
        });
    });
    group.bench_function("rejoin", |b| {
        b.iter_with_large_drop(|| wire::from_bytes::<OrSet<u64>>(black_box(&bytes)));
    });
    let delta = wire::to_bytes(&set.delta_since(&Version::default()));
    group.bench_function("rejoin, as a delta, without an index", |b| {
        b.iter_with_large_drop(|| wire::from_bytes::<SetDelta<u64>>(black_box(&delta)));
    });
    group.sample_size(10);
    group.bench_function("crdts, bincode", |b| {
        b.iter_with_large_drop(|| {
            bincode::serde::decode_from_slice::<Orswot<u64, u8>, _>(black_box(&theirs), config)
        });
    });
    group.finish();

    let add = wire::to_bytes(&set.clone().insert(7, us)?);
    let mut group = c.benchmark_group("set of 100,000, one add from bytes");
    group.bench_function("rejoin", |b| {
        b.iter_batched_ref(
            || set.clone(),
            |set| wire::apply_bytes(set, black_box(&add)),
            BatchSize::LargeInput,
        );
    });
    group.finish();
    Ok(())
}

fn documents(c: &mut Criterion) -> Result<(), Box<dyn Error>> {
    let message = |id: u64| {
        let text = format!("{id:08} the flight to Lisbon, the hotel and the refund. ").repeat(4);
        let fields = [("author", "user".into()), ("text", Value::from(&text[..200]))];
        (format!("m{id:08}"), Value::from_iter(fields))
    };
    let content = Value::from_iter([("mapping", (0..2_000).map(message).collect::<Value>())]);
    let now = Timestamp::from_millis(1_717_236_600_000);
    let document = Document::from_value(content, ReplicaId::from_u128(1), now)?;
    let bytes = wire::to_bytes(&document);
    assert_eq!(wire::from_bytes::<Document>(&bytes)?, document);
    let text = document.to_string();
    let mut group = c.benchmark_group("conversation of 2,000 messages");
    group.bench_function("to bytes", |b| b.iter(|| wire::to_bytes(black_box(&document))));
    group.bench_function("from bytes", |b| {
        b.iter_with_large_drop(|| wire::from_bytes::<Document>(black_box(&bytes)));
    });
    group.bench_function("its JSON text, read by serde_json", |b| {
        b.iter_with_large_drop(|| serde_json::from_str::<serde_json::Value>(black_box(&text)));
    });
    group.finish();
    Ok(())
}

fn all(c: &mut Criterion) {
    let ran = sets(c).and_then(|()| documents(c));
    assert!(ran.is_ok(), "{ran:?}");
}

criterion_group!(benches, all);
criterion_main!(benches);
