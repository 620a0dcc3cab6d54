//! The open conflicts: where live writes contend and not all of them can be read.

use super::{
    path::{Token, Way},
    report::{Claim, Conflict, ConflictKind, Contender},
    view::{Reading, View, told_key},
};
use crate::{
    causal::Dot,
    document::state::{Content, NodeId, Place, Rank, Standing},
    replica::ReplicaId,
    time::Stamp,
    value::{Kind, Value},
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use core::cmp::Reverse;

/// One of the values that live at a node.
#[derive(Clone, Copy)]
enum Sort<'a> {
    Value(&'a Content),
    Count(i64),
    Object,
    List,
}

/// The items of a list that several sides moved apart: for each where it is read, and where the
/// others would have it.
#[derive(Default)]
pub(super) struct Moves(BTreeMap<NodeId, Vec<Contender>>);

impl Moves {
    /// The open conflict of moves at an item, if there is one.
    fn conflict(&self, item: NodeId, way: &Way<'_>) -> Option<Conflict> {
        let (winner, losers) = self.0.get(&item)?.split_first()?;
        let (kind, path) = (ConflictKind::Move, way.path());
        Some(Conflict { path, kind, winner: winner.clone(), losers: losers.into() })
    }
}

/// An item, where it is read, and where one side moved it.
struct Moved<'a> {
    item: NodeId,
    index: usize,
    rank: Rank,
    place: &'a Place,
}

impl<'a> View<'a> {
    /// Every open conflict at a node and below, sorted by path. O(what lives there).
    pub(crate) fn conflicts(self, node: NodeId) -> Vec<Conflict> {
        let mut open = Vec::new();
        if self.tree.has_content(node) {
            let way = Way::of(self.path(node));
            let parent = self.tree.parent(node);
            let parent_stands = parent.is_none_or(|it| self.stands_at(it));
            let moves = parent.filter(|_| self.is_moved_apart(node)).map(|it| self.moves_in(it));
            let above = (parent_stands, &moves.unwrap_or_default());
            self.conflicts_below(node, &way, above, &mut open);
        }
        open
    }

    /// Whether a node is there because somebody wrote it, and not only because something inside
    /// survived.
    fn stands(self, node: NodeId, standing: &Standing<'a>) -> bool {
        let is_marked = match self.reading(node) {
            Some(Reading::Object) => standing.object.is_some(),
            Some(Reading::List) => standing.list.is_some(),
            _ => true,
        };
        is_marked && !self.lacks_place(node)
    }

    pub(super) fn stands_at(self, node: NodeId) -> bool {
        self.stands(node, &self.standing(node))
    }

    /// Whether there is an open conflict at a node that a value can settle.
    pub(crate) fn is_contended(self, node: NodeId) -> bool {
        let parent_stands = self.tree.parent(node).is_none_or(|parent| self.stands_at(parent));
        let way = Way::root();
        self.conflict(node, &way, parent_stands).is_some()
            || self.keys_conflict(node, &way).is_some()
            || self.order_conflict(node, &way).is_some()
    }

    /// The open conflicts at a node; `moves` are those of the list that it is in.
    pub(super) fn conflicts_at(
        self,
        node: NodeId,
        way: &Way<'_>,
        (parent_stands, moves): (bool, &Moves),
        open: &mut Vec<Conflict>,
    ) {
        open.extend(self.conflict(node, way, parent_stands));
        open.extend(moves.conflict(node, way));
        open.extend(self.keys_conflict(node, way));
        open.extend(self.order_conflict(node, way));
    }

    /// The open conflict of values at a node, if there is one.
    pub(super) fn conflict(
        self,
        node: NodeId,
        way: &Way<'_>,
        parent_stands: bool,
    ) -> Option<Conflict> {
        let standing = self.standing(node);
        let orphaned = parent_stands && !self.stands(node, &standing);
        let values = || self.writes_at(node).filter(|(_, write)| write.content.is_value());
        let kinds = [
            standing.value.is_some() || standing.count.is_some(),
            standing.object.is_some() || self.has_fields(node),
            standing.list.is_some() || self.has_items(node),
        ];
        let kinds = kinds.iter().filter(|kind| **kind).count();
        let is_one = standing.is_bound() || values().nth(1).is_none();
        if !orphaned && kinds == 1 && is_one && !standing.counts_on_other() {
            return None;
        }
        let mut contenders = self.contenders(node, &standing).into_iter();
        let winner = contenders.next()?;
        let mut losers: Vec<Contender> = contenders.collect();
        let kind = if losers.iter().any(|loser| loser.claim.kind() != winner.claim.kind()) {
            ConflictKind::Type
        } else if !losers.is_empty() {
            ConflictKind::Value
        } else if orphaned {
            losers.push(Contender::DELETION);
            ConflictKind::Deletion
        } else {
            return None;
        };
        Some(Conflict { path: way.path(), kind, winner, losers })
    }

