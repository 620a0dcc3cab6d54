//! The tests of this crate, against clusters that they start themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cluster;
mod cost;
mod edits;
mod feed;
mod lives;
mod proxy;
mod region;
mod schema;
