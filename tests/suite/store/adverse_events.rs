//! Adverse events: written once, seen once.

use std::time::Duration;

use yunzhen::domain::adverse::AdverseKind;
use yunzhen::domain::ids::AdverseEventId;
use yunzhen::store::{AdverseEventRow, VisitRow};

use crate::support::hospital::Hospital;
use crate::support::on_both;
use crate::support::sql::refusal;
use crate::support::visiting::visit;

async fn told(hospital: &Hospital, visit: &VisitRow, is_serious: bool) -> AdverseEventRow {
    let row = AdverseEventRow {
        id: hospital.ids.make(AdverseEventId::from_uuid),
        institution_id: hospital.institution,
        clinic_id: visit.clinic_id,
        visit_id: visit.id,
        kind: AdverseKind::Medicine,
        is_serious,
        happened_at: hospital.now(),
        words_sealed: vec![1],
        measures_sealed: vec![2],
        reported_by: visit.doctor_id,
        reported_at: hospital.now(),
        seen_by: None,
        seen_at: None,
    };
    hospital.write(async |tx| tx.adverse_events().insert(&row).await.unwrap()).await;
    hospital.pass(Duration::from_mins(1));
    row
}

on_both! {
    async fn an_adverse_event_never_changes_and_is_seen_first_by_one(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let visit = visit(&hospital, 0).await;
        let row = told(&hospital, &visit, true).await;
        let (by, now) = (hospital.desks[0].doctor, hospital.now());
        let see = async || hospital.write(async |tx| tx.adverse_events().see(row.id, by, now).await.unwrap()).await;
        let both = tokio::join!(see(), see());
        assert_ne!(both.0, both.1, "two who read it at once: one was first");
        let fact = "what was told of an adverse event is a fact";
        for change in [
            "update adverse_event set kind = 'other'",
            "update adverse_event set words_sealed = measures_sealed",
            "update adverse_event_seen set seen_at = 1",
            "delete from adverse_event_seen",
            "delete from adverse_event",
        ] {
            assert!(refusal(&db, change).await.contains(fact), "{change}");
        }
        let found = db.read().await.unwrap().adverse_events().find(row.id).await.unwrap();
        assert_eq!(found, Some(AdverseEventRow { seen_by: Some(by), seen_at: Some(now), ..row }));
    }

    async fn what_is_serious_and_was_read_by_nobody_stands_first(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let visit = visit(&hospital, 0).await;
        let serious = told(&hospital, &visit, true).await;
        let (old, new) = (told(&hospital, &visit, false).await, told(&hospital, &visit, false).await);
        let listed = async || {
            let rows = db.read().await.unwrap().adverse_events().of_institution(hospital.institution, 9).await.unwrap();
            rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
        };
        assert_eq!(listed().await, [serious.id, new.id, old.id]);
        let (by, now) = (hospital.desks[0].doctor, hospital.now());
        hospital.write(async |tx| tx.adverse_events().see(serious.id, by, now).await.unwrap()).await;
        assert_eq!(listed().await, [new.id, old.id, serious.id]);
    }
}
