//! What each public function costs as its state grows: one table of all of them, so that none is
//! forgotten.
//!
//! Each is run on a state of [`SMALL`] and one of [`large`] entries. The least time of several rounds
//! is taken: short ones are not interrupted, and of long ones only what was computed counts. What
//! takes too long is measured again.

// Iterators are walked to the end, and from the front.
#![allow(clippy::double_ended_iterator_last)]

use crate::{at, cpu::cpu_time, effort::one_in, encoded, replica};
use rejoin::{
    BoundedCounter, CausalMap, DeltaState, Document, EnableFlag, GCounter, GMap, Gauge, Liveness,
    LwwRegister, Max, Merge, MvRegister, OrMap, OrSet, PnCounter, Presence, ReplicaId, VectorClock,
    Version,
    causal::{CausalContext, Dot, DotKernel},
    document::{Input, Rules, Value},
    sync::{
        Collection, Direction, Fingerprint, Gate, Log, Reconciler, ReconcilerSettings, Session,
        health::{self, Heartbeat, Link, Position},
        shortest_between,
    },
    wire::{self, Limits},
};
use serde_json::{Value as Json, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    hint::black_box,
    path::Path,
    time::{Duration, Instant},
};

const SMALL: u64 = 1_000;

/// The larger of the two, and more of it in full.
fn large() -> u64 {
    32_000 / u64::try_from(one_in(2)).unwrap()
}

/// Nanoseconds too few to measure: a walk over [`large`] entries takes more than ten times that.
const NOISE: f64 = 300.0;

/// How the cost of one call grows with the state.
#[derive(Clone, Copy, Debug)]
enum Growth {
    /// Not at all, or with the logarithm: the larger state may cost some cache misses.
    Flat,
    /// With the state: far from the square, which would be a thousand times as much.
    Linear,
}
use Growth::{Flat, Linear};

impl Growth {
    const fn most(self) -> f64 {
        match self {
            Flat => 8.0,
            Linear => 130.0,
        }
    }
}

/// One call, to be repeated.
type Op = Box<dyn FnMut()>;

fn op<T>(mut call: impl FnMut() -> T + 'static) -> Op {
    Box::new(move || _ = black_box(call()))
}

/// One line of the table: which functions, separated by blanks; on what, if that says something; how
/// they grow; and a call on a state of a given size.
struct Row(&'static str, &'static str, Growth, fn(u64) -> Op);

/// Nanoseconds for one call.
fn time(row: &Row, size: u64) -> f64 {
    let mut call = (row.3)(size);
    let mut round = |calls: u32| {
        let (computed, start) = (cpu_time(), Instant::now());
        (0..calls).for_each(|_| call());
        let took = start.elapsed();
        // What is long is interrupted, and its computing time told well enough.
        let computed = computed.zip(cpu_time()).map(|(from, to)| to.saturating_sub(from));
        let computed = computed.filter(|_| took > Duration::from_millis(10));
        computed.map_or(took, |computed| computed.min(took))
    };
    let first = round(1).max(Duration::from_nanos(20));
    let calls = u32::try_from(Duration::from_micros(100).as_nanos() / first.as_nanos()).unwrap();
    let calls = calls.clamp(1, 2_000);
    let rounds = if first > Duration::from_millis(5) { 2 } else { 8 / one_in(2) };
    let least = (0..rounds).map(|_| round(calls)).min().unwrap();
    (least.as_secs_f64() * 1e9 / f64::from(calls)).max(1.0)
}

#[test]
fn no_function_costs_more_than_its_documentation_allows() {
    let mut failed = Vec::new();
    // By default every third row.
    for row in table().into_iter().step_by(one_in(3)) {
        let ratio = || time(&row, large()) / time(&row, SMALL).max(NOISE);
        let mut least = ratio();
        for _ in 0..3 {
            if least > row.2.most() {
                least = least.min(ratio());
            }
        }
        let line = format!("{:>7.1} {:?}: {} {}", least, row.2, row.0, row.1);
        println!("{line}");
        if least > row.2.most() {
            failed.push(line);
        }
    }
    assert!(
        failed.is_empty(),
        "{} entries cost so many times what {SMALL} do:\n{failed:#?}",
        large()
    );
}

#[test]
fn every_public_function_is_in_the_table_or_says_why_not() {
    let mut public = BTreeSet::new();
    public_functions(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../src"), &mut public);
    assert!(public.len() > 200, "{public:?}");
    let table = table();
    let mut told: BTreeSet<&str> = table.iter().flat_map(|row| row.0.split(' ')).collect();
    for (names, reason) in NOT_MEASURED {
        assert!(!reason.is_empty());
        for name in names.split_whitespace() {
            assert!(told.insert(name), "{name} is told twice");
        }
    }
    let missing: Vec<_> = public.iter().filter(|name| !told.contains(&***name)).collect();
    assert!(missing.is_empty(), "neither in the table nor exempt: {missing:?}");
    let gone: Vec<_> = told.iter().filter(|name| !public.contains(**name)).collect();
    assert!(gone.is_empty(), "in the table, but not in the sources: {gone:?}");
}

/// `Type::function`, and those of traits that are about cost: by the sources, which are formatted.
fn public_functions(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            // Laws are for tests, and cost what is tested.
            if name != "laws" {
                public_functions(&path, found);
            }
        } else if path.extension().is_some_and(|it| it == "rs") && name != "tests.rs" {
            public_functions_in(&fs::read_to_string(&path).unwrap(), found);
        }
    }
}

fn public_functions_in(text: &str, found: &mut BTreeSet<String>) {
    let (mut of, mut is_cost) = (String::new(), false);
    for line in text.lines() {
        if line == "mod tests {" {
            return;
        }
        if let Some(names) = line.strip_prefix("observed!(") {
            let (state, delta) = names.split_once(" and ").unwrap();
            let delta = delta.split(' ').next().unwrap();
            let of_state =
                ["merge", "merge_owned", "version", "delta_since", "apply", "apply_owned", "draft"];
            found.extend(of_state.map(|function| format!("{state}::{function}")));
            found.extend(["is_empty", "merge", "merge_owned"].map(|it| format!("{delta}::{it}")));
        }
        if let Some(head) = line.strip_prefix("impl") {
            let head = without_generics(head);
            let (of_trait, of_type) = head.split_once(" for ").unwrap_or(("", &head));
            is_cost = ["Merge", "DeltaState"].contains(&of_trait.trim());
            of = of_type.trim().split([' ', '{']).next().unwrap().to_owned() + "::";
        } else if line.starts_with('}') {
            (of, is_cost) = (String::new(), false);
        }
        let code = line.trim_start();
        let indented = line.len() - code.len();
        let public = code.strip_prefix("pub fn ").or_else(|| code.strip_prefix("pub const fn "));
        let function = public.or_else(|| code.strip_prefix("fn ").filter(|_| is_cost));
        let function = function.filter(|_| indented == if of.is_empty() { 0 } else { 4 });
        if let Some(function) = function {
            let name = function.split(['(', '<']).next().unwrap();
            found.insert(format!("{of}{name}"));
        }
    }
}

/// `<K: Eq> Merge for Map<K>` is ` Merge for Map`.
fn without_generics(head: &str) -> String {
    let (mut depth, mut before) = (0, ' ');
    let mut rest = String::new();
    for char in head.chars() {
        match char {
            '<' => depth += 1,
            '>' if before != '-' => depth -= 1,
            other if depth == 0 => rest.push(other),
            _ => {}
        }
        before = char;
    }
    rest
}

/// Removes a field, as the one write of an edit.
fn removed(document: &mut Document, now: rejoin::Timestamp) -> rejoin::document::DocumentDelta {
    let mut edit = document.edit(us(), now);
    edit.remove("/o/new").unwrap();
    edit.commit()
}

