//! [`Life`]: under which replica id a node writes, and on which cluster and timeline.

use crate::{
    error::{Error, Kind},
    schema,
};
use rejoin::ReplicaId;
use tokio_postgres::{Client, GenericClient, types::Type};

/// The timeline on which the cluster writes. After a promotion this says the new one at once;
/// `pg_control_checkpoint` says the old one until there is a checkpoint.
pub(crate) const TIMELINE: &str =
    "('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint";
/// What tells one cluster from another, other than by a copy.
pub(crate) const SYSTEM: &str = "(SELECT system_identifier FROM pg_control_system())";

/// The number of a new life: seconds since 2020, and always more than the one before. So a region
/// that was wiped, and two copies of a cluster that were both promoted, do not begin the same life.
/// It lasts until 2156.
const NUMBER: &str = "greatest($1 + 1, extract(epoch FROM clock_timestamp())::bigint - 1577836800)";

/// Any number, so that two processes that open a node at a time wait for each other.
const LOCK: i64 = 0x6c69_6665;

/// One life of a node: as long as its cluster goes on writing where it wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) id: ReplicaId,
    /// The id as text, as it is stored.
    pub(crate) origin: String,
    pub(crate) timeline: i64,
}

impl Life {
    pub(crate) fn incarnation(&self) -> i64 {
        self.id.incarnation().into()
    }
}

/// The life in which the node of this database is now: the one stored, or a new one if that began
/// on another cluster or timeline, or if it is the one that is to `end`.
pub(crate) async fn enter(
    client: &mut Client,
    region: ReplicaId,
    end: Option<i64>,
) -> Result<Life, Error> {
    let transaction = client.transaction().await?;
    refuse_recovery(&transaction).await?;
    schema::verify(&transaction).await?;
    transaction.query_typed("SELECT pg_advisory_xact_lock($1)", &[(&LOCK, Type::INT8)]).await?;
    let place = format!("SELECT {SYSTEM}, {TIMELINE}");
    let place = transaction.query_typed_one(&place, &[]).await?;
    let (system, timeline): (i64, i64) = (place.try_get(0)?, place.try_get(1)?);
    let stored = "SELECT region, incarnation, system, timeline FROM rejoin.node";
    let mut last: i64 = -1;
    if let Some(row) = transaction.query_typed_opt(stored, &[]).await? {
        let (found, asked): (String, _) = (row.try_get(0)?, region.to_string());
        if found != asked {
            return Err(Kind::OtherRegion { found, asked }.into());
        }
        last = row.try_get(1)?;
        let began: (i64, i64) = (row.try_get(2)?, row.try_get(3)?);
        if began == (system, timeline) && end != Some(last) {
            return Ok(life(region, last, timeline));
        }
    }
    let begin = format!(
        "INSERT INTO rejoin.node (incarnation, region, system, timeline) VALUES ({NUMBER}, $2, $3, $4)
         ON CONFLICT (is_only) DO UPDATE SET (incarnation, system, timeline)
             = (excluded.incarnation, excluded.system, excluded.timeline)
         RETURNING incarnation"
    );
    let number = transaction
        .query_typed_one(
            &begin,
            &[
                (&last, Type::INT8),
                (&region.to_string(), Type::TEXT),
                (&system, Type::INT8),
                (&timeline, Type::INT8),
            ],
        )
        .await?
        .try_get(0)?;
    transaction.commit().await?;
    let life = life(region, number, timeline);
    tracing::info!(id = %life.id, timeline, "a new life begins");
    Ok(life)
}

fn life(region: ReplicaId, incarnation: i64, timeline: i64) -> Life {
    let id = region.with_incarnation(u32::try_from(incarnation).unwrap_or(u32::MAX));
    Life { id, origin: id.to_string(), timeline }
}

async fn refuse_recovery(client: &impl GenericClient) -> Result<(), Error> {
    let is_in_recovery = "SELECT pg_is_in_recovery()";
    if client.query_typed_one(is_in_recovery, &[]).await?.try_get(0)? {
        return Err(Kind::InRecovery.into());
    }
    Ok(())
}
