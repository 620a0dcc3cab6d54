//! [`Timestamp`], [`Stamp`] and [`Now`]: what time it is, by whose clock, and how far to trust it.

use crate::replica::ReplicaId;
use core::fmt;

/// A wall-clock time that the caller passes in: milliseconds since the Unix epoch by convention.
///
/// The library never reads a clock. Wall time decides only between writes that were truly
/// concurrent; a write that had seen another replaces it whatever the clocks say.
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

    /// This time as a [`Now`] under which no write is ever stamped more than `ahead_ms_max`
    /// milliseconds ahead of it, whatever the write replaces.
    ///
    /// A write is stamped just after what it replaces, so without a limit a peer with a clock an
    /// hour fast pulls the stamps of everything that it touched an hour ahead. With a limit such
    /// stamps do not spread: the write that replaces one is stamped as late as the limit allows.
    /// It replaces it all the same, since what a writer has seen it supersedes whatever the stamps
    /// say; only against *other* concurrent writes does the stamp decide.
    ///
    /// The limit is about a program's own writes. To keep the stamps of others out, look at what
    /// arrives before it is merged: see [`Stamp`].
    ///
    /// ```
    /// use rejoin::{OrMap, Timestamp};
    /// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// let mut map = OrMap::new();
    /// map.insert("title", "from the future", eu, Timestamp::from_millis(9_000_000))?;
    ///
    /// let now = Timestamp::from_millis(1_000_000);
    /// map.insert("title", "now", us, now.within(60_000))?;
    /// assert_eq!(map.get("title"), Some(&"now"));
    /// let stamps: Vec<_> = map.siblings("title").map(|(stamp, _)| stamp.time).collect();
    /// assert_eq!(stamps, [Timestamp::from_millis(1_060_000)]);
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
///
/// # Stamps from the future
///
/// A merge takes every stamp: one that refused some would leave replicas different forever. A write
/// stamped years ahead, by a broken clock or in bad faith, wins against all that is concurrent with
/// it. It freezes nothing: a write that has seen it replaces it. Where peers are not trusted, refuse
/// such stamps before they are merged, and refuse them *everywhere*, so that no replica holds what
/// another has refused:
///
/// ```
/// use rejoin::{DeltaState, OrMap, Timestamp};
/// # let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
/// # let mut ours = OrMap::new();
/// # let mut theirs = OrMap::new();
/// # ours.insert("title", "ours", us, Timestamp::from_millis(1))?;
/// let delta = theirs.insert("title", "forged", eu, Timestamp::from_millis(u64::MAX))?;
///
/// let now = Timestamp::from_millis(1_717_236_600_000);
/// let latest = Timestamp::from_millis(now.as_millis() + 300_000);
/// if delta.latest() <= Some(latest) {
///     ours.apply(&delta);
/// }
/// assert_eq!(ours.get("title"), Some(&"ours"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// For documents ask [`DocumentDelta::latest`](crate::document::DocumentDelta::latest) and
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

/// The caller's time for one edit, and how far ahead of it the edit may be stamped.
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
