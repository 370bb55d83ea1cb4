//! TLS in the server: pages, sockets and TURN on one port, and another certificate while it runs.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use yunzhen::app::{self, Running};
use yunzhen::clock::Clock;
use yunzhen::config::Config;

/// A server with a certificate for `localhost`.
struct Stage {
    server: Running,
    folder: TempDir,
    certificate: CertificateDer<'static>,
}

/// Writes a certificate and its key, as a renewal does.
pub fn write_certificate(folder: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a key can be made");
    std::fs::write(folder.join("cert.pem"), made.cert.pem()).expect("the folder can be written");
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).expect("the folder can be written");
    made.cert.der().clone()
}

impl Stage {
    async fn open() -> Self {
        let folder = TempDir::new().expect("a folder");
        let certificate = write_certificate(folder.path());
        let config = Config {
            tls_cert: Some(folder.path().join("cert.pem")),
            tls_key: Some(folder.path().join("key.pem")),
            ..crate::clinic::stage::config(&folder)
        };
        let server = app::start(config, Clock::System).await.expect("it starts");
        Self { server, folder, certificate }
    }

    async fn tls(&self, trusted: &CertificateDer<'static>, offers: &[&[u8]]) -> std::io::Result<TlsStream<TcpStream>> {
        greet(TcpStream::connect(self.server.http_addr).await?, trusted, offers).await
    }
}

/// Begins TLS with whoever is `localhost` by this certificate.
pub async fn greet(
    stream: TcpStream,
    trusted: &CertificateDer<'static>,
    offers: &[&[u8]],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).expect("a certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = offers.iter().map(|offer| offer.to_vec()).collect();
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// What the server says to `said`, as far as it comes at once.
async fn say(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), said: &[u8]) -> Vec<u8> {
    stream.write_all(said).await.expect("it is open");
    let mut heard = vec![0; 4096];
    let length = stream.read(&mut heard).await.expect("it answers");
    heard.truncate(length);
    heard
}

const ALIVE: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
/// A STUN binding request.
const BINDING: [u8; 20] = [0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7];

#[tokio::test]
async fn one_port_speaks_https_websocket_and_turn_with_and_without_tls() {
    let stage = Stage::open().await;
    let mut pages = stage.tls(&stage.certificate, &[b"h2", b"http/1.1"]).await.unwrap();
    assert_eq!(pages.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let answer = String::from_utf8(say(&mut pages, ALIVE).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("strict-transport-security: max-age=31536000"), "{answer}");

    let upgrade = b"GET /api/v1/ws HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
        sec-websocket-version: 13\r\nsec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==\r\norigin: https://localhost\r\n\r\n";
    let mut socket = stage.tls(&stage.certificate, &[]).await.unwrap();
    assert!(say(&mut socket, upgrade).await.starts_with(b"HTTP/1.1 101"));

    for offers in [&[][..], &[b"stun.turn".as_slice()]] {
        let mut turn = stage.tls(&stage.certificate, offers).await.unwrap();
        assert_eq!(say(&mut turn, &BINDING).await[..2], [1, 1], "a STUN success");
    }
    let mut plain_turn = TcpStream::connect(stage.server.http_addr).await.unwrap();
    assert_eq!(say(&mut plain_turn, &BINDING).await[..2], [1, 1]);
    let mut near = TcpStream::connect(stage.server.http_addr).await.unwrap();
    assert!(say(&mut near, ALIVE).await.starts_with(b"HTTP/1.1 200"), "this machine's health check");
    stage.server.stop().await;
}

#[tokio::test]
async fn who_greets_with_nonsense_or_says_nothing_holds_up_nobody() {
    let stage = Stage::open().await;
    let mut nonsense = TcpStream::connect(stage.server.http_addr).await.unwrap();
    nonsense.write_all(&[22, 3, 1, 0, 5, 9, 9, 9, 9, 9]).await.unwrap();
    let _silent = TcpStream::connect(stage.server.http_addr).await.unwrap();
    let mut half = TcpStream::connect(stage.server.http_addr).await.unwrap();
    half.write_all(&[22, 3, 1]).await.unwrap();
    let mut rest = Vec::new();
    nonsense.read_to_end(&mut rest).await.ok();
    assert!(rest.len() < 64, "an alert at most");
    let mut pages = stage.tls(&stage.certificate, &[]).await.unwrap();
    assert!(say(&mut pages, ALIVE).await.starts_with(b"HTTP/1.1 200"));
    stage.server.stop().await;
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_to_the_next_who_comes() {
    let stage = Stage::open().await;
    let mut early = stage.tls(&stage.certificate, &[]).await.unwrap();
    let renewed = write_certificate(stage.folder.path());
    assert_eq!(stage.server.renew_certificate(), Ok(true));
    assert!(stage.tls(&stage.certificate, &[]).await.is_err(), "the old one is not shown any more");
    let mut pages = stage.tls(&renewed, &[]).await.unwrap();
    assert!(say(&mut pages, ALIVE).await.starts_with(b"HTTP/1.1 200"));
    assert!(say(&mut early, ALIVE).await.starts_with(b"HTTP/1.1 200"), "who is there stays");
    stage.server.stop().await;
}

#[tokio::test]
async fn a_server_whose_key_is_another_certificates_does_not_start() {
    let folder = TempDir::new().unwrap();
    let other = TempDir::new().unwrap();
    write_certificate(folder.path());
    write_certificate(other.path());
    let config = Config {
        tls_cert: Some(folder.path().join("cert.pem")),
        tls_key: Some(other.path().join("key.pem")),
        ..crate::clinic::stage::config(&folder)
    };
    let refused = app::start(config, Clock::System).await.err().unwrap().to_string();
    assert!(refused.contains("YUNZHEN_TLS_KEY") && refused.contains("do not fit"), "{refused}");
}
