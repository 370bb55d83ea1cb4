//! TLS in the server: one certificate, and a new one without a restart.
//!
//! The files are looked at again and again and read whole; what counts is what is in them, so that a renewal may write,
//! rename or move a link. A file that cannot be used is said in the log and changes nothing: half of a renewal is no reason
//! to turn patients away.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_util::sync::CancellationToken;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Why the files cannot be used; a sentence for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CertificateError(String);

/// The certificate that is shown, and where the next one will lie.
pub struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    provider: Arc<CryptoProvider>,
    current: RwLock<Current>,
}

struct Current {
    /// What was read, so that the next look knows whether anything is new.
    read: Files,
    shown: Arc<CertifiedKey>,
}

#[derive(PartialEq, Eq)]
struct Files {
    chain: Vec<u8>,
    key: Vec<u8>,
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificate").field("chain", &self.chain).field("key", &self.key).finish_non_exhaustive()
    }
}

impl Certificate {
    /// Reads a chain (the server's certificate first) and its key, both PEM.
    pub fn open(chain: &Path, key: &Path) -> Result<Arc<Self>, CertificateError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let read = read(chain, key)?;
        let shown = Arc::new(certified(&read, &provider)?);
        let current = RwLock::new(Current { read, shown });
        Ok(Arc::new(Self { chain: chain.to_owned(), key: key.to_owned(), provider, current }))
    }

    /// Reads the files again; whether there is another certificate now. After an error the last good one is shown.
    pub fn look(&self) -> Result<bool, CertificateError> {
        let read = read(&self.chain, &self.key)?;
        if self.current.read().unwrap_or_else(PoisonError::into_inner).read == read {
            return Ok(false);
        }
        let shown = Arc::new(certified(&read, &self.provider)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Current { read, shown };
        Ok(true)
    }

    /// Looks at the files every half minute until `stop`.
    pub async fn keep_fresh(self: Arc<Self>, stop: CancellationToken) {
        while tokio::time::timeout(LOOK_EVERY, stop.cancelled()).await.is_err() {
            let this = Arc::clone(&self);
            match tokio::task::spawn_blocking(move || this.look()).await {
                Ok(Ok(true)) => tracing::info!("another certificate is shown from now on"),
                Ok(Ok(false)) => {}
                Ok(Err(error)) => {
                    tracing::error!(cause = %error, "the new certificate cannot be used; the old one stays");
                }
                Err(error) => tracing::error!(cause = %error, "the certificate's files were not looked at"),
            }
        }
    }

    /// What a connection is led with: TLS 1.2 and 1.3, and of HTTP the version that sockets are made from. TURN inside TLS may
    /// name itself (RFC 7443); browsers do not, and are known by their first byte.
    ///
    /// # Panics
    ///
    /// If the provider knew no version of TLS.
    pub fn server_config(self: &Arc<Self>) -> ServerConfig {
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .expect("the provider knows TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec(), b"stun.turn".to_vec()];
        config
    }

    /// The server's own certificate, as DER.
    pub fn shown(&self) -> CertificateDer<'static> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.shown.cert[0].clone()
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).shown))
    }
}

fn read(chain: &Path, key: &Path) -> Result<Files, CertificateError> {
    let read = |path: &Path| {
        std::fs::read(path).map_err(|cause| CertificateError(format!("{} cannot be read: {cause}", path.display())))
    };
    Ok(Files { chain: read(chain)?, key: read(key)? })
}

fn certified(files: &Files, provider: &CryptoProvider) -> Result<CertifiedKey, CertificateError> {
    let refused = |what: &str, cause: &dyn std::fmt::Display| CertificateError(format!("{what}: {cause}"));
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&files.chain)
        .collect::<Result<_, _>>()
        .map_err(|cause| refused("the certificate file is not PEM", &cause))?;
    if chain.is_empty() {
        return Err(CertificateError("the certificate file holds no certificate".to_owned()));
    }
    let key =
        PrivateKeyDer::from_pem_slice(&files.key).map_err(|cause| refused("the key file holds no key", &cause))?;
    // This refuses a key of another certificate.
    CertifiedKey::from_der(chain, key, provider).map_err(|cause| refused("certificate and key do not fit", &cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        /// Writes a new certificate with its key.
        fn renew(&self) -> CertificateDer<'static> {
            let made = rcgen::generate_simple_self_signed(["clinic.example".to_owned()]).unwrap();
            std::fs::write(self.path("cert.pem"), made.cert.pem()).unwrap();
            std::fs::write(self.path("key.pem"), made.signing_key.serialize_pem()).unwrap();
            made.cert.der().clone()
        }
    }

    fn folder() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    #[test]
    fn a_renewed_certificate_is_shown_without_a_restart() {
        let folder = folder();
        let first = folder.renew();
        let certificate = Certificate::open(&folder.path("cert.pem"), &folder.path("key.pem")).unwrap();
        assert_eq!(certificate.shown(), first);
        assert_eq!(certificate.look(), Ok(false), "nothing new");
        let second = folder.renew();
        assert_eq!(certificate.look(), Ok(true));
        assert_eq!(certificate.shown(), second);
    }

    #[test]
    fn half_of_a_renewal_changes_nothing_and_says_why() {
        let folder = folder();
        let first = folder.renew();
        let certificate = Certificate::open(&folder.path("cert.pem"), &folder.path("key.pem")).unwrap();
        let key = std::fs::read(folder.path("key.pem")).unwrap();
        let second = folder.renew();
        let whole = std::fs::read(folder.path("key.pem")).unwrap();
        for broken in [key.as_slice(), b"", b"-----BEGIN PRIVATE KEY-----\nAAAA", &whole[..whole.len() / 2]] {
            std::fs::write(folder.path("key.pem"), broken).unwrap();
            assert!(certificate.look().is_err());
            assert_eq!(certificate.shown(), first, "the old one stays");
        }
        std::fs::write(folder.path("key.pem"), whole).unwrap();
        assert_eq!(certificate.look(), Ok(true));
        assert_eq!(certificate.shown(), second);
    }

    #[test]
    fn files_that_cannot_be_used_are_named() {
        let folder = folder();
        let open = || Certificate::open(&folder.path("cert.pem"), &folder.path("key.pem")).unwrap_err().to_string();
        assert!(open().contains("cert.pem cannot be read"));
        folder.renew();
        std::fs::write(folder.path("cert.pem"), "").unwrap();
        assert_eq!(open(), "the certificate file holds no certificate");
    }
}
