//! The waiting list, and one telephone that would have more of it than others.

use std::time::Duration;

use serde_json::{Value, json};
use yunzhen::store::ATTEMPTS;

use crate::clinic::stage::card;
use crate::support::app::{Browser, TestApp};
use crate::support::database::Db;
use crate::support::on_both;

const TCM: &str = "demo-tcm-clinic";
const HALF_HOUR: Duration = Duration::from_mins(30);

/// A day of the clinic, and the slots of the doctor who sees one patient at a time.
async fn singles(app: &TestApp) -> (Value, Vec<Value>) {
    app.services.roll_slots().await.unwrap();
    let day = app.browser().get(&format!("/slots?link={TCM}")).await.ok()["days"][2]["day"].clone();
    let view = app.browser().get(&format!("/slots?link={TCM}&day={}", day.as_str().unwrap())).await.ok();
    let slots = view["slots"].as_array().unwrap().iter();
    (day, slots.filter(|slot| slot["doctor_name"]["en"] == "Demo Doctor A").cloned().collect())
}

/// The owner of the `n`th telephone; a token is good for ten minutes.
async fn holder(app: &TestApp, n: u32) -> Browser<'_> {
    // The doors that need no token let five a second in.
    app.pass(2);
    app.holder(&format!("138000{n:05}")).await
}

/// Whom a telephone names, by a card and a spelling.
async fn named(holder: &Browser<'_>, name: &str, n: u32) -> Value {
    let identity = json!({ "name": name, "document": "resident_card", "number": card(n), "relation": "child" });
    holder.post("/patients", &identity).await.ok()["id"].clone()
}

/// A patient waits for a place of a day, a moment after whoever came before.
async fn wish(app: &TestApp, holder: &Browser<'_>, patient: &Value, day: &Value) {
    app.clock.advance(Duration::from_millis(1));
    let wish = json!({ "link": TCM, "patient": patient, "first_day": day, "last_day": day });
    holder.post("/wishes", &wish).await.ok();
}

