//! A walk by cursors beside what is read as a whole.

use rejoin::{
    Document,
    document::Cursor,
    value::{Kind, Value},
};

/// A walk by cursors finds all that is read, each where its pointer leads to, and nothing else.
pub(crate) fn check_cursors(document: &Document) {
    let Some(root) = document.at("") else {
        assert_eq!(document.to_value(), None);
        return;
    };
    assert_eq!(Some(walked(document, root)), document.to_value());
    assert_eq!(root.to_string(), document.to_string());
    let text = serde_json::from_str::<serde_json::Value>(&document.to_string());
    assert_eq!(text.unwrap(), document.to_json());
    assert_eq!(root.conflicts(), document.conflicts());
}

fn walked(document: &Document, at: Cursor<'_>) -> Value {
    let pointer = at.pointer();
    let again = document.at(&pointer).unwrap();
    assert_eq!(format!("{again:?}"), format!("{at:?}"));
    assert_eq!(again.stamp(), at.stamp());
    let items = at.items().enumerate();
    let items: Vec<_> = items
        .map(|(index, item)| {
            assert_eq!(item.pointer(), format!("{pointer}/{index}"));
            assert_eq!(at.item(index).unwrap().pointer(), item.pointer());
            walked(document, item)
        })
        .collect();
    let fields: Vec<_> = at
        .fields()
        .map(|(name, field)| {
            assert_eq!(at.get(name).unwrap().pointer(), field.pointer());
            (name, walked(document, field))
        })
        .collect();
    let len = items.len() + fields.len();
    assert_eq!((at.fields().len() + at.items().len(), at.len()), (len, len));
    assert_eq!(at.is_empty(), items.is_empty() && fields.is_empty());
    assert_eq!(at.items().rev().count() + at.fields().rev().count(), at.len());
    assert!(at.fields().is_sorted_by(|one, next| one.0 < next.0));
    let value = match at.kind() {
        Kind::Array => Value::Array(items),
        Kind::Object => fields.into_iter().collect(),
        Kind::Scalar => {
            let number = at.as_number().map(Value::from);
            let other = at.as_str().map(Value::from).or(at.as_bool().map(Value::from));
            let value = number.or(other).unwrap_or_default();
            assert_eq!(at.is_null(), value.is_null());
            assert_eq!((at.as_i64(), at.as_u64()), (value.as_i64(), value.as_u64()));
            assert_eq!(at.as_f64(), value.as_f64());
            value
        }
    };
    assert_eq!(document.get(&pointer).as_ref(), Some(&value));
    value
}
