//! From where somebody is known: there a stranger's guesses, and a stranger's requests for codes, keep nobody out.

use uuid::Uuid;

use crate::domain::ids::InstitutionId;
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::work::Work;

/// An account or a telephone number at a network address, as it is kept.
pub(crate) struct KnownPlace {
    institution: InstitutionId,
    key: Vec<u8>,
}

impl KnownPlace {
    /// Remembers that somebody has just proved who they are there.
    pub async fn note(&self, work: &mut Work) -> Result<(), Refusal> {
        Ok(work.tx.known_places().note(self.institution, &self.key, work.now).await?)
    }

    /// Whether somebody has, lately.
    pub async fn is_known(&self, work: &mut Work) -> Result<bool, Refusal> {
        Ok(work.tx.known_places().is_known(self.institution, &self.key).await?)
    }
}

impl Services {
    /// An account at an address.
    pub(crate) fn place_of_account(&self, institution: InstitutionId, account: Uuid, address: &str) -> KnownPlace {
        self.place(institution, "known-place-of-account", account.as_bytes(), address)
    }

    /// A telephone number at an address, by the number's blind index.
    pub(crate) fn place_of_number(&self, institution: InstitutionId, phone: &[u8], address: &str) -> KnownPlace {
        self.place(institution, "known-place-of-number", phone, address)
    }

    /// Whether whoever has this user name has signed in from this address.
    pub async fn is_known_at(&self, username: &str, address: &str) -> Result<bool, Refusal> {
        // No name is longer; a stranger's must not reach the database.
        if username.len() > 128 {
            return Ok(false);
        }
        let mut tx = self.db.read().await?;
        let Some(account) = tx.accounts().by_username(username).await? else { return Ok(false) };
        let place = self.place_of_account(account.institution_id, account.id.as_uuid(), address);
        Ok(tx.known_places().is_known(place.institution, &place.key).await?)
    }

    fn place(&self, institution: InstitutionId, purpose: &str, who: &[u8], address: &str) -> KnownPlace {
        let key = self.vault.mac(purpose, &[who, address.as_bytes()])[..16].to_vec();
        KnownPlace { institution, key }
    }
}