/// Public functions whose cost no state can change, and why.
const NOT_MEASURED: [(&str, &str); 9] = [
    (
        "Link::new Log::new CausalContext::new DotKernel::new VectorClock::new GCounter::new PnCounter::new Gauge::new BoundedCounter::new
         Presence::new
         Liveness::leases Liveness::receipts Rules::new Rules::default_key
         Document::new Document::with_rules EnableFlag::new OrMap::new LwwRegister::new MvRegister::new
         OrSet::new",
        "makes nothing of nothing",
    ),
    (
        "Dot::new Dot::replica Dot::counter Number::as_u64 Number::as_i64 Number::as_f64
         Number::from_f64 Timestamp::from_millis Timestamp::as_millis Timestamp::within
         ReplicaId::from_bytes ReplicaId::from_u128 ReplicaId::incarnation ReplicaId::with_incarnation
         Session::new Session::with SessionSettings::new SessionSettings::message_bytes
         SessionSettings::transfer_bytes SessionSettings::patience
         SessionError::is_damaged SessionError::is_same_nonce SessionError::is_limit SessionError::is_refused
         SessionError::as_decode Gate::new Gate::writers Gate::not_mine Gate::until Gate::limits
         Summary::of_row ReconcilerSettings::new ReconcilerSettings::message_bytes ReconcilerSettings::window
         Reconciler::new Reconciler::is_running Reconciler::poll_outcome Collection::new KeyRange::all KeyRange::new
         KeyRange::start KeyRange::end KeyRange::contains KeyRange::bounds
         Fingerprint::keyed Fingerprint::to_parts Fingerprint::from_parts
         Digest::seen Digest::live Value::kind Value::is_null Value::is_boolean
         Value::is_number Value::is_i64 Value::is_u64 Value::is_f64 Value::is_string Value::is_array
         Value::is_object Value::as_null Value::as_bool Value::as_number Value::as_i64 Value::as_u64
         Value::as_f64 Value::as_str Value::as_array Value::as_array_mut Value::as_object
         Value::as_object_mut Number::is_i64 Number::is_u64 Number::is_f64 Cursor::kind
         Cursor::is_null Cursor::as_bool Cursor::as_number Cursor::as_i64 Cursor::as_u64
         Cursor::as_f64 Cursor::as_str Report::changed Report::changes
         Report::conflicts Document::rules Document::set_rules Path::is_root Path::last Path::parent
         Claim::value Claim::kind Claim::is_deletion PnCounter::from_parts ReplicaId::named Timestamp::saturating_add
         Timestamp::saturating_sub Timestamp::saturating_duration_since WriteError::is_counter_overflow
         WriteError::is_stamp_overflow WriteError::is_not_open WriteError::is_superseded WriteError::replica
         Row::replica Row::opened Row::closed Row::open Row::until Node::replica Node::until Node::len Node::is_empty
         PresenceChanges::is_empty PresenceDelta::replicas Liveness::set_now DocumentError::path Error::as_replica_id Error::as_write
         Error::as_rights RightsError::as_write RightsError::elsewhere RightsError::is_short RightsError::left
         RightsError::replica
         Error::as_document Error::as_decode Error::as_number NumberError::path NumberError::number SetChanges::is_empty
         MapChanges::is_empty Position::new Position::on Position::timeline Position::offset
         Position::nearest Heartbeat::new Heartbeat::with_head Heartbeat::with_received Heartbeat::with_heard
         Heartbeat::with_number Figure::exactly Figure::at_least Rate::per_second Health::state Health::level
         Thresholds::new Thresholds::warn_ms Thresholds::critical_ms Thresholds::act_ms Thresholds::calm_ms
         Thresholds::window_ms Link::with_thresholds Link::health LogError::is_out_of_order LogError::is_cut
         LogError::position DeltaWrite::replica DeltaWrite::time DeltaWrite::stamp DeltaWrite::path DeltaPath::is_root
         DeltaPath::last ItemKey::as_str ItemKey::nth",
        "of a fixed size, or hands out what is there",
    ),
    (
        "LwwRegister::get LwwRegister::stamp LwwRegister::epoch LwwRegister::set LwwRegister::merge
         LwwRegister::merge_owned LwwRegister::version LwwRegister::delta_since LwwRegister::apply
         LwwRegister::apply_owned DeltaWrite::written ItemKey::to_value",
        "one value, whose own cost it is",
    ),
    (
        "Path::steps DeltaPath::steps",
        "the depth of a path, of which there are 127 at most",
    ),
    (
        "Edit::at Edit::get Edit::item Edit::set Edit::remove Edit::resolve Edit::insert Edit::push Edit::move_item
         Edit::increment Edit::decrement Edit::reset Edit::update Edit::update_from",
        "what the functions of the same names of Document call",
    ),
    (
        "DecodeError::offset DecodeError::is_foreign DecodeError::is_unknown_version
         DecodeError::is_wrong_type DecodeError::is_truncated DecodeError::is_limit
         DecodeError::is_malformed Limits::new Limits::bytes Limits::replicas Limits::entries Limits::depth
         Limits::text",
        "reads or sets one field",
    ),
    (
        "Reader::offset Reader::rest Reader::malformed Reader::byte Reader::bytes Reader::varint
         Reader::count Reader::room Reader::nested Reader::has_field Schema::structure Schema::choice Schema::named Schema::of schema_of Writer::byte Writer::bytes Writer::varint
         Writer::count Writer::into_bytes",
        "the parts of which to_bytes and from_bytes consist",
    ),
    (
        "lent GMap::new GMap::len GMap::is_empty CausalMap::new CausalMap::len CausalMap::is_empty
         CausalMap::view MapView::len MapView::is_empty SetView::len SetView::is_empty
         FlagView::is_enabled CounterView::value",
        "does what it is given, or reads one field",
    ),
    (
        "Max::merge Min::merge Option::merge Option::version Option::delta_since Option::apply
         Option::apply_owned Box::merge ()::merge ()::version ()::delta_since ()::apply",
        "what is done to what is inside",
    ),
];

fn us() -> ReplicaId {
    replica("us-east-1")
}

fn eu() -> ReplicaId {
    replica("eu-west-1")
}

fn id(number: u64) -> ReplicaId {
    // Spread out, as those of devices are.
    ReplicaId::from_u128(u128::from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 32 | 1)
}

fn clock(n: u64) -> VectorClock {
    (0..n).map(|number| (id(number), 5)).collect()
}

fn dot(replica: ReplicaId, counter: u64) -> Dot {
    Dot::new(replica, counter.try_into().unwrap())
}

/// Two large maps in a map.
fn causal_map(n: u64) -> CausalMap<u64, CausalMap<u64, PnCounter>> {
    let mut map = CausalMap::new();
    (0..n).for_each(|key| {
        map.entry(key % 2).entry(key).increment(1, us()).unwrap();
    });
    map
}

/// Registers that so many have written at once.
fn registers(n: u64) -> (CausalMap<u8, MvRegister<u64>>, CausalMap<u8, LwwRegister<u64>>) {
    let mut maps = (CausalMap::new(), CausalMap::new());
    for number in 0..n {
        let delta = CausalMap::<u8, MvRegister<u64>>::new().entry(7).set(number, id(number));
        maps.0.apply_owned(delta.unwrap());
        let mut one = CausalMap::<u8, LwwRegister<u64>>::new();
        maps.1.apply_owned(one.entry(7).set(number, id(number), at(number)).unwrap());
    }
    maps
}

fn gmap(n: u64) -> GMap<u64, GCounter> {
    let mut map: GMap<u64, GCounter> = GMap::new();
    (0..n).for_each(|key| _ = map.update(key, |count| count.increment(1, us())).unwrap());
    map
}

/// A context with so many holes.
fn holes(n: u64) -> CausalContext {
    let seen: Vec<_> = (0..n).map(|hole| (2 * hole + 1, 2 * hole + 1)).collect();
    serde_json::from_value(json!({"us-east-1": seen})).unwrap()
}

fn kernel_with_holes(n: u64) -> DotKernel<u64> {
    let seen = serde_json::to_value(holes(n)).unwrap()["us-east-1"].clone();
    serde_json::from_value(json!({"us-east-1": {"seen": seen, "live": []}})).unwrap()
}

fn g_counter(n: u64) -> GCounter {
    let mut counter = GCounter::new();
    counter.merge(&serde_json::from_value(serde_json::to_value(clock(n)).unwrap()).unwrap());
    counter
}

fn pn_counter(n: u64) -> PnCounter {
    let mut counter = PnCounter::new();
    (0..n).for_each(|number| _ = counter.increment(1, id(n - number)).unwrap());
    counter
}

fn gauge(n: u64) -> Gauge {
    let mut gauge = Gauge::new();
    // From the last to the first would be a square.
    let mut ids: Vec<_> = (0..n).map(id).collect();
    ids.sort_unstable();
    ids.into_iter().for_each(|id| _ = gauge.open(5, id).unwrap());
    gauge
}

fn bounded(n: u64) -> BoundedCounter {
    let mut counter = BoundedCounter::new();
    for number in 0..n {
        counter.increment(5, id(number)).unwrap();
    }
    counter
}

/// As many entries of one node, which is one of a few.
fn presence(n: u64) -> Presence<u64, u64> {
    let mut presence = Presence::new();
    presence.extend((0..n).map(|key| (key, key)), id(7)).unwrap();
    (0..5).for_each(|number| _ = presence.join(1, 1, id(number)).unwrap());
    presence
}

/// As many nodes, with an entry each.
fn present(n: u64) -> Presence<u64, u64> {
    let mut presence = Presence::new();
    let mut ids: Vec<_> = (0..n).map(id).collect();
    ids.sort_unstable();
    ids.into_iter().for_each(|id| _ = presence.join(1, 1, id).unwrap());
    presence
}

fn members(n: u64) -> Liveness {
    Liveness::members((0..n).map(id))
}

fn set(n: u64) -> OrSet<u64> {
    let mut set = OrSet::new();
    set.extend(0..n, us()).unwrap();
    set
}

/// What a set of so many holds.
fn kernel(n: u64) -> DotKernel<u64> {
    encoded::kernel(&set(n))
}

fn map(n: u64) -> OrMap<u64, u64> {
    let mut map = OrMap::new();
    (0..n).for_each(|key| _ = map.insert(key, key, us(), at(1)).unwrap());
    map
}

/// So many live writes of one payload, as only a forger makes them.
fn crowd<T: serde::de::DeserializeOwned>(n: u64, payload: &Json) -> T {
    let live: Vec<_> = (1..=n).map(|counter| json!([counter, payload])).collect();
    serde_json::from_value(json!({"us-east-1": {"seen": [[1, n]], "live": live}})).unwrap()
}

fn crowded_map(n: u64) -> OrMap<u64, u64> {
    crowd(n, &json!({"key": 7, "time": 1, "value": 7}))
}

fn numbers(n: u64) -> Value {
    Value::from((0..n).collect::<Vec<u64>>())
}

/// As many fields as items.
fn content(n: u64) -> Value {
    let fields: Value = (0..n).map(|name| (format!("f{name}"), name)).collect();
    Value::from_iter([("o", fields), ("l", numbers(n)), ("n", 1_u64.into())])
}

