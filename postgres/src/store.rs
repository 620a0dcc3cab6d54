//! [`Store`]: states of one type, each under a key.

use crate::{
    backoff::{Backoff, Tries},
    error::{Error, Kind},
    loaded::{Loaded, Looked},
    node::Node,
    token::Token,
    write::{self, Stored, Write},
};
use rejoin::{Delta, DeltaState, ReplicaId, wire::Wire};
use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout_at},
};
use tokio_postgres::{GenericClient, Transaction};

/// How often an edit is drafted anew before it gives up.
const ATTEMPTS: u32 = 32;
/// The index by which a request is stored once.
const REQUEST: &str = "delta_request";

/// What a [`Store`] keeps: any state with deltas that have bytes. Every type of `rejoin` is one, and
/// so is a struct with its derives.
pub trait Replicated:
    DeltaState<Delta: Wire + Send + Sync> + Clone + Send + Sync + 'static
{
}

impl<T> Replicated for T where
    T: DeltaState<Delta: Wire + Send + Sync> + Clone + Send + Sync + 'static
{
}

/// States of one type, each under a key, in the database of a [`Node`]. Cheap to clone.
///
/// A key that was never written holds the empty state. Every region finds the stores of another
/// under their names, so a name must mean the same type everywhere.
///
/// # How an edit is stored
///
/// It is drafted on the newest state, and its delta is inserted, unless somebody of this node has
/// written under the key meanwhile: then it is drafted anew. Only what is committed enters the
/// memory of the process. Writes of one key go one after the other; writes of different keys, and
/// whatever arrives from other regions, wait for nothing.
///
/// # Cost
///
/// A read is one query, and transfers the deltas that are new since this process read the key last.
/// An edit is two queries. In the log it takes the delta and about 500 bytes, whatever the size of
/// the state.
///
/// # Examples
///
/// A document with rules, saved by the difference to what a user was shown:
///
/// ```no_run
/// # async fn run(node: rejoin_postgres::Node) -> Result<(), Box<dyn std::error::Error>> {
/// use rejoin::{Document, document::Rules};
/// use rejoin_postgres::Store;
///
/// let rules = Rules::new().counter("/unread")?;
/// let chats = Store::with_empty(&node, "chats", move || Document::with_rules(rules.clone()));
/// let now = std::time::SystemTime::now();
/// let token = chats.edit("c-17", |chat, me| chat.set("/title", "Booking", me, now)).await?;
///
/// let chat = chats.read("c-17", Some(&token)).await?;
/// assert_eq!(chat.get("/title"), Some("Booking".into()));
/// # Ok(())
/// # }
/// ```
pub struct Store<T> {
    node: Node,
    name: Arc<str>,
    empty: Arc<dyn Fn() -> T + Send + Sync>,
}

impl<T> Clone for Store<T> {
    fn clone(&self) -> Self {
        Self {
            node: self.node.clone(),
            name: Arc::clone(&self.name),
            empty: Arc::clone(&self.empty),
        }
    }
}

impl<T> fmt::Debug for Store<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("node", &self.node)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A key in memory: its state, and whose turn it is to write.
struct Entry<T> {
    turn: Mutex<()>,
    loaded: Mutex<Loaded<T>>,
}

impl<T: Replicated + Default> Store<T> {
    /// The store of this name. [`Node`] has an example.
    pub fn new(node: &Node, name: &str) -> Self {
        Self::with_empty(node, name, T::default)
    }
}

