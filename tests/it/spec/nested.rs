//! Maps of sets, registers, flags and maps: a write lives where it is visible and no visible edit was
//! made over it, and a remove is made over all that its replica sees below a key.

use crate::{
    history::{histories, misused},
    small::Small,
    world::{Seen, Subject, limited, stamped},
};
use proptest::prelude::*;
use rejoin::{
    CausalMap, CausalMapDelta, EnableFlag, LwwRegister, MvRegister, OrSet, ReplicaId, Stamp,
    Timestamp, laws::Invariants,
};
use std::collections::BTreeMap;

/// Sets three maps deep, siblings two deep, last writers and flags one deep.
type Sets = CausalMap<u8, CausalMap<u8, CausalMap<u8, OrSet<u8>>>>;
type Siblings = CausalMap<u8, CausalMap<u8, MvRegister<u8>>>;
type Last = CausalMap<u8, LwwRegister<u8>>;
type Flags = CausalMap<u8, EnableFlag>;
type State = (Sets, Siblings, Last, Flags);
type Delta = (
    CausalMapDelta<u8, CausalMap<u8, CausalMap<u8, OrSet<u8>>>>,
    CausalMapDelta<u8, CausalMap<u8, MvRegister<u8>>>,
    CausalMapDelta<u8, LwwRegister<u8>>,
    CausalMapDelta<u8, EnableFlag>,
);

#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// The element of a set is the last of its path.
    Insert([u8; 4]),
    /// All below the first so many parts of a path.
    Remove([u8; 4], usize),
    Set([u8; 2], u8),
    Unset([u8; 2], usize),
    SetLast(u8, u8),
    UnsetLast(u8),
    Enable(u8),
    Disable(u8),
}

/// Which of the maps, and the keys on the way.
type Path = (u8, Vec<u8>);

/// One edit: what it writes at a path, if anything, over which earlier edits.
pub(crate) struct Event {
    path: Path,
    value: Option<(Stamp, u8)>,
    over: Vec<usize>,
}

type Meaning = BTreeMap<Path, Vec<u8>>;

