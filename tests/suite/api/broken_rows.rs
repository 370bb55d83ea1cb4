//! One broken row keeps no job from all the others.

use std::time::Duration;

use serde_json::json;
use yunzhen::domain::appointment::AppointmentState;
use yunzhen::domain::ids::PrescriptionId;
use yunzhen::domain::prescription::Phase;

use crate::clinic::stage::card;
use crate::store::prescriptions::{kept, prescription};
use crate::support::app::TestApp;
use crate::support::database::Db;
use crate::support::hospital::Hospital;
use crate::support::on_both;
use crate::support::sql::run;
use crate::support::visiting::visit;

/// How long what is signed here is good.
const VALID: Duration = Duration::from_hours(8);

/// From now on nobody can change the appointment of whoever looks at it from Rome.
async fn break_rome(db: &Db) {
    match db {
        Db::Sqlite { .. } => {
            run(
                db,
                "create trigger broken before update on appointment when old.viewer_zone = 'Europe/Rome'
                 begin select raise(abort, 'broken'); end",
            )
            .await;
        }
        Db::Postgres(_) => {
            run(
                db,
                "create function broken() returns trigger language plpgsql as $$
                 begin raise exception 'broken'; end $$",
            )
            .await;
            run(
                db,
                "create trigger broken before update on appointment for each row
                 when (old.viewer_zone = 'Europe/Rome') execute function broken()",
            )
            .await;
        }
    }
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
        break_rome(&db).await;
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
}
