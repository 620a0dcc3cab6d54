//! [`Packer`]: writes what there is to tell, as much as one message has room for.

use super::{
    CollectionError, KeyRange, ReconcilerSettings, Summary, Table,
    message::{Head, ITEMS, KEYS, Keys, Told, write},
    settings::Role,
    shortest_between,
};
use crate::{
    merge::{Delta, DeltaState},
    sync::Fingerprint,
    wire::{Schema, Wire, Writer},
};
use alloc::{vec, vec::Vec};

/// Into how many parts a range is divided that is not the same on both sides. More of them take
/// fewer round trips and more bytes: half of them takes a third less bytes of checks, and one round trip more.
const PARTS: usize = 16;

/// Rows that are looked at at a time.
const ROWS: usize = 64;

/// One thing to tell the peer. What is told is found as it is written, so it is what the table
/// holds then.
pub(super) enum Task<S: DeltaState> {
    /// The whole table, if it is not the same.
    Root,
    /// A range that is not the same.
    Span(KeyRange),
    /// All rows of a range, of which the peer has only these.
    Rest(KeyRange, Vec<Vec<u8>>),
    /// What there is under a key, and that we want what we lack.
    Tell(Vec<u8>),
    /// What the peer lacks under a key: all where it has no version. If `both`, also that we want
    /// what we lack.
    Answer { key: Vec<u8>, since: Option<S::Version>, both: bool },
}

impl<S: DeltaState> Clone for Task<S> {
    fn clone(&self) -> Self {
        match self {
            Self::Root => Self::Root,
            Self::Span(range) => Self::Span(range.clone()),
            Self::Rest(range, except) => Self::Rest(range.clone(), except.clone()),
            Self::Tell(key) => Self::Tell(key.clone()),
            Self::Answer { key, since, both } => {
                Self::Answer { key: key.clone(), since: since.clone(), both: *both }
            }
        }
    }
}

/// What is left of a task that did not fit; `None` if it did.
type Left<S, E> = Result<Option<Task<S>>, CollectionError<E>>;

/// Where a part of a range starts, and what it comes to.
type Part = (Vec<u8>, Summary);

/// A message that is being written.
pub(super) struct Packer<S: DeltaState> {
    role: Role,
    /// The number of the question, which makes its checks other ones than those of the next.
    salt: u64,
    settings: ReconcilerSettings,
    root: Option<Fingerprint>,
    body: Vec<u8>,
    keys: Keys,
    items: usize,
    has_rows: bool,
    /// For each item what has to be told again if it gets lost.
    pub(super) told: Vec<Task<S>>,
    /// Rows of which something was given.
    pub(super) given: u64,
    /// Keys of rows that do not fit into a message.
    pub(super) too_large: Vec<Vec<u8>>,
}

impl<S: DeltaState<Delta: Wire, Version: Wire> + Default> Packer<S> {
    pub(super) fn new(role: Role, salt: u64, settings: ReconcilerSettings) -> Self {
        Self {
            role,
            salt,
            settings,
            root: None,
            body: Vec::new(),
            keys: Keys::default(),
            items: 0,
            has_rows: false,
            told: Vec::new(),
            given: 0,
            too_large: Vec::new(),
        }
    }

    /// Whether there is nothing to send.
    pub(super) fn is_empty(&self) -> bool {
        self.root.is_none() && self.body.is_empty()
    }

    pub(super) fn seal(self, mode: u8, name: u64) -> Vec<u8> {
        Head { mode, name, root: self.root }.seal::<S>(&self.body, self.has_rows)
    }

    /// Tells the peer that the question is not answered from here on.
    pub(super) fn cut(&mut self, item: usize, key: &[u8]) {
        let mut out = Writer::default();
        write::cut(item, key, &mut self.keys, &mut out);
        self.body.extend(out.into_bytes());
    }

    /// Bytes that items may take, apart from one that tells where an answer is cut.
    fn room(&self) -> usize {
        let schema = Schema::of::<S::Delta>().as_bytes().len();
        let others = Head::MOST + schema + self.settings.key_bytes() + 16;
        self.settings.message_bytes.saturating_sub(others)
    }

    /// Writes an item if there is room for it.
    fn item(
        &mut self,
        is_row: bool,
        items: usize,
        encode: impl FnOnce(&mut Keys, &mut Writer),
    ) -> bool {
        let (mut keys, mut out) = (self.keys.clone(), Writer::default());
        encode(&mut keys, &mut out);
        let bytes = out.into_bytes();
        let most_keys = KEYS - self.settings.key_bytes();
        let fits = self.body.len() + bytes.len() <= self.room()
            && (keys.bytes <= most_keys || self.body.is_empty())
            && self.items + items < ITEMS;
        if fits {
            self.body.extend(bytes);
            self.keys = keys;
            self.items += items;
            self.has_rows |= is_row;
        }
        fits
    }

