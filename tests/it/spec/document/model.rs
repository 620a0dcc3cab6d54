//! The writes that one replica can see, and what they mean.

use super::place::{Place, between, digest, imported};
use crate::world::{Seen, stamped};
use rejoin::{
    ReplicaId, Timestamp,
    document::{Kind, Value},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

/// The number of an event, and which of its writes.
type WriteId = (usize, usize);
/// Time, replica, and what was written later.
type Rank = (u64, ReplicaId, WriteId);
type Path = Vec<Step>;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Field(String),
    Item(Item),
}

/// Which item of its list; of several that are told by the same, the number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Item {
    Keyed(Value, usize),
    Like(u64, usize),
    Made(ReplicaId, WriteId),
}

#[derive(Clone, Debug)]
enum Said {
    Scalar(Value),
    Object,
    /// With the field that is the key of its items.
    List(Option<&'static str>),
    Count(i64),
    Place(Place),
}

#[derive(Clone, Debug)]
struct Write {
    rank: Rank,
    path: Rc<[Step]>,
    said: Said,
}

#[derive(Default)]
pub(in crate::spec) struct Event {
    /// The time, where, and what.
    writes: Vec<(u64, Rc<[Step]>, Said)>,
    over: BTreeSet<WriteId>,
}

impl Write {
    fn is_place(&self) -> bool {
        matches!(self.said, Said::Place(_))
    }
}

/// The writes at one path, and those below.
#[derive(Default)]
struct Node<'a> {
    writes: Vec<&'a Write>,
    below: BTreeMap<&'a Step, Node<'a>>,
}

impl<'a> Node<'a> {
    fn add(&mut self, rest: &'a [Step], write: &'a Write) {
        match rest.split_first() {
            None => self.writes.push(write),
            Some((step, rest)) => self.below.entry(step).or_default().add(rest, write),
        }
    }

    /// The node of a write below.
    fn at(&self, rest: &[Step]) -> &Self {
        rest.iter().fold(self, |node, step| &node.below[step])
    }

    fn has_content(&self) -> bool {
        self.writes.iter().any(|it| !it.is_place()) || self.below.values().any(Self::has_content)
    }

    /// The greatest rank at and below.
    fn greatest(&self) -> Option<Rank> {
        let here = self.writes.iter().map(|write| write.rank).max();
        let below = self.below.values().filter_map(Self::greatest).max();
        here.max(below).filter(|_| self.has_content())
    }

    fn rank_of(&self, which: fn(&Said) -> bool) -> Option<Rank> {
        self.writes.iter().filter(|write| which(&write.said)).map(|write| write.rank).max()
    }

    fn is_marked(&self, kind: Kind) -> bool {
        match kind {
            Kind::Scalar => false,
            Kind::Array => self.rank_of(|said| matches!(said, Said::List(_))).is_some(),
            Kind::Object => self.rank_of(|said| matches!(said, Said::Object)).is_some(),
        }
    }

    fn latest<T>(&self, of: impl Fn(&'a Said) -> Option<T>) -> Option<T> {
        let writes = self.writes.iter().filter_map(|write| Some((write.rank, of(&write.said)?)));
        writes.max_by_key(|write| write.0).map(|write| write.1)
    }

    fn place(&self) -> Option<&'a Place> {
        self.latest(|said| if let Said::Place(place) = said { Some(place) } else { None })
    }

