//! JSON text of values.

use super::{Number, Value};
use alloc::string::String;
use core::fmt::{self, Write};

/// Compact JSON.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.push_json(&mut text);
        f.write_str(&text)
    }
}

impl Value {
    pub(crate) fn push_json(&self, text: &mut String) {
        match self {
            Self::Null => text.push_str("null"),
            Self::Bool(truth) => text.push_str(if *truth { "true" } else { "false" }),
            Self::Number(number) => push_number(text, *number),
            Self::String(string) => push_string(text, string),
            Self::Array(items) => push_all(text, ['[', ']'], items, |text, it| it.push_json(text)),
            Self::Object(fields) => push_all(text, ['{', '}'], fields, |text, (name, value)| {
                push_string(text, name);
                text.push(':');
                value.push_json(text);
            }),
        }
    }
}

pub(crate) fn push_all<T>(
    text: &mut String,
    [open, close]: [char; 2],
    all: impl IntoIterator<Item = T>,
    mut push: impl FnMut(&mut String, T),
) {
    text.push(open);
    for (at, one) in all.into_iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        push(text, one);
    }
    text.push(close);
}

pub(crate) fn push_number(text: &mut String, number: Number) {
    // Writing to a string does not fail.
    let _ = match (number.as_u64(), number.as_i64()) {
        (Some(natural), _) => write!(text, "{natural}"),
        (None, Some(integer)) => write!(text, "{integer}"),
        (None, None) => write!(text, "{number}"),
    };
}

/// Runs of plain characters are copied as they are.
pub(crate) fn push_string(text: &mut String, string: &str) {
    text.push('"');
    let mut rest = string;
    while let Some(at) = first_escaped(rest.as_bytes()) {
        text.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'"' => text.push_str("\\\""),
            b'\\' => text.push_str("\\\\"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            0x08 => text.push_str("\\b"),
            0x0c => text.push_str("\\f"),
            control => _ = write!(text, "\\u{control:04x}"),
        }
        rest = &rest[at + 1..];
    }
    text.push_str(rest);
    text.push('"');
}

fn first_escaped(bytes: &[u8]) -> Option<usize> {
    const AT_ONCE: usize = 32;
    #[allow(clippy::needless_bitwise_bool)] // the point: no branch
    let is_escaped = |byte: &u8| (*byte < 0x20) | (*byte == b'"') | (*byte == b'\\');
    // Without a branch for each byte, many are compared at once.
    let is_plain =
        |chunk: &&[u8]| !chunk.iter().fold(false, |found, byte| found | is_escaped(byte));
    let skipped = bytes.chunks_exact(AT_ONCE).take_while(is_plain).count() * AT_ONCE;
    bytes[skipped..].iter().position(is_escaped).map(|at| skipped + at)
}
