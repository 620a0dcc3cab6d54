//! [`Write`]: one write to a document, the payload of its kernel.

use super::{content::Content, tree::NodeId};
use crate::{
    causal::Dot,
    time::{Stamp, Timestamp},
};
use alloc::boxed::Box;
use core::hash::{Hash, Hasher};

/// One write: what was said, when, and where. 48 bytes.
///
/// The place is a node of the [`Tree`](super::tree::Tree) that indexes it, so a write means
/// nothing away from its tree: two of them are compared by [`Tree::order`](super::tree::Tree).
#[derive(Clone, Debug)]
pub(super) struct Write {
    pub(super) content: Content,
    /// When, by the writer's clock or just after all it had seen here.
    pub(super) time: Timestamp,
    /// The write that made this field, if this one changed it: handed on from change to change.
    /// A replica that has seen it and holds nothing here has seen the field deleted.
    pub(super) birth: Option<Box<Dot>>,
    pub(super) node: NodeId,
    /// A digest of the path to the node, the same in every tree of this process.
    pub(super) digest: u32,
}

const _: () = assert!(size_of::<Write>() == 48, "six words");

/// Whatever tells two writes apart in any tree.
impl Hash for Write {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.digest, self.time, &self.content, &self.birth).hash(state);
    }
}

/// The order among live writes: (time, replica), and of two by one replica at one time the later.
pub(super) type Rank = (Stamp, Dot);

impl Write {
    /// The same write at a node of another tree.
    pub(super) fn at(&self, node: NodeId) -> Self {
        Self { node, ..self.clone() }
    }

    /// Whatever tells two writes at one path apart.
    pub(super) fn said(&self) -> impl Ord + '_ {
        (self.time, &self.content, &self.birth)
    }

    /// Whether it tells where an item stands, and nothing to be read.
    pub(super) const fn is_place(&self) -> bool {
        matches!(self.content, Content::Place(_))
    }

    pub(super) fn birth(&self) -> Option<Dot> {
        self.birth.as_deref().copied()
    }
}
