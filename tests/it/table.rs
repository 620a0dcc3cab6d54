//! The table of merge cases, row by row: through whole states in both directions, through deltas
//! in both orders, and with a round trip through JSON on the way.

use crate::{at, replica};
use rejoin::{
    DeltaState, Document, Merge, ReplicaId, Stamp, VectorClock,
    document::{
        Claim, ConflictKind, Contender, DocumentDelta, DocumentError, Report, Rules, Value,
    },
    laws::Invariants,
};
use serde_json::{Value as Json, json};

fn ids() -> [ReplicaId; 2] {
    // The greater id is eu's.
    [replica("a-us"), replica("b-eu")]
}

fn base(json: Json) -> Document {
    Document::from_json(&json, replica("origin"), at(1)).unwrap()
}

fn through_json(document: &Document) -> Document {
    serde_json::from_str(&serde_json::to_string(document).unwrap()).unwrap()
}

type Edit<'a> = &'a dyn Fn(&mut Document, ReplicaId) -> DocumentDelta;

struct Met {
    merged: Document,
    /// What each side was told: ours when it merged theirs, and theirs when it merged ours; then
    /// the same for deltas.
    reports: [Report; 4],
}

/// Two sides edit one base, and meet in every way there is.
#[track_caller]
fn meet(base: &Document, ours: Edit<'_>, theirs: Edit<'_>) -> Met {
    let [us, eu] = ids();
    let (mut our, mut their) = (base.clone(), base.clone());
    let (our_delta, their_delta) = (ours(&mut our, us), theirs(&mut their, eu));
    let (our, their) = (through_json(&our), through_json(&their));

    let mut merged = our.clone();
    let to_us = merged.merge_reporting(&their);
    let mut other = their.clone();
    let to_them = other.merge_reporting(&our);
    assert_eq!(other, merged, "both sides agree");
    let (mut by_delta, mut by_other_delta) = (our.clone(), their.clone());
    let delta_to_us = by_delta.apply_reporting(&their_delta);
    let delta_to_them = by_other_delta.apply_reporting(&our_delta);
    assert_eq!((&by_delta, &by_other_delta), (&merged, &merged), "deltas agree with states");
    for deltas in [[&our_delta, &their_delta], [&their_delta, &our_delta]] {
        let mut fresh = base.clone();
        for delta in deltas {
            fresh.apply(delta);
        }
        assert_eq!(fresh, merged, "deltas alone, in both orders");
    }
    let again = merged.clone().merge_reporting(&their);
    assert_eq!(again, Report::default(), "nothing is news twice");
    Met { merged, reports: [to_us, to_them, delta_to_us, delta_to_them] }
}

fn set(
    path: &str,
    value: Json,
    now: u64,
) -> impl Fn(&mut Document, ReplicaId) -> DocumentDelta + '_ {
    move |document, id| document.set(path, value.clone(), id, at(now)).unwrap()
}

fn remove(path: &str) -> impl Fn(&mut Document, ReplicaId) -> DocumentDelta + '_ {
    move |document, id| document.remove(path, id, at(50)).unwrap()
}

/// Both sides were told of just this conflict, by state and by delta.
#[track_caller]
fn all_report(met: &Met, path: &str, kind: ConflictKind, winner: &Json, loser: Option<&Json>) {
    for report in &met.reports {
        let [conflict] = report.conflicts() else { panic!("{:?}", report.conflicts()) };
        let read = |side: &Contender| side.claim.value().cloned().map(Json::from);
        assert_eq!((conflict.path.to_string().as_str(), conflict.kind), (path, kind));
        let winner_read = match conflict.winner.claim {
            Claim::Read(_) => met.merged.get(path).map(Json::from),
            _ => read(&conflict.winner),
        };
        assert_eq!(winner_read.as_ref(), Some(winner));
        assert_eq!(conflict.losers.iter().map(read).collect::<Vec<_>>(), [loser.cloned()]);
    }
}

#[track_caller]
fn none_report(met: &Met) {
    met.reports.iter().for_each(|report| assert_eq!(report.conflicts(), []));
    assert_eq!(met.merged.conflicts(), []);
}

