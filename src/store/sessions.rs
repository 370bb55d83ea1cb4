//! Signed-in browsers.

use uuid::Uuid;

use crate::domain::ids::{AccountId, InstitutionId, InvitationId, SessionId};
use crate::domain::time::Timestamp;
use crate::store::lists::{list, listed};
use crate::store::{Result, Tx, on};

/// A signed-in browser.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SessionRow {
    /// The session.
    pub id: SessionId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// `staff`, `holder`, `caller`.
    pub subject_kind: String,
    /// The account, holder or alarm.
    pub subject_id: Uuid,
    /// SHA-256 of the refresh token.
    pub refresh_hash: Vec<u8>,
    /// SHA-256 of the one before.
    pub previous_hash: Option<Vec<u8>>,
    /// When the token was last exchanged.
    pub rotated_at: Timestamp,
    /// When the session ends.
    pub expires_at: Timestamp,
    /// When it was ended by hand or by a replay.
    pub revoked_at: Option<Timestamp>,
    /// When it began.
    pub created_at: Timestamp,
    /// When its person last did something, or proved who they are.
    pub acted_at: Timestamp,
    /// The family of the browser, of staff.
    pub browser: Option<String>,
}

macro_rules! session {
    ($rest:literal) => {
        concat!(
            "select id, institution_id, subject_kind, subject_id, refresh_hash, previous_hash, rotated_at, expires_at,
                    revoked_at, created_at, acted_at, browser
             from session ",
            $rest
        )
    };
}

/// The `session` table.
pub struct Sessions<'tx>(pub(super) &'tx mut Tx);

impl Sessions<'_> {
    /// Keeps a new session.
    pub async fn insert(self, row: &SessionRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into session (id, institution_id, subject_kind, subject_id, refresh_hash, rotated_at, expires_at,
                                      created_at, acted_at, browser)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            )
            .bind(row.id)
            .bind(row.institution_id)
            .bind(&row.subject_kind)
            .bind(row.subject_id)
            .bind(&row.refresh_hash)
            .bind(row.rotated_at)
            .bind(row.expires_at)
            .bind(row.created_at)
            .bind(row.acted_at)
            .bind(&row.browser)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// A session by its id.
    pub async fn find(self, id: SessionId) -> Result<Option<SessionRow>> {
        Ok(on!(self.0, |conn| sqlx::query_as(session!("where id = $1")).bind(id).fetch_optional(conn).await?))
    }

    /// The session whose present or last refresh token has this hash.
    pub async fn by_refresh(self, hash: &[u8]) -> Result<Option<SessionRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(session!("where refresh_hash = $1 or previous_hash = $1"))
                .bind(hash)
                .fetch_optional(conn)
                .await?
        }))
    }

    /// Whether a session is not over at `now`; one of a closed account is.
    pub async fn stands(self, id: SessionId, now: Timestamp) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar::<_, i64>(
                "select count(*)
                 from session
                 where id = $1 and revoked_at is null and expires_at > $2
                   and (
                     subject_kind <> 'staff'
                     or exists (select 1 from account where account.id = session.subject_id and account.active)
                   )",
            )
            .bind(id)
            .bind(now)
            .fetch_one(conn)
            .await?
        }) > 0)
    }

    /// Those of `sessions` that were ended, by hand or with their account; not those whose time alone is over.
    pub async fn ended_of(self, sessions: impl IntoIterator<Item = SessionId>) -> Result<Vec<SessionId>> {
        macro_rules! ended {
            ($dialect:ident) => {
                concat!(
                    "select id
                     from session
                     where id in ",
                    listed!($dialect),
                    " and (
                         revoked_at is not null
                         or subject_kind = 'staff'
                            and exists (select 1 from account where account.id = session.subject_id and not account.active)
                       )"
                )
            };
        }
        let sessions = list(sessions.into_iter().map(SessionId::as_uuid));
        Ok(on!(self.0, |conn, dialect| {
            sqlx::query_scalar(dialect.pick(ended!(sqlite), ended!(postgres))).bind(&sessions).fetch_all(conn).await?
        }))
    }

    /// Exchanges the refresh token whose hash is `old`; `false` when it was exchanged in between.
    pub async fn rotate(self, id: SessionId, old: &[u8], new: &[u8], now: Timestamp) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "update session
                 set refresh_hash = $3, previous_hash = $2, rotated_at = $4
                 where id = $1 and refresh_hash = $2 and revoked_at is null",
            )
            .bind(id)
            .bind(old)
            .bind(new)
            .bind(now)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }

    /// Notes that the person did something at `now`; not where that was noted since `noted`, and not where the person has
    /// rested since `rested`, for only a proof ends a rest.
    pub async fn act(self, id: SessionId, now: Timestamp, noted: Timestamp, rested: Timestamp) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query("update session set acted_at = $2 where id = $1 and acted_at <= $3 and acted_at > $4")
                .bind(id)
                .bind(now)
                .bind(noted)
                .bind(rested)
                .execute(conn)
                .await?
                .rows_affected()
                == 1
        }))
    }

    /// Notes that the person proved who they are; `false` where the session has ended.
    pub async fn prove(self, id: SessionId, now: Timestamp) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query("update session set acted_at = $2 where id = $1 and revoked_at is null")
                .bind(id)
                .bind(now)
                .execute(conn)
                .await?
                .rows_affected()
                == 1
        }))
    }

    /// The sessions of a member of staff that stand at `now`, the newest first.
    pub async fn of_staff(self, account: AccountId, now: Timestamp) -> Result<Vec<SessionRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(session!(
                "where subject_id = $1 and subject_kind = 'staff' and revoked_at is null and expires_at > $2
                 order by created_at desc, id"
            ))
            .bind(account)
            .bind(now)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Ends a session because more of its account stood than are kept; `false` when it had ended.
    pub async fn displace(self, id: SessionId, now: Timestamp) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query("update session set revoked_at = $2, displaced = (1 = 1) where id = $1 and revoked_at is null")
                .bind(id)
                .bind(now)
                .execute(conn)
                .await?
                .rows_affected()
                == 1
        }))
    }

    /// The last `most` sessions of a member of staff that were ended so since `since`, the newest first.
    pub async fn displaced_of_staff(self, account: AccountId, since: Timestamp, most: i64) -> Result<Vec<SessionRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(session!(
                "where subject_id = $1 and subject_kind = 'staff' and displaced = (1 = 1) and revoked_at > $2
                 order by revoked_at desc, id
                 limit $3"
            ))
            .bind(account)
            .bind(since)
            .bind(most)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Ends every session of whoever came with an invitation, but `kept`; those that had not ended.
    pub async fn revoke_guests(
        self,
        invitation: InvitationId,
        kept: Option<SessionId>,
        now: Timestamp,
    ) -> Result<Vec<SessionId>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar(
                "update session
                 set revoked_at = $2
                 where subject_id = $1 and subject_kind = 'guest' and revoked_at is null and id <> $3
                 returning id",
            )
            .bind(invitation)
            .bind(now)
            // No session has this id.
            .bind(kept.unwrap_or(SessionId::from_uuid(Uuid::nil())))
            .fetch_all(conn)
            .await?
        }))
    }

    /// Ends a session; `false` when it had ended.
    pub async fn revoke(self, id: SessionId, now: Timestamp) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query("update session set revoked_at = $2 where id = $1 and revoked_at is null")
                .bind(id)
                .bind(now)
                .execute(conn)
                .await?
                .rows_affected()
                == 1
        }))
    }
}
