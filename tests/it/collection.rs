//! Two tables of keyed states, brought together by messages: against a merge key by key.

// Small numbers.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]

use crate::{effort::count, replica};
use rejoin::{
    DeltaState, Document, GCounter, OrSet, ReplicaId,
    sync::{
        Collection, CollectionError, Direction, Fingerprint, KeyRange, Outcome, Reconciler,
        ReconcilerSettings, Summary, Table, shortest_between,
    },
    wire::{self, Wire},
};
use std::{collections::BTreeMap, convert::Infallible, fmt::Debug};

/// Numbers that look like chance, and are the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % most.max(1)
    }

    fn one_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }
}

fn us() -> ReplicaId {
    replica("us-east-1")
}

fn eu() -> ReplicaId {
    replica("eu-west-1")
}

type Set = OrSet<u64>;

/// What a run took.
#[derive(Clone, Copy, Debug, Default)]
struct Took {
    bytes: usize,
    rounds: usize,
    messages: usize,
}

/// A run without accidents, in rounds: all questions, then all answers.
#[track_caller]
fn run<A, B>(
    ours: &mut A,
    theirs: &mut B,
    direction: Direction,
    settings: ReconcilerSettings,
) -> (Outcome, Took)
where
    A: Table<Error = Infallible>,
    B: Table<State = A::State, Error = Infallible>,
{
    let (mut here, mut there) = (Reconciler::new(settings), Reconciler::new(settings));
    let mut took = Took::default();
    here.start(direction);
    while here.is_running() {
        let mut questions = Vec::new();
        while let Some(question) = here.poll_transmit(ours).unwrap() {
            questions.push(question);
        }
        took.rounds += usize::from(!questions.is_empty());
        for question in questions {
            there.receive(theirs, &question).unwrap();
            let answer = there.poll_transmit(theirs).unwrap().unwrap();
            for message in [&question, &answer] {
                took.bytes += message.len();
                took.messages += 1;
            }
            here.receive(ours, &answer).unwrap();
        }
        assert!(took.rounds < 10_000, "it does not end");
    }
    (here.poll_outcome().unwrap(), took)
}

fn joined<S>(ours: &Collection<S>, theirs: &Collection<S>) -> BTreeMap<Vec<u8>, S>
where
    S: DeltaState + Clone,
{
    let mut all: BTreeMap<Vec<u8>, S> = BTreeMap::new();
    for (key, state) in ours.iter().chain(theirs) {
        match all.get_mut(key) {
            Some(old) => _ = old.merge(state),
            None => _ = all.insert(key.into(), state.clone()),
        }
    }
    all
}

#[track_caller]
fn assert_holds<S: PartialEq + Debug>(table: &Collection<S>, all: &BTreeMap<Vec<u8>, S>) {
    assert_eq!(table.len(), all.len());
    for ((key, state), (all_key, all_state)) in table.iter().zip(all) {
        assert_eq!((key, state), (&**all_key, all_state));
    }
}

/// Keys that begin alike, are empty, or follow one another closely.
fn key(chance: &mut Chance, rows: u64) -> Vec<u8> {
    let number = chance.below(rows);
    match chance.below(8) {
        0 => vec![0; usize::try_from(number % 5).unwrap()],
        1 => [&[b'x'; 60][..], &number.to_be_bytes()].concat(),
        2 => vec![0xff; usize::try_from(number % 20).unwrap()],
        3 => format!("user/{number}/settings").into_bytes(),
        _ => number.to_be_bytes().to_vec(),
    }
}

/// One edit of one side, which may remove what is there.
fn edit(table: &mut Collection<Set>, key: &[u8], id: ReplicaId, chance: &mut Chance) {
    table.edit(key, |set| {
        let oldest = set.iter().next().copied();
        match (chance.below(3), oldest) {
            (0, Some(oldest)) => _ = set.remove(&oldest, id).unwrap(),
            (1, _) => {}
            _ => _ = set.insert(chance.below(1_000), id).unwrap(),
        }
    });
}

