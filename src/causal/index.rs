//! [`KeyIndex`]: finds the live dots whose payloads carry a key.

use super::{Adopt, Blocks, Dot, DotKernel, Index, Observed, Page, Slot, Slots};
use ahash::RandomState;
use alloc::collections::{BTreeMap, BTreeSet};
use core::{borrow::Borrow, cmp::Ordering, fmt, hash::Hash, marker::PhantomData};
use hashbrown::{HashTable, hash_table::Entry};
use smallvec::SmallVec;

/// How a payload shows its key.
pub(crate) trait KeyOf<P>: Ranks<P> {
    type Key: Eq + Hash;
    fn key(payload: &P) -> &Self::Key;
}

/// Which of the live dots of one key is listed: the one of the least rank.
pub(crate) trait Ranks<P> {
    type Rank: Clone + Ord;
    fn rank(payload: &P, dot: Dot) -> Self::Rank;
}

/// A hash table of slots: 4 bytes and a control byte an entry, since the key itself is read from
/// the kernel. If a key has several live dots (concurrent writes), the one of the least rank is
/// listed; the others are in a crowd, by rank, so that thousands of them, which a stranger may have
/// made, cost no search.
///
/// Its order is never visible: everything listed comes from the kernel.
pub(crate) struct KeyIndex<K, R = Dot> {
    slots: HashTable<Slot>,
    hasher: RandomState,
    /// By the slot that is listed: the other live dots of its key.
    crowds: BTreeMap<Slot, BTreeSet<(R, Slot)>>,
    by: PhantomData<K>,
}

impl<K, R> Default for KeyIndex<K, R> {
    fn default() -> Self {
        let (slots, hasher) = (HashTable::new(), RandomState::new());
        Self { slots, hasher, crowds: BTreeMap::new(), by: PhantomData }
    }
}

impl<K, R: Clone> Clone for KeyIndex<K, R> {
    fn clone(&self) -> Self {
        Self {
            slots: self.slots.clone(),
            hasher: self.hasher.clone(),
            crowds: self.crowds.clone(),
            by: PhantomData,
        }
    }
}

impl<K, R> fmt::Debug for KeyIndex<K, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyIndex").field("keys", &self.slots.len()).finish_non_exhaustive()
    }
}

impl<K, R: Clone + Ord> KeyIndex<K, R> {
    /// How many distinct keys have live dots. O(1).
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether some key has several live dots.
    pub(crate) fn has_doubles(&self) -> bool {
        !self.crowds.is_empty()
    }

    /// The slot of the live dot of the least rank whose payload carries `key`.
    pub(crate) fn first<P, Q>(&self, blocks: &Blocks<P>, key: &Q) -> Option<Slot>
    where
        K: KeyOf<P> + Ranks<P, Rank = R>,
        K::Key: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let carries =
            |slot: &Slot| blocks.get(*slot).is_some_and(|payload| K::key(payload).borrow() == key);
        self.slots.find(self.hasher.hash_one(key), carries).copied()
    }

    pub(crate) fn contains<P, Q>(&self, blocks: &Blocks<P>, key: &Q) -> bool
    where
        K: KeyOf<P> + Ranks<P, Rank = R>,
        K::Key: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.first(blocks, key).is_some()
    }

    /// The slots of the live dots whose payloads carry `key`, by rank.
    pub(crate) fn slots<P, Q>(&self, blocks: &Blocks<P>, key: &Q) -> SmallVec<[Slot; 4]>
    where
        K: KeyOf<P> + Ranks<P, Rank = R>,
        K::Key: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let mut slots = SmallVec::new();
        if let Some(first) = self.first(blocks, key) {
            slots.push(first);
            if self.has_doubles() {
                slots.extend(self.crowds.get(&first).into_iter().flatten().map(|other| other.1));
            }
        }
        slots
    }
}

