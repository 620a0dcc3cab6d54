//! [`Gauge`]: how many are open now, whatever became of those who opened them.
//!
//! A counter per replica as in Shapiro et al., *A comprehensive study of Convergent and Commutative
//! Replicated Data Types*, 2011, §3.1.3, under an incarnation and a lease: Gray and Cheriton,
//! *Leases: An Efficient Fault-Tolerant Mechanism for Distributed File Cache Consistency*, 1989. The
//! pair of an incarnation and a lattice is the lexicographic product of Almeida, Shoker and Baquero,
//! *Delta State Replicated Data Types*, 2018, §6.

#[cfg(feature = "serde")]
mod form;
mod row;
mod wire;

pub use row::Row;

use crate::{
    error::WriteError,
    iter::iterator,
    liveness::Liveness,
    merge::{Delta, DeltaState, Merge},
    replica::ReplicaId,
    time::Timestamp,
};
use core::cmp::Ordering;
use smallvec::{SmallVec, smallvec};

/// How many are open now, over all regions: sessions, connections, jobs that run.
///
/// Each replica counts what it opened and what of that it closed. Which replicas count is decided
/// by whoever reads, with a [`Liveness`]: what a dead one left open is not counted, on any side, as
/// soon as its lease is over. Nothing has to be written for that, so nobody has to decide who takes
/// it off, and it cannot be taken off twice.
///
/// It is for what ends when its replica does. What must outlive the replica, such as the seats that
/// were sold, belongs into a [`PnCounter`](crate::PnCounter). There anyone may count down; here a
/// replica closes only what it has opened itself.
///
/// # Lives
///
/// A program that starts again has lost what was open. It writes under its name with a greater
/// [incarnation](ReplicaId::with_incarnation), and its first write begins a new life: nothing is
/// opened, nothing closed, and there is no lease. What its former life left open is gone with that,
/// also where this arrives late or was thought to be alive. There is no call to begin a life:
/// one that could be forgotten would let the old count go on. A program that has nothing to say yet
/// opens 0.
///
/// A write of a life that is over is refused ([`WriteError::is_superseded`]) where the new life is
/// known, and has no effect where the two meet. So late messages of a crashed process do no harm.
///
/// # Leases
///
/// [`renew`](Self::renew) says until when a replica is alive: at each heartbeat, for some
/// heartbeats ahead. Only [`Liveness::leases`] looks at leases. There a replica that has never
/// renewed does not count, so a `renew` that was forgotten is noticed at once, and not when
/// somebody dies.
///
/// # Cost
///
/// One row of 56 bytes for each name, however often it started again; two rows without an
/// allocation. With *n* names, [`value_at`](Self::value_at) is O(n), a write O(log n), and O(n)
/// where the name is new. A [`merge`](Merge::merge) of *m* rows is O(m log n), and O(n + m) where a
/// name is new or *m* is large. A delta is one row: 15 bytes beside the name, if the counts are small.
/// Rows are never removed, so take names that come back: of regions and nodes, not of processes.
///
/// `<` is the order of merging, a partial order: no row is above, and some row is below. In serde
/// it is a map: `{"us-east-1#3": {"opened": 5, "closed": 2, "until": 1717236600000}}`.
///
/// # Examples
///
/// A region dies with ten sessions open, and comes back:
///
/// ```
/// use rejoin::{Gauge, Liveness, Merge, ReplicaId, Timestamp};
/// use std::time::Duration;
///
/// let (us, eu): (ReplicaId, ReplicaId) = ("us-east-1".parse()?, "eu-west-1".parse()?);
/// let at = |seconds: u64| Timestamp::from_millis(seconds * 1_000);
/// let skew = Duration::from_secs(2);
///
/// let mut in_us = Gauge::new();
/// in_us.renew(us, at(30))?;                      // alive for 30 seconds, if not renewed before
/// in_us.open(10, us)?;
/// let mut in_eu = Gauge::new();
/// in_eu.renew(eu, at(30))?;
/// in_eu.open(65, eu)?;
/// in_eu.merge(&in_us);
/// assert_eq!(in_eu.value_at(&Liveness::leases(at(20), skew)), 75);
///
/// in_eu.renew(eu, at(60))?;                      // us-east-1 is dead and renews nothing
/// assert_eq!(in_eu.value_at(&Liveness::leases(at(40), skew)), 65);
///
/// let us = us.with_incarnation(1);               // it comes back: a new life
/// let mut in_us = Gauge::new();
/// in_us.renew(us, at(80))?;
/// in_us.open(1, us)?;
/// in_eu.merge(&in_us);
/// assert_eq!(in_eu.value_at(&Liveness::leases(at(50), skew)), 66);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Gauge {
    /// By name, each once. A row that says nothing is never kept.
    rows: SmallVec<[Row; 2]>,
}

