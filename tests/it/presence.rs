//! Who is online when nodes are cut off, die, come back and hear of each other by detours; each
//! fault that users of other presence trackers have reported, by name.

use crate::{at, encoded::through_bytes, replica};
use rejoin::{
    Delta, DeltaState, Known, Liveness, Merge, Presence, PresenceDelta, ReplicaId, Timestamp,
    laws::Invariants, wire,
};
use std::time::Duration;

type Here = Presence<u32, u8>;

const fn s(seconds: u64) -> Timestamp {
    at(seconds * 1_000)
}

fn nodes() -> [ReplicaId; 3] {
    ["n1", "n2", "n3"].map(replica)
}

/// The keys that are online by leases, with clocks that agree within two seconds.
fn online(presence: &Here, now_s: u64) -> Vec<u32> {
    let alive = Liveness::leases(s(now_s), Duration::from_secs(2));
    let mut keys = Vec::new();
    presence.online(&alive).for_each(|(_, key, _)| keys.push(*key));
    keys.sort_unstable();
    keys
}

/// A node with some entries, alive until then.
fn node(id: ReplicaId, keys: std::ops::Range<u32>, until_s: u64) -> Here {
    let mut presence = Here::new();
    presence.renew(id, s(until_s)).unwrap();
    presence.extend(keys.map(|key| (key, 1)), id).unwrap();
    presence
}

/// One asks for what it lacks.
fn ask(asks: &mut Here, answers: &Here) {
    let delta = answers.delta_since(&asks.version());
    asks.apply(&through_bytes(&delta));
    assert!(answers.delta_since(&asks.version()).is_empty());
}

/// Joins travel around a split, and leaves do not, as in
/// <https://github.com/phoenixframework/phoenix_pubsub/pull/111>.
#[test]
fn no_ghosts_after_a_split_that_joins_got_around() {
    let [n1, n2, n3] = nodes();
    let (mut first, mut second, mut third) =
        (node(n1, 0..0, 900), node(n2, 0..0, 900), node(n3, 10..13, 900));
    // 1 and 3 cannot reach each other; 2 reaches both.
    ask(&mut second, &third);
    ask(&mut first, &second);
    assert_eq!(online(&first, 20), [10, 11, 12]);
    // Now 2 is cut off, too, and those of 3 leave, each in its own way.
    let leaves = [third.leave(&10, n3).unwrap(), third.leave_all(n3).unwrap()];
    assert_eq!(online(&first, 30), [10, 11, 12], "nobody could tell it");
    // It heals: by deltas in the wrong order, by asking, or by a whole state; also by the one that
    // knows less.
    for way in 0..3 {
        let mut first = first.clone();
        match way {
            0 => leaves.iter().rev().for_each(|delta| _ = first.apply(delta)),
            1 => ask(&mut first, &third),
            _ => _ = first.merge(&third),
        }
        first.merge(&second);
        first.apply(&second.delta_since(&<_>::default()));
        assert_eq!(online(&first, 40), [0_u32; 0]);
    }
}

/// A node that was held for dead for good comes back, as in
/// <https://github.com/phoenixframework/phoenix_pubsub/pull/80>: nothing was thrown away.
#[test]
fn no_sessions_are_missing_after_a_long_absence() {
    let [n1, n2, _] = nodes();
    let (mut first, mut second) = (node(n1, 0..3, 900_000), node(n2, 10..13, 30));
    ask(&mut first, &second);
    let stored = first.clone();
    assert_eq!(online(&first, 20), [0, 1, 2, 10, 11, 12]);
    assert_eq!(online(&first, 90), [0, 1, 2]);
    assert_eq!(first, stored, "to think somebody dead changes nothing");
    // Days later the same life is heard of again. Its old sessions are still there, one left, one
    // joined, and its heartbeat is all that has to arrive for those that stayed.
    let heartbeat = second.renew(n2, s(500_030)).unwrap();
    assert!(first.apply(&heartbeat));
    assert_eq!(online(&first, 500_000), [0, 1, 2, 10, 11, 12]);
    second.leave(&10, n2).unwrap();
    second.join(13, 1, n2).unwrap();
    ask(&mut first, &second);
    assert_eq!(online(&first, 500_000), [0, 1, 2, 11, 12, 13]);
}

