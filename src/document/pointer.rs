//! [`Pointer`]: where in a document, as a JSON Pointer (RFC 6901).

use super::DocumentError;
use alloc::{borrow::Cow, string::String};
use core::fmt::{self, Write};

/// How many objects and arrays may lie one inside the other, which is also how many tokens a pointer
/// may have: as many as `serde_json` reads back.
pub(super) const DEPTH_MAX: usize = 127;

/// How long a path may be, its names and keys in bytes.
pub(super) const PATH_MAX: usize = 1 << 14;

/// A valid JSON Pointer, no deeper than [`DEPTH_MAX`] and no longer than [`PATH_MAX`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Pointer<'a> {
    text: &'a str,
    /// Whether `~0` or `~1` stands in it somewhere.
    escaped: bool,
}

impl<'a> Pointer<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, DocumentError> {
        let rooted = text.is_empty() || text.starts_with('/');
        let (mut depth, mut escaped) = (0, false);
        for byte in text.bytes() {
            depth += usize::from(byte == b'/');
            escaped |= byte == b'~';
        }
        let valid = || text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        if !rooted || escaped && !valid() {
            return Err(DocumentError::InvalidPointer { pointer: text.into() });
        }
        if text.len() > PATH_MAX {
            return Err(DocumentError::PathTooLong { path: start_of(text), limit: PATH_MAX });
        }
        if depth > DEPTH_MAX {
            return Err(DocumentError::TooDeep { path: text.into(), limit: DEPTH_MAX });
        }
        Ok(Self { text, escaped })
    }

    /// How many tokens it has.
    pub(super) fn depth(self) -> usize {
        self.text.bytes().filter(|byte| *byte == b'/').count()
    }

    pub(super) const fn as_str(self) -> &'a str {
        self.text
    }

    /// The names and indexes on the way from the root.
    pub(super) fn tokens(self) -> impl Iterator<Item = Cow<'a, str>> {
        let mut rest = self.text.strip_prefix('/');
        core::iter::from_fn(move || {
            let text = rest?;
            let end = text.bytes().position(|byte| byte == b'/');
            rest = end.map(|end| &text[end + 1..]);
            Some(self.unescape(&text[..end.unwrap_or(text.len())]))
        })
    }

    /// All but the last token, and that; none of the root.
    pub(super) fn split_last(self) -> Option<(Self, Cow<'a, str>)> {
        let (parent, token) = self.text.rsplit_once('/')?;
        Some((Self { text: parent, ..self }, self.unescape(token)))
    }

    /// The pointer to the container that so many tokens lead to.
    pub(super) fn upto(self, tokens: usize) -> &'a str {
        let end = self.text.match_indices('/').nth(tokens).map_or(self.text.len(), |(end, _)| end);
        &self.text[..end]
    }

    fn unescape(self, token: &str) -> Cow<'_, str> {
        if self.escaped && token.contains('~') {
            // In this order: "~01" is "~1", not "/".
            token.replace("~1", "/").replace("~0", "~").into()
        } else {
            token.into()
        }
    }
}

/// The index that a token spells: digits without a leading zero.
pub(super) fn index_of_token(token: &str) -> Option<usize> {
    let digits = token.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = digits && (token.len() == 1 || !token.starts_with('0'));
    canonical.then(|| token.parse().ok())?
}

/// Appends the name of a field to a pointer.
pub(super) fn push_name(pointer: &mut String, name: &str) {
    let _ = write_name(pointer, name);
}

/// Appends the index of an item to a pointer.
pub(super) fn push_index(pointer: &mut String, index: usize) {
    let _ = write_index(pointer, index);
}

/// Writes the name of a field as a step of a pointer.
pub(super) fn write_name(out: &mut impl Write, name: &str) -> fmt::Result {
    out.write_char('/')?;
    for part in name.split_inclusive(['~', '/']) {
        match part.strip_suffix(['~', '/']) {
            Some(start) => {
                out.write_str(start)?;
                out.write_str(if part.ends_with('~') { "~0" } else { "~1" })?;
            }
            None => out.write_str(part)?,
        }
    }
    Ok(())
}

/// Writes the index of an item as a step of a pointer.
pub(super) fn write_index(out: &mut impl Write, index: usize) -> fmt::Result {
    write!(out, "/{index}")
}

/// What of a long path is shown.
pub(super) fn start_of(path: &str) -> String {
    path.chars().take(64).collect()
}