/// Two tables with a common past, which then were edited apart.
fn tables(seed: u64, rows: u64, edits: u64) -> (Collection<Set>, Collection<Set>) {
    let mut chance = Chance(seed);
    let mut ours = Collection::new();
    for _ in 0..rows {
        let key = key(&mut chance, rows);
        edit(&mut ours, &key, us(), &mut chance);
    }
    let mut theirs = ours.clone();
    for _ in 0..edits {
        let key = key(&mut chance, rows + edits);
        match chance.below(3) {
            0 => edit(&mut ours, &key, us(), &mut chance),
            1 => edit(&mut theirs, &key, eu(), &mut chance),
            _ => {
                edit(&mut ours, &key, us(), &mut chance);
                edit(&mut theirs, &key, eu(), &mut chance);
            }
        }
    }
    (ours, theirs)
}

const SIZES: [(u64, u64); 12] = [
    (0, 0),
    (0, 1),
    (1, 0),
    (1, 1),
    (2, 1),
    (0, 40),
    (17, 3),
    (100, 10),
    (300, 300),
    (1_000, 1),
    (3_000, 20),
    (0, 2_000),
];

#[test]
fn after_a_run_both_hold_the_join() {
    for (at, (rows, edits)) in SIZES.into_iter().enumerate() {
        for seed in 0..8 {
            for settings in [
                ReconcilerSettings::new(),
                ReconcilerSettings::new().message_bytes(1_024).window(3),
            ] {
                let (mut ours, mut theirs) = tables(seed * 100 + at as u64, rows, edits);
                let all = joined(&ours, &theirs);
                let (outcome, _) = run(&mut ours, &mut theirs, Direction::Both, settings);
                assert!(outcome.in_sync, "{rows} rows, {edits} edits, seed {seed}: {outcome:?}");
                assert_holds(&ours, &all);
                assert_holds(&theirs, &all);
            }
        }
    }
}

#[test]
fn in_one_direction_only_the_other_side_changes() {
    for (at, (rows, edits)) in SIZES.into_iter().enumerate() {
        for settings in [ReconcilerSettings::new(), ReconcilerSettings::new().message_bytes(1_024)]
        {
            let (before, mut theirs) = tables(at as u64, rows, edits);
            let (mut ours, theirs_before) = (before.clone(), theirs.clone());
            let all = joined(&ours, &theirs);
            let (outcome, _) = run(&mut ours, &mut theirs, Direction::Pull, settings);
            assert_holds(&ours, &all);
            assert_eq!(theirs, theirs_before);
            assert_eq!(outcome.given, 0);

            let mut ours = before.clone();
            let (outcome, _) = run(&mut ours, &mut theirs, Direction::Push, settings);
            assert_holds(&theirs, &all);
            assert_eq!(ours, before);
            assert_eq!(outcome.changed, 0);
        }
    }
}

#[test]
fn every_type_of_state() {
    fn edited<S>(edit: impl Fn(&mut S, u64, ReplicaId))
    where
        S: DeltaState<Delta: Wire, Version: Wire> + Default + Clone + PartialEq + Debug,
    {
        let mut ours: Collection<S> = Collection::new();
        (0..200_u64).for_each(|row| ours.edit(&row.to_be_bytes(), |it| edit(it, row, us())));
        let mut theirs = ours.clone();
        ours.edit(&7_u64.to_be_bytes(), |it| edit(it, 1_000, us()));
        theirs.edit(&7_u64.to_be_bytes(), |it| edit(it, 2_000, eu()));
        theirs.edit(b"new", |it| edit(it, 3_000, eu()));
        let all = joined(&ours, &theirs);
        let (outcome, _) = run(&mut ours, &mut theirs, Direction::Both, ReconcilerSettings::new());
        assert!(outcome.in_sync);
        assert_holds(&ours, &all);
        assert_holds(&theirs, &all);
    }
    edited::<GCounter>(|it, n, id| _ = it.increment(n, id).unwrap());
    edited::<Set>(|it, n, id| _ = it.insert(n, id).unwrap());
    edited::<OrSet<String>>(|it, n, id| _ = it.insert("x".repeat(n as usize), id).unwrap());
    edited::<Document>(|it, n, id| _ = it.set("/n", n as i64, id, crate::at(n)).unwrap());
    edited::<(GCounter, Option<Set>)>(|it, n, id| {
        it.0.increment(1, id).unwrap();
        it.1.get_or_insert_default().insert(n, id).unwrap();
    });
}

