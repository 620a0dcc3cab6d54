//! [`VectorClock`]: how much of each replica's history a state has seen.
//!
//! Fidge, *Timestamps in Message-Passing Systems That Preserve the Partial Ordering*, 1988;
//! Mattern, *Virtual Time and Global States of Distributed Systems*, 1989.

use crate::{
    error::WriteError,
    iter::iterator,
    merge::{Delta, DeltaState, Merge},
    replica::ReplicaId,
};
use core::cmp::Ordering;
use smallvec::{SmallVec, smallvec};

/// A count per replica; a join takes the greater count of each.
///
/// A replica that is absent counts 0, so a clock never distinguishes "0" from "not there": not
/// in equality, order, hash or bytes.
///
/// # Cost
///
/// Replicas lie sorted in one array, their counts in another: 40 bytes each, up to three without an
/// allocation. With *n* of them here and *m* there, [`get`](Self::get) is O(log n), and
/// [`compare`](Self::compare), [`merge`](Merge::merge) and [`meet`](Self::meet) are one pass,
/// O(n + m): a walk over the counts alone where both list the same replicas.
///
/// # Order and serde
///
/// `<` is "has seen less", which is a partial order: concurrent clocks are not ordered, and there
/// is no `Ord`. In serde it is a map of counts, `{"us-east-1": 5}`.
///
/// # Examples
///
/// ```
/// use rejoin::{Causality, Merge, VectorClock};
///
/// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
/// let mut ours = VectorClock::new();
/// ours.increment(us)?;
/// let mut theirs = ours.clone();
/// theirs.increment(eu)?;
/// assert_eq!(ours.compare(&theirs), Causality::Before);
///
/// ours.increment(us)?;
/// assert_eq!(ours.compare(&theirs), Causality::Concurrent);
/// ours.merge(&theirs);
/// assert_eq!(ours.iter().collect::<Vec<_>>(), [(eu, 1), (us, 2)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct VectorClock {
    replicas: SmallVec<[ReplicaId; 3]>,
    /// As long as `replicas`. A count of zero is absence and is never stored.
    counts: SmallVec<[u64; 3]>,
}

/// How two states relate in time: the answer of [`VectorClock::compare`].
///
/// ```
/// use rejoin::{Causality, VectorClock};
/// let none = VectorClock::new();
/// assert_eq!(none.compare(&none), Causality::Equal);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Causality {
    /// Both have seen the same.
    Equal,
    /// The first has seen less: the second happened after it.
    Before,
    /// The first has seen more: the second happened before it.
    After,
    /// Each has seen something that the other has not.
    Concurrent,
}

impl Causality {
    /// From whether each side has something that the other lacks.
    const fn new(first_has_more: bool, second_has_more: bool) -> Self {
        match (first_has_more, second_has_more) {
            (false, false) => Self::Equal,
            (false, true) => Self::Before,
            (true, false) => Self::After,
            (true, true) => Self::Concurrent,
        }
    }
}

