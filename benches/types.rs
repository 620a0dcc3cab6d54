//! What each type of this crate takes for each kind of work, in three sizes:
//! `cargo bench --bench types`. What is timed is checked first.

use criterion::{
    BatchSize, BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime,
};
use rejoin::{
    CausalMap, CausalMapDelta, DeltaState, Document, EnableFlag, FlagDelta, GCounter, LwwRegister,
    MapDelta, Merge, MvRegister, OrMap, OrSet, PnCounter, RegisterDelta, ReplicaId, SetDelta,
    Timestamp, VectorClock, WriteError,
    causal::DotKernel,
    document::{DocumentDelta, Value},
    wire::{self, Wire},
};
use std::{error::Error, fmt::Debug, hint::black_box, time::Duration};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const US: ReplicaId = ReplicaId::from_u128(1);
const EU: ReplicaId = ReplicaId::from_u128(2);
const NOW: Timestamp = Timestamp::from_millis(1_717_236_600_000);

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

/// A type to be timed: how a state of a size comes about, what a write is, and what a read.
trait Timed: Merge + Wire + Clone + PartialEq + Debug {
    const NAME: &str;
    /// What the size counts, and three of them.
    const SIZES: (&str, [u64; 3]);
    /// What a write returns.
    type Delta;

    fn of_size(size: u64) -> Outcome<Self>;

    /// One write by a replica. Rounds differ from each other, and the state grows by no more than
    /// the replica.
    fn write(&mut self, round: u64, replica: ReplicaId) -> Outcome<Self::Delta>;

    /// The value, or of many one: a number that tells what was read.
    fn read(&self) -> u64;
}

/// Truncated: to tell what was read, not to count.
#[allow(clippy::cast_possible_truncation)]
const fn low(number: u128) -> u64 {
    number as u64
}

const REPLICAS: (&str, [u64; 3]) = ("replicas", [1, 32, 1_024]);
const WRITERS: (&str, [u64; 3]) = ("concurrent writers", [1, 8, 64]);
const ELEMENTS: (&str, [u64; 3]) = ("elements", [100, 10_000, 100_000]);

impl Timed for VectorClock {
    const NAME: &str = "VectorClock";
    const SIZES: (&str, [u64; 3]) = REPLICAS;
    type Delta = Self;

    fn of_size(size: u64) -> Outcome<Self> {
        Ok((0..size).map(|number| (replica(number), 100)).collect())
    }

    fn write(&mut self, _: u64, replica: ReplicaId) -> Outcome<Self::Delta> {
        Ok(self.increment(replica)?)
    }

    fn read(&self) -> u64 {
        self.get(black_box(replica(0)))
    }
}

impl Timed for GCounter {
    const NAME: &str = "GCounter";
    const SIZES: (&str, [u64; 3]) = REPLICAS;
    type Delta = Self;

    fn of_size(size: u64) -> Outcome<Self> {
        Ok((0..size).map(|number| (replica(number), 100)).collect())
    }

    fn write(&mut self, _: u64, replica: ReplicaId) -> Outcome<Self::Delta> {
        Ok(self.increment(7, replica)?)
    }

    fn read(&self) -> u64 {
        low(self.value())
    }
}

impl Timed for PnCounter {
    const NAME: &str = "PnCounter";
    const SIZES: (&str, [u64; 3]) = REPLICAS;
    type Delta = Self;

    fn of_size(size: u64) -> Outcome<Self> {
        let mut counter = Self::new();
        for number in 0..size {
            counter.increment(100, replica(number))?;
            counter.decrement(10, replica(number))?;
        }
        Ok(counter)
    }

    fn write(&mut self, round: u64, replica: ReplicaId) -> Outcome<Self::Delta> {
        let write = if round % 2 == 0 { Self::increment } else { Self::decrement };
        Ok(write(self, 7, replica)?)
    }

