//! The folder in which recordings grow, a file each; see [`super::running`].

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics::gauge;
use tokio::sync::Notify;

use super::sealed::{Kind, Opening, Seal, Writer};
use crate::clock::{Clock, Ids};
use crate::domain::hex::{hex, unhex};
use crate::domain::ids::{ParticipantId, RoomId};
use crate::domain::recording::limits::Floor;
use crate::domain::recording::{Agreed, Filmed, Gap};
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
    pub(super) limits: Limits,
    pub(super) space: Space,
    pub(super) clock: Clock,
    ids: Ids,
    pub(super) done: Notify,
    /// What is to be said of recordings that have ended and left no file.
    owed: Mutex<Vec<Owed>>,
}

/// A recording that ended before a byte of it could be written.
pub(super) struct Owed {
    pub(super) whose: Whose,
    pub(super) part: u32,
    pub(super) gaps: Vec<Gap>,
}

impl std::fmt::Debug for Spool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spool").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// Tells that something was written to the end. What, is in the folder: nothing is lost when nobody listens.
pub struct Finished(Arc<Spool>);

impl Finished {
    /// Waits for the next.
    pub(super) async fn next(&self) {
        self.0.done.notified().await;
    }

    /// Tries again to write what is owed, and looks whether there is room; how many recordings have left no file yet.
    pub(super) async fn look_round(&self) -> usize {
        let spool = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || spool.look_round()).await.unwrap_or(0)
    }
}

impl Spool {
    /// A spool in `folder`, and what tells that something was finished. What an earlier process left there is finished now.
    pub fn new(folder: PathBuf, limits: Limits, secret: &[u8], clock: Clock, ids: Ids) -> (Arc<Self>, Finished) {
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
        for path in entries.filter(|path| path.extension().is_some_and(|it| it == ending::PART)) {
            finish(&path);
        }
        let vault = Vault::new(secret, ids.clone());
        let (done, owed) = (Notify::new(), Mutex::default());
        let spool = Arc::new(Self { folder, vault, limits, space, clock, ids, done, owed });
        (Arc::clone(&spool), Finished(spool))
    }

    pub(super) fn owed(&self) -> MutexGuard<'_, Vec<Owed>> {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tries again to write what is owed, and looks whether there is room for recordings; how many are still owed.
    pub(super) fn look_round(&self) -> usize {
        // Before the first recording there need be no folder.
        let disk = self.folder.ancestors().find(|folder| folder.exists()).unwrap_or(&self.folder);
        let has_room = (self.space)(disk).is_ok_and(|(free, total)| Floor::new(self.limits.floor).admits(free, total));
        gauge!("recordings_no_room").set(u8::from(!has_room));
        let owed = std::mem::take(&mut *self.owed());
        for one in owed {
            if self.note(&one).is_ok() {
                gauge!("recordings_failing").decrement(1);
                self.done.notify_one();
            } else {
                self.owed().push(one);
            }
        }
        self.owed().len()
    }

    /// Writes what is to be said of a recording of which nothing was kept.
    fn note(&self, owed: &Owed) -> std::io::Result<()> {
        let (path, mut writer) = self.open(&owed.whose, owed.part)?;
        let gaps = serde_json::to_vec(&owed.gaps)?;
        if let Err(error) = writer.append(Kind::Gaps, &gaps).and_then(|()| writer.append(Kind::End, &[])) {
            let _ = std::fs::remove_file(path);
            return Err(error);
        }
        drop(writer);
        finish(&path);
        Ok(())
    }

    /// The key of a file.
    pub(super) fn key(vault: &Vault, opening: &Opening) -> Option<[u8; 32]> {
        let sealed = unhex(&opening.key)?;
        let plain = vault.open(Field::RecordingKey, opening.id, &sealed).ok()?;
        unhex(&plain)?.try_into().ok()
    }

    pub(super) fn open(&self, whose: &Whose, part: u32) -> std::io::Result<(PathBuf, Writer)> {
        private::folder(&self.folder)?;
        let (id, key) = (self.ids.uuid(), self.ids.secret::<32>());
        let wrapped = hex(&self.vault.seal(Field::RecordingKey, id, &hex(&key)));
        let &Whose { room, participant, filmed, started_at, ref agreed } = whose;
        let is_screen = filmed == Filmed::Screen;
        let opening = Opening { id, room, participant, is_screen, part, started_at, key: wrapped };
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
#[derive(Clone)]
pub(super) struct Whose {
    pub(super) room: RoomId,
    pub(super) participant: ParticipantId,
    pub(super) filmed: Filmed,
    pub(super) started_at: Timestamp,
    pub(super) agreed: Agreed,
}

/// Says of a file that nothing more comes.
pub(super) fn finish(path: &Path) {
    if let Err(error) = std::fs::rename(path, path.with_extension(ending::DONE)) {
        // The next start finds it.
        tracing::error!(%error, "a finished recording could not be renamed");
    }
}

fn space(folder: &Path) -> std::io::Result<(u64, u64)> {
    let disk = nix::sys::statvfs::statvfs(folder)?;
    Ok((disk.blocks_available() * disk.fragment_size(), disk.blocks() * disk.fragment_size()))
}
