//! [`Backoff`]: how long to wait before the next try.

use crate::error::Error;
use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};
use tokio::time::Instant;

/// Waits that double up to a limit, each a random part of that, so that those who met once do not
/// meet again.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    next: Duration,
    least: Duration,
    most: Duration,
}

impl Backoff {
    pub(crate) fn new(least: Duration, most: Duration) -> Self {
        Self { next: least, least, most }
    }

    pub(crate) async fn wait(&mut self) {
        let pause = self.next.mul_f64(0.5 + fraction() / 2.0);
        self.next = (self.next * 2).min(self.most);
        tokio::time::sleep(pause).await;
    }

    pub(crate) fn reset(&mut self) {
        self.next = self.least;
    }
}

/// From 0 to 1: every `RandomState` has keys of its own.
fn fraction() -> f64 {
    let bits = RandomState::new().build_hasher().finish() >> 32;
    f64::from(u32::try_from(bits).unwrap_or_default()) / f64::from(u32::MAX)
}

/// How often and how long something is tried again that did nothing.
pub(crate) struct Tries {
    left: u32,
    until: Instant,
    backoff: Backoff,
}

impl Tries {
    pub(crate) fn new(times: u32, patience: Duration) -> Self {
        Self {
            left: times,
            until: Instant::now() + patience,
            backoff: Backoff::new(Duration::from_millis(1), Duration::from_millis(100)),
        }
    }

    /// Waits for the next try; `false` if that was the last.
    pub(crate) async fn again(&mut self) -> bool {
        self.left = self.left.saturating_sub(1);
        let goes_on = self.left > 0;
        if goes_on {
            self.backoff.wait().await;
        }
        goes_on
    }

    /// Waits for the next try if all that failed is the connection: those in a pool are all lost
    /// when the server restarts.
    ///
    /// # Errors
    ///
    /// What failed, if it is something else or there is no time left.
    pub(crate) async fn after(&mut self, error: Error) -> Result<(), Error> {
        if !error.lost_connection() || Instant::now() >= self.until {
            return Err(error);
        }
        self.backoff.wait().await;
        Ok(())
    }
}
