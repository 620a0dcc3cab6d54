//! Contestants that do the same work by turns, in one process, so that whatever else the machine
//! does meets them all; and the table of what they took.

use crate::Result;
use std::{
    hint::black_box,
    time::{Duration, Instant},
};

/// How long each contestant may work in all; with its setups three times that.
const BUDGET: Duration = Duration::from_millis(600);
/// How often each gets its turn, and how often even where it takes too long.
const TURNS: usize = 31;
const TURNS_MIN: usize = 3;

/// One library at one work.
pub struct Contestant<'a> {
    pub name: &'static str,
    /// Does the work so many times; how long it took, setups not counted.
    run: Box<dyn FnMut(usize) -> Duration + 'a>,
}

impl<'a> Contestant<'a> {
    /// Work that may be done again and again on what is there.
    pub fn again<T>(name: &'static str, mut work: impl FnMut() -> T + 'a) -> Self {
        let run = move |times| {
            let start = Instant::now();
            for _ in 0..times {
                black_box(work());
            }
            start.elapsed()
        };
        Self { name, run: Box::new(run) }
    }

    /// Work that uses up what it is done on. Neither making nor dropping that is timed.
    pub fn on<S, T>(
        name: &'static str,
        setup: impl FnMut() -> S + 'a,
        work: impl FnMut(&mut S) -> T + 'a,
    ) -> Self {
        Self::on_many(name, 1, setup, work)
    }

    /// The same, on so many at a time: for what is over before a clock can tell.
    pub fn on_many<S, T>(
        name: &'static str,
        many: usize,
        mut setup: impl FnMut() -> S + 'a,
        mut work: impl FnMut(&mut S) -> T + 'a,
    ) -> Self {
        let run = move |times: usize| {
            let mut taken = Duration::ZERO;
            for _ in 0..times.div_ceil(many) {
                let mut states: Vec<S> = (0..many).map(|_| setup()).collect();
                let mut left = Vec::with_capacity(many);
                let start = Instant::now();
                for state in &mut states {
                    left.push(black_box(work(black_box(state))));
                }
                taken += start.elapsed();
            }
            // A turn is told by how often the work was asked for.
            taken.mul_f64(times as f64 / (times.div_ceil(many) * many) as f64)
        };
        Self { name, run: Box::new(run) }
    }

    /// How often the work fits in one turn, by doubling.
    fn times(&mut self) -> usize {
        let turn = BUDGET / TURNS as u32;
        let mut times = 1;
        loop {
            let start = Instant::now();
            let taken = (self.run)(times);
            if taken * 2 > turn || times >= 1 << 20 || start.elapsed() > 8 * turn {
                return times;
            }
            times *= 2;
        }
    }
}

/// One row: the work, what each contestant took of it, in nanoseconds.
#[derive(Clone)]
pub struct Row {
    work: String,
    goal: &'static str,
    /// Rejoin first, then the others; a floor is none of them.
    taken: Vec<(&'static str, f64)>,
    floor: Option<(&'static str, f64)>,
}

/// The contestants by turns. `unit` is how many works one is: what is told is the time of each.
pub fn race(
    work: impl Into<String>,
    goal: &'static str,
    unit: f64,
    contestants: Vec<Contestant<'_>>,
    floor: Option<Contestant<'_>>,
) -> Row {
    let floor_name = floor.as_ref().map(|floor| floor.name);
    let mut all: Vec<Contestant<'_>> = contestants.into_iter().chain(floor).collect();
    let times: Vec<usize> = all.iter_mut().map(Contestant::times).collect();
    let mut samples = vec![Vec::new(); all.len()];
    let mut spent = vec![Duration::ZERO; all.len()];
    for turn in 0..TURNS {
        for (at, contestant) in all.iter_mut().enumerate() {
            if turn >= TURNS_MIN && spent[at] > 3 * BUDGET {
                continue;
            }
            let start = Instant::now();
            let taken = (contestant.run)(times[at]);
            spent[at] += start.elapsed();
            samples[at].push(taken.as_nanos() as f64 / times[at] as f64 / unit);
        }
    }
    let mut taken: Vec<(&str, f64)> = all
        .iter()
        .zip(samples)
        .map(|(contestant, samples)| (contestant.name, median(samples)))
        .collect();
    let floor = floor_name.and_then(|_| taken.pop());
    taken[1..].sort_by(|a, b| a.1.total_cmp(&b.1));
    Row { work: work.into(), goal, taken, floor }
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The head of a table, and its rows.
pub fn print(title: &str, rows: &[Row]) {
    println!("\n### {title}\n");
    println!("| work | goal | rejoin | best of the others | | the rest | floor |");
    println!("|---|---|---|---|---|---|---|");
    for Row { work, goal, taken, floor } in rows {
        let [ours, others @ ..] = &taken[..] else { continue };
        let told = |(name, taken): &(&str, f64)| format!("{name} {}", time(*taken));
        let (best, ratio) = others.first().map_or_else(Default::default, |best| {
            (told(best), format!("{} ×", significant(best.1 / ours.1)))
        });
        let rest: Vec<String> = others.iter().skip(1).map(told).collect();
        let floor = floor.as_ref().map(told).unwrap_or_default();
        println!(
            "| {work} | {goal} | {} | {best} | {ratio} | {} | {floor} |",
            time(ours.1),
            rest.join(", ")
        );
    }
}

pub(crate) fn time(nanos: f64) -> String {
    let (value, unit) = match nanos {
        ..1e3 => (nanos, "ns"),
        ..1e6 => (nanos / 1e3, "µs"),
        ..1e9 => (nanos / 1e6, "ms"),
        _ => (nanos / 1e9, "s"),
    };
    format!("{} {unit}", significant(value))
}

/// Two digits, or all before the point.
fn significant(value: f64) -> String {
    let decimals = match value {
        ..1.0 => 2,
        ..10.0 => 1,
        _ => 0,
    };
    format!("{value:.decimals$}")
}

/// That all contestants gave one answer.
///
/// # Errors
///
/// The name of the first that gave another.
pub fn agree<T: PartialEq>(
    work: &str,
    answers: impl IntoIterator<Item = (&'static str, T)>,
) -> Result {
    let mut answers = answers.into_iter();
    let Some((_, right)) = answers.next() else { return Ok(()) };
    match answers.find(|(_, answer)| *answer != right) {
        Some((name, _)) => Err(format!("{name} gives another answer: {work}").into()),
        None => Ok(()),
    }
}

/// What came of it; a contestant that fails ends the race.
pub fn stop<T>(outcome: Result<T>) -> T {
    outcome.unwrap_or_else(|error| {
        eprintln!("{error}");
        std::process::exit(1)
    })
}
