//! `kill -9` while tickets are taken, called, accepted, served and left: afterwards the queue is exactly what was
//! acknowledged, and a command that got no answer can be sent again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::clinic::stage::{Answer, LINK, Site};
use crate::support::binary::Binary;

/// How many commands are acknowledged in each life of the server before it is killed.
const LIVES: [u32; 5] = [37, 11, 58, 23, 41];
/// Telephone numbers, and the patients of each.
const HOLDERS: u32 = 10;
const PATIENTS: u32 = 4;
/// Of these so many take a number before the first life; the others come while the desks work.
const EARLY: usize = 28;

/// What somebody asks of the server.
#[derive(Clone, Debug)]
struct Command {
    what: What,
    /// The desk that sends it; empty for a patient's.
    desk: String,
    path: String,
    token: String,
    body: Option<Value>,
    key: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Open,
    Call,
    Cancel(String),
    Accept(String),
    WrongPerson(String),
    Confirm,
    Outcome(String),
    End(String),
    Take,
    Leave,
}

/// A ticket as its last acknowledged command left it.
#[derive(Clone, Debug, Default)]
struct Ticket {
    version: i64,
    phase: String,
    patient: String,
    level: String,
    arrived_at: i64,
    no: i64,
    visit: String,
    has_outcome: bool,
    /// Somebody else answered its call; who does so again and again is no longer waited for.
    was_wrong: bool,
}

impl Ticket {
    /// An answer may be read after a later one that somebody else got.
    fn moved(&mut self, version: i64, phase: &str) {
        if version > self.version {
            self.version = version;
            phase.clone_into(&mut self.phase);
        }
    }
}

/// Everything that was acknowledged.
#[derive(Default)]
struct Ledger {
    tickets: BTreeMap<String, Ticket>,
    /// Who is at which desk.
    at_desk: BTreeMap<String, String>,
}

impl Ledger {
    fn ticket(&mut self, id: &str) -> &mut Ticket {
        self.tickets.entry(id.to_owned()).or_default()
    }

    /// A ticket's view as its holder got it.
    fn seen(&mut self, view: &Value) {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let ticket = self.ticket(view["id"].as_str().unwrap());
        ticket.patient = text(&view["patient"]["id"]);
        ticket.level = text(&view["level"]);
        ticket.arrived_at = view["arrived_at"].as_i64().unwrap();
        ticket.no = view["no"].as_i64().unwrap();
        ticket.moved(view["version"].as_i64().unwrap(), view["phase"].as_str().unwrap());
    }

    /// The patient at a desk, as its doctor got it.
    fn at(&mut self, desk: &str, current: &Value) {
        let id = current["ticket"].as_str().unwrap().to_owned();
        let ticket = self.ticket(&id);
        ticket.moved(current["version"].as_i64().unwrap(), current["phase"].as_str().unwrap());
        current["identity"]["patient"].as_str().unwrap().clone_into(&mut ticket.patient);
        if let Some(visit) = current["visit"].as_str() {
            visit.clone_into(&mut ticket.visit);
        }
        self.at_desk.insert(desk.to_owned(), id);
    }

    /// The ticket left the desk by one change; another desk may have called it since.
    fn gone(&mut self, desk: &str, id: &str, seen: i64, phase: &str) {
        self.at_desk.remove(desk);
        self.ticket(id).moved(seen + 1, phase);
    }

