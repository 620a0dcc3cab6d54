//! Attributes that are none.

use rejoin::{GCounter, Merge, wire::Wire};

#[derive(Merge)]
struct Misspelt {
    #[rejoin(skipped)]
    count: GCounter,
}

#[derive(Merge)]
struct Both {
    #[rejoin(skip, with = own)]
    count: GCounter,
}

#[derive(Merge)]
struct Quoted {
    #[rejoin(with = "own")]
    count: GCounter,
}

#[derive(Merge)]
#[rejoin(ordered)]
struct Ordered {
    count: GCounter,
}

#[derive(Wire)]
struct InTheMiddle {
    #[rejoin(default)]
    added: GCounter,
    count: GCounter,
}

#[derive(Merge)]
union Either {
    one: u64,
    other: i64,
}

fn main() {}
