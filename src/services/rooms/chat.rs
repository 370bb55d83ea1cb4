//! The conversation of a visit. Kept with the visit, its text sealed; it is exactly once in the log and on the screens.
//!
//! Who was invited into the call reads and writes it while they are in it, and never otherwise. Their name is kept sealed, in
//! the invitation alone: a line of theirs names that.

use std::collections::HashMap;

use serde_json::json;

use crate::domain::ids::{AttachmentId, InvitationId, MessageId, VisitId};
use crate::domain::permission::Actor;
use crate::domain::prose::prose;
use crate::domain::room::{Input, ParticipantRole, Standing};
use crate::domain::text::Text;
use crate::domain::visit::{ChatSide, VisitEnd};
use crate::protocol::chat::{ChatMessage, ChatSend};
use crate::protocol::error::ErrorCode;
use crate::services::Services;
use crate::services::identity::sessions::staff_name;
use crate::services::pacing::{Limits, Rate};
use crate::services::refusal::Refusal;
use crate::services::topics::Topic;
use crate::services::vault::Field;
use crate::services::work::Work;
use crate::store::{MessageRow, Tx, VisitRow};

/// Characters of one message.
const TEXT_LIMIT: usize = 2000;
/// Lines of each side of a visit; more than anybody types in an hour. No side takes another's.
const LINES: i64 = 1000;
/// Lines of one person: whoever types is far below it.
const PACE: Rate = Rate::new(30, 1000);
/// Lines that are shown: all that every side may say, or the first ones could be read by nobody.
const SHOWN: i64 = 3 * LINES;
const _: () = assert!(ChatSide::ALL.len() == 3, "lines of each side are shown");

/// How often each person says something.
#[derive(Debug)]
pub struct Lines(pub(in crate::services) Limits<String>);

impl Default for Lines {
    fn default() -> Self {
        Self(Limits::new(PACE))
    }
}

/// What is said.
pub(in crate::services) struct Line<'a> {
    pub id: MessageId,
    pub side: ChatSide,
    pub text: &'a str,
    pub attachment: Option<AttachmentId>,
}

impl Services {
    /// The lines of a visit, oldest first. While it goes on they are said and heard; whoever reads them later is in the
    /// audit.
    pub async fn messages(&self, actor: Actor, id: VisitId) -> Result<Vec<ChatMessage>, Refusal> {
        let mut tx = self.db.read().await?;
        let (visit, _) = self.party(&mut tx, actor, id).await?;
        let goes = visit.ended_at.is_some() && tx.leaving().since(id.as_uuid()).await?.is_some();
        let rows = if goes { Vec::new() } else { tx.messages().of_visit(id, SHOWN).await? };
        let is_empty = rows.is_empty();
        let lines = self.lines(&mut tx, actor, id, rows).await?;
        drop(tx);
        if visit.ended_at.is_some() && !is_empty {
            self.note_read(actor, visit.institution_id, "conversation.read", &id.to_string(), json!({})).await?;
        }
        Ok(lines)
    }

    /// Says something while the visit goes on; the same id is the same line, also after the end.
    pub async fn send_message(&self, actor: Actor, id: VisitId, send: ChatSend) -> Result<ChatMessage, Refusal> {
        let text = prose(&send.text);
        let text = text.trim();
        if text.chars().count() > TEXT_LIMIT {
            return Err(Refusal::field(ErrorCode::Invalid, "text", format!("at most {TEXT_LIMIT} characters")));
        }
        if text.is_empty() && send.attachment.is_none() {
            return Err(Refusal::field(ErrorCode::Invalid, "text", "a text or a picture"));
        }
        self.lines.0.take(actor.key(), self.clock.now()).map_err(|seconds| {
            let refusal = Refusal::new(ErrorCode::RateLimited, "30 lines at once, and then one a second");
            Refusal { retry_after: Some(seconds), ..refusal }
        })?;
        let mut work = self.begin().await?;
        let (visit, side) = self.party(&mut work.tx, actor, id).await?;
        if let Some(before) = self.said_before(&mut work.tx, actor, id, send.id).await? {
            drop(work);
            self.tell_said(&visit).await;
            return Ok(before);
        }
        goes_on(&visit)?;
        if let Some(attachment) = send.attachment {
            let found = work.tx.messages().attachment(attachment).await?;
            if found.is_none_or(|found| found.visit_id != id) {
                return Err(Refusal::field(ErrorCode::Invalid, "attachment", "no such picture in this visit"));
            }
        }
        let line = Line { id: send.id, side, text, attachment: send.attachment };
        let Some(row) = self.write_line(&mut work, &visit, actor, line).await? else {
            let twin = self.said_before(&mut work.tx, actor, id, send.id).await?;
            drop(work);
            self.tell_said(&visit).await;
            return twin.ok_or_else(|| Refusal::internal("a line is neither new nor known"));
        };
        let line = self.line(&mut work.tx, actor, row).await?;
        work.commit().await?;
        self.tell_said(&visit).await;
        Ok(line)
    }

