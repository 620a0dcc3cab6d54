//! Everything that removes: a write lives where it is visible and no visible edit was made over
//! it.

use crate::{
    encoded::Sent,
    history::{histories, misused},
    small::Small,
    world::{Seen, Subject, limited, stamped},
};
use proptest::prelude::*;
use rejoin::{
    Delta, DeltaState, EnableFlag, FlagDelta, MapDelta, Merge, MvRegister, OrMap, OrSet,
    RegisterDelta, ReplicaId, SetDelta, Stamp, Timestamp,
    causal::{Change, DotKernel},
    laws::Invariants,
    map::MapChanges,
    set::SetChanges,
    wire::{DecodeError, Reader, Schema, Wire, Writer},
};
use std::collections::BTreeMap;

/// One edit of a key: what it writes there, if anything, over which earlier edits.
pub(crate) struct Event {
    key: u8,
    value: Option<(Stamp, u8)>,
    over: Vec<usize>,
}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Write(u8, u8),
    Erase(u8),
}

/// The live writes of each key: by stamp, and of two by one replica at one time the later last.
pub(crate) type Alive = BTreeMap<u8, Vec<(Stamp, u8)>>;

fn live<'a>(seen: &'a Seen<'_, Event>) -> impl Iterator<Item = (usize, u8, (Stamp, u8))> + 'a {
    seen.0.iter().filter_map(|(number, _, event)| {
        let alive = seen.0.iter().all(|(_, _, other)| !other.over.contains(number));
        alive.then_some((*number, event.key, event.value?))
    })
}

fn alive(seen: &Seen<'_, Event>) -> Alive {
    let mut alive = Alive::new();
    for (_, key, value) in live(seen) {
        alive.entry(key).or_default().push(value);
    }
    // Stable: events are listed as they happened.
    alive.values_mut().for_each(|values| values.sort_by_key(|write| write.0));
    alive
}

fn event(op: &Op, replica: ReplicaId, now: Timestamp, seen: &Seen<'_, Event>) -> Event {
    let (Op::Write(key, _) | Op::Erase(key)) = *op;
    let over: Vec<_> = live(seen).filter(|write| write.1 == key).collect();
    let times = over.iter().map(|write| write.2.0.time.as_millis());
    let time = stamped(now, times.max()).into();
    let value = match *op {
        Op::Write(_, value) => Some((Stamp { time, replica }, value)),
        Op::Erase(_) => None,
    };
    Event { key, value, over: over.into_iter().map(|write| write.0).collect() }
}

fn ops(keys: std::ops::Range<u8>, values: std::ops::Range<u8>) -> BoxedStrategy<Op> {
    let write = (keys.clone(), values).prop_map(|(key, value)| Op::Write(key, value));
    prop_oneof![2 => write, 1 => keys.prop_map(Op::Erase)].boxed()
}

/// A type of this kind; its value is compared through what the model can tell of it.
pub(crate) trait Keyed: 'static {
    type State: DeltaState<Delta = Self::Delta> + Clone + Default + Sent;
    type Delta: Delta + Sent;
    type Value: PartialEq + std::fmt::Debug;
    const KEYS: u8 = 5;
    fn edit(state: &mut Self::State, op: &Op, id: ReplicaId, now: Timestamp)
    -> Option<Self::Delta>;
    fn value(state: &Self::State) -> Self::Value;
    fn read(alive: Alive) -> Self::Value;
    fn check(state: &Self::State) -> Result<(), &'static str>;
    /// What else holds of a merge, and of a delta that is applied.
    fn merged(_before: &Self::State, _other: &Self::State, _after: &Self::State) {}
    fn applied(_before: &Self::State, _delta: &Self::Delta, _after: &Self::State) {}
    fn aged(kernel: serde_json::Value) -> Self::State {
        serde_json::from_value(kernel).unwrap()
    }
}

impl<K: Keyed> Subject for K {
    type State = K::State;
    type Delta = K::Delta;
    type Op = Op;
    type Event = Event;
    type Value = K::Value;

    fn ops() -> BoxedStrategy<Op> {
        ops(0..K::KEYS, 0..4)
    }

    fn edit(state: &mut K::State, op: &Op, id: ReplicaId, now: Timestamp) -> Option<K::Delta> {
        K::edit(state, op, id, now)
    }

    fn value(state: &K::State) -> K::Value {
        K::value(state)
    }

