//! Bytes: round trips, golden ones, and structs that changed since they were written.

use crate::{
    at, replica,
    types::{Box3, Empty, House, Marked, Order, Pair, Plan, Session, SessionDelta, Tree, Unit},
};
use rejoin::{
    DeltaState, GCounter, Merge, OrSet, PnCounter,
    wire::{self, Limits, Schema, Wire},
};
use std::{collections::BTreeMap, fmt::Debug};

/// Read back as they were, from their only spelling.
#[track_caller]
fn same<T: Wire + PartialEq + Debug>(value: &T) {
    let bytes = wire::to_bytes(value);
    let read: T = wire::from_bytes(&bytes).unwrap();
    assert_eq!(read, *value);
    assert_eq!(wire::to_bytes(&read), bytes);
    assert_eq!(wire::schema_of(&bytes).unwrap(), Schema::of::<T>());
    for end in 0..bytes.len() {
        let error = wire::from_bytes::<T>(&bytes[..end]).unwrap_err();
        assert!(error.is_truncated() || error.is_malformed(), "{end}: {error}");
    }
}

#[track_caller]
fn same_with_parts<T>(state: &T)
where
    T: DeltaState<Delta: Wire + PartialEq + Debug, Version: Wire + Debug>
        + Wire
        + PartialEq
        + Debug,
{
    same(state);
    same(&state.version());
    same(&state.delta_since(&T::Version::default()));
    same(&T::Delta::default());
}

fn session(seed: u64) -> Session {
    let (us, mut session) = (replica("us"), Session::default());
    session.open.increment(seed, us).unwrap();
    session.tags.insert(format!("tag {seed}"), us).unwrap();
    session.title.set(format!("title {seed}"), us, at(seed)).unwrap();
    session
}

#[test]
fn every_form_reads_back() {
    let us = replica("us");
    same_with_parts(&session(7));
    same_with_parts(&Session::default());
    same_with_parts(&Unit);
    same_with_parts(&Empty {});
    let mut pair: Pair<GCounter, u8> = Pair::default();
    pair.0.increment(1, us).unwrap();
    pair.1.insert(9, us).unwrap();
    same_with_parts(&pair);
    same_with_parts(&Marked::<OrSet<u64>, String>::default());
    let mut house = House::default();
    for number in 0..3 {
        house.rooms.insert(format!("room {number}"), session(number + 1));
        house.hashed.entry(number as u8).or_default().increment(1, us).unwrap();
    }
    house.owner = Some(session(4));
    house.pair.0.insert(1, 2, us, at(1)).unwrap();
    same_with_parts(&house);
    let mut tree = Tree::default();
    tree.kids.entry(1).or_default().kids.entry(2).or_default().visits.increment(1, us).unwrap();
    same_with_parts(&tree);
}

#[test]
fn elements_are_written_in_columns() {
    let us = replica("us");
    let mut plans = OrSet::new();
    let paid = |seats| Plan::Paid { seats, code: Some("x".into()) };
    plans.extend([Plan::Free, paid(3), paid(70_000), Plan::Gift(1, Box3(2, -3))], us).unwrap();
    same(&plans);
    let mut boxes = OrSet::new();
    boxes.extend((0..100).map(|at| Box3(at, i64::from(at) * 1_000)), us).unwrap();
    same(&boxes);
    let tuples: OrSet<(u8, i64)> = {
        let mut tuples = OrSet::new();
        tuples.extend((0..100).map(|at| (at, i64::from(at) * 1_000)), us).unwrap();
        tuples
    };
    let (ours, theirs) = (wire::to_bytes(&boxes), wire::to_bytes(&tuples));
    // 07, then 7e, a name of 4 letters, and 2 fields of one letter and one tag; or 16 and 2 tags.
    let (ours, theirs) = (&ours[3 + 1 + 1 + 5 + 1 + 2 * 3..], &theirs[3 + 1 + 3..]);
    assert_eq!(ours, theirs, "a struct has the body of a tuple");
    same(&vec![Empty {}; 9]);
    same(&vec![Unit, Unit]);
    same(&Order::Sent { parcels: GCounter::new(), notes: None });
    same(&Order::Open);
}

