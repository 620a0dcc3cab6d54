//! [`Reconciler`]: brings two tables together, by messages.

use super::{
    CollectionError, Direction, KeyRange, ReconcilerSettings, Table,
    answer::Taker,
    flight::Flight,
    message::{ANSWER, Item, Message, echo},
    pack::{Packer, Task},
    settings::Role,
};
use crate::{
    merge::DeltaState,
    wire::{self, Limits, Wire},
};
use alloc::{collections::VecDeque, vec::Vec};
use core::{fmt, mem};

/// Answers that may wait to be polled.
const BACKLOG: usize = 64;
/// Tasks that may wait; what is more is found again by the next pass.
const TASKS: usize = 1 << 20;
/// How often a run goes over tables that are still not the same.
const PASSES: u32 = 8;
/// Keys that an outcome tells.
const TOLD: usize = 64;

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// Whether the tables had the same fingerprint when they were compared last. Writes that came
    /// meanwhile make it `false`, and so do, after a run in one direction, rows that only the other
    /// side lacks: it is compared only at the start.
    pub in_sync: bool,
    /// Rows that changed here.
    pub changed: u64,
    /// Rows of which the peer was given something.
    pub given: u64,
    /// Keys of rows that fit into no message, on either side, up to 64 of them: they are as they
    /// were. Raise [`message_bytes`](ReconcilerSettings::message_bytes), or bring them over another way.
    pub too_large: Vec<Vec<u8>>,
}

/// Brings two tables of keyed states together, with one peer. It finds what differs in O(d log n)
/// bytes for d rows of n, and then exchanges just the deltas. If nothing differs, that takes 31
/// bytes, both ways together, whatever the type.
///
/// One side [starts](Self::start) a run; the other only answers, and keeps nothing: each message
/// says all that its answer needs. Both may start runs, and a table may be reconciled with several
/// peers at a time, and edited meanwhile: then the next run finds what came later. The caller
/// carries the messages, in any order. If none came for a while, it calls
/// [`resend`](Self::resend). What is lost, repeated, cut off or changed on the way delays a run
/// and does no harm. Nothing has to be stored: after a restart, start again.
///
/// A peer that lies can keep rows from arriving, and can write what a peer may write. It cannot make
/// a run go on forever. (Messages carry 32 bits of a checksum, which tells accidents from messages.
/// It is no signature: authenticate your peers.)
///
/// # Cost
///
/// A message costs O(log n) for each part that it compares, and what the deltas of its rows cost.
/// In memory it takes what is on its way, and what was found to differ and is not exchanged yet.
///
/// # Source
///
/// Meyer, *Range-Based Set Reconciliation*, SRDS 2023, with deltas of states in place of items.
///
/// # Examples
///
/// ```
/// use rejoin::{PnCounter, sync::{Collection, Direction, Reconciler, ReconcilerSettings}};
///
/// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
/// let mut ours: Collection<PnCounter> = Collection::new();
/// for user in 0..1_000_u32 {
///     ours.edit(&user.to_be_bytes(), |sessions| sessions.increment(1, us))?;
/// }
/// let mut theirs = ours.clone();
/// ours.edit(&7_u32.to_be_bytes(), |sessions| sessions.increment(1, us))?;
/// theirs.edit(&8_u32.to_be_bytes(), |sessions| sessions.increment(1, eu))?;
///
/// let mut here = Reconciler::new(ReconcilerSettings::new());
/// let mut there = Reconciler::new(ReconcilerSettings::new());
/// here.start(Direction::Both);
/// let mut bytes = 0;
/// while here.is_running() {
///     while let Some(question) = here.poll_transmit(&mut ours)? {     // to the peer
///         bytes += question.len();
///         there.receive(&mut theirs, &question)?;
///     }
///     while let Some(answer) = there.poll_transmit(&mut theirs)? {    // and back
///         bytes += answer.len();
///         here.receive(&mut ours, &answer)?;
///     }
/// }
/// let outcome = here.poll_outcome().ok_or("it has ended")?;
/// assert!(outcome.in_sync && ours == theirs);
/// assert_eq!((outcome.changed, outcome.given), (1, 2));
/// assert!(bytes < 1_000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Reconciler<S: DeltaState> {
    settings: ReconcilerSettings,
    /// The number of the next question.
    next: u64,
    answers: VecDeque<Vec<u8>>,
    /// What the run is for; 0 if there is none.
    mode: u8,
    tasks: VecDeque<Task<S>>,
    flights: Vec<Flight<S>>,
    passes: u32,
    /// Rows that were moved in this pass.
    moved: u64,
    /// Whether something was found to differ in this pass.
    differs: bool,
    outcome: Outcome,
    ended: Option<Outcome>,
}