    fn check(state: &K::State) -> Result<(), &'static str> {
        K::check(state)
    }

    fn merged(before: &K::State, other: &K::State, after: &K::State) {
        K::merged(before, other, after);
    }

    fn applied(before: &K::State, delta: &K::Delta, after: &K::State) {
        K::applied(before, delta, after);
    }

    fn aged(kernel: serde_json::Value) -> K::State {
        K::aged(kernel)
    }

    fn event(op: &Op, id: ReplicaId, now: Timestamp, seen: &Seen<'_, Event>) -> Option<Event> {
        Some(event(op, id, now, seen))
    }

    fn meaning(seen: &Seen<'_, Event>) -> K::Value {
        K::read(alive(seen))
    }
}

pub(super) struct Set;

impl Keyed for Set {
    type State = OrSet<u8>;
    type Delta = SetDelta<u8>;
    type Value = Vec<u8>;
    // Enough for a block to fill, empty and fill again in longer histories.
    const KEYS: u8 = 12;

    fn edit(set: &mut OrSet<u8>, op: &Op, id: ReplicaId, _: Timestamp) -> Option<SetDelta<u8>> {
        match op {
            Op::Write(key, _) => set.insert(*key, id).ok(),
            Op::Erase(key) => set.remove(key, id).ok(),
        }
    }

    fn value(set: &OrSet<u8>) -> Vec<u8> {
        let mut elements: Vec<u8> = set.iter().copied().collect();
        elements.sort_unstable();
        assert_eq!(elements.len(), set.len());
        assert!((0..Self::KEYS).all(|key| set.contains(&key) == elements.contains(&key)));
        elements
    }

    fn read(alive: Alive) -> Vec<u8> {
        alive.into_keys().collect()
    }

    fn check(set: &OrSet<u8>) -> Result<(), &'static str> {
        set.check_invariants()
    }

    fn merged(before: &OrSet<u8>, other: &OrSet<u8>, after: &OrSet<u8>) {
        Self::reported(before, after, |set| set.merge_reporting(other));
    }

    fn applied(before: &OrSet<u8>, delta: &SetDelta<u8>, after: &OrSet<u8>) {
        Self::reported(before, after, |set| set.apply_reporting(delta));
    }
}

impl Set {
    /// The changes are the difference between before and after.
    fn reported(
        before: &OrSet<u8>,
        after: &OrSet<u8>,
        join: impl FnOnce(&mut OrSet<u8>) -> SetChanges<u8>,
    ) {
        let mut joined = before.clone();
        let changes = join(&mut joined);
        assert_eq!(joined, *after, "reporting changes nothing else");
        let only = |here: &OrSet<u8>, there: &OrSet<u8>| {
            let mut only: Vec<u8> = here.iter().filter(|it| !there.contains(it)).copied().collect();
            only.sort_unstable();
            only
        };
        assert_eq!((changes.added, changes.removed), (only(after, before), only(before, after)));
    }
}

pub(super) struct Flag;

impl Keyed for Flag {
    type State = EnableFlag;
    type Delta = FlagDelta;
    type Value = bool;
    const KEYS: u8 = 1;

    fn edit(flag: &mut EnableFlag, op: &Op, id: ReplicaId, _: Timestamp) -> Option<FlagDelta> {
        match op {
            Op::Write(..) => flag.enable(id).ok(),
            Op::Erase(_) => flag.disable(id).ok(),
        }
    }

    fn value(flag: &EnableFlag) -> bool {
        flag.is_enabled()
    }

    fn read(alive: Alive) -> bool {
        !alive.is_empty()
    }

    fn check(flag: &EnableFlag) -> Result<(), &'static str> {
        flag.check_invariants()
    }
}

pub(super) struct Siblings;

impl Keyed for Siblings {
    type State = MvRegister<u8>;
    type Delta = RegisterDelta<u8>;
    type Value = Vec<u8>;
    const KEYS: u8 = 1;

    fn edit(
        register: &mut MvRegister<u8>,
        op: &Op,
        id: ReplicaId,
        _: Timestamp,
    ) -> Option<RegisterDelta<u8>> {
        match op {
            Op::Write(_, value) => register.set(*value, id).ok(),
            Op::Erase(_) => register.clear(id).ok(),
        }
    }

    fn value(register: &MvRegister<u8>) -> Vec<u8> {
        let mut values: Vec<u8> = register.values().copied().collect();
        values.sort_unstable();
        values
    }

    fn read(alive: Alive) -> Vec<u8> {
        let mut values: Vec<u8> = alive.into_values().flatten().map(|write| write.1).collect();
        values.sort_unstable();
        values
    }

