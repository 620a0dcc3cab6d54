//! Maps of maps of counters: an increment counts, unless a visible remove had seen it.
//!
//! That is all, for a replica that has seen what those it hears of had seen; it is
//! [asked](Counted::meaning) each time that one has. Where deltas are lost, which increments are known
//! depends on which writes are alive. So the model also knows of writes: a tally tells of the
//! increments that it goes on from, and a note of those that were removed.

use crate::{
    history::{histories, misused},
    small::Small,
    world::{Seen, Subject},
};
use proptest::prelude::*;
use rejoin::{CausalMap, CausalMapDelta, PnCounter, ReplicaId, Timestamp, laws::Invariants};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Count(Path, i8),
    /// All below the first so many parts of a path.
    Remove(Path, usize),
}

type Path = [u8; 2];

/// Increments, with their edits.
type Earlier = Vec<(usize, i8)>;

/// What an edit wrote, and over which writes of earlier edits.
#[derive(Default)]
pub(crate) struct Event {
    writes: Vec<Write>,
    over: BTreeSet<WriteId>,
    counted: Option<(Path, i8)>,
    /// The increments that a remove had seen, or heard of.
    removed: BTreeSet<usize>,
    /// All edits that its replica had seen.
    past: BTreeSet<usize>,
}

/// Of which edit, and the how manieth there.
type WriteId = (usize, usize);

#[derive(Clone)]
enum Write {
    /// The earlier increments of a tally, and the last one.
    Tally(Path, Earlier, i8),
    /// For each replica the last increment that was removed.
    Note(Path, BTreeMap<ReplicaId, usize>),
}

/// What is known at one path of one replica.
#[derive(Default)]
struct Row {
    /// The latest tally.
    tally: Option<(usize, Earlier, i8)>,
    /// The latest increment that was removed.
    removed: Option<usize>,
    writes: BTreeSet<WriteId>,
}

impl Row {
    fn counts(&self) -> bool {
        self.tally.as_ref().is_some_and(|tally| Some(tally.0) > self.removed)
    }

    fn value(&self) -> i128 {
        let Some((number, earlier, by)) = &self.tally else { return 0 };
        let all = earlier.iter().copied().chain([(*number, *by)]);
        all.filter(|count| Some(count.0) > self.removed).map(|count| i128::from(count.1)).sum()
    }

    fn extent(&self) -> Option<usize> {
        self.tally.as_ref().map(|tally| tally.0).max(self.removed)
    }
}

type Rows = BTreeMap<Path, BTreeMap<ReplicaId, Row>>;

fn alive<'a>(seen: &'a Seen<'_, Event>) -> Vec<(WriteId, ReplicaId, &'a Write)> {
    let mut alive = Vec::new();
    for (number, replica, event) in &seen.0 {
        for (at, write) in event.writes.iter().enumerate() {
            let id = (*number, at);
            if seen.0.iter().all(|other| !other.2.over.contains(&id)) {
                alive.push((id, *replica, write));
            }
        }
    }
    alive
}

fn rows(seen: &Seen<'_, Event>) -> Rows {
    let mut rows = Rows::new();
    for (id, replica, write) in alive(seen) {
        match write {
            Write::Tally(path, earlier, by) => {
                let row = rows.entry(*path).or_default().entry(replica).or_default();
                row.writes.insert(id);
                // A later one tells of all that still counts.
                row.tally = Some((id.0, earlier.clone(), *by));
            }
            Write::Note(path, removed) => {
                for (replica, upto) in removed {
                    let row = rows.entry(*path).or_default().entry(*replica).or_default();
                    row.writes.insert(id);
                    row.removed = row.removed.max(Some(*upto));
                }
            }
        }
    }
    rows
}

/// What an edit takes back of the notes to its replica.
fn read_notes(event: &mut Event, replica: ReplicaId, seen: &Seen<'_, Event>) {
    let rows = rows(seen);
    for (id, _, write) in alive(seen) {
        let Write::Note(path, removed) = write else { continue };
        let Some(upto) = removed.get(&replica).filter(|_| !event.over.contains(&id)) else {
            continue;
        };
        let tally = rows.get(path).and_then(|rows| rows.get(&replica)?.tally.as_ref());
        let goes_on = tally.is_some_and(|tally| tally.1.iter().any(|earlier| earlier.0 == *upto));
        if !goes_on {
            event.over.insert(id);
            let mut rest = removed.clone();
            rest.remove(&replica);
            if !rest.is_empty() {
                event.writes.push(Write::Note(*path, rest));
            }
        }
    }
}

pub(crate) struct Counted;

impl Subject for Counted {
    type State = CausalMap<u8, CausalMap<u8, PnCounter>>;
    type Delta = CausalMapDelta<u8, CausalMap<u8, PnCounter>>;
    type Op = Op;
    type Event = Event;
    type Value = BTreeMap<Path, i128>;

    fn ops() -> BoxedStrategy<Op> {
        let path = || [0..2_u8, 0..2];
        prop_oneof![
            3 => (path(), -1..4_i8).prop_map(|(path, by)| Op::Count(path, by)),
            1 => (path(), 0..=2_usize).prop_map(|(path, len)| Op::Remove(path, len)),
        ]
        .boxed()
    }

