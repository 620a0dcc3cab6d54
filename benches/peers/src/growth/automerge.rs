//! automerge: an `AutoCommit`, one change an edit; a delta is what `save_after` writes, the state
//! what `save` does.

use super::{
    Player,
    edits::{Content, Edit, Root},
};
use crate::Result;
use automerge::{
    ActorId, AutoCommit, ObjId, ObjType, ROOT, ReadDoc, ScalarValue, Value, hydrate,
    transaction::Transactable,
};

struct Automerge {
    document: AutoCommit,
    root: Root,
}

pub(super) fn document(root: Root, replica: u8) -> Result<Box<dyn Player>> {
    let mut player = Automerge { document: AutoCommit::new(), root };
    player.play_as(replica)?;
    Ok(Box::new(player))
}

impl Automerge {
    fn object(&self, name: &str) -> Result<ObjId> {
        Ok(self.document.get(&ROOT, name)?.ok_or("no such object")?.1)
    }

    fn begin(&mut self) -> Result {
        match self.root {
            Root::Fields => self.document.put(&ROOT, "count", ScalarValue::counter(0))?,
            Root::List | Root::Cards | Root::Keyed => {
                self.document.put_object(&ROOT, "list", ObjType::List)?;
            }
            Root::Map => drop(self.document.put_object(&ROOT, "map", ObjType::Map)?),
            Root::Set => drop(self.document.put_object(&ROOT, "set", ObjType::Map)?),
        }
        Ok(())
    }

    fn write(&mut self, edit: &Edit) -> Result {
        match edit {
            Edit::Begin => self.begin()?,
            Edit::Insert { at, item } => {
                self.document.insert(&self.object("list")?, *at, *item)?;
            }
            Edit::Remove { at } => self.document.delete(&self.object("list")?, *at)?,
            Edit::Move { from, to } => {
                let list = self.object("list")?;
                let item = found(self.document.get(&list, *from)?);
                self.document.delete(&list, *from)?;
                self.document.insert(&list, *to, item)?;
            }
            Edit::Reorder { items, .. } => {
                let items: Vec<hydrate::Value> = items.iter().map(|item| (*item).into()).collect();
                self.document.update_object(&self.object("list")?, &items.into())?;
            }
            Edit::Title(title) => self.document.put(&ROOT, "title", *title)?,
            Edit::Count => self.document.increment(&ROOT, "count", 1)?,
            Edit::Put { key, value } => {
                self.document.put(&self.object("map")?, key.to_string(), *value)?;
            }
            Edit::Delete(key) => self.document.delete(&self.object("map")?, key.to_string())?,
            Edit::Add(element) => {
                self.document.put(&self.object("set")?, element.to_string(), true)?;
            }
            Edit::Discard(element) => {
                self.document.delete(&self.object("set")?, element.to_string())?;
            }
        }
        Ok(())
    }

    fn map(&self, name: &str) -> Result<Vec<(u64, u64)>> {
        let Ok(map) = self.object(name) else { return Ok(Vec::new()) };
        let entries = self.document.map_range(&map, ..);
        entries.map(|entry| Ok((entry.key.parse()?, number(entry.value.into())))).collect()
    }

    fn list(&self) -> Vec<u64> {
        let Ok(list) = self.object("list") else { return Vec::new() };
        let items = self.document.list_range(&list, ..);
        items.map(|item| number(item.value.into())).collect()
    }
}

impl Player for Automerge {
    fn play_as(&mut self, replica: u8) -> Result<bool> {
        self.document.set_actor(ActorId::from([replica + 1]));
        Ok(true)
    }

    fn edit(&mut self, edit: &Edit) -> Result<Vec<u8>> {
        let before = self.document.get_heads();
        self.write(edit)?;
        self.document.commit();
        Ok(self.document.save_after(&before))
    }

    fn apply(&mut self, delta: &[u8]) -> Result {
        self.document.load_incremental(delta)?;
        Ok(())
    }

    fn content(&self) -> Result<Content> {
        let count = self.document.get(&ROOT, "count")?;
        let count = count.and_then(|(count, _)| count.as_i64()).unwrap_or_default();
        Ok(Content {
            list: self.list(),
            title: found(self.document.get(&ROOT, "title")?),
            count: count.try_into()?,
            map: self.map("map")?.into_iter().collect(),
            set: self.map("set")?.into_iter().map(|(element, _)| element).collect(),
        })
    }

    fn save(&mut self) -> Result<Vec<(&'static str, Vec<u8>)>> {
        Ok(vec![("", self.document.save())])
    }

    fn read(&self, saved: &[u8]) -> Result<Box<dyn Player>> {
        Ok(Box::new(Self { document: AutoCommit::load(saved)?, root: self.root }))
    }
}

fn found(found: Option<(Value<'_>, ObjId)>) -> u64 {
    found.map_or(0, |(value, _)| number(value))
}

fn number(value: Value<'_>) -> u64 {
    value.as_u64().unwrap_or_default()
}
