//! [`Edit::update`]: the fewest writes that turn what is read into a given value.

use super::{
    Edit,
    identity::Inserted,
    input::{Input, Items, Shape, Source},
};
use crate::document::{
    error::DocumentError,
    read::{Reading, View, longest_ascending},
    state::{Content, ListForm, ListOrder, NodeId, Sought},
};
use alloc::{collections::BTreeMap, vec, vec::Vec};

/// What items are matched by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Token {
    Key(Content),
    Content(u64),
}

impl Edit<'_> {
    /// Makes it so: turns what this replica sees into `value` with the fewest writes, and none where
    /// nothing differs.
    ///
    /// Right for a service that alone holds the truth, such as an importer. Wrong for saving what a
    /// user has edited: what others wrote since it was read is undone, because `value` lacks it. For
    /// that there is [`update_from`](Self::update_from).
    ///
    /// Items of a list are matched by key, else by content; an item that stands elsewhere is moved.
    /// What matches none is not an edit of another item: it is removed, or inserted. If two sides
    /// update to one value, both have that value. O(size of both).
    ///
    /// # Errors
    ///
    /// [`DocumentError`] if the value nests too deep, is too large, or holds a number that no
    /// document can hold; the edit is as it was before this call.
    ///
    /// # Examples
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp, document::Value};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let title = |title: &str| Value::from_iter([("title", title), ("status", "active")]);
    /// let mut document = Document::from_value(title("Booking"), us, now)?;
    /// let mut edit = document.edit(us, now);
    /// edit.update(title("Booking Help"))?;
    /// let delta = edit.commit();
    /// assert_eq!(delta.write_count(), 1);
    /// assert!(document.update(title("Booking Help"), us, now)?.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn update<'v>(&mut self, value: impl Into<Input<'v>>) -> Result<&mut Self, DocumentError> {
        let input = value.into();
        input.check_depth("", 0)?;
        input.check_numbers(format_args!(""))?;
        self.all_or_nothing(|edit| {
            let root = edit.store.tree.root();
            edit.update_node(root, input.source())
        })
    }

    fn update_node(&mut self, node: NodeId, new: Source<'_>) -> Result<(), DocumentError> {
        if let Some(by) = self.counted_by(node, None, new) {
            return self.count_by(node, by);
        }
        match (self.view().reading(node), new.shape()) {
            (Some(Reading::Object), Shape::Object(fields)) if !self.is_to_be_atom(node) => {
                self.remove_fields_not_in(node, new)?;
                for (name, value) in fields {
                    self.update_field(node, name, value)?;
                }
                Ok(())
            }
            (Some(Reading::List), Shape::Array(items)) if !self.is_to_be_atom(node) => {
                self.update_list(node, items)
            }
            _ if self.reads_as(node, new) => Ok(()),
            _ => {
                self.settle_way_to(node)?;
                self.set_node(node, new)
            }
        }
    }

    /// Whether exactly this value is read at a node.
    pub(super) fn reads_as(&self, node: NodeId, value: Source<'_>) -> bool {
        let view = self.view();
        match (view.reading(node), value.shape()) {
            (Some(Reading::Scalar(old)), Shape::Scalar(new)) => new.is(old),
            (Some(Reading::Count(old)), Shape::Scalar(new)) => new.is(&Content::Number(old.into())),
            (Some(_), Shape::Scalar(_)) | (None, _) => false,
            (Some(_), _) => {
                let old = view.value(node);
                old.is_some_and(|old| value.is_same(Source::Value(&old)))
            }
        }
    }

    /// Whether a rule says that what is several values here is to be one.
    pub(super) fn is_to_be_atom(&self, node: NodeId) -> bool {
        self.rules.is_atomic(&self.store.tree, node)
    }

    /// By how much a save counts on the number at a node, where a rule says so: the difference to
    /// what was read, or else to what is there.
    pub(super) fn counted_by(
        &self,
        node: NodeId,
        read: Option<Source<'_>>,
        new: Source<'_>,
    ) -> Option<i64> {
        let view = self.view();
        let integer = |value: Source<'_>| Content::from(value.scalar()?).as_i64();
        let now = match view.reading(node)? {
            Reading::Count(count) => count,
            Reading::Scalar(content) => content.as_i64()?,
            _ => return None,
        };
        let new = integer(new)?;
        let before = read.map_or(Some(now), integer)?;
        // A save against what was read goes on with what is counted, rules or not.
        let goes_on = read.is_some() && matches!(view.reading(node), Some(Reading::Count(_)));
        let counts = goes_on || self.rules.is_counter(&self.store.tree, node);
        let by = new.checked_sub(before).filter(|_| counts)?;
        now.checked_add(by).map(|_| by)
    }

    pub(super) fn count_by(&mut self, node: NodeId, by: i64) -> Result<(), DocumentError> {
        if by == 0 {
            return Ok(());
        }
        self.settle_way_to(node)?;
        self.count_on(node, by).map(|_| ())
    }

    /// Settles what is open on the way to a node, because something is written there.
    pub(super) fn settle_way_to(&mut self, node: NodeId) -> Result<(), DocumentError> {
        let mut way: Vec<NodeId> = self.view().tree.ancestors(node).collect();
        way.reverse();
        way.into_iter().try_for_each(|node| self.settle(node))
    }

    fn remove_fields_not_in(&mut self, node: NodeId, new: Source<'_>) -> Result<(), DocumentError> {
        let fields = self.view().tree.sorted_fields(node);
        let gone = fields.into_iter().filter(|(name, _)| new.field(name).is_none());
        let gone: Vec<NodeId> = gone.map(|(_, field)| field).collect();
        gone.into_iter().try_for_each(|field| self.update_away(field))
    }

    pub(super) fn update_away(&mut self, node: NodeId) -> Result<(), DocumentError> {
        self.settle_way_to(node)?;
        self.remove_node(node)
    }

    fn update_field(
        &mut self,
        object: NodeId,
        name: &str,
        value: Source<'_>,
    ) -> Result<(), DocumentError> {
        let tree = &self.store.tree;
        if let Some(field) =
            tree.child(object, Sought::Field(name)).filter(|it| tree.has_content(*it))
        {
            return self.update_node(field, value);
        }
        let is_lost_key = |it: (&str, &Content)| {
            it.0 == name && value.scalar().is_some_and(|value| value.is(it.1))
        };
        if self.view().lost_key(object).is_some_and(is_lost_key) {
            return Ok(());
        }
        self.make_field(object, name, value)
    }

    /// Makes a field that is not there.
    pub(super) fn make_field(
        &mut self,
        object: NodeId,
        name: &str,
        value: Source<'_>,
    ) -> Result<(), DocumentError> {
        self.settle_way_to(object)?;
        self.settle(object)?;
        let spot = self.spot_below(self.spot(object), Sought::Field(name))?;
        self.set_node(spot.node, value)
    }

    /// Matches items by key, else by content. The longest run of matched items that is in order
    /// stays, and the rest moves.
    fn update_list(&mut self, list: NodeId, new: Items<'_>) -> Result<(), DocumentError> {
        let new: Vec<Source<'_>> = new.collect();
        let form = self.form_of(list);
        if form.is_set() {
            return self.update_set(list, &new);
        }
        let old: Vec<NodeId> = self.view().tree.items(list).collect();
        let matched = self.matched(&form, &old, &new);
        let mut kept = vec![false; old.len()];
        matched.iter().flatten().for_each(|at| kept[*at] = true);
        for (item, kept) in old.iter().zip(kept) {
            if !kept {
                self.update_away(*item)?;
            }
        }
        let is_placed = form.order == ListOrder::Place;
        let standing = longest_ascending(&matched);
        let mut left: Option<NodeId> = None;
        for ((value, matched), stands) in new.into_iter().zip(matched).zip(standing) {
            if let Some(item) = matched.map(|at| old[at]) {
                if is_placed && !stands {
                    self.move_behind(list, item, left)?;
                }
                self.update_node(item, value)?;
                left = Some(item);
            } else {
                left = Some(self.save_item(list, self.index_after(left), value)?);
            }
        }
        Ok(())
    }

    /// Inserts an item as a save does; returns it.
    pub(super) fn save_item(
        &mut self,
        list: NodeId,
        gap: usize,
        value: Source<'_>,
    ) -> Result<NodeId, DocumentError> {
        self.settle_way_to(list)?;
        self.settle(list)?;
        self.insert_item(list, gap, value, Inserted::BySave)
    }

    /// Moves an item to stand behind another; to the front for `None`.
    pub(super) fn move_behind(
        &mut self,
        list: NodeId,
        item: NodeId,
        left: Option<NodeId>,
    ) -> Result<(), DocumentError> {
        self.settle_way_to(item)?;
        self.move_to_gap(list, item, self.index_after(left))
    }

    /// The index after an item; the first index for `None`.
    pub(super) fn index_after(&self, left: Option<NodeId>) -> usize {
        let view = self.view();
        let index = left.and_then(|left| view.tree.index_of(view.blocks, left));
        index.map_or(0, |index| index + 1)
    }

    /// For each new item, the old one that it matches.
    fn matched(
        &mut self,
        form: &ListForm,
        old: &[NodeId],
        new: &[Source<'_>],
    ) -> Vec<Option<usize>> {
        let old = self.tokens_of_items(form, old);
        let new = self.tokens(form, new);
        matches(&old, &new)
    }

    pub(super) fn tokens_of_items(&mut self, form: &ListForm, items: &[NodeId]) -> Vec<Token> {
        items.iter().map(|item| self.token_of_item(*item, form.key.as_deref())).collect()
    }

    pub(super) fn tokens(&mut self, form: &ListForm, items: &[Source<'_>]) -> Vec<Token> {
        items.iter().map(|value| self.token_of(*value, form.key.as_deref())).collect()
    }

    fn token_of_item(&mut self, item: NodeId, key: Option<&str>) -> Token {
        let key = key.and_then(|key| self.view().key_at(item, key));
        key.map_or_else(|| Token::Content(self.digest_of_item(item)), Token::Key)
    }

    fn token_of(&mut self, value: Source<'_>, key: Option<&str>) -> Token {
        let scalar = key.and_then(|key| value.field(key)?.scalar());
        scalar.map_or_else(
            || Token::Content(self.digest_of_value(value)),
            |scalar| Token::Key(scalar.into()),
        )
    }
}

impl View<'_> {
    /// The scalar that is read at the key of an item.
    fn key_at(self, item: NodeId, key: &str) -> Option<Content> {
        if let Some(Reading::Atom(value)) = self.reading(item) {
            return Content::of_scalar(value.get(key)?);
        }
        let Some(Reading::Object) = self.reading(item) else { return None };
        let Some(field) = self.below(item, key) else {
            return self.lost_key(item).filter(|lost| lost.0 == key).map(|lost| lost.1.clone());
        };
        self.scalar_at(field)
    }

    pub(super) fn scalar_at(self, node: NodeId) -> Option<Content> {
        match self.reading(node)? {
            Reading::Scalar(content) => Some(content.clone()),
            Reading::Count(count) => Some(Content::Number(count.into())),
            Reading::Atom(_) | Reading::Object | Reading::List => None,
        }
    }
}

/// For each new item the index of the old one with the same token: among several the first that is
/// left.
pub(super) fn matches(old: &[Token], new: &[Token]) -> Vec<Option<usize>> {
    let mut free = BTreeMap::<&Token, Vec<usize>>::new();
    for (at, token) in old.iter().enumerate().rev() {
        free.entry(token).or_default().push(at);
    }
    new.iter().map(|token| free.get_mut(token)?.pop()).collect()
}
