//! Process records: whether a visit is recorded, and who may see it afterwards.

mod keep;
mod sealed;
mod spool;

use std::ops::Range;

use serde_json::{Map, Value};

use crate::domain::audit::Entry;
use crate::domain::consent::{self, ConsentKind};
use crate::domain::ids::{HolderId, PatientId, RecordingId, VisitId};
use crate::domain::permission::DoctorAct;
use crate::domain::time::Timestamp;
use crate::protocol::visit::RecordingView;
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::visits::doctors_visit;
use crate::services::work::Work;
use crate::store::{ConsentRow, Db, RecordingRow, TicketRow, Tx};

pub use keep::{Archive, open_archive};
pub use spool::{Finished, Spool, SpoolRecorder};

/// The most that one answer holds of a recording.
const ANSWER: u64 = 4 << 20;
/// Recordings that a doctor's list holds at most.
const LISTED: i64 = 100;

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
    /// Whether the visit of a ticket is recorded: the clinic records, and the patient agreed to the words in force.
    pub(crate) async fn is_recorded(&self, work: &mut Work, ticket: &TicketRow) -> Result<bool, Refusal> {
        let Some(holder) = ticket.holder_id else { return Ok(false) };
        let is_wanted = work.tx.recordings().is_wanted(ticket.clinic_id).await?;
        Ok(is_wanted && consent_to_record(&mut work.tx, holder, ticket.patient_id).await?.is_some())
    }

    /// The recordings of a visit, for its doctor; the read is audited.
    pub async fn recordings(&self, act: DoctorAct, visit: VisitId) -> Result<Vec<RecordingView>, Refusal> {
        let mut work = self.begin().await?;
        doctors_visit(&mut work.tx, act, visit).await?;
        let rows = work.tx.recordings().of_visit(visit).await?;
        let views = views(&mut work.tx, rows).await?;
        work.audit(act.institution, &act.account.to_string(), "recording.list", &visit.to_string()).await?;
        work.commit().await?;
        Ok(views)
    }

    /// The newest recordings of a doctor's visits; the read is audited.
    pub async fn own_recordings(&self, act: DoctorAct) -> Result<Vec<RecordingView>, Refusal> {
        let mut work = self.begin().await?;
        let rows = work.tx.recordings().of_doctor(act.account, LISTED).await?;
        let views = views(&mut work.tx, rows).await?;
        let who = act.account.to_string();
        work.audit(act.institution, &who, "recording.list", &who).await?;
        work.commit().await?;
        Ok(views)
    }

    /// A stretch of a recording in clear, for the doctor of its visit; each read is audited before a byte leaves.
    pub async fn play(&self, act: DoctorAct, id: RecordingId, from: u64, to: Option<u64>) -> Result<Stretch, Refusal> {
        let mut work = self.begin().await?;
        let row = work.tx.recordings().find(id).await?.ok_or_else(Refusal::not_found)?;
        doctors_visit(&mut work.tx, act, row.visit_id).await?;
        work.audit(act.institution, &act.account.to_string(), "recording.play", &id.to_string()).await?;
        work.commit().await?;
        let total = u64::try_from(row.size).unwrap_or(0);
        let end = to.map_or(total, |to| to.saturating_add(1)).min(total).min(from.saturating_add(ANSWER));
        if from >= end {
            return Ok(Stretch { range: from..from, total, bytes: Vec::new() });
        }
        let bytes = self.archive.read(&self.vault, &row, from..end).await.map_err(|error| {
            tracing::error!(recording.id = %id, %error, "a recording cannot be read");
            Refusal::new(crate::protocol::error::ErrorCode::Unavailable, "the recording cannot be read now")
        })?;
        Ok(Stretch { range: from..end, total, bytes })
    }
}

/// Sets whether the clinics with this code record those who agree; how many there are. It holds for visits that begin from
/// now on.
pub async fn set_policy(db: &Db, now: Timestamp, code: &str, is_wanted: bool) -> Result<usize, Refusal> {
    let mut tx = db.begin().await?;
    let clinics = tx.recordings().set_wanted(code, is_wanted).await?;
    for (institution, clinic) in &clinics {
        let action = if is_wanted { "recording.on" } else { "recording.off" }.to_owned();
        let (actor, subject) = ("operator".to_owned(), clinic.to_string());
        let entry = Entry { at: now, actor, action, subject, purpose: None, detail: Value::Object(Map::new()) };
        tx.audit().append(*institution, &entry).await?;
    }
    tx.commit().await?;
    Ok(clinics.len())
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
            part: u32::try_from(row.part).unwrap_or(1),
            started_at: row.started_at,
            millis: u64::try_from(row.millis).unwrap_or(0),
            gaps: u32::try_from(row.gaps).unwrap_or(0),
            is_cut: row.is_cut,
            size: u64::try_from(row.size).unwrap_or(0),
            retain_until: row.retain_until,
        });
    }
    Ok(views)
}

/// The newest decision about the recording, when it is a yes to the words in force.
async fn consent_to_record(tx: &mut Tx, holder: HolderId, patient: PatientId) -> Result<Option<ConsentRow>, Refusal> {
    let decisions = tx.consents().of(holder, patient).await?;
    let newest = decisions.into_iter().rev().find(|row| row.kind == ConsentKind::ProcessRecord);
    let in_force = &consent::text(ConsentKind::ProcessRecord).version;
    Ok(newest.filter(|row| row.granted && row.text_version == *in_force))
}
