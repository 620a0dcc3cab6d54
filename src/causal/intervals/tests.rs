//! The set against one that is obviously right.

use super::{CHUNK, Form, Interval, Intervals};
use alloc::{boxed::Box, collections::BTreeSet, vec::Vec};
use core::hash::{Hash, Hasher};
use proptest::prelude::*;

/// Obviously right, and infeasibly slow for real counters.
type Model = BTreeSet<u64>;

fn build(ranges: &[(u64, u64)]) -> (Intervals, Model) {
    let (mut set, mut model) = (Intervals::default(), Model::new());
    for &(first, len) in ranges {
        let grows = (first..=first + len).any(|counter| !model.contains(&counter));
        assert_eq!(set.insert(first, first + len), grows, "insert tells the truth");
        model.extend(first..=first + len);
    }
    (set, model)
}

fn same(set: &Intervals, model: &Model) {
    let touched = set.block_ranges().flat_map(|(from, upto)| from..=upto);
    let blocks: BTreeSet<u64> = model.iter().map(|counter| counter / 64).collect();
    assert_eq!(touched.collect::<Vec<_>>(), blocks.into_iter().collect::<Vec<_>>());
    assert_eq!(set.check_invariants(), Ok(()));
    let listed = set.iter().flat_map(|it| it.first..=it.last);
    assert_eq!(listed.collect::<Vec<_>>(), model.iter().copied().collect::<Vec<_>>());
    for block in 0..6 {
        let bits = (0..64).filter(|bit| model.contains(&(block * 64 + bit)));
        assert_eq!(set.mask(block), bits.fold(0, |mask, bit| mask | 1 << bit));
    }
}

/// A few long ones, or enough short ones to fill several chunks.
fn ranges() -> impl Strategy<Value = Vec<(u64, u64)>> {
    prop_oneof![
        prop::collection::vec((1..300_u64, 0..40_u64), 0..24),
        prop::collection::vec((1..330_u64, 0..3_u64), 0..150),
        prop::collection::vec((1..330_u64, prop_oneof![9 => Just(0), 1 => 0..50_u64]), 0..150),
    ]
}

fn hash(set: &Intervals) -> u64 {
    let mut hasher = ahash::AHasher::default();
    set.hash(&mut hasher);
    hasher.finish()
}

proptest! {
    #[test]
    fn set_operations_agree_with_a_set(a in ranges(), b in ranges(), cut in 0..350_u64) {
        let ((a, model_a), (b, model_b)) = (build(&a), build(&b));
        same(&a, &model_a);
        same(&a.intersection(&b), &(&model_a & &model_b));
        same(&a.difference(&b), &(&model_a - &model_b));

        let mut union = a.clone();
        prop_assert_eq!(union.union(&b), !model_b.is_subset(&model_a));
        same(&union, &(&model_a | &model_b));

        union.subtract(&b.difference(&a));
        same(&union, &model_a);
        let mut rest = a.clone();
        rest.subtract(&a.intersection(&b));
        same(&rest, &(&model_a - &model_b));

        let mut rebuilt = Intervals::default();
        (0..6).for_each(|block| rebuilt.append_mask(block, a.mask(block)));
        prop_assert_eq!(&rebuilt, &a);
        prop_assert_eq!(hash(&rebuilt), hash(&a));
        prop_assert_eq!(hash(&a) == hash(&b), model_a == model_b, "hashes tell sets apart");
        prop_assert_eq!(a == b, model_a == model_b);
        prop_assert_eq!(a.covers(&b), model_b.is_subset(&model_a));
        prop_assert!((0..400).all(|it| a.contains(it) == model_a.contains(&it)));

        let mut head = a;
        head.truncate_after(cut);
        same(&head, &model_a.into_iter().filter(|&counter| counter <= cut).collect());
    }
}

#[test]
fn what_is_printed_are_the_intervals() {
    let printed = |ranges: &[(u64, u64)]| alloc::format!("{:?}", build(ranges).0);
    assert_eq!(printed(&[]), "[]");
    let two = printed(&[(1, 1), (4, 0)]);
    assert!(two.contains('2') && two.contains('4') && !two.contains('3'), "{two}");
}

