//! What replicas are written with: one kind of edit for each type.

use super::rng::Rng;
use rejoin::{
    DeltaState, Document, EnableFlag, Known, LwwRegister, MvRegister, OrMap, OrSet, PnCounter,
    ReplicaId, Timestamp, wire::Wire,
};
use std::{collections::BTreeMap, fmt::Debug};

pub(crate) trait Load:
    DeltaState<Delta: Wire + Debug + PartialEq, Version: Wire + Known>
    + Wire
    + Clone
    + Default
    + PartialEq
    + Debug
{
    /// Edits the state; returns the delta.
    fn change(&mut self, rng: &mut Rng, replica: ReplicaId, now: Timestamp) -> Self::Delta;
}

impl Load for PnCounter {
    fn change(&mut self, rng: &mut Rng, replica: ReplicaId, _: Timestamp) -> Self {
        let by = 1 + rng.below(9);
        let up = rng.chance(600);
        if up { self.increment(by, replica) } else { self.decrement(by, replica) }.unwrap()
    }
}

impl Load for OrSet<u64> {
    fn change(&mut self, rng: &mut Rng, replica: ReplicaId, _: Timestamp) -> Self::Delta {
        let element = rng.below(40);
        match rng.below(10) {
            0..6 => self.insert(element, replica).unwrap(),
            6..9 => self.remove(&element, replica).unwrap(),
            _ => self.clear(replica).unwrap(),
        }
    }
}

impl Load for OrMap<String, u64> {
    fn change(&mut self, rng: &mut Rng, replica: ReplicaId, now: Timestamp) -> Self::Delta {
        let key = format!("key-{}", rng.below(12));
        if rng.chance(700) {
            self.insert(key, rng.below(100), replica, now).unwrap()
        } else {
            self.remove(&key, replica).unwrap()
        }
    }
}

impl Load for LwwRegister<String> {
    fn change(&mut self, rng: &mut Rng, replica: ReplicaId, now: Timestamp) -> Self::Delta {
        self.set(format!("{:x}", rng.next()), replica, now).unwrap()
    }
}

impl Load for MvRegister<u64> {
    fn change(&mut self, rng: &mut Rng, replica: ReplicaId, _: Timestamp) -> Self::Delta {
        self.set(rng.below(1000), replica).unwrap()
    }
}

impl Load for EnableFlag {
    fn change(&mut self, rng: &mut Rng, replica: ReplicaId, _: Timestamp) -> Self::Delta {
        if rng.chance(500) { self.enable(replica) } else { self.disable(replica) }.unwrap()
    }
}

impl Load for Document {
    fn change(&mut self, rng: &mut Rng, replica: ReplicaId, now: Timestamp) -> Self::Delta {
        let field = format!("/field-{}", rng.below(6));
        // Refused where a text is in the way.
        let made = match rng.below(10) {
            0..5 => self.set(&field, rng.next().to_string(), replica, now),
            5..7 => self.set(&format!("{field}/inner"), rng.below(9), replica, now),
            7..9 => self.remove(&field, replica, now),
            _ => self.increment("/count", 1, replica, now),
        };
        made.unwrap_or_default()
    }
}

impl Load for (PnCounter, OrSet<u64>) {
    fn change(&mut self, rng: &mut Rng, replica: ReplicaId, now: Timestamp) -> Self::Delta {
        let mut delta = Self::Delta::default();
        if rng.chance(700) {
            delta.0 = self.0.change(rng, replica, now);
        }
        if rng.chance(500) {
            delta.1 = self.1.change(rng, replica, now);
        }
        delta
    }
}

impl Load for BTreeMap<u64, PnCounter> {
    fn change(&mut self, rng: &mut Rng, replica: ReplicaId, now: Timestamp) -> Self::Delta {
        let key = rng.below(9);
        BTreeMap::from([(key, self.entry(key).or_default().change(rng, replica, now))])
    }
}
