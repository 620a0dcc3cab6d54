//! A map of lives by replica.

use super::{
    Presence, PresenceDelta, PresenceVersion, State,
    lives::{Held, Life, Lives, NEVER},
};
use crate::{
    causal::{Digest, DotKernel},
    replica::ReplicaId,
    time::Timestamp,
};
use alloc::vec::Vec;
use core::{fmt, hash::Hash, marker::PhantomData};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, MapAccess, Visitor},
};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts<S> {
    until: Option<Timestamp>,
    entries: S,
}

fn write<'a, S, P: Serialize, Out: Serializer>(
    lives: &'a Lives<S>,
    held: impl Fn(&'a S) -> P,
    serializer: Out,
) -> Result<Out::Ok, Out::Error> {
    serializer.collect_map(
        lives
            .0
            .iter()
            .map(|life| (life.replica, Parts { until: life.until(), entries: held(&life.held) })),
    )
}

fn read<'de, S: Held + Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Lives<S>, D::Error> {
    let readable = deserializer.is_human_readable();
    deserializer.deserialize_map(Read { readable, of: PhantomData })
}

/// People and their services write objects in any order and may spell out lives that say nothing;
/// the compact form has one spelling for each.
struct Read<S> {
    readable: bool,
    of: PhantomData<S>,
}

impl<'de, S: Held + Deserialize<'de>> Visitor<'de> for Read<S> {
    type Value = Lives<S>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of replica ids to their leases and entries")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Lives<S>, A::Error> {
        let mut lives = Vec::new();
        while let Some((replica, Parts { until, entries })) = map.next_entry()? {
            let life = Life { replica, until: until.unwrap_or(NEVER), held: entries };
            if !life.is_by_its_replica() {
                return Err(A::Error::custom(format_args!(
                    "replica {replica} holds entries of another replica"
                )));
            }
            if !self.readable && (life.says_nothing() || until != life.until()) {
                return Err(A::Error::custom("what says nothing must be left out"));
            }
            lives.push(life);
        }
        if self.readable {
            lives.sort_by_key(|life: &Life<S>| life.replica);
        }
        if let Some(pair) = lives.windows(2).find(|pair| pair[0].name() >= pair[1].name()) {
            let (replica, why): (ReplicaId, _) =
                (pair[1].replica, "is repeated, also under another incarnation, or out of order");
            return Err(A::Error::custom(format_args!("replica {replica} {why}")));
        }
        lives.retain(|life| !life.says_nothing());
        Ok(Lives(lives))
    }
}

impl<K: Serialize, V: Serialize> Serialize for Presence<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(&self.lives, State::kernel, serializer)
    }
}

impl<'de, K, V> Deserialize<'de> for Presence<K, V>
where
    K: Deserialize<'de> + Eq + Hash,
    V: Deserialize<'de> + Eq + Hash,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read::<DotKernel<(K, V)>, D>(deserializer).map(Self::of)
    }
}

impl<K: Serialize, V: Serialize> Serialize for PresenceDelta<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(&self.0, |held| held, serializer)
    }
}

impl<'de, K, V> Deserialize<'de> for PresenceDelta<K, V>
where
    K: Deserialize<'de> + Eq + Hash,
    V: Deserialize<'de> + Eq + Hash,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer).map(Self)
    }
}

impl Serialize for PresenceVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(&self.0, |held| held, serializer)
    }
}

impl<'de> Deserialize<'de> for PresenceVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read::<Digest, D>(deserializer).map(Self)
    }
}
