//! A network that one thread plays from a seed: replicas on a graph, links that lose, repeat,
//! reorder, delay and damage, partitions, crashes, restores, and clocks that are minutes apart.
//!
//! The model knows deltas alone: which were made, and which are stored somewhere. Once the network
//! has healed, all replicas must hold the same, which is the join of deltas that were made, and lacks
//! none that was stored and not given up with a restore.

mod loads;
mod rng;

pub(crate) use loads::Load;
pub(crate) use rng::Rng;

use crate::effort::count;
use rejoin::{
    Document, EnableFlag, LwwRegister, MvRegister, OrMap, OrSet, PnCounter, ReplicaId, Timestamp,
    sync::{Event, Session, SessionSettings},
    wire,
};
use std::collections::BTreeMap;

/// How a network misbehaves, in thousandths of what is sent or of the steps of a replica.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    pub(crate) lost: u64,
    pub(crate) repeated: u64,
    pub(crate) damaged: u64,
    pub(crate) delay_max: u64,
    pub(crate) cut: u64,
    pub(crate) crash: u64,
    pub(crate) restore: u64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Graph {
    Line,
    Ring,
    Star,
    Mesh,
    Random,
}

impl Graph {
    /// The links between replicas; all are reached.
    pub(crate) fn links(self, replicas: usize, rng: &mut Rng) -> Vec<(usize, usize)> {
        let after = |from: usize| (from + 1..replicas).map(move |to| (from, to));
        let mut links: Vec<_> = match self {
            Self::Line | Self::Ring => (1..replicas).map(|to| (to - 1, to)).collect(),
            Self::Star => after(0).collect(),
            Self::Mesh => (0..replicas).flat_map(after).collect(),
            Self::Random => (1..replicas).map(|to| (rng.index(to), to)).collect(),
        };
        match self {
            Self::Ring if replicas > 2 => links.push((0, replicas - 1)),
            Self::Random => {
                for _ in 0..replicas / 2 {
                    let (a, b) = (rng.index(replicas), rng.index(replicas));
                    let link = (a.min(b), a.max(b));
                    if a != b && !links.contains(&link) {
                        links.push(link);
                    }
                }
            }
            _ => {}
        }
        links
    }
}

/// One replica: its value, what is stored of it, and a session for each neighbour.
pub(crate) struct Node<T: Load> {
    id: ReplicaId,
    pub(crate) state: T,
    stored: Vec<u8>,
    /// Bytes that were stored earlier.
    backup: Vec<u8>,
    is_stored: bool,
    sessions: BTreeMap<usize, Session<T>>,
    /// The deltas made since the last store, by their numbers.
    unstored: Vec<usize>,
    skew: u64,
}

/// A delta that was made: whether it was stored, and whether it may be lost with a restore.
struct Made<D> {
    delta: D,
    is_stored: bool,
    is_given_up: bool,
}

struct Sent {
    due: u64,
    from: usize,
    to: usize,
    bytes: Vec<u8>,
}

pub(crate) struct Network<T: Load> {
    pub(crate) rng: Rng,
    pub(crate) nodes: Vec<Node<T>>,
    links: Vec<(usize, usize)>,
    /// Links that are cut, and until when.
    cut: BTreeMap<(usize, usize), u64>,
    sent: Vec<Sent>,
    made: Vec<Made<T::Delta>>,
    pub(crate) faults: Faults,
    settings: SessionSettings,
    /// Whether what comes from one neighbour is told to the others.
    forwards: bool,
    now: u64,
    restores: u32,
    pub(crate) bytes: u64,
    pub(crate) messages: u64,
}

/// Between two calls of `resend`.
pub(crate) const TICK: u64 = 10;

impl<T: Load> Network<T> {
    pub(crate) fn new(
        mut rng: Rng,
        graph: Graph,
        replicas: usize,
        settings: SessionSettings,
        forwards: bool,
    ) -> Self {
        let links = graph.links(replicas, &mut rng);
        let mut network = Self {
            rng,
            nodes: Vec::new(),
            links,
            cut: BTreeMap::new(),
            sent: Vec::new(),
            made: Vec::new(),
            faults: Faults::default(),
            settings,
            forwards,
            now: 0,
            restores: 0,
            bytes: 0,
            messages: 0,
        };
        for at in 0..replicas {
            let node = network.born(at, wire::to_bytes(&T::default()));
            network.nodes.push(node);
        }
        network
    }

