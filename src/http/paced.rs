//! How much a WebSocket may say, in bytes. Whole messages are counted where they are understood; a frame need not end one, and
//! costs as much to read. Who says more is read more slowly, and nobody else is.

use std::future::{Pending, pending};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Timeout, timeout};

/// Bytes a second: some thirty times what a browser says that gives stills.
const RATE: u64 = 256 * 1024;
/// Bytes at once: a few of the largest offers.
const BURST: u64 = 512 * 1024;
/// How long the next bytes wait when there were too many.
const PAUSE: Duration = Duration::from_millis(100);

/// A connection that is read no faster than that once it is a WebSocket.
pub(super) struct Paced<S> {
    stream: S,
    is_socket: Arc<AtomicBool>,
    /// Bytes that may come now, at this moment.
    left: u64,
    at: Instant,
    pause: Option<Pin<Box<Timeout<Pending<()>>>>>,
}

impl<S> Paced<S> {
    /// A connection that speaks HTTP until it `is_socket`.
    pub(super) fn new(stream: S, is_socket: Arc<AtomicBool>) -> Self {
        Self { stream, is_socket, left: BURST, at: Instant::now(), pause: None }
    }

    /// What may be read now; waits while that is nothing.
    fn poll_left(&mut self, context: &mut Context<'_>) -> Poll<usize> {
        loop {
            if let Some(pause) = &mut self.pause {
                // It ends by its time.
                let _ = ready!(pause.as_mut().poll(context));
                self.pause = None;
            }
            let now = Instant::now();
            let gained = u64::try_from(now.duration_since(self.at).as_millis()).unwrap_or(u64::MAX);
            if gained > 0 {
                self.left = self.left.saturating_add(gained.saturating_mul(RATE) / 1000).min(BURST);
                self.at = now;
            }
            match usize::try_from(self.left) {
                Ok(0) => self.pause = Some(Box::pin(timeout(PAUSE, pending()))),
                left => return Poll::Ready(left.unwrap_or(usize::MAX)),
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.is_socket.load(Ordering::Relaxed) {
            return Pin::new(&mut self.stream).poll_read(context, to);
        }
        let most = ready!(self.poll_left(context)).min(to.remaining());
        let mut part = ReadBuf::new(to.initialize_unfilled_to(most));
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut part))?;
        let length = part.filled().len();
        to.advance(length);
        self.left -= length as u64;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    /// How long it takes until a second's worth of bytes more than the burst was read.
    async fn read(is_socket: bool) -> Duration {
        let talker = tokio::io::repeat(7).take(BURST + RATE);
        let mut paced = Paced::new(talker, Arc::new(AtomicBool::new(is_socket)));
        let (begun, mut all) = (Instant::now(), Vec::new());
        paced.read_to_end(&mut all).await.unwrap();
        assert_eq!(all.len() as u64, BURST + RATE, "nothing is lost");
        begun.elapsed()
    }

    #[tokio::test]
    async fn a_socket_is_read_no_faster_than_its_pace_and_a_request_as_fast_as_it_comes() {
        let (socket, request) = (read(true).await, read(false).await);
        assert!(socket >= Duration::from_millis(950), "{socket:?}");
        assert!(request < socket, "{request:?}");
    }
}
