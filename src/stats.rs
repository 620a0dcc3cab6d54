//! [`Stats`]: what a state is made of.

/// How much there is of what makes a set, a map, a register, a flag or a document large: to watch
/// it. What it takes in bytes is the length of its [bytes](crate::wire).
///
/// ```
/// use rejoin::OrSet;
///
/// let us = "us-east-1".parse()?;
/// let mut set = OrSet::new();
/// set.extend([1, 2, 3], us)?;
/// set.remove(&2, us)?;
/// let stats = set.stats();
/// assert_eq!((stats.replicas, stats.live, stats.intervals), (1, 2, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Stats {
    /// Replicas that ever wrote, each incarnation of a name for itself. They stay: 88 bytes each.
    pub replicas: usize,
    /// Writes that are not superseded and not removed. An element of a set is at least one, a
    /// document has one for each field, item and container.
    pub live: usize,
    /// Runs of writes that were seen without a gap, of all replicas. As many as there are replicas
    /// where nothing is on its way, or lost: 16 bytes each.
    pub intervals: usize,
}
