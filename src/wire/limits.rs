//! [`Limits`]: how much a reader accepts from a stranger.

/// How much a reader accepts from a stranger. Decoding takes memory in proportion to the bytes,
/// whatever they claim, so limits say what a program wants to hold; its safety does not depend on
/// them.
///
/// ```
/// use rejoin::wire::{self, Limits};
/// use rejoin::OrSet;
///
/// let mut set = OrSet::new();
/// set.extend(0..1_000_u64, "us-east-1".parse()?)?;
/// let bytes = wire::to_bytes(&set);
/// let few = Limits::default().entries(100);
/// assert!(wire::from_bytes_within::<OrSet<u64>>(&bytes, &few).unwrap_err().is_limit());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub(super) bytes: usize,
    pub(super) replicas: usize,
    pub(super) entries: usize,
    pub(super) depth: usize,
    pub(super) text: usize,
}

impl Default for Limits {
    /// Those of [`Limits::new`].
    fn default() -> Self {
        Self::new()
    }
}

impl Limits {
    /// 256 MiB, 65,536 replicas, 16,777,216 entries, 127 levels, texts of 16 MiB.
    ///
    /// ```
    /// use rejoin::wire::Limits;
    ///
    /// const OF_A_PHONE: Limits = Limits::new().bytes(1 << 20).replicas(64);
    /// assert_eq!(Limits::new(), Limits::default());
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: 1 << 28, replicas: 1 << 16, entries: 1 << 24, depth: 127, text: 1 << 24 }
    }

    /// At most this many bytes in all.
    #[must_use]
    pub const fn bytes(self, bytes: usize) -> Self {
        Self { bytes, ..self }
    }

    /// At most this many replicas in any one table.
    #[must_use]
    pub const fn replicas(self, replicas: usize) -> Self {
        Self { replicas, ..self }
    }

    /// At most this many entries in all: live dots, runs of dots, elements of lists and maps.
    #[must_use]
    pub const fn entries(self, entries: usize) -> Self {
        Self { entries, ..self }
    }

    /// Documents, values and [types of your own](super::Reader::nested) nest at most this deep. More than 127 levels are never accepted.
    #[must_use]
    pub const fn depth(self, depth: usize) -> Self {
        Self { depth, ..self }
    }

    /// No single text longer than this, in bytes.
    #[must_use]
    pub const fn text(self, bytes: usize) -> Self {
        Self { text: bytes, ..self }
    }
}
