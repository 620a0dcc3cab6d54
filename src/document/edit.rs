//! [`Edit`]: several writes to a document as one delta, all or nothing.

use super::{
    Document, DocumentDelta, DocumentError,
    delta::Removal,
    path::Path,
    tree::{Rank, Reading, View},
    value::Value,
    write::Write,
};
use crate::{
    causal::{Dot, Page},
    replica::ReplicaId,
    time::{Now, Stamp, Timestamp},
};
use alloc::{collections::BTreeMap, vec::Vec};

/// An edit under way, as [`Document::edit`] hands it to its closure. Reads see the writes before
/// them; each write is all or nothing, and so is the edit.
#[derive(Debug)]
pub struct Edit<'a> {
    document: &'a mut Document,
    replica: ReplicaId,
    now: Now,
    /// The last counter that the replica had minted before this edit.
    minted_before: u64,
    /// What this edit has killed, in order.
    killed: Vec<(Dot, Write)>,
    removals: Vec<Removal>,
    finished: bool,
}

/// An edit that was not finished, by an error or a panic, leaves the document as it was.
impl Drop for Edit<'_> {
    fn drop(&mut self) {
        if !self.finished {
            self.undo_to(Savepoint { minted: self.minted_before, killed: 0, removals: 0 });
        }
    }
}

/// Where an edit can be taken back to.
#[derive(Clone, Copy)]
struct Savepoint {
    minted: u64,
    killed: usize,
    removals: usize,
}

/// What the writes that an edit replaced had in common with what it puts in their place.
#[derive(Default)]
struct Replaced {
    /// The greatest time among them.
    time: Option<Timestamp>,
    /// Of each field among them, the write that made it.
    births: BTreeMap<Path, (Rank, Dot)>,
}

enum Difference<'a> {
    Set(Path, &'a Value),
    Remove(Path),
}

impl<'a> Edit<'a> {
    pub(super) fn new(document: &'a mut Document, replica: ReplicaId, now: Now) -> Self {
        let minted_before = document.kernel.minted(replica);
        let (killed, removals) = (Vec::new(), Vec::new());
        Self { document, replica, now, minted_before, killed, removals, finished: false }
    }

    /// The value that is read at a JSON Pointer, with the writes of this edit so far.
    pub fn get(&self, pointer: &str) -> Option<Value> {
        self.document.get(pointer)
    }

    /// As [`Document::set`].
    ///
    /// # Errors
    ///
    /// As [`Document::set`]; the edit is as it was before this call.
    pub fn set(&mut self, pointer: &str, value: impl Into<Value>) -> Result<(), DocumentError> {
        let (path, value) = (Path::parse(pointer)?, value.into());
        self.all_or_nothing(|edit| edit.set_at(&path, &value))
    }

    /// As [`Document::remove`].
    ///
    /// # Errors
    ///
    /// As [`Document::remove`]; the edit is as it was before this call.
    pub fn remove(&mut self, pointer: &str) -> Result<(), DocumentError> {
        let path = Path::parse(pointer)?;
        self.all_or_nothing(|edit| edit.remove_at(&path))
    }

    /// As [`Document::update`].
    ///
    /// # Errors
    ///
    /// As [`Document::update`]; the edit is as it was before this call.
    pub fn update(&mut self, value: impl Into<Value>) -> Result<(), DocumentError> {
        let value = value.into();
        let mut differences = Vec::new();
        let (view, root) = (self.document.view(), Path::root());
        difference(
            view,
            &root,
            view.visible(&root).and_then(|node| view.reading(node)),
            &value,
            &mut differences,
        );
        self.all_or_nothing(|edit| {
            differences.iter().try_for_each(|difference| match difference {
                Difference::Set(path, value) => edit.set_at(path, value),
                Difference::Remove(path) => edit.remove_at(path),
            })
        })
    }

    /// As [`Document::resolve`].
    ///
    /// # Errors
    ///
    /// As [`Document::resolve`]; the edit is as it was before this call.
    pub fn resolve(&mut self, pointer: &str, value: impl Into<Value>) -> Result<(), DocumentError> {
        let path = Path::parse(pointer)?;
        if self.document.view().conflict_at(&path).is_none() {
            return Err(DocumentError::NoConflict { path: pointer.into() });
        }
        self.set(pointer, value)
    }

    /// The delta of the whole edit. O(what it wrote and removed).
    pub(super) fn finish(mut self) -> DocumentDelta {
        self.finished = true;
        let killed = self.killed.iter().map(|killed| killed.0);
        let kernel = self.document.kernel.delta_after(self.replica, self.minted_before, killed);
        DocumentDelta { kernel, removals: core::mem::take(&mut self.removals) }
    }

