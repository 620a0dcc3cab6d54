//! The number that a JSON text spells.

use super::Number;
use alloc::{
    format,
    string::{String, ToString},
};

/// No `f64` has more significant digits than this, written out in full.
const DIGITS_MAX: usize = 767;

impl Number {
    /// The number that a JSON text spells; `None` if it spells none, or one that is not a `Number`.
    ///
    /// An integer is what it is. Anything with a point or an exponent is the nearest `f64`, if it
    /// is a spelling of it: the shortest one, or as many of its digits as there are in the text. So
    /// `0.1` and `0.10000000000000001` are both spellings of one float, and the text
    /// `0.100000000000000000001` is a number that no float is.
    pub(super) fn spelled(text: &str) -> Option<Self> {
        let (digits, exponent) = decimal(text)?;
        if !text.contains(['.', 'e', 'E']) && text != "-0" {
            let natural = text.parse::<u64>().ok().map(Self::from);
            return natural.or_else(|| text.parse::<i64>().ok().map(Self::from));
        }
        let number = Self::from_f64(text.parse().ok()?)?;
        let (float, len) = (number.as_f64(), digits.len());
        let is = |spelling: String| {
            decimal(&spelling).is_some_and(|it| it.0 == digits && it.1 == exponent)
        };
        let is_spelled = is(format!("{float:e}"))
            || (1..=DIGITS_MAX).contains(&len) && is(format!("{float:.*e}", len - 1));
        is_spelled.then_some(number)
    }
}

/// The digits of a JSON number, from the first to the last that is not zero, and the power of ten of
/// the last; `None` if the text is not a JSON number.
fn decimal(text: &str) -> Option<(String, i64)> {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, power) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let is_number = is_digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && is_digits(part)
        && is_digits(power.strip_prefix(['+', '-']).unwrap_or(power));
    if !is_number {
        return None;
    }
    let digits = format!("{whole}{part}");
    let until_last = digits.trim_end_matches('0');
    let significant = until_last.trim_start_matches('0');
    if significant.is_empty() {
        return Some((String::new(), 0));
    }
    // A power that an `i64` does not hold is that of no float.
    let power: i64 = power.parse().unwrap_or(i64::MAX);
    let places = i64::try_from(until_last.len()).ok()? - i64::try_from(whole.len()).ok()?;
    Some((significant.to_string(), power.saturating_sub(places)))
}
