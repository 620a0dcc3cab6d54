//! The order that imports agree on.
//!
//! An item that several sides imported has several places, and is read at the latest. So an item that
//! only an earlier import had may be read before others that stand before it there: of `[2, 3, 4]`, and
//! then `[1, 2, 3]`, the 4. Such an item stands right behind the last of those that come before it.
//!
//! What comes before what is said by the places that nobody moved an item to. In one import, by all
//! that stand in it, in their order. At the end of a list, by everything that has a place before it:
//! whoever appended there had seen that, or it was written earlier.
//!
//! Where imports contradict each other, their items stand by their own places, and all that is agreed
//! on beside that holds. It is a pure function of the live places of a list: a topological order that
//! takes the least place first, over the strongly connected components.

use super::place::{Place, Way};
use alloc::{collections::BinaryHeap, vec, vec::Vec};
use core::cmp::Reverse;
use smallvec::SmallVec;

/// One item of a list that nobody moved.
pub(super) struct Unmoved<'a> {
    /// Where it is read.
    pub(super) read: &'a Place,
    /// Whether it is pinned there: others may stand behind it, and it behind none.
    pub(super) is_pinned: bool,
    /// The places that say what it comes before and behind.
    pub(super) places: SmallVec<[&'a Place; 2]>,
}

/// What becomes of the items of a list, by their numbers.
#[derive(Default)]
pub(super) struct Agreed {
    /// Those that stand behind another: the item, the other, and the how manieth it is there.
    pub(super) behind: Vec<(usize, usize, u32)>,
    /// Those that no order can satisfy, if all that is said counts.
    pub(super) torn: Vec<usize>,
    /// Groups of those that imports alone contradict each other about.
    pub(super) contradicted: Vec<usize>,
}

