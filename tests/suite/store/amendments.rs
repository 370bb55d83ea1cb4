//! Amendments of archived records: one that waits for each visit, decided once by somebody else.

use serde_json::json;
use sqlx::types::Json;
use yunzhen::domain::ids::{AccountId, NoteId};
use yunzhen::domain::note::amendment::Phase;
use yunzhen::store::{AmendmentRow, StoreError, VisitRow};

use crate::support::hospital::Hospital;
use crate::support::on_both;
use crate::support::sql::refusal;
use crate::support::visiting::visit;

fn amendment(hospital: &Hospital, visit: &VisitRow) -> AmendmentRow {
    AmendmentRow {
        id: hospital.ids.make(NoteId::from_uuid),
        institution_id: hospital.institution,
        visit_id: visit.id,
        number: 2,
        content: Json(json!({ "diagnosis": "时行感冒", "values": [37.5, 1, null] })),
        hash: "hash 2".into(),
        previous_hash: "hash 1".into(),
        asked_by: visit.doctor_id,
        asked_at: hospital.now(),
        reason: "更正诊断".into(),
        state: Phase::Asked,
        decided_by: None,
        decided_at: None,
        decision_reason: None,
        identity: Some("patient_1:aa".into()),
    }
}

fn decided(row: &AmendmentRow, hospital: &Hospital, by: AccountId, state: Phase) -> AmendmentRow {
    let decision_reason = (state == Phase::Declined).then(|| "与原记录不符".to_owned());
    AmendmentRow { state, decided_by: Some(by), decided_at: Some(hospital.now()), decision_reason, ..row.clone() }
}

async fn ask(hospital: &Hospital, row: &AmendmentRow) -> Result<(), StoreError> {
    hospital.write(async |tx| tx.amendments().insert(row).await).await
}

async fn decide(hospital: &Hospital, row: &AmendmentRow) -> bool {
    hospital.write(async |tx| tx.amendments().decide(row).await.unwrap()).await
}

on_both! {
    async fn a_visit_has_one_amendment_that_waits(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let visit = visit(&hospital, 0).await;
        let other = hospital.desks[1].doctor;
        let (one, two) = (amendment(&hospital, &visit), amendment(&hospital, &visit));
        let both = tokio::join!(ask(&hospital, &one), ask(&hospital, &two));
        assert_eq!([&both.0, &both.1].iter().filter(|done| done.is_ok()).count(), 1, "asked twice at once: {both:?}");
        assert!([both.0, both.1].into_iter().any(|done| matches!(done, Err(StoreError::Conflict))));
        let waits = db.read().await.unwrap().amendments().newest(visit.id).await.unwrap().unwrap();
        assert_eq!(waits, if waits.id == one.id { one } else { two }, "it is read as it was kept");
        assert!(decide(&hospital, &decided(&waits, &hospital, other, Phase::Declined)).await);
        ask(&hospital, &amendment(&hospital, &visit)).await.unwrap();
    }

    async fn what_waits_is_offered_to_everybody_but_its_own_doctor_until_it_is_decided(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let visit = visit(&hospital, 0).await;
        let (own, other) = (visit.doctor_id, hospital.desks[1].doctor);
        let row = amendment(&hospital, &visit);
        ask(&hospital, &row).await.unwrap();
        let institution = hospital.institution;
        let waiting = async |besides| db.read().await.unwrap().amendments().waiting(institution, besides, 9).await.unwrap();
        assert_eq!(waiting(other).await, std::slice::from_ref(&row));
        assert!(waiting(own).await.is_empty());
        let approved = decided(&row, &hospital, other, Phase::Approved);
        assert!(decide(&hospital, &approved).await);
        assert!(waiting(other).await.is_empty());
        assert_eq!(db.read().await.unwrap().amendments().find(row.id).await.unwrap(), Some(approved));
    }

    async fn of_two_who_decide_at_once_one_is_told(db: Db) {
        let hospital = Hospital::open(&db, 3).await;
        let visit = visit(&hospital, 0).await;
        let row = amendment(&hospital, &visit);
        ask(&hospital, &row).await.unwrap();
        let yes = decided(&row, &hospital, hospital.desks[1].doctor, Phase::Approved);
        let no = decided(&row, &hospital, hospital.desks[2].doctor, Phase::Declined);
        let both = tokio::join!(decide(&hospital, &yes), decide(&hospital, &no));
        assert_ne!(both.0, both.1);
        let found = db.read().await.unwrap().amendments().find(row.id).await.unwrap();
        assert_eq!(found, Some(if both.0 { yes } else { no }));
    }

    async fn nobody_decides_on_their_own_and_what_was_asked_for_and_decided_never_changes(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let visit = visit(&hospital, 0).await;
        let row = amendment(&hospital, &visit);
        ask(&hospital, &row).await.unwrap();
        let own = decided(&row, &hospital, visit.doctor_id, Phase::Approved);
        let refused = hospital.write(async |tx| tx.amendments().decide(&own).await.is_err()).await;
        assert!(refused, "the database knows it, too");
        let fact = "what was asked for and what was decided is a fact";
        for change in [
            "update amendment set content = '{}'",
            "update amendment set hash = 'other'",
            "update amendment set reason = '别的'",
            "update amendment set asked_at = asked_at + 1",
            "delete from amendment",
        ] {
            assert!(refusal(&db, change).await.contains(fact), "{change}");
        }
        assert!(decide(&hospital, &decided(&row, &hospital, hospital.desks[1].doctor, Phase::Approved)).await);
        for change in ["update amendment set state = 'declined'", "update amendment set decided_at = 0"] {
            assert!(refusal(&db, change).await.contains(fact), "{change}");
        }
    }
}
