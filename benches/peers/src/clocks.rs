//! Vector clocks and counters, by the same replicas everywhere: random 128-bit ids.

use crate::{
    Result,
    race::{Contestant, Row, agree, race},
    sets::element,
};
use crdts::{CmRDT, CvRDT, PNCounter, VClock};
use rejoin::{Causality, Merge, PnCounter, ReplicaId, VectorClock};
use std::{cmp::Ordering, collections::HashMap, hint::black_box};

type Counts = Vec<(u128, u64)>;

fn id(number: u64) -> u128 {
    u128::from(element(number)) << 64 | u128::from(element(number + (1 << 40)))
}

/// Of every `step`th replica, sorted.
fn counts(replicas: u64, first: u64, step: u64, more: u64) -> Counts {
    let mut counts: Counts =
        (0..replicas).map(|it| (id(first + it * step), 1 + it % 7 + more * (it % 2))).collect();
    counts.sort_unstable();
    counts
}

fn ours(counts: &Counts) -> VectorClock {
    counts.iter().map(|&(id, count)| (ReplicaId::from_u128(id), count)).collect()
}

/// The number of which an id was made: its text is that of a UUID.
fn number(id: &ReplicaId) -> u128 {
    u128::from_str_radix(&id.to_string().replace('-', ""), 16).unwrap_or_default()
}

fn of_crdts(counts: &Counts) -> VClock<u128> {
    let mut clock = VClock::new();
    for &(actor, counter) in counts {
        clock.apply(crdts::Dot { actor, counter });
    }
    clock
}

/// Each its own table, with its own seed: what was cloned would be walked in the same order.
fn of_vclock(counts: &Counts) -> vclock::VClock<u128, u64> {
    counts.iter().copied().collect::<HashMap<_, _>>().into()
}

/// By hand: sorted pairs, walked side by side.
fn compare_by_hand(ours: &Counts, theirs: &Counts) -> Option<Ordering> {
    let (mut more, mut less) = (false, false);
    let (mut at, mut their_at) = (0, 0);
    while let (Some(our), Some(their)) = (ours.get(at), theirs.get(their_at)) {
        match our.0.cmp(&their.0) {
            Ordering::Equal => {
                more |= our.1 > their.1;
                less |= our.1 < their.1;
                (at, their_at) = (at + 1, their_at + 1);
            }
            Ordering::Less => (more, at) = (true, at + 1),
            Ordering::Greater => (less, their_at) = (true, their_at + 1),
        }
    }
    more |= at < ours.len();
    less |= their_at < theirs.len();
    match (more, less) {
        (true, true) => None,
        (more, less) => Some(more.cmp(&less)),
    }
}

fn merge_by_hand(ours: &mut Counts, theirs: &Counts) {
    if ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(our, their)| our.0 == their.0) {
        ours.iter_mut().zip(theirs).for_each(|(our, their)| our.1 = our.1.max(their.1));
        return;
    }
    let mut merged = Counts::with_capacity(ours.len() + theirs.len());
    let (mut left, mut right) = (ours.iter().peekable(), theirs.iter().peekable());
    while let Some(next) = [left.peek(), right.peek()].into_iter().flatten().map(|it| it.0).min() {
        let count = |side: &mut std::iter::Peekable<std::slice::Iter<'_, (u128, u64)>>| {
            side.next_if(|it| it.0 == next).map_or(0, |it| it.1)
        };
        merged.push((next, count(&mut left).max(count(&mut right))));
    }
    *ours = merged;
}

/// # Errors
///
/// That contestants disagree.
pub fn compares() -> Result<Vec<Row>> {
    let goals = [(3, "5 ns"), (16, "10 ns"), (1_024, "500 ns")];
    goals.into_iter().map(|(size, goal)| compare(size, goal)).collect()
}

