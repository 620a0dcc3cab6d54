//! loro: one `LoroDoc` with roots, a movable list where items move; a delta is the updates since the
//! version before, the state a snapshot, whole or shallow.

use super::{
    Player,
    edits::{Content, Edit, Root},
};
use crate::Result;
use loro::{ExportMode, LoroDoc, LoroList, LoroMovableList, LoroValue};

struct Loro {
    doc: LoroDoc,
    cards: bool,
}

pub(super) fn document(root: Root, replica: u8) -> Result<Box<dyn Player>> {
    let mut player = Loro { doc: LoroDoc::new(), cards: matches!(root, Root::Cards | Root::Keyed) };
    player.play_as(replica)?;
    Ok(Box::new(player))
}

impl Loro {
    fn list(&self) -> LoroList {
        self.doc.get_list("list")
    }

    fn cards(&self) -> LoroMovableList {
        self.doc.get_movable_list("cards")
    }

    fn write(&self, edit: &Edit) -> Result {
        match edit {
            Edit::Begin => {}
            Edit::Insert { at, item } if self.cards => self.cards().insert(*at, *item as i64)?,
            Edit::Insert { at, item } => self.list().insert(*at, *item as i64)?,
            Edit::Remove { at } => self.list().delete(*at, 1)?,
            Edit::Move { from, to } => self.cards().mov(*from, *to)?,
            Edit::Reorder { moves, .. } => {
                for (from, to) in moves {
                    self.cards().mov(*from, *to)?;
                }
            }
            Edit::Title(title) => self.doc.get_map("fields").insert("title", *title as i64)?,
            Edit::Count => self.doc.get_counter("count").increment(1.0)?,
            Edit::Put { key, value } => {
                self.doc.get_map("map").insert(&key.to_string(), *value as i64)?;
            }
            Edit::Delete(key) => self.doc.get_map("map").delete(&key.to_string())?,
            Edit::Add(element) => self.doc.get_map("set").insert(&element.to_string(), true)?,
            Edit::Discard(element) => self.doc.get_map("set").delete(&element.to_string())?,
        }
        Ok(())
    }

    fn map(&self, name: &str) -> Result<Vec<(u64, u64)>> {
        let LoroValue::Map(map) = self.doc.get_map(name).get_value() else { return Ok(Vec::new()) };
        map.iter().map(|(key, value)| Ok((key.parse()?, read(value)))).collect()
    }
}

impl Player for Loro {
    fn play_as(&mut self, replica: u8) -> Result<bool> {
        self.doc.set_peer_id(u64::from(replica) + 1)?;
        Ok(true)
    }

    fn edit(&mut self, edit: &Edit) -> Result<Vec<u8>> {
        if matches!(edit, Edit::Begin) {
            return Ok(Vec::new());
        }
        let before = self.doc.oplog_vv();
        self.write(edit)?;
        self.doc.commit();
        Ok(self.doc.export(ExportMode::updates(&before))?)
    }

    fn apply(&mut self, delta: &[u8]) -> Result {
        self.doc.import(delta)?;
        Ok(())
    }

    fn content(&self) -> Result<Content> {
        let list = if self.cards { self.cards().get_value() } else { self.list().get_value() };
        let LoroValue::List(list) = list else { return Err("no list".into()) };
        let title = self.doc.get_map("fields").get("title");
        let title = title.and_then(|title| title.into_value().ok());
        Ok(Content {
            list: list.iter().map(read).collect(),
            title: title.map_or(0, |title| read(&title)),
            count: self.doc.get_counter("count").get() as u64,
            map: self.map("map")?.into_iter().collect(),
            set: self.map("set")?.into_iter().map(|(element, _)| element).collect(),
        })
    }

    fn save(&mut self) -> Result<Vec<(&'static str, Vec<u8>)>> {
        let frontiers = self.doc.oplog_frontiers();
        Ok(vec![
            ("snapshot", self.doc.export(ExportMode::Snapshot)?),
            ("shallow snapshot", self.doc.export(ExportMode::shallow_snapshot(&frontiers))?),
        ])
    }

    fn read(&self, saved: &[u8]) -> Result<Box<dyn Player>> {
        let mut read = Self { doc: LoroDoc::new(), cards: self.cards };
        read.apply(saved)?;
        Ok(Box::new(read))
    }
}

fn read(value: &LoroValue) -> u64 {
    match value {
        LoroValue::I64(number) => *number as u64,
        _ => 0,
    }
}
