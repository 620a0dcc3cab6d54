//! Lists that are sets: their members are scalars, none is there twice, and what is added wins.
//!
//! A list that some sides made as a set and others as a plain list may hold a scalar twice, and what
//! is no scalar. It is settled as a set by the next write inside, once all that it holds is scalars;
//! until then it stays open, and nothing in it is lost.

use super::{Edit, identity::Inserted, input::Source, update::Token};
use crate::{
    causal::Slot,
    document::{
        error::{DocumentError, Reason},
        read::Slots,
        state::{ListForm, NodeId, Segment, Sought},
    },
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

impl Edit<'_> {
    /// Adds a member; returns it. Adding one that is there is a write too: it beats a concurrent
    /// removal.
    pub(super) fn add_member(
        &mut self,
        set: NodeId,
        value: Source<'_>,
    ) -> Result<NodeId, DocumentError> {
        self.check_member(set, value)?;
        let item = Segment::Item(self.member(value));
        let spot = self.spot_below(self.spot(set), Sought::Segment(&item))?;
        self.set_node(spot.node, value).map(|()| spot.node)
    }

    /// Puts one member in the place of another.
    pub(super) fn replace_member(
        &mut self,
        set: NodeId,
        member: NodeId,
        value: Source<'_>,
    ) -> Result<(), DocumentError> {
        self.check_member(set, value)?;
        self.remove_node(member)?;
        self.insert_item(set, 0, value, Inserted::Alone).map(drop)
    }

    pub(super) fn check_member(&self, set: NodeId, value: Source<'_>) -> Result<(), DocumentError> {
        if value.scalar().is_some() {
            return Ok(());
        }
        Err(DocumentError::at(self.view().pointer(set), Reason::NotInSet(value.kind())))
    }

    /// Turns a set into one of these members. O(n log n).
    pub(super) fn update_set(
        &mut self,
        set: NodeId,
        new: &[Source<'_>],
    ) -> Result<(), DocumentError> {
        if !self.is_set(set) && self.lists(set, new) {
            return Ok(());
        }
        let mut wanted = BTreeMap::<Token, usize>::new();
        for token in self.member_tokens(new) {
            *wanted.entry(token).or_default() += 1;
        }
        let is_gone = |token: &Token, nth| wanted.get(token).is_none_or(|wanted| nth >= *wanted);
        self.change_set(set, is_gone, new)
    }

    /// Does to a set what was done to what was read of it. O(n log n).
    pub(super) fn save_set(
        &mut self,
        set: NodeId,
        read: &[Source<'_>],
        new: &[Source<'_>],
    ) -> Result<(), DocumentError> {
        let was: BTreeSet<Token> = self.member_tokens(read).into_iter().collect();
        let tokens = self.member_tokens(new);
        let added = tokens.iter().zip(new).filter(|it| !was.contains(it.0)).map(|it| *it.1);
        let added: Vec<Source<'_>> = added.collect();
        let is: BTreeSet<Token> = tokens.into_iter().collect();
        if was == is {
            return Ok(());
        }
        let is_gone = |token: &Token, _| was.contains(token) && !is.contains(token);
        self.change_set(set, is_gone, &added)
    }

    /// Removes the members that are gone, given what a member is and how many such stand before it,
    /// and adds those of `new` that are not there.
    fn change_set(
        &mut self,
        set: NodeId,
        is_gone: impl Fn(&Token, usize) -> bool,
        new: &[Source<'_>],
    ) -> Result<(), DocumentError> {
        let members = self.members(set);
        let tokens = self.member_tokens(new);
        let is_new = |it: &(Token, &Source<'_>)| !members.contains_key(&it.0);
        let added = tokens.into_iter().zip(new).filter(is_new).map(|it| *it.1);
        let added: Vec<Source<'_>> = added.collect();
        let gone = gone(&members, &is_gone);
        if added.is_empty() && gone.is_empty() && self.is_set(set) {
            return Ok(());
        }
        // What no set can hold goes first, so that what is left can be settled as a set.
        let others = gone.into_iter().filter(|it| self.view().scalar_at(*it).is_none());
        let others: Vec<NodeId> = others.collect();
        others.into_iter().try_for_each(|it| self.update_away(it))?;
        self.settle_way_to(set)?;
        self.settle(set)?;
        self.adopt_form(set, None)?;
        // It may have been written anew.
        let gone = self::gone(&self.members(set), &is_gone);
        gone.into_iter().try_for_each(|it| self.update_away(it))?;
        added.into_iter().try_for_each(|it| self.save_item(set, 0, it).map(drop))
    }

    /// Whether a list was written as a set, whatever the rules say.
    pub(super) fn is_set(&self, list: NodeId) -> bool {
        self.view().form(list).is_some_and(|form| form.is_set())
    }

    /// Whether a list reads as these scalars, in this order.
    fn lists(&self, list: NodeId, scalars: &[Source<'_>]) -> bool {
        let view = self.view();
        let is_same = |(item, new): (NodeId, &Source<'_>)| {
            view.scalar_at(item).zip(new.scalar()).is_some_and(|(old, new)| new.is(&old))
        };
        self.item_count(list) == scalars.len() && view.tree.items(list).zip(scalars).all(is_same)
    }

    /// Whether a list that was written as a set holds what no set can hold: it met a plain list.
    pub(super) fn is_set_with_others(&self, list: NodeId) -> bool {
        let view = self.view();
        self.is_set(list)
            && view.keys_differ(list)
            && view.tree.items(list).any(|item| view.scalar_at(item).is_none())
    }

    /// What the mark of a list says that is settled as it is: what the rules say, unless its items
    /// are no members of a set, or are, and it would have to be written anew.
    pub(super) fn settled_form(&self, list: NodeId) -> ListForm {
        let written = self.view().form(list).unwrap_or_default();
        Some(self.form_of(list)).filter(|it| it.is_set() == written.is_set()).unwrap_or(written)
    }

    /// Settles a list of scalars that some sides made as a set: what is one member to these may
    /// stand there twice.
    pub(super) fn settle_as_set(
        &mut self,
        set: NodeId,
        losers: Slots,
    ) -> Result<(), DocumentError> {
        let members = self.view().list(set);
        let old: BTreeSet<Slot> = losers.into_iter().chain(self.view().slots_below(set)).collect();
        self.rewrite_list(set, &members, old.into_iter().collect(), &ListForm::SET)?;
        self.settle_place(set)
    }

    fn member_tokens(&mut self, members: &[Source<'_>]) -> Vec<Token> {
        members.iter().map(|member| self.member_token(*member)).collect()
    }

    fn member_token(&mut self, member: Source<'_>) -> Token {
        let scalar = member.scalar().map(|scalar| Token::Key(scalar.into()));
        scalar.unwrap_or_else(|| Token::Content(self.digest_of_value(member)))
    }

    /// What is in a set: for each member where it stands, in order.
    fn members(&mut self, set: NodeId) -> BTreeMap<Token, Vec<NodeId>> {
        let items: Vec<NodeId> = self.view().tree.items(set).collect();
        let mut members = BTreeMap::<Token, Vec<NodeId>>::new();
        for item in items {
            let scalar = self.view().scalar_at(item).map(Token::Key);
            let token = scalar.unwrap_or_else(|| Token::Content(self.digest_of_item(item)));
            members.entry(token).or_default().push(item);
        }
        members
    }
}

fn gone(
    members: &BTreeMap<Token, Vec<NodeId>>,
    is_gone: impl Fn(&Token, usize) -> bool,
) -> Vec<NodeId> {
    let gone = members.iter().flat_map(|(token, nodes)| {
        nodes.iter().enumerate().filter(|it| is_gone(token, it.0)).map(|it| *it.1)
    });
    gone.collect()
}
