//! `update_from`: what one side changed in the JSON that it read, and what another changed in the
//! document meanwhile, by the path of each.

use crate::effort::count;
use proptest::{collection::vec, prelude::*, sample::select};
use rejoin::{
    Document, ReplicaId, Timestamp,
    document::{Overwritten, Rules, Value},
    laws::Invariants,
};
use std::collections::{BTreeMap, BTreeSet};

const NAMES: [&str; 3] = ["a", "b", "c"];

/// What may be changed independently of the rest: each is one value to a save.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Spot {
    /// A field of the object at `/o`.
    Field(&'static str),
    /// A field inside `/o/in`, an object that is always there.
    Inner(&'static str),
    /// The text of an item with a key.
    Text(&'static str),
    Atom,
    Count,
    /// Whether a member is in the set.
    Member(&'static str),
}

/// What stands at each spot; nothing at those that are missing.
type State = BTreeMap<Spot, Value>;

fn rules() -> Rules {
    let rules = Rules::new().set("/tags").unwrap().atomic("/pos").unwrap();
    rules.counter("/n").unwrap().ordered_by("/msgs", "id").unwrap()
}

fn spots() -> impl Strategy<Value = (Spot, Option<Value>)> {
    let name = || select(&NAMES[..]);
    let maybe = || prop_oneof![3 => (0..4_u64).prop_map(|it| Some(it.into())), 1 => Just(None)];
    let pos = || (0..3_u64, 0..2_u64).prop_map(|(x, y)| Some([x, y].into()));
    prop_oneof![
        3 => (name().prop_map(Spot::Field), maybe()),
        2 => (name().prop_map(Spot::Inner), maybe()),
        4 => (name().prop_map(Spot::Text), maybe()),
        1 => (Just(Spot::Atom), pos()),
        1 => (Just(Spot::Count), (-4..9_i64).prop_map(|it| Some(it.into()))),
        2 => (name().prop_map(Spot::Member), prop_oneof![Just(None), Just(Some(true.into()))]),
    ]
}

fn changed(mut state: State, changes: &[(Spot, Option<Value>)]) -> State {
    for (spot, value) in changes {
        match value {
            Some(value) => _ = state.insert(spot.clone(), value.clone()),
            None => _ = state.remove(spot),
        }
    }
    state
}

fn json(state: &State) -> Value {
    let at = |wanted: fn(&Spot) -> Option<&'static str>| {
        state.iter().filter_map(move |it| Some((wanted(it.0)?, it.1.clone())))
    };
    let inner: Value =
        at(|it| if let Spot::Inner(name) = it { Some(name) } else { None }).collect();
    let fields = at(|it| if let Spot::Field(name) = it { Some(name) } else { None });
    let object: Value = fields.chain([("in", inner)]).collect();
    let texts = at(|it| if let Spot::Text(name) = it { Some(name) } else { None });
    let message = |(id, text): (&str, Value)| Value::from_iter([("id", id.into()), ("text", text)]);
    let messages: Vec<Value> = texts.map(message).collect();
    let members = at(|it| if let Spot::Member(name) = it { Some(name) } else { None });
    let tags: Vec<&str> = members.map(|it| it.0).collect();
    let rest = at(|it| match it {
        Spot::Atom => Some("pos"),
        Spot::Count => Some("n"),
        _ => None,
    });
    let whole = [("o", object), ("msgs", messages.into()), ("tags", tags.into())];
    whole.into_iter().chain(rest).collect()
}

/// Where a spot is in a document, and what is there: a message as a whole where it comes or goes.
fn path(spot: &Spot) -> Option<String> {
    Some(match spot {
        Spot::Field(name) => format!("/o/{name}"),
        Spot::Inner(name) => format!("/o/in/{name}"),
        Spot::Atom => "/pos".into(),
        Spot::Text(_) | Spot::Count | Spot::Member(_) => return None,
    })
}

/// What must be read after the save, and which spots must be told: those that both have changed,
/// to different things.
fn expected(read: &State, theirs: &State, new: &State) -> (State, BTreeSet<Spot>) {
    let mut after = theirs.clone();
    let mut told = BTreeSet::new();
    for spot in read.keys().chain(theirs.keys()).chain(new.keys()) {
        let [was, stood, is] = [read, theirs, new].map(|it| it.get(spot));
        if was == is || stood == is {
            continue;
        }
        if let (Spot::Count, Some(was), Some(stood), Some(is)) = (spot, was, stood, is) {
            let [was, stood, is] = [was, stood, is].map(|it| it.as_i64().unwrap());
            after.insert(Spot::Count, (stood + is - was).into());
            continue;
        }
        match is {
            Some(is) => _ = after.insert(spot.clone(), is.clone()),
            None => _ = after.remove(spot),
        }
        if was != stood {
            told.insert(spot.clone());
        }
    }
    (after, told)
}

/// The counter is the exception to "stood == is": equal numbers were counted twice.
fn count_both(read: &State, theirs: &State, new: &State, after: &mut State) {
    let all = [read, theirs, new].map(|it| it.get(&Spot::Count).and_then(Value::as_i64));
    if let [Some(was), Some(stood), Some(is)] = all {
        after.insert(Spot::Count, (stood + is - was).into());
    }
}

fn save(document: &mut Document, read: &Value, new: &Value, now: u64) -> (Vec<Overwritten>, usize) {
    let us = ReplicaId::from_u128(1);
    let mut edit = document.edit(us, Timestamp::from_millis(now));
    let told = edit.update_from(read, new).unwrap();
    (told, edit.commit().write_count())
}

/// One that was told, without its path: `read`, `stood` and `written` say which it is.
fn whole(spot: &Spot, state: &State) -> Option<Value> {
    let value = state.get(spot)?.clone();
    Some(match spot {
        Spot::Text(id) => Value::from_iter([("id", Value::from(*id)), ("text", value)]),
        _ => value,
    })
}

fn check_told(told: &[Overwritten], spots: &BTreeSet<Spot>, [read, theirs, new]: [&State; 3]) {
    assert_eq!(told.len(), spots.len(), "{told:?} for {spots:?}");
    for spot in spots {
        let all = [read, theirs, new].map(|it| whole(spot, it));
        // Where the message stays, it is its text that was overwritten.
        let text = [read, theirs, new].map(|it| it.get(spot).cloned());
        let is_text = all[1].is_some() && all[2].is_some();
        let found = told.iter().any(|it| {
            let it_says = [&it.read, &it.stood, &it.written];
            let is_there = path(spot).is_none_or(|path| it.path == path);
            is_there && (it_says == all.each_ref() || is_text && it_says == text.each_ref())
        });
        assert!(found, "{spot:?} is not told in {told:?}");
    }
}

fn states() -> impl Strategy<Value = State> {
    vec(spots(), 0..8).prop_map(|changes| changed(State::new(), &changes))
}

#[test]
fn a_save_changes_what_its_caller_changed_and_tells_what_others_changed_too() {
    let config =
        ProptestConfig { cases: count(10_000), failure_persistence: None, ..<_>::default() };
    let strategy = (states(), vec(spots(), 0..5), vec(spots(), 0..5));
    proptest!(config, |((read, theirs, ours) in strategy)| {
        let (us, eu) = (ReplicaId::from_u128(1), ReplicaId::from_u128(2));
        let at = Timestamp::from_millis;
        let (stood, new) = (changed(read.clone(), &theirs), changed(read.clone(), &ours));
        let json_read = json(&read);
        let base = Document::from_value_with(rules(), &json_read, us, at(1)).unwrap();
        prop_assert_eq!(base.to_value(), Some(json_read.clone()));

        // Nobody else was there.
        let mut alone = base.clone();
        prop_assert_eq!(save(&mut alone, &json_read, &json(&new), 3).0, []);
        prop_assert_eq!(alone.to_value(), Some(json(&new)));
        let rested = save(&mut alone, &json(&new), &json(&new), 4);
        prop_assert_eq!(rested, (vec![], 0));

        let mut document = base.clone();
        document.update(json(&stood), eu, at(2)).unwrap();
        prop_assert_eq!(document.to_value(), Some(json(&stood)));
        let mut untouched = document.clone();
        prop_assert_eq!(save(&mut untouched, &json_read, &json_read, 3), (vec![], 0));
        let (told, _) = save(&mut document, &json_read, &json(&new), 3);
        document.check_invariants().unwrap();
        let (mut after, mut overwritten) = expected(&read, &stood, &new);
        count_both(&read, &stood, &new, &mut after);
        prop_assert_eq!(document.to_value(), Some(json(&after)));
        // Adding what was removed, or removing what was added, contends with nothing in a set.
        overwritten.retain(|it| !matches!(it, Spot::Member(_)));
        check_told(&told, &overwritten, [&read, &stood, &new]);
    });
}
