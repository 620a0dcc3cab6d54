//! Any bytes, read as any type: a value that is sound, or an error.

use crate::{
    encoded::{Sent, bytes, through_bytes, through_compact, through_json},
    tried::{tried_delta, tried_merge},
};
use rejoin::{
    BoundedCounter, CausalMap, DeltaState, Document, EnableFlag, FlagDelta, GCounter, Gauge, Known,
    LwwRegister, MapDelta, Merge, MvRegister, OrMap, OrSet, PnCounter, Presence, PresenceDelta,
    PresenceVersion, RegisterDelta, ReplicaId, SetDelta, Stamp, Timestamp, VectorClock, Version,
    causal::{CausalContext, Digest, DotKernel},
    document::{DocumentDelta, Value},
    laws::Invariants,
    sync::Gate,
    wire,
};

/// What reading may allocate at one time: so much for nothing at all, and for each byte read.
const ALLOWED: (u64, u64) = (16_384, 512);

/// Bincode makes room for a text before it is there, unless it is told how much may come.
const LIMIT: usize = 8_192;

trait Form: Clone + Sent {}
impl<T: Clone + Sent> Form for T {}

/// A way to read some values of one type that stand one after the other.
trait Reader: Copy {
    fn read<T: Form>(self, data: &[u8]) -> Vec<T>;

    fn within_bounds<T: Form>(self, data: &[u8]) -> Vec<T> {
        let mut values = Vec::new();
        let used = allocation_counter::measure(|| values = self.read(data)).bytes_max;
        let allowed = ALLOWED.0 + ALLOWED.1 * data.len() as u64;
        assert!(used <= allowed, "{used} bytes allocated to read {}", data.len());
        values
    }
}

#[derive(Clone, Copy)]
struct Json;

impl Reader for Json {
    fn read<T: Form>(self, data: &[u8]) -> Vec<T> {
        let values = serde_json::Deserializer::from_slice(data).into_iter();
        values.map_while(Result::ok).take(2).collect()
    }
}

#[derive(Clone, Copy)]
struct Binary;

impl Reader for Binary {
    fn read<T: Form>(self, mut data: &[u8]) -> Vec<T> {
        let mut values = Vec::new();
        while let (true, Ok((value, read))) = (
            values.len() < 2,
            bincode::serde::decode_from_slice(
                data,
                bincode::config::standard().with_limit::<{ LIMIT }>(),
            ),
        ) {
            values.push(value);
            data = &data[read..];
        }
        values
    }
}

/// The canonical bytes without their envelope: two bytes tell the length of the first value, and
/// the second is the rest. A fuzzer that had to guess the envelope would try little else.
#[derive(Clone, Copy)]
struct Canonical(u8);

impl Reader for Canonical {
    fn read<T: Form>(self, data: &[u8]) -> Vec<T> {
        let Some((len, data)) = data.split_first_chunk() else { return Vec::new() };
        let first = usize::from(u16::from_le_bytes(*len)).min(data.len());
        let (first, second) = data.split_at(first);
        let read = |body: &[u8]| {
            let whole = [&[0xf9, b'j', 1], tags(self.0), body].concat();
            let value = wire::from_bytes::<T>(&whole);
            match &value {
                Ok(value) => assert_eq!(bytes(value), whole, "one spelling"),
                Err(error) => assert!(!error.is_wrong_type() && error.offset() <= whole.len()),
            }
            value.ok()
        };
        [first, second].into_iter().filter(|body| !body.is_empty()).filter_map(read).collect()
    }
}

/// What names a type in its bytes.
pub(crate) const fn tags(which: u8) -> &'static [u8] {
    match which % 30 {
        0 => &[1],
        1 => &[2],
        2 => &[3],
        3 => &[4, 0x2c],
        4 => &[5, 0x2c],
        5 => &[6],
        6 => &[7, 0x2c],
        7 => &[8, 0x2c, 0x25],
        8 => &[0xb, 0x2c],
        9 | 10 => &[9],
        11 => &[0xa],
        12 => &[0xc],
        13 => &[0xd],
        14 => &[0x2d],
        15 => &[0x2f],
        16 => &[0x2e],
        17 => &[0x31],
        18 => &[0x32, 0x2c],
        19 => &[0x33, 0x2c, 0x25],
        20 => &[0x34, 0x2c],
        21 => &[0x35],
        22 => &[0x36],
        23 => &[0x60],
        24 => &[0x61, 0x2c, 3],
        25 => &[0x61, 0x25, 0x61, 0x2c, 7, 0x25],
        26 => &[0x63],
        27 => &[0x64, 0x2c, 0x25],
        28 => &[0x65, 0x2c, 0x25],
        _ => &[0x66],
    }
}