/// The live dots of one key with their payloads, the one of the least rank last.
pub(crate) struct Crowd<'a, P> {
    slots: smallvec::IntoIter<[Slot; 4]>,
    blocks: &'a Blocks<P>,
}

impl<'a, P> Crowd<'a, P> {
    /// Of the slots of live dots, by rank.
    pub(crate) fn of(mut slots: SmallVec<[Slot; 4]>, blocks: &'a Blocks<P>) -> Self {
        slots.reverse();
        Self { slots: slots.into_iter(), blocks }
    }

    fn at(&self, slot: Slot) -> Option<(Dot, &'a P)> {
        Some((self.blocks.dot(slot), self.blocks.get(slot)?))
    }
}

impl<P> Clone for Crowd<'_, P> {
    fn clone(&self) -> Self {
        Self { slots: self.slots.clone(), ..*self }
    }
}

impl<'a, P> Iterator for Crowd<'a, P> {
    type Item = (Dot, &'a P);

    fn next(&mut self) -> Option<Self::Item> {
        let slot = self.slots.next()?;
        self.at(slot)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.slots.size_hint()
    }
}

impl<P> DoubleEndedIterator for Crowd<'_, P> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let slot = self.slots.next_back()?;
        self.at(slot)
    }
}

/// The payloads that are listed, one for each key, in the order of their dots.
pub(crate) struct Distinct<'a, P, K, R> {
    slots: Slots<'a, P>,
    blocks: &'a Blocks<P>,
    /// Where some key has several live dots.
    doubles: Option<&'a KeyIndex<K, R>>,
    left: usize,
}

impl<P, K, R: Clone + Ord> Observed<P, KeyIndex<K, R>> {
    pub(crate) fn distinct(&self) -> Distinct<'_, P, K, R> {
        Distinct {
            slots: self.kernel().slots(),
            blocks: self.blocks(),
            doubles: Some(self.index()).filter(|index| index.has_doubles()),
            left: self.index().len(),
        }
    }
}

impl<P, K, R> Clone for Distinct<'_, P, K, R> {
    fn clone(&self) -> Self {
        Self { slots: self.slots.clone(), ..*self }
    }
}

impl<P, K: KeyOf<P> + Ranks<P, Rank = R>, R: Clone + Ord> Distinct<'_, P, K, R> {
    /// Whether the index lists this one of its key's live dots.
    fn lists(&self, slot: Slot, payload: &P) -> bool {
        self.doubles.is_none_or(|index| index.first(self.blocks, K::key(payload)) == Some(slot))
    }
}

impl<'a, P, K: KeyOf<P> + Ranks<P, Rank = R>, R: Clone + Ord> Iterator for Distinct<'a, P, K, R> {
    type Item = &'a P;

