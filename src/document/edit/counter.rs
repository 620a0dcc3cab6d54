//! Counters: what edits count.
//!
//! A counter is an integer that is counted on. What is read is the latest live integer, if any,
//! plus what each replica's [tally] has counted that was not replaced since; its rank is the
//! greatest among them. Setting or resetting the number replaces exactly what its writer has seen.
//! Deleting it does so too, but leaves nothing that could remember how much: a tally that goes on
//! elsewhere survives whole.

use super::{
    Edit,
    input::{Scalar, Source},
};
use crate::{
    causal::{Dot, Slot},
    document::{
        error::{DocumentError, Reason},
        read::{Reading, Slots, View},
        state::{Content, NodeId, Origin, Sought, Tally, Write, tally},
    },
    time::Timestamp,
    value::{Kind, Value, pointer::Pointer},
};
use alloc::boxed::Box;

impl Edit<'_> {
    /// Adds to the integer at `pointer`. If an object does not have the field, it gets one that
    /// counts from 0. Concurrent increments all count.
    ///
    /// Setting, resetting or updating the number also removes the increments it has seen, and no
    /// others.
    ///
    /// A counter that one side deletes while another counts on it survives, as any field that is
    /// edited does, and a merge reports it. What survives is all that the other side has counted
    /// there since it last saw the number set or deleted: a deletion leaves nothing behind that
    /// could tell how much of that it had seen.
    ///
    /// However often it is counted on, a number holds one write for each replica that counts (48
    /// bytes, and its place in the index), and once it was set, 56 bytes for each replica whose
    /// increments that removed. O(depth + replicas that count there); the delta is one write.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] if something other than an integer is there, or the sum leaves the signed
    /// 64-bit integers; the edit is as it was before this call.
    ///
    /// If the sum of *concurrent* increments leaves them, the least or the greatest is read, and
    /// the next replica that counts there *sets* the number that results.
    ///
    /// # Examples
    ///
    /// ```
    /// # use rejoin::{Document, Merge, Timestamp, document::Value};
    /// # let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// # let now = Timestamp::from_millis(1);
    /// let mut ours = Document::from_value(Value::from_iter([("unread", 5)]), us, now)?;
    /// let mut theirs = ours.clone();
    /// let mut edit = ours.edit(us, now);
    /// edit.increment("/unread", 2)?;
    /// edit.commit();
    /// let mut edit = theirs.edit(eu, now);
    /// edit.increment("/unread", 1)?.increment("/likes", 1)?;
    /// edit.commit();
    /// ours.merge(&theirs);
    /// assert_eq!(ours.to_string(), r#"{"likes":1,"unread":8}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn increment(&mut self, pointer: &str, by: u64) -> Result<&mut Self, DocumentError> {
        self.count(pointer, i64::try_from(by).ok())
    }

    /// Subtracts from the integer at `pointer`; otherwise it works like
    /// [`increment`](Self::increment).
    ///
    /// # Errors
    ///
    /// As [`increment`](Self::increment).
    ///
    /// # Examples
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp, document::Value};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let mut document = Document::from_value(Value::from_iter([("unread", 5)]), us, now)?;
    /// let mut edit = document.edit(us, now);
    /// edit.decrement("/unread", 2)?;
    /// edit.commit();
    /// assert_eq!(document.get("/unread"), Some(3.into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn decrement(&mut self, pointer: &str, by: u64) -> Result<&mut Self, DocumentError> {
        self.count(pointer, 0_i64.checked_sub_unsigned(by))
    }

    /// Sets the integer at `pointer` to 0, and removes the increments seen here.
    ///
    /// What other replicas add concurrently still counts, even if several reset it at once. Writes
    /// nothing if there is nothing but a 0. O(depth + replicas that count there).
    ///
    /// # Errors
    ///
    /// [`DocumentError`] if no integer is there; the edit is as it was before this call.
    ///
    /// # Examples
    ///
    /// ```
    /// # use rejoin::{Document, Merge, Timestamp, document::Value};
    /// # let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// # let now = Timestamp::from_millis(1);
    /// let mut ours = Document::from_value(Value::from_iter([("unread", 5)]), us, now)?;
    /// let mut theirs = ours.clone();
    /// let mut edit = ours.edit(us, now);
    /// edit.reset("/unread")?;
    /// edit.commit();
    /// let mut edit = theirs.edit(eu, now);
    /// edit.increment("/unread", 1)?;
    /// edit.commit();
    /// ours.merge(&theirs);
    /// assert_eq!(ours.get("/unread"), Some(1.into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reset(&mut self, pointer: &str) -> Result<&mut Self, DocumentError> {
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

    /// Adds to the number at `pointer`; `by` is `None` if it does not fit in an `i64`.
    fn count(&mut self, pointer: &str, by: Option<i64>) -> Result<&mut Self, DocumentError> {
        let parsed = Pointer::parse(pointer)?;
        let overflow = || DocumentError::at(pointer, Reason::CountOverflow);
        let by = by.ok_or_else(overflow)?;
        self.all_or_nothing(|edit| {
            let node = edit.enter_number(parsed)?;
            edit.count_on(node, by)?.ok_or_else(overflow)
        })
    }

    /// Adds to the number at a node that exists; `None` if an `i64` does not hold the sum.
    pub(super) fn count_on(&mut self, node: NodeId, by: i64) -> Result<Option<()>, DocumentError> {
        let view = self.view();
        let is_new = !view.tree.has_content(node);
        let read = if is_new { Ok(0) } else { view.count_at(node) };
        let number = read.as_ref().ok().map(|read| read.checked_add(by));
        if number == Some(None) {
            return Ok(None);
        }
        self.holding(node, |edit| {
            let read = read?;
            let tally = edit.tally_with(node, read, by);
            if let Some(content) = tally.filter(|_| !edit.view().tree.is_removed(node)) {
                return edit.put_tally(node, content);
            }
            let number = Value::from(number.flatten().unwrap_or(read));
            edit.replace_value(node, Source::Value(&number))
        })?;
        Ok(Some(()))
    }

    /// This replica's tally at a node with `by` more. `None` if no tally can add that to what is
    /// read: the sum does not fit in 64 bits, or a stranger has forged writes that this replica is
    /// yet to make.
    fn tally_with(&self, node: NodeId, read: i64, by: i64) -> Option<Content> {
        let (view, next) = (self.view(), self.next_dot().counter());
        let (tallies, replaced) = (view.tallies(node), view.replaced_tallies(node));
        let [own, replaced] = [&tallies, &replaced].map(|it| tally::find(it, self.replica));
        let is_exact = view.standing(node).exact() == i128::from(read);
        if !is_exact || replaced.is_some_and(|it| it.last >= next) {
            return None;
        }
        let own = own.filter(|own| own.is_beyond(replaced));
        let (start, sum) = own.map_or((next, 0), |own| (own.start, own.sum));
        Some(Content::Count { start, sum: sum.checked_add(by)? })
    }

    /// Replaces this replica's tally at a node, and those that no longer count, which deltas that
    /// arrived out of order left behind.
    fn put_tally(&mut self, node: NodeId, content: Content) -> Result<(), DocumentError> {
        let view = self.view();
        let (seen, birth) = view.count_so_far(node);
        let time = self.now.after(seen);
        let (tallies, replaced) = (view.tallies(node), view.replaced_tallies(node));
        let is_over = |it: &Tally| {
            it.replica == self.replica
                || tally::find(&tallies, it.replica) != Some(it)
                || !it.is_beyond(tally::find(&replaced, it.replica))
        };
        let tally = |slot: Slot| view.blocks.get(slot)?.tally(view.blocks.dot(slot));
        let slots = view.tree.slots(node);
        let over: Slots = slots.filter(|slot| tally(*slot).as_ref().is_some_and(is_over)).collect();
        self.kill(over);
        self.put_born(node, content, time, Origin::of(birth, Box::default()))
    }

    /// The node of a number: one that exists, or a field that can be made.
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
        let not_a_number =
            |found| DocumentError::at(self.pointer(node), Reason::NotACounter(found));
        match self.reading(node) {
            Some(Reading::Count(count)) => Ok(count),
            Some(Reading::Scalar(content)) => {
                content.as_i64().ok_or_else(|| not_a_number(Kind::Scalar))
            }
            Some(container) => Err(not_a_number(container.kind())),
            None => Err(DocumentError::at(self.pointer(node), Reason::NotFound)),
        }
    }

    /// The time of the greatest write at a node, and the write that made the field.
    fn count_so_far(self, node: NodeId) -> (Option<Timestamp>, Option<Dot>) {
        let greatest = self.writes_at(node).max_by_key(|write| write.0);
        greatest.map_or((None, None), |((stamp, dot), write)| {
            (Some(stamp.time), Some(write.birth().unwrap_or(dot)))
        })
    }
}
