//! Ports, the public address, and the ways that sound and picture take.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::net::{TcpListener, TcpStream, UdpSocket, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::Finding;
use crate::clock::Ids;
use crate::config::Config;
use crate::domain::time::Timestamp;
use crate::domain::turn::TurnSecret;
use crate::http::tls::Certificate;
use crate::media::turn::probe::{Probe, ProbeError, Wire};

/// How long a connection may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Somebody who tries the doors.
pub struct Visitor<'a> {
    /// Where they are.
    pub config: &'a Config,
    /// When.
    pub now: Timestamp,
    /// Chance.
    pub ids: Ids,
    /// The right to knock; `None` before the first start.
    pub secret: Option<TurnSecret>,
    /// The certificate that must be shown.
    pub shown: Option<Arc<Certificate>>,
}

impl Visitor<'_> {
    /// Tries the doors of a server that runs, or says whether one could start.
    pub async fn look(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if self.runs().await {
            findings.push(Finding::good("server", format!("it runs and is ready at {}", self.config.http_addr)));
            findings.extend(self.public().await);
            findings.extend(self.announced());
            if let Some(secret) = &self.secret {
                findings.extend(self.ways(secret).await);
            } else {
                let words = "the server that runs uses another data folder than this one";
                findings.push(Finding::bad("secret", words));
            }
        } else {
            findings.extend(self.free().await);
            findings.extend(self.announced());
            let words =
                "start the server and ask again: the public address and the ways of a call are tried while it runs";
            findings.push(Finding::look("server", words));
        }
        findings
    }

    /// Whether our server answers on this machine.
    async fn runs(&self) -> bool {
        let url = format!("http://{}/readyz", here(self.config.http_addr));
        let answer = reqwest::Client::new().get(url).timeout(PATIENCE).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    /// Whether the ports could be taken.
    async fn free(&self) -> Vec<Finding> {
        let config = self.config;
        let tcp = TcpListener::bind(config.http_addr).await.map(drop);
        let mut ports = vec![("TCP", config.http_addr, "YUNZHEN_HTTP_ADDR", tcp)];
        let udp = [(Some(config.media_addr), "YUNZHEN_MEDIA_ADDR"), (config.turn_udp_addr, "YUNZHEN_TURN_UDP_ADDR")];
        for (address, variable) in udp {
            // The system finds a free port by itself where none was chosen.
            let Some(address) = address.filter(|address| address.port() != 0) else { continue };
            ports.push(("UDP", address, variable, UdpSocket::bind(address).await.map(drop)));
        }
        let found = ports.into_iter().map(|(kind, address, variable, bound)| match bound {
            Ok(()) => Finding::good("ports", format!("{kind} {address} is free")),
            Err(cause) if cause.kind() == std::io::ErrorKind::AddrInUse => {
                Finding::bad("ports", format!("{kind} {address} belongs to another program: end it, or set {variable}"))
            }
            Err(cause) if cause.kind() == std::io::ErrorKind::PermissionDenied => Finding::bad(
                "ports",
                format!(
                    "{kind} {address} is not for this account: give it CAP_NET_BIND_SERVICE (deploy/yunzhen.service)"
                ),
            ),
            Err(cause) => {
                Finding::bad("ports", format!("{kind} {address} cannot be taken: {cause}. Look at {variable}"))
            }
        });
        found.collect()
    }

    /// Whether the page opens under its name, as a browser opens it.
    async fn public(&self) -> Vec<Finding> {
        let about = "public address";
        let Some(host) = self.config.public_host() else { return Vec::new() };
        let addresses: Vec<IpAddr> = match lookup_host(&host).await {
            Ok(found) => found.map(|address| address.ip()).collect(),
            Err(_) => Vec::new(),
        };
        if addresses.is_empty() {
            return vec![Finding::bad(about, format!("{host} has no address: make a DNS entry for it"))];
        }
        let url = format!("{}/readyz", self.config.base_url(self.config.http_addr));
        match reqwest::Client::new().get(&url).timeout(PATIENCE).send().await {
            Ok(answer) if answer.status().is_success() => vec![Finding::good(about, format!("{url} opens"))],
            Ok(answer) => {
                let words =
                    format!("{url} answers {}: something else than this server is there", answer.status().as_u16());
                vec![Finding::bad(about, words)]
            }
            Err(error) => {
                let mut cause: &dyn std::error::Error = &error;
                while let Some(deeper) = cause.source() {
                    cause = deeper;
                }
                vec![Finding::bad(about, format!("{url} does not open: {cause}"))]
            }
        }
    }

    /// Whether browsers are told an address that they can come to.
    fn announced(&self) -> Vec<Finding> {
        let config = self.config;
        let (told, bound) = (config.media_announce.unwrap_or(config.media_addr), config.media_addr);
        if told.ip().is_unspecified() {
            let words = "browsers are told 0.0.0.0, which is nowhere: set YUNZHEN_MEDIA_ANNOUNCE to the public ip:port";
            return vec![Finding::bad("media address", words)];
        }
        if bound.ip().is_loopback() && !told.ip().is_loopback() {
            let words = format!(
                "browsers are told {told}, and the server listens on {bound}, which only this machine can reach: set \
                 YUNZHEN_MEDIA_ADDR to 0.0.0.0:{}",
                bound.port()
            );
            return vec![Finding::bad("media address", words)];
        }
        let is_near = match told.ip().to_canonical() {
            IpAddr::V4(ip) => ip.is_private() || ip.is_loopback() || ip.is_link_local(),
            IpAddr::V6(ip) => ip.is_unique_local() || ip.is_loopback() || ip.is_unicast_link_local(),
        };
        if is_near && !config.demo {
            let words =
                format!("browsers are told {told}, which only this network can reach: set YUNZHEN_MEDIA_ANNOUNCE");
            return vec![Finding::look("media address", words)];
        }
        if told.port() != bound.port() {
            let words = format!(
                "browsers are told {told}, and the server listens on UDP {}: the router must lead UDP {} to it",
                bound.port(),
                told.port()
            );
            return vec![Finding::look("media address", words)];
        }
        vec![Finding::good("media address", format!("browsers are told {told}"))]
    }

    /// Knocks at the media port: straight, and through each TURN address of ours.
    async fn ways(&self, secret: &TurnSecret) -> Vec<Finding> {
        let ids = self.ids.clone();
        let entropy = Arc::new(move |buffer: &mut [u8]| {
            for chunk in buffer.chunks_mut(32) {
                chunk.copy_from_slice(&ids.secret::<32>()[..chunk.len()]);
            }
        });
        let probe = match Probe::new(secret.clone(), self.now, entropy) {
            Ok(probe) => probe,
            Err(error) => return vec![Finding::bad("media port", error.to_string())],
        };
        if self.config.turn_secret.is_some() {
            let words = "another server's TURN is used (YUNZHEN_TURN_URLS); it is not asked from here";
            return vec![Finding::look("TURN", words)];
        }
        let told = self.config.media_announce.unwrap_or(self.config.media_addr);
        let mut findings = vec![match self.knock(&probe, told).await {
            Ok(()) => Finding::good("media port", format!("UDP {told} answers")),
            Err(error) => Finding::look(
                "media port",
                format!(
                    "UDP {told} does not answer from in here ({error}): open it, or let the router send it back inside"
                ),
            ),
        }];
        for url in self.config.own_turn_urls(self.config.http_addr, self.config.known_turn_addr()) {
            let way = async {
                let mut wire = self.wire(&url).await?;
                probe.knock_through(&mut wire, told).await
            };
            findings.push(match timeout(4 * PATIENCE, way).await.unwrap_or(Err(ProbeError::Silent)) {
                Ok(()) => Finding::good("TURN", format!("{url} leads to the media port")),
                Err(error) => Finding::bad("TURN", format!("{url} does not lead to the media port: {error}")),
            });
        }
        findings
    }

    async fn knock(&self, probe: &Probe, told: SocketAddr) -> Result<(), ProbeError> {
        probe.knock(&mut Wire::Datagrams(connected(told).await?)).await
    }

    /// Goes to a TURN server as its address says.
    async fn wire(&self, url: &str) -> Result<Wire, ProbeError> {
        let lost = |words: &str| ProbeError::Broken(std::io::Error::other(words.to_owned()));
        let (scheme, rest) = url.split_once(':').ok_or_else(|| lost("not an address"))?;
        let place = rest.split('?').next().unwrap_or_default();
        if rest.ends_with("transport=udp") {
            let address = lookup_host(place).await?.next().ok_or_else(|| lost("the name has no address"))?;
            return Ok(Wire::Datagrams(connected(address).await?));
        }
        let stream = timeout(PATIENCE, TcpStream::connect(place)).await.map_err(|_| ProbeError::Silent)??;
        let Some(certificate) = self.shown.as_ref().filter(|_| scheme == "turns") else {
            return Ok(Wire::Stream(Box::new(stream)));
        };
        let host = place.rsplit_once(':').map_or(place, |(host, _)| host).trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(host).map_err(|_| lost("not a name"))?;
        let connector = TlsConnector::from(Arc::new(only(certificate.shown()).map_err(|e| lost(&e.to_string()))?));
        let stream = timeout(PATIENCE, connector.connect(name, stream)).await.map_err(|_| ProbeError::Silent)??;
        Ok(Wire::Stream(Box::new(stream)))
    }
}

async fn connected(to: SocketAddr) -> std::io::Result<UdpSocket> {
    let socket = UdpSocket::bind(if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" }).await?;
    socket.connect(to).await?;
    Ok(socket)
}

/// Where a listener is reached from its own machine.
fn here(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::from([127, 0, 0, 1]),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// TLS that takes one certificate and no other: the one in the file. Whether browsers trust it, the page's opening says.
fn only(certificate: CertificateDer<'static>) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let known = provider.signature_verification_algorithms;
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Only { certificate, known }))
        .with_no_client_auth())
}

#[derive(Debug)]
struct Only {
    certificate: CertificateDer<'static>,
    known: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Only {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if *shown == self.certificate {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(rustls::Error::General("another certificate is shown than the one in the file".to_owned()))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.known.supported_schemes()
    }
}
