//! What sessions and reconcilers say, byte for byte: a scripted dialogue of each against a golden file.

use crate::replica;
use rejoin::{
    OrSet, ReplicaId,
    sync::{Collection, Direction, Reconciler, ReconcilerSettings, Session, SessionSettings},
};
use std::{fmt::Write, fs, path::PathBuf};

type Set = OrSet<u64>;

fn hex(who: &str, message: &[u8], out: &mut String) {
    write!(out, "{who} ").unwrap();
    message.iter().for_each(|byte| write!(out, "{byte:02x}").unwrap());
    out.push('\n');
}

struct Side {
    name: &'static str,
    state: Set,
    session: Session<Set>,
}

impl Side {
    fn new(name: &'static str, nonce: u64, settings: SessionSettings) -> Self {
        Self { name, state: Set::new(), session: Session::with(replica(name), nonce, settings) }
    }

    /// Sends all that it has to say; what the other makes of it. The message of this number is lost.
    fn say(&mut self, to: &mut Self, lost: usize, out: &mut String) -> usize {
        let mut said = 0;
        while let Some(message) = self.session.poll_transmit(&self.state) {
            hex(self.name, &message, out);
            said += 1;
            if said != lost {
                // Refusals are a part of the dialogue.
                let _ = to.session.receive(&mut to.state, &message);
            }
        }
        said
    }
}

fn talk(a: &mut Side, b: &mut Side, out: &mut String) {
    // Each is asked in turn, though the first said nothing.
    while [a.say(b, 0, out), b.say(a, 0, out)] != [0, 0] {}
}

/// Greetings, questions, deltas whole and in parts, gaps, comparisons, matches and a refusal.
fn session() -> String {
    let mut out = String::new();
    let settings = SessionSettings::new().message_bytes(256);
    let (mut a, mut b) =
        (Side::new("us", 17, settings), Side::new("eu", 71, settings.transfer_bytes(1_000)));
    a.state.extend([1, 2], a_id()).unwrap();
    talk(&mut a, &mut b, &mut out);
    let delta = b.state.remove(&1, replica("eu")).unwrap();
    b.session.changed(&delta);
    talk(&mut a, &mut b, &mut out);
    let delta = a.state.extend((0..60).map(|number| number << 40), a_id()).unwrap();
    a.session.changed(&delta);
    a.say(&mut b, 1, &mut out);
    talk(&mut a, &mut b, &mut out);
    a.session.resend();
    talk(&mut a, &mut b, &mut out);
    let delta = a.state.extend((100..400).map(|number| number << 40), a_id()).unwrap();
    a.session.changed(&delta);
    talk(&mut a, &mut b, &mut out);
    assert_eq!((a.state.len(), b.state.len()), (361, 61), "the last delta was refused");
    out
}

fn a_id() -> ReplicaId {
    replica("us")
}

/// Two tables that differ in some rows, in messages so small that ranges are split.
fn reconciler() -> String {
    let mut out = String::new();
    let (mut ours, mut theirs) = (Collection::<Set>::new(), Collection::<Set>::new());
    for number in 0..40_u64 {
        let key = format!("key-{number:02}");
        theirs.edit(key.as_bytes(), |set| set.insert(number, replica("us"))).unwrap();
        if number == 21 {
            continue;
        }
        ours.edit(key.as_bytes(), |set| set.insert(number, replica("us"))).unwrap();
        if number % 13 == 7 {
            ours.edit(key.as_bytes(), |set| set.insert(number + 100, replica("us"))).unwrap();
        }
    }
    let settings = ReconcilerSettings::new().message_bytes(1_024);
    let (mut here, mut there) = (Reconciler::new(settings), Reconciler::new(settings));
    here.start(Direction::Both);
    while here.is_running() {
        while let Some(question) = here.poll_transmit(&mut ours).unwrap() {
            hex("us", &question, &mut out);
            there.receive(&mut theirs, &question).unwrap();
            while let Some(answer) = there.poll_transmit(&mut theirs).unwrap() {
                hex("eu", &answer, &mut out);
                here.receive(&mut ours, &answer).unwrap();
            }
        }
    }
    assert!(ours.iter().eq(theirs.iter()));
    out
}

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("golden/v1/{name}.txt"))
}

fn dialogues() -> [(&'static str, String); 2] {
    [("session", session()), ("reconciler", reconciler())]
}

#[test]
fn dialogues_are_as_they_were() {
    for (name, said) in dialogues() {
        let path = golden(name);
        let kept =
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(said, kept, "{name}: other bytes are a new version of the protocol");
    }
    // Each message of a session begins with its kind: all ten.
    let kept = fs::read_to_string(golden("session")).unwrap();
    let kinds: std::collections::BTreeSet<&str> =
        kept.lines().map(|line| &line.split_once(' ').unwrap().1[..2]).collect();
    assert_eq!(kinds.len(), 10, "{kinds:?}");
}

/// Writes the golden files that are not there yet, and changes none:
/// `cargo test --test it write_the_dialogues -- --ignored`.
#[test]
#[ignore = "writes into the tree"]
fn write_the_dialogues() {
    for (name, said) in dialogues() {
        if !golden(name).exists() {
            fs::write(golden(name), said).unwrap();
        }
    }
}
