//! What a delta tells of where items stand. Which place an item gets is up to the library, within
//! the promises that the model checks: so the model takes places from the delta.

use super::model::{Item, Path, Step};
use rejoin::{ReplicaId, document::DocumentDelta};
use serde_json::Value as Json;

/// Where an item stands: text that sorts as places do.
pub(super) type Place = String;

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
