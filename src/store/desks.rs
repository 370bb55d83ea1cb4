//! Places where one doctor works.

use crate::domain::desk::{Desk, DeskPhase, Duty};
use crate::domain::ids::{AccountId, ClinicId, DeskId, InstitutionId};
use crate::domain::time::Timestamp;
use crate::store::{Result, Tx, on};

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
