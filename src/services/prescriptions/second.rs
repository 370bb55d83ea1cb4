//! The second doctor: what opposes itself is signed by two.

use serde_json::json;

use crate::domain::access::ReadPurpose;
use crate::domain::ids::PrescriptionId;
use crate::domain::permission::DoctorAct;
use crate::domain::signature::Purpose;
use crate::protocol::prescription::{PrescriptionAct, PrescriptionView};
use crate::services::Services;
use crate::services::notes::can_be_written;
use crate::services::prescriptions::{Intact, becomes, held, refused, same_version, state_of};
use crate::services::refusal::Refusal;
use crate::services::said::reason;
use crate::services::signing::SignAs;
use crate::services::work::Command;

impl Services {
    /// What waits for a second doctor other than the one who asks; the read is audited.
    pub async fn to_countersign(&self, act: DoctorAct) -> Result<Vec<PrescriptionView>, Refusal> {
        let mut work = self.begin().await?;
        let rows = work.tx.prescriptions().to_countersign(act.institution, act.account).await?;
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            let (id, what) = (row.id, row.id.to_string());
            if state_of(&row)?.at(work.now).phase() != row.state {
                continue;
            }
            let view = self.prescription_view(&mut work.tx, row).await;
            let Some(view) = self.told.readable("to_countersign", &id, view)? else { continue };
            views.push(view);
            let (who, why) = (act.account.to_string(), ReadPurpose::Countersign);
            work.audit_read(act.institution, &who, "rx.read", &what, why, json!({})).await?;
        }
        work.commit().await?;
        Ok(views)
    }

    /// Signs beside the first doctor: `POST /prescriptions/{id}/countersign`.
    pub async fn countersign_prescription(
        &self,
        act: DoctorAct,
        id: PrescriptionId,
        request: PrescriptionAct,
        command: &Command,
    ) -> Result<PrescriptionView, Refusal> {
        let why = reason(&request.reason, "reason")?;
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return work.rx_again(act.institution, command, &id.to_string(), ReadPurpose::Countersign, done).await;
        }
        let mut row = held(&mut work.tx, act.institution, id).await?;
        same_version(&row, request.version)?;
        self.may_practise(&mut work, act).await?;
        let visit = work.tx.visits().find(row.visit_id).await?.ok_or_else(Refusal::not_found)?;
        can_be_written(&visit)?;
        let both = state_of(&row)?.at(work.now).countersign(act.account).map_err(refused)?;
        let Intact { hash, .. } = self.intact(&mut work.tx, &row).await?;
        becomes(&mut row, &both, act.account, work.now);
        work.tx.prescriptions().save(&row).await?;
        let (who, what) = (act.account.to_string(), id.to_string());
        let by = SignAs::Account(act.account);
        self.sign(&mut work, act.institution, by, Purpose::Countersignature, &what, &hash).await?;
        let detail = json!({ "version": row.version, "hash": hash });
        work.audit_why(act.institution, &who, "rx.countersign", &what, Some(why), detail).await?;
        self.tell(&mut work, &row, "rx.countersigned").await?;
        let view = self.prescription_view(&mut work.tx, row).await?;
        work.keep(command, &view).await?;
        work.commit().await?;
        Ok(view)
    }
}
