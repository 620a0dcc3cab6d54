//! What a look at a link tells: figures that may be unknown, states, levels, events.

use core::{fmt, num::NonZeroU64};

/// A figure that may be unknown. `Copy`.
///
/// It reads 0 only where it is known to be: "at least 0" says nothing, and cannot be said.
///
/// ```
/// use rejoin::sync::health::Figure;
/// assert_eq!(Figure::Exactly(0).at_least(), Some(0));
/// assert_eq!(Figure::default().at_least(), None);
/// assert_eq!(Figure::default().to_string(), "unknown");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Figure {
    /// Nothing is known.
    #[default]
    Unknown,
    /// It is no less than this, and may be any more.
    AtLeast(NonZeroU64),
    /// It is this.
    Exactly(u64),
}

impl Figure {
    /// The figure, if it is known. [The type](Self) has an example.
    pub const fn exactly(self) -> Option<u64> {
        if let Self::Exactly(number) = self { Some(number) } else { None }
    }

    /// The least that it can be, if anything is known. [The type](Self) has an example.
    pub const fn at_least(self) -> Option<u64> {
        match self {
            Self::Unknown => None,
            Self::AtLeast(number) => Some(number.get()),
            Self::Exactly(number) => Some(number),
        }
    }

    pub(super) fn lower_bound(number: u64) -> Self {
        NonZeroU64::new(number).map_or(Self::Unknown, Self::AtLeast)
    }

    pub(super) fn bound(number: u64, is_exact: bool) -> Self {
        if is_exact { Self::Exactly(number) } else { Self::lower_bound(number) }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("unknown"),
            Self::AtLeast(number) => write!(f, "at least {number}"),
            Self::Exactly(number) => number.fmt(f),
        }
    }
}

/// So many positions in so much time. `Copy`.
///
/// ```
/// use rejoin::sync::health::{Heartbeat, Link, Position};
/// use rejoin::Timestamp;
///
/// let mut link = Link::new();
/// for second in 0..10 {
///     let now = Timestamp::from_millis(second * 1_000);
///     let theirs = Heartbeat::new(second).with_head(Position::new(second * 3));
///     link.heard(now, &theirs);
///     link.observe(now, &Heartbeat::new(second).with_received(Position::new(second * 3)));
/// }
/// let rate = link.health().inbound.rate.ok_or("unknown")?;
/// assert_eq!((rate.positions, rate.over_ms.get()), (27, 9_000));
/// assert!((rate.per_second() - 3.0).abs() < 1e-9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Rate {
    /// How many positions the receiver went on.
    pub positions: u64,
    /// In how many milliseconds.
    pub over_ms: NonZeroU64,
}

impl Rate {
    /// Positions in a second. [The type](Self) has an example.
    #[allow(clippy::cast_precision_loss)] // a figure for people
    pub fn per_second(self) -> f64 {
        self.positions as f64 * 1_000.0 / self.over_ms.get() as f64
    }
}

/// How one direction of a link does, ordered by how bad that is. `Copy`.
///
/// | state | when |
/// |---|---|
/// | streaming | contact, and nothing is older than `warn_ms`; an idle link is streaming |
/// | catching up | behind since before the contact began, or by more than `warn_ms`, and the distance shrinks |
/// | unknown | no contact yet, or positions that cannot be compared |
/// | lagging | behind by more than `warn_ms` and not catching up, or silent for as long |
/// | disconnected | silent for more than `critical_ms` |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum State {
    /// What is written arrives at once.
    Streaming,
    /// Behind, and coming closer.
    CatchingUp,
    /// Nothing can be said.
    #[default]
    Unknown,
    /// Behind, or not heard of, for longer than it should be.
    Lagging,
    /// Not heard of for so long that there is no link.
    Disconnected,
}

/// Which of the [`Thresholds`](super::Thresholds) was passed. `Copy`, ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Level {
    /// None.
    Fine,
    /// Over `warn_ms`.
    Warn,
    /// Over `critical_ms`.
    Critical,
    /// Over `act_ms`.
    Act,
}

/// Whether the receiver comes closer: the newer half of the window beside the older half, in which
/// a tenth more or less is no difference. `Copy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Trend {
    /// It is less behind than it was.
    Shrinking,
    /// As before.
    Steady,
    /// It is further behind than it was.
    Growing,
}

