//! [`CausalContext`]: the set of dots ever seen.

use super::{
    Dot,
    intervals::{self, Intervals},
};
use crate::{clock::VectorClock, iter::iterator, merge::Merge, replica::ReplicaId};
use core::{cmp::Ordering, fmt, iter::FusedIterator, ops::RangeInclusive, slice};
use smallvec::{SmallVec, smallvec};

/// The set of dots that a replica has ever seen, alive or not; joined by union.
///
/// `<` is "has seen less", which is a partial order.
///
/// Kept per replica as sorted intervals of counters. A replica that receives everything holds
/// one interval for each other replica, whatever happened: 56 bytes a replica, the first without
/// an allocation. Deltas that arrive with gaps cost 16 bytes a gap until the gap is filled.
///
/// With *r* replicas and *g* gaps: [`contains`](Self::contains) O(log r + log g);
/// [`merge`](Merge::merge) O(what the other side holds), plus the move of entries where a new
/// replica comes in.
///
/// # Examples
///
/// ```
/// use rejoin::{causal::{CausalContext, Dot}, Merge, ReplicaId};
///
/// let us: ReplicaId = "us-east-1".parse()?;
/// let dot = |counter: u64| Ok::<_, Box<dyn std::error::Error>>(Dot::new(us, counter.try_into()?));
/// let mut seen = CausalContext::new();
/// seen.insert(dot(1)?);
/// seen.insert(dot(3)?);      // 2 is still on its way
/// assert!(!seen.contains(dot(2)?));
/// assert_eq!(seen.intervals(us).collect::<Vec<_>>(), [1..=1, 3..=3]);
///
/// seen.insert(dot(2)?);
/// assert_eq!(seen.intervals(us).collect::<Vec<_>>(), [1..=3]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct CausalContext {
    /// Sorted by replica; no lane is empty.
    pub(super) lanes: SmallVec<[(ReplicaId, Intervals); 1]>,
}

impl CausalContext {
    /// The context that has seen nothing. Allocates nothing.
    ///
    /// ```
    /// assert!(rejoin::causal::CausalContext::new().is_empty());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether `dot` was seen. O(log r + log g). [The type](Self) has an example.
    pub fn contains(&self, dot: Dot) -> bool {
        self.lane(dot.replica()).is_some_and(|seen| seen.contains(dot.counter()))
    }

    /// Adds `dot`; returns whether it is new. O(log r + log g), and where it fills a gap or begins
    /// one the move of at most 512 gaps, 16 bytes each. [The type](Self) has an example.
    pub fn insert(&mut self, dot: Dot) -> bool {
        self.lane_mut(dot.replica()).insert(dot.counter(), dot.counter())
    }

    /// Adds the counters `first..=last` of a replica.
    pub(super) fn insert_all(&mut self, replica: ReplicaId, first: u64, last: u64) {
        self.lane_mut(replica).insert(first, last);
    }

    /// The context of one dot.
    pub(super) fn of(dot: Dot) -> Self {
        let seen = Intervals::of(dot.counter(), dot.counter());
        Self { lanes: smallvec![(dot.replica(), seen)] }
    }

    /// The context of everything up to the given counters, which are at least 1; replicas come
    /// in order.
    pub(crate) fn up_to(counts: impl Iterator<Item = (ReplicaId, u64)>) -> Self {
        Self { lanes: counts.map(|(replica, last)| (replica, Intervals::of(1, last))).collect() }
    }

    /// Whether nothing was seen. O(1).
    ///
    /// ```
    /// use rejoin::causal::{CausalContext, Dot};
    /// let dot = Dot::new("us-east-1".parse()?, 1.try_into()?);
    /// assert!(!CausalContext::from_iter([dot]).is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }

