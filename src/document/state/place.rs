//! [`Place`]: where an item stands in its list.
//!
//! A place is a path of levels, each (number, owner, index). An owner is a replica, and the
//! [way](Way) in which the item came there. Places are ordered level by level,
//! and a place comes before those that extend it. A *run* is what one replica inserts at one spot:
//! its items share number and replica and differ in the index, so concurrent runs at one spot stay
//! whole. A replica that appends after another's run takes a greater number; only an item between
//! two neighbours without room goes one level down. So neither appending nor prepending makes
//! places longer, whether one replica does it or several in turn.
//!
//! The number of a run at the end of a list is the time when it was begun, or one more than the
//! last one's, as in a hybrid clock. So runs that were appended apart stand by time. Runs at the
//! front count backwards.
//!
//! Below the first level, numbers and indexes lie far apart, and a new item between two of them
//! keeps to the side where the next insertion is not expected. If a place would still become long,
//! neighbours are [re-placed](super::room).
//!
//! It is of the family of Logoot (Weiss, Urso and Molli, 2009), with runs as in Weidner and
//! Kleppmann, *The Art of the Fugue*, 2023, and numbers as in Kulkarni et al., *Logical Physical
//! Clocks*, 2014.

use crate::{
    replica::ReplicaId,
    time::{Stamp, Timestamp},
    wire::{unzigzag, zigzag},
};
use alloc::{boxed::Box, sync::Arc};
use core::{
    cmp::Ordering,
    hash::{Hash, Hasher},
};
use smallvec::SmallVec;

/// Where an item stands: in which run, and how far along. 16 bytes; the items of one run share it.
/// Spelled alone, a place takes at most 24 bytes, and on average 16 or fewer.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    run: Arc<Run>,
    index: i64,
}

/// What the items of one run have in common.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Run {
    /// The levels above.
    above: Box<[Level]>,
    number: i64,
    replica: ReplicaId,
    way: Way,
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.index == other.index && self.is_beside(other)
    }
}

impl Eq for Place {}

impl Hash for Place {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&*self.run, self.index).hash(state);
    }
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        if Arc::ptr_eq(&self.run, &other.run) {
            return self.index.cmp(&other.index);
        }
        self.each_level().cmp(other.each_level())
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// How an item came to stand where it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Way {
    /// In an array that was written as a whole: its index is that of the array. Nothing goes on
    /// from such a run.
    Import,
    /// At the end of its list.
    End,
    /// Anywhere else.
    Within,
    /// Where it was read already, because the order of what stands around it was about to change.
    Pinned,
}

impl Way {
    pub(crate) const ALL: [Self; 4] = [Self::Import, Self::End, Self::Within, Self::Pinned];

    pub(crate) fn code(self) -> u8 {
        self as u8
    }

    pub(crate) fn of_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

/// One level of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Level {
    pub(crate) number: i64,
    pub(crate) replica: ReplicaId,
    pub(crate) way: Way,
    pub(crate) index: i64,
}

pub(crate) type Levels = SmallVec<[Level; 2]>;

/// How far from zero a number or an index may lie. This is far more than any honest history needs,
/// and the difference of two always fits in an `i64`.
pub(super) const BOUND: i64 = 1 << 61;

/// How many levels a place may have: no edit makes more.
pub(crate) const LEVELS_MAX: usize = 8;

/// The latest time that is a number. It leaves room for as many runs behind it.
const CLOCK_MAX: u64 = 1 << 60;

/// How far apart the numbers and the indexes below the first level lie, where they are free to.
pub(super) const STRIDE: i64 = 1 << 24;

/// Between two items of a run below the first level, new items start at multiples of this and go on
/// from there one by one: at least this many can be typed backwards before another level is needed.
pub(super) const FINE: i64 = 1 << 6;

/// The side of a gap where the next item is not expected: the new one keeps close to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lean {
    Left,
    Right,
}