    fn read(&self) -> u64 {
        low(self.value().unsigned_abs())
    }
}

impl Timed for LwwRegister<String> {
    const NAME: &str = "LwwRegister";
    const SIZES: (&str, [u64; 3]) = ("bytes", [10, 1_000, 100_000]);
    type Delta = Self;

    fn of_size(size: u64) -> Outcome<Self> {
        Ok(Self::new().set("x".repeat(usize::try_from(size)?), US, NOW)?)
    }

    /// A text as long as the one before.
    fn write(&mut self, round: u64, replica: ReplicaId) -> Outcome<Self::Delta> {
        let mut text = self.get().cloned().unwrap_or_default();
        text.replace_range(..1, &(round % 10).to_string());
        Ok(self.set(text, replica, NOW)?)
    }

    fn read(&self) -> u64 {
        self.get().map_or(0, |text| text.len() as u64)
    }
}

impl Timed for MvRegister<u64> {
    const NAME: &str = "MvRegister";
    const SIZES: (&str, [u64; 3]) = WRITERS;
    type Delta = RegisterDelta<u64>;

    fn of_size(size: u64) -> Outcome<Self> {
        concurrent(size, |number, replica| Self::new().set(element(number), replica))
    }

    fn write(&mut self, round: u64, replica: ReplicaId) -> Outcome<Self::Delta> {
        Ok(self.set(round, replica)?)
    }

    fn read(&self) -> u64 {
        self.values().fold(0, |sum, value| sum ^ value)
    }
}

impl Timed for EnableFlag {
    const NAME: &str = "EnableFlag";
    const SIZES: (&str, [u64; 3]) = WRITERS;
    type Delta = FlagDelta;

    fn of_size(size: u64) -> Outcome<Self> {
        concurrent(size, |_, replica| Self::new().enable(replica))
    }

    fn write(&mut self, round: u64, replica: ReplicaId) -> Outcome<Self::Delta> {
        Ok(if round % 2 == 0 { self.enable(replica) } else { self.disable(replica) }?)
    }

    fn read(&self) -> u64 {
        self.is_enabled().into()
    }
}

/// What so many replicas wrote that had not seen each other.
fn concurrent<T: DeltaState + Default>(
    writers: u64,
    write: impl Fn(u64, ReplicaId) -> Result<T::Delta, WriteError>,
) -> Outcome<T> {
    let mut state = T::default();
    for number in 0..writers {
        state.apply_owned(write(number, replica(number))?);
    }
    Ok(state)
}

impl Timed for DotKernel<u64> {
    const NAME: &str = "DotKernel";
    const SIZES: (&str, [u64; 3]) = ELEMENTS;
    type Delta = Self;

    fn of_size(size: u64) -> Outcome<Self> {
        let mut kernel = Self::new();
        for number in 0..size {
            DotKernel::write(&mut kernel, element(number), &[], US)?;
        }
        Ok(kernel)
    }

    /// Over the first that is there.
    fn write(&mut self, round: u64, replica: ReplicaId) -> Outcome<Self::Delta> {
        let first = self.iter().next().map(|(dot, _)| dot);
        Ok(DotKernel::write(self, round, first.as_slice(), replica)?)
    }

    fn read(&self) -> u64 {
        self.payloads().fold(0, |sum, payload| sum ^ payload)
    }
}

impl Timed for OrSet<u64> {
    const NAME: &str = "OrSet";
    const SIZES: (&str, [u64; 3]) = ELEMENTS;
    type Delta = SetDelta<u64>;

    fn of_size(size: u64) -> Outcome<Self> {
        let mut set = Self::new();
        set.extend((0..size).map(element), US)?;
        Ok(set)
    }

    /// Of an element that is there: the add takes the place of the one before.
    fn write(&mut self, round: u64, replica: ReplicaId) -> Outcome<Self::Delta> {
        Ok(self.insert(element(round % 100), replica)?)
    }