    /// The replicas of which anything was seen, in order. O(1), and O(r) to walk.
    ///
    /// ```
    /// use rejoin::causal::{CausalContext, Dot};
    /// let us = "us-east-1".parse()?;
    /// let seen = CausalContext::from_iter([Dot::new(us, 1.try_into()?)]);
    /// assert_eq!(seen.replicas().collect::<Vec<_>>(), [us]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn replicas(&self) -> Replicas<'_> {
        Replicas(self.lanes.iter())
    }

    /// The counters of `replica` that were seen: sorted, disjoint and non-touching intervals. O(log
    /// r), and O(g) to walk. [The type](Self) has an example.
    pub fn intervals(&self, replica: ReplicaId) -> Runs<'_> {
        Runs(self.lane(replica).map(Intervals::iter).unwrap_or_default())
    }

    /// How far each replica's writes were seen *without a gap*. O(r).
    ///
    /// ```
    /// use rejoin::causal::{CausalContext, Dot};
    /// let us = "us-east-1".parse()?;
    /// let (first, third) = (Dot::new(us, 1.try_into()?), Dot::new(us, 3.try_into()?));
    /// assert_eq!(CausalContext::from_iter([first, third]).contiguous().get(us), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn contiguous(&self) -> VectorClock {
        let prefix = |&(replica, ref seen): &(ReplicaId, Intervals)| {
            seen.iter().peek().filter(|it| it.first == 1).map(|it| (replica, it.last))
        };
        self.lanes.iter().filter_map(prefix).collect()
    }

    /// Whether there are at most this many dots. O(1) where there are many.
    pub(super) fn has_at_most(&self, most: u64) -> bool {
        let mut left = most;
        for interval in self.lanes.iter().flat_map(|lane| lane.1.iter()) {
            let more = interval.last - interval.first;
            if more >= left {
                return false;
            }
            left -= more + 1;
        }
        true
    }

    /// The counters of `replica` that are missing *before* the last one seen: the gaps that are
    /// still on their way, or lost. O(log r), and O(g) to walk. What comes after the last one, a
    /// context cannot know.
    ///
    /// ```
    /// use rejoin::causal::{CausalContext, Dot};
    /// let us = "us-east-1".parse()?;
    /// let dots = [2, 3, 7].map(|counter| Dot::new(us, core::num::NonZero::new(counter).unwrap()));
    /// let seen = CausalContext::from_iter(dots);
    /// assert_eq!(seen.missing(us).collect::<Vec<_>>(), [1..=1, 4..=6]);
    /// assert_eq!(seen.last(us), 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn missing(&self, replica: ReplicaId) -> Missing<'_> {
        Missing { seen: self.intervals(replica), next: 1 }
    }

    /// The greatest counter of `replica` that was seen; 0 if none was. O(log r). `missing` has an
    /// example.
    pub fn last(&self, replica: ReplicaId) -> u64 {
        self.lane(replica).map_or(0, Intervals::last)
    }

    /// Whether all of `other` was seen. O(size).
    ///
    /// ```
    /// use rejoin::causal::{CausalContext, Dot};
    /// let us = "us-east-1".parse()?;
    /// let first = CausalContext::from_iter([Dot::new(us, 1.try_into()?)]);
    /// let third = CausalContext::from_iter([Dot::new(us, 3.try_into()?)]);
    /// assert!(first.covers(&CausalContext::new()) && !first.covers(&third));
    /// assert_eq!(third.difference(&first), third);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn covers(&self, other: &Self) -> bool {
        let covers = |lane: &(ReplicaId, Intervals)| {
            self.lane(lane.0).is_some_and(|seen| seen.covers(&lane.1))
        };
        other.lanes.iter().all(covers)
    }

    /// The dots in both.
    pub(crate) fn meet(&self, other: &Self) -> Self {
        let both = |(replica, seen): &(ReplicaId, Intervals)| {
            let both = seen.intersection(other.lane(*replica)?);
            (!both.is_empty()).then_some((*replica, both))
        };
        Self { lanes: self.lanes.iter().filter_map(both).collect() }
    }

    /// How many intervals there are, of all replicas.
    pub(super) fn intervals_len(&self) -> usize {
        self.lanes.iter().map(|lane| lane.1.iter().count()).sum()
    }

    /// The replicas of which something was seen that is not in `other`.
    pub(crate) fn beyond(&self, other: &Self) -> impl Iterator<Item = ReplicaId> {
        let is_beyond = |(replica, seen): &&(ReplicaId, Intervals)| {
            !other.lane(*replica).is_some_and(|known| known.covers(seen))
        };
        self.lanes.iter().filter(is_beyond).map(|lane| lane.0)
    }

    /// The dots that are here and not in `other`. O(intervals here, and those of `other` within
    /// them). [`covers`](Self::covers) has an example.
    pub fn difference(&self, other: &Self) -> Self {
        let unseen = |(replica, seen): &(ReplicaId, Intervals)| {
            let rest = match other.lane(*replica) {
                Some(known) => seen.difference(known),
                None => seen.clone(),
            };
            (!rest.is_empty()).then_some((*replica, rest))
        };
        Self { lanes: self.lanes.iter().filter_map(unseen).collect() }
    }

    pub(super) fn find(&self, replica: ReplicaId) -> Result<usize, usize> {
        // Mostly there are a few replicas, and the sought one is among them.
        match self.lanes.iter().take(4).position(|lane| lane.0 == replica) {
            Some(at) => Ok(at),
            None => self.lanes.binary_search_by_key(&replica, |lane| lane.0),
        }
    }

    pub(super) fn lane(&self, replica: ReplicaId) -> Option<&Intervals> {
        self.find(replica).ok().map(|at| &self.lanes[at].1)
    }

    /// The lane of `replica`, made if need be; the caller fills it.
    fn lane_mut(&mut self, replica: ReplicaId) -> &mut Intervals {
        let at = self.find(replica).unwrap_or_else(|free| {
            self.lanes.insert(free, (replica, Intervals::default()));
            free
        });
        &mut self.lanes[at].1
    }

    /// Makes a lane for each replica of `other` that has none; the caller fills them. One pass,
    /// however many are new.
    pub(super) fn open_lanes(&mut self, other: &Self) {
        let known = self.lanes.len();
        for replica in other.replicas() {
            if self.lanes[..known].binary_search_by_key(&replica, |lane| lane.0).is_err() {
                self.lanes.push((replica, Intervals::default()));
            }
        }
        if self.lanes.len() == known {
            return;
        }
        // Two sorted runs, which a stable sort merges in one pass.
        self.lanes.sort_by_key(|lane| lane.0);
    }

    #[cfg(any(test, feature = "laws"))]
    pub(crate) fn check_invariants(&self) -> Result<(), &'static str> {
        if !self.lanes.windows(2).all(|pair| pair[0].0 < pair[1].0) {
            return Err("replicas are repeated or out of order");
        }
        if self.lanes.iter().any(|lane| lane.1.is_empty()) {
            return Err("a replica has an empty lane");
        }
        self.lanes.iter().try_for_each(|lane| lane.1.check_invariants())
    }
}

