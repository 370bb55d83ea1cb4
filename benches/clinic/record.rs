//! How long a record takes to be saved while two hundred doctors write: each saves every two seconds, as their browsers
//! do, and the pace is kept whether the database follows or not. Beside it one row, committed at the same pace.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use yunzhen::domain::ids::{TicketId, VisitId};
use yunzhen::domain::note::NoteContent;
use yunzhen::domain::note::terms::TERMS;
use yunzhen::domain::permission::Actor;
use yunzhen::protocol::note::NoteSave;
use yunzhen::services::desk::calling::CallAct;
use yunzhen::services::work::Command;
use yunzhen::store::Db;

use crate::figures::Tail;
use crate::hospital::Hospital;
use crate::postgres::Server;
use crate::queue::{insert_bare, run_statement};
use crate::{folder, load, programs};

/// Doctors who write at once.
const DESKS: usize = 200;
/// How often each saves, and for how long: first at the pace of the goal, then faster until the goal is lost.
const PACES: [(Duration, Duration); 4] = [
    (Duration::from_secs(2), Duration::from_secs(30)),
    (Duration::from_secs(1), Duration::from_secs(15)),
    (Duration::from_millis(500), Duration::from_secs(10)),
    (Duration::from_millis(250), Duration::from_secs(10)),
];
/// The goal for one in a hundred, in milliseconds.
const WITHIN: f64 = 50.0;
/// Who saves when is the same in every run.
const SEED: u64 = 20_261_129;

/// A doctor with a patient, writing.
struct Writing {
    doctor: Actor,
    visit: VisitId,
    /// What is saved; this doctor alone counts it.
    version: AtomicI64,
}

/// Measures SQLite, and PostgreSQL when there is one.
pub async fn run() {
    let bytes = json!(examined(0)).to_string().len();
    println!("\na record of {bytes} bytes, saved by {DESKS} doctors (goal p99 {WITHIN} ms); ms, p50 / p99 / slowest");
    let folder = folder();
    let url = format!("sqlite:{}", folder.path().join("yunzhen.db").display());
    measure("SQLite", Db::open(&url).await.unwrap()).await;
    match Server::shared(&[]) {
        Ok(server) => measure("PostgreSQL", Db::postgres(server.options()).await.unwrap()).await,
        Err(missing) => programs::skip("saves of a record on PostgreSQL", &missing),
    }
}

async fn measure(database: &str, db: Db) {
    let mut hospital = Hospital::open(db.clone()).await;
    run_statement(&db, "create table if not exists bare (id bigint primary key, at bigint not null)").await;
    let desks = Arc::new(open_visits(&mut hospital).await);
    println!("\n{database:<12} {:<8} {:<24} {:<24} load", "saves", "save", "bare commit");
    for (pace, lasts) in PACES {
        let (of_db, of_services, of_desks) = (db.clone(), Arc::clone(&hospital.services), Arc::clone(&desks));
        let commits = paced(pace, lasts, move |_, _| insert_bare(of_db.clone())).await;
        let saves = paced(pace, lasts, move |desk, round| {
            let (services, desks) = (Arc::clone(&of_services), Arc::clone(&of_desks));
            async move {
                let Writing { doctor, visit, version } = &desks[desk];
                let key = Some(services.ids.uuid().to_string());
                let command = Command { actor: doctor.key(), key, hash: vec![0; 32] };
                let save = NoteSave { version: version.load(Ordering::Relaxed), content: examined(round) };
                let saved = services.save_note(doctor.doctor().unwrap(), *visit, save, &command).await.unwrap();
                version.store(saved.version, Ordering::Relaxed);
            }
        })
        .await;
        let name = format!("/ {} ms", pace.as_millis());
        let (count, commits, saves) = (saves.len(), Tail::of(&commits), Tail::of(&saves));
        println!("{name:<12} {count:<8} {:<24} {:<24} {}", format!("{saves:.1}"), format!("{commits:.1}"), load());
        if saves.p99 > WITHIN {
            break;
        }
    }
    db.close().await;
}

