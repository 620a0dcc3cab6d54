//! The canonical bytes of contexts, digests and kernels.
//!
//! All three begin with the *lanes*: a table of replicas, and for each of them its counters. Each
//! counter was never seen, is dead, or is alive. They are written as runs from counter 1: how many
//! before the first that was seen, how many runs less one, and for each run its length less one,
//! doubled, with which of the two other states it is in as the lowest bit. So there is one
//! spelling, but for a run of unseen counters at the end, which is refused.

use super::{
    CausalContext, Digest, Dot, DotKernel,
    block::BLOCKS_MAX,
    digest::alive_in,
    intervals::{Interval, Intervals},
    row::Head,
};
use crate::{
    replica::ReplicaId,
    wire::{DecodeError, Reader, Schema, Tag, Wire, Writer},
};
use alloc::vec::Vec;
use core::hash::Hash;
use smallvec::SmallVec;

/// What is known of a run of counters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Unseen,
    Dead,
    Alive,
}

impl State {
    /// The state after this one that is written as a bit, clear or set.
    const fn next(self, bit: bool) -> Self {
        match (self, bit) {
            (Self::Unseen, false) | (Self::Alive, true) => Self::Dead,
            (Self::Unseen | Self::Dead, true) => Self::Alive,
            (Self::Dead | Self::Alive, false) => Self::Unseen,
        }
    }
}

/// The runs of one replica after the first that was seen, each but the first in another state than
/// the one before; how many counters come before it.
struct Runs {
    skipped: u64,
    runs: SmallVec<[(State, u64); 4]>,
}

impl Runs {
    fn of(seen: &Intervals, alive: &Intervals) -> Self {
        let mut runs = SmallVec::new();
        let mut alive = alive.iter();
        let mut upto = 0;
        for seen in seen.iter() {
            if upto > 0 {
                runs.push((State::Unseen, seen.first - upto - 1));
            }
            let mut next = Some(seen.first);
            while let Some((run, first)) =
                alive.peek().filter(|run| run.last <= seen.last).zip(next)
            {
                if run.first > first {
                    runs.push((State::Dead, run.first - first));
                }
                runs.push((State::Alive, run.last - run.first + 1));
                next = run.last.checked_add(1).filter(|next| *next <= seen.last);
                alive.next();
            }
            if let Some(first) = next {
                runs.push((State::Dead, seen.last - first + 1));
            }
            upto = seen.last;
        }
        Self { skipped: seen.iter().peek().map_or(0, |first| first.first - 1), runs }
    }

    fn encode(&self, out: &mut Writer) {
        out.varint(self.skipped);
        out.count(self.runs.len().saturating_sub(1));
        let mut before = State::Unseen;
        for &(state, len) in &self.runs {
            // A length may have all 64 bits.
            out.wide_varint(u128::from(len - 1) << 1 | u128::from(state == before.next(true)));
            before = state;
        }
    }
}

/// The counters of one replica as they are read: those seen, and those alive.
fn read_runs(input: &mut Reader<'_>) -> Result<(Intervals, Intervals), DecodeError> {
    let (mut seen, mut alive) = (Intervals::default(), Intervals::default());
    let mut last = input.varint()?;
    let runs = input.varint()?;
    input.spend(runs)?;
    let mut state = State::Unseen;
    for _ in 0..=runs {
        let run = input.wide_varint()?;
        state = state.next(run & 1 == 1);
        let end =
            u64::try_from(run >> 1).ok().and_then(|len| last.checked_add(len)?.checked_add(1));
        let end = end.ok_or_else(|| input.malformed("a counter exceeds 64 bits"))?;
        let run = Interval { first: last + 1, last: end };
        if state != State::Unseen {
            seen.append_interval(run);
        }
        if state == State::Alive {
            alive.append_interval(run);
        }
        last = end;
    }
    if state == State::Unseen {
        return Err(input.malformed("the last run of counters was never seen"));
    }
    Ok((seen, alive))
}

/// A context, and what is alive of each of its replicas.
pub(crate) struct Lanes {
    pub(crate) context: CausalContext,
    alive: SmallVec<[Intervals; 1]>,
}

impl Lanes {
    pub(crate) fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut lanes = Self { context: CausalContext::new(), alive: SmallVec::new() };
        for replica in input.replicas()? {
            lanes.context.lanes.push((replica, Intervals::default()));
        }
        for lane in &mut lanes.context.lanes {
            let (seen, alive) = read_runs(input)?;
            lane.1 = seen;
            lanes.alive.push(alive);
        }
        Ok(lanes)
    }

    /// How many dots are alive: entries, which count towards the limit.
    pub(crate) fn live_len(&self, input: &mut Reader<'_>) -> Result<usize, DecodeError> {
        let mut len = 0;
        for run in self.alive.iter().flat_map(Intervals::iter) {
            len += input.spend(run.last - run.first + 1)?;
        }
        let ranges = self.alive.iter().flat_map(Intervals::block_ranges);
        let blocks = ranges.fold(0, |sum: u64, (from, upto)| sum.saturating_add(upto - from + 1));
        if blocks > BLOCKS_MAX {
            return Err(input.malformed("more dots are alive than a kernel can hold"));
        }
        Ok(len)
    }

    /// The dots alive, in order.
    pub(crate) fn dots(&self) -> impl Iterator<Item = Dot> + '_ {
        let lanes = self.context.replicas().zip(&self.alive);
        lanes.flat_map(|(replica, alive)| {
            let counters = alive.iter().flat_map(|run| run.first..=run.last);
            counters.map(move |counter| Dot::of(replica, counter))
        })
    }
}

