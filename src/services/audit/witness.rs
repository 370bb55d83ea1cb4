//! A file beside the database that names what the audit was: each day as it was sealed, each head as it was signed.
//!
//! Everything else that speaks for the log is in the database, and whoever may write there can take it away together. The
//! file is appended to after each commit that made a seal or a head, in the data folder of the server that made it; every
//! line has a MAC by the operator's secret. Whoever has the database, the folder and the secret can still write all anew.

use std::collections::HashMap;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::domain::audit::checkpoint::Checkpoint;
use crate::domain::audit::day::{Break, DaySeal, What};
use crate::domain::hex::hex;
use crate::domain::ids::InstitutionId;
use crate::domain::signature::signed_text;
use crate::domain::time::Timestamp;
use crate::services::Services;
use crate::services::audit::Notary;
use crate::services::private;
use crate::services::refusal::Refusal;
use crate::services::vault::Vault;
use crate::store::Tx;

/// Its name in the data folder.
pub const WITNESS: &str = "audit-witness.ndjson";

/// What the file says of a log at one time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Whose log.
    pub institution: String,
    /// The number of its newest entry then.
    pub seq: i64,
    /// That entry's hash.
    pub head_hash: String,
    /// The day that was sealed up to there, where one was.
    pub day: Option<String>,
    /// The root of that day.
    pub root: Option<String>,
    /// When the seal or the head was made.
    pub at: Timestamp,
}

/// A statement with what shows that this server made it.
#[derive(Serialize, Deserialize)]
struct Line {
    #[serde(flatten)]
    statement: Statement,
    mac: String,
}

impl Statement {
    fn of_day(seal: &DaySeal, at: Timestamp) -> Self {
        Self {
            institution: seal.institution.clone(),
            seq: seal.last,
            head_hash: seal.head_hash.clone(),
            day: Some(seal.day.to_string()),
            root: Some(seal.root.clone()),
            at,
        }
    }

    fn of_head(point: Checkpoint) -> Self {
        let Checkpoint { institution, seq, head_hash, at } = point;
        Self { institution, seq, head_hash, day: None, root: None, at }
    }

    fn mac(&self, vault: &Vault) -> String {
        let (seq, at) = (self.seq.to_string(), self.at.as_millis().to_string());
        let words = signed_text(&[
            ("institution", &self.institution),
            ("seq", &seq),
            ("head_hash", &self.head_hash),
            ("day", self.day.as_deref().unwrap_or_default()),
            ("root", self.root.as_deref().unwrap_or_default()),
            ("at", &at),
        ]);
        hex(&vault.mac("audit-witness", &[words.as_bytes()]))
    }

    fn line(&self, vault: &Vault) -> String {
        let line = Line { statement: self.clone(), mac: self.mac(vault) };
        format!("{}\n", serde_json::json!(line))
    }

    fn says(&self, seal: &DaySeal) -> bool {
        (self.seq, &self.head_hash, self.root.as_ref()) == (seal.last, &seal.head_hash, Some(&seal.root))
    }
}

/// What a file was found to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Testimony {
    /// Whether there is a file.
    pub is_there: bool,
    /// What this server said, oldest first.
    pub statements: Vec<Statement>,
    /// Lines that this server did not write so: half written when the machine fell, or changed.
    pub unread: usize,
}

impl Testimony {
    /// What is said of one log.
    pub(crate) fn of(&self, institution: InstitutionId) -> Vec<&Statement> {
        let name = institution.to_string();
        self.statements.iter().filter(|one| one.institution == name).collect()
    }

    /// The heads that are named of one log, by their numbers.
    pub(crate) fn heads(&self, institution: InstitutionId) -> Vec<Checkpoint> {
        // A day without entries before the first has no head.
        let named = self.of(institution).into_iter().filter(|one| one.seq > 0);
        let mut heads: Vec<Checkpoint> = named
            .map(|one| Checkpoint {
                institution: one.institution.clone(),
                seq: one.seq,
                head_hash: one.head_hash.clone(),
                at: one.at,
            })
            .collect();
        heads.sort_by_key(|head| head.seq);
        heads
    }

    /// The first day whose seal is another than is said, or is gone.
    pub(crate) fn other_day(&self, institution: InstitutionId, seals: &[DaySeal]) -> Option<Break> {
        self.of(institution).into_iter().find_map(|one| {
            let day = one.day.as_ref()?.parse().ok()?;
            let is_so = seals.iter().any(|seal| seal.day == day && one.says(seal));
            (!is_so).then_some(Break { day: Some(day), seq: one.seq, what: What::Witness })
        })
    }
}

/// The file.
#[derive(Clone, Debug)]
pub struct Witness(PathBuf);

impl Witness {
    /// In the data folder.
    pub fn beside(data_dir: &Path) -> Self {
        Self(data_dir.join(WITNESS))
    }

    /// Reads it; one that is not there says nothing.
    pub fn read(&self, vault: &Vault) -> io::Result<Testimony> {
        let text = match std::fs::read(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Testimony::default()),
            other => String::from_utf8_lossy(&other?).into_owned(),
        };
        let mut testimony = Testimony { is_there: true, ..Testimony::default() };
        for line in text.lines().filter(|line| !line.is_empty()) {
            let read = serde_json::from_str::<Line>(line).ok();
            match read.filter(|read| read.statement.mac(vault) == read.mac) {
                Some(read) => testimony.statements.push(read.statement),
                None => testimony.unread += 1,
            }
        }
        Ok(testimony)
    }

    /// Adds to its end, for this account alone.
    fn append(&self, vault: &Vault, statements: &[Statement]) -> io::Result<()> {
        let mut file = private::options().create(true).append(true).read(true).open(&self.0)?;
        let mut text: String = statements.iter().map(|one| one.line(vault)).collect();
        let mut last = [b'\n'];
        if file.metadata()?.len() > 0 {
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
        }
        if last != [b'\n'] {
            // The machine fell within a line.
            text.insert(0, '\n');
        }
        // One write: the lines of two that write at once do not mix.
        file.write_all(text.as_bytes())?;
        file.sync_data()
    }
}

