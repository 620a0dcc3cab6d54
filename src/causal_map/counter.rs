//! [`CounterView`]: a counter as a value of a map.
//!
//! A replica has one live write for each counter that it counts on, its [`Tally`]: the sum of its
//! increments, and the dot of the first. An increment replaces it. Who removes the counter removes the
//! tallies that it has seen, and writes a *note* to the other replicas of how far they had come. If a
//! tally has gone on elsewhere, that much is subtracted when it is read, so exactly the increments
//! remain that the remove had not seen.
//!
//! A note is needed only until its replica has read it: from then on a count begins anew, with a dot
//! of its own. So with its next write to the map, whatever that is, a replica takes back the notes to
//! it, except where its tally goes on beyond them. There are never more notes to a replica than
//! tallies of it that were removed while it did not write.

use super::{
    entry::Entry,
    few::Few,
    value::{Change, Nested, Viewed},
};
use crate::{
    causal::{Dot, Slot},
    counter::PnCounter,
    error::WriteError,
    replica::ReplicaId,
    tally::{self, Tally},
};
use alloc::{boxed::Box, vec::Vec};
use core::{fmt, iter};

/// One write to a counter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize),
    serde(rename_all = "lowercase", deny_unknown_fields)
)]
pub(crate) enum Count {
    /// What its replica has counted since the dot `start`.
    Tally { start: u64, sum: i64 },
    /// What was removed of the tallies of others: one each, by replica, and at least one.
    Note(Box<[Tally]>),
}

/// What is read of a [`PnCounter`] in a [`CausalMap`](super::CausalMap): the increments less the
/// decrements.
#[derive(Clone, Default, PartialEq)]
pub struct CounterView {
    rows: Few<ReplicaId, Row>,
    /// How many replicas have counted what was not removed.
    shown: usize,
    value: i128,
}

/// What is known of the tallies of one replica. The last of each is the one that counts.
#[derive(Clone, Default, PartialEq)]
struct Row {
    tallies: Few<(Tally, Slot), ()>,
    notes: Few<(Tally, Slot), ()>,
}

impl Row {
    fn tally(&self) -> Option<&Tally> {
        self.tallies.last().map(|tally| &tally.0.0)
    }

    fn note(&self) -> Option<&Tally> {
        self.notes.last().map(|note| &note.0.0)
    }

    /// The tally, where it has come further than any note.
    fn counting(&self) -> Option<&Tally> {
        self.tally().filter(|tally| tally.is_beyond(self.note()))
    }

    fn value(&self) -> i128 {
        self.tally().map_or(0, |tally| tally.beyond(self.note()))
    }

    /// How far the tally has come, as far as is known.
    fn extent(&self) -> Option<Tally> {
        self.counting().or(self.note()).copied()
    }

    fn slots(&self) -> impl Iterator<Item = Slot> {
        self.tallies.iter().chain(self.notes.iter()).map(|row| row.0.1)
    }
}

impl CounterView {
    /// The increments less the decrements, without those that a remove had seen. O(1).
    pub fn value(&self) -> i128 {
        self.value
    }

    fn edit(&mut self, replica: ReplicaId, edit: impl FnOnce(&mut Row)) {
        if self.rows.get(&replica).is_none() {
            self.rows.insert(replica, Row::default());
        }
        let Some(row) = self.rows.get_mut(&replica) else { return };
        self.shown -= usize::from(row.counting().is_some());
        self.value -= row.value();
        edit(row);
        self.shown += usize::from(row.counting().is_some());
        self.value += row.value();
        if row.tallies.is_empty() && row.notes.is_empty() {
            self.rows.remove(&replica);
        }
    }
}

impl fmt::Debug for CounterView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// The tally that a write is. A stranger may have written one that begins after itself.
fn tally_of(start: u64, sum: i64, dot: Dot) -> Tally {
    let last = dot.counter();
    Tally { replica: dot.replica(), start: start.clamp(1, last), last, sum }
}

impl Viewed for PnCounter {
    type View = CounterView;
}

impl Nested for PnCounter {
    type Write = Count;

    fn came(view: &mut CounterView, write: &Count, dot: Dot, slot: Slot) {
        match write {
            Count::Tally { start, sum } => {
                let tally = tally_of(*start, *sum, dot);
                view.edit(tally.replica, |row| row.tallies.insert((tally, slot), ()));
            }
            Count::Note(notes) => {
                for note in notes {
                    view.edit(note.replica, |row| row.notes.insert((*note, slot), ()));
                }
            }
        }
    }

