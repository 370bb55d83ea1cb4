//! The real binary on a database that holds a busy day: how soon it is ready, what it holds when nobody is there, and
//! what each patient costs who waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use yunzhen::store::Db;

use crate::child::{Memory, Server, bare_start};
use crate::figures::Spread;
use crate::folder;
use crate::hospital::{Hospital, Patient};
use crate::waiting::Waiting;

/// Starts that are timed.
const STARTS: usize = 15;
/// Times that each crowd comes.
const CROWDS: usize = 3;
/// Patients in a crowd.
const SIZES: [usize; 2] = [500, 1000];
/// When a crowd is looked at, and which of [`crowd`]'s two looks that is.
const STAGES: [(&str, usize); 2] = [("connected", 0), ("after two changes of the queue", 1)];
/// Until what was needed only for the beginning is given back; more than two rounds of pings and repairs.
const SETTLED: Duration = Duration::from_secs(12);

/// Measures start and memory.
pub async fn run() {
    let folder = folder();
    let url = format!("sqlite:{}", folder.path().join("yunzhen.db").display());
    let mut hospital = Hospital::open(Db::open(&url).await.unwrap()).await;
    let link = hospital.fever().link_token;
    let mut patients = Vec::new();
    for _ in 0..SIZES[SIZES.len() - 1] {
        patients.push(hospital.patient(&link).await);
    }
    hospital.db.close().await;
    println!("\nthe server on a SQLite in which {} patients wait", patients.len());

    let (mut ready, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        bare.push(bare_start().await.as_secs_f64() * 1e3);
        let server = Server::start(folder.path()).await;
        ready.push(server.ready_after.as_secs_f64() * 1e3);
        server.stop().await;
    }
    let (ready, bare) = (Spread::of(&ready), Spread::of(&bare));
    println!("cold start to ready, ms: {ready:.0}; `--version` of the same binary: {bare:.0}  ({STARTS} starts)");

    let mut idle = Vec::new();
    let mut grown = Vec::new();
    for size in SIZES {
        let mut crowds = Vec::new();
        for _ in 0..CROWDS {
            let server = Server::start(folder.path()).await;
            tokio::time::sleep(SETTLED).await;
            let alone = server.memory();
            idle.push(alone);
            crowds.push(crowd(&server, &patients[..size], alone).await);
            server.stop().await;
        }
        grown.push(STAGES.map(|(what, stage)| {
            let of = |part: fn(&Memory) -> f64| spread(crowds.iter().map(|crowd| part(&crowd[stage]) / 1e3));
            let each = of(|memory| memory.resident);
            println!(
                "each of {size:>4} who wait, {what}, kB: {each:.1}, anonymous {:.1}",
                of(|memory| memory.anonymous)
            );
            each.median * people(size)
        }));
    }
    for (what, stage) in STAGES {
        let [(few, less), (many, more)] = [0, 1].map(|at| (people(SIZES[at]), grown[at][stage]));
        println!("each beyond the {}th, {what}, kB: {:.1}", SIZES[0], (more - less) / (many - few));
    }
    let of = |part: fn(&Memory) -> f64| spread(idle.iter().map(|memory| part(memory) / 1e6));
    println!("idle, MB: {:.1}, anonymous {:.1}", of(|memory| memory.resident), of(|memory| memory.anonymous));
}

fn spread(runs: impl Iterator<Item = f64>) -> Spread {
    Spread::of(&runs.collect::<Vec<_>>())
}

fn people(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::NAN, f64::from)
}

/// Lets patients wait; what each costs once they are there, and once everybody was told of a change.
async fn crowd(server: &Server, patients: &[Patient], alone: Memory) -> [Memory; 2] {
    let pushed = Arc::new(AtomicUsize::new(0));
    let mut sockets = JoinSet::new();
    for patient in patients {
        let waiting = Waiting::begin(server.http, patient).await;
        sockets.spawn(waiting.wait(Arc::clone(&pushed)));
    }
    tokio::time::sleep(SETTLED).await;
    let connected = each(alone, server.memory(), patients.len());
    open_and_close_a_desk(server).await;
    tokio::time::sleep(SETTLED).await;
    assert!(pushed.load(Ordering::Relaxed) >= patients.len(), "everybody was told");
    assert!(sockets.try_join_next().is_none(), "everybody still waits");
    [connected, each(alone, server.memory(), patients.len())]
}

fn each(before: Memory, after: Memory, count: usize) -> Memory {
    let people = self::people(count);
    Memory {
        resident: (after.resident - before.resident) / people,
        anonymous: (after.anonymous - before.anonymous) / people,
    }
}

/// A doctor opens a desk and closes it: the truth of the queue changes for all who wait.
async fn open_and_close_a_desk(server: &Server) {
    let client = reqwest::Client::new();
    let base = format!("http://{}/api/v1", server.http);
    let login = json!({ "username": "doctor", "password": "yunzhen-doctor" });
    let tokens: Value =
        client.post(format!("{base}/auth/login")).json(&login).send().await.unwrap().json().await.unwrap();
    let token = tokens["access_token"].as_str().expect("the demonstration's doctor signs in");
    let clinics: Value =
        client.get(format!("{base}/clinics")).bearer_auth(token).send().await.unwrap().json().await.unwrap();
    let desk = clinics[0]["desks"][0]["id"].as_str().expect("the clinic has a desk");
    for what in ["open", "close"] {
        let answer = client.post(format!("{base}/desks/{desk}/{what}")).bearer_auth(token).send().await.unwrap();
        assert!(answer.status().is_success(), "{what}: {}", answer.status());
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
}
