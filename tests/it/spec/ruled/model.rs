//! The meaning of a document under rules: which writes live, and what is read of them.
//!
//! A write is in the way of its fields and items. Nothing here knows of a tree, or of indexes:
//! everything is found by looking through all writes.

use super::{Read, fleet::Fleet};
use crate::world::{Seen, stamped};
use rejoin::{ReplicaId, Timestamp, document::Value};
use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

/// One step down: a field by its name, or an item by its key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Field(String),
    Item(String),
}

pub(super) type Way = Vec<Step>;

/// A write by its replica, and how many that had made before.
type Dot = (ReplicaId, usize);
type Rank = (u64, Dot);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Order {
    Place,
    ByField,
    Set,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Policy {
    Max,
    Min,
    Prefer(Vec<ReplicaId>),
}

#[derive(Clone, Debug)]
enum Says {
    /// A scalar, or what is one value.
    Value(Value),
    /// All that its replica counted, by the writes that did.
    Count(BTreeMap<Dot, i64>),
    Object,
    List(Order),
    /// That an item was put somewhere: where is left to the library.
    Place,
    Removed,
}

#[derive(Clone, Debug)]
struct Write {
    dot: Dot,
    time: u64,
    way: Way,
    says: Says,
    policy: Option<Policy>,
    /// What was counted here and no longer counts.
    replaced: BTreeSet<Dot>,
}

impl Write {
    fn rank(&self) -> Rank {
        (self.time, self.dot)
    }

    fn is_readable(&self) -> bool {
        !matches!(self.says, Says::Place | Says::Removed)
    }

    fn value(&self) -> Option<&Value> {
        match &self.says {
            Says::Value(value) => Some(value),
            _ => None,
        }
    }
}

/// What an edit wrote, and what it wrote that over.
#[derive(Debug)]
pub(crate) struct Event {
    writes: Vec<Write>,
    over: BTreeSet<Dot>,
}

/// What was killed by one write.
#[derive(Default)]
struct Replaced(Vec<Write>);

impl Replaced {
    fn time(&self) -> Option<u64> {
        self.0.iter().map(|it| it.time).max()
    }
}

/// What is read at a way.
#[derive(Clone, Debug)]
enum Reading {
    Value(Value),
    Count(i64),
    Object,
    List,
}

pub(super) struct Model {
    alive: Vec<Write>,
    /// All that were ever seen, but the dead ones only by their dots.
    dots: BTreeSet<Dot>,
    fleet: Fleet,
    replica: ReplicaId,
    now: Timestamp,
    event: Event,
}

fn field(name: &str) -> Step {
    Step::Field(name.into())
}

pub(super) fn way(names: &[&str]) -> Way {
    names.iter().map(|name| field(name)).collect()
}

pub(super) fn item(key: &str) -> Way {
    vec![field("msgs"), Step::Item(key.into())]
}

pub(super) fn below(way: &[Step], name: &str) -> Way {
    [way, &[field(name)]].concat()
}

/// The names of the fields on a way; empty if it leads through an item.
pub(super) fn field_names(way: &[Step]) -> Vec<&str> {
    let names = way.iter().map(|step| match step {
        Step::Field(name) => Some(name.as_str()),
        Step::Item(_) => None,
    });
    names.collect::<Option<_>>().unwrap_or_default()
}

/// The order among scalars: null, booleans, numbers by what they are worth, texts.
fn compare(one: &Value, other: &Value) -> Ordering {
    let sort = |value: &Value| match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        _ => 4,
    };
    match (one, other) {
        (Value::Bool(one), Value::Bool(other)) => one.cmp(other),
        (Value::Number(one), Value::Number(other)) => {
            one.as_f64().partial_cmp(&other.as_f64()).unwrap()
        }
        (Value::String(one), Value::String(other)) => one.cmp(other),
        _ => sort(one).cmp(&sort(other)),
    }
}

/// What is read.
impl Model {
    /// What all have seen from the beginning: empty containers.
    fn start(is_late: bool) -> Vec<Write> {
        let msgs = if is_late { Order::Place } else { Order::ByField };
        let all = [
            (way(&[]), Says::Object),
            (way(&["drafts"]), Says::Object),
            (way(&["msgs"]), Says::List(msgs)),
            (way(&["tags"]), Says::List(Order::Set)),
        ];
        let write = |(at, (way, says))| {
            let dot = (ReplicaId::from_u128(0), at);
            Write { dot, time: 0, way, says, policy: None, replaced: BTreeSet::new() }
        };
        all.into_iter().enumerate().map(write).collect()
    }

