//! The pictures of a visit: cleaned of what was written beside them, kept as files in the data folder, read by its parties.

use std::path::PathBuf;

use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};

use crate::domain::hex::hex;
use crate::domain::ids::{AttachmentId, VisitId};
use crate::domain::permission::Actor;
use crate::domain::picture;
use crate::protocol::error::ErrorCode;
use crate::protocol::upload::AttachmentInfo;
use crate::services::Services;
use crate::services::private;
use crate::services::refusal::Refusal;
use crate::services::rooms::chat::goes_on;
use crate::services::work::{Command, Work};
use crate::store::{AttachmentRow, Tx, VisitRow};

/// Bytes of one picture.
pub const PICTURE_LIMIT: usize = 8 * 1024 * 1024;
/// Pictures of each party of a visit. Neither takes the other's.
const PICTURES: i64 = 25;

impl Services {
    /// Whether this is a party of the visit; asked before the bytes of a picture are read. Whether the visit has room for it
    /// is asked when it is known whether it came before.
    pub async fn may_attach(&self, actor: Actor, id: VisitId) -> Result<(), Refusal> {
        self.party(&mut self.db.read().await?, actor, id).await.map(drop)
    }

    /// Keeps a picture of whoever [`Self::may_attach`]; its kind is read from its bytes, whatever the browser called it.
    /// Where it was taken is no part of it.
    pub async fn attach(
        &self,
        actor: Actor,
        id: VisitId,
        bytes: &[u8],
        command: &Command,
    ) -> Result<AttachmentInfo, Refusal> {
        if bytes.len() > PICTURE_LIMIT {
            return Err(Refusal::new(ErrorCode::TooLarge, format!("a picture holds at most {PICTURE_LIMIT} bytes")));
        }
        // Nothing is written by this: the key is claimed with the picture.
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        self.has_room(&mut work.tx, actor, id).await?;
        drop(work);
        let (mime, bytes) = clean_picture(bytes)?;
        let attachment = self.ids.make(AttachmentId::from_uuid);
        // The file first, and before the transaction, for which others wait: a row without its picture would be a lie, a
        // file without its row is only litter, and taken away.
        self.write_picture(attachment, &bytes).await?;
        let kept = self.note_alone(actor, id, attachment, command, (mime, &bytes)).await;
        let is_litter = match &kept {
            // A twin of this command was faster.
            Ok(info) => info.id != attachment,
            Err(refusal) => is_final(refusal),
        };
        if is_litter {
            tokio::fs::remove_file(self.picture_path(attachment)).await.ok();
        }
        kept
    }

