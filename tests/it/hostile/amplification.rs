//! Any bytes, read as two documents and a delta, merged and reported: nothing that is made of them
//! is much larger than what came and what is in the documents, or takes many more steps.

use super::decoding::tags;
use crate::{
    cpu::cpu_time,
    encoded::{bytes, compact, json},
};
use allocation_counter::measure;
use rejoin::{
    DeltaState, Document, Merge,
    document::{DocumentDelta, Report},
    wire::{self, Wire},
};
use std::{hint::black_box, time::Duration};

/// What one call may allocate at one time: so much for nothing at all, and for each byte of what is
/// in its documents and deltas.
const BYTES: (u64, u64) = (16_384, 32);

/// How often it may allocate, likewise: a step that allocates nothing is bounded by the time.
const TIMES: (u64, u64) = (512, 1);

/// Of the thread's own computing, and generous: far from what a square would take.
const TIME: (Duration, Duration) = (Duration::from_secs(2), Duration::from_micros(100));

/// What was dearest.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Dearest {
    pub(crate) bytes: f64,
    pub(crate) times: f64,
}

/// How large a document or a delta is: its bytes, and its JSON form, in which a long text that is
/// there often is spelled as often.
#[derive(Clone, Copy, Default)]
struct Size(u64);

impl Size {
    fn of<T: Wire + serde::Serialize>(value: &T) -> Self {
        Self((bytes(value).len() + json(value).len()) as u64)
    }

    fn and(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

struct Meter<'a> {
    dearest: &'a mut Dearest,
    came: &'a str,
}

impl Meter<'_> {
    fn run<T>(&mut self, what: &str, size: Size, call: impl FnOnce() -> T) -> T {
        let (mut result, started) = (None, cpu_time());
        let used = measure(|| result = Some(black_box(call())));
        let took = cpu_time().zip(started).map(|(now, then)| now.saturating_sub(then));
        let (size, took) = (size.0, took.unwrap_or_default());
        let came = self.came;
        let all = format!(
            "{came}: {what} of {size} bytes: {} at one time, {} allocations, {took:?}",
            used.bytes_max, used.count_total
        );
        assert!(used.bytes_max <= BYTES.0 + BYTES.1 * size, "{all}");
        assert!(used.count_total <= TIMES.0 + TIMES.1 * size, "{all}");
        assert!(took <= TIME.0 + TIME.1 * u32::try_from(size).unwrap_or(u32::MAX), "{all}");
        let rate = |used: u64, free: u64| used.saturating_sub(free) as f64 / size.max(1) as f64;
        self.dearest.bytes = self.dearest.bytes.max(rate(used.bytes_max, BYTES.0));
        self.dearest.times = self.dearest.times.max(rate(used.count_total, TIMES.0));
        result.unwrap()
    }

    /// Everything that is made of one value.
    fn written<T: Wire + serde::Serialize>(&mut self, what: &str, value: &T) {
        let size = Size::of(value);
        self.run(&format!("the JSON form of {what}"), size, || json(value));
        self.run(&format!("the compact form of {what}"), size, || compact(value));
        self.run(&format!("the bytes of {what}"), size, || bytes(value));
    }

    /// A report, once it is there: spelling one path costs its length.
    fn report(&mut self, size: Size, report: &Report) {
        let mut paths = report.changes().iter().map(|it| &it.path);
        let longest = paths.by_ref().chain(report.conflicts().iter().map(|it| &it.path)).max();
        let spelled = longest.map(|path| self.run("a path", size, || path.to_string()));
        assert!(spelled.is_none_or(|text| text.len() as u64 <= 2 * size.0 + 4_096));
    }
}

/// Two documents that meet, and a delta that comes to the first.
pub(crate) fn check(
    came: &str,
    [ours, theirs]: [&Document; 2],
    delta: &DocumentDelta,
    dearest: &mut Dearest,
) {
    let mut meter = Meter { dearest, came };
    let (our_size, their_size) = (Size::of(ours), Size::of(theirs));
    meter.written("a document", ours);
    meter.written("a delta", delta);
    meter.run("the value", our_size, || ours.to_value());
    meter.run("the text", our_size, || ours.to_string());
    meter.run("the open conflicts", our_size, || ours.conflicts());

    let both = our_size.and(their_size);
    let mut merged = ours.clone();
    meter.run("merging", both, || merged.merge(theirs));
    meter.run("the conflicts open after it", both, || merged.conflicts());
    meter.run("the value after it", both, || merged.to_value());
    let mut told = ours.clone();
    let report = meter.run("merging with a report", both, || told.merge_reporting(theirs));
    meter.report(both, &report);
    let lacking = meter.run("a delta since", both, || theirs.delta_since(&ours.version()));
    let mut told = ours.clone();
    meter.run("applying that", both, || told.apply_reporting(&lacking));

    let with_delta = our_size.and(Size::of(delta));
    let mut applied = ours.clone();
    meter.run("applying", with_delta, || applied.apply(delta));
    let mut told = ours.clone();
    let report = meter.run("applying with a report", with_delta, || told.apply_reporting(delta));
    meter.report(with_delta, &report);
    assert_eq!(told, applied);
}

fn read<T: Wire + Default>(which: u8, body: &[u8]) -> T {
    let whole = [&[0xf9, b'j', 1], tags(which), body].concat();
    wire::from_bytes(&whole).unwrap_or_default()
}

/// Four bytes tell the lengths of the two documents, and the rest is the delta: canonical bytes
/// without their envelopes. What cannot be read is nothing.
pub(super) fn amplification(data: &[u8]) {
    meet(data, &mut Dearest::default());
}

pub(crate) fn meet(data: &[u8], dearest: &mut Dearest) {
    let Some((len, data)) = data.split_first_chunk::<4>() else { return };
    let split = |data: &'_ [u8], len: [u8; 2]| usize::from(u16::from_le_bytes(len)).min(data.len());
    let (ours, data) = data.split_at(split(data, [len[0], len[1]]));
    let (theirs, delta) = data.split_at(split(data, [len[2], len[3]]));
    let (ours, theirs): (Document, Document) = (read(9, ours), read(9, theirs));
    let delta: DocumentDelta = read(11, delta);
    check("fuzzed", [&ours, &theirs], &delta, dearest);
    check("fuzzed, the other way", [&theirs, &ours], &delta, dearest);
}
