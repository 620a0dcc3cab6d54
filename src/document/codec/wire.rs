//! The canonical bytes of documents and their deltas.
//!
//! A document is the lanes of its kernel, the times of its writes, and the writes in the order of
//! their dots: where, and what. Paths, texts, replicas and the runs of places are spelled where they
//! are used first, and named by number from then on. So each is there once, and in a fixed order.

use super::intake::Intake;
use crate::document::{
    Document, Rules,
    state::{
        Content, DocumentDelta, Item, LEVELS_MAX, Level, Levels, ListForm, ListOrder, NodeId,
        Origin, Place, Policy, ROOT, Removal, Run, Segment, Short, Sought, Store, Tally, Tree, Way,
        Write, heard_relative, told_relative,
    },
};
use crate::value::Value;
use crate::value::wire::{kind, kind_of_number, read_number, read_text, write_number, write_text};
use crate::{
    causal::{Dot, Lanes},
    replica::ReplicaId,
    time::Timestamp,
    wire::{
        DecodeError, Reader, Schema, Tag, Wire, Writer, read_times, unzigzag, write_times, zigzag,
    },
};
use ahash::RandomState;
use alloc::{sync::Arc, vec::Vec};
use core::hash::Hash;
use hashbrown::{HashMap, HashSet, hash_map::Entry};
use smallvec::SmallVec;

/// Below this, the code of a run means that it is spelled now: so many levels, and whether its
/// number is relative to the time of the write.
const NEW_RUNS: u64 = 2 * LEVELS_MAX as u64;

/// Numbers for what has been spelled.
struct Told<K>(HashMap<K, u64, RandomState>);

impl<K: Eq + Hash> Told<K> {
    fn new(known: impl Iterator<Item = K>) -> Self {
        let mut numbers = HashMap::with_hasher(RandomState::new());
        numbers.extend(known.zip(0..));
        Self(numbers)
    }

    /// The code of `key`: one more than its number, or 0 if it is spelled now.
    fn code(&mut self, key: K) -> u64 {
        let next = self.0.len() as u64;
        match self.0.entry(key) {
            Entry::Occupied(known) => known.get() + 1,
            Entry::Vacant(free) => {
                free.insert(next);
                0
            }
        }
    }
}

/// The same for nodes: a table by their number in the tree, and how many were spelled.
struct ToldNodes {
    numbers: Vec<Option<u32>>,
    len: u32,
}

impl ToldNodes {
    fn number(&self, node: NodeId) -> Option<u32> {
        *self.numbers.get(node.number())?
    }

    fn tell(&mut self, node: NodeId) {
        if self.numbers.len() <= node.number() {
            self.numbers.resize(node.number() + 1, None);
        }
        self.numbers[node.number()] = Some(self.len);
        self.len += 1;
    }
}

/// Writes a store, from its first write to its last.
struct Teller<'a> {
    tree: &'a Tree,
    nodes: ToldNodes,
    texts: Told<&'a str>,
    replicas: Told<ReplicaId>,
    runs: Told<&'a Run>,
}

impl<'a> Teller<'a> {
    fn store(store: &'a Store, out: &mut Writer) -> Self {
        store.kernel.write_lanes(out);
        write_times(store.kernel.payloads().map(|write| write.time), out);
        let mut teller = Self {
            tree: &store.tree,
            nodes: ToldNodes { numbers: Vec::from([Some(0)]), len: 1 },
            texts: Told::new(core::iter::empty()),
            replicas: Told::new(store.kernel.context().replicas()),
            runs: Told::new(core::iter::empty()),
        };
        for (dot, write) in &store.kernel {
            teller.node(write.node, out);
            teller.write(dot, write, out);
        }
        teller
    }

