//! The order that imports agree on, pair by pair.

use super::told::{Place, Way, way_of};

/// An item: where it is read, and all places that nobody moved it to, or pinned it at. `None` if
/// somebody moved it to where it is read.
pub(super) type Unmoved<'a> = Option<(&'a Place, Vec<&'a Place>)>;

/// Whether an item may be moved about: nobody has said where it is to stand.
pub(super) fn is_free(place: &Place) -> bool {
    way_of(place).2 != Way::Pinned
}

/// For each item where it stands: at a place, or behind it, as the how manieth. They are sorted by
/// where they are read.
pub(super) fn standing<'a>(items: &[Unmoved<'a>]) -> Vec<Option<(&'a Place, usize)>> {
    let len = items.len();
    let places = |item: usize| items[item].iter().flat_map(|it| &it.1).map(move |it| (*it, item));
    // What is pinned stands behind none.
    let is_pair = |a: usize, b: usize| {
        a != b && items[a].is_some() && items[b].as_ref().is_some_and(|it| is_free(it.0))
    };
    // In one import one is before the other.
    let imported = |a: usize, b: usize| {
        let is_before = |p: (&Place, usize), q: (&Place, usize)| {
            let (first, second) = (way_of(p.0), way_of(q.0));
            first.1 == Way::Import && first.0 == second.0 && p < q
        };
        is_pair(a, b) && places(a).any(|p| places(b).any(|q| is_before(p, q)))
    };
    // One was put at the end when the other was there, or is older.
    let put_last = |a: usize, b: usize| {
        let first = |item| places(item).min();
        let is_end = |it: (&Place, usize)| way_of(it.0).1 == Way::End;
        let is_before = |b| first(a).is_some_and(|a| a < b);
        is_pair(a, b) && first(b).is_some_and(|b| is_end(b) && is_before(b))
    };
    let pairs = |holds: &dyn Fn(usize, usize) -> bool| -> Vec<Vec<bool>> {
        (0..len).map(|a| (0..len).map(|b| holds(a, b)).collect()).collect()
    };
    let mut reaches = pairs(&|a, b| imported(a, b) || put_last(a, b));
    for by in 0..len {
        for a in 0..len {
            for b in 0..len {
                reaches[a][b] |= reaches[a][by] && reaches[by][b];
            }
        }
    }
    let tied = pairs(&|a, b| a != b && reaches[a][b] && reaches[b][a]);
    let is_torn = |b: usize| tied[b].contains(&true);
    let before = pairs(&|a, b| (imported(a, b) && !tied[a][b]) || (put_last(a, b) && !is_torn(b)));
    let mut left: Vec<usize> = (0..len).filter(|item| items[*item].is_some()).collect();
    let (mut found, mut last, mut passed) = (vec![None; len], 0, 0);
    while !left.is_empty() {
        let may_come = |item: &usize| !left.iter().any(|other| before[*other][*item]);
        let next = left.iter().position(may_come).expect("no circle is left");
        let item = left.remove(next);
        if item >= last {
            (last, passed) = (item, 0);
        } else {
            passed += 1;
        }
        found[item] = items[last].as_ref().map(|it| (it.0, passed));
    }
    found
}
