//! Real conversation trees, edited apart on three replicas that hear from each other in part, late
//! and repeatedly. Which fields each then has, and with which values, `spec::fields` tells; of the
//! order of items it says nothing, but that all replicas have the same.
//!
//! The trees lie beside the project and are no part of it; where they are not there the test says
//! that it was skipped.

use crate::{
    cursors::check_cursors,
    effort::one_in,
    encoded::{bytes, json as text, through_bytes, through_json},
    replica,
    spec::fields::{Known, Model, Path, Write, Written},
};
use rejoin::{
    DeltaState, Document, Merge, ReplicaId, Timestamp,
    document::{ConflictKind, DocumentDelta, DocumentError, Kind, Rules},
    laws::Invariants,
};
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

#[path = "../../examples/conversation_merge/random.rs"]
mod random;
use random::Random;

/// How the messages of a tree are laid out.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    /// As they are in the corpus: lists of `replies` inside one another.
    Nested,
    /// One object of all messages, by id.
    Mapping,
    /// One list of all messages.
    Flat,
}

/// The ids on the way to a message, where messages lie inside one another; else its own.
type Way = Vec<String>;

#[derive(Clone)]
struct Replica {
    id: ReplicaId,
    document: Document,
    known: Known,
}

struct World {
    shape: Shape,
    random: Random,
    replicas: Vec<Replica>,
    model: Model,
    deltas: Vec<(DocumentDelta, Known)>,
    /// The ways to all messages there ever were.
    messages: Vec<Way>,
}

const DEPTH_MAX: usize = 8;
/// How many steps are taken from each tree of up to 16 messages; from larger ones half of them.
const STEPS: usize = 120;

fn keys() -> Rules {
    let mut keys = Rules::new().keyed("/messages", "message_id").unwrap();
    let mut lists = String::from("/prompt/replies");
    for _ in 1..DEPTH_MAX {
        keys = keys.keyed(&lists, "message_id").unwrap();
        lists.push_str("/*/replies");
    }
    keys
}

impl World {
    /// Imports a tree: once and shared, or for every third on each replica on its own.
    fn new(tree: &Json, shape: Shape, seed: u64) -> Self {
        let replicas = ["b", "c", "a"].map(|name| Replica {
            id: replica(name),
            document: Document::with_rules(keys()),
            known: Known::default(),
        });
        let mut world = Self {
            shape,
            random: Random::seeded(seed),
            replicas: replicas.into(),
            model: Model::default(),
            deltas: Vec::new(),
            messages: Vec::new(),
        };
        let (whole, fields) = world.laid_out(tree);
        let import = |document: &mut Document, id, now| document.set("", &whole, id, now);
        world.edit(0, None, fields.clone(), 1, import);
        for at in 1..3 {
            match seed % 3 {
                0 => world.edit(at, None, fields.clone(), 1, import),
                _ => world.merge(0, at),
            }
        }
        world
    }

    /// A tree in this shape, and all its fields.
    fn laid_out(&mut self, tree: &Json) -> (Json, Vec<(Path, Written)>) {
        let (mut fields, mut mapping, mut flat) = (Vec::new(), Map::new(), Vec::new());
        let mut whole = tree.as_object().unwrap().clone();
        let prompt = whole.remove("prompt").unwrap();
        leaves(&[], "", &Json::Object(whole.clone()), &mut fields);
        let mut left = vec![(Vec::new(), prompt.clone())];
        while let Some((above, message)) = left.pop() {
            let Json::Object(mut message) = message else { panic!("a message is an object") };
            let id = message["message_id"].as_str().unwrap().to_owned();
            let inside: Way = above.iter().cloned().chain([id.clone()]).collect();
            let Some(Json::Array(replies)) = message.remove("replies") else { panic!("replies") };
            left.extend(replies.into_iter().map(|reply| (inside.clone(), reply)));
            let way = if self.shape == Shape::Nested { inside } else { vec![id.clone()] };
            if self.shape == Shape::Mapping {
                message.insert("parent".into(), json!(above.last()));
            }
            let message = Json::Object(message);
            leaves(&way, "", &message, &mut fields);
            self.messages.push(way);
            mapping.insert(id, message.clone());
            flat.push(message);
        }
        whole.extend([match self.shape {
            Shape::Nested => ("prompt".into(), prompt),
            Shape::Mapping => ("mapping".into(), Json::Object(mapping)),
            Shape::Flat => ("messages".into(), Json::Array(flat)),
        }]);
        (Json::Object(whole), fields)
    }

