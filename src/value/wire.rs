//! The canonical bytes of JSON values, and of what writes share with them.

use super::{Number, Repr, Value, pointer::DEPTH_MAX};
use crate::wire::{DecodeError, Reader, Schema, Tag, Wire, Writer};
use alloc::{collections::BTreeMap, string::String, vec::Vec};

/// What a write says, or a value is.
pub(crate) mod kind {
    pub(crate) const NULL: u8 = 0;
    pub(crate) const FALSE: u8 = 1;
    pub(crate) const TRUE: u8 = 2;
    pub(crate) const NATURAL: u8 = 3;
    pub(crate) const NEGATIVE: u8 = 4;
    pub(crate) const FLOAT: u8 = 5;
    pub(crate) const TEXT: u8 = 6;
    pub(crate) const OBJECT: u8 = 7;
    pub(crate) const ARRAY: u8 = 8;
    pub(crate) const KEYED_ARRAY: u8 = 9;
    pub(crate) const COUNT: u8 = 10;
    pub(crate) const PLACE: u8 = 11;
    /// Added to the kind of a write whose birth follows.
    pub(crate) const BORN: u8 = 0x80;
    /// Added to the kind of a write followed by what it replaced of counts.
    pub(crate) const COUNTED: u8 = 0x40;
}

pub(crate) const fn kind_of_number(number: Number) -> u8 {
    match number.repr() {
        Repr::Natural(_) => kind::NATURAL,
        Repr::Negative(_) => kind::NEGATIVE,
        Repr::Float(_) => kind::FLOAT,
    }
}

pub(crate) fn write_number(number: Number, out: &mut Writer) {
    let (_, bits) = number.to_bits();
    match number.repr() {
        Repr::Natural(_) => out.varint(bits),
        Repr::Negative(_) => out.varint(!bits),
        Repr::Float(_) => out.bytes(&bits.to_le_bytes()),
    }
}

pub(crate) fn read_number(kind: u8, input: &mut Reader<'_>) -> Result<Number, DecodeError> {
    let number = match kind {
        kind::NATURAL => Some(Number::from(input.varint()?)),
        kind::NEGATIVE => i64::try_from(input.varint()?).ok().map(|number| Number::from(!number)),
        _ => {
            let mut bits = [0; 8];
            bits.copy_from_slice(input.bytes(8)?);
            Number::from_f64(f64::from_le_bytes(bits))
        }
    };
    number.ok_or_else(|| input.malformed("a number is not in its canonical form"))
}

pub(crate) fn write_text(text: &str, out: &mut Writer) {
    out.count(text.len());
    out.bytes(text.as_bytes());
}

pub(crate) fn read_text<'a>(input: &mut Reader<'a>) -> Result<&'a str, DecodeError> {
    let len = usize::try_from(input.varint()?).unwrap_or(usize::MAX);
    let bytes = input.text_bytes(len)?;
    core::str::from_utf8(bytes).map_err(|_| input.malformed("a text is not UTF-8"))
}

/// The value, part by part: arrays and objects with their length, fields by name.
impl Wire for Value {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::Value);
    }

    fn encode(&self, out: &mut Writer) {
        match self {
            Self::Null => out.byte(kind::NULL),
            Self::Bool(truth) => out.byte(if *truth { kind::TRUE } else { kind::FALSE }),
            Self::Number(number) => {
                out.byte(kind_of_number(*number));
                write_number(*number, out);
            }
            Self::String(text) => {
                out.byte(kind::TEXT);
                write_text(text, out);
            }
            Self::Array(items) => {
                out.byte(kind::ARRAY);
                out.count(items.len());
                for item in items {
                    item.encode(out);
                }
            }
            Self::Object(fields) => {
                out.byte(kind::OBJECT);
                out.count(fields.len());
                for (name, value) in fields {
                    write_text(name, out);
                    value.encode(out);
                }
            }
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        read_value(input, 0)
    }
}

fn read_value(input: &mut Reader<'_>, depth: usize) -> Result<Value, DecodeError> {
    Ok(match input.byte()? {
        kind::NULL => Value::Null,
        kind::FALSE => Value::Bool(false),
        kind::TRUE => Value::Bool(true),
        kind @ (kind::NATURAL | kind::NEGATIVE | kind::FLOAT) => {
            Value::Number(read_number(kind, input)?)
        }
        kind::TEXT => Value::String(read_text(input)?.into()),
        kind::ARRAY => {
            check_depth(depth + 1, input)?;
            let count = input.count()?;
            let mut items = Vec::with_capacity(input.room(count, size_of::<Value>()));
            for _ in 0..count {
                items.push(read_value(input, depth + 1)?);
            }
            Value::Array(items)
        }
        kind::OBJECT => {
            check_depth(depth + 1, input)?;
            let mut fields = BTreeMap::<String, Value>::new();
            for _ in 0..input.count()? {
                let name = read_text(input)?;
                if fields.last_key_value().is_some_and(|(last, _)| **last >= *name) {
                    return Err(input.malformed("a field is repeated or out of order"));
                }
                fields.insert(name.into(), read_value(input, depth + 1)?);
            }
            Value::Object(fields)
        }
        _ => return Err(input.malformed("the kind of a value is unknown")),
    })
}

fn check_depth(depth: usize, input: &Reader<'_>) -> Result<(), DecodeError> {
    input.check_depth(depth)?;
    if depth > DEPTH_MAX {
        return Err(input.malformed("a value nests deeper than 127 levels"));
    }
    Ok(())
}
