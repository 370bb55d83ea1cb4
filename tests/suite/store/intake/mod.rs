//! The patient's way to the ticket: one file for each file of `src/store/` about it.

#![expect(clippy::unwrap_used, reason = "only tests use it, and a failure here is theirs")]

mod codes;
mod consents;
mod declarations;
mod guardians;
mod holders;
mod patients;
mod triages;

use yunzhen::domain::identity::DocumentKind;
use yunzhen::domain::ids::{ClinicId, DeclarationId, HolderId, PatientId};
use yunzhen::domain::people::{Relation, Sex};
use yunzhen::store::{DeclarationRow, HolderRow, PatientRow};

use crate::support::hospital::Hospital;

/// A holder whose number's index is `index`; not yet kept.
fn holder(hospital: &Hospital, index: u8) -> HolderRow {
    HolderRow {
        id: hospital.ids.make(HolderId::from_uuid),
        institution_id: hospital.institution,
        phone_sealed: vec![0, 1, 2],
        phone_index: vec![index; 32],
        phone_tail: "0000".to_owned(),
        created_at: hospital.now(),
        locale: "zh-CN".to_owned(),
    }
}

/// A patient whose name's and card's index are `name`; not yet kept.
pub fn patient(hospital: &Hospital, name: u8) -> PatientRow {
    PatientRow {
        id: hospital.ids.make(PatientId::from_uuid),
        institution_id: hospital.institution,
        name_sealed: vec![3, 4, 5],
        name_index: vec![name; 32],
        name_masked: "演**".to_owned(),
        document: DocumentKind::Passport,
        number_sealed: vec![6, 7, 8],
        number_index: vec![9; 32],
        card_index: vec![name; 32],
        number_tail: "0000".to_owned(),
        birth_date: "1950-02-28".to_owned(),
        sex: Sex::Female,
        created_at: hospital.now(),
    }
}

/// A holder and a patient for whom they answer, kept.
pub async fn family(hospital: &Hospital, index: u8) -> (HolderId, PatientId) {
    let (holder, patient) = (holder(hospital, index), patient(hospital, index));
    let now = hospital.now();
    hospital
        .write(async |tx| {
            assert!(tx.holders().insert(&holder).await.unwrap());
            assert!(tx.patients().insert(&patient).await.unwrap());
            tx.patients().relate(holder.id, patient.id, Relation::Child, now).await.unwrap();
        })
        .await;
    (holder.id, patient.id)
}

/// A draft of a holder for a patient; not yet kept.
pub fn draft(hospital: &Hospital, clinic: ClinicId, (holder, patient): (HolderId, PatientId)) -> DeclarationRow {
    DeclarationRow {
        id: hospital.ids.make(DeclarationId::from_uuid),
        institution_id: hospital.institution,
        clinic_id: clinic,
        patient_id: patient,
        holder_id: holder,
        questionnaire: "fever-1".to_owned(),
        version: 0,
        answers_sealed: vec![1],
        created_at: hospital.now(),
        saved_at: hospital.now(),
        submitted_at: None,
    }
}
