//! A demonstration that lives: twenty synthetic patients on a clock that the test moves, and two doctors who see them.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::time::Interval;
use tokio_tungstenite::tungstenite::Message;
use yunzhen::domain::ids::TicketId;
use yunzhen::domain::ticket::TicketState;
use yunzhen::store::Db;

use crate::clinic::live::Socket;
use crate::clinic::stage::Stage;

/// In this story the tenth and the sixteenth miss their first call, and the ninth has the patience for 133 seconds.
const SEED: u64 = 42;
const PATIENTS: usize = 20;
/// So far does the clock go at once: a socket may be silent for ten seconds of it.
const STEP: Duration = Duration::from_secs(3);
/// And this is the least that everybody has to do what is due then; they look four times a second.
const PAUSE: Duration = Duration::from_millis(250);
/// After so many steps, five minutes, tokens are renewed: they are good for ten.
const FRESH: usize = 100;
/// Steps without which the story would be over.
const LONGEST: usize = 1_000;

/// The clinic, and time.
struct Clinic {
    stage: Stage,
    nurse: String,
    path: String,
    pauses: Interval,
    steps: usize,
}

impl Clinic {
    async fn open() -> Self {
        let stage = Stage::open().await;
        let nurse = stage.staff("nurse").await;
        let clinic = stage.get("/clinics", &nurse).await.ok()[0]["id"].as_str().unwrap().to_owned();
        let pauses = tokio::time::interval(PAUSE);
        Self { stage, nurse, path: format!("/clinics/{clinic}/board"), pauses, steps: 0 }
    }

    /// The clock goes on, and the server looks at it.
    async fn step(&mut self) {
        self.steps += 1;
        assert!(self.steps < LONGEST, "the story ends");
        if self.steps.is_multiple_of(FRESH) {
            self.nurse = self.stage.staff("nurse").await;
        }
        self.stage.pass(STEP).await;
        self.pauses.tick().await;
    }

    /// Whoever is called, served or waits.
    async fn board(&self) -> Vec<Value> {
        self.stage.get(&self.path, &self.nurse).await.ok()["tickets"].as_array().unwrap().clone()
    }
}

fn ids(board: &[Value]) -> BTreeSet<TicketId> {
    board.iter().map(|ticket| ticket["id"].as_str().unwrap().parse().unwrap()).collect()
}

/// The token for acting, and the one for the next.
fn tokens(answer: &Value) -> (String, String) {
    let text = |name: &str| answer[name].as_str().unwrap().to_owned();
    (text("access_token"), text("refresh_token"))
}

/// A doctor at a desk, who does at each look what is due.
struct Doctor {
    token: String,
    refresh: String,
    looks: usize,
    desk: String,
    socket: Socket,
    /// Who is in the call, as the room said last.
    is_patient_here: bool,
    /// The visit in whose call this doctor is.
    visit: Option<String>,
    seen: BTreeSet<TicketId>,
}

impl Doctor {
    async fn sits_down(stage: &Stage, username: &str, at: usize) -> Self {
        let login = json!({ "username": username, "password": format!("yunzhen-{username}") });
        let (token, refresh) = tokens(&stage.post("/auth/login", "", login).await.ok());
        let desk = stage.desk(&token, at).await;
        stage.act(&format!("/desks/{desk}/open"), &token).await.ok();
        let (mut socket, _) = Socket::hello(stage, &token, None).await;
        // The desk is held as long as its browser follows it.
        socket.say(json!({ "type": "subscribe", "id": 1, "topic": format!("desk:{desk}") })).await;
        let (is_patient_here, visit, seen) = (false, None, BTreeSet::new());
        Self { token, refresh, looks: 0, desk, socket, is_patient_here, visit, seen }
    }

    /// Hears what was said, without waiting for more.
    fn hear(&mut self) {
        while let Some(said) = self.socket.0.next().now_or_never() {
            let Some(Ok(Message::Text(text))) = said else { continue };
            let said: Value = serde_json::from_str(&text).unwrap();
            assert_ne!(said["type"], "bye", "{said}");
            if said["type"] == "room" {
                let here = said["room"]["participants"].as_array().unwrap();
                self.is_patient_here = here.iter().any(|one| one["role"] == "patient");
            }
        }
    }

