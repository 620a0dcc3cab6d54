//! One conversation, kept by each library: what is done with it, by turns.

use crate::{
    Peer, Result,
    automerge::Automerge,
    conversation::{Change, Side, conversation},
    crdts::Crdts,
    dson::Dson,
    loro::Loro,
    race::{Contestant, Row, race, stop},
    rejoin::Rejoin,
    yrs::Yrs,
};
use serde_json::Value;

/// Runs for each library in turn; rejoin first.
macro_rules! for_all {
    ($round:ident, $work:ident) => {
        vec![
            $work::<Rejoin>(&$round)?,
            $work::<Automerge>(&$round)?,
            $work::<Loro>(&$round)?,
            $work::<Yrs>(&$round)?,
            $work::<Crdts>(&$round)?,
            $work::<Dson>(&$round)?,
        ]
    };
}

/// What all contestants of one row start from.
struct Round {
    size: usize,
    edits: usize,
    messages: usize,
    json: Value,
}

impl Round {
    fn new(size: usize, edits: usize, messages: usize) -> Self {
        Self { size, edits, messages, json: conversation(size) }
    }

    fn change(&self, side: Side) -> Change {
        Change::new(side, self.size, self.edits, self.messages)
    }

    fn check<P: Peer>(&self, document: &P, changes: &[&Change]) -> Result {
        let expected = changes.iter().fold(self.json.clone(), |json, next| next.expected(json));
        let found: Value = serde_json::from_str(&document.to_json()?)?;
        if found == expected { Ok(()) } else { Err(format!("{} went wrong", P::NAME).into()) }
    }
}

/// # Errors
///
/// That a library gives another answer than the JSON it should, or what it reports.
pub fn rows() -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (size, goal) in [(20, ""), (200, "80 µs"), (2_000, "800 µs")] {
        let round = Round::new(size, 0, 0);
        rows.push(race(format!("build, {size}"), goal, 1.0, for_all!(round, build), None));
    }
    for size in [20, 200, 2_000] {
        let round = Round::new(size, 1, 0);
        let work = format!("set one field, with its delta, {size}");
        rows.push(race(work, "200 ns", 1.0, for_all!(round, write), None));
    }
    for size in [20, 200, 2_000] {
        let round = Round::new(size, 0, 1);
        let work = format!("append one message, with its delta, {size}");
        rows.push(race(work, "500 ns", 1.0, for_all!(round, write), None));
    }
    for size in [20, 200, 2_000] {
        let round = Round::new(size, 1, 1);
        let work = format!("apply an edit and a message, {size}");
        rows.push(race(work, "700 ns", 1.0, for_all!(round, apply), None));
    }
    for (changes, goal) in [(20, "30 µs"), (1, "3 µs")] {
        let round = Round::new(2_000, changes, changes);
        let work = format!("merge, {changes} + {changes} a side, 2,000");
        rows.push(race(work, goal, 1.0, for_all!(round, merge), None));
    }
    for (size, goal) in [(200, "60 µs"), (2_000, "")] {
        let round = Round::new(size, 0, 0);
        let floor = Contestant::again("serde_json::Value", || round.json.to_string());
        let work = format!("to JSON text, {size}");
        rows.push(race(work, goal, 1.0, for_all!(round, to_json), Some(floor)));
    }
    Ok(rows)
}

fn build<P: Peer>(round: &Round) -> Result<Contestant<'_>> {
    round.check(&P::build(&round.json, 1)?, &[])?;
    Ok(Contestant::on(P::NAME, || (), |()| stop(P::build(&round.json, 1))))
}

/// Writes to a document that was just forked.
fn write<'a, P: Peer + 'a>(round: &'a Round) -> Result<Contestant<'a>> {
    let (base, change) = (P::build(&round.json, 1)?, round.change(Side::Ours));
    let mut written = base.fork(2)?;
    written.write(&change)?;
    round.check(&written, &[&change])?;
    Ok(Contestant::on(P::NAME, move || stop(base.fork(2)), move |it| stop(it.write(&change))))
}

fn apply<'a, P: Peer + 'a>(round: &'a Round) -> Result<Contestant<'a>> {
    let (ours, theirs) = (round.change(Side::Ours), round.change(Side::Theirs));
    let base = P::build(&round.json, 1)?;
    let delta = base.fork(3)?.write(&theirs)?;
    let mut applied = base.fork(2)?;
    applied.write(&ours)?;
    applied.apply(delta.clone())?;
    round.check(&applied, &[&ours, &theirs])?;
    let fork = move || {
        let mut document = stop(base.fork(2));
        stop(document.write(&ours));
        (document, Some(delta.clone()))
    };
    let apply = |(document, delta): &mut (P, Option<P::Delta>)| {
        delta.take().map(|delta| stop(document.apply(delta)))
    };
    Ok(Contestant::on(P::NAME, fork, apply))
}

fn merge<'a, P: Peer + 'a>(round: &'a Round) -> Result<Contestant<'a>> {
    let (ours, theirs) = (round.change(Side::Ours), round.change(Side::Theirs));
    let base = P::build(&round.json, 1)?;
    let sides = |base: &P, ours: &Change, theirs: &Change| -> Result<(P, P)> {
        let (mut us, mut them) = (base.fork(2)?, base.fork(3)?);
        us.write(ours)?;
        them.write(theirs)?;
        Ok((us, them))
    };
    let (mut us, mut them) = sides(&base, &ours, &theirs)?;
    us.merge(&mut them)?;
    round.check(&us, &[&ours, &theirs])?;
    let fork = move || stop(sides(&base, &ours, &theirs));
    Ok(Contestant::on(P::NAME, fork, |(us, them)| stop(us.merge(them))))
}

fn to_json<'a, P: Peer + 'a>(round: &'a Round) -> Result<Contestant<'a>> {
    let document = P::build(&round.json, 1)?;
    round.check(&document, &[])?;
    Ok(Contestant::again(P::NAME, move || stop(document.to_json())))
}
