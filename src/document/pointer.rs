//! [`Pointer`]: where in a document, as a JSON Pointer (RFC 6901).

use super::DocumentError;
use alloc::{borrow::Cow, string::String};
use core::fmt::Write;

/// How deep a document may nest, counted in the tokens of a pointer: as deep as `serde_json`
/// reads.
pub(super) const DEPTH_MAX: usize = 128;

/// How long a path may be, its names and keys in bytes.
pub(super) const PATH_MAX: usize = 1 << 14;

/// A valid JSON Pointer, no deeper than [`DEPTH_MAX`] and no longer than [`PATH_MAX`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Pointer<'a>(&'a str);

impl<'a> Pointer<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, DocumentError> {
        let rooted = text.is_empty() || text.starts_with('/');
        let escaped = || text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        if !rooted || !escaped() {
            return Err(DocumentError::InvalidPointer { pointer: text.into() });
        }
        if text.len() > PATH_MAX {
            return Err(DocumentError::PathTooLong { path: start_of(text), limit: PATH_MAX });
        }
        if text.bytes().filter(|&byte| byte == b'/').count() > DEPTH_MAX {
            return Err(DocumentError::TooDeep { path: text.into(), limit: DEPTH_MAX });
        }
        Ok(Self(text))
    }

    pub(super) const fn as_str(self) -> &'a str {
        self.0
    }

    /// The names and indexes on the way from the root.
    pub(super) fn tokens(self) -> impl Iterator<Item = Cow<'a, str>> {
        self.0.split('/').skip(1).map(unescape)
    }

    /// All but the last token, and that; none of the root.
    pub(super) fn split_last(self) -> Option<(Self, Cow<'a, str>)> {
        let (parent, token) = self.0.rsplit_once('/')?;
        Some((Self(parent), unescape(token)))
    }

    /// The pointer to the container that so many tokens lead to.
    pub(super) fn upto(self, tokens: usize) -> &'a str {
        let end = self.0.match_indices('/').nth(tokens).map_or(self.0.len(), |(end, _)| end);
        &self.0[..end]
    }
}

/// The index that a token spells: digits without a leading zero.
pub(super) fn index_of_token(token: &str) -> Option<usize> {
    let digits = token.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = digits && (token.len() == 1 || !token.starts_with('0'));
    canonical.then(|| token.parse().ok())?
}

fn unescape(token: &str) -> Cow<'_, str> {
    if token.contains('~') {
        // In this order: "~01" is "~1", not "/".
        token.replace("~1", "/").replace("~0", "~").into()
    } else {
        token.into()
    }
}

/// Appends the name of a field to a pointer.
pub(super) fn push_name(pointer: &mut String, name: &str) {
    pointer.push('/');
    for char in name.chars() {
        match char {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}

/// Appends the index of an item to a pointer.
pub(super) fn push_index(pointer: &mut String, index: usize) {
    let _ = write!(pointer, "/{index}");
}

/// What of a long path is shown.
pub(super) fn start_of(path: &str) -> String {
    path.chars().take(64).collect()
}
