//! The health of a link between two replicas: [`Link`], from plain positions and heartbeats.
//!
//! A monitor that asks a receiver how far it is behind hears 0 from one that is cut off: it has
//! applied all that has come. And a sender whose connection hangs believes that it streams. What is
//! true is what the sender knows: how far it has written, less what the receiver acknowledged; and
//! the age of the last heartbeat. A [`Link`] is built on these two.
//!
//! Positions are plain numbers: offsets in a log, sequence numbers, counts of writes, or
//! [versions](Heartbeat::of_versions). Times are the caller's, and only differences of one side's
//! own times are used, so it does not matter what the other's clock says.

mod figure;
mod link;
mod marks;
mod position;
mod settled;
mod thresholds;
mod track;
mod window;

pub use figure::{Direction, Event, Figure, Flow, Health, Level, Rate, State, Summary, Trend};
pub use link::Link;
pub use position::{Heartbeat, Position};
pub use thresholds::Thresholds;