#[test]
fn different_fields_set_concurrently_both() {
    let met = meet(
        &base(json!({"title": "", "status": ""})),
        &set("/title", json!("Help"), 5),
        &set("/status", json!("open"), 5),
    );
    assert_eq!(met.merged.to_json(), json!({"title": "Help", "status": "open"}));
    none_report(&met);
    let [to_us, ..] = &met.reports;
    assert_eq!(to_us.changes().len(), 1);
    assert_eq!(to_us.changes()[0].path, "/status");
    assert_eq!(to_us.changes()[0].before, Some("".into()));
    assert_eq!(to_us.changes()[0].after, Some("open".into()));
}

#[test]
fn one_field_set_concurrently_greatest_time_and_replica_the_others_stay_readable() {
    let met = meet(
        &base(json!({"title": "old"})),
        &set("/title", json!("ours"), 9),
        &set("/title", json!("theirs"), 8),
    );
    let [us, eu] = ids();
    assert_eq!(met.merged.to_json(), json!({"title": "ours"}));
    all_report(&met, "/title", ConflictKind::Value, &json!("ours"), Some(&json!("theirs")));
    let stamp = |time: u64, replica| Some(Stamp { time: at(time), replica });
    let text = |text: &str, stamp| (Claim::Value(text.into()), stamp);
    let said = |contender: &Contender| (contender.claim.clone(), contender.stamp);
    let [open] = &met.merged.conflicts()[..] else { panic!("open until a write that saw them") };
    assert_eq!(open.path, "/title");
    assert_eq!((open.kind, said(&open.winner)), (ConflictKind::Value, text("ours", stamp(9, us))));
    let losers: Vec<_> = open.losers.iter().map(said).collect();
    assert_eq!(losers, [text("theirs", stamp(8, eu))]);

    let mut resolved = met.merged;
    resolved.resolve("/title", "both", us, at(2)).unwrap();
    assert_eq!(resolved.conflicts(), []);
    assert_eq!(resolved.get("/title"), Some("both".into()));
    assert!(resolved.resolve("/title", "late", us, at(2)).is_err(), "nothing to resolve");
}

#[test]
fn field_deleted_beside_field_set_the_set_survives_reported() {
    let met = meet(
        &base(json!({"title": "old", "n": 1})),
        &remove("/title"),
        &set("/title", json!("new"), 3),
    );
    assert_eq!(met.merged.to_json(), json!({"title": "new", "n": 1}));
    all_report(&met, "/title", ConflictKind::Deletion, &json!("new"), None);
    // The side that edited is told by the delta who deleted, and when.
    let stamp = met.reports[3].conflicts()[0].losers[0].stamp;
    assert_eq!(stamp, Some(Stamp { time: at(50), replica: ids()[0] }));
}

/// An object that is set as a whole keeps, for each of its fields, who made it.
#[test]
fn field_deleted_beside_its_object_set_is_reported_whichever_field() {
    for field in ["a", "b", "c", "d", "e"] {
        let object =
            |value: u64| json!({"a": value, "b": value, "c": value, "d": value, "e": value});
        let path = format!("/o/{field}");
        let met = meet(&base(json!({"o": object(1)})), &remove(&path), &set("/o", object(2), 3));
        assert_eq!(met.merged.to_json(), json!({"o": object(2)}));
        all_report(&met, &path, ConflictKind::Deletion, &json!(2), None);
    }
}

#[test]
fn field_deleted_beside_a_chain_of_sets_is_reported_too() {
    let twice = |document: &mut Document, id| {
        let mut delta = document.set("/title", "first", id, at(3)).unwrap();
        let other = replica("c-ap");
        delta.merge(&document.set("/title", "second", other, at(4)).unwrap());
        delta
    };
    let met = meet(&base(json!({"title": "old"})), &remove("/title"), &twice);
    assert_eq!(met.merged.to_json(), json!({"title": "second"}));
    all_report(&met, "/title", ConflictKind::Deletion, &json!("second"), None);
}

