//! The law checkers: each can fail, every type of the library passes, and so do its states where a
//! replica id is misused.

use crate::{at, effort::count, replica};
use rejoin::{
    BoundedCounter, Delta, DeltaState, Document, EnableFlag, GCounter, Gauge, LwwRegister, Max,
    Merge, Min, MvRegister, OrMap, OrSet, PnCounter, Presence, ReplicaId, Timestamp, VectorClock,
    causal::{CausalContext, Dot, DotKernel},
    document::{DocumentDelta, Rules},
    laws::{self, Law},
};
use serde_json::json;
use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fmt::Debug,
    num::NonZeroU64,
};

/// A set that only grows, with one fault: it breaks the law it is named after.
#[derive(Clone, Debug, PartialEq)]
struct Faulty {
    fault: Law,
    set: BTreeSet<u64>,
}

impl Faulty {
    fn new<const N: usize>(fault: Law, set: [u64; N]) -> Self {
        Self { fault, set: set.into() }
    }

    fn join(&mut self, other: &BTreeSet<u64>) {
        match self.fault {
            Law::Idempotent => _ = self.set.insert(self.set.len() as u64),
            Law::Commutative => self.set.clone_from(other),
            // Not above what it is made of.
            Law::UpperBound if self.set != *other => self.set = &self.set ^ other,
            // Rock, paper, scissors.
            Law::Associative => {
                let [ours, theirs] = [&self.set, other].map(|set| set.first().copied());
                let loses = ours.map(|ours| (ours + 1) % 3) == theirs;
                if loses {
                    self.set.clone_from(other);
                }
            }
            // There is room for three, and who comes first stays.
            Law::Convergent => {
                let free = 3_usize.saturating_sub(self.set.len());
                let new: Vec<u64> = other.difference(&self.set).copied().take(free).collect();
                self.set.extend(new);
            }
            _ => self.set.extend(other),
        }
    }
}

impl Merge for Faulty {
    fn merge(&mut self, other: &Self) -> bool {
        let before = self.set.clone();
        self.join(&other.set);
        self.set != before || self.fault == Law::Honest
    }

    fn merge_owned(&mut self, other: Self) -> bool {
        self.fault != Law::MergeOwned && self.merge(&other)
    }
}

#[derive(Clone, Debug, Default)]
struct FaultyDelta(Option<Faulty>);

impl Merge for FaultyDelta {
    fn merge(&mut self, other: &Self) -> bool {
        match (&mut self.0, &other.0) {
            (Some(ours), Some(theirs)) => ours.fault != Law::Message && ours.merge(theirs),
            (None, Some(_)) => {
                self.clone_from(other);
                true
            }
            (_, None) => false,
        }
    }
}

impl Delta for FaultyDelta {
    fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(|it| it.fault == Law::Empty || it.set.is_empty())
    }
}

impl DeltaState for Faulty {
    type Delta = FaultyDelta;
    type Version = ();

    fn version(&self) {}

    fn delta_since(&self, (): &()) -> FaultyDelta {
        let nothing = Self { set: BTreeSet::new(), ..*self };
        FaultyDelta(Some(if self.fault == Law::DeltaSince { nothing } else { self.clone() }))
    }

    fn apply(&mut self, delta: &FaultyDelta) -> bool {
        let Some(delta) = &delta.0 else { return false };
        // Takes elements one after the other, and drops what comes after a gap.
        let gap = delta.set.first() > Some(&(self.set.len() as u64));
        if self.fault == Law::Deltas && gap { false } else { self.merge(delta) }
    }

    fn apply_owned(&mut self, delta: FaultyDelta) -> bool {
        self.fault != Law::ApplyOwned && self.apply(&delta)
    }
}

fn edit(state: &mut Faulty, choice: u64, _: ReplicaId, _: Timestamp) -> Option<FaultyDelta> {
    let element = if state.fault == Law::Deltas { state.set.len() as u64 } else { choice % 16 };
    let full = state.fault == Law::Convergent && !state.set.is_empty();
    if !full {
        state.set.insert(element);
    }
    if state.fault == Law::Upward {
        state.set.retain(|other| *other == element);
    }
    let written = if state.fault == Law::Delta || full { None } else { Some(element) };
    let delta = Faulty { set: written.into_iter().collect(), ..*state };
    (state.fault != Law::Refused).then_some(FaultyDelta(Some(delta)))
}