impl Level {
    pub(super) const fn first(replica: ReplicaId) -> Self {
        Self { number: 0, replica, way: Way::Within, index: 0 }
    }

    /// Whether this run may be gone on with.
    pub(super) fn is_of(&self, who: Inserter) -> bool {
        let is_same_way = (self.way == Way::Pinned) == (who.way == Way::Pinned);
        self.replica == who.replica && self.way != Way::Import && is_same_way
    }

    /// Whether two levels are of one run, where those above are the same.
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        (self.number, self.replica, self.way) == (other.number, other.replica, other.way)
    }

    /// The start of the replica's own run that is `by` away; `None` if that is out of bounds.
    fn numbered(self, by: i64, who: Inserter) -> Option<Self> {
        Some(Self { number: bounded(self.number, by)?, ..who.first() })
    }

    /// The next of the run, forwards or backwards; `None` if that is out of bounds.
    fn indexed(self, by: i64, depth: usize) -> Option<Self> {
        let from = if depth == 0 { self.index } else { self.index.div_euclid(FINE) * FINE };
        Some(Self { index: bounded(from, by * stride(depth))?, ..self })
    }
}

fn bounded(number: i64, by: i64) -> Option<i64> {
    number.checked_add(by).filter(|sum| (-BOUND..=BOUND).contains(sum))
}

/// How far apart neighbours are at a depth where there is room.
pub(super) const fn stride(depth: usize) -> i64 {
    if depth == 0 { 1 } else { STRIDE }
}

/// A number between two that differ by at least two.
fn within(low: i64, high: i64, lean: Lean) -> i64 {
    let gap = high - low;
    // Close enough to leave most of the gap free, and with room for some on the near side too.
    let near = (gap >> 16).max(1 << 2).min(gap / 2);
    match lean {
        Lean::Left => low + near,
        Lean::Right => high - near,
    }
}

/// The number of a run that is begun at this time at the end of a list.
pub(crate) fn clock(time: Timestamp) -> i64 {
    i64::try_from(time.as_millis().min(CLOCK_MAX)).unwrap_or_default()
}

impl Run {
    /// The run that levels belong to.
    fn of(above: &[Level], last: Level) -> Self {
        let Level { number, replica, way, index: _ } = last;
        Self { above: above.into(), number, replica, way }
    }

    fn level(&self, index: i64) -> Level {
        Level { number: self.number, replica: self.replica, way: self.way, index }
    }
}

impl Place {
    /// The place of these levels.
    pub(crate) fn of(levels: &[Level]) -> Self {
        let nowhere = Level::first(ReplicaId::from_u128(0));
        let (last, above) = levels.split_last().unwrap_or((&nowhere, &[]));
        Self { run: Arc::new(Run::of(above, *last)), index: last.index }
    }

    /// The place of levels read from outside, at least one, if an edit could have made them.
    pub(crate) fn of_checked(levels: &[Level]) -> Option<Self> {
        let fits = |number| (-BOUND..=BOUND).contains(&number);
        let fit = levels.iter().all(|level| fits(level.number) && fits(level.index));
        (fit && (1..=LEVELS_MAX).contains(&levels.len())).then(|| Self::of(levels))
    }

    /// The place of the first item of an array that a replica writes as a whole.
    pub(crate) fn import(replica: ReplicaId, time: Timestamp) -> Self {
        Self::of(&[Level { number: clock(time), replica, way: Way::Import, index: 0 }])
    }

    /// The place at another index of the same run, if that is within bounds.
    pub(crate) fn at(&self, index: i64) -> Option<Self> {
        let fits = (-BOUND..=BOUND).contains(&index);
        fits.then(|| Self { run: self.run.clone(), index })
    }

    pub(crate) const fn run(&self) -> &Arc<Run> {
        &self.run
    }

    pub(crate) const fn index(&self) -> i64 {
        self.index
    }

