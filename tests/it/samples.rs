//! Values of every type that has a form: small and large, and some that nobody would make.

use crate::{
    at,
    encoded::{Sent, digest, seen},
    replica,
};
use rejoin::{
    BoundedCounter, CausalMap, DeltaState, Document, EnableFlag, GCounter, Gauge, LwwRegister, Max,
    Merge, Min, MvRegister, OrMap, OrSet, PnCounter, Presence, PresenceDelta, ReplicaId, Stamp,
    VectorClock,
    causal::{CausalContext, Digest, Dot, DotKernel},
    document::{DocumentDelta, Rules, Value},
    sync::{
        Fingerprint, Log,
        health::{Heartbeat, Position},
    },
};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// What is done with each sample.
pub(crate) trait Visit {
    fn visit<T: Sent>(&mut self, name: &str, value: &T);
}

/// The same values in every run, and forever: golden files are made of them. A sample is never
/// changed; new ones are added.
pub(crate) fn visit_all(visit: &mut impl Visit) {
    plain(visit);
    clocks_and_counters(visit);
    registers(visit);
    removing(visit);
    nested(visit);
    documents(visit);
}

fn ids() -> [ReplicaId; 3] {
    [replica("us-east-1"), replica("eu-west-1"), ReplicaId::from_u128(0xffff << 100)]
}

fn plain(visit: &mut impl Visit) {
    let [us, eu, uuid] = ids();
    visit.visit("replica_name", &us);
    visit.visit("replica_uuid", &uuid);
    visit.visit("replica_zero", &ReplicaId::from_u128(0));
    visit.visit("replica_reborn", &us.with_incarnation(300));
    visit.visit("replica_reborn_uuid", &uuid.with_incarnation(u32::MAX));
    visit.visit("replica_long", &replica("northamerica-northeast1-pod4"));
    let lives = [us, us.with_incarnation(1), us.with_incarnation(2)];
    visit.visit("clock_of_three_lives", &VectorClock::from_iter(lives.map(|it| (it, 7))));
    visit.visit("timestamp", &at(1_717_236_600_000));
    visit.visit("timestamp_last", &at(u64::MAX));
    visit.visit("stamp", &Stamp { time: at(5), replica: eu });
    visit.visit("stamps", &vec![Some(Stamp { time: at(0), replica: us }), None]);
    visit.visit("dot", &Dot::new(us, 300.try_into().unwrap()));
    visit.visit("naturals", &(7_u8, 300_u16, 70_000_u32, u64::MAX));
    visit.visit("integers", &(-7_i8, i16::MIN, -70_000_i32, i64::MIN));
    visit.visit("naturals_many", &vec![5_u64, 7, 260, 5]);
    visit.visit("naturals_equal", &vec![9_u16; 3]);
    visit.visit("naturals_wide", &vec![0_u64, u64::MAX]);
    for width in 1..=8 {
        let greatest = u64::MAX >> (64 - 8 * width);
        visit.visit(&format!("naturals_in_{width}"), &vec![7, greatest, greatest / 3]);
    }
    visit.visit("integers_many", &vec![-1_i64, 0, 70_000, i64::MIN, i64::MAX]);
    visit.visit("truths", &vec![true, false, true, true, false, false, false, false, true]);
    visit.visit("nothings", &vec![(); 9]);
    visit.visit("texts", &vec![String::new(), "ana".into(), "Grüße".into()]);
    visit.visit("lists", &vec![vec![1_u8, 2], vec![], vec![3]]);
    visit.visit("option_none", &None::<u64>);
    visit.visit("option_some", &Some("x".to_owned()));
    visit.visit("maximum", &(Max(3_u64), Min("a".to_owned())));
    visit.visit(
        "map_of_counters",
        &[(7_u64, counter()), (9, PnCounter::new())].into_iter().collect::<BTreeMap<_, _>>(),
    );
    visit.visit(
        "set_grow_only",
        &["b".to_owned(), "a".to_owned()].into_iter().collect::<BTreeSet<_>>(),
    );
}