    fn note(&mut self, command: &Command, answer: &Answer) {
        if answer.status != 200 {
            // A queue may be empty, and who is called in the same moment can no longer leave.
            let allowed = match command.what {
                What::Call => "queue.empty",
                What::Leave => "ticket.state",
                _ => "nothing",
            };
            assert_eq!(answer.refusal().1, allowed, "{command:?} {}", answer.body);
            return;
        }
        let desk = command.desk.as_str();
        let current = &answer.body["current"];
        let seen = command.body.as_ref().and_then(|body| body["version"].as_i64());
        match &command.what {
            What::Open if current.is_null() => {}
            What::Open | What::Call | What::Confirm => self.at(desk, current),
            What::Cancel(ticket) => self.gone(desk, ticket, seen.unwrap(), "waiting"),
            What::WrongPerson(ticket) => {
                self.ticket(ticket).was_wrong = true;
                self.gone(desk, ticket, seen.unwrap(), "waiting");
            }
            What::End(ticket) => {
                let seen = self.ticket(ticket).version;
                self.gone(desk, ticket, seen, "done");
            }
            What::Outcome(ticket) => self.ticket(ticket).has_outcome = true,
            What::Accept(_) | What::Take | What::Leave => self.seen(&answer.body),
        }
    }

    /// Who waits, in the order in which they will be called.
    fn waiting(&self) -> Vec<String> {
        let lane = |level: &str| ["URGENT", "STANDARD", "ADVICE"].iter().position(|one| *one == level).unwrap();
        let waiting = self.tickets.iter().filter(|(_, ticket)| ticket.phase == "waiting");
        let mut order: Vec<_> = waiting.map(|(id, t)| (lane(&t.level), t.arrived_at, id.clone())).collect();
        order.sort();
        order.into_iter().map(|(_, _, id)| id).collect()
    }
}

/// The story over all lives of the server.
struct Scene {
    ledger: Mutex<Ledger>,
    /// Patient → the token of who answers for them.
    holders: BTreeMap<String, String>,
    keys: AtomicU32,
    folder: tempfile::TempDir,
}

/// One life of the server, which ends by a kill.
struct Life {
    server: Mutex<Binary>,
    site: Site,
    left: AtomicU32,
}