type Counts = CausalMap<String, PnCounter>;
type Sets = CausalMap<u64, CausalMap<String, OrSet<u64>>>;

type Checked = Result<(), &'static str>;

fn sound<T: Form>(value: &T, check: impl Fn(&T) -> Checked) {
    check(value).unwrap();
    let back = through_json(value);
    assert_eq!(back, *value);
    check(&back).unwrap();
    assert_eq!(bytes(&back), bytes(value), "equal values are written alike");
    assert_eq!(through_bytes(value), *value);
    assert_eq!(through_compact(value), *value);
}

fn plain<T: Form>(reader: impl Reader, data: &[u8], check: impl Fn(&T) -> Checked) {
    reader.within_bounds(data).iter().for_each(|value| sound(value, &check));
}

/// Two values that may well be forged to contradict each other: merging them has to be sound, and
/// the same in both orders.
fn lattice<T: Form + Merge>(reader: impl Reader, data: &[u8], check: impl Fn(&T) -> Checked) {
    let values: Vec<T> = reader.within_bounds(data);
    for value in &values {
        sound(value, &check);
        let mut twice = value.clone();
        assert!(!twice.merge(value), "idempotent");
        assert_eq!(twice, *value);
    }
    if let [ours, theirs] = &values[..] {
        let (mut here, mut there) = (ours.clone(), theirs.clone());
        assert_eq!(here.merge(theirs), here != *ours);
        there.merge(ours);
        assert_eq!(here, there, "commutative");
        assert!(!here.merge(theirs), "above both");
        sound(&here, &check);
    }
}

/// A gate lets a delta in if and only if all that it would add is by whom may write.
fn guarded<T: Form + DeltaState<Version: Known> + Default>(state: &T, delta: &T::Delta) {
    let writer = ReplicaId::from_u128(1);
    let me = writer.with_incarnation(1);
    let passes = Gate::new().writers([writer]).not_mine(me).check(state, delta).is_ok();
    let mut after = state.clone();
    after.apply(delta);
    let mut is_by_writer = true;
    after.version().beyond(&state.version(), &mut |by| {
        is_by_writer &= by.with_incarnation(0) == writer && by != me;
    });
    assert_eq!(passes, is_by_writer);
}

/// And what is edited afterwards, and what is sent.
fn state<T: Form + DeltaState<Version: Known> + Default>(
    reader: impl Reader,
    data: &[u8],
    check: impl Fn(&T) -> Checked,
    edit: impl Fn(&mut T) -> Option<T::Delta>,
) where
    T::Delta: Clone,
{
    lattice(reader, data, &check);
    let values: Vec<T> = reader.read(data);
    for value in &values {
        let mut edited = value.clone();
        let Some(delta) = edit(&mut edited) else {
            assert_eq!(edited, *value, "a refused edit changes nothing");
            continue;
        };
        sound(&edited, &check);
        let mut told = value.clone();
        told.apply_owned(delta);
        assert_eq!(told, edited, "the delta does what the edit did");
    }
    if let [ours, theirs] = &values[..] {
        let mut told = ours.clone();
        told.apply_owned(theirs.delta_since(&ours.version()));
        sound(&told, &check);
        guarded(ours, &theirs.delta_since(&T::Version::default()));
    }
}

/// What one would do to the other is told, and not done.
fn try_documents(documents: &[Document]) {
    for ours in documents {
        for theirs in documents {
            tried_merge(ours, theirs);
            tried_delta(ours, &theirs.delta_since(&ours.version()));
        }
    }
}

/// And what a delta says can be told, whatever it is.
fn try_deltas(deltas: &[DocumentDelta]) {
    for ours in deltas {
        let mut document = Document::new();
        document.apply(ours);
        deltas.iter().for_each(|theirs| _ = tried_delta(&document, theirs));
        assert_eq!(ours.writes().len(), ours.write_count());
        let told = ours.writes().chain(ours.removals());
        assert_eq!(told.clone().map(|it| it.time()).max(), ours.latest());
        for write in told {
            assert!(ours.replicas().any(|replica| replica == write.replica()));
            let path = write.path();
            assert!(path.matches(&"/*".repeat(path.steps().len())).unwrap());
            assert!(path.starts_with("").unwrap() && !format!("{write:?} {path}").is_empty());
        }
    }
}

