//! From where somebody is known: there a stranger's guesses, and a stranger's requests for codes, keep nobody out.

use uuid::Uuid;

use crate::domain::ids::InstitutionId;
use crate::services::Services;
use crate::services::identity::known_browsers::KnownBrowser;
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

/// How somebody stands who signs in, before the password was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The owner of the name has signed in in this very browser.
    KnownBrowser,
    /// The owner of the name has signed in there.
    Known,
    /// Nobody has, and the password alone opens nothing: a second factor is on.
    SecondFactor,
    /// Nobody has.
    Stranger,
}

/// What somebody who signs in has to bring before anything else is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// The password.
    Password,
    /// The code of the second factor: so many wrong passwords came from everywhere that whether one is right is told to nobody
    /// who lacks it. Who fails hears to wait for so many seconds, whatever was wrong.
    Code(u32),
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

    /// How somebody stands who signs in under this user name at this address, in this browser.
    pub async fn standing_at(
        &self,
        username: &str,
        address: &str,
        browser: Option<&KnownBrowser>,
    ) -> Result<Standing, Refusal> {
        // No name is longer; a stranger's must not reach the database.
        if username.len() > 128 {
            return Ok(Standing::Stranger);
        }
        let mut tx = self.db.read().await?;
        let Some(account) = tx.accounts().by_username(username).await? else { return Ok(Standing::Stranger) };
        if browser.is_some_and(|browser| self.is_known_in(browser, &account)) {
            return Ok(Standing::KnownBrowser);
        }
        let place = self.place_of_account(account.institution_id, account.id.as_uuid(), address);
        if tx.known_places().is_known(place.institution, &place.key).await? {
            return Ok(Standing::Known);
        }
        let factor = tx.second_factors().of(account.id).await?;
        let is_on = factor.is_some_and(|row| row.confirmed_at.is_some());
        Ok(if is_on { Standing::SecondFactor } else { Standing::Stranger })
    }

    fn place(&self, institution: InstitutionId, purpose: &str, who: &[u8], address: &str) -> KnownPlace {
        let key = self.vault.mac(purpose, &[who, address.as_bytes()])[..16].to_vec();
        KnownPlace { institution, key }
    }
}
