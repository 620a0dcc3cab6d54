//! [`Few`]: a sorted map that is small as long as it holds little.

use alloc::collections::{BTreeMap, btree_map};
use core::{borrow::Borrow, slice};
use smallvec::SmallVec;

/// So many entries lie in a row; more are a tree.
const MOST: usize = 8;

/// A sorted map. One entry takes its place in the map itself, up to eight lie in a row, and more are
/// a `BTreeMap`, so thousands, which a stranger may send, cost no more than there. A `BTreeMap` alone
/// would take eleven places for one entry, and most values in a map are that small.
#[derive(Clone)]
pub(super) enum Few<K, V> {
    Row(SmallVec<[(K, V); 1]>),
    Tree(BTreeMap<K, V>),
}

impl<K, V> Default for Few<K, V> {
    fn default() -> Self {
        Self::Row(SmallVec::new())
    }
}

impl<K: PartialEq, V: PartialEq> PartialEq for Few<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<K, V> Few<K, V> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Row(row) => row.len(),
            Self::Tree(tree) => tree.len(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The entries, ascending.
    pub(super) fn iter(&self) -> Iter<'_, K, V> {
        match self {
            Self::Row(row) => Iter::Row(row.iter()),
            Self::Tree(tree) => Iter::Tree(tree.iter()),
        }
    }

    /// The value of the greatest key.
    pub(super) fn last(&self) -> Option<(&K, &V)> {
        self.iter().next_back()
    }
}

impl<K: Ord, V> Few<K, V> {
    pub(super) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        match self {
            Self::Row(row) => row.get(find(row, key).ok()?).map(|entry| &entry.1),
            Self::Tree(tree) => tree.get(key),
        }
    }

    pub(super) fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        match self {
            Self::Row(row) => {
                let at = find(row, key).ok()?;
                row.get_mut(at).map(|entry| &mut entry.1)
            }
            Self::Tree(tree) => tree.get_mut(key),
        }
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        match self {
            Self::Row(row) => match find(row, &key) {
                Ok(at) => row[at].1 = value,
                Err(at) if row.len() < MOST => row.insert(at, (key, value)),
                Err(_) => {
                    let mut tree: BTreeMap<K, V> = core::mem::take(row).into_iter().collect();
                    tree.insert(key, value);
                    *self = Self::Tree(tree);
                }
            },
            Self::Tree(tree) => _ = tree.insert(key, value),
        }
    }

    pub(super) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
    {
        match self {
            Self::Row(row) => {
                if let Ok(at) = find(row, key) {
                    row.remove(at);
                }
            }
            Self::Tree(tree) => {
                tree.remove(key);
                if tree.is_empty() {
                    *self = Self::default();
                }
            }
        }
    }
}

fn find<K: Borrow<Q>, V, Q: Ord + ?Sized>(row: &[(K, V)], key: &Q) -> Result<usize, usize> {
    row.binary_search_by(|entry| entry.0.borrow().cmp(key))
}

pub(super) enum Iter<'a, K, V> {
    Row(slice::Iter<'a, (K, V)>),
    Tree(btree_map::Iter<'a, K, V>),
}

impl<K, V> Clone for Iter<'_, K, V> {
    fn clone(&self) -> Self {
        match self {
            Self::Row(row) => Self::Row(row.clone()),
            Self::Tree(tree) => Self::Tree(tree.clone()),
        }
    }
}

impl<'a, K, V> Iterator for Iter<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<(&'a K, &'a V)> {
        match self {
            Self::Row(row) => row.next().map(|(key, value)| (key, value)),
            Self::Tree(tree) => tree.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::Row(row) => row.size_hint(),
            Self::Tree(tree) => tree.size_hint(),
        }
    }
}

impl<K, V> DoubleEndedIterator for Iter<'_, K, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        match self {
            Self::Row(row) => row.next_back().map(|(key, value)| (key, value)),
            Self::Tree(tree) => tree.next_back(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Few, MOST};
    use alloc::{collections::BTreeMap, vec::Vec};

    /// Beside a `BTreeMap`, through both sizes, there and back.
    #[test]
    fn it_is_a_sorted_map() {
        let (mut few, mut model) = (Few::default(), BTreeMap::new());
        let mut state = 7_u64;
        for round in 0..2_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let key = state >> 33 & 31;
            if (state >> 40) % 20 < 10 + 5 * (round / 200 % 2) {
                few.insert(key, round);
                model.insert(key, round);
            } else {
                few.remove(&key);
                model.remove(&key);
            }
            assert!(few.iter().eq(model.iter()) && few.iter().rev().eq(model.iter().rev()));
            assert_eq!((few.len(), few.iter().size_hint().1), (model.len(), Some(model.len())));
            assert_eq!(few.get(&key), model.get(&key));
            assert_eq!(few.get_mut(&key), model.get_mut(&key));
            assert_eq!(few.last(), model.last_key_value());
            assert!(few.len() <= MOST || matches!(few, Few::Tree(_)));
        }
        let keys: Vec<u64> = model.into_keys().collect();
        for key in &keys {
            few.remove(key);
        }
        assert!(few.is_empty() && matches!(few, Few::Row(_)));
    }
}
