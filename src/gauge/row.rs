//! [`Row`]: what one name has said in its latest life.

use crate::{error::WriteError, replica::ReplicaId, time::Timestamp};
use core::cmp::Ordering;

/// What a [`Gauge`](super::Gauge) knows of one name: its latest life, what that has opened and
/// closed, and its lease. 56 bytes, `Copy`.
///
/// ```
/// use rejoin::{Gauge, Timestamp};
///
/// let us = "us-east-1".parse()?;
/// let mut gauge = Gauge::new();
/// gauge.open(5, us)?;
/// gauge.close(2, us)?;
/// let row = gauge.row(us).ok_or("no row")?;
/// assert_eq!((row.replica(), row.opened(), row.closed(), row.open()), (us, 5, 2, 3));
/// assert_eq!(row.until(), None);
/// gauge.renew(us, Timestamp::from_millis(30_000))?;
/// assert_eq!(gauge.row(us).and_then(|row| row.until()), Some(Timestamp::from_millis(30_000)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Row {
    replica: ReplicaId,
    opened: u64,
    /// At most `opened`: so in each copy of a life, and so in the join of two.
    closed: u64,
    /// The epoch where there is no lease.
    until: Timestamp,
}

impl Row {
    /// The name, and its latest life.
    pub const fn replica(&self) -> ReplicaId {
        self.replica
    }

    /// How many this life has ever opened.
    pub const fn opened(&self) -> u64 {
        self.opened
    }

    /// How many of these it has closed.
    pub const fn closed(&self) -> u64 {
        self.closed
    }

    /// How many it has open, if it is alive.
    pub const fn open(&self) -> u64 {
        self.opened.saturating_sub(self.closed)
    }

    /// When its lease ends, by the clock of its replica; `None` if it has none.
    pub fn until(&self) -> Option<Timestamp> {
        Some(self.until).filter(|until| *until > NEVER)
    }

    /// A life in which nothing has happened.
    pub(super) const fn new(replica: ReplicaId) -> Self {
        Self { replica, opened: 0, closed: 0, until: NEVER }
    }

    pub(super) fn from_parts(
        replica: ReplicaId,
        opened: u64,
        closed: u64,
        until: Option<Timestamp>,
    ) -> Self {
        Self { replica, opened, closed, until: until.unwrap_or(NEVER) }
    }

    pub(super) const fn name(&self) -> ReplicaId {
        self.replica.name()
    }

    /// Whether it is what is known of a name that has never written.
    pub(super) fn says_nothing(&self) -> bool {
        *self == Self::new(self.name())
    }

    /// The row that `replica` goes on with: this one, or that of a new life.
    pub(super) fn in_life_of(self, replica: ReplicaId) -> Result<Self, WriteError> {
        match replica.incarnation().cmp(&self.replica.incarnation()) {
            Ordering::Less => Err(WriteError::superseded(replica, self.replica.incarnation())),
            Ordering::Equal => Ok(self),
            Ordering::Greater => Ok(Self::new(replica)),
        }
    }

    pub(super) fn open_more(&mut self, by: u64) -> Result<(), WriteError> {
        let opened = self.opened.checked_add(by);
        self.opened = opened.ok_or(WriteError::counter_overflow(self.replica))?;
        Ok(())
    }

    pub(super) fn close_more(&mut self, by: u64) -> Result<(), WriteError> {
        if by > self.open() {
            return Err(WriteError::not_open(self.replica, self.open()));
        }
        self.closed += by;
        Ok(())
    }

    pub(super) fn extend(&mut self, until: Timestamp) {
        self.until = self.until.max(until);
    }

    /// The join with a row of the same name: the later life; of one life the greater of each part.
    pub(super) fn join(&mut self, other: &Self) -> bool {
        let before = *self;
        match self.replica.incarnation().cmp(&other.replica.incarnation()) {
            Ordering::Less => *self = *other,
            Ordering::Equal => {
                self.opened = self.opened.max(other.opened);
                self.closed = self.closed.max(other.closed);
                self.extend(other.until);
            }
            Ordering::Greater => {}
        }
        *self != before
    }

    /// The greatest row that is at or below both, of the same name.
    pub(super) fn meet(&self, other: &Self) -> Self {
        match self.replica.incarnation().cmp(&other.replica.incarnation()) {
            Ordering::Less => *self,
            Ordering::Equal => Self {
                replica: self.replica,
                opened: self.opened.min(other.opened),
                closed: self.closed.min(other.closed),
                until: self.until.min(other.until),
            },
            Ordering::Greater => *other,
        }
    }

    /// Whether it is at or below another row of the same name: their join is that row.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        match self.replica.incarnation().cmp(&other.replica.incarnation()) {
            Ordering::Less => true,
            Ordering::Equal => {
                self.opened <= other.opened
                    && self.closed <= other.closed
                    && self.until <= other.until
            }
            Ordering::Greater => false,
        }
    }
}

/// A lease that is always over.
const NEVER: Timestamp = Timestamp::from_millis(0);
