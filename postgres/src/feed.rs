//! What is asked of a peer: which rows became visible there, and what rows of some keys hold.

use crate::{
    cursor::Cursor,
    error::{Error, Kind},
    life::{SYSTEM, TIMELINE},
};
use tokio_postgres::{Client, Row as SqlRow, types::Type};

/// One row of `rejoin.delta`, on its way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    pub(crate) origin: String,
    pub(crate) seq: i64,
    pub(crate) store: String,
    pub(crate) key: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) at: i64,
}

/// What a peer says of itself, whatever it is asked.
pub(crate) struct Peer {
    pub(crate) region: String,
    pub(crate) epoch: String,
    /// The greatest number that it has of the writes of the node that asks.
    pub(crate) seen: Option<i64>,
}

/// Rows that became visible, in their order.
pub(crate) struct Page {
    pub(crate) peer: Peer,
    pub(crate) target: String,
    /// The transaction of each row, and the row: its key alone if only keys were asked for.
    pub(crate) rows: Vec<(i64, Row)>,
}

/// The columns that say what a peer is; `$1` is who asks.
fn about() -> String {
    format!(
        "(SELECT region FROM rejoin.node) AS region,
         (SELECT concat_ws('/', {SYSTEM}, {TIMELINE}, incarnation) FROM rejoin.node) AS epoch,
         (SELECT max(seq) FROM rejoin.delta WHERE origin = $1) AS seen"
    )
}

fn peer(row: &SqlRow) -> Result<Peer, Error> {
    let region = row.try_get::<_, Option<String>>("region")?.ok_or(Kind::NeverOpened)?;
    Ok(Peer { region, epoch: row.try_get("epoch")?, seen: row.try_get("seen")? })
}

/// What the peer is.
pub(crate) async fn ask(client: &Client, origin: &str) -> Result<Peer, Error> {
    let is_in_recovery = "SELECT pg_is_in_recovery()";
    if client.query_typed_one(is_in_recovery, &[]).await?.try_get(0)? {
        return Err(Kind::InRecovery.into());
    }
    let sql = format!("SELECT {}", about());
    peer(&client.query_typed_one(&sql, &[(&origin, Type::TEXT)]).await?)
}

/// The next page of what became visible since the cursor. One query, by an index.
pub(crate) async fn page(
    client: &Client,
    origin: &str,
    cursor: &Cursor,
    most: i64,
) -> Result<Page, Error> {
    let sql = format!(
        "WITH round AS MATERIALIZED (
            SELECT coalesce($2, pg_current_snapshot()::text)::pg_snapshot AS target,
                   $3::text::pg_snapshot AS previous, $4::text::xid8 AS greatest,
                   greatest(least(pg_snapshot_xmin($3::text::pg_snapshot), $4::text::xid8),
                            $5::text::xid8) AS first
         )
         SELECT about.*, delta.*
           FROM round LEFT JOIN LATERAL (
                SELECT *, row_number() OVER (ORDER BY xid, seq) AS place FROM (
                    SELECT xid::text::bigint AS xid, seq, origin,
                           CASE WHEN $8 THEN NULL ELSE store END AS store,
                           CASE WHEN $8 THEN NULL ELSE key END AS key,
                           CASE WHEN $8 THEN NULL ELSE payload END AS payload, at
                      FROM rejoin.delta AS it
                     WHERE mine AND it.xid >= round.first AND (it.xid, it.seq) > ($5::text::xid8, $6)
                       AND (it.xid > round.greatest OR NOT pg_visible_in_snapshot(it.xid, round.previous))
                       AND pg_visible_in_snapshot(it.xid, round.target)
                     ORDER BY it.xid, it.seq LIMIT $7) AS batch
                ) AS delta ON true
                -- Once is enough.
                LEFT JOIN LATERAL (SELECT target::text AS target, {}) AS about ON coalesce(place, 1) = 1
          ORDER BY delta.place",
        about()
    );
    let rows = client
        .query_typed(
            &sql,
            &[
                (&origin, Type::TEXT),
                (&cursor.target, Type::TEXT),
                (&cursor.previous, Type::TEXT),
                (&cursor.greatest.to_string(), Type::TEXT),
                (&cursor.xid.to_string(), Type::TEXT),
                (&cursor.seq, Type::INT8),
                (&most, Type::INT8),
                (&cursor.compares_keys(), Type::BOOL),
            ],
        )
        .await?;
    let first = rows.first().ok_or(Kind::NeverOpened)?;
    let mut page = Page { peer: peer(first)?, target: first.try_get("target")?, rows: Vec::new() };
    for row in &rows {
        if let Some(xid) = row.try_get::<_, Option<i64>>("xid")? {
            page.rows.push((xid, read(row)?));
        }
    }
    Ok(page)
}

fn read(row: &SqlRow) -> Result<Row, Error> {
    Ok(Row {
        origin: row.try_get("origin")?,
        seq: row.try_get("seq")?,
        store: row.try_get::<_, Option<_>>("store")?.unwrap_or_default(),
        key: row.try_get::<_, Option<_>>("key")?.unwrap_or_default(),
        payload: row.try_get::<_, Option<_>>("payload")?.unwrap_or_default(),
        at: row.try_get("at")?,
    })
}

/// The rows with these keys, whole.
pub(crate) async fn fetch(
    client: &Client,
    keys: &(Vec<&str>, Vec<i64>),
) -> Result<Vec<Row>, Error> {
    let sql = "SELECT origin, seq, store, key, payload, at FROM rejoin.delta
                 JOIN unnest($1, $2) AS asked (origin, seq) USING (origin, seq)";
    let rows = client
        .query_typed(sql, &[(&keys.0, Type::TEXT_ARRAY), (&keys.1, Type::INT8_ARRAY)])
        .await?;
    rows.iter().map(read).collect()
}
