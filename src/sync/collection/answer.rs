//! What follows from what a peer told: rows are applied, and the rest becomes tasks.

use super::{
    CollectionError, KeyRange, Table,
    message::{Item, Row, Told},
    pack::Task,
    settings::Role,
};
use crate::merge::DeltaState;
use alloc::vec::Vec;

/// Takes in what a peer told.
pub(super) struct Taker<'a, T: Table> {
    pub(super) table: &'a mut T,
    pub(super) role: Role,
    /// The number of the question that the checks belong to.
    pub(super) salt: u64,
    /// What there is to tell the peer.
    pub(super) tasks: Vec<Task<T::State>>,
    /// Rows that changed.
    pub(super) changed: u64,
    /// Rows that the peer has no room for in a message.
    pub(super) too_large: Vec<Vec<u8>>,
}

impl<'a, T: Table> Taker<'a, T> {
    pub(super) fn new(table: &'a mut T, role: Role, salt: u64) -> Self {
        Self { table, role, salt, tasks: Vec::new(), changed: 0, too_large: Vec::new() }
    }

    pub(super) fn take(&mut self, item: Item<T::State>) -> Result<(), CollectionError<T::Error>> {
        match item {
            Item::Checks(start, parts) => self.compare(start, parts),
            Item::Rows(range, rows) => self.match_rows(range, rows),
            Item::Row(row) => self.row(row),
        }
    }

    /// Which parts are not the same.
    fn compare(
        &mut self,
        mut start: Vec<u8>,
        parts: Vec<(u32, Option<Vec<u8>>)>,
    ) -> Result<(), CollectionError<T::Error>> {
        for (check, end) in parts {
            let next = end.clone().unwrap_or_default();
            let range = KeyRange::of(start, end);
            let ours = self.table.summary(&range).map_err(CollectionError::Table)?;
            if ours.check(self.salt) != check {
                self.tasks.push(Task::Span(range));
            }
            start = next;
        }
        Ok(())
    }

    /// The peer has only these rows in a range.
    fn match_rows(
        &mut self,
        range: KeyRange,
        rows: Vec<Row<T::State>>,
    ) -> Result<(), CollectionError<T::Error>> {
        let keys = rows.iter().map(|row| row.key.clone()).collect();
        for row in rows {
            self.row(row)?;
        }
        if self.role.gives {
            self.tasks.push(Task::Rest(range, keys));
        }
        Ok(())
    }

    fn row(&mut self, row: Row<T::State>) -> Result<(), CollectionError<T::Error>> {
        let Row { key, told } = row;
        match told {
            Told::Missing => self.answer(key, None, false),
            Told::Version(version) => {
                if self.role.takes && self.is_missing(&key)? {
                    self.tasks.push(Task::Tell(key));
                    return Ok(());
                }
                let wants = self.role.takes;
                if wants && !self.role.gives {
                    self.tasks.push(Task::Tell(key));
                    return Ok(());
                }
                self.answer(key, Some(version), wants);
            }
            Told::Both(version, delta) => {
                self.apply(&key, delta)?;
                self.answer(key, Some(version), false);
            }
            Told::Whole(delta) => {
                let mut theirs = T::State::default();
                theirs.apply(&delta);
                self.apply(&key, delta)?;
                self.answer(key, Some(theirs.version()), false);
            }
            Told::Final(delta) => self.apply(&key, delta)?,
            Told::Bare if self.role.takes => self.tasks.push(Task::Tell(key)),
            Told::Bare => {}
            Told::Huge => self.too_large.push(key),
        }
        Ok(())
    }

    fn is_missing(&self, key: &[u8]) -> Result<bool, CollectionError<T::Error>> {
        Ok(self.table.version(key).map_err(CollectionError::Table)?.is_none())
    }

    fn answer(
        &mut self,
        key: Vec<u8>,
        since: Option<<T::State as DeltaState>::Version>,
        both: bool,
    ) {
        if self.role.gives {
            self.tasks.push(Task::Answer { key, since, both });
        }
    }

    fn apply(
        &mut self,
        key: &[u8],
        delta: <T::State as DeltaState>::Delta,
    ) -> Result<(), CollectionError<T::Error>> {
        if self.role.takes {
            let changed = self.table.apply(key, delta).map_err(CollectionError::Table)?;
            self.changed += u64::from(changed);
        }
        Ok(())
    }
}
