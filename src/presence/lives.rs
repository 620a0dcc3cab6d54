//! [`Lives`]: what each name holds in its latest life, with a lease; a lattice over any lattice.
//!
//! Per name it is the lexicographic product of the incarnation and the pair of lease and content
//! (Almeida, Shoker and Baquero, *Delta State Replicated Data Types*, 2018, §6). States, deltas and
//! versions are all of this form, each with a content of its own.

use crate::{causal::CausalContext, error::WriteError, replica::ReplicaId, time::Timestamp};
use alloc::vec::Vec;
use core::cmp::Ordering;

/// What a life may hold.
pub(super) trait Held: Default {
    /// What was ever written, as far as it is known here.
    fn seen(&self) -> &CausalContext;

    fn is_nothing(&self) -> bool {
        self.seen().is_empty()
    }
}

/// The latest life of one name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Life<S> {
    pub(super) replica: ReplicaId,
    /// The epoch where there is no lease.
    pub(super) until: Timestamp,
    pub(super) held: S,
}

/// A lease that is always over.
pub(super) const NEVER: Timestamp = Timestamp::from_millis(0);

impl<S: Held> Life<S> {
    /// A life in which nothing has happened.
    pub(super) fn new(replica: ReplicaId) -> Self {
        Self { replica, until: NEVER, held: S::default() }
    }

    /// Whether it is what is known of a name that has never written.
    pub(super) fn says_nothing(&self) -> bool {
        self.replica == self.name() && self.until == NEVER && self.held.is_nothing()
    }
}

impl<S> Life<S> {
    pub(super) const fn name(&self) -> ReplicaId {
        self.replica.name()
    }

    pub(super) fn until(&self) -> Option<Timestamp> {
        Some(self.until).filter(|until| *until > NEVER)
    }

    /// How this life stands to another of the same name: later, earlier or the same.
    pub(super) fn age<T>(&self, other: &Life<T>) -> Ordering {
        self.replica.incarnation().cmp(&other.replica.incarnation())
    }

    /// The join with a life of the same name; whether it changed.
    fn join<T>(
        &mut self,
        other: &Life<T>,
        make: &impl Fn(&T) -> S,
        join: &impl Fn(&mut S, &T) -> bool,
    ) -> bool {
        match self.age(other) {
            Ordering::Less => {
                *self = other.with(make(&other.held));
                true
            }
            Ordering::Equal => {
                let is_longer = other.until > self.until;
                self.until = self.until.max(other.until);
                join(&mut self.held, &other.held) || is_longer
            }
            Ordering::Greater => false,
        }
    }

    pub(super) fn with<T>(&self, held: T) -> Life<T> {
        Life { replica: self.replica, until: self.until, held }
    }
}

/// By name, each once. What says nothing is never kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Lives<S>(pub(super) Vec<Life<S>>);

impl<S> Default for Lives<S> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// Apart, so that it is compiled once.
fn search(
    len: usize,
    name_at: impl Fn(usize) -> ReplicaId,
    name: ReplicaId,
) -> Result<usize, usize> {
    let (mut from, mut upto) = (0, len);
    while from < upto {
        let middle = from.midpoint(upto);
        match name_at(middle).cmp(&name) {
            Ordering::Less => from = middle + 1,
            Ordering::Equal => return Ok(middle),
            Ordering::Greater => upto = middle,
        }
    }
    Err(from)
}

impl<S: Held> Lives<S> {
    fn find(&self, replica: ReplicaId) -> Result<usize, usize> {
        search(self.0.len(), |at| self.0[at].name(), replica.name())
    }

    pub(super) fn get(&self, replica: ReplicaId) -> Option<&Life<S>> {
        self.find(replica).ok().map(|at| &self.0[at])
    }