impl Scene {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().expect("what fails ends the test")
    }

    fn holder(&self, patient: &str) -> String {
        self.holders[patient].clone()
    }

    fn command(&self, what: What, path: String, token: &str, body: Option<Value>) -> Command {
        let key = format!("key-{}", self.keys.fetch_add(1, Ordering::Relaxed));
        Command { what, desk: String::new(), path, token: token.to_owned(), body, key }
    }

    fn start(&self, acknowledged: u32) -> Life {
        let server = Binary::start(&["demo", "--ring-secs", "600"], self.folder.path(), &[]);
        let site = Site::at(&server.base);
        Life { server: Mutex::new(server), site, left: AtomicU32::new(acknowledged) }
    }

    /// Sends a command; `false` when the server died before it answered.
    async fn carry_out(&self, life: &Life, command: &Command) -> bool {
        let Command { path, token, body, key, .. } = command;
        let Some(answer) = life.site.attempt(Method::POST, path, token, body.clone(), Some(key)).await else {
            return false;
        };
        self.ledger().note(command, &answer);
        if life.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            life.server.lock().expect("nobody panics with it").kill();
        }
        true
    }

    /// What happens next at a desk follows from what it shows.
    fn at_desk(&self, desk: &str, doctor: &str, turn: u32) -> Command {
        Command { desk: desk.to_owned(), ..self.next(desk, doctor, turn) }
    }

    fn next(&self, desk: &str, doctor: &str, turn: u32) -> Command {
        let ledger = self.ledger();
        let desk_path = |act: &str| format!("/desks/{desk}/{act}");
        let Some(id) = ledger.at_desk.get(desk) else {
            return self.command(What::Call, desk_path("call-next"), doctor, None);
        };
        let ticket = &ledger.tickets[id];
        let version = Some(json!({ "version": ticket.version }));
        let id = id.clone();
        match ticket.phase.as_str() {
            "called" if turn.is_multiple_of(5) => {
                self.command(What::Cancel(id), desk_path("cancel-call"), doctor, version)
            }
            "called" => {
                let path = format!("/tickets/{id}/accept");
                self.command(What::Accept(id), path, &self.holder(&ticket.patient), version)
            }
            "accepted" if turn.is_multiple_of(4) && !ticket.was_wrong => {
                self.command(What::WrongPerson(id), desk_path("wrong-person"), doctor, version)
            }
            "accepted" => self.command(What::Confirm, desk_path("confirm"), doctor, version),
            "serving" if ticket.has_outcome => {
                self.command(What::End(id), format!("/visits/{}/end", ticket.visit), doctor, None)
            }
            "serving" => {
                let path = format!("/visits/{}/outcome", ticket.visit);
                self.command(What::Outcome(id), path, doctor, Some(json!({ "outcome": "home_care" })))
            }
            other => panic!("a desk holds a ticket that is {other}"),
        }
    }

    /// A doctor works until the server dies; the command that got no answer.
    async fn work(&self, life: &Life, desk: &str, doctor: &str) -> Option<Command> {
        // The first window of a new life: the desk's lease goes on.
        let open = self.command(What::Open, format!("/desks/{desk}/open"), doctor, None);
        let open = Command { desk: desk.to_owned(), ..open };
        if !self.carry_out(life, &open).await {
            return Some(open);
        }
        for turn in 1.. {
            let command = self.at_desk(desk, doctor, turn);
            if !self.carry_out(life, &command).await {
                return Some(command);
            }
        }
        None
    }

    /// Late patients take their numbers, and each third thinks better of it; until the server dies or all are here.
    async fn arrive(&self, life: &Life, late: &Mutex<Vec<(String, String)>>) -> Option<Command> {
        for turn in 1.. {
            let (declaration, holder) = late.lock().expect("nobody panics with it").pop()?;
            let take = json!({ "declaration": declaration });
            let take = self.command(What::Take, "/tickets".to_owned(), &holder, Some(take));
            if !self.carry_out(life, &take).await {
                return Some(take);
            }
            let leaves = self.ledger().waiting().last().filter(|_| turn % 3 == 0).cloned();
            if let Some(id) = leaves {
                let (version, patient) = {
                    let ledger = self.ledger();
                    (ledger.tickets[&id].version, ledger.tickets[&id].patient.clone())
                };
                let path = format!("/tickets/{id}/leave");
                let version = Some(json!({ "version": version }));
                let leave = self.command(What::Leave, path, &self.holder(&patient), version);
                if !self.carry_out(life, &leave).await {
                    return Some(leave);
                }
            }
        }
        None
    }

    /// Which tickets are further than what was acknowledged, by at most so many changes; none may be behind.
    async fn beyond_the_acknowledged(&self, site: &Site, changes: usize) -> BTreeSet<String> {
        let changes = i64::try_from(changes).unwrap();
        let known = self.ledger().tickets.clone();
        let mut beyond = BTreeSet::new();
        for (id, ticket) in known {
            let view = site.get(&format!("/tickets/{id}"), &self.holder(&ticket.patient)).await.ok();
            let version = view["version"].as_i64().unwrap();
            if version == ticket.version {
                assert_eq!(view["phase"], ticket.phase.as_str(), "{id} is what was acknowledged");
            } else {
                let ahead = version - ticket.version;
                assert!((1..=changes).contains(&ahead), "{id}: {} after {ticket:?}", view["phase"]);
                beyond.insert(id);
            }
        }
        beyond
    }

    /// The board shows everybody once, in the order of the queue, under numbers without a gap.
    async fn the_board_is_whole(&self, site: &Site, nurse: &str) {
        let clinics = site.get("/clinics", nurse).await.ok();
        let board = site.get(&format!("/clinics/{}/board", clinics[0]["id"].as_str().unwrap()), nurse).await.ok();
        let rows = board["tickets"].as_array().unwrap();
        let waiting = rows.iter().filter(|row| row["phase"] == "waiting").map(|row| row["id"].as_str().unwrap());
        let ledger = self.ledger();
        assert_eq!(waiting.collect::<Vec<_>>(), ledger.waiting(), "the order of the queue");
        let held = rows.iter().filter(|row| !row["desk"].is_null());
        let held = held.map(|row| (row["desk"].as_str().unwrap().to_owned(), row["id"].as_str().unwrap().to_owned()));
        let held: Vec<_> = held.collect();
        assert_eq!(held.len(), ledger.at_desk.len(), "no desk has two tickets");
        assert_eq!(held.into_iter().collect::<BTreeMap<_, _>>(), ledger.at_desk, "each at its desk, and at no other");
        let numbers: BTreeSet<_> = ledger.tickets.values().map(|ticket| ticket.no).collect();
        let all = i64::try_from(ledger.tickets.len()).unwrap();
        assert!(numbers.into_iter().eq(1..=all), "numbers from 1 to {all} without a gap");
    }
}

