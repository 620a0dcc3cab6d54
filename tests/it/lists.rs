//! Lists in long use, and items that are re-placed to make room.

use crate::{
    effort::{count, one_in},
    spec::check_replay,
};
use rejoin::{
    DeltaState, Document, Merge, ReplicaId, Timestamp,
    document::{ConflictKind, DocumentDelta, Rules, Value},
    laws::Invariants,
    wire,
};
use std::{collections::BTreeSet, sync::OnceLock};

const LIST: &str = "/l";
/// An item that is in no list yet.
const NEW: u64 = 1_000_000;

fn replica(number: u64) -> ReplicaId {
    ReplicaId::from_u128(u128::from(number) + 1)
}

fn at(step: u64) -> Timestamp {
    Timestamp::from_millis(1_000 + step)
}

/// A document with an empty list.
fn empty() -> Document {
    let list = Value::from_iter([("l", Value::from(Vec::<u64>::new()))]);
    Document::from_value(list, replica(0), at(0)).unwrap()
}

fn len(document: &Document) -> usize {
    document.at(LIST).unwrap().len()
}

fn items(document: &Document) -> Vec<u64> {
    let Some(Value::Array(items)) = document.get(LIST) else { panic!("no list") };
    let number = |item: &Value| if let Value::Number(it) = item { it.as_u64() } else { None };
    items.iter().map(|item| number(item).unwrap()).collect()
}

fn insert(document: &mut Document, index: usize, number: u64, who: u64) -> DocumentDelta {
    let pointer = format!("{LIST}/{index}");
    document.insert(&pointer, number, replica(who), at(number)).unwrap()
}

struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }
}

/// Insertions that re-place neighbours: a list with a crowded middle, where, and what they do.
fn re_placings() -> impl Iterator<Item = &'static (Document, usize, DocumentDelta)> {
    static FOUND: OnceLock<Vec<(Document, usize, DocumentDelta)>> = OnceLock::new();
    FOUND.get_or_init(find_re_placings).iter()
}

fn find_re_placings() -> Vec<(Document, usize, DocumentDelta)> {
    let (mut document, mut random) = (empty(), Random(88_172_645));
    let mut found = Vec::new();
    for number in 0..1_500 {
        let near = len(&document) / 2 + random.below(9) + random.below(9);
        let index = near.saturating_sub(8).min(len(&document));
        let before = document.clone();
        let delta = insert(&mut document, index, number, number % 3);
        // The item takes two: its place and its value.
        if delta.write_count() > 2 && number > 100 {
            let delta = insert(&mut before.clone(), index, NEW, 7);
            found.push((before, index, delta));
        }
    }
    assert!(found.len() > 20, "{}", found.len());
    found
}

/// The bytes of the state, of the last delta, and the most bytes of a delta of the last tenth.
struct Grown {
    state: usize,
    delta_max: usize,
    mean: usize,
}

/// Plays a script, and weighs what is left.
fn grow(
    mut document: Document,
    steps: u64,
    mut edit: impl FnMut(&mut Document, u64) -> DocumentDelta,
) -> Grown {
    let (mut delta_max, mut total) = (0, 0);
    for step in 0..steps {
        let bytes = wire::to_bytes(&edit(&mut document, step)).len();
        delta_max = delta_max.max(bytes);
        total += bytes;
    }
    document.check_invariants().unwrap();
    let mean = total / usize::try_from(steps).unwrap();
    Grown { state: wire::to_bytes(&document).len(), delta_max, mean }
}

#[test]
fn what_is_inserted_in_the_middle_stays_short() {
    for replicas in [1, 3, 100] {
        let grown = grow(empty(), 4_000, |document, step| {
            let middle = len(document) / 2;
            insert(document, middle, step, step % replicas)
        });
        // A place takes 16 bytes on average, and all else 9.
        assert!(grown.state < 4_000 * 25, "{} bytes", grown.state);
        assert!(grown.delta_max < 300, "a delta of {} bytes", grown.delta_max);
    }
}

#[test]
fn a_window_of_four_stays_small() {
    let window = |steps| {
        grow(empty(), steps, |document, step| {
            if step % 2 == 0 || len(document) <= 4 {
                let second = len(document).min(1);
                insert(document, second, step, 0)
            } else {
                let gone = if step % 4 == 1 { 2 } else { 1 };
                document.remove(&format!("{LIST}/{gone}"), replica(0), at(step)).unwrap()
            }
        })
    };
    let (short, long) = (window(1_000), window(10_000));
    assert!(long.state <= short.state + 16, "{} bytes, and {}", short.state, long.state);
    assert!(long.delta_max <= short.delta_max + 8);
}