impl Gauge {
    /// The gauge of which nobody has written. Allocates nothing.
    ///
    /// ```
    /// assert_eq!(rejoin::Gauge::new().by_replica().len(), 0);
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens `by` more on `replica`; returns the delta, a gauge of that one row. O(log n), and O(n)
    /// where the name is new.
    ///
    /// ```
    /// use rejoin::{DeltaState, Gauge, Liveness};
    /// let us = "us-east-1".parse()?;
    /// let (mut ours, mut theirs) = (Gauge::new(), Gauge::new());
    /// theirs.apply(&ours.open(3, us)?);
    /// assert_eq!(theirs.value_at(&Liveness::members([us])), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if a greater incarnation of the name has written, or if what this life has
    /// opened would pass `u64::MAX`; the gauge is as it was.
    pub fn open(&mut self, by: u64, replica: ReplicaId) -> Result<Self, WriteError> {
        self.edit(replica, |row| row.open_more(by))
    }

    /// Closes `by` of what this life of `replica` has opened; returns the delta. O(log n).
    ///
    /// What an earlier life opened ended with that life. To close it fails, and may be ignored:
    /// there is nothing left to close.
    ///
    /// ```
    /// use rejoin::Gauge;
    /// let us: rejoin::ReplicaId = "us-east-1".parse()?;
    /// let mut gauge = Gauge::new();
    /// gauge.open(3, us)?;
    /// gauge.close(2, us)?;
    /// let error = gauge.close(2, us).unwrap_err();
    /// assert!(error.is_not_open());
    /// assert_eq!(gauge.row(us).map(|row| row.open()), Some(1), "as it was");
    ///
    /// let restarted = us.with_incarnation(1);
    /// assert!(gauge.close(1, restarted).unwrap_err().is_not_open(), "opened in an earlier life");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if fewer are open, or if a greater incarnation of the name has written; the
    /// gauge is as it was.
    pub fn close(&mut self, by: u64, replica: ReplicaId) -> Result<Self, WriteError> {
        self.edit(replica, |row| row.close_more(by))
    }

    /// Extends the lease of `replica` to `until`, by its own clock; returns the delta, which is
    /// empty if the lease lasts longer already. O(log n), and O(n) where the name is new.
    ///
    /// A lease is not shortened: replicas that saw the longer one could not tell which came last. To
    /// leave at once, close what is open. The epoch as a time is no lease, and
    /// the last time there is never ends within this life.
    ///
    /// ```
    /// use rejoin::{Delta, Gauge, Timestamp};
    /// let us = "us-east-1".parse()?;
    /// let mut gauge = Gauge::new();
    /// gauge.renew(us, Timestamp::from_millis(30_000))?;
    /// assert!(gauge.renew(us, Timestamp::from_millis(20_000))?.is_empty());
    /// assert_eq!(gauge.row(us).and_then(|row| row.until()), Some(Timestamp::from_millis(30_000)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if a greater incarnation of the name has written; the gauge is as it was.
    pub fn renew(&mut self, replica: ReplicaId, until: Timestamp) -> Result<Self, WriteError> {
        self.edit(replica, |row| {
            row.extend(until);
            Ok(())
        })
    }

