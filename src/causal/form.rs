//! The serde form of the kernel: per replica the counters seen, as closed intervals, and the
//! live ones with their payloads.
//!
//! ```json
//! { "us-east-1": { "seen": [[1, 5]], "live": [[3, "ana"], [5, "bo"]] } }
//! ```

use super::{CausalContext, Dot, DotKernel, intervals::Intervals};
use crate::{listed::Listed, replica::ReplicaId};
use alloc::vec::Vec;
use core::{fmt, hash::Hash, marker::PhantomData};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, MapAccess, Visitor},
};

impl Serialize for Intervals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(|interval| (interval.first, interval.last)))
    }
}

impl<'de> Deserialize<'de> for Intervals {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut intervals = Self::default();
        for (first, last) in Listed::<(u64, u64)>::deserialize(deserializer)?.0 {
            if !intervals.try_append(first, last) {
                return Err(D::Error::custom(format_args!(
                    "the interval {first} to {last} is empty, starts below 1, or does not lie \
                     apart from and after the one before it"
                )));
            }
        }
        Ok(intervals)
    }
}

impl Serialize for CausalContext {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.lanes.iter().map(|lane| (lane.0, &lane.1)))
    }
}

impl<'de> Deserialize<'de> for CausalContext {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let readable = deserializer.is_human_readable();
        let lanes = Lanes::<Intervals>::read(deserializer)?;
        let mut context = Self::new();
        for (replica, seen) in in_order(lanes, readable)? {
            if seen.is_empty() {
                return Err(D::Error::custom(format_args!("nothing was seen of {replica}")));
            }
            context.lanes.push((replica, seen));
        }
        Ok(context)
    }
}

/// What is known of one replica, borrowed or owned.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lane<S, L> {
    seen: S,
    live: L,
}

impl<P: Serialize> Serialize for DotKernel<P> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Mapped { kernel: self, map: |payload| payload }.serialize(serializer)
    }
}

/// A kernel whose payloads are written out as something else.
pub(crate) struct Mapped<'a, P, F> {
    pub(crate) kernel: &'a DotKernel<P>,
    pub(crate) map: F,
}

impl<'a, P, Q: Serialize, F: Fn(&'a P) -> Q> Serialize for Mapped<'a, P, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let lanes = self.kernel.context().lanes.iter().zip(self.kernel.live_rows());
        serializer.collect_map(lanes.map(|((replica, seen), (_, blocks))| {
            let live = blocks.flat_map(|(_, block)| block.live());
            let live: Vec<(u64, Q)> =
                live.map(|(counter, payload)| (counter, (self.map)(payload))).collect();
            (replica, Lane { seen, live })
        }))
    }
}

impl<'de, P: Deserialize<'de> + Hash> Deserialize<'de> for DotKernel<P> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let readable = deserializer.is_human_readable();
        let lanes = Lanes::<Lane<Intervals, Listed<(u64, P)>>>::read(deserializer)?;
        let mut context = CausalContext::new();
        let mut dots = Vec::new();
        for (replica, Lane { seen, live }) in in_order(lanes, readable)? {
            if seen.is_empty() {
                return Err(D::Error::custom(format_args!("nothing was seen of {replica}")));
            }
            let mut before = 0;
            for (counter, payload) in live.0 {
                if counter <= before || !seen.contains(counter) {
                    return Err(D::Error::custom(format_args!(
                        "the live dot {replica}:{counter} is out of order or was never seen"
                    )));
                }
                dots.push((Dot::of(replica, counter), payload));
                before = counter;
            }
            context.lanes.push((replica, seen));
        }
        Ok(Self::assemble(context, dots))
    }
}

/// A map by replica, as a list.
struct Lanes<L>(PhantomData<L>);

impl<'de, L: Deserialize<'de>> Lanes<L> {
    fn read<D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(ReplicaId, L)>, D::Error> {
        deserializer.deserialize_map(Self(PhantomData))
    }
}

impl<'de, L: Deserialize<'de>> Visitor<'de> for Lanes<L> {
    type Value = Vec<(ReplicaId, L)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map by replica id")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut lanes = Vec::new();
        while let Some(lane) = map.next_entry()? {
            lanes.push(lane);
        }
        Ok(lanes)
    }
}

/// Objects that people write come in any order; the compact form has one order. Nobody may name
/// a replica twice.
fn in_order<L, E: Error>(
    lanes: Vec<(ReplicaId, L)>,
    readable: bool,
) -> Result<Vec<(ReplicaId, L)>, E> {
    let lanes = if readable {
        let order = order(&lanes.iter().map(|lane| lane.0).collect::<Vec<_>>());
        let mut lanes: Vec<_> = lanes.into_iter().map(Some).collect();
        order.into_iter().filter_map(|at| lanes[at].take()).collect()
    } else {
        lanes
    };
    match lanes.windows(2).find(|pair| pair[0].0 >= pair[1].0) {
        Some(pair) => {
            let replica = pair[1].0;
            Err(E::custom(format_args!("replica {replica} is repeated or out of order")))
        }
        None => Ok(lanes),
    }
}

/// The order in which some ids are sorted. Apart, so that what sorts is compiled once.
fn order(ids: &[ReplicaId]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..ids.len()).collect();
    order.sort_by_key(|at| ids[*at]);
    order
}
