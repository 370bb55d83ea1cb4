//! The relay in a process of its own, commanded by lines on its pipes.

use std::collections::HashMap;
use std::io::Write as _;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStdin, Command};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;
use yunzhen::domain::ids::{ParticipantId, RoomId};
use yunzhen::domain::room::relay::{Permit, RelayCommand, RelayEvent, RelayMode};
use yunzhen::media::{Relay, RelayConfig};

/// Serves until the pipe ends.
pub async fn serve() {
    let config =
        RelayConfig { seats_per_room: 1000, seats: 100_000, ..RelayConfig::on("127.0.0.1:0".parse().unwrap()) };
    let seed = AtomicU64::new(1);
    let entropy = Arc::new(move |bytes: &mut [u8]| {
        for byte in bytes {
            let next = seed.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            *byte = (next.wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 56).to_le_bytes()[0];
        }
    });
    let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
    let (relay, mut events) = Relay::start(config, entropy, &tracker, &stop).unwrap();
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    loop {
        tokio::select! {
            line = lines.next_line() => {
                let Ok(Some(line)) = line else { return };
                let said: Value = serde_json::from_str(&line).unwrap();
                let number = said["peer"].as_u64().unwrap();
                let participant = ParticipantId::from_uuid(Uuid::from_u128(u128::from(number) + 1));
                let room = said["room"].as_u64().unwrap_or_default();
                let room = RoomId::from_uuid(Uuid::from_u128(u128::from(room) + 1));
                match said["sdp"].as_str() {
                    Some(sdp) => {
                        let (mode, permit) = (RelayMode::Conference, Permit::ALL);
                        let admit = RelayCommand::Admit { room, participant, mode, kept: true, permit };
                        relay.commands.send(admit).await.unwrap();
                        let offer = RelayCommand::Offer { participant, offer_id: number, fresh: true, sdp: sdp.to_owned() };
                        relay.commands.send(offer).await.unwrap();
                    }
                    None if said["close"] == true => relay.commands.send(RelayCommand::Close { room }).await.unwrap(),
                    None => {
                        let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
                        answer(&json!({ "peer": number, "connections": relay.connections(), "tasks": tasks }));
                    }
                }
            }
            Some(event) = events.recv() => match event {
                RelayEvent::Answer { offer_id, sdp, .. } => answer(&json!({ "peer": offer_id, "sdp": sdp })),
                RelayEvent::OfferRefused { offer_id, reason, .. } => panic!("offer {offer_id}: {reason:?}"),
                _ => {}
            },
        }
    }
}

fn answer(value: &Value) {
    println!("{value}");
    std::io::stdout().flush().unwrap();
}

/// What the relay holds.
pub struct Held {
    /// Resident memory, in kB.
    pub memory: u64,
    /// Open descriptors.
    pub descriptors: usize,
    /// Tasks of its runtime.
    pub tasks: u64,
    /// Peer connections.
    pub connections: u64,
}

/// The relay's process, from outside.
pub struct Child {
    process: tokio::process::Child,
    stdin: tokio::sync::Mutex<ChildStdin>,
    waiting: Arc<Mutex<HashMap<u64, oneshot::Sender<Value>>>>,
}

impl Child {
    /// Starts a program that [serves](serve).
    pub fn start(mut program: Command) -> Self {
        let mut process = program.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let stdin = tokio::sync::Mutex::new(process.stdin.take().unwrap());
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let waiting: Arc<Mutex<HashMap<u64, oneshot::Sender<Value>>>> = Arc::default();
        let heard = Arc::clone(&waiting);
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                // Whatever else the program says, an answer ends its line.
                let answer = line.find('{').map(|at| &line[at..]).unwrap_or_default();
                let Ok(said) = serde_json::from_str::<Value>(answer) else { continue };
                if let Some(waits) = said["peer"].as_u64().and_then(|peer| heard.lock().unwrap().remove(&peer)) {
                    waits.send(said).ok();
                }
            }
        });
        Self { process, stdin, waiting }
    }

    /// Gives `peer` a seat in `room`, and its offer an answer.
    pub async fn offer(&self, room: u32, peer: u32, sdp: &str) -> String {
        let said = self.ask(u64::from(peer), json!({ "room": room, "peer": peer, "sdp": sdp })).await;
        said["sdp"].as_str().unwrap().to_owned()
    }

    /// Closes the room.
    pub async fn close(&self, room: u32) {
        self.say(&json!({ "room": room, "peer": 0, "close": true })).await;
    }

    /// What it holds now.
    pub async fn holds(&self) -> Held {
        let said = self.ask(u64::from(u32::MAX), json!({ "peer": u32::MAX })).await;
        let id = self.id();
        let text = std::fs::read_to_string(format!("/proc/{id}/smaps_rollup")).unwrap();
        let memory = text.lines().find_map(|line| line.strip_prefix("Rss:")).unwrap();
        Held {
            memory: memory.trim().trim_end_matches(" kB").parse().unwrap(),
            descriptors: std::fs::read_dir(format!("/proc/{id}/fd")).unwrap().count(),
            tasks: said["tasks"].as_u64().unwrap(),
            connections: said["connections"].as_u64().unwrap(),
        }
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.process.id().unwrap()
    }

    async fn ask(&self, peer: u64, value: Value) -> Value {
        let (sender, receiver) = oneshot::channel();
        self.waiting.lock().unwrap().insert(peer, sender);
        self.say(&value).await;
        tokio::time::timeout(Duration::from_secs(10), receiver).await.expect("an answer in time").unwrap()
    }

    async fn say(&self, value: &Value) {
        self.stdin.lock().await.write_all(format!("{value}\n").as_bytes()).await.unwrap();
    }
}
