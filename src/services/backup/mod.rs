//! The hospital in one sealed file, while it works; and a hospital from such a file.
//!
//! First the spool of films that wait to be stored: whatever leaves it from then on has its row in the database when that is
//! copied. Then the database, one moment of it; then the other files, of which there may be more by then than that moment
//! knows, but never fewer: a picture's row is written after its file. Retention goes the other way, the file first, and the copy
//! may know what has gone since: that is named in the backup. What is old enough to go was known before the backup began. A
//! film that is in the spool and in the database is stored once: its row names it.

mod container;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use self::container::{Opener, Sealer};
use crate::clock::Ids;
use crate::domain::time::Timestamp;
use crate::services::audit::witness::WITNESS;
use crate::services::private;
use crate::services::recordings::Archive;
use crate::store::{Copied, Db, POSTGRES_FOLDER, SQLITE_NAME, StoreError, newest_step};

const PICTURES: &str = "attachments/";
const FILMS: &str = "recordings/";
const SPOOL: &str = "spool/";
const SECRET: &str = "secret.key";
/// The longest head of an entry.
const HEAD: usize = 64 * 1024;

/// Why there is no backup, or no hospital from it.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The disk, or a file that is no backup, was changed, or has another key.
    #[error("{0}")]
    File(#[from] io::Error),
    /// The store of films.
    #[error("the store of recordings: {0}")]
    Films(String),
    /// There is a hospital already.
    #[error("there is something in {0} already; a backup is restored into an empty place")]
    Used(String),
    /// The backup is of the other kind of database, or of a newer program.
    #[error("{0}")]
    Other(String),
}

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// When it was begun.
    pub at: Timestamp,
    /// `sqlite` or `postgres`.
    pub database: String,
    /// The newest step of its tables.
    pub step: i64,
}

/// What was written or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Of when it is.
    pub at: Timestamp,
    /// Files of every kind.
    pub files: usize,
    /// Pictures and films that were removed while the backup was made.
    pub gone: Vec<String>,
}

/// An entry's head; its bytes follow.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    size: u64,
}

/// The hospital that is backed up.
pub struct Hospital<'a> {
    /// Its database.
    pub db: &'a Db,
    /// Its folder.
    pub data_dir: &'a Path,
    /// Its films.
    pub archive: &'a Archive,
    /// For nonces.
    pub ids: &'a Ids,
}

fn kind(db: &Db) -> &'static str {
    match db {
        Db::Sqlite { .. } => "sqlite",
        Db::Postgres(_) => "postgres",
    }
}

/// A folder for what is in clear for a while; it goes with this value.
struct Scratch(PathBuf);

