//! [`Log`]: the deltas of a state in the order of their positions: what was, what came since, and
//! what may be forgotten.

mod cut;
mod error;
#[cfg(feature = "serde")]
mod form;
mod tree;
mod wire;

pub use error::LogError;

use crate::{
    merge::{Delta, DeltaState},
    wire::Wire,
};
use alloc::vec::Vec;
use error::Reason;
use tree::{Tree, join_all};

/// The deltas of a state, each at a position: a sequence number, a log position, a time. Positions
/// are the caller's, and grow with gaps.
///
/// # Cost
///
/// Sixteen adjacent deltas are also kept as their join, sixteen of these too, and so on. So any
/// range of `n` deltas is at most 30 joins for each factor of sixteen in `n`, and each delta is
/// kept once and in up to log₁₆(n) joins: in these, what a later delta replaced takes no room. A
/// log of 2,000 edits of a document takes 1.4 times the memory of a `Vec` of them if they change
/// forty fields, and 1.5 times if each adds one.
///
/// # Source
///
/// Folding deltas is Almeida, Shoker and Baquero, *Delta State Replicated Data Types*, 2018, §5:
/// joins of consecutive deltas are delta-intervals. Keeping them by powers is Bentley and Saxe,
/// *Decomposable Searching Problems*, 1980.
///
/// # Examples
///
/// ```
/// use rejoin::{OrSet, sync::Log};
///
/// let us = "us-east-1".parse()?;
/// let (mut open, mut log) = (OrSet::<String>::new(), Log::<OrSet<String>>::new());
/// log.append(10, open.insert("ana".into(), us)?)?;
/// log.append(20, open.insert("bo".into(), us)?)?;
/// log.append(30, open.remove("ana", us)?)?;
/// assert_eq!(log.state(), open);
///
/// let then = log.state_at(25)?;                       // time travel
/// assert!(then.contains("ana") && then.contains("bo"));
///
/// let mut reader = log.state_at(10)?;                 // a reader that has come to 10
/// rejoin::DeltaState::apply(&mut reader, &log.since(10)?);
/// assert_eq!(reader, open);
///
/// log.cut([20]);                                      // all readers have come to 20
/// assert_eq!(log.state(), open);
/// assert!(log.state_at(20).is_ok());
/// assert!(log.state_at(10).unwrap_err().is_cut());
/// assert!(log.append(30, Default::default()).unwrap_err().is_out_of_order());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Log<T: DeltaState> {
    /// The state at `from`, or of no delta.
    base: T,
    from: Option<u64>,
    entries: Vec<Entry<T::Delta>>,
    tree: Tree<T::Delta>,
}

/// One delta, or the join of several that a cut made one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry<D> {
    /// The position of the first of them.
    first: u64,
    /// And of the last.
    last: u64,
    delta: D,
}

impl<T: DeltaState + Default> Log<T> {
    /// Without a delta. [The type](Self) has an example.
    pub fn new() -> Self {
        Self::starting_at(None, T::default())
    }
}

