//! Signing in by a one-time code.
//!
//! No answer depends on whether a number is known: it is looked up only after its code was passed.

use std::net::IpAddr;

use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::config::block;
use crate::domain::codes::{
    self, ATTEMPTS, DIGITS, LIFETIME, Limit, PER_BLOCK, PER_INSTITUTION, PER_NUMBER, PER_NUMBER_AND_PLACE, PER_PLACE,
    PER_PLACE_IN_DEMO, TooOften,
};
use crate::domain::identity::Phone;
use crate::domain::ids::{HolderId, InstitutionId};
use crate::protocol::auth::{CodeRequest, CodeSent, CodeVerify, Locale, Tokens};
use crate::protocol::error::ErrorCode;
use crate::services::Services;
use crate::services::identity::sessions::Who;
use crate::services::refusal::Refusal;
use crate::services::sms::Message;
use crate::services::vault::Field;
use crate::services::work::Work;
use crate::store::{ClinicRow, CodeRow, HolderRow, Tx};

impl Services {
    /// Sends a one-time code. `origin` is the network address of whoever asks; only keyed hashes of it are stored.
    pub async fn request_code(&self, request: CodeRequest, origin: IpAddr) -> Result<CodeSent, Refusal> {
        let phone = phone(&request.phone)?;
        let mut work = self.begin().await?;
        let clinic = clinic_of_link(&mut work.tx, &request.link).await?;
        let institution = clinic.institution_id;

        // Always in this order: two requests that wait for each other's rows would wait for ever.
        let phone_index = self.vault.blind(Field::Phone, phone.reveal());
        let key = |purpose: &str, parts: &[&[u8]]| self.vault.mac(purpose, parts)[..16].to_vec();
        let (address, around) = (origin.to_string(), block(origin).to_string());
        let phone_here = key("phone-and-place", &[&phone_index, around.as_bytes()]);
        let place = key("place", &[address.as_bytes()]);
        let per_place = if self.config.demo { PER_PLACE_IN_DEMO } else { PER_PLACE };
        count(&mut work, institution, &phone_here, PER_NUMBER_AND_PLACE).await?;
        // Where the number has been signed in from, requests from elsewhere shut nobody out.
        if !self.place_of_number(institution, &phone_index, &address).is_known(&mut work).await? {
            count(&mut work, institution, &phone_index, PER_NUMBER).await?;
        }
        count(&mut work, institution, &place, per_place).await?;
        if origin.is_ipv6() {
            count(&mut work, institution, &key("block", &[around.as_bytes()]), PER_BLOCK).await?;
        }
        // In a demonstration no message is sent.
        if !self.config.demo {
            let all = key("all-codes", &[]);
            count(&mut work, institution, &all, PER_INSTITUTION).await.map_err(sent_out)?;
        }

        let code = format!("{:0DIGITS$}", self.ids.below(1_000_000));
        let id = self.ids.uuid();
        let row = CodeRow {
            id,
            institution_id: institution,
            phone_index,
            code_hash: self.code_hash(id, &code),
            sent_at: work.now,
            expires_at: work.now + LIFETIME,
            attempts: 0,
            used_at: None,
        };
        work.tx.codes().insert(&row).await?;
        work.commit().await?;

        let message = Message::new(&phone, "code", words(request.locale, &code));
        if let Err(error) = self.sms.send(&message, row.sent_at).await {
            tracing::error!(cause = %error, "a one-time code was not sent");
            let refusal = Refusal::new(ErrorCode::Unavailable, "the message could not be sent");
            return Err(Refusal { retry_after: Some(codes::seconds(PER_NUMBER_AND_PLACE.gap)), ..refusal });
        }
        Ok(CodeSent {
            challenge: id,
            expires_in: codes::seconds(LIFETIME),
            resend_in: codes::seconds(PER_NUMBER_AND_PLACE.gap),
            demo_code: self.config.demo.then_some(code),
        })
    }