impl<T: Replicated> Store<T> {
    /// The store of this name, with the state of keys that were never written: such as documents
    /// with rules. [The type](Self) has an example.
    ///
    /// It must be the same everywhere, as far as it holds anything.
    pub fn with_empty(
        node: &Node,
        name: &str,
        empty: impl Fn() -> T + Send + Sync + 'static,
    ) -> Self {
        Self { node: node.clone(), name: name.into(), empty: Arc::new(empty) }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The state of a key, as it is committed here. With a token, not before the write that it
    /// stands for has arrived. One query, or two with a token.
    ///
    /// # Errors
    ///
    /// If the database cannot be read, or what the token stands for does not arrive within the
    /// node's [patience](crate::NodeSettings::patience).
    pub async fn read(&self, key: &str, at_least: Option<&Token>) -> Result<T, Error> {
        if let Some(token) = at_least {
            self.wait_for(token).await?;
        }
        let entry = self.entry(key);
        let mut tries = self.tries();
        loop {
            match self.read_now(key, &entry).await {
                Ok(Some(state)) => return Ok(state),
                Ok(None) if tries.again().await => {}
                Ok(None) => return Err(Kind::Closed.into()),
                Err(error) => tries.after(error).await?,
            }
        }
    }

    /// `None` if the database turns out to be in another life.
    async fn read_now(&self, key: &str, entry: &Entry<T>) -> Result<Option<T>, Error> {
        let client = self.node.client().await?;
        let mut loaded = entry.loaded.lock().await;
        if self.refresh(&**client, key, &mut loaded, false).await?.is_some() {
            self.resize(key, loaded.bytes);
            return Ok(Some(loaded.state.clone()));
        }
        drop((loaded, client));
        self.node.look_again().await?;
        Ok(None)
    }

    async fn wait_for(&self, token: &Token) -> Result<(), Error> {
        let Some((origin, seq)) = token.row() else { return Ok(()) };
        let (origin, since) = (origin.to_string(), Instant::now());
        let mut tries = Tries::new(u32::MAX, self.node.patience());
        loop {
            match self.is_there(&origin, seq).await {
                Ok(true) => return Ok(()),
                Ok(false) => {
                    let waited = since.elapsed();
                    if waited >= self.node.patience() {
                        return Err(Kind::NotYet { token: *token, waited }.into());
                    }
                    tries.again().await;
                }
                Err(error) => tries.after(error).await?,
            }
        }
    }

    async fn is_there(&self, origin: &str, seq: i64) -> Result<bool, Error> {
        write::is_there(&**self.node.client().await?, origin, seq).await
    }

    /// Edits the state of a key, and stores the edit. The closure is given the newest state and the
    /// id to write under; it returns the delta. If others of this node write under the key at the
    /// same time it is called again, on what they wrote, so it should do nothing but edit.
    /// [`Node`] has an example.
    ///
    /// If the connection breaks while the edit is stored, this finds out whether it was, so nothing
    /// counts twice. What this cannot know of is the *caller's* caller repeating a request: see
    /// [`edit_once`](Self::edit_once).
    ///
    /// # Errors
    ///
    /// What the closure fails with; if the database cannot be reached; if others are faster 32 times
    /// in a row; or, after a failover, if nobody can say whether the edit was stored. Except in the
    /// last case nothing was.
    pub async fn edit<E>(
        &self,
        key: &str,
        edit: impl FnMut(&mut T, ReplicaId) -> Result<T::Delta, E>,
    ) -> Result<Token, Error>
    where
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        self.write(key, None, edit).await
    }

