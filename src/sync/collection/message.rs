//! [`Message`]: what two reconcilers send each other. `docs/wire.md` has the layout.

use super::{KeyRange, table::shared};
use crate::{
    merge::DeltaState,
    sync::Fingerprint,
    wire::{self, DecodeError, Reader, Schema, Tag, Wire, Writer},
};
use alloc::vec::Vec;

/// Bytes of a checksum, which end each message that has items.
pub(super) const CHECKSUM: usize = 4;
/// Items in a message, and rows of items.
pub(super) const ITEMS: usize = 1 << 16;
/// Bytes of all keys of a message, written out in full. Neighbouring keys share what they begin
/// with, so few bytes can stand for many.
pub(super) const KEYS: usize = 1 << 20;
/// Bytes of a key.
pub(super) const KEY: usize = 1 << 15;

pub(super) const ANSWER: u8 = 1;
pub(super) const PULL: u8 = 1 << 1;
pub(super) const PUSH: u8 = 1 << 2;
const ROOT: u8 = 1 << 3;
const HAS_ITEMS: u8 = 1 << 4;
const HAS_ROWS: u8 = 1 << 5;

const CHECKS: u8 = 8;
const ROWS: u8 = 9;
const CUT: u8 = 10;

/// A message, as it is read.
pub(super) struct Message<S: DeltaState> {
    /// [`PULL`] and [`PUSH`], as who asks sees it; and [`ANSWER`].
    pub(super) mode: u8,
    /// The number of a question, or the echo of the question that an answer is to.
    pub(super) name: u64,
    /// The sum of the whole table.
    pub(super) root: Option<Fingerprint>,
    pub(super) items: Vec<Item<S>>,
    /// The item of the question, and the key in it, from which on it is not answered.
    pub(super) cut: Option<(usize, Vec<u8>)>,
}

pub(super) enum Item<S: DeltaState> {
    /// Checks of the ranges that end at these keys; the first one starts here.
    Checks(Vec<u8>, Vec<(u32, Option<Vec<u8>>)>),
    /// All rows that the sender has in a range.
    Rows(KeyRange, Vec<Row<S>>),
    Row(Row<S>),
}

/// What the sender has under a key, and what it wants to be told.
pub(super) struct Row<S: DeltaState> {
    pub(super) key: Vec<u8>,
    pub(super) told: Told<S>,
}

pub(super) enum Told<S: DeltaState> {
    /// Nothing, and wants all.
    Missing,
    /// This version, and wants what it lacks.
    Version(S::Version),
    /// This version; what the receiver lacks; and wants what it lacks itself.
    Both(S::Version, S::Delta),
    /// All of its state, and wants what it lacks.
    Whole(S::Delta),
    /// What the receiver lacks.
    Final(S::Delta),
    /// Something that it could give, if it knew the version of the receiver.
    Bare,
    /// Something that no message has room for.
    Huge,
}

impl<S: DeltaState> Told<S> {
    pub(super) const MISSING: u8 = 0;
    pub(super) const VERSION: u8 = 1;
    pub(super) const BOTH: u8 = 2;
    pub(super) const WHOLE: u8 = 3;
    pub(super) const FINAL: u8 = 4;
    pub(super) const BARE: u8 = 5;
    pub(super) const HUGE: u8 = 6;
}

/// The last key that was written or read, and the bytes of all.
#[derive(Clone, Default)]
pub(super) struct Keys {
    last: Vec<u8>,
    pub(super) bytes: usize,
}

impl Keys {
    /// How much of it the last key begins with, and the rest: a half byte for the length of each,
    /// or 15 and a varint of what is over.
    pub(super) fn write(&mut self, key: &[u8], out: &mut Writer) {
        let shared = shared(&self.last, key);
        let rest = key.get(shared..).unwrap_or_default();
        let half = |len: usize| u8::try_from(len).unwrap_or(15).min(15);
        out.byte(half(shared) << 4 | half(rest.len()));
        for len in [shared, rest.len()] {
            if let Some(over) = len.checked_sub(15) {
                out.count(over);
            }
        }
        out.bytes(rest);
        self.last.truncate(shared);
        self.last.extend_from_slice(rest);
        self.bytes += key.len();
    }

    /// An end: the empty key, before which nothing is, stands for none.
    pub(super) fn write_end(&mut self, key: Option<&[u8]>, out: &mut Writer) {
        self.write(key.unwrap_or_default(), out);
    }

    fn read(&mut self, input: &mut Reader<'_>) -> Result<Vec<u8>, DecodeError> {
        let halves = input.byte()?;
        let mut len = |half: u8| -> Result<usize, DecodeError> {
            let over = if half == 15 { input.varint()? } else { 0 };
            Ok(usize::try_from(over).unwrap_or(KEY).min(KEY) + usize::from(half))
        };
        let (shared, len) = (len(halves >> 4)?, len(halves & 15)?);
        if shared + len > KEY {
            return Err(input.malformed("a key is longer than 32,768 bytes"));
        }
        let rest = input.bytes(len)?;
        let before = self.last.get(..shared);
        let before =
            before.filter(|_| rest.first().is_none_or(|it| self.last.get(shared) != Some(it)));
        // A key that is all shared may end where the last one goes on; one that could share more
        // may not.
        let before = before.ok_or_else(|| input.malformed("a key is not in its canonical form"))?;
        let key = [before, rest].concat();
        self.bytes += key.len();
        if self.bytes > KEYS {
            return Err(input.malformed("the keys are longer than 1 MiB together"));
        }
        self.last.clone_from(&key);
        Ok(key)
    }

