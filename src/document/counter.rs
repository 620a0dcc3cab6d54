//! Counters: what edits count.
//!
//! A counter is an integer that is counted on: what is read is the latest integer that is alive, if
//! any, and every increment beside it; it is as late as the latest of them. Each increment is a
//! write of its own, so that whoever sets, resets or deletes the number takes with it exactly those
//! that it has seen: observed-reset semantics, in every form that a write takes.

use super::{
    DocumentError,
    content::Content,
    edit::Edit,
    input::{Scalar, Source},
    names::Sought,
    pointer::Pointer,
    read::{Reading, View},
    tree::NodeId,
    value::{Kind, Value},
    write::Write,
};
use crate::{causal::Dot, time::Timestamp};
use alloc::boxed::Box;

impl Edit<'_> {
    /// As [`Document::increment`](super::Document::increment).
    ///
    /// # Errors
    ///
    /// As [`Document::increment`](super::Document::increment); the edit is as it was before this
    /// call.
    pub fn increment(&mut self, pointer: &str, by: u64) -> Result<(), DocumentError> {
        self.count(pointer, i64::try_from(by).ok())
    }

    /// As [`Document::decrement`](super::Document::decrement).
    ///
    /// # Errors
    ///
    /// As [`Document::decrement`](super::Document::decrement); the edit is as it was before this
    /// call.
    pub fn decrement(&mut self, pointer: &str, by: u64) -> Result<(), DocumentError> {
        self.count(pointer, 0_i64.checked_sub_unsigned(by))
    }

    /// As [`Document::reset`](super::Document::reset).
    ///
    /// # Errors
    ///
    /// As [`Document::reset`](super::Document::reset); the edit is as it was before this call.
    pub fn reset(&mut self, pointer: &str) -> Result<(), DocumentError> {
        let pointer = Pointer::parse(pointer)?;
        self.all_or_nothing(|edit| {
            let node = edit.enter(pointer)?;
            edit.view().count_at(node)?;
            let zero = Scalar::Number(0_u64.into());
            let stays = |write: &Write| write.is_place() || zero.is(&write.content);
            if edit.view().writes_at(node).all(|(_, write)| stays(write)) {
                return Ok(());
            }
            edit.set_node(node, Source::Value(&Value::Number(0_u64.into())))
        })
    }

    /// Adds to the number at `pointer`; `by` is none where it is no integer of 64 bits.
    fn count(&mut self, pointer: &str, by: Option<i64>) -> Result<(), DocumentError> {
        let parsed = Pointer::parse(pointer)?;
        let overflow = || DocumentError::CountOverflow { path: pointer.into() };
        let by = by.ok_or_else(overflow)?;
        self.all_or_nothing(|edit| {
            let node = edit.enter_number(parsed)?;
            edit.holding(node, |edit| {
                let view = edit.view();
                let is_new = !view.tree.has_content(node);
                let value = if is_new { 0 } else { view.count_at(node)? };
                value.checked_add(by).ok_or_else(overflow)?;
                let (seen, birth) = view.count_so_far(node);
                let time = edit.now.after(seen);
                edit.put_born(node, Content::Count(by), time, birth.map(Box::new))
            })
        })
    }

    /// The node of a number: one that is there, or a field that can be made.
    fn enter_number(&mut self, pointer: Pointer<'_>) -> Result<NodeId, DocumentError> {
        let Some((parent, token)) = pointer.split_last() else { return self.enter(pointer) };
        let container = self.enter_parent(parent)?;
        if self.settled_as_list(container)? {
            return self.enter(pointer);
        }
        Ok(self.spot_below(self.spot(container), Sought::Field(&token))?.node)
    }
}

impl View<'_> {
    /// The number that is read at a node, if it can be counted on.
    fn count_at(self, node: NodeId) -> Result<i64, DocumentError> {
        let not_a_number = |found| DocumentError::NotACounter { path: self.pointer(node), found };
        match self.reading(node) {
            Some(Reading::Count(count)) => Ok(count),
            Some(Reading::Scalar(content)) => {
                content.as_i64().ok_or_else(|| not_a_number(Kind::Scalar))
            }
            Some(container) => Err(not_a_number(container.kind())),
            None => Err(DocumentError::NotFound { path: self.pointer(node) }),
        }
    }

    /// The greatest time of what was written at a node, and the write that made it.
    fn count_so_far(self, node: NodeId) -> (Option<Timestamp>, Option<Dot>) {
        let greatest = self.writes_at(node).max_by_key(|write| write.0);
        greatest.map_or((None, None), |((stamp, dot), write)| {
            (Some(stamp.time), Some(write.birth().unwrap_or(dot)))
        })
    }
}
