//! The canonical bytes: one spelling for each value, forever; and nothing that a stranger's bytes
//! can do but be refused.

use crate::{
    cpu::cpu_time,
    effort::{count, one_in},
    encoded::{Sent, bytes, json, seen, through_bytes},
    replica,
    samples::{self, Visit},
};
use allocation_counter::measure;
use rejoin::{
    BoundedCounter, Document, GCounter, Gauge, OrMap, OrSet, PnCounter, Presence, PresenceVersion,
    ReplicaId, VectorClock,
    causal::{CausalContext, DotKernel},
    document::{Rules, Value},
    sync::Fingerprint,
    wire::{self, DecodeError, Limits, Reader, Schema, Wire, Writer},
};
use std::{fs, path::PathBuf};

/// Bytes of a type: magic, format version 1, its tags, and this body.
fn forged(tags: &[u8], body: &[u8]) -> Vec<u8> {
    [&[0xf9, b'j', 1], tags, body].concat()
}

#[track_caller]
fn refused<T: Sent>(bytes: &[u8], why: &str) -> DecodeError {
    let error = wire::from_bytes::<T>(bytes).unwrap_err();
    assert!(error.to_string().contains(why), "{error}");
    assert!(!error.to_string().contains('\n'), "{error}");
    assert!(error.offset() <= bytes.len(), "{error}");
    let told = error.to_string();
    let offset = told.strip_prefix("at byte ").and_then(|it| it.split_once(':')?.0.parse().ok());
    assert!(offset.is_none_or(|offset: usize| offset == error.offset()), "{error}");
    let kinds = [
        error.is_foreign(),
        error.is_unknown_version(),
        error.is_wrong_type(),
        error.is_truncated(),
        error.is_limit(),
        error.is_malformed(),
    ];
    assert_eq!(kinds.iter().filter(|is_so| **is_so).count(), 1, "{error}: {kinds:?}");
    error
}

#[track_caller]
fn malformed<T: Sent>(tags: &[u8], body: &[u8], why: &str) {
    assert!(refused::<T>(&forged(tags, body), why).is_malformed());
}

/// There and back; every cut of it and every byte more is refused, and what else decodes after a
/// byte was changed is written just as it was read.
struct RoundTrips;

impl Visit for RoundTrips {
    fn visit<T: Sent>(&mut self, name: &str, value: &T) {
        let written = bytes(value);
        assert_eq!(through_bytes(value), *value, "{name}");
        assert_eq!(wire::schema_of(&written), Ok(Schema::of::<T>()), "{name}");
        for end in 0..written.len() {
            let error = wire::from_bytes::<T>(&written[..end]).unwrap_err();
            assert!(error.is_truncated() || error.is_malformed(), "{name} cut at {end}: {error}");
            assert!(end > 2 || error.is_truncated());
        }
        refused::<T>(&[&written[..], &[0]].concat(), "something follows the value");
        for at in 0..written.len() {
            for byte in [0, 1, 2, 3, 4, 5, 63, 64, 127, 128, 129, 254, 255]
                .into_iter()
                .skip(at % one_in(3))
                .step_by(one_in(3))
            {
                let mut near = written.clone();
                near[at] = byte;
                if let Ok(other) = wire::from_bytes::<T>(&near) {
                    assert_eq!(bytes(&other), near, "{name}: another spelling");
                    assert_eq!(other == *value, near == written, "{name}");
                    let alike = Fingerprint::of(&other) == Fingerprint::of_bytes(&written);
                    assert_eq!(alike, near == written, "{name}");
                }
            }
        }
    }
}

#[test]
fn every_type_has_one_spelling() {
    samples::visit_all(&mut RoundTrips);
}

fn golden(version: u8, name: &str, extension: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden");
    folder.join(format!("v{version}/{name}.{extension}"))
}

/// What was ever written is read, and is still written so.
struct Golden;

