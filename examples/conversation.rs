//! Two regions edit one conversation, and merge it field by field.
//!
//! `cargo run --example conversation`

use rejoin::{DeltaState, Document, ReplicaId, Timestamp, document::Rules};
use serde_json::json;
use std::{error::Error, time::SystemTime};

const US: ReplicaId = ReplicaId::named("us-east-1").unwrap();
const EU: ReplicaId = ReplicaId::named("eu-west-1").unwrap();

fn main() -> Result<(), Box<dyn Error>> {
    let now = || Timestamp::from(SystemTime::now());
    let keys = Rules::new().keyed("/messages", "id")?;
    let booking = json!({
        "title": "Booking", "status": "active", "unread": 1,
        "messages": [{"id": "m1", "from": "ana", "text": "Hello"}],
    });
    let mut in_us = Document::from_json_with(keys, &booking, US, now())?;
    let mut in_eu = in_us.clone();

    // Each edit is one delta: all of it or nothing.
    let mut edit = in_us.edit(US, now());
    edit.push("/messages", json!({"id": "m2", "from": "ana", "text": "Which flight?"}))?
        .increment("/unread", 1)?;
    let from_us = edit.commit();
    let mut edit = in_eu.edit(EU, now());
    edit.set("/status", "resolved")?
        .set("/messages/0/text", "Hello there")?
        .push("/messages", json!({"id": "m3", "from": "desk", "text": "Done."}))?
        .increment("/unread", 1)?;
    let from_eu = edit.commit();

    in_us.apply(&from_eu);
    let report = in_eu.apply_reporting(&from_us);
    assert_eq!(in_us, in_eu);

    println!("What changed in eu-west-1:");
    for change in report.changes() {
        let now = change.after.as_ref().map_or("removed".into(), ToString::to_string);
        println!("  {}: {now}", change.path);
    }
    println!("Messages, now the same everywhere:");
    let messages = in_us.at("/messages").ok_or("no messages")?;
    for message in messages.items() {
        let text = |name| message.get(name).and_then(|it| it.as_str()).unwrap_or_default();
        println!("  {} {:>4}: {}", message.pointer(), text("from"), text("text"));
    }
    println!("As JSON: {in_us}");
    assert_eq!(in_us.get("/unread"), Some(3.into()));
    Ok(())
}
