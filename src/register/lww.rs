//! [`LwwRegister`]: the write with the greatest stamp.
//!
//! Johnson and Thomas, *The Maintenance of Duplicate Databases* (RFC 677), 1975; with the
//! logical part of Kulkarni et al., *Logical Physical Clocks*, 2014, so that a later write wins
//! whatever the wall clocks say.

use crate::{
    error::WriteError,
    merge::{Delta, DeltaState, Merge},
    replica::ReplicaId,
    time::{Now, Stamp, Timestamp},
    wire::{DecodeError, Reader, Schema, Tag, Wire, Writer},
};

/// A register that keeps one value. If two writes are concurrent, the one with the greater (time,
/// replica) stays, **and the other is gone**. If that must not happen, use an
/// [`MvRegister`](super::MvRegister).
///
/// A write is stamped with the later of now and just after what it overwrites, so a write beats
/// everything its writer had seen, whatever the clocks say. If two states hold different values
/// under one stamp (two writers used one replica id), the greater value stays, on every side: hence
/// `T: Ord`.
///
/// # Stamps from the future
///
/// If what a write overwrites is stamped with the last possible time, or with one beyond the
/// [limit](crate::Timestamp::within) of the writer, the write cannot be stamped after it. It then
/// begins the next *epoch* and is stamped now. A later epoch beats every time of an earlier one,
/// even in a concurrent write. So a single stamp from the future freezes nothing. A forger can also
/// use up the 2⁶⁴ − 1 epochs. Only a check before the merge keeps that out:
///
/// ```
/// use rejoin::{LwwRegister, Merge, Timestamp};
/// # let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
/// # let mut theirs = LwwRegister::new();
/// # theirs.set("forged", eu, Timestamp::from_millis(u64::MAX))?;
/// # let mut ours = LwwRegister::new();
/// # ours.set("ours", us, Timestamp::from_millis(1))?;
/// let now = Timestamp::from_millis(1_717_236_600_000);
/// let latest = now.saturating_add(std::time::Duration::from_secs(300));
/// let is_sound = theirs.stamp().is_none_or(|stamp| stamp.time <= latest);
/// if is_sound && theirs.epoch() <= ours.epoch() {
///     ours.merge(&theirs);
/// }
/// assert_eq!(ours.get(), Some(&"ours"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The value and 56 bytes. All operations are O(1).
///
/// `<` is the order of merging: the greater of two registers stays. In serde it is
/// `{"written": {"time": 5, "replica": "us-east-1"}, "value": "open"}`, and `null` if it was never
/// written.
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
pub struct LwwRegister<T> {
    write: Option<Write<T>>,
}

/// The last epoch: one more could not be distinguished from a register that was never written,
/// which is the byte 0 where others write their epoch plus one.
const EPOCH_MAX: u64 = u64::MAX - 1;

// The order of the fields is the order of the lattice: first when, then the value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Write<T> {
    epoch: u64,
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
    ///
    /// ```
    /// assert_eq!(rejoin::LwwRegister::<u64>::new().get(), None);
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of the last write, if there was one.
    ///
    /// ```
    /// # let (us, now) = ("us-east-1".parse()?, rejoin::Timestamp::from_millis(1));
    /// let mut register = rejoin::LwwRegister::new();
    /// register.set("open", us, now)?;
    /// assert_eq!(register.get(), Some(&"open"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get(&self) -> Option<&T> {
        self.write.as_ref().map(|write| &write.value)
    }

    /// When and by whom it was last written.
    ///
    /// ```
    /// use rejoin::{LwwRegister, Stamp, Timestamp};
    /// let (replica, time) = ("us-east-1".parse()?, Timestamp::from_millis(7));
    /// let mut register = LwwRegister::new();
    /// register.set("open", replica, time)?;
    /// assert_eq!(register.stamp(), Some(Stamp { time, replica }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stamp(&self) -> Option<Stamp> {
        self.write.as_ref().map(|write| write.stamp)
    }

    /// How many times a write could not be stamped after what it overwrote: 0 unless a stamp was
    /// further in the future than the next writer's limit allowed.
    ///
    /// ```
    /// use rejoin::{LwwRegister, Timestamp};
    /// let us = "us-east-1".parse()?;
    /// let mut register = LwwRegister::new();
    /// register.set("from the end of time", us, Timestamp::from_millis(u64::MAX))?;
    /// register.set("now", us, Timestamp::from_millis(7))?;
    /// assert_eq!((register.get(), register.epoch()), (Some(&"now"), 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn epoch(&self) -> u64 {
        self.write.as_ref().map_or(0, |write| write.epoch)
    }
}