#[test]
fn check_finds_each_law_that_is_broken() {
    for (fault, values) in [
        (Law::Idempotent, [0, 1, 2]),
        (Law::Honest, [0, 1, 2]),
        (Law::Commutative, [0, 1, 2]),
        (Law::UpperBound, [0, 1, 2]),
        (Law::MergeOwned, [0, 1, 2]),
        (Law::Associative, [0, 1, 2]),
    ] {
        let values = values.map(|element| Faulty::new(fault, [element]));
        let violation = laws::check(&values).unwrap_err();
        assert_eq!(violation.law, fault, "{violation}");
        assert_eq!((violation.seed, violation.script.len()), (None, 0));
        laws::histories(0..100, &Faulty::new(fault, []), |state, choice, id, now| {
            edit(state, choice, id, now);
        })
        .unwrap_err();
    }
}

#[test]
fn histories_find_each_law_that_is_broken() {
    for fault in [
        Law::Idempotent,
        Law::Honest,
        Law::MergeOwned,
        Law::Delta,
        Law::Refused,
        Law::Message,
        Law::DeltaSince,
        Law::ApplyOwned,
        Law::Empty,
        Law::Deltas,
    ] {
        let violation = laws::delta_histories(0..100, &Faulty::new(fault, []), edit).unwrap_err();
        assert_eq!(violation.law, fault, "{violation}");
    }
    for fault in [Law::Upward, Law::Convergent] {
        let found = (0..1_000).any(|seed| {
            let start = Faulty::new(fault, []);
            let broken = laws::histories([seed], &start, |state, choice, id, now| {
                edit(state, choice, id, now);
            });
            broken.is_err_and(|violation| violation.law == fault)
        });
        assert!(found, "{fault:?}");
    }
}

#[derive(Clone, PartialEq)]
struct Mean(u64);

impl Debug for Mean {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mean({})", self.0)
    }
}

impl Merge for Mean {
    fn merge(&mut self, other: &Self) -> bool {
        let mean = self.0.midpoint(other.0);
        std::mem::replace(&mut self.0, mean) != mean
    }
}

#[test]
fn a_violation_reads_as_text() {
    let violation = laws::check(&[Mean(0), Mean(8)]).unwrap_err();
    let text = "\
the law UpperBound does not hold: a ⊔ (a ⊔ b) == a ⊔ b
  a     = Mean(0)
  b     = Mean(8)
  left  = Mean(2)
  right = Mean(4)";
    assert_eq!(violation.to_string(), text);
    assert_eq!(format!("{violation:?}"), text, "as unwrap shows it");

    let start = Faulty::new(Law::Deltas, []);
    let violation = laws::delta_histories(0..100, &start, edit).unwrap_err();
    let text = "\
the law Deltas does not hold: all that edits wrote, joined in some order == all states
  left  = Faulty { fault: Deltas, set: {0} }
  right = Faulty { fault: Deltas, set: {0, 1} }
seed 0, without the steps that it does not need:
   0. all start from Faulty { fault: Deltas, set: {} }
   1. q edits: choice 39705, now 6
   2. q edits: choice 57941, now 27";
    assert_eq!(violation.to_string(), text);
    let again = laws::delta_histories(violation.seed, &start, edit).unwrap_err();
    assert_eq!(again, violation, "the seed alone tells the history");

    let to = |state: &mut Mean, choice, _, _| *state = Mean(choice % 9);
    let violation = laws::histories(0..100, &Mean(0), to).unwrap_err();
    assert!(violation.to_string().contains("  a     = Mean("), "{violation}");
}

/// A base, what two replicas made of it, what one of them made next, all of it, and a stranger.
fn family<T: DeltaState + Clone>(
    start: &T,
    edit: impl Fn(&mut T, u64, ReplicaId, Timestamp) -> Option<T::Delta>,
    choice: u64,
) -> (Vec<T>, Vec<T::Delta>) {
    let (mut states, mut deltas) = (vec![start.clone()], Vec::new());
    let mut next = |of: usize, name, choice| {
        let mut state = states[of].clone();
        deltas.extend(edit(&mut state, choice, replica(name), at(choice % 3)));
        states.push(state);
    };
    next(0, "us", choice);
    next(1, "us", choice + 1);
    next(1, "eu", choice + 2);
    next(3, "eu", choice + 4);
    next(0, "ap", choice);
    let mut all = states[2].clone();
    all.merge(&states[4]);
    states.push(all);
    (states, deltas)
}

