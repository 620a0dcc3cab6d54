//! [`DotKernel`]: a causal context, and the dots in it that are still alive.

use super::{
    CausalContext, Dot,
    block::{Block, Blocks, Slot},
    intervals::{Intervals, place},
    iter::{Iter, LiveBlocks, Payloads, Slots},
    page::Page,
    row::{Head, Row, find, with_rows_of, within},
};
use crate::{error::WriteError, replica::ReplicaId, stats::Stats};
use core::{fmt, hash::Hash};
use smallvec::SmallVec;

/// A causal context and the dots in it that are alive, each with its payload: the state of
/// everything that removes, and also its delta.
///
/// A join keeps a dot if both sides hold it, or if one holds it and the other has never seen it;
/// a dot that one side has seen and no longer holds was removed, and goes. There are no
/// tombstones: a removed dot costs only its place in the context, which is nearly always inside an
/// interval.
///
/// Per replica, live dots lie in blocks of 64 consecutive counters: a mask, and the payloads
/// packed behind it. For one block, with `a` and `b` the masks and `seen_a` and `seen_b` the
/// contexts, the join is `drop = a & !b & seen_b` and `take = b & !a & !seen_a`.
///
/// - [`merge`](crate::Merge::merge): O(blocks of the smaller context's range + changes); blocks that
///   agree cost a comparison of two words.
/// - [`write`](Self::write), [`erase`](Self::erase): O(dots removed + log), whatever the size.
/// - Size: the payloads, and about 2 bytes a live dot where counters are dense.
///
/// If two states hold different payloads under one dot (two writers used one replica id), the
/// greater one stays, on every side: hence `P: Ord`. Such a difference is found by a 64-bit sum of
/// payload hashes per block, so payloads that differ must hash differently: a `Hash` that leaves
/// fields out hides the difference.
///
/// # Examples
///
/// ```
/// use rejoin::{causal::DotKernel, Merge};
///
/// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
/// let mut ours = DotKernel::new();
/// ours.write("draft", &[], us)?;
/// let mut theirs = ours.clone();
///
/// // Each side replaces what it sees; neither had seen the other's write.
/// let dots: Vec<_> = ours.iter().map(|(dot, _)| dot).collect();
/// let delta = ours.write("final", &dots, us)?;
/// theirs.write("approved", &dots, eu)?;
/// theirs.merge(&delta);
/// assert_eq!(theirs.iter().map(|(_, text)| *text).collect::<Vec<_>>(), ["approved", "final"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct DotKernel<P> {
    pub(super) context: CausalContext,
    /// For each lane of the context, in the same order: the blocks with live dots.
    pub(super) rows: SmallVec<[Row; 1]>,
    pub(super) blocks: Blocks<P>,
    pub(super) live: usize,
}

impl<'a, P> IntoIterator for &'a DotKernel<P> {
    type Item = (Dot, &'a P);
    type IntoIter = Iter<'a, P>;

    fn into_iter(self) -> Iter<'a, P> {
        self.iter()
    }
}

impl<P> Default for DotKernel<P> {
    fn default() -> Self {
        Self {
            context: CausalContext::default(),
            rows: SmallVec::new(),
            blocks: Blocks::default(),
            live: 0,
        }
    }
}

