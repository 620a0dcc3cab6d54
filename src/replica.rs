//! [`ReplicaId`]: who writes.

use alloc::{boxed::Box, string::String};
use core::{error::Error, fmt, str::FromStr};

/// The name of one writer: a region, a node, a device. 16 bytes, `Copy`, ordered by those bytes.
///
/// Made from a printable name of at most 16 bytes, from a UUID, from a `u128`, or from a longer
/// name by [`hashed`](Self::hashed). If it is a short name it prints as that name, otherwise as a
/// UUID; `parse` and `to_string` are exact inverses. In readable serde formats it is that text, in
/// others the 16 bytes.
///
/// # One writer per id
///
/// A replica id numbers its writes 1, 2, 3, … inside the states it writes to. **If two writers
/// share one id, or one writes again from an old backup, two writes get the same number, and one of
/// the two is lost.** Replicas still converge, but on less than was written. So:
///
/// - a region with one database row per state: load, edit and store under a row lock, or with a
///   compare-and-swap on the row's version, and retry the *edit* if the swap fails;
/// - a device or process that keeps its own state: a fresh id (a UUID) per installation;
/// - after restoring a backup: a fresh id, or merge the newest state of any peer before the
///   first write.
///
/// # Examples
///
/// ```
/// use rejoin::ReplicaId;
///
/// const US: ReplicaId = ReplicaId::named("us-east-1").unwrap();      // checked by the compiler
/// let region: ReplicaId = "us-east-1".parse()?;                      // or from a configuration
/// assert_eq!(region, US);
/// assert_eq!(region.to_string(), "us-east-1");
///
/// let device = ReplicaId::from_u128(0x67e5_5044_10b1_426f_9247_bb68_0e5f_e0c8);
/// assert_eq!(device.to_string(), "67e55044-10b1-426f-9247-bb680e5fe0c8");
/// assert_eq!(device.to_string().parse::<ReplicaId>()?, device);
///
/// let pod = ReplicaId::hashed("sessions-7f9c6d5b8-x2x4q.eu-west-1.internal");
/// assert_eq!(pod, ReplicaId::hashed("sessions-7f9c6d5b8-x2x4q.eu-west-1.internal"));
/// # Ok::<(), rejoin::ReplicaIdError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplicaId {
    // Two big-endian words: the order of the words is the order of the bytes, and the alignment
    // stays 8, so a clock entry takes 24 bytes and not 32.
    high: u64,
    low: u64,
}

impl ReplicaId {
    /// The id of a name of 1 to 16 bytes of printable ASCII without spaces; `None` for any other
    /// text. It is what `parse` makes of the name, in a constant.
    ///
    /// ```
    /// use rejoin::ReplicaId;
    /// const US: ReplicaId = ReplicaId::named("us-east-1").unwrap();
    /// assert_eq!("us-east-1".parse(), Ok(US));
    /// assert_eq!(ReplicaId::named("us east 1"), None);
    /// ```
    pub const fn named(name: &str) -> Option<Self> {
        let name = name.as_bytes();
        let mut bytes = [0; 16];
        if name.is_empty() || name.len() > bytes.len() {
            return None;
        }
        let mut at = 0;
        while at < name.len() {
            if !name[at].is_ascii_graphic() {
                return None;
            }
            bytes[at] = name[at];
            at += 1;
        }
        Some(Self::from_bytes(bytes))
    }

