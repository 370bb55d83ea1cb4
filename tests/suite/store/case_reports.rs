//! Case reports: one that lives for each visit, each ring once, closed for good.

use std::time::Duration;

use yunzhen::domain::case_report::{Cause, Phase, WITHIN, next_ring};
use yunzhen::domain::ids::CaseReportId;
use yunzhen::store::{CaseReportRow, StoreError, VisitRow};

use crate::support::hospital::Hospital;
use crate::support::on_both;
use crate::support::sql::refusal;
use crate::support::visiting::visit;

fn due(hospital: &Hospital, visit: &VisitRow) -> CaseReportRow {
    let due_at = hospital.now() + WITHIN;
    CaseReportRow {
        id: hospital.ids.make(CaseReportId::from_uuid),
        institution_id: hospital.institution,
        clinic_id: visit.clinic_id,
        visit_id: visit.id,
        cause: Cause::Hand,
        state: Phase::Due,
        suspected_by: visit.doctor_id,
        suspected_at: hospital.now(),
        due_at,
        words_sealed: Some(vec![7]),
        rang: 0,
        rings_at: next_ring(due_at, hospital.now()),
        closed_by: None,
        closed_at: None,
        receipt: None,
        dismissal_sealed: None,
    }
}

fn reported(row: &CaseReportRow, hospital: &Hospital) -> CaseReportRow {
    CaseReportRow {
        state: Phase::Reported,
        closed_by: Some(row.suspected_by),
        closed_at: Some(hospital.now()),
        receipt: Some("3201-1".into()),
        ..row.clone()
    }
}

fn withdrawn(row: &CaseReportRow, hospital: &Hospital) -> CaseReportRow {
    CaseReportRow { state: Phase::Withdrawn, receipt: None, ..reported(row, hospital) }
}

async fn kept(hospital: &Hospital, row: &CaseReportRow) {
    hospital.write(async |tx| tx.case_reports().insert(row).await.unwrap()).await;
}

async fn closed(hospital: &Hospital, row: &CaseReportRow) -> bool {
    hospital.write(async |tx| tx.case_reports().close(row).await.unwrap()).await
}

on_both! {
    async fn a_visit_has_one_report_that_is_due_or_done(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let visit = visit(&hospital, 0).await;
        let (one, two) = (due(&hospital, &visit), due(&hospital, &visit));
        let open = async |row: &CaseReportRow| hospital.write(async |tx| tx.case_reports().insert(row).await).await;
        let both = tokio::join!(open(&one), open(&two));
        assert_ne!(both.0.is_ok(), both.1.is_ok(), "opened twice at once: {both:?}");
        assert!([both.0, both.1].into_iter().any(|done| matches!(done, Err(StoreError::Conflict))));
        let live = db.read().await.unwrap().case_reports().live_of(visit.id).await.unwrap().unwrap();
        assert!(closed(&hospital, &withdrawn(&live, &hospital)).await);
        assert_eq!(db.read().await.unwrap().case_reports().live_of(visit.id).await.unwrap(), None);
        let again = due(&hospital, &visit);
        kept(&hospital, &again).await;
        assert!(closed(&hospital, &reported(&again, &hospital)).await);
        assert!(matches!(open(&due(&hospital, &visit)).await, Err(StoreError::Conflict)), "it was reported");
    }

    async fn whoever_sweeps_at_once_rings_once_and_the_next_time_is_in_the_row(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let visit = visit(&hospital, 0).await;
        let row = due(&hospital, &visit);
        kept(&hospital, &row).await;
        let ringing = async || {
            let now = hospital.now();
            db.read().await.unwrap().case_reports().ringing(now, 50, 0).await.unwrap()
        };
        hospital.pass(WITHIN.saturating_sub(Duration::from_millis(1)));
        assert!(ringing().await.is_empty());
        hospital.pass(Duration::from_millis(1));
        assert_eq!(ringing().await, std::slice::from_ref(&row));
        let next = next_ring(row.due_at, hospital.now());
        let ring = async || hospital.write(async |tx| tx.case_reports().ring(&row, next).await.unwrap()).await;
        let both = tokio::join!(ring(), ring());
        assert_ne!(both.0, both.1, "two processes");
        assert!(ringing().await.is_empty());
        let found = db.read().await.unwrap().case_reports().find(row.id).await.unwrap().unwrap();
        assert_eq!((found.rang, found.rings_at), (1, next));
        assert!(closed(&hospital, &reported(&found, &hospital)).await);
        hospital.pass(Duration::from_hours(9));
        assert!(ringing().await.is_empty(), "what is reported is silent");
        assert!(!hospital.write(async |tx| tx.case_reports().ring(&found, next).await.unwrap()).await);
    }

    async fn a_suspicion_and_what_was_reported_never_change(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let visit = visit(&hospital, 0).await;
        let row = due(&hospital, &visit);
        kept(&hospital, &row).await;
        let fact = "a suspicion and what was reported is a fact";
        for change in [
            "update case_report set due_at = due_at + 1",
            "update case_report set suspected_at = suspected_at + 1",
            "update case_report set words_sealed = null",
            "update case_report set cause = 'outcome'",
            "delete from case_report",
        ] {
            assert!(refusal(&db, change).await.contains(fact), "{change}");
        }
        // A receipt without a report, and a report without a receipt.
        refusal(&db, "update case_report set receipt = '3201-1'").await;
        refusal(&db, "update case_report set state = 'reported', closed_at = 1").await;
        let done = reported(&row, &hospital);
        assert!(closed(&hospital, &done).await);
        assert!(!closed(&hospital, &withdrawn(&row, &hospital)).await);
        for change in [
            "update case_report set receipt = '3201-2'",
            "update case_report set closed_at = closed_at - 1",
            "update case_report set state = 'due', closed_at = null, receipt = null",
            "delete from case_report",
        ] {
            assert!(refusal(&db, change).await.contains(fact), "{change}");
        }
        assert_eq!(db.read().await.unwrap().case_reports().find(row.id).await.unwrap(), Some(done));
    }

    async fn what_is_due_first_is_listed_first_and_of_the_closed_the_last(db: Db) {
        let hospital = Hospital::open(&db, 4).await;
        let mut rows = Vec::new();
        for desk in 0..4 {
            let row = due(&hospital, &visit(&hospital, desk).await);
            kept(&hospital, &row).await;
            hospital.pass(Duration::from_mins(1));
            rows.push(row);
        }
        for row in &rows[..2] {
            assert!(closed(&hospital, &reported(row, &hospital)).await);
            hospital.pass(Duration::from_mins(1));
        }
        let ids = |rows: Vec<CaseReportRow>| rows.into_iter().map(|row| row.id).collect::<Vec<_>>();
        let mut tx = db.read().await.unwrap();
        assert_eq!(ids(tx.case_reports().due(hospital.institution, 9).await.unwrap()), [rows[2].id, rows[3].id]);
        assert_eq!(ids(tx.case_reports().closed(hospital.institution, 9).await.unwrap()), [rows[1].id, rows[0].id]);
        assert_eq!(ids(tx.case_reports().closed(hospital.institution, 1).await.unwrap()), [rows[1].id]);
    }
}
