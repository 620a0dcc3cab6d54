//! A document under rules, some of which its replicas do not share: what is read at each path,
//! defined by listing the writes.
//!
//! The containers are there from the beginning, and nobody removes them. So every list is marked,
//! and what is an item of a list is told by its key alone; lists that are not, and where items
//! stand that are placed, are left to the model of plain documents.

mod fleet;
mod model;
mod rules;
mod save;

use crate::{
    cursors::check_cursors,
    effort::{count, one_in},
    encoded::document_form,
    history::{misused, try_histories},
    small::Small,
    spec::check_replay,
    world::{Seen, Subject, limited},
};
use fleet::Fleet;
use model::{Event, Model, below, item, way};
use proptest::{collection::vec, prelude::*, sample::select};
use rejoin::{
    DeltaState, Document, Merge, Now, ReplicaId, Timestamp, Version,
    document::{Conflict, DocumentDelta, DocumentError, Value},
    laws::Invariants,
    wire::{DecodeError, Reader, Schema, Wire, Writer},
};

const MSGS: [&str; 3] = ["m1", "m2", "m3"];
const TAGS: [&str; 4] = ["a", "b", "c", "d"];
const DRAFTS: [&str; 2] = ["d1", "d2"];
/// Fields that hold one value.
const LEAVES: [&str; 4] = ["pos", "top", "low", "price"];

/// Where the list of messages is `LATE`, it was written by a replica that knew of no order.
pub(super) struct Ruled<const LATE: bool>;

