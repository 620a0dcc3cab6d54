//! Arbitrary JSON, before and after; arbitrary pointers.

use super::Choices;
use rejoin::{
    DeltaState, Document, Merge, ReplicaId, Timestamp, document::DocumentError, laws::Invariants,
};
use serde_json::{Value as Json, json};

const NAMES: [&str; 8] = ["a", "b", "c", "id", "", "/", "~1", "ü"];
const TEXTS: [&str; 4] = ["", "x", "ü\u{0}\"", "longer than what is held in place"];

fn number(choices: &mut Choices<'_>) -> Json {
    match choices.byte() {
        0 => json!(u64::MAX),
        1 => json!(i64::MIN),
        2 => json!(0.1),
        3 => json!(-0.0),
        4 => json!(1.0),
        5 => json!(1e300),
        small => json!(small % 4),
    }
}

fn value(choices: &mut Choices<'_>, depth: usize) -> Json {
    match choices.below(if depth < 6 { 10 } else { 6 }) {
        0 => Json::Null,
        1 => json!(choices.below(2) == 0),
        2 | 3 => number(choices),
        4 | 5 => json!(TEXTS[usize::from(choices.below(4))]),
        6 | 7 => (0..choices.below(5)).map(|_| value(choices, depth + 1)).collect(),
        _ => {
            let fields = choices.below(5);
            let mut field = || {
                let name = NAMES[usize::from(choices.below(8))];
                (name.to_owned(), value(choices, depth + 1))
            };
            Json::Object((0..fields).map(|_| field()).collect())
        }
    }
}

fn id(number: u128) -> ReplicaId {
    ReplicaId::from_u128(number)
}

fn at(millis: u8) -> Timestamp {
    Timestamp::from_millis(millis.into())
}

fn sound(document: &Document, reads: &Json) {
    document.check_invariants().unwrap();
    assert_eq!(document.to_json(), *reads);
    // Floats may be spelled otherwise.
    assert_eq!(document.to_string().parse::<Json>().unwrap(), *reads);
}

/// Two sides turn one document into whatever they like, and meet.
pub(super) fn update(data: &[u8]) {
    let mut choices = Choices(data);
    let before = value(&mut choices, 0);
    let mut ours = Document::from_json(&before, id(1), at(3)).unwrap();
    sound(&ours, &before);
    let mut theirs = ours.clone();
    while !choices.is_over() {
        for (side, number) in [(&mut ours, 1), (&mut theirs, 2)] {
            let now = at(choices.byte());
            let after = value(&mut choices, 0);
            let mut told = side.clone();
            let delta = side.update(&after, id(number), now).unwrap();
            sound(side, &after);
            assert!(side.update(&after, id(number), now).unwrap().is_empty(), "rests");
            told.apply_owned(delta);
            assert_eq!(told, *side);
        }
        if choices.below(2) == 0 {
            theirs.apply_owned(ours.delta_since(&theirs.version()));
            theirs.check_invariants().unwrap();
        }
    }
    let (mut here, mut there) = (ours.clone(), theirs.clone());
    here.merge(&theirs);
    there.merge(&ours);
    assert_eq!(here, there, "commutative");
    sound(&here, &there.to_json());
}

fn get(document: &Document, pointer: &str) -> Option<Json> {
    document.get(pointer).map(Json::from)
}

/// One edit, at whatever pointer.
fn edit(
    document: &mut Document,
    which: u8,
    pointer: &str,
    new: &Json,
    index: usize,
) -> Result<(), DocumentError> {
    let delta = match which % 9 {
        0 => document.set(pointer, new, id(1), at(1)),
        1 => document.remove(pointer, id(1), at(1)),
        2 => document.insert(pointer, new, id(1), at(1)),
        3 => document.push(pointer, new, id(1), at(1)),
        4 => document.move_item(pointer, index, id(1), at(1)),
        5 => document.increment(pointer, index as u64, id(1), at(1)),
        6 => document.decrement(pointer, index as u64, id(1), at(1)),
        7 => document.reset(pointer, id(1), at(1)),
        _ => document.resolve(pointer, new, id(1), at(1)),
    };
    delta.map(|_| ())
}

/// A document, and pointers that lead into it or anywhere.
pub(super) fn pointer(data: &[u8]) {
    let mut choices = Choices(data);
    let start = value(&mut choices, 0);
    let mut document = Document::from_json(&start, id(1), at(1)).unwrap();
    while !choices.is_over() {
        let (which, new) = (choices.byte(), value(&mut choices, 4));
        let pointer = a_pointer(&mut choices);
        let reads = get(&document, "");
        let found = reads.as_ref().and_then(|json| json.pointer(&pointer));
        assert_eq!(get(&document, &pointer).as_ref(), found, "{pointer:?}");

        let (before, index) = (document.clone(), usize::from(choices.below(5)));
        if edit(&mut document, which, &pointer, &new, index).is_err() {
            assert_eq!(document, before, "a refused edit changes nothing");
        } else if which % 9 == 0 {
            let reads = get(&document, &pointer);
            assert!(reads.is_none_or(|it| it == new) || pointer.ends_with("/-"), "{pointer:?}");
        }
        document.check_invariants().unwrap();
    }
}

fn a_pointer(choices: &mut Choices<'_>) -> String {
    let mut pointer = String::new();
    for _ in 0..choices.below(5) {
        match choices.byte() {
            0 => pointer.push_str("/~"),
            1 => pointer.push_str("/-"),
            2 => pointer.push_str("/01"),
            3 => pointer.push_str("/18446744073709551616"),
            4 => pointer.push('a'),
            5 => pointer.push_str("/~2"),
            index @ 6..64 => pointer.extend(['/', char::from(b'0' + index % 4)]),
            name => {
                let name = NAMES[usize::from(name % 8)];
                pointer.push('/');
                pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
            }
        }
    }
    pointer
}