#[test]
fn object_deleted_beside_a_field_inside_set_that_field_and_its_parents_survive_reported() {
    let met = meet(
        &base(json!({"user": {"email": "a", "name": {"first": "b"}}, "n": 1})),
        &remove("/user"),
        &set("/user/name/last", json!("c"), 3),
    );
    let survivor = json!({"name": {"last": "c"}});
    assert_eq!(met.merged.to_json(), json!({"user": survivor, "n": 1}));
    all_report(&met, "/user", ConflictKind::Deletion, &survivor, None);
    assert_eq!(met.merged.conflicts().len(), 1, "and stands open");
    let stamp = met.reports[3].conflicts()[0].losers[0].stamp;
    assert_eq!(stamp, Some(Stamp { time: at(50), replica: ids()[0] }), "a delta tells by whom");

    let met = meet(
        &base(json!({"user": {"email": "a", "name": {"first": "b"}}, "n": 1})),
        &remove("/user"),
        &set("/user/name/first", json!("c"), 3),
    );
    let survivor = json!({"name": {"first": "c"}});
    all_report(&met, "/user", ConflictKind::Deletion, &survivor, None);

    let mut settled = met.merged.clone();
    settled.set("/user/name/last", "d", ids()[0], at(9)).unwrap();
    assert_eq!(settled.conflicts(), [], "whoever goes on writing inside keeps it");
    let mut settled = met.merged;
    settled.remove("/user", ids()[0], at(9)).unwrap();
    assert_eq!(settled.to_json(), json!({"n": 1}));
}

#[test]
fn object_array_and_scalar_at_one_path_all_kept_one_read_reported() {
    let shared = base(json!({"tags": {"billing": true}}));
    let met =
        meet(&shared, &set("/tags", json!("billing"), 7), &set("/tags/hotel", json!(true), 9));
    // The object was deleted by the scalar, but what was written into it is the latest there.
    let object = json!({"hotel": true});
    assert_eq!(met.merged.to_json(), json!({"tags": object}));
    all_report(&met, "/tags", ConflictKind::Type, &object, Some(&json!("billing")));

    let met =
        meet(&shared, &set("/tags", json!("billing"), 9), &set("/tags/hotel", json!(true), 7));
    assert_eq!(met.merged.to_json(), json!({"tags": "billing"}));
    all_report(&met, "/tags", ConflictKind::Type, &json!("billing"), Some(&object));
    assert_eq!(met.merged.get("/tags/hotel"), None, "not read, and not lost:");
    let mut later = met.merged.clone();
    let mut elsewhere =
        meet(&shared, &set("/tags", json!("billing"), 9), &set("/tags/hotel", json!(true), 7))
            .merged;
    elsewhere.resolve("/tags", object.clone(), ids()[0], at(1)).unwrap();
    later.merge(&elsewhere);
    assert_eq!(later.to_json(), json!({"tags": object}));

    let met =
        meet(&shared, &set("/tags", json!(["billing"]), 7), &set("/tags", json!("billing"), 8));
    all_report(&met, "/tags", ConflictKind::Type, &json!("billing"), Some(&json!(["billing"])));
    // Going on to write inside the object that is read settles it against the scalar.
    let mut met =
        meet(&shared, &set("/tags", json!("billing"), 7), &set("/tags/hotel", json!(true), 9))
            .merged;
    met.remove("/tags/hotel", ids()[0], at(1)).unwrap();
    assert_eq!((met.to_json(), met.conflicts()), (json!({"tags": {}}), vec![]));
}

#[test]
fn a_change_of_kind_is_one_change_at_the_uppermost_path() {
    let shared = base(json!({"o": {"a": 1, "b": {"c": 2}}, "o-": 1}));
    let met = meet(&shared, &set("/n", json!(1), 2), &set("/o", json!("gone"), 5));
    let changes = met.reports[0].changes();
    assert_eq!(changes.iter().map(|it| &it.path).collect::<Vec<_>>(), ["/o"]);
    let met =
        meet(&shared, &set("/n", json!(1), 2), &set("/o/b", json!({"c": 2, "d": {"e": 1}}), 5));
    let changes = met.reports[0].changes();
    assert_eq!(changes.iter().map(|it| &it.path).collect::<Vec<_>>(), ["/o/b/d"]);
}

#[test]
fn deleted_then_created_again_only_the_new_writes_are_visible() {
    let again = |document: &mut Document, id| {
        let mut delta = document.remove("/user", id, at(2)).unwrap();
        delta.merge(&document.set("/user", json!({"phone": 1}), id, at(3)).unwrap());
        delta
    };
    let met = meet(&base(json!({"user": {"email": "a"}})), &again, &set("/n", json!(1), 2));
    assert_eq!(met.merged.to_json(), json!({"user": {"phone": 1}, "n": 1}));
    none_report(&met);
}

