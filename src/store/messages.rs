//! The conversation of a visit, and its pictures' particulars. Text is kept sealed.

use crate::domain::ids::{AttachmentId, InstitutionId, MessageId, VisitId};
use crate::domain::time::Timestamp;
use crate::domain::visit::ChatSide;
use crate::store::{Result, Tx, on};

/// A line of the conversation.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct MessageRow {
    /// Chosen by the browser, so that a repeated send is the same line.
    pub id: MessageId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// The visit.
    pub visit_id: VisitId,
    /// Who speaks.
    pub side: ChatSide,
    /// The subject, as [`crate::domain::permission::Actor::key`] names it.
    pub sender: String,
    /// The sender's name as shown.
    pub name_zh: String,
    /// The same in Latin letters.
    pub name_en: String,
    /// The sealed text.
    pub body_sealed: Vec<u8>,
    /// A picture.
    pub attachment_id: Option<AttachmentId>,
    /// When it was stored.
    pub at: Timestamp,
}

/// A picture's particulars; its bytes are a file.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct AttachmentRow {
    /// The picture.
    pub id: AttachmentId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// The visit.
    pub visit_id: VisitId,
    /// Who sent it.
    pub sender: String,
    /// As found in its bytes.
    pub mime: String,
    /// Bytes.
    pub size: i64,
    /// Hexadecimal.
    pub sha256: String,
    /// When it was stored.
    pub at: Timestamp,
}

/// The `message` and `attachment` tables.
pub struct Messages<'tx>(pub(super) &'tx mut Tx);

impl Messages<'_> {
    /// Keeps a line; `false` when a line of this id was kept before.
    pub async fn insert(self, message: &MessageRow) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "insert into message (id, institution_id, visit_id, side, sender, name_zh, name_en, body_sealed,
                                      attachment_id, at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
                 on conflict (id) do nothing",
            )
            .bind(message.id)
            .bind(message.institution_id)
            .bind(message.visit_id)
            .bind(message.side)
            .bind(&message.sender)
            .bind(&message.name_zh)
            .bind(&message.name_en)
            .bind(&message.body_sealed)
            .bind(message.attachment_id)
            .bind(message.at)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }

    /// A line by its id.
    pub async fn find(self, id: MessageId) -> Result<Option<MessageRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select id, institution_id, visit_id, side, sender, name_zh, name_en, body_sealed, attachment_id, at
                 from message
                 where id = $1",
            )
            .bind(id)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// How many lines of a visit one side said.
    pub async fn count(self, visit: VisitId, side: ChatSide) -> Result<i64> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar("select count(*) from message where visit_id = $1 and side = $2")
                .bind(visit)
                .bind(side)
                .fetch_one(conn)
                .await?
        }))
    }

    /// The newest lines of a visit, oldest first.
    pub async fn of_visit(self, visit: VisitId, limit: i64) -> Result<Vec<MessageRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select id, institution_id, visit_id, side, sender, name_zh, name_en, body_sealed, attachment_id, at
                 from (
                     select id, institution_id, visit_id, side, sender, name_zh, name_en, body_sealed, attachment_id, at
                     from message
                     where visit_id = $1
                     order by at desc, id desc
                     limit $2
                 ) newest
                 order by at, id",
            )
            .bind(visit)
            .bind(limit)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Keeps a picture's particulars.
    pub async fn attach(self, attachment: &AttachmentRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into attachment (id, institution_id, visit_id, sender, mime, size, sha256, at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(attachment.id)
            .bind(attachment.institution_id)
            .bind(attachment.visit_id)
            .bind(&attachment.sender)
            .bind(&attachment.mime)
            .bind(attachment.size)
            .bind(&attachment.sha256)
            .bind(attachment.at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// A picture's particulars.
    pub async fn attachment(self, id: AttachmentId) -> Result<Option<AttachmentRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select id, institution_id, visit_id, sender, mime, size, sha256, at from attachment where id = $1",
            )
            .bind(id)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// How many pictures of a visit one person sent.
    pub async fn count_attachments(self, visit: VisitId, sender: &str) -> Result<i64> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar("select count(*) from attachment where visit_id = $1 and sender = $2")
                .bind(visit)
                .bind(sender)
                .fetch_one(conn)
                .await?
        }))
    }

    /// Every picture that is known.
    pub async fn all_attachments(self) -> Result<Vec<AttachmentId>> {
        Ok(on!(self.0, |conn| sqlx::query_scalar("select id from attachment").fetch_all(conn).await?))
    }

    /// The pictures of a visit.
    pub async fn attachments(self, visit: VisitId) -> Result<Vec<AttachmentRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select id, institution_id, visit_id, sender, mime, size, sha256, at
                 from attachment
                 where visit_id = $1
                 order by at, id",
            )
            .bind(visit)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Visits after `after`, in the order of their ids, that ended at or before `ended` and of which something was said
    /// or shown that is kept.
    pub async fn ended_with_words(self, after: VisitId, ended: Timestamp, limit: i64) -> Result<Vec<VisitId>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar(
                "select id
                 from visit
                 where id > $1 and ended_at <= $2
                   and (exists (select 1 from message where message.visit_id = visit.id)
                        or exists (select 1 from attachment where attachment.visit_id = visit.id))
                 order by id
                 limit $3",
            )
            .bind(after)
            .bind(ended)
            .bind(limit)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Forgets what was said and shown in a visit.
    pub async fn forget(self, visit: VisitId) -> Result<()> {
        on!(self.0, |conn| {
            for statement in ["delete from message where visit_id = $1", "delete from attachment where visit_id = $1"] {
                sqlx::query(statement).bind(visit).execute(&mut *conn).await?;
            }
        });
        Ok(())
    }
}