    fn check(register: &MvRegister<u8>) -> Result<(), &'static str> {
        register.check_invariants()
    }
}

pub(super) struct Map;

impl Keyed for Map {
    type State = OrMap<u8, u8>;
    type Delta = MapDelta<u8, u8>;
    type Value = (Alive, BTreeMap<u8, u8>);

    fn edit(
        map: &mut OrMap<u8, u8>,
        op: &Op,
        id: ReplicaId,
        now: Timestamp,
    ) -> Option<Self::Delta> {
        match op {
            Op::Write(key, value) => map.insert(*key, *value, id, limited(now)).ok(),
            Op::Erase(key) => map.remove(key, id).ok(),
        }
    }

    fn value(map: &OrMap<u8, u8>) -> Self::Value {
        let read: BTreeMap<u8, u8> = map.iter().map(|(key, value)| (*key, *value)).collect();
        assert_eq!(read.len(), map.len());
        assert!(read.iter().all(|(key, value)| map.get(key) == Some(value)));
        assert!((0..Self::KEYS).all(|key| map.contains_key(&key) == read.contains_key(&key)));
        let siblings = |key: &u8| map.siblings(key).map(|(stamp, value)| (stamp, *value)).collect();
        (read.keys().map(|key| (*key, siblings(key))).collect(), read)
    }

    fn read(alive: Alive) -> Self::Value {
        let greatest = |writes: &Vec<(Stamp, u8)>| writes.last().map(|write| write.1);
        let read = alive.iter().filter_map(|(key, writes)| Some((*key, greatest(writes)?)));
        let read = read.collect();
        (alive, read)
    }

    fn check(map: &OrMap<u8, u8>) -> Result<(), &'static str> {
        map.check_invariants()
    }

    fn merged(before: &OrMap<u8, u8>, other: &OrMap<u8, u8>, after: &OrMap<u8, u8>) {
        Self::reported(before, after, |map| map.merge_reporting(other));
    }

    fn applied(before: &OrMap<u8, u8>, delta: &MapDelta<u8, u8>, after: &OrMap<u8, u8>) {
        Self::reported(before, after, |map| map.apply_reporting(delta));
    }
}

impl Map {
    /// The changes are the difference between before and after.
    fn reported(
        before: &OrMap<u8, u8>,
        after: &OrMap<u8, u8>,
        join: impl FnOnce(&mut OrMap<u8, u8>) -> MapChanges<u8, u8>,
    ) {
        let mut joined = before.clone();
        let told = join(&mut joined);
        assert_eq!(joined, *after, "reporting changes nothing else");
        let read = |map: &OrMap<u8, u8>| -> BTreeMap<u8, u8> {
            map.iter().map(|(key, value)| (*key, *value)).collect()
        };
        let (before, mut after) = (read(before), read(after));
        let (mut changed, mut removed) = (Vec::new(), Vec::new());
        for (key, value) in before {
            match after.remove(&key) {
                None => removed.push((key, value)),
                Some(now) if now != value => changed.push((key, value, now)),
                Some(_) => {}
            }
        }
        assert_eq!(told.inserted, after.into_iter().collect::<Vec<_>>());
        assert_eq!((told.changed, told.removed), (changed, removed));
    }
}

/// The bare kernel, with a page kept by its reports.
pub(super) struct Reported;

#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Page {
    kernel: DotKernel<(u8, u8)>,
    alive: BTreeMap<String, (u8, u8)>,
}

impl Page {
    fn rebuilt(kernel: &DotKernel<(u8, u8)>) -> BTreeMap<String, (u8, u8)> {
        kernel.iter().map(|(dot, payload)| (dot.to_string(), *payload)).collect()
    }
}

/// Its kernel, from which the page is rebuilt.
impl Wire for Page {
    fn schema(schema: &mut Schema) {
        schema.named("Page");
    }

    fn encode(&self, out: &mut Writer) {
        self.kernel.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let kernel = DotKernel::decode(input)?;
        Ok(Self { alive: Self::rebuilt(&kernel), kernel })
    }
}

impl Merge for Page {
    fn merge(&mut self, other: &Self) -> bool {
        let alive = &mut self.alive;
        self.kernel.merge_reporting(&other.kernel, |change| match change {
            Change::Came(dot, payload) => {
                assert_eq!(alive.insert(dot.to_string(), *payload), None, "came twice");
            }
            Change::Went(dot, payload) => {
                assert_eq!(alive.remove(&dot.to_string()), Some(*payload), "went unannounced");
            }
        })
    }
}