#[test]
fn later_write_by_a_replica_with_an_older_wall_clock_wins() {
    let [us, eu] = ids();
    let mut document = base(json!({"title": "old"}));
    document.set("/title", "fast clock", us, at(1_000_000)).unwrap();
    document.set("/title", "slow clock", eu, at(5)).unwrap();
    assert_eq!(document.get("/title"), Some("slow clock".into()));
    let met = meet(&document, &set("/n", json!(1), 2), &set("/title", json!("slower"), 0));
    assert_eq!(met.merged.get("/title"), Some("slower".into()));
    none_report(&met);
}

#[test]
fn equal_times_greater_replica_id_in_both_orders() {
    let shared = base(json!({"title": "old"}));
    let met = meet(&shared, &set("/title", json!("us"), 5), &set("/title", json!("eu"), 5));
    assert_eq!(met.merged.to_json(), json!({"title": "eu"}));
    let met = meet(&shared, &set("/title", json!("z"), 5), &set("/title", json!("a"), 5));
    assert_eq!(met.merged.to_json(), json!({"title": "a"}), "by replica, not by value");
}

#[test]
fn equal_values_written_concurrently_no_conflict() {
    let write = set("/title", json!({"en": "Help"}), 5);
    let met =
        meet(&base(json!({"title": "old"})), &write, &set("/title", json!({"en": "Help"}), 7));
    assert_eq!(met.merged.to_json(), json!({"title": {"en": "Help"}}));
    none_report(&met);
}

#[test]
fn the_same_json_imported_on_two_sides_is_that_json() {
    let content = json!({"title": "Booking", "messages": [1, {"id": 2}], "meta": {"a": {}}});
    let import =
        |document: &mut Document, id| document.set("", content.clone(), id, at(1)).unwrap();
    let met = meet(&Document::new(), &import, &import);
    assert_eq!(met.merged.to_json(), content);
    none_report(&met);
}

#[test]
fn a_value_set_to_what_it_already_is_by_update_no_write_at_all() {
    let content = json!({"title": "Booking", "n": [1, 2.5], "meta": {"a": {}}});
    let mut document = base(content.clone());
    let before = document.clone();
    let delta = document.update(&content, ids()[0], at(9)).unwrap();
    assert!(delta.is_empty());
    assert_eq!(document, before);

    let mut changed = content;
    changed["meta"]["a"] = json!({"b": 1});
    let delta = document.update(&changed, ids()[0], at(9)).unwrap();
    assert_eq!(delta.write_count(), 1, "one leaf");
    assert_eq!(document.to_json(), changed);
}

#[test]
fn an_edit_is_one_delta_and_all_or_nothing() {
    let [us, eu] = ids();
    let mut document = base(json!({"title": "old", "meta": {"a": 1}}));
    let mut other = document.clone();
    other.set("/title", "theirs", eu, at(2)).unwrap();
    other.remove("/meta", eu, at(2)).unwrap();
    document.set("/title", "ours", us, at(2)).unwrap();
    document.set("/meta/b", 2_u64, us, at(2)).unwrap();
    document.merge(&other);
    let before = document.clone();
    let mut edit = document.edit(us, at(9));
    edit.set("/title", "both").unwrap().set("/meta/c", json!({"d": 1})).unwrap();
    edit.remove("/meta/b").unwrap();
    assert_eq!(edit.get("/meta"), Some(json!({"c": {"d": 1}}).try_into().unwrap()));
    edit.set("", json!("all gone")).unwrap();
    assert_eq!(
        edit.set("/title", "into a scalar").unwrap_err().to_string(),
        "the root is a scalar and has nothing inside: set an object or a list there first"
    );
    drop(edit);
    assert_eq!(document, before);
    document.check_invariants().unwrap();
    assert_eq!(document.conflicts(), before.conflicts());

    // After an error an edit may go on: only that write is taken back.
    let mut edit = document.edit(us, at(9));
    edit.set("/title", "both").unwrap();
    assert!(edit.set("/nowhere/x", 1_u64).is_err());
    edit.remove("/meta").unwrap().set("/status", "open").unwrap();
    let delta = edit.commit();
    // What is not committed goes.
    let mut edit = document.edit(us, at(9));
    edit.set("/status", "closed").unwrap().set("/title", "gone").unwrap();
    drop(edit);
    document.check_invariants().unwrap();
    delta.check_invariants().unwrap();
    let mut peer = before;
    peer.apply_owned(delta);
    assert_eq!(peer, document);
    assert_eq!(document.to_json(), json!({"status": "open", "title": "both"}));
}