/// The order of these items, which are sorted by where they are read. O(places × log places).
pub(super) fn agree(items: &[Unmoved<'_>]) -> Agreed {
    let mut said: Vec<(&Place, usize)> = Vec::new();
    if items.iter().all(|item| item.places.len() == usize::from(!item.is_pinned)) {
        return Agreed::default();
    }
    for (item, unmoved) in items.iter().enumerate() {
        said.extend(unmoved.places.iter().map(|place| (*place, item)));
    }
    said.sort_unstable();
    let is_pinned = |item: usize| items[item].is_pinned;
    let mut imports = Graph::new(items.len());
    imports.chain_imports(&said, is_pinned, |item| item);
    let contradicted = imports.components().shared(items.len());
    let mut all = imports.clone();
    all.put_ends_last(&said, |item| !is_pinned(item));
    let components = all.components();
    let torn = components.shared(items.len());
    let mut is_torn = vec![false; items.len()];
    for item in &torn {
        is_torn[*item] = true;
    }
    let mut kept = Graph::new(items.len());
    kept.chain_imports(&said, is_pinned, |item| components.of[item]);
    kept.put_ends_last(&said, |item| !is_torn[item] && !is_pinned(item));
    Agreed { behind: kept.behind(items.len()), torn, contradicted }
}

/// Whether two places begin in one import.
fn are_imported_together(a: &Place, b: &Place) -> bool {
    let (a, b) = (a.top(), b.top());
    a.way == Way::Import && a.is_beside(&b)
}

/// What comes before what: items first, then nodes that stand for many of them.
#[derive(Clone)]
struct Graph {
    len: usize,
    edges: Vec<(usize, usize)>,
}

/// For each node the number of its strongly connected component.
struct Components {
    of: Vec<usize>,
}

impl Graph {
    const fn new(items: usize) -> Self {
        Self { len: items, edges: Vec::new() }
    }

    fn edge(&mut self, from: usize, to: usize) {
        self.edges.push((from, to));
    }

    fn node(&mut self) -> usize {
        self.len += 1;
        self.len - 1
    }

    /// Items that were put at the end come after all that has a place before. Those that an import
    /// has at an earlier place do not count as put at the end.
    fn put_ends_last(&mut self, said: &[(&Place, usize)], counts: impl Fn(usize) -> bool) {
        let items = said.iter().map(|it| it.1 + 1).max().unwrap_or_default();
        let mut is_known = vec![false; items];
        let (mut new, mut gate) = (Vec::new(), None);
        for (place, item) in said {
            if core::mem::replace(&mut is_known[*item], true) {
                continue;
            }
            if place.top().way == Way::End && counts(*item) {
                if !new.is_empty() {
                    let next = self.node();
                    new.drain(..).chain(gate).for_each(|from| self.edge(from, next));
                    gate = Some(next);
                }
                self.edges.extend(gate.map(|gate| (gate, *item)));
            }
            new.push(*item);
        }
    }

    /// The items of each import in their order, except that those of one component are in none. One
    /// that is pinned only comes before others.
    fn chain_imports(
        &mut self,
        said: &[(&Place, usize)],
        is_pinned: impl Fn(usize) -> bool,
        component: impl Fn(usize) -> usize,
    ) {
        let (mut group, mut pinned, mut gate) = (Vec::new(), Vec::new(), None);
        let mut last: Option<&Place> = None;
        for (place, item) in said {
            if last.is_none_or(|last| !are_imported_together(last, place)) {
                group.clear();
                pinned.clear();
                gate = None;
            }
            last = Some(place);
            if is_pinned(*item) {
                pinned.push(*item);
                continue;
            }
            let first = group.first().copied();
            let ends = first.is_some_and(|first| component(first) != component(*item));
            if ends || !pinned.is_empty() {
                let next = self.node();
                if ends {
                    group.drain(..).for_each(|from| self.edge(from, next));
                } else {
                    self.edges.extend(gate.map(|gate| (gate, next)));
                }
                pinned.drain(..).for_each(|from| self.edge(from, next));
                gate = Some(next);
            }
            self.edges.extend(gate.map(|gate| (gate, *item)));
            group.push(*item);
        }
    }

    /// The edges of each node: where they begin, and where they lead.
    fn adjacent(&self, backwards: bool) -> (Vec<usize>, Vec<usize>) {
        let ends = |edge: &(usize, usize)| if backwards { (edge.1, edge.0) } else { *edge };
        let mut starts = vec![0; self.len + 1];
        self.edges.iter().for_each(|edge| starts[ends(edge).0 + 1] += 1);
        (0..self.len).for_each(|node| starts[node + 1] += starts[node]);
        let (mut free, mut targets) = (starts.clone(), vec![0; self.edges.len()]);
        for (from, to) in self.edges.iter().map(ends) {
            targets[free[from]] = to;
            free[from] += 1;
        }
        (starts, targets)
    }

    /// Kosaraju and Sharir: the nodes in the order in which a search leaves them, and from the last of
    /// them backwards along the edges.
    fn components(&self) -> Components {
        let (starts, targets) = self.adjacent(false);
        let (mut next, mut is_seen) = (starts.clone(), vec![false; self.len]);
        let (mut left, mut stack) = (Vec::new(), Vec::new());
        for root in 0..self.len {
            if core::mem::replace(&mut is_seen[root], true) {
                continue;
            }
            stack.push(root);
            while let Some(node) = stack.last().copied() {
                if next[node] == starts[node + 1] {
                    left.push(node);
                    stack.pop();
                    continue;
                }
                let to = targets[next[node]];
                next[node] += 1;
                if !core::mem::replace(&mut is_seen[to], true) {
                    stack.push(to);
                }
            }
        }
        let (starts, targets) = self.adjacent(true);
        let mut of = vec![usize::MAX; self.len];
        for root in left.into_iter().rev() {
            if of[root] != usize::MAX {
                continue;
            }
            of[root] = root;
            stack.push(root);
            while let Some(node) = stack.pop() {
                for to in &targets[starts[node]..starts[node + 1]] {
                    if of[*to] == usize::MAX {
                        of[*to] = root;
                        stack.push(*to);
                    }
                }
            }
        }
        Components { of }
    }

    /// Puts the items in order, the least that may come first; those that come later than where they
    /// are read stand behind the greatest before them. There is no circle.
    fn behind(&self, items: usize) -> Vec<(usize, usize, u32)> {
        let (starts, targets) = self.adjacent(false);
        let mut waits_for = vec![0_usize; self.len];
        self.edges.iter().for_each(|edge| waits_for[edge.1] += 1);
        let mut ready: BinaryHeap<Reverse<usize>> = BinaryHeap::new();
        let mut open: Vec<usize> = (0..self.len).filter(|node| waits_for[*node] == 0).collect();
        let (mut behind, mut greatest, mut passed) = (Vec::new(), None, 0);
        loop {
            while let Some(node) = open.pop() {
                if node < items {
                    ready.push(Reverse(node));
                    continue;
                }
                for to in &targets[starts[node]..starts[node + 1]] {
                    waits_for[*to] -= 1;
                    if waits_for[*to] == 0 {
                        open.push(*to);
                    }
                }
            }
            let Some(Reverse(item)) = ready.pop() else { return behind };
            if let Some(greatest) = greatest.filter(|greatest| *greatest > item) {
                passed += 1;
                behind.push((item, greatest, passed));
            } else {
                (greatest, passed) = (Some(item), 0);
            }
            for to in &targets[starts[item]..starts[item + 1]] {
                waits_for[*to] -= 1;
                if waits_for[*to] == 0 {
                    open.push(*to);
                }
            }
        }
    }
}

impl Components {
    /// The items that share a component with another item.
    fn shared(&self, items: usize) -> Vec<usize> {
        let mut sizes = vec![0_u32; self.of.len()];
        self.of[..items].iter().for_each(|component| sizes[*component] += 1);
        (0..items).filter(|item| sizes[self.of[*item]] > 1).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::place::Level, *};
    use crate::replica::ReplicaId;
    use smallvec::smallvec;

    fn place(number: i64, way: Way, index: i64) -> Place {
        Place::of(&[Level { number, way, index, ..Level::first(ReplicaId::from_u128(1)) }])
    }

    /// One import has what was put at the end before what was there already: neither counts, and both
    /// stand by their own places.
    #[test]
    fn what_an_import_and_the_end_of_a_list_contradict_is_torn() {
        let (there, at_the_end) = (place(10, Way::Import, 0), place(20, Way::End, 0));
        let [first, second] = [0, 1].map(|index| place(30, Way::Import, index));
        let items = [
            Unmoved { read: &first, is_pinned: false, places: smallvec![&at_the_end, &first] },
            Unmoved { read: &second, is_pinned: false, places: smallvec![&there, &second] },
        ];
        let agreed = agree(&items);
        assert_eq!((agreed.behind, agreed.torn, agreed.contradicted), (vec![], vec![0, 1], vec![]));
    }
}
