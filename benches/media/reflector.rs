//! The least that a relay could do: a process that receives a datagram and sends it to each subscriber, unread. What a
//! packet stays there, it stays for the machine's sake.

use std::io::Write as _;
use std::net::UdpSocket;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::delay::stays;
use crate::forwarding::Plan;
use crate::peer::{PUBLISHER, VP8};
use crate::wire::Wire;
use crate::{SIZE, processor};

/// The switch with which this program is the reflector; behind it stand the subscribers' ports.
pub const SWITCH: &str = "serve-a-reflector";
const SPAN: Duration = Duration::from_secs(8);

/// Its outcome.
pub struct Reflected {
    /// How long packets stayed, in microseconds.
    pub stays: Vec<f64>,
    /// Its share of a core.
    pub core: f64,
}

/// Reflects until it is killed.
pub fn serve(words: &[String]) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    println!("{}", socket.local_addr().unwrap().port());
    std::io::stdout().flush().unwrap();
    let ports: Vec<u16> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let mut bytes = [0; 2048];
    loop {
        let length = socket.recv(&mut bytes).unwrap();
        bytes[8..12].copy_from_slice(&(PUBLISHER + 1).to_be_bytes());
        for port in &ports {
            socket.send_to(&bytes[..length], ("127.0.0.1", *port)).unwrap();
        }
    }
}

/// The same packets in the same rhythm.
pub async fn measure(plan: Plan) -> Reflected {
    let mut watching = tokio::task::JoinSet::new();
    let mut ports = Vec::new();
    for _ in 0..plan.to {
        let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        ports.push(socket.local_addr().unwrap().port());
        watching.spawn(async move {
            let mut bytes = [0; 2048];
            while socket.recv(&mut bytes).await.is_ok() {}
        });
    }
    let mut process = Command::new(std::env::current_exe().unwrap())
        .arg(SWITCH)
        .args(ports.iter().map(u16::to_string))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let id = process.id().unwrap();
    let line = BufReader::new(process.stdout.take().unwrap()).lines().next_line().await.unwrap().unwrap();
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(("127.0.0.1", line.parse().unwrap())).await.unwrap();
    let wire = Wire::tap().unwrap();
    let (before, began) = (processor(id), Instant::now());
    let mut tick = tokio::time::interval(Duration::from_secs(1) / plan.rate);
    let mut bytes = vec![0; SIZE];
    bytes[..2].copy_from_slice(&[0x80, VP8]);
    bytes[8..12].copy_from_slice(&PUBLISHER.to_be_bytes());
    let mut sequence: u16 = 0;
    while began.elapsed() < SPAN {
        tick.tick().await;
        for _ in 0..plan.packets {
            sequence = sequence.wrapping_add(1);
            bytes[2..4].copy_from_slice(&sequence.to_be_bytes());
            socket.send(&bytes).await.unwrap();
        }
    }
    let lasted = began.elapsed().as_secs_f64();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let core = processor(id).saturating_sub(before).as_secs_f64() / lasted;
    Reflected { stays: stays(&wire.end(), &ports), core }
}
