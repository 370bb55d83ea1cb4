//! Who may read a record, for which purpose, and that it is written down. Who did is in [`crate::services::access::readers`].

pub mod breach;
pub(super) mod finding;
pub(super) mod readers;

use serde_json::{Value, json};

use crate::domain::access::{Access, Asked, Closed, REASON_LIMIT, ReadPurpose, Tie, decide};
use crate::domain::ids::{AccountId, InstitutionId, ReviewId, VisitId};
use crate::domain::permission::{Actor, DoctorAct, HolderAct, TriageAct};
use crate::domain::prose::prose;
use crate::domain::ticket::TicketState;
use crate::protocol::error::ErrorCode;
use crate::protocol::prescription::PrescriptionView;
use crate::protocol::reading::BreakGlassRequest;
use crate::protocol::visit::VisitView;
use crate::services::Services;
use crate::services::pacing::{Limits, Rate};
use crate::services::reading::Seen;
use crate::services::refusal::Refusal;
use crate::services::topics::Topic;
use crate::services::vault::Field;
use crate::services::visits::staff_visit;
use crate::services::work::{Command, Work};
use crate::store::{ReviewRow, Tx, VisitRow};

/// The reads of one person of one thing that are written down: one a minute.
const PACE: Rate = Rate::new(1, 60_000);

/// Who read what lately, and is in the audit with it: reader, action and subject.
#[derive(Debug)]
pub struct Reads(Limits<[String; 3]>);

impl Default for Reads {
    fn default() -> Self {
        Self(Limits::new(PACE))
    }
}

impl Services {
    /// Decides whether `act` reads the record of `visit`, and writes the read down: the audit with its purpose, and for a
    /// broken glass an alarm and a review.
    pub(crate) async fn may_read(
        &self,
        work: &mut Work,
        act: TriageAct,
        visit: &VisitRow,
        asked: Option<Asked>,
        reason: &str,
    ) -> Result<Access, Refusal> {
        let reason = prose(reason);
        let reason = reason.trim();
        let access = access_to(&mut work.tx, act.account, visit, asked, reason).await?;
        let (who, what) = (act.account.to_string(), visit.id.to_string());
        let purpose = ReadPurpose::Record(access);
        if access == Access::BreakGlass {
            let id = self.open_review(work, act.institution, act.account, visit, reason).await?;
            let detail = json!({ "review": id });
            work.audit_read(act.institution, &who, "visit.break_glass", &what, purpose, detail).await?;
        } else {
            work.audit_read(act.institution, &who, "visit.read", &what, purpose, json!({})).await?;
        }
        Ok(access)
    }

    /// Asks somebody else to judge a read, and rings.
    pub(crate) async fn open_review(
        &self,
        work: &mut Work,
        institution: InstitutionId,
        reader: AccountId,
        visit: &VisitRow,
        reason: &str,
    ) -> Result<ReviewId, Refusal> {
        let id = self.ids.make(ReviewId::from_uuid);
        let row = ReviewRow {
            id,
            institution_id: institution,
            visit_id: visit.id,
            reader,
            reason_sealed: self.vault.seal(Field::Reason, id.as_uuid(), reason),
            at: work.now,
            reviewed_by: None,
            reviewed_at: None,
            verdict: None,
            words_sealed: None,
        };
        work.tx.access_reviews().insert(&row).await?;
        let data = json!({ "visit": visit.id, "by": reader, "review": id });
        work.emit(institution, Topic::Alarms(institution).to_string(), "record.break_glass", data).await?;
        Ok(id)
    }

