//! [`ReplicaId`]: who writes.

use alloc::{boxed::Box, format, string::String};
use core::{
    cmp::Ordering,
    error::Error,
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

/// Who writes: the name of a region, a node or a device, and its incarnation. 32 bytes, `Copy`,
/// ordered by name and then by incarnation.
///
/// The name is a printable text of at most 28 bytes, or a UUID; a longer name is
/// [`hashed`](Self::hashed). It has no `#`, which stands before the incarnation: `us-east-1#3`. The
/// first life of a name is incarnation 0, and is printed without it: `us-east-1`. `parse` and
/// `to_string` are exact inverses. In all serde formats an id is that text.
///
/// # One writer per id
///
/// A replica id numbers its writes 1, 2, 3, … inside the states it writes to. **If two writers
/// share one id, or one writes again from an old copy, two writes get the same number, and one of
/// the two is lost.** Replicas still converge, but on less than was written. So:
///
/// - a region with one database row per state: load, edit and store under a row lock, or with a
///   compare-and-swap on the row's version, and retry the *edit* if the swap fails;
/// - a device or process that keeps its own state: a fresh id (a UUID) per installation;
/// - where the state may be older than what was sent, a [new incarnation](Self::with_incarnation):
///   after a backup was restored, after a failover to a copy that may lag behind, in a clone.
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
/// let restored = US.with_incarnation(1);
/// assert_eq!(restored.to_string(), "us-east-1#1");
/// assert_eq!("us-east-1#1".parse::<ReplicaId>()?, restored);
/// # Ok::<(), rejoin::ReplicaIdError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ReplicaId {
    // Big-endian words: the bytes of the name, and in the lower half of the last one the
    // incarnation. So their order is that of names and incarnations.
    words: [u64; 4],
}

/// How many bytes a name may have.
pub(crate) const NAME_MAX: usize = 28;

/// What stands between a name and an incarnation.
const HASH: u8 = b'#';

impl ReplicaId {
    /// The first life of a name of 1 to 28 bytes of printable ASCII, without spaces and `#`; `None`
    /// for any other text. It is what `parse` makes of the name, in a constant.
    ///
    /// ```
    /// use rejoin::ReplicaId;
    /// const US: ReplicaId = ReplicaId::named("us-east-1").unwrap();
    /// assert_eq!("us-east-1".parse(), Ok(US));
    /// assert_eq!(ReplicaId::named("us east 1"), None);
    /// ```
    pub const fn named(name: &str) -> Option<Self> {
        let name = name.as_bytes();
        let mut bytes = [0; NAME_MAX];
        if name.is_empty() || name.len() > bytes.len() {
            return None;
        }
        let mut at = 0;
        while at < name.len() {
            if !is_of_names(name[at]) {
                return None;
            }
            bytes[at] = name[at];
            at += 1;
        }
        Some(Self::of_name(bytes))
    }

