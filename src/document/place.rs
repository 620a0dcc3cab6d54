//! [`Place`]: where an item stands in its list.
//!
//! A place is a path of levels, each (number, replica, index), and places are ordered level by
//! level, a place before those that extend it. A *run* is what one replica inserts at one spot:
//! its items share number and replica and differ in the index, so that concurrent runs at one
//! spot stay whole. Who appends after another's run takes the next number; only what is put
//! between two neighbours without room goes one level down. So neither appending nor prepending,
//! alone or in turns, makes places longer.
//!
//! Of the family of Logoot (Weiss, Urso and Molli, 2009), with runs as in Weidner and Kleppmann,
//! *The Art of the Fugue*, 2023.

use super::content::Short;
use crate::replica::ReplicaId;
use alloc::sync::Arc;
use core::cmp::Ordering;
use smallvec::SmallVec;

/// Where an item stands: bytes that sort as the items do. An appended or prepended item's take at
/// most 21 up to the ten-thousandth run, and an imported item's at most 5 up to index 65,535.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Near(Short),
    Far(Arc<[u8]>),
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// One level of a place. Nobody's levels are those of an imported array, the same on every side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Level {
    pub(super) number: i64,
    pub(super) replica: Option<ReplicaId>,
    pub(super) index: i64,
}

pub(super) type Levels = SmallVec<[Level; 2]>;

/// How far from zero a number or an index may lie: out of reach of any honest history.
const BOUND: i64 = 1 << 62;

impl Level {
    /// The level next to this one: `by` is 1 or −1. None out of bounds.
    fn numbered(self, by: i64, replica: ReplicaId) -> Option<Self> {
        Some(Self { number: bounded(self.number, by)?, replica: Some(replica), index: 0 })
    }

    fn indexed(self, by: i64) -> Option<Self> {
        Some(Self { index: bounded(self.index, by)?, ..self })
    }

    const fn first(replica: ReplicaId) -> Self {
        Self { number: 0, replica: Some(replica), index: 0 }
    }
}

fn bounded(number: i64, by: i64) -> Option<i64> {
    number.checked_add(by).filter(|sum| (-BOUND..=BOUND).contains(sum))
}

