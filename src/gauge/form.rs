//! A map of rows by replica.

use super::{Gauge, Row};
use crate::{replica::ReplicaId, time::Timestamp};
use core::fmt;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, MapAccess, Visitor},
};
use smallvec::SmallVec;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    opened: u64,
    closed: u64,
    until: Option<Timestamp>,
}

impl Serialize for Gauge {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.by_replica().map(|row| {
            let parts = Parts { opened: row.opened(), closed: row.closed(), until: row.until() };
            (row.replica(), parts)
        }))
    }
}

impl<'de> Deserialize<'de> for Gauge {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let readable = deserializer.is_human_readable();
        deserializer.deserialize_map(Read { readable })
    }
}

/// Apart, so that it is compiled once.
fn sort(rows: &mut [Row]) {
    rows.sort_by_key(Row::replica);
}

/// People and their services write objects in any order and may spell out rows that say nothing;
/// the compact form has one spelling for each gauge.
struct Read {
    readable: bool,
}

impl<'de> Visitor<'de> for Read {
    type Value = Gauge;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of replica ids to what they opened and closed")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Gauge, A::Error> {
        let mut rows = SmallVec::<[Row; 2]>::new();
        while let Some((replica, parts)) = map.next_entry::<ReplicaId, Parts>()? {
            let Parts { opened, closed, until } = parts;
            if closed > opened {
                return Err(A::Error::custom(format_args!(
                    "replica {replica} has closed more than it opened"
                )));
            }
            let row = Row::from_parts(replica, opened, closed, until);
            if !self.readable && (row.says_nothing() || until != row.until()) {
                return Err(A::Error::custom("what says nothing must be left out"));
            }
            rows.push(row);
        }
        if self.readable {
            sort(&mut rows);
        }
        if let Some(pair) = rows.windows(2).find(|pair| pair[0].name() >= pair[1].name()) {
            let why = "is repeated, also under another incarnation, or out of order";
            return Err(A::Error::custom(format_args!("replica {} {why}", pair[1].replica())));
        }
        rows.retain(|row| !row.says_nothing());
        Ok(Gauge { rows })
    }
}
