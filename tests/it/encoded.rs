//! There and back: through text, through the canonical bytes, and through a compact serde format.

use rejoin::wire::{self, Wire};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

/// What is written, sent and read back.
pub(crate) trait Sent: Serialize + DeserializeOwned + Wire + PartialEq + Debug {}
impl<T: Serialize + DeserializeOwned + Wire + PartialEq + Debug> Sent for T {}

pub(crate) fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap()
}

pub(crate) fn through_json<T: Serialize + DeserializeOwned>(value: &T) -> T {
    serde_json::from_str(&json(value)).unwrap()
}

pub(crate) fn bytes<T: Wire>(value: &T) -> Vec<u8> {
    wire::to_bytes(value)
}

pub(crate) fn through_bytes<T: Wire>(value: &T) -> T {
    let bytes = bytes(value);
    let back = wire::from_bytes(&bytes).unwrap();
    assert_eq!(wire::to_bytes(&back), bytes, "what is read is written alike");
    back
}

/// Through serde, in a format that is no text.
pub(crate) fn compact<T: Serialize>(value: &T) -> Vec<u8> {
    bincode::serde::encode_to_vec(value, bincode::config::standard()).unwrap()
}

pub(crate) fn through_compact<T: Serialize + DeserializeOwned>(value: &T) -> T {
    let config = bincode::config::standard();
    let bytes = compact(value);
    let (back, read) = bincode::serde::decode_from_slice(&bytes, config).unwrap();
    assert_eq!(read, bytes.len());
    back
}
