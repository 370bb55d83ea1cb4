//! What is many or broken is done or left aside: it hides nothing and holds nobody up.

use std::time::Duration;

use serde_json::json;
use yunzhen::clock::Ids;
use yunzhen::domain::alarm::AlarmKind;
use yunzhen::domain::herb::gate::{Finding, Needs, Report, Severity};
use yunzhen::domain::ids::{AccountId, DeskId};
use yunzhen::domain::prescription::{Phase, canonical};
use yunzhen::domain::text::Text;
use yunzhen::domain::triage::{Level, RuleSetStatus};
use yunzhen::store::AlarmRow;

use crate::store::alarms::{alarm, raise};
use crate::store::intake::family;
use crate::store::prescriptions::{kept, prescription};
use crate::support::app::TestApp;
use crate::support::database::Db;
use crate::support::hospital::{Desk, Hospital};
use crate::support::on_both;
use crate::support::sql::run;
use crate::support::visiting::visit;

/// How long what is signed here is good.
const VALID: Duration = Duration::from_hours(8);

/// From now on nobody can write some rows: a trigger for each database.
async fn break_updates(db: &Db, sqlite: &'static str, postgres: &'static str) {
    match db {
        Db::Sqlite { .. } => run(db, sqlite).await,
        Db::Postgres(_) => {
            run(
                db,
                "create function broken() returns trigger language plpgsql as $$
                 begin raise exception 'broken'; end $$",
            )
            .await;
            run(db, postgres).await;
        }
    }
}

/// Two more desks in the hospital of the demonstration.
async fn demo(app: &TestApp) -> Hospital {
    let mut tx = app.db.begin().await.unwrap();
    let institution = tx.institutions().all().await.unwrap()[0].id;
    let clinic = tx.clinics().of(institution).await.unwrap()[0].id;
    let ids = Ids::seeded(app.clock.clone(), 2027);
    let (db, clock) = (app.db.clone(), app.clock.clone());
    let mut hospital = Hospital { db, clock, ids, institution, clinic, other: clinic, desks: Vec::new() };
    for name in ["extra1", "extra2"] {
        let desk = Desk { id: hospital.ids.make(DeskId::from_uuid), doctor: hospital.ids.make(AccountId::from_uuid) };
        tx.accounts().insert(&hospital.account_row(desk.doctor, name)).await.unwrap();
        tx.desks().insert(&hospital.desk_row(desk, name)).await.unwrap();
        hospital.desks.push(desk);
    }
    tx.commit().await.unwrap();
    hospital
}

fn sheet() -> String {
    let lines = json!([{ "written": "甘草", "mg": 3000 }]);
    let herbal = json!({ "lines": lines, "doses": 3, "doses_per_day": 1, "times_per_day": 2, "ml": 200 });
    canonical(&serde_json::from_value(json!({ "herbal": herbal })).unwrap())
}

/// A report with one warning that the doctor answered.
fn report() -> String {
    let both = Text::new("甲", "a");
    let finding = Finding {
        key: "DOSE-HIGH@0".into(),
        rule: "DOSE-HIGH".into(),
        lines: vec![0],
        severity: Severity::Warn,
        needs: Needs::Answer,
        fact: both.clone(),
        source: both,
        edition: "1".into(),
    };
    let (passed, data_version, data_status) = (Vec::new(), "1".to_owned(), RuleSetStatus::Draft);
    json!(Report { findings: vec![finding], passed, data_version, data_status }).to_string()
}

