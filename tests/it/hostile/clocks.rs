//! Clocks against maps of counts.

use super::Choices;
use rejoin::{Causality, DeltaState, Merge, ReplicaId, VectorClock, laws::Invariants};
use std::collections::{BTreeMap, BTreeSet};

type Counts = BTreeMap<ReplicaId, u64>;

fn count(choices: &mut Choices<'_>) -> u64 {
    match choices.byte() {
        255 => u64::MAX,
        254 => u64::MAX - 1,
        small => u64::from(small % 4),
    }
}

fn counts(choices: &mut Choices<'_>) -> Counts {
    let entries = choices.below(8);
    let mut entry = || (ReplicaId::from_u128(choices.below(8).into()), count(choices));
    let counts: Counts = (0..entries).map(|_| entry()).collect();
    counts.into_iter().filter(|entry| entry.1 > 0).collect()
}

fn compare(a: &Counts, b: &Counts) -> Causality {
    let count = |counts: &Counts, id| counts.get(&id).copied().unwrap_or(0);
    let ids: BTreeSet<ReplicaId> = a.keys().chain(b.keys()).copied().collect();
    let less = ids.iter().any(|id| count(a, *id) < count(b, *id));
    let more = ids.iter().any(|id| count(a, *id) > count(b, *id));
    match (less, more) {
        (false, false) => Causality::Equal,
        (true, false) => Causality::Before,
        (false, true) => Causality::After,
        (true, true) => Causality::Concurrent,
    }
}

fn clock_of(counts: &Counts) -> VectorClock {
    counts.iter().map(|(id, count)| (*id, *count)).collect()
}

pub(super) fn clock(data: &[u8]) {
    let mut choices = Choices(data);
    let (a, b) = (counts(&mut choices), counts(&mut choices));
    let (left, right) = (clock_of(&a), clock_of(&b));
    assert_eq!(left.compare(&right), compare(&a, &b));
    assert_eq!(left == right, a == b);
    assert_eq!(left.partial_cmp(&right), right.partial_cmp(&left).map(std::cmp::Ordering::reverse));

    let mut merged = left.clone();
    assert_eq!(merged.merge(&right), merged != left);
    let mut greater = a.clone();
    for (id, count) in &b {
        let ours = greater.entry(*id).or_default();
        *ours = (*ours).max(*count);
    }
    assert_eq!(merged, clock_of(&greater));
    assert_eq!(merged.iter().collect::<Counts>(), greater);
    assert_eq!((merged.len(), merged.is_empty()), (greater.len(), greater.is_empty()));
    merged.check_invariants().unwrap();

    let both = a.iter().filter_map(|(id, count)| Some((*id, (*count).min(*b.get(id)?))));
    assert_eq!(left.meet(&right), clock_of(&both.collect()));
    let news = a.iter().filter(|(id, count)| b.get(id).is_none_or(|theirs| theirs < count));
    let news = news.map(|(id, count)| (*id, *count)).collect();
    assert_eq!(left.delta_since(&right.version()), clock_of(&news));

    let id = ReplicaId::from_u128(choices.below(8).into());
    let before = merged.clone();
    let count = greater.get(&id).copied().unwrap_or(0);
    match merged.increment(id) {
        Ok(delta) => {
            assert_eq!(delta, clock_of(&[(id, count + 1)].into()));
            assert_eq!(merged.get(id), count + 1);
        }
        Err(_) => assert_eq!((count, merged), (u64::MAX, before)),
    }
}
