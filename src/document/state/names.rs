//! [`Names`]: each segment of a tree once, so that nodes hold and compare numbers.

use super::{segment::Segment, slab::Slab};
use ahash::RandomState;
use alloc::{boxed::Box, sync::Arc, vec::Vec};
use hashbrown::HashTable;

/// The number of a segment, in one tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct NameId(u32);

#[derive(Clone, Debug)]
struct Entry {
    segment: Segment,
    /// The same in every tree of this process; the digests of nodes are made from it.
    digest: u32,
    uses: u32,
}

/// The segments that name the nodes of a tree.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    entries: Slab<Entry>,
    free: Vec<NameId>,
    index: Option<Box<Index>>,
}

/// Finds entries by their segment; deltas are too small to need one.
#[derive(Clone, Debug)]
struct Index {
    table: HashTable<u32>,
    hasher: RandomState,
}

/// Up to this many entries are searched one by one.
const FEW: usize = 12;

/// A segment to look for, without making one.
#[derive(Clone, Copy)]
pub(crate) enum Sought<'a> {
    Field(&'a str),
    Segment(&'a Segment),
}

impl Sought<'_> {
    fn is(self, segment: &Segment) -> bool {
        match self {
            Sought::Field(name) => matches!(segment, Segment::Field(it) if **it == *name),
            Sought::Segment(sought) => sought == segment,
        }
    }

    fn hash(self, hasher: &RandomState) -> u64 {
        match self {
            Sought::Field(name) => hasher.hash_one(name),
            Sought::Segment(Segment::Field(name)) => hasher.hash_one(&**name),
            Sought::Segment(Segment::Item(item)) => hasher.hash_one(item),
        }
    }

    /// As [`Segment::len`].
    pub(crate) fn len(self) -> usize {
        match self {
            Sought::Field(name) => name.len() + 1,
            Sought::Segment(segment) => segment.len(),
        }
    }

    fn to_segment(self) -> Segment {
        match self {
            Sought::Field(name) => Segment::Field(Arc::from(name)),
            Sought::Segment(segment) => segment.clone(),
        }
    }
}

/// The same in every tree of this process.
#[allow(clippy::cast_possible_truncation)] // half of a hash is a hash
fn digest(sought: Sought<'_>) -> u32 {
    // Not the digits of pi: ahash mixes those in, and the same seeds would cancel them out.
    const SEEDED: RandomState = RandomState::with_seeds(
        0x9e37_79b9_7f4a_7c15,
        0xd1b5_4a32_d192_ed03,
        0x8cb9_2ba7_2f3d_8dd7,
        0xaef1_7502_108e_f2d9,
    );
    sought.hash(&SEEDED) as u32
}

impl Names {
    pub(crate) fn get(&self, name: NameId) -> &Segment {
        &self.entries[name.0].segment
    }

    pub(crate) fn digest(&self, name: NameId) -> u32 {
        self.entries[name.0].digest
    }

    /// The number of a segment that is in use.
    pub(crate) fn find(&self, sought: Sought<'_>) -> Option<NameId> {
        self.find_digested(sought, |_| true)
    }

    /// The same, among entries whose digest fits.
    fn find_digested(&self, sought: Sought<'_>, fits: impl Fn(u32) -> bool) -> Option<NameId> {
        let is = |at: &u32| {
            let entry = &self.entries[*at];
            entry.uses > 0 && fits(entry.digest) && sought.is(&entry.segment)
        };
        let found = match &self.index {
            Some(index) => index.table.find(sought.hash(&index.hasher), is).copied(),
            #[allow(clippy::cast_possible_truncation)] // a few
            None => (0..self.entries.len() as u32).find(is),
        };
        found.map(NameId)
    }

    /// The number of a segment; it gets one more use.
    pub(crate) fn take(&mut self, sought: Sought<'_>) -> NameId {
        match self.find(sought) {
            Some(name) => self.take_again(name),
            None => self.add(sought, digest(sought)),
        }
    }

    /// The same for a segment that `theirs` has.
    pub(crate) fn adopt(&mut self, theirs: &Self, name: NameId) -> NameId {
        let entry = &theirs.entries[name.0];
        let (sought, digest) = (Sought::Segment(&entry.segment), entry.digest);
        match self.find_digested(sought, |it| it == digest) {
            Some(name) => self.take_again(name),
            None => self.add(sought, digest),
        }
    }

    fn take_again(&mut self, name: NameId) -> NameId {
        self.entries[name.0].uses += 1;
        name
    }

