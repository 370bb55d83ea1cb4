//! What an administrator says of retention: a purpose has ended, what is due may go.

use serde_json::json;

use crate::domain::ids::{ApprovalId, ClinicId, PurposeEndId};
use crate::domain::permission::AdministratorAct;
use crate::domain::retention::Then;
use crate::protocol::error::ErrorCode;
use crate::protocol::retention::{ApprovalRequest, ApprovalView, PurposeEndRequest, PurposeEndView};
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::retention::name_of;
use crate::services::work::Command;
use crate::store::{ApprovalRow, PurposeEndRow, Tx};

impl Services {
    /// Says that the purpose of a clinic's declarations has ended: `POST /clinics/{id}/purpose-end`.
    pub async fn end_purpose(
        &self,
        act: AdministratorAct,
        clinic: ClinicId,
        request: PurposeEndRequest,
        command: &Command,
    ) -> Result<PurposeEndView, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let found = work.tx.clinics().find(clinic).await?.filter(|row| row.institution_id == act.institution);
        found.ok_or_else(Refusal::not_found)?;
        if request.declared_until > work.now {
            return Err(Refusal::field(ErrorCode::Invalid, "declared_until", "nothing later than now"));
        }
        let row = PurposeEndRow {
            id: self.ids.make(PurposeEndId::from_uuid),
            institution_id: act.institution,
            clinic_id: clinic,
            declared_until: request.declared_until,
            said_by: act.account.to_string(),
            said_at: work.now,
        };
        work.tx.retention().end_purpose(&row).await?;
        let (who, detail) = (row.said_by.clone(), json!({ "declared_until": row.declared_until }));
        let view = purpose_view(&mut work.tx, row).await?;
        work.keep(command, &view).await?;
        work.audit_why(act.institution, &who, "purpose.end", &clinic.to_string(), None, detail).await?;
        work.commit().await?;
        Ok(view)
    }

    /// Approves that what was due of a class may go: `POST /retention/approvals`.
    pub async fn approve_deletion(
        &self,
        act: AdministratorAct,
        request: ApprovalRequest,
        command: &Command,
    ) -> Result<ApprovalView, Refusal> {
        if request.class.rule().then != Then::DeleteByApproval {
            return Err(Refusal::field(ErrorCode::Invalid, "class", "a class that goes by approval"));
        }
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        if request.due_until > work.now {
            return Err(Refusal::field(ErrorCode::Invalid, "due_until", "nothing later than now"));
        }
        let row = ApprovalRow {
            id: self.ids.make(ApprovalId::from_uuid),
            institution_id: act.institution,
            class: request.class,
            due_until: request.due_until,
            approved_by: act.account.to_string(),
            approved_at: work.now,
        };
        work.tx.retention().approve(&row).await?;
        let (who, what) = (row.approved_by.clone(), row.id.to_string());
        let detail = json!({ "class": row.class, "due_until": row.due_until });
        let view = approval_view(&mut work.tx, row).await?;
        work.keep(command, &view).await?;
        work.audit_why(act.institution, &who, "retention.approve", &what, None, detail).await?;
        work.commit().await?;
        Ok(view)
    }
}

/// An approval, as it is shown.
pub(super) async fn approval_view(tx: &mut Tx, row: ApprovalRow) -> Result<ApprovalView, Refusal> {
    let ApprovalRow { id, class, due_until, approved_by, approved_at, .. } = row;
    Ok(ApprovalView { id, class, due_until, approved_by: name_of(tx, &approved_by).await?, approved_at })
}

/// A word about a purpose, as it is shown.
pub(super) async fn purpose_view(tx: &mut Tx, row: PurposeEndRow) -> Result<PurposeEndView, Refusal> {
    let PurposeEndRow { id, clinic_id, declared_until, said_by, said_at, .. } = row;
    let said_by = name_of(tx, &said_by).await?;
    Ok(PurposeEndView { id, clinic: clinic_id, declared_until, said_by, said_at })
}
