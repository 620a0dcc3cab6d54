//! [`Link`]: watches both directions between this side and one peer.

use super::{
    Direction, Event, Flow, Health, Heartbeat, Summary, Thresholds,
    track::{Contact, Track},
};
use crate::time::Timestamp;
use alloc::vec::Vec;

/// So many events are kept from one look to the next.
const EVENTS: usize = 16;

/// Watches the link to one peer, in both directions, without a clock of its own. O(1) memory: at
/// most 16 KiB, whatever the window.
///
/// Tell it what [comes from the peer](Self::heard) when it comes, and [look](Self::observe) at it
/// every second or so, with what this side has. Each side sends its [`Heartbeat`]s to the other.
///
/// # Times
///
/// All times are milliseconds of the caller's clock, and only their differences count. Pass those
/// of a monotonic clock if you can. If the clock goes back, time stands still for that moment. If it
/// goes on by more than `critical_ms` between two calls, nobody looked: the link is unknown rather
/// than disconnected, until there is contact or `critical_ms` have passed again.
///
/// # Positions
///
/// Within one timeline a head only grows. One that is less than before means that writes were lost:
/// a side that begins a new life, as after a restore, counts on a new timeline.
///
/// # Late heartbeats
///
/// One with a lower number than was heard before is a sign of life, but its figures are old and are
/// not taken. If only such come for longer than `warn_ms`, the peer has begun to count anew, and
/// they are. One of an earlier timeline is of a sender that another has replaced, and counts for
/// nothing.
///
/// # Examples
///
/// ```
/// use rejoin::{Timestamp, sync::health::{Direction, Event, Heartbeat, Link, Position, State}};
///
/// let at = |second: u64| Timestamp::from_millis(second * 1_000);
/// let mut link = Link::new();
/// let mut events = Vec::new();
/// for second in 0..60 {
///     let is_cut = (20..59).contains(&second);
///     let theirs = Heartbeat::new(second)
///         .with_head(Position::new(500))
///         .with_received(Position::new(70))
///         .with_heard(second);
///     if !is_cut {
///         link.heard(at(second), &theirs);
///     }
///     // Nobody writes, and this side has all that it was told of.
///     let ours = Heartbeat::new(second)
///         .with_head(Position::new(70))
///         .with_received(Position::new(500));
///     events.extend(link.observe(at(second), &ours));
///     match second {
///         19 => assert_eq!(link.health().state(), State::Streaming, "idle"),
///         29 => {
///             assert_eq!(link.health().state(), State::Lagging);
///             assert_eq!(link.health().inbound.behind.at_least(), None, "unknown, not 0");
///         }
///         55 => assert_eq!(link.health().state(), State::Disconnected),
///         _ => {}
///     }
/// }
/// let inbound = events.iter().filter_map(|event| match event {
///     Event::State { direction: Direction::Inbound, to, .. } => Some(*to),
///     _ => None,
/// });
/// assert!(inbound.eq([State::Streaming, State::Lagging, State::Disconnected]));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Link {
    thresholds: Thresholds,
    /// What the caller's clock said last, and how much time has passed in all.
    last: Option<Timestamp>,
    elapsed_ms: u64,
    started_at: Option<u64>,
    contact_at: Option<u64>,
    /// When somebody looked again, after nobody had since the last contact.
    watched_at: Option<u64>,
    /// The last heartbeat that came, and the one whose figures are taken.
    last_heard: Option<Heartbeat>,
    newest: Option<Heartbeat>,
    newest_at: u64,
    late_since: Option<u64>,
    /// When the peer last told that it heard another of our heartbeats.
    echo_at: Option<u64>,
    /// Since when it has not heard our latest.
    unheard_since: Option<u64>,
    inbound: Track,
    outbound: Track,
    health: Health,
    events: Vec<Event>,
}

impl Link {
    /// With the default [`Thresholds`]. [The type](Self) has an example.
    pub fn new() -> Self {
        Self::default()
    }

    /// With other thresholds.
    ///
    /// ```
    /// use rejoin::sync::health::{Link, Thresholds};
    /// let link = Link::with_thresholds(Thresholds::new().warn_ms(8_000));
    /// assert_ne!(link, Link::new());
    /// ```
    pub fn with_thresholds(thresholds: Thresholds) -> Self {
        Self { thresholds, ..Self::default() }
    }

    /// A heartbeat came from the peer; returns whether it is a sign of life. It is none if it is a
    /// repeat of the last, or from a timeline that was left. O(1). [The type](Self) has an example.
    pub fn heard(&mut self, now: Timestamp, beat: &Heartbeat) -> bool {
        let now = self.tick(now);
        let key = |beat: &Heartbeat| (beat.timeline(), beat.number);
        let is_repeat = self.last_heard.as_ref().is_some_and(|last| key(last) == key(beat));
        let timeline = self.newest.as_ref().and_then(Heartbeat::timeline);
        if is_repeat || beat.timeline().is_some_and(|it| Some(it) < timeline) {
            return false;
        }
        self.last_heard = Some(*beat);
        let silence = self.contact_at.map(|at| now.saturating_sub(at));
        if silence.is_some_and(|silence| silence > self.thresholds.critical()) {
            self.inbound.begin();
        }
        (self.contact_at, self.watched_at) = (Some(now), None);
        if self.is_newer(now, beat) {
            self.take(now, beat);
        }
        true
    }