    pub(super) fn new(is_late: bool, seen: &Seen<'_, Event>) -> Self {
        let (fleet, replica, now) =
            (Fleet::Old, ReplicaId::from_u128(0), Timestamp::from_millis(0));
        Self::of_edit(is_late, seen, fleet, replica, now)
    }

    pub(super) fn of_edit(
        is_late: bool,
        seen: &Seen<'_, Event>,
        fleet: Fleet,
        replica: ReplicaId,
        now: Timestamp,
    ) -> Self {
        let events = || seen.0.iter().map(|it| it.2);
        let over: BTreeSet<&Dot> = events().flat_map(|it| &it.over).collect();
        let mut alive = Self::start(is_late);
        alive.extend(events().flat_map(|it| &it.writes).cloned());
        let dots = alive.iter().map(|it| it.dot).collect();
        alive.retain(|it| !over.contains(&it.dot));
        let event = Event { writes: Vec::new(), over: BTreeSet::new() };
        Self { alive, dots, fleet, replica, now, event }
    }

    pub(super) fn finish(mut self) -> Event {
        self.event.writes.retain(|it| !self.event.over.contains(&it.dot));
        self.event
    }

    fn at<'a>(&'a self, way: &'a [Step]) -> impl Iterator<Item = &'a Write> + Clone {
        self.alive.iter().filter(move |it| it.way == way)
    }

    fn is_removed(&self, way: &[Step]) -> bool {
        self.at(way).any(|it| matches!(it.says, Says::Removed))
    }

    fn below(&self, way: &[Step]) -> BTreeSet<Step> {
        let inside = self.alive.iter().filter(|it| it.way.starts_with(way));
        inside.filter_map(|it| it.way.get(way.len())).cloned().collect()
    }

    /// The steps to what can be read one step down.
    fn visible(&self, way: &[Step], items: bool) -> Vec<Step> {
        let steps = self.below(way).into_iter();
        let steps = steps.filter(|step| matches!(step, Step::Item(_)) == items);
        steps.filter(|step| self.is_there(&[way, std::slice::from_ref(step)].concat())).collect()
    }

    /// Whether anything is there to be read.
    pub(super) fn is_there(&self, way: &[Step]) -> bool {
        let mut steps = self.below(way).into_iter();
        !self.is_removed(way)
            && (self.at(way).any(Write::is_readable)
                || steps.any(|step| self.is_there(&[way, &[step]].concat())))
    }

    fn greatest(&self, way: &[Step]) -> Option<Rank> {
        let here = self.at(way).map(Write::rank).max();
        let steps = [self.visible(way, true), self.visible(way, false)].concat();
        let inside = steps.into_iter().filter_map(|it| self.greatest(&[way, &[it]].concat()));
        here.max(inside.max())
    }

    /// How values at a way are chosen, by the latest write that says so.
    fn policy<'a>(&'a self, way: &'a [Step]) -> Option<&'a Policy> {
        let values = self.at(way).filter(|it| it.value().is_some() && it.policy.is_some());
        values.max_by_key(|it| it.rank()).and_then(|it| it.policy.as_ref())
    }

    /// The value that is read among those that live here.
    fn chosen<'a>(&'a self, way: &'a [Step]) -> Option<&'a Write> {
        let values = self.at(way).filter(|it| it.value().is_some());
        let by = |one: &&Write, other: &&Write| {
            let worth = || compare(one.value().unwrap(), other.value().unwrap());
            let chosen = match self.policy(way) {
                None => Ordering::Equal,
                Some(Policy::Max) => worth(),
                Some(Policy::Min) => worth().reverse(),
                Some(Policy::Prefer(replicas)) => {
                    let at = |it: &Write| {
                        let at = replicas.iter().position(|replica| *replica == it.dot.0);
                        at.unwrap_or(replicas.len())
                    };
                    at(other).cmp(&at(one))
                }
            };
            chosen.then(one.rank().cmp(&other.rank()))
        };
        values.max_by(by)
    }

