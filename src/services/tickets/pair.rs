//! Two numbers with one document: somebody of the staff closes the one that nobody needs.

use std::collections::HashMap;

use serde_json::json;

use crate::domain::ids::TicketId;
use crate::domain::permission::TriageAct;
use crate::domain::ticket::TicketState;
use crate::protocol::board::{CloseTicket, TicketRow as Row};
use crate::protocol::error::ErrorCode;
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::said::reason;
use crate::services::tickets::{announce_desk, stale, ticket_of_locked_patient};
use crate::services::work::Command;

impl Services {
    /// Closes a number that waits while another of the same document does, after whoever waits was asked: two parents
    /// drew one for one child, or somebody drew one who is not that person. A number without a pair is its holder's to
    /// give back.
    pub async fn close_ticket(
        &self,
        act: TriageAct,
        id: TicketId,
        request: CloseTicket,
        command: &Command,
    ) -> Result<Row, Refusal> {
        let why = reason(&request.reason, "reason")?;
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        // Of a pair one stays, also when two close one each in the same moment.
        let ticket = ticket_of_locked_patient(&mut work.tx, act, id).await?;
        let pair = work.tx.tickets().mates(&ticket).await?;
        if pair.is_empty() {
            return Err(Refusal::new(ErrorCode::TicketState, "no other number was drawn with this document"));
        }
        if !matches!(ticket.state, TicketState::Waiting | TicketState::Called) {
            return Err(stale());
        }
        let now = work.now;
        let moved = work.tx.tickets().leave(id, request.version, now).await?.ok_or_else(stale)?;
        announce_desk(&mut work, &ticket, "desk.patient_left").await?;
        let (who, what) = (act.account.to_string(), id.to_string());
        let detail = json!({ "no": ticket.no, "stays": pair });
        work.audit_why(act.institution, &who, "ticket.close", &what, Some(why), detail).await?;
        let row = self.row(&mut work.tx, &moved, &HashMap::new()).await?;
        work.keep(command, &row).await?;
        self.announce_ticket(&mut work, &moved, "ticket.left").await?;
        work.commit().await?;
        Ok(row)
    }
}
