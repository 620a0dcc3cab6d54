//! Lists: what edits do to items, and where these stand.

use super::{
    Edit, Input,
    identity::Inserted,
    input::{Items, Shape, Source},
    put::{Inherited, Replaced, Spot},
};
use crate::{
    causal::Slot,
    document::{
        error::{DocumentError, Reason},
        read::{Reading, Slots, View},
        state::{
            Content, Inserter, Item, Lean, Levels, ListForm, ListOrder, NodeId, Origin, Place,
            Rank, Segment, Sought, Way, clock,
            room::{self, Side},
        },
    },
    time::Timestamp,
    value::{
        Value,
        pointer::{Pointer, index_of_token},
    },
};
use alloc::{boxed::Box, collections::BTreeMap, vec::Vec};
use core::ops::Range;

impl Edit<'_> {
    /// Inserts an item before the one at `pointer`, or at the end of the list, which is also called
    /// `-`.
    ///
    /// If two sides insert at one index, their items stand one after the other, and the run that
    /// each inserted stays whole. O(depth + log items + what is written).
    ///
    /// # Errors
    ///
    /// [`DocumentError`] if there is no list, or the index is past its end; the edit is as it was
    /// before this call.
    ///
    /// # Examples
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp, document::Value};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let mut document = Document::from_value(Value::from(vec!["b", "c"]), us, now)?;
    /// let mut edit = document.edit(us, now);
    /// edit.insert("/0", "a")?.insert("/-", "d")?;
    /// edit.commit();
    /// assert_eq!(document.to_string(), r#"["a","b","c","d"]"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn insert<'v>(
        &mut self,
        pointer: &str,
        value: impl Into<Input<'v>>,
    ) -> Result<&mut Self, DocumentError> {
        let input = value.into();
        let pointer = Pointer::parse(pointer)?;
        input.check_depth(pointer.as_str(), pointer.depth())?;
        input.check_numbers(format_args!("{}", pointer.as_str()))?;
        self.all_or_nothing(|edit| {
            let Some((list, token)) = pointer.split_last() else {
                return Err(DocumentError::at("", Reason::NotAList));
            };
            let list = edit.enter_list(list)?;
            let index = edit.index_at(list, &token)?;
            if index < edit.item_count(list) {
                edit.check_order(list)?;
            }
            edit.insert_item(list, index, input.source(), Inserted::Alone).map(drop)
        })
    }

    /// Appends an item to the list at `list`. O(depth + log items + what is written).
    ///
    /// # Errors
    ///
    /// [`DocumentError`] if there is no list; the edit is as it was before this call.
    ///
    /// # Examples
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp, document::Value};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let mut document = Document::from_value(Value::from_iter([("tags", vec!["travel"])]), us, now)?;
    /// let mut edit = document.edit(us, now);
    /// edit.push("/tags", "refund")?;
    /// edit.commit();
    /// assert_eq!(document.to_string(), r#"{"tags":["travel","refund"]}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn push<'v>(
        &mut self,
        list: &str,
        value: impl Into<Input<'v>>,
    ) -> Result<&mut Self, DocumentError> {
        let input = value.into();
        let pointer = Pointer::parse(list)?;
        input.check_depth(pointer.as_str(), pointer.depth() + 1)?;
        input.check_numbers(format_args!("{}/-", pointer.as_str()))?;
        self.all_or_nothing(|edit| {
            let list = edit.enter_list(pointer)?;
            let end = edit.item_count(list);
            edit.insert_item(list, end, input.source(), Inserted::Alone).map(drop)
        })
    }

    /// Moves the item at `pointer` within its list, so that it is the one at index `to`.
    ///
    /// A move is one write, whatever the item holds. An item that two sides move stands once, and
    /// edits of it meet in it. If several sides moved an item, moving it to where it already stands
    /// settles it there. O(depth + log items).
    ///
    /// # Errors
    ///
    /// [`DocumentError`] if no item is there, or `to` is past the end of the list; the edit is as
    /// it was before this call.
    ///
    /// # Examples
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp, document::Value};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let mut document = Document::from_value(Value::from(vec!["a", "b", "c"]), us, now)?;
    /// let mut edit = document.edit(us, now);
    /// edit.move_item("/0", 2)?;
    /// edit.commit();
    /// assert_eq!(document.to_string(), r#"["b","c","a"]"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn move_item(&mut self, pointer: &str, to: usize) -> Result<&mut Self, DocumentError> {
        let pointer = Pointer::parse(pointer)?;
        self.all_or_nothing(|edit| {
            let item = edit.enter(pointer)?;
            let view = edit.view();
            let from = view.tree.index_of(view.blocks, item);
            let (Some(list), Some(from)) = (view.tree.parent(item), from) else {
                let path = pointer.split_last().map_or("", |(list, _)| list.as_str());
                return Err(DocumentError::at(path, Reason::NotAList));
            };
            let len = edit.item_count(list);
            if to >= len {
                let path = edit.view().pointer(list);
                return Err(DocumentError::at(path, Reason::OutOfRange { index: to, len }));
            }
            edit.check_order(list)?;
            edit.settle(list)?;
            if from == to {
                return edit.settle_move(item);
            }
            edit.move_to_gap(list, item, if to > from { to + 1 } else { to })
        })
    }

    fn enter_list(&mut self, pointer: Pointer<'_>) -> Result<NodeId, DocumentError> {
        let list = self.enter(pointer)?;
        match self.view().reading(list) {
            Some(Reading::List) => self.settle(list).map(|()| list),
            _ => Err(DocumentError::at(pointer.as_str(), Reason::NotAList)),
        }
    }

    /// Refuses to put an item at an index of a list that is not ordered by place.
    fn check_order(&self, list: NodeId) -> Result<(), DocumentError> {
        let by = match self.form_of(list).order {
            ListOrder::Place => return Ok(()),
            ListOrder::Field(field) => Some((*field).into()),
            ListOrder::Value => None,
        };
        Err(DocumentError::at(self.view().pointer(list), Reason::Sorted(by)))
    }

    pub(super) fn item_count(&self, list: NodeId) -> usize {
        self.view().tree.item_count(list)
    }

    /// The index that a token means, up to the length of the list, which `-` stands for.
    pub(super) fn index_at(&self, list: NodeId, token: &str) -> Result<usize, DocumentError> {
        let (index, len) = (self.parse_index(list, token)?, self.item_count(list));
        if index <= len {
            return Ok(index);
        }
        Err(DocumentError::at(self.view().pointer(list), Reason::OutOfRange { index, len }))
    }

    /// The same, even past the end of the list.
    pub(super) fn parse_index(&self, list: NodeId, token: &str) -> Result<usize, DocumentError> {
        let index = if token == "-" { Some(self.item_count(list)) } else { index_of_token(token) };
        index.ok_or_else(|| {
            DocumentError::at(self.view().pointer(list), Reason::NotAnIndex(token.into()))
        })
    }

    /// Inserts an item into a settled list; returns it. The index counts where the list is ordered by
    /// place.
    pub(super) fn insert_item(
        &mut self,
        list: NodeId,
        index: usize,
        value: Source<'_>,
        inserted: Inserted,
    ) -> Result<NodeId, DocumentError> {
        let form = self.adopt_form(list, Some(value))?;
        if form.is_set() {
            return self.add_member(list, value);
        }
        let is_placed = form.order == ListOrder::Place;
        let place = if is_placed { Some(self.place_at(list, index, None)?) } else { None };
        let item = Segment::Item(self.identity(list, &form, value, inserted));
        let spot = self.spot_below(self.spot(list), Sought::Segment(&item))?;
        let time = self.now.after(None);
        let nothing = Replaced::default();
        self.holding(spot.node, |edit| edit.put_item(spot, place, value, time, &nothing))?;
        Ok(spot.node)
    }

    /// Puts an item that is not in the list. A place of it may be left over from a move that had
    /// not seen its deletion, and a removal may have hidden what others wrote.
    fn put_item(
        &mut self,
        spot: Spot,
        place: Option<Place>,
        value: Source<'_>,
        time: Timestamp,
        replaced: &Replaced,
    ) -> Result<(), DocumentError> {
        let stray: Slots = self.view().slots_below(spot.node);
        let time = time.max(self.now.after(self.kill(stray).time));
        if let Some(place) = place {
            // Nobody moved it, so it has no birth.
            self.put_born(spot.node, Content::Place(place), time, None)?;
        }
        self.put_value(spot, value, time, replaced, Inherited::default())
    }

    /// Writes a list anew as a whole, with another form.
    pub(super) fn rewrite_list(
        &mut self,
        list: NodeId,
        items: &Value,
        old: Slots,
        form: &ListForm,
    ) -> Result<(), DocumentError> {
        let is_own_place = |edit: &Self, slot: Slot| {
            let write = edit.store.kernel.blocks().get(slot);
            write.is_some_and(|it| it.is_place() && it.node == list)
        };
        let old: Slots = old.into_iter().filter(|slot| !is_own_place(self, *slot)).collect();
        self.holding(list, |edit| {
            let replaced = edit.kill(old);
            let time = edit.now.after(replaced.time);
            edit.put(list, Content::list(form.clone()), time, &replaced)?;
            let Shape::Array(items) = Source::Value(items).shape() else { return Ok(()) };
            edit.put_items(edit.spot(list), items, form, time, &replaced)
        })
    }

    /// Puts the items of an array that is written as a whole.
    pub(super) fn put_items(
        &mut self,
        list: Spot,
        items: Items<'_>,
        form: &ListForm,
        time: Timestamp,
        replaced: &Replaced,
    ) -> Result<(), DocumentError> {
        let mut repeats = BTreeMap::<Item, u32>::new();
        let first = Place::import(self.replica, time);
        for (index, value) in items.enumerate() {
            let kind = match form.key.as_deref().and_then(|key| value.field(key)?.scalar()) {
                _ if form.is_set() => {
                    self.check_member(list.node, value)?;
                    self.member(value)
                }
                Some(key) => Item::Keyed { key: key.into(), nth: 0 },
                None => Item::Like { content: self.digest_of_value(value), nth: 0 },
            };
            let is_known = self.has_item(list.node, &kind);
            if is_known && form.is_set() {
                continue;
            }
            let identity = if is_known {
                let nth = repeats.entry(kind.clone()).or_insert(0);
                *nth += 1;
                kind.nth(*nth)
            } else {
                kind
            };
            let spot = self.spot_below(list, Sought::Segment(&Segment::Item(identity)))?;
            let place = (form.order == ListOrder::Place).then(|| {
                let place = i64::try_from(index).ok().and_then(|index| first.at(index));
                place.unwrap_or_else(|| first.clone())
            });
            self.holding(spot.node, |edit| edit.put_item(spot, place, value, time, replaced))?;
        }
        Ok(())
    }

    /// A place before the item that is now at `index`; neighbours may be re-placed for it. `mover`
    /// is the item that will stand there, if it is in the list already.
    pub(super) fn place_at(
        &mut self,
        list: NodeId,
        index: usize,
        mover: Option<NodeId>,
    ) -> Result<Place, DocumentError> {
        let left = Beside::of(self.view(), list, index, mover, true).item(0);
        let stands_behind =
            |left| self.view().tree.stands(self.view().blocks, left)?.1.checked_sub(1);
        if index < self.item_count(list)
            || mover.is_some()
            || left.and_then(stands_behind).is_some()
        {
            self.pin(list, None)?;
        }
        self.settle_places_upto(list, left)?;
        let right = Beside::of(self.view(), list, index, mover, false).item(0);
        if left.is_some() && self.place_of(left) == self.place_of(right) {
            self.spread(list, index, mover)?;
        }
        self.make_room(list, index..index, mover)
    }

    /// A place between the items before a range of indexes and those after it, some of which may be
    /// re-placed.
    fn make_room(
        &mut self,
        list: NodeId,
        gap: Range<usize>,
        mover: Option<NodeId>,
    ) -> Result<Place, DocumentError> {
        let view = self.view();
        let left = Beside::of(view, list, gap.start, mover, true);
        let right = Beside::of(view, list, gap.end, mover, false);
        let who = self.inserter(Way::Within);
        let room = room::room(&left, &right, who, lean(&left, &right));
        let re_placed = left.with(room.left).chain(right.with(room.right));
        for (item, place) in re_placed.collect::<Vec<_>>() {
            self.re_place(item, place)?;
        }
        Ok(room.place)
    }

    fn inserter(&self, way: Way) -> Inserter {
        Inserter { replica: self.replica, clock: clock(self.now.time()), way }
    }

    /// Gives places of their own to the items of a list that stand where they do because of others,
    /// so that they stay there whatever becomes of those. Not to `leaving`, which is about to go.
    pub(super) fn pin(
        &mut self,
        list: NodeId,
        leaving: Option<NodeId>,
    ) -> Result<(), DocumentError> {
        let view = self.view();
        if !view.tree.is_woven(list) {
            return Ok(());
        }
        let woven = view.tree.woven(view.blocks, list);
        let items = view.tree.items(list).filter(|item| Some(*item) != leaving);
        let items: Vec<NodeId> = items.collect();
        let firm: Vec<NodeId> = items.iter().copied().filter(|it| !woven.contains(it)).collect();
        let (mut before, mut firm_before) = (Vec::with_capacity(items.len()), 0);
        for item in items {
            if woven.contains(&item) {
                let view = self.view();
                let left = Row { view, items: &before, is_left: true };
                let right = Row { view, items: &firm[firm_before..], is_left: false };
                let room = room::room(&left, &right, self.inserter(Way::Pinned), Lean::Left);
                let on_the_left = before.iter().rev().copied().zip(room.left);
                let on_the_right = firm[firm_before..].iter().copied().zip(room.right);
                for (item, place) in on_the_left.chain(on_the_right).collect::<Vec<_>>() {
                    self.re_place(item, place)?;
                }
                self.re_place(item, room.place)?;
            } else {
                firm_before += 1;
            }
            before.push(item);
        }
        Ok(())
    }

    fn place_of(&self, item: Option<NodeId>) -> Option<Place> {
        let view = self.view();
        view.tree.place(view.blocks, item?).map(|place| place.1.clone())
    }

    fn index_of(&self, item: NodeId) -> usize {
        let view = self.view();
        view.tree.index_of(view.blocks, item).unwrap_or_default()
    }

    /// Gives places to the items without one, which stand last, up to `end`.
    fn settle_places_upto(
        &mut self,
        list: NodeId,
        end: Option<NodeId>,
    ) -> Result<(), DocumentError> {
        let Some(end) = end.filter(|end| self.view().lacks_place(*end)) else {
            return Ok(());
        };
        self.pin(list, None)?;
        let back = Beside::of(self.view(), list, self.index_of(end) + 1, None, true);
        let mut without: Vec<NodeId> = (0..)
            .map_while(|distance| back.item(distance))
            .take_while(|item| self.place_of(Some(*item)).is_none())
            .collect();
        without.reverse();
        for item in without {
            let index = self.index_of(item);
            let place = self.make_room(list, index..index, None)?;
            // Nobody moved it, so it has no birth.
            self.put_born(item, Content::Place(place), self.now.after(None), None)?;
        }
        Ok(())
    }

    /// Spreads items that two sides imported at one place, with no room between them: those from
    /// `index` on get places of their own.
    fn spread(
        &mut self,
        list: NodeId,
        index: usize,
        mover: Option<NodeId>,
    ) -> Result<(), DocumentError> {
        let right = Beside::of(self.view(), list, index, mover, false);
        let first = self.place_of(right.item(0));
        let mut crowd: Vec<NodeId> = (0..)
            .map_while(|distance| right.item(distance))
            .take_while(|item| self.place_of(Some(*item)) == first)
            .collect();
        // From the last one, so that those before it stay before it.
        crowd.reverse();
        for item in crowd {
            let index = self.index_of(item);
            let place = self.make_room(list, index..index + 1, mover)?;
            self.re_place(item, place)?;
        }
        Ok(())
    }

    /// Moves an item to a place, replacing those that it has. The write is the birth of the move,
    /// which is handed on when the item is [re-placed](Self::re_place).
    pub(super) fn put_place(&mut self, item: NodeId, place: Place) -> Result<(), DocumentError> {
        let places: Vec<Slot> = self.view().places(item).map(|place| place.0).collect();
        let time = self.now.after(self.kill(places).time);
        let birth = Origin::of(Some(self.next_dot()), Box::default());
        self.put_born(item, Content::Place(place), time, birth)
    }

    /// Gives an item another place where it stands. The new place takes over the time and the birth
    /// of the one that is read: it is no move, and ranks no higher than what it replaces. So a
    /// concurrent move that had seen the old place is later.
    fn re_place(&mut self, item: NodeId, place: Place) -> Result<(), DocumentError> {
        let view = self.view();
        let Some((_, _, read)) = view.places(item).max_by_key(|place| place.1) else {
            return Ok(());
        };
        let (time, birth) = (read.time, read.birth());
        // The places of other moves stay, and their conflict stays open.
        let same = view.places(item).filter(|place| place.2.birth() == birth);
        let same: Vec<Slot> = same.map(|place| place.0).collect();
        self.kill(same);
        self.put_born(item, Content::Place(place), time, Origin::of(birth, Box::default()))
    }

    /// Gives an item without a place the one where it stands.
    pub(super) fn settle_place(&mut self, node: NodeId) -> Result<(), DocumentError> {
        let tree = &self.store.tree;
        match (tree.parent(node), tree.segment(node)) {
            (Some(list), Some(Segment::Item(_))) => self.settle_places_upto(list, Some(node)),
            _ => Ok(()),
        }
    }

    /// Settles an item that several sides moved at the place that is read.
    fn settle_move(&mut self, item: NodeId) -> Result<(), DocumentError> {
        let places = self.view().writes_at(item).filter(|(_, write)| write.is_place());
        if places.count() > 1 {
            if let Some(list) = self.view().tree.parent(item) {
                self.pin(list, None)?;
            }
            if let Some(place) = self.place_of(Some(item)) {
                return self.put_place(item, place);
            }
        }
        Ok(())
    }

    /// Moves an item before the one that is now at `gap`.
    pub(super) fn move_to_gap(
        &mut self,
        list: NodeId,
        item: NodeId,
        gap: usize,
    ) -> Result<(), DocumentError> {
        let place = self.place_at(list, gap, Some(item))?;
        self.put_place(item, place)
    }
}

