//! The iterators over what is alive in a kernel: [`Iter`], [`Payloads`] and [`Slots`].

use super::{
    Dot,
    block::{Block, Blocks, Slot},
    row::{Head, Row},
};
use core::{
    fmt,
    iter::{FlatMap, FusedIterator},
    slice,
};

type Heads<'a> =
    FlatMap<slice::Iter<'a, Row>, slice::Iter<'a, Head>, fn(&Row) -> slice::Iter<'_, Head>>;

/// The blocks with live dots and their places, by replica and number.
pub(super) struct LiveBlocks<'a, P> {
    heads: Heads<'a>,
    blocks: &'a Blocks<P>,
}

impl<P> Clone for LiveBlocks<'_, P> {
    fn clone(&self) -> Self {
        Self { heads: self.heads.clone(), blocks: self.blocks }
    }
}

impl<'a, P> LiveBlocks<'a, P> {
    pub(super) fn of(rows: &'a [Row], blocks: &'a Blocks<P>) -> Self {
        let heads: fn(&Row) -> slice::Iter<'_, Head> = |row| row.heads.iter();
        Self { heads: rows.iter().flat_map(heads), blocks }
    }
}

impl<'a, P> Iterator for LiveBlocks<'a, P> {
    type Item = (u32, &'a Block<P>);

    fn next(&mut self) -> Option<Self::Item> {
        self.heads.next().map(|head| (head.at, self.blocks.at(head.at)))
    }

    fn fold<B, F: FnMut(B, Self::Item) -> B>(self, first: B, mut fold: F) -> B {
        self.heads.fold(first, |all, head| fold(all, (head.at, self.blocks.at(head.at))))
    }
}

impl<P> DoubleEndedIterator for LiveBlocks<'_, P> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.heads.next_back().map(|head| (head.at, self.blocks.at(head.at)))
    }
}

/// The set bits of a mask, from both ends.
#[derive(Clone)]
struct Bits(u64);

impl Iterator for Bits {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let bit = (self.0 != 0).then(|| self.0.trailing_zeros())?;
        self.0 &= self.0 - 1;
        Some(bit)
    }
}

impl DoubleEndedIterator for Bits {
    fn next_back(&mut self) -> Option<u32> {
        let bit = self.0.checked_ilog2()?;
        self.0 &= !(1 << bit);
        Some(bit)
    }
}

/// What is alive in one block.
pub(super) struct InBlock<'a, P> {
    at: u32,
    block: &'a Block<P>,
    bits: Bits,
    payloads: slice::Iter<'a, P>,
}

impl<P> Clone for InBlock<'_, P> {
    fn clone(&self) -> Self {
        Self { bits: self.bits.clone(), payloads: self.payloads.clone(), ..*self }
    }
}

impl<'a, P> InBlock<'a, P> {
    fn of((at, block): (u32, &'a Block<P>)) -> Self {
        Self { at, block, bits: Bits(block.mask()), payloads: block.payloads().iter() }
    }
}

impl<'a, P> Iterator for InBlock<'a, P> {
    type Item = (Slot, &'a Block<P>, u32, &'a P);

    fn next(&mut self) -> Option<Self::Item> {
        let bit = self.bits.next()?;
        let payload = self.payloads.next()?;
        Some((Blocks::<P>::slot(self.at, bit), self.block, bit, payload))
    }
}

impl<P> DoubleEndedIterator for InBlock<'_, P> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let bit = self.bits.next_back()?;
        let payload = self.payloads.next_back()?;
        Some((Blocks::<P>::slot(self.at, bit), self.block, bit, payload))
    }
}

/// Live dots, block by block.
type Live<'a, P, I> = FlatMap<LiveBlocks<'a, P>, I, fn((u32, &'a Block<P>)) -> I>;

/// An iterator over all that is alive in a kernel, which tells how much is left.
macro_rules! live {
    ($(#[$doc:meta])* $visible:vis struct $name:ident over $part:ty, by $of:expr;
     $item:ty = |$found:pat_param| $make:expr) => {
        $(#[$doc])*
        $visible struct $name<'a, P> {
            live: Live<'a, P, $part>,
            left: usize,
        }

        impl<'a, P> $name<'a, P> {
            /// All of these blocks, in which this many dots are alive.
            pub(super) fn of(blocks: LiveBlocks<'a, P>, left: usize) -> Self {
                Self { live: blocks.flat_map($of), left }
            }
        }

        impl<P> Clone for $name<'_, P> {
            fn clone(&self) -> Self {
                Self { live: self.live.clone(), left: self.left }
            }
        }

        impl<'a, P> Iterator for $name<'a, P> {
            type Item = $item;

            fn next(&mut self) -> Option<$item> {
                let $found = self.live.next()?;
                self.left -= 1;
                Some($make)
            }

            fn size_hint(&self) -> (usize, Option<usize>) {
                (self.left, Some(self.left))
            }

            fn fold<B, F: FnMut(B, $item) -> B>(self, first: B, mut fold: F) -> B {
                self.live.fold(first, |all, $found| fold(all, $make))
            }
        }

        impl<P> DoubleEndedIterator for $name<'_, P> {
            fn next_back(&mut self) -> Option<Self::Item> {
                let $found = self.live.next_back()?;
                self.left -= 1;
                Some($make)
            }
        }

        impl<P> ExactSizeIterator for $name<'_, P> {}
        impl<P> FusedIterator for $name<'_, P> {}
    };
}

live! {
    /// The live dots of a kernel with their payloads, in order: see
    /// [`DotKernel::iter`](super::DotKernel::iter).
    pub struct Iter over InBlock<'a, P>, by InBlock::of as fn((u32, &'a Block<P>)) -> InBlock<'a, P>;
    (Dot, &'a P) = |(_, block, bit, payload)| (block.dot(bit), payload)
}

live! {
    /// The payloads that are alive in a kernel, in order: see
    /// [`DotKernel::payloads`](super::DotKernel::payloads).
    pub struct Payloads over slice::Iter<'a, P>, by |(_, block)| block.payloads().iter();
    &'a P = |payload| payload
}

live! {
    /// The slots of the live dots with their payloads, in order.
    pub(crate) struct Slots over InBlock<'a, P>, by InBlock::of as fn((u32, &'a Block<P>)) -> InBlock<'a, P>;
    (Slot, &'a P) = |(slot, _, _, payload)| (slot, payload)
}

impl<P: fmt::Debug> fmt::Debug for Iter<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.clone()).finish()
    }
}

impl<P: fmt::Debug> fmt::Debug for Payloads<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}
