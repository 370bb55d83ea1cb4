//! Process records: of whom there are some, and who may see them.

mod archive;
#[cfg(test)]
mod bucket;
mod consent;
mod film;
mod keep;
mod retention;
mod running;
mod sealed;
mod spool;
#[cfg(test)]
mod spool_tests;
mod survey;

use std::ops::Range;
use std::time::Duration;

use serde_json::{Value, json};

use crate::domain::access::ReadPurpose;
use crate::domain::audit::Kept;
use crate::domain::ids::{InstitutionId, RecordingId, VisitId};
use crate::domain::permission::DoctorAct;
use crate::domain::recording::{Gap, RecordedCodec};
use crate::protocol::recording::{MissingStretch, RecordingView};
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::visits::doctors_visit;
use crate::store::{RecordingRow, Tx};

use archive::ReadError;
pub use archive::{Archive, open_archive};
pub use consent::set_policy;
pub use running::SpoolRecorder;
pub use spool::{Finished, Limits, Spool};

/// The most that one answer holds of a recording.
const ANSWER: u64 = 4 << 20;
/// Recordings that a doctor's list holds at most.
const LISTED: i64 = 100;

/// What reading the indexes of a visit's recordings may take.
const INDEXES: Duration = Duration::from_secs(5);

/// Which bytes of a recording are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// From a place to the end.
    From(u64),
    /// From a place to another, that one included.
    Between(u64, u64),
    /// So many at the end.
    Last(u64),
}

impl Asked {
    /// What one answer gives of `total` bytes; nothing when there is nothing there.
    fn of(self, total: u64) -> Range<u64> {
        let (from, end) = match self {
            Self::From(from) => (from, total),
            Self::Between(from, to) => (from, to.saturating_add(1).min(total)),
            Self::Last(count) => (total.saturating_sub(count), total),
        };
        from..end.min(from.saturating_add(ANSWER)).max(from)
    }
}

