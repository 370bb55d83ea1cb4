//! A host's word through the whole server: from the socket on which it is said to the last packet that it forbids.
//!
//! Time is counted in packets. Everybody sends one of each kind every ten milliseconds and writes into it what was said last
//! when it left: a machine that stands still sends none meanwhile. What was measured is printed.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use yunzhen::domain::room::relay::MediaKind::{Audio, Video};
use yunzhen::store::Db;

use super::client::{Client, PATIENCE};
use super::watched::Seen;
use crate::clinic::audits::entries;
use crate::clinic::live::Socket;
use crate::clinic::stage::{Stage, Visit};

const PATIENT: u8 = 1;
const DOCTOR: u8 = 2;
/// Packets of one kind that somebody sends in fifty milliseconds.
const FIFTY_MS: usize = 5;
/// How often each word is said. A frozen clock lets a socket say sixty.
const ROUNDS: u8 = 9;
/// How long the server lets a command wait for the database, in packets of one kind.
const DATABASE: usize = 200;

/// Somebody in the call.
struct Person {
    socket: Socket,
    client: Client,
    seen: Arc<Seen>,
    /// As it was when they came.
    room: Value,
}

impl Person {
    async fn enter(stage: &Stage, visit: &Visit, (token, name): (&str, u8), tracker: &TaskTracker) -> Self {
        let (mut socket, _) = Socket::hello(stage, token, None).await;
        let room = socket.join(stage, visit, token).await;
        let (mut client, seen) = Client::watched(name, 2, tracker).await;
        let sdp = client.offer().await;
        let id = &room["room"];
        socket.say(json!({ "type": "offer", "id": 2, "room": id, "offer_id": 1, "fresh": true, "sdp": sdp })).await;
        let answer = socket.expect("answer").await["sdp"].as_str().unwrap().to_owned();
        client.accept(answer).await;
        client.connected().await;
        Self { socket, client, seen, room }
    }

    /// What is said to a room, with the number of the answer.
    fn word(&self, id: u64, mut word: Value) -> Value {
        word["id"] = json!(id);
        word["room"] = self.room["room"].clone();
        word
    }

    /// How long a ping takes on the own socket.
    async fn ping(&mut self) -> Duration {
        let asked = Instant::now();
        self.socket.say(json!({ "type": "ping", "id": 1 })).await;
        self.socket.expect("pong").await;
        asked.elapsed()
    }
}

