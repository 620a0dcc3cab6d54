//! What was granted, by replica, and what was used.

use super::{BTreeMap, BoundedCounter, GCounter};
use crate::{merge::Delta, replica::ReplicaId};
use core::fmt;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, MapAccess, Visitor},
    ser::SerializeStruct,
};

impl Serialize for BoundedCounter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut form = serializer.serialize_struct("BoundedCounter", 2)?;
        form.serialize_field("granted", &self.granted)?;
        form.serialize_field("used", &self.used)?;
        form.end()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename = "BoundedCounter")]
struct Parts {
    granted: Granted,
    used: GCounter,
}

impl<'de> Deserialize<'de> for BoundedCounter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Parts { granted: Granted(granted), used } = Parts::deserialize(deserializer)?;
        Ok(Self { granted, used })
    }
}

struct Granted(BTreeMap<ReplicaId, GCounter>);

impl<'de> Deserialize<'de> for Granted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let readable = deserializer.is_human_readable();
        deserializer.deserialize_map(Read { readable })
    }
}

/// People and their services write objects in any order and may spell out that nothing was granted;
/// the compact form has one spelling for each counter.
struct Read {
    readable: bool,
}

impl<'de> Visitor<'de> for Read {
    type Value = Granted;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of replica ids to what they granted")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Granted, A::Error> {
        let mut granted = BTreeMap::new();
        while let Some((replica, to)) = map.next_entry::<ReplicaId, GCounter>()? {
            if !self.readable {
                if Delta::is_empty(&to) {
                    return Err(A::Error::custom("what says nothing must be left out"));
                }
                if granted.last_key_value().is_some_and(|(last, _)| *last >= replica) {
                    return Err(A::Error::custom(format_args!(
                        "replica {replica} is out of order"
                    )));
                }
            }
            if granted.insert(replica, to).is_some() {
                return Err(A::Error::custom(format_args!("replica {replica} is repeated")));
            }
        }
        granted.retain(|_, to| !Delta::is_empty(to));
        Ok(Granted(granted))
    }
}
