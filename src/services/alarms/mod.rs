//! Alarms: raised without a queue, taken by one person, closed with an outcome.

mod closing;
mod folding;
mod hands;
mod line;
mod nurse_call;
pub(super) mod raising;
pub(super) mod showing;

use serde_json::json;

use crate::domain::ids::{AlarmId, InstitutionId};
use crate::services::refusal::Refusal;
use crate::services::topics::Topic;
use crate::services::work::Work;
use crate::store::{AlarmRow, Tx};

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