    fn read_end(&mut self, input: &mut Reader<'_>) -> Result<Option<Vec<u8>>, DecodeError> {
        Ok(Some(self.read(input)?).filter(|key| !key.is_empty()))
    }
}

/// What a message tells in front of its items.
pub(super) struct Head {
    pub(super) mode: u8,
    pub(super) name: u64,
    pub(super) root: Option<Fingerprint>,
}

impl Head {
    /// A whole message: an envelope, the head, the items that were written, and a checksum.
    pub(super) fn seal<S>(&self, items: &[u8], has_rows: bool) -> Vec<u8>
    where
        S: DeltaState<Delta: Wire, Version: Wire>,
    {
        let mut out = Writer::default();
        let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
        out.byte(
            self.mode
                | flag(self.root.is_some(), ROOT)
                | flag(!items.is_empty(), HAS_ITEMS)
                | flag(has_rows, HAS_ROWS),
        );
        #[allow(clippy::cast_possible_truncation)] // echoes have 32 bits
        match self.mode & ANSWER {
            0 => out.varint(self.name),
            _ => out.bytes(&(self.name as u32).to_le_bytes()),
        }
        if let Some(root) = &self.root {
            root.encode(&mut out);
        }
        if has_rows {
            out.bytes(Schema::of::<S::Delta>().as_bytes());
        }
        out.bytes(items);
        let mut body = out.into_bytes();
        if !items.is_empty() {
            let sum = checksum(&body);
            body.extend_from_slice(&sum);
        }
        wire::to_bytes(&Sealed(body))
    }

    /// Bytes that a head takes at most, without the schema.
    pub(super) const MOST: usize = 4 + 1 + 10 + 16 + CHECKSUM;
}

fn checksum(body: &[u8]) -> [u8; CHECKSUM] {
    echo(body).to_le_bytes()
}

/// 32 bits by which an answer tells which question it is to.
#[allow(clippy::cast_possible_truncation)] // 32 bits of it
pub(super) fn echo(message: &[u8]) -> u32 {
    Fingerprint::of_bytes(message).to_parts().0 as u32
}

/// The body of a message that was written.
struct Sealed(Vec<u8>);

impl Wire for Sealed {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::CollectionMessage);
    }

    fn encode(&self, out: &mut Writer) {
        out.bytes(&self.0);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self(input.bytes(input.rest().len())?.into()))
    }
}

impl<S: DeltaState<Delta: Wire, Version: Wire>> Wire for Message<S> {
    fn schema(schema: &mut Schema) {
        Sealed::schema(schema);
    }

    /// Messages are written piece by piece, as far as there is room: [`Head::seal`].
    fn encode(&self, _: &mut Writer) {}

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let body = input.rest();
        let mode = input.byte()?;
        if mode & !63 != 0 || mode & (PULL | PUSH) == 0 || mode & (HAS_ITEMS | HAS_ROWS) == HAS_ROWS
        {
            return Err(input.malformed("a message of an unknown kind"));
        }
        let name = match mode & ANSWER {
            0 => input.varint()?,
            _ => input.bytes(4)?.iter().rev().fold(0, |name, byte| name << 8 | u64::from(*byte)),
        };
        let root = (mode & ROOT > 0).then(|| Fingerprint::decode(input)).transpose()?;
        let mut message =
            Self { mode: mode & (ANSWER | PULL | PUSH), name, root, items: Vec::new(), cut: None };
        if mode & HAS_ITEMS > 0 {
            let (body, sum) = body.split_at(body.len().saturating_sub(CHECKSUM));
            if *sum != checksum(body) {
                return Err(input.malformed("the checksum is wrong: bytes were changed or cut off"));
            }
            message.read_items(mode & HAS_ROWS > 0, input)?;
            input.bytes(CHECKSUM)?;
        }
        Ok(message)
    }
}

impl<S: DeltaState<Delta: Wire, Version: Wire>> Message<S> {
    fn read_items(&mut self, has_rows: bool, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        if has_rows {
            wire::expect::<S::Delta>(input)?;
        }
        let mut items = Items { keys: Keys::default(), left: ITEMS, rows: 0 };
        while input.rest().len() > CHECKSUM && self.cut.is_none() {
            match input.byte()? {
                CUT => {
                    let item = usize::try_from(input.varint()?).unwrap_or(usize::MAX);
                    self.cut = Some((item, items.keys.read(input)?));
                }
                CHECKS => self.items.push(items.checks(input)?),
                ROWS => self.items.push(items.rows(input)?),
                kind => self.items.push(Item::Row(items.row(kind, input)?)),
            }
            items.spend(1, input)?;
        }
        if has_rows != (items.rows > 0) {
            return Err(input.malformed("the type is told where no row is, or is not told"));
        }
        Ok(())
    }
}

