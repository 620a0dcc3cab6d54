//! [`Collection`]: keyed states in memory, with the sums that a reconciler asks for.

use super::{KeyRange, Summary, Table, shortest_between, sums::Sums};
use crate::{merge::DeltaState, sync::Fingerprint, wire::Wire};
use alloc::{boxed::Box, vec::Vec};
use core::{convert::Infallible, fmt, iter::FusedIterator, mem};

/// A block of more rows is divided.
const MOST: usize = 256;

/// Keyed states in memory: a [`Table`] to start with, for tests, and for what fits.
///
/// Keys are any bytes. The state under a key begins with its first edit; rows are never removed. A
/// row takes 32 bytes besides its key and its state. To read one is O(log n), and so is the
/// [summary](Table::summary) of any range; to edit one costs the edit and the
/// [version](DeltaState::version) of the state, whose fingerprint is kept.
///
/// # Examples
///
/// ```
/// use rejoin::{PnCounter, sync::Collection};
///
/// let us = "us-east-1".parse()?;
/// let mut open: Collection<PnCounter> = Collection::new();
/// open.edit(b"ana", |sessions| sessions.increment(2, us))?;
/// assert_eq!(open.get(b"ana").map(PnCounter::value), Some(2));
/// assert_eq!(open.get(b"bo"), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Collection<S> {
    /// In order; none is empty.
    blocks: Vec<Vec<Row<S>>>,
    sums: Sums,
}

#[derive(Clone)]
struct Row<S> {
    key: Box<[u8]>,
    fingerprint: Fingerprint,
    state: S,
}

impl<S> Collection<S> {
    /// No rows.
    ///
    /// ```
    /// use rejoin::{PnCounter, sync::Collection};
    /// assert!(Collection::<PnCounter>::new().is_empty());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self { blocks: Vec::new(), sums: Sums::default() }
    }

    /// How many rows. O(log n).
    ///
    /// ```
    /// use rejoin::{PnCounter, sync::Collection};
    /// let mut table = Collection::<PnCounter>::new();
    /// table.edit(b"", |_| ());
    /// assert_eq!(table.len(), 1, "a row that was touched is there");
    /// ```
    pub fn len(&self) -> usize {
        self.total().count.try_into().unwrap_or(usize::MAX)
    }

    /// Whether there are no rows. O(1).
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// The sum of all rows' fingerprints: equal tables have equal ones. O(log n).
    ///
    /// ```
    /// use rejoin::{PnCounter, sync::Collection};
    /// let (mut ours, mut theirs) = (Collection::<PnCounter>::new(), Collection::new());
    /// let us = "us-east-1".parse()?;
    /// ours.edit(b"ana", |sessions| sessions.increment(2, us))?;
    /// assert_ne!(ours.fingerprint(), theirs.fingerprint());
    /// theirs.edit(b"ana", |sessions| *sessions = ours.get(b"ana").unwrap().clone());
    /// assert_eq!(ours.fingerprint(), theirs.fingerprint());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fingerprint(&self) -> Fingerprint {
        self.total().sum
    }

    fn total(&self) -> Summary {
        self.sums.before(self.blocks.len())
    }

    /// The state under a key. O(log n). [The type](Self) has an example.
    pub fn get(&self, key: &[u8]) -> Option<&S> {
        let (block, at) = self.place(key);
        let row = self.blocks.get(block)?.get(at)?;
        (*row.key == *key).then_some(&row.state)
    }

    /// All rows, by their keys in ascending order.
    ///
    /// ```
    /// use rejoin::{PnCounter, sync::Collection};
    /// let mut table = Collection::<PnCounter>::new();
    /// table.edit(b"bo", |_| ());
    /// table.edit(b"ana", |_| ());
    /// assert_eq!(table.iter().map(|row| row.0).collect::<Vec<_>>(), [&b"ana"[..], b"bo"]);
    /// ```
    pub fn iter(&self) -> CollectionIter<'_, S> {
        CollectionIter { table: self, block: 0, at: 0, left: self.len() }
    }

    /// Where a key is, or would be: a block, and the first row in it whose key is not before.
    fn place(&self, key: &[u8]) -> (usize, usize) {
        let begins = |block: &Vec<Row<S>>| block.first().is_some_and(|row| *row.key <= *key);
        let block = self.blocks.partition_point(begins).saturating_sub(1);
        let rows = self.blocks.get(block).map_or(&[][..], |rows| rows);
        (block, rows.partition_point(|row| *row.key < *key))
    }

    /// What comes before a key.
    fn before(&self, key: &[u8]) -> Summary {
        let (block, at) = self.place(key);
        let rows = self.blocks.get(block).and_then(|rows| rows.get(..at)).unwrap_or_default();
        self.sums.before(block) + summary(rows)
    }

    /// What comes before a range, and what before its end.
    fn ends(&self, range: &KeyRange) -> (Summary, Summary) {
        let end = range.end().map_or_else(|| self.total(), |end| self.before(end));
        (self.before(range.start()), end)
    }

    /// The key of the row of this number, counted from 0.
    fn nth(&self, row: u64) -> Option<&[u8]> {
        let (block, at) = self.sums.find(row);
        Some(&self.blocks.get(block)?.get(usize::try_from(at).ok()?)?.key)
    }
}

fn summary<S>(rows: &[Row<S>]) -> Summary {
    let sum = rows.iter().map(|row| row.fingerprint).sum();
    Summary { count: rows.len() as u64, sum }
}

