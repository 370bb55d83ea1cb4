//! Alarms: raised without a queue, taken by one person, closed with an outcome.

pub(super) mod holding;

use serde_json::json;

use crate::domain::access::ReadPurpose;
use crate::domain::alarm::{AlarmKind, HOLD, RINGING};
use crate::domain::ids::{AlarmId, ClinicId, DeclarationId, HolderId, InstitutionId, PatientId, TicketId};
use crate::domain::people::Role;
use crate::domain::permission::{Actor, TriageAct};
use crate::domain::prose::prose;
use crate::domain::room::{ParticipantRole, RoomEnd, RoomPurpose};
use crate::domain::text::Text;
use crate::domain::ticket::{MoveReason, TicketState};
use crate::domain::triage::Level;
use crate::protocol::error::ErrorCode;
use crate::protocol::ticket::{AlarmClose, AlarmContact, AlarmOutcome, AlarmView};
use crate::protocol::visit::RoomGrant;
use crate::services::Services;
use crate::services::identity::sessions::staff_name;
use crate::services::refusal::Refusal;
use crate::services::rooms::Guest;
use crate::services::tickets::cause_of;
use crate::services::topics::Topic;
use crate::services::vault::Field;
use crate::services::work::{Command, Work};
use crate::store::{AlarmRow, Json, OpenAlarm, OpenAlarms, TicketRow, Tx};

/// Whom an alarm is about, as far as known, and from where it came.
#[derive(Clone, Debug)]
pub(crate) struct Cause {
    /// Who is ill.
    pub patient: Option<PatientId>,
    /// Who answers.
    pub holder: Option<HolderId>,
    /// What was declared.
    pub declaration: Option<DeclarationId>,
    /// The ticket.
    pub ticket: Option<TicketId>,
    /// What alarms of one caller have in common, as [`Services::origin`] makes it; `None` when staff raise one, which
    /// always rings.
    pub origin: Option<Vec<u8>>,
}

impl Services {
    /// What is stored of where an alarm came from: a keyed hash of the holder, or of an unnamed caller's network. A holder
    /// is not counted with the network: a stranger in a ward's network must not fold the ward's declared emergencies.
    pub(crate) fn origin(&self, of: &str) -> Vec<u8> {
        self.vault.mac("alarm-origin", &[of.as_bytes()])[..16].to_vec()
    }

    /// Raises an alarm in the transaction of `work`: it rings at the nurse and at every open desk. When [`RINGING`] of its
    /// origin do, it is folded behind them, and rises when one of them is taken.
    pub(crate) async fn raise_alarm(
        &self,
        work: &mut Work,
        institution: InstitutionId,
        clinic: ClinicId,
        kind: AlarmKind,
        reasons: Vec<Text>,
        cause: Cause,
    ) -> Result<AlarmId, Refusal> {
        let folded = match &cause.origin {
            Some(origin) => work.tx.alarms().count_ringing(clinic, origin).await? >= RINGING,
            None => false,
        };
        let alarm = AlarmRow {
            id: self.ids.make(AlarmId::from_uuid),
            institution_id: institution,
            clinic_id: clinic,
            kind,
            reasons: Json(reasons),
            patient_id: cause.patient,
            holder_id: cause.holder,
            declaration_id: cause.declaration,
            ticket_id: cause.ticket,
            raised_at: work.now,
            taken_by: None,
            taken_at: None,
            closed_at: None,
            outcome: None,
            note_sealed: None,
            version: 1,
            lease_until: None,
            origin: cause.origin,
            folded,
        };
        self.keep_alarm(work, &alarm).await?;
        tracing::warn!(alarm.id = %alarm.id, kind = kind.as_str(), folded, "alarm raised");
        Ok(alarm.id)
    }

    async fn keep_alarm(&self, work: &mut Work, alarm: &AlarmRow) -> Result<(), Refusal> {
        let purpose = purpose_of(alarm.kind);
        work.tx.alarms().insert(alarm).await?;
        self.room_for(work, alarm.institution_id, purpose, alarm.id.as_uuid(), None).await?;
        if alarm.folded {
            return Ok(());
        }
        announce(work, alarm, "alarm.raised").await
    }