    fn read(&self) -> u64 {
        self.contains(black_box(&element(50))).into()
    }
}

impl Timed for OrMap<u64, u64> {
    const NAME: &str = "OrMap";
    const SIZES: (&str, [u64; 3]) = ELEMENTS;
    type Delta = MapDelta<u64, u64>;

    fn of_size(size: u64) -> Outcome<Self> {
        let mut map = Self::new();
        for number in 0..size {
            map.insert(element(number), number, US, NOW)?;
        }
        Ok(map)
    }

    fn write(&mut self, round: u64, replica: ReplicaId) -> Outcome<Self::Delta> {
        Ok(self.insert(element(round % 100), round, replica, NOW)?)
    }

    fn read(&self) -> u64 {
        self.get(black_box(&element(50))).copied().unwrap_or_default()
    }
}

/// Counters, each counted on by one replica.
impl Timed for CausalMap<u64, PnCounter> {
    const NAME: &str = "CausalMap of counters";
    const SIZES: (&str, [u64; 3]) = ("keys", [100, 10_000, 100_000]);
    type Delta = CausalMapDelta<u64, PnCounter>;

    fn of_size(size: u64) -> Outcome<Self> {
        let mut map = Self::new();
        for number in 0..size {
            map.entry(element(number)).increment(number, US)?;
        }
        Ok(map)
    }

    fn write(&mut self, round: u64, replica: ReplicaId) -> Outcome<Self::Delta> {
        Ok(self.entry(element(round % 100)).increment(1, replica)?)
    }

    fn read(&self) -> u64 {
        self.get(black_box(&element(50))).map_or(0, |count| low(count.value().unsigned_abs()))
    }
}

impl Timed for Document {
    const NAME: &str = "Document";
    const SIZES: (&str, [u64; 3]) = ("messages", [20, 200, 2_000]);
    type Delta = DocumentDelta;

    fn of_size(size: u64) -> Outcome<Self> {
        let message = |number: u64| {
            let text = format!("{number:08} the flight, the hotel and the refund. ").repeat(4);
            let fields: [(_, Value); 3] =
                [("author", "user".into()), ("text", text.into()), ("time", number.into())];
            (format!("m{number:08}"), Value::from_iter(fields))
        };
        let mapping = (0..size).map(message).collect::<Value>();
        Ok(Self::from_value(Value::from_iter([("mapping", mapping)]), US, NOW)?)
    }

    fn write(&mut self, round: u64, replica: ReplicaId) -> Outcome<Self::Delta> {
        let path = format!("/mapping/m{:08}/time", round % 20);
        Ok(self.set(&path, round, replica, NOW)?)
    }

    fn read(&self) -> u64 {
        match self.get(black_box("/mapping/m00000010/time")) {
            Some(Value::Number(time)) => time.as_u64().unwrap_or_default(),
            _ => 0,
        }
    }
}

/// A clone with ten writes more.
fn side<T: Timed>(base: &T, replica: ReplicaId) -> Outcome<T> {
    let mut side = base.clone();
    for round in 1..=10 {
        side.write(round, replica)?;
    }
    assert_ne!(side, *base);
    Ok(side)
}

type Group<'a> = BenchmarkGroup<'a, WallTime>;

fn merge<T: Timed>(group: &mut Group<'_>, base: &T) -> Outcome {
    let (ours, theirs) = (side(base, US)?, side(base, EU)?);
    let (mut merged, mut other_way) = (ours.clone(), theirs.clone());
    assert!(merged.merge(&theirs));
    other_way.merge(&ours);
    assert_eq!(merged, other_way, "whichever way");
    group.bench_function("merge, ten writes on each side", |b| {
        let merge = |state: &mut T| state.merge(black_box(&theirs));
        b.iter_batched_ref(|| ours.clone(), merge, BatchSize::LargeInput);
    });
    // Not a clone, which would share what is equal.
    let equal: T = wire::from_bytes(&wire::to_bytes(&merged))?;
    assert!(!merged.merge(&equal));
    group.bench_function("merge, nothing new", |b| b.iter(|| merged.merge(black_box(&equal))));
    Ok(())
}