impl<P> DotKernel<P> {
    /// What is seen and what is alive.
    pub(crate) fn write_lanes(&self, out: &mut Writer) {
        let alive = self.live_rows().map(|(_, blocks)| alive_in(blocks));
        write_lanes(&self.context, alive, out);
    }
}

impl<P: Hash> DotKernel<P> {
    /// The kernel of these lanes, given the payload of each dot alive.
    fn of(lanes: Lanes, payloads: Vec<P>) -> Self {
        let mut kernel = Self::with_context(lanes.context);
        kernel.live = payloads.len();
        let mut payloads = payloads.into_iter();
        for ((replica, _), (row, alive)) in
            kernel.context.lanes.iter().zip(kernel.rows.iter_mut().zip(&lanes.alive))
        {
            for number in alive.block_ranges().flat_map(|(from, upto)| from..=upto) {
                let mask = alive.mask(number);
                let some = payloads.by_ref().take(mask.count_ones() as usize);
                let at = kernel.blocks.open_with(*replica, number, mask, some);
                row.sum = row.sum.wrapping_add(kernel.blocks.at(at).sum());
                row.heads.push(Head { number, at });
            }
        }
        kernel
    }
}

/// The lanes of a context, with what is alive in each.
fn write_lanes(context: &CausalContext, alive: impl Iterator<Item = Intervals>, out: &mut Writer) {
    out.count(context.lanes.len());
    context.lanes.iter().for_each(|lane| lane.0.encode(out));
    for ((_, seen), alive) in context.lanes.iter().zip(alive) {
        Runs::of(seen, &alive).encode(out);
    }
}

/// The lanes, and a column of the payloads.
impl<P: Wire + Hash> Wire for DotKernel<P> {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::DotKernel);
        P::schema(schema);
    }

    fn encode(&self, out: &mut Writer) {
        self.write_lanes(out);
        P::encode_column(self.payloads(), out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let lanes = Lanes::read(input)?;
        let payloads = P::decode_column(lanes.live_len(input)?, input)?;
        Ok(Self::of(lanes, payloads))
    }
}

/// The lanes, without payloads.
impl Wire for Digest {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::Digest);
    }

    fn encode(&self, out: &mut Writer) {
        let alive = self.seen().replicas().map(|replica| self.live().lane(replica).cloned());
        write_lanes(self.seen(), alive.map(Option::unwrap_or_default), out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let Lanes { context, alive } = Lanes::read(input)?;
        let live = context.replicas().zip(alive).filter(|lane| !lane.1.is_empty()).collect();
        Ok(Self::new(context, CausalContext { lanes: live }))
    }
}

/// The lanes, with nothing alive.
impl Wire for CausalContext {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::CausalContext);
    }

    fn encode(&self, out: &mut Writer) {
        write_lanes(self, self.lanes.iter().map(|_| Intervals::default()), out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let lanes = Lanes::read(input)?;
        if lanes.alive.iter().any(|alive| !alive.is_empty()) {
            return Err(input.malformed("a context holds live dots"));
        }
        Ok(lanes.context)
    }
}

/// The counter less one.
impl Wire for Dot {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::Dot);
    }

    fn encode(&self, out: &mut Writer) {
        self.replica().encode(out);
        out.varint(self.counter() - 1);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let replica = ReplicaId::decode(input)?;
        let counter = input.varint()?.checked_add(1);
        let counter = counter.ok_or_else(|| input.malformed("a counter exceeds 64 bits"))?;
        Ok(Self::of(replica, counter))
    }
}

#[cfg(test)]
mod tests {
    use super::{BLOCKS_MAX, CausalContext, Intervals, Lanes};
    use crate::wire::{Limits, Reader};

    /// The first block begins at counter 1, so it is one short of 64.
    #[test]
    fn as_many_blocks_are_read_as_a_kernel_holds() {
        let live_len = |last| {
            let alive = [Intervals::of(1, last)].into_iter().collect();
            let lanes = Lanes { context: CausalContext::new(), alive };
            lanes.live_len(&mut Reader::new(&[], &Limits::default().entries(usize::MAX))?)
        };
        let most = BLOCKS_MAX * 64 - 1;
        assert_eq!(live_len(most).ok(), usize::try_from(most).ok());
        assert!(live_len(most + 1).is_err());
    }
}
