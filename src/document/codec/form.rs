//! The serde forms of documents and deltas, checked on the way in.
//!
//! In binary formats they are their [canonical bytes](crate::wire).
//!
//! In formats for people, the paths come first, each once and after its parent, and writes name
//! them by number, so a long name is spelled once. Path 0 is the root, and the first in the table
//! is 1. A path is the number of its parent, and a step: `[0,"title"]`. A write is
//! `{"path":1,"time":1717236600000,"value":"Booking Help"}`. An item is a step such as
//! `{"key":"m11"}`.
//!
//! The mark of a container has the value `{}` or `[]`, and that of a list the `key` of its items and
//! what they are `ordered_by`, or that it is a `set`. An object or an array as one write is an `atom`.
//! How a value is chosen among others is its `choice`. Where nothing may be read, a write is
//! `removed`.
//! What one replica has counted has a `count`, and as its `start` the counter of the write that
//! began it. The place of an item is spelled in hex. The `birth` of a field is the write that made
//! it, if this one changed it. What a value replaced of counts is in `counted`, for each replica.

use super::intake::Intake;
use crate::document::{
    Document, Rules,
    state::{
        Content, DocumentDelta, Item, ListForm, ListOrder, NodeId, Origin, Place, Policy, ROOT,
        Removal, Segment, Sought, Store, Tally, Tree, Write,
    },
};
use crate::value::Value;
use crate::{
    causal::{Dot, DotKernel, Mapped},
    listed::Listed,
    replica::ReplicaId,
    time::Timestamp,
    wire::{self, Wire},
};
use alloc::{borrow::Cow, collections::BTreeMap, string::String, vec::Vec};
use core::{fmt, marker::PhantomData};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, SeqAccess, Visitor},
};

/// A write as people read it.
#[derive(Default, Serialize, Deserialize, Hash)]
#[serde(rename = "Write", deny_unknown_fields)]
struct Readable {
    path: u32,
    time: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "even_null")]
    value: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ordered_by: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    set: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    atom: Option<Value>,
    #[serde(default, skip_serializing_if = "is_false")]
    removed: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    choice: Option<Choice>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    count: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    birth: Option<Dot>,
    #[serde(default, skip_serializing_if = "<[Tally]>::is_empty")]
    counted: Vec<Tally>,
}

/// How a value is chosen among others, as people read it.
#[derive(Serialize, Deserialize, Hash)]
#[serde(rename_all = "lowercase")]
enum Choice {
    Max,
    Min,
    Prefer(Vec<ReplicaId>),
}

impl From<&Policy> for Choice {
    fn from(policy: &Policy) -> Self {
        match policy {
            Policy::Max => Self::Max,
            Policy::Min => Self::Min,
            Policy::Prefer(replicas) => Self::Prefer(replicas.to_vec()),
        }
    }
}

impl From<&Choice> for Policy {
    fn from(choice: &Choice) -> Self {
        match choice {
            Choice::Max => Self::Max,
            Choice::Min => Self::Min,
            Choice::Prefer(replicas) => Self::Prefer(replicas.as_slice().into()),
        }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's way
const fn is_false(truth: &bool) -> bool {
    !*truth
}

/// A value that is there, even if it is null.
fn even_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Readable {
    fn new(path: u32, write: &Write) -> Self {
        let mut it = Self {
            path,
            time: write.time,
            birth: write.birth(),
            counted: write.counted().to_vec(),
            choice: write.policy().map(Choice::from),
            ..Self::default()
        };
        match &write.content {
            Content::Object => it.value = Some(Value::Object(BTreeMap::new())),
            Content::List(form) => {
                it.value = Some(Value::Array(Vec::new()));
                let form = form.as_deref().unwrap_or(&ListForm::PLAIN);
                it.key = form.key.as_deref().map(Into::into);
                match &form.order {
                    ListOrder::Place => {}
                    ListOrder::Field(field) => it.ordered_by = Some((**field).into()),
                    ListOrder::Value => it.set = true,
                }
            }
            Content::Count { start, sum } => (it.count, it.start) = (Some(*sum), Some(*start)),
            Content::Place(at) => it.place = Some(hex(&at.to_bytes())),
            Content::Atom(value) => it.atom = Some(Value::clone(value)),
            Content::Removed => it.removed = true,
            scalar => it.value = scalar.to_value(),
        }
        it
    }

    fn content(&self) -> Result<Content, &'static str> {
        let is_list = matches!(self.value, Some(Value::Array(_)));
        if (self.key.is_some() || self.ordered_by.is_some() || self.set) && !is_list {
            return Err("only a list can have a key or an order");
        }
        if self.count.is_some() != self.start.is_some() {
            return Err("a count must have a start, and nothing else may have one");
        }
        match (&self.value, self.count, &self.place, &self.atom, self.removed) {
            (Some(value), None, None, None, false) => self.content_of(value),
            (None, Some(sum), None, None, false) => {
                Ok(Content::Count { start: self.start.unwrap_or_default(), sum })
            }
            (None, None, Some(hex), None, false) => place_of(hex),
            (None, None, None, Some(atom @ (Value::Array(_) | Value::Object(_))), false) => {
                Ok(Content::Atom(atom.clone().into()))
            }
            (None, None, None, None, true) => Ok(Content::Removed),
            _ => Err("a write must have exactly one of value, count, place, atom and removed"),
        }
    }

    fn content_of(&self, value: &Value) -> Result<Content, &'static str> {
        match value {
            Value::Array(items) if items.is_empty() => Ok(Content::list(self.form()?)),
            Value::Object(fields) if fields.is_empty() => Ok(Content::Object),
            scalar => Content::of_scalar(scalar).ok_or("the mark of a container must be empty"),
        }
    }

