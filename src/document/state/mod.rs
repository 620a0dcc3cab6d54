//! What a document holds: a kernel of writes, and the tree that knows where each of them lives.
//!
//! Each file knows those before it in this list: [`short`], [`place`] and [`form`], [`content`],
//! [`segment`], [`node`], [`tally`], [`rank`] and [`policy`], which make up a [`write`](mod@write), and
//! [`standing`], which sorts out several; [`slab`], [`names`] and [`order`], which a [`tree`] keeps
//! nodes in; the [`store`] of both, and a [`delta`], which is a store too.

mod agreed;
mod content;
mod delta;
mod form;
mod names;
mod node;
mod order;
mod place;
mod policy;
mod rank;
pub(crate) mod room;
mod segment;
mod short;
mod slab;
mod standing;
mod store;
mod tree;
mod write;

pub use delta::DocumentDelta;

pub(crate) use crate::tally::{self, Tally};
pub(crate) use content::Content;
pub(crate) use delta::Removal;
pub(crate) use form::{ListForm, ListOrder};
pub(crate) use names::Sought;
pub(crate) use node::{NodeId, ROOT};
pub(crate) use order::Items;
pub(crate) use place::{
    Inserter, LEVELS_MAX, Lean, Level, Levels, Place, Run, Way, clock, heard_relative,
    told_relative,
};
pub(crate) use policy::Policy;
pub(crate) use rank::Rank;
pub(crate) use segment::{Item, Segment};
pub(crate) use short::Short;
pub(crate) use standing::{Leaf, Standing};
pub(crate) use store::Store;
pub(crate) use tree::{Tree, rank_of_place, ranked};
pub(crate) use write::{Origin, Write};
