//! rejoin: a `Document`; and a `PnCounter`, an `OrSet` or an `OrMap` where that is all there is.

use super::{
    Player,
    edits::{Content, Edit, Root},
};
use crate::Result;
use rejoin::{
    DeltaState, Document, OrMap, OrSet, PnCounter, ReplicaId, Timestamp,
    document::{DocumentDelta, Rules},
    wire::{self, Wire},
};
use serde_json::{Value, json};

pub(super) fn document(root: Root, replica: u8) -> Result<Box<dyn Player>> {
    let keys = match root {
        Root::Keyed => Rules::new().keyed("/list", "id")?,
        _ => Rules::new(),
    };
    start(Document::with_rules(keys), root, replica)
}

pub(super) fn counter(root: Root, replica: u8) -> Result<Box<dyn Player>> {
    start(PnCounter::new(), root, replica)
}

pub(super) fn set(root: Root, replica: u8) -> Result<Box<dyn Player>> {
    start(OrSet::<u64>::new(), root, replica)
}

pub(super) fn map(root: Root, replica: u8) -> Result<Box<dyn Player>> {
    start(OrMap::<String, u64>::new(), root, replica)
}

fn start(state: impl State, root: Root, replica: u8) -> Result<Box<dyn Player>> {
    let now = Timestamp::from_millis(1_717_236_600_000);
    let mut player = Rejoin { state, root, replica: ReplicaId::from_u128(0), now };
    player.play_as(replica)?;
    Ok(Box::new(player))
}

struct Rejoin<S> {
    state: S,
    root: Root,
    replica: ReplicaId,
    /// A millisecond later with each edit and each delta.
    now: Timestamp,
}

/// One of the types: how it is edited and read.
trait State: DeltaState<Delta: Wire> + Wire + 'static {
    fn edit(
        &mut self,
        root: Root,
        edit: &Edit,
        by: ReplicaId,
        now: Timestamp,
    ) -> Result<Self::Delta>;
    fn content(&self) -> Result<Content>;
}

impl<S: State> Player for Rejoin<S> {
    fn play_as(&mut self, replica: u8) -> Result<bool> {
        self.replica = ReplicaId::from_u128(u128::from(replica) + 1);
        Ok(true)
    }

    fn edit(&mut self, edit: &Edit) -> Result<Vec<u8>> {
        self.now = Timestamp::from_millis(self.now.as_millis() + 1);
        let delta = State::edit(&mut self.state, self.root, edit, self.replica, self.now)?;
        Ok(wire::to_bytes(&delta))
    }

    fn apply(&mut self, delta: &[u8]) -> Result {
        self.now = Timestamp::from_millis(self.now.as_millis() + 1);
        wire::apply_bytes(&mut self.state, delta)?;
        Ok(())
    }

    fn content(&self) -> Result<Content> {
        self.state.content()
    }

    fn save(&mut self) -> Result<Vec<(&'static str, Vec<u8>)>> {
        Ok(vec![("", wire::to_bytes(&self.state))])
    }

    fn read(&self, saved: &[u8]) -> Result<Box<dyn Player>> {
        let state = wire::from_bytes::<S>(saved)?;
        Ok(Box::new(Self { state, root: self.root, replica: self.replica, now: self.now }))
    }
}

impl State for Document {
    fn edit(
        &mut self,
        root: Root,
        edit: &Edit,
        by: ReplicaId,
        now: Timestamp,
    ) -> Result<DocumentDelta> {
        let item = |item: u64| if root == Root::Keyed { json!({"id": item}) } else { json!(item) };
        Ok(match edit {
            Edit::Begin => {
                let begin = match root {
                    Root::Fields | Root::Set => json!({}),
                    Root::List | Root::Cards | Root::Keyed => json!({"list": []}),
                    Root::Map => json!({"map": {}}),
                };
                self.set("", begin, by, now)?
            }
            Edit::Insert { at, item: it } => {
                self.insert(&format!("/list/{at}"), item(*it), by, now)?
            }
            Edit::Remove { at } => self.remove(&format!("/list/{at}"), by, now)?,
            Edit::Move { from, to } => self.move_item(&format!("/list/{from}"), *to, by, now)?,
            Edit::Reorder { items, .. } => {
                let list: Value = items.iter().map(|it| item(*it)).collect();
                self.update(json!({"list": list}), by, now)?
            }
            Edit::Title(title) => self.set("/title", *title, by, now)?,
            Edit::Count => self.increment("/count", 1, by, now)?,
            Edit::Put { key, value } => self.set(&format!("/map/{key}"), *value, by, now)?,
            Edit::Delete(key) => self.remove(&format!("/map/{key}"), by, now)?,
            Edit::Add(_) | Edit::Discard(_) => return Err("a document has no sets".into()),
        })
    }

    fn content(&self) -> Result<Content> {
        let mut content = Content::default();
        let json = self.to_json();
        let number = |json: &Value| json.as_u64().unwrap_or_default();
        let item = |item: &Value| number(item.get("id").unwrap_or(item));
        content.title = number(&json["title"]);
        content.count = number(&json["count"]);
        content.list = json["list"].as_array().into_iter().flatten().map(item).collect();
        for (key, value) in json["map"].as_object().into_iter().flatten() {
            content.map.insert(key.parse()?, number(value));
        }
        Ok(content)
    }
}

impl State for PnCounter {
    fn edit(&mut self, _: Root, edit: &Edit, by: ReplicaId, _: Timestamp) -> Result<Self::Delta> {
        match edit {
            Edit::Count => Ok(self.increment(1, by)?),
            _ => Ok(Self::new()),
        }
    }

    fn content(&self) -> Result<Content> {
        Ok(Content { count: self.value().try_into()?, ..Content::default() })
    }
}

impl State for OrSet<u64> {
    fn edit(&mut self, _: Root, edit: &Edit, by: ReplicaId, _: Timestamp) -> Result<Self::Delta> {
        match edit {
            Edit::Add(element) => Ok(self.insert(*element, by)?),
            Edit::Discard(element) => Ok(self.remove(element, by)?),
            _ => Ok(Default::default()),
        }
    }

    fn content(&self) -> Result<Content> {
        Ok(Content { set: self.iter().copied().collect(), ..Content::default() })
    }
}

impl State for OrMap<String, u64> {
    fn edit(&mut self, _: Root, edit: &Edit, by: ReplicaId, now: Timestamp) -> Result<Self::Delta> {
        match edit {
            Edit::Put { key, value } => Ok(self.insert(key.to_string(), *value, by, now)?),
            Edit::Delete(key) => Ok(self.remove(&key.to_string(), by)?),
            _ => Ok(Default::default()),
        }
    }

    fn content(&self) -> Result<Content> {
        let mut content = Content::default();
        for (key, value) in self.iter() {
            content.map.insert(key.parse()?, *value);
        }
        Ok(content)
    }
}
