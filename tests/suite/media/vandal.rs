//! A participant's browser whose packets are broken on their way out, by somebody who holds its keys.
//!
//! The engine of a test's browser writes nothing that is broken, and what is broken without the right seal is thrown away
//! before anybody reads it. So the vandal stands between engine and network: it overhears the keys of the handshake, opens
//! each packet of media, breaks some of them as it was told, and seals them again.

#![expect(clippy::unwrap_used, reason = "only tests use it, and a failure here is theirs")]

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::task::{Context as Waking, Poll};

use rtc::crypto::{
    ActiveKeyExchange, AeadAlgorithm, AeadCipher, BlockCipherAlgorithm, CbcAlgorithm, CbcCipher, CryptoAlgorithm,
    CryptoError, HashAlgorithm, HmacAlgorithm, KeyExchangeAlgorithm, Mac, PublicKey, RTCCrypto, RTCCryptoProvider,
    RTCRandom, SignatureScheme, SigningKey, StreamCipher, StreamCipherAlgorithm,
};
use rtc::srtp::config::{Config, LABEL_EXTRACTOR_DTLS_SRTP};
use rtc::srtp::context::Context;
use rtc::srtp::protection_profile::ProtectionProfile;
use tokio::sync::watch;
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

use super::wired::Wire;

/// Makes another packet of one.
type Damage = Box<dyn Fn(&[u8]) -> Vec<u8> + Send>;

/// One thing to do in the moment in which the camera's next packet leaves, which is given opened.
pub enum Deed {
    /// Something else leaves in its place, sealed where a seal is possible.
    Packet(Damage),
    /// A report leaves before it, sealed.
    Report(Vec<u8>),
    /// Bytes leave before it as they are.
    Bare(Vec<u8>),
}

/// The vandal of one browser.
pub struct Vandal {
    crypto: Arc<dyn RTCCryptoProvider>,
    hand: Mutex<Hand>,
    /// Deeds that are left.
    left: watch::Sender<usize>,
    camera: u32,
}

#[derive(Default)]
struct Hand {
    material: Option<Vec<u8>>,
    /// Opens what the engine sealed, and seals what leaves.
    keys: Option<(Context, Context)>,
    deeds: VecDeque<Deed>,
    sealed: usize,
}

impl fmt::Debug for Vandal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vandal").finish_non_exhaustive()
    }
}

impl Vandal {
    /// One who does nothing yet to a browser whose camera has this SSRC.
    pub fn of(camera: u32) -> Arc<Self> {
        let (crypto, (left, _)) = (rtc::crypto::default_provider().unwrap(), watch::channel(0));
        Arc::new(Self { crypto, hand: Mutex::default(), left, camera })
    }

    /// Does all of these, one for each packet of the camera.
    pub async fn does(&self, deeds: impl IntoIterator<Item = Deed>) {
        {
            let mut hand = self.hand.lock().unwrap();
            hand.deeds.extend(deeds);
            self.left.send_replace(hand.deeds.len());
        }
        let mut left = self.left.subscribe();
        let done = tokio::time::timeout(super::client::PATIENCE, left.wait_for(|left| *left == 0)).await;
        done.expect("a camera that runs").map(drop).unwrap();
    }

    /// How many broken things left under the right seal.
    pub fn sealed(&self) -> usize {
        self.hand.lock().unwrap().sealed
    }

