//! Forking a document, and merging the forks in many orders.

use crate::Failure;
use rejoin::{
    Document, ReplicaId, ReplicaIdError, Timestamp,
    document::{Conflict, ConflictKind, Contender, DocumentDelta, DocumentError, Report},
};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

/// One replica: its document, and what it did to it since the fork.
pub(crate) struct Side {
    pub(crate) document: Document,
    pub(crate) delta: DocumentDelta,
}

/// The replica of a region.
pub(crate) fn replica(name: &str) -> Result<ReplicaId, Failure> {
    name.parse().map_err(|error: ReplicaIdError| Failure::Refused(format!("{name}: {error}")))
}

/// Forks `base` and brings the fork to `edited`, writing only what differs.
pub(crate) fn fork(
    base: &Document,
    edited: &Json,
    replica: ReplicaId,
    now: Timestamp,
) -> Result<Side, DocumentError> {
    let mut document = base.clone();
    let delta = document.update(edited, replica, now)?;
    Ok(Side { document, delta })
}

/// What all orders of merging led to.
pub(crate) struct Merged {
    pub(crate) json: Json,
    pub(crate) conflicts: Vec<Conflict>,
    pub(crate) orders: usize,
}

/// Merges in all of the [`orders`], whole states and then deltas, and compares the results.
pub(crate) fn merge_in_all_orders(base: &Document, sides: &[Side]) -> Result<Merged, Failure> {
    let mut reported = Vec::new();
    let mut first: Option<Document> = None;
    let orders = orders(sides.len());
    for order in &orders {
        let of_states = merge_in_order(base, sides, order, meet_state, &mut reported);
        let of_deltas = merge_in_order(base, sides, order, meet_delta, &mut reported);
        let first = first.get_or_insert_with(|| of_states.clone());
        check_equal(first, &of_states, || format!("states merged in order {order:?}"))?;
        check_equal(first, &of_deltas, || format!("deltas applied in order {order:?}"))?;
    }
    let document = first.unwrap_or_default();
    let conflicts = all_conflicts(&document, reported);
    Ok(Merged { json: document.to_json(), conflicts, orders: orders.len() })
}

/// Merges the sides in order, each by `meet`, and collects what was in conflict.
fn merge_in_order(
    base: &Document,
    sides: &[Side],
    order: &[usize],
    meet: impl Fn(&mut Document, &Side) -> Report,
    reported: &mut Vec<Conflict>,
) -> Document {
    let mut merged = base.clone();
    for side in order.iter().filter_map(|&at| sides.get(at)) {
        reported.extend_from_slice(meet(&mut merged, side).conflicts());
    }
    merged
}

fn meet_state(document: &mut Document, side: &Side) -> Report {
    document.merge_reporting(&side.document)
}

/// Leads to the same document, and its reports also know who deleted something and when: a delta
/// says so, a state keeps no tombstones.
fn meet_delta(document: &mut Document, side: &Side) -> Report {
    document.apply_reporting(&side.delta)
}

/// Equal documents hold the same history; equal JSON is what a reader sees of it.
pub(crate) fn check_equal(
    expected: &Document,
    found: &Document,
    what: impl Fn() -> String,
) -> Result<(), Failure> {
    if expected == found && expected.to_json() == found.to_json() {
        return Ok(());
    }
    Err(Failure::Disagreed(what()))
}

/// The orders in which `count` sides are merged: each side comes first once, followed by the
/// others forwards and backwards. For two sides and for three these are all orders there are.
pub(crate) fn orders(count: usize) -> BTreeSet<Vec<usize>> {
    let rotation = |start| (0..count).map(move |step| (start + step) % count);
    let forwards = (0..count).map(|start| rotation(start).collect::<Vec<_>>());
    let backwards = (0..count).map(|start| rotation(start).rev().collect::<Vec<_>>());
    forwards.chain(backwards).collect()
}

/// The conflicts that stand open in `merged`, and the deletions that lost to an edit. Of the
/// latter a document remembers only some, so they are taken from what the merges reported.
pub(crate) fn all_conflicts(merged: &Document, reported: Vec<Conflict>) -> Vec<Conflict> {
    let mut rows: BTreeMap<String, Conflict> =
        merged.conflicts().into_iter().map(|open| (open.path.clone(), open)).collect();
    for deletion in reported.into_iter().filter(|it| it.kind == ConflictKind::Deletion) {
        match rows.entry(deletion.path.clone()) {
            Entry::Occupied(mut row) => add_deletion(row.get_mut(), deletion),
            Entry::Vacant(free) => {
                // What stands below a value of another kind is no longer read.
                if merged.get(&deletion.path).is_some() {
                    free.insert(deletion);
                }
            }
        }
    }
    drop_deletions_inside_others(rows)
}

fn add_deletion(row: &mut Conflict, deletion: Conflict) {
    if row.kind == ConflictKind::Deletion && deletion.winner.stamp > row.winner.stamp {
        row.winner = deletion.winner;
    }
    let mut losers: Vec<Contender> = row.losers.drain(..).chain(deletion.losers).collect();
    let is_deletion = |it: &Contender| it.value.is_none();
    let known = losers.iter().any(|it| is_deletion(it) && it.stamp.is_some());
    losers.retain(|it| !is_deletion(it) || !known || it.stamp.is_some());
    for loser in losers {
        if !row.losers.contains(&loser) {
            row.losers.push(loser);
        }
    }
}

/// Where an object was deleted, what survived inside it is part of that conflict, whichever of
/// the merges came upon it first.
fn drop_deletions_inside_others(rows: BTreeMap<String, Conflict>) -> Vec<Conflict> {
    let deleted: BTreeSet<String> = rows
        .values()
        .filter(|row| row.losers.iter().any(|loser| loser.value.is_none()))
        .map(|row| row.path.clone())
        .collect();
    let is_inside = |row: &Conflict| {
        let mut slashes = row.path.match_indices('/').map(|(at, _)| at);
        slashes.any(|at| deleted.contains(&row.path[..at]))
    };
    rows.into_values().filter(|row| row.kind != ConflictKind::Deletion || !is_inside(row)).collect()
}
