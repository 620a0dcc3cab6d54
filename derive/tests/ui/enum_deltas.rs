//! An enum has no deltas.

use rejoin::{DeltaState, Merge};

#[derive(Clone, Merge, DeltaState)]
#[rejoin(ordered)]
enum Order {
    Open,
    Sent,
}

fn main() {}