fn compare(size: u64, goal: &'static str) -> Result<Row> {
    // Every other replica has counted more there: so all of both has to be looked at.
    let (a, b) = (counts(size, 0, 1, 0), counts(size, 0, 1, 3));
    let (r, s) = (ours(&a), ours(&b));
    let (c, d) = (of_crdts(&a), of_crdts(&b));
    let (v, w) = (of_vclock(&a), of_vclock(&b));
    let (dense, other): (Vec<u64>, Vec<u64>) =
        (a.iter().map(|it| it.1).collect(), b.iter().map(|it| it.1).collect());
    assert_eq!(r.compare(&s), Causality::Before);
    let answers = [
        ("rejoin", r.partial_cmp(&s)),
        ("crdts", c.partial_cmp(&d)),
        ("vclock", v.partial_cmp(&w)),
        ("by hand", compare_by_hand(&a, &b)),
    ];
    agree("comparing clocks", answers)?;
    let contestants = vec![
        Contestant::again("rejoin", || black_box(&r).compare(black_box(&s))),
        Contestant::again("crdts", || black_box(&c).partial_cmp(black_box(&d))),
        Contestant::again("vclock", || black_box(&v).partial_cmp(black_box(&w))),
        Contestant::again("sorted pairs by hand", || compare_by_hand(black_box(&a), black_box(&b))),
    ];
    let floor = Contestant::again("two arrays", || {
        let pairs = black_box(&dense).iter().zip(black_box(&other));
        pairs.fold((false, false), |(more, less), (a, b)| (more | (a > b), less | (a < b)))
    });
    let work = format!("compare, {size} replicas");
    Ok(race(work, goal, 1.0, contestants, Some(floor)))
}

/// # Errors
///
/// That contestants disagree.
pub fn merges() -> Result<Vec<Row>> {
    let same = |size| (counts(size, 0, 1, 0), counts(size, 0, 1, 3));
    Ok(vec![
        merge("merge, 3 replicas", "4 ns", 1.0, same(3))?,
        merge("merge, 1,024 replicas", "500 ns", 1.0, same(1_024))?,
        merge(
            "merge, 1,024 and 1,024 other replicas, an entry of the outcome",
            "3 ns",
            2_048.0,
            (counts(1_024, 0, 2, 0), counts(1_024, 1, 2, 0)),
        )?,
    ])
}

fn merge(work: &str, goal: &'static str, unit: f64, (a, b): (Counts, Counts)) -> Result<Row> {
    let many = if a.len() < 100 { 256 } else { 8 };
    let (r, s) = (ours(&a), ours(&b));
    let (c, d) = (of_crdts(&a), of_crdts(&b));
    let (v, w) = (of_vclock(&a), of_vclock(&b));
    let merged = {
        let mut merged = r.clone();
        merged.merge(&s);
        merged.iter().map(|(replica, count)| (number(&replica), count)).collect::<Counts>()
    };
    let of_crdts = {
        let mut merged = c.clone();
        merged.merge(d.clone());
        merged.iter().map(|dot| (*dot.actor, dot.counter)).collect::<Counts>()
    };
    let of_vclock = {
        let mut merged = v.clone();
        merged.merge(&w);
        let mut counts: Counts = HashMap::from(merged).into_iter().collect();
        counts.sort_unstable();
        counts
    };
    let mut by_hand = a.clone();
    merge_by_hand(&mut by_hand, &b);
    let answers =
        [("rejoin", merged), ("crdts", of_crdts), ("vclock", of_vclock), ("by hand", by_hand)];
    agree(work, answers)?;
    let contestants = vec![
        Contestant::on_many("rejoin", many, || r.clone(), |it| it.merge(&s)),
        Contestant::on_many(
            "crdts",
            many,
            || (c.clone(), Some(d.clone())),
            |(it, other)| other.take().map(|other| it.merge(other)),
        ),
        Contestant::on_many("vclock", many, || v.clone(), |it| it.merge(&w)),
        Contestant::on_many("sorted pairs by hand", many, || a.clone(), |it| merge_by_hand(it, &b)),
    ];
    Ok(race(work, goal, unit, contestants, None))
}

/// Increments and decrements by hand: sorted rows.
type Rows = Vec<(u128, u64, u64)>;