fn counter() -> PnCounter {
    let [us, eu, uuid] = ids();
    let mut counter = PnCounter::new();
    counter.increment(3, us).unwrap();
    counter.increment(u64::MAX, uuid).unwrap();
    counter.decrement(200, eu).unwrap();
    counter.decrement(1, us).unwrap();
    counter
}

fn clocks_and_counters(visit: &mut impl Visit) {
    let [us, eu, uuid] = ids();
    visit.visit("clock_empty", &VectorClock::new());
    visit
        .visit("clock", &[(us, 5), (eu, 3), (uuid, u64::MAX)].into_iter().collect::<VectorClock>());
    let many = (0..100_u64).map(|id| (ReplicaId::from_u128(u128::from(id * id)), 1 + id * 40));
    visit.visit("clock_of_many", &many.collect::<VectorClock>());
    let mut grow_only = GCounter::new();
    visit.visit("g_counter_empty", &grow_only);
    grow_only.increment(300, us).unwrap();
    visit.visit("g_counter", &grow_only);
    visit.visit("pn_counter_empty", &PnCounter::new());
    visit.visit("pn_counter", &counter());
    visit.visit("fingerprint", &Fingerprint::of(&counter()));
    synced(visit);
    gauges(visit);
    bounded(visit);
    presences(visit);
}

fn synced(visit: &mut impl Visit) {
    let [us, eu, _] = ids();
    let beat = Heartbeat::new(41).with_head(Position::on(2, 7_000)).with_heard(1_204);
    visit.visit("heartbeat", &beat);
    visit.visit("heartbeat_bare", &Heartbeat::new(0));
    let (mut counter, mut log) = (GCounter::new(), Log::<GCounter>::new());
    visit.visit("log_empty", &log);
    for position in [3, 4, 300, 302, 90_000] {
        log.append(position, counter.increment(position, us).unwrap()).unwrap();
    }
    log.cut([4, 302]);
    visit.visit("log", &log);
    let (mut set, mut log) = (OrSet::new(), Log::<OrSet<u64>>::new());
    log.append(0, set.insert(7_u64, us).unwrap()).unwrap();
    log.append(5, set.remove(&7, eu).unwrap()).unwrap();
    visit.visit("log_of_a_set", &log);
}

fn bounded(visit: &mut impl Visit) {
    let [us, eu, uuid] = ids();
    let mut counter = BoundedCounter::new();
    visit.visit("bounded_counter_empty", &counter);
    visit.visit("bounded_counter_delta_increment", &counter.increment(300, us).unwrap());
    visit.visit("bounded_counter_delta_transfer", &counter.transfer(200, us, eu).unwrap());
    visit.visit("bounded_counter_delta_decrement", &counter.decrement(7, us).unwrap());
    counter.transfer(5, eu, uuid).unwrap();
    counter.increment(u64::MAX, uuid).unwrap();
    counter.decrement(u64::MAX, uuid).unwrap();
    visit.visit("bounded_counter", &counter);
}

fn gauges(visit: &mut impl Visit) {
    let [us, eu, uuid] = ids();
    let mut gauge = Gauge::new();
    visit.visit("gauge_empty", &gauge);
    visit.visit("gauge_delta_open", &gauge.open(300, us).unwrap());
    visit.visit("gauge_delta_renew", &gauge.renew(us, at(1_717_236_600_000)).unwrap());
    visit.visit("gauge_delta_close", &gauge.close(200, us).unwrap());
    visit.visit("gauge_delta_new_life", &gauge.open(0, eu.with_incarnation(3)).unwrap());
    gauge.renew(eu.with_incarnation(3), at(u64::MAX)).unwrap();
    gauge.open(u64::MAX, uuid).unwrap();
    gauge.close(u64::MAX, uuid).unwrap();
    visit.visit("gauge", &gauge);
}