on_both! {
    async fn prescriptions_that_ran_out_together_are_all_marked_at_once(db: Db) {
        let app = TestApp::over(db.clone(), false).await;
        let hospital = Hospital::open(&db, 1).await;
        let visit = visit(&hospital, 0).await;
        for n in 0..150 {
            let mut row = prescription(&hospital, &visit, &format!("R-{n}"), Phase::Signed, ("2026-11-24", "2026-11-26"));
            row.signed_at = Some(app.clock.now());
            row.valid_until = Some(app.clock.now() + VALID);
            kept(&hospital, &row).await;
        }
        app.clock.advance(VALID);
        assert_eq!(app.services.expire_prescriptions().await.unwrap(), 150);
    }

    async fn no_crowd_of_old_prescriptions_and_no_broken_one_hides_what_waits_for_the_pharmacist(db: Db) {
        let app = TestApp::over(db.clone(), false).await;
        let hospital = demo(&app).await;
        let visit = visit(&hospital, 0).await;
        let patient = family(&hospital, 1).await.1;
        let now = app.clock.now();
        let mut numbers: Vec<String> = (0..100).map(|n| format!("OLD-{n}")).collect();
        numbers.extend(["BROKEN", "WAITS"].map(str::to_owned));
        for number in numbers {
            let mut row = prescription(&hospital, &visit, &number, Phase::Signed, ("2026-03-02", "2026-03-04"));
            row.patient_id = patient;
            row.signed_at = Some(if number.starts_with("OLD") { now - VALID } else { now });
            row.valid_until = row.signed_at.map(|at| at + VALID);
            row.content = if number == "BROKEN" { "?".to_owned() } else { sheet() };
            row.report = report();
            kept(&hospital, &row).await;
        }
        let pharmacist = app.staff("pharmacist").await;
        let queue = pharmacist.get("/pharmacy/queue").await.ok();
        let waiting: Vec<&str> = queue["waiting"].as_array().unwrap().iter().map(|one| one["number"].as_str().unwrap()).collect();
        assert_eq!(waiting, ["WAITS"]);
        run(&db, "update prescription set report = '?' where number = 'BROKEN'").await;
        let warned = pharmacist.get("/pharmacy/warned").await.ok();
        let warned: Vec<&str> = warned.as_array().unwrap().iter().map(|one| one["number"].as_str().unwrap()).collect();
        assert_eq!(warned, ["WAITS"]);
    }

    async fn a_folded_alarm_that_cannot_rise_keeps_no_other_from_ringing(db: Db) {
        let app = TestApp::over(db.clone(), false).await;
        let hospital = Hospital::open(&db, 1).await;
        let mut raised = Vec::new();
        for origin in [1, 2] {
            let folded = AlarmRow { origin: Some(vec![origin; 16]), folded: true, ..alarm(&hospital, AlarmKind::RedFlag) };
            raise(&hospital, &folded).await;
            hospital.pass(Duration::from_secs(1));
            raised.push(folded.id);
        }
        // The first of them was raised when every story begins.
        break_updates(
            &db,
            "create trigger broken before update on alarm when old.raised_at = 1795478400000
             begin select raise(abort, 'broken'); end",
            "create trigger broken before update on alarm for each row
             when (old.raised_at = 1795478400000) execute function broken()",
        )
        .await;
        app.services.sweep().await.unwrap();
        let mut folded = Vec::new();
        for id in raised {
            folded.push(db.read().await.unwrap().alarms().find(id).await.unwrap().unwrap().folded);
        }
        assert_eq!(folded, [true, false]);
    }

    async fn a_call_that_cannot_be_told_keeps_no_other_from_its_text_message(db: Db) {
        let app = TestApp::over(db.clone(), false).await;
        let hospital = demo(&app).await;
        app.holder("13800000001").await;
        hospital.join_many(2, Level::Standard).await;
        run(&db, "update ticket set holder_id = (select id from holder)").await;
        hospital.call(0).await;
        hospital.call(1).await;
        run(&db, "update ticket set call_count = 7 where no = 1").await;
        break_updates(
            &db,
            "create trigger broken before insert on ring_text when new.call_count = 7
             begin select raise(abort, 'broken'); end",
            "create trigger broken before insert on ring_text for each row
             when (new.call_count = 7) execute function broken()",
        )
        .await;
        hospital.pass(Duration::from_secs(11));
        app.services.sweep().await.unwrap();
        let told = || app.sent.lock().unwrap().iter().filter(|message| message.kind == "called").count();
        let sent = async { while told() == 0 { tokio::task::yield_now().await } };
        tokio::time::timeout(Duration::from_secs(20), sent).await.expect("the other is told");
        assert_eq!(told(), 1);
    }
}
