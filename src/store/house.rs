//! Institutions, clinics, desks, accounts, sessions.

use uuid::Uuid;

use crate::domain::desk::{Desk, DeskPhase, Duty};
use crate::domain::ids::{AccountId, ClinicId, DeskId, InstitutionId, InvitationId, SessionId};
use crate::domain::people::Role;
use crate::domain::time::Timestamp;
use crate::store::{Result, Tx, on};

/// The hospital, or a partner.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct InstitutionRow {
    /// The institution.
    pub id: InstitutionId,
    /// `hospital` or `partner`.
    pub kind: String,
    /// Its name.
    pub name_zh: String,
    /// Its name in English.
    pub name_en: String,
    /// The number of a human who helps.
    pub help_phone: String,
    /// When it was set up.
    pub created_at: Timestamp,
}

/// A service that people queue for, with its policy.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ClinicRow {
    /// The clinic.
    pub id: ClinicId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// A short code.
    pub code: String,
    /// What stands in the patient's link.
    pub link_token: String,
    /// `fever` or `tcm`.
    pub kind: String,
    /// Its name.
    pub name_zh: String,
    /// Its name in English.
    pub name_en: String,
    /// IANA name of the zone in which its days begin.
    pub time_zone: String,
    /// Whether it takes patients.
    pub is_open: bool,
    /// Places lost by a missed call.
    pub miss_shift: i64,
    /// Missed calls after which a ticket is void.
    pub miss_limit: i64,
    /// Seconds that a call rings.
    pub ring_secs: i64,
    /// Minutes of waiting after which the three questions come again.
    pub retriage_minutes: i64,
    /// Order in lists.
    pub position: i64,
    /// When it was set up.
    pub created_at: Timestamp,
}

/// A member of staff.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct AccountRow {
    /// The account.
    pub id: AccountId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// The name to sign in with.
    pub username: String,
    /// argon2id, in PHC form.
    pub password_hash: String,
    /// What the person may do.
    pub role: Role,
    /// The name.
    pub name_zh: String,
    /// The name in Latin letters.
    pub name_en: String,
    /// The title.
    pub title_zh: String,
    /// The title in English.
    pub title_en: String,
    /// Whether signing in is allowed.
    pub active: bool,
    /// When the licence ends.
    pub licence_until: Option<Timestamp>,
    /// When it was set up.
    pub created_at: Timestamp,
}

/// A place where one doctor works.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct DeskRow {
    /// The desk.
    pub id: DeskId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// Its clinic.
    pub clinic_id: ClinicId,
    /// Its name.
    pub name_zh: String,
    /// Its name in English.
    pub name_en: String,
    /// What it is doing.
    pub state: DeskPhase,
    /// What it did when it fell silent, while it is lost.
    pub lost_as: Option<DeskPhase>,
    /// Who works there.
    pub account_id: Option<AccountId>,
    /// The doctor's browser must be heard before this.
    pub lease_until: Option<Timestamp>,
    /// When the pause ends.
    pub paused_until: Option<Timestamp>,
    /// When it last called somebody.
    pub last_call_at: Option<Timestamp>,
    /// Grows with every change.
    pub version: i64,
}

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
}

/// The `institution` table.
pub struct Institutions<'tx>(pub(super) &'tx mut Tx);

impl Institutions<'_> {
    /// Keeps a new institution.
    pub async fn insert(self, row: &InstitutionRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into institution (id, kind, name_zh, name_en, help_phone, created_at)
                 values ($1, $2, $3, $4, $5, $6)",
            )
            .bind(row.id)
            .bind(&row.kind)
            .bind(&row.name_zh)
            .bind(&row.name_en)
            .bind(&row.help_phone)
            .bind(row.created_at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// An institution by its id.
    pub async fn find(self, id: InstitutionId) -> Result<Option<InstitutionRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as("select id, kind, name_zh, name_en, help_phone, created_at from institution where id = $1")
                .bind(id)
                .fetch_optional(conn)
                .await?
        }))
    }

    /// How many there are: none means a fresh database.
    pub async fn count(self) -> Result<i64> {
        Ok(on!(self.0, |conn| sqlx::query_scalar("select count(*) from institution").fetch_one(conn).await?))
    }
}

macro_rules! clinic {
    ($rest:literal) => {
        concat!(
            "select id, institution_id, code, link_token, kind, name_zh, name_en, time_zone, is_open, miss_shift, miss_limit,
                    ring_secs, retriage_minutes, position, created_at
             from clinic ",
            $rest
        )
    };
}

