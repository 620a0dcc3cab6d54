//! [`EnableFlag`]: a flag that a concurrent enable wins.

use crate::{
    causal::{DotKernel, Observed, Slot, observed},
    error::WriteError,
    replica::ReplicaId,
};
use core::fmt;
use smallvec::SmallVec;

/// A flag. If one replica enables it while another disables it, the enable wins.
///
/// It is on if there is an enable that no disable has seen. It takes about 140 bytes for each
/// replica that enabled it concurrently; all operations are O(concurrent enables).
///
/// Source: the enable-wins flag of riak\_dt, as an observed-remove set of one element.
///
/// # Order, hash and serde
///
/// Flags are compared by `==` alone: equal means converged, not only that both are on. They have no
/// `Hash` and no order. The serde form lists for each replica which of its writes were seen, and
/// the enables that are still alive: `{"us-east-1": {"seen": [[1, 1]], "live": [[1, null]]}}`.
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
#[derive(Clone, Default)]
pub struct EnableFlag {
    state: Observed<()>,
}

/// What some writes did to an [`EnableFlag`]. Join several into one message, send it over anything,
/// and [`apply`](crate::DeltaState::apply) it there: in any order, any number of times.
///
/// # Examples
///
/// ```
/// use rejoin::{DeltaState, EnableFlag};
///
/// let us = "us-east-1".parse()?;
/// let (mut ours, mut theirs) = (EnableFlag::new(), EnableFlag::new());
/// let delta = ours.enable(us)?;
/// assert!(theirs.apply(&delta));
/// assert!(theirs.is_enabled());
/// assert!(!theirs.disable(us)?.is_empty(), "a remove is a write too");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct FlagDelta(DotKernel<()>);

observed!(EnableFlag and FlagDelta of <>);

impl EnableFlag {
    /// A flag that is off. Allocates nothing.
    ///
    /// ```
    /// assert!(!rejoin::EnableFlag::new().is_enabled());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether it is on. O(1).
    ///
    /// ```
    /// let mut flag = rejoin::EnableFlag::new();
    /// flag.enable("us-east-1".parse()?)?;
    /// assert!(flag.is_enabled());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_enabled(&self) -> bool {
        self.state.kernel().live_len() > 0
    }

    /// Turns it on; returns the delta. O(concurrent enables). Enabling it again is a write too, and
    /// wins over a concurrent disable.
    ///
    /// ```
    /// use rejoin::{DeltaState, EnableFlag};
    ///
    /// let (mut ours, mut theirs) = (EnableFlag::new(), EnableFlag::new());
    /// theirs.apply(&ours.enable("us-east-1".parse()?)?);
    /// assert_eq!(ours, theirs);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the replica has used up its 64-bit count; the flag is as it was.
    pub fn enable(&mut self, replica: ReplicaId) -> Result<FlagDelta, WriteError> {
        let seen = self.slots();
        self.state.write((), &seen, replica).map(FlagDelta)
    }

    /// Turns it off: removes the enables that this replica has seen. Returns the delta. If it is
    /// off already, nothing is written and the delta is empty. O(concurrent enables).
    ///
    /// ```
    /// let us = "us-east-1".parse()?;
    /// let mut flag = rejoin::EnableFlag::new();
    /// flag.enable(us)?;
    /// assert!(!flag.disable(us)?.is_empty());
    /// assert!(!flag.is_enabled());
    /// assert!(flag.disable(us)?.is_empty(), "it was off");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the replica has used up its 64-bit count; the flag is as it was.
    pub fn disable(&mut self, replica: ReplicaId) -> Result<FlagDelta, WriteError> {
        let seen = self.slots();
        self.state.erase(&seen, replica).map(FlagDelta)
    }

    fn slots(&self) -> SmallVec<[Slot; 2]> {
        self.state.kernel().slots().map(|(slot, ())| slot).collect()
    }
}

impl fmt::Debug for EnableFlag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EnableFlag").field(&self.is_enabled()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::EnableFlag;
    use crate::{
        causal::{Dot, DotKernel, Observed},
        replica::ReplicaId,
    };

    #[test]
    fn a_broken_flag_is_found() {
        assert_eq!(EnableFlag::default().state.check_invariants(), Ok(()));
        let mut kernel = DotKernel::new();
        kernel.put(Dot::of(ReplicaId::from_u128(1), 1), ());
        assert!(Observed::of(kernel, ()).check_invariants().is_err());
    }
}
