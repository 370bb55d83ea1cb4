//! TURN over a stream, be it TCP or TLS: frames out of bytes, with a limit for each length and each wait.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::Turn;
use super::relayed::Outlet;
use super::session::Session;
use crate::domain::first_byte::FirstByte;
use crate::media::instant;

/// The longest message; WebRTC stays below the Ethernet frame of 1,500 bytes.
const LONGEST: usize = 2048;
/// Messages that wait for a slow reader: a third of a second of a good camera. What comes when it is full is dropped.
const QUEUE: usize = 256;
/// Time for an allocation from the first byte, and for the rest of a message from its head.
const PATIENCE: Duration = Duration::from_secs(10);

impl Turn {
    /// Serves one stream until its client goes, its allocation ends, or `stop`.
    pub async fn serve_stream(
        self: Arc<Self>,
        stream: impl AsyncRead + AsyncWrite + Send,
        from: SocketAddr,
        stop: CancellationToken,
    ) {
        let (mut reader, mut writer) = tokio::io::split(stream);
        let (outlet, mut queue) = mpsc::channel::<Vec<u8>>(QUEUE);
        let session = Session::new(self, from, Outlet::Stream(outlet.clone()));
        let write = async {
            while let Some(message) = queue.recv().await {
                let mut batch = message;
                // One write, and under TLS one record, for all that waits.
                while batch.len() < 16 * 1024
                    && let Ok(more) = queue.try_recv()
                {
                    batch.extend(more);
                }
                let written = timeout(PATIENCE, async {
                    writer.write_all(&batch).await?;
                    writer.flush().await
                });
                if !matches!(written.await, Ok(Ok(()))) {
                    return;
                }
            }
        };
        let mut write = std::pin::pin!(write);
        tokio::select! {
            // What it was answered last still goes out: the queue ends with those who fill it.
            () = read(&mut reader, session, outlet) => drop(timeout(PATIENCE, write).await),
            () = write.as_mut() => {}
            () = stop.cancelled() => {}
        }
    }
}

async fn read(reader: &mut (impl AsyncRead + Unpin), mut session: Session, outlet: mpsc::Sender<Vec<u8>>) {
    let began = instant::now();
    let mut buffer = vec![0; LONGEST];
    loop {
        let ended = session.allocation().map(|allocation| allocation.ended.clone());
        let until = session.ends_at().unwrap_or(began + PATIENCE);
        let end = async {
            match &ended {
                Some(ended) => ended.cancelled().await,
                None => std::future::pending().await,
            }
        };
        let length = tokio::select! {
            () = end => return,
            head = tokio::time::timeout_at(until.into(), reader.read_exact(&mut buffer[..4])) => {
                if !matches!(head, Ok(Ok(_))) {
                    return;
                }
                match timeout(PATIENCE, rest(reader, &mut buffer)).await {
                    Ok(Ok(length)) => length,
                    _ => return,
                }
            }
        };
        if let Some(answer) = session.handle(instant::now(), &buffer[..length]) {
            // Its own questions wait for room: an answer that is dropped would be asked for again only much later.
            if outlet.send(padded(answer)).await.is_err() {
                return;
            }
        }
        // A stream is one client's, and ends with its allocation.
        if ended.is_some() && session.allocation().is_none() {
            return;
        }
    }
}

/// Reads what follows the four bytes of a head; returns the length of the whole message.
async fn rest(reader: &mut (impl AsyncRead + Unpin), buffer: &mut [u8]) -> io::Result<usize> {
    let said = usize::from(u16::from_be_bytes([buffer[2], buffer[3]]));
    let length = match FirstByte::of(buffer[0]) {
        FirstByte::Stun => 20 + said,
        FirstByte::Channel => 4 + said,
        _ => return Err(io::ErrorKind::InvalidData.into()),
    };
    let padded = length.next_multiple_of(4);
    let body = buffer.get_mut(4..padded).ok_or(io::ErrorKind::InvalidData)?;
    reader.read_exact(body).await?;
    Ok(length)
}

fn padded(mut message: Vec<u8>) -> Vec<u8> {
    message.resize(message.len().next_multiple_of(4), 0);
    message
}