impl VectorClock {
    /// The clock that has seen nothing. Allocates nothing.
    ///
    /// ```
    /// assert!(rejoin::VectorClock::new().is_empty());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// The count of `replica`; 0 if it is absent. O(log n).
    ///
    /// ```
    /// use rejoin::VectorClock;
    /// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// let clock = VectorClock::from_iter([(us, 5)]);
    /// assert_eq!((clock.get(us), clock.get(eu)), (5, 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get(&self, replica: ReplicaId) -> u64 {
        self.find(replica).map_or(0, |at| self.counts[at])
    }

    /// Counts one more event of `replica`; returns the delta, a clock of one entry. O(log n), and
    /// O(n) where the replica is new.
    ///
    /// ```
    /// let us = "us-east-1".parse()?;
    /// let mut clock = rejoin::VectorClock::new();
    /// clock.increment(us)?;
    /// assert_eq!(clock.get(us), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the count is `u64::MAX`; the clock is as it was.
    pub fn increment(&mut self, replica: ReplicaId) -> Result<Self, WriteError> {
        self.add(replica, 1)
    }

    /// Counts `by` more events of `replica`; returns the delta.
    pub(crate) fn add(&mut self, replica: ReplicaId, by: u64) -> Result<Self, WriteError> {
        if by == 0 {
            return Ok(Self::new());
        }
        let count = match self.find(replica) {
            Ok(at) => {
                let count = &mut self.counts[at];
                *count = count.checked_add(by).ok_or(WriteError::counter_overflow(replica))?;
                *count
            }
            Err(at) => {
                self.replicas.insert(at, replica);
                self.counts.insert(at, by);
                by
            }
        };
        Ok(Self { replicas: smallvec![replica], counts: smallvec![count] })
    }

    /// How this clock relates to `other`. O(n + m), without an allocation.
    ///
    /// ```
    /// use rejoin::{Causality, VectorClock};
    /// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// let ours = VectorClock::from_iter([(us, 5), (eu, 3)]);
    /// let theirs = VectorClock::from_iter([(us, 4), (eu, 4)]);
    /// assert_eq!(ours.compare(&theirs), Causality::Concurrent);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn compare(&self, other: &Self) -> Causality {
        if self.lists_the_same(other) {
            let (we_have_more, they_have_more) = greater(&self.counts, &other.counts);
            return Causality::new(we_have_more, they_have_more);
        }
        let (mut ours, mut theirs) = (self.iter().peekable(), other.iter().peekable());
        let (mut we_have_more, mut they_have_more) = (false, false);
        while let (Some(&(our_id, our_count)), Some(&(their_id, their_count))) =
            (ours.peek(), theirs.peek())
        {
            let order = our_id.cmp(&their_id);
            we_have_more |= order.is_lt() || order.is_eq() && our_count > their_count;
            they_have_more |= order.is_gt() || order.is_eq() && our_count < their_count;
            ours.next_if(|_| order.is_le());
            theirs.next_if(|_| order.is_ge());
        }
        we_have_more |= ours.peek().is_some();
        they_have_more |= theirs.peek().is_some();
        Causality::new(we_have_more, they_have_more)
    }

    /// Whether both list the same replicas: most clocks that meet do.
    pub(crate) fn lists_the_same(&self, other: &Self) -> bool {
        let (ours, theirs) = (&self.replicas[..], &other.replicas[..]);
        if ours.len() != theirs.len() || ours.first() != theirs.first() {
            return false;
        }
        // Many by chunks, each of them without a branch: in vector registers.
        let same = |(ours, theirs): (&[ReplicaId], &[ReplicaId])| {
            let pairs = ours.iter().zip(theirs);
            pairs.fold(0, |bits, (ours, theirs)| bits | ours.differs_from(*theirs)) == 0
        };
        if ours.len() < 8 {
            ours == theirs
        } else {
            ours.chunks(32).zip(theirs.chunks(32)).all(same)
        }
    }

    /// The greatest lower bound: what *both* have seen. The dual of [`merge`](Merge::merge). O(n +
    /// m).
    ///
    /// ```
    /// use rejoin::VectorClock;
    /// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// let ours: VectorClock = [(us, 5), (eu, 3)].into_iter().collect();
    /// let theirs: VectorClock = [(us, 4)].into_iter().collect();
    /// assert_eq!(ours.meet(&theirs), theirs);
    /// # Ok::<(), rejoin::ReplicaIdError>(())
    /// ```
    pub fn meet(&self, other: &Self) -> Self {
        let mut theirs = other.iter().peekable();
        let mut both = Self::new();
        for (replica, count) in self {
            while theirs.next_if(|entry| entry.0 < replica).is_some() {}
            if let Some(entry) = theirs.next_if(|entry| entry.0 == replica) {
                both.push(replica, count.min(entry.1));
            }
        }
        both
    }

    /// The replicas that count at least 1, with their counts, in the order of their ids. O(1), and
    /// O(n) to walk.
    ///
    /// ```
    /// use rejoin::VectorClock;
    /// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// let clock = VectorClock::from_iter([(us, 5), (eu, 3)]);
    /// assert_eq!(clock.iter().collect::<Vec<_>>(), [(eu, 3), (us, 5)]);
    /// for (replica, count) in &clock {
    ///     assert_eq!(clock.get(replica), count);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn iter(&self) -> Iter<'_> {
        Iter(self.replicas.iter().zip(self.counts.iter()))
    }

    /// Apart from `from_iter`, so that what sorts is compiled once.
    fn from_unsorted(mut entries: SmallVec<[(ReplicaId, u64); 3]>) -> Self {
        entries.sort_unstable_by(|a, b| b.cmp(a));
        entries.dedup_by_key(|entry| entry.0);
        let (replicas, counts) = entries.into_iter().rev().unzip();
        Self { replicas, counts }
    }

    /// A replica after all others, and its count, which is not 0.
    /// The clock of these replicas, ascending, with a count for each. Zeros are dropped.
    pub(crate) fn from_columns(
        mut replicas: SmallVec<[ReplicaId; 3]>,
        mut counts: SmallVec<[u64; 3]>,
    ) -> Self {
        if counts.contains(&0) {
            let mut count = counts.iter();
            replicas.retain(|_| count.next() != Some(&0));
            counts.retain(|count| *count != 0);
        }
        Self { replicas, counts }
    }

    /// The columns of replicas, ascending, and of their counts.
    pub(crate) fn columns(&self) -> (&[ReplicaId], &[u64]) {
        (&self.replicas, &self.counts)
    }

    fn push(&mut self, replica: ReplicaId, count: u64) {
        self.replicas.push(replica);
        self.counts.push(count);
    }

    /// How many replicas count at least 1. O(1).
    ///
    /// ```
    /// use rejoin::VectorClock;
    /// let clock = VectorClock::from_iter([("us-east-1".parse()?, 5)]);
    /// assert_eq!(clock.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn len(&self) -> usize {
        self.replicas.len()
    }

    /// Whether nothing has been seen. O(1).
    ///
    /// ```
    /// let mut clock = rejoin::VectorClock::new();
    /// clock.increment("us-east-1".parse()?)?;
    /// assert!(!clock.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.replicas.is_empty()
    }

    #[cfg(any(test, feature = "laws"))]
    pub(crate) fn check_invariants(&self) -> Result<(), &'static str> {
        if self.replicas.len() != self.counts.len() {
            return Err("replicas and counts differ in number");
        }
        if !self.replicas.windows(2).all(|pair| pair[0] < pair[1]) {
            return Err("replicas are repeated or out of order");
        }
        if self.counts.contains(&0) {
            return Err("a count of zero is kept");
        }
        Ok(())
    }

    fn find(&self, replica: ReplicaId) -> Result<usize, usize> {
        self.replicas.binary_search(&replica)
    }

    /// The join; tells for each count that may have grown by how much it did.
    pub(crate) fn join(&mut self, other: &Self, mut grown: impl FnMut(u64)) {
        if self.lists_the_same(other) {
            for (ours, theirs) in self.counts.iter_mut().zip(&other.counts) {
                let more = theirs.saturating_sub(*ours);
                *ours += more;
                grown(more);
            }
            return;
        }
        // A delta does not walk the state.
        let few = other.len() < self.len() / 16;
        let (mut replicas, mut counts) = (&self.replicas[..], &mut self.counts[..]);
        let mut missing = 0;
        for (replica, count) in other {
            let before = if few {
                replicas.partition_point(|ours| *ours < replica)
            } else {
                replicas.iter().take_while(|ours| **ours < replica).count()
            };
            (replicas, counts) = (&replicas[before..], &mut counts[before..]);
            match (replicas.first(), counts.first_mut()) {
                (Some(found), Some(ours)) if *found == replica => {
                    let more = count.saturating_sub(*ours);
                    *ours += more;
                    grown(more);
                }
                _ => {
                    missing += 1;
                    grown(count);
                }
            }
        }
        if missing > 0 {
            self.insert_missing(other, missing);
        }
    }

    /// Inserts the `missing` entries of `other` whose replicas are absent here: merged from the
    /// back, in place, so one pass whatever the order.
    fn insert_missing(&mut self, other: &Self, missing: usize) {
        let mut ours = self.len();
        let mut free = ours + missing;
        self.replicas.resize(free, ReplicaId::from_u128(0));
        self.counts.resize(free, 0);
        let (replicas, counts) = (&mut self.replicas[..], &mut self.counts[..]);
        for (replica, count) in other.iter().rev() {
            while ours > 0 && replicas[ours - 1] > replica {
                (ours, free) = (ours - 1, free - 1);
                (replicas[free], counts[free]) = (replicas[ours], counts[ours]);
            }
            if ours == 0 || replicas[ours - 1] != replica {
                free -= 1;
                (replicas[free], counts[free]) = (replica, count);
            }
            if ours == free {
                break;
            }
        }
    }
}

