//! JSON text of what is read.

use super::view::{Reading, View};
use crate::{
    document::state::{Content, NodeId},
    value::{
        Number,
        text::{push_all, push_number, push_string},
    },
};
use alloc::string::String;

impl View<'_> {
    /// Appends what is read at a node as compact JSON. O(its size).
    pub(crate) fn push_json(self, node: NodeId, text: &mut String) {
        match self.reading(node) {
            None => text.push_str("null"),
            Some(Reading::Scalar(content)) => content.push_json(text),
            Some(Reading::Count(count)) => push_number(text, Number::from(count)),
            Some(Reading::Atom(value)) => value.push_json(text),
            // The key is not among the fields: rare enough to be put there by a copy.
            Some(Reading::Object) if self.lost_key(node).is_some() => {
                self.object(node).push_json(text);
            }
            Some(Reading::Object) => {
                let fields = self.tree.sorted_fields(node);
                push_all(text, ['{', '}'], fields, |text, (name, field)| {
                    push_string(text, name);
                    text.push(':');
                    self.push_json(field, text);
                });
            }
            Some(Reading::List) => {
                let items = self.tree.items(node);
                push_all(text, ['[', ']'], items, |text, item| self.push_json(item, text));
            }
        }
    }
}

impl Content {
    /// Appends a scalar as JSON.
    pub(super) fn push_json(&self, text: &mut String) {
        match self {
            Self::Bool(truth) => text.push_str(if *truth { "true" } else { "false" }),
            Self::Number(number) => push_number(text, *number),
            other => match other.as_str() {
                Some(string) => push_string(text, string),
                None => text.push_str("null"),
            },
        }
    }
}
