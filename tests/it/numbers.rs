//! Numbers: every one that is written comes back as it was, or is refused by its name and path.
//!
//! Also built with `serde_json/arbitrary_precision`, which any crate of a user's build may turn on:
//! then `serde_json` keeps numbers as the texts that they are read from.

use crate::{at, replica};
use proptest::{collection::vec, prelude::*};
use rejoin::{
    Document, Merge, ReplicaId,
    document::{DocumentError, Input, Number, Rules, Value},
    value::NumberError,
};
use serde::Serialize;
use serde_json::{Value as Json, json};
use std::{
    collections::{BTreeMap, HashMap},
    fmt::Debug,
};

fn us() -> ReplicaId {
    replica("us-east-1")
}

fn parsed(text: &str) -> Json {
    serde_json::from_str(text).unwrap()
}

/// Whether this build keeps numbers as texts.
fn keeps_texts() -> bool {
    !parsed("18446744073709551616").to_string().contains('e')
}

/// Texts of numbers that are no 64-bit integer, and that no float is.
const OTHERS: [&str; 14] = [
    "18446744073709551616",
    "18446744073709551617",
    "-9223372036854775809",
    "340282366920938463463374607431768211456",
    "10000000000000000000000000000000000000000",
    "1e400",
    "-1e400",
    "1e99999999999999999999",
    "1e-400",
    "1e-99999999999999999999",
    "0.10000000000000000001",
    "12345678901234567890.12",
    "9007199254740993.0",
    "0.12345678901234567891",
];

/// Texts of numbers, and how `serde_json` writes each one where it keeps no texts.
const OURS: [(&str, &str); 26] = [
    ("0", "0"),
    ("-0", "-0.0"),
    ("-1", "-1"),
    ("18446744073709551615", "18446744073709551615"),
    ("-9223372036854775808", "-9223372036854775808"),
    ("9007199254740993", "9007199254740993"),
    ("0.0", "0.0"),
    ("-0.0", "-0.0"),
    ("0e99999999999999999999", "0.0"),
    ("0.000", "0.0"),
    ("1.0", "1.0"),
    ("1.50", "1.5"),
    ("0.1", "0.1"),
    ("0.10000000000000001", "0.1"),
    ("0.1000000000000000055511151231257827021181583404541015625", "0.1"),
    ("1e2", "100.0"),
    ("1E+2", "100.0"),
    ("100e-1", "10.0"),
    ("1e300", "1e300"),
    ("18446744073709551616.0", "1.8446744073709552e19"),
    ("1.8446744073709552e19", "1.8446744073709552e19"),
    ("1.7976931348623157e308", "1.7976931348623157e308"),
    ("5e-324", "5e-324"),
    ("4.9406564584124654e-324", "5e-324"),
    ("2.2250738585072014e-308", "2.2250738585072014e-308"),
    ("5.684341886080802e-14", "5.684341886080802e-14"),
];

#[track_caller]
fn is_refused<T: Debug>(result: Result<T, DocumentError>, path: &str, number: &str) {
    let error = result.unwrap_err();
    assert!(error.is_invalid_number(), "{error}");
    assert_eq!(error.path(), Some(path), "{error}");
    let place = if path.is_empty() { "the root" } else { path };
    let says = format!(
        "{place} is {number}, which is neither a 64-bit integer nor a finite 64-bit float: write \
         it as a string"
    );
    assert_eq!(error.to_string(), says);
}