impl Scratch {
    fn make(within: &Path, ids: &Ids) -> io::Result<Self> {
        let folder = within.join(format!("copying-{}", ids.uuid().simple()));
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is at least for this account alone.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

struct Writer {
    sealer: Sealer<BufWriter<File>>,
    files: usize,
}

impl Writer {
    fn head(&mut self, head: &impl Serialize) -> io::Result<()> {
        let head = serde_json::to_vec(head)?;
        let length = u32::try_from(head.len()).map_err(io::Error::other)?;
        self.sealer.write_all(&length.to_be_bytes())?;
        self.sealer.write_all(&head)
    }

    fn file(&mut self, name: &str, path: &Path) -> io::Result<()> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        self.head(&Entry { name: name.to_owned(), size })?;
        // A file that grows meanwhile is taken as long as it was.
        let copied = io::copy(&mut file.take(size), &mut self.sealer)?;
        if copied < size {
            return Err(io::Error::other(format!("{name} became shorter while it was read")));
        }
        self.files += 1;
        Ok(())
    }
}

/// Writes a backup of a hospital that goes on working.
pub async fn write(hospital: &Hospital<'_>, at: Timestamp, key: &[u8; 32], target: &Path) -> Result<Told, BackupError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(target)?;
    let written = write_to(hospital, at, key, file).await;
    if written.is_err() {
        // Half a backup is none.
        let _ = std::fs::remove_file(target);
    }
    written
}

async fn write_to(hospital: &Hospital<'_>, at: Timestamp, key: &[u8; 32], file: File) -> Result<Told, BackupError> {
    // Beside the database, where what it holds may be in clear for a while.
    let copies = Scratch::make(hospital.data_dir, hospital.ids)?;
    let sealer = Sealer::begin(BufWriter::new(file), key, hospital.ids.clone())?;
    let mut writer = Writer { sealer, files: 0 };
    let database = kind(hospital.db).to_owned();
    let step = newest_step(&database);
    writer.head(&Manifest { at, database, step })?;
    for path in files_in(&hospital.data_dir.join("spool"))? {
        // One that grew when it was listed may be closed by now, and one that was closed may be stored.
        for path in [path.clone(), path.with_extension("done")] {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            match writer.file(&format!("{SPOOL}{name}"), &path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                other => {
                    other?;
                    break;
                }
            }
        }
    }
    // Before the database: what it names is in the copy.
    let witness = hospital.data_dir.join(WITNESS);
    if witness.exists() {
        writer.file(WITNESS, &witness)?;
    }
    // What is known now and goes before it is read may have its row in the copy: somebody has to say so.
    let mut tx = hospital.db.read().await?;
    let drawn = tx.messages().all_attachments().await?.into_iter().map(|id| id.as_uuid().simple().to_string());
    let mut drawn: BTreeSet<String> = drawn.collect();
    let mut places: BTreeSet<String> = tx.recordings().all_places().await?.into_iter().collect();
    drop(tx);
    for Copied { name, path } in hospital.db.copy_to(&copies.0).await? {
        writer.file(&name, &path)?;
        std::fs::remove_file(path)?;
    }
    let secret = hospital.data_dir.join(SECRET);
    if secret.exists() {
        writer.file(SECRET, &secret)?;
    }
    let mut gone = Vec::new();
    let pictures = hospital.data_dir.join("attachments");
    let there = files_in(&pictures)?;
    drawn.extend(there.iter().filter_map(|path| path.file_name().and_then(|name| name.to_str()).map(str::to_owned)));
    for name in drawn {
        let path = pictures.join(&name);
        let name = format!("{PICTURES}{name}");
        match writer.file(&name, &path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => gone.push(name),
            other => other?,
        }
    }
    places.extend(hospital.archive.list().await.map_err(|e| BackupError::Films(e.to_string()))?);
    for place in places {
        let copy = copies.0.join("film");
        if hospital.archive.copy_out(&place, &copy).await.map_err(|e| BackupError::Films(e.to_string()))? {
            writer.file(&format!("{FILMS}{place}"), &copy)?;
            std::fs::remove_file(copy)?;
        } else {
            gone.push(format!("{FILMS}{place}"));
        }
    }
    writer.head(&serde_json::json!({ "gone": gone }))?;
    let files = writer.files;
    let file = writer.sealer.end()?.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    Ok(Told { at, files, gone })
}

fn files_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// Where a hospital comes to be.
pub struct Place<'a> {
    /// An empty, migrated PostgreSQL; nothing where the database is a file.
    pub server: Option<&'a Db>,
    /// The file of a SQLite.
    pub file: PathBuf,
    /// An empty folder.
    pub data_dir: &'a Path,
    /// The store of films.
    pub archive: &'a Archive,
    /// The newest step that this program knows.
    pub step: i64,
    /// For the names of folders.
    pub ids: &'a Ids,
}

