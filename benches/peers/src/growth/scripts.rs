//! The scripts: who edits what in turn.

use super::{
    Make, automerge, crdts,
    edits::{Content, Edit, Root, moves},
    loro, rejoin, yrs,
};
use crate::sets::element;

pub(super) struct Script {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) what: &'static str,
    pub(super) root: Root,
    /// How many replicas take turns, each of which has received what the others did.
    pub(super) replicas: u8,
    /// How many items the list begins with.
    pub(super) items: usize,
    /// The edit of this number, in what was written so far.
    pub(super) next: fn(u64, &Content) -> Edit,
    pub(super) players: &'static [(&'static str, Make)],
}

const LISTS: &[(&str, Make)] = &[
    ("rejoin", rejoin::document),
    ("yrs", yrs::document),
    ("loro", loro::document),
    ("automerge", automerge::document),
    ("crdts", crdts::list),
];
const COUNTERS: &[(&str, Make)] = &[
    ("rejoin", rejoin::document),
    ("rejoin, `PnCounter`", rejoin::counter),
    ("yrs, a map", yrs::document),
    ("loro", loro::document),
    ("automerge", automerge::document),
    ("crdts", crdts::counter),
];
const SETS: &[(&str, Make)] = &[
    ("rejoin", rejoin::set),
    ("yrs, a map", yrs::document),
    ("loro, a map", loro::document),
    ("automerge, a map", automerge::document),
    ("crdts", crdts::set),
];
const MAPS: &[(&str, Make)] = &[
    ("rejoin", rejoin::document),
    ("rejoin, `OrMap`", rejoin::map),
    ("yrs", yrs::document),
    ("loro", loro::document),
    ("automerge", automerge::document),
    ("crdts", crdts::map),
];

pub(super) const SCRIPTS: &[Script] = &[
    Script {
        name: "middle",
        title: "Middle inserts",
        what: "Each edit inserts a number in the middle of the list.",
        root: Root::List,
        replicas: 1,
        items: 0,
        next: |step, content| Edit::Insert { at: content.list.len() / 2, item: step },
        players: LISTS,
    },
    Script {
        name: "prepends",
        title: "Prepends",
        what: "Each edit inserts a number at the head of the list.",
        root: Root::List,
        replicas: 1,
        items: 0,
        next: |step, _| Edit::Insert { at: 0, item: step },
        players: LISTS,
    },
    Script {
        name: "appends",
        title: "Appends by two replicas in turn",
        what: "Each edit appends a number to the list.",
        root: Root::List,
        replicas: 2,
        items: 0,
        next: |step, content| Edit::Insert { at: content.list.len(), item: step },
        players: LISTS,
    },
    Script {
        name: "window",
        title: "Window of four",
        what: "A list of four numbers: one edit inserts a number in the middle, the next removes the \
               number after it or, every other time, the one before it.",
        root: Root::List,
        replicas: 1,
        items: 4,
        next: |step, _| match step % 4 {
            1 => Edit::Remove { at: 3 },
            3 => Edit::Remove { at: 1 },
            _ => Edit::Insert { at: 2, item: step },
        },
        players: LISTS,
    },
    Script {
        name: "board",
        title: "Board of twenty",
        what: "A list of twenty numbers: each edit moves one of them to another place, at random.",
        root: Root::Cards,
        replicas: 1,
        items: 20,
        next: |step, content| {
            let (items, random) = (content.list.len(), element(step) as usize);
            let from = random % items;
            Edit::Move { from, to: (from + 1 + random / items % (items - 1)) % items }
        },
        players: LISTS,
    },
    Script {
        name: "reorder",
        title: "Reorder by `update`",
        what: "A list of twenty: each edit shuffles it and saves it as a whole.",
        root: Root::Keyed,
        replicas: 1,
        items: 20,
        next: |step, content| {
            let mut items = content.list.clone();
            items.sort_by_key(|item| element(step * 1_000 + element(*item) % 1_000));
            Edit::Reorder { moves: moves(&content.list, &items), items }
        },
        players: LISTS,
    },
    Script {
        name: "counters",
        title: "Counters in a document, by three replicas in turn",
        what: "Each edit adds 1 to one counter.",
        root: Root::Fields,
        replicas: 3,
        items: 0,
        next: |_, _| Edit::Count,
        players: COUNTERS,
    },
    Script {
        name: "set",
        title: "A set with churn",
        what: "A hundred numbers: one edit adds a new one, the next removes one of them at random.",
        root: Root::Set,
        replicas: 1,
        items: 0,
        next: |step, content| match content.set.len() {
            ..100 => Edit::Add(step),
            _ => Edit::Discard(any(content.set.iter(), step)),
        },
        players: SETS,
    },
    Script {
        name: "keys",
        title: "Map keys with churn",
        what: "A hundred keys: one edit writes a new one, the next removes one of them at random.",
        root: Root::Map,
        replicas: 1,
        items: 0,
        next: |step, content| match content.map.len() {
            ..100 => Edit::Put { key: step, value: step },
            _ => Edit::Delete(any(content.map.keys(), step)),
        },
        players: MAPS,
    },
    Script {
        name: "undo",
        title: "Undo and redo",
        what: "A title, and a list of twenty numbers: four edits set the title, set it back, insert \
               a number in the middle, and remove it.",
        root: Root::List,
        replicas: 1,
        items: 20,
        next: |step, content| match step % 4 {
            0 => Edit::Title(1),
            1 => Edit::Title(0),
            2 => Edit::Insert { at: content.list.len() / 2, item: step },
            _ => Edit::Remove { at: content.list.len() / 2 },
        },
        players: LISTS,
    },
    Script {
        name: "hundred",
        title: "100 replicas in turn",
        what: "Each edit is made by the next replica: it appends a number to the list, inserts one \
               in the middle, or sets the title.",
        root: Root::List,
        replicas: 100,
        items: 0,
        next: |step, content| match step % 3 {
            0 => Edit::Insert { at: content.list.len(), item: step },
            1 => Edit::Insert { at: content.list.len() / 2, item: step },
            _ => Edit::Title(step),
        },
        players: LISTS,
    },
];

/// One of those that are there, which looks random.
fn any<'a>(mut those: impl ExactSizeIterator<Item = &'a u64>, step: u64) -> u64 {
    those.nth((element(step) % those.len() as u64) as usize).copied().unwrap_or_default()
}
