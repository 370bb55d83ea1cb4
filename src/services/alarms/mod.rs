//! Alarms: raised without a queue, taken by one person, closed with an outcome.

mod closing;
mod folding;
mod hands;
mod line;
mod nurse_call;
pub(super) mod raising;
pub(super) mod showing;

use serde_json::json;

use crate::domain::access::ReadPurpose;
use crate::domain::ids::{AlarmId, InstitutionId};
use crate::domain::permission::TriageAct;
use crate::protocol::alarm::AlarmView;
use crate::services::refusal::Refusal;
use crate::services::topics::Topic;
use crate::services::work::{Command, Work};
use crate::store::{AlarmRow, Tx};

pub(crate) async fn own_alarm(tx: &mut Tx, institution: InstitutionId, id: AlarmId) -> Result<AlarmRow, Refusal> {
    let alarm = tx.alarms().find(id).await?.filter(|alarm| alarm.institution_id == institution);
    alarm.ok_or_else(Refusal::not_found)
}

/// What an act on an alarm answered the first time. Whoever has it no longer is not told again whom it is about.
pub(super) async fn recalled(
    work: &mut Work,
    act: TriageAct,
    id: AlarmId,
    command: &Command,
) -> Result<Option<AlarmView>, Refusal> {
    let Some(done): Option<AlarmView> = work.recall(command).await? else { return Ok(None) };
    let is_theirs = own_alarm(&mut work.tx, act.institution, id).await?.taken_by == Some(act.account);
    let contact = done.contact.filter(|_| is_theirs);
    Ok(Some(AlarmView { contact, ..done }))
}

/// Writes down that whoever took an alarm was given name, number and place of whom it is about, where it is about somebody.
pub(super) async fn audit_contact(work: &mut Work, act: TriageAct, view: &AlarmView) -> Result<(), Refusal> {
    if view.contact.is_none() {
        return Ok(());
    }
    let (who, what) = (act.account.to_string(), view.id.to_string());
    work.audit_read(act.institution, &who, "patient.read", &what, ReadPurpose::Treatment, json!({})).await
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
