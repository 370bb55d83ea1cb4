//! An alarm is closed with its outcome, and its ticket goes where the outcome says.

use crate::domain::alarm::{AlarmKind, AlarmOutcome};
use crate::domain::ids::{AlarmId, DeclarationId, RoomId, TicketId};
use crate::domain::people::Role;
use crate::domain::permission::TriageAct;
use crate::domain::prose::prose;
use crate::domain::room::RoomEnd;
use crate::domain::ticket::{MoveReason, TicketState};
use crate::domain::triage::Level;
use crate::protocol::alarm::{AlarmClose, AlarmView};
use crate::protocol::error::ErrorCode;
use crate::services::Services;
use crate::services::alarms::{announce, own_alarm, recalled};
use crate::services::refusal::Refusal;
use crate::services::vault::Field;
use crate::services::work::{Command, Work};

impl Services {
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
        if let Some(done) = recalled(&mut work, act, id, command).await? {
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

    /// A doctor lowered the ticket of alarms that nobody has: they were false ones, and ring no more. The rooms of their
    /// lines, to be ended after the commit.
    pub(crate) async fn close_untaken(
        &self,
        work: &mut Work,
        act: TriageAct,
        ticket: TicketId,
        why: &str,
    ) -> Result<Vec<RoomId>, Refusal> {
        let now = work.now;
        let mut rooms = Vec::new();
        for alarm in work.tx.alarms().untaken_of_ticket(ticket).await? {
            if !work.tx.alarms().take(alarm.id, act.account, now).await? {
                continue;
            }
            let note = self.vault.seal(Field::AlarmNote, alarm.id.as_uuid(), why);
            work.tx.alarms().close(alarm.id, act.account, AlarmOutcome::FalseAlarm, &note, now).await?;
            rooms.extend(self.close_line(work, &alarm).await?);
            work.audit(act.institution, &act.account.to_string(), "alarm.close", &alarm.id.to_string()).await?;
            announce(work, &alarm, "alarm.closed").await?;
        }
        Ok(rooms)
    }
}

/// That an EMERGENCY is none is a doctor's decision.
fn may_lower(act: TriageAct) -> Result<(), Refusal> {
    if act.role == Role::Doctor {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::LoweringRefused, "a doctor must say that an EMERGENCY is a false alarm"))
}
