//! [`Number`]: a JSON number with a total order.

use super::NumberError;
use core::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
};

/// A JSON number: an integer of 64 bits, signed or not, or a finite `f64`. [`Value`](super::Value)
/// says what becomes of other numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(Repr);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Repr {
    /// Below zero.
    Negative(i64),
    /// Zero or above.
    Natural(u64),
    /// Finite.
    Float(Finite),
}

/// A finite `f64` under its total order: `-0.0` is less than `0.0`, and differs from it.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub(crate) struct Finite(f64);

impl PartialEq for Finite {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Finite {}

impl PartialOrd for Finite {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Finite {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Hash for Finite {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

/// How an integer of up to 65 bits compares with a finite float.
#[allow(clippy::cast_possible_truncation)] // the cast saturates, past any such integer
fn cmp_integer(integer: i128, float: f64) -> Ordering {
    let whole = float as i128;
    // What the cast cut off, which is exact: only floats below 2^53 have such a part.
    #[allow(clippy::cast_precision_loss)]
    let rest = float - whole as f64;
    integer.cmp(&whole).then_with(|| 0.0.partial_cmp(&rest).unwrap_or(Ordering::Equal))
}

impl Number {
    /// The number of an integer of zero or above.
    pub(super) const fn natural(natural: u64) -> Self {
        Self(Repr::Natural(natural))
    }

    /// The number of an integer below zero.
    pub(super) const fn negative(negative: i64) -> Self {
        Self(Repr::Negative(negative))
    }

    /// The number of an `f64`; `None` if it is infinite or not a number. O(1).
    ///
    /// ```
    /// use rejoin::value::Number;
    /// assert_eq!(Number::from_f64(1.5).map(|number| number.as_f64()), Some(1.5));
    /// assert_eq!(Number::from_f64(f64::INFINITY), None);
    /// ```
    pub fn from_f64(float: f64) -> Option<Self> {
        float.is_finite().then_some(Self(Repr::Float(Finite(float))))
    }

    /// The order of what two numbers are worth, exactly: 1 and 1.0 are worth the same.
    pub(crate) fn cmp_worth(self, other: Self) -> Ordering {
        let integer = |number: Self| match number.0 {
            Repr::Negative(integer) => Ok(i128::from(integer)),
            Repr::Natural(integer) => Ok(i128::from(integer)),
            Repr::Float(Finite(float)) => Err(float),
        };
        match (integer(self), integer(other)) {
            (Ok(ours), Ok(theirs)) => ours.cmp(&theirs),
            (Err(ours), Err(theirs)) => ours.partial_cmp(&theirs).unwrap_or(Ordering::Equal),
            (Ok(ours), Err(theirs)) => cmp_integer(ours, theirs),
            (Err(ours), Ok(theirs)) => cmp_integer(theirs, ours).reverse(),
        }
    }

    /// Whether it is an integer that an `i64` holds: whether [`as_i64`](Self::as_i64) returns one.
    /// O(1).
    ///
    /// ```
    /// use rejoin::value::Number;
    /// assert!(Number::from(-1).is_i64());
    /// assert!(!Number::from(u64::MAX).is_i64());
    /// ```
    pub fn is_i64(&self) -> bool {
        self.as_i64().is_some()
    }

    /// Whether it is an integer that a `u64` holds: whether [`as_u64`](Self::as_u64) returns one.
    /// O(1).
    ///
    /// ```
    /// use rejoin::value::Number;
    /// assert!(Number::from(1).is_u64());
    /// assert!(!Number::from(-1).is_u64());
    /// ```
    pub const fn is_u64(&self) -> bool {
        matches!(self.0, Repr::Natural(_))
    }

    /// Whether it was made from an `f64`, even a whole one such as `1.0`. O(1).
    ///
    /// ```
    /// use rejoin::value::Number;
    /// assert!(Number::from_f64(1.0).is_some_and(|number| number.is_f64()));
    /// assert!(!Number::from(1).is_f64());
    /// ```
    pub const fn is_f64(&self) -> bool {
        matches!(self.0, Repr::Float(_))
    }

    /// The integer, if it is one that a `u64` holds. O(1).
    ///
    /// ```
    /// use rejoin::value::Number;
    /// assert_eq!(Number::from(1).as_u64(), Some(1));
    /// assert_eq!(Number::from(-1).as_u64(), None);
    /// ```
    pub const fn as_u64(&self) -> Option<u64> {
        match self.0 {
            Repr::Natural(natural) => Some(natural),
            _ => None,
        }
    }

    /// The integer, if it is one that an `i64` holds. O(1).
    ///
    /// ```
    /// use rejoin::value::Number;
    /// assert_eq!(Number::from(-1).as_i64(), Some(-1));
    /// assert_eq!(Number::from(u64::MAX).as_i64(), None);
    /// ```
    pub fn as_i64(&self) -> Option<i64> {
        match self.0 {
            Repr::Negative(negative) => Some(negative),
            Repr::Natural(natural) => i64::try_from(natural).ok(),
            Repr::Float(_) => None,
        }
    }

    /// The number as an `f64`; an integer is rounded to the nearest one. O(1).
    ///
    /// ```
    /// use rejoin::value::Number;
    /// assert_eq!(Number::from(3).as_f64(), 3.0);
    /// ```
    #[allow(clippy::cast_precision_loss)]
    pub const fn as_f64(&self) -> f64 {
        match self.0 {
            Repr::Negative(negative) => negative as f64,
            Repr::Natural(natural) => natural as f64,
            Repr::Float(float) => float.0,
        }
    }

    /// The number of a representation that was read from outside, if it is one.
    #[cfg(feature = "serde")]
    pub(crate) fn checked(repr: Repr) -> Option<Self> {
        match repr {
            Repr::Negative(negative) => (negative < 0).then_some(Self(repr)),
            Repr::Natural(_) => Some(Self(repr)),
            Repr::Float(float) => Self::from_f64(float.0),
        }
    }

    /// Which representation, and its bits: what tells numbers apart on every machine.
    pub(crate) const fn to_bits(self) -> (u64, u64) {
        match self.0 {
            Repr::Negative(negative) => (0, u64::from_ne_bytes(negative.to_ne_bytes())),
            Repr::Natural(natural) => (1, natural),
            Repr::Float(float) => (2, float.0.to_bits()),
        }
    }

    pub(crate) const fn repr(self) -> Repr {
        self.0
    }
}

/// [`Number::from_f64`], with an error that names a number that is infinite or not a number. O(1).
///
/// ```
/// use rejoin::value::Number;
/// assert_eq!(Number::try_from(1.5)?.as_f64(), 1.5);
/// assert_eq!(Number::try_from(f64::INFINITY).unwrap_err().number(), "inf");
/// # Ok::<(), rejoin::value::NumberError>(())
/// ```
impl TryFrom<f64> for Number {
    type Error = NumberError;

    fn try_from(float: f64) -> Result<Self, NumberError> {
        Self::from_f64(float).ok_or_else(|| NumberError::new(float))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Repr::Negative(negative) => negative.fmt(f),
            Repr::Natural(natural) => natural.fmt(f),
            // Debug keeps the point of `1.0` and the exponent of `1e300`.
            Repr::Float(float) => write!(f, "{:?}", float.0),
        }
    }
}
