//! Bytes of structs that have got fields since: how many of their fields are there.

use super::schema::{ENUM, NAMED, STRUCT, Schema, after, describe, name};
use alloc::vec::Vec;

/// Structs that may lack fields, and how many each has.
pub(super) type Counts = Vec<(&'static str, usize)>;

/// Compares the schema at the start of `theirs` with ours, which may have more fields at the ends of
/// its structs. How long theirs is, and how many fields they have; `None` if it differs otherwise.
pub(super) fn compare(ours: &Schema, theirs: &[u8]) -> Option<(usize, Counts)> {
    let mut both = Both { ours, at: 0, theirs, counts: Counts::new() };
    both.schema()?;
    Some((theirs.len() - both.theirs.len(), both.counts))
}

struct Both<'a> {
    ours: &'a Schema,
    at: usize,
    theirs: &'a [u8],
    counts: Counts,
}

impl Both<'_> {
    fn schema(&mut self) -> Option<()> {
        match self.same_byte()? {
            NAMED => self.same_name(),
            STRUCT => {
                self.same_name()?;
                self.fields()
            }
            ENUM => {
                self.same_name()?;
                (0..self.same_byte()?).try_for_each(|_| {
                    self.same_name()?;
                    self.fields()
                })
            }
            tag => (0..describe(tag)?.1).try_for_each(|_| self.schema()),
        }
    }

    /// Those that are there are the same.
    fn fields(&mut self) -> Option<()> {
        let grown = self.ours.grown.iter().find(|grown| grown.at == self.at);
        let (ours, theirs) = (self.our_byte()?, self.their_byte()?);
        let least = grown.map_or(ours.into(), |grown| grown.least);
        if theirs > ours || usize::from(theirs) < least {
            return None;
        }
        if let Some(grown) = grown {
            self.count(grown.this, theirs.into())?;
        }
        for _ in 0..theirs {
            self.same_name()?;
            self.schema()?;
        }
        for _ in theirs..ours {
            let rest = after(name(self.ours.bytes.get(self.at..)?)?.1, usize::MAX)?;
            self.at = self.ours.bytes.len() - rest.len();
        }
        Some(())
    }

    /// One type has one number of fields.
    fn count(&mut self, this: &'static str, fields: usize) -> Option<()> {
        if let Some((_, before)) = self.counts.iter().find(|(other, _)| *other == this) {
            return (*before == fields).then_some(());
        }
        self.counts.push((this, fields));
        Some(())
    }

    fn same_name(&mut self) -> Option<()> {
        let len = self.same_byte()?;
        (0..len).try_for_each(|_| self.same_byte().map(|_| ()))
    }

    fn same_byte(&mut self) -> Option<u8> {
        let (ours, theirs) = (self.our_byte()?, self.their_byte()?);
        (ours == theirs).then_some(ours)
    }

    fn our_byte(&mut self) -> Option<u8> {
        let byte = self.ours.bytes.get(self.at)?;
        self.at += 1;
        Some(*byte)
    }

    fn their_byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.theirs.split_first()?;
        self.theirs = rest;
        Some(*byte)
    }
}
