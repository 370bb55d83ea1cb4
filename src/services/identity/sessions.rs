//! Sessions: a browser that signed in, and the refresh tokens that keep it so.
//!
//! A refresh token is used once; using an old one again ends the session, because one of its two users is a thief. A token
//! names its session and carries a tag that only this server can make, so that a genuine one is recognised however long
//! ago it was spent, and a made-up one ends nobody's session. Only its SHA-256 is stored.
//!
//! An answer can be lost on a bad network, and two windows may exchange the same token at once: within [`GRACE`] the spent
//! token gets the same answer again. The next token is therefore derived from the last by a key of the server.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::domain::ids::{AccountId, AlarmId, HolderId, InstitutionId, InvitationId, SessionId};
use crate::domain::permission::Actor;
use crate::domain::time::Timestamp;
use crate::protocol::auth::{Subject, Tokens};
use crate::protocol::error::ErrorCode;
use crate::protocol::house::Text;
use crate::services::Services;
use crate::services::identity::tokens::{ACCESS_SECONDS, refresh_hash};
use crate::services::refusal::Refusal;
use crate::services::topics::Topic;
use crate::services::vault::Vault;
use crate::services::work::Work;
use crate::store::{SessionRow, Tx};

/// How long the token before the present one is still good.
const GRACE: Duration = Duration::from_secs(10);
/// How long staff stay signed in without coming back.
const STAFF_DAYS: u64 = 1;
/// How long a patient's browser is remembered.
const HOLDER_DAYS: u64 = 30;
/// How long an emergency line stays open to its caller.
const CALLER_DAYS: u64 = 1;

/// Who signs in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Who {
    /// A member of staff.
    Staff(AccountId),
    /// The owner of a telephone number.
    Holder(HolderId),
    /// An unnamed caller.
    Caller(AlarmId),
    /// An invited person.
    Guest(InvitationId),
}

impl Who {
    fn kind(self) -> &'static str {
        match self {
            Self::Staff(_) => "staff",
            Self::Holder(_) => "holder",
            Self::Caller(_) => "caller",
            Self::Guest(_) => "guest",
        }
    }

    fn id(self) -> Uuid {
        match self {
            Self::Staff(id) => id.as_uuid(),
            Self::Holder(id) => id.as_uuid(),
            Self::Caller(id) => id.as_uuid(),
            Self::Guest(id) => id.as_uuid(),
        }
    }

    fn of(row: &SessionRow) -> Option<Self> {
        match row.subject_kind.as_str() {
            "staff" => Some(Self::Staff(AccountId::from_uuid(row.subject_id))),
            "holder" => Some(Self::Holder(HolderId::from_uuid(row.subject_id))),
            "caller" => Some(Self::Caller(AlarmId::from_uuid(row.subject_id))),
            "guest" => Some(Self::Guest(InvitationId::from_uuid(row.subject_id))),
            _ => None,
        }
    }

    fn lasts(self) -> Duration {
        let days = match self {
            Self::Staff(_) => STAFF_DAYS,
            Self::Holder(_) => HOLDER_DAYS,
            Self::Caller(_) | Self::Guest(_) => CALLER_DAYS,
        };
        Duration::from_secs(days * 86_400)
    }
}

const SECRET: usize = 32;
const TAG: usize = 16;

/// The session, 32 secret bytes, and a tag.
struct RefreshToken {
    session: SessionId,
    secret: [u8; SECRET],
}

impl RefreshToken {
    fn derive(&self, vault: &Vault, purpose: &str) -> [u8; 32] {
        vault.mac(purpose, &[self.session.as_uuid().as_bytes(), &self.secret])
    }

    fn write(&self, vault: &Vault) -> String {
        let tag = self.derive(vault, "refresh-tag");
        URL_SAFE_NO_PAD.encode([&self.session.as_uuid().as_bytes()[..], &self.secret, &tag[..TAG]].concat())
    }

    /// Reads a token that this server made.
    fn read(text: &str, vault: &Vault) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (session, rest) = bytes.split_first_chunk::<16>()?;
        let (secret, tag) = rest.split_first_chunk::<SECRET>()?;
        let token = Self { session: SessionId::from_uuid(Uuid::from_bytes(*session)), secret: *secret };
        bool::from(token.derive(vault, "refresh-tag")[..TAG].ct_eq(tag)).then_some(token)
    }

    fn next(&self, vault: &Vault) -> Self {
        Self { session: self.session, secret: self.derive(vault, "refresh-next") }
    }
}

impl Services {
    /// Opens a session in the transaction of `work`; the tokens are good once it is committed.
    pub(crate) async fn open_session(
        &self,
        work: &mut Work,
        institution: InstitutionId,
        who: Who,
    ) -> Result<Tokens, Refusal> {
        self.open_session_in(work, institution, who, None).await
    }

    /// The same, and which browser it is is kept.
    pub(crate) async fn open_session_in(
        &self,
        work: &mut Work,
        institution: InstitutionId,
        who: Who,
        browser: Option<&str>,
    ) -> Result<Tokens, Refusal> {
        let id = self.ids.make(SessionId::from_uuid);
        let refresh = RefreshToken { session: id, secret: self.ids.secret() }.write(&self.vault);
        let row = SessionRow {
            id,
            institution_id: institution,
            subject_kind: who.kind().to_owned(),
            subject_id: who.id(),
            refresh_hash: refresh_hash(&refresh),
            previous_hash: None,
            rotated_at: work.now,
            expires_at: work.now + who.lasts(),
            revoked_at: None,
            created_at: work.now,
            acted_at: work.now,
            browser: browser.map(str::to_owned),
        };
        work.tx.sessions().insert(&row).await?;
        self.tokens_for(&mut work.tx, &row, who, refresh, work.now).await
    }