    /// A replica that starts from these bytes, in an incarnation that it was never in.
    fn born(&mut self, at: usize, stored: Vec<u8>) -> Node<T> {
        let name = (at as u128 + 1) * 0x1_0001 % 0xffff_fffb;
        let id = ReplicaId::from_u128(name).with_incarnation(self.restores);
        Node {
            id,
            state: wire::from_bytes(&stored).unwrap(),
            backup: stored.clone(),
            stored,
            is_stored: true,
            sessions: self.sessions(at, id),
            unstored: Vec::new(),
            skew: self.rng.below(600_000),
        }
    }

    fn sessions(&mut self, at: usize, id: ReplicaId) -> BTreeMap<usize, Session<T>> {
        let mut sessions = BTreeMap::new();
        for &(a, b) in &self.links {
            let other = if a == at { b } else { a };
            if a == at || b == at {
                sessions.insert(other, Session::with(id, self.rng.next(), self.settings));
            }
        }
        sessions
    }

    pub(crate) fn edit(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        let now = Timestamp::from_millis(1_000_000 + node.skew + self.now);
        let delta = node.state.change(&mut self.rng, node.id, now);
        node.unstored.push(self.made.len());
        node.is_stored = false;
        node.sessions.values_mut().for_each(|session| session.changed(&delta));
        self.made.push(Made { delta, is_stored: false, is_given_up: false });
    }

    fn store(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        if node.is_stored {
            return;
        }
        let bytes = wire::to_bytes(&node.state);
        let before = std::mem::replace(&mut node.stored, bytes);
        if self.rng.chance(200) {
            node.backup = before;
        }
        node.is_stored = true;
        for number in node.unstored.drain(..) {
            self.made[number].is_stored = true;
        }
    }

    /// Sends what there is to send, and stores first.
    fn transmit(&mut self, at: usize) {
        let neighbours: Vec<usize> = self.nodes[at].sessions.keys().copied().collect();
        for to in neighbours {
            loop {
                let node = &mut self.nodes[at];
                let session = node.sessions.get_mut(&to).unwrap();
                let Some(bytes) = session.poll_transmit(&node.state) else { break };
                self.store(at);
                self.put(at, to, bytes);
            }
        }
    }

    fn put(&mut self, from: usize, to: usize, bytes: Vec<u8>) {
        self.bytes += bytes.len() as u64;
        self.messages += 1;
        let is_cut = self.cut.get(&(from.min(to), from.max(to))).is_some_and(|end| *end > self.now);
        if is_cut || self.rng.chance(self.faults.lost) {
            return;
        }
        let copies = 1 + u64::from(self.rng.chance(self.faults.repeated));
        for _ in 0..copies {
            let due = self.now + 1 + self.rng.below(1 + self.faults.delay_max);
            let mut bytes = bytes.clone();
            if self.rng.chance(self.faults.damaged) {
                damage(&mut bytes, &mut self.rng);
            }
            self.sent.push(Sent { due, from, to, bytes });
        }
    }

    fn deliver(&mut self) {
        let now = self.now;
        let sent = std::mem::take(&mut self.sent);
        let (due, later): (Vec<_>, Vec<_>) = sent.into_iter().partition(|sent| sent.due <= now);
        self.sent = later;
        for Sent { from, to, bytes, .. } in due {
            let node = &mut self.nodes[to];
            let session = node.sessions.get_mut(&from).unwrap();
            let events = match session.receive(&mut node.state, &bytes) {
                Ok(events) => events,
                Err(error) => {
                    assert!(error.is_damaged(), "{error}");
                    continue;
                }
            };
            for event in events {
                self.on_event(from, to, event);
            }
        }
    }