#[test]
fn a_board_of_twenty_stays_small() {
    for replicas in [1, 3] {
        let board = |steps| {
            let mut start = empty();
            for number in 0..20 {
                insert(&mut start, 0, number, 0);
            }
            let mut random = Random(42);
            grow(start, steps, |document, step| {
                let from = random.below(20);
                let to = (from + 1 + random.below(19)) % 20;
                let pointer = format!("{LIST}/{from}");
                document.move_item(&pointer, to, replica(step % replicas), at(step)).unwrap()
            })
        };
        let (short, long) = (board(1_000), board(10_000));
        assert!(long.state <= short.state + 200, "{} bytes, and {}", short.state, long.state);
        assert!(long.mean <= 150, "{} bytes a delta", long.mean);
    }
}

#[test]
fn a_list_reordered_by_update_stays_small() {
    let keys = Rules::new().keyed(LIST, "id").unwrap();
    let card = |id: &u64| Value::from_iter([("id", *id)]);
    let list =
        |order: &[u64]| Value::from_iter([("l", Value::Array(order.iter().map(card).collect()))]);
    let reorder = |steps| {
        let mut order: Vec<u64> = (0..20).collect();
        let start = Document::from_value_with(keys.clone(), list(&order), replica(0), at(0));
        let mut random = Random(42);
        grow(start.unwrap(), steps, |document, step| {
            (1..20).for_each(|end| order.swap(end, random.below(end + 1)));
            document.update(list(&order), replica(0), at(step)).unwrap()
        })
    };
    let (short, long) = (reorder(100), reorder(1_000));
    assert!(long.state <= short.state + 200, "{} bytes, and {}", short.state, long.state);
    assert!(long.mean <= short.mean * 5 / 4, "{} bytes a delta, and {}", short.mean, long.mean);
}

#[test]
fn neighbours_are_re_placed_in_silence() {
    for (document, index, delta) in re_placings() {
        let index = *index;
        let mut told = document.clone();
        let report = told.apply_reporting(delta);
        assert_eq!(report.changes().len(), 1, "only the new item is told");
        assert_eq!(report.changes()[0].path, format!("{LIST}/{index}").as_str());
        assert!(report.conflicts().is_empty() && told.conflicts().is_empty());
        let mut expected = items(document);
        expected.insert(index, NEW);
        assert_eq!(items(&told), expected);
    }
}

#[test]
fn a_move_beats_a_re_placing() {
    let mut moved = 0;
    for (document, index, delta) in re_placings().step_by(one_in(50)) {
        let index = *index;
        // Everything around the gap is moved to the front, by somebody whose clock is slow.
        for item in index.saturating_sub(3)..(index + 3).min(len(document)) {
            let mut theirs = document.clone();
            let number = items(document)[item];
            let pointer = format!("{LIST}/{item}");
            let their_move = theirs.move_item(&pointer, 0, replica(8), at(0)).unwrap();
            if item == 0 {
                continue;
            }
            let mut ours = document.clone();
            ours.apply(delta);
            let report = ours.apply_reporting(&their_move);
            assert!(report.conflicts().is_empty(), "a re-placing is no move");
            theirs.apply(delta);
            assert_eq!(ours, theirs);
            assert!(ours.conflicts().is_empty());
            assert_eq!(items(&ours)[0], number, "it stands where it was moved to");
            let mut all = items(&ours);
            all.sort_unstable();
            let mut expected = items(document);
            expected.push(NEW);
            expected.sort_unstable();
            assert_eq!(all, expected, "nothing is lost, and nothing is there twice");
            moved += 1;
        }
    }
    assert!(moved > 20, "{moved}");
}

/// A move that is open, one against another, stays so when its item is re-placed: nearly always.
#[test]
fn a_conflict_of_moves_outlives_a_re_placing() {
    let (mut open, mut told_no_more) = (0, 0);
    for (document, index, _) in re_placings().step_by(one_in(60)) {
        let index = *index;
        let item = format!("{LIST}/{}", index.min(len(document) - 1));
        let (mut ours, mut theirs) = (document.clone(), document.clone());
        // Both move it away and to the gap: ours to before it, theirs to behind it.
        let last = len(document) - 1;
        ours.move_item(&item, (index + 1).min(last), replica(5), at(5_000)).unwrap();
        theirs.move_item(&item, index.saturating_sub(2), replica(6), at(4_000)).unwrap();
        ours.merge(&theirs);
        let conflict = ours.conflicts();
        let before = items(&ours);
        for gap in index.saturating_sub(4)..(index + 5).min(last) {
            let mut third = ours.clone();
            let delta = insert(&mut third, gap, NEW, 7);
            let mut expected = before.clone();
            expected.insert(gap, NEW);
            assert_eq!(items(&third), expected);
            // Where the claims are one item apart, that item may get its new place beyond the other
            // claim, which then means the index that is read: nothing is left to tell.
            if third.conflicts().len() < conflict.len() {
                told_no_more += 1;
                continue;
            }
            assert_eq!(third.conflicts().len(), conflict.len());
            let stamps = |document: &Document| {
                let conflicts = document.conflicts();
                conflicts.iter().map(|it| it.winner.stamp).collect::<Vec<_>>()
            };
            assert_eq!(stamps(&third), stamps(&ours), "who moved it is told as before");
            open += usize::from(delta.write_count() > 2 && !conflict.is_empty());
        }
    }
    assert!(open > 0, "{open}");
    assert!(told_no_more * 50 <= open, "{told_no_more} of {open}");
}

