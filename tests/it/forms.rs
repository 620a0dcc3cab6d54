//! The serde forms: round trips for every type, empty to large, through JSON, bincode, postcard,
//! CBOR and `MessagePack`; what services store already reads in; and what breaks an invariant is
//! refused.

use crate::{
    at,
    encoded::{document_form, seen},
    replica,
    samples::conversation,
};
use rejoin::{
    BoundedCounter, DeltaState, Document, EnableFlag, GCounter, Gauge, LwwRegister, Max, Min,
    MvRegister, OrMap, OrSet, PnCounter, Presence, PresenceDelta, ReplicaId, Stamp, VectorClock,
    causal::{CausalContext, Digest, DotKernel},
    document::{DocumentDelta, Value},
    laws::Invariants,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;
use std::fmt::Debug;

#[track_caller]
fn round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let text = serde_json::to_string(value).unwrap();
    assert_eq!(serde_json::from_str::<T>(&text).unwrap(), *value, "{text}");
    let tree = serde_json::to_value(value).unwrap();
    assert_eq!(serde_json::from_value::<T>(tree).unwrap(), *value);
    let config = bincode::config::standard();
    let bytes = bincode::serde::encode_to_vec(value, config).unwrap();
    let (back, read) = bincode::serde::decode_from_slice::<T, _>(&bytes, config).unwrap();
    assert_eq!((&back, read), (value, bytes.len()));
    for end in 0..bytes.len().min(200) {
        let cut = bincode::serde::decode_from_slice::<T, _>(&bytes[..end], config);
        assert!(cut.is_err(), "{end} of {} bytes are not the value", bytes.len());
    }
}

/// And through formats that others will choose.
#[track_caller]
fn through_others<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let postcard = postcard::to_stdvec(value).unwrap();
    assert_eq!(postcard::from_bytes::<T>(&postcard).unwrap(), *value);
    let mut cbor = Vec::new();
    ciborium::into_writer(value, &mut cbor).unwrap();
    assert_eq!(ciborium::from_reader::<T, _>(&cbor[..]).unwrap(), *value);
    let message_pack = rmp_serde::to_vec(value).unwrap();
    assert_eq!(rmp_serde::from_slice::<T>(&message_pack).unwrap(), *value);
    let named = rmp_serde::to_vec_named(value).unwrap();
    assert_eq!(rmp_serde::from_slice::<T>(&named).unwrap(), *value);
}

#[track_caller]
fn reads_as<T: Serialize + DeserializeOwned + PartialEq + Debug>(
    value: &T,
    json: serde_json::Value,
) {
    assert_eq!(serde_json::to_value(value).unwrap(), json);
    round_trip(value);
}

#[track_caller]
fn refuses<T: DeserializeOwned + Debug>(json: serde_json::Value, because: &str) {
    let error = serde_json::from_value::<T>(json).unwrap_err().to_string();
    assert!(error.contains(because), "{error}");
}

fn ids() -> [ReplicaId; 2] {
    [replica("us-east-1"), replica("eu-west-1")]
}

