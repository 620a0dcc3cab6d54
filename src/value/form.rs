//! The serde form of values: JSON where people read, tokens otherwise.

use super::{Number, NumberError, Repr, Value, pointer::DEPTH_MAX};
use crate::listed::Listed;
use alloc::{borrow::Cow, collections::BTreeMap, string::String, vec, vec::Vec};
use core::fmt;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};

/// A value in formats that do not describe themselves: its parts in the order of its text, so
/// that nothing recurses while reading.
#[derive(Serialize, Deserialize)]
enum Token<'a> {
    Null,
    Bool(bool),
    Number(Repr),
    String(Cow<'a, str>),
    Array(u64),
    Object(u64),
}

fn tokens<'a>(value: &'a Value, out: &mut Vec<Token<'a>>) {
    match value {
        Value::Null => out.push(Token::Null),
        Value::Bool(truth) => out.push(Token::Bool(*truth)),
        Value::Number(number) => out.push(Token::Number(number.repr())),
        Value::String(text) => out.push(Token::String(text.into())),
        Value::Array(items) => {
            out.push(Token::Array(items.len() as u64));
            for item in items {
                tokens(item, out);
            }
        }
        Value::Object(fields) => {
            out.push(Token::Object(fields.len() as u64));
            for (name, value) in fields {
                out.push(Token::String(name.into()));
                tokens(value, out);
            }
        }
    }
}

/// The value that the next tokens spell.
fn spelled<'a>(
    tokens: &mut impl Iterator<Item = Token<'a>>,
    levels: usize,
) -> Result<Value, &'static str> {
    let inside = || levels.checked_sub(1).ok_or("a value nests too deep");
    Ok(match tokens.next().ok_or("a value ends early")? {
        Token::Null => Value::Null,
        Token::Bool(truth) => Value::Bool(truth),
        Token::Number(repr) => {
            Value::Number(Number::checked(repr).ok_or("a number is not in its canonical form")?)
        }
        Token::String(text) => Value::String(text.into_owned()),
        Token::Array(len) => {
            let levels = inside()?;
            // Grown as items come: a length that lies must not allocate.
            let items = (0..len).map(|_| spelled(tokens, levels));
            let mut array = vec![];
            for item in items {
                array.push(item?);
            }
            Value::Array(array)
        }
        Token::Object(len) => {
            let levels = inside()?;
            let mut fields = BTreeMap::<String, Value>::new();
            for _ in 0..len {
                let Some(Token::String(name)) = tokens.next() else {
                    return Err("a field has no name");
                };
                let in_order = fields.last_key_value().is_none_or(|(last, _)| **last < *name);
                if !in_order {
                    return Err("a field is repeated or out of order");
                }
                fields.insert(name.into_owned(), spelled(tokens, levels)?);
            }
            Value::Object(fields)
        }
    })
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            let mut all = Vec::new();
            tokens(self, &mut all);
            return all.serialize(serializer);
        }
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(truth) => serializer.serialize_bool(*truth),
            Self::Number(number) => match number.repr() {
                Repr::Negative(negative) => serializer.serialize_i64(negative),
                Repr::Natural(natural) => serializer.serialize_u64(natural),
                Repr::Float(_) => serializer.serialize_f64(number.as_f64()),
            },
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(items) => serializer.collect_seq(items),
            Self::Object(fields) => serializer.collect_map(fields),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return Readable { levels: DEPTH_MAX }.deserialize(deserializer);
        }
        let mut tokens = Listed::<Token<'de>>::deserialize(deserializer)?.0.into_iter();
        let value = spelled(&mut tokens, DEPTH_MAX).map_err(D::Error::custom)?;
        match tokens.next() {
            None => Ok(value),
            Some(_) => Err(D::Error::custom("something follows the end of a value")),
        }
    }
}

/// Reads a value with at most this many levels from a format that describes itself.
#[derive(Clone, Copy)]
struct Readable {
    levels: usize,
}

impl Readable {
    fn inside<E: Error>(self) -> Result<Self, E> {
        let levels = self.levels.checked_sub(1);
        let levels = levels.ok_or_else(|| E::custom("a value nests too deep"))?;
        Ok(Self { levels })
    }
}

impl<'de> DeserializeSeed<'de> for Readable {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Readable {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Value, E> {
        Ok(truth.into())
    }

    fn visit_i64<E: Error>(self, integer: i64) -> Result<Value, E> {
        Ok(integer.into())
    }

    fn visit_u64<E: Error>(self, natural: u64) -> Result<Value, E> {
        Ok(natural.into())
    }

    fn visit_f64<E: Error>(self, float: f64) -> Result<Value, E> {
        Number::from_f64(float).map(Value::Number).ok_or_else(|| refused(float))
    }

    fn visit_i128<E: Error>(self, integer: i128) -> Result<Value, E> {
        let below_zero = |_| i64::try_from(integer).map(Value::from).map_err(|_| refused(integer));
        u64::try_from(integer).map(Value::from).or_else(below_zero)
    }

    fn visit_u128<E: Error>(self, natural: u128) -> Result<Value, E> {
        u64::try_from(natural).map(Value::from).map_err(|_| refused(natural))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        let inside = self.inside()?;
        while let Some(item) = seq.next_element_seed(inside)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            if name == ARBITRARY_PRECISION && fields.is_empty() {
                return number_spelled(&map.next_value::<String>()?);
            }
            // The last one counts, as in `serde_json::Value`.
            fields.insert(name, map.next_value_seed(self.inside()?)?);
        }
        // Also where it is empty.
        self.inside::<A::Error>()?;
        Ok(Value::Object(fields))
    }
}

/// The name under which `serde_json` hands out numbers where some crate in the build has turned on
/// its feature `arbitrary_precision`.
const ARBITRARY_PRECISION: &str = "$serde_json::private::Number";

fn number_spelled<E: Error>(text: &str) -> Result<Value, E> {
    let number = Number::spelled(text).ok_or_else(|| refused(text))?;
    Ok(Value::Number(number))
}

/// Formats know where they are, so only the number is named.
#[cold]
fn refused<E: Error>(number: impl fmt::Display) -> E {
    let error = NumberError::new(number);
    E::custom(format_args!(
        "{} is neither a 64-bit integer nor a finite 64-bit float",
        error.number()
    ))
}
