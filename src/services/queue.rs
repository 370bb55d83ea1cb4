//! The queue as its people use it: take a number, see the truth, answer the call, leave; and for staff, the board.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Map, json};
use sqlx::types::Json;

use crate::domain::alarm::AlarmKind;
use crate::domain::date::in_china;
use crate::domain::identity::age_in_months;
use crate::domain::ids::{ClinicId, DeskId, TicketId, TriageId};
use crate::domain::permission::{Actor, HolderAct, StaffAct, TriageAct};
use crate::domain::room::RoomEnd;
use crate::domain::text::Text;
use crate::domain::ticket::{DECLARATION_KEPT, MoveReason, TicketState, lane_of};
use crate::domain::time::Timestamp;
use crate::domain::triage::{Facts, Level};
use crate::domain::visit::VisitEnd;
use crate::protocol::error::ErrorCode;
use crate::protocol::house::{ClinicInfo, DeskInfo};
use crate::protocol::intake::TriageView;
use crate::protocol::ticket::{
    Board, DeskCall, DeviceCheck, LevelChange, RetriageAnswers, TicketPhase, TicketRequest, TicketRow as Row,
    TicketView,
};
use crate::services::Services;
use crate::services::alarms::Cause;
use crate::services::intake::patients::{age_years, birth_date, patient_card, related};
use crate::services::intake::triage::{Case, Decisions, after};
use crate::services::refusal::Refusal;
use crate::services::sessions::staff_name;
use crate::services::topics::Topic;
use crate::services::truth::Truth;
use crate::services::work::{Command, Work};
use crate::store::{ClinicRow, DeclarationRow, DeskRow, PatientRow, TicketRow, TriageRow, Tx};

/// How long an ended ticket is still shown to its holder.
const SHOWN_AFTER: Duration = Duration::from_hours(24);