#[test]
fn clocks_and_counters_read_as_typescript_services_store_them() {
    let [us, eu] = ids();
    let clock: VectorClock = [(us, 5), (eu, 3)].into_iter().collect();
    reads_as(&clock, json!({"us-east-1": 5, "eu-west-1": 3}));
    reads_as(&VectorClock::new(), json!({}));
    let zero = serde_json::from_value::<VectorClock>(json!({"us-east-1": 0, "eu-west-1": 3}));
    assert_eq!(zero.unwrap(), [(eu, 3)].into_iter().collect(), "zero is absence");

    let mut counter = PnCounter::new();
    reads_as(&counter, json!({"increments": {}, "decrements": {}}));
    counter.increment(3, us).unwrap();
    reads_as(&counter, json!({"increments": {"us-east-1": 3}, "decrements": {}}));
    let mut counter = GCounter::new();
    counter.increment(u64::MAX, us).unwrap();
    reads_as(&counter, json!({"us-east-1": u64::MAX}));

    let mut gauge = Gauge::new();
    reads_as(&gauge, json!({}));
    gauge.open(5, us.with_incarnation(3)).unwrap();
    gauge.close(2, us.with_incarnation(3)).unwrap();
    reads_as(&gauge, json!({"us-east-1#3": {"opened": 5, "closed": 2, "until": null}}));
    gauge.renew(eu, at(7)).unwrap();
    let row = json!({"opened": 0, "closed": 0, "until": 7});
    reads_as(
        &gauge,
        json!({"us-east-1#3": {"opened": 5, "closed": 2, "until": null}, "eu-west-1": row}),
    );
    let mut seats = BoundedCounter::new();
    reads_as(&seats, json!({"granted": {}, "used": {}}));
    seats.increment(10, us).unwrap();
    seats.transfer(4, us, eu).unwrap();
    seats.decrement(2, us).unwrap();
    let granted = json!({"us-east-1": {"us-east-1": 10, "eu-west-1": 4}});
    reads_as(&seats, json!({"granted": granted, "used": {"us-east-1": 2}}));
    let text = r#"{"used": {"us-east-1": 2}, "granted": {"us-east-1": {"us-east-1": 10,
        "eu-west-1": 4}, "eu-west-1": {"ap": 0}}}"#;
    let read: BoundedCounter = serde_json::from_str(text).unwrap();
    assert_eq!(read, seats, "what says nothing is absence");

    let text = r#"{"us-east-1#3": {"opened": 5, "closed": 2}, "eu-west-1": {"opened": 0,
        "closed": 0, "until": 7}, "ap": {"opened": 0, "closed": 0, "until": 0}}"#;
    assert_eq!(serde_json::from_str::<Gauge>(text).unwrap(), gauge, "what says nothing is absence");

    let mut presence = Presence::new();
    reads_as(&presence, json!({}));
    presence.join("ana".to_owned(), 7, us.with_incarnation(3)).unwrap();
    presence.renew(eu, at(7)).unwrap();
    let ana = json!({"us-east-1#3": {"seen": [[1, 1]], "live": [[1, ["ana", 7]]]}});
    let lives = json!({"us-east-1#3": {"until": null, "entries": ana},
        "eu-west-1": {"until": 7, "entries": {}}});
    reads_as(&presence, lives);
    reads_as(&PresenceDelta::<String, u8>::default(), json!({}));
    round_trip(&presence.version());

    let large: VectorClock = (1..=2_000_u128).map(|id| (id.into(), 7)).collect();
    round_trip(&large);
}

#[test]
fn ids_stamps_and_registers() {
    let [us, _] = ids();
    reads_as(&us, json!("us-east-1"));
    reads_as(&ReplicaId::from_u128(1), json!("00000000-0000-0000-0000-000000000001"));
    reads_as(&Stamp { time: at(5), replica: us }, json!({"time": 5, "replica": "us-east-1"}));
    reads_as(&LwwRegister::<String>::new(), json!(null));
    let mut register = LwwRegister::new();
    register.set("open".to_owned(), us, at(5)).unwrap();
    reads_as(&register, json!({"written": {"time": 5, "replica": "us-east-1"}, "value": "open"}));
    let mut frozen = LwwRegister::new();
    frozen.set(1, us, at(u64::MAX)).unwrap();
    frozen.set(2, us, at(5)).unwrap();
    let written = json!({"time": 5, "replica": "us-east-1"});
    reads_as(&frozen, json!({"epoch": 1, "written": written, "value": 2}));
    reads_as(&Max(3), json!(3));
    round_trip(&Min(3));
}

#[test]
fn everything_that_removes_reads_as_its_kernel() {
    let [us, eu] = ids();
    let mut set = OrSet::new();
    reads_as(&set, json!({}));
    set.extend(["ana", "bo", "cy"].map(String::from), us).unwrap();
    set.remove("bo", us).unwrap();
    reads_as(&set, json!({"us-east-1": {"seen": [[1, 4]], "live": [[1, "ana"], [3, "cy"]]}}));
    round_trip(&set.version());

    let mut flag = EnableFlag::new();
    flag.enable(eu).unwrap();
    reads_as(&flag, json!({"eu-west-1": {"seen": [[1, 1]], "live": [[1, null]]}}));
    let mut register = MvRegister::new();
    register.set(7, us).unwrap();
    reads_as(&register, json!({"us-east-1": {"seen": [[1, 1]], "live": [[1, 7]]}}));
    let mut map = OrMap::new();
    let delta = map.insert("theme".to_owned(), "dark".to_owned(), us, at(9)).unwrap();
    let write = json!({"key": "theme", "time": 9, "value": "dark"});
    reads_as(&map, json!({"us-east-1": {"seen": [[1, 1]], "live": [[1, write]]}}));
    round_trip(&delta);

    let mut large = OrSet::new();
    large.extend(0..20_000_u64, us).unwrap();
    (0..20_000).step_by(3).for_each(|element| _ = large.remove(&element, eu).unwrap());
    round_trip(&large);
    round_trip(&large.version());
    round_trip(&seen(&large));
}

