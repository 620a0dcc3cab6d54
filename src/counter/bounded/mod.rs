//! [`BoundedCounter`]: a stock that is never overdrawn.
//!
//! Balegas et al., *Extending Eventually Consistent Cloud Databases for Enforcing Numeric Invariants*,
//! 2015, §IV: a table of who gave how many rights to whom, and a column of those that were used.

mod error;
#[cfg(feature = "serde")]
mod form;
mod wire;

pub use error::RightsError;

use super::GCounter;
use crate::{
    error::WriteError,
    known::Known,
    merge::{Delta, DeltaState, Merge},
    replica::ReplicaId,
};
use alloc::{collections::BTreeMap, vec::Vec};
use core::cmp::Ordering;

/// A stock from which replicas take without asking each other, and which is never overdrawn: seats,
/// quotas, rate limits.
///
/// Each replica holds *rights*: so much it may take on its own. [`increment`](Self::increment) makes
/// rights where it is called, [`decrement`](Self::decrement) uses them up, and
/// [`transfer`](Self::transfer) hands them to another replica, which may use them once it has merged
/// that. A replica without rights is refused, though others may hold some. That is the price: to go
/// below nothing would take a moment in which two replicas do not know of each other.
///
/// The bound is 0. For another one count the distance to it: the seats that are free, not those that
/// are sold.
///
/// # What it needs
///
/// Only the replica itself uses and gives away its rights, and it knows all that it did. So one that
/// runs on a restored copy writes under a new [incarnation](ReplicaId::with_incarnation), which
/// begins without rights. Those of the old one stay where they are: nobody else can know how many it
/// had used. Before a replica is shut down for good, let it transfer what it has left.
///
/// To take over the rights of a life that has ended, by `transfer(all, old, new)`, is to write in its
/// place. That never overdraws the stock only if all of this holds:
///
/// - Everything that was ever written under the old id has been merged: also what the old life did
///   and had not sent when it ended, and what was taken over from it before.
/// - The old life will not write again.
/// - One replica alone does it. Two that take over one life before they have heard of each other
///   both get all of its rights. So do two lives of one replica, of which the later was restored
///   from before it took over. No state can show that: decide it elsewhere, once, by an operator or
///   a lock. Where that is not certain, leave the rights where they are.
///
/// # What a reader sees
///
/// Whoever has merged everything reads the truth. Whoever lacks some of it may lack rights that were
/// used by others already; what is missing counts as 0 and never as less. The true value is never
/// below 0, whatever readers lack.
///
/// # Cost
///
/// Some 400 bytes for each replica that made rights, and up to 130 for each pair of replicas of which
/// one gave rights to the other. With *p* such pairs among *n* replicas, a read or an edit is O(n log n),
/// [`by_replica`](Self::by_replica) and an edit that is refused O(p log n), a
/// [`merge`](Merge::merge) O(p + n). A delta is one entry. `<` is the order of merging, a partial
/// order.
///
/// In serde it is `{"granted": {"us-east-1": {"us-east-1": 10, "eu-west-1": 4}}, "used":
/// {"us-east-1": 2}}`: what each replica gave to each, to itself by `increment`.
///
/// # Examples
///
/// ```
/// use rejoin::{BoundedCounter, DeltaState, Merge, ReplicaId};
///
/// let (us, eu): (ReplicaId, ReplicaId) = ("us-east-1".parse()?, "eu-west-1".parse()?);
/// let mut in_us = BoundedCounter::new();
/// in_us.increment(10, us)?;                           // ten seats are free
/// let mut in_eu = in_us.clone();
/// in_us.decrement(6, us)?;                            // six are sold
///
/// let error = in_us.decrement(6, us).unwrap_err();    // six more there are not
/// assert_eq!(error.left(), 4);
/// assert!(in_eu.decrement(1, eu).is_err());           // those that are left are with us-east-1
///
/// in_eu.apply(&in_us.transfer(3, us, eu)?);           // which hands over three
/// in_eu.decrement(2, eu)?;
/// in_us.merge(&in_eu);
/// assert_eq!((in_us.value(), in_us.rights(us), in_us.rights(eu)), (2, 1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct BoundedCounter {
    /// By the replica that wrote: how much it gave to each; to itself, how much it made. No counter
    /// is empty.
    granted: BTreeMap<ReplicaId, GCounter>,
    used: GCounter,
}

