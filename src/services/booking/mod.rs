//! Appointments: rosters make slots, patients book them, check-in makes tickets.

mod book;
mod calendar;
mod check_in;
mod day;
mod demo;
mod ending;
mod import;
mod preview;
mod rolling;
mod rosters;
mod slots;
pub(crate) mod texts;
mod wishes;

use std::collections::HashMap;

use serde_json::json;

use crate::domain::appointment::SlotState;
use crate::domain::appointment::check_in::{EARLY, closes_at};
use crate::domain::ids::{AccountId, AppointmentId};
use crate::domain::permission::HolderAct;
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::protocol::booking::{AppointmentView, SlotView};
use crate::protocol::error::ErrorCode;
use crate::services::Services;
use crate::services::identity::sessions::staff_name;
use crate::services::intake::patients::{patient_card, related};
use crate::services::refusal::Refusal;
use crate::services::topics::Topic;
use crate::services::work::Work;
use crate::store::{AppointmentRow, ClinicRow, RelatedPatient, SlotRow, Tx};

pub(crate) use rosters::doctor_view;

fn stale() -> Refusal {
    Refusal::new(ErrorCode::AppointmentState, "the appointment is not where it was; fetch it again")
}

/// The same to whoever knows an older one, with what it is now.
async fn behind(tx: &mut Tx, act: HolderAct, id: AppointmentId, now: Timestamp) -> Refusal {
    let newer = async {
        let row = own(tx, act, id).await?;
        view(tx, act, &row, now).await
    };
    newer.await.map_or_else(|refusal| refusal, |newer| stale().with_newer(&newer))
}

/// An appointment of whoever asks; another's is not there.
async fn own(tx: &mut Tx, act: HolderAct, id: AppointmentId) -> Result<AppointmentRow, Refusal> {
    of_holder(act, tx.appointments().find(id).await?)
}

/// The same, locked until the end of the transaction.
async fn locked(tx: &mut Tx, act: HolderAct, id: AppointmentId) -> Result<AppointmentRow, Refusal> {
    of_holder(act, tx.appointments().lock(id).await?)
}

fn of_holder(act: HolderAct, row: Option<AppointmentRow>) -> Result<AppointmentRow, Refusal> {
    let row = row.filter(|row| row.holder_id == act.holder && row.institution_id == act.institution);
    row.ok_or_else(Refusal::not_found)
}

/// What an appointment is shown with.
struct Beside {
    clinic: ClinicRow,
    slot: SlotRow,
    related: RelatedPatient,
}

/// An appointment as its holder sees it.
async fn view(tx: &mut Tx, act: HolderAct, row: &AppointmentRow, now: Timestamp) -> Result<AppointmentView, Refusal> {
    let clinic = tx.clinics().find(row.clinic_id).await?.ok_or_else(Refusal::not_found)?;
    let slot = tx.slots().find(row.slot_id).await?.ok_or_else(Refusal::not_found)?;
    let related = related(tx, act, row.patient_id).await?;
    view_beside(tx, act, row, Beside { clinic, slot, related }, now).await
}

/// The same for whoever has read already what it is shown with.
async fn view_beside(
    tx: &mut Tx,
    act: HolderAct,
    row: &AppointmentRow,
    beside: Beside,
    now: Timestamp,
) -> Result<AppointmentView, Refusal> {
    let Beside { clinic, slot, related } = beside;
    let (doctor_name, doctor_title) = staff_name(tx, row.doctor_id).await?;
    Ok(AppointmentView {
        id: row.id,
        state: row.state,
        version: row.version,
        clinic: clinic.id,
        clinic_name: Text::new(clinic.name_zh, clinic.name_en),
        link: clinic.link_token,
        doctor: row.doctor_id,
        doctor_name,
        doctor_title,
        patient: patient_card(tx, act, &related, now).await?,
        slot: row.slot_id,
        starts_at: row.starts_at,
        ends_at: row.ends_at,
        zone: row.zone.clone(),
        check_in_from: row.starts_at - EARLY,
        check_in_until: closes_at(row.ends_at),
        is_off: slot.state == SlotState::Closed,
        ticket: row.ticket_id,
    })
}

/// The names of doctors, each asked for once.
#[derive(Default)]
struct Names(HashMap<AccountId, Text>);

impl Names {
    async fn of(&mut self, tx: &mut Tx, doctor: AccountId) -> Result<Text, Refusal> {
        if let Some(name) = self.0.get(&doctor) {
            return Ok(name.clone());
        }
        let (name, _) = staff_name(tx, doctor).await?;
        self.0.insert(doctor, name.clone());
        Ok(name)
    }

    /// Slots as patients see them.
    async fn slots(&mut self, tx: &mut Tx, rows: &[SlotRow]) -> Result<Vec<SlotView>, Refusal> {
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            views.push(SlotView {
                id: row.id,
                starts_at: row.starts_at,
                ends_at: row.ends_at,
                zone: row.zone.clone(),
                doctor: row.doctor_id,
                doctor_name: self.of(tx, row.doctor_id).await?,
                free: u32::try_from(row.capacity - row.taken).unwrap_or(0),
            });
        }
        Ok(views)
    }
}

impl Services {
    /// Tells staff and its holder what happened to an appointment; no name, and nothing of why the patient comes.
    pub(crate) async fn announce_appointment(
        &self,
        work: &mut Work,
        row: &AppointmentRow,
        kind: &str,
    ) -> Result<(), Refusal> {
        let data = json!({
            "appointment": row.id,
            "slot": row.slot_id,
            "state": row.state,
            "version": row.version,
            "starts_at": row.starts_at,
        });
        work.emit(row.institution_id, Topic::Clinic(row.clinic_id).to_string(), kind, data.clone()).await?;
        work.emit(row.institution_id, Topic::Appointment(row.id).to_string(), kind, data).await?;
        Ok(())
    }
}