impl<S: DeltaState<Version: Wire> + Default> Collection<S> {
    /// Edits the state under a key, which is the default if there is none yet; returns what `edit`
    /// returns, such as the delta. O(log n), the edit, and the version of the state. [The
    /// type](Self) has an example.
    pub fn edit<R>(&mut self, key: &[u8], edit: impl FnOnce(&mut S) -> R) -> R {
        let (block, at) = self.place(key);
        let row = self.blocks.get_mut(block).and_then(|rows| rows.get_mut(at));
        let Some(row) = row.filter(|row| *row.key == *key) else {
            let mut state = S::default();
            let result = edit(&mut state);
            self.insert((block, at), Row { key: key.into(), fingerprint: of(&state, key), state });
            return result;
        };
        let result = edit(&mut row.state);
        let new = of(&row.state, key);
        let old = mem::replace(&mut row.fingerprint, new);
        self.sums.change(block, Summary::of_row(old), Summary::of_row(new));
        result
    }

    fn insert(&mut self, (block, at): (usize, usize), row: Row<S>) {
        let added = Summary::of_row(row.fingerprint);
        let Some(rows) = self.blocks.get_mut(block) else {
            self.blocks.push(Vec::from([row]));
            self.sums = Sums::of([added].into_iter());
            return;
        };
        rows.insert(at, row);
        if rows.len() <= MOST {
            return self.sums.change(block, Summary::default(), added);
        }
        // At its end a table grows by full blocks.
        let is_last = at + 1 == rows.len() && block + 1 == self.blocks.len();
        let rows = self.blocks.get_mut(block).map(|rows| {
            let keep = if is_last { rows.len() - 1 } else { rows.len() / 2 };
            rows.split_off(keep)
        });
        if let Some(rows) = rows {
            self.blocks.insert(block + 1, rows);
        }
        self.sums = Sums::of(self.blocks.iter().map(|rows| summary(rows)));
    }
}

fn of<S: DeltaState<Version: Wire>>(state: &S, key: &[u8]) -> Fingerprint {
    Fingerprint::of(&state.version()).keyed(key)
}

impl<S: DeltaState<Delta: Wire, Version: Wire> + Default> Table for Collection<S> {
    type State = S;
    type Error = Infallible;

    fn summary(&self, range: &KeyRange) -> Result<Summary, Infallible> {
        let (start, end) = self.ends(range);
        Ok(end - start)
    }

    fn split(&self, range: &KeyRange, parts: usize) -> Result<Vec<Vec<u8>>, Infallible> {
        let (start, end) = self.ends(range);
        let share = |part: usize| {
            let rows = u128::from(end.count - start.count) * part as u128 / parts as u128;
            let row = start.count + u64::try_from(rows).ok().filter(|rows| *rows > 0)?;
            Some(shortest_between(self.nth(row - 1)?, self.nth(row)?).to_vec())
        };
        Ok((1..parts).filter_map(share).collect())
    }

    fn rows(
        &self,
        range: &KeyRange,
        most: usize,
    ) -> Result<Vec<(Vec<u8>, Fingerprint)>, Infallible> {
        let (block, at) = self.place(range.start());
        let first = self.blocks.get(block).and_then(|rows| rows.get(at..)).unwrap_or_default();
        let others = self.blocks.get(block + 1..).unwrap_or_default();
        let rows = first.iter().chain(others.iter().flatten());
        let inside = rows.take_while(|row| range.contains(&row.key)).take(most);
        Ok(inside.map(|row| (row.key.to_vec(), row.fingerprint)).collect())
    }

    fn version(&self, key: &[u8]) -> Result<Option<S::Version>, Infallible> {
        Ok(self.get(key).map(S::version))
    }

    fn delta_since(&self, key: &[u8], peer: &S::Version) -> Result<Option<S::Delta>, Infallible> {
        Ok(self.get(key).map(|state| state.delta_since(peer)))
    }

    fn apply(&mut self, key: &[u8], delta: S::Delta) -> Result<bool, Infallible> {
        let is_new = self.get(key).is_none();
        Ok(self.edit(key, |state| state.apply_owned(delta)) || is_new)
    }
}

impl<S> Default for Collection<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: PartialEq> PartialEq for Collection<S> {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint() == other.fingerprint() && self.iter().eq(other.iter())
    }
}

impl<S: fmt::Debug> fmt::Debug for Collection<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(key, state)| (key.escape_ascii(), state))).finish()
    }
}

/// A later state of a key is put in the place of an earlier one.
impl<K: AsRef<[u8]>, S: DeltaState<Version: Wire> + Default> FromIterator<(K, S)>
    for Collection<S>
{
    fn from_iter<I: IntoIterator<Item = (K, S)>>(rows: I) -> Self {
        let mut table = Self::new();
        for (key, state) in rows {
            table.edit(key.as_ref(), |old| *old = state);
        }
        table
    }
}

impl<'a, S> IntoIterator for &'a Collection<S> {
    type Item = (&'a [u8], &'a S);
    type IntoIter = CollectionIter<'a, S>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The rows of a [`Collection`], in order: see [`Collection::iter`].
pub struct CollectionIter<'a, S> {
    table: &'a Collection<S>,
    block: usize,
    at: usize,
    left: usize,
}

impl<S> Clone for CollectionIter<'_, S> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<S> fmt::Debug for CollectionIter<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CollectionIter").field("left", &self.left).finish_non_exhaustive()
    }
}

impl<'a, S> Iterator for CollectionIter<'a, S> {
    type Item = (&'a [u8], &'a S);

    fn next(&mut self) -> Option<Self::Item> {
        let rows = self.table.blocks.get(self.block)?;
        let row = rows.get(self.at)?;
        self.left = self.left.saturating_sub(1);
        self.at += 1;
        if self.at == rows.len() {
            (self.block, self.at) = (self.block + 1, 0);
        }
        Some((&row.key, &row.state))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<S> ExactSizeIterator for CollectionIter<'_, S> {}
impl<S> FusedIterator for CollectionIter<'_, S> {}