/// Whether some count is greater here, and whether some is there, of one replica each.
fn greater(ours: &[u64], theirs: &[u64]) -> (bool, bool) {
    let pairs = || ours.iter().zip(theirs);
    // Below 2⁶³ the sign of a difference tells: without a branch, in vector registers.
    let (mut here, mut there, mut all) = (0, 0, 0);
    for (ours, theirs) in pairs() {
        here |= theirs.wrapping_sub(*ours);
        there |= ours.wrapping_sub(*theirs);
        all |= ours | theirs;
    }
    if all >> 63 == 0 {
        return (here >> 63 == 1, there >> 63 == 1);
    }
    (pairs().any(|(ours, theirs)| ours > theirs), pairs().any(|(ours, theirs)| ours < theirs))
}

impl Merge for VectorClock {
    fn merge(&mut self, other: &Self) -> bool {
        let mut growth = 0;
        self.join(other, |more| growth |= more);
        growth > 0
    }
}

impl Delta for VectorClock {
    fn is_empty(&self) -> bool {
        self.replicas.is_empty()
    }
}

/// A clock is its own delta and its own version.
impl DeltaState for VectorClock {
    type Delta = Self;
    type Version = Self;

    fn version(&self) -> Self {
        self.clone()
    }

    fn delta_since(&self, peer: &Self) -> Self {
        let mut theirs = peer.iter().peekable();
        let mut news = Self::new();
        for (replica, count) in self {
            while theirs.next_if(|entry| entry.0 < replica).is_some() {}
            if theirs.next_if(|entry| entry.0 == replica).is_none_or(|entry| entry.1 < count) {
                news.push(replica, count);
            }
        }
        news
    }

