//! The level while somebody waits: by the three questions, and by a person.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Map, json};

use crate::domain::alarm::AlarmKind;
use crate::domain::codes::seconds;
use crate::domain::date::in_china;
use crate::domain::identity::age_in_months;
use crate::domain::ids::TicketId;
use crate::domain::permission::{HolderAct, TriageAct};
use crate::domain::room::RoomEnd;
use crate::domain::text::Text;
use crate::domain::ticket::{MoveReason, TicketState};
use crate::domain::time::Timestamp;
use crate::domain::triage::{Facts, Level, assess, waiting_room};
use crate::domain::visit::VisitEnd;
use crate::protocol::board::{LevelChange, TicketRow as Row};
use crate::protocol::error::ErrorCode;
use crate::protocol::ticket::{RetriageAnswers, TicketView};
use crate::services::Services;
use crate::services::intake::patients::{birth_date, related};
use crate::services::intake::triage::{Case, Decisions};
use crate::services::refusal::Refusal;
use crate::services::said::perhaps;
use crate::services::tickets::{announce_desk, cause_of, minutes, own_ticket, staff_ticket, stale};
use crate::services::work::Command;
use crate::store::{PatientRow, TicketRow, TriageRow};

/// Whoever feels worse says so so often, where it raises no level: each time is read at the desk.
const WORSE_EVERY: Duration = Duration::from_mins(2);

impl Services {
    /// The three questions of every 15 minutes: what the rules of the waiting room raise is raised at once, and said. What
    /// raises nothing is kept when the questions are due, or when the patient feels worse, and then every two minutes at
    /// most; anything else changes nothing, for each answer that is kept is read by whoever calls.
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
        if assess(waiting_room(), &facts).level <= ticket.level {
            match hear(&ticket, &answers, minutes(clinic.retriage_minutes), work.now) {
                Heard::Kept => {}
                Heard::NothingNew => {
                    let truth = self.truth_within(&mut work.tx, clinic.id).await?;
                    return self.view(&mut work.tx, act, &ticket, &clinic, &truth, work.now).await;
                }
                Heard::TooSoon(wait) => {
                    let refusal = Refusal::new(ErrorCode::RateLimited, "this was answered a moment ago");
                    return Err(Refusal { retry_after: Some(seconds(wait)), ..refusal });
                }
            }
        }
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
        let why = perhaps(Some(&change.reason), "reason")?;
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let ticket = staff_ticket(&mut work.tx, act, id).await?;
        if change.level == ticket.level {
            return Err(Refusal::field(ErrorCode::Invalid, "level", "the ticket has this level"));
        }
        let is_lower = change.level < ticket.level;
        if is_lower && why.is_none() {
            let words = "a lower level needs a reason of 2 letters or more";
            return Err(Refusal::field(ErrorCode::Invalid, "reason", words));
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
                self.stop_visit(&mut work, &visit, VisitEnd::Emergency).await?;
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
        if let Some(declaration) = ticket.declaration_id {
            self.keep_decision(&mut work, declaration, change.level, act.account, why.clone(), alarm).await?;
        }
        let (who, what) = (act.account.to_string(), id.to_string());
        work.audit_why(act.institution, &who, "ticket.level", &what, why.clone(), detail).await?;
        let lines = if is_lower && ticket.level == Level::Emergency {
            self.close_untaken(&mut work, act, id, why.as_deref().unwrap_or_default()).await?
        } else {
            Vec::new()
        };
        let row = self.row(&mut work.tx, &moved, &HashMap::new()).await?;
        work.keep(command, &row).await?;
        self.announce_ticket(&mut work, &moved, "ticket.level").await?;
        work.commit().await?;
        if let Some(room) = ends {
            self.end_room(room, VisitEnd::Emergency.room_end()).await;
        }
        for line in lines {
            self.end_room(line, RoomEnd::Finished).await;
        }
        Ok(row)
    }
}

/// What becomes of answers that raise no level.
enum Heard {
    Kept,
    NothingNew,
    TooSoon(Duration),
}

/// The questions are `every` so long, from the arrival and from each answer on.
fn hear(ticket: &TicketRow, answers: &RetriageAnswers, every: Duration, now: Timestamp) -> Heard {
    let Some(due) = ticket.retriage_due.filter(|due| now < *due) else { return Heard::Kept };
    let answered = due - every;
    if !answers.is_worse() {
        return Heard::NothingNew;
    }
    let wait = (answered + WORSE_EVERY).since(now);
    // Nobody has answered since the arrival.
    if answered <= ticket.joined_at || wait.is_zero() { Heard::Kept } else { Heard::TooSoon(wait) }
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
