//! [`Thresholds`]: from when on a delay is bad.

use super::Level;

/// From when on a delay is bad, and over how long a link is summed up. `Copy`, in milliseconds.
///
/// ```
/// use rejoin::sync::health::Thresholds;
///
/// const ACROSS_AN_OCEAN: Thresholds = Thresholds::new().warn_ms(8_000);
/// assert_eq!(Thresholds::default(), Thresholds::new());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[allow(clippy::struct_field_names)] // the unit, which is read in JSON
pub struct Thresholds {
    warn_ms: u64,
    critical_ms: u64,
    act_ms: u64,
    calm_ms: u64,
    window_ms: u64,
}

impl Default for Thresholds {
    /// Those of [`Thresholds::new`].
    fn default() -> Self {
        Self::new()
    }
}

impl Thresholds {
    /// Warn over 5 s, critical over 30 s, act over 60 s; better after 5 s; a window of 60 s. [The
    /// type](Self) has an example.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            warn_ms: 5_000,
            critical_ms: 30_000,
            act_ms: 60_000,
            calm_ms: 5_000,
            window_ms: 60_000,
        }
    }

    /// A delay over this is worth a warning. Set it above the time between two heartbeats.
    #[must_use]
    pub const fn warn_ms(self, warn_ms: u64) -> Self {
        Self { warn_ms, ..self }
    }

    /// A delay over this is critical, and silence over this means that there is no link.
    #[must_use]
    pub const fn critical_ms(self, critical_ms: u64) -> Self {
        Self { critical_ms, ..self }
    }

    /// A delay over this is one that somebody or something should act on.
    #[must_use]
    pub const fn act_ms(self, act_ms: u64) -> Self {
        Self { act_ms, ..self }
    }

    /// What got better is told when it has lasted for this long. 0 tells at once.
    #[must_use]
    pub const fn calm_ms(self, calm_ms: u64) -> Self {
        Self { calm_ms, ..self }
    }

    /// Rates, trends and summaries look back over this.
    #[must_use]
    pub const fn window_ms(self, window_ms: u64) -> Self {
        Self { window_ms, ..self }
    }

    pub(super) const fn warn(&self) -> u64 {
        self.warn_ms
    }

    pub(super) const fn critical(&self) -> u64 {
        self.critical_ms
    }

    pub(super) const fn calm(&self) -> u64 {
        self.calm_ms
    }

    pub(super) const fn window(&self) -> u64 {
        self.window_ms
    }

    pub(super) const fn level(&self, delay_ms: u64) -> Level {
        match delay_ms {
            delay if delay > self.act_ms => Level::Act,
            delay if delay > self.critical_ms => Level::Critical,
            delay if delay > self.warn_ms => Level::Warn,
            _ => Level::Fine,
        }
    }
}
