use std::time::Duration;

use yunzhen::domain::identity::DocumentKind;
use yunzhen::domain::ids::{InstitutionId, PatientId};
use yunzhen::domain::people::{Relation, Sex};
use yunzhen::store::PatientRow;

use super::{family, holder, patient};
use crate::support::hospital::Hospital;
use crate::support::on_both;

on_both! {
    async fn one_name_with_one_document_is_one_patient(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let (row, twin, namesake) = (patient(&hospital, 1), patient(&hospital, 1), patient(&hospital, 2));
        let kept = hospital.write(async |tx| {
            let mut kept = Vec::new();
            for row in [&row, &twin, &namesake] {
                kept.push(tx.patients().insert(row).await.unwrap());
            }
            kept
        });
        assert_eq!(kept.await, [true, false, true], "another spelling is another row");
        let mut tx = db.read().await.unwrap();
        let found = tx.patients().by_identity(hospital.institution, DocumentKind::Passport, &[9; 32], &[1; 32]).await;
        assert!(found.unwrap().as_ref() == Some(&row));
        let found = tx.patients().by_identity(hospital.institution, DocumentKind::ResidentCard, &[9; 32], &[1; 32]).await;
        assert!(found.unwrap().is_none());
        assert!(tx.patients().find(hospital.institution, row.id).await.unwrap() == Some(row));
    }

    async fn a_patient_is_unknown_in_another_institution(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let (holder, patient) = family(&hospital, 1).await;
        let abroad = hospital.ids.make(InstitutionId::from_uuid);
        let mut tx = db.read().await.unwrap();
        assert!(tx.patients().find(abroad, patient).await.unwrap().is_none());
        assert!(tx.patients().related(abroad, holder, patient).await.unwrap().is_none());
        assert!(tx.patients().of_holder(abroad, holder).await.unwrap().is_empty());
    }

    async fn only_who_answers_for_a_patient_alone_may_correct_the_birth_date(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let (one, id) = family(&hospital, 1).await;
        let other = holder(&hospital, 2);
        let now = hospital.now();
        let correct = async |who, date: &str| {
            hospital.write(async |tx| tx.patients().correct(id, who, date, Sex::Male).await.unwrap()).await
        };
        assert!(correct(one, "1950-03-01").await);
        hospital.write(async |tx| {
            tx.holders().insert(&other).await.unwrap();
            tx.patients().relate(other.id, id, Relation::Spouse, now).await.unwrap();
        }).await;
        assert!(!correct(one, "1960-01-01").await);
        assert!(!correct(other.id, "1960-01-01").await);
        let found: Option<PatientRow> = db.read().await.unwrap().patients().find(hospital.institution, id).await.unwrap();
        assert!(found.is_some_and(|row| row.birth_date == "1950-03-01" && row.sex == Sex::Male));
    }

    async fn a_holder_sees_their_own_patients_in_the_order_in_which_they_were_named(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let (mother, first) = family(&hospital, 1).await;
        let (_, strange) = family(&hospital, 2).await;
        let second = patient(&hospital, 3);
        hospital.pass(Duration::from_secs(1));
        let now = hospital.now();
        hospital.write(async |tx| {
            tx.patients().insert(&second).await.unwrap();
            tx.patients().relate(mother, second.id, Relation::Myself, now).await.unwrap();
            // Said again, otherwise: the relation changes, the order stays.
            tx.patients().relate(mother, first, Relation::Parent, now).await.unwrap();
        }).await;
        let mut tx = db.read().await.unwrap();
        let seen = tx.patients().of_holder(hospital.institution, mother).await.unwrap();
        let seen: Vec<(PatientId, Relation)> = seen.into_iter().map(|r| (r.patient.id, r.relation)).collect();
        assert_eq!(seen, [(first, Relation::Parent), (second.id, Relation::Myself)]);
        assert!(tx.patients().related(hospital.institution, mother, second.id).await.unwrap().is_some());
        assert!(tx.patients().related(hospital.institution, mother, strange).await.unwrap().is_none());
    }
}
