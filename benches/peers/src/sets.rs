//! The bytes of a set of 100,000 random `u64`, by one replica.
//!
//! Automerge, loro and yrs have no set: they keep a map with the numbers' text for keys, of which the
//! last write wins, and no add survives a concurrent remove for being an add.

use crate::{Result, bincode};
use automerge::{AutoCommit, ROOT, transaction::Transactable};
use crdts::{CmRDT, Orswot};
use loro::{ExportMode, LoroDoc};
use rejoin::{OrSet, ReplicaId, wire};
use yrs::{Doc, Map, ReadTxn, StateVector, Transact};

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

pub fn rejoin() -> Result<OrSet<u64>> {
    let mut set = OrSet::new();
    set.add_all(elements(), ReplicaId::from_u128(1))?;
    Ok(set)
}

#[must_use]
pub fn crdts() -> Orswot<u64, u8> {
    let mut set = Orswot::new();
    for element in elements() {
        let add = set.add(element, set.read_ctx().derive_add_ctx(0));
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
    let set = crdts();
    Ok(vec![
        ("rejoin", wire::to_bytes(&rejoin()?).len()),
        ("crdts, bincode", bincode(&set)?.len()),
        ("crdts, postcard", postcard::to_stdvec(&set)?.len()),
        ("automerge, a map", automerge()?),
        ("loro, a map", loro()?),
        ("yrs, a map", yrs()),
    ])
}

fn automerge() -> Result<usize> {
    let mut document = AutoCommit::new();
    for element in elements() {
        document.put(&ROOT, element.to_string(), true)?;
    }
    document.commit();
    Ok(document.save().len())
}

fn loro() -> Result<usize> {
    let document = LoroDoc::new();
    let map = document.get_map("set");
    for element in elements() {
        map.insert(&element.to_string(), true)?;
    }
    document.commit();
    Ok(document.export(ExportMode::Snapshot)?.len())
}

fn yrs() -> usize {
    let document = Doc::with_client_id(1);
    let map = document.get_or_insert_map("set");
    let mut transaction = document.transact_mut();
    for element in elements() {
        map.insert(&mut transaction, element.to_string(), true);
    }
    drop(transaction);
    document.transact().encode_diff_v1(&StateVector::default()).len()
}
