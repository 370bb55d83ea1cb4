//! The composition root: builds everything, joins the channels, and owns the end.

pub mod charter;
pub mod clinics;
pub mod demo;
pub mod proof;
mod vital;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::routing::any;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::vital::Vital;
use crate::bus::Bus;
use crate::clock::{Clock, Ids};
use crate::config::Config;
use crate::http::router;
use crate::http::serve::{Bounds, Sites, Taker, Tls, serve};
use crate::http::tls::{Certificate, CertificateError};
use crate::load::Crowd;
use crate::media::{Entropy, Relay, RelayConfig, RelayHandle, Turn, TurnConfig};
use crate::services::hospital::seed::DEMO_LINK;
use crate::services::live::Live;
use crate::services::private;
use crate::services::recordings::{Limits, Spool, SpoolRecorder, open_archive};
use crate::services::sms::Sms;
use crate::services::{Parts, Services, turn_secret};
use crate::store::Db;
use crate::{jobs, telemetry, ws};

/// How long running requests and sockets get to end.
const GRACE: Duration = Duration::from_secs(5);

/// What can keep the server from starting; a sentence for the operator.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StartError(String);

/// Why a server ended that nobody had asked to.
#[derive(Debug, thiserror::Error)]
#[error("{0} ended without being asked to; whoever started this process starts it anew")]
pub struct Lost(&'static str);

fn failed(what: &str) -> impl FnOnce(&dyn std::fmt::Display) -> StartError {
    move |cause| StartError(format!("{what}: {cause}"))
}

/// A server that was put together and listens.
pub struct Running {
    /// The use cases, for those who start the server from within a test.
    pub services: Arc<Services>,
    /// Where HTTP listens.
    pub http_addr: SocketAddr,
    /// The one UDP port.
    pub media_addr: SocketAddr,
    /// The relay, for those who start the server from within a test.
    pub relay: RelayHandle,
    certificate: Option<Arc<Certificate>>,
    vital: Vital,
    tracker: TaskTracker,
    shutdown: CancellationToken,
}

impl Running {
    /// Looks at the certificate's files now and not within half a minute; whether another one is shown since.
    pub fn renew_certificate(&self) -> Result<bool, CertificateError> {
        self.certificate.as_ref().map_or(Ok(false), |certificate| certificate.look())
    }

    /// Lets synthetic patients come to a demonstration; to a real server nobody comes.
    pub fn invite(&self, patients: u32, seed: u64) {
        if !self.services.config.demo {
            return;
        }
        let crowd = Crowd {
            http_addr: reached(self.http_addr),
            link: DEMO_LINK.to_owned(),
            patients,
            seed,
            media_from: reached(self.media_addr).ip(),
            clock: self.services.clock.clone(),
        };
        crowd.start(&self.tracker, &self.shutdown);
    }

    /// Waits until `signal`, then ends in order: sockets say goodbye, tasks finish, the database closes. A server whose relay
    /// has ended can carry no call, and one without its sweeps would say yes and do nothing: such a one ends in the same order, and
    /// its browsers come back to the next.
    pub async fn until(self, signal: impl Future<Output = ()>) -> Result<(), Lost> {
        let lost = tokio::select! {
            biased;
            () = signal => None,
            () = self.relay.ended() => Some("the media relay"),
            what = self.vital.ended() => Some(what),
        };
        if let Some(what) = lost {
            tracing::error!(
                task = what,
                "a task has ended without which there is no service: the server ends, to be started anew"
            );
        }
        self.stop().await;
        lost.map_or(Ok(()), |what| Err(Lost(what)))
    }

    /// Ends in order.
    pub async fn stop(self) {
        self.shutdown.cancel();
        self.tracker.close();
        if tokio::time::timeout(GRACE, self.tracker.wait()).await.is_err() {
            tracing::warn!("some tasks did not end in time");
        }
        self.services.close().await;
        tracing::info!("stopped");
    }
}

/// Puts the server together and starts it.
pub async fn start(config: Config, clock: Clock) -> Result<Running, StartError> {
    start_with(config, clock, async |_, _| Ok(())).await
}

/// The same; `prepare` is done before the first request is answered, and knows where HTTP will listen.
async fn start_with(
    mut config: Config,
    clock: Clock,
    prepare: impl AsyncFnOnce(&Services, SocketAddr) -> Result<(), StartError>,
) -> Result<Running, StartError> {
    make_folder(&config.data_dir)?;
    close_folders(&config.data_dir);
    let metrics = telemetry::metrics();
    let ids = Ids::system(clock.clone());
    let secret = secret(&config, &ids)?;
    let db = open(&config).await?;
    db.migrate().await.map_err(|e| failed("the database cannot be brought up to date")(&e))?;

    let (tracker, shutdown) = (TaskTracker::new(), CancellationToken::new());
    // Another server's secret is not ours to serve with.
    let turn = config.turn_secret.is_none().then(|| TurnConfig {
        secret: turn_secret(&config, &secret),
        clock: clock.clone(),
        udp: config.turn_udp_addr,
    });
    let certificate = certificate(&config)?;
    let mib = |mib: u64| mib.saturating_mul(1 << 20);
    let limits = Limits { floor: config.recordings_floor_mib.map(mib), largest: mib(config.recordings_largest_mib) };
    let (spool, recorded) = Spool::new(config.data_dir.join("spool"), limits, &secret, clock.clone(), ids.clone());
    let folder = config.data_dir.join("recordings");
    let archive = open_archive(config.recordings_url.as_deref(), &config.recordings_options(), &folder);
    let archive =
        archive.map_err(|e| failed("the store of recordings cannot be opened (YUNZHEN_RECORDINGS_URL)")(&e))?;
    let relay = RelayConfig {
        recorder: Some(Arc::new(SpoolRecorder(spool))),
        announce: config.media_announce.unwrap_or(config.media_addr),
        announce_also: config.media_announce_also.clone(),
        turn,
        ..RelayConfig::on(config.media_addr)
    };
    let entropy = entropy(&ids);
    let unopened = format!("the media port {} cannot be opened (YUNZHEN_MEDIA_ADDR)", config.media_addr);
    let (relay, relay_events) = Relay::start(relay, entropy, &tracker, &shutdown).map_err(|e| failed(&unopened)(&e))?;
    let media_addr = relay.local_addr().map_err(|e| failed("the media port has no address")(&e))?;

    let listener = TcpListener::bind(config.http_addr).await;
    let unheard = format!("cannot listen on {} (YUNZHEN_HTTP_ADDR)", config.http_addr);
    let listener = listener.map_err(|e| failed(&unheard)(&e))?;
    let http_addr = listener.local_addr().map_err(|e| failed("the listener has no address")(&e))?;
    if config.turn_urls.is_empty() {
        config.turn_urls = config.own_turn_urls(http_addr, relay.turn_udp_addr());
    }

    let live = Live::new(relay.commands.clone(), tracker.clone(), clock.clone());
    let vital = Vital::on(tracker.clone());
    vital.spawn("listening to the relay", Arc::clone(&live).listen(relay_events));
    let sms = Sms::of(&config);
    let parts = Parts { bus: Bus::local(), live, archive, sms, tasks: tracker.clone(), shutdown: shutdown.clone() };
    let services = Arc::new(Services::new(db, clock, ids, config, &secret, parts));
    services.forgive().await.map_err(|e| failed("leases could not be extended")(&e))?;
    services.mend_cards().await.map_err(|e| failed("patients could not be found by their documents")(&e))?;
    let keeper = Arc::clone(&services);
    vital.spawn("keeping recordings", async move { keeper.keep_recordings(recorded).await });
    vital.spawn("what happens later", jobs::run(Arc::clone(&services), shutdown.clone()));

    prepare(&services, http_addr).await?;
    services.tell_of_credentials().await.map_err(|e| failed("the doctors' papers could not be looked at")(&e))?;
    let site = router::site(Arc::clone(&services), any(ws::upgrade), metrics);
    let trusted = services.config.trusted_proxies.clone();
    if let Some(certificate) = &certificate {
        tracker.spawn(Arc::clone(certificate).keep_fresh(shutdown.clone()));
    }
    let site = Sites {
        http: site,
        turn: relay.turn().map(|turn| turn_taker(turn, shutdown.clone())),
        tls: certificate.as_ref().map(|certificate| Tls {
            acceptor: Arc::new(certificate.server_config()).into(),
            public_url: services.config.public_url.clone(),
        }),
    };
    let serving = serve(listener, site, Bounds::default(), trusted, tracker.clone(), shutdown.clone());
    vital.spawn("accepting connections", serving);
    tracing::info!(%http_addr, %media_addr, "ready");
    Ok(Running { services, http_addr, media_addr, relay, certificate, vital, tracker, shutdown })
}

/// The certificate, where the server speaks TLS itself.
fn certificate(config: &Config) -> Result<Option<Arc<Certificate>>, StartError> {
    let (Some(chain), Some(key)) = (&config.tls_cert, &config.tls_key) else { return Ok(None) };
    let opened = Certificate::open(chain, key);
    opened.map(Some).map_err(|e| failed("TLS cannot be spoken (YUNZHEN_TLS_CERT, YUNZHEN_TLS_KEY)")(&e))
}

/// Hands streams that speak TURN to the relay: `http` and `media` do not know each other.
fn turn_taker(turn: Arc<Turn>, shutdown: CancellationToken) -> Taker {
    Arc::new(move |stream, peer| Box::pin(Arc::clone(&turn).serve_stream(stream, peer, shutdown.clone())))
}

/// The data folder, for this account alone: the database holds what patients said.
fn make_folder(folder: &Path) -> Result<(), StartError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let unmade = format!("the data folder {} cannot be made (YUNZHEN_DATA_DIR)", folder.display());
    builder.create(folder).map_err(|e| failed(&unmade)(&e))
}