    /// Folded alarms ring as soon as fewer than [`RINGING`] of their origin do.
    pub(crate) async fn sweep_folded(&self) -> Result<(), Refusal> {
        // One after the other: each that rises may be the last for which there is room.
        let mut pages = self.pages("sweep_folded", 1);
        while let Some(before) = pages.before() {
            let next = self.db.read().await?.alarms().next_to_rise(before).await?;
            pages.found(usize::from(next.is_some()));
            if let Some(alarm) = next {
                pages.heard(&alarm.id, self.raise_folded(&alarm).await)?;
            }
        }
        Ok(())
    }

    /// Whether a folded alarm rings from now on.
    async fn raise_folded(&self, alarm: &AlarmRow) -> Result<bool, Refusal> {
        let mut work = self.begin().await?;
        let has_risen = work.tx.alarms().rise(alarm.id).await?;
        if has_risen {
            announce(&mut work, alarm, "alarm.raised").await?;
        }
        work.commit().await?;
        Ok(has_risen)
    }

    /// An emergency has taken its number: whoever answers the alarm of its declaration finds the ticket, and closing the
    /// alarm settles it. Where nobody answers any more, the alarm rings again: no emergency waits unheard.
    pub(crate) async fn alarm_for_ticket(
        &self,
        work: &mut Work,
        ticket: &TicketRow,
        reasons: Vec<Text>,
    ) -> Result<(), Refusal> {
        let attached =
            work.tx.alarms().attach(ticket.clinic_id, ticket.patient_id, ticket.holder_id, ticket.id).await?;
        for alarm in &attached {
            announce(work, alarm, "alarm.attached").await?;
        }
        if attached.is_empty() && ticket.state == TicketState::Emergency {
            let (institution, clinic) = (ticket.institution_id, ticket.clinic_id);
            let cause = cause_of(ticket);
            self.raise_alarm(work, institution, clinic, AlarmKind::Triage, reasons, cause).await?;
        }
        Ok(())
    }

    /// Alarms that nobody closed, oldest first.
    pub async fn open_alarms(&self, act: TriageAct) -> Result<Vec<AlarmView>, Refusal> {
        let mut tx = self.db.read().await?;
        let open = tx.alarms().open(act.institution).await?;
        self.alarm_views(&mut tx, open, act).await
    }

    /// Open alarms as their list shows them.
    pub(crate) async fn alarm_views(
        &self,
        tx: &mut Tx,
        open: OpenAlarms,
        act: TriageAct,
    ) -> Result<Vec<AlarmView>, Refusal> {
        let unlisted = u32::try_from(open.unlisted).unwrap_or(u32::MAX);
        let mut views = Vec::with_capacity(open.listed.len());
        for OpenAlarm { alarm, behind } in open.listed {
            let view = match behind {
                Some(behind) => self.shown_alarm(tx, alarm, act, behind).await?,
                None => self.alarm_view(tx, alarm, act).await?,
            };
            views.push(AlarmView { unlisted, ..view });
        }
        Ok(views)
    }

