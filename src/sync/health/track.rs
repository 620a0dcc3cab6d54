//! [`Track`]: one direction of a link: where the sender and the receiver are, and what follows.

use super::{
    Direction, Event, Figure, Flow, Level, Position, State, Thresholds, Trend, marks::Marks,
    settled::Settled, window::Window,
};
use alloc::vec::Vec;

/// What the link knows of the contact of one direction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Contact {
    /// How long ago the last was.
    pub(super) age_ms: Option<u64>,
    /// For how long there should have been one. `None` if that cannot be said.
    pub(super) silence_ms: Option<u64>,
    /// Whether the sender's head is of now, as far as `warn_ms` tell it from then.
    pub(super) is_fresh: bool,
}

/// One direction. O(1) memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Track {
    /// The sender's, as it was told last.
    head: Option<Position>,
    /// Whether the last word of the sender told one.
    is_head_told: bool,
    received: Option<Position>,
    /// Where the receiver was when the sender went back on its timeline: until it goes back too,
    /// the two do not count the same writes.
    void: Option<u64>,
    /// Whether what was lacking when the two could first be compared is known.
    is_begun: bool,
    /// That, and since when: how long it had been lacking is not known.
    target: Option<(u64, u64)>,
    news_at: Option<u64>,
    is_peer_ahead: bool,
    marks: Marks,
    window: Window,
    state: Settled<State>,
    level: Settled<Option<Level>>,
}

impl Track {
    /// The sender tells where it is.
    pub(super) fn sender(&mut self, head: Option<Position>, of: Direction, out: &mut Vec<Event>) {
        self.is_head_told = head.is_some();
        let Some(new) = head else { return };
        if let Some(old) = self.head {
            if new.timeline() < old.timeline() {
                return; // it was promoted away from
            }
            if new.timeline() > old.timeline() {
                let (from, to) = (old.timeline(), new.timeline());
                out.push(Event::NewTimeline { direction: of, from, to });
                self.void = None;
                self.begin_again();
            } else if new.offset() < old.offset() {
                out.push(Event::WentBack { direction: of });
                self.void = Some(self.received.map_or(u64::MAX, Position::offset));
                self.begin_again();
            }
        }
        self.head = Some(new);
    }

    /// The receiver tells where it is.
    pub(super) fn receiver(&mut self, now: u64, received: Option<Position>) {
        if let (Some(new), Some(old)) = (received, self.received) {
            let is_back = new.timeline() == old.timeline() && new.offset() < old.offset();
            if new > old {
                self.news_at = Some(now);
            }
            if is_back && self.void.is_some_and(|void| new.offset() < void) {
                self.void = None;
            }
            if is_back || new.timeline() != old.timeline() {
                self.begin_again();
            }
        }
        self.received = received;
    }

    /// There is contact again: what is lacking now has been lacking for longer than it was seen.
    pub(super) fn begin(&mut self) {
        self.is_begun = false;
        self.window.forget_positions();
    }

    /// Positions before this are not compared with those after it.
    fn begin_again(&mut self) {
        self.marks.clear();
        self.window.forget_positions();
        (self.is_begun, self.target) = (false, None);
    }

    /// The sender's offset and the receiver's, if they count the same.
    fn offsets(&self) -> Option<(u64, u64)> {
        let head = self.head.filter(|_| self.is_head_told)?;
        let received = self.received.filter(|_| self.void.is_none())?;
        (head.timeline() == received.timeline()).then_some((head.offset(), received.offset()))
    }

    /// Both, if the peer holds more of ours than there is.
    pub(super) fn ahead(&mut self) -> Option<(u64, u64)> {
        let (head, received) = (self.head?, self.received?);
        let was_ahead = core::mem::replace(&mut self.is_peer_ahead, received > head);
        (self.is_peer_ahead && !was_ahead).then_some((received.offset(), head.offset()))
    }

    /// Looks at what there is now.
    pub(super) fn look(
        &mut self,
        now: u64,
        contact: &Contact,
        of: Direction,
        limits: &Thresholds,
    ) -> Flow {
        let offsets = self.offsets().and_then(|(head, received)| match of {
            // What came since is newer than what was told.
            Direction::Inbound => Some((head.max(received), received)),
            Direction::Outbound => (received <= head).then_some((head, received)),
        });
        let behind = offsets.map_or(Figure::Unknown, |(head, received)| {
            Figure::bound(head.saturating_sub(received), contact.is_fresh)
        });
        let lag_ms = self.lag(now, offsets, contact.is_fresh);
        self.window.note(now, limits.window(), behind, offsets.map(|it| it.1));
        let (rate, trend) = (self.window.rate(), self.window.trend());
        let state = self.verdict(now, contact, behind, lag_ms, trend, limits);
        self.window.note_verdict(lag_ms, state);
        let delay = lag_ms.at_least().max(contact.silence_ms).unwrap_or(0);
        let level = (state != State::Unknown).then(|| limits.level(delay));
        let news_ms = self.news_at.map(|at| now.saturating_sub(at));
        Flow { state, level, behind, lag_ms, contact_ms: contact.age_ms, news_ms, rate, trend }
    }

    fn lag(&mut self, now: u64, offsets: Option<(u64, u64)>, is_fresh: bool) -> Figure {
        let Some((head, received)) = offsets else { return Figure::Unknown };
        if !self.is_begun {
            self.is_begun = true;
            self.target = Some((head, now));
        }
        self.target = self.target.filter(|target| target.0 > received);
        let lag_ms = self.marks.look(now, head, received).map(|since| now.saturating_sub(since));
        Figure::bound(lag_ms.unwrap_or(0), is_fresh && self.target.is_none())
    }

    fn verdict(
        &self,
        now: u64,
        contact: &Contact,
        behind: Figure,
        lag_ms: Figure,
        trend: Option<Trend>,
        limits: &Thresholds,
    ) -> State {
        match contact.silence_ms {
            None => return State::Unknown,
            Some(silence) if silence > limits.critical() => return State::Disconnected,
            Some(silence) if silence > limits.warn() => return State::Lagging,
            Some(_) => {}
        }
        if behind == Figure::Unknown {
            return State::Unknown;
        }
        let is_late = lag_ms.at_least().is_some_and(|lag| lag > limits.warn());
        if !is_late && self.target.is_none() {
            return State::Streaming;
        }
        let moved_at = self.news_at.max(self.target.map(|target| target.1));
        let moves = moved_at.is_some_and(|at| now.saturating_sub(at) <= limits.warn());
        if moves && matches!(trend, None | Some(Trend::Shrinking)) {
            State::CatchingUp
        } else {
            State::Lagging
        }
    }

    /// What is to be told of a look.
    pub(super) fn tell(
        &mut self,
        now: u64,
        flow: &Flow,
        direction: Direction,
        calm_ms: u64,
        out: &mut Vec<Event>,
    ) {
        let state = self.state.look(now, flow.state, State::Unknown, calm_ms);
        out.extend(state.map(|(from, to)| Event::State { direction, from, to }));
        let level = self.level.look(now, flow.level, None, calm_ms);
        out.extend(level.map(|(from, to)| Event::Level { direction, from, to }));
    }

    pub(super) fn window(&self) -> &Window {
        &self.window
    }
}