impl<P> DotKernel<P> {
    /// The kernel that has seen nothing. Allocates nothing.
    ///
    /// ```
    /// assert!(rejoin::causal::DotKernel::<u64>::new().is_empty());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Every dot ever seen, alive or not. O(1).
    ///
    /// ```
    /// let us = "us-east-1".parse()?;
    /// let mut kernel = rejoin::causal::DotKernel::new();
    /// kernel.write("draft", &[], us)?;
    /// assert_eq!(kernel.context().contiguous().get(us), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn context(&self) -> &CausalContext {
        &self.context
    }

    /// How many dots are alive. O(1).
    ///
    /// ```
    /// let mut kernel = rejoin::causal::DotKernel::new();
    /// kernel.write("draft", &[], "us-east-1".parse()?)?;
    /// assert_eq!(kernel.live_len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn live_len(&self) -> usize {
        self.live
    }

    /// Whether nothing was ever seen; for a delta, whether nothing was done. The delta of a remove
    /// is not empty, though nothing is alive in it. O(1).
    ///
    /// ```
    /// let us = "us-east-1".parse()?;
    /// let mut kernel = rejoin::causal::DotKernel::new();
    /// let dots: Vec<_> = kernel.write("draft", &[], us)?.iter().map(|write| write.0).collect();
    /// assert!(!kernel.erase(&dots, us)?.is_empty());
    /// assert!(kernel.erase(&dots, us)?.is_empty(), "nothing was alive");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.context.is_empty()
    }

    /// The payload of `dot`, if it is alive. O(log replicas + log blocks).
    ///
    /// ```
    /// use rejoin::causal::{Dot, DotKernel};
    /// let us = "us-east-1".parse()?;
    /// let mut kernel = DotKernel::new();
    /// kernel.write("draft", &[], us)?;
    /// assert_eq!(kernel.get(Dot::new(us, 1.try_into()?)), Some(&"draft"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get(&self, dot: Dot) -> Option<&P> {
        self.slot(dot).and_then(|slot| self.blocks.get(slot))
    }

    /// The live dots with their payloads, by replica and counter: the same order for equal
    /// kernels, whatever their history. O(1), and O(live) to walk. [The type](Self) has an example.
    pub fn iter(&self) -> Iter<'_, P> {
        Iter::of(LiveBlocks::of(&self.rows, &self.blocks), self.live)
    }

    /// What it is made of. O(replicas and gaps). [`Stats`](crate::Stats) has an example.
    pub fn stats(&self) -> Stats {
        Stats {
            replicas: self.context.lanes.len(),
            live: self.live,
            intervals: self.context.intervals_len(),
        }
    }

    /// The live payloads, in the order of [`iter`](Self::iter). O(1), and O(live) to walk.
    ///
    /// ```
    /// let mut kernel = rejoin::causal::DotKernel::new();
    /// kernel.write("draft", &[], "us-east-1".parse()?)?;
    /// assert_eq!(kernel.payloads().collect::<Vec<_>>(), [&"draft"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn payloads(&self) -> Payloads<'_, P> {
        Payloads::of(LiveBlocks::of(&self.rows, &self.blocks), self.live)
    }

    pub(crate) fn blocks(&self) -> &Blocks<P> {
        &self.blocks
    }

    /// The slots of all live dots with their payloads, in the order of [`iter`](Self::iter).
    pub(crate) fn slots(&self) -> Slots<'_, P> {
        Slots::of(LiveBlocks::of(&self.rows, &self.blocks), self.live)
    }

    /// The slot of a dot, if it is alive.
    pub(crate) fn slot(&self, dot: Dot) -> Option<Slot> {
        self.slot_in(&self.rows[self.context.find(dot.replica()).ok()?], dot.counter())
    }

    /// The slot of a counter of one row, if it is alive.
    pub(super) fn slot_in(&self, row: &Row, counter: u64) -> Option<Slot> {
        let (number, bit) = place(counter);
        let at = row.heads[find(&row.heads, number).ok()?].at;
        self.blocks.at(at).get(bit).map(|_| Blocks::<P>::slot(at, bit))
    }

    /// A kernel that has seen `context`, and holds nothing.
    pub(crate) fn with_context(context: CausalContext) -> Self {
        let mut kernel = Self::default();
        kernel.rows.resize_with(context.lanes.len(), Row::default);
        Self { context, ..kernel }
    }

    /// For each lane of the context, its blocks with their numbers.
    pub(super) fn live_rows(
        &self,
    ) -> impl Iterator<Item = (ReplicaId, impl Iterator<Item = (u64, &Block<P>)> + '_)> + '_ {
        self.context.lanes.iter().zip(&self.rows).map(|(lane, row)| {
            (lane.0, row.heads.iter().map(|head| (head.number, self.blocks.at(head.at))))
        })
    }

    /// The live dots that `context` has not seen, with their payloads. O(what it has not seen).
    pub(crate) fn unseen_by(&self, context: &CausalContext) -> impl Iterator<Item = (Dot, &P)> {
        let lanes = self.context.lanes.iter().zip(&self.rows);
        lanes.flat_map(|((replica, seen), row)| {
            let unseen = match context.lane(*replica) {
                Some(theirs) => seen.difference(theirs),
                None => seen.clone(),
            };
            self.live_within(row, &unseen)
        })
    }

    /// The last counter that `replica` has minted; 0 if none.
    pub(crate) fn minted(&self, replica: ReplicaId) -> u64 {
        self.context.lane(replica).map_or(0, Intervals::last)
    }

    /// The live dots of `replica` after `last`, with their payloads. O(what it minted since).
    pub(crate) fn live_after(&self, replica: ReplicaId, last: u64) -> SmallVec<[(Dot, &P); 4]> {
        let since = last.checked_add(1).map(|first| Intervals::of(first, u64::MAX));
        match (self.context.find(replica), since) {
            (Ok(lane), Some(since)) => self.live_within(&self.rows[lane], &since),
            _ => SmallVec::new(),
        }
    }

    /// The live dots of one row whose counters lie in `intervals`.
    fn live_within<'a>(
        &'a self,
        row: &'a Row,
        intervals: &Intervals,
    ) -> SmallVec<[(Dot, &'a P); 4]> {
        let mut live = SmallVec::new();
        for (from, upto) in intervals.block_ranges() {
            for head in within(&row.heads, from, upto) {
                let block = self.blocks.at(head.at);
                live.extend(block.some(intervals.mask(head.number)));
            }
        }
        live
    }

    #[cfg(any(test, feature = "laws"))]
    pub(crate) fn check_invariants(&self) -> Result<(), &'static str>
    where
        P: Hash,
    {
        let check = |holds: bool, broken| if holds { Ok(()) } else { Err(broken) };
        self.context.check_invariants()?;
        check(self.rows.len() == self.context.lanes.len(), "rows and lanes differ in number")?;
        let mut live = 0;
        for ((replica, seen), row) in self.context.lanes.iter().zip(&self.rows) {
            let sorted = row.heads.windows(2).all(|pair| pair[0].number < pair[1].number);
            check(sorted, "blocks are repeated or out of order")?;
            let mut sum = 0_u64;
            for head in &row.heads {
                let block = self.blocks.at(head.at);
                let mask = block.mask();
                check(mask != 0, "an empty block is kept")?;
                check(mask & !seen.mask(head.number) == 0, "a live dot was never seen")?;
                check(
                    block.payloads().len() == mask.count_ones() as usize,
                    "payloads and mask differ in number",
                )?;
                check(block.sum() == block.hashes(mask), "a block's sum is stale")?;
                sum = sum.wrapping_add(block.sum());
                let first = block.dot(mask.trailing_zeros());
                let home = (first.replica(), place(first.counter()).0);
                check(home == (*replica, head.number), "a block does not know its home")?;
                live += block.payloads().len();
            }
            check(sum == row.sum, "a row's sum is stale")?;
        }
        check(live == self.live, "the count of live dots is stale")?;
        let heads = self.rows.iter().map(|row| row.heads.len()).sum::<usize>();
        check(heads == self.blocks.len(), "a block is lost or listed twice")
    }
}

