//! [`Digest`]: what a kernel holds, without its payloads; and the deltas computed from it.

use super::{CausalContext, DotKernel, block::Block, intervals::Intervals};
use crate::merge::{Delta, DeltaState, Merge};
use core::hash::Hash;

/// What a kernel holds, without its payloads: the dots seen, and which of them are alive.
///
/// Both, because what was seen alone does not tell what was removed: two replicas may have seen the
/// same dots and yet hold different ones, if deltas reached one of them out of causal order. With
/// both, [`delta_since`](DeltaState::delta_since) is exact and minimal, in whatever order deltas
/// arrived. (If a replica id was misused and one dot has two payloads, merge the states themselves:
/// a digest does not tell payloads apart.)
///
/// It takes 16 bytes for each run of consecutive counters that were seen, and for each run of those
/// that are alive: a state with many scattered removals has a large digest.
///
/// ```
/// use rejoin::{DeltaState, causal::DotKernel};
///
/// let us = "us-east-1".parse()?;
/// let mut kernel = DotKernel::new();
/// let dots: Vec<_> = kernel.write("draft", &[], us)?.iter().map(|write| write.0).collect();
/// kernel.erase(&dots, us)?;
/// let digest = kernel.version();
/// assert_eq!(digest.seen().intervals(us).collect::<Vec<_>>(), [1..=2]);
/// assert!(digest.live().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields, try_from = "form::Digest")
)]
pub struct Digest {
    seen: CausalContext,
    live: CausalContext,
}

impl Digest {
    /// Everything alive was seen.
    pub(super) fn new(seen: CausalContext, live: CausalContext) -> Self {
        Self { seen, live }
    }

    /// The dots seen. O(1). [The type](Self) has an example.
    pub fn seen(&self) -> &CausalContext {
        &self.seen
    }

    /// The dots alive. O(1). [The type](Self) has an example.
    pub fn live(&self) -> &CausalContext {
        &self.live
    }

    /// Whether a replica at `other` holds nothing that one at `self` lacks: no write, and no
    /// removal. O(size of both).
    ///
    /// ```
    /// use rejoin::{DeltaState, causal::DotKernel};
    ///
    /// let us = "us-east-1".parse()?;
    /// let mut kernel = DotKernel::new();
    /// let dots: Vec<_> = kernel.write("draft", &[], us)?.iter().map(|write| write.0).collect();
    /// let before = kernel.version();
    /// kernel.erase(&dots, us)?;
    /// assert!(kernel.version().covers(&before) && !before.covers(&kernel.version()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn covers(&self, other: &Self) -> bool {
        self.seen.covers(&other.seen) && self.live_seen_by(other).all(|it| it)
    }

    /// The greatest digest that both cover: what both have seen, where only that is dead which both
    /// know to be.
    pub(crate) fn meet(&self, other: &Self) -> Self {
        let seen = self.seen.meet(&other.seen);
        let mut live = self.live.meet(&seen);
        live.merge(&other.live.meet(&seen));
        Self { seen, live }
    }

    /// For each replica of which something is alive here, whether what `other` has seen of that is
    /// alive there.
    fn live_seen_by(&self, other: &Self) -> impl Iterator<Item = bool> {
        self.live.lanes.iter().map(|(replica, live)| {
            let Some(seen) = other.seen.lane(*replica) else { return true };
            let seen = live.intersection(seen);
            seen.is_empty() || other.live.lane(*replica).is_some_and(|live| live.covers(&seen))
        })
    }

    #[cfg(any(test, feature = "laws"))]
    pub(crate) fn check_invariants(&self) -> Result<(), &'static str> {
        self.seen.check_invariants()?;
        self.live.check_invariants()?;
        self.check_live()
    }

    /// Whether what is alive was seen.
    #[cfg(any(test, feature = "laws", feature = "serde"))]
    fn check_live(&self) -> Result<(), &'static str> {
        if self.seen.covers(&self.live) { Ok(()) } else { Err("a live dot was never seen") }
    }
}

/// The live counters of one replica's blocks.
pub(super) fn alive_in<'a, P: 'a>(blocks: impl Iterator<Item = (u64, &'a Block<P>)>) -> Intervals {
    let mut counters = Intervals::default();
    blocks.for_each(|(number, block)| counters.append_mask(number, block.mask()));
    counters
}

impl<P> DotKernel<P> {
    /// The live counters of each replica that has any. O(blocks): it lists what is alive.
    fn live_context(&self) -> CausalContext {
        let mut live = CausalContext::new();
        for (replica, blocks) in self.live_rows() {
            let counters = alive_in(blocks);
            if !counters.is_empty() {
                live.lanes.push((replica, counters));
            }
        }
        live
    }
}

impl<P> DotKernel<P> {
    /// What is held here.
    pub(crate) fn digest(&self) -> Digest {
        Digest { seen: self.context().clone(), live: self.live_context() }
    }

    /// What a delta to a peer has seen: the dots that the peer has not seen, and of those it has
    /// alive the ones that are seen and dead here.
    pub(crate) fn context_since(&self, peer: &Digest) -> CausalContext {
        let nothing = Intervals::default();
        let (seen, live) = (self.context(), self.live_context());
        let mut context = CausalContext::new();
        for (replica, ours) in &seen.lanes {
            let [peer_seen, live, peer_live] = [&peer.seen, &live, &peer.live]
                .map(|context| context.lane(*replica).unwrap_or(&nothing));
            let mut counters = ours.difference(peer_seen);
            // What the peer has alive is mostly less than what is dead here.
            counters.union(&ours.intersection(peer_live).difference(live));
            if !counters.is_empty() {
                context.lanes.push((*replica, counters));
            }
        }
        context
    }
}

impl<P: Clone + Ord + Hash> DeltaState for DotKernel<P> {
    type Delta = Self;
    type Version = Digest;

    fn version(&self) -> Digest {
        self.digest()
    }

    fn delta_since(&self, peer: &Digest) -> Self {
        self.part(self.context_since(peer))
    }

    fn apply(&mut self, delta: &Self) -> bool {
        self.merge(delta)
    }

    fn apply_owned(&mut self, delta: Self) -> bool {
        self.merge_owned(delta)
    }
}

impl<P: Clone + Ord + Hash> Delta for DotKernel<P> {
    fn is_empty(&self) -> bool {
        self.context().is_empty()
    }
}

impl<P: Hash> DotKernel<P> {
    /// A kernel from a context and live dots that it contains, each once.
    #[cfg(any(feature = "serde", test))]
    pub(crate) fn assemble(
        context: CausalContext,
        live: impl IntoIterator<Item = (super::Dot, P)>,
    ) -> Self {
        let mut kernel = Self::with_context(context);
        for (dot, payload) in live {
            kernel.put(dot, payload);
        }
        kernel
    }
}

#[cfg(feature = "serde")]
mod form {
    use super::CausalContext;

    /// A digest as it is read, not checked yet.
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Digest {
        seen: CausalContext,
        live: CausalContext,
    }

    impl TryFrom<Digest> for super::Digest {
        type Error = &'static str;

        fn try_from(form: Digest) -> Result<Self, &'static str> {
            let digest = Self { seen: form.seen, live: form.live };
            digest.check_live().map(|()| digest)
        }
    }
}
