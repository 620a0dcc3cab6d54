//! [`KeyIndex`]: finds the live dots whose payloads carry a key.

use super::{Adopt, Blocks, Page, Slot};
use ahash::RandomState;
use core::{borrow::Borrow, cmp::Ordering, fmt, hash::Hash, marker::PhantomData};
use hashbrown::{HashTable, hash_table::Entry};
use smallvec::SmallVec;

/// How a payload shows its key.
pub(crate) trait KeyOf<P> {
    type Key: Eq + Hash;
    fn key(payload: &P) -> &Self::Key;
}

/// A hash table of slots: 4 bytes and a control byte an entry, since the key itself is read from
/// the kernel. A key with several live dots (concurrent writes) has several entries.
///
/// Its order is never visible: everything listed comes from the kernel.
pub(crate) struct KeyIndex<K> {
    slots: HashTable<Slot>,
    hasher: RandomState,
    /// Live dots less distinct keys.
    doubled: usize,
    by: PhantomData<K>,
}

impl<K> Default for KeyIndex<K> {
    fn default() -> Self {
        Self { slots: HashTable::new(), hasher: RandomState::new(), doubled: 0, by: PhantomData }
    }
}

impl<K> Clone for KeyIndex<K> {
    fn clone(&self) -> Self {
        Self {
            slots: self.slots.clone(),
            hasher: self.hasher.clone(),
            doubled: self.doubled,
            by: PhantomData,
        }
    }
}

impl<K> fmt::Debug for KeyIndex<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyIndex").field("dots", &self.slots.len()).finish_non_exhaustive()
    }
}

impl<K> KeyIndex<K> {
    /// How many distinct keys have live dots. O(1).
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.doubled
    }

    /// Whether some key has several live dots.
    pub(crate) fn has_doubles(&self) -> bool {
        self.doubled > 0
    }

    /// The index of what is alive in a kernel.
    pub(crate) fn over<P>(kernel: &super::DotKernel<P>) -> Self
    where
        K: KeyOf<P>,
    {
        let mut index = Self::default();
        index.expect(kernel.blocks(), kernel.live_len());
        kernel.slots().for_each(|slot| index.came(kernel.blocks(), slot));
        index
    }

    /// The slots of the live dots whose payloads carry `key`, in no order.
    pub(crate) fn find<'a, P, Q>(
        &'a self,
        blocks: &'a Blocks<P>,
        key: &'a Q,
    ) -> impl Iterator<Item = Slot> + 'a
    where
        K: KeyOf<P>,
        K::Key: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let same_hash = self.slots.iter_hash(self.hasher.hash_one(key)).copied();
        same_hash.filter(move |&slot| {
            blocks.get(slot).is_some_and(|payload| K::key(payload).borrow() == key)
        })
    }

    pub(crate) fn contains<P, Q>(&self, blocks: &Blocks<P>, key: &Q) -> bool
    where
        K: KeyOf<P>,
        K::Key: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.find(blocks, key).next().is_some()
    }

    /// The dots of the live writes that carry `key`, in order.
    pub(crate) fn dots<P, Q>(&self, blocks: &Blocks<P>, key: &Q) -> SmallVec<[super::Dot; 1]>
    where
        K: KeyOf<P>,
        K::Key: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let mut dots: SmallVec<_> = self.find(blocks, key).map(|slot| blocks.dot(slot)).collect();
        dots.sort_unstable();
        dots
    }

    /// Whether the index lists just the live dots; for tests and fuzzers.
    pub(crate) fn check_invariants<P>(
        &self,
        kernel: &super::DotKernel<P>,
    ) -> Result<(), &'static str>
    where
        K: KeyOf<P>,
    {
        let listed = |slot: Slot| {
            let key = kernel.blocks().get(slot).map(K::key);
            key.is_some_and(|key| {
                self.find(kernel.blocks(), key).filter(|it| *it == slot).count() == 1
            })
        };
        if self.slots.len() != kernel.live_len() || !kernel.slots().all(listed) {
            return Err("the index and the kernel differ");
        }
        let firsts = kernel.slots().filter(|&slot| {
            let key = kernel.blocks().get(slot).map(K::key);
            let dot = kernel.blocks().dot(slot);
            key.is_some_and(|key| self.dots(kernel.blocks(), key).first() == Some(&dot))
        });
        if firsts.count() != self.len() {
            return Err("the count of distinct keys is stale");
        }
        Ok(())
    }
}

impl<P: Clone + Ord, K: KeyOf<P>> Adopt<P> for KeyIndex<K> {
    fn adopt(&mut self, theirs: &P) -> P {
        theirs.clone()
    }

    fn order(&self, ours: &P, theirs: &P) -> Ordering {
        ours.cmp(theirs)
    }
}

impl<P, K: KeyOf<P>> Page<P> for KeyIndex<K> {
    fn expect(&mut self, blocks: &Blocks<P>, additional: usize) {
        let hasher = &self.hasher;
        self.slots.reserve(additional, |&slot| {
            blocks.get(slot).map_or(0, |payload| hasher.hash_one(K::key(payload)))
        });
    }

    fn came(&mut self, blocks: &Blocks<P>, slot: Slot) {
        let Some(key) = blocks.get(slot).map(K::key) else { return };
        let hasher = &self.hasher;
        let rehash =
            |&slot: &Slot| blocks.get(slot).map_or(0, |payload| hasher.hash_one(K::key(payload)));
        let hash = hasher.hash_one(key);
        let same = |&other: &Slot| blocks.get(other).is_some_and(|payload| K::key(payload) == key);
        match self.slots.entry(hash, same, rehash) {
            Entry::Vacant(free) => _ = free.insert(slot),
            Entry::Occupied(other) => {
                other.into_table().insert_unique(hash, slot, rehash);
                self.doubled += 1;
            }
        }
    }

    fn going(&mut self, blocks: &Blocks<P>, slot: Slot) {
        let Some(key) = blocks.get(slot).map(K::key) else { return };
        let hash = self.hasher.hash_one(key);
        if let Ok(entry) = self.slots.find_entry(hash, |&it| it == slot) {
            entry.remove();
            if self.doubled > 0 {
                self.doubled -= usize::from(self.contains(blocks, key));
            }
        }
    }
}
