//! Pictures that come in pieces: how much is here.

use crate::domain::ids::{AttachmentId, InstitutionId, VisitId};
use crate::domain::room::PictureOf;
use crate::domain::time::Timestamp;
use crate::store::{Result, Tx, on};

/// A picture on its way.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct UploadRow {
    /// The picture that it becomes.
    pub id: AttachmentId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// The visit.
    pub visit_id: VisitId,
    /// Who sends it, as [`crate::domain::permission::Actor::key`] names it.
    pub sender: String,
    /// Of what.
    pub picture_of: PictureOf,
    /// Bytes of the whole.
    pub size: i64,
    /// What the whole must hash to, hexadecimal.
    pub sha256: String,
    /// Bytes that are here.
    pub received: i64,
    /// When it began.
    pub created_at: Timestamp,
    /// When it became a picture of the visit.
    pub finished_at: Option<Timestamp>,
}

/// The `upload` table.
pub struct Uploads<'tx>(pub(super) &'tx mut Tx);

impl Uploads<'_> {
    /// Keeps the beginning of an upload; nothing happens when one of this id is known.
    pub async fn begin(self, row: &UploadRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into upload (id, institution_id, visit_id, sender, picture_of, size, sha256, received, created_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                 on conflict (id) do nothing",
            )
            .bind(row.id)
            .bind(row.institution_id)
            .bind(row.visit_id)
            .bind(&row.sender)
            .bind(row.picture_of)
            .bind(row.size)
            .bind(&row.sha256)
            .bind(row.received)
            .bind(row.created_at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// An upload by its id.
    pub async fn find(self, id: AttachmentId) -> Result<Option<UploadRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select id, institution_id, visit_id, sender, picture_of, size, sha256, received, created_at, finished_at
                 from upload
                 where id = $1",
            )
            .bind(id)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// Notes that a piece after `from` is here; `false` when another came first.
    pub async fn grow(self, id: AttachmentId, from: i64, to: i64) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query("update upload set received = $3 where id = $1 and received = $2 and finished_at is null")
                .bind(id)
                .bind(from)
                .bind(to)
                .execute(conn)
                .await?
                .rows_affected()
                == 1
        }))
    }

    /// Begins anew under the same id: another picture is promised, or what came was not what was promised.
    pub async fn begin_anew(self, id: AttachmentId, size: i64, sha256: &str) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query("update upload set received = 0, size = $2, sha256 = $3 where id = $1 and finished_at is null")
                .bind(id)
                .bind(size)
                .bind(sha256)
                .execute(conn)
                .await?;
        });
        Ok(())
    }

    /// Marks an upload as a picture of its visit; `false` when it was before.
    pub async fn finish(self, id: AttachmentId, now: Timestamp) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query("update upload set finished_at = $2 where id = $1 and finished_at is null")
                .bind(id)
                .bind(now)
                .execute(conn)
                .await?
                .rows_affected()
                == 1
        }))
    }

    /// Uploads of a visit that began, for its bound.
    pub async fn count(self, visit: VisitId) -> Result<i64> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar("select count(*) from upload where visit_id = $1").bind(visit).fetch_one(conn).await?
        }))
    }

    /// Unfinished ones that began before a moment, or whose visit is over; oldest first.
    pub async fn unfinished(self, before: Timestamp, limit: i64, skip: i64) -> Result<Vec<AttachmentId>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar(
                "select upload.id
                 from upload
                 join visit on visit.id = upload.visit_id
                 where upload.finished_at is null and (upload.created_at < $1 or visit.ended_at is not null)
                 order by upload.created_at, upload.id
                 limit $2 offset $3",
            )
            .bind(before)
            .bind(limit)
            .bind(skip)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Forgets an unfinished one; `false` when it was finished, or is not known.
    pub async fn forget(self, id: AttachmentId) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query("delete from upload where id = $1 and finished_at is null")
                .bind(id)
                .execute(conn)
                .await?
                .rows_affected()
                == 1
        }))
    }

    /// Says of what a kept picture is.
    pub async fn name_picture(self, id: AttachmentId, of: PictureOf) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query("update attachment set picture_of = $2 where id = $1").bind(id).bind(of).execute(conn).await?;
        });
        Ok(())
    }
}