/// The laws on given values, on deltas, along histories, and where all write under one id.
fn keeps_the_laws<T>(
    start: &T,
    edit: impl Fn(&mut T, u64, ReplicaId, Timestamp) -> Option<T::Delta>,
) where
    T: DeltaState<Delta: PartialEq + Debug> + Clone + PartialEq + Debug,
{
    for choice in 0..12 {
        let (states, deltas) = family(start, &edit, choice);
        laws::check(&states).unwrap();
        laws::check(&deltas).unwrap();
    }
    laws::delta_histories(0..u64::from(count(500).min(500)), start, &edit).unwrap();
    laws::histories(0..100, start, |state, choice, id, now| _ = edit(state, choice, id, now))
        .unwrap();
    laws::histories(0..100, start, |state, choice, _, _| {
        _ = edit(state, choice, replica("one"), at(1));
    })
    .unwrap();
    // Fewer where histories are few: the third power of them is tried.
    let kinds = u64::from(count(8_000)).clamp(160, 1_600) / 100;
    for first in 0..kinds {
        let others = (first..kinds).flat_map(|it| (0..kinds).map(move |third| (it, third)));
        for (second, third) in others {
            // Times eleven: edits of all kinds, with values that differ.
            misused(start, &edit, [first, second, third].map(|it| it * 11));
        }
    }
}

/// Three writers under one id and at one time: their dots and stamps are equal, what they write
/// need not be. All orders of their states and of their deltas are one.
fn misused<T>(
    start: &T,
    edit: impl Fn(&mut T, u64, ReplicaId, Timestamp) -> Option<T::Delta>,
    [first, second, third]: [u64; 3],
) where
    T: DeltaState + Clone + PartialEq + Debug,
{
    let mut deltas = Vec::new();
    let mut write = |state: &T, choice| {
        let mut state = state.clone();
        deltas.extend(edit(&mut state, choice, replica("one"), at(1)));
        state
    };
    let base = write(start, 0);
    let [ours, theirs, other] = [first, second, third].map(|choice| write(&base, choice));
    let other = write(&other, third + 11);
    let states = [ours, theirs, other];
    if let Err(violation) = laws::check(&states) {
        panic!("{first} {second} {third}: {violation}");
    }
    let mut all = start.clone();
    states.iter().for_each(|state| _ = all.merge(state));
    for_each_order(&mut states.each_ref(), 0, &mut |order| {
        let mut joined = start.clone();
        order.iter().for_each(|state| _ = joined.merge(state));
        assert_eq!(joined, all, "states in any order: {first} {second} {third}");
    });
    for_each_order(&mut deltas.iter().collect::<Vec<_>>(), 0, &mut |order| {
        let mut joined = start.clone();
        order.iter().for_each(|&delta| _ = joined.apply(delta));
        assert_eq!(joined, all, "deltas in any order: {first} {second} {third}");
    });
}

fn for_each_order<T: Copy>(items: &mut [T], from: usize, see: &mut dyn FnMut(&[T])) {
    if from == items.len() {
        return see(items);
    }
    for next in from..items.len() {
        items.swap(from, next);
        for_each_order(items, from + 1, see);
        items.swap(from, next);
    }
}

#[test]
fn vector_clocks_keep_the_laws() {
    keeps_the_laws(&VectorClock::new(), |clock, _, id, _| clock.increment(id).ok());
}

#[test]
fn counters_keep_the_laws() {
    keeps_the_laws(&GCounter::new(), |counter, by, id, _| counter.increment(by % 4, id).ok());
    keeps_the_laws(&PnCounter::new(), |counter, choice, id, _| match choice % 2 {
        0 => counter.increment(choice % 8, id).ok(),
        _ => counter.decrement(choice % 8, id).ok(),
    });
}

#[test]
fn bounded_counters_keep_the_laws() {
    keeps_the_laws(&BoundedCounter::new(), |counter, choice, id, _| match choice % 3 {
        0 => counter.increment(choice % 8, id).ok(),
        1 => counter.decrement(choice % 4, id).ok(),
        _ => counter.transfer(choice % 4, id, ReplicaId::from_u128((choice % 5).into())).ok(),
    });
}

#[test]
fn gauges_keep_the_laws() {
    keeps_the_laws(&Gauge::new(), |gauge, choice, id, now| {
        let id = id.with_incarnation(u32::try_from(choice / 8 % 3).unwrap());
        match choice % 3 {
            0 => gauge.open(choice % 8, id).ok(),
            1 => gauge.close(choice % 4, id).ok(),
            _ => gauge.renew(id, now).ok(),
        }
    });
}