    /// Where a message is on a replica, if it is there; no way leads to the root.
    fn pointer(&self, at: usize, way: &[String]) -> Option<String> {
        let document = &self.replicas[at].document;
        let Some((first, rest)) = way.split_first() else { return Some(String::new()) };
        match self.shape {
            Shape::Mapping => Some(format!("/mapping/{first}")),
            Shape::Flat => document.item("/messages", first),
            Shape::Nested => rest
                .iter()
                .try_fold(String::from("/prompt"), |above, id| document.item(&list_in(&above), id)),
        }
        .filter(|pointer| document.at(pointer).is_some())
    }

    fn kind(&self, at: usize, pointer: &str) -> Option<Kind> {
        self.replicas[at].document.at(pointer).map(|it| it.kind())
    }

    /// The list or the object that a message is in, or is to be added to.
    fn container(&self, at: usize, way: &[String]) -> Option<String> {
        match self.shape {
            Shape::Mapping => Some("/mapping".into()),
            Shape::Flat => Some("/messages".into()),
            Shape::Nested => {
                let list = list_in(&self.pointer(at, way.split_last()?.1)?);
                self.kind(at, &list).filter(|it| *it == Kind::Array).map(|_| list)
            }
        }
    }

    /// Edits a document, and tells the model: `over` says below what all that is seen is replaced.
    fn edit(
        &mut self,
        at: usize,
        over: Option<&[String]>,
        writes: Vec<(Path, Written)>,
        now: u64,
        edit: impl Fn(&mut Document, ReplicaId, Timestamp) -> Result<DocumentDelta, DocumentError>,
    ) {
        let Replica { id, document, known } = &mut self.replicas[at];
        let mut news = Known::default();
        if let Some(over) = over {
            news.over.extend(self.model.alive(known, over));
        }
        for (path, written) in writes {
            // A write comes after what is there; also one that only adds to it.
            let there = self.model.alive(known, &path);
            let latest = there.iter().map(|it| self.model.writes[*it].time).max();
            let time = now.max(latest.map_or(0, |latest| latest + 1));
            let write = Write { path, written, time, replica: *id };
            self.model.add(write, &there, &mut news);
        }
        known.learn(&news);
        let delta = edit(document, *id, Timestamp::from_millis(now)).unwrap();
        self.deltas.push((delta, news));
    }

    /// A clock that is coarse, and different on each side.
    fn now(&mut self) -> u64 {
        10 + self.random.below(40) as u64
    }
}

fn list_in(message: &str) -> String {
    format!("{message}/replies")
}

/// The scalars of a value.
fn leaves(way: &[String], pointer: &str, value: &Json, out: &mut Vec<(Path, Written)>) {
    match value {
        Json::Object(fields) => fields
            .iter()
            .for_each(|(name, value)| leaves(way, &format!("{pointer}/{name}"), value, out)),
        Json::Array(items) => assert!(items.is_empty(), "only messages are in lists"),
        _ => out.push((field(way, pointer), Written::Value(value.clone()))),
    }
}

fn field(way: &[String], pointer: &str) -> Path {
    way.iter().map(String::as_str).chain([pointer]).map(Into::into).collect()
}

