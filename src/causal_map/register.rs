//! [`RegisterView`] and [`LastView`]: registers as values of a map.

use super::{
    entry::Entry,
    few::{self, Few},
    keyed::Shared,
    value::{Change, Nested, Viewed},
};
use crate::{
    causal::{Dot, Slot},
    error::WriteError,
    iter::iterator,
    register::{LwwRegister, MvRegister},
    replica::ReplicaId,
    time::{Now, Stamp, Timestamp},
    wire::{DecodeError, Reader, Schema, Wire, Writer, read_times, write_times},
};
use alloc::vec::Vec;
use core::{fmt, hash::Hash};

/// What is read of an [`MvRegister`] in a [`CausalMap`](super::CausalMap): all values that no write has
/// superseded.
#[derive(Clone, PartialEq)]
pub struct RegisterView<T>(Few<Dot, (Slot, Shared<T>)>);

impl<T> Default for RegisterView<T> {
    fn default() -> Self {
        Self(Few::default())
    }
}

impl<T> RegisterView<T> {
    /// The value, if there is only one. O(1).
    pub fn get(&self) -> Option<&T> {
        let mut values = self.values();
        values.next().filter(|_| values.len() == 0)
    }

    /// The siblings, by their writers' ids. O(1), and O(siblings) to walk.
    pub fn values(&self) -> Siblings<'_, T> {
        Siblings(self.0.iter())
    }
}

impl<T: fmt::Debug> fmt::Debug for RegisterView<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.values()).finish()
    }
}

impl<T: Clone + Ord + Hash> Viewed for MvRegister<T> {
    type View = RegisterView<T>;
}

impl<T: Clone + Ord + Hash> Nested for MvRegister<T> {
    type Write = Shared<T>;

    fn came(view: &mut Self::View, value: &Shared<T>, dot: Dot, slot: Slot) {
        view.0.insert(dot, (slot, value.clone()));
    }

    fn going(view: &mut Self::View, _: &Shared<T>, dot: Dot, _: Slot) {
        view.0.remove(&dot);
    }

    fn is_empty(view: &Self::View) -> bool {
        view.0.is_empty()
    }

    fn is_shown(view: &Self::View) -> bool {
        !view.0.is_empty()
    }

    fn clear(view: &Self::View, _: ReplicaId) -> Change<Shared<T>> {
        Change::erase(view.0.iter().map(|write| write.1.0))
    }
}

impl<T: Clone + Ord + Hash, D> Entry<'_, MvRegister<T>, D> {
    /// Writes `value` over all that this replica reads there; returns the delta. O(log keys +
    /// siblings).
    ///
    /// ```
    /// use rejoin::{CausalMap, MvRegister};
    ///
    /// let us = "us-east-1".parse()?;
    /// let mut titles: CausalMap<u64, MvRegister<&str>> = CausalMap::new();
    /// titles.entry(7).set("Booking", us)?;
    /// assert_eq!(titles.get(&7).and_then(|title| title.get()), Some(&"Booking"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the replica has used up its 64-bit count; the map is as it was.
    pub fn set(self, value: T, replica: ReplicaId) -> Result<D, WriteError> {
        let value = Shared::new(value);
        self.change(replica, |view, _| {
            Ok(Change::write(value.clone(), view.0.iter().map(|write| write.1.0)))
        })
    }
}

/// The siblings of a register in a map: see [`RegisterView::values`].
pub struct Siblings<'a, T>(few::Iter<'a, Dot, (Slot, Shared<T>)>);

iterator!(Siblings<'a, T> of &'a T = |write| &*write.1.1);

/// What is read of an [`LwwRegister`] in a [`CausalMap`](super::CausalMap): the value with the greatest
/// (time, replica) of those that no write has superseded.
#[derive(Clone, PartialEq)]
pub struct LastView<T>(Few<(Stamp, Dot), (Slot, Shared<T>)>);

/// A value, and when it was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
pub(crate) struct Timed<T> {
    time: Timestamp,
    value: Shared<T>,
}