#[test]
fn a_row_that_was_never_written_arrives() {
    for direction in [Direction::Both, Direction::Push] {
        let (mut ours, mut theirs) = (Collection::<Set>::new(), Collection::new());
        ours.edit(b"", |_| ());
        ours.edit(b"chat", |_| ());
        let (outcome, _) = run(&mut ours, &mut theirs, direction, ReconcilerSettings::new());
        assert_eq!((theirs.len(), outcome.given), (2, 2));
        assert_eq!(ours, theirs);
    }
}

/// A network that loses, repeats, reorders, cuts and changes messages; sides that restart; and edits
/// while a run goes on. Once that ends, one more run brings both together.
#[test]
fn accidents_only_delay() {
    let mut refused = 0_u32;
    let seeds = count(300);
    for seed in 0..seeds.into() {
        let mut chance = Chance(seed);
        let settings = ReconcilerSettings::new().message_bytes(1_024).window(1 + seed as usize % 4);
        let (mut ours, mut theirs) = tables(seed, chance.below(400), chance.below(200));
        let (mut here, mut there) = (Reconciler::new(settings), Reconciler::new(settings));
        let mut all = joined(&ours, &theirs);
        let (mut for_us, mut for_them): (Vec<Vec<u8>>, Vec<Vec<u8>>) = (Vec::new(), Vec::new());
        here.start(Direction::Both);
        for step in 0..600 {
            for_them.extend(here.poll_transmit(&mut ours).unwrap());
            for_us.extend(there.poll_transmit(&mut theirs).unwrap());
            for (waiting, is_here) in [(&mut for_them, false), (&mut for_us, true)] {
                if waiting.is_empty() {
                    continue;
                }
                let at = usize::try_from(chance.below(waiting.len() as u64)).unwrap();
                let mut message = waiting[at].clone();
                if !chance.one_in(6) {
                    waiting.swap_remove(at);
                }
                let is_changed = chance.one_in(5);
                if is_changed {
                    let at = usize::try_from(chance.below(message.len() as u64)).unwrap();
                    match chance.below(2) {
                        0 => message.truncate(at),
                        _ => message[at] ^= 1 << chance.below(8),
                    }
                }
                let received = match (chance.one_in(6), is_here) {
                    (true, _) => Ok(()),
                    (_, true) => here.receive(&mut ours, &message),
                    (_, false) => there.receive(&mut theirs, &message),
                };
                assert!(received.is_ok() || is_changed, "{received:?}");
                refused += u32::from(received.is_err());
            }
            match chance.below(60) {
                0 => here = Reconciler::new(settings),
                1 => there = Reconciler::new(settings),
                2 => there.start(Direction::Both),
                3..9 => {
                    let key = key(&mut chance, 400);
                    edit(&mut ours, &key, us(), &mut chance);
                    all = joined(&ours, &theirs);
                }
                _ => {}
            }
            if !here.is_running() {
                here.start([Direction::Both, Direction::Pull, Direction::Push][step % 3]);
            }
            if chance.one_in(10) {
                here.resend();
                there.resend();
            }
            assert_eq!(joined(&ours, &theirs), all, "seed {seed}: nothing is lost or made up");
        }
        let (outcome, _) = run(&mut ours, &mut theirs, Direction::Both, settings);
        assert!(outcome.in_sync);
        assert_holds(&ours, &all);
        assert_holds(&theirs, &all);
    }
    assert!(refused > seeds, "{refused}");
}

