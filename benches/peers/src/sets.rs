//! A set of 100,000 random `u64`, by one replica: its bytes, and what is done with it.
//!
//! Automerge, loro and yrs have no set: they keep a map with the numbers' text for keys, of which the
//! last write wins, and no add survives a concurrent remove for being an add. By hand a set is a
//! `HashMap` of elements to (present, when), of which the later entry wins.

use crate::{
    Result, bincode,
    race::{Contestant, Row, agree, race, stop},
};
use allocation_counter::measure;
use automerge::{AutoCommit, ROOT, ReadDoc, transaction::Transactable};
use crdts::{CmRDT, CvRDT, Orswot, orswot};
use loro::{ExportMode, LoroDoc};
use rejoin::{Merge, OrSet, ReplicaId, wire};
use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap, HashSet},
    hint::black_box,
};
use yrs::{Doc, Map, MapRef, ReadTxn, StateVector, Transact, Update, updates::decoder::Decode};

pub const ELEMENTS: u64 = 100_000;

/// Elements that look random and are all different: `SplitMix64` of their number.
#[must_use]
pub fn element(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

fn elements() -> impl Iterator<Item = u64> {
    (0..ELEMENTS).map(element)
}

fn replica(number: u8) -> ReplicaId {
    ReplicaId::from_u128(u128::from(element(number.into())) << 64 | 7)
}

fn rejoin_of(elements: impl Iterator<Item = u64>, by: u8) -> Result<OrSet<u64>> {
    let mut set = OrSet::new();
    set.extend(elements, replica(by))?;
    Ok(set)
}

fn crdts_of(elements: impl Iterator<Item = u64>, by: u8) -> Orswot<u64, u8> {
    let mut set = Orswot::new();
    for element in elements {
        let add = set.add(element, set.read_ctx().derive_add_ctx(by));
        set.apply(add);
    }
    set
}

/// The set by each library, as bytes.
///
/// # Errors
///
/// What the libraries report; nothing, if all is well.
pub fn encoded() -> Result<Vec<(&'static str, usize)>> {
    let set = crdts_of(elements(), 0);
    Ok(vec![
        ("rejoin", wire::to_bytes(&rejoin_of(elements(), 0)?).len()),
        ("crdts, bincode", bincode(&set)?.len()),
        ("crdts, postcard", postcard::to_stdvec(&set)?.len()),
        ("automerge, a map", automerge()?),
        ("loro, a map", loro()?),
        ("yrs, a map", yrs()),
    ])
}

fn automerge() -> Result<usize> {
    Ok(automerge_of(elements())?.save().len())
}

fn automerge_of(elements: impl Iterator<Item = u64>) -> Result<AutoCommit> {
    let mut document = AutoCommit::new();
    for element in elements {
        document.put(&ROOT, element.to_string(), true)?;
    }
    document.commit();
    Ok(document)
}

fn loro() -> Result<usize> {
    Ok(loro_of(elements())?.export(ExportMode::Snapshot)?.len())
}

fn loro_of(elements: impl Iterator<Item = u64>) -> Result<LoroDoc> {
    let document = LoroDoc::new();
    let map = document.get_map("set");
    for element in elements {
        map.insert(&element.to_string(), true)?;
    }
    document.commit();
    Ok(document)
}

fn yrs() -> usize {
    yrs_of(elements()).whole().len()
}

/// A document with one map.
struct Yrs(Doc, MapRef);

impl Yrs {
    fn new(client: u64) -> Self {
        let document = Doc::with_client_id(client);
        let map = document.get_or_insert_map("set");
        Self(document, map)
    }

    fn whole(&self) -> Vec<u8> {
        self.0.transact().encode_diff_v1(&StateVector::default())
    }

    fn write(&self, adds: &[u64], removes: &[u64]) -> Vec<u8> {
        let mut transaction = self.0.transact_mut();
        for element in removes {
            self.1.remove(&mut transaction, &element.to_string());
        }
        for element in adds {
            self.1.insert(&mut transaction, element.to_string(), true);
        }
        transaction.encode_update_v1()
    }

    fn apply(&self, update: &[u8]) -> Result {
        Ok(self.0.transact_mut().apply_update(Update::decode_v1(update)?)?)
    }

    fn fork(&self, client: u64) -> Result<Self> {
        let fork = Self::new(client);
        fork.apply(&self.whole())?;
        Ok(fork)
    }

    fn merge(&self, other: &Self) -> Result {
        let seen = self.0.transact().state_vector();
        let update = other.0.transact().encode_diff_v1(&seen);
        self.apply(&update)
    }

    fn elements(&self) -> BTreeSet<u64> {
        let transaction = self.0.transact();
        self.1.keys(&transaction).filter_map(|key| key.parse().ok()).collect()
    }
}

fn yrs_of(elements: impl Iterator<Item = u64>) -> Yrs {
    let yrs = Yrs::new(1);
    yrs.write(&elements.collect::<Vec<_>>(), &[]);
    yrs
}

/// By hand: whether each element is there, and since when.
type Tombstones = HashMap<u64, (bool, u64)>;

fn merge_by_hand(ours: &mut Tombstones, theirs: &Tombstones) {
    for (element, their) in theirs {
        let our = ours.entry(*element).or_insert(*their);
        if their.1 > our.1 {
            *our = *their;
        }
    }
}

fn by_hand_of(elements: impl Iterator<Item = u64>) -> Tombstones {
    elements.map(|element| (element, (true, 1))).collect()
}

/// What a side adds and removes beside the shared elements.
fn edits(side: u64) -> (Vec<u64>, Vec<u64>) {
    let adds = (0..500).map(|i| element(ELEMENTS * (side + 2) + i)).collect();
    let removes = (0..500).map(|i| element(i * (ELEMENTS / 500) + side * 7)).collect();
    (adds, removes)
}

fn rejoin_side(shared: &OrSet<u64>, side: u8) -> Result<OrSet<u64>> {
    let (adds, removes) = edits(side.into());
    let mut set = shared.clone();
    set.extend(adds, replica(side + 1))?;
    for element in removes {
        set.remove(&element, replica(side + 1))?;
    }
    Ok(set)
}

fn crdts_side(shared: &Orswot<u64, u8>, side: u8) -> Result<Orswot<u64, u8>> {
    let (adds, removes) = edits(side.into());
    // Read from bytes: what is cloned shares the seeds of its tables, and merges too cheaply.
    let mut set = crdts_read(&bincode(shared)?)?;
    for element in adds {
        let add = set.add(element, set.read_ctx().derive_add_ctx(side + 1));
        set.apply(add);
    }
    for element in removes {
        let remove = set.rm(element, set.contains(&element).derive_rm_ctx());
        set.apply(remove);
    }
    Ok(set)
}

fn crdts_read(bytes: &[u8]) -> Result<Orswot<u64, u8>> {
    Ok(bincode::serde::decode_from_slice(bytes, bincode::config::standard())?.0)
}

fn by_hand_side(side: u64) -> Tombstones {
    let (adds, removes) = edits(side);
    let mut set = by_hand_of(elements());
    set.extend(adds.into_iter().map(|element| (element, (true, 2))));
    set.extend(removes.into_iter().map(|element| (element, (false, 2))));
    set
}

fn automerge_side(shared: &AutoCommit, side: u8) -> Result<AutoCommit> {
    let (adds, removes) = edits(side.into());
    let mut document = shared.clone().with_actor(automerge::ActorId::from([side + 1]));
    for element in adds {
        document.put(&ROOT, element.to_string(), true)?;
    }
    for element in removes {
        document.delete(&ROOT, element.to_string())?;
    }
    document.commit();
    Ok(document)
}

/// Merges of whole states.
///
/// # Errors
///
/// That contestants disagree, or what the libraries report.
pub fn merges() -> Result<Vec<Row>> {
    let shared = rejoin_of(elements(), 0)?;
    let (ours, theirs) = (rejoin_side(&shared, 0)?, rejoin_side(&shared, 1)?);
    let crdts_shared = crdts_of(elements(), 0);
    let (c, d) = (crdts_side(&crdts_shared, 0)?, crdts_side(&crdts_shared, 1)?);
    let (t, u) = (by_hand_side(0), by_hand_side(1));
    let yrs_shared = yrs_of(elements());
    let (y, z) = (yrs_shared.fork(2)?, yrs_shared.fork(3)?);
    for (yrs, side) in [(&y, 0), (&z, 1)] {
        let (adds, removes) = edits(side);
        yrs.write(&adds, &removes);
    }
    let automerge_shared = automerge_of(elements())?;
    let (m, mut n) = (automerge_side(&automerge_shared, 0)?, automerge_side(&automerge_shared, 1)?);

    let mut merged = (ours.clone(), c.clone(), t.clone(), y.fork(4)?, m.clone());
    merged.0.merge(&theirs);
    merged.1.merge(d.clone());
    merge_by_hand(&mut merged.2, &u);
    merged.3.merge(&z)?;
    merged.4.merge(&mut n)?;
    let alive = merged.2.iter().filter(|it| it.1.0).map(|it| *it.0);
    let answers = [
        ("rejoin", merged.0.iter().copied().collect::<BTreeSet<u64>>()),
        ("crdts", merged.1.read().val.into_iter().collect()),
        ("by hand", alive.collect()),
        ("yrs", merged.3.elements()),
        ("automerge", merged.4.keys(&ROOT).filter_map(|key| key.parse().ok()).collect()),
    ];
    agree("merging sets", answers)?;
    let (automerge_other, automerge_same) = (RefCell::new(n), RefCell::new(merged.4.clone()));
    let contestants = vec![
        Contestant::on("rejoin", || ours.clone(), |set| set.merge(&theirs)),
        Contestant::on(
            "crdts",
            || (c.clone(), Some(d.clone())),
            |(set, other)| other.take().map(|other| set.merge(other)),
        ),
        Contestant::on("tombstones by hand", || t.clone(), |set| merge_by_hand(set, &u)),
        Contestant::on("yrs", || stop(y.fork(4)), |set| stop(set.merge(&z))),
        Contestant::on(
            "automerge",
            || m.clone(),
            |set| set.merge(&mut automerge_other.borrow_mut()).is_ok(),
        ),
    ];
    let touched = race("merge, 500 adds and 500 removes a side", "70 µs", 1.0, contestants, None);

    // Equal, and nothing shared: each side read from bytes, or merged in the other order.
    let read: OrSet<u64> = wire::from_bytes(&wire::to_bytes(&merged.0))?;
    let crdts_read = crdts_read(&bincode(&merged.1)?)?;
    let table: Tombstones = merged.2.iter().map(|entry| (*entry.0, *entry.1)).collect();
    z.merge(&y)?;
    let (mut same, mut by_hand, mut automerge) = (merged.0.clone(), merged.2.clone(), merged.4);
    assert!(!same.merge(&read), "they are equal");
    let contestants = vec![
        Contestant::again("rejoin", || same.merge(black_box(&read))),
        Contestant::on(
            "crdts",
            || (merged.1.clone(), Some(crdts_read.clone())),
            |(set, other)| other.take().map(|other| set.merge(other)),
        ),
        Contestant::again("tombstones by hand", || merge_by_hand(&mut by_hand, &table)),
        Contestant::again("yrs", || stop(merged.3.merge(&z))),
        Contestant::again("automerge", || {
            automerge.merge(&mut automerge_same.borrow_mut()).is_ok()
        }),
    ];
    let equal = race("merge of equal states", "0.5 µs", 1.0, contestants, None);
    Ok(vec![touched, equal, million()?, initial_load()?])
}

fn million() -> Result<Row> {
    let all = || (0..1_000_000).map(element);
    let side = |by: u8| -> Result<OrSet<u64>> {
        let mut set = rejoin_of(all(), 0)?;
        set.extend((0..10_000).map(|i| element(u64::from(by) * 2_000_000 + i)), replica(by))?;
        Ok(set)
    };
    let by_hand =
        |by: u64| by_hand_of(all().chain((0..10_000).map(move |i| element(by * 2_000_000 + i))));
    let (a, b, t, u) = (side(1)?, side(2)?, by_hand(1), by_hand(2));
    let contestants = vec![
        Contestant::on("rejoin", || a.clone(), |set| set.merge(&b)),
        Contestant::on("tombstones by hand", || t.clone(), |set| merge_by_hand(set, &u)),
    ];
    Ok(race("merge, 1,000,000 on each side, 99 % shared", "1.5 ms", 1.0, contestants, None))
}

fn initial_load() -> Result<Row> {
    let others = || (0..ELEMENTS).map(|i| element(7 * ELEMENTS + i));
    let (a, b) = (rejoin_of(elements(), 0)?, rejoin_of(others(), 1)?);
    let (c, d) = (crdts_of(elements(), 0), crdts_of(others(), 1));
    let contestants = vec![
        Contestant::on("rejoin", || a.clone(), |set| set.merge(&b)),
        Contestant::on(
            "crdts",
            || (c.clone(), Some(d.clone())),
            |(set, other)| other.take().map(|other| set.merge(other)),
        ),
    ];
    let table: HashSet<u64> = elements().collect();
    let list: Vec<u64> = others().collect();
    let floor = Contestant::on(
        "inserting in a HashSet",
        || table.clone(),
        |set| set.extend(list.iter().copied()),
    );
    Ok(race("merge of 100,000 others", "2 × the floor", 1.0, contestants, Some(floor)))
}

/// Deltas of one element, as bytes, into sets of two sizes; so many in a row, the time of each told.
///
/// # Errors
///
/// That contestants disagree, or what the libraries report.
pub fn deltas() -> Result<Vec<Row>> {
    let mut rows = deltas_into(ELEMENTS)?;
    rows.extend(deltas_into(10 * ELEMENTS)?);
    Ok(rows)
}

/// So many deltas in a row.
const DELTAS: u64 = 1_000;

fn deltas_into(size: u64) -> Result<Vec<Row>> {
    let all = || (0..size).map(element);
    let new = || (0..DELTAS).map(move |i| element(20 * size + i));
    let ours = rejoin_of(all(), 0)?;
    let (mut author, mut adds, mut removes) = (ours.clone(), Vec::new(), Vec::new());
    for element in new() {
        adds.push(wire::to_bytes(&author.insert(element, replica(1))?));
    }
    for element in new() {
        removes.push(wire::to_bytes(&author.remove(&element, replica(1))?));
    }
    let theirs = crdts_of(all(), 0);
    let (mut peer, mut their_adds, mut their_removes) = (theirs.clone(), Vec::new(), Vec::new());
    for element in new() {
        let add = peer.add(element, peer.read_ctx().derive_add_ctx(1));
        their_adds.push(bincode(&add)?);
        peer.apply(add);
    }
    for element in new() {
        let remove = peer.rm(element, peer.contains(&element).derive_rm_ctx());
        their_removes.push(bincode(&remove)?);
        peer.apply(remove);
    }
    let with_yrs = size <= ELEMENTS; // a million takes it minutes to set up
    let yrs = yrs_of(all().take(if with_yrs { usize::MAX } else { 0 }));
    let yrs_author = yrs.fork(2)?;
    let yrs_adds: Vec<Vec<u8>> = new().map(|element| yrs_author.write(&[element], &[])).collect();
    let yrs_removes: Vec<Vec<u8>> =
        new().map(|element| yrs_author.write(&[], &[element])).collect();

    let added = {
        let mut added = ours.clone();
        apply(&mut added, &adds)?;
        added
    };
    let mut their_added = theirs.clone();
    apply_ops(&mut their_added, &their_adds)?;
    let yrs_added = || -> Result<Yrs> {
        let fork = yrs.fork(3)?;
        yrs_adds.iter().try_for_each(|update| fork.apply(update))?;
        Ok(fork)
    };
    let count = size + DELTAS;
    let counts = [
        ("rejoin", added.len() as u64),
        ("crdts", their_added.iter().count() as u64),
        ("yrs", if with_yrs { yrs_added()?.elements().len() as u64 } else { count }),
    ];
    agree("adding", [("all", count)].into_iter().chain(counts))?;
    let mut removed = added.clone();
    apply(&mut removed, &removes)?;
    agree("removing", [("all", size), ("rejoin", removed.len() as u64)])?;

    let each = DELTAS as f64;
    let mut adding = vec![
        Contestant::on("rejoin", || ours.clone(), |set| stop(apply(set, &adds))),
        Contestant::on("crdts", || theirs.clone(), |set| stop(apply_ops(set, &their_adds))),
        Contestant::on(
            "yrs",
            || stop(yrs.fork(3)),
            |set| yrs_adds.iter().for_each(|update| stop(set.apply(update))),
        ),
    ];
    adding.truncate(if with_yrs { 3 } else { 2 });
    let adding = race(format!("add from bytes, into {size}"), "150 ns", each, adding, None);
    let mut removing = vec![
        Contestant::on("rejoin", || added.clone(), |set| stop(apply(set, &removes))),
        Contestant::on("crdts", || their_added.clone(), |set| stop(apply_ops(set, &their_removes))),
        Contestant::on(
            "yrs",
            || stop(yrs_added()),
            |set| yrs_removes.iter().for_each(|update| stop(set.apply(update))),
        ),
    ];
    removing.truncate(if with_yrs { 3 } else { 2 });
    let removing = race(format!("remove from bytes, of {size}"), "150 ns", each, removing, None);
    Ok(vec![adding, removing])
}

fn apply(set: &mut OrSet<u64>, deltas: &[Vec<u8>]) -> Result {
    for delta in deltas {
        wire::apply_bytes(set, delta)?;
    }
    Ok(())
}

fn apply_ops(set: &mut Orswot<u64, u8>, ops: &[Vec<u8>]) -> Result {
    for op in ops {
        let config = bincode::config::standard();
        let (op, _): (orswot::Op<u64, u8>, _) = bincode::serde::decode_from_slice(op, config)?;
        set.apply(op);
    }
    Ok(())
}

/// What one replica does on its own.
///
/// # Errors
///
/// What the libraries report.
pub fn local() -> Result<Vec<Row>> {
    let new: Vec<u64> = (0..DELTAS).map(|i| element(30 * ELEMENTS + i)).collect();
    let (ours, theirs) = (rejoin_of(elements(), 0)?, crdts_of(elements(), 0));
    let table: HashSet<u64> = elements().collect();
    let all: Vec<u64> = elements().collect();
    let add = race(
        "add, with its delta",
        "30 ns",
        DELTAS as f64,
        vec![
            Contestant::on(
                "rejoin",
                || ours.clone(),
                |set| {
                    new.iter().for_each(|it| {
                        _ = black_box(stop(set.insert(*it, replica(1)).map_err(Into::into)))
                    });
                },
            ),
            Contestant::on(
                "crdts",
                || theirs.clone(),
                |set| {
                    for element in &new {
                        let add = set.add(*element, set.read_ctx().derive_add_ctx(1));
                        set.apply(black_box(add.clone()));
                    }
                },
            ),
        ],
        Some(Contestant::on("HashSet", || table.clone(), |set| set.extend(new.iter().copied()))),
    );
    let per_element = ELEMENTS as f64;
    let bulk = race(
        "add 100,000 at once, an element",
        "20 ns",
        per_element,
        vec![
            Contestant::on("rejoin", || (), |()| rejoin_of(all.iter().copied(), 0).is_ok()),
            Contestant::on("crdts", || (), |()| crdts_of(all.iter().copied(), 0)),
        ],
        Some(Contestant::on("HashSet", || (), |()| all.iter().copied().collect::<HashSet<u64>>())),
    );
    let hits = |contains: &dyn Fn(&u64) -> bool| all.iter().filter(|it| contains(it)).count();
    agree(
        "contains",
        [
            ("rejoin", hits(&|it| ours.contains(it))),
            ("crdts", hits(&|it| theirs.contains(it).val)),
            ("HashSet", hits(&|it| table.contains(it))),
        ],
    )?;
    let contains = race(
        "contains",
        "8 ns",
        per_element,
        vec![
            Contestant::again("rejoin", || all.iter().filter(|it| ours.contains(*it)).count()),
            Contestant::again("crdts", || all.iter().filter(|it| theirs.contains(it).val).count()),
        ],
        Some(Contestant::again("HashSet", || all.iter().filter(|it| table.contains(*it)).count())),
    );
    let fold = |sum: u64, it: &u64| sum ^ it;
    let iterate = race(
        "iterate, an element",
        "1 ns",
        per_element,
        vec![
            Contestant::again("rejoin", || black_box(&ours).iter().fold(0, fold)),
            Contestant::again("crdts", || {
                black_box(&theirs).iter().fold(0, |sum, it| fold(sum, it.val))
            }),
        ],
        Some(Contestant::again("HashSet", || black_box(&table).iter().fold(0, fold))),
    );
    Ok(vec![add, bulk, contains, iterate])
}

/// Bytes of heap for each of 100,000 elements.
///
/// # Errors
///
/// What the libraries report.
pub fn heap() -> Result<Vec<(&'static str, f64)>> {
    Ok(vec![
        ("rejoin", heap_of(|| rejoin_of(elements(), 0))?),
        ("automerge, a map", heap_of(|| automerge_of(elements()))?),
        ("crdts", heap_of(|| Ok(crdts_of(elements(), 0)))?),
        ("loro, a map", heap_of(|| loro_of(elements()))?),
        ("yrs, a map", heap_of(|| Ok(yrs_of(elements())))?),
        ("HashSet", heap_of(|| Ok(elements().collect::<HashSet<u64>>()))?),
    ])
}

fn heap_of<T>(build: impl FnOnce() -> Result<T>) -> Result<f64> {
    let mut built = None;
    let info = measure(|| built = Some(build()));
    built.transpose()?;
    Ok(info.bytes_current as f64 / ELEMENTS as f64)
}
