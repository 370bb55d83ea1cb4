//! Recordings as they grow: a file each in the spool folder, kept chunk by chunk.
//!
//! A disk that is full or broken stops no call: the chunk becomes a gap, the operator is told, and the next chunk is
//! tried again.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use metrics::{counter, gauge};
use tokio::sync::mpsc;

use super::sealed::{Kind, Opening, Seal, Writer};
use crate::clock::{Clock, Ids};
use crate::domain::ids::{ParticipantId, RoomId};
use crate::domain::record::{Gap, GapCause, Piece, Recorder, Take, webm};
use crate::domain::time::Timestamp;
use crate::services::vault::{Field, Vault};

/// Begins recordings; the relay holds it.
pub struct Spool {
    pub(super) folder: PathBuf,
    pub(super) vault: Vault,
    clock: Clock,
    ids: Ids,
    done: mpsc::Sender<PathBuf>,
}

impl std::fmt::Debug for Spool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spool").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// What was written to the end, by path.
pub type Finished = mpsc::Receiver<PathBuf>;

/// Finished files that wait to be stored; the threads that write them wait when there are more.
const FINISHED: usize = 64;

impl Spool {
    /// A spool in `folder`, and where it says what was finished.
    pub fn new(folder: PathBuf, secret: &[u8], clock: Clock, ids: Ids) -> (Arc<Self>, Finished) {
        let (done, finished) = mpsc::channel(FINISHED);
        let vault = Vault::new(secret, ids.clone());
        (Arc::new(Self { folder, vault, clock, ids, done }), finished)
    }

    /// The key of a file.
    pub(super) fn key(vault: &Vault, opening: &Opening) -> Option<[u8; 32]> {
        let sealed = unhex(&opening.key)?;
        let plain = vault.open(Field::RecordingKey, opening.id, &sealed).ok()?;
        unhex(&plain)?.try_into().ok()
    }

    fn open(
        &self,
        room: RoomId,
        participant: ParticipantId,
        part: u32,
        started_at: Timestamp,
    ) -> std::io::Result<(PathBuf, Writer)> {
        std::fs::create_dir_all(&self.folder)?;
        let (id, key) = (self.ids.uuid(), self.ids.secret::<32>());
        let wrapped = hex(&self.vault.seal(Field::RecordingKey, id, &hex(&key)));
        let opening = Opening { id, room, participant, part, started_at, key: wrapped };
        let path = self.folder.join(format!("{}.part", id.simple()));
        let writer = Writer::create(&path, &opening, Seal::new(id, key), self.ids.clone())?;
        Ok((path, writer))
    }
}

/// The recorder of one process.
#[derive(Debug)]
pub struct SpoolRecorder(pub Arc<Spool>);

impl Recorder for SpoolRecorder {
    fn begin(&self, room: RoomId, participant: ParticipantId) -> Option<Box<dyn Take>> {
        let spool = Arc::clone(&self.0);
        if let Err(error) = std::fs::create_dir_all(&spool.folder) {
            tracing::error!(%error, "the folder of the recordings cannot be made");
            return None;
        }
        let started_at = spool.clock.now();
        gauge!("recordings_running").increment(1);
        Some(Box::new(Running {
            spool,
            room,
            participant,
            started_at,
            part: 0,
            head: None,
            open: None,
            gap: None,
            is_failing: false,
        }))
    }
}

struct Running {
    spool: Arc<Spool>,
    room: RoomId,
    participant: ParticipantId,
    started_at: Timestamp,
    part: u32,
    /// The head of the part, until it could be written.
    head: Option<Vec<u8>>,
    open: Option<(PathBuf, Writer)>,
    /// What could not be kept since it last could.
    gap: Option<Gap>,
    is_failing: bool,
}

impl Running {
    /// Whether that is news; the operator's alarm stands on the gauge.
    fn set_failing(&mut self, is_failing: bool) -> bool {
        if self.is_failing == is_failing {
            return false;
        }
        self.is_failing = is_failing;
        gauge!("recordings_failing").increment(if is_failing { 1.0 } else { -1.0 });
        true
    }

    fn close(&mut self) {
        if let Some((path, mut writer)) = self.open.take() {
            // Without its end it is taken for one that a crash cut off, and stored all the same.
            let gaps: Vec<_> = self.gap.take().into_iter().collect();
            let written = writer.append(Kind::Gaps, &serde_json::to_vec(&gaps).unwrap_or_default());
            let _ = written.and_then(|()| writer.append(Kind::End, &[]));
            // When nobody takes it any more it stays in the spool, where the next start finds it.
            let _ = self.spool.done.blocking_send(path);
        }
    }

    fn write(&mut self, bytes: &[u8], gaps: &[Gap]) -> std::io::Result<()> {
        if self.open.is_none() {
            let Some(head) = &self.head else { return Err(std::io::Error::other("a cluster before its head")) };
            let (path, mut writer) = self.spool.open(self.room, self.participant, self.part, self.started_at)?;
            if let Err(error) = writer.append(Kind::Head, head) {
                let _ = std::fs::remove_file(path);
                return Err(error);
            }
            self.open = Some((path, writer));
        }
        let (_, writer) = self.open.as_mut().expect("it was just opened");
        let gaps: Vec<_> = gaps.iter().copied().chain(self.gap).collect();
        if !gaps.is_empty() {
            writer.append(Kind::Gaps, &serde_json::to_vec(&gaps)?)?;
            self.gap = None;
        }
        writer.append(Kind::Cluster, bytes)
    }
}

impl Take for Running {
    fn append(&mut self, piece: Piece) -> bool {
        match piece {
            Piece::Head(head) => {
                self.close();
                self.part += 1;
                self.head = Some(head);
                self.gap.is_none()
            }
            Piece::Cluster { bytes, gaps } => {
                let times = || webm::blocks(&bytes).into_iter().map(|block| block.at);
                let Err(error) = self.write(&bytes, &gaps) else {
                    counter!("recording_bytes_total").increment(bytes.len() as u64);
                    self.set_failing(false);
                    return true;
                };
                let (from, to) = (times().min().unwrap_or(0), times().max().unwrap_or(0));
                counter!("recording_chunks_lost_total").increment(1);
                if self.set_failing(true) {
                    // Once per gap, not twice a second.
                    tracing::error!(room.id = %self.room, %error, "a recording cannot be written: free the disk; the call goes on");
                }
                let begun = self.gap.map_or(from, |gap| gap.from);
                self.gap = Some(Gap { codec: None, from: begun, to, cause: GapCause::Storage });
                false
            }
        }
    }

    fn finish(mut self: Box<Self>) {
        self.close();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.set_failing(false);
        gauge!("recordings_running").decrement(1);
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().as_chunks::<2>();
    if !digits.1.is_empty() {
        return None;
    }
    digits.0.iter().map(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok()).collect()
}