fn stale() -> Refusal {
    Refusal::new(ErrorCode::TicketState, "the ticket is not where it was; fetch it again")
}

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
        let now = work.now;
        let declaration = work.tx.declarations().of_holder(act.institution, act.holder, request.declaration).await?;
        let declaration = declaration.ok_or_else(Refusal::not_found)?;
        let triage = work.tx.triages().of_declaration(declaration.id).await?;
        let triage = triage.ok_or_else(|| Refusal::new(ErrorCode::AnswerMissing, "submit the declaration first"))?;
        let clinic = work.tx.clinics().find(declaration.clinic_id).await?.ok_or_else(Refusal::not_found)?;
        if !clinic.is_open {
            return Err(Refusal::new(ErrorCode::ClinicClosed, "the clinic takes no patients now"));
        }
        is_usable(&mut work, &declaration).await?;
        let triage = self.standing_emergency(&mut work, &declaration, triage).await?;
        let is_emergency = triage.level == Level::Emergency;
        let day = in_china(now).to_string();
        let no = work.tx.tickets().draw_no(clinic.id, &day).await?;
        let ticket = TicketRow {
            id: self.ids.make(TicketId::from_uuid),
            institution_id: act.institution,
            clinic_id: clinic.id,
            day,
            no,
            patient_id: declaration.patient_id,
            holder_id: Some(act.holder),
            declaration_id: Some(declaration.id),
            level: triage.level,
            state: if is_emergency { TicketState::Emergency } else { TicketState::Waiting },
            lane: lane_of(triage.level),
            rank: now.as_millis(),
            version: 1,
            call_count: 0,
            miss_count: 0,
            desk_id: None,
            doctor_id: None,
            lease_until: None,
            ring_until: None,
            accepted_at: None,
            joined_at: now,
            arrived_at: now,
            called_at: None,
            started_at: None,
            ended_at: None,
            from_ticket: None,
            moved_to: None,
            move_reason: None,
            retriage_due: Some(now + minutes(clinic.retriage_minutes)),
            nurse_call: triage.nurse_call,
            device_check: request.check.map(|check| Json(json!(check))),
        };
        match work.tx.tickets().insert(&ticket).await {
            Err(crate::store::StoreError::Conflict) => {
                return Err(Refusal::new(ErrorCode::TicketExists, "this patient has a live ticket in this clinic"));
            }
            other => other?,
        }
        work.tx.triages().attach(declaration.id, ticket.id).await?;
        let told = Decisions::of(&mut work.tx, &ticket).await?.map_or_else(Vec::new, |decisions| decisions.told());
        self.alarm_for_ticket(&mut work, &ticket, told).await?;
        let truth = self.truth_within(&mut work.tx, clinic.id).await?;
        let view = self.view(&mut work.tx, act, &ticket, &clinic, &truth, now).await?;
        work.keep(command, &view).await?;
        self.announce_ticket(&mut work, &ticket, "ticket.joined").await?;
        work.commit().await?;
        Ok(view)
    }

    /// The triage that a number is drawn by. An EMERGENCY that somebody declared for this patient stands until a person has
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
        let alarm = work.tx.alarms().open_for_patient(declaration.clinic_id, declaration.patient_id).await?;
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

    /// The newest ticket of a holder in a clinic: live, or ended within a day.
    pub async fn current_ticket(&self, act: HolderAct, link: &str) -> Result<Option<TicketView>, Refusal> {
        let now = self.clock.now();
        let mut tx = self.db.read().await?;
        let clinic = tx.clinics().by_link(link).await?.filter(|clinic| clinic.institution_id == act.institution);
        let clinic = clinic.ok_or_else(|| Refusal::new(ErrorCode::LinkUnknown, "no such link"))?;
        let Some(mut ticket) = tx.tickets().newest_of_holder(act.holder, clinic.id).await? else { return Ok(None) };
        let mut clinic = clinic;
        // Follow a transfer to where the patient waits now.
        if let Some(next) = ticket.moved_to
            && let Some(row) = tx.tickets().find(next).await?
        {
            clinic = tx.clinics().find(row.clinic_id).await?.ok_or_else(Refusal::not_found)?;
            ticket = row;
        }
        let is_old = ticket.ended_at.is_some_and(|ended| now.since(ended) > SHOWN_AFTER);
        if is_old {
            return Ok(None);
        }
        let truth = self.truth(&mut tx, clinic.id).await?;
        Ok(Some(self.view(&mut tx, act, &ticket, &clinic, &truth, now).await?))
    }

    /// A ticket as its holder sees it.
    pub async fn ticket_for(&self, actor: Actor, id: TicketId) -> Result<TicketView, Refusal> {
        let act = actor.holder().ok_or_else(Refusal::not_found)?;
        let mut tx = self.db.read().await?;
        let (ticket, clinic) = own_ticket(&mut tx, act, id).await?;
        let truth = self.truth(&mut tx, clinic.id).await?;
        self.view(&mut tx, act, &ticket, &clinic, &truth, self.clock.now()).await
    }

    /// The patient says yes to the call.
    pub async fn accept_call(
        &self,
        act: HolderAct,
        id: TicketId,
        version: i64,
        command: &Command,
    ) -> Result<TicketView, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let (_, clinic) = own_ticket(&mut work.tx, act, id).await?;
        let now = work.now;
        let moved = work.tx.tickets().accept(id, version, now).await?.ok_or_else(stale)?;
        announce_desk(&mut work, &moved, "desk.patient_accepted").await?;
        self.finish_holder_act(work, act, &moved, &clinic, "ticket.accepted", command).await
    }

    /// Whoever holds the telephone is not the patient: the ticket keeps its place.
    pub async fn not_me(
        &self,
        act: HolderAct,
        id: TicketId,
        version: i64,
        command: &Command,
    ) -> Result<TicketView, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let (before, clinic) = own_ticket(&mut work.tx, act, id).await?;
        if before.state != TicketState::Called {
            return Err(stale());
        }
        let moved = work.tx.tickets().restore(id, version, MoveReason::WrongPerson).await?.ok_or_else(stale)?;
        announce_desk(&mut work, &before, "desk.patient_lost").await?;
        self.finish_holder_act(work, act, &moved, &clinic, "ticket.wrong_person", command).await
    }

    /// The patient gives the place up.
    pub async fn leave_queue(
        &self,
        act: HolderAct,
        id: TicketId,
        version: i64,
        command: &Command,
    ) -> Result<TicketView, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let (before, clinic) = own_ticket(&mut work.tx, act, id).await?;
        let now = work.now;
        let moved = work.tx.tickets().leave(id, version, now).await?.ok_or_else(stale)?;
        announce_desk(&mut work, &before, "desk.patient_left").await?;
        self.finish_holder_act(work, act, &moved, &clinic, "ticket.left", command).await
    }

    async fn finish_holder_act(
        &self,
        mut work: Work,
        act: HolderAct,
        ticket: &TicketRow,
        clinic: &ClinicRow,
        kind: &str,
        command: &Command,
    ) -> Result<TicketView, Refusal> {
        let now = work.now;
        let truth = self.truth_within(&mut work.tx, clinic.id).await?;
        let view = self.view(&mut work.tx, act, ticket, clinic, &truth, now).await?;
        work.keep(command, &view).await?;
        self.announce_ticket(&mut work, ticket, kind).await?;
        work.commit().await?;
        Ok(view)
    }

    /// The three questions of every 15 minutes: what the rules of the waiting room raise is raised at once, and said.
    pub async fn retriage(
        &self,
        act: HolderAct,
        id: TicketId,
        answers: RetriageAnswers,
        command: &Command,
    ) -> Result<TicketView, Refusal> {
        if answers.temperature.is_some_and(|t| !(30.0..=45.0).contains(&t)) {
            return Err(Refusal::field(ErrorCode::Invalid, "temperature", "30 to 45 °C"));
        }
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let (ticket, clinic) = own_ticket(&mut work.tx, act, id).await?;
        if ticket.state != TicketState::Waiting {
            return Err(stale());
        }
        let orphan = || Refusal::internal("a ticket without a declaration");
        let before = Decisions::of(&mut work.tx, &ticket).await?.ok_or_else(orphan)?.newest;
        let patient = related(&mut work.tx, act, ticket.patient_id).await?.patient;
        let facts = waiting_facts(&answers, &patient, work.now)?;
        let case = Case {
            institution: act.institution,
            clinic: clinic.id,
            declaration: before.declaration_id,
            patient: patient.id,
            holder: act.holder,
            ticket: Some(id),
        };
        let before = TriageRow { level: ticket.level, ..before };
        let ran = self.run_waiting_rules(&mut work, case, &facts, &before).await?;
        let (level, calls) = ran.map_or((ticket.level, false), |row| (row.level, row.nurse_call));
        let due = work.now + minutes(clinic.retriage_minutes);
        work.tx.tickets().set_retriage(id, due, ticket.nurse_call || calls).await?;
        let moved = if level > ticket.level {
            let raised = work.tx.tickets().set_level(id, ticket.version, level, MoveReason::Raised).await?;
            raised.ok_or_else(stale)?
        } else {
            work.tx.tickets().find(id).await?.ok_or_else(stale)?
        };
        self.finish_holder_act(work, act, &moved, &clinic, "ticket.retriaged", command).await
    }

    /// A person changes a level: up at will, down with a reason, down from EMERGENCY by a doctor. A visit that is under
    /// way is the doctor's, who ends or transfers it; nobody takes the patient away by a level.
    pub async fn change_level(
        &self,
        act: TriageAct,
        id: TicketId,
        change: LevelChange,
        command: &Command,
    ) -> Result<Row, Refusal> {
        if change.reason.chars().count() > 500 {
            return Err(Refusal::field(ErrorCode::Invalid, "reason", "at most 500 characters"));
        }
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let ticket = staff_ticket(&mut work.tx, act, id).await?;
        if change.level == ticket.level {
            return Err(Refusal::field(ErrorCode::Invalid, "level", "the ticket has this level"));
        }
        let is_lower = change.level < ticket.level;
        if is_lower && change.reason.trim().chars().count() < 2 {
            return Err(Refusal::field(
                ErrorCode::Invalid,
                "reason",
                "a lower level needs a reason of 2 letters or more",
            ));
        }
        if is_lower && ticket.level == Level::Emergency && act.role != crate::domain::people::Role::Doctor {
            return Err(Refusal::new(ErrorCode::LoweringRefused, "only a doctor can lower EMERGENCY"));
        }
        let (mut ends, mut alarm) = (None, None);
        let moved = if change.level == Level::Emergency {
            let moved = work.tx.tickets().to_emergency(id, change.version).await?.ok_or_else(stale)?;
            // A desk that called hears that somebody else has the patient now, and a visit whose doctor is away is over.
            announce_desk(&mut work, &ticket, "desk.patient_moved").await?;
            if let Some(visit) = work.tx.visits().of_ticket(id).await?.filter(|visit| visit.ended_at.is_none()) {
                self.stop_visit(&mut work, &visit, VisitEnd::DoctorLost).await?;
                ends = Some(visit.room_id);
            }
            let reason = Text::new("医护人员判定为急症", "Judged an emergency by staff");
            let (institution, clinic) = (ticket.institution_id, ticket.clinic_id);
            let cause = cause_of(&ticket);
            let kind = AlarmKind::Worsened;
            alarm = Some(self.raise_alarm(&mut work, institution, clinic, kind, vec![reason], cause).await?);
            moved
        } else {
            let why = if is_lower { MoveReason::Lowered } else { MoveReason::Raised };
            work.tx.tickets().set_level(id, change.version, change.level, why).await?.ok_or_else(stale)?
        };
        let detail = json!({ "from": ticket.level, "to": change.level });
        let reason = Some(change.reason.trim().to_owned()).filter(|reason| !reason.is_empty());
        if let Some(declaration) = ticket.declaration_id {
            self.keep_decision(&mut work, declaration, change.level, act.account, reason.clone(), alarm).await?;
        }
        let (who, what) = (act.account.to_string(), id.to_string());
        work.audit_why(act.institution, &who, "ticket.level", &what, reason, detail).await?;
        let lines = if is_lower && ticket.level == Level::Emergency {
            self.close_unheld(&mut work, act, id, change.reason.trim()).await?
        } else {
            Vec::new()
        };
        let row = self.row(&mut work.tx, &moved, &HashMap::new()).await?;
        work.keep(command, &row).await?;
        self.announce_ticket(&mut work, &moved, "ticket.level").await?;
        work.commit().await?;
        for room in ends.into_iter().chain(lines) {
            self.end_room(room, RoomEnd::Finished).await;
        }
        Ok(row)
    }

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
        let mut alarms = Vec::new();
        for alarm in tx.alarms().open(act.institution).await?.into_iter().filter(|alarm| alarm.clinic_id == id) {
            alarms.push(self.alarm_view(&mut tx, alarm, act).await?);
        }
        let midnight = Timestamp::from_millis(now.as_millis() - (now.as_millis() + 8 * 3_600_000) % 86_400_000);
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

    async fn row(&self, tx: &mut Tx, ticket: &TicketRow, desks: &HashMap<DeskId, Text>) -> Result<Row, Refusal> {
        let patient = tx.patients().find(ticket.institution_id, ticket.patient_id).await?;
        let patient = patient.ok_or_else(|| Refusal::internal("a ticket without a patient"))?;
        let triage = triage_of(tx, ticket).await?;
        let ruleset = triage.as_ref().map(|view| view.ruleset.clone());
        let (decided_by, decided_why) =
            triage.as_ref().map_or((None, None), |view| (view.decided_by.clone(), view.decided_why.clone()));
        let (matched, reasons) = triage.map_or_else(Default::default, |view| (view.matched, view.reasons));
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
            age_years: age_years(&patient, self.clock.now()),
            sex: patient.sex,
            arrived_at: ticket.arrived_at,
            retriage_due: ticket.retriage_due,
            nurse_call: ticket.nurse_call,
            missed: u32::try_from(ticket.miss_count).unwrap_or(0),
            online: self.live.is_online(ticket.id),
            desk: ticket.desk_id,
            desk_name: ticket.desk_id.and_then(|desk| desks.get(&desk).cloned()),
            moved: ticket.move_reason,
            check: device_check(ticket),
        })
    }

    async fn view(
        &self,
        tx: &mut Tx,
        act: HolderAct,
        ticket: &TicketRow,
        clinic: &ClinicRow,
        truth: &Truth,
        now: Timestamp,
    ) -> Result<TicketView, Refusal> {
        let patient = patient_card(&related(tx, act, ticket.patient_id).await?, now);
        let decisions = Decisions::of(tx, ticket).await?;
        let reasons = decisions.as_ref().map_or_else(Vec::new, Decisions::told);
        let ruleset = decisions.as_ref().map(Decisions::ruleset);
        let place = truth.places.get(&ticket.id);
        let call = match (ticket.desk_id, ticket.doctor_id, ticket.state) {
            (Some(desk), Some(doctor), TicketState::Called | TicketState::Serving | TicketState::Suspended) => {
                let desk_row = tx.desks().find(desk).await?.ok_or_else(Refusal::not_found)?;
                let (doctor_name, doctor_title) = staff_name(tx, doctor).await?;
                let desk_name = Text::new(desk_row.name_zh, desk_row.name_en);
                Some(DeskCall {
                    desk,
                    desk_name,
                    doctor_name,
                    doctor_title,
                    ring_until: ticket.ring_until.unwrap_or(now),
                    ring_secs: u32::try_from(clinic.ring_secs).unwrap_or(0),
                })
            }
            _ => None,
        };
        let has_visit = matches!(ticket.state, TicketState::Serving | TicketState::Suspended | TicketState::Done);
        let visit = if has_visit { tx.visits().of_ticket(ticket.id).await?.map(|visit| visit.id) } else { None };
        let alarm = if ticket.state.is_live() { tx.alarms().open_for_ticket(ticket.id).await? } else { None };
        Ok(TicketView {
            id: ticket.id,
            clinic: clinic.id,
            clinic_name: Text::new(clinic.name_zh.clone(), clinic.name_en.clone()),
            no: ticket.no,
            phase: phase_of(ticket),
            version: ticket.version,
            level: ticket.level,
            reasons,
            ruleset,
            patient,
            arrived_at: ticket.arrived_at,
            ahead: place.map(|place| place.ahead),
            estimate: place.map_or(crate::protocol::ticket::WaitEstimate::Unknown, |place| place.estimate.clone()),
            desks_open: truth.desks_open,
            last_call_at: truth.last_call_at,
            call,
            visit,
            nurse_call: alarm.map(|alarm| alarm.id),
            missed: u32::try_from(ticket.miss_count).unwrap_or(0),
            void_after: u32::try_from(clinic.miss_limit).unwrap_or(0),
            miss_shift: u32::try_from(clinic.miss_shift).unwrap_or(0),
            moved: ticket.move_reason,
            moved_to: ticket.moved_to,
            retriage_due: ticket.retriage_due,
            notices: self.notices_of(tx, ticket).await?,
            as_of: now,
        })
    }

    /// Writes what happened to a ticket to its own topic and to its clinic's.
    pub(crate) async fn announce_ticket(&self, work: &mut Work, ticket: &TicketRow, kind: &str) -> Result<(), Refusal> {
        let data = json!({
            "ticket": ticket.id,
            "no": ticket.no,
            "state": ticket.state,
            "level": ticket.level,
            "version": ticket.version,
            "moved": ticket.move_reason,
        });
        work.emit(ticket.institution_id, Topic::Ticket(ticket.id).to_string(), kind, data.clone()).await?;
        work.emit(ticket.institution_id, Topic::Clinic(ticket.clinic_id).to_string(), kind, data).await?;
        Ok(())
    }
}

