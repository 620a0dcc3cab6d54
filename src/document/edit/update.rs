//! [`Edit::update`]: the fewest writes that turn what is read into a given value.

use super::{
    Edit,
    input::{Input, Items, Shape, Source},
};
use crate::{
    document::{
        error::DocumentError,
        read::{Reading, longest_ascending},
        state::{Content, NodeId, Sought},
    },
    value::Kind,
};
use alloc::{collections::BTreeMap, vec, vec::Vec};
use core::ops::Range;

/// What items are matched by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Token {
    Key(Content),
    Content(u64),
}

impl Edit<'_> {
    /// Turns what this replica sees into `value` with the fewest writes, and none where nothing
    /// differs. For services that hold whole documents.
    ///
    /// Items of a list are matched by key, else by content; an item that stands elsewhere is moved.
    /// O(size of both).
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
        match (self.view().reading(node), new.shape()) {
            (Some(Reading::Scalar(old)), Shape::Scalar(new)) if new.is(old) => Ok(()),
            (Some(Reading::Count(old)), Shape::Scalar(new))
                if new.is(&Content::Number(old.into())) =>
            {
                Ok(())
            }
            (Some(Reading::Object), Shape::Object(fields)) => {
                self.remove_fields_not_in(node, new)?;
                for (name, value) in fields {
                    self.update_field(node, name, value)?;
                }
                Ok(())
            }
            (Some(Reading::List), Shape::Array(items)) => self.update_list(node, items),
            _ => {
                self.settle_way_to(node)?;
                self.set_node(node, new)
            }
        }
    }

    /// Settles what is open on the way to a node, because something is written there.
    fn settle_way_to(&mut self, node: NodeId) -> Result<(), DocumentError> {
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

    fn update_away(&mut self, node: NodeId) -> Result<(), DocumentError> {
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
        self.settle_way_to(object)?;
        self.settle(object)?;
        let spot = self.spot_below(self.spot(object), Sought::Field(name))?;
        self.set_node(spot.node, value)
    }

    /// Matches items by key, else by content; unmatched items between matched neighbours are taken
    /// as edited. The longest run of matched items that is in order stays, and the rest moves.
    fn update_list(&mut self, list: NodeId, new: Items<'_>) -> Result<(), DocumentError> {
        let old: Vec<NodeId> = self.view().tree.items(list).collect();
        let new: Vec<Source<'_>> = new.collect();
        let matched = self.matched(list, &old, &new);
        let mut kept = vec![false; old.len()];
        matched.iter().flatten().for_each(|at| kept[*at] = true);
        for (item, kept) in old.iter().zip(kept) {
            if !kept {
                self.update_away(*item)?;
            }
        }
        let standing = longest_ascending(&matched);
        let mut left: Option<NodeId> = None;
        for ((value, matched), stands) in new.into_iter().zip(matched).zip(standing) {
            if let Some(item) = matched.map(|at| old[at]) {
                if !stands {
                    self.settle_way_to(item)?;
                    self.move_to_gap(list, item, self.index_after(left))?;
                }
                self.update_node(item, value)?;
                left = Some(item);
            } else {
                self.settle_way_to(list)?;
                self.settle(list)?;
                let gap = self.index_after(left);
                self.insert_item(list, gap, value)?;
                left = self.view().tree.item(list, gap);
            }
        }
        Ok(())
    }

    /// The index after an item; the first index for `None`.
    fn index_after(&self, left: Option<NodeId>) -> usize {
        let view = self.view();
        let index = left.and_then(|left| view.tree.index_of(view.blocks, left));
        index.map_or(0, |index| index + 1)
    }

    /// For each new item, the old one that it matches.
    fn matched(&mut self, list: NodeId, old: &[NodeId], new: &[Source<'_>]) -> Vec<Option<usize>> {
        let key = self.key_of(list);
        let old_tokens: Vec<Token> =
            old.iter().map(|item| self.token_of_item(*item, key.as_deref())).collect();
        let new_tokens: Vec<Token> =
            new.iter().map(|value| self.token_of(*value, key.as_deref())).collect();
        let mut free = BTreeMap::<&Token, Vec<usize>>::new();
        for (at, token) in old_tokens.iter().enumerate().rev() {
            free.entry(token).or_default().push(at);
        }
        let mut matched: Vec<Option<usize>> =
            new_tokens.iter().map(|token| free.get_mut(token)?.pop()).collect();

        let is_keyless = |token: &Token| matches!(token, Token::Content(_));
        let mut is_free: Vec<bool> = old_tokens.iter().map(is_keyless).collect();
        matched.iter().flatten().for_each(|at| is_free[*at] = false);
        let kind_at = |at: usize| self.view().reading(old[at]).map(Reading::kind);
        for (gap_in_new, gap_in_old) in gaps(&matched, old.len()) {
            let mut candidates = gap_in_old.filter(|at| is_free[*at]).peekable();
            for at in gap_in_new {
                if matched[at].is_none() && is_keyless(&new_tokens[at]) {
                    matched[at] = candidates.next_if(|old| kind_at(*old) == Some(kind_of(new[at])));
                }
            }
        }
        matched
    }

    fn token_of_item(&mut self, item: NodeId, key: Option<&str>) -> Token {
        let view = self.view();
        let key = key.filter(|_| matches!(view.reading(item), Some(Reading::Object)));
        let scalar = key.and_then(|key| match view.reading(view.below(item, key)?)? {
            Reading::Scalar(content) => Some(content.clone()),
            Reading::Count(count) => Some(Content::Number(count.into())),
            Reading::Object | Reading::List => None,
        });
        scalar.map_or_else(|| Token::Content(self.digest_of_item(item)), Token::Key)
    }

    fn token_of(&mut self, value: Source<'_>, key: Option<&str>) -> Token {
        let scalar = key.and_then(|key| value.field(key)?.scalar());
        scalar.map_or_else(
            || Token::Content(self.digest_of_value(value)),
            |scalar| Token::Key(scalar.into()),
        )
    }
}

fn kind_of(value: Source<'_>) -> Kind {
    match value.shape() {
        Shape::Scalar(_) => Kind::Scalar,
        Shape::Array(_) => Kind::Array,
        Shape::Object(_) => Kind::Object,
    }
}

/// The ranges of new and of old items between the matched items that stay.
fn gaps(matched: &[Option<usize>], old_len: usize) -> Vec<(Range<usize>, Range<usize>)> {
    let standing = longest_ascending(matched);
    let stands =
        |(at, old): (usize, &Option<usize>)| old.filter(|_| standing[at]).map(|it| (at, it));
    let anchors = matched.iter().enumerate().filter_map(stands);
    let (mut gaps, mut new_from, mut old_from) = (Vec::new(), 0, 0);
    for (new, old) in anchors.chain([(matched.len(), old_len)]) {
        gaps.push((new_from..new, old_from..old));
        (new_from, old_from) = (new + 1, old + 1);
    }
    gaps
}
