//! The kernel beside the Orswot of the `crdts` crate, in one run: `cargo bench --bench merge`.
//!
//! 100,000 random `u64`, shared by two replicas; then 500 adds and 500 removes on each side. The
//! answers are compared before anything is timed. Both sides start each merge from a fresh clone,
//! made outside the timing.

use crdts::{CmRDT, CvRDT, Orswot};
use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use rejoin::{DeltaState, Merge, OrSet, ReplicaId};
use std::{collections::BTreeSet, error::Error, hint::black_box};

const SHARED: u64 = 100_000;
const TOUCHED: u64 = 500;
const SIZES: [u64; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// Elements that look random and are all different: `SplitMix64` of their number.
fn element(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

fn replica(name: &str) -> ReplicaId {
    ReplicaId::hashed(name)
}

/// What each side adds and removes beside the shared elements.
fn edits(side: u64) -> (impl Iterator<Item = u64>, impl Iterator<Item = u64>) {
    let adds = (0..TOUCHED).map(move |i| element(SHARED * (side + 2) + i));
    let removes = (0..TOUCHED).map(move |i| element(i * (SHARED / TOUCHED) + side * 7));
    (adds, removes)
}

fn our_set(size: u64) -> Result<OrSet<u64>, Box<dyn Error>> {
    let mut set = OrSet::new();
    set.add_all((0..size).map(element), replica("origin"))?;
    Ok(set)
}

fn our_side(shared: &OrSet<u64>, side: u64) -> Result<OrSet<u64>, Box<dyn Error>> {
    let (mut set, writer) = (shared.clone(), replica(&format!("side {side}")));
    let (adds, removes) = edits(side);
    set.add_all(adds, writer)?;
    for element in removes {
        set.remove(&element, writer)?;
    }
    Ok(set)
}

fn their_set(size: u64) -> Orswot<u64, u8> {
    let mut set = Orswot::new();
    for number in 0..size {
        let add = set.add(element(number), set.read_ctx().derive_add_ctx(0));
        set.apply(add);
    }
    set
}

fn their_side(shared: &Orswot<u64, u8>, side: u8) -> Orswot<u64, u8> {
    let mut set = shared.clone();
    let (adds, removes) = edits(u64::from(side));
    for element in adds {
        let add = set.add(element, set.read_ctx().derive_add_ctx(side + 1));
        set.apply(add);
    }
    for element in removes {
        let remove = set.rm(element, set.contains(&element).derive_rm_ctx());
        set.apply(remove);
    }
    set
}

fn full_state(c: &mut Criterion) -> Result<(), Box<dyn Error>> {
    let shared = our_set(SHARED)?;
    let (ours, theirs) = (our_side(&shared, 0)?, our_side(&shared, 1)?);
    let mut merged = ours.clone();
    merged.merge(&theirs);

    let crdts_shared = their_set(SHARED);
    let (crdts_ours, crdts_theirs) = (their_side(&crdts_shared, 0), their_side(&crdts_shared, 1));
    let mut crdts_merged = crdts_ours.clone();
    crdts_merged.merge(crdts_theirs.clone());
    let answer: BTreeSet<u64> = merged.iter().copied().collect();
    assert_eq!(answer, crdts_merged.read().val.into_iter().collect(), "the answers agree");
    assert_eq!(answer.len() as u64, SHARED, "500 adds and 500 removes on each side");

    let mut group = c.benchmark_group("set of 100,000, 500 adds and 500 removes on each side");
    group.bench_function("rejoin", |b| {
        b.iter_batched_ref(
            || ours.clone(),
            |set| set.merge(black_box(&theirs)),
            BatchSize::LargeInput,
        );
    });
    group.sample_size(10);
    group.bench_function("crdts", |b| {
        b.iter_batched_ref(
            || (crdts_ours.clone(), Some(crdts_theirs.clone())),
            |(set, other)| other.take().map(|other| set.merge(other)),
            BatchSize::LargeInput,
        );
    });
    group.finish();

    let mut group = c.benchmark_group("set of 100,000, a merge that changes nothing");
    let mut set = merged.clone();
    assert!(!set.merge(&merged));
    group.bench_function("rejoin", |b| b.iter(|| set.merge(black_box(&merged))));
    // The other state equal in content, but not a clone: nothing may be shared.
    let rebuilt = {
        let mut set = theirs.clone();
        set.merge(&ours);
        set
    };
    assert_eq!(rebuilt, merged);
    group.bench_function("rejoin, merged in the other order", |b| {
        b.iter(|| set.merge(black_box(&rebuilt)));
    });
    group.sample_size(10);
    group.bench_function("crdts", |b| {
        b.iter_batched_ref(
            || (crdts_merged.clone(), Some(crdts_merged.clone())),
            |(set, other)| other.take().map(|other| set.merge(other)),
            BatchSize::LargeInput,
        );
    });
    group.finish();
    Ok(())
}

fn one_element_delta(c: &mut Criterion) -> Result<(), Box<dyn Error>> {
    let mut group =
        c.benchmark_group("1,000 one-element adds and their removes, as deltas into a set");
    for size in SIZES {
        let mut set = our_set(size)?;
        let mut author = set.clone();
        // An add and the remove of the same element: the set does not grow while it is timed.
        let mut deltas = Vec::new();
        for i in 0..1_000 {
            let number = size + i;
            let add = author.add(element(number), replica("peer"))?;
            let remove = author.remove(&element(number), replica("peer"))?;
            deltas.push((add, remove));
        }
        assert!(set.apply(deltas[0].0.clone()) && set.contains(&element(size)));
        assert!(set.apply(deltas[0].1.clone()) && !set.contains(&element(size)));
        group.bench_with_input(BenchmarkId::new("add, then remove", size), &size, |b, _| {
            b.iter_batched_ref(
                || (set.clone(), deltas.clone()),
                |(set, deltas)| {
                    for (add, remove) in deltas.drain(..) {
                        set.apply(add);
                        set.apply(remove);
                    }
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
    Ok(())
}

fn benches(c: &mut Criterion) {
    if let Err(error) = full_state(c).and_then(|()| one_element_delta(c)) {
        eprintln!("merge: {error}");
        std::process::exit(1);
    }
}

criterion_group!(merge, benches);
criterion_main!(merge);
