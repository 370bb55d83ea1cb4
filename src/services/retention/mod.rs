//! What goes when its time is over, what stays because somebody ordered it, and what is said of what went.
//!
//! Notes, signatures and the audit stay for good. Conversations and pictures of a visit go together; prescriptions go by
//! an administrator's approval, declarations after an administrator's word that their purpose has ended.

mod acts;
mod declarations;
mod prescriptions;
mod words;

use crate::domain::date::in_china;
use crate::domain::ids::{AccountId, CertificateId, HoldId, InstitutionId, VisitId};
use crate::domain::permission::AdministratorAct;
use crate::domain::retention::{Deletable, Hold, certify, in_force};
use crate::domain::text::Text;
use crate::protocol::retention::{CertificateView, HoldRequest, HoldView, LiftRequest, RetentionView};
use crate::services::Services;
use crate::services::identity::sessions::staff_name;
use crate::services::refusal::Refusal;
use crate::services::said::reason;
use crate::services::vault::Field;
use crate::services::visits::staff_visit;
use crate::services::work::{Command, Work};
use crate::store::{CertificateRow, HoldRow, Tx};

/// Orders and certificates that are shown.
const SHOWN: i64 = 200;

impl Services {
    /// Writes what is said of things that went, in the unit of work in which they go.
    pub(crate) async fn certify(
        &self,
        work: &mut Work,
        institution: InstitutionId,
        gone: &[(Deletable, String)],
    ) -> Result<(), Refusal> {
        for certificate in certify(gone) {
            let row = CertificateRow {
                id: self.ids.make(CertificateId::from_uuid),
                institution_id: institution,
                class: certificate.class,
                day: in_china(work.now).to_string(),
                count: i64::try_from(certificate.count).unwrap_or(i64::MAX),
                first_due: certificate.first_due,
                last_due: certificate.last_due,
                hashes_root: certificate.hashes_root,
                hashes: certificate.hashes.join("\n"),
                made_at: work.now,
            };
            work.tx.certificates().insert(&row).await?;
        }
        Ok(())
    }

    /// The orders on a thing and on its visit. None is placed from here on until the transaction ends, so that what was
    /// ordered to stay is never what goes.
    pub(crate) async fn holds_on(
        &self,
        tx: &mut Tx,
        institution: InstitutionId,
        subject: &str,
        visit: VisitId,
    ) -> Result<Vec<Hold>, Refusal> {
        tx.visits().lock(visit).await?;
        let mut rows = tx.holds().on(institution, subject).await?;
        let visit = visit.to_string();
        if visit != subject {
            rows.extend(tx.holds().on(institution, &visit).await?);
        }
        Ok(rows.into_iter().map(|row| Hold { subject: row.subject, lifted_at: row.lifted_at }).collect())
    }

    /// Orders that everything of a visit stays.
    pub async fn hold_visit(
        &self,
        act: AdministratorAct,
        id: VisitId,
        request: HoldRequest,
        command: &Command,
    ) -> Result<HoldView, Refusal> {
        let why = reason(&request.reason, "reason")?;
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        staff_visit(&mut work.tx, act.institution, id).await?;
        work.tx.visits().lock(id).await?;
        let hold = self.ids.make(HoldId::from_uuid);
        let row = HoldRow {
            id: hold,
            institution_id: act.institution,
            subject: id.to_string(),
            reason_sealed: self.vault.seal(Field::Reason, hold.as_uuid(), &why),
            placed_by: act.account.to_string(),
            placed_at: work.now,
            lifted_by: None,
            lifted_at: None,
            lift_sealed: None,
        };
        work.tx.holds().insert(&row).await?;
        let view = self.hold_view(&mut work.tx, row).await?;
        work.keep(command, &view).await?;
        work.audit(act.institution, &act.account.to_string(), "hold.place", &id.to_string()).await?;
        work.commit().await?;
        Ok(view)
    }

