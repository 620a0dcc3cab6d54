//! One write of a delta: stored if nobody of this node has written under its key meanwhile.

use crate::{
    error::Error,
    life::{Life, TIMELINE},
};
use std::sync::Arc;
use tokio_postgres::{GenericClient, types::Type};

/// A delta that is to be stored, and what it was drafted on.
pub(crate) struct Write<'a> {
    pub(crate) store: &'a str,
    pub(crate) key: &'a str,
    pub(crate) request: Option<&'a str>,
    pub(crate) life: Arc<Life>,
    /// How often this node had written under the key.
    pub(crate) own: i64,
    pub(crate) seq: i64,
    pub(crate) payload: Vec<u8>,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    Yes,
    /// This node has written under the key meanwhile.
    Overtaken,
    /// The database is in another life.
    OtherLife,
}

impl Write<'_> {
    /// Stores it. One statement, which is all or nothing, and on disk when it returns, whatever
    /// `synchronous_commit` says: peers see a row as soon as it is committed, and a crash must not
    /// lose what they saw.
    pub(crate) async fn store(&self, client: &impl GenericClient) -> Result<Stored, Error> {
        let sql = format!(
            "WITH life AS (
                SELECT CASE WHEN current_setting('synchronous_commit') = 'off'
                            THEN set_config('synchronous_commit', 'on', true) END AS durable
                  FROM rejoin.node WHERE incarnation = $1 AND timeline = $2 AND {TIMELINE} = $2
             ), swap AS (
                INSERT INTO rejoin.document AS it (store, key, own)
                SELECT $3, $4, 1 FROM life
                 WHERE coalesce(durable, '') IS NOT NULL
                   AND ($5 = 0 OR EXISTS (SELECT FROM rejoin.document WHERE store = $3 AND key = $4))
                ON CONFLICT (store, key) DO UPDATE SET own = it.own + 1 WHERE it.own = $5
                RETURNING own
             ), stored AS (
                INSERT INTO rejoin.delta (origin, seq, store, key, payload, at, mine, request)
                SELECT $6, $7, $3, $4, $8,
                       (extract(epoch FROM clock_timestamp()) * 1000)::bigint, true, $9 FROM swap
                RETURNING seq
             )
             SELECT EXISTS (SELECT FROM life), EXISTS (SELECT FROM stored)"
        );
        let row = client
            .query_typed_one(
                &sql,
                &[
                    (&self.life.incarnation(), Type::INT8),
                    (&self.life.timeline, Type::INT8),
                    (&self.store, Type::TEXT),
                    (&self.key, Type::TEXT),
                    (&self.own, Type::INT8),
                    (&self.life.origin, Type::TEXT),
                    (&self.seq, Type::INT8),
                    (&self.payload, Type::BYTEA),
                    (&self.request, Type::TEXT),
                ],
            )
            .await?;
        Ok(match (row.try_get(0)?, row.try_get(1)?) {
            (false, _) => Stored::OtherLife,
            (true, true) => Stored::Yes,
            (true, false) => Stored::Overtaken,
        })
    }

    /// Whether it is there.
    pub(crate) async fn is_there(&self, client: &impl GenericClient) -> Result<bool, Error> {
        is_there(client, &self.life.origin, self.seq).await
    }
}

pub(crate) async fn is_there(
    client: &impl GenericClient,
    origin: &str,
    seq: i64,
) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (SELECT FROM rejoin.delta WHERE origin = $1 AND seq = $2)";
    let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
        [(&origin, Type::TEXT), (&seq, Type::INT8)];
    Ok(client.query_typed_one(sql, &parameters).await?.try_get(0)?)
}

/// The write of this node that carries a request, if there is one.
pub(crate) async fn find_request(
    client: &impl GenericClient,
    (store, key): (&str, &str),
    request: &str,
) -> Result<Option<(String, i64)>, Error> {
    let sql = "SELECT origin, seq FROM rejoin.delta WHERE store = $1 AND key = $2 AND request = $3";
    let row = client
        .query_typed_opt(sql, &[(&store, Type::TEXT), (&key, Type::TEXT), (&request, Type::TEXT)])
        .await?;
    row.map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).transpose()
}
