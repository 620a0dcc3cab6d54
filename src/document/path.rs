//! [`Path`]: where in a document, as a JSON Pointer (RFC 6901).

use super::{DocumentError, Value};
use alloc::{borrow::Cow, string::String, sync::Arc};
use core::{cmp::Ordering, fmt};

/// How deep a document may nest, counted in the tokens of a path: as deep as `serde_json` reads.
pub(super) const DEPTH_MAX: usize = 128;

/// How deep an array may nest, it and all in it: a document's JSON stays readable by `serde_json`,
/// which stops at 128, with room for the record that the document is stored in.
pub(super) const ARRAY_DEPTH_MAX: usize = 64;

/// A valid JSON Pointer, no deeper than [`DEPTH_MAX`]. Shared: a state, its clones and its deltas
/// hold one text.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Path(Arc<str>);

/// Token by token, so that what lies below a path follows it at once.
impl Ord for Path {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.split('/').cmp(other.0.split('/'))
    }
}

impl PartialOrd for Path {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Path {
    pub(super) fn root() -> Self {
        Self("".into())
    }

    pub(super) fn parse(pointer: &str) -> Result<Self, DocumentError> {
        let rooted = pointer.is_empty() || pointer.starts_with('/');
        let escaped = pointer.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        if !rooted || !escaped {
            return Err(DocumentError::InvalidPointer { pointer: pointer.into() });
        }
        let path = Self(pointer.into());
        path.check_depth_of(&Value::Null)?;
        Ok(path)
    }

    /// The path of a text that was printed from one.
    pub(super) fn trusted(pointer: &str) -> Self {
        Self(pointer.into())
    }

    /// Refuses a value that nests too deep to stand here.
    pub(super) fn check_depth_of(&self, value: &Value) -> Result<(), DocumentError> {
        let too_deep = |limit| DocumentError::TooDeep { path: self.0.as_ref().into(), limit };
        let levels = DEPTH_MAX.checked_sub(self.depth()).ok_or(too_deep(DEPTH_MAX))?;
        if value.is_deeper_than(levels) {
            return Err(too_deep(DEPTH_MAX));
        }
        if value.has_array_deeper_than(ARRAY_DEPTH_MAX) {
            return Err(too_deep(ARRAY_DEPTH_MAX));
        }
        Ok(())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// How many tokens it has.
    pub(super) fn depth(&self) -> usize {
        self.0.bytes().filter(|&byte| byte == b'/').count()
    }

    /// The names on the way from the root.
    pub(super) fn names(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.0.split('/').skip(1).map(unescape)
    }

    /// The path of a field below.
    pub(super) fn field(&self, name: &str) -> Self {
        let mut text = String::with_capacity(self.0.len() + 1 + name.len());
        text.push_str(&self.0);
        text.push('/');
        for char in name.chars() {
            match char {
                '~' => text.push_str("~0"),
                '/' => text.push_str("~1"),
                other => text.push(other),
            }
        }
        Self(text.into())
    }

    /// Each container on the way, as a pointer, with the name of what is next.
    pub(super) fn steps(&self) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        self.0.match_indices('/').map(|(end, _)| &self.0[..end]).zip(self.names())
    }

    /// The containers that it lies in, from the root down; not itself.
    pub(super) fn ancestors(&self) -> impl Iterator<Item = Self> + '_ {
        self.0.match_indices('/').map(|(end, _)| Self(self.0[..end].into()))
    }

    /// Whether it lies below the path that `pointer` spells.
    pub(super) fn lies_in(&self, pointer: &str) -> bool {
        self.0.strip_prefix(pointer).is_some_and(|rest| rest.starts_with('/'))
    }
}

fn unescape(token: &str) -> Cow<'_, str> {
    if token.contains('~') {
        // In this order: "~01" is "~1", not "/".
        token.replace("~1", "/").replace("~0", "~").into()
    } else {
        token.into()
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
