//! In whose hands an alarm is: one person takes it, a doctor may take it over, whoever has it may hand it back, and who is not
//! heard loses it. An emergency never sticks to somebody who is gone.

use serde_json::json;

use crate::domain::alarm::{AlarmKind, AlarmOutcome, LEASE};
use crate::domain::ids::AlarmId;
use crate::domain::permission::{Actor, DoctorAct, TriageAct};
use crate::domain::room::RoomEnd;
use crate::protocol::alarm::AlarmView;
use crate::protocol::error::ErrorCode;
use crate::services::Services;
use crate::services::alarms::{announce, audit_contact, own_alarm, recalled};
use crate::services::refusal::Refusal;
use crate::services::vault::Field;
use crate::services::work::{Command, Work};

impl Services {
    /// Takes an alarm: one person, and only one, answers for it.
    pub async fn take_alarm(&self, act: TriageAct, id: AlarmId, command: &Command) -> Result<AlarmView, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = recalled(&mut work, act, id, command).await? {
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
        audit_contact(&mut work, act, &view).await?;
        announce(&mut work, &alarm, "alarm.taken").await?;
        work.commit().await?;
        Ok(view)
    }

    /// A doctor takes an alarm out of a colleague's hands, or takes it if nobody has it. The colleague's seat on the line
    /// stays, so that the caller is never alone.
    pub async fn take_over_alarm(&self, act: DoctorAct, id: AlarmId, command: &Command) -> Result<AlarmView, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = recalled(&mut work, act.triage(), id, command).await? {
            return Ok(done);
        }
        let before = own_alarm(&mut work.tx, act.institution, id).await?;
        if before.kind == AlarmKind::NurseCall {
            return Err(Refusal::new(ErrorCode::AlarmTaken, "this is a nurse's own call to a patient"));
        }
        let now = work.now;
        let is_new = work.tx.alarms().take(id, act.account, now).await?;
        let is_over = !is_new && work.tx.alarms().take_over(id, act.account, now).await?;
        if !is_new && !is_over && (before.closed_at.is_some() || before.taken_by != Some(act.account)) {
            return Err(Refusal::new(ErrorCode::AlarmTaken, "the alarm was closed"));
        }
        let kind = if is_over { "alarm.taken_over" } else { "alarm.taken" };
        let detail = json!({ "from": before.taken_by });
        let (who, what) = (act.account.to_string(), id.to_string());
        work.audit_why(act.institution, &who, "alarm.take_over", &what, None, detail).await?;
        self.finish_in_new_hands(work, act.triage(), id, command, kind).await
    }

    /// Gives an alarm back: it rings again at the nurse and at every desk.
    pub async fn hand_back_alarm(&self, act: TriageAct, id: AlarmId, command: &Command) -> Result<AlarmView, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let alarm = own_alarm(&mut work.tx, act.institution, id).await?;
        // Nobody else is meant by a nurse's own call: it is ended, not handed on.
        if alarm.kind == AlarmKind::NurseCall || !work.tx.alarms().hand_back(id, act.account).await? {
            return Err(Refusal::new(ErrorCode::AlarmTaken, "only who has an alarm can hand it back"));
        }
        work.audit(act.institution, &act.account.to_string(), "alarm.hand_back", &id.to_string()).await?;
        self.finish_in_new_hands(work, act, id, command, "alarm.handed_back").await
    }

    async fn finish_in_new_hands(
        &self,
        mut work: Work,
        act: TriageAct,
        id: AlarmId,
        command: &Command,
        kind: &str,
    ) -> Result<AlarmView, Refusal> {
        let alarm = own_alarm(&mut work.tx, act.institution, id).await?;
        let view = self.alarm_view(&mut work.tx, alarm.clone(), act).await?;
        work.keep(command, &view).await?;
        audit_contact(&mut work, act, &view).await?;
        announce(&mut work, &alarm, kind).await?;
        work.commit().await?;
        Ok(view)
    }

    /// A socket of this account was heard: the alarms that it took stay in its hands.
    pub async fn renew_alarms(&self, actor: Actor) -> Result<(), Refusal> {
        let Some(act) = actor.triage() else { return Ok(()) };
        if !self.db.read().await?.alarms().has_any(act.account).await? {
            return Ok(());
        }
        let mut work = self.begin().await?;
        let until = work.now + LEASE;
        work.tx.alarms().renew(act.account, until).await?;
        work.commit().await
    }

    /// Alarms whose taker was not heard for [`LEASE`] ring again; a nurse's own call ends.
    pub(crate) async fn sweep_alarms(&self) -> Result<(), Refusal> {
        let now = self.clock.now();
        for alarm in self.db.read().await?.alarms().unheard(now).await? {
            let id = alarm.id;
            // One that cannot be let go keeps no other from ringing; the next round tries it again.
            if let Err(refusal) = self.let_go(id).await {
                self.told.broken("sweep_alarms", &id, &refusal);
            }
        }
        Ok(())
    }

    async fn let_go(&self, id: AlarmId) -> Result<(), Refusal> {
        let mut work = self.begin().await?;
        let now = work.now;
        // Whoever was overdue a moment ago may have been heard since.
        let Some(alarm) = work.tx.alarms().find(id).await? else { return Ok(()) };
        let is_overdue = alarm.closed_at.is_none() && alarm.lease_until.is_some_and(|until| until < now);
        let Some(account) = alarm.taken_by.filter(|_| is_overdue) else { return Ok(()) };
        let is_own_call = alarm.kind == AlarmKind::NurseCall;
        let what = alarm.id.to_string();
        if is_own_call {
            let note = self.vault.seal(Field::AlarmNote, alarm.id.as_uuid(), "");
            if !work.tx.alarms().close(alarm.id, account, AlarmOutcome::NotReached, &note, now).await? {
                return Ok(());
            }
        } else if !work.tx.alarms().let_go(alarm.id, now).await? {
            return Ok(());
        }
        let kind = if is_own_call { "alarm.closed" } else { "alarm.let_go" };
        tracing::warn!(alarm.id = %alarm.id, "whoever took an alarm was not heard");
        // Time did it, not the one who was not heard.
        work.audit_why(alarm.institution_id, "server", kind, &what, None, json!({ "taken_by": account })).await?;
        let room = if is_own_call { self.close_line(&mut work, &alarm).await? } else { None };
        announce(&mut work, &alarm, kind).await?;
        work.commit().await?;
        if let Some(room) = room {
            self.end_room(room, RoomEnd::StaffLost).await;
        }
        Ok(())
    }
}
