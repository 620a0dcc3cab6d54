//! A gate for what strangers send: size, bytes, times, who wrote it, and what it would change, all
//! before anything is merged.
//!
//! `cargo run --example strangers`

use rejoin::{
    DeltaState, Document, ReplicaId, Timestamp,
    document::{DocumentDelta, DocumentError},
    wire::{self, Limits},
};
use std::{error::Error, time::Duration};

type Made = Result<DocumentDelta, DocumentError>;

struct Gate {
    limits: Limits,
    /// How far a sender's clock may be ahead of ours.
    ahead: Duration,
    /// No text in the document may be longer.
    title_bytes_max: usize,
}

impl Gate {
    /// Applies a message, or says why not; then the document is as it was.
    fn take(
        &self,
        into: &mut Document,
        sender: ReplicaId,
        message: &[u8],
        now: Timestamp,
    ) -> Result<(), Box<dyn Error>> {
        let delta: DocumentDelta = wire::from_bytes_within(message, &self.limits)?;
        if delta.latest() > Some(now.saturating_add(self.ahead)) {
            return Err("the message carries a time from the future".into());
        }
        let mut told = delta.writes().chain(delta.removals());
        if let Some(write) = told.find(|write| write.replica() != sender) {
            return Err(format!("{} was written as {}", write.path(), write.replica()).into());
        }
        for change in into.preview(&delta).changes() {
            if change.path != "/title" {
                return Err(format!("{} is not the title", change.path).into());
            }
            let title = change.after.as_ref().ok_or("the title would be missing")?;
            let title = title.as_str().ok_or("the title would not be a text")?;
            if title.len() > self.title_bytes_max {
                let most = self.title_bytes_max;
                return Err(format!("the title would have more than {most} bytes").into());
            }
        }
        into.apply(&delta);
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let (us, eu): (ReplicaId, ReplicaId) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    let now = Timestamp::from_millis(1_717_236_600_000);
    let gate = Gate {
        limits: Limits::default().bytes(4_096).entries(100),
        ahead: Duration::from_secs(300),
        title_bytes_max: 40,
    };
    let mut ours = Document::new();
    ours.set("/title", "Booking", us, now)?;

    // What a stranger may do to a copy of it.
    let from = |edit: &dyn Fn(&mut Document) -> Made| {
        edit(&mut ours.clone()).map(|delta| wire::to_bytes(&delta))
    };
    let end = Timestamp::from_millis(u64::MAX);
    let messages = [
        ("nonsense", b"not even ours".to_vec()),
        ("too large", from(&|it| it.set("/title", "x".repeat(5_000), eu, now))?),
        ("from the future", from(&|it| it.set("/title", "Mine forever", eu, end))?),
        ("too long a title", from(&|it| it.set("/title", "x".repeat(50), eu, now))?),
        ("under our id", from(&|it| it.set("/title", "Mine", us, now))?),
        ("elsewhere", from(&|it| it.set("/status", "Mine", eu, now))?),
        ("no title", from(&|it| it.remove("/title", eu, now))?),
        ("sound", from(&|it| it.set("/title", "Booking Help", eu, now))?),
    ];
    for (what, message) in messages {
        match gate.take(&mut ours, eu, &message, now) {
            Ok(()) => println!("{what:>17}: taken"),
            Err(error) => println!("{what:>17}: refused, {error}"),
        }
    }
    assert_eq!(ours.to_string(), r#"{"title":"Booking Help"}"#);
    Ok(())
}
