//! The open conflicts: where live writes contend and not all of them can be read.

use super::{
    path::{Token, Way},
    report::{Claim, Conflict, ConflictKind, Contender},
    view::{Reading, View, told_key},
};
use crate::{
    causal::Dot,
    document::state::{Content, NodeId, Place, Rank, Standing},
    value::{Kind, Value},
};
use alloc::{collections::BTreeSet, vec::Vec};
use core::cmp::{Ordering, Reverse};

/// One of the values that live at a node.
#[derive(Clone, Copy)]
enum Sort<'a> {
    Value(&'a Content),
    Count(i64),
    Object,
    List,
}

impl<'a> View<'a> {
    /// Every open conflict at a node and below, sorted by path. O(what lives there).
    pub(crate) fn conflicts(self, node: NodeId) -> Vec<Conflict> {
        let mut open = Vec::new();
        if self.tree.has_content(node) {
            let way = Way::of(self.path(node));
            let parent_stands = self.tree.parent(node).is_none_or(|it| self.stands_at(it));
            self.conflicts_below(node, &way, parent_stands, &mut open);
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
    }

    /// The open conflicts at a node.
    pub(super) fn conflicts_at(
        self,
        node: NodeId,
        way: &Way<'_>,
        parent_stands: bool,
        open: &mut Vec<Conflict>,
    ) {
        open.extend(self.conflict(node, way, parent_stands));
        open.extend(self.move_conflict(node, way));
        open.extend(self.keys_conflict(node, way));
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

    /// The open conflict of moves at an item, if there is one. Places that two imports gave it are
    /// no conflict: nobody moved it.
    fn move_conflict(self, node: NodeId, way: &Way<'_>) -> Option<Conflict> {
        self.places(node).nth(1)?;
        let moves = self.places(node).filter_map(|(_, rank, write)| match &write.content {
            Content::Place(place) => Some((rank, write.birth()?, place)),
            _ => None,
        });
        let mut moves: Vec<(Rank, Dot, &Place)> = moves.collect();
        moves.sort_unstable_by_key(|it| Reverse(it.0));
        // If several sides have re-placed one move, only the place that is read.
        let mut told = BTreeSet::new();
        moves.retain(|it| told.insert(it.1));
        let (_, winner) = self.tree.place(self.blocks, node)?;
        let items = self.tree.list_at(self.tree.parent(node)?)?;
        let own = items.index_of(|other| self.tree.compare(self.blocks, other, node))?;
        let index = |place: &Place| {
            let at = items.count_before(|other| {
                let by_place = match self.tree.place(self.blocks, other) {
                    Some((_, other)) => other.cmp(place),
                    None => Ordering::Greater,
                };
                by_place.then_with(|| self.tree.segment(other).cmp(&self.tree.segment(node)))
            });
            at - usize::from(at > own)
        };
        let contender =
            |(rank, _, place): &(Rank, Dot, &Place)| Contender::of(index(place) as u64, *rank);
        let mut contenders = moves.iter().filter(|it| it.2 == winner).map(contender);
        let winner = (contenders.next()?, winner);
        let losers: Vec<Contender> =
            moves.iter().filter(|it| it.2 != winner.1).map(contender).collect();
        let (kind, winner) = (ConflictKind::Move, winner.0);
        (!losers.is_empty()).then(|| Conflict { path: way.path(), kind, winner, losers })
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

    fn conflicts_below(
        self,
        node: NodeId,
        way: &Way<'_>,
        parent_stands: bool,
        open: &mut Vec<Conflict>,
    ) {
        self.conflicts_at(node, way, parent_stands, open);
        let stands = self.stands_at(node);
        match self.reading(node) {
            Some(Reading::Object) => {
                for (name, field) in self.tree.sorted_fields(node) {
                    let way = way.below(Token::Name(name.clone()));
                    self.conflicts_below(field, &way, stands, open);
                }
            }
            Some(Reading::List) => {
                for (index, item) in self.tree.items(node).enumerate() {
                    self.conflicts_below(item, &way.below(Token::Index(index)), stands, open);
                }
            }
            _ => {}
        }
    }
}
