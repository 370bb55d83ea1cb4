//! The operator's commands around proofs: verify, seal and export the audit; verify a file of ours anywhere; back the
//! hospital up, restore it, and verify what came of it.

use std::path::Path;

use super::{StartError, failed};
use crate::clock::{Clock, Ids};
use crate::config::Config;
use crate::domain::audit::Entry;
use crate::domain::hex::{hex, unhex};
use crate::domain::signature::Algorithm;
use crate::domain::time::Timestamp;
use crate::services::access::breach;
use crate::services::audit::Notary;
use crate::services::audit::witness::{WITNESS, Witness};
use crate::services::backup::{self, Hospital, Place};
use crate::services::recordings::{Archive, open_archive};
use crate::services::refusal::Refusal;
use crate::services::signing::Choice;
use crate::services::vault::Vault;
use crate::services::verifying::verify_export;
use crate::store::{Db, newest_step};

/// The database and the operator's secret, beside a server that may be running.
struct Office {
    db: Db,
    vault: Vault,
    ids: Ids,
    clock: Clock,
    signing: Algorithm,
}

impl Office {
    async fn open(config: &Config) -> Result<Self, StartError> {
        let clock = Clock::System;
        let ids = Ids::system(clock.clone());
        // A command makes no secret: with another one, every key would look like a stranger's.
        let secret = config.operator_secret().map_err(|e| StartError(e.to_string()))?;
        let secret = secret.ok_or_else(|| {
            let folder = config.data_dir.display();
            StartError(format!(
                "there is no key file of a server in {folder}: the first `yunzhen serve` makes it; is YUNZHEN_DATA_DIR another?"
            ))
        })?;
        let db = Db::open_unhurried(&config.database()).await;
        let db = db.map_err(|e| failed("the database cannot be opened")(&e))?;
        let missing = db.lacks().await.map_err(|e| failed("the database does not answer")(&e))?;
        if missing != 0 {
            return Err(StartError("the database is of another version; run `yunzhen migrate` first".to_owned()));
        }
        Ok(Self { db, vault: Vault::new(&secret, ids.clone()), ids, clock, signing: config.signing })
    }

    fn notary(&self) -> Notary<'_> {
        // The server's key signs, whatever this shell says: a command beside it is no operator's choice.
        Notary { db: &self.db, vault: &self.vault, ids: &self.ids, signing: Choice::Kept(self.signing) }
    }
}

fn undone(refusal: &Refusal) -> StartError {
    StartError(refusal.message.clone())
}

/// Verifies every institution's log and, until the first that does not hold, every signature; prints what was found.
///
/// # Errors
/// When all was read: with the first break.
pub async fn verify_audit(config: &Config) -> Result<(), StartError> {
    let office = Office::open(config).await?;
    verify_with(&office.notary(), &Witness::beside(&config.data_dir)).await
}

/// The same with an open database.
pub(super) async fn verify_with(notary: &Notary<'_>, witness: &Witness) -> Result<(), StartError> {
    let mut first_break = None;
    let (logs, testimony) = notary.verify_beside(witness).await.map_err(|refusal| undone(&refusal))?;
    if !testimony.is_there {
        println!("there is no {WITNESS} in the data folder: nothing outside of the database speaks for these logs");
    }
    if testimony.unread > 0 {
        println!("{WITNESS}: {} lines were cut off, or were not written by this server", testimony.unread);
    }
    for log in logs {
        match log.found {
            Ok(entries) => {
                println!("{}: whole, {entries} entries, {} sealed days", log.name, log.days);
                for (algorithm, fingerprint) in log.sealed_by {
                    println!("  sealed by the key {fingerprint} ({})", algorithm.name());
                }
                if let Some(seq) = log.signed_to {
                    println!("  its head is signed up to entry {seq}");
                }
                if let Some(seq) = log.witnessed_to {
                    println!("  {WITNESS} names it up to entry {seq}");
                }
            }
            Err(broken) => {
                println!("{}: BROKEN: {broken}", log.name);
                first_break = first_break.or(Some(broken));
            }
        }
    }
    match notary.verify_signatures().await.map_err(|refusal| undone(&refusal))? {
        Ok(count) => println!("signatures: {count}, all hold"),
        Err(subject) => {
            println!("signatures: BROKEN: that of {subject} does not hold");
            return Err(StartError("a signature does not hold".to_owned()));
        }
    }
    first_break.map_or(Ok(()), |broken| Err(StartError(format!("the audit log is broken: {broken}"))))
}

