//! Doctors' hours while somebody else changes them.

use std::time::Duration;

use serde_json::{Value, json};
use yunzhen::domain::appointment::roster::ExceptionKind;
use yunzhen::store::{ExceptionRow, RosterRow};

use crate::support::app::TestApp;
use crate::support::database::Db;
use crate::support::hospital::Hospital;
use crate::support::on_both;

async fn rosters(db: &Db) -> Vec<RosterRow> {
    db.read().await.unwrap().rosters().all().await.unwrap()
}

/// Lets others come as far as they get: on PostgreSQL until one waits for a roster, on SQLite until one waits to write.
async fn until_somebody_waits(db: &Db) {
    let Db::Postgres(pool) = db else { return db.ping().await.unwrap() };
    let waiting = "select count(*) from pg_locks where locktype = 'tuple' and relation = 'roster'::regclass";
    let until = async { while sqlx::query_scalar::<_, i64>(waiting).fetch_one(pool).await.unwrap() == 0 {} };
    // Whoever waits for nothing is as far as well.
    tokio::time::timeout(Duration::from_secs(3), until).await.ok();
}

/// Hours of the first doctor, on a day of the week of its own.
fn hours(row: &RosterRow, first: &str, last: Option<&str>) -> Value {
    json!({
        "clinic": row.clinic_id, "doctor": row.doctor_id, "weekdays": "1", "from": "09:00", "to": "10:00",
        "minutes": 20, "capacity": 1, "first_day": first, "last_day": last
    })
}

on_both! {
    async fn hours_that_end_while_they_are_rolled_have_no_slot_after_their_end(db: Db) {
        let app = TestApp::over(db.clone(), false).await;
        let roster = rosters(&db).await.remove(0);
        let mut ending = db.begin().await.unwrap();
        assert!(ending.rosters().end(roster.id, roster.version, "2026-03-03").await.unwrap());
        let (rolled, ()) = tokio::join!(app.services.roll_slots(), async {
            until_somebody_waits(&db).await;
            ending.commit().await.unwrap();
        });
        rolled.unwrap();
        let slots = db.read().await.unwrap().slots().of_roster(roster.id, "2026-03-02").await.unwrap();
        let days: Vec<&str> = slots.iter().map(|slot| slot.day.as_str()).collect();
        assert!(!days.is_empty() && days.iter().all(|day| *day <= "2026-03-03"), "{days:?}");
    }

    async fn hours_that_meet_are_kept_once_however_many_are_added_at_once(db: Db) {
        let app = TestApp::over(db.clone(), false).await;
        let admin = app.staff("admin").await;
        let old = rosters(&db).await.remove(0);
        let end = json!({ "last_day": "2026-03-31", "version": old.version });
        admin.post(&format!("/rosters/{}/end", old.id.as_uuid()), &end).await.ok();
        let hours = hours(&old, "2026-06-01", None);
        let (one, other) = tokio::join!(admin.post("/rosters", &hours), admin.post("/rosters", &hours));
        let (kept, refused) = if one.status.is_success() { (one, other) } else { (other, one) };
        kept.ok();
        refused.refused_field("roster.invalid", "from");
    }

    async fn hours_are_not_made_longer_into_others_of_their_doctor(db: Db) {
        let app = TestApp::over(db.clone(), false).await;
        let admin = app.staff("admin").await;
        let old = rosters(&db).await.remove(0);
        let path = format!("/rosters/{}/end", old.id.as_uuid());
        let end = async |last: &str, version: i64| {
            admin.post(&path, &json!({ "last_day": last, "version": version })).await
        };
        let shorter = end("2026-03-31", old.version).await.ok();
        admin.post("/rosters", &hours(&old, "2026-06-01", Some("2026-06-30"))).await.ok();
        let version = shorter["version"].as_i64().unwrap();
        end("2026-06-01", version).await.refused_field("roster.invalid", "last_day");
        end("2026-05-31", version).await.ok();
    }

    async fn an_absence_that_does_not_read_makes_no_day_bookable(db: Db) {
        let app = TestApp::over(db.clone(), false).await;
        let roster = rosters(&db).await.remove(0);
        let absence = ExceptionRow {
            roster_id: roster.id,
            day: "2026-03-04".into(),
            kind: ExceptionKind::Off,
            from_minute: 0,
            to_minute: 5000,
            made_by: None,
            made_at: app.clock.now(),
        };
        let mut tx = db.begin().await.unwrap();
        tx.rosters().except(&absence).await.unwrap();
        tx.commit().await.unwrap();
        app.services.roll_slots().await.unwrap();
        let mut tx = db.read().await.unwrap();
        assert!(tx.slots().of_roster(roster.id, "2026-03-04").await.unwrap().is_empty());
    }

    async fn an_import_says_no_more_of_another_houses_doctor_than_of_nobody(db: Db) {
        let app = TestApp::over(db.clone(), false).await;
        Hospital::open(&db, 1).await;
        let admin = app.staff("admin").await;
        let import = async |doctor: &str| {
            let csv = format!(
                "clinic,doctor,weekdays,from,to,minutes,capacity,first_day,last_day\r\n\
                 tcm,{doctor},1,09:00,12:00,15,1,2026-06-01,"
            );
            admin.post("/rosters/import", &json!({ "csv": csv, "dry_run": false })).await.refused("import.invalid")
        };
        let (theirs, nobody) = (import("doctor0").await, import("nobody").await);
        assert_eq!(theirs["field"], "2:doctor");
        assert_eq!(theirs, nobody);
    }
}
