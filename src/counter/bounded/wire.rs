//! Who granted, then what each granted to whom, then what was used.

use super::{BTreeMap, BoundedCounter, GCounter};
use crate::{
    merge::Delta,
    wire::{DecodeError, Reader, Schema, Tag, Wire, Writer},
};

impl Wire for BoundedCounter {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::BoundedCounter);
    }

    fn encode(&self, out: &mut Writer) {
        out.count(self.granted.len());
        self.granted.keys().for_each(|replica| replica.encode(out));
        self.granted.values().for_each(|to| to.encode(out));
        self.used.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut granted = BTreeMap::new();
        for replica in input.replicas()? {
            let to = GCounter::decode(input)?;
            if Delta::is_empty(&to) {
                return Err(input.malformed("a replica that granted nothing is listed"));
            }
            granted.insert(replica, to);
        }
        Ok(Self { granted, used: GCounter::decode(input)? })
    }
}