/// Seals the days that are over at once, without waiting for the tidying of the next hour.
pub async fn seal_audit(config: &Config) -> Result<(), StartError> {
    let office = Office::open(config).await?;
    let sealed = office.notary().seal_beside(office.clock.now(), &Witness::beside(&config.data_dir)).await;
    let sealed = sealed.map_err(|refusal| undone(&refusal))?;
    println!("{sealed} days sealed");
    Ok(())
}

/// Writes a sealed day of an institution to a file.
pub async fn export_audit(
    config: &Config,
    day: &str,
    institution: Option<&str>,
    file: &Path,
) -> Result<(), StartError> {
    let day = day.parse().map_err(|_| StartError(format!("{day} is no day such as 2026-11-24")))?;
    let office = Office::open(config).await?;
    let unread = |e: crate::store::StoreError| failed("the database does not answer")(&e);
    let all = office.db.read().await.map_err(unread)?.institutions().all().await.map_err(unread)?;
    let wanted = all.iter().filter(|row| {
        institution.is_none_or(|name| [&row.name_zh, &row.name_en, &row.id.to_string()].iter().any(|own| *own == name))
    });
    let [one] = wanted.collect::<Vec<_>>()[..] else {
        return Err(StartError("say --institution with the id or the whole name of one".to_owned()));
    };
    let text = office.notary().export(one.id, day).await;
    let text = text.map_err(|_| StartError(format!("the day {day} is not sealed, or its seal is broken")))?;
    super::write_private(file, text.as_bytes()).map_err(|e| failed("the file cannot be written")(&e))?;
    println!("{} written", file.display());
    Ok(())
}

/// Writes a table of the people whose data an account was shown between two moments, to be told of a breach; and writes
/// down in the log that it was made.
///
/// # Errors
/// When there is no such account, a moment cannot be read, or the file cannot be written.
pub async fn breach_notice(
    config: &Config,
    username: &str,
    between: (&str, &str),
    file: &Path,
) -> Result<(), StartError> {
    let moment = |text: &str| {
        let at = text.parse::<jiff::Timestamp>();
        let at = at.map_err(|_| StartError(format!("{text} is no moment such as 2026-11-24T08:00:00+08:00")))?;
        Ok::<_, StartError>(Timestamp::from_millis(at.as_millisecond()))
    };
    let (from, until) = (moment(between.0)?, moment(between.1)?);
    let office = Office::open(config).await?;
    let unread = |e: crate::store::StoreError| failed("the database does not answer")(&e);
    // Read without the right to write: the hospital goes on while a long log is read.
    let mut tx = office.db.read().await.map_err(unread)?;
    let account = tx.accounts().by_username(username).await.map_err(unread)?;
    let account = account.ok_or_else(|| StartError(format!("there is no account {username}")))?;
    let told = breach::notice(&mut tx, &office.vault, &account, from, until).await;
    let told = told.map_err(|refusal| undone(&refusal))?;
    drop(tx);
    let entry = Entry {
        at: office.clock.now(),
        actor: "operator".to_owned(),
        action: "breach.notice".to_owned(),
        subject: account.id.to_string(),
        purpose: None,
        detail: serde_json::json!({ "from": from, "until": until, "people": told.people }),
    };
    // No table without its line in the log.
    let mut tx = office.db.begin().await.map_err(unread)?;
    tx.audit().append(account.institution_id, &entry).await.map_err(unread)?;
    tx.commit().await.map_err(unread)?;
    super::write_private(file, told.csv.as_bytes()).map_err(|e| failed("the file cannot be written")(&e))?;
    println!("{}: {} people", file.display(), told.people);
    if told.unresolved > 0 {
        println!(
            "  {} reads lead to nobody by themselves: they stand at its end as the log names them",
            told.unresolved
        );
    }
    println!("  it holds names and telephone numbers: delete it when everybody was told");
    Ok(())
}

/// What a file was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verified {
    /// What it says it is, by the key that was named.
    Authentic,
    /// Whole in itself. Anybody's key makes such a file.
    KeyNotCompared,
}

