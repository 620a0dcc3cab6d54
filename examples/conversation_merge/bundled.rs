//! The bundled conversation: 40 messages of a booking, and three regions that went on with it
//! while the link between them was down.

use crate::{
    Failure,
    merging::{fork, merge_in_all_orders, replica},
    table::{self, Names},
};
use rejoin::{Document, Timestamp};
use serde_json::Value as Json;
use std::io;

const BASE: &str = include_str!("../data/booking/base.json");

/// Each region, its conversation, and what its clock said, in milliseconds since the epoch. The
/// clock in Europe is three minutes slow, which harms nothing: times decide only between edits
/// that had not seen each other.
const REGIONS: [(&str, &str, u64); 3] = [
    ("us-east-1", include_str!("../data/booking/us-east-1.json"), 1_717_238_502_782),
    ("eu-west-1", include_str!("../data/booking/eu-west-1.json"), 1_717_238_285_759),
    ("ap-southeast-1", include_str!("../data/booking/ap-southeast-1.json"), 1_717_238_539_384),
];

pub(crate) fn run() -> Result<(), Failure> {
    let origin = replica("origin")?;
    let imported = Timestamp::from_millis(1_717_238_197_038);
    let base = Document::from_json(&parse("base.json", BASE)?, origin, imported)?;
    let mut names = Names::from([(origin, "origin".into())]);
    let mut sides = Vec::new();
    for (region, json, clock_ms) in REGIONS {
        let id = replica(region)?;
        names.insert(id, region.into());
        sides.push(fork(&base, &parse(region, json)?, id, Timestamp::from_millis(clock_ms))?);
    }
    let merged = merge_in_all_orders(&base, &sides)?;
    Ok(table::print(&mut io::stdout().lock(), &merged, &names)?)
}

fn parse(name: &str, json: &str) -> Result<Json, Failure> {
    serde_json::from_str(json).map_err(|error| Failure::Refused(format!("{name}: {error}")))
}
