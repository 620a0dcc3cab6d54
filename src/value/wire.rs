//! The canonical bytes of JSON values, and of what writes share with them.

use super::{Number, Repr, Value, pointer::DEPTH_MAX};
use crate::wire::{DecodeError, Reader, Schema, Tag, Wire, Writer, unzigzag, zigzag};
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
    /// An array with what tells its items apart, and what they are ordered by.
    pub(crate) const FORMED_ARRAY: u8 = 9;
    pub(crate) const COUNT: u8 = 10;
    pub(crate) const PLACE: u8 = 11;
    /// A whole value as one write.
    pub(crate) const ATOM: u8 = 12;
    pub(crate) const REMOVED: u8 = 13;
    /// Added to the kind of a write followed by how it is chosen among others.
    pub(crate) const RULED: u8 = 0x20;
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
            Self::Number(number) => match short(*number) {
                Some(Short::Natural(natural)) => out.byte(SMALL | natural),
                Some(Short::Decimal { mantissa, digits }) => {
                    out.byte(DECIMAL | digits);
                    out.varint(zigzag(mantissa));
                }
                None => {
                    out.byte(kind_of_number(*number));
                    write_number(*number, out);
                }
            },
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
            let number = read_number(kind, input)?;
            if short(number).is_some() {
                return Err(input.malformed("a number is not in its canonical form"));
            }
            Value::Number(number)
        }
        small @ SMALL..DECIMAL => Value::Number(u64::from(small & !SMALL).into()),
        decimal @ DECIMAL..=DECIMAL_LAST => Value::Number(read_decimal(decimal & !DECIMAL, input)?),
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

/// The kind of a natural number below 64, with the number.
const SMALL: u8 = 0x40;
/// The kind of a decimal with up to 15 digits after the point, with their number.
const DECIMAL: u8 = 0x80;
const DECIMAL_LAST: u8 = DECIMAL | 15;

/// A number that is spelled in fewer bytes than its 64 bits.
enum Short {
    Natural(u8),
    /// The float that is nearest to `mantissa` / 10^`digits`.
    Decimal {
        mantissa: i64,
        digits: u8,
    },
}

/// Below this, no two decimals of up to 15 digits after the point are nearest to the same float, and
/// a mantissa takes at most 7 bytes.
const MANTISSA: i64 = 1 << 46;

const POWERS: [f64; 16] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

fn short(number: Number) -> Option<Short> {
    match number.repr() {
        Repr::Natural(natural) => {
            u8::try_from(natural).ok().filter(|it| *it < 64).map(Short::Natural)
        }
        Repr::Negative(_) => None,
        Repr::Float(_) => (0..16).zip(POWERS).find_map(|(digits, power)| {
            let mantissa = nearest(number.as_f64() * power)?;
            let is_exact = decimal(mantissa, power).to_bits() == number.as_f64().to_bits();
            is_exact.then_some(Short::Decimal { mantissa, digits })
        }),
    }
}

/// The nearest integer, if it is small enough for a mantissa.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)] // both are exact
fn nearest(float: f64) -> Option<i64> {
    if float.abs() >= MANTISSA as f64 {
        return None;
    }
    let whole = float as i64;
    let rest = float - whole as f64;
    Some(whole + i64::from(rest >= 0.5) - i64::from(rest <= -0.5))
}

/// Division rounds to the nearest float, and both sides are exact.
#[allow(clippy::cast_precision_loss)]
fn decimal(mantissa: i64, power: f64) -> f64 {
    mantissa as f64 / power
}

fn read_decimal(digits: u8, input: &mut Reader<'_>) -> Result<Number, DecodeError> {
    let mantissa = unzigzag(input.varint()?);
    let power = POWERS.get(usize::from(digits)).copied().unwrap_or(1.0);
    let is_least = digits == 0 || mantissa % 10 != 0;
    let is_canonical = is_least && mantissa.unsigned_abs() < MANTISSA.unsigned_abs();
    let number = Some(decimal(mantissa, power)).filter(|_| is_canonical);
    let number = number.and_then(Number::from_f64);
    number.ok_or_else(|| input.malformed("a number is not in its canonical form"))
}

fn check_depth(depth: usize, input: &Reader<'_>) -> Result<(), DecodeError> {
    input.check_depth(depth)?;
    if depth > DEPTH_MAX {
        return Err(input.malformed("a value nests deeper than 127 levels"));
    }
    Ok(())
}
