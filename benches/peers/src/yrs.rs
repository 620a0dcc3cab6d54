//! yrs: a `Map` of maps; a delta is the update of its transaction, in encoding v1.

use crate::{
    Peer, Result,
    conversation::{Change, Edit, fields},
};
use serde_json::Value;
use yrs::{
    Any, Doc, In, Map, MapPrelim, MapRef, ReadTxn, StateVector, Transact, Update, types::ToJson,
    updates::decoder::Decode,
};

pub struct Yrs {
    document: Doc,
    root: MapRef,
}

impl Yrs {
    fn new(replica: u8) -> Self {
        let document = Doc::with_client_id(replica.into());
        let root = document.get_or_insert_map("conversation");
        Self { document, root }
    }

    fn updates_since(&self, version: &StateVector) -> Vec<u8> {
        self.document.transact().encode_diff_v1(version)
    }
}

impl Peer for Yrs {
    const NAME: &'static str = "yrs";
    type Delta = Vec<u8>;

    fn build(json: &Value, replica: u8) -> Result<Self> {
        let yrs = Self::new(replica);
        let mut transaction = yrs.document.transact_mut();
        for (key, value) in fields(json) {
            yrs.root.insert(&mut transaction, key.as_str(), prelim(value));
        }
        drop(transaction);
        Ok(yrs)
    }

    fn fork(&self, replica: u8) -> Result<Self> {
        let mut fork = Self::new(replica);
        fork.apply(self.updates_since(&StateVector::default()))?;
        Ok(fork)
    }

    fn write(&mut self, change: &Change) -> Result<Vec<u8>> {
        let mut transaction = self.document.transact_mut();
        let mapping = child(&self.root, &transaction, "mapping")?;
        for Edit { message, field, value } in &change.edits {
            let message = child(&mapping, &transaction, message)?;
            message.insert(&mut transaction, *field, value.as_str());
        }
        for (id, message) in &change.messages {
            mapping.insert(&mut transaction, id.as_str(), prelim(message));
        }
        Ok(transaction.encode_update_v1())
    }

    fn apply(&mut self, delta: Vec<u8>) -> Result {
        self.document.transact_mut().apply_update(Update::decode_v1(&delta)?)?;
        Ok(())
    }

    fn merge(&mut self, other: &mut Self) -> Result {
        let version = self.document.transact().state_vector();
        self.apply(other.updates_since(&version))
    }

    fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string(&self.root.to_json(&self.document.transact()))?)
    }

    fn save(&mut self) -> Result<Vec<u8>> {
        Ok(self.updates_since(&StateVector::default()))
    }

    fn encode(delta: &Vec<u8>) -> Result<Vec<u8>> {
        Ok(delta.clone())
    }
}

fn child(of: &MapRef, transaction: &impl ReadTxn, key: &str) -> Result<MapRef> {
    let found = of.get(transaction, key).and_then(|found| found.cast().ok());
    Ok(found.ok_or("no such map")?)
}

fn prelim(json: &Value) -> In {
    match json {
        Value::Object(_) => fields(json)
            .map(|(key, value)| (key.as_str(), prelim(value)))
            .collect::<MapPrelim>()
            .into(),
        Value::String(text) => Any::from(text.as_str()).into(),
        number => Any::Number(number.as_i64().unwrap_or_default().into()).into(),
    }
}