impl Place {
    fn new(bytes: &[u8]) -> Self {
        Short::new(bytes).map_or_else(|| Self::Far(bytes.into()), Self::Near)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Near(short) => short.as_bytes(),
            Self::Far(bytes) => bytes,
        }
    }

    /// The place of bytes read from outside, if they are one's.
    #[cfg(feature = "serde")]
    pub(super) fn checked(bytes: &[u8]) -> Option<Self> {
        let place = Self::new(bytes);
        let levels = place.levels()?;
        (!levels.is_empty() && Self::of(&levels) == place).then_some(place)
    }

    /// The place of levels read from outside, of which there is one at least, if all are in bounds.
    pub(super) fn of_checked(levels: &[Level]) -> Option<Self> {
        let fits = |number| (-BOUND..=BOUND).contains(&number);
        levels.iter().all(|level| fits(level.number) && fits(level.index)).then(|| Self::of(levels))
    }

    /// The place of the item at `index` in an array that is written as a whole.
    pub(super) fn imported(index: usize) -> Self {
        let index = i64::try_from(index).unwrap_or(BOUND);
        Self::of(&[Level { number: 0, replica: None, index }])
    }

    /// A place after `left` and before `right`, for `replica` to insert at; none only between
    /// places at the bounds, which no honest history reaches. O(length).
    pub(super) fn between(
        left: Option<&Self>,
        right: Option<&Self>,
        replica: ReplicaId,
    ) -> Option<Self> {
        let (left, right) = (levels_of(left)?, levels_of(right)?);
        let below = || left.iter().copied().chain([Level::first(replica)]).collect();
        let new = Self::in_a_new_run(&left, &right, replica).unwrap_or_else(below);
        let levels = Self::in_own_run(&left, &right, &new, replica).unwrap_or(new);
        let lies_between = left < levels && (right.is_empty() || levels < right);
        lies_between.then(|| Self::of(&levels))
    }

    /// One further in the run of the replica's own that ends or begins here, if no part of that
    /// run will ever lie beyond where others start `new` ones.
    fn in_own_run(
        left: &Levels,
        right: &Levels,
        new: &Levels,
        replica: ReplicaId,
    ) -> Option<Levels> {
        let beside = |levels: &Levels, by: i64, end: i64| {
            let last = levels.last().copied().filter(|it| it.replica == Some(replica))?;
            let with = |level| {
                let mut levels = levels.clone();
                *levels.last_mut()? = level;
                Some(levels)
            };
            Some((with(last.indexed(by)?)?, with(Level { index: end, ..last })?))
        };
        let after = beside(left, 1, i64::MAX).filter(|(_, end)| end < new);
        let before = || beside(right, -1, i64::MIN).filter(|(_, end)| new < end);
        after.or_else(before).map(|run| run.0)
    }

    /// The first of a new run, as high up as there is room.
    fn in_a_new_run(left: &Levels, right: &Levels, replica: ReplicaId) -> Option<Levels> {
        let shared = left.iter().zip(right).take_while(|(left, right)| left == right).count();
        let at = |levels: &Levels, depth: usize, by| {
            let mut start = Levels::from_slice(levels.get(..depth)?);
            start.push(levels.get(depth)?.numbered(by, replica)?);
            Some(start)
        };
        match (left.get(shared), right.get(shared)) {
            (None, None) => Some([Level::first(replica)].into_iter().collect()),
            (None, Some(_)) => at(right, shared, -1),
            (Some(_), None) => at(left, shared, 1),
            (Some(low), Some(high)) if high.number > low.number + 1 => at(left, shared, 1),
            _ => at(left, shared + 1, 1),
        }
    }

    fn of(levels: &[Level]) -> Self {
        let mut bytes = SmallVec::<[u8; 64]>::new();
        for level in levels {
            push_integer(&mut bytes, level.number);
            match level.replica {
                None => bytes.push(0),
                Some(replica) => {
                    bytes.push(1);
                    bytes.extend_from_slice(&replica.to_bytes());
                }
            }
            push_integer(&mut bytes, level.index);
        }
        Self::new(&bytes)
    }

    pub(super) fn levels(&self) -> Option<Levels> {
        let mut bytes = self.as_bytes();
        let mut levels = Levels::new();
        while !bytes.is_empty() {
            let number = take_integer(&mut bytes)?;
            let replica = match take(&mut bytes, 1)? {
                [0] => None,
                [1] => Some(ReplicaId::from_bytes(take(&mut bytes, 16)?.try_into().ok()?)),
                _ => return None,
            };
            levels.push(Level { number, replica, index: take_integer(&mut bytes)? });
        }
        Some(levels)
    }
}

fn levels_of(place: Option<&Place>) -> Option<Levels> {
    place.map_or_else(|| Some(Levels::new()), Place::levels)
}

/// An integer as bytes that sort as integers do: one from -64 to 63 is one byte, any other a byte
/// that tells sign and length, and the bytes.
fn push_integer(bytes: &mut SmallVec<[u8; 64]>, integer: i64) {
    if let Ok(offset @ 0..128) = u8::try_from(integer + 64) {
        bytes.push(0x40 + offset);
        return;
    }
    let magnitude = if integer < 0 { !integer } else { integer };
    let len = 8 - magnitude.leading_zeros() as usize / 8;
    #[allow(clippy::cast_possible_truncation)] // 1 to 8
    let len_byte = len as u8;
    bytes.push(if integer < 0 { 0x40 - len_byte } else { 0xbf + len_byte });
    bytes.extend_from_slice(&integer.to_be_bytes()[8 - len..]);
}

/// The integer at the start, if it is within bounds and in its one form.
fn take_integer(bytes: &mut &[u8]) -> Option<i64> {
    let head = take(bytes, 1)?[0];
    let (fill, len) = match head {
        0x40..=0xbf => return Some(i64::from(head) - 0x80),
        0x38..=0x3f => (0xff, 0x40 - head),
        0xc0..=0xc7 => (0, head - 0xbf),
        _ => return None,
    };
    let mut wide = [fill; 8];
    wide[8 - usize::from(len)..].copy_from_slice(take(bytes, usize::from(len))?);
    Some(i64::from_be_bytes(wide)).filter(|integer| (-BOUND..=BOUND).contains(integer))
}

