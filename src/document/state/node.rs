//! [`NodeId`]: a path in one tree, by number.

/// A node of one tree. Valid while the node exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeId(pub(super) u32);

/// The root, which every tree has that is not empty.
pub(crate) const ROOT: NodeId = NodeId(0);
/// No node.
pub(super) const NONE: NodeId = NodeId(u32::MAX);

impl NodeId {
    /// Its place in a table with one entry for each node. Numbers are given again, so a table is
    /// as long as the most nodes that there were at one time.
    pub(crate) const fn number(self) -> usize {
        self.0 as usize
    }

    /// The node; `None` for [`NONE`].
    pub(super) fn some(self) -> Option<Self> {
        (self != NONE).then_some(self)
    }
}
