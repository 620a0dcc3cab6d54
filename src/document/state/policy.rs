//! [`Policy`]: which of several values that live at one path is read.

use super::{content::Content, rank::Rank};
use crate::replica::ReplicaId;
use alloc::sync::Arc;
use core::cmp::Ordering;

/// Which of several concurrent values is read, where it is not the latest. It is part of each write
/// that a rule decided about, and handed on to those that replace it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Policy {
    /// The greatest.
    Max,
    /// The least.
    Min,
    /// That of the replica which comes first here, if one of these wrote.
    Prefer(Arc<[ReplicaId]>),
}

impl Policy {
    /// Whether the values that are not read are in no conflict with the one that is.
    pub(crate) const fn is_bound(&self) -> bool {
        matches!(self, Self::Max | Self::Min)
    }

    /// Whether `new` is nothing to write where `old` is read.
    pub(crate) fn is_kept_by(&self, old: &Content, new: &Content) -> bool {
        match self {
            Self::Max => new.cmp_value(old).is_le(),
            Self::Min => new.cmp_value(old).is_ge(),
            Self::Prefer(_) => false,
        }
    }

    /// The order among values: the greatest is read.
    pub(crate) fn order(
        &self,
        (a, left): (Rank, &Content),
        (b, right): (Rank, &Content),
    ) -> Ordering {
        let by_policy = match self {
            Self::Max => left.cmp_value(right),
            Self::Min => right.cmp_value(left),
            Self::Prefer(replicas) => {
                let at = |rank: Rank| replicas.iter().position(|it| *it == rank.0.replica);
                let behind = replicas.len();
                at(b).unwrap_or(behind).cmp(&at(a).unwrap_or(behind))
            }
        };
        by_policy.then(a.cmp(&b))
    }
}