/// Tells the desk that holds a ticket, if one does.
pub(crate) async fn announce_desk(work: &mut Work, ticket: &TicketRow, kind: &str) -> Result<(), Refusal> {
    if let Some(desk) = ticket.desk_id {
        let data = json!({ "ticket": ticket.id });
        work.emit(ticket.institution_id, Topic::Desk(desk).to_string(), kind, data).await?;
    }
    Ok(())
}

/// Whom an alarm of this ticket is about.
pub(crate) fn cause_of(ticket: &TicketRow) -> Cause {
    Cause {
        patient: Some(ticket.patient_id),
        holder: ticket.holder_id,
        declaration: ticket.declaration_id,
        ticket: Some(ticket.id),
        origin: None,
    }
}

/// The triage in force for a ticket, as words.
pub(crate) async fn triage_of(tx: &mut Tx, ticket: &TicketRow) -> Result<Option<TriageView>, Refusal> {
    match Decisions::of(tx, ticket).await? {
        Some(decisions) => Ok(Some(decisions.view(tx).await?)),
        None => Ok(None),
    }
}

/// What the check before the call found.
pub(crate) fn device_check(ticket: &TicketRow) -> Option<DeviceCheck> {
    ticket.device_check.as_ref().and_then(|check| serde_json::from_value(check.0.clone()).ok())
}

