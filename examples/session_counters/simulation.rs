//! Three regions that open and close sessions for three minutes: one crashes and starts again, one
//! is cut off for a while, and the network delays, repeats and loses messages. All of it follows
//! from a seed.

use rejoin::{Gauge, Liveness, Merge, PnCounter, ReplicaId, Timestamp, wire};
use std::{error::Error, mem, ops::Range, time::Duration};

/// How long a run takes, in seconds. All else happens by seconds too.
pub(crate) const LENGTH: u64 = 180;
/// From here on nothing is opened or closed, and no message is lost.
const CALM: u64 = 160;
/// How long a lease lasts beyond the heartbeat that renews it.
pub(crate) const LEASE: u64 = 10;
const HEARTBEAT: u64 = 3;
/// Clocks are off by one second at most, either way.
pub(crate) const SKEW: u64 = 2;
/// The time at which a run begins.
const START: u64 = 1_717_236_600;

pub(crate) const NAMES: [&str; 3] = ["us-east-1", "eu-west-1", "ap-south-1"];

/// What a region holds, and what it sends: all of it, or the delta of an edit.
type Sessions = (Gauge, PnCounter);

/// A source of numbers that look random (Steele, Lea and Flood, 2014).
struct SplitMix(u64);

impl SplitMix {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % end.max(1)
    }

    fn within(&mut self, range: Range<u64>) -> u64 {
        range.start + self.below(range.end - range.start)
    }
}

/// What happens in a run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The region that crashes, and while it is down.
    pub(crate) crashes: (usize, Range<u64>),
    /// Whether it starts again from what it stored, or from nothing.
    pub(crate) keeps_state: bool,
    /// The region that is cut off, and while it is.
    pub(crate) cut_off: (usize, Range<u64>),
}

impl Plan {
    fn of(random: &mut SplitMix) -> Self {
        let crash = random.within(30..45);
        let cut = random.within(100..110);
        Self {
            crashes: (index(random), crash..crash + random.within(25..40)),
            keeps_state: random.below(2) == 0,
            cut_off: (index(random), cut..cut + random.within(20..35)),
        }
    }

    fn is_down(&self, region: usize, second: u64) -> bool {
        self.crashes.0 == region && self.crashes.1.contains(&second)
    }

    fn is_cut(&self, from: usize, to: usize, second: u64) -> bool {
        let (region, while_cut) = &self.cut_off;
        (*region == from || *region == to) && while_cut.contains(&second)
    }
}

fn index(random: &mut SplitMix) -> usize {
    usize::try_from(random.below(3)).unwrap_or_default()
}

struct Region {
    id: ReplicaId,
    clock_off: i64,
    /// The sessions that are really open here.
    open: u64,
    state: Sessions,
}

struct Message {
    due: u64,
    to: usize,
    bytes: Vec<u8>,
}

/// What is so at the end of a second, and what each region reads.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) second: u64,
    /// How many sessions are open.
    pub(crate) truth: u64,
    /// What the gauge of each region says; `None` while the region is down.
    pub(crate) read: [Option<u128>; 3],
    /// How many of these are of a region that is down.
    pub(crate) ghosts: u128,
    /// What the first region that runs reads from a counter that knows no leases.
    pub(crate) counter: i128,
}

/// A run: what happened, and what was read in each second.
pub(crate) struct Run {
    pub(crate) plan: Plan,
    pub(crate) samples: Vec<Sample>,
    /// How many sessions the crash took with it.
    pub(crate) lost: u64,
}

struct World {
    random: SplitMix,
    plan: Plan,
    second: u64,
    regions: Vec<Region>,
    messages: Vec<Message>,
    lost: u64,
}

/// Plays the run of a seed.
pub(crate) fn run(seed: u64) -> Result<Run, Box<dyn Error>> {
    let mut random = SplitMix(seed);
    let plan = Plan::of(&mut random);
    let mut regions = Vec::new();
    for name in NAMES {
        let clock_off = [-1, 0, 1][index(&mut random)];
        regions.push(Region { id: name.parse()?, clock_off, open: 0, state: Sessions::default() });
    }
    let mut world = World { random, plan, second: 0, regions, messages: Vec::new(), lost: 0 };
    let mut samples = Vec::new();
    while world.second < LENGTH {
        world.step()?;
        samples.push(world.sample());
        world.second += 1;
    }
    Ok(Run { plan: world.plan, samples, lost: world.lost })
}

