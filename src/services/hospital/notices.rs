//! What a clinic tells those who wait in it. It stands in the waiting room from the next push, and after every reload.

use serde_json::json;

use crate::domain::ids::{ClinicId, NoticeId};
use crate::domain::permission::TriageAct;
use crate::domain::ticket::TicketState;
use crate::domain::written::is_plain;
use crate::protocol::error::ErrorCode;
use crate::protocol::notice::{NoticeSend, NoticeView};
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::topics::Topic;
use crate::services::vault::Field;
use crate::services::work::Command;
use crate::store::{NoticeRow, TicketRow, Tx};

/// Characters of one notice.
const LIMIT: usize = 200;
/// Notices that a patient is shown.
const SHOWN: i64 = 20;

impl Services {
    /// Tells one who waits, or all who wait in a clinic.
    pub async fn send_notice(
        &self,
        act: TriageAct,
        id: ClinicId,
        send: NoticeSend,
        command: &Command,
    ) -> Result<NoticeView, Refusal> {
        let text = words(&send.text)?;
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let clinic = work.tx.clinics().find(id).await?.filter(|clinic| clinic.institution_id == act.institution);
        let clinic = clinic.ok_or_else(Refusal::not_found)?;
        if let Some(ticket) = send.ticket {
            let ticket = work.tx.tickets().find(ticket).await?.filter(|ticket| ticket.clinic_id == clinic.id);
            let ticket = ticket.ok_or_else(|| Refusal::field(ErrorCode::Invalid, "ticket", "no such ticket here"))?;
            if ticket.state != TicketState::Waiting {
                return Err(Refusal::new(ErrorCode::TicketState, "this patient waits no more"));
            }
        }
        let notice = self.ids.make(NoticeId::from_uuid);
        let row = NoticeRow {
            id: notice,
            institution_id: act.institution,
            clinic_id: clinic.id,
            ticket_id: send.ticket,
            sender: act.account.to_string(),
            body_sealed: self.vault.seal(Field::Notice, notice.as_uuid(), text),
            at: work.now,
        };
        work.tx.notices().insert(&row).await?;
        let view = self.notice(&row)?;
        work.keep(command, &view).await?;
        let topic = send.ticket.map_or(Topic::Clinic(clinic.id), Topic::Ticket);
        let data = json!({ "notice": notice, "ticket": send.ticket });
        let (who, what) = (act.account.to_string(), notice.to_string());
        work.audit_why(act.institution, &who, "notice.send", &what, None, data.clone()).await?;
        work.emit(act.institution, topic.to_string(), "notice.sent", data).await?;
        work.commit().await?;
        Ok(view)
    }

    /// What a ticket was told since it joined, newest first.
    pub(crate) async fn notices_of(&self, tx: &mut Tx, ticket: &TicketRow) -> Result<Vec<NoticeView>, Refusal> {
        let told = tx.notices().told(ticket.clinic_id, ticket.id, ticket.joined_at, SHOWN).await?;
        told.iter().map(|row| self.notice(row)).collect()
    }

    fn notice(&self, row: &NoticeRow) -> Result<NoticeView, Refusal> {
        let text = self.open_field(Field::Notice, row.id.as_uuid(), &row.body_sealed)?;
        Ok(NoticeView { id: row.id, at: row.at, text, personal: row.ticket_id.is_some() })
    }
}

/// The words as they are kept.
fn words(said: &str) -> Result<&str, Refusal> {
    let text = said.trim();
    let fault = |why: String| Err(Refusal::field(ErrorCode::Invalid, "text", why));
    if !(1..=LIMIT).contains(&text.chars().count()) {
        return fault(format!("1 to {LIMIT} characters"));
    }
    if !is_plain(text) {
        return fault("one line, without control characters and letters that nobody sees".to_owned());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_one_line_of_one_to_two_hundred_characters() {
        assert_eq!(words("  请备好证件 ").ok(), Some("请备好证件"));
        assert!(words(&"字".repeat(200)).is_ok());
        for wrong in ["", "   ", &"字".repeat(201), "a\0b", "a\nb", "a\u{1b}[2J"] {
            assert_eq!(words(wrong).unwrap_err().field.as_deref(), Some("text"), "{wrong:?}");
        }
    }
}