    /// Its first level.
    pub(super) fn top(&self) -> Level {
        self.run.above.first().copied().unwrap_or_else(|| self.run.level(self.index))
    }

    /// The import that it begins in, if it does: when it was written, and by whom.
    pub(crate) fn imported(&self) -> Option<Stamp> {
        let Level { number, replica, way, .. } = self.top();
        let time = Timestamp::from_millis(number.max(0).unsigned_abs());
        (way == Way::Import).then_some(Stamp { time, replica })
    }

    pub(super) fn way(&self) -> Way {
        self.run.way
    }

    /// Whether both are in one run.
    fn is_beside(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.run, &other.run) || self.run == other.run
    }

    /// Shares the run of another place in memory, if it is the same.
    pub(crate) fn share(&mut self, other: &Arc<Run>) -> bool {
        let is_same = Arc::ptr_eq(&self.run, other) || self.run == *other;
        if is_same {
            self.run = other.clone();
        }
        is_same
    }

    fn each_level(&self) -> impl Iterator<Item = Level> + '_ {
        self.run.above.iter().copied().chain([self.run.level(self.index)])
    }

    pub(crate) fn levels(&self) -> Levels {
        self.each_level().collect()
    }

    /// Bytes that sort as places do.
    #[cfg(feature = "serde")]
    pub(crate) fn to_bytes(&self) -> SmallVec<[u8; 64]> {
        let mut bytes = SmallVec::new();
        for level in self.each_level() {
            push_integer(&mut bytes, level.number);
            push_replica(&mut bytes, level.replica);
            bytes.push(level.way.code());
            push_integer(&mut bytes, level.index);
        }
        bytes
    }

    /// The place that bytes read from outside spell, if they spell one.
    #[cfg(feature = "serde")]
    pub(crate) fn checked(all: &[u8]) -> Option<Self> {
        let (bytes, mut levels) = (&mut &*all, Levels::new());
        while !bytes.is_empty() {
            let number = take_integer(bytes)?;
            let replica = take_replica(bytes)?;
            let way = Way::of_code(*take(bytes, 1)?.first()?)?;
            levels.push(Level { number, replica, way, index: take_integer(bytes)? });
        }
        Self::of_checked(&levels).filter(|place| place.to_bytes()[..] == *all)
    }
}

/// Who inserts.
#[derive(Clone, Copy)]
pub(crate) struct Inserter {
    pub(crate) replica: ReplicaId,
    /// The [number](clock) of what is appended now.
    pub(crate) clock: i64,
    /// [`Way::Within`], or [`Way::Pinned`] if an item is to stay where it is read.
    pub(crate) way: Way,
}

impl Inserter {
    pub(super) const fn first(self) -> Level {
        Level { number: 0, replica: self.replica, way: self.way, index: 0 }
    }
}

/// Levels after `left` and before `right`, for `replica` to insert at. A side without levels is an
/// end of the list. `None` where there is no room within the bounds, or both sides are the same.
pub(super) fn between(
    left: &[Level],
    right: &[Level],
    who: Inserter,
    lean: Lean,
) -> Option<Levels> {
    let shared = left.iter().zip(right).take_while(|(left, right)| left == right).count();
    let new = new_run(left, right, shared, who, lean)
        .unwrap_or_else(|| left.iter().copied().chain([who.first()]).collect());
    let levels = inside_own_run(left, right, shared, who, lean)
        .or_else(|| beside_own_run(left, right, &new, who))
        .unwrap_or(new);
    let lies_between = left < &levels[..] && (right.is_empty() || &levels[..] < right);
    (lies_between && levels.len() <= LEVELS_MAX).then_some(levels)
}

