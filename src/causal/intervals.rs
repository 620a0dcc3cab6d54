//! [`Intervals`]: the counters of one replica that were seen, as sorted closed intervals.

use super::block::{BLOCK, first_counter, place};
use alloc::{boxed::Box, vec::Vec};
use core::{
    fmt,
    hash::{Hash, Hasher},
};

/// A closed interval of counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Interval {
    pub(super) first: u64,
    pub(super) last: u64,
}

impl Interval {
    /// Which of the 64 counters from `start` on are in the interval.
    fn mask(self, start: u64) -> u64 {
        let end = start + (BLOCK - 1);
        let (first, last) = (self.first.max(start), self.last.min(end));
        if first > last {
            return 0;
        }
        (u64::MAX << (first - start)) & (u64::MAX >> (end - last))
    }

    /// Both as one, if they touch or overlap.
    fn joined(self, other: Self) -> Option<Self> {
        let touch = self.first <= other.last.saturating_add(1)
            && other.first <= self.last.saturating_add(1);
        touch.then(|| Self { first: self.first.min(other.first), last: self.last.max(other.last) })
    }
}

/// Intervals to a chunk, at most: what an insertion moves. Tests take few, to have many chunks.
const CHUNK: usize = if cfg!(test) { 4 } else { 512 };

/// A set of counters: sorted, disjoint, non-touching intervals that start at 1 or later. Nearly
/// always one interval, which needs no allocation.
///
/// A stranger can make millions of them, so more than a chunk's worth are kept in chunks: an
/// insertion or a filled hole costs a search and the move of one chunk. How they are cut into
/// chunks depends on their history, and nothing else does.
#[derive(Clone)]
pub(super) struct Intervals(Form);

#[derive(Clone)]
enum Form {
    One(Interval),
    /// None, or from two to a chunk's worth.
    Few(Vec<Interval>),
    /// At least two chunks, none of them empty.
    #[allow(clippy::box_collection)] // a second vector would make the size grow
    Many(Box<Vec<Chunk>>),
}

type Chunk = Vec<Interval>;

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Intervals>() == 24, "a replica takes 40 bytes in a context");

impl Default for Intervals {
    fn default() -> Self {
        Self(Form::Few(Vec::new()))
    }
}

impl PartialEq for Intervals {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Form::One(ours), Form::One(theirs)) => ours == theirs,
            _ => self.iter().eq(other.iter()),
        }
    }
}

impl Eq for Intervals {}

impl Hash for Intervals {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.iter().for_each(|interval| interval.hash(state));
        // No interval starts at 0: here they end.
        state.write_u64(0);
    }
}

impl fmt::Debug for Intervals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Intervals in order; see [`Intervals::iter`].
#[derive(Clone, Default)]
pub(super) struct Iter<'a> {
    /// The rest of one chunk; empty at the end only.
    now: &'a [Interval],
    then: &'a [Chunk],
}

impl Iterator for Iter<'_> {
    type Item = Interval;

    #[inline]
    fn next(&mut self) -> Option<Interval> {
        let (next, rest) = self.now.split_first()?;
        self.now = rest;
        if rest.is_empty() && !self.then.is_empty() {
            self.next_chunk();
        }
        Some(*next)
    }

    /// Exact: some formats ask how many will come. O(chunks).
    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = self.now.len() + self.then.iter().map(Vec::len).sum::<usize>();
        (len, Some(len))
    }
}

impl Iter<'_> {
    #[cold]
    fn next_chunk(&mut self) {
        (self.now, self.then) = match self.then {
            [next, rest @ ..] => (&next[..], rest),
            [] => (&[][..], &[][..]),
        };
    }

    pub(super) fn peek(&self) -> Option<Interval> {
        self.now.first().copied()
    }

    /// Passes over all that end before `counter`. O(log intervals).
    #[inline]
    fn skip_to(&mut self, counter: u64) {
        if self.now.first().is_some_and(|next| next.last < counter) {
            self.search(counter);
        }
    }

    fn search(&mut self, counter: u64) {
        let before = |interval: &Interval| interval.last < counter;
        if self.now.last().is_some_and(before) {
            let whole = self.then.partition_point(|chunk| chunk.last().is_some_and(before));
            self.then = &self.then[whole..];
            self.next_chunk();
        }
        self.now = &self.now[self.now.partition_point(before)..];
    }
}