impl Visit for Golden {
    fn visit<T: Sent>(&mut self, name: &str, value: &T) {
        let path = golden(1, name, "bin");
        let kept = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(wire::from_bytes::<T>(&kept).as_ref(), Ok(value), "{name} reads differently");
        assert_eq!(bytes(value), kept, "{name} is written differently: that is a new version");
        let text = fs::read_to_string(golden(1, name, "json")).unwrap();
        assert_eq!(serde_json::from_str::<T>(&text).unwrap(), *value, "{name}");
        assert_eq!(json(value), text.trim_end(), "{name} is written differently as JSON");
    }
}

#[test]
fn golden_files_are_read_and_written_for_ever() {
    samples::visit_all(&mut Golden);
}

/// Writes the golden files that are not there yet, and changes none:
/// `cargo test --test it write_the_golden_files -- --ignored`.
#[test]
#[ignore = "writes into the tree"]
fn write_the_golden_files() {
    struct Writes;
    impl Visit for Writes {
        fn visit<T: Sent>(&mut self, name: &str, value: &T) {
            let path = golden(1, name, "bin");
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            if !path.exists() {
                fs::write(path, bytes(value)).unwrap();
                fs::write(golden(1, name, "json"), json(value) + "\n").unwrap();
            }
        }
    }
    samples::visit_all(&mut Writes);
}

const CLOCK: &[u8] = &[1];
const KERNEL_OF_U64: &[u8] = &[0xb, 0x25];
const CONTEXT: &[u8] = &[0xc];
const DOCUMENT: &[u8] = &[9];
const VALUE: &[u8] = &[0x31];
const LIST: u8 = 0x19;

#[test]
fn the_envelope_tells_what_is_wrong() {
    let set = bytes(&OrSet::<u64>::new());
    assert!(refused::<OrSet<u64>>(b"{}", "not written by rejoin").is_foreign());
    assert!(refused::<OrSet<u64>>(b"", "the bytes end").is_truncated());
    let error = refused::<OrSet<String>>(&set, "hold OrSet<u64>, but OrSet<String> was asked for");
    assert!(error.is_wrong_type());
    refused::<GCounter>(&set, "but GCounter was asked for");
    refused::<OrMap<String, Vec<u8>>>(&set, "but OrMap<String, Vec<u8>> was asked for");
    let mut later = set.clone();
    later[2] = 2;
    let error = refused::<OrSet<u64>>(&later, "format version 2, and this release reads version 1");
    assert!(error.is_unknown_version());
    // Types that this release knows nothing of, and names without end.
    refused::<OrSet<u64>>(&forged(&[0x6e], &[]), "hold a type of tag 0x6e");
    let nested = format!("hold {}…{}, but", "Option<".repeat(8), ">".repeat(8));
    refused::<OrSet<u64>>(&forged(&[0x10; 200], &[]), &nested);
    refused::<OrSet<u64>>(&forged(&[0x7f, 3, b'a', 10, 0xff], &[]), r"hold a\n\xff");
    refused::<OrSet<u64>>(&forged(&[0x7f, 200], &[]), "hold a type of tag 0x7f");
}

/// A type of a user's own, told apart by its name.
#[derive(Clone, Debug, PartialEq)]
struct Session(u64);

impl Wire for Session {
    fn schema(schema: &mut Schema) {
        schema.named("Session");
    }

    fn encode(&self, out: &mut Writer) {
        self.0.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        u64::decode(input).map(Self)
    }
}

#[test]
fn a_users_type_is_known_by_its_name() {
    let written = wire::to_bytes(&Session(7));
    assert_eq!(written[3..][..9], *b"\x7f\x07Session");
    assert_eq!(wire::from_bytes::<Session>(&written), Ok(Session(7)));
    let error = wire::from_bytes::<u64>(&written).unwrap_err();
    assert!(error.to_string().contains("hold Session, but"), "{error}");
}

