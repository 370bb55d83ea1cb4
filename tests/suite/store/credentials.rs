//! What doctors have on paper.

use yunzhen::domain::ids::InstitutionId;
use yunzhen::store::CredentialRow;

use crate::support::hospital::{Hospital, MORNING};
use crate::support::on_both;

on_both! {
    async fn what_a_doctor_has_on_paper_is_kept_and_replaced_as_a_whole(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let [doctor, other] = [hospital.desks[0].doctor, hospital.desks[1].doctor];
        let row = CredentialRow {
            account_id: doctor,
            registration: Some("110110000012345".into()),
            practises_since: Some("2010-07-01".into()),
            consent_on: None,
            recorded_by: None,
            recorded_at: MORNING,
        };
        let record = async |row: &CredentialRow| hospital.write(async |tx| tx.credentials().record(row).await.unwrap()).await;
        let of = async |account| db.read().await.unwrap().credentials().of(account).await.unwrap();
        assert!(of(doctor).await.is_none());
        record(&row).await;
        assert!(of(doctor).await == Some(row.clone()));
        let newer = CredentialRow {
            registration: None,
            consent_on: Some("2026-11-24".into()),
            recorded_by: Some(other),
            ..row
        };
        record(&newer).await;
        assert!(of(doctor).await == Some(newer.clone()), "nothing of the old is left");
        record(&CredentialRow { account_id: other, ..newer }).await;
        let mut tx = db.read().await.unwrap();
        assert_eq!(tx.credentials().of_institution(hospital.institution).await.unwrap().len(), 2);
        let elsewhere = hospital.ids.make(InstitutionId::from_uuid);
        assert!(tx.credentials().of_institution(elsewhere).await.unwrap().is_empty());
    }
}