/// Every way to write refuses an input with the number at `inside`, and changes nothing.
fn every_write_refuses(input: &Input<'_>, inside: &str, number: &str) {
    let base = json!({"list": ["a"], "x": 1});
    let mut ours = Document::from_json(&base, us(), at(1)).unwrap();
    let mut theirs = ours.clone();
    ours.set("/x", 2, us(), at(2)).unwrap();
    theirs.set("/x", 3, replica("eu-west-1"), at(2)).unwrap();
    ours.merge(&theirs);
    let before = ours.clone();
    let input = || input.clone();
    let below = |path: &str| format!("{path}{inside}");

    is_refused(ours.set("", input(), us(), at(3)), inside, number);
    is_refused(ours.set("/x", input(), us(), at(3)), &below("/x"), number);
    is_refused(ours.set("/a~1b", input(), us(), at(3)), &below("/a~1b"), number);
    is_refused(ours.set("/list/-", input(), us(), at(3)), &below("/list/-"), number);
    is_refused(ours.insert("/list/0", input(), us(), at(3)), &below("/list/0"), number);
    is_refused(ours.push("/list", input(), us(), at(3)), &below("/list/-"), number);
    is_refused(ours.update(input(), us(), at(3)), inside, number);
    is_refused(ours.resolve("/x", input(), us(), at(3)), &below("/x"), number);
    is_refused(Document::from_value(input(), us(), at(3)), inside, number);
    let keys = Rules::new().keyed("/*", "id").unwrap();
    is_refused(Document::from_value_with(keys, input(), us(), at(3)), inside, number);
    let clock = [(us(), 1)].into_iter().collect();
    is_refused(Document::from_snapshot(input(), &clock, us(), at(3)), inside, number);
    assert_eq!(ours, before);
    let mut edit = ours.edit(us(), at(3));
    edit.set("/y", 1).unwrap();
    is_refused(edit.set("/x", input()).map(|_| ()), &below("/x"), number);
    assert_eq!(edit.get("/y"), Some(1.into()));
}

#[test]
fn a_float_that_is_not_finite_is_never_written_as_null() {
    for (float, name) in [(f64::NAN, "NaN"), (f64::INFINITY, "inf"), (f64::NEG_INFINITY, "-inf")] {
        #[allow(clippy::cast_possible_truncation)]
        let narrow = float as f32;
        every_write_refuses(&float.into(), "", name);
        every_write_refuses(&(&float).into(), "", name);
        every_write_refuses(&narrow.into(), "", name);
        every_write_refuses(&(&narrow).into(), "", name);
        every_write_refuses(&Some(float).into(), "", name);
        every_write_refuses(&vec![1.0, float].into(), "/1", name);
        every_write_refuses(&(&vec![1.0, float]).into(), "/1", name);
        every_write_refuses(&[float, 1.0].into(), "/0", name);
        every_write_refuses(&(&[1.0, float]).into(), "/1", name);
        every_write_refuses(&[1.0, float][..].into(), "/1", name);
        every_write_refuses(&vec![vec![], vec![Some(float)]].into(), "/1/0", name);
        let fields = BTreeMap::from([("a/b", [0.5, float])]);
        every_write_refuses(&(&fields).into(), "/a~1b/1", name);
        every_write_refuses(&fields.into(), "/a~1b/1", name);
        let fields = HashMap::from([("price", float)]);
        every_write_refuses(&(&fields).into(), "/price", name);
        every_write_refuses(&fields.into(), "/price", name);
        let error = Number::try_from(float).unwrap_err();
        assert_eq!((error.path(), error.number()), ("", name));
    }
}

#[derive(Serialize)]
struct Reading {
    values: Vec<f32>,
    by_name: BTreeMap<u8, Kind>,
}

#[derive(Serialize)]
enum Kind {
    Nothing,
    One(f64),
    Two(u8, f64),
    Named { value: Option<f64> },
    Large(u128),
    Deep(i128),
}

#[derive(Serialize)]
struct Wrapped(f64);

#[derive(Serialize)]
struct Pair(u8, f64);

