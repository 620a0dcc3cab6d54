//! The types of the tests: every form of a struct, generic ones, nested ones.

use rejoin::{
    DeltaState, EnableFlag, GCounter, LwwRegister, Merge, OrMap, OrSet, PnCounter, wire::Wire,
};
use std::{
    collections::{BTreeMap, HashMap},
    fmt::Debug,
    hash::Hash,
    marker::PhantomData,
};

#[derive(Clone, Debug, Default, PartialEq, Merge, DeltaState, Wire)]
pub(crate) struct Session {
    pub(crate) open: PnCounter,
    pub(crate) tags: OrSet<String>,
    pub(crate) title: LwwRegister<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Merge, DeltaState, Wire)]
pub(crate) struct Unit;

#[derive(Clone, Debug, Default, PartialEq, Merge, DeltaState, Wire)]
pub(crate) struct Empty {}

#[derive(Clone, Debug, Default, PartialEq, Merge, DeltaState, Wire)]
pub(crate) struct Pair<A, B: Ord + Hash + Clone>(pub(crate) A, pub(crate) OrSet<B>);

/// A parameter that only marks, a lifetime, a constant, and bounds of its own.
#[derive(Clone, Debug, Default, PartialEq, Merge, DeltaState, Wire)]
pub(crate) struct Marked<'a, T, K, const N: usize = 3>
where
    T: DeltaState + Clone + Default,
    K: Ord,
{
    pub(crate) inner: T,
    #[rejoin(skip)]
    pub(crate) marker: PhantomData<(&'a str, K)>,
}

/// Everything that holds something else.
#[derive(Clone, Debug, Default, PartialEq, Merge, DeltaState, Wire)]
pub(crate) struct House {
    pub(crate) r#type: LwwRegister<String>,
    pub(crate) rooms: BTreeMap<String, Session>,
    pub(crate) owner: Option<Session>,
    pub(crate) both: (GCounter, EnableFlag),
    pub(crate) pair: Pair<OrMap<u8, u16>, u64>,
    pub(crate) hashed: HashMap<u8, GCounter>,
    pub(crate) unit: Unit,
}

/// Rooms in rooms.
#[derive(Clone, Debug, Default, PartialEq, Merge, DeltaState, Wire)]
pub(crate) struct Tree {
    pub(crate) visits: GCounter,
    pub(crate) kids: BTreeMap<u8, Tree>,
}

/// No state, but an element.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Wire)]
pub(crate) enum Plan {
    Free,
    Paid { seats: u64, code: Option<String> },
    Gift(u8, Box3),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Wire)]
pub(crate) struct Box3(pub(crate) u8, pub(crate) i64);

/// A state that only advances.
#[derive(Clone, Debug, PartialEq, Merge, Wire)]
#[rejoin(ordered)]
pub(crate) enum Order {
    Open,
    Paid(GCounter),
    Sent { parcels: GCounter, notes: Option<GCounter> },
}