    fn form(&self) -> Result<ListForm, &'static str> {
        let order = match (&self.ordered_by, self.set) {
            (None, false) => ListOrder::Place,
            (Some(field), false) => ListOrder::Field(field.as_str().into()),
            (None, true) if self.key.is_none() => ListOrder::Value,
            _ => return Err("a set has no key and no other order"),
        };
        Ok(ListForm { key: self.key.as_deref().map(Into::into), order })
    }
}

fn place_of(hex: &str) -> Result<Content, &'static str> {
    let byte = |pair| Some(u8::from_str_radix(hex.get(pair..pair + 2)?, 16).ok());
    let bytes = (0..hex.len()).step_by(2).map_while(byte).collect::<Option<Vec<u8>>>();
    let place = bytes.and_then(|bytes| Place::checked(&bytes));
    let is_whole = |it: &Place| it.to_bytes().len() * 2 == hex.len();
    place.filter(is_whole).map(Content::Place).ok_or("a place is not well formed")
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// One step of a path as people read it.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum ReadableStep<'a> {
    Field(Cow<'a, str>),
    Item(ReadableItem),
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename = "Item", deny_unknown_fields)]
struct ReadableItem {
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "even_null")]
    key: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    like: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    made: Option<Dot>,
    #[serde(default, skip_serializing_if = "is_zero")]
    nth: u32,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's way
const fn is_zero(nth: &u32) -> bool {
    *nth == 0
}

impl Serialize for Segment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut item = ReadableItem::default();
        match self {
            Self::Field(name) => return serializer.serialize_str(name),
            Self::Item(Item::Keyed { key, nth }) => (item.key, item.nth) = (key.to_value(), *nth),
            Self::Item(Item::Like { content, nth }) => {
                (item.like, item.nth) = (Some(*content), *nth);
            }
            Self::Item(Item::Made(dot)) => item.made = Some(*dot),
        }
        item.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Segment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match ReadableStep::deserialize(deserializer)? {
            ReadableStep::Field(name) => Ok(Self::Field((*name).into())),
            ReadableStep::Item(item) => item.check().map(Self::Item).map_err(D::Error::custom),
        }
    }
}

impl ReadableItem {
    fn check(self) -> Result<Item, &'static str> {
        match (self.key, self.like, self.made) {
            (Some(key), None, None) => {
                let key = Content::of_scalar(&key).ok_or("the key of an item is not a scalar")?;
                Ok(Item::Keyed { key, nth: self.nth })
            }
            (None, Some(content), None) => Ok(Item::Like { content, nth: self.nth }),
            (None, None, Some(dot)) if self.nth == 0 => Ok(Item::Made(dot)),
            _ => Err("an item must have exactly one of key, like and made"),
        }
    }
}

/// The paths of some nodes, each once and after its parent, in the order of use.
#[derive(Default)]
struct PathTable<'a> {
    steps: Vec<(u32, &'a Segment)>,
    numbers: BTreeMap<NodeId, u32>,
}

impl<'a> PathTable<'a> {
    /// The number of a node's path; the root's is 0.
    fn number(&mut self, tree: &'a Tree, node: NodeId) -> u32 {
        let (Some(parent), Some(step)) = (tree.parent(node), tree.segment(node)) else { return 0 };
        if let Some(number) = self.numbers.get(&node) {
            return *number;
        }
        let parent = self.number(tree, parent);
        self.steps.push((parent, step));
        #[allow(clippy::cast_possible_truncation)] // nodes are counted in 32 bits
        let number = self.steps.len() as u32;
        self.numbers.insert(node, number);
        number
    }
}

/// The form of a document that people read.
#[derive(Serialize, Deserialize)]
#[serde(rename = "Document", deny_unknown_fields)]
struct ReadableForm<P, K> {
    paths: P,
    writes: K,
}

/// The same, to be read in.
type DocumentForm = ReadableForm<Listed<(u32, Segment)>, DotKernel<Readable>>;

/// The same for a delta.
#[derive(Serialize, Deserialize)]
#[serde(rename = "DocumentDelta", deny_unknown_fields)]
struct ReadableDelta<P, K, R> {
    paths: P,
    writes: K,
    removals: R,
}

