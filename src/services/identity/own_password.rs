//! The own password, which nobody else chooses: the first one was printed, and whoever read it over a shoulder must not
//! keep it.

use serde_json::{Map, Value};

use crate::clock::Ids;
use crate::domain::audit::Entry;
use crate::domain::permission::StaffAct;
use crate::domain::time::Timestamp;
use crate::protocol::error::ErrorCode;
use crate::services::Services;
use crate::services::hospital::charter::password as first;
use crate::services::identity::known_browsers::KnownBrowser;
use crate::services::identity::own_sessions::end_all;
use crate::services::identity::passwords::{PASSWORD_LIMIT, hash_password};
use crate::services::refusal::Refusal;
use crate::store::{AccountRow, Db};

/// The fewest letters of a password (GB/T 22239 names none; NIST SP 800-63B-4 asks for fifteen where it stands alone and
/// for eight beside a second factor).
const FEWEST: usize = 10;

/// A new first password for an account, whose sessions all end; `None` where there is no such account.
pub async fn renew_password(db: &Db, ids: &Ids, now: Timestamp, username: &str) -> Result<Option<String>, Refusal> {
    let password = first(ids.secret());
    let hash = hash_password(&password, &ids.secret::<16>())?;
    let mut tx = db.begin().await?;
    let Some(account) = tx.accounts().by_username(username).await? else { return Ok(None) };
    tx.accounts().hold(account.id).await?;
    tx.accounts().set_password(account.id, &hash).await?;
    for row in tx.sessions().of_staff(account.id, now).await? {
        tx.sessions().revoke(row.id, now).await?;
    }
    let (actor, action, subject) = ("operator".to_owned(), "password.renew".to_owned(), account.id.to_string());
    let entry = Entry { at: now, actor, action, subject, purpose: None, detail: Value::Object(Map::new()) };
    tx.audit().append(account.institution_id, &entry).await?;
    tx.commit().await?;
    Ok(Some(password))
}

impl Services {
    /// The account of whoever sits there and knows its password.
    ///
    /// # Errors
    /// [`ErrorCode::BadCredentials`] at `password` for everybody else.
    pub(in crate::services) async fn who_knows_the_password(
        &self,
        act: StaffAct,
        password: String,
    ) -> Result<AccountRow, Refusal> {
        let account = self.db.read().await?.accounts().find(act.account).await?.ok_or_else(Refusal::not_found)?;
        let is_right = (1..=PASSWORD_LIMIT).contains(&password.chars().count())
            && self.passwords.verify_own(account.password_hash.clone(), password).await?;
        if !is_right {
            return Err(Refusal::field(ErrorCode::BadCredentials, "password", "this is not the password"));
        }
        Ok(account)
    }

    /// Changes the own password and ends every other session of the account: `POST /auth/password`. The cookie says that this
    /// `browser` is known under the new one.
    ///
    /// # Errors
    /// [`ErrorCode::BadCredentials`] where `password` is not the present one, [`ErrorCode::PasswordWeak`] where the new one
    /// is short, known from breaches, made of the own name, or the present one.
    pub async fn change_password(
        &self,
        act: StaffAct,
        password: String,
        new: String,
        browser: Option<KnownBrowser>,
    ) -> Result<String, Refusal> {
        if new.chars().count() > PASSWORD_LIMIT {
            return Err(weak());
        }
        let account = self.who_knows_the_password(act, password.clone()).await?;
        let names = [account.username.as_str(), &account.name_en, &account.name_zh];
        if new == password || !is_strong(&new, &names) {
            return Err(weak());
        }
        let hash = self.passwords.hash(new, self.ids.secret()).await?;
        let mut work = self.begin().await?;
        // Of two who know the old one, one changes it.
        if !work.tx.accounts().change_password(act.account, &account.password_hash, &hash).await? {
            return Err(Refusal::field(ErrorCode::BadCredentials, "password", "this is not the password any more"));
        }
        let ended = end_all(&mut work, act.institution, act.account, Some(act.session)).await?;
        let own = act.account.to_string();
        work.audit(act.institution, &own, "password.change", &own).await?;
        work.commit().await?;
        self.leave_seats(&ended).await;
        Ok(self.cookie_of(browser, &AccountRow { password_hash: hash, ..account }))
    }
}

fn weak() -> Refusal {
    let words = "ten letters or more, nothing that is guessed: no name, no common word, not the present one";
    Refusal::field(ErrorCode::PasswordWeak, "new", words)
}

/// Whether a password is long enough, also without `names` in it, and not among those that are guessed first: known from
/// breaches, on a row of the keyboard, a date.
fn is_strong(password: &str, names: &[&str]) -> bool {
    let is_named = |name: &&&str| !name.is_empty();
    let nameless = names
        .iter()
        .filter(is_named)
        .fold(password.to_lowercase(), |text, name| text.replace(&name.to_lowercase(), ""));
    let is_long = nameless.chars().count() >= FEWEST && password.chars().count() <= PASSWORD_LIMIT;
    is_long && zxcvbn::zxcvbn(password, names).score() >= zxcvbn::Score::Three
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_guessed_first_is_weak() {
        for weak in [
            "",
            "x7#Kq",
            "password123",
            "1234567890",
            "qwertyuiop",
            "zhangsan1988",
            "aaaaaaaaaaaa",
            "2026-11-30",
            "ZhangSan-ZhangSan",
        ] {
            assert!(!is_strong(weak, &["zhangsan"]), "{weak}");
        }
    }

    #[test]
    fn a_first_password_and_a_sentence_are_strong() {
        for strong in ["k7mq-x3tz-9bde-wwpa", "清晨的雾里有三只白鹭", "three herons stand in fog"] {
            assert!(is_strong(strong, &["zhangsan"]), "{strong}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_judgement(text in any::<String>(), name in any::<String>()) {
            let is_long = text.chars().count() >= FEWEST;
            prop_assert!(!is_strong(&text, &[&name]) || is_long);
        }
    }
}
