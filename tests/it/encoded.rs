//! There and back: through text, through the canonical bytes, and through a compact serde format.

use rejoin::{
    DeltaState, Version,
    causal::{CausalContext, Digest, DotKernel},
    wire::{self, Wire},
};
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt::Debug, hash::Hash};

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

/// The kernel of a set, a map, a register or a flag, or of a delta of one: its form is theirs.
pub(crate) fn kernel<P: DeserializeOwned + Hash>(of: &impl Serialize) -> DotKernel<P> {
    serde_json::from_value(serde_json::to_value(of).unwrap()).unwrap()
}

pub(crate) fn digest(version: &Version) -> Digest {
    serde_json::from_value(serde_json::to_value(version).unwrap()).unwrap()
}

/// All that was seen.
pub(crate) fn seen(of: &impl DeltaState<Version = Version>) -> CausalContext {
    digest(&of.version()).seen().clone()
}

/// The form of a document, whose writes say their paths by number, of one whose writes spell them:
/// `{"path": ["list", {"key": 1}], …}`.
pub(crate) fn document_form(mut lanes: serde_json::Value) -> serde_json::Value {
    let mut paths = Vec::<(usize, serde_json::Value)>::new();
    let lives = lanes.as_object_mut().into_iter().flatten();
    let writes = lives.filter_map(|(_, lane)| lane["live"].as_array_mut()).flatten();
    for path in writes.filter_map(|write| write[1].get_mut("path")) {
        let Some(steps) = path.as_array().cloned() else { continue };
        let number = steps.into_iter().fold(0, |parent, step| {
            let path = (parent, step);
            let known = paths.iter().position(|known| *known == path);
            1 + known.unwrap_or_else(|| {
                paths.push(path);
                paths.len() - 1
            })
        });
        *path = number.into();
    }
    serde_json::json!({"paths": paths, "writes": lanes})
}