fn presences(visit: &mut impl Visit) {
    let [us, eu, _] = ids();
    let mut presence = Presence::<String, u64>::new();
    visit.visit("presence_empty", &presence);
    visit.visit("presence_delta_empty", &PresenceDelta::<String, u64>::default());
    visit.visit("presence_delta_join", &presence.join("ana".into(), 300, us).unwrap());
    visit.visit("presence_delta_update", &presence.update("ana", 7, us).unwrap());
    visit.visit("presence_delta_renew", &presence.renew(us, at(1_717_236_600_000)).unwrap());
    let eu = eu.with_incarnation(3);
    let entries = ["bo", "cy", "di"].map(|name| (name.to_owned(), 1));
    visit.visit("presence_delta_extend", &presence.extend(entries, eu).unwrap());
    visit.visit("presence_delta_leave", &presence.leave("cy", eu).unwrap());
    presence.renew(eu, at(u64::MAX)).unwrap();
    visit.visit("presence", &presence);
    visit.visit("presence_version", &presence.version());
}

fn registers(visit: &mut impl Visit) {
    let [us, eu, _] = ids();
    let mut last = LwwRegister::<String>::new();
    visit.visit("lww_register_empty", &last);
    last.set("open".into(), us, at(5)).unwrap();
    visit.visit("lww_register", &last);
    visit.visit("lww_register_version", &last.version());
    last.set("open".into(), us, at(u64::MAX)).unwrap();
    last.set("open".into(), us, at(5)).unwrap();
    visit.visit("lww_register_of_epoch_one", &last);
    let mut siblings = MvRegister::<String>::new();
    visit.visit("mv_register_empty", &siblings);
    siblings.set("open".into(), us).unwrap();
    let mut theirs = siblings.clone();
    theirs.set("escalated".into(), eu).unwrap();
    let resolved = siblings.set("resolved".into(), us).unwrap();
    visit.visit("mv_register_delta", &resolved);
    siblings.merge(&theirs);
    visit.visit("mv_register", &siblings);
    let mut flag = EnableFlag::new();
    visit.visit("flag_empty", &flag);
    flag.enable(us).unwrap();
    visit.visit("flag_on", &flag);
    visit.visit("flag_disable", &flag.disable(eu).unwrap());
    visit.visit("flag_off", &flag);
}

fn removing(visit: &mut impl Visit) {
    let [us, eu, uuid] = ids();
    let mut set = OrSet::<String>::new();
    visit.visit("set_empty", &set);
    set.extend(["ana", "bo", "cy"].map(String::from), us).unwrap();
    let mut theirs = set.clone();
    visit.visit("set_delta_add", &theirs.insert("bo".into(), eu).unwrap());
    visit.visit("set_delta_remove", &set.remove("bo", uuid).unwrap());
    set.merge(&theirs);
    visit.visit("set_of_texts", &set);
    visit.visit("set_digest", &digest(&set.version()));
    visit.visit("set_version", &set.version());
    visit.visit("set_context", &seen(&set));
    visit.visit("context_empty", &CausalContext::new());
    visit.visit("digest_empty", &Digest::default());

    let mut numbers = OrSet::<u64>::new();
    numbers
        .extend((0..200).map(|number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15)), us)
        .unwrap();
    visit.visit("set_of_numbers", &numbers);
    let removed: Vec<u64> = numbers.iter().copied().step_by(3).collect();
    removed.iter().for_each(|number| _ = numbers.remove(number, eu).unwrap());
    visit.visit("set_with_holes", &numbers);
    // Every other delta arrived, up to the last counter there is.
    let form = json!({
        "us-east-1": {"seen": [[1, 1], [3, 3], [63, 65], [u64::MAX, u64::MAX]],
            "live": [[3, 1], [63, 0], [64, 9], [u64::MAX, 2]]},
    });
    visit.visit("kernel_with_gaps", &serde_json::from_value::<DotKernel<u64>>(form).unwrap());
    let all = json!({"us-east-1": {"seen": [[1, u64::MAX]], "live": []}});
    visit.visit("kernel_used_up", &serde_json::from_value::<DotKernel<u64>>(all).unwrap());

    let mut map = OrMap::<String, u64>::new();
    visit.visit("map_empty", &map);
    map.insert("theme".into(), 1, us, at(9)).unwrap();
    let mut theirs = map.clone();
    theirs.insert("theme".into(), 2, eu, at(9)).unwrap();
    visit.visit("map_delta", &map.insert("font".into(), 3, us, at(12)).unwrap());
    map.merge(&theirs);
    visit.visit("map", &map);
}

