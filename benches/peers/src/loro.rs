//! loro: a `LoroMap` of maps; a delta is the update since the version before.

use crate::{
    Peer, Result,
    conversation::{Change, Edit, fields},
};
use loro::{ExportMode, LoroDoc, LoroMap, LoroValue, ToJson, VersionVector};
use serde_json::Value;

/// The root is a container of its own: loro has no document of scalars.
const ROOT: &str = "conversation";

pub struct Loro(LoroDoc);

impl Loro {
    fn map(&self, path: &str) -> Result<LoroMap> {
        let found = self.0.get_by_str_path(path).and_then(|found| found.into_container().ok());
        Ok(found.and_then(|container| container.into_map().ok()).ok_or("no such map")?)
    }

    fn updates_since(&self, version: &VersionVector) -> Result<Vec<u8>> {
        Ok(self.0.export(ExportMode::updates(version))?)
    }
}

impl Peer for Loro {
    const NAME: &'static str = "loro";
    type Delta = Vec<u8>;

    fn build(json: &Value, replica: u8) -> Result<Self> {
        let document = LoroDoc::new();
        document.set_peer_id(replica.into())?;
        fill(&document.get_map(ROOT), json)?;
        document.commit();
        Ok(Self(document))
    }

    /// Reads the copy once: a fork is decoded lazily, and what is timed should find it decoded.
    fn fork(&self, replica: u8) -> Result<Self> {
        let document = self.0.fork();
        document.set_peer_id(replica.into())?;
        document.get_deep_value();
        Ok(Self(document))
    }

    fn write(&mut self, change: &Change) -> Result<Vec<u8>> {
        let before = self.0.oplog_vv();
        let mapping = self.map(&format!("{ROOT}/mapping"))?;
        for Edit { message, field, value } in &change.edits {
            let message = self.map(&format!("{ROOT}/mapping/{message}"))?;
            message.insert(field, value.as_str())?;
        }
        for (id, message) in &change.messages {
            fill(&mapping.insert_container(id, LoroMap::new())?, message)?;
        }
        self.0.commit();
        self.updates_since(&before)
    }

    fn apply(&mut self, delta: Vec<u8>) -> Result {
        self.0.import(&delta)?;
        Ok(())
    }

    fn merge(&mut self, other: &mut Self) -> Result {
        self.apply(other.updates_since(&self.0.oplog_vv())?)
    }

    fn to_json(&self) -> Result<String> {
        Ok(self.0.get_map(ROOT).get_deep_value().to_json())
    }

    fn save(&mut self) -> Result<Vec<u8>> {
        Ok(self.0.export(ExportMode::Snapshot)?)
    }

    fn encode(delta: &Vec<u8>) -> Result<Vec<u8>> {
        Ok(delta.clone())
    }
}

fn fill(map: &LoroMap, json: &Value) -> Result {
    for (key, value) in fields(json) {
        match value {
            Value::Object(_) => fill(&map.insert_container(key, LoroMap::new())?, value)?,
            Value::String(text) => map.insert(key, text.as_str())?,
            number => map.insert(key, LoroValue::I64(number.as_i64().unwrap_or_default()))?,
        }
    }
    Ok(())
}