    /// The kind, with three bits that say what follows the content: the birth, what was counted, and
    /// how it is chosen among others.
    fn write(&mut self, dot: Dot, write: &'a Write, out: &mut Writer) {
        let born = if write.birth().is_some() { kind::BORN } else { 0 };
        let counted = if write.counted().is_empty() { 0 } else { kind::COUNTED };
        let ruled = if write.policy().is_some() { kind::RULED } else { 0 };
        let follows = born | counted | ruled;
        match &write.content {
            Content::Count { start, sum } => {
                out.byte(kind::COUNT | follows);
                out.varint(dot.counter() - start);
                out.varint(zigzag(*sum));
            }
            Content::Place(place) => {
                out.byte(kind::PLACE | follows);
                self.place(place, write.time, out);
            }
            content => self.content(content, follows, out),
        }
        if let Some(birth) = write.birth() {
            self.dot(birth, out);
        }
        if let Some(further) = write.counted().len().checked_sub(1) {
            out.count(further);
            write.counted().iter().for_each(|tally| self.tally(*tally, out));
        }
        if let Some(policy) = write.policy() {
            self.policy(policy, out);
        }
    }

    /// 0 for the greatest, 1 for the least; 2 for preferred replicas, with their number and these.
    fn policy(&mut self, policy: &Policy, out: &mut Writer) {
        match policy {
            Policy::Max => out.byte(0),
            Policy::Min => out.byte(1),
            Policy::Prefer(replicas) => {
                out.byte(2);
                out.count(replicas.len());
                for replica in replicas.iter() {
                    let code = self.replicas.code(*replica);
                    out.varint(code);
                    if code == 0 {
                        replica.encode(out);
                    }
                }
            }
        }
    }

    /// The dot that began it, by how much the last counter is greater, and the sum.
    fn tally(&mut self, tally: Tally, out: &mut Writer) {
        self.dot(Dot::of(tally.replica, tally.start), out);
        out.varint(tally.last - tally.start);
        out.varint(zigzag(tally.sum));
    }

    /// How far back the last known node on the way was spelled, with the number of new nodes after
    /// it, up to 3, in the two lowest bits; from 3 on, how many more; and the steps to the new
    /// ones.
    fn node(&mut self, node: NodeId, out: &mut Writer) {
        let upwards = core::iter::once(node).chain(self.tree.ancestors(node));
        let new: SmallVec<[NodeId; 4]> =
            upwards.take_while(|node| self.nodes.number(*node).is_none()).collect();
        let from = new.last().map_or(Some(node), |top| self.tree.parent(*top));
        let known = from.and_then(|from| self.nodes.number(from)).unwrap_or_default();
        let back = u64::from(self.nodes.len - 1 - known);
        out.varint(back << 2 | new.len().min(3) as u64);
        if let Some(more) = new.len().checked_sub(3) {
            out.count(more);
        }
        for node in new.into_iter().rev() {
            self.nodes.tell(node);
            if let Some(segment) = self.tree.segment(node) {
                self.segment(segment, out);
            }
        }
    }

    /// The kind of step in the two lowest bits, and above them: for a field, its name; for an item
    /// by its key or by its content, which one of several; for an item made on its own, its dot.
    fn segment(&mut self, segment: &'a Segment, out: &mut Writer) {
        match segment {
            Segment::Field(name) => {
                let code = self.texts.code(name);
                out.varint(code << 2);
                if code == 0 {
                    write_text(name, out);
                }
            }
            Segment::Item(Item::Keyed { key, nth }) => {
                out.varint(u64::from(*nth) << 2 | 1);
                self.content(key, 0, out);
            }
            Segment::Item(Item::Like { content, nth }) => {
                out.varint(u64::from(*nth) << 2 | 2);
                out.bytes(&content.to_le_bytes());
            }
            Segment::Item(Item::Made(dot)) => {
                let code = self.replicas.code(dot.replica());
                out.varint(code << 2 | 3);
                write_rest_of_dot(code, *dot, out);
            }
        }
    }

