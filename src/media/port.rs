//! One connection's share of the UDP port.
//!
//! The engine insists on a socket of its own and on doing ICE itself. It gets both, as a play: the socket is this
//! object, and at its far end sits a single peer at an address that never changes ([`FAR_END`]), which nominates at once
//! and answers every check. Who is really there, and at which addresses, only the mux knows. Three weaknesses of the
//! engine's ICE vanish with that: a nomination before its own check has succeeded goes unanswered (a browser then waits
//! 2.5 s for its next check), a selected pair is never changed (a phone that changes its network is lost), and a restart
//! drops every packet until the new pair is nominated.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rtc::crypto::RTCCryptoProvider;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, RecvMeta, Runtime, TokioRuntime,
    Transmit,
};

use super::asking::{ASKED, Asking};
use super::egress::Wire;
use super::feedback::{self, Feedback};
use super::mux::Mux;
use super::stun::{self, Class, Key, Message, Transaction};

/// The address at which the engine believes its only peer: reserved for documentation (RFC 5737), so nothing is there.
const FAR_END: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 9);
/// For so long an address at which the browser answered may be nominated without being asked again.
const PROVED_FOR: Duration = Duration::from_secs(30);
/// Datagrams that wait for the engine: two thirds of a second of a good camera.
const INBOUND: usize = 1024;

/// ICE credentials: a name and a password.
#[derive(Clone, Debug)]
pub(super) struct Credentials {
    pub(super) ufrag: String,
    pub(super) password: String,
}

/// A connection as the mux knows it.
pub(super) struct Port {
    inbound: mpsc::Sender<Bytes>,
    /// Its connection's: it leads to the way out, and that leads here.
    feedback: OnceLock<Weak<Feedback>>,
    started: Instant,
    /// Milliseconds from `started` to the last datagram, plus one; zero when nothing was heard yet.
    heard: AtomicU64,
    closed: AtomicBool,
    paths: Mutex<Paths>,
    crypto: Arc<dyn RTCCryptoProvider>,
    play: Play,
}

/// Where its browser is, and where it could be.
#[derive(Default)]
struct Paths {
    /// Everything goes there. The first address that a check came from, until another is proved and nominated: a handshake
    /// is finished there, or nothing but the handshake ever goes.
    used: Option<SocketAddr>,
    /// Nominated, and not proved yet.
    wanted: Option<SocketAddr>,
    /// `browser:ours`, and the browser's password.
    browser: Option<(String, Key)>,
    /// Questions whose answers prove an address.
    asking: Asking,
    /// Addresses where the browser answered, and when.
    proved: VecDeque<(SocketAddr, Instant)>,
}

impl Paths {
    fn is_proved(&self, now: Instant, address: SocketAddr) -> bool {
        self.proved.iter().any(|(known, at)| *known == address && now.saturating_duration_since(*at) < PROVED_FOR)
    }

    /// A question to `address`, if one may go there now.
    fn ask(&mut self, now: Instant, address: SocketAddr, crypto: &dyn RTCCryptoProvider) -> Option<Vec<u8>> {
        let (username, key) = self.browser.as_ref()?;
        let fresh = || {
            let mut fresh = Transaction::default();
            crypto.random().fill(&mut fresh).ok()?;
            Some(fresh)
        };
        let transaction = self.asking.ask(now, address, fresh)?;
        stun::question(transaction, username, key)
    }
}

/// What the far end needs in order to act as an ICE peer of the engine.
struct Play {
    /// `engine:far end`, as the engine expects it in requests.
    username: String,
    engine_key: Key,
    far_key: Key,
    /// The engine has selected its pair.
    over: AtomicBool,
    requests: AtomicU64,
}