/// A run ends with the tables in sync although a tenth of all messages is lost.
#[test]
fn a_lossy_run_ends_by_asking_again() {
    let mut chance = Chance(5);
    let settings = ReconcilerSettings::new().message_bytes(1_024);
    let (mut ours, mut theirs) = tables(5, 2_000, 200);
    let (mut here, mut there) = (Reconciler::new(settings), Reconciler::new(settings));
    here.start(Direction::Both);
    let mut turns = 0;
    while here.is_running() {
        while let Some(question) = here.poll_transmit(&mut ours).unwrap() {
            if chance.one_in(10) {
                continue;
            }
            there.receive(&mut theirs, &question).unwrap();
            let answer = there.poll_transmit(&mut theirs).unwrap().unwrap();
            if !chance.one_in(10) {
                here.receive(&mut ours, &answer).unwrap();
            }
        }
        here.resend();
        turns += 1;
        assert!(turns < 1_000);
    }
    assert!(turns > 1 && here.poll_outcome().unwrap().in_sync);
    assert_eq!(ours, theirs);
}

/// Rows of a real key length, of which `d` differ.
fn counters(rows: u64, d: u64) -> (Collection<GCounter>, Collection<GCounter>) {
    let mut chance = Chance(rows);
    let keys: Vec<[u8; 16]> = (0..rows)
        .map(|_| [chance.below(u64::MAX).to_be_bytes(), chance.below(u64::MAX).to_be_bytes()])
        .map(|halves| halves.concat().try_into().unwrap())
        .collect();
    let mut ours = Collection::new();
    for key in &keys {
        ours.edit(key, |it: &mut GCounter| it.increment(1, us()).unwrap());
    }
    let mut theirs = ours.clone();
    for at in 0..d {
        let key = &keys[usize::try_from(at * rows / d).unwrap()];
        match at % 2 {
            0 => ours.edit(key, |it| _ = it.increment(1, us()).unwrap()),
            _ => theirs.edit(key, |it| _ = it.increment(1, eu()).unwrap()),
        }
    }
    (ours, theirs)
}

#[test]
fn bytes_grow_with_the_difference_and_the_logarithm_of_the_rest() {
    for rows in [100, 1_000, 10_000, 60_000_u64] {
        for d in [1, 10, 100, 1_000].into_iter().filter(|d| *d <= rows) {
            let (mut ours, mut theirs) = counters(rows, d);
            let (outcome, took) =
                run(&mut ours, &mut theirs, Direction::Both, ReconcilerSettings::new());
            assert!(outcome.in_sync && ours == theirs);
            // For each difference and each 16-fold of the rest: 16 parts, of 8 bytes; its key twice,
            // a state and a delta; and 130 bytes for a run.
            let levels = 1 + ((rows / d).ilog2() as usize).div_ceil(4);
            let most = 130 + d as usize * (levels * 16 * 8 + 120);
            println!("{rows} rows, {d} differ: {took:?}, at most {most}");
            assert!(took.bytes <= most, "{rows} rows, {d} differ: {took:?} > {most}");
            assert!(took.rounds <= 3 + (rows.ilog2() as usize).div_ceil(8) + 2);
        }
    }
}

#[test]
fn in_sync_takes_31_bytes_and_one_round_trip() {
    let (mut ours, mut theirs) = counters(1_000, 0);
    let (outcome, took) = run(&mut ours, &mut theirs, Direction::Both, ReconcilerSettings::new());
    assert!(outcome.in_sync);
    assert_eq!((took.bytes, took.rounds), (31, 1));
}

#[test]
fn messages_keep_to_their_size() {
    let settings = ReconcilerSettings::new().message_bytes(2_000);
    let (mut ours, mut theirs) = tables(3, 2_000, 500);
    let (mut here, mut there) = (Reconciler::new(settings), Reconciler::new(settings));
    here.start(Direction::Both);
    let mut messages = 0;
    while here.is_running() {
        while let Some(question) = here.poll_transmit(&mut ours).unwrap() {
            there.receive(&mut theirs, &question).unwrap();
            let answer = there.poll_transmit(&mut theirs).unwrap().unwrap();
            assert!(question.len() <= 2_000 && answer.len() <= 2_000);
            here.receive(&mut ours, &answer).unwrap();
            messages += 2;
        }
    }
    assert!(messages > 20 && ours == theirs);
}