impl Intervals {
    pub(super) fn of(first: u64, last: u64) -> Self {
        Self(Form::One(Interval { first, last }))
    }

    pub(super) fn iter(&self) -> Iter<'_> {
        let (now, then) = match &self.0 {
            Form::One(one) => (core::slice::from_ref(one), &[][..]),
            Form::Few(few) => (&few[..], &[][..]),
            Form::Many(chunks) => (&[][..], &chunks[..]),
        };
        let mut iter = Iter { now, then };
        if !then.is_empty() {
            iter.next_chunk();
        }
        iter
    }

    /// From the first interval that ends at or after `counter`.
    fn iter_from(&self, counter: u64) -> Iter<'_> {
        let mut iter = self.iter();
        iter.skip_to(counter);
        iter
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(&self.0, Form::Few(few) if few.is_empty())
    }

    /// The greatest counter; 0 if there is none.
    pub(super) fn last(&self) -> u64 {
        let last = match &self.0 {
            Form::One(one) => Some(one),
            Form::Few(few) => few.last(),
            Form::Many(chunks) => chunks.last().and_then(|chunk| chunk.last()),
        };
        last.map_or(0, |interval| interval.last)
    }

    fn last_mut(&mut self) -> Option<&mut Interval> {
        match &mut self.0 {
            Form::One(one) => Some(one),
            Form::Few(few) => few.last_mut(),
            Form::Many(chunks) => chunks.last_mut()?.last_mut(),
        }
    }

    pub(super) fn contains(&self, counter: u64) -> bool {
        if let Form::One(one) = self.0 {
            return one.first <= counter && counter <= one.last;
        }
        self.iter_from(counter).peek().is_some_and(|interval| interval.first <= counter)
    }

    /// Which counters of a block of 64 are in the set.
    pub(super) fn mask(&self, block: u64) -> u64 {
        let start = first_counter(block);
        // The usual single interval needs no search.
        if let Form::One(one) = self.0 {
            return one.mask(start);
        }
        let end = start + (BLOCK - 1);
        let touching = self.iter_from(start).take_while(|interval| interval.first <= end);
        touching.fold(0, |mask, interval| mask | interval.mask(start))
    }

    /// The blocks that the set touches: ascending ranges, each block in one of them.
    pub(super) fn block_ranges(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let mut next = 0;
        self.iter().filter_map(move |interval| {
            let (from, upto) = (place(interval.first).0.max(next), place(interval.last).0);
            next = upto + 1;
            (from <= upto).then_some((from, upto))
        })
    }

    /// Adds `first..=last`; whether that added anything. O(log intervals + a chunk).
    pub(super) fn insert(&mut self, first: u64, last: u64) -> bool {
        let new = Interval { first, last };
        let added = match &mut self.0 {
            Form::One(one) => {
                if let Some(joined) = one.joined(new) {
                    let grown = joined != *one;
                    *one = joined;
                    return grown;
                }
                let (low, high) = if first < one.first { (new, *one) } else { (*one, new) };
                self.0 = Form::Few(Vec::from([low, high]));
                return true;
            }
            Form::Few(few) if few.is_empty() => {
                self.0 = Form::One(new);
                return true;
            }
            Form::Few(few) => insert_in_chunk(few, new),
            Form::Many(chunks) => insert_in_chunks(chunks, new),
        };
        if added {
            self.settle();
        }
        added
    }

    /// Takes the form that fits the number of intervals.
    fn settle(&mut self) {
        match &mut self.0 {
            Form::Few(few) if few.len() > CHUNK => {
                let mut chunks = Vec::from([core::mem::take(few)]);
                balance(&mut chunks, 0);
                self.0 = Form::Many(Box::new(chunks));
            }
            Form::Many(chunks) if chunks.len() <= 1 => {
                self.0 = Form::Few(chunks.pop().unwrap_or_default());
            }
            Form::Many(chunks) => shrink(chunks),
            _ => {}
        }
        if let Form::Few(few) = &mut self.0 {
            match few[..] {
                [one] => self.0 = Form::One(one),
                _ => shrink(few),
            }
        }
    }

    /// Adds an interval that lies apart from and after the last one.
    fn push(&mut self, next: Interval) {
        match &mut self.0 {
            Form::One(one) => self.0 = Form::Few(Vec::from([*one, next])),
            Form::Few(few) if few.is_empty() => self.0 = Form::One(next),
            Form::Few(few) if few.len() < CHUNK => few.push(next),
            Form::Few(few) => {
                let chunks = Vec::from([core::mem::take(few), Vec::from([next])]);
                self.0 = Form::Many(Box::new(chunks));
            }
            Form::Many(chunks) => match chunks.last_mut() {
                Some(last) if last.len() < CHUNK => last.push(next),
                _ => chunks.push(Vec::from([next])),
            },
        }
    }

    /// Takes out the last interval.
    fn pop(&mut self) {
        match &mut self.0 {
            Form::One(_) => *self = Self::default(),
            Form::Few(few) => _ = few.pop(),
            Form::Many(chunks) => {
                let at = chunks.len() - 1;
                chunks[at].pop();
                if chunks[at].is_empty() {
                    chunks.pop();
                } else {
                    balance(chunks, at);
                }
            }
        }
        self.settle();
    }

    /// Adds all of `other`; whether that added anything. O(intervals of `other` · (log intervals +
    /// a chunk)), and never more than a pass over both.
    pub(super) fn union(&mut self, other: &Self) -> bool {
        if let Form::One(their) = other.0 {
            return self.insert(their.first, their.last);
        }
        let chunks = if let Form::Many(chunks) = &self.0 { chunks.len() } else { 1 };
        // This many insertions, each of which may move a chunk, take less than a pass.
        let few = (CHUNK / 64 * chunks).max(4);
        if other.iter().nth(few).is_none() {
            let mut grown = false;
            for interval in other.iter() {
                grown |= self.insert(interval.first, interval.last);
            }
            return grown;
        }
        if self.covers(other) {
            return false;
        }
        let mut merged = Self::default();
        let (mut ours, mut theirs) = (self.iter(), other.iter());
        loop {
            let ours_is_next = match (ours.peek(), theirs.peek()) {
                (Some(our), Some(their)) => our.first <= their.first,
                (our, _) => our.is_some(),
            };
            let next = if ours_is_next { ours.next() } else { theirs.next() };
            match next {
                Some(next) => merged.append_interval(next),
                None => break,
            }
        }
        *self = merged;
        true
    }

    /// Whether all of `other` is here. O(intervals of `other` · log intervals), and never much more
    /// than a pass over both.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let mut ours = self.iter();
        other.iter().all(|their| {
            ours.skip_to(their.last);
            // No two of ours touch, so one of them has to hold all of theirs.
            ours.peek().is_some_and(|our| our.first <= their.first)
        })
    }

    /// Adds a counter that is at least the last one.
    pub(super) fn append(&mut self, counter: u64) {
        self.append_interval(Interval { first: counter, last: counter });
    }

    /// Adds an interval that starts at or after the start of the last one.
    pub(super) fn append_interval(&mut self, next: Interval) {
        match self.last_mut() {
            Some(last) if next.first <= last.last.saturating_add(1) => {
                last.last = last.last.max(next.last);
            }
            _ => self.push(next),
        }
    }

    /// The counters that are in both sets. As [`covers`](Self::covers), of the fewer intervals.
    pub(super) fn intersection(&self, other: &Self) -> Self {
        let mut both = Self::default();
        let (mut ours, mut theirs) = (self.iter(), other.iter());
        while let (Some(our), Some(their)) = (ours.peek(), theirs.peek()) {
            let (first, last) = (our.first.max(their.first), our.last.min(their.last));
            if first <= last {
                both.push(Interval { first, last });
            }
            if our.last <= their.last {
                ours.next();
                ours.skip_to(their.first);
            } else {
                theirs.next();
                theirs.skip_to(our.first);
            }
        }
        both
    }

    /// The counters that are here and not in `other`. O(intervals here, and those of `other` that
    /// lie between their ends).
    pub(super) fn difference(&self, other: &Self) -> Self {
        let mut rest = Self::default();
        let mut holes = other.iter();
        for our in self.iter() {
            let mut first = Some(our.first);
            holes.skip_to(our.first);
            while let (Some(start), Some(hole)) = (first, holes.peek()) {
                if hole.first > our.last {
                    break;
                }
                if hole.first > start {
                    rest.push(Interval { first: start, last: hole.first - 1 });
                }
                let after = hole.last.checked_add(1).map(|after| after.max(start));
                first = after.filter(|&after| after <= our.last);
                if hole.last > our.last {
                    break;
                }
                holes.next();
            }
            if let Some(first) = first {
                rest.push(Interval { first, last: our.last });
            }
        }
        rest
    }

    /// Takes out every counter after `last`.
    pub(super) fn truncate_after(&mut self, last: u64) {
        while self.last_mut().is_some_and(|interval| interval.first > last) {
            self.pop();
        }
        if let Some(interval) = self.last_mut() {
            interval.last = interval.last.min(last);
        }
    }

    /// Adds the set bits of a block; blocks come in ascending order.
    pub(super) fn append_mask(&mut self, block: u64, mut mask: u64) {
        let start = first_counter(block);
        while mask != 0 {
            let low = mask.trailing_zeros();
            let run = (!(mask >> low)).trailing_zeros();
            self.append_interval(Interval {
                first: start + u64::from(low),
                last: start + u64::from(low + run - 1),
            });
            let above = low + run;
            mask = if u64::from(above) == BLOCK { 0 } else { mask >> above << above };
        }
    }

    /// Adds an interval read from outside: only one that keeps the invariants.
    #[cfg(feature = "serde")]
    pub(super) fn try_append(&mut self, first: u64, last: u64) -> bool {
        let after = if self.is_empty() { Some(0) } else { self.last().checked_add(1) };
        let fits = after.is_some_and(|after| first > after) && first <= last;
        if fits {
            self.push(Interval { first, last });
        }
        fits
    }

    #[cfg(any(test, feature = "laws"))]
    pub(super) fn check_invariants(&self) -> Result<(), &'static str> {
        let sound = |interval: Interval| 1 <= interval.first && interval.first <= interval.last;
        if !self.iter().all(sound) {
            return Err("an interval is empty or starts before 1");
        }
        let mut pairs = self.iter().zip(self.iter().skip(1));
        if !pairs.all(|(one, next)| one.last < next.first.saturating_sub(1)) {
            return Err("intervals touch, overlap or are out of order");
        }
        let fits = match &self.0 {
            Form::One(_) => true,
            Form::Few(few) => few.len() != 1 && few.len() <= CHUNK,
            Form::Many(chunks) => {
                chunks.len() > 1 && chunks.iter().all(|it| (1..=CHUNK).contains(&it.len()))
            }
        };
        if fits { Ok(()) } else { Err("intervals have the form of another number of them") }
    }
}

