//! [`Version`]: a summary of what a replica holds, without its content.

use crate::{
    causal::Digest,
    wire::{DecodeError, Reader, Schema, Tag, Wire, Writer},
};

/// A summary of what a set, a map, a register, a flag or a document holds, without its content:
/// what a peer needs to know to compute the smallest delta for it.
///
/// Send it where you would ask "what do I lack?"; the answer is
/// [`delta_since`](crate::DeltaState::delta_since). It tells what was seen and what is still alive,
/// so the answer is exact in whatever order earlier deltas arrived. (If two writers used one
/// replica id, merge whole states: a version does not tell what each of them wrote.)
///
/// The default version knows nothing: the delta since then is the whole state.
///
/// It takes 16 bytes for each run of consecutive writes of one replica that were seen, and for each
/// run of those that are alive: a state with many scattered removals has a large version. O(blocks
/// of 64 writes) to make.
///
/// Two versions that saw the same may still differ: one may lack a removal that the other has. Ask
/// [`covers`](Self::covers).
///
/// # Examples
///
/// ```
/// use rejoin::{DeltaState, OrSet, Version, wire};
///
/// let us = "us-east-1".parse()?;
/// let mut ours = OrSet::new();
/// ours.extend([1, 2, 3], us)?;
/// let theirs: OrSet<u64> = OrSet::new();
///
/// let question = wire::to_bytes(&theirs.version());              // sent to us ...
/// let version: Version = wire::from_bytes(&question)?;
/// assert_eq!(version, Version::default());
/// assert_eq!(ours.delta_since(&version).added().count(), 3);     // ... and the answer
/// assert!(ours.delta_since(&ours.version()).is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Version(pub(crate) Digest);

impl Version {
    /// Whether nothing was seen: the version of a state that was never written. O(1).
    ///
    /// ```
    /// use rejoin::{DeltaState, EnableFlag, Version};
    ///
    /// let mut flag = EnableFlag::new();
    /// assert!(flag.version().is_empty());
    /// flag.enable("us-east-1".parse()?)?;
    /// assert!(!flag.version().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.0.seen().is_empty()
    }

    /// Whether a replica at `other` holds nothing that one at `self` lacks: then there is nothing
    /// to ask it for. O(size of both).
    ///
    /// ```
    /// use rejoin::{DeltaState, OrSet};
    ///
    /// let us = "us-east-1".parse()?;
    /// let mut ours = OrSet::new();
    /// ours.insert("ana", us)?;
    /// let mut theirs = ours.clone();
    /// theirs.remove("ana", us)?;
    /// assert!(theirs.version().covers(&ours.version()));
    /// assert!(!ours.version().covers(&theirs.version()), "it lacks the removal");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn covers(&self, other: &Self) -> bool {
        self.0.covers(&other.0)
    }
}

/// The bytes of the digest inside, under a tag of its own.
impl Wire for Version {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::Version);
    }

    fn encode(&self, out: &mut Writer) {
        self.0.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Digest::decode(input).map(Self)
    }
}
