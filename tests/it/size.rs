//! What a set costs at rest, and what its operations allocate, counted by the allocator:
//! `cargo test --test it size -- --nocapture` prints the figures.

use crate::{
    at,
    encoded::{bytes, seen},
    replica,
};
use allocation_counter::measure;
use rejoin::{
    BoundedCounter, CausalMap, DeltaState, Document, GCounter, Gauge, LwwRegister, Merge,
    MvRegister, OrMap, OrSet, PnCounter, Presence, ReplicaId, VectorClock,
    document::{Rules, Value},
    wire,
};
use serde_json::{Value as Json, json};
use std::collections::HashSet;

const ELEMENTS: u64 = 100_000;

fn element(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn bytes_per_element<T>(build: impl FnOnce() -> T) -> f64 {
    let mut kept = None;
    let info = measure(|| kept = Some(build()));
    assert!(kept.is_some());
    info.bytes_current as f64 / ELEMENTS as f64
}

#[test]
fn a_set_costs_at_most_twice_a_hash_set() {
    let set = bytes_per_element(|| {
        let mut set = OrSet::new();
        for number in 0..ELEMENTS {
            set.insert(element(number), replica("us-east-1")).unwrap();
        }
        set
    });
    let hash_set = bytes_per_element(|| (0..ELEMENTS).map(element).collect::<HashSet<u64>>());
    println!("OrSet<u64>: {set:.1} bytes an element of {ELEMENTS}; HashSet<u64>: {hash_set:.1}");
    assert!(set <= 24.0, "{set} bytes an element");
    assert!(set <= 2.0 * hash_set, "{set} bytes an element beside {hash_set}");
}

/// The figures of the cost table in docs/guide/choosing.md.
#[test]
fn what_each_type_costs_is_what_the_docs_say() {
    let id = replica("us-east-1");
    let inline = [
        ("VectorClock", size_of::<VectorClock>()),
        ("GCounter", size_of::<GCounter>()),
        ("PnCounter", size_of::<PnCounter>()),
        ("LwwRegister<u64>", size_of::<LwwRegister<u64>>()),
        ("MvRegister<u64>", size_of::<MvRegister<u64>>()),
    ];
    for (name, bytes) in inline {
        println!("{name}: {bytes} bytes inline");
    }
    let mut clock = VectorClock::new();
    let three = measure(|| {
        for region in 1..=3_u128 {
            clock.increment(region.into()).unwrap();
        }
    });
    assert_eq!(three.count_total, 0, "three replicas fit without an allocation");

    assert_eq!(size_of::<rejoin::gauge::Row>(), 56);
    let mut gauge = Gauge::new();
    let two = measure(|| {
        for region in 1..=2_u128 {
            gauge.open(1, region.into()).unwrap();
        }
    });
    assert_eq!(two.count_total, 0, "two rows fit without an allocation");
    let heartbeat = gauge.renew(replica("eu#3"), at(1_717_236_600_000)).unwrap();
    assert_eq!(wire::to_bytes(&heartbeat).len(), "eu".len() + 15);

    let mut presence = Presence::<u64, u64>::new();
    presence.extend((0..1_000).map(|number| (number, 7)), replica("eu#3")).unwrap();
    let heartbeat = presence.renew(replica("eu#3"), at(1_717_236_600_000)).unwrap();
    assert_eq!(wire::to_bytes(&heartbeat).len(), "eu".len() + 16, "however many entries there are");
    let joined = presence.join(7_000, 7, replica("eu#3")).unwrap();
    println!("Presence<u64, u64>: a join takes {} bytes", wire::to_bytes(&joined).len());

    let map = bytes_per_element(|| {
        let mut map = OrMap::new();
        for number in 0..ELEMENTS {
            map.insert(element(number), number, id, at(1)).unwrap();
        }
        map
    });
    let present = bytes_per_element(|| {
        let mut presence = Presence::new();
        for number in 0..ELEMENTS {
            presence.join(element(number), number, id).unwrap();
        }
        presence
    });
    println!("Presence<u64, u64>: {present:.1} bytes an entry");
    assert!(present <= 30.0);
    println!("OrMap<u64, u64>: {map:.1} bytes an entry");
    assert!(map <= 50.0);

    let replicas: Vec<ReplicaId> = (1..=100_u128).map(ReplicaId::from_u128).collect();
    let bounded = measure(|| {
        let mut stock = BoundedCounter::new();
        replicas.iter().for_each(|id| _ = stock.increment(9, *id).unwrap());
        std::mem::forget(stock);
    });
    println!("BoundedCounter: {} bytes a replica", bounded.bytes_current / 100);
    assert!(bounded.bytes_current <= 400 * 100);

    let counters = bytes_per_element(|| {
        let mut map = CausalMap::<u64, PnCounter>::new();
        for number in 0..ELEMENTS {
            map.entry(element(number)).increment(1, id).unwrap();
        }
        map
    });
    println!("CausalMap<u64, PnCounter>: {counters:.1} bytes a counter");
    assert!(counters <= 700.0);
    let sets = bytes_per_element(|| {
        let mut map = CausalMap::<u64, OrSet<u64>>::new();
        for number in 0..ELEMENTS {
            map.entry(number % (ELEMENTS / 8)).insert(element(number), id).unwrap();
        }
        map
    });
    println!("CausalMap<u64, OrSet<u64>>: {sets:.1} bytes an element, with eight to a key");
    assert!(sets <= 200.0);

    let mut register = MvRegister::new();
    let siblings = measure(|| {
        for writer in 1..=64_u128 {
            let write = MvRegister::new().set(7_u64, ReplicaId::from_u128(writer)).unwrap();
            register.apply_owned(write);
        }
    });
    let sibling = siblings.bytes_current as f64 / 64.0;
    println!("MvRegister<u64>: {sibling:.1} bytes a concurrent sibling");
    assert!(sibling <= 200.0);

    let (fields, path) = (10_000_u64, "/messages/00000000".len());
    let mut kept = None;
    let document = measure(|| {
        let named = (0..fields).map(|field| (format!("{field:08}"), field));
        let content = Value::from_iter([("messages", named.collect::<Value>())]);
        kept = Some(Document::from_value(content, id, at(1)).unwrap());
    });
    let own = document.bytes_current as f64 / fields as f64 - path as f64;
    println!("Document: {own:.1} bytes a number field beside the text of its path");
    assert!(own <= 250.0);
}

pub(crate) fn conversation(messages: usize) -> Json {
    let message = |id: usize| {
        let text = format!("{id:08} the flight to Lisbon, the hotel and the refund. ").repeat(4);
        json!({"id": format!("m{id:08}"), "author": "user", "time": 1_717_236_600 + id, "text": text[..200]})
    };
    let mapping = (0..messages).map(|id| (format!("m{id:08}"), message(id)));
    json!({"title": "Booking", "mapping": Json::Object(mapping.collect())})
}

/// A conversation takes no more than its bare JSON value, each field mergeable on its own; and the
/// delta of one edit and one message less than twice what was written.
#[test]
fn a_conversation_and_a_delta_of_it() {
    let [us, eu] = ["us-east-1", "eu-west-1"].map(replica);
    let now = 1_717_236_600_000;
    for messages in [200, 2_000] {
        let mut kept = None;
        let bare = measure(|| kept = Some(conversation(messages))).bytes_current;
        let json = kept.unwrap();
        let mut kept = None;
        let built = measure(|| kept = Some(Document::from_json(&json, us, at(now)).unwrap()));
        let mut document = kept.unwrap();
        let mut delta = document.set("/mapping/m00000007/text", "edited", eu, at(now)).unwrap();
        let message = &conversation(messages + 1)["mapping"][format!("m{messages:08}")];
        let path = format!("/mapping/m{messages:08}");
        delta.merge(&document.set(&path, message, eu, at(now)).unwrap());
        let sent = bytes(&delta).len();
        println!(
            "Document: {messages} messages take {} KB, their bare serde_json::Value {} KB; one edit \
             and one message more are a delta of {sent} bytes",
            built.bytes_current / 1_000,
            bare / 1_000,
        );
        assert!(built.bytes_current < bare);
        assert!(sent < 400);
    }
}

#[test]
fn removed_elements_leave_nothing_behind() {
    let mut set = OrSet::new();
    let id = replica("us-east-1");
    let one = measure(|| _ = set.insert(0_u64, id).unwrap());
    let cycles = measure(|| {
        for _ in 0..10_000 {
            set.remove(&0, id).unwrap();
            set.insert(0, id).unwrap();
        }
    });
    println!(
        "one element: {} bytes; after 10,000 cycles {} more",
        one.bytes_current, cycles.bytes_current
    );
    assert_eq!((set.len(), seen(&set).intervals(id).count()), (1, 1));
    assert!(cycles.bytes_current <= 64, "{} bytes grew", cycles.bytes_current);
}

#[test]
fn what_changes_nothing_allocates_nothing() {
    let mut set = OrSet::new();
    set.extend(0..1_000_u64, replica("us-east-1")).unwrap();
    let other = set.clone();
    let info = measure(|| assert!(!set.merge(&other)));
    assert_eq!(info.count_total, 0, "a merge that changes nothing");

    let mut ragged = OrSet::new();
    let mut author = OrSet::new();
    for number in 0..100_u64 {
        let delta = author.insert(number, replica("ap-south-1")).unwrap();
        if number % 2 == 0 {
            ragged.apply_owned(delta);
        }
    }
    let gaps = ragged.clone();
    assert!(seen(&ragged).intervals(replica("ap-south-1")).count() > 40);
    let info = measure(|| assert!(!ragged.merge(&gaps)));
    assert_eq!(info.count_total, 0, "nor one of states with gaps");

    let clock: VectorClock = (1..=16_u128).map(|id| (id.into(), 1)).collect();
    let later = clock.clone();
    let info = measure(|| assert!(clock <= later));
    assert_eq!(info.count_total, 0, "a comparison of clocks");

    set.apply_owned(OrSet::new().insert(5_000_u64, replica("eu-west-1")).unwrap());
    let delta = set.insert(5_001, replica("eu-west-1")).unwrap();
    let mut peer = other;
    peer.extend(2_000..3_000, replica("eu-west-1")).unwrap();
    let info = measure(|| _ = peer.apply_owned(delta));
    assert!(info.count_total <= 2, "a one-element delta: {} allocations", info.count_total);
}

/// The figures of "Values that are one write" in BENCHMARKS.md.
#[test]
fn whole_values_cost_what_their_json_costs() {
    let us = replica("us-east-1");
    let mut random = 1_u64;
    let mut float = || {
        random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (random >> 33) as f64 / (1_u64 << 31) as f64 - 0.5
    };
    let embedding = |float: &mut dyn FnMut() -> f64| (0..1_536).map(|_| float()).collect::<Json>();
    let messages: Json =
        (0..100).map(|id| json!({"id": id, "embedding": embedding(&mut float)})).collect();
    let integers: Json = (0..32_000_u64).map(|it| json!(element(it) % 100)).collect();
    let cases = [
        ("100 messages, each with 1,536 floats", "/v/*/embedding", messages),
        ("32,000 integers below 100", "/v", integers),
    ];
    for (name, path, json) in cases {
        let whole = json!({ "v": json });
        let text = whole.to_string().len();
        let value = measure_kept(|| Value::try_from(whole.clone()).unwrap()).0;
        let cost = |rules: Rules| {
            let import = || Document::from_json_with(rules.clone(), &whole, us, at(1)).unwrap();
            let (memory, document) = measure_kept(import);
            assert_eq!(document.to_json(), whole);
            (bytes(&document).len(), memory)
        };
        let (plain, ruled) = (cost(Rules::new()), cost(Rules::new().atomic(path).unwrap()));
        println!(
            "{name}: JSON {text} bytes, Value {value} in memory; each a write: {} bytes, {} in memory; \
             atomic: {} bytes, {} in memory",
            plain.0, plain.1, ruled.0, ruled.1
        );
        assert!(ruled.0 * 10 <= text * 11, "{} bytes for {text} of JSON", ruled.0);
        assert!(ruled.1 * 10 <= value * 11, "{} bytes in memory beside {value}", ruled.1);
    }
}

fn measure_kept<T>(build: impl FnOnce() -> T) -> (u64, T) {
    let mut kept = None;
    let info = measure(|| kept = Some(build()));
    (info.bytes_current.unsigned_abs(), kept.unwrap())
}

/// A number that three replicas count on a thousand times each costs no more than three writes.
#[test]
fn a_hot_counter_stays_small() {
    let mut document = Document::new();
    let mut sizes = Vec::new();
    for round in 1..=1_000_u64 {
        for id in ["us-east-1", "eu-west-1", "ap-southeast-1"] {
            document.increment("/unread", 1, replica(id), at(round)).unwrap();
        }
        sizes.push(bytes(&document).len());
    }
    let (first, last) = (sizes[0], sizes[999]);
    println!(
        "a number counted on by 3 replicas: {first} bytes at first, {last} after 3,000 increments"
    );
    assert_eq!(document.get("/unread"), Some(3_000.into()));
    assert!(last <= first + 24, "{first} bytes grew to {last}");
}

/// Decimals that are not quite what they say when multiplied by their power of ten.
#[test]
fn decimals_are_short_whichever_way_they_are_rounded() {
    for float in [0.29, 0.57, 0.58, 1.13, 1.14, 1.15, 8.2, 16.4, 32.8, 1.005, 2.675, 4.35] {
        for float in [float, -float] {
            let bytes = wire::to_bytes(&Value::from(float));
            assert!(bytes.len() <= 8, "{float} takes {} bytes", bytes.len());
            assert_eq!(wire::from_bytes::<Value>(&bytes), Ok(Value::from(float)));
        }
    }
}