#[test]
fn documents_read_as_their_writes() {
    let [us, eu] = ids();
    round_trip(&Document::new());
    let content =
        json!({"title": "Booking", "n": [1, -2, 0.5, {"deep": [null, true]}], "empty": {}});
    let mut document = Document::from_json(&content, us, at(5)).unwrap();
    round_trip(&document);
    let delta = document.set("/title", "Booking Help", eu, at(3)).unwrap();
    let birth = json!({"replica": "us-east-1", "counter": 17});
    let write = json!({"path": 1, "time": 6, "value": "Booking Help", "birth": birth});
    let lanes = json!({
        "us-east-1": {"seen": [[17, 17]], "live": []},
        "eu-west-1": {"seen": [[1, 1]], "live": [[1, write]]},
    });
    let form = json!({"paths": [[0, "title"]], "writes": lanes, "removals": []});
    reads_as(&delta, form);
    document.set("/count", 2, us, at(5)).unwrap();
    document.increment("/count", 1, eu, at(7)).unwrap();
    let delta = document.increment("/count", 4, eu, at(7)).unwrap();
    let birth = json!({"replica": "us-east-1", "counter": 18});
    let write = json!({"path": 1, "time": 8, "count": 5, "start": 2, "birth": birth});
    let lanes = json!({"eu-west-1": {"seen": [[2, 3]], "live": [[3, write]]}});
    reads_as(&delta, json!({"paths": [[0, "count"]], "writes": lanes, "removals": []}));
    let delta = document.reset("/count", us, at(9)).unwrap();
    let counted = json!([{"replica": "eu-west-1", "start": 2, "last": 3, "sum": 5}]);
    let write = json!({
        "path": 1, "time": 9, "value": 0, "birth": birth, "counted": counted,
    });
    let lanes = json!({
        "us-east-1": {"seen": [[18, 19]], "live": [[19, write]]},
        "eu-west-1": {"seen": [[3, 3]], "live": []},
    });
    reads_as(&delta, json!({"paths": [[0, "count"]], "writes": lanes, "removals": []}));
    round_trip(&document.remove("/n", eu, at(3)).unwrap());
    round_trip(&document);

    let fields = (0..3_000_u64).map(|field| (format!("field {field}/~"), field));
    let large = Document::from_value(fields.collect::<Value>(), us, at(1)).unwrap();
    round_trip(&large);
}

/// Places far before others, and at all times.
#[test]
fn places_are_read_from_their_text() {
    let us = replica("us-east-1");
    for start in [0, 1, 63, 64, 65, 300, 70_000, 1_717_236_600_000, u64::MAX - 1] {
        let mut document = Document::from_value(Vec::<u64>::new(), us, at(start)).unwrap();
        for number in 0..200 {
            document.insert("/0", number, us, at(start)).unwrap();
            document.push("", number, us, at(start)).unwrap();
        }
        document.move_item("/0", 200, us, at(start)).unwrap();
        round_trip(&document);
    }
}

/// A lane of one replica.
fn lane(seen: serde_json::Value, live: serde_json::Value) -> serde_json::Value {
    json!({"us-east-1": {"seen": seen, "live": live}})
}

/// A document of one write.
fn write(mut write: serde_json::Value) -> serde_json::Value {
    write["time"] = json!(1);
    document_form(lane(json!([[1, 1]]), json!([[1, write]])))
}