#[test]
fn what_fits_into_no_message_is_told_and_the_rest_arrives() {
    let settings = ReconcilerSettings::new().message_bytes(1_024);
    for is_ours in [true, false] {
        for direction in [Direction::Both, if is_ours { Direction::Push } else { Direction::Pull }]
        {
            let mut large: Collection<OrSet<String>> = Collection::new();
            for row in 0..300_u64 {
                let len = if row == 40 { 2_000 } else { 5 };
                let text = "x".repeat(len);
                large.edit(&row.to_be_bytes(), |set| set.insert(text, us()).unwrap());
            }
            let mut empty = Collection::new();
            let (outcome, _) = if is_ours {
                run(&mut large, &mut empty, direction, settings)
            } else {
                run(&mut empty, &mut large, direction, settings)
            };
            assert!(!outcome.in_sync);
            assert_eq!(outcome.too_large, [40_u64.to_be_bytes()]);
            assert_eq!(empty.len(), 299);
        }
    }
}

#[test]
fn a_key_that_is_too_long_is_an_error_and_not_a_loss() {
    let mut ours: Collection<Set> = Collection::new();
    ours.edit(&[7; 200], |set| _ = set.insert(1, us()).unwrap());
    let mut here = Reconciler::new(ReconcilerSettings::new().message_bytes(1_024));
    let mut there = Reconciler::<Set>::new(ReconcilerSettings::new().message_bytes(1_024));
    let mut theirs = Collection::new();
    here.start(Direction::Both);
    let question = here.poll_transmit(&mut ours).unwrap().unwrap();
    there.receive(&mut theirs, &question).unwrap();
    here.receive(&mut ours, &there.poll_transmit(&mut theirs).unwrap().unwrap()).unwrap();
    for _ in 0..2 {
        let error = here.poll_transmit(&mut ours).unwrap_err();
        assert_eq!(error, CollectionError::KeyTooLong(200));
    }
}

#[test]
fn peers_of_another_type_are_told_apart_at_the_first_row() {
    let mut ours: Collection<Set> = Collection::new();
    ours.edit(b"a", |set| _ = set.insert(1, us()).unwrap());
    let mut theirs: Collection<OrSet<String>> = Collection::new();
    theirs.edit(b"a", |set| _ = set.insert("1".into(), us()).unwrap());
    let (mut here, mut there) =
        (Reconciler::new(ReconcilerSettings::new()), Reconciler::new(ReconcilerSettings::new()));
    here.start(Direction::Both);
    let question = here.poll_transmit(&mut ours).unwrap().unwrap();
    // The first row has the same version on both sides: no difference that deltas could mend.
    there.receive(&mut theirs, &question).unwrap();
    there.poll_transmit(&mut theirs).unwrap().unwrap();
    theirs.edit(b"a", |set| _ = set.insert("2".into(), us()).unwrap());
    there.receive(&mut theirs, &question).unwrap();
    let answer = there.poll_transmit(&mut theirs).unwrap().unwrap();
    let error = here.receive(&mut ours, &answer).unwrap_err();
    assert!(matches!(&error, CollectionError::Decode(error) if error.is_wrong_type()), "{error}");
    assert_eq!(ours.len(), 1);
}

/// Every message of a run, cut anywhere and with any bit changed, is refused, or is no message that
/// changes a table.
#[test]
fn changed_bytes_change_no_table() {
    let settings = ReconcilerSettings::new();
    let (mut ours, mut theirs) = tables(11, 60, 20);
    let (mut here, mut there) = (Reconciler::new(settings), Reconciler::new(settings));
    here.start(Direction::Both);
    let mut tried = 0;
    while here.is_running() {
        let Some(question) = here.poll_transmit(&mut ours).unwrap() else { continue };
        for at in 0..question.len() {
            let before = theirs.fingerprint();
            _ = there.receive(&mut theirs, &question[..at]);
            let mut changed = question.clone();
            changed[at] ^= 1 << (at % 8);
            _ = there.receive(&mut theirs, &changed);
            while there.poll_transmit(&mut theirs).unwrap().is_some() {}
            assert_eq!(theirs.fingerprint(), before);
            tried += 1;
        }
        there.receive(&mut theirs, &question).unwrap();
        here.receive(&mut ours, &there.poll_transmit(&mut theirs).unwrap().unwrap()).unwrap();
    }
    assert!(tried > 500 && ours == theirs);
}

