//! What contexts and versions say of what was seen, beside plain sets of numbers.

use crate::{encoded::digest, replica};
use proptest::{collection::vec, prelude::*};
use rejoin::{
    DeltaState, Merge, OrSet, ReplicaId, Version,
    causal::{CausalContext, Dot},
    sync::Fingerprint,
    wire,
};
use std::collections::BTreeSet;

fn ids() -> [ReplicaId; 2] {
    ["us", "eu"].map(replica)
}

fn context(dots: &[(usize, u64)]) -> CausalContext {
    let dot = |&(of, counter): &(usize, u64)| Dot::new(ids()[of], counter.try_into().unwrap());
    dots.iter().map(dot).collect()
}

fn dots() -> impl Strategy<Value = Vec<(usize, u64)>> {
    let counter = prop_oneof![12 => 1..20_u64, 1 => u64::MAX - 2..=u64::MAX];
    vec((0..2_usize, counter), 0..20)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..<_>::default() })]

    #[test]
    fn contexts_answer_as_sets_do(ours in dots(), theirs in dots()) {
        let (a, b) = (context(&ours), context(&theirs));
        let [ours, theirs] = [ours, theirs].map(BTreeSet::from_iter);
        prop_assert_eq!(a.covers(&b), ours.is_superset(&theirs));
        let rest: Vec<(usize, u64)> = ours.difference(&theirs).copied().collect();
        prop_assert_eq!(a.difference(&b), context(&rest));
        for (of, replica) in ids().into_iter().enumerate() {
            let seen: Vec<u64> = ours.iter().filter(|it| it.0 == of).map(|it| it.1).collect();
            prop_assert_eq!(a.last(replica), seen.last().copied().unwrap_or(0));
            // What is missing lies between what was seen, and together they leave nothing out.
            let mut all: Vec<_> = a.missing(replica).chain(a.intervals(replica)).collect();
            all.sort_by_key(|it| *it.start());
            let ends = all.windows(2).map(|it| (*it[0].end() + 1, *it[1].start()));
            prop_assert!(ends.clone().all(|(end, start)| end == start), "{all:?}");
            prop_assert!(all.first().is_none_or(|it| *it.start() == 1));
            prop_assert!(a.missing(replica).all(|gap| !gap.is_empty()));
            let is_missing = |counter: &u64| a.missing(replica).any(|it| it.contains(counter));
            prop_assert!(!seen.iter().any(is_missing));
        }
    }

    /// Whether a version covers another is whether there is nothing to send.
    #[test]
    fn a_version_covers_what_has_nothing_to_send(
        steps in vec((0..2_usize, 0..4_u8, any::<bool>(), 0..4_usize), 0..24),
    ) {
        let (mut sets, mut deltas) = ([OrSet::new(), OrSet::new()], Vec::new());
        for (at, element, is_added, delivered) in steps {
            deltas.push(if is_added {
                sets[at].insert(element, ids()[at]).unwrap()
            } else {
                sets[at].remove(&element, ids()[at]).unwrap()
            });
            if let Some(delta) = deltas.get(delivered) {
                sets[1 - at].apply(delta);
            }
            for [ours, theirs] in [[0, 1], [1, 0], [0, 0]] {
                let (a, b) = (sets[ours].version(), sets[theirs].version());
                let is_nothing = sets[theirs].delta_since(&a).is_empty();
                prop_assert_eq!(a.covers(&b), is_nothing);
                prop_assert_eq!(digest(&a).covers(&digest(&b)), is_nothing);
                prop_assert!(a.covers(&Version::default()));
                prop_assert_eq!(a == Version::default(), a.is_empty());
            }
            let mut both = sets[0].clone();
            both.merge(&sets[1]);
            prop_assert!(sets.iter().all(|it| both.version().covers(&it.version())));
        }
    }
}

