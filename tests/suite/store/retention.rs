//! No job deletes early: each class at the millisecond before its time and at its time, on both databases.

use std::time::Duration;

use sqlx::types::Json;
use uuid::Uuid;
use yunzhen::domain::ids::{ApprovalId, DeclarationId, HoldId, PurposeEndId, TriageId};
use yunzhen::domain::prescription::{Phase, canonical};
use yunzhen::domain::retention::{RetentionClass, root};
use yunzhen::domain::time::Timestamp;
use yunzhen::domain::triage::{Disposition, Level, RuleSetStatus};
use yunzhen::domain::visit::VisitEnd;
use yunzhen::store::{
    ApprovalRow, CertificateRow, DeclarationRow, GoneRow, HoldRow, PrescriptionRow, PurposeEndRow, SignedVersionRow,
    TriageRow, VisitRow,
};

use super::intake::{draft, family};
use super::messages::line;
use super::notes;
use super::prescriptions::{kept, prescription};
use super::recordings;
use crate::support::app::TestApp;
use crate::support::hospital::Hospital;
use crate::support::on_both;
use crate::support::sql::refusal;
use crate::support::visiting::visit;

pub(super) const MILLISECOND: Duration = Duration::from_millis(1);

/// Turns the server's clock to a moment.
pub(super) fn turn(app: &TestApp, at: Timestamp) {
    app.clock.advance(at.since(app.clock.now()));
    assert_eq!(app.clock.now(), at, "no clock goes back");
}

pub(super) async fn ended(hospital: &Hospital, desk: usize) -> VisitRow {
    let visit = visit(hospital, desk).await;
    hospital.pass(Duration::from_mins(10));
    let now = hospital.now();
    let ticket = hospital.find(visit.ticket_id).await;
    hospital
        .write(async |tx| {
            assert!(tx.visits().end(visit.id, VisitEnd::Finished, now).await.unwrap());
            tx.tickets().finish(ticket.id, ticket.version, now).await.unwrap().unwrap();
        })
        .await;
    VisitRow { ended_at: Some(now), ..visit }
}

fn sheet(herb: &str) -> String {
    let sheet = serde_json::json!({ "herbal": {
        "lines": [{ "written": herb, "mg": 3000 }], "doses": 3, "doses_per_day": 1, "times_per_day": 2, "ml": 200
    }});
    canonical(&serde_json::from_value(sheet).unwrap())
}

/// A prescription that was signed now.
async fn signed(hospital: &Hospital, visit: &VisitRow, number: &str, herb: &str) -> PrescriptionRow {
    let mut row = prescription(hospital, visit, number, Phase::Dispensed, ("2026-11-24", "2026-11-26"));
    row.content = sheet(herb);
    row.signed_at = Some(hospital.now());
    row.hash = Some(format!("hash of {number}"));
    kept(hospital, &row).await;
    let version = SignedVersionRow {
        prescription_id: row.id,
        version: 1,
        content: row.content.clone(),
        report: row.report.clone(),
        answers: row.answers.clone(),
        stated: row.stated.clone(),
        hash: format!("hash of {number}"),
        signed_by: row.doctor_id,
        signed_at: hospital.now(),
    };
    hospital.write(async |tx| tx.prescriptions().sign(&version).await.unwrap()).await;
    row
}

async fn approve(hospital: &Hospital, class: RetentionClass, at: Timestamp) {
    let row = ApprovalRow {
        id: hospital.ids.make(ApprovalId::from_uuid),
        institution_id: hospital.institution,
        class,
        due_until: at,
        approved_by: "account_1".into(),
        approved_at: at,
    };
    hospital.write(async |tx| tx.retention().approve(&row).await.unwrap()).await;
}

async fn end_purpose(hospital: &Hospital, declared_until: Timestamp, said_at: Timestamp) {
    let row = PurposeEndRow {
        id: hospital.ids.make(PurposeEndId::from_uuid),
        institution_id: hospital.institution,
        clinic_id: hospital.clinic,
        declared_until,
        said_by: "account_1".into(),
        said_at,
    };
    hospital.write(async |tx| tx.retention().end_purpose(&row).await.unwrap()).await;
}

pub(super) async fn hold(hospital: &Hospital, subject: String) -> HoldId {
    let row = HoldRow {
        id: hospital.ids.make(HoldId::from_uuid),
        institution_id: hospital.institution,
        subject,
        reason_sealed: vec![1],
        placed_by: "account_1".into(),
        placed_at: hospital.now(),
        lifted_by: None,
        lifted_at: None,
        lift_sealed: None,
    };
    hospital.write(async |tx| tx.holds().insert(&row).await.unwrap()).await;
    row.id
}