fn scalar_count(value: &Json) -> usize {
    match value {
        Json::Object(fields) => fields.values().map(scalar_count).sum(),
        Json::Array(items) => items.iter().map(scalar_count).sum(),
        _ => 1,
    }
}

/// What the replicas do to their documents.
impl World {
    fn set(&mut self, at: usize, way: &[String], name: &str, value: &Json) {
        let Some(above) = self.pointer(at, way) else { return };
        let (pointer, path, now) = (above + name, field(way, name), self.now());
        let writes = vec![(path.clone(), Written::Value(value.clone()))];
        self.edit(at, Some(&path), writes, now, |it, id, now| it.set(&pointer, value, id, now));
    }

    fn add(&mut self, at: usize, way: Way, now: u64) {
        let Some(into) = self.container(at, &way) else { return };
        let (id, text) = (way.last().unwrap(), format!("Said by {at} at {now}."));
        let mut message = json!({"message_id": id, "text": text, "emojis": {"+1": 0}});
        let mut fields = Vec::new();
        leaves(&way, "", &message, &mut fields);
        if self.shape == Shape::Nested {
            message["replies"] = json!([]);
        }
        let (is_mapping, field) = (self.shape == Shape::Mapping, format!("{into}/{id}"));
        self.edit(at, None, fields, now, |it, id, now| {
            if is_mapping {
                it.set(&field, &message, id, now)
            } else {
                it.push(&into, &message, id, now)
            }
        });
        if !self.messages.contains(&way) {
            self.messages.push(way);
        }
    }

    /// The way to a message that is to be added.
    fn new_way(&self, parent: &[String], id: &str) -> Way {
        let above = if self.shape == Shape::Nested { parent } else { &[] };
        [above, &[id.into()]].concat()
    }

    fn reply(&mut self, at: usize, parent: &[String]) {
        let way = self.new_way(parent, &format!("new-{}", self.deltas.len()));
        let now = self.now();
        if way.len() < DEPTH_MAX {
            self.add(at, way, now);
        }
    }

    /// The same id once more: with a clock that is fast, so that the model need not know of the
    /// places that items have.
    fn add_again(&mut self, at: usize, way: &[String]) {
        if self.pointer(at, way).is_none() {
            self.add(at, way.to_vec(), 1_000_000 + 1_000 * self.deltas.len() as u64);
        }
    }

    fn delete(&mut self, at: usize, way: &[String]) {
        let (pointer, now) = (self.pointer(at, way), self.now());
        let Some(pointer) = pointer.filter(|it| it != "/prompt") else { return };
        self.edit(at, Some(way), Vec::new(), now, |it, id, now| it.remove(&pointer, id, now));
    }

    /// Moves an item within its list; in an object, hangs a message on another parent.
    fn move_to(&mut self, at: usize, way: &[String]) {
        if self.shape == Shape::Mapping {
            let parent = self.random.below(self.messages.len());
            return self.set(at, way, "/parent", &json!(self.messages[parent].last()));
        }
        let pointer = self.pointer(at, way).filter(|it| it != "/prompt");
        let (Some(pointer), Some(list)) = (pointer, self.container(at, way)) else { return };
        let len = self.replicas[at].document.at(&list).unwrap().len();
        let (to, now) = (self.random.below(len), self.now());
        self.edit(at, None, Vec::new(), now, |it, id, now| it.move_item(&pointer, to, id, now));
        assert_eq!(self.pointer(at, way), Some(format!("{list}/{to}")));
    }

    fn react(&mut self, at: usize, way: &[String]) {
        let Some(emojis) = self.pointer(at, way).map(|it| it + "/emojis") else { return };
        if self.kind(at, &emojis) == Some(Kind::Object) {
            let name = ["+1", "heart"][self.random.below(2)];
            let (pointer, path) = (format!("{emojis}/{name}"), format!("/emojis/{name}"));
            let writes = vec![(field(way, &path), Written::Count(1))];
            let now = self.now();
            self.edit(at, None, writes, now, |it, id, now| it.increment(&pointer, 1, id, now));
        }
    }

