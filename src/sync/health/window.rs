//! [`Window`]: the last looks at one direction, in bounded memory.

use super::{Figure, Rate, State, Summary, Trend};
use alloc::collections::VecDeque;
use core::num::NonZeroU64;

/// A window is this many slots of time.
pub(super) const SLOTS: u64 = 30;

/// Where the two sides were at a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Point {
    at: u64,
    received: u64,
}

/// Some numbers: how many, their sum, the greatest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Tally {
    count: u64,
    sum: u128,
    max: u64,
}

impl Tally {
    fn add(&mut self, figure: Figure) {
        if let Some(number) = figure.at_least() {
            self.join(&Self { count: 1, sum: number.into(), max: number });
        }
    }

    fn join(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.sum = self.sum.saturating_add(other.sum);
        self.max = self.max.max(other.max);
    }

    fn average(&self) -> Option<u64> {
        let average = self.sum.checked_div(self.count.into())?;
        Some(u64::try_from(average).unwrap_or(u64::MAX))
    }

    fn max(&self) -> Option<u64> {
        (self.count > 0).then_some(self.max)
    }
}

/// The looks within one part of the window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Slot {
    number: u64,
    points: Option<(Point, Point)>,
    looks: u64,
    worst: Option<State>,
    behind: Tally,
    /// Of those since the last break.
    comparable: Tally,
    lag: Tally,
}

/// Sums of looks by slots of time. At most [`SLOTS`] of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub(super) struct Window(VecDeque<Slot>);

impl Window {
    /// The slot of now; drops those that are out of the window.
    fn slot(&mut self, now: u64, window_ms: u64) -> Option<&mut Slot> {
        let number = now / (window_ms / SLOTS).max(1);
        while self.0.front().is_some_and(|slot| slot.number.saturating_add(SLOTS) <= number) {
            self.0.pop_front();
        }
        if self.0.back().is_none_or(|slot| slot.number < number) {
            self.0.push_back(Slot { number, ..Slot::default() });
        }
        self.0.back_mut()
    }

    /// Notes what the receiver lacks and where it is.
    pub(super) fn note(&mut self, now: u64, window_ms: u64, behind: Figure, received: Option<u64>) {
        let Some(slot) = self.slot(now, window_ms) else { return };
        slot.looks = slot.looks.saturating_add(1);
        slot.behind.add(behind);
        slot.comparable.add(behind);
        if let Some(received) = received {
            let point = Point { at: now, received };
            slot.points = Some((slot.points.map_or(point, |points| points.0), point));
        }
    }

    /// Notes what was made of it, in the slot of the last look.
    pub(super) fn note_verdict(&mut self, lag: Figure, state: State) {
        if let Some(slot) = self.0.back_mut() {
            slot.lag.add(lag);
            slot.worst = slot.worst.max(Some(state));
        }
    }

    /// Positions before a break are not compared with those after it.
    pub(super) fn forget_positions(&mut self) {
        for slot in &mut self.0 {
            (slot.points, slot.comparable) = (None, Tally::default());
        }
    }

    pub(super) fn rate(&self) -> Option<Rate> {
        let first = self.0.iter().find_map(|slot| slot.points)?.0;
        let last = self.0.iter().rev().find_map(|slot| slot.points)?.1;
        let over_ms = NonZeroU64::new(last.at.saturating_sub(first.at))?;
        Some(Rate { positions: last.received.saturating_sub(first.received), over_ms })
    }

    /// Of the slots in which what was behind was known, the newer half beside the older one.
    pub(super) fn trend(&self) -> Option<Trend> {
        let known = || self.0.iter().filter(|slot| slot.comparable.count > 0);
        let half = known().count() / 2;
        let average = |slots: &mut dyn Iterator<Item = &Slot>| {
            let mut all = Tally::default();
            slots.for_each(|slot| all.join(&slot.comparable));
            all.average().map(u128::from)
        };
        let older = average(&mut known().take(half))?;
        let newer = average(&mut known().rev().take(half))?;
        Some(match (10 * newer, 10 * older) {
            (new, old) if new > old + older => Trend::Growing,
            (new, old) if new + older < old => Trend::Shrinking,
            _ => Trend::Steady,
        })
    }

    pub(super) fn summary(&self) -> Summary {
        let (mut behind, mut lag) = (Tally::default(), Tally::default());
        let (mut looks, mut worst) = (0_u64, None);
        for slot in &self.0 {
            behind.join(&slot.behind);
            lag.join(&slot.lag);
            looks = looks.saturating_add(slot.looks);
            worst = worst.max(slot.worst);
        }
        Summary {
            looks,
            worst: worst.unwrap_or_default(),
            behind_known: behind.count,
            behind_average: behind.average(),
            behind_max: behind.max(),
            lag_known: lag.count,
            lag_ms_average: lag.average(),
            lag_ms_max: lag.max(),
        }
    }
}