    pub(super) fn deletion_conflict(self, node: NodeId, way: &Way<'_>) -> Option<Conflict> {
        let winner = self.contenders(node, &self.standing(node)).into_iter().next()?;
        let losers = Vec::from([Contender::DELETION]);
        Some(Conflict { path: way.path(), kind: ConflictKind::Deletion, winner, losers })
    }

    /// The different values that live at a node, starting with the one that is read. A container is
    /// one value, and increments belong to the number that they count on.
    fn contenders(self, node: NodeId, standing: &Standing<'a>) -> Vec<Contender> {
        let read = standing.value.map(|it| it.0);
        let values = self.writes_at(node).filter(|(_, write)| write.content.is_value());
        let values = values.filter(|it| !standing.is_bound() || Some(it.0) == read);
        let values = values.map(|(rank, it)| (rank, Sort::Value(&it.content)));
        let mut ranked: Vec<(Rank, Sort<'a>)> = values.collect();
        if let Some((rank, number)) = standing.number() {
            // The number with its increments replaces the number alone.
            let start = standing.integer.map(|it| it.0);
            ranked.retain(|it| Some(it.0) != start);
            ranked.push((rank, Sort::Count(number)));
        }
        if standing.object.is_some() || self.has_fields(node) {
            ranked.extend(self.object_rank(node, standing).map(|it| (it, Sort::Object)));
        }
        if standing.list.is_some() || self.has_items(node) {
            ranked.extend(self.list_rank(node, standing).map(|it| (it, Sort::List)));
        }
        // What is read comes first, then what is later.
        let is_leaf = !matches!(self.reading(node), Some(Reading::Object | Reading::List));
        let is_read = |rank: Rank| is_leaf && standing.count.is_none() && Some(rank) == read;
        ranked.sort_by_key(|it| Reverse((is_read(it.0), it.0)));
        let mut told = BTreeSet::new();
        let is_first = |sort: &Sort<'_>| match *sort {
            Sort::Value(content) => told.insert(content.clone()),
            Sort::Count(number) => told.insert(Content::Number(number.into())),
            Sort::Object | Sort::List => true,
        };
        let mut is_first = is_first;
        ranked.retain(|it| is_first(&it.1));
        let claim = |(at, (rank, sort)): (usize, (Rank, Sort<'a>))| {
            let claim = self.claim(node, sort, at == 0)?;
            Some(Contender { claim, stamp: Some(rank.0) })
        };
        ranked.into_iter().enumerate().filter_map(claim).collect()
    }

    fn claim(self, node: NodeId, sort: Sort<'a>, is_read: bool) -> Option<Claim> {
        Some(match sort {
            Sort::Value(content) => Claim::Value(content.to_value()?),
            Sort::Count(number) => Claim::Value(number.into()),
            Sort::Object if is_read => Claim::Read(Kind::Object),
            Sort::List if is_read => Claim::Read(Kind::Array),
            Sort::Object => Claim::Value(self.object(node)),
            Sort::List => Claim::Value(self.list(node)),
        })
    }

    /// Whether several sides moved an item. Places that two imports gave it are no conflict: nobody
    /// moved it.
    pub(super) fn is_moved_apart(self, item: NodeId) -> bool {
        let mut movers =
            self.places(item).filter_map(|(_, _, write)| write.birth()).map(Dot::replica);
        movers.next().is_some_and(|first| movers.any(|other| other != first))
    }

    /// Where the items of a list stand that several sides moved apart, and where else they would.
    ///
    /// A side says of an item that it stands at an index: the one that it has if that side's moves
    /// alone count, and all other items stand where they are read. O(items + moves × log items).
    pub(super) fn moves_in(self, list: NodeId) -> Moves {
        let Some(items) = self.tree.list_at(list) else { return Moves::default() };
        let mut sides = BTreeMap::<ReplicaId, BTreeMap<NodeId, Moved<'a>>>::new();
        let mut told = BTreeMap::<NodeId, Vec<(Rank, usize)>>::new();
        for (index, item) in items.iter().enumerate() {
            for (_, rank, write) in self.places(item) {
                let (Some(birth), Content::Place(place)) = (write.birth(), &write.content) else {
                    continue;
                };
                let side = sides.entry(birth.replica()).or_default();
                let moved = side.entry(item).or_insert(Moved { item, index, rank, place });
                if moved.rank < rank {
                    *moved = Moved { item, index, rank, place };
                }
            }
            if self.is_moved_apart(item) {
                told.insert(item, Vec::new());
            }
        }
        if told.is_empty() {
            return Moves::default();
        }
        for side in sides.into_values() {
            let mut read: Vec<usize> = side.values().map(|moved| moved.index).collect();
            read.sort_unstable();
            let mut moved: Vec<Moved<'_>> = side.into_values().collect();
            moved.sort_unstable_by(|a, b| {
                let segment = |moved: &Moved<'_>| self.tree.segment(moved.item);
                a.place.cmp(b.place).then_with(|| segment(a).cmp(&segment(b)))
            });
            for (moved_before, Moved { item, rank, place, .. }) in moved.into_iter().enumerate() {
                let Some(claims) = told.get_mut(&item) else { continue };
                let before = items.count_before(|other| {
                    self.tree.compare_to_place(self.blocks, other, (place, item))
                });
                // Without those that this side moved: they stand where it says.
                let others = before - read.partition_point(|index| *index < before);
                claims.push((rank, others + moved_before));
            }
        }
        let contenders = |(item, mut claims): (NodeId, Vec<(Rank, usize)>)| {
            claims.sort_unstable_by_key(|claim| Reverse(claim.0));
            let (read, _) = self.tree.place(self.blocks, item)?;
            let index = self.tree.index_of(self.blocks, item)?;
            let winner = claims.first().filter(|first| first.0 == read)?.0;
            let losers = claims.iter().skip(1).filter(|claim| claim.1 != index);
            let losers = losers.map(|(rank, index)| Contender::of(*index as u64, *rank));
            let all: Vec<_> =
                [Contender::of(index as u64, winner)].into_iter().chain(losers).collect();
            (all.len() > 1).then_some((item, all))
        };
        Moves(told.into_iter().filter_map(contenders).collect())
    }

    /// The open conflict of keys at a list, if there is one.
    fn keys_conflict(self, node: NodeId, way: &Way<'_>) -> Option<Conflict> {
        if !self.keys_differ(node) || !matches!(self.reading(node), Some(Reading::List)) {
            return None;
        }
        let marks = self.list_marks(node).map(|(rank, form)| (rank, told_key(form)));
        let mut marks: Vec<(Rank, Option<&str>)> = marks.collect();
        marks.sort_unstable_by_key(|mark| Reverse(mark.0));
        let mut told = BTreeSet::new();
        marks.retain(|mark| told.insert(mark.1));
        let contender = |(rank, key): (Rank, Option<&str>)| {
            Contender::of(key.map_or(Value::Null, Value::from), rank)
        };
        let mut contenders = marks.into_iter().map(contender);
        let winner = contenders.next()?;
        let (kind, losers) = (ConflictKind::Keys, contenders.collect());
        Some(Conflict { path: way.path(), kind, winner, losers })
    }

    /// The open conflict of the order in which imports have the items of a list, if there is one.
    fn order_conflict(self, node: NodeId, way: &Way<'_>) -> Option<Conflict> {
        if !matches!(self.reading(node), Some(Reading::List)) {
            return None;
        }
        // For each import, those that are contradicted, in its order.
        let mut imports = BTreeMap::<Stamp, Vec<(&Place, usize)>>::new();
        for item in self.tree.contradicted(self.blocks, node) {
            let index = self.tree.index_of(self.blocks, item)?;
            for (_, _, write) in self.places(item).filter(|place| place.2.birth().is_none()) {
                if let Content::Place(place) = &write.content {
                    if let Some(import) = place.imported() {
                        imports.entry(import).or_default().push((place, index));
                    }
                }
            }
        }
        let (mut read, mut losers) = (None, Vec::new());
        for (import, mut items) in imports.into_iter().rev() {
            items.sort_unstable();
            if items.is_sorted_by_key(|item| item.1) {
                read = read.or(Some(import));
                continue;
            }
            let indexes = items.iter().map(|item| Value::from(item.1 as u64));
            let claim = Claim::Value(Value::Array(indexes.collect()));
            losers.push(Contender { claim, stamp: Some(import) });
        }
        let winner = Contender { claim: Claim::Read(Kind::Array), stamp: read };
        let (kind, path) = (ConflictKind::Order, way.path());
        (!losers.is_empty()).then_some(Conflict { path, kind, winner, losers })
    }

    fn conflicts_below(
        self,
        node: NodeId,
        way: &Way<'_>,
        above: (bool, &Moves),
        open: &mut Vec<Conflict>,
    ) {
        self.conflicts_at(node, way, above, open);
        let stands = self.stands_at(node);
        match self.reading(node) {
            Some(Reading::Object) => {
                for (name, field) in self.tree.sorted_fields(node) {
                    let way = way.below(Token::Name(name.clone()));
                    self.conflicts_below(field, &way, (stands, &Moves::default()), open);
                }
            }
            Some(Reading::List) => {
                let moves = self.moves_in(node);
                for (index, item) in self.tree.items(node).enumerate() {
                    let way = way.below(Token::Index(index));
                    self.conflicts_below(item, &way, (stands, &moves), open);
                }
            }
            _ => {}
        }
    }
}