    async fn note_alone(
        &self,
        actor: Actor,
        id: VisitId,
        attachment: AttachmentId,
        command: &Command,
        (mime, bytes): (&str, &[u8]),
    ) -> Result<AttachmentInfo, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let visit = self.has_room(&mut work.tx, actor, id).await?;
        let row = note_picture(&mut work, &visit, actor, attachment, mime, bytes).await?;
        let info = AttachmentInfo { id: attachment, mime: row.mime, size: bytes.len() as u64 };
        work.keep(command, &info).await?;
        work.commit().await?;
        Ok(info)
    }

    /// A picture, for who is or was in its visit; the read is audited before a byte leaves.
    pub async fn attachment(&self, actor: Actor, id: AttachmentId) -> Result<Picture, Refusal> {
        let mut tx = self.db.read().await?;
        let row = tx.messages().attachment(id).await?.ok_or_else(Refusal::not_found)?;
        self.party(&mut tx, actor, row.visit_id).await?;
        if tx.leaving().since(row.visit_id.as_uuid()).await?.is_some() {
            return Err(Refusal::not_found());
        }
        drop(tx);
        let mut file = tokio::fs::File::open(self.picture_path(id)).await.map_err(|_| Refusal::not_found())?;
        let hash = hash_of(&mut file).await.map_err(|_| Refusal::internal("a stored picture cannot be read"))?;
        if hash != row.sha256 {
            return Err(Refusal::internal("a stored picture is not what was stored"));
        }
        self.note_read(actor, row.institution_id, "picture.read", &id.to_string(), json!({ "visit": row.visit_id }))
            .await?;
        Ok(Picture { mime: row.mime, size: row.size, file })
    }

    /// The visit, for one of its parties, and while it has room for another picture.
    pub(in crate::services) async fn has_room(
        &self,
        tx: &mut Tx,
        actor: Actor,
        id: VisitId,
    ) -> Result<VisitRow, Refusal> {
        let (visit, _) = self.party(tx, actor, id).await?;
        goes_on(&visit)?;
        if tx.messages().count_attachments(id, &actor.key()).await? >= PICTURES {
            return Err(Refusal::new(
                ErrorCode::TooLarge,
                format!("a visit holds at most {PICTURES} pictures of each"),
            ));
        }
        Ok(visit)
    }

    pub(in crate::services) async fn write_picture(&self, id: AttachmentId, bytes: &[u8]) -> Result<(), Refusal> {
        let path = self.picture_path(id);
        // Whoever brings another picture under the same id may not take this one away. A file without its row is what was
        // left of a bad moment, and makes room.
        if tokio::fs::read(&path).await.is_ok_and(|there| there != bytes) && self.is_attached(id).await {
            return Err(Refusal::new(ErrorCode::Malformed, "another picture has this id"));
        }
        let (folder, number) = (path.parent().unwrap_or(&path).to_path_buf(), self.ids.uuid().simple());
        let part = folder.join(format!("{number}.part"));
        let written = async {
            private::folder(&folder)?;
            let mut file = tokio::fs::OpenOptions::from(private::options())
                .write(true)
                .create(true)
                .truncate(true)
                .open(&part)
                .await?;
            file.write_all(bytes).await?;
            file.sync_data().await?;
            // Whole or not at all, for whoever reads it in this moment.
            tokio::fs::rename(&part, &path).await?;
            tokio::task::spawn_blocking(move || private::keep_names(&folder)).await?
        };
        let written: std::io::Result<()> = written.await;
        if let Err(error) = written {
            tokio::fs::remove_file(&part).await.ok();
            tracing::error!(cause = %error.kind(), "a picture could not be stored");
            return Err(Refusal::new(ErrorCode::Unavailable, "the picture could not be stored; try again"));
        }
        Ok(())
    }

    /// Whether a picture is one of its visit; while the database is away it may be.
    pub(in crate::services) async fn is_attached(&self, id: AttachmentId) -> bool {
        let Ok(mut tx) = self.db.read().await else { return true };
        !matches!(tx.messages().attachment(id).await, Ok(None))
    }

    pub(in crate::services) fn picture_path(&self, id: AttachmentId) -> PathBuf {
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
pub(in crate::services) fn clean_picture(bytes: &[u8]) -> Result<(&'static str, Vec<u8>), Refusal> {
    let words = "a JPEG, PNG or still WebP picture of at most 50 megapixels";
    picture::clean(bytes).ok_or_else(|| Refusal::new(ErrorCode::UnsupportedType, words))
}

/// Whether a picture was refused for good; after anything else, such as a commit whose answer was lost, it may be a picture
/// of its visit all the same.
pub(in crate::services) fn is_final(refusal: &Refusal) -> bool {
    use ErrorCode::{ChatFull, KeyReused, TooLarge, VisitEnded};
    matches!(refusal.code, VisitEnded | TooLarge | ChatFull | KeyReused)
}

/// Notes a picture whose file is written.
pub(in crate::services) async fn note_picture(
    work: &mut Work,
    visit: &VisitRow,
    actor: Actor,
    id: AttachmentId,
    mime: &str,
    bytes: &[u8],
) -> Result<AttachmentRow, Refusal> {
    let row = AttachmentRow {
        id,
        institution_id: visit.institution_id,
        visit_id: visit.id,
        sender: actor.key(),
        mime: mime.to_owned(),
        size: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
        sha256: hex(&Sha256::digest(bytes)),
        at: work.now,
    };
    work.tx.messages().attach(&row).await?;
    Ok(row)
}
