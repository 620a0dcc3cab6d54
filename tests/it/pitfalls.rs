//! How others got it wrong: each trace as a test, through whole states, through deltas in every
//! order with repeats and losses, and through text and bytes.

use crate::{
    at,
    cpu::cpu_time,
    effort::one_in,
    encoded::{Sent, bytes, compact, json, kernel, seen, through_bytes, through_json},
    replica,
    spec::document::told::depth,
};
use rejoin::{
    DeltaState, Document, GCounter, LwwRegister, Merge, MvRegister, Now, OrMap, OrSet, PnCounter,
    ReplicaId, SetDelta, VectorClock, Version,
    causal::{CausalContext, Dot},
    document::{Claim, DocumentDelta, DocumentError, Value},
    laws::Invariants,
    wire,
};
use std::{fmt::Debug, time::Duration};

fn abc() -> [ReplicaId; 3] {
    ["a", "b", "c"].map(replica)
}

fn joined<T: Merge + Clone>(a: &T, b: &T) -> T {
    let mut a = a.clone();
    a.merge(b);
    a
}

/// What is written, read back from text and from bytes.
fn sent<T: Sent>(value: &T) -> T {
    through_bytes(&through_json(value))
}

/// The join of three states, and of the deltas that made them, in all ways: states in every order,
/// deltas in every order, with repeats, joined before they are sent, and with every possible loss
/// made up for by asking. All that is sent goes through text and bytes; all must agree, byte for
/// byte. No deltas: they are not at issue.
#[track_caller]
fn all_ways<T>(states: [&T; 3], deltas: &[T::Delta]) -> T
where
    T: DeltaState + Clone + Default + PartialEq + Debug + Sent,
    T::Delta: Clone + Default + Sent,
{
    let expected = merged_all_ways(states, deltas);
    for order in permutations(3) {
        let mut asks = states[order[0]].clone();
        for &at in &order[1..] {
            asks.apply_owned(sent(&states[at].delta_since(&asks.version())));
        }
        agree(&asks, &expected, &("asking", &order));
    }
    for lost in 0..deltas.len() {
        let mut merged = T::default();
        let rest = deltas.iter().enumerate().filter(|it| it.0 != lost);
        rest.for_each(|(_, delta)| _ = merged.apply(delta));
        merged.apply_owned(sent(&expected.delta_since(&merged.version())));
        agree(&merged, &expected, &("asking for what was lost", lost));
    }
    expected
}

#[track_caller]
fn agree<T: Sent>(merged: &T, expected: &T, how: &dyn Debug) {
    assert_eq!(merged, expected, "{how:?}");
    assert_eq!(bytes(merged), bytes(expected), "{how:?}");
    assert_eq!(json(merged), json(expected), "{how:?}");
}

/// The same without asking: a version does not tell apart what was forged to look alike.
#[track_caller]
fn merged_all_ways<T>(states: [&T; 3], deltas: &[T::Delta]) -> T
where
    T: DeltaState + Clone + Default + PartialEq + Debug + Sent,
    T::Delta: Clone + Default + Sent,
{
    let expected = joined(&joined(states[0], states[1]), states[2]);
    for order in permutations(3) {
        let mut merged = T::default();
        for &at in &order {
            merged.merge(&sent(states[at]));
            merged = sent(&merged);
        }
        agree(&merged, &expected, &("states in order", &order));
        let nested = joined(states[order[0]], &joined(states[order[1]], states[order[2]]));
        agree(&nested, &expected, &("the latter two first", &order));
    }
    let deltas: Vec<T::Delta> = deltas.iter().map(sent).collect();
    for order in permutations(deltas.len()).into_iter().filter(|order| !order.is_empty()) {
        let mut merged = T::default();
        for at in order.iter().chain(&order[..order.len() / 2]) {
            merged.apply(&deltas[*at]);
        }
        agree(&merged, &expected, &("deltas in order", &order));
        let (early, late) = order.split_at(order.len() / 2);
        let mut merged = T::default();
        for part in [late, early] {
            let mut message = T::Delta::default();
            part.iter().for_each(|at| _ = message.merge(&deltas[*at]));
            merged.apply_owned(sent(&message));
        }
        agree(&merged, &expected, &("joined before they are sent", &order));
    }
    expected
}

fn permutations(len: usize) -> Vec<Vec<usize>> {
    if len == 0 {
        return vec![vec![]];
    }
    let shorter = permutations(len - 1);
    let insert = |order: &Vec<usize>| {
        let order = order.clone();
        (0..len).map(move |at| [&order[..at], &[len - 1], &order[at..]].concat())
    };
    shorter.iter().flat_map(insert).collect()
}

fn elements(set: &OrSet<u8>) -> Vec<u8> {
    let mut elements: Vec<u8> = set.iter().copied().collect();
    elements.sort_unstable();
    elements
}

#[test]
fn p01_a_greater_clock_does_not_win_a_merge() {
    let [a, b, _] = abc();
    let mut on_a = OrSet::new();
    let add_x = on_a.insert(1, a).unwrap();
    let mut on_b = on_a.clone();
    let remove_x = on_b.remove(&1, b).unwrap();
    let add_y = on_a.insert(2, a).unwrap();
    let merged = all_ways([&on_a, &on_b, &OrSet::new()], &[add_x, remove_x, add_y]);
    assert_eq!(elements(&merged), [2]);
}

#[test]
fn p02_a_removal_is_seen_in_the_version() {
    let [a, b, _] = abc();
    let mut on_a = OrSet::new();
    let mut deltas = vec![on_a.insert(1, a).unwrap()];
    let mut on_b = on_a.clone();
    deltas.push(on_b.remove(&1, b).unwrap());
    assert_ne!(on_a.version(), on_b.version(), "a remove mints a dot");
    assert!(seen(&on_b).contiguous() > seen(&on_a).contiguous());
    assert!(all_ways([&on_a, &on_b, &OrSet::new()], &deltas).is_empty());

    let mut on_a = Document::from_value(Value::from_iter([("x", 1_u64)]), a, at(1)).unwrap();
    let mut deltas = vec![on_a.delta_since(&Document::new().version())];
    let mut on_b = on_a.clone();
    deltas.push(on_b.remove("/x", b, at(0)).unwrap());
    assert_ne!(on_a.version(), on_b.version());
    deltas.push(on_a.set("/y", 2_u64, a, at(2)).unwrap());
    let merged = all_ways([&on_a, &on_b, &Document::new()], &deltas);
    assert_eq!(merged.to_value(), Some(Value::from_iter([("y", 2_u64)])));
}

