//! Bytes and round trips to bring two tables together: `cargo run --release --bin collection`.

use rejoin::{
    DeltaState, Document, GCounter, OrSet, ReplicaId, Timestamp,
    sync::{Collection, Direction, Reconciler, ReconcilerSettings},
    wire::{self, Wire},
};
use serde_json::json;
use std::time::Instant;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const US: ReplicaId = ReplicaId::named("us-east-1").unwrap();
const EU: ReplicaId = ReplicaId::named("eu-west-1").unwrap();
const AP: ReplicaId = ReplicaId::named("ap-southeast-1").unwrap();
const NOW: Timestamp = Timestamp::from_millis(1_717_236_600_000);

fn main() -> Result {
    println!("| rows | differ | bytes | each | round trips | all versions | all states | ms |");
    println!("|---|---|---|---|---|---|---|---|");
    let counter = |it: &mut GCounter, id, _| it.increment(1, id).map(|_| ());
    let counters = table(1_000_000, |it, row| {
        for id in [US, EU, AP] {
            counter(it, id, row)?;
        }
        Ok(())
    })?;
    for d in [0, 1, 10, 100, 1_000, 10_000] {
        line("counters, both ways", &counters, d, Direction::Both, |it, id, row| {
            Ok(counter(it, id, row)?)
        })?;
    }
    drop(counters);
    let sets = table(100_000, |it: &mut OrSet<u64>, row| {
        it.extend((0..20).map(|n| row * 20 + n), US)?;
        Ok(())
    })?;
    for d in [0, 1, 10, 100, 1_000, 10_000] {
        line("sets of 20, both ways", &sets, d, Direction::Both, |it, id, row| {
            it.insert(row, id)?;
            Ok(())
        })?;
    }
    drop(sets);
    let documents = table(20_000, |it: &mut Document, row| {
        let message = |n| json!({"id": format!("m{n}"), "text": format!("message {n} of {row}")});
        let messages: Vec<_> = (0..20).map(message).collect();
        let json = json!({"title": "Booking", "status": "active", "messages": messages});
        *it = Document::from_json(&json, US, NOW)?;
        Ok(())
    })?;
    for d in [0, 10, 1_000] {
        line("documents, pulled", &documents, d, Direction::Pull, |it, _, row| {
            it.set("/messages/3/text", format!("edited in {row}"), EU, NOW)?;
            Ok(())
        })?;
    }
    Ok(())
}

/// The keys are as long as a UUID, and as random.
fn key(row: u64) -> [u8; 16] {
    let half = |n: u64| {
        let mixed = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u128::from(mixed ^ (mixed >> 31))
    };
    (half(row + 1) << 64 | half(!row)).to_be_bytes()
}

fn table<S>(rows: u64, fill: impl Fn(&mut S, u64) -> Result) -> Result<Collection<S>>
where
    S: DeltaState<Version: Wire> + Default,
{
    let mut table = Collection::new();
    for row in 0..rows {
        table.edit(&key(row), |state| fill(state, row))?;
    }
    Ok(table)
}

fn line<S>(
    name: &str,
    before: &Collection<S>,
    d: u64,
    direction: Direction,
    edit: impl Fn(&mut S, ReplicaId, u64) -> Result,
) -> Result
where
    S: DeltaState<Delta: Wire, Version: Wire> + Default + Clone + PartialEq + Wire,
{
    let (mut ours, mut theirs) = (before.clone(), before.clone());
    for n in 0..d {
        let row = n * (before.len() as u64 / d);
        // A third here, a third there, a third on both sides.
        if n % 3 > 0 && direction == Direction::Both {
            ours.edit(&key(row), |state| edit(state, US, row))?;
        }
        if n % 3 < 2 || direction == Direction::Pull {
            theirs.edit(&key(row), |state| edit(state, EU, row))?;
        }
    }
    let size = |bytes: Vec<u8>| bytes.len() - 5 + 16;
    let versions: usize = before.iter().map(|row| size(wire::to_bytes(&row.1.version()))).sum();
    let states: usize = before.iter().map(|row| size(wire::to_bytes(row.1))).sum();
    let start = Instant::now();
    let (bytes, rounds) = run(&mut ours, &mut theirs, direction)?;
    let ms = start.elapsed().as_millis();
    if direction == Direction::Both && ours.fingerprint() != theirs.fingerprint() || ours != theirs
    {
        return Err("the tables are not the same".into());
    }
    let each = bytes as f64 / d.max(1) as f64;
    println!(
        "| {} {name} | {d} | {bytes} | {each:.0} | {rounds} | {versions} | {states} | {ms} |",
        before.len()
    );
    Ok(())
}

/// Bytes both ways, and round trips if all that fits into the window is sent at once.
fn run<S>(
    ours: &mut Collection<S>,
    theirs: &mut Collection<S>,
    direction: Direction,
) -> Result<(usize, usize)>
where
    S: DeltaState<Delta: Wire, Version: Wire> + Default,
{
    let (mut here, mut there) =
        (Reconciler::new(ReconcilerSettings::new()), Reconciler::new(ReconcilerSettings::new()));
    let (mut bytes, mut rounds) = (0, 0);
    here.start(direction);
    while here.is_running() {
        let mut answers = Vec::new();
        while let Some(question) = here.poll_transmit(ours)? {
            bytes += question.len();
            there.receive(theirs, &question)?;
            answers.extend(there.poll_transmit(theirs)?);
        }
        rounds += usize::from(!answers.is_empty());
        for answer in answers {
            bytes += answer.len();
            here.receive(ours, &answer)?;
        }
    }
    Ok((bytes, rounds))
}
