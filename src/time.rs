//! [`Timestamp`], [`Stamp`] and [`Now`]: what time it is, by whose clock, and how far to trust it.

use crate::replica::ReplicaId;
use core::{fmt, time::Duration};

/// A wall-clock time that the caller passes in: milliseconds since the Unix epoch by convention.
/// 8 bytes, `Copy`, ordered by time.
///
/// The library never reads a clock. Wall time decides only between writes that were truly
/// concurrent; a write that had seen another replaces it whatever the clocks say.
///
/// In serde it is its number of milliseconds.
///
/// # Examples
///
/// ```
/// use rejoin::Timestamp;
/// use std::time::{Duration, SystemTime};
///
/// let now = Timestamp::from(SystemTime::now());
/// assert!(now < now.saturating_add(Duration::from_secs(60)));
///
/// let meeting = Timestamp::from_millis(1_717_236_600_000);
/// assert_eq!(meeting.as_millis(), 1_717_236_600_000);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Timestamp(u64);

impl Timestamp {
    /// The time `millis` milliseconds after the epoch.
    ///
    /// ```
    /// use rejoin::Timestamp;
    /// const LAUNCH: Timestamp = Timestamp::from_millis(1_717_236_600_000);
    /// assert_eq!(LAUNCH.to_string(), "1717236600000");
    /// ```
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    ///
    /// ```
    /// assert_eq!(rejoin::Timestamp::from_millis(7).as_millis(), 7);
    /// ```
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The time this much later, in whole milliseconds; the last possible time if that would be
    /// past the end.
    ///
    /// ```
    /// use rejoin::Timestamp;
    /// use std::time::Duration;
    /// let later = Timestamp::from_millis(7).saturating_add(Duration::from_secs(1));
    /// assert_eq!(later, Timestamp::from_millis(1_007));
    /// assert_eq!(later.saturating_add(Duration::MAX), Timestamp::from_millis(u64::MAX));
    /// ```
    pub const fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(whole_millis(duration)))
    }

    /// The time this much earlier, in whole milliseconds; the epoch if that would be before it.
    ///
    /// ```
    /// use rejoin::Timestamp;
    /// use std::time::Duration;
    /// let earlier = Timestamp::from_millis(1_007).saturating_sub(Duration::from_secs(1));
    /// assert_eq!(earlier, Timestamp::from_millis(7));
    /// assert_eq!(earlier.saturating_sub(Duration::MAX), Timestamp::from_millis(0));
    /// ```
    pub const fn saturating_sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(whole_millis(duration)))
    }

    /// How much later this is than `earlier`; zero if it is not later.
    ///
    /// ```
    /// use rejoin::Timestamp;
    /// use std::time::Duration;
    /// let [first, second] = [7, 1_007].map(Timestamp::from_millis);
    /// assert_eq!(second.saturating_duration_since(first), Duration::from_secs(1));
    /// assert_eq!(first.saturating_duration_since(second), Duration::ZERO);
    /// ```
    pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// This time as a [`Now`] under which no write is ever stamped more than `ahead` ahead of it,
    /// whatever the write replaces. Counted in whole milliseconds.
    ///
    /// A write is stamped just after what it replaces, so without a limit a peer with a clock an
    /// hour fast pulls the stamps of everything that it touched an hour ahead. With a limit such
    /// stamps do not spread: the write that replaces one is stamped as late as the limit allows. It
    /// still replaces that one: a write supersedes what its writer has seen, whatever the stamps
    /// say. The stamp decides only against *other* concurrent writes.
    ///
    /// The limit is about a program's own writes. To keep out the stamps of others, check what
    /// arrives before it is merged: see [`Stamp`].
    ///
    /// ```
    /// use rejoin::{OrMap, Timestamp};
    /// use std::time::Duration;
    /// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// let mut map = OrMap::new();
    /// map.insert("title", "from the future", eu, Timestamp::from_millis(9_000_000))?;
    ///
    /// let now = Timestamp::from_millis(1_000_000);
    /// map.insert("title", "now", us, now.within(Duration::from_secs(60)))?;
    /// assert_eq!(map.get("title"), Some(&"now"));
    /// assert_eq!(map.latest(), Some(Timestamp::from_millis(1_060_000)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn within(self, ahead: Duration) -> Now {
        Now { time: self, ahead_ms_max: whole_millis(ahead) }
    }
}

