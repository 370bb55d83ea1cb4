//! The second factor of staff: a code that their telephone makes from a shared secret and the time (TOTP, RFC 6238).
//!
//! A factor asks for nothing until its first code came, so that nobody is kept out by a secret that no telephone took.
//! Each code opens once.

use serde_json::{Map, Value};
use totp_rs::{Builder, Secret, Totp};

use crate::config::SecondFactorPolicy;
use crate::domain::audit::Entry;
use crate::domain::ids::{AccountId, InstitutionId};
use crate::domain::permission::{Actor, StaffAct};
use crate::domain::time::Timestamp;
use crate::protocol::auth::{NewSecondFactor, SecondFactorView};
use crate::protocol::error::ErrorCode;
use crate::services::Services;
use crate::services::documents::qr::squares;
use crate::services::refusal::Refusal;
use crate::services::vault::Field;
use crate::services::work::Work;
use crate::store::{Db, SecondFactorRow};

/// Bytes of a secret: what RFC 4226 recommends.
const SECRET: usize = 20;
/// Digits of a code; every telephone's program makes so many.
const DIGITS: u8 = 6;
/// Seconds of a step.
const STEP: u64 = 30;
/// Steps before and after the present one whose code is taken: a telephone's clock is seldom right.
const SKEW: u16 = 1;

/// What makes and reads the codes of a secret.
fn totp(secret: [u8; SECRET], issuer: &str, username: &str) -> Result<Totp, Refusal> {
    // A colon would end the name of the institution in the link (key URI format).
    let plain = |text: &str| text.replace(':', " ");
    let builder = Builder::new().with_secret(Secret::new(Box::new(secret))).with_digits(DIGITS).with_skew(SKEW);
    let named = builder.with_step_duration(STEP).with_issuer(Some(plain(issuer))).with_account_name(plain(username));
    named.build().map_err(|e| Refusal::internal(&e))
}

/// The step whose code this is at `now`; codes are typed with spaces as telephones show them.
fn step_of(totp: &Totp, code: &str, now: Timestamp) -> Option<i64> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let seconds = u64::try_from(now.as_millis() / 1000).ok()?;
    totp.check(&code, seconds).and_then(|step| i64::try_from(step).ok())
}

/// Forgets the second factor of an account for the operator; `false` where there is no account or no factor.
pub async fn forget_factor(db: &Db, now: Timestamp, username: &str) -> Result<bool, Refusal> {
    let mut tx = db.begin().await?;
    let Some(account) = tx.accounts().by_username(username).await? else { return Ok(false) };
    if !tx.second_factors().forget(account.id).await? {
        return Ok(false);
    }
    let (actor, action, subject) =
        ("operator".to_owned(), "second_factor.forgotten".to_owned(), account.id.to_string());
    let entry = Entry { at: now, actor, action, subject, purpose: None, detail: Value::Object(Map::new()) };
    tx.audit().append(account.institution_id, &entry).await?;
    tx.commit().await?;
    Ok(true)
}

impl Services {
    /// Whether the actor has a second factor, and whether one is asked for.
    pub async fn second_factor(&self, act: StaffAct) -> Result<SecondFactorView, Refusal> {
        let found = self.db.read().await?.second_factors().of(act.account).await?;
        let is_on = found.is_some_and(|row| row.confirmed_at.is_some());
        Ok(SecondFactorView { on: is_on, required: self.config.second_factor == SecondFactorPolicy::Required })
    }

    /// Makes a secret and shows it, once. Whoever sits at a window that was left open does not know the password.
    pub async fn offer_second_factor(&self, act: StaffAct, password: String) -> Result<NewSecondFactor, Refusal> {
        let account = self.who_knows_the_password(act, password).await?;
        let institution = self.db.read().await?.institutions().find(act.institution).await?;
        let institution = institution.ok_or_else(Refusal::not_found)?;
        let secret = self.ids.secret::<SECRET>();
        let totp = totp(secret, &institution.name_zh, &account.username)?;
        let link = totp.to_url().map_err(|e| Refusal::internal(&e))?;
        let text = totp.secret().to_base32();
        let mut work = self.begin().await?;
        let row = SecondFactorRow {
            account_id: act.account,
            secret_sealed: self.vault.seal(Field::SecondFactor, act.account.as_uuid(), &text),
            last_step: 0,
            confirmed_at: None,
            created_at: work.now,
        };
        if !work.tx.second_factors().offer(&row).await? {
            return Err(Refusal::new(ErrorCode::SecondFactorOn, "a second factor is there; switch it off first"));
        }
        self.audit_factor(&mut work, act.institution, act.account, "second_factor.offer").await?;
        work.commit().await?;
        let squares = squares(&link).ok_or_else(|| Refusal::new(ErrorCode::Internal, "the link is too long"))?;
        let qr = squares.iter().map(|row| row.iter().map(|dark| if *dark { '#' } else { '.' }).collect()).collect();
        Ok(NewSecondFactor { secret: text, link, qr })
    }