impl<S: DeltaState<Delta: Wire, Version: Wire> + Default> Reconciler<S> {
    /// With one peer.
    ///
    /// ```
    /// use rejoin::{Document, sync::{Reconciler, ReconcilerSettings}};
    /// let peer: Reconciler<Document> = Reconciler::new(ReconcilerSettings::new().message_bytes(64 << 10));
    /// assert!(!peer.is_running());
    /// ```
    #[must_use]
    pub fn new(settings: ReconcilerSettings) -> Self {
        Self {
            settings,
            next: 0,
            answers: VecDeque::new(),
            mode: 0,
            tasks: VecDeque::new(),
            flights: Vec::new(),
            passes: 0,
            moved: 0,
            differs: false,
            outcome: Outcome::default(),
            ended: None,
        }
    }

    /// Starts a run. One that is going on is given up. O(what waits). [The type](Self) has an
    /// example.
    pub fn start(&mut self, direction: Direction) {
        self.mode = direction.mode();
        self.flights.clear();
        self.tasks.clear();
        (self.outcome, self.ended, self.passes) = (Outcome::default(), None, 0);
        self.start_pass();
    }

    fn start_pass(&mut self) {
        self.tasks.push_back(Task::Root);
        self.passes += 1;
        (self.moved, self.differs) = (0, false);
    }

    /// Whether a run is going on. O(1).
    pub const fn is_running(&self) -> bool {
        self.mode != 0
    }

    /// How the last run ended, once. O(1). [The type](Self) has an example.
    pub fn poll_outcome(&mut self) -> Option<Outcome> {
        self.ended.take()
    }