/// The first of a new run, as high up as there is room.
fn new_run(
    left: &[Level],
    right: &[Level],
    shared: usize,
    who: Inserter,
    lean: Lean,
) -> Option<Levels> {
    let end = if who.way == Way::Within { Way::End } else { who.way };
    let top = |number, way| Levels::from_slice(&[Level { number, way, ..who.first() }]);
    let at = |levels: &[Level], depth: usize, by: i64| {
        let mut start = Levels::from_slice(levels.get(..depth)?);
        start.push(levels.get(depth)?.numbered(by * stride(depth), who)?);
        Some(start)
    };
    match (left.get(shared), right.get(shared)) {
        (None, None) => left.is_empty().then(|| top(who.clock, end)),
        (None, Some(first)) if shared == 0 => {
            Some(top(bounded(first.number, -1)?.min(-who.clock), who.way))
        }
        (None, Some(_)) => at(right, shared, -1),
        (Some(last), None) => Some(top(bounded(last.number, 1)?.max(who.clock), end)),
        (Some(low), Some(high)) if high.number > low.number + 1 => {
            let number =
                if shared == 0 { low.number + 1 } else { within(low.number, high.number, lean) };
            let mut start = Levels::from_slice(&left[..shared]);
            start.push(Level { number, ..who.first() });
            Some(start)
        }
        _ => at(left, shared + 1, 1),
    }
}

/// Between two items of the replica's own run, below the first level. Nobody else uses the indexes
/// there. What others put between the two extends the place of the left one, and so comes before
/// everything that goes on backwards from here.
fn inside_own_run(
    left: &[Level],
    right: &[Level],
    shared: usize,
    who: Inserter,
    lean: Lean,
) -> Option<Levels> {
    let (low, high) = (*left.get(shared)?, right.get(shared)?);
    if shared == 0 || !low.is_beside(high) || !low.is_of(who) {
        return None;
    }
    let (from, upto) = (low.index.div_euclid(FINE), (high.index - 1).div_euclid(FINE) + 1);
    let index = if upto - from > 1 {
        within(from, upto, lean) * FINE
    } else if low.index % FINE == 0 && high.index - low.index > 1 {
        high.index - 1
    } else {
        return None;
    };
    let mut levels = Levels::from_slice(&left[..shared]);
    levels.push(Level { index, ..low });
    Some(levels)
}

/// One further in the replica's own run that ends or begins here, if no part of that run will ever
/// lie beyond where others start `new` ones.
fn beside_own_run(left: &[Level], right: &[Level], new: &Levels, who: Inserter) -> Option<Levels> {
    let beside = |levels: &[Level], by: i64, end: i64| {
        let (last, above) = levels.split_last()?;
        let with = |level| above.iter().copied().chain([level]).collect::<Levels>();
        let next = last.indexed(by, above.len())?;
        last.is_of(who).then(|| (with(next), with(Level { index: end, ..*last })))
    };
    let after = beside(left, 1, i64::MAX).filter(|(_, end)| end < new);
    let before = || beside(right, -1, i64::MIN).filter(|(_, end)| new < end);
    after.or_else(before).map(|run| run.0)
}

/// How a number of the first level is told in a write that was made at `time`: relative to that
/// time, if so it is shorter, or as it is. `None` if it is not shorter.
pub(crate) fn told_relative(number: i64, time: Timestamp) -> Option<u64> {
    let away = zigzag(number.wrapping_abs().wrapping_sub(clock(time)));
    let told = (away << 1) | u64::from(number < 0);
    (told < zigzag(number)).then_some(told)
}

/// The number that was told relative to a time.
pub(crate) fn heard_relative(told: u64, time: Timestamp) -> i64 {
    let number = clock(time).wrapping_add(unzigzag(told >> 1));
    if told & 1 == 0 { number } else { number.wrapping_neg() }
}