/// A node restarts on the other side of a split, as in
/// <https://github.com/phoenixframework/phoenix/issues/2306>.
#[test]
fn no_zombies_of_a_node_that_restarted() {
    let [n1, n2, n3] = nodes();
    let old = node(n2, 10..20, 900);
    let (mut first, mut third) = (node(n1, 0..1, 900), node(n3, 30..31, 900));
    first.merge(&old);
    third.merge(&old);
    let again = n2.with_incarnation(1);
    let mut second = node(again, 11..13, 900);
    let changes = first.merge_reporting(&second);
    assert_eq!((changes.joined.len(), changes.updated.len(), changes.left.len()), (0, 0, 8));
    assert!(changes.left.iter().all(|left| left.0 == n2), "of the former life");
    // What still says otherwise, on any way, changes nothing.
    let late = first.apply_reporting(&old.delta_since(&<_>::default()));
    assert!(late.is_empty());
    let late = first.merge_reporting(&third);
    assert_eq!(late.heard, [n3]);
    assert_eq!(online(&first, 20), [0, 11, 12, 30]);
    assert!(second.leave(&11, n2).unwrap_err().is_superseded());
}

/// A session that moves during a split is not at two nodes when it is over, and a user with two
/// devices is.
#[test]
fn no_doubles_after_a_split() {
    let [n1, n2, _] = nodes();
    let (mut first, mut second) = (node(n1, 7..9, 900), node(n2, 8..9, 900));
    first.merge(&second);
    second.merge(&first);
    first.leave(&7, n1).unwrap();
    second.join(7, 2, n2).unwrap();
    second.join(7, 3, n2).unwrap();
    let (mut here, mut there) = (first.clone(), second.clone());
    here.merge(&second);
    there.merge(&first);
    assert_eq!(here, there);
    assert_eq!(online(&here, 20), [7, 8, 8], "8 has two devices");
    assert_eq!(here.node(n2).and_then(|node| node.get(&7).copied()), Some(3));
}

/// Two nodes that both hold more than a few entries when they first meet, as in
/// <https://github.com/phoenixframework/phoenix_pubsub/issues/74>.
#[test]
fn nodes_that_meet_late_hear_all_of_each_other() {
    let [n1, n2, _] = nodes();
    for count in [1, 50, 51, 1_000] {
        let (mut first, mut second) = (node(n1, 0..count, 90), node(n2, count..2 * count, 90));
        ask(&mut first, &second);
        ask(&mut second, &first);
        assert_eq!(first, second);
        assert_eq!(online(&first, 20).len(), 2 * count as usize);
    }
}

/// Sessions that join, are updated and leave, thousands of times, as in
/// <https://github.com/phoenixframework/phoenix_pubsub/issues/175>: neither the list nor the state
/// grows, nor what is sent.
#[test]
fn nothing_grows_with_time_in_use() {
    let [n1, n2, _] = nodes();
    let (mut first, mut second) = (node(n1, 0..5, 900), node(n2, 0..0, 900));
    ask(&mut second, &first);
    for round in 0..500 {
        let key = 100 + round;
        let deltas = [
            first.join(key, 1, n1).unwrap(),
            first.update(&key, 2, n1).unwrap(),
            first.leave(&key, n1).unwrap(),
        ];
        deltas.iter().for_each(|delta| _ = second.apply(delta));
        assert!(deltas.iter().all(|delta| wire::to_bytes(delta).len() <= 40));
    }
    assert_eq!((first.stats().live, first.stats().intervals), (5, 1));
    assert_eq!((second.stats().live, second.stats().intervals), (5, 1));
    assert!(wire::to_bytes(&first).len() <= 70);
    for life in 1..50 {
        let again = n1.with_incarnation(life);
        second.apply(&first.extend((0..5).map(|key| (key, 1)), again).unwrap());
    }
    assert_eq!((second.stats().replicas, second.stats().live), (2, 5));
    assert_eq!(online(&second, 20), [0_u32; 0], "a new life has no lease");
}

/// Deltas that overtake each other, come twice, or not at all.
#[test]
fn a_leave_that_comes_first_keeps_the_entry_out() {
    let [n1, ..] = nodes();
    let mut ours = Here::new();
    let deltas =
        [ours.renew(n1, s(90)).unwrap(), ours.join(7, 1, n1).unwrap(), ours.leave(&7, n1).unwrap()];
    for order in [[2, 1, 0], [2, 0, 1], [1, 2, 0], [0, 2, 1]] {
        let mut theirs = Here::new();
        for at in order.into_iter().chain(order) {
            theirs.apply(&deltas[at]);
            theirs.check_invariants().unwrap();
        }
        assert_eq!(theirs, ours);
        assert_eq!(online(&theirs, 20), [0_u32; 0]);
        let joined = order.iter().fold(PresenceDelta::default(), |joined, at| {
            Delta::joined(joined, deltas[*at].clone())
        });
        assert_eq!(joined, ours.delta_since(&<_>::default()));
    }
}

