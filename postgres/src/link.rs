//! [`Link`]: brings what a peer writes to this node.

use crate::{
    admit::{Admit, Gated},
    arrival::{self, Inserted},
    backoff::Backoff,
    cursor::Cursor,
    error::Error,
    feed::{self, Page, Row},
    node::Node,
    repair,
    store::{Replicated, Store},
};
use deadpool_postgres::Pool;
use rejoin::{DeltaState, Known, sync::Gate};
use std::{collections::HashMap, convert::Infallible, fmt, iter, ops::AddAssign, time::Duration};
use tokio_postgres::{Client, types::Type};

/// What a pull brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pulled {
    /// Deltas that the peer sent.
    pub offered: u64,
    /// Those that were new here.
    pub inserted: u64,
    /// Those that a gate refused.
    pub refused: u64,
    /// Those that are here with other content: two writes have one number, and the regions differ
    /// from here on. It takes a database that was restored to an earlier state, and written to
    /// before a link found out.
    pub diverged: u64,
    /// Whether there may be more.
    pub more: bool,
}

impl AddAssign for Pulled {
    fn add_assign(&mut self, other: Self) {
        self.offered += other.offered;
        self.inserted += other.inserted;
        self.refused += other.refused;
        self.diverged += other.diverged;
        self.more = other.more;
    }
}

/// Brings what a peer writes to this node: one direction between two regions. Each node has a link to
/// every other; what others wrote is not passed on, so nothing comes back to where it was written.
///
/// It pulls, by queries that any user may make who reads the peer's tables: no replication slot, no
/// trigger, no setting of the server. How far it has come is stored with what it brought, so it goes
/// on after anything. Two processes may run the same link; one of the two does the work.
///
/// Where the peer has failed over or was restored, everything is compared by key, which takes about
/// 110 bytes a delta. Where this node has, it is given back what the peer has of its writes.
///
/// # Cost
///
/// An idle link asks one query each [pause](Self::pauses). On the way a delta takes its bytes and
/// about 115 more; here, one row that is inserted.
///
/// # Examples
///
/// ```no_run
/// # async fn run(node: rejoin_postgres::Node, peer: deadpool_postgres::Pool, open: rejoin_postgres::Store<rejoin::PnCounter>) {
/// use rejoin::sync::Gate;
/// use rejoin_postgres::Link;
///
/// let writers = ["us-east-1", "eu-west-1"].map(|it| it.parse().unwrap());
/// let link = Link::new(&node, peer).gate(&open, move || Gate::new().writers(writers));
/// tokio::spawn(link.run());
/// # }
/// ```
pub struct Link {
    node: Node,
    peer: Pool,
    gates: HashMap<String, Box<dyn Admit>>,
    batch: i64,
    pauses: (Duration, Duration),
    patience: Duration,
    /// The region of the peer, and how far it was pulled, since they were loaded.
    position: Option<(String, Cursor)>,
    /// Under which id this node wrote, and how far, when that was last looked up.
    written: (String, i64),
}

impl Link {
    /// From the peer that the pool connects to.
    pub fn new(node: &Node, peer: Pool) -> Self {
        Self {
            node: node.clone(),
            peer,
            gates: HashMap::new(),
            batch: 1_000,
            pauses: (Duration::from_millis(10), Duration::from_millis(200)),
            patience: Duration::from_secs(30),
            position: None,
            written: (String::new(), -1),
        }
    }

    /// At most this many deltas at a time, which bounds the memory that a link takes. 1,000 by
    /// default.
    #[must_use]
    pub fn batch(self, deltas: u32) -> Self {
        Self { batch: deltas.max(1).into(), ..self }
    }

    /// For how long [`run`](Self::run) pauses when nothing comes: at first, and at most. 10 ms and
    /// 200 ms by default. The first is about how late a busy peer's writes arrive, the second how
    /// late those of a quiet one do.
    #[must_use]
    pub fn pauses(self, least: Duration, most: Duration) -> Self {
        Self { pauses: (least, most.max(least)), ..self }
    }