    /// How many are open at the replicas that `liveness` holds for alive. Exact: no number of
    /// replicas overflows it, and it is never negative. O(n), and O(n log m) with a list of *m* names.
    ///
    /// ```
    /// use rejoin::{Gauge, Liveness, Timestamp};
    /// use std::time::Duration;
    /// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// let mut gauge = Gauge::new();
    /// gauge.open(3, us)?;
    /// gauge.open(2, eu)?;
    /// gauge.renew(eu, Timestamp::from_millis(30_000))?;
    /// assert_eq!(gauge.value_at(&Liveness::members([us, eu])), 5);
    /// let now = Timestamp::from_millis(10_000);
    /// assert_eq!(gauge.value_at(&Liveness::leases(now, Duration::ZERO)), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn value_at(&self, liveness: &Liveness) -> u128 {
        let alive = self.rows.iter().filter(|row| liveness.is_alive(row.replica(), row.until()));
        alive.map(|row| u128::from(row.open())).sum()
    }

    /// The row of each name, dead or alive, in the order of their ids. O(1), and O(n) to walk.
    ///
    /// ```
    /// use rejoin::Gauge;
    /// let us: rejoin::ReplicaId = "us-east-1".parse()?;
    /// let mut gauge = Gauge::new();
    /// gauge.open(3, us.with_incarnation(7))?;
    /// gauge.close(1, us.with_incarnation(7))?;
    /// let rows: Vec<_> = gauge.by_replica().map(|row| (row.replica(), row.open())).collect();
    /// assert_eq!(rows, [(us.with_incarnation(7), 2)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn by_replica(&self) -> Rows<'_> {
        Rows(self.rows.iter())
    }

    /// The row of the name of `replica`, whichever incarnation it is in; `None` if it has not
    /// written. O(log n).
    ///
    /// ```
    /// use rejoin::Gauge;
    /// let us: rejoin::ReplicaId = "us-east-1".parse()?;
    /// let mut gauge = Gauge::new();
    /// gauge.open(3, us.with_incarnation(7))?;
    /// assert_eq!(gauge.row(us).map(|row| row.replica().incarnation()), Some(7));
    /// assert_eq!(gauge.row("eu-west-1".parse()?), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn row(&self, replica: ReplicaId) -> Option<Row> {
        self.find(replica.name()).ok().map(|at| self.rows[at])
    }

    fn find(&self, name: ReplicaId) -> Result<usize, usize> {
        self.rows.binary_search_by(|row| row.name().cmp(&name))
    }

    /// Changes the row of a replica, in the life that it writes in; returns the delta.
    fn edit(
        &mut self,
        replica: ReplicaId,
        change: impl FnOnce(&mut Row) -> Result<(), WriteError>,
    ) -> Result<Self, WriteError> {
        let at = self.find(replica.name());
        let before = at.map_or(Row::new(replica.name()), |at| self.rows[at]);
        let mut row = before.in_life_of(replica)?;
        change(&mut row)?;
        if row == before {
            return Ok(Self::new());
        }
        match at {
            Ok(at) => self.rows[at] = row,
            Err(at) => self.rows.insert(at, row),
        }
        Ok(Self { rows: smallvec![row] })
    }

    /// Each row here that is not at or below that of its name in `other`.
    pub(crate) fn above<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a Row> {
        let mut theirs = other.rows.iter().peekable();
        self.rows.iter().filter(move |row| {
            while theirs.next_if(|it| it.name() < row.name()).is_some() {}
            theirs.next_if(|it| it.name() == row.name()).is_none_or(|it| !row.is_within(it))
        })
    }

    /// Whether no row of `other` is above ours.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        other.above(self).next().is_none()
    }

    /// What is in both: of each name the lesser of its two rows.
    pub(crate) fn meet(&self, other: &Self) -> Self {
        let lesser = |row: &Row| Some(row.meet(&other.row(row.replica())?));
        let rows = self.rows.iter().filter_map(lesser).filter(|row| !row.says_nothing());
        Self { rows: rows.collect() }
    }

    /// Both sides' rows, of which some names are only there. Apart, so that a merge without such
    /// names allocates nothing.
    fn with_missing(&self, other: &Self) -> SmallVec<[Row; 2]> {
        let (mut ours, mut theirs) = (self.rows.iter().peekable(), other.rows.iter().peekable());
        let mut all = SmallVec::with_capacity(self.rows.len() + 1);
        while let Some(name) =
            [ours.peek(), theirs.peek()].into_iter().flatten().map(|row| row.name()).min()
        {
            let both = [&mut ours, &mut theirs].map(|it| it.next_if(|row| row.name() == name));
            let mut row = Row::new(name);
            both.into_iter().flatten().for_each(|it| _ = row.join(it));
            all.push(row);
        }
        all
    }

    #[cfg(any(test, feature = "laws"))]
    pub(crate) fn check_invariants(&self) -> Result<(), &'static str> {
        if !self.rows.windows(2).all(|pair| pair[0].name() < pair[1].name()) {
            return Err("names are repeated or out of order");
        }
        if self.rows.iter().any(|row| row.closed() > row.opened()) {
            return Err("more is closed than was opened");
        }
        if self.rows.iter().any(Row::says_nothing) {
            return Err("a row that says nothing is kept");
        }
        Ok(())
    }
}