    fn content(&mut self, content: &'a Content, follows: u8, out: &mut Writer) {
        let kind = match content {
            Content::Null => kind::NULL,
            Content::Bool(false) => kind::FALSE,
            Content::Bool(true) => kind::TRUE,
            Content::Number(number) => kind_of_number(*number),
            Content::Short(_) | Content::Long(_) => kind::TEXT,
            Content::Object => kind::OBJECT,
            Content::List(None) => kind::ARRAY,
            Content::List(Some(_)) => kind::FORMED_ARRAY,
            Content::Atom(_) => kind::ATOM,
            Content::Removed => kind::REMOVED,
            Content::Count { .. } => kind::COUNT,
            Content::Place(_) => kind::PLACE,
        };
        out.byte(kind | follows);
        match content {
            Content::Number(number) => write_number(*number, out),
            Content::Short(_) | Content::Long(_) => {
                self.text(content.as_str().unwrap_or_default(), out);
            }
            Content::List(Some(form)) => self.form(form, out),
            Content::Atom(value) => value.encode(out),
            // What was counted needs its dot, and a place its time: `write` writes them.
            Content::Count { .. }
            | Content::Place(_)
            | Content::Null
            | Content::Bool(_)
            | Content::Object
            | Content::Removed
            | Content::List(None) => {}
        }
    }

    /// 1 for a key, which follows; 2 for a field that items are ordered by, which follows; 3 for
    /// both; 4 for a set.
    fn form(&mut self, form: &'a ListForm, out: &mut Writer) {
        let order = match &form.order {
            ListOrder::Place => 0,
            ListOrder::Field(_) => form::ORDERED,
            ListOrder::Value => form::SET,
        };
        out.byte(order | if form.key.is_some() { form::KEYED } else { 0 });
        if let Some(key) = &form.key {
            self.text(key, out);
        }
        if let ListOrder::Field(field) = &form.order {
            self.text(field, out);
        }
    }

    fn text(&mut self, text: &'a str, out: &mut Writer) {
        let code = self.texts.code(text);
        out.varint(code);
        if code == 0 {
            write_text(text, out);
        }
    }

    /// How far back its run was spelled, and the index. Or the number of levels less one, doubled,
    /// plus one if the first number is relative; and for each level its number, its owner, and its
    /// index.
    fn place(&mut self, place: &'a Place, time: Timestamp, out: &mut Writer) {
        let known = self.runs.0.len() as u64;
        if let Some(number) = self.runs.code(place.run()).checked_sub(1) {
            out.varint(NEW_RUNS + known - 1 - number);
            out.varint(zigzag(place.index()));
            return;
        }
        let levels = place.levels();
        let mut relative = levels.first().and_then(|top| told_relative(top.number, time));
        out.varint((levels.len() as u64 - 1) << 1 | u64::from(relative.is_some()));
        for Level { number, replica, way, index } in levels {
            out.varint(relative.take().unwrap_or_else(|| zigzag(number)));
            let code = self.replicas.code(replica);
            out.varint(code << 2 | u64::from(way.code()));
            if code == 0 {
                replica.encode(out);
            }
            out.varint(zigzag(index));
        }
    }

    fn dot(&mut self, dot: Dot, out: &mut Writer) {
        let code = self.replicas.code(dot.replica());
        out.varint(code);
        write_rest_of_dot(code, dot, out);
    }
}

/// The replica, if it is spelled now, and the counter less one.
fn write_rest_of_dot(code: u64, dot: Dot, out: &mut Writer) {
    if code == 0 {
        dot.replica().encode(out);
    }
    out.varint(dot.counter() - 1);
}

/// What the form of a list says.
mod form {
    pub(super) const KEYED: u8 = 1;
    pub(super) const ORDERED: u8 = 2;
    pub(super) const SET: u8 = 4;
}

/// What was spelled, by number.
struct Heard<K> {
    all: Vec<K>,
    known: HashSet<K, RandomState>,
}

impl<K: Clone + Eq + Hash> Heard<K> {
    fn new(known: impl Iterator<Item = K>) -> Self {
        let all: Vec<K> = known.collect();
        let mut known = HashSet::with_hasher(RandomState::new());
        known.extend(all.iter().cloned());
        Self { all, known }
    }
}

/// A text that was spelled, and the one copy of it that everything shares.
#[derive(Clone)]
struct Text<'a> {
    text: &'a str,
    shared: Option<Arc<str>>,
}

impl Text<'_> {
    fn shared(&mut self) -> Arc<str> {
        self.shared.get_or_insert_with(|| self.text.into()).clone()
    }
}

