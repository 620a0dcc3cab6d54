//! What random histories hardly reach: rows with gaps, blocks by the dozen, broken invariants.

use super::{
    CausalContext, Digest, Dot, DotKernel, Index, KeyIndex, KeyOf, Page, Ranks, Slot,
    intervals::Intervals,
    row::{Head, find, within},
};
use crate::{
    merge::{DeltaState, Merge},
    replica::ReplicaId,
};
use alloc::{collections::BTreeSet, format, vec::Vec};
use core::{
    hash::{Hash, Hasher},
    sync::atomic::{AtomicU64, Ordering},
};
use proptest::prelude::*;

const US: ReplicaId = ReplicaId::from_u128(1);
const EU: ReplicaId = ReplicaId::from_u128(2);

type Kernel = DotKernel<u64>;

/// A kernel that has seen the counters up to `last`, with some of them alive.
fn kernel(last: u64, live: impl IntoIterator<Item = u64>) -> Kernel {
    let context = CausalContext::up_to((last > 0).then_some((US, last)).into_iter());
    Kernel::assemble(context, live.into_iter().map(|counter| (Dot::of(US, counter), counter)))
}

fn joined(ours: &Kernel, theirs: &Kernel) -> Kernel {
    let mut joined = ours.clone();
    assert_eq!(joined.merge(theirs), joined != *ours, "merge tells the truth");
    assert_eq!(joined.check_invariants(), Ok(()));
    joined
}

proptest! {
    #[test]
    fn rows_are_searched_as_lists_are(
        numbers: BTreeSet<u8>, sought: u8, ends: (u8, u8), dense in 0..40_u64,
    ) {
        let numbers: BTreeSet<u64> = numbers.into_iter().map(u64::from).chain(0..dense).collect();
        let row: Vec<Head> = numbers.iter().map(|&number| Head { number, at: 0 }).collect();
        let plain = row.binary_search_by_key(&sought.into(), |head| head.number);
        prop_assert_eq!(find(&row, sought.into()), plain);

        let (from, upto) = (ends.0.min(ends.1).into(), ends.0.max(ends.1).into());
        let found = within(&row, from, upto).iter().map(|head| head.number);
        let expected = numbers.range(from..=upto).copied();
        prop_assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    }

    /// Many blocks come, go and stay at once, before and after those that are there.
    #[test]
    fn joins_of_many_blocks_agree_with_sets(
        ours in prop::collection::btree_set(1..1_500_u64, 0..60),
        theirs in prop::collection::btree_set(1..1_500_u64, 0..60),
        seen in (0..1_500_u64, 0..1_500_u64),
    ) {
        let live = |live: &BTreeSet<u64>, last: u64| -> BTreeSet<u64> {
            live.range(..=last).copied().collect()
        };
        let (ours, theirs) = (live(&ours, seen.0), live(&theirs, seen.1));
        let expected = |counter: &u64| {
            let kept = ours.contains(counter) && (theirs.contains(counter) || *counter > seen.1);
            kept || theirs.contains(counter) && *counter > seen.0
        };
        let expected: Vec<u64> = (1..1_500).filter(expected).collect();
        let (ours, theirs) = (kernel(seen.0, ours), kernel(seen.1, theirs));
        let join = joined(&ours, &theirs);
        prop_assert_eq!(join.payloads().copied().collect::<Vec<_>>(), expected);
        prop_assert_eq!(&joined(&theirs, &ours), &join);
    }
}

#[test]
fn blocks_before_those_that_are_there_are_listed_before_them() {
    let all = kernel(1_000, 1..=1_000);
    let mut late = Kernel::new();
    let parts = [700..=1_000, 1..=699].map(|part| {
        let mut context = CausalContext::new();
        context.insert_all(US, *part.start(), *part.end());
        Kernel::assemble(context, part.map(|counter| (Dot::of(US, counter), counter)))
    });
    for part in &parts {
        assert!(late.merge(part));
        assert_eq!(late.check_invariants(), Ok(()));
    }
    assert_eq!(late, all);
}