#[test]
fn what_a_type_serializes_as_is_never_null_instead_of_a_number() {
    let reading = |values: &[f32], kind| Reading {
        values: values.to_vec(),
        by_name: BTreeMap::from([(7, Kind::Nothing), (9, kind)]),
    };
    let refuses = |value: &dyn Fn() -> Reading, path: &str, number: &str| {
        every_write_refuses(&Input::serialize(&value()).unwrap(), path, number);
    };
    let nan = f64::NAN;
    refuses(&|| reading(&[1.0, f32::NAN], Kind::Nothing), "/values/1", "NaN");
    refuses(&|| reading(&[], Kind::One(nan)), "/by_name/9/One", "NaN");
    refuses(&|| reading(&[], Kind::Two(1, f64::INFINITY)), "/by_name/9/Two/1", "inf");
    refuses(&|| reading(&[], Kind::Named { value: Some(nan) }), "/by_name/9/Named/value", "NaN");
    let large = u128::from(u64::MAX) + 1;
    refuses(&|| reading(&[], Kind::Large(large)), "/by_name/9/Large", "18446744073709551616");
    let deep = i128::from(i64::MIN) - 1;
    refuses(&|| reading(&[], Kind::Deep(deep)), "/by_name/9/Deep", "-9223372036854775809");
    every_write_refuses(&Input::serialize(&Wrapped(nan)).unwrap(), "", "NaN");
    every_write_refuses(&Input::serialize(&Pair(1, nan)).unwrap(), "/1", "NaN");
    every_write_refuses(&Input::serialize(&(true, 'x', nan)).unwrap(), "/2", "NaN");

    let kinds = [
        Kind::Nothing,
        Kind::One(0.1),
        Kind::Two(1, 0.5),
        Kind::Named { value: None },
        Kind::Large(u64::MAX.into()),
        Kind::Deep(i64::MIN.into()),
        Kind::Deep(7),
    ];
    let mut document = Document::new();
    for kind in kinds {
        let reading = reading(&[0.25, -0.0], kind);
        document.update(Input::serialize(&reading).unwrap(), us(), at(1)).unwrap();
        assert_eq!(document.to_json(), serde_json::to_value(&reading).unwrap());
    }
    let narrow = Document::from_value(0.1_f32, us(), at(1)).unwrap();
    let serialized = Input::serialize(&0.1_f32).unwrap();
    assert_eq!(narrow, Document::from_value(serialized, us(), at(1)).unwrap());
    assert_eq!(narrow.get(""), Some(f64::from(0.1_f32).into()));
    let error = Input::serialize(&BTreeMap::from([((1, 2), 3)])).unwrap_err();
    assert!(error.to_string().contains("key must be a string"), "{error}");
}

/// A map that is serialized key by key, and bytes.
struct Apart;

impl Serialize for Apart {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_key(&true)?;
        map.serialize_value(&1)?;
        map.serialize_key("b~")?;
        map.serialize_value(&[f64::NAN])?;
        map.end()
    }
}

#[test]
fn a_map_that_is_serialized_key_by_key_names_its_fields() {
    every_write_refuses(&Input::serialize(&Apart).unwrap(), "/b~0/0", "NaN");
}