    /// Lifts an order.
    pub async fn lift_hold(
        &self,
        act: AdministratorAct,
        id: HoldId,
        request: LiftRequest,
        command: &Command,
    ) -> Result<(), Refusal> {
        let why = reason(&request.reason, "reason")?;
        let mut work = self.begin().await?;
        if work.recall::<()>(command).await?.is_some() {
            return Ok(());
        }
        let who = act.account.to_string();
        let now = work.now;
        let sealed = self.vault.seal(Field::Judgement, id.as_uuid(), &why);
        if !work.tx.holds().lift(act.institution, id, &who, &sealed, now).await? {
            return Err(Refusal::not_found());
        }
        work.keep(command, &()).await?;
        work.audit(act.institution, &who, "hold.lift", &id.to_string()).await?;
        work.commit().await
    }

    /// The classes, the orders and the certificates.
    pub async fn retention(&self, act: AdministratorAct) -> Result<RetentionView, Refusal> {
        let mut tx = self.db.read().await?;
        let holds = tx.holds().newest(act.institution, SHOWN).await?;
        let certificates = tx.certificates().newest(act.institution, SHOWN).await?;
        let mut approvals = Vec::new();
        for row in tx.retention().approvals(act.institution, SHOWN).await? {
            approvals.push(acts::approval_view(&mut tx, row).await?);
        }
        let mut purposes = Vec::new();
        for clinic in tx.clinics().of(act.institution).await? {
            for row in tx.retention().purpose_ends(clinic.id).await? {
                purposes.push(acts::purpose_view(&mut tx, row).await?);
            }
        }
        let mut shown = Vec::with_capacity(holds.len());
        for row in holds {
            shown.push(self.hold_view(&mut tx, row).await?);
        }
        Ok(RetentionView {
            approvals,
            purposes,
            rules: in_force().clone(),
            holds: shown,
            certificates: certificates.into_iter().map(certificate_view).collect(),
        })
    }

    async fn hold_view(&self, tx: &mut Tx, row: HoldRow) -> Result<HoldView, Refusal> {
        let visit = match row.subject.strip_prefix("visit_").and_then(|id| id.parse().ok()) {
            Some(id) => tx.visits().find(id).await?,
            None => None,
        };
        let ticket = match &visit {
            Some(visit) => tx.tickets().find(visit.ticket_id).await?,
            None => None,
        };
        let lifted_by = match &row.lifted_by {
            Some(by) => Some(name_of(tx, by).await?),
            None => None,
        };
        let lift = row.lift_sealed.as_deref();
        Ok(HoldView {
            id: row.id,
            reason: self.open_field(Field::Reason, row.id.as_uuid(), &row.reason_sealed)?,
            subject: row.subject,
            no: ticket.map(|ticket| ticket.no),
            visit_at: visit.map(|visit| visit.started_at),
            placed_by: name_of(tx, &row.placed_by).await?,
            placed_at: row.placed_at,
            lifted_by,
            lifted_at: row.lifted_at,
            lift_reason: lift.map(|lift| self.open_field(Field::Judgement, row.id.as_uuid(), lift)).transpose()?,
        })
    }
}

/// The name of whoever gave an order, as the audit names them.
async fn name_of(tx: &mut Tx, who: &str) -> Result<Text, Refusal> {
    match who.strip_prefix("account_").and_then(|id| id.parse::<AccountId>().ok()) {
        Some(account) => Ok(staff_name(tx, account).await?.0),
        None => Ok(Text::new(who, who)),
    }
}

fn certificate_view(row: CertificateRow) -> CertificateView {
    CertificateView {
        id: row.id,
        class: row.class,
        day: row.day,
        count: row.count,
        first_due: row.first_due,
        last_due: row.last_due,
        hashes_root: row.hashes_root,
        hashes: row.hashes.lines().map(str::to_owned).collect(),
        made_at: row.made_at,
    }
}
