//! [`Pointer`]: where in a document or a value, as a JSON Pointer (RFC 6901).

use alloc::{borrow::Cow, string::String};
use core::fmt::{self, Write};

/// How many objects and arrays may lie one inside the other, which is also how many tokens a
/// pointer may have: as many as `serde_json` reads back.
pub(crate) const DEPTH_MAX: usize = 127;

/// How long a path may be, its names and keys in bytes.
pub(crate) const PATH_MAX: usize = 1 << 14;

/// Why a text is not a pointer that can lead anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PointerError {
    /// It is no JSON Pointer: the text.
    Invalid(String),
    /// It is longer than [`PATH_MAX`]: how it starts.
    TooLong(String),
    /// It is deeper than [`DEPTH_MAX`]: the text.
    TooDeep(String),
}

/// A valid JSON Pointer, no deeper than [`DEPTH_MAX`] and no longer than [`PATH_MAX`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pointer<'a> {
    text: &'a str,
    /// Whether `~0` or `~1` stands in it somewhere.
    escaped: bool,
}

impl<'a> Pointer<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, PointerError> {
        let rooted = text.is_empty() || text.starts_with('/');
        let (mut depth, mut escaped) = (0, false);
        for byte in text.bytes() {
            depth += usize::from(byte == b'/');
            escaped |= byte == b'~';
        }
        if !rooted || escaped && !is_escaped_well(text) {
            return Err(PointerError::Invalid(text.into()));
        }
        if text.len() > PATH_MAX {
            return Err(PointerError::TooLong(start_of(text)));
        }
        if depth > DEPTH_MAX {
            return Err(PointerError::TooDeep(text.into()));
        }
        Ok(Self { text, escaped })
    }

    /// A pointer into a value that is no document's: it may be as long and as deep as it likes.
    pub(super) fn of_any_length(text: &'a str) -> Option<Self> {
        let escaped = text.contains('~');
        let rooted = text.is_empty() || text.starts_with('/');
        (rooted && (!escaped || is_escaped_well(text))).then_some(Self { text, escaped })
    }

    /// How many tokens it has.
    pub(crate) fn depth(self) -> usize {
        self.text.bytes().filter(|byte| *byte == b'/').count()
    }

    pub(crate) const fn as_str(self) -> &'a str {
        self.text
    }

    /// The names and indexes on the way from the root.
    pub(crate) fn tokens(self) -> impl Iterator<Item = Cow<'a, str>> {
        let mut rest = self.text.strip_prefix('/');
        core::iter::from_fn(move || {
            let text = rest?;
            let end = text.bytes().position(|byte| byte == b'/');
            rest = end.map(|end| &text[end + 1..]);
            Some(self.unescape(&text[..end.unwrap_or(text.len())]))
        })
    }

    /// All but the last token, and the last one; `None` for the root.
    pub(crate) fn split_last(self) -> Option<(Self, Cow<'a, str>)> {
        let (parent, token) = self.text.rsplit_once('/')?;
        Some((Self { text: parent, ..self }, self.unescape(token)))
    }

    /// The pointer to the container that this many tokens lead to.
    pub(crate) fn upto(self, tokens: usize) -> &'a str {
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

/// Whether each `~` is one of `~0` and `~1`.
fn is_escaped_well(text: &str) -> bool {
    text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']))
}

/// The index that a token spells: digits without a leading zero.
pub(crate) fn index_of_token(token: &str) -> Option<usize> {
    let digits = token.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = digits && (token.len() == 1 || !token.starts_with('0'));
    canonical.then(|| token.parse().ok())?
}

/// Writes the name of a field as a step of a pointer.
pub(crate) fn write_name(out: &mut impl Write, name: &str) -> fmt::Result {
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
pub(crate) fn write_index(out: &mut impl Write, index: usize) -> fmt::Result {
    write!(out, "/{index}")
}

/// The part of a long path that is shown.
pub(crate) fn start_of(path: &str) -> String {
    path.chars().take(64).collect()
}