/// A stretch of a recording.
#[derive(Debug)]
pub struct Stretch {
    /// Which bytes.
    pub range: Range<u64>,
    /// Of how many.
    pub total: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Services {
    /// The recordings of a visit, for its doctor; the read is audited.
    pub async fn recordings(&self, act: DoctorAct, visit: VisitId) -> Result<Vec<RecordingView>, Refusal> {
        let mut reading = self.reading(act.institution, &act.account).await?;
        doctors_visit(&mut reading.tx, act, visit).await?;
        let rows = reading.tx.recordings().of_visit(visit).await?;
        let views = views(&mut reading.tx, rows.clone()).await?;
        reading.see("recording.list", &visit, ReadPurpose::Treatment, json!({}));
        let mut views = self.answer(reading, views).await?;
        self.say_missing(&mut views, &rows).await;
        Ok(views)
    }

    /// The newest recordings of a doctor's visits; the read is audited.
    pub async fn own_recordings(&self, act: DoctorAct) -> Result<Vec<RecordingView>, Refusal> {
        let mut reading = self.reading(act.institution, &act.account).await?;
        let rows = reading.tx.recordings().of_doctor(act.account, LISTED).await?;
        let views = views(&mut reading.tx, rows).await?;
        reading.see("recording.list", &act.account, ReadPurpose::Treatment, json!({}));
        self.answer(reading, views).await
    }

    /// Says of each film what its index names as missing. A store that does not answer keeps nobody from the list.
    async fn say_missing(&self, views: &mut [RecordingView], rows: &[RecordingRow]) {
        let said = async {
            for (view, row) in views.iter_mut().zip(rows) {
                let gaps = if row.gaps == 0 { Ok(Vec::new()) } else { self.archive.gaps(&self.vault, row).await };
                match gaps {
                    Ok(mut gaps) => {
                        gaps.sort_by_key(|gap| (gap.from, gap.to));
                        view.missing = Some(gaps.into_iter().map(stretch).collect());
                    }
                    Err(error) => {
                        tracing::warn!(recording.id = %row.id, %error, "the index of a recording cannot be read");
                    }
                }
            }
        };
        if tokio::time::timeout(INDEXES, said).await.is_err() {
            tracing::warn!("the indexes of a visit's recordings cannot be read in time");
        }
    }

    /// A stretch of a recording in clear, for the doctor of its visit; each read is audited before a byte leaves.
    pub async fn play(&self, act: DoctorAct, id: RecordingId, asked: Asked) -> Result<Stretch, Refusal> {
        let mut reading = self.reading(act.institution, &act.account).await?;
        let row = reading.tx.recordings().find(id).await?.ok_or_else(Refusal::not_found)?;
        let visit = doctors_visit(&mut reading.tx, act, row.visit_id).await?;
        if visit.was_wrong_person_in(row.room_id) {
            return Err(Refusal::not_found());
        }
        reading.see("recording.play", &id, ReadPurpose::Treatment, json!({ "visit": row.visit_id }));
        let row = self.answer(reading, row).await?;
        let total = u64::try_from(row.size).unwrap_or(0);
        let range = asked.of(total);
        if range.is_empty() {
            return Ok(Stretch { range, total, bytes: Vec::new() });
        }
        let bytes = self.archive.read(&self.vault, &row, range.clone()).await.map_err(|error| {
            tracing::error!(recording.id = %id, %error, "a recording cannot be read");
            match error {
                // Whatever its row says: this doctor has no such film.
                ReadError::OfAnother => Refusal::not_found(),
                ReadError::Store(_) | ReadError::Broken => {
                    Refusal::new(crate::protocol::error::ErrorCode::Unavailable, "the recording cannot be read now")
                }
            }
        })?;
        Ok(Stretch { range, total, bytes })
    }
}

/// Where the film of a visit is in the object store.
fn place_of(institution: InstitutionId, visit: VisitId, id: RecordingId) -> String {
    format!("{}/{}/{}.yzr", institution.as_uuid(), visit.as_uuid(), id.as_uuid())
}

/// Whether a film that this entry says was stored is still of the visit in which it was made, as the entry names it and as
/// its place does. One that went is of none.
pub(crate) async fn is_of_its_visit(tx: &mut Tx, entry: &Kept) -> Result<bool, Refusal> {
    let Some(id) = RecordingId::from_key(&entry.subject) else { return Ok(false) };
    let Some(row) = tx.recordings().find(id).await? else { return Ok(true) };
    let detail: Value = serde_json::from_str(&entry.detail).unwrap_or_default();
    // Entries of earlier versions name no visit.
    let is_named = detail["visit"].is_null() || detail["visit"] == json!(row.visit_id);
    Ok(is_named && row.place == place_of(row.institution_id, row.visit_id, id))
}

fn stretch(gap: Gap) -> MissingStretch {
    let Gap { codec, from, to, cause } = gap;
    MissingStretch { kind: codec.map(RecordedCodec::kind), from, to, cause }
}

async fn views(tx: &mut Tx, rows: Vec<RecordingRow>) -> Result<Vec<RecordingView>, Refusal> {
    let orphan = || Refusal::internal("a recording of nobody");
    let mut views = Vec::with_capacity(rows.len());
    for row in rows {
        let visit = tx.visits().find(row.visit_id).await?.ok_or_else(orphan)?;
        let ticket = tx.tickets().find(visit.ticket_id).await?.ok_or_else(orphan)?;
        let patient = tx.patients().find(row.institution_id, visit.patient_id).await?.ok_or_else(orphan)?;
        views.push(RecordingView {
            id: row.id,
            visit: row.visit_id,
            no: ticket.no,
            name_masked: patient.name_masked,
            role: tx.rooms().find_seat(row.participant_id).await?.ok_or_else(orphan)?.role,
            is_screen: row.is_screen,
            part: u32::try_from(row.part).unwrap_or(1),
            started_at: row.started_at,
            millis: u64::try_from(row.millis).unwrap_or(0),
            gaps: u32::try_from(row.gaps).unwrap_or(0),
            missing: None,
            is_cut: row.is_cut,
            is_withdrawn: row.is_withdrawn,
            is_unpictured: row.is_unpictured,
            size: u64::try_from(row.size).unwrap_or(0),
            retain_until: row.retain_until,
        });
    }
    Ok(views)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_is_what_was_asked_for_as_far_as_it_is_there_and_one_answer_holds() {
        assert_eq!(Asked::From(10).of(100), 10..100);
        assert_eq!(Asked::Between(10, 19).of(100), 10..20);
        assert_eq!(Asked::Between(10, 1000).of(100), 10..100);
        assert_eq!(Asked::Last(30).of(100), 70..100);
        assert_eq!(Asked::Last(3000).of(100), 0..100);
        let long = 10 * ANSWER;
        assert_eq!(Asked::From(5).of(long), 5..5 + ANSWER);
        assert_eq!(
            Asked::Last(2 * ANSWER).of(long),
            long - 2 * ANSWER..long - ANSWER,
            "the first of what was asked for"
        );
        for nothing in [Asked::From(100), Asked::Between(200, u64::MAX), Asked::Last(0)] {
            assert!(nothing.of(100).is_empty(), "{nothing:?}");
        }
        assert!(Asked::From(0).of(0).is_empty());
    }
}