/// Reads a store, from its first write to its last.
struct Listener<'r, 'a> {
    input: &'r mut Reader<'a>,
    intake: Intake,
    nodes: Vec<NodeId>,
    texts: Vec<Text<'a>>,
    known_texts: HashSet<&'a str, RandomState>,
    replicas: Heard<ReplicaId>,
    /// A place in each run.
    runs: Vec<Place>,
    known_runs: HashSet<Arc<Run>, RandomState>,
}

impl<'r, 'a> Listener<'r, 'a> {
    fn store(input: &'r mut Reader<'a>) -> Result<Self, DecodeError> {
        let lanes = Lanes::read(input)?;
        let live = lanes.live_len(input)?;
        if live > input.rest().len() {
            return Err(input.malformed("more writes are alive than the bytes left can hold"));
        }
        let times = read_times(live, input)?;
        let mut listener = Self {
            input,
            intake: Intake::new(lanes.context.clone()),
            nodes: Vec::from([ROOT]),
            texts: Vec::new(),
            known_texts: HashSet::with_hasher(RandomState::new()),
            replicas: Heard::new(lanes.context.replicas()),
            runs: Vec::new(),
            known_runs: HashSet::with_hasher(RandomState::new()),
        };
        for (dot, time) in lanes.dots().zip(times) {
            listener.write(dot, time)?;
        }
        Ok(listener)
    }

    fn write(&mut self, dot: Dot, time: Timestamp) -> Result<(), DecodeError> {
        let node = self.node()?;
        let kind = self.input.byte()?;
        let content = match kind & !(kind::BORN | kind::COUNTED | kind::RULED) {
            kind::COUNT => self.count(dot)?,
            kind::PLACE => Content::Place(self.place(time)?),
            kind => self.content(kind)?,
        };
        let birth = if kind & kind::BORN == 0 { None } else { Some(self.dot()?) };
        let counted = if kind & kind::COUNTED == 0 { Vec::new() } else { self.tallies()? };
        let policy = if kind & kind::RULED == 0 { None } else { Some(self.policy()?) };
        let origin = Origin::with(birth, counted.into(), policy);
        if matches!(content, Content::Object | Content::List(_)) {
            self.input.check_depth(self.intake.store.tree.depth(node) + 1)?;
        }
        let put = self.intake.put(dot, (node, time), content, origin);
        put.map_err(|why| self.input.malformed(why))
    }

    fn policy(&mut self) -> Result<Policy, DecodeError> {
        match self.input.byte()? {
            0 => Ok(Policy::Max),
            1 => Ok(Policy::Min),
            2 => {
                let mut replicas = Vec::new();
                for _ in 0..self.input.count()? {
                    let code = self.input.varint()?;
                    replicas.push(self.replica_of(code)?);
                }
                Ok(Policy::Prefer(replicas.into()))
            }
            _ => Err(self.input.malformed("how a value is chosen is unknown")),
        }
    }

    fn form(&mut self) -> Result<ListForm, DecodeError> {
        let says = self.input.byte()?;
        let key = if says & form::KEYED == 0 { None } else { Some(self.shared_text()?) };
        let order = match says & !form::KEYED {
            0 if key.is_some() => ListOrder::Place,
            form::ORDERED => ListOrder::Field(self.shared_text()?),
            form::SET if key.is_none() => ListOrder::Value,
            _ => return Err(self.input.malformed("the form of a list is unknown")),
        };
        Ok(ListForm { key, order })
    }

    fn shared_text(&mut self) -> Result<Arc<str>, DecodeError> {
        let text = self.text()?;
        Ok(self.texts[text].shared())
    }

    fn count(&mut self, dot: Dot) -> Result<Content, DecodeError> {
        let start = dot.counter().checked_sub(self.input.varint()?).filter(|start| *start > 0);
        let start = start.ok_or_else(|| self.input.malformed("a count began before any write"))?;
        Ok(Content::Count { start, sum: unzigzag(self.input.varint()?) })
    }

    fn tallies(&mut self) -> Result<Vec<Tally>, DecodeError> {
        let mut tallies = Vec::new();
        for _ in 0..=self.input.varint()? {
            tallies.push(self.tally()?);
        }
        Ok(tallies)
    }

