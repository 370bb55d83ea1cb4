//! Two desks of one clinic in the same moment, on PostgreSQL: there two transactions can wait for each other.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};
use yunzhen::domain::ids::{ClinicId, TicketId};
use yunzhen::domain::time::Timestamp;
use yunzhen::services::topics::Topic;
use yunzhen::store::{Db, NewEvent};

use super::stage::{Site, Stage, nothing};
use crate::support::database;

/// Lets others come as far as they get: until so many wait for a row of the counters.
async fn until_they_wait(db: &Db, count: i64) {
    let Db::Postgres(pool) = db else { unreachable!("only PostgreSQL has rows that one waits for") };
    let waiting = "select count(*) from pg_locks where locktype = 'tuple' and relation = 'topic'::regclass";
    let until = async { while sqlx::query_scalar::<_, i64>(waiting).fetch_one(pool).await.unwrap() < count {} };
    // Whoever waits for something else, or for nothing, is as far as well.
    tokio::time::timeout(Duration::from_secs(3), until).await.ok();
}

/// Accepts a call, confirms it and chooses what happens next: a visit that can be ended, and its ticket.
async fn confirmed(
    site: &Site,
    (doctor, desk): &(String, String),
    patients: &HashMap<String, String>,
    view: &Value,
) -> (String, TicketId) {
    let ticket = view["current"]["ticket"].as_str().unwrap();
    let version = json!({ "version": view["current"]["version"] });
    let accepted = site.post(&format!("/tickets/{ticket}/accept"), &patients[ticket], version).await.ok();
    let version = json!({ "version": accepted["version"] });
    let view = site.post(&format!("/desks/{desk}/confirm"), doctor, version).await.ok();
    let visit = view["current"]["visit"].as_str().unwrap().to_owned();
    site.post(&format!("/visits/{visit}/outcome"), doctor, json!({ "outcome": "home_care" })).await.ok();
    (visit, ticket.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_desk_calls_while_another_ends_a_visit_and_neither_is_refused() {
    const ROUNDS: usize = 6;
    let Some(fresh) = database::postgres().await else { return };
    let stage = Stage::open_with(|config| config.database_url = Some(fresh.url.clone())).await;
    let desks = [stage.doctor_at_desk("doctor", 0).await, stage.doctor_at_desk("doctor2", 1).await];
    let clinic: ClinicId = stage.get("/clinics", &desks[0].0).await.ok()[0]["id"].as_str().unwrap().parse().unwrap();
    let institution = fresh.db.read().await.unwrap().clinics().find(clinic).await.unwrap().unwrap().institution_id;
    let mut patients = HashMap::new();
    for n in 0..=ROUNDS {
        let (token, ticket) = stage.patient_waiting(u32::try_from(n).unwrap(), nothing()).await;
        patients.insert(ticket["id"].as_str().unwrap().to_owned(), token);
    }
    let (doctor, desk) = &desks[0];
    let called = stage.act(&format!("/desks/{desk}/call-next"), doctor).await.ok();
    let (mut visit, mut ticket) = confirmed(&stage, &desks[0], &patients, &called).await;
    for round in 0..ROUNDS {
        let (ends, (doctor, desk)) = (&desks[round % 2].0, &desks[(round + 1) % 2]);
        let (end, call) = (format!("/visits/{visit}/end"), format!("/desks/{desk}/call-next"));
        // Somebody else tells of the ticket, until both are as far as they get: first who ends, then who calls.
        let mut counting = fresh.db.begin().await.unwrap();
        let (topic, at) = (Topic::Ticket(ticket).to_string(), Timestamp::from_millis(0));
        let event = NewEvent { institution, topic: &topic, kind: "test.told", payload: &json!({}), at };
        counting.events().emit(&[event]).await.unwrap();
        let (ended, called, ()) = tokio::join!(
            stage.act(&end, ends),
            async {
                until_they_wait(&fresh.db, 1).await;
                stage.act(&call, doctor).await
            },
            async {
                until_they_wait(&fresh.db, 2).await;
                drop(counting);
            }
        );
        ended.ok();
        (visit, ticket) = confirmed(&stage, &desks[(round + 1) % 2], &patients, &called.ok()).await;
    }
    stage.server.stop().await;
    fresh.db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chore_that_waits_for_somebody_keeps_no_call_from_running_out() {
    let Some(fresh) = database::postgres().await else { return };
    let old = Timestamp::from_millis(0);
    let mut tx = fresh.db.begin().await.unwrap();
    tx.idem().claim("somebody", "old", b"hash", old).await.unwrap();
    tx.commit().await.unwrap();
    // The first tidying wants to forget this key, and waits for whoever has it in hand.
    let mut held = fresh.db.begin().await.unwrap();
    held.idem().keep("somebody", "old", &json!({})).await.unwrap();
    let stage = Stage::open_with(|config| config.database_url = Some(fresh.url.clone())).await;
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    let (patient, ticket) = stage.patient_waiting(1, nothing()).await;
    stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
    stage.clock.advance(Duration::from_secs(91));
    let path = format!("/tickets/{}", ticket["id"].as_str().unwrap());
    // Nobody asks as often as this, and the clock stands.
    let missed = async {
        while stage.get(&path, &patient).await.ok()["missed"] != 1 {
            stage.server.services.fill_paces();
        }
    };
    tokio::time::timeout(Duration::from_secs(15), missed).await.expect("the call runs out");
    drop(held);
    stage.server.stop().await;
    fresh.db.close().await;
}
