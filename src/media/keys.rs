//! How we come by the keys of a connection's outgoing media, and of the browser's reports.
//!
//! The engine agrees on keys with the browser (DTLS-SRTP, RFC 5764) and keeps them to itself. But it asks a provider of
//! ours for every cryptographic operation, so the provider hears the one that derives them, and arms the connection's
//! [`Egress`] with the same keys, and its [`Feedback`] with the browser's. What the engine does is not changed by it: every call is passed on, and each answer back.
//!
//! Two senders under one key must never protect two different packets under the same number. They cannot: media leaves
//! through the egress alone, and the engine, which is never given any, protects RTCP, whose keys are others (RFC 3711,
//! section 4.3.2).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rtc::crypto::{
    ActiveKeyExchange, AeadAlgorithm, AeadCipher, BlockCipherAlgorithm, CbcAlgorithm, CbcCipher, CryptoAlgorithm,
    CryptoError, HashAlgorithm, HmacAlgorithm, KeyExchangeAlgorithm, Mac, PublicKey, RTCCrypto, RTCCryptoProvider,
    RTCRandom, SecretVec, SignatureScheme, SigningKey, StreamCipher, StreamCipherAlgorithm,
};
use rtc::srtp::config::{Config, LABEL_EXTRACTOR_DTLS_SRTP};
use rtc::srtp::context::Context;
use rtc::srtp::option::srtcp_replay_protection;
use rtc::srtp::protection_profile::ProtectionProfile;

use super::egress::Egress;
use super::feedback::Feedback;

/// Reports that come late by more than this are not read.
const REPLAY: usize = 64;
/// More than any profile takes: two keys of 32 bytes and two salts of 14.
const MATERIAL: usize = 96;

/// A connection's provider of cryptography, which arms its egress.
pub(super) struct Listener {
    ears: Ears,
}

impl Listener {
    /// Listens for the keys of one connection, in which we are the DTLS server.
    pub(super) fn new(provider: Arc<dyn RTCCryptoProvider>, egress: Arc<Egress>, feedback: Arc<Feedback>) -> Self {
        Self { ears: Ears { provider, heard: Arc::default(), egress, feedback } }
    }
}

impl RTCCryptoProvider for Listener {
    fn name(&self) -> &'static str {
        self.ears.provider.name()
    }

    fn crypto(&self) -> &dyn RTCCrypto {
        &self.ears
    }

    fn random(&self) -> &dyn RTCRandom {
        self.ears.provider.random()
    }
}

struct Ears {
    provider: Arc<dyn RTCCryptoProvider>,
    /// The exported material, until the cipher tells what it is for.
    heard: Arc<Heard>,
    egress: Arc<Egress>,
    feedback: Arc<Feedback>,
}

#[derive(Default)]
struct Heard(Mutex<Option<SecretVec>>);

impl Heard {
    fn material(&self) -> MutexGuard<'_, Option<SecretVec>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ears {
    fn inner(&self) -> &dyn RTCCrypto {
        self.provider.crypto()
    }

    /// The engine makes the first cipher after the export for what it sends: now the profile is known.
    fn cipher(&self, profile: ProtectionProfile) {
        let Some(material) = self.heard.material().take() else { return };
        let mut config = Config { profile, ..Config::default() };
        let armed = material
            .as_ref()
            .get(..config.keying_material_len())
            .and_then(|material| config.set_session_keys_from_keying_material(material, false).ok())
            .and_then(|()| {
                let keys = &config.keys;
                let (key, salt) = (&keys.local_master_key, &keys.local_master_salt);
                let ours = Context::new(key, salt, profile, None, None, self.inner()).ok()?;
                let (key, salt) = (keys.remote_master_key.clone(), keys.remote_master_salt.clone());
                let provider = Arc::clone(&self.provider);
                let theirs = move || {
                    let replay = Some(srtcp_replay_protection(REPLAY));
                    Context::new(&key, &salt, profile, None, replay, provider.crypto()).ok()
                };
                self.feedback.arm(Box::new(theirs)).then_some(ours)
            });
        if let Some(ours) = armed {
            self.egress.arm(ours);
        } else {
            tracing::error!("the keys of a connection's media could not be used; it gets none");
        }
    }
}

/// A MAC under the secret of a handshake, if it is one: the exporter's first step is a MAC over its label and the randoms.
struct Overheard {
    mac: Box<dyn Mac>,
    provider: Arc<dyn RTCCryptoProvider>,
    secret: SecretVec,
    heard: Arc<Heard>,
}

impl Mac for Overheard {
    fn output_len(&self) -> usize {
        self.mac.output_len()
    }

    fn sign(&mut self, input: &[&[u8]], output: &mut [u8]) -> Result<(), CryptoError> {
        if let [seed] = input
            && seed.starts_with(LABEL_EXTRACTOR_DTLS_SRTP.as_bytes())
        {
            let material = expand(self.provider.crypto(), self.secret.as_ref(), seed)?;
            *self.heard.material() = Some(material);
        }
        self.mac.sign(input, output)
    }

    fn verify(&mut self, input: &[&[u8]], expected: &[u8]) -> Result<(), CryptoError> {
        self.mac.verify(input, expected)
    }
}

/// `P_SHA256` of RFC 5246, section 5.
fn expand(crypto: &dyn RTCCrypto, secret: &[u8], seed: &[u8]) -> Result<SecretVec, CryptoError> {
    let length = HmacAlgorithm::Sha256.output_len();
    let mut mac = crypto.new_hmac(HmacAlgorithm::Sha256, secret)?;
    let mut round = vec![0; length];
    mac.sign(&[seed], &mut round)?;
    let mut material = SecretVec::new(vec![0; MATERIAL]);
    for block in material.as_mut().chunks_mut(length) {
        mac.sign(&[&round, seed], block)?;
        let mut next = vec![0; length];
        mac.sign(&[&round], &mut next)?;
        round = next;
    }
    Ok(material)
}

