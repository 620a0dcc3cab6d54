//! What a script does, as plain data, and what must come of it.

use std::collections::{BTreeMap, BTreeSet};

/// What the content is kept in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Root {
    /// Fields alone.
    Fields,
    /// Fields, and a list whose items stay where they are.
    List,
    /// A list whose items are moved.
    Cards,
    /// A list that is saved as a whole. Its items have keys where the library knows such.
    Keyed,
    /// A map with a value for each key.
    Map,
    /// A set, or the map that stands for one.
    Set,
}

pub(super) enum Edit {
    /// Makes the root, where a library needs that. Done once, by the first replica.
    Begin,
    Insert {
        at: usize,
        item: u64,
    },
    Remove {
        at: usize,
    },
    Move {
        from: usize,
        to: usize,
    },
    /// Saves the list in this order. The moves that lead to it are for libraries that find none.
    Reorder {
        items: Vec<u64>,
        moves: Vec<(usize, usize)>,
    },
    Title(u64),
    Count,
    Put {
        key: u64,
        value: u64,
    },
    Delete(u64),
    Add(u64),
    Discard(u64),
}

/// What is read, of all that a script can write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) list: Vec<u64>,
    pub(super) title: u64,
    pub(super) count: u64,
    pub(super) map: BTreeMap<u64, u64>,
    pub(super) set: BTreeSet<u64>,
}

impl Content {
    pub(super) fn edit(&mut self, edit: &Edit) {
        match edit {
            Edit::Begin => {}
            Edit::Insert { at, item } => self.list.insert(*at, *item),
            Edit::Remove { at } => drop(self.list.remove(*at)),
            Edit::Move { from, to } => {
                let item = self.list.remove(*from);
                self.list.insert(*to, item);
            }
            Edit::Reorder { items, .. } => self.list.clone_from(items),
            Edit::Title(title) => self.title = *title,
            Edit::Count => self.count += 1,
            Edit::Put { key, value } => drop(self.map.insert(*key, *value)),
            Edit::Delete(key) => drop(self.map.remove(key)),
            Edit::Add(element) => drop(self.set.insert(*element)),
            Edit::Discard(element) => drop(self.set.remove(element)),
        }
    }
}

/// The fewest moves that bring `list` into the order `wanted`: the longest run that is in order
/// already stays, and each other item is moved behind the one that it follows.
pub(super) fn moves(list: &[u64], wanted: &[u64]) -> Vec<(usize, usize)> {
    let mut list = list.to_vec();
    let stays = longest_common(&list, wanted);
    let mut moves = Vec::new();
    let mut behind = 0;
    for item in wanted {
        let Some(from) = list.iter().position(|it| it == item) else { continue };
        if stays.contains(item) {
            behind = from + 1;
            continue;
        }
        let to = if from < behind { behind - 1 } else { behind };
        list.remove(from);
        list.insert(to, *item);
        moves.push((from, to));
        behind = to + 1;
    }
    moves
}

/// The items of the longest sequence that both lists hold in one order; no item is twice in a list.
fn longest_common(list: &[u64], wanted: &[u64]) -> Vec<u64> {
    let mut best: Vec<Vec<u64>> = Vec::new();
    let rank = |item: &u64| wanted.iter().position(|it| it == item);
    for item in list {
        let before = best.iter().filter(|run| run.last().and_then(rank) < rank(item));
        let mut run = before.max_by_key(|run| run.len()).cloned().unwrap_or_default();
        run.push(*item);
        best.push(run);
    }
    best.into_iter().max_by_key(Vec::len).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sets::element;

    #[test]
    fn moves_lead_to_the_order_that_is_wanted() {
        for round in 0..1_000 {
            let list: Vec<u64> = (0..9).collect();
            let mut wanted = list.clone();
            wanted.sort_by_key(|item| element(round * 9 + item));
            let (mut moved, moves) = (
                Content { list, ..Content::default() },
                moves(&(0..9).collect::<Vec<_>>(), &wanted),
            );
            for (from, to) in moves {
                moved.edit(&Edit::Move { from, to });
            }
            assert_eq!(moved.list, wanted);
        }
    }
}
