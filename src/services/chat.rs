//! The conversation of a visit, and its pictures. Kept with the visit; text sealed, pictures as files in the data folder.

use std::path::PathBuf;

use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use crate::domain::audit::hex;
use crate::domain::ids::{AttachmentId, MessageId, VisitId};
use crate::domain::permission::Actor;
use crate::domain::picture;
use crate::domain::text::Text;
use crate::domain::visit::VisitEnd;
use crate::protocol::error::ErrorCode;
use crate::protocol::visit::{AttachmentInfo, ChatMessage, ChatSend, ChatSide};
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::sessions::staff_name;
use crate::services::topics::Topic;
use crate::services::vault::Field;
use crate::store::{AttachmentRow, MessageRow, Tx, VisitRow};

/// Characters of one message.
const TEXT_LIMIT: usize = 2000;
/// Bytes of one picture.
pub const PICTURE_LIMIT: usize = 8 * 1024 * 1024;
/// Pictures of one visit.
const PICTURES: i64 = 50;
/// Lines of one visit; more than two people type in an hour.
const LINES: i64 = 2000;
/// Lines that are shown.
const SHOWN: i64 = 500;

impl Services {
    /// The lines of a visit, oldest first.
    pub async fn messages(&self, actor: Actor, id: VisitId) -> Result<Vec<ChatMessage>, Refusal> {
        let mut tx = self.db.read().await?;
        party(&mut tx, actor, id).await?;
        let rows = tx.messages().of_visit(id, SHOWN).await?;
        rows.into_iter().map(|row| self.line(row)).collect()
    }

    /// Says something while the visit goes on; the same id is the same line, also after the end.
    pub async fn send_message(&self, actor: Actor, id: VisitId, send: ChatSend) -> Result<ChatMessage, Refusal> {
        let text = send.text.trim();
        if text.chars().count() > TEXT_LIMIT {
            return Err(Refusal::field(ErrorCode::Invalid, "text", format!("at most {TEXT_LIMIT} characters")));
        }
        if text.is_empty() && send.attachment.is_none() {
            return Err(Refusal::field(ErrorCode::Invalid, "text", "a text or a picture"));
        }
        let mut work = self.begin().await?;
        let (visit, side) = party(&mut work.tx, actor, id).await?;
        if let Some(before) = self.said_before(&mut work.tx, actor, id, send.id).await? {
            return Ok(before);
        }
        goes_on(&visit)?;
        if work.tx.messages().count(id).await? >= LINES {
            return Err(Refusal::new(ErrorCode::ChatFull, format!("a visit holds at most {LINES} lines")));
        }
        if let Some(attachment) = send.attachment {
            let found = work.tx.messages().attachment(attachment).await?;
            if found.is_none_or(|found| found.visit_id != id) {
                return Err(Refusal::field(ErrorCode::Invalid, "attachment", "no such picture in this visit"));
            }
        }
        let name = match actor {
            Actor::Staff { account, .. } => staff_name(&mut work.tx, account).await?.0,
            Actor::Holder { .. } | Actor::Caller { .. } | Actor::Guest { .. } => {
                let patient = work.tx.patients().find(visit.institution_id, visit.patient_id).await?;
                let name = patient.ok_or_else(Refusal::not_found)?.name_masked;
                Text::new(name.clone(), name)
            }
        };
        let row = MessageRow {
            id: send.id,
            institution_id: visit.institution_id,
            visit_id: id,
            side: if side == ChatSide::Staff { "staff" } else { "patient" }.to_owned(),
            sender: actor.key(),
            name_zh: name.zh,
            name_en: name.en,
            body_sealed: self.vault.seal(Field::Answers, send.id.as_uuid(), text),
            attachment_id: send.attachment,
            at: work.now,
        };
        if !work.tx.messages().insert(&row).await? {
            let twin = self.said_before(&mut work.tx, actor, id, send.id).await?;
            return twin.ok_or_else(|| Refusal::internal("a line is neither new nor known"));
        }
        let data = json!({ "message": send.id, "side": side });
        work.emit(visit.institution_id, Topic::Visit(id).to_string(), "message.sent", data).await?;
        work.commit().await?;
        self.line(row)
    }

