//! What a delta or a state would do, asked before it is let in: the same report, and nothing is done.

use crate::{
    at,
    encoded::through_bytes,
    replica,
    tried::{tried_delta, tried_merge},
};
use rejoin::{
    DeltaState, Document, Merge, ReplicaId,
    document::{DocumentDelta, Rules, Value},
};
use serde_json::{Value as Json, json};

fn ids() -> [ReplicaId; 3] {
    ["us-east-1", "eu-west-1", "ap-south-1"].map(replica)
}

fn base(json: Json) -> Document {
    let keys = Rules::new().keyed("/messages", "id").unwrap();
    Document::from_json_with(keys, &json, replica("base"), at(1)).unwrap()
}

fn conversation() -> Document {
    base(json!({
        "title": "Booking",
        "unread": 3,
        "messages": [{"id": "m1", "text": "Hello"}, {"id": "m2", "text": "Hi"}, {"id": "m3"}],
        "tags": ["a", "b", "c"],
        "details": {"room": {"beds": 2}, "guest": "Ana"},
    }))
}

#[test]
fn each_kind_of_change_is_foreseen() {
    let [us, eu, _] = ids();
    let start = conversation();
    let edits: [fn(&mut Document, ReplicaId) -> DocumentDelta; 9] = [
        |it, id| it.set("/title", "Booking Help", id, at(2)).unwrap(),
        |it, id| it.set("/new", "x", id, at(2)).unwrap(),
        |it, id| it.remove("/details", id, at(2)).unwrap(),
        |it, id| it.remove("", id, at(2)).unwrap(),
        |it, id| it.set("/details", 7, id, at(2)).unwrap(),
        |it, id| it.move_item("/messages/2", 0, id, at(2)).unwrap(),
        |it, id| it.insert("/tags/1", "new", id, at(2)).unwrap(),
        |it, id| it.increment("/unread", 4, id, at(2)).unwrap(),
        |it, id| it.reset("/unread", id, at(2)).unwrap(),
    ];
    for ours in edits {
        for theirs in edits {
            let (mut here, mut there) = (start.clone(), start.clone());
            ours(&mut here, us);
            let delta = theirs(&mut there, eu);
            assert!(tried_delta(&start, &delta).changed());
            assert!(tried_delta(&here, &delta).changed());
            assert!(tried_merge(&here, &there).changed());
            tried_delta(&here, &there.delta_since(&here.version()));
            tried_delta(&Document::new(), &delta);
            tried_merge(&Document::new(), &there);
        }
    }
}

#[test]
fn whoever_is_tried_out_first_goes_on_as_before() {
    let [us, eu, ap] = ids();
    let mut ours = conversation();
    ours.set("/title", "Ours", us, at(2)).unwrap();
    // Deltas of our own id, of one that is unknown here, and with gaps between them.
    let mut theirs = ours.clone();
    let mut deltas = DocumentDelta::default();
    for (number, id) in [us, eu, ap, us, eu, us].into_iter().enumerate() {
        let delta = theirs.set("/details/room/beds", number as u64, id, at(3)).unwrap();
        if number % 2 == 1 {
            deltas.merge(&delta);
        }
    }
    let mut unasked = ours.clone();
    assert!(ours.preview(&deltas).changed());
    for id in [us, eu, ap] {
        let delta = ours.push("/tags", "next", id, at(4)).unwrap();
        assert_eq!(delta, unasked.push("/tags", "next", id, at(4)).unwrap());
    }
    assert_eq!(ours, unasked);
}

/// The greater write stays, and a preview of either puts back what was there.
#[test]
fn two_writes_under_one_dot_are_taken_back_too() {
    let [us, eu, _] = ids();
    for len in [1, 9] {
        let write = |value: &str| {
            let mut document = conversation();
            for field in 0..len {
                document.set(&format!("/f{field}"), value, us, at(2)).unwrap();
            }
            document
        };
        let (lesser, greater, elsewhere) = (write("a"), write("b"), {
            let mut document = conversation();
            (0..len).for_each(|_| _ = document.push("/tags", "x", us, at(2)).unwrap());
            document
        });
        let all = [lesser, greater, elsewhere];
        for ours in &all {
            for theirs in &all {
                tried_merge(ours, theirs);
                let whole = theirs.delta_since(&Document::new().version());
                tried_delta(ours, &whole);
                let mut further = theirs.clone();
                let next = further.set("/f0", "c", eu, at(3)).unwrap();
                tried_delta(ours, &next);
            }
        }
        assert!(tried_merge(&all[0], &all[1]).changed());
        assert!(!tried_merge(&all[1], &all[0]).changed());
    }
}

/// More than a block, more than one replica, and holes that the delta fills.
#[test]
fn large_changes_are_taken_back() {
    let [us, eu, ap] = ids();
    let start = conversation();
    let (mut theirs, mut deltas) = (start.clone(), Vec::new());
    for number in 0..300_u64 {
        let id = [us, eu, ap][usize::try_from(number % 3).unwrap()];
        deltas.push(match number % 7 {
            0 => theirs.push("/tags", number, id, at(number)).unwrap(),
            1 => theirs.remove("/tags/0", id, at(number)).unwrap(),
            2 => theirs.increment("/unread", 1, id, at(number)).unwrap(),
            _ => theirs.set(&format!("/f{}", number % 90), number, id, at(number)).unwrap(),
        });
    }
    for step in [1, 2, 5] {
        let mut ours = start.clone();
        deltas.iter().step_by(step).for_each(|delta| _ = ours.apply(delta));
        tried_merge(&ours, &theirs);
        tried_merge(&theirs, &ours);
        tried_delta(&ours, &theirs.delta_since(&ours.version()));
        for delta in deltas.iter().skip(1).step_by(17) {
            tried_delta(&ours, delta);
        }
        let mut joined = DocumentDelta::default();
        deltas.iter().skip(1).step_by(2).for_each(|delta| _ = joined.merge(delta));
        tried_delta(&ours, &through_bytes(&joined));
    }
}

#[test]
fn what_was_tried_out_leaves_nothing_behind() {
    let [us, _, _] = ids();
    let mut ours = conversation();
    let deltas: Vec<_> = (0..600_u64)
        .map(|number| {
            let value = Value::from_iter([("text", number)]);
            conversation().set(&format!("/f{number}"), [value], us, at(2)).unwrap()
        })
        .collect();
    ours.preview(&deltas[0]);
    let kept = allocation_counter::measure(|| {
        for delta in &deltas {
            assert!(ours.preview(delta).changed());
        }
    });
    assert!(kept.bytes_current < 4_096, "{} bytes", kept.bytes_current);
}
