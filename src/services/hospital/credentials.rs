//! What a doctor has on paper: recorded by an administrator, asked before a desk opens, at each call and at each signature
//! under what needs a licence. Of a record none is asked: a visit that was held under it may be signed later.

use jiff::civil::Date;

use crate::config::CredentialPolicy;
use crate::domain::credential::{Credential, Lack, Registration, YEARS};
use crate::domain::date::{HOME, bounds, in_china, zone_or_home};
use crate::domain::ids::AccountId;
use crate::domain::people::Role;
use crate::domain::permission::{AdministratorAct, DoctorAct};
use crate::domain::time::Timestamp;
use crate::protocol::error::ErrorCode;
use crate::protocol::house::Text;
use crate::protocol::staff::{CredentialRequest, CredentialView, StaffView};
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::work::{Command, Work};
use crate::store::{AccountRow, CredentialRow, Tx};

impl Services {
    /// Refuses a doctor who lacks what the law asks of whoever calls patients, prescribes or gives an opinion; also at a
    /// desk that was opened before.
    pub(crate) async fn may_practise(&self, work: &mut Work, act: DoctorAct) -> Result<(), Refusal> {
        let account = work.tx.accounts().find(act.account).await?.ok_or_else(Refusal::not_found)?;
        let row = work.tx.credentials().of(act.account).await?;
        let lacks = credential_of(row.as_ref())?.lacks(account.licence_until, work.now);
        lacks.into_iter().find(|lack| self.is_asked(*lack)).map_or(Ok(()), |lack| Err(refusal(lack)))
    }

    /// The doctors of these who lack nothing that this house asks for.
    pub(crate) async fn practising(
        &self,
        tx: &mut Tx,
        rows: Vec<AccountRow>,
        now: Timestamp,
    ) -> Result<Vec<AccountRow>, Refusal> {
        let mut found = Vec::new();
        for row in rows {
            let kept = tx.credentials().of(row.id).await?;
            let lacks = credential_of(kept.as_ref())?.lacks(row.licence_until, now);
            if !lacks.into_iter().any(|lack| self.is_asked(lack)) {
                found.push(row);
            }
        }
        Ok(found)
    }

    fn is_asked(&self, lack: Lack) -> bool {
        lack == Lack::Licence || self.config.credentials == CredentialPolicy::Required
    }

    /// Everybody who works here.
    pub async fn staff(&self, act: AdministratorAct) -> Result<Vec<StaffView>, Refusal> {
        let now = self.clock.now();
        let mut tx = self.db.read().await?;
        let kept = tx.credentials().of_institution(act.institution).await?;
        let mut views = Vec::new();
        for row in tx.accounts().of_institution(act.institution).await? {
            let of = kept.iter().find(|one| one.account_id == row.id);
            views.push(self.staff_view(&mut tx, row, of, now).await?);
        }
        Ok(views)
    }

    /// Records what a doctor has on paper: `POST /staff/{id}/credential`.
    pub async fn record_credential(
        &self,
        act: AdministratorAct,
        id: AccountId,
        request: CredentialRequest,
        command: &Command,
    ) -> Result<StaffView, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let account = work.tx.accounts().find(id).await?;
        let account = account.filter(|row| row.institution_id == act.institution && row.role == Role::Doctor);
        let account = account.ok_or_else(Refusal::not_found)?;
        let today = in_china(work.now);
        let row = CredentialRow {
            account_id: id,
            registration: registration(request.registration.as_deref())?,
            practises_since: past(request.practises_since.as_deref(), "practises_since", today)?,
            consent_on: past(request.consent_on.as_deref(), "consent_on", today)?,
            recorded_by: Some(act.account),
            recorded_at: work.now,
        };
        let licence_until = end_of(request.licence_through.as_deref())?;
        work.tx.credentials().record(&row).await?;
        work.tx.accounts().set_licence(id, licence_until).await?;
        let (now, account) = (work.now, AccountRow { licence_until, ..account });
        let view = self.staff_view(&mut work.tx, account, Some(&row), now).await?;
        work.keep(command, &view).await?;
        work.audit(act.institution, &act.account.to_string(), "credential.record", &id.to_string()).await?;
        work.commit().await?;
        Ok(view)
    }

    /// Tells the operator how many doctors would be refused, so that a house that comes from an older version, which did
    /// not ask, hears it before they do.
    pub async fn tell_of_credentials(&self) -> Result<usize, Refusal> {
        let now = self.clock.now();
        let mut tx = self.db.read().await?;
        let (mut all, mut practising) = (0, 0);
        for institution in tx.institutions().all().await? {
            let doctors = tx.accounts().of_role(institution.id, Role::Doctor).await?;
            all += doctors.len();
            practising += self.practising(&mut tx, doctors, now).await?.len();
        }
        let refused = all - practising;
        if refused > 0 {
            tracing::warn!(
                refused,
                "doctors lack a registration, years of practice, a consent or a licence and open no desk: an administrator \
                 records it at /admin/staff; YUNZHEN_CREDENTIALS=recorded asks for nothing but the licence meanwhile"
            );
        }
        Ok(refused)
    }

    async fn staff_view(
        &self,
        tx: &mut Tx,
        row: AccountRow,
        kept: Option<&CredentialRow>,
        now: Timestamp,
    ) -> Result<StaffView, Refusal> {
        let sessions = tx.sessions().of_staff(row.id, now).await?.len();
        let credential = match row.role {
            Role::Doctor => Some(self.credential_view(&row, kept, now)?),
            Role::Nurse | Role::Pharmacist | Role::Administrator => None,
        };
        Ok(StaffView {
            id: row.id,
            role: row.role,
            username: row.username,
            name: Text::new(row.name_zh, row.name_en),
            title: Text::new(row.title_zh, row.title_en),
            credential,
            sessions: u32::try_from(sessions).unwrap_or(u32::MAX),
        })
    }

    fn credential_view(
        &self,
        account: &AccountRow,
        kept: Option<&CredentialRow>,
        now: Timestamp,
    ) -> Result<CredentialView, Refusal> {
        let credential = credential_of(kept)?;
        let day = |date: Date| date.to_string();
        Ok(CredentialView {
            registration: credential.registration.as_ref().map(|number| number.as_str().to_owned()),
            practises_since: credential.practises_since.map(day),
            consent_on: credential.consent_on.map(day),
            licence_through: account.licence_until.map(last_day),
            lacks: credential.lacks(account.licence_until, now),
            required: self.config.credentials == CredentialPolicy::Required,
        })
    }
}

