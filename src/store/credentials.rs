//! What is recorded of doctors before a desk opens.

use crate::domain::ids::{AccountId, InstitutionId};
use crate::domain::time::Timestamp;
use crate::store::{Result, Tx, on};

/// What is recorded of a doctor.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct CredentialRow {
    /// Whose.
    pub account_id: AccountId,
    /// The number of the registration.
    pub registration: Option<String>,
    /// The first day of independent practice.
    pub practises_since: Option<String>,
    /// The day of the institution's written consent.
    pub consent_on: Option<String>,
    /// Which administrator recorded it; nobody for what was seeded.
    pub recorded_by: Option<AccountId>,
    /// When.
    pub recorded_at: Timestamp,
}

/// The `credential` table.
pub struct Credentials<'tx>(pub(super) &'tx mut Tx);

impl Credentials<'_> {
    /// Records it, in the place of what was recorded.
    pub async fn record(self, row: &CredentialRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into credential (account_id, registration, practises_since, consent_on, recorded_by, recorded_at)
                 values ($1, $2, $3, $4, $5, $6)
                 on conflict (account_id) do update
                 set registration = excluded.registration, practises_since = excluded.practises_since,
                     consent_on = excluded.consent_on, recorded_by = excluded.recorded_by,
                     recorded_at = excluded.recorded_at",
            )
            .bind(row.account_id)
            .bind(&row.registration)
            .bind(&row.practises_since)
            .bind(&row.consent_on)
            .bind(row.recorded_by)
            .bind(row.recorded_at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// What is recorded of an account.
    pub async fn of(self, account: AccountId) -> Result<Option<CredentialRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select account_id, registration, practises_since, consent_on, recorded_by, recorded_at
                 from credential
                 where account_id = $1",
            )
            .bind(account)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// What is recorded of all who work here.
    pub async fn of_institution(self, institution: InstitutionId) -> Result<Vec<CredentialRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select credential.account_id, credential.registration, credential.practises_since,
                        credential.consent_on, credential.recorded_by, credential.recorded_at
                 from credential
                 join account on account.id = credential.account_id
                 where account.institution_id = $1",
            )
            .bind(institution)
            .fetch_all(conn)
            .await?
        }))
    }
}
