//! Sealed days of the audit log, and the signed heads of the running one. There is no statement here that changes one; the database refuses one, too.

use crate::domain::audit::checkpoint::Checkpoint;
use crate::domain::audit::day::DaySeal;
use crate::domain::ids::InstitutionId;
use crate::domain::time::Timestamp;
use crate::store::{Result, StoreError, Tx, on};

/// A seal as it stands in the database.
#[derive(sqlx::FromRow)]
struct Row {
    institution_id: InstitutionId,
    day: String,
    first_seq: i64,
    last_seq: i64,
    head_hash: String,
    root: String,
    previous_root: String,
    sealed_at: Timestamp,
}

impl TryFrom<Row> for (DaySeal, Timestamp) {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self> {
        let day = row.day.parse().map_err(|_| StoreError::Other("audit_day.day is no date".to_owned()))?;
        let seal = DaySeal {
            institution: row.institution_id.to_string(),
            day,
            first: row.first_seq,
            last: row.last_seq,
            head_hash: row.head_hash,
            root: row.root,
            previous_root: row.previous_root,
        };
        Ok((seal, row.sealed_at))
    }
}

/// A signed head as it stands in the database.
#[derive(sqlx::FromRow)]
struct Point {
    institution_id: InstitutionId,
    seq: i64,
    head_hash: String,
    at: Timestamp,
}

impl From<Point> for Checkpoint {
    fn from(point: Point) -> Self {
        let Point { institution_id, seq, head_hash, at } = point;
        Self { institution: institution_id.to_string(), seq, head_hash, at }
    }
}

/// The `audit_day` and `audit_checkpoint` tables.
pub struct AuditDays<'tx>(pub(super) &'tx mut Tx);

impl AuditDays<'_> {
    /// Keeps a seal; one that is there already is a conflict.
    pub async fn insert(self, institution: InstitutionId, seal: &DaySeal, at: Timestamp) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into audit_day (institution_id, day, first_seq, last_seq, head_hash, root, previous_root, sealed_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(institution)
            .bind(seal.day.to_string())
            .bind(seal.first)
            .bind(seal.last)
            .bind(&seal.head_hash)
            .bind(&seal.root)
            .bind(&seal.previous_root)
            .bind(at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// Every seal of an institution with when it was made, oldest first.
    pub async fn all(self, institution: InstitutionId) -> Result<Vec<(DaySeal, Timestamp)>> {
        let rows: Vec<Row> = on!(self.0, |conn| {
            sqlx::query_as(
                "select institution_id, day, first_seq, last_seq, head_hash, root, previous_root, sealed_at
                 from audit_day
                 where institution_id = $1
                 order by day",
            )
            .bind(institution)
            .fetch_all(conn)
            .await?
        });
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// The last seal of an institution.
    pub async fn last(self, institution: InstitutionId) -> Result<Option<DaySeal>> {
        let row: Option<Row> = on!(self.0, |conn| {
            sqlx::query_as(
                "select institution_id, day, first_seq, last_seq, head_hash, root, previous_root, sealed_at
                 from audit_day
                 where institution_id = $1
                 order by day desc
                 limit 1",
            )
            .bind(institution)
            .fetch_optional(conn)
            .await?
        });
        row.map(|row| <(DaySeal, Timestamp)>::try_from(row).map(|(seal, _)| seal)).transpose()
    }

    /// Keeps a signed head; one of the same entry that is there already is a conflict.
    pub async fn mark(self, institution: InstitutionId, point: &Checkpoint) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query("insert into audit_checkpoint (institution_id, seq, head_hash, at) values ($1, $2, $3, $4)")
                .bind(institution)
                .bind(point.seq)
                .bind(&point.head_hash)
                .bind(point.at)
                .execute(conn)
                .await?;
        });
        Ok(())
    }

    /// Every signed head of an institution, by its number.
    pub async fn checkpoints(self, institution: InstitutionId) -> Result<Vec<Checkpoint>> {
        let rows: Vec<Point> = on!(self.0, |conn| {
            sqlx::query_as(
                "select institution_id, seq, head_hash, at
                 from audit_checkpoint
                 where institution_id = $1
                 order by seq",
            )
            .bind(institution)
            .fetch_all(conn)
            .await?
        });
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// The newest signed head of an institution.
    pub async fn last_checkpoint(self, institution: InstitutionId) -> Result<Option<Checkpoint>> {
        let row: Option<Point> = on!(self.0, |conn| {
            sqlx::query_as(
                "select institution_id, seq, head_hash, at
                 from audit_checkpoint
                 where institution_id = $1
                 order by seq desc
                 limit 1",
            )
            .bind(institution)
            .fetch_optional(conn)
            .await?
        });
        Ok(row.map(Into::into))
    }
}