/// What is kept, as the domain knows it.
fn credential_of(row: Option<&CredentialRow>) -> Result<Credential, Refusal> {
    let Some(row) = row else { return Ok(Credential::default()) };
    let broken = || Refusal::internal("a kept credential makes no sense");
    let day = |text: &Option<String>| text.as_ref().map(|text| text.parse::<Date>()).transpose();
    Ok(Credential {
        registration: row.registration.as_ref().map(|text| text.parse()).transpose().map_err(|_| broken())?,
        practises_since: day(&row.practises_since).map_err(|_| broken())?,
        consent_on: day(&row.consent_on).map_err(|_| broken())?,
    })
}

fn refusal(lack: Lack) -> Refusal {
    match lack {
        Lack::Licence => Refusal::new(ErrorCode::LicenceEnded, "ask the medical department to renew the licence"),
        Lack::Registration => Refusal::new(ErrorCode::RegistrationMissing, "no registration is recorded"),
        Lack::Practice => Refusal::new(ErrorCode::PracticeMissing, "the first day of practice is not recorded"),
        Lack::Years => Refusal::new(ErrorCode::PracticeTooShort, format!("{YEARS} years of own practice are needed")),
        Lack::Consent => Refusal::new(ErrorCode::PracticeConsentMissing, "the institution's consent is not recorded"),
    }
}

fn registration(text: Option<&str>) -> Result<Option<String>, Refusal> {
    let number = text.map(str::parse::<Registration>).transpose();
    let number =
        number.map_err(|_| Refusal::field(ErrorCode::Invalid, "registration", "8 to 32 letters and digits"))?;
    Ok(number.map(|number| number.as_str().to_owned()))
}

fn date(text: Option<&str>, field: &'static str) -> Result<Option<Date>, Refusal> {
    let day = text.map(str::parse::<Date>).transpose();
    day.map_err(|_| Refusal::field(ErrorCode::Invalid, field, "a day such as 2020-07-01"))
}

/// A day that has come.
fn past(text: Option<&str>, field: &'static str, today: Date) -> Result<Option<String>, Refusal> {
    match date(text, field)? {
        Some(day) if day > today => Err(Refusal::field(ErrorCode::Invalid, field, "a day that has come")),
        day => Ok(day.map(|day| day.to_string())),
    }
}

/// When a licence ends whose last day this is.
fn end_of(text: Option<&str>) -> Result<Option<Timestamp>, Refusal> {
    let beyond = || Refusal::field(ErrorCode::Invalid, "licence_through", "a day of the calendar");
    let Some(day) = date(text, "licence_through")? else { return Ok(None) };
    bounds(&zone_or_home(HOME), day).map(|(_, end)| Some(end)).ok_or_else(beyond)
}

/// The last day of a licence that ends at `until`.
fn last_day(until: Timestamp) -> String {
    in_china(Timestamp::from_millis(until.as_millis().saturating_sub(1))).to_string()
}
