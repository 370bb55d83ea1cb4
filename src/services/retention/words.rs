//! What was said and shown in a visit goes when its time is over, all of it or nothing: it is marked while nobody can order
//! that it stays, then the pictures' files are removed, and only then it is forgotten and certified. Nobody waits for a disk,
//! and whoever ends in between leaves the mark, from which the next round goes on.

use std::io::ErrorKind;

use serde_json::json;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::domain::hex::hex;
use crate::domain::ids::VisitId;
use crate::domain::retention::{Deletable, Item, RetentionClass, may_go};
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::rows::leave;
use crate::store::{AttachmentRow, MessageRow, VisitRow};

/// Visits that are looked at together.
const BATCH: i64 = 100;

impl Services {
    /// Removes the conversations and pictures that may go, and not a millisecond before they may; of how many visits.
    pub async fn apply_retention(&self) -> Result<usize, Refusal> {
        let (class, now) = (RetentionClass::ProcessRecord, self.clock.now());
        let (mut after, mut removed) = (VisitId::from_uuid(Uuid::nil()), 0);
        loop {
            let ended = now - class.span();
            let visits = self.db.read().await?.messages().ended_with_words(after, ended, BATCH).await?;
            let Some(last) = visits.last() else { return Ok(removed) };
            after = *last;
            for visit in visits {
                match self.forget_words(visit).await {
                    Ok(went) => removed += usize::from(went),
                    // The next round tries it again.
                    Err(refusal) => leave("apply_retention", &visit, refusal)?,
                }
            }
        }
    }

    /// Whether what was said and shown in a visit went.
    async fn forget_words(&self, visit: VisitId) -> Result<bool, Refusal> {
        if !self.mark_words(visit).await? {
            return Ok(false);
        }
        self.remove_pictures(visit).await?;
        self.certify_words(visit).await
    }

    /// First: marks that what was said and shown in a visit goes, unless some of it stays; whether it goes. From here on
    /// nobody reads it, and no order keeps it.
    pub async fn mark_words(&self, id: VisitId) -> Result<bool, Refusal> {
        let mut work = self.begin().await?;
        if work.tx.leaving().since(id.as_uuid()).await?.is_some() {
            return Ok(true);
        }
        let visit = work.tx.visits().find(id).await?.ok_or_else(Refusal::not_found)?;
        let holds = self.holds_on(&mut work.tx, visit.institution_id, &id.to_string(), id).await?;
        let messages = work.tx.messages().of_visit(id, i64::MAX).await?;
        let pictures = work.tx.messages().attachments(id).await?;
        // All of it or nothing: half a conversation would say something else.
        if items(&visit, &messages, &pictures).any(|(item, _)| may_go(&item, work.now, &holds).is_err()) {
            return Ok(false);
        }
        let now = work.now;
        work.tx.leaving().mark(visit.institution_id, id.as_uuid(), now).await?;
        work.commit().await?;
        Ok(true)
    }

    /// Second: removes the files of a visit's pictures, while nobody waits for it. One that is gone is gone.
    pub async fn remove_pictures(&self, id: VisitId) -> Result<(), Refusal> {
        let pictures = self.db.read().await?.messages().attachments(id).await?;
        for picture in pictures {
            match tokio::fs::remove_file(self.picture_path(picture.id)).await {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(Refusal::internal(&error)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Third: forgets what was marked and removed, and certifies it, once; whether it was we who did.
    pub async fn certify_words(&self, id: VisitId) -> Result<bool, Refusal> {
        let mut work = self.begin().await?;
        let since = work.tx.leaving().since(id.as_uuid()).await?;
        // Of two who remove it at once, one says so.
        let is_ours = work.tx.leaving().end(id.as_uuid()).await?;
        let Some(since) = since.filter(|_| is_ours) else { return Ok(false) };
        let visit = work.tx.visits().find(id).await?.ok_or_else(Refusal::not_found)?;
        let messages = work.tx.messages().of_visit(id, i64::MAX).await?;
        let pictures = work.tx.messages().attachments(id).await?;
        // What was ordered since the mark came too late.
        let gone = items(&visit, &messages, &pictures)
            .map(|(item, hash)| Some((may_go(&item, since, &[]).ok()?, hash)))
            .collect::<Option<Vec<(Deletable, String)>>>();
        let gone = gone.ok_or_else(|| Refusal::internal("what was marked as going may not go"))?;
        work.tx.messages().forget(id).await?;
        self.certify(&mut work, visit.institution_id, &gone).await?;
        let detail = json!({ "messages": messages.len(), "pictures": pictures.len() });
        let subject = id.to_string();
        work.audit_why(visit.institution_id, "retention", "conversation.expire", &subject, None, detail).await?;
        work.commit().await?;
        Ok(true)
    }
}

/// Lines and pictures as what is kept, with the hashes that stand for them when they went.
fn items<'a>(
    visit: &'a VisitRow,
    messages: &'a [MessageRow],
    pictures: &'a [AttachmentRow],
) -> impl Iterator<Item = (Item, String)> + 'a {
    let item = move |subject: String| Item {
        class: RetentionClass::ProcessRecord,
        subject,
        visit: Some(visit.id.to_string()),
        since: visit.ended_at,
        is_approved: false,
    };
    let of_messages = messages.iter().map(move |message| (item(message.id.to_string()), hash_of_message(message)));
    of_messages.chain(pictures.iter().map(move |picture| (item(picture.id.to_string()), picture.sha256.clone())))
}

/// What a message was, in a hash that gives no word of it back: its text is sealed.
fn hash_of_message(message: &MessageRow) -> String {
    let hash = Sha256::new_with_prefix(message.id.as_uuid().as_bytes());
    hex(&hash.chain_update(message.at.as_millis().to_be_bytes()).chain_update(&message.body_sealed).finalize())
}
