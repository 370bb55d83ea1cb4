//! From the spool into the object store: a file is closed, indexed, sealed anew and described by a row.
//!
//! A file that a crash cut off takes the same way; its index says so.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use object_store::buffered::BufWriter;
use object_store::path::Path as Place;
use object_store::{ObjectStore, ObjectStoreExt as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;

use super::sealed::{Kind, OVERHEAD, Opening, Reader, Seal, opening};
use super::spool::{Finished, Spool, hex};
use super::{RecordingRow, consent_to_record};
use crate::clock::Ids;
use crate::domain::ids::{RecordingId, VisitId};
use crate::domain::record::{Gap, GapCause, retain_until, webm};
use crate::domain::room::RoomPurpose;
use crate::domain::time::Timestamp;
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::vault::{Field, Vault};

/// How often it is tried again to store what could not be stored.
const AGAIN: Duration = Duration::from_mins(1);
/// How long an ending server waits for the last recordings; what comes later is stored by its next start.
const AT_END: Duration = Duration::from_secs(2);

/// Where finished recordings are.
pub struct Archive(Arc<dyn ObjectStore>);

/// What a file tells about itself, sealed with it.
#[derive(Debug, Serialize, Deserialize)]
struct Index {
    visit: VisitId,
    consent_version: String,
    consent_at: Timestamp,
    millis: u64,
    is_cut: bool,
    gaps: Vec<Gap>,
    /// The length of each chunk's content: with them a place in the film becomes a place in the file.
    chunks: Vec<u64>,
}

/// The store at `url`, with its options; a folder when there is no address.
pub fn open_archive(
    url: Option<&str>,
    options: &[(String, String)],
    folder: &Path,
) -> Result<Archive, object_store::Error> {
    let Some(url) = url else {
        std::fs::create_dir_all(folder)
            .map_err(|e| object_store::Error::Generic { store: "folder", source: e.into() })?;
        return Ok(Archive(Arc::new(object_store::local::LocalFileSystem::new_with_prefix(folder)?)));
    };
    let generic = |source| object_store::Error::Generic { store: "address", source };
    let url = reqwest::Url::parse(url).map_err(|error| generic(Box::new(error)))?;
    let (store, prefix) = object_store::parse_url_opts(&url, options.iter().cloned())?;
    Ok(Archive(Arc::new(object_store::prefix::PrefixStore::new(store, prefix))))
}

/// Why a recording could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error("the object store: {0}")]
    Store(#[from] object_store::Error),
    #[error("a chunk does not open")]
    Broken,
}

impl Archive {
    /// Bytes of a film in clear.
    pub(super) async fn read(
        &self,
        vault: &Vault,
        row: &RecordingRow,
        range: Range<u64>,
    ) -> Result<Vec<u8>, ReadError> {
        let place = Place::from(row.place.as_str());
        let stored = u64::try_from(row.stored_size).map_err(|_| ReadError::Broken)?;
        let key = vault.open(Field::RecordingKey, row.id.as_uuid(), &row.key_sealed).ok().and_then(|key| key_of(&key));
        let seal = Seal::new(row.id.as_uuid(), key.ok_or(ReadError::Broken)?);
        // The last sixteen bytes say where the chunks begin and where the index does.
        let tail = self.0.get_range(&place, stored.saturating_sub(16)..stored).await?;
        let number = |at: usize| tail.get(at..at + 8).and_then(|b| b.try_into().ok()).map(u64::from_be_bytes);
        let (first, index_at) = (number(0).ok_or(ReadError::Broken)?, number(8).ok_or(ReadError::Broken)?);
        let sealed = self.0.get_range(&place, index_at..stored.saturating_sub(16)).await?;
        let plain = seal.open(u64::MAX, &sealed).ok_or(ReadError::Broken)?.1;
        let index: Index = serde_json::from_slice(&plain).map_err(|_| ReadError::Broken)?;
        let (mut begin, mut at, mut bytes) = (0, first, Vec::new());
        for (sequence, length) in (0..).zip(&index.chunks) {
            let (end, next) = (begin + length, at + length + OVERHEAD);
            if end > range.start && begin < range.end {
                let sealed = self.0.get_range(&place, at..next).await?;
                let (_, plain) = seal.open(sequence, &sealed).ok_or(ReadError::Broken)?;
                let part = range.start.max(begin) - begin..range.end.min(end) - begin;
                let part = usize::try_from(part.start).unwrap_or(0)..usize::try_from(part.end).unwrap_or(0);
                bytes.extend_from_slice(plain.get(part).ok_or(ReadError::Broken)?);
            }
            (begin, at) = (end, next);
        }
        Ok(bytes)
    }
}

fn key_of(digits: &str) -> Option<[u8; 32]> {
    let pairs = digits.as_bytes().as_chunks::<2>().0.iter();
    let bytes: Option<Vec<u8>> = pairs.map(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok()).collect();
    bytes?.try_into().ok()
}

/// What the first reading of a file found.
struct Survey {
    opening: Opening,
    key: [u8; 32],
    millis: u64,
    is_cut: bool,
    gaps: Vec<Gap>,
    chunks: Vec<u64>,
    cues: Vec<webm::Cue>,
}

fn survey(path: &Path, vault: &Vault) -> std::io::Result<Survey> {
    let unwrap = |opening: &Opening| Spool::key(vault, opening);
    let (opening, mut reader) = Reader::open(path, unwrap)?;
    let key = unwrap(&opening).ok_or_else(|| std::io::Error::other("the key is another"))?;
    let mut found = Survey { opening, key, millis: 0, is_cut: true, gaps: vec![], chunks: vec![], cues: vec![] };
    while let Some((kind, plain)) = reader.next() {
        match kind {
            Kind::Head => found.chunks.push(plain.len() as u64),
            Kind::Cluster => {
                let place = found.chunks.iter().sum();
                let blocks = webm::blocks(&plain);
                let has_pictures = blocks.iter().any(|block| block.track == webm::PICTURES);
                let is_cue = |block: &&webm::Block| block.is_key && (!has_pictures || block.track == webm::PICTURES);
                if let Some(block) = blocks.iter().find(is_cue) {
                    found.cues.push(webm::Cue { at: block.at, track: block.track, place });
                }
                let last = blocks.iter().map(|block| block.at).max().unwrap_or(0);
                found.millis = found.millis.max(last + 20);
                found.chunks.push(plain.len() as u64);
            }
            Kind::Gaps => found.gaps.extend(serde_json::from_slice::<Vec<Gap>>(&plain).unwrap_or_default()),
            Kind::End => found.is_cut = false,
            Kind::Cues | Kind::Index => {}
        }
    }
    if found.is_cut {
        found.gaps.push(Gap { codec: None, from: found.millis, to: found.millis, cause: GapCause::Restart });
    }
    Ok(found)
}

impl Services {
    /// Stores recordings as they are finished; first those that an earlier process left behind.
    pub async fn keep_recordings(&self, mut finished: Finished) {
        let mut waiting = left_behind(&self.config.data_dir.join("spool"));
        let mut again = tokio::time::interval(AGAIN);
        loop {
            let at_end = async {
                self.shutdown.cancelled().await;
                tokio::time::sleep_until(tokio::time::Instant::now() + AT_END).await;
            };
            tokio::select! {
                path = finished.recv() => match path {
                    Some(path) => waiting.extend(self.unkept(vec![path]).await),
                    None => return,
                },
                _ = again.tick() => waiting = self.unkept(waiting).await,
                () = at_end => return,
            }
        }
    }

    /// Stores what it can; the rest stays in the spool.
    async fn unkept(&self, paths: Vec<PathBuf>) -> Vec<PathBuf> {
        let mut left = Vec::new();
        for path in paths {
            if let Err(refusal) = self.keep(&path).await {
                metrics::counter!("recordings_unstored_total").increment(1);
                tracing::error!(
                    code = refusal.code.as_str(),
                    "a recording was not stored; it stays in the spool folder and is tried again"
                );
                left.push(path);
            }
        }
        left
    }

    async fn keep(&self, path: &Path) -> Result<(), Refusal> {
        let (from, vault) = (path.to_path_buf(), self.vault.clone());
        let found = tokio::task::spawn_blocking(move || survey(&from, &vault)).await;
        let found = found.map_err(|e| Refusal::internal(&e))?.map_err(|e| Refusal::internal(&e))?;
        if found.chunks.len() < 2 {
            // Nothing was ever kept in it.
            return std::fs::remove_file(path).map_err(|e| Refusal::internal(&e));
        }
        let mut tx = self.db.read().await?;
        if tx.recordings().find(RecordingId::from_uuid(found.opening.id)).await?.is_some() {
            // It was stored before a crash: another copy would have another hash than its row says.
            return std::fs::remove_file(path).map_err(|e| Refusal::internal(&e));
        }
        let orphan = || Refusal::internal("a recording without a visit");
        let room = tx.rooms().find(found.opening.room).await?.filter(|room| room.purpose == RoomPurpose::Visit);
        let room = room.ok_or_else(orphan)?;
        let visit = tx.visits().find(VisitId::from_uuid(room.subject_id)).await?.ok_or_else(orphan)?;
        let holder = visit.holder_id.ok_or_else(orphan)?;
        // Whoever took the consent back in the meantime had given it: the recording would not be there otherwise.
        let consent = consent_to_record(&mut tx, holder, visit.patient_id).await?;
        drop(tx);
        let now = self.clock.now();
        let mut index = Index {
            visit: visit.id,
            consent_version: consent.as_ref().map(|row| row.text_version.clone()).unwrap_or_default(),
            consent_at: consent.as_ref().map_or(room.opened_at, |row| row.at),
            millis: found.millis,
            is_cut: found.is_cut,
            gaps: found.gaps.clone(),
            chunks: found.chunks.clone(),
        };
        let opening = &found.opening;
        let place = format!("{}/{}/{}.yzr", visit.institution_id.as_uuid(), visit.id.as_uuid(), opening.id);
        let stored = store(&self.archive, &place, path, &found, &mut index, &self.ids).await;
        let (stored_size, hash) = stored.map_err(|e| Refusal::internal(&e))?;
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let row = RecordingRow {
            id: RecordingId::from_uuid(opening.id),
            institution_id: visit.institution_id,
            visit_id: visit.id,
            room_id: room.id,
            participant_id: opening.participant,
            part: i64::from(opening.part),
            started_at: opening.started_at,
            millis: number(found.millis),
            consent_version: index.consent_version,
            consent_at: index.consent_at,
            retain_until: retain_until(visit.ended_at.unwrap_or(now)),
            is_cut: found.is_cut,
            gaps: number(found.gaps.len() as u64),
            place,
            size: number(index.chunks.iter().sum()),
            stored_size: number(stored_size),
            hash,
            key_sealed: self.vault.seal(Field::RecordingKey, opening.id, &hex(&found.key)),
            stored_at: now,
        };
        let mut work = self.begin().await?;
        work.tx.recordings().insert(&row).await?;
        work.audit(row.institution_id, "recorder", "recording.store", &row.id.to_string()).await?;
        work.commit().await?;
        std::fs::remove_file(path).map_err(|e| Refusal::internal(&e))
    }
}

/// Files of an earlier process.
fn left_behind(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.extension().is_some_and(|ending| ending == "part")).collect()
}

