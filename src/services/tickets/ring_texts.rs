//! A call that nobody watches: a locked telephone cannot ring, so its owner is told by text message.
//!
//! One message a call, claimed in the transaction of the call and sent after the commit. Nobody waits for the gateway:
//! a call rings whether or not a message leaves.

use std::time::Duration;

use crate::protocol::auth::Locale;
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::sms::Message;
use crate::services::vault::Field;
use crate::services::work::Work;
use crate::store::{TicketRow, Tx};

/// A page that vanishes while it rings gets this long to come back: a reload takes a moment.
const BACK_WITHIN: Duration = Duration::from_secs(10);
/// Calls that one sweep tells.
const BATCH: i64 = 50;

/// Who rings.
#[derive(Clone, Copy, Debug)]
enum Ring {
    /// A desk: it is the patient's turn.
    Desk,
    /// A nurse, out of turn.
    Nurse,
}

impl Ring {
    /// The word in the outbox.
    const fn kind(self) -> &'static str {
        match self {
            Self::Desk => "called",
            Self::Nurse => "nurse_called",
        }
    }
}

impl Services {
    /// Claims the text message of a call that nobody watches; `None` when somebody does, or it was told before.
    pub(crate) async fn text_of_call(&self, work: &mut Work, ticket: &TicketRow) -> Result<Option<Message>, Refusal> {
        let Some(message) = self.text_of(work, ticket, Ring::Desk).await? else { return Ok(None) };
        let is_first = work.tx.notices().text(ticket.id, ticket.call_count, work.now).await?;
        Ok(Some(message).filter(|_| is_first))
    }

    /// The text message of a nurse's call that nobody watches. A nurse's call is one until it is over, and so is this.
    pub(crate) async fn text_of_nurse(&self, work: &mut Work, ticket: &TicketRow) -> Result<Option<Message>, Refusal> {
        self.text_of(work, ticket, Ring::Nurse).await
    }

    async fn text_of(&self, work: &mut Work, ticket: &TicketRow, ring: Ring) -> Result<Option<Message>, Refusal> {
        let Some(holder) = ticket.holder_id.filter(|_| !self.live.is_online(ticket.id)) else { return Ok(None) };
        let Some(holder) = work.tx.holders().find(ticket.institution_id, holder).await? else { return Ok(None) };
        // A number that cannot be read is no reason not to call.
        let Ok(to) = self.open_field(Field::Phone, holder.id.as_uuid(), &holder.phone_sealed) else { return Ok(None) };
        let link = link_of(&mut work.tx, ticket).await?;
        let url = format!("{}/v/{link}", self.config.base_url(self.config.http_addr));
        Ok(Some(Message { to, text: words(ring, Locale::of(&holder.locale), &url), kind: ring.kind() }))
    }

    /// Sends what was claimed, after the commit and beside the request.
    pub(crate) fn send_text(&self, message: Option<Message>) {
        let Some(message) = message else { return };
        let (sms, now) = (self.sms.clone(), self.clock.now());
        self.tasks.spawn(async move {
            if let Err(error) = sms.send(&message, now).await {
                tracing::warn!(cause = %error, "a call was not told by text message");
            }
        });
    }

    /// Tells those whose page was there when the call began and vanished while it rings.
    pub(crate) async fn text_untold(&self) -> Result<(), Refusal> {
        let now = self.clock.now();
        let mut pages = self.pages("text_untold", BATCH);
        while let Some(before) = pages.before() {
            let untold = self.db.read().await?.tickets().untold(now - BACK_WITHIN, now, BATCH, before).await?;
            pages.found(untold.len());
            for ticket in untold {
                pages.heard(&ticket.id, self.text_one(&ticket).await)?;
            }
        }
        Ok(())
    }

    /// Whether a call was told now that nobody watches.
    async fn text_one(&self, ticket: &TicketRow) -> Result<bool, Refusal> {
        if self.live.is_online(ticket.id) {
            return Ok(false);
        }
        let mut work = self.begin().await?;
        let message = self.text_of_call(&mut work, ticket).await?;
        work.commit().await?;
        let is_told = message.is_some();
        self.send_text(message);
        Ok(is_told)
    }
}

/// The link by which the patient came: that of the clinic of the first ticket, before any transfer.
async fn link_of(tx: &mut Tx, ticket: &TicketRow) -> Result<String, Refusal> {
    let mut clinic = ticket.clinic_id;
    let mut before = ticket.from_ticket;
    while let Some(id) = before {
        let Some(earlier) = tx.tickets().find(id).await? else { break };
        (clinic, before) = (earlier.clinic_id, earlier.from_ticket);
    }
    Ok(tx.clinics().find(clinic).await?.ok_or_else(Refusal::not_found)?.link_token)
}

fn words(ring: Ring, locale: Locale, url: &str) -> String {
    match (ring, locale) {
        (Ring::Desk, Locale::Chinese) => format!("【云诊】轮到您了，医生正在呼叫。请马上打开 {url} 接听。"),
        (Ring::Desk, Locale::English) => {
            format!("[Yunzhen] It is your turn: the doctor is calling. Please open {url} now.")
        }
        (Ring::Nurse, Locale::Chinese) => format!("【云诊】医护人员正在呼叫您。请马上打开 {url} 接听。"),
        (Ring::Nurse, Locale::English) => format!("[Yunzhen] The clinic is calling you. Please open {url} now."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_holds_the_link_and_no_number_of_anybody() {
        let locales = [Locale::Chinese, Locale::English];
        for (ring, locale) in
            [Ring::Desk, Ring::Nurse].into_iter().flat_map(|ring| locales.map(|locale| (ring, locale)))
        {
            let text = words(ring, locale, "https://clinic.example/v/fever");
            assert!(text.contains(" https://clinic.example/v/fever "), "{text}");
            assert!(!text.chars().any(|c| c.is_ascii_digit()), "{text}");
        }
    }
}
