//! Taking a number: for a declaration that still says how the patient is.

use serde_json::json;

use crate::domain::appointment::SlotState;
use crate::domain::appointment::check_in::{closes_at, rank};
use crate::domain::codes::seconds;
use crate::domain::ids::{ClinicId, TicketId, TriageId};
use crate::domain::permission::HolderAct;
use crate::domain::ticket::{DECLARATION_KEPT, DRAWN_OF_HOLDER, DRAWN_WITHIN, LIVE_OF_HOLDER, TicketState, lane_of};
use crate::domain::triage::Level;
use crate::protocol::error::ErrorCode;
use crate::protocol::ticket::{TicketRequest, TicketView};
use crate::services::Services;
use crate::services::intake::triage::{Decisions, after};
use crate::services::refusal::Refusal;
use crate::services::tickets::{day_at, minutes};
use crate::services::work::{Command, Work};
use crate::store::{AppointmentRow, ClinicRow, DeclarationRow, Json, NewTicket, TicketRow, TriageRow};

impl Services {
    /// Takes a number for a submitted declaration.
    pub async fn take_ticket(
        &self,
        act: HolderAct,
        request: TicketRequest,
        command: &Command,
    ) -> Result<TicketView, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let (ticket, clinic) = self.join(&mut work, act, request, None).await?;
        let truth = self.truth_within(&mut work.tx, clinic.id).await?;
        let view = self.view(&mut work.tx, act, &ticket, &clinic, &truth, work.now).await?;
        work.keep(command, &view).await?;
        self.announce_ticket(&mut work, &ticket, "ticket.joined").await?;
        work.commit().await?;
        Ok(view)
    }

    /// Puts a patient into the queue: the one door, with and without an appointment.
    ///
    /// Who has booked and is on time ranks by the slot (BOOKED-1) and waits for the doctor of the appointment, unless the
    /// level is URGENT or that doctor is away: then whoever is free calls first.
    pub(crate) async fn join(
        &self,
        work: &mut Work,
        act: HolderAct,
        request: TicketRequest,
        booked: Option<&AppointmentRow>,
    ) -> Result<(TicketRow, ClinicRow), Refusal> {
        let now = work.now;
        let declaration = work.tx.declarations().of_holder(act.institution, act.holder, request.declaration).await?;
        let declaration = declaration.ok_or_else(Refusal::not_found)?;
        let triage = work.tx.triages().of_declaration(declaration.id).await?;
        let triage = triage.ok_or_else(|| Refusal::new(ErrorCode::AnswerMissing, "submit the declaration first"))?;
        let clinic = work.tx.clinics().find(declaration.clinic_id).await?.ok_or_else(Refusal::not_found)?;
        if booked.is_some_and(|row| (row.patient_id, row.clinic_id) != (declaration.patient_id, clinic.id)) {
            return Err(Refusal::field(
                ErrorCode::Invalid,
                "declaration",
                "one of the same patient in the same clinic",
            ));
        }
        if !clinic.is_open {
            return Err(Refusal::new(ErrorCode::ClinicClosed, "the clinic takes no patients now"));
        }
        is_usable(work, &declaration).await?;
        work.tx.holders().lock(act.holder).await?;
        work.tx.patients().lock(declaration.patient_id).await?;
        if work.tx.tickets().is_live(clinic.id, declaration.patient_id).await? {
            return Err(exists());
        }
        let triage = self.standing_emergency(work, &declaration, triage).await?;
        let is_emergency = triage.level == Level::Emergency;
        // Who has booked is expected, and an emergency is nobody's to refuse.
        if booked.is_none() && !is_emergency {
            has_room(work, act, clinic.id).await?;
        }
        if booked.is_none() {
            has_time(work, act, clinic.id, is_emergency).await?;
        }
        let want = match booked.filter(|_| lane_of(triage.level) >= lane_of(Level::Standard)) {
            Some(row) => {
                let slot = work.tx.slots().find(row.slot_id).await?;
                slot.is_some_and(|slot| slot.state == SlotState::Open).then_some(row)
            }
            None => None,
        };
        let day = day_at(&clinic, now)?.date.to_string();
        let no = work.tx.tickets().draw_no(clinic.id, &day).await?;
        let new = NewTicket {
            id: self.ids.make(TicketId::from_uuid),
            institution: act.institution,
            clinic: clinic.id,
            day,
            no,
            patient: declaration.patient_id,
            level: triage.level,
            at: now,
        };
        let waiting = TicketRow::waiting(new);
        let ticket = TicketRow {
            holder_id: Some(act.holder),
            declaration_id: Some(declaration.id),
            state: if is_emergency { TicketState::Emergency } else { waiting.state },
            rank: booked.map_or(waiting.rank, |row| rank(row.starts_at, now)),
            retriage_due: Some(now + minutes(clinic.retriage_minutes)),
            nurse_call: triage.nurse_call,
            device_check: request.check.map(|check| Json(json!(check))),
            want_doctor: want.map(|row| row.doctor_id),
            want_until: want.map(|row| closes_at(row.ends_at)),
            appointment_id: booked.map(|row| row.id),
            ..waiting
        };
        match work.tx.tickets().insert(&ticket).await {
            Err(crate::store::StoreError::Conflict) => return Err(exists()),
            other => other?,
        }
        work.tx.triages().attach(declaration.id, ticket.id).await?;
        let terms = Decisions::of(&mut work.tx, &ticket).await?.map_or_else(Vec::new, |decisions| decisions.terms());
        self.alarm_for_ticket(work, &ticket, terms).await?;
        Ok((ticket, clinic))
    }

    /// The triage that a number is drawn by. An EMERGENCY that this holder declared for the patient stands until a person has
    /// closed its alarm: a milder declaration after it takes nothing back.
    async fn standing_emergency(
        &self,
        work: &mut Work,
        declaration: &DeclarationRow,
        triage: TriageRow,
    ) -> Result<TriageRow, Refusal> {
        if triage.level == Level::Emergency {
            return Ok(triage);
        }
        let holder = Some(declaration.holder_id);
        let alarm = work.tx.alarms().open_for_patient(declaration.clinic_id, declaration.patient_id, holder).await?;
        let Some((alarm, earlier)) = alarm.and_then(|alarm| Some((alarm.id, alarm.declaration_id?))) else {
            return Ok(triage);
        };
        // Where it is the same declaration, or a person has lowered the earlier one, a person has decided already.
        let standing = work.tx.triages().of_declaration(earlier).await?;
        let standing = standing.filter(|row| row.level == Level::Emergency && earlier != declaration.id);
        let Some(standing) = standing else { return Ok(triage) };
        let row = TriageRow {
            id: self.ids.make(TriageId::from_uuid),
            declaration_id: declaration.id,
            ticket_id: None,
            facts_sealed: None,
            alarm_id: Some(alarm),
            at: after(&triage, work.now),
            ..standing
        };
        work.tx.triages().insert(&row).await?;
        Ok(row)
    }
}

