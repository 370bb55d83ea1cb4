//! One broken row keeps no job from all the others.

use std::time::Duration;

use serde_json::json;
use yunzhen::domain::appointment::AppointmentState;
use yunzhen::domain::ids::{PrescriptionId, RecordingId};
use yunzhen::domain::prescription::Phase;
use yunzhen::store::{RecordingRow, UploadRow};

use crate::clinic::stage::card;
use crate::store::prescriptions::{kept, prescription};
use crate::store::recordings::kept as recorded;
use crate::store::uploads::upload;
use crate::support::app::TestApp;
use crate::support::database::Db;
use crate::support::hospital::Hospital;
use crate::support::on_both;
use crate::support::sql::run;
use crate::support::visiting::visit;

/// How long what is signed here is good.
const VALID: Duration = Duration::from_hours(8);

/// From now on the database refuses what these words say, each in its own way.
async fn breaks(db: &Db, (sqlite, postgres): (&'static str, &'static str)) {
    if matches!(db, Db::Sqlite { .. }) {
        return run(db, sqlite).await;
    }
    run(
        db,
        "create function broken() returns trigger language plpgsql as $$
         begin raise exception 'broken'; end $$",
    )
    .await;
    run(db, postgres).await;
}

/// A trigger on rows that look so, for both databases.
macro_rules! broken {
    ($act:literal, $table:literal, $row:literal) => {
        (
            concat!(
                "create trigger broken before ",
                $act,
                " on ",
                $table,
                " when ",
                $row,
                " begin select raise(abort, 'broken'); end"
            ),
            concat!(
                "create trigger broken before ",
                $act,
                " on ",
                $table,
                " for each row when (",
                $row,
                ") execute function broken()"
            ),
        )
    };
}

on_both! {
    async fn an_appointment_that_cannot_be_ended_keeps_no_other_from_its_end(db: Db) {
        let app = TestApp::over(db.clone(), false).await;
        app.services.roll_slots().await.unwrap();
        let slots = app.browser().get("/slots?link=demo-tcm-clinic").await.ok()["slots"].clone();
        let holder = app.holder("13800000001").await;
        let identity = json!({ "name": "测试患者", "document": "resident_card", "number": card(1), "relation": "myself" });
        let patient = holder.post("/patients", &identity).await.ok()["id"].clone();
        let mut booked = Vec::new();
        // The broken one is the first whose time is over.
        for (slot, zone) in [(0, "Europe/Rome"), (2, "Asia/Shanghai")] {
            let body = json!({ "slot": slots[slot]["id"], "patient": patient, "zone": zone });
            let made = holder.post("/appointments", &body).await.ok();
            booked.push(made["id"].as_str().unwrap().parse().unwrap());
        }
        breaks(&db, broken!("update", "appointment", "old.viewer_zone = 'Europe/Rome'")).await;
        app.clock.advance(Duration::from_hours(3));
        app.services.run_jobs().await.unwrap();
        let mut tx = db.read().await.unwrap();
        let mut states = Vec::new();
        for id in booked {
            states.push(tx.appointments().find(id).await.unwrap().unwrap().state);
        }
        assert_eq!(states, [AppointmentState::Booked, AppointmentState::NoShow]);
    }

    async fn a_roster_that_makes_no_sense_keeps_no_other_from_its_slots(db: Db) {
        let app = TestApp::over(db.clone(), false).await;
        run(&db, "update roster set first_day = 'soon' where capacity = 1").await;
        assert!(app.services.roll_slots().await.unwrap() > 0);
        let view = app.browser().get("/slots?link=demo-tcm-clinic").await.ok();
        let slots = view["slots"].as_array().unwrap();
        assert!(!slots.is_empty() && slots.iter().all(|slot| slot["doctor_name"]["en"] == "Demo Doctor B"));
    }

    async fn a_prescription_whose_columns_contradict_each_other_keeps_no_other_from_running_out(db: Db) {
        let app = TestApp::over(db.clone(), false).await;
        let hospital = Hospital::open(&db, 1).await;
        let visit = visit(&hospital, 0).await;
        let signed_at = app.clock.now();
        let days = ("2026-11-24", "2026-11-26");
        let mut kept_as: Vec<PrescriptionId> = Vec::new();
        for (number, state, later) in [("R-1", Phase::Approved, 0), ("R-2", Phase::Signed, 1)] {
            let mut row = prescription(&hospital, &visit, number, state, days);
            row.signed_at = Some(signed_at + Duration::from_secs(later));
            row.valid_until = Some(signed_at + Duration::from_secs(later) + VALID);
            // Approved by nobody.
            kept(&hospital, &row).await;
            kept_as.push(row.id);
        }
        app.clock.advance(VALID + Duration::from_mins(1));
        assert_eq!(app.services.expire_prescriptions().await.unwrap(), 1);
        let mut tx = db.read().await.unwrap();
        let mut states = Vec::new();
        for id in kept_as {
            states.push(tx.prescriptions().find(id).await.unwrap().unwrap().state);
        }
        assert_eq!(states, [Phase::Approved, Phase::Expired]);
    }
    async fn an_upload_that_cannot_be_forgotten_keeps_no_other_from_being_swept(db: Db) {
        let app = TestApp::over(db.clone(), false).await;
        let hospital = Hospital::open(&db, 1).await;
        let visit = visit(&hospital, 0).await;
        let mut kept = Vec::new();
        // The broken one is the oldest.
        for (sender, later) in [("broken", 0), ("holder_1", 1)] {
            let row = UploadRow { sender: sender.into(), ..upload(&hospital, &visit, app.clock.now() + Duration::from_secs(later)) };
            hospital.write(async |tx| tx.uploads().begin(&row).await.unwrap()).await;
            kept.push(row.id);
        }
        breaks(&db, broken!("delete", "upload", "old.sender = 'broken'")).await;
        app.clock.advance(Duration::from_hours(25));
        assert_eq!(app.services.sweep_uploads().await.unwrap(), 1);
        let mut tx = db.read().await.unwrap();
        let left = [tx.uploads().find(kept[0]).await.unwrap().is_some(), tx.uploads().find(kept[1]).await.unwrap().is_some()];
        assert_eq!(left, [true, false]);
    }

    async fn films_that_cannot_be_removed_keep_none_behind_them_from_going(db: Db) {
        let app = TestApp::over(db.clone(), false).await;
        let hospital = Hospital::open(&db, 1).await;
        let (_, row) = recorded(&hospital).await;
        // More than are looked at together.
        for part in 2..=202_u32 {
            let before = row.retain_until - Duration::from_millis(part.into());
            let id = hospital.ids.make(RecordingId::from_uuid);
            let broken = RecordingRow { id, part: part.into(), hash: "broken".into(), retain_until: before, ..row.clone() };
            hospital.write(async |tx| tx.recordings().insert(&broken).await.unwrap()).await;
        }
        breaks(&db, broken!("delete", "recording", "old.hash = 'broken'")).await;
        app.clock.advance(Duration::from_hours(24 * 366 * 4));
        assert_eq!(app.services.remove_recordings().await.unwrap(), 1);
    }
}