impl Port {
    /// A connection whose engine has the credentials `engine` and believes in a peer with the credentials `far_end`.
    pub(super) fn new(
        now: Instant,
        mux: &Mux,
        engine: &Credentials,
        far_end: &Credentials,
    ) -> (Arc<Self>, mpsc::Receiver<Bytes>) {
        let (inbound, receiver) = mpsc::channel(INBOUND);
        let key = |credentials: &Credentials| Key::new(&credentials.password, Arc::clone(&mux.crypto));
        let play = Play {
            username: format!("{}:{}", engine.ufrag, far_end.ufrag),
            engine_key: key(engine),
            far_key: key(far_end),
            over: AtomicBool::new(false),
            requests: AtomicU64::new(0),
        };
        let port = Self {
            inbound,
            feedback: OnceLock::new(),
            started: now,
            heard: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            paths: Mutex::default(),
            crypto: Arc::clone(&mux.crypto),
            play,
        };
        (Arc::new(port), receiver)
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
        if !feedback::is_report(bytes) || self.closed.load(Ordering::Acquire) {
            return false;
        }
        let Some(feedback) = self.feedback.get().and_then(Weak::upgrade) else { return false };
        // This is everybody's task: a reader that broke over one browser's bytes would take the port from all.
        catch_unwind(AssertUnwindSafe(|| feedback.read(now, bytes))).unwrap_or_else(|_| {
            feedback.disarm();
            true
        })
    }

    /// Takes a datagram of the browser; `false` when there is no room.
    pub(super) fn receive(&self, bytes: Bytes) -> bool {
        self.inbound.try_send(bytes).is_ok()
    }

    /// Notes the ICE credentials under which the browser answers: its own of now, and ours.
    pub(super) fn know(&self, now: Instant, mux: &Mux, ours: &str, ufrag: &str, password: &str) {
        let (mut paths, name) = (self.paths(), format!("{ufrag}:{ours}"));
        // An answer may be under way: what is only said again asks nothing anew.
        if paths.browser.as_ref().is_none_or(|(known, _)| *known != name) {
            paths.asking.renew(now);
        }
        paths.browser = Some((name, Key::new(password, Arc::clone(&mux.crypto))));
    }

    /// A sealed connectivity check came from `from`. The browser is the controlling agent: it says which path to use. What is
    /// to be asked there first, if anything.
    pub(super) fn checked(&self, now: Instant, from: SocketAddr, nominates: bool) -> Option<Vec<u8>> {
        let question = {
            let mut paths = self.paths();
            let used = paths.used;
            match used {
                Some(used) if used != from && !paths.is_proved(now, from) => {
                    if nominates {
                        paths.wanted = Some(from);
                    }
                    paths.ask(now, from, self.crypto.as_ref())
                }
                _ => {
                    if nominates || used.is_none() {
                        (paths.used, paths.wanted) = (Some(from), None);
                    }
                    None
                }
            }
        };
        if !self.play.over.load(Ordering::Relaxed) {
            self.nominate();
        }
        question
    }

    /// Somebody answered from `from`; `false` when that proves nothing.
    pub(super) fn answered(&self, now: Instant, from: SocketAddr, answer: &Message<'_>) -> bool {
        let mut paths = self.paths();
        let is_sealed = paths.browser.as_ref().is_some_and(|(_, key)| answer.is_sealed_with(key));
        if !is_sealed || !paths.asking.is_answered(from, answer.transaction) {
            return false;
        }
        paths.proved.retain(|(known, _)| *known != from);
        if paths.proved.len() == ASKED {
            paths.proved.pop_front();
        }
        paths.proved.push_back((from, now));
        if paths.wanted == Some(from) {
            (paths.used, paths.wanted) = (Some(from), None);
        }
        true
    }

    /// From now on no media leaves through this port, whatever the engine still has queued; its farewell may.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Sends what the engine wrote: media to the browser, ICE to the far end of the play.
    fn send(&self, mux: &Mux, bytes: &[u8]) {
        if stun::is_stun(bytes) {
            self.act(bytes);
        } else if !(self.closed.load(Ordering::Acquire) && is_media(bytes))
            && let Some(to) = self.paths().used
        {
            mux.send(bytes, to);
        }
    }

    /// The far end's part: answer the engine's check and nominate again, until the engine answers a nomination.
    fn act(&self, bytes: &[u8]) {
        let Some(message) = Message::parse(bytes) else { return };
        match message.class {
            Class::Request => {
                let address = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 9);
                if let Some(answer) = stun::success(message.transaction, address, &self.play.far_key) {
                    self.receive(answer.into());
                }
                self.nominate();
            }
            Class::Success => self.play.over.store(true, Ordering::Relaxed),
            Class::Other => {}
        }
    }

    fn nominate(&self) {
        let mut transaction = [0; 12];
        transaction[..8].copy_from_slice(&self.play.requests.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        if let Some(request) = stun::nomination(transaction, &self.play.username, &self.play.engine_key) {
            self.receive(request.into());
        }
    }

    fn paths(&self) -> MutexGuard<'_, Paths> {
        self.paths.lock().unwrap_or_else(PoisonError::into_inner)
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
        let used = self.port.paths().used;
        if let Some(to) = used {
            self.mux.send_run(bytes, segment, to);
        }
    }
}

