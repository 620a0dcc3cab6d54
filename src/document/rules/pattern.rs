//! [`Pattern`]: a JSON Pointer in which `*` stands for any one field or item.

use crate::{
    document::{error::DocumentError, state::Segment},
    value::pointer::{Pointer, write_name},
};
use alloc::{string::String, vec::Vec};

/// A JSON Pointer in which `*` stands for any one field or item. An item is only ever a `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(Vec<String>);

const ANY: &str = "*";

impl Pattern {
    pub(super) fn parse(text: &str) -> Result<Self, DocumentError> {
        Ok(Self(Pointer::parse(text)?.tokens().map(Into::into).collect()))
    }

    pub(super) fn to_pointer(&self) -> String {
        let mut text = String::new();
        // Writing into a string cannot fail.
        self.0.iter().for_each(|name| _ = write_name(&mut text, name));
        text
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it fits a path of as many steps.
    pub(super) fn fits(&self, path: &[&Segment]) -> bool {
        let fits = |(name, step): (&String, &&Segment)| match step {
            _ if name == ANY => true,
            Segment::Field(field) => **name == **field,
            Segment::Item(_) => false,
        };
        self.0.iter().zip(path).all(fits)
    }

    /// Whether one path could fit both, as far as the shorter one goes.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let overlap =
            |(ours, theirs): (&String, &String)| ours == theirs || ours == ANY || theirs == ANY;
        self.0.iter().zip(&other.0).all(overlap)
    }

    /// Whether every path that fits it fits the other, which is as long.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(ours, theirs)| ours == theirs || theirs == ANY)
    }
}