fn document(n: u64) -> Document {
    Document::from_value(content(n), us(), at(1)).unwrap()
}

/// Numbers below a hundred and twenty arrays.
fn deep(n: u64) -> Value {
    (0..120).fold(numbers(n), |inside, _| Value::Array(vec![inside]))
}

/// A document, and one that has set all of its fields anew.
fn pair(n: u64) -> (Document, Document) {
    let (ours, mut theirs) = (document(n), document(n));
    let fields: Value = (0..n).map(|name| (format!("f{name}"), name + 1)).collect();
    theirs.set("/o", fields, eu(), at(2)).unwrap();
    (ours, theirs)
}

/// One field on which two sides differ, among many.
fn contested(n: u64) -> Document {
    let mut ours = document(n);
    let mut theirs = ours.clone();
    ours.set("/n", 5_u64, us(), at(2)).unwrap();
    theirs.set("/n", 6_u64, eu(), at(2)).unwrap();
    ours.merge(&theirs);
    ours
}

/// An edit at the same spot again and again.
macro_rules! edit {
    ($make:expr, |$it:ident, $now:ident| $edit:expr) => {
        |n| {
            let (mut $it, mut count) = ($make(n), 1);
            op(move || {
                count += 1;
                let $now = at(count);
                $edit
            })
        }
    };
}

/// Something is read.
macro_rules! read {
    ($make:expr, |$it:ident, $n:ident| $read:expr) => {
        |$n| {
            let $it = $make($n);
            op(move || {
                let $it = &$it;
                _ = black_box($read);
            })
        }
    };
}

fn table() -> Vec<Row> {
    [plain(), keyed(), documents(), synced(), bytes(), collections()]
        .into_iter()
        .flatten()
        .collect()
}

fn collection(n: u64) -> Collection<GCounter> {
    (0..n).map(|row| (row.to_be_bytes(), GCounter::from_iter([(us(), row + 1)]))).collect()
}

/// One row differs on two sides, and is brought over.
fn reconciled(n: u64) -> Op {
    let (mut ours, mut theirs) = (collection(n), collection(n));
    let settings = ReconcilerSettings::new();
    op(move || {
        theirs.edit(&(n / 2).to_be_bytes(), |it| it.increment(1, eu())).unwrap();
        let (mut here, mut there) = (Reconciler::new(settings), Reconciler::new(settings));
        here.start(Direction::Both);
        while let Some(question) = here.poll_transmit(&mut ours).unwrap() {
            there.receive(&mut theirs, &question).unwrap();
            here.receive(&mut ours, &there.poll_transmit(&mut theirs).unwrap().unwrap()).unwrap();
        }
        here.resend();
        assert!(here.poll_outcome().unwrap().in_sync);
    })
}

fn collections() -> Vec<Row> {
    Vec::from([
        Row(
            "Collection::get Collection::len Collection::is_empty Collection::fingerprint",
            "",
            Flat,
            read!(collection, |it, n| (it.get(&(n / 3).to_be_bytes()), it.len(), it.fingerprint())),
        ),
        Row("Collection::iter", "to the end", Linear, read!(collection, |it, n| it.iter().last())),
        Row(
            "Collection::edit",
            "",
            Flat,
            edit!(collection, |it, _now| it.edit(&[0; 8], |it| it.increment(1, us()))),
        ),
        Row(
            "Reconciler::start Reconciler::poll_transmit Reconciler::receive Reconciler::resend",
            "one row differs",
            Flat,
            reconciled,
        ),
        Row(
            "shortest_between",
            "of keys that begin alike",
            Linear,
            read!(|n| (0..n).map(|_| 7).collect::<Vec<u8>>(), |it, n| shortest_between(
                it,
                &[it, &[1][..]].concat()
            )
            .len()),
        ),
    ])
}

