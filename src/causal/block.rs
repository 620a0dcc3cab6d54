//! [`Block`]: 64 consecutive counters of one replica; and [`Blocks`], where they are kept.

use super::{
    Dot,
    intervals::{BLOCK, first_counter},
};
use crate::replica::ReplicaId;
use alloc::vec::Vec;
use core::hash::Hash;
use smallvec::{SmallVec, smallvec};

/// How many blocks a kernel holds at most: a [`Slot`] has 26 bits for them.
pub(super) const BLOCKS_MAX: u64 = (1 << 26) - 1;

const _: () = assert!(BLOCKS_MAX * BLOCK + BLOCK - 1 == Slot::NONE.0 as u64, "all but the last");

/// The set bits of a mask, ascending.
pub(super) fn bits(mut mask: u64) -> impl Iterator<Item = u32> {
    core::iter::from_fn(move || {
        let bit = (mask != 0).then(|| mask.trailing_zeros())?;
        mask &= mask - 1;
        Some(bit)
    })
}

/// The live dots among 64 consecutive counters: a mask, and the payloads packed behind it in the
/// order of their bits.
#[derive(Clone, Debug)]
pub(super) struct Block<P> {
    replica: ReplicaId,
    number: u64,
    mask: u64,
    /// The sum of the hashes of the live dots with their payloads: where two blocks have one mask
    /// and one sum, no dot has two payloads. A guard against accidents (a cloned or restored
    /// replica), not against a forger who searches for collisions.
    sum: u64,
    payloads: SmallVec<[P; 1]>,
}

/// The same live dots with equal payloads.
impl<P: PartialEq> PartialEq for Block<P> {
    fn eq(&self, other: &Self) -> bool {
        (self.replica, self.number, self.mask) == (other.replica, other.number, other.mask)
            && self.payloads == other.payloads
    }
}

impl<P> Block<P> {
    pub(super) const fn mask(&self) -> u64 {
        self.mask
    }

    pub(super) const fn replica(&self) -> ReplicaId {
        self.replica
    }

    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    pub(super) const fn sum(&self) -> u64 {
        self.sum
    }

    /// Whether the same dots of this range are alive in `other`, by their sums with the same
    /// payloads.
    pub(super) fn agrees_with(&self, other: &Self) -> bool {
        (self.mask, self.sum) == (other.mask, other.sum)
    }

    pub(super) fn payloads(&self) -> &[P] {
        &self.payloads
    }

    pub(super) fn dot(&self, bit: u32) -> Dot {
        Dot::of(self.replica, first_counter(self.number) + u64::from(bit))
    }

    /// Those of the live dots that `mask` names, with their payloads.
    pub(super) fn some(&self, mask: u64) -> impl Iterator<Item = (Dot, &P)> + '_ {
        bits(self.mask & mask).filter_map(|bit| Some((self.dot(bit), self.get(bit)?)))
    }

    /// The live counters with their payloads, in order.
    #[cfg(feature = "serde")]
    pub(super) fn live(&self) -> impl Iterator<Item = (u64, &P)> + '_ {
        let start = first_counter(self.number);
        bits(self.mask).map(move |bit| start + u64::from(bit)).zip(&self.payloads)
    }

    /// How many live dots lie below `bit`: where its payload is.
    const fn rank(&self, bit: u32) -> usize {
        if self.mask == u64::MAX {
            return bit as usize;
        }
        (self.mask & !(u64::MAX << bit)).count_ones() as usize
    }

    pub(super) fn get(&self, bit: u32) -> Option<&P> {
        (self.mask >> bit & 1 == 1).then(|| &self.payloads[self.rank(bit)])
    }
}

impl<P: Hash> Block<P> {
    /// Sets `bit`, which must be free; what that adds to the sum.
    fn insert(&mut self, bit: u32, payload: P) -> u64 {
        debug_assert!(self.mask >> bit & 1 == 0, "a dot is alive twice");
        let hash = self.hash(bit, &payload);
        self.sum = self.sum.wrapping_add(hash);
        self.payloads.insert(self.rank(bit), payload);
        self.mask |= 1 << bit;
        hash
    }

    /// Clears `bit`; the payload, if it was set, and what that takes from the sum.
    fn remove(&mut self, bit: u32) -> Option<(P, u64)> {
        if self.mask >> bit & 1 == 0 {
            return None;
        }
        let payload = self.payloads.remove(self.rank(bit));
        let hash = self.hash(bit, &payload);
        self.sum = self.sum.wrapping_sub(hash);
        self.mask &= !(1 << bit);
        Some((payload, hash))
    }

    /// The sum over some of the live bits, by the shorter way.
    pub(super) fn partial_sum(&self, mask: u64) -> u64 {
        let rest = self.mask & !mask;
        if rest.count_ones() < mask.count_ones() {
            self.sum.wrapping_sub(self.hashes(rest))
        } else {
            self.hashes(mask)
        }
    }

    /// The sum over some of the live bits, computed anew.
    pub(super) fn hashes(&self, mask: u64) -> u64 {
        let hashes = bits(mask).filter_map(|bit| Some(self.hash(bit, self.get(bit)?)));
        hashes.fold(0, u64::wrapping_add)
    }

