//! [`KeyRange`] and [`Summary`]: a part of a table, and what it comes to.

use crate::sync::Fingerprint;
use alloc::vec::Vec;
use core::ops::{Add, AddAssign, Bound, Sub, SubAssign};

/// The keys from `start` up to, but without, `end`; to the last key if there is no end. Keys are
/// compared byte by byte.
///
/// ```
/// use rejoin::sync::KeyRange;
///
/// let range = KeyRange::new(b"b", Some(b"d"));
/// assert!(range.contains(b"b") && range.contains(b"cat") && !range.contains(b"d"));
/// assert!(KeyRange::all().contains(b""));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct KeyRange {
    start: Vec<u8>,
    end: Option<Vec<u8>>,
}

impl KeyRange {
    /// All keys.
    #[must_use]
    pub const fn all() -> Self {
        Self { start: Vec::new(), end: None }
    }

    /// The keys from `start` up to `end`. It is empty if the end is not behind the start. [The
    /// type](Self) has an example.
    #[must_use]
    pub fn new(start: &[u8], end: Option<&[u8]>) -> Self {
        Self { start: start.into(), end: end.map(|end| end.max(start).into()) }
    }

    /// The first key that is inside, if it is in the table.
    ///
    /// ```
    /// # use rejoin::sync::KeyRange;
    /// assert_eq!(KeyRange::all().start(), b"");
    /// ```
    pub fn start(&self) -> &[u8] {
        &self.start
    }

    /// The first key that is no longer inside; `None` if all that follow are.
    ///
    /// ```
    /// # use rejoin::sync::KeyRange;
    /// assert_eq!(KeyRange::all().end(), None);
    /// ```
    pub fn end(&self) -> Option<&[u8]> {
        self.end.as_deref()
    }

    /// Whether the key is inside. [The type](Self) has an example.
    pub fn contains(&self, key: &[u8]) -> bool {
        *self.start <= *key && self.is_before_end(key)
    }

    fn is_before_end(&self, key: &[u8]) -> bool {
        self.end.as_ref().is_none_or(|end| *key < **end)
    }

    /// For `BTreeMap::range`, which panics if they are in the wrong order; these never are.
    ///
    /// ```
    /// use rejoin::sync::KeyRange;
    /// use std::collections::BTreeMap;
    ///
    /// let table = BTreeMap::from([(b"a".to_vec(), 1), (b"b".to_vec(), 2), (b"c".to_vec(), 3)]);
    /// let range = KeyRange::new(b"b", None);
    /// assert_eq!(table.range::<[u8], _>(range.bounds()).count(), 2);
    /// ```
    pub fn bounds(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
        let end = self.end().map_or(Bound::Unbounded, Bound::Excluded);
        (Bound::Included(&self.start), end)
    }

    /// What is left of it from this key on.
    pub(super) fn from(mut self, start: Vec<u8>) -> Self {
        self.start = start;
        self
    }

    pub(super) const fn of(start: Vec<u8>, end: Option<Vec<u8>>) -> Self {
        Self { start, end }
    }

    /// Whether all of the other, which is not empty, is inside.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let ends = match (&self.end, &other.end) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(ours), Some(theirs)) => theirs <= ours,
        };
        self.start <= other.start && ends
    }

    /// Whether a key may divide it in two.
    pub(super) fn has_inside(&self, key: &[u8]) -> bool {
        *self.start < *key && self.is_before_end(key)
    }
}

/// How many rows there are in a range, and the sum of their
/// [fingerprints](crate::sync::Fingerprint::keyed). Two tables with equal summaries of a range hold
/// the same in it.
///
/// ```
/// use rejoin::sync::{Fingerprint, Summary};
///
/// let row = Summary::of_row(Fingerprint::of(&7_u64).keyed(b"key"));
/// let both = row + Summary::of_row(Fingerprint::of(&8_u64).keyed(b"other"));
/// assert_eq!((both - row).count, 1);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many rows.
    pub count: u64,
    /// The sum of their fingerprints.
    pub sum: Fingerprint,
}

impl Summary {
    /// Of one row. [The type](Self) has an example.
    #[must_use]
    pub const fn of_row(fingerprint: Fingerprint) -> Self {
        Self { count: 1, sum: fingerprint }
    }

    /// 32 bits in place of it, other ones in each message: what two ranges have in common by
    /// accident in one message, they have not in the next.
    pub(super) fn check(self, message: u64) -> u32 {
        let said = [message.to_le_bytes(), self.count.to_le_bytes()].concat();
        #[allow(clippy::cast_possible_truncation)] // 32 bits of it
        let check = self.sum.keyed(&said).to_parts().1 as u32;
        check
    }
}

impl Add for Summary {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { count: self.count.wrapping_add(other.count), sum: self.sum + other.sum }
    }
}

impl Sub for Summary {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { count: self.count.wrapping_sub(other.count), sum: self.sum - other.sum }
    }
}

impl AddAssign for Summary {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Summary {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

#[cfg(test)]
mod tests {
    use super::Summary;
    use crate::sync::Fingerprint;

    #[test]
    fn the_checks_of_two_questions_say_nothing_about_each_other() {
        let one = Summary::of_row(Fingerprint::of(&1_u64));
        assert_eq!(one.check(7), one.check(7));
        assert_ne!(one.check(7), one.check(8));
        assert_ne!(one.check(7), Summary { count: 2, ..one }.check(7));
    }
}
