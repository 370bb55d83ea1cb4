//! What staff see of alarms: the open ones, how to reach whoever is behind one, and what came of earlier ones.

use crate::domain::permission::TriageAct;
use crate::domain::ticket::TicketState;
use crate::protocol::alarm::{AlarmContact, AlarmView, ClosedAlarm};
use crate::services::Services;
use crate::services::identity::sessions::staff_name;
use crate::services::refusal::Refusal;
use crate::services::vault::Field;
use crate::store::{AlarmRow, OpenAlarm, OpenAlarms, TicketRow, Tx};

impl Services {
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

    /// What came of earlier alarms about a patient, newest first, for the doctor who has the patient now.
    pub(crate) async fn closed_alarms(&self, tx: &mut Tx, ticket: &TicketRow) -> Result<Vec<ClosedAlarm>, Refusal> {
        let mut closed = Vec::new();
        for row in tx.alarms().closed_of(ticket.patient_id, 5).await? {
            // While it rings nobody has looked at the document: what was noted of another name is not told yet.
            if ticket.state == TicketState::Called && row.patient_id != Some(ticket.patient_id) {
                continue;
            }
            let (Some(at), Some(outcome), Some(account)) = (row.closed_at, row.outcome, row.taken_by) else { continue };
            closed.push(ClosedAlarm {
                id: row.id,
                at,
                outcome,
                by: staff_name(tx, account).await?.0,
                note: self.note_of(&row)?,
            });
        }
        Ok(closed)
    }

    fn note_of(&self, alarm: &AlarmRow) -> Result<Option<String>, Refusal> {
        let Some(sealed) = &alarm.note_sealed else { return Ok(None) };
        let row = alarm.id.as_uuid();
        // Notes of the first versions were sealed as answers.
        let note =
            self.vault.open(Field::AlarmNote, row, sealed).or_else(|_| self.vault.open(Field::Answers, row, sealed));
        let note = note.map_err(|broken| Refusal::internal(&broken))?;
        Ok(Some(note).filter(|note| !note.trim().is_empty()))
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
