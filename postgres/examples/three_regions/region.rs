//! One region: its node, its stores, and a program that writes to them.

use deadpool_postgres::Pool;
use rejoin::{Document, GCounter, OrSet, Timestamp, wire};
use rejoin_postgres::{Error, Node, Store, install};
use std::{
    collections::BTreeSet,
    ops::AddAssign,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};
use tokio::{task::JoinHandle, time::sleep};

pub(crate) type Anything = Box<dyn std::error::Error + Send + Sync>;

/// All regions write the same keys.
const KEYS: [&str; 4] = ["ana", "bo", "cy", "dee"];

pub(crate) struct Region {
    name: &'static str,
    pool: Pool,
    pub(crate) node: Node,
    counts: Store<GCounter>,
    visits: Store<OrSet<String>>,
    chats: Store<Document>,
    acknowledged: AtomicU64,
    is_stopped: AtomicBool,
}

/// What a program was told of its edits.
#[derive(Default)]
pub(crate) struct Tally {
    /// Increments that were acknowledged, and those of which nobody can say.
    counted: u64,
    unknown: u64,
    /// Edits that were refused because the cluster was down, and nobody tried again; and for any
    /// other reason.
    failed: u64,
    wrong: u64,
    /// Elements whose insertion was acknowledged and that were never removed; those removed.
    inserted: BTreeSet<String>,
    removed: BTreeSet<String>,
    messages: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.counted += other.counted;
        self.unknown += other.unknown;
        self.failed += other.failed;
        self.wrong += other.wrong;
        self.inserted.extend(other.inserted);
        self.removed.extend(other.removed);
        self.messages += other.messages;
    }
}

impl Region {
    pub(crate) async fn open(pool: Pool, name: &'static str) -> Result<Self, Anything> {
        install(&mut *pool.get().await?).await?;
        let node = Node::open(pool.clone(), name).await?;
        Ok(Self {
            name,
            pool,
            counts: Store::new(&node, "counts"),
            visits: Store::new(&node, "visits"),
            chats: Store::new(&node, "chats"),
            node,
            acknowledged: AtomicU64::new(0),
            is_stopped: AtomicBool::new(false),
        })
    }

    pub(crate) fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    pub(crate) fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }

    /// Edits one key after the other until it is stopped: counts, comes and goes, writes messages.
    pub(crate) async fn write(self: Arc<Self>) -> Tally {
        let mut tally = Tally::default();
        for edit in 0_u64.. {
            if self.is_stopped.load(Ordering::Relaxed) {
                break;
            }
            let key = KEYS[usize::try_from(edit % 4).unwrap_or_default()];
            if let Err(error) = self.edit(edit, key, &mut tally).await {
                tally.failed += u64::from(error.is_database());
                tally.wrong += u64::from(!error.is_database() && !error.is_outcome_unknown());
                sleep(Duration::from_millis(50)).await;
            }
            sleep(Duration::from_millis(5)).await;
        }
        tally
    }

    async fn edit(&self, edit: u64, key: &str, tally: &mut Tally) -> Result<(), Error> {
        let counted = self.counts.edit(key, |count, me| count.increment(1, me)).await;
        tally.unknown += u64::from(counted.as_ref().is_err_and(Error::is_outcome_unknown));
        counted?;
        tally.counted += 1;
        let visit = format!("{}-{edit}", self.name);
        self.visits.edit(key, |visits, me| visits.insert(visit.clone(), me)).await?;
        tally.inserted.insert(visit.clone());
        if edit.is_multiple_of(3) {
            // If nobody can say whether it was removed, it is in neither list.
            tally.inserted.remove(&visit);
            self.visits.edit(key, |visits, me| visits.remove(&visit, me)).await?;
            tally.removed.insert(visit);
        }
        if edit.is_multiple_of(10) {
            self.write_message(edit, key).await?;
            tally.messages += 1;
        }
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn write_message(&self, edit: u64, key: &str) -> Result<(), Error> {
        let now = Timestamp::from(SystemTime::now());
        let (id, by) = (format!("{}-{edit}", self.name), self.name);
        self.chats
            .edit(key, |chat, me| {
                let mut edit = chat.edit(me, now);
                edit.set(&format!("/{id}"), by)?;
                Ok::<_, rejoin::Error>(edit.commit())
            })
            .await?;
        Ok(())
    }

    /// A user's transaction that holds a document for a while.
    pub(crate) fn hold_lock(&self, time: Duration) -> JoinHandle<Result<(), Anything>> {
        let (pool, counts) = (self.pool.clone(), self.counts.clone());
        tokio::spawn(async move {
            let mut client = pool.get().await?;
            let transaction = client.transaction().await?;
            let key = KEYS[0];
            counts.edit_in(&transaction, key, |count, me| count.increment(1, me)).await?;
            sleep(time).await;
            // And thinks better of it.
            transaction.rollback().await?;
            Ok(())
        })
    }

    /// How many deltas of a kind are here; `None` if nobody can say.
    pub(crate) async fn rows(&self, which: &str) -> Option<i64> {
        let sql = format!("SELECT count(*) FROM rejoin.delta WHERE {which}");
        self.pool.get().await.ok()?.query_one(&sql, &[]).await.ok()?.try_get(0).ok()
    }

    /// All states as canonical bytes, as a process reads them that remembers nothing.
    async fn bytes(&self) -> Result<Vec<Vec<u8>>, Anything> {
        let fresh = Self::open(self.pool.clone(), self.name).await?;
        let mut bytes = Vec::new();
        for key in KEYS {
            bytes.push(wire::to_bytes(&fresh.counts.read(key, None).await?));
            bytes.push(wire::to_bytes(&fresh.visits.read(key, None).await?));
            bytes.push(wire::to_bytes(&fresh.chats.read(key, None).await?));
        }
        Ok(bytes)
    }
}