    /// Edits the state of a key, unless this request already has: then it returns the token of that
    /// write. For a client that repeats what it got no answer to. A request is any text that names
    /// it, such as a UUID; it is recognized in this region only, under the same key.
    ///
    /// ```no_run
    /// # async fn run(open: rejoin_postgres::Store<rejoin::PnCounter>) -> Result<(), rejoin_postgres::Error> {
    /// let first = open.edit_once("ana", "request-1", |it, me| it.increment(1, me)).await?;
    /// let again = open.edit_once("ana", "request-1", |it, me| it.increment(1, me)).await?;
    /// assert_eq!(first, again);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`edit`](Self::edit). An edit that wrote nothing leaves no trace, and is made again.
    pub async fn edit_once<E>(
        &self,
        key: &str,
        request: &str,
        edit: impl FnMut(&mut T, ReplicaId) -> Result<T::Delta, E>,
    ) -> Result<Token, Error>
    where
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        match self.write(key, Some(request), edit).await {
            Err(error) if error.violates(REQUEST) => {
                let client = self.node.client().await?;
                self.done(&client, key, request).await?.ok_or(error)
            }
            result => result,
        }
    }

    async fn done(
        &self,
        client: &tokio_postgres::Client,
        key: &str,
        request: &str,
    ) -> Result<Option<Token>, Error> {
        let found = write::find_request(client, (&self.name, key), request).await?;
        found.map(|(origin, seq)| Ok(Token::new(origin.parse()?, seq))).transpose()
    }

    /// Edits the state of a key within a transaction of the caller's, so that the delta is committed
    /// with the caller's own rows, or not at all. Later edits in the same transaction see it; nobody
    /// else does, and the memory of the process does not either, before it is committed.
    ///
    /// Until the transaction ends, others of this node that edit the key wait. Edit several keys in
    /// the same order everywhere, as with any rows.
    ///
    /// ```no_run
    /// # async fn run(pool: deadpool_postgres::Pool, open: rejoin_postgres::Store<rejoin::PnCounter>)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// let mut client = pool.get().await?;
    /// let transaction = client.transaction().await?;
    /// transaction.execute("INSERT INTO login (name) VALUES ('ana')", &[]).await?;
    /// let token = open.edit_in(&transaction, "ana", |it, me| it.increment(1, me)).await?;
    /// transaction.commit().await?;
    /// assert_eq!(open.read("ana", Some(&token)).await?.value(), 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`edit`](Self::edit). Roll back then. Copies the state in memory.
    pub async fn edit_in<E>(
        &self,
        transaction: &Transaction<'_>,
        key: &str,
        mut edit: impl FnMut(&mut T, ReplicaId) -> Result<T::Delta, E>,
    ) -> Result<Token, Error>
    where
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let mut loaded = self.entry(key).loaded.lock().await.clone();
        let mut tries = self.tries();
        loop {
            if let Some(seq) = self.refresh(transaction, key, &mut loaded, true).await? {
                let Some((write, _)) = self.draft(key, None, &mut loaded, seq, &mut edit)? else {
                    return Ok(Token::default());
                };
                match write.store(transaction).await? {
                    Stored::Yes => return Ok(Token::new(write.life.id, write.seq)),
                    Stored::Overtaken => {}
                    Stored::OtherLife => self.node.look_again().await?,
                }
            } else {
                self.node.look_again().await?;
            }
            if !tries.again().await {
                return Err(self.contended(key));
            }
        }
    }

    async fn write<E>(
        &self,
        key: &str,
        request: Option<&str>,
        mut edit: impl FnMut(&mut T, ReplicaId) -> Result<T::Delta, E>,
    ) -> Result<Token, Error>
    where
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let entry = self.entry(key);
        let _turn = entry.turn.lock().await;
        let mut tries = self.tries();
        loop {
            match self.try_write(&entry, key, request, &mut edit).await {
                Ok(Some(token)) => return Ok(token),
                Ok(None) if tries.again().await => {}
                Ok(None) => return Err(self.contended(key)),
                Err(error) => tries.after(error).await?,
            }
        }
    }

    /// Drafts and stores an edit; `None` if it was overtaken, and nothing was stored.
    async fn try_write<E>(
        &self,
        entry: &Entry<T>,
        key: &str,
        request: Option<&str>,
        edit: &mut impl FnMut(&mut T, ReplicaId) -> Result<T::Delta, E>,
    ) -> Result<Option<Token>, Error>
    where
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let client = self.node.client().await?;
        if let Some(request) = request
            && let Some(token) = self.done(&client, key, request).await?
        {
            return Ok(Some(token));
        }
        let mut loaded = entry.loaded.lock().await;
        let Some(seq) = self.refresh(&**client, key, &mut loaded, true).await? else {
            drop((loaded, client));
            return self.node.look_again().await.map(|()| None);
        };
        let Some((write, delta)) = self.draft(key, request, &mut loaded, seq, edit)? else {
            return Ok(Some(Token::default()));
        };
        // Who reads does not wait for the write.
        drop(loaded);
        let stored = write.store(&**client).await;
        drop(client);
        let stored = match stored {
            Err(error) if error.lost_connection() => self.find_out(&write, error).await?,
            stored => stored?,
        };
        match stored {
            Stored::Yes => self.keep(entry, &write, delta).await,
            Stored::Overtaken => return Ok(None),
            Stored::OtherLife => return self.node.look_again().await.map(|()| None),
        }
        Ok(Some(Token::new(write.life.id, write.seq)))
    }

    /// What became of a write whose answer was lost: stores it again, which nothing but the first
    /// try can have prevented, or somebody else's write.
    async fn find_out(&self, write: &Write<'_>, error: Error) -> Result<Stored, Error> {
        let until = Instant::now() + self.node.patience();
        let mut wait = Backoff::new(Duration::from_millis(20), Duration::from_millis(500));
        let mut last = error;
        while Instant::now() < until {
            match timeout_at(until, self.store_again(write)).await {
                Err(_) => break,
                Ok(Err(error)) if error.lost_connection() || error.is_in_recovery() => last = error,
                // Another process has stored the same request.
                Ok(Err(error)) if error.violates(REQUEST) => return Err(error),
                Ok(Err(error)) => return Err(self.unknown(write, Some(error))),
                Ok(Ok(Stored::OtherLife)) => return Err(self.unknown(write, None)),
                Ok(Ok(stored)) => return Ok(stored),
            }
            wait.wait().await;
        }
        Err(self.unknown(write, Some(last)))
    }

    async fn store_again(&self, write: &Write<'_>) -> Result<Stored, Error> {
        let client = self.node.client().await?;
        match write.store(&**client).await? {
            Stored::Yes => Ok(Stored::Yes),
            other if write.is_there(&**client).await? => {
                tracing::debug!(was = ?other, "the answer to a write was lost, the write was not");
                Ok(Stored::Yes)
            }
            other => Ok(other),
        }
    }

    /// A write that is committed enters the memory of the process.
    async fn keep(&self, entry: &Entry<T>, write: &Write<'_>, delta: T::Delta) {
        let mut loaded = entry.loaded.lock().await;
        if loaded.life == write.life {
            loaded.state.apply_owned(delta);
            loaded.own = loaded.own.max(write.own + 1);
        }
        self.resize(write.key, loaded.bytes);
    }

    /// Brings the state of a key up to date; the number of the next write, if one is asked for.
    /// `None` if the database is in another life than this process knows.
    async fn refresh(
        &self,
        client: &impl GenericClient,
        key: &str,
        loaded: &mut Loaded<T>,
        to_write: bool,
    ) -> Result<Option<i64>, Error> {
        let life = self.node.life();
        if loaded.life != life {
            *loaded = Loaded::new((self.empty)(), life);
        }
        match loaded.refresh(client, (&self.name, key), to_write).await? {
            Looked::Fresh(seq) => Ok(Some(seq)),
            Looked::OtherLife => Ok(None),
        }
    }

    /// The write of an edit that is only tried; `None` if it writes nothing.
    fn draft<'a, E>(
        &'a self,
        key: &'a str,
        request: Option<&'a str>,
        loaded: &mut Loaded<T>,
        seq: i64,
        edit: &mut impl FnMut(&mut T, ReplicaId) -> Result<T::Delta, E>,
    ) -> Result<Option<(Write<'a>, T::Delta)>, Error>
    where
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let life = Arc::clone(&loaded.life);
        let delta = loaded.state.draft(|state| edit(state, life.id)).map_err(Error::edit)?;
        let payload = rejoin::wire::to_bytes(&delta);
        let store = &*self.name;
        let write = Write { store, key, request, life, own: loaded.own, seq, payload };
        Ok((!delta.is_empty()).then_some((write, delta)))
    }

    fn entry(&self, key: &str) -> Arc<Entry<T>> {
        let make = || Entry {
            turn: Mutex::new(()),
            loaded: Mutex::new(Loaded::new((self.empty)(), self.node.life())),
        };
        self.node.cache().entry(&(Arc::clone(&self.name), key.into()), make)
    }

    fn resize(&self, key: &str, bytes: usize) {
        self.node.cache().resize(&(Arc::clone(&self.name), key.into()), bytes);
    }

    fn tries(&self) -> Tries {
        Tries::new(ATTEMPTS, self.node.patience())
    }

    fn what(&self, key: &str) -> String {
        format!("{key:?} in store {:?}", self.name)
    }

    fn contended(&self, key: &str) -> Error {
        Kind::Contended { what: self.what(key), attempts: ATTEMPTS }.into()
    }

    fn unknown(&self, write: &Write<'_>, error: Option<Error>) -> Error {
        Kind::OutcomeUnknown { what: self.what(write.key), error }.into()
    }
}