/// One of the two directions of a link, as seen by the side that watches. `Copy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Direction {
    /// What the peer writes comes to us.
    Inbound,
    /// What we write goes to the peer.
    Outbound,
}

/// One direction, as it was at the last look. `Copy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Flow {
    /// How it does, at this moment. [`Event`]s are told of what lasts.
    pub state: State,
    /// How bad its delay is: the greater of its lag and its silence. `None` if its state is unknown.
    pub level: Option<Level>,
    /// How many positions the receiver lacks. Outbound, what it has not acknowledged.
    pub behind: Figure,
    /// For how many milliseconds the receiver has been seen to lack something.
    pub lag_ms: Figure,
    /// Since how many milliseconds there was no sign that this direction works. Inbound, no
    /// heartbeat; outbound, none that says that it heard another of ours.
    pub contact_ms: Option<u64>,
    /// Since how many milliseconds the receiver got nothing new. On an idle link this grows, and
    /// says nothing. `None` if nothing has come yet.
    pub news_ms: Option<u64>,
    /// How fast the receiver went on in the window. `None` until it was looked at twice.
    pub rate: Option<Rate>,
    /// Whether the receiver comes closer. `None` until there are two halves to compare.
    pub trend: Option<Trend>,
}

/// A link, as it was at the last look. `Copy`.
///
/// ```
/// use rejoin::sync::health::{Health, State};
/// let health = Health::default();
/// assert_eq!((health.state(), health.level()), (State::Unknown, None));
/// assert_eq!(health.inbound.behind.at_least(), None, "not 0");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Health {
    /// From the peer to us.
    pub inbound: Flow,
    /// From us to the peer.
    pub outbound: Flow,
}

impl Health {
    /// The worse of the two states. [The type](Self) has an example.
    pub fn state(&self) -> State {
        self.inbound.state.max(self.outbound.state)
    }

    /// The worse of the two levels; `None` if both are unknown. [The type](Self) has an example.
    pub fn level(&self) -> Option<Level> {
        self.inbound.level.max(self.outbound.level)
    }
}

/// A window of one direction. A lower bound counts as what it is at least. `Copy`.
/// [`Link::summary`](super::Link::summary) has an example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Summary {
    /// How many looks it is about.
    pub looks: u64,
    /// The worst state; unknown if there was no look.
    pub worst: State,
    /// At how many looks what was behind was known.
    pub behind_known: u64,
    /// The average of those, in positions, rounded down.
    pub behind_average: Option<u64>,
    /// The greatest of those, in positions.
    pub behind_max: Option<u64>,
    /// At how many looks the lag was known.
    pub lag_known: u64,
    /// The average of those, in milliseconds, rounded down.
    pub lag_ms_average: Option<u64>,
    /// The greatest of those, in milliseconds.
    pub lag_ms_max: Option<u64>,
}

/// Something happened to a link. `Copy`. [`Link`](super::Link) has an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Event {
    /// A direction is in another state: at once if that is worse, after a calm if it is better.
    State {
        /// Which direction.
        direction: Direction,
        /// The state that was told before.
        from: State,
        /// The state that it is in now.
        to: State,
    },
    /// A direction passed a threshold, upwards at once, downwards after a calm.
    Level {
        /// Which direction.
        direction: Direction,
        /// The level that was told before; `None` if it was unknown.
        from: Option<Level>,
        /// The level now; `None` if it is unknown.
        to: Option<Level>,
    },
    /// The sender counts on a new timeline, as after a failover. What the receiver lacks is unknown
    /// until it tells a position on that one.
    NewTimeline {
        /// Which direction.
        direction: Direction,
        /// The timeline that was.
        from: u64,
        /// The one that is.
        to: u64,
    },
    /// The sender's position went back on one timeline: it was restored from a backup, or its
    /// counter wrapped. What the receiver lacks is unknown until the receiver goes back too, or the
    /// sender tells a new timeline.
    WentBack {
        /// Which direction.
        direction: Direction,
    },
    /// The peer holds more of what we wrote than we do: we were restored, or failed over to a copy
    /// that lagged, and must go on under a new identity.
    PeerAhead {
        /// What it says that it holds.
        received: u64,
        /// What we have written.
        head: u64,
    },
}
