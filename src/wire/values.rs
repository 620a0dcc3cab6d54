//! The bytes of plain values: what elements, keys and payloads are made of.

use super::{
    DecodeError, Reader, Schema, Tag, Wire, Writer,
    column::{range, read_bits, read_offsets, unzigzag, write_bits, write_offsets, zigzag},
    reader::REBORN,
};
use crate::{
    merge::{Max, Min},
    replica::ReplicaId,
    time::{Stamp, Timestamp},
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};
use core::{convert::identity, iter};

/// One value alone is a column of one.
macro_rules! column_of_one {
    () => {
        fn encode(&self, out: &mut Writer) {
            Self::encode_column(iter::once(self), out);
        }

        fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
            let value = Self::decode_column(1, input)?.pop();
            value.ok_or_else(|| input.malformed("a column is empty"))
        }
    };
}

/// Nothing: a bit that is not set.
impl Wire for () {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::Unit);
    }

    column_of_one!();

    fn encode_column<'a>(values: impl Iterator<Item = &'a Self> + Clone, out: &mut Writer) {
        write_bits(values.map(|()| false), out);
    }

    fn decode_column(count: usize, input: &mut Reader<'_>) -> Result<Vec<Self>, DecodeError> {
        if read_bits(count, input)?.any(|bit| bit) {
            return Err(input.malformed("a bit that must be zero is set"));
        }
        Ok(iter::repeat_n((), count).collect())
    }
}

impl Wire for bool {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::Bool);
    }

    column_of_one!();

    fn encode_column<'a>(values: impl Iterator<Item = &'a Self> + Clone, out: &mut Writer) {
        write_bits(values.copied(), out);
    }

    fn decode_column(count: usize, input: &mut Reader<'_>) -> Result<Vec<Self>, DecodeError> {
        Ok(read_bits(count, input)?.collect())
    }
}

/// Bytes: as they are.
macro_rules! byte {
    ($($type:ty: $tag:ident),+) => {$(
        impl Wire for $type {
            fn schema(schema: &mut Schema) {
                schema.tag(Tag::$tag);
            }

            fn encode(&self, out: &mut Writer) {
                out.bytes(&self.to_le_bytes());
            }

            fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
                input.byte().map(|byte| Self::from_le_bytes([byte]))
            }

            fn decode_column(count: usize, input: &mut Reader<'_>) -> Result<Vec<Self>, DecodeError> {
                Ok(input.bytes(count)?.iter().map(|byte| Self::from_le_bytes([*byte])).collect())
            }
        }
    )+};
}
byte!(u8: U8, i8: I8);

/// Numbers: the least, and how far the others are from it.
macro_rules! number {
    ($($type:ty as $wide:ty: $tag:ident, $write:expr, $read:expr);+) => {$(
        impl Wire for $type {
            fn schema(schema: &mut Schema) {
                schema.tag(Tag::$tag);
            }

            column_of_one!();

            fn encode_column<'a>(values: impl Iterator<Item = &'a Self> + Clone, out: &mut Writer) {
                let Some((least, greatest, count)) = range(values.clone().copied()) else { return };
                let (least, greatest) = (<$wide>::from(least), <$wide>::from(greatest));
                out.varint($write(least));
                #[allow(clippy::cast_sign_loss)] // at or above the least
                let above = |value: $wide| value.wrapping_sub(least) as u64;
                let offsets = values.map(|value| above(<$wide>::from(*value)));
                write_offsets(offsets, count, above(greatest), out);
            }

            fn decode_column(count: usize, input: &mut Reader<'_>) -> Result<Vec<Self>, DecodeError> {
                if count == 0 {
                    return Ok(Vec::new());
                }
                let least: $wide = $read(input.varint()?);
                let numbers = read_offsets(count, input)?.into_iter().map(|offset| {
                    least.checked_add_offset(offset).and_then(|number| Self::try_from(number).ok())
                });
                let numbers: Option<Vec<Self>> = numbers.collect();
                numbers.ok_or_else(|| input.malformed("a number is out of range"))
            }
        }
    )+};
}
number!(
    u16 as u64: U16, identity, identity;
    u32 as u64: U32, identity, identity;
    u64 as u64: U64, identity, identity;
    i16 as i64: I16, zigzag, unzigzag;
    i32 as i64: I32, zigzag, unzigzag;
    i64 as i64: I64, zigzag, unzigzag
);

/// A number and how far another is above it.
trait Above: Sized {
    fn checked_add_offset(self, offset: u64) -> Option<Self>;
}

