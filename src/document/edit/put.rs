//! One write at a node: what every edit comes down to.

use super::{
    Edit,
    input::{Shape, Source},
};
use crate::{
    causal::{Dot, Slot},
    document::{
        error::{DocumentError, Reason},
        read::Reading,
        state::{
            Content, ListForm, NodeId, Origin, Policy, Rank, Removal, Segment, Sought, Tally,
            Write, tally,
        },
    },
    time::{Stamp, Timestamp},
    value::pointer::{PATH_MAX, start_of},
};
use alloc::{boxed::Box, vec::Vec};
use smallvec::SmallVec;

/// How many writes a document may hold: an edit that would go beyond is refused. Unit tests allow
/// few, because this many would take two gigabytes.
const WRITES_MAX: usize = if cfg!(test) { 1 << 8 } else { 1 << 24 };

/// What the replaced writes hand on to those that replace them.
#[derive(Default)]
pub(super) struct Replaced {
    /// The greatest time among them.
    pub(super) time: Option<Timestamp>,
    /// Where each was, its rank, and the write that made the field; sorted.
    births: SmallVec<[(NodeId, Rank, Dot); 1]>,
    /// Where each was, and what was counted there; sorted.
    tallies: Vec<(NodeId, Tally)>,
    /// Where each was that a policy chose among, its rank, and the policy; sorted.
    policies: Vec<(NodeId, Rank, Policy)>,
}

/// What a value at a node hands on to the one that replaces it, unless a rule says otherwise.
#[derive(Default)]
pub(super) struct Inherited {
    /// What it says about its items, if it is a list.
    pub(super) form: Option<ListForm>,
    /// Whether it is one value.
    pub(super) is_atom: bool,
}

impl Replaced {
    /// The write that made the field at a node.
    fn birth(&self, node: NodeId) -> Option<Dot> {
        let after = self.births.partition_point(|it| it.0 <= node);
        let last = self.births[..after].last()?;
        (last.0 == node).then_some(last.2)
    }

    /// The policy that chose among what was at a node, by the latest write that says so.
    fn policy(&self, node: NodeId) -> Option<&Policy> {
        let after = self.policies.partition_point(|it| it.0 <= node);
        self.policies[..after].last().filter(|it| it.0 == node).map(|it| &it.2)
    }

    /// What was counted at a node, for the write under `dot` that replaces it. Tallies of its
    /// writer that lie in the future were forged, and are left out.
    fn counted(&self, node: NodeId, dot: Dot) -> Box<[Tally]> {
        let start = self.tallies.partition_point(|it| it.0 < node);
        let here = self.tallies[start..].iter().take_while(|it| it.0 == node).map(|it| it.1);
        let is_past = |it: &Tally| it.replica != dot.replica() || it.last < dot.counter();
        tally::furthest(here.filter(is_past)).into_boxed_slice()
    }
}

/// Where a value is put: a node, and the length of its path. How deep it is was looked at when the edit
/// took its input.
#[derive(Clone, Copy)]
pub(super) struct Spot {
    pub(super) node: NodeId,
    bytes: usize,
}

