//! [`Writer`]: writes values to bytes.

use alloc::vec::Vec;

/// Writes values to bytes, front to back. [`Wire`](super::Wire) has an example.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// With room for what most counters and deltas are.
    pub(super) fn with_room() -> Self {
        Self { bytes: Vec::with_capacity(64) }
    }

    /// Writes one byte.
    #[inline]
    pub fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Writes bytes as they are, without their length.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Writes a number in as few bytes as it needs: 7 bits each, low bits first, with the high bit
    /// set on all but the last (LEB128).
    #[inline]
    pub fn varint(&mut self, number: u64) {
        match number {
            #[allow(clippy::cast_possible_truncation)] // below 0x80
            0..0x80 => self.bytes.push(number as u8),
            _ => self.long_varint(number),
        }
    }

    /// One of more bytes than one.
    fn long_varint(&mut self, number: u64) {
        let (mut bytes, mut len, mut rest) = ([0; 10], 0, number);
        while rest >= 0x80 {
            #[allow(clippy::cast_possible_truncation)] // the low 7 bits
            let low = rest as u8 | 0x80;
            bytes[len] = low;
            (len, rest) = (len + 1, rest >> 7);
        }
        #[allow(clippy::cast_possible_truncation)] // below 0x80
        let last = rest as u8;
        bytes[len] = last;
        self.bytes.extend_from_slice(&bytes[..=len]);
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

    /// Writes how many of something follow.
    pub fn count(&mut self, count: usize) {
        self.varint(count as u64);
    }

    /// What was written.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Appends this many zeros, to be overwritten.
    pub(super) fn extend(&mut self, len: usize) -> &mut [u8] {
        let start = self.bytes.len();
        self.bytes.resize(start + len, 0);
        &mut self.bytes[start..]
    }
}
