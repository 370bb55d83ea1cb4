//! Where films are: an object store, be it a folder or a bucket.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use object_store::buffered::BufWriter;
use object_store::path::Path as Place;
use object_store::{ObjectStore, ObjectStoreExt as _};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;

use super::RecordingRow;
use super::film::{Index, Written, rewrite};
use super::sealed::{OVERHEAD, Seal};
use super::survey::Survey;
use crate::clock::Ids;
use crate::domain::ids::VisitId;
use crate::domain::recording::Gap;
use crate::services::private;
use crate::services::vault::{Field, Vault};

/// Pieces that wait for a slow store.
const PIECES: usize = 4;

/// Where finished recordings are.
pub struct Archive(Arc<dyn ObjectStore>);

/// The store at `url`, with its options; a folder when there is no address.
pub fn open_archive(
    url: Option<&str>,
    options: &[(String, String)],
    folder: &Path,
) -> Result<Archive, object_store::Error> {
    let Some(url) = url else {
        private::folder(folder).map_err(|e| object_store::Error::Generic { store: "folder", source: e.into() })?;
        let store = object_store::local::LocalFileSystem::new_with_prefix(folder)?;
        // The spool is emptied once a film is here: from then on nothing else has it, whatever the power does.
        return Ok(Archive(Arc::new(store.with_fsync(true))));
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
    #[error("it is of another visit than its row says")]
    OfAnother,
}

/// A film whose index was read.
struct OpenFilm {
    place: Place,
    seal: Seal,
    /// Where its chunks begin.
    first: u64,
    index: Index,
}

impl Archive {
    /// Writes the film of a surveyed file to `place`. What is left of a failure is nobody's, and is written over.
    pub(super) async fn store(
        &self,
        place: &str,
        path: PathBuf,
        found: Arc<Survey>,
        visit: VisitId,
        ids: Ids,
    ) -> std::io::Result<Written> {
        let (give, mut pieces) = mpsc::channel(PIECES);
        // The disk is read and the cipher runs where that keeps nobody else waiting.
        let reading = tokio::task::spawn_blocking(move || {
            let gone = |_| std::io::Error::other("the object store takes no more");
            rewrite(&path, &found, visit, &ids, |bytes: Vec<u8>| give.blocking_send(bytes).map_err(gone))
        });
        let mut out = BufWriter::new(Arc::clone(&self.0), Place::from(place));
        let passed_on = async {
            while let Some(bytes) = pieces.recv().await {
                out.write_all(&bytes).await?;
            }
            std::io::Result::Ok(())
        };
        let passed_on = passed_on.await;
        drop(pieces);
        let written = reading.await.map_err(std::io::Error::other)?;
        match passed_on.and(written) {
            Ok(written) => {
                out.shutdown().await?;
                Ok(written)
            }
            Err(error) => {
                // Only a whole film may stand at its place.
                let _ = out.abort().await;
                Err(error)
            }
        }
    }

    /// Removes a film; one that is gone is gone.
    pub(super) async fn remove(&self, place: &str) -> Result<(), object_store::Error> {
        match self.0.delete(&Place::from(place)).await {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            other => other,
        }
    }

    /// Every place at which there is a film.
    pub(in crate::services) async fn list(&self) -> Result<Vec<String>, object_store::Error> {
        let mut places: Vec<String> = self.0.list(None).map_ok(|meta| meta.location.to_string()).try_collect().await?;
        places.sort();
        Ok(places)
    }

    /// Copies a film, sealed as it is, to a file; whether it was there.
    pub(in crate::services) async fn copy_out(&self, place: &str, path: &Path) -> std::io::Result<bool> {
        let film = match self.0.get(&Place::from(place)).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(false),
            other => other?,
        };
        let mut pieces = film.into_stream();
        let mut file = tokio::fs::File::create(path).await?;
        while let Some(piece) = pieces.try_next().await? {
            file.write_all(&piece).await?;
        }
        file.flush().await?;
        Ok(true)
    }

    /// Puts a film, sealed as it is, to its place.
    pub(in crate::services) async fn copy_in(&self, place: &str, path: &Path) -> std::io::Result<()> {
        let mut out = BufWriter::new(Arc::clone(&self.0), Place::from(place));
        let mut file = tokio::fs::File::open(path).await?;
        tokio::io::copy(&mut file, &mut out).await?;
        out.shutdown().await
    }

    /// What is missing of a film, as its index says.
    pub(super) async fn gaps(&self, vault: &Vault, row: &RecordingRow) -> Result<Vec<Gap>, ReadError> {
        Ok(self.open(vault, row).await?.index.gaps)
    }

    /// The index of a film, if it is of the visit that its row names.
    async fn open(&self, vault: &Vault, row: &RecordingRow) -> Result<OpenFilm, ReadError> {
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
        // The row is whoever's who may write to the database; what is sealed with the film is not.
        if index.visit != row.visit_id {
            return Err(ReadError::OfAnother);
        }
        Ok(OpenFilm { place, seal, first, index })
    }

    /// Bytes of a film in clear, if it is of the visit that its row names.
    pub(super) async fn read(
        &self,
        vault: &Vault,
        row: &RecordingRow,
        range: Range<u64>,
    ) -> Result<Vec<u8>, ReadError> {
        let OpenFilm { place, seal, first, index } = self.open(vault, row).await?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_film_in_a_folder_outlives_a_power_cut() {
        let folder = tempfile::tempdir().unwrap();
        let archive = open_archive(None, &[], folder.path()).unwrap();
        // What a disk loses cannot be seen here; what it is told can.
        let told = format!("{:?}", archive.0);
        assert!(told.contains("fsync: true"), "{told}");
    }
}