/// The replicas of a [`CausalContext`]: see [`CausalContext::replicas`].
pub struct Replicas<'a>(slice::Iter<'a, (ReplicaId, Intervals)>);

iterator!(Replicas<'a> of ReplicaId = |lane| lane.0);

/// The intervals of one replica's counters: see [`CausalContext::intervals`].
#[derive(Clone)]
pub struct Runs<'a>(intervals::Iter<'a>);

impl Iterator for Runs<'_> {
    type Item = RangeInclusive<u64>;

    fn next(&mut self) -> Option<RangeInclusive<u64>> {
        self.0.next().map(|interval| interval.first..=interval.last)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

/// The gaps in what was seen of one replica: see [`CausalContext::missing`].
#[derive(Clone, Debug)]
pub struct Missing<'a> {
    seen: Runs<'a>,
    /// The counter after the last interval.
    next: u64,
}

impl Iterator for Missing<'_> {
    type Item = RangeInclusive<u64>;

    fn next(&mut self) -> Option<RangeInclusive<u64>> {
        loop {
            let seen = self.seen.next()?;
            let gap = self.next..=seen.start().saturating_sub(1);
            self.next = seen.end().saturating_add(1);
            if !gap.is_empty() {
                return Some(gap);
            }
        }
    }
}

impl FusedIterator for Missing<'_> {}

impl ExactSizeIterator for Runs<'_> {}
impl FusedIterator for Runs<'_> {}

impl fmt::Debug for Runs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

/// The order of what was seen. Two contexts that have each seen something the other has not are not
/// ordered.
impl PartialOrd for CausalContext {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self.covers(other), other.covers(self)) {
            (true, true) => Some(Ordering::Equal),
            (true, false) => Some(Ordering::Greater),
            (false, true) => Some(Ordering::Less),
            (false, false) => None,
        }
    }
}

impl Merge for CausalContext {
    fn merge(&mut self, other: &Self) -> bool {
        self.open_lanes(other);
        let mut grown = false;
        for (replica, theirs) in &other.lanes {
            grown |= self.lane_mut(*replica).union(theirs);
        }
        grown
    }
}

impl FromIterator<Dot> for CausalContext {
    fn from_iter<I: IntoIterator<Item = Dot>>(dots: I) -> Self {
        // Sorted first: dots that come in no order would each move the intervals after them.
        let mut dots = dots.into_iter();
        let Some(first) = dots.next() else { return Self::new() };
        let mut context = Self::of(first);
        let mut rest: SmallVec<[Dot; 4]> = dots.collect();
        if rest.is_empty() {
            return context;
        }
        rest.push(first);
        rest.sort_unstable();
        context.lanes.clear();
        for dot in rest {
            let last = context.lanes.last_mut().filter(|lane| lane.0 == dot.replica());
            if let Some((_, seen)) = last {
                seen.append(dot.counter());
            } else {
                let seen = Intervals::of(dot.counter(), dot.counter());
                context.lanes.push((dot.replica(), seen));
            }
        }
        context
    }
}
