//! A gate for what strangers send: size, bytes, times and content, all before anything is merged.
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
        message: &[u8],
        now: Timestamp,
    ) -> Result<(), Box<dyn Error>> {
        let delta: DocumentDelta = wire::from_bytes_within(message, &self.limits)?;
        if delta.latest() > Some(now.saturating_add(self.ahead)) {
            return Err("the message carries a time from the future".into());
        }
        let mut draft = into.clone();
        draft.apply(&delta);
        let title = draft.at("/title").ok_or("the title is missing")?;
        let title = title.as_str().ok_or("the title is not a text")?;
        if title.len() > self.title_bytes_max {
            return Err(format!("the title has more than {} bytes", self.title_bytes_max).into());
        }
        *into = draft;
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
        ("no title", from(&|it| it.remove("/title", eu, now))?),
        ("sound", from(&|it| it.set("/title", "Booking Help", eu, now))?),
    ];
    for (what, message) in messages {
        match gate.take(&mut ours, &message, now) {
            Ok(()) => println!("{what:>17}: taken"),
            Err(error) => println!("{what:>17}: refused, {error}"),
        }
    }
    assert_eq!(ours.to_string(), r#"{"title":"Booking Help"}"#);
    Ok(())
}