#[test]
fn each_error_names_the_path_and_what_stood_there() {
    let [us, _] = ids();
    let mut document = base(json!({"list": [1], "user": {"name": "a"}}));
    let before = document.clone();
    let mut error = |path: &str| document.set(path, 1_u64, us, at(9)).unwrap_err().to_string();
    assert_eq!(error("/list/2"), "index 2 is out of range: the list at /list has 1 item");
    assert_eq!(
        error("/list/01"),
        "\"01\" is not an index of the list at /list: use digits, or \"-\" for its end"
    );
    assert_eq!(
        error("/user/name/x"),
        "/user/name is a scalar and has nothing inside: set an object or a list there first"
    );
    assert_eq!(error("/a/b/c"), "/a does not exist: set it first");
    assert!(error("title").starts_with("\"title\" is not a JSON Pointer"));
    assert!(error("/~").contains("not a JSON Pointer"));
    assert!(error(&"/a".repeat(128)).contains("deeper than 127"));
    let error = document.reset("/user/age", us, at(9)).unwrap_err();
    assert!(error.is_not_found() && error.path() == Some("/user/age"), "{error}");
    let deep = (0..200).fold(json!(1), |inside, _| json!([inside]));
    let error = document.update(json!({"user": deep}), us, at(9)).unwrap_err().to_string();
    assert!(error.ends_with("would nest deeper than 127 levels"), "{error}");
    let error = |edit: &dyn Fn(&mut Document) -> Result<DocumentDelta, DocumentError>| {
        let mut document = before.clone();
        let error = edit(&mut document).unwrap_err().to_string();
        assert_eq!(document, before);
        error
    };
    assert_eq!(
        error(&|it| it.push("/user", 1_u64, us, at(9))),
        "/user is not a list: set a list there first, even an empty one"
    );
    assert_eq!(
        error(&|it| it.move_item("/list/0", 1, us, at(9))),
        "index 1 is out of range: the list at /list has 1 item"
    );
    assert_eq!(
        error(&|it| it.increment("/user/name", 1, us, at(9))),
        "/user/name holds a scalar and not a signed 64-bit integer: set one there to count on"
    );
    assert_eq!(
        error(&|it| it.increment("/user/n", u64::MAX, us, at(9))),
        "the count at /user/n would overflow a signed 64-bit integer"
    );
    assert!(
        error(&|it| it.set("", json!({"a".repeat(16_384): 1}), us, at(9))).contains("16384 bytes")
    );
    assert_eq!(document, before);
    assert!(Document::new().set("/a/b", 1_u64, us, at(9)).is_err());
}

#[test]
fn names_with_slashes_tildes_and_nothing_at_all() {
    let content = json!({"a/b": {"": {"~1": 1}}, "~": 2, "é/": 3});
    let document = base(content.clone());
    assert_eq!(document.to_json(), content);
    assert_eq!(document.get("/a~1b//~01"), Some(1_u64.into()));
    assert_eq!(document.get("/~0"), Some(2_u64.into()));
    assert_eq!(through_json(&document), document);
}

