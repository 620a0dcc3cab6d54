//! [`Writer`]: what bytes are written to.

use alloc::vec::Vec;

/// What bytes are written to, from the first to the last.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// One byte.
    #[inline]
    pub fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Bytes as they are; their number is not written.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// A number in as few bytes as it takes: 7 bits each, the low ones first, and the high bit set
    /// on all but the last (LEB128).
    #[inline]
    pub fn varint(&mut self, number: u64) {
        match number {
            #[allow(clippy::cast_possible_truncation)] // below 0x80
            0..0x80 => self.bytes.push(number as u8),
            _ => self.wide_varint(number.into()),
        }
    }

    /// The same for 65 bits and more.
    pub(crate) fn wide_varint(&mut self, number: u128) {
        let mut rest = number;
        while rest >= 0x80 {
            #[allow(clippy::cast_possible_truncation)] // the low 7 bits
            self.bytes.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        #[allow(clippy::cast_possible_truncation)] // below 0x80
        self.bytes.push(rest as u8);
    }

    /// How many of something follow.
    pub fn count(&mut self, count: usize) {
        self.varint(count as u64);
    }

    /// What was written.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// So many zeros, to be written over.
    pub(super) fn extend(&mut self, len: usize) -> &mut [u8] {
        let start = self.bytes.len();
        self.bytes.resize(start + len, 0);
        &mut self.bytes[start..]
    }
}
