//! [`Short`]: a few bytes where they are used.

use core::fmt;

/// Up to 22 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Short {
    bytes: [u8; 22],
    len: u8,
}

impl Short {
    pub(crate) fn new(bytes: &[u8]) -> Option<Self> {
        let mut short = Self { bytes: [0; 22], len: u8::try_from(bytes.len()).ok()? };
        short.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(short)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// The text that it was made from.
    pub(crate) fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

/// As text, or as bytes if it is not text.
impl fmt::Debug for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match core::str::from_utf8(self.as_bytes()) {
            Ok(text) => text.fmt(f),
            Err(_) => self.as_bytes().fmt(f),
        }
    }
}
