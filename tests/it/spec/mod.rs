//! The meaning of each type, as a function of events and who has seen them. No clocks, no dots, no
//! cleverness.

pub(crate) use document::properties::check_replay;

use crate::history;

mod bounded;
mod counted;
mod counters;
pub(crate) mod document;
pub(crate) mod fields;
mod gauges;
mod keyed;
mod nested;
mod presences;
mod registers;
mod ruled;

/// Plays the history that the bytes stand for, of one of all types.
pub(crate) fn play_bytes(which: u8, bytes: &[u8]) {
    let play = [
        history::play_bytes::<counters::Clock>,
        history::play_bytes::<counters::Growing>,
        history::play_bytes::<counters::UpAndDown>,
        history::play_bytes::<registers::LastWriter>,
        history::play_bytes::<keyed::Set>,
        history::play_bytes::<keyed::Flag>,
        history::play_bytes::<keyed::Siblings>,
        history::play_bytes::<keyed::Map>,
        history::play_bytes::<keyed::Reported>,
        history::play_bytes::<document::Json>,
        history::play_bytes::<ruled::Ruled<false>>,
        history::play_bytes::<ruled::Ruled<true>>,
        history::play_bytes::<gauges::Gauged>,
        history::play_bytes::<bounded::Bounded>,
        history::play_bytes::<counted::Counted>,
        history::play_bytes::<nested::Nested>,
        history::play_bytes::<presences::Present>,
    ];
    // Of the numbers that are left over, all stand for the type that has the most to it.
    let which = usize::from(which % 32);
    play.get(which).unwrap_or(&play[9])(bytes);
}
