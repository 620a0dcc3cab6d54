//! A map of sessions to when they end, beside a model that replays who saw what.

use crate::{at, effort::count, replica};
use proptest::{collection::vec, prelude::*, test_runner::TestRunner};
use rejoin::{Delta, DeltaState, MapDelta, Merge, OrMap, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

type Sessions = OrMap<u8, Timestamp>;

#[derive(Clone, Debug)]
enum Step {
    /// Opens or renews a session.
    Renew {
        at: usize,
        key: u8,
        until: u64,
    },
    Purge {
        at: usize,
    },
    Merge {
        from: usize,
        into: usize,
    },
    Deliver {
        delta: usize,
        into: usize,
    },
    Wait(u64),
}

/// What a lease is known by: its key and its end, by the number of the write.
#[derive(Clone, Default)]
struct Model {
    written: BTreeMap<usize, (u8, u64)>,
    gone: BTreeSet<usize>,
}

impl Model {
    fn alive(&self) -> impl Iterator<Item = (usize, (u8, u64))> + '_ {
        self.written.iter().filter(|it| !self.gone.contains(it.0)).map(|(at, it)| (*at, *it))
    }

    fn live_at(&self, now: u64) -> BTreeSet<u8> {
        self.alive().filter(|(_, (_, until))| *until > now).map(|(_, (key, _))| key).collect()
    }

    fn learn(&mut self, other: &Self) {
        self.written.extend(&other.written);
        self.gone.extend(&other.gone);
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let one = || 0..3_usize;
    vec(
        prop_oneof![
            5 => (one(), 0..3_u8, 0..40_u64).prop_map(|(at, key, until)| Step::Renew { at, key, until }),
            2 => one().prop_map(|at| Step::Purge { at }),
            2 => (one(), one()).prop_map(|(from, into)| Step::Merge { from, into }),
            5 => (0..9_usize, one()).prop_map(|(delta, into)| Step::Deliver { delta, into }),
            2 => (0..9_u64).prop_map(Step::Wait),
        ],
        1..40,
    )
}

fn play(steps: &[Step]) {
    let ids = ["a", "b", "c"].map(replica);
    let mut replicas: [(Sessions, Model); 3] = Default::default();
    let mut deltas: Vec<(MapDelta<u8, Timestamp>, Model)> = Vec::new();
    let mut now = 0;
    for step in steps {
        match *step {
            Step::Renew { at: place, key, until } => {
                let (map, model) = &mut replicas[place];
                let over: Vec<_> = model.alive().filter(|it| it.1.0 == key).collect();
                let mut told = Model::default();
                told.gone.extend(over.iter().map(|it| it.0));
                told.written.insert(deltas.len(), (key, now + until));
                let delta = map.insert(key, at(now + until), ids[place], at(now)).unwrap();
                model.learn(&told);
                deltas.push((delta, told));
            }
            Step::Purge { at: place } => {
                let (map, model) = &mut replicas[place];
                let mut told = Model::default();
                told.gone.extend(model.alive().filter(|it| it.1.1 <= now).map(|it| it.0));
                let delta = map.purge(at(now), ids[place]).unwrap();
                assert_eq!(delta.is_empty(), told.gone.is_empty());
                model.learn(&told);
                deltas.push((delta, told));
            }
            Step::Merge { from, into } => {
                let (map, model) = replicas[from].clone();
                replicas[into].0.merge(&map);
                replicas[into].1.learn(&model);
            }
            Step::Deliver { delta, into } => {
                let Some((delta, told)) = deltas.iter().rev().nth(delta) else { continue };
                replicas[into].0.apply(delta);
                replicas[into].1.learn(told);
            }
            Step::Wait(millis) => now += millis,
        }
        for (map, model) in &replicas {
            for when in [now.saturating_sub(5), now, now + 20] {
                let mut live = BTreeSet::new();
                map.live_at(at(when)).for_each(|key| assert!(live.insert(*key), "once"));
                assert_eq!(live, model.live_at(when));
            }
        }
    }
}

#[test]
fn leases_of_single_sessions() {
    let config = ProptestConfig {
        cases: count(5_000),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    TestRunner::new(config)
        .run(&steps(), |steps| {
            play(&steps);
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}

/// The clock of who renews last is behind: its shorter lease does not end a longer one.
#[test]
fn the_longer_of_two_concurrent_leases_counts() {
    let [us, eu] = ["us", "eu"].map(replica);
    let (mut ours, mut theirs) = (Sessions::new(), Sessions::new());
    ours.insert(7, at(60), us, at(10)).unwrap();
    theirs.insert(7, at(20), eu, at(15)).unwrap();
    ours.merge(&theirs);
    assert_eq!(ours.get(&7), Some(&at(20)), "the later write is what is read");
    assert_eq!(ours.live_at(at(30)).count(), 1);
    let delta = ours.purge(at(30), eu).unwrap();
    assert!(!Delta::is_empty(&delta));
    assert_eq!((ours.get(&7), ours.live_at(at(30)).count()), (Some(&at(60)), 1));
    assert!(ours.purge(at(30), eu).unwrap().is_empty(), "nothing is left to do");
}