fn exists() -> Refusal {
    Refusal::new(ErrorCode::TicketExists, "this patient has a live ticket in this clinic")
}

/// Refuses another number to a telephone that has as many live ones in this clinic as a family needs.
async fn has_room(work: &mut Work, act: HolderAct, clinic: ClinicId) -> Result<(), Refusal> {
    if work.tx.tickets().count_live_of(act.holder, clinic).await? >= LIVE_OF_HOLDER {
        let words = format!("one telephone has at most {LIVE_OF_HOLDER} live numbers in a clinic");
        return Err(Refusal::new(ErrorCode::TicketTooMany, words));
    }
    Ok(())
}

/// Refuses another number to a telephone that drew as many within the hour as a family does; in an emergency twice as many,
/// and its alarm rings whether or not there is a number.
async fn has_time(work: &mut Work, act: HolderAct, clinic: ClinicId, is_emergency: bool) -> Result<(), Refusal> {
    let most = if is_emergency { 2 * DRAWN_OF_HOLDER } else { DRAWN_OF_HOLDER };
    let drawn = work.tx.tickets().drawn_by(act.holder, clinic, work.now - DRAWN_WITHIN, most).await?;
    match drawn.last() {
        Some(first) if i64::try_from(drawn.len()).is_ok_and(|drawn| drawn >= most) => {
            let words = format!("one telephone draws at most {DRAWN_OF_HOLDER} numbers of a clinic in an hour");
            let wait = seconds((*first + DRAWN_WITHIN).since(work.now));
            Err(Refusal { retry_after: Some(wait), ..Refusal::new(ErrorCode::RateLimited, words) })
        }
        _ => Ok(()),
    }
}

/// Refuses a declaration that does not say how the patient is now: a newer one was handed in, a doctor has seen the patient
/// since, or it is a day old. After a number that ran out or was given back it is good for another.
async fn is_usable(work: &mut Work, declaration: &DeclarationRow) -> Result<(), Refusal> {
    let (holder, patient, clinic) = (declaration.holder_id, declaration.patient_id, declaration.clinic_id);
    let newest = work.tx.declarations().newest_submitted(holder, patient, clinic).await?;
    let is_old = declaration.submitted_at.is_none_or(|at| work.now.since(at) >= DECLARATION_KEPT);
    let states = work.tx.tickets().states_of(declaration.id).await?;
    let is_used = states.into_iter().any(|state| !state.is_live() && !state.keeps_declaration());
    if newest != Some(declaration.id) || is_old || is_used {
        return Err(Refusal::new(ErrorCode::DeclarationOutdated, "declare again how the patient is now"));
    }
    Ok(())
}