    /// The line of this id, if the actor said it here before; an id that names another line is refused.
    pub(super) async fn said_before(
        &self,
        tx: &mut Tx,
        actor: Actor,
        visit: VisitId,
        id: MessageId,
    ) -> Result<Option<ChatMessage>, Refusal> {
        match tx.messages().find(id).await? {
            None => Ok(None),
            Some(row) if row.visit_id == visit && row.sender == actor.key() => self.line(row).map(Some),
            Some(_) => Err(Refusal::field(ErrorCode::Invalid, "id", "this id is taken")),
        }
    }

    pub(super) fn line(&self, row: MessageRow) -> Result<ChatMessage, Refusal> {
        Ok(ChatMessage {
            id: row.id,
            side: if row.side == "staff" { ChatSide::Staff } else { ChatSide::Patient },
            from: Text::new(row.name_zh, row.name_en),
            text: self.open_field(Field::Answers, row.id.as_uuid(), &row.body_sealed)?,
            attachment: row.attachment_id,
            at: row.at,
        })
    }

    /// Whether this party of a visit may send a picture now; asked before its bytes are read.
    pub async fn may_attach(&self, actor: Actor, id: VisitId) -> Result<(), Refusal> {
        has_room(&mut self.db.read().await?, actor, id).await.map(drop)
    }

    /// Keeps a picture of whoever [`Self::may_attach`]; its kind is read from its bytes, whatever the browser called it.
    /// Where it was taken is no part of it.
    pub async fn attach(&self, actor: Actor, id: VisitId, bytes: &[u8]) -> Result<AttachmentInfo, Refusal> {
        if bytes.len() > PICTURE_LIMIT {
            return Err(Refusal::new(ErrorCode::TooLarge, format!("a picture holds at most {PICTURE_LIMIT} bytes")));
        }
        let (mime, bytes) = clean_picture(bytes)?;
        let attachment = self.ids.make(AttachmentId::from_uuid);
        // The file first, and before the transaction, for which others wait: a row without its picture would be a lie, a
        // file without its row is only litter, and taken away.
        self.write_picture(attachment, &bytes).await?;
        let kept = self.note_picture(actor, id, attachment, mime, &bytes).await;
        if kept.as_ref().is_err_and(is_final) {
            tokio::fs::remove_file(self.picture_path(attachment)).await.ok();
        }
        kept
    }

    async fn note_picture(
        &self,
        actor: Actor,
        id: VisitId,
        attachment: AttachmentId,
        mime: &str,
        bytes: &[u8],
    ) -> Result<AttachmentInfo, Refusal> {
        let mut work = self.begin().await?;
        let visit = has_room(&mut work.tx, actor, id).await?;
        let row = AttachmentRow {
            id: attachment,
            institution_id: visit.institution_id,
            visit_id: id,
            sender: actor.key(),
            mime: mime.to_owned(),
            size: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
            sha256: hex(&Sha256::digest(bytes)),
            at: work.now,
        };
        work.tx.messages().attach(&row).await?;
        work.commit().await?;
        Ok(AttachmentInfo { id: attachment, mime: row.mime, size: bytes.len() as u64 })
    }

    /// A picture, for who is or was in its visit.
    pub async fn attachment(&self, actor: Actor, id: AttachmentId) -> Result<Picture, Refusal> {
        let mut tx = self.db.read().await?;
        let row = tx.messages().attachment(id).await?.ok_or_else(Refusal::not_found)?;
        party(&mut tx, actor, row.visit_id).await?;
        drop(tx);
        let mut file = tokio::fs::File::open(self.picture_path(id)).await.map_err(|_| Refusal::not_found())?;
        let hash = hash_of(&mut file).await.map_err(|_| Refusal::internal("a stored picture cannot be read"))?;
        if hash != row.sha256 {
            return Err(Refusal::internal("a stored picture is not what was stored"));
        }
        Ok(Picture { mime: row.mime, size: row.size, file })
    }