/// Verifies an export without a server; authentic is only what the key of the fingerprint signed.
pub fn verify_file(file: &Path, key: Option<&str>) -> Result<Verified, StartError> {
    let text = std::fs::read_to_string(file).map_err(|e| failed("the file cannot be read")(&e))?;
    let proved = verify_export(&text, key).map_err(|e| failed("NOT authentic")(&e))?.to_string();
    if key.is_some() {
        println!("{proved}");
        return Ok(Verified::Authentic);
    }
    println!("whole, key not compared: {}", proved.strip_prefix("authentic: ").unwrap_or(&proved));
    println!(
        "compare the key with the one that the hospital publishes, or say --key: whoever makes a key makes such a file"
    );
    Ok(Verified::KeyNotCompared)
}

/// The key of backups: 32 bytes, raw or as 64 hexadecimal digits.
fn backup_key(file: &Path) -> Result<[u8; 32], StartError> {
    let bytes = std::fs::read(file).map_err(|e| failed("the key file cannot be read")(&e))?;
    let digits = std::str::from_utf8(&bytes).ok().and_then(|text| unhex(text.trim()));
    let key = digits.filter(|key| key.len() == 32).unwrap_or(bytes);
    key.try_into().map_err(|_| StartError("a key file holds 32 bytes, or their 64 hexadecimal digits".to_owned()))
}

fn films(config: &Config) -> Result<Archive, StartError> {
    let folder = config.data_dir.join("recordings");
    let archive = open_archive(config.recordings_url.as_deref(), &config.recordings_options(), &folder);
    archive.map_err(|e| failed("the store of recordings cannot be opened (YUNZHEN_RECORDINGS_URL)")(&e))
}

/// Backs the hospital up while it works. A key file that is not there is made: without it the backup is noise.
pub async fn backup(config: &Config, target: &Path, key_file: &Path) -> Result<(), StartError> {
    let office = Office::open(config).await?;
    if !key_file.exists() {
        let key = hex(&office.ids.secret::<32>());
        super::write_private(key_file, key.as_bytes()).map_err(|e| failed("the key file cannot be written")(&e))?;
        println!(
            "a key was made: {}. Keep it somewhere else; without it the backup opens for nobody",
            key_file.display()
        );
    }
    let key = backup_key(key_file)?;
    let archive = films(config)?;
    let hospital = Hospital { db: &office.db, data_dir: &config.data_dir, archive: &archive, ids: &office.ids };
    let told = backup::write(&hospital, office.clock.now(), &key, target).await;
    let told = told.map_err(|e| StartError(format!("no backup was written to {}: {e}", target.display())))?;
    println!("{}: {} files", target.display(), told.files);
    for place in told.gone {
        println!("  gone while it was made: {place}");
    }
    if config.secret.is_some() {
        println!("  YUNZHEN_SECRET is not in it: keep that, too");
    }
    Ok(())
}

/// Restores a backup into an empty place, and verifies what came of it.
pub async fn restore(config: &Config, source: &Path, key_file: &Path) -> Result<(), StartError> {
    super::make_folder(&config.data_dir)?;
    let key = backup_key(key_file)?;
    let ids = Ids::system(Clock::System);
    let archive = films(config)?;
    let unread = |e: crate::store::StoreError| failed("the database cannot be opened")(&e);
    let is_file = config.database().starts_with("sqlite:");
    let server = if is_file { None } else { Some(Db::open_unhurried(&config.database()).await.map_err(unread)?) };
    if let Some(db) = &server {
        db.migrate().await.map_err(|e| failed("the database cannot be brought up to date")(&e))?;
    }
    let file = config.database().trim_start_matches("sqlite:").trim_start_matches("//").to_owned();
    let step = newest_step(if is_file { "sqlite" } else { "postgres" });
    let place = Place {
        server: server.as_ref(),
        file: file.into(),
        data_dir: &config.data_dir,
        archive: &archive,
        step,
        ids: &ids,
    };
    let told = backup::read(source, &key, &place).await.map_err(|e| failed("nothing was restored")(&e))?;
    println!("{} files", told.files);
    if is_file {
        super::migrate(config).await?;
    }
    let office = Office::open(config).await?;
    let witness = Witness::beside(&config.data_dir);
    if !config.data_dir.join(WITNESS).exists() {
        println!("  there was no {WITNESS} in it: one begins now with what was restored");
        office.notary().bear_witness(&witness).await.map_err(|refusal| undone(&refusal))?;
    }
    verify_with(&office.notary(), &witness).await
}