    /// Writes down that one of the two of a visit reads something of it, before it leaves. Who reads the same again within a
    /// minute is written down once: the log is kept for years, and a page may ask without end.
    pub(crate) async fn note_read(
        &self,
        actor: Actor,
        institution: InstitutionId,
        action: &str,
        subject: &str,
        detail: Value,
    ) -> Result<(), Refusal> {
        let purpose = match actor {
            Actor::Staff { .. } => ReadPurpose::Treatment,
            Actor::Holder { .. } | Actor::Caller { .. } | Actor::Guest { .. } => ReadPurpose::Own,
        };
        let (reader, now) = (actor.key(), self.clock.now());
        let read = [reader.as_str(), action, subject].map(str::to_owned);
        if self.reads.0.is_spent(&read, now) {
            return Ok(());
        }
        let seen = Seen { action: action.to_owned(), subject: subject.to_owned(), purpose, detail };
        self.seeing(institution, &reader, vec![seen]).await?.commit().await?;
        // Only now: what could not be written was not read.
        self.reads.0.take(read, now).ok();
        Ok(())
    }

    /// The same of several things that a patient's own telephone is shown at once.
    pub(crate) async fn note_own_reads(
        &self,
        act: HolderAct,
        action: &str,
        subjects: impl IntoIterator<Item = String>,
    ) -> Result<(), Refusal> {
        let (reader, now) = (act.holder.to_string(), self.clock.now());
        let reads = subjects.into_iter().map(|subject| [reader.clone(), action.to_owned(), subject]);
        let fresh: Vec<_> = reads.filter(|read| !self.reads.0.is_spent(read, now)).collect();
        if fresh.is_empty() {
            return Ok(());
        }
        let own = |[_, action, subject]: &[String; 3]| {
            let (action, subject) = (action.clone(), subject.clone());
            Seen { action, subject, purpose: ReadPurpose::Own, detail: json!({}) }
        };
        let seen = fresh.iter().map(own).collect();
        self.seeing(act.institution, &reader, seen).await?.commit().await?;
        for read in fresh {
            self.reads.0.take(read, now).ok();
        }
        Ok(())
    }

    /// Reads the record of somebody whom the doctor does not treat: it rings, and is judged.
    pub async fn break_glass(
        &self,
        act: DoctorAct,
        id: VisitId,
        request: BreakGlassRequest,
        command: &Command,
    ) -> Result<VisitView, Refusal> {
        // The record is read and verified before the one writer is asked for; whether it leaves is decided there.
        let mut tx = self.db.read().await?;
        let visit = staff_visit(&mut tx, act.institution, id).await?;
        let view = self.visit_view(&mut tx, &visit).await?;
        let prescriptions = self.prescriptions_beside(&mut tx, &visit).await?;
        drop(tx);
        let mut work = self.begin().await?;
        // The answer is a record: it is not kept for a repetition, only what it was read as.
        if let Some(access) = work.recall::<Access>(command).await? {
            let mut action = "visit.read";
            if access == Access::BreakGlass {
                // It is shown as it is now, and may hold more than the first time: it rings again.
                action = "visit.break_glass";
                let (topic, data) = (Topic::Alarms(act.institution), json!({ "visit": id, "by": act.account }));
                work.emit(act.institution, topic.to_string(), "record.break_glass", data).await?;
            }
            let (subject, purpose) = (id.to_string(), ReadPurpose::Record(access));
            note_prescriptions(&mut work, act, &prescriptions, access).await?;
            let view = VisitView { access: Some(access), prescriptions, ..view };
            return work.shown_again(act.institution, command, action, &subject, purpose, view).await;
        }
        let asked = Some(Asked::BreakGlass);
        let access = self.may_read(&mut work, act.triage(), &visit, asked, &request.reason).await?;
        note_prescriptions(&mut work, act, &prescriptions, access).await?;
        work.keep(command, &access).await?;
        work.commit().await?;
        Ok(VisitView { access: Some(access), prescriptions, ..view })
    }

    /// The prescriptions of a visit for another doctor who reads its record; each is to be written down as the record is.
    pub(crate) async fn prescriptions_beside(
        &self,
        tx: &mut Tx,
        visit: &VisitRow,
    ) -> Result<Vec<PrescriptionView>, Refusal> {
        let mut views = Vec::new();
        for row in tx.prescriptions().of_visit(visit.id).await? {
            views.push(self.prescription_read(tx, row).await?);
        }
        Ok(views)
    }
}