    /// Tells the room of a visit that something was said. Also when it was said before: whoever repeats it had no answer, and
    /// what follows the commit may have been cut off with that.
    pub(in crate::services) async fn tell_said(&self, visit: &VisitRow) {
        self.live.send(visit.room_id, Input::Said).await;
    }

    /// Writes a line of a visit, and tells its two who follow it; `None` when there is a line of this id. After the commit the room is told
    /// [`Input::Said`].
    ///
    /// # Errors
    /// `chat.full` when the visit holds [`LINES`] of this side.
    pub(in crate::services) async fn write_line(
        &self,
        work: &mut Work,
        visit: &VisitRow,
        actor: Actor,
        Line { id, side, text, attachment }: Line<'_>,
    ) -> Result<Option<MessageRow>, Refusal> {
        if work.tx.messages().count(visit.id, side).await? >= LINES {
            return Err(Refusal::new(ErrorCode::ChatFull, format!("a visit holds at most {LINES} lines of each side")));
        }
        let name = match actor {
            Actor::Staff { account, .. } => staff_name(&mut work.tx, account).await?.0,
            // Kept sealed, in the invitation.
            Actor::Guest { .. } => Text::new("", ""),
            Actor::Holder { .. } | Actor::Caller { .. } => {
                let patient = work.tx.patients().find(visit.institution_id, visit.patient_id).await?;
                let name = patient.ok_or_else(Refusal::not_found)?.name_masked;
                Text::new(name.clone(), name)
            }
        };
        let row = MessageRow {
            id,
            institution_id: visit.institution_id,
            visit_id: visit.id,
            side,
            sender: actor.key(),
            name_zh: name.zh,
            name_en: name.en,
            body_sealed: self.vault.seal(Field::Answers, id.as_uuid(), text),
            attachment_id: attachment,
            at: work.now,
        };
        if !work.tx.messages().insert(&row).await? {
            return Ok(None);
        }
        let data = json!({ "message": id, "side": side });
        work.emit(visit.institution_id, Topic::Visit(visit.id).to_string(), "message.sent", data).await?;
        Ok(Some(row))
    }

    /// The line of this id, if the actor said it here before; an id that names another line is refused.
    pub(in crate::services) async fn said_before(
        &self,
        tx: &mut Tx,
        actor: Actor,
        visit: VisitId,
        id: MessageId,
    ) -> Result<Option<ChatMessage>, Refusal> {
        match tx.messages().find(id).await? {
            None => Ok(None),
            Some(row) if row.visit_id == visit && row.sender == actor.key() => {
                self.line(tx, actor, row).await.map(Some)
            }
            Some(_) => Err(Refusal::field(ErrorCode::Invalid, "id", "this id is taken")),
        }
    }

    /// A line as `actor` reads it.
    pub(in crate::services) async fn line(
        &self,
        tx: &mut Tx,
        actor: Actor,
        row: MessageRow,
    ) -> Result<ChatMessage, Refusal> {
        let lines = self.lines(tx, actor, row.visit_id, vec![row]).await?;
        lines.into_iter().next().ok_or_else(|| Refusal::internal("a line that is none"))
    }