/// A peer that answers each question with "all differs" cannot make a run go on forever.
#[test]
fn a_liar_makes_a_run_long_but_not_endless() {
    let settings = ReconcilerSettings::new().message_bytes(4_096);
    let mut ours = counters(300, 0).0;
    // It answers for a table that is another one each time.
    let mut here = Reconciler::new(settings);
    here.start(Direction::Pull);
    let mut questions = 0;
    while here.is_running() {
        while let Some(question) = here.poll_transmit(&mut ours).unwrap() {
            questions += 1;
            let mut theirs = Liar(counters(400, 0).0, questions);
            let mut there = Reconciler::new(settings);
            there.receive(&mut theirs, &question).unwrap();
            _ = here.receive(&mut ours, &there.poll_transmit(&mut theirs).unwrap().unwrap());
        }
        assert!(questions < 5_000, "it goes on and on");
    }
    assert_eq!(ours.len(), 300);
}

/// Says that each range is another one, and has nothing to tell.
struct Liar(Collection<GCounter>, u64);

impl Table for Liar {
    type State = GCounter;
    type Error = Infallible;

    fn summary(&self, range: &KeyRange) -> Result<Summary, Infallible> {
        Ok(self.0.summary(range)? + Summary::of_row(Fingerprint::of(&self.1)))
    }
    fn split(&self, range: &KeyRange, parts: usize) -> Result<Vec<Vec<u8>>, Infallible> {
        self.0.split(range, parts)
    }
    fn rows(
        &self,
        range: &KeyRange,
        most: usize,
    ) -> Result<Vec<(Vec<u8>, Fingerprint)>, Infallible> {
        self.0.rows(range, most)
    }
    fn version(&self, _: &[u8]) -> Result<Option<<GCounter as DeltaState>::Version>, Infallible> {
        Ok(None)
    }
    fn delta_since(
        &self,
        _: &[u8],
        _: &<GCounter as DeltaState>::Version,
    ) -> Result<Option<GCounter>, Infallible> {
        Ok(None)
    }
    fn apply(&mut self, _: &[u8], _: GCounter) -> Result<bool, Infallible> {
        Ok(false)
    }
}

#[test]
fn an_answer_to_what_was_not_asked_is_refused() {
    let (mut ours, mut theirs) = counters(2_000, 20);
    let (mut here, mut there) =
        (Reconciler::new(ReconcilerSettings::new()), Reconciler::new(ReconcilerSettings::new()));
    here.start(Direction::Both);
    let question = here.poll_transmit(&mut ours).unwrap().unwrap();
    there.receive(&mut theirs, &question).unwrap();
    let answer = there.poll_transmit(&mut theirs).unwrap().unwrap();
    here.receive(&mut ours, &answer).unwrap();
    here.receive(&mut ours, &answer).unwrap();
    let second = here.poll_transmit(&mut ours).unwrap().unwrap();
    // The first answer, under the name of the second question.
    let forged = renamed(&answer, &second);
    assert_eq!(here.receive(&mut ours, &forged), Err(CollectionError::Unasked));
    assert!(here.is_running());
}

/// An answer with the echo of another question, and a checksum that is right.
fn renamed(answer: &[u8], question: &[u8]) -> Vec<u8> {
    let low = |bytes: &[u8]| u32::try_from(Fingerprint::of_bytes(bytes).to_parts().0 & 0xffff_ffff);
    let body = answer.len() - 4;
    let mut forged = answer[..body].to_vec();
    forged[5..9].copy_from_slice(&low(question).unwrap().to_le_bytes());
    let sum = low(&forged[4..]).unwrap();
    forged.extend(sum.to_le_bytes());
    forged
}

#[test]
fn answers_that_nobody_polls_are_not_heaped_up() {
    let mut theirs = counters(10, 0).0;
    let mut here = Reconciler::<GCounter>::new(ReconcilerSettings::new());
    here.start(Direction::Both);
    let question = here.poll_transmit(&mut theirs.clone()).unwrap().unwrap();
    let mut there = Reconciler::new(ReconcilerSettings::new());
    for _ in 0..64 {
        there.receive(&mut theirs, &question).unwrap();
    }
    assert_eq!(there.receive(&mut theirs, &question), Err(CollectionError::Backlog));
}

