//! [`Page`]: an index over a kernel.

use super::block::{Blocks, Slot};

/// An index over a kernel, kept by the kernel's reports.
pub(crate) trait Page<P> {
    /// About `additional` dots are on their way.
    fn expect(&mut self, _blocks: &Blocks<P>, _additional: usize) {}
    /// A dot has become alive.
    fn came(&mut self, blocks: &Blocks<P>, slot: Slot);
    /// A dot is about to go; its payload can still be read.
    fn going(&mut self, blocks: &Blocks<P>, slot: Slot);
}

/// No index.
impl<P> Page<P> for () {
    fn came(&mut self, _: &Blocks<P>, _: Slot) {}
    fn going(&mut self, _: &Blocks<P>, _: Slot) {}
}