/// # Errors
///
/// That contestants disagree.
pub fn counters() -> Result<Vec<Row>> {
    let mut rows = counter(3, "5 ns", "")?;
    rows.truncate(1);
    rows.extend(counter(1_024, "900 ns", "30 ns")?);
    Ok(rows)
}

fn counter(size: u64, merge_goal: &'static str, value_goal: &'static str) -> Result<Vec<Row>> {
    let rows = |more: u64| -> Rows {
        let row = |it: u64| (id(it), 2 + it % 7 + more * (it % 2), 1 + more * (it % 3));
        let mut rows: Rows = (0..size).map(row).collect();
        rows.sort_unstable();
        rows
    };
    let (a, b) = (rows(0), rows(3));
    let ours = |rows: &Rows| -> Result<PnCounter> {
        let mut counter = PnCounter::new();
        for &(id, up, down) in rows {
            counter.increment(up, ReplicaId::from_u128(id))?;
            counter.decrement(down, ReplicaId::from_u128(id))?;
        }
        Ok(counter)
    };
    let of_crdts = |rows: &Rows| {
        let mut counter = PNCounter::new();
        for &(id, up, down) in rows {
            counter.apply(counter.inc_many(id, up));
            counter.apply(counter.dec_many(id, down));
        }
        counter
    };
    let by_hand = |ours: &mut Rows, theirs: &Rows| {
        for (our, their) in ours.iter_mut().zip(theirs) {
            assert_eq!(our.0, their.0, "by hand only where all replicas are the same");
            (our.1, our.2) = (our.1.max(their.1), our.2.max(their.2));
        }
    };
    let sum =
        |rows: &Rows| rows.iter().map(|row| i128::from(row.1) - i128::from(row.2)).sum::<i128>();
    let table = |rows: &Rows| -> HashMap<u128, (u64, u64)> {
        rows.iter().map(|row| (row.0, (row.1, row.2))).collect()
    };
    let merge_tables = |ours: &mut HashMap<u128, (u64, u64)>,
                        theirs: &HashMap<u128, (u64, u64)>| {
        for (id, (up, down)) in theirs {
            let our = ours.entry(*id).or_default();
            *our = (our.0.max(*up), our.1.max(*down));
        }
    };
    let (r, s) = (ours(&a)?, ours(&b)?);
    let (c, d) = (of_crdts(&a), of_crdts(&b));
    let (t, u) = (table(&a), table(&b));
    let mut merged = (r.clone(), c.clone(), a.clone(), t.clone());
    merged.0.merge(&s);
    merged.1.merge(d.clone());
    by_hand(&mut merged.2, &b);
    merge_tables(&mut merged.3, &u);
    let of_table = merged.3.values().map(|row| i128::from(row.0) - i128::from(row.1)).sum();
    let answers = [
        ("rejoin", merged.0.value()),
        ("crdts", merged.1.read().to_string().parse()?),
        ("sorted rows by hand", sum(&merged.2)),
        ("HashMap by hand", of_table),
    ];
    agree("merging counters", answers)?;
    let many = if size < 100 { 256 } else { 8 };
    let merges = vec![
        Contestant::on_many("rejoin", many, || r.clone(), |it| it.merge(&s)),
        Contestant::on_many(
            "crdts",
            many,
            || (c.clone(), Some(d.clone())),
            |(it, other)| other.take().map(|other| it.merge(other)),
        ),
        Contestant::on_many("sorted rows by hand", many, || a.clone(), |it| by_hand(it, &b)),
        Contestant::on_many("HashMap by hand", many, || table(&a), |it| merge_tables(it, &u)),
    ];
    let merge = race(format!("PN-counter: merge, {size} replicas"), merge_goal, 1.0, merges, None);
    let values = vec![
        Contestant::again("rejoin", || black_box(&r).value()),
        Contestant::again("crdts", || black_box(&c).read()),
        Contestant::again("sorted rows by hand", || sum(black_box(&a))),
    ];
    let value = race(format!("PN-counter: value, {size} replicas"), value_goal, 1.0, values, None);
    Ok(vec![merge, value])
}
