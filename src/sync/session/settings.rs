//! [`SessionSettings`]: how large messages are, and how much a session holds for its peer.

/// How large messages are, and how much a session takes from its peer.
///
/// ```
/// use rejoin::{PnCounter, sync::{Session, SessionSettings}};
///
/// const OVER_UDP: SessionSettings = SessionSettings::new().message_bytes(1200).transfer_bytes(1 << 20);
/// let us = "us-east-1".parse()?;
/// let session: Session<PnCounter> = Session::with(us, 17, OVER_UDP);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionSettings {
    pub(super) message: usize,
    pub(super) transfer: u64,
    pub(super) patience: u32,
}

impl Default for SessionSettings {
    /// Those of [`SessionSettings::new`].
    fn default() -> Self {
        Self::new()
    }
}

impl SessionSettings {
    /// Messages of 64 KiB, transfers of 64 MiB, and no patience.
    ///
    /// ```
    /// assert_eq!(rejoin::sync::SessionSettings::new(), rejoin::sync::SessionSettings::default());
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self { message: 1 << 16, transfer: 1 << 26, patience: 1 }
    }

    /// No message sent is larger than this many bytes, which are at least 256. [The type](Self) has
    /// an example.
    #[must_use]
    pub const fn message_bytes(self, bytes: usize) -> Self {
        let message = if bytes < 256 { 256 } else { bytes };
        Self { message, ..self }
    }

    /// A delta or version that the peer sends has at most this many bytes. It is held until it is
    /// complete, with up to twice this much memory. [The type](Self) has an example.
    #[must_use]
    pub const fn transfer_bytes(self, bytes: u64) -> Self {
        Self { transfer: bytes, ..self }
    }

    /// How many comparisons in a row have to differ before the difference is looked for; at least 1.
    ///
    /// Take more than 1, such as 8, where every replica has a session with every other and each
    /// tells only its own writes: then two of them often differ, because a third one's write has
    /// reached one and not yet the other, and it is on its way.
    ///
    /// ```
    /// use rejoin::sync::SessionSettings;
    /// const IN_A_MESH: SessionSettings = SessionSettings::new().patience(8);
    /// assert_ne!(IN_A_MESH, SessionSettings::new());
    /// ```
    #[must_use]
    pub const fn patience(self, comparisons: u32) -> Self {
        let patience = if comparisons == 0 { 1 } else { comparisons };
        Self { patience, ..self }
    }
}