/// Adds an interval to those of a chunk, which may then be one too many; whether that added anything.
fn insert_in_chunk(chunk: &mut Chunk, new: Interval) -> bool {
    // From the first interval that touches the new one to the last one that does.
    let from = chunk.partition_point(|it| it.last < new.first.saturating_sub(1));
    let upto = from + touched(&chunk[from..], new.last);
    if from == upto {
        chunk.insert(from, new);
        return true;
    }
    let (first, last) = (chunk[from].first.min(new.first), chunk[upto - 1].last.max(new.last));
    let joined = Interval { first, last };
    if chunk[from] == joined {
        return false;
    }
    chunk[from] = joined;
    chunk.drain(from + 1..upto);
    true
}

/// How many intervals at the start of a chunk start at `last` or before, or touch it.
fn touched(chunk: &[Interval], last: u64) -> usize {
    chunk.partition_point(|it| it.first <= last.saturating_add(1))
}

fn insert_in_chunks(chunks: &mut Vec<Chunk>, new: Interval) -> bool {
    let before = |it: &Interval| it.last < new.first.saturating_sub(1);
    let at = chunks.partition_point(|chunk| chunk.last().is_some_and(before));
    // What comes after everything goes into the last chunk.
    let at = at.min(chunks.len() - 1);
    if !insert_in_chunk(&mut chunks[at], new) {
        return false;
    }
    absorb(chunks, at, new.last);
    balance(chunks, at);
    true
}

