//! [`Value`]: a JSON value with a total order.

mod access;
mod error;
#[cfg(feature = "serde")]
mod form;
mod from;
#[cfg(feature = "json")]
pub(crate) mod json;
mod number;
pub(crate) mod pointer;
#[cfg(feature = "serde")]
mod spelled;
pub(crate) mod text;
pub(crate) mod wire;

pub use access::Index;
pub use error::NumberError;
pub use number::Number;
pub(crate) use number::Repr;

use alloc::{collections::BTreeMap, string::String, vec::Vec};
use core::fmt;

/// A JSON value: what documents are made of and what they return.
///
/// It is used like `serde_json::Value`: it has the same accessors ([`get`](Self::get),
/// [`pointer`](Self::pointer), [`as_str`](Self::as_str), ...), indexing that returns `null` where
/// nothing is, and `From` for the usual types. With feature `json` each converts into the other:
/// `Value::try_from(json)?` and `serde_json::Value::from(value)`.
///
/// ```
/// use rejoin::value::Value;
///
/// let message = Value::from_iter([
///     ("id", Value::from("m1")),
///     ("likes", 3_usize.into()),
///     ("author", None::<&str>.into()),
///     ("tags", ["urgent", "refund"].into()),
/// ]);
/// assert_eq!(message["likes"], 3);
/// assert_eq!(message["tags"][0], "urgent");
/// assert_eq!(message.pointer("/tags/1").and_then(Value::as_str), Some("refund"));
/// assert!(message["author"].is_null() && message["nobody"]["there"].is_null());
/// assert_eq!(message["tags"].to_string(), r#"["urgent","refund"]"#);
/// ```
///
/// # Order
///
/// Values are totally ordered, so every replica agrees which of two values is greater. Numbers
/// compare by how they are written: `1` and `1.0` differ, as they do in `serde_json`, and so do
/// `0.0` and `-0.0`.
///
/// # Numbers
///
/// A [`Number`] is an integer of 64 bits, signed or not, or a finite `f64`, and stays exactly what
/// it is. What becomes of other numbers:
///
/// - **A float that is infinite or not a number** has no JSON. `Value::from` makes it `null`, as
///   `serde_json` does, and [`Number::try_from`] refuses it. An edit of a document refuses it, alone
///   and inside of lists, maps and [types that are serialized](crate::document::Input): nothing
///   becomes `null` there.
/// - **Where `serde_json` is built as usual**, it reads a number that is not a 64-bit integer as the
///   nearest `f64` before it hands it on: `18446744073709551616`, which is 2⁶⁴, as
///   `1.8446744073709552e19`. Nobody can see that afterwards. It refuses `1e400` itself.
/// - **Where some crate of the build has turned on its feature `arbitrary_precision`**, numbers are
///   handed on as texts. Then a text is taken if it spells a 64-bit integer, or is a decimal that
///   the nearest `f64` is printed as: with the fewest digits, or with as many as there are. So
///   `0.1`, `1.50` and `0.10000000000000001` are taken. Longer integers, `1e400` and
///   `0.10000000000000000001` are refused with a [`NumberError`], a
///   [`DocumentError`](crate::document::DocumentError) or the error of the format, which names them.
///
/// To keep a number with more digits, write it as a string.
///
/// If a JSON text has several fields with one name, the last one counts, as in `serde_json`.
///
/// # Depth
///
/// A value that this crate returns or reads nests at most 127 levels deep. One that a program
/// builds may nest deeper, and every edit refuses it. But dropping, cloning, comparing, printing,
/// encoding and converting a value recurse, as they do with `serde_json::Value`, and overflow the
/// stack if it nests too deep. On a thread with 2 MiB of stack, as `std` gives its threads,
/// dropping objects inside of objects takes about 13,000 levels, and 3,000 without optimisation;
/// converting them to `serde_json`, which needs the most, 2,600 and 900. With 8 MiB it is four
/// times as many. (Measured on `x86_64` Linux; arrays need less.)
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Self>),
    /// An object, its fields sorted by name.
    Object(BTreeMap<String, Self>),
}

/// The kind of a JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "lowercase"))]
pub enum Kind {
    /// `null`, a boolean, a number or a string.
    Scalar,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Scalar => "a scalar",
            Self::Array => "an array",
            Self::Object => "an object",
        })
    }
}