#[test]
fn numbers_have_one_spelling() {
    malformed::<u64>(&[0x25], &[0x80, 0], "more bytes than it needs");
    malformed::<VectorClock>(CLOCK, &[0x80, 0], "more bytes than it needs");
    let over = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0];
    malformed::<u64>(&[0x25], &over, "exceeds 64 bits");
    malformed::<u64>(&[0x25], &[0xff; 30], "has no end");
    malformed::<u64>(&[0x25], &[5, 1, 0], "not in its canonical form");
    malformed::<u64>(&[0x25], &[5, 9, 0], "too wide");
    malformed::<u16>(&[0x23], &[0xff, 0xff, 4, 0], "out of range");
    let numbers = |body: &[u8], why| malformed::<Vec<u64>>(&[LIST, 0x25], body, why);
    numbers(&[2, 0, 5, 1, 1, 2], "not in its canonical form"); // the least is not in it
    numbers(&[2, 0, 5, 2, 0, 0, 2, 0], "not in its canonical form"); // too wide
    numbers(&[2, 0, 5, 0], "not in its canonical form"); // a stranger's thousand in one byte
    numbers(&[2, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 1, 0, 2], "out of range");
    malformed::<bool>(&[0x21], &[2], "after the last");
    malformed::<()>(&[0x20], &[1], "must be zero is set");
    malformed::<Vec<()>>(&[LIST, 0x20], &[2, 0, 4], "after the last");
    malformed::<String>(&[0x2c], &[1, 0, 0xff], "not UTF-8");
}