/// `c` writes k, `a` supersedes it, `b` supersedes that; a replica gets the first and the last.
#[test]
fn p03_equal_contexts_with_different_states_still_converge() {
    let [a, b, c] = abc();
    let mut register = MvRegister::new();
    let c1 = register.set("c1".to_owned(), c).unwrap();
    let a1 = register.set("a1".to_owned(), a).unwrap();
    let b1 = register.set("b1".to_owned(), b).unwrap();
    let mut late = MvRegister::new();
    late.apply(&c1);
    late.apply(&b1);
    assert_eq!(late.values().count(), 2, "c1 lives on: what superseded it never arrived");
    assert_eq!(seen(&late), seen(&register), "and yet all was seen");
    assert_ne!(late, register);

    // The digest tells what is alive.
    let merged = all_ways([&late, &register, &MvRegister::new()], &[c1, a1, b1]);
    assert_eq!(merged, register);
}

#[test]
fn p04_present_on_both_sides_is_no_reason_to_keep() {
    let [a, b, _] = abc();
    let (mut on_a, mut on_b) = (OrSet::new(), OrSet::new());
    let mut deltas = vec![on_a.insert(1, a).unwrap(), on_b.insert(1, b).unwrap()];
    let on_c = on_a.clone();
    deltas.push(on_a.remove(&1, a).unwrap());
    on_a.merge(&on_b);
    deltas.push(on_b.remove(&1, b).unwrap());
    let merged = all_ways([&on_b, &on_a, &on_c], &deltas);
    assert!(merged.is_empty());
}

#[test]
fn p05_deltas_out_of_order_lose_nothing() {
    let [a, ..] = abc();
    let mut author = OrSet::new();
    let first = author.insert(1, a).unwrap();
    let second = author.insert(2, a).unwrap();
    let mut peer = OrSet::new();
    peer.apply(&second);
    assert_eq!(seen(&peer).intervals(a).collect::<Vec<_>>(), [2..=2], "a gap");
    assert_eq!(elements(&joined(&author, &peer)), [1, 2], "the author loses nothing");
    let merged = all_ways([&author, &peer, &OrSet::new()], &[first, second]);
    assert_eq!(elements(&merged), [1, 2]);
}

#[test]
fn p06_a_part_of_the_state_deletes_nothing() {
    let [a, ..] = abc();
    let all = 100_000 / one_in(10);
    let mut full = OrSet::new();
    let first = full.extend(0..200_u64, a).unwrap();
    let rest = full.extend(200..u64::try_from(all).unwrap(), a).unwrap();
    let mut peer = full.clone();
    assert!(!peer.apply(&first));
    assert_eq!(peer.len(), all);
    let mut fresh = OrSet::new();
    fresh.apply(&first);
    assert_eq!(fresh.len(), 200);
    assert_eq!(all_ways([&fresh, &full, &peer], &[first, rest]).len(), all);
}

#[test]
fn p07_a_dot_used_twice_converges() {
    let [a, b, c] = abc();
    let mut on_a: OrSet<u8> = OrSet::new();
    let backup = on_a.clone();
    let x = on_a.insert(1, a).unwrap();
    let sent = on_a;
    let mut restored = backup;
    let z = restored.insert(2, a).unwrap();
    let mut third = OrSet::new();
    third.insert(3, b).unwrap();
    let mut deltas = vec![x, z];
    deltas.push(third.insert(4, c).unwrap());
    deltas.push(OrSet::new().insert(3, b).unwrap());
    let merged = merged_all_ways([&sent, &restored, &third], &deltas);
    assert_eq!(elements(&merged), [2, 3, 4], "the greater payload, on every side");
    merged.check_invariants().unwrap();

    let write = |value: u64| {
        let mut map: OrMap<u8, u64> = OrMap::new();
        let delta = map.insert(1, value, a, at(1)).unwrap();
        (map, delta)
    };
    let [(one, first), (two, second)] = [1, 2].map(write);
    let merged = merged_all_ways([&one, &two, &OrMap::new()], &[first, second]);
    assert_eq!(merged.siblings(&1).map(|it| *it.1).collect::<Vec<_>>(), [2]);

    let write = |path: &str| {
        let mut document = Document::new();
        let root = document.set("", Value::from_iter([("x", 0_u64)]), b, at(1)).unwrap();
        let delta = document.set(path, 7_u64, a, at(2)).unwrap();
        (document, delta, root)
    };
    let [(one, first, root), (two, second, _)] = ["/x", "/y"].map(write);
    let merged = merged_all_ways([&one, &two, &Document::new()], &[root, first, second]);
    merged.check_invariants().unwrap();
    assert_eq!(merged.to_value(), Some(Value::from_iter([("y", 7_u64)])), "one of them is gone");
}

#[test]
fn p08_equal_stamps_with_different_values_converge() {
    let [a, ..] = abc();
    let states = ["x", "z", "y"].map(|value| {
        let mut register = LwwRegister::new();
        register.set(value.to_owned(), a, at(5)).unwrap();
        register
    });
    let merged = merged_all_ways([&states[0], &states[1], &states[2]], &states);
    assert_eq!(merged.get().unwrap(), "z");

    let documents = [1_u64, 3, 2].map(|value| Document::from_value(value, a, at(5)).unwrap());
    let deltas = documents.clone().map(|it| it.delta_since(&Document::new().version()));
    let merged = merged_all_ways([&documents[0], &documents[1], &documents[2]], &deltas);
    assert_eq!(merged.to_value(), Some(3_u64.into()));
}

#[test]
fn p09_a_later_write_under_a_slow_clock_wins() {
    let [a, b, _] = abc();
    let (fast, slow) = (at(300_000), at(0));
    let mut register = LwwRegister::new();
    let first = register.set(1_u8, a, fast).unwrap();
    let mut later = register.clone();
    let second = later.set(2, b, slow).unwrap();
    assert_eq!(later.get(), Some(&2), "here too");
    let merged = all_ways([&register, &later, &LwwRegister::new()], &[first, second]);
    assert_eq!(merged.get(), Some(&2));

    let mut map: OrMap<u8, u8> = OrMap::new();
    let first = map.insert(0, 1, a, fast).unwrap();
    let mut later = map.clone();
    let second = later.insert(0, 2, b, slow).unwrap();
    let merged = all_ways([&map, &later, &OrMap::new()], &[first, second]);
    assert_eq!(merged.get(&0), Some(&2));

    let mut document = Document::new();
    let first = document.set("", 1_u64, a, fast).unwrap();
    let mut later = document.clone();
    let second = later.set("", 2_u64, b, slow).unwrap();
    let merged = all_ways([&document, &later, &Document::new()], &[first, second]);
    assert_eq!(merged.to_value(), Some(2_u64.into()));
}

