//! What an enum cannot have.

use rejoin::{GCounter, Merge, wire::Wire};

#[derive(Wire)]
enum Never {}

#[derive(Clone, Merge)]
#[rejoin(ordered)]
enum Order {
    Open,
    Sent(#[rejoin(skip)] GCounter),
}

#[derive(Wire)]
enum Later {
    Sent(#[rejoin(default)] GCounter),
}

#[derive(Merge)]
#[rejoin(ordered)]
enum NotClone {
    Open,
    Sent(GCounter),
}

fn main() {}