#[test]
fn clocks_and_counters_have_one_spelling() {
    let clock = |body: &[u8], why| malformed::<VectorClock>(CLOCK, body, why);
    clock(&[2, 1, b'b', 1, b'a', 0, 0], "repeated or out of order");
    clock(&[2, 1, b'a', 1, b'a', 0, 0], "repeated or out of order");
    clock(&[1, 2, b'a', 0, 0], "canonical form");
    clock(&[1, 17, b'a', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "canonical form");
    let last = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
    clock(&[&[1, 1, b'a'][..], &last].concat(), "exceeds 64 bits");
    let counter = |body: &[u8], why| malformed::<PnCounter>(&[3], body, why);
    counter(&[1, 1, b'a', 0, 0], "has not counted");
    counter(&[2, 1, b'a', 1, b'b', 1, 0, 0, 0], "has not counted");

    let gauge = |body: &[u8], why| malformed::<Gauge>(&[0x60], body, why);
    gauge(&[1, 1, b'a', 0, 0, 0], "has not written");
    gauge(&[2, 1, b'a', 33, b'a', 1, 0, 0, 1, 1, 0, 0], "two lives of one name");
    gauge(&[2, 33, b'a', 1, 1, b'a', 0, 0, 1, 1, 0, 0], "repeated or out of order");
    gauge(&[&[1, 1, b'a', 1][..], &last, &[0]].concat(), "exceeds 64 bits");
    let new_life = wire::from_bytes::<Gauge>(&forged(&[0x60], &[1, 33, b'a', 1, 0, 0, 0])).unwrap();
    assert_eq!(new_life.by_replica().len(), 1, "that it has begun is news");

    let bounded = |body: &[u8], why| malformed::<BoundedCounter>(&[0x63], body, why);
    bounded(&[1, 1, b'a', 0, 0], "granted nothing");
    bounded(&[2, 1, b'b', 1, b'a', 1, 1, b'a', 1, 1, 1, b'a', 1, 0], "repeated or out of order");
    // Replicas, leases, and a kernel for each: of no replica, or of the one with one entry.
    let presence = |body: &[u8], why| malformed::<Presence<u8, u8>>(&[0x64, 0x22, 0x22], body, why);
    presence(&[1, 1, b'a', 0, 0], "has not written");
    presence(&[2, 1, b'a', 33, b'a', 1, 0, 0, 0, 0], "two lives of one name");
    presence(&[2, 33, b'a', 1, 1, b'a', 0, 0, 0, 0], "repeated or out of order");
    presence(&[1, 1, b'a', 0, 1, 1, b'b', 0, 0, 1, 5, 6], "what another one wrote");
    presence(&[1, 1, b'a', 0, 1, 33, b'a', 1, 0, 0, 1, 5, 6], "what another one wrote");
    malformed::<PresenceVersion>(&[0x66], &[1, 1, b'a', 0, 0], "has not written");
    let here = forged(&[0x64, 0x22, 0x22], &[1, 1, b'a', 0, 1, 1, b'a', 0, 0, 1, 5, 6]);
    let here = wire::from_bytes::<Presence<u8, u8>>(&here).unwrap();
    assert_eq!(here.node(replica("a")).and_then(|node| node.get(&5).copied()), Some(6));

    let mut even = PnCounter::new();
    even.increment(7, replica("a")).unwrap();
    even.decrement(7, replica("a")).unwrap();
    assert_eq!(through_bytes(&even), even, "has counted, up as far as down");
}

#[test]
fn lanes_have_one_spelling() {
    let context = |body: &[u8], why| malformed::<CausalContext>(CONTEXT, body, why);
    let a = [1, 1, b'a'];
    // One counter seen, then one that was not.
    context(&[&a[..], &[0, 1, 0, 0]].concat(), "was never seen");
    context(&[&a[..], &[0, 0, 1]].concat(), "holds live dots");
    let last = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
    context(&[&a[..], &last, &[0, 0]].concat(), "exceeds 64 bits");
    context(
        &[&a[..], &[1, 0, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 3]].concat(),
        "exceeds 64 bits",
    );
    assert!(
        refused::<CausalContext>(&forged(CONTEXT, &[&a[..], &[0]].concat()), "end").is_truncated()
    );

    // All that follows is for as many dots as are alive.
    let kernel = |body: &[u8]| wire::from_bytes::<DotKernel<u64>>(&forged(KERNEL_OF_U64, body));
    assert_eq!(
        kernel(&[&a[..], &[0, 0, 1, 7, 0]].concat()).unwrap().payloads().collect::<Vec<_>>(),
        [&7]
    );
    assert!(kernel(&[&a[..], &[0, 0, 3, 7, 1, 0]].concat()).unwrap_err().is_truncated());
    // A lot of dots, and nothing of theirs.
    let many = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    assert!(kernel(&[&a[..], &[0, 0], &many].concat()).unwrap_err().is_limit());
    let boundless = Limits::default().entries(usize::MAX);
    let held = wire::from_bytes_within::<DotKernel<u64>>(
        &forged(KERNEL_OF_U64, &[&a[..], &[0, 0], &many].concat()),
        &boundless,
    );
    assert!(held.unwrap_err().is_malformed());
    let some = [0xff, 0xff, 0x7f];
    assert!(kernel(&[&a[..], &[0, 0], &some, &[7, 8]].concat()).unwrap_err().is_truncated());
}

#[test]
fn documents_and_values_have_one_spelling() {
    let value = |body: &[u8], why| malformed::<Value>(VALUE, body, why);
    value(&[12], "kind of a value is unknown");
    value(&[0x90], "kind of a value is unknown");
    value(&[3, 63], "canonical form");
    value(&[5, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f], "canonical form"); // 1.5
    value(&[0x81, 20], "canonical form"); // 1.0 with a digit too many
    value(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20], "canonical form"); // 2^46
    assert_eq!(wire::from_bytes(&forged(VALUE, &[0x81, 30])), Ok(Value::from(1.5)));
    assert_eq!(wire::from_bytes(&forged(VALUE, &[0x40 | 63])), Ok(Value::from(63)));
    value(&[4, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], "canonical form");
    value(&[5, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f], "canonical form");
    value(&[7, 2, 1, b'b', 0, 1, b'a', 0], "repeated or out of order");
    value(&[7, 2, 1, b'a', 0, 1, b'a', 0], "repeated or out of order");
    for level in [&[8, 1][..], &[7, 1, 1, b'a']] {
        let nested = |depth| forged(VALUE, &[&level.repeat(depth)[..], &[0]].concat());
        assert!(wire::from_bytes::<Value>(&nested(127)).is_ok());
        for depth in [128, 129, 500] {
            assert!(refused::<Value>(&nested(depth), "over the limit of 127 levels").is_limit());
        }
    }

    // One replica, one write alive; the time; then where and what.
    let document = |lane: &[u8], body: &[u8], why| {
        malformed::<Document>(DOCUMENT, &[&[1, 1, b'a', 0, 0], lane, body].concat(), why);
    };
    let one: &[u8] = &[1, 0, 0, 0];
    document(one, &[4, 0], "was not spelled before");
    document(one, &[1, 4, 0], "is named before");
    document(one, &[0, 9, 1, 1], "is named before");
    document(one, &[0, 14], "kind of a write is unknown");
    document(one, &[0, 9, 0], "the form of a list is unknown");
    document(one, &[0, 9, 5, 0, 1, b'x'], "the form of a list is unknown");
    document(one, &[0, 9, 6, 0, 1, b'x'], "the form of a list is unknown");
    document(one, &[0, 12, 0x41], "a scalar is spelled as a whole value");
    document(one, &[0, 0x8d, 1, 0], "a removal has no birth");
    document(one, &[0, 0x20, 3], "how a value is chosen is unknown");
    document(one, &[0, 0x27, 0], "only a value can be chosen by a rule");
    document(one, &[0, 11, 0, 0, 4, 0], "only an item can have a place");
    document(one, &[0, 10, 1, 0], "began before any write");
    document(one, &[0, 10, 2, 0], "began before any write");
    document(one, &[1, 1, 10, 0, 0], "kind of a write is unknown");
    document(one, &[0, 0x4a, 0, 0, 0, 0, 1, b'b', 0, 0, 0], "only a value can replace");
    document(one, &[0, 0x40, 0, 1, 0, 0, 0], "after it was replaced");
    document(one, &[0, 0x40, 1, 0, 1, b'b', 0, 0, 0, 2, 4, 0, 0], "repeated or out of order");
    document(one, &[0, 0x40, 1, 0, 1, b'c', 0, 0, 0, 0, 1, b'b', 0, 0, 0], "out of order");
    document(one, &[1, 1, 8, 0, 0, 0, 0, 0], "not a scalar");
    document(one, &[1, 1, 11, 0, 0, 0, 0, 0], "kind of a write is unknown");
    document(
        one,
        &[1, 0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0],
        "the number of an item does not fit in 32 bits",
    );
    document(one, &[1, 11, 0], "a replica is named before it is spelled");
    document(one, &[1, 3, 1, b'a', 0, 0], "a replica is spelled twice");
    let bound = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
    document(one, &[&[1, 1, 0, 11, 0], &bound[..], &[4, 0]].concat(), "out of bounds");
    // A place, in a run that is spelled here or was before; this one, at time 0, has the number 0.
    let item: &[u8] = &[1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 11];
    document(one, &[item, &[16, 0]].concat(), "a run is named before it is spelled");
    document(one, &[item, &[1, 0, 4, 0]].concat(), "not told as it must be");
    let [again, beyond] = [&[0, 11, 0, 0, 4, 0][..], &[&[0, 11, 16], &bound[..]].concat()]
        .map(|second| [item, &[0, 0, 4, 0], second].concat());
    document(&[3, 0, 1, 0], &again, "a run is spelled twice");
    document(&[3, 0, 1, 0], &beyond, "out of bounds");
    // At time 5, the number 5 is told as 0, relative to it.
    document(&[1, 0, 0, 10], &[item, &[0, 10, 4, 0]].concat(), "not told as it must be");
    document(one, &[&[0, 0x80, 1], &bound[..]].concat(), "exceeds 64 bits");
    document(one, &[&[0, 0x40, 0, 0, 1, b'b', 0], &bound[..], &[0]].concat(), "exceeds 64 bits");
    let two: &[u8] = &[3, 0, 1, 0];
    document(two, &[1, 0, 1, b'x', 0, 5, 4, 0], "a path is spelled twice");
    document(two, &[0, 6, 0, 1, b'x', 0, 6, 0, 1, b'x'], "a text is spelled twice");
    document(&[3, 1, 0, 0, 0, 0], &[], "cut in two");
    document(&[3, 0, 0, 0], &[0, 0, 0, 0], "fewer times");
    document(&[3, 0, 2, 0], &[0, 0, 0, 0], "more times");
    document(&[0xff, 0xff, 0x7f], &[0, 0], "more writes are alive");
}