    /// The first life of the UUID that has these 16 bytes. Where they are the bytes of a name and
    /// zeros after it, it is that name.
    ///
    /// ```
    /// use rejoin::ReplicaId;
    /// let id = ReplicaId::from_bytes(*b"us-east-1\0\0\0\0\0\0\0");
    /// assert_eq!(id.to_string(), "us-east-1");
    /// ```
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self::from_u128(u128::from_be_bytes(bytes))
    }

    /// The first life of the UUID whose bytes are `id` in big-endian order, as
    /// `uuid::Uuid::as_u128` gives them.
    ///
    /// ```
    /// use rejoin::ReplicaId;
    /// let id = ReplicaId::from_u128(0x67e5_5044_10b1_426f_9247_bb68_0e5f_e0c8);
    /// assert_eq!(id.to_string(), "67e55044-10b1-426f-9247-bb680e5fe0c8");
    /// ```
    #[allow(clippy::cast_possible_truncation)] // splitting into halves
    pub const fn from_u128(id: u128) -> Self {
        Self { words: [(id >> 64) as u64, id as u64, 0, 0] }
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

    /// Which life of its name this is: 0 for the first.
    ///
    /// ```
    /// use rejoin::ReplicaId;
    /// let us: ReplicaId = "us-east-1".parse()?;
    /// assert_eq!((us.incarnation(), us.with_incarnation(9).incarnation()), (0, 9));
    /// # Ok::<(), rejoin::ReplicaIdError>(())
    /// ```
    #[allow(clippy::cast_possible_truncation)] // the lower half
    pub const fn incarnation(self) -> u32 {
        self.words[3] as u32
    }

    /// Another life of the same name, which writes as another replica does. What its former lives
    /// wrote stays.
    ///
    /// A new life begins where a writer goes on from a state that may be older than what it sent to
    /// others. A number that grows by itself makes a good incarnation, such as the timeline of a
    /// `PostgreSQL` cluster; or one that is stored, and counted up before the first write.
    ///
    /// ```
    /// use rejoin::{Merge, OrSet, ReplicaId};
    ///
    /// let us: ReplicaId = "us-east-1".parse()?;
    /// let mut state = OrSet::new();
    /// state.insert("ana", us)?;
    /// let backup = state.clone();
    /// state.insert("bo", us)?;                    // and a peer hears of it
    /// let peer = state;
    ///
    /// let mut state = backup;                     // restored: "bo" is not known here
    /// state.insert("cy", us.with_incarnation(1))?;
    /// state.merge(&peer);
    /// assert_eq!(state.len(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn with_incarnation(self, incarnation: u32) -> Self {
        let [first, second, third, last] = self.words;
        Self { words: [first, second, third, last >> 32 << 32 | incarnation as u64] }
    }

    /// The first life of the name.
    pub(crate) const fn name(self) -> Self {
        self.with_incarnation(0)
    }

    /// The bytes of the name, and zeros after them.
    pub(crate) fn name_bytes(self) -> [u8; NAME_MAX] {
        let mut bytes = [0; NAME_MAX];
        for (bytes, word) in bytes.chunks_mut(8).zip(self.words) {
            bytes.copy_from_slice(&word.to_be_bytes()[..bytes.len()]);
        }
        bytes
    }

    /// How many bytes the name has, without the zeros after them.
    #[allow(clippy::cast_possible_truncation)] // at most 28
    pub(crate) const fn name_len(self) -> usize {
        let [first, second, third, last] = self.name().words;
        let (words, word) = match (second, third, last) {
            (0, 0, 0) => (1, first),
            (_, 0, 0) => (2, second),
            (_, _, 0) => (3, third),
            _ => (4, last),
        };
        words * 8 - word.trailing_zeros() as usize / 8
    }

    /// The first life of the name with these bytes, if it is one: 16 bytes may be any.
    #[inline]
    pub(crate) fn of_name_bytes(name: &[u8]) -> Option<Self> {
        let mut bytes = [0; NAME_MAX];
        bytes.get_mut(..name.len())?.copy_from_slice(name);
        let is_name = name.len() <= 16 || spelled(&bytes).is_some();
        is_name.then(|| {
            // As `of_name`, by words.
            let mut words = [0; 4];
            for (word, bytes) in words.iter_mut().zip(bytes.chunks(8)) {
                let mut whole = [0; 8];
                whole[..bytes.len()].copy_from_slice(bytes);
                *word = u64::from_be_bytes(whole);
            }
            Self { words }
        })
    }

    const fn of_name(bytes: [u8; NAME_MAX]) -> Self {
        let mut words = [0; 4];
        let mut at = 0;
        while at < NAME_MAX {
            words[at / 8] |= (bytes[at] as u64) << (56 - at % 8 * 8);
            at += 1;
        }
        Self { words }
    }

    /// Zero if and only if both are the same: the bits in which they differ, laid over each other.
    pub(crate) const fn differs_from(self, other: Self) -> u64 {
        let (ours, theirs) = (self.words, other.words);
        (ours[0] ^ theirs[0])
            | (ours[1] ^ theirs[1])
            | (ours[2] ^ theirs[2])
            | (ours[3] ^ theirs[3])
    }
}

impl Ord for ReplicaId {
    fn cmp(&self, other: &Self) -> Ordering {
        let tuple = |[first, second, third, last]: [u64; 4]| (first, second, third, last);
        tuple(self.words).cmp(&tuple(other.words))
    }
}

impl PartialOrd for ReplicaId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for ReplicaId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.words.iter().for_each(|word| state.write_u64(*word));
    }
}

/// FNV-1a, 128 bits (Fowler, Noll, Vo; draft-eastlake-fnv).
fn fnv1a(bytes: &[u8]) -> u128 {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    bytes.iter().fold(BASIS, |hash, &byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME))
}

/// Whether a name may have this byte.
const fn is_of_names(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != HASH
}

/// The name that these bytes spell, if they spell one: bytes of names, then zeros.
fn spelled(bytes: &[u8; NAME_MAX]) -> Option<&str> {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    let (name, padding) = bytes.split_at(end);
    let is_name = !name.is_empty() && name.iter().all(|byte| is_of_names(*byte));
    (is_name && padding.iter().all(|&byte| byte == 0)).then(|| core::str::from_utf8(name).ok())?
}