    fn on_event(&mut self, from: usize, to: usize, event: Event<T::Delta>) {
        let node = &mut self.nodes[to];
        match event {
            Event::Changed(delta) => {
                node.is_stored = false;
                let others = node.sessions.iter_mut().filter(|it| *it.0 != from && self.forwards);
                others.for_each(|(_, session)| session.changed(&delta));
            }
            Event::LostWrites => panic!("each life has an id of its own"),
            Event::Refused(reason) => panic!("{reason}"),
            _ => {}
        }
    }

    fn crash(&mut self, at: usize) {
        self.drop_unstored(at);
        let (id, skew) = (self.nodes[at].id, self.rng.below(600_000));
        let sessions = self.sessions(at, id);
        let node = &mut self.nodes[at];
        node.state = wire::from_bytes(&node.stored).unwrap();
        (node.is_stored, node.sessions, node.skew) = (true, sessions, skew);
    }

    /// What was neither stored nor sent was never made, and its numbers are given to other writes.
    fn drop_unstored(&mut self, at: usize) {
        for number in std::mem::take(&mut self.nodes[at].unstored) {
            self.made[number].delta = T::Delta::default();
        }
    }

    fn restore(&mut self, at: usize) {
        self.drop_unstored(at);
        self.restores += 1;
        let backup = self.nodes[at].backup.clone();
        self.nodes[at] = self.born(at, backup);
        // What nobody else has stored is gone with it, or is still on its way.
        let stored: Vec<T> =
            self.nodes.iter().map(|node| wire::from_bytes(&node.stored).unwrap()).collect();
        for made in self.made.iter_mut().filter(|made| made.is_stored) {
            let is_held = stored.iter().any(|state| holds(state, &made.delta));
            made.is_given_up |= !is_held;
        }
    }

    /// A step of time, in which something may go wrong.
    pub(crate) fn step(&mut self) {
        self.now += 1;
        self.deliver();
        for at in 0..self.nodes.len() {
            if self.rng.chance(self.faults.crash) {
                self.crash(at);
            }
            if self.rng.chance(self.faults.restore) {
                self.restore(at);
            }
            if (self.now + at as u64) % TICK == 0 {
                self.nodes[at].sessions.values_mut().for_each(Session::resend);
            }
            if self.rng.chance(300) {
                self.store(at);
            }
            self.transmit(at);
        }
        if self.rng.chance(self.faults.cut) {
            let link = self.links[self.rng.index(self.links.len())];
            let end = self.now + self.rng.below(100);
            self.cut.insert(link, end);
        }
    }

    pub(crate) fn are_equal(&self) -> bool {
        self.nodes.iter().all(|node| node.state == self.nodes[0].state)
    }

    /// Whether no replica waits for an answer.
    pub(crate) fn is_settled(&self) -> bool {
        let mut sessions = self.nodes.iter().flat_map(|node| node.sessions.values());
        sessions.all(Session::is_settled)
    }

    /// Steps without faults until all is told; returns how many there were.
    #[track_caller]
    pub(crate) fn heal(&mut self, steps_max: u64) -> u64 {
        self.faults = Faults::default();
        self.cut.clear();
        for step in 0..steps_max {
            if self.are_equal() && self.is_settled() {
                return step;
            }
            self.step();
        }
        let held: Vec<_> = self.nodes.iter().map(|it| (&it.state, it.sessions.len())).collect();
        panic!("no agreement after {steps_max} steps: {held:?}");
    }

    /// Compares with the model.
    #[track_caller]
    fn verify(&self) {
        let state = &self.nodes[0].state;
        let mut model = T::default();
        for made in &self.made {
            let is_here = holds(state, &made.delta);
            assert!(is_here || made.is_given_up || !made.is_stored, "lost: {:?}", made.delta);
            if is_here {
                model.apply(&made.delta);
            }
        }
        assert_eq!(*state, model, "all is there, nothing else is, and nothing removed is back");
    }
}

fn holds<T: Load>(state: &T, delta: &T::Delta) -> bool {
    !state.clone().apply(delta)
}

fn damage(bytes: &mut Vec<u8>, rng: &mut Rng) {
    if rng.chance(300) {
        bytes.truncate(rng.index(bytes.len()));
        return;
    }
    for _ in 0..=rng.below(3) {
        let at = rng.index(bytes.len());
        bytes[at] ^= 1 << rng.below(8);
    }
}

