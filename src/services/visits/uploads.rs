//! Pictures that come in pieces, over networks that break: the server says how much is here, the browser goes on from there.
//!
//! A piece is in the file before its row counts it, so what is counted is there; what lies behind that is written again.
//! The end names the hash of the whole. Only then is it a picture of the visit, with a line in its conversation.

use std::io::SeekFrom;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _};
use uuid::Uuid;

use crate::domain::hex::hex;
use crate::domain::ids::{AttachmentId, MessageId, VisitId};
use crate::domain::permission::Actor;
use crate::domain::room::Input;
use crate::domain::visit::ChatSide;
use crate::protocol::chat::ChatMessage;
use crate::protocol::error::ErrorCode;
use crate::protocol::upload::{UploadBegin, UploadState};
use crate::services::Services;
use crate::services::private;
use crate::services::refusal::Refusal;
use crate::services::rooms::chat::{Line, goes_on};
use crate::services::rows::leave;
use crate::services::topics::Topic;
use crate::services::visits::pictures::{PICTURE_LIMIT, clean_picture, is_final, note_picture};
use crate::store::{UploadRow, VisitRow};

/// Bytes of one piece.
pub const PIECE_LIMIT: usize = 1024 * 1024;
/// How long an upload that was not finished is kept while its visit goes on.
const UNFINISHED_KEPT: Duration = Duration::from_hours(24);
/// Uploads that are taken away at once.
const BATCH: i64 = 100;
/// Uploads of one visit that ever began.
const UPLOADS: i64 = 100;

