//! Real conversation trees, edited at random in three regions and merged in many orders.

use crate::{
    Failure,
    edits::{IMPORTED_MS, Region, edit_everywhere},
    merging::{all_conflicts, check_equal, import, keyed, orders, replica, row},
    random::Random,
};
use rejoin::{
    DeltaState, Document, Merge, Timestamp,
    document::{Conflict, ConflictKind, DocumentDelta},
};
use serde_json::Value as Json;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Write},
    path::Path,
    time::{Duration, Instant},
};

/// What happened over the whole corpus.
#[derive(Default)]
struct Totals {
    trees: usize,
    messages: usize,
    edits: usize,
    state_merges: usize,
    deltas_applied: usize,
    conflicts: BTreeMap<ConflictKind, usize>,
    edits_in_conflict: usize,
    conflicts_open: usize,
    editing: Duration,
    merging_states: Duration,
    applying_deltas: Duration,
}

pub(crate) fn run(path: &Path) -> Result<(), Failure> {
    let begin = Instant::now();
    let trees = read(path)?;
    let reading = begin.elapsed();

    let mut totals = Totals::default();
    for (number, tree) in (0..).zip(&trees) {
        exercise(tree, Random::seeded(number), &mut totals)?;
    }
    Ok(print(&mut io::stdout().lock(), &totals, reading)?)
}

/// Edits a tree in three regions, merges in every way, and compares what came out.
fn exercise(tree: &Json, mut random: Random, totals: &mut Totals) -> Result<(), Failure> {
    let begin = Instant::now();
    let now = Timestamp::from_millis(IMPORTED_MS);
    let base = import(tree, keyed("message_id")?, replica("origin")?, now)?;
    let messages = ids(tree);
    let regions = edit_everywhere(&base, &messages, &mut random)?;
    totals.editing += begin.elapsed();
    totals.trees += 1;
    totals.messages += messages.len();
    totals.edits += regions.iter().map(|region| region.deltas.len()).sum::<usize>();

    let merged = merge_states(&regions, totals)?;
    apply_deltas(&base, &regions, &merged, &mut random, totals)?;
    count_conflicts(&base, &regions, &merged, totals)
}

fn merge_states(regions: &[Region], totals: &mut Totals) -> Result<Document, Failure> {
    let mut first = None;
    for order in orders(regions.len()) {
        let mut sides = order.iter().filter_map(|&at| regions.get(at)).map(|it| &it.document);
        let mut merged = sides.next().cloned().unwrap_or_default();
        let begin = Instant::now();
        for side in sides {
            merged.merge(side);
        }
        totals.merging_states += begin.elapsed();
        totals.state_merges += order.len() - 1;
        let first = first.get_or_insert_with(|| merged.clone());
        check_equal(first, &merged, || format!("states merged in order {order:?}"))?;
    }
    Ok(first.unwrap_or_default())
}

/// Sends every delta to every region and to one that has made none, each time in another order,
/// and about a quarter of them twice.
fn apply_deltas(
    base: &Document,
    regions: &[Region],
    expected: &Document,
    random: &mut Random,
    totals: &mut Totals,
) -> Result<(), Failure> {
    let all: Vec<&DocumentDelta> = regions.iter().flat_map(|region| &region.deltas).collect();
    let receivers = regions.iter().map(|region| &region.document).chain([base]);
    for (receiver, document) in receivers.enumerate() {
        let mut deltas: Vec<DocumentDelta> = all.iter().map(|&delta| delta.clone()).collect();
        let repeated = all.iter().filter(|_| random.below(4) == 0);
        deltas.extend(repeated.map(|&delta| delta.clone()));
        random.shuffle(&mut deltas);
        totals.deltas_applied += deltas.len();

        let mut merged = document.clone();
        let begin = Instant::now();
        for delta in deltas {
            merged.apply_owned(delta);
        }
        totals.applying_deltas += begin.elapsed();
        check_equal(expected, &merged, || format!("shuffled deltas, receiver {receiver}"))?;
    }
    Ok(())
}

/// Merges once more, with reports, each region last once. Not timed with the merges: they do not
/// need it.
fn count_conflicts(
    base: &Document,
    regions: &[Region],
    expected: &Document,
    totals: &mut Totals,
) -> Result<(), Failure> {
    let mut reported = Vec::new();
    for (at, last) in regions.iter().enumerate() {
        let mut merged = base.clone();
        for (_, other) in regions.iter().enumerate().filter(|it| it.0 != at) {
            merged.merge(&other.document);
        }
        reported.push(merged.merge_reporting(&last.document));
        check_equal(expected, &merged, || format!("states merged with reports, {at} last"))?;
    }
    let conflicts = all_conflicts(expected, &reported);
    let open: BTreeSet<_> = expected.conflicts().iter().map(row).collect();
    totals.conflicts_open += conflicts.iter().filter(|it| open.contains(&row(it))).count();
    totals.edits_in_conflict += edits_in(&conflicts);
    for conflict in conflicts {
        *totals.conflicts.entry(conflict.kind).or_default() += 1;
    }
    Ok(())
}

