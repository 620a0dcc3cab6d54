//! Long use: the same edits again and again, and what a state, a delta and an edit cost after 1,000,
//! 10,000 and 100,000 of them.

mod automerge;
mod crdts;
mod edits;
mod loro;
mod measure;
mod rejoin;
mod scripts;
mod table;
mod yrs;

pub use table::print;

use crate::Result;
use edits::{Content, Edit, Root};

/// The state of one replica, kept by one library. Deltas are bytes for everybody.
trait Player {
    /// From now on the edits here are those of another replica; `false` if the library cannot.
    fn play_as(&mut self, replica: u8) -> Result<bool>;
    /// Makes the edit; returns the delta, which is empty if there is nothing to send.
    fn edit(&mut self, edit: &Edit) -> Result<Vec<u8>>;
    fn apply(&mut self, delta: &[u8]) -> Result;
    fn content(&self) -> Result<Content>;
    /// The state as bytes: in one form, or in several that have names.
    fn save(&mut self) -> Result<Vec<(&'static str, Vec<u8>)>>;
    /// The state that was saved, in any of its forms.
    fn read(&self, saved: &[u8]) -> Result<Box<dyn Player>>;
}

/// Makes the empty state of a replica, for content of this kind.
type Make = fn(Root, u8) -> Result<Box<dyn Player>>;
