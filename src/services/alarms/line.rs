//! The video line of an alarm: who may be on it, and how it ends.

use crate::domain::alarm::AlarmKind;
use crate::domain::ids::{AlarmId, RoomId};
use crate::domain::people::Role;
use crate::domain::permission::Actor;
use crate::domain::room::{ParticipantRole, RoomPurpose};
use crate::domain::text::Text;
use crate::protocol::error::ErrorCode;
use crate::protocol::grant::RoomGrant;
use crate::services::Services;
use crate::services::alarms::own_alarm;
use crate::services::identity::sessions::staff_name;
use crate::services::refusal::Refusal;
use crate::services::rooms::Guest;
use crate::services::work::Work;
use crate::store::AlarmRow;

impl Services {
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

    /// Who may be on an alarm's line: who has it, and who had it when a doctor took it over.
    pub(crate) async fn may_be_on_line(
        &self,
        work: &mut Work,
        alarm: &AlarmRow,
        actor: Actor,
    ) -> Result<bool, Refusal> {
        let Some(act) = actor.triage() else { return Ok(false) };
        if alarm.taken_by == Some(act.account) {
            return Ok(true);
        }
        if alarm.taken_by.is_none() {
            return Ok(false);
        }
        let room = work.tx.rooms().open_for(purpose_of(alarm.kind), alarm.id.as_uuid()).await?;
        match room {
            Some(room) => Ok(work.tx.rooms().has_seat(room.id, &actor.key()).await?),
            None => Ok(false),
        }
    }

    /// Closes the room of an alarm's line, to be ended after the commit.
    pub(crate) async fn close_line(&self, work: &mut Work, alarm: &AlarmRow) -> Result<Option<RoomId>, Refusal> {
        let room = work.tx.rooms().open_for(purpose_of(alarm.kind), alarm.id.as_uuid()).await?;
        if let Some(room) = &room {
            self.close_room(work, room.id).await?;
        }
        Ok(room.map(|room| room.id))
    }
}

pub(crate) fn purpose_of(kind: AlarmKind) -> RoomPurpose {
    match kind {
        AlarmKind::NurseCall => RoomPurpose::Nurse,
        AlarmKind::RedFlag | AlarmKind::Triage | AlarmKind::Worsened => RoomPurpose::Emergency,
    }
}