    /// What leaves in place of a datagram of the engine.
    fn instead(&self, datagram: &[u8]) -> Vec<Vec<u8>> {
        let mut hand = self.hand.lock().unwrap();
        let Hand { keys: Some((opens, seals)), deeds, sealed, .. } = &mut *hand else { return vec![datagram.to_vec()] };
        match datagram {
            [128..192, 192..=223, ..] => {
                let open = opens.decrypt_rtcp(datagram).expect("our keys");
                vec![seals.encrypt_rtcp(&open).unwrap().to_vec()]
            }
            [128..192, ..] => {
                let open = opens.decrypt_rtp(datagram).expect("our keys");
                let good = seals.encrypt_rtp(&open).unwrap().to_vec();
                if open[8..12] != self.camera.to_be_bytes() {
                    return vec![good];
                }
                let deed = deeds.pop_front();
                self.left.send_replace(deeds.len());
                match deed {
                    None => vec![good],
                    Some(Deed::Bare(bytes)) => vec![bytes, good],
                    Some(Deed::Report(report)) => {
                        let bytes = seals.encrypt_rtcp(&report).inspect(|_| *sealed += 1);
                        vec![bytes.map_or(report, |bytes| bytes.to_vec()), good]
                    }
                    Some(Deed::Packet(broken)) => {
                        let broken = broken(&open);
                        let bytes = seals.encrypt_rtp(&broken).inspect(|_| *sealed += 1);
                        vec![bytes.map_or_else(|_| [&broken[..], &[0; 16]].concat(), |bytes| bytes.to_vec())]
                    }
                }
            }
            _ => vec![datagram.to_vec()],
        }
    }

    /// The engine makes the first cipher after the export for its own media: now the profile is known.
    fn cipher(&self, profile: ProtectionProfile) {
        let mut hand = self.hand.lock().unwrap();
        let Some(material) = hand.material.take() else { return };
        let mut config = Config { profile, ..Config::default() };
        let length = config.keying_material_len();
        config.set_session_keys_from_keying_material(&material[..length], true).unwrap();
        let (key, salt) = (&config.keys.local_master_key, &config.keys.local_master_salt);
        let context = || Context::new(key, salt, profile, None, None, self.crypto.crypto()).unwrap();
        hand.keys = Some((context(), context()));
    }
}

/// The browser's cryptography, with somebody at the door.
#[derive(Clone)]
pub struct Overheard(pub Arc<Vandal>);

impl RTCCryptoProvider for Overheard {
    fn name(&self) -> &'static str {
        self.0.crypto.name()
    }

    fn crypto(&self) -> &dyn RTCCrypto {
        self
    }

    fn random(&self) -> &dyn RTCRandom {
        self.0.crypto.random()
    }
}

impl Overheard {
    fn inner(&self) -> &dyn RTCCrypto {
        self.0.crypto.crypto()
    }
}

/// A MAC under the secret of a handshake: the exporter's first step is a MAC over its label and the randoms.
struct Exporter {
    mac: Box<dyn Mac>,
    secret: Vec<u8>,
    vandal: Arc<Vandal>,
}

impl Mac for Exporter {
    fn output_len(&self) -> usize {
        self.mac.output_len()
    }

    fn sign(&mut self, input: &[&[u8]], output: &mut [u8]) -> Result<(), CryptoError> {
        if let [seed] = input
            && seed.starts_with(LABEL_EXTRACTOR_DTLS_SRTP.as_bytes())
        {
            // `P_SHA256` of RFC 5246, section 5.
            let mut mac = self.vandal.crypto.crypto().new_hmac(HmacAlgorithm::Sha256, &self.secret)?;
            let (mut round, mut material) = ([0; 32], [0; 96]);
            mac.sign(&[seed], &mut round)?;
            for block in material.chunks_mut(32) {
                mac.sign(&[&round, seed], block)?;
                let mut next = [0; 32];
                mac.sign(&[&round], &mut next)?;
                round = next;
            }
            self.vandal.hand.lock().unwrap().material = Some(material.to_vec());
        }
        self.mac.sign(input, output)
    }

    fn verify(&mut self, input: &[&[u8]], expected: &[u8]) -> Result<(), CryptoError> {
        self.mac.verify(input, expected)
    }
}

impl RTCCrypto for Overheard {
    fn supports(&self, algorithm: CryptoAlgorithm) -> bool {
        self.inner().supports(algorithm)
    }

    fn hash(&self, algorithm: HashAlgorithm, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.inner().hash(algorithm, data)
    }

