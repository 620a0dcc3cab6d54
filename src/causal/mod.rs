//! The causal kernel: what everything that removes is built on, for those who build a type of their
//! own. Nothing else in this crate shows it.
//!
//! A [`Dot`] names one write. A [`CausalContext`] is the set of dots a replica has ever seen. A
//! [`DotKernel`] is a context with the dots that are still alive, each with its payload; joining
//! two of them is the whole of what an observed-remove type needs.
//!
//! # A type of your own
//!
//! Compose a [`DotKernel`] whose payload is one write, and say what its live payloads mean
//! together. Merging, deltas, versions and bytes are then the kernel's: each method of
//! [`Merge`](crate::Merge), [`DeltaState`](crate::DeltaState) and [`Wire`](crate::wire::Wire) is
//! one call. If walking all live payloads is too slow, keep an index beside the kernel, and keep it
//! up to date with the [`Change`]s that [`merge_reporting`](DotKernel::merge_reporting) reports.
//! `examples/own_type.rs` in the repository builds one in under 80 lines and checks its laws.
//!
//! # Source
//!
//! Almeida, Shoker and Baquero, *Delta State Replicated Data Types*, 2018, §7: a kernel is their
//! causal δ-CRDT over a `DotFun` store. What is different here: dots lie in blocks of 64, so that
//! a join works on words; and a remove mints a dot like any other write, so that equal contexts
//! mean equal states for replicas that exchange states.

mod block;
mod context;
mod digest;
mod dot;
#[cfg(feature = "serde")]
mod form;
mod index;
mod intervals;
mod iter;
mod join;
mod journal;
mod kernel;
mod observed;
mod page;
mod row;
#[cfg(test)]
mod tests;
mod wire;

pub use context::{CausalContext, Missing, Replicas, Runs};
pub use digest::Digest;
pub use dot::Dot;
pub use iter::{Iter, Payloads};
pub use join::Change;
pub use kernel::DotKernel;

pub(crate) use block::{Blocks, Slot};
#[cfg(feature = "serde")]
pub(crate) use form::Mapped;
pub(crate) use index::{Crowd, Distinct, KeyIndex, KeyOf, Ranks};
pub(crate) use iter::Slots;
pub(crate) use journal::{Done, Drafted, Journal, draft};
pub(crate) use observed::{Index, Observed, observed};
pub(crate) use page::{Adopt, Page};
pub(crate) use wire::Lanes;
