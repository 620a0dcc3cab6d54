//! [`MvRegister`]: every write that no other has superseded.
//!
//! DeCandia et al., *Dynamo: Amazon's Highly Available Key-value Store*, 2007, §4.4, with dots
//! for its version vectors (Preguiça et al., *Dotted Version Vectors*, 2010).

use crate::{
    causal::{DotKernel, Observed, Payloads, Slot, observed},
    error::WriteError,
    iter::iterator,
    replica::ReplicaId,
};
use core::{fmt, hash::Hash};
use smallvec::SmallVec;

/// A register that loses nothing: it keeps each of several concurrent writes, as siblings, until a
/// write that has seen them.
///
/// No clock takes part: what supersedes what is decided by what each writer had seen. Use it where
/// a person or the application should decide. If the last write should win, use an
/// [`LwwRegister`](super::LwwRegister).
///
/// Each sibling costs its value and about 140 bytes; there are at most as many as replicas that
/// wrote concurrently. Write and merge are O(siblings).
///
/// # Order, hash and serde
///
/// Registers are compared by `==` alone: equal means converged, not only that both read alike. They
/// have no `Hash` and no order. The serde form lists for each replica which of its writes were
/// seen, and the siblings with their number: `{"us-east-1": {"seen": [[1, 2]], "live": [[2,
/// "open"]]}}`.
///
/// # Examples
///
/// ```
/// use rejoin::{Merge, MvRegister};
///
/// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
/// let mut ours = MvRegister::new();
/// ours.set("open", us)?;
/// let mut theirs = ours.clone();
/// ours.set("resolved", us)?;
/// theirs.set("escalated", eu)?;
///
/// ours.merge(&theirs);
/// assert_eq!(ours.values().collect::<Vec<_>>(), [&"escalated", &"resolved"]);
/// ours.set("resolved", us)?;                  // has seen both
/// assert_eq!(ours.get(), Some(&"resolved"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct MvRegister<T> {
    state: Observed<T>,
}

/// What some writes did to an [`MvRegister`]. Join several into one message, send it over anything,
/// and [`apply`](crate::DeltaState::apply) it there: in any order, any number of times.
///
/// # Examples
///
/// ```
/// use rejoin::{DeltaState, MvRegister};
///
/// let us = "us-east-1".parse()?;
/// let (mut ours, mut theirs) = (MvRegister::new(), MvRegister::new());
/// let delta = ours.set("open", us)?;
/// assert_eq!(delta.written().collect::<Vec<_>>(), [&"open"]);
/// assert!(theirs.apply(&delta));
/// assert_eq!(theirs.get(), Some(&"open"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct RegisterDelta<T>(DotKernel<T>);

observed!(MvRegister and RegisterDelta of <T>);

impl<T> Default for MvRegister<T> {
    fn default() -> Self {
        Self { state: Observed::default() }
    }
}

impl<T> MvRegister<T> {
    /// A register that was never written. Allocates nothing.
    ///
    /// ```
    /// assert_eq!(rejoin::MvRegister::<u64>::new().get(), None);
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// The siblings, by their writers' ids. There are none if the register was never written or was
    /// cleared, and one if no writes were concurrent. If concurrent writes wrote equal values, each
    /// is listed. O(1), and O(siblings) to walk.
    ///
    /// ```
    /// use rejoin::{Merge, MvRegister};
    ///
    /// let (mut ours, mut theirs) = (MvRegister::new(), MvRegister::new());
    /// ours.set("open", "us-east-1".parse()?)?;
    /// theirs.set("resolved", "eu-west-1".parse()?)?;
    /// ours.merge(&theirs);
    /// assert_eq!(ours.values().collect::<Vec<_>>(), [&"resolved", &"open"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn values(&self) -> Values<'_, T> {
        Values(self.state.kernel().payloads())
    }

    /// The value, if all siblings agree on it. `None` if there are no siblings **or if they
    /// differ**; [`values`](Self::values) tells the two apart. O(siblings).
    ///
    /// ```
    /// let mut register = rejoin::MvRegister::new();
    /// register.set("open", "us-east-1".parse()?)?;
    /// assert_eq!(register.get(), Some(&"open"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get(&self) -> Option<&T>
    where
        T: PartialEq,
    {
        let mut values = self.values();
        values.next().filter(|&first| values.all(|value| value == first))
    }

    fn slots(&self) -> SmallVec<[Slot; 2]> {
        self.state.kernel().slots().map(|(slot, _)| slot).collect()
    }
}

impl<T: Clone + Ord + Hash> MvRegister<T> {
    /// Writes `value` over all siblings seen here; returns the delta. O(siblings).
    ///
    /// ```
    /// use rejoin::{DeltaState, MvRegister};
    ///
    /// let (mut ours, mut theirs) = (MvRegister::new(), MvRegister::new());
    /// theirs.apply(&ours.set("open", "us-east-1".parse()?)?);
    /// assert_eq!(ours, theirs);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the replica has used up its 64-bit count; the register is as it was.
    pub fn set(&mut self, value: T, replica: ReplicaId) -> Result<RegisterDelta<T>, WriteError> {
        let seen = self.slots();
        self.state.write(value, &seen, replica).map(RegisterDelta)
    }

    /// Removes all siblings seen here; returns the delta. If there are none, nothing is written and
    /// the delta is empty. O(siblings).
    ///
    /// ```
    /// let us = "us-east-1".parse()?;
    /// let mut register = rejoin::MvRegister::new();
    /// register.set("open", us)?;
    /// register.clear(us)?;
    /// assert_eq!(register.values().len(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the replica has used up its 64-bit count; the register is as it was.
    pub fn clear(&mut self, replica: ReplicaId) -> Result<RegisterDelta<T>, WriteError> {
        let seen = self.slots();
        self.state.erase(&seen, replica).map(RegisterDelta)
    }
}

impl<T> RegisterDelta<T> {
    /// The values that it writes, by writer's id. O(1), and O(writes) to walk.
    ///
    /// ```
    /// let delta = rejoin::MvRegister::new().set("open", "us-east-1".parse()?)?;
    /// assert_eq!(delta.written().collect::<Vec<_>>(), [&"open"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn written(&self) -> Values<'_, T> {
        Values(self.0.payloads())
    }
}

/// The siblings of an [`MvRegister`], or the values of a [`RegisterDelta`]: see
/// [`MvRegister::values`].
pub struct Values<'a, T>(Payloads<'a, T>);

iterator!(Values<'a, T> of &'a T = |value| value);

impl<T: fmt::Debug> fmt::Debug for MvRegister<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MvRegister").field(&self.values()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::MvRegister;
    use crate::{
        causal::{Dot, DotKernel, Observed},
        replica::ReplicaId,
    };

    #[test]
    fn a_broken_register_is_found() {
        assert_eq!(MvRegister::<u8>::default().state.check_invariants(), Ok(()));
        let mut kernel = DotKernel::new();
        kernel.put(Dot::of(ReplicaId::from_u128(1), 1), 7_u8);
        assert!(Observed::of(kernel, ()).check_invariants().is_err());
    }
}
