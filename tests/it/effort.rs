//! How much is played: enough to notice nearly everything within a minute, or all of it where
//! `REJOIN_FULL` is set, as the project's check does.

use std::{env, str::FromStr};

fn said<T: FromStr>(name: &str) -> Option<T> {
    let text = env::var(name).ok()?;
    let number = text.parse().ok();
    Some(number.unwrap_or_else(|| panic!("{name} is no number: {text}")))
}

fn in_full() -> bool {
    env::var_os("REJOIN_FULL").is_some()
}

/// How many histories are played, of as many as there are in full: a fiftieth by default.
/// `REJOIN_HISTORIES` sets another number.
pub(crate) fn count(in_all: u32) -> u32 {
    said("REJOIN_HISTORIES").unwrap_or(if in_full() { in_all } else { in_all / 50 })
}

/// One of how many is looked at, where each is as good as the next: all in full.
pub(crate) fn one_in(many: usize) -> usize {
    if in_full() { 1 } else { many }
}

/// How many steps a small world takes, of as many as it takes in full: two fewer by default, and three
/// of more than four.
/// `REJOIN_OPERATIONS` sets another number.
pub(crate) fn depth(in_all: usize) -> usize {
    said("REJOIN_OPERATIONS").unwrap_or(if in_full() {
        in_all
    } else {
        in_all - 2 - usize::from(in_all > 4)
    })
}
