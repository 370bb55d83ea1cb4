//! Booked time that changes hands crosswise in the same moment: nobody waits for somebody who waits for them.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::clinic::stage::card;
use crate::support::app::{Answer, Browser, TestApp};
use crate::support::database::Db;
use crate::support::on_both;

const TCM: &str = "demo-tcm-clinic";
/// Pairs of slots between which two cross.
const PAIRS: usize = 5;

/// Somebody with a telephone of their own: a browser and a patient.
async fn known(app: &TestApp, n: u32) -> (Browser<'_>, Value) {
    // The doors that need no token let five a second in.
    app.pass(2);
    let holder = app.holder(&format!("138000{n:05}")).await;
    let identity = json!({ "name": "测试患者", "document": "resident_card", "number": card(n), "relation": "myself" });
    let patient = holder.post("/patients", &identity).await.ok()["id"].clone();
    (holder, patient)
}

/// The slots of two places, three days from now.
async fn doubles(app: &TestApp) -> (String, Vec<Value>) {
    let days = app.browser().get(&format!("/slots?link={TCM}")).await.ok()["days"].clone();
    let day = days[3]["day"].as_str().unwrap().to_owned();
    let view = app.browser().get(&format!("/slots?link={TCM}&day={day}")).await.ok();
    let slots = view["slots"].as_array().unwrap().iter();
    (day, slots.filter(|slot| slot["doctor_name"]["en"] == "Demo Doctor B").cloned().collect())
}

async fn book(browser: &Browser<'_>, patient: &Value, slot: &Value) -> Answer {
    browser.post("/appointments", &json!({ "slot": slot["id"], "patient": patient })).await
}

async fn step(browser: &Browser<'_>, appointment: &Value, slot: &Value) -> Answer {
    let path = format!("/appointments/{}/move", appointment["id"].as_str().unwrap());
    browser.post(&path, &json!({ "slot": slot["id"], "version": appointment["version"] })).await
}

/// Seats that are taken in each of these, which must be what the slot counts.
async fn seats(db: &Db, slots: &[Value]) -> Vec<usize> {
    let mut tx = db.read().await.unwrap();
    let mut found = Vec::new();
    for slot in slots {
        let id = slot["id"].as_str().unwrap().parse().unwrap();
        let seats = tx.appointments().seats(id).await.unwrap().len();
        assert_eq!(tx.slots().find(id).await.unwrap().unwrap().taken, i64::try_from(seats).unwrap());
        found.push(seats);
    }
    found
}

on_both! {
    async fn who_books_where_a_place_is_kept_for_another_and_the_other_way_round_both_have_theirs(db: Db) {
        let app = TestApp::over(db.clone(), false).await;
        app.services.roll_slots().await.unwrap();
        let (day, slots) = doubles(&app).await;
        let (giver, theirs) = known(&app, 900).await;
        let mut waiting = Vec::new();
        for (n, slot) in (1..).zip(&slots[..2 * PAIRS]) {
            let (holder, patient) = known(&app, n).await;
            let wish = json!({ "link": TCM, "patient": patient, "first_day": day, "last_day": day });
            holder.post("/wishes", &wish).await.ok();
            waiting.push((holder, patient));
            let given = book(&giver, &theirs, slot).await.ok();
            let cancel = format!("/appointments/{}/cancel", given["id"].as_str().unwrap());
            giver.post(&cancel, &json!({ "version": given["version"] })).await.ok();
        }
        let crossed = waiting.iter().zip(0..).map(|((holder, patient), n)| book(holder, patient, &slots[n ^ 1]));
        let booked: Vec<Value> = join_all(crossed).await.into_iter().map(Answer::ok).collect();
        while app.services.run_jobs().await.unwrap() > 0 {}
        assert_eq!(seats(&db, &slots[..2 * PAIRS]).await, [1; 2 * PAIRS]);

        // And back again, all at once.
        let moves = waiting.iter().zip(&booked).zip(0..).map(|(((holder, _), from), n)| step(holder, from, &slots[n]));
        let moved: Vec<Value> = join_all(moves).await.into_iter().map(Answer::ok).collect();
        assert_eq!(seats(&db, &slots[..2 * PAIRS]).await, [1; 2 * PAIRS]);

        // While the doctor says that the day is off, each move is done or comes too late.
        let boss = app.staff("admin").await;
        let rosters = boss.get("/rosters").await.ok();
        let roster = rosters.as_array().unwrap().iter().find(|one| one["doctor"] == slots[0]["doctor"]).unwrap().clone();
        let off = json!({ "day": day, "kind": "off", "from": "00:00", "to": "24:00" });
        let path = format!("/rosters/{}/exceptions", roster["id"].as_str().unwrap());
        let moves = waiting.iter().zip(&moved).zip(0..).map(|(((holder, _), from), n)| step(holder, from, &slots[n ^ 1]));
        let (answers, said) = tokio::join!(join_all(moves), boss.post(&path, &off));
        said.ok();
        for answer in answers {
            assert!(answer.status.is_success() || answer.body["code"] == "slot.closed", "{}", answer.body);
        }
        assert_eq!(seats(&db, &slots[..2 * PAIRS]).await.iter().sum::<usize>(), 2 * PAIRS);
    }
}
