//! Logs of deltas beside the obvious one: a `Vec` of all deltas, folded from nothing.

use crate::{at, effort::count, encoded, replica};
use proptest::{collection::vec, prelude::*};
use rejoin::{
    Delta, DeltaState, Document, EnableFlag, GCounter, LwwRegister, Merge, MvRegister, OrMap,
    OrSet, PnCounter, ReplicaId, VectorClock,
    sync::{CatchUp, Log, LogError},
    wire::{self, Wire},
};
use serde::{Serialize, de::DeserializeOwned};
use std::{collections::BTreeMap, fmt::Debug};

/// What is logged: everything that the tests ask for.
trait Logged:
    DeltaState<Delta: Wire + Serialize + DeserializeOwned + PartialEq + Debug, Version: Debug>
    + Wire
    + Serialize
    + DeserializeOwned
    + Clone
    + Default
    + PartialEq
    + Debug
{
}
impl<T> Logged for T where
    T: DeltaState<Delta: Wire + Serialize + DeserializeOwned + PartialEq + Debug, Version: Debug>
        + Wire
        + Serialize
        + DeserializeOwned
        + Clone
        + Default
        + PartialEq
        + Debug
{
}

/// All deltas with their positions.
#[derive(Clone)]
struct Model<T: Logged>(Vec<(u64, T::Delta)>);

impl<T: Logged> Model<T> {
    fn state_at(&self, position: u64) -> T {
        let mut state = T::default();
        let until = self.0.iter().take_while(|it| it.0 <= position);
        until.for_each(|(_, delta)| _ = state.apply(delta));
        state
    }

    fn state(&self) -> T {
        self.state_at(u64::MAX)
    }

    fn last(&self) -> u64 {
        self.0.last().map_or(0, |it| it.0)
    }
}

/// Every state and every tail of a log that was never cut.
#[track_caller]
fn is_whole<T: Logged>(log: &Log<T>, model: &Model<T>) {
    assert_eq!(log.len(), model.0.len());
    assert_eq!(log.is_empty(), model.0.is_empty());
    assert_eq!(log.last(), model.0.last().map(|it| it.0));
    assert_eq!(log.first(), model.0.first().map(|it| it.0));
    assert!(log.iter().eq(model.0.iter().map(|(position, delta)| (*position, delta))));
    assert_eq!(log.state(), model.state());
    for position in model.0.iter().flat_map(|it| [it.0.saturating_sub(1), it.0, it.0 + 1]) {
        let then = log.state_at(position).unwrap();
        assert_eq!(then, model.state_at(position), "at {position}");
        brings_up(log, then, Some(position), model);
    }
    brings_up(log, T::default(), None, model);
}

/// What came since then makes the state of then that of now.
#[track_caller]
fn brings_up<T: Logged>(log: &Log<T>, mut then: T, position: Option<u64>, model: &Model<T>) {
    let (delta, reply, mut reader) =
        (log.since(position).unwrap(), log.catch_up(position), then.clone());
    assert_eq!(then.apply(&delta), then != reader || reader != model.state());
    assert_eq!(then, model.state(), "since {position:?}");
    let (tail, state) = (wire::to_bytes(&delta), wire::to_bytes(&log.state()));
    match reply {
        CatchUp::UpToDate => assert!(position >= log.last() && reader == model.state()),
        CatchUp::Tail(bytes) => {
            assert!(bytes == tail && tail.len() <= state.len());
            wire::apply_bytes(&mut reader, &bytes).unwrap();
        }
        CatchUp::Snapshot(bytes) => {
            assert!(bytes == state && state.len() < tail.len());
            wire::merge_bytes(&mut reader, &bytes).unwrap();
        }
    }
    assert_eq!(reader, model.state());
}

/// The last position up to which a replica at this version lacks nothing, by looking at each.
fn cursor<T: Logged>(model: &Model<T>, version: &T::Version) -> Option<u64> {
    let lacks = |position: u64| !model.state_at(position).delta_since(version).is_empty();
    let covered = model.0.iter().map(|it| it.0).take_while(|position| !lacks(*position));
    covered.last()
}

#[track_caller]
fn there_and_back<T: Logged>(log: &Log<T>) {
    let bytes = wire::to_bytes(log);
    let back: Log<T> = wire::from_bytes(&bytes).unwrap();
    assert_eq!(&back, log);
    assert_eq!(wire::to_bytes(&back), bytes);
    assert_eq!(&encoded::through_json(log), log);
    assert_eq!(&encoded::through_compact(log), log);
}

