//! [`Slab`]: values at fixed numbers, in chunks.

use alloc::vec::Vec;
use core::ops::{Index, IndexMut};

const CHUNK: usize = 64;

/// How many there is room for at first.
const FEW: usize = 4;

/// Values at fixed numbers. They are in chunks, so that growing moves one chunk and not all: a
/// document that was cloned or read in has no room to spare.
#[derive(Clone, Debug)]
pub(super) struct Slab<T> {
    /// All but the last are full. A delta has one chunk.
    chunks: Vec<Vec<T>>,
    len: u32,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { chunks: Vec::new(), len: 0 }
    }
}

impl<T> Slab<T> {
    pub(crate) const fn len(&self) -> usize {
        self.len as usize
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn get(&self, at: u32) -> Option<&T> {
        self.chunks.get(at as usize / CHUNK)?.get(at as usize % CHUNK)
    }

    /// Appends a value; returns its number. 2³² values would take 100 GB.
    pub(crate) fn push(&mut self, value: T) -> u32 {
        let at = self.len;
        self.len += 1;
        if at as usize % CHUNK == 0 {
            self.chunks.push(Vec::with_capacity(if at == 0 { FEW } else { CHUNK }));
        }
        if let Some(chunk) = self.chunks.last_mut() {
            if chunk.len() == chunk.capacity() {
                // Few in a delta, a chunk in a document.
                let full = if chunk.len() < 2 * FEW { 2 * FEW } else { CHUNK };
                chunk.reserve_exact(full - chunk.len());
            }
            chunk.push(value);
        }
        at
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> + '_ {
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