    fn add(&mut self, sought: Sought<'_>, digest: u32) -> NameId {
        let entry = Entry { segment: sought.to_segment(), digest, uses: 1 };
        let name = match self.free.pop() {
            Some(name) => {
                self.entries[name.0] = entry;
                name
            }
            None => NameId(self.entries.push(entry)),
        };
        self.list(name);
        name
    }

    /// Gives one use back.
    pub(super) fn give_back(&mut self, name: NameId) {
        let Entry { uses, segment, .. } = &mut self.entries[name.0];
        *uses -= 1;
        if *uses > 0 {
            return;
        }
        if let Some(index) = &mut self.index {
            let hash = Sought::Segment(segment).hash(&index.hasher);
            if let Ok(entry) = index.table.find_entry(hash, |at| *at == name.0) {
                entry.remove();
            }
        }
        self.free.push(name);
    }

    /// Lists a name in the index, which is made once the names are many.
    fn list(&mut self, name: NameId) {
        let entries = &self.entries;
        let list = |Index { table, hasher }: &mut Index, at: u32| {
            let hash = |at: &u32| Sought::Segment(&entries[*at].segment).hash(hasher);
            table.insert_unique(hash(&at), at, hash);
        };
        if let Some(index) = self.index.as_deref_mut() {
            list(index, name.0);
        } else if entries.len() > FEW {
            let mut index = Box::new(Index { table: HashTable::new(), hasher: RandomState::new() });
            let in_use = entries.iter().filter(|(_, entry)| entry.uses > 0);
            in_use.for_each(|(at, _)| list(&mut index, at));
            self.index = Some(index);
        }
    }

    /// Checks that each segment in use is there once. The nodes tell how often each is used.
    #[cfg(any(test, feature = "laws"))]
    pub(crate) fn check_invariants(&self, uses: usize) -> Result<(), &'static str> {
        let in_use = || self.entries.iter().filter(|(_, entry)| entry.uses > 0);
        if in_use().map(|(_, entry)| entry.uses as usize).sum::<usize>() != uses {
            return Err("names and nodes differ in number");
        }
        let found = |(at, entry): (u32, &Entry)| {
            self.find(Sought::Segment(&entry.segment)) == Some(NameId(at))
        };
        if !in_use().all(found) || in_use().count() + self.free.len() != self.entries.len() {
            return Err("a name is lost or listed twice");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Names, Sought, digest};
    use crate::document::state::{
        content::Content,
        segment::{Item, Segment},
    };
    use alloc::{collections::BTreeSet, format, vec::Vec};

    #[test]
    fn digests_tell_names_and_items_apart() {
        let mut digests = BTreeSet::new();
        let mut told = 0;
        for number in 0..500 {
            let name = format!("{number}");
            let key = Content::text(&name);
            digests.insert(digest(Sought::Field(&name)));
            for item in [Item::Keyed { key: key.clone(), nth: 0 }, Item::Keyed { key, nth: 1 }] {
                digests.insert(digest(Sought::Segment(&Segment::Item(item))));
            }
            told += 3;
        }
        assert_eq!(digests.len(), told, "in 32 bits, two of so few are hardly ever the same");
    }

    #[test]
    fn names_are_found_however_many_they_are() {
        let mut names = Names::default();
        let name = |number: usize| format!("{number}");
        let taken: Vec<_> = (0..50).map(|it| names.take(Sought::Field(&name(it)))).collect();
        taken.iter().step_by(3).for_each(|it| names.give_back(*it));
        for (number, it) in taken.into_iter().enumerate() {
            let found = (number % 3 > 0).then_some(it);
            assert_eq!(names.find(Sought::Field(&name(number))), found);
        }
        assert_eq!(names.check_invariants(33), Ok(()));
    }

    #[test]
    fn broken_names_are_found() {
        let broken = |breaks: fn(&mut Names)| {
            let mut names = Names::default();
            for name in ["a", "b", "b"] {
                names.take(Sought::Field(name));
            }
            assert_eq!(names.check_invariants(3), Ok(()));
            breaks(&mut names);
            names.check_invariants(3)
        };
        let miscounted = broken(|names| names.entries[0].uses += 1);
        assert_eq!(miscounted, Err("names and nodes differ in number"));
        let twice = broken(|names| names.entries[1].segment = names.entries[0].segment.clone());
        assert_eq!(twice, Err("a name is lost or listed twice"));
        let free = broken(|names| names.free.push(super::NameId(0)));
        assert_eq!(free, Err("a name is lost or listed twice"));
    }
}
