//! [`Reader`]: reads values from bytes.

use super::{
    Limits,
    error::{DecodeError, Reason},
    older::Counts,
};
use crate::replica::ReplicaId;
use core::any::type_name;
use smallvec::SmallVec;

/// Set in the length of a replica's name if an incarnation follows it.
pub(super) const REBORN: usize = 32;

/// The bits of a number that nine bytes spell.
const SEPTETS: u32 = 63;

/// Reads values from bytes, front to back, within [`Limits`]. [`Wire`](super::Wire) has an example.
#[derive(Debug)]
pub struct Reader<'a> {
    all: &'a [u8],
    at: usize,
    limits: Limits,
    /// How many more entries may be read.
    entries: usize,
    /// How many values are being read, each within the one before.
    levels: usize,
    /// The structs that may lack fields, if one does.
    pub(super) older: Counts,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        if bytes.len() > limits.bytes {
            return Err(DecodeError::new(0, Reason::Limit("bytes", limits.bytes)));
        }
        let (entries, older) = (limits.entries, Counts::new());
        Ok(Self { all: bytes, at: 0, limits: *limits, entries, levels: 0, older })
    }

    /// The offset of the next byte.
    pub const fn offset(&self) -> usize {
        self.at
    }

    /// What has not been read yet.
    pub fn rest(&self) -> &'a [u8] {
        &self.all[self.at..]
    }

    /// The error for bytes just read that are no value; `why` gives the reason in a few words.
    #[cold]
    pub fn malformed(&self, why: &'static str) -> DecodeError {
        self.refuse(Reason::Malformed(why))
    }

    #[cold]
    pub(super) fn refuse(&self, reason: Reason) -> DecodeError {
        DecodeError::new(self.at, reason)
    }

    #[cold]
    fn truncated(&self) -> DecodeError {
        DecodeError::new(self.all.len(), Reason::Truncated)
    }

    /// The next byte.
    ///
    /// # Errors
    ///
    /// Fails if no byte is left.
    #[inline]
    pub fn byte(&mut self) -> Result<u8, DecodeError> {
        let byte = *self.all.get(self.at).ok_or_else(|| self.truncated())?;
        self.at += 1;
        Ok(byte)
    }

    /// The next `len` bytes.
    ///
    /// # Errors
    ///
    /// Fails if fewer bytes are left.
    #[inline]
    pub fn bytes(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let (bytes, _) = self.rest().split_at_checked(len).ok_or_else(|| self.truncated())?;
        self.at += len;
        Ok(bytes)
    }

    /// A number as [`Writer::varint`](super::Writer::varint) writes it.
    ///
    /// # Errors
    ///
    /// Fails if the number ends early, takes more bytes than it needs, or exceeds 64 bits.
    #[inline]
    pub fn varint(&mut self) -> Result<u64, DecodeError> {
        if let Some(&byte @ 0..0x80) = self.all.get(self.at) {
            self.at += 1;
            return Ok(byte.into());
        }
        let (low, ended) = self.septets()?;
        if ended {
            return Ok(low);
        }
        let wide = self.wider_varint(low)?;
        wide.try_into().map_err(|_| self.malformed("a number exceeds 64 bits"))
    }

    /// The same for up to 126 bits.
    pub(crate) fn wide_varint(&mut self) -> Result<u128, DecodeError> {
        let (low, ended) = self.septets()?;
        if ended {
            return Ok(low.into());
        }
        self.wider_varint(low)
    }

    /// The rest of a number that did not end with its low 63 bits.
    #[cold]
    fn wider_varint(&mut self, low: u64) -> Result<u128, DecodeError> {
        let (high, ended) = self.septets()?;
        if !ended {
            return Err(self.malformed("a number has no end"));
        }
        if high == 0 {
            return Err(self.malformed("a number takes more bytes than it needs"));
        }
        Ok(u128::from(high) << SEPTETS | u128::from(low))
    }

    /// Up to 63 bits of a number, and whether it ended with them.
    fn septets(&mut self) -> Result<(u64, bool), DecodeError> {
        let mut number = 0;
        for shift in (0..SEPTETS).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                if byte == 0 && shift > 0 {
                    return Err(self.malformed("a number takes more bytes than it needs"));
                }
                return Ok((number, true));
            }
        }
        Ok((number, false))
    }

    /// Reads how many of something follow. Each counts as an entry towards the limit.
    ///
    /// The number may come from a stranger: do not allocate that much in advance, see
    /// [`room`](Self::room).
    ///
    /// # Errors
    ///
    /// As [`varint`](Self::varint), and if the limit is exceeded.
    pub fn count(&mut self) -> Result<usize, DecodeError> {
        let count = self.varint()?;
        self.spend(count)
    }

    /// Counts entries towards the limit.
    pub(crate) fn spend(&mut self, count: u64) -> Result<usize, DecodeError> {
        let left = usize::try_from(count).ok().and_then(|count| {
            self.entries = self.entries.checked_sub(count)?;
            Some(count)
        });
        left.ok_or_else(|| self.refuse(Reason::Limit("entries", self.limits.entries)))
    }

    /// How many values of `size` bytes in memory it is safe to allocate if `count` are claimed to
    /// follow: no more memory than there are bytes left.
    pub fn room(&self, count: usize, size: usize) -> usize {
        count.min(self.rest().len() / size.max(1) + 1)
    }

    /// A text's or list's bytes, of a length that was read.
    pub(crate) fn text_bytes(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        if len > self.limits.text {
            return Err(self.refuse(Reason::Limit("bytes in one text", self.limits.text)));
        }
        self.bytes(len)
    }

    /// Fails if this many levels are not allowed.
    pub(crate) fn check_depth(&self, depth: usize) -> Result<(), DecodeError> {
        if depth > self.limits.depth {
            return Err(self.refuse(Reason::Limit("levels", self.limits.depth)));
        }
        Ok(())
    }

    /// Reads a value that may hold others of its own type: fails if they nest deeper than
    /// [`Limits::depth`] allows, so that a stranger's bytes do not exhaust the stack. `derive(Wire)`
    /// reads every struct and enum so.
    ///
    /// ```
    /// use rejoin::wire::{self, DecodeError, Reader, Schema, Wire, Writer};
    ///
    /// #[derive(Debug, PartialEq)]
    /// struct Tree(Vec<Tree>);
    ///
    /// impl Wire for Tree {
    ///     fn schema(schema: &mut Schema) {
    ///         schema.named("Tree");
    ///     }
    ///     fn encode(&self, out: &mut Writer) {
    ///         self.0.encode(out);
    ///     }
    ///     fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
    ///         Ok(Self(input.nested(Vec::decode)?))
    ///     }
    /// }
    ///
    /// let tree = Tree(vec![Tree(vec![]), Tree(vec![])]);
    /// let bytes = wire::to_bytes(&tree);
    /// assert_eq!(wire::from_bytes::<Tree>(&bytes)?, tree);
    /// let flat = wire::Limits::new().depth(1);
    /// assert!(wire::from_bytes_within::<Tree>(&bytes, &flat).unwrap_err().is_limit());
    /// # Ok::<(), DecodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the limit is reached, or as `read` fails.
    pub fn nested<R>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<R, DecodeError>,
    ) -> Result<R, DecodeError> {
        self.check_depth(self.levels + 1)?;
        self.levels += 1;
        let value = read(self);
        self.levels -= 1;
        value
    }

    /// Whether the bytes hold the field of this number, from 0, of the struct `T`: `false` only for
    /// one of those that its schema names as added [later](super::Schema::structure), if the bytes
    /// are older. It is then read as empty.
    ///
    /// ```
    /// use rejoin::{GCounter, wire::{self, DecodeError, Reader, Schema, Wire, Writer}};
    ///
    /// #[derive(Debug, PartialEq)]
    /// struct Visits { seen: GCounter, sent: GCounter } // `sent` was added later
    ///
    /// impl Wire for Visits {
    ///     fn schema(schema: &mut Schema) {
    ///         let [seen, sent] = ["seen", "sent"].map(|name| [(name, GCounter::schema as fn(&mut _))]);
    ///         schema.structure::<Self>("Visits", &seen, &sent);
    ///     }
    ///     fn encode(&self, out: &mut Writer) {
    ///         self.seen.encode(out);
    ///         self.sent.encode(out);
    ///     }
    ///     fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
    ///         let seen = Wire::decode(input)?;
    ///         let sent =
    ///             if input.has_field::<Self>(1) { Wire::decode(input)? } else { GCounter::new() };
    ///         Ok(Self { seen, sent })
    ///     }
    /// }
    ///
    /// let older = b"\xf9j\x01\x7e\x06Visits\x01\x04seen\x02\x01\x02us\x06";
    /// let visits: Visits = wire::from_bytes(older)?;
    /// assert_eq!((visits.seen.value(), visits.sent.value()), (7, 0));
    /// assert_eq!(wire::from_bytes::<Visits>(&wire::to_bytes(&visits))?, visits);
    /// # Ok::<(), DecodeError>(())
    /// ```
    pub fn has_field<T>(&self, number: usize) -> bool {
        self.older.is_empty() || {
            let this = type_name::<T>();
            self.older.iter().all(|(other, count)| *other != this || number < *count)
        }
    }

    /// A table of replicas, which are in order and each once.
    pub(crate) fn replicas(&mut self) -> Result<SmallVec<[ReplicaId; 3]>, DecodeError> {
        let count = self.varint()?;
        let limit = self.limits.replicas;
        let count = usize::try_from(count).ok().filter(|count| *count <= limit);
        let count =
            count.ok_or_else(|| self.refuse(Reason::Limit("replicas in a table", limit)))?;
        let mut replicas = SmallVec::with_capacity(self.room(count, 1));
        let mut last = None;
        for _ in 0..count {
            let replica = self.replica()?;
            if Some(replica) <= last {
                return Err(self.malformed("replicas are repeated or out of order"));
            }
            last = Some(replica);
            replicas.push(replica);
        }
        Ok(replicas)
    }

    /// A column of `count` numbers.
    pub(crate) fn numbers(&mut self, count: usize) -> Result<SmallVec<[u64; 3]>, DecodeError> {
        let mut numbers = SmallVec::with_capacity(self.room(count, 1));
        for _ in 0..count {
            numbers.push(self.varint()?);
        }
        Ok(numbers)
    }

    /// A replica id: the length of its name and whether it was reborn, the name up to the last byte
    /// that is not zero, and its incarnation.
    pub(crate) fn replica(&mut self) -> Result<ReplicaId, DecodeError> {
        let head = usize::from(self.byte()?);
        let name = self.bytes(head & !REBORN)?;
        let id = ReplicaId::of_name_bytes(name).filter(|_| name.last() != Some(&0));
        let incarnation = if head & REBORN == 0 { Some(0) } else { self.reborn()? };
        let id = id.zip(incarnation).map(|(id, incarnation)| id.with_incarnation(incarnation));
        id.ok_or_else(|| self.malformed("a replica id is not in its canonical form"))
    }

    /// An incarnation that is not the first.
    fn reborn(&mut self) -> Result<Option<u32>, DecodeError> {
        Ok(u32::try_from(self.varint()?).ok().filter(|incarnation| *incarnation > 0))
    }

    /// Nothing may follow.
    pub(super) fn finish(self) -> Result<(), DecodeError> {
        if self.rest().is_empty() {
            return Ok(());
        }
        Err(self.malformed("something follows the value"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Limits, Reader};

    #[test]
    fn room_is_made_for_what_can_still_follow() {
        let mut reader = Reader::new(&[1; 21], &Limits::default()).unwrap();
        reader.byte().unwrap();
        assert_eq!(reader.room(100, 8), 3);
        assert_eq!(reader.room(2, 8), 2);
        assert_eq!(reader.room(100, 0), 21, "what takes no memory still takes a byte each");
    }
}