#[test]
fn presences_keep_the_laws() {
    keeps_the_laws(&Presence::<u64, u64>::new(), |presence, choice, id, now| {
        let id = id.with_incarnation(u32::try_from(choice / 8 % 3).unwrap());
        match choice % 4 {
            0 => presence.join(choice % 3, choice, id).ok(),
            1 => presence.update(&(choice % 3), choice, id).ok(),
            2 => presence.leave(&(choice % 3), id).ok(),
            _ => presence.renew(id, now).ok(),
        }
    });
}

#[test]
fn registers_keep_the_laws() {
    keeps_the_laws(&LwwRegister::new(), |it, choice, id, now| it.set(choice % 5, id, now).ok());
    keeps_the_laws(&MvRegister::new(), |it, choice, id, _| match choice % 4 {
        3 => it.clear(id).ok(),
        _ => it.set(choice % 5, id).ok(),
    });
}

#[test]
fn flags_keep_the_laws() {
    keeps_the_laws(&EnableFlag::new(), |flag, choice, id, _| match choice % 2 {
        0 => flag.enable(id).ok(),
        _ => flag.disable(id).ok(),
    });
}

#[test]
fn sets_keep_the_laws() {
    keeps_the_laws(&OrSet::new(), |set, choice, id, _| match choice % 4 {
        2 => match choice / 4 % 8 {
            4 => set.clear(id).ok(),
            5 => set.retain(|element| element % 2 == 0, id).ok(),
            6 => set.remove_all(&[1, 2, 9], id).ok(),
            element => set.remove(&(element % 4), id).ok(),
        },
        3 => set.extend(choice % 3..4, id).ok(),
        _ => set.insert(choice % 5, id).ok(),
    });
}

#[test]
fn maps_keep_the_laws() {
    keeps_the_laws(&OrMap::new(), |map, choice, id, now| match choice % 4 {
        2 => map.extend([(choice % 3, 1), (choice % 2, 2)], id, now).ok(),
        3 => match choice / 4 % 8 {
            4 => map.clear(id).ok(),
            5 => map.retain(|key, value| (key + value) % 2 == 0, id).ok(),
            6 => map.remove_all(&[1, 2, 9], id).ok(),
            key => map.remove(&(key % 3), id).ok(),
        },
        _ => map.insert(choice % 3, choice % 7, id, now).ok(),
    });
}

#[test]
fn kernels_keep_the_laws() {
    keeps_the_laws(&DotKernel::new(), |kernel, choice, id, _| {
        let over: Vec<Dot> = kernel.iter().map(|it| it.0).skip((choice % 3) as usize).collect();
        match choice % 4 {
            3 => kernel.erase(&over, id).ok(),
            _ => kernel.write(choice % 5, &over, id).ok(),
        }
    });
}

fn document(
    document: &mut Document,
    choice: u64,
    id: ReplicaId,
    now: Timestamp,
) -> Option<DocumentDelta> {
    let value = choice / 16 % 4;
    let item = json!({"id": value, "text": choice % 3});
    let delta = match choice % 16 {
        0 => document.set("/title", value, id, now),
        1 => document.push("/list", item, id, now),
        2 => document.set("/title", json!({"text": value}), id, now),
        3 => document.remove("/title", id, now),
        4 => document.increment("/count", value + 1, id, now),
        5 => document.set("/count", value, id, now),
        6 => document.insert("/list/0", item, id, now),
        7 => document.move_item("/list/0", 1, id, now),
        8 => document.reset("/count", id, now),
        9 => document.remove("/list/0", id, now),
        10 => document.set("/list/0/text", value, id, now),
        11 => document.update(json!({"title": value, "list": [item]}), id, now),
        12 => document.set("/title/text", value, id, now),
        13 => document.set("", json!({"count": 1, "list": [1, 2, {}]}), id, now),
        14 => document.resolve("/title", value, id, now),
        _ => {
            let mut edit = document.edit(id, now);
            let both = edit.remove("/list").and_then(|it| it.set("/list", json!([value, item])));
            both.map(|_| ()).map(|()| edit.commit())
        }
    };
    delta.ok()
}

