//! The days of the audit log: sealed once they are over, verified whenever somebody asks, exported for whoever has no
//! access to the database.
//!
//! A [`Notary`] does it with a database and the operator's secret alone, so that a command can do it beside the server.

mod exporting;
pub(super) mod records;
mod sealing;
mod verifying;
pub mod witness;

use std::time::Duration;

use jiff::civil::Date;

use crate::clock::Ids;
use crate::domain::date::{HOME, zone_or_home};
use crate::domain::ids::InstitutionId;
use crate::domain::permission::AdministratorAct;
use crate::protocol::proof::{AuditDayView, AuditDays, AuditVerdict, ServerKey};
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::signing::{Choice, SignAs, Signer, fingerprint};
use crate::services::vault::Vault;
use crate::store::{Db, Tx};

pub use verifying::VerifiedLog;

/// A day that is over for longer than this has its seal, where the log went on.
const LATE: Duration = Duration::from_hours(48);

/// Seals, verifies and exports.
pub struct Notary<'a> {
    /// The log.
    pub db: &'a Db,
    /// The keys.
    pub vault: &'a Vault,
    /// For a key that is made at the first seal.
    pub ids: &'a Ids,
    /// How it signs.
    pub signing: Choice,
}

impl Notary<'_> {
    fn signer(&self) -> Signer<'_> {
        Signer { vault: self.vault, ids: self.ids, choice: self.signing }
    }
}

/// Where an institution stands.
async fn zone_of(tx: &mut Tx, institution: InstitutionId) -> Result<jiff::tz::TimeZone, Refusal> {
    let zone = tx.clinics().of(institution).await?.into_iter().next().map(|clinic| clinic.time_zone);
    Ok(zone_or_home(zone.as_deref().unwrap_or(HOME)))
}

impl Services {
    pub(crate) fn notary(&self) -> Notary<'_> {
        Notary { db: &self.db, vault: &self.vault, ids: &self.ids, signing: Choice::Operators(self.config.signing) }
    }

    /// Seals the days that are over; how many. For the hourly tidying.
    pub async fn seal_audit_days(&self) -> Result<usize, Refusal> {
        self.notary().seal_beside(self.clock.now(), &self.witness()).await
    }

    /// Signs the heads of the logs; how many. For the hourly tidying.
    pub async fn checkpoint_audit(&self) -> Result<usize, Refusal> {
        self.notary().checkpoint_beside(self.clock.now(), &self.witness()).await
    }

    /// The sealed days of the institution, newest first, and whether the log is whole now.
    pub async fn audit_days(&self, act: AdministratorAct) -> Result<AuditDays, Refusal> {
        let mut tx = self.db.read().await?;
        let seals = tx.audit_days().all(act.institution).await?;
        let keys = tx.signatures().keys(act.institution).await?;
        let keys = keys.into_iter().filter(|key| key.owner == SignAs::Server.owner()).map(|key| ServerKey {
            algorithm: key.algorithm,
            fingerprint: fingerprint(&key.public_key),
            since: key.created_at,
            until: key.retired_at,
        });
        let keys: Vec<ServerKey> = keys.collect();
        let newest = keys.iter().rev().find(|key| key.until.is_none());
        let days = seals.into_iter().rev().map(|(seal, sealed_at)| AuditDayView {
            day: seal.day.to_string(),
            entries: seal.entries(),
            root: seal.root,
            sealed_at,
        });
        let fingerprint = newest.map(|key| key.fingerprint.clone());
        Ok(AuditDays { fingerprint, keys, days: days.collect() })
    }

    /// Reads the whole log again; that somebody asked is in it.
    pub async fn verify_audit(&self, act: AdministratorAct) -> Result<AuditVerdict, Refusal> {
        let mut tx = self.db.read().await?;
        let entries = tx.audit().head(act.institution).await?;
        let institution = tx.institutions().find(act.institution).await?.ok_or_else(Refusal::not_found)?;
        let notary = self.notary();
        let testimony = notary.testimony(&self.witness())?;
        let log = notary.verify_one(&mut tx, institution, Some(&testimony)).await?;
        drop(tx);
        let (entries, broken) = match log.found {
            Ok(read) => (read, None),
            Err(broken) => (entries, Some(broken.to_string())),
        };
        let mut work = self.begin().await?;
        let at = work.now;
        let who = act.account.to_string();
        work.audit(act.institution, &who, "audit.verify", &who).await?;
        work.commit().await?;
        Ok(AuditVerdict { entries, days: log.days, broken, at })
    }

    /// A sealed day as a file; that it was fetched is in the log of the day on which it was.
    pub async fn export_audit_day(&self, act: AdministratorAct, day: &str) -> Result<String, Refusal> {
        let day: Date = day.parse().map_err(|_| Refusal::not_found())?;
        let text = self.notary().export(act.institution, day).await?;
        let mut work = self.begin().await?;
        let (who, what) = (act.account.to_string(), format!("audit_day:{day}"));
        work.audit(act.institution, &who, "audit.export", &what).await?;
        work.commit().await?;
        Ok(text)
    }
}
