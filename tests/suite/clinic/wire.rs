//! A bad network between a browser and the server: a TCP relay that reads along, and fails at a chosen message.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// Who says the message at which the network fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    Browser,
    Server,
}

/// How it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Both ends see the connection close.
    Cut,
    /// Nothing passes any more; what the browser said arrives when it has long taken another connection.
    Stall,
    /// Nothing passes any more, ever, and nobody is told.
    BlackHole,
}

/// The next failure.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub from: From,
    pub kind: &'static str,
    /// The message itself still arrives.
    pub after: bool,
    pub fault: Fault,
}

struct Shared {
    server: SocketAddr,
    plans: Mutex<VecDeque<Plan>>,
    /// How many plans have come true: what a browser notices by its silence.
    failed: watch::Sender<usize>,
    /// How many connections were welcomed: by then what stalled arrives.
    welcomed: watch::Sender<usize>,
}

/// The relay; it ends when it is dropped.
pub struct Wire {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    _end: DropGuard,
}

impl Wire {
    /// A network to `server` that works until it is told otherwise.
    pub async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (failed, welcomed) = (watch::Sender::new(0), watch::Sender::new(0));
        let shared = Arc::new(Shared { server, plans: Mutex::default(), failed, welcomed });
        let end = CancellationToken::new();
        let (stop, of_relay) = (end.clone(), Arc::clone(&shared));
        let tracker = TaskTracker::new();
        let connections = tracker.clone();
        tracker.spawn(end.clone().run_until_cancelled_owned(async move {
            while let Ok((browser, _)) = listener.accept().await {
                let connection = lead(Arc::clone(&of_relay), browser);
                connections.spawn(stop.clone().run_until_cancelled_owned(connection));
            }
        }));
        Self { address, shared, _end: end.drop_guard() }
    }

    /// What goes wrong, in this order.
    pub fn plan(&self, plans: &[Plan]) {
        self.shared.plans.lock().unwrap().extend(plans);
    }

    /// Plans that have not come true.
    pub fn pending(&self) -> usize {
        self.shared.plans.lock().unwrap().len()
    }

    /// Tells how many plans have come true.
    pub fn failures(&self) -> watch::Receiver<usize> {
        self.shared.failed.subscribe()
    }
}

impl Shared {
    /// What happens at this message.
    fn fault_at(&self, from: From, text: &[u8]) -> Option<Plan> {
        let message: Value = serde_json::from_slice(text).ok()?;
        let mut plans = self.plans.lock().unwrap();
        plans.pop_front_if(|plan| plan.from == from && message["type"] == plan.kind)
    }
}

async fn lead(shared: Arc<Shared>, browser: TcpStream) {
    let Ok(server) = TcpStream::connect(shared.server).await else { return };
    let ((from_browser, to_browser), (from_server, to_server)) = (browser.into_split(), server.into_split());
    let broken = CancellationToken::new();
    let mut welcomed = shared.welcomed.subscribe();
    let up = pass(&shared, From::Browser, from_browser, to_server, &broken);
    let down = pass(&shared, From::Server, from_server, to_browser, &broken);
    let (up, down) = tokio::join!(up, down);
    let fault = up.fault.or(down.fault);
    match fault {
        // Dropping all four halves is the cut.
        None | Some(Fault::Cut) => {}
        Some(Fault::Stall) => {
            let mut up = up;
            welcomed.mark_unchanged();
            welcomed.changed().await.ok();
            while let Ok(Some(frame)) = read(&mut up.reader, &mut up.buffer).await {
                up.held.extend(frame);
            }
            up.writer.write_all(&up.held).await.ok();
            drain(up.reader, down.reader).await;
        }
        Some(Fault::BlackHole) => drain(up.reader, down.reader).await,
    }
}

/// Reads and throws away what both ends say, until both are gone.
async fn drain(mut one: OwnedReadHalf, mut other: OwnedReadHalf) {
    let (mut a, mut b) = (tokio::io::sink(), tokio::io::sink());
    let _ = tokio::join!(tokio::io::copy(&mut one, &mut a), tokio::io::copy(&mut other, &mut b));
}

/// One direction when it ended.
struct Passed {
    fault: Option<Fault>,
    reader: OwnedReadHalf,
    writer: OwnedWriteHalf,
    buffer: Vec<u8>,
    /// Read and not passed on.
    held: Vec<u8>,
}

async fn pass(
    shared: &Shared,
    from: From,
    mut reader: OwnedReadHalf,
    mut writer: OwnedWriteHalf,
    broken: &CancellationToken,
) -> Passed {
    let (mut buffer, mut held, mut fault) = (Vec::new(), Vec::new(), None);
    let mut is_upgraded = false;
    loop {
        let next = async {
            if is_upgraded { read(&mut reader, &mut buffer).await } else { head(&mut reader, &mut buffer).await }
        };
        let Some(Ok(Some(frame))) = broken.run_until_cancelled(next).await else { break };
        if !is_upgraded {
            is_upgraded = true;
            if writer.write_all(&frame).await.is_err() {
                break;
            }
            continue;
        }
        let text = text_of(&frame);
        let plan = shared.fault_at(from, &text);
        if plan.is_none_or(|plan| plan.after) {
            if writer.write_all(&frame).await.is_err() {
                break;
            }
            if from == From::Server && text.starts_with(br#"{"type":"welcome""#) {
                shared.welcomed.send_modify(|count| *count += 1);
            }
        } else {
            held.extend(frame);
        }
        if let Some(plan) = plan {
            fault = Some(plan.fault);
            break;
        }
    }
    broken.cancel();
    if fault.is_some() {
        shared.failed.send_modify(|count| *count += 1);
    }
    Passed { fault, reader, writer, buffer, held }
}

/// The HTTP head that comes before the frames.
async fn head(reader: &mut OwnedReadHalf, buffer: &mut Vec<u8>) -> std::io::Result<Option<Vec<u8>>> {
    loop {
        if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            return Ok(Some(buffer.drain(..at + 4).collect()));
        }
        if reader.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

/// The next frame, as it came; nothing at the end.
async fn read(reader: &mut OwnedReadHalf, buffer: &mut Vec<u8>) -> std::io::Result<Option<Vec<u8>>> {
    loop {
        if let Some((start, _, length)) = shape(buffer)
            && buffer.len() >= start + length
        {
            return Ok(Some(buffer.drain(..start + length).collect()));
        }
        if reader.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

/// Where a frame's payload begins, its mask, and its length (RFC 6455, 5.2).
fn shape(frame: &[u8]) -> Option<(usize, Option<[u8; 4]>, usize)> {
    let second = *frame.get(1)?;
    let (mut at, length) = match second & 0x7f {
        126 => (4, usize::from(u16::from_be_bytes(frame.get(2..4)?.try_into().unwrap()))),
        127 => (10, usize::try_from(u64::from_be_bytes(frame.get(2..10)?.try_into().unwrap())).unwrap()),
        short => (2, usize::from(short)),
    };
    let mut mask = None;
    if second & 0x80 != 0 {
        mask = Some(frame.get(at..at + 4)?.try_into().unwrap());
        at += 4;
    }
    Some((at, mask, length))
}

fn text_of(frame: &[u8]) -> Vec<u8> {
    let Some((start, mask, _)) = shape(frame) else { return Vec::new() };
    let mask = mask.unwrap_or_default();
    frame[start..].iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]).collect()
}