    fn reset(&mut self, at: usize, way: &[String]) {
        let path = field(way, "/emojis/+1");
        let alive = self.model.alive(&self.replicas[at].known, &path);
        let zero = || Written::Value(json!(0));
        if alive.iter().all(|it| self.model.writes[*it].written == zero()) {
            return;
        }
        let pointer = self.pointer(at, way).unwrap() + "/emojis/+1";
        let (writes, now) = (vec![(path.clone(), zero())], self.now());
        self.edit(at, Some(&path), writes, now, |it, id, now| it.reset(&pointer, id, now));
    }

    /// A parent is deleted on one side, and its reply edited on another; an id is new on two.
    fn delete_what_others_edit(&mut self) {
        let reply = self.messages[1 + self.random.below(self.messages.len() - 1)].clone();
        let parent = if reply.len() > 1 { &reply[..reply.len() - 1] } else { &self.messages[0] };
        let parent = parent.to_vec();
        let is_root = self.shape == Shape::Nested && parent.len() == 1;
        self.delete(0, if is_root { &reply } else { &parent });
        for edited in [&reply, &parent] {
            self.set(1, edited, "/text", &json!("Edited while it went."));
        }
        self.react(2, &reply);
        let late = self.new_way(&self.messages[0], "late");
        self.add(1, late.clone(), 20);
        self.add(2, late, 20);
    }

    fn play(&mut self) {
        let at = self.random.below(3);
        let other = (at + 1 + self.random.below(2)) % 3;
        let way = self.messages[self.random.below(self.messages.len())].clone();
        match self.random.below(20) {
            0..4 => self.reply(at, &way),
            4..8 => self.set(at, &way, "/text", &json!(format!("Edit {}.", self.deltas.len()))),
            8 => self.delete(at, &way),
            9..11 => self.move_to(at, &way),
            11..14 => self.react(at, &way),
            14 => self.reset(at, &way),
            15 => self.set(at, &[], "/title", &json!(["A title", "A better one"][at % 2])),
            16 => self.add_again(at, &way),
            17 => self.merge(other, at),
            18 => self.deliver(at),
            _ => self.sync(other, at),
        }
    }
}

/// How they hear from each other.
impl World {
    fn merge(&mut self, from: usize, into: usize) {
        let from = self.replicas[from].clone();
        self.replicas[into].known.learn(&from.known);
        self.replicas[into].document.merge(&from.document);
    }

    fn sync(&mut self, from: usize, into: usize) {
        let (from, into) = (self.replicas[from].clone(), &mut self.replicas[into]);
        into.known.learn(&from.known);
        let delta = from.document.delta_since(&into.document.version());
        into.document.apply_owned(through_json(&delta));
    }

    /// Some deltas that were made at some time: late, again, out of order, joined into one.
    fn deliver(&mut self, into: usize) {
        let mut message = DocumentDelta::default();
        for _ in 0..4 {
            let (delta, news) = &self.deltas[self.random.below(self.deltas.len())];
            message.merge(delta);
            self.replicas[into].known.learn(news);
        }
        self.replicas[into].document.apply_owned(through_bytes(&message));
    }

    /// Stops a replica, and starts it again from what it stored. Keys are not in a state; a list
    /// remembers its own.
    fn restart(&mut self, at: usize, through: impl Fn(&Document) -> Document) {
        let document = &mut self.replicas[at].document;
        let back = through(document);
        assert_eq!(back, *document);
        *document = back;
        if self.shape == Shape::Nested {
            document.set_rules(keys());
        }
    }