#[test]
fn schemas_name_the_fields() {
    let of = [
        (
            Schema::of::<Session>(),
            "Session { open: PnCounter, tags: OrSet<String>, title: LwwRegister<String> }",
        ),
        (
            Schema::of::<SessionDelta>(),
            "SessionDelta { open: PnCounter, tags: SetDelta<String>, title: LwwRegister<String> }",
        ),
        (
            Schema::of::<<Session as DeltaState>::Version>(),
            "SessionVersion { open: PnCounter, tags: Version, title: LwwRegister<()> }",
        ),
        (Schema::of::<Pair<u8, u16>>(), "Pair { 0: u8, 1: OrSet<u16> }"),
        (Schema::of::<Unit>(), "Unit"),
        (Schema::of::<Marked<'_, GCounter, u8>>(), "Marked { inner: GCounter }"),
        (Schema::of::<Tree>(), "Tree { visits: GCounter, kids: BTreeMap<u8, Tree> }"),
        (
            Schema::of::<OrSet<Plan>>(),
            "OrSet<Plan { Free | Paid { seats: u64, code: Option<String> } | Gift { 0: u8, 1: Box3 { 0: u8, 1: i64 } } }>",
        ),
    ];
    for (schema, text) in of {
        assert_eq!(schema.to_string(), text);
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

/// A note as it was first, and as it is now.
mod first {
    use rejoin::{DeltaState, LwwRegister, Merge, wire::Wire};

    #[derive(Clone, Debug, Default, PartialEq, Merge, DeltaState, Wire)]
    pub(crate) struct Note {
        pub(crate) text: LwwRegister<String>,
    }
}

mod now {
    use rejoin::{DeltaState, GCounter, LwwRegister, Merge, OrSet, wire::Wire};
    use std::collections::BTreeMap;

    #[derive(Clone, Debug, Default, PartialEq, Merge, DeltaState, Wire)]
    pub(crate) struct Note {
        pub(crate) text: LwwRegister<String>,
        #[rejoin(default)]
        pub(crate) likes: GCounter,
        #[rejoin(default)]
        pub(crate) tags: OrSet<String>,
    }

    /// Once it had none.
    #[derive(Clone, Debug, Default, PartialEq, Merge, DeltaState, Wire)]
    pub(crate) struct Bare {
        #[rejoin(default)]
        pub(crate) notes: BTreeMap<u8, Note>,
    }
}

mod bare {
    use rejoin::wire::Wire;

    #[derive(Clone, Debug, PartialEq, Wire)]
    pub(crate) struct Bare;
}

const FIRST: &str = "f96a01 7e 04 4e6f7465 01 04 74657874 04 2c 01 07 02 7573 02 00 6869";

/// An enum: its second variant.
const ORDER: &str = "f96a01 7d 05 4f72646572 03 04 4f70656e 00 04 50616964 01 01 30 02
    04 53656e74 02 07 7061726365 6c73 02 05 6e6f746573 10 02 01 01 02 7573 04";

/// The version of the note as it is now.
const VERSION: &str = "f96a01 7e 0b 4e6f746556657273696f6e 03 04 74657874 04 20
    05 6c696b6573 02 04 74616773 36 01 07 02 7573 00 00 00";

fn order() -> Order {
    let mut paid = GCounter::new();
    paid.increment(5, replica("us")).unwrap();
    Order::Paid(paid)
}

fn first_note() -> first::Note {
    let mut note = first::Note::default();
    note.text.set("hi".into(), replica("us"), at(7)).unwrap();
    note
}

fn note() -> now::Note {
    let mut note = now::Note::default();
    note.text.set("hi".into(), replica("us"), at(7)).unwrap();
    note
}

#[test]
fn bytes_of_a_struct_are_as_they_were() {
    assert_eq!(wire::to_bytes(&first_note()), unhex(FIRST));
    assert_eq!(wire::to_bytes(&order()), unhex(ORDER));
    assert_eq!(wire::to_bytes(&note().version()), unhex(VERSION));
}

#[test]
fn a_struct_that_grew_reads_its_older_bytes() {
    let read: now::Note = wire::from_bytes(&unhex(FIRST)).unwrap();
    assert_eq!(read, note());
    let older = first_note();
    let delta = wire::to_bytes(&older.delta_since(&Default::default()));
    let mut now = now::Note::default();
    assert!(wire::apply_bytes(&mut now, &delta).unwrap());
    assert_eq!(now, note());
    let version: now::NoteVersion = wire::from_bytes(&wire::to_bytes(&older.version())).unwrap();
    assert_eq!(version, note().version());
    // Within others too, as columns and not.
    let many = BTreeMap::from([(1_u8, (older.clone(), Some(older.clone()))), (2, (older, None))]);
    let read: BTreeMap<u8, (now::Note, Option<now::Note>)> =
        wire::from_bytes(&wire::to_bytes(&many)).unwrap();
    assert_eq!(read, BTreeMap::from([(1, (note(), Some(note()))), (2, (note(), None))]));
}

#[test]
fn a_struct_that_had_no_field_reads_its_older_bytes() {
    let read: now::Bare = wire::from_bytes(&wire::to_bytes(&bare::Bare)).unwrap();
    assert_eq!(read, now::Bare::default());
    let many = wire::to_bytes(&vec![bare::Bare; 3]);
    assert_eq!(wire::from_bytes::<Vec<now::Bare>>(&many).unwrap(), vec![now::Bare::default(); 3]);
    let mut broken = wire::to_bytes(&bare::Bare);
    *broken.last_mut().unwrap() = 1;
    assert!(wire::from_bytes::<now::Bare>(&broken).unwrap_err().is_malformed());
}

#[test]
fn a_struct_refuses_bytes_with_fields_that_it_does_not_know() {
    let error = wire::from_bytes::<first::Note>(&wire::to_bytes(&note())).unwrap_err();
    assert!(error.is_wrong_type());
    assert_eq!(
        error.to_string(),
        "these bytes hold Note { text: LwwRegister<String>, likes: GCounter, tags: OrSet<String> }, \
         but Note { text: LwwRegister<String> } was asked for"
    );
}

/// Every other change of a struct is another type.
#[test]
fn a_struct_that_changed_otherwise_is_refused() {
    mod renamed {
        #[derive(Debug, rejoin::wire::Wire)]
        pub(crate) struct Note {
            pub(crate) title: rejoin::LwwRegister<String>,
        }
    }
    mod retyped {
        #[derive(Debug, rejoin::wire::Wire)]
        pub(crate) struct Note {
            pub(crate) text: rejoin::LwwRegister<u64>,
        }
    }
    mod grown {
        #[derive(Debug, rejoin::wire::Wire)]
        pub(crate) struct Note {
            pub(crate) text: rejoin::LwwRegister<String>,
            pub(crate) likes: rejoin::GCounter,
        }
    }
    let first = unhex(FIRST);
    let refused = |error: wire::DecodeError| assert!(error.is_wrong_type(), "{error}");
    refused(wire::from_bytes::<renamed::Note>(&first).map(|it| it.title).unwrap_err());
    refused(wire::from_bytes::<retyped::Note>(&first).map(|it| it.text).unwrap_err());
    let grown = wire::from_bytes::<grown::Note>(&first);
    refused(grown.map(|it| (it.text, it.likes)).unwrap_err());
    refused(wire::from_bytes::<Session>(&first).unwrap_err());
}

/// One type cannot have lost different fields in one message.
#[test]
fn a_strangers_mix_of_old_and_new_is_refused() {
    let both = wire::to_bytes(&(first_note(), note()));
    assert!(wire::from_bytes::<(now::Note, now::Note)>(&both).unwrap_err().is_wrong_type());
    let older = wire::to_bytes(&(first_note(), first_note()));
    assert_eq!(wire::from_bytes::<(now::Note, now::Note)>(&older).unwrap(), (note(), note()));
}

#[test]
fn hostile_bytes_are_refused_and_never_panic() {
    let mut value = (session(3), note(), Some(Order::Paid(GCounter::new())));
    value.0.merge(&session(4));
    let bytes = wire::to_bytes(&value);
    type All = (Session, now::Note, Option<Order>);
    let mut accepted = 0;
    for at in 0..bytes.len() {
        for byte in 0..=255 {
            let mut changed = bytes.clone();
            changed[at] = byte;
            if let Ok(read) = wire::from_bytes::<All>(&changed) {
                accepted += 1;
                assert_eq!(wire::to_bytes(&read), changed, "one spelling");
            }
            _ = wire::schema_of(&changed).map(|schema| schema.to_string());
        }
    }
    assert!(accepted > bytes.len());
}

/// No state, but a value within itself.
#[derive(Clone, Debug, PartialEq, Eq, Wire)]
struct Comment {
    text: String,
    replies: Vec<Comment>,
}

/// A type within itself, as deep as a stranger likes: the stack does not end.
#[test]
fn depth_is_limited() {
    let us = replica("us");
    let deep = |levels: usize| {
        let mut tree = Tree::default();
        let last = (0..levels).fold(&mut tree, |tree, _| tree.kids.entry(0).or_default());
        last.visits.increment(1, us).unwrap();
        wire::to_bytes(&tree)
    };
    assert!(wire::from_bytes::<Tree>(&deep(126)).is_ok());
    assert!(wire::from_bytes::<Tree>(&deep(127)).unwrap_err().is_limit());
    let flat = Limits::new().depth(2);
    assert!(wire::from_bytes_within::<Tree>(&deep(1), &flat).is_ok());
    assert!(wire::from_bytes_within::<Tree>(&deep(2), &flat).unwrap_err().is_limit());
    same(&Comment {
        text: "a".into(),
        replies: vec![Comment { text: "b".into(), replies: vec![] }; 2],
    });
    let head = wire::to_bytes(&Tree::default());
    let head = &head[..head.len() - 2];
    let hostile = [head, &[0, 1, 0].repeat(1_000_000)].concat();
    assert!(wire::from_bytes::<Tree>(&hostile).unwrap_err().is_limit());
}

/// What a delta costs on the wire: its schema is most of it.
#[test]
fn a_delta_of_one_field_is_small() {
    let delta = SessionDelta::open(PnCounter::new().increment(1, replica("us-east-1")).unwrap());
    let bytes = wire::to_bytes(&delta);
    let schema =
        "7e".len() / 2 + 1 + "SessionDelta".len() + 1 + (1 + 4 + 1) + (1 + 4 + 2) + (1 + 5 + 2);
    assert_eq!(bytes.len(), 3 + schema + 15);
}

#[test]
fn a_hash_map_has_the_bytes_of_a_sorted_one() {
    let house: std::collections::HashMap<u64, String> =
        (0..50).map(|key| (key * 7 % 50, key.to_string())).collect();
    let sorted: BTreeMap<_, _> = house.clone().into_iter().collect();
    assert_eq!(wire::to_bytes(&house), wire::to_bytes(&sorted));
    same(&house);
}