#[test]
fn many_blocks_go_at_once_and_the_others_stay() {
    let (full, few) = (kernel(1_000, 1..=1_000), kernel(1_000, [3, 500, 900]));
    assert_eq!(joined(&full, &few), few);
    assert_eq!(joined(&few, &full), few);
}

#[test]
fn blocks_that_look_alike_at_other_numbers_are_not_the_same() {
    let alone = |counter: u64| {
        let mut context = CausalContext::new();
        context.insert(Dot::of(US, 1));
        context.insert(Dot::of(US, counter));
        Kernel::assemble(context, [(Dot::of(US, counter), 7)])
    };
    assert_eq!(joined(&alone(70), &alone(134)).live_len(), 2);
}

#[test]
fn a_dot_dies_once() {
    let mut kernel = kernel(3, 1..=3);
    let slot = kernel.slot(Dot::of(US, 2)).unwrap_or(Slot::NONE);
    assert_eq!((kernel.kill(slot), kernel.kill(slot)), (Some(2), None));
    assert_eq!(
        [1, 2, 3].map(|counter| kernel.get(Dot::of(US, counter)).copied()),
        [Some(1), None, Some(3)]
    );
    assert_eq!((kernel.slot(Dot::of(US, 70)), kernel.slot(Dot::of(EU, 1))), (None, None));
    assert_eq!(kernel.payloads().copied().collect::<Vec<_>>(), [1, 3]);
    assert_eq!(kernel.check_invariants(), Ok(()));
}

#[test]
fn contexts_tell_what_is_new() {
    let mut ours = CausalContext::new();
    assert!(ours.insert(Dot::of(US, 1)) && !ours.insert(Dot::of(US, 1)));
    let theirs: CausalContext = [Dot::of(US, 1), Dot::of(EU, 1)].into_iter().collect();
    assert!(ours.merge(&theirs) && !ours.merge(&theirs));
    assert_eq!(ours, theirs);
    // What is new at one replica is not forgotten at the next.
    ours.insert(Dot::of(EU, 2));
    let known: CausalContext = [Dot::of(US, 2), Dot::of(EU, 1)].into_iter().collect();
    assert!(ours.merge(&known));
    assert_eq!(ours.check_invariants(), Ok(()));
}

#[test]
fn applying_tells_whether_it_changed_anything() {
    let mut ours = Kernel::new();
    assert!(ours.apply_owned(kernel(3, [2])) && !ours.apply_owned(kernel(3, [2])));
    assert!(!ours.apply_owned(Kernel::new()));
}

#[test]
fn a_broken_context_is_found() {
    let mut context: CausalContext = [Dot::of(US, 1), Dot::of(EU, 1)].into_iter().collect();
    context.lanes.swap(0, 1);
    assert_eq!(context.check_invariants(), Err("replicas are repeated or out of order"));
    context.lanes[0].0 = US;
    assert_eq!(context.check_invariants(), Err("replicas are repeated or out of order"));
    context.lanes.remove(0);
    assert_eq!(context.check_invariants(), Ok(()));
    context.lanes[0].1 = Intervals::default();
    assert_eq!(context.check_invariants(), Err("a replica has an empty lane"));
    context.lanes[0].1 = Intervals::of(3, 1);
    assert_eq!(context.check_invariants(), Err("an interval is empty or starts before 1"));
}

/// Breaks a kernel of two blocks, and tells what is found.
fn broken(breaks: impl FnOnce(&mut Kernel)) -> Result<(), &'static str> {
    let mut kernel = kernel(100, [1, 2, 70]);
    breaks(&mut kernel);
    kernel.check_invariants()
}

