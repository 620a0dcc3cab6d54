//! dson: an `OrMap` of maps of registers. Built in a transaction; written, as its documentation
//! advises where time counts, by the functions of `api`.

use crate::{
    Peer, Result, bincode,
    conversation::{Change, Edit, fields},
};
use dson::{
    CausalDotStore, Identifier, OrMap,
    api::{map, register},
    crdts::{mvreg::MvRegValue, snapshot::ToValue},
    transaction::MapTransaction,
};
use serde_json::Value;

type Store = CausalDotStore<OrMap<String>>;

pub struct Dson {
    store: Store,
    replica: Identifier,
}

impl Dson {
    fn set(&mut self, message: &str, field: &str, value: MvRegValue) -> Store {
        let field = map::apply_to_register(register::write(value), field.to_owned());
        let message = map::apply_to_map(field, message.to_owned());
        let mapping = map::apply_to_map(message, "mapping".to_owned());
        let delta = mapping(&self.store.store, &self.store.context, self.replica);
        self.store.join_or_replace_with(delta.store.clone(), &delta.context);
        delta
    }
}

impl Peer for Dson {
    const NAME: &'static str = "dson";
    type Delta = Store;

    fn build(json: &Value, replica: u8) -> Result<Self> {
        let (mut store, replica) = (Store::default(), Identifier::new(replica, 0));
        let mut transaction = store.transact(replica);
        fill(&mut transaction, json);
        let _everything = transaction.commit();
        Ok(Self { store, replica })
    }

    fn fork(&self, replica: u8) -> Result<Self> {
        Ok(Self { store: self.store.clone(), replica: Identifier::new(replica, 0) })
    }

    fn write(&mut self, change: &Change) -> Result<Store> {
        let mut delta = Store::default();
        let mut add = |next: Store| delta.join_or_replace_with(next.store, &next.context);
        for Edit { message, field, value } in &change.edits {
            add(self.set(message, field, MvRegValue::String(value.clone())));
        }
        for (id, message) in &change.messages {
            for (field, value) in fields(message) {
                add(self.set(id, field, scalar(value)));
            }
        }
        Ok(delta)
    }

    fn apply(&mut self, delta: Store) -> Result {
        self.store.join_or_replace_with(delta.store, &delta.context);
        Ok(())
    }

    fn merge(&mut self, other: &mut Self) -> Result {
        self.apply(std::mem::take(&mut other.store))
    }

    fn to_json(&self) -> Result<String> {
        Ok(Value::from(self.store.store.values()).to_string())
    }

    fn save(&mut self) -> Result<Vec<u8>> {
        Err("bincode refuses maps that do not tell their length".into())
    }

    fn encode(delta: &Store) -> Result<Vec<u8>> {
        bincode(delta)
    }
}

fn fill(map: &mut MapTransaction<'_, String>, json: &Value) {
    for (key, value) in fields(json) {
        match value {
            Value::Object(_) => map.in_map(key, |map| fill(map, value)),
            scalar_value => map.write_register(key, scalar(scalar_value)),
        }
    }
}

fn scalar(json: &Value) -> MvRegValue {
    match json {
        Value::String(text) => MvRegValue::String(text.clone()),
        number => MvRegValue::U64(number.as_u64().unwrap_or_default()),
    }
}