/// How many edits contended, the winners counted too. A state does not say which edit made a
/// deletion, so each deletion counts as one.
fn edits_in(conflicts: &[Conflict]) -> usize {
    let contenders = || conflicts.iter().flat_map(|it| [&it.winner].into_iter().chain(&it.losers));
    let stamps: BTreeSet<_> = contenders().filter_map(|it| it.stamp).collect();
    stamps.len() + contenders().filter(|it| it.stamp.is_none()).count()
}

fn ids(tree: &Json) -> Vec<String> {
    let messages = tree.get("messages").and_then(Json::as_array).into_iter().flatten();
    messages.filter_map(|it| Some(it.get("message_id")?.as_str()?.to_owned())).collect()
}

/// Reads the trees, one a line; blank lines are passed over.
fn read(path: &Path) -> Result<Vec<Json>, Failure> {
    let refuse = |why: String| Failure::Refused(format!("{}: {why}", path.display()));
    let text = fs::read(path).map_err(|error| refuse(error.to_string()))?;
    let lines = (1_usize..).zip(text.split(|&byte| byte == b'\n'));
    let filled = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
    let trees: Vec<Json> = filled
        .map(|(number, line)| {
            let tree = serde_json::from_slice(line).map_err(|e| misread(number, &e));
            tree.and_then(|tree| flatten(tree).map_err(|why| format!("line {number}: {why}")))
        })
        .collect::<Result<_, _>>()
        .map_err(refuse)?;
    if trees.is_empty() { Err(refuse("it holds no trees".into())) } else { Ok(trees) }
}

/// The parser sees one line at a time and calls each of them the first.
fn misread(line: usize, error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.rsplit_once(" at line ").map_or(text.as_str(), |parts| parts.0);
    format!("{what} at line {line} column {}", error.column())
}

/// Turns nested `replies` into one list of `messages`, each with its `parent_id` and `rank`: so
/// a reply outlives the message that it replies to.
fn flatten(tree: Json) -> Result<Json, String> {
    let Json::Object(mut fields) = tree else { return Err("not an object".into()) };
    let prompt = fields.remove("prompt").ok_or("there is no `prompt`")?;
    let (mut ids, mut messages) = (BTreeSet::new(), Vec::new());
    let mut left = vec![prompt];
    while let Some(message) = left.pop() {
        let Json::Object(mut message) = message else {
            return Err("a message is not an object".into());
        };
        let id = message.get("message_id").and_then(|id| id.as_str().map(String::from));
        let id = id.ok_or("a message has no `message_id`")?;
        match message.remove("replies") {
            Some(Json::Array(replies)) => left.extend(replies),
            Some(_) => return Err(format!("the `replies` of {id} are not an array")),
            None => {}
        }
        if !ids.insert(id.clone()) {
            return Err(format!("message {id} is there twice"));
        }
        messages.push(Json::Object(message));
    }
    fields.insert("messages".into(), Json::Array(messages));
    Ok(Json::Object(fields))
}

fn print(out: &mut dyn Write, totals: &Totals, reading: Duration) -> io::Result<()> {
    let Totals { trees, messages, edits, state_merges, deltas_applied, .. } = totals;
    let conflicts: usize = totals.conflicts.values().sum();
    writeln!(out, "trees      {trees}")?;
    writeln!(out, "messages   {messages}")?;
    writeln!(out, "edits      {edits} in three regions, each a delta")?;
    writeln!(out, "merges     {state_merges} of whole states, in all six orders")?;
    writeln!(out, "deltas     {deltas_applied} applied, shuffled, a quarter of them twice")?;
    writeln!(
        out,
        "conflicts  {conflicts}, with {} of the edits in them",
        totals.edits_in_conflict
    )?;
    for (kind, count) in &totals.conflicts {
        writeln!(out, "           {count} {kind}")?;
    }
    let (open, told) = (totals.conflicts_open, conflicts - totals.conflicts_open);
    writeln!(
        out,
        "           {open} stand open in the merged documents, and {told} deletions lost"
    )?;
    writeln!(out, "           to an edit that settled them: only the merges told of those")?;
    writeln!(out, "result     every replica equal, in every order")?;
    writeln!(out)?;
    writeln!(out, "reading    {reading:.1?}")?;
    writeln!(out, "editing    {:.1?}, with the imports", totals.editing)?;
    writeln!(out, "merging    {:.1?} for the states", totals.merging_states)?;
    writeln!(out, "           {:.1?} for the deltas", totals.applying_deltas)
}
