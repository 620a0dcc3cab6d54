//! Many intervals, in chunks: an insertion moves one chunk.

use super::interval::Interval;
use alloc::vec::Vec;

/// Intervals to a chunk, at most: what an insertion moves. Tests take few, to have many chunks.
pub(super) const CHUNK: usize = if cfg!(test) { 4 } else { 512 };

/// Some intervals, in order.
pub(super) type Chunk = Vec<Interval>;

/// Adds an interval to those of a chunk, which may then be one too many; whether that added
/// anything.
pub(super) fn insert_in_chunk(chunk: &mut Chunk, new: Interval) -> bool {
    // From the first interval that touches the new one to the last one that does.
    let from = chunk.partition_point(|it| it.last < new.first.saturating_sub(1));
    let upto = from + touched(&chunk[from..], new.last);
    if from == upto {
        chunk.insert(from, new);
        return true;
    }
    let (first, last) = (chunk[from].first.min(new.first), chunk[upto - 1].last.max(new.last));
    let joined = Interval { first, last };
    if chunk[from] == joined {
        return false;
    }
    chunk[from] = joined;
    chunk.drain(from + 1..upto);
    true
}

/// How many intervals at the start of a chunk start at `last` or before, or touch it.
fn touched(chunk: &[Interval], last: u64) -> usize {
    chunk.partition_point(|it| it.first <= last.saturating_add(1))
}

pub(super) fn insert_in_chunks(chunks: &mut Vec<Chunk>, new: Interval) -> bool {
    let before = |it: &Interval| it.last < new.first.saturating_sub(1);
    let at = chunks.partition_point(|chunk| chunk.last().is_some_and(before));
    // What comes after everything goes into the last chunk.
    let at = at.min(chunks.len() - 1);
    if !insert_in_chunk(&mut chunks[at], new) {
        return false;
    }
    absorb(chunks, at, new.last);
    balance(chunks, at);
    true
}

/// Takes what lies in the chunks after `at`, and starts or touches `last` or before, into the last
/// interval of that chunk: if there is such, it ends at `last`.
fn absorb(chunks: &mut Vec<Chunk>, at: usize, last: u64) {
    let mut end = last;
    let within = |it: &Interval| it.first <= last.saturating_add(1);
    let whole = chunks[at + 1..].partition_point(|chunk| chunk.last().is_some_and(within));
    if let Some(gone) = chunks.drain(at + 1..at + 1 + whole).next_back() {
        end = gone.last().map_or(end, |it| it.last.max(end));
    }
    let mut absorbed = whole > 0;
    if let Some(next) = chunks.get_mut(at + 1) {
        if let Some(gone) = next.drain(..touched(next, last)).next_back() {
            (end, absorbed) = (gone.last.max(end), true);
        }
        shrink(next);
    }
    if let Some(it) = chunks[at].last_mut().filter(|_| absorbed) {
        it.last = it.last.max(end);
    }
}

/// Takes an interval out of the one of a chunk that holds it all, if there is such; whether that
/// changed the chunk. It may then be one too long, or empty.
pub(super) fn remove_in_chunk(chunk: &mut Chunk, gone: Interval) -> bool {
    let at = chunk.partition_point(|it| it.last < gone.first);
    let Some(rest) = chunk.get(at).and_then(|it| it.without(gone)) else { return false };
    chunk.splice(at..=at, rest.into_iter().flatten());
    true
}

pub(super) fn remove_in_chunks(chunks: &mut Vec<Chunk>, gone: Interval) -> bool {
    let before = |it: &Interval| it.last < gone.first;
    let at = chunks.partition_point(|chunk| chunk.last().is_some_and(before));
    let Some(chunk) = chunks.get_mut(at) else { return false };
    if !remove_in_chunk(chunk, gone) {
        return false;
    }
    if chunk.is_empty() {
        chunks.remove(at);
    } else {
        balance(chunks, at);
    }
    true
}

/// Cuts a chunk that is too long, and joins short ones around it, so that chunks are a quarter full
/// on average.
pub(super) fn balance(chunks: &mut Vec<Chunk>, at: usize) {
    if chunks[at].len() > CHUNK {
        // Appending leaves chunks full.
        let keep = if at + 1 == chunks.len() { CHUNK } else { CHUNK / 2 };
        let upper = chunks[at].split_off(keep);
        chunks.insert(at + 1, upper);
        return;
    }
    shrink(&mut chunks[at]);
    for low in [at + 1, at, at.saturating_sub(1)] {
        if low + 1 < chunks.len() && chunks[low].len() + chunks[low + 1].len() <= CHUNK / 2 {
            let mut upper = chunks.remove(low + 1);
            chunks[low].append(&mut upper);
        }
    }
}

/// Gives back room that is mostly free.
pub(super) fn shrink<T>(of: &mut Vec<T>) {
    if of.len() < of.capacity() / 4 {
        of.shrink_to(2 * of.len());
    }
}
