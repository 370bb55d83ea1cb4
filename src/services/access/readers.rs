//! Who read a record, and how somebody else judges a read for which the glass was broken.

use serde_json::json;

use crate::domain::access::{REASON_LEAST, REASON_LIMIT, ReadPurpose};
use crate::domain::ids::{AccountId, InstitutionId, ReviewId, VisitId};
use crate::domain::people::Role;
use crate::domain::permission::{AdministratorAct, HolderAct, StaffAct};
use crate::domain::prose::prose;
use crate::domain::text::Text;
use crate::domain::written::letters;
use crate::protocol::error::ErrorCode;
use crate::protocol::reading::{AccessReviewView, JudgementRequest, JudgementView, ReadView, ReadersAsked};
use crate::services::Services;
use crate::services::identity::sessions::staff_name;
use crate::services::refusal::Refusal;
use crate::services::topics::Topic;
use crate::services::vault::Field;
use crate::services::visits::staff_visit;
use crate::services::work::Command;
use crate::store::{ReadRow, ReviewRow, Tx};

/// Lines of readers that are listed at once, and reads that wait for a judgement.
const READS: i64 = 200;
/// Judged reads that are listed below those that wait.
const JUDGED: i64 = 20;

impl Services {
    /// Who read a record: for its doctor and for administrators.
    pub async fn readers(&self, act: StaffAct, id: VisitId, page: ReadersAsked) -> Result<Vec<ReadView>, Refusal> {
        let mut tx = self.db.read().await?;
        let visit = staff_visit(&mut tx, act.institution, id).await?;
        let allowed = act.role == Role::Administrator || visit.doctor_id == act.account;
        if !allowed {
            return Err(Refusal::not_found());
        }
        self.reads(&mut tx, act.institution, id, page).await
    }

    /// Who read the record of a holder's patient.
    pub async fn my_readers(&self, act: HolderAct, id: VisitId, page: ReadersAsked) -> Result<Vec<ReadView>, Refusal> {
        let mut tx = self.db.read().await?;
        let visit = staff_visit(&mut tx, act.institution, id).await?;
        if !visit.is_told_to(act.holder) {
            return Err(Refusal::not_found());
        }
        self.reads(&mut tx, act.institution, id, page).await
    }

    /// The reads of a visit's record: of each reader and purpose one line, so that nobody is washed out by anybody.
    async fn reads(
        &self,
        tx: &mut Tx,
        institution: InstitutionId,
        id: VisitId,
        page: ReadersAsked,
    ) -> Result<Vec<ReadView>, Refusal> {
        // Whoever judges a prescription sees what is prescribed, and why.
        let mut subjects = vec![id.to_string()];
        subjects.extend(tx.prescriptions().of_visit(id).await?.into_iter().map(|row| row.id.to_string()));
        let mut rows: Vec<ReadRow> = Vec::new();
        for subject in subjects {
            for row in tx.access_reviews().reads(institution, &subject).await? {
                let is_same = |known: &&mut ReadRow| (&known.actor, &known.purpose) == (&row.actor, &row.purpose);
                match rows.iter_mut().find(is_same) {
                    Some(known) => {
                        known.at = known.at.max(row.at);
                        known.since = known.since.min(row.since);
                        known.times += row.times;
                    }
                    None => rows.push(row),
                }
            }
        }
        rows.sort_by_key(|row| std::cmp::Reverse(row.at));
        let most = usize::try_from(READS).unwrap_or(usize::MAX);
        let mut reads = Vec::new();
        for ReadRow { at, since, times, actor, purpose } in rows.into_iter().skip(page.skip).take(most) {
            let account = actor.strip_prefix("account_").and_then(|id| id.parse::<AccountId>().ok());
            let (name, title) = match account {
                Some(account) => staff_name(tx, account).await?,
                None => (Text::new("", ""), Text::new("", "")),
            };
            let purpose = purpose.as_deref().and_then(ReadPurpose::from_word).filter(|_| account.is_some());
            let times = u32::try_from(times).unwrap_or(u32::MAX);
            reads.push(ReadView { at, since, times, name, title, is_own: account.is_none(), purpose });
        }
        Ok(reads)
    }