/// The items on one side of a gap in a list, without the one that is about to move.
struct Beside<'a> {
    view: View<'a>,
    list: NodeId,
    index: usize,
    /// Where the mover stands.
    without: Option<usize>,
    is_left: bool,
}

impl<'a> Beside<'a> {
    fn of(
        view: View<'a>,
        list: NodeId,
        index: usize,
        mover: Option<NodeId>,
        is_left: bool,
    ) -> Self {
        let without = mover.and_then(|mover| view.tree.index_of(view.blocks, mover));
        Self { view, list, index, without, is_left }
    }

    fn item(&self, distance: usize) -> Option<NodeId> {
        let at = if self.is_left {
            let at = self.index.checked_sub(distance + 1)?;
            match self.without {
                Some(without) if (at..self.index).contains(&without) => at.checked_sub(1)?,
                _ => at,
            }
        } else {
            let at = self.index.checked_add(distance)?;
            match self.without {
                Some(without) if (self.index..=at).contains(&without) => at + 1,
                _ => at,
            }
        };
        self.view.tree.item(self.list, at)
    }

    /// The nearest items, each paired with one of `nearest`.
    fn with<T>(&self, nearest: Vec<T>) -> impl Iterator<Item = (NodeId, T)> + '_
    where
        T: 'a,
    {
        (0..).map_while(|distance| self.item(distance)).zip(nearest)
    }