    fn going(view: &mut CounterView, write: &Count, dot: Dot, slot: Slot) {
        match write {
            Count::Tally { start, sum } => {
                let tally = tally_of(*start, *sum, dot);
                view.edit(tally.replica, |row| row.tallies.remove(&(tally, slot)));
            }
            Count::Note(notes) => {
                for note in notes {
                    view.edit(note.replica, |row| row.notes.remove(&(*note, slot)));
                }
            }
        }
    }

    fn is_empty(view: &CounterView) -> bool {
        view.rows.is_empty()
    }

    fn is_shown(view: &CounterView) -> bool {
        view.shown > 0
    }

    /// Its own tally a replica need not note: it knows that it was removed.
    fn clear(view: &CounterView, replica: ReplicaId) -> Change<Count> {
        if !Self::is_shown(view) {
            return Change::none();
        }
        let others = view.rows.iter().filter(|row| *row.0 != replica);
        let noted: Box<[Tally]> = others.filter_map(|row| row.1.extent()).collect();
        let mut change = Change::erase(view.rows.iter().flat_map(|row| row.1.slots()));
        if !noted.is_empty() {
            change.writes.push(Count::Note(noted));
        }
        change
    }

    fn noted(write: &Count) -> &[Tally] {
        match write {
            Count::Tally { .. } => &[],
            Count::Note(notes) => notes,
        }
    }

    fn read_note(view: &CounterView, write: &Count, replica: ReplicaId) -> Option<Vec<Count>> {
        let notes = Self::noted(write);
        let note = tally::find(notes, replica)?;
        let tally = view.rows.get(&replica).and_then(Row::tally);
        if tally.is_some_and(|tally| tally.start == note.start && tally.last > note.last) {
            return None;
        }
        let rest: Vec<Tally> = notes.iter().filter(|it| it.replica != replica).copied().collect();
        Some(if rest.is_empty() { Vec::new() } else { alloc::vec![Count::Note(rest.into())] })
    }
}

/// What a replica writes to add `by` where it reads this, if its next counter is `next`.
fn counting(
    view: &CounterView,
    by: Option<i64>,
    replica: ReplicaId,
    next: u64,
) -> Result<Change<Count>, WriteError> {
    let row = view.rows.get(&replica);
    let own = row.and_then(Row::counting);
    let (start, sum) = own.map_or((next, 0), |own| (own.start, own.sum));
    let sum = by.and_then(|by| sum.checked_add(by));
    let sum = sum.ok_or_else(|| WriteError::counter_overflow(replica))?;
    let over = row.into_iter().flat_map(|row| row.tallies.iter().map(|tally| tally.0.1));
    Ok(Change::write(Count::Tally { start, sum }, over))
}

impl<D> Entry<'_, PnCounter, D> {
    /// Counts `by` up; returns the delta, which is one write however often was counted before. O(log
    /// keys + log replicas).
    ///
    /// Removing the key takes away the increments that the remover had seen, and no others:
    ///
    /// ```
    /// use rejoin::{CausalMap, Merge, PnCounter};
    ///
    /// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// let mut ours: CausalMap<&str, PnCounter> = CausalMap::new();
    /// ours.entry("/home").increment(3, us)?;
    /// let mut theirs = ours.clone();
    /// theirs.remove("/home", eu)?;
    /// ours.entry("/home").increment(1, us)?;
    /// ours.merge(&theirs);
    /// assert_eq!(ours.get("/home").map(|views| views.value()), Some(1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if what the replica itself has counted there since it last saw it removed leaves
    /// the signed 64-bit integers, or if it has used up its 64-bit count; the map is as it was.
    pub fn increment(self, by: u64, replica: ReplicaId) -> Result<D, WriteError> {
        let by = i64::try_from(by).ok();
        self.change(replica, |view, next| counting(view, by, replica, next))
    }

    /// Counts `by` down; returns the delta. The value may become negative. O(log keys + log
    /// replicas).
    ///
    /// ```
    /// use rejoin::{CausalMap, PnCounter};
    ///
    /// let us = "us-east-1".parse()?;
    /// let mut stock: CausalMap<&str, PnCounter> = CausalMap::new();
    /// stock.entry("cup").decrement(2, us)?;
    /// assert_eq!(stock.get("cup").map(|count| count.value()), Some(-2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`increment`](Self::increment).
    pub fn decrement(self, by: u64, replica: ReplicaId) -> Result<D, WriteError> {
        let by = 0_i64.checked_sub_unsigned(by);
        self.change(replica, |view, next| counting(view, by, replica, next))
    }
}