    fn block_encrypt(&self, algorithm: BlockCipherAlgorithm, key: &[u8], block: &mut [u8]) -> Result<(), CryptoError> {
        self.inner().block_encrypt(algorithm, key, block)
    }

    fn new_hmac(&self, algorithm: HmacAlgorithm, key: &[u8]) -> Result<Box<dyn Mac>, CryptoError> {
        let mac = self.inner().new_hmac(algorithm, key)?;
        if algorithm != HmacAlgorithm::Sha256 {
            return Ok(mac);
        }
        Ok(Box::new(Exporter { mac, secret: key.to_vec(), vandal: Arc::clone(&self.0) }))
    }

    fn new_stream_cipher(
        &self,
        algorithm: StreamCipherAlgorithm,
        key: &[u8],
    ) -> Result<Box<dyn StreamCipher>, CryptoError> {
        if algorithm == StreamCipherAlgorithm::Aes128Ctr {
            self.0.cipher(ProtectionProfile::Aes128CmHmacSha1_80);
        }
        self.inner().new_stream_cipher(algorithm, key)
    }

    fn new_aead(&self, algorithm: AeadAlgorithm, key: &[u8]) -> Result<Box<dyn AeadCipher>, CryptoError> {
        match algorithm {
            AeadAlgorithm::Aes128Gcm => self.0.cipher(ProtectionProfile::AeadAes128Gcm),
            AeadAlgorithm::Aes256Gcm => self.0.cipher(ProtectionProfile::AeadAes256Gcm),
            _ => {}
        }
        self.inner().new_aead(algorithm, key)
    }

    fn new_cbc(&self, algorithm: CbcAlgorithm, key: &[u8]) -> Result<Box<dyn CbcCipher>, CryptoError> {
        self.inner().new_cbc(algorithm, key)
    }

    fn start_key_exchange(&self, algorithm: KeyExchangeAlgorithm) -> Result<Box<dyn ActiveKeyExchange>, CryptoError> {
        self.inner().start_key_exchange(algorithm)
    }

    fn generate_signing_key(&self, scheme: SignatureScheme) -> Result<Arc<dyn SigningKey>, CryptoError> {
        self.inner().generate_signing_key(scheme)
    }

    fn import_signing_key(
        &self,
        scheme: SignatureScheme,
        pkcs8_der: &[u8],
    ) -> Result<Arc<dyn SigningKey>, CryptoError> {
        self.inner().import_signing_key(scheme, pkcs8_der)
    }

    fn verify_signature(
        &self,
        scheme: SignatureScheme,
        public_key: PublicKey<'_>,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        self.inner().verify_signature(scheme, public_key, message, signature)
    }
}

/// The browser's network, behind the vandal.
#[derive(Debug)]
pub struct Behind(pub Arc<Vandal>);

#[derive(Debug)]
struct Socket {
    inner: Arc<dyn AsyncUdpSocket>,
    vandal: Arc<Vandal>,
}

impl AsyncUdpSocket for Socket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn poll_send(&self, waking: &mut Waking<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        let segment = transmit.segment_size.unwrap_or(transmit.contents.len()).max(1);
        for datagram in transmit.contents.chunks(segment) {
            for contents in &self.vandal.instead(datagram) {
                let one = Transmit { contents, segment_size: None, ..transmit.clone() };
                // A full socket on loopback drops; nobody here counts on what the vandal sends.
                let _ = self.inner.poll_send(waking, &one);
            }
        }
        Poll::Ready(Ok(transmit.contents.len()))
    }

    fn poll_recv(
        &self,
        waking: &mut Waking<'_>,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        self.inner.poll_recv(waking, buffers, metas)
    }
}

impl Wire for Behind {
    fn around(&self, inner: Arc<dyn AsyncUdpSocket>) -> Arc<dyn AsyncUdpSocket> {
        Arc::new(Socket { inner, vandal: Arc::clone(&self.0) })
    }
}
