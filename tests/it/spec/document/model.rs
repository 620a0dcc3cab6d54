//! The writes that one replica can see, and what they mean.

use super::{
    agreed,
    content::digest,
    told::{self, Place},
};
use crate::world::{Seen, stamped};
use rejoin::{
    ReplicaId, Timestamp,
    document::{DocumentDelta, Kind, Value},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

/// The number of an event, and which of its writes.
type WriteId = (usize, usize);
/// Time, replica, and what was written later.
type Rank = (u64, ReplicaId, WriteId);
pub(super) type Path = Vec<Step>;

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
    /// By the write that made it.
    Made(ReplicaId, u64),
}

#[derive(Clone, Debug)]
enum Said {
    Scalar(Value),
    Object,
    /// With the field that is the key of its items.
    List(Option<&'static str>),
    /// An increment.
    Count(i64),
    Place(Place, Moved),
}

/// Whether somebody moved an item to a place.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Moved {
    Never,
    /// By this very write.
    Here,
    /// By that one, for which this one stands in.
    By(ReplicaId, WriteId),
}

#[derive(Clone, Debug)]
struct Write {
    rank: Rank,
    path: Rc<[Step]>,
    said: Said,
    /// Of an increment: those that it goes on from, and tells of as well.
    before: BTreeMap<WriteId, i64>,
    /// The increments at its path that count no more: its writer has seen that they were replaced.
    replaced: BTreeSet<WriteId>,
}

#[derive(Default)]
pub(in crate::spec) struct Event {
    writes: Vec<Write>,
    over: BTreeSet<WriteId>,
}

impl Write {
    /// Under the rank of whoever moved the item, if it is a place.
    fn ranked(mut self) -> Self {
        if let Said::Place(_, Moved::By(mover, _)) = self.said {
            self.rank.1 = mover;
        }
        self
    }

    fn is_place(&self) -> bool {
        matches!(self.said, Said::Place(..))
    }

    /// The move that it tells of.
    fn moved(&self) -> Option<Moved> {
        match self.said {
            Said::Place(_, Moved::Here) => Some(Moved::By(self.rank.1, self.rank.2)),
            Said::Place(_, moved) => Some(moved),
            _ => None,
        }
    }

    /// The increments that it tells of.
    fn told(&self) -> BTreeMap<WriteId, i64> {
        let mut told = self.before.clone();
        if let Said::Count(by) = self.said {
            told.insert(self.rank.2, by);
        }
        told
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
        self.latest(|said| if let Said::Place(place, _) = said { Some(place) } else { None })
    }