/// After a cut: what was kept is as before, and what was not is refused.
#[track_caller]
fn is_cut_to<T: Logged>(log: &Log<T>, model: &Model<T>, kept: &[u64], from: Option<u64>) {
    assert_eq!(log.state(), model.state());
    assert_eq!(log.last(), model.0.last().map(|it| it.0).or(from));
    for position in kept.iter().copied().filter(|position| Some(*position) >= from) {
        let then = log.state_at(position).unwrap();
        assert_eq!(then, model.state_at(position), "kept at {position}");
        brings_up(log, then, Some(position), model);
    }
    for position in 0..=model.last() + 1 {
        match log.state_at(position) {
            Ok(then) => assert_eq!(then, model.state_at(position), "at {position}"),
            Err(error) => {
                assert!(error.is_cut() && !error.is_out_of_order(), "{error}");
                assert_eq!(error.position(), position);
                assert!(!kept.contains(&position) || Some(position) < from);
            }
        }
        // A reader between two that are kept gets what it lacks, and maybe more.
        match log.since(position) {
            Ok(delta) => {
                let mut reader = model.state_at(position);
                reader.apply(&delta);
                assert_eq!(reader, model.state());
            }
            Err(error) => {
                assert!(error.is_cut() && Some(position) < log.first());
                let CatchUp::Snapshot(bytes) = log.catch_up(position) else {
                    panic!("{position} is behind the cut, and was not sent the state");
                };
                let mut reader = model.state_at(position);
                wire::merge_bytes(&mut reader, &bytes).unwrap();
                assert_eq!(reader, model.state());
            }
        }
    }
}

/// Deltas of three replicas that hear of each other now and then, in the order in which they came
/// here: not that in which they were written.
fn history<T: Logged>(
    edit: impl Fn(&mut T, ReplicaId, u8, u64) -> T::Delta,
    steps: &[(u8, u8, u8)],
) -> Vec<T::Delta> {
    let ids = ["us-east-1", "eu-west-1", "ap-south-1"].map(replica);
    let mut replicas = [T::default(), T::default(), T::default()];
    let mut deltas: Vec<T::Delta> = Vec::new();
    for (number, &(who, what, hears)) in steps.iter().enumerate() {
        let who = usize::from(who) % 3;
        if let Some(delta) = deltas.len().checked_sub(1 + usize::from(hears)).map(|at| &deltas[at])
        {
            replicas[who].apply(delta);
        }
        let delta = edit(&mut replicas[who], ids[who], what, number as u64);
        let place = deltas.len() - usize::from(hears % 3).min(deltas.len());
        deltas.insert(place, delta);
    }
    deltas
}

fn plays<T: Logged>(
    edit: impl Fn(&mut T, ReplicaId, u8, u64) -> T::Delta,
    steps: &[(u8, u8, u8)],
    gaps: &[u64],
    keeps: &[Vec<u64>],
) {
    let deltas = history(edit, steps);
    let (mut log, mut model, mut position) = (Log::<T>::new(), Model::<T>(Vec::new()), 0);
    for (delta, gap) in deltas.iter().zip(gaps.iter().cycle()) {
        position += gap;
        log.append(position, delta.clone()).unwrap();
        model.0.push((position, delta.clone()));
    }
    is_whole(&log, &model);
    there_and_back(&log);
    for (position, _) in &model.0 {
        let version = model.state_at(*position).version();
        assert_eq!(log.position_of(&version), cursor(&model, &version), "at {position}");
    }
    assert_eq!(log.position_of(&T::Version::default()), cursor(&model, &<_>::default()));

    let mut kept: Option<Vec<u64>> = None;
    for (round, keep) in keeps.iter().enumerate() {
        let keep: Vec<u64> = keep.iter().map(|it| it % (position + 2)).collect();
        // What was not kept once is gone, whether it is asked for again or not.
        let from = log.first().filter(|_| kept.is_some());
        let still = |it: &u64| log.state_at(*it).is_ok() || Some(*it) < from;
        let asked: Vec<u64> = keep.iter().copied().filter(still).collect();
        let (before, expected) = (log.clone(), log.cuttable(keep.iter().copied()));
        assert_eq!(log, before, "only asked");
        assert_eq!(log.cut(keep.iter().copied()), expected);
        assert!(log.cuttable(keep.iter().copied()).is_empty(), "twice is once");
        assert!(log.len() <= keep.len() + 1);
        is_cut_to(&log, &model, &asked, from);
        there_and_back(&log);
        let delta = deltas[round % deltas.len()].clone();
        position += 3;
        log.append(position, delta.clone()).unwrap();
        model.0.push((position, delta));
        is_cut_to(&log, &model, &asked, from);
        kept = Some(asked);
    }
}

