//! [`Outgoing`] and [`Incoming`]: bytes larger than a message, sent in parts and put together.

use super::message::{GAPS, Message};
use alloc::{
    collections::{BTreeMap, VecDeque},
    vec::Vec,
};
use core::ops::Range;

/// What a part takes in memory beside its bytes, at the least.
const PART_COST: u64 = 64;

/// After this many calls of `resend` without a new part, the sender has given a transfer up.
const WAITS: u8 = 8;

/// A transfer that is being sent.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    pub(super) number: u64,
    bytes: Vec<u8>,
    /// Each part but the last has this many bytes, at least 1.
    part: usize,
    /// What is to be sent, in order.
    waiting: VecDeque<Range<usize>>,
}

impl Outgoing {
    pub(super) fn new(number: u64, bytes: Vec<u8>, part: usize) -> Self {
        let mut waiting = VecDeque::new();
        waiting.push_back(0..bytes.len());
        Self { number, bytes, part: part.max(1), waiting }
    }

    pub(super) fn next_part(&mut self) -> Option<Message<'_>> {
        let range = self.waiting.pop_front()?;
        let end = range.end.min(range.start.saturating_add(self.part));
        if end < range.end {
            self.waiting.push_front(end..range.end);
        }
        let bytes = self.bytes.get(range.start..end)?;
        let (total, offset) = (self.bytes.len() as u64, range.start as u64);
        Some(Message::Part { number: self.number, total, offset, bytes })
    }

    /// These parts are missing there.
    pub(super) fn send_again(&mut self, gaps: &[Range<u64>]) {
        let here = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(self.bytes.len());
        let gaps = gaps.iter().map(|gap| here(gap.start)..here(gap.end));
        self.waiting = gaps.filter(|gap| !gap.is_empty()).collect();
    }

    /// Nothing was heard of it: the last part is sent again, for which the peer tells what it lacks.
    pub(super) fn probe(&mut self) {
        if self.waiting.is_empty() {
            let last = self.bytes.len().saturating_sub(1) / self.part * self.part;
            self.waiting.push_back(last..self.bytes.len());
        }
    }
}

/// A transfer that is being received.
#[derive(Clone, Debug)]
pub(super) struct Incoming {
    pub(super) number: u64,
    total: u64,
    /// By their offsets; no two overlap.
    parts: BTreeMap<u64, Vec<u8>>,
    held: u64,
    /// Calls of `resend` since the last part.
    waits: u8,
}

impl Incoming {
    pub(super) fn new(number: u64, total: u64) -> Self {
        Self { number, total, parts: BTreeMap::new(), held: 0, waits: 0 }
    }

    pub(super) const fn total(&self) -> u64 {
        self.total
    }

    /// What it takes in memory, about.
    pub(super) fn cost(&self) -> u64 {
        self.held.saturating_add((self.parts.len() as u64).saturating_mul(PART_COST))
    }

    /// Adds a part, unless it overlaps with another.
    pub(super) fn add(&mut self, offset: u64, bytes: &[u8]) {
        let end = offset.saturating_add(bytes.len() as u64);
        let before = self.parts.range(..end).next_back();
        if before.is_some_and(|(at, part)| at.saturating_add(part.len() as u64) > offset) {
            return;
        }
        self.waits = 0;
        self.held += bytes.len() as u64;
        self.parts.insert(offset, bytes.to_vec());
    }

    /// After another call of `resend`; `None` where nothing more is to be expected.
    pub(super) fn waited(mut self) -> Option<Self> {
        self.waits += 1;
        (self.waits <= WAITS).then_some(self)
    }

    pub(super) const fn is_whole(&self) -> bool {
        self.held == self.total
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        let mut parts = self.parts.into_values();
        let mut bytes = parts.next().unwrap_or_default();
        parts.for_each(|part| bytes.extend_from_slice(&part));
        bytes
    }

    /// What has not arrived: the first gaps.
    pub(super) fn gaps(&self) -> Vec<Range<u64>> {
        let mut next = 0;
        let ends = self.parts.iter().map(|(at, part)| (*at, at + part.len() as u64));
        let ends = ends.chain([(self.total, self.total)]);
        let gap = |(at, end)| (core::mem::replace(&mut next, end), at);
        let gaps = ends.map(gap).filter(|(start, end)| start < end);
        gaps.take(GAPS).map(|(start, end)| start..end).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Incoming, Message, Outgoing};
    use alloc::{vec, vec::Vec};

    fn parts(from: &mut Outgoing) -> Vec<(u64, Vec<u8>)> {
        let mut sent = Vec::new();
        while let Some(Message::Part { offset, bytes, .. }) = from.next_part() {
            sent.push((offset, bytes.to_vec()));
        }
        sent
    }

    #[test]
    fn what_is_lost_is_all_that_is_sent_again() {
        let bytes: Vec<u8> = (0..95).collect();
        let mut from = Outgoing::new(1, bytes.clone(), 10);
        let mut into = Incoming::new(1, 95);
        for (offset, part) in parts(&mut from).into_iter().rev() {
            if ![0, 30, 40, 90].contains(&offset) {
                into.add(offset, &part);
                into.add(offset, &part);
            }
        }
        assert!(!into.is_whole());
        assert_eq!(into.gaps(), [0..10, 30..50, 90..95]);
        from.probe();
        assert_eq!(parts(&mut from), [(90, vec![90, 91, 92, 93, 94])]);
        from.send_again(&into.gaps());
        let again = parts(&mut from);
        assert_eq!(again.iter().map(|it| it.0).collect::<Vec<_>>(), [0, 30, 40, 90]);
        for (offset, part) in again {
            into.add(offset, &part);
        }
        assert!(into.is_whole() && into.gaps().is_empty());
        assert_eq!(into.into_bytes(), bytes);
    }

    #[test]
    fn parts_that_overlap_are_left_out() {
        let mut into = Incoming::new(1, 20);
        into.add(5, &[1; 5]);
        for (offset, len) in [(0, 6), (9, 2), (5, 5), (4, 20), (6, 1)] {
            into.add(offset, &vec![2; len]);
        }
        assert_eq!(into.gaps(), [0..5, 10..20]);
        assert_eq!(into.cost(), 5 + 64);
    }
}
