//! A document is the writes that no visible edit was made over; what is read is defined here once
//! more, by listing them.

use crate::history::{Seen, Subject, histories, misused};
use proptest::prelude::*;
use rejoin::{
    Document, ReplicaId, Timestamp,
    document::{DocumentDelta, Value},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    slice::from_ref,
};

struct Json;

#[derive(Clone, Debug)]
enum Op {
    Set(&'static str, Value),
    Remove(&'static str),
    Update(Value),
}

type Names = Vec<String>;
/// The number of an event, and which of its writes.
type WriteId = (usize, usize);
/// Time, replica, and what was written later.
type Rank = (u64, ReplicaId, WriteId);

#[derive(Clone, Debug)]
struct Write {
    names: Names,
    /// The empty object for an object.
    value: Value,
    time: u64,
}

#[derive(Default)]
pub(super) struct Event {
    writes: Vec<Write>,
    over: BTreeSet<WriteId>,
}

/// What one replica can see, or has left after the writes of the edit under way.
#[derive(Clone, Default)]
struct Model {
    alive: BTreeMap<WriteId, (Rank, Names, Value)>,
    number: usize,
    event: usize,
}

fn names(pointer: &str) -> Names {
    pointer.split('/').skip(1).map(Into::into).collect()
}

impl Model {
    fn new(seen: &Seen<'_, Event>) -> Self {
        let mut model = Self { event: usize::MAX, ..Self::default() };
        for (number, replica, event) in &seen.0 {
            for (at, write) in event.writes.iter().enumerate() {
                let id = (*number, at);
                if seen.0.iter().all(|(_, _, other)| !other.over.contains(&id)) {
                    let rank = (write.time, *replica, id);
                    model.alive.insert(id, (rank, write.names.clone(), write.value.clone()));
                }
            }
        }
        model
    }

    fn is_mark(value: &Value) -> bool {
        matches!(value, Value::Object(_))
    }

    fn below<'a>(&'a self, at: &'a [String]) -> impl Iterator<Item = &'a (Rank, Names, Value)> {
        self.alive.values().filter(move |write| write.1.starts_with(at))
    }

    /// What is read at some names, if they can be reached: a leaf, or an object.
    fn read_at(&self, at: &[String]) -> Option<Value> {
        let leaf = self.below(at).filter(|it| it.1 == at && !Self::is_mark(&it.2));
        let leaf = leaf.max_by_key(|it| it.0);
        let object = self.below(at).filter(|it| it.1 != at || Self::is_mark(&it.2)).map(|it| it.0);
        match (leaf, object.max()) {
            (None, None) => None,
            (Some(leaf), object) if Some(leaf.0) > object => Some(leaf.2.clone()),
            _ => {
                let inside = self.below(at).filter_map(|it| it.1.get(at.len()).cloned());
                let fields: BTreeSet<String> = inside.collect();
                let value = |name: &String| self.read_at(&[at, from_ref(name)].concat());
                Some(fields.iter().filter_map(|name| Some((name.clone(), value(name)?))).collect())
            }
        }
    }

    fn get(&self, at: &[String]) -> Option<Value> {
        for end in 0..at.len() {
            self.read_at(&at[..end]).filter(Self::is_mark)?;
        }
        self.read_at(at)
    }

    fn settle(&mut self, at: &[String], now: u64, id: ReplicaId, event: &mut Event) {
        let losers: BTreeSet<WriteId> = self.ids(|write| write.1 == at && !Self::is_mark(&write.2));
        let marked = self.alive.values().any(|it| it.1 == at && Self::is_mark(&it.2));
        if !losers.is_empty() || !marked {
            self.replace(&losers, &[(at.to_vec(), Value::Object(BTreeMap::new()))], now, id, event);
        }
    }

    fn ids(&self, which: impl Fn(&(Rank, Names, Value)) -> bool) -> BTreeSet<WriteId> {
        self.alive.iter().filter(|(_, write)| which(write)).map(|(id, _)| *id).collect()
    }

    fn replace(
        &mut self,
        over: &BTreeSet<WriteId>,
        with: &[(Names, Value)],
        now: u64,
        replica: ReplicaId,
        event: &mut Event,
    ) {
        let after = over.iter().map(|id| self.alive[id].0.0 + 1).max().unwrap_or(0);
        let time = now.max(after);
        self.alive.retain(|id, _| !over.contains(id));
        event.over.extend(over);
        for (names, value) in with {
            let id = (self.event, self.number);
            self.number += 1;
            self.alive.insert(id, ((time, replica, id), names.clone(), value.clone()));
            event.writes.push(Write { names: names.clone(), value: value.clone(), time });
        }
    }

    fn enter(&mut self, at: &[String], now: u64, id: ReplicaId, event: &mut Event) -> Option<()> {
        for end in 0..at.len() {
            self.get(&at[..end]).filter(Self::is_mark)?;
            self.settle(&at[..end], now, id, event);
        }
        Some(())
    }

    fn set(
        &mut self,
        at: &[String],
        value: &Value,
        now: u64,
        id: ReplicaId,
        event: &mut Event,
    ) -> Option<()> {
        self.enter(at, now, id, event)?;
        let over = self.ids(|write| write.1.starts_with(at));
        let mut writes = Vec::new();
        flatten(at.to_vec(), value, &mut writes);
        self.replace(&over, &writes, now, id, event);
        Some(())
    }

    fn remove(&mut self, at: &[String], now: u64, id: ReplicaId, event: &mut Event) -> Option<()> {
        self.enter(at, now, id, event)?;
        self.get(at)?;
        let over = self.ids(|write| write.1.starts_with(at));
        self.replace(&over, &[], now, id, event);
        Some(())
    }

    fn update(
        &mut self,
        at: &[String],
        new: &Value,
        now: u64,
        id: ReplicaId,
        event: &mut Event,
    ) -> Option<()> {
        match (self.get(at), new) {
            (Some(Value::Object(old)), Value::Object(new)) => {
                let below = |name: &String| [at, from_ref(name)].concat();
                for name in old.keys().filter(|name| !new.contains_key(*name)) {
                    self.remove(&below(name), now, id, event)?;
                }
                new.iter()
                    .try_for_each(|(name, new)| self.update(&below(name), new, now, id, event))
            }
            (Some(old), new) if old == *new => Some(()),
            _ => self.set(at, new, now, id, event),
        }
    }
}

fn flatten(at: Names, value: &Value, out: &mut Vec<(Names, Value)>) {
    let Value::Object(fields) = value else {
        out.push((at, value.clone()));
        return;
    };
    out.push((at.clone(), Value::Object(BTreeMap::new())));
    for (name, value) in fields {
        flatten([&at[..], from_ref(name)].concat(), value, out);
    }
}

fn values() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        3 => (0..3_u64).prop_map(Value::from),
        1 => Just(Value::Null),
        1 => Just(Value::from(vec![1_u64, 2])),
    ];
    let object = |value: BoxedStrategy<Value>| {
        let name = prop_oneof![Just("a"), Just("b"), Just("c")];
        prop::collection::btree_map(name, value, 0..3).prop_map(Value::from_iter)
    };
    let flat = object(leaf.clone().boxed()).boxed();
    prop_oneof![3 => leaf.boxed(), 2 => flat.clone(), 1 => object(flat)].boxed()
}