    async fn lines(
        &self,
        tx: &mut Tx,
        actor: Actor,
        visit: VisitId,
        rows: Vec<MessageRow>,
    ) -> Result<Vec<ChatMessage>, Refusal> {
        let has_guests = rows.iter().any(|row| row.side == ChatSide::Guest);
        let guests = if has_guests { self.guests(tx, visit).await? } else { HashMap::new() };
        let line = |row: MessageRow| {
            let (from, role) = match guests.get(&row.sender) {
                Some((name, role)) => (name.clone(), Some(*role)),
                None => (Text::new(row.name_zh, row.name_en), None),
            };
            Ok(ChatMessage {
                id: row.id,
                side: row.side,
                mine: row.sender == actor.key(),
                role,
                from,
                text: self.open_field(Field::Answers, row.id.as_uuid(), &row.body_sealed)?,
                attachment: row.attachment_id,
                at: row.at,
            })
        };
        rows.into_iter().map(line).collect()
    }

    /// Who was invited into the call of a visit, by the keys of their lines.
    async fn guests(&self, tx: &mut Tx, visit: VisitId) -> Result<HashMap<String, (Text, ParticipantRole)>, Refusal> {
        let mut guests = HashMap::new();
        for row in tx.invitations().of_visit(visit).await? {
            let name = self.open_field(Field::Name, row.id.as_uuid(), &row.name_sealed)?;
            guests.insert(row.id.to_string(), (Text::new(name.clone(), name), row.role));
        }
        Ok(guests)
    }

    /// The visit, and on which side of it the actor stands; not there for anybody else.
    pub(in crate::services) async fn party(
        &self,
        tx: &mut Tx,
        actor: Actor,
        id: VisitId,
    ) -> Result<(VisitRow, ChatSide), Refusal> {
        let visit = tx.visits().find(id).await?.filter(|visit| visit.institution_id == actor.institution());
        let visit = visit.ok_or_else(Refusal::not_found)?;
        // What was said to the wrong person is not the patient's to read, and nobody says more.
        let is_theirs = visit.end_reason != Some(VisitEnd::WrongPerson);
        let side = match actor {
            Actor::Staff { account, .. } if visit.doctor_id == account => ChatSide::Staff,
            Actor::Holder { holder, .. } if visit.holder_id == Some(holder) && is_theirs => ChatSide::Patient,
            Actor::Guest { invitation, .. } if self.is_in_the_call(tx, actor, invitation, &visit).await? => {
                ChatSide::Guest
            }
            Actor::Staff { .. } | Actor::Holder { .. } | Actor::Caller { .. } | Actor::Guest { .. } => {
                return Err(Refusal::not_found());
            }
        };
        Ok((visit, side))
    }

    /// Whether somebody who was invited sits in the call of a visit that goes on, let in and not apart, and may talk there.
    async fn is_in_the_call(
        &self,
        tx: &mut Tx,
        actor: Actor,
        invitation: InvitationId,
        visit: &VisitRow,
    ) -> Result<bool, Refusal> {
        let row = tx.invitations().find(invitation).await?;
        let row = row.filter(|row| row.visit_id == visit.id && row.revoked_at.is_none() && row.role.rights().talks);
        if row.is_none() || visit.ended_at.is_some() {
            return Ok(false);
        }
        let seat = tx.rooms().seat_of(visit.room_id, &actor.key()).await?;
        let Some(seat) = seat.filter(|seat| seat.standing == Standing::Inside) else { return Ok(false) };
        // What a host takes away may be done and not written: the room is asked, too.
        let stands = self.live.seat(visit.room_id, seat.participant_id).await?;
        Ok(stands.is_some_and(|seat| seat.standing == Standing::Inside))
    }
}

/// What was said can be read for good; more is said only while the visit goes on.
pub(in crate::services) fn goes_on(visit: &VisitRow) -> Result<(), Refusal> {
    match visit.ended_at {
        None => Ok(()),
        Some(_) => Err(Refusal::new(ErrorCode::VisitEnded, "the visit is over; what was said stays readable")),
    }
}
