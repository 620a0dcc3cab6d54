//! [`Cache`]: the states that were read last, of all stores of a node, in bounded memory.

use std::{
    any::Any,
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// The name of a store, and a key in it.
pub(crate) type Key = (Arc<str>, Arc<str>);

/// The states that were read last. What was not used for longest goes first. O(log n) a call.
pub(crate) struct Cache {
    entries: HashMap<Key, Slot>,
    /// By when they were used.
    order: BTreeMap<u64, Key>,
    clock: u64,
    bytes: usize,
    limit: usize,
}

struct Slot {
    entry: Arc<dyn Any + Send + Sync>,
    bytes: usize,
    used: u64,
}

impl Cache {
    pub(crate) fn new(limit: usize) -> Self {
        Self { entries: HashMap::new(), order: BTreeMap::new(), clock: 0, bytes: 0, limit }
    }

    /// The entry of a key. Makes one if the key has none, or has one of another type.
    pub(crate) fn entry<E: Send + Sync + 'static>(
        &mut self,
        key: &Key,
        make: impl FnOnce() -> E,
    ) -> Arc<E> {
        self.clock += 1;
        if let Some(slot) = self.entries.get_mut(key)
            && let Ok(entry) = Arc::clone(&slot.entry).downcast()
        {
            self.order.remove(&slot.used);
            slot.used = self.clock;
            self.order.insert(self.clock, key.clone());
            return entry;
        }
        let entry = Arc::new(make());
        self.remove(key);
        let slot = Slot { entry: Arc::<E>::clone(&entry), bytes: 0, used: self.clock };
        self.entries.insert(key.clone(), slot);
        self.order.insert(self.clock, key.clone());
        entry
    }

    /// Takes note of how large an entry is, and lets others go if all are too large together.
    pub(crate) fn resize(&mut self, key: &Key, bytes: usize) {
        if let Some(slot) = self.entries.get_mut(key) {
            self.bytes = self.bytes - slot.bytes + bytes;
            slot.bytes = bytes;
        }
        while self.bytes > self.limit {
            let Some(oldest) = self.order.first_key_value().map(|(_, key)| key.clone()) else {
                return;
            };
            self.remove(&oldest);
        }
    }

    fn remove(&mut self, key: &Key) {
        if let Some(slot) = self.entries.remove(key) {
            self.order.remove(&slot.used);
            self.bytes -= slot.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Cache, Key};
    use std::sync::Arc;

    fn key(name: &str) -> Key {
        ("store".into(), name.into())
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first_and_the_limit_holds() {
        let mut cache = Cache::new(10);
        let mut entries = Vec::new();
        for name in ["a", "b", "c"] {
            entries.push(cache.entry(&key(name), || name.to_owned()));
            cache.resize(&key(name), 4);
            assert!(cache.bytes <= 10, "{} bytes", cache.bytes);
        }
        assert!(!cache.entries.contains_key(&key("a")));
        cache.entry(&key("b"), || "made anew".to_owned());
        cache.resize(&key("b"), 8);
        assert!(!cache.entries.contains_key(&key("c")) && cache.entries.contains_key(&key("b")));
        let again = cache.entry(&key("b"), || "made anew".to_owned());
        assert!(Arc::ptr_eq(&again, &entries[1]));
        assert_eq!((cache.bytes, cache.order.len()), (8, cache.entries.len()));
    }

    #[test]
    fn one_that_is_too_large_alone_is_let_go_and_another_type_takes_the_place() {
        let mut cache = Cache::new(10);
        cache.entry(&key("a"), || 1_u64);
        cache.resize(&key("a"), 11);
        assert_eq!((cache.bytes, cache.entries.len(), cache.order.len()), (0, 0, 0));
        cache.entry(&key("a"), || 1_u64);
        assert_eq!(*cache.entry(&key("a"), || "text"), "text");
        assert_eq!((cache.entries.len(), cache.order.len()), (1, 1));
    }
}