fn live<'a>(
    seen: &'a Seen<'_, Event>,
) -> impl Iterator<Item = (usize, &'a Path, (Stamp, u8))> + 'a {
    seen.0.iter().filter_map(|(number, _, event)| {
        let alive = seen.0.iter().all(|(_, _, other)| !other.over.contains(number));
        alive.then_some((*number, &event.path, event.value?))
    })
}

pub(crate) struct Nested;

impl Subject for Nested {
    type State = State;
    type Delta = Delta;
    type Op = Op;
    type Event = Event;
    type Value = Meaning;

    fn ops() -> BoxedStrategy<Op> {
        let path = || [0..2_u8, 0..2, 0..2, 0..2];
        let pair = || [0..2_u8, 0..2];
        prop_oneof![
            4 => path().prop_map(Op::Insert),
            2 => (path(), 0..=4_usize).prop_map(|(path, len)| Op::Remove(path, len)),
            2 => (pair(), 0..4_u8).prop_map(|(path, value)| Op::Set(path, value)),
            1 => (pair(), 0..=2_usize).prop_map(|(path, len)| Op::Unset(path, len)),
            2 => (0..3_u8, 0..4_u8).prop_map(|(key, value)| Op::SetLast(key, value)),
            1 => (0..3_u8).prop_map(Op::UnsetLast),
            2 => (0..3_u8).prop_map(Op::Enable),
            1 => (0..3_u8).prop_map(Op::Disable),
        ]
        .boxed()
    }

    fn edit(state: &mut State, op: &Op, id: ReplicaId, now: Timestamp) -> Option<Delta> {
        let (sets, siblings, last, flags) = state;
        let mut delta = Delta::default();
        match *op {
            Op::Insert([a, b, c, d]) => {
                delta.0 = sets.entry(a).entry(b).entry(c).insert(d, id).ok()?;
            }
            Op::Remove([a, b, c, d], len) => {
                delta.0 = match len {
                    0 => sets.clear(id),
                    1 => sets.remove(&a, id),
                    2 => sets.entry(a).remove(&b, id),
                    3 => sets.entry(a).entry(b).entry(c).clear(id),
                    _ => sets.entry(a).entry(b).entry(c).remove(&d, id),
                }
                .ok()?;
            }
            Op::Set([a, b], value) => delta.1 = siblings.entry(a).entry(b).set(value, id).ok()?,
            Op::Unset([a, b], len) => {
                delta.1 = match len {
                    0 => siblings.clear(id),
                    1 => siblings.entry(a).clear(id),
                    _ => siblings.entry(a).remove(&b, id),
                }
                .ok()?;
            }
            Op::SetLast(key, value) => {
                delta.2 = last.entry(key).set(value, id, limited(now)).ok()?;
            }
            Op::UnsetLast(key) => delta.2 = last.remove(&key, id).ok()?,
            Op::Enable(key) => delta.3 = flags.entry(key).enable(id).ok()?,
            Op::Disable(key) => delta.3 = flags.entry(key).clear(id).ok()?,
        }
        Some(delta)
    }

    fn value((sets, siblings, last, flags): &State) -> Meaning {
        let mut read = Meaning::new();
        for (a, below) in sets {
            for (b, below) in below {
                for (c, set) in below {
                    assert!(!set.is_empty() && set.iter().len() == set.len());
                    for d in set {
                        assert!(sets.get(a).unwrap().get(b).unwrap().get(c).unwrap().contains(d));
                        read.insert((0, vec![*a, *b, *c, *d]), vec![]);
                    }
                }
            }
        }
        for (a, below) in siblings {
            assert!(!below.is_empty() && below.iter().rev().len() == below.len());
            for (b, register) in below {
                let mut values: Vec<u8> = register.values().copied().collect();
                values.sort_unstable();
                assert_eq!(register.get(), Some(&values[0]).filter(|_| values.len() == 1));
                read.insert((1, vec![*a, *b]), values);
            }
        }
        for (key, register) in last {
            read.insert((2, vec![*key]), register.get().into_iter().copied().collect());
        }
        for (key, flag) in flags {
            assert!(flag.is_enabled() && flags.contains_key(key));
            read.insert((3, vec![*key]), vec![]);
        }
        assert_eq!(flags.len(), flags.iter().count());
        read
    }

    fn check((sets, siblings, last, flags): &State) -> Result<(), &'static str> {
        sets.check_invariants()?;
        siblings.check_invariants()?;
        last.check_invariants()?;
        flags.check_invariants()
    }

    fn aged(kernel: serde_json::Value) -> State {
        let of = [(); 4].map(|()| kernel.clone());
        serde_json::from_value(of.into_iter().collect()).unwrap()
    }

    fn event(op: &Op, replica: ReplicaId, now: Timestamp, seen: &Seen<'_, Event>) -> Option<Event> {
        let (path, value): (Path, _) = match *op {
            Op::Insert(path) => ((0, path.to_vec()), Some(0)),
            Op::Remove(path, len) => ((0, path[..len].to_vec()), None),
            Op::Set(path, value) => ((1, path.to_vec()), Some(value)),
            Op::Unset(path, len) => ((1, path[..len].to_vec()), None),
            Op::SetLast(key, value) => ((2, vec![key]), Some(value)),
            Op::UnsetLast(key) => ((2, vec![key]), None),
            Op::Enable(key) => ((3, vec![key]), Some(0)),
            Op::Disable(key) => ((3, vec![key]), None),
        };
        let (mut over, mut latest) = (Vec::new(), None);
        for (number, at, (stamp, _)) in live(seen) {
            if at.0 == path.0 && at.1.starts_with(&path.1) {
                over.push(number);
                latest = latest.max(Some(stamp.time.as_millis()));
            }
        }
        let time = stamped(now, latest).into();
        Some(Event { path, value: value.map(|it| (Stamp { time, replica }, it)), over })
    }

    fn meaning(seen: &Seen<'_, Event>) -> Meaning {
        let mut writes = BTreeMap::<Path, Vec<(Stamp, usize, u8)>>::new();
        for (number, path, (stamp, value)) in live(seen) {
            writes.entry(path.clone()).or_default().push((stamp, number, value));
        }
        let mut read = Meaning::new();
        for (path, mut writes) in writes {
            writes.sort_unstable();
            let mut values: Vec<u8> = match path.0 {
                1 => writes.iter().map(|write| write.2).collect(),
                2 => writes.iter().next_back().map(|write| write.2).into_iter().collect(),
                _ => Vec::new(),
            };
            values.sort_unstable();
            read.insert(path, values);
        }
        read
    }
}

#[test]
fn nested_histories() {
    histories::<Nested>();
}

#[test]
fn nested_misused() {
    misused::<Nested>();
}

#[test]
fn nested_small_worlds() {
    let sets = [Op::Insert([0, 0, 0, 0]), Op::Insert([0, 0, 1, 0]), Op::Remove([0, 0, 0, 0], 2)];
    let small = |aged, past| Small::<Nested> {
        name: "CausalMap of sets",
        aged,
        past,
        alphabet: &sets,
        operations: 5,
    };
    small(false, &[]).walk();
    small(true, &[Op::Insert([0, 0, 0, 0]), Op::Insert([1, 0, 0, 0])]).walk();
    Small::<Nested> {
        name: "CausalMap of registers",
        aged: false,
        past: &[Op::Set([0, 0], 1)],
        alphabet: &[Op::Set([0, 0], 2), Op::SetLast(0, 1), Op::Unset([0, 0], 1), Op::UnsetLast(0)],
        operations: 4,
    }
    .walk();
}
