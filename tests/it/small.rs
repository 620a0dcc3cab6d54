//! Small worlds, all of them: every interleaving of a few edits, merges and deliveries on three
//! replicas.
//!
//! Two ways that lead to the same states and the same deltas are one: the rest of the tree is
//! walked once. "The same" is told by a 64-bit hash of their bytes.

use crate::{
    effort::depth,
    encoded::bytes,
    world::{Step, Subject, World},
};
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    io::Write,
};

const REPLICAS: usize = 3;

/// What is tried of one type.
pub(crate) struct Small<'a, S: Subject> {
    pub(crate) name: &'a str,
    /// The edits of a replica that all have merged before the first step.
    pub(crate) past: &'a [S::Op],
    /// Whether each replica is about to leave its first block.
    pub(crate) aged: bool,
    pub(crate) alphabet: &'a [S::Op],
    /// How many steps in full.
    pub(crate) operations: usize,
}

struct Walk<'a, S: Subject> {
    small: &'a Small<'a, S>,
    /// The most steps that were left where a state was met.
    met: HashMap<u64, usize>,
    steps: u64,
    way: Vec<Step<S::Op>>,
}

impl<S: Subject> Small<'_, S> {
    /// Walks all worlds; at each end the replicas meet, and all deltas are replayed.
    pub(crate) fn walk(&self) {
        self.walk_of(depth(self.operations));
    }

    pub(crate) fn walk_of(&self, operations: usize) {
        let mut world = World::<S>::new(REPLICAS, self.aged);
        for op in self.past {
            world.play(&Step::Edit { at: 0, op: op.clone(), now: 0 });
        }
        (1..REPLICAS).for_each(|into| world.play(&Step::Merge { from: 0, into }));
        let mut walk = Walk { small: self, met: HashMap::new(), steps: 0, way: Vec::new() };
        walk.on(&world, operations);
        let (states, steps) = (walk.met.len(), walk.steps);
        let name = self.name;
        // Not by `println!`, which tests swallow.
        let line = format!("{name}: {operations} operations, {steps} steps, {states} states\n");
        std::io::stdout().write_all(line.as_bytes()).unwrap();
        assert!(states > 2_usize.pow(u32::try_from(operations).unwrap()), "hardly any states");
    }
}

impl<S: Subject> Walk<'_, S> {
    fn on(&mut self, world: &World<S>, left: usize) {
        let met = self.met.entry(key(world)).or_insert(0);
        if *met > left {
            return;
        }
        *met = left + 1;
        if left == 0 {
            let end = || world.replay(&world.meet(), &[1]);
            self.tell_of_a_panic(end);
            return;
        }
        for step in self.small.steps(world.deltas().len()) {
            self.steps += 1;
            self.way.push(step.clone());
            let mut next = world.clone();
            self.tell_of_a_panic(|| next.play(&step));
            self.on(&next, left - 1);
            self.way.pop();
        }
    }

    fn tell_of_a_panic(&self, step: impl FnOnce()) {
        let Err(panic) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(step)) else {
            return;
        };
        let past: Vec<_> = self.small.past.iter().collect();
        eprintln!("{}, after {past:?}:\n{:#?}", self.small.name, self.way);
        std::panic::resume_unwind(panic);
    }
}

impl<S: Subject> Small<'_, S> {
    /// All that may happen where so many deltas were made. The clocks of the replicas differ.
    fn steps(&self, deltas: usize) -> impl Iterator<Item = Step<S::Op>> {
        let each = || 0..REPLICAS;
        let edit = |at, op: &S::Op| Step::Edit { at, op: op.clone(), now: [2, 0, 1][at] };
        let edits = each().flat_map(move |at| self.alphabet.iter().map(move |op| edit(at, op)));
        let merges = each().flat_map(move |from| {
            each().filter(move |into| *into != from).map(move |into| Step::Merge { from, into })
        });
        let deliveries = (0..deltas - self.past.len()).flat_map(move |delta| {
            each().map(move |into| Step::Deliver { deltas: vec![delta], into })
        });
        edits.chain(merges).chain(deliveries)
    }
}

/// Which states, and which deltas, made in whatever order.
fn key<S: Subject>(world: &World<S>) -> u64 {
    let mut deltas: Vec<_> = world.deltas().map(bytes).collect();
    deltas.sort_unstable();
    let mut hasher = DefaultHasher::new();
    world.states().for_each(|state| bytes(state).hash(&mut hasher));
    deltas.hash(&mut hasher);
    hasher.finish()
}
