//! [`Intervals`]: the counters of one replica that were seen, as sorted closed intervals.

mod chunk;
mod interval;
mod iter;
#[cfg(test)]
mod tests;
mod word;

pub(super) use interval::Interval;
pub(super) use iter::Iter;
pub(super) use word::{BLOCK, first_counter, place};

use alloc::{boxed::Box, vec::Vec};
use chunk::{
    CHUNK, Chunk, balance, insert_in_chunk, insert_in_chunks, remove_in_chunk, remove_in_chunks,
    shrink,
};
use core::{
    fmt,
    hash::{Hash, Hasher},
};

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

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Intervals>() == 24, "a replica takes 56 bytes in a context");

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
        if other.is_few_beside(self) {
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

    /// Whether so few intervals as these are inserted into `other` one by one, or taken out of it,
    /// in less than a pass, though each may move a chunk.
    fn is_few_beside(&self, other: &Self) -> bool {
        let chunks = if let Form::Many(chunks) = &other.0 { chunks.len() } else { 1 };
        self.iter().nth((CHUNK / 64 * chunks).max(4)).is_none()
    }

    /// Takes out all of `gone`, which was seen here: so each of its intervals lies within one here.
    /// The cost is that of [`union`](Self::union).
    pub(super) fn subtract(&mut self, gone: &Self) {
        if gone.is_few_beside(self) {
            gone.iter().for_each(|gone| self.remove(gone));
        } else {
            *self = self.difference(gone);
        }
    }

    /// Takes out an interval that lies within one here. O(log intervals + a chunk).
    fn remove(&mut self, gone: Interval) {
        let removed = match &mut self.0 {
            Form::One(one) => {
                self.0 = match one.without(gone) {
                    None => return,
                    Some([Some(low), Some(high)]) => Form::Few(Vec::from([low, high])),
                    Some([Some(rest), None] | [None, Some(rest)]) => Form::One(rest),
                    Some([None, None]) => Form::Few(Vec::new()),
                };
                return;
            }
            Form::Few(few) => remove_in_chunk(few, gone),
            Form::Many(chunks) => remove_in_chunks(chunks, gone),
        };
        if removed {
            self.settle();
        }
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
