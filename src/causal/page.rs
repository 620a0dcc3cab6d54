//! [`Page`]: an index over a kernel, and what reads another kernel's payloads for it.

use super::block::{Blocks, Slot};
use core::cmp::Ordering;

/// An index over a kernel, kept by the kernel's reports.
pub(crate) trait Page<P> {
    /// About `additional` dots are on their way.
    fn expect(&mut self, _blocks: &Blocks<P>, _additional: usize) {}
    /// A dot has become alive.
    fn came(&mut self, blocks: &Blocks<P>, slot: Slot);
    /// A dot is about to go; its payload can still be read.
    fn going(&mut self, blocks: &Blocks<P>, slot: Slot);
}

/// A page that can take in what another kernel holds.
pub(crate) trait Adopt<P>: Page<P> {
    /// What the other side of a join holds, as it is held here.
    fn adopt(&mut self, theirs: &P) -> P;
    /// The order of two payloads of one dot, ours and the other side's.
    fn order(&self, ours: &P, theirs: &P) -> Ordering;
}

/// No index.
impl<P> Page<P> for () {
    fn came(&mut self, _: &Blocks<P>, _: Slot) {}
    fn going(&mut self, _: &Blocks<P>, _: Slot) {}
}

impl<P: Clone + Ord> Adopt<P> for () {
    fn adopt(&mut self, theirs: &P) -> P {
        theirs.clone()
    }

    fn order(&self, ours: &P, theirs: &P) -> Ordering {
        ours.cmp(theirs)
    }
}
