//! [`NumberError`]: a number that a [`Value`](super::Value) cannot hold.

use super::pointer::write_name;
use alloc::{boxed::Box, format, string::String};
use core::{error::Error, fmt};

/// A number that a [`Value`](super::Value) cannot hold: it is neither an integer of 64 bits nor a
/// finite `f64`. It says which number, and where it is.
///
/// The size of a pointer. It converts into a [`DocumentError`](crate::document::DocumentError) and
/// into an [`Error`](crate::Error).
///
/// # Examples
///
/// ```
/// use rejoin::value::Number;
///
/// let error = Number::try_from(f64::NAN).unwrap_err();
/// assert_eq!((error.number(), error.path()), ("NaN", ""));
/// assert_eq!(
///     error.to_string(),
///     "the root is NaN, which is neither a 64-bit integer nor a finite 64-bit float: write it as a string"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberError(Box<Refused>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Refused {
    /// A JSON Pointer, from the value that was handed over.
    path: String,
    number: String,
}

/// Of a number that is longer, only the start is shown.
const SHOWN_MAX: usize = 60;

impl NumberError {
    #[cold]
    pub(crate) fn new(number: impl fmt::Display) -> Self {
        let mut number = format!("{number}");
        // Digits and signs, unless somebody has forged it.
        if let Some((end, _)) = number.char_indices().nth(SHOWN_MAX) {
            number.truncate(end);
            number.push_str("...");
        }
        Self(Box::new(Refused { path: String::new(), number }))
    }

    /// The same, seen from the container in which it is the field or the item with this name.
    #[cold]
    pub(crate) fn inside(mut self, step: impl fmt::Display) -> Self {
        let mut path = String::new();
        // Writing to a string does not fail.
        let _ = write_name(&mut path, &format!("{step}"));
        path.push_str(&self.0.path);
        self.0.path = path;
        self
    }

    /// Where the number is, as a JSON Pointer from the value that was handed over: `""` if it is
    /// that number itself.
    ///
    /// [The type](Self) has an example.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// The number as it was spelled, or the start of it if it is long; `NaN`, `inf` or `-inf` for a
    /// float that is not finite.
    ///
    /// [The type](Self) has an example.
    pub fn number(&self) -> &str {
        &self.0.number
    }

    /// What is to be said of a number somewhere.
    pub(crate) fn explain(f: &mut fmt::Formatter<'_>, path: &str, number: &str) -> fmt::Result {
        let path = if path.is_empty() { "the root" } else { path };
        write!(
            f,
            "{path} is {number}, which is neither a 64-bit integer nor a finite 64-bit float: \
             write it as a string"
        )
    }
}

impl fmt::Display for NumberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Self::explain(f, self.path(), self.number())
    }
}

impl Error for NumberError {}