#[test]
fn what_a_list_or_a_whole_value_cannot_be_is_refused() {
    for of_a_list in [json!({"key": "id"}), json!({"ordered_by": "t"}), json!({"set": true})] {
        let mut scalar = json!({"path": [], "value": 1});
        scalar.as_object_mut().unwrap().extend(of_a_list.as_object().unwrap().clone());
        refuses::<Document>(write(scalar), "only a list");
    }
    let list = |form: serde_json::Value| {
        let mut list = json!({"path": [], "value": []});
        list.as_object_mut().unwrap().extend(form.as_object().unwrap().clone());
        write(list)
    };
    assert!(serde_json::from_value::<Document>(list(json!({"set": true}))).is_ok());
    refuses::<Document>(list(json!({"set": true, "key": "id"})), "a set has no key");
    refuses::<Document>(list(json!({"set": true, "ordered_by": "t"})), "a set has no key");
    // One value as deep as documents may be, below some fields.
    let nested = |depth: usize, is_list: bool| {
        (0..depth).fold(json!(7), |it, _| if is_list { json!([it]) } else { json!({"a": it}) })
    };
    for is_list in [true, false] {
        let atom = |above: usize, depth| {
            write(json!({"path": vec!["a"; above], "atom": nested(depth, is_list)}))
        };
        for above in [0, 1, 5] {
            assert!(serde_json::from_value::<Document>(atom(above, 127 - above)).is_ok());
            let why = if above == 0 { "nests too deep" } else { "deeper than 127 levels" };
            refuses::<Document>(atom(above, 128 - above), why);
        }
    }
    let error = rmp_serde::from_slice::<Document>(&rmp_serde::to_vec(&7_u8).unwrap()).unwrap_err();
    assert!(error.to_string().contains("the canonical bytes of rejoin::wire"), "{error}");
}

#[test]
fn grants_that_break_an_invariant_are_refused() {
    refuses::<BoundedCounter>(json!({"granted": {}}), "used");
    refuses::<BoundedCounter>(json!({"granted": 3, "used": {}}), "what they granted");
    let twice = r#"{"granted": {"us": {"us": 1}, "us": {"us": 2}}, "used": {}}"#;
    let error = serde_json::from_str::<BoundedCounter>(twice).unwrap_err().to_string();
    assert!(error.contains("us is repeated"), "{error}");
    let compact_grants = |granted: &[(&str, &[(&str, u64)])]| {
        let owned = |(id, count): &(&str, u64)| ((*id).to_owned(), *count);
        let mut rows: Vec<(String, Vec<(String, u64)>)> = Vec::new();
        for (id, to) in granted {
            rows.push(((*id).to_owned(), to.iter().map(owned).collect()));
        }
        let used: Vec<(String, u64)> = Vec::new();
        let config = bincode::config::standard();
        let bytes = bincode::serde::encode_to_vec((&rows, &used), config).unwrap();
        bincode::serde::decode_from_slice::<BoundedCounter, _>(&bytes, config)
    };
    assert!(compact_grants(&[("a", &[("a", 1)]), ("b", &[("a", 1)])]).is_ok());
    assert!(compact_grants(&[("b", &[("a", 1)]), ("a", &[("a", 1)])]).is_err(), "out of order");
    assert!(compact_grants(&[("a", &[("a", 1)]), ("a", &[("b", 1)])]).is_err(), "twice");
    assert!(compact_grants(&[("a", &[])]).is_err(), "says nothing");
}

