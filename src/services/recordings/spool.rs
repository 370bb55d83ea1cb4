//! Recordings as they grow: a file each in the spool folder, kept chunk by chunk.
//!
//! A disk that is full or broken stops no call: the chunk becomes a gap, the operator is told, and the next chunk is
//! tried again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use metrics::{counter, gauge};
use tokio::sync::Notify;

use super::sealed::{Kind, Opening, Seal, Writer};
use crate::clock::{Clock, Ids};
use crate::domain::hex::{hex, unhex};
use crate::domain::ids::{ParticipantId, RoomId};
use crate::domain::recording::limits::{Allowance, Floor};
use crate::domain::recording::{Agreed, Gap, GapCause, Piece, Recorder, Take, webm};
use crate::domain::time::Timestamp;
use crate::services::private;
use crate::services::vault::{Field, Vault};

/// What a file's name ends with.
pub(super) mod ending {
    /// It grows.
    pub const PART: &str = "part";
    /// Nothing more comes; it is to be stored.
    pub const DONE: &str = "done";
    /// It cannot be read; somebody has to look at it.
    pub const ASIDE: &str = "aside";
}

/// How much of a disk is free, and how large it is.
pub(super) type Space = fn(&Path) -> std::io::Result<(u64, u64)>;

/// What recordings may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The free space below which recordings pause; fitting the disk where nobody chose.
    pub floor: Option<u64>,
    /// The most of one recording.
    pub largest: u64,
}

/// Begins recordings; the relay holds it.
pub struct Spool {
    pub(super) folder: PathBuf,
    pub(super) vault: Vault,
    limits: Limits,
    pub(super) space: Space,
    clock: Clock,
    ids: Ids,
    done: Arc<Notify>,
}

impl std::fmt::Debug for Spool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spool").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// Tells that something was written to the end. What, is in the folder: nothing is lost when nobody listens.
pub struct Finished(Arc<Notify>);

impl Finished {
    /// Waits for the next.
    pub(super) async fn next(&self) {
        self.0.notified().await;
    }
}

impl Spool {
    /// A spool in `folder`, and what tells that something was finished. What an earlier process left there is finished now.
    pub fn new(folder: PathBuf, limits: Limits, secret: &[u8], clock: Clock, ids: Ids) -> (Arc<Self>, Finished) {
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
        for path in entries.filter(|path| path.extension().is_some_and(|it| it == ending::PART)) {
            finish(&path);
        }
        let done = Arc::new(Notify::new());
        let vault = Vault::new(secret, ids.clone());
        let spool = Self { folder, vault, limits, space, clock, ids, done: Arc::clone(&done) };
        (Arc::new(spool), Finished(done))
    }

    /// The key of a file.
    pub(super) fn key(vault: &Vault, opening: &Opening) -> Option<[u8; 32]> {
        let sealed = unhex(&opening.key)?;
        let plain = vault.open(Field::RecordingKey, opening.id, &sealed).ok()?;
        unhex(&plain)?.try_into().ok()
    }

    fn open(&self, whose: &Whose, part: u32) -> std::io::Result<(PathBuf, Writer)> {
        private::folder(&self.folder)?;
        let (id, key) = (self.ids.uuid(), self.ids.secret::<32>());
        let wrapped = hex(&self.vault.seal(Field::RecordingKey, id, &hex(&key)));
        let &Whose { room, participant, started_at, ref agreed } = whose;
        let opening = Opening { id, room, participant, part, started_at, key: wrapped };
        let path = self.folder.join(format!("{}.{}", id.simple(), ending::PART));
        let mut writer = Writer::create(&path, &opening, Seal::new(id, key), self.ids.clone())?;
        if let Err(error) = writer.append(Kind::Agreed, &serde_json::to_vec(agreed)?) {
            let _ = std::fs::remove_file(path);
            return Err(error);
        }
        Ok((path, writer))
    }
}

/// Whose recording it is, and by what right.
struct Whose {
    room: RoomId,
    participant: ParticipantId,
    started_at: Timestamp,
    agreed: Agreed,
}

/// The recorder of one process.
#[derive(Debug)]
pub struct SpoolRecorder(pub Arc<Spool>);

impl Recorder for SpoolRecorder {
    fn begin(&self, room: RoomId, participant: ParticipantId, agreed: &Agreed) -> Option<Box<dyn Take>> {
        let spool = Arc::clone(&self.0);
        if let Err(error) = private::folder(&spool.folder) {
            tracing::error!(%error, "the folder of the recordings cannot be made");
            return None;
        }
        let started_at = spool.clock.now();
        let (floor, allowance) = (Floor::new(spool.limits.floor), Allowance::new(spool.limits.largest));
        gauge!("recordings_running").increment(1);
        Some(Box::new(Running {
            spool,
            whose: Whose { room, participant, started_at, agreed: agreed.clone() },
            part: 0,
            head: None,
            open: None,
            floor,
            allowance,
            gap: None,
            unsaid: Vec::new(),
            is_failing: false,
        }))
    }
}