#[allow(clippy::too_many_lines)] // a table
fn plain() -> Vec<Row> {
    Vec::from([
        Row(
            "ReplicaId::hashed",
            "",
            Linear,
            read!(|n| (0..n).map(|_| 'x').collect::<String>(), |it, n| ReplicaId::hashed(it)),
        ),
        Row(
            "VectorClock::get VectorClock::len VectorClock::is_empty",
            "",
            Flat,
            read!(clock, |it, n| (it.get(id(n / 2)), it.len(), it.is_empty())),
        ),
        Row(
            "VectorClock::increment",
            "",
            Flat,
            edit!(clock, |it, _now| it.increment(id(7)).unwrap()),
        ),
        Row(
            "VectorClock::compare VectorClock::meet VectorClock::iter",
            "",
            Linear,
            read!(clock, |it, n| (it.compare(it), it.meet(it), it.iter().last())),
        ),
        Row(
            "VectorClock::merge VectorClock::version VectorClock::delta_since",
            "",
            Linear,
            read!(clock, |it, n| (it.version().merge(it), it.delta_since(&VectorClock::new()))),
        ),
        Row(
            "VectorClock::apply",
            "of one entry",
            Flat,
            edit!(clock, |it, now| it
                .apply_owned([(id(7), now.as_millis())].into_iter().collect())),
        ),
        Row(
            "GCounter::get GCounter::value",
            "",
            Flat,
            read!(g_counter, |it, n| (it.get(id(n / 2)), it.value())),
        ),
        Row(
            "GCounter::increment",
            "",
            Flat,
            edit!(g_counter, |it, _now| it.increment(1, id(7)).unwrap()),
        ),
        Row(
            "GCounter::merge GCounter::version GCounter::delta_since GCounter::iter",
            "",
            Linear,
            read!(g_counter, |it, n| (
                it.clone().merge(it),
                it.delta_since(&GCounter::new().version()),
                it.version(),
                it.iter().last()
            )),
        ),
        Row("GCounter::apply", "of one entry", Flat, |n| {
            let (mut ours, mut theirs) = (g_counter(n), GCounter::new());
            op(move || ours.apply_owned(theirs.increment(1, us()).unwrap()))
        }),
        Row("PnCounter::value", "", Flat, read!(pn_counter, |it, n| it.value())),
        Row(
            "PnCounter::value_among",
            "",
            Linear,
            read!(pn_counter, |it, n| it.value_among((0..n).map(id))),
        ),
        Row(
            "PnCounter::increment PnCounter::decrement",
            "",
            Flat,
            edit!(pn_counter, |it, _now| (
                it.increment(1, id(7)).unwrap(),
                it.decrement(1, id(7)).unwrap()
            )),
        ),
        Row(
            "PnCounter::increments PnCounter::decrements PnCounter::merge PnCounter::version PnCounter::delta_since",
            "",
            Linear,
            read!(pn_counter, |it, n| (
                it.increments(),
                it.decrements(),
                it.clone().merge(it),
                it.delta_since(&PnCounter::new().version()),
                it.version()
            )),
        ),
        Row("PnCounter::apply", "of one entry", Flat, |n| {
            let (mut ours, mut theirs) = (pn_counter(n), PnCounter::new());
            op(move || ours.apply_owned(theirs.increment(1, us()).unwrap()))
        }),
        Row("BoundedCounter::increment", "", Flat, |n| {
            let mut counter = bounded(n);
            op(move || counter.increment(2, id(7)).unwrap())
        }),
        Row(
            "BoundedCounter::decrement BoundedCounter::transfer BoundedCounter::rights \
             BoundedCounter::value BoundedCounter::by_replica",
            "",
            Linear,
            edit!(bounded, |it, _now| (
                it.increment(3, id(7)).unwrap(),
                it.decrement(1, id(7)).unwrap(),
                it.transfer(2, id(7), id(8)).unwrap(),
                (it.rights(id(7)), it.value(), it.by_replica())
            )),
        ),
        Row(
            "BoundedCounter::merge BoundedCounter::version BoundedCounter::delta_since",
            "",
            Linear,
            read!(bounded, |it, n| (
                it.version().merge(it),
                it.delta_since(&BoundedCounter::new())
            )),
        ),
        Row("BoundedCounter::apply", "of one entry", Flat, |n| {
            let (mut ours, mut theirs) = (bounded(n), BoundedCounter::new());
            op(move || ours.apply_owned(theirs.increment(1, id(7)).unwrap()))
        }),
        Row("Gauge::row", "", Flat, read!(gauge, |it, n| it.row(id(n / 2)))),
        Row(
            "Gauge::open Gauge::close Gauge::renew",
            "",
            Flat,
            edit!(gauge, |it, now| (
                it.open(2, id(7)).unwrap(),
                it.close(1, id(7)).unwrap(),
                it.renew(id(7), now).unwrap()
            )),
        ),
        Row(
            "Gauge::value_at Gauge::by_replica",
            "",
            Linear,
            read!(gauge, |it, n| (
                it.value_at(&Liveness::leases(at(1), Duration::ZERO)),
                it.by_replica().last()
            )),
        ),
        Row(
            "Gauge::merge Gauge::version Gauge::delta_since",
            "",
            Linear,
            read!(gauge, |it, n| (it.version().merge(it), it.delta_since(&Gauge::new()))),
        ),
        Row("Gauge::apply", "of as many other names", Linear, |n| {
            let (mut others, mut ids) = (Gauge::new(), (n..2 * n).map(id).collect::<Vec<_>>());
            ids.sort_unstable();
            ids.into_iter().for_each(|id| _ = others.open(1, id).unwrap());
            let ours = gauge(n);
            op(move || ours.clone().apply(&others))
        }),
        Row("Gauge::apply", "of one row", Flat, |n| {
            let (mut ours, mut theirs) = (gauge(n), Gauge::new());
            op(move || ours.apply_owned(theirs.open(1, id(7)).unwrap()))
        }),
        Row(
            "Presence::node Node::get Node::is_alive",
            "",
            Flat,
            read!(presence, |it, n| {
                let node = it.node(id(7)).unwrap();
                (node.get(&(n / 2)), node.is_alive(&Liveness::leases(at(1), Duration::ZERO)))
            }),
        ),
        Row(
            "Presence::join Presence::update Presence::leave Presence::renew",
            "of as many entries",
            Flat,
            edit!(presence, |it, now| (
                it.join(u64::MAX, 7, id(7)).unwrap(),
                it.update(&u64::MAX, 8, id(7)).unwrap(),
                it.leave(&u64::MAX, id(7)).unwrap(),
                it.renew(id(7), now).unwrap()
            )),
        ),
        Row(
            "Presence::join Presence::leave Presence::renew",
            "of as many names",
            Flat,
            edit!(present, |it, now| (
                it.join(9, 7, id(7)).unwrap(),
                it.leave(&9, id(7)).unwrap(),
                it.renew(id(7), now).unwrap()
            )),
        ),
        Row("Presence::extend Presence::leave_all", "", Linear, |n| {
            let mut ours = presence(10);
            op(move || {
                let delta = ours.extend((0..n).map(|key| (key, key)), id(7)).unwrap();
                (delta, ours.leave_all(id(7)).unwrap())
            })
        }),
        Row(
            "Presence::online Presence::is_online Node::entries Presence::by_replica Presence::stats",
            "",
            Linear,
            read!(present, |it, n| {
                let all = members(n);
                let online = it.online(&all).fold(0, |sum, (_, _, value)| sum + value);
                let entries = it.by_replica().fold(0, |sum, node| sum + node.entries().len());
                (online, it.is_online(&7, &all), entries, it.stats())
            }),
        ),
        Row(
            "Presence::merge Presence::version Presence::delta_since Presence::merge_reporting",
            "",
            Linear,
            read!(present, |it, n| (
                it.clone().merge(it),
                it.delta_since(&Presence::<u64, u64>::new().version()),
                it.clone().merge_reporting(it)
            )),
        ),
        Row("Presence::apply PresenceDelta::merge", "of as many other names", Linear, |n| {
            let (ours, mut theirs) = (present(n), Presence::new());
            let mut ids: Vec<_> = (n..2 * n).map(id).collect();
            ids.sort_unstable();
            ids.into_iter().for_each(|id| _ = theirs.join(1, 1, id).unwrap());
            let (whole, delta) =
                (ours.delta_since(&<_>::default()), theirs.delta_since(&<_>::default()));
            op(move || (ours.clone().apply(&delta), whole.clone().merge(&delta)))
        }),
        Row("Presence::apply Presence::apply_reporting", "of one entry", Flat, |n| {
            let (mut ours, mut theirs, mut key) = (presence(n), Presence::new(), 0);
            let writer = id(7).with_incarnation(0);
            theirs.apply(&ours.delta_since(&<_>::default()));
            op(move || {
                key += 1;
                let first = theirs.join(u64::MAX, key, writer).unwrap();
                (
                    ours.apply(&first),
                    ours.apply_reporting(&theirs.leave(&u64::MAX, writer).unwrap()),
                )
            })
        }),
        Row("Liveness::members", "", Linear, |n| op(move || members(n))),
        Row("Liveness::is_alive", "", Flat, read!(members, |it, n| it.is_alive(id(n / 2), None))),
        Row("Liveness::hear", "", Flat, |n| {
            let mut heard = Liveness::receipts(Duration::from_secs(1));
            (0..n).for_each(|number| heard.hear(id(number), at(1)));
            op(move || heard.hear(id(7), at(2)))
        }),
        Row(
            "CausalContext::contains CausalContext::is_empty CausalContext::replicas \
             CausalContext::last",
            "with holes",
            Flat,
            read!(holes, |it, n| (
                it.contains(dot(us(), n)),
                (it.is_empty(), it.replicas().len(), it.last(us()))
            )),
        ),
        Row("CausalContext::insert", "into one of many holes", Flat, |n| {
            let (mut context, mut counter) = (holes(20 * n), 20 * n);
            op(move || {
                counter += 2;
                context.insert(dot(us(), counter / 2 * 2))
            })
        }),
        Row("CausalContext::merge", "of a few scattered dots into many holes", Flat, |n| {
            let (mut context, mut counter) = (holes(20 * n), 0);
            op(move || {
                counter += 2;
                let filled = (1..8).map(|part| dot(us(), part * 2 * n + counter));
                context.merge(&filled.collect())
            })
        }),
        Row(
            "CausalContext::intervals CausalContext::contiguous CausalContext::merge \
             CausalContext::missing CausalContext::covers CausalContext::difference",
            "",
            Linear,
            read!(holes, |it, n| (
                it.intervals(us()).last(),
                (it.missing(us()).count(), it.covers(it), it.difference(it)),
                it.contiguous(),
                it.clone().merge(it)
            )),
        ),
        Row("BTreeMap::merge BTreeSet::merge", "", Linear, |n| {
            let mut maxima: BTreeMap<u64, Max<u64>> = (0..n).map(|key| (key, Max(key))).collect();
            let other: BTreeMap<u64, Max<u64>> = (0..n).map(|key| (2 * key, Max(n))).collect();
            let (mut numbers, others): (BTreeSet<u64>, BTreeSet<u64>) =
                ((0..n).collect(), (0..2 * n).collect());
            op(move || (Merge::merge(&mut maxima, &other), Merge::merge(&mut numbers, &others)))
        }),
    ])
}

