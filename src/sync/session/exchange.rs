//! Offers: deltas, and versions that ask for them, whole once they have arrived.

use super::{
    Event, Offer, Session, SessionError,
    event::Reason,
    message::{Answer, OVERHEAD, Verdict},
    transfer::{Incoming, Outgoing},
};
use crate::{
    known::Known,
    merge::{Delta, DeltaState},
    wire::{self, DecodeError, Limits, Reader, Wire, Writer},
};
use alloc::{vec, vec::Vec};
use core::{fmt::Display, mem::take};

/// A transfer begins with a byte that says what it has: a delta, a version, or both.
const GIVES: u8 = 1;
const ASKS: u8 = 2;

impl<T> Session<T>
where
    T: DeltaState<Delta: Wire, Version: Wire + Known>,
{
    pub(super) fn next_offer(&mut self, state: &T) -> Option<Offer> {
        let asks = take(&mut self.asks);
        let gives = self.known && !self.unsent.is_empty();
        if !asks && !gives {
            return None;
        }
        // Where nothing is known of the peer, the question is about all that is here.
        let delta = take(&mut self.unsent);
        self.compared = None;
        let delta = gives.then(|| self.smaller(state, &delta));
        let version = asks.then(|| wire::to_bytes(&state.version()));
        let mut out = Writer::default();
        out.byte(if gives { GIVES } else { 0 } | if asks { ASKS } else { 0 });
        if let Some(delta) = delta {
            out.count(delta.len());
            out.bytes(&delta);
        }
        if let Some(version) = version {
            out.bytes(&version);
        }
        self.offers += 1;
        let part = self.settings.message.saturating_sub(OVERHEAD);
        let transfer = Outgoing::new(self.offers, out.into_bytes(), part);
        Some(Offer { transfer, asks, gives })
    }

    /// The bytes of the delta, or of the whole state where they are fewer. The state is written only
    /// for a delta that is large, also beside what the state was last.
    fn smaller(&mut self, state: &T, delta: &T::Delta) -> Vec<u8> {
        let delta = wire::to_bytes(delta);
        if delta.len() <= self.settings.message || delta.len() < self.whole / 2 {
            return delta;
        }
        let whole = wire::to_bytes(&state.delta_since(&T::Version::default()));
        self.whole = whole.len();
        if whole.len() < delta.len() { whole } else { delta }
    }

    /// Takes a part of a transfer; the whole, once it is complete.
    pub(super) fn on_part(
        &mut self,
        number: u64,
        total: u64,
        offset: u64,
        bytes: &[u8],
    ) -> Result<Option<Vec<u8>>, SessionError> {
        if let Some((_, covered)) = self.applied.filter(|last| number <= last.0) {
            // The answer was lost. One to an earlier offer is not waited for.
            self.owes.answer = Some(Answer { number, verdict: Verdict::Applied { covered } });
            return Ok(None);
        }
        let limit = self.settings.transfer;
        if total > limit {
            let error = SessionError::new(Reason::Limit { claimed: total, limit });
            return Err(self.refuse(number, error));
        }
        let current = self.incoming.take().filter(|it| it.number >= number);
        let mut incoming = current.unwrap_or_else(|| Incoming::new(number, total));
        if incoming.number == number && incoming.total() == total {
            incoming.add(offset, bytes);
            if incoming.is_whole() {
                return Ok(Some(incoming.into_bytes()));
            }
            if incoming.cost() > limit.saturating_mul(2) {
                let error = SessionError::new(Reason::Limit { claimed: incoming.cost(), limit });
                return Err(self.refuse(number, error));
            }
            if offset.saturating_add(bytes.len() as u64) == total {
                let verdict = Verdict::Missing(incoming.gaps());
                self.owes.answer = Some(Answer { number, verdict });
            }
        }
        self.incoming = Some(incoming);
        Ok(None)
    }

    /// Takes a whole transfer: first what it gives, and then what it asks.
    pub(super) fn on_whole<E: Display>(
        &mut self,
        state: &mut T,
        number: u64,
        bytes: &[u8],
        accept: impl FnOnce(&T, &T::Delta) -> Result<(), E>,
    ) -> Result<Vec<Event<T::Delta>>, SessionError> {
        let (delta, version) =
            self.read(bytes).map_err(|error| self.refuse(number, error.into()))?;
        let mut events = Vec::new();
        if let Some(delta) = delta {
            accept(state, &delta).map_err(|why| {
                self.refuse(number, SessionError::new(Reason::Refused(alloc::format!("{why}"))))
            })?;
            self.apply(state, delta, &mut events);
        }
        let covered = version.is_some_and(|version| self.on_question(state, &version, &mut events));
        self.applied = Some((number, covered));
        self.owes.answer = Some(Answer { number, verdict: Verdict::Applied { covered } });
        Ok(events)
    }

    #[allow(clippy::type_complexity)] // a delta, a version, or both
    fn read(&self, bytes: &[u8]) -> Result<(Option<T::Delta>, Option<T::Version>), DecodeError> {
        let limit = usize::try_from(self.settings.transfer).unwrap_or(usize::MAX);
        let limits = Limits::default().bytes(limit);
        let mut input = Reader::new(bytes, &limits)?;
        let has = input.byte()?;
        if !matches!(has, 1..=3) {
            return Err(input.malformed("a transfer of no known kind"));
        }
        let mut delta = None;
        if has & GIVES != 0 {
            let len = usize::try_from(input.varint()?).unwrap_or(usize::MAX);
            delta = Some(wire::from_bytes_within(input.bytes(len)?, &limits)?);
        }
        if has & ASKS != 0 {
            return Ok((delta, Some(wire::from_bytes_within(input.rest(), &limits)?)));
        }
        if !input.rest().is_empty() {
            return Err(input.malformed("something follows the delta"));
        }
        Ok((delta, None))
    }

    /// Only what was new is told: what goes around in a circle of replicas ends where it began.
    fn apply(&mut self, state: &mut T, delta: T::Delta, events: &mut Vec<Event<T::Delta>>) {
        let before = state.version();
        if !state.apply_owned(delta) {
            return;
        }
        if state.version().exceeds(&before, self.replica) {
            events.push(Event::LostWrites);
        }
        events.push(Event::Changed(state.delta_since(&before)));
    }

    /// The peer has told what it holds: it is to be sent the rest. Whether all of that is here too.
    fn on_question(
        &mut self,
        state: &T,
        theirs: &T::Version,
        events: &mut Vec<Event<T::Delta>>,
    ) -> bool {
        let ours = state.version();
        self.unsent = state.delta_since(theirs);
        self.known = true;
        // What it gives is in the new delta.
        self.offer = self.offer.take().filter(|offer| !offer.gives);
        let covered = ours.covers(theirs);
        if !covered {
            self.asks |= self.offer.is_none();
            events.push(Event::Behind);
            if theirs.exceeds(&ours, self.replica) {
                events.push(Event::LostWrites);
            }
        }
        covered
    }

    pub(super) fn on_answer(&mut self, answer: Answer) -> Vec<Event<T::Delta>> {
        let Some(offer) = self.offer.as_mut().filter(|it| it.transfer.number == answer.number)
        else {
            return Vec::new();
        };
        match answer.verdict {
            Verdict::Missing(gaps) => offer.transfer.send_again(&gaps),
            Verdict::Applied { covered } => {
                self.known |= offer.asks && covered;
                self.offer = None;
            }
            Verdict::Refused(reason) => {
                offer.transfer.send_again(&[]);
                return vec![Event::Refused(reason)];
            }
        }
        Vec::new()
    }
}
