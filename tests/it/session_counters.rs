//! The example of that name, under many seeds.

use crate::effort::count;

#[path = "../../examples/session_counters/picture.rs"]
mod picture;
#[path = "../../examples/session_counters/simulation.rs"]
mod simulation;

use simulation::{LEASE, LENGTH, SKEW, run};

#[test]
fn what_is_read_in_the_end_is_the_truth() {
    let (mut lost, mut wrong) = (0, 0);
    for seed in 0..u64::from(count(1_000)) {
        let run = run(seed).unwrap();
        let end = run.samples.last().unwrap();
        assert_eq!(end.read, [Some(end.truth.into()); 3], "seed {seed}");
        lost += run.lost;
        // The counter keeps what the crash took, and of that only the losses of the network less.
        assert!(end.counter >= i128::from(end.truth), "seed {seed}");
        wrong += u32::from(end.counter > i128::from(end.truth));
    }
    assert!(lost > 0 && wrong > 0, "a crash takes sessions with it");
}

#[test]
fn nobody_counts_the_dead_a_lease_after_their_death() {
    let mut counted_before = 0;
    for seed in 0..u64::from(count(1_000)) {
        let run = run(seed).unwrap();
        let over = run.plan.crashes.1.start + LEASE + 2 * SKEW;
        for sample in &run.samples {
            assert!(sample.ghosts == 0 || sample.second < over, "seed {seed}: {sample:?}");
            counted_before += sample.ghosts;
        }
    }
    assert!(counted_before > 0, "the lease is not over at once");
}

#[test]
fn a_run_follows_from_its_seed() {
    let text = |seed| picture::text(&run(seed).unwrap());
    assert_eq!(text(1), text(1));
    assert_ne!(text(1), text(2));
    let svg = picture::svg(&run(1).unwrap());
    assert_eq!(svg, picture::svg(&run(1).unwrap()));
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    assert_eq!(run(1).unwrap().samples.len() as u64, LENGTH);
}