/// Closes to others what an earlier version of this program left open: pictures and their pieces, films, messages.
fn close_folders(data_dir: &Path) {
    for name in ["attachments", "uploads", "recordings", "spool"] {
        let folder = data_dir.join(name);
        if let Err(error) = private::close(&folder)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(folder = name, cause = %error.kind(), "others on this machine may read it");
        }
    }
}

/// Randomness for the relay, which may not know the clock layer's ids.
fn entropy(ids: &Ids) -> Entropy {
    let ids = ids.clone();
    Arc::new(move |buffer: &mut [u8]| {
        for chunk in buffer.chunks_mut(32) {
            chunk.copy_from_slice(&ids.secret::<32>()[..chunk.len()]);
        }
    })
}

/// The operator's secret, or the one in the data folder, made at the first start.
fn secret(config: &Config, ids: &Ids) -> Result<Vec<u8>, StartError> {
    // Only a file that is not there may be made: another key would close every sealed name and answer for ever.
    if let Some(secret) = config.operator_secret().map_err(|e| StartError(e.to_string()))? {
        return Ok(secret);
    }
    let bytes = ids.secret::<32>().to_vec();
    write_private(&config.secret_file(), &bytes).map_err(|e| failed("the key file cannot be written")(&e))?;
    Ok(bytes)
}

fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Ends at the first interrupt or termination signal.
pub async fn stop_signal() {
    let interrupt = async { tokio::signal::ctrl_c().await.ok() };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut term = signal(SignalKind::terminate()).ok();
        let terminate = async {
            match term.as_mut() {
                Some(term) => term.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = interrupt => {}
            _ = terminate => {}
        }
    }
    #[cfg(not(unix))]
    interrupt.await;
}

/// The database, for one command.
async fn open(config: &Config) -> Result<Db, StartError> {
    Db::open(&config.database()).await.map_err(|e| failed("the database cannot be opened")(&e))
}

/// Brings the tables up to date.
pub async fn migrate(config: &Config) -> Result<(), StartError> {
    make_folder(&config.data_dir)?;
    let db = Db::open(&config.database()).await.map_err(|e| failed("the database cannot be opened")(&e))?;
    db.migrate().await.map_err(|e| failed("the database cannot be brought up to date")(&e))?;
    db.close().await;
    Ok(())
}

/// The API document as JSON, ending in a newline.
pub fn openapi() -> String {
    format!("{:#}\n", json!(router::openapi()))
}

/// Where this machine reaches a server that listens there: one on every address is at the machine's own.
fn reached(listens: SocketAddr) -> SocketAddr {
    let address = match listens.ip() {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    };
    SocketAddr::new(address, listens.port())
}

/// Asks the server on this machine whether it is ready.
pub async fn healthcheck(config: &Config) -> Result<(), StartError> {
    let url = format!("http://{}/readyz", reached(config.http_addr));
    let answer = reqwest::Client::new().get(url).timeout(GRACE).send().await;
    let answer = answer.map_err(|e| failed("the server does not answer")(&e))?;
    if answer.status().is_success() { Ok(()) } else { Err(StartError(format!("not ready: {}", answer.status()))) }
}
