//! `rejoin` and its peers, side by side: `cargo bench`.
//!
//! What is timed is checked first. Neither clones nor drops are timed.

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use rejoin_peers::{
    Peer, Result,
    automerge::Automerge,
    conversation::{Change, Side, conversation},
    crdts::Crdts,
    dson::Dson,
    encoded::Encoded,
    loro::Loro,
    rejoin::Rejoin,
    yrs::Yrs,
};
use serde_json::Value;

const SIZES: [usize; 3] = [20, 200, 2_000];
const WRITES: [(&str, usize, usize); 2] =
    [("set one field, with its delta", 1, 0), ("append one message, with its delta", 0, 1)];
const MERGES: [(&str, usize, usize); 2] = [
    ("merge states, 20 edits + 20 messages a side", 20, 20),
    ("merge states, 1 edit + 1 message a side", 1, 1),
];

/// One library, a size, and what all of its benchmarks start from.
struct Round<P> {
    size: usize,
    base: P,
    json: Value,
}

impl<P: Peer> Round<P> {
    fn new(size: usize) -> Result<Self> {
        let json = conversation(size);
        let round = Self { size, base: P::build(&json, 1)?, json };
        round.check(&round.base, &[], "build")?;
        Ok(round)
    }

    fn check(&self, document: &P, changes: &[&Change], work: &str) -> Result {
        let expected = changes.iter().fold(self.json.clone(), |json, next| next.expected(json));
        let found: Value = serde_json::from_str(&document.to_json()?)?;
        if found == expected {
            Ok(())
        } else {
            Err(format!("{}: {work} went wrong", P::NAME).into())
        }
    }

    fn bench<I, O>(
        &self,
        c: &mut Criterion,
        work: &str,
        mut setup: impl FnMut() -> Result<I>,
        mut routine: impl FnMut(&mut I) -> Result<O>,
    ) {
        let mut group = c.benchmark_group(format!("{work}, {}", self.size));
        group.bench_function(BenchmarkId::from_parameter(P::NAME), |b| {
            b.iter_batched_ref(
                || setup().unwrap_or_else(stop),
                |input| routine(input).unwrap_or_else(stop),
                BatchSize::LargeInput,
            );
        });
    }

    fn build(&self, c: &mut Criterion) {
        self.bench(c, "build from JSON", || Ok(()), |()| P::build(&self.json, 1));
    }

    fn writes(&self, c: &mut Criterion) -> Result {
        for (work, edits, messages) in WRITES {
            let change = Change::new(Side::Ours, self.size, edits, messages);
            let mut written = self.base.fork(2)?;
            let delta = written.write(&change)?;
            self.check(&written, &[&change], work)?;
            let mut applied = self.base.fork(3)?;
            applied.apply(delta)?;
            self.check(&applied, &[&change], "applying the delta")?;
            self.bench(c, work, || self.base.fork(2), |document| document.write(&change));
        }
        Ok(())
    }

    fn apply(&self, c: &mut Criterion) -> Result {
        let (ours, theirs) = self.sides(1, 1);
        let delta = self.base.fork(3)?.write(&theirs)?;
        let fork = || -> Result<_> {
            let mut document = self.base.fork(2)?;
            document.write(&ours)?;
            Ok((document, Some(delta.clone())))
        };
        let apply = |(document, delta): &mut (P, Option<P::Delta>)| {
            delta.take().map_or(Ok(()), |delta| document.apply(delta))
        };
        let mut applied = fork()?;
        apply(&mut applied)?;
        self.check(&applied.0, &[&ours, &theirs], "apply")?;
        self.bench(c, "apply a peer's edit and message", fork, apply);
        Ok(())
    }

    fn merges(&self, c: &mut Criterion) -> Result {
        for (work, edits, messages) in MERGES {
            let (ours, theirs) = self.sides(edits, messages);
            let fork = || -> Result<_> {
                let (mut us, mut them) = (self.base.fork(2)?, self.base.fork(3)?);
                us.write(&ours)?;
                them.write(&theirs)?;
                Ok((us, them))
            };
            let (mut us, mut them) = fork()?;
            us.merge(&mut them)?;
            self.check(&us, &[&ours, &theirs], work)?;
            self.bench(c, work, fork, |(us, them)| us.merge(them));
        }
        Ok(())
    }

    fn to_json(&self, c: &mut Criterion) {
        self.bench(c, "to JSON text", || Ok(()), |()| self.base.to_json());
    }

    fn sides(&self, edits: usize, messages: usize) -> (Change, Change) {
        let change = |side| Change::new(side, self.size, edits, messages);
        (change(Side::Ours), change(Side::Theirs))
    }
}

fn peer<P: Peer>(c: &mut Criterion) -> Result {
    for size in SIZES {
        let round = Round::<P>::new(size)?;
        round.build(c);
        round.writes(c)?;
        round.apply(c)?;
        round.merges(c)?;
        round.to_json(c);
    }
    Ok(())
}

/// What no document can beat.
fn limit(c: &mut Criterion) {
    for size in SIZES {
        let json = conversation(size);
        let mut group = c.benchmark_group(format!("to JSON text, {size}"));
        group.bench_function("serde_json::Value", |b| b.iter(|| json.to_string()));
    }
}

fn stop<T>(error: Box<dyn std::error::Error>) -> T {
    eprintln!("peers: {error}");
    std::process::exit(1);
}

fn benches(c: &mut Criterion) {
    let peers = [
        peer::<Rejoin>,
        peer::<Encoded>,
        peer::<Automerge>,
        peer::<Loro>,
        peer::<Yrs>,
        peer::<Crdts>,
        peer::<Dson>,
    ];
    for peer in peers {
        peer(c).unwrap_or_else(stop);
    }
    limit(c);
}

criterion_group!(peers, benches);
criterion_main!(peers);
