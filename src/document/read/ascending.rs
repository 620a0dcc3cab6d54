//! [`longest_ascending`]: which items of a list may stay where they are when others move.

use alloc::{vec, vec::Vec};

/// Which of the numbers are part of one longest ascending subsequence. O(n log n).
pub(crate) fn longest_ascending(numbers: &[Option<usize>]) -> Vec<bool> {
    // For each length, where the subsequence of that length with the least end ends.
    let mut ends: Vec<usize> = Vec::new();
    let mut before = vec![None; numbers.len()];
    for (at, number) in numbers.iter().enumerate().filter(|it| it.1.is_some()) {
        let len = ends.partition_point(|end| numbers[*end] < *number);
        before[at] = len.checked_sub(1).map(|shorter| ends[shorter]);
        match ends.get_mut(len) {
            Some(end) => *end = at,
            None => ends.push(at),
        }
    }
    let mut ascending = vec![false; numbers.len()];
    let mut next = ends.last().copied();
    while let Some(at) = next {
        ascending[at] = true;
        next = before[at];
    }
    ascending
}
