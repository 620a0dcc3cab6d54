//! Which rules a replica has when it edits: not all have the same.

use super::model::{Order, Policy, Step, field_names};
use rejoin::{ReplicaId, Timestamp, document::Rules};

/// The rules of one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fleet {
    /// All rules.
    New,
    /// The same, but for what the key of the messages is: they are keyed already.
    WithoutKey,
    /// Some contradict those of the others.
    Other,
    /// Only the key of the messages.
    Old,
}

const PREFERRED: [u128; 2] = [3, 1];
const PREFERRED_BY_OTHERS: [u128; 2] = [9, 11];

fn ids(of: [u128; 2]) -> [ReplicaId; 2] {
    of.map(ReplicaId::from_u128)
}

impl Fleet {
    pub(super) fn at(now: Timestamp) -> Self {
        match now.as_millis() % 10 {
            0 | 5 => Self::Old,
            1 => Self::Other,
            2 | 3 | 6 => Self::WithoutKey,
            _ => Self::New,
        }
    }

    pub(super) fn rules(self) -> Rules {
        self.try_rules().unwrap()
    }

    fn try_rules(self) -> Result<Rules, rejoin::document::DocumentError> {
        let rules = Rules::new();
        let rules = if self == Self::WithoutKey { rules } else { rules.keyed("/msgs", "id")? };
        let rules = match self {
            Self::Old => return Ok(rules),
            Self::Other => {
                rules.min("/top")?.max("/low")?.prefer("/price", ids(PREFERRED_BY_OTHERS))?
            }
            Self::New | Self::WithoutKey => rules
                .max("/top")?
                .min("/low")?
                .prefer("/price", ids(PREFERRED))?
                .delete_wins("/drafts/*")?
                .atomic("/pos")?
                .counter("/n")?,
        };
        rules.set("/tags")?.ordered_by("/msgs", "t")
    }

    fn is_full(self) -> bool {
        matches!(self, Self::New | Self::WithoutKey)
    }

    pub(super) fn policy(self, way: &[Step]) -> Option<Policy> {
        let (max, min) = (Some(Policy::Max), Some(Policy::Min));
        let prefer = |replicas| Some(Policy::Prefer(ids(replicas).to_vec()));
        match (self, field_names(way).as_slice()) {
            (Self::Old, _) => None,
            (Self::Other, ["top"]) => min,
            (Self::Other, ["low"]) | (_, ["top"]) => max,
            (Self::Other, ["price"]) => prefer(PREFERRED_BY_OTHERS),
            (_, ["low"]) => min,
            (_, ["price"]) => prefer(PREFERRED),
            _ => None,
        }
    }

    pub(super) fn is_atomic(self, way: &[Step]) -> bool {
        self.is_full() && field_names(way) == ["pos"]
    }

    pub(super) fn is_counter(self, way: &[Step]) -> bool {
        self.is_full() && field_names(way) == ["n"]
    }

    pub(super) fn delete_wins(self, way: &[Step]) -> bool {
        self.is_full() && matches!(field_names(way).as_slice(), ["drafts", _])
    }

    pub(super) fn order(self, way: &[Step]) -> Option<Order> {
        match (self, field_names(way).as_slice()) {
            (Self::Old, _) => None,
            (_, ["tags"]) => Some(Order::Set),
            (_, ["msgs"]) => Some(Order::ByField),
            _ => None,
        }
    }
}
