//! One connection's share of the UDP port.
//!
//! Who is really there, and at which addresses, only the [mux](super::mux) knows and the [paths](super::paths) decide; the
//! connection's engine ([core](super::core)) sits behind this and is told a [play](super::play).

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use rtc::crypto::RTCCryptoProvider;

use super::egress::Wire;
use super::feedback::Feedback;
use super::inflow::Inflow;
use super::instant;
use super::mux::Mux;
use super::paths::Paths;
use super::play::Play;
use super::stun::{self, Key, Message, Transaction};
use crate::domain::first_byte::{FirstByte, is_report};

/// ICE credentials: a name and a password.
#[derive(Clone, Debug)]
pub(super) struct Credentials {
    pub(super) ufrag: String,
    pub(super) password: String,
}

/// What sits behind a port.
pub(super) trait Inside: Send + Sync {
    /// Takes a datagram of the browser, or of the play.
    fn take(self: Arc<Self>, now: Instant, bytes: &[u8], inflow: &mut Inflow);
}

/// A connection as the mux knows it.
pub(super) struct Port {
    /// It leads here too.
    inside: OnceLock<Weak<dyn Inside>>,
    /// Its connection's: it leads to the way out, and that leads here.
    feedback: OnceLock<Weak<Feedback>>,
    started: Instant,
    /// Milliseconds from `started` to the last datagram, plus one; zero when nothing was heard yet.
    heard: AtomicU64,
    closed: AtomicBool,
    browser: Mutex<Browser>,
    crypto: Arc<dyn RTCCryptoProvider>,
    play: Play,
}

/// Its browser: where it is, and who.
#[derive(Default)]
struct Browser {
    paths: Paths,
    /// Its names, and a password for each: the one of before, under which old paths of it still answer, and the newest.
    identities: VecDeque<(String, Key)>,
}

/// Names of a browser that are known at a time.
const IDENTITIES: usize = 2;

impl Browser {
    /// The question of `which`, as it goes to a browser that called us `ours` and itself `theirs`: by these names it knows the
    /// path. One that was renamed a moment ago may be ahead of us, or behind, and answers under no other; and we do not ask a
    /// name that we do not know.
    fn ask(
        &mut self,
        crypto: &dyn RTCCryptoProvider,
        names: (&str, &str),
        which: impl FnOnce(&mut Paths, &mut dyn FnMut() -> Option<Transaction>) -> Option<Transaction>,
    ) -> Option<Vec<u8>> {
        let Self { paths, identities } = self;
        let (ours, theirs) = names;
        let identity = identities.iter().find(|(name, _)| name == theirs);
        let asked = which(paths, &mut || {
            identity?;
            let mut fresh = Transaction::default();
            crypto.random().fill(&mut fresh).ok()?;
            Some(fresh)
        });
        asked.zip(identity).and_then(|(asked, (_, key))| stun::question(asked, &format!("{theirs}:{ours}"), key))
    }
}

impl Port {
    /// A connection whose engine has the credentials `engine` and believes in a peer with the credentials `far_end`.
    pub(super) fn new(now: Instant, mux: &Mux, engine: &Credentials, far_end: &Credentials) -> Arc<Self> {
        Arc::new(Self {
            inside: OnceLock::new(),
            feedback: OnceLock::new(),
            started: now,
            heard: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            browser: Mutex::default(),
            crypto: Arc::clone(&mux.crypto),
            play: Play::new(engine, far_end, &mux.crypto),
        })
    }

    /// From now on what comes goes to `inside`.
    pub(super) fn lead_to(&self, inside: Weak<dyn Inside>) {
        let _ = self.inside.set(inside);
    }

    /// Notes that its browser was heard.
    pub(super) fn hear(&self, now: Instant) {
        let millis = u64::try_from(now.saturating_duration_since(self.started).as_millis()).unwrap_or(u64::MAX - 1);
        self.heard.fetch_max(millis + 1, Ordering::Relaxed);
    }

    /// How long nothing was heard, counted from the beginning if nothing ever was.
    pub(super) fn silent_for(&self, now: Instant) -> Duration {
        let heard = Duration::from_millis(self.heard.load(Ordering::Relaxed).saturating_sub(1));
        now.saturating_duration_since(self.started + heard)
    }