#[allow(clippy::too_many_lines)] // a table
fn keyed() -> Vec<Row> {
    Vec::from([
        Row(
            "DotKernel::get DotKernel::context DotKernel::live_len DotKernel::is_empty",
            "",
            Flat,
            read!(kernel, |it, n| (
                it.get(dot(us(), n / 2)),
                it.context(),
                it.live_len(),
                it.is_empty()
            )),
        ),
        Row(
            "DotKernel::iter DotKernel::payloads",
            "",
            Linear,
            read!(kernel, |it, n| (it.iter().last(), it.payloads().last())),
        ),
        Row("DotKernel::write DotKernel::erase", "over one", Flat, |n| {
            let mut kernel = kernel(n);
            op(move || {
                let written = kernel.write(n, &[], us()).unwrap();
                let over: Vec<_> = written.iter().map(|it| it.0).collect();
                kernel.erase(&over, us())
            })
        }),
        Row("DotKernel::apply DotKernel::apply_owned", "of one write", Flat, |n| {
            let (mut kernel, mut theirs) = (kernel(n), DotKernel::new());
            op(move || {
                kernel.apply(&theirs.write(n, &[], eu()).unwrap());
                kernel.apply_owned(theirs.write(n, &[], eu()).unwrap())
            })
        }),
        Row("DotKernel::merge", "of a few scattered removals into many holes", Flat, |n| {
            let (mut kernel, mut counter) = (kernel_with_holes(20 * n), 0);
            op(move || {
                counter += 2;
                let filled = (1..8).map(|part| part * 2 * n + counter);
                let seen: Vec<_> = filled.map(|counter| [counter, counter]).collect();
                let delta = json!({"us-east-1": {"seen": seen, "live": []}});
                kernel.merge(&serde_json::from_value(delta).unwrap())
            })
        }),
        Row("DotKernel::merge", "of one write into many holes", Flat, |n| {
            let (mut kernel, mut counter) = (kernel_with_holes(20 * n), 20 * n);
            op(move || {
                counter += 2;
                let delta = json!({"us-east-1": {"seen": [[counter, counter]], "live": []}});
                kernel.merge(&serde_json::from_value(delta).unwrap())
            })
        }),
        Row(
            "DotKernel::merge_owned DotKernel::merge_reporting DotKernel::version DotKernel::delta_since",
            "",
            Linear,
            |n| {
                let (ours, mut theirs) = (kernel(n), DotKernel::new());
                (0..n).for_each(|number| _ = theirs.write(number, &[], eu()).unwrap());
                op(move || {
                    let (mut kernel, version) = (ours.clone(), ours.version());
                    let delta = theirs.delta_since(&version);
                    (kernel.merge_reporting(&theirs, |_| ()), ours.clone().merge_owned(delta))
                })
            },
        ),
        Row(
            "OrSet::contains OrSet::get OrSet::len OrSet::is_empty",
            "",
            Flat,
            read!(set, |it, n| (it.contains(&(n / 2)), it.get(&3), it.len(), it.is_empty())),
        ),
        Row(
            "OrSet::contains",
            "of an element added by many",
            Flat,
            read!(|n| crowd::<OrSet<u64>>(n, &json!(7)), |it, n| it.contains(&7)),
        ),
        Row("OrSet::iter", "", Linear, read!(set, |it, n| it.iter().last())),
        Row(
            "OrSet::iter",
            "of an element added by many",
            Linear,
            read!(|n| crowd::<OrSet<u64>>(n, &json!(7)), |it, n| it.iter().last()),
        ),
        Row(
            "OrSet::insert OrSet::remove",
            "",
            Flat,
            edit!(set, |it, now| (
                it.insert(7, us()).unwrap(),
                it.insert(now.as_millis() << 32, us()).unwrap(),
                it.remove(&8, us()).unwrap()
            )),
        ),
        Row("OrSet::extend OrSet::remove_all OrSet::retain OrSet::clear", "", Linear, |n| {
            op(move || {
                let (mut set, mut other) = (set(n), OrSet::new());
                other.merge(&set);
                let few = set.remove_all(&[1, 2], us()).unwrap();
                let half = set.retain(|element| element % 2 == 0, us()).unwrap();
                (few, half, set.clear(us()).unwrap(), other.clear(us()).unwrap())
            })
        }),
        Row("OrSet::merge_reporting SetDelta::added", "of all", Linear, |n| {
            let (ours, mut theirs) = (set(n), OrSet::new());
            theirs.extend(n / 2..n + n / 2, eu()).unwrap();
            let delta = theirs.delta_since(&Version::default());
            op(move || (ours.clone().merge_reporting(&theirs), delta.added().last().copied()))
        }),
        Row("OrSet::apply_reporting", "of one element", Flat, |n| {
            let (mut ours, mut theirs) = (set(n), OrSet::new());
            op(move || ours.apply_reporting(&theirs.insert(7, eu()).unwrap()))
        }),
        Row("SetDelta::is_empty", "", Flat, |n| {
            let delta = set(n).delta_since(&Version::default());
            op(move || delta.is_empty())
        }),
        Row("SetDelta::merge SetDelta::merge_owned", "", Linear, |n| {
            let [ours, theirs] = [set(n), set(n / 2)].map(|it| it.delta_since(&Version::default()));
            op(move || (theirs.clone().merge(&ours), ours.clone().merge_owned(theirs.clone())))
        }),
        Row("OrSet::apply OrSet::apply_owned", "of one element", Flat, |n| {
            let (mut ours, mut theirs) = (set(n), OrSet::new());
            op(move || {
                ours.apply(&theirs.insert(7, eu()).unwrap());
                ours.apply_owned(theirs.insert(7, eu()).unwrap())
            })
        }),
        Row(
            "OrSet::draft",
            "of an insert and a remove",
            Flat,
            edit!(set, |it, now| it.draft(|it| (
                it.insert(now.as_millis() << 32, us()).unwrap(),
                it.remove(&7, us()).unwrap()
            ))),
        ),
        Row("OrSet::merge OrSet::merge_owned OrSet::version OrSet::delta_since", "", Linear, |n| {
            let (ours, mut theirs) = (set(n), OrSet::new());
            theirs.extend(n / 2..n + n / 2, eu()).unwrap();
            op(move || {
                let delta = theirs.delta_since(&ours.version());
                (ours.clone().merge(&theirs), ours.clone().merge_owned(theirs.clone()), delta)
            })
        }),
        Row(
            "OrMap::get OrMap::get_key_value OrMap::contains_key OrMap::siblings OrMap::len OrMap::is_empty",
            "",
            Flat,
            read!(map, |it, n| (
                (it.get(&(n / 2)), it.get_key_value(&(n / 2))),
                it.contains_key(&n),
                it.siblings(&3).last(),
                it.len(),
                it.is_empty()
            )),
        ),
        Row(
            "OrMap::get OrMap::contains_key",
            "of a key with many live writes",
            Flat,
            read!(crowded_map, |it, n| (it.get(&7), it.contains_key(&7))),
        ),
        Row(
            "OrMap::siblings OrMap::iter",
            "of a key with many live writes",
            Linear,
            read!(crowded_map, |it, n| (it.siblings(&7).last(), it.iter().last())),
        ),
        Row(
            "OrMap::insert OrMap::remove",
            "over many live writes",
            Linear,
            read!(crowded_map, |it, n| (
                it.clone().insert(7, 1, us(), at(1)).unwrap(),
                it.clone().remove(&7, us()).unwrap()
            )),
        ),
        Row(
            "OrMap::insert",
            "beside a key with many live writes",
            Flat,
            edit!(crowded_map, |it, now| it.insert(8, 1, us(), now).unwrap()),
        ),
        Row(
            "OrMap::iter OrMap::keys OrMap::values OrMap::latest",
            "",
            Linear,
            read!(map, |it, n| (
                it.iter().last(),
                it.keys().last(),
                it.values().last(),
                it.latest()
            )),
        ),
        Row("OrMap::live_at OrMap::purge", "", Linear, |n| {
            let mut sessions = OrMap::<u64, rejoin::Timestamp>::new();
            op(move || {
                let leases = (0..n).map(|key| (key, at(1)));
                let delta = sessions.extend(leases, us(), at(0)).unwrap();
                (delta, sessions.live_at(at(1)).count(), sessions.purge(at(1), us()).unwrap())
            })
        }),
        Row("OrMap::extend OrMap::remove_all OrMap::retain OrMap::clear", "", Linear, |n| {
            op(move || {
                let (mut map, mut other) = (OrMap::new(), OrMap::new());
                map.extend((0..n).map(|key| (key, key)), us(), at(1)).unwrap();
                other.merge(&map);
                let few = map.remove_all(&[1, 2], us()).unwrap();
                let half = map.retain(|key, _| key % 2 == 0, us()).unwrap();
                (few, half, map.clear(us()).unwrap(), other.clear(us()).unwrap())
            })
        }),
        Row("OrMap::merge_reporting MapDelta::writes MapDelta::latest", "of all", Linear, |n| {
            let (ours, mut theirs) = (map(n), OrMap::new());
            theirs.extend((0..n).map(|key| (key, 1)), eu(), at(2)).unwrap();
            let delta = theirs.delta_since(&Version::default());
            op(move || {
                let writes = delta.writes().map(|it| it.2).last();
                (ours.clone().merge_reporting(&theirs), writes, delta.latest())
            })
        }),
        Row("OrMap::apply_reporting", "of one insert", Flat, |n| {
            let (mut ours, mut theirs) = (map(n), OrMap::new());
            op(move || ours.apply_reporting(&theirs.insert(7, 7, eu(), at(2)).unwrap()))
        }),
        Row("MapDelta::is_empty Version::is_empty", "", Flat, |n| {
            let (delta, version) = (map(n).delta_since(&Version::default()), map(n).version());
            op(move || (delta.is_empty(), version.is_empty()))
        }),
        Row("DotKernel::stats Document::stats", "", Flat, |n| {
            let (set, map) = (set(n), map(n));
            op(move || (set.stats(), map.stats()))
        }),
        Row("Gate::check Gate::apply_bytes", "of an insertion", Linear, |n| {
            // The version of the state is Linear in what was written and removed, by blocks.
            let mut set = set(n);
            let bytes = wire::to_bytes(&set.draft(|it| it.insert(n, eu())).unwrap());
            let gate = Gate::new().writers([eu()]).not_mine(us());
            op(move || {
                let delta = wire::from_bytes(&bytes).unwrap();
                (gate.check(&set, &delta), gate.apply_bytes(&mut set, &bytes))
            })
        }),
        Row("GMap::get GMap::update", "of one key", Flat, |n| {
            let mut map = gmap(n);
            let mut key = 0;
            op(move || {
                key = (key + 7) % n;
                (map.update(key, |count| count.increment(1, us())), map.get(&key).is_some())
            })
        }),
        Row(
            "CausalMap::get CausalMap::contains_key CausalMap::entry CausalMap::remove MapView::get MapView::contains_key Entry::entry Entry::increment Entry::decrement Entry::remove Entry::clear CausalMapDelta::is_empty CausalMapDelta::latest CausalMap::draft",
            "of one key among many",
            Flat,
            |n| {
                let (mut map, mut key) = (causal_map(n), 0);
                op(move || {
                    key = (key + 7) % n;
                    let delta = map.entry(0).entry(key).increment(1, us()).unwrap();
                    let gone = map.entry(0).remove(&key, eu()).unwrap();
                    let back = map.entry(0).entry(key).decrement(1, us()).unwrap();
                    map.draft(|map| map.entry(1).entry(key).clear(us()).unwrap());
                    let read = map.get(&0).and_then(|map| map.get(&key)).is_some();
                    let there = map.contains_key(&0) && map.view().contains_key(&1);
                    let told = (delta.is_empty(), gone.latest(), back);
                    (told, read, there, map.remove(&2, us()).unwrap())
                })
            },
        ),
        Row("SetView::contains Entry::insert", "of a large set in a map", Flat, |n| {
            let mut map: CausalMap<u8, OrSet<u64>> = CausalMap::new();
            (0..n).for_each(|element| _ = map.entry(7).insert(element, us()).unwrap());
            let mut element = 0;
            op(move || {
                element = (element + 7) % n;
                let delta = map.entry(7).insert(element, us()).unwrap();
                (delta, map.get(&7).unwrap().contains(&element))
            })
        }),
        Row("RegisterView::get LastView::get LastView::stamp", "among many siblings", Flat, |n| {
            let (mvs, last) = registers(n);
            op(move || {
                let read = mvs.get(&7).unwrap().get().is_some();
                let last = last.get(&7).unwrap();
                (read, last.get().copied(), last.stamp())
            })
        }),
        Row(
            "SetView::iter RegisterView::values Entry::enable Entry::set",
            "of all siblings",
            Linear,
            |n| {
                let (mvs, last) = registers(n);
                let mut sets: CausalMap<u8, OrSet<u64>> = CausalMap::new();
                let mut flags: CausalMap<u8, EnableFlag> = CausalMap::new();
                (0..n).for_each(|element| _ = sets.entry(7).insert(element, us()).unwrap());
                for number in 0..n {
                    let delta = CausalMap::<u8, EnableFlag>::new().entry(7).enable(id(number));
                    flags.apply_owned(delta.unwrap());
                }
                op(move || {
                    let enabled = flags.draft(|it| it.entry(7).enable(us()));
                    let set = mvs.clone().entry(7).set(3, us());
                    let last = last.clone().entry(7).set(3, us(), at(9));
                    let read = sets.get(&7).unwrap().iter().count();
                    (enabled, set, last, read, mvs.get(&7).unwrap().values().count())
                })
            },
        ),
        Row(
            "CausalMap::iter CausalMap::merge CausalMap::merge_owned CausalMap::version CausalMap::delta_since CausalMap::apply CausalMap::apply_owned CausalMap::clear MapView::iter CausalMapDelta::merge CausalMapDelta::merge_owned",
            "",
            Linear,
            |n| {
                let (ours, mut theirs) = (causal_map(n), causal_map(n));
                theirs.entry(0).clear(eu()).unwrap();
                op(move || {
                    let mut it = ours.clone();
                    let delta = theirs.delta_since(&Version::default());
                    let mut joined = delta.clone();
                    (
                        joined.merge(&delta) || joined.merge_owned(delta.clone()),
                        it.merge(&theirs),
                        it.merge_owned(theirs.clone()),
                        it.apply(&delta),
                        it.apply_owned(delta),
                        it.iter().map(|(_, map)| map.iter().count()).sum::<usize>(),
                        it.clear(us()).is_ok(),
                    )
                })
            },
        ),
        Row(
            "GMap::iter GMap::merge GMap::merge_owned GMap::version GMap::delta_since GMap::apply GMap::apply_owned",
            "",
            Linear,
            |n| {
                let (ours, theirs) = (gmap(n), gmap(n));
                op(move || {
                    let mut it = ours.clone();
                    let delta = theirs.delta_since(&GMap::<u64, GCounter>::new().version());
                    (
                        it.merge(&theirs),
                        it.merge_owned(theirs.clone()),
                        it.apply(&delta),
                        it.apply_owned(delta),
                        it.iter().count() + (&it).into_iter().count(),
                    )
                })
            },
        ),
        Row("Version::covers Digest::covers", "where every other write was removed", Linear, |n| {
            let mut set = set(n);
            set.retain(|it| it % 2 == 0, us()).unwrap();
            let (version, digest) = (set.version(), encoded::digest(&set.version()));
            op(move || (version.covers(&version), digest.covers(&digest)))
        }),
        Row("MapDelta::merge MapDelta::merge_owned", "", Linear, |n| {
            let [ours, theirs] = [map(n), map(n / 2)].map(|it| it.delta_since(&Version::default()));
            op(move || (theirs.clone().merge(&ours), ours.clone().merge_owned(theirs.clone())))
        }),
        Row(
            "OrMap::insert OrMap::remove",
            "",
            Flat,
            edit!(map, |it, now| (
                it.insert(7, 1, us(), now).unwrap(),
                it.insert(now.as_millis() << 32, 1, us(), now).unwrap(),
                it.remove(&8, us()).unwrap()
            )),
        ),
        Row("OrMap::apply OrMap::apply_owned", "of one insert", Flat, |n| {
            let (mut ours, mut theirs) = (map(n), OrMap::new());
            op(move || {
                ours.apply(&theirs.insert(7, 7, eu(), at(2)).unwrap());
                ours.apply_owned(theirs.insert(7, 7, eu(), at(2)).unwrap())
            })
        }),
        Row(
            "OrMap::draft",
            "of an insert and a remove",
            Flat,
            edit!(map, |it, now| it
                .draft(|it| (it.insert(7, 1, us(), now).unwrap(), it.remove(&8, us()).unwrap()))),
        ),
        Row("OrMap::merge OrMap::merge_owned OrMap::version OrMap::delta_since", "", Linear, |n| {
            let (ours, mut theirs) = (map(n), OrMap::new());
            (0..n).for_each(|key| _ = theirs.insert(key, 1, eu(), at(2)).unwrap());
            op(move || {
                let delta = theirs.delta_since(&ours.version());
                (ours.clone().merge(&theirs), ours.clone().merge_owned(theirs.clone()), delta)
            })
        }),
        Row(
            "EnableFlag::is_enabled",
            "",
            Flat,
            read!(|n| crowd::<EnableFlag>(n, &json!(null)), |it, n| it.is_enabled()),
        ),
        Row(
            "EnableFlag::enable EnableFlag::disable EnableFlag::merge EnableFlag::merge_owned EnableFlag::version EnableFlag::delta_since EnableFlag::apply EnableFlag::apply_owned EnableFlag::draft FlagDelta::is_empty FlagDelta::merge FlagDelta::merge_owned",
            "enabled by many",
            Linear,
            read!(|n| crowd::<EnableFlag>(n, &json!(null)), |it, n| {
                let mut other = EnableFlag::new();
                let delta = it.delta_since(&other.version());
                (
                    it.clone().enable(us()).unwrap(),
                    it.clone().draft(|it| it.disable(us()).unwrap()),
                    it.clone().disable(us()).unwrap(),
                    (delta.is_empty(), delta.clone().merge(&delta)),
                    delta.clone().merge_owned(delta.clone()),
                    (other.apply(&delta), other.merge(it), other.apply_owned(delta)),
                    EnableFlag::new().merge_owned(it.clone()),
                )
            }),
        ),
        Row(
            "MvRegister::values MvRegister::get MvRegister::set MvRegister::clear MvRegister::merge MvRegister::merge_owned MvRegister::version MvRegister::delta_since MvRegister::apply MvRegister::apply_owned MvRegister::draft RegisterDelta::is_empty RegisterDelta::written RegisterDelta::merge RegisterDelta::merge_owned",
            "of many siblings",
            Linear,
            read!(|n| crowd::<MvRegister<u64>>(n, &json!(7)), |it, n| {
                let mut other = MvRegister::new();
                let delta = it.delta_since(&other.version());
                let edits = (it.clone().set(1, us()).unwrap(), it.clone().clear(us()).unwrap());
                let drafted = it.clone().draft(|it| it.clear(us()).unwrap());
                (
                    it.values().last(),
                    it.get(),
                    (edits, drafted),
                    (delta.is_empty(), delta.written().count(), delta.clone().merge(&delta)),
                    delta.clone().merge_owned(delta.clone()),
                    (other.apply(&delta), other.merge(it), other.apply_owned(delta)),
                    MvRegister::new().merge_owned(it.clone()),
                )
            }),
        ),
    ])
}

