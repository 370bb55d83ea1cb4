//! Staff signing in, and what a token is worth now.

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};

use crate::domain::ids::{ConnectionId, InstitutionId};
use crate::domain::permission::Actor;
use crate::domain::time::Timestamp;
use crate::protocol::auth::Tokens;
use crate::protocol::error::ErrorCode;
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::sessions::Who;

/// Compared with when there is no such account, so that the answer takes as long.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

impl Services {
    /// Signs a member of staff in. The same refusal for an unknown name and a wrong password, after the same work.
    pub async fn login(&self, username: &str, password: &str) -> Result<Tokens, Refusal> {
        let refused = || Refusal::new(ErrorCode::BadCredentials, "wrong user name or password");
        if !(1..=256).contains(&password.len()) || username.len() > 128 {
            return Err(refused());
        }
        let account = self.db.read().await?.accounts().by_username(username).await?;
        let hash = account.as_ref().map_or_else(|| NOBODY.to_owned(), |account| account.password_hash.clone());
        let password = password.to_owned();
        let is_right =
            tokio::task::spawn_blocking(move || verify(&hash, &password)).await.map_err(|e| Refusal::internal(&e))?;
        let account = account.filter(|account| is_right && account.active).ok_or_else(refused)?;
        let mut work = self.begin().await?;
        let tokens = self.open_session(&mut work, account.institution_id, Who::Staff(account.id)).await?;
        work.audit(account.institution_id, &account.id.to_string(), "session.open", &account.id.to_string()).await?;
        work.commit().await?;
        Ok(tokens)
    }

    /// The actor of an access token whose session still stands, and when the token ends.
    pub async fn authenticate(&self, token: &str) -> Result<Option<(Actor, Timestamp)>, Refusal> {
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

    /// The institution of a clinic's link.
    pub async fn institution_of(&self, link: &str) -> Result<InstitutionId, Refusal> {
        let clinic = self.db.read().await?.clinics().by_link(link).await?;
        clinic.map(|clinic| clinic.institution_id).ok_or_else(|| Refusal::new(ErrorCode::LinkUnknown, "no such link"))
    }
}

/// Hashes a password: argon2id with the library's defaults (OWASP's first choice), PHC form.
pub fn hash_password(password: &str, salt: &[u8; 16]) -> Result<String, Refusal> {
    let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), salt);
    hash.map(|hash| hash.to_string()).map_err(|e| Refusal::internal(&e))
}

fn verify(hash: &str, password: &str) -> bool {
    let parsed = argon2::PasswordHash::new(hash);
    parsed.is_ok_and(|parsed| Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_opens_only_its_own_hash() {
        let hash = hash_password("correct horse", &[7; 16]).unwrap();
        assert!(verify(&hash, "correct horse"));
        assert!(!verify(&hash, "correct house"));
        assert!(!verify(NOBODY, ""));
    }
}
