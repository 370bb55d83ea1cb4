//! The play that fools a connection's engine about ICE.
//!
//! The engine insists on doing ICE itself. It gets that, as a play: at the far end of its socket sits a single peer at an
//! address that never changes ([`FAR_END`]), which nominates at once and answers every check. Three weaknesses of the
//! engine's ICE vanish with that: a nomination before its own check has succeeded goes unanswered (a browser then waits
//! 2.5 s for its next check), a selected pair is never changed (a phone that changes its network is lost), and a restart
//! drops every packet until the new pair is nominated.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rtc::crypto::RTCCryptoProvider;

use super::port::Credentials;
use super::stun::{self, Class, Key, Message};

/// The address at which the engine believes its only peer: reserved for documentation (RFC 5737), so nothing is there.
pub(super) const FAR_END: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 9);
/// Where the engine believes to be, and the far end says that it saw it.
pub(super) const ENGINE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9);

/// What the far end needs in order to act as an ICE peer of the engine.
pub(super) struct Play {
    /// `engine:far end`, as the engine expects it in requests.
    username: String,
    engine_key: Key,
    far_key: Key,
    /// The engine has selected its pair.
    over: AtomicBool,
    requests: AtomicU64,
}

impl Play {
    /// A play for an engine with the credentials `engine` that believes in a peer with the credentials `far_end`.
    pub(super) fn new(engine: &Credentials, far_end: &Credentials, crypto: &Arc<dyn RTCCryptoProvider>) -> Self {
        let key = |credentials: &Credentials| Key::new(&credentials.password, Arc::clone(crypto));
        Self {
            username: format!("{}:{}", engine.ufrag, far_end.ufrag),
            engine_key: key(engine),
            far_key: key(far_end),
            over: AtomicBool::new(false),
            requests: AtomicU64::new(0),
        }
    }

    /// Whether the engine has selected its pair.
    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// What the far end says to what the engine wrote: to a check an answer and another nomination, to anything else nothing.
    pub(super) fn reply(&self, bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> + use<> {
        let said = match Message::parse(bytes) {
            Some(message) if message.class == Class::Request => {
                [stun::success(message.transaction, ENGINE, &self.far_key), self.nomination()]
            }
            Some(message) if message.class == Class::Success => {
                self.over.store(true, Ordering::Relaxed);
                [None, None]
            }
            _ => [None, None],
        };
        said.into_iter().flatten()
    }

    /// The far end's nomination, each time a new one.
    pub(super) fn nomination(&self) -> Option<Vec<u8>> {
        let mut transaction = [0; 12];
        transaction[..8].copy_from_slice(&self.requests.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        stun::nomination(transaction, &self.username, &self.engine_key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn play() -> (Play, Key, Key) {
        let crypto = rtc::crypto::default_provider().expect("a provider is compiled in");
        let named = |ufrag: &str| Credentials { ufrag: ufrag.into(), password: format!("the password of {ufrag}") };
        let (engine, far) = (named("engine"), named("far"));
        let key = |of: &Credentials| Key::new(&of.password, Arc::clone(&crypto));
        (Play::new(&engine, &far, &crypto), key(&engine), key(&far))
    }

    #[test]
    fn a_check_of_the_engine_is_answered_and_the_pair_is_nominated() {
        let (play, engine, far) = play();
        let check = stun::question([7; 12], "far:engine", &far).expect("sealed");
        let said: Vec<_> = play.reply(&check).collect();
        let [answer, nomination] = &said[..] else { panic!("{said:?}") };
        let answer = Message::parse(answer).expect("an answer");
        assert_eq!((answer.class, answer.transaction, answer.is_sealed_with(&far)), (Class::Success, [7; 12], true));
        let nomination = Message::parse(nomination).expect("a nomination");
        assert!(nomination.nominates && nomination.is_sealed_with(&engine));
        assert_eq!((nomination.class, nomination.local_ufrag()), (Class::Request, Some("engine")));
        assert!(!play.is_over());
    }

    #[test]
    fn the_play_is_over_when_the_engine_answers_and_no_two_nominations_are_the_same() {
        let (play, engine, _) = play();
        let nominations: Vec<_> = (0..3).map(|_| play.nomination().expect("sealed")).collect();
        assert!(nominations.windows(2).all(|two| two[0][8..20] != two[1][8..20]));
        let answer = stun::success([0; 12], FAR_END, &engine).expect("sealed");
        assert_eq!(play.reply(&answer).count(), 0);
        assert!(play.is_over());
    }

    #[test]
    fn to_what_is_no_check_the_far_end_says_nothing() {
        let (play, ..) = play();
        assert!([&b""[..], &[0; 20], &[128, 200, 0, 0]].iter().all(|bytes| play.reply(bytes).next().is_none()));
        assert!(!play.is_over());
    }
}