/// The price of a gap: while the delta of an update is lost, the entry that only it replaced is read
/// again after the leave, until somebody is asked.
#[test]
fn a_gap_shows_what_only_the_lost_delta_replaced() {
    let [n1, ..] = nodes();
    let mut ours = Here::new();
    let mut theirs = Here::new();
    theirs.apply(&ours.renew(n1, s(90)).unwrap());
    theirs.apply(&ours.join(7, 1, n1).unwrap());
    let lost = ours.update(&7, 2, n1).unwrap();
    let later = ours.update(&7, 3, n1).unwrap();
    theirs.apply(&later);
    assert_eq!(theirs.node(n1).and_then(|node| node.get(&7).copied()), Some(3), "the last one");
    assert_eq!(online(&theirs, 20), [7], "once");
    theirs.apply(&ours.leave(&7, n1).unwrap());
    assert_eq!(online(&theirs, 20), [7], "of the first write");
    let mut late = theirs.clone();
    late.apply(&lost);
    ask(&mut theirs, &ours);
    assert_eq!((online(&late, 20), online(&theirs, 20)), (Vec::new(), Vec::new()));
}

/// Clocks that are an hour off hide no one where readers go by receipt, and news is what counts as
/// such.
#[test]
fn a_node_whose_clock_is_an_hour_off() {
    const HOUR: u64 = 3_600;
    let [n1, n2, _] = nodes();
    let now = 2 * HOUR;
    for (until, by_lease) in [(now - HOUR + 30, 0), (now + HOUR + 30, 3)] {
        let (theirs, mut ours) = (node(n2, 0..3, until), node(n1, 0..0, now + 30));
        let mut heard = Liveness::receipts(Duration::from_secs(30));
        let delta = theirs.delta_since(&ours.version());
        let changes = ours.apply_reporting(&delta);
        changes.heard.iter().for_each(|replica| heard.hear(*replica, s(7)));
        assert_eq!((online(&ours, now).len(), ours.online(&heard).count()), (by_lease, 3));
        assert!(ours.apply_reporting(&delta).is_empty(), "a repetition is no news");
        heard.set_now(s(37));
        assert_eq!(ours.online(&heard).count(), 0);
        assert_eq!(ours.online(&Liveness::members([n2])).count(), 3);
    }
}

/// An end is refused before anything is done, also where the write would have begun a life.
#[test]
fn writes_that_are_refused_change_nothing() {
    let [n1, ..] = nodes();
    let mut ours = Here::new();
    ours.join(7, 1, n1.with_incarnation(2)).unwrap();
    let before = ours.clone();
    let old = n1.with_incarnation(1);
    assert!(ours.join(8, 1, old).unwrap_err().is_superseded());
    assert!(ours.update(&7, 1, old).unwrap_err().is_superseded());
    assert!(ours.leave(&7, old).unwrap_err().is_superseded());
    assert!(ours.leave_all(old).unwrap_err().is_superseded());
    assert!(ours.renew(old, s(9)).unwrap_err().is_superseded());
    assert!(ours.extend([(1, 1)], old).unwrap_err().is_superseded());
    assert_eq!(ours, before);
    let last = u64::MAX.to_string();
    let used_up = format!(
        r#"{{"n1": {{"until": null, "entries": {{"n1": {{"seen": [[1, {last}]], "live": [[{last}, [7, 1]]]}}}}}}}}"#
    );
    let mut full: Here = serde_json::from_str(&used_up).unwrap();
    let before = full.clone();
    assert!(full.join(8, 1, n1).unwrap_err().is_counter_overflow());
    assert!(full.extend([(8, 1)], n1).unwrap_err().is_counter_overflow());
    assert!(full.leave(&7, n1).unwrap_err().is_counter_overflow());
    assert_eq!(full, before);
    full.renew(n1, s(9)).unwrap();
    full.leave(&7, n1.with_incarnation(1)).unwrap();
    assert_eq!((full.stats().live, full.stats().replicas), (0, 1), "a new life has room again");
}

/// A heartbeat of a thousand nodes in one message.
#[test]
fn heartbeats_are_small_and_join() {
    let mut all = PresenceDelta::default();
    let mut presence = Here::new();
    for number in 0..1_000_u64 {
        let id = replica(&format!("n{number}"));
        presence.extend((0..5).map(|key| (key, 1)), id).unwrap();
        let beat = presence.renew(id, s(1_717_236_600)).unwrap();
        assert!(wire::to_bytes(&beat).len() <= 40);
        all.merge(&beat);
    }
    // A byte and the name, six for the time and one for no entries.
    assert!(wire::to_bytes(&all).len() <= 1_000 * 12 + 10);
    let mut theirs = Here::new();
    theirs.apply(&all);
    assert_eq!((theirs.stats().replicas, theirs.stats().live), (1_000, 0));
    assert!(presence.version().covers(&theirs.version()));
}