    fn tally(&mut self) -> Result<Tally, DecodeError> {
        let start = self.dot()?;
        let last = start.counter().checked_add(self.input.varint()?);
        let last = last.ok_or_else(|| self.input.malformed("a counter exceeds 64 bits"))?;
        let sum = unzigzag(self.input.varint()?);
        Ok(Tally { replica: start.replica(), start: start.counter(), last, sum })
    }

    fn node(&mut self) -> Result<NodeId, DecodeError> {
        let head = self.input.varint()?;
        let at =
            usize::try_from(head >> 2).ok().and_then(|back| self.nodes.len().checked_sub(back + 1));
        let at =
            at.ok_or_else(|| self.input.malformed("the parent of a path was not spelled before"))?;
        let mut node = self.nodes[at];
        let mut new = head & 3;
        if new == 3 {
            new = new.saturating_add(self.input.varint()?);
        }
        for _ in 0..new {
            node = self.step(node)?;
        }
        Ok(node)
    }

    /// One step down that was not spelled before.
    fn step(&mut self, parent: NodeId) -> Result<NodeId, DecodeError> {
        let head = self.input.varint()?;
        let above = head >> 2;
        let nth = || {
            u32::try_from(above)
                .map_err(|_| self.input.malformed("the number of an item does not fit in 32 bits"))
        };
        let segment = match head & 3 {
            0 => {
                let name = self.text_of(above)?;
                return self.step_to(parent, Sought::Field(self.texts[name].text));
            }
            1 => {
                let nth = nth()?;
                let kind = self.input.byte()?;
                let key = self.content(kind)?;
                if !key.is_scalar() {
                    return Err(self.input.malformed("the key of an item is not a scalar"));
                }
                Item::Keyed { key, nth }
            }
            2 => {
                let nth = nth()?;
                let mut content = [0; 8];
                content.copy_from_slice(self.input.bytes(8)?);
                Item::Like { content: u64::from_le_bytes(content), nth }
            }
            _ => Item::Made(self.dot_of(above)?),
        };
        self.step_to(parent, Sought::Segment(&Segment::Item(segment)))
    }

    fn step_to(&mut self, parent: NodeId, step: Sought<'_>) -> Result<NodeId, DecodeError> {
        if self.intake.store.tree.child(parent, step).is_some() {
            return Err(self.input.malformed("a path is spelled twice"));
        }
        let node = self.intake.step(parent, step).map_err(|why| self.input.malformed(why))?;
        self.input.check_depth(self.intake.store.tree.depth(node))?;
        self.nodes.push(node);
        Ok(node)
    }

    fn content(&mut self, kind: u8) -> Result<Content, DecodeError> {
        Ok(match kind {
            kind::NULL => Content::Null,
            kind::FALSE => Content::Bool(false),
            kind::TRUE => Content::Bool(true),
            kind::NATURAL | kind::NEGATIVE | kind::FLOAT => {
                Content::Number(read_number(kind, self.input)?)
            }
            kind::TEXT => {
                let text = self.text()?;
                let text = &mut self.texts[text];
                match Short::new(text.text.as_bytes()) {
                    Some(short) => Content::Short(short),
                    None => Content::Long(text.shared()),
                }
            }
            kind::OBJECT => Content::Object,
            kind::ARRAY => Content::List(None),
            kind::FORMED_ARRAY => Content::list(self.form()?),
            kind::ATOM => self.atom()?,
            kind::REMOVED => Content::Removed,
            _ => return Err(self.input.malformed("the kind of a write is unknown")),
        })
    }

    fn atom(&mut self) -> Result<Content, DecodeError> {
        match Value::decode(self.input)? {
            value @ (Value::Array(_) | Value::Object(_)) => Ok(Content::Atom(value.into())),
            _ => Err(self.input.malformed("a scalar is spelled as a whole value")),
        }
    }

    fn text(&mut self) -> Result<usize, DecodeError> {
        let code = self.input.varint()?;
        self.text_of(code)
    }

    /// Which text a code stands for.
    fn text_of(&mut self, code: u64) -> Result<usize, DecodeError> {
        let Some(number) = code.checked_sub(1) else {
            let text = read_text(self.input)?;
            if !self.known_texts.insert(text) {
                return Err(self.input.malformed("a text is spelled twice"));
            }
            self.texts.push(Text { text, shared: None });
            return Ok(self.texts.len() - 1);
        };
        let number = usize::try_from(number).ok().filter(|number| *number < self.texts.len());
        number.ok_or_else(|| self.input.malformed("a text is named before it is spelled"))
    }