impl DeltaState for Page {
    type Delta = DotKernel<(u8, u8)>;
    type Version = rejoin::causal::Digest;

    fn version(&self) -> Self::Version {
        self.kernel.version()
    }

    fn delta_since(&self, peer: &Self::Version) -> Self::Delta {
        self.kernel.delta_since(peer)
    }

    fn apply(&mut self, delta: &Self::Delta) -> bool {
        self.merge(&Self { kernel: delta.clone(), alive: BTreeMap::new() })
    }
}

impl Keyed for Reported {
    type State = Page;
    type Delta = DotKernel<(u8, u8)>;
    type Value = Vec<(u8, u8)>;

    fn edit(page: &mut Page, op: &Op, id: ReplicaId, _: Timestamp) -> Option<Self::Delta> {
        let (Op::Write(key, _) | Op::Erase(key)) = op;
        let over = page.kernel.iter().filter(|write| write.1.0 == *key).map(|write| write.0);
        let over: Vec<_> = over.collect();
        let delta = match op {
            Op::Write(key, value) => page.kernel.write((*key, *value), &over, id).ok()?,
            Op::Erase(_) => page.kernel.erase(&over, id).ok()?,
        };
        page.alive = Page::rebuilt(&page.kernel);
        Some(delta)
    }

    fn value(page: &Page) -> Vec<(u8, u8)> {
        let mut payloads: Vec<_> = page.kernel.payloads().copied().collect();
        payloads.sort_unstable();
        payloads
    }

    fn read(alive: Alive) -> Vec<(u8, u8)> {
        let writes = alive.into_iter();
        let pairs = writes.flat_map(|(key, writes)| writes.into_iter().map(move |it| (key, it.1)));
        let mut payloads: Vec<_> = pairs.collect();
        payloads.sort_unstable();
        payloads
    }

    fn aged(kernel: serde_json::Value) -> Page {
        Page { kernel: serde_json::from_value(kernel).unwrap(), alive: BTreeMap::new() }
    }

    fn check(page: &Page) -> Result<(), &'static str> {
        assert_eq!(page.alive, Page::rebuilt(&page.kernel), "the reports are the changes");
        page.kernel.check_invariants()
    }
}

#[test]
fn or_set_histories() {
    histories::<Set>();
}

#[test]
fn or_set_misused() {
    misused::<Set>();
}

#[test]
fn enable_flag_histories() {
    histories::<Flag>();
}

#[test]
fn enable_flag_misused() {
    misused::<Flag>();
}

#[test]
fn mv_register_histories() {
    histories::<Siblings>();
}

#[test]
fn mv_register_misused() {
    misused::<Siblings>();
}

#[test]
fn or_map_histories() {
    histories::<Map>();
}

#[test]
fn or_map_misused() {
    misused::<Map>();
}

#[test]
fn kernel_report_histories() {
    histories::<Reported>();
}

#[test]
fn kernel_report_misused() {
    misused::<Reported>();
}

const ONE_KEY: [Op; 3] = [Op::Write(0, 1), Op::Write(0, 2), Op::Erase(0)];
const TWO_KEYS: [Op; 4] = [Op::Write(0, 1), Op::Erase(0), Op::Write(1, 1), Op::Erase(1)];

#[test]
fn or_set_small_worlds() {
    Small::<Set> { name: "OrSet", aged: false, past: &[], alphabet: &TWO_KEYS, operations: 6 }
        .walk();
}

#[test]
fn enable_flag_small_worlds() {
    Small::<Flag> {
        name: "EnableFlag",
        aged: false,
        past: &[],
        alphabet: &ONE_KEY[1..],
        operations: 6,
    }
    .walk();
}

#[test]
fn mv_register_small_worlds() {
    Small::<Siblings> {
        name: "MvRegister",
        aged: false,
        past: &[],
        alphabet: &ONE_KEY,
        operations: 6,
    }
    .walk();
}

#[test]
fn or_map_small_worlds() {
    Small::<Map> { name: "OrMap", aged: false, past: &[], alphabet: &TWO_KEYS, operations: 6 }
        .walk();
}

#[test]
fn kernel_small_worlds_at_the_edge_of_a_block() {
    let name = "DotKernel, at the edge of a block";
    Small::<Reported> { name, aged: true, past: &[], alphabet: &TWO_KEYS, operations: 6 }.walk();
}

#[test]
fn kernel_small_worlds() {
    Small::<Reported> {
        name: "DotKernel",
        aged: false,
        past: &[],
        alphabet: &TWO_KEYS,
        operations: 6,
    }
    .walk();
}
