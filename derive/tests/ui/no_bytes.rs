//! A field that has no bytes.

use rejoin::{OrSet, wire::Wire};

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct User(u64);

#[derive(Wire)]
struct Session {
    users: OrSet<User>,
    seen: std::time::Instant,
}

fn main() {}