#[test]
fn what_breaks_an_invariant_is_refused() {
    type Kernel = DotKernel<u8>;
    refuses::<Kernel>(json!(3), "a map by replica id");
    refuses::<VectorClock>(json!(3), "a map of replica ids to counts");
    refuses::<VectorClock>(json!(3), "expected");
    refuses::<Kernel>(lane(json!(3), json!([])), "a sequence");
    refuses::<Kernel>(lane(json!([[1, 3], [4, 5]]), json!([])), "interval 4 to 5");
    refuses::<Kernel>(lane(json!([[3, 1]]), json!([])), "interval 3 to 1");
    refuses::<Kernel>(lane(json!([[0, 1]]), json!([])), "interval 0 to 1");
    refuses::<Kernel>(lane(json!([[5, 9], [1, 2]]), json!([])), "interval 1 to 2");
    refuses::<Kernel>(lane(json!([]), json!([])), "nothing was seen of us-east-1");
    refuses::<Kernel>(lane(json!([[1, 2]]), json!([[3, 0]])), "us-east-1:3");
    refuses::<Kernel>(lane(json!([[1, 2]]), json!([[2, 0], [1, 0]])), "us-east-1:1");
    refuses::<Kernel>(lane(json!([[1, 2]]), json!([[1, 0], [1, 0]])), "us-east-1:1");
    refuses::<Kernel>(lane(json!([[1, 2]]), json!([[0, 0]])), "us-east-1:0");
    refuses::<OrSet<u8>>(json!({"": {"seen": [[1, 1]], "live": []}}), "replica id");
    refuses::<ReplicaId>(json!("67E55044-10B1-426F-9247-BB680E5FE0C8"), "lower case");
    refuses::<PnCounter>(json!({"increments": {}}), "decrements");
    refuses::<PnCounter>(json!({"increments": {}, "decrements": {}, "x": 1}), "unknown field");

    let row = |opened: u64, closed: u64| json!({"opened": opened, "closed": closed, "until": 3});
    refuses::<Gauge>(json!(3), "a map of replica ids to what they opened and closed");
    refuses::<Gauge>(json!({"us": row(1, 2)}), "us has closed more than it opened");
    refuses::<Gauge>(json!({"us": row(1, 0), "us#2": row(1, 0)}), "us#2 is repeated");
    refuses::<Gauge>(json!({"us": {"opened": 1}}), "closed");
    refuses::<Gauge>(json!({"us": {"opened": 1, "closed": 0, "open": 1}}), "unknown field");
    let compact_rows = |rows: &[(&str, u64, u64, Option<u64>)]| {
        let rows = rows
            .iter()
            .map(|(id, opened, closed, until)| ((*id).to_owned(), (*opened, *closed, *until)));
        let (rows, config) = (rows.collect::<Vec<_>>(), bincode::config::standard());
        // A list of pairs is written as a map is.
        let bytes = bincode::serde::encode_to_vec(&rows, config).unwrap();
        bincode::serde::decode_from_slice::<Gauge, _>(&bytes, config)
    };
    assert!(compact_rows(&[("a", 1, 0, None), ("b#1", 0, 0, None), ("c", 0, 0, Some(1))]).is_ok());
    assert!(compact_rows(&[("a", 0, 0, None)]).is_err(), "says nothing");
    assert!(compact_rows(&[("a", 1, 0, Some(0))]).is_err(), "the epoch is no lease");
    assert!(compact_rows(&[("a", 1, 0, None), ("a#1", 1, 0, None)]).is_err());

    let twice = r#"{"us-east-1": 1, "us-east-1": 2}"#;
    assert!(serde_json::from_str::<VectorClock>(twice).is_err());
    let twice = r#"{"us-east-1": [[1, 2]], "us-east-1": [[1, 2]]}"#;
    assert!(serde_json::from_str::<CausalContext>(twice).is_err());

    assert!(serde_json::from_value::<Document>(write(json!({"path": [], "value": {}}))).is_ok());
    refuses::<Document>(write(json!({"path": "/title", "value": 1})), "expected u32");
    refuses::<Document>(write(json!({"path": 1, "value": 1})), "not in the table");
    refuses::<Document>(
        write(json!({"path": [], "value": {"a": 1}})),
        "mark of a container must be empty",
    );
    refuses::<Document>(
        write(json!({"path": [], "value": [1]})),
        "mark of a container must be empty",
    );
    refuses::<Document>(write(json!({"path": []})), "one of value, count, place, atom and removed");
    let both = json!({"path": [], "value": 1, "count": 1, "start": 1});
    refuses::<Document>(write(both), "one of value");
    refuses::<Document>(write(json!({"path": [], "count": 1})), "must have a start");
    refuses::<Document>(write(json!({"path": [], "value": 1, "start": 1})), "must have a start");
    refuses::<Document>(write(json!({"path": [], "count": 1, "start": 0})), "before any write");
    refuses::<Document>(write(json!({"path": [], "count": 1, "start": 2})), "after itself");
    let counted = |replica: &str, start: u64, last: u64| json!({"replica": replica, "start": start, "last": last, "sum": 1});
    let value =
        |counted: serde_json::Value| write(json!({"path": [], "value": 1, "counted": counted}));
    let [b, c] = ["b", "c"].map(|id| counted(id, 1, 9));
    assert!(serde_json::from_value::<Document>(value(json!([b, c]))).is_ok());
    refuses::<Document>(value(json!([c, b])), "repeated or out of order");
    refuses::<Document>(value(json!([b, b])), "repeated or out of order");
    refuses::<Document>(value(json!([counted("b", 0, 9)])), "before it began");
    refuses::<Document>(value(json!([counted("b", 9, 8)])), "before it began");
    refuses::<Document>(value(json!([counted("us-east-1", 1, 1)])), "after it was replaced");
    let count = json!({"path": [], "count": 1, "start": 1, "counted": [b]});
    refuses::<Document>(write(count), "only a value can replace");
    let place = "80610000800080".to_owned();
    refuses::<Document>(write(json!({"path": ["a"], "place": place})), "only an item");
    refuses::<Document>(write(json!({"path": [{"key": 1}], "place": "80008"})), "not well formed");
    refuses::<Document>(write(json!({"path": [{"key": 1}], "place": "zz"})), "not well formed");
    let unknown = "80610000800480".to_owned();
    refuses::<Document>(write(json!({"path": [{"key": 1}], "place": unknown})), "not well formed");
    refuses::<Document>(write(json!({"path": [{"key": []}], "value": 1})), "not a scalar");
    refuses::<Document>(write(json!({"path": [{"key": 1, "like": 1}], "value": 1})), "one of key");
    refuses::<Document>(write(json!({"path": [{}], "value": 1})), "one of key");
    refuses::<Document>(write(json!({"path": vec!["a"; 129], "value": 1})), "deeper");
    refuses::<Document>(write(json!({"path": ["a".repeat(16_384)], "value": 1})), "longer");
    refuses::<Digest>(
        json!({"seen": {"us-east-1": [[1, 2]]}, "live": {"us-east-1": [[2, 3]]}}),
        "never seen",
    );
    let mut document = Document::from_json(&json!({"n": 1}), replica("a"), at(5)).unwrap();
    let mut twice =
        serde_json::to_value(document.remove("/n", replica("a"), at(6)).unwrap()).unwrap();
    let removals = twice["removals"].as_array_mut().unwrap();
    removals.push(removals[0].clone());
    refuses::<DocumentDelta>(twice, "out of order");
    let made = json!({"made": {"replica": "us-east-1", "counter": 1}, "nth": 1});
    refuses::<Document>(write(json!({"path": [made], "value": 1})), "one of key");
    refuses::<DocumentDelta>(
        json!({"paths": [], "writes": {}, "removals": [
            {"dot": {"replica": "a", "counter": 1}, "path": 0, "time": 1}
        ]}),
        "never seen",
    );
}

