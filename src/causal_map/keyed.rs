//! [`Keyed`]: one write below a key, and how it is held and written out.

use crate::wire::{DecodeError, Reader, Schema, Tag, Wire, Writer};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    vec::Vec,
};
use core::ops::Deref;

/// A value that is held once, however many writes name it: otherwise a few bytes, which name one long
/// key again and again, would become megabytes.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Shared<T>(Arc<T>);

impl<T> Shared<T> {
    pub(super) fn new(value: T) -> Self {
        Self(Arc::new(value))
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// One write below a key: the payload of the kernel is one for each map on the way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
pub(crate) struct Keyed<K, W> {
    pub(super) key: Shared<K>,
    pub(super) write: W,
}

/// As the value.
impl<T: Wire> Wire for Shared<T> {
    fn schema(schema: &mut Schema) {
        T::schema(schema);
    }

    fn encode(&self, out: &mut Writer) {
        T::encode(self, out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        T::decode(input).map(Self::new)
    }

    fn encode_column<'a>(values: impl Iterator<Item = &'a Self> + Clone, out: &mut Writer)
    where
        Self: 'a,
    {
        T::encode_column(values.map(|value| &**value), out);
    }

    fn decode_column(count: usize, input: &mut Reader<'_>) -> Result<Vec<Self>, DecodeError> {
        Ok(T::decode_column(count, input)?.into_iter().map(Self::new).collect())
    }
}

/// For each write which key it has: 0 for the next one that was not named before, or how many keys
/// back. Then a column of the keys, each once, and a column of what is below them.
impl<K: Wire + Ord, W: Wire> Wire for Keyed<K, W> {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::Tuple2);
        K::schema(schema);
        W::schema(schema);
    }

    fn encode(&self, out: &mut Writer) {
        Self::encode_column(core::iter::once(self), out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let write = Self::decode_column(1, input)?.pop();
        write.ok_or_else(|| input.malformed("a column is empty"))
    }

    fn encode_column<'a>(writes: impl Iterator<Item = &'a Self> + Clone, out: &mut Writer)
    where
        Self: 'a,
    {
        let (mut numbers, mut keys) = (BTreeMap::<&K, usize>::new(), Vec::new());
        for write in writes.clone() {
            let number = *numbers.entry(&write.key).or_insert(keys.len());
            out.count(keys.len() - number);
            if number == keys.len() {
                keys.push(&write.key);
            }
        }
        Shared::encode_column(keys.into_iter(), out);
        W::encode_column(writes.map(|write| &write.write), out);
    }

    fn decode_column(count: usize, input: &mut Reader<'_>) -> Result<Vec<Self>, DecodeError> {
        let mut numbers = Vec::with_capacity(input.room(count, size_of::<usize>()));
        let mut named = 0;
        for _ in 0..count {
            let back = usize::try_from(input.varint()?).ok();
            let number = back.and_then(|back| usize::checked_sub(named, back));
            let number = number.ok_or_else(|| input.malformed("a key is not in the table"))?;
            named += usize::from(number == named);
            numbers.push(number);
        }
        let keys = Shared::<K>::decode_column(named, input)?;
        let distinct: BTreeSet<&K> = keys.iter().map(|key| &**key).collect();
        if distinct.len() < keys.len() {
            return Err(input.malformed("a key is listed twice"));
        }
        let writes = W::decode_column(count, input)?;
        let key = |number: usize| keys.get(number).cloned();
        let pairs = numbers.into_iter().zip(writes);
        Ok(pairs.filter_map(|(number, write)| Some(Self { key: key(number)?, write })).collect())
    }
}

#[cfg(feature = "serde")]
mod form {
    use super::Shared;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    impl<T: Serialize> Serialize for Shared<T> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.0.serialize(serializer)
        }
    }

    impl<'de, T: Deserialize<'de>> Deserialize<'de> for Shared<T> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            T::deserialize(deserializer).map(Self::new)
        }
    }
}
