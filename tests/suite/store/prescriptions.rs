//! Prescriptions: claimed once, signed for good, found by their days.

use std::time::Duration;

use yunzhen::domain::herb::gate::Pregnancy;
use yunzhen::domain::ids::{AccountId, PrescriptionId};
use yunzhen::domain::prescription::{Phase, VisitKind};
use yunzhen::store::{BasisRow, NewSheet, PrescriptionRow, SignedVersionRow, StoreError, VisitRow};

use crate::support::hospital::Hospital;
use crate::support::on_both;
use crate::support::sql::refusal;
use crate::support::visiting::visit;

pub fn prescription(
    hospital: &Hospital,
    visit: &VisitRow,
    number: &str,
    state: Phase,
    days: (&str, &str),
) -> PrescriptionRow {
    let sheet = NewSheet {
        id: hospital.ids.make(PrescriptionId::from_uuid),
        institution: hospital.institution,
        clinic: visit.clinic_id,
        visit: visit.id,
        patient: visit.patient_id,
        doctor: visit.doctor_id,
        number: number.to_owned(),
        legal_basis: "return_visit".to_owned(),
        day: days.0.to_owned(),
        at: hospital.now(),
    };
    let row = PrescriptionRow::begun(sheet);
    PrescriptionRow { state, data_version: "1".to_owned(), end_day: days.1.to_owned(), ..row }
}

pub async fn kept(hospital: &Hospital, row: &PrescriptionRow) {
    hospital.write(async |tx| tx.prescriptions().insert(row).await.unwrap()).await;
    hospital.write(async |tx| tx.prescriptions().save(row).await.unwrap()).await;
}

async fn account(hospital: &Hospital, username: &str) -> AccountId {
    let id = hospital.ids.make(AccountId::from_uuid);
    let row = hospital.account_row(id, username);
    hospital.write(async |tx| tx.accounts().insert(&row).await.unwrap()).await;
    id
}