fn nested(visit: &mut impl Visit) {
    let [us, eu, uuid] = ids();
    let mut counts = CausalMap::<String, PnCounter>::new();
    visit.visit("causal_map_empty", &counts);
    visit.visit("causal_map_delta", &counts.entry("/home".into()).increment(300, us).unwrap());
    counts.entry("/home".into()).decrement(1, uuid).unwrap();
    counts.entry("/about".into()).increment(2, us).unwrap();
    let mut theirs = counts.clone();
    visit.visit("causal_map_delta_remove", &theirs.remove("/home", eu).unwrap());
    theirs.entry("/home".into()).increment(7, eu).unwrap();
    counts.entry("/home".into()).increment(4, us).unwrap();
    counts.merge(&theirs);
    visit.visit("causal_map_of_counters", &counts);

    let mut sets = CausalMap::<u64, CausalMap<String, OrSet<u64>>>::new();
    for (at, key) in ["a", "b", "c", "b", "a", "a"].into_iter().enumerate() {
        let at = at as u64;
        sets.entry(at % 2).entry(key.into()).insert(at * 100, us).unwrap();
    }
    sets.entry(0).remove("c", eu).unwrap();
    visit.visit("causal_map_of_maps", &sets);
    let mut last = CausalMap::<u64, LwwRegister<String>>::new();
    last.entry(7).set("open".into(), us, at(9)).unwrap();
    let mut theirs = last.clone();
    theirs.entry(7).set("closed".into(), eu, at(12)).unwrap();
    last.entry(8).set("open".into(), us, at(9)).unwrap();
    last.entry(7).set("asleep".into(), us, at(12)).unwrap();
    last.merge(&theirs);
    visit.visit("causal_map_of_last_writers", &last);
    let mut siblings = CausalMap::<u8, CausalMap<u8, MvRegister<String>>>::new();
    siblings.entry(1).entry(2).set("open".into(), us).unwrap();
    visit.visit("causal_map_of_siblings", &siblings);
    let mut flags = CausalMap::<String, EnableFlag>::new();
    flags.entry("ana".into()).enable(us).unwrap();
    flags.entry("bo".into()).enable(us).unwrap();
    visit.visit("causal_map_of_flags", &flags);
}

/// A conversation with everything in it.
pub(crate) fn conversation() -> (Document, Vec<DocumentDelta>) {
    let [us, eu, uuid] = ids();
    let content = json!({
        "title": "Booking", "status": "a status that is longer than what fits in a write",
        "n": [1, -2, 0.5, {"deep": [null, true]}], "empty": {}, "none": [], "unread": 2,
        "messages": [{"id": "m1", "text": "Hello"}, {"id": "m2", "text": "Hi"}],
    });
    let keys = Rules::new().keyed("/messages", "id").unwrap();
    let mut ours = Document::from_json_with(keys, &content, us, at(1_000)).unwrap();
    let mut theirs = ours.clone();
    let mut deltas = vec![
        ours.increment("/unread", 3, us, at(1_001)).unwrap(),
        ours.set("/title", "Booking Help", us, at(1_002)).unwrap(),
        ours.push("/messages", json!({"id": "m3", "text": "Hello"}), us, at(1_003)).unwrap(),
        ours.push("/n", Value::from(f64::MIN_POSITIVE), us, at(1_003)).unwrap(),
        ours.remove("/n/1", us, at(1_004)).unwrap(),
        ours.move_item("/messages/0", 1, us, at(1_005)).unwrap(),
        theirs.set("/title", "Booking Assistance", eu, at(900)).unwrap(),
        theirs.decrement("/unread", 1, eu, at(1_001)).unwrap(),
        theirs.insert("/messages/1", json!({"id": "m4"}), eu, at(1_006)).unwrap(),
        theirs.remove("/messages/0", eu, at(1_007)).unwrap(),
        theirs.set("/empty", Value::from(i64::MIN), uuid, at(1_008)).unwrap(),
    ];
    ours.merge(&theirs);
    deltas.push(ours.delta_since(&theirs.version()));
    (ours, deltas)
}

