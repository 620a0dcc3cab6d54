//! Greetings and comparisons: who is there, and whether both hold the same.

use super::{
    Event, Owes, Session, SessionError,
    event::Reason,
    message::{Link, Message},
};
use crate::{
    known::Known,
    merge::{Delta, DeltaState},
    sync::Fingerprint,
    wire::Wire,
};
use alloc::{vec, vec::Vec};
use core::mem::take;

impl<T> Session<T>
where
    T: DeltaState<Delta: Wire, Version: Wire + Known>,
{
    pub(super) fn greeting(&mut self, state: &T) -> Vec<u8> {
        let fingerprint = self.told(state);
        let greeting = Message::Greeting { nonce: self.nonce, peer: self.peer, fingerprint };
        greeting.to_bytes((0, 0), None)
    }

    pub(super) fn comparison(&mut self, state: &T, link: Link) -> Vec<u8> {
        let fingerprint = self.told(state);
        Message::Comparison { fingerprint }.to_bytes(link, None)
    }

    /// The fingerprint of the version. Where it covers all that was not sent, its confirmation
    /// settles that.
    fn told(&mut self, state: &T) -> Fingerprint {
        let fingerprint = Fingerprint::of(&state.version());
        if self.offer.is_none() && !self.known {
            self.unsent = T::Delta::default();
        }
        let covers = self.offer.is_none() && self.unsent.is_empty();
        self.compared = covers.then_some(fingerprint);
        fingerprint
    }

    pub(super) fn on_greeting(
        &mut self,
        state: &T,
        nonce: u64,
        peer: Option<u64>,
        fingerprint: Fingerprint,
    ) -> Result<Vec<Event<T::Delta>>, SessionError> {
        if nonce == self.nonce {
            return Err(SessionError::new(Reason::SameNonce(nonce)));
        }
        // One that has met us and greets as if it had not has started again, if under its old number.
        if self.peer != Some(nonce) || self.met && peer.is_none() {
            self.forget();
            self.peer = Some(nonce);
        }
        if peer == Some(self.nonce) {
            (self.met, self.heard) = (true, true);
        } else {
            self.owes.greeting = true;
        }
        Ok(self.on_fingerprint(state, fingerprint))
    }

    /// Forgets all that is known of the peer. Whoever confirms the fingerprint told last holds all
    /// but what has changed since. Offers go on being numbered.
    fn forget(&mut self) {
        let fresh = Self::with(self.replica, self.nonce, self.settings);
        let owes = Owes { greeting: self.owes.greeting, ..Owes::default() };
        let told = self.compared.map(|it| (Some(it), take(&mut self.unsent)));
        let (compared, unsent) = told.unwrap_or_default();
        let (offers, whole) = (self.offers, self.whole);
        *self = Self { unsent, compared, offers, whole, owes, ..fresh };
    }

    pub(super) fn on_fingerprint(
        &mut self,
        state: &T,
        theirs: Fingerprint,
    ) -> Vec<Event<T::Delta>> {
        if Fingerprint::of(&state.version()) == theirs {
            self.settle();
            self.unsent = T::Delta::default();
            self.offer = None;
            self.owes.matching = Some(theirs);
            return vec![Event::InSync];
        }
        // What is on its way, here or there, may be all of the difference.
        let is_idle = self.offer.is_none() && self.incoming.is_none();
        if is_idle && (!self.known || self.unsent.is_empty()) {
            self.differ();
        }
        Vec::new()
    }

    fn differ(&mut self) {
        self.differing += 1;
        if self.known && self.differing < self.settings.patience {
            return;
        }
        self.differing = 0;
        // One side asks, so that the versions do not cross: it needs to see that they differ.
        if Some(self.nonce) > self.peer {
            self.asks = true;
        } else if self.known {
            self.owes.comparison = true;
        } else {
            self.owes.greeting = true;
        }
    }

    /// The fingerprint told last is the peer's too.
    pub(super) fn on_match(&mut self) -> Vec<Event<T::Delta>> {
        if self.compared.take().is_none() {
            return Vec::new();
        }
        self.settle();
        if self.is_settled() { vec![Event::InSync] } else { Vec::new() }
    }

    fn settle(&mut self) {
        self.known = true;
        self.asks = false;
        self.differing = 0;
    }
}