#[test]
fn two_snapshots_merge_field_by_field() {
    let (us, eu) = (replica("us-east-1"), replica("eu-west-1"));
    let clock = |us_ticks, eu_ticks| VectorClock::from_iter([(us, us_ticks), (eu, eu_ticks)]);
    let minute = 37_800_000; // 10:30:00
    let ours = json!({"title": "Booking Help", "messages": 10, "status": "active"});
    let theirs = json!({"title": "Booking Assistance", "messages": 10, "status": "resolved"});
    let ours = Document::from_snapshot(&ours, &clock(5, 3), us, at(minute)).unwrap();
    let theirs = Document::from_snapshot(&theirs, &clock(4, 6), eu, at(minute + 5_000)).unwrap();

    let (mut forward, mut backward) = (ours.clone(), theirs.clone());
    let report = forward.merge_reporting(&theirs);
    backward.merge(&ours);
    assert_eq!(forward, backward);
    let expected = json!({"title": "Booking Assistance", "messages": 10, "status": "resolved"});
    assert_eq!(forward.to_json(), expected);
    let paths: Vec<_> = report.conflicts().iter().map(|it| &it.path).collect();
    assert_eq!(paths, ["/status", "/title"]);

    // A descendant replaces its ancestor, whatever the timestamps.
    let child = json!({"title": "Child"});
    let child = Document::from_snapshot(&child, &clock(6, 6), us, at(0)).unwrap();
    let (mut down, mut up) = (theirs.clone(), child.clone());
    let report = down.merge_reporting(&child);
    up.merge(&theirs);
    assert_eq!((&down, &up), (&child, &child));
    assert_eq!(report.conflicts(), []);

    // Equal timestamps go by replica, in both orders; three snapshots in any nesting.
    let third = json!({"title": "Third", "extra": true});
    let third = Document::from_snapshot(&third, &VectorClock::from_iter([(eu, 7)]), eu, at(minute))
        .unwrap();
    let left = joined(&joined(&ours, &theirs), &third);
    let right = joined(&ours, &joined(&theirs, &third));
    assert_eq!(left, right);
    assert_eq!(joined(&ours, &third).get("/title"), joined(&third, &ours).get("/title"));

    let refused =
        |clock: VectorClock| Document::from_snapshot(1_u64, &clock, us, at(0)).unwrap_err();
    assert!(refused(VectorClock::new()).to_string().contains("counts no write of us-east-1"));
    assert!(refused(clock(1, u64::MAX)).to_string().contains("counts eu-west-1 past"));
}

fn joined(a: &Document, b: &Document) -> Document {
    let mut a = a.clone();
    a.merge(b);
    a
}

fn push(
    list: &'static str,
    values: Vec<Json>,
) -> impl Fn(&mut Document, ReplicaId) -> DocumentDelta {
    move |document, id| {
        let mut edit = document.edit(id, at(5));
        for value in &values {
            edit.push(list, value).unwrap();
        }
        edit.commit()
    }
}

fn keyed(json: &Json) -> Document {
    let keys = Rules::new().keyed("/messages", "id").unwrap();
    Document::from_json_with(keys, json, replica("origin"), at(1)).unwrap()
}

#[test]
fn appends_on_two_sides_both_runs_whole_one_after_the_other() {
    let met = meet(
        &base(json!({"list": [0]})),
        &push("/list", vec![json!("a"), json!("b"), json!("c")]),
        &push("/list", vec![json!("x"), json!("y")]),
    );
    assert_eq!(met.merged.to_json(), json!({"list": [0, "a", "b", "c", "x", "y"]}));
    none_report(&met);
    let [to_us, ..] = &met.reports;
    let changes: Vec<_> =
        to_us.changes().iter().map(|it| format!("{}: {:?}", it.path, it.after)).collect();
    let appended = |text| Some(Value::from(text));
    let expected = [("/list/4", appended("x")), ("/list/5", appended("y"))];
    assert_eq!(changes, expected.map(|(path, after)| format!("{path}: {after:?}")));
}

#[test]
fn inserts_at_one_index_both_each_run_contiguous() {
    let insert = |values: [&'static str; 2]| {
        move |document: &mut Document, id: ReplicaId| {
            let mut edit = document.edit(id, at(5));
            // Each before the one inserted before it.
            for value in values {
                edit.insert("/list/1", value).unwrap();
            }
            edit.commit()
        }
    };
    let met = meet(&base(json!({"list": [0, 9]})), &insert(["b", "a"]), &insert(["y", "x"]));
    assert_eq!(met.merged.to_json(), json!({"list": [0, "a", "b", "x", "y", 9]}));
    none_report(&met);
}

#[test]
fn item_deleted_beside_a_field_of_it_edited_the_edit_survives_reported() {
    let content = json!({"messages": [{"id": 1, "text": "a"}, {"id": 2, "text": "b"}]});
    let met =
        meet(&keyed(&content), &remove("/messages/0"), &set("/messages/0/text", json!("A"), 9));
    let survivor = json!({"id": 1, "text": "A"});
    assert_eq!(met.merged.to_json(), json!({"messages": [{"id": 2, "text": "b"}, survivor]}));
    all_report(&met, "/messages/1", ConflictKind::Deletion, &survivor, None);
    assert_eq!(met.merged.conflicts().len(), 1, "open until a write inside");
    let [us, _] = ids();
    let mut settled = met.merged;
    settled.set("/messages/1/text", "A!", us, at(9)).unwrap();
    assert_eq!(settled.conflicts(), []);
    assert_eq!(settled.get("/messages/1/id"), Some(1_u64.into()), "and its key is written");
    settled.check_invariants().unwrap();
}

