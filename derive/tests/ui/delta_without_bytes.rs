//! A delta has bytes if each of its parts has: this one's elements have none.

use rejoin::{DeltaState, Merge, OrSet, wire};

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct User(u64);

#[derive(Clone, Default, Merge, DeltaState)]
struct Session {
    users: OrSet<User>,
}

fn main() {
    let session = Session::default();
    let delta = session.delta_since(&session.version());
    wire::to_bytes(&delta);
}