#[test]
fn p10_a_stamp_from_the_future_is_merged_and_does_not_spread() {
    let [a, b, _] = abc();
    let now = at(5).within(Duration::from_secs(60));
    let mut ahead = Document::from_value(1_u64, a, at(100_000)).unwrap();
    let mut peer = Document::new();
    peer.merge(&ahead);
    assert_eq!(peer, ahead, "a merge refuses nobody");

    let delta = ahead.set("", 2_u64, b, now).unwrap();
    assert_eq!(delta.latest(), Some(at(60_005)), "no write of mine is stamped later than I allow");
    assert_eq!(ahead.latest(), Some(at(60_005)));
    peer.apply_owned(delta);
    assert_eq!(peer.get(""), Some(2_u64.into()), "what was seen is beaten by dots");
    assert_eq!(peer, ahead);
}

/// One id, two writers: what differs is only where the item stands, and they agree all the same.
#[test]
fn p07_two_places_under_one_dot_are_told_apart() {
    let [us, _, _] = abc();
    let base = Document::from_value(vec!["a", "b", "c"], us, at(1)).unwrap();
    let (mut one, mut other) = (base.clone(), base);
    one.insert("/0", "n", us, at(2)).unwrap();
    other.insert("/3", "n", us, at(2)).unwrap();
    assert_ne!(one, other);
    let both = joined(&one, &other);
    assert_eq!(both, joined(&other, &one));
    assert_eq!(both.to_string(), joined(&other, &one).to_string());
    assert!(both == one || both == other);
}

/// Two processes of one region write to one row, each with a copy in memory. The row is taken by the
/// other: an edit in place is on the copy all the same, and repeating it there removes what the other
/// has committed under that number. A draft leaves no trace.
#[test]
fn p37_an_edit_that_was_not_stored_is_not_on_the_copy() {
    let [us, eu, _] = abc();
    let base = Value::from_iter([("status", "active"), ("title", "Booking")]);
    let row = Document::from_value(base, us, at(1)).unwrap();
    let peer = Document::default();

    let after = |is_draft: bool| {
        let (mut copy, mut row, mut peer) = (row.clone(), row.clone(), peer.clone());
        peer.merge(&row);
        let title = |copy: &mut Document, title: &str| {
            let mut edit = copy.edit(us, at(3));
            edit.set("/title", title).unwrap();
            if is_draft { edit.draft() } else { edit.commit() }
        };
        let lost = title(&mut copy, "Booking Help");
        assert_eq!(copy.get("/title") == Some("Booking".into()), is_draft);
        drop(lost);
        // The other process was faster: this is stored, and told to everybody.
        let committed = row.set("/status", "resolved", us, at(2)).unwrap();
        peer.apply(&committed);
        // So the edit is repeated on the copy, brought up to date, and now it is stored.
        copy.merge(&row);
        let repeated = title(&mut copy, "Booking Assistance");
        copy.apply(&repeated);
        row.apply(&repeated);
        peer.apply(&repeated);
        peer.set("/seen", true, eu, at(4)).unwrap();
        peer.get("/status")
    };
    assert_eq!(after(false), None, "what was committed vanished everywhere");
    assert_eq!(after(true), Some("resolved".into()));

    // The same with a set.
    let after = |is_draft: bool| {
        let mut row = OrSet::new();
        row.insert("ana", us).unwrap();
        let (mut copy, mut peer) = (row.clone(), row.clone());
        let insert = |copy: &mut OrSet<&'static str>| copy.insert("zoe", us).unwrap();
        drop(if is_draft { copy.draft(insert) } else { insert(&mut copy) });
        peer.apply(&row.insert("committed", us).unwrap());
        copy.merge(&row);
        let repeated = if is_draft { copy.draft(insert) } else { insert(&mut copy) };
        peer.apply(&repeated);
        peer.contains("committed")
    };
    assert_eq!([after(false), after(true)], [false, true]);
}

/// An edit that meets a frozen field.
type Thaw = fn(&mut Document, ReplicaId, Now) -> Result<DocumentDelta, DocumentError>;