impl Above for u64 {
    fn checked_add_offset(self, offset: u64) -> Option<Self> {
        self.checked_add(offset)
    }
}

impl Above for i64 {
    fn checked_add_offset(self, offset: u64) -> Option<Self> {
        self.checked_add_unsigned(offset)
    }
}

/// Wide numbers: 16 bytes, low ones first.
macro_rules! wide {
    ($($type:ty: $tag:ident),+) => {$(
        impl Wire for $type {
            fn schema(schema: &mut Schema) {
                schema.tag(Tag::$tag);
            }

            fn encode(&self, out: &mut Writer) {
                out.bytes(&self.to_le_bytes());
            }

            fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
                let mut bytes = [0; 16];
                bytes.copy_from_slice(input.bytes(16)?);
                Ok(Self::from_le_bytes(bytes))
            }
        }
    )+};
}
wide!(u128: U128, i128: I128);

/// The lengths, and the bytes of all one after the other.
impl Wire for String {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::Text);
    }

    column_of_one!();

    fn encode_column<'a>(values: impl Iterator<Item = &'a Self> + Clone, out: &mut Writer) {
        write_lengths(values.clone().map(Self::len), out);
        values.for_each(|text| out.bytes(text.as_bytes()));
    }

    fn decode_column(count: usize, input: &mut Reader<'_>) -> Result<Vec<Self>, DecodeError> {
        let lengths = u64::decode_column(count, input)?;
        let text = |len| {
            let bytes = input.text_bytes(usize::try_from(len).unwrap_or(usize::MAX))?;
            let text = core::str::from_utf8(bytes);
            text.map(Self::from).map_err(|_| input.malformed("a text is not UTF-8"))
        };
        lengths.into_iter().map(text).collect()
    }
}

fn write_lengths(lengths: impl Iterator<Item = usize> + Clone, out: &mut Writer) {
    let lengths = lengths.map(|len| len as u64);
    if let Some((least, greatest, count)) = range(lengths.clone()) {
        out.varint(least);
        write_offsets(lengths.map(|len| len - least), count, greatest - least, out);
    }
}

/// The lengths, and the items of all one after the other.
impl<T: Wire> Wire for Vec<T> {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::List);
        T::schema(schema);
    }

    column_of_one!();

    fn encode_column<'a>(values: impl Iterator<Item = &'a Self> + Clone, out: &mut Writer)
    where
        Self: 'a,
    {
        write_lengths(values.clone().map(Self::len), out);
        T::encode_column(values.flatten(), out);
    }

    fn decode_column(count: usize, input: &mut Reader<'_>) -> Result<Vec<Self>, DecodeError> {
        let lengths = u64::decode_column(count, input)?;
        let mut total = 0;
        for len in &lengths {
            total += input.spend(*len)?;
        }
        let mut items = T::decode_column(total, input)?.into_iter();
        #[allow(clippy::cast_possible_truncation)] // spent above
        Ok(lengths.into_iter().map(|len| items.by_ref().take(len as usize).collect()).collect())
    }
}

/// One bit for each that says whether it is there, and then those that are.
impl<T: Wire> Wire for Option<T> {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::Option);
        T::schema(schema);
    }

    column_of_one!();

    fn encode_column<'a>(values: impl Iterator<Item = &'a Self> + Clone, out: &mut Writer)
    where
        Self: 'a,
    {
        write_bits(values.clone().map(Self::is_some), out);
        T::encode_column(values.flatten(), out);
    }

    fn decode_column(count: usize, input: &mut Reader<'_>) -> Result<Vec<Self>, DecodeError> {
        let there = read_bits(count, input)?;
        let some = there.clone().filter(|is_some| *is_some).count();
        let mut some = T::decode_column(some, input)?.into_iter();
        Ok(there.map(|is_some| if is_some { some.next() } else { None }).collect())
    }
}

/// One column for each part.
macro_rules! tuple {
    ($($name:ident $index:tt $column:ident),+: $tag:ident) => {
        impl<$($name: Wire),+> Wire for ($($name,)+) {
            fn schema(schema: &mut Schema) {
                schema.tag(Tag::$tag);
                $($name::schema(schema);)+
            }

            fn encode(&self, out: &mut Writer) {
                $(self.$index.encode(out);)+
            }

            fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Ok(($($name::decode(input)?,)+))
            }

            fn encode_column<'a>(values: impl Iterator<Item = &'a Self> + Clone, out: &mut Writer)
            where
                Self: 'a,
            {
                $($name::encode_column(values.clone().map(|value| &value.$index), out);)+
            }

            fn decode_column(count: usize, input: &mut Reader<'_>) -> Result<Vec<Self>, DecodeError> {
                $(let mut $column = $name::decode_column(count, input)?.into_iter();)+
                let next = || Some(($($column.next()?,)+));
                Ok(iter::from_fn(next).collect())
            }
        }
    };
}
tuple!(A 0 a: Tuple1);
tuple!(A 0 a, B 1 b: Tuple2);
tuple!(A 0 a, B 1 b, C 2 c: Tuple3);
tuple!(A 0 a, B 1 b, C 2 c, D 3 d: Tuple4);

