//! The join of two kernels: what it would do to each block, computed first and then done.

use super::{
    Dot, DotKernel,
    block::{Block, Blocks, bits},
    intervals::Intervals,
    page::Adopt,
    row::{Head, Row, find, within},
};
use crate::merge::Merge;
use core::{cmp::Ordering, hash::Hash};
use smallvec::SmallVec;

/// What a merge does to one dot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<'a, P> {
    /// The dot becomes alive here, with this payload.
    Came(Dot, &'a P),
    /// The dot was alive here, with this payload, and will be no longer.
    Went(Dot, &'a P),
}

/// What a join does to one block.
struct Step {
    number: u64,
    ours: Option<u32>,
    theirs: Option<u32>,
    drop: u64,
    take: u64,
    replace: u64,
}

impl Step {
    /// The live dots of ours that go.
    const fn going(&self) -> u64 {
        self.drop | self.replace
    }

    /// The live dots of theirs that come.
    const fn coming(&self) -> u64 {
        self.take | self.replace
    }
}

type Plan = SmallVec<[Step; 2]>;

/// Up to this many dots are joined one by one.
const FEW: u64 = 4;

impl<P: Clone + Ord + Hash> DotKernel<P> {
    /// Joins `other` and reports each dot that comes or goes, in the order of replicas and blocks.
    /// A payload that is replaced (one dot with two payloads) goes and comes. The reports are made
    /// before anything is changed. Costs as much as two merges.
    ///
    /// ```
    /// use rejoin::causal::{Change, DotKernel};
    ///
    /// let us = "us-east-1".parse()?;
    /// let mut ours = DotKernel::new();
    /// let delta = ours.write("hello", &[], us)?;
    /// let mut theirs = DotKernel::new();
    /// theirs.merge_reporting(&delta, |change| {
    ///     assert!(matches!(change, Change::Came(_, &"hello")));
    /// });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn merge_reporting(&mut self, other: &Self, report: impl FnMut(Change<'_, P>)) -> bool {
        self.preview(other, P::cmp, report);
        self.join(other, &mut ())
    }
}

impl<P: Hash> DotKernel<P> {
    /// The join; `true` if and only if something changed.
    pub(crate) fn join(&mut self, other: &Self, page: &mut impl Adopt<P>) -> bool {
        if other.context.has_at_most(FEW) {
            return self.join_dots(other, page);
        }
        self.open_lanes(&other.context);
        let mut changed = false;
        for (their_lane, (replica, their_seen)) in other.context.lanes.iter().enumerate() {
            // Whole states mostly know the same replicas.
            let same = self.context.lanes.get(their_lane).is_some_and(|lane| lane.0 == *replica);
            let lane = if same { their_lane } else { self.lane(*replica) };
            let order = |ours: &P, theirs: &P| page.order(ours, theirs);
            let plan = self.plan(Some(lane), other, their_lane, &order);
            changed |= !plan.is_empty();
            self.execute(lane, &plan, other, page);
            changed |= self.context.lanes[lane].1.union(their_seen);
        }
        changed
    }

    /// The join of a few dots, one by one: a plan of blocks would cost more than the join.
    fn join_dots(&mut self, other: &Self, page: &mut impl Adopt<P>) -> bool {
        let mut changed = false;
        for ((replica, counters), row) in other.context.lanes.iter().zip(&other.rows) {
            let lane = self.lane(*replica);
            for interval in counters.iter() {
                for counter in interval.first..=interval.last {
                    let slot = other.slot_in(row, counter);
                    let theirs = slot.and_then(|slot| other.blocks.get(slot));
                    changed |= self.join_dot(lane, counter, theirs, page);
                }
            }
        }
        changed
    }

    /// The join of one dot that the other side has seen, and holds or does not hold.
    fn join_dot(
        &mut self,
        lane: usize,
        counter: u64,
        theirs: Option<&P>,
        page: &mut impl Adopt<P>,
    ) -> bool {
        let is_new = self.context.lanes[lane].1.insert(counter, counter);
        let ours = if is_new { None } else { self.slot_in(&self.rows[lane], counter) };
        let goes = ours.is_some_and(|slot| {
            let pair = theirs.zip(self.blocks.get(slot));
            pair.is_none_or(|(theirs, ours)| page.order(ours, theirs).is_lt())
        });
        if let Some(slot) = ours.filter(|_| goes) {
            page.going(&self.blocks, slot);
            self.kill(slot);
        }
        if let Some(payload) = theirs.filter(|_| is_new || goes) {
            page.expect(&self.blocks, 1);
            let slot = self.put_in_lane(lane, counter, page.adopt(payload));
            page.came(&self.blocks, slot);
        }
        is_new || goes
    }

