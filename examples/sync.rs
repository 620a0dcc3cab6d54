//! Two processes come to the same state over a link that loses and repeats messages.
//!
//! `cargo run --example sync`

use rejoin::{
    DeltaState, OrSet, PnCounter, ReplicaId,
    wire::{self, DecodeError, Wire},
};
use std::error::Error;

/// One side. `T` is any state: a set, a document, a tuple, a map of counters.
struct Peer<T>(T);

impl<T: DeltaState<Delta: Wire, Version: Wire>> Peer<T> {
    /// What this side has.
    fn question(&self) -> Vec<u8> {
        wire::to_bytes(&self.0.version())
    }

    /// What the asking side is missing.
    fn answer(&self, question: &[u8]) -> Result<Vec<u8>, DecodeError> {
        Ok(wire::to_bytes(&self.0.delta_since(&wire::from_bytes(question)?)))
    }

    /// Takes an answer in; `true` if it brought anything new.
    fn receive(&mut self, answer: &[u8]) -> Result<bool, DecodeError> {
        wire::apply_bytes(&mut self.0, answer)
    }

    /// This side asks, the other answers. If a message is lost, nothing happens.
    fn ask(&mut self, other: &Self, link: &mut Link) -> Result<(), DecodeError> {
        for question in link.carry(self.question()) {
            for answer in link.carry(other.answer(&question)?) {
                self.receive(&answer)?;
            }
        }
        Ok(())
    }
}

/// Loses half of the messages, and delivers some of the others twice.
#[derive(Default)]
struct Link {
    sent: u64,
    random: u64,
}

impl Link {
    fn carry(&mut self, message: Vec<u8>) -> Vec<Vec<u8>> {
        self.sent += 1;
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
        match self.random >> 62 {
            0 | 1 => vec![],
            2 => vec![message],
            _ => vec![message.clone(), message],
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let (us, eu): (ReplicaId, ReplicaId) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    let mut here = Peer((PnCounter::new(), OrSet::<String>::new()));
    let mut there = Peer((PnCounter::new(), OrSet::<String>::new()));
    let mut link = Link::default();
    for number in 0..100 {
        here.0.0.increment(1, us)?;
        here.0.1.insert(format!("us-{number}"), us)?;
        there.0.1.insert(format!("eu-{number}"), eu)?;
    }

    while here.0 != there.0 {
        here.ask(&there, &mut link)?;
        there.ask(&here, &mut link)?;
    }
    println!("equal after {} messages", link.sent);
    assert_eq!((here.0.0.value(), there.0.1.len()), (100, 200));
    Ok(())
}