    fn leaf(&self, way: &[Step]) -> Option<(Rank, Reading)> {
        let counts = || self.at(way).filter(|it| matches!(it.says, Says::Count(_)));
        let Some(count) = counts().map(Write::rank).max() else {
            let chosen = self.chosen(way)?;
            return Some((chosen.rank(), Reading::Value(chosen.value()?.clone())));
        };
        let integers = self.at(way).filter_map(|it| Some((it.rank(), it.value()?.as_i64()?)));
        let start = integers.max();
        let replaced: BTreeSet<Dot> = self.at(way).flat_map(|it| &it.replaced).copied().collect();
        // The latest of one replica says everything about its earlier ones: it goes on from them, or
        // its writer had seen them replaced.
        let is_latest =
            |it: &&Write| !counts().any(|other| other.dot.0 == it.dot.0 && other.dot > it.dot);
        let mut told = BTreeMap::new();
        for write in counts().filter(is_latest) {
            if let Says::Count(by) = &write.says {
                told.extend(by);
            }
        }
        let counted: i64 = told.iter().filter(|it| !replaced.contains(it.0)).map(|it| *it.1).sum();
        let rank = start.map_or(count, |it| it.0.max(count));
        Some((rank, Reading::Count(start.map_or(0, |it| it.1) + counted)))
    }

    fn container_rank(
        &self,
        way: &[Step],
        is_mark: fn(&Says) -> bool,
        items: bool,
    ) -> Option<Rank> {
        let inside = self.visible(way, items).into_iter();
        let inside = inside.filter_map(|it| self.greatest(&[way, &[it]].concat())).max();
        inside.max(self.at(way).filter(|it| is_mark(&it.says)).map(Write::rank).max())
    }

    fn object_rank(&self, way: &[Step]) -> Option<Rank> {
        self.container_rank(way, |it| matches!(it, Says::Object), false)
    }

    fn reading(&self, way: &[Step]) -> Option<Reading> {
        if !self.is_there(way) {
            return None;
        }
        let list = self.container_rank(way, |it| matches!(it, Says::List(_)), true);
        let kinds = [
            self.leaf(way),
            self.object_rank(way).map(|it| (it, Reading::Object)),
            list.map(|it| (it, Reading::List)),
        ];
        kinds.into_iter().flatten().max_by_key(|it| it.0).map(|it| it.1)
    }

    pub(super) fn value(&self, way: &[Step]) -> Option<Value> {
        Some(match self.reading(way)? {
            Reading::Value(value) => value,
            Reading::Count(count) => count.into(),
            Reading::Object => self.object(way),
            Reading::List => {
                let items = self.items(way).into_iter();
                items.filter_map(|it| self.value(&[way, &[it]].concat())).collect::<Vec<_>>().into()
            }
        })
    }

    fn object(&self, way: &[Step]) -> Value {
        let fields = self.visible(way, false).into_iter().filter_map(|step| {
            let Step::Field(name) = &step else { return None };
            Some((name.clone(), self.value(&[way, std::slice::from_ref(&step)].concat())?))
        });
        fields.chain(self.lost_key(way)).collect()
    }

    /// The key of an item that was deleted while somebody wrote into it.
    fn lost_key(&self, way: &[Step]) -> Option<(String, Value)> {
        let Some((Step::Item(key), list)) = way.split_last() else { return None };
        let is_marked = self.at(way).any(|it| matches!(it.says, Says::Object));
        let is_lost = !is_marked && list == [field("msgs")] && !self.is_there(&below(way, "id"));
        is_lost.then(|| ("id".into(), key.as_str().into()))
    }

    pub(super) fn order(&self, way: &[Step]) -> Order {
        let orders = self.at(way).filter_map(|it| match it.says {
            Says::List(order) if order != Order::Place => Some((it.rank(), order)),
            _ => None,
        });
        orders.max().map_or(Order::Place, |it| it.1)
    }