#[test]
fn what_bytes_hold_is_told_without_reading_them() {
    let schema = |bytes: &[u8]| wire::schema_of(bytes);
    let mut set: OrSet<(u8, Option<String>)> = OrSet::new();
    let delta = set.insert((1, None), ids()[0]).unwrap();
    let bytes = wire::to_bytes(&delta);
    assert_eq!(schema(&bytes).unwrap().to_string(), "SetDelta<tuple<u8, Option<String>>>");
    // The value may be cut off, or broken; the type may not.
    let told = schema(&bytes).unwrap();
    let shortest = (0..bytes.len()).find(|len| schema(&bytes[..*len]).is_ok()).unwrap();
    assert!(shortest < bytes.len());
    for len in 0..bytes.len() {
        let read = schema(&bytes[..len]);
        assert_eq!(read.is_ok(), len >= shortest, "{len}");
        assert!(read.is_ok_and(|it| it == told) || len < shortest);
    }
    assert!(schema(&[]).unwrap_err().is_truncated());
    assert!(schema(b"{}").unwrap_err().is_foreign());
    let (mut later, mut unknown) = (bytes.clone(), bytes.clone());
    later[2] = 77;
    assert!(schema(&later).unwrap_err().is_unknown_version());
    unknown[3] = 0x7c;
    let error = schema(&unknown).unwrap_err();
    assert_eq!((error.is_malformed(), error.offset()), (true, 3));
    // A type of the program's own, cut off.
    let named = [&bytes[..3], b"\x7f\x07Session", &[1, 2]].concat();
    for len in 4..=named.len() {
        let read = schema(&named[..len]).map(|it| it.to_string());
        assert_eq!(read.ok(), (len >= 12).then(|| "Session".to_owned()), "{len}");
    }
    // As deep as anybody likes to forge it.
    let forged = [&bytes[..3], &vec![0x10; 100_000]].concat();
    assert!(schema(&forged).unwrap_err().is_malformed());
    let wide = [&bytes[..3], &vec![0x18; 100_000]].concat();
    assert!(schema(&wide).unwrap_err().is_malformed());
    for tag in [&[0x7e, 0, 1, 0][..], &[0x7e, 0, 255, 0], &[0x7d, 0, 255, 0, 255, 0]] {
        let forged = [&bytes[..3], &tag.repeat(100_000)].concat();
        assert!(schema(&forged).unwrap_err().is_malformed());
    }
}

/// A table is the sum of its rows, however it is cut and in whatever order it is summed.
#[test]
fn a_table_is_the_sum_of_its_rows() {
    let row = |key: u64, state: u64| Fingerprint::of(&state).keyed(&key.to_be_bytes());
    let rows: Vec<Fingerprint> = (0..200).map(|key| row(key, key % 3)).collect();
    let all: Fingerprint = rows.iter().copied().sum();
    for cut in [0, 1, 77, 200] {
        let (left, right) = rows.split_at(cut);
        let [left, right] =
            [left, right].map(|part| part.iter().rev().copied().sum::<Fingerprint>());
        assert_eq!(left + right, all);
        assert_eq!((all - left, all - right), (right, left));
    }
    // One row changes, or two change places.
    let mut changed = all;
    changed -= row(5, 2);
    assert_ne!(changed, all);
    changed += row(5, 2);
    assert_eq!(changed, all);
    assert_ne!(row(5, 2) + row(6, 0), row(5, 0) + row(6, 2));
    assert_eq!([].into_iter().sum::<Fingerprint>(), Fingerprint::default());
    assert_ne!(row(0, 0), Fingerprint::default());
    assert_eq!(format!("{all:?}"), all.to_string());
    // As a database adds up two columns, and drops what overflows.
    let column = |half: fn((u64, u64)) -> u64| {
        let sum: u128 = rows.iter().map(|it| u128::from(half(it.to_parts()))).sum();
        u64::try_from(sum % (1 << 64)).unwrap()
    };
    assert_eq!(Fingerprint::from_parts(column(|it| it.0), column(|it| it.1)), all);
}

#[test]
fn a_fingerprint_is_its_text() {
    let fingerprint = Fingerprint::of(&7_u64);
    let text = fingerprint.to_string();
    assert_eq!((text.len(), text.parse()), (32, Ok(fingerprint)));
    assert_eq!(serde_json::to_string(&fingerprint).unwrap(), format!("{text:?}"));
    assert_eq!(
        Fingerprint::from_parts(1, u64::MAX).to_string(),
        "0000000000000001ffffffffffffffff"
    );
    for wrong in
        ["", &text[1..], &(text.clone() + "0"), &text.to_uppercase(), &text.replace('0', "+")]
    {
        let parsed = wrong.parse::<Fingerprint>();
        assert!(parsed.is_err() || wrong == text, "{wrong}");
    }
    let error = format!("+{}", &text[1..]).parse::<Fingerprint>().unwrap_err();
    assert_eq!(error.to_string(), "a fingerprint is 32 hexadecimal digits in lower case");
}