/// A whole life of a network: writes while all goes wrong, and then it heals.
fn play<T: Load>(seed: u64) {
    let mut rng = Rng::new(seed);
    let graphs = [Graph::Line, Graph::Ring, Graph::Star, Graph::Mesh, Graph::Random];
    let graph = graphs[rng.index(5)];
    let few = 2 + rng.index(6);
    let replicas = if rng.chance(40) { 8 + rng.index(43) } else { few };
    let rate = |rng: &mut Rng, most: u64| if rng.chance(600) { rng.below(most) } else { 0 };
    let faults = Faults {
        lost: rate(&mut rng, 400),
        repeated: rate(&mut rng, 200),
        damaged: rate(&mut rng, 200),
        delay_max: rate(&mut rng, 25),
        cut: rate(&mut rng, 100),
        crash: rate(&mut rng, 20),
        restore: rate(&mut rng, 6),
    };
    let forwards = !matches!(graph, Graph::Mesh) || rng.chance(500);
    let settings =
        if forwards { SessionSettings::new() } else { SessionSettings::new().patience(4) };
    let settings = settings.message_bytes(if rng.chance(500) { 256 } else { 1200 });
    let writes = rng.below(300);
    let mut network = Network::<T>::new(rng, graph, replicas, settings, forwards);
    network.faults = faults;
    for _ in 0..(if replicas > 8 { 30 } else { 150 }) {
        for at in 0..replicas {
            if network.rng.chance(writes) {
                network.edit(at);
            }
        }
        network.step();
    }
    network.heal(3_000);
    network.verify();
}

/// Tells the seed where something fails.
struct Seed(&'static str, u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the network of {} was played from seed {}", self.0, self.1);
        }
    }
}

fn seeds<T: Load>(name: &'static str) {
    for seed in 0..count(4_500).div_ceil(9).into() {
        let seed = Seed(name, seed);
        play::<T>(seed.1);
    }
}

#[test]
fn networks_of_counters_converge() {
    seeds::<PnCounter>("PnCounter");
}

#[test]
fn networks_of_sets_converge() {
    seeds::<OrSet<u64>>("OrSet");
}

#[test]
fn networks_of_maps_converge() {
    seeds::<OrMap<String, u64>>("OrMap");
}

#[test]
fn networks_of_last_writers_converge() {
    seeds::<LwwRegister<String>>("LwwRegister");
}

#[test]
fn networks_of_registers_converge() {
    seeds::<MvRegister<u64>>("MvRegister");
}

#[test]
fn networks_of_flags_converge() {
    seeds::<EnableFlag>("EnableFlag");
}

#[test]
fn networks_of_documents_converge() {
    seeds::<Document>("Document");
}

#[test]
fn networks_of_tuples_converge() {
    seeds::<(PnCounter, OrSet<u64>)>("tuples");
}

#[test]
fn networks_of_maps_of_counters_converge() {
    seeds::<BTreeMap<u64, PnCounter>>("BTreeMap");
}

/// Thirty replicas, each with a few neighbours, by default. A thousand: `REJOIN_THOUSAND=1 cargo test --test it
/// a_thousand -- --nocapture` plays it, and prints what it took.
#[test]
fn a_thousand_replicas_converge() {
    let replicas = if std::env::var_os("REJOIN_THOUSAND").is_some() { 1_000 } else { 30 };
    let rng = Rng::new(1_000);
    let mut network =
        Network::<OrSet<u64>>::new(rng, Graph::Random, replicas, SessionSettings::new(), true);
    network.faults =
        Faults { lost: 50, repeated: 20, damaged: 20, delay_max: 3, ..Faults::default() };
    for _ in 0..100 {
        let at = network.rng.index(replicas);
        network.edit(at);
        network.step();
    }
    let steps = network.heal(10_000);
    network.verify();
    let (bytes, messages) = (network.bytes, network.messages);
    println!("{replicas} replicas, 100 writes: {steps} steps, {messages} messages, {bytes} bytes");
    assert!(bytes > 0);
}
