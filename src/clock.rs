//! [`VectorClock`]: how much of each replica's history a state has seen.
//!
//! Fidge, *Timestamps in Message-Passing Systems That Preserve the Partial Ordering*, 1988;
//! Mattern, *Virtual Time and Global States of Distributed Systems*, 1989.

use crate::{
    merge::{DeltaState, Merge},
    replica::{CounterOverflow, ReplicaId},
};
use core::cmp::Ordering;
use smallvec::{SmallVec, smallvec};

/// One replica and its count. A count of zero is absence and is never stored.
type Entry = (ReplicaId, u64);

/// A count per replica, joined by taking the greater of each.
///
/// A replica that is absent counts 0, so a clock never distinguishes "0" from "not there": not
/// in equality, order, hash or bytes.
///
/// Entries lie in one array sorted by replica: 24 bytes each, up to three without an allocation.
/// With *n* entries here and *m* there, [`get`](Self::get) is O(log n), and
/// [`compare`](Self::compare), [`merge`](Merge::merge) and [`meet`](Self::meet) are one pass,
/// O(n + m).
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
    entries: SmallVec<[Entry; 3]>,
}

/// How two states relate in time.
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
    pub fn new() -> Self {
        Self::default()
    }

    /// The count of `replica`; 0 where it is absent. O(log n).
    pub fn get(&self, replica: ReplicaId) -> u64 {
        self.find(replica).map_or(0, |at| self.entries[at].1)
    }

    /// Counts one more event of `replica`; returns the delta, a clock of one entry.
    ///
    /// # Errors
    ///
    /// [`CounterOverflow`] past `u64::MAX`; the clock is as it was.
    pub fn increment(&mut self, replica: ReplicaId) -> Result<Self, CounterOverflow> {
        self.add(replica, 1)
    }

    /// Counts `by` more events of `replica`; returns the delta.
    pub(crate) fn add(&mut self, replica: ReplicaId, by: u64) -> Result<Self, CounterOverflow> {
        if by == 0 {
            return Ok(Self::new());
        }
        let count = match self.find(replica) {
            Ok(at) => {
                let count = &mut self.entries[at].1;
                *count = count.checked_add(by).ok_or(CounterOverflow { replica })?;
                *count
            }
            Err(at) => {
                self.entries.insert(at, (replica, by));
                by
            }
        };
        Ok(Self { entries: smallvec![(replica, count)] })
    }

    /// How this clock relates to `other`: one pass, no allocation.
    pub fn compare(&self, other: &Self) -> Causality {
        let (mut ours, mut theirs) = (&self.entries[..], &other.entries[..]);
        let (mut we_have_more, mut they_have_more) = (false, false);
        while let (
            [(our_id, our_count), our_rest @ ..],
            [(their_id, their_count), their_rest @ ..],
        ) = (ours, theirs)
        {
            match our_id.cmp(their_id) {
                Ordering::Equal => {
                    we_have_more |= our_count > their_count;
                    they_have_more |= our_count < their_count;
                    (ours, theirs) = (our_rest, their_rest);
                }
                Ordering::Less => {
                    we_have_more = true;
                    ours = our_rest;
                }
                Ordering::Greater => {
                    they_have_more = true;
                    theirs = their_rest;
                }
            }
        }
        Causality::new(we_have_more || !ours.is_empty(), they_have_more || !theirs.is_empty())
    }

    /// The greatest lower bound: what *both* have seen. The dual of [`merge`](Merge::merge).
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
        let mut theirs = other.entries.iter().peekable();
        let mut both = Self::new();
        for &(replica, count) in &self.entries {
            while theirs.next_if(|entry| entry.0 < replica).is_some() {}
            if let Some(entry) = theirs.next_if(|entry| entry.0 == replica) {
                both.entries.push((replica, count.min(entry.1)));
            }
        }
        both
    }

    /// The replicas that count at least 1, with their counts, in the order of their ids.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (ReplicaId, u64)> + '_ {
        self.entries.iter().copied()
    }

    /// How many replicas count at least 1.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing has been seen.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Checks that entries are sorted, and none is zero. For tests and fuzzers; O(n).
    ///
    /// # Errors
    ///
    /// Which invariant does not hold: always a bug in this crate.
    pub fn check_invariants(&self) -> Result<(), &'static str> {
        if !self.entries.windows(2).all(|pair| pair[0].0 < pair[1].0) {
            return Err("replicas are repeated or out of order");
        }
        if self.entries.iter().any(|entry| entry.1 == 0) {
            return Err("a count of zero is kept");
        }
        Ok(())
    }

    fn find(&self, replica: ReplicaId) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&replica, |entry| entry.0)
    }

    /// Inserts the `missing` entries of `other` whose replicas are absent here: merged from the
    /// back, in place, so one pass whatever the order.
    fn insert_missing(&mut self, other: &Self, missing: usize) {
        let mut ours = self.entries.len();
        self.entries.resize(ours + missing, (ReplicaId::from_u128(0), 0));
        let mut free = self.entries.len();
        for &theirs in other.entries.iter().rev() {
            while ours > 0 && self.entries[ours - 1].0 > theirs.0 {
                (ours, free) = (ours - 1, free - 1);
                self.entries[free] = self.entries[ours];
            }
            if ours == 0 || self.entries[ours - 1].0 != theirs.0 {
                free -= 1;
                self.entries[free] = theirs;
            }
            if ours == free {
                break;
            }
        }
    }
}

