//! A type of your own over a `DotKernel`: a poll, in which votes are given, changed and withdrawn.
//! If one person votes twice concurrently, the greater vote counts. The laws are checked, as a test
//! would do.

use rejoin::{
    DeltaState, Merge, ReplicaId, WriteError,
    causal::{Digest, Dot, DotKernel},
};
use std::{collections::BTreeMap, error::Error};

/// Each payload is one vote: a person, and a choice. The kernel is its own delta.
type Votes = DotKernel<(&'static str, u8)>;

#[derive(Clone, Debug, Default, PartialEq)]
struct Poll(Votes);

impl Poll {
    /// One choice for each person.
    fn result(&self) -> BTreeMap<&str, u8> {
        let mut votes: Vec<_> = self.0.payloads().copied().collect();
        votes.sort_unstable(); // the greatest of each person last, which stays
        votes.into_iter().collect()
    }

    /// The votes of one person that are seen here: what the next one replaces.
    fn seen(&self, person: &str) -> Vec<Dot> {
        self.0.iter().filter(|(_, vote)| vote.0 == person).map(|(dot, _)| dot).collect()
    }

    fn vote(&mut self, who: &'static str, choice: u8, by: ReplicaId) -> Result<Votes, WriteError> {
        self.0.write((who, choice), &self.seen(who), by)
    }

    fn withdraw(&mut self, who: &str, by: ReplicaId) -> Result<Votes, WriteError> {
        self.0.erase(&self.seen(who), by)
    }
}

impl Merge for Poll {
    fn merge(&mut self, other: &Self) -> bool {
        self.0.merge(&other.0)
    }
}

impl DeltaState for Poll {
    type Delta = Votes;
    type Version = Digest;

    fn version(&self) -> Digest {
        self.0.version()
    }

    fn delta_since(&self, peer: &Digest) -> Votes {
        self.0.delta_since(peer)
    }

    fn apply(&mut self, delta: &Votes) -> bool {
        self.0.apply(delta)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let (us, eu) = ("us-east-1".parse()?, "eu-west-1".parse()?);
    let (mut ours, mut theirs) = (Poll::default(), Poll::default());
    theirs.apply(&ours.vote("ana", 1, us)?);
    ours.withdraw("ana", us)?;
    theirs.vote("ana", 2, eu)?; // the withdrawal has not seen it
    ours.merge(&theirs);
    assert_eq!(ours.result(), BTreeMap::from([("ana", 2)]));
    rejoin::laws::delta_histories(0..100, &Poll::default(), |poll, choice, by, _| {
        match choice % 4 {
            0 => poll.withdraw("ana", by).ok(),
            1 => poll.vote("bo", 1, by).ok(),
            _ => poll.vote("ana", u8::from(choice % 4 == 2), by).ok(),
        }
    })?;
    println!("{:?}; 100 histories keep the laws", ours.result());
    Ok(())
}