#[test]
fn item_deleted_beside_moved_is_deleted() {
    let met = meet(&base(json!({"list": ["a", "b", "c"]})), &remove("/list/0"), &|document, id| {
        document.move_item("/list/0", 2, id, at(9)).unwrap()
    });
    assert_eq!(met.merged.to_json(), json!({"list": ["b", "c"]}));
    none_report(&met);
}

#[test]
fn item_moved_on_two_sides_stands_once_reported() {
    let to = |index| {
        move |document: &mut Document, id: ReplicaId| {
            document.move_item("/list/0", index, id, at(9)).unwrap()
        }
    };
    let met = meet(&base(json!({"list": ["a", "b", "c"]})), &to(1), &to(2));
    assert_eq!(met.merged.to_json(), json!({"list": ["b", "c", "a"]}), "the greater replica");
    all_report(&met, "/list/2", ConflictKind::Move, &json!(2), Some(&json!(1)));
    assert_eq!(met.merged.conflicts().len(), 1, "open until it is moved again");
    let [us, _] = ids();
    for index in [1, 2] {
        let mut settled = met.merged.clone();
        let delta = settled.move_item("/list/2", index, us, at(1)).unwrap();
        assert_eq!((delta.write_count(), settled.conflicts()), (1, vec![]), "by one write");
        assert_eq!(settled.get(&format!("/list/{index}")), Some("a".into()));
    }
}

#[test]
fn item_moved_beside_a_field_of_it_edited_both() {
    let met = meet(
        &keyed(&json!({"messages": [{"id": 1, "text": "a"}, {"id": 2}]})),
        &|document, id| document.move_item("/messages/0", 1, id, at(9)).unwrap(),
        &set("/messages/0/text", json!("A"), 9),
    );
    assert_eq!(met.merged.to_json(), json!({"messages": [{"id": 2}, {"id": 1, "text": "A"}]}));
    none_report(&met);
}

#[test]
fn counter_plus_one_beside_plus_one_is_plus_two() {
    let met = meet(&base(json!({"n": 5})), &count("/n", 1), &count("/n", 1));
    assert_eq!(met.merged.to_json(), json!({"n": 7}));
    none_report(&met);
    let met = meet(&base(json!({})), &count("/n", 2), &count("/n", 3));
    assert_eq!(met.merged.to_json(), json!({"n": 5}), "a counter that both sides began");
}

fn count(path: &'static str, by: u64) -> impl Fn(&mut Document, ReplicaId) -> DocumentDelta {
    move |document, id| document.increment(path, by, id, at(5)).unwrap()
}

#[test]
fn counter_reset_beside_plus_one_is_one_and_deleted_it_survives_whole() {
    let mut counted = base(json!({"n": 5, "o": {"n": 2}}));
    counted.increment("/n", 4, replica("origin"), at(2)).unwrap();
    let reset: Edit<'_> = &|document, id| document.reset("/n", id, at(9)).unwrap();
    assert_eq!(meet(&counted, reset, &count("/n", 1)).merged.get("/n"), Some(1.into()));
    let deleted = meet(&counted, &remove("/n"), &count("/n", 1));
    assert_eq!(deleted.merged.get("/n"), Some(1.into()), "what its writer has counted");
    all_report(&deleted, "/n", ConflictKind::Deletion, &json!(1), None);
    let mut counted_by_us = counted.clone();
    counted_by_us.increment("/n", 6, ids()[1], at(2)).unwrap();
    let deleted = meet(&counted_by_us, &remove("/n"), &count("/n", 1));
    assert_eq!(deleted.merged.get("/n"), Some(7.into()), "all that its writer has counted");
    let reset_by_us = meet(&counted_by_us, reset, &count("/n", 1));
    assert_eq!(reset_by_us.merged.get("/n"), Some(1.into()));
    assert_eq!(meet(&counted, reset, reset).merged.get("/n"), Some(0.into()), "and not -9");
    let twice: Edit<'_> = &|document, id| {
        let mut delta = document.increment("/n", 1, id, at(3)).unwrap();
        delta.merge(&document.decrement("/n", 3, id, at(4)).unwrap());
        delta
    };
    assert_eq!(meet(&counted, reset, twice).merged.get("/n"), Some((-2).into()));
    let met = meet(&counted, &remove("/o"), &count("/o/n", 1));
    assert_eq!(
        met.merged.get("/o"),
        Some(json!({"n": 1}).try_into().unwrap()),
        "what its parent held is gone"
    );
    all_report(&met, "/o", ConflictKind::Deletion, &json!({"n": 1}), None);
}

