//! In which browser somebody is known: a cookie that only this server makes, after a whole sign-in. Its own guesses alone are
//! counted there, so that nobody else of the same network address, a hospital's most of all, keeps its owner out.
//!
//! It opens nothing and says nothing of anybody: chance bytes, and for each account a day and a keyed hash, which also takes in
//! the password's hash. With a new password all cookies of before are worth nothing, so that whoever once knew one has no
//! more of them to guess from. Nothing of it is kept here.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

use crate::domain::time::Timestamp;
use crate::services::Services;
use crate::services::vault::Vault;
use crate::store::AccountRow;

/// How long a browser is known in which nobody signs in any more; as long as a place.
pub const KNOWN_FOR: Duration = Duration::from_hours(DAYS * 24);
/// The same in days.
const DAYS: u64 = 180;
/// Accounts of one browser, the newest first: a desk that more people share forgets who has not signed in for longest.
const ACCOUNTS: usize = 8;

const ID: usize = 16;
const TAG: usize = 16;
const DAY: usize = 4;

/// One account in a browser: the day of its last sign-in there, and who.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    day: [u8; DAY],
    tag: [u8; TAG],
}

/// A browser as its cookie says, and as this server wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownBrowser {
    id: [u8; ID],
    entries: Vec<Entry>,
}

impl KnownBrowser {
    /// Which browser; chance.
    pub const fn id(&self) -> [u8; ID] {
        self.id
    }

    fn body(&self) -> Vec<u8> {
        let entries = self.entries.iter().flat_map(|entry| entry.day.into_iter().chain(entry.tag));
        self.id.into_iter().chain(entries).collect()
    }

    fn write(&self, vault: &Vault) -> String {
        let body = self.body();
        let seal = vault.mac("known-browser", &[&body]);
        URL_SAFE_NO_PAD.encode([&body[..], &seal[..TAG]].concat())
    }

    /// Reads a cookie that this server made.
    fn read(text: &str, vault: &Vault) -> Option<Self> {
        if text.len() > (ID + ACCOUNTS * (DAY + TAG) + TAG) * 4 / 3 + 2 {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (body, seal) = bytes.split_last_chunk::<TAG>()?;
        let (id, rest) = body.split_first_chunk::<ID>()?;
        let is_ours = bool::from(vault.mac("known-browser", &[body])[..TAG].ct_eq(seal));
        let entry = |bytes: &[u8]| {
            let (day, tag) = bytes.split_first_chunk::<DAY>()?;
            Some(Entry { day: *day, tag: tag.try_into().ok()? })
        };
        let entries = rest.chunks(DAY + TAG).map(entry).collect::<Option<Vec<_>>>()?;
        is_ours.then_some(Self { id: *id, entries })
    }

    fn tag(&self, vault: &Vault, account: &AccountRow, day: [u8; DAY]) -> [u8; TAG] {
        let hash = account.password_hash.as_bytes();
        let mac = vault.mac("known-browser-account", &[&self.id, account.id.as_uuid().as_bytes(), &day, hash]);
        mac[..TAG].try_into().expect("a MAC is longer")
    }

    fn is_of(&self, vault: &Vault, account: &AccountRow, entry: Entry) -> bool {
        bool::from(self.tag(vault, account, entry.day).ct_eq(&entry.tag))
    }

    /// Whether somebody has signed in to this account here, lately and with its present password.
    fn knows(&self, vault: &Vault, account: &AccountRow, today: u32) -> bool {
        self.entries.iter().any(|entry| is_recent(entry.day, today) && self.is_of(vault, account, *entry))
    }

    /// The same browser, in which somebody has just signed in to `account`.
    fn with(self, vault: &Vault, account: &AccountRow, today: u32) -> Self {
        let day = today.to_be_bytes();
        let newest = Entry { day, tag: self.tag(vault, account, day) };
        let others =
            self.entries.iter().filter(|entry| is_recent(entry.day, today) && !self.is_of(vault, account, **entry));
        let entries = std::iter::once(newest).chain(others.copied()).take(ACCOUNTS).collect();
        Self { id: self.id, entries }
    }
}

fn is_recent(day: [u8; DAY], today: u32) -> bool {
    u64::from(today.saturating_sub(u32::from_be_bytes(day))) < DAYS
}

fn day_of(now: Timestamp) -> u32 {
    u32::try_from(now.as_millis() / 86_400_000).unwrap_or(0)
}

impl Services {
    /// The browser of a cookie that this server made.
    pub fn browser_of(&self, cookie: &str) -> Option<KnownBrowser> {
        KnownBrowser::read(cookie, &self.vault)
    }