/// One thing that has to be right at the end.
pub(crate) struct Check {
    pub(crate) what: &'static str,
    pub(crate) found: String,
    pub(crate) is_right: bool,
}

impl Check {
    pub(crate) async fn all(
        tally: &Tally,
        settled: bool,
        regions: &[Arc<Region>],
    ) -> Result<Vec<Self>, Anything> {
        let mut checks = vec![Self {
            what: "every region has what all have written",
            found: format!("{:?} deltas", regions[0].rows("true").await.unwrap_or_default()),
            is_right: settled,
        }];
        let first = &regions[0];
        let (mut value, mut visits, mut messages) = (0, BTreeSet::new(), 0);
        for key in KEYS {
            value += first.counts.read(key, None).await?.value();
            visits.extend(first.visits.read(key, None).await?.iter().cloned());
            let chat = first.chats.read(key, None).await?;
            messages += chat.at("").map_or(0, |it| it.len() as u64);
        }
        let range = u128::from(tally.counted)..=u128::from(tally.counted + tally.unknown);
        checks.push(Self {
            what: "counters are exact",
            found: format!(
                "{value}; acknowledged {} and not known {}",
                tally.counted, tally.unknown
            ),
            is_right: range.contains(&value),
        });
        let lost = tally.inserted.difference(&visits).count();
        checks.push(Self {
            what: "acknowledged elements that were lost",
            found: format!("{lost} of {}", tally.inserted.len()),
            is_right: lost == 0,
        });
        let back = tally.removed.intersection(&visits).count();
        checks.push(Self {
            what: "removed elements that came back",
            found: format!("{back} of {}", tally.removed.len()),
            is_right: back == 0,
        });
        checks.push(Self {
            what: "acknowledged messages that were lost",
            found: format!("{} of {}", tally.messages.saturating_sub(messages), tally.messages),
            is_right: messages >= tally.messages,
        });
        let bytes = first.bytes().await?;
        let mut is_equal = true;
        for region in regions {
            is_equal &= region.bytes().await? == bytes;
        }
        let length: usize = bytes.iter().map(Vec::len).sum();
        checks.push(Self {
            what: "equal bytes in all regions",
            found: format!("{} states, {length} bytes", bytes.len()),
            is_right: is_equal,
        });
        checks.push(Self {
            what: "edits that were refused while a cluster was down, and for other reasons",
            found: format!("{} and {}", tally.failed, tally.wrong),
            is_right: tally.wrong == 0,
        });
        Ok(checks)
    }
}