/// How many bytes a place takes at most when it is written out alone, counting one byte for a
/// replica's number.
pub(super) fn told_len(levels: &[Level]) -> usize {
    let varint = |integer: i64| {
        let bits = 64 - (integer.unsigned_abs() | 1).leading_zeros() as usize;
        // One bit for the sign, seven to a byte.
        (bits + 1).div_ceil(7)
    };
    let level = |level: &Level| varint(level.number) + 1 + varint(level.index);
    1 + levels.iter().map(level).sum::<usize>()
}

/// An integer as bytes that sort as integers do: from -64 to 63 it is one byte; any other is a byte
/// for sign and length, and the bytes.
#[cfg(any(test, feature = "serde"))]
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

/// The name up to its last byte that is not zero, with 255 after each zero in it, and two zeros at
/// its end; then the incarnation.
#[cfg(feature = "serde")]
fn push_replica(bytes: &mut SmallVec<[u8; 64]>, replica: ReplicaId) {
    let name = replica.name_bytes();
    let len = name.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    for byte in &name[..len] {
        bytes.push(*byte);
        if *byte == 0 {
            bytes.push(255);
        }
    }
    bytes.extend_from_slice(&[0, 0]);
    push_integer(bytes, replica.incarnation().into());
}

/// The replica at the start, in whatever form.
#[cfg(feature = "serde")]
fn take_replica(bytes: &mut &[u8]) -> Option<ReplicaId> {
    let mut name = SmallVec::<[u8; 32]>::new();
    loop {
        match *take(bytes, 1)?.first()? {
            0 if *take(bytes, 1)?.first()? == 0 => break,
            byte => name.push(byte),
        }
    }
    let incarnation = u32::try_from(take_integer(bytes)?).ok()?;
    Some(ReplicaId::of_name_bytes(&name)?.with_incarnation(incarnation))
}

/// The integer at the start, if it is within bounds and in its only form.
#[cfg(any(test, feature = "serde"))]
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