    /// Writes as much of a task as there is room for.
    pub(super) fn put<T: Table<State = S>>(
        &mut self,
        table: &T,
        task: Task<S>,
    ) -> Left<S, T::Error> {
        match task {
            Task::Root => {
                self.root = Some(Self::summary(table, &KeyRange::all())?.sum);
                self.told.push(Task::Root);
                Ok(None)
            }
            Task::Span(range) => self.span(table, range),
            Task::Rest(range, except) => self.rest(table, range, except),
            Task::Tell(key) => {
                let (kind, rest) = self.told_of(table, &key)?;
                Ok((!self.row(kind, &key, &rest, &Task::Tell(key.clone())))
                    .then_some(Task::Tell(key)))
            }
            Task::Answer { key, since, both } => self.answer(table, key, since, both),
        }
    }

    fn summary<T: Table<State = S>>(
        table: &T,
        range: &KeyRange,
    ) -> Result<Summary, CollectionError<T::Error>> {
        table.summary(range).map_err(CollectionError::Table)
    }

    fn check_key<E>(&self, key: &[u8]) -> Result<(), CollectionError<E>> {
        let fits = key.len() <= self.settings.key_bytes();
        fits.then_some(()).ok_or(CollectionError::KeyTooLong(key.len()))
    }

    /// The one row of a range, or none; or its parts, of which the peer tells which differ.
    fn span<T: Table<State = S>>(&mut self, table: &T, range: KeyRange) -> Left<S, T::Error> {
        let rows = table.rows(&range, PARTS + 1).map_err(CollectionError::Table)?;
        for (key, _) in &rows {
            self.check_key(key)?;
        }
        let done = match &*rows {
            [] => self.rows(&range, None),
            [(key, _)] => {
                let (kind, rest) = self.told_of(table, key)?;
                self.span_of_row(&range, kind, key, &rest)
            }
            _ => self.parts(table, &range, &rows)?,
        };
        if done {
            self.told.push(Task::Span(range));
            return Ok(None);
        }
        Ok(Some(Task::Span(range)))
    }

    fn span_of_row(&mut self, range: &KeyRange, kind: u8, key: &[u8], rest: &[u8]) -> bool {
        if self.too_large.is_empty() && self.rows(range, Some((kind, key, rest))) {
            self.given += u64::from(kind == Told::<S>::WHOLE);
            return true;
        }
        if !self.body.is_empty() {
            return false;
        }
        self.too_large.push(key.into());
        self.rows(range, Some((Told::<S>::HUGE, key, &[])))
    }

    fn rows(&mut self, range: &KeyRange, row: Option<(u8, &[u8], &[u8])>) -> bool {
        self.item(row.is_some(), 2, |keys, out| {
            write::rows(range, row.into_iter().count(), keys, out);
            if let Some((kind, key, rest)) = row {
                write::row(kind, key, rest, keys, out);
            }
        })
    }

    /// Fewer parts where the keys are long and the messages short.
    fn parts<T: Table<State = S>>(
        &mut self,
        table: &T,
        range: &KeyRange,
        rows: &[(Vec<u8>, Fingerprint)],
    ) -> Result<bool, CollectionError<T::Error>> {
        for parts in [PARTS, 4, 2] {
            let parts = if rows.len() <= parts {
                Self::each(rows)
            } else {
                self.shares(table, range, parts)?
            };
            let ends = parts.iter().skip(1).map(|part| Some(&*part.0));
            let ends = ends.chain([range.end()]);
            let checks: Vec<_> =
                parts.iter().zip(ends).map(|(part, end)| (part.1.check(self.salt), end)).collect();
            let fits = self.item(false, checks.len() + 1, |keys, out| {
                write::checks(range.start(), checks.into_iter(), keys, out);
            });
            if fits || !self.body.is_empty() {
                return Ok(fits);
            }
        }
        Ok(false)
    }

    /// Each row as a part of its own: where it starts, and its summary.
    fn each(rows: &[(Vec<u8>, Fingerprint)]) -> Vec<Part> {
        let starts = rows.iter().zip(rows.iter().skip(1));
        let starts = starts.map(|(below, above)| shortest_between(&below.0, &above.0).to_vec());
        let starts = [Vec::new()].into_iter().chain(starts);
        starts.zip(rows).map(|(start, row)| (start, Summary::of_row(row.1))).collect()
    }