/// The state with what the patient's yes adds to it.
pub(crate) fn phase_of(ticket: &TicketRow) -> TicketPhase {
    match ticket.state {
        TicketState::Waiting => TicketPhase::Waiting,
        TicketState::Called if ticket.accepted_at.is_some() => TicketPhase::Accepted,
        TicketState::Called => TicketPhase::Called,
        TicketState::Serving => TicketPhase::Serving,
        TicketState::Suspended => TicketPhase::Suspended,
        TicketState::Emergency => TicketPhase::Emergency,
        TicketState::Done => TicketPhase::Done,
        TicketState::NoShow => TicketPhase::NoShow,
        TicketState::Left => TicketPhase::Left,
        TicketState::Transferred => TicketPhase::Transferred,
    }
}

/// Minutes of a clinic's policy as a span.
pub(crate) fn minutes(n: i64) -> Duration {
    Duration::from_secs(u64::try_from(n).unwrap_or(0) * 60)
}

/// What the three questions say, as facts for the rules of the waiting room.
fn waiting_facts(answers: &RetriageAnswers, patient: &PatientRow, now: Timestamp) -> Result<Facts, Refusal> {
    let known = Map::from_iter([
        ("wait_breath".to_owned(), json!(answers.breathing)),
        ("wait_state".to_owned(), json!(answers.general)),
        ("temp".to_owned(), json!(answers.temperature)),
        ("age_m".to_owned(), json!(age_in_months(birth_date(patient)?, in_china(now)))),
    ]);
    Facts::from_json(&known).map_err(|error| Refusal::internal(&error))
}