fn steps() -> impl Strategy<Value = Vec<(u8, u8, u8)>> {
    vec((any::<u8>(), 0..8_u8, 0..6_u8), 1..40)
}

type Session = (PnCounter, Option<OrSet<u8>>, BTreeMap<u8, EnableFlag>);

fn session(it: &mut Session, id: ReplicaId, what: u8, _: u64) -> <Session as DeltaState>::Delta {
    let set = it.1.get_or_insert_default().insert(what, id).unwrap();
    let flag = it.2.entry(what % 2).or_default().enable(id).unwrap();
    (it.0.increment(1, id).unwrap(), Some(set), BTreeMap::from([(what % 2, flag)]))
}

fn set(it: &mut OrSet<u8>, id: ReplicaId, what: u8, _: u64) -> rejoin::SetDelta<u8> {
    if what < 5 { it.insert(what, id).unwrap() } else { it.remove(&(what - 5), id).unwrap() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: count(160), failure_persistence: None, ..<_>::default() })]

    #[test]
    fn logs_answer_as_vecs_of_all_deltas(
        steps in steps(),
        gaps in vec(1..4_u64, 1..8),
        keeps in vec(vec(any::<u64>(), 0..5), 0..4),
    ) {
        plays(set, &steps, &gaps, &keeps);
        plays(session, &steps, &gaps, &keeps);
        plays(|it: &mut GCounter, id, n, _| it.increment(n.into(), id).unwrap(), &steps, &gaps, &keeps);
        plays(|it: &mut VectorClock, id, _, _| it.increment(id).unwrap(), &steps, &gaps, &keeps);
        plays(|it: &mut MvRegister<u8>, id, n, _| it.set(n, id).unwrap(), &steps, &gaps, &keeps);
        plays(|it: &mut LwwRegister<u8>, id, n, now| it.set(n, id, at(now)).unwrap(), &steps, &gaps, &keeps);
        plays(
            |it: &mut OrMap<u8, u8>, id, n, now| it.insert(n / 2, n, id, at(now)).unwrap(),
            &steps, &gaps, &keeps,
        );
        let document = |it: &mut Document, id, n: u8, now| match n {
            0..4 => it.set(&format!("/f{n}"), u64::from(n), id, at(now)).unwrap(),
            4 => it.increment("/n", 1, id, at(now)).unwrap(),
            _ => it.set("/o", serde_json::json!({ "a": n, "l": [n, 2] }), id, at(now)).unwrap(),
        };
        plays(document, &steps, &gaps, &keeps);
    }

}

proptest! {
    #![proptest_config(ProptestConfig { cases: count(60), failure_persistence: None, ..<_>::default() })]

    /// Long enough for joins of joins of joins, in which most deltas are replaced.
    #[test]
    fn long_logs_too(
        steps in vec((any::<u8>(), 0..8_u8, 0..6_u8), 500..900),
        looks in vec(0..1_000_u64, 3),
        keep in vec(0..1_000_u64, 0..4),
    ) {
        let deltas = history(set, &steps);
        let (mut log, mut model) = (Log::<OrSet<u8>>::new(), Model(Vec::new()));
        for (position, delta) in deltas.into_iter().enumerate() {
            log.append(position as u64, delta.clone()).unwrap();
            model.0.push((position as u64, delta));
        }
        let mut state = OrSet::new();
        log.iter().for_each(|(_, delta)| _ = state.apply(delta));
        prop_assert_eq!(&log.state(), &state);
        for &look in &looks {
            let then = log.state_at(look).unwrap();
            prop_assert_eq!(&then, &model.state_at(look));
            prop_assert_eq!(log.position_of(&then.version()), cursor(&model, &then.version()));
            brings_up(&log, then, Some(look), &model);
        }
        log.cut(keep.iter().copied());
        for &look in &keep {
            let then = log.state_at(look).unwrap();
            prop_assert_eq!(&then, &model.state_at(look));
            brings_up(&log, then, Some(look), &model);
        }
        there_and_back(&log);
    }
}