impl RTCCrypto for Ears {
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
        let (provider, heard) = (Arc::clone(&self.provider), Arc::clone(&self.heard));
        Ok(Box::new(Overheard { mac, provider, secret: SecretVec::new(key.to_vec()), heard }))
    }

    fn new_stream_cipher(
        &self,
        algorithm: StreamCipherAlgorithm,
        key: &[u8],
    ) -> Result<Box<dyn StreamCipher>, CryptoError> {
        if algorithm == StreamCipherAlgorithm::Aes128Ctr {
            self.cipher(ProtectionProfile::Aes128CmHmacSha1_80);
        }
        self.inner().new_stream_cipher(algorithm, key)
    }

    fn new_aead(&self, algorithm: AeadAlgorithm, key: &[u8]) -> Result<Box<dyn AeadCipher>, CryptoError> {
        match algorithm {
            AeadAlgorithm::Aes128Gcm => self.cipher(ProtectionProfile::AeadAes128Gcm),
            AeadAlgorithm::Aes256Gcm => self.cipher(ProtectionProfile::AeadAes256Gcm),
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

#[cfg(test)]
mod tests {
    use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
    use rtc::shared::marshal::Marshal as _;
    use tokio::sync::Notify;
    use uuid::Uuid;

    use super::*;
    use crate::domain::ids::ParticipantId;
    use crate::domain::room::relay::{MediaKind, Permit, SourceName};
    use crate::media::bandwidth::PathMeter;
    use crate::media::egress::Wire;
    use crate::media::gate::Gate;
    use crate::media::instant;
    use crate::media::reports::ReportReader;
    use crate::media::source::{Source, Whose};
    use crate::media::stream::Outgoing;

    #[derive(Clone, Default)]
    struct Sent(Arc<Mutex<Vec<u8>>>);

    impl Wire for Sent {
        fn send(&self, bytes: &[u8], _: usize) {
            *self.0.lock().unwrap() = bytes.to_vec();
        }
    }

    /// Does what the engine does at the end of a handshake, and reads as the browser what the egress then sends.
    #[test]
    fn the_keys_of_the_handshake_lock_what_leaves_and_unlock_reports_whatever_the_profile() {
        let provider = rtc::crypto::default_provider().unwrap();
        let seed = [LABEL_EXTRACTOR_DTLS_SRTP.as_bytes(), &[3; 64]].concat();
        let secret = [5; 48];
        for profile in
            [ProtectionProfile::AeadAes128Gcm, ProtectionProfile::AeadAes256Gcm, ProtectionProfile::Aes128CmHmacSha1_80]
        {
            let (now, sent, gate) = (instant::now(), Sent::default(), Arc::new(Gate::new(Permit::ALL)));
            let egress = Egress::new(now, Box::new(sent.clone()), Arc::clone(&gate), PathMeter::default());
            egress.add(7, MediaKind::Audio);
            let (wishes, mut wished) = tokio::sync::mpsc::channel(1);
            let reader = ReportReader::new(wishes, tokio::sync::mpsc::channel(1).0, Arc::clone(&egress));
            let feedback = Arc::new(Feedback::new(reader));
            let listener = Listener::new(Arc::clone(&provider), Arc::clone(&egress), Arc::clone(&feedback));
            let mut first = [0; 32];
            listener.crypto().new_hmac(HmacAlgorithm::Sha256, &secret).unwrap().sign(&[&seed], &mut first).unwrap();

            let material = expand(provider.crypto(), &secret, &seed).unwrap();
            let mut config = Config { profile, ..Config::default() };
            let length = config.keying_material_len();
            config.set_session_keys_from_keying_material(&material.as_ref()[..length], true).unwrap();
            let keys = config.keys;
            // The engine's own context, made through the listener: the egress has its keys from then on.
            Context::new(&keys.remote_master_key, &keys.remote_master_salt, profile, None, None, listener.crypto())
                .unwrap();

            let owner = ParticipantId::from_uuid(Uuid::from_u128(1));
            let whose = Whose { number: 1, owner, kind: MediaKind::Audio, name: SourceName::Microphone };
            let source = Source::new(now, whose, gate, Arc::new(Notify::new()));
            let payload = bytes::Bytes::from_static(b"a voice");
            let packet = Outgoing { marker: false, payload_type: 111, sequence: 1, timestamp: 1, payload };
            assert_eq!(egress.send(now, 7, &source, std::iter::once(packet)), Some(1), "{profile:?}");
            let mut browser =
                Context::new(&keys.remote_master_key, &keys.remote_master_salt, profile, None, None, provider.crypto())
                    .unwrap();
            let plain = browser.decrypt_rtp(&sent.0.lock().unwrap()).expect("the same keys");
            assert_eq!(&plain[12..], b"a voice");

            let mut browser =
                Context::new(&keys.local_master_key, &keys.local_master_salt, profile, None, None, provider.crypto())
                    .unwrap();
            let wish = PictureLossIndication { sender_ssrc: 1, media_ssrc: 7 };
            let report = browser.encrypt_rtcp(&wish.marshal().unwrap()).unwrap();
            assert!(
                feedback.read(now, &report) && wished.try_recv().is_ok(),
                "{profile:?}: and hears under the browser's"
            );
        }
    }
}
