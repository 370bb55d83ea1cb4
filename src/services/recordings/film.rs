//! The form of a stored film: the opening in clear, its chunks, the index, and where the two begin.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::sealed::{Kind, Next, Opened, Reader, Seal, opening};
use super::survey::Survey;
use crate::clock::Ids;
use crate::domain::hex::hex;
use crate::domain::ids::VisitId;
use crate::domain::recording::{Gap, webm};
use crate::domain::time::Timestamp;

/// What a film tells about itself, sealed with it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Index {
    pub(super) visit: VisitId,
    pub(super) consent_version: String,
    pub(super) consent_at: Timestamp,
    pub(super) millis: u64,
    pub(super) is_cut: bool,
    pub(super) gaps: Vec<Gap>,
    /// The length of each chunk's content: with them a place in the film becomes a place in the file.
    pub(super) chunks: Vec<u64>,
}

/// What was written.
pub(super) struct Written {
    /// The film's length for a player.
    pub(super) size: u64,
    /// The file's length.
    pub(super) stored: u64,
    pub(super) hash: String,
}

/// Reads a surveyed file again and gives the film's bytes piece by piece. It waits for the disk and for whoever takes them.
pub(super) fn rewrite(
    path: &Path,
    found: &Survey,
    visit: VisitId,
    ids: &Ids,
    give: impl FnMut(Vec<u8>) -> io::Result<()>,
) -> io::Result<Written> {
    let seal = Seal::new(found.opening.id, found.key);
    let is_film = !found.chunks.is_empty();
    let cues = if is_film { webm::cues(&found.cues) } else { Vec::new() };
    let cues_at = found.chunks.iter().sum::<u64>();
    let size = cues_at + cues.len() as u64;
    let changed = || io::Error::other("the file changed while it was stored");
    let Opened::Recording(_, _, mut reader) = Reader::open(path, |_| Some(found.key))? else { return Err(changed()) };
    let mut out = Out { give, hash: Sha256::new(), length: 0 };
    let first = out.write(opening(&found.opening))?;
    let mut sequence = 0;
    while let Next::Chunk(kind, mut plain) = reader.next()? {
        match kind {
            Kind::Head if is_film => webm::finish(&mut plain, found.millis, cues_at, size),
            Kind::Cluster => {}
            _ => continue,
        }
        out.write(seal.chunk(ids, sequence, kind, &plain))?;
        sequence += 1;
    }
    if sequence != found.chunks.len() as u64 {
        return Err(changed());
    }
    // Where nothing could be kept there is the index alone.
    let index_at = if is_film { out.write(seal.chunk(ids, sequence, Kind::Cues, &cues))? } else { first };
    let index = Index {
        visit,
        consent_version: found.agreed.version.clone(),
        consent_at: found.agreed.at,
        millis: found.millis,
        is_cut: found.is_cut,
        gaps: found.gaps.clone(),
        chunks: found.chunks.iter().copied().chain(is_film.then_some(cues.len() as u64)).collect(),
    };
    out.write(seal.chunk(ids, u64::MAX, Kind::Index, &serde_json::to_vec(&index)?))?;
    let stored = out.write([first.to_be_bytes(), index_at.to_be_bytes()].concat())?;
    Ok(Written { size, stored, hash: hex(&out.hash.finalize()) })
}

struct Out<G> {
    give: G,
    hash: Sha256,
    length: u64,
}

impl<G: FnMut(Vec<u8>) -> io::Result<()>> Out<G> {
    /// Where what comes next will begin.
    fn write(&mut self, bytes: Vec<u8>) -> io::Result<u64> {
        self.hash.update(&bytes);
        self.length += bytes.len() as u64;
        (self.give)(bytes)?;
        Ok(self.length)
    }
}
