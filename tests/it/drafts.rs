//! Drafts: the delta is made, and the state stays as it was.

use crate::{at, encoded::bytes, replica};
use rejoin::{
    BoundedCounter, DeltaState, Document, EnableFlag, GCounter, Gauge, Merge, MvRegister, OrMap,
    OrSet, PnCounter, Presence, document::Value, laws::Invariants, wire,
};
use serde_json::json;
use std::panic::{AssertUnwindSafe, catch_unwind};

#[test]
fn an_edit_that_panics_in_a_draft_is_taken_back() {
    let us = replica("us");
    let mut set = OrSet::new();
    set.extend([1, 2, 3], us).unwrap();
    let mut document = Document::from_json(&json!({"a": [1, 2], "n": 1}), us, at(1)).unwrap();
    let (set_before, document_before) = (set.clone(), document.clone());
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        set.draft(|set| {
            set.remove(&2, us).unwrap();
            panic!("in the middle");
        })
    }));
    assert!(panicked.is_err());
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        document.draft(|document| {
            document.push("/a", 3, us, at(2)).unwrap();
            let mut edit = document.edit(us, at(3));
            edit.set("/n", 2).unwrap();
            panic!("in the middle");
        })
    }));
    assert!(panicked.is_err());
    assert_eq!((&set, &document), (&set_before, &document_before));
    assert_eq!((set.check_invariants(), document.check_invariants()), (Ok(()), Ok(())));
}

/// A state that is given away from within its draft takes its notes along: both go on.
#[test]
fn a_state_that_is_swapped_in_a_draft_stays_whole() {
    let us = replica("us");
    let (mut one, mut other) = (OrSet::new(), OrSet::new());
    one.extend([1, 2], us).unwrap();
    other.insert(7, replica("eu")).unwrap();
    one.draft(|one| {
        one.remove(&1, us).unwrap();
        other.draft(|other| {
            other.insert(8, us).unwrap();
            std::mem::swap(one, other);
            one.insert(9, us).unwrap();
        });
        other.insert(10, us).unwrap();
    });
    assert_eq!((one.check_invariants(), other.check_invariants()), (Ok(()), Ok(())));
    let [mut ours, mut theirs] =
        [json!({"a": 1}), json!([1])].map(|it| Document::from_json(&it, us, at(1)).unwrap());
    ours.draft(|ours| {
        ours.set("/a", 2, us, at(2)).unwrap();
        theirs.draft(|theirs| {
            theirs.push("", 2, us, at(2)).unwrap();
            std::mem::swap(ours, theirs);
            ours.push("", 2, us, at(2)).unwrap();
        });
    });
    assert_eq!((ours.check_invariants(), theirs.check_invariants()), (Ok(()), Ok(())));
}

/// What fails in a draft leaves nothing behind, also not the name of a replica that never wrote.
#[test]
fn a_draft_that_is_refused_leaves_nothing_behind() {
    let (us, new) = (replica("us"), replica("eu"));
    let mut document = Document::from_json(&json!({"a": 1}), us, at(1)).unwrap();
    let before = document.clone();
    document.draft(|document| {
        let mut edit = document.edit(new, at(2));
        edit.set("/b", 1).unwrap();
        edit.remove("/a").unwrap();
        assert!(edit.set("/c/d", 1).is_err());
        drop(edit);
        let mut edit = document.edit(new, at(2));
        edit.set("/a", 2).unwrap();
        assert!(!edit.draft().is_empty());
        assert!(document.edit(new, at(3)).set("/x/y", 1).is_err());
    });
    assert_eq!(document, before);
    assert_eq!(bytes(&document), bytes(&before));
    assert_eq!(document.check_invariants(), Ok(()));
}

/// States that hold nothing take in a whole other one in a draft, too.
#[test]
fn what_is_merged_into_nothing_is_taken_back() {
    let us = replica("us");
    let mut set = OrSet::new();
    set.insert(1, us).unwrap();
    let mut nothing = OrSet::new();
    assert!(nothing.draft(|nothing| nothing.merge_owned(set.clone())));
    assert!(nothing.draft(|nothing| nothing.apply_owned(set.delta_since(&<_>::default()))));
    assert_eq!(nothing, OrSet::new());
    let full = Document::from_json(&json!({"a": 1}), us, at(1)).unwrap();
    let mut nothing = Document::new();
    assert!(nothing.draft(|nothing| nothing.merge_owned(full.clone())));
    assert!(nothing.draft(|nothing| nothing.apply(&full.delta_since(&<_>::default()))));
    assert_eq!(nothing, Document::new());
    assert_eq!(bytes(&nothing), bytes(&Document::new()));
}

/// An edit of a draft, and the same made in place.
#[test]
fn each_type_drafts_what_it_would_do() {
    fn check<
        T: DeltaState<Delta: PartialEq + std::fmt::Debug> + Clone + PartialEq + std::fmt::Debug,
    >(
        mut state: T,
        edit: impl Fn(&mut T) -> T::Delta,
    ) {
        let before = state.clone();
        let delta = state.draft(&edit);
        assert_eq!(state, before);
        assert_eq!(edit(&mut state), delta);
        let mut applied = before;
        assert!(applied.apply(&delta));
        assert_eq!(applied, state);
    }
    let us = replica("us");
    check(GCounter::new(), |it| it.increment(1, us).unwrap());
    check(PnCounter::new(), |it| it.decrement(1, us).unwrap());
    check(BoundedCounter::new(), |it| it.increment(1, us).unwrap());
    check(Gauge::new(), |it| it.open(1, us).unwrap());
    check(Presence::new(), |it| it.join("ana", 1, us).unwrap());
    check(EnableFlag::new(), |it| it.enable(us).unwrap());
    check(MvRegister::new(), |it| it.set("a", us).unwrap());
    check(OrSet::new(), |it| it.extend(["a", "b"], us).unwrap());
    check(OrMap::new(), |it| it.insert("a", 1, us, at(1)).unwrap());
    check(Document::new(), |it| it.set("/a", Value::from(1), us, at(1)).unwrap());
    check((OrSet::new(), PnCounter::new()), |it| {
        (it.0.insert(1, us).unwrap(), it.1.increment(1, us).unwrap())
    });
}

/// The cost of a draft is that of the edit: bytes that the allocator is asked for, at two sizes.
#[test]
fn a_draft_copies_no_state() {
    let us = replica("us");
    let asked = |n: u64| {
        let mut set = OrSet::new();
        set.extend(0..n, us).unwrap();
        let row = wire::to_bytes(&set);
        let mut document =
            Document::from_json(&json!((0..n).collect::<Vec<_>>()), us, at(1)).unwrap();
        document.set("/0", 1, us, at(2)).unwrap();
        let of_set = allocation_counter::measure(|| drop(set.draft(|set| set.remove(&7, us))));
        let of_document = allocation_counter::measure(|| {
            let mut edit = document.edit(us, at(3));
            edit.set("/5", 9).unwrap();
            drop(edit.draft());
            drop(document.draft(|document| document.set("/6", 9, us, at(3))));
        });
        assert_eq!(wire::to_bytes(&set), row);
        (of_set.bytes_total, of_document.bytes_total)
    };
    let (small, large) = (asked(1_000), asked(30_000));
    assert!(large.0 < small.0 + 500 && large.1 < small.1 + 2_000, "{small:?} and {large:?}");
}