mod wire {
    use super::{Box, Count, Tally, Vec, iter};
    use crate::{
        causal::Dot,
        wire::{DecodeError, Reader, Schema, Tag, Wire, Writer, unzigzag, zigzag},
    };

    /// A column of the starts of tallies, with 0 for a note; a column of the sums; and the notes.
    impl Wire for Count {
        fn schema(schema: &mut Schema) {
            schema.tag(Tag::PnCounter);
        }

        fn encode(&self, out: &mut Writer) {
            Self::encode_column(iter::once(self), out);
        }

        fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
            let write = Self::decode_column(1, input)?.pop();
            write.ok_or_else(|| input.malformed("a column is empty"))
        }

        fn encode_column<'a>(writes: impl Iterator<Item = &'a Self> + Clone, out: &mut Writer) {
            for write in writes.clone() {
                out.varint(if let Self::Tally { start, .. } = write { *start } else { 0 });
            }
            for write in writes {
                match write {
                    Self::Tally { sum, .. } => out.varint(zigzag(*sum)),
                    Self::Note(notes) => {
                        out.count(notes.len().saturating_sub(1));
                        notes.iter().for_each(|note| encode_note(note, out));
                    }
                }
            }
        }

        fn decode_column(count: usize, input: &mut Reader<'_>) -> Result<Vec<Self>, DecodeError> {
            let mut starts = Vec::with_capacity(input.room(count, size_of::<u64>()));
            for _ in 0..count {
                starts.push(input.varint()?);
            }
            let mut writes = Vec::with_capacity(input.room(count, size_of::<Self>()));
            for start in starts {
                writes.push(match start {
                    0 => Self::Note(decode_notes(input)?),
                    start => Self::Tally { start, sum: unzigzag(input.varint()?) },
                });
            }
            Ok(writes)
        }
    }

    fn encode_note(note: &Tally, out: &mut Writer) {
        Dot::of(note.replica, note.start).encode(out);
        out.varint(note.last - note.start);
        out.varint(zigzag(note.sum));
    }

    fn decode_notes(input: &mut Reader<'_>) -> Result<Box<[Tally]>, DecodeError> {
        let (more, mut notes) = (input.varint()?, Vec::<Tally>::new());
        for _ in 0..=more {
            input.spend(1)?;
            let begun = Dot::decode(input)?;
            let last = begun.counter().checked_add(input.varint()?);
            let last = last.ok_or_else(|| input.malformed("a counter exceeds 64 bits"))?;
            if notes.last().is_some_and(|before| before.replica >= begun.replica()) {
                return Err(input.malformed("notes are repeated or out of order"));
            }
            let sum = unzigzag(input.varint()?);
            let (replica, start) = (begun.replica(), begun.counter());
            notes.push(Tally { replica, start, last, sum });
        }
        Ok(notes.into())
    }
}

#[cfg(feature = "serde")]
mod form {
    use super::{Count, Tally};
    use crate::listed::Listed;
    use serde::{Deserialize, Deserializer, de::Error as _};

    #[derive(Deserialize)]
    #[serde(rename_all = "lowercase", deny_unknown_fields)]
    enum Form {
        Tally { start: u64, sum: i64 },
        Note(Listed<Tally>),
    }

    impl<'de> Deserialize<'de> for Count {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            match Form::deserialize(deserializer)? {
                Form::Tally { start: 0, .. } => Err(D::Error::custom("a tally starts at 0")),
                Form::Tally { start, sum } => Ok(Self::Tally { start, sum }),
                Form::Note(Listed(notes)) => {
                    let is_in_order = notes.windows(2).all(|it| it[0].replica < it[1].replica);
                    if notes.is_empty() || !is_in_order || !notes.iter().all(Tally::is_sound) {
                        return Err(D::Error::custom(
                            "a note is empty or out of order, or a tally in it ends before it starts",
                        ));
                    }
                    Ok(Self::Note(notes.into()))
                }
            }
        }
    }
}