/// What is inserted concurrently stays between the neighbours that were not re-placed.
#[test]
fn what_is_inserted_beside_a_re_placing_stays_between_the_others() {
    let mut seen = 0;
    for (document, index, delta) in re_placings() {
        let index = *index;
        let before = items(document);
        let re_placed = delta.write_count() - 2;
        for gap in index.saturating_sub(3)..=(index + 3).min(len(document)) {
            let (mut ours, mut theirs) = (document.clone(), document.clone());
            ours.apply(delta);
            let inserted = insert(&mut theirs, gap, 2_000_000, 9);
            let both_re_placed = inserted.write_count() > 2;
            theirs.apply(delta);
            ours.apply_owned(inserted);
            assert_eq!(ours, theirs);
            let after = items(&ours);
            let position = |number: u64| after.iter().position(|it| *it == number).unwrap();
            let mut old: Vec<u64> = after.iter().copied().filter(|it| *it < NEW).collect();
            if both_re_placed {
                // Two that make room at one spot at once may leave it in another order.
                old.sort_unstable();
                let mut all = before.clone();
                all.sort_unstable();
                assert_eq!(old, all, "nothing is lost, and nothing is there twice");
                continue;
            }
            assert_eq!(old, before, "what stood there stands there in the same order");
            // The window reaches at most this far to either side.
            let reach = re_placed + 1;
            let stands = position(2_000_000);
            if let Some(left) = gap.checked_sub(reach + 1) {
                assert!(position(before[left]) < stands);
            }
            if let Some(right) = before.get(gap + reach) {
                assert!(stands < position(*right));
            }
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
}

/// Three replicas insert, move and remove at one crowded spot, and hear of each other now and then: by
/// states, and by deltas late and again. In the end each item that nobody removed is there once.
#[test]
fn crowded_lists_survive_concurrent_edits() {
    let starts: Vec<Document> = re_placings().map(|found| found.0.clone()).collect();
    let mut re_placed = 0;
    let rounds = u64::from(count(200).min(200));
    for round in 0..rounds {
        let mut random = Random(round * 7_919 + 1);
        let start = &starts[random.below(starts.len())];
        let mut expected: BTreeSet<u64> = items(start).into_iter().collect();
        let mut replicas = vec![start.clone(); 3];
        let mut deltas = vec![start.delta_since(&Document::new().version())];
        for step in 0..40 {
            let who = random.below(3);
            let (id, now) = (replica(10 + who as u64), at(5_000 + step));
            let document = &mut replicas[who];
            let near = (len(document) / 2 + random.below(5)).saturating_sub(2);
            let item = format!("{LIST}/{}", near.min(len(document) - 1));
            let delta = match random.below(8) {
                0..=3 => {
                    expected.insert(NEW + step);
                    let delta = insert(document, near, NEW + step, 10 + who as u64);
                    re_placed += u64::from(delta.write_count() > 2);
                    delta
                }
                4 => {
                    let to = (near + random.below(7)).saturating_sub(3).min(len(document) - 1);
                    document.move_item(&item, to, id, now).unwrap()
                }
                5 => {
                    expected.remove(&items(document)[near.min(len(document) - 1)]);
                    document.remove(&item, id, now).unwrap()
                }
                6 => {
                    let late = deltas[random.below(deltas.len())].clone();
                    document.apply_owned(late);
                    continue;
                }
                _ => {
                    let other = replicas[random.below(3)].clone();
                    replicas[who].merge(&other);
                    continue;
                }
            };
            deltas.push(delta);
            replicas[who].check_invariants().unwrap();
        }
        let [a, b, c] = [0, 1, 2].map(|at| replicas[at].clone());
        let join = |order: [&Document; 3]| {
            let mut joined = order[0].clone();
            joined.merge(order[1]);
            joined.merge(order[2]);
            joined
        };
        let joined = join([&a, &b, &c]);
        assert_eq!(join([&c, &a, &b]), joined);
        let mut replayed = Document::new();
        deltas.iter().rev().for_each(|delta| _ = replayed.apply(delta));
        assert_eq!(replayed, joined, "deltas are the state");
        let there = items(&joined);
        let once: BTreeSet<u64> = there.iter().copied().collect();
        assert_eq!((once.len(), &once), (there.len(), &expected));
        let bytes = wire::to_bytes(&joined);
        assert_eq!(wire::to_bytes(&wire::from_bytes::<Document>(&bytes).unwrap()), bytes);
    }
    assert!(re_placed > rounds / 2, "{re_placed}");
}

fn texts(document: &Document) -> Vec<String> {
    let Some(Value::Array(items)) = document.get(LIST) else { panic!("no list") };
    items.iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}

/// What was appended apart stands by the time at which each side began, whoever has the greater id;
/// and each run stays whole.
#[test]
fn what_is_appended_apart_stands_by_time() {
    let (monday, tuesday) = (1_717_372_800_000, 1_717_459_200_000);
    for (early, late) in [(1, 2), (2, 1)] {
        let (mut first, mut second) = (empty(), empty());
        for (number, text) in ["Mo 1", "Mo 2"].into_iter().enumerate() {
            first.push(LIST, text, replica(early), at(monday + number as u64)).unwrap();
        }
        for (number, text) in ["Tu 1", "Tu 2"].into_iter().enumerate() {
            second.push(LIST, text, replica(late), at(tuesday + number as u64)).unwrap();
        }
        let mut both = second.clone();
        both.merge(&first);
        assert_eq!(texts(&both), ["Mo 1", "Mo 2", "Tu 1", "Tu 2"]);
        first.merge(&second);
        assert_eq!(texts(&first), texts(&both));
        // Whoever appends to what it sees stands last, under whatever clock; and counts on from there.
        both.push(LIST, "slow clock", replica(early), at(monday)).unwrap();
        first.push(LIST, "later still", replica(late), at(tuesday + 9)).unwrap();
        both.merge(&first);
        assert_eq!(texts(&both), ["Mo 1", "Mo 2", "Tu 1", "Tu 2", "later still", "slow clock"]);
    }
}

/// What was prepended apart stands by time too, the latest first.
#[test]
fn what_is_prepended_apart_stands_by_time_backwards() {
    let (mut first, mut second) = (empty(), empty());
    for document in [&mut first, &mut second] {
        document.push(LIST, "old", replica(3), at(1)).unwrap();
    }
    first.insert("/l/0", "earlier", replica(2), at(1_000)).unwrap();
    second.insert("/l/0", "later", replica(1), at(2_000)).unwrap();
    first.merge(&second);
    assert_eq!(texts(&first), ["later", "earlier", "old"]);
}

/// A clock at the very end leaves room for those that follow.
#[test]
fn extreme_clocks_leave_room() {
    let mut document = empty();
    let mut expected = Vec::new();
    for (step, time) in
        [0, u64::MAX, 1 << 61, 7, u64::MAX, 0].into_iter().cycle().take(300).enumerate()
    {
        let (who, text) = (replica(step as u64 % 3), step.to_string());
        let now = Timestamp::from_millis(time);
        if step % 2 == 0 {
            document.push(LIST, &text, who, now).unwrap();
            expected.push(text);
        } else {
            document.insert("/l/0", &text, who, now).unwrap();
            expected.insert(0, text);
        }
        assert_eq!(texts(&document), expected);
    }
    let bytes = wire::to_bytes(&document);
    assert_eq!(wire::from_bytes::<Document>(&bytes).unwrap(), document);
}

/// A document whose list is keyed by `id`, and was written as a whole.
fn imported(ids: &[u64], who: u64, now: u64) -> Document {
    let keys = Rules::new().keyed(LIST, "id").unwrap();
    Document::from_value_with(keys, keyed(ids), replica(who), at(now)).unwrap()
}

fn keyed(ids: &[u64]) -> Value {
    let items = ids.iter().map(|id| Value::from_iter([("id", *id)]));
    Value::from_iter([("l", Value::Array(items.collect()))])
}

/// The same as one version of a record: its replica's first.
fn snapshot(ids: &[u64], who: u64, now: u64) -> Document {
    let keys = Rules::new().keyed(LIST, "id").unwrap();
    let clock = [(replica(who), 1)].into_iter().collect();
    Document::from_snapshot_with(keys, keyed(ids), &clock, replica(who), at(now)).unwrap()
}

fn ids(document: &Document) -> Vec<u64> {
    let Some(Value::Array(items)) = document.get(LIST) else { panic!("no list") };
    items.iter().map(|item| item["id"].as_u64().unwrap()).collect()
}

fn merged(documents: &[&Document]) -> Document {
    let mut all = Document::new();
    documents.iter().for_each(|document| _ = all.merge(document));
    let mut backwards = Document::new();
    documents.iter().rev().for_each(|document| _ = backwards.merge(document));
    assert_eq!(all, backwards);
    assert_eq!(all.to_value(), backwards.to_value());
    all.check_invariants().unwrap();
    all
}

/// Arrays that were written apart stand one after the other, by time and then by replica; an item of
/// both stands where the later one has it.
#[test]
fn arrays_that_were_written_apart_stand_one_after_the_other() {
    for import in [imported, snapshot] {
        let read = |ours: (&[u64], u64, u64), theirs: (&[u64], u64, u64)| {
            let [ours, theirs] = [ours, theirs].map(|it| import(it.0, it.1, it.2));
            ids(&merged(&[&ours, &theirs]))
        };
        assert_eq!(read((&[1, 2, 3, 4], 1, 1), (&[3, 4], 2, 2)), [1, 2, 3, 4]);
        assert_eq!(read((&[1, 2, 3, 4], 2, 1), (&[3, 4, 5], 1, 2)), [1, 2, 3, 4, 5]);
        assert_eq!(read((&[1, 2], 1, 2), (&[3, 4], 2, 1)), [3, 4, 1, 2]);
        // At one time, the greater replica's is the later.
        assert_eq!(read((&[1, 2], 2, 1), (&[3, 4], 1, 1)), [3, 4, 1, 2]);
        assert_eq!(read((&[1, 2, 3], 1, 1), (&[1, 2, 3], 2, 7)), [1, 2, 3]);
        assert_eq!(read((&[1, 2, 3], 1, 1), (&[3, 2, 1], 2, 7)), [3, 2, 1]);
    }
    let mut ours = empty();
    let mut theirs = ours.clone();
    ours.set(LIST, [1, 2], replica(1), at(5)).unwrap();
    theirs.set(LIST, [3, 4], replica(2), at(4)).unwrap();
    assert_eq!(items(&merged(&[&ours, &theirs])), [3, 4, 1, 2]);
}

/// The first item that is appended to an import begins a run, which stands by its own time.
#[test]
fn what_is_appended_to_an_import_is_a_run_of_its_own() {
    let (mut ours, mut theirs) = (imported(&[1, 2], 1, 1), imported(&[1, 2], 2, 1));
    let push = |document: &mut Document, id: u64, who, now| {
        let item = Value::from_iter([("id", id)]);
        document.push(LIST, item, replica(who), at(now)).unwrap();
    };
    push(&mut ours, 30, 1, 30);
    push(&mut theirs, 20, 2, 20);
    push(&mut ours, 31, 1, 31);
    push(&mut theirs, 21, 2, 40);
    assert_eq!(ids(&merged(&[&ours, &theirs])), [1, 2, 20, 21, 30, 31]);
}

/// Both sides reversed the list alike: they agree.
#[test]
fn equal_moves_are_no_conflict() {
    let numbers: Vec<u64> = (0..50).collect();
    let reversed: Vec<u64> = (0..50).rev().collect();
    let base = imported(&numbers, 1, 1);
    let (mut ours, mut theirs) = (base.clone(), base.clone());
    ours.update(keyed(&reversed), replica(2), at(2)).unwrap();
    theirs.update(keyed(&reversed), replica(3), at(3)).unwrap();
    for (mut one, other) in [(ours.clone(), theirs.clone()), (theirs, ours)] {
        let report = one.merge_reporting(&other);
        assert_eq!((report.changes(), report.conflicts()), (&[][..], &[][..]));
        assert_eq!((ids(&one), one.conflicts()), (reversed.clone(), vec![]));
        for index in [0, 25, 49] {
            let item = one.at(&format!("{LIST}/{index}")).unwrap();
            assert_eq!(item.conflicts(), []);
        }
    }
}

/// One item that two sides moved to one index, and one that they did not.
#[test]
fn what_sides_disagree_on_is_told_by_what_each_side_alone_would_have() {
    let base = imported(&[1, 2, 3, 4, 5, 6], 1, 1);
    let (mut ours, mut theirs) = (base.clone(), base.clone());
    let go = |document: &mut Document, id: u64, to, who, now| {
        let from = document.item(LIST, id).unwrap();
        document.move_item(&from, to, replica(who), at(now)).unwrap();
    };
    // Both move 6 to the front; then 1 to the end, or to index 3.
    go(&mut ours, 6, 0, 2, 2);
    go(&mut theirs, 6, 0, 3, 3);
    go(&mut ours, 1, 5, 2, 4);
    go(&mut theirs, 1, 3, 3, 5);
    assert_eq!((ids(&ours), ids(&theirs)), (vec![6, 2, 3, 4, 5, 1], vec![6, 2, 3, 1, 4, 5]));
    let report = ours.merge_reporting(&theirs);
    assert_eq!(ids(&ours), [6, 2, 3, 1, 4, 5]);
    for conflicts in [report.conflicts().to_vec(), ours.conflicts()] {
        assert_eq!(conflicts.len(), 1, "{conflicts:?}");
        let conflict = &conflicts[0];
        assert_eq!((conflict.path.to_string(), conflict.kind), ("/l/3".into(), ConflictKind::Move));
        assert_eq!(conflict.winner.claim.value(), Some(&3_u64.into()));
        assert_eq!(conflict.losers.len(), 1);
        assert_eq!(conflict.losers[0].claim.value(), Some(&5_u64.into()));
        assert_eq!(conflict.losers[0].stamp.unwrap().replica, replica(2));
    }
    // To move it to where it stands settles it.
    go(&mut ours, 1, 3, 2, 9);
    assert_eq!(ours.conflicts(), []);
}

/// What two arrays agree on stands in that order, whichever is the later.
#[test]
fn an_older_window_that_is_imported_later_stands_in_order() {
    for import in [imported, snapshot] {
        let read = |ours: (&[u64], u64), theirs: (&[u64], u64)| {
            let [ours, theirs] =
                [(ours, 1), (theirs, 2)].map(|((list, now), who)| import(list, who, now));
            let both = merged(&[&ours, &theirs]);
            assert_eq!(both.conflicts(), []);
            ids(&both)
        };
        assert_eq!(read((&[2, 3, 4], 1), (&[1, 2, 3], 2)), [1, 2, 3, 4]);
        assert_eq!(read((&[1, 2, 3], 1), (&[2, 3, 4], 2)), [1, 2, 3, 4]);
        assert_eq!(read((&[1, 2, 3, 4], 1), (&[3, 4], 2)), [1, 2, 3, 4]);
        assert_eq!(read((&[1, 2, 3, 4], 1), (&[1, 2], 2)), [1, 2, 3, 4]);
        assert_eq!(read((&[1, 2, 3, 4], 1), (&[2], 2)), [1, 2, 3, 4]);
        assert_eq!(read((&[1, 3], 1), (&[1, 2, 3], 2)), [1, 2, 3]);
        assert_eq!(read((&[1, 2, 3], 1), (&[1, 3], 2)), [1, 2, 3]);
    }
    // No array says that 1 is before 2 but the first, in which the later two are not read.
    let [a, b, c] = [imported(&[1, 2], 1, 1), imported(&[2], 2, 2), imported(&[1], 3, 3)];
    assert_eq!(ids(&merged(&[&a, &b, &c])), [1, 2]);
}

/// What one side appended to its import stands behind what another imports later.
#[test]
fn what_was_appended_stays_behind_what_was_there() {
    let mut ours = imported(&[1, 2, 3], 1, 1);
    let theirs = imported(&[1, 2, 3], 2, 90);
    for (id, now) in [(4, 10), (5, 20)] {
        let item = Value::from_iter([("id", Value::from(id))]);
        ours.push(LIST, item, replica(1), at(now)).unwrap();
    }
    let item = Value::from_iter([("id", 9_u64)]);
    ours.insert("/l/1", item, replica(1), at(30)).unwrap();
    let both = merged(&[&ours, &theirs]);
    assert_eq!((ids(&both), both.conflicts()), (vec![1, 9, 2, 3, 4, 5], vec![]));
}

/// Edits of a list in which items stand by others leave everything else where it is.
#[test]
fn what_stands_by_another_stays_when_that_goes() {
    let base = merged(&[&imported(&[2, 3, 4, 5], 1, 1), &imported(&[1, 2, 3], 2, 2)]);
    assert_eq!(ids(&base), [1, 2, 3, 4, 5]);
    let edits = [
        (vec![1, 2, 4, 5], "remove", 2, 0),
        (vec![1, 2, 3, 5], "remove", 3, 0),
        (vec![3, 1, 2, 4, 5], "move", 2, 0),
        (vec![1, 2, 4, 3, 5], "move", 3, 2),
        (vec![1, 2, 3, 9, 4, 5], "insert", 3, 0),
        (vec![1, 2, 3, 4, 9, 5], "insert", 4, 0),
        (vec![1, 2, 3, 4, 5, 9], "insert", 5, 0),
    ];
    for (expected, edit, index, to) in edits {
        let (mut document, pointer) = (base.clone(), format!("{LIST}/{index}"));
        let (who, now) = (replica(3), at(9));
        let delta = match edit {
            "remove" => document.remove(&pointer, who, now),
            "move" => document.move_item(&pointer, to, who, now),
            _ => document.insert(&pointer, Value::from_iter([("id", 9_u64)]), who, now),
        };
        assert_eq!(ids(&document), expected, "{edit} {index} {to}");
        let mut told = base.clone();
        let report = told.apply_reporting(&delta.unwrap());
        assert_eq!(told, document);
        assert!(report.changes().len() <= 2, "{report:?}");
        document.check_invariants().unwrap();
    }
    let mut updated = base.clone();
    assert!(updated.update(keyed(&[1, 2, 3, 4, 5]), replica(3), at(9)).unwrap().is_empty());
    updated.update(keyed(&[1, 4, 5, 7]), replica(3), at(9)).unwrap();
    assert_eq!(ids(&updated), [1, 4, 5, 7]);
}

fn pushed(document: &Document, id: u64, who: u64, now: u64) -> (Document, DocumentDelta) {
    let mut document = document.clone();
    let item = Value::from_iter([("id", id)]);
    let delta = document.push(LIST, item, replica(who), at(now)).unwrap();
    (document, delta)
}

/// The 4 stands behind the 3, which another side imported later, and the 5 was appended.
fn woven() -> Document {
    let older = pushed(&imported(&[3, 4], 1, 1), 5, 1, 9).0;
    let base = merged(&[&older, &imported(&[1, 2, 3], 2, 2)]);
    assert_eq!(ids(&base), [1, 2, 3, 4, 5]);
    base
}

/// How many writes an item is that is appended to a list in which all stand by their own places.
fn alone() -> usize {
    pushed(&imported(&[1, 2, 3, 4, 5], 1, 1), 6, 3, 30).1.write_count()
}

/// An item that stands behind another stays there if something goes between the two, or if the other
/// is moved away. It alone is given a place.
#[test]
fn what_stands_behind_one_other_stays_when_that_moves() {
    let mut inserted = woven();
    let item = Value::from_iter([("id", 9_u64)]);
    let delta = inserted.insert("/l/3", item, replica(3), at(30)).unwrap();
    assert_eq!(ids(&inserted), [1, 2, 3, 9, 4, 5]);
    assert_eq!(delta.write_count(), alone() + 1);
    for (to, expected) in [(0, [3, 1, 2, 4, 5]), (4, [1, 2, 4, 5, 3])] {
        let mut moved = woven();
        let delta = moved.move_item("/l/2", to, replica(3), at(30)).unwrap();
        assert_eq!((ids(&moved), delta.write_count()), (expected.to_vec(), 2));
        moved.check_invariants().unwrap();
    }
}

/// Room for a new item is looked for where items are read, and not where somebody imported them once.
#[test]
fn room_is_made_where_items_are_read() {
    let parts: [(&[u64], u64); 5] =
        [(&[1, 2], 10), (&[3, 4], 100), (&[1], 300), (&[3], 400), (&[5], 401)];
    let parts = parts.into_iter().zip(1..).map(|((ids, now), who)| imported(ids, who, now));
    let parts: Vec<Document> = parts.collect();
    let mut all = merged(&parts.iter().collect::<Vec<_>>());
    assert_eq!(ids(&all), [1, 2, 3, 4, 5]);
    let item = Value::from_iter([("id", 9_u64)]);
    all.insert("/l/3", item, replica(9), at(500)).unwrap();
    assert_eq!(ids(&all), [1, 2, 3, 9, 4, 5]);
    all.check_invariants().unwrap();
}

/// Appending to a list in which some items stand by others gives no place to any of those.
#[test]
fn appending_where_items_stand_by_others_writes_the_new_item_alone() {
    let (appended, delta) = pushed(&woven(), 6, 3, 30);
    assert_eq!((ids(&appended), delta.write_count()), (vec![1, 2, 3, 4, 5, 6], alone()));
    appended.check_invariants().unwrap();
}

/// What was appended before another side imported the same list stands behind all that was there,
/// whichever of the three arrives last.
#[test]
fn what_arrives_late_stands_behind_what_it_was_appended_to() {
    let (first, second) = (imported(&[1, 2], 1, 1), imported(&[1, 2], 2, 90));
    let third = pushed(&first, 3, 3, 10).0;
    let both = merged(&[&first, &second]);
    let mut all = both.clone();
    let report = all.merge_reporting(&third);
    check_replay(&both, &all, &report);
    assert_eq!((ids(&all), all), (vec![1, 2, 3], merged(&[&first, &second, &third])));
}

/// An item that one side appended and another imported before others stands before those.
#[test]
fn an_item_that_one_side_appended_stands_before_what_the_other_has_behind_it() {
    let (imported, appended) =
        (imported(&[1, 2, 3], 1, 1), pushed(&imported(&[], 2, 1), 1, 2, 50).0);
    assert_eq!(ids(&merged(&[&imported, &appended])), [1, 2, 3]);
}

fn index(id: u64) -> usize {
    usize::try_from(id).unwrap()
}

type Import = fn(&[u64], u64, u64) -> Document;

/// Some documents merged in some order, in some grouping.
fn merged_anyhow(mut documents: Vec<Document>, random: &mut Random) -> Document {
    while documents.len() > 1 {
        let other = documents.swap_remove(random.below(documents.len()));
        let into = random.below(documents.len());
        let document = &mut documents[into];
        let before = document.clone();
        if random.below(2) == 0 {
            document.apply_owned(other.delta_since(&document.version()));
        } else {
            document.merge(&wire::from_bytes(&wire::to_bytes(&other)).unwrap());
        }
        document.check_invariants().unwrap();
        let mut told = before.clone();
        let report = told.merge_reporting(&other);
        assert_eq!(told.to_value(), document.to_value());
        check_replay(&before, &told, &report);
    }
    documents.remove(0)
}

/// Overlapping windows of one conversation, written apart at any times, in any order of arrival: they
/// read as the conversation. Then everybody appends.
#[test]
fn windows_of_one_conversation_read_as_the_conversation() {
    for round in 0..u64::from(count(2_000)) {
        let mut random = Random(round * 7_919 + 1);
        let import: Import = if random.below(2) == 0 { imported } else { snapshot };
        let len = 4 + random.below(16);
        let (mut windows, mut end) = (Vec::new(), 0);
        while end < len || windows.len() < 2 {
            // Each overlaps the one before.
            let from = end.saturating_sub(1 + random.below(3)).min(len - 1);
            end = (from + 2 + random.below(len)).min(len);
            windows.push((from as u64..end as u64).collect::<Vec<_>>());
        }
        let mut sides: Vec<(u64, Document)> = Vec::new();
        for (who, window) in (1..).zip(&windows) {
            let now = 1 + random.below(40) as u64;
            sides.push((now, import(window, who, now)));
        }
        // The last side goes on before the others hear of it.
        let mut expected: Vec<u64> = (0..len as u64).collect();
        let last = sides.len();
        for step in 0..random.below(3) as u64 {
            let (now, document) = &mut sides[last - 1];
            let item = Value::from_iter([("id", 100 + step)]);
            document.push(LIST, item, replica(last as u64 + 20), at(*now + step)).unwrap();
            expected.push(100 + step);
        }
        let documents: Vec<Document> = sides.into_iter().map(|side| side.1).collect();
        let mut all = merged_anyhow(documents.clone(), &mut random);
        let other_way = merged_anyhow(documents, &mut random);
        assert_eq!(ids(&all), expected, "{windows:?}, {round}");
        assert_eq!((&other_way, ids(&other_way)), (&all, expected.clone()));
        assert_eq!(all.conflicts(), []);
        for step in 0..6 {
            let (who, now) = (replica(30 + step % 2), at(50 + step));
            let item = Value::from_iter([("id", 200 + step)]);
            match random.below(4) {
                3 => {
                    let [from, to] = [0; 2].map(|_| random.below(expected.len()));
                    all.move_item(&format!("{LIST}/{from}"), to, who, now).unwrap();
                    let moved = expected.remove(from);
                    expected.insert(to, moved);
                }
                0 => {
                    let gone = random.below(expected.len());
                    all.remove(&format!("{LIST}/{gone}"), who, now).unwrap();
                    expected.remove(gone);
                }
                1 => {
                    let index = random.below(expected.len() + 1);
                    all.insert(&format!("{LIST}/{index}"), item, who, now).unwrap();
                    expected.insert(index, 200 + step);
                }
                _ => {
                    all.push(LIST, item, who, now).unwrap();
                    expected.push(200 + step);
                }
            }
            assert_eq!(ids(&all), expected, "{windows:?}, {round}");
        }
        all.check_invariants().unwrap();
    }
}

/// Arrays in any order: they converge, and where no order satisfies all of them that is told, once.
#[test]
fn arrays_that_contradict_each_other_converge_and_are_told() {
    let mut told = 0;
    for round in 0..u64::from(count(2_000)) {
        let mut random = Random(round * 104_729 + 1);
        let import: Import = if random.below(2) == 0 { imported } else { snapshot };
        let len = 2 + random.below(6);
        let (mut documents, mut before) = (Vec::new(), vec![vec![false; len]; len]);
        for who in 1..=2 + random.below(3) as u64 {
            let mut order: Vec<u64> = (0..len as u64).collect();
            for _ in 0..random.below(3) {
                order.swap(random.below(len), random.below(len));
            }
            order.retain(|_| random.below(4) > 0);
            for (at, first) in order.iter().enumerate() {
                order[at + 1..].iter().for_each(|it| before[index(*first)][index(*it)] = true);
            }
            documents.push(import(&order, who, 1 + random.below(9) as u64));
        }
        let said = before.clone();
        for by in 0..len {
            for a in 0..len {
                for b in 0..len {
                    before[a][b] |= before[a][by] && before[by][b];
                }
            }
        }
        let contradict = (0..len).any(|item| before[item][item]);
        let all = merged_anyhow(documents.clone(), &mut random);
        let other_way = merged_anyhow(documents, &mut random);
        assert_eq!((&other_way, ids(&other_way)), (&all, ids(&all)));
        let found = ids(&all);
        for (at, second) in found.iter().enumerate() {
            for first in &found[at + 1..] {
                let (first, second) = (index(*first), index(*second));
                assert!(!said[first][second] || before[second][first], "agreed: {found:?}");
            }
        }
        let conflicts = all.conflicts();
        assert_eq!(conflicts.len(), usize::from(contradict), "{conflicts:?}");
        for conflict in &conflicts {
            assert_eq!((conflict.kind, &conflict.path), (ConflictKind::Order, &conflict.path));
            assert_eq!(conflict.path, LIST);
            told += 1;
        }
        // Whoever moves something in it has seen it.
        if contradict {
            let mut settled = all.clone();
            settled.move_item("/l/0", 1, replica(9), at(99)).unwrap();
            let mut expected = found.clone();
            expected.swap(0, 1);
            assert_eq!((ids(&settled), settled.conflicts()), (expected, vec![]));
            settled.check_invariants().unwrap();
        }
    }
    assert!(told > 20, "{told}");
}

/// What was pinned stays; and what follows it in a part that arrives late stands behind it.
#[test]
fn a_late_part_stands_behind_what_was_pinned() {
    let mut base = merged(&[&imported(&[2, 3, 4], 1, 10), &imported(&[1, 2, 3], 2, 20)]);
    let delta = base.remove("/l/0", replica(3), at(30)).unwrap();
    assert!(delta.write_count() == 1, "the 4 is pinned");
    for (late, now) in [(&[4, 5][..], 5), (&[4, 5], 40), (&[3, 4, 5], 5), (&[3, 4, 5], 15)] {
        let all = merged(&[&base, &imported(late, 4, now)]);
        assert_eq!((ids(&all), all.conflicts()), (vec![2, 3, 4, 5], vec![]), "{late:?} at {now}");
    }
}
