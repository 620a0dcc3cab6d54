//! [`Room`]: where a new item of a list goes, and which neighbours are *re-placed* to make room.
//!
//! An item that is inserted between two others gets a [place](super::place) between theirs. If that
//! place would be longer than [`LEN_MAX`], a window of neighbours around the gap gets new places,
//! higher up and far apart, as in order maintenance (Dietz and Sleator, *Two Algorithms for
//! Maintaining Order in a List*, 1987; Bender et al., *Two Simplified Algorithms for Maintaining
//! Order in a List*, 2002). The smaller a window, the denser it may be, so a large one is re-placed
//! only after many insertions.

use super::place::{BOUND, FINE, Inserter, Lean, Level, Levels, Place, between, stride, told_len};
use alloc::vec::Vec;

/// How many bytes a place takes at most when it is written out.
pub(super) const LEN_MAX: usize = 24;

/// The places of one side of a gap, the nearest item's first. `None` is the end of the list.
pub(crate) trait Side {
    fn at(&self, distance: usize) -> Option<Levels>;
}

/// A place for a new item, and new places for the items on both sides, the nearest first.
pub(crate) struct Room {
    pub(crate) place: Place,
    pub(crate) left: Vec<Place>,
    pub(crate) right: Vec<Place>,
}

/// Finds room to insert an item between two that are not at the same place.
///
/// Usually O(levels); O(neighbours) if neighbours have to be re-placed.
pub(crate) fn room(left: &impl Side, right: &impl Side, who: Inserter, lean: Lean) -> Room {
    let low = left.at(0).unwrap_or_default();
    let high = right.at(0).unwrap_or_default();
    let between = between(&low, &high, who, lean);
    if let Some(levels) = between.filter(|levels| told_len(levels) <= LEN_MAX) {
        return Room { place: Place::of(&levels), left: Vec::new(), right: Vec::new() };
    }
    // As high up as possible, below what the two share. At the very top little is free, so that is
    // the last resort.
    let shared = low.iter().zip(&high).take_while(|(low, high)| low == high).count();
    let regions = (1..=shared).map(|depth| Region { above: &low[..depth], run: None });
    let own_runs = (1..=shared).filter_map(|depth| Region::own_run(&low, &high, depth, who));
    let windows = regions.chain(own_runs).map(|region| region.window(left, right, who));
    let shortest = windows.filter(Window::is_short).min_by_key(Window::len);
    let all = Region { above: &[], run: None };
    shortest.unwrap_or_else(|| all.window(left, right, who)).spread()
}

/// Places that begin with the same levels. Their next levels differ in their numbers, or, in the
/// replica's own run, in their indexes.
#[derive(Clone, Copy)]
struct Region<'a> {
    above: &'a [Level],
    run: Option<Level>,
}

impl<'a> Region<'a> {
    /// The replica's own run that both sides of a gap are in, at a depth.
    fn own_run(low: &'a [Level], high: &[Level], depth: usize, who: Inserter) -> Option<Self> {
        let above = low.get(..depth)?;
        let is_in_run = |it: &&Level| it.is_of(who);
        let (low, high) = (low.get(depth).filter(is_in_run)?, high.get(depth)?);
        low.is_beside(high).then_some(Self { above, run: Some(*low) })
    }

    /// Where a place stands among those of the region; `None` if it is not one of them.
    fn number(&self, levels: &[Level]) -> Option<i64> {
        let level = levels.get(self.above.len()).filter(|_| levels.starts_with(self.above))?;
        match self.run {
            None => Some(level.number),
            Some(run) => level.is_beside(&run).then_some(level.index),
        }
    }

    /// The levels that stand there.
    fn levels(&self, number: i64, who: Inserter) -> Levels {
        let level = match self.run {
            None => Level { number, ..who.first() },
            Some(run) => Level { index: number, ..run },
        };
        self.above.iter().copied().chain([level]).collect()
    }