    /// Exchanges a refresh token for new tokens.
    pub async fn rotate(&self, refresh: &str) -> Result<Tokens, Refusal> {
        let ended = || Refusal::new(ErrorCode::SessionEnded, "sign in again");
        let token = RefreshToken::read(refresh, &self.vault).ok_or_else(ended)?;
        let next = token.next(&self.vault).write(&self.vault);
        let (old, new) = (refresh_hash(refresh), refresh_hash(&next));

        let mut work = self.begin().await?;
        let now = work.now;
        let is_rotated = work.tx.sessions().rotate(token.session, &old, &new, now).await?;
        let row = work.tx.sessions().find(token.session).await?.ok_or_else(ended)?;
        let who = Who::of(&row).ok_or_else(ended)?;
        if row.revoked_at.is_some() || row.expires_at <= now {
            return Err(ended());
        }
        let is_retry = row.previous_hash.as_ref() == Some(&old) && now.since(row.rotated_at) <= GRACE;
        if !is_rotated && !is_retry {
            self.end_session(work, row.institution_id, row.id).await?;
            tracing::warn!(session.id = %row.id, "a spent refresh token came again: the session was ended");
            return Err(ended());
        }
        let tokens = self.tokens_for(&mut work.tx, &row, who, next, now).await?;
        work.commit().await?;
        Ok(tokens)
    }

    /// Ends the actor's session.
    pub async fn sign_out(&self, actor: Actor) -> Result<(), Refusal> {
        let work = self.begin().await?;
        self.end_session(work, actor.institution(), actor.session()).await
    }

    /// Ends a session; then its sockets close, and its seats are free for whoever signs in next.
    pub(crate) async fn end_session(
        &self,
        mut work: Work,
        institution: InstitutionId,
        session: SessionId,
    ) -> Result<(), Refusal> {
        let now = work.now;
        work.tx.sessions().revoke(session, now).await?;
        work.emit(institution, Topic::Session(session).to_string(), "session.ended", Value::Null).await?;
        work.commit().await?;
        self.leave_seats(&[session]).await;
        Ok(())
    }

    /// Takes those whose sessions were ended out of their rooms, for good.
    pub(crate) async fn leave_seats(&self, ended: &[SessionId]) {
        for session in ended {
            self.live.end_session(*session).await;
        }
    }

    /// Whether the actor's session still stands: it was not ended, and its account was not closed.
    pub async fn session_stands(&self, actor: Actor) -> Result<bool, Refusal> {
        let now = self.clock.now();
        Ok(self.db.read().await?.sessions().stands(actor.session(), now).await?)
    }

    /// Who the actor is, in words.
    pub async fn subject(&self, actor: Actor) -> Result<Subject, Refusal> {
        let mut tx = self.db.read().await?;
        let row = tx.sessions().find(actor.session()).await?.ok_or_else(Refusal::not_found)?;
        let who = Who::of(&row).ok_or_else(Refusal::not_found)?;
        self.describe(&mut tx, row.institution_id, who).await
    }

    async fn tokens_for(
        &self,
        tx: &mut Tx,
        row: &SessionRow,
        who: Who,
        refresh_token: String,
        now: Timestamp,
    ) -> Result<Tokens, Refusal> {
        let (institution, session) = (row.institution_id, row.id);
        let actor = match who {
            Who::Staff(account) => {
                let found = tx.accounts().find(account).await?.filter(|found| found.active);
                let found = found.ok_or_else(|| Refusal::new(ErrorCode::SessionEnded, "the account is closed"))?;
                Actor::Staff { account, institution, role: found.role, session }
            }
            Who::Holder(holder) => Actor::Holder { holder, institution, session },
            Who::Caller(alarm) => Actor::Caller { alarm, institution, session },
            Who::Guest(invitation) => Actor::Guest { invitation, institution, session },
        };
        let subject = self.describe(tx, institution, who).await?;
        Ok(Tokens { access_token: self.tokens.access(actor, now), expires_in: ACCESS_SECONDS, refresh_token, subject })
    }

    async fn describe(&self, tx: &mut Tx, institution: InstitutionId, who: Who) -> Result<Subject, Refusal> {
        Ok(match who {
            Who::Staff(id) => {
                let account = tx.accounts().find(id).await?.ok_or_else(Refusal::not_found)?;
                Subject::Staff {
                    account: id,
                    institution,
                    role: account.role,
                    name_zh: account.name_zh,
                    name_en: account.name_en,
                    title_zh: account.title_zh,
                    title_en: account.title_en,
                }
            }
            Who::Holder(holder) => {
                let phone_tail =
                    tx.holders().find(institution, holder).await?.ok_or_else(Refusal::not_found)?.phone_tail;
                Subject::Holder { holder, institution, phone_tail }
            }
            Who::Caller(_) => Subject::Caller { institution },
            Who::Guest(_) => Subject::Guest { institution },
        })
    }
}

/// The doctor's or nurse's name as patients see it.
pub(crate) async fn staff_name(tx: &mut Tx, account: AccountId) -> Result<(Text, Text), Refusal> {
    let row = tx.accounts().find(account).await?.ok_or_else(Refusal::not_found)?;
    Ok((Text::new(row.name_zh, row.name_en), Text::new(row.title_zh, row.title_en)))
}