    /// The items of a list as they are read: by value, by a field, or those without a place by key.
    pub(super) fn items(&self, way: &[Step]) -> Vec<Step> {
        let mut items = self.visible(way, true);
        let inner = match self.order(way) {
            Order::Set => "",
            Order::ByField => "t",
            Order::Place => {
                items.sort_by_key(|it| self.lacks_place(&[way, std::slice::from_ref(it)].concat()));
                return items;
            }
        };
        let sorted_by = |step: &Step| {
            let mut at = [way, std::slice::from_ref(step)].concat();
            at.extend((!inner.is_empty()).then(|| field(inner)));
            self.leaf(&at).map(|it| match it.1 {
                Reading::Value(value) => value,
                Reading::Count(count) => count.into(),
                _ => unreachable!(),
            })
        };
        items.sort_by(|one, other| match (sorted_by(one), sorted_by(other)) {
            (Some(a), Some(b)) => compare(&a, &b).then(one.cmp(other)),
            (a, b) => a.is_none().cmp(&b.is_none()).then(one.cmp(other)),
        });
        items
    }

    fn lacks_place(&self, way: &[Step]) -> bool {
        let is_item = matches!(way.last(), Some(Step::Item(_)));
        is_item
            && self.order(&way[..way.len() - 1]) == Order::Place
            && !self.at(way).any(|it| matches!(it.says, Says::Place))
    }

    /// All that is read.
    pub(super) fn read(&self) -> Read {
        let msgs = way(&["msgs"]);
        let listed = self.items(&msgs);
        let index = |key: &&str| {
            let at = listed.iter().position(|it| *it == Step::Item((*key).into()))?;
            Some(format!("/msgs/{at}"))
        };
        Read {
            whole: self.value(&[]).unwrap(),
            is_by_place: self.order(&msgs) == Order::Place,
            items: super::MSGS.iter().map(index).collect(),
            conflicts: super::LEAVES.iter().map(|name| self.conflict(name)).collect(),
        }
    }

    /// The values that are in conflict at a field, the one that is read first, and then the latest.
    /// None where what is read is a container of other values.
    fn conflict(&self, name: &str) -> Vec<Value> {
        let way = way(&[name]);
        let is_bound = matches!(self.policy(&way), Some(Policy::Max | Policy::Min));
        let Some(Reading::Value(read)) = self.reading(&way).filter(|_| !is_bound) else {
            return Vec::new();
        };
        let mut values: Vec<(Rank, Value)> = Vec::new();
        let chosen = self.chosen(&way).map(Write::rank);
        values.extend(self.at(&way).filter_map(|it| Some((it.rank(), it.value()?.clone()))));
        values.sort_by_key(|it| std::cmp::Reverse((Some(it.0) == chosen, it.0)));
        let mut told: Vec<(Rank, Value)> = Vec::new();
        for value in values {
            if told.iter().all(|it| it.1 != value.1) {
                told.push(value);
            }
        }
        told.extend(self.object_rank(&way).map(|rank| (rank, self.object(&way))));
        told[1..].sort_by_key(|it| std::cmp::Reverse(it.0));
        assert_eq!(told[0].1, read);
        if told.len() > 1 { told.into_iter().map(|it| it.1).collect() } else { Vec::new() }
    }
}

/// What is written.
impl Model {
    fn time(&self, over: Option<u64>) -> u64 {
        stamped(self.now, over)
    }

    fn kill(&mut self, is_over: impl Fn(&Write) -> bool) -> Replaced {
        let (over, rest) = std::mem::take(&mut self.alive).into_iter().partition(is_over);
        self.alive = rest;
        let over: Vec<Write> = over;
        self.event.over.extend(over.iter().map(|it| it.dot));
        Replaced(over)
    }

    /// Places of items that are not there: nobody sees them.
    fn strays(&self) -> BTreeSet<Dot> {
        let is_stray = |it: &&Write| matches!(it.says, Says::Place) && !self.is_there(&it.way);
        self.alive.iter().filter(is_stray).map(|it| it.dot).collect()
    }

    fn next_dot(&self) -> Dot {
        let own = self.dots.iter().filter(|dot| dot.0 == self.replica).map(|dot| dot.1);
        (self.replica, own.max().map_or(0, |it| it + 1))
    }

    fn put(&mut self, way: &[Step], says: Says, time: u64, replaced: &Replaced) {
        let here = || replaced.0.iter().filter(|it| it.way == way);
        let is_value = matches!(says, Says::Value(_));
        let policies = here().filter(|it| it.policy.is_some());
        let inherited = policies.max_by_key(|it| it.rank()).and_then(|it| it.policy.clone());
        let policy = self.fleet.policy(way).or(inherited).filter(|_| is_value);
        let told = here().filter_map(|it| match &it.says {
            Says::Count(told) => Some(told.keys().copied()),
            _ => None,
        });
        let counted = told.flatten().chain(here().flat_map(|it| it.replaced.iter().copied()));
        let replaced = counted.collect();
        let dot = self.next_dot();
        self.put_write(Write { dot, time, way: way.into(), says, policy, replaced });
    }