    /// The id with these 16 bytes, which may be those of a UUID.
    ///
    /// ```
    /// use rejoin::ReplicaId;
    /// let id = ReplicaId::from_bytes(*b"us-east-1\0\0\0\0\0\0\0");
    /// assert_eq!(id.to_string(), "us-east-1");
    /// ```
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self::from_u128(u128::from_be_bytes(bytes))
    }

    /// The id whose bytes are `id` in big-endian order, as `uuid::Uuid::as_u128` gives them.
    ///
    /// ```
    /// use rejoin::ReplicaId;
    /// let id = ReplicaId::from_u128(0x67e5_5044_10b1_426f_9247_bb68_0e5f_e0c8);
    /// assert_eq!(id.to_string(), "67e55044-10b1-426f-9247-bb680e5fe0c8");
    /// ```
    #[allow(clippy::cast_possible_truncation)] // splitting into halves
    pub const fn from_u128(id: u128) -> Self {
        Self { high: (id >> 64) as u64, low: id as u64 }
    }

    /// An id for a name of any length: FNV-1a over 128 bits, in the form of a version 8 UUID, so
    /// that it equals no short name. The same on every machine, forever. O(length).
    ///
    /// FNV is no defence against somebody who picks names in order to collide: hash names that
    /// you hand out yourself.
    ///
    /// ```
    /// use rejoin::ReplicaId;
    /// let pod = ReplicaId::hashed("sessions-7f9c6d5b8-x2x4q.eu-west-1.internal");
    /// assert_eq!(pod.to_string(), "b2291253-3d7b-8e3f-b881-7cc2a219a5c6");
    /// ```
    pub fn hashed(name: &str) -> Self {
        const VERSION_AND_VARIANT: u128 = 0xF000_C000_0000_0000_0000;
        const UUID_8: u128 = 0x8000_8000_0000_0000_0000;
        Self::from_u128(fnv1a(name.as_bytes()) & !VERSION_AND_VARIANT | UUID_8)
    }

    /// The 16 bytes.
    ///
    /// ```
    /// use rejoin::ReplicaId;
    /// assert_eq!(ReplicaId::from_bytes([7; 16]).to_bytes(), [7; 16]);
    /// ```
    pub const fn to_bytes(self) -> [u8; 16] {
        self.as_u128().to_be_bytes()
    }

    /// Zero if and only if both are the same: the bits in which they differ, laid over each other.
    pub(crate) const fn differs_from(self, other: Self) -> u64 {
        (self.high ^ other.high) | (self.low ^ other.low)
    }

    /// The 16 bytes as one big-endian number.
    ///
    /// ```
    /// assert_eq!(rejoin::ReplicaId::from_u128(7).as_u128(), 7);
    /// ```
    pub const fn as_u128(self) -> u128 {
        (self.high as u128) << 64 | self.low as u128
    }
}

/// FNV-1a, 128 bits (Fowler, Noll, Vo; draft-eastlake-fnv).
fn fnv1a(bytes: &[u8]) -> u128 {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    bytes.iter().fold(BASIS, |hash, &byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME))
}

/// The name that these bytes spell, if they spell one: printable ASCII, then zeros.
fn name_in(bytes: &[u8; 16]) -> Option<&str> {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    let (name, padding) = bytes.split_at(end);
    let printable = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    (printable && padding.iter().all(|&byte| byte == 0)).then(|| core::str::from_utf8(name).ok())?
}

impl fmt::Display for ReplicaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.to_bytes();
        if let Some(name) = name_in(&bytes) {
            return f.pad(name);
        }
        let mut text = [0; UUID_LEN];
        f.pad(uuid_text(&bytes, &mut text))
    }
}

impl fmt::Debug for ReplicaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

const UUID_LEN: usize = 36;

/// The places of a UUID's text that hold the two digits of each byte.
fn uuid_places() -> impl Iterator<Item = usize> {
    (0..16).map(|byte| {
        let hyphens = [4, 6, 8, 10].iter().filter(|&&start| byte >= start).count();
        byte * 2 + hyphens
    })
}

fn uuid_text<'a>(bytes: &[u8; 16], text: &'a mut [u8; UUID_LEN]) -> &'a str {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    text.fill(b'-');
    for (place, byte) in uuid_places().zip(bytes) {
        text[place] = DIGITS[usize::from(byte >> 4)];
        text[place + 1] = DIGITS[usize::from(byte & 15)];
    }
    core::str::from_utf8(text).unwrap_or_default()
}