    async fn look(&mut self, stage: &Stage) {
        self.looks += 1;
        if self.looks.is_multiple_of(FRESH) {
            let spent = json!({ "refresh_token": self.refresh });
            (self.token, self.refresh) = tokens(&stage.post("/auth/refresh", "", spent).await.ok());
            self.socket.say(json!({ "type": "renew", "id": 4, "token": self.token })).await;
        }
        self.socket.say(json!({ "type": "ping", "id": 2 })).await;
        self.hear();
        let (token, desk) = (&self.token, &self.desk);
        let view = stage.get(&format!("/desks/{desk}"), token).await.ok();
        let current = &view["current"];
        let Some(visit) = current["visit"].as_str() else {
            let version = json!({ "version": current["version"] });
            match current["phase"].as_str() {
                None => drop(stage.act(&format!("/desks/{desk}/call-next"), token).await.ok()),
                Some("accepted") => drop(stage.post(&format!("/desks/{desk}/confirm"), token, version).await.ok()),
                // It rings, or it has rung for nobody.
                Some(_) => {}
            }
            return;
        };
        if self.visit.as_deref() != Some(visit) {
            (self.visit, self.is_patient_here) = (Some(visit.to_owned()), false);
            let grant = stage.act(&format!("/visits/{visit}/grant"), token).await.ok();
            self.socket.say(json!({ "type": "join", "id": 3, "grant": grant["grant"] })).await;
        } else if self.is_patient_here {
            stage.post(&format!("/visits/{visit}/outcome"), token, json!({ "outcome": "home_care" })).await.ok();
            stage.act(&format!("/visits/{visit}/end"), token).await.ok();
            self.seen.insert(current["ticket"].as_str().unwrap().parse().unwrap());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_synthetic_patients_declare_wait_and_answer_some_miss_a_call_or_leave_and_those_who_were_seen_come_again()
 {
    let mut clinic = Clinic::open().await;
    clinic.stage.server.invite(u32::try_from(PATIENTS).unwrap(), SEED);
    let mut board = clinic.board().await;
    while board.len() < PATIENTS {
        clinic.step().await;
        board = clinic.board().await;
    }
    assert!(board.iter().all(|ticket| ticket["phase"] == "waiting"), "{board:?}");
    let levels: BTreeSet<_> = board.iter().map(|ticket| ticket["level"].as_str().unwrap()).collect();
    assert!(levels.len() >= 2, "{levels:?}");
    let all = ids(&board);

    // No doctor is there yet, and somebody has no patience.
    while board.len() == PATIENTS {
        clinic.step().await;
        board = clinic.board().await;
    }
    assert_eq!(board.len(), PATIENTS - 1, "one alone");
    let mut doctors =
        [Doctor::sits_down(&clinic.stage, "doctor", 0).await, Doctor::sits_down(&clinic.stage, "doctor2", 1).await];
    let has_come_again = loop {
        for doctor in &mut doctors {
            doctor.look(&clinic.stage).await;
        }
        clinic.step().await;
        board = clinic.board().await;
        let waiting = ids(&board);
        if waiting.is_disjoint(&all) && !waiting.is_empty() {
            break waiting;
        }
    };
    assert!(has_come_again.is_disjoint(&all), "with a declaration and a number of their own");

    let file = format!("sqlite:{}", clinic.stage.folder.path().join("yunzhen.db").display());
    let db = Db::open(&file).await.unwrap();
    let (mut left, mut missed, mut done) = (0, 0, BTreeSet::new());
    for id in &all {
        let ticket = db.read().await.unwrap().tickets().find(*id).await.unwrap().unwrap();
        missed += usize::from(ticket.miss_count > 0);
        match ticket.state {
            TicketState::Left => left += 1,
            TicketState::Done => drop(done.insert(ticket.id)),
            other => panic!("{other:?} after a missed call"),
        }
    }
    db.close().await;
    assert!(left >= 1 && missed >= 2, "{left} left and {missed} missed a call");
    assert_eq!(done.len() + left, PATIENTS, "whoever missed a call was called again and came");
    let seen: BTreeSet<_> = doctors.iter().flat_map(|doctor| &doctor.seen).copied().collect();
    assert!(done.is_subset(&seen), "with a patient in the call each");
}
