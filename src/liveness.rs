//! [`Liveness`]: who is alive, as far as a reader can tell.

use crate::{replica::ReplicaId, time::Timestamp};
use alloc::collections::{BTreeMap, BTreeSet};
use core::time::Duration;

/// Who is alive, as far as a reader can tell: by leases, by when it last heard of them, or by a list
/// of members. It reads no clock: the reader passes in what time it is.
///
/// Readers may judge differently for a while, as their clocks and their news differ. They hold the
/// same state all the same: nothing is written when somebody is thought dead, so a mistake ends
/// with the next heartbeat.
///
/// All three go by names: of which life a name is, the state that is read knows best.
///
/// # Which one
///
/// | | [`leases`](Self::leases) | [`receipts`](Self::receipts) | [`members`](Self::members) |
/// |---|---|---|---|
/// | a replica is alive | until the time that it wrote, plus the skew | for a timeout after news of it arrived | while it is on the list |
/// | needs | clocks that agree within the skew | a clock of the reader's own that only runs forward | a cluster that keeps the list |
/// | a replica's clock is slow by more than the skew | **it is thought dead** | no matter | no matter |
/// | a replica's clock is fast by an hour | after it dies it counts an hour longer | no matter | no matter |
/// | the reader's wall clock is slow by an hour | the dead count an hour longer | no matter, if its clock is monotonic | no matter |
/// | the reader's wall clock is fast by an hour | **everyone is thought dead** | no matter, if its clock is monotonic | no matter |
/// | the reader starts anew | knows at once | knows after a heartbeat | knows at once |
/// | the reader is cut off | knows the dead from the leases, but no renewals | all others are thought dead after the timeout | as the list says |
///
/// Take leases where clocks are kept by NTP: they need nothing but the state. Take receipts where
/// clocks cannot be trusted, with the time of a monotonic clock. Take members where something
/// already decides who belongs.
///
/// # Examples
///
/// ```
/// use rejoin::{Gauge, Liveness, Timestamp};
/// use std::time::Duration;
///
/// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
/// let mut open = Gauge::new();
/// open.renew(us, Timestamp::from_millis(30_000))?;
/// open.open(3, us)?;
/// open.open(2, eu)?;                                       // it does not use leases
///
/// let now = Timestamp::from_millis(20_000);
/// assert_eq!(open.value_at(&Liveness::leases(now, Duration::from_secs(2))), 3);
///
/// let mut heard = Liveness::receipts(Duration::from_secs(10));
/// heard.hear(eu, Timestamp::from_millis(15_000));          // by the reader's own clock
/// heard.set_now(now);
/// assert_eq!(open.value_at(&heard), 2);
///
/// assert_eq!(open.value_at(&Liveness::members([us, eu])), 5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Liveness {
    rule: Rule,
    /// The latest time that the reader has passed in.
    now: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    Leases {
        skew: Duration,
    },
    /// When the reader last heard of each name.
    Receipts {
        timeout: Duration,
        heard: BTreeMap<ReplicaId, Timestamp>,
    },
    /// Their names.
    Members(BTreeSet<ReplicaId>),
}

impl Liveness {
    /// By the leases that replicas wrote, at the reader's wall-clock time `now`. Who wrote no lease
    /// is not alive.
    ///
    /// `skew` is how much a replica's clock may be behind the reader's, and includes how long a
    /// renewal is under way. A greater skew never holds a living replica for dead, and counts a
    /// dead one for that much longer. O(1).
    ///
    /// ```
    /// use rejoin::{Liveness, Timestamp};
    /// use std::time::Duration;
    /// let us = "us-east-1".parse()?;
    /// let until = Some(Timestamp::from_millis(30_000));
    /// let at = |millis| Liveness::leases(Timestamp::from_millis(millis), Duration::from_secs(2));
    /// assert!(at(31_999).is_alive(us, until));
    /// assert!(!at(32_000).is_alive(us, until));
    /// assert!(!at(0).is_alive(us, None));
    /// # Ok::<(), rejoin::ReplicaIdError>(())
    /// ```
    pub const fn leases(now: Timestamp, skew: Duration) -> Self {
        Self { rule: Rule::Leases { skew }, now }
    }