    /// The smallest window with enough room.
    fn window(&self, left: &impl Side, right: &impl Side, who: Inserter) -> Window {
        let (mut left, mut right) = (Numbers::of(self, left), Numbers::of(self, right));
        let mut wanted = 1;
        loop {
            left.know(wanted + 1);
            right.know(wanted + 1);
            // All of the region, if it is no larger.
            let items = wanted.min(left.known.len() + right.known.len());
            let around = |on_the_left: usize| {
                let low = left.known.get(on_the_left).copied();
                (low, right.known.get(items - on_the_left).copied())
            };
            let least = items.saturating_sub(right.known.len());
            let splits = least..=items.min(left.known.len());
            let roomiest = splits.max_by_key(|on_the_left| room_in(around(*on_the_left)));
            let roomiest = roomiest.unwrap_or(least);
            let gap = around(roomiest);
            let is_enough = self.is_enough(room_in(gap), items);
            let numbers = self.spaced(gap, items + 1).filter(|_| is_enough);
            // A window with nothing around it has all the room there is.
            let numbers = numbers.or_else(|| (gap == (None, None)).then(|| centred(items + 1)));
            if let Some(numbers) = numbers {
                let levels = |number: &i64| self.levels(*number, who);
                return Window {
                    left: numbers[..roomiest].iter().rev().map(levels).collect(),
                    new: levels(&numbers[roomiest]),
                    right: numbers[roomiest + 1..].iter().map(levels).collect(),
                };
            }
            wanted += 1 + wanted / 4;
        }
    }

    /// Whether a window of this many items has enough room to share out: the more items, the more
    /// room for each.
    fn is_enough(&self, room: i64, items: usize) -> bool {
        let items = i64::try_from(items).unwrap_or(BOUND);
        let least = match self.above {
            [] => 1,
            _ => items.saturating_mul(items).max(4 * self.grain()),
        };
        room / (items + 2) >= least
    }

    /// What the numbers are multiples of.
    fn grain(&self) -> i64 {
        if self.run.is_some() { FINE } else { 1 }
    }

    /// This many numbers, evenly spaced between two, or as far apart as is allowed where an end is
    /// open.
    fn spaced(&self, gap: Gap, count: usize) -> Option<Vec<i64>> {
        let count = i64::try_from(count).ok()?;
        let wide = stride(self.above.len());
        let (first, step) = match gap {
            (Some(low), Some(high)) => {
                let step = (high - low) / (count + 1);
                (low + step, step)
            }
            (Some(low), None) => (low.checked_add(wide)?, wide),
            (None, Some(high)) => (high.checked_sub(wide.checked_mul(count)?)?, wide),
            (None, None) => (-wide.checked_mul(count / 2)?, wide),
        };
        let last = first.checked_add(step.checked_mul(count - 1)?)?;
        let fits = |number| (-BOUND..=BOUND).contains(&number);
        let number = |at: i64| (first + step * at).div_euclid(self.grain()) * self.grain();
        (fits(first) && fits(last)).then(|| (0..count).map(number).collect())
    }
}

/// The numbers of the items on one side of a gap, as far as its region reaches.
struct Numbers<'a, S> {
    region: &'a Region<'a>,
    side: &'a S,
    known: Vec<i64>,
    /// Whether the region ends after the known ones.
    ended: bool,
}

impl<'a, S: Side> Numbers<'a, S> {
    fn of(region: &'a Region<'a>, side: &'a S) -> Self {
        Self { region, side, known: Vec::new(), ended: false }
    }

    /// Looks up the first `count`.
    fn know(&mut self, count: usize) {
        while self.known.len() < count && !self.ended {
            let levels = self.side.at(self.known.len()).unwrap_or_default();
            match self.region.number(&levels) {
                Some(number) => self.known.push(number),
                None => self.ended = true,
            }
        }
    }
}

/// What a room is made of.
struct Window {
    left: Vec<Levels>,
    new: Levels,
    right: Vec<Levels>,
}

impl Window {
    fn len(&self) -> usize {
        self.left.len() + self.right.len()
    }

    fn is_short(&self) -> bool {
        let mut all = self.left.iter().chain(&self.right).chain([&self.new]);
        all.all(|levels| told_len(levels) <= LEN_MAX)
    }

    fn spread(self) -> Room {
        let places = |side: Vec<Levels>| side.iter().map(|levels| Place::of(levels)).collect();
        Room { place: Place::of(&self.new), left: places(self.left), right: places(self.right) }
    }
}

/// The numbers on both sides of a window, if the region continues there.
type Gap = (Option<i64>, Option<i64>);

fn room_in((low, high): Gap) -> i64 {
    low.zip(high).map_or(i64::MAX, |(low, high)| high - low)
}