    /// When the item at this distance was put where it is.
    fn rank(&self, distance: usize) -> Option<Rank> {
        Some(self.view.tree.place(self.view.blocks, self.item(distance)?)?.0)
    }
}

impl Side for Beside<'_> {
    fn at(&self, distance: usize) -> Option<Levels> {
        Some(self.view.tree.place(self.view.blocks, self.item(distance)?)?.1.levels())
    }
}

/// Items in a row beside a gap.
struct Row<'a> {
    view: View<'a>,
    items: &'a [NodeId],
    is_left: bool,
}

impl Side for Row<'_> {
    fn at(&self, distance: usize) -> Option<Levels> {
        let len = self.items.len();
        let at = if self.is_left { len.checked_sub(distance + 1)? } else { distance };
        Some(self.view.tree.place(self.view.blocks, *self.items.get(at)?)?.1.levels())
    }
}

/// The side of its gap that a new item keeps close to. A replica that always inserts beside the
/// last item is expected to go on there; one that inserts between the last two, between the next
/// two.
fn lean(left: &Beside<'_>, right: &Beside<'_>) -> Lean {
    let (is_left_newer, older, beyond) = if left.rank(0) > right.rank(0) {
        (true, right.rank(0), left.rank(1))
    } else {
        (false, left.rank(0), right.rank(1))
    };
    let goes_on_beside = beyond > older;
    if goes_on_beside == is_left_newer { Lean::Left } else { Lean::Right }
}