/// Refuses a declaration that does not say how the patient is now: a newer one was handed in, a doctor has seen the patient
/// since, or it is a day old. After a number that ran out or was given back it is good for another.
async fn is_usable(work: &mut Work, declaration: &DeclarationRow) -> Result<(), Refusal> {
    let newest = work.tx.declarations().newest_submitted(declaration.patient_id, declaration.clinic_id).await?;
    let is_old = declaration.submitted_at.is_none_or(|at| work.now.since(at) >= DECLARATION_KEPT);
    let states = work.tx.tickets().states_of(declaration.id).await?;
    let is_used = states.into_iter().any(|state| !state.is_live() && !state.keeps_declaration());
    if newest != Some(declaration.id) || is_old || is_used {
        return Err(Refusal::new(ErrorCode::DeclarationOutdated, "declare again how the patient is now"));
    }
    Ok(())
}

async fn own_ticket(tx: &mut Tx, act: HolderAct, id: TicketId) -> Result<(TicketRow, ClinicRow), Refusal> {
    let ticket = tx.tickets().find(id).await?;
    let ticket = ticket.filter(|t| t.holder_id == Some(act.holder) && t.institution_id == act.institution);
    let ticket = ticket.ok_or_else(Refusal::not_found)?;
    let clinic = tx.clinics().find(ticket.clinic_id).await?.ok_or_else(Refusal::not_found)?;
    Ok((ticket, clinic))
}

async fn staff_ticket(tx: &mut Tx, act: TriageAct, id: TicketId) -> Result<TicketRow, Refusal> {
    let ticket = tx.tickets().find(id).await?.filter(|ticket| ticket.institution_id == act.institution);
    ticket.ok_or_else(Refusal::not_found)
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