/// Takes what lies in the chunks after `at`, and starts or touches `last` or before, into the last
/// interval of that chunk: if there is such, it ends at `last`.
fn absorb(chunks: &mut Vec<Chunk>, at: usize, last: u64) {
    let mut end = last;
    let within = |it: &Interval| it.first <= last.saturating_add(1);
    let whole = chunks[at + 1..].partition_point(|chunk| chunk.last().is_some_and(within));
    if let Some(gone) = chunks.drain(at + 1..at + 1 + whole).next_back() {
        end = gone.last().map_or(end, |it| it.last.max(end));
    }
    let mut absorbed = whole > 0;
    if let Some(next) = chunks.get_mut(at + 1) {
        if let Some(gone) = next.drain(..touched(next, last)).next_back() {
            (end, absorbed) = (gone.last.max(end), true);
        }
        shrink(next);
    }
    if let Some(it) = chunks[at].last_mut().filter(|_| absorbed) {
        it.last = it.last.max(end);
    }
}

/// Cuts a chunk that is too long, and joins short ones around it, so that chunks are a quarter full
/// on average.
fn balance(chunks: &mut Vec<Chunk>, at: usize) {
    if chunks[at].len() > CHUNK {
        // Appending leaves chunks full.
        let keep = if at + 1 == chunks.len() { CHUNK } else { CHUNK / 2 };
        let upper = chunks[at].split_off(keep);
        chunks.insert(at + 1, upper);
        return;
    }
    shrink(&mut chunks[at]);
    for low in [at + 1, at, at.saturating_sub(1)] {
        if low + 1 < chunks.len() && chunks[low].len() + chunks[low + 1].len() <= CHUNK / 2 {
            let mut upper = chunks.remove(low + 1);
            chunks[low].append(&mut upper);
        }
    }
}

/// Gives back room that is mostly free.
fn shrink<T>(of: &mut Vec<T>) {
    if of.len() < of.capacity() / 4 {
        of.shrink_to(2 * of.len());
    }
}

#[cfg(test)]
mod tests {
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

            let mut rebuilt = Intervals::default();
            (0..6).for_each(|block| rebuilt.append_mask(block, a.mask(block)));
            prop_assert_eq!(&rebuilt, &a);
            prop_assert_eq!(hash(&rebuilt), hash(&a));
            prop_assert_eq!(a == b, model_a == model_b);
            prop_assert_eq!(a.covers(&b), model_b.is_subset(&model_a));
            prop_assert!((0..400).all(|it| a.contains(it) == model_a.contains(&it)));

            let mut head = a;
            head.truncate_after(cut);
            same(&head, &model_a.into_iter().filter(|&counter| counter <= cut).collect());
        }
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
}
