//! A region as tests use it: a database, its node, and two stores.

use crate::cluster::{Cluster, shared};
use deadpool_postgres::Pool;
use rejoin::{GCounter, OrSet, wire};
use rejoin_postgres::{Node, Store, Token, install};
use std::collections::BTreeMap;

pub(crate) struct Region {
    pub(crate) name: &'static str,
    pub(crate) database: String,
    pub(crate) pool: Pool,
    pub(crate) node: Node,
    /// Counts, in which a write that is stored twice or not at all shows.
    pub(crate) counts: Store<GCounter>,
    pub(crate) names: Store<OrSet<String>>,
}

impl Region {
    /// In a database of its own on the shared cluster.
    pub(crate) async fn new(name: &'static str) -> Self {
        Self::on(shared(), name).await
    }

    /// In a database of its own.
    pub(crate) async fn on(cluster: &Cluster, name: &'static str) -> Self {
        let database = cluster.database();
        let pool = cluster.pool(&database);
        install(&mut pool.get().await.unwrap()).await.unwrap();
        Self::open(pool, name, database).await
    }

    /// As another process would, in a database that is there.
    pub(crate) async fn open(pool: Pool, name: &'static str, database: String) -> Self {
        let node = Node::open(pool.clone(), name).await.unwrap();
        let (counts, names) = (Store::new(&node, "counts"), Store::new(&node, "names"));
        Self { name, database, pool, node, counts, names }
    }

    /// Another process of the same node.
    pub(crate) async fn again(&self) -> Self {
        Self::open(self.pool.clone(), self.name, self.database.clone()).await
    }

    pub(crate) async fn count(&self, key: &str) -> Token {
        self.counts.edit(key, |count, me| count.increment(1, me)).await.unwrap()
    }

    pub(crate) async fn insert(&self, key: &str, name: impl Into<String>) -> Token {
        let name = name.into();
        self.names.edit(key, |names, me| names.insert(name.clone(), me)).await.unwrap()
    }

    pub(crate) async fn value(&self, key: &str) -> u128 {
        self.counts.read(key, None).await.unwrap().value()
    }

    pub(crate) async fn names(&self, key: &str) -> Vec<String> {
        let names = self.names.read(key, None).await.unwrap();
        let mut names: Vec<_> = names.iter().cloned().collect();
        names.sort();
        names
    }

    /// The canonical bytes of these keys, by a process that remembers nothing.
    pub(crate) async fn bytes(&self, keys: &[&str]) -> BTreeMap<String, [Vec<u8>; 2]> {
        let fresh = self.again().await;
        let mut all = BTreeMap::new();
        for key in keys {
            let count = wire::to_bytes(&fresh.counts.read(key, None).await.unwrap());
            let names = wire::to_bytes(&fresh.names.read(key, None).await.unwrap());
            all.insert((*key).to_owned(), [count, names]);
        }
        all
    }

    /// The only number that a statement returns.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        self.pool.get().await.unwrap().query_one(sql, &[]).await.unwrap().get(0)
    }

    /// What was refused, and why, in alphabetical order.
    pub(crate) async fn reasons(&self) -> Vec<String> {
        let client = self.pool.get().await.unwrap();
        let rows = client.query("SELECT reason FROM rejoin.refused ORDER BY 1", &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    pub(crate) async fn run(&self, sql: &str) {
        self.pool.get().await.unwrap().batch_execute(sql).await.unwrap();
    }
}