    fn put_write(&mut self, write: Write) {
        self.dots.insert(write.dot);
        self.alive.push(write.clone());
        self.event.writes.push(write);
    }

    /// A container gets its mark, and nothing contends with it any more.
    fn settle(&mut self, way: &[Step]) {
        let is_list = matches!(self.reading(way), Some(Reading::List));
        let lost = self.lost_key(way);
        let is_mark = |it: &Write| match it.says {
            Says::Object => !is_list,
            Says::List(_) => is_list,
            _ => false,
        };
        let is_loser = |it: &Write| {
            let is_here = it.way == way && !is_mark(it) && !matches!(it.says, Says::Place);
            let step = it.way.get(way.len()).filter(|_| it.way.starts_with(way));
            is_here || step.is_some_and(|step| matches!(step, Step::Item(_)) != is_list)
        };
        let is_marked = self.at(way).any(is_mark);
        let replaced = self.kill(is_loser);
        if !is_marked || !replaced.0.is_empty() {
            assert!(!is_list, "all lists are marked, and nothing contends with them");
            let time = self.time(replaced.time());
            self.put(way, Says::Object, time, &replaced);
            if let Some((name, key)) = lost {
                let at = below(way, &name);
                self.kill(|it| it.way.starts_with(&at));
                self.put(&at, Says::Value(key), time, &Replaced::default());
            }
        }
        self.settle_place(way);
    }

    /// An item without a place gets one where it stands, and so do those before it.
    fn settle_place(&mut self, item: &[Step]) {
        if !item.is_empty() && self.lacks_place(item) {
            self.settle_places(&item[..item.len() - 1], item.last());
        }
    }

    fn settle_places(&mut self, list: &[Step], upto: Option<&Step>) {
        if self.order(list) != Order::Place {
            return;
        }
        for step in self.items(list) {
            let at = [list, std::slice::from_ref(&step)].concat();
            if self.lacks_place(&at) && upto.is_none_or(|upto| step <= *upto) {
                self.put(&at, Says::Place, self.time(None), &Replaced::default());
            }
        }
    }

    fn settle_way(&mut self, way: &[Step]) {
        (0..way.len()).for_each(|len| self.settle(&way[..len]));
    }

    /// Whether the value that is read is greater, or less, and stays.
    fn is_kept(&self, way: &[Step], new: &Value) -> bool {
        let policy = self.fleet.policy(way).or_else(|| self.policy(way).cloned());
        let old = match self.reading(way) {
            Some(Reading::Value(old)) if !is_container(&old) && !is_container(new) => old,
            _ => return false,
        };
        match policy {
            Some(Policy::Max) => compare(new, &old).is_le(),
            Some(Policy::Min) => compare(new, &old).is_ge(),
            _ => false,
        }
    }

    /// Writes over all that is there.
    fn put_over(&mut self, way: &[Step], value: &Value) {
        self.settle_place(way);
        if self.is_kept(way, value) {
            return;
        }
        let is_atom = matches!(self.reading(way), Some(Reading::Value(old)) if is_container(&old));
        let order = self.order(way);
        let is_own_place = |it: &Write| it.way == way && matches!(it.says, Says::Place);
        let strays = self.strays();
        let is_over = |it: &Write| it.way.starts_with(way) && !strays.contains(&it.dot);
        let replaced = self.kill(|it| is_over(it) && !is_own_place(it));
        let time = self.time(replaced.time());
        self.put_value(way, value, time, &replaced, is_atom, order);
    }

    fn put_value(
        &mut self,
        way: &[Step],
        value: &Value,
        time: u64,
        replaced: &Replaced,
        is_atom: bool,
        order: Order,
    ) {
        let is_atom = is_atom || self.fleet.is_atomic(way);
        match value {
            Value::Object(fields) if !is_atom => {
                self.put(way, Says::Object, time, replaced);
                for (name, value) in fields {
                    let at = below(way, name);
                    self.put_value(&at, value, time, replaced, false, Order::Place);
                }
            }
            Value::Array(items) if !is_atom => {
                let order = self.fleet.order(way).unwrap_or(order);
                self.put(way, Says::List(order), time, replaced);
                let keys: BTreeMap<String, &Value> = items.iter().map(|it| (key(it), it)).collect();
                for (key, value) in keys {
                    self.put_item(&[way, &[Step::Item(key)]].concat(), value, time, replaced);
                }
            }
            value => self.put(way, Says::Value(value.clone()), time, replaced),
        }
    }

