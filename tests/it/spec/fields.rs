//! The fields of a conversation are the writes that somebody knows of, less those that he knows to
//! be overwritten or deleted: for [`corpus`](crate::corpus).

use rejoin::ReplicaId;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

/// The way to a message, and the pointer of a field inside it. Fields beside the messages have
/// the pointer alone.
pub(crate) type Path = Vec<String>;

#[derive(Clone, PartialEq)]
pub(crate) enum Written {
    Value(Json),
    Count(i64),
}

/// One write of one field.
pub(crate) struct Write {
    pub(crate) path: Path,
    pub(crate) written: Written,
    pub(crate) time: u64,
    pub(crate) replica: ReplicaId,
}

/// What a write has to do with increments, by their numbers.
#[derive(Default)]
struct Counts {
    /// Those that an increment tells of: itself, and those that it goes on from.
    told: BTreeSet<usize>,
    /// Those that its writer has seen to be replaced.
    replaced: BTreeSet<usize>,
}

/// What somebody knows of: the numbers of writes, and of those that were written over, or
/// deleted, by one who had seen them. To hear from another is to know what both knew.
#[derive(Clone, Default)]
pub(crate) struct Known {
    pub(crate) written: BTreeSet<usize>,
    pub(crate) over: BTreeSet<usize>,
}

impl Known {
    pub(crate) fn learn(&mut self, other: &Self) {
        self.written.extend(&other.written);
        self.over.extend(&other.over);
    }

    fn holds(&self, write: usize) -> bool {
        self.written.contains(&write) && !self.over.contains(&write)
    }
}

/// All writes there ever were.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) writes: Vec<Write>,
    counts: Vec<Counts>,
    by_path: BTreeMap<Path, Vec<usize>>,
}

impl Model {
    /// What `known` holds at a path, and inside it.
    pub(crate) fn alive(&self, known: &Known, path: &[String]) -> Vec<usize> {
        let from = self.by_path.range(path.to_vec()..);
        let inside = from.take_while(|(other, _)| other.starts_with(path)).flat_map(|it| it.1);
        inside.copied().filter(|it| known.holds(*it)).collect()
    }

    /// Adds a write to what is news, beside those that are `there` as far as its writer knows.
    pub(crate) fn add(&mut self, write: Write, there: &[usize], news: &mut Known) {
        let number = self.writes.len();
        let mut counts = Counts::default();
        let at_path = self.by_path.entry(write.path.clone()).or_default();
        let is_own = |it: &&usize| {
            let other = &self.writes[**it];
            matches!(other.written, Written::Count(_)) && other.replica == write.replica
        };
        if let Written::Count(_) = write.written {
            let own: Vec<usize> = there.iter().filter(is_own).copied().collect();
            match own.as_slice() {
                // Nothing of its own is there: what it had counted before was replaced, or deleted.
                [] => counts.replaced.extend(at_path.iter().filter(is_own)),
                own => own.iter().for_each(|it| {
                    counts.told.extend(&self.counts[*it].told);
                    counts.replaced.extend(&self.counts[*it].replaced);
                }),
            }
            counts.told.insert(number);
            news.over.extend(own);
        } else {
            for seen in there.iter().filter(|it| news.over.contains(*it)) {
                counts.replaced.extend(&self.counts[*seen].told);
                counts.replaced.extend(&self.counts[*seen].replaced);
            }
        }
        at_path.push(number);
        self.writes.push(write);
        self.counts.push(counts);
        news.written.insert(number);
    }

    /// What is read of one field: the greatest (time, replica), and all that was counted on it.
    fn value(&self, alive: &[usize]) -> Json {
        let (mut greatest, mut is_count) = (None, false);
        for Write { written, time, replica, .. } in alive.iter().map(|it| &self.writes[*it]) {
            match written {
                Written::Count(_) => is_count = true,
                Written::Value(value) => {
                    let ranked = ((*time, *replica), value);
                    greatest = greatest.filter(|it: &(_, &Json)| it.0 > ranked.0).or(Some(ranked));
                }
            }
        }
        let value = greatest.map(|it| it.1);
        if !is_count {
            return value.unwrap().clone();
        }
        let counts = || alive.iter().map(|it| &self.counts[*it]);
        let told: BTreeSet<usize> = counts().flat_map(|it| &it.told).copied().collect();
        let replaced = counts().flat_map(|it| &it.replaced).copied().collect();
        let by = told.difference(&replaced).map(|it| match self.writes[*it].written {
            Written::Count(by) => by,
            Written::Value(_) => 0,
        });
        json!(value.map_or(0, |it| it.as_i64().unwrap()) + by.sum::<i64>())
    }

    /// Every field that is read.
    pub(crate) fn fields(&self, known: &Known) -> BTreeMap<&Path, Json> {
        let value = |writes: &Vec<usize>| {
            let alive: Vec<usize> = writes.iter().copied().filter(|it| known.holds(*it)).collect();
            (!alive.is_empty()).then(|| self.value(&alive))
        };
        let fields = self.by_path.iter();
        fields.filter_map(|(path, writes)| Some((path, value(writes)?))).collect()
    }
}
