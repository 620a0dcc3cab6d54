//! What somebody who knows `std`, `indexmap` and `serde_json` writes first, without looking it up.
//! That this file compiles is most of the test. Documents have theirs in `surface.rs`.

use rejoin::{
    Delta, DeltaState, Document, EnableFlag, Error, FlagDelta, GCounter, LwwRegister, MapDelta,
    Merge, MvRegister, OrMap, OrSet, PnCounter, RegisterDelta, ReplicaId, SetDelta, Timestamp,
    VectorClock, map, set,
    wire::{self, Wire},
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    iter::FusedIterator,
    time::{Duration, SystemTime},
};

const US: ReplicaId = ReplicaId::named("us-east-1").unwrap();
const EU: ReplicaId = ReplicaId::named("eu-west-1").unwrap();
const NOW: Timestamp = Timestamp::from_millis(1_717_236_600_000);

#[test]
fn an_id_is_a_constant_a_key_and_a_text() -> Result<(), Error> {
    const TOO_LONG: Option<ReplicaId> = ReplicaId::named("a name of more than sixteen bytes");
    assert_eq!(TOO_LONG, None);
    assert_eq!("us-east-1".parse::<ReplicaId>()?, US);
    assert_eq!(US.to_string(), "us-east-1");
    assert_eq!(HashSet::from([US, EU, US]).len(), 2);
    assert!(EU < US);
    Ok(())
}

#[test]
fn a_time_comes_from_the_system_and_takes_durations() {
    let minute = Duration::from_secs(60);
    assert!(Timestamp::from(SystemTime::now()) > NOW);
    assert_eq!(Timestamp::from(SystemTime::UNIX_EPOCH), Timestamp::from_millis(0));
    assert_eq!(NOW.saturating_add(minute).as_millis(), NOW.as_millis() + 60_000);
    let mut map = OrMap::new();
    assert!(map.insert("theme", "dark", US, NOW.within(minute)).is_ok());
}

/// What every iterator of the crate can do.
fn is_like_std<I: Iterator + Clone + ExactSizeIterator + FusedIterator + core::fmt::Debug>(_: &I) {}

#[test]
fn a_set_is_used_like_a_hash_set() -> Result<(), Error> {
    let mut users: OrSet<String> = OrSet::new();
    users.insert("ana".into(), US)?;
    users.extend(["bo", "cy", "di"].map(String::from), US)?;
    users.remove("bo", US)?;
    users.remove_all(["cy", "nobody"], US)?;

    assert!(users.contains("ana") && !users.contains("cy") && !users.is_empty());
    assert_eq!(users.get("ana").map(String::as_str), Some("ana"));
    assert_eq!((users.len(), users.iter().len()), (2, 2));
    let mut seen = Vec::new();
    for user in &users {
        seen.push(user.as_str());
    }
    assert_eq!(seen, ["ana", "di"]);
    let named: set::Iter<'_, String> = users.iter();
    is_like_std(&named);
    assert_eq!(users.iter().collect::<HashSet<_>>().len(), 2);

    users.retain(|user| user == "ana", US)?;
    assert_eq!(users.len(), 1);
    users.clear(US)?;
    assert!(users.is_empty());
    Ok(())
}

#[test]
fn a_map_is_used_like_a_hash_map() -> Result<(), Error> {
    let mut themes: OrMap<String, u32> = OrMap::new();
    themes.insert("ana".into(), 1, US, NOW)?;
    themes.extend([("bo".into(), 2), ("cy".into(), 3)], US, NOW)?;
    assert_eq!(themes.get("bo"), Some(&2));
    assert!(themes.contains_key("cy"));
    assert_eq!(themes.keys().map(String::as_str).collect::<Vec<_>>(), ["ana", "bo", "cy"]);
    assert_eq!(themes.values().sum::<u32>(), 6);
    let (keys, values): (map::Keys<'_, String, u32>, map::Values<'_, String, u32>) =
        (themes.keys(), themes.values());
    is_like_std(&keys);
    is_like_std(&values);
    is_like_std(&themes.iter());
    let mut sum = 0;
    for (user, theme) in &themes {
        sum += theme + u32::from(user.is_empty());
    }
    assert_eq!((sum, themes.iter().len()), (6, 3));

    themes.retain(|_, theme| *theme > 1, US)?;
    themes.remove("bo", US)?;
    assert_eq!((themes.len(), themes.siblings("cy").count()), (1, 1));
    themes.clear(US)?;
    assert!(themes.is_empty());
    Ok(())
}

#[test]
fn removing_what_is_absent_writes_nothing() -> Result<(), Error> {
    let mut users = set_of(["ana"])?;
    let mut themes: OrMap<&str, u32> = OrMap::new();
    let mut document = Document::new();
    document.set("/title", "Booking", US, NOW)?;
    assert!(users.remove("nobody", US)?.is_empty());
    assert!(users.remove_all(["nobody", "no one"], US)?.is_empty());
    assert!(themes.remove("nobody", US)?.is_empty());
    assert!(EnableFlag::new().disable(US)?.is_empty());
    assert!(MvRegister::<u32>::new().clear(US)?.is_empty());
    assert!(document.remove("/no-such-field", US, NOW)?.is_empty());
    Ok(())
}

