//! [`ReconcilerSettings`] of a reconciler, and in which [`Direction`] it works.

use super::message::{KEY, PULL, PUSH};

/// How large messages are, and how many are on their way.
///
/// ```
/// use rejoin::sync::ReconcilerSettings;
///
/// const OVER_MOBILE: ReconcilerSettings = ReconcilerSettings::new().message_bytes(16 << 10).window(2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReconcilerSettings {
    pub(super) message_bytes: usize,
    pub(super) window: usize,
}

impl Default for ReconcilerSettings {
    /// Those of [`ReconcilerSettings::new`].
    fn default() -> Self {
        Self::new()
    }
}

impl ReconcilerSettings {
    /// Messages of at most 1 MiB, and 8 of them on their way.
    ///
    /// ```
    /// use rejoin::sync::ReconcilerSettings;
    /// assert_eq!(ReconcilerSettings::new(), ReconcilerSettings::default());
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self { message_bytes: 1 << 20, window: 8 }
    }

    /// No message is longer than this, and one that comes in and is longer is refused: both sides
    /// take the same number. From 1 KiB to 64 MiB; what is outside counts as the nearest of them.
    ///
    /// A key may have an eighth of that, and at most 32 KiB. A state, a delta or a version that
    /// does not fit into a message is not sent, and [told](super::Outcome::too_large).
    #[must_use]
    pub const fn message_bytes(self, bytes: usize) -> Self {
        let bytes = if bytes < 1 << 10 { 1 << 10 } else { bytes };
        Self { message_bytes: if bytes > 1 << 26 { 1 << 26 } else { bytes }, ..self }
    }

    /// At most this many questions wait for their answers at a time; at least one, at most 64.
    #[must_use]
    pub const fn window(self, messages: usize) -> Self {
        let messages = if messages < 1 { 1 } else { messages };
        Self { window: if messages > 64 { 64 } else { messages }, ..self }
    }

    /// Bytes that a key may have.
    pub(super) fn key_bytes(&self) -> usize {
        (self.message_bytes / 8).min(KEY)
    }
}

/// Which way a run brings what differs, as seen by the side that starts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Both ways: afterwards both hold the join.
    #[default]
    Both,
    /// From the peer to here.
    Pull,
    /// From here to the peer.
    Push,
}

impl Direction {
    pub(super) const fn mode(self) -> u8 {
        match self {
            Self::Both => PULL | PUSH,
            Self::Pull => PULL,
            Self::Push => PUSH,
        }
    }
}

/// What one side may do in a message.
#[derive(Clone, Copy)]
pub(super) struct Role {
    /// Tell the other what it lacks.
    pub(super) gives: bool,
    /// Ask the other for what it lacks itself.
    pub(super) takes: bool,
}

impl Role {
    pub(super) const fn of_asker(mode: u8) -> Self {
        Self { gives: mode & PUSH > 0, takes: mode & PULL > 0 }
    }

    pub(super) const fn of_answerer(mode: u8) -> Self {
        Self { gives: mode & PULL > 0, takes: mode & PUSH > 0 }
    }
}