/// Somebody books a slot and gives it back.
async fn give_back((giver, theirs): &(Browser<'_>, Value), slot: &Value) {
    let given = giver.post("/appointments", &json!({ "slot": slot["id"], "patient": theirs })).await.ok();
    let cancel = format!("/appointments/{}/cancel", given["id"].as_str().unwrap());
    giver.post(&cancel, &json!({ "version": given["version"] })).await.ok();
}

/// Somebody with a telephone and a card of their own.
async fn giver(app: &TestApp) -> (Browser<'_>, Value) {
    let giver = holder(app, 900).await;
    let theirs = named(&giver, "测试患者", 900).await;
    (giver, theirs)
}

/// What a telephone's wishes are doing, the oldest first.
async fn states(holder: &Browser<'_>) -> Vec<Value> {
    let wishes = holder.get("/wishes").await.ok();
    wishes.as_array().unwrap().iter().map(|wish| wish["state"].clone()).collect()
}

/// How many places of a slot are counted as taken.
async fn taken(db: &Db, slot: &Value) -> i64 {
    let mut tx = db.read().await.unwrap();
    tx.slots().find(slot["id"].as_str().unwrap().parse().unwrap()).await.unwrap().unwrap().taken
}

on_both! {
    async fn one_card_has_one_wish_in_a_clinic_however_its_owner_is_spelt(db: Db) {
        let app = TestApp::over(db.clone(), false).await;
        let (day, slots) = singles(&app).await;
        let (mother, giver) = (holder(&app, 1).await, giver(&app).await);
        let mut spelt = Vec::new();
        for name in ["测试患者", "测试患者一", "Test Patient", "测试·患者"] {
            let patient = named(&mother, name, 1).await;
            wish(&app, &mother, &patient, &day).await;
            spelt.push(patient);
        }
        let wishes = mother.get("/wishes").await.ok();
        assert_eq!((states(&mother).await, &wishes[0]["patient"]), (vec![json!("waiting")], &spelt[3]), "the last");
        // Under another spelling it is the same person: who books so takes the place that is kept.
        give_back(&giver, &slots[20]).await;
        assert_eq!(states(&mother).await, ["offered"]);
        mother.post("/appointments", &json!({ "slot": slots[20]["id"], "patient": spelt[0] })).await.ok();
        assert!(states(&mother).await.is_empty());
        assert_eq!(taken(&db, &slots[20]).await, 1, "it was counted once");
    }

    async fn a_place_that_one_patient_of_a_telephone_let_pass_goes_to_no_other_of_it(db: Db) {
        let app = TestApp::over(db.clone(), false).await;
        let (day, slots) = singles(&app).await;
        let (family, other) = (holder(&app, 1).await, holder(&app, 2).await);
        for n in 1..=3 {
            let child = named(&family, "测试患者", n).await;
            wish(&app, &family, &child, &day).await;
        }
        let theirs = named(&other, "测试患者", 4).await;
        wish(&app, &other, &theirs, &day).await;
        give_back(&giver(&app).await, &slots[20]).await;
        assert_eq!(states(&family).await, ["offered", "waiting", "waiting"]);
        app.clock.advance(HALF_HOUR);
        app.services.run_jobs().await.unwrap();
        let (family, other) = (holder(&app, 1).await, holder(&app, 2).await);
        assert_eq!(states(&family).await, ["waiting", "waiting"]);
        assert_eq!(states(&other).await, ["offered"]);
        app.clock.advance(HALF_HOUR);
        app.services.run_jobs().await.unwrap();
        // Nobody is left to whom it was not offered: it is everybody's.
        let family = holder(&app, 1).await;
        assert_eq!(states(&family).await, ["waiting", "waiting"]);
        assert_eq!(taken(&db, &slots[20]).await, 0);
        // Another place is another matter.
        give_back(&giver(&app).await, &slots[22]).await;
        assert_eq!(states(&family).await, ["offered", "waiting"]);
    }

    async fn who_has_a_place_from_the_list_keeps_no_other_of_the_family_from_the_second_place_of_the_slot(db: Db) {
        let app = TestApp::over(db.clone(), false).await;
        let (day, _) = singles(&app).await;
        let view = app.browser().get(&format!("/slots?link={TCM}&day={}", day.as_str().unwrap())).await.ok();
        let slots = view["slots"].as_array().unwrap().iter();
        let double = slots.filter(|slot| slot["doctor_name"]["en"] == "Demo Doctor B").nth(20).unwrap();
        let (family, giver) = (holder(&app, 1).await, giver(&app).await);
        let mut children = Vec::new();
        for n in 1..=2 {
            let child = named(&family, "测试患者", n).await;
            wish(&app, &family, &child, &day).await;
            children.push(child);
        }
        give_back(&giver, double).await;
        family.post("/appointments", &json!({ "slot": double["id"], "patient": children[0] })).await.ok();
        give_back(&giver, double).await;
        let wishes = family.get("/wishes").await.ok();
        assert_eq!((states(&family).await, &wishes[0]["patient"]), (vec![json!("offered")], &children[1]));
    }

    async fn an_offer_ends_though_nobody_tries_any_longer_to_end_it(db: Db) {
        let app = TestApp::over(db.clone(), false).await;
        let (day, slots) = singles(&app).await;
        let mother = holder(&app, 1).await;
        let patient = named(&mother, "测试患者", 1).await;
        wish(&app, &mother, &patient, &day).await;
        give_back(&giver(&app).await, &slots[20]).await;
        app.services.sweep().await.unwrap();
        assert_eq!((states(&mother).await, taken(&db, &slots[20]).await), (vec![json!("offered")], 1), "it stands");
        app.clock.advance(HALF_HOUR);
        // Whatever was to be done is in the log of jobs as done, and was not: the clock went back meanwhile.
        let mut tx = db.begin().await.unwrap();
        for job in tx.jobs().claim(app.clock.now(), 100).await.unwrap() {
            tx.jobs().finish(job.id, app.clock.now()).await.unwrap();
        }
        tx.commit().await.unwrap();
        app.services.run_jobs().await.unwrap();
        assert_eq!(taken(&db, &slots[20]).await, 1);
        app.services.sweep().await.unwrap();
        let mother = holder(&app, 1).await;
        assert_eq!((states(&mother).await, taken(&db, &slots[20]).await), (vec![], 0), "it is everybody's");
    }

    async fn a_place_goes_on_however_often_that_failed(db: Db) {
        let app = TestApp::over(db.clone(), false).await;
        let (day, slots) = singles(&app).await;
        let mother = holder(&app, 1).await;
        let patient = named(&mother, "测试患者", 1).await;
        wish(&app, &mother, &patient, &day).await;
        give_back(&giver(&app).await, &slots[20]).await;
        mother.post("/appointments", &json!({ "slot": slots[10]["id"], "patient": patient })).await.ok();
        for _ in 0..ATTEMPTS {
            let mut tx = db.begin().await.unwrap();
            tx.jobs().claim(app.clock.now(), 100).await.unwrap();
            tx.commit().await.unwrap();
            app.clock.advance(Duration::from_mins(1));
        }
        assert_eq!(taken(&db, &slots[20]).await, 1);
        app.services.run_jobs().await.unwrap();
        assert_eq!(taken(&db, &slots[20]).await, 0);
    }

    async fn a_kept_place_whose_doctor_goes_is_nobodys_and_the_wish_waits_on(db: Db) {
        let app = TestApp::over(db.clone(), false).await;
        let (day, slots) = singles(&app).await;
        let mother = holder(&app, 1).await;
        let patient = named(&mother, "测试患者", 1).await;
        wish(&app, &mother, &patient, &day).await;
        give_back(&giver(&app).await, &slots[20]).await;
        assert_eq!((states(&mother).await, taken(&db, &slots[20]).await), (vec![json!("offered")], 1));
        let admin = app.staff("admin").await;
        let rosters = admin.get("/rosters").await.ok();
        let roster = rosters.as_array().unwrap().iter().find(|one| one["doctor"] == slots[0]["doctor"]).unwrap().clone();
        let off = json!({ "day": day, "kind": "off", "from": "00:00", "to": "24:00" });
        admin.post(&format!("/rosters/{}/exceptions", roster["id"].as_str().unwrap()), &off).await.ok();
        assert_eq!((states(&mother).await, taken(&db, &slots[20]).await), (vec![json!("waiting")], 0));
        app.services.run_jobs().await.unwrap();
        let told: Vec<&str> = app.sent.lock().unwrap().iter().map(|message| message.kind).collect();
        assert_eq!(told.last(), Some(&"offer_off"), "and that is what is told, however late the offer would have been");
        assert!(!told.contains(&"offer"), "{told:?}");
    }
}