    fn key(&self) -> Option<&'static str> {
        self.latest(|said| if let Said::List(key) = said { Some(*key) } else { None }).flatten()
    }

    /// The scalar that is read if no container is.
    fn leaf(&self) -> Option<(Rank, Value)> {
        let is_scalar = |said: &_| matches!(said, Said::Scalar(_));
        let scalar = self.latest(|said| if let Said::Scalar(it) = said { Some(it) } else { None });
        let scalar = self.rank_of(is_scalar).zip(scalar.cloned());
        let Some(count_rank) = self.rank_of(|said| matches!(said, Said::Count(_))) else {
            return scalar;
        };
        let counts = self.writes.iter().filter_map(|write| match write.said {
            Said::Count(by) => Some(i128::from(by)),
            _ => None,
        });
        let sum: i128 = counts.sum();
        let count = |start: i64| {
            let count = (i128::from(start) + sum).clamp(i64::MIN.into(), i64::MAX.into());
            Value::from(i64::try_from(count).unwrap())
        };
        // Increments belong to the latest integer, and make it as late as they are.
        let number =
            self.latest(|said| if let Said::Scalar(it) = said { integer(it) } else { None });
        let is_integer = |said: &_| matches!(said, Said::Scalar(it) if integer(it).is_some());
        let rank = self.rank_of(is_integer).max(Some(count_rank))?;
        let others = scalar.filter(|(_, it)| integer(it).is_none()).into_iter();
        others.chain([(rank, count(number.unwrap_or(0)))]).max_by_key(|it| it.0)
    }

    fn kind(&self) -> Option<Kind> {
        let below = |is_item| {
            let below =
                self.below.iter().filter(move |it| matches!(it.0, Step::Item(_)) == is_item);
            below.filter_map(|it| it.1.greatest()).max()
        };
        let object = self.rank_of(|said| matches!(said, Said::Object)).max(below(false));
        let list = self.rank_of(|said| matches!(said, Said::List(_))).max(below(true));
        let leaf = self.leaf().map(|leaf| leaf.0);
        let kinds = [(leaf, Kind::Scalar), (list, Kind::Array), (object, Kind::Object)];
        kinds.into_iter().filter(|kind| kind.0.is_some()).max().map(|kind| kind.1)
    }

    fn items(&self) -> Vec<(&'a Step, &Self)> {
        let items = self.below.iter().map(|(step, node)| (*step, node));
        let items = items.filter(|it| matches!(it.0, Step::Item(_)) && it.1.has_content());
        let mut items: Vec<_> = items.collect();
        items.sort_by_key(|(step, node)| (node.place().is_none(), node.place(), *step));
        items
    }

    fn value(&self) -> Option<Value> {
        Some(match self.kind()? {
            Kind::Scalar => self.leaf()?.1,
            Kind::Array => {
                Value::Array(self.items().iter().filter_map(|item| item.1.value()).collect())
            }
            Kind::Object => {
                let field = |(step, node): (&&Step, &Self)| match step {
                    Step::Field(name) => Some((name.clone(), node.value()?)),
                    Step::Item(_) => None,
                };
                self.below.iter().filter_map(field).collect()
            }
        })
    }

    /// The step that a token stands for, if it leads to something.
    fn step(&self, token: &str) -> Option<Step> {
        match self.kind()? {
            Kind::Scalar => None,
            Kind::Array => self.items().get(index(token)?).map(|item| item.0.clone()),
            Kind::Object => {
                let step = Step::Field(token.into());
                self.below.get(&step)?.has_content().then_some(step)
            }
        }
    }
}

fn integer(value: &Value) -> Option<i64> {
    if let Value::Number(number) = value { number.as_i64() } else { None }
}

fn index(token: &str) -> Option<usize> {
    token.parse().ok().filter(|index: &usize| index.to_string() == token)
}

fn key_in(value: &Value, key: Option<&str>) -> Option<Value> {
    let Value::Object(fields) = value else { return None };
    fields.get(key?).filter(|key| key.kind() == Kind::Scalar).cloned()
}

/// What one replica sees, with the writes of the edit under way.
pub(super) struct Model {
    alive: BTreeMap<WriteId, Write>,
    replica: ReplicaId,
    now: u64,
    /// The lists that have a key as far as this replica knows, and the key.
    rule: Option<(&'static str, &'static str)>,
    /// How many edits the replica has made.
    edits: usize,
    written: usize,
    over: BTreeSet<WriteId>,
}