/// What changes one kernel: minting, putting and killing dots.
impl<P: Hash> DotKernel<P> {
    /// Mints the next dot of `replica`: seen from now on, and not alive.
    pub(crate) fn mint(&mut self, replica: ReplicaId) -> Result<Dot, WriteError> {
        let (_, counter) = self.mint_in_lane(replica)?;
        Ok(Dot::of(replica, counter))
    }

    /// The lane, and the counter minted in it.
    fn mint_in_lane(&mut self, replica: ReplicaId) -> Result<(usize, u64), WriteError> {
        let lane = self.lane(replica);
        let seen = &mut self.context.lanes[lane].1;
        let counter = seen.last().checked_add(1).ok_or(WriteError::counter_overflow(replica))?;
        seen.append(counter);
        Ok((lane, counter))
    }

    /// Makes a dot that was seen, and is not alive, alive.
    pub(crate) fn put(&mut self, dot: Dot, payload: P) -> Slot {
        let lane = self.lane(dot.replica());
        self.put_in_lane(lane, dot.counter(), payload)
    }

    /// The same, where the lane is known.
    pub(super) fn put_in_lane(&mut self, lane: usize, counter: u64, payload: P) -> Slot {
        let (number, bit) = place(counter);
        let row = &mut self.rows[lane];
        let at = match find(&row.heads, number) {
            Ok(found) => row.heads[found].at,
            Err(free) => {
                let at = self.blocks.open(self.context.lanes[lane].0, number);
                row.heads.insert(free, Head { number, at });
                at
            }
        };
        self.live += 1;
        row.sum = row.sum.wrapping_add(self.blocks.insert(at, bit, payload));
        Blocks::<P>::slot(at, bit)
    }