/// As `serde_json` hands them out where some crate in the build keeps them as they are spelled.
#[test]
fn numbers_may_be_spelled() {
    let read = |text: &str| {
        let spelled = json!({"$serde_json::private::Number": text}).to_string();
        serde_json::from_str::<Value>(&spelled).map_err(|error| error.to_string())
    };
    assert_eq!(read("7"), Ok(7_u64.into()));
    assert_eq!(read("-7"), Ok(Value::from(-7_i64)));
    assert_eq!(read("1.5"), Ok(1.5.into()));
    for text in ["1e999", "x", ""] {
        assert!(read(text).unwrap_err().contains("is neither a 64-bit integer"));
    }
}

#[test]
fn values_in_bytes_have_one_form() {
    let bytes_of = |json: serde_json::Value| {
        let config = bincode::config::standard();
        bincode::serde::encode_to_vec(Value::try_from(json).unwrap(), config).unwrap()
    };
    let refused = |bytes: &[u8]| {
        let read =
            bincode::serde::decode_from_slice::<Value, _>(bytes, bincode::config::standard());
        read.unwrap_err().to_string()
    };
    let (below_zero, fields) = (bytes_of(json!(-1)), bytes_of(json!({"a": -1, "b": -2})));
    let zero = [&below_zero[..below_zero.len() - 1], &[0]].concat();
    assert!(refused(&zero).contains("a number is not in its canonical form"), "{}", refused(&zero));
    let twice: Vec<u8> =
        fields.iter().map(|byte| if *byte == b'b' { b'a' } else { *byte }).collect();
    assert!(refused(&twice).contains("repeated or out of order"), "{}", refused(&twice));
    let blob = serde::de::value::BytesDeserializer::<serde::de::value::Error>::new(b"blob");
    let error = <Value as serde::Deserialize>::deserialize(blob).unwrap_err();
    assert!(error.to_string().contains("JSON"), "{error}");
}

