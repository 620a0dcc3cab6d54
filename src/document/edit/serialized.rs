//! What `serde_json` makes of a type, with the numbers that it would write as `null` caught.

use super::input::{Input, Repr};
use crate::value::NumberError;
use alloc::string::{String, ToString};
use core::{cell::RefCell, fmt::Display};
use serde::{
    Serialize, Serializer,
    ser::{self, Error as _},
};

/// The number that was refused, with the path that is known of it so far.
type Found = RefCell<Option<NumberError>>;

pub(in crate::document) fn serialized<T: Serialize + ?Sized>(
    value: &T,
) -> Result<Input<'static>, serde_json::Error> {
    let found = Found::default();
    let serializer = Caught { inner: serde_json::value::Serializer, found: &found };
    match value.serialize(serializer) {
        Ok(json) => Ok(json.into()),
        Err(error) => found.into_inner().map_or(Err(error), |it| Ok(Input(Repr::Refused(it)))),
    }
}

/// A serializer, or a part of one, that refuses numbers which JSON cannot say.
struct Caught<'f, S> {
    inner: S,
    found: &'f Found,
}

/// The same for what has parts.
struct Within<'f, I> {
    inner: I,
    found: &'f Found,
    /// The field in which a variant has its parts.
    variant: Option<&'static str>,
    /// How many items there were.
    count: usize,
    /// The name of the field whose value comes next, in a map.
    name: String,
}

/// A value that is serialized inside of another.
struct Part<'a, 'f, T: ?Sized> {
    value: &'a T,
    found: &'f Found,
}

impl<T: Serialize + ?Sized> Serialize for Part<'_, '_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(Caught { inner: serializer, found: self.found })
    }
}

/// Names the container's field or item on the way back from a number that was refused.
fn inside<T, E>(result: Result<T, E>, found: &Found, step: impl Display) -> Result<T, E> {
    if result.is_err() {
        found.replace_with(|it| it.take().map(|error| error.inside(step)));
    }
    result
}

impl<'f, S: Serializer> Caught<'f, S> {
    fn refused(self, number: impl Display) -> Result<S::Ok, S::Error> {
        let error = NumberError::new(number);
        let message = error.to_string();
        self.found.replace(Some(error));
        Err(S::Error::custom(message))
    }

    fn within<I>(
        self,
        variant: Option<&'static str>,
        begin: impl FnOnce(S) -> Result<I, S::Error>,
    ) -> Result<Within<'f, I>, S::Error> {
        let (inner, found) = (begin(self.inner)?, self.found);
        Ok(Within { inner, found, variant, count: 0, name: String::new() })
    }
}

macro_rules! as_it_is {
    ($($name:ident($($arg:ident: $type:ty),*);)*) => {$(
        fn $name(self, $($arg: $type),*) -> Result<S::Ok, S::Error> {
            self.inner.$name($($arg),*)
        }
    )*};
}

