//! [`Write`]: one write to a document, the payload of its kernel.

use super::{
    content::Content,
    node::NodeId,
    policy::Policy,
    tally::{self, Tally},
};
use crate::{causal::Dot, time::Timestamp};
use alloc::boxed::Box;
use core::hash::{Hash, Hasher};

/// One write: what was said, when, and where. 48 bytes.
///
/// It names a node of the [`Tree`](super::tree::Tree) that indexes it, so a write means nothing
/// away from its tree: two writes are compared by [`Tree::order`](super::tree::Tree).
#[derive(Clone, Debug)]
pub(crate) struct Write {
    pub(crate) content: Content,
    /// When, by the writer's clock, or just after everything the writer had seen here.
    pub(crate) time: Timestamp,
    /// What it replaced, as far as that is still needed.
    pub(crate) origin: Option<Box<Origin>>,
    pub(crate) node: NodeId,
    /// A digest of the path to the node, the same in every tree of this process.
    pub(crate) digest: u32,
}

const _: () = assert!(size_of::<Write>() == 48, "six words");
const _: () = assert!(size_of::<Origin>() <= 80, "what Rules say that a policy costs");

/// What a write hands on from those that it replaced, and they from those before them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Origin {
    /// The write that made this field. A replica that has seen it and holds nothing here has seen
    /// the field deleted.
    birth: Option<Dot>,
    /// What was counted here and replaced: that much of each tally no longer counts. One for each
    /// replica, sorted.
    counted: Box<[Tally]>,
    /// Which of several values here is read, if a rule decided it.
    policy: Option<Policy>,
}

impl Origin {
    /// What there is to hand on; `None` if there is nothing.
    pub(crate) fn of(birth: Option<Dot>, counted: Box<[Tally]>) -> Option<Box<Self>> {
        Self::with(birth, counted, None)
    }

    /// The same, with a policy.
    pub(crate) fn with(
        birth: Option<Dot>,
        counted: Box<[Tally]>,
        policy: Option<Policy>,
    ) -> Option<Box<Self>> {
        let is_any = birth.is_some() || !counted.is_empty() || policy.is_some();
        is_any.then(|| Box::new(Self { birth, counted, policy }))
    }
}

/// Everything that tells two writes apart in any tree.
impl Hash for Write {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.digest, self.time, &self.content, &self.origin).hash(state);
    }
}

impl Write {
    /// The same write at a node of another tree.
    pub(crate) fn at(&self, node: NodeId) -> Self {
        Self { node, ..self.clone() }
    }

    /// Everything that tells two writes at one path apart.
    pub(super) fn said(&self) -> impl Ord + '_ {
        (self.time, &self.content, &self.origin)
    }

    /// Whether it says where an item stands, which is nothing to read.
    pub(crate) const fn is_place(&self) -> bool {
        matches!(self.content, Content::Place(_))
    }

    /// Whether it is something to read: no place, and no removal.
    pub(crate) const fn is_readable(&self) -> bool {
        !matches!(self.content, Content::Place(_) | Content::Removed)
    }

    pub(crate) fn policy(&self) -> Option<&Policy> {
        self.origin.as_deref()?.policy.as_ref()
    }

    pub(crate) fn birth(&self) -> Option<Dot> {
        self.origin.as_deref()?.birth
    }

    /// What had been counted here and was replaced.
    pub(crate) fn counted(&self) -> &[Tally] {
        self.origin.as_deref().map_or(&[], |origin| &origin.counted)
    }

    /// The write under `dot` as a tally, if it is one.
    pub(crate) fn tally(&self, dot: Dot) -> Option<Tally> {
        match self.content {
            Content::Count { start, sum } => {
                Some(Tally { replica: dot.replica(), start, last: dot.counter(), sum })
            }
            _ => None,
        }
    }

    /// Checks what a write under `dot` says about counts.
    pub(crate) fn check_counts(&self, dot: Dot) -> Result<(), &'static str> {
        if self.tally(dot).is_some_and(|tally| !tally.is_sound()) {
            return Err("a count began before any write, or after itself");
        }
        let counted = self.counted();
        let can_replace =
            !matches!(self.content, Content::Count { .. } | Content::Place(_) | Content::Removed);
        if !counted.is_empty() && !can_replace {
            return Err("only a value can replace what was counted");
        }
        tally::check(counted, dot)
    }

    /// Checks that only a value has a policy, and that a removal replaces nothing.
    pub(crate) fn check_policy(&self) -> Result<(), &'static str> {
        if self.policy().is_some() && !self.content.is_value() {
            return Err("only a value can be chosen by a rule");
        }
        if self.content == Content::Removed && self.origin.is_some() {
            return Err("a removal has no birth, and counts nothing");
        }
        Ok(())
    }
}