    fn apply(&mut self, delta: &Self) -> bool {
        self.merge(delta)
    }
}

/// The counts of a [`VectorClock`] or a [`GCounter`](crate::GCounter): see [`VectorClock::iter`].
pub struct Iter<'a>(core::iter::Zip<core::slice::Iter<'a, ReplicaId>, core::slice::Iter<'a, u64>>);

iterator!(Iter<'a> of (ReplicaId, u64) = |(replica, count)| (*replica, *count));

impl<'a> IntoIterator for &'a VectorClock {
    type Item = (ReplicaId, u64);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// Agrees with [`VectorClock::compare`]; concurrent clocks have no order.
impl PartialOrd for VectorClock {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match self.compare(other) {
            Causality::Equal => Some(Ordering::Equal),
            Causality::Before => Some(Ordering::Less),
            Causality::After => Some(Ordering::Greater),
            Causality::Concurrent => None,
        }
    }
}

/// Zeros are dropped. If a replica is named twice, its greatest count wins.
impl FromIterator<(ReplicaId, u64)> for VectorClock {
    fn from_iter<I: IntoIterator<Item = (ReplicaId, u64)>>(counts: I) -> Self {
        let counts = counts.into_iter().filter(|entry| entry.1 > 0);
        Self::from_unsorted(counts.collect())
    }
}

#[cfg(feature = "serde")]
mod form {
    use super::VectorClock;
    use crate::replica::ReplicaId;
    use core::fmt;
    use serde::{
        Deserialize, Deserializer, Serialize, Serializer,
        de::{Error, MapAccess, Visitor},
    };
    use smallvec::SmallVec;

    impl Serialize for VectorClock {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map(self.iter())
        }
    }

    impl<'de> Deserialize<'de> for VectorClock {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let readable = deserializer.is_human_readable();
            deserializer.deserialize_map(Counts { readable })
        }
    }

    /// Apart, so that it is compiled once.
    fn sort(entries: &mut [(ReplicaId, u64)]) {
        entries.sort_by_key(|entry| entry.0);
    }

    /// People and their services write objects in any order and may spell out zeros; the compact
    /// form has one spelling for each clock.
    struct Counts {
        readable: bool,
    }

    impl<'de> Visitor<'de> for Counts {
        type Value = VectorClock;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map of replica ids to counts")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<VectorClock, A::Error> {
            let mut entries = SmallVec::<[(ReplicaId, u64); 3]>::new();
            while let Some(entry) = map.next_entry::<ReplicaId, u64>()? {
                entries.push(entry);
            }
            if self.readable {
                sort(&mut entries);
            } else if entries.iter().any(|entry| entry.1 == 0) {
                return Err(A::Error::custom("a count of zero must be left out"));
            }
            if let Some(pair) = entries.windows(2).find(|pair| pair[0].0 >= pair[1].0) {
                let replica = pair[1].0;
                let repeated = "is repeated or out of order";
                return Err(A::Error::custom(format_args!("replica {replica} {repeated}")));
            }
            let (replicas, counts) = entries.into_iter().filter(|entry| entry.1 > 0).unzip();
            Ok(VectorClock { replicas, counts })
        }
    }
}