    /// How long [`run`](Self::run) waits for a pull, before it connects anew. 30 s by default.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Deltas of this store are let in by a gate, which is asked for again for each. What it refuses
    /// is not inserted, but kept in `rejoin.refused` with the reason, and the link goes on. Reads the
    /// state of each delta's key. [The type](Self) has an example.
    ///
    /// Deltas of a store without a gate are inserted as they come: what is no delta makes its key
    /// unreadable, which is a typed error for whoever reads it. Whatever the gates say, a peer may only send what its own region wrote.
    #[must_use]
    pub fn gate<T>(
        mut self,
        store: &Store<T>,
        gate: impl Fn() -> Gate + Send + Sync + 'static,
    ) -> Self
    where
        T: Replicated + DeltaState<Version: Known> + Default,
    {
        let gated = Gated { store: store.clone(), gate };
        self.gates.insert(store.name().to_owned(), Box::new(gated));
        self
    }

    /// Pulls again and again: at once while there is more, and after a pause otherwise. It does not
    /// end; drop it to stop it, at any time. Failures are logged by `tracing`, and tried again
    /// after at most 2 s.
    pub async fn run(mut self) -> Infallible {
        let mut pause = Backoff::new(self.pauses.0, self.pauses.1);
        let mut trouble = Backoff::new(Duration::from_millis(50), Duration::from_secs(2));
        loop {
            match tokio::time::timeout(self.patience, self.pull()).await {
                Ok(Ok(pulled)) => {
                    trouble.reset();
                    if pulled.offered > 0 {
                        pause.reset();
                    }
                    if pulled.more {
                        continue;
                    }
                    pause.wait().await;
                }
                failed => {
                    let why = failed.map_or_else(|_| None, Result::err);
                    let why = why.map_or("nothing came".to_owned(), |error| error.to_string());
                    tracing::warn!(why, "a pull failed");
                    self.forget_connections();
                    trouble.wait().await;
                }
            }
        }
    }

    /// What is known may be wrong, and a connection may wait for an answer that does not come.
    fn forget_connections(&mut self) {
        self.peer.retain(|_, _| false);
        self.position = None;
    }

    /// Brings the next deltas, at most a [batch](Self::batch). O(deltas), and one query if there are
    /// none. If it is dropped before it ends, nothing is lost or doubled.
    ///
    /// # Errors
    ///
    /// If either database cannot be reached or read, or the peer is in recovery, was never opened,
    /// or is of this node's own region.
    pub async fn pull(&mut self) -> Result<Pulled, Error> {
        let there = self.peer.get().await?;
        let result = self.pull_from(&there).await;
        if result.is_err() {
            self.position = None;
        }
        result
    }

    async fn pull_from(&mut self, there: &Client) -> Result<Pulled, Error> {
        let (region, mut cursor) = self.position(there).await?;
        self.position = None;
        let origin = self.node.life().origin.clone();
        let page = feed::page(there, &origin, &cursor, self.batch).await?;
        if page.peer.epoch != cursor.epoch {
            tracing::info!(peer = region, epoch = page.peer.epoch, "compares everything by key");
            cursor.restart(&page.peer.epoch);
            self.position = Some((region, cursor));
            return Ok(Pulled { more: true, ..Pulled::default() });
        }
        self.notice_lost_writes(page.peer.seen, &origin).await?;
        let mut pulled = self.reclaim(there, &region, &mut cursor).await?;
        pulled += self.take_page(there, &region, &mut cursor, page).await?;
        self.position = Some((region, cursor));
        Ok(pulled)
    }

