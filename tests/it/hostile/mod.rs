//! What may be thrown at the library: each body takes any bytes, and panics where the library does
//! what it must not. Fuzzers run them (`fuzz/`), and `replay` runs them over seeds and findings.

pub(crate) mod amplification;
mod clocks;
mod collection;
pub(crate) mod decoding;
mod documents;
mod sessions;

use crate::spec;

type Body = fn(&[u8]);

/// The fuzz targets, by the names of their folders.
pub(crate) const TARGETS: [(&str, Body); 10] = [
    ("decode_json", decoding::json),
    ("decode_binary", decoding::binary),
    ("decode_wire", decoding::canonical),
    ("histories", histories),
    ("update", documents::update),
    ("pointer", documents::pointer),
    ("clock", clocks::clock),
    ("session", sessions::sessions),
    ("amplification", amplification::amplification),
    ("collection", collection::messages),
];

/// Arbitrary operations on several replicas, against the specification. The first byte says of
/// which type.
fn histories(data: &[u8]) {
    if let Some((which, script)) = data.split_first() {
        spec::play_bytes(*which, script);
    }
}

/// Bytes to make choices from; zeros when they are used up.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn below(&mut self, end: u8) -> u8 {
        self.byte() % end
    }

    fn is_over(&self) -> bool {
        self.0.is_empty()
    }
}
