//! What holds of documents without saying how.

use super::{
    Json, Op, keys,
    values::{documents, values},
};
use crate::{history::count, world::Subject};
use proptest::{collection::vec, prelude::*};
use rejoin::{
    DeltaState, Document, Merge, ReplicaId, Timestamp,
    document::{Conflict, ConflictKind, Value},
};
use std::collections::BTreeMap;

type Edits = Vec<(Op, u64)>;

fn edits(count: std::ops::Range<usize>) -> impl Strategy<Value = Edits> {
    vec((Json::ops(), 0..30_u64), count)
}

/// Some start from a whole document, which makes the rest find something.
fn pasts() -> impl Strategy<Value = Edits> {
    (documents().prop_map(|value| (Op::Set("", value), 3)), edits(0..8))
        .prop_map(|(first, rest)| [vec![first], rest].concat())
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases: count(cases), failure_persistence: None, ..<_>::default() }
}

fn play(document: &mut Document, edits: &[(Op, u64)], id: u128) {
    for (op, now) in edits {
        Json::edit(document, op, ReplicaId::from_u128(id), Timestamp::from_millis(*now));
    }
}

pub(super) fn check_open_conflicts(document: &Document) {
    for open in document.conflicts() {
        assert!(!open.losers.is_empty());
        assert_eq!(reads(document, &open), open.winner.value, "the winner is what is read");
    }
}

fn reads(document: &Document, conflict: &Conflict) -> Option<Value> {
    if conflict.kind == ConflictKind::Move {
        let index: u64 = conflict.path.rsplit('/').next()?.parse().ok()?;
        return document.get(&conflict.path).map(|_| index.into());
    }
    document.get(&conflict.path)
}

/// `merge_reporting` against what can be seen from outside: the same join as `merge`, and changes
/// that turn the text before into the text after.
#[test]
fn reports_tell_what_changed() {
    let sides = (pasts(), edits(0..8), edits(0..8), edits(0..8));
    proptest!(config(1_000), |((shared, ours, theirs, again) in sides)| {
        let mut base = Document::new();
        play(&mut base, &shared, 1);
        let (mut our, mut their) = (base.clone(), base);
        play(&mut our, &ours, 2);
        play(&mut their, &theirs, 3);
        check_report(&our, &their);
        check_report(&their, &our);
        our.merge(&their);
        play(&mut our, &again, 2);
        check_report(&their, &our);
        check_report(&our, &their);
    });
}

fn check_report(ours: &Document, theirs: &Document) {
    let mut merged = ours.clone();
    let changed = merged.merge(theirs);
    let mut reporting = ours.clone();
    let report = reporting.merge_reporting(theirs);
    assert_eq!(reporting, merged);
    assert_eq!(report.changed(), changed);

    let mut by_depth = BTreeMap::<usize, Vec<_>>::new();
    for change in report.changes() {
        assert!(change.before.is_some() || change.after.is_some());
        if change.after.is_some() {
            assert_eq!(merged.get(&change.path), change.after);
        }
        let (container, last) = change.path.rsplit_once('/').unwrap_or(("", ""));
        let depth = change.path.matches('/').count();
        let step = (container, last, &change.before, &change.after);
        by_depth.entry(depth).or_default().push(step);
    }
    let mut text = ours.to_value();
    for (depth, changes) in by_depth {
        let (mut items, mut fields) = (Vec::new(), Vec::new());
        for change in changes {
            let is_item = matches!(at(&mut text, change.0), Some(Value::Array(_)) if depth > 0);
            if is_item { items.push(change) } else { fields.push(change) }
        }
        items.sort_by_key(|it| it.1.parse::<usize>().unwrap());
        for (list, index, before, _) in items.iter().rev().filter(|it| it.3.is_none()) {
            let went = array(&mut text, list).remove(index.parse().unwrap());
            assert_eq!(Some(&went), before.as_ref());
        }
        for (list, index, _, after) in items.iter().filter(|it| it.2.is_none()) {
            let came = Option::clone(after).unwrap();
            array(&mut text, list).insert(index.parse().unwrap(), came);
        }
        for (list, index, before, after) in items {
            if let (Some(before), Some(after)) = (before, after) {
                let item = &mut array(&mut text, list)[index.parse::<usize>().unwrap()];
                assert_eq!(std::mem::replace(item, after.clone()), *before);
                assert_ne!(before, after);
            }
        }
        for (object, name, before, after) in fields {
            assert_ne!(before, after);
            let was = if depth == 0 {
                std::mem::replace(&mut text, after.clone())
            } else {
                let Some(Value::Object(fields)) = at(&mut text, object) else {
                    panic!("a change inside what is no container")
                };
                match after.clone() {
                    Some(after) => fields.insert(name.into(), after),
                    None => fields.remove(name),
                }
            };
            assert_eq!(was, *before);
        }
    }
    assert_eq!(text, merged.to_value(), "the changes are all that changed");
    for conflict in report.conflicts() {
        assert_eq!(reads(&merged, conflict), conflict.winner.value);
    }
}

fn at<'a>(text: &'a mut Option<Value>, pointer: &str) -> Option<&'a mut Value> {
    super::tokens(pointer).into_iter().try_fold(text.as_mut()?, |value, token| match value {
        Value::Object(fields) => fields.get_mut(token),
        Value::Array(items) => items.get_mut(token.parse::<usize>().ok()?),
        _ => None,
    })
}