impl fmt::Display for ReplicaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bytes, mut uuid) = (self.name_bytes(), [0; UUID_LEN]);
        let name = spelled(&bytes).unwrap_or_else(|| uuid_text(&bytes, &mut uuid));
        if self.incarnation() == 0 {
            return f.pad(name);
        }
        f.pad(&format!("{name}#{}", self.incarnation()))
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

fn uuid_text<'a>(bytes: &[u8], text: &'a mut [u8; UUID_LEN]) -> &'a str {
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
    let (id, mut canonical) = (ReplicaId::from_bytes(bytes), [0; UUID_LEN]);
    let exact = spelled(&id.name_bytes()).is_none() && uuid_text(&bytes, &mut canonical) == text;
    exact.then_some(id)
}

/// The incarnation that a text spells, if it is one: not 0, which is not spelled.
fn parse_incarnation(digits: &str) -> Option<u32> {
    let exact = digits.bytes().all(|it| it.is_ascii_digit()) && !digits.starts_with('0');
    digits.parse().ok().filter(|_| exact)
}

impl FromStr for ReplicaId {
    type Err = ReplicaIdError;

    fn from_str(text: &str) -> Result<Self, ReplicaIdError> {
        let refuse = |why| ReplicaIdError(Box::new((start_of(text), why)));
        let (name, incarnation) = match text.split_once('#') {
            Some((name, digits)) => {
                let incarnation = parse_incarnation(digits);
                (name, incarnation.ok_or_else(|| refuse("after '#' comes a number from 1 on"))?)
            }
            None => (text, 0),
        };
        let id = if name.len() == UUID_LEN { parse_uuid(name) } else { Self::named(name) };
        let id = id.ok_or_else(|| refuse(why_not(name)))?;
        Ok(id.with_incarnation(incarnation))
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

/// Why a text is not a name, and the way out.
fn why_not(name: &str) -> &'static str {
    match name.len() {
        0 => "it has no name",
        UUID_LEN => "36 bytes must be a UUID in lower case; for a long name use ReplicaId::hashed",
        29.. => "its name is longer than 28 bytes; use ReplicaId::hashed",
        _ if name.contains(' ') => "it has a space; write '-' instead, or use ReplicaId::hashed",
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
            serializer.collect_str(self)
        }
    }

    impl<'de> Deserialize<'de> for ReplicaId {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let text = Cow::<'de, str>::deserialize(deserializer)?;
            text.parse().map_err(D::Error::custom)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{NAME_MAX, ReplicaId, fnv1a};
    use alloc::vec::Vec;
    use core::str;

    #[test]
    fn ids_differ_in_no_bit_if_and_only_if_they_are_one() {
        let bits = [0, 1, 2, 3, 1 << 64, 1 << 64 | 1, 2 << 64, 2 << 64 | 2, 3 << 64 | 1, u128::MAX];
        for (one, other) in bits.iter().flat_map(|one| bits.map(|other| (*one, other))) {
            let differ = ReplicaId::from_u128(one).differs_from(ReplicaId::from_u128(other));
            assert_eq!(differ == 0, one == other, "{one:#x} and {other:#x}");
        }
    }

    #[test]
    fn names_keep_their_bytes_at_every_length() {
        for len in 0..=NAME_MAX {
            let name: Vec<u8> = (0..len).map(|at| b'a' + at.to_le_bytes()[0]).collect();
            let id = ReplicaId::of_name_bytes(&name).map(|id| id.with_incarnation(7)).unwrap();
            assert_eq!((&id.name_bytes()[..len], id.name_len()), (&name[..], len));
            assert!(id.name_bytes()[len..].iter().all(|byte| *byte == 0));
            let text = str::from_utf8(&name).unwrap();
            assert_eq!(ReplicaId::named(text), Some(id.name()).filter(|_| len > 0));
        }
        assert_eq!(ReplicaId::of_name_bytes(&[b'a'; NAME_MAX + 1]), None);
        assert_eq!(ReplicaId::from_u128(1).name_len(), 16);
        assert_eq!(ReplicaId::from_u128(1 << 64).name_len(), 8);
    }

    #[test]
    fn fnv_agrees_with_its_published_vectors() {
        assert_eq!(fnv1a(b""), 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
        assert_eq!(fnv1a(b"a"), 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
        assert_eq!(fnv1a(b"foobar"), 0x343e_1662_793c_64bf_6f0d_3597_ba44_6f18);
    }
}
