//! [`EnableFlag`]: a flag that a concurrent enable wins.

use crate::{
    causal::{Digest, Dot, DotKernel},
    merge::{DeltaState, Merge},
    replica::{CounterOverflow, ReplicaId},
    wire::{DecodeError, Reader, Schema, Tag, Wire, Writer},
};
use smallvec::SmallVec;

/// A flag: of a concurrent enable and disable, the enable wins.
///
/// It is on if some enable is alive that no disable has seen. About 140 bytes for each replica
/// that enabled it concurrently; all operations O(that many).
///
/// Source: the enable-wins flag of riak\_dt, as an observed-remove set of one element.
///
/// # Examples
///
/// ```
/// use rejoin::{EnableFlag, Merge};
///
/// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
/// let mut ours = EnableFlag::new();
/// ours.enable(us)?;
/// let mut theirs = ours.clone();
/// ours.disable(us)?;
/// theirs.enable(eu)?;          // again, without having seen the disable
/// ours.merge(&theirs);
/// assert!(ours.is_enabled());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct EnableFlag {
    kernel: DotKernel<()>,
}

impl EnableFlag {
    /// A flag that is off. Allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether it is on. O(1).
    pub fn is_enabled(&self) -> bool {
        self.kernel.live_len() > 0
    }

    /// Turns it on; returns the delta.
    ///
    /// # Errors
    ///
    /// [`CounterOverflow`] if the replica has no write left; the flag is as it was.
    pub fn enable(&mut self, replica: ReplicaId) -> Result<DotKernel<()>, CounterOverflow> {
        let seen = self.dots();
        self.kernel.write((), &seen, replica)
    }

    /// Turns it off as far as this replica has seen; returns the delta, empty if it was off.
    ///
    /// # Errors
    ///
    /// [`CounterOverflow`] if the replica has no write left; the flag is as it was.
    pub fn disable(&mut self, replica: ReplicaId) -> Result<DotKernel<()>, CounterOverflow> {
        let seen = self.dots();
        self.kernel.erase(&seen, replica)
    }

    /// The kernel below: the enables that are alive, and all that was seen.
    pub fn kernel(&self) -> &DotKernel<()> {
        &self.kernel
    }

    fn dots(&self) -> SmallVec<[Dot; 2]> {
        self.kernel.iter().map(|(dot, ())| dot).collect()
    }

    /// Checks everything the flag relies on. For tests and fuzzers.
    ///
    /// # Errors
    ///
    /// Which invariant does not hold: always a bug in this crate.
    pub fn check_invariants(&self) -> Result<(), &'static str> {
        self.kernel.check_invariants()
    }
}

impl Merge for EnableFlag {
    fn merge(&mut self, other: &Self) -> bool {
        self.kernel.merge(&other.kernel)
    }
}

impl DeltaState for EnableFlag {
    type Delta = DotKernel<()>;
    type Version = Digest;

    fn version(&self) -> Digest {
        self.kernel.version()
    }

    fn delta_since(&self, peer: &Digest) -> DotKernel<()> {
        self.kernel.delta_since(peer)
    }

    fn apply(&mut self, delta: DotKernel<()>) -> bool {
        self.kernel.merge(&delta)
    }
}

/// As its kernel.
impl Wire for EnableFlag {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::EnableFlag);
    }

    fn encode(&self, out: &mut Writer) {
        self.kernel.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        DotKernel::decode(input).map(|kernel| Self { kernel })
    }
}

#[cfg(test)]
mod tests {
    use super::EnableFlag;
    use crate::{causal::Dot, replica::ReplicaId};

    #[test]
    fn a_broken_flag_is_found() {
        let mut flag = EnableFlag::default();
        assert_eq!(flag.check_invariants(), Ok(()));
        flag.kernel.put(Dot::of(ReplicaId::from_u128(1), 1), ());
        assert!(flag.check_invariants().is_err());
    }
}