    /// Takes an alarm: one person, and only one, answers for it.
    pub async fn take_alarm(&self, act: TriageAct, id: AlarmId, command: &Command) -> Result<AlarmView, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let alarm = own_alarm(&mut work.tx, act.institution, id).await?;
        let now = work.now;
        if !work.tx.alarms().take(id, act.account, now).await? && alarm.taken_by != Some(act.account) {
            return Err(Refusal::new(ErrorCode::AlarmTaken, "a colleague took this alarm"));
        }
        let alarm = own_alarm(&mut work.tx, act.institution, id).await?;
        let view = self.alarm_view(&mut work.tx, alarm.clone(), act).await?;
        work.keep(command, &view).await?;
        work.audit(act.institution, &act.account.to_string(), "alarm.take", &id.to_string()).await?;
        announce(&mut work, &alarm, "alarm.taken").await?;
        work.commit().await?;
        Ok(view)
    }

    /// Closes an alarm with its outcome; its line ends, and its ticket goes where the outcome says.
    pub async fn close_alarm(
        &self,
        act: TriageAct,
        id: AlarmId,
        close: AlarmClose,
        command: &Command,
    ) -> Result<AlarmView, Refusal> {
        let words = prose(&close.note);
        if words.chars().count() > 500 {
            return Err(Refusal::field(ErrorCode::Invalid, "note", "at most 500 characters"));
        }
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let alarm = own_alarm(&mut work.tx, act.institution, id).await?;
        let now = work.now;
        let note = self.vault.seal(Field::AlarmNote, id.as_uuid(), &words);
        if !work.tx.alarms().close(id, act.account, close.outcome, &note, now).await? {
            return Err(Refusal::new(ErrorCode::AlarmTaken, "only who took it can close it, once"));
        }
        match (alarm.kind, alarm.ticket_id, alarm.declaration_id) {
            (AlarmKind::NurseCall, ..) | (_, None, None) => {}
            (_, Some(ticket), _) => self.settle_ticket(&mut work, ticket, close.outcome, act).await?,
            (_, None, Some(declaration)) => {
                self.settle_declaration(&mut work, declaration, close.outcome, act).await?;
            }
        }
        let room = self.close_line(&mut work, &alarm).await?;
        let alarm = own_alarm(&mut work.tx, act.institution, id).await?;
        let view = self.alarm_view(&mut work.tx, alarm.clone(), act).await?;
        work.keep(command, &view).await?;
        work.audit(act.institution, &act.account.to_string(), "alarm.close", &id.to_string()).await?;
        announce(&mut work, &alarm, "alarm.closed").await?;
        work.commit().await?;
        if let Some(room) = room {
            self.end_room(room, RoomEnd::Finished).await;
        }
        Ok(view)
    }

    /// What becomes of an emergency's ticket: a false alarm goes back to the queue as URGENT, which for EMERGENCY is a
    /// doctor's decision; everything else ends it. Whoever was not reached was seen by nobody: the declaration stays good.
    async fn settle_ticket(
        &self,
        work: &mut Work,
        ticket: TicketId,
        outcome: AlarmOutcome,
        act: TriageAct,
    ) -> Result<(), Refusal> {
        let Some(row) = work.tx.tickets().find(ticket).await? else { return Ok(()) };
        if row.state != TicketState::Emergency {
            return Ok(());
        }
        let now = work.now;
        let moved = match outcome {
            AlarmOutcome::FalseAlarm => {
                match row.declaration_id {
                    Some(declaration) => self.settle_declaration(work, declaration, outcome, act).await?,
                    None => may_lower(act)?,
                }
                work.tx.tickets().set_level(ticket, row.version, Level::Urgent, MoveReason::Lowered).await?
            }
            AlarmOutcome::NotReached => work.tx.tickets().not_reached(ticket, row.version, now).await?,
            AlarmOutcome::HandedTo120 | AlarmOutcome::SentOffline => {
                work.tx.tickets().finish(ticket, row.version, now).await?
            }
        };
        let moved = moved.ok_or_else(|| Refusal::new(ErrorCode::TicketState, "the ticket moved in between"))?;
        self.announce_ticket(work, &moved, "ticket.settled").await
    }

    /// What becomes of a declared emergency: after a false alarm its number will be URGENT.
    async fn settle_declaration(
        &self,
        work: &mut Work,
        declaration: DeclarationId,
        outcome: AlarmOutcome,
        act: TriageAct,
    ) -> Result<(), Refusal> {
        if outcome != AlarmOutcome::FalseAlarm {
            return Ok(());
        }
        may_lower(act)?;
        let why = Some(outcome.as_str().to_owned());
        self.keep_decision(work, declaration, Level::Urgent, act.account, why, None).await
    }

    /// A nurse calls a waiting patient by video.
    pub async fn call_by_nurse(
        &self,
        act: TriageAct,
        ticket: TicketId,
        command: &Command,
    ) -> Result<AlarmView, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let row = work.tx.tickets().find(ticket).await?.filter(|t| t.institution_id == act.institution);
        let row = row.ok_or_else(Refusal::not_found)?;
        if !matches!(row.state, TicketState::Waiting | TicketState::Emergency) {
            return Err(Refusal::new(ErrorCode::TicketState, "a desk has this patient already"));
        }
        if work.tx.alarms().open_for_ticket(ticket).await?.is_some() {
            return Err(Refusal::new(ErrorCode::AlarmTaken, "this patient is being called already"));
        }
        let alarm = AlarmRow {
            id: self.ids.make(AlarmId::from_uuid),
            institution_id: act.institution,
            clinic_id: row.clinic_id,
            kind: AlarmKind::NurseCall,
            reasons: Json(Vec::new()),
            patient_id: Some(row.patient_id),
            holder_id: row.holder_id,
            declaration_id: row.declaration_id,
            ticket_id: Some(ticket),
            raised_at: work.now,
            taken_by: Some(act.account),
            taken_at: Some(work.now),
            closed_at: None,
            outcome: None,
            note_sealed: None,
            version: 1,
            lease_until: Some(work.now + HOLD),
            origin: None,
            folded: false,
        };
        self.keep_alarm(&mut work, &alarm).await?;
        let id = alarm.id;
        self.announce_act(&mut work, &row, "nurse.calls", None, Some(act.account)).await?;
        let view = self.alarm_view(&mut work.tx, alarm, act).await?;
        work.keep(command, &view).await?;
        let (who, what) = (act.account.to_string(), id.to_string());
        work.audit_why(act.institution, &who, "alarm.call", &what, None, json!({ "ticket": ticket })).await?;
        // Every call of a nurse hands name, number and place over, and is one of its own.
        let detail = json!({ "patient": row.patient_id, "alarm": id });
        let (what, purpose) = (ticket.to_string(), ReadPurpose::NurseCall);
        work.audit_read(act.institution, &who, "patient.read", &what, purpose, detail).await?;
        let text = self.text_of_nurse(&mut work, &row).await?;
        work.commit().await?;
        self.send_text(text);
        Ok(view)
    }

    /// A seat on an alarm's line: for its caller, the ticket's holder, or the member of staff who took it.
    pub async fn grant_alarm(&self, actor: Actor, id: AlarmId) -> Result<RoomGrant, Refusal> {
        let mut work = self.begin().await?;
        let alarm = own_alarm(&mut work.tx, actor.institution(), id).await?;
        let may_be_on_line = self.may_be_on_line(&mut work, &alarm, actor).await?;
        let guest = match actor {
            Actor::Caller { alarm: own, .. } if own == id => {
                Guest { role: ParticipantRole::Patient, name: Text::new("求助者", "caller") }
            }
            Actor::Holder { holder, .. } if alarm.holder_id == Some(holder) => {
                // As the board names them; the role is said beside it.
                let patient = match alarm.patient_id {
                    Some(patient) => work.tx.patients().find(alarm.institution_id, patient).await?,
                    None => None,
                };
                let name = patient.map_or_else(
                    || Text::new("患者", "patient"),
                    |one| Text::new(one.name_masked.clone(), one.name_masked),
                );
                Guest { role: ParticipantRole::Patient, name }
            }
            Actor::Staff { account, role, .. } if may_be_on_line => {
                let role = if role == Role::Doctor { ParticipantRole::Doctor } else { ParticipantRole::Nurse };
                Guest { role, name: staff_name(&mut work.tx, account).await?.0 }
            }
            Actor::Staff { .. } | Actor::Holder { .. } | Actor::Caller { .. } | Actor::Guest { .. } => {
                return Err(Refusal::not_found());
            }
        };
        let room = work.tx.rooms().open_for(purpose_of(alarm.kind), id.as_uuid()).await?;
        let room = room.ok_or_else(|| Refusal::new(ErrorCode::RoomClosed, "the line is over"))?;
        let grant = self.grant(&mut work, room, actor, guest).await?;
        work.commit().await?;
        Ok(grant)
    }

    pub(crate) async fn alarm_view(&self, tx: &mut Tx, row: AlarmRow, act: TriageAct) -> Result<AlarmView, Refusal> {
        let behind = if row.origin.is_some() { tx.alarms().count_behind(&row).await? } else { 0 };
        self.shown_alarm(tx, row, act, behind).await
    }

    async fn shown_alarm(&self, tx: &mut Tx, row: AlarmRow, act: TriageAct, behind: i64) -> Result<AlarmView, Refusal> {
        let mine = row.taken_by == Some(act.account);
        let taken_by = match row.taken_by {
            Some(account) => Some(staff_name(tx, account).await?.0),
            None => None,
        };
        let contact = if mine { self.contact(tx, &row).await? } else { None };
        let online = self.is_caller_online(&row);
        Ok(AlarmView {
            id: row.id,
            clinic: row.clinic_id,
            kind: row.kind,
            reasons: row.reasons.0,
            ticket: row.ticket_id,
            raised_at: row.raised_at,
            taken_by,
            mine,
            taken_at: row.taken_at,
            closed_at: row.closed_at,
            online,
            behind: u32::try_from(behind).unwrap_or(u32::MAX),
            unlisted: 0,
            contact,
        })
    }

    /// Name, number and place, for the one who took the alarm.
    async fn contact(&self, tx: &mut Tx, row: &AlarmRow) -> Result<Option<AlarmContact>, Refusal> {
        let (Some(patient), Some(holder)) = (row.patient_id, row.holder_id) else { return Ok(None) };
        let Some(patient) = tx.patients().find(row.institution_id, patient).await? else { return Ok(None) };
        let Some(holder) = tx.holders().find(row.institution_id, holder).await? else { return Ok(None) };
        let name = self.open_field(Field::Name, patient.id.as_uuid(), &patient.name_sealed)?;
        let phone = self.open_field(Field::Phone, holder.id.as_uuid(), &holder.phone_sealed)?;
        let address = match row.declaration_id {
            Some(declaration) => {
                let answers = self.answers_of(tx, row.institution_id, declaration).await?;
                answers.and_then(|(_, answers)| place(&answers))
            }
            None => None,
        };
        Ok(Some(AlarmContact { name, phone, address }))
    }
}

