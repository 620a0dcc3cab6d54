//! The bundled conversation: 40 messages of a booking, and three regions that went on with it
//! while the link between them was down. What each left behind is taken in as a whole; what came
//! in there meanwhile, unread messages and thanks, is counted one by one.

use crate::{
    Failure,
    merging::{fork, import, keyed, merge_in_all_orders, replica},
    table::{self, Names},
};
use rejoin::{
    Timestamp,
    document::{DocumentError, Rules},
};
use serde_json::Value as Json;
use std::io::{self, Write};

const BASE: &str = include_str!("../data/booking/base.json");

/// The message that the customer thanks for.
const SETTLED: &str = "dda7e515-e33a-4538-b87b-118631fd7a9d";

const RULES: &str = "\
rules      /messages     keyed by id, ordered by create_time
           /update_time  the greatest is read";

fn rules() -> Result<Rules, DocumentError> {
    keyed("id")?.ordered_by("/messages", "create_time")?.max("/update_time")
}

struct Region {
    name: &'static str,
    /// The conversation as it stood here in the end.
    json: &'static str,
    /// In milliseconds since the epoch. The clock in Europe is three minutes slow, which harms
    /// nothing: times decide only between edits that had not seen each other.
    clock_ms: u64,
    unread: u64,
    thanks: u64,
}

const REGIONS: [Region; 3] = [
    Region {
        name: "us-east-1",
        json: include_str!("../data/booking/us-east-1.json"),
        clock_ms: 1_717_238_502_782,
        unread: 0,
        thanks: 1,
    },
    Region {
        name: "eu-west-1",
        json: include_str!("../data/booking/eu-west-1.json"),
        clock_ms: 1_717_238_285_759,
        unread: 2,
        thanks: 0,
    },
    Region {
        name: "ap-southeast-1",
        json: include_str!("../data/booking/ap-southeast-1.json"),
        clock_ms: 1_717_238_539_384,
        unread: 1,
        thanks: 1,
    },
];

pub(crate) fn run() -> Result<(), Failure> {
    let origin = replica("origin")?;
    let imported = Timestamp::from_millis(1_717_238_197_038);
    let base = import(&parse("base.json", BASE)?, rules()?, origin, imported)?;
    let out = &mut io::stdout().lock();
    writeln!(out, "{RULES}\n")?;
    let mut names = Names::from([(origin, "origin".into())]);
    let mut sides = Vec::new();
    for Region { name, json, clock_ms, unread, thanks } in REGIONS {
        let (id, now) = (replica(name)?, Timestamp::from_millis(clock_ms));
        names.insert(id, name.into());
        let mut side = fork(&base, &parse(name, json)?, id, now)?;
        if unread > 0 {
            side.count("/unread", unread, id, now)?;
        }
        if let Some(settled) = side.document.item("/messages", SETTLED).filter(|_| thanks > 0) {
            side.count(&format!("{settled}/reactions/thanks"), thanks, id, now)?;
        }
        table::print_changes(out, name, now, &side.changes(&base))?;
        sides.push(side);
    }
    let merged = merge_in_all_orders(&base, &sides)?;
    Ok(table::print(out, &merged, &names)?)
}

fn parse(name: &str, json: &str) -> Result<Json, Failure> {
    serde_json::from_str(json).map_err(|error| Failure::Refused(format!("{name}: {error}")))
}