    fn place(&mut self, time: Timestamp) -> Result<Place, DecodeError> {
        let head = self.input.varint()?;
        if let Some(back) = head.checked_sub(NEW_RUNS) {
            let at = usize::try_from(back).ok().and_then(|it| self.runs.len().checked_sub(it + 1));
            let run = at.and_then(|at| self.runs.get(at)).cloned();
            let run =
                run.ok_or_else(|| self.input.malformed("a run is named before it is spelled"))?;
            let place = run.at(unzigzag(self.input.varint()?));
            return place.ok_or_else(|| self.input.malformed("a place is out of bounds"));
        }
        let mut levels = Levels::new();
        for depth in 0..=head >> 1 {
            let told = self.input.varint()?;
            let is_relative = depth == 0 && head & 1 == 1;
            let number = if is_relative { heard_relative(told, time) } else { unzigzag(told) };
            let shorter = told_relative(number, time).filter(|_| depth == 0);
            if shorter != is_relative.then_some(told) {
                return Err(self.input.malformed("the number of a run is not told as it must be"));
            }
            let owner = self.input.varint()?;
            let replica = self.replica_of(owner >> 2)?;
            let way = Way::of_code((owner & 3) as u8).unwrap_or(Way::Within);
            let index = unzigzag(self.input.varint()?);
            levels.push(Level { number, replica, way, index });
        }
        let place = Place::of_checked(&levels);
        let place = place.ok_or_else(|| self.input.malformed("a place is out of bounds"))?;
        if !self.known_runs.insert(place.run().clone()) {
            return Err(self.input.malformed("a run is spelled twice"));
        }
        self.runs.push(place.clone());
        Ok(place)
    }

    fn dot(&mut self) -> Result<Dot, DecodeError> {
        let code = self.input.varint()?;
        self.dot_of(code)
    }

    fn dot_of(&mut self, code: u64) -> Result<Dot, DecodeError> {
        let replica = self.replica_of(code)?;
        let counter = self.input.varint()?.checked_add(1);
        let counter = counter.ok_or_else(|| self.input.malformed("a counter exceeds 64 bits"))?;
        Ok(Dot::of(replica, counter))
    }

    /// Which replica a code stands for.
    fn replica_of(&mut self, code: u64) -> Result<ReplicaId, DecodeError> {
        let Heard { all, known } = &mut self.replicas;
        let Some(number) = code.checked_sub(1) else {
            let replica = self.input.replica()?;
            if !known.insert(replica) {
                return Err(self.input.malformed("a replica is spelled twice"));
            }
            all.push(replica);
            return Ok(replica);
        };
        let replica = usize::try_from(number).ok().and_then(|number| all.get(number)).copied();
        replica.ok_or_else(|| self.input.malformed("a replica is named before it is spelled"))
    }
}

impl Wire for Document {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::Document);
    }

    fn encode(&self, out: &mut Writer) {
        Teller::store(&self.store, out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let Listener { intake, .. } = Listener::store(input)?;
        Ok(Self { store: intake.finish(), rules: Rules::new() })
    }
}

/// As a document, and then what was removed: the dots with time and path.
impl Wire for DocumentDelta {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::DocumentDelta);
    }

    fn encode(&self, out: &mut Writer) {
        let mut teller = Teller::store(&self.store, out);
        out.count(self.removals.len());
        for removal in &self.removals {
            teller.dot(removal.dot, out);
            removal.time.encode(out);
            teller.node(removal.node, out);
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut listener = Listener::store(input)?;
        let mut removals = Vec::new();
        for _ in 0..listener.input.count()? {
            let (dot, time) = (listener.dot()?, Timestamp::decode(listener.input)?);
            removals.push(Removal { dot, node: listener.node()?, time });
        }
        let Listener { input, intake, .. } = listener;
        intake.finish_delta(removals).map_err(|why| input.malformed(why))
    }
}