#[test]
fn a_broken_kernel_is_found() {
    assert_eq!(broken(|_| ()), Ok(()));
    assert_eq!(broken(|it| it.rows.clear()), Err("rows and lanes differ in number"));
    let unsorted = Err("blocks are repeated or out of order");
    assert_eq!(broken(|it| it.rows[0].heads.swap(0, 1)), unsorted);
    assert_eq!(broken(|it| it.rows[0].heads[1] = it.rows[0].heads[0]), unsorted);
    let empty = broken(|it| {
        let at = it.blocks.open(US, 9);
        it.rows[0].heads.push(Head { number: 9, at });
    });
    assert_eq!(empty, Err("an empty block is kept"));
    let unseen = broken(|it| it.context.lanes[0].1.truncate_after(69));
    assert_eq!(unseen, Err("a live dot was never seen"));
    let elsewhere = Err("a block does not know its home");
    assert_eq!(broken(|it| it.rows[0].heads[0].number = 1), unsorted);
    assert_eq!(broken(|it| it.context.lanes[0].0 = EU), elsewhere);
    let miscounted = Err("the count of live dots is stale");
    assert_eq!(broken(|it| it.live += 1), miscounted);
    let stale = Err("a row's sum is stale");
    assert_eq!(broken(|it| it.rows[0].sum ^= 1), stale);
    assert_eq!(broken(|it| _ = it.rows[0].heads.pop()), stale);
    let lost = broken(|it| {
        let at = it.blocks.open(US, 9);
        it.blocks.insert(at, 0, 7);
    });
    assert_eq!(lost, Err("a block is lost or listed twice"));
}

/// A payload whose hash changes, as no payload's may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Fickle;

static MOOD: AtomicU64 = AtomicU64::new(0);

impl Hash for Fickle {
    fn hash<H: Hasher>(&self, state: &mut H) {
        MOOD.load(Ordering::Relaxed).hash(state);
    }
}

#[test]
fn a_stale_sum_is_found() {
    let mut kernel = DotKernel::new();
    assert!(kernel.write(Fickle, &[], US).is_ok());
    assert_eq!(kernel.check_invariants(), Ok(()));
    MOOD.store(1, Ordering::Relaxed);
    assert_eq!(kernel.check_invariants(), Err("a block's sum is stale"));
}

#[test]
fn few_dots_are_told_from_many() {
    let has = |intervals: &[(u64, u64)]| {
        let mut context = CausalContext::new();
        for &(first, last) in intervals {
            context.insert_all(US, first, last);
        }
        context.insert(Dot::of(EU, 1));
        context.has_at_most(5)
    };
    assert!(
        [&[][..], &[(1, 4)], &[(2, 3), (7, 8)], &[(u64::MAX - 3, u64::MAX)]].into_iter().all(has)
    );
    let many = [&[(1, 5)][..], &[(1, 2), (4, 5), (7, 7)], &[(1 << 63, u64::MAX)], &[(1, u64::MAX)]];
    assert!(!many.into_iter().any(has));
}

/// One dot with two payloads, in a block that is joined as one: the greater stays on both sides.
#[test]
fn one_dot_with_two_payloads_is_noticed_in_a_block() {
    let side = |last| {
        let mut kernel = Kernel::new();
        for payload in [1, 2, 3, 4, last] {
            assert!(kernel.write(payload, &[], US).is_ok());
        }
        kernel
    };
    let (lesser, greater) = (side(5), side(9));
    assert_eq!([joined(&lesser, &greater), joined(&greater, &lesser)], [side(9), side(9)]);
}

/// Keys that collide now and then.
struct Third;

impl Ranks<u64> for Third {
    type Rank = Dot;

    fn rank(_: &u64, dot: Dot) -> Dot {
        dot
    }
}

impl KeyOf<u64> for Third {
    type Key = u64;
    fn key(payload: &u64) -> &u64 {
        [&0, &1, &2][usize::from(payload.to_le_bytes()[0] % 3)]
    }
}

