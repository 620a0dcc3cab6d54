//! Values at a pointer: what edits set, remove and resolve, and the way there.

use super::{Edit, Input, identity::Inserted, input::Source, put::Replaced};
use crate::{
    document::{
        error::{DocumentError, Reason},
        read::Reading,
        state::{Content, NodeId, ROOT, Sought},
    },
    time::Timestamp,
    value::pointer::Pointer,
};
use alloc::sync::Arc;

impl Edit<'_> {
    /// Writes `value` at `pointer`, over all that this replica sees there and below.
    ///
    /// The container must exist; only a root that holds nothing becomes an object. `""` sets the
    /// whole document. In a list, the item at that index is given the value and keeps its identity
    /// and its place; at the end of the list, which is also called `-`, the value is appended.
    /// O(depth + what is written and replaced).
    ///
    /// # Errors
    ///
    /// [`DocumentError`] names the path and what stands in the way; the edit is as it was before
    /// this call.
    ///
    /// # Examples
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp, document::Value};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let mut document = Document::new();
    /// let tags = Value::from(vec!["travel"]);
    /// let mut edit = document.edit(us, now);
    /// edit.set("/title", "Booking")?.set("/tags", tags)?;
    /// edit.commit();
    /// let mut edit = document.edit(us, now);
    /// edit.set("/tags/-", "refund")?;
    /// edit.commit();
    /// assert_eq!(document.to_string(), r#"{"tags":["travel","refund"],"title":"Booking"}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set<'v>(
        &mut self,
        pointer: &str,
        value: impl Into<Input<'v>>,
    ) -> Result<&mut Self, DocumentError> {
        let input = value.into();
        let pointer = Pointer::parse(pointer)?;
        input.check_depth(pointer.as_str(), pointer.depth())?;
        input.check_numbers(format_args!("{}", pointer.as_str()))?;
        self.all_or_nothing(|edit| edit.set_at(pointer, input.source()))
    }

    /// Removes what this replica sees at `pointer` and below. What another side sets there
    /// concurrently survives.
    ///
    /// If nothing is there, it writes nothing: at a field that is absent, at an index past the end
    /// of a list, or inside a scalar. O(depth + what is removed).
    ///
    /// # Errors
    ///
    /// [`DocumentError`] if the text is not a JSON Pointer, or addresses a list by a name; the edit
    /// is as it was before this call.
    ///
    /// # Examples
    ///
    /// ```
    /// # use rejoin::{Document, Timestamp};
    /// # let (us, now) = ("us-east-1".parse()?, Timestamp::from_millis(1));
    /// let mut document = Document::new();
    /// let mut edit = document.edit(us, now);
    /// edit.set("/title", "Booking")?.set("/unread", 1)?;
    /// edit.commit();
    /// let mut edit = document.edit(us, now);
    /// edit.remove("/title")?;
    /// edit.commit();
    /// assert_eq!(document.to_string(), r#"{"unread":1}"#);
    /// assert!(document.remove("/title", us, now)?.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn remove(&mut self, pointer: &str) -> Result<&mut Self, DocumentError> {
        let pointer = Pointer::parse(pointer)?;
        if !self.is_anything_at(pointer)? {
            return Ok(self);
        }
        self.all_or_nothing(|edit| {
            let node = edit.enter(pointer)?;
            edit.remove_node(node)
        })
    }

    /// Settles the open [conflict](crate::Document::conflicts) at `pointer`: writes `value` over
    /// all that contends there, as far as this replica sees it.
    ///
    /// Unlike [`set`](Self::set), it fails if nothing is in conflict, so a decision that comes late
    /// overwrites nothing. A conflict of moves is settled by [`move_item`](Self::move_item).
    /// O(depth + what is written and replaced).
    ///
    /// # Errors
    ///
    /// [`DocumentError`] if there is no open conflict; the edit is as it was before this call.
    ///
    /// # Examples
    ///
    /// ```
    /// # use rejoin::{Document, Merge, Timestamp};
    /// # let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    /// # let now = Timestamp::from_millis(1);
    /// let mut ours = Document::new();
    /// ours.set("/title", "Booking", us, now)?;
    /// let mut theirs = ours.clone();
    /// ours.set("/title", "Booking Help", us, now)?;
    /// theirs.set("/title", "Booking Assistance", eu, now)?;
    /// ours.merge(&theirs);
    ///
    /// let mut edit = ours.edit(us, now);
    /// edit.resolve("/title", "Booking Help")?;
    /// edit.commit();
    /// assert!(ours.conflicts().is_empty());
    /// assert!(ours.edit(us, now).resolve("/title", "Late").is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn resolve<'v>(
        &mut self,
        pointer: &str,
        value: impl Into<Input<'v>>,
    ) -> Result<&mut Self, DocumentError> {
        let input = value.into();
        let view = self.view();
        let node = view.visible(Pointer::parse(pointer)?);
        if !node.is_some_and(|node| view.is_contended(node)) {
            return Err(DocumentError::at(pointer, Reason::NoConflict));
        }
        self.set(pointer, input)
    }

    /// Whether anything is read at a pointer.
    ///
    /// # Errors
    ///
    /// A list is addressed by what is neither an index nor its end, or a part of one value.
    fn is_anything_at(&self, pointer: Pointer<'_>) -> Result<bool, DocumentError> {
        let view = self.view();
        if !view.tree.has_content(ROOT) {
            return Ok(false);
        }
        let mut node = ROOT;
        for token in pointer.tokens() {
            if matches!(view.reading(node), Some(Reading::List)) {
                self.parse_index(node, &token)?;
            }
            if matches!(view.reading(node), Some(Reading::Atom(_))) {
                return Err(DocumentError::at(view.pointer(node), Reason::Atomic));
            }
            match view.below(node, &token) {
                Some(below) => node = below,
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    fn set_at(&mut self, pointer: Pointer<'_>, value: Source<'_>) -> Result<(), DocumentError> {
        let Some((parent, token)) = pointer.split_last() else {
            let root = self.store.tree.root();
            return self.set_node(root, value);
        };
        let container = self.enter_parent(parent)?;
        let is_list = self.settled_as_list(container)?;
        if is_list {
            let index = self.index_at(container, &token)?;
            return match self.view().tree.item(container, index) {
                Some(item) if self.form_of(container).is_set() => {
                    self.replace_member(container, item, value)
                }
                Some(item) => self.set_node(item, value),
                None => self.insert_item(container, index, value, Inserted::Alone).map(drop),
            };
        }
        let field = match self.view().tree.child(container, Sought::Field(&token)) {
            Some(field) => field,
            None => self.spot_below(self.spot(container), Sought::Field(&token))?.node,
        };
        self.set_node(field, value)
    }

    /// The node at `pointer`. Each container on the way is settled as what it reads.
    pub(super) fn enter(&mut self, pointer: Pointer<'_>) -> Result<NodeId, DocumentError> {
        let not_found = |tokens| DocumentError::at(pointer.upto(tokens), Reason::NotFound);
        let mut node =
            self.view().tree.has_content(ROOT).then_some(ROOT).ok_or_else(|| not_found(0))?;
        for (at, token) in pointer.tokens().enumerate() {
            let is_list = self.settled_as_list(node)?;
            let reading = if is_list { Reading::List } else { Reading::Object };
            let below = self.view().below_as(reading, node, &token);
            node = match below {
                Some(below) => below,
                None if is_list => return Err(self.no_item(node, &token)),
                None => return Err(not_found(at + 1)),
            };
        }
        Ok(node)
    }

    /// The error for an item that a list does not have.
    fn no_item(&self, list: NodeId, token: &str) -> DocumentError {
        let out_of_range = |index| {
            let (path, len) = (self.view().pointer(list), self.item_count(list));
            DocumentError::at(path, Reason::OutOfRange { index, len })
        };
        self.index_at(list, token).map_or_else(|error| error, out_of_range)
    }

    /// The container in which a field is to be made. A root where nothing lives becomes an object.
    pub(super) fn enter_parent(&mut self, parent: Pointer<'_>) -> Result<NodeId, DocumentError> {
        let root = self.store.tree.root();
        if parent.depth() > 0 || self.view().tree.has_content(root) {
            return self.enter(parent);
        }
        let time = self.now.after(None);
        self.holding(root, |edit| edit.put(root, Content::Object, time, &Replaced::default()))?;
        Ok(root)
    }

    /// Makes sure that a container is settled; returns whether it is a list.
    pub(super) fn settled_as_list(&mut self, node: NodeId) -> Result<bool, DocumentError> {
        let view = self.view();
        match view.reading_and_settled(node) {
            Some((reading @ (Reading::Object | Reading::List), settled)) => {
                let is_list = matches!(reading, Reading::List);
                if settled { Ok(is_list) } else { self.settle(node).map(|()| is_list) }
            }
            Some((Reading::Atom(_), _)) => {
                Err(DocumentError::at(view.pointer(node), Reason::Atomic))
            }
            Some(_) => Err(DocumentError::at(view.pointer(node), Reason::NotAContainer)),
            None => Err(DocumentError::at(view.pointer(node), Reason::NotFound)),
        }
    }

    /// Makes sure that a container has a mark, a place, and nothing that contends with it: an edit
    /// that writes inside settles what was open.
    pub(super) fn settle(&mut self, node: NodeId) -> Result<(), DocumentError> {
        let view = self.view();
        let standing = view.standing(node);
        let is_list = matches!(view.reading(node), Some(Reading::List));
        let mark = if is_list { standing.list } else { standing.object };
        let mut losers = view.losers(node, is_list);
        if is_list && view.keys_differ(node) && !self.is_set_with_others(node) {
            losers.extend(view.list_mark_slots(node));
            if self.is_set(node) {
                return self.settle_as_set(node, losers);
            }
        }
        if mark.is_none() || !losers.is_empty() {
            let mark =
                if is_list { Content::list(self.settled_form(node)) } else { Content::Object };
            let key = if is_list { None } else { view.lost_key(node) };
            let key = key.map(|(name, key)| (Arc::<str>::from(name), key.clone()));
            let replaced = self.kill(losers);
            let time = self.now.after(replaced.time);
            self.put(node, mark, time, &replaced)?;
            if let Some((name, key)) = key {
                self.put_key(node, &name, key, time)?;
            }
        }
        self.settle_place(node)
    }

    /// Writes the key of an item that outlived its deletion, at the field where it is read.
    fn put_key(
        &mut self,
        item: NodeId,
        name: &str,
        key: Content,
        time: Timestamp,
    ) -> Result<(), DocumentError> {
        let field = self.spot_below(self.spot(item), Sought::Field(name))?;
        self.holding(field.node, |edit| {
            // A removal there would hide it.
            let gone = edit.view().slots_below(field.node);
            edit.kill(gone);
            edit.put(field.node, key, time, &Replaced::default())
        })
    }
}