#[test]
fn hostile_bytes_are_an_error_and_not_a_panic() {
    let [us, eu] = ids();
    let mut document = Document::from_json(&json!({"a": {"b": [1, {"c": 2}]}}), us, at(1)).unwrap();
    document.set("/a/b", "x", eu, at(1)).unwrap();
    let config = bincode::config::standard().with_limit::<65_536>();
    let bytes = bincode::serde::encode_to_vec(&document, config).unwrap();
    let mut decoded = 0;
    for at in 0..bytes.len() {
        for value in 0..=u8::MAX {
            let mut forged = bytes.clone();
            forged[at] = value;
            let read = bincode::serde::decode_from_slice::<Document, _>(&forged, config);
            if let Ok((document, _)) = read {
                document.check_invariants().unwrap();
                decoded += 1;
            }
        }
    }
    assert!(decoded > bytes.len(), "some mutations only change a text");
    // An array in an array in an array …: as deep as the bytes go.
    let mut deep = vec![1; 100_000];
    deep[0] = 250;
    assert!(
        bincode::serde::decode_from_slice::<Value, _>(&deep, bincode::config::standard()).is_err()
    );
}

type Present = Presence<String, u8>;

#[test]
fn what_breaks_a_presence_is_refused() {
    refuses::<Present>(json!(3), "a map of replica ids to their leases and entries");
    let life = |id: &str| json!({"until": 3, "entries": {id: {"seen": [[1, 1]], "live": []}}});
    refuses::<Present>(json!({"us": life("eu")}), "us holds entries of another replica");
    refuses::<Present>(json!({"us": life("us"), "us#2": life("us#2")}), "us#2 is repeated");
    refuses::<Present>(json!({"us": {"until": 3}}), "entries");
    refuses::<Present>(json!({"us": {"until": 3, "entries": {}, "x": 1}}), "unknown field");
}

#[test]
fn other_formats_keep_every_kind_of_type() {
    let [us, eu] = ids();
    through_others(&[(us, 5), (eu, 3)].into_iter().collect::<VectorClock>());
    let mut counter = PnCounter::new();
    counter.decrement(3, us).unwrap();
    through_others(&counter);
    let mut gauge = Gauge::new();
    gauge.open(3, us.with_incarnation(2)).unwrap();
    gauge.renew(eu, at(7)).unwrap();
    through_others(&gauge);
    let mut seats = BoundedCounter::new();
    seats.increment(3, us).unwrap();
    seats.transfer(1, us, eu).unwrap();
    seats.decrement(1, us).unwrap();
    through_others(&seats);
    let mut presence = Presence::new();
    presence.join("ana".to_owned(), 7_u64, us.with_incarnation(2)).unwrap();
    through_others(&presence.renew(eu, at(7)).unwrap());
    through_others(&presence);
    through_others(&presence.version());
    let mut register = LwwRegister::new();
    through_others(&register);
    register.set("open".to_owned(), us, at(u64::MAX)).unwrap();
    through_others(&register);
    register.set("open".to_owned(), us, at(5)).unwrap();
    through_others(&register);
    let mut map = OrMap::new();
    map.insert("theme".to_owned(), 7_u64, us, at(9)).unwrap();
    map.remove("theme", eu).unwrap();
    map.insert("font".to_owned(), 8, us, at(9)).unwrap();
    through_others(&map);
    through_others(&map.version());
    let (document, deltas) = conversation();
    through_others(&document);
    deltas.iter().for_each(through_others);
    through_others(&Value::try_from(document.to_json()).unwrap());
}
