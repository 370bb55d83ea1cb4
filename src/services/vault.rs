//! Personal data at rest: AES-256-GCM per field, and blind indexes for look-up.
//!
//! The key of a field is derived from the operator's secret by HKDF (RFC 5869) over the field's name; the ciphertext is
//! bound to its row by the additional data, so that a value copied to another row does not open.

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use uuid::Uuid;

use crate::clock::Ids;
use crate::services::Services;
use crate::services::refusal::Refusal;

/// Fields that are kept sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// A person's name.
    Name,
    /// The number of an identity document.
    DocumentNumber,
    /// A telephone number.
    Phone,
    /// What a patient said: the answers of a declaration, which hold addresses and names, what the triage read of them, and
    /// lines of a conversation.
    Answers,
    /// What a clinic tells those who wait.
    Notice,
    /// What a doctor tells a colleague about a patient.
    Handover,
    /// What whoever closed an alarm noted.
    AlarmNote,
    /// The answer of a command, kept for its repetition: it holds whatever its browser was told.
    Command,
    /// The key of a recording.
    RecordingKey,
    /// The secret half of a key that signs.
    SigningKey,
    /// Why somebody read what is not theirs to treat, or why a visit is held.
    Reason,
    /// How somebody judged such a reading, in words.
    Judgement,
    /// What the server shares with the telephone of a member of staff.
    SecondFactor,
}

impl Field {
    const fn label(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::DocumentNumber => "document-number",
            Self::Phone => "phone",
            Self::Answers => "answers",
            Self::Notice => "notice",
            Self::Handover => "handover",
            Self::AlarmNote => "alarm-note",
            Self::Command => "command",
            Self::RecordingKey => "recording-key",
            Self::SigningKey => "signing-key",
            Self::Reason => "reason",
            Self::Judgement => "judgement",
            Self::SecondFactor => "second-factor",
        }
    }
}

/// Seals and opens fields.
#[derive(Clone)]
pub struct Vault {
    secret: Vec<u8>,
    ids: Ids,
}

/// A sealed value that does not open: another key, another row, or changed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sealed field does not open")]
pub struct Broken;

const NONCE: usize = 12;

impl Vault {
    /// A vault over the operator's secret.
    pub fn new(secret: &[u8], ids: Ids) -> Self {
        Self { secret: secret.to_vec(), ids }
    }

    fn key(&self, purpose: &str, field: Field) -> [u8; 32] {
        let mut key = [0; 32];
        Hkdf::<Sha256>::new(None, &self.secret)
            .expand_multi_info(&[b"vault", purpose.as_bytes(), field.label().as_bytes()], &mut key)
            .expect("32 bytes are a valid length");
        key
    }

    /// Seals `plain` for the row `row`.
    pub fn seal(&self, field: Field, row: Uuid, plain: &str) -> Vec<u8> {
        let nonce = self.ids.secret::<NONCE>();
        let cipher = Aes256Gcm::new(&self.key("seal", field).into());
        let payload = Payload { msg: plain.as_bytes(), aad: row.as_bytes() };
        let sealed = cipher.encrypt(&Nonce::from(nonce), payload).expect("fields are far below the cipher's limit");
        [&nonce[..], &sealed].concat()
    }

    /// Opens what was sealed for the row `row`.
    pub fn open(&self, field: Field, row: Uuid, sealed: &[u8]) -> Result<String, Broken> {
        let (nonce, body) = sealed.split_first_chunk::<NONCE>().ok_or(Broken)?;
        let cipher = Aes256Gcm::new(&self.key("seal", field).into());
        let plain =
            cipher.decrypt(&Nonce::from(*nonce), Payload { msg: body, aad: row.as_bytes() }).map_err(|_| Broken)?;
        String::from_utf8(plain).map_err(|_| Broken)
    }

    /// HMAC-SHA-256 over `parts` under a key of `purpose`: for hashes that nobody outside can make. The caller sees to
    /// it that two different lists of parts never join to the same bytes.
    pub fn mac(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut key = [0; 32];
        Hkdf::<Sha256>::new(None, &self.secret)
            .expand_multi_info(&[b"mac", purpose.as_bytes()], &mut key)
            .expect("32 bytes are a valid length");
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes any key");
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// The look-up value of a normalised field: HMAC-SHA-256, cut to 16 bytes.
    pub fn blind(&self, field: Field, normalised: &str) -> Vec<u8> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key("blind", field)).expect("HMAC takes any key");
        mac.update(normalised.as_bytes());
        mac.finalize().into_bytes()[..16].to_vec()
    }
}

impl Services {
    /// A sealed field of a row, in clear.
    pub(crate) fn open_field(&self, field: Field, row: Uuid, sealed: &[u8]) -> Result<String, Refusal> {
        self.vault.open(field, row, sealed).map_err(|broken| Refusal::internal(&broken))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::domain::time::Timestamp;

    fn vault() -> Vault {
        Vault::new(&[1; 32], Ids::seeded(Clock::manual(Timestamp::from_millis(1)), 1))
    }

    #[test]
    fn what_is_sealed_opens_only_in_its_own_row_and_field() {
        let (vault, row, other) = (vault(), Uuid::from_u128(1), Uuid::from_u128(2));
        let sealed = vault.seal(Field::Name, row, "演示患者甲");
        assert_eq!(vault.open(Field::Name, row, &sealed).unwrap(), "演示患者甲");
        assert_eq!(vault.open(Field::Name, other, &sealed), Err(Broken));
        assert_eq!(vault.open(Field::Phone, row, &sealed), Err(Broken));
    }

    #[test]
    fn a_changed_byte_is_noticed() {
        let (vault, row) = (vault(), Uuid::from_u128(1));
        let mut sealed = vault.seal(Field::Phone, row, "13800000000");
        *sealed.last_mut().unwrap() ^= 1;
        assert_eq!(vault.open(Field::Phone, row, &sealed), Err(Broken));
        assert_eq!(vault.open(Field::Phone, row, &[]), Err(Broken));
    }

    #[test]
    fn the_same_value_has_the_same_index_and_never_the_same_seal() {
        let (vault, row) = (vault(), Uuid::from_u128(1));
        assert_eq!(vault.blind(Field::Phone, "1"), vault.blind(Field::Phone, "1"));
        assert_ne!(vault.blind(Field::Phone, "1"), vault.blind(Field::DocumentNumber, "1"));
        assert_ne!(vault.seal(Field::Phone, row, "1"), vault.seal(Field::Phone, row, "1"));
    }
}