    /// Tells what a join would report, and joins nothing.
    pub(crate) fn preview(
        &self,
        other: &Self,
        order: impl Fn(&P, &P) -> Ordering,
        mut report: impl FnMut(Change<'_, P>),
    ) {
        for (their_lane, replica) in other.context.replicas().enumerate() {
            for step in self.plan(self.context.find(replica).ok(), other, their_lane, &order) {
                let ours = step.ours.map(|at| self.blocks.at(at));
                for (dot, payload) in ours.into_iter().flat_map(|it| it.some(step.going())) {
                    report(Change::Went(dot, payload));
                }
                let theirs = step.theirs.map(|at| other.blocks.at(at));
                for (dot, payload) in theirs.into_iter().flat_map(|it| it.some(step.coming())) {
                    report(Change::Came(dot, payload));
                }
            }
        }
    }

    /// The blocks of one replica that a join would change: only those that `other` has seen, so
    /// a delta costs what the delta is.
    fn plan(
        &self,
        lane: Option<usize>,
        other: &Self,
        their_lane: usize,
        order: &impl Fn(&P, &P) -> Ordering,
    ) -> Plan {
        let (nothing, no_row) = (Intervals::default(), Row::default());
        let (our_seen, our_row) = match lane {
            Some(lane) => (&self.context.lanes[lane].1, &self.rows[lane]),
            None => (&nothing, &no_row),
        };
        let (their_seen, their_row) = (&other.context.lanes[their_lane].1, &other.rows[their_lane]);
        let mut plan = Plan::new();
        // Two states of one set of dots, all with the same payloads: nothing comes, nothing goes.
        if our_row.sum == their_row.sum && our_seen == their_seen {
            return plan;
        }
        for (from, upto) in their_seen.block_ranges() {
            let mut ours = within(&our_row.heads, from, upto);
            let mut theirs = within(&their_row.heads, from, upto);
            loop {
                let pairs = ours.iter().zip(theirs);
                let agreeing = pairs.take_while(|(our, their)| {
                    let (ours, theirs) = (self.blocks.at(our.at), other.blocks.at(their.at));
                    our.number == their.number && ours.agrees_with(theirs)
                });
                let agreeing = agreeing.count();
                (ours, theirs) = (&ours[agreeing..], &theirs[agreeing..]);
                let Some((number, our, their)) = next_pair(&mut ours, &mut theirs) else { break };
                let our = our.map(|at| (at, self.blocks.at(at)));
                let their = their.map(|at| (at, other.blocks.at(at)));
                if let Some(step) = step(number, our, their, our_seen, their_seen, order) {
                    plan.push(step);
                }
            }
        }
        plan
    }

    fn execute(&mut self, lane: usize, plan: &Plan, other: &Self, page: &mut impl Adopt<P>) {
        let replica = self.context.lanes[lane].0;
        let arriving: u32 = plan.iter().map(|step| step.take.count_ones()).sum();
        page.expect(&self.blocks, arriving as usize);
        let mut opened = SmallVec::<[Head; 2]>::new();
        let mut emptied = SmallVec::<[u64; 2]>::new();
        let mut sum = self.rows[lane].sum;
        for step in plan {
            let at = step.ours.unwrap_or_else(|| {
                let at = self.blocks.open(replica, step.number);
                opened.push(Head { number: step.number, at });
                at
            });
            for bit in bits(step.going()) {
                page.going(&self.blocks, Blocks::<P>::slot(at, bit));
                let removed = self.blocks.remove(at, bit);
                sum = sum.wrapping_sub(removed.map_or(0, |removed| removed.1));
            }
            let theirs = step.theirs.map(|at| other.blocks.at(at));
            for bit in bits(step.coming()) {
                if let Some(payload) = theirs.and_then(|theirs| theirs.get(bit)) {
                    sum = sum.wrapping_add(self.blocks.insert(at, bit, page.adopt(payload)));
                    page.came(&self.blocks, Blocks::<P>::slot(at, bit));
                }
            }
            self.live += step.take.count_ones() as usize;
            self.live -= step.drop.count_ones() as usize;
            if self.blocks.at(at).mask() == 0 {
                emptied.push(step.number);
            }
        }
        self.rows[lane].sum = sum;
        self.close_blocks(lane, &emptied);
        self.rows[lane].list(&opened);
    }

    /// Takes empty blocks out of a row: a few one by one, more in one pass over the row.
    fn close_blocks(&mut self, lane: usize, numbers: &[u64]) {
        let (row, blocks) = (&mut self.rows[lane].heads, &mut self.blocks);
        if numbers.len() <= 4 {
            for at in numbers {
                if let Ok(found) = find(row, *at) {
                    blocks.close(row.remove(found).at);
                }
            }
            return;
        }
        row.retain(|head| {
            let keep = blocks.at(head.at).mask() != 0;
            if !keep {
                blocks.close(head.at);
            }
            keep
        });
    }
}

impl<P: Clone + Ord + Hash> Merge for DotKernel<P> {
    fn merge(&mut self, other: &Self) -> bool {
        self.join(other, &mut ())
    }