    /// Asks again what is on its way: to be called if no answer came for longer than one takes.
    /// O(what is on its way).
    ///
    /// ```
    /// use rejoin::{PnCounter, sync::{Collection, Direction, Reconciler, ReconcilerSettings}};
    ///
    /// let mut table: Collection<PnCounter> = Collection::new();
    /// let mut peer = Reconciler::new(ReconcilerSettings::new());
    /// peer.start(Direction::Both);
    /// assert!(peer.poll_transmit(&mut table)?.is_some());     // and it gets lost
    /// assert!(peer.poll_transmit(&mut table)?.is_none());
    /// peer.resend();
    /// assert!(peer.poll_transmit(&mut table)?.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn resend(&mut self) {
        for flight in mem::take(&mut self.flights).into_iter().rev() {
            self.put_back(flight.told);
        }
    }

    /// In front: what was begun is finished first, so that little waits.
    fn put_back(&mut self, tasks: Vec<Task<S>>) {
        for task in tasks.into_iter().rev() {
            self.tasks.push_front(task);
        }
    }

    /// The next message for the peer, if there is one now. O(its bytes × log n). [The type](Self)
    /// has an example.
    ///
    /// # Errors
    ///
    /// Fails if the table fails, does not divide a range, or has a key that is too long. Whatever
    /// was to be told then is told by the next call.
    pub fn poll_transmit<T: Table<State = S>>(
        &mut self,
        table: &mut T,
    ) -> Result<Option<Vec<u8>>, CollectionError<T::Error>> {
        if let Some(answer) = self.answers.pop_front() {
            return Ok(Some(answer));
        }
        loop {
            while self.flights.len() < self.settings.window && !self.tasks.is_empty() {
                if let Some(question) = self.ask(table)? {
                    return Ok(Some(question));
                }
            }
            self.settle();
            if self.tasks.is_empty() || !self.flights.is_empty() {
                return Ok(None);
            }
        }
    }

    /// A question of as many tasks as fit; `None` if they came to nothing.
    fn ask<T: Table<State = S>>(
        &mut self,
        table: &T,
    ) -> Result<Option<Vec<u8>>, CollectionError<T::Error>> {
        let mut packer = Packer::new(Role::of_asker(self.mode), self.next, self.settings);
        while let Some(task) = self.tasks.pop_front() {
            match packer.put(table, task.clone()) {
                Ok(None) => {}
                Ok(Some(left)) => {
                    self.tasks.push_front(left);
                    break;
                }
                Err(error) => {
                    self.tasks.push_front(task);
                    let told = mem::take(&mut packer.told);
                    self.put_back(told);
                    return Err(error);
                }
            }
        }
        if packer.is_empty() {
            return Ok(None);
        }
        self.moved += packer.given;
        self.outcome.given += packer.given;
        note(&mut self.outcome.too_large, mem::take(&mut packer.too_large));
        let (told, salt) = (mem::take(&mut packer.told), self.next);
        let question = packer.seal(self.mode, salt);
        self.next = self.next.wrapping_add(1);
        let echo = echo(&question);
        if let Some(same) = self.flights.iter().position(|flight| flight.echo == echo) {
            let same = self.flights.swap_remove(same);
            self.put_back(same.told);
        }
        self.flights.push(Flight { echo, salt, told });
        Ok(Some(question))
    }

    /// Takes in a message of the peer: a question, whose answer is then
    /// [polled](Self::poll_transmit), or an answer. One that is too late or comes twice does
    /// nothing. O(its bytes × log n), and what applying its deltas costs. [The type](Self) has an
    /// example.
    ///
    /// # Errors
    ///
    /// [`CollectionError`]. Except after an error of the table, nothing was done.
    pub fn receive<T: Table<State = S>>(
        &mut self,
        table: &mut T,
        message: &[u8],
    ) -> Result<(), CollectionError<T::Error>> {
        let limits = Limits::new().bytes(self.settings.message_bytes);
        let read: Message<S> = wire::from_bytes_within(message, &limits)?;
        if read.mode & ANSWER > 0 {
            return self.receive_answer(table, read);
        }
        if self.answers.len() >= BACKLOG {
            return Err(CollectionError::Backlog);
        }
        let answer = self.answer(table, read, echo(message))?;
        self.answers.push_back(answer);
        Ok(())
    }

    fn answer<T: Table<State = S>>(
        &self,
        table: &mut T,
        question: Message<S>,
        echo: u32,
    ) -> Result<Vec<u8>, CollectionError<T::Error>> {
        let role = Role::of_answerer(question.mode);
        let mut packer = Packer::new(role, question.name, self.settings);
        let is_same = match question.root {
            Some(root) => {
                root == table.summary(&KeyRange::all()).map_err(CollectionError::Table)?.sum
            }
            None => true,
        };
        let all = if is_same { Vec::new() } else { Vec::from([Task::Span(KeyRange::all())]) };
        let mut cut = tell(&mut packer, table, all, &[])?.map(|key| (0, key));
        let first = usize::from(question.root.is_some());
        for (at, item) in question.items.into_iter().enumerate() {
            if cut.is_some() {
                break;
            }
            let start = match &item {
                Item::Rows(range, _) => range.start().to_vec(),
                _ => Vec::new(),
            };
            let mut taker = Taker::new(table, role, question.name);
            taker.take(item)?;
            let tasks = taker.tasks;
            cut = tell(&mut packer, table, tasks, &start)?.map(|key| (at + first, key));
        }
        if let Some((item, key)) = cut {
            packer.cut(item, &key);
        }
        Ok(packer.seal(question.mode | ANSWER, echo.into()))
    }

    fn receive_answer<T: Table<State = S>>(
        &mut self,
        table: &mut T,
        answer: Message<S>,
    ) -> Result<(), CollectionError<T::Error>> {
        let echo = |flight: &Flight<S>| u64::from(flight.echo) == answer.name;
        let Some(at) = self.flights.iter().position(echo) else { return Ok(()) };
        let flight = self.flights.swap_remove(at);
        if !flight.asked(&answer) || answer.root.is_some() || answer.mode != self.mode | ANSWER {
            self.put_back(flight.told);
            return Err(CollectionError::Unasked);
        }
        let has_items = !answer.items.is_empty();
        let mut taker = Taker::new(table, Role::of_asker(self.mode), flight.salt);
        let result = answer.items.into_iter().try_for_each(|item| taker.take(item));
        let Taker { tasks, changed, too_large, .. } = taker;
        self.moved += changed;
        self.outcome.changed += changed;
        note(&mut self.outcome.too_large, too_large);
        if result.is_err() {
            self.put_back(flight.told);
            return result;
        }
        self.differs |= has_items || answer.cut.is_some();
        if let Some(cut) = answer.cut {
            let left = flight.left(cut).ok_or(CollectionError::Unasked)?;
            self.put_back(left);
        }
        if self.tasks.len() + tasks.len() <= TASKS {
            self.put_back(tasks);
        }
        self.settle();
        Ok(())
    }

    /// Ends the pass if nothing waits: with the next one, or the run with it.
    fn settle(&mut self) {
        if self.mode == 0 || !self.tasks.is_empty() || !self.flights.is_empty() {
            return;
        }
        let is_both = self.mode == Direction::Both.mode();
        if self.differs && is_both && self.moved > 0 && self.passes < PASSES {
            return self.start_pass();
        }
        self.mode = 0;
        self.outcome.in_sync = !self.differs;
        self.ended = Some(mem::take(&mut self.outcome));
    }
}

/// Writes what there is to tell about an item; returns the key at which there was no more room.
fn tell<T: Table>(
    packer: &mut Packer<T::State>,
    table: &T,
    tasks: Vec<Task<T::State>>,
    start: &[u8],
) -> Result<Option<Vec<u8>>, CollectionError<T::Error>> {
    for task in tasks {
        match packer.put(table, task)? {
            None => {}
            Some(Task::Span(range) | Task::Rest(range, _)) => {
                return Ok(Some(range.start().to_vec()));
            }
            Some(_) => return Ok(Some(start.to_vec())),
        }
    }
    Ok(None)
}

/// As many keys as an outcome tells.
fn note(told: &mut Vec<Vec<u8>>, keys: Vec<Vec<u8>>) {
    for key in keys {
        if told.len() < TOLD && !told.contains(&key) {
            told.push(key);
        }
    }
}

impl<S: DeltaState> fmt::Debug for Reconciler<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconciler")
            .field("settings", &self.settings)
            .field("is_running", &(self.mode != 0))
            .field("on_the_way", &self.flights.len())
            .field("waiting", &self.tasks.len())
            .finish_non_exhaustive()
    }
}
