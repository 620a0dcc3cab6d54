//! The causal kernel: what everything that removes is built on.
//!
//! A [`Dot`] names one write. A [`CausalContext`] is the set of dots a replica has ever seen. A
//! [`DotKernel`] is a context with the dots that are still alive, each with its payload; joining
//! two of them is the whole of what an observed-remove type needs, and each such type in this
//! crate is an index over a kernel.
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
mod kernel;
mod observed;
mod page;
#[cfg(test)]
mod tests;
mod wire;

pub use context::CausalContext;
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
pub(crate) use observed::{Index, Observed, observed};
pub(crate) use page::{Adopt, Page};
pub(crate) use wire::Lanes;