fn counted(positions: impl IntoIterator<Item = u64>) -> Log<GCounter> {
    let (mut counter, mut log) = (GCounter::new(), Log::new());
    for position in positions {
        log.append(position, counter.increment(1, replica("us-east-1")).unwrap()).unwrap();
    }
    log
}

#[test]
fn what_is_out_of_order_is_refused_and_changes_nothing() {
    let mut log = counted([3, 7, 8]);
    let before = log.clone();
    for position in [0, 3, 5, 7, 8] {
        let error: LogError = log.append(position, GCounter::new()).unwrap_err();
        assert!(error.is_out_of_order() && !error.is_cut());
        assert_eq!(error.position(), position);
        assert_eq!(
            error.to_string(),
            format!(
                "position {position} is not after 8, the last of the log: append what was committed \
                 in the order of its positions"
            )
        );
        assert_eq!(log, before);
    }
    log.append(u64::MAX, GCounter::new()).unwrap();
    assert!(log.append(u64::MAX, GCounter::new()).unwrap_err().is_out_of_order());
    // Nor before where the log starts.
    let mut log = Log::starting_at(7, GCounter::new());
    assert!(log.append(7, GCounter::new()).unwrap_err().is_out_of_order());
    assert!(log.append(8, GCounter::new()).is_ok());
    // Nothing is before the first position, not even zero.
    assert_eq!(counted([0, 1]).state().value(), 2);
}

#[test]
fn a_reader_behind_a_cut_is_sent_the_state() {
    let mut log = counted(1..=100);
    assert_eq!(log.cut([90, 95]), [1..=90, 91..=95, 96..=100]);
    assert_eq!((log.first(), log.last(), log.len()), (Some(90), Some(100), 2));
    for behind in [Some(0), Some(89), None] {
        assert!(log.since(behind).unwrap_err().is_cut());
        let CatchUp::Snapshot(bytes) = log.catch_up(behind) else { panic!("no snapshot") };
        assert_eq!(wire::from_bytes::<GCounter>(&bytes).unwrap().value(), 100);
    }
    assert_eq!(log.since(90).unwrap().value(), 100);
    assert_eq!(log.catch_up(100), CatchUp::UpToDate);
    let error = log.state_at(89).unwrap_err();
    assert_eq!(
        error.to_string(),
        "position 89 was cut: the next that is kept is 90; a cut keeps the positions that it is given"
    );
    // It keeps nothing, and whoever keeps nothing lets everything go.
    assert_eq!(log.cut([12]), [91..=100]);
    assert_eq!((log.first(), log.len(), log.state().value()), (Some(100), 0, 100));
    assert_eq!(log.state_at(100).unwrap().value(), 100);
}

#[test]
fn a_promise_of_the_past_keeps_what_came_before_it() {
    let mut log = counted(1..=100);
    assert_eq!(log.cut([0, 50]), [1..=50, 51..=100], "nothing is at or before 0: it is kept so");
    assert_eq!(log.first(), Some(50));
    assert_eq!(log.state_at(0).unwrap().value(), 0);
    let mut log = counted([2, 4, 6, 8]);
    // Cursors need not be positions of deltas.
    assert_eq!(log.cut([5]), [2..=4, 6..=8]);
    assert_eq!([4, 5].map(|it| log.state_at(it).unwrap().value()), [2, 2]);
    assert!(log.state_at(6).unwrap_err().is_cut());
}

#[test]
fn the_smaller_of_tail_and_state_is_sent() {
    let us = replica("us-east-1");
    let (mut set, mut log) = (OrSet::<u64>::new(), Log::<OrSet<u64>>::new());
    // A hundred are open, and then only one is.
    for (position, element) in (0..100).enumerate() {
        log.append(position as u64, set.insert(element, us).unwrap()).unwrap();
    }
    assert!(matches!(log.catch_up(97), CatchUp::Tail(bytes) if bytes.len() < 60));
    for (position, element) in (0..98).enumerate() {
        log.append(100 + position as u64, set.remove(&element, us).unwrap()).unwrap();
    }
    let tail = wire::to_bytes(&log.since(None).unwrap()).len();
    let state = wire::to_bytes(&log.state()).len();
    let bytes = match log.catch_up(None) {
        CatchUp::Tail(bytes) | CatchUp::Snapshot(bytes) => bytes.len(),
        CatchUp::UpToDate => 0,
    };
    assert_eq!(bytes, tail.min(state));
    assert!(bytes < 100, "{bytes} bytes for two elements");
}