/// The event under way: later than any.
const NOW: usize = usize::MAX;

impl Model {
    pub(super) fn new(seen: &Seen<'_, Event>) -> Self {
        let over: BTreeSet<&WriteId> = seen.0.iter().flat_map(|event| &event.2.over).collect();
        let mut alive = BTreeMap::new();
        for (number, replica, event) in &seen.0 {
            for (at, (time, path, said)) in event.writes.iter().enumerate() {
                let id = (*number, at);
                if !over.contains(&id) {
                    let (path, said) = (path.clone(), said.clone());
                    alive.insert(id, Write { rank: (*time, *replica, id), path, said });
                }
            }
        }
        let (replica, rule) = (ReplicaId::from_u128(0), None);
        Self { alive, replica, now: 0, rule, edits: 0, written: 0, over: BTreeSet::new() }
    }

    pub(super) fn of_edit(
        seen: &Seen<'_, Event>,
        replica: ReplicaId,
        now: Timestamp,
        rule: Option<(&'static str, &'static str)>,
    ) -> Self {
        let edits = seen.0.iter().filter(|event| event.1 == replica).count();
        Self { replica, now: now.as_millis(), rule, edits, ..Self::new(seen) }
    }

    pub(super) fn finish(self) -> Event {
        let made = self.alive.range((NOW, 0)..).map(|(_, write)| write.clone());
        let writes = made.map(|write| (write.rank.0, write.path, write.said)).collect();
        Event { writes, over: self.over }
    }