    /// Lets `feedback` read the browser's reports, as far as they are for it.
    pub(super) fn read_reports_with(&self, feedback: &Arc<Feedback>) {
        let _ = self.feedback.set(Arc::downgrade(feedback));
    }

    /// Heeds a datagram of the browser at once, if it is a report of what it got; `false` when the engine must have it.
    pub(super) fn heed(&self, now: Instant, bytes: &[u8]) -> bool {
        if !is_report(bytes) || self.closed.load(Ordering::Acquire) {
            return false;
        }
        let Some(feedback) = self.feedback.get().and_then(Weak::upgrade) else { return false };
        // This is everybody's task: a reader that broke over one browser's bytes would take the port from all.
        catch_unwind(AssertUnwindSafe(|| feedback.read(now, bytes))).unwrap_or_else(|_| {
            feedback.disarm();
            true
        })
    }

    /// Takes a datagram of the browser.
    pub(super) fn take(&self, now: Instant, bytes: &[u8], inflow: &mut Inflow) {
        if let Some(inside) = self.inside.get().and_then(Weak::upgrade) {
            inside.take(now, bytes, inflow);
        }
    }

    /// Notes the ICE credentials under which the browser answers: those of before stay.
    pub(super) fn know(&self, now: Instant, mux: &Mux, ufrag: &str, password: &str) {
        let mut browser = self.browser();
        // An answer may be under way: what is only said again asks nothing anew.
        if browser.identities.back().is_none_or(|(known, _)| known != ufrag) {
            browser.paths.renew(now);
        }
        browser.identities.retain(|(known, _)| known != ufrag);
        browser.identities.push_back((ufrag.to_owned(), Key::new(password, Arc::clone(&mux.crypto))));
        if browser.identities.len() > IDENTITIES {
            browser.identities.pop_front();
        }
    }

    /// A sealed connectivity check came from `from`. What is to be asked there first, if anything.
    pub(super) fn checked(
        &self,
        now: Instant,
        from: SocketAddr,
        nominates: bool,
        names: (&str, &str),
        inflow: &mut Inflow,
    ) -> Option<Vec<u8>> {
        let question =
            self.browser().ask(&*self.crypto, names, |paths, fresh| paths.checked(now, from, nominates, fresh));
        if !self.play.is_over()
            && let Some(nomination) = self.play.nomination()
        {
            self.take(now, &nomination, inflow);
        }
        question
    }

    /// What is no check came from `from`; whether the browser is to be asked there.
    pub(super) fn strays(&self, now: Instant, from: SocketAddr) -> bool {
        self.browser().paths.strays(now, from)
    }

    /// What is to be asked at `from`, if anything, where it was last checked by these names.
    pub(super) fn strayed(&self, now: Instant, from: SocketAddr, names: (&str, &str)) -> Option<Vec<u8>> {
        self.browser().ask(&*self.crypto, names, |paths, fresh| paths.strayed(now, from, fresh))
    }

    /// Somebody answered from `from`; `false` when that proves nothing.
    pub(super) fn answered(&self, now: Instant, from: SocketAddr, answer: &Message<'_>) -> bool {
        let mut browser = self.browser();
        let is_sealed = browser.identities.iter().any(|(_, key)| answer.is_sealed_with(key));
        is_sealed && browser.paths.answered(now, from, answer.transaction)
    }

    /// From now on no media leaves through this port, whatever the engine still writes; its farewell may.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Sends what the engine wrote: media to the browser, ICE to the far end of the play, whose answers are returned.
    pub(super) fn send(&self, now: Instant, mux: &Mux, bytes: &[u8]) -> Vec<Vec<u8>> {
        if stun::is_stun(bytes) {
            return self.play.reply(bytes).collect();
        }
        let is_media = FirstByte::of_all(bytes) == Some(FirstByte::Media);
        if !(is_media && self.closed.load(Ordering::Acquire))
            && let Some(to) = self.to(now)
        {
            mux.send(bytes, to);
        }
        Vec::new()
    }