/// Numbers around zero.
fn centred(count: usize) -> Vec<i64> {
    let count = i64::try_from(count).unwrap_or(BOUND);
    (0..count).map(|at| at - count / 2).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::place::Way, *};
    use crate::replica::ReplicaId;

    /// A list of places, each with its age.
    #[derive(Default)]
    struct List {
        items: Vec<(Levels, usize)>,
        written: usize,
    }

    struct Beside<'a> {
        items: &'a [(Levels, usize)],
        is_left: bool,
    }

    impl Beside<'_> {
        fn item(&self, distance: usize) -> Option<&(Levels, usize)> {
            let len = self.items.len();
            self.items.get(if self.is_left { len.checked_sub(distance + 1)? } else { distance })
        }
    }

    impl Side for Beside<'_> {
        fn at(&self, distance: usize) -> Option<Levels> {
            Some(self.item(distance)?.0.clone())
        }
    }

    impl List {
        fn len(&self) -> usize {
            self.items.len()
        }

        fn insert(&mut self, at: usize, who: u128) {
            let (left, right) = self.items.split_at(at);
            let [left, right] =
                [(left, true), (right, false)].map(|(items, is_left)| Beside { items, is_left });
            let age = |side: &Beside<'_>, distance| side.item(distance).map_or(0, |item| item.1);
            let (newer, older, beyond) = if age(&left, 0) > age(&right, 0) {
                (Lean::Left, age(&right, 0), age(&left, 1))
            } else {
                (Lean::Right, age(&left, 0), age(&right, 1))
            };
            let other = if newer == Lean::Left { Lean::Right } else { Lean::Left };
            let lean = if beyond > older { newer } else { other };
            // A second passes between two.
            let now = 1_717_372_800_000 + 1_000 * i64::try_from(self.written).unwrap_or_default();
            let replica = ReplicaId::from_u128(who);
            let who = Inserter { replica, clock: now, way: Way::Within };
            let Room { place, left, right } = room(&left, &right, who, lean);
            let levels = Place::levels;
            for (distance, place) in left.iter().enumerate() {
                self.items[at - 1 - distance].0 = levels(place);
            }
            for (distance, place) in right.iter().enumerate() {
                self.items[at + distance].0 = levels(place);
            }
            let mut written = left.iter().chain(&right).chain([&place]);
            assert!(written.all(|place| told_len(&levels(place)) <= LEN_MAX), "long");
            self.written += left.len() + right.len() + 1;
            self.items.insert(at, (levels(&place), self.written));
            let around = at.saturating_sub(left.len() + 1)..(at + right.len() + 2).min(self.len());
            for pair in self.items[around].windows(2) {
                assert!(pair[0].0 < pair[1].0, "out of order");
            }
        }

        fn mean_len(&self) -> usize {
            self.items.iter().map(|item| told_len(&item.0)).sum::<usize>() / self.len()
        }
    }

    /// Inserts, one after the other: at which index, and who.
    fn play(
        steps: usize,
        mut next: impl FnMut(usize, &mut List, &mut dyn FnMut() -> usize),
    ) -> List {
        let mut list = List::default();
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state >> 33).unwrap_or_default()
        };
        for step in 0..steps {
            next(step, &mut list, &mut random);
        }
        list
    }

    const STEPS: usize = 5_000;

    fn who(number: usize) -> u128 {
        number as u128 + 1
    }

    #[test]
    fn what_goes_on_at_one_spot_re_places_nothing() {
        let in_the_middle = |who_of: fn(usize) -> u128| {
            play(STEPS, |step, list, _| list.insert(list.len() / 2, who_of(step)))
        };
        let scripts = [
            in_the_middle(|_| 1),
            in_the_middle(|step| who(step % 100)),
            play(STEPS, |step, list, _| list.insert(list.len().min(1), who(step % 3))),
            play(STEPS, |step, list, _| list.insert(0, who(step % 3))),
            play(STEPS, |step, list, _| list.insert(list.len(), who(step % 3))),
            // Always four: one is inserted second, and the third or the second is removed.
            play(STEPS, |step, list, _| {
                list.insert(list.len().min(1), who(step % 2));
                if list.len() > 4 {
                    list.items.remove(if step % 4 < 2 { 2 } else { 1 });
                }
            }),
        ];
        for list in scripts {
            assert!(list.written < STEPS * 101 / 100, "{} written", list.written);
            assert!(list.mean_len() <= 16, "{} bytes", list.mean_len());
        }
    }

    fn me() -> ReplicaId {
        ReplicaId::from_u128(1)
    }

    fn by(replica: ReplicaId) -> Inserter {
        Inserter { replica, clock: 0, way: Way::Within }
    }

    #[test]
    fn a_window_is_shared_out_evenly_within_the_bounds() {
        let (top, run) = ([Level::first(me())], Some(Level::first(me())));
        let spaced = |above, run, gap, count| Region { above, run }.spaced(gap, count);
        let at_the_top = |gap, count| spaced(&[], None, gap, count).unwrap_or_default();
        assert_eq!(at_the_top((Some(0), Some(100)), 4), [20, 40, 60, 80]);
        assert_eq!(at_the_top((Some(-7), Some(4)), 2), [-4, -1]);
        assert_eq!(at_the_top((Some(5), None), 3), [6, 7, 8]);
        assert_eq!(at_the_top((None, Some(5)), 3), [2, 3, 4]);
        for (count, fits) in [(1, true), (2, false)] {
            assert_eq!(at_the_top((Some(BOUND - 1), None), count).len(), usize::from(fits));
            assert_eq!(at_the_top((None, Some(1 - BOUND)), count).len(), usize::from(fits));
        }
        let below = |gap, count| spaced(&top, None, gap, count).unwrap_or_default();
        let wide = stride(1);
        assert_eq!(below((Some(5), None), 2), [5 + wide, 5 + 2 * wide]);
        assert_eq!(below((None, Some(5)), 2), [5 - 2 * wide, 5 - wide]);
        assert_eq!(below((None, None), 3), [-wide, 0, wide]);
        assert_eq!(below((None, None), 4), [-2 * wide, -wide, 0, wide]);
        let in_a_run = spaced(&top, run, (Some(5), Some(5 + 10 * FINE)), 4);
        assert_eq!(in_a_run.unwrap_or_default(), [2, 4, 6, 8].map(|at| at * FINE));
        assert_eq!((centred(3), centred(4)), (Vec::from([-1, 0, 1]), Vec::from([-2, -1, 0, 1])));
    }

    #[test]
    fn many_items_are_shared_out_only_where_there_is_much_room() {
        let (top, run) = ([Level::first(me())], Some(Level::first(me())));
        let regions =
            [(&[][..], None), (&top, None), (&top, run)].map(|(above, run)| Region { above, run });
        // The region, the number of items, and the least room that is enough.
        let cases = [
            (0, 0, 2),
            (0, 9, 11),
            (1, 1, 12),
            (1, 2, 16),
            (1, 5, 175),
            (2, 1, 12 * FINE),
            (2, 17, 289 * 19),
        ];
        for (region, items, least) in cases {
            let is_enough = |room| regions[region].is_enough(room, items);
            assert!(is_enough(least) && !is_enough(least - 1), "{items} of {region} in {least}");
        }
    }

    /// If both sides of a gap are in the replica's own run, its indexes are re-placed.
    #[test]
    fn a_run_is_re_placed_by_whoever_made_it() {
        let theirs = ReplicaId::from_u128(2);
        let level = |number, index| Level { number, index, ..Level::first(me()) };
        let (top, low, high) = (level(0, 0), level(5, 1), level(5, 2));
        let own_run = |low, high, depth, replica| {
            let low = [top, low];
            let found = Region::own_run(&low, &[top, high], depth, by(replica));
            found.map(|region| (region.above.to_vec(), region.run))
        };
        assert_eq!(own_run(low, high, 1, me()), Some((Vec::from([top]), Some(low))));
        assert_eq!(own_run(low, high, 1, theirs), None);
        assert_eq!(own_run(low, level(6, 2), 1, me()), None);
        assert_eq!(own_run(low, Level { replica: theirs, ..high }, 1, me()), None);
        assert_eq!(own_run(low, high, 2, me()), None);

        let region = Region { above: &[top], run: Some(low) };
        assert_eq!(region.levels(9, by(theirs))[..], [top, level(5, 9)]);
        assert_eq!(region.number(&[top, level(5, 9), top]), Some(9));
        for other in [level(6, 9), Level { replica: theirs, ..high }] {
            assert_eq!(region.number(&[top, other]), None);
        }
        let all = Region { above: &[top], run: None };
        assert_eq!((all.number(&[top, low]), all.number(&[low, low])), (Some(5), None));
        assert_eq!(
            all.levels(9, by(theirs))[..],
            [top, Level { number: 9, ..Level::first(theirs) }]
        );
    }

    /// Items at these numbers, below one level.
    struct Numbered<'a>(&'a [i64]);

    impl Side for Numbered<'_> {
        fn at(&self, distance: usize) -> Option<Levels> {
            let level = Level::first(me());
            let number = *self.0.get(distance)?;
            Some([level, Level { number, ..level }].into_iter().collect())
        }
    }

    /// Items without a gap, with room beyond them on one side: only a few more than necessary are
    /// re-placed, and finding them takes time in proportion to their number.
    #[test]
    fn a_window_is_hardly_larger_than_it_has_to_be() {
        let region = Region { above: &[Level::first(me())], run: None };
        for dense in [1, 2, 3, 7, 30, 20_000] {
            let end = i64::from(dense) + (1 << 60);
            let crowded: Vec<i64> = (1..=i64::from(dense)).chain([end]).collect();
            let far: Vec<i64> = (0..=i64::from(dense) * 2).collect();
            let [crowded_left, far_left] =
                [&crowded, &far].map(|it| it.iter().map(|number| -number).collect::<Vec<_>>());
            let to_the_right = region.window(&Numbered(&far_left), &Numbered(&crowded), by(me()));
            let to_the_left = region.window(&Numbered(&crowded_left), &Numbered(&far), by(me()));
            let least = usize::try_from(dense).unwrap_or_default();
            let most = least + 2 + least / 4;
            for (window, far) in
                [(&to_the_right, to_the_right.right.len()), (&to_the_left, to_the_left.left.len())]
            {
                assert!(far >= least && window.len() <= most, "{} for {least}", window.len());
            }
        }
    }

    /// If a gap lies in several regions, the one where fewer items have to move is re-placed.
    #[test]
    fn of_two_windows_the_smaller_is_re_placed() {
        let top = Level::first(ReplicaId::from_u128(2));
        let far = 1 << 50;
        let inside = |number| Levels::from_slice(&[top, top, Level { number, index: far, ..top }]);
        let beside = |number| Levels::from_slice(&[top, Level { number, ..top }]);
        let list =
            |places: Vec<Levels>| -> Vec<_> { places.into_iter().map(|it| (it, 0)).collect() };
        // Inside, there is room beyond the next item on both sides; beside, beyond six on the
        // right.
        let left = (-30..=-9).chain([0]).map(|by| inside(far + by)).collect();
        let right = [1, 10, 11].map(|by| inside(far + by)).into_iter();
        let right = right.chain([1, 2, 3, far].map(beside));
        let (left, right) = (list(left), list(right.collect()));
        let (left, right) =
            (Beside { items: &left, is_left: true }, Beside { items: &right, is_left: false });
        let depths = [&[top][..], &[top, top]];
        let lens = depths.map(|above| {
            let window = Region { above, run: None }.window(&left, &right, by(me()));
            (window.left.len(), window.right.len())
        });
        assert_eq!(lens, [(0, 6), (1, 1)]);
        let found = room(&left, &right, by(me()), Lean::Left);
        assert_eq!((found.left.len(), found.right.len()), (1, 1));
    }

    /// Nobody inserts like this; but in any order, few neighbours have to move.
    #[test]
    fn what_no_lean_expects_re_places_few() {
        let scripts = [
            play(STEPS, |step, list, random| {
                list.insert(random() % (list.len() + 1), who(step % 5));
            }),
            play(STEPS, |_, list, random| {
                let near = (list.len() / 2 + random() % 9 + random() % 9).saturating_sub(8);
                list.insert(near.min(list.len()), who(random() % 3));
            }),
            play(STEPS, |_, list, random| {
                list.insert(list.len() * (1 + random() % 3) / 4, who(random() % 3));
            }),
        ];
        for list in scripts {
            assert!(list.written < STEPS * 4, "{} written", list.written);
            assert!(list.mean_len() <= 22, "{} bytes", list.mean_len());
        }
    }

    /// Runs typed within runs typed within runs.
    #[test]
    fn runs_within_runs_stay_short() {
        let mut at = 0;
        for len in [5, 40, 500] {
            let list = play(STEPS, |step, list, random| {
                if step % len == 0 {
                    at = if step % 3 == 0 { random() % (list.len() + 1) } else { list.len() / 2 };
                }
                list.insert(at, who(step / len % 7));
                at += 1;
            });
            assert!(list.written < STEPS * 5, "{} written", list.written);
            assert!(list.written < STEPS * 4, "{} written", list.written);
            assert!(list.mean_len() <= 22, "{} bytes", list.mean_len());
        }
    }

    /// There is room on both sides of any place that is read from outside.
    #[test]
    fn forged_places_leave_room() {
        let level = |number, way, index| Level { number, way, index, ..Level::first(me()) };
        let ends = [-BOUND, -BOUND + 1, 0, BOUND - 1, BOUND];
        for number in ends {
            for index in ends {
                for depth in 1..=8 {
                    for way in Way::ALL {
                        let forged = Levels::from_elem(level(number, way, index), depth);
                        for at in [0, 1] {
                            for who in 0..3 {
                                let mut list = List::default();
                                let beside = Levels::from_elem(level(number, way, index), 1);
                                list.items.push((forged.clone(), 1));
                                if beside < forged {
                                    list.items.insert(0, (beside, 1));
                                }
                                let len = list.len();
                                (0..100).for_each(|_| list.insert(at.min(len), who));
                            }
                        }
                    }
                }
            }
        }
    }
}
