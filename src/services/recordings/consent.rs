//! Whether a visit is recorded, and how its patient takes that back.

use crate::domain::consent::{self, ConsentKind};
use crate::domain::ids::{HolderId, PatientId, RoomId};
use crate::domain::permission::HolderAct;
use crate::domain::recording::Agreed;
use crate::domain::room::Input;
use crate::domain::time::Timestamp;
use crate::services::Services;
use crate::services::hospital::clinic_settings::{ClinicSet, note_of_operator, one_clinic};
use crate::services::refusal::Refusal;
use crate::services::work::Work;
use crate::store::{ConsentRow, Db, TicketRow, Tx};

impl Services {
    /// To what the patient of a ticket agreed, when the visit is recorded: the clinic records, and the words are in force.
    pub(crate) async fn is_recorded(&self, work: &mut Work, ticket: &TicketRow) -> Result<Option<Agreed>, Refusal> {
        let Some(holder) = ticket.holder_id else { return Ok(None) };
        if !work.tx.recordings().is_wanted(ticket.clinic_id).await? {
            return Ok(None);
        }
        let consent = consent_to_record(&mut work.tx, holder, ticket.patient_id).await?;
        Ok(consent.map(|row| Agreed { version: row.text_version, at: row.at }))
    }

    /// Notes that the visits of this patient that go on are recorded no longer. Of a withdrawal that is said again, those
    /// alone whose recording had been agreed to before it was said `first`; else whatever the clocks say. Their rooms, which are to be told after the commit by [`Self::stop_recordings`].
    pub(crate) async fn withdraw_recording(
        &self,
        work: &mut Work,
        act: HolderAct,
        patient: PatientId,
        first: Option<Timestamp>,
    ) -> Result<Vec<RoomId>, Refusal> {
        let mut rooms = Vec::new();
        for visit in work.tx.visits().open_of(act.holder, patient).await? {
            let room = work.tx.rooms().find(visit.room_id).await?;
            if room
                .and_then(|room| room.agreed_at)
                .is_some_and(|agreed_at| first.is_some_and(|first| agreed_at > first))
            {
                continue;
            }
            if work.tx.rooms().stop_recording(visit.room_id).await? {
                let (who, what) = (act.holder.to_string(), visit.id.to_string());
                work.audit(visit.institution_id, &who, "recording.withdraw", &what).await?;
            }
            // Also one that had stopped before: its room may not have heard of it.
            rooms.push(visit.room_id);
        }
        Ok(rooms)
    }

    /// Stops what runs in these rooms.
    pub(crate) async fn stop_recordings(&self, rooms: Vec<RoomId>) {
        for room in rooms {
            self.live.send(room, Input::StopRecording).await;
        }
    }
}

/// The newest decision about the recording, when it is a yes to the words in force.
async fn consent_to_record(tx: &mut Tx, holder: HolderId, patient: PatientId) -> Result<Option<ConsentRow>, Refusal> {
    let newest = tx.consents().standing(holder, patient, ConsentKind::ProcessRecord).await?;
    let in_force = &consent::text(ConsentKind::ProcessRecord).version;
    Ok(newest.filter(|row| row.granted && row.text_version == *in_force))
}

/// Sets whether the clinic with this code records those who agree. Where several institutions have one, `institution`
/// names which: by its id or its whole name.
pub async fn set_policy(
    db: &Db,
    now: Timestamp,
    code: &str,
    institution: Option<&str>,
    is_wanted: bool,
) -> Result<ClinicSet, Refusal> {
    let mut tx = db.begin().await?;
    let clinic = match one_clinic(&mut tx, code, institution).await? {
        Ok(clinic) => clinic,
        Err(why) => return Ok(why),
    };
    tx.recordings().set_wanted(clinic.id, is_wanted).await?;
    let action = if is_wanted { "recording.on" } else { "recording.off" };
    note_of_operator(&mut tx, now, &clinic, action).await?;
    tx.commit().await?;
    Ok(ClinicSet::Done)
}