    fn shares<T: Table<State = S>>(
        &self,
        table: &T,
        range: &KeyRange,
        parts: usize,
    ) -> Result<Vec<Part>, CollectionError<T::Error>> {
        let asked = table.split(range, parts).map_err(CollectionError::Table)?;
        let mut starts = vec![range.start().to_vec()];
        for start in asked.into_iter().take(parts - 1) {
            if range.has_inside(&start) && starts.last().is_some_and(|last| *last < start) {
                self.check_key(&start)?;
                starts.push(start);
            }
        }
        if starts.len() < 2 {
            return Err(CollectionError::NotDivided);
        }
        let ends = starts.iter().skip(1).map(|end| Some(&**end)).chain([range.end()]);
        let part = |(start, end): (&Vec<u8>, Option<&[u8]>)| {
            Ok((start.clone(), Self::summary(table, &KeyRange::new(start, end))?))
        };
        starts.iter().zip(ends).map(part).collect()
    }

    /// All rows of a range but some, as far as there is room.
    fn rest<T: Table<State = S>>(
        &mut self,
        table: &T,
        range: KeyRange,
        except: Vec<Vec<u8>>,
    ) -> Left<S, T::Error> {
        let mut range = range;
        loop {
            let rows = table.rows(&range, ROWS).map_err(CollectionError::Table)?;
            for (key, _) in &rows {
                if except.binary_search(key).is_ok() {
                    continue;
                }
                if self.answer(table, key.clone(), None, false)?.is_some() {
                    return Ok(Some(Task::Rest(range.from(key.clone()), except)));
                }
            }
            let Some((last, _)) = rows.last().filter(|_| rows.len() == ROWS) else {
                return Ok(None);
            };
            range = range.from([last, &[0][..]].concat());
        }
    }

    /// What the row of a range tells of itself: its version, or all of it where that is no more
    /// than the versions of both sides, which it saves.
    fn told_of<T: Table<State = S>>(
        &self,
        table: &T,
        key: &[u8],
    ) -> Result<(u8, Vec<u8>), CollectionError<T::Error>> {
        self.check_key(key)?;
        let Some(version) = table.version(key).map_err(CollectionError::Table)? else {
            return Ok((Told::<S>::MISSING, Vec::new()));
        };
        let version = encoded(&version);
        if self.role.gives {
            let whole =
                Self::delta_since(table, key, &Default::default())?.map(|whole| encoded(&whole));
            let saved = if self.role.takes { 2 * version.len() } else { version.len() };
            if let Some(whole) = whole.filter(|whole| whole.len() <= saved + key.len()) {
                return Ok((Told::<S>::WHOLE, whole));
            }
        }
        if self.role.takes {
            return Ok((Told::<S>::VERSION, version));
        }
        Ok((Told::<S>::BARE, Vec::new()))
    }

    fn delta_since<T: Table<State = S>>(
        table: &T,
        key: &[u8],
        version: &S::Version,
    ) -> Result<Option<S::Delta>, CollectionError<T::Error>> {
        table.delta_since(key, version).map_err(CollectionError::Table)
    }

    fn answer<T: Table<State = S>>(
        &mut self,
        table: &T,
        key: Vec<u8>,
        since: Option<S::Version>,
        both: bool,
    ) -> Left<S, T::Error> {
        self.check_key(&key)?;
        let whole = Default::default();
        let Some(delta) = Self::delta_since(table, &key, since.as_ref().unwrap_or(&whole))? else {
            return Ok(None);
        };
        let ours = if both { table.version(&key).map_err(CollectionError::Table)? } else { None };
        let is_news = since.is_none() || !delta.is_empty();
        let (kind, mut rest) = match &ours {
            Some(ours) if since.as_ref() != Some(ours) => (Told::<S>::BOTH, encoded(ours)),
            _ if is_news => (Told::<S>::FINAL, Vec::new()),
            _ => return Ok(None),
        };
        rest.extend(encoded(&delta));
        let again = Task::Answer { key, since, both };
        let Task::Answer { key, .. } = &again else { return Ok(None) };
        let too_large = self.too_large.len();
        if self.row(kind, key, &rest, &again) {
            self.given += u64::from(is_news && self.too_large.len() == too_large);
            return Ok(None);
        }
        Ok(Some(again))
    }

    /// Writes a row, or, where no message has room for it, that it is too large.
    fn row(&mut self, kind: u8, key: &[u8], rest: &[u8], again: &Task<S>) -> bool {
        // One that is too large cost much to find out: it is the last of its message.
        let mut fits = self.too_large.is_empty()
            && self.item(true, 1, |keys, out| write::row(kind, key, rest, keys, out));
        if !fits && self.body.is_empty() {
            self.too_large.push(key.into());
            let kind = Told::<S>::HUGE;
            fits = self.item(true, 1, |keys, out| write::row(kind, key, &[], keys, out));
        }
        if fits {
            self.told.push(again.clone());
        }
        fits
    }
}

pub(super) fn encoded<T: Wire>(value: &T) -> Vec<u8> {
    let mut out = Writer::default();
    value.encode(&mut out);
    out.into_bytes()
}