fn set_of<const N: usize>(elements: [&'static str; N]) -> Result<OrSet<&'static str>, Error> {
    let mut set = OrSet::new();
    set.extend(elements, US)?;
    Ok(set)
}

#[test]
fn counters_and_clocks_compare_and_come_from_parts() -> Result<(), Error> {
    let mut few = GCounter::new();
    few.increment(1, US)?;
    let mut more = few.clone();
    more.increment(1, EU)?;
    assert!(few < more);
    assert_eq!((few.get(US), more.get(EU), more.iter().len()), (1, 1, 2));
    assert!(few < more);
    let open = PnCounter::from_parts(more.clone(), few.clone());
    assert_eq!(open.value(), 1);
    assert!(PnCounter::new() < open);
    let clock: VectorClock = [(US, 1), (EU, 2)].into_iter().collect();
    assert!(VectorClock::new() < clock);
    Ok(())
}

/// One side asks, the other answers; all in bytes.
fn sync<T: DeltaState<Delta: Wire, Version: Wire>>(to: &mut T, from: &T) -> Result<bool, Error> {
    let question = wire::to_bytes(&to.version());
    let delta: T::Delta = from.delta_since(&wire::from_bytes(&question)?);
    let is_news = !delta.is_empty();
    let answer: T::Delta = wire::from_bytes(&wire::to_bytes(&delta))?;
    assert_eq!(to.apply(&answer), is_news);
    assert!(!to.apply_owned(answer), "a repeat changes nothing");
    Ok(is_news)
}

fn syncs<T>(edited: &T) -> Result<(), Error>
where
    T: DeltaState<Delta: Wire, Version: Wire> + Default + PartialEq + core::fmt::Debug,
{
    let mut elsewhere = T::default();
    assert!(sync(&mut elsewhere, edited)?);
    assert_eq!(&elsewhere, edited);
    assert!(!sync(&mut elsewhere, edited)?);
    Ok(())
}

#[test]
fn one_generic_loop_syncs_every_type_tuples_and_maps_of_them() -> Result<(), Error> {
    let mut counter = PnCounter::new();
    counter.decrement(2, US)?;
    let mut users = OrSet::new();
    users.insert("ana".to_string(), US)?;
    let mut themes: OrMap<String, u64> = OrMap::new();
    themes.insert("ana".into(), 1, US, NOW)?;
    let (mut flag, mut siblings, mut last) =
        (EnableFlag::new(), MvRegister::new(), LwwRegister::new());
    flag.enable(US)?;
    siblings.set(7_u64, US)?;
    last.set(7_u64, US, NOW)?;
    let mut document = Document::new();
    document.set("/title", "Booking", US, NOW)?;

    syncs(&counter)?;
    syncs(&users)?;
    syncs(&themes)?;
    syncs(&flag)?;
    syncs(&siblings)?;
    syncs(&last)?;
    syncs(&document)?;
    syncs(&(counter.clone(), users.clone()))?;
    syncs(&Some(counter.clone()))?;
    syncs(&BTreeMap::from([("ana".to_string(), (counter.clone(), document))]))?;

    let by_user = HashMap::from([("ana", counter)]);
    let mut elsewhere: HashMap<&str, PnCounter> = HashMap::new();
    assert!(elsewhere.apply(&by_user.delta_since(&elsewhere.version())));
    assert_eq!(elsewhere, by_user);
    Ok(())
}

#[test]
fn deltas_are_values_that_merge_and_tell_what_they_bring() -> Result<(), Error> {
    let mut users = OrSet::new();
    let mut batch: SetDelta<&str> = SetDelta::default();
    assert!(batch.is_empty());
    batch.merge(&users.insert("ana", US)?);
    batch.merge(&users.insert("bo", US)?);
    assert_eq!(batch.added().collect::<Vec<_>>(), [&"ana", &"bo"]);

    let mut themes = OrMap::new();
    let put: MapDelta<&str, u32> = themes.insert("ana", 1, US, NOW)?;
    assert_eq!(put.latest(), Some(NOW));
    let on: FlagDelta = EnableFlag::new().enable(US)?;
    let set: RegisterDelta<u32> = MvRegister::new().set(1, US)?;
    assert!(!on.is_empty() && !set.is_empty());
    Ok(())
}

#[test]
fn a_merge_tells_what_came_and_went() -> Result<(), Error> {
    let mut ours = set_of(["ana", "bo"])?;
    let mut theirs = ours.clone();
    theirs.remove("ana", EU)?;
    theirs.insert("cy", EU)?;
    let changes = ours.merge_reporting(&theirs);
    assert_eq!((changes.added, changes.removed), (vec!["cy"], vec!["ana"]));
    assert!(!ours.merge(&theirs), "a repeat is no event");

    let mut ours = OrMap::new();
    ours.extend([("ana", 1), ("bo", 2)], US, NOW)?;
    let mut theirs = ours.clone();
    theirs.remove("ana", EU)?;
    theirs.insert("bo", 3, EU, NOW)?;
    theirs.insert("cy", 4, EU, NOW)?;
    let changes = ours.merge_reporting(&theirs);
    assert_eq!(changes.inserted, [("cy", 4)]);
    assert_eq!(changes.changed, [("bo", 2, 3)]);
    assert_eq!(changes.removed, [("ana", 1)]);
    Ok(())
}
