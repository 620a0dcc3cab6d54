//! How often the hot paths allocate: `cargo test --test it allocations -- --nocapture` prints the
//! figures. A count is the same on every machine, so a bound that holds today can only improve.

use crate::{at, replica, size::conversation};
use allocation_counter::measure;
use rejoin::{
    BoundedCounter, Causality, DeltaState, Document, EnableFlag, GCounter, Gauge, LwwRegister,
    Merge, MvRegister, OrMap, OrSet, PnCounter, Presence, ReplicaId, VectorClock,
    wire::{self, Wire},
};
use std::hint::black_box;

/// How many are done in a row where an average is taken.
const TIMES: u32 = 10_000;

/// Replicas, more than lie inline.
fn ids() -> impl Iterator<Item = ReplicaId> {
    (1..=100_u128).map(ReplicaId::from)
}

/// With itself, with a clone, which shares what is equal, and with one read from bytes, which
/// shares nothing.
#[track_caller]
fn a_merge_without_news_allocates_nothing<T: Merge + Clone + Wire>(name: &str, state: &T) {
    let (mut ours, read) = (state.clone(), wire::from_bytes(&wire::to_bytes(state)).unwrap());
    for theirs in [state, &T::clone(state), &read] {
        let info = measure(|| assert!(!ours.merge(theirs)));
        assert_eq!(info.count_total, 0, "{name}");
    }
}

#[test]
fn of_a_merge_without_news_of_clocks_and_counters() {
    let mut clock = VectorClock::new();
    let mut grow_only = GCounter::new();
    let mut counter = PnCounter::new();
    let mut gauge = Gauge::new();
    let mut bounded = BoundedCounter::new();
    for id in ids() {
        bounded.increment(7, id).unwrap();
        bounded.decrement(2, id).unwrap();
        gauge.open(7, id).unwrap();
        clock.increment(id).unwrap();
        grow_only.increment(7, id).unwrap();
        counter.increment(7, id).unwrap();
        counter.decrement(3, id).unwrap();
    }
    a_merge_without_news_allocates_nothing("VectorClock", &clock);
    a_merge_without_news_allocates_nothing("GCounter", &grow_only);
    a_merge_without_news_allocates_nothing("PnCounter", &counter);
    a_merge_without_news_allocates_nothing("Gauge", &gauge);
    a_merge_without_news_allocates_nothing("BoundedCounter", &bounded);
    let mut presence = Presence::new();
    ids().for_each(|id| _ = presence.join(1, 2, id).unwrap());
    a_merge_without_news_allocates_nothing("Presence", &presence);
}

#[test]
fn of_a_merge_without_news_of_registers_and_flags() {
    let mut last = LwwRegister::new();
    let mut siblings = MvRegister::new();
    let mut flag = EnableFlag::new();
    for id in ids() {
        last.set(format!("by {id}"), id, at(1)).unwrap();
        siblings.apply_owned(MvRegister::new().set(format!("by {id}"), id).unwrap());
        flag.apply_owned(EnableFlag::new().enable(id).unwrap());
    }
    a_merge_without_news_allocates_nothing("LwwRegister", &last);
    a_merge_without_news_allocates_nothing("MvRegister", &siblings);
    a_merge_without_news_allocates_nothing("EnableFlag", &flag);
}

#[test]
fn of_a_merge_without_news_of_sets_and_maps() {
    let mut set = OrSet::new();
    let mut map = OrMap::new();
    for number in 0..10_000_u32 {
        let id = ReplicaId::from(u128::from(number % 7) + 1);
        set.insert(number.to_string(), id).unwrap();
        map.insert(number, number.to_string(), id, at(1)).unwrap();
    }
    for number in (0..10_000).step_by(3) {
        set.remove(&number.to_string(), replica("eu-west-1")).unwrap();
        map.remove(&number, replica("eu-west-1")).unwrap();
    }
    a_merge_without_news_allocates_nothing("OrSet", &set);
    a_merge_without_news_allocates_nothing("OrMap", &map);
}

#[test]
fn of_a_merge_without_news_of_documents() {
    let (us, eu) = (replica("us-east-1"), replica("eu-west-1"));
    let mut document = Document::from_json(&conversation(200), us, at(1)).unwrap();
    let mut theirs = document.clone();
    document.set("/tags", serde_json::json!(["a", "b", "c"]), us, at(2)).unwrap();
    document.remove("/mapping/m00000003", us, at(3)).unwrap();
    document.set("/unread", 7_u64, us, at(3)).unwrap();
    document.increment("/unread", 1, us, at(4)).unwrap();
    theirs.set("/mapping/m00000003/text", "edited", eu, at(4)).unwrap();
    document.merge(&theirs);
    a_merge_without_news_allocates_nothing("Document", &document);
}