struct Running {
    spool: Arc<Spool>,
    whose: Whose,
    part: u32,
    /// The head of the part, until it could be written.
    head: Option<Vec<u8>>,
    open: Option<(PathBuf, Writer)>,
    floor: Floor,
    allowance: Allowance,
    /// What could not be kept since it last could.
    gap: Option<Gap>,
    /// Gaps that are in no file yet.
    unsaid: Vec<Gap>,
    is_failing: bool,
}

/// Why a cluster was not kept.
#[derive(Debug, thiserror::Error)]
enum Unkept {
    #[error("the disk has little room left (YUNZHEN_RECORDINGS_FLOOR_MIB)")]
    Floor,
    #[error("more is sent than a recording may hold (YUNZHEN_RECORDINGS_LARGEST_MIB)")]
    Limit,
    #[error(transparent)]
    Disk(#[from] std::io::Error),
}

impl Unkept {
    fn cause(&self) -> GapCause {
        match self {
            Self::Floor | Self::Disk(_) => GapCause::Storage,
            Self::Limit => GapCause::Limit,
        }
    }
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
            let written = self.say_gaps(&mut writer);
            let _ = written.and_then(|()| writer.append(Kind::End, &[]));
            drop(writer);
            finish(&path);
            self.spool.done.notify_one();
        }
    }

    /// Keeps a cluster that ends at `to`.
    fn keep(&mut self, to: u64, bytes: &[u8]) -> Result<(), Unkept> {
        let (free, total) = (self.spool.space)(&self.spool.folder)?;
        if !self.floor.admits(free, total) {
            return Err(Unkept::Floor);
        }
        if !self.allowance.take(to, bytes.len() as u64) {
            return Err(Unkept::Limit);
        }
        Ok(self.write(bytes)?)
    }

    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        if self.open.is_none() {
            let Some(head) = &self.head else { return Err(std::io::Error::other("a cluster before its head")) };
            let (path, mut writer) = self.spool.open(&self.whose, self.part)?;
            if let Err(error) = writer.append(Kind::Head, head) {
                let _ = std::fs::remove_file(path);
                return Err(error);
            }
            self.open = Some((path, writer));
        }
        let Some((path, mut writer)) = self.open.take() else { return Ok(()) };
        let written = self.say_gaps(&mut writer).and_then(|()| writer.append(Kind::Cluster, bytes));
        self.open = Some((path, writer));
        written
    }

    /// Writes what is missing; what cannot be written is said with the next piece that can, be it in another part.
    fn say_gaps(&mut self, writer: &mut Writer) -> std::io::Result<()> {
        let gaps: Vec<_> = self.unsaid.iter().copied().chain(self.gap).collect();
        if !gaps.is_empty() {
            writer.append(Kind::Gaps, &serde_json::to_vec(&gaps)?)?;
            self.unsaid.clear();
            self.gap = None;
        }
        Ok(())
    }

    /// Notes what was not kept: one gap as long as it goes on for the same reason.
    fn miss(&mut self, from: u64, to: u64, cause: GapCause) {
        let former = self.gap.take();
        let goes_on = former.filter(|gap| gap.cause == cause);
        self.unsaid.extend(former.filter(|gap| gap.cause != cause));
        let from = goes_on.map_or(from, |gap| gap.from);
        self.gap = Some(Gap { codec: None, from, to, cause });
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
            Piece::Gaps(gaps) => {
                self.unsaid.extend(gaps);
                self.gap.is_none()
            }
            Piece::Cluster { bytes, gaps } => {
                self.unsaid.extend(gaps);
                let times = || webm::blocks(&bytes).into_iter().map(|block| block.at);
                let (from, to) = (times().min().unwrap_or(0), times().max().unwrap_or(0));
                let Err(unkept) = self.keep(to, &bytes) else {
                    counter!("recording_bytes_total").increment(bytes.len() as u64);
                    self.set_failing(false);
                    return true;
                };
                counter!("recording_chunks_lost_total").increment(1);
                if self.set_failing(true) {
                    // Once per gap, not twice a second.
                    tracing::error!(room.id = %self.whose.room, %unkept, "a recording pauses; the call goes on");
                }
                self.miss(from, to, unkept.cause());
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

/// Says of a file that nothing more comes.
fn finish(path: &Path) {
    if let Err(error) = std::fs::rename(path, path.with_extension(ending::DONE)) {
        // The next start finds it.
        tracing::error!(%error, "a finished recording could not be renamed");
    }
}

fn space(folder: &Path) -> std::io::Result<(u64, u64)> {
    let disk = nix::sys::statvfs::statvfs(folder)?;
    Ok((disk.blocks_available() * disk.fragment_size(), disk.blocks() * disk.fragment_size()))
}
