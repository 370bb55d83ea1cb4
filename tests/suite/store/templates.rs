//! Texts that a doctor inserts into a note.

use yunzhen::domain::ids::{AccountId, TemplateId};
use yunzhen::domain::note::templates::TemplateField;
use yunzhen::store::{Db, TemplateRow};

use crate::support::hospital::Hospital;
use crate::support::on_both;
use crate::support::visiting::visit;

fn template(hospital: &Hospital, owner: Option<AccountId>, name: &str) -> TemplateRow {
    TemplateRow {
        id: hospital.ids.make(TemplateId::from_uuid),
        institution_id: hospital.institution,
        owner,
        name: name.to_owned(),
        field: TemplateField::Advice,
        body: "多饮水".to_owned(),
        version: 1,
        saved_at: hospital.now(),
        retired_at: None,
    }
}

async fn offered(db: &Db, hospital: &Hospital, to: AccountId) -> Vec<String> {
    let rows = db.read().await.unwrap().templates().offered(hospital.institution, to).await.unwrap();
    rows.into_iter().map(|row| row.name).collect()
}

on_both! {
    async fn a_template_is_seen_by_its_institution_alone(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let (first, second) = (visit(&hospital, 0).await, visit(&hospital, 1).await);
        let everybodys = template(&hospital, None, "a everybody's");
        let own = template(&hospital, Some(first.doctor_id), "b own");
        hospital.write(async |tx| tx.templates().insert(&everybodys).await.unwrap()).await;
        hospital.write(async |tx| tx.templates().insert(&own).await.unwrap()).await;
        assert_eq!(offered(&db, &hospital, first.doctor_id).await, ["a everybody's", "b own"]);
        assert_eq!(offered(&db, &hospital, second.doctor_id).await, ["a everybody's"]);
        let elsewhere = yunzhen::domain::ids::InstitutionId::from_uuid(uuid::Uuid::from_u128(7));
        let mut tx = db.read().await.unwrap();
        assert_eq!(tx.templates().find(elsewhere, own.id).await.unwrap(), None);
        assert_eq!(tx.templates().find(hospital.institution, own.id).await.unwrap(), Some(own));
        assert!(tx.templates().offered(elsewhere, first.doctor_id).await.unwrap().is_empty());
    }

    async fn a_retired_template_is_offered_no_longer(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let visit = visit(&hospital, 0).await;
        let row = template(&hospital, None, "old");
        hospital.write(async |tx| tx.templates().insert(&row).await.unwrap()).await;
        let now = hospital.now();
        assert!(!hospital.write(async |tx| tx.templates().retire(row.id, 2, now).await.unwrap()).await, "a stale version");
        assert!(hospital.write(async |tx| tx.templates().retire(row.id, 1, now).await.unwrap()).await);
        assert!(offered(&db, &hospital, visit.doctor_id).await.is_empty());
    }
}
