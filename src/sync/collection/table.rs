//! [`Table`]: what a reconciler asks of the rows that it brings together.

use super::{KeyRange, Summary};
use crate::{merge::DeltaState, sync::Fingerprint, wire::Wire};
use alloc::vec::Vec;

/// Many states of one type, each under a key: a table of a database, or a
/// [`Collection`](super::Collection) in memory. A [`Reconciler`](super::Reconciler) asks it for
/// what it needs; each function is one query.
///
/// Keys are any bytes, ordered byte by byte. In SQL take `bytea`, or `text` under collation `"C"`.
/// Rows are never removed; what is to be forgotten is removed inside of a state.
///
/// The fingerprint of a row has to follow from its key and its state alone, and rows whose
/// [versions](DeltaState::version) are the same have to have the same one: what no delta can bring
/// over must not count as a difference. `Fingerprint::of(&state.version()).keyed(key)` is always
/// right. Store it beside the state, as two columns of 64-bit numbers.
///
/// # Examples
///
/// A `BTreeMap` that counts as it is asked, in O(rows of the range):
///
/// ```
/// use rejoin::{DeltaState, PnCounter, sync::{Fingerprint, KeyRange, Summary, Table}};
/// use std::{collections::BTreeMap, convert::Infallible};
///
/// #[derive(Default)]
/// struct Counters(BTreeMap<Vec<u8>, PnCounter>);
///
/// type Version = <PnCounter as DeltaState>::Version;
///
/// impl Table for Counters {
///     type State = PnCounter;
///     type Error = Infallible;
///
///     fn summary(&self, range: &KeyRange) -> Result<Summary, Infallible> {
///         let rows = self.rows(range, usize::MAX)?;
///         let sum = rows.iter().map(|row| row.1).sum();
///         Ok(Summary { count: rows.len() as u64, sum })
///     }
///     fn split(&self, range: &KeyRange, parts: usize) -> Result<Vec<Vec<u8>>, Infallible> {
///         let rows = self.rows(range, usize::MAX)?;
///         Ok((1..parts).filter_map(|part| Some(rows.get(part * rows.len() / parts)?.0.clone())).collect())
///     }
///     fn rows(&self, range: &KeyRange, most: usize) -> Result<Vec<(Vec<u8>, Fingerprint)>, Infallible> {
///         let row = |(key, state): (&Vec<u8>, &PnCounter)| {
///             (key.clone(), Fingerprint::of(&state.version()).keyed(key))
///         };
///         Ok(self.0.range::<[u8], _>(range.bounds()).take(most).map(row).collect())
///     }
///     fn version(&self, key: &[u8]) -> Result<Option<Version>, Infallible> {
///         Ok(self.0.get(key).map(PnCounter::version))
///     }
///     fn delta_since(&self, key: &[u8], peer: &Version) -> Result<Option<PnCounter>, Infallible> {
///         Ok(self.0.get(key).map(|state| state.delta_since(peer)))
///     }
///     fn apply(&mut self, key: &[u8], delta: PnCounter) -> Result<bool, Infallible> {
///         let is_new = !self.0.contains_key(key);
///         Ok(self.0.entry(key.into()).or_default().apply_owned(delta) || is_new)
///     }
/// }
/// # use rejoin::sync::{Direction, Reconciler, ReconcilerSettings};
/// # let mut ours = Counters::default();
/// # ours.0.entry(b"ana".to_vec()).or_default().increment(1, "us-east-1".parse()?)?;
/// # let mut theirs = Counters::default();
/// # let (mut asks, mut answers) = (Reconciler::new(ReconcilerSettings::new()), Reconciler::new(ReconcilerSettings::new()));
/// # asks.start(Direction::Both);
/// # while let Some(message) = asks.poll_transmit(&mut ours)? {
/// #     answers.receive(&mut theirs, &message)?;
/// #     asks.receive(&mut ours, &answers.poll_transmit(&mut theirs)?.unwrap())?;
/// # }
/// # assert_eq!(ours.0, theirs.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Table {
    /// What is under each key.
    type State: DeltaState<Delta: Wire, Version: Wire> + Default;
    /// Why the table could not be read or written. It is passed on as it is.
    type Error;

    /// The number of rows in a range, and the sum of their fingerprints.
    ///
    /// # Errors
    ///
    /// If the table cannot be read.
    fn summary(&self, range: &KeyRange) -> Result<Summary, Self::Error>;

    /// Divides a range into about `parts` parts of about the same number of rows: the keys at which
    /// all parts but the first start. They ascend, and are behind the start of the range and before
    /// its end; others are not heeded. They need not be keys of rows, and short ones take less to
    /// send: see [`shortest_between`](super::shortest_between).
    ///
    /// It is asked only where there are more rows than parts. It must then give a key that has rows
    /// on both sides.
    ///
    /// # Errors
    ///
    /// If the table cannot be read.
    fn split(&self, range: &KeyRange, parts: usize) -> Result<Vec<Vec<u8>>, Self::Error>;

    /// The first rows of a range, at most this many, by their keys in ascending order: each key,
    /// and the fingerprint of its row.
    ///
    /// # Errors
    ///
    /// If the table cannot be read.
    fn rows(
        &self,
        range: &KeyRange,
        most: usize,
    ) -> Result<Vec<(Vec<u8>, Fingerprint)>, Self::Error>;

    /// The version of the state under a key; `None` if there is no such row.
    ///
    /// # Errors
    ///
    /// If the table cannot be read.
    fn version(
        &self,
        key: &[u8],
    ) -> Result<Option<<Self::State as DeltaState>::Version>, Self::Error>;

    /// What a peer lacks that is at this version of the state under a key; `None` if there is no
    /// such row.
    ///
    /// # Errors
    ///
    /// If the table cannot be read.
    fn delta_since(
        &self,
        key: &[u8],
        peer: &<Self::State as DeltaState>::Version,
    ) -> Result<Option<<Self::State as DeltaState>::Delta>, Self::Error>;

    /// Joins a delta to the state under a key, and brings the fingerprint up to date. If there is
    /// no such row it makes one, even if the delta is empty. `true` if and only if that changed the
    /// table.
    ///
    /// # Errors
    ///
    /// If the table cannot be written, or does not accept the delta.
    fn apply(
        &mut self,
        key: &[u8],
        delta: <Self::State as DeltaState>::Delta,
    ) -> Result<bool, Self::Error>;
}

/// The shortest bytes that are greater than `below` and at most `above`: where to divide between
/// two neighbouring keys. O(length).
///
/// ```
/// use rejoin::sync::shortest_between;
///
/// assert_eq!(shortest_between(b"chat-17", b"chat-2040"), b"chat-2");
/// assert_eq!(shortest_between(b"a", b"aardvark"), b"aa");
/// ```
pub fn shortest_between<'a>(below: &[u8], above: &'a [u8]) -> &'a [u8] {
    above.get(..=shared(below, above)).unwrap_or(above)
}

/// How many bytes two keys begin with in common.
pub(super) fn shared(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(one, other)| one == other).count()
}