    fn put_item(&mut self, at: &[Step], value: &Value, time: u64, replaced: &Replaced) {
        let stray = self.kill(|it| it.way.starts_with(at));
        let time = time.max(self.time(stray.time()));
        if self.order(&at[..at.len() - 1]) == Order::Place {
            self.put(at, Says::Place, time, &Replaced::default());
        }
        self.put_value(at, value, time, replaced, false, Order::Place);
    }

    pub(super) fn set(&mut self, way: &[Step], value: &Value) -> Option<()> {
        let (_, container) = way.split_last()?;
        self.enter(container)?;
        match self.reading(container)? {
            Reading::Object | Reading::List => {}
            _ => return None,
        }
        self.settle(container);
        self.put_over(way, value);
        Some(())
    }

    /// Goes to what is there, and settles what is on the way.
    fn enter(&mut self, way: &[Step]) -> Option<()> {
        for len in 0..way.len() {
            match self.reading(&way[..len])? {
                Reading::Object | Reading::List => self.settle(&way[..len]),
                _ => return None,
            }
            self.is_there(&way[..=len]).then_some(())?;
        }
        Some(())
    }

    pub(super) fn remove(&mut self, way: &[Step]) {
        if (1..=way.len()).all(|len| self.is_there(&way[..len])) {
            self.settle_way(way);
            self.remove_seen(way);
        }
    }

    fn remove_seen(&mut self, way: &[Step]) {
        let replaced = self.kill(|it| it.way.starts_with(way));
        if self.fleet.delete_wins(way) {
            let time = self.time(replaced.time());
            self.put(way, Says::Removed, time, &Replaced::default());
        }
    }

    /// Adds an item whose key is not there, or a member.
    pub(super) fn push(&mut self, list: &[Step], value: &Value) {
        self.settle_way(list);
        self.settle(list);
        let order = self.fleet.order(list).unwrap_or(self.order(list));
        let at = [list, &[Step::Item(key(value))]].concat();
        if order == Order::Set {
            return self.put_over(&at, value);
        }
        let is_marked = |it: &Write| matches!(it.says, Says::List(other) if other == order);
        if order != self.order(list) || !self.at(list).any(is_marked) {
            let marks = self.kill(|it| it.way == list && matches!(it.says, Says::List(_)));
            self.put(list, Says::List(order), self.time(marks.time()), &marks);
        }
        self.settle_places(list, None);
        self.put_item(&at, value, self.time(None), &Replaced::default());
    }

    pub(super) fn increment(&mut self, way: &[Step], by: i64) {
        self.settle_way(way);
        self.count(way, by);
    }

    fn count(&mut self, way: &[Step], by: i64) {
        let here: Vec<Write> = self.at(way).cloned().collect();
        let replaced: BTreeSet<Dot> = here.iter().flat_map(|it| it.replaced.clone()).collect();
        let counts = |it: &&Write| matches!(it.says, Says::Count(_));
        let told = |it: &Write| match &it.says {
            Says::Count(told) => told.clone(),
            _ => BTreeMap::new(),
        };
        let counts_still = |it: &Write| told(it).keys().any(|dot| !replaced.contains(dot));
        // One that another tells of, or of which nothing counts, goes with the own one.
        let is_over = |it: &&Write| {
            let is_told = here
                .iter()
                .filter(counts)
                .any(|other| other.dot.0 == it.dot.0 && other.dot > it.dot);
            it.dot.0 == self.replica || is_told || !counts_still(it)
        };
        let own = here.iter().filter(counts).filter(|it| it.dot.0 == self.replica);
        let own = own.max_by_key(|it| it.dot).filter(|it| counts_still(it));
        let mut sum = own.map(told).unwrap_or_default();
        let over: BTreeSet<Dot> =
            here.iter().filter(counts).filter(is_over).map(|it| it.dot).collect();
        let time = self.time(here.iter().map(|it| it.time).max());
        self.kill(|it| over.contains(&it.dot));
        let dot = self.next_dot();
        sum.insert(dot, by);
        let says = Says::Count(sum);
        let replaced = BTreeSet::new();
        self.put_write(Write { dot, time, way: way.into(), says, policy: None, replaced });
    }

