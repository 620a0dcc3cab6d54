//! A field that is no lattice.

use rejoin::{DeltaState, GCounter, Merge};

#[derive(Clone, Default, Merge)]
struct Counted {
    count: GCounter,
    name: String,
}

#[derive(Clone, Default, Merge, DeltaState)]
struct Session {
    count: GCounter,
    #[rejoin(skip)]
    cache: Vec<u8>,
    title: u64,
}

fn main() {}