#[allow(clippy::unnecessary_wraps)] // as the others
const fn fine<T>(_: &T) -> Checked {
    Ok(())
}

fn read(reader: impl Reader, data: &[u8]) {
    let Some((which, data)) = data.split_first() else { return };
    let id = ReplicaId::from_u128(1);
    let now = Timestamp::from_millis(1);
    match which % 30 {
        0 => state(reader, data, VectorClock::check_invariants, |it| it.increment(id).ok()),
        1 => state(reader, data, GCounter::check_invariants, |it| it.increment(3, id).ok()),
        2 => state(reader, data, PnCounter::check_invariants, |it| it.decrement(3, id).ok()),
        3 => {
            state::<LwwRegister<String>>(reader, data, fine, |it| it.set("x".into(), id, now).ok());
        }
        4 => state::<MvRegister<String>>(reader, data, MvRegister::check_invariants, |it| {
            it.set("x".into(), id).ok()
        }),
        5 => state(reader, data, EnableFlag::check_invariants, |it| it.enable(id).ok()),
        6 => state::<OrSet<String>>(reader, data, OrSet::check_invariants, |it| {
            it.insert("x".into(), id).ok()
        }),
        7 => state::<OrMap<String, u64>>(reader, data, OrMap::check_invariants, |it| {
            it.insert("x".into(), 3, id, now).ok()
        }),
        8 => state::<DotKernel<String>>(reader, data, DotKernel::check_invariants, |it| {
            let over: Vec<_> = it.iter().map(|write| write.0).take(3).collect();
            it.write("x".into(), &over, id).ok()
        }),
        9 | 10 => {
            state(reader, data, Document::check_invariants, |it| {
                it.set("", Value::from_iter([("x", "y")]), id, now).ok()
            });
            try_documents(&reader.read(data));
        }
        11 => {
            lattice(reader, data, DocumentDelta::check_invariants);
            try_deltas(&reader.read(data));
        }
        12 => lattice(reader, data, CausalContext::check_invariants),
        13 => plain(reader, data, Digest::check_invariants),
        14 => plain::<ReplicaId>(reader, data, fine),
        15 => plain::<Stamp>(reader, data, fine),
        16 => plain::<Timestamp>(reader, data, fine),
        17 => plain::<Value>(reader, data, fine),
        18 => lattice::<SetDelta<String>>(reader, data, SetDelta::check_invariants),
        19 => lattice::<MapDelta<String, u64>>(reader, data, MapDelta::check_invariants),
        20 => lattice::<RegisterDelta<String>>(reader, data, RegisterDelta::check_invariants),
        21 => lattice(reader, data, FlagDelta::check_invariants),
        22 => plain(reader, data, Version::check_invariants),
        23 => state(reader, data, Gauge::check_invariants, |it| it.open(3, id).ok()),
        24 => state::<Counts>(reader, data, CausalMap::check_invariants, |it| {
            it.entry("x".into()).increment(3, id).ok()
        }),
        25 => state::<Sets>(reader, data, CausalMap::check_invariants, |it| {
            it.entry(7).entry("x".into()).insert(3, id).ok()
        }),
        26 => state(reader, data, BoundedCounter::check_invariants, |it| {
            let _ = (it.decrement(2, id), it.value(), it.by_replica());
            it.transfer(1, id, ReplicaId::from_u128(2)).ok()
        }),
        27 => state(reader, data, Presence::<String, u64>::check_invariants, |it| {
            it.join("x".to_owned(), 7, id).ok()
        }),
        28 => lattice::<PresenceDelta<String, u64>>(reader, data, PresenceDelta::check_invariants),
        _ => plain(reader, data, PresenceVersion::check_invariants),
    }
}

pub(super) fn json(data: &[u8]) {
    read(Json, data);
}

pub(super) fn binary(data: &[u8]) {
    read(Binary, data);
}

pub(super) fn canonical(data: &[u8]) {
    if let Some(which) = data.first() {
        read(Canonical(*which), data);
    }
}
