//! automerge: an `AutoCommit` of maps and scalars; a delta is what `save_after` writes.

use crate::{
    Peer, Result,
    conversation::{Change, Edit, fields},
};
use automerge::{
    ActorId, AutoCommit, AutoSerde, ObjId, ROOT, ReadDoc, hydrate, transaction::Transactable,
};
use serde_json::Value;
use std::collections::HashMap;

pub struct Automerge(AutoCommit);

impl Automerge {
    fn child(&self, of: &ObjId, key: &str) -> Result<ObjId> {
        Ok(self.0.get(of, key)?.ok_or("no such object")?.1)
    }
}

impl Peer for Automerge {
    const NAME: &'static str = "automerge";
    type Delta = Vec<u8>;

    fn build(json: &Value, replica: u8) -> Result<Self> {
        let mut document = AutoCommit::new().with_actor(ActorId::from([replica]));
        document.init_root_from_hydrate(&map(json))?;
        document.commit();
        Ok(Self(document))
    }

    fn fork(&self, replica: u8) -> Result<Self> {
        Ok(Self(self.0.clone().with_actor(ActorId::from([replica]))))
    }

    fn write(&mut self, change: &Change) -> Result<Vec<u8>> {
        let before = self.0.get_heads();
        let mapping = self.child(&ROOT, "mapping")?;
        for Edit { message, field, value } in &change.edits {
            let message = self.child(&mapping, message)?;
            self.0.put(&message, *field, value.as_str())?;
        }
        for (id, message) in &change.messages {
            self.0.batch_create_object(&mapping, id, &hydrate(message), false)?;
        }
        self.0.commit();
        Ok(self.0.save_after(&before))
    }

    fn apply(&mut self, delta: Vec<u8>) -> Result {
        self.0.load_incremental(&delta)?;
        Ok(())
    }

    fn merge(&mut self, other: &mut Self) -> Result {
        self.0.merge(&mut other.0)?;
        Ok(())
    }

    fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string(&AutoSerde::from(&self.0))?)
    }

    fn save(&mut self) -> Result<Vec<u8>> {
        Ok(self.0.save())
    }

    fn encode(delta: &Vec<u8>) -> Result<Vec<u8>> {
        Ok(delta.clone())
    }
}

fn map(json: &Value) -> hydrate::Map {
    let entries = fields(json).map(|(key, value)| (key.as_str(), hydrate(value)));
    entries.collect::<HashMap<_, _>>().into()
}

fn hydrate(json: &Value) -> hydrate::Value {
    match json {
        Value::Object(_) => map(json).into(),
        Value::String(text) => text.as_str().into(),
        number => number.as_i64().unwrap_or_default().into(),
    }
}
