//! Accepting connections: how many there may be, how many from one address, how long a request's head may take, and by
//! the first byte what is spoken: TLS, TURN or HTTP, and inside TLS TURN or HTTP.
//!
//! A connection costs memory and a file handle, and whoever opens one need not say anything. A sentence that never ends
//! is cut, so is a reader that takes nothing of its answer, one address cannot take every place, and when all places are
//! taken the next waits in the kernel's queue.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode, Uri};
use axum::response::{IntoResponse as _, Redirect, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, BufReader};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::config::{Network, group};
use crate::domain::first_byte::FirstByte;
use crate::http::seated::{Crowd, Seated};

/// How long to wait when the machine has no file handle left.
const BREATH: Duration = Duration::from_secs(1);
/// The first byte of a TLS connection: a record that holds a handshake (RFC 8446, section 5.1).
const TLS_HANDSHAKE: u8 = 22;

/// What a listener bears.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Connections at once, sockets among them.
    pub connections: usize,
    /// Of these, from one address, or one network of IPv6. Trusted proxies and this machine are not counted: they speak
    /// for everybody.
    pub of_one_address: usize,
    /// Time for a request's head, and for the silence between two requests.
    pub head_within: Duration,
    /// Time for the greeting of TLS.
    pub greeting_within: Duration,
    /// The longest that a reader may take nothing of what is written to it. Sockets and TURN have shorter ones of their own.
    pub read_within: Duration,
}

impl Default for Bounds {
    /// Half of the file handles of `deploy/yunzhen.service`; a hospital's hundred browsers behind one address, with a
    /// socket and six connections each; longer than a proxy keeps an idle connection (nginx: 60 s), so that it is never
    /// us who close it in the moment of its use; a telephone at the edge of its network greets within some seconds, and is in
    /// a lift for less than a minute.
    fn default() -> Self {
        Self {
            connections: 32_768,
            of_one_address: crate::services::crowd::OF_ONE_ADDRESS,
            head_within: Duration::from_secs(75),
            greeting_within: Duration::from_secs(20),
            read_within: Duration::from_mins(1),
        }
    }
}

/// A connection's two directions, plain or out of TLS.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// Takes a stream that speaks TURN.
pub type Taker = Arc<dyn Fn(Box<dyn Duplex>, SocketAddr) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// What shares the port.
#[derive(Clone)]
pub struct Sites {
    /// For those who speak HTTP.
    pub http: Router,
    /// For those who speak TURN; `None`: nobody does here.
    pub turn: Option<Taker>,
    /// For those who speak TLS; `None`: somebody in front of us does.
    pub tls: Option<Tls>,
}

/// The port's TLS.
#[derive(Clone)]
pub struct Tls {
    /// Greets.
    pub acceptor: TlsAcceptor,
    /// Where those belong who speak HTTP without TLS, such as `https://clinic.example`; this machine and trusted proxies
    /// may.
    pub public_url: Option<String>,
}

/// Serves `sites` until `shutdown`; then running requests are finished and sockets are left to say goodbye. Connections
/// are tasks of `tracker`.
pub async fn serve(
    listener: TcpListener,
    sites: Sites,
    bounds: Bounds,
    trusted: Vec<Network>,
    tracker: TaskTracker,
    shutdown: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(bounds.connections));
    let crowd = Crowd::new(bounds.of_one_address);
    loop {
        let accept = async {
            let place = Arc::clone(&places).acquire_owned().await.expect("nobody closes it");
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = shutdown.cancelled() => return,
            accepted = accept => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            // One that was gone before it was taken is nobody's fault; without file handles the next try fails as well.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
            Err(error) => {
                tracing::error!(cause = %error, "a connection could not be accepted");
                tokio::time::timeout(BREATH, shutdown.cancelled()).await.ok();
                continue;
            }
        };
        let address = peer.ip().to_canonical();
        // Whoever comes from the address at which they arrive is this machine, which asks how the server does.
        let is_own = stream.local_addr().is_ok_and(|own| own.ip().to_canonical() == address);
        let is_far = !is_own && !address.is_loopback();
        let is_counted = is_far && !trusted.iter().any(|network| network.contains(address));
        let manners =
            Manners { is_near: !is_counted, head_within: bounds.head_within, greeting_within: bounds.greeting_within };
        let counted = if is_counted { Crowd::enter(&crowd, group(address)).map(Some) } else { Some(None) };
        let Some(counted) = counted else { continue };
        let stream = Seated::new(stream, bounds.read_within, place, counted);
        tracker.spawn(lead(stream, peer, sites.clone(), manners, shutdown.clone()));
    }
}

