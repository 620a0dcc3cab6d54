//! One library plays one script, and is measured where others are.

use super::{
    Player,
    edits::{Content, Edit},
    scripts::Script,
};
use crate::Result;
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// A contestant whose states take more memory than this is stopped.
const MEMORY_MAX: usize = 4 << 30;
/// How many edits a mean is taken of, at least.
const WINDOW_MIN: u64 = 100;

/// What things cost after a number of edits.
pub(super) struct Costs {
    pub(super) edits: u64,
    /// The forms of the state, and the bytes of each.
    pub(super) state: Vec<(&'static str, usize)>,
    /// The means of the last edits: bytes of a delta, and the time of an edit with its delta.
    pub(super) delta: f64,
    pub(super) edit: Duration,
    /// The greatest delta of them.
    pub(super) delta_max: usize,
}

/// The costs at each mark that was reached, and where and why it was not.
pub(super) struct Outcome {
    pub(super) costs: Vec<Costs>,
    pub(super) stopped: Option<(Costs, String)>,
}

/// Plays `script` up to the last of the `marks`, or until `budget` is spent on edits and deltas.
pub(super) fn play(
    script: &Script,
    make: super::Make,
    marks: &[u64],
    budget: Duration,
) -> Result<Outcome> {
    let memory = memory();
    let mut game = Game::begin(script, make)?;
    let mut outcome = Outcome { costs: Vec::new(), stopped: None };
    for &mark in marks {
        while game.edits < mark {
            game.step(mark)?;
            let reason = if game.spent > budget {
                format!("after {} s", budget.as_secs())
            } else if game.edits.is_multiple_of(WINDOW_MIN) && self::memory() > memory + MEMORY_MAX {
                format!("at {} GiB of memory", MEMORY_MAX >> 30)
            } else {
                continue;
            };
            if game.edits < mark {
                outcome.stopped = Some((game.costs(mark)?, reason));
                return Ok(outcome);
            }
        }
        outcome.costs.push(game.costs(mark)?);
        game.check(mark)?;
    }
    Ok(outcome)
}

struct Game<'s> {
    script: &'s Script,
    /// A state for each replica, or two that play all of them by turns: since everybody has
    /// received everything, these are the states that each would have.
    states: Vec<Box<dyn Player>>,
    /// The last deltas, the number of the first, and how many each state has received.
    log: VecDeque<Vec<u8>>,
    first: usize,
    received: Vec<usize>,
    /// What must be read everywhere.
    content: Content,
    edits: u64,
    /// All the time that the library took.
    spent: Duration,
    /// The time and the bytes of each of the last edits.
    last: VecDeque<(Duration, usize)>,
    delta: Vec<u8>,
}

impl<'s> Game<'s> {
    fn begin(script: &'s Script, make: super::Make) -> Result<Self> {
        let mut first = make(script.root, 0)?;
        let needed = if first.play_as(0)? { script.replicas.min(2) } else { script.replicas };
        let mut states = vec![first];
        for replica in 1..needed {
            states.push(make(script.root, replica)?);
        }
        let mut game = Self {
            script,
            received: vec![0; states.len()],
            states,
            log: VecDeque::new(),
            first: 0,
            content: Content::default(),
            edits: 0,
            spent: Duration::ZERO,
            last: VecDeque::new(),
            delta: Vec::new(),
        };
        game.edit(0, &Edit::Begin)?;
        for at in 0..script.items {
            game.edit(0, &Edit::Insert { at, item: at as u64 })?;
        }
        game.spent = Duration::ZERO;
        game.last.clear();
        Ok(game)
    }

    /// The next edit, by the next replica.
    fn step(&mut self, mark: u64) -> Result {
        let edit = (self.script.next)(self.edits, &self.content);
        let at = (self.edits % self.states.len() as u64) as usize;
        let replica = (self.edits % u64::from(self.script.replicas)) as u8;
        self.receive(at)?;
        if self.states.len() < usize::from(self.script.replicas) {
            self.states[at].play_as(replica)?;
        }
        self.edit(at, &edit)?;
        self.edits += 1;
        if self.last.len() as u64 > window(mark) {
            self.last.pop_front();
        }
        Ok(())
    }

    fn edit(&mut self, at: usize, edit: &Edit) -> Result {
        let start = Instant::now();
        let delta = self.states[at].edit(edit)?;
        let taken = start.elapsed();
        self.spent += taken;
        self.last.push_back((taken, delta.len()));
        self.content.edit(edit);
        if self.states.len() > 1 && !delta.is_empty() {
            self.log.push_back(delta.clone());
            self.received[at] += 1;
        }
        self.delta = delta;
        Ok(())
    }

    /// Brings one state up to date. It has made none of what it misses itself.
    fn receive(&mut self, at: usize) -> Result {
        let start = Instant::now();
        for delta in self.log.iter().skip(self.received[at] - self.first) {
            self.states[at].apply(delta)?;
        }
        self.spent += start.elapsed();
        self.received[at] = self.first + self.log.len();
        let all_have = self.received.iter().copied().min().unwrap_or_default();
        self.log.drain(..all_have - self.first);
        self.first = all_have;
        Ok(())
    }

    /// What is there is weighed, and compared with what must be there.
    fn costs(&mut self, mark: u64) -> Result<Costs> {
        for at in 0..self.states.len() {
            self.receive(at)?;
            self.compare(self.states[at].as_ref(), "the state")?;
        }
        let saved = self.states[0].save()?;
        let state = saved.iter().map(|(form, bytes)| (*form, bytes.len())).collect();
        let last = || self.last.iter().rev().take(window(mark) as usize);
        let many = last().len().max(1);
        Ok(Costs {
            edits: self.edits,
            state,
            delta: last().map(|(_, bytes)| bytes).sum::<usize>() as f64 / many as f64,
            edit: last().map(|(taken, _)| taken).sum::<Duration>() / many as u32,
            delta_max: last().map(|(_, bytes)| *bytes).max().unwrap_or_default(),
        })
    }

    /// What is saved is read back and takes the next delta.
    fn check(&mut self, mark: u64) -> Result {
        let saved = self.states[0].save()?;
        let mut readers = Vec::new();
        for (form, bytes) in saved {
            readers.push((format!("what was saved {form}"), self.states[0].read(&bytes)?));
        }
        for (form, reader) in &readers {
            self.compare(reader.as_ref(), form)?;
        }
        self.step(mark)?;
        for (form, reader) in &mut readers {
            reader.apply(&self.delta)?;
            self.compare(reader.as_ref(), form)?;
        }
        Ok(())
    }

    fn compare(&self, state: &dyn Player, what: &str) -> Result {
        if state.content()? == self.content {
            return Ok(());
        }
        Err(format!("{what} is not what it should be after {} edits", self.edits).into())
    }
}

/// How many of the last edits a mean at this mark is taken of.
fn window(mark: u64) -> u64 {
    (mark / 100).max(WINDOW_MIN)
}

/// Bytes that this process holds in memory; 0 where nobody tells.
fn memory() -> usize {
    let told = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    told.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or_default() * 4096
}
