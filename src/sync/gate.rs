//! [`Gate`]: what a peer may send, decided before it touches the state.

use crate::{
    known::Known,
    merge::{Delta, DeltaState},
    replica::ReplicaId,
    time::Timestamp,
    wire::{self, DecodeError, Limits, Wire},
};
use alloc::vec::Vec;
use core::{error::Error, fmt};

/// What a peer may send. It looks at a delta, and refuses it whole before it touches the state.
///
/// A merge believes what it is told: a delta that covers writes which were never made makes these
/// writes vanish when they are made; one stamped with the end of time wins over everything that is
/// written concurrently. Among one's own servers that is misuse or a bug. Where others send, put a
/// gate before the merge, with what they have no reason to do. What may be written at which path,
/// and what it must look like, is up to the program: see
/// [`Document::preview`](crate::Document::preview).
///
/// A gate does not know who sends: that is up to the transport, such as a certificate. Refuse the
/// same on all replicas that hear the same peers, or they stay different.
///
/// # Examples
///
/// ```
/// use rejoin::{Document, Timestamp, sync::{Gate, Refused}, wire};
/// use std::time::Duration;
///
/// let (server, ana, bo) = ("server".parse()?, "ana".parse()?, "bo".parse()?);
/// let now = Timestamp::from_millis(1_717_236_600_000);
/// let from_ana = Gate::new()
///     .writers([ana])
///     .not_mine(server)
///     .until(now.saturating_add(Duration::from_secs(60)))
///     .limits(wire::Limits::new().bytes(65_536));
///
/// let mut state = Document::new();
/// let mut theirs = state.clone();
/// let delta = theirs.set("", "hello", ana, now)?;
/// assert!(from_ana.apply_bytes(&mut state, &wire::to_bytes(&delta))?);
///
/// let forged = theirs.set("", "hello", bo, now)?;
/// assert_eq!(from_ana.check(&state, &forged), Err(Refused::Writer(bo)));
/// let tomorrow = now.saturating_add(Duration::from_secs(86_400));
/// let late = state.clone().set("", "me last", ana, tomorrow)?;
/// assert!(matches!(from_ana.check(&state, &late), Err(Refused::Time { .. })));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gate {
    /// Sorted first lives.
    writers: Option<Vec<ReplicaId>>,
    mine: Option<ReplicaId>,
    until: Option<Timestamp>,
    limits: Limits,
}

impl Gate {
    /// The gate through which everything passes that [`Limits::new`] lets in. [The type](Self) has
    /// an example.
    pub fn new() -> Self {
        Self::default()
    }

    /// Everything that is new here must be written by these replicas, in whatever incarnation. What
    /// they removed or replaced must be known here already, or be theirs.
    ///
    /// For a client that sends what it wrote itself. A peer that also forwards what others wrote
    /// needs them listed. [The type](Self) has an example.
    #[must_use]
    pub fn writers(self, writers: impl IntoIterator<Item = ReplicaId>) -> Self {
        let mut writers: Vec<_> = writers.into_iter().map(first_life).collect();
        writers.sort_unstable();
        Self { writers: Some(writers), ..self }
    }

    /// Nothing may be new here that is written by `mine`: the id under which this replica writes, in
    /// its present incarnation.
    ///
    /// A peer that knows more of my writes than I do was either deceived, or I run on a copy that is
    /// older than what I sent: then a [new incarnation](ReplicaId::with_incarnation) should have
    /// begun. [The type](Self) has an example.
    #[must_use]
    pub fn not_mine(self, mine: ReplicaId) -> Self {
        Self { mine: Some(mine), ..self }
    }

    /// No write may be stamped with a later time: such as now, and as much as clocks may differ. [The
    /// type](Self) has an example.
    #[must_use]
    pub fn until(self, latest: Timestamp) -> Self {
        Self { until: Some(latest), ..self }
    }

    /// What [`apply_bytes`](Self::apply_bytes) may decode. [The type](Self) has an example.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Looks at a delta that `state` might apply. O(delta, and the version of the state).
    /// [The type](Self) has an example.
    ///
    /// It fits into [`Session::receive_if`](super::Session::receive_if).
    ///
    /// # Errors
    ///
    /// [`Refused`], if something in it may not come from this peer.
    pub fn check<T>(&self, state: &T, delta: &T::Delta) -> Result<(), Refused>
    where
        T: DeltaState<Version: Known> + Default,
    {
        if let (Some(limit), Some(time)) = (self.until, delta.latest()) {
            if time > limit {
                return Err(Refused::Time { time, limit });
            }
        }
        if self.writers.is_none() && self.mine.is_none() {
            return Ok(());
        }
        // What the delta says was seen is what is seen where there was nothing before.
        let mut alone = T::default();
        alone.apply(delta);
        let mut refused = None;
        alone.version().beyond(&state.version(), &mut |writer| {
            if refused.is_none() {
                refused = self.refusal(writer);
            }
        });
        refused.map_or(Ok(()), Err)
    }

    /// Why something new by `writer` is refused, if it is.
    fn refusal(&self, writer: ReplicaId) -> Option<Refused> {
        if self.mine == Some(writer) {
            return Some(Refused::Mine(writer));
        }
        let writers = self.writers.as_ref()?;
        let is_listed = writers.binary_search(&first_life(writer)).is_ok();
        (!is_listed).then_some(Refused::Writer(writer))
    }

    /// Decodes a delta, looks at it and applies it; `true` if and only if the state changed. O(delta,
    /// and the version of the state). [The type](Self) has an example.
    ///
    /// # Errors
    ///
    /// [`Refused`], and the state is as it was.
    pub fn apply_bytes<T>(&self, state: &mut T, bytes: &[u8]) -> Result<bool, Refused>
    where
        T: DeltaState<Version: Known, Delta: Wire> + Default,
    {
        let delta = wire::from_bytes_within(bytes, &self.limits).map_err(Refused::Bytes)?;
        self.check(state, &delta)?;
        Ok(state.apply_owned(delta))
    }
}

fn first_life(replica: ReplicaId) -> ReplicaId {
    replica.with_incarnation(0)
}

/// Why a [`Gate`] refused a delta. It prints what was refused, and the way out.
///
/// ```
/// use rejoin::{GCounter, sync::{Gate, Refused}};
///
/// let us = "us-east-1".parse()?;
/// let delta = GCounter::from_iter([(us, 7)]);
/// let refused = Gate::new().not_mine(us).check(&GCounter::new(), &delta);
/// assert_eq!(refused, Err(Refused::Mine(us)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// It is not a delta, or it is larger than the limits allow.
    Bytes(DecodeError),
    /// It holds or replaces writes of this replica that are not known here.
    Writer(ReplicaId),
    /// It knows writes of this replica itself that it does not know.
    Mine(ReplicaId),
    /// A write is stamped with a time after the limit.
    Time {
        /// The time of the write.
        time: Timestamp,
        /// The latest that is accepted.
        limit: Timestamp,
    },
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(error) => error.fmt(f),
            Self::Writer(writer) => {
                write!(f, "the delta knows writes of {writer}, which its sender may not send")
            }
            Self::Mine(mine) => write!(
                f,
                "the delta knows writes of {mine} that {mine} does not know: if its state was \
                 restored or lags behind, go on in a new incarnation"
            ),
            Self::Time { time, limit } => {
                let ahead = time.as_millis() - limit.as_millis();
                write!(f, "a write is stamped {ahead} ms after the latest time that is accepted")
            }
        }
    }
}

impl Error for Refused {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Bytes(error) => Some(error),
            _ => None,
        }
    }
}