#[cfg(test)]
mod tests {
    use super::{Beside, Lean, lean};
    use crate::{
        ReplicaId, Timestamp,
        document::{Document, state::ROOT},
        value::Value,
    };
    use alloc::vec::Vec;

    /// A list into which items were inserted one after the other at these indexes.
    fn inserted(indexes: &[usize]) -> Document {
        let (us, mut document) = (ReplicaId::from_u128(1), Document::new());
        let made = document.set("", Value::Array(Vec::new()), us, Timestamp::from_millis(0));
        assert!(made.is_ok());
        for (step, index) in (1..).zip(indexes) {
            let pointer = alloc::format!("/{index}");
            let inserted = document.insert(&pointer, step, us, Timestamp::from_millis(step));
            assert!(inserted.is_ok());
        }
        document
    }

    #[test]
    fn what_stands_beside_a_gap_is_told_without_the_mover() {
        let document = inserted(&[0, 1, 2, 3, 4]);
        let view = document.store.view();
        let items: Vec<_> = view.tree.items(ROOT).collect();
        for gap in 0..=items.len() {
            for mover in items.iter().copied().map(Some).chain([None]) {
                // Nothing moves where it already stands.
                if mover.is_some_and(|mover| items[..gap].last() == Some(&mover)) {
                    continue;
                }
                let (before, behind) = items.split_at(gap);
                let stays = |item: &&_| Some(**item) != mover;
                for (is_left, expected) in [
                    (true, before.iter().rev().filter(stays).collect::<Vec<_>>()),
                    (false, behind.iter().filter(stays).collect()),
                ] {
                    let beside = Beside::of(view, ROOT, gap, mover, is_left);
                    let found: Vec<_> =
                        (0..6).map_while(|distance| beside.item(distance)).collect();
                    assert_eq!(found.iter().collect::<Vec<_>>(), expected, "at {gap}");
                }
            }
        }
    }

    /// A new item keeps close to the one typed before, in either direction; one inserted between
    /// the last two keeps close to the older of them.
    #[test]
    fn a_new_item_leaves_room_where_the_next_is_expected() {
        // The first two items are the ends.
        let cases = [
            (&[0, 1, 1, 2][..], 3, Lean::Left),
            (&[0, 1, 1, 1], 1, Lean::Right),
            (&[0, 1, 1, 2], 2, Lean::Left),
            (&[0, 1, 1, 1], 2, Lean::Right),
        ];
        for (indexes, gap, expected) in cases {
            let document = inserted(indexes);
            let view = document.store.view();
            let [left, right] =
                [true, false].map(|is_left| Beside::of(view, ROOT, gap, None, is_left));
            assert_eq!(lean(&left, &right), expected, "{indexes:?} at {gap}");
        }
    }
}