/// A table of replicas, and a column of their counts less one.
mod wire {
    use super::VectorClock;
    use crate::wire::{DecodeError, Reader, Schema, Tag, Wire, Writer};
    use smallvec::SmallVec;

    impl Wire for VectorClock {
        fn schema(schema: &mut Schema) {
            schema.tag(Tag::VectorClock);
        }

        fn encode(&self, out: &mut Writer) {
            out.count(self.len());
            self.replicas.iter().for_each(|replica| replica.encode(out));
            self.counts.iter().for_each(|count| out.varint(count - 1));
        }

        fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
            let replicas = input.replicas()?;
            let mut counts = SmallVec::with_capacity(replicas.len());
            for _ in &replicas {
                let count = input.varint()?.checked_add(1);
                counts.push(count.ok_or_else(|| input.malformed("a count exceeds 64 bits"))?);
            }
            Ok(Self { replicas, counts })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Causality, VectorClock};
    use crate::{
        merge::{DeltaState, Merge},
        replica::ReplicaId,
    };

    fn clock(counts: impl IntoIterator<Item = (u128, u64)>) -> VectorClock {
        counts.into_iter().map(|(id, count)| (ReplicaId::from_u128(id), count)).collect()
    }

    /// Obviously right: each replica of either, one by one.
    fn compared(ours: &VectorClock, theirs: &VectorClock) -> Causality {
        let replicas = || ours.replicas.iter().chain(&theirs.replicas).copied();
        let more = |a: &VectorClock, b: &VectorClock| replicas().any(|it| a.get(it) > b.get(it));
        Causality::new(more(ours, theirs), more(theirs, ours))
    }

