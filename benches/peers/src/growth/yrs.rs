//! yrs: one `Doc` with roots, garbage collected as it is unless told otherwise; a delta is the
//! update of its transaction, the state a diff to nothing, both in encoding v2.

use super::{
    Player,
    edits::{Content, Edit, Root},
};
use crate::Result;
use yrs::{
    Any, Array, ArrayRef, Doc, Map, MapRef, Number, Out, ReadTxn, StateVector, Transact,
    TransactionMut, Update, updates::decoder::Decode,
};

struct Yrs {
    doc: Doc,
    list: ArrayRef,
    fields: MapRef,
    /// For each replica what it counted: yrs has no counter.
    counts: MapRef,
    map: MapRef,
    set: MapRef,
}

pub(super) fn document(_: Root, replica: u8) -> Result<Box<dyn Player>> {
    Ok(Box::new(Yrs::new(u64::from(replica) + 1)))
}

impl Yrs {
    fn new(client: u64) -> Self {
        let doc = Doc::with_client_id(client);
        Self {
            list: doc.get_or_insert_array("list"),
            fields: doc.get_or_insert_map("fields"),
            counts: doc.get_or_insert_map("counts"),
            map: doc.get_or_insert_map("map"),
            set: doc.get_or_insert_map("set"),
            doc,
        }
    }

    fn shift(&self, transaction: &mut TransactionMut<'_>, from: usize, to: usize) {
        let item = self.list.get(transaction, from as u32).map_or(0, |item| read(&item));
        self.list.remove(transaction, from as u32);
        self.list.insert(transaction, to as u32, number(item));
    }

    fn count(&self, transaction: &mut TransactionMut<'_>) {
        let replica = self.doc.client_id().to_string();
        let count = self.counts.get(transaction, &replica).map_or(0, |count| read(&count));
        self.counts.insert(transaction, replica, number(count + 1));
    }
}

impl Player for Yrs {
    /// A `Doc` gets its client when it is made.
    fn play_as(&mut self, _: u8) -> Result<bool> {
        Ok(false)
    }

    fn edit(&mut self, edit: &Edit) -> Result<Vec<u8>> {
        let mut transaction = self.doc.transact_mut();
        match edit {
            Edit::Begin => return Ok(Vec::new()),
            Edit::Insert { at, item } => {
                self.list.insert(&mut transaction, *at as u32, number(*item));
            }
            Edit::Remove { at } => self.list.remove(&mut transaction, *at as u32),
            Edit::Move { from, to } => self.shift(&mut transaction, *from, *to),
            Edit::Reorder { moves, .. } => {
                moves.iter().for_each(|(from, to)| self.shift(&mut transaction, *from, *to));
            }
            Edit::Title(title) => {
                self.fields.insert(&mut transaction, "title", number(*title));
            }
            Edit::Count => self.count(&mut transaction),
            Edit::Put { key, value } => {
                self.map.insert(&mut transaction, key.to_string(), number(*value));
            }
            Edit::Delete(key) => drop(self.map.remove(&mut transaction, &key.to_string())),
            Edit::Add(element) => {
                self.set.insert(&mut transaction, element.to_string(), true);
            }
            Edit::Discard(element) => drop(self.set.remove(&mut transaction, &element.to_string())),
        }
        Ok(transaction.encode_update_v2())
    }

    fn apply(&mut self, delta: &[u8]) -> Result {
        self.doc.transact_mut().apply_update(Update::decode_v2(delta)?)?;
        Ok(())
    }

    fn content(&self) -> Result<Content> {
        let transaction = self.doc.transact();
        let mut content = Content {
            list: self.list.iter(&transaction).map(|item| read(&item)).collect(),
            title: self.fields.get(&transaction, "title").map_or(0, |title| read(&title)),
            count: self.counts.iter(&transaction).map(|(_, count)| read(&count)).sum(),
            ..Content::default()
        };
        for (key, value) in self.map.iter(&transaction) {
            content.map.insert(key.parse()?, read(&value));
        }
        for element in self.set.keys(&transaction) {
            content.set.insert(element.parse()?);
        }
        Ok(content)
    }

    fn save(&mut self) -> Result<Vec<(&'static str, Vec<u8>)>> {
        Ok(vec![("", self.doc.transact().encode_diff_v2(&StateVector::default()))])
    }

    fn read(&self, saved: &[u8]) -> Result<Box<dyn Player>> {
        let mut read = Self::new(u64::MAX >> 11);
        read.apply(saved)?;
        Ok(Box::new(read))
    }
}

fn number(number: u64) -> Any {
    Any::Number((number as i64).into())
}

fn read(value: &Out) -> u64 {
    match value {
        Out::Any(Any::Number(Number::Int(number))) => *number as u64,
        _ => 0,
    }
}
