//! Recordings as they grow, kept chunk by chunk.
//!
//! A disk that is full or broken stops no call: the chunk becomes a gap, the operator is told, and the next chunk is
//! tried again. A recording of which nothing can be kept leaves a file all the same, as soon as a few hundred bytes fit: of
//! what was missing, and of the consent. Below the floor they do.

use std::path::PathBuf;
use std::sync::Arc;

use metrics::{counter, gauge};

use super::sealed::{Kind, Writer};
use super::spool::{Owed, Spool, Whose, finish};
use crate::domain::ids::{ParticipantId, RoomId};
use crate::domain::recording::limits::{Allowance, Floor};
use crate::domain::recording::{Agreed, Filmed, Gap, GapCause, Piece, Recorder, Take, webm};
use crate::services::private;

/// The recorder of one process.
#[derive(Debug)]
pub struct SpoolRecorder(pub Arc<Spool>);

impl Recorder for SpoolRecorder {
    fn begin(&self, room: RoomId, participant: ParticipantId, filmed: Filmed, agreed: &Agreed) -> Box<dyn Take> {
        let spool = Arc::clone(&self.0);
        let started_at = spool.clock.now();
        let (floor, allowance) = (Floor::new(spool.limits.floor), Allowance::new(spool.limits.largest));
        gauge!("recordings_running").increment(1);
        Box::new(Running {
            spool,
            whose: Whose { room, participant, filmed, started_at, agreed: agreed.clone() },
            part: 0,
            head: None,
            open: None,
            floor,
            allowance,
            gap: None,
            unsaid: Vec::new(),
            is_failing: false,
        })
    }
}

struct Running {
    spool: Arc<Spool>,
    whose: Whose,
    part: u32,
    /// The head of the part, until it could be written.
    head: Option<Vec<u8>>,
    open: Option<Open>,
    floor: Floor,
    allowance: Allowance,
    /// What could not be kept since it last could.
    gap: Option<Missed>,
    /// Gaps that are in no file yet.
    unsaid: Vec<Gap>,
    is_failing: bool,
}

/// The file of a part.
struct Open {
    path: PathBuf,
    writer: Writer,
    has_head: bool,
    /// Something was kept.
    has_film: bool,
}

/// A gap that may still grow.
#[derive(Clone, Copy)]
struct Missed {
    gap: Gap,
    /// The file says already that it began.
    is_noted: bool,
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

    /// Ends the part. One of which nothing was kept leaves a file as well, if there is something to say of it.
    fn close(&mut self) {
        let Some(mut open) = self.open.take().or_else(|| self.note().ok().flatten()) else { return self.owe() };
        // Without its end it is taken for one that a crash cut off, and stored all the same.
        if self.say_gaps(&mut open.writer).is_ok() {
            self.gap = None;
            let _ = open.writer.append(Kind::End, &[]);
        }
        self.leave(open);
    }

    /// Leaves it to the spool to write what is to be said of a recording that could not be written.
    fn owe(&mut self) {
        let gaps = self.all_gaps();
        if !gaps.is_empty() {
            tracing::error!(room.id = %self.whose.room, "of a recording nothing could be written; it is tried again");
            counter!("recordings_empty_total").increment(1);
            // As long as it is not written there is an alarm, whoever is recorded meanwhile.
            gauge!("recordings_failing").increment(1);
            (self.gap, self.unsaid) = (None, Vec::new());
            self.spool.owed().push(Owed { whose: self.whose.clone(), part: self.part.max(1), gaps });
            self.spool.done.notify_one();
        }
    }

    /// Nothing more comes into a file.
    fn leave(&self, open: Open) {
        if !open.has_film {
            counter!("recordings_empty_total").increment(1);
        }
        drop(open.writer);
        finish(&open.path);
        self.spool.done.notify_one();
    }

