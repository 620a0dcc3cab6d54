//! Two regions change one title while a third deletes what one of them edits: what the merge tells,
//! and how somebody decides.
//!
//! `cargo run --example conflicts`

use rejoin::{
    Document, Merge, ReplicaId, Timestamp,
    document::{Claim, Conflict, Contender},
};
use serde_json::json;
use std::error::Error;

const US: ReplicaId = ReplicaId::named("us-east-1").unwrap();
const EU: ReplicaId = ReplicaId::named("eu-west-1").unwrap();

fn spell(side: &Contender) -> String {
    let what = match &side.claim {
        Claim::Value(value) => value.to_string(),
        Claim::Read(kind) => kind.to_string(),
        Claim::Deletion => "a deletion".into(),
    };
    match side.stamp {
        Some(stamp) => format!("{what} by {} at {}", stamp.replica, stamp.time),
        None => what,
    }
}

fn show(conflict: &Conflict) {
    println!("{} ({})", conflict.path, conflict.kind);
    println!("  is read:  {}", spell(&conflict.winner));
    for loser in &conflict.losers {
        println!("  is not:   {}", spell(loser));
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let at = Timestamp::from_millis;
    let booking = json!({"title": "Booking", "guest": {"name": "Ana", "email": "ana@old"}});
    let mut in_us = Document::from_json(&booking, US, at(1))?;
    let mut in_eu = in_us.clone();

    in_us.set("/title", "Booking Help", US, at(5))?;
    in_us.remove("/guest", US, at(6))?;
    in_eu.set("/title", "Booking Assistance", EU, at(9))?;
    in_eu.set("/guest/email", "ana@new", EU, at(9))?;

    let report = in_us.merge_reporting(&in_eu);
    in_eu.merge(&in_us);
    assert_eq!(in_us, in_eu); // they agree, whatever anybody decides
    println!("{in_us}\n\nIn conflict:");
    report.conflicts().iter().for_each(show);

    // Any write that has seen both sides decides. `resolve` refuses where nothing is in conflict.
    in_us.resolve("/title", "Booking Help", US, at(20))?;
    in_us.remove("/guest", US, at(20))?;
    assert!(in_us.conflicts().is_empty());
    assert!(in_us.resolve("/title", "Too late", US, at(21)).is_err());
    println!("\nDecided: {in_us}");
    Ok(())
}
