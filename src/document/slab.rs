//! [`Slab`]: values at numbers that stay theirs, in chunks.

use alloc::vec::Vec;
use core::ops::{Index, IndexMut};

const CHUNK: usize = 64;

/// Values at numbers that stay theirs. In chunks, so that growing moves a chunk and not all: a
/// document that was cloned or read in is full to the brim.
#[derive(Clone, Debug)]
pub(super) struct Slab<T> {
    /// All but the last are full.
    chunks: Vec<Vec<T>>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { chunks: Vec::new() }
    }
}

impl<T> Slab<T> {
    pub(super) fn len(&self) -> usize {
        let last = self.chunks.last().map_or(0, Vec::len);
        self.chunks.len().saturating_sub(1) * CHUNK + last
    }

    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    pub(super) fn get(&self, at: u32) -> Option<&T> {
        self.chunks.get(at as usize / CHUNK)?.get(at as usize % CHUNK)
    }

    /// Appends a value; its number.
    pub(super) fn push(&mut self, value: T) -> u32 {
        #[allow(clippy::cast_possible_truncation)] // 2³² values take 100 GB
        let at = self.len() as u32;
        match self.chunks.last_mut() {
            Some(chunk) if chunk.len() < CHUNK => {
                if chunk.len() == chunk.capacity() {
                    // Few in a delta, a chunk in a document.
                    let additional = if at < 8 { 8 - chunk.len() } else { CHUNK - chunk.len() };
                    chunk.reserve_exact(additional);
                }
                chunk.push(value);
            }
            full => {
                let mut chunk = Vec::with_capacity(if full.is_some() { CHUNK } else { 4 });
                chunk.push(value);
                self.chunks.push(chunk);
            }
        }
        at
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &T)> + '_ {
        (0..).zip(self.chunks.iter().flatten())
    }
}

impl<T> Index<u32> for Slab<T> {
    type Output = T;

    fn index(&self, at: u32) -> &T {
        &self.chunks[at as usize / CHUNK][at as usize % CHUNK]
    }
}

impl<T> IndexMut<u32> for Slab<T> {
    fn index_mut(&mut self, at: u32) -> &mut T {
        &mut self.chunks[at as usize / CHUNK][at as usize % CHUNK]
    }
}
