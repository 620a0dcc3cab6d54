//! Clocks, counters, sets, one conversation and scripts of long use, kept by `rejoin` and by its
//! peers: what `table` times and `sizes` weighs.
//!
//! Each message of the conversation has an id, an author, a time and 200 characters, every field mergeable on its own,
//! in a mapping by id.

pub mod automerge;
pub mod clocks;
pub mod conversation;
pub mod crdts;
pub mod documents;
pub mod dson;
pub mod growth;
pub mod loro;
pub mod race;
pub mod rejoin;
pub mod sets;
pub mod writers;
pub mod yrs;

use conversation::Change;
use serde_json::Value;

pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A library that keeps a conversation. Every method is what its own documentation shows for it.
pub trait Peer: Sized {
    const NAME: &'static str;
    /// What one replica sends to another after a write: a value, or bytes.
    type Delta: Clone;

    fn build(json: &Value, replica: u8) -> Result<Self>;
    /// The same conversation in the hands of another replica. Never timed.
    fn fork(&self, replica: u8) -> Result<Self>;
    fn write(&mut self, change: &Change) -> Result<Self::Delta>;
    fn apply(&mut self, delta: Self::Delta) -> Result;
    /// Takes over all that `other` has; what is left of `other` is of no interest.
    fn merge(&mut self, other: &mut Self) -> Result;
    fn to_json(&self) -> Result<String>;
    /// The whole as bytes, for a disk; where the library has some or serde can make them.
    fn save(&mut self) -> Result<Vec<u8>>;
    /// The delta as bytes, where the library has some or serde can make them.
    fn encode(delta: &Self::Delta) -> Result<Vec<u8>>;
}

/// `value` as bincode writes it: for the libraries that leave the encoding to serde.
pub(crate) fn bincode(value: &impl serde::Serialize) -> Result<Vec<u8>> {
    Ok(bincode::serde::encode_to_vec(value, bincode::config::standard())?)
}