#[test]
fn a_log_takes_little_more_than_its_deltas() {
    let us = replica("us-east-1");
    let deltas = |edit: &dyn Fn(&mut Document, u64) -> rejoin::document::DocumentDelta| {
        let mut document = Document::new();
        (0..2_000).map(|n| edit(&mut document, n)).collect::<Vec<_>>()
    };
    let few = deltas(&|it, n| it.set(&format!("/f{}", n % 40), n, us, at(n)).unwrap());
    let grows = deltas(&|it, n| it.set(&format!("/f{n}"), n, us, at(n)).unwrap());
    for (deltas, most) in [(few, 1.6), (grows, 1.6)] {
        let mut log = Log::<Document>::new();
        for (position, delta) in deltas.iter().enumerate() {
            log.append(position as u64, delta.clone()).unwrap();
        }
        let memory = |copy: &dyn Fn()| allocation_counter::measure(copy).bytes_max;
        let all = memory(&|| drop(deltas.clone()));
        let log = memory(&|| drop(log.clone()));
        println!("{log} bytes for {all} of deltas");
        assert!((log as f64) < most * all as f64, "{log} bytes for {all} of deltas");
    }
}

#[test]
fn hostile_bytes_of_a_log_are_refused_or_sound() {
    let mut log = counted([1, 2, 5, 9, 12]);
    log.cut([2, 9]);
    let bytes = wire::to_bytes(&log);
    for len in 0..bytes.len() {
        assert!(wire::from_bytes::<Log<GCounter>>(&bytes[..len]).is_err());
    }
    assert!(wire::from_bytes::<Log<OrSet<u8>>>(&bytes).unwrap_err().is_wrong_type());
    let mut read = 0;
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut mutant = bytes.clone();
            mutant[at] ^= 1 << bit;
            let Ok(log) = wire::from_bytes::<Log<GCounter>>(&mutant) else { continue };
            read += 1;
            assert_eq!(wire::to_bytes(&log), mutant, "one spelling");
            let positions: Vec<u64> =
                log.first().into_iter().chain(log.iter().map(|it| it.0)).collect();
            assert!(positions.windows(2).all(|pair| pair[0] < pair[1]), "{positions:?}");
        }
    }
    assert!(read > 10, "{read} were sound");
    let refused = |deltas: &str| {
        let text = format!(r#"{{"from":5,"state":{{}},"deltas":{deltas}}}"#);
        serde_json::from_str::<Log<GCounter>>(&text)
            .map(|log| log.len())
            .map_err(|it| it.to_string())
    };
    assert_eq!(refused("[[6,6,{}],[7,9,{}]]"), Ok(2));
    for wrong in
        ["[[5,5,{}]]", "[[4,6,{}]]", "[[7,6,{}]]", "[[6,8,{}],[8,9,{}]]", "[[6,6,{}],[6,6,{}]]"]
    {
        let error = refused(wrong).unwrap_err();
        assert!(error.contains("the positions of a log are out of order"), "{wrong}: {error}");
    }
}

#[test]
fn a_log_that_starts_at_a_state_goes_on_from_it() {
    let (us, eu) = (replica("us-east-1"), replica("eu-west-1"));
    let mut set = OrSet::new();
    set.extend(0..10_u8, us).unwrap();
    let mut log = Log::starting_at(70, set.clone());
    assert_eq!((log.first(), log.last(), log.len()), (Some(70), Some(70), 0));
    log.append(80, set.remove(&3, eu).unwrap()).unwrap();
    assert_eq!(log.state(), set);
    assert!(log.state_at(79).unwrap().contains(&3));
    assert!(log.state_at(69).unwrap_err().is_cut());
    assert_eq!(log.position_of(&set.version()), Some(80));
    assert_eq!(log.position_of(&log.state_at(70).unwrap().version()), Some(70));
    assert_eq!(
        log.position_of(&OrSet::<u8>::new().version()),
        None,
        "it lacks where the log starts"
    );
    let mut other = OrSet::new();
    other.merge(&log.state());
    assert!(log.since(80).unwrap().is_empty() && other == set);
}