/// What is being read.
struct Items {
    keys: Keys,
    left: usize,
    rows: usize,
}

impl Items {
    fn spend(&mut self, count: usize, input: &Reader<'_>) -> Result<(), DecodeError> {
        let left = self.left.checked_sub(count);
        self.left = left.ok_or_else(|| input.malformed("more than 65,536 items"))?;
        Ok(())
    }

    fn count(&mut self, input: &mut Reader<'_>) -> Result<usize, DecodeError> {
        let count = usize::try_from(input.varint()?).unwrap_or(usize::MAX);
        self.spend(count, input)?;
        Ok(count)
    }

    fn checks<S: DeltaState>(&mut self, input: &mut Reader<'_>) -> Result<Item<S>, DecodeError> {
        let start = self.keys.read(input)?;
        let count = self.count(input)?;
        let mut parts = Vec::with_capacity(input.room(count, size_of::<(u32, Vec<u8>)>()));
        let mut last = Some(start.clone());
        for _ in 0..=count {
            let check = input.bytes(4)?.iter().rev().fold(0, |it, byte| it << 8 | u32::from(*byte));
            let end = self.keys.read_end(input)?;
            check_order(last.as_deref(), end.as_deref(), input)?;
            last.clone_from(&end);
            parts.push((check, end));
        }
        Ok(Item::Checks(start, parts))
    }

    fn rows<S>(&mut self, input: &mut Reader<'_>) -> Result<Item<S>, DecodeError>
    where
        S: DeltaState<Delta: Wire, Version: Wire>,
    {
        let (start, end) = (self.keys.read(input)?, self.keys.read_end(input)?);
        check_order(Some(&start), end.as_deref(), input)?;
        let range = KeyRange::of(start, end);
        let count = self.count(input)?;
        let mut rows: Vec<Row<S>> = Vec::new();
        for _ in 0..count {
            let kind = input.byte()?;
            let row = self.row(kind, input)?;
            let is_behind = rows.last().is_none_or(|last| last.key < row.key);
            if !range.contains(&row.key) || !is_behind {
                return Err(input.malformed("a row is out of order"));
            }
            rows.push(row);
        }
        Ok(Item::Rows(range, rows))
    }

    fn row<S>(&mut self, kind: u8, input: &mut Reader<'_>) -> Result<Row<S>, DecodeError>
    where
        S: DeltaState<Delta: Wire, Version: Wire>,
    {
        self.rows += 1;
        let key = self.keys.read(input)?;
        let told = match kind {
            0 => Told::Missing,
            1 => Told::Version(S::Version::decode(input)?),
            2 => Told::Both(S::Version::decode(input)?, S::Delta::decode(input)?),
            3 => Told::Whole(S::Delta::decode(input)?),
            4 => Told::Final(S::Delta::decode(input)?),
            5 => Told::Bare,
            6 => Told::Huge,
            _ => return Err(input.malformed("an item of an unknown kind")),
        };
        Ok(Row { key, told })
    }
}

/// An end comes behind a start; nothing behind the last key.
fn check_order(
    start: Option<&[u8]>,
    end: Option<&[u8]>,
    input: &Reader<'_>,
) -> Result<(), DecodeError> {
    match (start, end) {
        (Some(_), None) => Ok(()),
        (Some(start), Some(end)) if start < end => Ok(()),
        _ => Err(input.malformed("a range is empty, or out of order")),
    }
}

/// The items, as they are written.
pub(super) mod write {
    use super::{CHECKS, CUT, KeyRange, Keys, ROWS, Writer};

    pub(in super::super) fn row(
        kind: u8,
        key: &[u8],
        rest: &[u8],
        keys: &mut Keys,
        out: &mut Writer,
    ) {
        out.byte(kind);
        keys.write(key, out);
        out.bytes(rest);
    }

    pub(in super::super) fn rows(
        range: &KeyRange,
        count: usize,
        keys: &mut Keys,
        out: &mut Writer,
    ) {
        out.byte(ROWS);
        keys.write(range.start(), out);
        keys.write_end(range.end(), out);
        out.count(count);
    }

    pub(in super::super) fn checks<'a>(
        start: &[u8],
        parts: impl ExactSizeIterator<Item = (u32, Option<&'a [u8]>)>,
        keys: &mut Keys,
        out: &mut Writer,
    ) {
        out.byte(CHECKS);
        keys.write(start, out);
        out.count(parts.len().saturating_sub(1));
        for (check, end) in parts {
            out.bytes(&check.to_le_bytes());
            keys.write_end(end, out);
        }
    }

    pub(in super::super) fn cut(item: usize, key: &[u8], keys: &mut Keys, out: &mut Writer) {
        out.byte(CUT);
        out.count(item);
        keys.write(key, out);
    }
}
