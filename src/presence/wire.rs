//! A table of replicas; a column of leases; then what each holds.

use super::{
    Presence, PresenceDelta, PresenceVersion,
    lives::{Held, Life, Lives},
};
use crate::{
    causal::{Digest, DotKernel},
    time::Timestamp,
    wire::{DecodeError, Reader, Schema, Tag, Wire, Writer},
};
use alloc::vec::Vec;
use core::hash::Hash;
use smallvec::SmallVec;

fn write<S>(lives: &Lives<S>, hold: impl Fn(&S, &mut Writer), out: &mut Writer) {
    out.count(lives.0.len());
    lives.0.iter().for_each(|life| life.replica.encode(out));
    lives.0.iter().for_each(|life| out.varint(life.until.as_millis()));
    lives.0.iter().for_each(|life| hold(&life.held, out));
}

fn read<S: Held + Wire>(input: &mut Reader<'_>) -> Result<Lives<S>, DecodeError> {
    let replicas = input.replicas()?;
    if replicas.windows(2).any(|pair| pair[0].name() == pair[1].name()) {
        return Err(input.malformed("two lives of one name are listed"));
    }
    let leases = replicas.iter().map(|_| input.varint());
    let leases = leases.collect::<Result<SmallVec<[u64; 2]>, DecodeError>>()?;
    let mut lives = Vec::with_capacity(input.room(replicas.len(), size_of::<Life<S>>()));
    for (replica, until) in replicas.into_iter().zip(leases) {
        let life = Life { replica, until: Timestamp::from_millis(until), held: S::decode(input)? };
        if life.says_nothing() {
            return Err(input.malformed("a replica that has not written is listed"));
        }
        if !life.is_by_its_replica() {
            return Err(input.malformed("a replica holds what another one wrote"));
        }
        lives.push(life);
    }
    Ok(Lives(lives))
}

impl<K: Wire + Eq + Hash, V: Wire + Eq + Hash> Wire for Presence<K, V> {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::Presence);
        K::schema(schema);
        V::schema(schema);
    }

    fn encode(&self, out: &mut Writer) {
        write(&self.lives, |held, out| held.kernel().encode(out), out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        read::<DotKernel<(K, V)>>(input).map(Self::of)
    }
}

/// As the state that it brings about.
impl<K: Wire + Eq + Hash, V: Wire + Eq + Hash> Wire for PresenceDelta<K, V> {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::PresenceDelta);
        K::schema(schema);
        V::schema(schema);
    }

    fn encode(&self, out: &mut Writer) {
        write(&self.0, DotKernel::encode, out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        read(input).map(Self)
    }
}

impl Wire for PresenceVersion {
    fn schema(schema: &mut Schema) {
        schema.tag(Tag::PresenceVersion);
    }

    fn encode(&self, out: &mut Writer) {
        write(&self.0, Digest::encode, out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        read(input).map(Self)
    }
}
