//! A participant's browser at the end of a path that carries few bits, and loses what is too much: a bucket with a drain, and no
//! queue before it.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use tokio::time::Instant;
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

use super::wired::Wire;

/// What passes at once though it is more than a second's share: a large packet, and the small ones beside it.
const BURST_BYTES: f64 = 6_000.0;

/// The browser's network, which carries so many bits a second to it; none at all at 0.
#[derive(Debug)]
pub struct Narrow(pub Arc<AtomicU32>);

#[derive(Debug)]
struct Socket {
    inner: Arc<dyn AsyncUdpSocket>,
    bits: Arc<AtomicU32>,
    bucket: Mutex<(Instant, f64)>,
}

impl Socket {
    /// Whether a datagram passes; whatever is no media does.
    fn passes(&self, datagram: &[u8]) -> bool {
        let is_media = matches!(datagram, [128..192, kind, ..] if !(192..=223).contains(kind));
        let mut bucket = self.bucket.lock().expect("no holder of this lock panics");
        let now = Instant::now();
        let bits = self.bits.load(Ordering::Relaxed);
        let most = if bits == 0 { 0.0 } else { BURST_BYTES };
        let room = (bucket.1 + (now - bucket.0).as_secs_f64() * f64::from(bits) / 8.0).min(most);
        let length = f64::from(u32::try_from(datagram.len()).expect("a datagram is short"));
        let passes = !is_media || room >= length;
        *bucket = (now, if is_media && passes { room - length } else { room });
        passes
    }
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
        loop {
            let count = match self.inner.poll_recv(waking, buffers, metas) {
                Poll::Ready(Ok(count)) => count,
                other => return other,
            };
            let mut any = false;
            for (buffer, meta) in buffers.iter_mut().zip(metas.iter_mut()).take(count) {
                // The kernel may hand over a run of datagrams of one length.
                let (stride, mut kept) = (meta.stride.max(1), 0);
                for at in (0..meta.len).step_by(stride) {
                    let end = (at + stride).min(meta.len);
                    if self.passes(&buffer[at..end]) {
                        buffer.copy_within(at..end, kept);
                        kept += end - at;
                    }
                }
                meta.len = kept;
                any |= kept > 0;
            }
            if any {
                return Poll::Ready(Ok(count));
            }
        }
    }
}

impl Wire for Narrow {
    fn around(&self, inner: Arc<dyn AsyncUdpSocket>) -> Arc<dyn AsyncUdpSocket> {
        Arc::new(Socket { inner, bits: Arc::clone(&self.0), bucket: Mutex::new((Instant::now(), BURST_BYTES)) })
    }
}