#[test]
fn limits_are_kept() {
    let within =
        |bytes: &[u8], limits: Limits| wire::from_bytes_within::<OrSet<String>>(bytes, &limits);
    let mut set = OrSet::new();
    for id in 1..=3_u128 {
        set.insert(format!("element {id}"), ReplicaId::from_u128(id)).unwrap();
    }
    let whole = bytes(&set);
    let wide = Limits::default().bytes(whole.len()).replicas(3).entries(3).text(9);
    assert_eq!(within(&whole, wide), Ok(set));
    for (narrow, what) in [
        (wide.bytes(whole.len() - 1), "bytes"),
        (wide.replicas(2), "replicas in a table"),
        (wide.entries(2), "entries"),
        (wide.text(8), "bytes in one text"),
    ] {
        let error = within(&whole, narrow).unwrap_err();
        assert!(error.is_limit() && error.to_string().ends_with(what), "{error}");
    }
    let nested = Value::from(vec![Value::from(vec![Value::Null])]);
    let document = Document::from_value(nested.clone(), replica("a"), crate::at(1)).unwrap();
    for depth in [1, 2] {
        let limits = Limits::default().depth(depth);
        let value = wire::from_bytes_within::<Value>(&bytes(&nested), &limits);
        let document = wire::from_bytes_within::<Document>(&bytes(&document), &limits);
        assert_eq!((value.is_ok(), document.is_ok()), (depth == 2, depth == 2));
    }
}

