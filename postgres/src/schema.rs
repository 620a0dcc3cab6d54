//! [`install`]: the tables, in a schema of their own, by numbered steps.

use crate::error::{Error, Kind};
use tokio_postgres::{Client, GenericClient, types::Type};

/// Each step leads from the version before it to its own: the first from nothing to 1.
const STEPS: [&str; 1] = [include_str!("schema/1.sql")];
/// Any number, so that two that install at a time wait for each other.
const LOCK: i64 = 0x7265_6a6f_696e;

/// The version of the tables that this release needs.
pub(crate) const VERSION: i32 = 1;

/// Makes the tables, in a schema named `rejoin`, or brings them up to this release. All or nothing;
/// does nothing where they are up to date. Call it whenever a program starts, or from a migration.
///
/// It needs the right to create a schema in this database, and no other: no superuser, no
/// extension, no replication slot, no setting of the server.
///
/// # Errors
///
/// If the database refuses, or the tables are those of a later release.
pub async fn install(client: &mut Client) -> Result<(), Error> {
    let transaction = client.transaction().await?;
    transaction.query_typed("SELECT pg_advisory_xact_lock($1)", &[(&LOCK, Type::INT8)]).await?;
    transaction
        .batch_execute(
            "CREATE SCHEMA IF NOT EXISTS rejoin;
             CREATE TABLE IF NOT EXISTS rejoin.migration (
                 version integer PRIMARY KEY, at timestamptz NOT NULL DEFAULT now());",
        )
        .await?;
    let found = version(&transaction).await?;
    for (step, number) in STEPS.iter().zip(1..).filter(|(_, number)| *number > found) {
        transaction.batch_execute(step).await?;
        let number: i32 = number;
        let insert = "INSERT INTO rejoin.migration (version) VALUES ($1)";
        transaction.execute_typed(insert, &[(&number, Type::INT4)]).await?;
        tracing::info!(version = number, "tables brought up to date");
    }
    check(found.max(VERSION))?;
    transaction.commit().await?;
    Ok(())
}

/// The version of the tables that are there.
async fn version(client: &impl GenericClient) -> Result<i32, Error> {
    let greatest = "SELECT coalesce(max(version), 0) FROM rejoin.migration";
    Ok(client.query_typed_one(greatest, &[]).await?.try_get(0)?)
}

fn check(found: i32) -> Result<(), Error> {
    if found == VERSION { Ok(()) } else { Err(Kind::Schema { found, needed: VERSION }.into()) }
}

/// Whether the tables are those that this release needs.
pub(crate) async fn verify(client: &impl GenericClient) -> Result<(), Error> {
    let is_there = "SELECT to_regclass('rejoin.migration') IS NOT NULL";
    let is_there: bool = client.query_typed_one(is_there, &[]).await?.try_get(0)?;
    check(if is_there { version(client).await? } else { 0 })
}
