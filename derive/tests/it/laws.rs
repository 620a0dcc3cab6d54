//! A derived type keeps the laws in one line, whatever it is made of.

use crate::types::{
    House, HouseDelta, Marked, MarkedDelta, Order, Pair, PairDelta, Session, SessionDelta, Tree,
    TreeDelta, Unit, UnitDelta,
};
use rejoin::{Delta, DeltaState, GCounter, OrSet, ReplicaId, Timestamp, WriteError, laws};
use std::collections::BTreeMap;

/// As deep as `REJOIN_HISTORIES` says.
pub(crate) fn seeds() -> std::ops::Range<u64> {
    0..std::env::var("REJOIN_HISTORIES").ok().and_then(|it| it.parse().ok()).unwrap_or(300)
}

fn edit(
    s: &mut Session,
    choice: u64,
    by: ReplicaId,
    now: Timestamp,
) -> Result<SessionDelta, WriteError> {
    let tag = || format!("tag {}", choice / 8 % 3);
    Ok(match choice % 8 {
        0 => SessionDelta::open(s.open.increment(choice, by)?),
        1 => SessionDelta::open(s.open.decrement(1, by)?),
        2 | 3 => SessionDelta::tags(s.tags.insert(tag(), by)?),
        4 => SessionDelta::tags(s.tags.remove(&tag(), by)?),
        5 => SessionDelta::title(s.title.set(tag(), by, now)?),
        6 => s.edit(|s| {
            let tags = SessionDelta::tags(s.tags.insert(tag(), by)?);
            Ok::<_, WriteError>(tags.joined(SessionDelta::open(s.open.increment(1, by)?)))
        })?,
        _ => {
            return s.edit(|s| {
                s.tags.clear(by)?;
                s.title.set(tag(), by, now)?;
                s.open.increment(u64::MAX, by)?;
                s.open.increment(u64::MAX, by).map(SessionDelta::open)
            });
        }
    })
}

#[test]
fn a_session() {
    laws::delta_histories(seeds(), &Session::default(), |s, choice, by, now| {
        edit(s, choice, by, now).ok()
    })
    .unwrap();
    laws::histories(seeds(), &Session::default(), |s, choice, by, now| {
        _ = edit(s, choice, by, now);
    })
    .unwrap();
}

#[test]
fn everything_nested() {
    laws::delta_histories(seeds(), &House::default(), |house, choice, by, now| {
        let inner = choice / 8;
        let room = || format!("room {}", inner % 2);
        Some(match choice % 8 {
            0 => {
                let delta = edit(house.rooms.entry(room()).or_default(), inner, by, now);
                // What fails in a new room has made one.
                HouseDelta::rooms(BTreeMap::from([(room(), delta.unwrap_or_default())]))
            }
            1 => {
                let owner = house.owner.get_or_insert_default();
                HouseDelta::owner(Some(edit(owner, inner, by, now).unwrap_or_default()))
            }
            2 => HouseDelta::both((house.both.0.increment(1, by).ok()?, Default::default())),
            3 => HouseDelta::both((GCounter::new(), house.both.1.enable(by).ok()?)),
            4 => HouseDelta::pair(PairDelta::field_0(
                house.pair.0.insert((inner % 3) as u8, 7, by, now).ok()?,
            )),
            5 => HouseDelta::pair(PairDelta::field_1(house.pair.1.insert(inner % 4, by).ok()?)),
            6 => HouseDelta::r#type(house.r#type.set(room(), by, now).ok()?),
            _ => {
                let key = (inner % 3) as u8;
                let delta = house.hashed.entry(key).or_default().increment(1, by).ok()?;
                HouseDelta::hashed(BTreeMap::from([(key, delta)]))
            }
        })
    })
    .unwrap();
}

#[test]
fn a_generic_struct_with_parameters_of_every_kind() {
    type Of = Marked<'static, OrSet<u64>, String, 2>;
    laws::delta_histories(seeds(), &Of::default(), |it, choice, by, _| {
        let number = choice / 2 % 4;
        let delta = if choice % 2 == 0 {
            it.inner.insert(number, by)
        } else {
            it.inner.remove(&number, by)
        };
        Some(MarkedDelta::inner(delta.ok()?))
    })
    .unwrap();
    laws::delta_histories(seeds(), &Pair::<GCounter, u8>::default(), |it, choice, by, _| {
        let delta = it.0.increment(choice, by).ok()?;
        Some(PairDelta(delta, it.1.insert(choice as u8 % 3, by).ok()?))
    })
    .unwrap();
}

#[test]
fn a_tree_of_itself() {
    laws::delta_histories(seeds(), &Tree::default(), |tree, choice, by, _| {
        let path = (0..choice % 4).map(|level| (choice >> level & 1) as u8);
        let node = path.clone().fold(&mut *tree, |node, kid| node.kids.entry(kid).or_default());
        let delta = TreeDelta::visits(node.visits.increment(1, by).ok()?);
        Some(path.rev().fold(delta, |delta, kid| TreeDelta::kids(BTreeMap::from([(kid, delta)]))))
    })
    .unwrap();
}

#[test]
fn an_ordered_enum() {
    laws::histories(seeds(), &Order::Open, |order, choice, by, _| {
        let next = match (&*order, choice % 3) {
            (Order::Open, 0) => Order::Paid(GCounter::new()),
            (Order::Paid(_), 1) => Order::Sent { parcels: GCounter::new(), notes: None },
            _ => order.clone(),
        };
        *order = next;
        match order {
            Order::Open => {}
            Order::Paid(count) => _ = count.increment(1, by),
            Order::Sent { parcels, notes } => {
                _ = parcels.increment(1, by);
                if choice % 3 == 2 {
                    _ = notes.get_or_insert_default().increment(2, by);
                }
            }
        }
    })
    .unwrap();
}

#[test]
fn a_unit_never_changes() {
    laws::delta_histories(0..20, &Unit, |_, _, _, _| Some(UnitDelta)).unwrap();
    assert!(UnitDelta.is_empty());
}