/// As many as fit.
#[allow(clippy::cast_possible_truncation)] // checked
const fn whole_millis(duration: Duration) -> u64 {
    let millis = duration.as_millis();
    if millis > u64::MAX as u128 { u64::MAX } else { millis as u64 }
}

impl From<u64> for Timestamp {
    fn from(millis: u64) -> Self {
        Self(millis)
    }
}

/// A time before the Unix epoch becomes the epoch.
#[cfg(feature = "std")]
impl From<std::time::SystemTime> for Timestamp {
    fn from(time: std::time::SystemTime) -> Self {
        let since = time.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self(whole_millis(since))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A time and who wrote then: the total order that decides between concurrent writes. The later
/// time is greater; equal times go to the greater [`ReplicaId`]. `Copy`.
///
/// # Stamps from the future
///
/// A merge takes every stamp: one that refused some would leave replicas different forever. A write
/// stamped years ahead, by a broken clock or in bad faith, wins against all that is concurrent with
/// it. It freezes nothing: a write that has seen it replaces it. If you do not trust your peers,
/// refuse such stamps before they are merged, and refuse them *everywhere*, so that no replica
/// holds what another has refused:
///
/// ```
/// use rejoin::{DeltaState, OrMap, Timestamp};
/// use std::time::Duration;
/// # let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
/// # let mut ours = OrMap::new();
/// # let mut theirs = OrMap::new();
/// # ours.insert("title", "ours", us, Timestamp::from_millis(1))?;
/// let delta = theirs.insert("title", "forged", eu, Timestamp::from_millis(u64::MAX))?;
///
/// let now = Timestamp::from_millis(1_717_236_600_000);
/// let allowed = now.saturating_add(Duration::from_secs(300));
/// if delta.latest() <= Some(allowed) {
///     ours.apply(&delta);
/// }
/// assert_eq!(ours.get("title"), Some(&"ours"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// For maps ask [`MapDelta::latest`](crate::MapDelta::latest) and
/// [`OrMap::latest`](crate::OrMap::latest), for documents
/// [`DocumentDelta::latest`](crate::document::DocumentDelta::latest) and
/// [`Document::latest`](crate::Document::latest), for an [`LwwRegister`](crate::LwwRegister) its
/// stamp and its epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Stamp {
    /// When, by the writer's clock or just after what the write replaced.
    pub time: Timestamp,
    /// Who.
    pub replica: ReplicaId,
}

/// The caller's time for one edit, and how far ahead of it the edit may be stamped. `Copy`.
///
/// Every mutator that stamps takes `impl Into<Now>`: pass a [`Timestamp`], a `SystemTime` (feature
/// `std`), or [`Timestamp::within`] to set a limit. It has no order: if two have different limits,
/// neither is the later.
///
/// ```
/// use rejoin::LwwRegister;
/// use std::time::SystemTime;
///
/// let mut register = LwwRegister::new();
/// register.set("open", "us-east-1".parse()?, SystemTime::now())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Now {
    time: Timestamp,
    ahead_ms_max: u64,
}

impl From<Timestamp> for Now {
    fn from(time: Timestamp) -> Self {
        Self { time, ahead_ms_max: u64::MAX }
    }
}

#[cfg(feature = "std")]
impl From<std::time::SystemTime> for Now {
    fn from(time: std::time::SystemTime) -> Self {
        Timestamp::from(time).into()
    }
}

impl Now {
    pub(crate) const fn time(self) -> Timestamp {
        self.time
    }

    /// The latest time that a write may be stamped with.
    pub(crate) const fn latest(self) -> Timestamp {
        Timestamp(self.time.0.saturating_add(self.ahead_ms_max))
    }

    /// The time to stamp a write with that replaces what was written at `seen`: now or just after
    /// that, but no later than is allowed. What is replaced need not be beaten by its stamp: it is
    /// superseded by dots.
    pub(crate) fn after(self, seen: Option<Timestamp>) -> Timestamp {
        let least = seen.map_or(0, |seen| seen.0.saturating_add(1));
        Timestamp(self.time.0.max(least)).min(self.latest())
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;
    use alloc::string::ToString;

    #[test]
    fn a_timestamp_is_its_milliseconds() {
        assert_eq!(Timestamp::from(1_717), Timestamp::from_millis(1_717));
        assert_eq!(Timestamp::from_millis(1_717).to_string(), "1717");
    }
}
