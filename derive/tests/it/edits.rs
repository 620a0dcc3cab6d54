//! An edit over several fields is one delta, all or nothing.

use crate::{
    at, replica,
    types::{Pair, Session, SessionDelta},
};
use rejoin::{
    Delta, DeltaState, GCounter, Merge, PnCounter, WriteError,
    sync::{Gate, Refused},
};
use std::panic::{AssertUnwindSafe, catch_unwind};

fn some() -> Session {
    let us = replica("us");
    let mut session = Session::default();
    session.open.increment(3, us).unwrap();
    session.tags.extend(["a".to_string(), "b".to_string()], us).unwrap();
    session.title.set("first".into(), us, at(1)).unwrap();
    session
}

#[test]
fn several_fields_are_one_delta() {
    let (us, mut ours) = (replica("us"), some());
    let mut theirs = ours.clone();
    let delta = ours
        .edit(|s| {
            let open = SessionDelta::open(s.open.decrement(1, us)?);
            let tags = SessionDelta::tags(s.tags.remove("a", us)?);
            let more = SessionDelta::tags(s.tags.insert("c".into(), us)?);
            Ok::<_, WriteError>(open.joined(tags).joined(more))
        })
        .unwrap();
    assert_eq!(ours.open.value(), 2);
    assert!(ours.tags.contains("c") && !ours.tags.contains("a"));
    assert!(delta.title.is_empty() && !delta.tags.is_empty());
    assert!(theirs.apply(&delta));
    assert_eq!(theirs, ours);
    assert!(!theirs.apply_owned(delta), "nothing new the second time");
}

#[test]
fn an_edit_that_fails_or_panics_leaves_everything_as_it_was() {
    let (us, mut session) = (replica("us"), some());
    let failed = session.edit(|s| {
        s.tags.clear(us)?;
        s.title.set("second".into(), us, at(2))?;
        s.open.increment(u64::MAX, us)?;
        s.open.increment(u64::MAX, us).map(SessionDelta::open)
    });
    assert!(failed.is_err());
    assert_eq!(session, some());
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        session.draft(|s| {
            s.tags.clear(us).unwrap();
            s.open.increment(1, us).unwrap();
            panic!("in the middle");
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(session, some());
}

/// The state never holds what peers are not told.
#[test]
fn what_is_not_in_the_delta_is_not_done() {
    let (us, mut session) = (replica("us"), some());
    let delta = session
        .edit(|s| {
            s.tags.clear(us)?;
            s.open.increment(1, us).map(SessionDelta::open)
        })
        .unwrap();
    assert_eq!((session.open.value(), session.tags.len()), (4, 2));
    let mut theirs = some();
    theirs.apply(&delta);
    assert_eq!(theirs, session);
}

#[test]
fn a_state_that_is_swapped_in_a_draft_stays_whole() {
    let (us, mut one, mut other) = (replica("us"), some(), Session::default());
    other.tags.insert("z".into(), replica("eu")).unwrap();
    let before = other.clone();
    one.draft(|one| {
        one.tags.remove("a", us).unwrap();
        std::mem::swap(one, &mut other);
        one.open.increment(1, us).unwrap();
    });
    assert_eq!(one.tags, before.tags, "as `draft` of a set");
    one.tags.insert("y".into(), us).unwrap();
    other.tags.insert("x".into(), us).unwrap();
    assert!(one.tags.contains("y") && other.tags.contains("x"));
}

#[test]
fn a_draft_in_a_draft() {
    let (us, mut session) = (replica("us"), some());
    let outer = session.draft(|s| {
        let first = SessionDelta::tags(s.tags.insert("c".into(), us).unwrap());
        let second = s.edit(|s| s.tags.insert("d".into(), us).map(SessionDelta::tags)).unwrap();
        assert_eq!(s.tags.len(), 4);
        first.joined(second)
    });
    assert_eq!(session, some());
    session.apply_owned(outer);
    assert_eq!(session.tags.len(), 4);
}

#[test]
fn peers_ask_for_what_they_lack() {
    let (us, eu) = (replica("us"), replica("eu"));
    let (mut ours, mut theirs) = (some(), Session::default());
    theirs.tags.insert("eu".into(), eu).unwrap();
    theirs.open.increment(2, eu).unwrap();
    theirs.apply_owned(ours.delta_since(&theirs.version()));
    ours.apply_owned(theirs.delta_since(&ours.version()));
    assert_eq!(ours, theirs);
    assert!(ours.delta_since(&theirs.version()).is_empty());

    ours.tags.insert("new".into(), us).unwrap();
    let lacks = ours.delta_since(&theirs.version());
    assert!(lacks.open.is_empty() && lacks.title.is_empty());
    assert_eq!(lacks.tags.added().count(), 1);
    assert!(rejoin::Known::covers(&ours.version(), &theirs.version()));
    assert!(!rejoin::Known::covers(&theirs.version(), &ours.version()));
    assert!(rejoin::Known::exceeds(&ours.version(), &theirs.version(), us));
    assert!(!rejoin::Known::exceeds(&ours.version(), &theirs.version(), eu));
}

/// A gate sees the times and the writers of every field.
#[test]
fn a_gate_looks_at_every_field() {
    let (us, eu) = (replica("us"), replica("eu"));
    let state = some();
    let late = SessionDelta::title(state.clone().title.set("late".into(), us, at(90)).unwrap());
    assert_eq!(late.latest(), Some(at(90)));
    let both = SessionDelta::open(PnCounter::new()).joined(late.clone());
    assert_eq!(
        Gate::new().until(at(50)).check(&state, &both),
        Err(Refused::Time { time: at(90), limit: at(50) })
    );
    let forged = SessionDelta::open(state.clone().open.increment(1, eu).unwrap());
    assert_eq!(
        Gate::new().writers([us]).check(&state, &late.joined(forged)),
        Err(Refused::Writer(eu))
    );
}

#[test]
fn merges_tell_whether_they_changed_anything() {
    let mut pair: Pair<GCounter, u8> = Pair::default();
    let mut other = pair.clone();
    other.0.increment(1, replica("us")).unwrap();
    assert!(pair.merge(&other));
    assert!(!pair.merge(&other));
    other.1.insert(1, replica("us")).unwrap();
    assert!(pair.merge_owned(other.clone()));
    assert!(!pair.merge_owned(other));
}