/// Each kind of them, and what is read there then.
fn thaws() -> [(&'static str, Thaw, Option<Value>); 9] {
    [
        ("set", |it, id, now| it.set("/n", 7_u64, id, now), Some(7_u64.into())),
        ("remove", |it, id, now| it.remove("/n", id, now), None),
        ("reset", |it, id, now| it.reset("/n", id, now), Some(0_u64.into())),
        ("increment", |it, id, now| it.increment("/n", 2, id, now), Some(3_u64.into())),
        ("decrement", |it, id, now| it.decrement("/n", 1, id, now), Some(0_u64.into())),
        ("resolve", |it, id, now| it.resolve("/n", 9_u64, id, now), Some(9_u64.into())),
        (
            "update",
            |it, id, now| it.update(Value::from_iter([("n", 4_u64), ("m", 5)]), id, now),
            Some(4_u64.into()),
        ),
        (
            "set of all",
            |it, id, now| it.set("", Value::from_iter([("n", 4_u64), ("m", 5)]), id, now),
            Some(4_u64.into()),
        ),
        (
            "another kind",
            |it, id, now| it.set("/n", Value::from(vec![1_u64]), id, now),
            Some(Value::from(vec![1_u64])),
        ),
    ]
}

#[test]
fn p36_a_frozen_field_is_overwritten_by_whoever_has_seen_it() {
    let [a, b, c] = abc();
    let end = at(u64::MAX);
    let root = Value::from_iter([("n", Value::from(0_u64)), ("m", 0_u64.into())]);
    let start = Document::from_value(root, b, at(1)).unwrap();
    // Frozen on two sides, by ids below and above the one that writes then.
    let (mut low, mut high) = (start.clone(), start.clone());
    low.set("/n", 8_u64, a, end).unwrap();
    high.set("/n", 1_u64, c, end).unwrap();
    low.merge(&high);
    let frozen = low.delta_since(&Document::new().version());
    for now in [
        at(5).into(),
        at(5).within(Duration::from_millis(10)),
        at(5).within(Duration::from_millis(0)),
        end.into(),
        end.within(Duration::from_millis(10)),
    ] {
        for (name, edit, read) in thaws() {
            let mut document = low.clone();
            let delta = edit(&mut document, b, now).unwrap();
            assert_eq!(document.get("/n"), read, "{name}, {now:?}");
            let merged = all_ways([&low, &document, &start], &[frozen.clone(), delta]);
            assert_eq!(merged, document, "{name}, {now:?}");
            if name != "increment" && name != "decrement" {
                assert_eq!(document.conflicts(), [], "{name}");
            }
            // Nothing beside it is held up.
            let delta =
                document.set("/m", 6_u64, b, at(5).within(Duration::from_millis(10))).unwrap();
            assert!(delta.latest() <= Some(at(15)));
        }
    }

    let mut map: OrMap<u8, u8> = OrMap::new();
    let frozen = map.insert(0, 1, c, end).unwrap();
    let first = map.clone();
    let delta = map.insert(0, 2, a, at(5)).unwrap();
    assert_eq!(all_ways([&first, &map, &OrMap::new()], &[frozen, delta]).get(&0), Some(&2));
    map.insert(1, 3, a, at(5)).unwrap();
    assert_eq!(map.siblings(&1).next().unwrap().0.time, at(5));

    for now in [
        at(5).into(),
        at(5).within(Duration::from_millis(10)),
        end.into(),
        end.within(Duration::from_millis(10)),
    ] {
        let mut register = LwwRegister::new();
        let first = register.set(1, c, end).unwrap();
        let second = register.set(2, a, now).unwrap();
        let third = register.set(3, a, at(6)).unwrap();
        let deltas = [first.clone(), second.clone()];
        assert_eq!(all_ways([&first, &second, &LwwRegister::new()], &deltas).get(), Some(&2));
        let deltas = [third.clone(), first.clone(), second.clone()];
        assert_eq!(all_ways([&third, &first, &second], &deltas).get(), Some(&3));
    }
}

/// Whoever forges epochs as well can use them up: that is an error, and no panic.
#[test]
fn p36_the_last_epoch_of_a_register_is_the_end() {
    let [a, ..] = abc();
    let forged = format!(
        r#"{{"epoch": {}, "written": {{"time": {}, "replica": "c"}}, "value": 1}}"#,
        u64::MAX - 1,
        u64::MAX
    );
    let mut register: LwwRegister<u8> = serde_json::from_str(&forged).unwrap();
    let before = register.clone();
    let error = register.set(2, a, at(5)).unwrap_err();
    assert!(error.is_stamp_overflow() && error.to_string().contains("must be forged"), "{error}");
    assert!(!error.is_counter_overflow());
    assert_eq!(register, before);
    let past = forged.replace(&(u64::MAX - 1).to_string(), &u64::MAX.to_string());
    assert!(serde_json::from_str::<LwwRegister<u8>>(&past).is_err());
}

#[test]
fn p11_sums_near_the_end_are_an_error_and_not_a_panic() {
    let [a, b, _] = abc();
    let mut counter = PnCounter::new();
    counter.increment(u64::MAX, a).unwrap();
    counter.decrement(u64::MAX, b).unwrap();
    let before = counter.clone();
    assert_eq!(counter.increment(1, a).unwrap_err().replica(), Some(a));
    assert_eq!(counter.decrement(1, b).unwrap_err().replica(), Some(b));
    assert_eq!((counter.value(), &counter), (0, &before));
    counter.increment(u64::MAX, b).unwrap();
    assert_eq!(counter.value(), i128::from(u64::MAX));

    let mut many = GCounter::new();
    for id in 1..=100_u128 {
        many.increment(u64::MAX, id.into()).unwrap();
    }
    assert_eq!(many.value(), 100 * u128::from(u64::MAX));
}

/// B{email@7} ⊔ D@8 ⊔ A{email@5, name@10}, where D deleted the object that B and A edit.
#[test]
fn p12_what_is_read_is_not_decided_while_merging() {
    let [a, b, c] = abc();
    let user = Value::from_iter([("email", "old"), ("name", "old")]);
    let base = Document::from_value(Value::from_iter([("user", user)]), c, at(1)).unwrap();
    let mut on_b = base.clone();
    let mut deltas = vec![on_b.set("/user/email", "b", b, at(7)).unwrap()];
    let mut deleted = base.clone();
    deltas.push(deleted.remove("/user", c, at(8)).unwrap());
    let mut on_a = base.clone();
    deltas.push(on_a.set("/user/email", "a", a, at(5)).unwrap());
    deltas.push(on_a.set("/user/name", "a", a, at(10)).unwrap());
    deltas.push(base.delta_since(&Document::new().version()));
    let merged = all_ways([&on_b, &deleted, &on_a], &deltas);
    assert_eq!(merged.get("/user"), Some(Value::from_iter([("email", "b"), ("name", "a")])));

    // Deleted and created again, beside an edit of the old: only what is new or unseen is left.
    let mut again = deleted.clone();
    again.set("/user", Value::from_iter([("phone", "new")]), c, at(9)).unwrap();
    let merged = all_ways([&on_b, &again, &on_a], &[]);
    let fields = [("email", "b"), ("name", "a"), ("phone", "new")];
    assert_eq!(merged.get("/user"), Some(Value::from_iter(fields)));
}

#[test]
fn p13_a_map_of_registers_is_associative() {
    let [a, b, _] = abc();
    let key = "k".to_owned();
    let mut on_a: OrMap<String, u8> = OrMap::new();
    let mut deltas = vec![on_a.insert(key.clone(), 1, a, at(1)).unwrap()];
    deltas.push(on_a.remove("k", a).unwrap());
    let mut on_b = on_a.clone();
    deltas.push(on_b.insert(key.clone(), 3, b, at(2)).unwrap());
    let on_c = on_b.clone();
    deltas.push(on_b.insert(key, 5, b, at(3)).unwrap());
    let merged = all_ways([&on_a, &on_b, &on_c], &deltas);
    assert_eq!(merged.siblings("k").map(|it| *it.1).collect::<Vec<_>>(), [5]);
}

#[test]
fn p14_a_field_removed_while_the_other_side_updates_inside() {
    for recreated in [false, true] {
        let [a, b, c] = abc();
        let inside = Value::from_iter([("x", 1_u64)]);
        let base = Document::from_value(Value::from_iter([("f", inside)]), c, at(1)).unwrap();
        let mut on_a = base.clone();
        let mut deltas = vec![on_a.remove("/f", a, at(2)).unwrap()];
        if recreated {
            let empty = Value::Object(<_>::default());
            deltas.push(on_a.set("/f", empty, a, at(3)).unwrap());
        }
        let mut on_b = base.clone();
        deltas.push(on_b.set("/f/y", 2_u64, b, at(2)).unwrap());
        deltas.push(base.delta_since(&Document::new().version()));
        let merged = all_ways([&on_a, &on_b, &base], &deltas);
        assert_eq!(merged.get("/f"), Some(Value::from_iter([("y", 2_u64)])));
    }
}

#[test]
fn p15_each_field_of_one_edit_has_a_dot_of_its_own() {
    let [a, b, _] = abc();
    let content = Value::from_iter([("x", 1_u64), ("y", 1)]);
    let on_a = Document::from_value(content, a, at(1)).unwrap();
    let mut on_b = on_a.clone();
    let deltas =
        [on_a.delta_since(&Document::new().version()), on_b.remove("/x", b, at(2)).unwrap()];
    let merged = all_ways([&on_a, &on_b, &Document::new()], &deltas);
    assert_eq!(merged.to_value(), Some(Value::from_iter([("y", 1_u64)])));
}

#[test]
fn p16_the_same_import_on_two_sides_is_that_import_once() {
    let [a, b, c] = abc();
    let list = Value::Array(vec![1_u64.into(), Value::from_iter([("id", "m1")])]);
    let content = Value::from_iter([("title", "Booking".into()), ("messages", list)]);
    let import = |id| Document::from_value(content.clone(), id, at(1)).unwrap();
    let states = [a, b, c].map(import);
    let deltas = states.clone().map(|it| it.delta_since(&Document::new().version()));
    let merged = all_ways([&states[0], &states[1], &states[2]], &deltas);
    assert_eq!(merged.to_value(), Some(content));
    assert_eq!(merged.conflicts(), []);
}

/// One side counts to 5; another sets the number, in whatever way, and a third counts on.
#[test]
fn p11_whoever_sets_a_number_takes_the_increments_it_has_seen_and_no_others() {
    type Sets = fn(&mut Document, ReplicaId) -> Result<DocumentDelta, DocumentError>;
    let sets: [(Sets, i64); 6] = [
        (|it, id| it.reset("/o/n", id, at(9)), 0),
        (|it, id| it.set("/o/n", 20, id, at(9)), 20),
        (|it, id| it.set("/o", Value::from_iter([("n", 20)]), id, at(9)), 20),
        (
            |it, id| it.update(Value::from_iter([("o", Value::from_iter([("n", 20)]))]), id, at(9)),
            20,
        ),
        (
            |it, id| {
                it.set("", Value::from_iter([("o", Value::from_iter([("n", 20)]))]), id, at(9))
            },
            20,
        ),
        (
            |it, id| {
                let mut edit = it.edit(id, at(9));
                edit.increment("/o/n", 100)?.set("/o/n", Value::from_iter([("x", 1)]))?;
                edit.set("/o/n", 20)?;
                Ok(edit.commit())
            },
            20,
        ),
    ];
    let [a, b, c] = abc();
    for (set, start) in sets {
        let counted = Value::from_iter([("o", Value::from_iter([("n", 0)]))]);
        let mut base = Document::from_value(counted, c, at(1)).unwrap();
        for _ in 0..5 {
            base.increment("/o/n", 1, a, at(2)).unwrap();
        }
        let (mut counting, mut setting, mut other) = (base.clone(), base.clone(), base.clone());
        let plus = counting.increment("/o/n", 1, a, at(3)).unwrap();
        let minus = other.decrement("/o/n", 3, c, at(3)).unwrap();
        let set = set(&mut setting, b).unwrap();
        // A delta holds only what it did: what it was made on goes first.
        let deltas = [base.delta_since(&Document::new().version()), plus, set, minus];
        let merged = all_ways([&counting, &setting, &other], &deltas);
        assert_eq!(merged.get("/o/n"), Some((start + 1 - 3).into()));
    }
}

/// As above; what is set cannot be counted on, so both stand there.
#[test]
fn p11_a_text_or_an_object_in_place_of_a_number_takes_what_it_has_seen_too() {
    let [a, b, c] = abc();
    for value in [Value::from("a text"), Value::from_iter([("x", 1)])] {
        let mut base = Document::from_value(Value::from_iter([("n", 10)]), c, at(1)).unwrap();
        base.increment("/n", 5, a, at(2)).unwrap();
        let (mut counting, mut setting) = (base.clone(), base.clone());
        counting.increment("/n", 1, a, at(3)).unwrap();
        setting.set("/n", value.clone(), b, at(9)).unwrap();
        let mut merged = all_ways([&counting, &setting, &base], &[]);
        assert_eq!(merged.get("/n"), Some(value));
        assert_eq!(merged.conflicts()[0].losers[0].claim, Claim::Value(1.into()));
        counting.increment("/n", 1, a, at(4)).unwrap();
        merged.resolve("/n", 100, b, at(9)).unwrap();
        let merged = all_ways([&counting, &merged, &base], &[]);
        assert_eq!((merged.get("/n"), merged.conflicts().len()), (Some(101.into()), 0));
    }
}

/// Two sets have seen different parts of what was counted; what neither has seen remains.
#[test]
fn p11_two_resets_take_what_either_has_seen() {
    let [a, b, c] = abc();
    let mut counting = Document::from_value(Value::from_iter([("n", 10)]), c, at(1)).unwrap();
    let (mut early, mut late) = (counting.clone(), counting.clone());
    early.reset("/n", b, at(9)).unwrap();
    late.reset("/n", c, at(9)).unwrap();
    let merged = all_ways([&early, &late, &counting], &[]);
    assert_eq!((merged.get("/n"), merged.conflicts().len()), (Some(0.into()), 0), "and not -10");

    let deltas = [1, 2, 4, 8].map(|by| {
        let delta = counting.increment("/n", by, a, at(2)).unwrap();
        if by == 1 {
            early.merge(&counting);
            early.set("/n", 100, b, at(90)).unwrap();
        }
        if by == 4 {
            late.merge(&counting);
            late.set("/n", 200, c, at(9)).unwrap();
        }
        delta
    });
    let merged = all_ways([&early, &late, &counting], &[]);
    assert_eq!(merged.get("/n"), Some(108.into()));
    // Whoever sets it next has seen it all, and remembers it for the others.
    let mut third = joined(&early, &late);
    third.reset("/n", b, at(9)).unwrap();
    let mut merged = all_ways([&early, &third, &counting], &[]);
    assert_eq!(merged.get("/n"), Some(8.into()));
    for delta in deltas {
        assert!(!merged.apply_owned(delta), "old news");
    }
}

/// A deletion leaves nothing that could tell what it has seen: what is counted meanwhile survives
/// with all that its replica had counted before, and that is reported.
#[test]
fn p11_a_counter_deleted_while_it_is_counted_on_survives_as_it_is() {
    let [a, b, c] = abc();
    let mut base = Document::from_value(Value::from_iter([("n", 100)]), c, at(1)).unwrap();
    for _ in 0..5 {
        base.increment("/n", 1, a, at(2)).unwrap();
    }
    base.increment("/n", 7, b, at(2)).unwrap();
    let (mut counting, mut deleting) = (base.clone(), base.clone());
    let plus = counting.increment("/n", 1, a, at(3)).unwrap();
    let delete = deleting.remove("/n", c, at(9)).unwrap();
    let deltas = [base.delta_since(&Document::new().version()), plus, delete.clone()];
    let mut merged = all_ways([&counting, &deleting, &base], &deltas);
    assert_eq!(merged.get("/n"), Some(6.into()));
    let reports = [counting.clone().apply_reporting(&delete), deleting.merge_reporting(&counting)];
    for report in reports {
        let conflict = &report.conflicts()[0];
        assert_eq!(conflict.path, "/n");
        assert_eq!(conflict.losers[0].claim, Claim::Deletion);
        assert_eq!(conflict.winner.claim, Claim::Value(6.into()));
    }
    // It is a counter like any other; deleted by one who has seen it all, it is begun anew.
    merged.increment("/n", 1, b, at(4)).unwrap();
    assert_eq!(merged.get("/n"), Some(7.into()));
    merged.remove("/n", c, at(4)).unwrap();
    merged.increment("/n", 1, a, at(4)).unwrap();
    let merged = all_ways([&merged, &counting, &deleting], &[]);
    assert_eq!(merged.get("/n"), Some(1.into()));
}

#[test]
fn p11_a_sum_beyond_the_integers_is_an_error_here_and_the_last_of_them_after_a_merge() {
    let [a, b, c] = abc();
    let greatest = i64::MAX.unsigned_abs();
    let base = Document::from_value(Value::from_iter([("n", 0)]), a, at(1)).unwrap();
    let (mut ours, mut theirs) = (base.clone(), base);
    ours.increment("/n", greatest, a, at(2)).unwrap();
    let before = ours.clone();
    assert!(ours.increment("/n", 1, a, at(2)).is_err() && ours == before);
    theirs.increment("/n", greatest, b, at(2)).unwrap();
    let mut merged = all_ways([&ours, &theirs, &before], &[]);
    assert_eq!(merged.get("/n"), Some(i64::MAX.into()));
    assert!(merged.increment("/n", 1, a, at(3)).is_err());
    // Who counts on counts from what is read, and what another counts meanwhile still counts.
    let mut counted = merged.clone();
    counted.decrement("/n", 5, a, at(3)).unwrap();
    assert_eq!(counted.get("/n"), Some((i64::MAX - 5).into()));
    theirs.decrement("/n", 1, b, at(3)).unwrap();
    let mut met = all_ways([&counted, &theirs, &merged], &[]);
    assert_eq!(met.get("/n"), Some((i64::MAX - 6).into()));
    met.decrement("/n", 1, c, at(3)).unwrap();
    assert_eq!(met.get("/n"), Some((i64::MAX - 7).into()));
    merged.reset("/n", a, at(3)).unwrap();
    assert_eq!(merged.get("/n"), Some(0.into()));
}

/// From end to end of the integers, which no one sum of 64 bits holds.
#[test]
fn p11_one_replica_counts_from_the_least_integer_to_the_greatest() {
    let [a, b, c] = abc();
    let half = i64::MAX.unsigned_abs();
    let mut ours = Document::from_value(Value::from_iter([("n", i64::MIN)]), c, at(1)).unwrap();
    let mut theirs = ours.clone();
    for (by, reads) in [(half, -1), (half, i64::MAX - 1), (1, i64::MAX)] {
        ours.increment("/n", by, a, at(2)).unwrap();
        assert_eq!(ours.get("/n"), Some(reads.into()));
    }
    assert!(ours.increment("/n", 1, a, at(2)).is_err());
    theirs.increment("/n", 3, b, at(2)).unwrap();
    ours.decrement("/n", half, a, at(2)).unwrap();
    let merged = all_ways([&ours, &theirs, &ours], &[]);
    assert_eq!(merged.get("/n"), Some(3.into()));
}

/// Increments, in full a million, by three replicas that hear from each other; and what a reset remembers.
#[test]
fn p34_a_counter_is_as_large_as_its_replicas_are_many() {
    let ids = abc();
    let mut sides: [Document; 3] = Default::default();
    let start = Document::from_value(Value::from_iter([("n", 0)]), ids[0], at(1)).unwrap();
    sides.iter_mut().for_each(|side| _ = side.merge(&start));
    let increments = 1_000_000 / one_in(10);
    for round in 0..increments {
        let side = round % 3;
        let delta = sides[side].increment("/n", 1, ids[side], at(2)).unwrap();
        if round % 1_000 == 0 {
            assert!(bytes(&delta).len() < 60, "a delta of {} bytes", bytes(&delta).len());
            sides[(side + 1) % 3].apply_owned(delta);
        }
        if round % 10_000 == 0 {
            let from = sides[side].clone();
            sides[(side + 2) % 3].merge(&from);
        }
    }
    let mut merged = merged_all_ways([&sides[0], &sides[1], &sides[2]], &[]);
    assert_eq!(merged.get("/n"), Some((increments as u64).into()));
    let size = bytes(&merged).len();
    merged.reset("/n", ids[0], at(3)).unwrap();
    let reset = bytes(&merged).len();
    println!("{increments} increments: {size} bytes; {reset} once it was reset");
    assert!(size < 200 && reset < 200, "{size} and {reset} bytes");
    assert_eq!(merged.check_invariants(), Ok(()));
    for round in 0..1_000_u64 {
        merged.increment("/n", 1, ids[0], at(4)).unwrap();
        merged.set("/n", round, ids[1], at(4)).unwrap();
    }
    assert!(bytes(&merged).len() < 250, "{} bytes", bytes(&merged).len());
}

/// As many increments of one number as of many, which take as long, or so: far from the twenty
/// times that a square takes.
#[test]
fn p34_an_increment_costs_the_same_however_many_came_before() {
    const INCREMENTS: u64 = 40_000;
    if cpu_time().is_none() {
        println!("skipped: this system does not tell how long a thread has computed");
        return;
    }
    let time = |size: u64| {
        let start = cpu_time().unwrap_or_default().as_secs_f64();
        for _ in 0..INCREMENTS / size {
            let number = Value::from_iter([("n", 0)]);
            let mut document = Document::from_value(number, abc()[0], at(1)).unwrap();
            for round in 0..size {
                let by = abc()[usize::try_from(round % 3).unwrap()];
                document.increment("/n", 1, by, at(2)).unwrap();
                assert_eq!(document.get("/n"), Some((round + 1).into()));
            }
        }
        cpu_time().unwrap_or_default().as_secs_f64() - start
    };
    let (few, many) = (time(1_000), time(20_000));
    let ratio = many / few;
    let each = many / INCREMENTS as f64;
    println!(
        "{INCREMENTS} increments, 20,000 of each number: {each:.0} ns each, {ratio:.2} of the time of 1,000 of each"
    );
    assert!(ratio < 3.0, "{ratio}");
}

/// Two sides append in turns, and prepend in turns; and each types a run into one spot.
#[test]
fn p17_places_stay_short_and_runs_whole() {
    let [a, b, c] = abc();
    let list = Value::from_iter([("list", Value::Array(vec!["x".into(), "y".into()]))]);
    let base = Document::from_value(list, c, at(1)).unwrap();
    for (pointer, rounds) in [("/list/-", 10_000_u32), ("/list/0", 10_000)] {
        let mut document = base.clone();
        for round in 0..rounds {
            let writer = if round % 2 == 0 { a } else { b };
            let now = at(1_717_236_600_000 + 40_000 * u64::from(round));
            document.insert(pointer, round, writer, now).unwrap();
        }
        assert_eq!(longest_place(&document), 1, "level");
        // With its path, its value and both times.
        let each = wire::to_bytes(&document).len() / rounds as usize;
        assert!(each < 24, "{each} bytes an item at {pointer}");
        document.check_invariants().unwrap();
    }

    let (mut ours, mut theirs) = (base.clone(), base.clone());
    let mut deltas = vec![base.delta_since(&Document::new().version())];
    for number in 0..100_u32 {
        deltas.push(ours.insert(&format!("/list/{}", number + 1), number, a, at(2)).unwrap());
        deltas.push(theirs.insert("/list/1", 199 - number, b, at(2)).unwrap());
    }
    let merged = all_ways([&ours, &theirs, &base], &[]);
    let mut joined = DocumentDelta::default();
    deltas.iter().rev().for_each(|delta| _ = joined.merge(delta));
    let mut by_deltas = Document::new();
    by_deltas.apply_owned(joined);
    assert_eq!(by_deltas, merged);
    let runs = (0..200_u32).map(Value::from);
    let expected = [Value::from("x")].into_iter().chain(runs).chain([Value::from("y")]);
    assert_eq!(merged.get("/list"), Some(Value::Array(expected.collect())));
    assert_eq!(longest_place(&merged), 2, "one level for each run");
    let each = wire::to_bytes(&merged).len() / 200;
    assert!(each < 16, "{each} bytes an item");
}

/// In levels.
fn longest_place(document: &Document) -> usize {
    let json = serde_json::to_value(document).unwrap();
    let lanes = json["writes"].as_object().unwrap().values();
    let lanes = lanes.flat_map(|lane| lane["live"].as_array().unwrap());
    lanes.filter_map(|write| Some(depth(write[1]["place"].as_str()?))).max().unwrap()
}

/// Sums of floats depend on their order: only integers are counted on.
#[test]
fn p21_only_integers_are_counted_on() {
    let [a, ..] = abc();
    let mut document = Document::from_value(Value::from_iter([("n", 0.5)]), a, at(1)).unwrap();
    let before = document.clone();
    let error = document.increment("/n", 1, a, at(2)).unwrap_err();
    assert!(error.is_not_a_counter());
    assert_eq!(document, before);
}

/// A context that covers what its sender cannot have seen. In a pure merge it is believed: this
/// states the damage, which a session has to keep out.
#[test]
fn p18_a_poisoned_context_still_converges() {
    let [a, ..] = abc();
    let mut honest = OrSet::new();
    honest.extend(0..100_u8, a).unwrap();
    let poison = r#"{"a":{"seen":[[1,1000000]],"live":[]}}"#;
    let poison: OrSet<u8> = serde_json::from_str(poison).unwrap();
    let deltas = [&honest, &poison].map(|it| it.delta_since(&Version::default()));
    let merged = all_ways([&honest, &poison, &OrSet::new()], &deltas);
    assert!(merged.is_empty());
    let mut after = merged;
    after.insert(7, a).unwrap();
    assert!(after.contains(&7), "one that has merged it writes on past it");

    let end = format!(r#"{{"a":{{"seen":[[1,{}]],"live":[]}}}}"#, u64::MAX);
    let mut end: OrSet<u8> = serde_json::from_str(&end).unwrap();
    assert_eq!(end.insert(7, a).unwrap_err().replica(), Some(a));
    assert!(end.is_empty());
    end.check_invariants().unwrap();
}

/// Nothing here is ever pruned, and nothing has to be: a replica that is gone costs one entry,
/// or one interval, however much it did.
#[test]
fn p19_what_a_dead_replica_leaves_is_small() {
    let [a, b, c] = abc();
    let mut set = OrSet::new();
    for element in 0..10_000_u64 {
        set.insert(element, c).unwrap();
        set.remove(&element, c).unwrap();
    }
    assert_eq!(seen(&set).intervals(c).collect::<Vec<_>>(), [1..=20_000]);
    assert!(bytes(&set).len() < 32, "{} bytes", bytes(&set).len());

    // A removed element that a stale peer still holds does not come back.
    let mut stale = OrSet::new();
    let add = stale.insert(7_u64, c).unwrap();
    let mut current = stale.clone();
    let remove = current.remove(&7, a).unwrap();
    assert!(all_ways([&stale, &current, &OrSet::new()], &[add, remove]).is_empty());

    // 9 is never 42: pruned by hand on one side, a count comes back as it was, and not twice.
    let count = |counts: [(ReplicaId, u64); 3]| {
        let mut counter = GCounter::new();
        let deltas = counts.map(|(id, by)| counter.increment(by, id).unwrap());
        (counter, deltas)
    };
    let (whole, deltas) = count([(a, 2), (b, 3), (c, 4)]);
    let pruned: GCounter = serde_json::from_str(r#"{"a": 2, "b": 3}"#).unwrap();
    assert_eq!(all_ways([&whole, &pruned, &pruned], &deltas).value(), 9);
}

#[test]
fn p20_zero_is_absence() {
    let [a, b, _] = abc();
    let zero: VectorClock = [(a, 0), (b, 2)].into_iter().collect();
    let absent: VectorClock = [(b, 2)].into_iter().collect();
    assert_eq!(zero, absent);
    assert_eq!(zero.partial_cmp(&absent), Some(std::cmp::Ordering::Equal));
    assert_eq!(
        all_ways([&zero, &absent, &VectorClock::new()], std::slice::from_ref(&zero)),
        absent
    );
    let read: VectorClock = serde_json::from_str(r#"{"a": 0, "b": 2}"#).unwrap();
    assert_eq!(bytes(&read), bytes(&absent));
    let mut counter = PnCounter::new();
    counter.increment(0, a).unwrap();
    assert_eq!(counter, PnCounter::new());
}

/// Every cut of what was written, and every change of one byte in it: a value that is sound, or an
/// error. (More of this, at random, is in `replay`.)
#[test]
fn p22_hostile_bytes_are_a_sound_value_or_an_error() {
    fn hostile<T: Sent>(value: &T, check: fn(&T) -> Result<(), &'static str>) {
        let config = bincode::config::standard().with_limit::<65_536>();
        let binary = |data: &[u8]| bincode::serde::decode_from_slice::<T, _>(data, config);
        let text = |data: &[u8]| serde_json::from_slice::<T>(data);
        for written in [bytes(value), compact(value), json(value).into_bytes()] {
            for at in 0..written.len() {
                for byte in [0, 1, 2, 63, 64, 127, 128, 250, 251, 252, 253, 255, b'9', b'"', b'['] {
                    let mut forged = written.clone();
                    forged[at] = byte;
                    for data in [&forged[..], &written[..at], &forged[at..]] {
                        let read = allocation_counter::measure(|| {
                            wire::from_bytes(data).iter().for_each(|it| check(it).unwrap());
                            binary(data).into_iter().for_each(|it| check(&it.0).unwrap());
                            text(data).into_iter().for_each(|it| check(&it).unwrap());
                        });
                        assert!(read.bytes_max < 200_000, "{} bytes", read.bytes_max);
                    }
                }
            }
        }
    }
    let [a, b, _] = abc();
    let mut clock = VectorClock::new();
    clock.increment(a).unwrap();
    hostile(&clock, VectorClock::check_invariants);
    let mut counter = PnCounter::new();
    counter.increment(70_000, a).unwrap();
    counter.decrement(3, b).unwrap();
    hostile(&counter, PnCounter::check_invariants);
    let mut set = OrSet::new();
    set.extend(["x".to_owned(), "y".to_owned()], a).unwrap();
    let remove = set.remove("x", b).unwrap();
    hostile(&set, OrSet::check_invariants);
    hostile(&remove, SetDelta::check_invariants);
    let mut map: OrMap<String, u8> = OrMap::new();
    map.insert("k".to_owned(), 1, a, at(1)).unwrap();
    hostile(&map, OrMap::check_invariants);
    let list = Value::Array(vec![1_u64.into(), Value::from_iter([("id", "m1")])]);
    let content = Value::from_iter([("n", 1_u64.into()), ("list", list)]);
    let mut document = Document::from_value(content, a, at(1)).unwrap();
    document.increment("/n", 2, b, at(1)).unwrap();
    document.move_item("/list/0", 1, b, at(1)).unwrap();
    hostile(&document, Document::check_invariants);
    hostile(&document.remove("/list/0", a, at(3)).unwrap(), DocumentDelta::check_invariants);
}

#[test]
fn p23_a_delta_says_nothing_of_what_it_did_not_touch() {
    let [a, b, _] = abc();
    let mut set = OrSet::new();
    set.extend(0..10_u8, a).unwrap();
    let remove = set.remove(&3, b).unwrap();
    let context = |delta: &SetDelta<u8>| kernel::<u8>(delta).context().clone();
    let dot = |id, counter: u64| Dot::new(id, counter.try_into().unwrap());
    assert_eq!(context(&remove), CausalContext::from_iter([dot(a, 4), dot(b, 1)]));
    let mut peer = set.clone();
    let add = set.insert(42, a).unwrap();
    assert_eq!(context(&add), CausalContext::from_iter([dot(a, 11)]));
    let all = set.delta_since(&Version::default());
    let kept = peer.insert(3, b).unwrap();
    let merged = all_ways([&set, &peer, &OrSet::new()], &[all, remove, add, kept]);
    assert_eq!(elements(&merged), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 42]);
}

#[test]
fn p24_equal_states_are_written_alike_whatever_their_history() {
    let ids: Vec<ReplicaId> = (1..=9_u128).map(ReplicaId::from).collect();
    let deltas: Vec<_> =
        ids.iter().map(|&id| OrSet::new().insert("x".to_owned(), id).unwrap()).collect();
    let play = |order: &mut dyn Iterator<Item = &SetDelta<String>>| {
        let mut set = OrSet::new();
        order.for_each(|delta| _ = set.apply(delta));
        set
    };
    let (forward, backward) = (play(&mut deltas.iter()), play(&mut deltas.iter().rev()));
    assert_eq!(bytes(&forward), bytes(&backward));
    assert_eq!(serde_json::to_string(&forward).unwrap(), serde_json::to_string(&backward).unwrap());
    assert_eq!(forward.iter().collect::<Vec<_>>(), ["x"], "once, however many added it");
}

/// Ten thousand replicas that each wrote once: whole states in one pass, in either direction.
#[test]
fn p25_many_replicas_merge_in_one_pass() {
    let side = |start: u128| {
        let mut set = OrSet::new();
        let kernel = (start..start + 20_000).step_by(2).map(|id| (ReplicaId::from_u128(id), id));
        for (id, element) in kernel {
            set.insert(element, id).unwrap();
        }
        set
    };
    let (even, odd) = (side(0), side(1));
    let merged = joined(&even, &odd);
    assert_eq!(merged, joined(&odd, &even));
    assert_eq!(merged.len(), 20_000);
    merged.check_invariants().unwrap();
}

/// A region sends what it wrote, and is then replaced by a copy that lagged behind.
#[test]
fn p38_a_life_that_begins_on_a_lagging_copy_takes_nothing_from_the_one_before() {
    let us = replica("ap-southeast-1");
    let fail_over = |promoted: ReplicaId| {
        let mut primary = Document::new();
        primary.set("", Value::from_iter([("status", "open")]), us, at(1)).unwrap();
        let mut lagging = primary.clone();
        primary.set("/note", "draft", us, at(2)).unwrap();
        primary.set("/note", "final", us, at(3)).unwrap();
        primary.set("/status", "closed", us, at(4)).unwrap();
        let mut peer = primary;
        lagging.set("/owner", "ana", promoted, at(5)).unwrap();
        let tags = Value::from_iter([("a", 1_u64)]);
        lagging.set("/tags", tags, promoted, at(6)).unwrap();
        peer.merge(&lagging);
        lagging.merge(&peer);
        assert_eq!(lagging, peer, "they converge in any case");
        peer.to_json()
    };
    let all =
        serde_json::json!({"status": "closed", "note": "final", "owner": "ana", "tags": {"a": 1}});
    assert_eq!(fail_over(us.with_incarnation(1)), all);
    let lost = fail_over(us);
    let is_there = |field: &str| lost.get(field) == all.get(field);
    assert!(!is_there("owner") && !is_there("note"), "the old and the new are lost: {lost}");
}