    fn edit(map: &mut Self::State, op: &Op, id: ReplicaId, _: Timestamp) -> Option<Self::Delta> {
        match *op {
            Op::Count([a, b], by) if by < 0 => {
                map.entry(a).entry(b).decrement(by.unsigned_abs().into(), id).ok()
            }
            Op::Count([a, b], by) => {
                map.entry(a).entry(b).increment(by.unsigned_abs().into(), id).ok()
            }
            Op::Remove(_, 0) => map.clear(id).ok(),
            Op::Remove([a, _], 1) => map.remove(&a, id).ok(),
            Op::Remove([a, b], _) => map.entry(a).remove(&b, id).ok(),
        }
    }

    fn value(map: &Self::State) -> Self::Value {
        let mut read = BTreeMap::new();
        for (a, counts) in map {
            assert_eq!(counts.len(), counts.iter().count());
            assert!(!counts.is_empty() && map.contains_key(a));
            for (b, count) in counts {
                read.insert([*a, *b], count.value());
            }
        }
        read
    }

    fn check(map: &Self::State) -> Result<(), &'static str> {
        map.check_invariants()
    }

    fn aged(kernel: serde_json::Value) -> Self::State {
        serde_json::from_value(kernel).unwrap()
    }

    fn event(op: &Op, replica: ReplicaId, _: Timestamp, seen: &Seen<'_, Event>) -> Option<Event> {
        let mut event = Event { past: seen.0.iter().map(|it| it.0).collect(), ..<_>::default() };
        let rows = rows(seen);
        match *op {
            Op::Count(path, by) => {
                let row = rows.get(&path).and_then(|rows| rows.get(&replica));
                let mut earlier = Vec::new();
                if let Some((number, counts, last)) =
                    row.filter(|row| row.counts()).and_then(|row| row.tally.as_ref())
                {
                    earlier.clone_from(counts);
                    earlier.push((*number, *last));
                }
                for (id, by, write) in alive(seen) {
                    if matches!(write, Write::Tally(at, ..) if *at == path && by == replica) {
                        event.over.insert(id);
                    }
                }
                event.writes.push(Write::Tally(path, earlier, by));
                event.counted = Some((path, by));
            }
            Op::Remove(path, len) => {
                for (at, rows) in rows {
                    let is_shown = rows.values().any(Row::counts);
                    if !is_shown || at[..len] != path[..len] {
                        continue;
                    }
                    event.over.extend(rows.values().flat_map(|row| row.writes.iter().copied()));
                    let mut upto = BTreeMap::new();
                    for (other, row) in rows.iter().filter(|row| *row.0 != replica) {
                        upto.extend(row.extent().map(|extent| (*other, extent)));
                    }
                    if !upto.is_empty() {
                        event.writes.push(Write::Note(at, upto));
                    }
                }
                for (number, _, other) in &seen.0 {
                    if let Some(Write::Tally(at, earlier, _)) = other.writes.first() {
                        if at[..len] == path[..len] {
                            event.removed.insert(*number);
                            event.removed.extend(earlier.iter().map(|count| count.0));
                        }
                    }
                }
            }
        }
        if !event.writes.is_empty() || !event.over.is_empty() {
            read_notes(&mut event, replica, seen);
        }
        Some(event)
    }

    fn meaning(seen: &Seen<'_, Event>) -> Self::Value {
        let mut read = BTreeMap::new();
        for (path, rows) in rows(seen) {
            if rows.values().any(Row::counts) {
                read.insert(path, rows.values().map(Row::value).sum());
            }
        }
        let known: BTreeSet<usize> = seen.0.iter().map(|event| event.0).collect();
        if seen.0.iter().all(|event| event.2.past.is_subset(&known)) {
            assert_eq!(read, obvious(seen), "the model of writes is the obvious one");
        }
        read
    }
}

/// An increment counts, unless a visible remove had seen it.
fn obvious(seen: &Seen<'_, Event>) -> BTreeMap<Path, i128> {
    let mut read = BTreeMap::<Path, i128>::new();
    for (number, _, event) in &seen.0 {
        let Some((path, by)) = event.counted else { continue };
        if seen.0.iter().all(|other| !other.2.removed.contains(number)) {
            *read.entry(path).or_default() += i128::from(by);
        }
    }
    read
}

#[test]
fn counted_histories() {
    histories::<Counted>();
}

#[test]
fn counted_misused() {
    misused::<Counted>();
}

#[test]
fn counted_small_worlds() {
    let one = [Op::Count([0, 0], 1), Op::Remove([0, 0], 2)];
    let small = |aged, past, alphabet| Small::<Counted> {
        name: "CausalMap of counters",
        aged,
        past,
        alphabet,
        operations: 6,
    };
    small(false, &[], &one).walk();
    small(true, &[Op::Count([0, 0], 2)], &one).walk();
    let two = [Op::Count([0, 0], 1), Op::Count([0, 1], 1), Op::Remove([0, 0], 1)];
    Small { operations: 5, ..small(false, &[], &two) }.walk();
}
