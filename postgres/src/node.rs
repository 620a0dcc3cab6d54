//! [`Node`]: one region's database.

use crate::{
    backoff::Tries,
    cache::Cache,
    error::{Error, Kind},
    life::{self, Life},
};
use deadpool_postgres::{Object, Pool};
use rejoin::ReplicaId;
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

/// The database of one region, opened by one process. Cheap to clone; any number of processes may
/// open one node.
///
/// # Lives
///
/// A node writes under the name of its region and an
/// [incarnation](ReplicaId::with_incarnation). A new one begins where the node may go on from less
/// than it has sent to others: on another timeline, which is found out at every read and write; on
/// another cluster, when it is opened; and where a peer knows more of the node's writes than the
/// node does, which a [`Link`](crate::Link) finds out. So a failover to a standby that lagged
/// behind, or a restored backup, loses nothing that a peer has, and after a failover no process has
/// to be restarted.
///
/// After restoring a *disk snapshot without recovery*, which stays on its timeline, pull every link
/// once before the first write: nothing but a peer can tell that it is old.
///
/// # Examples
///
/// ```no_run
/// # async fn run(pool: deadpool_postgres::Pool) -> Result<(), rejoin_postgres::Error> {
/// use rejoin::PnCounter;
/// use rejoin_postgres::{Node, Store, install};
///
/// install(&mut *pool.get().await?).await?;
/// let node = Node::open(pool, "us-east-1").await?;
/// let open: Store<PnCounter> = Store::new(&node, "open");
/// let token = open.edit("ana", |sessions, me| sessions.increment(1, me)).await?;
/// assert_eq!(open.read("ana", Some(&token)).await?.value(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Node(Arc<Inner>);

struct Inner {
    pool: Pool,
    region: ReplicaId,
    life: RwLock<Arc<Life>>,
    cache: Mutex<Cache>,
    patience: Duration,
}

/// How a node is opened. [`Node::open`] takes the defaults.
#[derive(Clone, Debug)]
pub struct NodeSettings {
    cache_bytes: usize,
    patience: Duration,
}

impl Default for NodeSettings {
    fn default() -> Self {
        Self { cache_bytes: 64 << 20, patience: Duration::from_secs(5) }
    }
}

impl NodeSettings {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// How much the states that are kept in memory may hold, all stores together, counted in the
    /// bytes of their deltas. 64 MiB by default; a state in memory takes a few times its bytes.
    #[must_use]
    pub fn cache_bytes(self, cache_bytes: usize) -> Self {
        Self { cache_bytes, ..self }
    }

    /// How long a read waits for what its token stands for, and an edit for an answer whether it was
    /// stored. 5 s by default.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Opens the node of a region, in the database that the pool connects to. The name of the region
    /// is that of a [`ReplicaId`], and stays with the database.
    ///
    /// # Errors
    ///
    /// If the database cannot be reached, has no tables of this release, is in recovery, or is that
    /// of another region; and if the name is not one.
    pub async fn open(self, pool: Pool, region: &str) -> Result<Node, Error> {
        let region = region.parse::<ReplicaId>()?.with_incarnation(0);
        let life = enter(&pool, region, None, self.patience).await?;
        Ok(Node(Arc::new(Inner {
            pool,
            region,
            life: RwLock::new(Arc::new(life)),
            cache: Mutex::new(Cache::new(self.cache_bytes)),
            patience: self.patience,
        })))
    }
}

impl Node {
    /// Opens the node of a region with the default [settings](NodeSettings). [The type](Self) has an
    /// example.
    ///
    /// # Errors
    ///
    /// Those of [`NodeSettings::open`].
    pub async fn open(pool: Pool, region: &str) -> Result<Self, Error> {
        NodeSettings::new().open(pool, region).await
    }

    /// The id under which this node writes now.
    pub fn id(&self) -> ReplicaId {
        self.life().id
    }

    /// The name of the region, in its first incarnation.
    pub fn region(&self) -> ReplicaId {
        self.0.region
    }

    pub(crate) fn life(&self) -> Arc<Life> {
        Arc::clone(&self.0.life.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn cache(&self) -> MutexGuard<'_, Cache> {
        self.0.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn patience(&self) -> Duration {
        self.0.patience
    }

    pub(crate) async fn client(&self) -> Result<Object, Error> {
        Ok(self.0.pool.get().await?)
    }

    /// Finds out in which life the database is now.
    pub(crate) async fn look_again(&self) -> Result<(), Error> {
        self.enter(None).await
    }

    /// Ends a life, if the database is still in it.
    pub(crate) async fn end(&self, life: &Life) -> Result<(), Error> {
        self.enter(Some(life.incarnation())).await
    }

    async fn enter(&self, end: Option<i64>) -> Result<(), Error> {
        let life = enter(&self.0.pool, self.0.region, end, self.0.patience).await?;
        *self.0.life.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(life);
        Ok(())
    }

    /// Whether a name of a region is this node's own.
    pub(crate) fn refuse_own(&self, region: &str) -> Result<(), Error> {
        if region == self.0.region.to_string() {
            return Err(Kind::SameRegion(region.to_owned()).into());
        }
        Ok(())
    }
}

/// The life in which a database is, by whichever connection of a pool is good.
async fn enter(
    pool: &Pool,
    region: ReplicaId,
    end: Option<i64>,
    patience: Duration,
) -> Result<Life, Error> {
    let mut tries = Tries::new(u32::MAX, patience);
    loop {
        let entered = match pool.get().await {
            Ok(mut client) => life::enter(&mut client, region, end).await,
            Err(error) => Err(error.into()),
        };
        match entered {
            Ok(life) => return Ok(life),
            Err(error) => tries.after(error).await?,
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Node").field(&self.id()).finish()
    }
}
