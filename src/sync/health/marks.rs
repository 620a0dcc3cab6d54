//! [`Marks`]: since when the receiver has lacked something, in bounded memory.

use alloc::collections::VecDeque;

/// More marks than this are thinned out.
const MARKS: usize = 64;

/// The head was first seen here at `from`, or at the latest at `until` if marks were joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Mark {
    from: u64,
    until: u64,
    head: u64,
}

/// When the sender's head was first seen where, of what the receiver still lacks. O(1) memory.
///
/// `PostgreSQL` measures the lag of its standbys in this way (`LagTracker` in `walsender.c`); it
/// drops samples when its buffer is full, and here the two that are closest in time are joined. So
/// the lag is never less than it is, and at most a 32nd of the time that the marks span more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub(super) struct Marks(VecDeque<Mark>);

impl Marks {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Takes in where the two are now; returns since when the receiver has lacked something.
    pub(super) fn look(&mut self, now: u64, head: u64, received: u64) -> Option<u64> {
        while self.0.front().is_some_and(|mark| mark.head <= received) {
            self.0.pop_front();
        }
        if head > received && self.0.back().is_none_or(|mark| mark.head < head) {
            self.0.push_back(Mark { from: now, until: now, head });
            self.thin_out();
        }
        self.0.front().map(|mark| mark.from)
    }

    fn thin_out(&mut self) {
        while self.0.len() > MARKS {
            let pairs = self.0.iter().zip(self.0.iter().skip(1));
            let extents = pairs.map(|(one, next)| next.until.saturating_sub(one.from));
            let closest = extents.enumerate().min_by_key(|(_, extent)| *extent);
            let Some(next) = closest.and_then(|(at, _)| self.0.remove(at + 1).map(|it| (at, it)))
            else {
                return;
            };
            if let Some(mark) = self.0.get_mut(next.0) {
                (mark.until, mark.head) = (next.1.until, next.1.head);
            }
        }
    }
}
