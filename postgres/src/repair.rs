//! Comparing what two nodes have, by ranges of numbers.

use crate::{error::Error, feed::Row};
use tokio_postgres::{GenericClient, types::Type};

/// Numbers of one replica, from the first to the last.
pub(crate) struct Range {
    origin: String,
    first: i64,
    last: i64,
}

/// How many of a range are there, and a sum of hashes of their numbers. A number names a row for
/// good, so rows are the same where numbers are. (The hash is that of hash partitions, which stays
/// the same between versions. Where it did not, keys would be compared one by one.)
#[derive(PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) count: i64,
    sum: String,
}

/// All that a node has, of one region or of all: a range for each replica.
pub(crate) async fn ranges(
    client: &impl GenericClient,
    region: Option<&str>,
) -> Result<Vec<Range>, Error> {
    let sql = "SELECT origin, min(seq), max(seq) FROM rejoin.delta
                WHERE $1 IS NULL OR origin = $1 OR (origin >= $1 || '#' AND origin < $1 || '$')
                GROUP BY origin";
    let rows = client.query_typed(sql, &[(&region, Type::TEXT)]).await?;
    let range = |row: &tokio_postgres::Row| {
        Ok(Range { origin: row.try_get(0)?, first: row.try_get(1)?, last: row.try_get(2)? })
    };
    rows.iter().map(range).collect()
}

impl Range {
    pub(crate) async fn summary(&self, client: &impl GenericClient) -> Result<Summary, Error> {
        let sql = "SELECT count(*), coalesce(sum(hashint8extended(seq, 0)), 0)::text
                     FROM rejoin.delta WHERE origin = $1 AND seq BETWEEN $2 AND $3";
        let row = client.query_typed_one(sql, &self.parameters()).await?;
        Ok(Summary { count: row.try_get(0)?, sum: row.try_get(1)? })
    }

    /// The numbers of the range, as rows without content.
    pub(crate) async fn rows(&self, client: &impl GenericClient) -> Result<Vec<Row>, Error> {
        let sql = "SELECT seq FROM rejoin.delta WHERE origin = $1 AND seq BETWEEN $2 AND $3";
        let rows = client.query_typed(sql, &self.parameters()).await?;
        let row = |row: &tokio_postgres::Row| {
            Ok(Row { origin: self.origin.clone(), seq: row.try_get(0)?, ..Row::default() })
        };
        rows.iter().map(row).collect()
    }

    fn parameters(&self) -> [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 3] {
        [(&self.origin, Type::TEXT), (&self.first, Type::INT8), (&self.last, Type::INT8)]
    }

    /// Both halves; `None` if it has one number.
    pub(crate) fn halves(&self) -> Option<[Self; 2]> {
        let middle = self.first.midpoint(self.last);
        let half = |first, last| Self { origin: self.origin.clone(), first, last };
        (self.first < self.last).then(|| [half(self.first, middle), half(middle + 1, self.last)])
    }
}