proptest! {
    /// Keys with many live dots, which come and go in any order.
    #[test]
    fn an_index_lists_what_is_alive(toggled in prop::collection::vec((1..20_u64, any::<bool>()), 0..80)) {
        let all = (1..20).flat_map(|counter| [Dot::of(US, counter), Dot::of(EU, counter)]);
        let mut kernel = Kernel::with_context(all.collect());
        let mut index = KeyIndex::<Third>::default();
        for (counter, ours) in toggled {
            let dot = Dot::of(if ours { US } else { EU }, counter);
            if let Some(slot) = kernel.slot(dot) {
                index.going(kernel.blocks(), slot);
                kernel.kill(slot);
            } else {
                let slot = kernel.put(dot, counter);
                index.came(kernel.blocks(), slot);
            }
            prop_assert_eq!(index.check(&kernel), Ok(()));
            let alive: BTreeSet<u64> = kernel.payloads().map(|it| it % 3).collect();
            prop_assert_eq!(index.len(), alive.len());
            prop_assert_eq!(index.has_doubles(), kernel.live_len() > alive.len());
        }
    }
}

#[test]
fn a_stale_index_is_found() {
    let (three, four) = (kernel(9, 1..=3), kernel(9, 1..=4));
    let index = KeyIndex::<Third>::over(&four);
    assert_eq!(index.check(&four), Ok(()));
    assert_eq!((index.len(), index.has_doubles()), (3, true));
    assert!(!KeyIndex::<Third>::over(&three).has_doubles());
    let differ = Err("the index and the kernel differ in number");
    assert_eq!(index.check(&three), differ);
    assert_eq!(KeyIndex::<Third>::over(&three).check(&four), differ);
    let other = Err("a key has other live dots than the index lists");
    assert_eq!(index.check(&kernel(9, [1, 2, 3, 5])), other);
}

#[test]
fn what_is_printed_tells_what_it_is() {
    let kernel = kernel(3, [2]);
    assert_eq!(format!("{:?}", Dot::of(US, 2)), format!("{}", Dot::of(US, 2)));
    assert!(format!("{kernel:?}").contains(&format!("{}", Dot::of(US, 2))));
    assert_eq!(format!("{:?}", KeyIndex::<Third>::over(&kernel)), "KeyIndex { keys: 1, .. }");
}

#[test]
fn a_broken_digest_is_found() {
    let of = |counters: core::ops::RangeInclusive<u64>| -> CausalContext {
        counters.map(|counter| Dot::of(US, counter)).collect()
    };
    assert_eq!(Digest::new(of(1..=3), of(2..=3)).check_invariants(), Ok(()));
    let unseen = Digest::new(of(1..=3), of(3..=4)).check_invariants();
    assert_eq!(unseen, Err("a live dot was never seen"));
    let empty = CausalContext { lanes: [(US, Intervals::default())].into_iter().collect() };
    assert!(Digest::new(empty.clone(), CausalContext::new()).check_invariants().is_err());
    assert!(Digest::new(of(1..=3), empty).check_invariants().is_err());
}

/// Equal masks and sums say nothing of blocks with other numbers.
#[test]
fn blocks_that_look_alike_are_not_the_same() {
    let of = |last: u64, counter: u64| {
        let mut context = CausalContext::new();
        context.insert_all(US, 1, last);
        Kernel::assemble(context, [(Dot::of(US, counter), 7)])
    };
    let joined = joined(&of(5, 5), &of(69, 69));
    assert_eq!(joined.iter().collect::<Vec<_>>(), [(Dot::of(US, 69), &7)]);
}

#[cfg(feature = "laws")]
#[test]
fn a_version_with_a_live_dot_that_was_never_seen_is_broken() {
    let (seen, live) = (kernel(1, []), kernel(2, []));
    let version = |seen: &Kernel, live: &Kernel| {
        crate::Version(Digest::new(seen.context().clone(), live.context().clone()))
    };
    let check = <crate::Version as crate::laws::Invariants>::check_invariants;
    assert!(check(&version(&seen, &live)).is_err());
    assert_eq!(check(&version(&live, &seen)), Ok(()));
}