fn take<'a>(bytes: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn replica(id: u128) -> ReplicaId {
        ReplicaId::from_u128(id)
    }

    proptest! {
        #[test]
        fn integers_sort_as_their_bytes(a in -BOUND..=BOUND, b in -BOUND..=BOUND, shift in 0..62_u32) {
            for (a, b) in [(a, b), (a >> shift, b >> shift), (a >> shift, (a >> shift) + 1_i64)] {
                let bytes = |integer| {
                    let mut bytes = SmallVec::new();
                    push_integer(&mut bytes, integer);
                    bytes
                };
                prop_assert_eq!(a.cmp(&b), bytes(a).cmp(&bytes(b)));
                prop_assert_eq!(take_integer(&mut &bytes(a)[..]), Some(a));
            }
        }

        /// Whatever was inserted where by whom: there is a place between any two neighbours.
        #[test]
        fn there_is_always_a_place_between(inserts in prop::collection::vec((0..100_usize, 1..4_u128), 0..200)) {
            let mut list: Vec<Place> = (0..3).map(Place::imported).collect();
            for (at, who) in inserts {
                let at = at % (list.len() + 1);
                let left = at.checked_sub(1).map(|left| &list[left]);
                let place = Place::between(left, list.get(at), replica(who));
                let place = place.ok_or_else(|| TestCaseError::fail("no place"))?;
                prop_assert!(left.is_none_or(|left| *left < place));
                prop_assert!(list.get(at).is_none_or(|right| place < *right));
                prop_assert_eq!(Place::checked(place.as_bytes()), Some(place.clone()));
                list.insert(at, place);
            }
        }
    }

    /// The lengths of places, each found beside the one before.
    fn lengths(
        first: Place,
        rounds: u128,
        next: impl Fn(u128, &Place) -> Option<Place>,
    ) -> impl Iterator<Item = Option<usize>> {
        let mut place = Some(first);
        (0..rounds).map(move |round| {
            place = next(round, place.as_ref()?);
            place.as_ref().map(|place| place.as_bytes().len())
        })
    }

    #[test]
    fn appends_and_prepends_in_turns_keep_places_short() {
        let append = |round, last: &Place| Place::between(Some(last), None, replica(round % 3));
        let prepend = |round, first: &Place| Place::between(None, Some(first), replica(round % 2));
        let short = |len: Option<usize>| len.is_some_and(|len| len < 24);
        assert!(lengths(Place::imported(0), 10_000, append).all(short));
        assert!(lengths(Place::imported(0), 10_000, prepend).all(short));
    }

    /// Where a run between two others has gone, its number is free again.
    #[test]
    fn a_gap_between_two_runs_is_used() {
        let mut runs = Vec::from([Place::imported(0)]);
        for who in 1..4 {
            runs.extend(Place::between(runs.last(), None, replica(who)));
        }
        for who in 1..8 {
            let place = Place::between(Some(&runs[1]), Some(&runs[3]), replica(who));
            let levels = place.and_then(|place| place.levels()).map(|levels| levels.len());
            assert_eq!(levels, Some(1));
        }
        let tight = Place::between(Some(&runs[1]), Some(&runs[2]), replica(9));
        assert_eq!(tight.and_then(|place| place.levels()).map(|levels| levels.len()), Some(2));
    }

    #[test]
    fn a_run_typed_in_the_middle_costs_a_level_once() {
        let (left, right) = (Place::imported(0), Place::imported(1));
        let forward = |_, last: &Place| Place::between(Some(last), Some(&right), replica(1));
        let backward = |_, first: &Place| Place::between(Some(&left), Some(first), replica(2));
        let short = |len: Option<usize>| len.is_some_and(|len| len < 26);
        assert!(lengths(left.clone(), 1_000, forward).all(short));
        assert!(lengths(right.clone(), 1_000, backward).all(short));
    }

    #[test]
    fn what_is_no_place_is_refused() {
        let bytes = [&[][..], &[0x80], &[0x80, 2, 0x80], &[0xc0, 5, 0, 0x80], &[0xff; 40]];
        assert!(bytes.iter().all(|bytes| Place::checked(bytes).is_none()));
    }
}
