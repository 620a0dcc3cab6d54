//! [`Timestamp`], [`Stamp`] and [`Now`]: what time it is, by whose clock, and how far to trust it.

use crate::replica::{CounterOverflow, ReplicaId};
use core::{error::Error, fmt};

/// A wall-clock time that the caller passes in: milliseconds since the Unix epoch by convention.
///
/// The library never reads a clock. Wall time decides only between writes that were truly
/// concurrent; a write that had seen another beats it whatever the clocks say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Timestamp(u64);

impl Timestamp {
    /// The time `millis` milliseconds after the epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// This time as a [`Now`] that refuses to write a stamp more than `ahead_ms_max`
    /// milliseconds ahead of it.
    ///
    /// A write must beat what its writer has seen, so one peer with a clock an hour fast pulls
    /// the stamps of what it touched an hour ahead. The limit keeps such a stamp from spreading:
    /// the edit fails, the state stays as it was, and the operator is told.
    ///
    /// ```
    /// use rejoin::{LwwRegister, Timestamp};
    /// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// let mut title = LwwRegister::new();
    /// title.set("from the future", eu, Timestamp::from_millis(9_000_000))?;
    ///
    /// let now = Timestamp::from_millis(1_000_000);
    /// assert!(title.set("no", us, now.within(60_000)).is_err());
    /// assert_eq!(title.get(), Some(&"from the future"));
    /// title.set("yes", us, now)?;    // without a limit a later write always wins
    /// assert_eq!(title.get(), Some(&"yes"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn within(self, ahead_ms_max: u64) -> Now {
        Now { time: self, ahead_ms_max }
    }
}

impl From<u64> for Timestamp {
    fn from(millis: u64) -> Self {
        Self(millis)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A time and who wrote then: the total order that decides between concurrent writes. The later
/// time is greater; equal times go to the greater [`ReplicaId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Stamp {
    /// When, by the writer's clock or just after all the writer had seen.
    pub time: Timestamp,
    /// Who.
    pub replica: ReplicaId,
}

/// The caller's time for one edit, with the limit it sets on stamps from the future, if any.
///
/// Every mutator that stamps takes `impl Into<Now>`: pass a [`Timestamp`], or
/// [`Timestamp::within`] to set a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    time: Timestamp,
    ahead_ms_max: u64,
}

impl From<Timestamp> for Now {
    fn from(time: Timestamp) -> Self {
        time.within(u64::MAX)
    }
}

impl Now {
    pub(crate) const fn time(self) -> Timestamp {
        self.time
    }

    /// The time to stamp a write with: now, or just after the greatest time its writer has seen
    /// in what it overwrites.
    pub(crate) fn after(self, seen: Option<Timestamp>) -> Result<Timestamp, TimeError> {
        let least = match seen {
            None => 0,
            Some(seen) => seen.0.checked_add(1).ok_or(TimeError { wanted: None, now: self })?,
        };
        let time = self.time.0.max(least);
        if time - self.time.0 > self.ahead_ms_max {
            return Err(TimeError { wanted: Some(Timestamp(time)), now: self });
        }
        Ok(Timestamp(time))
    }
}

/// A write would need a stamp at the end of time, or further ahead of now than the caller
/// allows; the state is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeError {
    /// The stamp that the write needs; none where it would be past the end of time.
    wanted: Option<Timestamp>,
    now: Now,
}

impl TimeError {
    /// No later stamp exists: what is to be overwritten was written at the end of time.
    pub fn is_overflow(&self) -> bool {
        self.wanted.is_none()
    }

    /// How far ahead of now the stamp would be, in milliseconds.
    pub fn ahead_ms(&self) -> u64 {
        self.wanted.map_or(u64::MAX, Timestamp::as_millis).saturating_sub(self.now.time.0)
    }
}

impl fmt::Display for TimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_overflow() {
            return f.write_str(
                "what is to be overwritten is stamped with the last possible time, so no write can come after it",
            );
        }
        write!(
            f,
            "to beat what is there, the write's stamp would be {} ms ahead of now, over the limit of {} ms; \
             check the clocks, or write with a wider limit",
            self.ahead_ms(),
            self.now.ahead_ms_max
        )
    }
}

impl Error for TimeError {}

/// A write that stamps could not be made; the state is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriteError {
    /// The replica has used up its count of writes.
    Counter(CounterOverflow),
    /// The stamp is out of bounds.
    Time(TimeError),
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Counter(error) => error.fmt(f),
            Self::Time(error) => error.fmt(f),
        }
    }
}

impl Error for WriteError {}

impl From<CounterOverflow> for WriteError {
    fn from(error: CounterOverflow) -> Self {
        Self::Counter(error)
    }
}

impl From<TimeError> for WriteError {
    fn from(error: TimeError) -> Self {
        Self::Time(error)
    }
}