/// Every other counter, and then the holes: in order, from the end, and here and there.
#[test]
fn what_is_filled_takes_no_more_room_than_what_was_never_open() {
    const HOLES: u64 = 101;
    for step in [1, HOLES - 1, 37] {
        let holes: Vec<_> = (0..HOLES).map(|at| at * step % HOLES * 2 + 2).collect();
        let (mut set, mut model) = build(&[]);
        for hole in holes.iter().map(|hole| hole - 1).chain(holes.iter().copied()) {
            assert!(set.insert(hole, hole) && !set.insert(hole, hole));
            model.insert(hole);
            same(&set, &model);
            let Form::Many(chunks) = &set.0 else { continue };
            let room: usize = chunks.iter().map(Vec::capacity).sum();
            assert!(room <= 16 * set.iter().count() + 4 * CHUNK, "{room}");
            assert!(chunks.len() <= set.iter().count(), "{}", chunks.len());
        }
        assert!(matches!(set.0, Form::One(Interval { first: 1, last: 202 })));
    }
}

/// One interval over a part of many, at each place.
#[test]
fn an_interval_takes_in_all_that_it_touches() {
    let (many, model) = build(&(0..20).map(|at| (3 * at + 1, 0)).collect::<Vec<_>>());
    assert!(matches!(many.0, Form::Many(_)));
    for first in 1..62 {
        for last in first..62 {
            let (mut set, mut model) = (many.clone(), model.clone());
            let grows = (first..=last).any(|it| !model.contains(&it));
            assert_eq!(set.insert(first, last), grows);
            model.extend(first..=last);
            same(&set, &model);
        }
    }
}

/// Each part of each interval of few and of many, which leaves what is before it and after it.
#[test]
fn what_is_taken_out_leaves_all_else() {
    for of in [1, 2, 5, 40] {
        let (all, model) = build(&(0..of).map(|at| (6 * at + 1, 3)).collect::<Vec<_>>());
        for gone in 0..of * 10 {
            let (start, part) = (6 * (gone / 10) + 1, gone % 10);
            let (first, last) =
                [(0, 0), (0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3), (2, 2), (2, 3), (3, 3)]
                    [usize::try_from(part).unwrap_or_default()];
            let (mut set, mut model) = (all.clone(), model.clone());
            set.subtract(&Intervals::of(start + first, start + last));
            (start + first..=start + last).for_each(|it| _ = model.remove(&it));
            same(&set, &model);
        }
        let mut unseen = all.clone();
        unseen.subtract(&Intervals::of(4, 7));
        unseen.subtract(&Intervals::of(6 * of, 6 * of));
        same(&unseen, &model);
        let mut none = all.clone();
        none.subtract(&all);
        assert!(none.is_empty());
        same(&none, &Model::new());
    }
}

#[test]
fn intervals_of_another_form_than_their_number_has_are_found() {
    let one = Interval { first: 1, last: 1 };
    let several =
        |of: u64| (2..2 + of).map(|at| Interval { first: 2 * at, last: 2 * at }).collect();
    let forms = [
        Form::Few(Vec::from([one])),
        Form::Few(several(CHUNK as u64 + 1)),
        Form::Many(Box::new(Vec::from([several(2)]))),
        Form::Many(Box::new(Vec::from([several(2), Vec::new()]))),
        Form::Many(Box::new(Vec::from([Vec::from([one]), several(CHUNK as u64 + 1)]))),
    ];
    for form in forms {
        let found = Intervals(form).check_invariants();
        assert_eq!(found, Err("intervals have the form of another number of them"));
    }
}

#[test]
fn broken_intervals_are_found() {
    let check = |intervals: &[(u64, u64)]| {
        let intervals = intervals.iter().map(|&(first, last)| Interval { first, last });
        Intervals(Form::Few(intervals.collect())).check_invariants()
    };
    let unsound = Err("an interval is empty or starts before 1");
    assert_eq!([check(&[(0, 1)]), check(&[(3, 2)])], [unsound; 2]);
    let together = Err("intervals touch, overlap or are out of order");
    assert_eq!(check(&[(1, 2), (3, 4)]), together);
    assert_eq!(check(&[(5, 6), (1, 2)]), together);
    assert_eq!(check(&[(1, 2), (4, 4)]), Ok(()));
}

#[test]
fn the_last_counter_is_a_counter_like_any_other() {
    let mut set = Intervals::of(u64::MAX, u64::MAX);
    assert!(set.contains(u64::MAX));
    assert_eq!(set.mask(u64::MAX / 64), 1 << 63);
    assert!(set.insert(1, 5) && set.insert(u64::MAX - 1, u64::MAX));
    assert!(!set.insert(u64::MAX, u64::MAX));
    assert_eq!(set.check_invariants(), Ok(()));
    assert_eq!(set.difference(&Intervals::of(4, u64::MAX)), Intervals::of(1, 3));
    assert_eq!(set.intersection(&Intervals::of(5, u64::MAX - 1)).iter().count(), 2);
}