fn array<'a>(text: &'a mut Option<Value>, pointer: &str) -> &'a mut Vec<Value> {
    match at(text, pointer) {
        Some(Value::Array(items)) => items,
        _ => panic!("no list"),
    }
}

/// Whatever stands there, in whatever state of conflict.
#[test]
fn an_update_is_exact_and_rests() {
    let json = || prop_oneof![3 => documents(), 2 => values()];
    let sides = (pasts(), edits(0..6), edits(0..6), vec((json(), 0..30_u64), 1..4));
    proptest!(config(1_000), |((shared, ours, theirs, updates) in sides)| {
        let mut our = Document::new();
        play(&mut our, &shared, 1);
        let mut their = our.clone();
        play(&mut our, &ours, 2);
        play(&mut their, &theirs, 3);
        our.merge(&their);
        for (value, now) in &updates {
            let now = Timestamp::from_millis(*now);
            our.set_keys(keys(now));
            let mut via_delta = our.clone();
            let id = ReplicaId::from_u128(4);
            let delta = our.update(value, id, now).unwrap();
            prop_assert_eq!(our.to_value(), Some(value.clone()));
            our.check_invariants().unwrap();
            prop_assert!(our.update(value, id, now).unwrap().is_empty());
            via_delta.apply(delta);
            prop_assert_eq!(&via_delta, &our);
            prop_assert_eq!(via_delta.to_value(), Some(value.clone()));
        }
        their.merge(&our);
        our.merge(&their);
        prop_assert_eq!(our, their);
    });
}

/// For each item whether it goes to the end of the run, or to its start.
type Run = Vec<bool>;

fn insert_run(list: &mut Document, at: usize, run: &[bool], who: u128) -> Vec<Value> {
    let (id, now) = (ReplicaId::from_u128(who), Timestamp::from_millis(1));
    let len = array_of(list).len();
    let mut items = Vec::new();
    for (number, at_end) in run.iter().enumerate() {
        let value = Value::from(format!("{who}, {number} of {len}"));
        let within = if *at_end { items.len() } else { 0 };
        list.insert(&format!("/{}", at + within), &value, id, now).unwrap();
        items.insert(within, value);
    }
    items
}

fn array_of(list: &Document) -> Vec<Value> {
    match list.to_value() {
        Some(Value::Array(items)) => items,
        _ => panic!("no list"),
    }
}

#[test]
fn concurrent_runs_stay_whole() {
    check_concurrent_runs(|| vec(Just(true), 0..5).boxed());
}

#[test]
fn concurrent_runs_in_both_directions_stay_whole() {
    check_concurrent_runs(|| vec(any::<bool>(), 0..5).boxed());
}

/// Several sides insert at one spot of a list that they made together.
fn check_concurrent_runs(run: fn() -> BoxedStrategy<Run>) {
    let past = (0..12_usize, vec(any::<bool>(), 1..4), 1..4_u128, any::<bool>());
    let removed = vec(0..12_usize, 0..4);
    let runs = [run(), run(), run()];
    let strategy = (0..3_u64, vec(past, 0..5), removed, 0..12_usize, runs);
    proptest!(config(2_000), |((imported, past, removed, spot, runs) in strategy)| {
        let (id, now) = (ReplicaId::from_u128(1), Timestamp::from_millis(1));
        let start = Value::from((0..imported).collect::<Vec<_>>());
        let mut base = Document::from_value(&start, id, now).unwrap();
        let mut late: Vec<Document> = Vec::new();
        for (at, run, who, is_late) in past {
            let mut side = base.clone();
            let who = if is_late { 10 + late.len() as u128 } else { who };
            insert_run(&mut side, at % (array_of(&base).len() + 1), &run, who);
            if is_late { late.push(side) } else { base = side }
        }
        late.iter().for_each(|side| _ = base.merge(side));
        for at in removed {
            let len = array_of(&base).len();
            if len > 0 {
                base.remove(&format!("/{}", at % len), id, now).unwrap();
            }
        }
        check_runs(&base, spot % (array_of(&base).len() + 1), &runs);
    });
}

fn check_runs(base: &Document, spot: usize, runs: &[Run]) {
    let mut sides = Vec::new();
    for (who, run) in (1..).zip(runs) {
        let mut side = base.clone();
        let items = insert_run(&mut side, spot, run, who);
        let (before, after) = (&array_of(base)[..spot], &array_of(base)[spot..]);
        assert_eq!(array_of(&side), [before, &items, after].concat());
        sides.push((side, items));
    }
    let mut merged = base.clone();
    sides.iter().rev().for_each(|side| _ = merged.merge(&side.0));
    let mut other_way = base.clone();
    sides.iter().for_each(|side| _ = other_way.merge(&side.0));
    assert_eq!(merged, other_way);
    let found = array_of(&merged);
    assert_eq!(array_of(&other_way), found);
    let inserted: usize = sides.iter().map(|side| side.1.len()).sum();
    assert_eq!(found[..spot], array_of(base)[..spot]);
    assert_eq!(found[spot + inserted..], array_of(base)[spot..]);
    for (_, items) in &sides {
        let is_whole = items.is_empty() || found.windows(items.len()).any(|it| it == items);
        assert!(is_whole, "{items:?} in {found:?}");
    }
}
