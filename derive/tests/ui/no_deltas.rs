//! A field that merges, but has no deltas.

use rejoin::{DeltaState, GCounter, Max, Merge};

#[derive(Clone, Default, Merge, DeltaState)]
struct Session {
    count: GCounter,
    peak: Max<u64>,
}

fn main() {}
