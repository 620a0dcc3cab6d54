//! [`Edit::update_from`]: a save of what was read and then changed, which undoes nothing that others
//! wrote meanwhile.

use super::{
    Edit,
    input::{Input, Shape, Source},
    update::{Token, matches},
};
use crate::{
    document::{
        error::DocumentError,
        read::{Path, Reading, longest_ascending},
        state::{Content, ListOrder, NodeId, Sought},
    },
    value::Value,
};
use alloc::{collections::BTreeMap, vec, vec::Vec};

/// Something that changed between a read and a save, and that the save changed too: it was written
/// all the same. [`Edit::update_from`] tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Overwritten {
    /// Where it is now; for an item that the save removed, where it was.
    pub path: Path,
    /// What stood there when it was read; `None` for nothing.
    pub read: Option<Value>,
    /// What stood there before the save; `None` for nothing.
    pub stood: Option<Value>,
    /// What the save wrote; `None` if it removed what stood.
    pub written: Option<Value>,
}

/// What is compared with where something was added.
static NO_FIELDS: Value = Value::Object(BTreeMap::new());
static NO_ITEMS: Value = Value::Array(Vec::new());

impl Edit<'_> {
    /// Saves `new` where `read` was shown: writes the difference between the two and nothing else,
    /// by identity, into the document as it is now.
    ///
    /// What others wrote since stays, unless the same field was changed on both sides. Then the new
    /// value is written, and returned as [`Overwritten`]: a service may refuse by dropping the edit,
    /// or commit it. `read` is the JSON that the caller was shown; that a document held nothing is
    /// `null`. Anything that implements `Serialize` will do, through [`Input::serialize`].
    ///
    /// Items are matched as [`update`](Self::update) does; one that another side deleted and this one
    /// changed is inserted again, whole. A number that is counted on, or that a rule calls a
    /// [`counter`](crate::document::Rules::counter), is counted on by the difference. O(size of
    /// both, and of the lists in which something differs).
    ///
    /// # Errors
    ///
    /// As [`update`](Self::update).
    ///
    /// # Examples
    ///
    /// ```
    /// use rejoin::{Document, Timestamp, document::Value};
    ///
    /// let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// let now = Timestamp::from_millis(1);
    /// let ticket = |assignee: &str, status: &str| {
    ///     Value::from_iter([("assignee", assignee), ("status", status)])
    /// };
    /// let mut document = Document::from_value(ticket("ana", "open"), us, now)?;
    /// let read = document.to_value();
    /// document.set("/assignee", "bo", eu, now)?;
    ///
    /// // The user, who still sees ana, closes the ticket.
    /// let mut edit = document.edit(us, now);
    /// let overwritten = edit.update_from(&read, ticket("ana", "closed"))?;
    /// assert!(overwritten.is_empty());
    /// edit.commit();
    /// assert_eq!(document.to_string(), r#"{"assignee":"bo","status":"closed"}"#);
    ///
    /// // Another user, who still sees ana too, gives it to cleo.
    /// let mut edit = document.edit(us, now);
    /// let overwritten = edit.update_from(&read, ticket("cleo", "open"))?;
    /// assert_eq!(overwritten[0].path, "/assignee");
    /// assert_eq!(overwritten[0].stood, Some("bo".into()));
    /// drop(edit);                                             // 409
    /// assert_eq!(document.get("/assignee"), Some("bo".into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn update_from<'r, 'n>(
        &mut self,
        read: impl Into<Input<'r>>,
        new: impl Into<Input<'n>>,
    ) -> Result<Vec<Overwritten>, DocumentError> {
        let (read, new) = (read.into(), new.into());
        for input in [&read, &new] {
            input.check_depth("", 0)?;
            input.check_numbers(format_args!(""))?;
        }
        let mut told = Vec::new();
        self.all_or_nothing(|edit| {
            let root = edit.store.tree.root();
            let (read, new) = (read.source(), new.source());
            let read = Some(read).filter(|read| !is_null(*read));
            edit.save_at(root, read, new, &mut told)
        })?;
        Ok(told)
    }

    /// Saves a value at a node: something is read there, or it is the root. `read` is `None` if
    /// nothing was.
    fn save_at(
        &mut self,
        node: NodeId,
        read: Option<Source<'_>>,
        new: Source<'_>,
        told: &mut Vec<Overwritten>,
    ) -> Result<(), DocumentError> {
        if let Some(by) = read.and_then(|read| self.counted_by(node, Some(read), new)) {
            return self.count_by(node, by);
        }
        let is_whole = self.is_to_be_atom(node);
        let now = self.view().reading(node).filter(|_| !is_whole);
        let was = read.map(Source::shape);
        match (was, new.shape(), now) {
            (Some(Shape::Object(_)) | None, Shape::Object(_), Some(Reading::Object)) => {
                self.save_fields(node, read.unwrap_or(Source::Value(&NO_FIELDS)), new, told)
            }
            (Some(Shape::Array(_)) | None, Shape::Array(_), Some(Reading::List)) => {
                self.save_items(node, read.unwrap_or(Source::Value(&NO_ITEMS)), new, told)
            }
            _ => self.save_whole(node, read, new, told),
        }
    }

    fn save_whole(
        &mut self,
        node: NodeId,
        read: Option<Source<'_>>,
        new: Source<'_>,
        told: &mut Vec<Overwritten>,
    ) -> Result<(), DocumentError> {
        let is_unchanged = read.is_some_and(|read| read.is_same(new));
        if is_unchanged || self.reads_as(node, new) || self.is_kept(node, new) {
            return Ok(());
        }
        let stood = self.view().value(node);
        let is_as_read = match (read, &stood) {
            (Some(read), Some(stood)) => read.is_same(Source::Value(stood)),
            (read, stood) => read.is_none() && stood.is_none(),
        };
        self.settle_way_to(node)?;
        self.set_node(node, new)?;
        if !is_as_read {
            let path = self.view().path(node);
            told.push(Overwritten::new(path, read, stood, Some(new)));
        }
        Ok(())
    }

    fn save_fields(
        &mut self,
        object: NodeId,
        read: Source<'_>,
        new: Source<'_>,
        told: &mut Vec<Overwritten>,
    ) -> Result<(), DocumentError> {
        if let Shape::Object(fields) = read.shape() {
            for (name, was) in fields {
                let field = self.field_of(object, name);
                match (new.field(name), field) {
                    (Some(new), Some(field)) => self.save_at(field, Some(was), new, told)?,
                    (None, Some(field)) => self.save_removal(field, was, told)?,
                    (Some(new), None) if !was.is_same(new) => {
                        self.save_missing_field((object, name), was, new, told)?;
                    }
                    _ => {}
                }
            }
        }
        if let Shape::Object(fields) = new.shape() {
            for (name, new) in fields.filter(|field| read.field(field.0).is_none()) {
                match self.field_of(object, name) {
                    Some(field) => self.save_at(field, None, new, told)?,
                    None => self.make_field(object, name, new)?,
                }
            }
        }
        Ok(())
    }

    fn field_of(&self, object: NodeId, name: &str) -> Option<NodeId> {
        let tree = &self.store.tree;
        tree.child(object, Sought::Field(name)).filter(|field| tree.has_content(*field))
    }

    /// Saves a field that the caller had read and changed, and that is not there. It may be read all
    /// the same: as the key of an item that outlived its deletion.
    fn save_missing_field(
        &mut self,
        (object, name): (NodeId, &str),
        read: Source<'_>,
        new: Source<'_>,
        told: &mut Vec<Overwritten>,
    ) -> Result<(), DocumentError> {
        let key = self.view().lost_key(object).filter(|lost| lost.0 == name);
        let stood = key.and_then(|lost| lost.1.to_value());
        let is_there =
            |it: Source<'_>| stood.as_ref().is_some_and(|key| it.is_same(Source::Value(key)));
        if is_there(new) {
            return Ok(());
        }
        self.make_field(object, name, new)?;
        if !is_there(read) {
            let path = self.view().path(self.field_of(object, name).unwrap_or(object));
            told.push(Overwritten::new(path, Some(read), stood, Some(new)));
        }
        Ok(())
    }

    /// Removes what the caller had read and removed.
    fn save_removal(
        &mut self,
        node: NodeId,
        read: Source<'_>,
        told: &mut Vec<Overwritten>,
    ) -> Result<(), DocumentError> {
        if !self.reads_as(node, read) {
            let (path, stood) = (self.view().path(node), self.view().value(node));
            told.push(Overwritten::new(path, Some(read), stood, None));
        }
        self.update_away(node)
    }

    fn save_items(
        &mut self,
        list: NodeId,
        read: Source<'_>,
        new: Source<'_>,
        told: &mut Vec<Overwritten>,
    ) -> Result<(), DocumentError> {
        let (Shape::Array(was), Shape::Array(is)) = (read.shape(), new.shape()) else {
            return Ok(());
        };
        let (was, is): (Vec<Source<'_>>, Vec<Source<'_>>) = (was.collect(), is.collect());
        let form = self.form_of(list);
        if form.is_set() {
            return self.save_set(list, &was, &is);
        }
        let now: Vec<NodeId> = self.view().tree.items(list).collect();
        let tokens = self.tokens_of_items(&form, &now);
        let (was_tokens, is_tokens) = (self.tokens(&form, &was), self.tokens(&form, &is));
        let from = matches(&was_tokens, &is_tokens);
        let standing = Standing::find(&tokens, &was_tokens, &is_tokens, &from, &now);
        self.save_items_away(&standing.of_read, &from, &was, told)?;
        let is_placed = form.order == ListOrder::Place;
        let stays = longest_ascending(&from);
        let last_known = standing.of_new.iter().rposition(Option::is_some);
        let mut left: Option<NodeId> = None;
        for (at, new) in is.into_iter().enumerate() {
            let read = from[at].map(|at| was[at]);
            left = if let Some(item) = standing.of_new[at] {
                if is_placed && read.is_some() && !stays[at] {
                    self.move_behind(list, item, left)?;
                }
                self.save_at(item, read, new, told)?;
                Some(item)
            } else {
                // What follows everything that is known was appended.
                let is_behind = last_known < Some(at);
                let gap = if is_behind { self.item_count(list) } else { self.index_after(left) };
                self.save_missing(list, gap, read, new, told)?.or(left)
            };
        }
        Ok(())
    }

    /// Removes the items that were read and are not saved.
    fn save_items_away(
        &mut self,
        of_read: &[Option<NodeId>],
        from: &[Option<usize>],
        was: &[Source<'_>],
        told: &mut Vec<Overwritten>,
    ) -> Result<(), DocumentError> {
        let mut is_kept = vec![false; was.len()];
        from.iter().flatten().for_each(|at| is_kept[*at] = true);
        for (at, item) in of_read.iter().enumerate() {
            if let Some(item) = item.filter(|_| !is_kept[at]) {
                self.save_removal(item, was[at], told)?;
            }
        }
        Ok(())
    }

    /// Saves an item that is not in the list: a new one, or one that the caller changed while others
    /// removed it, which is reported. One that the caller did not change stays removed.
    fn save_missing(
        &mut self,
        list: NodeId,
        gap: usize,
        read: Option<Source<'_>>,
        new: Source<'_>,
        told: &mut Vec<Overwritten>,
    ) -> Result<Option<NodeId>, DocumentError> {
        if read.is_some_and(|read| read.is_same(new)) {
            return Ok(None);
        }
        let item = self.save_item(list, gap, new)?;
        if read.is_some() {
            told.push(Overwritten::new(self.view().path(item), read, None, Some(new)));
        }
        Ok(Some(item))
    }
}