impl Services {
    /// Begins an upload, or finds the one that began.
    pub async fn begin_upload(&self, actor: Actor, visit: VisitId, begin: UploadBegin) -> Result<UploadState, Refusal> {
        let limit = PICTURE_LIMIT as u64;
        if begin.size == 0 || begin.size > limit {
            return Err(Refusal::new(ErrorCode::TooLarge, format!("a picture holds at most {limit} bytes")));
        }
        if begin.sha256.len() != 64 || !begin.sha256.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Err(Refusal::field(ErrorCode::Invalid, "sha256", "64 hexadecimal digits in lower case"));
        }
        let mut work = self.begin().await?;
        let (row, side) = self.party(&mut work.tx, actor, visit).await?;
        if side != ChatSide::Patient {
            return Err(Refusal::not_found());
        }
        if let Some(known) = work.tx.uploads().find(begin.id).await? {
            if known.visit_id != visit || known.sender != actor.key() {
                return Err(Refusal::field(ErrorCode::Invalid, "id", "this id is taken"));
            }
            if known.sha256 == begin.sha256 {
                return Ok(state_of(&known));
            }
            if known.finished_at.is_some() {
                return Err(Refusal::field(ErrorCode::Invalid, "id", "this id is taken"));
            }
            goes_on(&row)?;
            // A page that was reloaded lost its photo, and took another for the same wish.
            let size = i64::try_from(begin.size).unwrap_or(i64::MAX);
            work.tx.uploads().begin_anew(begin.id, size, &begin.sha256).await?;
            work.commit().await?;
            return Ok(state_of(&UploadRow { size, received: 0, ..known }));
        }
        self.has_room(&mut work.tx, actor, visit).await?;
        if work.tx.uploads().count(visit).await? >= UPLOADS {
            return Err(Refusal::new(ErrorCode::TooLarge, format!("a visit holds at most {UPLOADS} uploads")));
        }
        let upload = UploadRow {
            id: begin.id,
            institution_id: row.institution_id,
            visit_id: visit,
            sender: actor.key(),
            picture_of: begin.of,
            size: i64::try_from(begin.size).unwrap_or(i64::MAX),
            sha256: begin.sha256,
            received: 0,
            created_at: work.now,
            finished_at: None,
        };
        work.tx.uploads().begin(&upload).await?;
        work.commit().await?;
        Ok(state_of(&upload))
    }

    /// How much is here.
    pub async fn upload(&self, actor: Actor, id: AttachmentId) -> Result<UploadState, Refusal> {
        self.own_upload(actor, id).await.map(|(row, _)| state_of(&row))
    }

    /// Whether this person may send a piece now; asked before its bytes are read.
    pub async fn may_take_piece(&self, actor: Actor, id: AttachmentId) -> Result<(), Refusal> {
        goes_on(&self.own_upload(actor, id).await?.1)
    }

    /// Takes the piece that begins at `offset`.
    pub async fn take_piece(
        &self,
        actor: Actor,
        id: AttachmentId,
        offset: u64,
        piece: &[u8],
    ) -> Result<UploadState, Refusal> {
        let (row, visit) = self.own_upload(actor, id).await?;
        goes_on(&visit)?;
        let from = i64::try_from(offset).unwrap_or(i64::MAX);
        if row.finished_at.is_some() || row.received != from {
            return Err(Refusal::new(ErrorCode::UploadOffset, format!("{} bytes are here", row.received)));
        }
        let to = from.saturating_add(i64::try_from(piece.len()).unwrap_or(i64::MAX));
        if to > row.size {
            return Err(Refusal::new(ErrorCode::TooLarge, "more than was promised"));
        }
        self.write_piece(id, offset, piece).await?;
        let mut work = self.begin().await?;
        if !work.tx.uploads().grow(id, from, to).await? {
            if work.tx.uploads().find(id).await?.is_none() {
                // It was swept away in this moment, and its file must not come back.
                tokio::fs::remove_file(self.upload_path(id)).await.ok();
            }
            return Err(Refusal::new(ErrorCode::UploadOffset, "another piece came first"));
        }
        work.commit().await?;
        Ok(state_of(&UploadRow { received: to, ..row }))
    }

    /// The whole is here: makes it a picture of the visit. The same again gives the same line.
    pub async fn finish_upload(&self, actor: Actor, id: AttachmentId) -> Result<ChatMessage, Refusal> {
        let (row, visit) = self.own_upload(actor, id).await?;
        let line = MessageId::from_uuid(id.as_uuid());
        if row.finished_at.is_some() {
            let mut tx = self.db.read().await?;
            let said = self.said_before(&mut tx, actor, row.visit_id, line).await?;
            drop(tx);
            self.tell_kept(&visit, id).await;
            return said.ok_or_else(|| Refusal::internal("a finished upload without its line"));
        }
        if row.received != row.size {
            return Err(Refusal::new(ErrorCode::UploadOffset, format!("{} bytes are here", row.received)));
        }
        let read = tokio::fs::read(self.upload_path(id)).await;
        // A file that is gone, from a copy of the data folder for one, comes again: to try again alone would never end.
        let is_gone = read.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound);
        let mut whole = if is_gone { Vec::new() } else { read.map_err(|_| unreadable())? };
        whole.truncate(usize::try_from(row.size).unwrap_or(usize::MAX));
        if hex(&Sha256::digest(&whole)) != row.sha256 {
            let mut work = self.begin().await?;
            work.tx.uploads().begin_anew(id, row.size, &row.sha256).await?;
            work.commit().await?;
            return Err(Refusal::new(ErrorCode::UploadBroken, "this is not what was promised; begin anew"));
        }
        let (mime, bytes) = clean_picture(&whole)?;
        self.write_picture(id, &bytes).await?;
        let finished = self.note_finished(actor, row, mime, &bytes).await;
        if finished.as_ref().is_err_and(is_final) && !self.is_attached(id).await {
            tokio::fs::remove_file(self.picture_path(id)).await.ok();
        }
        finished
    }

    async fn note_finished(
        &self,
        actor: Actor,
        row: UploadRow,
        mime: &str,
        bytes: &[u8],
    ) -> Result<ChatMessage, Refusal> {
        let (id, line) = (row.id, MessageId::from_uuid(row.id.as_uuid()));
        let mut work = self.begin().await?;
        let visit = self.has_room(&mut work.tx, actor, row.visit_id).await?;
        let now = work.now;
        if !work.tx.uploads().finish(id, now).await? {
            let said = self.said_before(&mut work.tx, actor, row.visit_id, line).await?;
            drop(work);
            self.tell_kept(&visit, id).await;
            return said.ok_or_else(|| Refusal::internal("a finished upload without its line"));
        }
        note_picture(&mut work, &visit, actor, id, mime, bytes).await?;
        work.tx.uploads().name_picture(id, row.picture_of).await?;
        let data = json!({ "attachment": id, "of": row.picture_of });
        work.emit(visit.institution_id, Topic::Visit(visit.id).to_string(), "picture.kept", data).await?;
        let line = Line { id: line, side: ChatSide::Patient, text: "", attachment: Some(id) };
        let Some(message) = self.write_line(&mut work, &visit, actor, line).await? else {
            return Err(Refusal::field(ErrorCode::Invalid, "id", "this id is taken"));
        };
        let message = self.line(&mut work.tx, actor, message).await?;
        work.commit().await?;
        self.tell_kept(&visit, id).await;
        // What is left is litter.
        tokio::fs::remove_file(self.upload_path(id)).await.ok();
        Ok(message)
    }

    /// Tells the room that a picture was kept, with its line. Said again for whoever repeats the end, as
    /// [`Self::tell_said`].
    async fn tell_kept(&self, visit: &VisitRow, id: AttachmentId) {
        self.live.send(visit.room_id, Input::PictureKept(id)).await;
        self.tell_said(visit).await;
    }

    /// Takes uploads away that nobody will finish: their visit is over, or they began [`UNFINISHED_KEPT`] ago. How many. And
    /// what a process that was killed has left of others.
    pub async fn sweep_uploads(&self) -> Result<usize, Refusal> {
        self.sweep_litter().await?;
        let before = self.clock.now() - UNFINISHED_KEPT;
        let (mut swept, mut broken) = (0, 0);
        loop {
            let litter = self.db.read().await?.uploads().unfinished(before, BATCH, broken).await?;
            for id in &litter {
                match self.sweep_upload(*id).await {
                    Ok(is_gone) => swept += usize::from(is_gone),
                    Err(refusal) => {
                        leave("sweep_uploads", id, refusal)?;
                        broken += 1;
                    }
                }
            }
            if i64::try_from(litter.len()).is_ok_and(|n| n < BATCH) {
                return Ok(swept);
            }
        }
    }

    /// Removes files of pieces that no unfinished upload has. A picture of them would be as the camera wrote it, with the
    /// place where it was taken.
    async fn sweep_litter(&self) -> Result<(), Refusal> {
        let Ok(mut names) = tokio::fs::read_dir(self.config.data_dir.join("uploads")).await else { return Ok(()) };
        while let Ok(Some(entry)) = names.next_entry().await {
            let Some(id) = entry.file_name().to_str().and_then(|name| Uuid::try_parse(name).ok()) else { continue };
            let row = self.db.read().await?.uploads().find(AttachmentId::from_uuid(id)).await?;
            if row.is_none_or(|row| row.finished_at.is_some()) {
                tokio::fs::remove_file(entry.path()).await.ok();
                tracing::warn!(upload.id = %id, "the pieces of an upload that is over were left; they are removed");
            }
        }
        Ok(())
    }

    /// Whether an upload went: one that was finished in this moment is no litter any more.
    async fn sweep_upload(&self, id: AttachmentId) -> Result<bool, Refusal> {
        let mut work = self.begin().await?;
        let is_gone = work.tx.uploads().forget(id).await?;
        work.commit().await?;
        if is_gone {
            tokio::fs::remove_file(self.upload_path(id)).await.ok();
        }
        Ok(is_gone)
    }

    async fn own_upload(&self, actor: Actor, id: AttachmentId) -> Result<(UploadRow, VisitRow), Refusal> {
        let mut tx = self.db.read().await?;
        let row = tx.uploads().find(id).await?.filter(|row| row.sender == actor.key());
        let row = row.ok_or_else(Refusal::not_found)?;
        let (visit, _) = self.party(&mut tx, actor, row.visit_id).await?;
        Ok((row, visit))
    }

    async fn write_piece(&self, id: AttachmentId, offset: u64, piece: &[u8]) -> Result<(), Refusal> {
        let path = self.upload_path(id);
        let written = async {
            if let Some(folder) = path.parent() {
                private::folder(folder)?;
            }
            let mut options = tokio::fs::OpenOptions::from(private::options());
            let mut file = options.create(true).truncate(false).write(true).open(&path).await?;
            file.seek(SeekFrom::Start(offset)).await?;
            file.write_all(piece).await?;
            file.sync_data().await
        };
        written.await.map_err(|error: std::io::Error| {
            tracing::error!(cause = ?error.kind(), "a piece of a picture could not be stored");
            Refusal::new(ErrorCode::Unavailable, "the picture could not be stored; try again")
        })
    }

    fn upload_path(&self, id: AttachmentId) -> PathBuf {
        self.config.data_dir.join("uploads").join(id.as_uuid().simple().to_string())
    }
}

fn unreadable() -> Refusal {
    tracing::error!("the pieces of a picture could not be read");
    Refusal::new(ErrorCode::Unavailable, "the picture could not be read; try again")
}

fn state_of(row: &UploadRow) -> UploadState {
    let count = |bytes: i64| u64::try_from(bytes).unwrap_or(0);
    UploadState {
        id: row.id,
        size: count(row.size),
        received: count(row.received),
        finished: row.finished_at.is_some(),
    }
}