    /// By local receipt: a replica is alive for `timeout` after the reader last [heard](Self::hear)
    /// of it, and in the beginning nobody is. Leases are not looked at. O(1).
    ///
    /// News is what changes the reader's copy. What it knows already is none: a survivor that sends
    /// its whole state repeats what a dead replica once wrote. So ask a delta, before it is
    /// applied, what of it is new. A replica that writes nothing else renews its lease at each
    /// heartbeat, as this is news. The reader hears of itself whenever it writes.
    ///
    /// ```
    /// use rejoin::{DeltaState, Gauge, Liveness, Timestamp};
    /// use std::time::Duration;
    ///
    /// fn receive(delta: &Gauge, ours: &mut Gauge, heard: &mut Liveness, now: Timestamp) {
    ///     for row in delta.delta_since(ours).by_replica() {
    ///         heard.hear(row.replica(), now);
    ///     }
    ///     ours.apply(delta);
    /// }
    ///
    /// let us = "us-east-1".parse()?;
    /// let at = Timestamp::from_millis;                     // of a monotonic clock
    /// let (mut ours, mut theirs) = (Gauge::new(), Gauge::new());
    /// let mut heard = Liveness::receipts(Duration::from_secs(10));
    /// let delta = theirs.open(3, us)?;
    /// receive(&delta, &mut ours, &mut heard, at(5_000));
    /// assert_eq!(ours.value_at(&heard), 3);
    ///
    /// receive(&delta, &mut ours, &mut heard, at(15_000));  // a repetition is no news
    /// heard.set_now(at(15_000));
    /// assert_eq!(ours.value_at(&heard), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn receipts(timeout: Duration) -> Self {
        let now = Timestamp::from_millis(0);
        Self { rule: Rule::Receipts { timeout, heard: BTreeMap::new() }, now }
    }

    /// By a list of members: alive are those with these names, whatever their incarnations. No
    /// clock is needed. O(m log m).
    ///
    /// ```
    /// use rejoin::{Liveness, ReplicaId};
    /// let us: ReplicaId = "us-east-1".parse()?;
    /// let members = Liveness::members([us]);
    /// assert!(members.is_alive(us.with_incarnation(4), None));
    /// assert!(!members.is_alive("eu-west-1".parse()?, None));
    /// # Ok::<(), rejoin::ReplicaIdError>(())
    /// ```
    pub fn members(members: impl IntoIterator<Item = ReplicaId>) -> Self {
        let names = members.into_iter().map(ReplicaId::name).collect();
        Self { rule: Rule::Members(names), now: Timestamp::from_millis(0) }
    }

    /// What time it is for the reader, from now on. O(1).
    ///
    /// [`leases`](Self::leases) takes any time. [Receipts](Self::receipts) take a time of the clock
    /// that [`hear`](Self::hear) is given. [Members](Self::members) do not look at it.
    ///
    /// ```
    /// use rejoin::{Liveness, Timestamp};
    /// use std::time::Duration;
    /// let us = "us-east-1".parse()?;
    /// let mut heard = Liveness::receipts(Duration::from_secs(10));
    /// heard.hear(us, Timestamp::from_millis(5_000));
    /// heard.set_now(Timestamp::from_millis(14_999));
    /// assert!(heard.is_alive(us, None));
    /// heard.set_now(Timestamp::from_millis(15_000));
    /// assert!(!heard.is_alive(us, None));
    /// # Ok::<(), rejoin::ReplicaIdError>(())
    /// ```
    pub const fn set_now(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// Notes that news of `replica` arrived at the reader's time `now`, which it is from now on.
    /// Does nothing else where liveness is not by [receipts](Self::receipts). O(log n) for *n* names.
    ///
    /// ```
    /// use rejoin::{Liveness, ReplicaId, Timestamp};
    /// use std::time::Duration;
    /// let us: ReplicaId = "us-east-1".parse()?;
    /// let mut heard = Liveness::receipts(Duration::from_secs(10));
    /// assert!(!heard.is_alive(us, None));
    /// heard.hear(us.with_incarnation(4), Timestamp::from_millis(5_000));
    /// assert!(heard.is_alive(us, None), "news of any life is news of the name");
    /// # Ok::<(), rejoin::ReplicaIdError>(())
    /// ```
    pub fn hear(&mut self, replica: ReplicaId, now: Timestamp) {
        self.now = now;
        if let Rule::Receipts { heard, .. } = &mut self.rule {
            heard.insert(replica.name(), now);
        }
    }

    /// Whether `replica` is alive, if its lease ends at `until`. O(log n) for *n* names, and O(1)
    /// for leases.
    ///
    /// [`Gauge::value_at`](crate::Gauge::value_at) asks this for each row. A program asks it to list
    /// who is online:
    ///
    /// ```
    /// use rejoin::{Gauge, Liveness};
    /// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// let mut open = Gauge::new();
    /// open.open(3, us)?;
    /// open.open(2, eu)?;
    /// let members = Liveness::members([eu]);
    /// let alive = open.by_replica().filter(|row| members.is_alive(row.replica(), row.until()));
    /// assert_eq!(alive.map(|row| row.replica()).collect::<Vec<_>>(), [eu]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_alive(&self, replica: ReplicaId, until: Option<Timestamp>) -> bool {
        match &self.rule {
            Rule::Leases { skew } => {
                until.is_some_and(|until| self.now < until.saturating_add(*skew))
            }
            Rule::Receipts { timeout, heard } => heard
                .get(&replica.name())
                .is_some_and(|last| self.now.saturating_duration_since(*last) < *timeout),
            Rule::Members(names) => names.contains(&replica.name()),
        }
    }
}