    pub(super) async fn write_picture(&self, id: AttachmentId, bytes: &[u8]) -> Result<(), Refusal> {
        let path = self.picture_path(id);
        // A repeated request finds its own bytes; whoever brings others under the same id may not take these away.
        if tokio::fs::read(&path).await.is_ok_and(|there| there != bytes) {
            return Err(Refusal::new(ErrorCode::Malformed, "another picture has this id"));
        }
        let no_room = |e: std::io::Error| {
            tracing::error!(cause = %e.kind(), "a picture could not be stored");
            Refusal::new(ErrorCode::Unavailable, "the picture could not be stored; try again")
        };
        if let Some(folder) = path.parent() {
            tokio::fs::create_dir_all(folder).await.map_err(no_room)?;
        }
        tokio::fs::write(&path, bytes).await.map_err(no_room)
    }

    pub(super) fn picture_path(&self, id: AttachmentId) -> PathBuf {
        self.config.data_dir.join("attachments").join(id.as_uuid().simple().to_string())
    }
}

/// A stored picture, whole and at its beginning.
#[derive(Debug)]
pub struct Picture {
    /// Its MIME type.
    pub mime: String,
    /// Its bytes.
    pub size: i64,
    /// Where they are.
    pub file: tokio::fs::File,
}

/// What a file hashes to, read in stretches; afterwards it stands at its beginning again.
async fn hash_of(file: &mut tokio::fs::File) -> std::io::Result<String> {
    let (mut hash, mut stretch) = (Sha256::new(), vec![0; 64 * 1024]);
    loop {
        match file.read(&mut stretch).await? {
            0 => break,
            length => hash.update(&stretch[..length]),
        }
    }
    file.rewind().await?;
    Ok(hex(&hash.finalize()))
}

/// A picture's kind as read from its bytes, and those without what was written beside it.
pub(super) fn clean_picture(bytes: &[u8]) -> Result<(&'static str, Vec<u8>), Refusal> {
    picture::clean(bytes).ok_or_else(|| Refusal::new(ErrorCode::UnsupportedType, "a JPEG, PNG or still WebP picture"))
}

/// The visit, and on which side of it the actor stands; not there for anybody else.
pub(super) async fn party(tx: &mut Tx, actor: Actor, id: VisitId) -> Result<(VisitRow, ChatSide), Refusal> {
    let visit = tx.visits().find(id).await?.filter(|visit| visit.institution_id == actor.institution());
    let visit = visit.ok_or_else(Refusal::not_found)?;
    // What was said to the wrong person is not the patient's to read, and nobody says more.
    let is_theirs = visit.end_reason != Some(VisitEnd::WrongPerson);
    let side = match actor {
        Actor::Staff { account, .. } if visit.doctor_id == account => ChatSide::Staff,
        Actor::Holder { holder, .. } if visit.holder_id == Some(holder) && is_theirs => ChatSide::Patient,
        Actor::Staff { .. } | Actor::Holder { .. } | Actor::Caller { .. } | Actor::Guest { .. } => {
            return Err(Refusal::not_found());
        }
    };
    Ok((visit, side))
}

/// What was said can be read for good; more is said only while the visit goes on.
pub(super) fn goes_on(visit: &VisitRow) -> Result<(), Refusal> {
    match visit.ended_at {
        None => Ok(()),
        Some(_) => Err(Refusal::new(ErrorCode::VisitEnded, "the visit is over; what was said stays readable")),
    }
}

/// Whether a picture was refused for good; after anything else, such as a commit whose answer was lost, it may be a picture
/// of its visit all the same.
pub(super) fn is_final(refusal: &Refusal) -> bool {
    matches!(refusal.code, ErrorCode::VisitEnded | ErrorCode::TooLarge)
}

/// The visit, for one of its two, and while it has room for another picture.
pub(super) async fn has_room(tx: &mut Tx, actor: Actor, id: VisitId) -> Result<VisitRow, Refusal> {
    let (visit, _) = party(tx, actor, id).await?;
    goes_on(&visit)?;
    if tx.messages().count_attachments(id).await? >= PICTURES {
        return Err(Refusal::new(ErrorCode::TooLarge, format!("a visit holds at most {PICTURES} pictures")));
    }
    Ok(visit)
}