/// Holders with their patients, all declared: (declaration, patient, holder's token).
async fn people(site: &Site) -> Vec<(String, String, String)> {
    let families = (0..HOLDERS).map(async |holder| {
        let token = site.holder(holder).await;
        let mut declared = Vec::new();
        for n in 0..PATIENTS {
            let patient = site.patient(&token, holder * PATIENTS + n, "carer").await;
            site.consent(&token, &patient, false).await;
            let stated = match n % 3 {
                0 => json!({ "sx.fever": true, "sx.temp": 39.5 }),
                1 => json!({ "sx.fever": true, "sx.temp": 38.2 }),
                _ => json!({}),
            };
            let declaration = site.declare(&token, &patient, stated).await["id"].as_str().unwrap().to_owned();
            declared.push((declaration, patient, token.clone()));
        }
        declared
    });
    join_all(families).await.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn after_kill_9_the_queue_is_exactly_what_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut scene = Scene { ledger: Mutex::default(), holders: BTreeMap::new(), keys: AtomicU32::new(0), folder };
    let mut life = scene.start(u32::MAX);
    let people = people(&life.site).await;
    scene.holders = people.iter().map(|(_, patient, token)| (patient.clone(), token.clone())).collect();
    let mut late: Vec<_> = people.into_iter().map(|(declaration, _, token)| (declaration, token)).collect();
    for (declaration, token) in late.drain(..EARLY) {
        let take = Some(json!({ "declaration": declaration }));
        assert!(scene.carry_out(&life, &scene.command(What::Take, "/tickets".to_owned(), &token, take)).await);
    }
    let late = Mutex::new(late);
    let (doctor, doctor2, nurse) =
        tokio::join!(life.site.staff("doctor"), life.site.staff("doctor2"), life.site.staff("nurse"));
    let (one, two) = tokio::join!(life.site.desk(&doctor, 0), life.site.desk(&doctor, 1));
    for acknowledged in LIVES {
        life.left.store(acknowledged, Ordering::Relaxed);
        let unanswered = tokio::join!(
            scene.work(&life, &one, &doctor),
            scene.work(&life, &two, &doctor2),
            scene.arrive(&life, &late),
        );
        let unanswered: Vec<_> = [unanswered.0, unanswered.1, unanswered.2].into_iter().flatten().collect();
        assert!(unanswered.len() >= 2, "both desks were cut off at their work");
        life = scene.start(u32::MAX);
        let beyond = scene.beyond_the_acknowledged(&life.site, unanswered.len()).await;
        assert!(beyond.len() <= unanswered.len(), "{beyond:?} moved, {unanswered:?} got no answer");
        for command in &unanswered {
            assert!(scene.carry_out(&life, command).await);
        }
        let beyond = scene.beyond_the_acknowledged(&life.site, 0).await;
        assert!(beyond.is_empty(), "what was sent again is done once: {beyond:?}");
        scene.the_board_is_whole(&life.site, &nurse).await;
    }
    let done = scene.ledger().tickets.values().filter(|ticket| ticket.phase == "done").count();
    assert!(done >= LIVES.len(), "visits began and ended while the server was killed: {done}");
    let landing = life.site.get(&format!("/links/{LINK}"), "").await.ok();
    assert_eq!(landing["waiting"], scene.ledger().waiting().len());
}
