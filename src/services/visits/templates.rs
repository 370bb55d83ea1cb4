//! Texts that a doctor inserts by an act.

use serde_json::json;

use crate::domain::access::Asked;
use crate::domain::ids::TemplateId;
use crate::domain::note::templates::{BODY_LIMIT, Inserted, MARKS_LIMIT, NAME_LIMIT, insert};
use crate::domain::permission::DoctorAct;
use crate::domain::prose::prose;
use crate::domain::written::is_plain;
use crate::protocol::error::ErrorCode;
use crate::protocol::note::NoteDraft;
use crate::protocol::terms::{TemplateInsert, TemplateMake, TemplateRetire, TemplateView};
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::visits::doctors_visit;
use crate::services::visits::notes::{can_be_written, refuse_faults};
use crate::services::work::Command;
use crate::store::{DraftRow, Json, TemplateRow, Tx};

impl Services {
    /// The texts that a doctor is offered: their own and those of the institution.
    pub async fn templates(&self, act: DoctorAct) -> Result<Vec<TemplateView>, Refusal> {
        offered(&mut self.db.read().await?, act).await
    }

    /// Keeps a text for oneself.
    pub async fn make_template(
        &self,
        act: DoctorAct,
        make: TemplateMake,
        command: &Command,
    ) -> Result<Vec<TemplateView>, Refusal> {
        let (name, body) = (named(&make.name)?, fitting("body", &make.body, BODY_LIMIT)?);
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let row = TemplateRow {
            id: self.ids.make(TemplateId::from_uuid),
            institution_id: act.institution,
            owner: Some(act.account),
            name,
            field: make.field,
            body,
            version: 1,
            saved_at: work.now,
            retired_at: None,
        };
        work.tx.templates().insert(&row).await?;
        let views = offered(&mut work.tx, act).await?;
        work.keep(command, &views).await?;
        work.commit().await?;
        Ok(views)
    }

    /// Offers one's own text no longer.
    pub async fn retire_template(
        &self,
        act: DoctorAct,
        id: TemplateId,
        request: &TemplateRetire,
        command: &Command,
    ) -> Result<Vec<TemplateView>, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let row = work.tx.templates().find(act.institution, id).await?;
        row.filter(|row| row.owner == Some(act.account)).ok_or_else(Refusal::not_found)?;
        let now = work.now;
        if !work.tx.templates().retire(id, request.version, now).await? {
            let newer = work.tx.templates().find(act.institution, id).await?.filter(|row| row.retired_at.is_none());
            return Err(newer.map_or_else(moved_on, |row| moved_on().with_newer(&view(row))));
        }
        let views = offered(&mut work.tx, act).await?;
        work.keep(command, &views).await?;
        work.commit().await?;
        Ok(views)
    }

    /// Puts a text into the draft, at the end of its field, with a mark that says so.
    pub async fn insert_template(
        &self,
        act: DoctorAct,
        id: TemplateId,
        request: TemplateInsert,
        command: &Command,
    ) -> Result<NoteDraft, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return work.visit_again(act, command, request.visit, done).await;
        }
        let row = work.tx.templates().find(act.institution, id).await?;
        let is_offered =
            |row: &TemplateRow| row.owner.is_none_or(|owner| owner == act.account) && row.retired_at.is_none();
        let row = row.filter(is_offered).ok_or_else(Refusal::not_found)?;
        let visit = doctors_visit(&mut work.tx, act, request.visit).await?;
        can_be_written(&visit)?;
        // The answer is the whole draft.
        self.may_read(&mut work, act.triage(), &visit, Some(Asked::Continuity), "").await?;
        let draft = self.draft(&mut work.tx, request.visit).await?;
        if draft.version != request.version {
            // That it is read was written down above.
            work.commit().await?;
            let stale = Refusal::new(ErrorCode::VersionConflict, "a newer draft was saved elsewhere; fetch it first");
            return Err(stale.with_newer(&draft));
        }
        if draft.content.inserted.len() >= MARKS_LIMIT {
            return Err(Refusal::field(ErrorCode::Invalid, "template", format!("at most {MARKS_LIMIT} in one note")));
        }
        let mark = Inserted {
            template: id,
            name: row.name,
            field: row.field,
            text: prose(&row.body),
            by: act.account,
            at: work.now,
        };
        let content = insert(draft.content, mark);
        refuse_faults(&content)?;
        let row = DraftRow {
            visit_id: request.visit,
            version: draft.version + 1,
            content: Json(json!(content)),
            saved_by: act.account,
            saved_at: work.now,
        };
        let draft = self.keep_draft(&mut work, act, &row, content).await?;
        work.keep(command, &draft).await?;
        work.commit().await?;
        Ok(draft)
    }
}

/// A template's name: a line that is seen, without blanks around it.
pub(crate) fn named(name: &str) -> Result<String, Refusal> {
    if !is_plain(name.trim()) {
        return Err(Refusal::field(ErrorCode::Invalid, "name", "no control characters, and none that is not seen"));
    }
    fitting("name", name, NAME_LIMIT)
}

/// Somebody else's change came first.
pub(crate) fn moved_on() -> Refusal {
    Refusal::new(ErrorCode::VersionConflict, "it changed meanwhile")
}

fn fitting(field: &str, text: &str, limit: usize) -> Result<String, Refusal> {
    let text = prose(text);
    let text = text.trim();
    if text.is_empty() || text.chars().count() > limit {
        return Err(Refusal::field(ErrorCode::Invalid, field, format!("1 to {limit} characters")));
    }
    Ok(text.to_owned())
}

async fn offered(tx: &mut Tx, act: DoctorAct) -> Result<Vec<TemplateView>, Refusal> {
    let rows = tx.templates().offered(act.institution, act.account).await?.into_iter();
    Ok(rows.map(view).collect())
}

fn view(row: TemplateRow) -> TemplateView {
    TemplateView {
        id: row.id,
        name: row.name,
        field: row.field,
        body: row.body,
        version: row.version,
        is_own: row.owner.is_some(),
    }
}
