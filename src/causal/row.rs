//! [`Row`]: where the blocks of one replica are.

use crate::replica::ReplicaId;
use smallvec::SmallVec;

/// The blocks of one replica.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    /// Sorted by number; none is empty.
    pub(super) heads: SmallVec<[Head; 1]>,
    /// The sum over its blocks: where two rows that have seen the same counters have one sum, they
    /// hold the same, and a join need not look at their blocks.
    pub(super) sum: u64,
}

impl Row {
    /// Lists new blocks: a few one by one, more in one pass over the row.
    pub(super) fn list(&mut self, heads: &[Head]) {
        let row = &mut self.heads;
        if heads.len() <= 4 {
            for head in heads {
                let free = find(row, head.number).unwrap_or_else(|free| free);
                row.insert(free, *head);
            }
            return;
        }
        let in_order = row.last().is_none_or(|last| last.number < heads[0].number);
        row.extend_from_slice(heads);
        if !in_order {
            // Two sorted runs, which a stable sort merges in one pass.
            row.sort_by_key(|head| head.number);
        }
    }
}

/// The rows of these replicas, in their order, and an empty one for each that is missing.
pub(super) fn with_rows_of(
    replicas: impl Iterator<Item = ReplicaId>,
    rows: &mut SmallVec<[Row; 1]>,
    missing: impl Iterator<Item = ReplicaId>,
) {
    let all = replicas.zip(rows.drain(..)).chain(missing.map(|id| (id, Row::default())));
    let all: SmallVec<[(ReplicaId, Row); 1]> = all.collect();
    *rows = sorted(all);
}

fn sorted(mut rows: SmallVec<[(ReplicaId, Row); 1]>) -> SmallVec<[Row; 1]> {
    // Two sorted runs, which a stable sort merges in one pass.
    rows.sort_by_key(|row| row.0);
    rows.into_iter().map(|(_, row)| row).collect()
}

/// One block: its number, and its place among the blocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) number: u64,
    pub(super) at: u32,
}

/// Where the block `number` is in a row, or would be.
pub(super) fn find(row: &[Head], number: u64) -> Result<usize, usize> {
    // Rows are dense more often than not: look where the block would be without gaps.
    let first = row.first().ok_or(0_usize)?.number;
    let guess = number.checked_sub(first).and_then(|steps| usize::try_from(steps).ok());
    match guess.filter(|&at| row.get(at).is_some_and(|head| head.number == number)) {
        Some(at) => Ok(at),
        None => row.binary_search_by_key(&number, |head| head.number),
    }
}

/// The blocks `from..=upto` of a row.
pub(super) fn within(row: &[Head], from: u64, upto: u64) -> &[Head] {
    let start = find(row, from).unwrap_or_else(|free| free);
    let rest = &row[start..];
    let end = match upto - from {
        0 => usize::from(rest.first().is_some_and(|head| head.number == from)),
        _ if rest.last().is_none_or(|head| head.number <= upto) => rest.len(),
        _ => rest.partition_point(|head| head.number <= upto),
    };
    &rest[..end]
}