#[test]
fn what_is_refused_changes_nothing() {
    let mut set = OrSet::new();
    let us = replica("us-east-1");
    set.extend(0..100_u64, us).unwrap();
    let before = set.clone();
    let whole = bytes(&set);
    let delta = bytes(&set.clone().insert(7, us).unwrap());
    for end in 0..whole.len() {
        wire::merge_bytes(&mut set, &whole[..end]).unwrap_err();
    }
    for end in 0..delta.len() {
        wire::apply_bytes(&mut set, &delta[..end]).unwrap_err();
    }
    wire::merge_bytes(&mut set, &delta).unwrap_err();
    wire::apply_bytes(&mut set, &whole).unwrap_err();
    assert_eq!(set, before);
    assert_eq!(wire::merge_bytes(&mut set, &whole), Ok(false));
    assert_eq!(wire::apply_bytes(&mut set, &delta), Ok(true));
}

/// What reading allocates: at most so much for each byte there is, beside a little.
const ALLOWED: (u64, u64) = (8_192, 96);

fn read_within_bounds<T: Wire>(bytes: &[u8]) -> f64 {
    let used = measure(|| _ = std::hint::black_box(wire::from_bytes::<T>(bytes).is_ok())).bytes_max;
    let allowed = ALLOWED.0 + ALLOWED.1 * bytes.len() as u64;
    assert!(used <= allowed, "{used} bytes allocated to read {}: {bytes:?}", bytes.len());
    (used.saturating_sub(ALLOWED.0)) as f64 / bytes.len() as f64
}

/// Samples, each with some bytes changed, repeated, cut out or put in.
struct Mutated {
    random: u64,
    rounds: u32,
    read: u32,
    greatest: f64,
}

