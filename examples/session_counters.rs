//! Counts open sessions in three regions while the link to one of them is down.
//!
//! `cargo run --example session_counters`

use rejoin::{GCounter, Merge, PnCounter, ReplicaId};
use std::error::Error;

/// How many sessions are open, and how many ever were. A tuple of states is a state, and a
/// counter's delta is a small counter: so this is what a region holds, and what it sends.
type Sessions = (PnCounter, GCounter);

struct Region {
    id: ReplicaId,
    sessions: Sessions,
    /// What other regions sent while the link was down.
    waiting: Vec<Sessions>,
}

impl Region {
    fn named(name: &str) -> Result<Self, Box<dyn Error>> {
        Ok(Self { id: name.parse()?, sessions: Sessions::default(), waiting: Vec::new() })
    }

    fn open(&mut self, count: u64) -> Result<Sessions, Box<dyn Error>> {
        let (open, ever) = &mut self.sessions;
        Ok((open.increment(count, self.id)?, ever.increment(count, self.id)?))
    }

    /// Closes sessions, whoever opened them.
    fn close(&mut self, count: u64) -> Result<Sessions, Box<dyn Error>> {
        Ok((self.sessions.0.decrement(count, self.id)?, GCounter::new()))
    }

    /// The link is back: what waited arrives, the last first and all of it twice.
    fn catch_up(&mut self) {
        for delta in self.waiting.iter().chain(&self.waiting).rev() {
            self.sessions.merge(delta);
        }
        self.waiting.clear();
    }
}

fn show(what: &str, regions: [&Region; 3]) {
    let counts =
        regions.map(|it| format!("{} of {}", it.sessions.0.value(), it.sessions.1.value()));
    println!("{what:<36} {:>12} {:>12} {:>16}", counts[0], counts[1], counts[2]);
}

fn main() -> Result<(), Box<dyn Error>> {
    let [mut us, mut eu] = [Region::named("us-east-1")?, Region::named("eu-west-1")?];
    let mut ap = Region::named("ap-southeast-1")?;
    println!("{:<36} {:>12} {:>12} {:>16}", "open, of those ever opened", us.id, eu.id, ap.id);

    let opened = us.open(5)?;
    eu.sessions.merge(&opened);
    ap.sessions.merge(&opened);
    show("us-east-1 opens 5", [&us, &eu, &ap]);

    let closed = eu.close(1)?; // one of those that us-east-1 opened
    us.sessions.merge(&closed);
    ap.waiting.push(closed);
    let opened = eu.open(3)?;
    us.sessions.merge(&opened);
    ap.waiting.push(opened);
    show("no link to ap: eu closes 1, opens 3", [&us, &eu, &ap]);

    for delta in [ap.open(4)?, ap.close(2)?] {
        us.waiting.push(delta.clone());
        eu.waiting.push(delta);
    }
    show("ap-southeast-1 opens 4, closes 2", [&us, &eu, &ap]);

    [&mut us, &mut eu, &mut ap].into_iter().for_each(Region::catch_up);
    show("the link is back", [&us, &eu, &ap]);
    assert!(us.sessions == eu.sessions && eu.sessions == ap.sessions);
    assert_eq!((us.sessions.0.value(), us.sessions.1.value()), (9, 12));
    Ok(())
}