/// Reads a backup into an empty place. Nothing is in force before its last byte has been read and found whole.
pub async fn read(source: &Path, key: &[u8; 32], place: &Place<'_>) -> Result<Told, BackupError> {
    let used = |path: &Path| BackupError::Used(path.display().to_string());
    if place.server.is_none() && place.file.exists() {
        return Err(used(&place.file));
    }
    for name in [SECRET, WITNESS, "attachments", "spool"] {
        let path = place.data_dir.join(name);
        if path.exists() && !(path.is_dir() && files_in(&path)?.is_empty()) {
            return Err(used(&path));
        }
    }
    if let Some(db) = place.server
        && db.is_used().await?
    {
        return Err(BackupError::Used("the database".to_owned()));
    }
    let copies = Scratch::make(place.data_dir, place.ids)?;
    let mut opener = Opener::begin(BufReader::new(File::open(source)?), key)?;
    let manifest: Manifest = head(&mut opener)?;
    let wanted = if place.server.is_some() { "postgres" } else { "sqlite" };
    if manifest.database != wanted {
        return Err(BackupError::Other(format!("this is a backup of {}, and not of {wanted}", manifest.database)));
    }
    if manifest.step > place.step || (place.server.is_some() && manifest.step != place.step) {
        let words = "the backup was made by another release; restore it with that one, and bring it up to date then";
        return Err(BackupError::Other(words.to_owned()));
    }
    // Everything is read into a folder first: what is cut off or changed at its end has changed nothing here.
    let mut entries: Vec<(String, PathBuf)> = Vec::new();
    let gone = loop {
        let next: serde_json::Value = head(&mut opener)?;
        if let Some(gone) = next.get("gone") {
            break serde_json::from_value(gone.clone()).map_err(io::Error::from)?;
        }
        let Entry { name, size } = serde_json::from_value(next).map_err(io::Error::from)?;
        if !is_ours(&name) {
            return Err(BackupError::Other(format!("the backup holds {name}, which no backup holds")));
        }
        let path = copies.0.join(entries.len().to_string());
        let mut file = private(&path)?;
        if io::copy(&mut (&mut opener).take(size), &mut file)? < size {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the backup ends within a file").into());
        }
        file.sync_all()?;
        entries.push((name, path));
    };
    if opener.read(&mut [0])? > 0 {
        return Err(BackupError::Other("there is more in the backup than it says".to_owned()));
    }
    for folder in ["attachments", "spool"] {
        private::folder(&place.data_dir.join(folder))?;
    }
    let mut tables = Vec::new();
    let files = entries.len();
    for (name, path) in entries {
        if name == SQLITE_NAME {
            std::fs::rename(path, &place.file)?;
        } else if name.starts_with(POSTGRES_FOLDER) {
            tables.push(Copied { name, path });
        } else if let Some(film) = name.strip_prefix(FILMS) {
            place.archive.copy_in(film, &path).await.map_err(|e| BackupError::Films(e.to_string()))?;
        } else {
            std::fs::rename(path, place.data_dir.join(&name))?;
        }
    }
    if let Some(db) = place.server {
        db.fill_from(&tables).await?;
    }
    Ok(Told { at: manifest.at, files, gone })
}

fn head<T: serde::de::DeserializeOwned>(opener: &mut impl Read) -> io::Result<T> {
    let mut length = [0; 4];
    opener.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_be_bytes(length)).map_err(io::Error::other)?;
    if length > HEAD {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a head is too long"));
    }
    let mut text = vec![0; length];
    opener.read_exact(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

fn private(path: &Path) -> io::Result<File> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Whether an entry may be written: nothing leads out of the hospital's own folders.
fn is_ours(name: &str) -> bool {
    let plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    let single = |rest: &str| !rest.is_empty() && !rest.contains('/');
    let known = name == SQLITE_NAME
        || name == SECRET
        || name == WITNESS
        || name.strip_prefix(POSTGRES_FOLDER).is_some_and(single)
        || [PICTURES, SPOOL].iter().any(|folder| name.strip_prefix(folder).is_some_and(single))
        || name.strip_prefix(FILMS).is_some_and(|rest| !rest.is_empty());
    plain && known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_backup_is_written_beside_the_hospital() {
        for name in [
            "yunzhen.db",
            "secret.key",
            "audit-witness.ndjson",
            "attachments/0190",
            "recordings/2026/film",
            "postgres/visit",
            "spool/a.done",
        ] {
            assert!(is_ours(name), "{name}");
        }
        for name in [
            "../x",
            "/etc/passwd",
            "attachments/../../x",
            "attachments/a/b",
            "spool/../x",
            "spool/",
            "demo.json",
            "recordings/",
        ] {
            assert!(!is_ours(name), "{name}");
        }
    }
}