#[test]
fn of_reading_clocks_and_counters() {
    let mut counter = PnCounter::new();
    for id in ids() {
        counter.increment(7, id).unwrap();
        counter.decrement(3, id).unwrap();
    }
    let clock: VectorClock = ids().map(|id| (id, 1)).collect();
    let later: VectorClock = ids().map(|id| (id, 2)).collect();
    let info = measure(|| {
        assert_eq!(clock.compare(black_box(&later)), Causality::Before);
        assert_eq!(counter.value(), 400);
    });
    assert_eq!(info.count_total, 0);
}

/// What growing adds to an average: a block as every 64 elements come, the list of blocks and the
/// index as they double.
const GROWTH: f64 = 0.15;

/// How often each of many in a row allocates, on average, and growth with it; at most `bound` and
/// growth. What the work returns is dropped.
#[track_caller]
fn on_average<T>(name: &str, bound: f64, mut work: impl FnMut(u32) -> T) {
    let info = measure(|| (0..TIMES).for_each(|round| _ = black_box(work(round))));
    let average = info.count_total as f64 / f64::from(TIMES);
    println!("{name}: {average:.2} allocations");
    assert!(average <= bound + GROWTH, "{name}: {average} allocations, more than {bound}");
}

#[test]
fn of_one_element_deltas_of_a_set() {
    let (us, eu) = (replica("us-east-1"), replica("eu-west-1"));
    let mut set = OrSet::new();
    set.extend(0..100_000_u32, us).unwrap();
    let mut peer = set.clone();
    on_average("OrSet::add, new", 0.0, |round| set.insert(100_000 + round, us).unwrap());
    on_average("OrSet::add, there already", 1.0, |round| set.insert(round * 7, us).unwrap());
    on_average("OrSet::add, there by another", 2.0, |round| set.insert(round * 7 + 1, eu).unwrap());
    on_average("OrSet::remove", 2.0, |round| set.remove(&(round * 7), eu).unwrap());
    on_average("OrSet::remove, not there", 0.0, |round| set.remove(&(round * 7), eu).unwrap());

    let mut author = peer.clone();
    let deltas = (0..TIMES).map(|round| author.insert(100_000 + round, eu).unwrap());
    let mut deltas = deltas.collect::<Vec<_>>().into_iter();
    on_average("OrSet::apply of an add", 0.0, |_| {
        deltas.next().map(|delta| peer.apply_owned(delta))
    });
    assert!(peer == author);
}

#[test]
fn of_a_put_in_a_map() {
    let (us, eu) = (replica("us-east-1"), replica("eu-west-1"));
    let mut map = OrMap::new();
    for number in 0..100_000_u32 {
        map.insert(number, 0, us, at(1)).unwrap();
    }
    on_average("OrMap::put", 2.0, |round| map.insert(round * 7, round, eu, at(2)).unwrap());
}

#[test]
fn of_edits_of_a_document() {
    let (us, eu) = (replica("us-east-1"), replica("eu-west-1"));
    let mut document = Document::from_json(&conversation(200), us, at(1)).unwrap();
    let mut author = document.clone();
    let mut deltas = Vec::with_capacity(2 * TIMES as usize);
    let path = |message| format!("/mapping/m{message:08}");
    let fields: Vec<String> = (0..TIMES).map(|round| path(round % 200) + "/time").collect();
    on_average("Document::set of a field", 9.0, |round| {
        deltas.push(author.set(&fields[round as usize], round, eu, at(2)).unwrap());
    });
    let message = &conversation(1)["mapping"]["m00000000"];
    let messages: Vec<String> = (200..).take(TIMES as usize).map(path).collect();
    on_average("Document::set of a message", 14.6, |round| {
        deltas.push(author.set(&messages[round as usize], message, eu, at(2)).unwrap());
    });
    let mut deltas = deltas.into_iter();
    on_average("Document::apply of a field", 2.0, |_| {
        deltas.next().map(|it| document.apply_owned(it))
    });
    on_average("Document::apply of a message", 0.5, |_| {
        deltas.next().map(|it| document.apply_owned(it))
    });
    assert_eq!(document, author);
}