    fn merge_owned(&mut self, other: Self) -> bool {
        if self.context.is_empty() {
            *self = other;
            return !self.context.is_empty();
        }
        self.merge(&other)
    }
}

/// The next block number that either row has, and where each keeps it.
fn next_pair(ours: &mut &[Head], theirs: &mut &[Head]) -> Option<(u64, Option<u32>, Option<u32>)> {
    let order = match (ours.first(), theirs.first()) {
        (None, None) => return None,
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (Some(our), Some(their)) => our.number.cmp(&their.number),
    };
    let our = if order.is_le() { pop_first(ours) } else { None };
    let their = if order.is_ge() { pop_first(theirs) } else { None };
    let number = our.or(their)?.number;
    Some((number, our.map(|head| head.at), their.map(|head| head.at)))
}

fn pop_first(row: &mut &[Head]) -> Option<Head> {
    let (first, rest) = row.split_first()?;
    *row = rest;
    Some(*first)
}

/// What a join does to one block, if anything.
fn step<P: Hash>(
    number: u64,
    ours: Option<(u32, &Block<P>)>,
    theirs: Option<(u32, &Block<P>)>,
    our_seen: &Intervals,
    their_seen: &Intervals,
    order: &impl Fn(&P, &P) -> Ordering,
) -> Option<Step> {
    let (a, b) = (ours.map_or(0, |our| our.1.mask()), theirs.map_or(0, |their| their.1.mask()));
    let (mut drop, mut take) = (0, 0);
    if a != b {
        drop = a & !b & their_seen.mask(number);
        take = b & !a & !our_seen.mask(number);
    }
    let replace = match (ours, theirs) {
        (Some((_, ours)), Some((_, theirs))) if disagree(ours, theirs) => {
            greater(ours, theirs, order)
        }
        _ => 0,
    };
    let (ours, theirs) = (ours.map(|our| our.0), theirs.map(|their| their.0));
    let step = Step { number, ours, theirs, drop, take, replace };
    (drop | take | replace != 0).then_some(step)
}

/// Whether some dot that is alive in both blocks has two payloads, by their sums.
fn disagree<P: Hash>(ours: &Block<P>, theirs: &Block<P>) -> bool {
    let both = ours.mask() & theirs.mask();
    both != 0 && ours.partial_sum(both) != theirs.partial_sum(both)
}

/// The dots alive in both blocks whose payload is the greater in theirs.
fn greater<P>(ours: &Block<P>, theirs: &Block<P>, order: &impl Fn(&P, &P) -> Ordering) -> u64 {
    let is_greater = |&bit: &u32| match (ours.get(bit), theirs.get(bit)) {
        (Some(ours), Some(theirs)) => order(ours, theirs).is_lt(),
        _ => false,
    };
    bits(ours.mask() & theirs.mask()).filter(is_greater).fold(0, |mask, bit| mask | 1 << bit)
}