#[test]
fn the_same_json_imported_on_two_sides_lists_and_all() {
    let content = json!({"list": ["a", "a", {"b": [1]}, []], "messages": [{"id": 1}, {"id": 1}]});
    let [us, eu] = ids();
    for keys in [Rules::new(), Rules::new().keyed("/messages", "id").unwrap()] {
        let mut ours = Document::from_json_with(keys.clone(), &content, us, at(5)).unwrap();
        let theirs = Document::from_json_with(keys, &content, eu, at(9)).unwrap();
        assert_eq!(ours.to_json(), content);
        let report = ours.merge_reporting(&theirs);
        assert_eq!((report.changes(), report.conflicts()), (&[][..], &[][..]));
        assert_eq!((ours.to_json(), ours.conflicts()), (content.clone(), vec![]));
    }
}

#[test]
fn copies_that_differ_meet_item_by_item() {
    let [us, eu] = ids();
    let messages = |texts: &[(u64, &str)]| {
        let items = texts.iter().map(|(id, text)| json!({"id": id, "text": text}));
        json!({"messages": items.collect::<Vec<_>>()})
    };
    let import = |json: &Json, id, time| {
        let keys = Rules::new().keyed("/messages", "id").unwrap();
        Document::from_json_with(keys, json, id, at(time)).unwrap()
    };
    let mut ours = import(&messages(&[(1, "a"), (2, "b"), (3, "c")]), us, 5);
    let mut older = ours.clone();
    ours.merge(&import(&messages(&[(1, "a"), (2, "B")]), eu, 6));
    assert_eq!(ours.to_json(), messages(&[(1, "a"), (2, "B"), (3, "c")]));
    assert_eq!(ours.conflicts().len(), 1);
    older.merge(&import(&messages(&[(1, "a"), (2, "B")]), eu, 4));
    assert_eq!(older.to_json(), messages(&[(1, "a"), (2, "b"), (3, "c")]));
    assert_eq!(older.conflicts().len(), 1);
}

#[test]
fn update_writes_what_differs_and_nothing_else() {
    let [us, _] = ids();
    let mut document = keyed(&json!({
        "messages": (0..2_000).map(|id| json!({"id": id, "text": "t"})).collect::<Vec<_>>(),
        "tags": ["a", "b", "c"], "unread": 1,
    }));
    document.increment("/unread", 2, us, at(2)).unwrap();
    let mut json = document.to_json();
    let mut writes = |edit: &dyn Fn(&mut Json)| {
        edit(&mut json);
        let delta = document.update(&json, us, at(9)).unwrap();
        assert_eq!(document.to_json(), json);
        assert!(document.update(&json, us, at(9)).unwrap().is_empty());
        delta.write_count()
    };
    assert_eq!(writes(&|_| ()), 0);
    assert_eq!(writes(&|json| json["messages"][1_000]["text"] = json!("edited")), 1);
    let messages = |json: &mut Json, edit: &dyn Fn(&mut Vec<Json>)| {
        edit(json["messages"].as_array_mut().unwrap());
    };
    assert_eq!(writes(&|json| messages(json, &|it| it.swap(10, 11))), 1, "a move is one write");
    assert_eq!(writes(&|json| messages(json, &|it| it.rotate_left(1))), 1);
    assert_eq!(
        writes(&|json| messages(json, &|it| _ = it.remove(5))),
        0,
        "a deletion carries none"
    );
    assert_eq!(writes(&|json| messages(json, &|it| it.insert(7, json!({"id": "new"})))), 3);
    assert_eq!(writes(&|json| json["tags"] = json!(["b", "a", "c"])), 1);
    assert_eq!(writes(&|json| json["tags"] = json!(["b", "A", "c"])), 2, "another item");
    assert_eq!(writes(&|json| json["tags"] = json!(["new", "b", "A", "c"])), 2, "and a place");
    assert_eq!(writes(&|json| json["unread"] = json!(0)), 1);
}