#[allow(clippy::too_many_lines)] // a table
fn documents() -> Vec<Row> {
    Vec::from([
        Row(
            "Document::get Document::at Document::item",
            "of one field",
            Flat,
            read!(document, |it, n| (
                it.get("/o/f7"),
                it.at("/o/f7"),
                it.get("/l/7"),
                it.item("/l", 7_u64)
            )),
        ),
        Row(
            "Document::get Document::to_value Document::to_json Document::to Document::latest",
            "of all",
            Linear,
            read!(document, |it, n| (
                it.get("/o"),
                it.to_value(),
                it.to_json(),
                it.to::<Json>().unwrap(),
                it.latest()
            )),
        ),
        Row(
            "Cursor::at Cursor::get Cursor::item Cursor::item_by_key Cursor::is_empty Cursor::pointer Cursor::stamp Cursor::items",
            "of one field, and of one item",
            Flat,
            read!(document, |it, n| {
                let whole = it.at("").unwrap();
                let (fields, list) = (whole.get("o").unwrap(), whole.at("/l").unwrap());
                let item = list.item(usize::try_from(n / 2).unwrap()).unwrap();
                (
                    (fields.get("f7").unwrap().stamp(), fields.is_empty(), fields.stamp()),
                    (list.item_by_key(7), list.is_empty(), list.stamp(), list.items().next()),
                    (item.pointer(), item.stamp(), list.items().next_back()),
                )
            }),
        ),
        Row(
            "Cursor::len Cursor::fields Cursor::items Cursor::conflicts Cursor::to_value Cursor::to_json Cursor::to",
            "of all",
            Linear,
            read!(document, |it, n| {
                let whole = it.at("").unwrap();
                let (fields, list) = (whole.get("o").unwrap(), whole.at("/l").unwrap());
                let walked = (fields.fields().count(), list.items().map(|it| it.as_u64()).max());
                (
                    (fields.len(), list.len(), walked, whole.conflicts()),
                    (whole.to_value(), whole.to_json(), whole.to::<Json>().unwrap()),
                )
            }),
        ),
        Row(
            "Value::get Value::get_mut Value::pointer Value::pointer_mut Value::take",
            "of one field, and of one item",
            Flat,
            |n| {
                let mut value = content(n);
                op(move || {
                    let item = value.get("l").and_then(|list| list.get(7)).cloned();
                    let field = value.get_mut("o").and_then(|it| it.get_mut("f7")).map(Value::take);
                    let found = value.pointer("/l/9").cloned();
                    (item, field, found, value.pointer_mut("/o/f9").map(Value::take))
                })
            },
        ),
        Row("Input::serialize", "", Linear, |n| {
            let numbers: Vec<u64> = (0..n).collect();
            op(move || Input::serialize(&numbers).unwrap())
        }),
        Row(
            "Document::from_value Document::from_json Document::from_value_with Document::from_json_with",
            "",
            Linear,
            |n| {
                let (value, json) = (content(n), Json::from(content(n)));
                let keys = || Rules::new().keyed("/l", "id").unwrap();
                op(move || {
                    let with = Document::from_value_with(keys(), &value, us(), at(1)).unwrap();
                    let of_json = Document::from_json_with(keys(), &json, us(), at(1)).unwrap();
                    (
                        with,
                        of_json,
                        Document::from_value(&value, us(), at(1)).unwrap(),
                        Document::from_json(&json, us(), at(1)).unwrap(),
                    )
                })
            },
        ),
        Row("Document::from_value", "of numbers below many arrays", Linear, |n| {
            let value = deep(n);
            op(move || Document::from_value(&value, us(), at(1)).unwrap())
        }),
        Row("Document::from_snapshot Document::from_snapshot_with", "", Linear, |n| {
            let (value, clock) = (content(n), VectorClock::from_iter([(us(), 1)]));
            op(move || {
                (
                    Document::from_snapshot(&value, &clock, us(), at(1)).unwrap(),
                    Document::from_snapshot_with(Rules::new(), &value, &clock, us(), at(1))
                        .unwrap(),
                )
            })
        }),
        Row(
            "Document::set",
            "one field",
            Flat,
            edit!(document, |it, now| (
                it.set("/o/f7", 7_u64, us(), now).unwrap(),
                it.set("/l/7", 7_u64, us(), now).unwrap()
            )),
        ),
        Row(
            "Document::set Document::remove Document::edit Edit::commit",
            "a field that is new, and goes",
            Flat,
            edit!(document, |it, now| (
                it.set("/o/new", 7_u64, us(), now).unwrap(),
                removed(&mut it, now),
                it.set("/o/x", 1_u64, us(), now).unwrap(),
                it.remove("/o/x", us(), now).unwrap()
            )),
        ),
        Row(
            "Document::draft Edit::draft",
            "of one field and one item",
            Flat,
            edit!(document, |it, now| (
                {
                    let mut edit = it.edit(us(), now);
                    edit.set("/o/f7", 7_u64).unwrap();
                    edit.draft()
                },
                it.draft(|it| (
                    it.set("/o/f7", 7_u64, us(), now).unwrap(),
                    it.insert("/l/500", 7_u64, us(), now).unwrap(),
                    it.remove("/l/7", us(), now).unwrap()
                ))
            )),
        ),
        Row("Document::set", "all", Linear, |n| {
            let (document, value) = (document(n), content(n));
            op(move || document.clone().set("", &value, us(), at(2)).unwrap())
        }),
        Row(
            "Document::insert Document::remove",
            "in the middle, and away",
            Flat,
            edit!(document, |it, now| (
                it.insert("/l/500", 7_u64, us(), now).unwrap(),
                it.remove("/l/500", us(), now).unwrap()
            )),
        ),
        Row(
            "Document::push",
            "",
            Flat,
            edit!(document, |it, now| it.push("/l", 7_u64, us(), now).unwrap()),
        ),
        Row("Document::push", "of one key again and again", Flat, |n| {
            let keys = Rules::new().keyed("/l", "id").unwrap();
            let mut document =
                Document::from_json_with(keys, &json!({"l": []}), us(), at(1)).unwrap();
            let item = || Value::from_iter([("id", 1_u64)]);
            (0..n).for_each(|_| _ = document.push("/l", item(), us(), at(1)).unwrap());
            op(move || document.push("/l", item(), us(), at(1)).unwrap())
        }),
        Row(
            "Document::move_item",
            "",
            Flat,
            edit!(document, |it, now| it.move_item("/l/7", 500, us(), now).unwrap()),
        ),
        Row("Document::insert Document::remove", "after many in the middle", Flat, |n| {
            let (mut document, mut count) = (document(8), 1);
            let mut step = move || {
                count += 1;
                let inserted = document.insert("/l/4", count, us(), at(count)).unwrap();
                (inserted, document.remove("/l/6", us(), at(count)).unwrap())
            };
            (0..n).for_each(|_| _ = step());
            op(step)
        }),
        Row("Document::move_item", "after many moves", Flat, |n| {
            let (mut document, mut count) = (document(8), 1);
            let mut step = move || {
                count += 1;
                document.move_item("/l/0", 5, us(), at(count)).unwrap()
            };
            (0..n).for_each(|_| _ = step());
            op(step)
        }),
        Row("Document::push Document::remove", "after a long window of four", Flat, |n| {
            let (mut document, mut count) = (document(4), 1);
            let mut step = move || {
                count += 1;
                let pushed = document.push("/l", count, us(), at(count)).unwrap();
                (pushed, document.remove("/l/0", us(), at(count)).unwrap())
            };
            (0..n).for_each(|_| _ = step());
            op(step)
        }),
        Row("Document::increment Document::get", "after many increments", Flat, |n| {
            let (mut document, mut count) = (document(8), 1);
            let mut step = move || {
                count += 1;
                let incremented = document.increment("/n", 2, us(), at(count)).unwrap();
                (incremented, document.get("/n"))
            };
            (0..n).for_each(|_| _ = step());
            op(step)
        }),
        Row(
            "Document::increment Document::decrement Document::reset",
            "beside much else",
            Flat,
            edit!(document, |it, now| (
                it.increment("/n", 2, us(), now).unwrap(),
                it.decrement("/n", 1, us(), now).unwrap(),
                it.reset("/n", us(), now).unwrap()
            )),
        ),
        Row("Document::update", "of nothing", Linear, |n| {
            let (mut document, value) = (document(n), content(n));
            op(move || document.update(&value, us(), at(2)).unwrap())
        }),
        Row("Document::update", "of nothing, below many arrays", Linear, |n| {
            let value = deep(n);
            let mut document = Document::from_value(&value, us(), at(1)).unwrap();
            op(move || document.update(&value, us(), at(2)).unwrap())
        }),
        Row("Document::update_from", "one field and one item", Linear, |n| {
            let mut document = pair(n).0;
            let read = document.to_value();
            let mut new = read.clone().unwrap_or_default();
            *new.pointer_mut("/o/f1").unwrap() = Value::from(7);
            op(move || document.update_from(&read, &new, us(), at(9)).map(|it| it.1.len()))
        }),
        Row("Document::update", "of all items", Linear, |n| {
            let document = document(n);
            let value = Value::from_iter([("l", Value::from((n..2 * n).collect::<Vec<_>>()))]);
            op(move || document.clone().update(&value, us(), at(2)).unwrap())
        }),
        Row(
            "Document::resolve Document::conflicts",
            "one of one",
            Linear,
            read!(contested, |it, n| (
                it.conflicts(),
                it.clone().resolve("/n", 7_u64, us(), at(3)).unwrap()
            )),
        ),
        Row("Document::apply Document::merge", "of one write", Flat, |n| {
            let (mut ours, mut theirs) = (document(n), document(n));
            let mut count = 1;
            op(move || {
                count += 1;
                let delta = theirs.set("/o/f7", count, us(), at(count)).unwrap();
                ours.apply_owned(delta)
            })
        }),
        Row("Document::apply_reporting", "of one write", Flat, |n| {
            let (mut ours, mut theirs) = (document(n), document(n));
            let mut count = 1;
            op(move || {
                count += 1;
                let delta = theirs.set("/o/f7", count, us(), at(count)).unwrap();
                ours.apply_reporting(&delta)
            })
        }),
        Row("Document::preview", "of one write", Flat, |n| {
            let (mut ours, mut theirs) = (document(n), document(n));
            let delta = theirs.set("/o/f7", "new", us(), at(2)).unwrap();
            op(move || {
                let report = ours.preview(&delta);
                assert_eq!(report.changes().len(), 1);
                report
            })
        }),
        Row("Document::preview", "of one write by somebody new", Flat, |n| {
            let (mut ours, mut theirs) = (document(n), document(n));
            let delta = theirs.set("/o/f7", 9, eu(), at(2)).unwrap();
            op(move || ours.preview(&delta))
        }),
        Row("Document::preview", "of what fills one of many holes", Flat, |n| {
            let seen = |seen: Json| json!({"us-east-1": {"seen": seen, "live": []}});
            let holes: Vec<_> = (0..20 * n).map(|hole| [2 * hole + 1, 2 * hole + 1]).collect();
            let form = encoded::document_form(seen(json!(holes)));
            let mut ours: Document = serde_json::from_value(form).unwrap();
            let filled = encoded::document_form(seen(json!([[20 * n, 20 * n]])));
            let theirs: Document = serde_json::from_value(filled).unwrap();
            let delta = theirs.delta_since(&Document::new().version());
            op(move || {
                let report = ours.preview(&delta);
                assert!(report.changed());
                report
            })
        }),
        Row("Document::preview_merge", "of all", Linear, |n| {
            let (mut ours, theirs) = pair(n);
            op(move || ours.preview_merge(&theirs))
        }),
        Row("Document::apply_reporting", "of a removal of all", Linear, |n| {
            let (ours, mut theirs) = (document(n), document(n));
            let delta = theirs.remove("", us(), at(2)).unwrap();
            op(move || ours.clone().apply_reporting(&delta))
        }),
        Row("Document::apply_reporting", "of removals within removals", Linear, |n| {
            let ours = Document::from_value(deep(n), us(), at(1)).unwrap();
            let mut theirs = ours.clone();
            let mut removals = theirs.remove(&"/0".repeat(120), us(), at(2)).unwrap();
            for depth in (1..120).rev() {
                removals.merge(&theirs.remove(&"/0".repeat(depth), us(), at(2)).unwrap());
            }
            op(move || ours.clone().apply_reporting(&removals))
        }),
        Row("Document::conflicts", "below a long name", Linear, |n| {
            let (name, fields) = ("x".repeat(usize::try_from(n / 2).unwrap()), n / 10);
            let all = |value: u64| (0..fields).map(|field| (field, value)).collect::<Value>();
            let make = |value| Value::from_iter([(&*name, all(value))]);
            let mut ours = Document::from_value(make(0), us(), at(1)).unwrap();
            let mut theirs = ours.clone();
            ours.set(&format!("/{name}"), all(1), us(), at(2)).unwrap();
            theirs.set(&format!("/{name}"), all(2), eu(), at(2)).unwrap();
            ours.merge(&theirs);
            assert_eq!(ours.conflicts().len() as u64, fields);
            op(move || ours.conflicts())
        }),
        Row(
            "Document::merge Document::merge_owned Document::version Document::delta_since Document::merge_reporting",
            "of all",
            Linear,
            |n| {
                let (ours, theirs) = pair(n);
                op(move || {
                    let delta = theirs.delta_since(&ours.version());
                    let merged =
                        (ours.clone().merge(&theirs), ours.clone().merge_owned(theirs.clone()));
                    (merged, ours.clone().merge_reporting(&theirs), ours.clone().apply_owned(delta))
                })
            },
        ),
        Row(
            "DocumentDelta::is_empty DocumentDelta::write_count",
            "",
            Flat,
            read!(|n| pair(n).1.delta_since(&Document::new().version()), |it, n| (
                it.is_empty(),
                it.write_count()
            )),
        ),
        Row("DocumentDelta::merge DocumentDelta::latest", "", Linear, |n| {
            let (ours, theirs) = pair(n);
            let all = |it: &Document| it.delta_since(&Document::new().version());
            let (ours, theirs) = (all(&ours), all(&theirs));
            op(move || (ours.clone().merge(&theirs), ours.latest()))
        }),
        Row("DocumentDelta::replicas", "", Flat, |n| {
            let delta = pair(n).1.delta_since(&Document::new().version());
            op(move || delta.replicas().len())
        }),
        Row(
            "DocumentDelta::writes DocumentDelta::removals DeltaPath::matches DeltaPath::starts_with",
            "of all",
            Linear,
            |n| {
                let delta = pair(n).1.delta_since(&Document::new().version());
                op(move || {
                    let told = delta.writes().chain(delta.removals());
                    told.filter(|it| {
                        let path = it.path();
                        path.matches("/o/f7").unwrap() || path.starts_with("/l/*").unwrap()
                    })
                    .count()
                })
            },
        ),
        Row(
            "Rules::keyed Rules::ordered_by Rules::set Rules::atomic Rules::counter Rules::max \
             Rules::min Rules::prefer Rules::delete_wins",
            "each beside n / 16 others",
            Linear,
            |n| {
                let add = |rules: Rules, list| rules.keyed(&format!("/l{list}"), "id").unwrap();
                let rules = (0..n / 16).fold(Rules::new(), add);
                op(move || {
                    let rules =
                        rules.clone().keyed("/a", "id").and_then(|it| it.ordered_by("/a", "t"));
                    let rules = rules.and_then(|it| it.set("/b")).and_then(|it| it.atomic("/c"));
                    let rules = rules.and_then(|it| it.counter("/d")).and_then(|it| it.max("/e"));
                    let rules =
                        rules.and_then(|it| it.min("/f")).and_then(|it| it.prefer("/g", []));
                    rules.and_then(|it| it.delete_wins("/h")).is_ok()
                })
            },
        ),
    ])
}

