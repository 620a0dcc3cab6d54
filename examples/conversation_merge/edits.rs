//! Edits at random, as three regions make them apart.

use crate::{Failure, merging::replica, random::Random};
use rejoin::{
    Document, Merge, ReplicaId, Timestamp,
    document::{DocumentDelta, DocumentError},
};
use serde_json::{Value as Json, json};

const REGIONS: [&str; 3] = ["us-east-1", "eu-west-1", "ap-southeast-1"];
/// How far each region's clock is off: one is right, one slow, one fast.
const CLOCKS_MS: [u64; 3] = [300_000, 0, 420_000];
const EDITS_PER_REGION: usize = 36;
/// When all regions had the tree alike.
pub(crate) const IMPORTED_MS: u64 = 1_717_236_600_000;

/// One region's side of one tree.
pub(crate) struct Region {
    id: ReplicaId,
    pub(crate) document: Document,
    /// Of each edit.
    pub(crate) deltas: Vec<DocumentDelta>,
    /// The messages that this region may pick to edit.
    known: Vec<String>,
    /// What its clock shows at the start.
    start_ms: u64,
}

/// Forks `base` into three regions, and lets each make its edits to what it then sees.
pub(crate) fn edit_everywhere(
    base: &Document,
    known: &[String],
    random: &mut Random,
) -> Result<Vec<Region>, Failure> {
    let mut regions = Vec::new();
    for (name, clock_ms) in REGIONS.into_iter().zip(CLOCKS_MS) {
        regions.push(Region {
            id: replica(name)?,
            document: base.clone(),
            deltas: Vec::new(),
            known: known.to_vec(),
            start_ms: IMPORTED_MS + clock_ms,
        });
    }
    delete_what_others_edit(&mut regions, known, random)?;
    for round in 1..EDITS_PER_REGION {
        if round == EDITS_PER_REGION / 2 {
            link_up_for_a_moment(&mut regions, random);
        }
        for region in &mut regions {
            region.edit(round, random)?;
        }
    }
    Ok(regions)
}

/// The case that is easiest to get wrong, in each tree once for certain.
fn delete_what_others_edit(
    regions: &mut [Region],
    messages: &[String],
    random: &mut Random,
) -> Result<(), DocumentError> {
    let message = messages.get(random.below(messages.len())).map_or("", String::as_str);
    let deleting = random.below(regions.len());
    for (at, region) in regions.iter_mut().enumerate() {
        if at == deleting {
            region.delete(message, 0)?;
        } else {
            region.reword(message, 0)?;
        }
    }
    Ok(())
}

/// One region hears from another. From here on their edits share a part of their history, as
/// those of real replicas do.
fn link_up_for_a_moment(regions: &mut [Region], random: &mut Random) {
    let from = random.below(regions.len());
    let to = (from + 1 + random.below(regions.len() - 1)) % regions.len();
    let heard = regions[from].document.clone();
    regions[to].document.merge(&heard);
}

impl Region {
    fn edit(&mut self, round: usize, random: &mut Random) -> Result<(), DocumentError> {
        // The lesser of two draws: some messages are edited more than others, as in life.
        let pick = random.below(self.known.len()).min(random.below(self.known.len()));
        let message = self.known.get(pick).cloned().unwrap_or_default();
        match random.below(18) {
            0..=5 => self.reword(&message, round),
            6..=8 => self.react(&message, round, random),
            9 | 10 => self.delete(&message, round),
            11 => self.set("/title", json!(format!("{} {round}", self.id)), round),
            12 => self.set("/status", json!("resolved"), round),
            13 => self.set("/status", json!({"state": "escalated", "by": self.id}), round),
            14 | 15 => self.relocate(&message, round, random),
            _ => self.reply(&message, round),
        }
    }

    /// Where a message stands here, as of now.
    fn item(&self, message: &str) -> Option<String> {
        self.document.item("/messages", message)
    }

    fn reword(&mut self, message: &str, round: usize) -> Result<(), DocumentError> {
        let Some(item) = self.item(message) else { return self.reply(message, round) };
        let path = format!("{item}/text");
        let text = format!("Reworded in {}, round {round}.", self.id);
        self.set(&path, json!(text), round)
    }

    fn reply(&mut self, parent: &str, round: usize) -> Result<(), DocumentError> {
        let message = format!("{}/{round}", self.id);
        let text = format!("Added in {}, round {round}.", self.id);
        let fields = json!({"message_id": message, "parent_id": parent, "role": "assistant",
            "rank": 0, "text": text});
        let delta = self.document.push("/messages", fields, self.id, self.now(round))?;
        self.deltas.push(delta);
        self.known.push(message);
        Ok(())
    }

    fn react(
        &mut self,
        message: &str,
        round: usize,
        random: &mut Random,
    ) -> Result<(), DocumentError> {
        let Some(item) = self.item(message) else { return self.reply(message, round) };
        let emojis = format!("{item}/emojis");
        let reaction = ["+1", "-1", "heart"][random.below(3)];
        let now = self.now(round);
        let mut edit = self.document.edit(self.id, now);
        if edit.get(&emojis).is_none() {
            edit.set(&emojis, json!({}))?;
        }
        edit.increment(&format!("{emojis}/{reaction}"), 1)?;
        let delta = edit.commit();
        self.deltas.push(delta);
        Ok(())
    }

    fn delete(&mut self, message: &str, round: usize) -> Result<(), DocumentError> {
        let Some(item) = self.item(message) else { return self.reply(message, round) };
        let delta = self.document.remove(&item, self.id, self.now(round))?;
        self.deltas.push(delta);
        Ok(())
    }

    fn relocate(
        &mut self,
        message: &str,
        round: usize,
        random: &mut Random,
    ) -> Result<(), DocumentError> {
        let Some(item) = self.item(message) else { return self.reply(message, round) };
        let to = random.below(self.document.at("/messages").map_or(0, |list| list.len()));
        let delta = self.document.move_item(&item, to, self.id, self.now(round))?;
        self.deltas.push(delta);
        Ok(())
    }

    fn set(&mut self, path: &str, value: Json, round: usize) -> Result<(), DocumentError> {
        let delta = self.document.set(path, value, self.id, self.now(round))?;
        self.deltas.push(delta);
        Ok(())
    }

    fn now(&self, round: usize) -> Timestamp {
        Timestamp::from_millis(self.start_ms + round as u64 * 20_000)
    }
}