fn unread(error: &io::Error) -> Refusal {
    Refusal::internal(&format!("the file beside the database cannot be read: {error}"))
}

impl Notary<'_> {
    /// What the file says; where it cannot be read, nothing is proved.
    pub(crate) fn testimony(&self, witness: &Witness) -> Result<Testimony, Refusal> {
        witness.read(self.vault).map_err(|error| unread(&error))
    }

    /// The logs that are not what the file says of them. Only the newest entry that it names is looked at and every day:
    /// what is before that entry follows from its hash.
    pub(crate) async fn contradicted(&self, testimony: &Testimony) -> Result<HashMap<InstitutionId, Break>, Refusal> {
        let mut tx = self.db.read().await?;
        let mut found = HashMap::new();
        for institution in tx.institutions().all().await? {
            if let Some(broken) = contradiction(&mut tx, institution.id, testimony).await? {
                tracing::error!(institution.id = %institution.id, %broken, "the audit is not what the file beside the database says");
                found.insert(institution.id, broken);
            }
        }
        Ok(found)
    }

    /// The same after a commit, which stands whatever becomes of the file; the next hour tries it again.
    pub(crate) async fn name_beside(&self, witness: &Witness) {
        if self.bear_witness(witness).await.is_err() {
            tracing::error!("the heads of the audit are in the database alone");
        }
    }

    /// Writes into the file what the database has and it lacks: every day, and the newest head. Nothing of a log that it
    /// contradicts. How many lines.
    pub async fn bear_witness(&self, witness: &Witness) -> Result<usize, Refusal> {
        let testimony = self.testimony(witness)?;
        let contradicted = self.contradicted(&testimony).await?;
        let mut tx = self.db.read().await?;
        let mut lacking = Vec::new();
        for institution in tx.institutions().all().await? {
            if contradicted.contains_key(&institution.id) {
                continue;
            }
            let said = testimony.of(institution.id);
            for (seal, at) in tx.audit_days().all(institution.id).await? {
                let day = seal.day.to_string();
                if !said.iter().any(|one| one.day.as_ref() == Some(&day)) {
                    lacking.push(Statement::of_day(&seal, at));
                }
            }
            let head = tx.audit_days().last_checkpoint(institution.id).await?;
            lacking.extend(head.filter(|head| !said.iter().any(|one| one.seq >= head.seq)).map(Statement::of_head));
        }
        drop(tx);
        if lacking.is_empty() {
            return Ok(0);
        }
        if !testimony.is_there {
            tracing::warn!(
                "there was no file that names the heads of the audit; it begins now with what the database says"
            );
        }
        let written = witness.append(self.vault, &lacking);
        written.map_err(|e| Refusal::internal(&format!("the file beside the database cannot be written: {e}")))?;
        Ok(lacking.len())
    }
}

async fn contradiction(
    tx: &mut Tx,
    institution: InstitutionId,
    testimony: &Testimony,
) -> Result<Option<Break>, Refusal> {
    let seals: Vec<DaySeal> = tx.audit_days().all(institution).await?.into_iter().map(|(seal, _)| seal).collect();
    if let Some(broken) = testimony.other_day(institution, &seals) {
        return Ok(Some(broken));
    }
    let Some(newest) = testimony.heads(institution).pop() else { return Ok(None) };
    let page = tx.audit().page(institution, newest.seq - 1).await?;
    let is_so = page.first().is_some_and(|entry| entry.seq == newest.seq && entry.hash == newest.head_hash);
    Ok((!is_so).then_some(Break { day: None, seq: newest.seq, what: What::Witness }))
}

impl Services {
    pub(crate) fn witness(&self) -> Witness {
        Witness::beside(&self.config.data_dir)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, Ids};

    fn vault(secret: u8) -> Vault {
        Vault::new(&[secret; 32], Ids::seeded(Clock::manual(Timestamp::from_millis(1)), 1))
    }

    fn head(seq: i64) -> Statement {
        let at = Timestamp::from_millis(seq);
        Statement { institution: "institution_1".into(), seq, head_hash: "aa".into(), day: None, root: None, at }
    }

    #[test]
    fn what_is_written_is_read_after_a_line_that_was_cut_off_and_nothing_by_another_hand() {
        let folder = tempfile::tempdir().unwrap();
        let witness = Witness::beside(folder.path());
        assert_eq!(witness.read(&vault(1)).unwrap(), Testimony::default());
        witness.append(&vault(1), &[head(1), head(2)]).unwrap();
        let path = folder.path().join(WITNESS);
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 9]).unwrap();
        witness.append(&vault(1), &[head(3)]).unwrap();
        // By another secret, and with another number.
        witness.append(&vault(2), &[head(4)]).unwrap();
        let forged = head(5).line(&vault(1)).replace("\"seq\":5", "\"seq\":6");
        std::fs::write(&path, std::fs::read_to_string(&path).unwrap() + &forged).unwrap();
        let read = witness.read(&vault(1)).unwrap();
        assert_eq!((read.is_there, read.statements, read.unread), (true, vec![head(1), head(3)], 3));
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(path).unwrap()) & 0o777, 0o600);
    }
}