    /// A save of the whole in which nothing but this field differs.
    pub(super) fn save(&mut self, name: &str, value: &Value) {
        let at = way(&[name]);
        if self.is_there(&at) {
            self.update(&at, value);
        } else {
            self.make(&at, value);
        }
    }

    /// Does what was done to a field of what was read.
    pub(super) fn save_from(&mut self, name: &str, read: &Value, new: &Value) {
        let at = way(&[name]);
        let counted = || {
            let counts = match self.reading(&at)? {
                Reading::Count(_) => true,
                Reading::Value(value) => value.as_i64().is_some() && self.fleet.is_counter(&at),
                _ => false,
            };
            Some(new.as_i64()? - read.as_i64()?).filter(|_| counts)
        };
        if let (Value::Array(was), Value::Array(is)) = (read, new) {
            let [was, is]: [BTreeSet<Step>; 2] =
                [was, is].map(|it| it.iter().map(|it| Step::Item(key(it))).collect());
            for step in self.items(&at) {
                if was.contains(&step) && !is.contains(&step) {
                    self.update_away(&[&at[..], &[step]].concat());
                }
            }
            for member in is.difference(&was) {
                let (Step::Item(key), member) =
                    (member, [&at[..], std::slice::from_ref(member)].concat())
                else {
                    continue;
                };
                if !self.is_there(&member) {
                    self.push(&at, &key.as_str().into());
                }
            }
        } else if let Some(by) = counted() {
            if by != 0 {
                self.increment(&at, by);
            }
        } else if read != new && self.value(&at).as_ref() != Some(new) {
            self.make(&at, new);
        }
    }

    fn make(&mut self, way: &[Step], value: &Value) {
        self.settle_way(way);
        self.put_over(way, value);
    }

    fn update(&mut self, way: &[Step], new: &Value) {
        let reading = self.reading(way);
        let now = match &reading {
            Some(Reading::Value(value)) => value.as_i64(),
            Some(Reading::Count(count)) => Some(*count),
            _ => None,
        };
        if let (Some(now), Some(new), true) = (now, new.as_i64(), self.fleet.is_counter(way)) {
            if now != new {
                self.increment(way, new - now);
            }
            return;
        }
        match (reading, new) {
            (Some(Reading::Object), Value::Object(fields)) if !self.fleet.is_atomic(way) => {
                for step in self.visible(way, false) {
                    if !matches!(&step, Step::Field(name) if fields.contains_key(name)) {
                        self.update_away(&[way, &[step]].concat());
                    }
                }
                let lost = self.lost_key(way);
                for (name, value) in fields {
                    let at = below(way, name);
                    if self.is_there(&at) {
                        self.update(&at, value);
                    } else if lost.as_ref() != Some(&(name.clone(), value.clone())) {
                        self.make(&at, value);
                    }
                }
            }
            (Some(Reading::List), Value::Array(items)) => {
                let wanted: BTreeSet<Step> = items.iter().map(|it| Step::Item(key(it))).collect();
                for step in self.items(way) {
                    if !wanted.contains(&step) {
                        self.update_away(&[way, &[step]].concat());
                    }
                }
                for value in items {
                    let at = [way, &[Step::Item(key(value))]].concat();
                    if !self.is_there(&at) {
                        self.push(way, value);
                    } else if self.order(way) != Order::Set {
                        self.update(&at, value);
                    }
                }
            }
            _ if self.value(way).as_ref() == Some(new) => {}
            _ => {
                self.settle_way(way);
                self.put_over(way, new);
            }
        }
    }

    fn update_away(&mut self, way: &[Step]) {
        self.settle_way(way);
        self.remove_seen(way);
    }
}

/// What tells an item apart: its id, or what it is.
pub(super) fn key(value: &Value) -> String {
    let text = value.get("id").and_then(Value::as_str).or(value.as_str());
    text.expect("a message or a tag").into()
}

fn is_container(value: &Value) -> bool {
    matches!(value, Value::Object(_) | Value::Array(_))
}
