//! Where items stand, and what tells those apart that have no key.

use rejoin::{ReplicaId, document::Value};

/// Number, replica, index. Nobody's are those of an array that was written as a whole.
pub(super) type Level = (i64, Option<ReplicaId>, i64);
pub(super) type Place = Vec<Level>;

pub(super) fn imported(index: usize) -> Place {
    vec![(0, None, i64::try_from(index).unwrap())]
}

/// A place between two; no levels stand for the start and for the end of the list.
pub(super) fn between(left: &[Level], right: &[Level], replica: ReplicaId) -> Place {
    let me = Some(replica);
    let lies_between =
        |place: &Place| left < &place[..] && (right.is_empty() || &place[..] < right);
    let in_run_of = |place: &[Level], by: i64| {
        let ((number, owner, index), above) = place.split_last()?;
        (*owner == me).then(|| [above, &[(*number, me, index + by)]].concat())
    };
    let run_beside = |place: &[Level], depth: usize, by: i64| {
        let number = place.get(depth)?.0 + by;
        Some([&place[..depth], &[(number, me, 0)]].concat())
    };
    let shared = left.iter().zip(right).take_while(|(left, right)| left == right).count();
    let new_run = match (left.get(shared), right.get(shared)) {
        (None, None) => Some(vec![(0, me, 0)]),
        (None, Some(_)) => run_beside(right, shared, -1),
        (Some(_), None) => run_beside(left, shared, 1),
        (Some(low), Some(high)) if low.0 + 1 < high.0 => run_beside(left, shared, 1),
        _ => run_beside(left, shared + 1, 1),
    };
    let new_run = new_run.unwrap_or_else(|| [left, &[(0, me, 0)]].concat());
    let run_end = |place: &[Level], end: i64| {
        place.split_last().map(|(last, above)| [above, &[(last.0, me, end)]].concat())
    };
    let after_left = in_run_of(left, 1).filter(|_| run_end(left, i64::MAX).unwrap() < new_run);
    let before_right = in_run_of(right, -1).filter(|_| new_run < run_end(right, i64::MIN).unwrap());
    let place = after_left.or(before_right).unwrap_or_else(|| new_run.clone());
    assert!(lies_between(&place));
    place
}

/// The same on every machine: it decides the order of items that were imported to one place.
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
