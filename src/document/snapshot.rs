//! Documents from the simple record that many services keep: one JSON, one vector clock, one
//! timestamp.

use super::{Document, DocumentError, Input, Rules, error::Reason};
use crate::{
    causal::{CausalContext, Dot},
    clock::VectorClock,
    replica::ReplicaId,
    time::Now,
};

/// Dots to one tick of a snapshot's clock: its writes take them from the first on.
const TICK: u64 = 1 << 32;

impl Document {
    /// A document from a record with one vector clock and one timestamp for the whole of it, as
    /// `replica` wrote it at tick `clock.get(replica)` and at the time `now`.
    ///
    /// Two of them merge field by field. What one clock covers of the other is superseded, so a
    /// descendant replaces its ancestor. If the clocks are concurrent, each field goes to the newer
    /// timestamp or, if the timestamps are equal, to the greater replica, and fields that differ
    /// are in [conflict](Self::conflicts). A field that only one of two concurrent records has
    /// survives: without the record that both came from, nobody can tell whether it was added on
    /// one side or deleted on the other. Lists that overlap, such as parts of one conversation, become
    /// that list again: what they agree on stands in that order.
    ///
    /// Each tick stands for 2³² dots. Under one replica id, either write snapshots with growing
    /// clocks or edit documents, not both. O(size).
    ///
    /// # Errors
    ///
    /// [`DocumentError`] if the clock does not count `replica`, counts any replica past 2³² − 2,
    /// the value nests too deep, or holds a number that no document can hold.
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::{Document, ReplicaId, Timestamp, VectorClock, document::Value};
    ///
    /// let (us, eu): (ReplicaId, ReplicaId) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// let clock = |counts: [(ReplicaId, u64); 2]| counts.into_iter().collect::<VectorClock>();
    /// let title = |title: &str| Value::from_iter([("title", title)]);
    /// let at = Timestamp::from_millis;
    ///
    /// let (older, newer) = (clock([(us, 5), (eu, 3)]), clock([(us, 4), (eu, 6)]));
    /// let mut ours = Document::from_snapshot(title("Booking Help"), &older, us, at(0))?;
    /// let theirs = Document::from_snapshot(title("Booking Assistance"), &newer, eu, at(5_000))?;
    /// let report = ours.merge_reporting(&theirs);
    /// assert_eq!(ours.get("/title"), Some("Booking Assistance".into()));
    /// assert_eq!(report.conflicts()[0].path, "/title");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_snapshot<'v>(
        value: impl Into<Input<'v>>,
        clock: &VectorClock,
        replica: ReplicaId,
        now: impl Into<Now>,
    ) -> Result<Self, DocumentError> {
        Self::from_snapshot_with(Rules::new(), value, clock, replica, now)
    }

    /// [`from_snapshot`](Self::from_snapshot), by some rules.
    ///
    /// # Errors
    ///
    /// As [`from_snapshot`](Self::from_snapshot).
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::{Document, ReplicaId, Timestamp, VectorClock, document::{Rules, Value}};
    ///
    /// let us: ReplicaId = "us-east-1".parse()?;
    /// let rules = Rules::new().keyed("", "id")?;
    /// let messages = Value::from(vec![Value::from_iter([("id", "m1")])]);
    /// let (clock, now) = (VectorClock::from_iter([(us, 1)]), Timestamp::from_millis(1));
    /// let document = Document::from_snapshot_with(rules, messages, &clock, us, now)?;
    /// assert_eq!(document.item("", "m1").as_deref(), Some("/0"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_snapshot_with<'v>(
        rules: Rules,
        value: impl Into<Input<'v>>,
        clock: &VectorClock,
        replica: ReplicaId,
        now: impl Into<Now>,
    ) -> Result<Self, DocumentError> {
        let input = value.into();
        if clock.get(replica) == 0 {
            return Err(DocumentError::of(Reason::UncountedWriter(replica)));
        }
        if let Some((replica, _)) = clock.iter().find(|entry| entry.1 >= TICK - 1) {
            return Err(DocumentError::of(Reason::SnapshotTooLarge(replica)));
        }
        // Written as any document is, and then under the dots of its tick.
        let written = Self::with_rules(rules).imported(input, replica, now)?;
        let seen = clock.iter().map(|(replica, ticks)| (replica, ticks * TICK + (TICK - 1)));
        let before = clock.get(replica) * TICK - 1;
        let writes = written.store.kernel.iter();
        let writes = writes.map(|(dot, write)| (Dot::of(replica, before + dot.counter()), write));
        let store = written.store.extract(CausalContext::up_to(seen), writes);
        Ok(Self { store, rules: written.rules })
    }
}
