//! What tells items apart that have no key.

use rejoin::document::Value;

/// The same on every machine: by it, imports on two sides agree on which item is which.
pub(super) fn digest(value: &Value) -> u64 {
    match value {
        Value::Null => fold(1, 0),
        Value::Bool(truth) => fold(2, u64::from(*truth)),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(natural), _) => fold(4, natural),
            (None, Some(negative)) => fold(3, u64::from_ne_bytes(negative.to_ne_bytes())),
            (None, None) => fold(5, number.as_f64().to_bits()),
        },
        Value::String(text) => digest_of(text),
        Value::Array(items) => items.iter().fold(7, |sum, item| fold(sum, digest(item))),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, it)| fold(digest_of(name), digest(it)));
            fold(8, fields.fold(0, u64::wrapping_add))
        }
    }
}

fn digest_of(text: &str) -> u64 {
    let word = |chunk: &[u8]| chunk.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    let words = text.as_bytes().chunks(8).map(word);
    words.fold(fold(6, text.len() as u64), fold)
}

#[allow(clippy::cast_possible_truncation)] // the two halves
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0xa076_1d64_78bd_642f) * u128::from(b ^ 0xe703_7ed1_a0b4_28db);
    product as u64 ^ (product >> 64) as u64
}
