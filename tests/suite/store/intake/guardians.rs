use yunzhen::domain::ids::{HolderId, PatientId};
use yunzhen::domain::people::Relation;
use yunzhen::store::GuardianRow;

use super::family;
use crate::support::hospital::Hospital;
use crate::support::{on_both, sql};

fn consent(hospital: &Hospital, (holder, patient): (HolderId, PatientId), version: &str) -> GuardianRow {
    GuardianRow {
        id: hospital.ids.uuid(),
        institution_id: hospital.institution,
        patient_id: patient,
        holder_id: holder,
        name_sealed: vec![1, 2, 3],
        relation: Relation::Parent,
        text_version: version.to_owned(),
        at: hospital.now(),
    }
}

on_both! {
    async fn the_newest_consent_of_a_guardian_counts_and_is_of_one_holder_and_one_child(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let (one, other) = (family(&hospital, 1).await, family(&hospital, 2).await);
        let mut newest = None;
        for version in ["1", "2"] {
            let row = consent(&hospital, one, version);
            hospital.write(async |tx| tx.guardians().append(&row).await.unwrap()).await;
            hospital.pass(std::time::Duration::from_secs(1));
            newest = Some(row);
        }
        let mut tx = db.read().await.unwrap();
        assert_eq!(tx.guardians().newest(one.0, one.1).await.unwrap(), newest);
        assert_eq!(tx.guardians().newest(other.0, one.1).await.unwrap(), None);
        assert_eq!(tx.guardians().newest(one.0, other.1).await.unwrap(), None);
    }

    async fn a_guardians_consent_never_changes_and_never_goes_and_is_a_parents_or_a_guardians(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let family = family(&hospital, 1).await;
        let row = consent(&hospital, family, "1");
        hospital.write(async |tx| tx.guardians().append(&row).await.unwrap()).await;
        for change in ["update guardian_consent set text_version = '9'", "delete from guardian_consent"] {
            assert!(sql::refusal(&db, change).await.contains("a consent"), "{change}");
        }
        let carer = GuardianRow { relation: Relation::Carer, ..consent(&hospital, family, "1") };
        assert!(hospital.write(async |tx| tx.guardians().append(&carer).await.is_err()).await);
    }
}