impl BoundedCounter {
    /// The counter at 0, where nobody has rights. Allocates nothing.
    ///
    /// ```
    /// assert_eq!(rejoin::BoundedCounter::new().value(), 0);
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// What is left, over all replicas; 0 as long as more is known to be used than was made. O(n log n).
    ///
    /// ```
    /// use rejoin::BoundedCounter;
    /// let us = "us-east-1".parse()?;
    /// let mut seats = BoundedCounter::new();
    /// seats.increment(10, us)?;
    /// seats.decrement(6, us)?;
    /// assert_eq!(seats.value(), 4);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn value(&self) -> u128 {
        let made = self.granted.iter().map(|(id, to)| u128::from(to.get(*id)));
        made.sum::<u128>().saturating_sub(self.used.value())
    }

    /// How much `replica` may take on its own, as far as this state knows. O(n log n).
    ///
    /// ```
    /// use rejoin::BoundedCounter;
    /// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// let mut seats = BoundedCounter::new();
    /// seats.increment(10, us)?;
    /// seats.transfer(3, us, eu)?;
    /// assert_eq!((seats.rights(us), seats.rights(eu)), (7, 3));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rights(&self, replica: ReplicaId) -> u128 {
        let got = self.granted.values().map(|to| u128::from(to.get(replica))).sum();
        self.left(replica, got)
    }

    /// Each replica that holds rights, with how many, in the order of their ids. O(p log n).
    ///
    /// ```
    /// use rejoin::BoundedCounter;
    /// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// let mut seats = BoundedCounter::new();
    /// seats.increment(10, us)?;
    /// seats.transfer(3, us, eu)?;
    /// assert_eq!(seats.by_replica(), [(eu, 3), (us, 7)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn by_replica(&self) -> Vec<(ReplicaId, u128)> {
        let mut got = BTreeMap::<ReplicaId, u128>::new();
        for (id, count) in self.granted.values().flatten() {
            *got.entry(id).or_default() += u128::from(count);
        }
        let left = got.into_iter().map(|(id, got)| (id, self.left(id, got)));
        left.filter(|(_, left)| *left > 0).collect()
    }

    /// Of what a replica was granted, what it neither gave away nor used.
    fn left(&self, replica: ReplicaId, got: u128) -> u128 {
        let given = |to: &GCounter| to.value() - u128::from(to.get(replica));
        let given = self.granted.get(&replica).map_or(0, given);
        got.saturating_sub(given).saturating_sub(self.used.get(replica).into())
    }

    /// Adds `by`, which `replica` may then take; returns the delta. O(log n).
    ///
    /// ```
    /// use rejoin::{BoundedCounter, DeltaState};
    /// let us = "us-east-1".parse()?;
    /// let (mut ours, mut theirs) = (BoundedCounter::new(), BoundedCounter::new());
    /// theirs.apply(&ours.increment(10, us)?);
    /// assert_eq!(theirs.rights(us), 10);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if all that the replica ever made would pass `u64::MAX`; the counter is as it
    /// was.
    pub fn increment(&mut self, by: u64, replica: ReplicaId) -> Result<Self, WriteError> {
        self.grant(by, replica, replica)
    }

    /// Takes `by` of the rights of `replica`; returns the delta. O(n log n); O(p log n) if refused.
    ///
    /// ```
    /// use rejoin::BoundedCounter;
    /// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// let mut seats = BoundedCounter::new();
    /// seats.increment(10, us)?;
    /// seats.decrement(6, us)?;
    /// let error = seats.decrement(1, eu).unwrap_err();
    /// assert_eq!((error.left(), error.elsewhere()), (0, &[(us, 4)][..]));
    /// assert_eq!(seats.value(), 4, "as it was");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`RightsError`] if the replica has fewer rights, with what is left where, or if all that it
    /// ever took would pass `u64::MAX`; the counter is as it was.
    pub fn decrement(&mut self, by: u64, replica: ReplicaId) -> Result<Self, RightsError> {
        self.check(by, replica)?;
        let used = self.used.increment(by, replica)?;
        Ok(Self { granted: BTreeMap::new(), used })
    }

    /// Hands `amount` of the rights of `from` over to `to`; returns the delta, which is empty if the
    /// two are one. O(n log n); O(p log n) if refused.
    ///
    /// Only `from` may call it; for a life that has ended, see [what it needs](Self#what-it-needs).
    /// `to` has the rights as soon as it has merged the delta.
    ///
    /// ```
    /// use rejoin::BoundedCounter;
    /// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// let mut seats = BoundedCounter::new();
    /// seats.increment(10, us)?;
    /// seats.transfer(6, us, eu)?;
    /// assert!(seats.transfer(6, us, eu).is_err());
    /// assert_eq!(seats.value(), 10);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`RightsError`] if `from` has fewer rights, with what is left where, or if all that it ever
    /// gave to `to` would pass `u64::MAX`; the counter is as it was.
    pub fn transfer(
        &mut self,
        amount: u64,
        from: ReplicaId,
        to: ReplicaId,
    ) -> Result<Self, RightsError> {
        self.check(amount, from)?;
        if from == to {
            return Ok(Self::new());
        }
        Ok(self.grant(amount, from, to)?)
    }

    fn check(&self, wanted: u64, replica: ReplicaId) -> Result<(), RightsError> {
        let left = self.rights(replica);
        if left >= wanted.into() {
            return Ok(());
        }
        let mut elsewhere = self.by_replica();
        elsewhere.retain(|(id, _)| *id != replica);
        Err(RightsError::short(replica, wanted, left, elsewhere))
    }

    fn grant(&mut self, amount: u64, from: ReplicaId, to: ReplicaId) -> Result<Self, WriteError> {
        if amount == 0 {
            return Ok(Self::new());
        }
        let granted = if let Some(counts) = self.granted.get_mut(&from) {
            counts.increment(amount, to)?
        } else {
            // It has nothing yet that could overflow.
            let granted = GCounter::from_iter([(to, amount)]);
            self.granted.insert(from, granted.clone());
            granted
        };
        Ok(Self { granted: BTreeMap::from([(from, granted)]), used: GCounter::new() })
    }

    #[cfg(any(test, feature = "laws"))]
    pub(crate) fn check_invariants(&self) -> Result<(), &'static str> {
        if self.granted.values().any(Delta::is_empty) {
            return Err("a replica that granted nothing is listed");
        }
        self.granted.values().try_for_each(GCounter::check_invariants)?;
        self.used.check_invariants()
    }
}

