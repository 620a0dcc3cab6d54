//! [`PnCounter`]: what was counted up less what was counted down.

use super::GCounter;
use crate::{
    clock::VectorClock,
    error::WriteError,
    merge::{Delta, DeltaState, Merge},
    replica::ReplicaId,
    wire::{DecodeError, Reader, Schema, Tag, Wire, Writer},
};
use alloc::collections::BTreeSet;
use core::cmp::Ordering;
use smallvec::SmallVec;

/// A counter that goes up and down, and keeps what was counted forever: seats that are sold, items
/// in stock. For what ends when the replica dies that counted it, such as open sessions, take a
/// [`Gauge`](crate::Gauge).
///
/// Two [`GCounter`]s, so it costs twice what one costs. In JSON it is
/// `{"increments":{"us-east-1":3},"decrements":{}}`.
///
/// It has no reset: no replica could tell which concurrent increments a reset was meant to undo.
///
/// `<` is the order of merging, as it is for a [`GCounter`]: to compare how much was counted,
/// compare the values.
///
/// # Examples
///
/// ```
/// use rejoin::{Merge, PnCounter};
///
/// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
/// let mut ours = PnCounter::new();
/// ours.increment(2, us)?;             // two seats are sold in the US ...
/// let mut theirs = ours.clone();
/// theirs.decrement(1, eu)?;           // ... one of them is given back in the EU
/// ours.increment(1, us)?;             // while another is sold
/// ours.merge(&theirs);
/// assert_eq!(ours.value(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
pub struct PnCounter {
    increments: GCounter,
    decrements: GCounter,
}

impl PnCounter {
    /// The counter at 0. Allocates nothing.
    ///
    /// ```
    /// assert_eq!(rejoin::PnCounter::new().value(), 0);
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// The counter with these increments and decrements. O(1).
    ///
    /// ```
    /// use rejoin::{GCounter, PnCounter};
    /// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// let increments = GCounter::from_iter([(us, 3)]);
    /// let counter = PnCounter::from_parts(increments, GCounter::from_iter([(us, 1), (eu, 1)]));
    /// assert_eq!(counter.value(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_parts(increments: GCounter, decrements: GCounter) -> Self {
        Self { increments, decrements }
    }

    /// All increments less all decrements. O(1). Exact for fewer than 2⁶³ replicas, which is more
    /// than any memory can hold.
    ///
    /// ```
    /// let us = "us-east-1".parse()?;
    /// let mut counter = rejoin::PnCounter::new();
    /// counter.increment(1, us)?;
    /// counter.decrement(3, us)?;
    /// assert_eq!(counter.value(), -2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[allow(clippy::cast_possible_wrap)] // a sum of fewer than 2⁶³ counts stays below 2¹²⁷
    pub fn value(&self) -> i128 {
        self.increments.value() as i128 - self.decrements.value() as i128
    }

    /// What the replicas with these names have counted, in all their incarnations: the increments
    /// less the decrements. O((n + m) log m) for *m* names.
    ///
    /// By names, because what each life of a name counted stays, and no reader knows how many there
    /// were. What one life counted is in [`increments`](Self::increments) and
    /// [`decrements`](Self::decrements). If one replica counts up and another down for it, the
    /// value among one of them says little; it may be negative.
    ///
    /// ```
    /// use rejoin::{PnCounter, ReplicaId};
    /// let (us, eu): (ReplicaId, ReplicaId) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// let mut seats = PnCounter::new();
    /// seats.increment(5, us)?;
    /// seats.increment(2, us.with_incarnation(1))?;
    /// seats.increment(4, eu)?;
    /// seats.decrement(1, eu)?;
    /// assert_eq!(seats.value_among([us]), 7);
    /// assert_eq!(seats.value_among([us, eu, us]), seats.value());
    /// assert_eq!(seats.value_among([]), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[allow(clippy::cast_possible_wrap)] // as for the value
    pub fn value_among(&self, replicas: impl IntoIterator<Item = ReplicaId>) -> i128 {
        let names: BTreeSet<ReplicaId> = replicas.into_iter().map(ReplicaId::name).collect();
        let among = |counts: &GCounter| {
            let counted = counts.iter().filter(|(id, _)| names.contains(&id.name()));
            counted.map(|(_, count)| u128::from(count)).sum::<u128>()
        };
        among(&self.increments) as i128 - among(&self.decrements) as i128
    }

    /// Counts `by` up on `replica`; returns the delta. O(log n).
    ///
    /// ```
    /// use rejoin::{DeltaState, PnCounter};
    /// let (mut ours, mut theirs) = (PnCounter::new(), PnCounter::new());
    /// theirs.apply(&ours.increment(3, "us-east-1".parse()?)?);
    /// assert_eq!(theirs.value(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the replica's own increments would pass `u64::MAX`; the counter is
    /// as it was.
    pub fn increment(&mut self, by: u64, replica: ReplicaId) -> Result<Self, WriteError> {
        let increments = self.increments.increment(by, replica)?;
        Ok(Self { increments, decrements: GCounter::new() })
    }

    /// Counts `by` down on `replica`; returns the delta. The value may become negative. O(log n).
    ///
    /// ```
    /// let mut counter = rejoin::PnCounter::new();
    /// counter.decrement(1, "us-east-1".parse()?)?;
    /// assert_eq!(counter.value(), -1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the replica's own decrements would pass `u64::MAX`; the counter is
    /// as it was.
    pub fn decrement(&mut self, by: u64, replica: ReplicaId) -> Result<Self, WriteError> {
        let decrements = self.decrements.increment(by, replica)?;
        Ok(Self { increments: GCounter::new(), decrements })
    }

    /// What was counted up, per replica. O(1).
    ///
    /// ```
    /// let us = "us-east-1".parse()?;
    /// let mut counter = rejoin::PnCounter::new();
    /// counter.increment(3, us)?;
    /// assert_eq!(counter.increments().get(us), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn increments(&self) -> &GCounter {
        &self.increments
    }

    /// What was counted down, per replica. O(1).
    ///
    /// ```
    /// let us = "us-east-1".parse()?;
    /// let mut counter = rejoin::PnCounter::new();
    /// counter.decrement(1, us)?;
    /// assert_eq!(counter.decrements().get(us), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn decrements(&self) -> &GCounter {
        &self.decrements
    }

    /// Each replica that counted, with what it counted up and down, in the order of their ids.
    fn rows(&self) -> impl Iterator<Item = (ReplicaId, u64, u64)> + '_ {
        let mut ups = self.increments.iter().peekable();
        let mut downs = self.decrements.iter().peekable();
        core::iter::from_fn(move || {
            let next = [ups.peek(), downs.peek()].into_iter().flatten().map(|it| it.0).min()?;
            let up = ups.next_if(|it| it.0 == next).map_or(0, |it| it.1);
            let down = downs.next_if(|it| it.0 == next).map_or(0, |it| it.1);
            Some((next, up, down))
        })
    }

    #[cfg(any(test, feature = "laws"))]
    pub(crate) fn check_invariants(&self) -> Result<(), &'static str> {
        self.increments.check_invariants()?;
        self.decrements.check_invariants()
    }
}

