//! The canonical bytes of logs.

use super::{Entry, Log, tree::Tree};
use crate::{
    merge::DeltaState,
    wire::{DecodeError, Reader, Schema, Tag, Wire, Writer},
};
use alloc::vec::Vec;

/// Where it starts, the state there, how many deltas there are, the columns of their positions and
/// of how much less the first of each is, and of the deltas.
impl<T: DeltaState<Delta: Wire> + Wire> Wire for Log<T> {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::Log);
        T::schema(schema);
    }

    fn encode(&self, out: &mut Writer) {
        self.from.encode(out);
        self.base.encode(out);
        out.count(self.entries.len());
        let last: Vec<u64> = self.entries.iter().map(|entry| entry.last).collect();
        let spans: Vec<u64> =
            self.entries.iter().map(|entry| entry.last.saturating_sub(entry.first)).collect();
        u64::encode_column(last.iter(), out);
        u64::encode_column(spans.iter(), out);
        T::Delta::encode_column(self.entries.iter().map(|entry| &entry.delta), out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (from, base) = (Option::decode(input)?, T::decode(input)?);
        let count = input.count()?;
        let last = u64::decode_column(count, input)?;
        let spans = u64::decode_column(count, input)?;
        let deltas = T::Delta::decode_column(count, input)?;
        let entry = |((last, span), delta): ((u64, u64), T::Delta)| {
            Some(Entry { first: last.checked_sub(span)?, last, delta })
        };
        let entries = last.into_iter().zip(spans).zip(deltas).map(entry).collect();
        let entries: Option<Vec<_>> = entries;
        Self::of_parts(from, base, entries.unwrap_or_default())
            .filter(|log| log.entries.len() == count)
            .ok_or_else(|| input.malformed("positions are out of order"))
    }
}

impl<T: DeltaState> Log<T> {
    /// Of what was read; `None` if the positions are not in order.
    pub(super) fn of_parts(
        from: Option<u64>,
        base: T,
        entries: Vec<Entry<T::Delta>>,
    ) -> Option<Self> {
        let mut before = from;
        for entry in &entries {
            if Some(entry.first) <= before || entry.first > entry.last {
                return None;
            }
            before = Some(entry.last);
        }
        let tree = Tree::of(&entries);
        Some(Self { base, from, entries, tree })
    }
}
