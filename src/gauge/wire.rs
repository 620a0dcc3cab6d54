//! A table of replicas; columns of what is closed, what is open, and of leases.

use super::{Gauge, Row};
use crate::{
    time::Timestamp,
    wire::{DecodeError, Reader, Schema, Tag, Wire, Writer},
};
use smallvec::SmallVec;

impl Wire for Gauge {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::Gauge);
    }

    fn encode(&self, out: &mut Writer) {
        out.count(self.rows.len());
        self.rows.iter().for_each(|row| row.replica().encode(out));
        self.rows.iter().for_each(|row| out.varint(row.closed()));
        self.rows.iter().for_each(|row| out.varint(row.open()));
        self.rows.iter().for_each(|row| out.varint(row.until().map_or(0, Timestamp::as_millis)));
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let replicas = input.replicas()?;
        if replicas.windows(2).any(|pair| pair[0].name() == pair[1].name()) {
            return Err(input.malformed("two lives of one name are listed"));
        }
        let mut column = || {
            let numbers = replicas.iter().map(|_| input.varint());
            numbers.collect::<Result<SmallVec<[u64; 2]>, DecodeError>>()
        };
        let (closed, open, until) = (column()?, column()?, column()?);
        let mut rows = SmallVec::with_capacity(replicas.len());
        for (((replica, closed), open), until) in
            replicas.into_iter().zip(closed).zip(open).zip(until)
        {
            let opened = closed.checked_add(open);
            let opened = opened.ok_or_else(|| input.malformed("a count exceeds 64 bits"))?;
            let until = Some(Timestamp::from_millis(until));
            let row = Row::from_parts(replica, opened, closed, until);
            if row.says_nothing() {
                return Err(input.malformed("a replica that has not written is listed"));
            }
            rows.push(row);
        }
        Ok(Self { rows })
    }
}