impl<'f, S: Serializer> Serializer for Caught<'f, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Within<'f, S::SerializeSeq>;
    type SerializeTuple = Within<'f, S::SerializeTuple>;
    type SerializeTupleStruct = Within<'f, S::SerializeTupleStruct>;
    type SerializeTupleVariant = Within<'f, S::SerializeTupleVariant>;
    type SerializeMap = Within<'f, S::SerializeMap>;
    type SerializeStruct = Within<'f, S::SerializeStruct>;
    type SerializeStructVariant = Within<'f, S::SerializeStructVariant>;

    as_it_is! {
        serialize_bool(truth: bool);
        serialize_i8(integer: i8);
        serialize_i16(integer: i16);
        serialize_i32(integer: i32);
        serialize_i64(integer: i64);
        serialize_u8(integer: u8);
        serialize_u16(integer: u16);
        serialize_u32(integer: u32);
        serialize_u64(integer: u64);
        serialize_char(letter: char);
        serialize_str(text: &str);
        serialize_bytes(bytes: &[u8]);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(name: &'static str);
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str);
    }

    /// The same `f64` in every build: as a text, the nearest one to `0.1_f32` would be another.
    fn serialize_f32(self, float: f32) -> Result<S::Ok, S::Error> {
        self.serialize_f64(float.into())
    }

    fn serialize_f64(self, float: f64) -> Result<S::Ok, S::Error> {
        if float.is_finite() { self.inner.serialize_f64(float) } else { self.refused(float) }
    }

    fn serialize_i128(self, integer: i128) -> Result<S::Ok, S::Error> {
        match (u64::try_from(integer), i64::try_from(integer)) {
            (Ok(natural), _) => self.inner.serialize_u64(natural),
            (_, Ok(integer)) => self.inner.serialize_i64(integer),
            _ => self.refused(integer),
        }
    }

    fn serialize_u128(self, natural: u128) -> Result<S::Ok, S::Error> {
        match u64::try_from(natural) {
            Ok(natural) => self.inner.serialize_u64(natural),
            Err(_) => self.refused(natural),
        }
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.serialize_some(&Part { value, found: self.found })
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.inner.serialize_newtype_struct(name, &Part { value, found: self.found })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let part = Part { value, found: self.found };
        let result = self.inner.serialize_newtype_variant(name, index, variant, &part);
        inside(result, self.found, variant)
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        self.within(None, |inner| inner.serialize_seq(len))
    }

    fn serialize_tuple(self, len: usize) -> Result<Self::SerializeTuple, S::Error> {
        self.within(None, |inner| inner.serialize_tuple(len))
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleStruct, S::Error> {
        self.within(None, |inner| inner.serialize_tuple_struct(name, len))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        self.within(Some(variant), |it| it.serialize_tuple_variant(name, index, variant, len))
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        self.within(None, |inner| inner.serialize_map(len))
    }

    fn serialize_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStruct, S::Error> {
        self.within(None, |inner| inner.serialize_struct(name, len))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        self.within(Some(variant), |it| it.serialize_struct_variant(name, index, variant, len))
    }

    fn collect_str<T: Display + ?Sized>(self, text: &T) -> Result<S::Ok, S::Error> {
        self.inner.collect_str(text)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

impl<'f, I> Within<'f, I> {
    const fn part<'a, T: ?Sized>(&self, value: &'a T) -> Part<'a, 'f, T> {
        Part { value, found: self.found }
    }

    /// Names the field or the item on the way back from a number that was refused.
    fn at<T, E>(&self, result: Result<T, E>, step: impl Display) -> Result<T, E> {
        let result = inside(result, self.found, step);
        match self.variant {
            Some(variant) => inside(result, self.found, variant),
            None => result,
        }
    }
}

macro_rules! items {
    ($($trait:ident::$add:ident;)*) => {$(
        impl<I: ser::$trait> ser::$trait for Within<'_, I> {
            type Ok = I::Ok;
            type Error = I::Error;

            fn $add<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), I::Error> {
                let part = self.part(item);
                let result = self.inner.$add(&part);
                let result = self.at(result, self.count);
                self.count += 1;
                result
            }

            fn end(self) -> Result<I::Ok, I::Error> {
                self.inner.end()
            }
        }
    )*};
}

items! {
    SerializeSeq::serialize_element;
    SerializeTuple::serialize_element;
    SerializeTupleStruct::serialize_field;
    SerializeTupleVariant::serialize_field;
}

macro_rules! fields {
    ($($trait:ident;)*) => {$(
        impl<I: ser::$trait> ser::$trait for Within<'_, I> {
            type Ok = I::Ok;
            type Error = I::Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), I::Error> {
                let part = self.part(value);
                let result = self.inner.serialize_field(name, &part);
                self.at(result, name)
            }

            fn skip_field(&mut self, name: &'static str) -> Result<(), I::Error> {
                self.inner.skip_field(name)
            }

            fn end(self) -> Result<I::Ok, I::Error> {
                self.inner.end()
            }
        }
    )*};
}

fields! {
    SerializeStruct;
    SerializeStructVariant;
}

/// The name that `serde_json` gives to a field with this key.
fn name_of<K: Serialize + ?Sized>(key: &K) -> String {
    match serde_json::to_value(key) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

impl<I: ser::SerializeMap> ser::SerializeMap for Within<'_, I> {
    type Ok = I::Ok;
    type Error = I::Error;

    fn serialize_key<K: Serialize + ?Sized>(&mut self, key: &K) -> Result<(), I::Error> {
        self.name = name_of(key);
        self.inner.serialize_key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), I::Error> {
        let part = self.part(value);
        let result = self.inner.serialize_value(&part);
        self.at(result, &self.name)
    }

    fn serialize_entry<K: Serialize + ?Sized, T: Serialize + ?Sized>(
        &mut self,
        key: &K,
        value: &T,
    ) -> Result<(), I::Error> {
        let part = self.part(value);
        match self.inner.serialize_entry(key, &part) {
            Ok(()) => Ok(()),
            refused => self.at(refused, name_of(key)),
        }
    }

    fn end(self) -> Result<I::Ok, I::Error> {
        self.inner.end()
    }
}