/// Writes the final file; its length and hash.
async fn store(
    archive: &Archive,
    place: &str,
    path: &Path,
    found: &Survey,
    index: &mut Index,
    ids: &Ids,
) -> std::io::Result<(u64, String)> {
    let seal = Seal::new(found.opening.id, found.key);
    let cues = webm::cues(&found.cues);
    let cues_at = index.chunks.iter().sum::<u64>();
    index.chunks.push(cues.len() as u64);
    let total = cues_at + cues.len() as u64;
    let (_, mut reader) = Reader::open(path, |_| Some(found.key))?;
    let mut out = BufWriter::new(Arc::clone(&archive.0), Place::from(place));
    let (mut hash, mut length) = (Sha256::new(), 0_u64);
    let mut write = async |out: &mut BufWriter, bytes: &[u8]| {
        hash.update(bytes);
        length += bytes.len() as u64;
        out.write_all(bytes).await?;
        std::io::Result::Ok(length)
    };
    let first = write(&mut out, &opening(&found.opening)).await?;
    let mut sequence = 0;
    let mut index_at = first;
    while let Some((kind, mut plain)) = reader.next() {
        if kind == Kind::Head {
            webm::finish(&mut plain, found.millis, cues_at, total);
        } else if kind != Kind::Cluster {
            continue;
        }
        index_at = write(&mut out, &seal.chunk(ids, sequence, kind, &plain)).await?;
        sequence += 1;
    }
    if sequence + 1 != index.chunks.len() as u64 {
        return Err(std::io::Error::other("the file changed while it was stored"));
    }
    index_at = index_at.max(write(&mut out, &seal.chunk(ids, sequence, Kind::Cues, &cues)).await?);
    let text = serde_json::to_vec(index)?;
    write(&mut out, &seal.chunk(ids, u64::MAX, Kind::Index, &text)).await?;
    let length = write(&mut out, &[first.to_be_bytes(), index_at.to_be_bytes()].concat()).await?;
    out.shutdown().await?;
    Ok((length, hex(&hash.finalize())))
}
