//! [`Standing`]: what lives at one node, sorted out.

use super::{content::Content, policy::Policy, rank::Rank, tally, write::Write};
use crate::value::Number;
use alloc::borrow::Cow;
use core::cmp::Ordering;

/// What lives at one node, sorted out.
#[derive(Default)]
pub(crate) struct Standing<'a> {
    /// The value that is read among those here.
    pub(crate) value: Option<(Rank, &'a Content)>,
    /// The integer of the greatest rank.
    pub(crate) integer: Option<(Rank, i64)>,
    /// The greatest rank among what was counted, and the sum.
    pub(crate) count: Option<(Rank, i128)>,
    /// The greatest rank among the marks of an object, and of a list.
    pub(crate) object: Option<Rank>,
    pub(crate) list: Option<Rank>,
    /// How the value is chosen, by the latest write that says so.
    pub(crate) policy: Option<(Rank, &'a Policy)>,
}

/// What is read where no container is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Leaf<'a> {
    Value(&'a Content),
    /// An integer that was counted on.
    Count(i64),
}

impl<'a> Standing<'a> {
    pub(crate) fn of(writes: impl Iterator<Item = (Rank, &'a Write)> + Clone) -> Self {
        let mut standing = Self::default();
        for (rank, write) in writes.clone() {
            standing.add(rank, write);
        }
        if let Some((_, policy)) = standing.policy {
            let values = writes.clone().filter(|it| it.1.content.is_value());
            let values = values.map(|(rank, write)| (rank, &write.content));
            standing.value = values.max_by(|a, b| policy.order(*a, *b));
        }
        if let Some((_, sum)) = &mut standing.count {
            *sum = count_beyond(writes);
        }
        standing
    }

    fn add(&mut self, rank: Rank, write: &'a Write) {
        match &write.content {
            Content::Place(_) | Content::Removed => {}
            Content::Object => self.object = self.object.max(Some(rank)),
            Content::List(_) => self.list = self.list.max(Some(rank)),
            Content::Count { .. } => {
                let greatest = self.count.map_or(rank, |it| it.0.max(rank));
                self.count = Some((greatest, 0));
            }
            value => {
                if self.value.is_none_or(|it| it.0 < rank) {
                    self.value = Some((rank, value));
                }
                let integer = value.as_i64().map(|integer| (rank, integer));
                self.integer = self.integer.max(integer);
                let policy = write.policy().filter(|_| self.policy.is_none_or(|it| it.0 < rank));
                self.policy = policy.map(|policy| (rank, policy)).or(self.policy);
            }
        }
    }

    /// What is read where no container is: a value, or what was counted.
    pub(crate) fn leaf(&self) -> Option<(Rank, Leaf<'a>)> {
        let value = self.value.map(|(rank, content)| (rank, Leaf::Value(content)));
        let Some((rank, number)) = self.number() else { return value };
        let other = value.filter(|it| self.counts_on_other() && it.0 > rank);
        other.or(Some((rank, Leaf::Count(number))))
    }

    /// What was counted, on top of the greatest integer that lives here, if there is one.
    pub(crate) fn number(&self) -> Option<(Rank, i64)> {
        let (rank, _) = self.count?;
        Some((self.integer.map_or(rank, |it| rank.max(it.0)), saturated(self.exact())))
    }

    /// The number, even if it does not fit in 64 bits.
    pub(crate) fn exact(&self) -> i128 {
        let start = self.integer.map_or(0, |it| it.1);
        i128::from(start) + self.count.map_or(0, |it| it.1)
    }

    /// Whether increments contend with a value that cannot be counted on.
    pub(crate) fn counts_on_other(&self) -> bool {
        self.count.is_some() && self.value.is_some_and(|(_, value)| value.as_i64().is_none())
    }

    /// Whether a rule says that the values which are not read are in no conflict.
    pub(crate) fn is_bound(&self) -> bool {
        self.policy.is_some_and(|it| it.1.is_bound())
    }
}

impl<'a> Leaf<'a> {
    pub(crate) fn content(self) -> Cow<'a, Content> {
        match self {
            Self::Value(content) => Cow::Borrowed(content),
            Self::Count(count) => Cow::Owned(Content::Number(Number::from(count))),
        }
    }

    pub(crate) fn cmp_value(self, other: Self) -> Ordering {
        self.content().cmp_value(&other.content())
    }
}

/// What was counted and not replaced by anything that lives at the same node.
fn count_beyond<'a>(writes: impl Iterator<Item = (Rank, &'a Write)> + Clone) -> i128 {
    let tallies = tally::furthest(writes.clone().filter_map(|it| it.1.tally(it.0.1)));
    let replaced = tally::furthest(writes.flat_map(|it| it.1.counted().iter().copied()));
    tallies.iter().map(|tally| tally.beyond(tally::find(&replaced, tally.replica))).sum()
}

/// The sum of concurrent increments may not fit in 64 bits.
#[allow(clippy::cast_possible_truncation)] // clamped
fn saturated(sum: i128) -> i64 {
    sum.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}