/// Few bytes that stand for many keys are refused, and nobody honest writes them.
#[test]
fn long_keys_with_a_common_prefix_are_no_amplifier() {
    let mut ours: Collection<Set> = Collection::new();
    for row in 0..2_000_u32 {
        ours.edit(&[&[b'k'; 3_000][..], &row.to_be_bytes()].concat(), |_| ());
    }
    let mut theirs = Collection::new();
    let (outcome, took) = run(&mut ours, &mut theirs, Direction::Both, ReconcilerSettings::new());
    assert!(outcome.in_sync && ours == theirs);
    assert!(took.messages >= 2 * 6, "each message has at most 1 MiB of keys: {took:?}");
}

/// Messages of many small items, cut far behind their start.
#[test]
fn everything_differs() {
    let (mut ours, mut theirs) = counters(60_000, 60_000);
    let (outcome, took) = run(&mut ours, &mut theirs, Direction::Both, ReconcilerSettings::new());
    assert!(outcome.in_sync && ours == theirs, "{took:?}");
}

/// Edits that go on while a run does: it ends all the same, and says that it is not in sync.
#[test]
fn a_run_ends_while_edits_go_on() {
    let (mut ours, mut theirs) = counters(500, 10);
    let (mut here, mut there) =
        (Reconciler::new(ReconcilerSettings::new()), Reconciler::new(ReconcilerSettings::new()));
    here.start(Direction::Both);
    let mut questions = 0_u64;
    while here.is_running() {
        while let Some(question) = here.poll_transmit(&mut ours).unwrap() {
            questions += 1;
            assert!(questions < 1_000);
            theirs.edit(&questions.to_be_bytes(), |it| _ = it.increment(1, eu()).unwrap());
            there.receive(&mut theirs, &question).unwrap();
            here.receive(&mut ours, &there.poll_transmit(&mut theirs).unwrap().unwrap()).unwrap();
        }
    }
    assert!(!here.poll_outcome().unwrap().in_sync);
    assert!(run(&mut ours, &mut theirs, Direction::Both, ReconcilerSettings::new()).0.in_sync);
}

#[test]
fn a_collection_sums_any_range() {
    let mut chance = Chance(1);
    let mut table: Collection<Set> = Collection::new();
    let mut rows: BTreeMap<Vec<u8>, Fingerprint> = BTreeMap::new();
    for step in 0..3_000 {
        let key = key(&mut chance, 2_000);
        edit(&mut table, &key, us(), &mut chance);
        let print = Fingerprint::of(&table.get(&key).unwrap().version()).keyed(&key);
        rows.insert(key.clone(), print);
        if step % 50 > 0 {
            continue;
        }
        let other = rows.keys().nth(chance.below(rows.len() as u64) as usize).cloned();
        let range = KeyRange::new(&key, other.as_deref());
        let inside: Vec<_> = rows.range::<[u8], _>(range.bounds()).collect();
        let sum = inside.iter().map(|row| *row.1).sum();
        let Ok(found) = table.summary(&range);
        assert_eq!(found, Summary { count: inside.len() as u64, sum });
        let Ok(listed) = table.rows(&range, 7);
        assert!(listed.iter().map(|row| (&row.0, &row.1)).eq(inside.iter().copied().take(7)));
        let Ok(split) = table.split(&range, 5);
        assert!(
            split.is_sorted() && split.iter().all(|it| range.contains(it) && it != range.start())
        );
        if inside.len() > 5 {
            assert_eq!(split.len(), 4);
            let of = |part: KeyRange| table.summary(&part).unwrap().count as usize;
            let first = of(KeyRange::new(range.start(), Some(&split[0])));
            assert!(first.abs_diff(inside.len() / 5) <= 1);
        }
    }
    assert_eq!(table.len(), rows.len());
    assert!(wire::to_bytes(&table.fingerprint()).len() > 16);
    assert_eq!(shortest_between(b"", b"abc"), b"a");
}