/// Two replicas of a set and their sessions, which have met.
fn in_sync(n: u64) -> [(OrSet<u64>, Session<OrSet<u64>>); 2] {
    let (mut ours, mut theirs) = (set(n), set(n));
    let (mut a, mut b) = (Session::new(us(), 17), Session::new(eu(), 71));
    for _ in 0..3 {
        while let Some(message) = a.poll_transmit(&ours) {
            b.receive(&mut theirs, &message).unwrap();
        }
        while let Some(message) = b.poll_transmit(&theirs) {
            a.receive(&mut ours, &message).unwrap();
        }
    }
    assert!(a.is_settled() && b.is_settled());
    [(ours, a), (theirs, b)]
}

/// A log of this many deltas, each of one count.
fn log(n: u64) -> Log<GCounter> {
    let (mut counter, mut log) = (GCounter::new(), Log::new());
    for position in 1..=n {
        log.append(position, counter.increment(1, us()).unwrap()).unwrap();
    }
    log
}

fn synced() -> Vec<Row> {
    Vec::from([
        Row("Link::heard Link::observe Link::summary", "after many looks", Flat, |n| {
            let (mut link, mut number) = (Link::new(), 0);
            let mut look = move || {
                number += 1;
                let beat = Heartbeat::new(number).with_head(Position::new(number * 9));
                let beat = beat.with_received(Position::new(number));
                let heard = link.heard(at(number * 1_000), &beat);
                let told = link.observe(at(number * 1_000), &beat);
                (heard, told.len(), link.summary(health::Direction::Inbound))
            };
            (0..n).for_each(|_| _ = look());
            op(look)
        }),
        Row("Heartbeat::of_versions", "", Linear, |n| {
            let (ours, theirs) = (set(n).version(), set(n / 2).version());
            op(move || Heartbeat::of_versions(&ours, &theirs))
        }),
        Row("Heartbeat::of_clocks", "", Linear, |n| {
            let (ours, theirs) = (clock(n), clock(n / 2));
            op(move || Heartbeat::of_clocks(&ours, &theirs))
        }),
        Row("Log::append", "", Flat, |n| {
            let (mut log, mut position) = (log(n), n);
            op(move || {
                position += 1;
                log.append(position, GCounter::new())
            })
        }),
        Row(
            "Log::state Log::state_at Log::since Log::position_of",
            "of a small state",
            Flat,
            |n| {
                let log = log(n);
                let then = log.state_at(n / 3).unwrap();
                op(move || {
                    let found = (log.since(n / 5), log.position_of(&then.version()));
                    (log.state(), log.state_at(n / 3), found)
                })
            },
        ),
        Row("Log::first Log::last Log::len Log::is_empty Log::catch_up", "", Flat, |n| {
            let log = log(n);
            op(move || {
                let ends = (log.first(), log.last(), log.len(), log.is_empty());
                (ends, log.catch_up(n / 3))
            })
        }),
        Row("Log::iter Log::cuttable Log::cut Log::starting_at", "", Linear, |n| {
            let whole = log(n);
            op(move || {
                let mut log = whole.clone();
                let ranges = (log.cuttable([n / 3]), log.cut([n / 3, n / 2]), log.iter().count());
                (ranges, Log::starting_at(n, log.state()))
            })
        }),
    ])
}