    /// Keeps a cluster that ends at `to`.
    fn keep(&mut self, to: u64, bytes: &[u8]) -> Result<(), Unkept> {
        private::folder(&self.spool.folder)?;
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
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.create()?,
        };
        let written = self.fill(&mut open, bytes);
        self.open = Some(open);
        written
    }

    fn fill(&mut self, open: &mut Open, bytes: &[u8]) -> std::io::Result<()> {
        self.say_gaps(&mut open.writer)?;
        if !open.has_head {
            let Some(head) = &self.head else { return Err(std::io::Error::other("a cluster before its head")) };
            open.writer.append(Kind::Head, head)?;
            open.has_head = true;
        }
        open.writer.append(Kind::Cluster, bytes)?;
        open.has_film = true;
        Ok(())
    }

    fn create(&self) -> std::io::Result<Open> {
        let (path, writer) = self.spool.open(&self.whose, self.part.max(1))?;
        Ok(Open { path, writer, has_head: false, has_film: false })
    }

    /// A file that says what is missing, when there is something to say.
    fn note(&mut self) -> std::io::Result<Option<Open>> {
        if self.all_gaps().is_empty() {
            return Ok(None);
        }
        let mut open = self.create()?;
        if let Err(error) = self.say_gaps(&mut open.writer) {
            let _ = std::fs::remove_file(&open.path);
            return Err(error);
        }
        Ok(Some(open))
    }

    /// Says in the file that something is missing from here on: a server that ends in the middle leaves that, too.
    fn note_beginning(&mut self) {
        if self.gap.is_none_or(|missed| missed.is_noted) {
            return;
        }
        let open = match self.open.take() {
            Some(mut open) => {
                let _ = self.say_gaps(&mut open.writer);
                Some(open)
            }
            None => self.note().ok().flatten(),
        };
        self.open = open;
    }

    /// Gaps that no file says yet, or not to their end.
    fn all_gaps(&self) -> Vec<Gap> {
        self.unsaid.iter().copied().chain(self.gap.map(|missed| missed.gap)).collect()
    }

    /// Writes what is missing; what cannot be written is said with the next piece that can, be it in another part.
    fn say_gaps(&mut self, writer: &mut Writer) -> std::io::Result<()> {
        let gaps = self.all_gaps();
        if !gaps.is_empty() {
            writer.append(Kind::Gaps, &serde_json::to_vec(&gaps)?)?;
            self.unsaid.clear();
            self.gap = self.gap.map(|missed| Missed { is_noted: true, ..missed });
        }
        Ok(())
    }

    /// Notes what was not kept: one gap as long as it goes on for the same reason.
    fn miss(&mut self, from: u64, to: u64, cause: GapCause) {
        let former = self.gap.take();
        let goes_on = former.filter(|missed| missed.gap.cause == cause);
        self.unsaid.extend(former.filter(|missed| missed.gap.cause != cause).map(|missed| missed.gap));
        let from = goes_on.map_or(from, |missed| missed.gap.from);
        let is_noted = goes_on.is_some_and(|missed| missed.is_noted);
        self.gap = Some(Missed { gap: Gap { codec: None, from, to, cause }, is_noted });
        self.note_beginning();
    }
}

impl Take for Running {
    fn append(&mut self, piece: Piece) -> bool {
        match piece {
            Piece::Head(head) => {
                // A file without a head takes this one: no part ends in which nothing was.
                if self.open.as_ref().is_some_and(|open| open.has_head) {
                    self.close();
                    self.part += 1;
                }
                self.part = self.part.max(1);
                self.head = Some(head);
                !self.is_failing
            }
            Piece::Gaps(gaps) => {
                self.unsaid.extend(gaps);
                !self.is_failing
            }
            Piece::Cluster { bytes, gaps } => {
                self.unsaid.extend(gaps);
                let times = || webm::blocks(&bytes).into_iter().map(|block| block.at);
                let (from, to) = (times().min().unwrap_or(0), times().max().unwrap_or(0));
                let Err(unkept) = self.keep(to, &bytes) else {
                    counter!("recording_bytes_total").increment(bytes.len() as u64);
                    self.gap = None;
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
        // What a file could not take at its end is no recording of its own: it has no end, and says that.
        (self.gap, self.unsaid) = (None, Vec::new());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Nobody said that it was to end: what is written is left as a crash would leave it.
        match self.open.take() {
            Some(open) => self.leave(open),
            None => self.owe(),
        }
        self.set_failing(false);
        gauge!("recordings_running").decrement(1);
    }
}
