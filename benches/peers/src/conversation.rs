//! The conversation and what two sides do to it.

use serde_json::{Value, json};

pub fn id(number: usize) -> String {
    format!("m{number:08}")
}

pub fn message(number: usize) -> Value {
    let words = ["flight", "hotel", "refund", "seat", "fare", "booking", "Lisbon", "Tuesday"];
    // No two texts are the same: a library that tells equal texts once must not win by that.
    let mut text = String::new();
    let mut random = number;
    while text.len() < 200 {
        random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        text.push_str(words[(random >> 33) % words.len()]);
        text.push(' ');
    }
    text.truncate(200);
    json!({"id": id(number), "author": "user", "time": 1_717_236_600 + number, "text": text})
}

pub fn conversation(messages: usize) -> Value {
    let mapping = (0..messages).map(|number| (id(number), message(number)));
    json!({"title": "Booking", "mapping": Value::Object(mapping.collect())})
}

/// The fields of a message, or of any object.
pub fn fields(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    object.as_object().into_iter().flatten()
}

#[derive(Clone, Copy)]
pub enum Side {
    Ours,
    Theirs,
}

/// Fields that are set and messages that are added, in one go.
#[derive(Default)]
pub struct Change {
    pub edits: Vec<Edit>,
    pub messages: Vec<(String, Value)>,
}

pub struct Edit {
    pub message: String,
    pub field: &'static str,
    pub value: String,
}

impl Change {
    /// `edits` of messages all over a conversation of `size`, and `messages` at its end. The two
    /// sides edit other fields of the same messages and add other messages, so that there is one
    /// right result for every library.
    pub fn new(side: Side, size: usize, edits: usize, messages: usize) -> Self {
        let (field, end) = match side {
            Side::Ours => ("text", size),
            Side::Theirs => ("author", size + 1_000),
        };
        let edit = |number: usize| Edit {
            message: id(number * size / edits),
            field,
            value: format!("edited as number {number}"),
        };
        Self {
            edits: (0..edits).map(edit).collect(),
            messages: (end..end + messages).map(|number| (id(number), message(number))).collect(),
        }
    }

    /// What `json` should be with this change.
    pub fn expected(&self, mut json: Value) -> Value {
        let mapping = &mut json["mapping"];
        for Edit { message, field, value } in &self.edits {
            mapping[message][*field] = Value::from(value.as_str());
        }
        for (id, message) in &self.messages {
            mapping[id] = message.clone();
        }
        json
    }
}
