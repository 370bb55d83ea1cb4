//! Invitations into rooms. Of a token only its hash is kept.

use crate::domain::ids::{AccountId, InstitutionId, InvitationId, RoomId, SessionId, VisitId};
use crate::domain::room::ParticipantRole;
use crate::domain::time::Timestamp;
use crate::store::{Result, Tx, on};

/// An invitation as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct InvitationRow {
    /// The invitation.
    pub id: InvitationId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// Into which room.
    pub room_id: RoomId,
    /// Of which visit.
    pub visit_id: VisitId,
    /// As what.
    pub role: ParticipantRole,
    /// The name as shown, sealed.
    pub name_sealed: Vec<u8>,
    /// SHA-256 of the token.
    pub token_hash: Vec<u8>,
    /// The host.
    pub invited_by: AccountId,
    /// When.
    pub created_at: Timestamp,
    /// Until when it can be used.
    pub expires_at: Timestamp,
    /// SHA-256 of what the browser that used it chose, so that a lost answer can be asked for again.
    pub used_by: Option<Vec<u8>>,
    /// When it was used.
    pub used_at: Option<Timestamp>,
    /// The session of whoever used it.
    pub session_id: Option<SessionId>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

/// The `invitation` table.
pub struct Invitations<'tx>(pub(super) &'tx mut Tx);

impl Invitations<'_> {
    /// Keeps a new invitation.
    pub async fn insert(self, row: &InvitationRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into invitation (id, institution_id, room_id, visit_id, role, name_sealed, token_hash, invited_by,
                                         created_at, expires_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            )
            .bind(row.id)
            .bind(row.institution_id)
            .bind(row.room_id)
            .bind(row.visit_id)
            .bind(row.role)
            .bind(&row.name_sealed)
            .bind(&row.token_hash)
            .bind(row.invited_by)
            .bind(row.created_at)
            .bind(row.expires_at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// An invitation by its id.
    pub async fn find(self, id: InvitationId) -> Result<Option<InvitationRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select id, institution_id, room_id, visit_id, role, name_sealed, token_hash, invited_by, created_at, expires_at,
                        used_by, used_at, session_id, revoked_at
                 from invitation
                 where id = $1",
            )
            .bind(id)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// An invitation by the hash of its token.
    pub async fn by_token(self, token_hash: &[u8]) -> Result<Option<InvitationRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select id, institution_id, room_id, visit_id, role, name_sealed, token_hash, invited_by, created_at, expires_at,
                        used_by, used_at, session_id, revoked_at
                 from invitation
                 where token_hash = $1",
            )
            .bind(token_hash)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// The invitations of a visit, oldest first.
    pub async fn of_visit(self, visit: VisitId) -> Result<Vec<InvitationRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select id, institution_id, room_id, visit_id, role, name_sealed, token_hash, invited_by, created_at, expires_at,
                        used_by, used_at, session_id, revoked_at
                 from invitation
                 where visit_id = $1
                 order by created_at, id",
            )
            .bind(visit)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Uses an invitation for a browser; `false` when another used it, it was taken back, or its time is over. The name of the
    /// first use stays: another would be one that no host has let in.
    pub async fn spend(
        self,
        id: InvitationId,
        used_by: &[u8],
        name_sealed: &[u8],
        session: SessionId,
        now: Timestamp,
    ) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "update invitation
                 set used_by = $2, session_id = $4, used_at = $5,
                     name_sealed = case when used_by is null then $3 else name_sealed end
                 where id = $1 and revoked_at is null and expires_at > $5 and (used_by is null or used_by = $2)",
            )
            .bind(id)
            .bind(used_by)
            .bind(name_sealed)
            .bind(session)
            .bind(now)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }

    /// Takes an invitation back; `false` when it was taken back before.
    pub async fn revoke(self, id: InvitationId, now: Timestamp) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query("update invitation set revoked_at = $2 where id = $1 and revoked_at is null")
                .bind(id)
                .bind(now)
                .execute(conn)
                .await?
                .rows_affected()
                == 1
        }))
    }
}