    fn hash(&self, bit: u32, payload: &P) -> u64 {
        hash(first_counter(self.number) + u64::from(bit), payload)
    }
}

impl<P: Clone + Hash> Block<P> {
    /// Some of the live dots: a block of their own.
    pub(super) fn part(&self, mask: u64) -> Self {
        if mask == self.mask {
            return self.clone();
        }
        let mut payloads = SmallVec::with_capacity(mask.count_ones() as usize);
        payloads.extend(bits(mask).filter_map(|bit| self.get(bit).cloned()));
        Self { mask, sum: self.partial_sum(mask), payloads, ..*self }
    }
}

/// The hash of a payload under one counter, the same in every state of this process: blocks and
/// rows of different states are compared by their sums.
fn hash<P: Hash>(counter: u64, payload: &P) -> u64 {
    const SEEDED: ahash::RandomState = ahash::RandomState::with_seeds(
        0x9e37_79b9_7f4a_7c15,
        0xf39c_c060_5ced_c834,
        0x1082_276b_f3a2_7251,
        0xf86c_6a11_d0c1_8e95,
    );
    SEEDED.hash_one((counter, payload))
}

/// Where a live dot's payload is: a block's place and a bit, in 32 bits, so that an index entry
/// takes 4 bytes. Valid while the dot is alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Slot(u32);

impl Slot {
    /// The slot of no dot.
    pub(crate) const NONE: Self = Self(u32::MAX);

    fn new(at: u32, bit: u32) -> Self {
        Self(at * u64::BITS + bit)
    }

    const fn block(self) -> usize {
        self.at() as usize
    }

    /// The place of the block.
    pub(super) const fn at(self) -> u32 {
        self.0 / u64::BITS
    }

    pub(super) const fn bit(self) -> u32 {
        self.0 % u64::BITS
    }
}

/// All blocks of a kernel, each at a place that stays its own while it has live dots.
#[derive(Clone, Debug)]
pub(crate) struct Blocks<P> {
    blocks: SmallVec<[Block<P>; 1]>,
    free: Vec<u32>,
}

impl<P> Default for Blocks<P> {
    fn default() -> Self {
        Self { blocks: SmallVec::new(), free: Vec::new() }
    }
}

impl<P> Blocks<P> {
    pub(super) fn at(&self, at: u32) -> &Block<P> {
        &self.blocks[at as usize]
    }

    /// The payload of a live dot.
    pub(crate) fn get(&self, slot: Slot) -> Option<&P> {
        self.blocks.get(slot.block())?.get(slot.bit())
    }

    /// The live dot at a slot.
    pub(crate) fn dot(&self, slot: Slot) -> Dot {
        self.blocks[slot.block()].dot(slot.bit())
    }

    /// The slot of a bit in the block at `at`.
    pub(super) fn slot(at: u32, bit: u32) -> Slot {
        Slot::new(at, bit)
    }

    /// A place for the block `number` of `replica`, empty for now.
    ///
    /// # Panics
    ///
    /// At 2²⁶ blocks, each of which takes at least 64 bytes and an allocation: like running out
    /// of memory, which is what happens first.
    pub(super) fn open(&mut self, replica: ReplicaId, number: u64) -> u32 {
        self.push(Block { replica, number, mask: 0, sum: 0, payloads: smallvec![] })
    }

    pub(super) fn push(&mut self, block: Block<P>) -> u32 {
        if let Some(at) = self.free.pop() {
            self.blocks[at as usize] = block;
            return at;
        }
        assert!(
            (self.blocks.len() as u64) < BLOCKS_MAX,
            "a kernel holds fewer than 2^26 blocks of live dots"
        );
        self.blocks.push(block);
        #[allow(clippy::cast_possible_truncation)] // below 2²⁶
        let last = (self.blocks.len() - 1) as u32;
        last
    }

    /// Gives back the place of an empty block.
    pub(super) fn close(&mut self, at: u32) {
        self.blocks[at as usize].payloads = smallvec![];
        self.free.push(at);
    }

    #[cfg(any(test, feature = "laws"))]
    pub(super) fn len(&self) -> usize {
        self.blocks.len() - self.free.len()
    }
}

impl<P: Hash> Blocks<P> {
    /// What [`Block::insert`] does to the block at `at`.
    pub(super) fn insert(&mut self, at: u32, bit: u32, payload: P) -> u64 {
        self.blocks[at as usize].insert(bit, payload)
    }

    /// What [`Block::remove`] does to the block at `at`.
    pub(super) fn remove(&mut self, at: u32, bit: u32) -> Option<(P, u64)> {
        self.blocks[at as usize].remove(bit)
    }

    /// As [`open`](Self::open), with all its payloads at once: one for each bit of the mask.
    pub(super) fn open_with(
        &mut self,
        replica: ReplicaId,
        number: u64,
        mask: u64,
        payloads: impl Iterator<Item = P>,
    ) -> u32 {
        let mut block = Block { replica, number, mask, sum: 0, payloads: payloads.collect() };
        block.sum = block.hashes(mask);
        self.push(block)
    }
}