    /// Passes a one-time code and signs its number's owner in, who is known at this `address` from now on.
    pub async fn verify_code(&self, request: CodeVerify, address: &str) -> Result<Tokens, Refusal> {
        let phone = phone(&request.phone)?;
        let code = request.code.trim();
        if code.len() != DIGITS || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Refusal::field(ErrorCode::Invalid, "code", "a code has six digits"));
        }
        let mut work = self.begin().await?;
        let institution = clinic_of_link(&mut work.tx, &request.link).await?.institution_id;
        let phone_index = self.vault.blind(Field::Phone, phone.reveal());

        let now = work.now;
        let most = i64::from(ATTEMPTS);
        let tried = work.tx.codes().attempt(institution, request.challenge, &phone_index, most, now).await?;
        let Some(sent) = tried else {
            return Err(Refusal::new(ErrorCode::CodeExpired, "there is no code to pass; ask for a new one"));
        };
        if !bool::from(self.code_hash(sent.id, code).ct_eq(&sent.code_hash)) {
            let counted = u32::try_from(sent.attempts).unwrap_or(ATTEMPTS);
            // The try is counted although the answer is no.
            work.commit().await?;
            let refusal = Refusal::new(ErrorCode::CodeWrong, "the code is not the one that was sent");
            return Err(Refusal { remaining: Some(ATTEMPTS.saturating_sub(counted)), ..refusal });
        }
        work.tx.codes().spend(sent.id, work.now).await?;
        self.place_of_number(institution, &phone_index, address).note(&mut work).await?;
        let holder = self.find_or_make_holder(&mut work, institution, &phone, phone_index).await?;
        if let Some(locale) = request.locale.filter(|locale| locale.as_str() != holder.locale) {
            work.tx.holders().set_locale(holder.id, locale.as_str()).await?;
        }
        let tokens = self.open_session(&mut work, institution, Who::Holder(holder.id)).await?;
        work.commit().await?;
        Ok(tokens)
    }

    pub(crate) async fn find_or_make_holder(
        &self,
        work: &mut Work,
        institution: InstitutionId,
        phone: &Phone,
        phone_index: Vec<u8>,
    ) -> Result<HolderRow, Refusal> {
        let id = self.ids.make(HolderId::from_uuid);
        let row = HolderRow {
            id,
            institution_id: institution,
            phone_sealed: self.vault.seal(Field::Phone, id.as_uuid(), phone.reveal()),
            phone_index,
            phone_tail: phone.tail().to_owned(),
            created_at: work.now,
            locale: Locale::default().as_str().to_owned(),
        };
        if work.tx.holders().insert(&row).await? {
            return Ok(row);
        }
        let known = work.tx.holders().by_phone(institution, &row.phone_index).await?;
        known.ok_or_else(|| Refusal::internal("a holder that was in the way is not there"))
    }

    fn code_hash(&self, id: Uuid, code: &str) -> Vec<u8> {
        self.vault.mac("one-time-code", &[id.as_bytes(), code.as_bytes()]).to_vec()
    }
}

/// The clinic behind a patient's link.
pub(crate) async fn clinic_of_link(tx: &mut Tx, link: &str) -> Result<ClinicRow, Refusal> {
    let unknown = || Refusal::new(ErrorCode::LinkUnknown, "this link leads to no clinic");
    // No link of ours is longer; a stranger's must not reach the database.
    if link.len() > 128 {
        return Err(unknown());
    }
    tx.clinics().by_link(link).await?.ok_or_else(unknown)
}

fn phone(text: &str) -> Result<Phone, Refusal> {
    Phone::mobile(text).map_err(|error| Refusal::field(ErrorCode::Invalid, "phone", error.to_string()))
}

async fn count(work: &mut Work, institution: InstitutionId, key: &[u8], limit: Limit) -> Result<(), Refusal> {
    let before = work.tx.codes().sent(institution, key).await?;
    let (code, wait) = match codes::admit(&before, work.now, limit) {
        Ok(sent) => return Ok(work.tx.codes().set_sent(institution, key, &sent).await?),
        Err(TooOften::Gap(wait)) => (ErrorCode::CodeTooSoon, wait),
        Err(TooOften::Window(wait)) => (ErrorCode::RateLimited, wait),
    };
    let refusal = Refusal::new(code, "too many codes were asked for");
    Err(Refusal { retry_after: Some(codes::seconds(wait)), ..refusal })
}

/// The institution has sent as many as it may: that says nothing about who asks, and somebody should get up.
fn sent_out(refusal: Refusal) -> Refusal {
    if refusal.code != ErrorCode::RateLimited {
        return refusal;
    }
    tracing::error!("the institution has sent as many one-time codes as it may in an hour");
    Refusal { code: ErrorCode::CodeSentOut, ..refusal }
}

fn words(locale: Locale, code: &str) -> String {
    match locale {
        Locale::Chinese => format!("【云诊】验证码{code}，10分钟内有效。请勿告诉他人。"),
        Locale::English => format!("[Yunzhen] Your code is {code}, good for 10 minutes. Do not share it."),
    }
}