#[derive(Clone, Debug)]
pub(super) enum Op {
    Set(&'static str, Value),
    Remove(&'static str),
    /// A field of what may be one value.
    SetInside(Value),
    PushTag(&'static str),
    SetTag(usize, &'static str),
    RemoveTag(usize),
    SetDraft(&'static str, &'static str),
    SetText(&'static str, &'static str),
    RemoveDraft(&'static str),
    RemoveText(&'static str),
    Increment(i64),
    Push(Value),
    /// A field of the message with this key.
    Edit(&'static str, &'static str, Value),
    Forget(&'static str, &'static str),
    RemoveKey(&'static str),
    RemoveAt(usize),
    /// A save of the whole in which this field differs.
    Save(&'static str, Value),
    /// A save against what was read, in which this field was the one and is now the other.
    SaveFrom(&'static str, Value, Value),
}

/// What is read.
#[derive(Debug)]
pub(super) struct Read {
    whole: Value,
    /// Whether the messages stand where they were put: in which order is not looked at.
    is_by_place: bool,
    /// The pointers of the messages, by key.
    items: Vec<Option<String>>,
    /// What is in conflict at each leaf.
    conflicts: Vec<Vec<Value>>,
}

impl Read {
    fn unordered(&self) -> (Value, Vec<bool>) {
        let mut whole = self.whole.clone();
        if let Some(Value::Array(items)) = whole.get_mut("msgs") {
            items.sort();
        }
        (whole, self.items.iter().map(Option::is_some).collect())
    }
}

impl PartialEq for Read {
    fn eq(&self, other: &Self) -> bool {
        self.conflicts == other.conflicts
            && if self.is_by_place || other.is_by_place {
                self.unordered() == other.unordered()
            } else {
                (&self.whole, &self.items) == (&other.whole, &other.items)
            }
    }
}

/// A document in which the containers are there from the beginning.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub(super) struct Begun<const LATE: bool>(Document);

impl<const LATE: bool> Default for Begun<LATE> {
    fn default() -> Self {
        let fleet = if LATE { Fleet::Old } else { Fleet::New };
        let (id, now) = (ReplicaId::from_u128(0), Timestamp::from_millis(0));
        let list = || Value::Array(Vec::new());
        let start = [("drafts", Value::Object(<_>::default())), ("msgs", list())];
        let mut document =
            Document::from_value_with(fleet.rules(), Value::from_iter(start), id, now).unwrap();
        document.set_rules(Fleet::New.rules());
        document.set("/tags", list(), id, now).unwrap();
        Self(document)
    }
}

impl<const LATE: bool> Wire for Begun<LATE> {
    fn schema(schema: &mut Schema) {
        schema.named("Begun");
    }

    fn encode(&self, out: &mut Writer) {
        self.0.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Document::decode(input).map(Self)
    }
}

impl<const LATE: bool> Merge for Begun<LATE> {
    fn merge(&mut self, other: &Self) -> bool {
        self.0.merge(&other.0)
    }

    fn merge_owned(&mut self, other: Self) -> bool {
        self.0.merge_owned(other.0)
    }
}

impl<const LATE: bool> DeltaState for Begun<LATE> {
    type Delta = DocumentDelta;
    type Version = Version;

    fn version(&self) -> Version {
        self.0.version()
    }

    fn delta_since(&self, peer: &Version) -> DocumentDelta {
        self.0.delta_since(peer)
    }

    fn apply(&mut self, delta: &DocumentDelta) -> bool {
        self.0.apply(delta)
    }

    fn apply_owned(&mut self, delta: DocumentDelta) -> bool {
        self.0.apply_owned(delta)
    }
}

fn pointer(key: &str, document: &Document, name: &str) -> Option<String> {
    Some(format!("{}{name}", document.item("/msgs", key)?))
}

fn apply(
    op: &Op,
    late: bool,
    document: &mut Document,
    id: ReplicaId,
    now: Now,
) -> Option<Result<DocumentDelta, DocumentError>> {
    Some(match op {
        Op::Set(path, value) => document.set(path, value, id, now),
        Op::Remove(path) => document.remove(path, id, now),
        Op::SetInside(value) => document.set("/pos/x", value, id, now),
        Op::PushTag(tag) => document.push("/tags", *tag, id, now),
        Op::SetTag(at, tag) => document.set(&format!("/tags/{at}"), *tag, id, now),
        Op::RemoveTag(at) => document.remove(&format!("/tags/{at}"), id, now),
        Op::SetDraft(name, text) => document.set(&format!("/drafts/{name}"), draft(text), id, now),
        Op::SetText(name, text) => document.set(&format!("/drafts/{name}/text"), *text, id, now),
        Op::RemoveDraft(name) => document.remove(&format!("/drafts/{name}"), id, now),
        Op::RemoveText(name) => document.remove(&format!("/drafts/{name}/text"), id, now),
        Op::Increment(by) if *by < 0 => document.decrement("/n", by.unsigned_abs(), id, now),
        Op::Increment(by) => document.increment("/n", by.unsigned_abs(), id, now),
        Op::Push(message) if document.item("/msgs", &message["id"]).is_some() => return None,
        Op::Push(message) => document.push("/msgs", message, id, now),
        Op::Edit(key, name, value) => {
            let pointer = pointer(key, document, &format!("/{name}"))?;
            document.set(&pointer, value, id, now)
        }
        Op::Forget(key, name) => {
            let pointer = pointer(key, document, &format!("/{name}"))?;
            document.remove(&pointer, id, now)
        }
        Op::RemoveKey(key) => document.remove(&pointer(key, document, "")?, id, now),
        Op::RemoveAt(_) | Op::Save("msgs", _) if late => return None,
        Op::RemoveAt(at) => document.remove(&format!("/msgs/{at}"), id, now),
        Op::Save(name, value) => {
            let mut whole = document.to_value()?;
            let Value::Object(fields) = &mut whole else { return None };
            fields.insert((*name).into(), value.clone());
            document.update(whole, id, now)
        }
        Op::SaveFrom(name, read, new) => {
            let whole = document.to_value()?;
            let with = |value: &Value| {
                let mut whole = whole.clone();
                whole.as_object_mut()?.insert((*name).into(), value.clone());
                Some(whole)
            };
            document.update_from(&with(read)?, &with(new)?, id, now).map(|it| it.0)
        }
    })
}

fn draft(text: &str) -> Value {
    Value::from_iter([("text", text)])
}

fn event(op: &Op, late: bool, model: &mut Model) -> Option<()> {
    let tags = way(&["tags"]);
    let named = |pointer: &str| way(&[&pointer[1..]]);
    let drafts = |name: &str| way(&["drafts", name]);
    match op {
        Op::Set(path, value) => model.set(&named(path), value)?,
        Op::Remove(path) => model.remove(&named(path)),
        Op::SetInside(value) => model.set(&way(&["pos", "x"]), value)?,
        Op::PushTag(tag) => model.push(&tags, &Value::from(*tag)),
        Op::SetTag(at, tag) => {
            let members = model.items(&tags);
            if let Some(member) = members.get(*at) {
                model.remove(&[&tags[..], std::slice::from_ref(member)].concat());
            } else if *at > members.len() {
                return None;
            }
            model.push(&tags, &Value::from(*tag));
        }
        Op::RemoveTag(at) => {
            if let Some(member) = model.items(&tags).get(*at) {
                model.remove(&[&tags[..], std::slice::from_ref(member)].concat());
            }
        }
        Op::SetDraft(name, text) => model.set(&drafts(name), &draft(text))?,
        Op::SetText(name, text) => model.set(&below(&drafts(name), "text"), &(*text).into())?,
        Op::RemoveDraft(name) => model.remove(&drafts(name)),
        Op::RemoveText(name) => model.remove(&below(&drafts(name), "text")),
        Op::Increment(by) => model.increment(&way(&["n"]), *by),
        Op::Push(message) => {
            let key = message["id"].as_str()?;
            if model.is_there(&item(key)) {
                return None;
            }
            model.push(&way(&["msgs"]), message);
        }
        Op::Edit(key, name, value) => {
            model.is_there(&item(key)).then_some(())?;
            model.set(&below(&item(key), name), value)?;
        }
        Op::Forget(key, name) => {
            model.is_there(&item(key)).then_some(())?;
            model.remove(&below(&item(key), name));
        }
        Op::RemoveKey(key) => {
            model.is_there(&item(key)).then_some(())?;
            model.remove(&item(key));
        }
        Op::RemoveAt(_) | Op::Save("msgs", _) if late => return None,
        Op::RemoveAt(at) => {
            let msgs = way(&["msgs"]);
            if let Some(item) = model.items(&msgs).get(*at) {
                model.remove(&[&msgs[..], std::slice::from_ref(item)].concat());
            }
        }
        Op::Save(name, value) => model.save(name, value),
        Op::SaveFrom(name, read, new) => model.save_from(name, read, new),
    }
    Some(())
}

fn numbers() -> BoxedStrategy<Value> {
    prop_oneof![
        4 => (-2..5_i64).prop_map(Value::from),
        2 => select(&[-2.5, 0.5, 3.5][..]).prop_map(Value::from),
    ]
    .boxed()
}

/// What has an order, in the order that it has.
fn ordered() -> BoxedStrategy<Value> {
    prop_oneof![
        5 => numbers(),
        2 => select(&["x", "y", ""][..]).prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
    ]
    .boxed()
}

fn positions() -> BoxedStrategy<Value> {
    let inside = prop::collection::btree_map(select(&["x", "y"][..]), 0..3_u64, 0..3);
    prop_oneof![4 => inside.prop_map(Value::from_iter), 1 => (0..3_u64).prop_map(Value::from)]
        .boxed()
}

fn messages() -> BoxedStrategy<Value> {
    let text = select(&["x", "y"][..]);
    let fields =
        (select(&MSGS[..]), prop_oneof![4 => ordered().prop_map(Some), 1 => Just(None)], text);
    fields
        .prop_map(|(id, t, text)| {
            let t = t.map(|t| ("t", t));
            [("id", id.into()), ("text", text.into())].into_iter().chain(t).collect()
        })
        .boxed()
}

/// No key twice.
fn lists() -> BoxedStrategy<Value> {
    let distinct = |mut items: Vec<Value>| {
        let mut keys = std::collections::BTreeSet::new();
        items.retain(|it| keys.insert(it["id"].clone()));
        Value::Array(items)
    };
    vec(messages(), 0..4).prop_map(distinct).boxed()
}

fn drafts() -> BoxedStrategy<Value> {
    let text = select(&["x", "y"][..]).prop_map(draft);
    prop::collection::btree_map(select(&DRAFTS[..]), text, 0..3).prop_map(Value::from_iter).boxed()
}

fn tags() -> BoxedStrategy<Value> {
    vec(select(&TAGS[..]), 0..4).prop_map(Value::from).boxed()
}

fn saved_from() -> BoxedStrategy<Op> {
    let leaf = select(&["top", "low", "price"][..]);
    let count = || (-5..5_i64).prop_map(Value::from);
    prop_oneof![
        3 => (Just("tags"), tags(), tags()),
        2 => (leaf, ordered(), ordered()),
        3 => (Just("n"), count(), count()),
    ]
    .prop_map(|(name, read, new)| Op::SaveFrom(name, read, new))
    .boxed()
}

fn saved() -> BoxedStrategy<Op> {
    let save = |(name, value)| Op::Save(name, value);
    prop_oneof![
        3 => tags().prop_map(|it| ("tags", it)),
        2 => positions().prop_map(|it| ("pos", it)),
        2 => (select(&["top", "low", "price"][..]), ordered()),
        4 => (-5..5_i64).prop_map(|it| ("n", it.into())),
        3 => drafts().prop_map(|it| ("drafts", it)),
        3 => lists().prop_map(|it| ("msgs", it)),
    ]
    .prop_map(save)
    .boxed()
}

impl<const LATE: bool> Subject for Ruled<LATE> {
    type State = Begun<LATE>;
    type Delta = DocumentDelta;
    type Op = Op;
    type Event = Event;
    type Value = Read;

    fn ops() -> BoxedStrategy<Op> {
        let tags = || select(&TAGS[..]);
        let draft = || select(&DRAFTS[..]);
        let text = || select(&["x", "y"][..]);
        let key = || select(&MSGS[..]);
        let chosen = select(&["/top", "/low", "/price"][..]);
        let any = select(&["/pos", "/top", "/low", "/price", "/n"][..]);
        let set = |path| move |value| Op::Set(path, value);
        prop_oneof![
            6 => (chosen, ordered()).prop_map(|(path, value)| Op::Set(path, value)),
            4 => positions().prop_map(set("/pos")),
            2 => (-5..5_i64).prop_map(Value::from).prop_map(set("/n")),
            1 => vec(tags(), 0..4).prop_map(Value::from).prop_map(set("/tags")),
            1 => drafts().prop_map(set("/drafts")),
            1 => lists().prop_map(set("/msgs")),
            4 => any.prop_map(Op::Remove),
            1 => (0..3_u64).prop_map(|it| Op::SetInside(it.into())),
            4 => tags().prop_map(Op::PushTag),
            2 => (0..4_usize, tags()).prop_map(|(at, tag)| Op::SetTag(at, tag)),
            3 => (0..4_usize).prop_map(Op::RemoveTag),
            4 => (draft(), text()).prop_map(|(name, text)| Op::SetDraft(name, text)),
            4 => (draft(), text()).prop_map(|(name, text)| Op::SetText(name, text)),
            4 => draft().prop_map(Op::RemoveDraft),
            1 => draft().prop_map(Op::RemoveText),
            3 => (-3..4_i64).prop_map(Op::Increment),
            5 => messages().prop_map(Op::Push),
            4 => (key(), ordered()).prop_map(|(key, t)| Op::Edit(key, "t", t)),
            3 => (key(), text()).prop_map(|(key, text)| Op::Edit(key, "text", text.into())),
            2 => (key(), select(&["t", "text"][..])).prop_map(|(key, name)| Op::Forget(key, name)),
            2 => key().prop_map(Op::RemoveKey),
            2 => (0..3_usize).prop_map(Op::RemoveAt),
            10 => saved(),
            6 => saved_from(),
        ]
        .boxed()
    }

    fn edit(
        Begun(document): &mut Self::State,
        op: &Op,
        id: ReplicaId,
        now: Timestamp,
    ) -> Option<DocumentDelta> {
        let before = document.clone();
        document.set_rules(Fleet::at(now).rules());
        let now = limited(now);
        let delta = apply(op, LATE, document, id, now)?.ok()?;
        let mut told = before.clone();
        let report = told.apply_reporting(&delta);
        assert_eq!(told, *document);
        check_replay(&before, document, &report);
        assert_eq!(report.changed(), !delta.is_empty());
        let whole = document.to_value().unwrap();
        assert!(document.update(whole, id, now).unwrap().is_empty(), "nothing differs");
        Some(delta)
    }

    fn value(Begun(document): &Self::State) -> Read {
        let open = document.conflicts();
        let at = |name: &&str| {
            let is_there = |it: &&Conflict| it.path == format!("/{name}");
            open.iter().filter(is_there).flat_map(contenders).collect()
        };
        let is_quiet = |it: &Conflict| !it.path.to_string().starts_with("/tags");
        assert!(open.iter().all(is_quiet), "no conflict in a set: {open:?}");
        Read {
            whole: document.to_value().unwrap(),
            is_by_place: false,
            items: MSGS.iter().map(|key| document.item("/msgs", *key)).collect(),
            conflicts: LEAVES.iter().map(at).collect(),
        }
    }

    fn check(Begun(document): &Self::State) -> Result<(), &'static str> {
        document.check_invariants()
    }

    fn merged(Begun(before): &Self::State, Begun(other): &Self::State, Begun(after): &Self::State) {
        let mut told = before.clone();
        let report = told.merge_reporting(other);
        assert_eq!(told, *after);
        check_replay(before, after, &report);
        check_cursors(after);
    }

    fn applied(Begun(before): &Self::State, delta: &DocumentDelta, Begun(after): &Self::State) {
        let mut told = before.clone();
        let report = told.apply_reporting(delta);
        assert_eq!(told, *after);
        check_replay(before, after, &report);
    }

    fn aged(kernel: serde_json::Value) -> Self::State {
        let mut aged = Begun(serde_json::from_value(document_form(kernel)).unwrap());
        aged.merge(&Begun::default());
        aged
    }

    fn event(op: &Op, id: ReplicaId, now: Timestamp, seen: &Seen<'_, Event>) -> Option<Event> {
        let mut model = Model::of_edit(LATE, seen, Fleet::at(now), id, now);
        event(op, LATE, &mut model)?;
        Some(model.finish())
    }

    fn meaning(seen: &Seen<'_, Event>) -> Read {
        Model::new(LATE, seen).read()
    }
}

/// The values that are in conflict, unless a container of other values is among them: such a
/// conflict is for the model of plain documents.
fn contenders(conflict: &Conflict) -> Vec<Value> {
    let all = std::iter::once(&conflict.winner).chain(&conflict.losers);
    let claims: Option<Vec<Value>> = all.map(|it| it.claim.value().cloned()).collect();
    claims.unwrap_or_default()
}

/// By default fewer than of other types: looking through all writes takes its time.
fn few_histories<S: Subject>() {
    let fewer = u32::try_from(one_in(2)).unwrap();
    let config = ProptestConfig { cases: count(20_000).div_ceil(fewer), ..<_>::default() };
    try_histories::<S>(config).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn ruled_histories() {
    few_histories::<Ruled<false>>();
}

#[test]
fn ruled_misused() {
    misused::<Ruled<false>>();
}

#[test]
fn ruled_late_histories() {
    few_histories::<Ruled<true>>();
}

#[test]
fn ruled_late_misused() {
    misused::<Ruled<true>>();
}

fn small_worlds(name: &str, past: &[Op], alphabet: &[Op], operations: usize) {
    Small::<Ruled<false>> { name, aged: false, past, alphabet, operations }.walk();
}

#[test]
fn ruled_small_worlds_of_sets() {
    let alphabet = [
        Op::PushTag("a"),
        Op::RemoveTag(0),
        Op::SetTag(0, "b"),
        Op::Save("tags", ["b", "a"].into()),
    ];
    small_worlds("Ruled, a set", &[Op::PushTag("a")], &alphabet, 5);
}

#[test]
fn ruled_small_worlds_of_drafts() {
    let alphabet = [Op::SetText("d1", "y"), Op::RemoveDraft("d1"), Op::SetDraft("d1", "x")];
    small_worlds("Ruled, a draft", &[Op::SetDraft("d1", "x")], &alphabet, 5);
}

#[test]
fn ruled_small_worlds_of_greatest_values() {
    let alphabet = [Op::Set("/top", 2.into()), Op::Set("/top", 3.into()), Op::Remove("/top")];
    small_worlds("Ruled, a greatest value", &[Op::Set("/top", 1.into())], &alphabet, 5);
}

fn message(id: &str, t: u64) -> Value {
    Value::from_iter([("id", id.into()), ("t", Value::from(t))])
}

#[test]
fn ruled_small_worlds_of_ordered_lists() {
    let past = [Op::Push(message("m1", 1)), Op::Push(message("m2", 2))];
    let alphabet = [
        Op::Edit("m1", "t", 3.into()),
        Op::RemoveAt(0),
        Op::Push(message("m1", 1)),
        Op::Edit("m2", "text", "x".into()),
    ];
    small_worlds("Ruled, an ordered list", &past, &alphabet, 5);
}

#[test]
fn ruled_small_worlds_of_atoms() {
    let pos = |x: u64| Value::from_iter([("x", x)]);
    let alphabet = [Op::Set("/pos", pos(2)), Op::SetInside(3.into()), Op::Remove("/pos")];
    small_worlds("Ruled, one value", &[Op::Set("/pos", pos(1))], &alphabet, 5);
}