on_both! {
    async fn a_prescription_is_kept_and_saved_whole(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let visit = visit(&hospital, 0).await;
        let mut row = prescription(&hospital, &visit, "R-1", Phase::Draft, ("2026-11-24", "2026-11-26"));
        kept(&hospital, &row).await;
        row.state = Phase::Dispensed;
        row.hash = Some("aa".into());
        row.signed_at = Some(hospital.now());
        (row.stated, row.valid_until) = (Some("{}".into()), Some(hospital.now() + Duration::from_hours(8)));
        row.needs_second = true;
        (row.countersigned_by, row.countersigned_at) = (Some(hospital.desks[1].doctor), Some(hospital.now()));
        (row.reviewed_by, row.reviewed_at, row.review) = (Some(hospital.desks[1].doctor), Some(hospital.now()), Some("{}".into()));
        (row.dispensed_by, row.dispensed_at) = (Some(hospital.desks[1].doctor), Some(hospital.now()));
        row.stop_reason = Some("停".into());
        kept_again(&hospital, &row).await;
        let mut tx = db.read().await.unwrap();
        assert_eq!(tx.prescriptions().find(row.id).await.unwrap(), Some(row.clone()));
        assert_eq!(tx.prescriptions().of_visit(visit.id).await.unwrap(), [row.clone()]);
        let again = prescription(&hospital, &visit, "R-1", Phase::Draft, ("2026-11-24", "2026-11-26"));
        let twice = hospital.write(async |tx| tx.prescriptions().insert(&again).await).await;
        assert!(matches!(twice, Err(StoreError::Conflict)), "a number stands on one paper");
    }

    async fn two_pharmacists_claim_one_prescription_once(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let visit = visit(&hospital, 0).await;
        let mut row = prescription(&hospital, &visit, "R-1", Phase::Signed, ("2026-11-24", "2026-11-26"));
        row.signed_at = Some(hospital.now());
        kept(&hospital, &row).await;
        let (one, other) = (account(&hospital, "one").await, account(&hospital, "other").await);
        let claim = async |who: AccountId| {
            let now = hospital.now();
            let until = now + Duration::from_mins(5);
            hospital.write(async |tx| tx.prescriptions().claim(row.id, who, now, until).await.unwrap()).await
        };
        let both = tokio::join!(claim(one), claim(other));
        assert_ne!(both.0, both.1, "exactly one has it");
        let winner = if both.0 { one } else { other };
        let loser = if both.0 { other } else { one };
        assert!(claim(winner).await, "who has it keeps it");
        hospital.pass(Duration::from_mins(5) - Duration::from_millis(1));
        assert!(!claim(loser).await);
        hospital.pass(Duration::from_millis(1));
        assert!(claim(loser).await, "a claim ends by itself");
        row.state = Phase::Approved;
        kept_again(&hospital, &row).await;
        assert!(!claim(loser).await, "what is judged is nobody's to claim");
    }

    async fn a_signed_version_never_changes(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let visit = visit(&hospital, 0).await;
        let row = prescription(&hospital, &visit, "R-1", Phase::Signed, ("2026-11-24", "2026-11-26"));
        kept(&hospital, &row).await;
        let signed = SignedVersionRow {
            prescription_id: row.id,
            version: 1,
            content: "{}".into(),
            report: "{}".into(),
            answers: "{}".into(),
            stated: Some("{}".into()),
            hash: "aa".into(),
            signed_by: visit.doctor_id,
            signed_at: hospital.now(),
        };
        hospital.write(async |tx| tx.prescriptions().sign(&signed).await.unwrap()).await;
        let again = hospital.write(async |tx| tx.prescriptions().sign(&signed).await).await;
        assert!(matches!(again, Err(StoreError::Conflict)));
        for change in ["update prescription_version set hash = 'bb'", "delete from prescription_version"] {
            assert!(refusal(&db, change).await.contains("a signed prescription is a fact"), "{change}");
        }
        let found = db.read().await.unwrap().prescriptions().signed(row.id).await.unwrap();
        assert_eq!(found, [signed]);
    }

    async fn active_prescriptions_are_those_of_the_same_days(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let visit = visit(&hospital, 0).await;
        let mut expected = Vec::new();
        for (number, (state, days, is_active)) in [
            (Phase::Signed, ("2026-11-24", "2026-11-26"), true),
            (Phase::Approved, ("2026-11-20", "2026-11-24"), true),
            (Phase::Dispensed, ("2026-11-26", "2026-11-30"), true),
            (Phase::Dispensed, ("2026-11-27", "2026-11-30"), false),
            (Phase::Dispensed, ("2026-11-20", "2026-11-23"), false),
            (Phase::Draft, ("2026-11-24", "2026-11-26"), false),
            (Phase::Returned, ("2026-11-24", "2026-11-26"), false),
            (Phase::Stopped, ("2026-11-24", "2026-11-26"), false),
            (Phase::Expired, ("2026-11-24", "2026-11-26"), false),
        ].into_iter().enumerate() {
            let row = prescription(&hospital, &visit, &format!("R-{number}"), state, days);
            kept(&hospital, &row).await;
            hospital.pass(Duration::from_millis(1));
            if is_active {
                expected.push(row.id);
            }
        }
        let mut tx = db.read().await.unwrap();
        let found = tx.prescriptions().active(visit.patient_id, "2026-11-24", "2026-11-26").await.unwrap();
        assert_eq!(found.into_iter().map(|row| row.id).collect::<Vec<_>>(), expected);
    }

    async fn lists_are_of_one_institution_and_the_longest_waiting_is_first(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let visit = visit(&hospital, 0).await;
        let mut rows = Vec::new();
        for number in 0..3 {
            let mut row = prescription(&hospital, &visit, &format!("R-{number}"), Phase::Signed, ("2026-11-24", "2026-11-26"));
            row.signed_at = Some(hospital.now());
            row.valid_until = Some(hospital.now() + Duration::from_hours(8));
            row.needs_second = number == 1;
            kept(&hospital, &row).await;
            hospital.pass(Duration::from_secs(1));
            rows.push(row.id);
        }
        let ids = |rows: Vec<PrescriptionRow>| rows.into_iter().map(|row| row.id).collect::<Vec<_>>();
        let mut tx = db.read().await.unwrap();
        assert_eq!(ids(tx.prescriptions().to_review(hospital.institution, hospital.now(), 9).await.unwrap()), rows);
        let (first, second) = (hospital.desks[0].doctor, hospital.desks[1].doctor);
        assert_eq!(ids(tx.prescriptions().to_countersign(hospital.institution, second).await.unwrap()), [rows[1]]);
        assert_eq!(ids(tx.prescriptions().to_countersign(hospital.institution, first).await.unwrap()), []);
        let stranger = hospital.ids.make(yunzhen::domain::ids::InstitutionId::from_uuid);
        assert_eq!(ids(tx.prescriptions().to_review(stranger, hospital.now(), 9).await.unwrap()), []);
        let then = hospital.now() + Duration::from_hours(8) - Duration::from_secs(2);
        assert_eq!(ids(tx.prescriptions().run_out(then, 9, 0).await.unwrap()), rows[..2]);
        assert_eq!(ids(tx.prescriptions().run_out(then, 9, 1).await.unwrap()), rows[1..2]);
        assert_eq!(ids(tx.prescriptions().to_review(hospital.institution, then, 9).await.unwrap()), rows[2..], "the others");
    }

    async fn what_is_ticked_last_holds(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let visit = visit(&hospital, 0).await;
        let mut row = BasisRow {
            visit_id: visit.id,
            institution_id: hospital.institution,
            kind: VisitKind::Consult,
            proof_seen: false,
            guardian_present: false,
            paediatric: true,
            pregnancy: Pregnancy::Unknown,
            ticked_by: visit.doctor_id,
            ticked_at: hospital.now(),
        };
        for kind in [VisitKind::Consult, VisitKind::Return] {
            row.kind = kind;
            row.proof_seen = kind == VisitKind::Return;
            hospital.write(async |tx| tx.prescriptions().tick(&row).await.unwrap()).await;
        }
        assert_eq!(db.read().await.unwrap().prescriptions().basis(visit.id).await.unwrap(), Some(row));
    }
}

async fn kept_again(hospital: &Hospital, row: &PrescriptionRow) {
    hospital.write(async |tx| tx.prescriptions().save(row).await.unwrap()).await;
}
