//! `rejoin::Document`: deltas are values.

use crate::{
    Peer, Result,
    conversation::{Change, Edit},
};
use rejoin::{DeltaState, Document, Merge, ReplicaId, Timestamp, document::DocumentDelta, wire};
use serde_json::Value;

const NOW: Timestamp = Timestamp::from_millis(1_717_236_600_000);

pub struct Rejoin {
    document: Document,
    replica: ReplicaId,
}

impl Peer for Rejoin {
    const NAME: &'static str = "rejoin";
    type Delta = DocumentDelta;

    fn build(json: &Value, replica: u8) -> Result<Self> {
        let replica = ReplicaId::from_u128(replica.into());
        Ok(Self { document: Document::from_json(json, replica, NOW)?, replica })
    }

    fn fork(&self, replica: u8) -> Result<Self> {
        let replica = ReplicaId::from_u128(replica.into());
        Ok(Self { document: self.document.clone(), replica })
    }

    fn write(&mut self, change: &Change) -> Result<DocumentDelta> {
        let Self { document, replica } = self;
        let mut delta = DocumentDelta::default();
        for Edit { message, field, value } in &change.edits {
            let path = format!("/mapping/{message}/{field}");
            delta.merge_owned(document.set(&path, value.as_str(), *replica, NOW)?);
        }
        for (id, message) in &change.messages {
            let path = format!("/mapping/{id}");
            delta.merge_owned(document.set(&path, message, *replica, NOW)?);
        }
        Ok(delta)
    }

    fn apply(&mut self, delta: DocumentDelta) -> Result {
        self.document.apply_owned(delta);
        Ok(())
    }

    fn merge(&mut self, other: &mut Self) -> Result {
        self.document.merge(&other.document);
        Ok(())
    }

    fn to_json(&self) -> Result<String> {
        Ok(self.document.to_string())
    }

    fn save(&mut self) -> Result<Vec<u8>> {
        Ok(wire::to_bytes(&self.document))
    }

    fn encode(delta: &DocumentDelta) -> Result<Vec<u8>> {
        Ok(wire::to_bytes(delta))
    }
}