impl<T> Default for LastView<T> {
    fn default() -> Self {
        Self(Few::default())
    }
}

impl<T> LastView<T> {
    /// The value. O(log siblings). `None` only in a view that no map returned.
    pub fn get(&self) -> Option<&T> {
        self.0.last().map(|write| &*write.1.1)
    }

    /// When and by whom the value was written. O(log siblings).
    pub fn stamp(&self) -> Option<Stamp> {
        self.0.last().map(|write| write.0.0)
    }
}

impl<T: fmt::Debug> fmt::Debug for LastView<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

fn rank<T>(write: &Timed<T>, dot: Dot) -> (Stamp, Dot) {
    (Stamp { time: write.time, replica: dot.replica() }, dot)
}

impl<T: Clone + Ord + Hash> Viewed for LwwRegister<T> {
    type View = LastView<T>;
}

impl<T: Clone + Ord + Hash> Nested for LwwRegister<T> {
    type Write = Timed<T>;

    fn came(view: &mut Self::View, write: &Timed<T>, dot: Dot, slot: Slot) {
        view.0.insert(rank(write, dot), (slot, write.value.clone()));
    }

    fn going(view: &mut Self::View, write: &Timed<T>, dot: Dot, _: Slot) {
        view.0.remove(&rank(write, dot));
    }

    fn is_empty(view: &Self::View) -> bool {
        view.0.is_empty()
    }

    fn is_shown(view: &Self::View) -> bool {
        !view.0.is_empty()
    }

    fn clear(view: &Self::View, _: ReplicaId) -> Change<Timed<T>> {
        Change::erase(view.0.iter().map(|write| write.1.0))
    }

    fn time(write: &Timed<T>) -> Option<Timestamp> {
        Some(write.time)
    }
}

impl<T: Clone + Ord + Hash, D> Entry<'_, LwwRegister<T>, D> {
    /// Writes `value` over all that this replica reads there; returns the delta. Of concurrent writes
    /// the one with the greater (time, replica) is read. O(log keys + siblings).
    ///
    /// ```
    /// use rejoin::{CausalMap, LwwRegister, Timestamp};
    ///
    /// let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(7));
    /// let mut themes: CausalMap<&str, LwwRegister<&str>> = CausalMap::new();
    /// themes.entry("ana").set("dark", us, now)?;
    /// assert_eq!(themes.get("ana").and_then(|theme| theme.get()), Some(&"dark"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the replica has used up its 64-bit count; the map is as it was.
    pub fn set(self, value: T, replica: ReplicaId, now: impl Into<Now>) -> Result<D, WriteError> {
        let (value, now) = (Shared::new(value), now.into());
        self.change(replica, |view, _| {
            let time = now.after(view.stamp().map(|stamp| stamp.time));
            let write = Timed { time, value: value.clone() };
            Ok(Change::write(write, view.0.iter().map(|write| write.1.0)))
        })
    }
}

/// Columns of the values, and of the times as runs of equal ones.
impl<T: Wire> Wire for Timed<T> {
    fn schema(schema: &mut Schema) {
        T::schema(schema);
    }

    fn encode(&self, out: &mut Writer) {
        Self::encode_column(core::iter::once(self), out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let write = Self::decode_column(1, input)?.pop();
        write.ok_or_else(|| input.malformed("a column is empty"))
    }

    fn encode_column<'a>(writes: impl Iterator<Item = &'a Self> + Clone, out: &mut Writer)
    where
        Self: 'a,
    {
        Shared::encode_column(writes.clone().map(|write| &write.value), out);
        write_times(writes.map(|write| write.time), out);
    }

    fn decode_column(count: usize, input: &mut Reader<'_>) -> Result<Vec<Self>, DecodeError> {
        let values = Shared::decode_column(count, input)?.into_iter();
        let times = read_times(count, input)?;
        Ok(values.zip(times).map(|(value, time)| Self { time, value }).collect())
    }
}
