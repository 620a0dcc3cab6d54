//! [`PresenceVersion`]: a summary of what a replica knows of who is online.

use super::lives::{Life, Lives};
use crate::{causal::Digest, known::Known, replica::ReplicaId};
use core::cmp::Ordering;

/// A summary of what a [`Presence`](super::Presence) holds, without keys and states: what a peer
/// needs to know to compute the smallest delta for it.
///
/// For each name it holds the incarnation, the lease, and a [`Version`](crate::Version) of that
/// life. The default version knows nothing. Compare two by [`Known`].
///
/// ```
/// use rejoin::{DeltaState, Known, Presence};
/// let us = "us-east-1".parse()?;
/// let (mut ours, theirs) = (Presence::new(), Presence::<&str, ()>::new());
/// ours.join("ana", (), us)?;
/// assert!(ours.version().covers(&theirs.version()));
/// assert!(ours.version().exceeds(&theirs.version(), us));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PresenceVersion(pub(super) Lives<Digest>);

/// Whether this life is at or below the other of the same name.
fn is_within(ours: &Life<Digest>, theirs: &Life<Digest>) -> bool {
    match ours.age(theirs) {
        Ordering::Less => true,
        Ordering::Equal => ours.until <= theirs.until && theirs.held.covers(&ours.held),
        Ordering::Greater => false,
    }
}

impl PresenceVersion {
    /// Each replica of which this knows more than `other`.
    pub(crate) fn above<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = ReplicaId> + 'a {
        let above =
            self.0.0.iter().filter(|ours| {
                other.0.get(ours.replica).is_none_or(|theirs| !is_within(ours, theirs))
            });
        above.map(|life| life.replica)
    }

    pub(crate) fn covers(&self, other: &Self) -> bool {
        other.above(self).next().is_none()
    }

    /// What both know: of each name the earlier life, and of one life what both have.
    pub(crate) fn meet(&self, other: &Self) -> Self {
        let lesser = |ours: &Life<Digest>| {
            let theirs = other.0.get(ours.replica)?;
            Some(match ours.age(theirs) {
                Ordering::Less => ours.clone(),
                Ordering::Equal => Life {
                    replica: ours.replica,
                    until: ours.until.min(theirs.until),
                    held: Known::meet(&ours.held, &theirs.held),
                },
                Ordering::Greater => theirs.clone(),
            })
        };
        let lives = self.0.0.iter().filter_map(lesser).filter(|life| !life.says_nothing());
        Self(Lives(lives.collect()))
    }

    #[cfg(feature = "laws")]
    pub(crate) fn check_invariants(&self) -> Result<(), &'static str> {
        self.0.check()?;
        self.0.0.iter().try_for_each(|life| life.held.check_invariants())
    }
}