impl<T: Ord + Clone> LwwRegister<T> {
    /// Writes `value`; returns the delta, which is the whole register.
    ///
    /// ```
    /// use rejoin::{DeltaState, LwwRegister, Timestamp};
    /// let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(7));
    /// let (mut ours, mut theirs) = (LwwRegister::new(), LwwRegister::new());
    /// theirs.apply(&ours.set("open", us, now)?);
    /// assert_eq!(theirs.get(), Some(&"open"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the register bears the last stamp that `now` allows in the last epoch,
    /// which happens only to a forged one. The register is as it was.
    pub fn set(
        &mut self,
        value: T,
        replica: ReplicaId,
        now: impl Into<Now>,
    ) -> Result<Self, WriteError> {
        let now = now.into();
        let seen = self.stamp().map(|stamp| stamp.time);
        let (mut epoch, mut time) = (self.epoch(), now.after(seen));
        if seen.is_some_and(|seen| seen >= time) {
            epoch = (epoch < EPOCH_MAX).then_some(epoch + 1).ok_or(WriteError::stamp_overflow())?;
            time = now.time();
        }
        self.write = Some(Write { epoch, stamp: Stamp { time, replica }, value });
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

impl<T: Ord + Clone> Delta for LwwRegister<T> {
    fn is_empty(&self) -> bool {
        self.write.is_none()
    }

    fn latest(&self) -> Option<Timestamp> {
        self.stamp().map(|stamp| stamp.time)
    }
}

/// A register is its own delta; its version is the register without its value.
impl<T: Ord + Clone> DeltaState for LwwRegister<T> {
    type Delta = Self;
    type Version = LwwRegister<()>;

    fn version(&self) -> LwwRegister<()> {
        let when = |write: &Write<T>| Write { epoch: write.epoch, stamp: write.stamp, value: () };
        LwwRegister { write: self.write.as_ref().map(when) }
    }

    /// Nothing for a peer at this stamp or a greater one. (If a replica id was misused and equal
    /// stamps hold different values, merge the registers themselves.)
    fn delta_since(&self, peer: &LwwRegister<()>) -> Self {
        if *peer >= self.version() { Self::new() } else { self.clone() }
    }

    fn apply(&mut self, delta: &Self) -> bool {
        self.merge(delta)
    }

    fn apply_owned(&mut self, delta: Self) -> bool {
        self.merge_owned(delta)
    }
}

/// 0 if it was never written; otherwise its epoch plus one, the stamp, the value.
impl<T: Wire> Wire for LwwRegister<T> {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::LwwRegister);
        T::schema(schema);
    }

    fn encode(&self, out: &mut Writer) {
        let Some(Write { epoch, stamp, value }) = &self.write else { return out.varint(0) };
        out.varint(epoch + 1);
        stamp.encode(out);
        value.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let Some(epoch) = input.varint()?.checked_sub(1) else { return Ok(Self::new()) };
        let stamp = Stamp::decode(input)?;
        Ok(Self { write: Some(Write { epoch, stamp, value: T::decode(input)? }) })
    }
}

#[cfg(feature = "serde")]
mod form {
    use super::{EPOCH_MAX, LwwRegister, Stamp, Write};
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

    /// What people read: the epoch is left out if it is 0.
    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Readable<T> {
        #[serde(default, skip_serializing_if = "is_first")]
        epoch: u64,
        written: Stamp,
        value: T,
    }

    /// For formats that identify fields by their order.
    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Compact<T> {
        epoch: u64,
        written: Stamp,
        value: T,
    }

    #[allow(clippy::trivially_copy_pass_by_ref)] // as serde asks for it
    fn is_first(epoch: &u64) -> bool {
        *epoch == 0
    }

    impl<T: Serialize> Serialize for LwwRegister<T> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let write = self.write.as_ref().map(|it| (it.epoch, it.stamp, &it.value));
            if serializer.is_human_readable() {
                let form = |(epoch, written, value)| Readable { epoch, written, value };
                write.map(form).serialize(serializer)
            } else {
                let form = |(epoch, written, value)| Compact { epoch, written, value };
                write.map(form).serialize(serializer)
            }
        }
    }

    impl<'de, T: Deserialize<'de>> Deserialize<'de> for LwwRegister<T> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let read = if deserializer.is_human_readable() {
                let form = Option::<Readable<T>>::deserialize(deserializer)?;
                form.map(|it| (it.epoch, it.written, it.value))
            } else {
                let form = Option::<Compact<T>>::deserialize(deserializer)?;
                form.map(|it| (it.epoch, it.written, it.value))
            };
            if read.as_ref().is_some_and(|it| it.0 > EPOCH_MAX) {
                return Err(D::Error::custom("an epoch is past the last one"));
            }
            let write = read.map(|(epoch, stamp, value)| Write { epoch, stamp, value });
            Ok(Self { write })
        }
    }
}