fn write<T: Timed>(group: &mut Group<'_>, base: &T) -> Outcome {
    let mut state = side(base, EU)?;
    let mut round = 0;
    group.bench_function("write, with its delta", |b| {
        b.iter(|| {
            round += 1;
            state.write(round, EU)
        });
    });
    Ok(())
}

fn read<T: Timed>(group: &mut Group<'_>, base: &T) {
    group.bench_function("read", |b| b.iter(|| black_box(base).read()));
}

fn bytes<T: Timed>(group: &mut Group<'_>, base: &T) -> Outcome {
    let bytes = wire::to_bytes(base);
    let again: T = wire::from_bytes(&bytes)?;
    assert!(again == *base && again.read() == base.read(), "what was written is read");
    group.bench_function("to bytes", |b| b.iter(|| wire::to_bytes(black_box(base))));
    group.bench_function("from bytes", |b| {
        b.iter_with_large_drop(|| wire::from_bytes::<T>(black_box(&bytes)));
    });
    Ok(())
}

fn delta<T: Timed + DeltaState>(group: &mut Group<'_>, base: &T) -> Outcome {
    let (mut peer, ours) = (base.clone(), side(base, EU)?);
    let version = peer.version();
    peer.apply_owned(ours.delta_since(&version));
    assert_eq!(peer, ours, "the delta is all that was new");
    group.bench_function("delta since ten writes ago", |b| {
        b.iter(|| black_box(&ours).delta_since(black_box(&version)));
    });
    Ok(())
}

/// The work that `time` adds, for each size.
fn in_sizes<T: Timed>(c: &mut Criterion, time: impl Fn(&mut Group<'_>, &T) -> Outcome) -> Outcome {
    let (counted, sizes) = T::SIZES;
    for size in sizes {
        let base = T::of_size(size)?;
        let mut group = c.benchmark_group(format!("{}, {size} {counted}", T::NAME));
        time(&mut group, &base)?;
        group.finish();
    }
    Ok(())
}

fn whole<T: Timed>(group: &mut Group<'_>, base: &T) -> Outcome {
    merge(group, base)?;
    write(group, base)?;
    read(group, base);
    bytes(group, base)
}

fn with_deltas<T: Timed + DeltaState>(group: &mut Group<'_>, base: &T) -> Outcome {
    whole(group, base)?;
    delta(group, base)
}

fn all(c: &mut Criterion) -> Outcome {
    in_sizes(c, with_deltas::<VectorClock>)?;
    in_sizes(c, with_deltas::<GCounter>)?;
    in_sizes(c, with_deltas::<PnCounter>)?;
    in_sizes(c, with_deltas::<LwwRegister<String>>)?;
    in_sizes(c, with_deltas::<MvRegister<u64>>)?;
    in_sizes(c, with_deltas::<EnableFlag>)?;
    in_sizes(c, whole::<DotKernel<u64>>)?;
    in_sizes(c, with_deltas::<OrSet<u64>>)?;
    in_sizes(c, with_deltas::<OrMap<u64, u64>>)?;
    in_sizes(c, with_deltas::<CausalMap<u64, PnCounter>>)?;
    in_sizes(c, with_deltas::<Document>)
}

fn benches(c: &mut Criterion) {
    if let Err(error) = all(c) {
        eprintln!("types: {error}");
        std::process::exit(1);
    }
}

/// Short, so that all of it takes some minutes.
fn config() -> Criterion {
    let times = Criterion::default().sample_size(20).nresamples(10_000);
    times.warm_up_time(Duration::from_millis(150)).measurement_time(Duration::from_millis(400))
}

criterion_group!(name = types; config = config(); targets = benches);
criterion_main!(types);