/// How a connection is met.
#[derive(Clone, Copy)]
struct Manners {
    /// It comes from this machine or from a trusted proxy.
    is_near: bool,
    head_within: Duration,
    greeting_within: Duration,
}

/// Who speaks TURN begins with a STUN request, whose first byte no word of HTTP begins with, and neither does TLS.
async fn lead(stream: Seated, peer: SocketAddr, sites: Sites, manners: Manners, shutdown: CancellationToken) {
    let mut first = [0];
    let peeked = within(manners.head_within, &shutdown, stream.stream().peek(&mut first)).await;
    // It went, or said nothing.
    let Some(Ok(1)) = peeked else { return };
    stream.stream().set_nodelay(true).ok();
    match (first[0], sites.tls.clone()) {
        (TLS_HANDSHAKE, Some(tls)) => {
            let Some(Ok(opened)) = within(manners.greeting_within, &shutdown, tls.acceptor.accept(stream)).await else {
                return;
            };
            // One byte is looked at; what is read after it passes by this buffer.
            let mut opened = BufReader::with_capacity(1, opened);
            let first = match within(manners.head_within, &shutdown, opened.fill_buf()).await {
                Some(Ok([first, ..])) => *first,
                _ => return,
            };
            take(Box::new(opened), first, peer, sites, manners, shutdown).await;
        }
        (first, Some(tls)) if FirstByte::of(first) != FirstByte::Stun && !manners.is_near => {
            let elsewhere = Router::new().fallback(async move |uri: Uri| show_the_way(tls.public_url.as_deref(), &uri));
            serve_http(Box::new(stream), peer, elsewhere, manners.head_within, shutdown).await;
        }
        (first, _) => take(Box::new(stream), first, peer, sites, manners, shutdown).await,
    }
}

async fn take(
    stream: Box<dyn Duplex>,
    first: u8,
    peer: SocketAddr,
    sites: Sites,
    manners: Manners,
    shutdown: CancellationToken,
) {
    match sites.turn {
        Some(turn) if FirstByte::of(first) == FirstByte::Stun => turn(stream, peer).await,
        _ => serve_http(stream, peer, sites.http, manners.head_within, shutdown).await,
    }
}

/// The answer to plain HTTP where TLS is spoken.
fn show_the_way(public_url: Option<&str>, uri: &Uri) -> Response {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    match public_url {
        Some(url) => Redirect::permanent(&format!("{}{path}", url.trim_end_matches('/'))).into_response(),
        None => (StatusCode::BAD_REQUEST, "This port speaks HTTPS.\n").into_response(),
    }
}

/// What `future` gives, if it does so in time and before the end.
async fn within<T>(time: Duration, shutdown: &CancellationToken, future: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        () = shutdown.cancelled() => None,
        given = tokio::time::timeout(time, future) => given.ok(),
    }
}