    fn node(&self, at: &[Step]) -> Node<'_> {
        let mut node = Node::default();
        for write in self.alive.values().filter(|write| write.path.starts_with(at)) {
            node.add(&write.path[at.len()..], write);
        }
        node
    }

    pub(super) fn value(&self) -> Option<Value> {
        self.node(&[]).value()
    }

    /// The index of the first item with this key in a list that is a field of the root.
    pub(super) fn index_of(&self, list: &str, key: &Value) -> Option<usize> {
        let root = self.node(&[]);
        let list = root.step(list).filter(|_| root.kind() == Some(Kind::Object))?;
        let list = self.node(&[list]);
        let sought = Step::Item(Item::Keyed(key.clone(), 0));
        let items = list.items();
        items.iter().position(|item| *item.0 == sought).filter(|_| list.kind() == Some(Kind::Array))
    }

    /// What an edit sees at a path and below: the place of an item that is not there it does not.
    fn visible_below(&self, at: &[Step]) -> BTreeSet<WriteId> {
        let root = self.node(&[]);
        let is_visible = |write: &Write| !write.is_place() || root.at(&write.path).has_content();
        let below = self.alive.iter().filter(|it| it.1.path.starts_with(at));
        below.filter(|it| is_visible(it.1)).map(|it| *it.0).collect()
    }

    fn places_at(&self, at: &[Step]) -> BTreeSet<WriteId> {
        let places = self.alive.iter().filter(|it| *it.1.path == *at && it.1.is_place());
        places.map(|it| *it.0).collect()
    }

    /// The time at which to write in place of what was killed.
    fn kill(&mut self, over: &BTreeSet<WriteId>) -> u64 {
        let killed = over.iter().filter_map(|id| self.alive.remove(id));
        let greatest = killed.map(|write| write.rank.0).max();
        self.over.extend(over.iter().filter(|id| id.0 != NOW));
        stamped(self.now.into(), greatest)
    }

    fn put(&mut self, at: &[Step], said: Said, time: u64) {
        let id = (NOW, self.written);
        self.written += 1;
        self.alive.insert(id, Write { rank: (time, self.replica, id), path: at.into(), said });
    }

    fn kind(&self, at: &[Step]) -> Option<Kind> {
        self.node(at).kind()
    }

    fn items(&self, list: &[Step]) -> Vec<Path> {
        let items = self.node(list);
        items.items().into_iter().map(|item| below(list, item.0.clone())).collect()
    }

    fn place_of(&self, item: Option<&Path>) -> Place {
        item.and_then(|item| self.node(item).place().cloned()).unwrap_or_default()
    }

    fn key_of(&self, list: &[Step]) -> Option<&'static str> {
        self.rule_at(list).or_else(|| self.node(list).key())
    }

    fn rule_at(&self, list: &[Step]) -> Option<&'static str> {
        let (name, key) = self.rule?;
        (list == [Step::Field(name.into())]).then_some(key)
    }

    /// The path of a pointer, and each container on the way settled.
    fn enter(&mut self, tokens: &[&str]) -> Option<Path> {
        let mut at = Path::new();
        self.node(&at).has_content().then_some(())?;
        for token in tokens {
            let step = self.node(&at).step(token)?;
            self.settle(&at);
            at.push(step);
        }
        Some(at)
    }

    fn enter_container(&mut self, tokens: &[&str]) -> Option<(Path, Kind)> {
        let at = self.enter(tokens)?;
        let kind = self.kind(&at).filter(|kind| *kind != Kind::Scalar)?;
        self.settle(&at);
        Some((at, kind))
    }

    /// The container in which a field is to be made: a root where nothing lives is an object to be.
    fn enter_parent(&mut self, tokens: &[&str]) -> Option<(Path, Kind)> {
        if tokens.is_empty() && !self.node(&[]).has_content() {
            self.put(&[], Said::Object, self.now);
        }
        self.enter_container(tokens)
    }

    fn enter_list(&mut self, tokens: &[&str]) -> Option<Path> {
        self.enter_container(tokens).filter(|it| it.1 == Kind::Array).map(|it| it.0)
    }

    fn settle(&mut self, at: &[Step]) {
        let kind = self.kind(at).unwrap();
        let is_part = |write: &Write| match (write.path.get(at.len()), &write.said) {
            (Some(Step::Field(_)), _) | (None, Said::Object) => kind == Kind::Object,
            (Some(Step::Item(_)), _) | (None, Said::List(_)) => kind == Kind::Array,
            (None, Said::Place(_)) => true,
            (None, Said::Scalar(_) | Said::Count(_)) => false,
        };
        let mut losers = self.visible_below(at);
        losers.retain(|id| !is_part(&self.alive[id]));
        if !losers.is_empty() || !self.node(at).is_marked(kind) {
            let mark = match kind {
                Kind::Array => Said::List(self.key_of(at)),
                _ => Said::Object,
            };
            let time = self.kill(&losers);
            self.put(at, mark, time);
        }
        self.settle_place(at);
    }

    /// An item without a place gets one where it stands, and so do those before it.
    fn settle_place(&mut self, at: &[Step]) {
        let Some((Step::Item(_), list)) = at.split_last() else { return };
        let items = self.items(list);
        let Some(index) = items.iter().position(|item| item == at) else { return };
        for index in 0..=index {
            if self.place_of(Some(&items[index])).is_empty() {
                let left = self.place_of(index.checked_sub(1).map(|left| &items[left]));
                self.put_place(&items[index], between(&left, &[], self.replica));
            }
        }
    }

    fn put_place(&mut self, item: &[Step], place: Place) {
        let places = self.places_at(item);
        let time = self.kill(&places);
        self.put(item, Said::Place(place), time);
    }

    fn set_at(&mut self, at: &[Step], value: &Value) {
        self.settle_place(at);
        let key = self.node(at).key();
        let mut over = self.visible_below(at);
        self.places_at(at).iter().for_each(|place| _ = over.remove(place));
        let time = self.kill(&over);
        self.put_value(at, value, time, key);
    }

    fn put_value(&mut self, at: &[Step], value: &Value, time: u64, key: Option<&'static str>) {
        match value {
            Value::Object(fields) => {
                self.put(at, Said::Object, time);
                for (name, value) in fields {
                    self.put_value(&below(at, Step::Field(name.clone())), value, time, None);
                }
            }
            Value::Array(items) => {
                let key = self.rule_at(at).or(key);
                self.put(at, Said::List(key), time);
                let mut told: Vec<Item> = Vec::new();
                for (index, value) in items.iter().enumerate() {
                    let first = match key_in(value, key) {
                        Some(key) => Item::Keyed(key, 0),
                        None => Item::Like(digest(value), 0),
                    };
                    let item = nth(&first, told.iter().filter(|it| **it == first).count());
                    told.push(first);
                    self.put_item(&below(at, Step::Item(item)), imported(index), value, time);
                }
            }
            scalar => self.put(at, Said::Scalar(scalar.clone()), time),
        }
    }

    /// A new item, over a place that may have stayed of an item that was the same.
    fn put_item(&mut self, item: &[Step], place: Place, value: &Value, time: u64) {
        let strays = self.places_at(item);
        let time = time.max(self.kill(&strays));
        self.put(item, Said::Place(place), time);
        self.put_value(item, value, time, None);
    }

    fn insert_at(&mut self, list: &[Step], index: usize, value: &Value) {
        let place = self.place_at(list, index, None);
        let item = match key_in(value, self.key_of(list)) {
            Some(key) => {
                let is_used =
                    |item: &Item| self.node(&below(list, Step::Item(item.clone()))).has_content();
                Item::Keyed(
                    key.clone(),
                    free_after_used(|nth| is_used(&Item::Keyed(key.clone(), nth))),
                )
            }
            None => Item::Made(self.replica, (self.edits, self.written)),
        };
        self.put_item(&below(list, Step::Item(item)), place, value, self.now);
    }

    /// A place before the item at an index, where that which moves does not count.
    fn place_at(&mut self, list: &[Step], index: usize, mover: Option<&Path>) -> Place {
        let stays = |item: &Path| Some(item) != mover;
        let items = self.items(list);
        let (left, right) = items.split_at(index);
        let left = left.iter().rfind(|item| stays(item));
        let right: Vec<&Path> = right.iter().filter(|item| stays(item)).collect();
        left.into_iter().for_each(|left| self.settle_place(left));
        let start = self.place_of(left);
        if !start.is_empty() {
            // Imported on two sides to one place: no room until they stand apart.
            let is_crowded = |item: &&&Path| self.place_of(Some(**item)) == start;
            let crowd = right.iter().take_while(is_crowded).count();
            let end = self.place_of(right.get(crowd).copied());
            let mut left = start.clone();
            for item in &right[..crowd] {
                left = between(&left, &end, self.replica);
                self.put_place(item, left.clone());
            }
        }
        between(&start, &self.place_of(right.first().copied()), self.replica)
    }

    pub(super) fn set(&mut self, tokens: &[&str], value: &Value) -> Option<()> {
        let Some((token, parent)) = tokens.split_last() else {
            self.set_at(&[], value);
            return Some(());
        };
        let (container, kind) = self.enter_parent(parent)?;
        if kind == Kind::Object {
            self.set_at(&below(&container, Step::Field((*token).into())), value);
            return Some(());
        }
        let items = self.items(&container);
        let index = if *token == "-" { items.len() } else { index(token)? };
        match items.get(index) {
            Some(item) => self.set_at(item, value),
            None => (index == items.len()).then(|| self.insert_at(&container, index, value))?,
        }
        Some(())
    }

    pub(super) fn remove(&mut self, tokens: &[&str]) -> Option<()> {
        let at = self.enter(tokens)?;
        self.kill(&self.visible_below(&at));
        Some(())
    }

    pub(super) fn insert(&mut self, tokens: &[&str], value: &Value) -> Option<()> {
        let (token, list) = tokens.split_last()?;
        let list = self.enter_list(list)?;
        let len = self.items(&list).len();
        let index = if *token == "-" { len } else { index(token)? };
        (index <= len).then(|| self.insert_at(&list, index, value))
    }

    pub(super) fn push(&mut self, list: &[&str], value: &Value) -> Option<()> {
        self.insert(&[list, &["-"]].concat(), value)
    }

    pub(super) fn move_item(&mut self, tokens: &[&str], to: usize) -> Option<()> {
        let item = self.enter(tokens)?;
        let list = item.split_last().filter(|it| matches!(it.0, Step::Item(_)))?.1;
        let items = self.items(list);
        let from = items.iter().position(|other| *other == item)?;
        items.get(to)?;
        if from != to {
            let place = self.place_at(list, if to > from { to + 1 } else { to }, Some(&item));
            self.put_place(&item, place);
        } else if self.places_at(&item).len() > 1 {
            self.put_place(&item, self.place_of(Some(&item)));
        }
        Some(())
    }

    pub(super) fn count(&mut self, tokens: &[&str], by: i64) -> Option<()> {
        let container = tokens.split_last().and_then(|(token, parent)| {
            let (at, kind) = self.enter_parent(parent)?;
            (kind == Kind::Object).then(|| below(&at, Step::Field((*token).into())))
        });
        let at = match container {
            Some(field) => field,
            None => self.enter(tokens)?,
        };
        let node = self.node(&at);
        let seen = match node.value() {
            None => 0,
            Some(value) => integer(&value)?,
        };
        seen.checked_add(by)?;
        let greatest = node.writes.iter().map(|write| write.rank.0).max();
        self.put(&at, Said::Count(by), stamped(self.now.into(), greatest));
        Some(())
    }

    pub(super) fn reset(&mut self, tokens: &[&str]) -> Option<()> {
        let at = self.enter(tokens)?;
        let zero = Value::from(0_u64);
        let node = self.node(&at);
        integer(&node.value()?)?;
        let stays = |write: &&Write| match &write.said {
            Said::Scalar(it) => *it == zero,
            _ => write.is_place(),
        };
        if !node.writes.iter().all(stays) {
            self.set_at(&at, &zero);
        }
        Some(())
    }

    /// To a value without lists.
    pub(super) fn update(&mut self, at: &[Step], new: &Value) {
        let node = self.node(at);
        match (node.kind().and(node.value()), new) {
            (Some(old), new) if old.kind() == Kind::Scalar && old == *new => {}
            (Some(Value::Object(old)), Value::Object(new)) => {
                let field = |name: &String| below(at, Step::Field(name.clone()));
                for name in old.keys().filter(|name| !new.contains_key(*name)) {
                    self.settle_way_to(&field(name));
                    self.kill(&self.visible_below(&field(name)));
                }
                new.iter().for_each(|(name, new)| self.update(&field(name), new));
            }
            _ => {
                self.settle_way_to(at);
                self.set_at(at, new);
            }
        }
    }

    fn settle_way_to(&mut self, at: &[Step]) {
        (0..at.len()).for_each(|end| self.settle(&at[..end]));
    }
}

fn below(at: &[Step], step: Step) -> Path {
    [at, &[step]].concat()
}

/// A number that is free and comes after one in use, or is 0: by doubling, then by halving.
fn free_after_used(is_used: impl Fn(usize) -> bool) -> usize {
    let mut free = 0;
    while is_used(free) {
        free = 2 * free + 1;
    }
    let mut used = free / 2;
    while free > used + 1 {
        let middle = used.midpoint(free);
        if is_used(middle) { used = middle } else { free = middle }
    }
    free
}

fn nth(item: &Item, nth: usize) -> Item {
    match item {
        Item::Keyed(key, _) => Item::Keyed(key.clone(), nth),
        Item::Like(content, _) => Item::Like(*content, nth),
        Item::Made(..) => item.clone(),
    }
}