    /// The region of the peer, and how far it was pulled.
    async fn position(&mut self, there: &Client) -> Result<(String, Cursor), Error> {
        if let Some(position) = self.position.take() {
            return Ok(position);
        }
        let peer = feed::ask(there, &self.node.life().origin).await?;
        self.node.refuse_own(&peer.region)?;
        let here = self.node.client().await?;
        let cursor = Cursor::load(&**here, &peer.region).await?;
        Ok((peer.region, cursor))
    }

    /// A peer that knows more of this node's writes than the node itself shows that the database was
    /// restored, or went on from a copy that lagged behind: a new life begins.
    async fn notice_lost_writes(&mut self, seen: Option<i64>, origin: &str) -> Result<(), Error> {
        let Some(seen) = seen else { return Ok(()) };
        if self.written.0 == origin && seen <= self.written.1 {
            return Ok(());
        }
        let sql = "SELECT coalesce(max(seq), -1) FROM rejoin.delta WHERE origin = $1";
        let here = self.node.client().await?;
        let written = here.query_typed_one(sql, &[(&origin, Type::TEXT)]).await?.try_get(0)?;
        drop(here);
        self.written = (origin.to_owned(), written);
        let life = self.node.life();
        if seen > written && life.origin == origin {
            tracing::warn!(seen, written, "a peer knows writes that are lost here");
            self.node.end(&life).await?;
        }
        Ok(())
    }

    /// Once in each life: what the peer has of this region's former ones.
    async fn reclaim(
        &self,
        there: &Client,
        region: &str,
        cursor: &mut Cursor,
    ) -> Result<Pulled, Error> {
        let life = self.node.life();
        if cursor.reclaimed == life.incarnation() {
            return Ok(Pulled::default());
        }
        let mine = self.node.region().to_string();
        let pulled = self.bring_lacking(there, region, Some(&mine)).await?;
        (cursor.reclaimed, cursor.is_unsaved) = (life.incarnation(), true);
        Ok(pulled)
    }

    async fn take_page(
        &self,
        there: &Client,
        region: &str,
        cursor: &mut Cursor,
        page: Page,
    ) -> Result<Pulled, Error> {
        let full = i64::try_from(page.rows.len()).is_ok_and(|rows| rows == self.batch);
        // A round that began earlier has not looked at what came since.
        let more = full || cursor.target.is_some();
        let has_keys_alone = cursor.compares_keys();
        if let Some((xid, last)) = page.rows.last() {
            cursor.pass((*xid, last.seq), &page.target);
        }
        if !full {
            cursor.finish(&page.target);
        }
        let rows: Vec<Row> = page.rows.into_iter().map(|(_, row)| row).collect();
        let rows = if has_keys_alone && !rows.is_empty() {
            self.fetch_lacking(there, &rows).await?
        } else {
            rows
        };
        let is_of_peer = |row: &Row| region_of(&row.origin) == region;
        let pulled = self.take_in(region, rows, is_of_peer, Some(cursor)).await?;
        Ok(Pulled { more: more || pulled.more, ..pulled })
    }

    /// The rows with these keys that are not here.
    async fn fetch_lacking(&self, there: &Client, rows: &[Row]) -> Result<Vec<Row>, Error> {
        let keys = rows.iter().map(|row| (&*row.origin, row.seq));
        let here = self.node.client().await?;
        let lacking = arrival::lacking(&**here, keys).await?;
        drop(here);
        let keys = (lacking.0.iter().map(|it| &**it).collect(), lacking.1);
        feed::fetch(there, &keys).await
    }