const PATHS: [&str; 9] = ["", "/a", "/b", "/a/a", "/a/b", "/a/b/c", "/b/a", "/c", "/c/c"];

impl Subject for Json {
    type State = Document;
    type Delta = DocumentDelta;
    type Op = Op;
    type Event = Event;
    type Value = (Option<Value>, Vec<Option<Value>>);

    fn ops() -> BoxedStrategy<Op> {
        let path = prop::sample::select(&PATHS[..]);
        prop_oneof![
            4 => (path.clone(), values()).prop_map(|(path, value)| Op::Set(path, value)),
            2 => path.prop_map(Op::Remove),
            2 => values().prop_map(Op::Update),
        ]
        .boxed()
    }

    fn edit(
        document: &mut Document,
        op: &Op,
        id: ReplicaId,
        now: Timestamp,
    ) -> Option<DocumentDelta> {
        let before = document.clone();
        let result = match op {
            Op::Set(path, value) => document.set(path, value.clone(), id, now),
            Op::Remove(path) => document.remove(path, id, now),
            Op::Update(value) => document.update(value.clone(), id, now),
        };
        if let (Op::Update(value), Ok(_)) = (op, &result) {
            assert_eq!(document.to_value().as_ref(), Some(value), "update is exact");
            assert!(document.update(value.clone(), id, now).unwrap().is_empty(), "and then rests");
        }
        if let Ok(delta) = &result {
            let mut told = before;
            let report = told.apply_reporting(delta);
            assert_eq!(told, *document);
            assert_eq!(report.changed(), !delta.is_empty());
        }
        result.ok()
    }