/// RTP or RTCP, by the first byte (RFC 7983).
fn is_media(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| (128..192).contains(first))
}

/// The socket that the engine holds.
struct PortSocket {
    mux: Arc<Mux>,
    port: Arc<Port>,
    local: SocketAddr,
    inbound: Mutex<mpsc::Receiver<Bytes>>,
}

impl fmt::Debug for PortSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PortSocket").finish_non_exhaustive()
    }
}

impl AsyncUdpSocket for PortSocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }

    fn poll_send(&self, _: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        self.port.send(&self.mux, transmit.contents);
        Poll::Ready(Ok(transmit.contents.len()))
    }

    fn poll_recv(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let mut inbound = self.inbound.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some(buffer), Some(meta)) = (buffers.first_mut(), metas.first_mut()) else { return Poll::Ready(Ok(0)) };
        loop {
            match inbound.poll_recv(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
                // Larger than the engine's buffer: nobody who speaks WebRTC sends it.
                Poll::Ready(Some(bytes)) if bytes.is_empty() || bytes.len() > buffer.len() => {}
                Poll::Ready(Some(bytes)) => {
                    buffer[..bytes.len()].copy_from_slice(&bytes);
                    *meta = RecvMeta::default();
                    meta.addr = FAR_END;
                    meta.len = bytes.len();
                    meta.stride = bytes.len();
                    return Poll::Ready(Ok(1));
                }
            }
        }
    }
}

/// The runtime of one connection: tokio's, except that its socket is a share of the port and its tasks are tracked.
pub(super) struct PortRuntime {
    mux: Arc<Mux>,
    port: Arc<Port>,
    inbound: Mutex<Option<mpsc::Receiver<Bytes>>>,
    tracker: TaskTracker,
}

impl PortRuntime {
    pub(super) fn new(mux: Arc<Mux>, port: Arc<Port>, inbound: mpsc::Receiver<Bytes>, tracker: TaskTracker) -> Self {
        Self { mux, port, inbound: Mutex::new(Some(inbound)), tracker }
    }
}

impl fmt::Debug for PortRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PortRuntime").finish_non_exhaustive()
    }
}

/// A tracked task, as the engine wants to hold it.
struct Task(tokio::task::JoinHandle<()>);

impl JoinHandle for Task {
    fn detach(&self) {}

    fn abort(&self) {
        self.0.abort();
    }

    fn is_finished(&self) -> bool {
        self.0.is_finished()
    }
}

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl Runtime for PortRuntime {
    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) -> Box<dyn JoinHandle> {
        Box::new(Task(self.tracker.spawn(future)))
    }

    /// Drops the socket that the engine bound for itself, keeps its address as a name, and gives the share instead.
    fn wrap_udp_socket(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let local = socket.local_addr()?;
        drop(socket);
        let inbound = self.inbound.lock().unwrap_or_else(PoisonError::into_inner).take();
        let inbound = inbound.ok_or_else(|| io::Error::other("a connection has one socket"))?;
        Ok(Arc::new(PortSocket {
            mux: Arc::clone(&self.mux),
            port: Arc::clone(&self.port),
            local,
            inbound: Mutex::new(inbound),
        }))
    }

    fn wrap_tcp_listener(&self, listener: std::net::TcpListener) -> io::Result<Arc<dyn AsyncTcpListener>> {
        TokioRuntime.wrap_tcp_listener(listener)
    }

    fn connect_tcp(&self, to: SocketAddr) -> BoxFuture<'_, io::Result<Arc<dyn AsyncTcpStream>>> {
        TokioRuntime.connect_tcp(to)
    }

    fn resolve_host<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        TokioRuntime.resolve_host(host)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        TokioRuntime.sleep(duration)
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        TokioRuntime.interval(period)
    }

    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        TokioRuntime.block_on(future);
    }

    fn name(&self) -> &'static str {
        "yunzhen-relay"
    }
}