    fn next(&mut self) -> Option<&'a P> {
        loop {
            let (slot, payload) = self.slots.next()?;
            if self.lists(slot, payload) {
                self.left -= 1;
                return Some(payload);
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }

    fn fold<B, F: FnMut(B, &'a P) -> B>(self, first: B, mut fold: F) -> B {
        let slots = self.slots.clone();
        slots.fold(
            first,
            |all, (slot, payload)| {
                if self.lists(slot, payload) { fold(all, payload) } else { all }
            },
        )
    }
}

impl<P, K: KeyOf<P> + Ranks<P, Rank = R>, R: Clone + Ord> DoubleEndedIterator
    for Distinct<'_, P, K, R>
{
    fn next_back(&mut self) -> Option<Self::Item> {
        loop {
            let (slot, payload) = self.slots.next_back()?;
            if self.lists(slot, payload) {
                self.left -= 1;
                return Some(payload);
            }
        }
    }
}

impl<P, K, R> Index<P> for KeyIndex<K, R>
where
    K: KeyOf<P> + Ranks<P, Rank = R>,
    R: Clone + Ord,
{
    fn over(kernel: &DotKernel<P>) -> Self {
        let mut index = Self::default();
        index.expect(kernel.blocks(), kernel.live_len());
        kernel.slots().for_each(|(slot, _)| index.came(kernel.blocks(), slot));
        index
    }

    #[cfg(any(test, feature = "laws"))]
    fn check(&self, kernel: &DotKernel<P>) -> Result<(), &'static str> {
        let blocks = kernel.blocks();
        let crowded: usize = self.crowds.values().map(BTreeSet::len).sum();
        if self.slots.len() + crowded != kernel.live_len() {
            return Err("the index and the kernel differ in number");
        }
        let mut keys = BTreeMap::<Slot, alloc::vec::Vec<Slot>>::new();
        for (slot, payload) in kernel.slots() {
            let first = self.first(blocks, K::key(payload));
            keys.entry(first.ok_or("a key cannot be found")?).or_default().push(slot);
        }
        for (first, slots) in &mut keys {
            slots.sort_by_key(|slot| {
                blocks.get(*slot).map(|payload| K::rank(payload, blocks.dot(*slot)))
            });
            let found = blocks.get(*first).map(|payload| self.slots(blocks, K::key(payload)));
            if found.as_deref() != Some(&slots[..]) {
                return Err("a key has other live dots than the index lists");
            }
        }
        if keys.len() != self.slots.len() {
            return Err("a key is listed twice, or without a live dot");
        }
        Ok(())
    }
}

impl<P: Clone + Ord, K: KeyOf<P> + Ranks<P, Rank = R>, R: Clone + Ord> Adopt<P> for KeyIndex<K, R> {
    fn adopt(&mut self, theirs: &P) -> P {
        theirs.clone()
    }

    fn order(&self, ours: &P, theirs: &P) -> Ordering {
        ours.cmp(theirs)
    }
}

impl<P, K: KeyOf<P> + Ranks<P, Rank = R>, R: Clone + Ord> Page<P> for KeyIndex<K, R> {
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
        let same = |&other: &Slot| blocks.get(other).is_some_and(|payload| K::key(payload) == key);
        match self.slots.entry(hasher.hash_one(key), same, rehash) {
            Entry::Vacant(free) => _ = free.insert(slot),
            Entry::Occupied(mut listed) => {
                let first = *listed.get();
                let mut crowd = self.crowds.remove(&first).unwrap_or_default();
                let rank = |slot| Some(K::rank(blocks.get(slot)?, blocks.dot(slot)));
                let (ours, theirs) = (rank(slot), rank(first));
                let (least, other) =
                    if ours < theirs { (slot, (theirs, first)) } else { (first, (ours, slot)) };
                if let (Some(rank), other) = other {
                    crowd.insert((rank, other));
                }
                *listed.get_mut() = least;
                self.crowds.insert(least, crowd);
            }
        }
    }

    fn going(&mut self, blocks: &Blocks<P>, slot: Slot) {
        let Some(payload) = blocks.get(slot) else { return };
        let key = K::key(payload);
        let same = |&other: &Slot| {
            other == slot || blocks.get(other).is_some_and(|payload| K::key(payload) == key)
        };
        let Ok(mut listed) = self.slots.find_entry(self.hasher.hash_one(key), same) else { return };
        let first = *listed.get();
        let mut crowd = if self.crowds.is_empty() { None } else { self.crowds.remove(&first) };
        let least = if first == slot {
            crowd.as_mut().and_then(BTreeSet::pop_first).map(|next| next.1)
        } else {
            let rank = || K::rank(payload, blocks.dot(slot));
            crowd.as_mut().map(|crowd| crowd.remove(&(rank(), slot)));
            Some(first)
        };
        match least {
            None => _ = listed.remove(),
            Some(least) => {
                *listed.get_mut() = least;
                if let Some(crowd) = crowd.filter(|crowd| !crowd.is_empty()) {
                    self.crowds.insert(least, crowd);
                }
            }
        }
    }
}