    /// The reads that nobody has judged yet, oldest first, and below them the last that somebody judged.
    pub async fn access_reviews(&self, act: AdministratorAct) -> Result<Vec<AccessReviewView>, Refusal> {
        let mut tx = self.db.read().await?;
        let mut views = Vec::new();
        let mut rows = tx.access_reviews().open(act.institution, READS).await?;
        rows.extend(tx.access_reviews().judged(act.institution, JUDGED).await?);
        for row in rows {
            views.push(self.access_review(&mut tx, act, row).await?);
        }
        Ok(views)
    }

    async fn access_review(
        &self,
        tx: &mut Tx,
        act: AdministratorAct,
        row: ReviewRow,
    ) -> Result<AccessReviewView, Refusal> {
        let visit = staff_visit(tx, act.institution, row.visit_id).await?;
        let ticket = tx.tickets().find(visit.ticket_id).await?.ok_or_else(Refusal::not_found)?;
        Ok(AccessReviewView {
            id: row.id,
            visit: row.visit_id,
            no: ticket.no,
            reader: staff_name(tx, row.reader).await?.0,
            reason: self.open_field(Field::Reason, row.id.as_uuid(), &row.reason_sealed)?,
            at: row.at,
            is_own: row.reader == act.account,
            judged: self.judgement(tx, &row).await?,
        })
    }

    async fn judgement(&self, tx: &mut Tx, row: &ReviewRow) -> Result<Option<JudgementView>, Refusal> {
        let (Some(by), Some(at), Some(verdict)) = (row.reviewed_by, row.reviewed_at, row.verdict) else {
            return Ok(None);
        };
        let sealed = row.words_sealed.as_deref();
        let words = sealed.map(|sealed| self.open_field(Field::Judgement, row.id.as_uuid(), sealed)).transpose()?;
        Ok(Some(JudgementView { by: staff_name(tx, by).await?.0, at, verdict, words }))
    }

    /// Judges a read.
    pub async fn review_access(
        &self,
        act: AdministratorAct,
        id: ReviewId,
        request: JudgementRequest,
        command: &Command,
    ) -> Result<Vec<AccessReviewView>, Refusal> {
        let words = prose(&request.words);
        let words = words.trim();
        if letters(words) < REASON_LEAST || words.chars().count() > REASON_LIMIT {
            let limits = format!("{REASON_LEAST} to {REASON_LIMIT} characters");
            return Err(Refusal::field(ErrorCode::Invalid, "words", limits));
        }
        let mut work = self.begin().await?;
        if let Some(done) = work.recall::<()>(command).await? {
            let () = done;
            return self.access_reviews(act).await;
        }
        let row = work.tx.access_reviews().find(act.institution, id).await?.ok_or_else(Refusal::not_found)?;
        if row.reader == act.account {
            return Err(Refusal::new(ErrorCode::Forbidden, "nobody judges their own read"));
        }
        let now = work.now;
        let sealed = self.vault.seal(Field::Judgement, id.as_uuid(), words);
        if !work.tx.access_reviews().judge(id, act.account, request.verdict, &sealed, now).await? {
            let newer = work.tx.access_reviews().find(act.institution, id).await?.ok_or_else(Refusal::not_found)?;
            let newer = self.access_review(&mut work.tx, act, newer).await?;
            return Err(Refusal::new(ErrorCode::VersionConflict, "somebody has judged it").with_newer(&newer));
        }
        work.keep(command, &()).await?;
        let data = json!({ "review": id });
        work.emit(act.institution, Topic::Alarms(act.institution).to_string(), "record.reviewed", data).await?;
        let detail = json!({ "review": id, "verdict": request.verdict.as_str() });
        let (who, what) = (act.account.to_string(), row.visit_id.to_string());
        work.audit_why(act.institution, &who, "access.review", &what, None, detail).await?;
        work.commit().await?;
        self.access_reviews(act).await
    }
}
