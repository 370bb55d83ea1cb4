//! Staff signing in, and what a token is worth now.

use crate::domain::ids::{ConnectionId, InstitutionId};
use crate::domain::permission::Actor;
use crate::domain::time::Timestamp;
use crate::protocol::auth::Tokens;
use crate::protocol::error::ErrorCode;
use crate::services::Services;
use crate::services::identity::known_browsers::KnownBrowser;
use crate::services::identity::known_places::First;
use crate::services::identity::own_sessions::make_room;
use crate::services::identity::passwords::PASSWORD_LIMIT;
use crate::services::identity::sessions::Who;
use crate::services::identity::tokens::OUTLIVED;
use crate::services::refusal::Refusal;

/// From where somebody signs in.
pub struct Origin {
    /// The network address.
    pub address: String,
    /// The browser, where its cookie is ours.
    pub browser: Option<KnownBrowser>,
    /// What has to be right before anything else is looked at.
    pub first: First,
    /// What the browser says that it is.
    pub family: Option<&'static str>,
}

impl Services {
    /// Signs a member of staff in, with the `code` of the second factor where the account has one; which `browser` it was
    /// is kept for their eyes, and that this address is theirs; the cookie says that the browser is. The same refusal for an
    /// unknown name and a wrong password, after the same work; where too many sign in at once, the rest is told to come back.
    pub async fn login(
        &self,
        username: &str,
        password: &str,
        code: Option<&str>,
        from: Origin,
    ) -> Result<(Tokens, String), Refusal> {
        let First::Code(seconds) = from.first else {
            return self.login_by_password(username, password, code, from).await;
        };
        let slowed = || {
            let refusal =
                Refusal::new(ErrorCode::RateLimited, "too many wrong passwords; without the code none is looked at");
            Refusal { retry_after: Some(seconds), ..refusal }
        };
        let asked = || Refusal::new(ErrorCode::SecondFactorAsked, "a code of the second factor is needed");
        if !self.is_code_of_the_moment(username, code.ok_or_else(asked)?).await? {
            return Err(slowed());
        }
        let answer = self.login_by_password(username, password, code, from).await;
        let is_guess = |code| [ErrorCode::BadCredentials, ErrorCode::SecondFactorWrong].contains(&code);
        answer.map_err(|refusal| if is_guess(refusal.code) { slowed() } else { refusal })
    }

    async fn login_by_password(
        &self,
        username: &str,
        password: &str,
        code: Option<&str>,
        from: Origin,
    ) -> Result<(Tokens, String), Refusal> {
        let refused = || Refusal::new(ErrorCode::BadCredentials, "wrong user name or password");
        // Before anything is looked up or hashed: what is too long is nobody's.
        if !(1..=PASSWORD_LIMIT).contains(&password.chars().count()) || username.len() > 128 {
            return Err(refused());
        }
        let account = self.db.read().await?.accounts().by_username(username).await?;
        let hash = account.as_ref().map(|account| account.password_hash.clone());
        let is_right = self.passwords.verify(hash, password.to_owned()).await?;
        let account = account.filter(|account| is_right && account.active).ok_or_else(refused)?;
        let mut work = self.begin().await?;
        // Hashing takes long: a password that was changed meanwhile opens nothing any more.
        work.tx.accounts().hold(account.id).await?;
        let now = work.tx.accounts().find(account.id).await?;
        if now.is_none_or(|now| now.password_hash != account.password_hash || !now.active) {
            return Err(refused());
        }
        self.pass_second_factor(&mut work, account.id, code).await?;
        let who = Who::Staff(account.id);
        self.place_of_account(account.institution_id, account.id.as_uuid(), &from.address).note(&mut work).await?;
        let (_, seated) = self.live.occupied();
        let displaced = make_room(&mut work, account.institution_id, account.id, &seated).await?;
        let tokens = self.open_session_in(&mut work, account.institution_id, who, from.family).await?;
        work.audit(account.institution_id, &account.id.to_string(), "session.open", &account.id.to_string()).await?;
        work.commit().await?;
        self.leave_seats(&displaced).await;
        Ok((tokens, self.cookie_of(from.browser, &account)))
    }

    /// The actor of an access token whose session still stands, and when the token ends. Whoever lacks a second factor
    /// that the operator requires is refused.
    pub async fn authenticate(&self, token: &str) -> Result<Option<(Actor, Timestamp)>, Refusal> {
        let Some((actor, ends)) = self.signed_in(token).await? else { return Ok(None) };
        if self.lacks_second_factor(actor).await? {
            return Err(Refusal::new(ErrorCode::SecondFactorMissing, "set up a second factor first"));
        }
        Ok(Some((actor, ends)))
    }

    /// The same for those who are about to set up their second factor.
    pub async fn signed_in(&self, token: &str) -> Result<Option<(Actor, Timestamp)>, Refusal> {
        let now = self.clock.now();
        let Some((actor, ends)) = self.tokens.actor(token, now) else { return Ok(None) };
        Ok(self.session_stands(actor).await?.then_some((actor, ends)))
    }

    /// The token with which this browser takes up its seats again.
    pub fn resume_token(&self, connection: ConnectionId, actor: Actor, seconds: u32) -> String {
        self.tokens.resume(connection.as_uuid(), actor.session(), self.clock.now(), seconds)
    }

    /// The connection that a resume token of this actor names.
    pub fn open_resume(&self, token: &str, actor: Actor) -> Option<ConnectionId> {
        self.tokens.open_resume(token, actor.session(), self.clock.now()).map(ConnectionId::from_uuid)
    }

    /// Whom a whole access token and a resume token speak for, without the database: somebody of a session that stood when its
    /// connection was made, and that nobody has ended in this process. Of whoever has a seat also a token that ended is believed
    /// ([`Self::outlives`]): it could not be renewed. Whoever is believed so is looked up as soon as the database answers.
    pub fn believe(&self, token: &str, resume: &str) -> Option<(Actor, Timestamp)> {
        let (actor, ends) = self.tokens.whose(token)?;
        let connection = self.open_resume(resume, actor)?;
        let is_good = self.clock.now() < ends || self.outlives(connection, ends);
        (is_good && self.live.may_resume(connection, actor.session())).then_some((actor, ends))
    }

    /// Whether a connection goes on beyond the end of its token until the database has answered: it is in a call, and the
    /// token has not been over for [`OUTLIVED`].
    pub fn outlives(&self, connection: ConnectionId, ends: Timestamp) -> bool {
        self.clock.now().since(ends) < OUTLIVED && self.live.is_seated(connection)
    }

    /// The institution of a clinic's link.
    pub async fn institution_of(&self, link: &str) -> Result<InstitutionId, Refusal> {
        let clinic = self.db.read().await?.clinics().by_link(link).await?;
        clinic.map(|clinic| clinic.institution_id).ok_or_else(|| Refusal::new(ErrorCode::LinkUnknown, "no such link"))
    }
}