#[test]
fn numbers_that_are_ours_come_back_as_they_were() {
    for (text, written) in OURS {
        let json = parsed(&format!(r#"{{"n":[{text}]}}"#));
        let ordinary = format!(r#"{{"n":[{written}]}}"#);
        let value = Value::try_from(&json).unwrap();
        assert_eq!(Value::try_from(json.clone()).unwrap(), value);
        // From a text that it keeps, `serde_json` hands this one on as the integer 0.
        if text != "-0" {
            assert_eq!(serde_json::from_value::<Value>(json.clone()).unwrap(), value, "{text}");
        }
        assert_eq!(serde_json::from_str::<Value>(&json.to_string()).unwrap(), value, "{text}");
        let document = Document::from_json(&json, us(), at(1)).unwrap();
        assert_eq!(document, Document::from_value(&value, us(), at(1)).unwrap());
        assert_eq!(
            document,
            Document::from_value(
                [("n", [&json["n"][0]])].into_iter().collect::<BTreeMap<_, _>>(),
                us(),
                at(1)
            )
            .unwrap()
        );
        let serialized = Input::serialize(&json).unwrap();
        assert_eq!(document, Document::from_value(serialized, us(), at(1)).unwrap(), "{text}");
        // Some versions of `serde_json` write the sign of every exponent.
        let plain = |text: String| text.replace("e+", "e");
        assert_eq!(plain(document.to_json().to_string()), ordinary);
        assert_eq!(plain(serde_json::to_string(&value).unwrap()), ordinary);
        assert_eq!(serde_json::from_str::<Value>(&document.to_string()).unwrap(), value);
        assert_eq!(document.to::<Value>().unwrap(), value);
        assert_eq!(document.to::<Json>().unwrap(), document.to_json());
        let float: f64 = written.parse().unwrap();
        assert_eq!(document.at("/n/0").unwrap().to::<f64>().unwrap().to_bits(), float.to_bits());
        if let Ok(natural) = written.parse::<u64>() {
            assert_eq!(document.at("/n/0").unwrap().to::<u64>().unwrap(), natural);
            assert_eq!(document.to::<BTreeMap<String, Vec<u64>>>().unwrap()["n"], [natural]);
        }
        let state = serde_json::to_string(&document).unwrap();
        assert_eq!(serde_json::from_str::<Document>(&state).unwrap(), document, "{state}");
        let state = serde_json::to_value(&document).unwrap();
        assert_eq!(serde_json::from_value::<Document>(state).unwrap(), document);
    }
}

#[test]
fn numbers_that_serde_json_keeps_as_texts_are_ours_or_refused() {
    if !keeps_texts() {
        return;
    }
    for text in OTHERS {
        // As `serde_json` spells exponents.
        let number = parsed(text).to_string();
        let json = parsed(&format!(r#"{{"a":[0,{{"price":{text}}}]}}"#));
        every_write_refuses(&(&json).into(), "/a/1/price", &number);
        every_write_refuses(&json["a"][1]["price"].clone().into(), "", &number);
        every_write_refuses(&vec![&json].into(), "/0/a/1/price", &number);
        every_write_refuses(&Input::serialize(&json).unwrap(), "/a/1/price", &number);
        is_refused(Document::from_json(&json, us(), at(1)), "/a/1/price", &number);
        for error in [Value::try_from(&json), Value::try_from(json.clone())].map(Result::unwrap_err)
        {
            assert_eq!((error.path(), error.number()), ("/a/1/price", &*number));
            let error = rejoin::Error::from(error);
            assert_eq!(error.as_number().map(NumberError::number), Some(&*number));
        }
        // `serde_json` hands this one on as the float that it is the shortest spelling of.
        let is_shortest = text.len() == 41;
        assert_eq!(serde_json::from_value::<Value>(json).is_ok(), is_shortest, "{text}");
        let error = serde_json::from_str::<Value>(&format!("[{text}]")).unwrap_err().to_string();
        assert!(error.contains(&number) && error.contains("neither a 64-bit integer"), "{error}");
    }
    // The key of no item, and not that of the item whose key is null.
    let keys = Rules::new().keyed("/l", "id").unwrap();
    let list = json!({"l": [{"id": null}]});
    let document = Document::from_json_with(keys, &list, us(), at(1)).unwrap();
    assert_eq!(document.item("/l", parsed("1e400")), None);
    assert_eq!(document.item("/l", f64::NAN), None);
    assert_eq!(document.item("/l", ()).as_deref(), Some("/l/0"));
}

/// Where no text is kept, `serde_json` reads them as floats before they are handed over.
#[test]
fn numbers_that_serde_json_has_read_as_floats_are_those_floats() {
    if keeps_texts() {
        return;
    }
    for text in OTHERS {
        let Ok(json) = serde_json::from_str::<Json>(text) else {
            assert!(serde_json::from_str::<Value>(text).is_err());
            continue;
        };
        let document = Document::from_json(&json, us(), at(1)).unwrap();
        assert_eq!(document.to_json(), json);
        assert_eq!(serde_json::from_str::<Value>(text).unwrap(), Value::try_from(json).unwrap());
    }
}

#[test]
fn integers_of_128_bits_are_taken_if_64_hold_them() {
    use serde::de::{Deserialize, IntoDeserializer, value::Error};
    let natural = |it: u128| Value::deserialize(IntoDeserializer::<Error>::into_deserializer(it));
    let integer = |it: i128| Value::deserialize(IntoDeserializer::<Error>::into_deserializer(it));
    assert_eq!(natural(u64::MAX.into()).unwrap(), Value::from(u64::MAX));
    assert_eq!(integer(u64::MAX.into()).unwrap(), Value::from(u64::MAX));
    assert_eq!(integer(i64::MIN.into()).unwrap(), Value::from(i64::MIN));
    for error in [natural(u128::MAX).unwrap_err(), integer(i128::MIN).unwrap_err()] {
        assert!(error.to_string().ends_with("neither a 64-bit integer nor a finite 64-bit float"));
    }
    assert!(integer(i128::MIN).unwrap_err().to_string().starts_with(&i128::MIN.to_string()));
}

#[test]
fn a_long_number_is_named_by_its_start() {
    if !keeps_texts() {
        return;
    }
    let json = parsed(&"9".repeat(1_000_000));
    let number = format!("{}...", "9".repeat(60));
    every_write_refuses(&json.into(), "", &number);
}

#[test]
fn the_last_of_fields_with_one_name_counts_in_values_as_in_serde_json() {
    let text = r#"{"a":1,"b":{"x":1,"x":[2]},"a":{"c":0.5}}"#;
    let value: Value = serde_json::from_str(text).unwrap();
    assert_eq!(value, Value::try_from(parsed(text)).unwrap());
    assert_eq!(value.to_string(), r#"{"a":{"c":0.5},"b":{"x":[2]}}"#);
    let document = Document::from_json(&parsed(text), us(), at(1)).unwrap();
    assert_eq!(document, Document::from_value(value, us(), at(1)).unwrap());
}

/// Digits with a point and an exponent anywhere.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "-?(0|[1-9][0-9]{0,24})(\\.[0-9]{1,24})?([eE][+-]?[0-9]{1,3})?",
        any::<f64>().prop_filter("finite", |it| it.is_finite()).prop_map(|it| format!("{it:e}")),
        (any::<f64>(), 0..20_usize)
            .prop_filter("finite", |it| it.0.is_finite())
            .prop_map(|(it, digits)| format!("{it:.digits$e}")),
        any::<u64>().prop_map(|it| it.to_string()),
        any::<i64>().prop_map(|it| it.to_string()),
    ]
}

/// The number that was refused, or whether all numbers came back.
fn comes_back_or_is_named(texts: &[String]) {
    let text = format!("[{}]", texts.join(","));
    // Without texts, what is infinite is refused before we see it.
    let Ok(json) = serde_json::from_str::<Json>(&text) else { return };
    let items = json.as_array().unwrap();
    let document = match Document::from_json(&json, us(), at(1)) {
        Ok(document) => document,
        Err(error) => {
            assert!(error.is_invalid_number() && keeps_texts(), "{error}");
            let path = error.path().unwrap();
            let number = json.pointer(path).unwrap().to_string();
            assert!(error.to_string().starts_with(&format!("{path} is {number}, ")), "{error}");
            // And rightly so: it is an integer that 64 bits do not hold, or no float prints it.
            assert!(number.parse::<u64>().is_err() && number.parse::<i64>().is_err(), "{number}");
            let nearest = number.parse::<f64>().unwrap();
            assert!(
                ![format!("{nearest:?}"), format!("{nearest:e}")].contains(&number),
                "{number}"
            );
            return;
        }
    };
    let back = document.to_json();
    let texts = items.iter().map(Json::to_string);
    for ((before, after), text) in items.iter().zip(back.as_array().unwrap()).zip(texts) {
        // As a text, `serde_json` takes this one for an integer, and else for a float.
        if text != "-0" {
            assert_eq!((before.as_u64(), before.as_i64()), (after.as_u64(), after.as_i64()));
        }
        let (before, after) = (before.as_f64().unwrap(), after.as_f64().unwrap());
        assert_eq!(before.to_bits(), after.to_bits());
    }
    if !keeps_texts() {
        assert_eq!(back, json);
    }
    // What came back stays as it is.
    assert_eq!(Document::from_json(&back, us(), at(1)).unwrap(), document);
    assert_eq!(document.to::<Value>().unwrap(), document.to_value().unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..<_>::default() })]

    #[test]
    fn any_number_comes_back_or_is_refused_by_its_name(texts in vec(texts(), 1..4)) {
        comes_back_or_is_named(&texts);
    }

    /// Whatever a float is printed as, by anybody, is that float.
    #[test]
    fn every_spelling_of_a_float_is_taken(bits: u64, digits in 16..30_usize) {
        let float = f64::from_bits(bits);
        prop_assume!(float.is_finite());
        for text in [format!("{float:?}"), format!("{float:e}"), format!("{float:.digits$e}"), json!(float).to_string()] {
            let value = Value::try_from(parsed(&text)).unwrap();
            prop_assert_eq!(value.as_f64().map(f64::to_bits), Some(bits));
            prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        }
    }
}

#[test]
fn the_powers_of_two_are_taken_as_they_are_spelled() {
    let powers = (0..52).map(|power| 1 << power).chain((1..2047).map(|power| power << 52));
    for float in powers.map(f64::from_bits) {
        for float in [
            float,
            f64::from_bits(float.to_bits() + 1),
            f64::from_bits(float.to_bits().saturating_sub(1)),
        ] {
            for text in [
                format!("{float:e}"),
                format!("{float:.16e}"),
                format!("{float:.800e}"),
                json!(float).to_string(),
            ] {
                let value: Value = serde_json::from_str(&text).unwrap();
                assert_eq!(value.as_f64(), Some(float), "{text}");
            }
        }
    }
}
