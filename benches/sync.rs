//! What sessions send, in bytes and round trips: `cargo bench --bench sync`. It times nothing.
//!
//! First two replicas of a set of 100,000 random `u64`, which 12,500 removals in the past have left
//! full of holes, and which then differ by a few adds and removals on either side. Then a mesh of 50
//! replicas that write all the time.

#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // estimates

use rejoin::{
    DeltaState, Merge, OrSet, ReplicaId, SetDelta,
    sync::{Event, Session, SessionSettings},
    wire,
};
use std::{collections::BTreeMap, error::Error};

type Set = OrSet<u64>;
type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const ELEMENTS: u64 = 100_000;

/// Elements that look random and are all different: `SplitMix64` of their number.
fn element(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

fn main() -> Result {
    println!("{:>6} {:28} {:>9} {:>9} {:>9} {:>5}", "d", "", "there", "back", "both", "trips");
    for differences in [0, 1, 10, 100, 10_000] {
        differ(differences)?;
    }
    println!();
    mesh()
}

/// One side of a link.
struct Side {
    id: ReplicaId,
    state: Set,
    session: Session<Set>,
    bytes: usize,
}

/// How many bytes went each way, and how many round trips there were.
struct Cost(usize, usize, usize);

impl Cost {
    fn print(&self, differences: u64, name: &str) {
        let Self(there, back, trips) = self;
        let both = there + back;
        println!("{differences:>6} {name:28} {there:>9} {back:>9} {both:>9} {trips:>5}");
    }
}

/// Two sides that talk until nothing is left to say. A round trip is what one side says at once, and
/// what the other answers.
fn talk(a: &mut Side, b: &mut Side) -> Result<Cost> {
    (a.bytes, b.bytes) = (0, 0);
    for trips in 0.. {
        let there = a.session.poll_transmit(&a.state);
        let mut next = there.clone();
        while let Some(message) = next {
            a.bytes += message.len();
            b.session.receive(&mut b.state, &message)?;
            next = a.session.poll_transmit(&a.state);
        }
        let back = b.session.poll_transmit(&b.state);
        let mut next = back.clone();
        while let Some(message) = next {
            b.bytes += message.len();
            a.session.receive(&mut a.state, &message)?;
            next = b.session.poll_transmit(&b.state);
        }
        if there.is_none() && back.is_none() {
            return Ok(Cost(a.bytes, b.bytes, trips));
        }
    }
    Err("they talk on".into())
}

/// The set as both hold it at first.
fn shared(us: ReplicaId, eu: ReplicaId) -> Result<Set> {
    let mut set = Set::new();
    for number in 0..ELEMENTS + ELEMENTS / 8 {
        set.insert(element(number), if element(number) % 2 == 0 { us } else { eu })?;
    }
    for number in 0..ELEMENTS / 8 {
        set.remove(&element(number * 9), us)?;
    }
    Ok(set)
}

fn differ(differences: u64) -> Result {
    let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    let set = shared(us, eu)?;
    let side =
        |id, nonce| Side { id, state: set.clone(), session: Session::new(id, nonce), bytes: 0 };
    let (mut a, mut b) = (side(us, 17), side(eu, 71));
    talk(&mut a, &mut b)?;
    let mut deltas = [Vec::new(), Vec::new()];
    for number in 0..differences {
        let (at, side) = if number % 2 == 0 { (0, &mut a) } else { (1, &mut b) };
        // Of four, two are adds: one on each side.
        let delta = if number / 2 % 2 == 0 {
            side.state.insert(element(1 << 40 | number), side.id)?
        } else {
            side.state.remove(&element(number * 9 + 1), side.id)?
        };
        side.session.changed(&delta);
        deltas[at].push(delta);
    }
    let adds = (0..differences).filter(|number| number / 2 % 2 == 0).count();
    let before = (a.state.clone(), b.state.clone());
    if differences == 0 {
        a.session.resend();
        talk(&mut a, &mut b)?.print(0, "in sync");
        return Ok(());
    }

    talk(&mut a, &mut b)?.print(differences, "session, nothing lost");
    assert_eq!(a.state, b.state);
    let goal = 12 * (8 * adds + 4 * usize::try_from(differences)?) / 10 + 2 * 24;
    println!("{differences:>6} {:28} {:>29}", "  at most, as the goal", goal);

    a = Side { state: before.0.clone(), session: Session::new(us, 18), ..a };
    b = Side { state: before.1.clone(), session: Session::new(eu, 72), ..b };
    talk(&mut a, &mut b)?.print(differences, "session, knows nothing");
    assert_eq!(a.state, b.state);
    let [ours, theirs] = [&before.0, &before.1].map(|it| wire::to_bytes(&it.version()).len());
    println!("{differences:>6} {:28} {ours:>9} {theirs:>9}", "  of that, versions");
    let masks = usize::try_from(ELEMENTS + ELEMENTS / 8)? / 8;
    let payload = adds * 8;
    println!("{differences:>6} {:28} {:>29}", "  live masks + payload", masks + payload);

    let [ours, theirs] = [&before.0, &before.1].map(|it| wire::to_bytes(it).len());
    Cost(ours, theirs, 1).print(differences, "whole states");
    let [there, back] = deltas.map(|deltas| {
        let bytes = deltas.iter().map(|delta| wire::to_bytes(delta).len() + 8).sum::<usize>();
        (bytes, deltas.len() * 8)
    });
    Cost(there.0 + back.1, back.0 + there.1, 1).print(differences, "deltas one by one, answered");
    let bound = information(adds, usize::try_from(differences)? - adds);
    println!("{differences:>6} {:28} {bound:>29}", "the least there is to tell");
    Ok(())
}

/// Bytes that tell which elements came, of all `u64`, and which went, of those that were there.
fn information(adds: usize, removals: usize) -> usize {
    let choose = |of: f64, many: usize| -> f64 {
        (0..many).map(|it| ((of - it as f64) / (it as f64 + 1.0)).log2()).sum()
    };
    let bits = choose(2_f64.powi(64), adds) + choose(ELEMENTS as f64, removals);
    (bits / 8.0).ceil() as usize
}

const REPLICAS: usize = 50;
const STEPS: u64 = 200;
/// Steps between two calls of `resend`, and between two whole states. A message takes one step.
const TICK: u64 = 20;

struct Node {
    id: ReplicaId,
    state: Set,
    sessions: BTreeMap<usize, Session<Set>>,
}

/// Each replica of a mesh adds or removes an element in one of four steps.
fn mesh() -> Result {
    println!("a mesh of {REPLICAS}, each of which writes in one of 4 steps, {STEPS} steps, bytes");
    let (own, writes) = played(false)?;
    let (all, _) = played(true)?;
    println!("{:44} {own:>14}", "sessions, each tells its own writes");
    println!("{:44} {all:>14}", "sessions, each tells all that is new to it");

    // Whoever hears of a delta first tells all but the one that told it.
    let forwarded: usize = writes.deltas.iter().map(|delta| wire::to_bytes(delta).len()).sum();
    let forwarded = forwarded * (REPLICAS - 1) * REPLICAS.saturating_sub(1);
    println!("{:44} {forwarded:>14}", "each delta told on by all");
    println!("{:44} {:>14}", "whole states to all, each 20 steps", writes.states);
    println!(
        "whole states / own {:.0}, told on / own {:.1}; whole states / all {:.0}, told on / all {:.1}",
        writes.states as f64 / own as f64,
        forwarded as f64 / own as f64,
        writes.states as f64 / all as f64,
        forwarded as f64 / all as f64
    );
    Ok(())
}

/// What was written, and what whole states would take.
#[derive(Default)]
struct Writes {
    deltas: Vec<SetDelta<u64>>,
    states: usize,
}

fn played(tells_all: bool) -> Result<(usize, Writes)> {
    let settings = SessionSettings::new().patience(if tells_all { 1 } else { 8 });
    let mut nodes = Vec::new();
    for at in 0..REPLICAS {
        let id = format!("region-{at}").parse()?;
        let others = (0..REPLICAS).filter(|other| *other != at);
        let session = |other| {
            let nonce = element((at * REPLICAS + other) as u64);
            (other, Session::with(id, nonce, settings))
        };
        nodes.push(Node { id, state: Set::new(), sessions: others.map(session).collect() });
    }
    let mut start = Set::new();
    start.extend((0..1_000).map(element), nodes[0].id)?;
    for node in &mut nodes {
        node.state = start.clone();
    }
    let (mut writes, mut bytes) = (Writes::default(), 0);
    let mut on_the_way: Vec<(usize, usize, Vec<u8>)> = Vec::new();
    // First they meet; then they write; and then they hear of the last.
    for step in 0..STEPS + 400 {
        for (from, to, message) in std::mem::take(&mut on_the_way) {
            let Node { state, sessions, .. } = &mut nodes[to];
            let Some(session) = sessions.get_mut(&from) else { continue };
            // Those that crossed with a greeting are of no use.
            for event in session.receive(state, &message).unwrap_or_default() {
                let Event::Changed(delta) = event else { continue };
                let others = sessions.iter_mut().filter(|it| tells_all && *it.0 != from);
                others.for_each(|(_, session)| session.changed(&delta));
            }
        }
        for (at, node) in nodes.iter_mut().enumerate() {
            let choice = element(step << 20 | at as u64);
            if (20..20 + STEPS).contains(&step) && choice % 4 == 0 {
                let some = node.state.iter().nth((choice >> 8) as usize % 500).copied();
                let delta = match some.filter(|_| choice >> 4 & 1 == 0) {
                    Some(some) => node.state.remove(&some, node.id)?,
                    None => node.state.insert(element(1 << 50 | choice), node.id)?,
                };
                node.sessions.values_mut().for_each(|session| session.changed(&delta));
                writes.deltas.push(delta);
            }
            let writing = (20..20 + STEPS).contains(&step);
            if (step + at as u64) % TICK == 0 {
                node.sessions.values_mut().for_each(Session::resend);
                if writing {
                    writes.states += wire::to_bytes(&node.state).len() * (REPLICAS - 1);
                }
            }
            for (to, session) in &mut node.sessions {
                while let Some(message) = session.poll_transmit(&node.state) {
                    bytes += if writing { message.len() } else { 0 };
                    on_the_way.push((at, *to, message));
                }
            }
        }
    }
    let mut model = start;
    writes.deltas.iter().for_each(|delta| _ = model.apply(delta));
    assert!(nodes.iter().all(|node| node.state == model && !model.clone().merge(&node.state)));
    Ok((bytes, writes))
}
