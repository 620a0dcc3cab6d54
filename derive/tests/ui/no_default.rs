//! A field that begins with nothing, which `draft` needs.

use rejoin::{Delta, DeltaState, Merge};

#[derive(Clone, Debug, PartialEq, Merge)]
struct Inner(rejoin::Max<u64>);

#[derive(Clone, Default)]
struct InnerDelta;

impl Merge for InnerDelta {
    fn merge(&mut self, _: &Self) -> bool {
        false
    }
}

impl Delta for InnerDelta {
    fn is_empty(&self) -> bool {
        true
    }
}

impl DeltaState for Inner {
    type Delta = InnerDelta;
    type Version = ();

    fn version(&self) {}

    fn delta_since(&self, (): &()) -> InnerDelta {
        InnerDelta
    }

    fn apply(&mut self, _: &InnerDelta) -> bool {
        false
    }
}

#[derive(Clone, Merge, DeltaState)]
struct Session {
    inner: Inner,
}

fn main() {}
