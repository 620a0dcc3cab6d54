//! [`LwwRegister`]: the write with the greatest stamp.
//!
//! Johnson and Thomas, *The Maintenance of Duplicate Databases* (RFC 677), 1975; with the
//! logical part of Kulkarni et al., *Logical Physical Clocks*, 2014, so that a later write wins
//! whatever the wall clocks say.

use crate::{
    merge::{DeltaState, Merge},
    replica::ReplicaId,
    time::{Now, Stamp, TimeError},
    wire::{DecodeError, Reader, Schema, Tag, Wire, Writer},
};

/// One value; of two concurrent writes the one with the greater (time, replica) stays, **and the
/// other is gone**. Where that must not happen, take an [`MvRegister`](super::MvRegister).
///
/// A write is stamped with the later of now and just after what it overwrites, so a write beats
/// everything its writer had seen, whatever the clocks say. Should two states hold different
/// values under one stamp (a replica id used by two writers), the greater value stays, on every
/// side: hence `T: Ord`.
///
/// The value and 32 bytes. All operations O(1).
///
/// # Examples
///
/// ```
/// use rejoin::{LwwRegister, Merge, Timestamp};
///
/// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
/// let at = Timestamp::from_millis;
/// let mut ours = LwwRegister::new();
/// ours.set("draft", us, at(1_000))?;
///
/// let mut theirs = ours.clone();
/// theirs.set("final", eu, at(400))?;       // a slow clock, but it had seen "draft"
/// ours.merge(&theirs);
/// assert_eq!(ours.get(), Some(&"final"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct LwwRegister<T> {
    write: Option<Write<T>>,
}

// The order of the fields is the order of the lattice: first the stamp, then the value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
struct Write<T> {
    #[cfg_attr(feature = "serde", serde(rename = "written"))]
    stamp: Stamp,
    value: T,
}

impl<T> Default for LwwRegister<T> {
    fn default() -> Self {
        Self { write: None }
    }
}

impl<T> LwwRegister<T> {
    /// A register that was never written: below every other.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of the last write, if there was one.
    pub fn get(&self) -> Option<&T> {
        self.write.as_ref().map(|write| &write.value)
    }

    /// When and by whom it was last written.
    pub fn stamp(&self) -> Option<Stamp> {
        self.write.as_ref().map(|write| write.stamp)
    }
}

impl<T: Ord + Clone> LwwRegister<T> {
    /// Writes `value`; returns the delta, which is the whole register.
    ///
    /// # Errors
    ///
    /// [`TimeError`] if the stamp would overflow or be further ahead of `now` than the limit that
    /// `now` carries; the register is as it was.
    pub fn set(
        &mut self,
        value: T,
        replica: ReplicaId,
        now: impl Into<Now>,
    ) -> Result<Self, TimeError> {
        let time = now.into().after(self.stamp().map(|stamp| stamp.time))?;
        self.write = Some(Write { stamp: Stamp { time, replica }, value });
        Ok(self.clone())
    }
}

impl<T: Ord + Clone> Merge for LwwRegister<T> {
    fn merge(&mut self, other: &Self) -> bool {
        let newer = other.write > self.write;
        if newer {
            self.write.clone_from(&other.write);
        }
        newer
    }

    fn merge_owned(&mut self, other: Self) -> bool {
        let newer = other.write > self.write;
        if newer {
            self.write = other.write;
        }
        newer
    }
}

/// A register is its own delta; its version is its stamp.
impl<T: Ord + Clone> DeltaState for LwwRegister<T> {
    type Delta = Self;
    type Version = Option<Stamp>;

    fn version(&self) -> Option<Stamp> {
        self.stamp()
    }

    /// Nothing for a peer at this stamp or a greater one. (Where a replica id was misused and
    /// equal stamps hold different values, merge the registers themselves.)
    fn delta_since(&self, peer: &Option<Stamp>) -> Self {
        if *peer >= self.stamp() { Self::new() } else { self.clone() }
    }

    fn apply(&mut self, delta: Self) -> bool {
        self.merge_owned(delta)
    }
}

/// Whether it was written; if so the stamp, and the value.
impl<T: Wire> Wire for LwwRegister<T> {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::LwwRegister);
        T::schema(schema);
    }

    fn encode(&self, out: &mut Writer) {
        self.write.is_some().encode(out);
        if let Some(Write { stamp, value }) = &self.write {
            stamp.encode(out);
            value.encode(out);
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if !bool::decode(input)? {
            return Ok(Self::new());
        }
        let stamp = Stamp::decode(input)?;
        Ok(Self { write: Some(Write { stamp, value: T::decode(input)? }) })
    }
}