    fn all_or_nothing(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<(), DocumentError>,
    ) -> Result<(), DocumentError> {
        let savepoint = Savepoint {
            minted: self.document.kernel.minted(self.replica),
            killed: self.killed.len(),
            removals: self.removals.len(),
        };
        let done = write(self);
        if done.is_err() {
            self.undo_to(savepoint);
        }
        done
    }

    fn undo_to(&mut self, to: Savepoint) {
        let Document { kernel, tree } = &mut *self.document;
        for dot in kernel.live_after(self.replica, to.minted) {
            if let Some(slot) = kernel.slot(dot) {
                tree.going(kernel.blocks(), slot);
                kernel.kill(dot);
            }
        }
        for (dot, write) in self.killed.drain(to.killed..) {
            if dot.replica() != self.replica || dot.counter() <= to.minted {
                let slot = kernel.put(dot, write);
                tree.came(kernel.blocks(), slot);
            }
        }
        kernel.unmint(self.replica, to.minted);
        self.removals.truncate(to.removals);
    }

    fn set_at(&mut self, path: &Path, value: &Value) -> Result<(), DocumentError> {
        path.check_depth_of(value)?;
        self.enter(path)?;
        let replaced = self.kill(self.document.tree.writes_below(path));
        let time = self.now.after(replaced.time)?;
        self.put_all(path, value, time, &replaced)
    }

    fn remove_at(&mut self, path: &Path) -> Result<(), DocumentError> {
        self.enter(path)?;
        if self.document.view().kind(path).is_none() {
            return Err(DocumentError::NotFound { path: path.as_str().into() });
        }
        self.kill(self.document.tree.writes_below(path));
        let dot = self.document.kernel.mint(self.replica)?;
        self.removals.push(Removal { dot, path: path.clone(), time: self.now.time() });
        Ok(())
    }

    /// Makes sure that each container on the way to `path` is an object, and that it is one
    /// because this replica says so: what stood open there is settled by whoever goes on writing
    /// inside.
    fn enter(&mut self, path: &Path) -> Result<(), DocumentError> {
        let view = self.document.view();
        let unsettled = view.unsettled_on_the_way(path)?;
        for (path, losers) in unsettled {
            let replaced = self.kill(losers);
            let time = self.now.after(replaced.time)?;
            self.put(path, Value::empty_object(), time, &replaced)?;
        }
        Ok(())
    }

    fn put_all(
        &mut self,
        path: &Path,
        value: &Value,
        time: Timestamp,
        replaced: &Replaced,
    ) -> Result<(), DocumentError> {
        let Value::Object(fields) = value else {
            return self.put(path.clone(), value.clone(), time, replaced);
        };
        self.put(path.clone(), Value::empty_object(), time, replaced)?;
        fields
            .iter()
            .try_for_each(|(name, value)| self.put_all(&path.field(name), value, time, replaced))
    }

    fn put(
        &mut self,
        path: Path,
        value: Value,
        time: Timestamp,
        replaced: &Replaced,
    ) -> Result<(), DocumentError> {
        let birth = replaced.births.get(&path).map(|birth| birth.1);
        let Document { kernel, tree } = &mut *self.document;
        let dot = kernel.mint(self.replica)?;
        let slot = kernel.put(dot, Write { path, time, value, birth });
        tree.came(kernel.blocks(), slot);
        Ok(())
    }

    fn kill(&mut self, slots: impl IntoIterator<Item = crate::causal::Slot>) -> Replaced {
        let mut replaced = Replaced::default();
        let Document { kernel, tree } = &mut *self.document;
        for slot in slots {
            let dot = kernel.blocks().dot(slot);
            tree.going(kernel.blocks(), slot);
            if let Some(write) = kernel.kill(dot) {
                let stamp = Stamp { time: write.time, replica: dot.replica() };
                let birth = ((stamp, dot), write.birth.unwrap_or(dot));
                replaced.time = replaced.time.max(Some(write.time));
                let greatest = replaced.births.entry(write.path.clone()).or_insert(birth);
                *greatest = birth.max(*greatest);
                self.killed.push((dot, write));
            }
        }
        replaced
    }
}

/// The fewest writes that turn what is read at `path` into `new`.
fn difference<'v>(
    view: View<'_>,
    path: &Path,
    old: Option<Reading<'_>>,
    new: &'v Value,
    out: &mut Vec<Difference<'v>>,
) {
    match (old, new) {
        (Some(Reading::Leaf(old)), new) if old == new => {}
        (Some(Reading::Object(node)), Value::Object(new_fields)) => {
            for (name, _) in node.fields() {
                if !new_fields.contains_key(name) {
                    out.push(Difference::Remove(path.field(name)));
                }
            }
            for (name, new) in new_fields {
                let old = node.field(name).and_then(|child| view.reading(child));
                difference(view, &path.field(name), old, new, out);
            }
        }
        _ => out.push(Difference::Set(path.clone(), new)),
    }
}