impl Mutated {
    fn below(&mut self, end: usize) -> usize {
        self.random =
            self.random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        usize::try_from(self.random >> 33).unwrap() % end.max(1)
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        // Past the envelope, where it matters.
        let at = 4 + self.below(bytes.len().saturating_sub(4));
        let to = (at + 1 + self.below(40)).min(bytes.len());
        let at = at.min(to);
        let byte = [0, 1, 0x7f, 0x80, 0xff, u8::try_from(self.below(256)).unwrap()][self.below(6)];
        match self.below(6) {
            0 => _ = bytes.drain(at..to),
            1 => bytes.extend_from_within(at..to),
            2 => bytes.insert(at, byte),
            _ => bytes[at..].iter_mut().take(1).for_each(|old| *old = byte),
        }
    }
}

impl Visit for Mutated {
    fn visit<T: Sent>(&mut self, name: &str, value: &T) {
        let sample = bytes(value);
        for _ in 0..self.rounds {
            let mut mutant = sample.clone();
            (0..=self.below(4)).for_each(|_| self.mutate(&mut mutant));
            self.greatest = self.greatest.max(read_within_bounds::<T>(&mutant));
            if let Ok(other) = wire::from_bytes::<T>(&mutant) {
                self.read += 1;
                assert_eq!(bytes(&other), mutant, "{name}: another spelling");
            }
        }
    }
}

#[test]
fn reading_mutants_allocates_in_proportion() {
    let mut mutated = Mutated { random: 1, rounds: count(20_000) * 7 / 10, read: 0, greatest: 0.0 };
    samples::visit_all(&mut mutated);
    let Mutated { read, rounds, greatest, .. } = mutated;
    println!(
        "{rounds} mutants of each sample, {read} of them values; at most {greatest:.0} bytes for each read, beside 8 KiB"
    );
    assert!(read > 0);
}

/// The dearest that bytes can be made: one live dot to a block; a node to each write.
#[test]
fn what_is_made_to_cost_costs_in_proportion() {
    let us = replica("us-east-1");
    let mut sparse = OrSet::new();
    sparse.extend(0..64_000_u64, us).unwrap();
    let removed = (0..64_000_u64).filter(|number| number % 64 != 0);
    removed.for_each(|number| _ = sparse.remove(&number, us).unwrap());
    let sparse = read_within_bounds::<OrSet<u64>>(&bytes(&sparse));

    let names = (0..20_000_u64).map(|name| (format!("{name:x}"), Value::Null));
    let document = Document::from_value(names.collect::<Value>(), us, crate::at(1)).unwrap();
    let wide = read_within_bounds::<Document>(&bytes(&document));

    // One long text, told once and named often, is shared.
    let text = "a long text, ".repeat(1_000);
    let items: Vec<Value> = (0..1_000).map(|_| Value::from(&*text)).collect();
    let document = Document::from_value(Value::from(items), us, crate::at(1)).unwrap();
    let shared = read_within_bounds::<Document>(&bytes(&document));
    println!(
        "allocated for each byte: sparse set {sparse:.0}, wide document {wide:.0}, shared text {shared:.0}"
    );
}

#[test]
fn sizes() {
    let us = replica("us-east-1");
    let mut set = OrSet::new();
    let random = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    set.extend((0..100_000).map(random), us).unwrap();
    let whole = bytes(&set).len();
    let add = bytes(&set.insert(random(100_000), us).unwrap()).len();
    let remove = bytes(&set.remove(&random(7), us).unwrap()).len();
    println!(
        "OrSet of 100,000 u64: {:.3} bytes an element; add {add}, remove {remove}",
        whole as f64 / 1e5
    );
    assert!(whole <= 810_000);
    assert!(add <= 32 + 8 && remove <= 32, "{add}, {remove}");
    let uuid = ReplicaId::from_u128(u128::MAX);
    let add = bytes(&set.insert(random(100_001), uuid).unwrap()).len();
    let again = bytes(&set.insert(random(100_001), uuid).unwrap()).len();
    println!("by a UUID: add {add}, and again {again}");
    assert!(add <= 32 + 8 && again <= 32 + 8);

    let names = (0..16).map(|at| (replica(&format!("region-{at:02}")), 1_000_000 + at));
    let clock = bytes(&names.collect::<VectorClock>()).len();
    println!("clock of 16 named replicas: {clock} bytes");
    assert!(clock <= 16 * 18);

    let mut busy = OrSet::new();
    for number in 0..1_000_000_u64 {
        busy.insert(number, us).unwrap();
        busy.remove(&number, us).unwrap();
    }
    let context = bytes(&seen(&busy)).len();
    println!("context of 2,000,000 writes that were all seen: {context} bytes");
    assert!(context <= 24);

    for messages in [20, 200, 2_000] {
        let json = crate::size::conversation(messages);
        let text = serde_json::to_string(&json).unwrap().len();
        let keys = Rules::new();
        let document =
            Document::from_json_with(keys, &json, us, crate::at(1_717_236_600_000)).unwrap();
        let ours = bytes(&document).len();
        println!(
            "{messages} messages: {ours} bytes, compact JSON {text}: {:.3}",
            ours as f64 / text as f64
        );
        assert!(ours * 100 <= text * 115);
    }
}