async fn lift(hospital: &Hospital, id: HoldId, at: Timestamp) {
    let lifted =
        hospital.write(async |tx| tx.holds().lift(hospital.institution, id, "account_1", b"sealed", at).await.unwrap());
    assert!(lifted.await);
}

pub(super) async fn certificates(hospital: &Hospital) -> Vec<CertificateRow> {
    hospital.db.read().await.unwrap().certificates().newest(hospital.institution, 100).await.unwrap()
}

/// One certificate, whose counts and hashes are those that it says.
#[track_caller]
pub(super) fn certified(certificates: &[CertificateRow], class: RetentionClass, count: i64, due: Timestamp) {
    let of: Vec<&CertificateRow> = certificates.iter().filter(|one| one.class == class).collect();
    let [one] = of[..] else { panic!("{} certificates of {class:?}", of.len()) };
    let hashes: Vec<String> = one.hashes.lines().map(str::to_owned).collect();
    assert_eq!((one.count, hashes.len()), (count, usize::try_from(count).unwrap()));
    assert!(hashes.iter().all(|hash| !hash.is_empty() && hash.bytes().all(|digit| digit.is_ascii_hexdigit())));
    assert_eq!(one.hashes_root, root(&hashes), "who has the hashes makes the same root");
    assert_eq!((one.first_due, one.last_due), (due, due));
    assert!(one.made_at >= due);
}

async fn declared(hospital: &Hospital, index: u8) -> DeclarationRow {
    let people = family(hospital, index).await;
    let row = draft(hospital, hospital.clinic, people);
    let now = hospital.now();
    let triage = TriageRow {
        id: hospital.ids.make(TriageId::from_uuid),
        institution_id: hospital.institution,
        declaration_id: row.id,
        patient_id: people.1,
        ticket_id: None,
        ruleset_version: "1".into(),
        ruleset_status: RuleSetStatus::Draft,
        level: Level::Standard,
        disposition: Disposition::Video,
        matched: Json(vec!["S01".into()]),
        facts_sealed: Some(vec![1, 2]),
        nurse_call: false,
        alarm_id: None,
        decided_by: None,
        reason: None,
        at: now,
    };
    hospital
        .write(async |tx| {
            assert!(tx.declarations().insert(&row).await.unwrap());
            assert!(tx.declarations().submit(row.id, row.version, now).await.unwrap());
            tx.triages().insert(&triage).await.unwrap();
        })
        .await;
    row
}

async fn is_there(hospital: &Hospital, id: DeclarationId) -> bool {
    let mut tx = hospital.db.read().await.unwrap();
    tx.declarations().find(hospital.institution, id).await.unwrap().is_some()
}

