//! Random histories: replicas that share a past, edit, merge in part, lose, repeat and reorder
//! deltas, restart from bytes, fork, and are restored from backups.

use crate::{
    effort::count,
    world::{Step, Subject, World, check_laws},
};
use proptest::{
    collection::vec,
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner},
};
use rejoin::{DeltaState, Merge, ReplicaId, Timestamp};
use std::fmt;

/// What a history is played from.
#[derive(Clone)]
struct Script<Op> {
    replicas: usize,
    aged: bool,
    steps: Vec<Step<Op>>,
    /// The order in which all deltas arrive once more in the end.
    shuffle: Vec<usize>,
}

impl<Op: fmt::Debug> fmt::Debug for Script<Op> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let aged = if self.aged { "aged " } else { "" };
        writeln!(f, "{} {aged}replicas, from 0:", self.replicas)?;
        self.steps.iter().try_for_each(|step| writeln!(f, "  {step:?}"))?;
        write!(f, "  and in the end all deltas, swapped and repeated by {:?}", self.shuffle)
    }
}

fn steps<Op: Clone + fmt::Debug + 'static>(
    ops: BoxedStrategy<Op>,
) -> impl Strategy<Value = Vec<Step<Op>>> {
    let one = 0..5_usize;
    let two = || (one.clone(), one.clone());
    let step = prop_oneof![
        16 => (one.clone(), ops, times()).prop_map(|(at, op, now)| Step::Edit { at, op, now }),
        6 => two().prop_map(|(from, into)| Step::Merge { from, into }),
        2 => two().prop_map(|(from, into)| Step::MergeBackup { from, into }),
        8 => (vec(0..16_usize, 1..4), one.clone())
            .prop_map(|(deltas, into)| Step::Deliver { deltas, into }),
        4 => (two(), any::<bool>())
            .prop_map(|((from, into), stale)| Step::Sync { from, into, stale }),
        2 => (one.clone(), any::<bool>()).prop_map(|(at, json)| Step::Restart { at, json }),
        2 => one.clone().prop_map(|at| Step::Backup { at }),
        2 => one.clone().prop_map(|at| Step::Restore { at }),
        1 => two().prop_map(|(from, into)| Step::Fork { from, into }),
    ];
    vec(step, 1..40)
}

/// Clocks that are about as good as one another, and now and then one at the end of time.
pub(crate) fn times() -> impl Strategy<Value = u64> {
    prop_oneof![12 => 0..30_u64, 1 => u64::MAX - 2..=u64::MAX]
}

fn scripts<S: Subject>() -> impl Strategy<Value = Script<S::Op>> {
    (2..6_usize, any::<bool>(), steps(S::ops()), vec(0..64_usize, 0..8))
        .prop_map(|(replicas, aged, steps, shuffle)| Script { replicas, aged, steps, shuffle })
}

fn play<S: Subject>(script: &Script<S::Op>) {
    let mut world = World::<S>::new(script.replicas, script.aged);
    script.steps.iter().for_each(|step| world.play(step));
    world.finish(&script.shuffle);
}

/// Plays histories; one that goes wrong is shortened, and told as a script.
pub(crate) fn histories<S: Subject>() {
    let found = try_histories::<S>(Config { cases: count(20_000), ..Config::default() });
    found.unwrap_or_else(|error| panic!("{error}"));
}

pub(crate) fn try_histories<S: Subject>(config: Config) -> Result<(), String> {
    let config = Config { failure_persistence: None, ..config };
    let played = TestRunner::new(config).run(&scripts::<S>(), |script| {
        play::<S>(&script);
        Ok::<_, TestCaseError>(())
    });
    played.map_err(|error| error.to_string())
}

/// Plays the history that the bytes stand for.
pub(crate) fn play_bytes<S: Subject>(bytes: &[u8]) {
    let mut bytes = bytes.iter().copied();
    let (replicas, aged) = (2 + below(&mut bytes, 4), below(&mut bytes, 2) == 1);
    let (ops, mut steps) = (S::ops(), Vec::new());
    while steps.len() < 60 && bytes.len() > 0 {
        let kind = below(&mut bytes, 16);
        let [at, into] = [(); 2].map(|()| below(&mut bytes, 5));
        steps.push(match kind {
            0..=5 => {
                let seed = [(); 3].map(|()| bytes.next().unwrap_or(0));
                Step::Edit { at, op: chosen(&ops, seed), now: [0, 6, 11, 25, u64::MAX][into] }
            }
            6..=7 => Step::Merge { from: at, into },
            8 => Step::MergeBackup { from: at, into },
            9..=10 => Step::Deliver { deltas: vec![at, below(&mut bytes, 16)], into },
            11 => Step::Deliver { deltas: vec![below(&mut bytes, 16)], into },
            12 => Step::Sync { from: at, into, stale: below(&mut bytes, 2) == 1 },
            13 => Step::Restart { at, json: into < 2 },
            14 if into < 2 => Step::Restore { at },
            14 => Step::Backup { at },
            _ => Step::Fork { from: at, into },
        });
    }
    play::<S>(&Script { replicas, aged, steps, shuffle: vec![3, 1] });
}

fn below(bytes: &mut impl Iterator<Item = u8>, end: u8) -> usize {
    usize::from(bytes.next().unwrap_or(0) % end)
}

/// The operation that a seed stands for.
fn chosen<Op: fmt::Debug>(ops: &BoxedStrategy<Op>, seed: [u8; 3]) -> Op {
    let mut padded = [0; 32];
    padded[..3].copy_from_slice(&seed);
    let config = Config { failure_persistence: None, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &padded);
    ops.new_tree(&mut TestRunner::new_with_rng(config, rng)).expect("an operation").current()
}

/// One replica id used by several writers: not what anybody wrote, but the same on every side.
pub(crate) fn misused<S: Subject>() {
    let config = Config { cases: count(500).min(500), failure_persistence: None, ..<_>::default() };
    let edits = || vec((S::ops(), prop_oneof![8 => 0..5_u64, 1 => Just(u64::MAX)]), 0..10);
    TestRunner::new(config)
        .run(&(edits(), vec(edits(), 3)), |(shared, sides)| {
            let mut deltas = Vec::new();
            let mut play = |state: &mut S::State, edits: &[(S::Op, u64)]| {
                for (op, now) in edits {
                    let now = Timestamp::from_millis(*now);
                    deltas.extend(S::edit(state, op, ReplicaId::from_u128(1), now));
                }
            };
            let mut base = S::State::default();
            play(&mut base, &shared);
            let mut states = [base.clone(), base.clone(), base];
            states.iter_mut().zip(&sides).for_each(|(state, edits)| play(state, edits));
            check_laws(&states.iter().collect::<Vec<_>>());
            let mut join = states[0].clone();
            states.iter().for_each(|state| _ = join.merge(state));
            S::check(&join).unwrap();
            let last = deltas.last().cloned().unwrap_or_default();
            for state in &states {
                states.iter().for_each(|other| S::tried(state, other, &last));
                deltas.iter().for_each(|delta| S::tried(state, state, delta));
            }
            let (mut forward, mut backward) = (S::State::default(), S::State::default());
            deltas.iter().for_each(|delta| _ = forward.apply(delta));
            deltas.iter().rev().for_each(|delta| _ = backward.apply(delta));
            assert_eq!(forward, backward, "deltas in any order");
            S::check(&forward).unwrap();
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}
