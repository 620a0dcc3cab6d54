//! The serde form of logs.

use super::{Entry, Log};
use crate::merge::DeltaState;
use alloc::vec::Vec;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// Where it starts, the state there, and each delta with the first and the last of its positions.
#[derive(Serialize, Deserialize)]
struct Form<S, D> {
    from: Option<u64>,
    state: S,
    deltas: Vec<(u64, u64, D)>,
}

impl<T: DeltaState<Delta: Serialize> + Serialize> Serialize for Log<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let deltas = self.entries.iter().map(|it| (it.first, it.last, &it.delta)).collect();
        Form { from: self.from, state: &self.base, deltas }.serialize(serializer)
    }
}

impl<'de, T: DeltaState<Delta: Deserialize<'de>> + Deserialize<'de>> Deserialize<'de> for Log<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = Form::<T, T::Delta>::deserialize(deserializer)?;
        let entry = |(first, last, delta)| Entry { first, last, delta };
        let log =
            Self::of_parts(form.from, form.state, form.deltas.into_iter().map(entry).collect());
        log.ok_or_else(|| D::Error::custom("the positions of a log are out of order"))
    }
}
