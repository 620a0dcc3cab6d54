//! What holds of documents without saying how.

use super::{
    Json, Op, keys,
    values::{documents, values},
};
use crate::{effort::count, world::Subject};
use proptest::{collection::vec, prelude::*};
use rejoin::{
    DeltaState, Document, Merge, ReplicaId, Timestamp,
    document::{Change, Claim, Conflict, ConflictKind, Kind, Path, Report, Step, Value},
    laws::Invariants,
};

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
        assert!(is_read(document, &open), "the winner is what is read: {open:?}");
        assert_greatest_first(&open);
    }
}

/// Whether the winner is what is read.
fn is_read(document: &Document, conflict: &Conflict) -> bool {
    let pointer = conflict.path.to_string();
    let read_as = |pointer| document.at(pointer).map(|it| it.kind());
    match (conflict.kind, &conflict.winner.claim) {
        (ConflictKind::Move, Claim::Value(index)) => {
            let last = conflict.path.last();
            let at = |index: usize| Value::from(index as u64);
            matches!(last, Some(Step::Item(it)) if at(it) == *index)
                && document.get(&pointer).is_some()
        }
        (ConflictKind::Keys, Claim::Value(_)) => read_as(&pointer) == Some(Kind::Array),
        (_, Claim::Value(value)) => document.get(&pointer).as_ref() == Some(value),
        (_, Claim::Read(kind)) => read_as(&pointer) == Some(*kind),
        (_, Claim::Deletion) => false,
    }
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

/// Stamps that are known first, the greatest of them the very first.
fn assert_greatest_first(conflict: &Conflict) {
    let stamps: Vec<_> = conflict.losers.iter().map(|loser| loser.stamp).collect();
    assert!(stamps.is_sorted_by(|one, next| one >= next), "{conflict:?}");
}

fn check_report(ours: &Document, theirs: &Document) {
    let mut merged = ours.clone();
    let changed = merged.merge(theirs);
    let mut reporting = ours.clone();
    let report = reporting.merge_reporting(theirs);
    assert_eq!(reporting, merged);
    assert_eq!(report.changed(), changed);
    check_replay(ours, &merged, &report);
}

/// A report against what can be seen from outside: its changes turn the JSON before into the JSON
/// after, each of them is one, and its conflicts are told as they are read.
pub(crate) fn check_replay(before: &Document, after: &Document, report: &Report) {
    let mut json = before.to_value();
    for change in report.changes() {
        assert_ne!(change.before, change.after, "{change:?}");
        let was = replay(&mut json, change);
        assert_eq!(was, change.before, "{change:?} of {:?}", report.changes());
    }
    assert_eq!(json, after.to_value(), "the changes are all that changed: {report:?}");
    for conflict in report.conflicts() {
        assert!(is_read(after, conflict), "{conflict:?}");
        assert_greatest_first(conflict);
    }
    let in_order =
        |one: &Conflict, next: &Conflict| (&one.path, one.kind) < (&next.path, next.kind);
    assert!(report.conflicts().is_sorted_by(in_order), "{report:?}");
    let coming = report.changes().iter().filter(|change| change.after.is_some());
    assert!(coming.is_sorted_by(|one, next| one.path < next.path), "{report:?}");
}

/// One step as the documentation says; what stood there.
fn replay(json: &mut Option<Value>, change: &Change) -> Option<Value> {
    let after = change.after.clone();
    let (Some(container), Some(last)) = (change.path.parent(), change.path.last()) else {
        return std::mem::replace(json, after);
    };
    match (at(json, container), last, &change.before, after) {
        (Some(Value::Object(fields)), Step::Field(name), _, Some(after)) => {
            fields.insert(name.into(), after)
        }
        (Some(Value::Object(fields)), Step::Field(name), _, None) => fields.remove(name),
        (Some(Value::Array(items)), Step::Item(index), None, Some(after)) => {
            items.insert(index, after);
            None
        }
        (Some(Value::Array(items)), Step::Item(index), Some(_), Some(after)) => {
            Some(std::mem::replace(&mut items[index], after))
        }
        (Some(Value::Array(items)), Step::Item(index), _, None) => Some(items.remove(index)),
        (found, ..) => panic!("{change:?} finds {found:?}"),
    }
}

fn at<'a>(json: &'a mut Option<Value>, path: &Path) -> Option<&'a mut Value> {
    path.steps().try_fold(json.as_mut()?, |value, step| match (value, step) {
        (Value::Object(fields), Step::Field(name)) => fields.get_mut(name),
        (Value::Array(items), Step::Item(index)) => items.get_mut(index),
        _ => None,
    })
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
            our.set_rules(keys(now));
            let mut via_delta = our.clone();
            let id = ReplicaId::from_u128(4);
            let delta = our.update(value, id, now).unwrap();
            prop_assert_eq!(our.to_value(), Some(value.clone()));
            our.check_invariants().unwrap();
            prop_assert!(our.update(value, id, now).unwrap().is_empty());
            via_delta.apply_owned(delta);
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

/// The items, and whether others were re-placed for them.
fn insert_run(list: &mut Document, at: usize, run: &[bool], who: u128) -> (Vec<Value>, bool) {
    let (id, now) = (ReplicaId::from_u128(who), Timestamp::from_millis(1));
    let len = array_of(list).len();
    let (mut items, mut has_re_placed) = (Vec::new(), false);
    for (number, at_end) in run.iter().enumerate() {
        let value = Value::from(format!("{who}, {number} of {len}"));
        let within = if *at_end { items.len() } else { 0 };
        let delta = list.insert(&format!("/{}", at + within), &value, id, now).unwrap();
        // Its place and its value; anything else makes room.
        has_re_placed |= delta.write_count() > 2;
        items.insert(within, value);
    }
    (items, has_re_placed)
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
    let roomy = std::cell::Cell::new(0_u32);
    let cases = count(2_000);
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
        let had_room = check_runs(&base, spot % (array_of(&base).len() + 1), &runs);
        roomy.set(roomy.get() + u32::from(had_room));
    });
    assert!(roomy.get() * 20 > cases * 19, "room for {} of {cases}", roomy.get());
}

/// Whether there was room for all.
fn check_runs(base: &Document, spot: usize, runs: &[Run]) -> bool {
    let mut sides = Vec::new();
    for (who, run) in (1..).zip(runs) {
        let mut side = base.clone();
        let (items, has_re_placed) = insert_run(&mut side, spot, run, who);
        let (before, after) = (&array_of(base)[..spot], &array_of(base)[spot..]);
        assert_eq!(array_of(&side), [before, &items, after].concat());
        // Deep in runs within runs room is made, and what is inserted there meanwhile may come between.
        if has_re_placed {
            return false;
        }
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
    true
}