/// Where the patient said to be: the other place if they are not at home, else the address to the door.
pub(crate) fn place(answers: &serde_json::Map<String, serde_json::Value>) -> Option<String> {
    let text = |id: &str| answers.get(id).and_then(serde_json::Value::as_str);
    let address = ["id.addr.area", "id.addr.street", "id.addr.door"].into_iter().filter_map(text);
    let address = address.collect::<Vec<_>>().join(" ");
    let place = text("loc.now.place").map_or(address, str::to_owned);
    Some(place).filter(|place| !place.trim().is_empty())
}

/// That an EMERGENCY is none is a doctor's decision.
fn may_lower(act: TriageAct) -> Result<(), Refusal> {
    if act.role == Role::Doctor {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::LoweringRefused, "a doctor must say that an EMERGENCY is a false alarm"))
}

pub(crate) fn purpose_of(kind: AlarmKind) -> RoomPurpose {
    match kind {
        AlarmKind::NurseCall => RoomPurpose::Nurse,
        AlarmKind::RedFlag | AlarmKind::Triage | AlarmKind::Worsened => RoomPurpose::Emergency,
    }
}

pub(crate) async fn own_alarm(tx: &mut Tx, institution: InstitutionId, id: AlarmId) -> Result<AlarmRow, Refusal> {
    let alarm = tx.alarms().find(id).await?.filter(|alarm| alarm.institution_id == institution);
    alarm.ok_or_else(Refusal::not_found)
}

pub(crate) async fn announce(work: &mut Work, alarm: &AlarmRow, kind: &str) -> Result<(), Refusal> {
    let data = json!({ "alarm": alarm.id, "kind": alarm.kind });
    let (institution, clinic) = (alarm.institution_id, alarm.clinic_id);
    if let Some(ticket) = alarm.ticket_id {
        work.emit(institution, Topic::Ticket(ticket).to_string(), kind, data.clone()).await?;
    }
    work.emit(institution, Topic::Clinic(clinic).to_string(), kind, data.clone()).await?;
    work.emit(institution, Topic::Alarms(institution).to_string(), kind, data).await?;
    Ok(())
}