    fn verify(&self, at: usize) {
        let Replica { document, known, .. } = &self.replicas[at];
        let (json, fields) = (document.to_json(), self.model.fields(known));
        let mut messages = BTreeMap::new();
        for (path, value) in &fields {
            let (name, way) = path.split_last().unwrap();
            let message = messages.entry(way).or_insert_with(|| {
                self.pointer(at, way).and_then(|pointer| json.pointer(&pointer))
            });
            let found = message.and_then(|message| message.pointer(name));
            assert_eq!(found, Some(value), "{path:?}");
        }
        // A message that outlived its deletion is read with its key.
        let is_known = |way: &[String]| {
            fields.iter().any(|(path, _)| {
                path.split_last().is_some_and(|(name, of)| name == "/message_id" && *of == *way)
            })
        };
        let ways: BTreeSet<&[String]> = self
            .messages
            .iter()
            .flat_map(|way| (1..=way.len()).map(|len| &way[..len]))
            .filter(|_| self.shape != Shape::Mapping)
            .collect();
        let lost = ways.into_iter().filter(|way| {
            let message = self.pointer(at, way).and_then(|pointer| json.pointer(&pointer));
            message.is_some_and(|it| it.get("message_id").is_some()) && !is_known(way)
        });
        assert_eq!(scalar_count(&json), fields.len() + lost.count(), "nothing else is there");
    }

    /// All orders of states lead to one, and all deltas to the same.
    fn finish(mut self) {
        (0..3).for_each(|at| self.verify(at));
        let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        let join = |order: [usize; 3]| {
            let mut joined = Document::new();
            order.iter().for_each(|at| _ = joined.merge(&self.replicas[*at].document));
            joined
        };
        let mut all: Vec<Document> = orders.into_iter().map(join).collect();
        let made = self.deltas.len();
        let mut order: Vec<usize> = (0..made).chain(0..made / 4).collect();
        self.random.shuffle(&mut order);
        let mut from_deltas = Document::new();
        order.iter().for_each(|it| _ = from_deltas.apply_owned(self.deltas[*it].0.clone()));
        all.push(from_deltas);
        let (first, first_json, first_bytes) = (&all[0], all[0].to_json(), bytes(&all[0]));
        for other in &all[1..] {
            assert_eq!(other, first, "all orders agree");
            assert_eq!((other.to_json(), bytes(other)), (first_json.clone(), first_bytes.clone()));
        }
        assert_eq!(text(&all[6]), text(first), "slower, so but once");
        first.check_invariants().unwrap();
        check_cursors(first);
        for conflict in first.conflicts().iter().filter(|it| it.kind != ConflictKind::Move) {
            let read = first.get(&conflict.path.to_string());
            let winner = &conflict.winner.claim;
            assert_eq!(read.as_ref().map(rejoin::document::Value::kind), winner.kind());
            assert!(winner.value().is_none() || winner.value() == read.as_ref());
        }
        self.merge(1, 0);
        self.merge(2, 0);
        assert_eq!(self.replicas[0].document, *first);
        self.verify(0);
    }
}

fn play_every_tree(shape: Shape) {
    const TREES: &str =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/oasst_en_100_tree.jsonl");
    let Ok(trees) = std::fs::read_to_string(TREES) else {
        println!("skipped: {TREES} is not there");
        return;
    };
    for (seed, tree) in (0..).zip(trees.lines()).step_by(one_in(3)) {
        let mut world = World::new(&serde_json::from_str(tree).unwrap(), shape, seed);
        let steps = if world.messages.len() > 16 { STEPS / 2 } else { STEPS };
        world.delete_what_others_edit();
        for step in 0..steps {
            world.play();
            match step {
                6 => world.restart(0, through_json),
                12 => world.restart(1, through_bytes),
                15 => world.verify(2),
                _ => {}
            }
        }
        world.finish();
    }
}

#[test]
fn nested_replies() {
    play_every_tree(Shape::Nested);
}

#[test]
fn a_mapping_by_id() {
    play_every_tree(Shape::Mapping);
}

#[test]
fn one_list_of_messages() {
    play_every_tree(Shape::Flat);
}
