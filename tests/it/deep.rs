//! Values that nest: as deep as `serde_json` reads back and no deeper, and refused before anything
//! recurses into them.

use crate::{
    at,
    encoded::{document_form, through_bytes, through_json},
    replica,
};
use rejoin::{
    Document, ReplicaId, VectorClock,
    document::{DocumentError, Edit, Input, Value},
    wire,
};
use serde_json::json;

/// So many containers are read back.
const LEVELS: usize = 127;

fn us() -> ReplicaId {
    replica("us-east-1")
}

/// So many arrays, or objects, one inside the other.
fn nested(levels: usize, objects: bool) -> Value {
    let empty = if objects { Value::Object(<_>::default()) } else { Value::Array(Vec::new()) };
    let around = |inside| {
        if objects { Value::from_iter([("a", inside)]) } else { Value::Array(vec![inside]) }
    };
    (1..levels).fold(empty, |inside, _| around(inside))
}

/// Not by `json!`, which writes out and reads in what is put into it.
fn nested_json(levels: usize, objects: bool) -> serde_json::Value {
    use serde_json::Value::{Array, Object};
    let empty = if objects { Object(<_>::default()) } else { Array(Vec::new()) };
    let object = |inside| Object([("a".to_owned(), inside)].into_iter().collect());
    let around = |inside| if objects { object(inside) } else { Array(vec![inside]) };
    (1..levels).fold(empty, |inside, _| around(inside))
}

fn start() -> Document {
    let list = Value::from(vec![Value::from(1_u64)]);
    let document = Value::from_iter([("f", Value::Null), ("l", list)]);
    let mut document = Document::from_value(document, us(), at(1)).unwrap();
    let mut other = document.clone();
    document.set("/f", 1_u64, us(), at(2)).unwrap();
    other.set("/f", 2_u64, replica("eu-west-1"), at(2)).unwrap();
    rejoin::Merge::merge(&mut document, &other);
    document
}

