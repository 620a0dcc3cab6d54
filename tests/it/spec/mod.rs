//! The meaning of each type, as a function of events and who has seen them. No clocks, no dots, no
//! cleverness.

mod counters;
mod document;
pub(crate) mod fields;
mod keyed;
mod registers;
