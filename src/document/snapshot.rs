//! Documents from the simple record that many services keep: one JSON, one vector clock, one
//! timestamp.

use super::{Document, DocumentError, path::Path, value::Value, write::Write};
use crate::{
    causal::{CausalContext, Dot, DotKernel},
    clock::VectorClock,
    replica::ReplicaId,
    time::Timestamp,
};
use alloc::vec::Vec;

/// Dots to one tick of a snapshot's clock: its leaves take them from the first on.
const TICK: u64 = 1 << 32;

impl Document {
    /// A document from a record with one vector clock and one timestamp for the whole of it, as
    /// `replica` wrote it at tick `clock.get(replica)`.
    ///
    /// Two of them merge field by field: what the one's clock covers of the other is superseded,
    /// so a descendant replaces its ancestor; where the clocks are concurrent each field goes to
    /// the newer timestamp, equal timestamps to the greater replica, and fields that differ are in
    /// [conflict](Self::conflicts). A field that only one of two concurrent records has survives:
    /// without the record they both came from, nobody can tell whether it was added here or
    /// deleted there.
    ///
    /// Each tick stands for 2³² dots. Under one replica id either write snapshots with growing
    /// clocks or edit documents, not both.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] if the clock does not count `replica`, counts any replica past 2³² − 2,
    /// or the value nests too deep.
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
    /// let mut ours =
    ///     Document::from_snapshot(title("Booking Help"), &clock([(us, 5), (eu, 3)]), at(0), us)?;
    /// let theirs =
    ///     Document::from_snapshot(title("Booking Assistance"), &clock([(us, 4), (eu, 6)]), at(5_000), eu)?;
    /// let report = ours.merge_reporting(&theirs);
    /// assert_eq!(ours.get("/title"), Some("Booking Assistance".into()));
    /// assert_eq!(report.conflicts()[0].path, "/title");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_snapshot(
        value: impl Into<Value>,
        clock: &VectorClock,
        timestamp: Timestamp,
        replica: ReplicaId,
    ) -> Result<Self, DocumentError> {
        let value = value.into();
        Path::root().check_depth_of(&value)?;
        if clock.get(replica) == 0 {
            return Err(DocumentError::UncountedWriter { replica });
        }
        if let Some((replica, _)) = clock.iter().find(|entry| entry.1 >= TICK - 1) {
            return Err(DocumentError::SnapshotTooLarge { replica });
        }
        let mut leaves = Vec::new();
        flatten(Path::root(), value, &mut leaves);
        if leaves.len() as u64 >= TICK {
            return Err(DocumentError::SnapshotTooLarge { replica });
        }
        let seen = clock.iter().map(|(replica, ticks)| (replica, ticks * TICK + (TICK - 1)));
        let first = clock.get(replica) * TICK;
        let writes = leaves.into_iter().zip(first..).map(|((path, value), counter)| {
            (Dot::of(replica, counter), Write { path, time: timestamp, value, birth: None })
        });
        Ok(DotKernel::assemble(CausalContext::up_to(seen), writes).into())
    }
}

/// The writes that make up a value: its scalars and arrays, and a mark for each object.
fn flatten(path: Path, value: Value, leaves: &mut Vec<(Path, Value)>) {
    let Value::Object(fields) = value else {
        leaves.push((path, value));
        return;
    };
    leaves.push((path.clone(), Value::empty_object()));
    for (name, value) in fields {
        flatten(path.field(&name), value, leaves);
    }
}