#[cfg(any(test, feature = "serde"))]
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

    fn by(id: u128, clock: i64) -> Inserter {
        Inserter { replica: replica(id), clock, way: Way::Within }
    }

    /// If both spellings are equally long, the absolute one is written.
    #[test]
    fn a_number_is_told_relative_to_a_time_only_where_that_is_shorter() {
        let at = Timestamp::from_millis;
        assert_eq!(told_relative(20, at(10)), None, "40, or 40");
        for (number, time) in [(NOW, 0), (NOW, 7), (NOW + 300, 1), (-NOW, 3), (5, 0), (-1, 0)] {
            let time = at(u64::try_from(NOW).unwrap_or_default() + time);
            let told = told_relative(number, time);
            assert_eq!(told.is_some(), number.abs() >= NOW, "{number}");
            assert!(told.is_none_or(|told| told < zigzag(number)));
            assert!(told.is_none_or(|told| heard_relative(told, time) == number));
        }
    }

    /// A Monday.
    const NOW: i64 = 1_717_372_800_000;

    fn levels(place: Option<&Place>) -> Levels {
        place.map(Place::levels).unwrap_or_default()
    }

    fn between(left: Option<&Place>, right: Option<&Place>, who: u128) -> Option<Place> {
        between_at(left, right, by(who, NOW))
    }

    fn between_at(left: Option<&Place>, right: Option<&Place>, who: Inserter) -> Option<Place> {
        let levels = super::between(&levels(left), &levels(right), who, Lean::Left);
        levels.map(|levels| Place::of(&levels))
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
    }

    #[test]
    fn integers_take_as_few_bytes_as_there_are() {
        for (integer, len) in [(63, 1), (64, 2), (255, 2), (256, 3), (1 << 56, 9)] {
            for integer in [integer, !integer] {
                let mut bytes = SmallVec::new();
                push_integer(&mut bytes, integer);
                assert_eq!(bytes.len(), len, "{integer}");
            }
        }
    }

    /// The place at an index of an array that was imported an hour ago.
    fn import(index: i64) -> Place {
        let level = Level::first(replica(7));
        Place::of(&[Level { number: NOW - 3_600_000, way: Way::Import, index, ..level }])
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
            place.as_ref().map(|place| told_len(&place.levels()))
        })
    }

    #[test]
    fn appends_and_prepends_in_turns_keep_places_short() {
        let who = |round: u128, of| {
            let ms = i64::try_from(round).unwrap_or_default();
            by(round % of, NOW + ms * 40_000)
        };
        let append = |round, last: &Place| between_at(Some(last), None, who(round, 3));
        let prepend = |round, first: &Place| between_at(None, Some(first), who(round, 2));
        let short = |len: Option<usize>| len.is_some_and(|len| len < 12);
        assert!(lengths(import(0), 10_000, append).all(short));
        assert!(lengths(import(0), 10_000, prepend).all(short));
    }

    /// The number of a run that was removed between two others is free again.
    #[test]
    fn a_gap_between_two_runs_is_used() {
        let mut runs = Vec::from([import(0)]);
        for who in 1..4 {
            runs.extend(between(runs.last(), None, who));
        }
        for who in 1..8 {
            let place = between(Some(&runs[1]), Some(&runs[3]), who);
            assert_eq!(place.map(|place| place.levels().len()), Some(1));
        }
        let tight = between(Some(&runs[1]), Some(&runs[2]), 9);
        assert_eq!(tight.map(|place| place.levels().len()), Some(2));
    }

    #[test]
    fn a_run_typed_in_the_middle_costs_a_level_once() {
        let (left, right) = (import(0), import(1));
        let mut forward = left.clone();
        let mut backward = right.clone();
        for _ in 0..1_000 {
            forward = between(Some(&forward), Some(&right), 1).unwrap_or(forward);
            backward = between(Some(&left), Some(&backward), 2).unwrap_or(backward);
            assert_eq!((levels(Some(&forward)).len(), levels(Some(&backward)).len()), (2, 2));
        }
        assert!(
            told_len(&levels(Some(&forward))) <= 16 && told_len(&levels(Some(&backward))) <= 16
        );
    }

    #[test]
    fn what_is_no_place_is_refused() {
        let bytes = [&[][..], &[0x80], &[0x80; 19], &[0xc0; 19], &[0xff; 40]];
        assert!(bytes.iter().all(|bytes| Place::checked(bytes).is_none()));
    }

    #[test]
    fn a_place_has_few_levels_and_numbers_within_bounds() {
        let level = |number, index| Level { number, index, ..Level::first(replica(1)) };
        for end in [-BOUND, BOUND] {
            let beyond = end + end.signum();
            for (fits, levels) in [
                (true, level(end, end)),
                (false, level(beyond, 0)),
                (false, level(0, beyond)),
                (false, level(beyond, beyond)),
            ] {
                assert_eq!(Place::of_checked(&[levels]).is_some(), fits, "{levels:?}");
                assert_eq!(Place::of_checked(&[level(0, 0), levels]).is_some(), fits);
            }
        }
        for (len, fits) in [(LEVELS_MAX, true), (LEVELS_MAX + 1, false)] {
            let levels = Levels::from_elem(level(0, 0), len);
            assert_eq!(Place::of_checked(&levels).is_some(), fits);
            let place = Place::of(&levels);
            assert_eq!(Place::checked(&place.to_bytes()), fits.then_some(place));
        }
        assert!(import(0) < import(1));
    }

    /// A run goes on by one at the top, where concurrent runs stay whole, and by strides below.
    #[test]
    fn a_run_goes_on_at_its_ends() {
        let at = |number, index| Level { number, index, ..Level::first(replica(1)) };
        let between = |left: &[Level], right: &[Level], who| {
            super::between(left, right, by(who, 2), Lean::Left).unwrap_or_default().to_vec()
        };
        assert_eq!(between(&[at(0, 5)], &[], 1), [at(0, 6)]);
        assert_eq!(between(&[], &[at(0, 5)], 1), [at(0, 4)]);
        assert_eq!(between(&[at(0, 5)], &[at(3, 0)], 1), [at(0, 6)]);
        assert_eq!(
            between(&[at(0, 5)], &[at(3, 0)], 2),
            [Level { number: 1, ..Level::first(replica(2)) }]
        );
        let above = at(7, 7);
        let (fine, end) = ([above, at(0, 2 * FINE + 5)], [at(9, 0)]);
        assert_eq!(between(&fine, &end, 1), [above, at(0, 2 * FINE + STRIDE)]);
        assert_eq!(between(&[above], &fine, 1), [above, at(0, 2 * FINE - STRIDE)]);
    }

    /// Runs that are begun at one end apart stand by time, and one after another whatever the clocks
    /// say. Extreme clocks leave room.
    #[test]
    fn runs_at_the_ends_are_numbered_by_time() {
        let at = |number, index| Level { number, index, ..Level::first(replica(1)) };
        let number = |left: &[Level], right: &[Level], clock| {
            let levels = super::between(left, right, by(2, clock), Lean::Left)?;
            let way = if right.is_empty() { Way::End } else { Way::Within };
            let number = levels[0].number;
            assert_eq!(levels[..], [Level { number, way, ..Level::first(replica(2)) }]);
            Some(number)
        };
        assert_eq!(number(&[], &[], NOW), Some(NOW));
        for (last, clock, expected) in
            [(7, NOW, NOW), (NOW, NOW, NOW + 1), (NOW + 9, NOW, NOW + 10)]
        {
            assert_eq!(number(&[at(last, 3)], &[], clock), Some(expected));
            assert_eq!(number(&[], &[at(-last, 3)], clock), Some(-expected));
        }
        let last = clock(Timestamp::from_millis(u64::MAX));
        assert_eq!(clock(Timestamp::from_millis(7)), 7);
        assert!(number(&[at(last, 0)], &[], last) == Some(last + 1) && last < BOUND / 2 + 1);
        assert_eq!(number(&[], &[], last), Some(last));
    }

    /// Relative to the time of the write where that is shorter; always back to the same number.
    #[test]
    fn numbers_are_told_relative_to_the_time_where_that_is_shorter() {
        let times = [0, 7, 1 << 40, 1 << 60, 1 << 62, u64::MAX].map(Timestamp::from_millis);
        let numbers = [0, 1, 5, 7, 8, 1 << 40, (1 << 40) + 9, 1 << 60, BOUND];
        for time in times {
            for number in numbers.into_iter().flat_map(|it| [it, -it]) {
                let told = told_relative(number, time);
                assert!(told.is_none_or(|told| told < zigzag(number)));
                assert!(told.is_none_or(|told| heard_relative(told, time) == number), "{number}");
            }
        }
        let now = Timestamp::from_millis(NOW.unsigned_abs());
        assert_eq!([NOW, -NOW, NOW + 1].map(|it| told_relative(it, now)), [0, 1, 4].map(Some));
        assert_eq!(told_relative(3, now), None);
    }

    /// Nothing goes on from an array that was written as a whole, not even by whoever wrote it.
    #[test]
    fn an_import_is_not_gone_on_from() {
        let [first, last] = [0, 1].map(|index| Level { way: Way::Import, ..level(5, index) });
        let between = |left: &[Level], right: &[Level]| {
            super::between(left, right, by(1, 9), Lean::Left).unwrap_or_default().to_vec()
        };
        assert_eq!(between(&[last], &[]), [Level { way: Way::End, ..level(9, 0) }]);
        assert_eq!(between(&[], &[first]), [level(-9, 0)]);
        assert_eq!(between(&[first], &[last]), [first, level(0, 0)]);
        let own = Level { way: Way::Within, ..first };
        let both = [[own, first], [own, last]];
        assert_eq!(inside_own_run(&both[0], &both[1], 1, by(1, 0), Lean::Left), None);
    }

    fn level(number: i64, index: i64) -> Level {
        Level { number, index, ..Level::first(replica(1)) }
    }

    /// Below the top a replica fills its own run: first at multiples, then backwards from the next
    /// item, one by one, until there is no room.
    #[test]
    fn an_own_run_is_filled_up() {
        let (above, other) = (Level::first(replica(3)), replica(2));
        let at = |index| Level { index, ..Level::first(replica(1)) };
        let inside = |low: Level, high: Level, lean| {
            let levels = inside_own_run(&[above, low], &[above, high], 1, by(1, 0), lean)?;
            assert_eq!(levels[..], [above, Level { index: levels[1].index, ..low }]);
            Some(levels[1].index)
        };
        let cases = [
            (0, STRIDE, Some(4 * FINE), Some(STRIDE - 4 * FINE)),
            (0, 3 * FINE + 5, Some(2 * FINE), Some(2 * FINE)),
            (5, 2 * FINE, Some(FINE), Some(FINE)),
            (0, FINE, Some(FINE - 1), Some(FINE - 1)),
            (FINE, FINE + 2, Some(FINE + 1), Some(FINE + 1)),
            (5, FINE, None, None),
            (0, 1, None, None),
            (FINE, FINE + 1, None, None),
        ];
        for (low, high, left, right) in cases {
            let leaning = [Lean::Left, Lean::Right].map(|lean| inside(at(low), at(high), lean));
            assert_eq!(leaning, [left, right], "{low} {high}");
        }
        let (low, high) = (at(0), at(STRIDE));
        let foreign = |level| Level { replica: other, ..level };
        assert_eq!(inside(low, Level { number: 1, ..high }, Lean::Left), None);
        assert_eq!(inside(low, foreign(high), Lean::Left), None);
        assert_eq!(inside(foreign(low), foreign(high), Lean::Left), None);
        assert_eq!(inside_own_run(&[low], &[high], 0, by(1, 0), Lean::Left), None);
    }

    /// A number within a gap keeps close to one side, and leaves some room there too.
    #[test]
    fn a_number_within_a_gap_is_near_the_side_it_leans_to() {
        let gaps = [(2, 1), (3, 1), (6, 3), (100, 4), (STRIDE, 256), (1 << 40, 1 << 24)];
        for (gap, near) in gaps {
            for low in [-BOUND, -7, 0, 1_000] {
                let high = low + gap;
                assert_eq!(within(low, high, Lean::Left), low + near, "{gap}");
                assert_eq!(within(low, high, Lean::Right), high - near, "{gap}");
            }
        }
    }

    /// The length is never less than what is written, and at most a byte more for each integer.
    #[test]
    fn a_place_is_told_as_long_as_it_is_written() {
        let varint = |integer: i64| {
            let zigzag = (integer << 1) ^ (integer >> 63);
            (64 - (zigzag | 1).leading_zeros() as usize).div_ceil(7)
        };
        let level = |number, index| Level { number, index, ..Level::first(replica(1)) };
        let mut exact = 0;
        let numbers = (0..62).flat_map(|bits| [-1, 0, 1].map(|by| (1_i64 << bits) + by));
        for number in numbers.flat_map(|it| [it, -it]) {
            let written = varint(number);
            assert_eq!(told_len(&[level(number, 0)]), told_len(&[level(0, number)]));
            let told = told_len(&[level(number, 0)]) - told_len(&[level(0, 0)]) + 1;
            assert!(written == told || written + 1 == told, "{number}: {told} for {written}");
            exact += usize::from(written == told);
        }
        assert!(exact > 350, "{exact}");
        let (short, long) = (level(0, 0), level(64, 1 << 13));
        let lens = [&[short][..], &[long], &[short, short], &[short, long, long]].map(told_len);
        assert_eq!(lens, [4, 7, 7, 16]);
    }
}