    /// Switches the factor on by its first code.
    pub async fn confirm_second_factor(&self, act: StaffAct, code: &str) -> Result<SecondFactorView, Refusal> {
        let mut work = self.begin().await?;
        let row = work.tx.second_factors().of(act.account).await?.ok_or_else(Refusal::not_found)?;
        if row.confirmed_at.is_some() {
            return Err(Refusal::new(ErrorCode::SecondFactorOn, "a second factor is there"));
        }
        self.spend(&mut work, &row, code).await?;
        self.audit_factor(&mut work, act.institution, act.account, "second_factor.on").await?;
        work.commit().await?;
        self.second_factor(act).await
    }

    /// Switches the factor off, by one of its codes.
    pub async fn drop_second_factor(&self, act: StaffAct, code: &str) -> Result<SecondFactorView, Refusal> {
        let mut work = self.begin().await?;
        let row = work.tx.second_factors().of(act.account).await?.ok_or_else(Refusal::not_found)?;
        self.spend(&mut work, &row, code).await?;
        work.tx.second_factors().forget(act.account).await?;
        self.audit_factor(&mut work, act.institution, act.account, "second_factor.off").await?;
        work.commit().await?;
        self.second_factor(act).await
    }

    /// Whether whoever signs in with the right password may: by the code of the moment, or because there is no factor.
    pub(crate) async fn pass_second_factor(
        &self,
        work: &mut Work,
        account: AccountId,
        code: Option<&str>,
    ) -> Result<(), Refusal> {
        let row = work.tx.second_factors().of(account).await?.filter(|row| row.confirmed_at.is_some());
        let Some(row) = row else { return Ok(()) };
        let asked = || Refusal::new(ErrorCode::SecondFactorAsked, "a code of the second factor is needed");
        self.spend(work, &row, code.ok_or_else(asked)?).await
    }

    /// Whether this is a code that would open now, of whoever has this user name; it is not spent.
    pub(crate) async fn is_code_of_the_moment(&self, username: &str, code: &str) -> Result<bool, Refusal> {
        let mut tx = self.db.read().await?;
        let Some(account) = tx.accounts().by_username(username).await? else { return Ok(false) };
        let row = tx.second_factors().of(account.id).await?.filter(|row| row.confirmed_at.is_some());
        let Some(row) = row else { return Ok(false) };
        let step = self.step_of_row(&row, code, self.clock.now())?;
        Ok(step.is_some_and(|step| step > row.last_step))
    }

    /// Whether the actor lacks a second factor that the operator requires.
    pub(crate) async fn lacks_second_factor(&self, actor: Actor) -> Result<bool, Refusal> {
        if self.config.second_factor != SecondFactorPolicy::Required {
            return Ok(false);
        }
        let Some(act) = actor.staff() else { return Ok(false) };
        Ok(!self.second_factor(act).await?.on)
    }

    async fn spend(&self, work: &mut Work, row: &SecondFactorRow, code: &str) -> Result<(), Refusal> {
        let wrong = || Refusal::field(ErrorCode::SecondFactorWrong, "code", "this is not the code of the moment");
        let step = self.step_of_row(row, code, work.now)?.ok_or_else(wrong)?;
        let is_first_use = work.tx.second_factors().spend(row.account_id, step, work.now).await?;
        if is_first_use { Ok(()) } else { Err(wrong()) }
    }

    /// The step whose code this is by the secret of `row`.
    fn step_of_row(&self, row: &SecondFactorRow, code: &str, now: Timestamp) -> Result<Option<i64>, Refusal> {
        let opened = self.vault.open(Field::SecondFactor, row.account_id.as_uuid(), &row.secret_sealed);
        let text = opened.map_err(|e| Refusal::internal(&e))?;
        let secret = Secret::try_from_base32(&text).map_err(|e| Refusal::internal(&e))?;
        let bytes = secret.as_bytes().try_into().map_err(|e| Refusal::internal(&e))?;
        Ok(step_of(&totp(bytes, "", "staff")?, code, now))
    }

    async fn audit_factor(
        &self,
        work: &mut Work,
        institution: InstitutionId,
        account: AccountId,
        action: &str,
    ) -> Result<(), Refusal> {
        work.audit(institution, &account.to_string(), action, &account.to_string()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_rfc_6238_appendix_b() {
        let totp = totp(*b"12345678901234567890", "Clinic: East", "doctor").unwrap();
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            let at = Timestamp::from_millis(seconds * 1000);
            assert_eq!(step_of(&totp, code, at), Some(seconds / 30), "{seconds}");
            assert_eq!(step_of(&totp, code, at + std::time::Duration::from_secs(90)), None, "{seconds}");
        }
        assert!(totp.to_url().unwrap().contains("issuer=Clinic%20%20East"), "no colon is left to end the name");
    }
}
