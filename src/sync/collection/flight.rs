//! [`Flight`]: a question that waits for its answer.

use super::{
    KeyRange,
    message::{Item, Message, Told},
    pack::Task,
};
use crate::{merge::DeltaState, wire::Wire};
use alloc::vec::Vec;

/// A question that waits for its answer.
pub(super) struct Flight<S: DeltaState> {
    /// By which the answer says what it is to.
    pub(super) echo: u32,
    /// The number of the question.
    pub(super) salt: u64,
    /// What each item of it told.
    pub(super) told: Vec<Task<S>>,
}

impl<S: DeltaState<Delta: Wire, Version: Wire>> Flight<S> {
    /// Whether an answer keeps to what was asked. So a peer that lies makes no more work than one
    /// that has nothing in common with us.
    pub(super) fn asked(&self, answer: &Message<S>) -> bool {
        let mut spans: Vec<KeyRange> = Vec::new();
        let mut keys: Vec<(&[u8], bool)> = Vec::new();
        for task in &self.told {
            match task {
                Task::Root => spans.push(KeyRange::all()),
                Task::Span(range) => spans.push(range.clone()),
                Task::Tell(key) => keys.push((key, true)),
                Task::Answer { key, both, .. } if *both => keys.push((key, false)),
                Task::Rest(..) | Task::Answer { .. } => {}
            }
        }
        spans.sort_unstable_by(|one, other| one.start().cmp(other.start()));
        keys.sort_unstable();
        let covers = |range: &KeyRange| {
            let next = spans.partition_point(|span| span.start() <= range.start());
            next.checked_sub(1).and_then(|at| spans.get(at)).is_some_and(|span| span.covers(range))
        };
        let has = |key: &[u8]| {
            let next = spans.partition_point(|span| span.start() <= key);
            next.checked_sub(1).and_then(|at| spans.get(at)).is_some_and(|span| span.contains(key))
        };
        let is_cut_inside = answer.cut.as_ref().is_none_or(|cut| cut.0 < self.told.len());
        is_cut_inside
            && answer.items.iter().all(|item| match item {
                Item::Checks(start, parts) => {
                    let end = parts.last().and_then(|part| part.1.clone());
                    covers(&KeyRange::of(start.clone(), end))
                }
                Item::Rows(range, _) => covers(range),
                Item::Row(row) if has(&row.key) => true,
                Item::Row(row) => {
                    let at = keys.binary_search_by(|key| key.0.cmp(&row.key)).ok();
                    let may_go_on = at.and_then(|at| keys.get(at)).map(|key| key.1);
                    match row.told {
                        Told::Final(_) | Told::Huge => may_go_on.is_some(),
                        Told::Both(..) => may_go_on == Some(true),
                        _ => false,
                    }
                }
            })
    }

    /// What was told and not answered: from this item on, and from this key on in it. `None` if
    /// there is no such item.
    pub(super) fn left(mut self, (item, key): (usize, Vec<u8>)) -> Option<Vec<Task<S>>> {
        let mut left = self.told.split_off(item.min(self.told.len()));
        let first = left.first_mut()?;
        if let Task::Span(range) = first {
            if range.has_inside(&key) {
                *range = range.clone().from(key);
            }
        } else if matches!(first, Task::Root) {
            *first = Task::Span(KeyRange::all().from(key));
        }
        Some(left)
    }
}
