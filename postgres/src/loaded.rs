//! [`Loaded`]: a state in memory, and which rows it was made of.

use crate::{
    error::{Error, Kind},
    life::{Life, TIMELINE},
    store::Replicated,
};
use rejoin::wire;
use std::sync::Arc;
use tokio_postgres::{GenericClient, Row, types::Type};

/// A snapshot in which no transaction has ended.
pub(crate) const NOTHING: &str = "3:3:";

/// A state, and the rows that it was made of: those that were visible in a snapshot, and none by a
/// later transaction than the latest of them.
///
/// The second matters after a crash. A transaction that had ended, but of which nothing had been
/// written to disk, is forgotten, and its id is given out again: the new one's rows would count as
/// visible long ago. Rows that were read are on disk, so ids that come again are greater.
#[derive(Clone)]
pub(crate) struct Loaded<T> {
    pub(crate) state: T,
    /// How often this node has written under the key.
    pub(crate) own: i64,
    /// In which life of the node it was loaded; snapshots of one timeline say nothing in another.
    pub(crate) life: Arc<Life>,
    snapshot: String,
    greatest: i64,
    pub(crate) bytes: usize,
}

/// What a look at the database brought, besides what went into the state.
pub(crate) enum Looked {
    /// The state is as the database has it, and here is a number for a write.
    Fresh(i64),
    /// The database is in another life than the state.
    OtherLife,
}

impl<T: Replicated> Loaded<T> {
    pub(crate) fn new(state: T, life: Arc<Life>) -> Self {
        Self { state, own: 0, life, snapshot: NOTHING.into(), greatest: 0, bytes: 0 }
    }

    /// Applies the rows that became visible since. One query, which costs what is new. With
    /// `to_write` it also brings the number of the next write.
    pub(crate) async fn refresh(
        &mut self,
        client: &impl GenericClient,
        (store, key): (&str, &str),
        to_write: bool,
    ) -> Result<Looked, Error> {
        let sql = format!(
            "SELECT pg_current_snapshot()::text,
                    coalesce((SELECT own FROM rejoin.document WHERE store = $1 AND key = $2), 0),
                    (SELECT incarnation FROM rejoin.node), {TIMELINE},
                    (SELECT CASE WHEN $5 THEN nextval('rejoin.delta_seq') ELSE 0 END),
                    delta.xid, delta.payload
               FROM (SELECT) AS once LEFT JOIN LATERAL (
                    SELECT xid::text::bigint, payload FROM rejoin.delta
                     WHERE store = $1 AND key = $2
                       AND xid >= least(pg_snapshot_xmin($3::text::pg_snapshot), $4::text::xid8)
                       AND (xid > $4::text::xid8 OR NOT pg_visible_in_snapshot(xid, $3::text::pg_snapshot))
                    ) AS delta ON true"
        );
        let rows = client
            .query_typed(
                &sql,
                &[
                    (&store, Type::TEXT),
                    (&key, Type::TEXT),
                    (&self.snapshot, Type::TEXT),
                    (&self.greatest.to_string(), Type::TEXT),
                    (&to_write, Type::BOOL),
                ],
            )
            .await?;
        let Some(first) = rows.first() else { return Ok(Looked::OtherLife) };
        let place: (Option<i64>, i64) = (first.try_get(2)?, first.try_get(3)?);
        if place != (Some(self.life.incarnation()), self.life.timeline) {
            return Ok(Looked::OtherLife);
        }
        let mut greatest = self.greatest;
        for row in &rows {
            greatest = greatest.max(self.apply(row, store, key)?);
        }
        self.greatest = greatest;
        self.snapshot = first.try_get(0)?;
        self.own = self.own.max(first.try_get(1)?);
        Ok(Looked::Fresh(first.try_get(4)?))
    }

    /// A row's delta goes into the state; returns its transaction. If it cannot be read, the state
    /// stays fit for use, and all rows are looked at again next time.
    fn apply(&mut self, row: &Row, store: &str, key: &str) -> Result<i64, Error> {
        let Some(payload) = row.try_get::<_, Option<&[u8]>>(6)? else { return Ok(0) };
        let delta = wire::from_bytes(payload).map_err(|error| Kind::Malformed {
            what: format!("a delta of {key:?} in store {store:?}"),
            error,
        })?;
        self.state.apply_owned(delta);
        self.bytes += payload.len();
        Ok(row.try_get(5)?)
    }
}
