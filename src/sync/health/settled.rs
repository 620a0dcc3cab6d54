//! [`Settled`]: hysteresis. What got worse is told at once, what got better when it has lasted.

/// What was told last, and since when it has been better.
///
/// Without it a delay around a threshold is told as an alarm and an all-clear at each look. An alarm
/// is not held back: it may be what stops a failover in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Settled<T> {
    told: T,
    /// Since when it has been better than was told, and the worst that it was since.
    better: Option<(u64, T)>,
}

impl<T: Copy + Ord> Settled<T> {
    /// Takes in what is now; returns what was told before and what is told now, if they differ. What
    /// leads from or to `unknown` is told at once.
    pub(super) fn look(&mut self, now: u64, is: T, unknown: T, calm_ms: u64) -> Option<(T, T)> {
        let before = self.told;
        let is_better = is < before && before != unknown && is != unknown;
        if is_better {
            let (since, worst) = self.better.map_or((now, is), |(since, was)| (since, was.max(is)));
            self.better = Some((since, worst));
            if now.saturating_sub(since) >= calm_ms {
                *self = Self { told: worst, better: None };
            }
        } else {
            *self = Self { told: is, better: None };
        }
        (before != self.told).then_some((before, self.told))
    }
}
