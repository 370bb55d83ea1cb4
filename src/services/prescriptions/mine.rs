//! What the patient sees: the state at once, the drugs when a pharmacist has approved them.

use crate::domain::permission::HolderAct;
use crate::domain::prescription::{Content, Phase};
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::protocol::prescription::MyPrescription;
use crate::services::Services;
use crate::services::identity::sessions::staff_name;
use crate::services::prescriptions::state_of;
use crate::services::prescriptions::view::label_of;
use crate::services::refusal::Refusal;
use crate::store::{PrescriptionRow, Tx};

impl Services {
    /// The prescriptions of a holder's patients; the read of one that names drugs is audited, once a minute:
    /// `GET /me/prescriptions`.
    pub async fn my_prescriptions(&self, act: HolderAct) -> Result<Vec<MyPrescription>, Refusal> {
        let mut tx = self.db.read().await?;
        let rows = tx.prescriptions().of_holder(act.holder, 50).await?;
        let mut mine = Vec::with_capacity(rows.len());
        let now = self.clock.now();
        for row in rows.into_iter().filter(|row| row.institution_id == act.institution) {
            let id = row.id;
            let one = self.my_prescription(&mut tx, row, now).await;
            mine.extend(self.told.readable("my_prescriptions", &id, one)?);
        }
        drop(tx);
        let read: Vec<String> = mine.iter().filter(|one| one.content.is_some()).map(|one| one.id.to_string()).collect();
        self.note_own_reads(act, "rx.read_own", read).await?;
        Ok(mine)
    }

    async fn my_prescription(
        &self,
        tx: &mut Tx,
        row: PrescriptionRow,
        now: Timestamp,
    ) -> Result<MyPrescription, Refusal> {
        let state = state_of(&row)?.at(now).phase();
        let content = if state.is_approved() {
            self.intact(tx, &row).await?;
            Some(serde_json::from_str::<Content>(&row.content).map_err(|e| Refusal::internal(&e))?)
        } else {
            None
        };
        let patient = tx.patients().find(row.institution_id, row.patient_id).await?;
        Ok(MyPrescription {
            id: row.id,
            number: row.number,
            visit: row.visit_id,
            state,
            says: says(state),
            patient_masked: patient.map(|patient| patient.name_masked).unwrap_or_default(),
            doctor: staff_name(tx, row.doctor_id).await?.0,
            label: content.as_ref().and_then(label_of),
            content,
            expires_at: row.valid_until.filter(|_| state != Phase::Dispensed),
        })
    }
}

/// A state in plain words.
fn says(state: Phase) -> Text {
    match state {
        Phase::Draft => Text::new("医生正在开方", "The doctor is writing it."),
        Phase::Signed => Text::new("药师审核中", "A pharmacist is checking it."),
        // Why it was given back is between the doctor and the pharmacist; the patient waits for the corrected one.
        Phase::Returned => Text::new("审核中，医生正在核对", "It is being checked; the doctor is looking at it again."),
        Phase::Approved => Text::new("已审核，可以取药", "Checked. You can get it now."),
        Phase::Refused => Text::new("未通过审核，医生会与您联系", "It was not approved. Your doctor will talk to you."),
        Phase::Dispensed => Text::new("已发药，请按说明服用", "Handed out. Take it as the label says."),
        Phase::Stopped => {
            Text::new("已停用，请不要再服用，有疑问请联系医生", "Stopped. Do not take it; ask your doctor.")
        }
        Phase::Expired => Text::new("已过期，请联系医生重新开方", "It ran out. Ask your doctor for a new one."),
    }
}
