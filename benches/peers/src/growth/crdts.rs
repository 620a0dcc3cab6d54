//! crdts: a `List` with an `MVReg` for the title, a `PNCounter`, an `Orswot` or a `Map`; a delta is
//! the list of operations in bincode, the state is in bincode too.

use super::{
    Player,
    edits::{Content, Edit, Root},
};
use crate::{Result, bincode};
use crdts::{CmRDT, List, MVReg, Map, Orswot, PNCounter, ctx::AddCtx, list, mvreg};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

type Register = MVReg<u64, u8>;

pub(super) fn list(_: Root, replica: u8) -> Result<Box<dyn Player>> {
    start(Page::default(), replica)
}

pub(super) fn counter(_: Root, replica: u8) -> Result<Box<dyn Player>> {
    start(PNCounter::<u8>::new(), replica)
}

pub(super) fn set(_: Root, replica: u8) -> Result<Box<dyn Player>> {
    start(Orswot::<u64, u8>::new(), replica)
}

pub(super) fn map(_: Root, replica: u8) -> Result<Box<dyn Player>> {
    start(Map::<String, Register, u8>::new(), replica)
}

fn start(state: impl State, replica: u8) -> Result<Box<dyn Player>> {
    Ok(Box::new(Crdts { state, replica }))
}

struct Crdts<S> {
    state: S,
    replica: u8,
}

/// One of the types: how it is edited and read.
trait State: CmRDT<Op: Serialize + DeserializeOwned> + Serialize + DeserializeOwned + 'static {
    /// Applies the operations that make the edit, and returns them.
    fn edit(&mut self, edit: &Edit, by: u8) -> Result<Vec<Self::Op>>;
    fn content(&self) -> Result<Content>;
}

impl<S: State> Player for Crdts<S> {
    fn play_as(&mut self, replica: u8) -> Result<bool> {
        self.replica = replica;
        Ok(true)
    }

    fn edit(&mut self, edit: &Edit) -> Result<Vec<u8>> {
        let ops = self.state.edit(edit, self.replica)?;
        if ops.is_empty() { Ok(Vec::new()) } else { bincode(&ops) }
    }

    fn apply(&mut self, delta: &[u8]) -> Result {
        unpack::<Vec<S::Op>>(delta)?.into_iter().for_each(|op| self.state.apply(op));
        Ok(())
    }

    fn content(&self) -> Result<Content> {
        self.state.content()
    }

    fn save(&mut self) -> Result<Vec<(&'static str, Vec<u8>)>> {
        Ok(vec![("", bincode(&self.state)?)])
    }

    fn read(&self, saved: &[u8]) -> Result<Box<dyn Player>> {
        start(unpack::<S>(saved)?, self.replica)
    }
}

fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    Ok(bincode::serde::decode_from_slice(bytes, bincode::config::standard())?.0)
}

/// A list and a title. crdts has no type that holds both.
#[derive(Default, Serialize, Deserialize)]
struct Page {
    list: List<u64, u8>,
    title: Register,
}

#[derive(Clone, Serialize, Deserialize)]
enum PageOp {
    List(list::Op<u64, u8>),
    Title(mvreg::Op<u64, u8>),
}

impl CmRDT for Page {
    type Op = PageOp;
    type Validation = <List<u64, u8> as CmRDT>::Validation;

    fn validate_op(&self, op: &PageOp) -> std::result::Result<(), Self::Validation> {
        match op {
            PageOp::List(op) => self.list.validate_op(op),
            PageOp::Title(_) => Ok(()),
        }
    }

    fn apply(&mut self, op: PageOp) {
        match op {
            PageOp::List(op) => self.list.apply(op),
            PageOp::Title(op) => self.title.apply(op),
        }
    }
}

impl Page {
    fn insert(&mut self, at: usize, item: u64, by: u8) -> PageOp {
        let op = self.list.insert_index(at, item, by);
        self.list.apply(op.clone());
        PageOp::List(op)
    }

    fn remove(&mut self, at: usize, by: u8) -> Result<PageOp> {
        let op = self.list.delete_index(at, by).ok_or("no such item")?;
        self.list.apply(op.clone());
        Ok(PageOp::List(op))
    }

    fn shift(&mut self, from: usize, to: usize, by: u8) -> Result<[PageOp; 2]> {
        let item = *self.list.position(from).ok_or("no such item")?;
        Ok([self.remove(from, by)?, self.insert(to, item, by)])
    }
}

impl State for Page {
    fn edit(&mut self, edit: &Edit, by: u8) -> Result<Vec<PageOp>> {
        let mut ops = Vec::new();
        match edit {
            Edit::Insert { at, item } => ops.push(self.insert(*at, *item, by)),
            Edit::Remove { at } => ops.push(self.remove(*at, by)?),
            Edit::Move { from, to } => ops.extend(self.shift(*from, *to, by)?),
            Edit::Reorder { moves, .. } => {
                for (from, to) in moves {
                    ops.extend(self.shift(*from, *to, by)?);
                }
            }
            Edit::Title(title) => {
                let context = self.title.read_ctx().derive_add_ctx(by);
                let op: mvreg::Op<u64, u8> = self.title.write(*title, context);
                self.title.apply(op.clone());
                ops.push(PageOp::Title(op));
            }
            _ => {}
        }
        Ok(ops)
    }

    fn content(&self) -> Result<Content> {
        let title = self.title.read().val.pop().unwrap_or_default();
        Ok(Content { list: self.list.iter().copied().collect(), title, ..Content::default() })
    }
}

impl State for PNCounter<u8> {
    fn edit(&mut self, edit: &Edit, by: u8) -> Result<Vec<Self::Op>> {
        let Edit::Count = edit else { return Ok(Vec::new()) };
        let op = self.inc(by);
        self.apply(op.clone());
        Ok(vec![op])
    }

    fn content(&self) -> Result<Content> {
        Ok(Content { count: self.read().try_into()?, ..Content::default() })
    }
}

impl State for Orswot<u64, u8> {
    fn edit(&mut self, edit: &Edit, by: u8) -> Result<Vec<Self::Op>> {
        let op = match edit {
            Edit::Add(element) => self.add(*element, self.read_ctx().derive_add_ctx(by)),
            Edit::Discard(element) => self.rm(*element, self.contains(element).derive_rm_ctx()),
            _ => return Ok(Vec::new()),
        };
        self.apply(op.clone());
        Ok(vec![op])
    }

    fn content(&self) -> Result<Content> {
        Ok(Content { set: self.read().val.into_iter().collect(), ..Content::default() })
    }
}

impl State for Map<String, Register, u8> {
    fn edit(&mut self, edit: &Edit, by: u8) -> Result<Vec<Self::Op>> {
        let op = match edit {
            Edit::Put { key, value } => {
                let context = self.read_ctx().derive_add_ctx(by);
                let write = |register: &Register, context: AddCtx<u8>| -> mvreg::Op<u64, u8> {
                    register.write(*value, context)
                };
                self.update(key.to_string(), context, write)
            }
            Edit::Delete(key) => {
                let key = key.to_string();
                let context = self.get(&key).derive_rm_ctx();
                self.rm(key, context)
            }
            _ => return Ok(Vec::new()),
        };
        self.apply(op.clone());
        Ok(vec![op])
    }

    fn content(&self) -> Result<Content> {
        let mut content = Content::default();
        for entry in self.iter() {
            let (key, register) = entry.val;
            content.map.insert(key.parse()?, register.read().val.pop().unwrap_or_default());
        }
        Ok(content)
    }
}