/// How many packets of the other side were sent under this mark and came, sound and pictures; reads until one came that was
/// sent under the next.
async fn came_under(client: &mut Client, mark: u8) -> [usize; 2] {
    let mut came = [0, 0];
    let reading = async {
        loop {
            let packet = client.next().await;
            if packet.kind == Audio && packet.mark == mark + 1 {
                return;
            }
            if packet.mark == mark {
                came[usize::from(packet.kind == Video)] += 1;
            }
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("who was let go is heard again");
    came
}

struct Call {
    stage: Stage,
    doctor: Person,
    patient: Person,
}

impl Call {
    async fn begin(tracker: &TaskTracker) -> Self {
        let stage = Stage::open().await;
        let visit = stage.visit().await;
        let mut doctor = Person::enter(&stage, &visit, (&visit.doctor, DOCTOR), tracker).await;
        let mut patient = Person::enter(&stage, &visit, (&visit.patient, PATIENT), tracker).await;
        for kind in [Audio, Video] {
            doctor.client.packets_of(PATIENT, kind, 3).await;
            patient.client.packets_of(DOCTOR, kind, 3).await;
        }
        Self { stage, doctor, patient }
    }

    /// What the host does with the patient.
    fn act(&self, id: u64, act: &str) -> Value {
        let whom = &self.patient.room["you"];
        self.doctor.word(id, json!({ "type": "host", "participant": whom, "act": act }))
    }

    /// A second hand at the database.
    async fn database(&self) -> Db {
        Db::open(&format!("sqlite:{}", self.stage.folder.path().join("yunzhen.db").display())).await.unwrap()
    }

    /// Reads until the patient's page shows so of the patient.
    async fn patient_is(&mut self, what: &str, is: bool) {
        let whom = self.patient.room["you"].clone();
        let shows = |room: &Value| {
            let people = room["participants"].as_array().unwrap();
            people.iter().any(|one| one["id"] == whom && one[what] == is)
        };
        while !shows(&self.patient.socket.expect("room").await["room"]) {}
    }

    fn mark(&self, mark: u8) {
        self.patient.client.mark(mark);
        self.doctor.client.mark(mark);
    }
}

fn median<T: Ord + Copy>(mut all: Vec<T>) -> T {
    all.sort_unstable();
    all[all.len() / 2]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hosts_word_holds_on_the_wire_before_five_more_packets_have_passed_from_where_it_is_said() {
    let tracker = TaskTracker::new();
    let mut call = Call::begin(&tracker).await;
    let mut mark = 0;
    let mut pings = Vec::new();
    for act in ["hold", "mute"] {
        let (mut passed, mut took) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let word = call.act(7, act);
            mark += 2;
            call.mark(mark);
            let said = Seen::now();
            call.doctor.socket.say(word).await;
            call.doctor.socket.expect("done").await;
            let last = call.doctor.seen.last().unwrap_or_default();
            // Whatever still came is counted when later ones come.
            call.mark(mark + 1);
            if act == "hold" {
                let release = call.act(8, "release");
                call.doctor.socket.say(release).await;
                call.doctor.socket.expect("done").await;
                took.push(last.saturating_sub(said));
            } else {
                let unmute = call.patient.word(8, json!({ "type": "unmute" }));
                call.patient.socket.say(unmute).await;
                call.patient.socket.expect("done").await;
            }
            let [sound, pictures] = came_under(&mut call.doctor.client, mark).await;
            passed.push(sound);
            if act == "hold" {
                passed.push(pictures);
                passed.extend(came_under(&mut call.patient.client, mark).await);
            }
        }
        pings.push(call.doctor.ping().await);
        let worst = passed.iter().max().copied();
        println!("FIGURE {act}: {} packets after the word, {worst:?} at worst, {took:?}", median(passed.clone()));
        assert!(median(passed.clone()) <= FIFTY_MS, "{act}: of one kind came, each time: {passed:?}");
    }
    println!("FIGURE a ping on the same socket: {pings:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_away_waits_for_no_word_before_it_that_waits_for_the_database() {
    let tracker = TaskTracker::new();
    let mut call = Call::begin(&tracker).await;
    let db = call.database().await;
    // Whoever writes waits.
    let held = db.begin().await.unwrap();
    let (first, second) = (call.act(7, "release"), call.act(8, "hold"));
    call.doctor.socket.say(first).await;
    call.mark(1);
    call.doctor.socket.say(second).await;
    call.patient_is("held", true).await;
    // And the word before was not answered yet.
    while let Some(message) = call.doctor.socket.next().now_or_never() {
        assert_ne!(message.unwrap()["type"], "refused", "the second word waited for the answer to the first");
    }
    let refused = call.doctor.socket.expect("refused").await;
    assert_eq!((&refused["id"], &refused["problem"]["code"]), (&json!(7), &json!("server.unavailable")));
    let passed = call.doctor.client.arrived().iter().filter(|one| one.mark == 1 && one.kind == Audio).count();
    println!("FIGURE behind a word that waits: {passed} packets after the word");
    assert!(passed < DATABASE / 4, "{passed} packets of sound passed while the word before waited");
    // It is written in its turn, and once.
    drop(held);
    assert_eq!(call.doctor.socket.expect("done").await["id"], 8);
    assert_eq!(entries(&call.stage, "room.hold").await.len(), 1);
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_away_holds_though_the_word_that_gave_before_it_had_to_wait() {
    let tracker = TaskTracker::new();
    let mut call = Call::begin(&tracker).await;
    let hold = call.act(6, "hold");
    call.doctor.socket.say(hold).await;
    call.doctor.socket.expect("done").await;
    let db = call.database().await;
    let held = db.begin().await.unwrap();
    call.mark(1);
    for (id, act) in (7..).zip(["release", "hold", "mute"]) {
        let word = call.act(id, act);
        call.doctor.socket.say(word).await;
    }
    // By then the word before that one was heard, too; and the first still waits.
    call.patient_is("muted", true).await;
    drop(held);
    let refused = call.doctor.socket.expect("refused").await;
    assert_eq!((&refused["id"], &refused["problem"]["code"]), (&json!(7), &json!("version.conflict")));
    while call.doctor.socket.expect("done").await["id"] != 9 {}
    let passed = call.doctor.client.arrived().iter().filter(|one| one.mark == 1).count();
    assert_eq!(passed, 0, "packets of somebody passed who was held apart all the while");
    // Whoever sees that may let them go.
    let release = call.act(10, "release");
    call.doctor.socket.say(release).await;
    while call.doctor.socket.expect("done").await["id"] != 10 {}
    call.doctor.client.packets_of(PATIENT, Video, 3).await;
    db.close().await;
}