/// The same, to be read in.
type DeltaForm = ReadableDelta<Listed<(u32, Segment)>, DotKernel<Readable>, Listed<RemovalForm>>;

#[derive(Serialize, Deserialize)]
#[serde(rename = "Removal", deny_unknown_fields)]
struct RemovalForm {
    dot: Dot,
    path: u32,
    time: Timestamp,
}

/// All paths of a store and its removals, and the forms of the removals.
fn paths<'a>(store: &'a Store, removals: &[Removal]) -> (PathTable<'a>, Vec<RemovalForm>) {
    let mut paths = PathTable::default();
    for (_, write) in &store.kernel {
        paths.number(&store.tree, write.node);
    }
    let removals = removals.iter().map(|removal| {
        let path = paths.number(&store.tree, removal.node);
        RemovalForm { dot: removal.dot, path, time: removal.time }
    });
    let removals = removals.collect();
    (paths, removals)
}

fn readable<'a>(
    store: &'a Store,
    paths: &PathTable<'_>,
) -> Mapped<'a, Write, impl Fn(&'a Write) -> Readable> {
    let number = |node| paths.numbers.get(&node).copied().unwrap_or_default();
    let readable = move |write: &'a Write| Readable::new(number(write.node), write);
    Mapped { kernel: &store.kernel, map: readable }
}

/// The nodes of the paths in a table.
struct Paths(Vec<NodeId>);

impl Paths {
    fn take<E: Error>(intake: &mut Intake, table: &[(u32, Segment)]) -> Result<Self, E> {
        let mut paths = Self(Vec::from([ROOT]));
        for (parent, step) in table {
            let parent = paths.node(*parent)?;
            let node = intake.step(parent, Sought::Segment(step)).map_err(E::custom)?;
            paths.0.push(node);
        }
        Ok(paths)
    }

    fn node<E: Error>(&self, path: u32) -> Result<NodeId, E> {
        let node = self.0.get(path as usize).copied();
        node.ok_or_else(|| E::custom("a write names a path that is not in the table"))
    }

    fn removals<E: Error>(&self, forms: Vec<RemovalForm>) -> Result<Vec<Removal>, E> {
        let removal =
            |it: RemovalForm| Ok(Removal { dot: it.dot, node: self.node(it.path)?, time: it.time });
        forms.into_iter().map(removal).collect()
    }
}

/// Takes in the form that people read.
fn take_readable<E: Error>(
    table: &[(u32, Segment)],
    form: &DotKernel<Readable>,
) -> Result<(Intake, Paths), E> {
    let mut intake = Intake::new(form.context().clone());
    let paths = Paths::take(&mut intake, table)?;
    for (dot, write) in form {
        let node = paths.node(write.path)?;
        let content = write.content().map_err(E::custom)?;
        let policy = write.choice.as_ref().map(Policy::from);
        let origin = Origin::with(write.birth, write.counted.as_slice().into(), policy);
        intake.put(dot, (node, write.time), content, origin).map_err(E::custom)?;
    }
    Ok((intake, paths))
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return serializer.serialize_bytes(&wire::to_bytes(self));
        }
        let (paths, _) = paths(&self.store, &[]);
        let writes = readable(&self.store, &paths);
        ReadableForm { paths: &paths.steps, writes }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return deserializer.deserialize_bytes(WireBytes(PhantomData));
        }
        let form = DocumentForm::deserialize(deserializer)?;
        let (intake, _) = take_readable(&form.paths.0, &form.writes)?;
        Ok(Self { store: intake.finish(), rules: Rules::new() })
    }
}

impl Serialize for DocumentDelta {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return serializer.serialize_bytes(&wire::to_bytes(self));
        }
        let (paths, removals) = paths(&self.store, &self.removals);
        let writes = readable(&self.store, &paths);
        ReadableDelta { paths: &paths.steps, writes, removals }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for DocumentDelta {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return deserializer.deserialize_bytes(WireBytes(PhantomData));
        }
        let form = DeltaForm::deserialize(deserializer)?;
        let (intake, paths) = take_readable(&form.paths.0, &form.writes)?;
        intake.finish_delta(paths.removals(form.removals.0)?).map_err(D::Error::custom)
    }
}

/// Reads canonical bytes, however a binary format stores them.
struct WireBytes<T>(PhantomData<T>);

impl<'de, T: Wire> Visitor<'de> for WireBytes<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the canonical bytes of rejoin::wire")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<T, E> {
        wire::from_bytes(bytes).map_err(E::custom)
    }

    /// Formats without byte strings store them one by one.
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<T, A::Error> {
        // Grown as they come: a forged length must not allocate.
        let mut bytes = Vec::new();
        while let Some(byte) = seq.next_element()? {
            bytes.push(byte);
        }
        self.visit_bytes(&bytes)
    }
}