/// Which items of a list are those that were read, and those that are saved.
struct Standing {
    of_read: Vec<Option<NodeId>>,
    of_new: Vec<Option<NodeId>>,
}

impl Standing {
    /// `from` tells which item that was read each new one is.
    fn find(
        now_tokens: &[Token],
        was: &[Token],
        is: &[Token],
        from: &[Option<usize>],
        now: &[NodeId],
    ) -> Self {
        let at_read = matches(now_tokens, was);
        let mut is_free: Vec<bool> = now_tokens.iter().map(|_| true).collect();
        at_read.iter().flatten().for_each(|at| is_free[*at] = false);
        // Others may have added what this save adds.
        let mut free = BTreeMap::<&Token, Vec<usize>>::new();
        for (at, token) in now_tokens.iter().enumerate().rev().filter(|it| is_free[it.0]) {
            free.entry(token).or_default().push(at);
        }
        let mut added = |token: &Token| free.get_mut(token)?.pop();
        let of_new = is.iter().zip(from).map(|(token, from)| match from {
            Some(read) => at_read[*read],
            None => added(token),
        });
        let of_new = of_new.map(|at| at.map(|at| now[at])).collect();
        Self { of_read: at_read.into_iter().map(|at| at.map(|at| now[at])).collect(), of_new }
    }
}

impl Overwritten {
    fn new(
        path: Path,
        read: Option<Source<'_>>,
        stood: Option<Value>,
        written: Option<Source<'_>>,
    ) -> Self {
        let (read, written) = (read.map(Source::to_value), written.map(Source::to_value));
        Self { path, read, stood, written }
    }
}

fn is_null(value: Source<'_>) -> bool {
    value.scalar().is_some_and(|scalar| scalar.is(&Content::Null))
}