/// Every desk does something at its own times, once in `pace` on average; milliseconds from when each was due to when it
/// was done, so that a wait for the one before counts as well.
async fn paced<F: Future<Output = ()> + Send + 'static>(
    pace: Duration,
    lasts: Duration,
    what: impl Fn(usize, usize) -> F + Clone + Send + 'static,
) -> Vec<f64> {
    let begin = Instant::now() + Duration::from_millis(100);
    let mut chance = StdRng::seed_from_u64(SEED);
    let mut hands = JoinSet::new();
    for desk in 0..DESKS {
        let (mut chance, what) = (StdRng::seed_from_u64(chance.random()), what.clone());
        hands.spawn(async move {
            let mut took = Vec::new();
            let mut due = begin + pace.mul_f64(chance.random_range(0.0..1.0));
            while due < begin + lasts {
                sleep_until(due).await;
                what(desk, took.len()).await;
                took.push(due.elapsed().as_secs_f64() * 1e3);
                due += pace.mul_f64(chance.random_range(0.8..1.2));
            }
            took
        });
    }
    hands.join_all().await.concat()
}

/// Every doctor with a patient who was called, answered, and is who they say.
async fn open_visits(hospital: &mut Hospital) -> Vec<Writing> {
    let clinic = hospital.fever();
    let mut waiting: HashMap<TicketId, String> = HashMap::new();
    let mut open = Vec::new();
    for _ in 0..DESKS {
        let desk = hospital.desk(clinic.id).await;
        let patient = hospital.patient(&clinic.link_token).await;
        waiting.insert(patient.ticket, patient.token);
        let (services, act, once) = (&hospital.services, desk.doctor.doctor().unwrap(), Command::once(desk.doctor));
        let called = services.call_next(act, desk.id, &once).await.unwrap().current.unwrap();
        let (actor, _) = services.authenticate(&waiting[&called.ticket]).await.unwrap().unwrap();
        let holder = actor.holder().unwrap();
        let once_of_theirs = Command::once(actor);
        let view = services.accept_call(holder, called.ticket, called.version, &once_of_theirs).await.unwrap();
        let view = services.act_on_call(act, desk.id, CallAct::Confirm, view.version, &once).await.unwrap();
        let visit = view.current.unwrap().visit.unwrap();
        open.push(Writing { doctor: desk.doctor, visit, version: AtomicI64::new(0) });
    }
    open
}

/// A record in which everything was asked, seen, and felt; no two rounds wrote the same.
fn examined(round: usize) -> NoteContent {
    let words = "患者自述症状于午后及夜间较重，晨起减轻，未自行用药。";
    let finding = |id: &str| {
        let of_field = TERMS.all().iter().find(|term| term.field.as_deref() == Some(id));
        let terms: Vec<&str> = of_field.iter().map(|term| term.code.as_str()).collect();
        (id.to_owned(), json!({ "terms": terms, "words": words }))
    };
    // A smell needs somebody beside the patient, and a finger's vein is a child's.
    let asked = TERMS.fields().iter().filter(|field| {
        (field.id.starts_with("ask.") || field.id.starts_with("look.")) && field.id != "look.finger_vein"
    });
    let findings: Map<String, Value> = asked.map(|field| finding(&field.id)).collect();
    let content = json!({
        "complaint": format!("发热两天，伴咽痛、咳嗽。第{round}次保存。"),
        "history": words.repeat(4),
        "background": words.repeat(2),
        "vitals": { "temperature": 38.2, "heart_rate": 88.0, "respiratory_rate": 18.0, "oxygen_saturation": 97.0 },
        "examination": words.repeat(3),
        "diagnosis": "外感发热",
        "advice": words.repeat(3),
        "exams": {
            "findings": findings,
            "tongue": { "body": ["tongue.red_tip"], "coating": ["coating.thin", "coating.white"], "words": words },
            "pulse": { "state": "not_taken", "why": "remote" }
        },
        "diagnoses": [
            { "kind": "disease", "code": "A01.01.01.02" },
            { "kind": "pattern", "code": "B02.02.05.05", "tm1": ["SF8A"] },
            { "kind": "western", "code": "J11.1" }
        ],
        "principle": ["X-FA-02"]
    });
    serde_json::from_value(content).unwrap()
}
