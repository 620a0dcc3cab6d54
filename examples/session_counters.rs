//! Counts open sessions in three regions while the link to one of them is down.
//!
//! Each region opens and closes sessions on its own counters and sends what it did, a delta, over
//! the links that are up. Deltas for a region that is cut off wait, and arrive late, out of order
//! and twice. In the end all regions show the same numbers: the program checks that, and its exit
//! code is 1 if they do not.
//!
//! ```text
//! cargo run --example session_counters
//! ```

use rejoin::{GCounter, Merge, PnCounter, ReplicaId};
use std::{
    error::Error,
    io::{self, ErrorKind, StdoutLock, Write},
    process::ExitCode,
};

/// How many sessions are open, and how many ever were. A tuple of lattices is a lattice, and a
/// counter's delta is a small counter: so this is the state of a region and the message as well.
type Sessions = (PnCounter, GCounter);

struct Region {
    id: ReplicaId,
    sessions: Sessions,
}

struct Network {
    regions: [Region; 3],
    /// The region that no other can reach, while the link is down.
    cut_off: Option<usize>,
    /// What could not be delivered yet, and to whom.
    waiting: Vec<(usize, Sessions)>,
    step: u32,
    out: StdoutLock<'static>,
}

const US: usize = 0;
const EU: usize = 1;
const AP: usize = 2;

impl Network {
    fn new() -> Result<Self, Box<dyn Error>> {
        let region = |name: &str| -> Result<Region, Box<dyn Error>> {
            Ok(Region { id: name.parse()?, sessions: Sessions::default() })
        };
        let regions = [region("us-east-1")?, region("eu-west-1")?, region("ap-southeast-1")?];
        let out = io::stdout().lock();
        Ok(Self { regions, cut_off: None, waiting: Vec::new(), step: 0, out })
    }

    fn open(&mut self, count: u64, at: usize) -> Result<(), Box<dyn Error>> {
        let Region { id, sessions: (open, ever) } = &mut self.regions[at];
        let delta = (open.increment(count, *id)?, ever.increment(count, *id)?);
        self.send(at, &delta);
        self.show(&format!("{} opens {count}", self.regions[at].id))
    }

    /// Closes sessions of any region's: a counter that goes both ways does not ask who opened.
    fn close(&mut self, count: u64, at: usize, opened_in: usize) -> Result<(), Box<dyn Error>> {
        let Region { id, sessions: (open, _) } = &mut self.regions[at];
        let delta = (open.decrement(count, *id)?, GCounter::new());
        self.send(at, &delta);
        let (here, there) = (self.regions[at].id, self.regions[opened_in].id);
        let whose = if here == there { "it".into() } else { there.to_string() };
        self.show(&format!("{here} closes {count} that {whose} opened"))
    }

    fn send(&mut self, from: usize, delta: &Sessions) {
        for to in (0..self.regions.len()).filter(|&to| to != from) {
            if self.cut_off.is_some_and(|it| it == from || it == to) {
                self.waiting.push((to, delta.clone()));
            } else {
                self.regions[to].sessions.merge(delta);
            }
        }
    }

    /// Delivers what waited, the last first and each of it twice, as a retrying queue may.
    fn reconnect(&mut self) -> Result<(), Box<dyn Error>> {
        self.cut_off = None;
        let late = std::mem::take(&mut self.waiting);
        for (to, delta) in late.iter().rev() {
            self.regions[*to].sessions.merge(delta);
        }
        self.show("the link is back: all that waited, last first")?;
        let news = late.iter().filter(|(to, delta)| self.regions[*to].sessions.merge(delta));
        let (repeats, news) = (late.len(), news.count());
        self.show(&format!("the same {repeats} deltas again: {news} of them news"))
    }

    /// One line of the table: what happened, and what each region believes now.
    fn show(&mut self, what: &str) -> Result<(), Box<dyn Error>> {
        self.step += 1;
        write!(self.out, "{:>4}  {what:<46}", self.step)?;
        for Region { sessions: (open, ever), .. } in &self.regions {
            write!(self.out, "  {:>14}", format!("{} of {}", open.value(), ever.value()))?;
        }
        Ok(writeln!(self.out)?)
    }

    fn run(&mut self) -> Result<(), Box<dyn Error>> {
        writeln!(self.out, "Sessions open, of those ever opened, as each region sees them:\n")?;
        write!(self.out, "step  {:<46}", "what happened")?;
        for Region { id, .. } in &self.regions {
            write!(self.out, "  {id:>14}")?;
        }
        writeln!(self.out)?;

        self.open(5, US)?;
        self.close(1, EU, US)?;
        self.cut_off = Some(AP);
        self.show(&format!("the link to {} goes down", self.regions[AP].id))?;
        self.open(3, EU)?;
        self.open(4, AP)?;
        self.close(2, AP, US)?;
        self.close(1, US, EU)?;
        self.open(2, US)?;
        self.close(3, AP, AP)?;
        self.reconnect()?;
        self.check()
    }

    /// 5 + 3 + 4 + 2 were opened, 1 + 2 + 1 + 3 closed: every region must say so, and hold equal
    /// states, not only equal sums.
    fn check(&mut self) -> Result<(), Box<dyn Error>> {
        for Region { id, sessions } in &self.regions {
            if *sessions != self.regions[US].sessions {
                return Err(format!("{id} differs from {}", self.regions[US].id).into());
            }
            if (sessions.0.value(), sessions.1.value()) != (7, 14) {
                return Err(format!("{id} has not counted 7 open of 14").into());
            }
        }
        Ok(writeln!(self.out, "\nAll regions are equal: 7 open of 14.")?)
    }
}

fn main() -> ExitCode {
    let done = Network::new().and_then(|mut network| network.run());
    let Err(error) = done else { return ExitCode::SUCCESS };
    // A reader that has seen enough (`| head`) is no failure.
    let io = error.downcast_ref::<io::Error>();
    if io.is_some_and(|it| it.kind() == ErrorKind::BrokenPipe) {
        return ExitCode::SUCCESS;
    }
    // Nothing is left to be done if standard error is closed too.
    let _ = writeln!(io::stderr(), "session_counters: {error}");
    ExitCode::FAILURE
}
