//! What is asked for, and the tables.

use super::{
    measure::{Costs, Outcome, play},
    scripts::{SCRIPTS, Script},
};
use crate::{Result, race::time};
use std::time::Duration;

const MARKS: [u64; 3] = [1_000, 10_000, 100_000];
const BUDGET: Duration = Duration::from_secs(30);

/// Which scripts, up to how many edits, and how long a library may take for one script.
struct Wanted {
    scripts: Vec<&'static Script>,
    marks: Vec<u64>,
    budget: Duration,
}

/// Plays the scripts that are asked for by name, or all, and prints a table of each. A number is the
/// greatest number of edits, one with an `s` the seconds that a library may take for a script.
///
/// # Errors
///
/// A word that is none of these, what the libraries report, and content that is not what it must be.
pub fn print(asked: &[String]) -> Result {
    let wanted = wanted(asked)?;
    println!("\n## Growth\n");
    println!(
        "After so many edits: bytes of the state; bytes of a delta; and the time of an edit with its \
         delta. The last two are means over the last hundredth of the edits, or the last hundred. In \
         brackets is the greatest of these deltas, where it is more than twice the mean."
    );
    for script in &wanted.scripts {
        println!("\n### {}\n\n{}\n", script.title, script.what);
        head(&wanted.marks);
        let mut notes = Vec::new();
        for (name, make) in script.players {
            let outcome = play(script, *make, &wanted.marks, wanted.budget)
                .map_err(|error| format!("{name}, {}: {error}", script.name))?;
            rows(name, &outcome, wanted.marks.len());
            notes.extend(outcome.stopped.map(|(costs, why)| note(name, &costs, &why)));
        }
        if !notes.is_empty() {
            println!("\n{}", notes.join("\n"));
        }
    }
    Ok(())
}

fn wanted(asked: &[String]) -> Result<Wanted> {
    let (mut scripts, mut most, mut budget) = (Vec::new(), MARKS[2], BUDGET);
    for word in asked {
        if let Some(script) = SCRIPTS.iter().find(|script| script.name == word) {
            scripts.push(script);
        } else if let Ok(edits) = word.parse() {
            most = edits;
        } else if let Some(Ok(seconds)) = word.strip_suffix('s').map(str::parse) {
            budget = Duration::from_secs(seconds);
        } else {
            let names: Vec<&str> = SCRIPTS.iter().map(|script| script.name).collect();
            return Err(format!("`{word}` is no script: there are {}", names.join(", ")).into());
        }
    }
    if scripts.is_empty() {
        scripts = SCRIPTS.iter().collect();
    }
    let mut marks: Vec<u64> = MARKS.into_iter().filter(|mark| *mark < most).collect();
    marks.push(most);
    Ok(Wanted { scripts, marks, budget })
}

fn head(marks: &[u64]) {
    let columns = |what: &str| {
        let told = |(at, mark): (usize, &u64)| match at {
            0 => format!("{what}, {}", thousands(*mark)),
            _ => thousands(*mark),
        };
        marks.iter().enumerate().map(told).collect::<Vec<_>>().join(" | ")
    };
    println!("| library | {} | {} | {} |", columns("state"), columns("delta"), columns("edit"));
    println!("|---|{}", "--:|".repeat(3 * marks.len()));
}

/// A row for each form of the state. The delta and the time are in the first row only.
fn rows(name: &str, outcome: &Outcome, marks: usize) {
    let forms = outcome.costs.iter().map(|costs| costs.state.len()).max().unwrap_or(1);
    for form in 0..forms {
        let cells = |cell: &dyn Fn(&Costs) -> String| {
            let told = |mark| outcome.costs.get(mark).map_or_else(|| "stopped".into(), cell);
            (0..marks).map(told).collect::<Vec<String>>().join(" | ")
        };
        let once = |text: String| if form == 0 { text } else { String::new() };
        println!(
            "| {} | {} | {} | {} |",
            label(name, outcome.costs.first().map_or("", |costs| costs.state[form].0)),
            cells(&|costs| thousands(costs.state[form].1 as u64)),
            cells(&|costs| once(deltas(costs))),
            cells(&|costs| once(time(costs.edit.as_nanos() as f64))),
        );
    }
}

fn label(name: &str, form: &str) -> String {
    if form.is_empty() { name.into() } else { format!("{name}, {form}") }
}

/// Where a library was stopped, and what things cost there.
fn note(name: &str, costs: &Costs, why: &str) -> String {
    let told = |(form, bytes): &(&str, usize)| {
        let form = if form.is_empty() { "state" } else { form };
        format!("{form} {}", thousands(*bytes as u64))
    };
    format!(
        "- {name} was stopped at {} edits {why}: {}, delta {}, an edit {}.",
        thousands(costs.edits),
        costs.state.iter().map(told).collect::<Vec<_>>().join(", "),
        deltas(costs),
        time(costs.edit.as_nanos() as f64),
    )
}

fn deltas(costs: &Costs) -> String {
    let (mean, most) = (thousands(costs.delta.round() as u64), thousands(costs.delta_max as u64));
    let far = costs.delta_max as f64 > 2.0 * costs.delta;
    if far { format!("{mean} ({most})") } else { mean }
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut told = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            told.push(',');
        }
        told.push(digit);
    }
    told
}
