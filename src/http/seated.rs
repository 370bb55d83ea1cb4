//! A connection and the place that it takes: one of all, one of its address, and how long its peer may take nothing.

use std::future::{Pending, pending};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Timeout, timeout};

use crate::services::crowd::Counted;
pub(super) use crate::services::crowd::Crowd;

/// How long a peer has taken nothing.
struct Patience {
    within: Duration,
    /// Runs while the kernel takes no more for it.
    ends: Option<Pin<Box<Timeout<Pending<()>>>>>,
}

impl Patience {
    fn new(within: Duration) -> Self {
        Self { within, ends: None }
    }

    /// Passes a write's outcome on; one that waits for too long is over.
    fn watch<T>(&mut self, context: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.ends = None;
            return outcome;
        }
        let within = self.within;
        let ends = self.ends.get_or_insert_with(|| Box::pin(timeout(within, pending())));
        ends.as_mut().poll(context).map(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

/// A connection with its place, which it keeps when it becomes a WebSocket or speaks TURN.
pub(super) struct Seated {
    stream: TcpStream,
    patience: Patience,
    _place: OwnedSemaphorePermit,
    _counted: Option<Counted>,
}

impl Seated {
    /// A connection in `place`, whose peer takes something within `read_within`.
    pub(super) fn new(
        stream: TcpStream,
        read_within: Duration,
        place: OwnedSemaphorePermit,
        counted: Option<Counted>,
    ) -> Self {
        Self { stream, patience: Patience::new(read_within), _place: place, _counted: counted }
    }

    /// The connection itself.
    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }
}

impl AsyncRead for Seated {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, to)
    }
}

impl AsyncWrite for Seated {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.patience.watch(context, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.patience.watch(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Of TCP it is always ready, and says nothing about what was taken.
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