    /// Ends the life of a dot; its payload, if it was alive.
    pub(crate) fn kill(&mut self, slot: Slot) -> Option<P> {
        let (payload, hash) = self.blocks.remove(slot.at(), slot.bit())?;
        self.live -= 1;
        let block = self.blocks.at(slot.at());
        let row = &mut self.rows[self.context.find(block.replica()).ok()?];
        row.sum = row.sum.wrapping_sub(hash);
        if block.mask() == 0 {
            if let Ok(found) = find(&row.heads, block.number()) {
                row.heads.remove(found);
            }
            self.blocks.close(slot.at());
        }
        Some(payload)
    }

    /// Forgets the dots of `replica` after `last`; they must not be alive.
    pub(crate) fn unmint(&mut self, replica: ReplicaId, last: u64) {
        if let Ok(lane) = self.context.find(replica) {
            let seen = &mut self.context.lanes[lane].1;
            seen.truncate_after(last);
            if seen.is_empty() {
                self.context.lanes.remove(lane);
                self.rows.remove(lane);
            }
        }
    }

    /// Forgets dots that were seen; they must not be alive. The cost is that of having seen them.
    pub(crate) fn forget(&mut self, dots: &CausalContext) {
        for (replica, gone) in &dots.lanes {
            let Ok(lane) = self.context.find(*replica) else { continue };
            self.context.lanes[lane].1.subtract(gone);
        }
        let Self { context, rows, .. } = self;
        if context.lanes.iter().any(|lane| lane.1.is_empty()) {
            let mut lanes = context.lanes.iter();
            rows.retain(|_| lanes.next().is_some_and(|lane| !lane.1.is_empty()));
            context.lanes.retain(|lane| !lane.1.is_empty());
        }
    }

    /// The lane of `replica`, made if need be; the caller fills it.
    pub(super) fn lane(&mut self, replica: ReplicaId) -> usize {
        self.context.find(replica).unwrap_or_else(|free| {
            self.context.lanes.insert(free, (replica, Intervals::default()));
            self.rows.insert(free, Row::default());
            free
        })
    }

    /// Makes a lane for each replica of `other` that has none: one pass however many are new.
    pub(super) fn open_lanes(&mut self, other: &CausalContext) {
        let known = &self.context;
        if known.replicas().eq(other.replicas()) {
            return;
        }
        let mut missing = other.replicas().filter(|replica| known.find(*replica).is_err());
        let Some(first) = missing.next() else { return };
        let missing: SmallVec<[ReplicaId; 1]> = missing.collect();
        if missing.is_empty() {
            self.lane(first);
        } else {
            let missing = [first].into_iter().chain(missing);
            with_rows_of(self.context.replicas(), &mut self.rows, missing);
            self.context.open_lanes(other);
        }
    }
}

impl<P: Clone + Ord + Hash> DotKernel<P> {
    /// Writes `payload` under a new dot of `replica`, in place of the dots in `over` that are still
    /// alive; returns the delta. O(dots in `over` + log). [The type](Self) has an example.
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the replica has used up its 64-bit count; the kernel is as it was.
    pub fn write(
        &mut self,
        payload: P,
        over: &[Dot],
        replica: ReplicaId,
    ) -> Result<Self, WriteError> {
        let over = self.slots_of(over);
        self.commit_one(Some(payload), &over, replica, &mut ())
    }

    /// Removes those of the dots in `over` that are alive; returns the delta. A remove mints a dot
    /// too, which is never alive. If there is nothing to remove, nothing is minted and the delta is
    /// empty. O(dots in `over` + log).
    ///
    /// ```
    /// let us = "us-east-1".parse()?;
    /// let mut kernel = rejoin::causal::DotKernel::new();
    /// let dots: Vec<_> = kernel.write("draft", &[], us)?.iter().map(|write| write.0).collect();
    /// kernel.erase(&dots, us)?;
    /// assert_eq!(kernel.live_len(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the replica has used up its 64-bit count; the kernel is as it was.
    pub fn erase(&mut self, over: &[Dot], replica: ReplicaId) -> Result<Self, WriteError> {
        let over = self.slots_of(over);
        if over.is_empty() {
            return Ok(Self::new());
        }
        self.commit_one(None, &over, replica, &mut ())
    }

    /// The slots of those dots that are alive.
    fn slots_of(&self, dots: &[Dot]) -> SmallVec<[Slot; 2]> {
        dots.iter().filter_map(|&dot| self.slot(dot)).collect()
    }