/// A number that one side set while two counted.
fn counted() -> Document {
    let [us, eu, uuid] = ids();
    let mut ours = Document::from_json(&json!({"n": 0}), us, at(1_000)).unwrap();
    ours.increment("/n", 300, eu, at(1_001)).unwrap();
    ours.increment("/n", 4, uuid, at(1_001)).unwrap();
    let mut theirs = ours.clone();
    ours.set("/n", 7, us, at(1_002)).unwrap();
    theirs.decrement("/n", 1_000, eu, at(1_002)).unwrap();
    ours.merge(&theirs);
    ours
}

/// A document in which every rule has decided something.
fn ruled() -> Document {
    let [us, eu, uuid] = ids();
    let rules = Rules::new().keyed("/list", "k").and_then(|it| it.ordered_by("/list", "t"));
    let rules = rules.and_then(|it| it.ordered_by("/log", "t")).and_then(|it| it.set("/tags"));
    let rules = rules.and_then(|it| it.atomic("/pos")).and_then(|it| it.atomic("/box"));
    let rules = rules.and_then(|it| it.max("/top")).and_then(|it| it.min("/low"));
    let rules = rules.and_then(|it| it.prefer("/price", [uuid, eu]));
    let rules = rules.and_then(|it| it.delete_wins("/drafts/*")).unwrap();
    let content = json!({
        "list": [{"k": 1, "t": 5}, {"k": 2, "t": 4.5}], "log": [["x"]], "tags": ["b", "a", "b"],
        "pos": [0.25, -3, 63, 64, 1e300, 0.1], "box": {"": [null, true, false, {"a": "b"}]},
        "top": 1, "low": "b", "price": 1, "drafts": {"d": {"text": "x"}, "e": 1},
    });
    let mut ours = Document::from_json_with(rules.clone(), &content, us, at(5)).unwrap();
    let mut theirs = ours.clone();
    ours.remove("/drafts/d", us, at(6)).unwrap();
    theirs.set("/drafts/d/text", "y", eu, at(7)).unwrap();
    for (document, id, number) in [(&mut ours, us, 2), (&mut theirs, eu, 3)] {
        for path in ["/top", "/price"] {
            document.set(path, number, id, at(8)).unwrap();
        }
        document.set("/pos", json!([number]), id, at(8)).unwrap();
    }
    ours.merge(&theirs);
    ours
}

fn documents(visit: &mut impl Visit) {
    visit.visit("value_null", &Value::Null);
    let nested = json!([{"a": [true, false, 1, -1, 1.5], "b": {"": "Grüße"}}, u64::MAX, i64::MIN]);
    visit.visit("value", &Value::try_from(nested).unwrap());
    visit.visit("document_empty", &Document::new());
    visit.visit("document_delta_empty", &DocumentDelta::default());
    let (document, deltas) = conversation();
    for (at, delta) in deltas.iter().enumerate() {
        visit.visit(&format!("document_delta_{at:02}"), delta);
    }
    visit.visit("document", &document);
    visit.visit("document_version", &document.version());
    let mut all = DocumentDelta::default();
    deltas.iter().for_each(|delta| _ = all.merge(delta));
    visit.visit("document_delta_all", &all);
    visit.visit("document_counted", &counted());
    visit.visit("document_ruled", &ruled());
    let scalars = json!({
        "null": null, "false": false, "true": true, "natural": u64::MAX, "negative": -1,
        "float": 0.25, "empty": "", "short": "Gr\u{fc}\u{df}e", "22": "x".repeat(22), "23": "x".repeat(23),
    });
    let scalars = Document::from_json(&scalars, replica("us-east-1"), at(9)).unwrap();
    visit.visit("document_scalars", &scalars);
    let clock = [(replica("us-east-1"), 3)].into_iter().collect();
    let row = json!({"title": "Booking", "open": true});
    let snapshot = Document::from_snapshot(&row, &clock, replica("us-east-1"), at(7)).unwrap();
    visit.visit("document_snapshot", &snapshot);
}
