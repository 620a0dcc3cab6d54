//! Columns: many values of one kind, packed.
//!
//! None of them lets a stranger turn a few bytes into many values: a value takes at least one bit.

use super::{DecodeError, Reader, Writer};
use crate::time::Timestamp;
use alloc::vec::Vec;

/// How far some numbers are from the least of them, which is written separately: a width in bytes,
/// the least in which all fit, and each in that width, low bytes first. A single number has width
/// 0; if there are several, each takes at least one byte.
pub(super) fn write_offsets(
    offsets: impl Iterator<Item = u64>,
    count: usize,
    greatest: u64,
    out: &mut Writer,
) {
    let width = width(count, greatest);
    out.byte(width);
    match width {
        0 => {}
        1 => put::<1>(offsets, count, out),
        2 => put::<2>(offsets, count, out),
        3 => put::<3>(offsets, count, out),
        4 => put::<4>(offsets, count, out),
        5 => put::<5>(offsets, count, out),
        6 => put::<6>(offsets, count, out),
        7 => put::<7>(offsets, count, out),
        _ => put::<8>(offsets, count, out),
    }
}

/// The least and the greatest of some numbers, and how many there are; `None` if there are none.
pub(super) fn range<T: Copy + Ord>(mut numbers: impl Iterator<Item = T>) -> Option<(T, T, usize)> {
    let first = numbers.next()?;
    // Folded, since an iterator over blocks steps through each on its own.
    Some(numbers.fold((first, first, 1), |(least, greatest, count), number| {
        (least.min(number), greatest.max(number), count + 1)
    }))
}

/// As [`write_offsets`] writes them; `count` is at least 1.
pub(super) fn read_offsets(count: usize, input: &mut Reader<'_>) -> Result<Vec<u64>, DecodeError> {
    let told = input.byte()?;
    let len = count.checked_mul(told.into()).filter(|_| told <= 8);
    let bytes = input.bytes(len.ok_or_else(|| input.malformed("a column is too wide"))?)?;
    let offsets = match told {
        0 => alloc::vec![0],
        1 => take::<1>(bytes),
        2 => take::<2>(bytes),
        3 => take::<3>(bytes),
        4 => take::<4>(bytes),
        5 => take::<5>(bytes),
        6 => take::<6>(bytes),
        7 => take::<7>(bytes),
        _ => take::<8>(bytes),
    };
    let of = range(offsets.iter().copied());
    if !of.is_some_and(|(least, greatest, _)| least == 0 && told == width(count, greatest)) {
        return Err(input.malformed("a column of numbers is not in its canonical form"));
    }
    Ok(offsets)
}

/// The width of the offsets, given how many there are and the greatest.
#[allow(clippy::cast_possible_truncation)] // at most 8
const fn width(count: usize, greatest: u64) -> u8 {
    let least = (u64::BITS - greatest.leading_zeros()).div_ceil(8) as u8;
    if count > 1 && least == 0 { 1 } else { least }
}

fn put<const WIDTH: usize>(offsets: impl Iterator<Item = u64>, count: usize, out: &mut Writer) {
    let mut places = out.extend(count * WIDTH).chunks_exact_mut(WIDTH);
    offsets.for_each(|offset| {
        if let Some(place) = places.next() {
            place.copy_from_slice(&offset.to_le_bytes()[..WIDTH]);
        }
    });
}

fn take<const WIDTH: usize>(bytes: &[u8]) -> Vec<u64> {
    let offset = |chunk: &[u8]| {
        let mut wide = [0; 8];
        wide[..WIDTH].copy_from_slice(chunk);
        u64::from_le_bytes(wide)
    };
    bytes.chunks_exact(WIDTH).map(offset).collect()
}

/// Truths, a bit each: the first in the lowest bit of the first byte. What is left of the last byte
/// is zero.
pub(super) fn write_bits(truths: impl Iterator<Item = bool>, out: &mut Writer) {
    let (mut byte, mut used) = (0, 0);
    for truth in truths {
        byte |= u8::from(truth) << used;
        used += 1;
        if used == 8 {
            out.byte(byte);
            (byte, used) = (0, 0);
        }
    }
    if used > 0 {
        out.byte(byte);
    }
}

/// As [`write_bits`] writes them.
pub(super) fn read_bits<'a>(
    count: usize,
    input: &mut Reader<'a>,
) -> Result<impl Iterator<Item = bool> + Clone + use<'a>, DecodeError> {
    let bytes = input.bytes(count.div_ceil(8))?;
    let spare = (8 - count % 8) % 8;
    if bytes
        .last()
        .is_some_and(|last| u32::try_from(spare).is_ok_and(|spare| last.leading_zeros() < spare))
    {
        return Err(input.malformed("bits after the last one are set"));
    }
    Ok((0..count).map(|at| bytes[at / 8] >> (at % 8) & 1 == 1))
}

/// Times, as runs of equal ones: how many runs less one, and of each its length less one and how
/// far it is from the run before, modulo 2⁶⁴; the first from zero.
pub(crate) fn write_times(times: impl Iterator<Item = Timestamp>, out: &mut Writer) {
    let mut runs = Vec::<(u64, u64)>::new();
    for time in times.map(Timestamp::as_millis) {
        match runs.last_mut() {
            Some((last, len)) if *last == time => *len += 1,
            _ => runs.push((time, 1)),
        }
    }
    if runs.is_empty() {
        return;
    }
    out.count(runs.len() - 1);
    let mut last = 0;
    for (time, len) in runs {
        out.varint(len - 1);
        #[allow(clippy::cast_possible_wrap)] // modulo 2⁶⁴
        out.varint(zigzag(time.wrapping_sub(last) as i64));
        last = time;
    }
}

/// As [`write_times`] writes them. Beside what takes a bit at least for each, since a run of them
/// may take nothing.
pub(crate) fn read_times(
    count: usize,
    input: &mut Reader<'_>,
) -> Result<Vec<Timestamp>, DecodeError> {
    let mut times = Vec::with_capacity(count);
    if count == 0 {
        return Ok(times);
    }
    let (runs, mut last) = (input.varint()?, 0_u64);
    for run in 0..=runs {
        let len = usize::try_from(input.varint()?).ok().filter(|len| *len < count - times.len());
        let len = len.ok_or_else(|| input.malformed("there are more times than writes"))?;
        let step = unzigzag(input.varint()?);
        if step == 0 && run > 0 {
            return Err(input.malformed("a run of times is cut in two"));
        }
        last = last.wrapping_add_signed(step);
        times.resize(times.len() + len + 1, Timestamp::from_millis(last));
    }
    if times.len() < count {
        return Err(input.malformed("there are fewer times than writes"));
    }
    Ok(times)
}

/// Signed numbers as unsigned ones, small ones small: 0, -1, 1, -2, ...
#[allow(clippy::cast_sign_loss)] // the bits
pub(crate) const fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

#[allow(clippy::cast_possible_wrap)] // the bits
pub(crate) const fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}
