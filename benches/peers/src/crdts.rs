//! crdts: a `Map` of `Map`s of `MVReg`s, and a register for the title; a delta is a list of `Op`s.

use crate::{
    Peer, Result, bincode,
    conversation::{Change, Edit, fields},
};
use crdts::{CmRDT, CvRDT, MVReg, Map, map::Op, mvreg};
use serde_json::{Value, json};

type Register = MVReg<Value, u8>;
type Message = Map<String, Register, u8>;

#[derive(Default)]
pub struct Crdts {
    title: Register,
    mapping: Map<String, Message, u8>,
    replica: u8,
}

impl Crdts {
    /// The whole in another serde format.
    pub fn postcard(&self) -> Result<Vec<u8>> {
        Ok(postcard::to_stdvec(&(&self.title, &self.mapping))?)
    }

    fn set(&mut self, message: &str, field: &str, value: Value) -> Op<String, Message, u8> {
        let context = self.mapping.read_ctx().derive_add_ctx(self.replica);
        let op = self.mapping.update(message, context, |fields, context| {
            fields.update(field, context, |register, context| register.write(value, context))
        });
        self.mapping.apply(op.clone());
        op
    }
}

impl Peer for Crdts {
    const NAME: &'static str = "crdts";
    type Delta = Vec<Op<String, Message, u8>>;

    fn build(json: &Value, replica: u8) -> Result<Self> {
        let mut crdts = Self { replica, ..Self::default() };
        let context = crdts.title.read_ctx().derive_add_ctx(replica);
        let title: mvreg::Op<_, _> = crdts.title.write(json["title"].clone(), context);
        crdts.title.apply(title);
        for (id, message) in fields(&json["mapping"]) {
            for (field, value) in fields(message) {
                crdts.set(id, field, value.clone());
            }
        }
        Ok(crdts)
    }

    fn fork(&self, replica: u8) -> Result<Self> {
        Ok(Self { title: self.title.clone(), mapping: self.mapping.clone(), replica })
    }

    fn write(&mut self, change: &Change) -> Result<Self::Delta> {
        let mut delta = Vec::new();
        for Edit { message, field, value } in &change.edits {
            delta.push(self.set(message, field, value.as_str().into()));
        }
        for (id, message) in &change.messages {
            delta.extend(fields(message).map(|(field, value)| self.set(id, field, value.clone())));
        }
        Ok(delta)
    }

    fn apply(&mut self, delta: Self::Delta) -> Result {
        delta.into_iter().for_each(|op| self.mapping.apply(op));
        Ok(())
    }

    fn merge(&mut self, other: &mut Self) -> Result {
        let other = std::mem::take(other);
        self.title.merge(other.title);
        self.mapping.merge(other.mapping);
        Ok(())
    }

    fn to_json(&self) -> Result<String> {
        let message = |message: &Message| -> Value {
            let fields = message.iter().map(|field| (field.val.0.clone(), read(field.val.1)));
            Value::Object(fields.collect())
        };
        let messages = self.mapping.iter().map(|entry| (entry.val.0.clone(), message(entry.val.1)));
        let mapping = Value::Object(messages.collect());
        Ok(json!({"title": read(&self.title), "mapping": mapping}).to_string())
    }

    fn save(&mut self) -> Result<Vec<u8>> {
        bincode(&(&self.title, &self.mapping))
    }

    fn encode(delta: &Self::Delta) -> Result<Vec<u8>> {
        bincode(delta)
    }
}

/// The last of the values that stand side by side.
fn read(register: &Register) -> Value {
    register.read().val.pop().unwrap_or_default()
}
