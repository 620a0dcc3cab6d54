//! Which rules may stand beside each other, and which of several is followed.

use crate::effort::count;
use proptest::{collection::vec, prelude::*, sample::select};
use rejoin::{
    Document, ReplicaId, Timestamp,
    document::{DocumentError, Rules, Value},
    laws::Invariants,
};

type Made = Result<Rules, DocumentError>;

const KINDS: [fn(Rules, &str) -> Made; 9] = [
    |rules, path| rules.keyed(path, "k"),
    |rules, path| rules.ordered_by(path, "t"),
    Rules::set,
    Rules::atomic,
    Rules::counter,
    Rules::max,
    Rules::min,
    |rules, path| rules.prefer(path, [ReplicaId::from_u128(3)]),
    Rules::delete_wins,
];

fn patterns() -> impl Strategy<Value = String> {
    vec(select(&["/a", "/b", "/*", "/~1~0"][..]), 0..4).prop_map(|steps| steps.concat())
}

fn rule() -> impl Strategy<Value = (usize, String)> {
    (0..KINDS.len(), patterns())
}

#[test]
fn rules_contradict_each_other_whichever_comes_first() {
    let config =
        ProptestConfig { cases: count(5_000), failure_persistence: None, ..<_>::default() };
    proptest!(config, |(one in rule(), other in rule())| {
        let both = |first: &(usize, String), second: &(usize, String)| {
            let rules = KINDS[first.0](Rules::new(), &first.1).unwrap();
            KINDS[second.0](rules, &second.1).map(|_| ()).map_err(|error| {
                assert!(error.is_contradiction(), "{error}");
            })
        };
        prop_assert_eq!(both(&one, &other), both(&other, &one));
        prop_assert_eq!(both(&one, &one), Ok(()), "a rule does not contradict itself");
    });
}

/// Whatever the rules are, and whatever is written: every edit is made or refused, and what is read
/// after an update is what was asked for, but for what the rules say.
#[test]
fn any_rules_stand_any_edit() {
    let config =
        ProptestConfig { cases: count(5_000), failure_persistence: None, ..<_>::default() };
    let scalar = || prop_oneof![(0..3_u64).prop_map(Value::from), Just(Value::from("x"))];
    let value = scalar().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(select(&["a", "b", "k", "t", "id"][..]), inner, 0..3)
                .prop_map(Value::from_iter),
        ]
    });
    let edits = vec((0..5_usize, patterns(), value, 0..9_u64), 0..8);
    proptest!(config, |(texts in vec(rule(), 0..6), edits in edits)| {
        let mut rules = Rules::new();
        for (kind, path) in &texts {
            rules = KINDS[*kind](rules.clone(), path).unwrap_or(rules);
        }
        let mut document = Document::with_rules(rules);
        for (kind, path, value, now) in edits {
            let (us, now) = (ReplicaId::from_u128(1), Timestamp::from_millis(now));
            let path = path.replace('*', "0");
            let before = document.clone();
            let made = match kind {
                0 => document.set(&path, &value, us, now),
                1 => document.remove(&path, us, now),
                2 => document.push(&path, &value, us, now),
                3 => document.increment(&path, 1, us, now),
                _ => document.update(&value, us, now),
            };
            document.check_invariants().unwrap();
            if let Ok(delta) = made {
                let mut told = before.clone();
                let report = told.apply_reporting(&delta);
                prop_assert_eq!(&told, &document);
                crate::spec::check_replay(&before, &document, &report);
            } else { prop_assert_eq!(&before, &document) }
            if let Some(read) = document.to_value() {
                prop_assert!(document.update(&read, us, now).unwrap().is_empty(), "{}", read);
            }
        }
    });
}

#[test]
fn a_rule_that_names_more_fields_is_followed() {
    let rules = Rules::new().max("/*").unwrap().min("/low").unwrap();
    let other_way = Rules::new().min("/low").unwrap().max("/*").unwrap();
    let (us, at) = (ReplicaId::from_u128(1), Timestamp::from_millis);
    for rules in [rules, other_way] {
        let mut document = Document::with_rules(rules);
        for (path, number) in [("/low", 2), ("/top", 2), ("/low", 1), ("/top", 1), ("/low", 3)] {
            document.set(path, number, us, at(1)).unwrap();
        }
        assert_eq!(document.to_string(), r#"{"low":1,"top":2}"#);
    }
}

#[test]
fn nothing_is_ruled_inside_of_what_is_one_value() {
    for closed in [3, 4, 5, 6] {
        for kind in KINDS {
            let outer = KINDS[closed](Rules::new(), "/a").unwrap();
            assert!(kind(outer, "/a/*").unwrap_err().is_contradiction());
            let inner = kind(Rules::new(), "/*/b").unwrap();
            assert!(KINDS[closed](inner, "/a").unwrap_err().is_contradiction());
        }
    }
}