    /// Whether its figures are to be taken.
    fn is_newer(&mut self, now: u64, beat: &Heartbeat) -> bool {
        let Some(newest) = &self.newest else { return true };
        let is_later_timeline = beat.timeline() > newest.timeline() && newest.head.is_some();
        if is_later_timeline || beat.number > newest.number {
            return true;
        }
        let since = *self.late_since.get_or_insert(now);
        now.saturating_sub(since) > self.thresholds.warn()
    }

    fn take(&mut self, now: u64, beat: &Heartbeat) {
        let heard = self.newest.as_ref().and_then(|newest| newest.heard);
        if beat.heard.is_some() && beat.heard != heard {
            (self.echo_at, self.unheard_since) = (Some(now), None);
        }
        (self.newest, self.newest_at, self.late_since) = (Some(*beat), now, None);
        self.inbound.sender(beat.head, Direction::Inbound, &mut self.events);
        // A peer that goes to and fro takes no memory, whether anybody looks or not.
        self.events.truncate(EVENTS);
    }

    /// Looks at the link, with what this side has; returns what is to be told. O(1).
    ///
    /// `own` is the heartbeat that this side sends: its number, how far it has written and what it
    /// holds of the peer. [The type](Self) has an example.
    pub fn observe(&mut self, now: Timestamp, own: &Heartbeat) -> Vec<Event> {
        let now = self.tick(now);
        let newest = self.newest.unwrap_or_default();
        self.outbound.sender(own.head, Direction::Outbound, &mut self.events);
        self.outbound.receiver(now, newest.received);
        self.inbound.receiver(now, own.received);
        if let Some((received, head)) = self.outbound.ahead() {
            self.events.push(Event::PeerAhead { received, head });
        }
        if newest.heard != Some(own.number) {
            self.unheard_since.get_or_insert(now);
        }
        let (inbound, outbound) = (self.inbound_contact(now), self.outbound_contact(now));
        self.health = Health {
            inbound: self.look(now, &inbound, Direction::Inbound),
            outbound: self.look(now, &outbound, Direction::Outbound),
        };
        core::mem::take(&mut self.events)
    }

    fn look(&mut self, now: u64, contact: &Contact, direction: Direction) -> Flow {
        let track = match direction {
            Direction::Inbound => &mut self.inbound,
            Direction::Outbound => &mut self.outbound,
        };
        let flow = track.look(now, contact, direction, &self.thresholds);
        track.tell(now, &flow, direction, self.thresholds.calm(), &mut self.events);
        flow
    }

    fn inbound_contact(&self, now: u64) -> Contact {
        let age = now.saturating_sub(self.newest_at);
        Contact {
            age_ms: self.contact_at.map(|at| now.saturating_sub(at)),
            silence_ms: self.silence(now, self.contact_at),
            is_fresh: self.newest.is_some() && age <= self.thresholds.warn(),
        }
    }

    fn outbound_contact(&self, now: u64) -> Contact {
        // Without echoes, or where the last was heard, only the other direction tells.
        let unheard = self.unheard_since.filter(|_| self.echo_at.is_some());
        let silence_ms = self.silence(now, self.contact_at).map(|silence| {
            let unheard = unheard.max(self.watched_at.filter(|_| unheard.is_some()));
            silence.max(unheard.map_or(0, |since| now.saturating_sub(since)))
        });
        let age_ms = self.echo_at.map(|at| now.saturating_sub(at));
        Contact { age_ms, silence_ms, is_fresh: true }
    }

    /// For how long there should have been contact; `None` if that cannot be held against the peer.
    fn silence(&self, now: u64, contact_at: Option<u64>) -> Option<u64> {
        let since = self.watched_at.or(contact_at);
        let is_certain = contact_at.is_some() && self.watched_at.is_none();
        let silence = now.saturating_sub(since.or(self.started_at)?);
        (is_certain || silence > self.thresholds.critical()).then_some(silence)
    }

    /// Both directions, as they were when it was last [looked at](Self::observe). O(1). [The
    /// type](Self) has an example.
    pub const fn health(&self) -> &Health {
        &self.health
    }

    /// One direction over the window: average, greatest, worst. O(1). Up to a 30th of the window
    /// more or less is in it.
    ///
    /// ```
    /// use rejoin::{Timestamp, sync::health::{Direction, Heartbeat, Link, Position}};
    ///
    /// let mut link = Link::new();
    /// for second in 0..3 {
    ///     let now = Timestamp::from_millis(second * 1_000);
    ///     link.heard(now, &Heartbeat::new(second).with_received(Position::new(0)));
    ///     link.observe(now, &Heartbeat::new(second).with_head(Position::new(second * 10)));
    /// }
    /// let summary = link.summary(Direction::Outbound);
    /// assert_eq!((summary.looks, summary.behind_known), (3, 3));
    /// assert_eq!((summary.behind_average, summary.behind_max), (Some(10), Some(20)));
    /// assert_eq!(link.summary(Direction::Inbound).behind_average, None, "unknown, not 0");
    /// ```
    pub fn summary(&self, direction: Direction) -> Summary {
        match direction {
            Direction::Inbound => self.inbound.window().summary(),
            Direction::Outbound => self.outbound.window().summary(),
        }
    }

    /// How much time has passed in all.
    fn tick(&mut self, now: Timestamp) -> u64 {
        let last = self.last.replace(now).unwrap_or(now);
        let step = now.as_millis().saturating_sub(last.as_millis());
        self.elapsed_ms = self.elapsed_ms.saturating_add(step);
        self.started_at.get_or_insert(self.elapsed_ms);
        if step > self.thresholds.critical() && self.watched_at.is_none() {
            self.watched_at = Some(self.elapsed_ms);
        }
        self.elapsed_ms
    }
}
