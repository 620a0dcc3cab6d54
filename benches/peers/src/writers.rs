//! What long use and many replicas leave behind.

use crate::{
    Result,
    race::{Contestant, Row, race},
};
use automerge::{AutoCommit, ROOT, transaction::Transactable};
use crdts::{CmRDT, MVReg, Map, Orswot, mvreg};
use loro::{ExportMode, LoroDoc};
use rejoin::{
    DeltaState, Document, Merge, OrSet, ReplicaId, Timestamp, VectorClock, document::Value, wire,
};
use yrs::{Doc, Map as _, ReadTxn, StateVector, Transact};

const WRITES: u64 = 524_288;
const CYCLES: u64 = 1_000_000;

type Sizes = Vec<(&'static str, usize)>;

/// Bytes a replica, by how many there are.
type Curve = Vec<(u64, f64)>;

/// One field written again and again by one replica: bytes of the state, its value of 8 among them.
///
/// # Errors
///
/// What the libraries report.
pub fn writes_of_one_field() -> Result<Sizes> {
    let us = ReplicaId::from_u128(1);
    let mut ours =
        Document::from_value(Value::from_iter([("n", 0)]), us, Timestamp::from_millis(1))?;
    let mut register = Map::<String, MVReg<u64, u8>, u8>::new();
    let (yrs, loro, mut automerge) = (Doc::with_client_id(1), LoroDoc::new(), AutoCommit::new());
    let yrs_map = yrs.get_or_insert_map("map");
    let loro_map = loro.get_map("map");
    for number in 0..WRITES {
        ours.set("/n", number, us, Timestamp::from_millis(1 + number))?;
        let context = register.read_ctx().derive_add_ctx(1);
        let op = register.update("n", context, |register, context| -> mvreg::Op<u64, u8> {
            register.write(number, context)
        });
        register.apply(op);
        yrs_map.insert(&mut yrs.transact_mut(), "n", number as f64);
        loro_map.insert("n", number as i64)?;
        automerge.put(&ROOT, "n", number)?;
    }
    loro.commit();
    let yrs = yrs.transact().encode_diff_v1(&StateVector::default());
    Ok(vec![
        ("rejoin", wire::to_bytes(&ours).len()),
        ("crdts", crate::bincode(&register)?.len()),
        ("yrs", yrs.len()),
        ("loro", loro.export(ExportMode::Snapshot)?.len()),
        ("automerge", automerge.save().len()),
    ])
}

/// One element added and removed again and again: bytes of the empty set.
///
/// # Errors
///
/// What the libraries report.
pub fn cycles_of_one_element() -> Result<Sizes> {
    let us = ReplicaId::from_u128(1);
    let (mut ours, mut theirs) = (OrSet::new(), Orswot::<u64, u8>::new());
    let yrs = Doc::with_client_id(1);
    let yrs_map = yrs.get_or_insert_map("set");
    for _ in 0..CYCLES {
        ours.insert(7_u64, us)?;
        ours.remove(&7, us)?;
        let add = theirs.add(7, theirs.read_ctx().derive_add_ctx(1));
        theirs.apply(add);
        let remove = theirs.rm(7, theirs.contains(&7).derive_rm_ctx());
        theirs.apply(remove);
        let mut transaction = yrs.transact_mut();
        yrs_map.insert(&mut transaction, "7", true);
        yrs_map.remove(&mut transaction, "7");
    }
    let yrs = yrs.transact().encode_diff_v1(&StateVector::default());
    Ok(vec![
        ("rejoin", wire::to_bytes(&ours).len()),
        ("crdts", crate::bincode(&theirs)?.len()),
        ("yrs, a map", yrs.len()),
    ])
}

/// Replicas that each wrote once: bytes of a set by replica, and the time of a merge by replica, of
/// sets and of clocks that share half of their writers.
///
/// # Errors
///
/// What the library reports.
pub fn replicas() -> Result<(Curve, Vec<Row>)> {
    let (mut bytes, mut rows) = (Vec::new(), Vec::new());
    for replicas in [1_250, 2_500, 5_000, 10_000] {
        let id =
            |number: u64| ReplicaId::from_u128(u128::from(crate::sets::element(number)) << 64 | 1);
        let set = |first: u64| -> Result<OrSet<u64>> {
            let mut set = OrSet::new();
            for number in first..first + replicas {
                set.apply_owned(OrSet::new().insert(number, id(number))?);
            }
            Ok(set)
        };
        let clock =
            |first: u64| (first..first + replicas).map(|it| (id(it), 1)).collect::<VectorClock>();
        let (a, b) = (set(0)?, set(replicas / 2)?);
        let (c, d) = (clock(0), clock(replicas / 2));
        bytes.push((replicas, wire::to_bytes(&a).len() as f64 / replicas as f64));
        let each = replicas as f64;
        let work = |what: &str| {
            format!("merge of {what} by {replicas} writers, half of them shared, each")
        };
        let merge = vec![Contestant::on("rejoin", || a.clone(), |set| set.merge(&b))];
        rows.push(race(work("sets"), "linear", each, merge, None));
        let merge = vec![Contestant::on("rejoin", || c.clone(), |clock| clock.merge(&d))];
        rows.push(race(work("clocks"), "linear", each, merge, None));
    }
    Ok((bytes, rows))
}
