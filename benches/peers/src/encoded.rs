//! `rejoin::Document` once more, with deltas that are bytes on the way, as those of automerge, loro
//! and yrs are.

use crate::{Peer, Result, conversation::Change, rejoin::Rejoin};
use ::rejoin::wire;
use serde_json::Value;

pub struct Encoded(Rejoin);

impl Peer for Encoded {
    const NAME: &'static str = "rejoin, deltas as bytes";
    type Delta = Vec<u8>;

    fn build(json: &Value, replica: u8) -> Result<Self> {
        Rejoin::build(json, replica).map(Self)
    }

    fn fork(&self, replica: u8) -> Result<Self> {
        self.0.fork(replica).map(Self)
    }

    fn write(&mut self, change: &Change) -> Result<Vec<u8>> {
        Rejoin::encode(&self.0.write(change)?)
    }

    fn apply(&mut self, delta: Vec<u8>) -> Result {
        self.0.apply(wire::from_bytes(&delta)?)
    }

    fn merge(&mut self, other: &mut Self) -> Result {
        self.0.merge(&mut other.0)
    }

    fn to_json(&self) -> Result<String> {
        self.0.to_json()
    }

    fn save(&mut self) -> Result<Vec<u8>> {
        self.0.save()
    }

    fn encode(delta: &Vec<u8>) -> Result<Vec<u8>> {
        Ok(delta.clone())
    }
}