impl<T: DeltaState> Log<T> {
    /// Goes on from a state that holds everything up to a position: from a snapshot.
    ///
    /// ```
    /// use rejoin::{GCounter, sync::Log};
    /// let mut counter = GCounter::from_iter([("us-east-1".parse()?, 70)]);
    /// let mut log = Log::starting_at(7_000, counter.clone());
    /// log.append(7_001, counter.increment(1, "us-east-1".parse()?)?)?;
    /// assert_eq!(log.state().value(), 71);
    /// assert_eq!(log.state_at(7_000)?.value(), 70);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn starting_at(position: impl Into<Option<u64>>, state: T) -> Self {
        Self { base: state, from: position.into(), entries: Vec::new(), tree: Tree::default() }
    }

    /// Appends a delta. Amortised O(log n) joins of what it holds.
    ///
    /// # Errors
    ///
    /// [`LogError::is_out_of_order`] if the position is not after the last one; the log is as it
    /// was. [The type](Self) has an example.
    pub fn append(&mut self, position: u64, delta: T::Delta) -> Result<(), LogError> {
        if let Some(last) = self.last().filter(|last| position <= *last) {
            return Err(LogError(Reason::OutOfOrder { position, last }));
        }
        self.entries.push(Entry { first: position, last: position, delta });
        self.tree.grow(&self.entries);
        Ok(())
    }

    /// The last position, if there is any. O(1).
    ///
    /// ```
    /// use rejoin::{GCounter, sync::Log};
    /// let mut log = Log::<GCounter>::new();
    /// assert_eq!((log.first(), log.last()), (None, None));
    /// log.append(7, GCounter::new())?;
    /// log.append(9, GCounter::new())?;
    /// assert_eq!((log.first(), log.last(), log.len()), (Some(7), Some(9), 2));
    /// # Ok::<(), rejoin::sync::LogError>(())
    /// ```
    pub fn last(&self) -> Option<u64> {
        self.entries.last().map(|entry| entry.last).or(self.from)
    }

    /// The first position whose state can be told. O(1). [`last`](Self::last) has an example.
    pub fn first(&self) -> Option<u64> {
        self.from.or_else(|| self.entries.first().map(|entry| entry.last))
    }

    /// How many deltas are kept. O(1). [`last`](Self::last) has an example.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no delta is kept. There may be a state all the same. O(1).
    ///
    /// ```
    /// use rejoin::{GCounter, sync::Log};
    /// assert!(Log::<GCounter>::new().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The deltas that are kept, with their positions, in order. Where a cut joined some, it is at
    /// the position of the last of them.
    ///
    /// ```
    /// use rejoin::{GCounter, sync::Log};
    /// let mut log = Log::<GCounter>::new();
    /// log.append(7, GCounter::new())?;
    /// assert_eq!(log.iter().map(|(position, _)| position).collect::<Vec<_>>(), [7]);
    /// # Ok::<(), rejoin::sync::LogError>(())
    /// ```
    pub fn iter(
        &self,
    ) -> impl DoubleEndedIterator<Item = (u64, &T::Delta)> + ExactSizeIterator + Clone {
        self.entries.iter().map(|entry| (entry.last, &entry.delta))
    }

    /// Everything after a position as one delta: what a reader lacks that has come to it, or that
    /// has nothing (`None`). Empty if nothing came. O(log n) joins, each of what it holds.
    ///
    /// If a cut joined deltas from both sides of the position, all of them are in it; a repeat does
    /// no harm. [The type](Self) has an example.
    ///
    /// # Errors
    ///
    /// [`LogError::is_cut`] if deltas after the position are no longer kept: the reader needs the
    /// [state](Self::state).
    pub fn since(&self, position: impl Into<Option<u64>>) -> Result<T::Delta, LogError> {
        let position = position.into();
        if let Some(from) = self.from.filter(|from| position < Some(*from)) {
            let position = position.unwrap_or(0);
            return Err(LogError(Reason::Cut { position, next: from }));
        }
        let start = position.map_or(0, |position| self.count_to(position));
        Ok(join_all(self.tree.range(&self.entries, start, self.entries.len())))
    }

    /// How many entries are at or before a position.
    fn count_to(&self, position: u64) -> usize {
        self.entries.partition_point(|entry| entry.last <= position)
    }
}

impl<T: DeltaState + Clone> Log<T> {
    /// The state after all deltas: a copy of where the log starts, and O(log n) joins, each of what
    /// it holds. [The type](Self) has an example.
    pub fn state(&self) -> T {
        self.fold(self.entries.len())
    }

    /// The state after all deltas at or before a position. O(log n) joins, each of what it holds.
    /// [The type](Self) has an example.
    ///
    /// # Errors
    ///
    /// [`LogError::is_cut`] if the history at the position was cut.
    pub fn state_at(&self, position: u64) -> Result<T, LogError> {
        let count = self.count_to(position);
        let joined = self.entries.get(count).filter(|next| next.first <= position);
        let from = self.from.filter(|from| position < *from);
        match from.or(joined.map(|entry| entry.last)) {
            Some(next) => Err(LogError(Reason::Cut { position, next })),
            None => Ok(self.fold(count)),
        }
    }

