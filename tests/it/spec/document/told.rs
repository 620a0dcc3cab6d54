//! What a delta tells of where items stand. Which place an item gets is up to the library, within
//! the promises that the model checks: so the model takes places from the delta.

use super::model::{Item, Path, Step};
use rejoin::{ReplicaId, document::DocumentDelta};
use serde_json::Value as Json;

/// Where an item stands: text that sorts as places do.
pub(super) type Place = String;

/// How an item came to stand at a place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Import,
    End,
    Within,
    Pinned,
}

/// The run in which a place begins, the way in which that came to be, and the way in which the item
/// itself came to stand there.
pub(super) fn way_of(place: &Place) -> (&str, Way, Way) {
    // An edit that is refused gives none; what the model makes of it is dropped.
    if place.is_empty() {
        return ("", Way::Within, Way::Within);
    }
    let levels = levels(place);
    (levels[0].0, levels[0].1, levels[levels.len() - 1].1)
}

/// How many levels a place has.
pub(crate) fn depth(place: &str) -> usize {
    levels(place).len()
}

/// Each level of a place that is not empty: the place up to its owner, and the way.
fn levels(place: &str) -> Vec<(&str, Way)> {
    let byte = |at: usize| u8::from_str_radix(&place[2 * at..2 * at + 2], 16).unwrap();
    let integer = |at: usize| match byte(at) {
        head @ 0x38..0x40 => usize::from(1 + 0x40 - head),
        head @ 0xc0..0xc8 => usize::from(1 + head - 0xbf),
        _ => 1,
    };
    let (mut at, mut levels) = (0, Vec::new());
    while 2 * at < place.len() {
        at += integer(at);
        // The name, with something after each zero in it, ends with two zeros.
        while byte(at) != 0 || byte(at + 1) != 0 {
            at += if byte(at) == 0 { 2 } else { 1 };
        }
        at += 2;
        at += integer(at) + 1;
        let way = [Way::Import, Way::End, Way::Within, Way::Pinned][usize::from(byte(at - 1))];
        levels.push((&place[..2 * at], way));
        at += integer(at);
    }
    levels
}

/// The items that are given a place, with their paths.
pub(super) fn places(delta: &DocumentDelta) -> Vec<(Path, Place)> {
    let form = serde_json::to_value(delta).unwrap();
    let mut paths = vec![Path::new()];
    for path in form["paths"].as_array().unwrap() {
        let from = &paths[number(&path[0])];
        paths.push([&from[..], &[step(&path[1])]].concat());
    }
    let lanes = form["writes"].as_object().unwrap().values();
    let live = lanes.flat_map(|lane| lane["live"].as_array().unwrap());
    let place = |entry: &Json| {
        let write = &entry[1];
        let place = write.get("place")?.as_str().unwrap().to_owned();
        Some((paths[number(&write["path"])].clone(), place))
    };
    live.filter_map(place).collect()
}

fn number(number: &Json) -> usize {
    usize::try_from(number.as_u64().unwrap()).unwrap()
}

fn step(step: &Json) -> Step {
    let nth = || step.get("nth").map_or(0, number);
    if let Some(name) = step.as_str() {
        Step::Field(name.into())
    } else if let Some(key) = step.get("key") {
        Step::Item(Item::Keyed(serde_json::from_value(key.clone()).unwrap(), nth()))
    } else if let Some(content) = step.get("like") {
        Step::Item(Item::Like(content.as_u64().unwrap(), nth()))
    } else {
        let made = &step["made"];
        let replica: ReplicaId = serde_json::from_value(made["replica"].clone()).unwrap();
        Step::Item(Item::Made(replica, made["counter"].as_u64().unwrap()))
    }
}