#[test]
fn documents_keep_the_laws() {
    let content = json!({"title": "", "count": 5, "list": [{"id": 1}, {"id": 2}]});
    let plain = Document::from_json(&content, replica("base"), at(1)).unwrap();
    let keys = Rules::new().keyed("/list", "id").unwrap();
    let keyed = Document::from_json_with(keys, &content, replica("base"), at(1)).unwrap();
    [Document::new(), plain, keyed].iter().for_each(|start| keeps_the_laws(start, document));
}

/// `<` is the order of merging: `a <= b` if and only if `a ⊔ b == b`.
#[track_caller]
fn ordered_as_merged<T: Merge + PartialOrd + Clone + Debug>(values: &[T]) {
    for (a, b) in values.iter().flat_map(|a| values.iter().map(move |b| (a, b))) {
        let mut join = a.clone();
        join.merge(b);
        assert_eq!(a <= b, join == *b, "{a:?} and {b:?}");
        assert_eq!(b.partial_cmp(a), a.partial_cmp(b).map(Ordering::reverse), "{a:?} and {b:?}");
    }
}

#[test]
fn orders_are_those_of_merging() {
    let counter = |up, down| {
        let count =
            |by: u64| GCounter::from_iter([(replica("us"), by % 3), (replica("eu"), by / 3)]);
        PnCounter::from_parts(count(up), count(down))
    };
    let counters = (0..9).flat_map(|up| (0..9).map(move |down| counter(up, down)));
    let counters: Vec<PnCounter> = counters.collect();
    ordered_as_merged(&counters);
    ordered_as_merged(&counters.iter().map(|it| it.increments().clone()).collect::<Vec<_>>());
    let dot = |number: u64| Dot::new(replica("a"), NonZeroU64::new(1 + number).unwrap());
    let contexts = (0..16_u64).map(|bits| (0..4).filter(move |bit| bits >> bit & 1 == 1).map(dot));
    ordered_as_merged(&contexts.map(CausalContext::from_iter).collect::<Vec<_>>());
    ordered_as_merged(&[3, 1, 2].map(Max));
    let register = |number: u64| {
        let mut register = LwwRegister::new();
        register.set(number % 2, replica("a"), at(number / 2)).unwrap();
        register
    };
    let registers = (0..6).map(register).chain([LwwRegister::new()]);
    ordered_as_merged(&registers.collect::<Vec<_>>());
}

type Parts = (PnCounter, Option<OrSet<u64>>, BTreeMap<u64, EnableFlag>);

/// An edit of one part: the delta tells of no other.
fn parts(
    state: &mut Parts,
    choice: u64,
    id: ReplicaId,
    _: Timestamp,
) -> Option<<Parts as DeltaState>::Delta> {
    let mut delta = <Parts as DeltaState>::Delta::default();
    match choice % 3 {
        0 => delta.0 = state.0.increment(choice % 5, id).ok()?,
        1 => delta.1 = Some(state.1.get_or_insert_default().insert(choice % 7, id).ok()?),
        _ => {
            let flag = state.2.entry(choice % 2).or_default();
            delta.2 = BTreeMap::from([(choice % 2, flag.enable(id).ok()?)]);
        }
    }
    Some(delta)
}

#[test]
fn parts_keep_the_laws() {
    keeps_the_laws(&Parts::default(), parts);
    keeps_the_laws(&HashMap::new(), |map: &mut HashMap<u64, GCounter>, choice, id, _| {
        let counter = map.entry(choice % 3).or_default();
        Some(BTreeMap::from([(choice % 3, counter.increment(choice % 4, id).ok()?)]))
    });
}

#[test]
fn what_only_merges_keeps_the_laws() {
    let unit = |number: u64| Dot::new(replica("a"), NonZeroU64::new(1 + number).unwrap());
    laws::histories(0..500, &CausalContext::new(), |seen, choice, _, _| {
        seen.insert(unit(choice % 9));
    })
    .unwrap();
    let of = |number: u64| {
        let (low, high) = (number % 3, number / 3);
        let map = BTreeMap::from([(low, Max(high))]);
        let hashed = HashMap::from([(high, Min(low))]);
        let sets = (BTreeSet::from([low, high]), HashSet::from([high]), ());
        (map, hashed, sets, (low > 0).then_some(Box::new((Max(high),))))
    };
    laws::check(&[0, 1, 2, 3, 4, 5, 6, 7, 8].map(of)).unwrap();
    let start = of(0);
    laws::histories(0..500, &start, |state, choice, _, _| _ = state.merge(&of(choice % 9)))
        .unwrap();
}