impl Merge for BoundedCounter {
    fn merge(&mut self, other: &Self) -> bool {
        let granted = Merge::merge(&mut self.granted, &other.granted);
        let used = self.used.merge(&other.used);
        granted || used
    }
}

impl Delta for BoundedCounter {
    fn is_empty(&self) -> bool {
        self.granted.is_empty() && Delta::is_empty(&self.used)
    }
}

/// A counter is its own delta and its own version.
impl DeltaState for BoundedCounter {
    type Delta = Self;
    type Version = Self;

    fn version(&self) -> Self {
        self.clone()
    }

    fn delta_since(&self, peer: &Self) -> Self {
        Self {
            granted: self.granted.delta_since(&peer.granted),
            used: self.used.delta_since(&peer.used),
        }
    }

    fn apply(&mut self, delta: &Self) -> bool {
        self.merge(delta)
    }
}

impl Known for BoundedCounter {
    fn meet(&self, other: &Self) -> Self {
        let mut granted = self.granted.meet(&other.granted);
        granted.retain(|_, to| !Delta::is_empty(to));
        Self { granted, used: self.used.meet(&other.used) }
    }

    fn covers(&self, other: &Self) -> bool {
        self.granted.covers(&other.granted) && self.used.covers(&other.used)
    }

    /// Who wrote, not who was given rights.
    fn beyond(&self, other: &Self, each: &mut dyn FnMut(ReplicaId)) {
        let nothing = GCounter::new();
        for (replica, to) in &self.granted {
            if !other.granted.get(replica).unwrap_or(&nothing).covers(to) {
                each(*replica);
            }
        }
        self.used.beyond(&other.used, each);
    }
}

/// The order of merging: concurrent counters have none.
impl PartialOrd for BoundedCounter {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self.covers(other), other.covers(self)) {
            (true, true) => Some(Ordering::Equal),
            (true, false) => Some(Ordering::Greater),
            (false, true) => Some(Ordering::Less),
            (false, false) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BTreeMap, BoundedCounter, GCounter};
    use crate::replica::ReplicaId;

    #[test]
    fn a_broken_counter_is_found() {
        let id = ReplicaId::from_u128(1);
        let with =
            |granted| BoundedCounter { granted: BTreeMap::from([(id, granted)]), ..<_>::default() };
        assert_eq!(with(GCounter::from_iter([(id, 1)])).check_invariants(), Ok(()));
        let empty = Err("a replica that granted nothing is listed");
        assert_eq!(with(GCounter::new()).check_invariants(), empty);
        let used = BoundedCounter { used: GCounter::broken(), ..<_>::default() };
        assert_eq!(used.check_invariants(), Err("the sum is stale"));
    }
}