impl Merge for PnCounter {
    fn merge(&mut self, other: &Self) -> bool {
        let up = self.increments.merge(&other.increments);
        let down = self.decrements.merge(&other.decrements);
        up || down
    }
}

impl Delta for PnCounter {
    fn is_empty(&self) -> bool {
        Delta::is_empty(&self.increments) && Delta::is_empty(&self.decrements)
    }
}

/// A counter is its own delta and its own version.
impl DeltaState for PnCounter {
    type Delta = Self;
    type Version = Self;

    fn version(&self) -> Self {
        self.clone()
    }

    fn delta_since(&self, peer: &Self) -> Self {
        Self {
            increments: self.increments.delta_since(&peer.increments),
            decrements: self.decrements.delta_since(&peer.decrements),
        }
    }

    fn apply(&mut self, delta: &Self) -> bool {
        self.merge(delta)
    }
}

/// The order of merging: concurrent counters have none.
impl PartialOrd for PnCounter {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let ups = self.increments.partial_cmp(&other.increments)?;
        let downs = self.decrements.partial_cmp(&other.decrements)?;
        match (ups, downs) {
            (Ordering::Equal, order) | (order, Ordering::Equal) => Some(order),
            _ => (ups == downs).then_some(ups),
        }
    }
}

/// A table of replicas, and columns of their increments and decrements.
impl Wire for PnCounter {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::PnCounter);
    }

    fn encode(&self, out: &mut Writer) {
        let (up, down) = (self.increments.counts(), self.decrements.counts());
        if up.lists_the_same(down) {
            let ((replicas, ups), (_, downs)) = (up.columns(), down.columns());
            out.count(replicas.len());
            for replica in replicas {
                replica.encode(out);
            }
            ups.iter().chain(downs).for_each(|count| out.varint(*count));
            return;
        }
        let rows: SmallVec<[(ReplicaId, u64, u64); 4]> = self.rows().collect();
        out.count(rows.len());
        rows.iter().for_each(|row| row.0.encode(out));
        rows.iter().for_each(|row| out.varint(row.1));
        rows.iter().for_each(|row| out.varint(row.2));
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let replicas = input.replicas()?;
        let (ups, downs) = (input.numbers(replicas.len())?, input.numbers(replicas.len())?);
        if ups.iter().zip(&downs).any(|(up, down)| up | down == 0) {
            return Err(input.malformed("a replica that has not counted is listed"));
        }
        let counter = |replicas, counts| GCounter::of(VectorClock::from_columns(replicas, counts));
        Ok(Self {
            increments: counter(replicas.clone(), ups),
            decrements: counter(replicas, downs),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{GCounter, PnCounter};

    #[test]
    fn a_stale_sum_is_found_on_either_side() {
        let [up, down] = [(); 2].map(|()| GCounter::broken());
        let counters = [
            PnCounter { increments: up, decrements: GCounter::new() },
            PnCounter { increments: GCounter::new(), decrements: down },
        ];
        assert_eq!(PnCounter::new().check_invariants(), Ok(()));
        assert_eq!(counters.map(|it| it.check_invariants()), [Err("the sum is stale"); 2]);
    }
}
