//! An enum is a lattice only with an order.

use rejoin::{GCounter, Merge};

#[derive(Clone, Merge)]
enum Contact {
    Mail(GCounter),
    Phone(GCounter),
}

fn main() {}
