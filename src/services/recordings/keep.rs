//! When finished recordings are stored: at once, again after a failure, and never twice.
//!
//! A file leaves the spool in one of four ways: its film is stored, be it one of no length that says why, there was nothing
//! in it, it shows a wrong person and is discarded, or it is put aside under another name because it cannot be read. What can
//! be read is read first.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use metrics::{counter, gauge};
use serde_json::json;
use tokio::time::Instant;

use super::spool::{Finished, ending};
use super::survey::{Found, Survey, survey};
use super::{RecordingRow, place_of};
use crate::domain::hex::hex;
use crate::domain::ids::{RecordingId, VisitId};
use crate::domain::recording::{GapCause, retain_until};
use crate::domain::room::RoomPurpose;
use crate::services::Services;
use crate::services::ailing::unbroken;
use crate::services::refusal::Refusal;
use crate::services::vault::Field;
use crate::store::{RoomRow, VisitRow};

/// After a first failure it is tried again so soon; then after twice the time each.
const AGAIN: Duration = Duration::from_mins(1);
/// And not more rarely than this: the store may be back.
const RARELY: Duration = Duration::from_hours(1);
/// What one file may take before the next has its turn; a store that answers nothing stops nobody else's film.
const TURN: Duration = Duration::from_mins(20);
/// How long an ending server waits for the last recordings; what comes later is stored by its next start.
const AT_END: Duration = Duration::from_secs(2);
/// How often it is looked whether recordings have room, and tried again to write what is owed.
const ROUND: Duration = Duration::from_mins(1);
/// How often an ending server looks whether they are stored.
const LOOK: Duration = Duration::from_millis(50);

/// How often a file could not be stored, and when it is tried again.
struct Failed {
    times: u32,
    again: Instant,
}

/// How long a file waits that could not be stored so many times.
fn pause(times: u32) -> Duration {
    AGAIN.saturating_mul(1 << times.saturating_sub(1).min(16)).min(RARELY)
}

/// What becomes of a file.
enum Kept {
    /// It is stored, or holds nothing: it may go.
    Done,
    /// It is nobody's to delete.
    Aside(&'static str),
}

impl Services {
    /// Stores recordings as they are finished. When the process is to end, those that it still writes get a moment; where
    /// there are none it ends at once.
    pub async fn keep_recordings(&self, finished: Finished) {
        let spool = self.config.data_dir.join("spool");
        let at_end = async {
            self.shutdown.cancelled().await;
            let (latest, mut looks) = (Instant::now() + AT_END, tokio::time::interval(LOOK));
            while Instant::now() < latest && !is_empty(&spool).await {
                looks.tick().await;
            }
        };
        // Whatever it is at then stays in the spool.
        tokio::select! {
            () = self.keep_on(&spool, &finished) => {}
            () = at_end => {}
        }
        let owed = finished.look_round().await;
        if owed > 0 {
            tracing::error!(recordings = owed, "nothing of them could be written, and not even that");
        }
    }

    async fn keep_on(&self, spool: &Path, finished: &Finished) {
        let mut failed: HashMap<PathBuf, Failed> = HashMap::new();
        loop {
            finished.look_round().await;
            let mut waiting = 0_u32;
            for path in files(spool, ending::DONE).await {
                if failed.get(&path).is_some_and(|failed| failed.again > Instant::now()) {
                    waiting += 1;
                    continue;
                }
                let turn = tokio::time::timeout(TURN, unbroken(self.take_away(&path))).await;
                let Err(refusal) = turn.unwrap_or_else(|_| Err(Refusal::internal("its turn is over"))) else {
                    failed.remove(&path);
                    continue;
                };
                waiting += 1;
                let times = failed.get(&path).map_or(0, |failed| failed.times) + 1;
                counter!("recordings_unstored_total").increment(1);
                tracing::error!(
                    code = refusal.code.as_str(),
                    times,
                    "a recording was not stored; it stays in the spool folder and is tried again"
                );
                failed.insert(path, Failed { times, again: Instant::now() + pause(times) });
            }
            gauge!("recordings_waiting").set(waiting);
            let aside = u32::try_from(files(spool, ending::ASIDE).await.len()).unwrap_or(u32::MAX);
            gauge!("recordings_put_aside").set(aside);
            let again = failed.values().map(|failed| failed.again).min();
            let round = Instant::now() + ROUND;
            let again = again.map_or(round, |again| again.min(round));
            tokio::select! {
                () = finished.next() => {}
                () = tokio::time::sleep_until(again) => {}
            }
        }
    }

    /// Stores a file, and takes it out of the spool.
    pub(super) async fn take_away(&self, path: &Path) -> Result<(), Refusal> {
        let done = match self.keep(path).await? {
            Kept::Done => tokio::fs::remove_file(path).await,
            Kept::Aside(why) => {
                tracing::error!(
                    file = %path.file_name().unwrap_or_default().display(),
                    why,
                    "a recording was put aside in the spool folder: keep it, and have somebody look at it"
                );
                tokio::fs::rename(path, path.with_extension(ending::ASIDE)).await
            }
        };
        done.map_err(|e| Refusal::internal(&e))
    }