    /// Where its browser is to be reached now.
    fn to(&self, now: Instant) -> Option<SocketAddr> {
        self.browser().paths.to(now)
    }

    fn browser(&self) -> MutexGuard<'_, Browser> {
        self.browser.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a connection's media leaves.
pub(super) struct PortWire {
    mux: Arc<Mux>,
    port: Arc<Port>,
}

impl PortWire {
    pub(super) fn new(mux: Arc<Mux>, port: Arc<Port>) -> Self {
        Self { mux, port }
    }
}

impl Wire for PortWire {
    fn send(&self, bytes: &[u8], segment: usize) {
        if self.port.closed.load(Ordering::Acquire) {
            return;
        }
        if let Some(to) = self.port.to(instant::now()) {
            self.mux.send_run(bytes, segment, to);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::counters::Counters;
    use crate::media::paths::CONSENT;

    #[tokio::test]
    async fn a_browser_is_asked_by_the_names_under_which_it_knows_the_path_and_by_none_that_we_do_not_know() {
        let crypto = rtc::crypto::default_provider().expect("a provider is compiled in");
        let bind = "127.0.0.1:0".parse().expect("an address");
        let mux = Mux::bind(bind, 1, crypto, Arc::new(Counters::new()), None).expect("binds");
        let named = |ufrag: &str| Credentials { ufrag: ufrag.into(), password: format!("the password of {ufrag}") };
        let start = instant::now();
        let port = Port::new(start, &mux, &named("engine"), &named("far"));
        let at = |n: u16| SocketAddr::from(([192, 0, 2, 7], n));
        port.know(start, &mux, "first", "the password of first");
        assert_eq!(
            port.checked(start, at(1), true, ("ours", "first"), &mut Inflow::default()),
            None,
            "the first address"
        );
        // It restarted ICE: its checks are here before its offer.
        assert_eq!(port.checked(start, at(2), false, ("ours", "second"), &mut Inflow::default()), None);
        port.know(start, &mux, "second", "the password of second");
        let asked = |n: u16, ours: &str, theirs: &str| {
            let question = port.checked(start, at(n), true, (ours, theirs), &mut Inflow::default()).expect("asked");
            let question = Message::parse(&question).expect("well-formed");
            let key = Key::new(&format!("the password of {theirs}"), Arc::clone(&mux.crypto));
            assert!(question.is_sealed_with(&key));
            assert_eq!(question.names(), Some((theirs, ours)));
        };
        asked(2, "ours", "second");
        asked(3, "ours of now", "second");
        asked(4, "ours", "first");
        port.know(start, &mux, "third", "the password of third");
        assert_eq!(
            port.checked(start, at(5), true, ("ours", "first"), &mut Inflow::default()),
            None,
            "two restarts ago"
        );
    }

    #[tokio::test]
    async fn half_a_minute_after_its_browsers_last_check_nothing_is_sent_and_the_connection_stays() {
        let crypto = rtc::crypto::default_provider().expect("a provider is compiled in");
        let bind = "127.0.0.1:0".parse().expect("an address");
        let mux = Mux::bind(bind, 1, crypto, Arc::new(Counters::new()), None).expect("binds");
        let named = |ufrag: &str| Credentials { ufrag: ufrag.into(), password: format!("the password of {ufrag}") };
        let (engine, start) = (named("engine"), instant::now());
        let port = Port::new(start, &mux, &engine, &named("far"));
        mux.register(&engine.ufrag, &engine.password, &port);
        let key = Key::new(&engine.password, Arc::clone(&mux.crypto));
        let check = stun::nomination([1; 12], "engine:browser", &key).expect("sealed");
        let from = "127.0.0.1:9".parse().expect("an address");
        mux.deliver(start, from, &check);
        let later = start + Duration::from_millis(29_999);
        // Whoever has the address by now may send what he likes.
        mux.deliver(later, from, &[128, 96, 0, 1]);
        assert_eq!(port.to(later), Some(from));
        assert_eq!(port.to(start + CONSENT), None);
        assert_eq!((mux.connections(), port.silent_for(later)), (1, Duration::ZERO));
    }
}