/// Writes down the prescriptions that leave beside a record.
async fn note_prescriptions(
    work: &mut Work,
    act: DoctorAct,
    sheets: &[PrescriptionView],
    access: Access,
) -> Result<(), Refusal> {
    let who = act.account.to_string();
    for sheet in sheets {
        let (what, purpose) = (sheet.id.to_string(), ReadPurpose::Record(access));
        work.audit_read(act.institution, &who, "rx.read", &what, purpose, json!({})).await?;
    }
    Ok(())
}

/// Decides whether `reader` reads the record of `visit`, and as what; nothing is written down by it.
pub(crate) async fn access_to(
    tx: &mut Tx,
    reader: AccountId,
    visit: &VisitRow,
    asked: Option<Asked>,
    reason: &str,
) -> Result<Access, Refusal> {
    if reason.chars().count() > REASON_LIMIT {
        return Err(Refusal::field(ErrorCode::Invalid, "reason", format!("at most {REASON_LIMIT} characters")));
    }
    let tie = tie(tx, reader, visit).await?;
    decide(asked, reason, tie).map_err(|closed| {
        let (field, words) = match closed {
            Closed::PurposeMissing if asked == Some(Asked::Continuity) => {
                ("purpose", "this reader never treated this patient")
            }
            Closed::PurposeMissing => ("purpose", "say for which purpose"),
            Closed::ReasonMissing => ("reason", "say why in words"),
        };
        Refusal::field(ErrorCode::PurposeMissing, field, words)
    })
}

impl Work {
    /// Answers a repeated command with a record: that it was shown again is written down before it leaves.
    pub(crate) async fn shown_again<T>(
        mut self,
        institution: InstitutionId,
        command: &Command,
        action: &str,
        subject: &str,
        purpose: ReadPurpose,
        answer: T,
    ) -> Result<T, Refusal> {
        let detail = json!({ "again": true });
        self.audit_read(institution, &command.actor, action, subject, purpose, detail).await?;
        self.commit().await?;
        Ok(answer)
    }

    /// The same of something of a visit for its doctor.
    pub(crate) async fn visit_again<T>(
        self,
        act: DoctorAct,
        command: &Command,
        visit: VisitId,
        answer: T,
    ) -> Result<T, Refusal> {
        let purpose = ReadPurpose::Record(Access::Continuity);
        self.shown_again(act.institution, command, "visit.read", &visit.to_string(), purpose, answer).await
    }

    /// The same of a prescription.
    pub(crate) async fn rx_again<T>(
        self,
        institution: InstitutionId,
        command: &Command,
        subject: &str,
        purpose: ReadPurpose,
        answer: T,
    ) -> Result<T, Refusal> {
        self.shown_again(institution, command, "rx.read", subject, purpose, answer).await
    }
}

/// What ties a reader to a visit.
pub(super) async fn tie(tx: &mut Tx, reader: AccountId, visit: &VisitRow) -> Result<Tie, Refusal> {
    let is_own = visit.doctor_id == reader;
    let on_desk = match tx.tickets().of_doctor(reader).await? {
        Some(ticket) if ticket.patient_id == visit.patient_id => true,
        // While it rings nobody has looked at the document: whoever named it may be anybody, the doctor themselves too.
        Some(ticket) if ticket.state == TicketState::Called => false,
        // What another telephone named is the same person only if both say the truth: that is read for a purpose.
        Some(ticket) => tx.patients().is_own_card(ticket.patient_id, visit.patient_id).await?,
        None => false,
    };
    if on_desk || (is_own && visit.ended_at.is_none()) {
        return Ok(Tie::OnDesk);
    }
    if is_own && tx.notes().signed(visit.id).await?.is_empty() {
        return Ok(Tie::Writing);
    }
    if tx.opinions().open_to(visit.id, reader).await?.is_some() {
        return Ok(Tie::Consulted);
    }
    let treated = is_own || tx.visits().has_treated(reader, visit.patient_id).await?;
    Ok(if treated { Tie::Treated } else { Tie::Stranger })
}