/// A document of one replica: so many writes alive, at one time; and what they say.
fn forged_document(writes: u64, body: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut out = Writer::default();
    out.bytes(&[0xf9, b'j', 1, 9, 1, 1, b'a', 0, 0]);
    out.varint((writes - 1) << 1 | 1);
    out.varint(0);
    out.varint(writes - 1);
    out.varint(0);
    body(&mut out);
    out.into_bytes()
}

/// Two items of a list, with a mark and thousands of places each, in turns.
fn many_places(writes: u64) -> Vec<u8> {
    forged_document(writes, |out| {
        out.bytes(&[1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 7]);
        out.bytes(&[5, 2, 1, 0, 0, 0, 0, 0, 0, 0, 7]);
        // The run is spelled once.
        out.bytes(&[4, 11, 0, 0, 4, 0]);
        (3..writes).for_each(|at| out.bytes(&[if at % 2 == 0 { 4 } else { 0 }, 11, 16, 0]));
    })
}

/// Thousands of writes at one field.
fn many_siblings(writes: u64) -> Vec<u8> {
    forged_document(writes, |out| {
        out.bytes(&[1, 0, 1, b'x', 0]);
        (1..writes).for_each(|_| out.bytes(&[0, 0]));
    })
}

/// One element under thousands of dots.
fn many_adds(adds: u64) -> Vec<u8> {
    let mut out = Writer::default();
    out.bytes(&[0xf9, b'j', 1, 7, 0x25, 1, 1, b'a', 0, 0]);
    out.varint((adds - 1) << 1 | 1);
    out.bytes(&[7, 1]);
    (0..adds).for_each(|_| out.byte(0));
    out.into_bytes()
}

/// As many writes in few messages as in many, which take as long, or so: far from the twenty times
/// that a square takes.
#[test]
fn what_is_made_to_cost_takes_linear_time() {
    const WRITES: u64 = 200_000;
    fn linear<T: Sent>(name: &str, forge: fn(u64) -> Vec<u8>) {
        let time = |size| {
            let bytes = forge(size);
            let start = cpu_time().unwrap_or_default().as_secs_f64();
            for _ in 0..WRITES / size {
                let read = wire::from_bytes::<T>(&bytes);
                assert!(read.is_ok(), "{name}: {:?}", read.err());
            }
            cpu_time().unwrap_or_default().as_secs_f64() - start
        };
        let ratio = time(10_000) / time(500);
        println!(
            "{name}: {WRITES} in messages of 10,000 take {ratio:.1} of the time in messages of 500"
        );
        assert!(ratio < 9.0, "{name}: {ratio}");
    }
    if cpu_time().is_none() {
        println!("skipped: this system does not tell how long a thread has computed");
        return;
    }
    linear::<Document>("places of two items", many_places);
    linear::<Document>("writes at one field", many_siblings);
    linear::<OrSet<u64>>("adds of one element", many_adds);
}