impl Edit<'_> {
    /// Keeps a node in existence while something is put there. If that fails, it may go.
    pub(super) fn holding(
        &mut self,
        node: NodeId,
        put: impl FnOnce(&mut Self) -> Result<(), DocumentError>,
    ) -> Result<(), DocumentError> {
        self.store.tree.hold(node);
        let done = put(self);
        self.store.tree.release(node);
        done
    }

    /// Replaces everything that lives at a node and below by a value.
    pub(super) fn set_node(
        &mut self,
        node: NodeId,
        value: Source<'_>,
    ) -> Result<(), DocumentError> {
        self.holding(node, |edit| edit.replace_value(node, value))
    }

    /// The same, at a node that lives or is held.
    pub(super) fn replace_value(
        &mut self,
        node: NodeId,
        value: Source<'_>,
    ) -> Result<(), DocumentError> {
        self.settle_place(node)?;
        let blocks = self.store.kernel.blocks();
        let is_own_place =
            |slot: Slot| blocks.get(slot).is_some_and(|it| it.is_place() && it.node == node);
        if self.is_kept(node, value) {
            return Ok(());
        }
        let mut slots = self.view().slots_below(node);
        slots.retain(|slot| !is_own_place(*slot));
        let scalar = value.scalar();
        let inherited = if scalar.is_none() { Some(self.inherited(node)) } else { None };
        let replaced = self.kill(slots);
        let time = self.now.after(replaced.time);
        if let Some(scalar) = scalar {
            return self.put(node, scalar.into(), time, &replaced);
        }
        let inherited = inherited.unwrap_or_default();
        self.put_value(self.spot(node), value, time, &replaced, inherited)
    }

    /// Whether nothing is to be written, because the value that is read is greater or less, and a
    /// policy keeps it.
    pub(super) fn is_kept(&self, node: NodeId, new: Source<'_>) -> bool {
        let (view, Some(scalar)) = (self.view(), new.scalar()) else { return false };
        let policy = self.rules.policy(view.tree, node);
        if policy.is_none() && !view.has_policy(node) {
            return false;
        }
        let standing = view.standing(node);
        let Some(policy) = policy.as_ref().or(standing.policy.map(|it| it.1)) else { return false };
        let is_read = matches!(view.reading(node), Some(Reading::Scalar(_)));
        let old = standing.value.filter(|_| is_read);
        old.is_some_and(|(_, old)| policy.is_kept_by(old, &scalar.into()))
    }

    fn inherited(&self, node: NodeId) -> Inherited {
        let view = self.view();
        let is_atom = matches!(view.reading(node), Some(Reading::Atom(_)));
        Inherited { form: view.form(node), is_atom }
    }

    pub(super) fn spot(&self, node: NodeId) -> Spot {
        let path = self.view().tree.path(node);
        let bytes = path.iter().map(|step| step.len()).sum();
        Spot { node, bytes }
    }

    /// The spot one step below; the caller puts something there at once.
    pub(super) fn spot_below(
        &mut self,
        above: Spot,
        step: Sought<'_>,
    ) -> Result<Spot, DocumentError> {
        let bytes = above.bytes + step.len();
        if bytes > PATH_MAX {
            let path = start_of(&self.view().pointer(above.node));
            return Err(DocumentError::at(path, Reason::PathTooLong));
        }
        let node = self.store.tree.step(above.node, step);
        Ok(Spot { node, bytes })
    }

    /// Puts a value where nothing lives.
    pub(super) fn put_value(
        &mut self,
        spot: Spot,
        value: Source<'_>,
        time: Timestamp,
        replaced: &Replaced,
        inherited: Inherited,
    ) -> Result<(), DocumentError> {
        let is_atom =
            |edit: &Self| inherited.is_atom || edit.rules.is_atomic(&edit.store.tree, spot.node);
        match value.shape() {
            Shape::Scalar(scalar) => self.put(spot.node, scalar.into(), time, replaced),
            _ if is_atom(self) => {
                let atom = Content::Atom(value.to_value().into());
                self.put(spot.node, atom, time, replaced)
            }
            Shape::Object(fields) => {
                self.put(spot.node, Content::Object, time, replaced)?;
                for (name, value) in fields {
                    let field = self.spot_below(spot, Sought::Field(name))?;
                    self.holding(field.node, |edit| {
                        edit.put_value(field, value, time, replaced, Inherited::default())
                    })?;
                }
                Ok(())
            }
            Shape::Array(items) => {
                let form = self.form_for(spot.node, &items, inherited.form);
                self.put(spot.node, Content::list(form.clone()), time, replaced)?;
                self.put_items(spot, items, &form, time, replaced)
            }
        }
    }

    /// Makes one write, at a node that lives or is held.
    pub(super) fn put(
        &mut self,
        node: NodeId,
        content: Content,
        time: Timestamp,
        replaced: &Replaced,
    ) -> Result<(), DocumentError> {
        let is_counted = !replaced.tallies.is_empty();
        let counted = is_counted.then(|| replaced.counted(node, self.next_dot()));
        let counted = counted.unwrap_or_default();
        let policy = if content.is_value() { self.policy(node, replaced) } else { None };
        self.put_born(node, content, time, Origin::with(replaced.birth(node), counted, policy))
    }

    /// How a value at a node will be chosen among concurrent ones: by the rules, or else as those
    /// that it replaces were.
    fn policy(&self, node: NodeId, replaced: &Replaced) -> Option<Policy> {
        let rule = self.rules.policy(&self.store.tree, node);
        rule.or_else(|| replaced.policy(node).cloned())
    }

    pub(super) fn put_born(
        &mut self,
        node: NodeId,
        mut content: Content,
        time: Timestamp,
        origin: Option<Box<Origin>>,
    ) -> Result<(), DocumentError> {
        let store = &mut *self.store;
        store.tree.share(&mut content);
        let minted = if store.kernel.live_len() < WRITES_MAX {
            store.kernel.mint(self.replica).map_err(DocumentError::from)
        } else {
            let path = store.view().pointer(node);
            Err(DocumentError::at(path, Reason::TooManyWrites(WRITES_MAX)))
        };
        match minted {
            Ok(dot) => {
                let digest = store.tree.digest(node);
                store.put(dot, Write { content, time, origin, node, digest });
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn kill(&mut self, slots: impl IntoIterator<Item = Slot>) -> Replaced {
        let mut replaced = Replaced::default();
        for slot in slots {
            let Some((dot, write)) = self.store.kill(slot) else { continue };
            let stamp = Stamp { time: write.time, replica: dot.replica() };
            replaced.time = replaced.time.max(Some(write.time));
            let rank = (stamp, dot);
            if write.content != Content::Removed {
                replaced.births.push((write.node, rank, write.birth().unwrap_or(dot)));
            }
            let policy = write.policy().cloned();
            replaced.policies.extend(policy.map(|policy| (write.node, rank, policy)));
            let tallies = write.counted().iter().copied().chain(write.tally(dot));
            replaced.tallies.extend(tallies.map(|tally| (write.node, tally)));
            self.killed.push((dot, write));
        }
        if replaced.births.len() > 1 {
            replaced.births.sort_unstable();
        }
        replaced.tallies.sort_unstable();
        if replaced.policies.len() > 1 {
            replaced.policies.sort_unstable();
        }
        replaced
    }

    /// Removes what is at a node and below.
    pub(super) fn remove_node(&mut self, node: NodeId) -> Result<(), DocumentError> {
        let tree = &self.store.tree;
        if let (Some(list), Some(Segment::Item(_))) = (tree.parent(node), tree.segment(node)) {
            self.pin(list, Some(node))?;
        }
        self.store.tree.hold(node);
        let slots = self.view().slots_below(node);
        let replaced = self.kill(slots);
        if self.rules.does_delete_win(&self.store.tree, node) {
            let time = self.now.after(replaced.time);
            let done = self.put_born(node, Content::Removed, time, None);
            self.store.tree.release(node);
            return done;
        }
        match self.store.kernel.mint(self.replica) {
            Ok(dot) => {
                self.removals.push(Removal { dot, node, time: self.now.time() });
                Ok(())
            }
            Err(error) => {
                self.store.tree.release(node);
                Err(error.into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Document, Merge, replica::ReplicaId, value::Value};
    use alloc::string::ToString;

    #[test]
    fn a_document_that_is_full_refuses_and_stays() -> Result<(), alloc::string::String> {
        let [us, eu] = [1, 2].map(ReplicaId::from_u128);
        let at = Timestamp::from_millis(1);
        let fields = (1..WRITES_MAX).map(|number| (number, Value::Null));
        let mut full = Document::new();
        full.set("", fields.collect::<Value>(), us, at).map_err(|error| error.to_string())?;
        let before = full.clone();
        let error = full.set("/one-more", 1_u64, us, at).err();
        assert!(error.as_ref().is_some_and(DocumentError::is_too_many_writes), "{error:?}");
        let told = error.map(|it| it.to_string()).unwrap_or_default();
        assert_eq!(told, "/one-more does not fit: the document would hold more than 256 writes");
        assert!(full == before && full.check_invariants().is_ok());
        full.set("/1", true, us, at).map_err(|error| error.to_string())?;
        // A merge may bring more: replicas would diverge if it refused.
        let mut theirs = before.clone();
        theirs.set("/1", false, eu, at).map_err(|error| error.to_string())?;
        full.merge(&theirs);
        assert_eq!(full.store.kernel.live_len(), WRITES_MAX + 1);
        full.set("/1", 0_u64, us, at).map_err(|error| error.to_string())?;
        assert_eq!(full.store.kernel.live_len(), WRITES_MAX);
        Ok(())
    }
}