impl Merge for Gauge {
    fn merge(&mut self, other: &Self) -> bool {
        // A delta does not walk the state.
        let few = other.rows.len() < self.rows.len() / 16;
        let (mut rest, mut changed, mut missing) = (&mut self.rows[..], false, false);
        for theirs in &other.rows {
            let name = theirs.name();
            let before = if few {
                rest.partition_point(|row| row.name() < name)
            } else {
                rest.iter().take_while(|row| row.name() < name).count()
            };
            rest = &mut rest[before..];
            match rest.first_mut() {
                Some(ours) if ours.name() == name => changed |= ours.join(theirs),
                _ => missing = true,
            }
        }
        if missing {
            self.rows = self.with_missing(other);
        }
        changed || missing
    }
}

impl Delta for Gauge {
    fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// A gauge is its own delta and its own version.
impl DeltaState for Gauge {
    type Delta = Self;
    type Version = Self;

    fn version(&self) -> Self {
        self.clone()
    }

    fn delta_since(&self, peer: &Self) -> Self {
        Self { rows: self.above(peer).copied().collect() }
    }

    fn apply(&mut self, delta: &Self) -> bool {
        self.merge(delta)
    }
}

/// The order of merging: concurrent gauges have none.
impl PartialOrd for Gauge {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self.covers(other), other.covers(self)) {
            (true, true) => Some(Ordering::Equal),
            (true, false) => Some(Ordering::Greater),
            (false, true) => Some(Ordering::Less),
            (false, false) => None,
        }
    }
}

/// The rows of a [`Gauge`]: see [`Gauge::by_replica`].
pub struct Rows<'a>(core::slice::Iter<'a, Row>);

iterator!(Rows<'a> of Row = |row| *row);

#[cfg(test)]
mod tests {
    use super::{Gauge, Row};
    use crate::replica::ReplicaId;
    use alloc::vec::Vec;

    #[test]
    fn a_broken_gauge_is_found() {
        let row = |id: u128, life, opened, closed| {
            let id = ReplicaId::from_u128(id).with_incarnation(life);
            Row::from_parts(id, opened, closed, None)
        };
        let check = |rows: Vec<Row>| Gauge { rows: rows.into() }.check_invariants();
        let unsorted = Err("names are repeated or out of order");
        assert_eq!(check(Vec::from([row(2, 0, 1, 0), row(1, 0, 1, 0)])), unsorted);
        assert_eq!(check(Vec::from([row(1, 0, 1, 0), row(1, 2, 1, 0)])), unsorted);
        assert_eq!(check(Vec::from([row(1, 0, 1, 2)])), Err("more is closed than was opened"));
        assert_eq!(check(Vec::from([row(1, 0, 0, 0)])), Err("a row that says nothing is kept"));
        assert_eq!(check(Vec::from([row(1, 1, 0, 0), row(2, 0, 3, 3)])), Ok(()));
    }
}