    fn value(document: &Document) -> Self::Value {
        let whole = document.to_value();
        for open in document.conflicts() {
            assert_eq!(document.get(&open.path), open.winner.value, "the winner is what is read");
            assert!(!open.losers.is_empty());
        }
        (whole, PATHS.iter().map(|path| document.get(path)).collect())
    }

    fn check(document: &Document) -> Result<(), &'static str> {
        document.check_invariants()
    }

    fn event(op: &Op, id: ReplicaId, now: Timestamp, seen: &Seen<'_, Event>) -> Option<Event> {
        let (mut model, mut event, now) = (Model::new(seen), Event::default(), now.as_millis());
        match op {
            Op::Set(path, value) => model.set(&names(path), value, now, id, &mut event),
            Op::Remove(path) => model.remove(&names(path), now, id, &mut event),
            Op::Update(value) => model.update(&[], value, now, id, &mut event),
        }?;
        Some(event)
    }

    fn meaning(seen: &Seen<'_, Event>) -> Self::Value {
        let model = Model::new(seen);
        (model.get(&[]), PATHS.iter().map(|path| model.get(&names(path))).collect())
    }
}

#[test]
fn document_histories() {
    histories::<Json>();
    misused::<Json>();
}

/// `merge_reporting` against what can be seen from outside: the same join as `merge`, and changes
/// that turn the text before into the text after.
#[test]
fn reports_tell_what_changed() {
    let edits = || prop::collection::vec((Json::ops(), 0..30_u64), 0..8);
    let config = ProptestConfig { cases: 2_000, failure_persistence: None, ..<_>::default() };
    proptest!(config, |(shared in edits(), ours in edits(), theirs in edits(), again in edits())| {
        let play = |document: &mut Document, edits: &[(Op, u64)], id: u128| {
            for (op, now) in edits {
                Json::edit(document, op, ReplicaId::from_u128(id), Timestamp::from_millis(*now));
            }
        };
        let mut base = Document::new();
        play(&mut base, &shared, 1);
        let (mut our, mut their) = (base.clone(), base);
        play(&mut our, &ours, 2);
        play(&mut their, &theirs, 3);
        check_report(&our, &their);
        check_report(&their, &our);
        rejoin::Merge::merge(&mut our, &their);
        play(&mut our, &again, 2);
        check_report(&their, &our);
        check_report(&our, &their);
    });
}

fn check_report(ours: &Document, theirs: &Document) {
    let mut merged = ours.clone();
    let changed = rejoin::Merge::merge(&mut merged, theirs);
    let mut reporting = ours.clone();
    let report = reporting.merge_reporting(theirs);
    assert_eq!(reporting, merged);
    assert_eq!(report.changed(), changed);

    let mut text = ours.to_value();
    for change in report.changes() {
        assert_ne!(change.before, change.after);
        assert_eq!(ours.get(&change.path), change.before);
        assert_eq!(merged.get(&change.path), change.after);
        put(&mut text, &names(&change.path), change.after.clone());
    }
    assert_eq!(text, merged.to_value(), "the changes are all that changed");
    for conflict in report.conflicts() {
        assert_eq!(merged.get(&conflict.path), conflict.winner.value);
    }
}

fn put(into: &mut Option<Value>, at: &[String], value: Option<Value>) {
    let Some((name, rest)) = at.split_first() else {
        *into = value;
        return;
    };
    let Some(Value::Object(fields)) = into else { panic!("a change inside what is no object") };
    let mut field = fields.remove(name);
    put(&mut field, rest, value);
    fields.extend(field.map(|field| (name.clone(), field)));
}
