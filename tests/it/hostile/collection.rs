//! Messages of a collection, from anywhere.

use rejoin::{
    OrSet,
    sync::{Collection, Direction, Fingerprint, Reconciler, ReconcilerSettings},
};

type Set = OrSet<u64>;

const SETTINGS: ReconcilerSettings = ReconcilerSettings::new().message_bytes(2_048);

fn table() -> Collection<Set> {
    let mut table = Collection::new();
    let us = "us-east-1".parse().unwrap();
    for row in 0..40_u64 {
        table.edit(&row.to_be_bytes(), |set: &mut Set| set.insert(row, us).unwrap());
    }
    table
}

fn sum(bytes: &[u8]) -> [u8; 4] {
    let low = Fingerprint::of_bytes(bytes).to_parts().0 & 0xffff_ffff;
    u32::try_from(low).unwrap().to_le_bytes()
}

/// The body of a message, sent as a question and as the answer to one, under a checksum that is
/// right. Whatever it is: what is sent in turn keeps to its size, no row goes, and an honest run
/// brings both sides together afterwards.
pub(super) fn messages(body: &[u8]) {
    let (mut ours, mut theirs) = (table(), table());
    let mut here = Reconciler::new(SETTINGS);
    _ = here.receive(&mut ours, body);
    here.start(Direction::Both);
    let question = here.poll_transmit(&mut ours).unwrap().unwrap();
    for mode in [body.first().copied().unwrap_or(0), 0x17, 0x37, 0x16, 0x36] {
        let mut message =
            [&[0xf9, b'j', 1, 0x40, mode], body.get(1..).unwrap_or_default()].concat();
        if mode & 1 == 1 && message.len() >= 9 {
            message[5..9].copy_from_slice(&sum(&question));
        }
        let checksum = sum(&message[4..]);
        message.extend(checksum);
        _ = here.receive(&mut ours, &message);
    }
    for _ in 0..20 {
        let Some(message) = here.poll_transmit(&mut ours).unwrap() else { break };
        assert!(message.len() <= 2_048);
    }
    assert!(ours.len() >= 40);
    here.start(Direction::Both);
    let mut there = Reconciler::new(SETTINGS);
    for _ in 0..1_000 {
        let Some(question) = here.poll_transmit(&mut ours).unwrap() else { break };
        there.receive(&mut theirs, &question).unwrap();
        while let Some(answer) = there.poll_transmit(&mut theirs).unwrap() {
            here.receive(&mut ours, &answer).unwrap();
        }
    }
    assert!(!here.is_running(), "an honest run ends");
}