    #[test]
    fn counts_of_all_sizes_are_compared() {
        let sizes = [1, 2, (1 << 63) - 1, 1 << 63, (1 << 63) + 1, u64::MAX - 1, u64::MAX];
        let clocks = || sizes.into_iter().flat_map(|a| sizes.map(|b| clock([(1, a), (2, b)])));
        for (ours, theirs) in clocks().flat_map(|ours| clocks().map(move |it| (ours.clone(), it))) {
            assert_eq!(ours.compare(&theirs), compared(&ours, &theirs), "{ours:?}, {theirs:?}");
            let mut joined = ours.clone();
            assert_eq!(joined.merge(&theirs), joined != ours);
            assert!([1, 2].map(ReplicaId::from_u128).iter().all(|&replica| {
                joined.get(replica) == ours.get(replica).max(theirs.get(replica))
            }));
        }
    }

    #[test]
    fn small_deltas_find_their_place() {
        let all = || (0..70).map(|id| (id * 2, 5));
        for (first, count) in (0..141).flat_map(|id| [(id, 4), (id, 5), (id, 6)]) {
            let delta = clock([(first, count), (first + 2, 7)]);
            let (ours, mut joined) = (clock(all()), clock(all()));
            assert_eq!(joined.merge(&delta), joined != ours);
            assert_eq!(joined, clock(all().chain([(first, count), (first + 2, 7)])));
            let is_old = count < 6 && first % 2 == 0 && first < 140;
            assert_eq!(joined.delta_since(&ours).merge(&delta), is_old);
        }
    }

    /// One replica more, one fewer, another one or two others, at each place of a long clock.
    #[test]
    fn long_clocks_are_told_apart() {
        let all = || (0..70).map(|id| (id * 2, 5));
        let ours = clock(all());
        for at in 0..70 {
            let fewer = clock(all().filter(|it| it.0 != at * 2));
            let others = clock(all().map(|(id, count)| (id + u128::from(id / 4 == at / 2), count)));
            for theirs in [fewer, others] {
                assert_eq!(ours.compare(&theirs), compared(&ours, &theirs));
                assert_eq!(theirs.compare(&ours), compared(&theirs, &ours));
            }
        }
        for at in 0..70 {
            let other = |id| clock(all().filter(move |it| it.0 != at * 2).chain([(id, 5)]));
            for theirs in
                [other(at * 2), other(at * 2 + 1), other(1_000), other((at * 2 + 1) << 64)]
            {
                assert_eq!(ours.compare(&theirs), compared(&ours, &theirs));
                assert_eq!(theirs.compare(&ours), compared(&theirs, &ours));
                let mut joined = ours.clone();
                assert_eq!(joined.merge(&theirs), joined != ours);
                assert_eq!(joined.check_invariants(), Ok(()));
                assert_eq!(joined.len(), if ours == theirs { 70 } else { 71 });
            }
        }
    }

    #[test]
    fn a_broken_clock_is_found() {
        let check = |entries: &[(u128, u64)]| {
            let entries = entries.iter().map(|&(id, count)| (ReplicaId::from_u128(id), count));
            let (replicas, counts) = entries.unzip();
            VectorClock { replicas, counts }.check_invariants()
        };
        let unsorted = Err("replicas are repeated or out of order");
        assert_eq!([check(&[(2, 1), (1, 1)]), check(&[(1, 1), (1, 2)])], [unsorted; 2]);
        assert_eq!(check(&[(1, 1), (2, 0)]), Err("a count of zero is kept"));
        assert_eq!(check(&[(1, 1), (2, 5)]), Ok(()));
        let mut clock = VectorClock::from_iter([(ReplicaId::from_u128(1), 1)]);
        clock.counts.clear();
        assert_eq!(clock.check_invariants(), Err("replicas and counts differ in number"));
    }
}