    /// Changes what a replica holds, in the life that it writes in; the delta of that one life. If
    /// it fails, all is as it was: so `change` must leave its content as it was, too.
    pub(super) fn edit<D: Held>(
        &mut self,
        replica: ReplicaId,
        change: impl FnOnce(&mut Life<S>) -> Result<Life<D>, WriteError>,
    ) -> Result<Lives<D>, WriteError> {
        let at = self.find(replica);
        let known = at.ok().map(|at| &mut self.0[at]);
        let begins = match known {
            Some(life) if life.replica == replica => {
                let delta = change(life)?;
                let is_news = delta.until > NEVER || !delta.held.is_nothing();
                return Ok(Lives(if is_news { Vec::from([delta]) } else { Vec::new() }));
            }
            Some(life) if life.replica > replica => {
                return Err(WriteError::superseded(replica, life.replica.incarnation()));
            }
            _ => Life::new(replica),
        };
        let mut life = begins;
        let delta = change(&mut life)?;
        if life.says_nothing() {
            return Ok(Lives::default());
        }
        match at {
            Ok(at) => self.0[at] = life,
            Err(at) => self.0.insert(at, life),
        }
        Ok(Lives(Vec::from([delta])))
    }

    /// The join: of each name the later life; of one life the later lease and the join of what it
    /// holds. `make` makes a content from theirs, and `join` joins theirs into ours. `heard` is told
    /// of each replica of which there was news. O(m log n) for *m* lives, and O(n + m) where a name
    /// is new.
    pub(super) fn join<T: Held>(
        &mut self,
        other: &Lives<T>,
        make: impl Fn(&T) -> S,
        join: impl Fn(&mut S, &T) -> bool,
        mut heard: impl FnMut(ReplicaId),
    ) {
        let known = self.0.len();
        for theirs in &other.0 {
            let at = search(known, |at| self.0[at].name(), theirs.name());
            let is_news = if let Ok(at) = at {
                self.0[at].join(theirs, &make, &join)
            } else {
                self.0.push(theirs.with(make(&theirs.held)));
                true
            };
            if is_news {
                heard(theirs.replica);
            }
        }
        if self.0.len() > known {
            // Two runs that are in order: linear.
            self.0.sort_by_key(Life::name);
        }
    }

    /// What is here and not there: later lives as a whole; of the same life a later lease, and
    /// what `since` finds.
    pub(super) fn beyond<T: Held, D: Held>(
        &self,
        peer: &Lives<T>,
        whole: impl Fn(&S) -> D,
        since: impl Fn(&S, &T) -> D,
    ) -> Lives<D> {
        let mut lives = Vec::new();
        for ours in &self.0 {
            let theirs = peer.get(ours.replica);
            match theirs.map(|theirs| (ours.age(theirs), theirs)) {
                None | Some((Ordering::Greater, _)) => lives.push(ours.with(whole(&ours.held))),
                Some((Ordering::Equal, theirs)) => {
                    let mut news = ours.with(since(&ours.held, &theirs.held));
                    if news.until <= theirs.until {
                        news.until = NEVER;
                    }
                    if news.until > NEVER || !news.held.is_nothing() {
                        lives.push(news);
                    }
                }
                Some((Ordering::Less, _)) => {}
            }
        }
        Lives(lives)
    }

    #[cfg(any(test, feature = "laws"))]
    pub(super) fn check(&self) -> Result<(), &'static str> {
        if !self.0.windows(2).all(|pair| pair[0].name() < pair[1].name()) {
            return Err("names are repeated or out of order");
        }
        if self.0.iter().any(Life::says_nothing) {
            return Err("a life that says nothing is kept");
        }
        if !self.0.iter().all(Life::is_by_its_replica) {
            return Err("a life holds what another replica wrote");
        }
        Ok(())
    }
}

impl<S: Held> Life<S> {
    /// Whether all that it holds was written in it.
    pub(super) fn is_by_its_replica(&self) -> bool {
        self.held.seen().replicas().all(|writer| writer == self.replica)
    }
}