    fn key(&self) -> Option<&'static str> {
        self.latest(|said| if let Said::List(key) = said { Some(*key) } else { None }).flatten()
    }

    fn keys(&self) -> BTreeSet<Option<&'static str>> {
        let key = |write: &&Write| if let Said::List(key) = write.said { Some(key) } else { None };
        self.writes.iter().filter_map(key).collect()
    }

    /// The scalar that is read if no container is.
    fn leaf(&self) -> Option<(Rank, Value)> {
        let is_scalar = |said: &_| matches!(said, Said::Scalar(_));
        let scalar = self.latest(|said| if let Said::Scalar(it) = said { Some(it) } else { None });
        let scalar = self.rank_of(is_scalar).zip(scalar.cloned());
        let Some(count_rank) = self.rank_of(|said| matches!(said, Said::Count(_))) else {
            return scalar;
        };
        // Increments belong to the latest integer, and make it as late as they are.
        let count = self.exact().clamp(i64::MIN.into(), i64::MAX.into());
        let count = Value::from(i64::try_from(count).unwrap());
        let is_integer = |said: &_| matches!(said, Said::Scalar(it) if integer(it).is_some());
        let rank = self.rank_of(is_integer).max(Some(count_rank))?;
        let others = scalar.filter(|(_, it)| integer(it).is_none()).into_iter();
        others.chain([(rank, count)]).max_by_key(|it| it.0)
    }

    /// The latest integer, and all increments that nothing here has replaced.
    fn exact(&self) -> i128 {
        let start =
            self.latest(|said| if let Said::Scalar(it) = said { integer(it) } else { None });
        let mut told: BTreeMap<_, _> = self.writes.iter().flat_map(|it| it.told()).collect();
        let replaced: BTreeSet<_> = self.writes.iter().flat_map(|it| &it.replaced).collect();
        told.retain(|id, _| !replaced.contains(id));
        i128::from(start.unwrap_or(0)) + told.values().map(|by| i128::from(*by)).sum::<i128>()
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
        let unmoved: Vec<_> = items.iter().map(|item| item.1.unmoved()).collect();
        let standing = agreed::standing(&unmoved);
        let stands = |at: usize| standing[at].or(items[at].1.place().map(|place| (place, 0)));
        let mut order: Vec<usize> = (0..items.len()).collect();
        order.sort_by_key(|at| (stands(*at).is_none(), stands(*at), items[*at].0));
        order.into_iter().map(|at| items[at]).collect()
    }

    /// The places that nobody moved it to, if it is read at one of them.
    fn unmoved(&self) -> agreed::Unmoved<'a> {
        let read =
            self.latest(|said| if let Said::Place(at, by) = said { Some((at, by)) } else { None });
        let (read, _) = read.filter(|it| *it.1 == Moved::Never)?;
        let unmoved = |write: &&'a Write| match &write.said {
            Said::Place(place, Moved::Never) => Some(place).filter(|place| agreed::is_free(place)),
            _ => None,
        };
        Some((read, self.writes.iter().filter_map(unmoved).collect()))
    }

    fn value(&self) -> Option<Value> {
        Some(match self.kind()? {
            Kind::Scalar => self.leaf()?.1,
            Kind::Array => {
                let items = self.items();
                let value = |(step, node): &(&Step, &Self)| node.value_with(self.lost_key(step));
                Value::Array(items.iter().filter_map(value).collect())
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

    /// The field that an item which outlived its deletion is read with, although nothing lives there.
    fn lost_key(&self, item: &Step) -> Option<(String, Value)> {
        let Step::Item(Item::Keyed(key, _)) = item else { return None };
        let (name, node) = (self.key()?, &self.below[item]);
        let field = node.below.get(&Step::Field(name.into()));
        let is_lost = !node.is_marked(Kind::Object) && !field.is_some_and(Self::has_content);
        is_lost.then(|| (name.into(), key.clone()))
    }

    fn value_with(&self, key: Option<(String, Value)>) -> Option<Value> {
        let mut value = self.value()?;
        if let Value::Object(fields) = &mut value {
            fields.extend(key);
        }
        Some(value)
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
    written: usize,
    over: BTreeSet<WriteId>,
    /// The places that the edit's delta gives.
    places: BTreeMap<Path, Place>,
    /// To which of these items the model has given them.
    given: BTreeSet<Path>,
    /// The items of a list as they are to stand after the edit.
    expected: Option<(Path, Vec<Path>)>,
    /// All increments that were ever seen.
    increments: BTreeSet<(ReplicaId, Rc<[Step]>, WriteId)>,
    /// Those that the edit has replaced, and those that what it replaced had.
    replaced: BTreeMap<Rc<[Step]>, BTreeSet<WriteId>>,
}

/// The event under way: later than any.
const NOW: usize = usize::MAX;

impl Model {
    pub(super) fn new(seen: &Seen<'_, Event>) -> Self {
        let over: BTreeSet<&WriteId> = seen.0.iter().flat_map(|event| &event.2.over).collect();
        let (mut alive, mut increments) = (BTreeMap::new(), BTreeSet::new());
        for (number, replica, event) in &seen.0 {
            for (at, write) in event.writes.iter().enumerate() {
                let id = (*number, at);
                if matches!(write.said, Said::Count(_)) {
                    increments.insert((*replica, write.path.clone(), id));
                }
                if !over.contains(&id) {
                    let rank = (write.rank.0, *replica, id);
                    alive.insert(id, Write { rank, ..write.clone() }.ranked());
                }
            }
        }
        let (replica, rule) = (ReplicaId::from_u128(0), None);
        let (over, replaced, given) = <_>::default();
        let (places, expected) = <_>::default();
        Self {
            alive,
            replica,
            now: 0,
            rule,
            written: 0,
            over,
            places,
            given,
            expected,
            increments,
            replaced,
        }
    }

    pub(super) fn of_edit(
        seen: &Seen<'_, Event>,
        replica: ReplicaId,
        now: Timestamp,
        rule: Option<(&'static str, &'static str)>,
        delta: Option<&DocumentDelta>,
    ) -> Self {
        let places = delta.into_iter().flat_map(told::places).collect();
        Self { replica, now: now.as_millis(), rule, places, ..Self::new(seen) }
    }

    pub(super) fn finish(mut self) -> Event {
        self.re_place();
        if let Some((list, items)) = &self.expected {
            assert_eq!(self.items(list), *items, "items stand where the edit puts them");
        }
        let made = self.alive.range((NOW, 0)..).map(|(_, write)| write.clone());
        Event { writes: made.collect(), over: self.over }
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
        let mut greatest = None;
        for write in over.iter().filter_map(|id| self.alive.remove(id)) {
            greatest = greatest.max(Some(write.rank.0));
            let told = write.told();
            let replaced = self.replaced.entry(write.path).or_default();
            replaced.extend(told.keys().chain(&write.replaced));
        }
        self.over.extend(over.iter().filter(|id| id.0 != NOW));
        stamped(self.now.into(), greatest)
    }

    fn put(&mut self, at: &[Step], said: Said, time: u64) {
        let is_place = matches!(said, Said::Place(..));
        let replaced = self.replaced.get(at).filter(|_| !is_place).cloned().unwrap_or_default();
        self.put_over(at, said, time, BTreeMap::new(), replaced);
    }

    fn put_over(
        &mut self,
        at: &[Step],
        said: Said,
        time: u64,
        before: BTreeMap<WriteId, i64>,
        replaced: BTreeSet<WriteId>,
    ) {
        let id = (NOW, self.written);
        self.written += 1;
        let (rank, path) = ((time, self.replica, id), at.into());
        let write = Write { rank, path, said, before, replaced };
        self.alive.insert(id, write.ranked());
    }

    fn kind(&self, at: &[Step]) -> Option<Kind> {
        self.node(at).kind()
    }

    fn items(&self, list: &[Step]) -> Vec<Path> {
        let items = self.node(list);
        items.items().into_iter().map(|item| below(list, item.0.clone())).collect()
    }

    fn place_of(&self, item: &[Step]) -> Option<Place> {
        self.node(item).place().cloned()
    }

    /// What the delta says of where an item stands.
    fn given(&mut self, item: &[Step]) -> Place {
        self.given.insert(item.into());
        self.places.get(item).cloned().unwrap_or_default()
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
        // Several sides made the list, with different keys: one mark stands for them all.
        let keys_differ = kind == Kind::Array && self.node(at).keys().len() > 1;
        let is_part = |write: &Write| match (write.path.get(at.len()), &write.said) {
            (None, Said::List(_)) if keys_differ => false,
            (Some(Step::Field(_)), _) | (None, Said::Object) => kind == Kind::Object,
            (Some(Step::Item(_)), _) | (None, Said::List(_)) => kind == Kind::Array,
            (None, Said::Place(..)) => true,
            (None, Said::Scalar(_) | Said::Count(_)) => false,
        };
        let mut losers = self.visible_below(at);
        losers.retain(|id| !is_part(&self.alive[id]));
        if !losers.is_empty() || !self.node(at).is_marked(kind) {
            let mark = match kind {
                Kind::Array => Said::List(self.key_of(at)),
                _ => Said::Object,
            };
            let lost = at.split_last().and_then(|(item, list)| self.node(list).lost_key(item));
            let time = self.kill(&losers);
            self.put(at, mark, time);
            if let Some((name, key)) = lost.filter(|_| kind == Kind::Object) {
                self.put(&below(at, Step::Field(name)), Said::Scalar(key), time);
            }
        }
        self.settle_place(at);
    }

    /// An item without a place gets one where it stands, and so do those before it.
    fn settle_place(&mut self, at: &[Step]) {
        let Some((Step::Item(_), list)) = at.split_last() else { return };
        let items = self.items(list);
        let Some(index) = items.iter().position(|item| item == at) else { return };
        for item in &items[..=index] {
            if self.place_of(item).is_none() {
                let place = self.given(item);
                self.put(item, Said::Place(place, Moved::Never), self.now);
            }
        }
    }

    /// The item is moved.
    fn put_place(&mut self, item: &[Step]) {
        let places = self.places_at(item);
        let time = self.kill(&places);
        let place = self.given(item);
        self.put(item, Said::Place(place, Moved::Here), time);
    }

    /// What else the delta gives a place to has to make room: it counts for no more than the place
    /// that it had, and stays where it is.
    fn re_place(&mut self) {
        for (item, place) in std::mem::take(&mut self.places) {
            if self.given.contains(&item) {
                continue;
            }
            let places = self.places_at(&item);
            let read = places.iter().map(|id| &self.alive[id]).max_by_key(|write| write.rank);
            let (time, moved) = read.and_then(|it| Some((it.rank.0, it.moved()?))).unwrap();
            let same = places.into_iter().filter(|id| self.alive[id].moved() == Some(moved));
            self.kill(&same.collect());
            self.put(&item, Said::Place(place, moved), time);
        }
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
                for value in items {
                    let first = match key_in(value, key) {
                        Some(key) => Item::Keyed(key, 0),
                        None => Item::Like(digest(value), 0),
                    };
                    let item = nth(&first, told.iter().filter(|it| **it == first).count());
                    told.push(first);
                    self.put_item(&below(at, Step::Item(item)), value, time);
                }
            }
            scalar => self.put(at, Said::Scalar(scalar.clone()), time),
        }
    }

    /// A new item, over a place that may have stayed of an item that was the same.
    fn put_item(&mut self, item: &[Step], value: &Value, time: u64) {
        let strays = self.places_at(item);
        let time = time.max(self.kill(&strays));
        let place = self.given(item);
        self.put(item, Said::Place(place, Moved::Never), time);
        self.put_value(item, value, time, None);
    }

    /// The key that a rule gives to a list is marked as soon as something is inserted.
    fn adopt_key(&mut self, list: &[Step]) {
        let key = self.key_of(list);
        if key != self.node(list).key() {
            let is_mark =
                |it: &(&WriteId, &Write)| *it.1.path == *list && matches!(it.1.said, Said::List(_));
            let marks = self.alive.iter().filter(is_mark).map(|it| *it.0).collect();
            let time = self.kill(&marks);
            self.put(list, Said::List(key), time);
        }
    }

    fn insert_at(&mut self, list: &[Step], index: usize, value: &Value) {
        self.adopt_key(list);
        let mut items = self.items(list);
        self.settle_upto(&items, index);
        let item = match key_in(value, self.key_of(list)) {
            Some(key) => {
                let is_used =
                    |item: &Item| self.node(&below(list, Step::Item(item.clone()))).has_content();
                Item::Keyed(
                    key.clone(),
                    free_after_used(|nth| is_used(&Item::Keyed(key.clone(), nth))),
                )
            }
            None => self.made_in(list, &items),
        };
        let item = below(list, Step::Item(item));
        self.put_item(&item, value, self.now);
        items.insert(index, item);
        self.expected = Some((list.into(), items));
    }

    /// The item that the delta makes in a list.
    fn made_in(&self, list: &[Step], items: &[Path]) -> Item {
        let is_new = |item: &&Path| {
            let is_made = matches!(item.last(), Some(Step::Item(Item::Made(..))));
            is_made && item[..item.len() - 1] == *list && !items.contains(item)
        };
        match self.places.keys().find(is_new).and_then(|item| item.last()) {
            Some(Step::Item(item)) => item.clone(),
            _ => Item::Made(self.replica, 0),
        }
    }

    /// Those before an index, where one of them has no place.
    fn settle_upto(&mut self, items: &[Path], index: usize) {
        if let Some(left) = index.checked_sub(1).and_then(|left| items.get(left)) {
            self.settle_place(left);
        }
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
        if self.is_anything_at(tokens)? {
            let at = self.enter(tokens)?;
            if let Some((Step::Item(_), list)) = at.split_last() {
                let items = self.items(list).into_iter().filter(|item| *item != at);
                self.expected = Some((list.into(), items.collect()));
            }
            self.kill(&self.visible_below(&at));
        }
        Some(())
    }

    /// Whether anything is read there; `None` where a list is addressed by a name.
    fn is_anything_at(&self, tokens: &[&str]) -> Option<bool> {
        let mut at = Path::new();
        if !self.node(&at).has_content() {
            return Some(false);
        }
        for token in tokens {
            if self.kind(&at) == Some(Kind::Array) && *token != "-" {
                index(token)?;
            }
            match self.node(&at).step(token) {
                Some(step) => at.push(step),
                None => return Some(false),
            }
        }
        Some(true)
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
            let mut items = items.clone();
            items.remove(from);
            self.settle_upto(&items, to);
            self.put_place(&item);
            items.insert(to, item.clone());
            self.expected = Some((list.into(), items));
        } else if self.places_at(&item).len() > 1 {
            self.put_place(&item);
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
        let number = seen.checked_add(by)?;
        let greatest = node.writes.iter().map(|write| write.rank.0).max();
        let is_own = |it: &&&Write| matches!(it.said, Said::Count(_)) && it.rank.1 == self.replica;
        // Whoever has seen its own increments replaced begins anew.
        let replaced: BTreeSet<_> = node.writes.iter().flat_map(|it| &it.replaced).collect();
        let own = node.writes.iter().find(is_own).filter(|it| !replaced.contains(&it.rank.2));
        let own = own.map(|write| (*write).clone());
        let before = own.as_ref().map(Write::told).unwrap_or_default();
        let sum = before.values().chain([&by]).map(|by| i128::from(*by)).sum::<i128>();
        if node.exact() != i128::from(seen) || i64::try_from(sum).is_err() {
            // More than a count can tell.
            self.set_at(&at, &Value::from(number));
            return Some(());
        }
        // An increment is told together with those that its replica counted before. Any others of
        // its replica are gone, or it would go on from them.
        // Where events arrived out of order some may be left that others tell of, or replaced.
        let is_over = |write: &&&Write| {
            let others = || node.writes.iter().filter(|it| it.rank != write.rank);
            let is_told =
                |id| others().any(|it| it.told().contains_key(id) || it.replaced.contains(id));
            let told = write.told();
            let is_own = !told.is_empty() && write.rank.1 == self.replica;
            is_own || !told.is_empty() && told.keys().all(is_told)
        };
        let over: Vec<WriteId> = node.writes.iter().filter(is_over).map(|it| it.rank.2).collect();
        over.iter().for_each(|id| _ = self.alive.remove(id));
        self.over.extend(over);
        let others = self.increments.iter().filter(|it| it.0 == self.replica && *it.1 == *at);
        let replaced = others.map(|it| it.2).filter(|it| !before.contains_key(it)).collect();
        let time = stamped(self.now.into(), greatest);
        self.put_over(&at, Said::Count(by), time, before, replaced);
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