/// One edit that takes a value.
type Write =
    for<'e, 'd> fn(&'e mut Edit<'d>, Input<'static>) -> Result<&'e mut Edit<'d>, DocumentError>;

/// All of them, each with the depth at which it puts the value.
const WRITES: [(&str, usize, Write); 9] = [
    ("set all", 0, |edit, value| edit.set("", value)),
    ("set", 1, |edit, value| edit.set("/f", value)),
    ("set an item", 2, |edit, value| edit.set("/l/0", value)),
    ("set at the end", 2, |edit, value| edit.set("/l/-", value)),
    ("insert", 2, |edit, value| edit.insert("/l/0", value)),
    ("push", 2, |edit, value| edit.push("/l", value)),
    ("resolve", 1, |edit, value| edit.resolve("/f", value)),
    ("update", 0, |edit, value| edit.update(value)),
    ("update of nothing", 0, |edit, value| edit.remove("")?.update(value)),
];

#[test]
fn what_nests_too_deep_is_refused_before_anything_recurses() {
    let clock = || VectorClock::from_iter([(us(), 1)]);
    for (levels, objects) in
        [LEVELS + 1, 12_000].into_iter().flat_map(|it| [(it, false), (it, true)])
    {
        let inputs: [fn(usize, bool) -> Input<'static>; 4] = [
            |levels, objects| nested(levels, objects).into(),
            |levels, objects| nested_json(levels, objects).into(),
            |levels, objects| vec![nested_json(levels, objects)].into(),
            |levels, objects| [Input::from(nested(levels, objects))].into(),
        ];
        for input in inputs {
            let input = || input(levels, objects);
            let too_deep = |refused: Result<Document, DocumentError>| {
                let error = refused.unwrap_err();
                assert!(
                    error.is_too_deep() && error.to_string().ends_with("127 levels"),
                    "{error}"
                );
            };
            too_deep(Document::from_value(input(), us(), at(1)));
            too_deep(Document::from_snapshot(input(), &clock(), us(), at(1)));
            assert!(Document::from_snapshot(input(), &VectorClock::new(), us(), at(1)).is_err());
            let before = start();
            for (name, _, write) in WRITES {
                let mut document = before.clone();
                let mut edit = document.edit(us(), at(3));
                let error = write(&mut edit, input()).unwrap_err();
                assert!(error.is_too_deep(), "{name}: {error:?}");
                drop(edit);
                assert_eq!(document, before, "{name}");
            }
            // Nor does what stands beside a number that is refused.
            let beside = [input(), f64::NAN.into()];
            let error = Document::from_value(beside, us(), at(1)).unwrap_err();
            assert!(error.is_invalid_number(), "{error}");
            // Other errors come first, and drop the value all the same.
            let mut document = before.clone();
            assert!(document.set("f", input(), us(), at(3)).is_err());
            assert!(document.insert("f", input(), us(), at(3)).is_err());
            assert!(document.push("f", input(), us(), at(3)).is_err());
            assert!(document.resolve("/l", input(), us(), at(3)).is_err());
            assert_eq!(document.item("/l", input()), None);
        }
    }
}

/// `serde_json`'s own limit is the measure, at the limit and one beyond.
#[test]
fn the_greatest_depth_that_is_accepted_is_read_back() {
    for (levels, objects) in (LEVELS - 1..=LEVELS + 1).flat_map(|it| [(it, false), (it, true)]) {
        let text = nested(levels, objects).to_string();
        let reads_back = serde_json::from_str::<serde_json::Value>(&text).is_ok();
        assert_eq!(reads_back, levels <= LEVELS, "what serde_json reads has changed");
        assert_eq!(serde_json::from_str::<Value>(&text).is_ok(), reads_back);
        let bytes = wire::to_bytes(&nested(levels, objects));
        assert_eq!(wire::from_bytes::<Value>(&bytes).is_ok(), reads_back);
        let compact =
            bincode::serde::encode_to_vec(nested(levels, objects), bincode::config::standard());
        let read = bincode::serde::decode_from_slice::<Value, _>(
            &compact.unwrap(),
            bincode::config::standard(),
        );
        assert_eq!(read.is_ok(), reads_back);
        let form = serde_json::from_value::<Value>(nested_json(levels, objects));
        assert_eq!(form.is_ok(), reads_back, "the value itself is told how deep it may nest");

        for (name, depth, write) in WRITES {
            let mut document = start();
            let value = nested(levels - depth, objects);
            let mut edit = document.edit(us(), at(3));
            let is_done = write(&mut edit, value.into()).is_ok();
            edit.commit();
            assert_eq!(is_done, reads_back, "{name}, {levels}");
            let text = document.to_string();
            assert_eq!(
                serde_json::from_str::<serde_json::Value>(&text).unwrap(),
                document.to_json()
            );
            assert_eq!(through_bytes(&document), document);
            assert_eq!(through_json(&document), document);
        }
    }

    // Scalars are no level; a pointer goes as far as there are containers.
    let mut deepest = Document::from_value(nested(LEVELS, true), us(), at(1)).unwrap();
    deepest.set(&"/a".repeat(LEVELS), 1_u64, us(), at(2)).unwrap();
    deepest.increment(&"/a".repeat(LEVELS), 1, us(), at(2)).unwrap();
    let before = deepest.clone();
    assert!(deepest.set(&"/a".repeat(LEVELS), Value::Array(Vec::new()), us(), at(2)).is_err());
    assert!(deepest.set(&"/a".repeat(LEVELS + 1), 1_u64, us(), at(2)).is_err());
    assert!(deepest.increment(&"/a".repeat(LEVELS + 1), 1, us(), at(2)).is_err());
    assert_eq!(deepest, before);
    assert!(serde_json::from_str::<serde_json::Value>(&deepest.to_string()).is_ok());
}

/// States that were made elsewhere: no write lies deeper than an edit may put it.
#[test]
fn a_decoded_write_lies_no_deeper_than_an_edit_may_put_it() {
    let form = |steps: usize, value: serde_json::Value| {
        let live = json!([[1, {"path": vec!["a"; steps], "time": 1, "value": value}]]);
        document_form(json!({"us-east-1": {"seen": [[1, 1]], "live": live}}))
    };
    let empty = || Document::from_value(json!({}), us(), at(1)).unwrap();
    let form_of_empty = serde_json::to_value(empty()).unwrap();
    let mark = form_of_empty["writes"]["us-east-1"]["live"][0][1]["value"].clone();
    for (steps, value, fits) in [
        (LEVELS, json!(7), true),
        (LEVELS + 1, json!(7), false),
        (LEVELS - 1, mark.clone(), true),
        (LEVELS, mark, false),
    ] {
        let read = serde_json::from_value::<Document>(form(steps, value.clone()));
        assert_eq!(read.is_ok(), fits, "{steps}, {value}: {read:?}");
        let Ok(document) = read else { continue };
        let text = document.to_string();
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
        let bytes = wire::to_bytes(&document);
        assert_eq!(wire::from_bytes::<Document>(&bytes), Ok(document));
        let narrow = wire::Limits::default().depth(LEVELS - 1);
        assert!(wire::from_bytes_within::<Document>(&bytes, &narrow).unwrap_err().is_limit());
    }
}
