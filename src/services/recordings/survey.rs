//! What a file of the spool holds: read once from the front, before anything is decided about it.

use std::io;
use std::path::Path;

use super::sealed::{Kind, Next, Opened, Opening, Reader};
use super::spool::Spool;
use crate::domain::recording::{Agreed, Gap, GapCause, webm};
use crate::services::vault::Vault;

/// What a file of the spool is.
pub(super) enum Found {
    /// Nothing was ever kept in it.
    Nothing,
    /// A film, what is left of one, or what is to be said where nothing could be kept.
    Film(Box<Survey>),
    /// Something that cannot be read: nobody's to delete.
    Unreadable(&'static str),
}

/// What the first reading of a film found.
pub(super) struct Survey {
    pub(super) opening: Box<Opening>,
    pub(super) key: [u8; 32],
    pub(super) agreed: Agreed,
    pub(super) millis: u64,
    /// A crash tore it.
    pub(super) is_cut: bool,
    /// Behind what was read is something that cannot be.
    pub(super) is_damaged: bool,
    pub(super) gaps: Vec<Gap>,
    /// The length of each chunk of the film; none where nothing could be kept.
    pub(super) chunks: Vec<u64>,
    pub(super) cues: Vec<webm::Cue>,
}

/// Reads a file of the spool. An error is one of the disk, and may be another time.
pub(super) fn survey(path: &Path, vault: &Vault) -> io::Result<Found> {
    let (opening, key, mut reader) = match Reader::open(path, |opening| Spool::key(vault, opening))? {
        Opened::Recording(opening, key, reader) => (opening, key, reader),
        Opened::Empty => return Ok(Found::Nothing),
        Opened::Foreign => return Ok(Found::Unreadable("it is no recording, or of another key")),
    };
    let (mut agreed, mut gaps, mut chunks, mut cues) = (None, Vec::new(), Vec::new(), Vec::new());
    let (mut millis, mut is_cut, mut is_damaged, mut is_torn) = (0, true, false, false);
    loop {
        let (kind, plain) = match reader.next()? {
            Next::Chunk(kind, plain) => (kind, plain),
            Next::End => break,
            Next::Torn => {
                is_torn = true;
                break;
            }
            Next::Unreadable => {
                is_damaged = true;
                break;
            }
        };
        match kind {
            Kind::Agreed => agreed = serde_json::from_slice::<Agreed>(&plain).ok(),
            Kind::Head => chunks.push(plain.len() as u64),
            Kind::Cluster => {
                let place = chunks.iter().sum();
                let blocks = webm::blocks(&plain);
                let has_pictures = blocks.iter().any(|block| block.track == webm::PICTURES);
                let is_cue = |block: &&webm::Block| block.is_key && (!has_pictures || block.track == webm::PICTURES);
                if let Some(block) = blocks.iter().find(is_cue) {
                    cues.push(webm::Cue { at: block.at, track: block.track, place });
                }
                let last = blocks.iter().map(|block| block.at).max().unwrap_or(0);
                millis = millis.max(last + 20);
                chunks.push(plain.len() as u64);
            }
            Kind::Gaps => {
                for gap in serde_json::from_slice::<Vec<Gap>>(&plain).unwrap_or_default() {
                    say(&mut gaps, gap);
                }
            }
            Kind::End => is_cut = false,
            Kind::Cues | Kind::Index => {}
        }
    }
    let has_film = chunks.len() >= 2;
    // Of a recording that was whole and could not be kept there are the gaps alone.
    let is_told = has_film || (!gaps.is_empty() && !is_damaged && !is_torn);
    let Some(agreed) = agreed.filter(|_| is_told) else {
        // Without a head or a consent it is no film; but only what holds nothing at all may go. Where nothing is kept, what
        // looks torn may be a whole film behind a length that was spoilt.
        let is_nothing = !is_damaged && !is_torn && !is_told;
        return Ok(if is_nothing { Found::Nothing } else { Found::Unreadable("its beginning cannot be read") });
    };
    if !has_film {
        chunks.clear();
    }
    let end = |cause| Gap { codec: None, from: millis, to: millis, cause };
    gaps.extend(is_damaged.then(|| end(GapCause::Storage)));
    gaps.extend((is_cut && !is_damaged).then(|| end(GapCause::Restart)));
    let survey = Survey { opening, key, agreed, millis, is_cut, is_damaged, gaps, chunks, cues };
    Ok(Found::Film(Box::new(survey)))
}

/// Adds a gap; one that was noted when it began and is said again when it is over is one.
fn say(gaps: &mut Vec<Gap>, gap: Gap) {
    let same = |known: &&mut Gap| (known.codec, known.cause, known.from) == (gap.codec, gap.cause, gap.from);
    match gaps.iter_mut().find(same) {
        Some(known) => known.to = known.to.max(gap.to),
        None => gaps.push(gap),
    }
}