async fn serve_http(
    stream: Box<dyn Duplex>,
    peer: SocketAddr,
    site: Router,
    head_within: Duration,
    shutdown: CancellationToken,
) {
    let is_socket = Arc::<AtomicBool>::default();
    let stream = super::paced::Paced::new(stream, Arc::clone(&is_socket));
    let site = site
        .map_request(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            request
        })
        .map_response(move |response: Response| {
            is_socket.fetch_or(response.status() == StatusCode::SWITCHING_PROTOCOLS, Ordering::Relaxed);
            response
        });
    // HTTP/1 alone: of HTTP/2 without TLS no browser knows, and the builder that tells the two apart waits for the first
    // bytes without a limit.
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_within)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(site))
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    // How a connection ends is the browser's affair.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = shutdown.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    connection.await.ok();
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::*;

    /// A served site and its address.
    async fn served(bounds: Bounds, tracker: &TaskTracker, shutdown: &CancellationToken) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let site = Router::new()
            .route("/", get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.ip().to_string() }));
        let site = Sites { http: site, turn: None, tls: None };
        tracker.spawn(serve(listener, site, bounds, Vec::new(), tracker.clone(), shutdown.clone()));
        address
    }

    async fn ask(stream: &mut TcpStream) -> String {
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut answer = [0; 512];
        let length = stream.read(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer[..length]).into_owned()
    }

    #[tokio::test]
    async fn half_a_head_and_silence_are_cut_and_a_whole_head_is_answered() {
        let (tracker, shutdown) = (TaskTracker::new(), CancellationToken::new());
        let bounds = Bounds { head_within: Duration::from_millis(50), ..Bounds::default() };
        let address = served(bounds, &tracker, &shutdown).await;
        let mut whole = TcpStream::connect(address).await.unwrap();
        assert!(ask(&mut whole).await.ends_with("127.0.0.1"));
        for said in ["", "GET / HTTP/1.1\r\nhost: x\r\nx-slow: "] {
            let mut half = TcpStream::connect(address).await.unwrap();
            half.write_all(said.as_bytes()).await.unwrap();
            let mut rest = Vec::new();
            half.read_to_end(&mut rest).await.ok();
            assert!(!String::from_utf8_lossy(&rest).contains("200 OK"), "it was cut: {said}");
        }
    }

    #[tokio::test]
    async fn who_begins_to_greet_in_tls_and_never_ends_is_cut() {
        let (tracker, shutdown) = (TaskTracker::new(), CancellationToken::new());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let config =
            rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_cert_resolver(Arc::new(rustls::server::ResolvesServerCertUsingSni::new()));
        let tls = Tls { acceptor: Arc::new(config).into(), public_url: None };
        let bounds = Bounds { greeting_within: Duration::from_millis(50), ..Bounds::default() };
        let sites = Sites { http: Router::new(), turn: None, tls: Some(tls) };
        tracker.spawn(serve(listener, sites, bounds, Vec::new(), tracker.clone(), shutdown.clone()));
        for said in [&[TLS_HANDSHAKE][..], &[TLS_HANDSHAKE, 3, 1, 2, 0, 1]] {
            let mut half = TcpStream::connect(address).await.unwrap();
            half.write_all(said).await.unwrap();
            assert!(matches!(half.read(&mut [0]).await, Ok(0) | Err(_)), "{said:?}");
        }
    }

    #[tokio::test]
    async fn a_reader_that_takes_nothing_is_cut_and_one_that_takes_slowly_gets_everything() {
        const WHOLE: usize = 32 * 1024 * 1024;
        let (tracker, shutdown) = (TaskTracker::new(), CancellationToken::new());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let http = Router::new().route("/", get(|| async { vec![7_u8; WHOLE] }));
        let bounds = Bounds { read_within: Duration::from_secs(1), connections: 1, ..Bounds::default() };
        let sites = Sites { http, turn: None, tls: None };
        tracker.spawn(serve(listener, sites, bounds, Vec::new(), tracker.clone(), shutdown.clone()));
        let ask = async || {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
            stream
        };
        let mut stalled = ask().await;
        stalled.read_exact(&mut [0; 1]).await.unwrap();
        // There is one place: the second is answered when the first was cut.
        let mut second = ask().await;
        second.read_exact(&mut [0; 1]).await.unwrap();
        let mut rest = Vec::new();
        stalled.read_to_end(&mut rest).await.ok();
        assert!(rest.len() < WHOLE, "{} bytes", rest.len());
        let mut rest = Vec::new();
        second.read_to_end(&mut rest).await.unwrap();
        assert!(rest.len() > WHOLE, "{} bytes", rest.len());
    }

    #[tokio::test]
    async fn when_all_places_are_taken_the_next_waits_until_one_is_free() {
        let (tracker, shutdown) = (TaskTracker::new(), CancellationToken::new());
        let address = served(Bounds { connections: 1, ..Bounds::default() }, &tracker, &shutdown).await;
        let mut first = TcpStream::connect(address).await.unwrap();
        ask(&mut first).await;
        let mut second = TcpStream::connect(address).await.unwrap();
        second.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut byte = [0];
        assert!(futures_util::FutureExt::now_or_never(second.read(&mut byte)).is_none());
        drop(first);
        assert_eq!(second.read(&mut byte).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn at_the_end_idle_connections_are_closed_and_nobody_new_is_taken() {
        let (tracker, shutdown) = (TaskTracker::new(), CancellationToken::new());
        let address = served(Bounds::default(), &tracker, &shutdown).await;
        let mut idle = TcpStream::connect(address).await.unwrap();
        ask(&mut idle).await;
        shutdown.cancel();
        assert_eq!(idle.read(&mut [0]).await.unwrap(), 0);
        tracker.close();
        tracker.wait().await;
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn plain_http_from_afar_is_shown_the_way_where_tls_is_spoken() {
        for (public_url, answered) in [
            (Some("https://clinic.example/"), "location: https://clinic.example/v/abc?x=1"),
            (None, "This port speaks HTTPS."),
        ] {
            let answer = show_the_way(public_url, &"/v/abc?x=1".parse().unwrap());
            let (head, body) = answer.into_parts();
            let body = axum::body::to_bytes(body, 100).await.unwrap();
            let location = head.headers.get("location").map(|value| format!("location: {}", value.to_str().unwrap()));
            assert_eq!(location.unwrap_or_else(|| String::from_utf8_lossy(&body).trim_end().to_owned()), answered);
        }
    }
}