impl Merge for VectorClock {
    fn merge(&mut self, other: &Self) -> bool {
        let mut changed = false;
        let mut missing = 0;
        let mut ours = self.entries.iter_mut().peekable();
        for &(replica, count) in &other.entries {
            while ours.next_if(|entry| entry.0 < replica).is_some() {}
            match ours.next_if(|entry| entry.0 == replica) {
                Some(entry) => {
                    changed |= count > entry.1;
                    entry.1 = entry.1.max(count);
                }
                None => missing += 1,
            }
        }
        if missing == 0 {
            return changed;
        }
        self.insert_missing(other, missing);
        true
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
        let news = self.entries.iter().filter(|entry| entry.1 > peer.get(entry.0));
        Self { entries: news.copied().collect() }
    }

    fn apply(&mut self, delta: Self) -> bool {
        self.merge(&delta)
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

/// Zeros are dropped; a replica named twice counts its greatest.
impl FromIterator<(ReplicaId, u64)> for VectorClock {
    fn from_iter<I: IntoIterator<Item = (ReplicaId, u64)>>(counts: I) -> Self {
        let mut entries: SmallVec<[Entry; 3]> =
            counts.into_iter().filter(|entry| entry.1 > 0).collect();
        entries.sort_unstable_by(|a, b| b.cmp(a));
        entries.dedup_by_key(|entry| entry.0);
        entries.reverse();
        Self { entries }
    }
}

#[cfg(feature = "serde")]
mod form {
    use super::{Entry, VectorClock};
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
            let mut entries = SmallVec::<[Entry; 3]>::new();
            while let Some(entry) = map.next_entry::<ReplicaId, u64>()? {
                entries.push(entry);
            }
            if self.readable {
                entries.sort_by_key(|entry| entry.0);
            } else if entries.iter().any(|entry| entry.1 == 0) {
                return Err(A::Error::custom("a count of zero, which is to be left out"));
            }
            if let Some(pair) = entries.windows(2).find(|pair| pair[0].0 >= pair[1].0) {
                let replica = pair[1].0;
                let error = format_args!("replica {replica} is repeated or out of order");
                return Err(A::Error::custom(error));
            }
            entries.retain(|entry| entry.1 > 0);
            Ok(VectorClock { entries })
        }
    }
}

/// A table of replicas, and a column of their counts less one.
mod wire {
    use super::VectorClock;
    use crate::wire::{DecodeError, Reader, Schema, Tag, Wire, Writer};

    impl Wire for VectorClock {
        fn schema(schema: &mut Schema) {
            schema.tag(Tag::VectorClock);
        }

        fn encode(&self, out: &mut Writer) {
            out.count(self.len());
            self.iter().for_each(|(replica, _)| replica.encode(out));
            self.iter().for_each(|(_, count)| out.varint(count - 1));
        }

        fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
            let mut clock = Self::new();
            for replica in input.replicas()? {
                clock.entries.push((replica, 0));
            }
            for entry in &mut clock.entries {
                let count = input.varint()?.checked_add(1);
                entry.1 = count.ok_or_else(|| input.malformed("a count is over 64 bits"))?;
            }
            Ok(clock)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::VectorClock;
    use crate::replica::ReplicaId;

    #[test]
    fn a_broken_clock_is_found() {
        let check = |entries: &[(u128, u64)]| {
            let entries = entries.iter().map(|&(id, count)| (ReplicaId::from_u128(id), count));
            VectorClock { entries: entries.collect() }.check_invariants()
        };
        let unsorted = Err("replicas are repeated or out of order");
        assert_eq!([check(&[(2, 1), (1, 1)]), check(&[(1, 1), (1, 2)])], [unsorted; 2]);
        assert_eq!(check(&[(1, 1), (2, 0)]), Err("a count of zero is kept"));
        assert_eq!(check(&[(1, 1), (2, 5)]), Ok(()));
    }
}
