//! Counts open sessions in three regions, of which one crashes and one is cut off for a while.
//!
//! `cargo run --example session_counters -- [--seed N] [--svg FILE]`

mod picture;
mod simulation;

use simulation::{NAMES, Run, Sample};
use std::{env, error::Error, fs};

fn show(what: &str, sample: &Sample) {
    let read = sample.read.map(|read| read.map_or("down".into(), |read| read.to_string()));
    let [us, eu, ap] = read;
    let Sample { second, truth, ghosts, counter, .. } = sample;
    println!(
        "{second:>4} s  {what:<36} {truth:>5} {us:>11} {eu:>11} {ap:>11} {ghosts:>8} {counter:>11}"
    );
}

fn table(run: &Run) {
    let [us, eu, ap] = NAMES;
    let (crashed, down) = &run.plan.crashes;
    let (cut, while_cut) = &run.plan.cut_off;
    println!(
        "{:<44} {:>5} {us:>11} {eu:>11} {ap:>11} {:>8} {:>11}",
        "", "open", "of dead", "PnCounter"
    );
    let after_lease = down.start + simulation::LEASE + 2 * simulation::SKEW;
    let moments = [
        (down.start - 1, "all is well".to_owned()),
        (down.start, format!("{} crashes", NAMES[*crashed])),
        (after_lease, "its lease is over".to_owned()),
        (down.end + 5, format!("{} is back", NAMES[*crashed])),
        (while_cut.start - 1, "all is well".to_owned()),
        (while_cut.end - 1, format!("{} is cut off", NAMES[*cut])),
        (while_cut.end + 6, "the link is back".to_owned()),
        (simulation::LENGTH - 1, "the end".to_owned()),
    ];
    for (second, what) in moments {
        if let Some(sample) = run.samples.iter().find(|sample| sample.second == second) {
            show(&what, sample);
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let (mut seed, mut svg) = (1, None);
    let mut words = env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        match &word[..] {
            "--seed" => seed = value.parse()?,
            "--svg" => svg = Some(value),
            _ => return Err(format!("{word} is not known: --seed N, --svg FILE").into()),
        }
    }
    let run = simulation::run(seed)?;
    table(&run);
    println!("\n{}", picture::text(&run));
    println!("The crash took {} sessions with it; a PnCounter keeps them forever.", run.lost);
    if let Some(file) = svg {
        fs::write(&file, picture::svg(&run))?;
        println!("The same picture is in {file}.");
    }
    let last = run.samples.last().ok_or("no run")?;
    assert_eq!(last.read, [Some(last.truth.into()); 3]);
    Ok(())
}
