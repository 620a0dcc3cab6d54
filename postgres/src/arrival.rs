//! What arrives: looked at, and inserted once.

use crate::{error::Error, feed::Row};
use tokio_postgres::{GenericClient, types::Type};

/// Which of these keys are not here, in the order in which they came.
pub(crate) async fn lacking<'a>(
    client: &impl GenericClient,
    keys: impl Iterator<Item = (&'a str, i64)>,
) -> Result<(Vec<String>, Vec<i64>), Error> {
    let (origins, numbers): (Vec<&str>, Vec<i64>) = keys.unzip();
    let sql = "SELECT origin, seq FROM unnest($1, $2) AS offered (origin, seq)
                WHERE NOT EXISTS (SELECT FROM rejoin.delta AS it
                                   WHERE it.origin = offered.origin AND it.seq = offered.seq)";
    let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
        [(&origins, Type::TEXT_ARRAY), (&numbers, Type::INT8_ARRAY)];
    let rows = client.query_typed(sql, &parameters).await?;
    let mut lacking = (Vec::new(), Vec::new());
    for row in rows {
        lacking.0.push(row.try_get(0)?);
        lacking.1.push(row.try_get(1)?);
    }
    Ok(lacking)
}

/// How many rows were new, and how many are here with other content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Inserted {
    pub(crate) new: u64,
    pub(crate) diverged: u64,
}

/// Inserts rows that are not here yet. Touches nothing else, so nothing that a user has locked holds
/// it up. `mine` says that peers are to pull them from here.
pub(crate) async fn insert(
    client: &impl GenericClient,
    rows: &[Row],
    mine: bool,
) -> Result<Inserted, Error> {
    if rows.is_empty() {
        return Ok(Inserted::default());
    }
    let (mut origins, mut numbers, mut stores) = (Vec::new(), Vec::new(), Vec::new());
    let (mut keys, mut payloads, mut times) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        origins.push(&*row.origin);
        numbers.push(row.seq);
        stores.push(&*row.store);
        keys.push(&*row.key);
        payloads.push(&*row.payload);
        times.push(row.at);
    }
    let sql = "INSERT INTO rejoin.delta (origin, seq, store, key, payload, at, mine)
               SELECT origin, seq, store, key, payload, at, $7
                 FROM unnest($1, $2, $3, $4, $5, $6) AS it (origin, seq, store, key, payload, at)
               ON CONFLICT (origin, seq) DO NOTHING";
    let new = client
        .execute_typed(
            sql,
            &[
                (&origins, Type::TEXT_ARRAY),
                (&numbers, Type::INT8_ARRAY),
                (&stores, Type::TEXT_ARRAY),
                (&keys, Type::TEXT_ARRAY),
                (&payloads, Type::BYTEA_ARRAY),
                (&times, Type::INT8_ARRAY),
                (&mine, Type::BOOL),
            ],
        )
        .await?;
    if new == rows.len() as u64 {
        return Ok(Inserted { new, diverged: 0 });
    }
    let sql = "SELECT count(*) FROM unnest($1, $2, $3) AS it (origin, seq, payload)
                 JOIN rejoin.delta AS here USING (origin, seq) WHERE here.payload <> it.payload";
    let diverged: i64 = client
        .query_typed_one(
            sql,
            &[
                (&origins, Type::TEXT_ARRAY),
                (&numbers, Type::INT8_ARRAY),
                (&payloads, Type::BYTEA_ARRAY),
            ],
        )
        .await?
        .try_get(0)?;
    Ok(Inserted { new, diverged: diverged.unsigned_abs() })
}

/// Keeps what was refused, with the reason, for people to look at.
pub(crate) async fn keep_refused(
    client: &impl GenericClient,
    peer: &str,
    refused: &[(Row, String)],
) -> Result<(), Error> {
    let sql = "INSERT INTO rejoin.refused (origin, seq, store, key, payload, at, peer, reason)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
               ON CONFLICT (origin, seq) DO UPDATE SET reason = excluded.reason";
    for (row, reason) in refused {
        tracing::warn!(peer, store = row.store, key = row.key, reason, "a delta was refused");
        client
            .execute_typed(
                sql,
                &[
                    (&row.origin, Type::TEXT),
                    (&row.seq, Type::INT8),
                    (&row.store, Type::TEXT),
                    (&row.key, Type::TEXT),
                    (&row.payload, Type::BYTEA),
                    (&row.at, Type::INT8),
                    (&peer, Type::TEXT),
                    (&reason, Type::TEXT),
                ],
            )
            .await?;
    }
    Ok(())
}