    /// The state after the first deltas.
    fn fold(&self, count: usize) -> T {
        let mut state = self.base.clone();
        for delta in self.tree.range(&self.entries, 0, count) {
            state.apply(delta);
        }
        state
    }
}

impl<T: DeltaState + Default> Log<T> {
    /// The position to which a replica at this version has everything: its cursor, found from what
    /// it holds; and with [`state_at`](Self::state_at), the state that a clock means. O(log n)
    /// looks, each at a join. Before the first delta it is where the log starts.
    ///
    /// `None` if it lacks something of where the log starts, or if that has no position: it needs
    /// [everything](Self::since).
    ///
    /// ```
    /// use rejoin::{DeltaState, OrSet, sync::Log};
    ///
    /// let us = "us-east-1".parse()?;
    /// let (mut open, mut log) = (OrSet::new(), Log::<OrSet<u64>>::new());
    /// log.append(10, open.insert(1, us)?)?;
    /// log.append(20, open.insert(2, us)?)?;
    /// let then = open.version();
    /// log.append(30, open.remove(&1, us)?)?;
    /// assert_eq!(log.position_of(&then), Some(20));
    /// assert_eq!(log.position_of(&open.version()), Some(30));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn position_of(&self, version: &T::Version) -> Option<u64> {
        if !self.base.delta_since(version).is_empty() {
            return None;
        }
        let count = self.tree.prefix(&self.entries, |delta| {
            let mut part = T::default();
            part.apply(delta);
            part.delta_since(version).is_empty()
        });
        let last = count.checked_sub(1).and_then(|last| self.entries.get(last));
        last.map(|entry| entry.last).or(self.from)
    }
}

/// What brings a reader to where a log is. [`Log::catch_up`] has an example.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum CatchUp {
    /// It is there.
    UpToDate,
    /// The bytes of what it lacks, as one delta.
    Tail(Vec<u8>),
    /// The bytes of the state.
    Snapshot(Vec<u8>),
}

impl<T: DeltaState<Delta: Wire> + Wire + Clone> Log<T> {
    /// What brings a reader that has come to a position, or that has nothing, to where the log is:
    /// the smaller of what it lacks and the whole state. Whoever is behind a cut is sent the state.
    /// O(size of both): to send what a reader near the end lacks, without looking at the state,
    /// call [`since`](Self::since).
    ///
    /// ```
    /// use rejoin::{OrSet, sync::{CatchUp, Log}, wire};
    ///
    /// let us = "us-east-1".parse()?;
    /// let (mut open, mut log) = (OrSet::new(), Log::<OrSet<u64>>::new());
    /// log.append(10, open.insert(1, us)?)?;
    /// log.append(20, open.insert(2, us)?)?;
    /// log.append(30, open.insert(3, us)?)?;
    /// log.cut([20]);
    /// assert_eq!(log.catch_up(30), CatchUp::UpToDate);
    /// assert!(matches!(log.catch_up(20), CatchUp::Tail(_)));
    /// let CatchUp::Snapshot(state) = log.catch_up(10) else { return Err("no snapshot".into()) };
    /// assert_eq!(wire::from_bytes::<OrSet<u64>>(&state)?, open);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn catch_up(&self, position: impl Into<Option<u64>>) -> CatchUp {
        let position = position.into();
        if position >= self.last() {
            return CatchUp::UpToDate;
        }
        let state = crate::wire::to_bytes(&self.state());
        match self.since(position).map(|tail| crate::wire::to_bytes(&tail)) {
            Ok(tail) if tail.len() <= state.len() => CatchUp::Tail(tail),
            _ => CatchUp::Snapshot(state),
        }
    }
}

/// By where they start, and by the deltas that are kept and their positions.
impl<T: DeltaState<Delta: PartialEq> + PartialEq> PartialEq for Log<T> {
    fn eq(&self, other: &Self) -> bool {
        self.from == other.from && self.base == other.base && self.entries == other.entries
    }
}

impl<T: DeltaState<Delta: Eq> + Eq> Eq for Log<T> {}