    async fn keep(&self, path: &Path) -> Result<Kept, Refusal> {
        let (from, vault) = (path.to_path_buf(), self.vault.clone());
        let found = tokio::task::spawn_blocking(move || survey(&from, &vault)).await;
        let found = match found.map_err(|e| Refusal::internal(&e))?.map_err(|e| Refusal::internal(&e))? {
            Found::Nothing => return Ok(Kept::Done),
            Found::Unreadable(why) => return Ok(Kept::Aside(why)),
            Found::Film(survey) => Arc::<Survey>::from(survey),
        };
        let is_whole = if found.is_damaged { Kept::Aside("only its beginning could be read") } else { Kept::Done };
        let id = RecordingId::from_uuid(found.opening.id);
        let mut tx = self.db.read().await?;
        if tx.recordings().find(id).await?.is_some() {
            // It was stored before a crash: another copy would have another hash than its row says.
            return Ok(is_whole);
        }
        let room = tx.rooms().find(found.opening.room).await?.filter(|room| room.purpose == RoomPurpose::Visit);
        let visit = match &room {
            Some(room) => tx.visits().find(VisitId::from_uuid(room.subject_id)).await?,
            None => None,
        };
        let Some((room, visit)) = room.zip(visit) else { return Ok(Kept::Aside("it belongs to no visit")) };
        drop(tx);
        if visit.was_wrong_person_in(room.id) {
            let mut work = self.begin().await?;
            work.audit(visit.institution_id, "recorder", "recording.discard", &id.to_string()).await?;
            work.commit().await?;
            return Ok(Kept::Done);
        }
        let place = place_of(visit.institution_id, visit.id, id);
        let stored =
            self.archive.store(&place, path.to_path_buf(), Arc::clone(&found), visit.id, self.ids.clone()).await;
        let stored = stored.map_err(|e| Refusal::internal(&e))?;
        let row = self.recording_row(&found, &room, &visit, place, stored);
        let mut work = self.begin().await?;
        work.tx.recordings().insert(&row).await?;
        let detail = json!({ "visit": row.visit_id });
        let what = row.id.to_string();
        work.audit_why(row.institution_id, "recorder", "recording.store", &what, None, detail).await?;
        work.commit().await?;
        Ok(is_whole)
    }

    fn recording_row(
        &self,
        found: &Survey,
        room: &RoomRow,
        visit: &VisitRow,
        place: String,
        stored: super::film::Written,
    ) -> RecordingRow {
        let (now, opening) = (self.clock.now(), &found.opening);
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        RecordingRow {
            id: RecordingId::from_uuid(opening.id),
            institution_id: visit.institution_id,
            visit_id: visit.id,
            room_id: room.id,
            participant_id: opening.participant,
            is_screen: opening.is_screen,
            part: i64::from(opening.part),
            started_at: opening.started_at,
            millis: number(found.millis),
            consent_version: found.agreed.version.clone(),
            consent_at: found.agreed.at,
            retain_until: retain_until(visit.ended_at.unwrap_or(now)),
            is_cut: found.is_cut,
            is_withdrawn: found.gaps.iter().any(|gap| gap.cause == GapCause::Withdrawn),
            is_unpictured: found.gaps.iter().any(|gap| gap.cause == GapCause::Codec),
            gaps: number(found.gaps.len() as u64),
            place,
            size: number(stored.size),
            stored_size: number(stored.stored),
            hash: stored.hash,
            key_sealed: self.vault.seal(Field::RecordingKey, opening.id, &hex(&found.key)),
            stored_at: now,
        }
    }
}

/// Whether nothing grows in the folder, and nothing in it is to be stored.
async fn is_empty(folder: &Path) -> bool {
    files(folder, ending::PART).await.is_empty() && files(folder, ending::DONE).await.is_empty()
}

/// The files of a folder with this ending, oldest first: their names begin with the time.
async fn files(folder: &Path, with: &'static str) -> Vec<PathBuf> {
    let folder = folder.to_path_buf();
    let read = tokio::task::spawn_blocking(move || {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|ending| ending == with)).collect();
        files.sort_unstable();
        files
    });
    read.await.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_is_tried_again_ever_more_rarely_but_at_least_each_hour() {
        let minutes: Vec<_> = (1..9).map(|times| pause(times).as_secs() / 60).collect();
        assert_eq!(minutes, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(pause(u32::MAX), RARELY);
    }

    #[tokio::test]
    async fn an_ending_server_waits_for_what_is_written_or_to_be_stored_and_for_nothing_else() {
        let spool = tempfile::tempdir().unwrap();
        assert!(is_empty(spool.path()).await);
        assert!(is_empty(&spool.path().join("was never made")).await);
        for (ending, is_waited_for) in [(ending::PART, true), (ending::DONE, true), (ending::ASIDE, false)] {
            let file = spool.path().join("film").with_extension(ending);
            std::fs::write(&file, b"anything").unwrap();
            assert_eq!(is_empty(spool.path()).await, !is_waited_for, "{ending}");
            std::fs::remove_file(&file).unwrap();
        }
    }
}
