//! Passwords: argon2id, a few at a time.
//!
//! One hash takes 19 MB and a core for a while. Whoever sends many of them at once must not take the machine from those
//! who are in a call: [`TURNS`] run, [`PLACES`] are under way, and the rest is told to come back. Who is signed in and proves
//! who they are waits for no stranger at the sign-in: they have [turns](OWN_TURNS) and [places](OWN_PLACES) of their own.

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use tokio::sync::Semaphore;

use crate::protocol::error::ErrorCode;
use crate::services::refusal::Refusal;

/// Characters of a password; a longer one is nobody's.
pub const PASSWORD_LIMIT: usize = 128;

/// Hashes that run at once.
const TURNS: usize = 2;
/// Hashes that run or wait for their turn: with two turns, the last of them waits for less than a second.
const PLACES: usize = 32;
/// Hashes of those who are signed in that run at once.
const OWN_TURNS: usize = 1;
/// The same that run or wait.
const OWN_PLACES: usize = 16;

/// Compared with when there is no such account, so that the answer takes as long.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Compares passwords; one per process.
pub(crate) struct Passwords {
    strangers: Queue,
    own: Queue,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { strangers: Queue::new(TURNS, PLACES), own: Queue::new(OWN_TURNS, OWN_PLACES) }
    }
}

impl Passwords {
    /// Whether a password opens a hash; the same work, and no, when there is none.
    pub async fn verify(&self, hash: Option<String>, password: String) -> Result<bool, Refusal> {
        self.strangers.run(move || verify(hash.as_deref().unwrap_or(NOBODY), &password)).await
    }

    /// Whether the password of somebody who is signed in opens their hash.
    pub async fn verify_own(&self, hash: String, password: String) -> Result<bool, Refusal> {
        self.own.run(move || verify(&hash, &password)).await
    }

    /// The hash of a new password of somebody who is signed in.
    pub async fn hash(&self, password: String, salt: [u8; 16]) -> Result<String, Refusal> {
        self.own.run(move || hash_password(&password, &salt)).await?
    }
}

/// Those who hash, a few at a time.
struct Queue {
    turns: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

impl Queue {
    fn new(turns: usize, places: usize) -> Self {
        Self { turns: Arc::new(Semaphore::new(turns)), places: Arc::new(Semaphore::new(places)) }
    }

    async fn run<T: Send + 'static>(&self, hash: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            let refusal = Refusal::new(ErrorCode::RateLimited, "too many sign in at this moment");
            Refusal { retry_after: Some(1), ..refusal }
        })?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|e| Refusal::internal(&e))?;
        let hashing = tokio::task::spawn_blocking(move || {
            // Held by the work and not by who asked for it: hanging up must not make room for more.
            let _held = (place, turn);
            hash()
        });
        hashing.await.map_err(|e| Refusal::internal(&e))
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
    use std::sync::mpsc;

    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn a_password_opens_only_its_own_hash() {
        let hash = hash_password("correct horse", &[7; 16]).unwrap();
        assert!(verify(&hash, "correct horse"));
        assert!(!verify(&hash, "correct house"));
        assert!(!verify(NOBODY, ""));
    }

    #[test]
    fn an_unknown_name_costs_what_a_known_one_costs() {
        let hash = hash_password("x", &[7; 16]).unwrap();
        let cost = |hash: &str| hash.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(cost(NOBODY), cost(&hash));
        assert!(argon2::PasswordHash::new(NOBODY).is_ok(), "what does not parse is refused for nothing");
    }

    #[tokio::test]
    async fn no_more_run_than_have_a_turn_and_who_finds_no_place_is_told_when_to_come_back() {
        let passwords = Queue::new(1, 2);
        let (open, gate) = mpsc::channel::<()>();
        let mut first = Box::pin(passwords.run(move || gate.recv().is_ok()));
        assert!(first.as_mut().now_or_never().is_none());
        let mut second = Box::pin(passwords.run(|| true));
        assert!(second.as_mut().now_or_never().is_none(), "the turn is taken");
        let third = passwords.run(|| true).await.unwrap_err();
        assert_eq!((third.code, third.retry_after), (ErrorCode::RateLimited, Some(1)));
        // Hanging up does not end the work, so it does not free the turn.
        drop(first);
        assert!(second.as_mut().now_or_never().is_none());
        open.send(()).unwrap();
        assert!(second.await.unwrap());
        assert!(passwords.run(|| true).await.unwrap());
    }

    #[tokio::test]
    async fn whoever_is_signed_in_proves_it_while_strangers_have_every_place_at_the_sign_in() {
        let (passwords, hash) = (Passwords::default(), hash_password("x", &[7; 16]).unwrap());
        let mut opens = Vec::new();
        let mut strangers = Vec::new();
        for _ in 0..PLACES {
            let (open, gate) = mpsc::channel::<()>();
            opens.push(open);
            let mut stranger = Box::pin(passwords.strangers.run(move || gate.recv().is_err()));
            assert!(stranger.as_mut().now_or_never().is_none());
            strangers.push(stranger);
        }
        let full = passwords.verify(None, "x".to_owned()).await.unwrap_err();
        assert_eq!(full.code, ErrorCode::RateLimited);
        assert!(passwords.verify_own(hash, "x".to_owned()).await.unwrap());
        drop(opens);
    }
}
