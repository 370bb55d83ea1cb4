//! A participant's browser whose path is watched: of each packet of media the moment in which the kernel had it, however long
//! it lay there until somebody read it.

use std::collections::HashSet;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};
use yunzhen::clock::Clock;

use super::wired::Wire;

/// What came: since the Unix epoch, of which stream, under which number.
#[derive(Debug, Default)]
pub struct Seen(Mutex<Vec<(Duration, u32, u16)>>);

impl Seen {
    /// The moment, by the clock of those that are noted.
    pub fn now() -> Duration {
        Duration::from_millis(Clock::System.now().as_millis().unsigned_abs())
    }

    /// How many packets of these streams came after a moment; nothing is all streams.
    pub fn after(&self, moment: Duration, streams: Option<&HashSet<u32>>) -> usize {
        let seen = self.0.lock().expect("no holder of this lock panics");
        let is_meant = |ssrc: &u32| streams.is_none_or(|streams| streams.contains(ssrc));
        seen.iter().filter(|(at, ssrc, _)| *at > moment && is_meant(ssrc)).count()
    }

    /// When the last of all came.
    pub fn last(&self) -> Option<Duration> {
        self.0.lock().expect("no holder of this lock panics").last().map(|(at, ..)| *at)
    }

    /// The number of the first packet of a stream, whether it could be read or not.
    pub fn first(&self, stream: u32) -> Option<u16> {
        let seen = self.0.lock().expect("no holder of this lock panics");
        seen.iter().find(|(_, ssrc, _)| *ssrc == stream).map(|(.., sequence)| *sequence)
    }

    fn note(&self, at: Duration, datagram: &[u8]) {
        if let [128..192, kind, high, low, _, _, _, _, a, b, c, d, ..] = datagram
            && !(192..=223).contains(kind)
        {
            let ssrc = u32::from_be_bytes([*a, *b, *c, *d]);
            self.0.lock().expect("no holder of this lock panics").push((at, ssrc, u16::from_be_bytes([*high, *low])));
        }
    }
}

/// The browser's network.
#[derive(Debug)]
pub struct Watched(pub Arc<Seen>);

#[derive(Debug)]
struct Socket {
    inner: Arc<dyn AsyncUdpSocket>,
    seen: Arc<Seen>,
}

impl AsyncUdpSocket for Socket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn poll_send(&self, waking: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        self.inner.poll_send(waking, transmit)
    }

    fn poll_recv(
        &self,
        waking: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let polled = self.inner.poll_recv(waking, buffers, metas);
        if let Poll::Ready(Ok(count)) = &polled {
            for (buffer, meta) in buffers.iter().zip(metas.iter()).take(*count) {
                let at = meta.timestamp.expect("the kernel says when it had a datagram");
                for datagram in buffer[..meta.len].chunks(meta.stride.max(1)) {
                    self.seen.note(at, datagram);
                }
            }
        }
        polled
    }

    fn max_gro_segments(&self) -> usize {
        self.inner.max_gro_segments()
    }
}

impl Wire for Watched {
    fn around(&self, inner: Arc<dyn AsyncUdpSocket>) -> Arc<dyn AsyncUdpSocket> {
        Arc::new(Socket { inner, seen: Arc::clone(&self.0) })
    }
}