    /// Whether somebody is known in it as this account.
    pub(in crate::services) fn is_known_in(&self, browser: &KnownBrowser, account: &AccountRow) -> bool {
        browser.knows(&self.vault, account, day_of(self.clock.now()))
    }

    /// The cookie of a browser, or of a new one, in which somebody has just proved to be this account.
    pub(in crate::services) fn cookie_of(&self, browser: Option<KnownBrowser>, account: &AccountRow) -> String {
        let browser = browser.unwrap_or_else(|| KnownBrowser { id: self.ids.secret(), entries: Vec::new() });
        browser.with(&self.vault, account, day_of(self.clock.now())).write(&self.vault)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::clock::{Clock, Ids};
    use crate::domain::ids::{AccountId, InstitutionId};
    use crate::domain::people::Role;

    fn account(n: u128, password_hash: &str) -> AccountRow {
        let text = String::new;
        AccountRow {
            id: AccountId::from_uuid(Uuid::from_u128(n)),
            institution_id: InstitutionId::from_uuid(Uuid::nil()),
            username: text(),
            password_hash: password_hash.to_owned(),
            role: Role::Doctor,
            name_zh: text(),
            name_en: text(),
            title_zh: text(),
            title_en: text(),
            active: true,
            licence_until: None,
            created_at: Timestamp::from_millis(0),
        }
    }

    fn vault(secret: u8) -> Vault {
        Vault::new(&[secret; 32], Ids::seeded(Clock::manual(Timestamp::from_millis(0)), 1))
    }

    fn new() -> KnownBrowser {
        KnownBrowser { id: [3; ID], entries: Vec::new() }
    }

    #[test]
    fn a_browser_knows_the_last_eight_accounts_for_half_a_year_and_none_whose_password_is_another() {
        let vault = vault(7);
        let (one, renewed) = (account(1, "hash"), account(1, "other"));
        let browser = new().with(&vault, &one, 1_000);
        let browser = KnownBrowser::read(&browser.write(&vault), &vault).unwrap();
        assert!(browser.knows(&vault, &one, 1_179) && !browser.knows(&vault, &one, 1_180));
        assert!(!browser.knows(&vault, &renewed, 1_000) && !browser.knows(&vault, &account(2, "hash"), 1_000));
        let shared = (2..=9).fold(browser.clone(), |browser, n| browser.with(&vault, &account(n, "hash"), 1_001));
        assert!(!shared.knows(&vault, &one, 1_001), "the ninth has taken its place");
        assert_eq!(shared.clone().with(&vault, &account(5, "hash"), 1_002).entries.len(), ACCOUNTS);
        assert!(shared.write(&vault).len() < 300);
        assert_eq!(KnownBrowser::read(&shared.write(&vault), &vault), Some(shared));
    }

    #[test]
    fn no_account_is_moved_from_one_cookie_to_another() {
        let (vault, other) = (vault(7), vault(8));
        let (mine, theirs) = (account(1, "hash"), account(2, "hash"));
        let known = new().with(&vault, &theirs, 1_000);
        let moved = KnownBrowser { id: [4; ID], ..known };
        assert!(!moved.knows(&vault, &theirs, 1_000));
        let text = new().with(&vault, &mine, 1_000).write(&other);
        assert_eq!(KnownBrowser::read(&text, &vault), None, "of another server");
    }

    proptest! {
        #[test]
        fn what_strangers_write_is_no_cookie(text in ".{0,400}") {
            prop_assert_eq!(KnownBrowser::read(&text, &vault(7)), None);
        }
    }
}