fn parse_uuid(text: &str) -> Option<ReplicaId> {
    let digits: &[u8; UUID_LEN] = text.as_bytes().try_into().ok()?;
    let mut bytes = [0; 16];
    for (place, byte) in uuid_places().zip(&mut bytes) {
        let pair = core::str::from_utf8(&digits[place..place + 2]).ok()?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    // Printing again is the whole check: hyphens, lower case, and that no name spells these bytes.
    let mut canonical = [0; UUID_LEN];
    let exact = name_in(&bytes).is_none() && uuid_text(&bytes, &mut canonical) == text;
    exact.then(|| ReplicaId::from_bytes(bytes))
}

impl FromStr for ReplicaId {
    type Err = ReplicaIdError;

    fn from_str(text: &str) -> Result<Self, ReplicaIdError> {
        let id = if text.len() == UUID_LEN { parse_uuid(text) } else { Self::named(text) };
        id.ok_or_else(|| ReplicaIdError(Box::new((start_of(text), why_not(text)))))
    }
}

/// The part of a text that an error repeats.
fn start_of(text: &str) -> String {
    let mut start: String = text.chars().take(40).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    start
}

/// Why a text is not an id, and the way out.
fn why_not(text: &str) -> &'static str {
    match text.len() {
        0 => "it is empty",
        UUID_LEN => "36 bytes must be a UUID in lower case; for a long name use ReplicaId::hashed",
        17.. => "it is longer than 16 bytes; use ReplicaId::hashed",
        _ if text.contains(' ') => "it has a space; write '-' instead, or use ReplicaId::hashed",
        _ => "it has a character that is not printable ASCII; use ReplicaId::hashed",
    }
}

impl TryFrom<&str> for ReplicaId {
    type Error = ReplicaIdError;

    fn try_from(text: &str) -> Result<Self, ReplicaIdError> {
        text.parse()
    }
}

impl From<u128> for ReplicaId {
    fn from(id: u128) -> Self {
        Self::from_u128(id)
    }
}

impl From<[u8; 16]> for ReplicaId {
    fn from(bytes: [u8; 16]) -> Self {
        Self::from_bytes(bytes)
    }
}

/// Why a text is not a [`ReplicaId`]. It prints the text, the reason and the way out. The size of a
/// pointer.
///
/// ```
/// let error = "us east 1".parse::<rejoin::ReplicaId>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "\"us east 1\" is not a replica id: it has a space; write '-' instead, or use ReplicaId::hashed"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaIdError(Box<(String, &'static str)>);

impl fmt::Display for ReplicaIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, reason) = &*self.0;
        write!(f, "{text:?} is not a replica id: {reason}")
    }
}

impl Error for ReplicaIdError {}

#[cfg(feature = "serde")]
mod form {
    use super::ReplicaId;
    use alloc::borrow::Cow;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

    impl Serialize for ReplicaId {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            if serializer.is_human_readable() {
                serializer.collect_str(self)
            } else {
                self.to_bytes().serialize(serializer)
            }
        }
    }

    impl<'de> Deserialize<'de> for ReplicaId {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            if deserializer.is_human_readable() {
                let text = Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(D::Error::custom)
            } else {
                <[u8; 16]>::deserialize(deserializer).map(Self::from_bytes)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ReplicaId, fnv1a};

    #[test]
    fn ids_differ_in_no_bit_if_and_only_if_they_are_one() {
        let bits = [0, 1, 2, 3, 1 << 64, 1 << 64 | 1, 2 << 64, 2 << 64 | 2, 3 << 64 | 1, u128::MAX];
        for (one, other) in bits.iter().flat_map(|one| bits.map(|other| (*one, other))) {
            let differ = ReplicaId::from_u128(one).differs_from(ReplicaId::from_u128(other));
            assert_eq!(differ == 0, one == other, "{one:#x} and {other:#x}");
        }
    }

    #[test]
    fn fnv_agrees_with_its_published_vectors() {
        assert_eq!(fnv1a(b""), 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
        assert_eq!(fnv1a(b"a"), 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
        assert_eq!(fnv1a(b"foobar"), 0x343e_1662_793c_64bf_6f0d_3597_ba44_6f18);
    }
}