/// The `clinic` table.
pub struct Clinics<'tx>(pub(super) &'tx mut Tx);

impl Clinics<'_> {
    /// Keeps a new clinic.
    pub async fn insert(self, row: &ClinicRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into clinic (id, institution_id, code, link_token, kind, name_zh, name_en, time_zone, is_open,
                                     miss_shift, miss_limit, ring_secs, retriage_minutes, position, created_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
            )
            .bind(row.id)
            .bind(row.institution_id)
            .bind(&row.code)
            .bind(&row.link_token)
            .bind(&row.kind)
            .bind(&row.name_zh)
            .bind(&row.name_en)
            .bind(&row.time_zone)
            .bind(row.is_open)
            .bind(row.miss_shift)
            .bind(row.miss_limit)
            .bind(row.ring_secs)
            .bind(row.retriage_minutes)
            .bind(row.position)
            .bind(row.created_at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// A clinic by its id.
    pub async fn find(self, id: ClinicId) -> Result<Option<ClinicRow>> {
        Ok(on!(self.0, |conn| sqlx::query_as(clinic!("where id = $1")).bind(id).fetch_optional(conn).await?))
    }

    /// A clinic by its link.
    pub async fn by_link(self, link: &str) -> Result<Option<ClinicRow>> {
        Ok(on!(self.0, |conn| sqlx::query_as(clinic!("where link_token = $1")).bind(link).fetch_optional(conn).await?))
    }

    /// The clinics of an institution, in the order of lists.
    pub async fn of(self, institution: InstitutionId) -> Result<Vec<ClinicRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(clinic!("where institution_id = $1 order by position, code"))
                .bind(institution)
                .fetch_all(conn)
                .await?
        }))
    }

    /// Opens or closes a clinic; changes its ring time, which tests and small clinics shorten.
    pub async fn set_policy(self, id: ClinicId, is_open: bool, ring_secs: i64) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query("update clinic set is_open = $2, ring_secs = $3 where id = $1")
                .bind(id)
                .bind(is_open)
                .bind(ring_secs)
                .execute(conn)
                .await?
                .rows_affected()
                == 1
        }))
    }
}

macro_rules! account {
    ($rest:literal) => {
        concat!(
            "select id, institution_id, username, password_hash, role, name_zh, name_en, title_zh, title_en, active,
                    licence_until, created_at
             from account ",
            $rest
        )
    };
}

/// The `account` table.
pub struct Accounts<'tx>(pub(super) &'tx mut Tx);

impl Accounts<'_> {
    /// Keeps a new account; a taken user name is a conflict.
    pub async fn insert(self, row: &AccountRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into account (id, institution_id, username, password_hash, role, name_zh, name_en, title_zh,
                                      title_en, active, licence_until, created_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            )
            .bind(row.id)
            .bind(row.institution_id)
            .bind(&row.username)
            .bind(&row.password_hash)
            .bind(row.role)
            .bind(&row.name_zh)
            .bind(&row.name_en)
            .bind(&row.title_zh)
            .bind(&row.title_en)
            .bind(row.active)
            .bind(row.licence_until)
            .bind(row.created_at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// An account by its id.
    pub async fn find(self, id: AccountId) -> Result<Option<AccountRow>> {
        Ok(on!(self.0, |conn| sqlx::query_as(account!("where id = $1")).bind(id).fetch_optional(conn).await?))
    }

    /// An account by its user name.
    pub async fn by_username(self, username: &str) -> Result<Option<AccountRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(account!("where username = $1")).bind(username).fetch_optional(conn).await?
        }))
    }
}

impl DeskRow {
    /// The desk as a value that decides.
    pub fn desk(&self) -> Desk {
        let duty = |phase| match phase {
            DeskPhase::Paused => Duty::Paused { until: self.paused_until },
            DeskPhase::Closing => Duty::Closing,
            DeskPhase::Open | DeskPhase::Closed | DeskPhase::Lost => Duty::Open,
        };
        match self.state {
            DeskPhase::Closed => Desk::Closed,
            DeskPhase::Lost => Desk::Lost(duty(self.lost_as.unwrap_or(DeskPhase::Open))),
            phase => Desk::AtWork(duty(phase)),
        }
    }

