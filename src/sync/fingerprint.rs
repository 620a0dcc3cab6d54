//! [`Fingerprint`]: 128 bits in place of a state, or of a whole table of them.

use crate::wire::{self, DecodeError, Reader, Schema, Tag, Wire, Writer};
use core::{
    error::Error,
    fmt::{self, Display},
    iter::Sum,
    ops::{Add, AddAssign, Sub, SubAssign},
    str::FromStr,
};
use siphasher::sip128::{Hasher128, SipHasher24};

/// 128 bits in place of a state: equal states have equal fingerprints, on every machine. 16 bytes,
/// `Copy`. It prints as 32 hexadecimal digits, and is that text in readable serde formats.
///
/// Of a table of keyed states, the fingerprint is the sum of [those of its rows](Self::keyed). A
/// database can add up a column of them, as two columns of 64-bit numbers whose overflow is
/// dropped: two ranges of keys hold the same if their sums are the same. A row that changes is
/// taken out of a sum and put back in.
///
/// # Limits
///
/// Two states that differ have one fingerprint by accident once in 2¹²⁸, and two of a million with
/// a probability of 10⁻²⁷. It is no signature: whoever chooses states in order to deceive can, with
/// work, find rows whose sums are the same, so that ranges look alike and are not synchronised.
/// They learn nothing, and change nothing, by that.
///
/// # Source
///
/// `SipHash`-2-4 with 128 bits (Aumasson and Bernstein, *`SipHash`: a fast short-input PRF*, 2012) of
/// the canonical bytes, without a key. Sums as multiset hashes: Clarke et al., *Incremental Multiset
/// Hash Functions*, 2003, §5.
///
/// # Examples
///
/// ```
/// use rejoin::{Merge, OrSet, sync::Fingerprint};
///
/// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
/// let mut ours: OrSet<String> = OrSet::new();
/// ours.insert("ana".into(), us)?;
/// let mut theirs = ours.clone();
/// theirs.insert("bo".into(), eu)?;
/// assert_ne!(Fingerprint::of(&ours), Fingerprint::of(&theirs));
/// ours.merge(&theirs);
/// assert_eq!(Fingerprint::of(&ours), Fingerprint::of(&theirs));
///
/// // A table, in whatever order its rows come.
/// let rows = [("chat-1", &ours), ("chat-2", &theirs)];
/// let row = |row: (&str, &OrSet<String>)| Fingerprint::of(row.1).keyed(row.0.as_bytes());
/// let table: Fingerprint = rows.into_iter().map(row).sum();
/// assert_eq!(table, rows.into_iter().rev().map(row).sum());
/// assert_eq!(table - row(rows[0]), row(rows[1]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint {
    high: u64,
    low: u64,
}

impl Fingerprint {
    /// Of a state, a delta or a version: of its [canonical bytes](crate::wire). O(size).
    ///
    /// Of a large set, map or document take that of its [`version`](crate::DeltaState::version):
    /// it costs O(blocks of 64 writes), and says the same as long as no two writers use one replica
    /// id. [The type](Self) has an example.
    pub fn of<T: Wire>(value: &T) -> Self {
        Self::of_bytes(&wire::to_bytes(value))
    }

    /// Of a state whose canonical bytes are at hand, as in a row. O(length).
    ///
    /// ```
    /// use rejoin::{PnCounter, sync::Fingerprint, wire};
    /// let counter = PnCounter::new();
    /// assert_eq!(Fingerprint::of_bytes(&wire::to_bytes(&counter)), Fingerprint::of(&counter));
    /// ```
    pub fn of_bytes(bytes: &[u8]) -> Self {
        let hash = SipHasher24::new().hash(bytes);
        Self { high: hash.h1, low: hash.h2 }
    }

    /// Of a row: of the state that has this fingerprint, under a key. O(length of the key). [The
    /// type](Self) has an example.
    #[must_use]
    pub fn keyed(self, key: &[u8]) -> Self {
        let mut hasher = SipHasher24::new_with_keys(self.high, self.low);
        core::hash::Hasher::write(&mut hasher, key);
        let hash = hasher.finish128();
        Self { high: hash.h1, low: hash.h2 }
    }

    /// The two numbers of which it consists, each of which is summed on its own.
    ///
    /// ```
    /// use rejoin::sync::Fingerprint;
    /// let state = Fingerprint::of(&7_u64);
    /// let (high, low) = state.to_parts();
    /// assert_eq!(Fingerprint::from_parts(high, low), state);
    /// ```
    pub const fn to_parts(self) -> (u64, u64) {
        (self.high, self.low)
    }

    /// The fingerprint that consists of these numbers. [`to_parts`](Self::to_parts) has an example.
    pub const fn from_parts(high: u64, low: u64) -> Self {
        Self { high, low }
    }
}

impl Add for Fingerprint {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { high: self.high.wrapping_add(other.high), low: self.low.wrapping_add(other.low) }
    }
}

impl Sub for Fingerprint {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { high: self.high.wrapping_sub(other.high), low: self.low.wrapping_sub(other.low) }
    }
}

impl AddAssign for Fingerprint {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Fingerprint {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

/// Of a set of rows; that of none is the default.
impl Sum for Fingerprint {
    fn sum<I: Iterator<Item = Self>>(rows: I) -> Self {
        rows.fold(Self::default(), Add::add)
    }
}

impl Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", self.high, self.low)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let is_digit = |digit: u8| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit);
        if text.len() != 32 || !text.bytes().all(is_digit) {
            return Err(FingerprintError(()));
        }
        let half = |digits: &str| u64::from_str_radix(digits, 16).map_err(|_| FingerprintError(()));
        let (high, low) = text.split_at(16);
        Ok(Self { high: half(high)?, low: half(low)? })
    }
}

/// A text is not a [`Fingerprint`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FingerprintError(());

impl Display for FingerprintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a fingerprint is 32 hexadecimal digits in lower case")
    }
}

impl Error for FingerprintError {}

/// 16 bytes, big-endian.
impl Wire for Fingerprint {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::Fingerprint);
    }

    fn encode(&self, out: &mut Writer) {
        out.bytes(&self.high.to_be_bytes());
        out.bytes(&self.low.to_be_bytes());
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut half = || -> Result<u64, DecodeError> {
            let bytes = input.bytes(8)?.try_into();
            Ok(bytes.map_or(0, u64::from_be_bytes))
        };
        Ok(Self { high: half()?, low: half()? })
    }
}

#[cfg(feature = "serde")]
mod form {
    use super::Fingerprint;
    use alloc::borrow::Cow;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

    impl Serialize for Fingerprint {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            if serializer.is_human_readable() {
                serializer.collect_str(self)
            } else {
                self.to_parts().serialize(serializer)
            }
        }
    }

    impl<'de> Deserialize<'de> for Fingerprint {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            if deserializer.is_human_readable() {
                let text = Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(D::Error::custom)
            } else {
                let (high, low) = <(u64, u64)>::deserialize(deserializer)?;
                Ok(Self::from_parts(high, low))
            }
        }
    }
}
