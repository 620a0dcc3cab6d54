//! Two sessions, and a network that a stranger plays.

use super::Choices;
use rejoin::{
    DeltaState, Merge, OrSet, ReplicaId, Version,
    sync::{Fingerprint, Session, SessionSettings},
    wire,
};
use std::collections::VecDeque;

type Set = OrSet<u8>;

struct Side {
    id: ReplicaId,
    nonce: u64,
    state: Set,
    session: Session<Set>,
    /// What it has sent that has not arrived.
    sent: VecDeque<Vec<u8>>,
}

impl Side {
    fn new(number: u64, state: Set) -> Self {
        let (id, settings) = (ReplicaId::from_u128(number.into()), SessionSettings::new());
        let settings = settings.message_bytes(256).transfer_bytes(4096);
        let session = Session::with(id, number, settings);
        Self { id, nonce: number, state, session, sent: VecDeque::new() }
    }

    fn take(&mut self, message: &[u8]) {
        let before = self.state.clone();
        match self.session.receive(&mut self.state, message) {
            Ok(_) => assert!(!self.state.clone().merge(&before), "nothing is lost"),
            Err(_) => assert_eq!(self.state, before, "as it was"),
        }
    }

    fn transmit(&mut self) {
        while let Some(message) = self.session.poll_transmit(&self.state) {
            assert!(message.len() <= 256);
            self.sent.push_back(message);
        }
    }
}

/// A message with the check that the session from `from` to `to` would give it.
fn forged(tag: u8, body: &[u8], from: u64, to: u64) -> Vec<u8> {
    let link = if tag < 3 { (0, 0) } else { (from, to) };
    let checked = [&[tag][..], body].concat();
    let check = Fingerprint::from_parts(link.0, link.1).keyed(&checked).to_parts().0;
    [&[tag][..], &check.to_be_bytes()[..6], body].concat()
}

/// A transfer: some kind of it, and bytes that may be those of a delta and a version.
fn transfer(choices: &mut Choices<'_>, state: &Set) -> Vec<u8> {
    let mut delta = wire::to_bytes(&state.delta_since(&Version::default()));
    let version = wire::to_bytes(&state.version());
    let at = usize::from(choices.byte()) % delta.len();
    delta[at] ^= choices.byte();
    let len = u8::try_from(delta.len().min(127)).unwrap();
    [&[choices.byte() % 16, choices.below(5), len], &delta[..], &version].concat()
}

pub(super) fn sessions(data: &[u8]) {
    let mut choices = Choices(data);
    let (mut a, mut b) = (Side::new(1, Set::new()), Side::new(2, Set::new()));
    let (mut lives, mut is_forged) = (2, false);
    for _ in 0..400 {
        if choices.is_over() {
            break;
        }
        let choice = choices.byte();
        let (from, to) = if choice & 1 == 0 { (&mut a, &mut b) } else { (&mut b, &mut a) };
        match choice >> 1 & 15 {
            0..3 => {
                let element = choices.below(16);
                let made = if choice & 64 == 0 {
                    from.state.insert(element, from.id)
                } else {
                    from.state.remove(&element, from.id)
                };
                from.session.changed(&made.unwrap_or_default());
            }
            3..7 => {
                from.transmit();
                from.sent.pop_front().iter().for_each(|message| to.take(message));
            }
            7 => {
                // Repeated, or late.
                from.sent.back().cloned().iter().for_each(|message| to.take(message));
            }
            8 => _ = from.sent.pop_front(),
            9 => {
                if let Some(mut message) = from.sent.pop_front() {
                    let at = usize::from(choices.byte()) % message.len();
                    message[at] ^= choices.byte();
                    to.take(&message);
                }
            }
            10 => from.session.resend(),
            11 => {
                lives += 1;
                *from = Side::new(lives, from.state.clone());
            }
            12 => {
                is_forged = true;
                let tag = choices.below(12);
                let mut body: Vec<u8> = (0..choices.below(40)).map(|_| choices.byte()).collect();
                if tag == 5 || tag == 6 {
                    body = transfer(&mut choices, &from.state);
                }
                to.take(&forged(tag, &body, from.nonce, to.nonce));
            }
            _ => {
                let message: Vec<u8> = (0..choices.below(40)).map(|_| choices.byte()).collect();
                to.take(&message);
            }
        }
    }
    for _ in 0..40 {
        for _ in 0..4 {
            a.transmit();
            a.sent.drain(..).for_each(|message| b.take(&message));
            b.transmit();
            b.sent.drain(..).for_each(|message| a.take(&message));
        }
        a.session.resend();
        b.session.resend();
    }
    // Whoever forges messages of a session can make it believe that all was told.
    assert!(is_forged || a.state == b.state, "not stuck");
}