fn bytes() -> Vec<Row> {
    fn whole<
        T: wire::Wire + Clone + Default + Merge + DeltaState<Delta: wire::Wire + Default> + 'static,
    >(
        value: T,
    ) -> Op {
        op(move || {
            let bytes = wire::to_bytes(&value);
            let delta = wire::to_bytes(&value.delta_since(&T::default().version()));
            let read = wire::from_bytes::<T>(&bytes).unwrap();
            let limited = wire::from_bytes_within::<T>(&bytes, &Limits::default()).unwrap();
            let (mut merged, mut applied) = (T::default(), T::default());
            let joined = wire::merge_bytes(&mut merged, &bytes).unwrap();
            (read, limited, joined, wire::apply_bytes(&mut applied, &delta).unwrap())
        })
    }
    const ALL: &str = "to_bytes from_bytes from_bytes_within merge_bytes apply_bytes";
    Vec::from([
        Row("Session::changed Session::resend Session::is_settled", "of a set", Flat, |n| {
            let [(mut ours, mut session), _] = in_sync(n);
            let delta = ours.insert(n, us()).unwrap();
            op(move || {
                session.changed(&delta);
                session.resend();
                session.is_settled()
            })
        }),
        Row(
            "Session::poll_transmit Session::receive Session::receive_if",
            "of a set",
            Linear,
            |n| {
                let [(ours, mut a), (mut theirs, mut b)] = in_sync(n);
                op(move || {
                    a.resend();
                    while let Some(message) = a.poll_transmit(&ours) {
                        b.receive(&mut theirs, &message).unwrap();
                    }
                    let answer = b.poll_transmit(&theirs).unwrap();
                    a.receive_if(&mut ours.clone(), &answer, |_, _| Err("no delta")).unwrap()
                })
            },
        ),
        Row("Fingerprint::of Fingerprint::of_bytes", "of a map", Linear, |n| {
            let map = map(n);
            let row = wire::to_bytes(&map);
            op(move || (Fingerprint::of(&map), Fingerprint::of_bytes(&row)))
        }),
        Row(ALL, "of a clock", Linear, |n| whole(clock(n))),
        Row(ALL, "of a set", Linear, |n| whole(set(n))),
        Row(ALL, "of a map", Linear, |n| whole(map(n))),
        Row(ALL, "of a key with many live writes", Linear, |n| whole(crowded_map(n))),
        Row(ALL, "of a document", Linear, |n| whole(document(n))),
    ])
}