    /// The row of a desk that turned into `desk`; nobody works at a closed one.
    #[must_use]
    pub fn turned(self, desk: Desk) -> Self {
        let paused_until = match desk.duty() {
            Some(Duty::Paused { until }) => until,
            _ => None,
        };
        let lost_as = if let Desk::Lost(duty) = desk { Some(duty.phase()) } else { None };
        let is_closed = desk == Desk::Closed;
        Self {
            state: desk.phase(),
            lost_as,
            paused_until,
            account_id: self.account_id.filter(|_| !is_closed),
            lease_until: self.lease_until.filter(|_| !is_closed),
            ..self
        }
    }
}

macro_rules! desk {
    ($rest:literal) => {
        concat!(
            "select id, institution_id, clinic_id, name_zh, name_en, state, lost_as, account_id, lease_until,
                    paused_until, last_call_at, version
             from desk ",
            $rest
        )
    };
}

/// The `desk` table.
pub struct Desks<'tx>(pub(super) &'tx mut Tx);

impl Desks<'_> {
    /// Keeps a new desk.
    pub async fn insert(self, row: &DeskRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into desk (id, institution_id, clinic_id, name_zh, name_en, state, account_id, version)
                 values ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(row.id)
            .bind(row.institution_id)
            .bind(row.clinic_id)
            .bind(&row.name_zh)
            .bind(&row.name_en)
            .bind(row.state)
            .bind(row.account_id)
            .bind(row.version)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// A desk by its id.
    pub async fn find(self, id: DeskId) -> Result<Option<DeskRow>> {
        Ok(on!(self.0, |conn| sqlx::query_as(desk!("where id = $1")).bind(id).fetch_optional(conn).await?))
    }

    /// The desk at which an account works.
    pub async fn of_account(self, account: AccountId) -> Result<Option<DeskRow>> {
        Ok(on!(self.0, |conn| sqlx::query_as(desk!("where account_id = $1"))
            .bind(account)
            .fetch_optional(conn)
            .await?))
    }

    /// The desks of a clinic, by name.
    pub async fn of_clinic(self, clinic: ClinicId) -> Result<Vec<DeskRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(desk!("where clinic_id = $1 order by name_zh")).bind(clinic).fetch_all(conn).await?
        }))
    }

    /// Desks whose lease or pause has run out, and those that close and have no patient any more.
    pub async fn overdue(self, now: Timestamp) -> Result<Vec<DeskRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(desk!(
                "where (state in ('open', 'paused', 'closing') and lease_until < $1)
                    or (state = 'paused' and paused_until < $1)
                    or ((state = 'closing' or lost_as = 'closing')
                        and not exists (
                            select 1
                            from ticket
                            where ticket.doctor_id = desk.account_id
                              and ticket.state in ('called', 'serving', 'suspended')
                        ))
                 order by id"
            ))
            .bind(now)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Changes a desk whose version is still `row.version`; `false` when somebody changed it in between.
    pub async fn update(self, row: &DeskRow) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "update desk
                 set state = $3, account_id = $4, lease_until = $5, paused_until = $6, last_call_at = $7, lost_as = $8,
                     version = version + 1
                 where id = $1 and version = $2",
            )
            .bind(row.id)
            .bind(row.version)
            .bind(row.state)
            .bind(row.account_id)
            .bind(row.lease_until)
            .bind(row.paused_until)
            .bind(row.last_call_at)
            .bind(row.lost_as)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }

    /// Renews the lease of the desk at which `account` works; `false` when it works there no more.
    pub async fn renew(self, id: DeskId, account: AccountId, until: Timestamp) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "update desk
                 set lease_until = $3
                 where id = $1 and account_id = $2 and state in ('open', 'paused', 'closing')",
            )
            .bind(id)
            .bind(account)
            .bind(until)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }

    /// After a restart: gives every desk that was at work until `until` to be heard again.
    pub async fn forgive(self, until: Timestamp) -> Result<u64> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "update desk set lease_until = $1 where state in ('open', 'paused', 'closing') and lease_until < $1",
            )
            .bind(until)
            .execute(conn)
            .await?
            .rows_affected()
        }))
    }
}

macro_rules! session {
    ($rest:literal) => {
        concat!(
            "select id, institution_id, subject_kind, subject_id, refresh_hash, previous_hash, rotated_at, expires_at,
                    revoked_at, created_at
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
                                      created_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(row.id)
            .bind(row.institution_id)
            .bind(&row.subject_kind)
            .bind(row.subject_id)
            .bind(&row.refresh_hash)
            .bind(row.rotated_at)
            .bind(row.expires_at)
            .bind(row.created_at)
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