impl World {
    fn step(&mut self) -> Result<(), Box<dyn Error>> {
        self.crash_or_start();
        self.deliver()?;
        for at in 0..self.regions.len() {
            if self.plan.is_down(at, self.second) {
                continue;
            }
            let mut delta = self.sessions_come_and_go(at)?;
            if self.second % HEARTBEAT == 0 {
                let region = &mut self.regions[at];
                let until = region.now(self.second).saturating_add(Duration::from_secs(LEASE));
                delta.0.merge(&region.state.0.renew(region.id, until)?);
            }
            self.send(at, &delta);
            if self.random.below(5) == 0 {
                let all = self.regions[at].state.clone();
                self.send(at, &all);
            }
        }
        Ok(())
    }

    fn crash_or_start(&mut self) {
        let (at, down) = self.plan.crashes.clone();
        let region = &mut self.regions[at];
        if self.second == down.start {
            self.lost = region.open;
            region.open = 0;
        }
        if self.second == down.end {
            // Its first write begins a new life, in which it has opened nothing.
            region.id = region.id.with_incarnation(1);
            if !self.plan.keeps_state {
                region.state = Sessions::default();
            }
        }
    }

    fn deliver(&mut self) -> Result<(), Box<dyn Error>> {
        let waiting = mem::take(&mut self.messages).into_iter();
        let (due, later): (Vec<_>, _) = waiting.partition(|it| it.due <= self.second);
        self.messages = later;
        for Message { to, bytes, .. } in due {
            if !self.plan.is_down(to, self.second) {
                wire::apply_bytes(&mut self.regions[to].state, &bytes)?;
            }
        }
        Ok(())
    }

    fn sessions_come_and_go(&mut self, at: usize) -> Result<Sessions, Box<dyn Error>> {
        let mut delta = Sessions::default();
        if self.second >= CALM {
            return Ok(delta);
        }
        let opens = self.random.below(4);
        let region = &mut self.regions[at];
        // The more are open, the more end.
        let closes = self.random.below(2 + region.open / 8).min(region.open);
        region.open = region.open + opens - closes;
        let (gauge, counter) = &mut region.state;
        for part in [gauge.open(opens, region.id)?, gauge.close(closes, region.id)?] {
            delta.0.merge(&part);
        }
        for part in [counter.increment(opens, region.id)?, counter.decrement(closes, region.id)?] {
            delta.1.merge(&part);
        }
        Ok(delta)
    }

    /// To both others: late, twice, or not at all.
    fn send(&mut self, from: usize, sessions: &Sessions) {
        let bytes = wire::to_bytes(sessions);
        for to in (0..self.regions.len()).filter(|to| *to != from) {
            let is_lost = self.second < CALM && self.random.below(10) == 0;
            let copies = if is_lost { 0 } else { 1 + self.random.below(8) / 7 };
            for _ in 0..copies {
                let due = self.second + self.random.within(1..4);
                if !self.plan.is_cut(from, to, self.second) && !self.plan.is_cut(from, to, due) {
                    self.messages.push(Message { due, to, bytes: bytes.clone() });
                }
            }
        }
    }

    fn sample(&self) -> Sample {
        let runs = |at: &usize| !self.plan.is_down(*at, self.second);
        let reads = |at: usize| {
            let region = &self.regions[at];
            let skew = Duration::from_secs(SKEW);
            (region, Liveness::leases(region.now(self.second), skew))
        };
        let read = [0, 1, 2].map(|at| {
            let (region, alive) = Some(at).filter(runs).map(reads)?;
            Some(region.state.0.value_at(&alive))
        });
        let ghosts = |at| {
            let (region, alive) = reads(at);
            let down = self.regions.iter().enumerate().filter(|(at, _)| !runs(at));
            let rows = down.filter_map(|(_, dead)| region.state.0.row(dead.id));
            let rows = rows.filter(|row| alive.is_alive(row.replica(), row.until()));
            rows.map(|row| u128::from(row.open())).sum::<u128>()
        };
        let running: Vec<usize> = (0..3).filter(runs).collect();
        Sample {
            second: self.second,
            truth: self.regions.iter().map(|region| region.open).sum(),
            read,
            ghosts: running.iter().map(|at| ghosts(*at)).max().unwrap_or_default(),
            counter: running.first().map_or(0, |at| self.regions[*at].state.1.value()),
        }
    }
}

impl Region {
    /// By its own clock.
    fn now(&self, second: u64) -> Timestamp {
        let clock = (START + second).saturating_add_signed(self.clock_off);
        Timestamp::from_millis(clock * 1_000)
    }
}
