//! [`Cursor`]: how far a peer has been pulled.

use crate::{error::Error, loaded::NOTHING};
use tokio_postgres::{GenericClient, types::Type};

/// How far a peer has been pulled: the rows that were visible in one snapshot of it. A *round* brings
/// those that became visible from there to a *target*, in pages, by transaction and number.
///
/// Snapshots, unlike numbers, are in the order of commits: a row is missed by none, however late its
/// transaction commits, and one long transaction holds up nothing but itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Counted up whenever it is stored, so that of two processes that pull one peer only one goes on.
    pub(crate) number: i64,
    /// The peer's cluster, timeline and incarnation. Where one of them changes, transactions are
    /// numbered anew, and everything is compared by key.
    pub(crate) epoch: String,
    pub(crate) previous: String,
    pub(crate) target: Option<String>,
    /// The last row of the round.
    pub(crate) xid: i64,
    pub(crate) seq: i64,
    /// The latest transaction of all rows that were brought in rounds before: see
    /// [`Loaded`](crate::loaded::Loaded).
    pub(crate) greatest: i64,
    /// The incarnation of this node that was given back what the peer has of its former ones.
    pub(crate) reclaimed: i64,
    /// Whether the database does not have what is worth keeping.
    pub(crate) is_unsaved: bool,
}

impl Cursor {
    /// Before the first row.
    pub(crate) fn start(epoch: &str) -> Self {
        Self {
            number: 0,
            epoch: epoch.to_owned(),
            previous: NOTHING.to_owned(),
            target: None,
            xid: 0,
            seq: 0,
            greatest: 0,
            reclaimed: -1,
            is_unsaved: true,
        }
    }

    /// Before the first row of another epoch.
    pub(crate) fn restart(&mut self, epoch: &str) {
        *self = Self { number: self.number, reclaimed: self.reclaimed, ..Self::start(epoch) };
    }

    /// Whether most of what comes may be here already, so that keys are asked for first.
    pub(crate) fn compares_keys(&self) -> bool {
        self.previous == NOTHING
    }

    /// After a page that ended with this row, in a round to this target.
    pub(crate) fn pass(&mut self, (xid, seq): (i64, i64), target: &str) {
        (self.xid, self.seq) = (xid, seq);
        (self.target, self.is_unsaved) = (Some(target.to_owned()), true);
    }

    /// After the last page of a round.
    pub(crate) fn finish(&mut self, target: &str) {
        self.greatest = self.greatest.max(self.xid);
        target.clone_into(&mut self.previous);
        (self.target, self.xid, self.seq) = (None, 0, 0);
    }

    pub(crate) async fn load(client: &impl GenericClient, peer: &str) -> Result<Self, Error> {
        let sql = "SELECT number, epoch, previous, target, xid, seq, greatest, reclaimed
                     FROM rejoin.cursor WHERE peer = $1";
        let Some(row) = client.query_typed_opt(sql, &[(&peer, Type::TEXT)]).await? else {
            return Ok(Self::start(""));
        };
        Ok(Self {
            number: row.try_get(0)?,
            epoch: row.try_get(1)?,
            previous: row.try_get(2)?,
            target: row.try_get(3)?,
            xid: row.try_get(4)?,
            seq: row.try_get(5)?,
            greatest: row.try_get(6)?,
            reclaimed: row.try_get(7)?,
            is_unsaved: false,
        })
    }

    /// Stores it, unless another process has stored one since this was loaded; whether it did.
    pub(crate) async fn store(
        &mut self,
        client: &impl GenericClient,
        peer: &str,
    ) -> Result<bool, Error> {
        let sql = "INSERT INTO rejoin.cursor AS it
                   VALUES ($1, $2 + 1, $3, $4, $5, $6, $7, $8, $9)
                   ON CONFLICT (peer) DO UPDATE SET
                     (number, epoch, previous, target, xid, seq, greatest, reclaimed) = (excluded.number,
                      excluded.epoch, excluded.previous, excluded.target, excluded.xid, excluded.seq,
                      excluded.greatest, excluded.reclaimed)
                    WHERE it.number = $2
                   RETURNING number";
        let stored = client
            .query_typed_opt(
                sql,
                &[
                    (&peer, Type::TEXT),
                    (&self.number, Type::INT8),
                    (&self.epoch, Type::TEXT),
                    (&self.previous, Type::TEXT),
                    (&self.target, Type::TEXT),
                    (&self.xid, Type::INT8),
                    (&self.seq, Type::INT8),
                    (&self.greatest, Type::INT8),
                    (&self.reclaimed, Type::INT8),
                ],
            )
            .await?;
        self.number += i64::from(stored.is_some());
        self.is_unsaved &= stored.is_none();
        Ok(stored.is_some())
    }
}