on_both! {
    async fn a_prescription_goes_at_its_time_and_by_approval_alone_each_class_for_itself(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let app = TestApp::over(db.clone(), false).await;
        let visit = ended(&hospital, 0).await;
        let since = hospital.now();
        let classes = [
            ("R-1", "茯苓", RetentionClass::PrescriptionOrdinary),
            ("R-2", "生川乌", RetentionClass::PrescriptionToxic),
            ("R-3", "罂粟壳", RetentionClass::PrescriptionControlled),
        ];
        let mut rows = Vec::new();
        for (number, herb, _) in classes {
            rows.push(signed(&hospital, &visit, number, herb).await);
        }
        for (row, (number, _, class)) in rows.iter().zip(classes) {
            let due = since + class.span();
            turn(&app, due - MILLISECOND);
            approve(&hospital, class, due - MILLISECOND).await;
            assert_eq!(app.services.remove_prescriptions().await.unwrap(), 0, "{number}: a millisecond too early");
            turn(&app, due);
            assert_eq!(app.services.remove_prescriptions().await.unwrap(), 0, "{number}: what was approved was not this");
            approve(&hospital, class, due).await;
            assert_eq!(app.services.remove_prescriptions().await.unwrap(), 1, "{number}");
            assert_eq!(app.services.remove_prescriptions().await.unwrap(), 0, "{number}: once");
            let mut tx = db.read().await.unwrap();
            assert_eq!(tx.prescriptions().find(row.id).await.unwrap(), None);
            assert_eq!(tx.prescriptions().signed(row.id).await.unwrap(), []);
            let gone = tx.retention().gone(row.id).await.unwrap().unwrap();
            assert_eq!((gone.class, gone.due, gone.gone_at), (class, due, due));
            let about = tx.audit().about(hospital.institution, &[row.id.to_string()]).await.unwrap();
            assert_eq!(about.iter().filter(|entry| entry.action == "rx.expire").count(), 1);
            drop(tx);
            let certificates = certificates(&hospital).await;
            certified(&certificates, class, 1, due);
            assert!(certificates.iter().any(|one| one.hashes == gone.hash), "the certificate names it by its hash");
        }
    }

    async fn a_sheet_that_was_returned_and_written_anew_counts_from_its_last_signature(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let app = TestApp::over(db.clone(), false).await;
        let visit = ended(&hospital, 0).await;
        let mut row = signed(&hospital, &visit, "R-1", "茯苓").await;
        let since = hospital.now();
        // The doctor took it back and never signed again.
        (row.state, row.signed_at, row.hash) = (Phase::Draft, None, None);
        hospital.write(async |tx| tx.prescriptions().save(&row).await.unwrap()).await;
        let class = RetentionClass::PrescriptionOrdinary;
        let due = since + class.span();
        turn(&app, due);
        assert_eq!(app.services.remove_prescriptions().await.unwrap(), 0, "nobody approved");
        approve(&hospital, class, due).await;
        assert_eq!(app.services.remove_prescriptions().await.unwrap(), 1);
        certified(&certificates(&hospital).await, class, 1, due);
    }

    async fn a_sheet_that_nobody_ever_signed_goes_with_the_rest_of_its_visit(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let app = TestApp::over(db.clone(), false).await;
        let visit = ended(&hospital, 0).await;
        kept(&hospital, &prescription(&hospital, &visit, "R-1", Phase::Draft, ("2026-11-24", "2026-11-26"))).await;
        let due = visit.ended_at.unwrap() + RetentionClass::ProcessRecord.span();
        turn(&app, due - MILLISECOND);
        assert_eq!(app.services.remove_prescriptions().await.unwrap(), 0);
        turn(&app, due);
        assert_eq!(app.services.remove_prescriptions().await.unwrap(), 1);
        certified(&certificates(&hospital).await, RetentionClass::ProcessRecord, 1, due);
    }

    async fn a_held_prescription_stays_until_the_last_hold_on_it_or_its_visit_is_lifted(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let app = TestApp::over(db.clone(), false).await;
        let visit = ended(&hospital, 0).await;
        let row = signed(&hospital, &visit, "R-1", "茯苓").await;
        let (own, whole) = (hold(&hospital, row.id.to_string()).await, hold(&hospital, visit.id.to_string()).await);
        let class = RetentionClass::PrescriptionOrdinary;
        let late = hospital.now() + class.span() * 3;
        turn(&app, late);
        approve(&hospital, class, late).await;
        assert_eq!(app.services.remove_prescriptions().await.unwrap(), 0);
        lift(&hospital, own, late).await;
        assert_eq!(app.services.remove_prescriptions().await.unwrap(), 0, "its visit is held");
        lift(&hospital, whole, late).await;
        assert_eq!(app.services.remove_prescriptions().await.unwrap(), 1);
    }

    async fn the_database_itself_keeps_a_signed_prescription_that_is_not_due(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let visit = ended(&hospital, 0).await;
        let row = signed(&hospital, &visit, "R-1", "茯苓").await;
        assert!(refusal(&db, "delete from prescription_version").await.contains("a signed prescription is a fact"));
        let early = GoneRow {
            prescription_id: row.id,
            institution_id: hospital.institution,
            class: RetentionClass::PrescriptionOrdinary,
            hash: "aa".into(),
            due: hospital.now(),
            gone_at: hospital.now() - MILLISECOND,
        };
        let mut tx = db.begin().await.unwrap();
        assert!(tx.retention().mark_gone(&early).await.is_err(), "before its time");
        drop(tx);
        let due = GoneRow { gone_at: hospital.now(), ..early };
        hospital.write(async |tx| tx.retention().mark_gone(&due).await.unwrap()).await;
        assert!(refusal(&db, "delete from prescription_gone").await.contains("is a fact"));
        assert!(refusal(&db, "update prescription_gone set due = 0").await.contains("is a fact"));
        assert!(refusal(&db, "update prescription_version set content = ''").await.contains("is a fact"));
        hospital.write(async |tx| tx.prescriptions().forget(row.id).await.unwrap()).await;
    }

    async fn a_declaration_goes_so_many_days_after_somebody_said_that_its_purpose_ended(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let app = TestApp::over(db.clone(), false).await;
        let row = declared(&hospital, 1).await;
        let stated = hospital.now();
        hospital.pass(Duration::from_secs(1));
        let later = declared(&hospital, 2).await;
        let said = stated + Duration::from_hours(24 * 400);
        turn(&app, said);
        assert_eq!(app.services.remove_declarations().await.unwrap(), 0, "nobody has said so");
        // The word reaches up to the first of them, and counts from when it was said.
        end_purpose(&hospital, stated, said).await;
        let due = said + RetentionClass::Declaration.span();
        turn(&app, due - MILLISECOND);
        assert_eq!(app.services.remove_declarations().await.unwrap(), 0, "a millisecond too early");
        assert!(is_there(&hospital, row.id).await);
        turn(&app, due);
        assert_eq!(app.services.remove_declarations().await.unwrap(), 1);
        assert_eq!(app.services.remove_declarations().await.unwrap(), 0, "once");
        assert!(!is_there(&hospital, row.id).await);
        assert!(is_there(&hospital, later.id).await, "of this nobody spoke");
        certified(&certificates(&hospital).await, RetentionClass::Declaration, 1, due);
        let mut tx = db.read().await.unwrap();
        let triage = tx.triages().of_declaration(row.id).await.unwrap().unwrap();
        assert_eq!((triage.facts_sealed, triage.level), (None, Level::Standard), "the level stays, the facts go");
        let newest = tx.declarations().newest_submitted(row.holder_id, row.patient_id, hospital.clinic).await.unwrap();
        assert_eq!(newest, None, "nobody takes a number with it");
        let about = tx.audit().about(hospital.institution, &[row.id.to_string()]).await.unwrap();
        assert_eq!(about.iter().filter(|entry| entry.action == "declaration.expire").count(), 1);
    }

    async fn a_draft_of_a_declaration_goes_whole(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let app = TestApp::over(db.clone(), false).await;
        let people = family(&hospital, 1).await;
        let row = draft(&hospital, hospital.clinic, people);
        hospital.write(async |tx| assert!(tx.declarations().insert(&row).await.unwrap())).await;
        let said = hospital.now() + Duration::from_hours(24);
        end_purpose(&hospital, said, said).await;
        turn(&app, said + RetentionClass::Declaration.span());
        assert_eq!(app.services.remove_declarations().await.unwrap(), 1);
        let anew = DeclarationRow { id: hospital.ids.make(DeclarationId::from_uuid), ..row };
        hospital.write(async |tx| assert!(tx.declarations().insert(&anew).await.unwrap(), "nothing is in its place")).await;
    }

    async fn a_declaration_stays_while_its_patient_waits_or_somebody_holds_the_visit(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let app = TestApp::over(db.clone(), false).await;
        let waits = declared(&hospital, 1).await;
        let mut ticket = hospital.ticket(hospital.clinic, 50, Level::Standard);
        ticket.declaration_id = Some(waits.id);
        ticket.holder_id = Some(waits.holder_id);
        hospital.write(async |tx| tx.tickets().insert(&ticket).await.unwrap()).await;
        let said = hospital.now() + Duration::from_hours(24);
        end_purpose(&hospital, said, said).await;
        let late = said + RetentionClass::Declaration.span() * 2;
        turn(&app, late);
        assert_eq!(app.services.remove_declarations().await.unwrap(), 0, "the patient waits still");
        // The ticket is called and served; the visit is held.
        let called = hospital.call(0).await;
        assert_eq!(called.id, ticket.id);
        let ticket = hospital.serve(&called).await;
        let held = VisitRow { ticket_id: ticket.id, ..visit(&hospital, 1).await };
        let id = Uuid::from_u128(77);
        let room = crate::support::visiting::room(&hospital, yunzhen::domain::room::RoomPurpose::Visit, id);
        let held = VisitRow { id: yunzhen::domain::ids::VisitId::from_uuid(id), room_id: room.id, ..held };
        let order = hold(&hospital, held.id.to_string()).await;
        let now = hospital.now();
        hospital.write(async |tx| {
            tx.rooms().insert(&room).await.unwrap();
            tx.visits().insert(&held).await.unwrap();
            assert!(tx.visits().end(held.id, VisitEnd::Finished, now).await.unwrap());
            tx.tickets().finish(ticket.id, ticket.version, now).await.unwrap().unwrap();
        }).await;
        assert_eq!(app.services.remove_declarations().await.unwrap(), 0, "the visit is held");
        lift(&hospital, order, late).await;
        assert_eq!(app.services.remove_declarations().await.unwrap(), 1);
    }

    async fn a_conversation_goes_at_its_time(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let app = TestApp::over(db.clone(), false).await;
        let visit = ended(&hospital, 0).await;
        let said = line(&hospital, &visit, b"sealed");
        hospital.write(async |tx| assert!(tx.messages().insert(&said).await.unwrap())).await;
        let due = visit.ended_at.unwrap() + RetentionClass::ProcessRecord.span();
        turn(&app, due - MILLISECOND);
        assert_eq!(app.services.apply_retention().await.unwrap(), 0, "a millisecond too early");
        turn(&app, due);
        assert_eq!(app.services.apply_retention().await.unwrap(), 1);
        certified(&certificates(&hospital).await, RetentionClass::ProcessRecord, 1, due);
    }

    async fn a_recording_goes_after_its_time(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let app = TestApp::over(db.clone(), false).await;
        let (_, film) = recordings::kept(&hospital).await;
        turn(&app, film.retain_until - MILLISECOND);
        assert_eq!(app.services.remove_recordings().await.unwrap(), 0, "a millisecond too early");
        turn(&app, film.retain_until);
        assert_eq!(app.services.remove_recordings().await.unwrap(), 0, "until the end of its last millisecond");
        turn(&app, film.retain_until + MILLISECOND);
        assert_eq!(app.services.remove_recordings().await.unwrap(), 1);
        certified(&certificates(&hospital).await, RetentionClass::ProcessRecord, 1, film.retain_until);
    }

    async fn a_held_film_stays_until_the_last_hold_on_it_or_its_visit_is_lifted(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let app = TestApp::over(db.clone(), false).await;
        let (visit, film) = recordings::kept(&hospital).await;
        let (own, whole) = (hold(&hospital, film.id.to_string()).await, hold(&hospital, visit.id.to_string()).await);
        let late = film.retain_until + MILLISECOND;
        turn(&app, late);
        assert_eq!(app.services.remove_recordings().await.unwrap(), 0);
        lift(&hospital, own, late).await;
        assert_eq!(app.services.remove_recordings().await.unwrap(), 0, "its visit is held");
        assert!(db.read().await.unwrap().recordings().find(film.id).await.unwrap().is_some());
        lift(&hospital, whole, late).await;
        assert_eq!(app.services.remove_recordings().await.unwrap(), 1);
        certified(&certificates(&hospital).await, RetentionClass::ProcessRecord, 1, film.retain_until);
    }

    async fn in_a_hundred_years_every_job_leaves_notes_the_audit_and_what_nobody_approved(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let app = TestApp::over(db.clone(), false).await;
        let visit = ended(&hospital, 0).await;
        let note = notes::note(&hospital, &visit, 1);
        hospital.write(async |tx| tx.notes().sign(&note).await.unwrap()).await;
        let rx = signed(&hospital, &visit, "R-1", "茯苓").await;
        let declaration = declared(&hospital, 1).await;
        let before = db.read().await.unwrap().audit().head(hospital.institution).await.unwrap();
        turn(&app, hospital.now() + Duration::from_hours(24 * 36_600));
        app.services.apply_retention().await.unwrap();
        app.services.remove_recordings().await.unwrap();
        assert_eq!(app.services.remove_prescriptions().await.unwrap(), 0);
        assert_eq!(app.services.remove_declarations().await.unwrap(), 0);
        let mut tx = db.read().await.unwrap();
        assert_eq!(tx.notes().signed(visit.id).await.unwrap(), [note]);
        assert!(tx.prescriptions().find(rx.id).await.unwrap().is_some());
        assert!(tx.audit().head(hospital.institution).await.unwrap() >= before);
        drop(tx);
        assert!(is_there(&hospital, declaration.id).await);
        assert_eq!(certificates(&hospital).await, []);
    }

    async fn what_was_said_of_retention_never_changes_and_reaches_into_no_future(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let now = hospital.now();
        end_purpose(&hospital, now, now).await;
        approve(&hospital, RetentionClass::PrescriptionToxic, now).await;
        for change in [
            "update purpose_end set said_at = said_at + 1",
            "delete from purpose_end",
            "update retention_approval set class = 'prescription_ordinary'",
            "delete from retention_approval",
        ] {
            assert!(refusal(&db, change).await.contains("is a fact"), "{change}");
        }
        let until = async |class| {
            db.read().await.unwrap().retention().approved_until(hospital.institution, class).await.unwrap()
        };
        assert_eq!(until(RetentionClass::PrescriptionToxic).await, Some(now));
        let mut tx = hospital.db.begin().await.unwrap();
        let ahead = PurposeEndRow {
            id: hospital.ids.make(PurposeEndId::from_uuid),
            institution_id: hospital.institution,
            clinic_id: hospital.clinic,
            declared_until: now + MILLISECOND,
            said_by: "account_1".into(),
            said_at: now,
        };
        assert!(tx.retention().end_purpose(&ahead).await.is_err(), "what will be declared has its purpose");
    }
}
