//! Signatures: a key for each doctor and one for the server, made at first use, sealed at rest.
//!
//! A seam: what signs is a [scheme](mod@scheme); what is signed are the words of [`signed_words`], which name purpose,
//! subject, content hash, key and time. The operator chooses by which algorithm new signatures are; where an owner's key
//! is of another, a successor is made and the other ends: it signs no more, and what it has signed holds.

mod scheme;

use crate::clock::Ids;
use crate::domain::hex::{hex, unhex};
use crate::domain::ids::{InstitutionId, KeyId, SignatureId};
use crate::domain::signature::{Algorithm, Purpose, signed_words};
use crate::domain::time::Timestamp;
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::vault::{Field, Vault};
use crate::services::work::Work;
use crate::store::{KeyRow, SignatureRow, Tx};

use self::scheme::Seed;
pub(crate) use self::scheme::scheme;
pub use self::scheme::{SignAs, fingerprint, works};

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
        let signer = Signer { vault: &self.vault, ids: &self.ids, choice: Choice::Operators(self.config.signing) };
        signer.sign(&mut work.tx, work.now, institution, by, purpose, subject, hash).await
    }

    /// Whether the signatures under `subject` hold for the content hash that it has now, each by a key that this server
    /// made. Signatures of earlier contents are left aside.
    pub async fn check_signatures(&self, tx: &mut Tx, subject: &str, hash: &str) -> Result<Validity, Refusal> {
        let mut found = Vec::new();
        for signature in tx.signatures().of(subject).await? {
            if signature.hash != hash {
                continue;
            }
            let key = tx.signatures().key(signature.key_id).await?;
            if !key.is_some_and(|key| is_ours(&self.vault, &key) && signature_holds(&signature, &key)) {
                tracing::error!(signature.id = %signature.id, "a signature does not hold");
                return Ok(Validity::Broken);
            }
            found.push(signature);
        }
        Ok(if found.is_empty() { Validity::Unsigned } else { Validity::Holds(found) })
    }
}

/// Signs where there is no server around it: for commands of an operator.
pub(crate) struct Signer<'a> {
    /// Opens the keys.
    pub vault: &'a Vault,
    /// Makes them.
    pub ids: &'a Ids,
    /// How they sign.
    pub choice: Choice,
}

/// By which algorithm somebody signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// By this one, which the server's operator chose: a key of another ends.
    Operators(Algorithm),
    /// By that of the key which the owner has, whatever was chosen beside the server; by this one where there is no key yet.
    Kept(Algorithm),
}

/// So many bytes are asked for before a key is given up: of SM2's secret halves one in four thousand million is none.
const ATTEMPTS: usize = 8;

impl Signer<'_> {
    /// Signs in this transaction, at `now`.
    #[expect(clippy::too_many_arguments, reason = "they are what the signature covers")]
    pub(crate) async fn sign(
        &self,
        tx: &mut Tx,
        now: Timestamp,
        institution: InstitutionId,
        by: SignAs,
        purpose: Purpose,
        subject: &str,
        hash: &str,
    ) -> Result<SignatureRow, Refusal> {
        let (key, seed) = self.key(tx, now, institution, by).await?;
        let words = signed_words(purpose, subject, hash, &key.id.to_string(), now);
        let bytes = scheme(key.algorithm).sign(&seed, words.as_bytes());
        let bytes = bytes.ok_or_else(|| Refusal::internal("a signing key does not sign"))?;
        let signature = SignatureRow {
            id: self.ids.make(SignatureId::from_uuid),
            institution_id: institution,
            subject: subject.to_owned(),
            purpose,
            key_id: key.id,
            hash: hash.to_owned(),
            at: now,
            bytes,
        };
        tx.signatures().insert(&signature).await?;
        Ok(signature)
    }

    async fn key(
        &self,
        tx: &mut Tx,
        now: Timestamp,
        institution: InstitutionId,
        by: SignAs,
    ) -> Result<(KeyRow, Seed), Refusal> {
        let owner = by.owner();
        let algorithm = match self.choice {
            Choice::Operators(algorithm) => algorithm,
            Choice::Kept(first) => tx.signatures().algorithm_of(institution, &owner).await?.unwrap_or(first),
        };
        let mut row = tx.signatures().key_of(institution, &owner, algorithm).await?;
        if row.is_none() {
            let new = self.new_key(now, institution, &owner, algorithm)?;
            tx.signatures().make_key(&new).await?;
            tx.signatures().retire_others(&new).await?;
            row = tx.signatures().key_of(institution, &owner, algorithm).await?;
        }
        let row = row.ok_or_else(|| Refusal::internal("a key that was made is not there"))?;
        let seed = seed_of(self.vault, &row).ok_or_else(|| Refusal::internal("a signing key does not open"))?;
        Ok((row, seed))
    }

    fn new_key(
        &self,
        now: Timestamp,
        institution: InstitutionId,
        owner: &str,
        algorithm: Algorithm,
    ) -> Result<KeyRow, Refusal> {
        let id = self.ids.make(KeyId::from_uuid);
        let mut seeds = std::iter::repeat_with(|| self.ids.secret::<32>()).take(ATTEMPTS);
        let pair = seeds.find_map(|seed| Some((scheme(algorithm).public_key(&seed)?, seed)));
        let (public_key, seed) = pair.ok_or_else(|| Refusal::internal("chance gives no signing key"))?;
        Ok(KeyRow {
            id,
            institution_id: institution,
            owner: owner.to_owned(),
            algorithm,
            public_key,
            secret_sealed: self.vault.seal(Field::SigningKey, id.as_uuid(), &hex(&seed)),
            created_at: now,
            retired_at: None,
        })
    }
}

fn seed_of(vault: &Vault, key: &KeyRow) -> Option<Seed> {
    let seed = vault.open(Field::SigningKey, key.id.as_uuid(), &key.secret_sealed).ok()?;
    unhex(&seed)?.try_into().ok()
}

/// Whether a key was made by this server: its secret half opens and belongs to its public half. Somebody who may write
/// to the database can put in a key, but not one of ours.
pub(crate) fn is_ours(vault: &Vault, key: &KeyRow) -> bool {
    let public = seed_of(vault, key).and_then(|seed| scheme(key.algorithm).public_key(&seed));
    public.as_ref() == Some(&key.public_key)
}

/// Whether one of these signatures, which hold, was made for this purpose by this owner's key.
pub(crate) async fn is_signed_by(
    tx: &mut Tx,
    signatures: &[SignatureRow],
    purpose: Purpose,
    owner: &str,
) -> Result<bool, Refusal> {
    for signature in signatures.iter().filter(|signature| signature.purpose == purpose) {
        if tx.signatures().key(signature.key_id).await?.is_some_and(|key| key.owner == owner) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a signature is its key's, over its own words.
pub(crate) fn signature_holds(signature: &SignatureRow, key: &KeyRow) -> bool {
    let words = signed_words(signature.purpose, &signature.subject, &signature.hash, &key.id.to_string(), signature.at);
    scheme(key.algorithm).holds(&key.public_key, words.as_bytes(), &signature.bytes)
}