/// Another name for what is within.
macro_rules! wrapper {
    ($($wrapper:ident: $tag:ident),+) => {$(
        impl<T: Wire> Wire for $wrapper<T> {
            fn schema(schema: &mut Schema) {
                schema.tag(Tag::$tag);
                T::schema(schema);
            }

            fn encode(&self, out: &mut Writer) {
                self.0.encode(out);
            }

            fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
                T::decode(input).map($wrapper)
            }

            fn encode_column<'a>(values: impl Iterator<Item = &'a Self> + Clone, out: &mut Writer)
            where
                Self: 'a,
            {
                T::encode_column(values.map(|value| &value.0), out);
            }

            fn decode_column(count: usize, input: &mut Reader<'_>) -> Result<Vec<Self>, DecodeError> {
                Ok(T::decode_column(count, input)?.into_iter().map($wrapper).collect())
            }
        }
    )+};
}
wrapper!(Max: Max, Min: Min);

/// A column of the keys, which are in order, and the values one after the other.
impl<K: Wire + Ord, V: Wire> Wire for BTreeMap<K, V> {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::Map);
        K::schema(schema);
        V::schema(schema);
    }

    fn encode(&self, out: &mut Writer) {
        out.count(self.len());
        K::encode_column(self.keys(), out);
        V::encode_column(self.values(), out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = input.count()?;
        let keys = sorted(K::decode_column(count, input)?, input)?;
        Ok(keys.into_iter().zip(V::decode_column(count, input)?).collect())
    }
}

/// As a [`BTreeMap`] of the same entries, whatever their order here.
#[cfg(feature = "std")]
impl<K, V, S> Wire for std::collections::HashMap<K, V, S>
where
    K: Wire + Ord + core::hash::Hash,
    V: Wire,
    S: core::hash::BuildHasher + Default,
{
    fn schema(schema: &mut Schema) {
        BTreeMap::<K, V>::schema(schema);
    }

    fn encode(&self, out: &mut Writer) {
        let mut entries: Vec<_> = self.iter().collect();
        entries.sort_unstable_by_key(|(key, _)| *key);
        out.count(entries.len());
        K::encode_column(entries.iter().map(|(key, _)| *key), out);
        V::encode_column(entries.iter().map(|(_, value)| *value), out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(BTreeMap::decode(input)?.into_iter().collect())
    }
}

/// A column of the elements, which are in order.
impl<T: Wire + Ord> Wire for BTreeSet<T> {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::Set);
        T::schema(schema);
    }

    fn encode(&self, out: &mut Writer) {
        out.count(self.len());
        T::encode_column(self.iter(), out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = input.count()?;
        Ok(sorted(T::decode_column(count, input)?, input)?.into_iter().collect())
    }
}

fn sorted<T: Ord>(keys: Vec<T>, input: &Reader<'_>) -> Result<Vec<T>, DecodeError> {
    if keys.windows(2).all(|pair| pair[0] < pair[1]) {
        return Ok(keys);
    }
    Err(input.malformed("keys are repeated or out of order"))
}

impl Wire for ReplicaId {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::ReplicaId);
    }

    fn encode(&self, out: &mut Writer) {
        let (bytes, len) = (self.name_bytes(), self.name_len());
        if self.incarnation() == 0 {
            out.count(len);
            out.bytes(&bytes[..len]);
        } else {
            out.count(len | REBORN);
            out.bytes(&bytes[..len]);
            out.varint(u64::from(self.incarnation()));
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.replica()
    }
}

impl Wire for Timestamp {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::Timestamp);
    }

    fn encode(&self, out: &mut Writer) {
        out.varint(self.as_millis());
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.varint().map(Self::from_millis)
    }
}

impl Wire for Stamp {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::Stamp);
    }

    fn encode(&self, out: &mut Writer) {
        self.time.encode(out);
        self.replica.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { time: Timestamp::decode(input)?, replica: ReplicaId::decode(input)? })
    }
}
