//! Signatures: a key for each doctor and one for the server, made at first use, sealed at rest.
//!
//! A seam: what signs is a [`Scheme`]; what is signed are the words of [`signed_words`], which name purpose, subject,
//! content hash, key and time.

mod ed25519;

use crate::domain::hex::{hex, unhex};
use crate::domain::ids::{AccountId, InstitutionId, KeyId, SignatureId};
use crate::domain::signature::{Algorithm, Purpose, signed_words};
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::vault::Field;
use crate::services::work::Work;
use crate::store::{KeyRow, SignatureRow, Tx};

/// The secret half of a key.
pub(crate) type Seed = [u8; 32];

/// A way to sign.
pub(crate) trait Scheme {
    /// The public half.
    fn public_key(&self, seed: &Seed) -> Vec<u8>;

    /// Signs.
    fn sign(&self, seed: &Seed, words: &[u8]) -> Vec<u8>;

    /// Whether a signature is of these words and this key.
    fn holds(&self, public_key: &[u8], words: &[u8], signature: &[u8]) -> bool;
}

/// The scheme of an algorithm, where this program has one.
pub(crate) fn scheme(algorithm: Algorithm) -> Option<&'static dyn Scheme> {
    match algorithm {
        Algorithm::Ed25519 => Some(&ed25519::Ed25519),
        Algorithm::Sm2 => None,
    }
}

/// Whose key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignAs {
    /// A member of staff.
    Account(AccountId),
    /// The server, for its institution.
    Server,
}

impl SignAs {
    fn owner(self) -> String {
        match self {
            Self::Account(id) => id.to_string(),
            Self::Server => "server".to_owned(),
        }
    }
}

/// Whether what is there is what was signed.
#[derive(Clone, Debug, PartialEq)]
pub enum Validity {
    /// Nobody signed it.
    Unsigned,
    /// Every signature of this hash holds; here they are, oldest first.
    Holds(Vec<SignatureRow>),
    /// A signature does not match its key or its words.
    Broken,
}

impl Services {
    /// Signs `hash`, the content hash of `subject`, in this unit of work.
    ///
    /// # Errors
    /// When the database is away, or the kept key does not open.
    pub async fn sign(
        &self,
        work: &mut Work,
        institution: InstitutionId,
        by: SignAs,
        purpose: Purpose,
        subject: &str,
        hash: &str,
    ) -> Result<SignatureRow, Refusal> {
        let (key, seed) = self.key(work, institution, by).await?;
        let scheme = scheme(key.algorithm).ok_or_else(|| Refusal::internal("no scheme for this key"))?;
        let words = signed_words(purpose, subject, hash, &key.id.to_string(), work.now);
        let signature = SignatureRow {
            id: self.ids.make(SignatureId::from_uuid),
            institution_id: institution,
            subject: subject.to_owned(),
            purpose,
            key_id: key.id,
            hash: hash.to_owned(),
            at: work.now,
            bytes: scheme.sign(&seed, words.as_bytes()),
        };
        work.tx.signatures().insert(&signature).await?;
        Ok(signature)
    }

    /// Whether the signatures under `subject` hold for the content hash that it has now. Signatures of earlier contents
    /// are left aside.
    pub async fn check_signatures(&self, tx: &mut Tx, subject: &str, hash: &str) -> Result<Validity, Refusal> {
        let mut found = Vec::new();
        for signature in tx.signatures().of(subject).await? {
            if signature.hash != hash {
                continue;
            }
            let key = tx.signatures().key(signature.key_id).await?;
            if !key.is_some_and(|key| signature_holds(&signature, &key)) {
                tracing::error!(signature.id = %signature.id, "a signature does not hold");
                return Ok(Validity::Broken);
            }
            found.push(signature);
        }
        Ok(if found.is_empty() { Validity::Unsigned } else { Validity::Holds(found) })
    }

    async fn key(&self, work: &mut Work, institution: InstitutionId, by: SignAs) -> Result<(KeyRow, Seed), Refusal> {
        let (owner, algorithm) = (by.owner(), Algorithm::Ed25519);
        let mut row = work.tx.signatures().key_of(institution, &owner, algorithm).await?;
        if row.is_none() {
            let new = self.new_key(work, institution, &owner, algorithm)?;
            work.tx.signatures().make_key(&new).await?;
            row = work.tx.signatures().key_of(institution, &owner, algorithm).await?;
        }
        let row = row.ok_or_else(|| Refusal::internal("a key that was made is not there"))?;
        let seed = self.vault.open(Field::SigningKey, row.id.as_uuid(), &row.secret_sealed);
        let seed = seed.ok().and_then(|text| unhex(&text)?.try_into().ok());
        let seed = seed.ok_or_else(|| Refusal::internal("a signing key does not open"))?;
        Ok((row, seed))
    }

    fn new_key(
        &self,
        work: &Work,
        institution: InstitutionId,
        owner: &str,
        algorithm: Algorithm,
    ) -> Result<KeyRow, Refusal> {
        let scheme = scheme(algorithm).ok_or_else(|| Refusal::internal("no scheme for this algorithm"))?;
        let (id, seed) = (self.ids.make(KeyId::from_uuid), self.ids.secret::<32>());
        Ok(KeyRow {
            id,
            institution_id: institution,
            owner: owner.to_owned(),
            algorithm,
            public_key: scheme.public_key(&seed),
            secret_sealed: self.vault.seal(Field::SigningKey, id.as_uuid(), &hex(&seed)),
            created_at: work.now,
            retired_at: None,
        })
    }
}

/// Whether a signature is its key's, over its own words.
pub(crate) fn signature_holds(signature: &SignatureRow, key: &KeyRow) -> bool {
    let words = signed_words(signature.purpose, &signature.subject, &signature.hash, &key.id.to_string(), signature.at);
    scheme(key.algorithm).is_some_and(|scheme| scheme.holds(&key.public_key, words.as_bytes(), &signature.bytes))
}
