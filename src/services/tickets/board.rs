//! The board: the queue of a clinic as staff see it.

use std::collections::HashMap;
use std::time::Duration;

use crate::domain::ids::{ClinicId, DeskId};
use crate::domain::permission::{StaffAct, TriageAct};
use crate::domain::text::Text;
use crate::protocol::board::{Board, BookedPlace, TicketRow as Row};
use crate::protocol::house::{ClinicInfo, DeskInfo};
use crate::services::Services;
use crate::services::identity::sessions::staff_name;
use crate::services::intake::patients::age_years;
use crate::services::intake::triage::Decisions;
use crate::services::refusal::Refusal;
use crate::services::tickets::{day_at, device_check, phase_of};
use crate::services::topics::Topic;
use crate::store::{DeskRow, TicketRow, Tx};

/// A page that drew its number just now has not opened its socket yet; it counts as there so long.
const OPENS_WITHIN: Duration = Duration::from_secs(10);

impl Services {
    /// The clinics of the institution with their desks.
    pub async fn clinics(&self, act: StaffAct) -> Result<Vec<ClinicInfo>, Refusal> {
        let mut tx = self.db.read().await?;
        let mut infos = Vec::new();
        for clinic in tx.clinics().of(act.institution).await? {
            let desks = desk_infos(&mut tx, clinic.id).await?;
            let name = Text::new(clinic.name_zh, clinic.name_en);
            infos.push(ClinicInfo { id: clinic.id, code: clinic.code, name, open: clinic.is_open, desks });
        }
        Ok(infos)
    }

    /// The queue of a clinic as staff see it, with the event number to go on from.
    pub async fn board(&self, act: TriageAct, id: ClinicId) -> Result<Board, Refusal> {
        let now = self.clock.now();
        let mut tx = self.db.read().await?;
        let clinic = tx.clinics().find(id).await?.filter(|clinic| clinic.institution_id == act.institution);
        let clinic = clinic.ok_or_else(Refusal::not_found)?;
        let desks = desk_infos(&mut tx, id).await?;
        let names: HashMap<_, _> = desks.iter().map(|desk| (desk.id, desk.name.clone())).collect();
        let mut tickets = Vec::new();
        for ticket in tx.tickets().board(id).await? {
            tickets.push(self.row(&mut tx, &ticket, &names).await?);
        }
        let mut open = tx.alarms().open(act.institution).await?;
        open.listed.retain(|one| one.alarm.clinic_id == id);
        let alarms = self.alarm_views(&mut tx, open, act).await?;
        let midnight = day_at(&clinic, now)?.began_at;
        Ok(Board {
            clinic: id,
            clinic_name: Text::new(clinic.name_zh, clinic.name_en),
            tickets,
            alarms,
            desks,
            done_today: u32::try_from(tx.tickets().count_done(id, midnight).await?).unwrap_or(0),
            seq: tx.events().head(&Topic::Clinic(id).to_string()).await?,
            as_of: now,
        })
    }

    /// One ticket as staff see it.
    pub(crate) async fn row(
        &self,
        tx: &mut Tx,
        ticket: &TicketRow,
        desks: &HashMap<DeskId, Text>,
    ) -> Result<Row, Refusal> {
        let patient = tx.patients().find(ticket.institution_id, ticket.patient_id).await?;
        let patient = patient.ok_or_else(|| Refusal::internal("a ticket without a patient"))?;
        let decisions = Decisions::of(tx, ticket).await?;
        let stated = self.stated(decisions.as_ref())?;
        let triage = match &decisions {
            Some(decisions) => Some(decisions.view(tx).await?),
            None => None,
        };
        let ruleset = triage.as_ref().map(|view| view.ruleset.clone());
        let (decided_by, decided_why) =
            triage.as_ref().map_or((None, None), |view| (view.decided_by.clone(), view.decided_why.clone()));
        let (matched, reasons) = triage.map_or_else(Default::default, |view| (view.matched, view.reasons));
        let now = self.clock.now();
        let never_left = self.live.offline_since(ticket.id).is_none_or(|since| since <= ticket.joined_at);
        let is_opening = never_left && now.since(ticket.joined_at) < OPENS_WITHIN;
        Ok(Row {
            id: ticket.id,
            clinic: ticket.clinic_id,
            no: ticket.no,
            phase: phase_of(ticket),
            version: ticket.version,
            level: ticket.level,
            matched,
            reasons,
            ruleset,
            decided_by,
            decided_why,
            patient: patient.id,
            name_masked: patient.name_masked.clone(),
            age_years: age_years(&patient, now),
            sex: patient.sex,
            arrived_at: ticket.arrived_at,
            retriage_due: ticket.retriage_due,
            nurse_call: ticket.nurse_call,
            missed: u32::try_from(ticket.miss_count).unwrap_or(0),
            online: self.live.is_online(ticket.id) || is_opening,
            desk: ticket.desk_id,
            desk_name: ticket.desk_id.and_then(|desk| desks.get(&desk).cloned()),
            moved: ticket.move_reason,
            check: device_check(ticket),
            booked: booked(tx, ticket).await?,
            same_document: tx.tickets().mates(ticket).await?,
            stated,
            speech: self.speech(tx, ticket).await?,
        })
    }
}

/// The appointment behind a ticket.
async fn booked(tx: &mut Tx, ticket: &TicketRow) -> Result<Option<BookedPlace>, Refusal> {
    let Some(id) = ticket.appointment_id else { return Ok(None) };
    let Some(appointment) = tx.appointments().find(id).await? else { return Ok(None) };
    Ok(Some(BookedPlace {
        starts_at: appointment.starts_at,
        zone: appointment.zone,
        doctor: appointment.doctor_id,
        doctor_name: staff_name(tx, appointment.doctor_id).await?.0,
        waits_until: ticket.want_until.filter(|_| ticket.want_doctor.is_some()),
    }))
}

async fn desk_infos(tx: &mut Tx, clinic: ClinicId) -> Result<Vec<DeskInfo>, Refusal> {
    let mut infos = Vec::new();
    for DeskRow { id, name_zh, name_en, state, account_id, last_call_at, .. } in tx.desks().of_clinic(clinic).await? {
        let doctor = match account_id {
            Some(account) => Some(staff_name(tx, account).await?.0),
            None => None,
        };
        infos.push(DeskInfo { id, name: Text::new(name_zh, name_en), state, doctor, last_call_at });
    }
    Ok(infos)
}
