//! A conversation of 40 messages as a log of deltas: what it was at any moment, what a reader
//! lacks, and what may be forgotten.
//!
//! `cargo run --example time_travel`

use rejoin::{
    DeltaState, Document, ReplicaId, Timestamp,
    document::Rules,
    sync::{CatchUp, Log},
    wire,
};
use serde_json::Value;
use std::error::Error;

const BASE: &str = include_str!("data/booking/base.json");
const US: ReplicaId = ReplicaId::named("us-east-1").unwrap();

/// When a message was written, in milliseconds: its position in the log.
fn written_at(message: &Value) -> Option<u64> {
    let seconds = message["create_time"].as_f64()?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // far from the ends
    Some((seconds * 1_000.0) as u64)
}

/// How many messages there are, and how the last begins.
fn shown(conversation: &Document) -> String {
    let messages = conversation.at("/messages").map_or(0, |list| list.items().count());
    let last = format!("/messages/{}/content/parts/0", messages.saturating_sub(1));
    let last = conversation.at(&last).and_then(|text| text.as_str().map(str::to_owned));
    let last = last.unwrap_or_else(|| "(no text)".into());
    let begins: String = last.chars().take(48).collect();
    format!("{messages:>2} messages, the last: {begins}…")
}

fn main() -> Result<(), Box<dyn Error>> {
    // The conversation grows, message by message, and each edit's delta goes to the log.
    let mut base: Value = serde_json::from_str(BASE)?;
    let messages = base["messages"].take();
    let messages = messages.as_array().ok_or("no messages")?;
    base["messages"] = Value::Array(Vec::new());
    let begun = messages.first().and_then(written_at).ok_or("no time")? - 1;
    let rules = Rules::new().keyed("/messages", "id")?;
    let mut now = Document::from_json_with(rules, &base, US, Timestamp::from_millis(begun))?;
    let mut log = Log::starting_at(begun, now.clone());
    for message in messages {
        let at = written_at(message).ok_or("no time")?;
        let delta = now.push("/messages", message, US, Timestamp::from_millis(at))?;
        log.append(at, delta)?;
    }
    let end = log.last().ok_or("empty")?;
    assert_eq!(log.state(), now);

    println!("What it was:");
    for minutes in [0, 5, 10, 20, 40] {
        let then = log.state_at(begun + minutes * 60_000)?;
        println!("  after {minutes:>2} min: {}", shown(&then));
    }

    println!("What a reader lacks:");
    let state = wire::to_bytes(&now).len();
    for back in [1, 5, 20] {
        let (cursor, _) = log.iter().rev().nth(back).ok_or("too short")?;
        let mut reader = log.state_at(cursor)?;
        assert_eq!(log.position_of(&reader.version()), Some(cursor), "found from what it holds");
        let sent = log.catch_up(cursor);
        let CatchUp::Tail(bytes) = sent else { return Err("the state is smaller".into()) };
        wire::apply_bytes(&mut reader, &bytes)?;
        assert_eq!(reader, now);
        println!("  {back:>2} messages behind: {:>6} bytes; the state has {state}", bytes.len());
    }

    // All readers have the last five minutes before the end, and one moment was promised.
    let (cursor, promised) = (end - 5 * 60_000, begun + 10 * 60_000);
    let before = (log.len(), log.state_at(promised)?, log.state_at(cursor)?);
    log.cut([cursor, promised]);
    let after = (log.len(), log.state_at(promised)?, log.state_at(cursor)?);
    assert_eq!((&before.1, &before.2), (&after.1, &after.2));
    assert_eq!(log.state(), now);
    println!("Cut from {} deltas to {}: what was promised is as before.", before.0, after.0);
    match log.state_at(begun + 5 * 60_000) {
        Ok(_) => return Err("it was kept".into()),
        Err(error) => println!("After 5 min: {error}."),
    }
    Ok(())
}
