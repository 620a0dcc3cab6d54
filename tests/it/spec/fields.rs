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
    by_path: BTreeMap<Path, Vec<usize>>,
}

impl Model {
    /// What `known` holds at a path, and inside it.
    pub(crate) fn alive(&self, known: &Known, path: &[String]) -> Vec<usize> {
        let from = self.by_path.range(path.to_vec()..);
        let inside = from.take_while(|(other, _)| other.starts_with(path)).flat_map(|it| it.1);
        inside.copied().filter(|it| known.holds(*it)).collect()
    }

    pub(crate) fn add(&mut self, write: Write) -> usize {
        let number = self.writes.len();
        self.by_path.entry(write.path.clone()).or_default().push(number);
        self.writes.push(write);
        number
    }

    /// What is read of one field: the greatest (time, replica), and all that was counted on it.
    fn value(&self, alive: &[usize]) -> Json {
        let (mut greatest, mut counted) = (None, Vec::new());
        for Write { written, time, replica, .. } in alive.iter().map(|it| &self.writes[*it]) {
            match written {
                Written::Count(by) => counted.push(*by),
                Written::Value(value) => {
                    let ranked = ((*time, *replica), value);
                    greatest = greatest.filter(|it: &(_, &Json)| it.0 > ranked.0).or(Some(ranked));
                }
            }
        }
        let value = greatest.map(|it| it.1);
        match counted.as_slice() {
            [] => value.unwrap().clone(),
            by => json!(value.map_or(0, |it| it.as_i64().unwrap()) + by.iter().sum::<i64>()),
        }
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
