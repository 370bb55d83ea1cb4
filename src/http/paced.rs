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

use crate::domain::bucket::{Bucket, Rate};

/// Bytes: half a MiB at once, which is a few of the largest offers, and then a quarter of one a second (one each 3.8 µs), some
/// thirty times what a browser says that gives stills.
const BYTES: Rate = Rate::new(512 * 1024, 1_000_000_000 / (256 * 1024));
/// How long the next bytes wait when there were too many.
const PAUSE: Duration = Duration::from_millis(100);

/// A connection that is read no faster than that once it is a WebSocket.
pub(super) struct Paced<S> {
    stream: S,
    is_socket: Arc<AtomicBool>,
    bytes: Bucket,
    begun: Instant,
    pause: Option<Pin<Box<Timeout<Pending<()>>>>>,
}

impl<S> Paced<S> {
    /// A connection that speaks HTTP until it `is_socket`.
    pub(super) fn new(stream: S, is_socket: Arc<AtomicBool>) -> Self {
        Self { stream, is_socket, bytes: Bucket::new(0), begun: Instant::now(), pause: None }
    }

    /// Nanoseconds since the beginning, by whole milliseconds: else whoever is read slowly would be read byte by byte.
    fn now(&self) -> i64 {
        i64::try_from(self.begun.elapsed().as_millis()).unwrap_or(i64::MAX).saturating_mul(1_000_000)
    }

    /// What may be read now; waits while that is nothing.
    fn poll_left(&mut self, context: &mut Context<'_>) -> Poll<usize> {
        loop {
            if let Some(pause) = &mut self.pause {
                // It ends by its time.
                let _ = ready!(pause.as_mut().poll(context));
                self.pause = None;
            }
            match usize::try_from(self.bytes.left(BYTES, self.now())).unwrap_or(0) {
                0 => self.pause = Some(Box::pin(timeout(PAUSE, pending()))),
                left => return Poll::Ready(left),
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
        let now = self.now();
        // No more was read than was left.
        self.bytes.take(BYTES, i64::try_from(length).unwrap_or(i64::MAX), now).ok();
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

    const ALL: u64 = 768 * 1024;

    /// How long it takes until a second's worth of bytes more than the burst was read.
    async fn read(is_socket: bool) -> Duration {
        let talker = tokio::io::repeat(7).take(ALL);
        let mut paced = Paced::new(talker, Arc::new(AtomicBool::new(is_socket)));
        let (begun, mut all) = (Instant::now(), Vec::new());
        paced.read_to_end(&mut all).await.unwrap();
        assert_eq!(all.len() as u64, ALL, "nothing is lost");
        begun.elapsed()
    }

    #[tokio::test]
    async fn a_socket_is_read_no_faster_than_its_pace_and_a_request_as_fast_as_it_comes() {
        let (socket, request) = (read(true).await, read(false).await);
        assert!(socket >= Duration::from_millis(950), "{socket:?}");
        assert!(request < socket, "{request:?}");
    }
}