    /// One write: mints a dot, kills those in `over` that are alive, puts the payload if there is
    /// one, and tells the page. The minted dot; those killed are added to `killed`.
    pub(crate) fn commit(
        &mut self,
        payload: Option<P>,
        over: &[Slot],
        replica: ReplicaId,
        page: &mut impl Page<P>,
        killed: &mut impl Extend<Dot>,
    ) -> Result<Dot, WriteError> {
        let (lane, counter) = self.mint_in_lane(replica)?;
        for &old in over {
            if self.blocks.get(old).is_some() {
                killed.extend([self.blocks.dot(old)]);
                page.going(&self.blocks, old);
                self.kill(old);
            }
        }
        if let Some(payload) = payload {
            let slot = self.put_in_lane(lane, counter, payload);
            page.came(&self.blocks, slot);
        }
        Ok(Dot::of(replica, counter))
    }

    /// One write, and its delta.
    pub(crate) fn commit_one(
        &mut self,
        payload: Option<P>,
        over: &[Slot],
        replica: ReplicaId,
        page: &mut impl Page<P>,
    ) -> Result<Self, WriteError> {
        let mut seen = SmallVec::<[Dot; 2]>::new();
        let copy = payload.clone();
        let dot = self.commit(payload, over, replica, page, &mut seen)?;
        let context = if seen.is_empty() {
            CausalContext::of(dot)
        } else {
            seen.into_iter().chain([dot]).collect()
        };
        let mut delta = Self::with_context(context);
        if let Some(payload) = copy {
            delta.put(dot, payload);
        }
        Ok(delta)
    }

    /// The delta of what `replica` has minted after `last` and of the dots it `killed`. O(that).
    pub(crate) fn delta_after(
        &self,
        replica: ReplicaId,
        last: u64,
        killed: impl Iterator<Item = Dot>,
    ) -> Self {
        self.part(self.context_after(replica, last, killed))
    }

    /// What is known here of the dots in `context`, all of which were seen. O(their blocks).
    pub(crate) fn part(&self, context: CausalContext) -> Self {
        let mut part = Self::with_context(context);
        for ((replica, seen), row) in part.context.lanes.iter().zip(&mut part.rows) {
            let Ok(lane) = self.context.find(*replica) else { continue };
            for (from, upto) in seen.block_ranges() {
                for head in within(&self.rows[lane].heads, from, upto) {
                    let block = self.blocks.at(head.at);
                    let mask = block.mask() & seen.mask(head.number);
                    if mask == 0 {
                        continue;
                    }
                    let block = block.part(mask);
                    row.sum = row.sum.wrapping_add(block.sum());
                    part.live += block.payloads().len();
                    row.heads.push(Head { number: head.number, at: part.blocks.push(block) });
                }
            }
        }
        part
    }
}

impl<P> DotKernel<P> {
    /// What `replica` has minted after `last`, and `killed`.
    pub(crate) fn context_after(
        &self,
        replica: ReplicaId,
        last: u64,
        killed: impl Iterator<Item = Dot>,
    ) -> CausalContext {
        let mut context: CausalContext = killed.collect();
        let minted = self.minted(replica);
        if minted > last {
            context.insert_all(replica, last + 1, minted);
        }
        context
    }
}

/// Equal means converged: the same dots seen, the same alive, with equal payloads.
impl<P: PartialEq> PartialEq for DotKernel<P> {
    fn eq(&self, other: &Self) -> bool {
        let numbers = |kernel: &Self| kernel.rows.iter().map(|row| row.heads.len()).sum::<usize>();
        self.live == other.live
            && self.context == other.context
            && numbers(self) == numbers(other)
            && LiveBlocks::of(&self.rows, &self.blocks)
                .zip(LiveBlocks::of(&other.rows, &other.blocks))
                .all(|(ours, theirs)| ours.1 == theirs.1)
    }
}

impl<P: Eq> Eq for DotKernel<P> {}

/// The context, and the live dots with their payloads.
impl<P: fmt::Debug> fmt::Debug for DotKernel<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.debug(f, "DotKernel")
    }
}

impl<P: fmt::Debug> DotKernel<P> {
    /// Prints it as a type of this name.
    pub(crate) fn debug(&self, f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
        f.debug_struct(name)
            .field("context", &self.context)
            .field("live", &self.iter())
            .finish_non_exhaustive()
    }
}