    /// Lets rows in, with how far they bring this node, in one transaction.
    async fn take_in(
        &self,
        region: &str,
        rows: Vec<Row>,
        may_come: impl Fn(&Row) -> bool,
        cursor: Option<&mut Cursor>,
    ) -> Result<Pulled, Error> {
        let offered = rows.len() as u64;
        let (admitted, refused) = self.admit(region, rows, may_come).await?;
        if offered == 0 && !cursor.as_ref().is_some_and(|it| it.is_unsaved) {
            // Of a quiet peer, how far it was pulled is kept in memory alone.
            return Ok(Pulled::default());
        }
        let mut here = self.node.client().await?;
        let transaction = here.transaction().await?;
        let own = self.node.region().to_string();
        let (mine, theirs): (Vec<_>, Vec<_>) =
            admitted.into_iter().partition(|row| region_of(&row.origin) == own);
        let mut inserted = Inserted::default();
        for (rows, mine) in iter::zip([mine, theirs], [true, false]) {
            let some = arrival::insert(&*transaction, &rows, mine).await?;
            inserted.new += some.new;
            inserted.diverged += some.diverged;
        }
        arrival::keep_refused(&*transaction, region, &refused).await?;
        if let Some(cursor) = cursor
            && !cursor.store(&*transaction, region).await?
        {
            // Another process pulled meanwhile: what it stored is loaded.
            transaction.rollback().await?;
            *cursor = Cursor::load(&**here, region).await?;
            return Ok(Pulled { more: true, ..Pulled::default() });
        }
        transaction.commit().await?;
        if inserted.diverged > 0 {
            tracing::error!(peer = region, inserted.diverged, "two writes have one number");
        }
        let Inserted { new: inserted, diverged } = inserted;
        Ok(Pulled { offered, inserted, refused: refused.len() as u64, diverged, more: false })
    }

    /// Those rows that may come in, and the others with the reasons.
    async fn admit(
        &self,
        region: &str,
        rows: Vec<Row>,
        may_come: impl Fn(&Row) -> bool,
    ) -> Result<(Vec<Row>, Vec<(Row, String)>), Error> {
        let (mut admitted, mut refused) = (Vec::new(), Vec::new());
        for row in rows {
            let reason = match self.gates.get(&row.store) {
                _ if !may_come(&row) => {
                    Some(format!("the delta is of {}, which {region} may not send", row.origin))
                }
                Some(gate) => gate.refusal(&row.key, &row.payload).await?,
                None => None,
            };
            match reason {
                Some(reason) => refused.push((row, reason)),
                None => admitted.push(row),
            }
        }
        Ok((admitted, refused))
    }

    /// Compares everything that this node and the peer have, of all regions, and brings what this
    /// node lacks: after a peer is gone for good that others have more of, or whenever in doubt. Run
    /// it on both sides to bring both up to date.
    ///
    /// Ranges of numbers are compared by sums of hashes, so what crosses the link is O(d log n) for d
    /// deltas of n. Both databases read their keys, in O(n).
    ///
    /// # Errors
    ///
    /// Those of [`pull`](Self::pull).
    pub async fn repair(&mut self) -> Result<Pulled, Error> {
        let there = self.peer.get().await?;
        let peer = feed::ask(&there, &self.node.life().origin).await?;
        self.node.refuse_own(&peer.region)?;
        self.bring_lacking(&there, &peer.region, None).await
    }

    /// What the peer has and this node lacks, of one region or of all.
    async fn bring_lacking(
        &self,
        there: &Client,
        peer: &str,
        of: Option<&str>,
    ) -> Result<Pulled, Error> {
        let mut pulled = Pulled::default();
        let mut open = repair::ranges(there, of).await?;
        while let Some(range) = open.pop() {
            let theirs = range.summary(there).await?;
            let here = self.node.client().await?;
            let ours = range.summary(&**here).await?;
            drop(here);
            if theirs == ours || theirs.count == 0 {
                continue;
            }
            if theirs.count > self.batch
                && let Some(halves) = range.halves()
            {
                open.extend(halves);
                continue;
            }
            let rows = self.fetch_lacking(there, &range.rows(there).await?).await?;
            pulled += self.take_in(peer, rows, |_| true, None).await?;
        }
        Ok(pulled)
    }
}

/// The region of a replica id as text.
fn region_of(origin: &str) -> &str {
    origin.split_once('#').map_or(origin, |(region, _)| region)
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("node", &self.node).finish_non_exhaustive()
    }
}
