//! Counters by words: 64 of them are a block.

/// Counters to a block: the bits of a word.
pub(in crate::causal) const BLOCK: u64 = u64::BITS as u64;

/// The block that holds a counter, and the counter's bit in it.
#[allow(clippy::cast_possible_truncation)] // a remainder below 64
pub(in crate::causal) const fn place(counter: u64) -> (u64, u32) {
    (counter / BLOCK, (counter % BLOCK) as u32)
}

/// The counter of a block's lowest bit. Bit 0 of block 0 stands for no dot and is never set.
pub(in crate::causal) const fn first_counter(block: u64) -> u64 {
    block * BLOCK
}
