//! Forking a document, and merging the forks in many orders.

use crate::Failure;
use rejoin::{
    Document, Merge, ReplicaId, ReplicaIdError, Timestamp,
    document::{
        Change, Claim, Conflict, ConflictKind, Contender, DocumentDelta, DocumentError, Path,
        Report, Rules,
    },
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

/// The messages are told apart by `key`: who edits a message edits just that one, wherever it stands
/// by then.
pub(crate) fn keyed(key: &str) -> Result<Rules, DocumentError> {
    Rules::new().keyed("/messages", key)
}

pub(crate) fn import(
    json: &Json,
    rules: Rules,
    replica: ReplicaId,
    now: Timestamp,
) -> Result<Document, DocumentError> {
    Document::from_json_with(rules, json, replica, now)
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

impl Side {
    /// Counts on a number: others may do so at the same time, and all of it counts.
    pub(crate) fn count(
        &mut self,
        pointer: &str,
        by: u64,
        replica: ReplicaId,
        now: Timestamp,
    ) -> Result<(), DocumentError> {
        let delta = self.document.increment(pointer, by, replica, now)?;
        self.delta.merge(&delta);
        Ok(())
    }

    /// What this side did to `base`.
    pub(crate) fn changes(&self, base: &Document) -> Vec<Change> {
        base.clone().apply_reporting(&self.delta).changes().to_vec()
    }
}

/// What all orders of merging led to.
pub(crate) struct Merged {
    pub(crate) document: Document,
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
        let (of_states, by_states) = merge_in_order(base, sides, order, meet_state);
        let (of_deltas, by_deltas) = merge_in_order(base, sides, order, meet_delta);
        reported.extend([by_states, by_deltas]);
        let first = first.get_or_insert_with(|| of_states.clone());
        check_equal(first, &of_states, || format!("states merged in order {order:?}"))?;
        check_equal(first, &of_deltas, || format!("deltas applied in order {order:?}"))?;
    }
    let document = first.unwrap_or_default();
    let conflicts = all_conflicts(&document, &reported);
    Ok(Merged { json: document.to_json(), conflicts, orders: orders.len(), document })
}

/// Merges the sides in order, each by `meet`; also what the last of them told. Only there do the
/// paths speak of what all have led to: an item's index is another once others have come.
fn merge_in_order(
    base: &Document,
    sides: &[Side],
    order: &[usize],
    meet: impl Fn(&mut Document, &Side) -> Report,
) -> (Document, Report) {
    let (mut merged, mut report) = (base.clone(), Report::default());
    for side in order.iter().filter_map(|&at| sides.get(at)) {
        report = meet(&mut merged, side);
    }
    (merged, report)
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
/// latter a document remembers only some, so they are taken from what the merges reported that
/// came last: each side was last once, so each deletion was told of.
pub(crate) fn all_conflicts(merged: &Document, reported: &[Report]) -> Vec<Conflict> {
    let mut rows: Rows = merged.conflicts().into_iter().map(|open| (row(&open), open)).collect();
    let reported = reported.iter().flat_map(Report::conflicts);
    for deletion in reported.filter(|it| it.kind == ConflictKind::Deletion).cloned() {
        match rows.entry(row(&deletion)) {
            Entry::Occupied(mut row) => add_deletion(row.get_mut(), deletion),
            Entry::Vacant(free) => {
                // What stands below a value of another kind is no longer read.
                if merged.get(&deletion.path.to_string()).is_some() {
                    free.insert(deletion);
                }
            }
        }
    }
    for row in rows.values_mut() {
        read_winner(merged, row);
    }
    drop_deletions_inside_others(rows)
}

/// A conflict does not repeat the container that is read.
fn read_winner(merged: &Document, row: &mut Conflict) {
    if let Claim::Read(_) = row.winner.claim {
        let read = merged.get(&row.path.to_string());
        row.winner.claim = read.map_or(Claim::Deletion, Claim::Value);
    }
}

/// By path. An item that was moved can be in conflict for what it holds as well.
type Rows = BTreeMap<(Path, bool), Conflict>;

pub(crate) fn row(conflict: &Conflict) -> (Path, bool) {
    (conflict.path.clone(), conflict.kind == ConflictKind::Move)
}

fn add_deletion(row: &mut Conflict, deletion: Conflict) {
    if row.kind == ConflictKind::Deletion && deletion.winner.stamp > row.winner.stamp {
        row.winner = deletion.winner;
    }
    let mut losers: Vec<Contender> = row.losers.drain(..).chain(deletion.losers).collect();
    let is_deletion = |it: &Contender| it.claim.is_deletion();
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
fn drop_deletions_inside_others(rows: Rows) -> Vec<Conflict> {
    let deleted: BTreeSet<Path> = rows
        .values()
        .filter(|row| row.losers.iter().any(|loser| loser.claim.is_deletion()))
        .map(|row| row.path.clone())
        .collect();
    let is_inside = |row: &Conflict| {
        std::iter::successors(row.path.parent(), |path| path.parent())
            .any(|it| deleted.contains(it))
    };
    rows.into_values().filter(|row| row.kind != ConflictKind::Deletion || !is_inside(row)).collect()
}
